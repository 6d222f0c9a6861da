#!/usr/bin/env python3
"""Keys written and named by the openssl command, with a real keyd: each
output is read again by an OpenSSL that does not have the provider, or, where
it is a shell, by one that does."""

import os
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    ROOT,
    Scratch,
    Tap,
    check,
    expect_words,
    handshake,
    read_text,
)
from openssl_bench import Bench

KINDS = {
    "rsa": "rsa:2048",
    "pss": "rsa-pss:2048",
    "ec": "ec:P-256",
    "ed": "ed25519",
}
PASS = ["-passin", "pass:geheim"]
tap = Tap()


def block(text):
    """The PEM block in a text, without what stands around it."""
    start = text.index("-----BEGIN")
    return text[start : text.index("-----END")]


def same_block(o, cert, out):
    shell = read_text(cert.key)
    check("BEGIN PRIVATE KEY" in shell, shell)
    check(block(read_text(o.path(out))) == block(shell), f"{cert.name}: {out}")


def signs(o, cert, key):
    """This key file signs, and plain OpenSSL verifies with the certificate."""
    data, sig, pub = o.path("data"), o.path("sig"), o.path("pub")
    o.s.write("data", "to be signed\n")
    o("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", data, "-out", sig)
    with open(pub, "w", encoding="utf-8") as f:
        f.write(o.plain("x509", "-in", cert.cert, "-noout", "-pubkey"))
    o.plain(
        *["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", pub],
        *["-in", data, "-sigfile", sig],
    )


def writes_shells(o, cert):
    key, out = cert.key, o.path("out")
    o("pkey", "-in", key, "-out", out)
    same_block(o, cert, "out")
    signs(o, cert, out)
    o("pkey", "-in", key, "-outform", "DER", "-out", o.path("der"))
    o("pkey", "-inform", "DER", "-in", o.path("der"), "-out", out)
    same_block(o, cert, "out")
    o("pkcs8", "-topk8", "-nocrypt", "-in", key, "-out", out)
    same_block(o, cert, "out")
    o("storeutl", "-keys", "-out", out, key)
    same_block(o, cert, "out")
    what = KINDS[cert.name].partition(":")[0]
    if what in ("rsa", "ec"):
        o(what, "-in", key, "-out", out)
        same_block(o, cert, "out")
    if what == "rsa":
        o("rsa", "-in", key, "-traditional", "-out", out)
        same_block(o, cert, "out")


def survives_encryption_by_libcrypto(o, cert):
    out, sealed = o.path("out"), o.path("sealed")
    o(
        *["pkcs8", "-topk8", "-in", cert.key, "-out", sealed],
        *["-passout", "pass:geheim"],
    )
    o("pkey", "-in", sealed, *PASS, "-out", out)
    same_block(o, cert, "out")
    o(
        *["pkcs12", "-export", "-inkey", cert.key, "-in", cert.cert],
        *["-passout", "pass:geheim", "-out", sealed],
    )
    o("pkcs12", "-in", sealed, *PASS, "-nodes", "-nocerts", "-out", out)
    same_block(o, cert, "out")
    o("pkey", "-in", sealed, *PASS, "-out", out)
    same_block(o, cert, "out")


def refuses(o, says, *args):
    out = o.path("refused")
    status, text = o.try_(*args, "-out", out)
    check(status != 0, f"{args}: exit 0\n{text}")
    expect_words(text, says)
    check(not os.path.getsize(out), f"{args} wrote {read_text(out)}")
    os.unlink(out)


def refuses_the_rest(o, cert):
    words = "holds no secret that a cipher could protect"
    sealed = ["-in", cert.key, "-aes256", "-passout", "pass:geheim"]
    refuses(o, words, "pkey", *sealed)
    what = KINDS[cert.name].partition(":")[0]
    if what in ("rsa", "ec"):
        refuses(o, words, what, *sealed)
        refuses(
            o, "export failure", "pkey", "-in", cert.key, "-traditional"
        )
    if what == "rsa":
        for form in ("MSBLOB", "PVK"):
            refuses(
                *[o, "write PEM or DER", "rsa", "-in", cert.key],
                *["-outform", form, "-passout", "pass:geheim"],
            )


