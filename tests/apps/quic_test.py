#!/usr/bin/env python3
"""QUIC, which OpenSSL serves from 3.5 on: handshakes of `openssl s_client -quic`
with a server that has a shell, and none without keyd."""

import os
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
import memscan
from keyd_scratch import (
    BUILD,
    Failed,
    Scratch,
    Tap,
    check,
    expect_words,
    run,
    wait_for,
)

KINDS = {"rsa": "rsa:2048", "p256": "ec:P-256", "ed": "ed25519"}
tap = Tap()


def serve(s, cert, key, conf):
    server = s.program(
        [f"{BUILD}/tests/apps/quic_server", cert.cert, key],
        f"quic-{cert.name}-{os.path.basename(os.path.dirname(key))}",
        env=s.environment(conf),
    )
    server.port = server.wait_output(r"(?m)^port (\d+)$")[1]
    return server


def connect(server, cert):
    """A full handshake, verified, and an answer through it."""
    status, text = run(
        ["openssl", "s_client", "-quic", "-alpn", "test", "-connect"]
        + [f"127.0.0.1:{server.port}", "-CAfile", cert.cert]
        + ["-servername", "localhost", "-verify_hostname", "localhost"]
        + ["-verify_return_error", "-ign_eof"],
        env=dict(os.environ, OPENSSL_CONF="/dev/null"),
        stdin="question\n",
        timeout=30,
    )
    if status != 0 or "Verification: OK" not in text:
        raise Failed(f"exit {status}: {text[-2000:]}")
    expect_words(text, "QUICv1", "hello")


def fails(server, cert):
    before = len(server.output())
    try:
        connect(server, cert)
    except Failed:
        words = "keyd cannot be reached"
        wait_for(words, lambda: words in server.output()[before:], 10)
        return
    raise Failed("a handshake without keyd")


def works_again(server, cert):
    def attempt():
        try:
            connect(server, cert)
        except Failed:
            return False
        return True

    wait_for("a handshake again", attempt, 20)


def no_key(servers, certs):
    """Nothing of its key in a server that has signed; of those that the scan
    knows the numbers of."""
    for name in ("rsa", "p256"):
        server = servers[name]
        needles = memscan.needles_of([certs[name].plain])
        found = memscan.scan(server.pid, needles).found
        check(not found, f"{name}: {found}")


def control(s, cert, conf):
    server = serve(s, cert, cert.plain, conf)
    connect(server, cert)
    found = memscan.scan(server.pid, memscan.needles_of([cert.plain])).found
    check(found, "no key where there is one")
    server.stop()


def main():
    with Scratch() as s:
        certs = {n: s.certificate(n, kind) for n, kind in KINDS.items()}
        s.start_keyd()
        for cert in certs.values():
            s.import_key(cert, use="tls-server", allow=s.everyone())
        conf = s.openssl_conf(timeout=1500)
        servers = {n: serve(s, c, c.key, conf) for n, c in certs.items()}
        for name, server in servers.items():
            tap.run(f"handshake with {name}", connect, server, certs[name])
        tap.run("no key in their memory", no_key, servers, certs)
        tap.run("a control has it", control, s, certs["rsa"], conf)
        s.stop_keyd()
        for name, server in servers.items():
            tap.run(f"none without keyd, {name}", fails, server, certs[name])
        s.start_keyd()
        for name, server in servers.items():
            tap.run(f"{name} again", works_again, server, certs[name])
    return tap.end()


sys.exit(main())
