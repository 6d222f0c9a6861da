#!/usr/bin/env python3
"""Real handshakes and signatures of real programs with keys kept by keyd, and
each one's counterpart: keyd stopped, policy against it, keyd back."""

import os
import signal
import socket
import ssl
import sys
import threading

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    Failed,
    Scratch,
    Tap,
    check,
    expect_words,
    handshake,
    is_sanitized,
    read_text,
    run,
    run_ok,
    wait_for,
)

KINDS = {"rsa": "rsa:2048", "p256": "ec:P-256", "p384": "ec:P-384"}
tap = Tap()


def must_fail(port, cert, version):
    try:
        handshake(port, cert, version)
    except (ssl.SSLError, ConnectionError):
        return
    raise Failed("the handshake went through")


def works_again(port, cert):
    """After an outage the provider asks once a second."""

    def attempt():
        try:
            return handshake(port, cert)
        except OSError:
            return None

    wait_for("a handshake again", attempt, 15)


# --- servers ----------------------------------------------------------------


class Server:
    """One server program with several certificates."""

    def __init__(self, name, order):
        self.name = f"{name}, provider {order} default"
        self.ports = {}  # certificate name → port
        self.log = None  # certificate name → what the program wrote


def start_servers(s, certs, conf, order):
    main = Server("s_server", order)
    programs = {name: s.s_server(c, conf) for name, c in certs.items()}
    main.ports = {name: program.port for name, program in programs.items()}
    main.log = lambda name: programs[name].output()
    nginx = Server("nginx", order)
    nginx.program = s.nginx([(c, c.key) for c in certs.values()], conf)
    nginx.ports = dict(zip(certs, nginx.program.ports))
    nginx.log = lambda _: read_text(nginx.program.error_log)
    return [main, nginx]


def test_handshakes(servers, certs):
    for server in servers:
        for name, cert in certs.items():
            for version in ("1.3", "1.2"):
                tap.run(
                    f"{server.name}: TLS {version} with {name}",
                    handshake,
                    server.ports[name],
                    cert,
                    version,
                )


def refused_everywhere(what, servers, certs, log, words, keyd_words=None):
    """No server gets a handshake done, and each says why."""
    for server in servers:

        def attempt():
            for name, cert in certs.items():
                before = len(server.log(name))
                must_fail(server.ports[name], cert, "1.3")
                wait_for(
                    f"{words} in the output of {server.name}",
                    lambda: all(
                        w.lower() in server.log(name)[before:].lower()
                        for w in words
                    ),
                    5,
                )
            if keyd_words:
                expect_words(log(), *keyd_words)

        tap.run(f"{server.name}: {what}", attempt)


def working_everywhere(what, servers, certs):
    for server in servers:

        def attempt():
            for name, cert in certs.items():
                works_again(server.ports[name], cert)

        tap.run(f"{server.name}: {what}", attempt)


def reload_nginx(server, certs):
    old = set(server.program.workers())
    server.program.process.send_signal(signal.SIGHUP)
    wait_for(
        "new workers",
        lambda: len(server.program.workers()) == 2
        and not old & set(server.program.workers()),
    )
    for name, cert in certs.items():
        handshake(server.ports[name], cert)


def test_servers(s, certs):
    servers = []
    for order in ("after", "before"):
        conf = s.openssl_conf(order, f"{order}.cnf", timeout=1500)
        servers += start_servers(s, certs, conf, order)
    test_handshakes(servers, certs)
    for server in servers:
        if server.name.startswith("nginx"):
            tap.run(
                f"{server.name}: workers after a reload by HUP",
                reload_nginx,
                server,
                certs,
            )

    for cert in certs.values():
        s.policy(cert, use="csr")
    refused_everywhere(
        "refused when use is csr alone",
        servers,
        certs,
        s.keyd_log,
        ["policy does not allow this use", "use = sign"],
        ["refused sign: key=", "use = sign"],
    )
    for cert in certs.values():
        s.policy(cert, use="tls-server", tls12="no")
    for server in servers:
        tap.run(
            f"{server.name}: TLS 1.2 refused with tls12 = no",
            must_fail,
            server.ports["rsa"],
            certs["rsa"],
            "1.2",
        )
        tap.run(
            f"{server.name}: TLS 1.3 accepted with tls12 = no",
            handshake,
            server.ports["rsa"],
            certs["rsa"],
            "1.3",
        )
    for cert in certs.values():
        s.policy(cert, tls12="any", allow="uid:58400")
    refused_everywhere(
        "refused when no key may be used",
        servers,
        certs,
        s.keyd_log,
        ["may not use any key"],
        ["turned away", "may not use any key"],
    )
    for cert in certs.values():
        s.policy(cert, allow=s.everyone())
    working_everywhere("works when allowed again", servers, certs)
    s.stop_keyd()
    refused_everywhere(
        "fails with keyd stopped",
        servers,
        certs,
        None,
        [s.socket, "is keyd running"],
    )
    s.start_keyd()
    working_everywhere("works with keyd back", servers, certs)