def prints_text(o, cert):
    text = o("pkey", "-in", cert.key, "-noout", "-text")
    public = o.plain("pkey", "-in", cert.plain, "-noout", "-text_pub")
    head, _, rest = text.partition("\n")
    check(rest == public, f"{rest}\n{public}")
    expect_words(head, "kept by keyd as " + cert.name, "sha256=")
    digest = head.partition("sha256=")[2]
    shown = o("pkey", "-in", f"keyd:sha256={digest}", "-pubout")
    check(shown == o.plain("pkey", "-in", cert.plain, "-pubout"), shown)


def writes_public_keys(o, certs):
    for name, args in (
        ("rsa", ["pkey", "-pubout"]),
        ("rsa", ["rsa", "-pubout", "-RSAPublicKey_out"]),
        ("rsa", ["rsa", "-noout", "-modulus"]),
        ("pss", ["pkey", "-pubout"]),
        ("ec", ["pkey", "-pubout"]),
        ("ec", ["ec", "-pubout", "-conv_form", "compressed"]),
        ("ec", ["ec", "-pubout", "-param_enc", "explicit"]),
        ("ec", ["ec", "-param_out"]),
        ("ec", ["pkey", "-pubout", "-ec_conv_form", "hybrid"]),
        ("ed", ["pkey", "-pubout"]),
        ("ed", ["pkey", "-text_pub", "-noout"]),
    ):
        for order in o.confs:
            ours = o(*args, "-in", certs[name].key, order=order)
            theirs = o.plain(*args, "-in", certs[name].plain)
            check(ours == theirs, f"{args}: {ours}\n{theirs}")


