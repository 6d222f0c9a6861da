"""What every server goes through: the course of tests that makes a line of
docs/APPLICATIONS.md true.

A test describes its server by a class of its own below Server, and calls
main(). The server is started with plain keys first, as a control, and its
numbers are found in its memory. Then the keys are imported in place and it is
started again, from the same files:

    each kind of handshake, checked by a client that knows nothing of keyd
    its own protocol inside
    keydctl check --pid finds nothing missing
    a reload, and a restart of keyd, under handshakes none of which may fail
    with keyd stopped there is no handshake; with keyd started again there is
    no process but keyd's has a number of a key in its memory
"""

import contextlib
import os
import re
import socket
import ssl
import sys
import threading
import time

import world
from world import ks

sys.path.insert(0, os.path.dirname(ks.__file__))
import memscan

check, wait_for = ks.check, ks.wait_for

# Client options for each handshake, and what s_client says of it: how it was
# signed, in the words of OpenSSL 3.0 and of later ones. The key that signs is
# chosen by what the client can verify.
HANDSHAKES = {
    "TLS 1.3, RSA": (
        "-tls1_3 -sigalgs rsa_pss_rsae_sha256:rsa_pkcs1_sha256",
        "TLSv1.3",
        ("RSA-PSS", "rsa_pss_rsae_sha256"),
    ),
    "TLS 1.3, ECDSA": (
        "-tls1_3 -sigalgs ecdsa_secp256r1_sha256",
        "TLSv1.3",
        ("ECDSA", "ecdsa_secp256r1_sha256"),
    ),
    "TLS 1.2, RSA": (
        "-tls1_2 -sigalgs rsa_pkcs1_sha256"
        " -cipher ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256",
        "TLSv1.2",
        ("RSA", "rsa_pkcs1_sha256"),
    ),
    "TLS 1.2, ECDSA": (
        "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384:"
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLSv1.2",
        ("ECDSA", "ecdsa_secp256r1_sha256"),
    ),
    "TLS 1.2, RSA key exchange": (
        "-tls1_2 -cipher AES256-GCM-SHA384:AES128-GCM-SHA256:AES128-SHA",
        "TLSv1.2",
        (None,),
    ),
}
# How a connection ends that a server cuts off; a failed signature is an alert.
CUT = ("ConnectionReset", "ConnectionRefused", "SSLEOF", "BrokenPipe")
GONE = "keyd cannot be reached"
RSA_ONLY = ("tls-rsa-kx", "tls-dhe")


class Server:
    """Everything about one application that its test must say."""

    # For its line in docs/APPLICATIONS.md: its name, the users of its
    # processes, how it reloads, what else the test proves, what to know.
    name = ""
    runs = ""
    reloads = ""  # empty: it cannot
    seamless = True  # a reload cuts no connection off
    also = ""
    know = ""
    allow = "www-data"  # who makes the operations
    uses = ("tls-server",)
    kinds = {"rsa": "rsa:2048", "ec": "ec:P-256"}  # certificates it takes
    purpose = "serverAuth"
    handshakes = tuple(HANDSHAKES)[:4]
    port = 443
    starttls = None  # a word of s_client's
    tells = True  # what OpenSSL says goes to its log
    chroot = None  # of those who sign: it is tried with a socket in there

    renews = False  # key and certificate are files of their own, read again

    def not_here(self):
        """Why it is not to be had on this machine, or None."""

    def configure(self, w, certs):
        """Writes its settings, once. certs: {name of kind: certificate}"""

    def import_from(self, cert):
        """What keydctl import is told of where key and certificate are."""
        return ["--certificate", cert.cert, cert.key]

    def port_for(self, kind):
        """Where a server with one certificate a port has that for a kind of
        handshake."""
        return self.port

    def start(self, w):
        """Starts it as its package does, returns when it serves."""
        raise NotImplementedError

    def stop(self, w):
        """Ends it as its package does, returns when it is gone."""
        raise NotImplementedError

    def reload(self, w):
        """Reloads as its package does, returns when the new one serves."""
        raise NotImplementedError

    def master(self, w):
        """The process for keydctl check --pid."""
        raise NotImplementedError

    def prepare(self, plain):
        """What is said on a plain connection before TLS, such as STARTTLS."""

    def talk(self, w, tls):
        """Its own protocol inside of a connection; raises if it is wrong."""
        text = http_get(tls)
        check(text.startswith("HTTP/1.1 200"), f"answered: {text[:300]}")

    def logs(self):
        """Paths of its own log files."""
        return ()

    def more(self, c):
        """Tests of its own, in the middle of the course c."""

    def course(self, w, tap, suffix):
        """What it goes through."""
        return Course(w, self, tap, suffix)


