#!/usr/bin/env python3
"""Faults under a constant load of full handshakes, against nginx and HAProxy:
none may fail, none may take longer than the provider's deadline.

    reliability_test.py [--long] [--clients N] [REGEX]

The clients know nothing of us and try each handshake once. With --long each
fault lasts as long as docs/RELIABILITY.md says, whose figures are from that.
"""

import argparse
import contextlib
import fcntl
import os
import random
import re
import resource
import shutil
import signal
import socket
import sys
import time

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    BUILD,
    DEADLINE,
    OWN_MOUNTS,
    ROOT,
    Load,
    Scratch,
    Tap,
    check,
    expect_words,
    handshake,
    read_text,
    run_ok,
    wait_for,
)

TIMEOUT = 5  # seconds: the provider's own default
FAULT = 2  # seconds that a fault lasts which ends by itself
KEYD = f"{BUILD}/keyd/keyd"
RECVMSG = "47"  # x86-64; in its loop an idle session waits there
WORDS_OF_KEYD = re.compile(r"keyd|cannot sign", re.I)
tap = Tap()


class Size:
    """How much of each fault: enough to see it, or for the record."""

    def __init__(self, is_long, clients=4):
        self.clients = clients
        self.kill_seconds = 600 if is_long else 8
        self.restarts = 100 if is_long else 10
        self.reload_seconds = 600 if is_long else 8
        self.rounds = 10 if is_long else 1
        self.handshakes = 1000 if is_long else 60  # at least, in each


# --- load -------------------------------------------------------------------


class TimedLoad(Load):
    """Remembers how long the slowest took."""

    def __init__(self, targets, threads):
        super().__init__(targets, threads)
        self.slowest = 0.0

    def handshake(self, port, cert, context):
        begin = time.monotonic()
        super().handshake(port, cert, context)
        took = time.monotonic() - begin
        with self.lock:
            self.slowest = max(self.slowest, took)


class World:
    """keyd, nginx and HAProxy, each with an RSA and a P-256 key."""

    def __init__(self, s, size):
        self.s, self.size = s, size
        self.certs = [
            s.certificate("rsa", "rsa:2048"),
            s.certificate("ec", "ec:P-256"),
        ]
        s.start_keyd()
        for cert in self.certs:
            s.import_key(cert, "tls-server", s.everyone() + " haproxy")
        conf = s.openssl_conf(
            timeout=TIMEOUT * 1000, abstract_socket=s.abstract
        )
        self.nginx = s.nginx([(c, c.key) for c in self.certs], conf)
        self.haproxy = s.haproxy([(c, c.key) for c in self.certs], conf)

    def targets(self):
        return [
            (port, cert, version)
            for server in (self.nginx, self.haproxy)
            for port, cert in zip(server.ports, self.certs)
            for version in ("1.3", "1.2")
        ]

    def said(self):
        """What the provider told the servers."""
        text = read_text(self.nginx.error_log) + self.haproxy.output()
        return [line for line in text.splitlines() if WORDS_OF_KEYD.search(line)]

    def kill_sessions(self):
        """All of them, so that each server has to connect again."""
        for pid in self.s.processes("keyd-session"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def under_load(world, fault):
    """Runs a fault; every handshake that began meanwhile must succeed in
    time."""
    with TimedLoad(world.targets(), world.size.clients) as load:
        load.more(10)
        notes = fault(world, load) or ""
        # And afterwards all is as it was.
        load.more(max(20, world.size.handshakes - load.done), 300)
    check(
        not load.errors,
        f"{len(load.errors)} of {load.done + len(load.errors)} failed:\n"
        + "\n".join(load.errors[:5] + world.said()[:8])
        + f"\nkeyd: {world.s.keyd_log()[-1500:]}",
    )
    check(load.slowest < TIMEOUT, f"the slowest took {load.slowest:.2f} s")
    return (
        f"{load.done} handshakes, slowest {load.slowest:.2f} s" + "\n" + notes
    )


def for_a_while(seconds):
    """Rounds until the time is over, 100 ms each."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begin = time.monotonic()
        yield
        time.sleep(max(0, begin + 0.1 - time.monotonic()))


# --- sessions and the broker ------------------------------------------------


def is_stopped(pid):
    fields = read_text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return not fields or fields[0] in "TtZX"


def kill_one(world):
    """Kills a session, stopped first to see what it was at. None: there was
    none; else whether it was at work, and not waiting for a request."""
    sessions = world.s.processes("keyd-session")
    if not sessions:
        return None
    pid = random.choice(sessions)
    call = []
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGSTOP)
        wait_for("a stopped session", lambda: is_stopped(pid), 10)
        with contextlib.suppress(OSError):
            call = read_text(f"/proc/{pid}/syscall").split()[:1]
        os.kill(pid, signal.SIGKILL)
    return bool(call) and call[0] != RECVMSG


def killed_sessions(world, load):
    kills = [kill_one(world) for _ in for_a_while(world.size.kill_seconds)]
    hit = kills.count(True)
    return f"{len(kills) - kills.count(None)} kills, {hit} of an operation"


def restarted(world, load):
    for n in range(world.size.restarts):
        before = load.done
        if n % 2:
            world.s.keyd.stop(signal.SIGKILL)
            world.s.programs.remove(world.s.keyd)
        else:
            check(world.s.stop_keyd() == 0, "keyd's exit status")
        world.s.start_keyd()
        wait_for("progress", lambda: load.done > before + 2, 60)
    return f"{world.size.restarts} restarts, every other after SIGKILL"


class Activator:
    """Keeps keyd's sockets, as systemd does, and hands them to each start."""

    def __init__(self, s):
        self.s = s
        self.sockets = []
        for address in (s.socket, f"\0{s.abstract}"):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.bind(address)
            one.listen(128)
            self.sockets.append(one)
        os.chmod(s.socket, 0o666)

    def start(self):
        shell = (
            'export LISTEN_PID=$$; exec 3<&"$1" 4<&"$2"; shift 2; exec "$@"'
        )
        high = [
            fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100)
            for one in self.sockets
        ]
        try:
            self.s.keyd = self.s.program(
                ["bash", "-c", shell, "bash", *map(str, high), KEYD]
                + ["-c", self.s.conf],
                "keyd",
                pass_fds=high,
                env=dict(os.environ, LISTEN_FDS="2"),
            )
        finally:
            for fd in high:
                os.close(fd)

    def close(self):
        for one in self.sockets:
            one.close()


