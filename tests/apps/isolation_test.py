#!/usr/bin/env python3
"""Who can reach which key: peers among each other, forked children on their
parent's connection, and what the broker is linked with."""

import os
import socket
import struct
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    BUILD,
    ROOT,
    Scratch,
    Tap,
    check,
    expect_words,
    is_sanitized,
    run,
    run_ok,
    wait_for,
)
from syscalls import CHEAP, calls_of_application, calls_of_session, in_words

PEER_A, PEER_B, NOBODYS = 58401, 58402, 58403
HELLO, SIGN, REPLY = 1, 4, 0x80
OK, UNKNOWN_KEY, NOT_PERMITTED, IDENTITY = 0, 4, 5, 9
tap = Tap()


# --- through the provider ---------------------------------------------------


def request(s, cert, conf, uid=None):
    """openssl req with a csr key, as the user uid."""
    out = s.path(f"requests/{cert.name}-{uid}.csr")
    return run(
        ["openssl", "req", "-new", "-key", cert.key, "-out", out]
        + ["-subj", "/CN=localhost"],
        env=s.environment(conf),
        user=uid,
    )


def may(s, cert, conf, uid):
    status, text = request(s, cert, conf, uid)
    check(status == 0, text)


def may_not(s, cert, conf, uid, *words):
    status, text = request(s, cert, conf, uid)
    check(status != 0, f"uid {uid} signed with {cert.name}")
    expect_words(text, *words)


def test_peers(s, conf):
    a = s.certificate("of-a", "ec:P-256")
    b = s.certificate("of-b", "ec:P-256")
    gone = s.certificate("gone", "ec:P-256")
    for cert, allow in ((a, f"uid:{PEER_A}"), (b, f"uid:{PEER_B}")):
        s.import_key(cert, "csr", allow)
    s.import_key(gone, "csr", f"uid:{PEER_A}")
    for cert in (a, b, gone):
        os.chmod(cert.key, 0o644)  # all may read the shell: no secret
    s.ctl_ok("remove", "--yes", "gone")
    tap.run("a peer signs with its own key", may, s, a, conf, PEER_A)
    tap.run("another signs with its own", may, s, b, conf, PEER_B)
    tap.run(
        "a peer cannot use another's key",
        may_not,
        s,
        b,
        conf,
        PEER_A,
        "of-b",
        "this user may not use it",
    )
    tap.run(
        "a key that keyd does not have is called unknown",
        may_not,
        s,
        gone,
        conf,
        PEER_A,
        "gone",
        "does not have this key",
    )
    tap.run(
        "who may use no key is turned away",
        may_not,
        s,
        a,
        conf,
        NOBODYS,
        "may not use any key",
    )
    tap.run(
        "keyd's log names peer and key of each refusal",
        lambda: expect_words(
            s.keyd_log(),
            f"uid={PEER_A}",
            "this user may not use it",
            "does not have this key",
            f"uid={NOBODYS}",
            "may not use any key",
        ),
    )


# --- on the socket ----------------------------------------------------------


def frame(kind, number, body=b""):
    return struct.pack(">BBHI", 1, kind, 0, number) + body


def send(sock, data, ids=None):
    pid, uid, gid = ids or (os.getpid(), os.geteuid(), os.getegid())
    sock.sendmsg(
        [data],
        [
            (
                socket.SOL_SOCKET,
                socket.SCM_CREDENTIALS,
                struct.pack("iII", pid, uid, gid),
            )
        ],
        socket.MSG_NOSIGNAL,
    )


def status_of(reply, kind, number):
    """The status of a reply to this request, or of a refusal of the sender,
    whose request is not looked at."""
    version, got, status, got_number = struct.unpack(">BBHI", reply[:8])
    check(
        (version, got, got_number)
        in ((1, kind | REPLY, number), (1, REPLY, 0)),
        reply.hex(),
    )
    return status


def connect(s):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(10)
    sock.connect(s.socket)
    return sock


