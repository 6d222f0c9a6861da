#!/usr/bin/env python3
"""Where the passphrase of an encrypted key is while keydctl imports it: in one
locked mapping of keydctl, and in keyd-load while that decrypts; at the end of
every process that takes part it is nowhere, nor in a file."""

import ctypes
import os
import secrets
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(
    0,
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"),
)
import keyd_scratch as ks
import memscan
from ctl_test import KEYDCTL, import_args, key_pair, read, running, works
from import_test import encrypt

LIBC = ctypes.CDLL(None, use_errno=True)
TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
FORK, VFORK, CLONE, EXEC, EXIT = 1, 2, 3, 4, 6
OPTIONS = 0x100000 | sum(1 << n for n in (FORK, VFORK, CLONE, EXEC, EXIT))
WALL = 0x40000000
tap = ks.Tap()


def ptrace(request, pid=0, data=0):
    result = LIBC.ptrace(
        ctypes.c_long(request), ctypes.c_long(pid), None, ctypes.c_long(data)
    )
    ks.check(result >= 0, f"ptrace: {os.strerror(ctypes.get_errno())}")


def start(argv, env, stdin, said):
    """The pid of a program that is traced from its first instruction on."""
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(stdin, 0)
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT, 0o600), 1)
            LIBC.ptrace(ctypes.c_long(TRACEME), None, None, None)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(126)
    os.waitpid(pid, 0)
    ptrace(SETOPTIONS, pid, OPTIONS)
    return pid


def trace(pid, at):
    """Calls at(event, pid) for each event of the program and its children, all
    of them; returns the program's status."""
    ptrace(CONT, pid)
    while True:
        one, status = os.waitpid(-1, WALL)
        if not os.WIFSTOPPED(status):
            if one == pid:
                return os.waitstatus_to_exitcode(status)
            continue
        event, sig = status >> 16, os.WSTOPSIG(status)
        if event:
            at(event, one)
        quiet = event or sig in (signal.SIGTRAP, signal.SIGSTOP)
        ptrace(CONT, one, 0 if quiet else sig)


def flags(pid, address):
    """What the kernel says of the mapping (proc(5), VmFlags)."""
    inside = False
    for line in ks.read_text(f"/proc/{pid}/smaps").splitlines():
        word = line.split(" ", 1)[0]
        if not word.endswith(":"):
            low, high = (int(x, 16) for x in word.split("-"))
            inside = low <= address < high
        elif inside and word == "VmFlags:":
            return set(line.split()[1:])
    return set()


class Watch:
    """Scans each process at its end, and keydctl whenever it has a child."""

    def __init__(self, passphrase):
        self.needles = memscan.Needles()
        self.needles.add("passphrase", "text", "raw", passphrase.encode())
        self.ended = {}
        self.held = 0

    def found(self, pid):
        got = memscan.scan(pid, self.needles)
        ks.check(got.read > 0, f"nothing could be read of {pid}")
        return [place for place, _, _ in got.found.values()]

    def event(self, event, pid):
        name = ks.read_text(f"/proc/{pid}/comm").strip()
        if event == EXIT:
            self.ended[name] = self.ended.get(name, 0) + 1
            ks.check(not self.found(pid), f"{name} ends with it in memory")
        elif name == "keydctl":
            for address in self.found(pid):
                missing = {"lo", "dd"} - flags(pid, address)
                ks.check(not missing, f"not {missing}: swap, or a core dump")
                ks.check(
                    {"dc", "wf"} & flags(pid, address), "children inherit it"
                )
                self.held += 1


def ways(s, passphrase, how):
    """--passin, environment, and what stands on standard input; all of them
    once."""
    file = s.write("pass", f"{passphrase}\n", 0o600)
    yield f"file:{file}", {}, ""
    if how != "pbes2":
        return
    yield f"pass:{passphrase}", {}, ""
    yield "env:KEY_PASS", {"KEY_PASS": passphrase}, ""
    yield "stdin", {}, f"{passphrase}\n"


def pipe_with(text):
    end, other = os.pipe()
    os.write(other, text.encode())
    os.close(other)
    return end


def in_no_file(s, passphrase, but=()):
    for folder, _, names in os.walk(s.dir):
        for name in names:
            path = os.path.join(folder, name)
            if path not in but and os.path.isfile(path):
                ks.check(passphrase.encode() not in read(path), path)


def imported(how):
    """Each form of encryption goes through other functions of libcrypto."""
    with running() as s:
        passphrase = secrets.token_urlsafe(24)
        kind = "rsa:2048" if how == "rsa" else "ec:P-256"
        cert = key_pair(s, kind=kind)
        encrypt(cert, how, passphrase)
        said = []
        for passin, env, stdin in ways(s, passphrase, how):
            argv = [KEYDCTL, "-c", s.conf, *import_args(cert)]
            argv += ["--passin", passin, cert.key]
            watch = Watch(passphrase)
            end = pipe_with(stdin)
            pid = start(argv, {**os.environ, **env}, end, s.path("said"))
            os.close(end)
            try:
                status = trace(pid, watch.event)
            except BaseException:
                os.kill(pid, signal.SIGKILL)
                raise
            what = passin.split(":")[0]
            ks.check(status == 0, f"{what}: exit {status}")
            ks.check(works(s, "site"), f"{what}: does not work")
            # The scan finds it where it has to be.
            ks.check(watch.held > 0, f"{what}: was not seen in keydctl")
            ks.check(watch.ended.get("keyd-load", 0) > 0, f"{watch.ended}")
            ks.check(watch.ended.get("keydctl", 0) > 0, f"{watch.ended}")
            in_no_file(s, passphrase, but=(s.path("pass"),))
            said.append(f"{what}: seen {watch.held} times, {watch.ended}")
            s.ctl_ok("restore", "site", "--yes")
        return "\n".join(said)


TESTS = [
    (f"the passphrase of a key ({how})", imported, how)
    for how in ("pbes2", "scrypt", "rsa")
]


def main():
    for name, fn, *args in TESTS:
        if ks.ROOT:
            tap.run(name, fn, *args)
        else:
            tap.skip(name, "needs root")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
