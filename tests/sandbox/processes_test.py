#!/usr/bin/env python3
"""The processes of a running keyd, as the kernel describes them from outside:
users, capabilities, limits, namespaces, root folders, descriptors. One
expectation a row, for each kind of process; docs/DESIGN.md has the same as text.

    KEYD_BUILD=build processes_test.py
"""

import ctypes
import errno
import os
import re
import select
import socket
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    BUILD,
    DEADLINE,
    KEYD_UID,
    ROOT,
    SESSION_UIDS,
    Scratch,
    Tap,
    check,
    children,
    read_text,
    run_ok,
    wait_for,
)

tap = Tap()
PTRACE_SEIZE = 0x4206
RECVMSG = {"x86_64": 47, "aarch64": 212}[os.uname().machine]
# DAC_READ_SEARCH KILL SETGID SETUID SETPCAP SYS_CHROOT
BROKER_CAPS = sum(1 << n for n in (2, 5, 6, 7, 8, 18))
FIRST, LAST = (int(n) for n in SESSION_UIDS.split("-"))


class Process:
    """What /proc says of a process."""

    def __init__(self, pid):
        self.pid = pid
        self.status = {
            k: v.split()
            for k, v in (
                line.split(":", 1)
                for line in read_text(f"/proc/{pid}/status").splitlines()
            )
        }
        self.limits = {
            line[:26].strip(): line[26:].split()[:2]
            for line in read_text(f"/proc/{pid}/limits").splitlines()
        }

    def caps(self):
        return [
            int(self.status["Cap" + s][0], 16)
            for s in ("Eff", "Prm", "Bnd", "Inh", "Amb")
        ]

    def namespace(self, name):
        return os.readlink(f"/proc/{self.pid}/ns/{name}")

    def path(self, name):
        return f"/proc/{self.pid}/{name}"

    def descriptors(self):
        """Number: kind (socket, /memfd:…, a path)."""
        folder = self.path("fd")
        return {
            int(n): re.sub(r":\[\d+\]", "", os.readlink(f"{folder}/{n}"))
            for n in os.listdir(folder)
        }


def expect(what, got, wanted):
    check(got == wanted, f"{what}: {got}, not {wanted}")


# Properties, each a function of (scratch, process).


def no_new_privs(_, p):
    expect("NoNewPrivs", p.status["NoNewPrivs"], ["1"])


def undumpable(_, p):
    # The kernel gives the files of a process that cannot be dumped to root.
    expect("owner of mem", os.stat(p.path("mem")).st_uid, 0)


def filtered(_, p):
    expect("Seccomp", p.status["Seccomp"], ["2"])


def no_core_no_process(_, p):
    expect("core", p.limits["Max core file size"], ["0", "0"])
    expect("processes", p.limits["Max processes"], ["0", "0"])


def no_descriptor(_, p):
    expect("open files", p.limits["Max open files"], ["0", "0"])


def no_file_size(_, p):
    expect("file size", p.limits["Max file size"], ["0", "0"])


def own_session(_, p):
    expect("session", os.getsid(p.pid), p.pid)


def no_effective_caps(_, p):
    effective, permitted, _, inheritable, ambient = p.caps()
    expect("caps", [effective, permitted, inheritable, ambient], [0] * 4)


def no_caps(_, p):
    expect("caps", p.caps(), [0] * 5)


def broker_caps(_, p):
    expect("caps", p.caps(), [BROKER_CAPS] * 3 + [0, 0])


def is_root(_, p):
    expect("Uid", p.status["Uid"], ["0"] * 4)


def is_keyd(_, p):
    expect("Uid", p.status["Uid"], [str(KEYD_UID)] * 4)
    is_keyd_group(_, p)


def is_keyd_group(_, p):
    expect("Gid", p.status["Gid"], [str(KEYD_UID)] * 4)
    expect("Groups", p.status["Groups"], [])


def is_session_uid(_, p):
    uids = set(p.status["Uid"])
    expect("different uids", len(uids), 1)
    check(FIRST <= int(uids.pop()) <= LAST, p.status["Uid"])
    is_keyd_group(_, p)


def empty_root(s, p):
    root = p.path("root")
    check(os.path.samefile(root, s.path("run/empty")), os.readlink(root))
    check(os.path.samefile(p.path("cwd"), root), "working folder")
    expect("root's content", os.listdir(root), [])
    st = os.stat(root)
    expect("owner", (st.st_uid, st.st_mode & 0o7777), (0, 0o555))


def own_namespaces(s, p):
    for name in ("net", "mnt"):
        check(
            p.namespace(name) != os.readlink(f"/proc/self/ns/{name}"),
            f"{name} is the host's",
        )
        broker = Process(s.keyd.pid)
        expect(name, p.namespace(name), broker.namespace(name))


def no_network(_, p):
    interfaces = read_text(p.path("net/dev")).splitlines()[2:]
    names = [line.split(":")[0].strip() for line in interfaces]
    expect("interfaces", names, ["lo"])
    expect("routes", read_text(p.path("net/route")).splitlines()[1:], [])


def host_pids(_, p):
    expect("pid", p.namespace("pid"), os.readlink("/proc/self/ns/pid"))


def client_descriptors(_, p):
    expect("descriptors", p.descriptors(), {3: "socket", 4: "socket"})


