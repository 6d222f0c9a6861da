"""What every program that proves who it is with a certificate goes through:
matrix.py's course, with the roles exchanged.

A test describes its program by a class of its own below Client. It is tried
with plain keys first, as a control; then the keys are imported in place:

    TLS 1.3 and 1.2 with each certificate, to a server that demands one and
    knows nothing of keyd
    keydctl check --pid finds nothing missing
    keyd is restarted while it is used, and nothing fails
    with keyd stopped it fails; with keyd started again it works
    no process but keyd's has a number of a key in its memory
"""

import contextlib
import socket
import ssl
import threading

import matrix
from world import ks

PORT = 4433


class Client(matrix.Server):
    """Everything about one program that its test must say. A test that runs
    it says what it talks to in configure()."""

    allow = "root"
    uses = ("tls-client",)
    purpose = "clientAuth"
    times = 10  # it is used, at least, while keyd is restarted

    def start(self, w):
        """Starts what lives on between two uses, if there is such a thing."""

    def stop(self, w):
        """Ends it."""

    def once(self, version, cert):
        """Uses it: OSError or Failed if that does not work, or if what it
        talks to saw something else."""
        raise NotImplementedError

    def held(self, cert):
        """A context: a process of it that has signed, and lives on."""
        raise NotImplementedError

    def recovered(self, w):
        """What must be so after a while without keyd."""

    def course(self, w, tap, suffix):
        return Course(w, self, tap, suffix)


class Demanding(threading.Thread):
    """A server that demands a certificate, and what it has seen."""

    def __init__(self, site, certs, dialogue, port=PORT):
        super().__init__(daemon=True)
        self.dialogue = dialogue
        self.seen = []  # (version, name of the certificate, what was said)
        self.names = {
            ssl.PEM_cert_to_DER_cert(ks.read_text(c.cert)): c.name
            for c in certs.values()
        }
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(site.cert, site.plain)
        for cert in certs.values():
            self.context.load_verify_locations(cert.cert)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.create_server(("127.0.0.1", port))
        self.start()

    def run(self):
        while True:
            plain, _ = self.socket.accept()
            threading.Thread(
                target=self.serve, args=(plain,), daemon=True
            ).start()

    def serve(self, plain):
        # A client that goes away is the client's failure.
        with contextlib.suppress(OSError, ks.Failed), plain:
            self.dialogue(self, plain)

    def wrap(self, plain):
        return self.context.wrap_socket(plain, server_side=True)

    def note(self, tls, what):
        name = self.names[tls.getpeercert(binary_form=True)]
        self.seen.append((tls.version(), name, what))


def http(server, plain):
    """Answers with its path; /held is never answered to the end."""
    with server.wrap(plain) as tls, tls.makefile("rwb") as stream:
        path = stream.readline().split()[1].decode()
        while stream.readline().strip():
            pass
        server.note(tls, path)
        # With its length: later clients than Debian 12's ask for that, or for
        # a proper end of TLS.
        body = f"asked for {path}\n".encode()
        head = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
        if path != "/held":
            head += f"Content-Length: {len(body)}\r\n"
        stream.write(head.encode() + b"\r\n" + body)
        stream.flush()
        if path == "/held":
            tls.recv(1)


class Course(matrix.Course):
    """One program in its world."""

    def of_kind(self, word):
        """Its certificate with a key of this type."""
        kinds = self.server.kinds
        return next(c for n, c in self.certs.items() if word in kinds[n])

    def once(self, kind):
        version, name = kind.removeprefix("TLS ").split(", ")
        cert = self.of_kind("rsa" if name == "RSA" else "ec")
        self.server.once(f"TLSv{version}", cert)

    def control(self):
        self.server.start(self.w)
        for kind in self.server.handshakes:
            self.once(kind)
        with contextlib.ExitStack() as stack:
            for cert in self.certs.values():
                stack.enter_context(self.server.held(cert))
            note = self.plain_keys_show()
        self.server.stop(self.w)
        return note

    def holds_nothing(self):
        """A process that has just signed."""
        with contextlib.ExitStack() as stack:
            for cert in self.certs.values():
                pid = stack.enter_context(self.server.held(cert))
            return f"{self.nothing_shows()}\n{self.nothing_missing(pid)}"

    def handshake(self, timeout=None):
        try:
            self.once(self.server.handshakes[0])
        except ks.Failed as e:
            raise ConnectionError(e) from e

    def restart_keyd(self):
        with matrix.Load(self, 1) as load:
            load.more(1)
            self.w.stop_keyd()
            self.w.start_keyd()
            load.more(self.server.times)
        ks.check(not load.errors, f"failed: {load.errors[:5]}")
        return f"{load.done} times"

    def stop_keyd(self):
        self.w.stop_keyd()
        try:
            self.once(self.server.handshakes[0])
        except (OSError, ks.Failed) as e:
            note = str(e)
        else:
            raise ks.Failed("it worked without keyd")
        self.w.start_keyd()
        ks.wait_for("a success with keyd", self.succeeds, 5)
        self.server.recovered(self.w)
        return note

    def succeeds(self):
        try:
            self.handshake()
        except OSError:
            return False
        return True

    def run(self):
        s, test = self.server, self.test
        failed = self.tap.failed
        go = test("the control: plain keys show in memory", self.control)
        go = go and test("the keys are imported in place", self.import_keys)
        if go:
            s.start(self.w)
            for kind in s.handshakes:
                test(kind, self.once, kind)
            test("it holds no key, and misses nothing", self.holds_nothing)
            s.more(self)
            test("keyd restarted, and nothing fails", self.restart_keyd)
            test("nothing works without keyd", self.stop_keyd)
            s.stop(self.w)
        if self.tap.failed > failed:
            self.tap.note(self.w.log(*s.logs(), self.w.path("keyd.log")))
