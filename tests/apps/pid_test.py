#!/usr/bin/env python3
"""keydctl check --pid: large, hostile and foreign processes, and what it
advises to each; the ordinary ones are in enable_test.py."""

import contextlib
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from enable_test import (
    MODULE,
    PYTHON,
    USER,
    as_user,
    conf_env,
    enable,
    pid_check,
    read,
    serving,
    sleeper,
    stock,
    write,
)
import keyd_scratch as ks

tap = ks.Tap()

READY = "print('ready', flush=True); time.sleep(600)"
LOAD = "import ctypes, os, ssl, time; ssl.create_default_context(); "


def python(s, code, name, argv=(), **kwargs):
    program = s.program([*argv, PYTHON, "-c", code], name, **kwargs)
    program.wait_output("ready")
    return program


def enabled(s):
    conf = write(s.path("openssl.cnf"), stock())
    enable(s, conf)
    return conf


# --- files of any size ------------------------------------------------------


def many_mappings():
    """More than 4 MB of maps, with libcrypto behind all of it."""
    with serving() as (s, _):
        conf = enabled(s)
        folder = s.path("x" * 250)
        os.mkdir(folder)
        deep = f"{folder}/{'y' * 250}"
        write(deep, 4096 * b"x")
        os.chmod(folder, 0o755)
        code = (
            LOAD + f"fd = os.open({deep!r}, os.O_RDONLY); "
            "libc = ctypes.CDLL(None); mmap = libc.mmap; "
            "mmap.restype = ctypes.c_void_p; "
            "mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + "
            "3 * [ctypes.c_int] + [ctypes.c_long]; "
            "[mmap(None, 4096, 1, 2, fd, 0) for _ in range(9000)]; " + READY
        )
        p = python(s, code, "maps", env=conf_env(conf), **as_user())
        size = len(read(f"/proc/{p.pid}/maps"))
        ks.check(size > 5 << 20, f"{size} bytes")
        pid_check(s, p.pid, 0, "provider is loaded", "was verified")


def large_program():
    """A mark of OpenSSL behind 40 MB, and none at all in more than are looked
    through."""
    with serving() as (s, _):
        program = s.path("large")
        write(program, read("/bin/sleep"))
        os.chmod(program, 0o755)
        with open(program, "r+b") as f:
            f.truncate(40 << 20)
            f.seek(0, os.SEEK_END)
            f.write(b'OPENSSLDIR: "/opt/ssl"')
        p = s.program([program, "600"], "large")
        text = pid_check(s, p.pid, 1, "OpenSSL is built into the program")
        ks.check("looked through" not in text, text)
        huge = s.path("huge")
        write(huge, read("/bin/sleep"))
        os.chmod(huge, 0o755)
        os.truncate(huge, 700 << 20)
        q = s.program([huge, "600"], "huge")
        pid_check(s, q.pid, 1, "could not be looked through", "512 MB")


# --- relatives --------------------------------------------------------------


def stopped_child():
    """One that is stopped is looked at like the others."""
    with serving() as (s, _):
        conf = enabled(s)
        code = (
            LOAD + "import subprocess; "
            "pid = subprocess.Popen(['sleep', '600']).pid; os.kill(pid, 19); "
            "os.waitpid(pid, os.WUNTRACED); two = os.fork(); "
            "two or time.sleep(600); os.kill(two, 19); "
            "os.waitpid(two, os.WUNTRACED); "
            f"print('children', pid, two, flush=True); {READY}"
        )
        p = python(s, code, "parent", env=conf_env(conf), **as_user())
        children = [
            int(n) for n in re.search(r"children (\d+) (\d+)", p.output()).groups()
        ]
        try:
            for child in children:
                state = read(f"/proc/{child}/stat").split(b") ")[1][:1]
                ks.check(state == b"T", f"{child} is {state}")
            pid_check(
                s, p.pid, 0, "1 more processes are like it",
                "1 processes with it do not use OpenSSL",
            )
            # By itself, too.
            pid_check(s, children[1], 0, "provider is loaded", "was verified")
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)


