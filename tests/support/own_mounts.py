#!/usr/bin/env python3
"""own_mounts.py PROGRAM [ARGUMENT…]

Runs a program in a mount namespace from which no mount gets out, as
`unshare --mount --propagation private` does; also in a plain chroot, whose root
is no mount point, so that its propagation cannot be changed: there a copy of
the tree is mounted on /proc, which can, and becomes the root.
"""

import ctypes
import os
import platform
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
OPEN_TREE, MOVE_MOUNT = 428, 429  # the same on all machines
AT_FDCWD = -100
OPEN_TREE_CLONE, AT_RECURSIVE = 1, 0x8000
MOVE_MOUNT_F_EMPTY_PATH = 4


def call(function, *args):
    """The result, or OSError; bytes and numbers only."""
    result = function(*args)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def make_private(path):
    call(LIBC.mount, None, path, None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None)


def move_root():
    here = os.getcwd()
    flags = OPEN_TREE_CLONE | AT_RECURSIVE | os.O_CLOEXEC
    tree = call(LIBC.syscall, OPEN_TREE, AT_FDCWD, b"/", flags)
    make_private(b"/proc")
    call(
        LIBC.syscall,
        MOVE_MOUNT,
        tree,
        b"",
        AT_FDCWD,
        b"/proc",
        MOVE_MOUNT_F_EMPTY_PATH,
    )
    os.fchdir(tree)
    os.chroot(".")
    os.close(tree)
    os.chdir(here)


def main():
    assert platform.system() == "Linux" and len(sys.argv) > 1
    call(LIBC.unshare, CLONE_NEWNS)
    try:
        make_private(b"/")
    except OSError:
        move_root()
        make_private(b"/")
    os.execvp(sys.argv[1], sys.argv[1:])


main()