# --- clients with a certificate ----------------------------------------------


class DemandingServer:
    """Answers one line over TLS to clients that show a certificate."""

    def __init__(self, cert, client):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert.cert, cert.plain)
        self.context.load_verify_locations(client.cert)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            plain, _ = self.socket.accept()
            try:
                plain.settimeout(10)
                with self.context.wrap_socket(plain, server_side=True) as tls:
                    tls.recv(4096)
                    tls.sendall(
                        b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
                    )
            except OSError:
                plain.close()


def curl(server, site, client, version, env):
    return run(
        ["curl", "-sS", "--cacert", site.cert, "--cert", client.cert]
        + ["--key", client.key, f"--tlsv{version}", "--tls-max", version]
        + [f"https://localhost:{server.port}/"],
        env=env,
    )


def s_client(server, site, client, version, env):
    """Loads the key by OSSL_STORE."""
    return run(
        ["openssl", "s_client", "-quiet", "-verify_quiet"]
        + ["-verify_return_error", "-verify_hostname", "localhost"]
        + ["-CAfile", site.cert, "-cert", client.cert, "-key", client.key]
        + [f"-tls{version.replace('.', '_')}", "-ignore_unexpected_eof"]
        + ["-connect", f"127.0.0.1:{server.port}"],
        env=env,
        stdin="hello?\n",
    )


PYTHON_CLIENT = """
import socket, ssl, sys
site, cert, key, version, port = sys.argv[1:]
context = ssl.create_default_context(cafile=site)
context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
context.load_cert_chain(cert, key)
with socket.create_connection(("127.0.0.1", int(port)), 20) as plain:
    with context.wrap_socket(plain, server_hostname="localhost") as tls:
        tls.sendall(b"hello?")
        print(tls.recv(4096).decode().splitlines()[-1])
"""


def python(server, site, client, version, env):
    """Loads the key by SSL_CTX_use_PrivateKey_file, as curl does."""
    return run(
        [sys.executable, "-c", PYTHON_CLIENT]
        + [site.cert, client.cert, client.key]
        + [f"TLSv{version.replace('.', '_')}", str(server.port)],
        env=env,
    )


def client_programs():
    """ASan's run-time and libp11-kit, which Debian's curl is linked with,
    do not go together: with no provider at all, `LD_PRELOAD=libasan.so curl
    --version` waits for ever in its second setlocale(). The other programs
    load a key by the same calls."""
    programs = {"openssl s_client": s_client, "python's ssl": python}
    if is_sanitized():
        tap.note("no curl here: it hangs with ASan's run-time alone, too")
    else:
        programs["curl"] = curl
    return programs


def test_client(s, name, program, clients):
    def attempt(kind, order, version):
        conf = s.openssl_conf(order, f"client-{order}.cnf", timeout=1500)
        return program(*clients[kind], version, s.environment(conf))

    def works(*how):
        status, text = attempt(*how)
        check(status == 0 and text.endswith("hello\n"), text)

    def fails(*how):
        status, text = attempt(*how)
        check(status != 0 and "hello\n" not in text, f"got through: {text}")
        return text

    for kind in KINDS:
        for order in ("after", "before"):
            for version in ("1.3", "1.2"):
                tap.run(
                    f"{name}: TLS {version} with a client certificate, {kind},"
                    f" provider {order} default",
                    works,
                    kind,
                    order,
                    version,
                )

    last = (kind, "before", "1.3")
    client = clients[kind][2]

    def refused():
        before = len(s.keyd_log())
        s.policy(client, use="tls-server")
        text = fails(*last)
        expect_words(s.keyd_log()[before:], "authenticates a TLS client")
        return text

    def stopped():
        s.policy(client, use="sign")
        s.stop_keyd()
        return fails(*last)

    def back():
        s.start_keyd()
        works(*last)

    tap.run(f"{name}: a tls-server key authenticates no client", refused)
    tap.run(f"{name}: fails with keyd stopped", stopped)
    tap.run(f"{name}: works with keyd back", back)


