#!/usr/bin/env python3
"""The broker as a program: start, check, reload, stop, sockets, activation,
quotas, back-off, and what it does when its own processes die."""

import contextlib
import os
import re
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
from keyd_scratch import (
    BUILD,
    ROOT,
    Scratch,
    Tap,
    check,
    expect_words,
    read_text,
    run,
    run_ok,
    wait_for,
)

KEYD = f"{BUILD}/keyd/keyd"
# docs/PROTOCOL.md: types, statuses, details
HELLO, LIST = 1, 3
LIMIT, BACK_OFF, NO_KEYS, NOBODY = 7, 8, 11, 14
SESSIONS, SESSIONS_USER = 17, 18
tap = Tap()


class Client:
    """A connection to keyd, as the provider makes it."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(address)
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def call(self, kind, body=b""):
        """(type, status, detail or body) of the answer; None when keyd
        closed the connection."""
        self.id += 1
        request = struct.pack(">BBHI", 1, kind, 0, self.id) + body
        who = struct.pack("iII", os.getpid(), os.geteuid(), os.getegid())
        credentials = (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, who)
        # keyd may have answered, and closed, already.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendmsg([request], [credentials])
        return self.answer()

    def answer(self):
        for _ in range(2):
            try:
                reply = self.socket.recv(16384)
                break
            except ConnectionResetError:
                continue
        else:
            return None
        if not reply:
            return None
        _, kind, status, _ = struct.unpack(">BBHI", reply[:8])
        rest = reply[8:]
        if status:
            rest = struct.unpack(">H", rest)[0]
        return kind & 0x7F, status, rest

    def generation(self):
        answer = self.call(HELLO)
        check(answer and answer[:2] == (HELLO, 0), f"hello: {answer}")
        return struct.unpack(">Q", answer[2][-8:])[0]

    def names(self):
        answer = self.call(LIST, struct.pack(">I", 0))
        check(answer and answer[:2] == (LIST, 0), f"list: {answer}")
        rest, found = answer[2][6:], []
        while rest:
            found.append(rest[33 : 33 + rest[32]])
            rest = rest[33 + rest[32] :]
        return found

    def refused(self, status, detail=0):
        answer = self.answer()
        check(answer == (0, status, detail), f"{answer}, not {status}")


def logged(s, pattern):
    """Waits for a line of keyd's log; the match."""
    return wait_for(
        f"{pattern!r} in the log", lambda: re.search(pattern, s.keyd_log())
    )


def add_key(s, name="site", allow=None, use="sign"):
    path = s.path(f"keys/{name}.pem")
    run_ok(
        ["openssl", "genpkey", "-algorithm", "EC"]
        + ["-pkeyopt", "ec_paramgen_curve:P-256", "-out", path]
    )
    os.chmod(path, 0o600)
    allow = f"uid:{os.geteuid()}" if allow is None else allow
    s.write(f"policies/{name}.conf", f"allow = {allow}\nuse = {use}\n")


@contextlib.contextmanager
def running(*keys, **settings):
    """A keyd that has those keys."""
    with Scratch(**{k.replace("_", "-"): v for k, v in settings.items()}) as s:
        for name in keys or ("site",):
            add_key(s, name)
        s.start_keyd()
        yield s
        status = s.stop_keyd()
        check(status == 0, f"keyd ended with {status}:\n{s.keyd_log()}")


def refuses_to_start(s, *words, argv=None, env=None):
    """keyd ends with 1 and says why, and leaves nothing behind."""
    status, text = run(argv or [KEYD, "-c", s.conf], env=env)
    check(status == 1, f"exit {status}:\n{text}")
    expect_words(text, *words)
    check(not os.path.exists(s.socket), "it left its socket")
    check(not os.path.exists(s.path("run/state")), "it left its state file")
    return text


# --- start and stop ---------------------------------------------------------


def starts_and_stops():
    with running() as s:
        for address in (s.socket, "\0" + s.abstract):
            with Client(address) as c:
                check(c.generation() == 1, "generation")
                check(c.names() == [b"site"], "the key is not listed")
        state = s.state()
        check(state["keyd"]["pid"] == str(s.keyd.pid), "pid")
        check(state["keyd"]["reload"] == "ok", "reload")
        check(state["keyd"]["keys"] == "1", "keys")
        check(state["sockets"]["1"] == s.socket, "socket")
        check(state["sockets"]["2"] == "@" + s.abstract, "abstract")
        expect_words(s.keyd_log(), "lock-in on: rlimits", "listening on")


def stop_leaves_nothing():
    with Scratch() as s:
        add_key(s)
        s.start_keyd()
        with Client(s.socket) as c:
            c.generation()
            mode = os.stat(s.socket).st_mode
            check(stat.S_IMODE(mode) == 0o666, f"socket mode {mode:o}")
            pids = [s.keyd.pid] + all_children(s)
            check(len(pids) >= 4, f"processes: {pids}")
            check(s.stop_keyd() == 0, "exit code")
            check(c.call(HELLO) is None, "the session went on")
        check(not os.path.exists(s.socket), "the socket is left")
        check(not os.path.exists(s.path("run/state")), "state is left")
        for pid in pids:
            check(not os.path.exists(f"/proc/{pid}"), f"{pid} is left")
        expect_words(s.keyd_log(), "<6>stopped")


def all_children(s):
    return (
        s.processes("keyd-logger")
        + s.processes("keyd-session")
        + s.processes("keyd-load")
    )


