#!/usr/bin/env python3
"""Where clients live: sockets in chroots, listeners for containers, user and
process namespaces, several users of one key."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
from broker_test import (
    KEYD,
    LIMIT,
    NO_KEYS,
    SESSIONS_USER,
    Client,
    activate,
    add_key,
    logged,
)
from keyd_scratch import (
    ROOT,
    BUILD,
    Scratch,
    Tap,
    check,
    expect_words,
    is_sanitized,
    read_text,
    run,
    run_ok,
    wait_for,
)

IDENTITY, NOBODY = 9, 14
LISTENER = 33  # a detail
tap = Tap()
US = f"uid:{os.geteuid()}"
# Users of the tests' own: no account has these.
ALICE, BOB, EVE = 58101, 58102, 58103


def with_listeners(s, *listeners):
    """Adds [listener NAME] with its settings to keyd.conf."""
    s.write_conf()
    with open(s.conf, "a", encoding="utf-8") as f:
        for name, settings in listeners:
            f.write(f"[listener {name}]\n")
            f.writelines(f"{k} = {v}\n" for k, v in settings.items())


def web(**settings):
    return (
        "web",
        {"socket": "run/web/keyd.sock", "keys": "site", "allow": US, **settings},
    )


ASK = """
import os, socket, struct, sys
uid = int(sys.argv[1])
if os.geteuid() == 0 and uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(20)
s.connect(sys.argv[2])
who = struct.pack("iII", os.getpid(), os.geteuid(), os.getegid())
try:
    s.sendmsg([struct.pack(">BBHII", 1, 3, 0, 1, 0)],
              [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, who)])
except (BrokenPipeError, ConnectionResetError):
    pass
try:
    r = s.recv(16384)
except ConnectionResetError:
    r = s.recv(16384)
kind, status = r[1] & 0x7f, struct.unpack(">H", r[2:4])[0]
names, rest = [], r[14:]
while status == 0 and rest:
    names.append(rest[33:33 + rest[32]].decode())
    rest = rest[33 + rest[32]:]
