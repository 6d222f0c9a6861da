#!/usr/bin/env python3
"""Debian's Python: its ssl module as server and as client."""

import contextlib

import clients
import matrix
import world
from world import ks

PYTHON = "/usr/bin/python3"
USER = "www-data"
SERVER = """
import http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
for name in sys.argv[1:]:
    context.load_cert_chain(
        f"/etc/ssl/certs/{name}.crt", f"/etc/ssl/private/{name}.key"
    )
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8443), Handler)
server.socket = context.wrap_socket(
    server.socket, server_side=True, do_handshake_on_connect=False
)
server.serve_forever()
"""
CLIENT = """
import ssl, sys, urllib.request
site, certificate, key, version, path = sys.argv[1:]
context = ssl.create_default_context(cafile=site)
context.load_cert_chain(certificate, key)
context.maximum_version = ssl.TLSVersion[version.replace(".", "_")]
with urllib.request.urlopen(path, context=context) as answer:
    print(answer.readline().decode().strip(), flush=True)
    answer.read()
"""


class Server(matrix.Server):
    name = "Python `ssl`, server"
    runs = USER
    know = "its user must be able to read the shells, as it had to the keys"
    allow = USER
    tells = False
    port = 8443

    def configure(self, w, certs):
        self.certs = certs.values()
        for cert in certs.values():
            ks.run_ok(["chgrp", USER, cert.key])
            ks.run_ok(["chmod", "640", cert.key])
        ks.run_ok(["chgrp", USER, "/etc/ssl/private"])
        ks.run_ok(["chmod", "710", "/etc/ssl/private"])

    def start(self, w):
        self.program = w.service(
            [PYTHON, "-c", SERVER, *(c.name for c in self.certs)],
            *["python"],
            user=USER,
            group=USER,
            cwd="/usr/share/doc/openssl",
        )
        world.listening(self.port)

    def stop(self, w):
        self.program.stop()

    def master(self, w):
        return self.program.pid

    def logs(self):
        return ("/tmp/keyd-test/python.log",)


class Client(clients.Client):
    name = "Python `ssl`, client"
    runs = "the user"

    def configure(self, w, certs):
        self.w = w
        self.site = w.certificate("site", "rsa:2048")
        self.sink = clients.Demanding(self.site, certs, clients.http)

    def argv(self, version, cert, path):
        return [
            *[PYTHON, "-c", CLIENT, self.site.cert, cert.cert, cert.key],
            *[version, f"https://localhost:{clients.PORT}{path}"],
        ]

    def once(self, version, cert):
        text = ks.run_ok(self.argv(version, cert, "/once"))
        ks.check(text == "asked for /once\n", text)
        seen = self.sink.seen.pop()
        ks.check(seen == (version, cert.name, "/once"), f"seen: {seen}")

    @contextlib.contextmanager
    def held(self, cert):
        program = self.w.program(
            self.argv("TLSv1.3", cert, "/held"), "python-held"
        )
        program.wait_output("/held")
        yield program.pid
        program.stop()


SERVERS = [Server(), Client()]

if __name__ == "__main__":
    matrix.main(SERVERS)
