#!/usr/bin/env python3
"""keyd under attack and in want: whoever reads its log goes or stops, users
flood it, the machine has no room. Clients that do nothing wrong are served."""

import contextlib
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "support")]
from broker_test import HELLO, KEYD, Client, add_key
from keyd_scratch import ROOT, Scratch, Tap, check, wait_for

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


# What it is to show, and whether only root can.
TESTS = [
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
