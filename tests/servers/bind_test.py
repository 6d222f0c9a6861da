#!/usr/bin/env python3
"""BIND answers over TLS, with Debian's settings and a listener more."""

import os

import dot
import matrix
import world
from world import ks

OPTIONS = "/etc/bind/named.conf.options"
TLS = """tls site {{
	cert-file "{ec.cert}";
	key-file "{ec.key}";
}};
options {{
	listen-on port 853 tls site {{ 127.0.0.1; }};
"""


# Debian 13's has no zone of its own any more.
ZONE = "site.example"
ZONES = f"""zone "{ZONE}" {{ type primary; file "/etc/bind/db.site"; }};
"""
RECORDS = """$TTL 60
@ IN SOA localhost. root.localhost. 1 60 60 60 60
@ IN NS localhost.
@ IN A 127.0.0.1
"""


class Bind(matrix.Server):
    name = "BIND, DNS over TLS"
    runs = "bind"
    allow = "bind"
    tells = False
    kinds = {"ec": "ec:P-256"}
    handshakes = ("TLS 1.3, ECDSA", "TLS 1.2, ECDSA")
    port = 853
    reloads = "`rndc reload`"
    know = "a reload reads key files as bind, who must be able to"

    def configure(self, w, certs):
        text = ks.read_text(OPTIONS)
        ks.check("options {\n" in text, "another named.conf.options")
        world.write(
            OPTIONS, text.replace("options {\n", TLS.format(**certs), 1)
        )
        world.write("/etc/bind/named.conf.local", ZONES)
        world.write("/etc/bind/db.site", RECORDS)
        world.hand_over("/etc/ssl/private", "bind", 0o710)
        world.hand_over(certs["ec"].key, "bind", 0o640)
        os.makedirs("/run/named", exist_ok=True)
        world.hand_over("/run/named", "bind", 0o775)

    def start(self, w):
        self.service = w.service(
            ["/usr/sbin/named", "-f", "-u", "bind"], "named"
        )
        world.listening(853, 953)

    def stop(self, w):
        w.launch(["/usr/sbin/rndc", "stop"], "rndc")
        status = self.service.process.wait(ks.DEADLINE)
        ks.check(status == 0, f"exit status {status}")

    def reload(self, w):
        before = self.loads(w)
        w.launch(["/usr/sbin/rndc", "reload"], "rndc")
        ks.wait_for("a reload", lambda: self.loads(w) > before)

    def loads(self, w):
        return ks.read_text(w.syslog).count("reloading zones succeeded")

    def master(self, w):
        return self.service.pid

    def talk(self, w, tls):
        dot.ask(tls, ZONE, "127.0.0.1")

    def logs(self):
        return (self.service.log,)


SERVERS = [Bind()]

if __name__ == "__main__":
    matrix.main(SERVERS)
