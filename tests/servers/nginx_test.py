#!/usr/bin/env python3
"""nginx, with Debian's own nginx.conf and a site."""

import os
import signal

import matrix
import world
from world import ks

SETTINGS = "/etc/nginx/nginx.conf"
SITE = """
server {{
  listen 443 ssl;
  root /var/www/html;
{pairs}
}}
# The key's name is known with each connection only: the workers load it.
server {{
  listen 444 ssl;
  root /var/www/html;
  ssl_certificate /etc/ssl/certs/$site.crt;
  ssl_certificate_key /etc/ssl/private/$site.key;
}}
map $ssl_server_name $site {{
  default {rsa};
}}
"""


class Nginx(matrix.Server):
    name = "nginx"
    runs = "master: root, workers: www-data"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    reloads = "`nginx -s reload`"
    renews = True
    also = "two workers; a variable in `ssl_certificate_key`; USR2 upgrade"
    know = "a key whose name is a variable is read by the workers"

    def configure(self, w, certs):
        pairs = "\n".join(
            f"  ssl_certificate {c.cert};\n  ssl_certificate_key {c.key};"
            for c in certs.values()
        )
        text = SITE.format(pairs=pairs, rsa=certs["rsa"].name)
        world.write("/etc/nginx/sites-enabled/default", text)
        text = ks.read_text(SETTINGS)
        ks.check("worker_processes auto;" in text, "another nginx.conf")
        world.write(
            SETTINGS,
            text.replace("worker_processes auto;", "worker_processes 2;"),
        )
        world.hand_over("/etc/ssl/private", "www-data", 0o710)
        world.hand_over(certs["rsa"].key, "www-data", 0o640)

    def start(self, w):
        w.launch(
            ["/usr/sbin/nginx", "-g", "daemon on; master_process on;"], "nginx"
        )
        world.listening(443, 444)

    def stop(self, w):
        pid = self.master(w)
        w.launch(["/usr/sbin/nginx", "-s", "quit"], "stop")
        world.gone(pid)

    def reload(self, w):
        master = self.master(w)
        before = ks.children(master)
        ks.check(len(before) == 2, f"workers: {before}")
        w.launch(["/usr/sbin/nginx", "-s", "reload"], "reload")
        world.replaced(master, before)

    def master(self, w):
        return world.pid_in("/run/nginx.pid")

    def logs(self):
        return ("/var/log/nginx/error.log",)

    def more(self, c):
        for kind in ("TLS 1.3, RSA", "TLS 1.2, RSA key exchange"):
            c.test(f"variable, {kind}", c.one, kind, 444)
        c.test("upgraded by USR2, and no handshake fails", self.upgrade, c)
        for kind in self.handshakes:
            c.test(f"after it, {kind}", c.one, kind)

    def upgrade(self, c):
        """As nginx says: USR2 to the old master, then QUIT."""
        old = self.master(c.w)
        with c.load() as load:
            load.more(5)
            os.kill(old, signal.SIGUSR2)
            world.pid_in("/run/nginx.pid.oldbin")
            new = ks.wait_for("new master", lambda: self.master(c.w) != old)
            ks.wait_for(
                "new workers", lambda: len(ks.children(self.master(c.w))) == 2
            )
            os.kill(old, signal.SIGQUIT)
            world.gone(old)
            load.more(10)
        ks.check(new, "no new master")
        return load.none_failed()


SERVERS = [Nginx()]

if __name__ == "__main__":
    matrix.main(SERVERS)
