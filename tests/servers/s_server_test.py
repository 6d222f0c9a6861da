#!/usr/bin/env python3
"""openssl s_server, as root starts it by hand."""

import matrix
import world


class SServer(matrix.Server):
    name = "openssl s_server"
    runs = "root"
    allow = "root"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)

    def configure(self, w, certs):
        rsa, ec = certs["rsa"], certs["ec"]
        self.argv = ["openssl", "s_server", "-accept", "443", "-www"]
        self.argv += ["-cert", rsa.cert, "-key", rsa.key]
        self.argv += ["-dcert", ec.cert, "-dkey", ec.key]

    def start(self, w):
        self.service = w.service(self.argv, "s_server")
        world.listening(443)

    def stop(self, w):
        self.service.stop()

    def master(self, w):
        return self.service.pid

    def talk(self, w, tls):
        text = matrix.http_get(tls)
        matrix.check(text.startswith("HTTP/1.0 200"), f"answered: {text[:300]}")

    def logs(self):
        return (self.service.log,)


SERVERS = [SServer()]

if __name__ == "__main__":
    matrix.main(SERVERS)