def restarted_with_its_socket(world, load):
    """Nobody is told to come again: connections wait in the kept sockets."""
    s = world.s
    s.stop_keyd()
    activator = Activator(s)
    try:
        for n in range(world.size.restarts):
            activator.start()
            before = load.done
            wait_for("progress", lambda: load.done > before + 2, 60)
            s.keyd.stop(signal.SIGKILL if n % 2 else signal.SIGTERM)
            s.programs.remove(s.keyd)
    finally:
        activator.close()
        os.unlink(s.socket)
        s.start_keyd()
    return f"{world.size.restarts} restarts, every other after SIGKILL"


# --- reloads ----------------------------------------------------------------


def change_keys(world, n):
    """Another key is made, replaced, spoiled, mended, removed. True if keyd
    must take it."""
    s = world.s
    key, policy = s.path("keys/other.pem"), s.path("policies/other.conf")
    step = n % 6
    if step in (0, 2):  # made, then replaced by another
        run_ok(
            ["openssl", "genpkey", "-algorithm", "EC", "-out", key]
            + ["-pkeyopt", "ec_paramgen_curve:P-256"]
        )
        os.chmod(key, 0o600)
        s.write("policies/other.conf", "allow = uid:58000\nuse = tls-server\n")
    elif step == 1:  # a word that means nothing
        s.write("policies/other.conf", "allow = uid:58000\nuse = nothing\n")
    elif step == 3:  # half a key
        os.truncate(key, 40)
    elif step == 4:
        os.unlink(key)
        os.unlink(policy)
    else:  # a key that others may read
        shutil.copyfile(world.certs[1].plain, key)
        os.chmod(key, 0o644)
        s.write("policies/other.conf", "allow = uid:58000\nuse = tls-server\n")
    return step in (0, 2, 4)