def unreadable_child():
    """A child of root's is out of sight for anyone else, and that is said."""
    with serving() as (s, _):
        conf = enabled(s)
        script = (
            'sleep 600 & exec setpriv --reuid "$1" --regid "$1" '
            '--clear-groups "$2" -c "$3"'
        )
        p = s.program(
            ["sh", "-c", script, "sh", USER, PYTHON, LOAD + READY], "mixed",
            env=conf_env(conf),
        )
        p.wait_output("ready")
        status, text = ks.run(
            [f"{ks.BUILD}/keyd/keydctl", "-c", s.conf]
            + ["check", "--pid", str(p.pid)],
            user=USER, group=USER,
        )
        ks.check(status == 1, text)
        ks.expect_words(
            text, "provider is loaded", "1 processes with it cannot be looked",
            "Permission denied", "as root",
        )
        text = pid_check(s, p.pid, 0, "do not use OpenSSL")
        ks.check("cannot be looked" not in text, text)


# --- its openssl.cnf --------------------------------------------------------


def titled():
    """nginx writes its title over what the kernel shows of its environment."""
    with serving() as (s, cert):
        conf = enabled(s)
        server = s.nginx([(cert, cert.key)], conf)
        text = pid_check(s, server.pid, 0, f"{conf} activates keyd")
        ks.check("0 warnings" in text, text)
        # Its workers come and go; the file was read by the master.
        write(conf, read(conf) + b"\n# changed\n")
        text = pid_check(
            s, server.pid, 0, f"started before {conf}", "restart it"
        )
        workers = len(re.findall("restart it", text))
        ks.check(workers == 2, f"of the master and its workers:\n{text}")


def changed_include():
    """A change of what is included counts as well."""
    with serving() as (s, _):
        part = write(s.path("part.cnf"), stock())
        enable(s, part)
        conf = write(s.path("openssl.cnf"), f".include {part}\n")
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        pid_check(s, p.pid, 0, "0 warnings")
        os.utime(part, (1, 1))
        pid_check(s, p.pid, 0, "1 warnings", f"started before {conf}")


def read_as_itself():
    """What the process cannot read, or what is the kernel itself, keydctl does
    not read for it."""
    with serving() as (s, _):
        conf = enabled(s)
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        pid_check(s, p.pid, 0, f"{conf} activates keyd")
        os.chmod(conf, 0o600)
        text = pid_check(s, p.pid, 0, f"Permission denied (to {USER})")
        ks.check("activates keyd" not in text, text)
        secret = write(s.path("secret"), "hash\n")
        os.chmod(secret, 0o600)
        other = write(s.path("other.cnf"), f".include {secret}\n")
        q = sleeper(s, [], "secret", env=conf_env(other), **as_user())
        text = pid_check(s, q.pid, 1, f"{secret}: Permission denied")
        ks.check("secret:1" not in text, text)
        # Not even root's process gets the kernel to talk.
        link = s.path("link.cnf")
        os.symlink("/proc/sys/kernel/ostype", link)
        r = sleeper(s, [], "kernel", env=conf_env(link))
        text = pid_check(s, r.pid, 1, f"{link}, which it reads: Invalid")
        write(other, f".include {link}\n")
        pid_check(s, q.pid, 1, f"{link}: Invalid argument")


def read_by_master():
    """A server's workers have what its master has read, with its rights."""
    with serving() as (s, cert):
        conf = enabled(s)
        os.chmod(conf, 0o600)
        server = s.nginx([(cert, cert.key)], conf)
        text = pid_check(s, server.pid, 0, "0 warnings")
        ks.check(text.count(f"{conf} activates keyd") == 2, text)


