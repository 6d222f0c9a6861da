#!/usr/bin/env python3
"""curl with a client certificate."""

import contextlib

import clients
import matrix
from world import ks


class Curl(clients.Client):
    name = "curl"
    runs = "the user"

    def configure(self, w, certs):
        self.w = w
        self.site = w.certificate("site", "rsa:2048")
        self.sink = clients.Demanding(self.site, certs, clients.http)

    def argv(self, cert, path):
        return [
            *["curl", "-sS", "-N", "--cacert", self.site.cert],
            *["--cert", cert.cert, "--key", cert.key],
            f"https://localhost:{clients.PORT}{path}",
        ]

    def once(self, version, cert):
        options = ["--tlsv1.2", "--tls-max", version.removeprefix("TLSv")]
        text = ks.run_ok([*self.argv(cert, "/once"), *options])
        ks.check(text == "asked for /once\n", text)
        seen = self.sink.seen.pop()
        ks.check(seen == (version, cert.name, "/once"), f"seen: {seen}")

    @contextlib.contextmanager
    def held(self, cert):
        program = self.w.program(self.argv(cert, "/held"), "curl-held")
        program.wait_output(r"(?s)/held.*")
        yield program.pid
        program.stop()


SERVERS = [Curl()]

if __name__ == "__main__":
    matrix.main(SERVERS)
