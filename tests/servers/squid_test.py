#!/usr/bin/env python3
"""Squid, the variant for OpenSSL, as a proxy that is spoken to over TLS."""

import os
import signal

import matrix
import world
from world import ks

SETTINGS = """https_port 3129 tls-cert={rsa.cert} tls-key={rsa.key} cipher=HIGH
https_port 3130 tls-cert={ec.cert} tls-key={ec.key}
shutdown_lifetime 1 second
"""


class Squid(matrix.Server):
    name = "Squid (squid-openssl)"
    runs = "master: root, worker: proxy"
    allow = "proxy,root"
    tells = False
    uses = ("tls-server", "tls-rsa-kx", "sign")
    handshakes = tuple(matrix.HANDSHAKES)
    port = 3129
    know = (
        "for each `https_port` it signs a certificate with the port's key when"
        " it starts, used or not: it needs `sign`, which allows any message"
    )
    reloads = "HUP"
    seamless = False

    def port_for(self, kind):
        return 3130 if kind.endswith("ECDSA") else 3129

    def configure(self, w, certs):
        world.write("/etc/squid/conf.d/tls.conf", SETTINGS.format(**certs))
        w.http_backend(8080)

    def start(self, w):
        os.makedirs("/run/squid", exist_ok=True)
        world.hand_over("/run/squid", "proxy", 0o775)
        w.launch(["/usr/sbin/squid", "--foreground", "-z"], "squid-z")
        self.service = w.service(
            ["/usr/sbin/squid", "--foreground", "-sYC"], "squid", group="proxy"
        )
        world.listening(3129, 3130)

    def stop(self, w):
        status = self.service.stop(deadline=30)
        ks.check(status == 0, f"exit status {status}")

    def reload(self, w):
        before = self.reloaded()
        self.service.process.send_signal(signal.SIGHUP)
        ks.wait_for("a reload", lambda: self.reloaded() > before)

    def reloaded(self):
        text = ks.read_text("/var/log/squid/cache.log")
        _, _, after = text.rpartition("Reconfiguring Squid")
        return text.count("Reconfiguring Squid") * ("Accepting" in after)

    def master(self, w):
        return self.service.pid

    def talk(self, w, tls):
        text = matrix.http_get(tls, "http://127.0.0.1:8080/")
        ks.check(text.startswith("HTTP/1.1 200"), text[:300])
        ks.expect_words(text, "hello", "Via: ")

    def logs(self):
        return (self.service.log, "/var/log/squid/cache.log")


SERVERS = [Squid()]

if __name__ == "__main__":
    matrix.main(SERVERS)
