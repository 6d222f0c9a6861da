#!/usr/bin/env python3
"""The provider among others: before and after them, under default properties
that prefer or demand one of them, twice in a process, and gone."""

import contextlib
import os
import pwd
import shutil
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    BUILD,
    ROOT,
    Scratch,
    Tap,
    check,
    expect_words,
    handshake,
    is_sanitized,
    run,
    run_ok,
)
from openssl_bench import Bench

KINDS = {"rsa": "rsa:2048", "ec": "ec:P-256", "ed": "ed25519"}
STANDIN = f"{BUILD}/tests/apps/standin.so"
tap = Tap()

# what it is: (providers in order, default properties, settings of keyd)
WORKS = {
    "after default": (["default", "keyd"], None, {}),
    "before default": (["keyd", "default"], None, {}),
    "?provider=keyd": (["default", "keyd"], "?provider=keyd", {}),
    "first, ?provider=keyd": (["keyd", "default"], "?provider=keyd", {}),
    "?provider=default": (["default", "keyd"], "?provider=default", {}),
    "first, ?provider=default": (["keyd", "default"], "?provider=default", {}),
    "after legacy": (["default", "legacy", "keyd"], None, {}),
    "before legacy": (["keyd", "legacy", "default"], None, {}),
    "after another": (["default", "standin", "keyd"], None, {}),
    "before another": (["keyd", "standin", "default"], None, {}),
    "?provider=standin": (
        ["default", "standin", "keyd"],
        "?provider=standin",
        {},
    ),
    "another alone": (["standin", "keyd"], None, {}),
    "first, another alone": (["keyd", "standin"], None, {}),
    "?fips=yes": (["default", "fips", "keyd"], "?fips=yes", {}),
    "fips=yes": (["fips", "keyd"], "fips=yes", {"assume-fips": "yes"}),
    "fips=yes beside default": (
        ["default", "fips", "keyd"],
        "fips=yes",
        {"assume-fips": "yes"},
    ),
    "first, fips=yes": (["keyd", "fips"], "fips=yes", {"assume-fips": "yes"}),
    "assume-fips": (["default", "keyd"], None, {"assume-fips": "yes"}),
    "-fips": (["default", "fips", "keyd"], "-fips", {}),
}


def write_conf(s, name, providers, properties=None, settings=None):
    """An openssl.cnf with these providers in this order; its path."""
    keyd = {"module": f"{BUILD}/provider/keyd.so", "socket": s.socket}
    if not ROOT:
        keyd["server-user"] = pwd.getpwuid(os.geteuid()).pw_name
    sections = {
        "default": {},
        "legacy": {},
        "standin": {"module": STANDIN},
        "fips": {"module": STANDIN, "fips": "yes"},
        "keyd": {**keyd, "timeout": "1500", **(settings or {})},
    }
    lines = ["openssl_conf = init", "[init]", "providers = providers"]
    if properties:
        lines += ["alg_section = evp", "[evp]"]
        lines += [f"default_properties = {properties}"]
    lines += ["[providers]", *(f"{p} = {p}_section" for p in providers)]
    for p in providers:
        lines += [f"[{p}_section]", "activate = 1"]
        lines += [f"{k} = {v}" for k, v in sections[p].items()]
    lines += ["[req]", "distinguished_name = dn", "[dn]"]
    return s.write(f"{name}.cnf", "\n".join(lines) + "\n")


def bench(s, certs, *args):
    o = Bench(s, certs, "this")
    o.confs["this"] = write_conf(s, *args)
    return o


