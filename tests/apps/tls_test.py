#!/usr/bin/env python3
"""Certificates of every type of key serve TLS as a server's and as a client's,
against a real keyd whose policy allows no more than that: a table of types,
versions and sides. The other side is always an openssl without the provider.
Each entry's counterpart is a key that is allowed the other side alone."""

import os
import subprocess
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    Scratch,
    Tap,
    check,
    expect_words,
    free_port,
    read_text,
    wait_for,
)
from openssl_bench import Bench

# name: (as Scratch.certificate takes it, versions of TLS that it works with)
KINDS = {
    "rsa": ("rsa:2048", "1.3 1.2"),
    "rsa3072": ("rsa:3072", "1.3 1.2"),
    "pss": ("rsa-pss:2048", "1.3 1.2"),
    "p256": ("ec:P-256", "1.3 1.2"),
    "p384": ("ec:P-384", "1.3 1.2"),
    "p521": ("ec:P-521", "1.3 1.2"),
    "p224": ("ec:P-224", "1.2"),
    "k256": ("ec:secp256k1", "1.2"),
    "bp256": ("ec:brainpoolP256r1", "1.2"),
    "bp384": ("ec:brainpoolP384r1", "1.2"),
    "bp512": ("ec:brainpoolP512r1", "1.2"),
    "ed25519": ("ed25519", "1.3"),
    "ed448": ("ed448", "1.3"),
}
# What a TLS 1.2 peer must know to take a certificate on such a curve.
CURVES = ["-curves", "X25519:P-256:P-384:P-521:P-224:secp256k1:"]
CURVES[1] += "brainpoolP256r1:brainpoolP384r1:brainpoolP512r1"
tap = Tap()


def kept(s, name, kind, use, *settings):
    """A key that keyd will have when it starts, and its certificate; the file
    of the key is its shell, later."""
    purpose = "clientAuth" if use == "tls-client" else "serverAuth"
    cert = s.certificate(name, kind, purpose)
    os.rename(cert.key, s.path(f"keys/{name}.pem"))
    os.chmod(s.path(f"keys/{name}.pem"), 0o600)
    allow = ", ".join(s.everyone().split())
    policy = [f"allow = {allow}", f"use = {use}", *settings, ""]
    s.write(f"policies/{name}.conf", "\n".join(policy))
    return cert


def server(o, cert, *options, plain=False):
    """s_server with the shell, or with the plain key and no provider."""
    conf = o.plain_conf if plain else o.confs["after"]
    key = cert.plain if plain else cert.key
    name = "plain" if plain else cert.name
    return o.s.s_server(cert, conf, *options, key=key, name=name)


def client(o, port, trust, *options, plain=True):
    """(works, its output): one handshake of s_client."""
    call = o.try_plain if plain else o.try_
    status, text = call(
        *["s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", trust.cert],
        *["-verify_return_error", "-verify_quiet", "-ign_eof", *options],
        stdin="GET / HTTP/1.0\r\n\r\n",
        timeout=20,
    )
    return status == 0 and "HTTP/1.0 200" in text, text


def tls(version):
    return "-tls" + version.replace(".", "_")


def said(program, start, *words):
    """The program has written these words since it had written start."""
    wait_for(
        f"{words} in the output of {program.argv}",
        lambda: all(w in program.output()[start:] for w in words),
        5,
    )


def serves(o, cert, version):
    """As a server, in this version."""
    program = server(o, cert, *CURVES)
    works, text = client(o, program.port, cert, tls(version), *CURVES)
    check(works, text)
    program.stop()


def serves_not(o, cert, version, *words):
    program = server(o, cert, *CURVES)
    start = len(program.output())
    works, text = client(o, program.port, cert, tls(version), *CURVES)
    check(not works, text)
    if words:
        said(program, start, *words)
    program.stop()


def logs_in(o, site, cert, version):
    works, text = client(
        *[o, site.program.port, site, tls(version), *CURVES],
        *["-cert", cert.cert, "-key", cert.key],
        plain=False,
    )
    check(works and "Client certificate" in text, text)


def logs_in_not(o, site, cert, version, *words):
    works, text = client(
        *[o, site.program.port, site, tls(version), *CURVES],
        *["-cert", cert.cert, "-key", cert.key],
        plain=False,
    )
    check(not works, text)
    expect_words(text, *words)