def passes_other_keys_through(o, certs):
    """Listed first, the provider makes other keys, which are not keyd's."""
    key = o.path("new.key")
    sealed = ["-aes256", "-pass", "pass:geheim"]
    for args in (
        ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        ["genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "bits:1024"],
        ["genpkey", "-algorithm", "EC", "-pkeyopt", "group:P-256"],
        ["genpkey", "-algorithm", "ED25519"],
        ["genpkey", "-algorithm", "X448"],
    ):
        for more in ([], sealed, ["-outform", "DER"]):
            o(*args, *more, "-out", key, order="before")
            o.plain("pkey", "-in", key, *PASS, "-check", "-noout")
    o("genrsa", "-traditional", "-out", key, "1024", order="before")
    check("BEGIN RSA PRIVATE KEY" in read_text(key), read_text(key))
    o.plain("rsa", "-in", key, "-check", "-noout")
    for form in ("MSBLOB", "PVK"):
        o(
            *["rsa", "-in", key, "-outform", form, "-pvk-none"],
            *["-out", o.path("form")],
            order="before",
        )
        o.plain("rsa", "-inform", form, "-in", o.path("form"), "-check")
    o(
        *["ecparam", "-name", "P-256", "-genkey", "-out", key],
        order="before",
    )
    check("BEGIN EC PRIVATE KEY" in read_text(key), read_text(key))
    o.plain("ec", "-in", key, "-check", "-noout")
    o(
        *["req", "-x509", "-newkey", "rsa:1024", "-keyout", key],
        *["-passout", "pass:geheim", "-subj", "/CN=x", "-out", o.path("x")],
        order="before",
    )
    o.plain("pkey", "-in", key, *PASS, "-check", "-noout")
    check("ENCRYPTED" in read_text(key), read_text(key))


def answers_uris(o, certs):
    for order in o.confs:
        for name, cert in certs.items():
            o("pkey", "-in", f"keyd:{name}", "-out", o.path("out"), order=order)
            same_block(o, cert, "out")
        o(
            *["req", "-new", "-key", "keyd:ec", "-subj", "/CN=x"],
            *["-out", o.path("csr")],
            order=order,
        )
        o.plain("req", "-verify", "-noout", "-in", o.path("csr"))
    signs(o, certs["rsa"], "keyd:rsa")
    o.plain("x509", "-in", certs["ec"].cert, "-noout")
    o(
        *["dgst", "-sha256", "-sign", "keyd:ec", "-out", o.path("sig")],
        o.path("data"),
    )
    o(
        *["dgst", "-sha256", "-verify", "keyd:ec"],
        *["-signature", o.path("sig"), o.path("data")],
    )
    server = o.s.s_server(certs["ec"], o.confs["after"], key="keyd:ec")
    check(handshake(server.port, certs["ec"]), "handshake")


def lists_keys(o, certs):
    text = o("storeutl", "-keys", "-noout", "keyd:")
    for name in certs:
        expect_words(text, f"Name: keyd:{name}\nkeyd:sha256=")
    expect_words(text, f"Total found: {len(certs)}")
    text = o("storeutl", "-keys", "-r", "keyd:")
    check(text.count("BEGIN PRIVATE KEY") == len(certs), text)


def shows_another_user_only_his(o, certs):
    user = {"user": "www-data", "group": "www-data"}
    status, text = o.try_("storeutl", "-keys", "-noout", "keyd:", **user)
    check(status == 0 and "keyd:ec" in text and "keyd:rsa" not in text, text)
    status, text = o.try_("pkey", "-in", "keyd:rsa", "-pubout", **user)
    check(status != 0, text)
    expect_words(text, "no key of this name that this user (uid 33) may use")
    expect_words(text, "openssl storeutl -keys keyd:")
    check("keydctl" not in text, "which that user cannot use: " + text)
    head = o("pkey", "-in", certs["rsa"].key, "-noout", "-text").split("\n")[0]
    uri = "keyd:sha256=" + head.partition("sha256=")[2]
    status, text = o.try_("pkey", "-in", uri, "-pubout", **user)
    check(status != 0, text)
    expect_words(text, "add the user to `allow`")


def says_what_is_wrong(o, certs):
    for uri, says in (
        ("keyd:nobodys", "no key of this name"),
        ("keyd:sha256=12", "is not a key's URI"),
        ("keyd:sha256=" + 64 * "0", "keyd does not have this key"),
    ):
        status, text = o.try_("pkey", "-in", uri, "-pubout")
        check(status != 0, text)
        expect_words(text, says)
    check(o.s.stop_keyd() == 0, "keyd's exit status")
    for uri in ("keyd:rsa", "keyd:"):
        status, text = o.try_("storeutl", uri)
        check(status != 0, text)
        expect_words(text, "is keyd running?")


def main():
    with Scratch() as s:
        certs = {n: s.certificate(n, kind) for n, kind in KINDS.items()}
        s.start_keyd()
        for name, cert in certs.items():
            us = s.everyone() if name == "ec" else s.everyone().split()[0]
            s.import_key(cert, "tls-server sign", allow=us)
        o = Bench(s, certs)
        for name, cert in certs.items():
            for what, test in (
                ("written as its shell", writes_shells),
                ("encrypted by libcrypto", survives_encryption_by_libcrypto),
                ("refused in other forms", refuses_the_rest),
                ("printed", prints_text),
            ):
                tap.run(f"{name}: {what}", test, o, cert)
        tap.run("public keys are as default's", writes_public_keys, o, certs)
        tap.run("keys of default", passes_other_keys_through, o, certs)
        tap.run("keyd: URIs", answers_uris, o, certs)
        tap.run("lists of keys", lists_keys, o, certs)
        if ROOT:
            tap.run("another user", shows_another_user_only_his, o, certs)
        else:
            tap.skip("another user", "needs root")
        tap.run("failures in words", says_what_is_wrong, o, certs)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