print(kind, status, *(names if status == 0 else r[9:10]))
"""


def names_for(uid, path, before=(), detail=False):
    """What keyd lists for this user on that socket; the status of a
    refusal as a number, or its detail."""
    text = run_ok([*before, sys.executable, "-I", "-c", ASK, str(uid), path])
    kind, status, *names = text.split()
    if status != "0":
        return int(names[0] if detail else status)
    check(kind == "3", text)
    return names


# --- listeners ---------------------------------------------------------------


def only_its_keys():
    """The same user, several sockets: all keys, and those of the listener. The
    session has no ring with others: of keys with one policy there is a ring for
    those of web, those of mail, and the rest."""
    with Scratch(**{"log-level": "debug"}) as s:
        for name in ("site", "mail-a", "mail-b", "other"):
            add_key(s, name)
        add_key(s, "roots", allow="uid:0" if not ROOT else "uid:1")
        with_listeners(
            *[s, web(), ("mail", {"socket": "run/mail/keyd.sock"})],
        )
        with open(s.conf, "a", encoding="utf-8") as f:
            f.write(f"keys = mail-* roots\nallow = {US}\n")
        s.start_keyd()
        for path, expected in (
            (s.socket, ["mail-a", "mail-b", "other", "site"]),
            (s.path("run/web/keyd.sock"), ["site"]),
            (s.path("run/mail/keyd.sock"), ["mail-a", "mail-b"]),
        ):
            check(
                sorted(names_for(os.geteuid(), path)) == expected,
                f"{path}: {names_for(os.geteuid(), path)}",
            )
        sockets = s.state()["sockets"]
        check(
            sockets["2"] == f"{s.path('run/web/keyd.sock')} (listener web)",
            f"{sockets}",
        )
        me = f"session .* peer pid {os.getpid()} .*, (.) rings"
        for path, rings in ((s.socket, 3), (s.path("run/web/keyd.sock"), 1)):
            seen = len(re.findall(me, s.keyd_log()))
            with Client(path) as c:
                c.generation()
            found = wait_for(
                "the session in the log",
                lambda: re.findall(me, s.keyd_log())[seen:],
            )
            check(found == [str(rings)], f"{path}: {found}")
        check(s.stop_keyd() == 0, "exit code")
        check(not os.path.exists(s.path("run/web/keyd.sock")), "its file stays")


def is_signing_refused():
    """keyd has the key, its policy allows us, but not through here."""
    with Scratch() as s:
        certs = {n: s.certificate(n, "ec:P-256") for n in ("site", "other")}
        with_listeners(s, web())
        s.start_keyd()
        for cert in certs.values():
            s.import_key(cert, "sign")
        conf = s.openssl_conf(socket=s.path("run/web/keyd.sock"))
        env = s.environment(conf)
        data = s.write("data", "to be signed\n")
        sign = ["openssl", "dgst", "-sha256", "-sign"]
        run_ok([*sign, certs["site"].key, "-out", s.path("sig"), data], env=env)
        status, text = run(
            [*sign, certs["other"].key, "-out", s.path("sig"), data], env=env
        )
        check(status != 0, text)
        logged(s, r"refused sign:.* listener=web session=")
        expect_words(s.keyd_log(), "may not use")


def only_its_users():
    """Both must name him: the policy and the listener."""
    with Scratch() as s:
        add_key(s, allow=f"{US} uid:{ALICE} uid:{BOB}")
        with_listeners(s, web(allow=f"uid:{BOB}-{EVE}"))
        s.start_keyd()
        path = s.path("run/web/keyd.sock")
        check(names_for(ALICE, s.socket) == ["site"], "alice")
        check(names_for(ALICE, path) == NO_KEYS, "alice through the listener")
        check(names_for(BOB, path) == ["site"], "bob")
        check(names_for(EVE, path) == NO_KEYS, "eve")
        detail = names_for(ALICE, path, detail=True)
        check(detail == LISTENER, "which of both it was: the listener")
        detail = names_for(EVE, path, detail=True)
        check(detail == 0, "which of both it was: the policy")
        # Not root either, whom the policy names.
        check(names_for(0, s.socket) == ["site"], "root")
        check(names_for(0, path) == NO_KEYS, "root through the listener")
        logged(s, r"turned away: peer pid=\d+ uid=0 gid=0 listener=web: .*listener.*the uid that keyd sees")
        with_listeners(s, web(allow="root"))
        check(s.reload_keyd() == "ok", "reload")
        check(names_for(0, path) == ["site"], "root, named")
        check(names_for(BOB, path) == NO_KEYS, "bob, no longer")


def reload_takes_keys_away():
    """What a listener gives can change, and a session notices."""
    with Scratch() as s:
        add_key(s)
        add_key(s, "other")
        with_listeners(s, web(keys="*"))
        s.start_keyd()
        path = s.path("run/web/keyd.sock")
        with Client(path) as c:
            check(sorted(c.names()) == [b"other", b"site"], "before")
            with_listeners(s, web(keys="other"))
            check(s.reload_keyd() == "ok", "reload")
            check(c.answer() is None, "the session of before goes on")
        with Client(path) as c:
            check(c.names() == [b"other"], "after")
        with_listeners(s, web(), ("new", dict(web()[1], socket="run/n.sock")))
        check(s.reload_keyd() == "failed", "reload with a new one")
        expect_words(s.keyd_log(), "listener has changed, which needs a restart")
        with_listeners(s, web(allow="no-such-user"))
        check(s.reload_keyd() == "ok", "reload")
        expect_words(s.state()["reasons"]["1"], "[listener web]: allow:")
        check(names_for(os.geteuid(), path) == NO_KEYS, "nobody is let in")


def quota_of_its_own():
    """Who is root in a container can be all its users; he uses up neither
    what those have outside, nor more than one user might."""
    with Scratch(**{"max-sessions-per-user": 2}) as s:
        add_key(s, allow=f"{US} uid:{ALICE}")
        with_listeners(s, web(allow=f"{US} uid:{ALICE}"))
        s.start_keyd()
        path = s.path("run/web/keyd.sock")
        with Client(path) as a, Client(path) as b:
            a.generation()
            b.generation()
            with Client(path) as c:
                c.refused(LIMIT, SESSIONS_USER)
            if ROOT:
                check(names_for(ALICE, path) == LIMIT, "another user of it")
                check(names_for(ALICE, s.socket) == ["site"], "outside")
            with Client(s.socket) as c:
                c.generation()


def as_keydctl_tells():
    """status, check, show and list speak of listeners."""
    with Scratch() as s:
        for name in ("site", "other"):
            add_key(s, name)
        lost = {"socket": "nowhere/keyd.sock", "keys": "shop-*", "allow": US}
        allow = f"uid:{os.geteuid() + 1}"
        strict = {"socket": "run/s.sock", "keys": "site", "allow": allow}
        with_listeners(s, web(), ("strict", strict), ("lost", lost))
        s.start_keyd()
        path = s.path("nowhere/keyd.sock")
        expect_words(
            s.ctl_ok("status"),
            f"{s.path('run/web/keyd.sock')} (listener web)\n",
            f"{path} (listener lost): No such file or directory",
        )
        status, text = s.ctl("check")
        check(status == 1, f"exit {status}: {text}")
        expect_words(
            text,
            f"{path}: cannot connect to it",
            "[listener lost]: there is no key that its keys name (shop-*)",
            f"site: [listener strict] has this key, but lets none of its users in ({US})",
        )
        check("[listener web]" not in text, text)
        expect_words(s.ctl_ok("show", "site"), "listeners     web strict\n")
        check("listeners" not in s.ctl_ok("show", "other"), "other has none")
        keys = {k["name"]: k for k in json.loads(s.ctl_ok("--json", "list"))}
        check(keys["site"]["listeners"] == ["web", "strict"], f"{keys}")
        check(keys["other"]["listeners"] == [], f"{keys}")


# --- containers ----------------------------------------------------------------


def for_all(name):
    """A program of ours, where every user can read it: not in a home folder,
    as the sources may be."""
    return shutil.copy(
        f"{os.path.dirname(HERE)}/support/{name}", f"{BUILD}/tests/apps"
    )


CONTAINER = ["/usr/bin/python3", "-I", for_all("container.py")]


def bare_environment(s):
    """What programs need to load the provider, but for its openssl.cnf."""
    env = s.environment("/dev/null")
    del env["OPENSSL_CONF"]
    return env


def contained(kind, s, uid, *command, env=None):
    """(exit status, output) of a command in a container that is shown the
    folder of the listener web."""
    argv = [*CONTAINER, kind, s.path("run/web"), str(uid), *command]
    return run(argv, env=env)


def impossible():
    """Why there can be no container here."""
    if not ROOT:
        return "needs root"
    if is_sanitized():
        return "what is restricted here a sanitizer needs"
    with Scratch() as s:
        os.mkdir(s.path("run/web"))
        status, text = contained("podman", s, 0, "true")
    # Its last line is the reason.
    return f"no namespaces: {text.split(chr(10))[-2]}" if status else None


@contextlib.contextmanager
def with_container(users, allow, **settings):
    """A keyd with keys site and other, a listener for the first, and what a
    container needs to use them: cert, conf, shells()."""
    with Scratch() as s:
        with_listeners(s, web(allow=allow))
        s.start_keyd()
        s.cert = s.certificate("site", "ec:P-256")
        s.other = s.certificate("other", "ec:P-256")
        for cert in (s.cert, s.other):
            s.import_key(cert, "tls-server", allow=users)
            # Its users are not this machine's; it is no secret.
            os.chmod(cert.key, 0o644)
        s.conf_inside = s.openssl_conf(
            name="inside.cnf", socket="/run/openssl-keyd/keyd.sock", **settings
        )
        yield s
        check(s.stop_keyd() == 0, "exit code")


def serve(kind, s, uid, cert=None, conf=None):
    """Has s_server in the container do a handshake."""
    cert = cert or s.cert
    return contained(
        *[kind, s, uid, *CONTAINER, "s_server", cert.cert, cert.key],
        conf or s.conf_inside,
        env=bare_environment(s),
    )


def serves(kind, s, uid):
    status, text = serve(kind, s, uid)
    check(status == 0, f"uid {uid}: {status}\n{text}")
    expect_words(text, "handshake TLSv1.3")


def refuses(kind, s, uid, *words, **kwargs):
    status, text = serve(kind, s, uid, **kwargs)
    check(status != 0, f"uid {uid} was served")
    expect_words(text + s.keyd_log(), *words)


def docker():
    """Users are the same inside and outside; nothing of it is implied."""
    users = "uid:0 uid:33 uid:34"
    with with_container(users, "uid:0 uid:33 uid:35") as s:
        for uid in (0, 33):
            serves("docker", s, uid)
        refuses("docker", s, 0, "may not use", "listener=web", cert=s.other)
        # Whom only the policy names, and whom only the listener does.
        for uid in (34, 35):
            refuses("docker", s, uid, f"uid={uid} gid={uid} listener=web: ")
        with_listeners(s, web(allow="uid:33"))
        check(s.reload_keyd() == "ok", "reload")
        refuses("docker", s, 0, "uid=0 gid=0 listener=web: ")
        serves("docker", s, 33)
        # The abstract socket is in another network namespace.
        names = [f"abstract-socket = {s.abstract}", "socket = /run/none"]
        names += ["timeout = 300"]
        text = re.sub("socket = .*", "\n".join(names), read_text(s.conf_inside))
        conf = s.write("abstract.cnf", text)
        refuses("docker", s, 33, "Connection refused", conf=conf)


def podman():
    """Its root is a user outside, its users are a range that has no account
    there; and all outside are the overflow id to it."""
    users = "uid:58101 uid:100032 uid:165533"
    allow = "uid:58101 uid:100000-165534"
    with with_container(users, allow, server_user="unmapped") as s:
        # root; www-data; nobody, who is somebody outside.
        for uid in (0, 33, 65534):
            serves("podman", s, uid)
        refuses("podman", s, 33, "may not use", "listener=web", cert=s.other)
        refuses("podman", s, 34, "uid=100033 gid=100033 listener=web: ")
        # Unless it is told, the provider does not trust the overflow id.
        text = read_text(s.conf_inside).replace("server-user = unmapped\n", "")
        conf = s.write("mapped.cnf", text)
        refuses("podman", s, 0, "not keyd", conf=conf)


def keyd_in_user_namespace():
    """Not unless it is told to; then whoever is not mapped is nobody."""
    mapped = [*CONTAINER, "mapped", KEYD]
    with Scratch() as s:
        add_key(s, allow=f"uid:0 uid:{ALICE}")
        s.write_conf(user_namespace=None)
        for options in ([], ["-t"]):
            status, text = run([*mapped, *options, "-c", s.conf])
            check(status == 1, f"exit {status}")
            words = f"{s.conf}: user-namespace (default): keyd runs in a user"
            expect_words(text, words, "user-namespace = allow")
        s.write_conf(user_namespace="allow")
        s.keyd = s.program([*mapped, "-c", s.conf], "keyd")
        s.keyd.wait_output("(?m)ready$")
        check(names_for(0, s.socket) == ["site"], "root")
        check(names_for(ALICE, s.socket) == ["site"], "alice")
        check(names_for(100000, s.socket) == NOBODY, "the overflow id")
        check(s.stop_keyd() == 0, "exit code")


def process_namespaces():
    """Of a client below its own namespace keyd knows the process; of another it
    does not, and refuses it."""
    below = ["unshare", "--pid", "--fork", "--kill-child"]
    with Scratch() as s:
        add_key(s)
        s.start_keyd()
        check(names_for(0, s.socket, below) == ["site"], "a client below")
        s.stop_keyd()
        keyd = s.program([*below, KEYD, "-c", s.conf], "keyd")
        keyd.wait_output("ready(.|\n)*ready")
        check(names_for(0, s.socket) == IDENTITY, "a client above")
        check(names_for(0, s.socket, below) == IDENTITY, "a client beside")
        # unshare passes nothing on; its child dies with it.
        keyd.stop(signal.SIGKILL)


# --- users of one key ------------------------------------------------------------


def two_users_of_one_key():
    """Two programs with users of their own, one key; a third has none."""
    with Scratch() as s:
        s.start_keyd()
        cert = s.certificate("site", "ec:P-256")
        s.import_key(cert, "tls-server", allow=f"uid:{ALICE} uid:{BOB}")
        os.chmod(cert.key, 0o644)
        conf = s.openssl_conf()
        command = [*CONTAINER, "s_server", cert.cert, cert.key, conf]
        for uid, is_served in ((ALICE, True), (BOB, True), (EVE, False)):
            drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}"]
            status, text = run(
                [*drop, "--clear-groups", *command], env=bare_environment(s)
            )
            check((status == 0) == is_served, f"uid {uid}: {status}\n{text}")
            expect_words(
                text, "handshake TLSv1.3" if is_served else "no key for this user"
            )


# --- units that restrict --------------------------------------------------------

REDIS_CALLS = "@system-service,~@privileged @resources"


def restricted():
    """Handshakes under what units of systemd restrict, and what is said where
    there can be none."""
    confine = for_all("confine.py")
    with Scratch() as s:
        s.start_keyd()
        cert = s.certificate("site", "ec:P-256")
        s.import_key(cert, "tls-server", allow=f"uid:{ALICE}")
        os.chmod(cert.key, 0o644)
        os.mkdir(s.path("modules"))
        module = shutil.copy(f"{BUILD}/provider/keyd.so", s.path("modules"))
        path = s.openssl_conf(name="path.cnf", module=module, timeout="300")
        both = s.openssl_conf(
            name="both.cnf",
            module=module,
            timeout="300",
            abstract_socket=s.abstract,
        )
        run_folder, modules = s.path("run"), s.path("modules")
        for conf, restrictions, words in (
            (path, [], None),
            (path, ["deny-wx"], None),
            (path, [f"filter={REDIS_CALLS}"], None),
            (path, ["private-network"], None),
            (path, [f"private-users={ALICE}"], None),
            (path, [f"read-only={run_folder}"], None),
            (both, [f"hide={run_folder}"], None),
            (path, [f"hide={run_folder}"], "Permission denied"),
            (path, ["no-unix"], "Address family not supported"),
            (path, [f"no-exec={modules}"], "server certificate private key"),
            (both, ["private-network", f"hide={run_folder}"], "refused"),
        ):
            # Filters stay on what is started after them.
            restrictions = sorted(
                [*restrictions, f"runs={ALICE}"],
                key=lambda one: one.startswith(("filter", "no-unix", "deny")),
            )
            status, text = run(
                [*CONTAINER[:2], confine, *restrictions, "--", *CONTAINER]
                + ["s_server", cert.cert, cert.key, conf],
                env=bare_environment(s),
            )
            check((status == 0) == (words is None), f"{restrictions}: {text}")
            expect_words(text, words or "handshake TLSv1.3")


# --- sockets in a chroot ------------------------------------------------------


def missing_chroot():
    """Its folder is not there: that is no outage, and mended by itself."""
    with Scratch() as s:
        add_key(s)
        path = s.path("jail/run/keyd.sock")
        s.write_conf(socket=f"run/keyd.sock, {path}")
        status, text = run([KEYD, "-t", "-c", s.conf])
        check(status == 1, f"-t: {status}")
        expect_words(text, "jail/run/", "No such file")
        s.start_keyd()
        expect_words(
            s.keyd_log(),
            f"{s.conf}:1: socket: cannot listen on {path}: No such file",
            "tries again",
        )
        with Client(s.socket) as c:
            c.generation()
        waits = f"{path}: No such file or directory"
        check(s.state()["sockets"]["2"] == waits, f"{s.state()}")
        os.makedirs(os.path.dirname(path))
        s.keyd.wait_output(f"listening on {path} now")
        wait_for("state", lambda: s.state()["sockets"]["2"] == path)
        check(names_for(os.geteuid(), path) == ["site"], "it does not serve")
        # The chroot is made anew.
        os.rename(s.path("jail"), s.path("old"))
        os.makedirs(os.path.dirname(path))
        check(s.reload_keyd() == "ok", "reload")
        check(names_for(os.geteuid(), path) == ["site"], "after the reload")
        expect_words(s.keyd_log(), f"the socket {path} has gone")


def chrooted():
    """A program in a chroot finds the socket there, at the path where it would
    be outside; without it, none."""
    with Scratch() as s:
        jail = s.path("jail")
        os.makedirs(f"{jail}/run/openssl-keyd")
        inside = f"{jail}/run/openssl-keyd/keyd.sock"
        s.write_conf(socket=f"run/keyd.sock {inside}")
        s.start_keyd()
        cert = s.certificate("site", "ec:P-256")
        s.import_key(cert, "tls-server", allow=f"uid:{ALICE}")
        conf = s.openssl_conf(
            socket="/run/openssl-keyd/keyd.sock", timeout="300"
        )
        argv = [*CONTAINER, "chrooted", cert.cert, cert.key, jail, str(ALICE)]
        text = run_ok(argv, env=s.environment(conf))
        expect_words(text, "handshake TLSv1.3 TLSv1.3")
        os.unlink(inside)
        status, text = run(argv, env=s.environment(conf))
        check(status != 0, text)
        expect_words(text, "SSLError")
        check(s.reload_keyd() == "ok", "reload")
        run_ok(argv, env=s.environment(conf))


def activated_with_several():
    """systemd hands over two sockets: each is known by its path, and one that
    keyd.conf does not name has no door."""
    with Scratch() as s:
        add_key(s)
        add_key(s, "other")
        os.mkdir(s.path("run/web"))
        with_listeners(s, web())
        with contextlib.ExitStack() as stack:
            sockets = []
            for path in ("run/web/keyd.sock", "run/keyd.sock"):
                one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                stack.enter_context(one)
                one.bind(s.path(path))
                one.listen()
                sockets.append(one)
            s.keyd = activate(s, sockets)
            s.keyd.wait_output("ready")
            path = s.path("run/web/keyd.sock")
            expect_words(s.keyd_log(), f"{path} (inherited)")
            check(names_for(os.geteuid(), path) == ["site"], "the listener")
            found = names_for(os.geteuid(), s.socket)
            check(sorted(found) == ["other", "site"], f"{found}")
            s.stop_keyd()
            s.write_conf()
            program = activate(s, sockets)
            check(program.process.wait(20) == 1, "exit code")
            expect_words(
                program.output(), f"the inherited socket {path} stands neither"
            )


def chown_all(path, uid):
    for where, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(os.path.join(where, name), uid, uid, follow_symlinks=False)
    os.chown(path, uid, uid)


def chroot_of_another():
    """Its owner can lead root nowhere: what is bound and removed there is with
    his rights alone."""
    with Scratch() as s:
        add_key(s, allow=f"{US} uid:{EVE}")
        jail, precious = s.path("jail"), s.path("precious")
        os.makedirs(f"{jail}/run")
        os.mkdir(precious)
        os.chmod(precious, 0o775)  # root's group can write as well
        chown_all(jail, EVE)
        path = f"{jail}/run/keyd.sock"
        s.write_conf(socket=f"run/keyd.sock {path}")
        s.start_keyd()
        check(os.stat(path).st_uid == EVE, "the file is not his")
        check(names_for(EVE, path) == ["site"], "it does not serve")
        s.stop_keyd()
        check(not os.path.exists(path), "the file stays")
        # A link to where only root may write: nothing is made there ...
        os.rmdir(f"{jail}/run")
        os.symlink(precious, f"{jail}/run")
        os.lchown(f"{jail}/run", EVE, EVE)
        s.start_keyd()
        expect_words(
            s.keyd_log(),
            f"cannot listen on {path}: Permission denied with the rights of "
            f"uid {EVE}, who owns {jail}, ",
            f"let that user write to {jail}/run (chown)",
        )
        check(os.listdir(precious) == [], "a file in root's folder")
        s.stop_keyd()
        # ... and no socket of root's there is taken for a stale one.
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as dead:
            dead.bind(f"{precious}/keyd.sock")
        s.start_keyd()
        check(os.listdir(precious) == ["keyd.sock"], "root's socket is gone")
        # While it runs, the folder becomes such a link: its end removes nothing.
        s.stop_keyd()
        os.unlink(f"{precious}/keyd.sock")
        os.unlink(f"{jail}/run")
        os.mkdir(f"{jail}/run")
        chown_all(jail, EVE)
        s.start_keyd()
        os.rename(path, f"{jail}/moved")
        os.link(f"{jail}/moved", f"{precious}/keyd.sock")
        os.rmdir(f"{jail}/run")
        os.symlink(precious, f"{jail}/run")
        s.stop_keyd()
        check(os.listdir(precious) == ["keyd.sock"], "root's file is gone")


def folder_of_several():
    """Where a group or all can write there is no one to act as."""
    with Scratch() as s:
        add_key(s)
        os.makedirs(s.path("jail/run"))
        os.chmod(s.path("jail"), 0o775)
        path = s.path("jail/run/keyd.sock")
        s.write_conf(socket=f"run/keyd.sock {path}")
        s.start_keyd()
        expect_words(s.keyd_log(), path, "can be written by others (mode 0775)")
        check(not os.path.exists(path), "it was made")
        os.chmod(s.path("jail"), 0o755)
        check(s.reload_keyd() == "ok", "reload")
        check(names_for(os.geteuid(), path) == ["site"], "it does not serve")


TESTS = [
    ("through a listener only its keys are there", only_its_keys, None),
    ("through a listener no other key signs", is_signing_refused, None),
    ("a listener serves whom it and the policy name", only_its_users, "root"),
    ("a reload changes what a listener gives", reload_takes_keys_away, None),
    ("a listener is one user to quotas", quota_of_its_own, None),
    ("keydctl tells of listeners", as_keydctl_tells, None),
    ("in a container like Docker's", docker, "namespaces"),
    ("in a container like rootless Podman's", podman, "namespaces"),
    ("keyd in a user namespace", keyd_in_user_namespace, "namespaces"),
    ("clients in other process namespaces", process_namespaces, "namespaces"),
    ("under what units of systemd restrict", restricted, "namespaces"),
    ("two users of one key, and a third", two_users_of_one_key, "root"),
    ("a chroot that is missing is waited for", missing_chroot, None),
    ("a program in a chroot uses the socket there", chrooted, "root"),
    ("takes several inherited sockets by their names", activated_with_several, None),
    ("a chroot's owner leads root nowhere", chroot_of_another, "root"),
    ("a folder that several can write is refused", folder_of_several, "root"),
]


def main(only):
    """All tests, or those whose names have one of the words in them."""
    missing = {
        None: None,
        "root": None if ROOT else "needs root",
        "namespaces": impossible(),
    }
    for name, fn, needs in TESTS:
        if only and not any(word in name for word in only):
            continue
        if missing[needs]:
            tap.skip(name, missing[needs])
        else:
            tap.run(name, fn)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