def both_sides(o, site, servers, clients):
    for name, (_, versions) in KINDS.items():
        here, there = servers[name], clients[name]
        for version in versions.split():
            tap.run(f"{name} serves TLS {version}", serves, o, here, version)
            tap.run(
                *[f"a tls-client key serves no TLS {version}, {name}"],
                *[serves_not, o, there, version, there.name],
                *["the key's policy does not allow this use", "use = "],
            )
            tap.run(
                f"{name} logs in with TLS {version}",
                *[logs_in, o, site, there, version],
            )
            tap.run(
                f"a tls-server key does not log in with TLS {version}, {name}",
                *[logs_in_not, o, site, here, version, here.name],
                *["the key's policy does not allow this use"],
                "use = tls-client",
            )


def ed_keys_in_tls_12(o, site, servers, clients):
    words = ["the key's policy does not allow this use", "TLS 1.3 only"]
    words += ["switch TLS 1.2 off", "nginx: ssl_protocols TLSv1.3"]
    for name in ("ed25519", "ed448"):
        here, there = servers[name], clients[name]
        tap.run(f"{name} serves no TLS 1.2", serves_not, o, here, "1.2", *words)
        tap.run(
            f"{name} does not log in with TLS 1.2",
            *[logs_in_not, o, site, there, "1.2", *words],
        )


# --- DTLS, DHE, RSA key exchange ---------------------------------------------


def dtls_server(o, cert, *options):
    """Scratch.s_server is one for HTTP, which DTLS does not have."""
    port = free_port()
    program = o.s.program(
        ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert"]
        + [cert.cert, "-key", cert.key, *options],
        f"dtls-{cert.name}-{port}",
        env=o.environment(),
        stdin=subprocess.PIPE,
    )
    program.port = port
    program.wait_output(r"(?m)^ACCEPT")
    return program


def meets(o, cert, version, cipher, *more):
    """(works, what both said): a handshake of this cipher suite."""
    options = [version, "-cipher", cipher + "@SECLEVEL=0", *more]
    if "dtls" in version:
        program = dtls_server(o, cert, *options)
    else:
        program = server(o, cert, *options)
    status, text = o.try_plain(
        *["s_client", "-connect", f"127.0.0.1:{program.port}", "-CAfile"],
        *[cert.cert, "-verify_return_error", "-verify_quiet", *options],
        stdin="Q\n",
        timeout=20,
    )
    works = status == 0 and "Verification: OK" in text
    check(not works or f"Cipher is {cipher}" in text, text)
    if not works:
        wait_for("an error", lambda: "error:" in program.output(), 5)
    program.stop()
    return works, text + program.output()


def meets_not(o, cert, version, cipher, *words):
    works, text = meets(o, cert, version, cipher)
    check(not works, text)
    expect_words(text, cert.name, *words)


def key_exchanges(o, keys):
    """Each with the use that it needs, and with all the others but that."""

    def works(*args):
        done, text = meets(o, *args)
        check(done, text)

    for version in ("-tls1", "-tls1_1", "-tls1_2", "-dtls1", "-dtls1_2"):
        new = version.endswith("1_2")
        for cipher in ["AES128-SHA"] + (["AES128-GCM-SHA256"] if new else []):
            what = f"RSA key exchange, {version[1:]} with {cipher}"
            tap.run(what, works, keys["kx"], version, cipher)
        tap.run(
            f"{what}: not without tls-rsa-kx",
            *[meets_not, o, keys["not-kx"], version, cipher],
            "`use = tls-rsa-kx` would allow it",
        )
        if not new:
            what = f"{version[1:]} signs MD5 or SHA-1: refused"
            cipher = "ECDHE-RSA-AES128-SHA"
            tap.run(what, meets_not, o, keys["not-kx"], version, cipher)
    for version in ("-tls1_2", "-dtls1_2"):
        # libssl has no DTLS 1.2 with RSA-PSS certificates and DHE
        names = ("dhe",) if "dtls" in version else ("dhe", "dhe-pss")
        for name in names:
            cipher = "DHE-RSA-AES128-GCM-SHA256"
            what = f"DHE, {version[1:]}, {name}"
            tap.run(what, works, keys[name], version, cipher)
            tap.run(
                f"{what}: not without tls-dhe",
                *[meets_not, o, keys["not-" + name], version, cipher],
                "`use = tls-dhe` would allow it",
            )


# As libssl names them, and what s_client says of the server's key.
GROUPS = {
    "X25519": "X25519",
    "P-256": "prime256v1",
    "P-384": "secp384r1",
    "P-521": "secp521r1",
    "X448": "X448",
    "brainpoolP256r1": "brainpoolP256r1",
    "brainpoolP384r1": "brainpoolP384r1",
    "brainpoolP512r1": "brainpoolP512r1",
}
EVERY_GROUP = (
    "x25519 P-256 P-384 P-521 x448 brainpoolP256r1 brainpoolP384r1 brainpoolP512r1"
)