def shells_work(o, certs):
    """Signing, decrypting, deriving and loading, each checked without us."""
    data, out, back = o.path("data"), o.path("out"), o.path("back")
    for name in KINDS:
        o(
            *["pkeyutl", "-sign", "-rawin", "-inkey", certs[name].key],
            *["-in", data, "-out", out],
        )
        o.plain(
            *["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey"],
            *[o.path(f"{name}.pub"), "-in", data, "-sigfile", out],
        )
    oaep = ["-pkeyopt", "rsa_padding_mode:oaep"]
    o.plain(
        *["pkeyutl", "-encrypt", "-pubin", "-inkey", o.path("rsa.pub")],
        *["-in", data, "-out", out, *oaep],
    )
    decrypt = ["pkeyutl", "-decrypt", "-inkey", certs["rsa"].key, *oaep]
    text = o(*decrypt, "-in", out)
    check(text == "to be signed\n", text)
    derive = ["pkeyutl", "-derive", "-peerkey", o.path("ec.pub"), "-out"]
    o(*derive, out, "-inkey", certs["ec"].key)
    o.plain(*derive, back, "-inkey", certs["ec"].plain)
    with open(out, "rb") as ours, open(back, "rb") as theirs:
        check(ours.read() == theirs.read(), "another secret")
    o("storeutl", "-keys", "-noout", "keyd:")
    csr = ["req", "-new", "-subj", "/CN=x", "-out", out, "-key"]
    o(*csr, "keyd:ec")
    o.plain("req", "-in", out, "-verify", "-noout")


def other_keys_work(o, certs, version="1.3"):
    """What is not keyd's is as it was: new keys, plain ones, TLS."""
    key, out = o.path("new.key"), o.path("out")
    for args in (
        ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        ["EC", "-pkeyopt", "group:P-384"],
    ):
        o("genpkey", "-algorithm", *args, "-out", key)
        o("dgst", "-sha256", "-sign", key, "-out", out, o.path("data"))
        o(
            *["dgst", "-sha256", "-prverify", key, "-signature", out],
            o.path("data"),
        )
    server = o.s.s_server(certs["ec"], o.confs["this"], key=certs["ec"].plain)
    check(handshake(server.port, certs["ec"], version), "handshake")
    server.stop()


def handshakes(o, certs):
    """A shell as the server's; and a client that has its groups of us."""
    server = o.s.s_server(
        *[certs["rsa"], o.confs["this"], "-groups", "P-256"],
    )
    for version in ("1.3", "1.2"):
        handshake(server.port, certs["rsa"], version)
    text = o(
        *["s_client", "-connect", f"127.0.0.1:{server.port}", "-CAfile"],
        *[certs["rsa"].cert, "-verify_return_error"],
        stdin="Q\n",
    )
    expect_words(text, "Verify return code: 0 (ok)")
    server.stop()


def everything(s, certs, *args):
    o = bench(s, certs, *args)
    shells_work(o, certs)
    other_keys_work(o, certs)
    handshakes(o, certs)


def without_assume_fips(s, certs):
    """Nothing of ours is there; what is not ours, is."""
    o = bench(s, certs, "fips", ["fips", "keyd"], "fips=yes")
    status, text = o.try_(
        *["dgst", "-sha256", "-sign", certs["ec"].key, o.path("data")]
    )
    check(status != 0, text)
    other_keys_work(o, certs)
    text = o("list", "-providers")
    expect_words(text, "openssl-keyd")


def bad_setting(s, certs):
    """It is no yes: and said when a shell is loaded, not before."""
    o = bench(
        *[s, certs, "bad", ["default", "keyd"], None],
        {"assume-fips": "perhaps"},
    )
    other_keys_work(o, certs)
    use = [o.confs["this"], certs["ec"].key]
    status, text = run(
        [f"{BUILD}/tests/apps/contexts", *use, *use],
        env=o.environment() if is_sanitized() else None,
    )
    check(status == 1, text)
    expect_words(text, "bad setting in openssl.cnf", "must be yes or no")


LOAD = """
import ssl, sys
ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*sys.argv[1:])
"""


def demands_default(s, certs):
    """provider=default, without the question mark, excludes us."""
    o = bench(s, certs, "demands", ["default", "keyd"], "provider=default")
    status, text = o.try_(
        *["dgst", "-sha256", "-sign", certs["ec"].key, o.path("data")]
    )
    check(status != 0, text)
    other_keys_work(o, certs)


# --- gone -------------------------------------------------------------------