def int_stops_as_well():
    with Scratch() as s:
        add_key(s)
        s.start_keyd()
        check(s.keyd.stop(signal.SIGINT) == 0, "exit code")


def killed_keyd_is_replaced():
    """SIGKILL leaves a socket file; nobody answers there, so the next keyd
    takes it. The sessions of the killed one end with it."""
    with Scratch() as s:
        add_key(s)
        s.start_keyd()
        with Client(s.socket) as c:
            c.generation()
            pids = all_children(s)
            s.keyd.stop(signal.SIGKILL)
            check(os.path.exists(s.socket), "the socket should be left")
            wait_for(
                "children to end",
                lambda: not any(os.path.exists(f"/proc/{p}") for p in pids),
            )
            check(c.call(HELLO) is None, "a session outlived keyd")
        s.start_keyd()
        with Client(s.socket) as c:
            c.generation()


def second_keyd_is_refused():
    with running() as s:
        status, text = run([KEYD, "-c", s.conf])
        check(status == 1, f"exit {status}")
        expect_words(text, "in use by another keyd", str(s.keyd.pid))
        os.mkdir(s.path("run2"))
        other = read_text(s.conf).replace("run = run", "run = run2")
        status, text = run([KEYD, "-c", s.write("other.conf", other)])
        check(status == 1, f"exit {status}")
        expect_words(text, s.socket, "listens there")
        with Client(s.socket) as c:
            c.generation()


SQUATTER = """
import os, socket, sys
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(58200); os.setuid(58200)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind("\\0" + sys.argv[1])
s.listen()
print("has it", flush=True)
sys.stdin.read()
"""


