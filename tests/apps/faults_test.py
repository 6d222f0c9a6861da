#!/usr/bin/env python3
"""Kills sessions and restarts keyd under load: no handshake may fail.

    faults_test.py [--kills N] [--restarts N] [--handshakes N]

The clients are independent of us and try each handshake once. What
docs/PERFORMANCE.md reports was made by

    faults_test.py --kills 1000 --restarts 100 --handshakes 10000
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import time

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    Load,
    Scratch,
    Tap,
    check,
    read_text,
    wait_for,
)

RECVMSG = "47"  # x86-64; in its loop an idle session waits there
tap = Tap()


class Kills:
    def __init__(self):
        self.done = 0
        self.in_flight = 0
        self.unknown = 0


def stopped(pid):
    fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return not fields or fields[0] in "TtZX"


def kill_one(keyd, kills):
    """Kills a session; stopped first, to see whether it was at work: then it
    is not waiting for a request."""
    sessions = keyd()
    if not sessions:
        return
    pid = random.choice(sessions)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
        wait_for("a stopped session", lambda: stopped(pid), 10)
        try:
            call = read_text(f"/proc/{pid}/syscall").split()[:1]
        except OSError:
            call = None
        os.kill(pid, signal.SIGKILL)
        kills.done += 1
        if call is None or not call:
            kills.unknown += 1
        elif call[0] != RECVMSG:
            kills.in_flight += 1


def kill_sessions(s, load, count):
    kills = Kills()
    while kills.done < count:
        # Handshakes go on between two kills, so that each hits live ones.
        before = load.done
        kill_one(lambda: s.processes("keyd-session"), kills)
        time.sleep(random.uniform(0, 0.005))  # another moment each time
        wait_for("progress", lambda: load.done > before, 60)
    return kills


def restart_keyd(s, load, count):
    for n in range(count):
        before = load.done
        if n % 2:
            s.keyd.stop(signal.SIGKILL)
            s.programs.remove(s.keyd)
        else:
            check(s.stop_keyd() == 0, "keyd's exit status")
        s.start_keyd()
        wait_for("progress", lambda: load.done > before + 5, 60)


def unharmed(load, from_error, nginx, what):
    """Else: the first failures, and what the provider said to nginx."""
    said = [
        line
        for line in read_text(nginx.error_log).splitlines()
        if "keyd" in line
    ]
    check(
        len(load.errors) == from_error,
        f"{len(load.errors)} handshakes failed:\n"
        + "\n".join(load.errors[:5] + said[:5] + said[-2:]),
    )
    return what


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--handshakes", type=int, default=500)
    args = parser.parse_args()
    with Scratch() as s:
        # A slow key makes it likely that a kill hits an operation.
        certs = [
            s.certificate("slow", "rsa:4096"),
            s.certificate("rsa", "rsa:2048"),
            s.certificate("ec", "ec:P-256"),
        ]
        s.start_keyd()
        for cert in certs:
            s.import_key(cert, "tls-server")
        nginx = s.nginx([(c, c.key) for c in certs], s.openssl_conf())
        targets = [
            (port, cert, version)
            for port, cert in zip(nginx.ports, certs)
            for version in ("1.3", "1.2")
        ]
        with Load(targets, threads=4) as load:
            load.more(20)
            kills = kill_sessions(s, load, args.kills)
            tap.run(
                f"{kills.done} sessions killed under load fail no handshake",
                unharmed,
                load,
                0,
                nginx,
                f"{load.done} handshakes so far;"
                f" {kills.in_flight} kills hit an operation in flight,"
                f" {kills.unknown} could not be told",
            )
            before, errors = load.done, len(load.errors)
            restart_keyd(s, load, args.restarts)
            tap.run(
                f"{args.restarts} restarts of keyd fail no handshake",
                unharmed,
                load,
                errors,
                nginx,
                f"{load.done - before} handshakes meanwhile;"
                " every other restart by SIGKILL",
            )
            while load.done < args.handshakes and not load.errors:
                load.more(20)
        tap.run(
            "the load went on to its end",
            lambda: check(load.done >= args.handshakes, f"{load.done}")
            or f"{load.done} handshakes, {len(load.errors)} failed",
        )
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
