#!/usr/bin/env python3
"""Looks for the keys in the memory of everything that runs, while it serves:
nginx, s_server, curl, keyd's broker and logger, and sessions of other peers.
Beside them, control programs that hold the same keys themselves."""

import os
import socket
import ssl
import sys
import threading

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
import memscan
from keyd_scratch import (
    ROOT,
    Load,
    Scratch,
    Tap,
    check,
    wait_for,
)

SCANS = 20
tap = Tap()


class HoldingServer:
    """Demands a client certificate, then lets the client wait for the rest
    of the answer."""

    def __init__(self, site, client):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(site.cert, site.plain)
        self.context.load_verify_locations(client.cert)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.held = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            plain, _ = self.socket.accept()
            tls = self.context.wrap_socket(plain, server_side=True)
            tls.recv(4096)
            tls.sendall(b"HTTP/1.0 200 OK\r\n\r\nfirst line\n")
            self.held.append(tls)


def waiting_curl(s, site, client, key, conf):
    """A curl that has signed and waits."""
    server = HoldingServer(site, client)
    program = s.program(
        ["curl", "-sS", "-N", "--cacert", site.cert, "--cert", client.cert]
        + ["--key", key, f"https://localhost:{server.port}/"],
        f"curl-{server.port}",
        env=s.environment(conf),
    )
    program.server = server
    program.wait_output("first line")
    return program


class Watched:
    """What all scans of one process brought together."""

    def __init__(self, what, pid):
        self.what, self.pid = what, pid
        self.scans = self.read = 0
        self.found, self.unreadable = {}, {}

    def scan(self, needles):
        process = memscan.scan(self.pid, needles)
        check(process.read > 0, f"{self.what}: zero bytes read")
        self.scans += 1
        self.read += process.read
        self.found.update(process.found)
        for start, end, name, reason in process.unreadable:
            self.unreadable[f"{name} {reason}"] = end - start

    def notes(self):
        lines = [
            f"{self.what} (pid {self.pid}): {self.scans} scans,"
            f" {self.read / 1e6:.0f} MB read"
        ]
        for what, size in self.unreadable.items():
            lines.append(f"  unreadable: {what}, {size} bytes")
        for (label, encoding), (address, run, name) in self.found.items():
            lines.append(
                f"  {label} as {encoding}: {run} bytes at {address:x} ({name})"
            )
        return "\n".join(lines)


def scan_under_load(watched, needles, load):
    for _ in range(SCANS):
        before = load.done
        for process in watched:
            process.scan(needles)
        wait_for("handshakes between scans", lambda: load.done > before, 30)


def holds_nothing(process):
    check(not process.found, process.notes())
    check(process.scans >= SCANS, f"only {process.scans} scans")
    return process.notes()


def holds(process, wanted):
    """wanted: {label}; each must be found, in some encoding, whole."""
    got = {label for label, _ in process.found}
    check(wanted <= got, f"not found: {sorted(wanted - got)}")
    return process.notes()


RSA_PARTS = ("d", "p", "q", "dP", "dQ", "qInv")


def parts(cert, kind):
    names = RSA_PARTS if kind == "rsa" else ("scalar",)
    return {f"{cert.name}.key {name}" for name in names}


def test_controls(s, site, rsa, ec, client, needles):
    """The same programs with the same keys in files."""
    nginx = s.nginx([(rsa, rsa.plain), (ec, ec.plain)], None)
    server = s.s_server(rsa, None, key=rsa.plain)
    curl = waiting_curl(s, site, client, client.plain, None)
    targets = [
        (nginx.ports[0], rsa, "1.3"),
        (nginx.ports[1], ec, "1.2"),
        (server.port, rsa, "1.3"),
    ]
    with Load(targets) as load:
        load.more(30)
        for what, pid, wanted in (
            ("nginx master", nginx.pid, parts(rsa, "rsa") | parts(ec, "ec")),
            *(
                ("nginx worker", pid, parts(rsa, "rsa") | parts(ec, "ec"))
                for pid in nginx.workers()
            ),
            ("s_server", server.pid, parts(rsa, "rsa")),
            ("curl", curl.pid, parts(client, "ec")),
        ):
            process = Watched(f"control {what}", pid)
            process.scan(needles)
            tap.run(
                f"control: a {what} with the keys in files holds them",
                holds,
                process,
                wanted,
            )
    for program in (nginx, server, curl):
        program.stop()


