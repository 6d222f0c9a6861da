#!/usr/bin/env python3
"""keyd under attack and in want: whoever reads its log goes or stops, users
flood it, the machine has no room. Clients that do nothing wrong are served."""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
from broker_test import (
    HELLO,
    KEYD,
    LIMIT,
    Client,
    add_key,
    logged,
    refuses_to_start,
)
from keyd_scratch import ROOT, Scratch, Tap, check, expect_words, run, wait_for

tap = Tap()


# --- the log ----------------------------------------------------------------


@contextlib.contextmanager
def logging_to_pipe(s):
    """keyd with a small pipe as its log: the process and the reading end."""
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    keyd = subprocess.Popen(
        [KEYD, "-c", s.conf], stdin=subprocess.DEVNULL, stderr=write
    )
    try:
        wait_for("ready", lambda: os.path.exists(s.path("run/state")))
        os.close(write)
        yield keyd, read
        keyd.terminate()
        check(keyd.wait(20) == 0, f"keyd ended with {keyd.returncode}")
    finally:
        keyd.kill()
        keyd.wait()


def answers(s, times):
    """Clients are served, and one refused: that makes the logger write."""
    for _ in range(times):
        with Client(s.socket) as c:
            check(c.call(HELLO)[1] == 0, "hello")
            check(c.call(2, struct.pack(">B32s", 1, b"x" * 32))[1] == 4, "find")


def log_reader_goes():
    with Scratch(**{"log-level": "debug"}) as s:
        add_key(s)
        with logging_to_pipe(s) as (keyd, read):
            os.close(read)
            answers(s, 3)
            # Another way to make the broker itself write.
            keyd.send_signal(signal.SIGHUP)
            wait_for(
                "a reload", lambda: s.state()["keyd"]["generation"] == "2"
            )
            answers(s, 3)


def log_reader_stops():
    """A pipe that nobody reads holds up neither clients nor the end."""
    with Scratch(**{"log-level": "debug"}) as s:
        add_key(s)
        with logging_to_pipe(s) as (keyd, read):
            answers(s, 60)  # about 100 bytes each: the pipe is full
            generation = int(s.state()["keyd"]["generation"])
            keyd.send_signal(signal.SIGHUP)
            wait_for(
                "a reload",
                lambda: int(s.state()["keyd"]["generation"]) > generation,
            )
            text = os.read(read, 65536)
            keyd.send_signal(signal.SIGHUP)
            while b"could not be written" not in text:
                check(select.select([read], [], [], 10)[0], "no word of it")
                text += os.read(read, 65536)
            keyd.terminate()
            check(keyd.wait(20) == 0, f"keyd ended with {keyd.returncode}")
        os.close(read)


def be_refused(address):
    """Fills the queue of audit records: until one has to wait. How long."""
    with Client(address) as c:
        took = 0.0
        while took < 0.9:
            begin = time.monotonic()
            answer = c.call(2, struct.pack(">B32s", 1, b"x" * 32))
            check(answer[1] == 4, f"{answer}")
            took = time.monotonic() - begin
        check(took < 5, f"a refusal took {took:.1f} s")


def lost_records_are_told():
    """A logger that stands still costs a refusal a second, and honest clients
    nothing; what could not be recorded is told, also by a session that ends."""
    with Scratch() as s:
        add_key(s, allow="uid:58000 uid:58001")
        s.start_keyd()
        logger = s.processes("keyd-logger")[0]
        os.kill(logger, signal.SIGSTOP)

        def serve_quickly():
            begin = time.monotonic()
            with Client(s.socket) as c:
                check(c.call(HELLO)[1] == 0, "hello")
            took = time.monotonic() - begin
            check(took < 0.9, f"hello took {took:.1f} s")

        def as_whom(uid, fn):
            _, status = os.waitpid(as_uid(uid, fn), 0)
            check(status == 0, f"exit {status}")

        try:
            as_whom(58000, lambda: be_refused(s.socket))
            as_whom(58001, serve_quickly)
            # The other user's one refusal, told when its session ends.
            as_whom(58001, lambda: be_refused(s.socket))
        finally:
            os.kill(logger, signal.SIGCONT)
        # By the session's end, or, where the queue had no room for that
        # either, with the broker's next record.
        as_whom(58001, serve_quickly)
        logged(s, r"audit records (of pid=\d+ )?could not be delivered")
        s.stop_keyd()


# --- keys and policies ------------------------------------------------------


