#!/usr/bin/env python3
"""Runs a command under one of the restrictions that systemd's units have.

    confine.py [RESTRICTION[=VALUE]…] -- COMMAND...

no-unix         RestrictAddressFamilies= without AF_UNIX
filter=CALLS    SystemCallFilter= of these calls
deny-wx         MemoryDenyWriteExecute=
private-network PrivateNetwork=
private-users=UID  PrivateUsers= and User=
no-exec=FOLDER  NoExecPaths=
hide=FOLDER     InaccessiblePaths=
read-only=FOLDER   ProtectSystem=strict
runs=UID        as this user
"""

import ctypes
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import container

ALLOW, ERRNO, EQUAL = 0x7FFF0000, 0x00050000, 4
EPERM, EAFNOSUPPORT, AF_UNIX = 1, 97, 1
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1


class Compare(ctypes.Structure):
    _fields_ = [
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    ]


class Filter:
    def __init__(self, otherwise):
        self.lib = ctypes.CDLL("libseccomp.so.2")
        self.lib.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.seccomp_init(otherwise))

    def rule(self, action, call, *compare):
        number = self.lib.seccomp_syscall_resolve_name(call.encode())
        array = (Compare * len(compare))(*compare)
        if number >= 0:
            self.lib.seccomp_rule_add_array(
                self.context, action, number, len(compare), array
            )

    def load(self):
        if self.lib.seccomp_load(self.context):
            sys.exit("no filter")


def no_unix(_):
    f = Filter(ALLOW)
    f.rule(ERRNO | EAFNOSUPPORT, "socket", Compare(0, EQUAL, AF_UNIX, 0))
    f.load()


def calls_of(name):
    """A set of systemd's with the sets in it."""
    done = subprocess.run(
        ["systemd-analyze", "syscall-filter", name],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = set()
    for line in done.stdout.splitlines():
        word = line.strip()
        if line.startswith(" ") and not word.startswith("#"):
            found |= calls_of(word) if word.startswith("@") else {word}
    return found


def calls_left(words):
    """As SystemCallFilter=, of which there may be several."""
    allowed = set()
    for number, word in enumerate(words):
        deny = word.startswith("~")
        for one in word.lstrip("~").split():
            calls = calls_of(one) if one.startswith("@") else {one}
            if deny and number == 0:
                raise ValueError("a list of what is not allowed")
            allowed = allowed - calls if deny else allowed | calls
    return allowed


def only_calls(words):
    f = Filter(ERRNO | EPERM)
    # What starts a program is always there.
    for call in calls_left(words.split(",")) | {"execve"}:
        f.rule(ALLOW, call)
    f.load()


def deny_wx(_):
    if container.libc.prctl(
        PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0
    ):
        sys.exit("no PR_SET_MDWE")


def private_network(_):
    container.unshare(container.NEWNET)
    container.loopback_up()


def private_users(uid):
    container.user_namespace(0, f"0 0 1\n{uid} {uid} 1\n")


def own_mounts():
    container.unshare(container.NEWNS)
    container.mount("--make-rprivate", "/")


def no_exec(folder):
    own_mounts()
    container.mount("--bind", folder, folder)
    container.mount("-o", "remount,bind,noexec", folder)


def hide(folder):
    own_mounts()
    container.mount("-t", "tmpfs", "-o", "mode=0", "tmpfs", folder)


def read_only(folder):
    own_mounts()
    container.mount("--bind", folder, folder)
    container.mount("-o", "remount,bind,ro", folder)


RESTRICTIONS = {
    "no-unix": no_unix,
    "filter": only_calls,
    "deny-wx": deny_wx,
    "private-network": private_network,
    "private-users": private_users,
    "no-exec": no_exec,
    "hide": hide,
    "read-only": read_only,
    "runs": lambda uid: container.become(int(uid)),
}

if __name__ == "__main__":
    end = sys.argv.index("--")
    for argument in sys.argv[1:end]:
        what, _, value = argument.partition("=")
        RESTRICTIONS[what](value)
    os.execvp(sys.argv[end + 1], sys.argv[end + 1 :])