def sessions_hold_their_own(sessions, mine, others):
    """Each session holds keys of one peer at most; some hold some."""
    notes = []
    seen = set()
    for process in sessions:
        names = {label.split(".key ")[0] for label, _ in process.found}
        notes.append(process.notes())
        check(
            not (names & mine and names & others),
            f"keys of two peers:\n{process.notes()}",
        )
        seen |= names & mine and {"mine"}
        seen |= names & others and {"others"}
    check(
        seen == {"mine", "others"},
        f"no session was seen with its own key: {seen}\n" + "\n".join(notes),
    )
    return "\n".join(notes)


def main():
    with Scratch() as s:
        site = s.certificate("plain-site", "rsa:2048")
        rsa = s.certificate("rsa", "rsa:2048")
        ec = s.certificate("ec", "ec:P-256")
        own = s.certificate("own", "rsa:2048")
        client = s.certificate("client", "ec:P-384", "clientAuth")
        needles = memscan.needles_of(
            [c.plain for c in (rsa, ec, own, client)]
        )
        test_controls(s, site, rsa, ec, client, needles)
        s.start_keyd()
        # As root: nginx's workers and the others are different peers.
        workers = "www-data" if ROOT else s.everyone()
        rest = "root" if ROOT else s.everyone()
        s.import_key(rsa, "tls-server", workers)
        s.import_key(ec, "tls-server", workers)
        s.import_key(own, "tls-server", rest)
        s.import_key(client, "sign", rest)
        conf = s.openssl_conf()
        nginx = s.nginx([(rsa, rsa.key), (ec, ec.key)], conf)
        server = s.s_server(own, conf)
        curl = waiting_curl(s, site, client, client.key, conf)
        targets = [
            (nginx.ports[0], rsa, "1.3"),
            (nginx.ports[1], ec, "1.2"),
            (server.port, own, "1.3"),
            (nginx.ports[0], rsa, "1.2"),
            (nginx.ports[1], ec, "1.3"),
        ]
        with Load(targets) as load:
            load.more(50)
            apps = [
                Watched("nginx master", nginx.pid),
                *(Watched("nginx worker", p) for p in nginx.workers()),
                Watched("s_server", server.pid),
                Watched("curl", curl.pid),
            ]
            keyd = []
            sessions = []
            if ROOT:
                keyd = [
                    Watched("broker", s.keyd.pid),
                    *(
                        Watched("logger", p)
                        for p in s.processes("keyd-logger")
                    ),
                ]
                sessions = [
                    Watched("session", p)
                    for p in s.processes("keyd-session")
                ]
            scan_under_load(apps + keyd + sessions, needles, load)
        tap.run(
            "the handshakes under scan succeeded",
            lambda: check(not load.errors, "\n".join(load.errors[:20]))
            or f"{load.done} handshakes",
        )
        for process in apps + keyd:
            tap.run(
                f"{process.what} holds no byte of a key",
                holds_nothing,
                process,
            )
        if ROOT:
            tap.run(
                "broker and logger were scanned",
                lambda: check(len(keyd) == 2, f"{len(keyd)} processes"),
            )
            tap.run(
                "a session holds no key of another peer",
                sessions_hold_their_own,
                sessions,
                {"rsa", "ec"},
                {"own", "client"},
            )
        else:
            for what in ("broker", "logger", "sessions"):
                tap.skip(f"{what} hold no foreign key", "needs root")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
