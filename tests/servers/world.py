"""A machine of its own for the test of one server, as an operator has it.

A test program calls enter() first. That runs it again in namespaces for mounts,
network, processes and host name, with a copy-on-write layer over /etc, /usr,
/var and /tmp, a fresh /run and /dev, and loopback as its only network: so real
paths, real users and real ports, and this machine is not touched. What is built
is installed there with the prefix /usr, and when the test ends, however it
does, the kernel ends all that it has started.

    w = world.enter()
    with w:
        w.enable(); w.start_keyd(); w.import_key(...)

Nothing in the environment of a server helps it: it is what systemd gives.
"""

import contextlib
import fcntl
import http.server
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
import keyd_scratch as ks

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
HOST = "server.example.org"
LAYERED = ("etc", "usr", "var", "tmp")
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# What a change of makes the installed tree an old one.
PROGRAMS = (
    "keyd/keyd",
    "keyd/keyd-load",
    "keyd/keyd-session",
    "keyd/keyd-logger",
    "keyd/keyd-probe",
    "keyd/keydctl",
    "provider/keyd.so",
)
UNSHARE = "unshare --net --pid --uts --ipc --fork --kill-child".split()
# What a world needs, in short.
TRIAL = """
mount -t tmpfs none /mnt
mkdir /mnt/top /mnt/work
mount -t overlay -o lowerdir=/etc,upperdir=/mnt/top,workdir=/mnt/work none /etc
"""
INIT, TEST = "--as-init", "--in-the-world"
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


# --- outside ----------------------------------------------------------------


def newest(paths):
    return max(os.stat(path).st_mtime_ns for path in paths)


