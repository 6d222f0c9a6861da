"""A scratch set-up of keyd in one folder, for tests of whole programs.

    with Scratch() as s:
        cert = s.certificate("site", "rsa:2048")
        s.start_keyd()
        s.import_key(cert, use="tls-server", allow=s.everyone())
        server = s.s_server(cert, s.openssl_conf())
        handshake(server.port, cert)

As root, keyd drops to numeric users that need no account; as an ordinary user
it runs as that user. Everything lies in the folder, every process is ended by
its pid when the block is left, also when the test dies.
"""

import contextlib
import ctypes
import os
import pwd
import re
import select
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)
BUILD = os.environ.get("KEYD_BUILD", os.path.join(TOP, "build"))
DEADLINE = 30  # seconds that anything here may take
ROOT = os.geteuid() == 0
# Numbers that no account of a Debian system has.
KEYD_UID = 58200
# Before a command: a mount namespace of its own, which the machine does not see.
OWN_MOUNTS = [
    sys.executable,
    os.path.join(TOP, "tests", "support", "own_mounts.py"),
]
SESSION_UIDS = "58201-59300"
# These tests may run in a container without real root, where keyd must be told
# that this is meant.
with open("/proc/self/uid_map", encoding="ascii") as uid_map:
    MAPPED = uid_map.read().split() != ["0", "0", "4294967295"]

for name in ("OPENSSL_CONF", "OPENSSL_MODULES", "SSL_CERT_FILE"):
    os.environ.pop(name, None)


class Failed(Exception):
    """Something that should have worked did not; says what."""


# --- TAP --------------------------------------------------------------------


class Tap:
    """Prints results as they come; each test is a function."""

    def __init__(self):
        self.done = self.failed = 0

    def result(self, ok, name, notes=""):
        self.done += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.done} - {name}")
        self.note(notes)
        return ok

    def note(self, notes):
        for line in str(notes).splitlines():
            print(f"# {line}")
        sys.stdout.flush()

    def skip(self, name, why):
        self.done += 1
        print(f"ok {self.done} - {name} # SKIP {why}", flush=True)

    def run(self, name, fn, *args, **kwargs):
        """fn passes by returning and fails by an exception."""
        try:
            notes = fn(*args, **kwargs)
        except Exception as e:  # a test program reports whatever went wrong
            where = e.__traceback__
            while where.tb_next:
                where = where.tb_next
            place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}"
            return self.result(False, name, f"{type(e).__name__}: {e}\n{place}")
        return self.result(True, name, notes or "")

    def end(self):
        print(f"1..{self.done}", flush=True)
        return 1 if self.failed else 0


def check(condition, what):
    if not condition:
        raise Failed(what)


def expect_words(text, *words):
    """All the words stand in text, whatever their case."""
    for word in words:
        check(
            word.lower() in text.lower(),
            f"{word!r} expected in:\n{text[-3000:]}",
        )


# --- waiting ----------------------------------------------------------------


def wait_for(what, condition, deadline=DEADLINE):
    """Polls until condition() is true; its value. For events that nothing
    announces."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {deadline} s")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_text(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


# --- processes --------------------------------------------------------------


def dies_with_us():
    """A child's preexec: SIGTERM when the process that started it ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Program:
    """A process in the background; its output goes to a file."""

    def __init__(self, argv, log, env=None, user=None, **kwargs):
        self.argv, self.log = argv, log
        self.stdin = kwargs.pop("stdin", subprocess.DEVNULL)
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                argv,
                stdin=self.stdin,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=env,
                user=user,
                preexec_fn=dies_with_us,
                **kwargs,
            )
        self.pid = self.process.pid

    def output(self):
        return read_text(self.log)

    def is_running(self):
        return self.process.poll() is None

    def wait_output(self, pattern, deadline=DEADLINE):
        def found():
            match = re.search(pattern, self.output())
            if not match and not self.is_running():
                raise Failed(
                    f"{self.argv[0]} ended with {self.process.returncode}:\n"
                    + self.output()[-3000:]
                )
            return match

        return wait_for(f"{self.argv[0]}: {pattern!r}", found, deadline)

    def stop(self, sig=signal.SIGTERM, deadline=10):
        """Ends it; its exit status, negative for a signal."""
        if self.is_running():
            self.process.send_signal(sig)
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(deadline)