def few_descriptors(_, p):
    kinds = p.descriptors()
    folders = [n for n, k in kinds.items() if os.path.isdir(k)]
    expect("folders", folders, [])
    check(len(kinds) <= 6, kinds)


# (property, needs root)
ALL = [
    ("has no_new_privs", no_new_privs, False),
    ("is in namespaces of keyd", own_namespaces, True),
    ("has no network", no_network, True),
    ("is in the host's process namespace", host_pids, True),
]
CHILD = ALL + [
    ("is not dumpable", undumpable, False),
    ("leads a session", own_session, False),
    ("has no core file and no child", no_core_no_process, False),
    ("has no capability", no_effective_caps, False),
    ("has no capability in its bounding set", no_caps, True),
    ("has an empty folder as root", empty_root, True),
    ("holds few descriptors, no folder", few_descriptors, True),
]
PROCESSES = {
    "broker": ALL
    + [
        ("is root", is_root, True),
        ("has exactly the capabilities documented", broker_caps, True),
    ],
    "logger": CHILD
    + [
        ("is under a filter", filtered, False),
        ("can open and receive nothing", no_descriptor, False),
        ("is the user keyd", is_keyd, True),
    ],
    "spare session": CHILD
    + [("is a user of its own", is_session_uid, True)],
    "session": CHILD
    + [
        ("is under a filter", filtered, False),
        ("can open and receive nothing", no_descriptor, False),
        ("can lengthen no file", no_file_size, False),
        ("is a user of its own", is_session_uid, True),
        ("holds its client and the audit socket", client_descriptors, True),
    ],
}
LAYERS_WITHOUT_ROOT = {
    "network-namespace",
    "mount-namespace",
    "chroot",
    "user",
    "session-uid",
}


def has_filter(pid):
    return Process(pid).status.get("Seccomp") == ["2"]


def is_waiting(pid, served):
    """Locked in as far as it gets without a client: it waits for one."""
    if pid in served:
        return False
    if not ROOT:
        # Its system call is hidden from us; nothing below rests on it.
        return os.getsid(pid) == pid
    call = read_text(f"/proc/{pid}/syscall").split()
    return call[:1] == [str(RECVMSG)]


def sessions(s, what, condition):
    return wait_for(
        what,
        lambda: [p for p in s.processes("keyd-session") if condition(p)],
    )


def different_users(pids):
    users = [Process(pid).status["Uid"][0] for pid in pids]
    expect("users", len(set(users)), len(users))


def untraceable(pid):
    """ptrace by another process of the session's own user."""
    uid = int(Process(pid).status["Uid"][0])
    child = os.fork()
    if child == 0:
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        libc = ctypes.CDLL(None, use_errno=True)
        os._exit(libc.ptrace(PTRACE_SEIZE, pid, 0, 0) and ctypes.get_errno())
    _, status = os.waitpid(child, 0)
    expect("errno", os.waitstatus_to_exitcode(status), errno.EPERM)


def all_end(s):
    """The kernel ends all of them when the broker has no chance to."""
    pidfds = [os.pidfd_open(pid) for pid in children(s.keyd.pid)]
    check(len(pidfds) >= 3, pidfds)
    s.keyd.process.kill()
    for pidfd in pidfds:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        check(poll.poll(DEADLINE * 1000), "one lives on")
        os.close(pidfd)


def layers_reported(s):
    """keyd says what the kernel says."""
    layers = wait_for("state", lambda: s.state().get("layers"))
    on = {name for name, value in layers.items() if value == "on"}
    off = {name: v for name, v in layers.items() if v != "on"}
    if ROOT:
        probe = f"{BUILD}/tests/sandbox/sandbox-probe"
        has = set(run_ok([probe, "kernel"]).split())
        lacking = {"landlock", "secret-memory", "mseal"} - has
        expect("off", set(off), lacking)
    else:
        check(LAYERS_WITHOUT_ROOT <= set(off), off)
        check("root" in off["chroot"], off)
        check({"rlimits", "no-new-privs", "undumpable", "seccomp"} <= on, on)
    return "\n".join(f"{name}: {value}" for name, value in layers.items())


def main():
    with Scratch() as s:
        cert = s.certificate("site", "ec:P-256")
        s.write("keys/site.pem", read_text(cert.plain), 0o600)
        s.write("policies/site.conf", f"allow = uid:{os.geteuid()}\nuse = sign\n")
        s.start_keyd()
        client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client.connect(s.socket)
        served = sessions(s, "a session that serves", has_filter)
        spare = sessions(
            s, "spare sessions", lambda pid: is_waiting(pid, served)
        )
        pids = {
            "broker": s.keyd.pid,
            "logger": s.processes("keyd-logger")[0],
            "spare session": spare[0],
            "session": served[0],
        }
        for kind, rows in PROCESSES.items():
            for what, check_it, needs_root in rows:
                title = f"the {kind} {what}"
                if needs_root and not ROOT:
                    tap.skip(title, "needs root")
                else:
                    tap.run(title, check_it, s, Process(pids[kind]))
        if ROOT:
            tap.run("sessions are users of their own", different_users,
                    served + spare)
        else:
            tap.skip("sessions are users of their own", "needs root")
        tap.run(
            "a process of a session's own user cannot trace it",
            untraceable,
            served[0],
        )
        tap.run("every layer is reported", layers_reported, s)
        tap.run("no process of keyd outlives the broker", all_end, s)
        client.close()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
