#!/usr/bin/env python3
"""Unbound answers over TLS, with Debian's settings and a file beside them."""

import signal

import dot
import matrix
import world
from world import ks

SETTINGS = """server:
	interface: 127.0.0.1@853
	tls-service-key: "{rsa.key}"
	tls-service-pem: "{rsa.cert}"
	local-zone: "example.org." static
	local-data: "www.example.org. A 192.0.2.7"
"""


class Unbound(matrix.Server):
    name = "Unbound, DNS over TLS"
    runs = "unbound"
    allow = "unbound"
    kinds = {"rsa": "rsa:2048"}
    handshakes = ("TLS 1.3, RSA", "TLS 1.2, RSA")
    port = 853
    reloads = "HUP"
    seamless = False
    know = "a reload reads key files as unbound, who must be able to"

    def configure(self, w, certs):
        world.write(
            "/etc/unbound/unbound.conf.d/tls.conf", SETTINGS.format(**certs)
        )
        world.hand_over("/etc/ssl/private", "unbound", 0o710)
        world.hand_over(certs["rsa"].key, "unbound", 0o640)

    def start(self, w):
        # As in its unit, where what they return is of no interest.
        for step in ("chroot_setup", "root_trust_anchor_update"):
            ks.run(
                ["/usr/libexec/unbound-helper", step], env=world.ENVIRONMENT
            )
        self.service = w.service(["/usr/sbin/unbound", "-d", "-p"], "unbound")
        world.listening(853)

    def stop(self, w):
        status = self.service.stop()
        ks.check(status == 0, f"exit status {status}")

    def reload(self, w):
        before = self.starts(w)
        self.service.process.send_signal(signal.SIGHUP)
        ks.wait_for("a reload", lambda: self.starts(w) > before)

    def starts(self, w):
        return ks.read_text(w.syslog).count("start of service")

    def master(self, w):
        return self.service.pid

    def talk(self, w, tls):
        dot.ask(tls, "www.example.org", "192.0.2.7")

    def logs(self):
        return (self.service.log,)


SERVERS = [Unbound()]

if __name__ == "__main__":
    matrix.main(SERVERS)