@contextlib.contextmanager
def module(s, name, content=None):
    """A path for the module, of another file, or of none."""
    path = s.path(name)
    if content is not None:
        with open(path, "wb") as f:
            f.write(content)
    yield path
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def no_module(s, certs, content):
    """Programs without shells do not notice; a shell does not load."""
    with module(s, "other.so", content) as path:
        o = bench(
            *[s, certs, "gone", ["default", "keyd"], None, {"module": path}]
        )
        for load in (
            ["pkey", "-noout", "-in", certs["rsa"].key],
            ["dgst", "-sha256", "-sign", certs["ec"].key, o.path("data")],
        ):
            status, text = o.try_(*load)
            check(status != 0, text)
        other_keys_work(o, certs)
        status, text = run(
            [sys.executable, "-c", LOAD, certs["ec"].cert, certs["ec"].plain],
            env=o.environment(),
        )
        check(status == 0, text)


def removed_while_used(s, certs):
    """Who has it keeps it; who comes later does without."""
    with open(f"{BUILD}/provider/keyd.so", "rb") as f:
        content = f.read()
    with module(s, "mine.so", content) as path:
        o = bench(
            *[s, certs, "mine", ["default", "keyd"], None, {"module": path}]
        )
        server = o.s.s_server(certs["rsa"], o.confs["this"])
        handshake(server.port, certs["rsa"])
        os.unlink(path)
        handshake(server.port, certs["rsa"])
        handshake(server.port, certs["rsa"], "1.2")
        other_keys_work(o, certs)
        status, text = o.try_("pkey", "-noout", "-in", certs["rsa"].key)
        check(status != 0, text)
        shutil.copyfile(f"{BUILD}/provider/keyd.so", path)
        o("pkey", "-noout", "-in", certs["rsa"].key)
        server.stop()


def nginx_without_module(s, certs):
    conf = write_conf(
        *[s, "nginx", ["default", "keyd"], None],
        {"module": s.path("nowhere.so")},
    )
    server = s.nginx([(certs["rsa"], certs["rsa"].plain)], conf, 1)
    handshake(server.ports[0], certs["rsa"])
    server.stop()


# --- twice in a process -----------------------------------------------------


def two_contexts(s, certs, orders):
    """Each with a keyd of its own."""
    with Scratch() as other:
        theirs = other.certificate("theirs", "ec:P-256")
        other.start_keyd()
        other.import_key(theirs, "sign")
        args = []
        for one, key, providers in (
            (s, certs["rsa"].key, orders[0]),
            (other, theirs.key, orders[1]),
        ):
            args += [write_conf(one, "context", providers), key]
        run_ok(
            [f"{BUILD}/tests/apps/contexts", *args],
            env=s.environment(args[0]) if is_sanitized() else None,
        )


def main():
    with Scratch() as s:
        certs = {n: s.certificate(n, kind) for n, kind in KINDS.items()}
        for name, cert in certs.items():
            run_ok(
                ["openssl", "pkey", "-in", cert.plain, "-pubout"]
                + ["-out", s.path(f"{name}.pub")]
            )
        s.write("data", "to be signed\n")
        s.start_keyd()
        for name, cert in certs.items():
            s.import_key(cert, "sign" if name == "ed" else "sign decrypt")
        for number, (name, how) in enumerate(WORKS.items()):
            tap.run(name, everything, s, certs, f"works{number}", *how)
        tap.run("fips=yes without assume-fips", without_assume_fips, s, certs)
        tap.run("a bad setting", bad_setting, s, certs)
        tap.run("provider=default", demands_default, s, certs)
        for name, content in (
            ("missing", None),
            ("empty", b""),
            ("no module", b"#!/bin/sh\n"),
        ):
            tap.run(f"the module is {name}", no_module, s, certs, content)
        tap.run("the module is missing: nginx", nginx_without_module, s, certs)
        tap.run("the module is removed", removed_while_used, s, certs)
        after, before = ["default", "keyd"], ["keyd", "default"]
        for orders in ((after, after), (before, after), (before, before)):
            tap.run(
                f"two contexts: {orders[0][0]} and {orders[1][0]} first",
                *[two_contexts, s, certs, orders],
            )
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
