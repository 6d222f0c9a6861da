#!/usr/bin/env python3
"""MariaDB, which runs as its own user from the start."""

import os
import shutil
import struct

import matrix
import world
from world import ks

READER = "reader"
# Of the client's capabilities: protocol 4.1, TLS, its authentication.
CAPABILITIES = 0x200 | 0x800 | 0x8000 | 0x80000
HELLO = struct.pack("<IIB23x", CAPABILITIES, 1 << 24, 45)
SQL = f"CREATE USER IF NOT EXISTS {READER}@localhost REQUIRE SSL"


def packet(number, data):
    return struct.pack("<I", len(data))[:3] + bytes([number]) + data


def exactly(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        ks.check(more, f"closed after {data}")
        data += more
    return data


def receive(stream):
    """A packet's content."""
    size = int.from_bytes(exactly(stream, 4)[:3], "little")
    return exactly(stream, size)


class MariaDB(matrix.Server):
    runs = "mysql"
    reloads = "`FLUSH SSL`"
    allow = "mysql"
    renews = True
    tells = False
    port = 3306
    starttls = "mysql"

    def configure(self, w, certs):
        """Its buffers are small, since scans read them."""
        (cert,) = certs.values()
        shutil.chown(cert.key, "root", "ssl-cert")
        os.chmod(cert.key, 0o640)
        settings = "/etc/mysql/mariadb.conf.d/70-tls.cnf"
        with open(settings, "w", encoding="ascii") as f:
            f.write(
                f"[mysqld]\nssl-cert = {cert.cert}\nssl-key = {cert.key}\n"
                "innodb_buffer_pool_size = 8M\nkey_buffer_size = 1M\n"
                "aria_pagecache_buffer_size = 1M\n"
            )

    def start(self, w):
        w.tmpfiles("mariadb.conf")
        self.program = w.service(
            ["/usr/sbin/mariadbd"],
            "mariadbd",
            user="mysql",
            group="mysql",
            extra_groups=["ssl-cert"],
        )
        world.listening(self.port)
        self.sql(w, SQL)

    def sql(self, w, statement):
        ks.run_ok(["mariadb", "-e", statement], env=world.ENVIRONMENT)

    def stop(self, w):
        self.program.stop(deadline=ks.DEADLINE)

    def reload(self, w):
        self.sql(w, "FLUSH SSL")

    def master(self, w):
        return self.program.pid

    def prepare(self, plain):
        ks.check(receive(plain)[0] == 10, "no greeting of version 10")
        plain.sendall(packet(1, HELLO))

    def talk(self, w, tls):
        """A login and a query, in its own words."""
        who = READER.encode() + b"\0" + b"\0" + b"mysql_native_password\0"
        tls.sendall(packet(2, HELLO + who))
        answer = receive(tls)
        ks.check(answer[0] == 0, f"login: {answer}")
        tls.sendall(packet(0, b"\x03SELECT 6 * 7"))
        answers = [receive(tls) for _ in range(5)]
        ks.check(b"\x0242" in answers, f"{answers}")

    def logs(self):
        return ("/tmp/keyd-test/mariadbd.log",)


class Rsa(MariaDB):
    name = "MariaDB, RSA"
    kinds = {"rsa": "rsa:2048"}
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(k for k in matrix.HANDSHAKES if " RSA" in k)


class Ecdsa(MariaDB):
    name = "MariaDB, ECDSA"
    kinds = {"ec": "ec:P-256"}
    handshakes = tuple(k for k in matrix.HANDSHAKES if "ECDSA" in k)


SERVERS = [Rsa(), Ecdsa()]

if __name__ == "__main__":
    matrix.main(SERVERS)
