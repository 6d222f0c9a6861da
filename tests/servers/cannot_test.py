#!/usr/bin/env python3
"""What cannot work, and that it ends with an error: no program takes a shell for
the key that it is not."""

import os
import sys

import clients
import world
from world import ks

BUILT_IN = f"{ks.BUILD}/tests/servers/built-in"
ALL_BUILT_IN = f"{ks.BUILD}/tests/servers/all-built-in"
CRYPTOGRAPHY = """
import sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
with open(sys.argv[1], "rb") as f:
    load_pem_private_key(f.read(), None)
print("loaded")
"""
LIGHTTPD = """server.modules = ("{module}")
server.document-root = "/var/www/html"
server.port = 8080
ssl.pemfile = "{cert}"
ssl.privkey = "{key}"
$SERVER["socket"] == "0.0.0.0:443" {{ ssl.engine = "enable" }}
"""
CADDY = """{{
	admin off
	auto_https off
}}
https://localhost:8443 {{
	tls {cert} {key}
	respond hello
}}
"""
RUBY = """
context = OpenSSL::SSL::SSLContext.new
context.key = OpenSSL::PKey.read(File.read(ARGV[0]))
context.cert = OpenSSL::X509::Certificate.new(File.read(ARGV[1]))
context.setup
puts "ready"
"""
NODE = """
const fs = require("fs"), https = require("https");
https.createServer({key: fs.readFileSync(process.argv[1])});
console.log("made");
"""


class Place:
    """A world with keys, plain and imported; it has both kinds."""

    def __init__(self, w):
        self.w = w
        w.enable()
        w.start_keyd()
        self.plain = self.certificates("-plain")
        self.shells = self.certificates("")
        for cert in self.shells.values():
            w.ctl_ok(
                *["import", "--name", cert.name, "--allow", "root"],
                *["--use", "tls-server", "--use", "tls-client"],
                *["--certificate", cert.cert, cert.key],
            )

    def certificates(self, suffix):
        return {
            name: self.w.certificate(
                f"{name}{suffix}", kind, "serverAuth,clientAuth"
            )
            for name, kind in (("rsa", "rsa:2048"), ("ec", "ec:P-256"))
        }

    def works(self, argv, word):
        status, text = run(argv)
        ks.check(status == 0, f"with a plain key: exit {status}\n{text}")
        ks.expect_words(text, word)

    def fails(self, argv, *words):
        status, text = run(argv)
        ks.check(status != 0, f"with a shell: exit {status}\n{text}")
        ks.expect_words(text, *words)
        return f"exit {status}: {text.strip().splitlines()[-1:]}"


def run(argv):
    return ks.run(argv, env={**world.ENVIRONMENT, "HOME": "/root"})


def gnutls(p):
    for name in ("rsa", "ec"):
        p.works(
            ["certtool", "-k", "--infile", p.plain[name].key], "PRIVATE KEY"
        )
        p.fails(
            ["certtool", "-k", "--infile", p.shells[name].key], "import error"
        )
        cert = p.shells[name]
        p.fails(
            ["gnutls-serv", "-p", "8443", "--x509certfile", cert.cert]
            + ["--x509keyfile", cert.key],
            "Error reading",
        )


def hello(server, plain):
    """An answer of a known length: that the connection ends is no part of it,
    since GnuTLS wants an end of TLS's own."""
    with server.wrap(plain) as tls, tls.makefile("rwb") as stream:
        while stream.readline().strip():
            pass
        stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")


def lighttpd(module):
    """lighttpd with another library than OpenSSL: it does not start."""

    def argv(p, cert):
        text = LIGHTTPD.format(module=module, cert=cert.cert, key=cert.key)
        path = p.w.write("lighttpd.conf", text)
        return ["/usr/sbin/lighttpd", "-tt", "-f", path]

    def test(p):
        notes = []
        for name in ("rsa", "ec"):
            status, _ = run(argv(p, p.plain[name]))
            if status < 0:  # Debian 13's mbedTLS
                notes.append(f"{name}: signal {-status} with a plain key, too")
                p.fails(argv(p, p.shells[name]))
                continue
            ks.check(status == 0, f"{name}, a plain key: exit {status}")
            p.fails(argv(p, p.shells[name]), f"{name}.key", "Going down")
        return "\n".join(notes)

    return test


def wget(p):
    site = p.w.certificate("site", "rsa:2048")
    certs = {**p.plain, "shell": p.shells["rsa"]}
    clients.Demanding(site, certs, hello)

    def argv(cert):
        return [
            *["wget", "-q", "-O-", "--ca-certificate", site.cert],
            *["--certificate", cert.cert, "--private-key", cert.key],
            *["--tries=1", f"https://localhost:{clients.PORT}/"],
        ]

    p.works(argv(p.plain["rsa"]), "hello")
    return p.fails(argv(p.shells["rsa"]))


def go(p):
    """Caddy reads the key when it is started."""

    def argv(cert):
        text = CADDY.format(cert=cert.cert, key=cert.key)
        path = p.w.write("Caddyfile", text)
        return ["caddy", "run", "--adapter", "caddyfile", "--config", path]

    program = p.w.service(argv(p.plain["rsa"]), "caddy", {"HOME": "/root"})
    world.listening(8443)
    program.stop()
    return p.fails(argv(p.shells["rsa"]), "private key")


