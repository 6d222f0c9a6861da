#!/usr/bin/env python3
"""nginx with Debian's own settings and one site."""

import matrix
import world


class Nginx(matrix.Server):
    name = "nginx"
    runs = "master: root, workers: www-data"
    reloads = "`nginx -s reload`"
    also = "two workers"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)

    def configure(self, w, certs):
        pairs = "\n".join(
            f"  ssl_certificate {c.cert};\n  ssl_certificate_key {c.key};"
            for c in certs.values()
        )
        with open("/etc/nginx/sites-enabled/default", "w") as f:
            f.write(
                f"server {{\n  listen 443 ssl;\n  root /var/www/html;\n{pairs}\n}}\n"
            )

    def start(self, w):
        w.launch(
            ["/usr/sbin/nginx", "-g", "daemon on; master_process on;"], "nginx"
        )
        world.listening(443)

    def stop(self, w):
        pid = self.master(w)
        w.launch(["/usr/sbin/nginx", "-s", "quit"], "stop")
        world.gone(pid)

    def reload(self, w):
        before = matrix.ks.children(self.master(w))
        w.launch(["/usr/sbin/nginx", "-s", "reload"], "reload")
        matrix.wait_for(
            "new workers",
            lambda: not set(before) & set(matrix.ks.children(self.master(w))),
        )

    def master(self, w):
        return world.pid_in("/run/nginx.pid")

    def logs(self):
        return ("/var/log/nginx/error.log",)


SERVERS = [Nginx()]

if __name__ == "__main__":
    matrix.main(SERVERS)