def all_faults_in_one_run():
    """Whatever is wrong with a file, the rest is looked at as well."""
    with Scratch() as s:
        names = ("open", "pipe", "folder", "link", "huge", "twin", "other")
        for name in names:
            add_key(s, name, use="nothing")
        key = s.path("keys/twin.pem")
        for name in ("open", "huge"):
            shutil.copyfile(key, s.path(f"keys/{name}.pem"))
        os.chmod(s.path("keys/open.pem"), 0o644)
        os.truncate(s.path("keys/huge.pem"), 2 << 20)
        os.chmod(s.path("policies/other.conf"), 0o666)
        for name in ("pipe", "folder", "link"):
            os.unlink(s.path(f"keys/{name}.pem"))
        os.mkfifo(s.path("keys/pipe.pem"), 0o600)
        os.mkdir(s.path("keys/folder.pem"), 0o700)
        os.symlink(key, s.path("keys/link.pem"))
        status, text = run([KEYD, "-t", "-c", s.conf])
        check(status == 1, f"exit {status}:\n{text}")
        expect_words(
            text,
            "open.pem: mode 0644",
            "chmod 0600",
            "pipe.pem: is not a regular file",
            "folder.pem: is not a regular file",
            "link.pem: is a symbolic link",
            "huge.pem: is larger than",
            "other.conf: mode 0666",
            "chmod go-w",
        )
        # None of the above hid what else is wrong.
        for name in set(names) - {"other"}:
            expect_words(text, f"{name}.conf:2: use: 'nothing'")
        check(text.count("\n") == 13, f"13 lines expected:\n{text}")


def configuration_of_others():
    """keyd.conf decides about everything, so nobody else may write it."""
    with Scratch() as s:
        add_key(s)
        for mode in (0o666, 0o664):
            os.chmod(s.conf, mode)
            refuses_to_start(s, s.conf, f"mode 0{mode:o}", "chmod go-w")
        os.chmod(s.conf, 0o600)
        os.chown(s.conf, 58000, 0)
        refuses_to_start(s, s.conf, "belongs to uid 58000")


def session_uid_of_the_user():
    """The uid of loader and logger is no session's."""
    with Scratch(**{"session-uids": "58150-58200"}) as s:
        add_key(s)
        refuses_to_start(s, "session-uids: uid 58200 is that of `user`")


# --- floods -----------------------------------------------------------------


def as_uid(uid, fn):
    """Runs fn in a process of uid's; its pid. It exits 0 if fn returns."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            fn()
            status = 0
        except Exception as e:  # told to who reads the test's output
            print(f"# uid {uid}: {e!r}", flush=True)
        finally:
            os._exit(status)
    return pid


def connect_for_ever(address):
    """Connects and closes, and never says a word."""
    while True:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as one:
            one.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                one.connect(address)


def patient(address):
    """A connection, in a queue that may be full for the moment."""

    def try_once():
        with contextlib.suppress(BlockingIOError):
            return Client(address)
        return None

    return wait_for("a place in the queue", try_once)


def flood_starves_nobody():
    """One user's flood of clients does not keep another's waiting."""
    with Scratch() as s:
        add_key(s, "theirs", allow="uid:58000")
        add_key(s, "ours", allow="uid:58001")
        s.start_keyd()

        def calls():
            for _ in range(8):
                with patient(s.socket) as c:
                    check(c.call(HELLO)[1] == 0, "not served")

        floods = [
            as_uid(58000, lambda: connect_for_ever(s.socket)) for _ in "12"
        ]
        try:
            begin = time.monotonic()
            _, status = os.waitpid(as_uid(58001, calls), 0)
            took = time.monotonic() - begin
        finally:
            for pid in floods:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        check(status == 0, f"exit {status}")
        # Each waited three seconds when they stood in one line.
        check(took < 10, f"eight calls took {took:.1f} s")
        wait_for(
            "an end", lambda: s.state()["sessions"]["active"] == "0"
        )
        s.stop_keyd()
        return f"8 calls in {took:.2f} s"


def no_room_for_sessions():
    """Where no process can be made, clients are told to come again, and not
    that a limit of keyd's should be raised."""
    with Scratch() as s:
        add_key(s, allow="uid:58000 uid:0")
        for folder, _, names in os.walk(s.dir):
            os.chown(folder, 58000, 58000)
            for name in names:
                os.chown(os.path.join(folder, name), 58000, 58000)
        s.keyd = s.program(
            ["prlimit", "--nproc=8:8", KEYD, "-c", s.conf],
            "keyd",
            user=58000,
            group=58000,
        )
        s.keyd.wait_output("ready")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(Client(s.socket)) for _ in range(20)]
            answers = [c.call(HELLO) for c in clients]
        told = {a[1:] for a in answers if a[1] != 0}
        check(told == {(LIMIT, 0)}, f"{answers}")
        check(len([a for a in answers if a[1] == 0]) >= 4, f"{answers}")

        def served():
            with Client(s.socket) as c:
                return c.call(HELLO)[1] == 0

        wait_for("service", served)
        check("max-sessions" not in s.keyd_log(), s.keyd_log())
        s.stop_keyd()


# What it is to show, and whether only root can.
TESTS = [
    ("a keyd.conf that others can write is refused", configuration_of_others, True),
    ("session-uids without that of the user", session_uid_of_the_user, True),
    ("one user's flood starves nobody", flood_starves_nobody, True),
    ("no room for another process", no_room_for_sessions, True),
    ("all faults are told in one run", all_faults_in_one_run, False),
    ("whoever reads the log may go", log_reader_goes, False),
    ("audit records that are lost are told", lost_records_are_told, True),
    ("a log that nobody reads holds nothing up", log_reader_stops, False),
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