def static_libcrypto(p):
    """Linked against Debian's libcrypto.a it does work."""
    p.works([BUILT_IN, p.plain["ec"].key], "signed")
    p.works([BUILT_IN, p.shells["ec"].key], "signed")


def static(p):
    p.works([ALL_BUILT_IN, p.plain["ec"].key], "signed")
    return p.fails([ALL_BUILT_IN, p.shells["ec"].key], "no key")


def node(p):
    p.works(["node", "-e", NODE, p.plain["rsa"].key], "made")
    return p.fails(["node", "-e", NODE, p.shells["rsa"].key], "unsupported")


def ssh_keygen(p):
    """It asks libcrypto for an RSA with the numbers, and goes on without it."""

    def argv(cert):
        return ["ssh-keygen", "-y", "-f", cert.key]

    p.works(argv(p.plain["rsa"]), "ssh-rsa")
    return p.fails(argv(p.shells["rsa"]))


def cryptography(p):
    argv = ["/usr/bin/python3", "-c", CRYPTOGRAPHY]
    p.works([*argv, p.plain["rsa"].key], "loaded")
    return p.fails([*argv, p.shells["rsa"].key], "Error")


def ruby(p):
    """That a key is given to a context is enough."""
    argv = ["/usr/bin/ruby", "-ropenssl", "-e", RUBY]
    for name in ("rsa", "ec"):
        plain, shell = p.plain[name], p.shells[name]
        p.works([*argv, plain.key, plain.cert], "ready")
        p.fails([*argv, shell.key, shell.cert])


OLD = (
    "it takes the numbers of the key out (`EVP_PKEY_get1_RSA` and the like,"
    " deprecated in OpenSSL 3), and there are none"
)
OTHER = (
    "not OpenSSL: if there is a variant of the program for OpenSSL, take that"
)
# (a test, its line in docs/APPLICATIONS.md, what must be there)
TESTS = [
    (
        gnutls,
        "GnuTLS (`gnutls-serv`, `certtool`; Exim)",
        "a shell as key",
        "*import error*, *Error reading*",
        OTHER,
        "/usr/bin/gnutls-serv",
    ),
    *(
        (
            lighttpd(f"mod_{library.lower()}"),
            f"{library} (lighttpd-mod-{library.lower()})",
            "a shell as `ssl.privkey`",
            "lighttpd does not start, and names the key file",
            OTHER,
            f"/usr/lib/lighttpd/mod_{library.lower()}.so",
        )
        for library in ("NSS", "mbedTLS", "wolfSSL")
    ),
    (
        wget,
        "Debian's wget",
        "`--private-key` with a shell",
        "the connection fails",
        "GnuTLS; curl works",
        "/usr/bin/wget",
    ),
    (
        go,
        "Go (Caddy)",
        "a shell as key of `tls`",
        "it does not start: *private key*",
        "Go has TLS of its own: put a server of the other table in front",
        "/usr/bin/caddy",
    ),
    (
        static,
        "programs with OpenSSL and libc built in (`-static`)",
        "a shell as key, keyd enabled for the machine",
        "it cannot read the key; with plain keys it goes on as ever",
        "a second libc and libcrypto would come with the module, and the two"
        " would overwrite each other's state: keyd.so does nothing there. With"
        " Debian's libcrypto.a alone built in, and libc shared, it works",
        ALL_BUILT_IN,
    ),
    (
        node,
        "Node.js of nodejs.org's and nodesource's builds",
        "a shell as `key`",
        "*unsupported*",
        "OpenSSL is built in, and reads no `/etc/ssl/openssl.cnf`",
        "/usr/bin/node",
    ),
    (
        ssh_keygen,
        "OpenSSH (`ssh-keygen -y`)",
        "a shell as key file",
        "it is ended by a signal",
        OLD,
        "/usr/bin/ssh-keygen",
    ),
    (
        ruby,
        "Ruby 3.1, `OpenSSL::SSL`, `OpenSSL::PKey`",
        "a shell as RSA or EC `key` of a context",
        "it is ended by a signal",
        OLD,
        "/usr/bin/ruby",
    ),
    (
        cryptography,
        "Python `cryptography`",
        "`load_pem_private_key` of a shell",
        "an exception",
        OLD,
        "/usr/lib/python3/dist-packages/cryptography",
    ),
]
NOT = [row[1:5] for row in TESTS]


def is_built_in(path):
    """Whether a program has a libcrypto of its own."""
    return "libcrypto" not in ks.run_ok(["ldd", path]) and "libnode" not in (
        ks.run_ok(["ldd", path])
    )


def main():
    w = world.enter()
    tap = ks.Tap()
    with w:
        place = Place(w)
        tap.run("libcrypto.a with libc shared works", static_libcrypto, place)
        for fn, name, *_, needed in TESTS:
            if not os.path.exists(needed):
                tap.skip(name, f"{needed} is not there")
            elif fn is node and not is_built_in(needed):
                tap.skip(name, "this one is Debian's, which works")
            else:
                tap.run(name, fn, place)
        if tap.failed:
            tap.note(w.log())
    sys.exit(tap.end())


if __name__ == "__main__":
    main()