# Mounts a file system that never answers to READ, fills the place of its
# environment, and lets the array of it lie in a file there.
HANGS = r"""
import ctypes, os, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
ctypes.CDLL("libcrypto.so.3")
place, uid = sys.argv[1], int(sys.argv[2])
fd = os.open("/dev/fuse", os.O_RDWR)
options = f"fd={fd},rootmode=40000,user_id={uid},group_id={uid}".encode()
if libc.mount(b"f", place.encode(), b"fuse", 0, options):
    raise OSError(ctypes.get_errno(), "mount")
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
libc.prctl(4, 1, 0, 0, 0)

def attributes(node, mode):
    return struct.pack("<6Q10I", node, 1 << 20, 8, 0, 0, 0, 0, 0, 0, mode, 1,
                       uid, uid, 0, 4096, 0)

def serve():
    libc.prctl(1, 9, 0, 0, 0)
    while True:
        request = os.read(fd, 1 << 17)
        _, op, unique, node = struct.unpack("<IIQQ", request[:24])
        answer = b""
        if op == 26:
            answer = struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 12, 10, 65536,
                                 1, 32, 0, *8 * [0])
        elif op == 1:
            answer = struct.pack("<4Q2I", 2, 0, 3600, 3600, 0, 0)
            answer += attributes(2, 0o100666)
        elif op == 3:
            mode = 0o40777 if node == 1 else 0o100666
            answer = struct.pack("<Q2I", 3600, 0, 0) + attributes(node, mode)
        elif op in (14, 27):
            answer = struct.pack("<Q2I", 1, 0, 0)
        elif op == 15:
            continue
        os.write(fd, struct.pack("<IiQ", 16 + len(answer), 0, unique) + answer)

if os.fork() == 0:
    serve()
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [
    ctypes.c_int] + [ctypes.c_long]
f = os.open(place + "/x", os.O_RDONLY)
st = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
start, stop, stack = int(st[47]), int(st[48]), int(st[25])
ctypes.memset(start, ord("x"), stop - start - 1)
count = ctypes.c_ulong.from_address(stack).value
first = ctypes.c_ulong.from_address(stack + (count + 2) * 8)
first.value = libc.mmap(None, 65536, 1, 2, f, 0)
print("ready", flush=True)
while True:
    libc.sleep(1000)
"""


def hangs():
    """Memory that is a file of a file system which never answers: it is said,
    and keydctl ends."""
    with serving() as (s, _):
        place = s.path("mount")
        os.mkdir(place)
        uid = str(pwd.getpwnam("games").pw_uid)
        argv = [PYTHON, "-I", "-c", HANGS, place, uid]
        p = s.program(argv, "hangs")
        try:
            p.wait_output("ready")
            began = time.monotonic()
            pid_check(s, p.pid, 1, "its memory does not answer")
            took = time.monotonic() - began
            ks.check(took < 30, f"{took} s")
        finally:
            ks.run(["umount", "-l", place])
            p.stop()


# --- users and keys ---------------------------------------------------------


def overflow_user():
    with serving() as (s, _):
        conf = enabled(s)
        p = sleeper(s, [], env=conf_env(conf), user=65534, group=65534,
                    extra_groups=[])
        text = pid_check(s, p.pid, 1, "never serves", "a user of its own")
        ks.check("to allow" not in text, text)


def many_keys():
    """What is right of many keys is one line, what is wrong its own; keys of
    others are not spoken of."""
    with serving() as (s, _):
        conf = enabled(s)
        for n in range(9):
            s.ctl_ok("generate", f"k{n}", "--type", "ec:P-256", "--use",
                     "tls-server", "--allow", USER, "--shell",
                     s.path(f"k{n}.key"))
        s.ctl_ok("generate", "foreign", "--type", "ec:P-256", "--use",
                 "tls-server", "--allow", "games", "--shell",
                 s.path("foreign.key"))
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        text = pid_check(s, p.pid, 0, "may use 10 keys; with 10 of them")
        ks.check("was verified" not in text and "foreign" not in text, text)
        os.chmod(s.path("keys/k3.pem"), 0o600)
        write(s.path("keys/k3.pem"), "no key\n")
        text = pid_check(s, p.pid, 1, "with 9 of them", "k3")


# --- who listens -----------------------------------------------------------

