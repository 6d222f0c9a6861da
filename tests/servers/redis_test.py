#!/usr/bin/env python3
"""Redis, which runs as its own user from the start, and takes new keys from
its clients."""

import os
import shutil

import matrix
import world
from world import ks


def command(stream, *words):
    """The first line of the answer, or the text that it announces."""
    stream.write(f"*{len(words)}\r\n".encode())
    for word in words:
        stream.write(f"${len(word)}\r\n{word}\r\n".encode())
    stream.flush()
    line = stream.readline().strip()
    return stream.readline().strip() if line.startswith(b"$") else line


class Redis(matrix.Server):
    runs = "redis"
    reloads = "`CONFIG SET tls-key-file …`"
    allow = "redis"
    renews = True
    port = 6379

    def configure(self, w, certs):
        (self.cert,) = certs.values()
        shutil.chown(self.cert.key, "redis", "redis")
        os.chmod("/etc/ssl/private", 0o711)
        settings = ks.read_text("/etc/redis/redis.conf").partition("# TEST")[0]
        with open("/etc/redis/redis.conf", "w", encoding="utf-8") as f:
            f.write(
                f"{settings}# TEST\nport 0\ntls-port {self.port}\n"
                f"tls-cert-file {self.cert.cert}\n"
                f"tls-key-file {self.cert.key}\ntls-auth-clients no\n"
            )

    def start(self, w):
        os.makedirs("/run/redis", 0o2755, exist_ok=True)
        shutil.chown("/run/redis", "redis", "redis")
        options = ["--supervised", "systemd", "--daemonize", "no"]
        self.program = w.service(
            ["/usr/bin/redis-server", "/etc/redis/redis.conf", *options],
            "redis",
            user="redis",
            group="redis",
            extra_groups=[],
        )
        world.listening(self.port)

    def stop(self, w):
        self.program.stop()

    def reload(self, w):
        text = ks.run_ok(
            ["redis-cli", "--tls", "--insecure"]
            + ["CONFIG", "SET"]
            + ["tls-cert-file", self.cert.cert]
            + ["tls-key-file", self.cert.key]
        )
        ks.check(text.strip() == "OK", text)

    def master(self, w):
        return self.program.pid

    def talk(self, w, tls):
        with tls.makefile("rwb") as stream:
            said = command(stream, "SET", "word", "hello")
            ks.check(said == b"+OK", f"SET: {said}")
            said = command(stream, "GET", "word")
            ks.check(said == b"hello", f"GET: {said}")

    def logs(self):
        return ("/var/log/redis/redis-server.log",)


class Rsa(Redis):
    name = "Redis, RSA"
    kinds = {"rsa": "rsa:2048"}
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(k for k in matrix.HANDSHAKES if " RSA" in k)


class Ecdsa(Redis):
    name = "Redis, ECDSA"
    kinds = {"ec": "ec:P-256"}
    handshakes = tuple(k for k in matrix.HANDSHAKES if "ECDSA" in k)


SERVERS = [Rsa(), Ecdsa()]

if __name__ == "__main__":
    matrix.main(SERVERS)
