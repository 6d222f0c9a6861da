#!/usr/bin/env python3
"""keyd under attack and in want: whoever reads its log goes or stops, users
flood it, the machine has no room. Clients that do nothing wrong are served."""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
from broker_test import HELLO, KEYD, Client, add_key
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


# What it is to show, and whether only root can.
TESTS = [
    ("all faults are told in one run", all_faults_in_one_run, False),
    ("whoever reads the log may go", log_reader_goes, False),
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