def groups(o, servers, plain):
    """ECDHE in TLS 1.2 with each group that a policy can name, and not with what
    it does not name. A refusal's words, taken as they are, would allow it."""

    def meets_group(program, cert, group):
        # An ECDSA certificate's own curve must be among the client's.
        own = "P-256" if "p256" in cert.name else group
        wanted = ":".join(dict.fromkeys([group, own]))
        works, text = client(o, program.port, cert, "-tls1_2", "-groups", wanted)
        check(not works or f"{GROUPS[group]}, " in text, text)
        return works, text

    def works(*args):
        done, text = meets_group(*args)
        check(done, text)

    def works_not(program, cert, group):
        words = f"`tls12-groups = {EVERY_GROUP}`"
        before = program.output().count(words)
        done, text = meets_group(program, cert, group)
        check(not done, text)
        wait_for(words, lambda: program.output().count(words) > before, 5)

    for cert in servers:
        program = server(o, cert, "-groups", ":".join(GROUPS))
        for group in GROUPS:
            what = f"{cert.name}: TLS 1.2 with {group}"
            tap.run(what, works, program, cert, group)
        program.stop()
    program = server(o, plain, "-groups", ":".join(GROUPS))
    for group in list(GROUPS)[3:]:
        what = f"{plain.name}: no TLS 1.2 with {group}, unless its policy says so"
        tap.run(what, works_not, program, plain, group)
    done, text = client(o, program.port, plain, "-tls1_3", "-groups", "X448")
    tap.run("in TLS 1.3 the group is not the policy's", check, done, text)
    program.stop()


def datagrams(o, servers, clients):
    """DTLS 1.2 has ECDHE like TLS 1.2, and its own transcript of a client."""

    def works(here, there, cipher):
        shells = ["-cert", there.cert, "-key", there.key]
        program = dtls_server(
            *[o, here, "-dtls1_2", "-Verify", "1", "-CAfile", there.cert],
            "-verify_return_error",
        )
        status, text = o.try_(
            *["s_client", "-dtls1_2", "-connect", f"127.0.0.1:{program.port}"],
            *["-CAfile", here.cert, "-verify_return_error", *shells],
            stdin="Q\n",
            timeout=20,
        )
        check(status == 0 and f"Cipher is {cipher}" in text, text)
        program.wait_output("Client certificate")
        program.stop()

    for name, cipher in (
        ("rsa", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("p256", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ):
        tap.run(
            f"{name}: DTLS 1.2, both sides",
            *[works, servers[name], clients[name], cipher],
        )


def main():
    with Scratch() as s:
        both = {
            use: {
                name: kept(s, f"{use[4:]}-{name}", kind, use)
                for name, (kind, _) in KINDS.items()
            }
            for use in ("tls-server", "tls-client")
        }
        rsa = "tls-server tls-client csr decrypt"
        keys = {
            "kx": kept(s, "kx", "rsa:2048", "tls-rsa-kx"),
            "not-kx": kept(s, "not-kx", "rsa:2048", rsa + " tls-dhe"),
            "dhe": kept(s, "dhe", "rsa:2048", "tls-dhe"),
            "not-dhe": kept(s, "not-dhe", "rsa:2048", rsa + " tls-rsa-kx"),
            "dhe-pss": kept(s, "dhe-pss", "rsa-pss:2048", "tls-dhe"),
            "not-dhe-pss": kept(s, "not-dhe-pss", "rsa-pss:2048", "tls-server"),
        }
        wide = [
            kept(s, f"wide-{name}", kind, "tls-server", f"tls12-groups = {EVERY_GROUP}")
            for name, kind in (("rsa", "rsa:2048"), ("p256", "ec:P-256"))
        ]
        s.start_keyd()
        shells = [*both["tls-server"].values(), *both["tls-client"].values()]
        for cert in [*shells, *keys.values(), *wide]:
            s.ctl_ok("shell", cert.name, "--out", cert.key)
        o = Bench(s, keys)
        site = s.certificate("site", "ec:P-256")
        trust = s.write(
            "clients.crt",
            "".join(read_text(c.cert) for c in both["tls-client"].values())
            + "".join(read_text(c.cert) for c in both["tls-server"].values()),
        )
        site.program = server(
            *[o, site, *CURVES, "-Verify", "1", "-CAfile", trust],
            "-verify_return_error",
            plain=True,
        )
        both_sides(o, site, both["tls-server"], both["tls-client"])
        ed_keys_in_tls_12(o, site, both["tls-server"], both["tls-client"])
        datagrams(o, both["tls-server"], both["tls-client"])
        key_exchanges(o, keys)
        groups(o, wide, both["tls-server"]["rsa"])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
