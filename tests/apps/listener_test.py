#!/usr/bin/env python3
"""Where clients live: sockets in chroots, listeners for containers, user and
process namespaces, several users of one key."""

import contextlib
import os
import re
import socket
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
from broker_test import (
    HELLO,
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
    BUILD,
    KEYD_UID,
    ROOT,
    Scratch,
    Tap,
    check,
    expect_words,
    handshake,
    read_text,
    run,
    run_ok,
    wait_for,
)

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
print(kind, status, *names)
"""


def names_for(uid, path, before=()):
    """What keyd lists for this user on that socket; the status of a
    refusal as a number."""
    text = run_ok([*before, sys.executable, "-I", "-c", ASK, str(uid), path])
    kind, status, *names = text.split()
    if status != "0":
        return int(status)
    check(kind == "3", text)
    return names


# --- listeners ---------------------------------------------------------------


def only_its_keys():
    """The same user, two sockets: all keys, and those of the listener."""
    with Scratch() as s:
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
        # It holds the rings of its keys, and no other.
        with Client(s.path("run/web/keyd.sock")) as c:
            c.generation()
            expect_words(s.keyd_log(), "listening on")
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
        # Not root either, whom the policy names.
        check(names_for(0, s.socket) == ["site"], "root")
        check(names_for(0, path) == NO_KEYS, "root through the listener")
        logged(s, r"turned away: peer pid=\d+ uid=0 gid=0 listener=web: ")
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
        os.mkdir(precious, 0o755)
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
        expect_words(s.keyd_log(), f"cannot listen on {path}: Permission denied")
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
    ("through a listener only its keys are there", only_its_keys, False),
    ("through a listener no other key signs", is_signing_refused, False),
    ("a listener serves whom it and the policy name", only_its_users, True),
    ("a reload changes what a listener gives", reload_takes_keys_away, False),
    ("a listener is one user to quotas", quota_of_its_own, False),
    ("a chroot that is missing is waited for", missing_chroot, False),
    ("takes several inherited sockets by their names", activated_with_several, False),
    ("a chroot's owner leads root nowhere", chroot_of_another, True),
    ("a folder that several can write is refused", folder_of_several, True),
]


def main(only):
    """All tests, or those whose names have one of the words in them."""
    for name, fn, needs_root in TESTS:
        if only and not any(word in name for word in only):
            continue
        if needs_root and not ROOT:
            tap.skip(name, "needs root")
        else:
            tap.run(name, fn)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
