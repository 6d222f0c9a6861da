#!/usr/bin/env python3
"""lighttpd with Debian's lighttpd.conf and its module for OpenSSL."""

import os
import signal

import matrix
import world

TMPFILES = ("lighttpd.tmpfile.conf", "lighttpd.conf")  # Debian 12, 13
LOG = "/var/log/lighttpd/error.log"
SETTINGS = """server.modules += ( "mod_openssl" )
ssl.openssl.ssl-conf-cmd = (
	"MinProtocol" => "TLSv1.2", "CipherString" => "HIGH:!aNULL"
)
ssl.pemfile = "{rsa.cert}"
ssl.privkey = "{rsa.key}"
$SERVER["socket"] == "0.0.0.0:443" {{ ssl.engine = "enable" }}
$SERVER["socket"] == "0.0.0.0:444" {{
	ssl.engine = "enable"
	ssl.pemfile = "{ec.cert}"
	ssl.privkey = "{ec.key}"
}}
"""


class Lighttpd(matrix.Server):
    name = "lighttpd"
    runs = "www-data"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    reloads = "USR1"
    renews = True
    know = "a reload reads key files as www-data, who must be able to"

    def port_for(self, kind):
        return 444 if kind.endswith("ECDSA") else 443

    def configure(self, w, certs):
        world.write(
            "/etc/lighttpd/conf-enabled/10-ssl.conf", SETTINGS.format(**certs)
        )
        world.hand_over("/etc/ssl/private", "www-data", 0o710)
        for cert in certs.values():
            world.hand_over(cert.key, "www-data", 0o640)
        world.write("/var/www/html/index.html", "hello\n")
        found = [
            n for n in TMPFILES if os.path.exists(f"/usr/lib/tmpfiles.d/{n}")
        ]
        w.tmpfiles(*found)

    def start(self, w):
        self.service = w.service(
            ["/usr/sbin/lighttpd", "-D", "-f", "/etc/lighttpd/lighttpd.conf"],
            "lighttpd",
        )
        world.listening(443, 444)

    def stop(self, w):
        status = self.service.stop()
        matrix.check(status == 0, f"exit status {status}")

    def reload(self, w):
        before = self.starts()
        self.service.process.send_signal(signal.SIGUSR1)
        matrix.wait_for("a new start", lambda: self.starts() > before)

    def starts(self):
        return world.ks.read_text(LOG).count("server started")

    def master(self, w):
        return self.service.pid

    def logs(self):
        return (self.service.log, LOG)


SERVERS = [Lighttpd()]

if __name__ == "__main__":
    matrix.main(SERVERS)
