#!/usr/bin/env python3
"""PostgreSQL: the server with a key of its own user's and with one of root's,
and psql with a client certificate."""

import contextlib
import glob
import os
import shutil
import struct
import subprocess

import clients
import matrix
import world
from world import ks

PORT = 5432
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PROTOCOL = 3 << 16
# What the server saw of the client.
QUERY = (
    "SELECT version, client_serial FROM pg_stat_ssl"
    " WHERE pid = pg_backend_pid()"
)


def cluster():
    """The version and name of the package's own."""
    return glob.glob("/etc/postgresql/*/main")[0].split("/")[-2:]


def set_up(cert, key, more=""):
    """As a site does, below conf.d; every user of the machine gets in. The
    memory that all processes share is small, since a scan reads it in each."""
    where = glob.glob("/etc/postgresql/*/main")[0]
    with open(f"{where}/conf.d/tls.conf", "w", encoding="ascii") as f:
        f.write(
            f"ssl = on\nssl_cert_file = '{cert}'\nssl_key_file = '{key}'\n"
            f"port = {PORT}\nshared_buffers = 1MB\n{more}"
        )
    clientcert = " clientcert=verify-ca" if more else ""
    with open(f"{where}/pg_hba.conf", "w", encoding="ascii") as f:
        f.write("local all postgres peer\n")
        f.write(f"hostssl all postgres 127.0.0.1/32 trust{clientcert}\n")


def control(w, verb, *options):
    """As its unit."""
    argv = ["/usr/bin/pg_ctlcluster", "--skip-systemctl-redirect", *options]
    w.launch([*argv, *cluster(), verb], f"pg_ctlcluster-{verb}")


def start(w):
    w.tmpfiles("postgresql-common.conf")
    control(w, "start")
    world.listening(PORT)


def stop(w):
    control(w, "stop", "-m", "fast")


class Server(matrix.Server):
    runs = "postgres; a process for each connection"
    reloads = "`pg_ctlcluster … reload`"
    allow = "postgres"
    renews = True
    port = PORT
    starttls = "postgres"
    owner, mode = "", 0

    def configure(self, w, certs):
        (cert,) = certs.values()
        shutil.chown(cert.key, *self.owner.split(":"))
        os.chmod(cert.key, self.mode)
        set_up(cert.cert, cert.key)

    def start(self, w):
        start(w)

    def stop(self, w):
        stop(w)

    def reload(self, w):
        said = "received SIGHUP"
        before = self.log(w).count(said)
        control(w, "reload")
        ks.wait_for("reload", lambda: self.log(w).count(said) > before)

    def log(self, w):
        return ks.read_text(self.logs()[0])

    def logs(self):
        return ("/var/log/postgresql/postgresql-{}-{}.log".format(*cluster()),)

    def master(self, w):
        return world.pid_in("/run/postgresql/{}-{}.pid".format(*cluster()))

    def prepare(self, plain):
        plain.sendall(SSL_REQUEST)
        ks.check(plain.recv(1) == b"S", "no TLS")

    def talk(self, w, tls):
        """A query, in PostgreSQL's own words."""
        who = b"user\0postgres\0database\0postgres\0\0"
        tls.sendall(struct.pack("!ii", 8 + len(who), PROTOCOL) + who)
        query = b"SELECT 6 * 7 AS answer\0"
        tls.sendall(b"Q" + struct.pack("!i", 4 + len(query)) + query)
        text = b""
        while b"SELECT 1\0" not in text:
            data = tls.recv(4096)
            ks.check(data, f"closed after {text}")
            text += data
        ks.check(struct.pack("!i", 2) + b"42C" in text, f"answer: {text}")


class OwnKey(Server):
    name = "PostgreSQL, RSA"
    kinds = {"rsa": "rsa:2048"}
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(k for k in matrix.HANDSHAKES if "RSA" in k)
    owner, mode = "postgres:postgres", 0o600
    know = "key file of postgres, mode 600"


class RootsKey(Server):
    name = "PostgreSQL, ECDSA"
    kinds = {"ec": "ec:P-256"}
    handshakes = tuple(k for k in matrix.HANDSHAKES if "ECDSA" in k)
    owner, mode = "root:ssl-cert", 0o640
    know = "key file of root and the group ssl-cert, mode 640"


class Psql(clients.Client):
    name = "psql (libpq)"
    runs = "the user"

    def configure(self, w, certs):
        self.w = w
        self.site = w.certificate("site", "rsa:2048")
        shutil.chown(self.site.plain, "postgres")
        os.chmod(w.path("plain"), 0o711)
        trusted = "".join(ks.read_text(c.cert) for c in certs.values())
        ca = w.write("clients.pem", trusted)
        set_up(self.site.cert, self.site.plain, f"ssl_ca_file = '{ca}'\n")

    def start(self, w):
        start(w)

    def stop(self, w):
        stop(w)

    def argv(self, cert, version):
        options = {
            "host": "localhost",
            "hostaddr": "127.0.0.1",
            "user": "postgres",
            "sslmode": "verify-full",
            "sslrootcert": self.site.cert,
            "sslcert": cert.cert,
            "sslkey": cert.key,
            "ssl_max_protocol_version": version,
        }
        text = " ".join(f"{name}={value}" for name, value in options.items())
        return ["psql", "-X", "-A", "-t", text]

    def once(self, version, cert):
        text = ks.run_ok([*self.argv(cert, version), "-c", QUERY])
        serial = ks.run_ok(
            ["openssl", "x509", "-in", cert.cert, "-noout", "-serial"]
        )
        wanted = f"{version}|{int(serial.partition('=')[2], 16)}"
        ks.check(text.strip() == wanted, f"{text}, not {wanted}")

    @contextlib.contextmanager
    def held(self, cert):
        program = self.w.program(
            self.argv(cert, "TLSv1.3"), "psql", stdin=subprocess.PIPE
        )
        program.process.stdin.write(b"SELECT 'ready';\n")
        program.process.stdin.flush()
        program.wait_output("ready")
        yield program.pid
        program.stop()


SERVERS = [OwnKey(), RootsKey(), Psql()]

if __name__ == "__main__":
    matrix.main(SERVERS)