def installed_tree():
    """The folder below which what was built is installed, made when it is
    missing or older than the build."""
    root = os.path.join(ks.BUILD, "tests", "servers", "root")
    os.makedirs(os.path.dirname(root), exist_ok=True)
    with open(f"{root}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = newest(f"{ks.BUILD}/{name}" for name in PROGRAMS)
        stamp = f"{root}/stamp"
        if os.path.exists(stamp) and newest([stamp]) > built:
            return root
        shutil.rmtree(root, ignore_errors=True)
        ks.run_ok(
            ["meson", "install", "--no-rebuild", "--quiet", "-C", ks.BUILD],
            env=dict(os.environ, DESTDIR=root),
        )
        ks.check(
            os.path.exists(f"{root}/usr/sbin/keyd"),
            f"{ks.BUILD} was set up for another prefix than /usr; please:"
            f" meson configure --prefix=/usr --sysconfdir=/etc {ks.BUILD}",
        )
        with open(stamp, "w", encoding="utf-8"):
            pass
    return root


def impossible():
    """Why there can be no such machine here, or None."""
    if not ks.ROOT:
        return "not root"
    status, text = ks.run([*ks.OWN_MOUNTS, *UNSHARE, "sh", "-ec", TRIAL])
    if status == 0:
        return None
    return f"no namespaces and layers: {text.strip().splitlines()[-1:]}"


def missing_packages(packages):
    def is_there(name):
        status, text = ks.run(["dpkg-query", "-Wf=${Status}", name])
        return status == 0 and text.endswith(" installed")

    return [name for name in packages if not is_there(name)]


def name_and_packages():
    """What the list of servers says of the program that runs."""
    name = os.path.basename(sys.argv[0]).removesuffix("_test.py")
    for line in ks.read_text(os.path.join(HERE, "list")).splitlines():
        words = line.split()
        if words[:1] == [name]:
            return name, words[2:]
    raise ks.Failed(f"{name} is not in tests/servers/list")


def enter():
    """Goes on only in the world. A test whose packages are not all there, or
    where no world can be made, is skipped by name."""
    if sys.argv[1:2] == [TEST]:
        return World()
    name, packages = name_and_packages()
    why = impossible()
    if not why and (missing := missing_packages(packages)):
        why = f"not installed: {' '.join(missing)}"
    if why:
        tap = ks.Tap()
        tap.skip(name, why)
        sys.exit(tap.end())
    python = [sys.executable, os.path.abspath(__file__), INIT]
    argv = [*ks.OWN_MOUNTS, *UNSHARE, *python, installed_tree()]
    argv.append(os.path.abspath(sys.argv[0]))
    sys.stdout.flush()
    os.execvp(argv[0], argv)


# --- the first process inside -----------------------------------------------


def mount(kind, where, options="", source="none"):
    ks.run_ok(
        ["mount", "-t", kind]
        + (["-o", options] if options else [])
        + [source, where]
    )


def bind(source, where):
    ks.run_ok(["mount", "--bind", source, where])


def lay_over(root):
    """The layers, in memory; the installed tree lies between."""
    mount("tmpfs", "/mnt", "mode=755")
    for name in LAYERED:
        top, work = f"/mnt/{name}", f"/mnt/{name}.work"
        os.mkdir(top)
        os.mkdir(work)
        # The topmost layer is what stat(2) tells.
        shutil.copystat(f"/{name}", top)
        lower = f"/{name}"
        if os.path.isdir(root + lower):
            lower = f"{root}{lower}:{lower}"
        mount(
            "overlay",
            f"/{name}",
            f"lowerdir={lower},upperdir={top},workdir={work}",
        )
    ks.run_ok(["umount", "--lazy", "/mnt"])


def make_devices():
    """A /dev of its own, since a log socket is to be there."""
    mount("tmpfs", "/mnt", "mode=755")
    for name in DEVICES:
        with open(f"/mnt/{name}", "w", encoding="utf-8"):
            pass
        bind(f"/dev/{name}", f"/mnt/{name}")
    for name in ("pts", "shm"):
        os.mkdir(f"/mnt/{name}")
    if os.path.isdir("/dev/pts"):
        ks.run_ok(["mount", "--rbind", "/dev/pts", "/mnt/pts"])
    mount("tmpfs", "/mnt/shm", "mode=1777")
    for name, target in (
        ("ptmx", "pts/ptmx"),
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ):
        os.symlink(target, f"/mnt/{name}")
    ks.run_ok(["mount", "--move", "/mnt", "/dev"])


def loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh", b"lo", 0)
        answer = fcntl.ioctl(s, SIOCGIFFLAGS, request.ljust(40, b"\0"))
        flags = struct.unpack_from("16sh", answer)[1] | IFF_UP
        request = struct.pack("16sh", b"lo", flags)
        fcntl.ioctl(s, SIOCSIFFLAGS, request.ljust(40, b"\0"))


def name_hosts():
    socket.sethostname(HOST.split(".", maxsplit=1)[0])
    for path, text in (
        ("/etc/hostname", f"{HOST.split('.', maxsplit=1)[0]}\n"),
        ("/etc/hosts", f"127.0.0.1 localhost {HOST} {HOST.split('.')[0]}\n"),
        ("/etc/resolv.conf", ""),
    ):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        write(path, text)


def init(root, program):
    """Process 1: makes the world, runs the test, reaps what daemons leave."""
    mount("proc", "/proc", "nosuid,nodev,noexec")
    lay_over(root)
    mount("tmpfs", "/run", "mode=755")
    os.mkdir("/run/lock")
    os.chmod("/run/lock", 0o1777)
    make_devices()
    loopback_up()
    name_hosts()
    with subprocess.Popen([sys.executable, program, TEST]) as test:
        while True:
            pid, status = os.wait()
            if pid == test.pid:
                test.returncode = os.waitstatus_to_exitcode(status)
                break
    # Ends all the others.
    os._exit(test.returncode if test.returncode >= 0 else 1)


# --- the test's side --------------------------------------------------------


class Log(threading.Thread):
    """What syslogd does: /dev/log goes to a file."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("/dev/log")
        os.chmod("/dev/log", 0o666)

    def run(self):
        while True:
            line = self.socket.recv(65536).rstrip(b"\n\0")
            with open(self.path, "ab") as f:
                f.write(line + b"\n")


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"hello\n")

    def log_message(self, *_):
        pass


class World(ks.Scratch):
    """keyd installed as README says, with a scratch folder for the test's own
    files. Of what Scratch has, keys, settings and keyd work as there."""

    keyd_program = "/usr/sbin/keyd"
    keydctl_program = "/usr/sbin/keydctl"

    def __init__(self):
        self.settings = {}
        self.programs = []
        self.servers = 0
        self.backends = {}
        self.keyd = None
        self.dir = "/tmp/keyd-test"
        self.abstract = "openssl-keyd"
        self.socket = "/run/openssl-keyd/keyd.sock"
        self.conf = "/etc/openssl-keyd/keyd.conf"
        self.syslog = "/var/log/keyd-test.syslog"
        os.mkdir(self.dir, 0o755)
        os.mkdir(self.path("plain"), 0o700)
        os.symlink("/run/openssl-keyd", self.path("run"))
        os.symlink("/etc/openssl-keyd/keys.d", self.path("policies"))
        self.prepare()
        Log(self.syslog).start()

    def __exit__(self, kind, *_):
        """The kernel ends all processes and drops all files."""

    def prepare(self):
        """As README, without systemd. What this machine may have is not
        there."""
        for name in ("/etc/openssl-keyd/keys.d", "/var/lib/openssl-keyd"):
            shutil.rmtree(name, ignore_errors=True)
        if not ks.read_text("/etc/passwd").count("\nkeyd:"):
            ks.run_ok(
                "useradd --system --no-create-home --home-dir / --shell"
                " /usr/sbin/nologin keyd".split(),
                env=ENVIRONMENT,
            )
        os.makedirs("/etc/openssl-keyd/keys.d", exist_ok=True)
        os.makedirs("/var/lib/openssl-keyd/keys", 0o700, exist_ok=True)
        os.chmod("/var/lib/openssl-keyd", 0o700)

        if ks.MAPPED:
            with open(self.conf, "a", encoding="utf-8") as f:
                f.write("user-namespace = allow\n")

    def enable(self):
        """The provider for the whole machine, by keydctl."""
        return self.ctl_ok("enable")

    def key_files(self, name):
        """Where Debian has them."""
        return f"/etc/ssl/private/{name}.key", f"/etc/ssl/certs/{name}.crt"

    # -- programs

    def tmpfiles(self, *names):
        """The folders in /run and /var that packages ask for."""
        ks.run_ok(["systemd-tmpfiles", "--create", *names], env=ENVIRONMENT)

    def service(self, argv, name, env=None, **kwargs):
        """A service that stays in the foreground."""
        return self.program(
            argv, name, env={**ENVIRONMENT, **(env or {})}, **kwargs
        )

    def launch(self, argv, name, env=None, **kwargs):
        """Starts a service that goes to the background; what it says first
        goes to a file, since the service may keep its output open."""
        program = self.service(argv, name, env, **kwargs)
        self.programs.remove(program)
        status = program.process.wait(ks.DEADLINE)
        ks.check(
            status == 0,
            f"{' '.join(argv)}: exit {status}\n{program.output()[-3000:]}",
        )

    def http_backend(self, port):
        """What stands behind a server that only takes TLS off; once."""
        if port not in self.backends:
            self.backends[port] = http.server.ThreadingHTTPServer(
                ("127.0.0.1", port), Hello
            )
            threading.Thread(
                target=self.backends[port].serve_forever, daemon=True
            ).start()

    def log(self, *paths):
        """The ends of log files, for the report of a failure."""
        texts = []
        for path in (*paths, self.syslog):
            if text := ks.read_text(path)[-2000:]:
                texts.append(f"{path}:\n{text}")
        return "\n".join(texts)

    def others(self):
        """Every process that is not keyd's and not the test's."""
        ours = {1, os.getpid()}
        if self.keyd:
            ours |= {self.keyd.pid, *ks.children(self.keyd.pid)}
        pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
        return sorted(pids - ours)


def write(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def hand_over(path, group, mode):
    """Root's still, but a group may have it too."""
    shutil.chown(path, "root", group)
    os.chmod(path, mode)


def replaced(pid, before):
    """Waits until a master has other children than before."""

    def all_new():
        now = ks.children(pid)
        return now and not set(now) & set(before)

    ks.wait_for("new workers", all_new)


def pid_in(path, deadline=ks.DEADLINE):
    """The process named in a pid file that lives."""

    def alive():
        text = ks.read_text(path).strip()
        return text and os.path.isdir(f"/proc/{text}") and int(text)

    return ks.wait_for(path, alive, deadline)


def gone(pid, deadline=ks.DEADLINE):
    ks.wait_for(
        f"end of process {pid}",
        lambda: not os.path.exists(f"/proc/{pid}"),
        deadline,
    )


def listening(*ports, deadline=ks.DEADLINE):
    """Waits until all ports are listened on. Nothing connects, since a server
    may count connections."""

    def all_there():
        found = set()
        for name in ("tcp", "tcp6"):
            for line in ks.read_text(f"/proc/net/{name}").splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A":
                    found.add(int(fields[1].rpartition(":")[2], 16))
        return found.issuperset(ports)

    ks.wait_for(f"listening on {ports}", all_there, deadline)


if __name__ == "__main__" and sys.argv[1] == INIT:
    init(*sys.argv[2:])