def children(pid):
    """Pids of a process's children, in order."""
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        text = read_text(f"/proc/{pid}/task/{task}/children")
        found += [int(word) for word in text.split()]
    return sorted(found)


def command_of(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            return f.read().split(b"\0")[0].decode(errors="replace")
    return ""


def run(argv, env=None, stdin=None, user=None, group=None, timeout=60):
    """(exit status, stdout and stderr together)"""
    done = subprocess.run(
        argv,
        env=env,
        input=stdin,
        user=user,
        group=group,
        extra_groups=[] if user else None,
        stdin=subprocess.DEVNULL if stdin is None else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
    )
    return done.returncode, done.stdout


def run_ok(argv, **kwargs):
    status, text = run(argv, **kwargs)
    check(status == 0, f"{' '.join(argv)}: exit {status}\n{text[-3000:]}")
    return text


# --- TLS clients ------------------------------------------------------------

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def client_context(cert, version=None):
    """A client that trusts cert alone, and checks the name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cert.cert)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def handshake(port, cert, version=None, context=None, timeout=10):
    """One full handshake, verified. Raises OSError (ssl.SSLError is one);
    no retries. Returns the TLS version spoken."""
    context = context or client_context(cert, version)
    with socket.create_connection(("127.0.0.1", port), timeout) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as tls:
            return tls.version()


class Load:
    """Threads that do full handshakes, one after another, until stopped."""

    def __init__(self, targets, threads=2):
        self.targets = targets  # [(port, certificate, version)]
        self.done = 0
        self.errors = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [
            threading.Thread(target=self.work, args=(n,), daemon=True)
            for n in range(threads)
        ]

    def work(self, n):
        contexts = [
            (port, cert, client_context(cert, version))
            for port, cert, version in self.targets
        ]
        while not self.stopping.is_set():
            port, cert, context = contexts[n % len(contexts)]
            n += 1
            try:
                self.handshake(port, cert, context)
                with self.lock:
                    self.done += 1
            except OSError as e:
                with self.lock:
                    self.errors.append(f"{time.strftime('%T')} {e}")

    def handshake(self, port, cert, context):
        handshake(port, cert, context=context, timeout=30)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)

    def more(self, count, deadline=60):
        """Waits for so many handshakes more, failed ones included."""
        goal = self.done + len(self.errors) + count
        wait_for(
            f"{count} more handshakes",
            lambda: self.done + len(self.errors) >= goal,
            deadline,
        )


# --- the set-up -------------------------------------------------------------


class Certificate:
    """Files of a self-signed certificate and its key."""

    def __init__(self, name, key, cert, plain):
        self.name, self.key, self.cert = name, key, cert
        self.plain = plain  # a copy of the key as it was


class Scratch:
    keyd_program = f"{BUILD}/keyd/keyd"
    keydctl_program = f"{BUILD}/keyd/keydctl"

    def __init__(self, **settings):
        self.settings = settings
        self.programs = []
        self.servers = 0
        self.keyd = None
        self.dir = tempfile.mkdtemp(prefix="keyd-test.")
        os.chmod(self.dir, 0o755)
        tag = os.path.basename(self.dir).split(".")[1]
        self.abstract = f"keyd-test-{tag}"
        self.socket = self.path("run/keyd.sock")
        self.conf = self.path("keyd.conf")
        for folder, mode in (
            ("keys", 0o700),
            ("policies", 0o755),
            ("run", 0o755),
            ("tls", 0o755),
            ("plain", 0o700),
        ):
            os.mkdir(self.path(folder))
            os.chmod(self.path(folder), mode)
        self.write_conf()

    def path(self, name):
        return os.path.join(self.dir, name)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for program in reversed(self.programs):
            program.stop()
        if kind and os.environ.get("KEYD_TEST_KEEP"):
            print(f"# kept: {self.dir}")
            return
        shutil.rmtree(self.dir)

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def program(self, argv, name, **kwargs):
        log = self.path(f"{name}.log")
        program = Program(argv, log, **kwargs)
        self.programs.append(program)
        return program

    # -- keyd

    def write_conf(self, **settings):
        """keyd.conf, one folder, widest lock-in; a setting None is left
        out."""
        values = {
            "socket": "run/keyd.sock",
            "abstract-socket": self.abstract,
            "keys": "keys",
            "policies": "policies",
            "run": "run",
        }
        if MAPPED:
            values["user-namespace"] = "allow"
        if ROOT:
            values["user"] = f"{KEYD_UID}:{KEYD_UID}"
            values["session-uids"] = SESSION_UIDS
        else:
            values["user"] = pwd.getpwuid(os.geteuid()).pw_name
        values.update(self.settings)
        values.update(
            (name.replace("_", "-"), value) for name, value in settings.items()
        )
        lines = [f"{k} = {v}\n" for k, v in values.items() if v is not None]
        self.write("keyd.conf", "".join(lines))

    def start_keyd(self, before=()):
        """Starts keyd, by another command if before is one, and waits until
        it says that it is ready."""
        notify = self.path("notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(notify)
            env = dict(os.environ, NOTIFY_SOCKET=notify)
            self.keyd = self.program(
                [*before, self.keyd_program, "-c", self.conf], "keyd", env=env
            )
            end = time.monotonic() + DEADLINE
            while True:
                if not self.keyd.is_running():
                    raise Failed(f"keyd ended:\n{self.keyd.output()[-3000:]}")
                if time.monotonic() > end:
                    raise Failed(f"not ready:\n{self.keyd.output()[-3000:]}")
                if select.select([s], [], [], 0.1)[0]:
                    if b"READY=1" in s.recv(4096).split(b"\n"):
                        return self.keyd

    def stop_keyd(self):
        """Ends keyd in order; its exit status."""
        status = self.keyd.stop()
        self.programs.remove(self.keyd)
        self.keyd = None
        return status

    def keyd_log(self):
        return read_text(self.path("keyd.log"))

    def state(self):
        """The state file as {section: {name: value}}."""
        sections, current = {}, {}
        for line in read_text(self.path("run/state")).splitlines():
            line = line.strip()
            if line.startswith("["):
                current = sections.setdefault(line[1:-1], {})
            elif "=" in line:
                name, value = line.split("=", 1)
                current[name.strip()] = value.strip()
        return sections

    def reload_keyd(self):
        """SIGHUP; waits for the outcome: "ok" or "failed"."""
        before = int(self.state()["keyd"]["sequence"])
        self.keyd.process.send_signal(signal.SIGHUP)
        wait_for(
            "reload",
            lambda: int(self.state()["keyd"]["sequence"]) > before,
        )
        return self.state()["keyd"]["reload"]

    def processes(self, name):
        """Pids of keyd's children that run the program name."""
        return [
            pid
            for pid in children(self.keyd.pid)
            if os.path.basename(command_of(pid)) == name
        ]

    def session_of(self, pid, deadline=DEADLINE):
        """Pid of the session that serves the process pid, from the log."""
        pattern = rf"session.*\b{pid}\b"
        return wait_for(
            f"session of {pid}",
            lambda: re.findall(pattern, self.keyd_log()),
            deadline,
        )

    # -- keys

    def key_files(self, name):
        return self.path(f"tls/{name}.key"), self.path(f"tls/{name}.crt")

    def certificate(self, name, kind, purpose="serverAuth"):
        """A key and a self-signed certificate, as an operator makes them.
        kind: rsa:BITS, rsa-pss:BITS, ec:CURVE, ed25519 or ed448."""
        key, cert = self.key_files(name)
        what, _, size = kind.partition(":")
        option = "ec_paramgen_curve" if what == "ec" else "rsa_keygen_bits"
        run_ok(
            ["openssl", "genpkey", "-algorithm", what.upper(), "-out", key]
            + (["-pkeyopt", f"{option}:{size}"] if size else [])
        )
        run_ok(
            ["openssl", "req", "-x509", "-new", "-key", key, "-out", cert]
            + ["-days", "30", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
            + ["-addext", f"extendedKeyUsage={purpose}"]
        )
        plain = self.path(f"plain/{name}.key")
        shutil.copyfile(key, plain)
        os.chmod(plain, 0o600)
        return Certificate(name, key, cert, plain)

    def everyone(self):
        """Who the tests' programs run as: us, and nginx's workers."""
        us = pwd.getpwuid(os.geteuid()).pw_name
        return f"{us} www-data" if ROOT else us

    def ctl(self, *args, stdin=None):
        return run([self.keydctl_program, "-c", self.conf, *args], stdin=stdin)

    def ctl_ok(self, *args):
        status, text = self.ctl(*args)
        check(status == 0, f"keydctl {' '.join(args)}: exit {status}\n{text}")
        return text

    def import_key(self, cert, use, allow=None):
        allow = allow or self.everyone()
        args = ["import", "--name", cert.name, "--certificate", cert.cert]
        for word in allow.split():
            args += ["--allow", word]
        for word in use.split():
            args += ["--use", word]
        return self.ctl_ok(*args, cert.key)

    def policy(self, cert, **settings):
        """Changes settings of a key's policy and reloads keyd."""
        path = self.path(f"policies/{cert.name}.conf")
        values = {}
        for line in read_text(path).splitlines():
            if "=" in line and line.lstrip()[0] not in "#;":
                name, value = line.split("=", 1)
                values[name.strip()] = value.strip()
        for name, value in settings.items():
            values[name.replace("_", "-")] = value
        text = "".join(f"{k} = {v}\n" for k, v in values.items())
        mode = os.stat(path).st_mode & 0o7777
        self.write(f"policies/{cert.name}.conf", text, mode)
        result = self.reload_keyd()
        check(result == "ok", f"reload {result}:\n{self.keyd_log()[-2000:]}")

    # -- applications

    def openssl_conf(
        self, order="after", name="openssl.cnf", extra=(), **settings
    ):
        """An openssl.cnf that activates the provider after or before
        default, and extra providers of OpenSSL's own."""
        names = ["default", "keyd"] if order == "after" else ["keyd", "default"]
        values = {"socket": self.socket, **settings}
        if not ROOT:
            values["server-user"] = pwd.getpwuid(os.geteuid()).pw_name
        lines = [
            "openssl_conf = init",
            "[init]",
            "providers = providers",
            "[providers]",
            *[f"{n} = {n}_section" for n in [*names, *extra]],
            "[default_section]",
            "activate = 1",
            "[keyd_section]",
            f"module = {BUILD}/provider/keyd.so",
            "activate = 1",
            *[f"{k.replace('_', '-')} = {v}" for k, v in values.items()],
            *[f"[{n}_section]\nactivate = 1" for n in extra],
            "[req]",
            "distinguished_name = dn",
            "[dn]",
        ]
        return self.write(name, "\n".join(lines) + "\n")

    def environment(self, conf):
        """The environment of an application. conf None: without us."""
        env = dict(os.environ)
        if conf:
            env["OPENSSL_CONF"] = conf
            env.update(sanitizer_environment())
        return env

    def s_server(self, cert, conf, *options, key=None, name="s_server"):
        port = free_port()
        # A port can come twice: what an earlier server said is not its word.
        self.servers += 1
        server = self.program(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www"]
            + ["-cert", cert.cert, "-key", key or cert.key, *options],
            f"{name}-{port}-{self.servers}",
            env=self.environment(conf),
        )
        server.port = port
        server.wait_output(r"(?m)^ACCEPT")
        return server

    def nginx(self, sites, conf, workers=2):
        """nginx with a server for each (certificate, key file); .ports holds
        their ports in order."""
        where = tempfile.mkdtemp(prefix="nginx.", dir=self.dir)
        os.chmod(where, 0o755)
        ports = [free_port() for _ in sites]
        temp = "\n".join(
            f"  {kind}_temp_path {where}/{kind};"
            for kind in (
                "client_body",
                "proxy",
                "fastcgi",
                "uwsgi",
                "scgi",
            )
        )
        servers = "\n".join(
            f"""  server {{
    listen 127.0.0.1:{port} ssl;
    server_name localhost;
    ssl_certificate {cert.cert};
    ssl_certificate_key {key};
    location / {{ return 200 "hello\\n"; }}
  }}"""
            for port, (cert, key) in zip(ports, sites)
        )
        user = "user www-data;" if ROOT else ""
        file = os.path.join(where, "nginx.conf")
        with open(file, "w", encoding="utf-8") as f:
            f.write(
                f"""{user}
daemon off;
worker_processes {workers};
pid {where}/pid;
error_log {where}/error.log info;
events {{ worker_connections 512; }}
http {{
  access_log off;
{temp}
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache off;
  ssl_session_tickets off;
{servers}
}}
"""
            )
        server = self.program(
            ["/usr/sbin/nginx", "-p", where, "-c", file, "-e", "stderr"],
            os.path.basename(where),
            env=self.environment(conf),
        )
        server.ports = ports
        server.error_log = os.path.join(where, "error.log")
        server.workers = lambda: children(server.pid)

        def listening():
            check(server.is_running(), f"nginx ended:\n{server.output()}")
            with contextlib.suppress(OSError):
                for port in ports:
                    socket.create_connection(("127.0.0.1", port), 5).close()
                return len(server.workers()) >= workers
            return False

        wait_for("nginx", listening)
        return server


    def haproxy(self, sites, conf):
        """HAProxy as Debian runs it, master and worker in a chroot, with a
        frontend for each (certificate, key file); .ports in order."""
        where = tempfile.mkdtemp(prefix="haproxy.", dir=self.dir)
        os.chmod(where, 0o755)
        ports = [free_port() for _ in sites]
        frontends = []
        for port, (cert, key) in zip(ports, sites):
            pem = os.path.join(where, f"{cert.name}.pem")
            shutil.copyfile(cert.cert, pem)
            os.symlink(key, f"{pem}.key")
            frontends.append(
                f"frontend {cert.name}\n"
                f"  bind 127.0.0.1:{port} ssl crt {pem} no-tls-tickets\n"
                "  http-request return status 200 content-type text/plain"
                ' string "hello"\n'
            )
        rights = f"  chroot {where}\n  user haproxy\n  group haproxy\n"
        file = os.path.join(where, "haproxy.cfg")
        with open(file, "w", encoding="utf-8") as f:
            f.write(
                "global\n  nbthread 2\n  tune.ssl.cachesize 0\n"
                + (rights if ROOT else "")
                + "defaults\n  mode http\n  timeout client 30s\n"
                "  timeout connect 30s\n  timeout server 30s\n"
                + "".join(frontends)
            )
        server = self.program(
            ["/usr/sbin/haproxy", "-W", "-f", file],
            os.path.basename(where),
            env=self.environment(conf),
        )
        server.ports = ports

        def listening():
            check(server.is_running(), f"HAProxy ended:\n{server.output()}")
            with contextlib.suppress(OSError):
                for port in ports:
                    socket.create_connection(("127.0.0.1", port), 5).close()
                return True
            return False

        wait_for("HAProxy", listening)
        return server


def sanitizer_environment():
    """What a system program needs to load a provider built with ASan."""
    if not is_sanitized():
        return {}
    libasan = run_ok(["gcc", "-print-file-name=libasan.so"]).strip()
    return {
        "LD_PRELOAD": os.path.realpath(libasan),
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
    }


def is_sanitized():
    with open(f"{BUILD}/provider/keyd.so", "rb") as f:
        return b"__asan_init" in f.read()


def runs_here(name):
    """Whether a test is for this build. What is killed at every call shows the
    order of its calls, which is the same with sanitizers and takes minutes."""
    return "killed at every call" not in name or not is_sanitized()