def in_child(fn):
    """Runs fn in a forked child; its exit status, 0 when fn returned."""
    pid = os.fork()
    if pid == 0:
        try:
            fn()
            os._exit(0)
        except BaseException as e:  # the child must not go on as the parent
            print(f"# child: {e!r}", flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def child_on_connection(s, before=lambda: None):
    with connect(s) as sock:
        send(sock, frame(HELLO, 1))
        check(status_of(sock.recv(4096), HELLO, 1) == OK, "hello of the parent")

        def child():
            before()
            send(sock, frame(HELLO, 2))
            status = status_of(sock.recv(4096), HELLO, 2)
            check(status == IDENTITY, f"status {status}")
            check(sock.recv(4096) == b"", "the connection is still open")

        check(in_child(child) == 0, "the child was served")
    wait_for(
        "the refusal in keyd's log",
        lambda: "is not the process that connected" in s.keyd_log(),
        5,
    )


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def changed_user(s):
    """The same process under another user is another client."""

    def child():
        with connect(s) as sock:
            send(sock, frame(HELLO, 1))
            check(status_of(sock.recv(4096), HELLO, 1) == OK, "hello")
            become(PEER_A)
            send(sock, frame(HELLO, 2))
            status = status_of(sock.recv(4096), HELLO, 2)
            check(status == IDENTITY, f"status {status}")

    check(in_child(child) == 0, "see above")


def test_socket(s):
    tap.run(
        "a forked child on its parent's connection is refused",
        child_on_connection,
        s,
    )
    if ROOT:
        tap.run(
            "an unprivileged child that inherited root's socket is refused",
            child_on_connection,
            s,
            lambda: become(PEER_B),
        )
        tap.run("a process that changed its user is refused", changed_user, s)
    else:
        for what in ("an unprivileged child", "a process that changed user"):
            tap.skip(f"{what} is refused", "needs root")


# --- a child through the provider -------------------------------------------

FORKING = """
import os, ssl, sys
cert, key, uid, refused = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(cert, key)
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.load_verify_locations(cert)

def handshake():
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    c = client.wrap_bio(a, b, server_hostname="localhost")
    s = server.wrap_bio(b, a, server_side=True)
    left = {c, s}
    for _ in range(10):
        for side in list(left):
            try:
                side.do_handshake()
                left.discard(side)
            except ssl.SSLWantReadError:
                pass
        if not left:
            return
    raise SystemExit("the handshake does not end")

handshake()
pid = os.fork()
if pid == 0:
    if uid >= 0:
        os.setgroups([]); os.setresgid(uid, uid, uid); os.setresuid(uid, uid, uid)
    try:
        handshake()
        os._exit(0)
    except ssl.SSLError as e:
        print("child:", e, flush=True)
        os._exit(3)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
handshake()  # the parent's connection is as it was
sys.exit(0 if status == (3 if refused == "refused" else 0) else f"child: {status}")
"""


def forking(s, cert, conf, uid, expected):
    run_ok(
        [sys.executable, "-c", FORKING, cert.cert, cert.key, str(uid)]
        + [expected],
        env=s.environment(conf),
    )


def test_fork(s, conf):
    cert = s.certificate("forked", "ec:P-256")
    allow = s.everyone() + (f" uid:{PEER_A}" if ROOT else "")
    s.import_key(cert, "tls-server", allow)
    tap.run(
        "a forked child reconnects by itself through the provider",
        forking,
        s,
        cert,
        conf,
        -1,
        "works",
    )
    if not ROOT:
        for what in ("permitted", "other"):
            tap.skip(f"a child that became a {what} user", "needs root")
        return
    tap.run(
        "a child that became another permitted user connects as that",
        forking,
        s,
        cert,
        conf,
        PEER_A,
        "works",
    )
    tap.run(
        "a child that became a user who may not is refused",
        forking,
        s,
        cert,
        conf,
        NOBODYS,
        "refused",
    )


# --- what is linked, what is called -----------------------------------------


def no_libcrypto(program):
    text = run_ok(["ldd", f"{BUILD}/keyd/{program}"])
    check("libcrypto" not in text and "libssl" not in text, text)
    return text


def links_libcrypto():
    check(
        "libcrypto" in run_ok(["ldd", f"{BUILD}/keyd/keyd-session"]),
        "ldd shows no libcrypto even where it must",
    )


def one_send_one_receive(count, *args):
    """Nothing else carries data or waits."""
    per_signature = count(*args)
    notes = in_words(per_signature)
    carried = {n: c for n, c in per_signature.items() if n not in CHEAP}
    check(set(carried) == {"sendmsg", "recvmsg"}, notes)
    check(all(abs(calls - 1) < 0.02 for calls in carried.values()), notes)
    return notes


def test_programs(s, conf):
    for program in ("keyd", "keyd-logger"):
        tap.run(f"{program} is not linked with libcrypto", no_libcrypto, program)
    tap.run("ldd would show it: keyd-session has it", links_libcrypto)
    if is_sanitized():
        return
    cert = s.certificate("counted", "ec:P-256")
    s.import_key(cert, "tls-server")
    tap.run(
        "an application sends and receives once a signature",
        one_send_one_receive,
        calls_of_application,
        s,
        cert,
        conf,
    )
    if ROOT:
        tap.run(
            "a session receives and sends once a signature",
            one_send_one_receive,
            calls_of_session,
            s,
            cert,
            conf,
        )
    else:
        tap.skip("a session's system calls", "needs root")


def main():
    with Scratch() as s:
        os.mkdir(s.path("requests"))
        os.chmod(s.path("requests"), 0o777)
        s.start_keyd()
        conf = s.openssl_conf(timeout=1500)
        if ROOT:
            test_peers(s, conf)
        else:
            for what in ("a peer uses", "another peer's key is not used"):
                tap.skip(what, "needs root")
        test_fork(s, conf)
        test_socket(s)
        test_programs(s, conf)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