def test_clients(s, site):
    clients = {}
    for kind in KINDS:
        client = s.certificate(f"client-{kind}", KINDS[kind], "clientAuth")
        s.import_key(client, "sign")
        clients[kind] = (DemandingServer(site, client), site, client)
    for name, program in client_programs().items():
        test_client(s, name, program, clients)


# --- openssl req, openssl x509 ----------------------------------------------


def make_csr(s, cert, conf):
    out = s.path(f"{cert.name}.csr")
    status, text = run(
        ["openssl", "req", "-new", "-key", cert.key, "-out", out]
        + ["-subj", "/CN=localhost"],
        env=s.environment(conf),
    )
    return status, text, out


def verified_csr(s, cert, conf):
    status, text, out = make_csr(s, cert, conf)
    check(status == 0, text)
    expect_words(
        run_ok(["openssl", "req", "-verify", "-noout", "-in", out]),
        "verify OK",
    )
    wanted = run_ok(["openssl", "pkey", "-in", cert.plain, "-pubout"])
    got = run_ok(["openssl", "req", "-in", out, "-noout", "-pubkey"])
    check(wanted == got, "the request is for another key")


def refused_csr(s, cert, conf, *words):
    status, text, _ = make_csr(s, cert, conf)
    check(status != 0, "openssl req made a request")
    expect_words(text, *words)


def sign_certificate(s, ca, conf):
    """(status, output, file) of a leaf signed by ca."""
    leaf = s.path("leaf.crt")
    request = s.path("leaf.csr")
    if not os.path.exists(request):
        run_ok(
            ["openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes"]
            + ["-keyout", s.path("leaf.key"), "-out", request]
            + ["-subj", "/CN=leaf"]
        )
    status, text = run(
        ["openssl", "x509", "-req", "-in", request, "-CA", ca.cert]
        + ["-CAkey", ca.key, "-set_serial", "7", "-days", "1", "-out", leaf],
        env=s.environment(conf),
    )
    return status, text, leaf


def verified_leaf(s, ca, conf):
    status, text, leaf = sign_certificate(s, ca, conf)
    check(status == 0, text)
    run_ok(["openssl", "verify", "-CAfile", ca.cert, leaf])


def test_openssl(s, tls_server):
    conf = s.openssl_conf("after", "req.cnf", timeout=1500)
    last = {}
    for kind in KINDS:
        asker = s.certificate(f"csr-{kind}", KINDS[kind])
        signer = s.certificate(f"ca-{kind}", KINDS[kind])
        s.import_key(asker, "csr")
        s.import_key(signer, "sign")
        last = {"csr": asker, "sign": signer}
        for order in ("after", "before"):
            named = s.openssl_conf(order, f"req-{order}.cnf", timeout=1500)
            where = f"{kind}, provider {order} default"
            tap.run(
                f"openssl req: a request with a csr key, {where}",
                verified_csr,
                s,
                asker,
                named,
            )
            tap.run(
                f"openssl x509 -req: a certificate by a sign key, {where}",
                verified_leaf,
                s,
                signer,
                named,
            )

    def csr_key_signs_no_certificate():
        status, text, _ = sign_certificate(s, last["csr"], conf)
        check(status != 0, "openssl x509 made a certificate")
        expect_words(text, "not a certificate request", "use = sign")

    tap.run(
        "openssl req: a tls-server key makes no request",
        refused_csr,
        s,
        tls_server,
        conf,
        tls_server.name,
        "not a TLS server's",
        "use = sign",
    )
    tap.run(
        "openssl x509: a csr key makes no certificate",
        csr_key_signs_no_certificate,
    )
    s.stop_keyd()
    tap.run(
        "openssl req: fails with keyd stopped",
        refused_csr,
        s,
        last["csr"],
        conf,
        s.socket,
        "is keyd running",
    )
    s.start_keyd()
    tap.run(
        "openssl req: works with keyd back", verified_csr, s, last["csr"], conf
    )


def main():
    with Scratch() as s:
        certs = {n: s.certificate(n, kind) for n, kind in KINDS.items()}
        site = s.certificate("plain-site", "rsa:2048")
        s.start_keyd()
        for cert in certs.values():
            s.import_key(cert, "tls-server")
        test_servers(s, certs)
        test_clients(s, site)
        test_openssl(s, certs["rsa"])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
