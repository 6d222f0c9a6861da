#!/usr/bin/env python3
"""OpenVPN, as server and as client. TLS is that of its control channel, where
the server pushes settings to clients."""

import contextlib
import os
import stat

import clients
import matrix
import world
from world import ks

TUN = "/dev/net/tun"
USER = "openvpn"
PORT = 1194
SERVER = """server 10.{number}.0.0 255.255.255.0
topology subnet
dev tun
verb 3
proto udp
local 127.0.0.1
port {port}
dh none
ca {ca}
cert {cert}
key {key}
user {user}
group nogroup
persist-key
persist-tun
keepalive 1 3
"""
# Its other end is on the same machine.
CLIENT = """client
dev tun
verb 3
ifconfig-noexec
route-noexec
proto udp
nobind
remote 127.0.0.1 {port}
remote-cert-eku "TLS Web Server Authentication"
verify-x509-name localhost name
ca {ca}
cert {cert}
key {key}
tls-version-max {version}
hand-window 8
tls-exit
connect-retry-max 1
"""


def begin(w, name, **values):
    """A client."""
    path = w.write(f"{name}.conf", CLIENT.format(**values))
    log = f"{name}-{w.counted}"
    w.counted += 1
    return w.service(["/usr/sbin/openvpn", "--config", path], log)


def connect(w, name, **values):
    """A client that has its settings from the server, or Failed."""
    program = begin(w, name, **values)
    try:
        program.wait_output("Initialization Sequence Completed")
        ks.expect_words(program.output(), "PUSH_REPLY")
    except BaseException:
        program.stop()
        raise
    return program


def make_tunnels():
    """The device, in the world's /dev."""
    if not os.path.exists(TUN):
        os.makedirs(os.path.dirname(TUN), exist_ok=True)
        os.mknod(TUN, 0o600 | stat.S_IFCHR, os.makedev(10, 200))
    os.close(os.open(TUN, os.O_RDWR))


class Both(clients.Client):
    """One of the two ends has its keys in keyd."""

    def not_here(self):
        try:
            make_tunnels()
        except OSError as e:
            return f"{TUN}: {e.strerror}"
        return None

    def configure(self, w, certs):
        self.w, w.counted = w, 0
        ks.run(["useradd", "--system", USER])
        self.certs = certs

    def spawn(self, name, port, ca, cert, key, user=USER):
        """A server; as its unit."""
        number = port - PORT + 8
        text = SERVER.format(
            **{"number": number, "port": port, "user": user},
            **{"ca": ca, "cert": cert, "key": key},
        )
        path = f"/etc/openvpn/server/{name}-{port}.conf"
        world.write(path, text)
        self.w.counted += 1
        program = self.w.service(
            ["/usr/sbin/openvpn", "--suppress-timestamps", "--config", path],
            f"{name}-{self.w.counted}",
            cwd="/etc/openvpn/server",
        )
        program.wait_output("Initialization Sequence Completed")
        return program

    def port_of(self, cert):
        return PORT + list(self.certs.values()).index(cert)

    def stop(self, w):
        for program in self.servers:
            program.stop()

    def checked(self, program, version, cert):
        """What the other end has seen."""
        words = "RSA" if "rsa" in cert.name else "EC"
        ks.expect_words(program.output(), f"Control Channel: {version}", words)


class Server(Both):
    name = "OpenVPN, server"
    runs = "root until it has its port and keys, then openvpn"
    know = (
        "not with `user nobody`, whom keyd never serves: give it a user of"
        " its own, as its example does"
    )
    allow = USER
    uses = ("tls-server",)
    purpose = "serverAuth"

    def configure(self, w, certs):
        super().configure(w, certs)
        self.client = w.certificate("visitor", "rsa:2048", "clientAuth")

    def start(self, w):
        self.servers = [
            self.spawn(cert.name, PORT + n, self.client.cert, cert.cert, cert.key)
            for n, cert in enumerate(self.certs.values())
        ]

    def who(self, cert):
        """The client's side of it."""
        client = self.client
        return {"ca": cert.cert, "cert": client.cert, "key": client.plain}

    def visit(self, version, cert):
        return connect(
            *[self.w, "visitor"],
            port=self.port_of(cert),
            version=version.removeprefix("TLSv"),
            **self.who(cert),
        )

    def more(self, c):
        c.test("with `user nobody` it is told what is wrong", self.nobody, c)

    def nobody(self, c):
        cert, port = c.certs["rsa"], PORT + len(c.certs)
        server = self.spawn(
            *["nobody", port, self.client.cert, cert.cert, cert.key, "nobody"]
        )
        client = begin(
            *[self.w, "nobody"], port=port, version="1.3", **self.who(cert)
        )
        server.wait_output("keyd.*65534")
        client.stop()
        server.stop()

    def once(self, version, cert):
        program = self.visit(version, cert)
        program.stop()
        self.checked(program, version, cert)

    @contextlib.contextmanager
    def held(self, cert):
        program = self.visit("TLSv1.3", cert)
        yield self.servers[self.port_of(cert) - PORT].pid
        program.stop()


class Client(Both):
    name = "OpenVPN, client"
    runs = "root"

    def configure(self, w, certs):
        super().configure(w, certs)
        self.site = w.certificate("site", "rsa:2048")

    def start(self, w):
        """One for each certificate: it takes no two of one name in a file."""
        site = self.site
        self.servers = [
            self.spawn("site", PORT + n, cert.cert, site.cert, site.plain)
            for n, cert in enumerate(self.certs.values())
        ]

    def open(self, version, cert):
        return connect(
            *[self.w, cert.name],
            port=self.port_of(cert),
            version=version.removeprefix("TLSv"),
            ca=self.site.cert,
            cert=cert.cert,
            key=cert.key,
        )

    def once(self, version, cert):
        self.open(version, cert).stop()

    @contextlib.contextmanager
    def held(self, cert):
        program = self.open("TLSv1.3", cert)
        yield program.pid
        program.stop()


SERVERS = [Server(), Client()]

if __name__ == "__main__":
    matrix.main(SERVERS)