def reloaded(world, load):
    done = 0
    end = time.monotonic() + world.size.reload_seconds
    while time.monotonic() < end or done % 6:
        begin = time.monotonic()
        is_good = change_keys(world, done)
        outcome = world.s.reload_keyd()
        check(
            (outcome == "ok") == is_good,
            f"reload {done}: {outcome}\n{world.s.keyd_log()[-800:]}",
        )
        done += 1
        time.sleep(max(0, begin + 1 - time.monotonic()))
    for name in ("keys/other.pem", "policies/other.conf"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(world.s.path(name))
    check(world.s.reload_keyd() == "ok", "the last reload")
    return f"{done} reloads, half of them broken"


# --- resources --------------------------------------------------------------


def for_rounds(world, load, begin, end):
    """A fault of some seconds, a few times, in which every server has to
    connect again."""
    for _ in range(world.size.rounds):
        before = load.done
        undo = begin(world)
        try:
            world.kill_sessions()
            time.sleep(FAULT)
        finally:
            end(world, undo)
        wait_for("progress", lambda: load.done > before + 4, 60)


def keyd_stopped(world, load):
    def processes():
        s = world.s
        return [s.keyd.pid, *s.processes("keyd-session")]

    def stop(_):
        pids = processes()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        return pids

    def go_on(_, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    for _ in range(world.size.rounds):
        before = load.done
        pids = stop(world)
        time.sleep(FAULT)
        go_on(world, pids)
        wait_for("progress", lambda: load.done > before + 4, 60)


def limited(which, how_much):
    """A fault: keyd under a limit of its resources."""

    def begin(world):
        pid = world.s.keyd.pid
        old = resource.prlimit(pid, which)
        resource.prlimit(pid, which, (how_much(pid), old[1]))
        return old

    def end(world, old):
        resource.prlimit(world.s.keyd.pid, which, old)

    return lambda world, load: for_rounds(world, load, begin, end)


def no_descriptors(_):
    return 4  # the numbers below are in use: there is none left to give


def memory_of(pid):
    return int(read_text(f"/proc/{pid}/statm").split()[0]) * 4096


def at_the_sessions_limit(world, load):
    """Somebody takes every place that is left, and holds it for a while."""

    def begin(world):
        world.s.write_conf(max_sessions=6, max_sessions_per_user=6)
        check(world.s.reload_keyd() == "ok", "reload")
        world.kill_sessions()
        hogs = []
        for _ in range(12):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            one.settimeout(5)
            with contextlib.suppress(OSError):
                one.connect(world.s.socket)
            hogs.append(one)
        return hogs

    def end(world, hogs):
        for one in hogs:
            one.close()
        world.s.write_conf()
        check(world.s.reload_keyd() == "ok", "reload")

    for_rounds(world, load, begin, end)


class Group:
    """A control group of ours, of version 1 or 2."""

    def __init__(self, controller):
        base = f"/sys/fs/cgroup/{controller}"
        if not os.path.isdir(base):
            base = "/sys/fs/cgroup"
        self.folder = f"{base}/keyd-test-{os.getpid()}"
        os.mkdir(self.folder)
        # Before a command, which is then in the group.
        command = f'echo $$ >{self.folder}/cgroup.procs && exec "$@"'
        self.join = ["sh", "-c", command, "sh"]

    def set(self, name, value):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as f:
            f.write(str(value))

    def get(self, name):
        return read_text(f"{self.folder}/{name}").strip()

    def remove(self):
        wait_for(
            "an empty group", lambda: not self.get("cgroup.procs"), DEADLINE
        )
        os.rmdir(self.folder)


@contextlib.contextmanager
def in_group(world, controller, name):
    """keyd started anew in a group; yields it. The group is gone at the end,
    and keyd runs outside."""
    s = world.s
    group = Group(controller)
    try:
        check(os.path.exists(f"{group.folder}/{name}"), f"no {name} here")
        s.stop_keyd()
        s.start_keyd(before=group.join)
        try:
            yield group
        finally:
            s.stop_keyd()
            s.start_keyd()
    finally:
        group.remove()


def no_more_processes(world, load):
    """fork() says EAGAIN, as with RLIMIT_NPROC, from which root is free."""
    with in_group(world, "pids", "pids.max") as group:

        def begin(_):
            group.set("pids.max", 1)

        def end(_, __):
            group.set("pids.max", "max")

        for_rounds(world, load, begin, end)


def no_more_memory(world, load):
    """The kernel kills what asks for more than the group has: sessions first.
    Where that is not enough, keyd is started again, as systemd would."""
    with in_group(world, "memory", "memory.limit_in_bytes") as group:

        def begin(_):
            for pid in world.s.processes("keyd-session"):
                score = read_text(f"/proc/{pid}/oom_score_adj").strip()
                check(score in ("500", ""), f"oom_score_adj {score}")
            used = int(group.get("memory.usage_in_bytes"))
            group.set("memory.limit_in_bytes", used + 300000)

        def end(_, __):
            group.set("memory.limit_in_bytes", -1)
            if not world.s.keyd.is_running():
                world.s.programs.remove(world.s.keyd)
                world.s.start_keyd(before=group.join)
                deaths.append(1)

        deaths = []
        for_rounds(world, load, begin, end)
        killed = re.search(r"oom_kill (\d+)", group.get("memory.oom_control"))
        return (
            f"{killed.group(1) if killed else '?'} processes killed for it,"
            f" keyd itself {len(deaths)} times"
        )


# --- file systems -----------------------------------------------------------


def full_file_system(world, load):
    """The run folder, a small file system of its own, is full."""
    run_folder = world.s.path("run")

    def begin(_):
        path = f"{run_folder}/filler"
        with open(path, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while f.write(bytes(4096)):
                pass
        world.s.keyd.process.send_signal(signal.SIGHUP)
        return path

    def end(world, path):
        os.unlink(path)
        check(world.s.reload_keyd() == "ok", "a reload afterwards")

    for_rounds(world, load, begin, end)
    return told_of(world, "No space left")


def unwritable_file_system(world, load):
    """As when it has become read-only under keyd: nothing can be made or
    replaced in the run folder."""
    run_folder = world.s.path("run")

    def begin(world):
        run_ok(["chattr", "+i", run_folder])
        world.s.keyd.process.send_signal(signal.SIGHUP)

    def end(world, _):
        run_ok(["chattr", "-i", run_folder])
        check(world.s.reload_keyd() == "ok", "a reload afterwards")

    for_rounds(world, load, begin, end)
    return told_of(world, "state: Operation not permitted")


def told_of(world, words):
    expect_words(world.s.keyd_log(), words)
    return f"keyd's log has: {words}"


# --- gone -------------------------------------------------------------------


def gone(s):
    """keyd away for longer than the deadline: an error that says so, an event
    loop that others' requests do not notice, and service at once when it is
    back."""
    cert = s.certificate("gone", "ec:P-256")
    s.start_keyd()
    s.import_key(cert, "tls-server", s.everyone())
    conf = s.openssl_conf(timeout=1500)
    # One worker: what holds it up holds up everything.
    nginx = s.nginx([(cert, cert.key), (cert, cert.plain)], conf, workers=1)
    shell, plain = nginx.ports
    handshake(shell, cert)
    s.stop_keyd()
    failed = []
    begin = time.monotonic()
    with contextlib.suppress(OSError):
        handshake(shell, cert, timeout=10)
        failed.append("a handshake without keyd")
    first = time.monotonic() - begin
    check(not failed, failed)
    # From now on shells fail at once, but for one probe a second.
    waits = []
    end = time.monotonic() + 4
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            handshake(shell, cert, timeout=10)
        begin = time.monotonic()
        handshake(plain, cert)
        waits.append(time.monotonic() - begin)
    check(max(waits) < 1, f"others waited {max(waits):.2f} s")
    s.start_keyd()
    begin = time.monotonic()

    def served():
        with contextlib.suppress(OSError):
            return handshake(shell, cert, timeout=10)
        return None

    wait_for("service", served)
    back = time.monotonic() - begin
    check(back < 1.5, f"back after {back:.2f} s")
    expect_words(read_text(nginx.error_log), "keyd", "is keyd running")
    return (
        f"the first failed after {first:.2f} s; then others of the same worker"
        f" waited {max(waits):.2f} s at most; back after {back:.2f} s"
    )


# --- all of it --------------------------------------------------------------

FAULTS = {
    "sessions killed": killed_sessions,
    "keyd restarted": restarted,
    "keyd restarted, its sockets kept": restarted_with_its_socket,
    "keys added, replaced, spoiled and removed": reloaded,
    "keyd stopped": keyd_stopped,
    "no descriptor left": limited(resource.RLIMIT_NOFILE, no_descriptors),
    "no memory left": limited(resource.RLIMIT_AS, memory_of),
    "no place left": at_the_sessions_limit,
    "no process left": no_more_processes,
    "killed for memory": no_more_memory,
    "run folder full": full_file_system,
    "run folder not writable": unwritable_file_system,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("regex", nargs="?", default="")
    args = parser.parse_args()
    with Scratch() as s:
        small = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "keyd"]
        run_ok([*small, s.path("run")])
        try:
            world = World(s, Size(args.long, args.clients))
            for name, fault in FAULTS.items():
                if re.search(args.regex, name):
                    tap.run(name, under_load, world, fault)
        finally:
            run_ok(["umount", "-l", s.path("run")])
    if re.search(args.regex, "keyd gone"):
        with Scratch() as s:
            tap.run("keyd gone", gone, s)
    return tap.end()


if __name__ == "__main__":
    if not ROOT:
        tap.skip("faults under load", "needs root")
        sys.exit(tap.end())
    if "--inside" not in sys.argv:
        argv = [*OWN_MOUNTS, sys.executable, *sys.argv, "--inside"]
        os.execv(argv[0], argv)
    sys.argv.remove("--inside")
    sys.exit(main())
