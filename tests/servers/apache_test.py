#!/usr/bin/env python3
"""Apache httpd, with Debian's default-ssl site, under two of its MPMs."""

import matrix
import world
from world import ks

SITE = "/etc/apache2/sites-available/default-ssl.conf"
SNAKEOIL = """	SSLCertificateFile      /etc/ssl/certs/ssl-cert-snakeoil.pem
	SSLCertificateKeyFile   /etc/ssl/private/ssl-cert-snakeoil.key
"""


class Apache(matrix.Server):
    runs = "parent: root, children: www-data"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    reloads = "`apachectl graceful`"
    renews = True
    tells = False

    def __init__(self, mpm, also=""):
        self.mpm, self.also = mpm, also
        self.name = f"Apache httpd, {mpm}"

    def configure(self, w, certs):
        self.write_site(
            "".join(
                f"\tSSLCertificateFile {c.cert}\n"
                f"\tSSLCertificateKeyFile {c.key}\n"
                for c in certs.values()
            )
        )
        for argv in (
            ["a2dismod", "-q", "-f", "mpm_event", "mpm_prefork", "mpm_worker"],
            ["a2enmod", "-q", f"mpm_{self.mpm}", "ssl"],
            ["a2ensite", "-q", "default-ssl"],
        ):
            w.launch(argv, "a2")

    def write_site(self, pairs):
        if not hasattr(Apache, "stock"):
            Apache.stock = ks.read_text(SITE)
        ks.check(SNAKEOIL in Apache.stock, "another default-ssl.conf")
        world.write(SITE, Apache.stock.replace(SNAKEOIL, pairs))

    def more(self, c):
        """SSLCertificateFile may hold the key, too."""
        settings = ks.read_text(SITE)

        def use(path):
            if path:
                self.write_site(f"\tSSLCertificateFile {path}\n")
            else:
                world.write(SITE, settings)
            self.reload(c.w)

        if self.mpm == "event":
            path = "/etc/ssl/private/bundle.pem"
            c.test("a bundle", c.bundled, path, ("cert", "key"), use)

    def ctl(self, w, verb):
        w.launch(
            ["/usr/sbin/apachectl", verb],
            verb,
            {"APACHE_STARTED_BY_SYSTEMD": "true"},
        )

    def start(self, w):
        self.ctl(w, "start")
        world.listening(443)
        self.master(w)

    def stop(self, w):
        pid = self.master(w)
        self.ctl(w, "stop")
        world.gone(pid)

    def reload(self, w):
        master = self.master(w)
        before = ks.children(master)
        self.ctl(w, "graceful")
        world.replaced(master, before)

    def master(self, w):
        return world.pid_in("/run/apache2/apache2.pid")

    def logs(self):
        return ("/var/log/apache2/error.log",)


SERVERS = [Apache("event", "threads in each child"), Apache("prefork")]

if __name__ == "__main__":
    matrix.main(SERVERS)
