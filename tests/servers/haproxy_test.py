#!/usr/bin/env python3
"""HAProxy with Debian's haproxy.cfg and a frontend: master and worker, the
worker in a chroot. Key and certificate are in one file."""

import os
import signal
import socket

import matrix
import world
from world import ks

SETTINGS = "/etc/haproxy/haproxy.cfg"
MASTER, ADMIN = "/run/haproxy-master.sock", "/run/haproxy/admin.sock"
FRONTEND = """
frontend site
	bind :443 ssl crt {bundle} ciphers HIGH:!aNULL
	http-request return status 200 content-type text/plain string hello
"""


class HAProxy(matrix.Server):
    runs = "master: root, worker: haproxy in a chroot"
    allow = "haproxy"
    tells = False
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    reloads = "USR2"
    chroot = "/var/lib/haproxy"
    also = (
        "key and certificate in one file, `.rsa` and `.ecdsa` of one name;"
        " `set ssl cert` at run time"
    )

    def __init__(self, name, global_lines="", know=""):
        self.name, self.global_lines, self.know = name, global_lines, know
        self.bundle = f"/etc/haproxy/{name.replace(' ', '-')}.pem"

    def configure(self, w, certs):
        if not hasattr(HAProxy, "stock"):
            HAProxy.stock = ks.read_text(SETTINGS)
        ks.check("\ndefaults\n" in HAProxy.stock, "another haproxy.cfg")
        text = HAProxy.stock.replace(
            "\ndefaults\n", f"\n{self.global_lines}\ndefaults\n"
        )
        world.write(SETTINGS, text + FRONTEND.format(bundle=self.bundle))
        # The key first in one, the certificate first in the other.
        for name, cert in certs.items():
            parts = [ks.read_text(cert.key), ks.read_text(cert.cert)]
            path = f"{self.bundle}.{'rsa' if name == 'rsa' else 'ecdsa'}"
            if name == "ec":
                parts.reverse()
            world.write(path, "".join(parts), 0o600)
            cert.key = path

    def import_from(self, cert):
        return [cert.key]  # the certificate is in it

    def start(self, w):
        os.makedirs("/run/haproxy", exist_ok=True)
        log_in_chroot()
        self.service = w.service(
            ["/usr/sbin/haproxy", "-Ws", "-f", SETTINGS]
            + ["-p", "/run/haproxy.pid", "-S", MASTER],
            "haproxy",
        )
        world.listening(443)

    def stop(self, w):
        status = self.service.stop()
        ks.check(status in (0, 143), f"exit status {status}")

    def reload(self, w):
        before = ks.children(self.service.pid)
        self.service.process.send_signal(signal.SIGUSR2)
        world.replaced(self.service.pid, before)

    def master(self, w):
        return self.service.pid

    def logs(self):
        return (self.service.log,)

    def more(self, c):
        c.test("set ssl cert, while it runs", self.set_certificate, c)

    def set_certificate(self, c):
        """Another key, imported, goes in by the socket, which is served in the
        chroot."""
        new = c.w.certificate(f"{c.certs['rsa'].name}-new", "rsa:2048")
        c.add_key(new)
        uses = [word for use in self.uses for word in ("--use", use)]
        c.w.ctl_ok(
            *["import", "--name", new.name, "--allow", self.allow],
            *[*uses, *super().import_from(new)],
        )
        name = f"{self.bundle}.rsa"
        before = c.served("TLS 1.2, RSA")
        text = ks.read_text(new.key) + ks.read_text(new.cert)
        said = command(f"set ssl cert {name} <<\n{text}\n")
        ks.expect_words(said, "transaction created")
        said = command(f"commit ssl cert {name}\n")
        ks.expect_words(said, "success")
        ks.check(c.served("TLS 1.2, RSA") != before, "the old one is served")
        for kind in self.handshakes:
            c.s_client(kind)


def log_in_chroot():
    """BindReadOnlyPaths= of its unit."""
    where = "/var/lib/haproxy/dev/log"
    os.makedirs(os.path.dirname(where), exist_ok=True)
    if not os.path.exists(where):
        world.write(where, "")
        world.bind("/dev/log", where)


def command(text):
    """The answer to a command, of the socket for statistics and changes."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(ADMIN)
        s.sendall(text.encode())
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while data := s.recv(65536):
            answer += data
    return answer.decode()


SERVERS = [
    HAProxy("HAProxy"),
    HAProxy(
        "HAProxy with ssl-mode-async",
        "\tssl-mode-async",
        "operations run in jobs of OpenSSL's, on small stacks",
    ),
]

if __name__ == "__main__":
    matrix.main(SERVERS)