def abstract_name_is_taken():
    """Any user may have the name first; keyd serves on the path, names him,
    and takes the name when it is free."""
    with Scratch() as s:
        add_key(s)
        with subprocess.Popen(
            [sys.executable, "-I", "-c", SQUATTER, s.abstract],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            check(other.stdout.readline() == b"has it\n", "no squatter")
            who = f"pid {other.pid}, uid {58200 if ROOT else os.geteuid()}"
            s.start_keyd()
            with Client(s.socket) as c:
                check(c.generation() == 1, "no service on the path")
            taken = f"@{s.abstract}: taken by another program ({who})"
            check(s.state()["sockets"]["2"] == taken, f"{s.state()}")
            expect_words(s.keyd_log(), f"<3>{s.conf}:", f"cannot listen on {taken}")
            check(s.reload_keyd() == "ok", "reload")
            check(s.state()["sockets"]["2"] == taken, f"{s.state()}")
            other.stdin.close()
            check(other.wait() == 0, "the squatter failed")
        check(s.reload_keyd() == "ok", "reload")
        check(s.state()["sockets"]["2"] == f"@{s.abstract}", f"{s.state()}")
        with Client("\0" + s.abstract) as c:
            check(c.generation() == 3, "no service on the name")
        check(s.stop_keyd() == 0, "exit code")


def abstract_name_is_tried_again():
    """Without a reload, too; and where there is no path, keyd ends."""
    with Scratch() as s:
        add_key(s)
        s.start_keyd()  # the squatter is a keyd
        os.mkdir(s.path("run2"))
        text = read_text(s.conf).replace("run = run", "run = run2")
        name = s.write("none.conf", re.sub("socket = run.*", "socket = none", text, count=1))
        status, words = run([KEYD, "-c", name])
        check(status == 1, f"exit {status}")
        expect_words(words, f"@{s.abstract}: taken by another program")
        path = text.replace("socket = run/", "socket = run2/")
        second = s.program([KEYD, "-c", s.write("path.conf", path)], "second")
        second.wait_output("ready")
        check(s.stop_keyd() == 0, "exit code")
        second.wait_output(f"listening on @{s.abstract} now")
        with Client("\0" + s.abstract) as c:
            check(c.generation() == 1, "no service on the name")


def other_files_are_not_replaced():
    with Scratch() as s:
        add_key(s)
        s.write("run/keyd.sock", "precious")
        status, text = run([KEYD, "-c", s.conf])
        check(status == 1, f"exit {status}")
        expect_words(text, s.socket, "File exists")
        check(read_text(s.socket) == "precious", "the file was replaced")


# --- usage, -t, configuration -----------------------------------------------


def options():
    status, text = run([KEYD, "--version"])
    check(status == 0 and re.fullmatch(r"keyd [0-9.]+\n", text), text)
    status, text = run([KEYD, "--help"])
    check(status == 0, "--help")
    expect_words(text, "usage: keyd", "SIGHUP", "exit codes")
    for wrong in (["--nonsense"], ["more"], ["-c"]):
        status, text = run([KEYD, *wrong])
        check(status == 2, f"{wrong}: exit {status}")
        expect_words(text, "usage: keyd")


def check_only():
    with Scratch() as s:
        add_key(s)
        status, text = run([KEYD, "-t", "-c", s.conf])
        check(status == 0, text)
        expect_words(text, "checked", s.conf, s.path("keys"), "1 keys")
        check(not os.path.exists(s.socket), "-t made a socket")
        check(not os.path.exists(s.path("run/state")), "-t wrote a state")
        s.write("keys/bad.pem", "no key\n", 0o600)
        s.write("policies/bad.conf", "allow = uid:1\nuse = sign\n")
        add_key(s, "open")
        os.chmod(s.path("keys/open.pem"), 0o644)
        status, text = run([KEYD, "-t", "-c", s.conf])
        check(status == 1, f"exit {status}")
        # Every fault is named, not the first alone.
        expect_words(text, "bad", "open.pem: mode 0644", "errors")
        return text


def check_of_what_stops_a_start():
    """-t finds what a start would end by, with file, line and setting."""
    with Scratch() as s:
        add_key(s)
        good = read_text(s.conf)

        def finds(name, value, *words):
            s.write_conf(**{name: value})
            lines = read_text(s.conf).splitlines()
            line = [n for n, x in enumerate(lines, 1) if x.startswith(name)][0]
            for argv in ([KEYD, "-t", "-c", s.conf], [KEYD, "-c", s.conf]):
                status, text = run(argv)
                check(status == 1, f"{argv}: exit {status}\n{text}")
                expect_words(text, f"{s.conf}:{line}: {name}: ", *words)
            s.write("keyd.conf", good)

        finds("socket", "none/keyd.sock", s.path("none/"))
        if ROOT:
            os.mkdir(s.path("full"), 0o755)
            s.write("full/file", "")
            finds("chroot", "full", "must be an empty folder", "has file in it")
            s.settings["session-uids"] = None
            finds("require", "seccomp session-uid", "session-uid is off")
        else:
            finds("require", "seccomp chroot", "chroot is off")


def unknown_settings():
    with Scratch() as s:
        add_key(s)
        text = read_text(s.conf)
        line = len(text.splitlines()) + 1
        s.write("keyd.conf", text + "sokcet = x\n")
        refuses_to_start(s, f"{s.conf}:{line}: ", "no setting 'sokcet'")
        s.write("keyd.conf", text + "max-sessions = 0\n")
        refuses_to_start(s, f"{s.conf}:{line}: max-sessions: ")
        s.write("keyd.conf", text + "keys = a\n")
        refuses_to_start(s, f"{s.conf}:{line}: ", "'keys' is repeated")
        status, text = run([KEYD, "-t", "-c", s.path("none.conf")])
        check(status == 1, f"exit {status}")
        expect_words(text, s.path("none.conf"), "No such file")


def bad_keys_at_start():
    with Scratch() as s:
        add_key(s)
        os.chmod(s.path("keys/site.pem"), 0o640)
        refuses_to_start(s, "site.pem", "mode 0640", "chmod 0600")
        os.chmod(s.path("keys/site.pem"), 0o600)
        os.unlink(s.path("policies/site.conf"))
        refuses_to_start(s, "site")
        add_key(s)
        s.write("policies/site.conf", "allow = no-such-user\nuse = sign\n")
        refuses_to_start(s, "no-such-user")
        os.chmod(s.path("keys"), 0o777)
        refuses_to_start(s, s.path("keys"), "written by others")


def faulty_keys_are_left_out():
    """A start serves what is sound and says loudly what is not. Later loads are
    all or nothing against what is served."""
    with Scratch() as s:
        for name in ("good", "policy", "mode", "user", "twin"):
            add_key(s, name)
        s.write("policies/policy.conf", "allow = uid:1\nuse = fly\n")
        s.write("policies/user.conf", "allow = no-such-user\nuse = sign\n")
        os.chmod(s.path("keys/mode.pem"), 0o644)
        copy = read_text(s.path("keys/twin.pem"))
        s.write("keys/twin2.pem", copy, 0o600)
        s.write("policies/twin2.conf", read_text(s.path("policies/twin.conf")))
        s.write("keys/no\n[name].pem", copy, 0o600)
        left = ["mode", "no?[name].pem", "policy", "twin", "twin2", "user"]
        check(run([KEYD, "-t", "-c", s.conf])[0] == 1, "-t is content")
        s.start_keyd()

        def is_partial(keys, *names, outcome="partial"):
            state = s.state()
            check(state["keyd"]["reload"] == outcome, f"{state['keyd']}")
            check(state["keyd"]["keys"] == str(keys), f"{state['keyd']}")
            check(state["keyd"]["left-out"] == str(len(names)), f"{state}")
            told = sorted(state["left-out"].values())
            check(told == sorted(names), f"{told}")

        is_partial(1, *left)
        reasons = "\n".join(s.state()["reasons"].values())
        expect_words(reasons, "policy.conf:2: use: 'fly'", "no-such-user")
        expect_words(reasons, "mode.pem: mode 0644", "twin2.pem: the same key")
        expect_words(s.keyd_log(), "<3>KEYS ARE LEFT OUT", ", ".join(left))
        with Client(s.socket) as c:
            check(c.names() == [b"good"], "the sound key is not served")
        # The same faults again are no news; what else has changed counts.
        add_key(s, "second")
        check(s.reload_keyd() == "partial", s.keyd_log())
        is_partial(2, *left)
        # A fault of a key that is served, or of a new one, changes nothing.
        good = read_text(s.path("policies/good.conf"))
        add_key(s, "mode")
        for name in ("good", "third"):
            add_key(s, "third")
            s.write(f"policies/{name}.conf", "nonsense\n")
            check(s.reload_keyd() == "failed", f"a fault of {name} was taken")
            is_partial(2, *left, outcome="failed")
            expect_words(s.state()["reasons"]["6"], f"{name} would have to")
            s.write("policies/good.conf", good)
        os.unlink(s.path("keys/third.pem"))
        os.unlink(s.path("policies/third.conf"))
        # Mended ones come back.
        check(s.reload_keyd() == "partial", s.keyd_log())
        left.remove("mode")
        is_partial(3, *left)
        for name in left:
            for path in (f"keys/{name}.pem", f"policies/{name}.conf"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(s.path(path))
        os.unlink(s.path("keys/no\n[name].pem"))
        check(s.reload_keyd() == "ok", s.keyd_log())
        is_partial(3, outcome="ok")
        # Once whole, a key cannot be left out any more but by a start.
        s.write("policies/mode.conf", "nonsense\n")
        check(s.reload_keyd() == "failed", s.keyd_log())
        s.stop_keyd()
        s.start_keyd()
        is_partial(2, "mode")
        s.stop_keyd()


def required_layer():
    """Without session-uids that layer is off: named, and fatal if required."""
    with Scratch(**{"session-uids": None}) as s:
        add_key(s)
        s.start_keyd()
        layers = s.state()["layers"]
        check(
            layers["session-uid"].startswith("off: session-uids is not set"),
            layers["session-uid"],
        )
        expect_words(s.keyd_log(), "lock-in off", "session-uid (session-uids")
        s.stop_keyd()
        s.write_conf(require="seccomp, session-uid")
        refuses_to_start(
            s,
            ": require: the layer session-uid is off",
            "do not require it",
        )


def broken_session_program():
    """Programs are found beside keyd; one that cannot lock in ends the start
    with a reason instead of an endless retry."""
    with Scratch() as s:
        add_key(s)
        os.mkdir(s.path("bin"))
        for name in ("keyd", "keyd-load", "keyd-logger"):
            with open(f"{BUILD}/keyd/{name}", "rb") as f:
                data = f.read()
            with open(s.path(f"bin/{name}"), "wb") as f:
                f.write(data)
            os.chmod(s.path(f"bin/{name}"), 0o755)
        program = s.path("bin/keyd-session")
        s.write("bin/keyd-session", "#!/bin/sh\nexit 2\n", 0o755)
        argv = [s.path("bin/keyd"), "-c", s.conf]
        refuses_to_start(s, "ended with exit code 2", argv=argv)
        os.unlink(program)
        s.write("bin/keyd-session", "not a program", 0o755)
        refuses_to_start(s, "cannot start a session", argv=argv)


def no_libcrypto():
    text = run_ok(["ldd", KEYD])
    check("libc.so" in text, text)
    check("crypto" not in text and "ssl" not in text, text)


# --- reload -----------------------------------------------------------------


def reload_takes_effect():
    with running() as s:
        with Client(s.socket) as idle:
            check(idle.generation() == 1, "generation")
            add_key(s, "second")
            check(s.reload_keyd() == "ok", s.keyd_log())
            # The idle session of the old generation ends within a second.
            start = time.monotonic()
            check(idle.answer() is None, "an old session went on")
            check(time.monotonic() - start < 5, "it took too long")
        with Client(s.socket) as c:
            check(c.generation() == 2, "generation")
            check(sorted(c.names()) == [b"second", b"site"], "keys")
        os.unlink(s.path("keys/site.pem"))
        os.unlink(s.path("policies/site.conf"))
        check(s.reload_keyd() == "ok", s.keyd_log())
        with Client(s.socket) as c:
            check(c.names() == [b"second"], "a removed key is still there")


def failed_reload_changes_nothing():
    with running() as s, Client(s.socket) as c:
        check(c.generation() == 1, "generation")
        add_key(s, "second")
        s.write("keys/bad.pem", "no key\n", 0o600)
        s.write("policies/bad.conf", "allow = uid:1\nuse = sign\n")
        check(s.reload_keyd() == "failed", "a bad key was accepted")
        state = s.state()
        check(state["keyd"]["generation"] == "1", "generation advanced")
        check("bad" in state["reasons"]["1"], state["reasons"])
        check(c.generation() == 1, "the session ended")
        check(c.names() == [b"site"], "keys changed")
        with Client(s.socket) as other:
            check(other.names() == [b"site"], "keys changed")
        s.write("keyd.conf", read_text(s.conf) + "nonsense = 1\n")
        check(s.reload_keyd() == "failed", "a bad setting was accepted")
        expect_words(s.keyd_log(), "no setting 'nonsense'", "nothing has")
        check(c.names() == [b"site"], "keys changed")


def tenants_certificate():
    """Who owns a certificate can neither stop keyd nor keep what root has
    changed from being in force, nor learn what lies elsewhere."""
    with Scratch() as s:
        tenant = s.path("tenant")
        os.mkdir(tenant)
        add_key(s, "a")
        add_key(s, "b")
        policy = s.path("policies/b.conf")
        s.write(
            "policies/b.conf",
            read_text(policy) + "certificate = ../tenant/live.crt\n",
        )
        os.chown(tenant, 58200, 58200)
        os.chmod(s.dir, 0o755)
        said = "../tenant/live.crt is not checked"
        s.start_keyd()
        first = s.state()["reasons"]
        check(said in first["1"] and tenant in first["1"], f"{first}")
        for target in ("/nowhere", "/etc/shadow", "/etc/passwd", "pipe"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{tenant}/live.crt")
            if target == "pipe":
                os.mkfifo(f"{tenant}/live.crt")
            else:
                os.symlink(target, f"{tenant}/live.crt")
            check(s.reload_keyd() == "ok", target)
            check(s.state()["reasons"] == first, f"{target} shows")
        # Withdrawn, and in force.
        with Client(s.socket) as c:
            check(sorted(c.names()) == [b"a", b"b"], "names")
        text = read_text(policy).replace(f"uid:{os.geteuid()}", "uid:58201")
        s.write("policies/b.conf", text)
        check(s.reload_keyd() == "ok", "withdrawing")
        with Client(s.socket) as c:
            check(c.names() == [b"a"], "still allowed")
        check(s.stop_keyd() == 0, "exit code")


def trusted_certificate():
    """What is wrong with it is told, and takes no key away: it is others who
    send it."""
    with Scratch() as s:
        add_key(s)
        cert = s.certificate("other", "ec:P-256").cert
        s.start_keyd()
        text = read_text(s.path("policies/site.conf"))
        for name, words in (
            ("other.crt", "is not of the key in site.pem"),
            ("none.crt", "cannot be opened: No such file"),
        ):
            s.write(
                "policies/site.conf", text + f"certificate = ../tls/{name}\n"
            )
            check(s.reload_keyd() == "ok", name)
            check(words in s.state()["reasons"]["1"], f"{s.state()}")
            with Client(s.socket) as c:
                check(c.names() == [b"site"], f"{name}: not served")
            status, said = run([KEYD, "-t", "-c", s.conf])
            check(status == 0, said)
            expect_words(said, words)
            s.stop_keyd()
            s.start_keyd()
            with Client(s.socket) as c:
                check(c.names() == [b"site"], f"{name}: left out at a start")
        os.chmod(cert, 0o666)
        s.write("policies/site.conf", text + "certificate = ../tls/other.crt\n")
        check(s.reload_keyd() == "ok", "writable by others")
        check("mode 0666" in s.state()["reasons"]["1"], f"{s.state()}")
        check(s.stop_keyd() == 0, "exit code")


def reload_of_fixed_settings():
    with running() as s:
        for name, value in (
            ("socket", "run/other.sock"),
            ("abstract-socket", "none"),
            ("user", "4242"),
            ("require", "seccomp"),
            ("session-uids", "58301-58399"),
        ):
            s.write_conf(**{name: value})
            check(s.reload_keyd() == "failed", f"{name} was accepted")
            reason = s.state()["reasons"]["1"]
            expect_words(reason, f"{name} has changed", "needs a restart")
        s.write_conf(idle_timeout="1s")
        check(s.reload_keyd() == "ok", s.keyd_log())
        with Client(s.socket) as c:
            c.generation()
            check(c.answer() is None, "idle-timeout has no effect")


def reloads_in_a_row():
    """The outcome that is told is that of a load that began after the last
    SIGHUP."""
    with running() as s:
        for n in range(5):
            s.keyd.process.send_signal(signal.SIGHUP)
        add_key(s, "late")
        check(s.reload_keyd() == "ok", s.keyd_log())

        def has_late():
            with Client(s.socket) as c:
                return b"late" in c.names()

        wait_for("the late key", has_late)


def socket_let_go_late():
    """A keyd that was killed while it started a session leaves a process that
    has its sockets for a moment longer."""
    with Scratch() as s:
        add_key(s)
        held = []
        for address in (s.socket, f"\0{s.abstract}"):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.bind(address)
            one.listen(1)
            held.append(one)

        def let_go():
            for one in held:
                one.close()

        late = threading.Timer(0.2, let_go)
        late.start()
        s.start_keyd()
        late.join()
        check("taken" not in s.keyd_log(), s.keyd_log())
        for address in (s.socket, f"\0{s.abstract}"):
            with Client(address) as c:
                check(c.call(HELLO)[1] == 0, "hello")


# --- the service manager ----------------------------------------------------


def notifies():
    for name in ("notify-path", "@"):
        with Scratch() as s:
            add_key(s)
            address = s.path(name)
            shown = address
            if name == "@":
                address = f"\0{s.abstract}-notify"
                shown = f"@{s.abstract}-notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as n:
                n.bind(address)
                n.settimeout(20)
                env = dict(os.environ, NOTIFY_SOCKET=shown)
                s.keyd = s.program([KEYD, "-c", s.conf], "keyd", env=env)
                expect_words(n.recv(4096).decode(), "READY=1", "STATUS=")
                s.keyd.process.send_signal(signal.SIGHUP)
                text = n.recv(4096).decode()
                expect_words(text, "RELOADING=1", "MONOTONIC_USEC=")
                expect_words(n.recv(4096).decode(), "READY=1")
                s.stop_keyd()
                expect_words(n.recv(4096).decode(), "STOPPING=1")


def activate(s, sockets, **env):
    """Runs keyd with inherited sockets, as systemd would."""
    code = (
        "import os,sys\n"
        "os.environ['LISTEN_PID'] = str(os.getpid())\n"
        f"os.environ['LISTEN_FDS'] = '{len(sockets)}'\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    high = [os.dup(one.fileno()) for one in sockets]
    try:
        moved = [fd + 100 for fd in range(3, 3 + len(sockets))]
        for fd, target in zip(high, moved):
            os.dup2(fd, target)
        for n, fd in enumerate(moved):
            code = f"import os\nos.dup2({fd}, {3 + n})\n" + code
        return s.program(
            [sys.executable, "-c", code, KEYD, "-c", s.conf],
            "keyd",
            pass_fds=moved,
            env=dict(os.environ, **env),
        )
    finally:
        for fd in high + moved:
            os.close(fd)


def is_activated():
    with Scratch() as s:
        add_key(s)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with listener:
            listener.bind(s.socket)
            listener.listen()
            # A client that comes before keyd, too, is served.
            with Client(s.socket) as early:
                s.keyd = activate(s, [listener])
                s.keyd.wait_output("ready")
                check(early.generation() == 1, "the early client")
            with Client(s.socket) as c:
                check(c.generation() == 1, "the inherited socket")
            with Client("\0" + s.abstract) as c:
                check(c.generation() == 1, "the configured one")
            expect_words(s.keyd_log(), f"{s.socket} (inherited)")
            check(s.stop_keyd() == 0, "exit code")
            check(os.path.exists(s.socket), "it removed systemd's socket")


def refuses_wrong_activation():
    with Scratch() as s:
        add_key(s)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.bind(s.socket)
            stream.listen()
            program = activate(s, [stream])
            check(program.process.wait(20) == 1, "exit code")
            expect_words(program.output(), "SOCK_SEQPACKET")
        os.unlink(s.socket)
        # As many as there can be, all with one name, leave no room for others.
        most = 48
        s.write_conf(socket="run/keyd.sock run/other.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
            one.bind(s.socket)
            one.listen()
            program = activate(s, [one] * most)
            check(program.process.wait(20) == 1, "exit code")
            expect_words(
                program.output(),
                f"no room to listen on {s.path('run/other.sock')} beside {most}",
            )
        os.unlink(s.socket)
        s.write_conf()
        # LISTEN_FDS meant for another process is not ours to take.
        env = dict(os.environ, LISTEN_FDS="5", LISTEN_PID="1")
        program = s.program([KEYD, "-c", s.conf], "keyd", env=env)
        program.wait_output("ready")


# --- who gets a session -----------------------------------------------------


def refuses_before_a_fork():
    with Scratch(**{"max-sessions": 3, "max-sessions-per-user": 2}) as s:
        add_key(s, allow=f"uid:{os.geteuid()} uid:58000")
        s.start_keyd()
        with Client(s.socket) as a, Client(s.socket) as b:
            a.generation()
            b.generation()
            with Client(s.socket) as c:
                c.refused(LIMIT, SESSIONS_USER)
            if ROOT:
                check(as_user(s, 58000) == (HELLO, 0), "another user")
            a.generation()
        check(int(s.state()["keyd"]["generation"]) == 1, "state")

        def free_again():
            with Client(s.socket) as c:
                return c.call(HELLO)[:2] == (HELLO, 0)

        wait_for("a free place", free_again)
        wait_for(
            "turned-away in the state",
            lambda: int(s.state()["sessions"]["turned-away"]) >= 1,
        )
        logged(s, r"turned away: peer pid=\d+ .*limit of sessions")
        s.stop_keyd()


def a_group_is_one_user():
    """Who may be many users, by a range of /etc/subuid, and is let in by a
    group that he keeps, neither takes the others' places nor crashes sessions
    without a wait. Who is named has his own."""
    group, uids = 58200, range(58201, 58204)
    with Scratch(
        **{"max-sessions": 4, "max-sessions-per-user": 2, "log-level": "debug"}
    ) as s:
        add_key(s, allow=f"uid:58000 gid:{group}")
        s.start_keyd()
        with contextlib.ExitStack() as stack:
            for uid in uids[:2]:
                c = stack.enter_context(connected_as(s, uid, group))
                logged(s, rf"session \d+: peer pid \d+ uid {uid} ")
                crashing, last = busy_session(s), c
            check(as_user(s, uids[2], [group]) == (0, LIMIT), "a third")
            check(as_user(s, 58000) == (HELLO, 0), "who is named")
            check(as_user(s, 58000, [group]) == (HELLO, 0), "both ways")
            os.kill(crashing, signal.SIGSEGV)
            check(last.answer() is None, "the session lives")
            logged(s, rf"<1>session.*; group {group} waits 1 s")
            check(as_user(s, uids[2], [group]) == (0, BACK_OFF), "a fresh uid")
            check(as_user(s, 58000, [group]) == (HELLO, 0), "who is named")
        s.stop_keyd()


def refuses_over_all():
    with Scratch(**{"max-sessions": 2}) as s:
        add_key(s)
        s.start_keyd()
        with Client(s.socket) as a, Client(s.socket) as b:
            a.generation()
            b.generation()
            with Client(s.socket) as c:
                c.refused(LIMIT, SESSIONS)
        s.stop_keyd()


def connected_as(s, uid, group):
    """A connection of that user's."""
    before = os.getgroups()
    os.setgroups([group])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        return Client(s.socket)
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)


def as_user(s, uid, groups=()):
    """Type and status that a process of uid gets."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            with Client(s.socket) as c:
                os.write(write, bytes(c.call(HELLO)[:2]))
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read, "rb") as f:
        return tuple(f.read())


def who_is_not_allowed():
    with Scratch() as s:
        add_key(s, allow="uid:58000")
        s.start_keyd()
        with Client(s.socket) as c:
            c.refused(NO_KEYS)
        logged(
            s,
            r"turned away: peer pid=\d+ .*may not use any key.*`allow`",
        )
        if ROOT:
            check(as_user(s, 58000) == (HELLO, 0), "who is named")
            check(as_user(s, 58001) == (0, NO_KEYS), "who is not")
            check(as_user(s, 65534) == (0, NOBODY), "the overflow uid")
            logged(s, r"turned away: .*uid=65534.* never serves uid 65534")
        s.stop_keyd()


def many_at_once():
    """More clients than spare sessions, all in one moment."""
    with running() as s:
        clients = [Client(s.socket) for _ in range(40)]
        for c in clients:
            check(c.generation() == 1, "a client was not served")
        wait_for(
            "40 in the state",
            lambda: s.state()["sessions"]["active"] == "40",
        )
        if ROOT:
            text = [
                read_text(f"/proc/{pid}/status")
                for pid in s.processes("keyd-session")
            ]
            uids = [re.search(r"Uid:\s+(\d+)", one)[1] for one in text]
            check(len(set(uids)) == len(uids), f"a uid is shared: {uids}")
        for c in clients:
            c.socket.close()
        wait_for(
            "0 in the state",
            lambda: s.state()["sessions"]["active"] == "0",
        )


def descriptors_run_out():
    """Short of descriptors keyd neither spins nor dies, and recovers."""
    with Scratch() as s:
        add_key(s)
        limit = (40, 40)
        s.keyd = s.program(
            ["prlimit", f"--nofile={limit[0]}:{limit[1]}", KEYD]
            + ["-c", s.conf],
            "keyd",
        )
        s.keyd.wait_output("ready")
        clients = []
        with contextlib.ExitStack() as stack:
            for _ in range(60):
                c = stack.enter_context(Client(s.socket))
                clients.append(c)
            answers = [c.call(HELLO) for c in clients]
            served = sum(a is not None and a[1] == 0 for a in answers)
            check(served > 0, f"nobody was served: {answers}")
            before = cpu_time(s.keyd.pid)
            time.sleep(0.5)
            used = cpu_time(s.keyd.pid) - before
            check(used < 0.2, f"it spins: {used} s in half a second")
        wait_for("service", lambda: served_again(s))
        check(s.stop_keyd() == 0, "exit code")


def served_again(s):
    with Client(s.socket) as c:
        answer = c.call(HELLO)
        return answer is not None and answer[1] == 0


def cpu_time(pid):
    fields = read_text(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


# --- when something dies ----------------------------------------------------


def busy_session(s):
    """Pid of the one session that has a client."""
    found = re.findall(r"session (\d+): peer pid", s.keyd_log())
    return int(found[-1])


def crash_means_back_off():
    with running(log_level="debug") as s:
        with Client(s.socket) as c:
            c.generation()
            os.kill(busy_session(s), signal.SIGSEGV)
            check(c.answer() is None, "the session lives")
        logged(s, "<1>session.*a defect, or an attack")
        with Client(s.socket) as c:
            c.refused(BACK_OFF)
        wait_for("the end of the back-off", lambda: served_again(s), 5)
        wait_for(
            "crashed in the state",
            lambda: s.state()["sessions"]["crashed"] == "1",
        )


def kill_means_no_back_off():
    with running(log_level="debug") as s:
        for sig in (signal.SIGKILL, signal.SIGTERM):
            with Client(s.socket) as c:
                c.generation()
                os.kill(busy_session(s), sig)
                check(c.answer() is None, "the session lives")
            check(served_again(s), f"back-off after {sig}")
        check(s.state()["sessions"]["crashed"] == "0", "crashed")


def spare_sessions_are_replaced():
    with running() as s:
        for pid in s.processes("keyd-session"):
            os.kill(pid, signal.SIGKILL)
        wait_for("service", lambda: served_again(s))
        wait_for(
            "spare ones",
            lambda: len(s.processes("keyd-session")) >= 2,
        )


def logger_is_replaced():
    with running(log_level="debug") as s:
        with Client(s.socket) as c:
            c.generation()
            session = busy_session(s)
            first = s.processes("keyd-logger")
            check(len(first) == 1, f"loggers: {first}")
            os.kill(first[0], signal.SIGKILL)

            def replaced():
                now = s.processes("keyd-logger")
                return len(now) == 1 and now != first

            wait_for("a new logger", replaced)
            expect_words(s.keyd_log(), "the logger ended (signal 9)")
            # The new one knows who the session's peer is.
            check(c.call(0x55)[1] != 0, "a wrong type was accepted")
            logged(s, rf"refused.*pid={os.getpid()} .*session={session}")


def flood_is_held_back():
    with running() as s:
        with Client(s.socket) as c:
            for _ in range(300):
                hash_of_nothing = struct.pack(">B32s", 1, b"x" * 32)
                check(c.call(2, hash_of_nothing)[1] == 4, "find")
            # What is new is written all the same: a digest that is too short.
            site = c.call(LIST, struct.pack(">I", 0))[2][6:38]
            short = struct.pack(">BBBBHI", 3, 4, 0, 1, 0, 5) + b"short"
            check(c.call(4, site + short)[1] == 12, "sign")
            logged(s, "refused sign: key=site .*wrong length")
        found = logged(s, r"(\d+) more records suppressed")
        lines = len(re.findall("refused find", s.keyd_log()))
        check(lines + int(found[1]) == 300, f"{lines} and {found[1]}")
        check(lines < 60, f"{lines} lines")


# --- as whom ----------------------------------------------------------------


def ordinary_user():
    """keyd works as an ordinary user, and says which layers that costs."""
    with Scratch() as s:
        add_key(s, allow="uid:58000 uid:0")
        for folder, _, names in os.walk(s.dir):
            os.chown(folder, 58000, 58000)
            for name in names:
                os.chown(os.path.join(folder, name), 58000, 58000)
        s.keyd = s.program([KEYD, "-c", s.conf], "keyd", user=58000, group=58000)
        s.keyd.wait_output("ready")
        layers = s.state()["layers"]
        for name in ("chroot", "user", "network-namespace"):
            check("not started as root" in layers[name], layers[name])
        for name in ("seccomp", "no-new-privs", "undumpable", "rlimits"):
            check(layers[name] == "on", f"{name}: {layers[name]}")
        with Client(s.socket) as c:
            check(c.generation() == 1, "service")
        check(s.stop_keyd() == 0, "exit code")


def overflow_user():
    """As nobody, which unmapped users are too, keyd says so and ends."""
    with Scratch() as s:
        add_key(s)
        for path in (s.dir, s.conf):
            os.chown(path, 65534, 65534)
        status, text = run([KEYD, "-c", s.conf], user=65534, group=65534)
        check(status == 1, f"exit {status}:\n{text}")
        expect_words(text, "65534", "user namespace")


# --- the logger alone --------------------------------------------------------


def audit_record(kind, pid=0, peer=(0, 0, 0), status=0, kind_type=0):
    """docs/PROTOCOL.md, audit record."""
    head = struct.pack(">BBBBBBHHHI", 1, kind, kind_type, 0, 0, 0, status, 0, 0, 0)
    return head + struct.pack(">IIII", pid, *peer) + bytes(160 - 32)


def send_from_child(end, record):
    """Sends it from another process, whose pid is returned."""
    pid = os.fork()
    if pid == 0:
        try:
            end.send(record)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    return pid


def logger_believes_the_kernel():
    """Only its parent can tell of sessions and peers; a session's record bears
    the session's own pid, whatever it says."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    # Stay who we are; rlimits, no-new-privs, undumpable, seccomp.
    plan = f"{2**32 - 1}:{2**32 - 1}:{1 | 128 | 512 | 1024}:"
    with subprocess.Popen(
        [f"{BUILD}/keyd/keyd-logger", plan],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: os.dup2(its.fileno(), 3),
        close_fds=False,
        text=True,
    ) as logger:
        its.close()
        forged = send_from_child(
            ours, audit_record(16, pid=1, peer=(11, 12, 13))
        )
        unknown = send_from_child(ours, audit_record(1, status=4))
        ours.send(audit_record(16, pid=unknown, peer=(21, 22, 23)))
        ours.send(audit_record(1, status=4))
        ours.send(b"short")
        ours.send(audit_record(18, peer=(31, 32, 33), status=11))
        ours.close()
        text = logger.communicate(timeout=20)[1]
    check(logger.returncode == 0, f"exit {logger.returncode}:\n{text}")
    me = os.getpid()
    expect_words(
        text,
        f"<3>not an audit record, from pid={forged} ",
        f"peer unknown session={unknown}",
        f"<3>not an audit record, from pid={me} ",
        "turned away: peer pid=31 uid=32 gid=33",
    )
    check("uid=12" not in text, f"a forged peer:\n{text}")
    found = text.count(f"from pid={me} ")
    check(found == 2, f"{found} of the parent's bad records")


# What it is to show, and whether only root can.
TESTS = [
    ("starts, serves on both sockets, tells its state", starts_and_stops, False),
    ("SIGTERM ends all processes and removes its files", stop_leaves_nothing, False),
    ("SIGINT ends it as well", int_stops_as_well, False),
    ("a killed keyd is replaced, its sessions end", killed_keyd_is_replaced, False),
    ("a second keyd is refused", second_keyd_is_refused, False),
    ("a taken abstract name is told, and waited for", abstract_name_is_taken, False),
    ("a taken abstract name is tried again", abstract_name_is_tried_again, False),
    ("a file in the socket's place is not replaced", other_files_are_not_replaced, False),
    ("options and exit codes", options, False),
    ("-t checks all and starts nothing", check_only, False),
    ("-t finds what would stop a start", check_of_what_stops_a_start, False),
    ("unknown, bad, repeated settings are named", unknown_settings, False),
    ("unusable keys and policies are named", bad_keys_at_start, False),
    ("a start leaves faulty keys out, a reload none", faulty_keys_are_left_out, False),
    ("a required layer that is off is fatal", required_layer, False),
    ("a broken session program is fatal at start", broken_session_program, False),
    ("the broker links no libcrypto", no_libcrypto, False),
    ("a reload takes effect and ends old sessions", reload_takes_effect, False),
    ("a failing reload changes nothing", failed_reload_changes_nothing, False),
    ("a certificate of someone else's stops nothing", tenants_certificate, True),
    ("a certificate of root's that is wrong is told, and stops nothing", trusted_certificate, False),
    ("settings fixed at start need a restart", reload_of_fixed_settings, False),
    ("reloads in a row end with the last one", reloads_in_a_row, False),
    ("a socket that is let go of late", socket_let_go_late, False),
    ("tells the service manager", notifies, False),
    ("takes inherited sockets", is_activated, False),
    ("refuses inherited sockets of the wrong kind", refuses_wrong_activation, False),
    ("a user's limit is a constant refusal", refuses_before_a_fork, False),
    ("a group is one user, whatever uids it has", a_group_is_one_user, True),
    ("the limit of all is a constant refusal", refuses_over_all, False),
    ("who is not allowed any key gets no session", who_is_not_allowed, False),
    ("forty clients at once", many_at_once, False),
    ("running out of descriptors", descriptors_run_out, False),
    ("a crash means back-off and an alarm", crash_means_back_off, False),
    ("a kill means no back-off", kill_means_no_back_off, False),
    ("spare sessions are replaced", spare_sessions_are_replaced, False),
    ("a killed logger is replaced and knows the peers", logger_is_replaced, False),
    ("a flood of refusals is held back and counted", flood_is_held_back, False),
    ("runs as an ordinary user", ordinary_user, True),
    ("refuses to run as the overflow user", overflow_user, True),
    ("the logger believes the kernel alone", logger_believes_the_kernel, False),
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