def http_get(tls, path="/"):
    tls.sendall(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    text = b""
    while data := tls.recv(65536):
        text += data
    return text.decode(errors="replace")


class Course:
    """One server in its world, with all that the tests need of both."""

    def __init__(self, w, server, tap, suffix=""):
        self.w, self.server, self.tap = w, server, tap
        self.certs = {
            name: w.certificate(f"{name}{suffix}", kind, server.purpose)
            for name, kind in server.kinds.items()
        }
        self.before = {}  # path of a key: what was in it
        self.needles = memscan.Needles()
        self.trusted = w.write(f"trusted{suffix}.pem", "")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for cert in self.certs.values():
            self.add_key(cert)

    def add_key(self, cert):
        """Clients trust its certificate, scans look for its numbers."""
        numbers = memscan.load_key(cert.plain)
        self.needles.add_key(os.path.basename(cert.plain), numbers)
        with open(self.trusted, "a", encoding="utf-8") as f:
            f.write(ks.read_text(cert.cert))
        self.context.load_verify_locations(cert.cert)

    # -- clients

    def connect(self, timeout=10):
        """A verified connection, by Python."""
        plain = socket.create_connection(
            ("127.0.0.1", self.server.port), timeout
        )
        try:
            self.server.prepare(plain)
            return self.context.wrap_socket(plain, server_hostname="localhost")
        except BaseException:
            plain.close()
            raise

    def handshake(self, timeout=10):
        self.connect(timeout).close()

    def s_client(self, kind, port=None):
        """A handshake of one kind, by openssl without any settings."""
        options, version, signatures = HANDSHAKES[kind]
        argv = ["openssl", "s_client", *options.split()]
        port = port or self.server.port_for(kind)
        argv += ["-connect", f"127.0.0.1:{port}"]
        argv += ["-CAfile", self.trusted, "-verify_return_error"]
        argv += ["-servername", "localhost", "-verify_hostname", "localhost"]
        if self.server.starttls:
            argv += ["-starttls", self.server.starttls]
        status, text = ks.run(
            argv, env=dict(os.environ, OPENSSL_CONF="/dev/null"), stdin=""
        )
        check(status == 0, f"{' '.join(argv)}:\n{text[-1500:]}")
        ks.expect_words(text, f"New, {version}", "Verification: OK")
        signed = re.search(r"Peer signature type: (\S+)", text)
        check(
            (signed and signed[1]) in signatures,
            f"signed with {signed and signed[1]}, not {signatures[0]}",
        )
        return text

    def one(self, kind, port=None):
        """A handshake of one kind, as a test."""
        self.s_client(kind, port)

    def served(self, kind):
        """The certificate that a kind of handshake gets."""
        text = self.s_client(kind)
        return text[text.index("-----BEGIN C") : text.index("-----END C")]

    def handshakes(self):
        for kind in self.server.handshakes:
            self.test(kind, self.one, kind)

    def talk(self):
        with self.connect() as tls:
            self.server.talk(self.w, tls)

    # -- processes

    def scan(self):
        """{process: what was found} of every process but keyd's."""
        found, names = {}, []
        for pid in self.w.others():
            what = f"{os.path.basename(ks.command_of(pid))} (pid {pid})"
            try:
                process = memscan.scan(pid, self.needles)
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            if process.read == 0:
                check(is_ended(pid), f"{what}: zero bytes read")
                continue
            names.append(f"{what}: {process.read / 1e6:.0f} MB")
            if process.found:
                found[what] = process.found
        check(names, "no process was read")
        return found, names

    def plain_keys_show(self):
        """The control: what the scan would find."""
        found, names = self.scan()
        labels = {
            label for hits in found.values() for label, _ in hits
        }
        for cert in self.certs.values():
            check(
                any(label.startswith(f"{cert.name}.key") for label in labels),
                f"{cert.name}: not found in {names}, {labels}",
            )
        return f"found in {', '.join(found)}"

    def nothing_shows(self):
        found, names = self.scan()
        check(not found, f"found: {found}")
        return "\n".join(names)

    # -- the course

    def control(self):
        self.server.start(self.w)
        for kind in self.server.handshakes:
            self.s_client(kind)
        note = self.plain_keys_show()
        self.server.stop(self.w)
        return note

    def import_keys(self):
        for kind, cert in self.certs.items():
            self.import_key(kind, cert)

    def import_key(self, kind, cert):
        s = self.server
        args = ["import", "--name", cert.name, "--allow", s.allow]
        for use in s.uses:
            if use not in RSA_ONLY or s.kinds[kind].startswith("rsa:"):
                args += ["--use", use]
        self.before[cert.key] = ks.read_text(cert.key)
        self.w.ctl_ok(*args, *s.import_from(cert))

    def restored(self):
        """Each file, also one with a certificate in it, byte for byte."""
        for cert in self.certs.values():
            self.w.ctl_ok("restore", cert.name, "--yes")
            check(
                ks.read_text(cert.key) == self.before[cert.key],
                f"{cert.key}: not the same bytes",
            )

    def bundled(self, path, parts, use):
        """Another key in one file with its certificate, imported in place: it
        is served, and restored byte for byte. use(path) has the server use it,
        use(None) what it used before."""
        cert = self.w.certificate(f"{self.certs['rsa'].name}-bundle", "rsa:2048")
        self.add_key(cert)
        text = "".join(ks.read_text(getattr(cert, part)) for part in parts)
        world.write(path, text, 0o600)
        args = ["--name", cert.name, "--allow", self.server.allow]
        self.w.ctl_ok("import", *args, "--use", "tls-server", path)
        check(ks.read_text(path) != text, "not imported")
        before = self.served("TLS 1.3, RSA")
        use(path)
        check(self.served("TLS 1.3, RSA") != before, "the old one is served")
        self.s_client("TLS 1.2, RSA")
        use(None)
        self.w.ctl_ok("restore", cert.name, "--yes")
        check(ks.read_text(path) == text, "not the same bytes")
        os.unlink(path)

    def nothing_missing(self, pid=None):
        pid = pid or self.server.master(self.w)
        text = self.w.ctl_ok("check", "--pid", str(pid))
        for word in ("error", "warning"):
            check(
                not re.search(rf"(?m)^{word}\b", text), f"of {pid}:\n{text}"
            )
        return text

    def load(self, threads=2):
        return Load(self, threads)

    def plain_reload(self):
        """Of one that cuts connections off: no handshake ends otherwise."""
        with self.load() as load:
            load.more(10)
            self.server.reload(self.w)
            wait_for("handshakes after it", self.all_succeed, 10)
        other = [e for e in load.errors if not e.split()[1].startswith(CUT)]
        check(not other, f"{len(other)} failed: {other[:5]}")
        return f"{load.done} handshakes, {len(load.errors)} cut off"

    def reload(self):
        with self.load() as load:
            load.more(10)
            self.server.reload(self.w)
            load.more(10)
        return load.none_failed()

    def renew(self):
        """Shells of other keys, with their certificates, come into the places
        of the old ones, and the old ones again; a reload takes them up."""
        s, contents = self.server, {}
        before = {kind: self.served(kind) for kind in s.handshakes}
        new = {
            kind: self.w.certificate(f"{cert.name}-new", s.kinds[kind])
            for kind, cert in self.certs.items()
        }
        for kind, cert in self.certs.items():
            self.add_key(new[kind])
            self.import_key(kind, new[kind])
            for what in ("cert", "key"):
                path = getattr(cert, what)
                other = ks.read_text(getattr(new[kind], what))
                contents[path] = (ks.read_text(path), other)
        for number in (1, 0):
            for path, texts in contents.items():
                with open(path, "w", encoding="ascii") as f:
                    f.write(texts[number])
            s.reload(self.w)
            for kind, old in before.items():
                wait_for(
                    f"{kind}, {('the old', 'another')[number]} certificate",
                    lambda: (self.served(kind) != old) == bool(number),
                    10,
                )
        for cert in new.values():
            self.w.ctl_ok("remove", cert.name, "--yes")

    def socket_in_chroot(self):
        """No abstract socket, and one more path instead: keyd.conf(5)."""
        settings = ks.read_text(self.w.conf)
        inside = self.server.chroot + self.w.socket
        os.makedirs(os.path.dirname(inside), exist_ok=True)
        more = f"socket = {self.w.socket} {inside}\nabstract-socket = none\n"
        try:
            self.restart_with(f"{settings}\n{more}")
            names = ks.read_text("/proc/net/unix")
            check(f"@{self.w.abstract}" not in names, "the abstract socket")
            for kind in self.server.handshakes:
                self.one(kind)
        finally:
            self.restart_with(settings)

    def restart_with(self, settings):
        with open(self.w.conf, "w", encoding="utf-8") as f:
            f.write(settings)
        self.w.stop_keyd()
        self.w.start_keyd()

    def restart_keyd(self):
        with self.load() as load:
            load.more(10)
            self.w.stop_keyd()
            self.w.start_keyd()
            load.more(10)
        return load.none_failed()

    def stop_keyd(self):
        """No handshake without keyd. The scan is made while the server waits
        for keyd in vain."""
        before = self.times_told()
        self.w.stop_keyd()
        tried = Attempt(self.handshake, timeout=30)
        note = self.nothing_shows()
        error = tried.error()
        check(error, "a handshake without keyd")
        self.tells_why(before)
        self.w.start_keyd()
        started = time.monotonic()
        # Each process finds out by itself, once a second.
        wait_for("handshakes with keyd", self.all_succeed, 10)
        back = time.monotonic() - started
        self.talk()
        return f"{error}\nback after {back:.2f} s\n{note}"

    def times_told(self):
        """How often the server's own log says that it is keyd that is gone."""
        paths = (*self.server.logs(), self.w.syslog)
        return sum(ks.read_text(path).count(GONE) for path in paths)

    def tells_why(self, before):
        def told():
            """Dovecot asks libssl again at times before it looks for the
            error, which is gone then: the next handshake tells."""
            if self.times_told() > before:
                return True
            with contextlib.suppress(OSError):
                self.handshake(timeout=30)
            return False

        if self.server.tells:
            wait_for(GONE, told, 10)
        else:
            check(self.times_told() == before, "it does say what is wrong")

    def all_succeed(self):
        try:
            for _ in range(20):
                self.handshake()
        except OSError:
            return False
        return True

    def test(self, what, fn, *args):
        started = time.monotonic()
        ok = self.tap.run(f"{self.server.name}: {what}", fn, *args)
        self.tap.note(f"{time.monotonic() - started:.2f} s")
        return ok

    def run(self):
        s, w, test = self.server, self.w, self.test
        failed = self.tap.failed
        go = test("the control: plain keys show in memory", self.control)
        go = go and test("the keys are imported in place", self.import_keys)
        go = go and test("it starts with shells", s.start, w)
        if go:
            self.handshakes()
            test("its own protocol", self.talk)
            test("keydctl check --pid misses nothing", self.nothing_missing)
            if s.reloads and not s.seamless:
                test("a reload, and handshakes", self.plain_reload)
            elif s.reloads:
                test("a reload, and no handshake fails", self.reload)
            if s.renews:
                test("other keys, and a reload", self.renew)
            s.more(self)
            if s.chroot:
                test("a socket in its chroot", self.socket_in_chroot)
            test("keyd restarted, and no handshake fails", self.restart_keyd)
            test(
                "no handshake without keyd, and no key in memory",
                self.stop_keyd,
            )
            test("it stops", s.stop, w)
            test("its files are restored byte for byte", self.restored)
        else:
            # Its ports are for the next one.
            with contextlib.suppress(Exception):
                s.stop(w)
        if self.tap.failed > failed:
            self.tap.note(w.log(*s.logs(), w.path("keyd.log")))


def is_ended(pid):
    stat = ks.read_text(f"/proc/{pid}/stat")
    return not stat or stat.rpartition(")")[2].split()[0] in "ZX"


class Attempt(threading.Thread):
    """Something tried beside the test."""

    def __init__(self, what, **kwargs):
        super().__init__(daemon=True)
        self.what, self.kwargs, self.failed = what, kwargs, None
        self.start()

    def run(self):
        try:
            self.what(**self.kwargs)
        except OSError as e:
            self.failed = e

    def error(self):
        """The OSError it failed with, when it has ended, or None."""
        self.join(ks.DEADLINE * 2)
        check(not self.is_alive(), "it goes on and on")
        return self.failed


class Load(ks.Load):
    """Handshakes one after another, over what the server says before TLS."""

    def __init__(self, course, threads):
        super().__init__([], threads)
        self.course = course

    def work(self, n):
        while not self.stopping.is_set():
            try:
                self.course.handshake(30)
                with self.lock:
                    self.done += 1
            except OSError as e:
                with self.lock:
                    self.errors.append(
                        f"{time.strftime('%T')} {type(e).__name__} {e}"
                    )

    def none_failed(self):
        check(not self.errors, f"{len(self.errors)} failed: {self.errors[:5]}")
        check(self.done >= 20, f"only {self.done} handshakes")
        return f"{self.done} handshakes"


def main(servers):
    """Each server in the same world, one after another, with other keys."""
    w = world.enter()
    tap = ks.Tap()
    with w:
        w.enable()
        w.start_keyd()
        for n, server in enumerate(servers):
            if why := server.not_here():
                tap.skip(server.name, why)
                continue
            course = server.course(w, tap, f"-{n}" if n else "")
            server.configure(w, course.certs)
            course.run()
    sys.exit(tap.end())