FAKE = r"""
import os, socket, sys
s = socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2]))
name = sys.argv[1]
if name[0] == "@":
    name = "\0" + name[1:]
os.umask(0)
s.bind(name)
s.listen(int(sys.argv[3]))
print("ready", flush=True)
sys.stdin.read()
"""


def fake(s, name, kind="SOCK_SEQPACKET", queue=5, user="games"):
    """Someone who takes a name, and answers nobody."""
    argv = [PYTHON, "-I", "-c", FAKE, name, kind, str(queue)]
    p = s.program(argv, "fake" + kind + str(queue), user=user, group=user, extra_groups=[],
                  stdin=subprocess.PIPE)
    p.wait_output("ready")
    return p


def conf_with(s, name, *lines):
    """An openssl.cnf with these settings of keyd's."""
    return write(
        s.path(name),
        "\n".join(
            ["openssl_conf = i", "[i]", "providers = p", "[p]", "keyd = k"]
            + ["default = d", "[d]", "activate = 1", "[k]", "activate = 1"]
            + [f"module = {MODULE}", *lines, ""]
        ),
    )


def impostor():
    """A user's program under the name that the openssl.cnf has: the provider
    would send it nothing, so that is no way to keyd."""
    with serving() as (s, _):
        folder = s.path("theirs")
        os.mkdir(folder)
        os.chown(folder, pwd.getpwnam("games").pw_uid, -1)
        path = f"{folder}/fake.sock"
        conf = conf_with(s, "fake.cnf", f"socket = {path}")
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        fake(s, path)
        text = pid_check(s, p.pid, 1, f"whoever listens at {path}", "games",
                         "sends nothing", "not tried")
        ks.check("can connect" not in text and "verified" not in text, text)
        os.unlink(path)
        q = fake(s, path, "SOCK_STREAM")
        text = pid_check(s, p.pid, 1, "cannot reach keyd", "another kind")
        ks.check("can connect" not in text, text)
        # As server-user it is trusted, and then it has to do the work.
        os.unlink(path)
        fake(s, path, queue=6)
        write(conf, read(conf) + b"server-user = games\n")
        text = pid_check(s, p.pid, 1, f"can connect to {path}",
                         "not the keyd of", "cannot use it")
        ks.check("verified" not in text, text)
        os.unlink(path)
        fake(s, path, queue=0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as c:
            c.connect(path)
            text = pid_check(s, p.pid, 1, "its queue is full")
            ks.check("can connect" not in text, text)


def squatter():
    """The name taken while keyd starts, and an application in a chroot that
    has only that; keydctl check tells of it, too."""
    with serving() as (s, _), jail() as root:
        conf = enabled(s)
        p = chrooted(s, root, conf, "chroot")
        pid_check(s, p.pid, 0, f"can connect to @{s.abstract}", "was verified")
        s.stop_keyd()
        q = fake(s, f"@{s.abstract}", queue=64)
        s.start_keyd()
        text = pid_check(s, p.pid, 1, f"whoever listens at @{s.abstract}",
                         f"process {q.pid} of games")
        ks.check("was verified" not in text, text)
        status, text = s.ctl("check")
        ks.check(status == 1, text)
        ks.expect_words(text, f"cannot listen on @{s.abstract}", "taken by")


# --- where it lives ---------------------------------------------------------


def chrooted(s, root, conf, name, argv=()):
    """In a root folder, as a user, with the provider loaded before."""
    ids = pwd.getpwnam(USER)
    code = (
        f"os.chroot({root!r}); os.chdir('/'); os.setgroups([]); "
        f"os.setgid({ids.pw_gid}); os.setuid({ids.pw_uid}); "
    )
    return python(s, LOAD + code + READY, name, argv, env=conf_env(conf))


@contextlib.contextmanager
def jail():
    """A folder of root's alone along its whole path."""
    with tempfile.TemporaryDirectory(prefix="keyd-jail-", dir="/run") as path:
        os.chmod(path, 0o755)
        yield path


def in_chroot():
    """The advice is right: what it says is done, and then it is well."""
    with serving(**{"abstract-socket": "none"}) as (s, _), jail() as root:
        conf = enabled(s)
        p = chrooted(s, root, conf, "chroot")
        text = pid_check(s, p.pid, 1, "cannot reach keyd", "abstract-socket")
        said = re.search(r'make the folder (\S+), .*"(socket = [^"]+)"', text)
        ks.check(said, text)
        os.makedirs(said[1])
        lines = read(s.conf).decode().splitlines()
        lines = [n for n in lines if not n.startswith("socket")]
        write(s.conf, "\n".join([*lines, said[2], ""]))
        s.stop_keyd()
        s.start_keyd()
        pid_check(s, p.pid, 0, f"can connect to {s.socket}", "was verified")
        # A root folder that others may write to, or that no line can name.
        os.chmod(root, 0o777)
        os.unlink(root + s.socket)
        pid_check(s, p.pid, 1, "not root's alone", "where several can write")
        # With one owner keyd does listen there: as he, in a folder of his.
        os.chmod(root, 0o755)
        os.chown(root, 58131, 58131)
        folder = os.path.dirname(root + s.socket)
        pid_check(s, p.pid, 1, "not root's alone", f"folder {folder} that user's",
                  "install -d -o 58131")
        os.chown(root, 0, 0)
        odd = f"{root}/a b"
        os.mkdir(odd)
        q = chrooted(s, odd, conf, "odd")
        pid_check(s, q.pid, 1, "can be no socket's path")
    with serving() as (s, _), jail() as root:
        p = chrooted(s, root, enabled(s), "chroot")
        pid_check(s, p.pid, 0, f"can connect to @{s.abstract}", "is enough")


def in_container():
    """Other mounts, other network: the advice is followed, and helps."""
    with serving() as (s, cert), jail() as root:
        argv = ["unshare", "--net", *ks.OWN_MOUNTS]
        p = chrooted(s, root, enabled(s), "container", argv)
        text = pid_check(s, p.pid, 1, "cannot reach keyd", "docker or podman")
        said = re.search(
            r'"(\[listener NAME\])" with "(socket = [^"]+)", "(keys =)" its '
            r'keys, and "(allow = uid:\d+)".* run -v (\S+):(\S+):ro', text
        )
        ks.check(said, text)
        section = "{0}\n{1}\n{2} other\n{3}\n".format(*said.groups())
        before = read(s.conf).decode()
        write(s.conf, before + section.replace("NAME", "box"))
        s.stop_keyd()
        s.start_keyd()
        inside = root + said[6]
        os.makedirs(inside)
        enter = ["nsenter", "-t", str(p.pid), "-m", "mount"]
        ks.run_ok([*enter, "--bind", said[5].replace("NAME", "box"), inside])
        ks.run_ok([*enter, "-o", "remount,bind,ro", inside])
        pid_check(s, p.pid, 1, "[listener box]", "none of these processes")
        section = section.replace("NAME", "box").replace("other", "si*")
        write(s.conf, before + section)
        s.ctl_ok("reload")
        pid_check(s, p.pid, 0, f"can connect to {s.socket}", "[listener box]",
                  "which has the keys si*", "was verified")
        write(s.conf, before + re.sub("uid:.*", "games", section))
        s.ctl_ok("reload")
        pid_check(s, p.pid, 1, "[listener box]", "does not let in", "site")


def in_unit():
    """Mounts that hide the socket, and let nothing of the module's folder be
    executed."""
    with serving() as (s, _):
        conf = enabled(s)
        argv = ["unshare", "--net", *ks.OWN_MOUNTS, "sh", "-ec"]
        hide = 'mount -t tmpfs none "$1"; shift; exec "$@"'
        run = os.path.dirname(s.socket)
        p = sleeper(s, [*argv, hide, "sh", run], env=conf_env(conf))
        pid_check(s, p.pid, 1, f"BindReadOnlyPaths={run} shows it")
        deny = (
            'mount --bind "$1" "$1"; mount -o remount,bind,noexec "$1"; '
            'shift; exec "$@"'
        )
        folder = os.path.dirname(MODULE)
        q = sleeper(s, [*argv, deny, "sh", folder], "noexec",
                    env=conf_env(conf))
        pid_check(s, q.pid, 1, "not mapped", "noexec", "ExecPaths=",
                  "add the user (root) to allow")


def filtered():
    """That a seccomp filter is there is all that can be seen."""
    with serving() as (s, _):
        conf = enabled(s)
        code = (
            LOAD + "libc = ctypes.CDLL(None); libc.prctl(38, 1, 0, 0, 0); "
            "allow = (ctypes.c_uint64 * 1)(0x7fff000000000006); "
            "prog = (ctypes.c_uint64 * 2)(1, ctypes.addressof(allow)); "
            "r = libc.prctl(22, 2, prog); assert r == 0; " + READY
        )
        p = python(s, code, "filtered", env=conf_env(conf), **as_user())
        pid_check(s, p.pid, 0, "a seccomp filter is on it", "AF_UNIX")


# Lines of [Service] and of a drop-in; words that are said, or none.
UNITS = {
    "plain": ("PrivateTmp=yes", "", None),
    "inet": ("RestrictAddressFamilies=AF_INET AF_INET6", "", "AF_UNIX"),
    "unix": ("RestrictAddressFamilies=AF_INET AF_UNIX", "", None),
    "denied": ("RestrictAddressFamilies=~AF_UNIX", "", "AF_UNIX"),
    "others": ("RestrictAddressFamilies=~AF_NETLINK AF_PACKET", "", None),
    "none": ("RestrictAddressFamilies=none", "", "AF_UNIX"),
    "added": (
        "RestrictAddressFamilies=AF_INET",
        "RestrictAddressFamilies=AF_UNIX",
        None,
    ),
    "taken": (
        "RestrictAddressFamilies=AF_INET AF_UNIX",
        "RestrictAddressFamilies=~AF_UNIX",
        "AF_UNIX",
    ),
    "reset": (
        "RestrictAddressFamilies=AF_INET",
        "RestrictAddressFamilies=",
        None,
    ),
    "calls": ("SystemCallFilter=@basic-io @file-system", "", "@network-io"),
    "service": ("SystemCallFilter=@system-service", "", None),
    "less": (
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~connect:EPERM @resources",
        "@network-io",
    ),
    "single": (
        "SystemCallFilter=socket connect \\\n# a remark\n sendmsg recvmsg",
        "",
        None,
    ),
    "noexec": ("NoExecPaths=/\nExecPaths=/usr/bin", "", "ExecPaths=/usr/lib"),
    "exec": ("NoExecPaths=/\nExecPaths=/usr/bin", "ExecPaths=/usr/lib", None),
    "sealed": (
        "InaccessiblePaths=-/tmp",
        "BindReadOnlyPaths={run}",
        "nothing below such a path can be shown",
    ),
    "unsealed": ("InaccessiblePaths=/tmp", "InaccessiblePaths=", None),
    "hidden": ("TemporaryFileSystem=/tmp", "", "BindReadOnlyPaths=/tmp/"),
    "shown": ("TemporaryFileSystem=/tmp:ro", "BindReadOnlyPaths={run}", None),
    "rooted": ("RootDirectory=/srv/x", "", "is its root folder"),
    "network": ("PrivateNetwork=yes", "", "abstract socket out of reach"),
    "foreign": ("[Unit]\nRestrictAddressFamilies=AF_INET", "", None),
}


def services():
    """Settings of a unit's sandbox, as systemd reads them."""
    with ks.Scratch() as s:
        os.mkdir(s.path("units"))
        for name, (lines, more, _) in UNITS.items():
            unit = s.path(f"units/keyd-{name}.service")
            write(unit, f"[Unit]\n[Service]\nExecStart=/bin/x\n{lines}\n")
            if more:
                more = more.format(run=os.path.dirname(s.socket))
                os.mkdir(f"{unit}.d")
                write(f"{unit}.d/a.conf", f"[Service]\n{more}\n")
        write(s.path("units/keyd-t@.service"),
              "[Service]\nRestrictAddressFamilies=AF_INET\n")
        script = (
            'mkdir -p /run/systemd/system; '
            'mount --bind "$1" /run/systemd/system; shift; '
            'for u; do echo "== $u"; '
            f'"{ks.BUILD}/keyd/keydctl" -c "{s.conf}" check --service '
            '"keyd-$u.service" || :; done'
        )
        text = ks.run_ok(
            [*ks.OWN_MOUNTS, "sh", "-ec", script, "sh", s.path("units")]
            + [*UNITS, "t@one", "no", "../x"]
        )
        said = dict(
            part.split("\n", 1) for part in text.split("== ") if part.strip()
        )
        for name, (_, _, words) in UNITS.items():
            expected = words or "nothing in its sandbox"
            ks.check(expected in said[name], f"{name}: {said[name]}")
        ks.expect_words(said["t@one"], "AF_UNIX")
        ks.expect_words(said["no"], "no such unit")
        ks.expect_words(said["../x"], "not a service's name")


@contextlib.contextmanager
def service(name, lines):
    """A service's file and control group; yields what makes a program start in
    there, or nothing if no group can be made here."""
    tops = ("/sys/fs/cgroup/systemd", "/sys/fs/cgroup")
    top = next((t for t in tops if os.path.exists(f"{t}/cgroup.procs")), None)
    folder = "/run/systemd/system"
    os.makedirs(folder, exist_ok=True)
    unit = write(f"{folder}/{name}", f"[Service]\n{lines}\n")
    group = f"{top}/{name}"
    try:
        if top is None:
            yield None
            return
        os.mkdir(group)
        try:
            yield ["sh", "-c", f'echo $$ >{group}/cgroup.procs; exec "$@"', "sh"]
        finally:
            ks.wait_for(
                "an empty group", lambda: not read(f"{group}/cgroup.procs")
            )
            os.rmdir(group)
    finally:
        os.unlink(unit)


def in_service():
    """Its unit is known by its group: others in it, settings, allow."""
    name = f"keyd-test-{os.getpid()}.service"
    with service(name, "SystemCallFilter=@basic-io") as start, serving() as (
        s, cert,
    ):
        if start is None:
            return
        conf = enabled(s)
        s.policy(cert, allow=f"unit:{name}")
        p = sleeper(s, start, env=conf_env(conf))
        q = sleeper(s, start, "other", env=conf_env(conf))
        text = pid_check(
            s, p.pid, 1, f"{name}: SystemCallFilter= leaves no way",
            f"allow names its unit {name}", "1 more processes are like it",
        )
        ks.check("none of these" not in text, text)
        p.stop()
        q.stop()


TESTS = [
    ("maps of many megabytes", many_mappings),
    ("a large program", large_program),
    ("a stopped child", stopped_child),
]
ROOT_TESTS = [
    ("a child that cannot be read", unreadable_child),
    ("which openssl.cnf a server with a title reads", titled),
    ("an included file was changed", changed_include),
    ("its files are read with its rights", read_as_itself),
    ("the files of a master", read_by_master),
    ("memory that never answers", hangs),
    ("the overflow user", overflow_user),
    ("many keys", many_keys),
    ("another program under the socket's name", impostor),
    ("another program under the abstract name", squatter),
    ("in a chroot", in_chroot),
    ("in a container", in_container),
    ("in a unit with mounts of its own", in_unit),
    ("under a filter", filtered),
    ("sandboxes of services", services),
    ("in a service", in_service),
]


def main():
    chosen = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    for name, fn in TESTS + ROOT_TESTS:
        if not chosen.search(name):
            continue
        if fn in [t[1] for t in ROOT_TESTS] and not ks.ROOT:
            tap.skip(name, "needs root")
        elif fn is hangs and not os.access("/dev/fuse", os.W_OK):
            tap.skip(name, "no /dev/fuse here")
        elif fn is in_container and ks.run(["unshare", "--user", "true"])[0]:
            # Its mounts are not where nsenter comes to.
            tap.skip(name, "the root folder is no mount point here (chroot)")
        else:
            tap.run(name, fn)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
