#!/usr/bin/env python3
"""hitch, with key and certificate in one file."""

import os
import signal

import matrix
import world
from world import ks

SETTINGS = """frontend = {{
	host = "*"
	port = "443"
	pem-file = "/etc/hitch/rsa.pem"
}}
frontend = {{
	host = "*"
	port = "444"
	pem-file = "/etc/hitch/ec.pem"
}}
backend = "[127.0.0.1]:8080"
workers = 2
ciphers = "HIGH:!aNULL"
"""


class Hitch(matrix.Server):
    name = "hitch"
    runs = "master and workers: _hitch"
    allow = "_hitch"
    tells = False
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    reloads = "HUP"
    seamless = False
    also = "two workers; key and certificate in one file"

    def port_for(self, kind):
        return 444 if kind.endswith("ECDSA") else 443

    def configure(self, w, certs):
        os.makedirs("/etc/hitch", exist_ok=True)
        for name, cert in certs.items():
            path = f"/etc/hitch/{name}.pem"
            text = ks.read_text(cert.key) + ks.read_text(cert.cert)
            world.write(path, text, 0o600)
            cert.key = path
        world.write("/etc/hitch/hitch.conf", SETTINGS.format())
        w.http_backend(8080)

    def import_from(self, cert):
        return [cert.key]  # the certificate is in it

    def start(self, w):
        self.service = w.service(
            "/usr/sbin/hitch --user _hitch --group _hitch"
            " --config /etc/hitch/hitch.conf --quiet".split(),
            "hitch",
        )
        world.listening(443, 444)

    def stop(self, w):
        status = self.service.stop()
        ks.check(status == 0, f"exit status {status}")

    def reload(self, w):
        before = ks.children(self.service.pid)
        self.service.process.send_signal(signal.SIGHUP)
        world.replaced(self.service.pid, before)

    def master(self, w):
        return self.service.pid

    def logs(self):
        return (self.service.log,)


SERVERS = [Hitch()]

if __name__ == "__main__":
    matrix.main(SERVERS)
