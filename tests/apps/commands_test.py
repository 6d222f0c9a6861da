#!/usr/bin/env python3
"""The openssl commands that do something with a private key, with shells and
a real keyd, the provider listed after and before default. Each output is
checked by an OpenSSL without the provider; where a command cannot do it with a
plain key either, it must fail with a shell as well. What encode_test.py has
(writing keys) and handshakes_test.py (req, x509 -req, s_server) is not here
again."""

import os
import re
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support")
)
from keyd_scratch import (
    ROOT,
    TOP,
    Certificate,
    Failed,
    Scratch,
    Tap,
    check,
    expect_words,
    read_text,
    run_ok,
    wait_for,
)
from openssl_bench import Bench

SIGN = {
    "rsa": ("rsa:2048", "sign decrypt"),
    "pss": ("rsa-pss:2048", "sign"),
    "ec": ("ec:P-256", "sign decrypt"),
    "ed": ("ed25519", "sign"),
}
PADDING = "rsa_padding_mode:pss"
SALT = "rsa_pss_saltlen:"
PSS = [PADDING, SALT + "digest"]
OAEP = "rsa_padding_mode:oaep"
MESSAGE = "to be signed, or to be kept secret\n"
tap = Tap()


def options(name, values):
    """["-sigopt", "a:b", "-sigopt", "c:d"]"""
    return [word for value in values for word in (name, value)]


def same(o, a, b):
    with open(o.path(a), "rb") as one, open(o.path(b), "rb") as other:
        check(one.read() == other.read(), f"{a} is not {b}")


def as_default(o, key, plain, *args):
    """Runs the command with the shell; True if it is to work: if it does with
    the plain key in the shell's place. {} in args is the key file."""
    works = o.try_plain(*(word.format(plain) for word in args))[0] == 0
    status, text = o.try_(*(word.format(key) for word in args))
    check((status == 0) == works, f"{args}: works {works}, but {text}")
    return works


# --- certificates -------------------------------------------------------------


def req(o, k):
    out = o.path("out.crt")
    for name, more in (
        ("rsa", ["-sha512"]),
        ("rsa", options("-sigopt", PSS)),
        ("pss", ["-sha384"]),
        ("ec", ["-sha384"]),
        ("ed", []),
    ):
        key = ["-key", k[name].key]
        o("req", "-x509", *key, "-subj", "/CN=x", "-out", out, *more)
        o.plain("verify", "-check_ss_sig", "-CAfile", out, out)
        text = o.plain("x509", "-in", out, "-noout", "-text")
        is_pss = name == "pss" or "-sigopt" in more
        check(("rsassaPss" in text) == is_pss, text)
        csr = o.path("out.csr")
        o("req", "-new", *key, "-subj", "/CN=x", "-out", csr, *more)
        o.plain("req", "-in", csr, "-verify", "-noout")
        o(
            *["req", "-x509", "-in", csr, "-CA", k[name].cert],
            *["-CAkey", k[name].key, "-out", out, *more],
        )
        o.plain("verify", "-CAfile", k[name].cert, out)


def x509(o, k):
    csr, out, pub = o.path("leaf.csr"), o.path("out.crt"), o.path("pub.pem")
    for name, more in (
        ("rsa", []),
        ("rsa", options("-sigopt", PSS)),
        ("pss", []),
        ("ec", []),
        ("ed", []),
    ):
        cert = k[name]
        ca = ["-CA", cert.cert, "-CAkey", cert.key, "-set_serial", "7"]
        for what in (
            ["-req", "-in", csr, *ca],
            ["-in", k["leaf"].cert, *ca],
            ["-new", "-force_pubkey", pub, "-subj", "/CN=x", *ca],
        ):
            o("x509", *what, *more, "-out", out)
            o.plain("verify", "-CAfile", cert.cert, out)
        o("x509", "-in", cert.cert, "-signkey", cert.key, *more, "-out", out)
        o.plain("verify", "-check_ss_sig", "-CAfile", out, out)
        o("x509", "-in", cert.cert, "-x509toreq", "-key", cert.key, "-out", out)
        o.plain("req", "-in", out, "-verify", "-noout")
    o.refused(
        *["private key do not match", "x509", "-req", "-in", csr],
        *["-CA", k["ec"].cert, "-CAkey", k["rsa"].key],
    )


CA_CONF = """
[ca]
default_ca = this
[this]
dir = {dir}
database = {dir}/index.txt
new_certs_dir = {dir}
serial = {dir}/serial
crlnumber = {dir}/crlnumber
certificate = {cert}
private_key = {key}
default_md = sha256
default_days = 9
default_crl_days = 9
policy = anything
unique_subject = no
[anything]
commonName = supplied
"""


def ca_folder(o, name, cert):
    """An empty CA: [its options]"""
    where = o.path(name)
    os.makedirs(where, exist_ok=True)
    o.s.write(f"{name}/index.txt", "")
    o.s.write(f"{name}/serial", "01")
    o.s.write(f"{name}/crlnumber", "01")
    conf = CA_CONF.format(dir=where, cert=cert.cert, key=cert.key)
    return ["-config", o.s.write(f"{name}/ca.cnf", conf), "-batch", "-notext"]


def ca(o, k):
    out, crl = o.path("out.crt"), o.path("out.crl")
    for name, more in (
        ("rsa", []),
        ("rsa", options("-sigopt", PSS)),
        ("pss", []),
        ("ec", []),
        ("ed", []),
    ):
        cert = k[name]
        conf = ["ca", *ca_folder(o, "ca-" + name, cert), *more]
        o(*conf, "-in", o.path("leaf.csr"), "-out", out)
        o.plain("verify", "-CAfile", cert.cert, out)
        o(*conf, "-ss_cert", k["leaf"].cert, "-out", o.path("other.crt"))
        o.plain("verify", "-CAfile", cert.cert, o.path("other.crt"))
        o(*conf, "-revoke", out)
        o(*conf, "-gencrl", "-out", crl)
        trust = ["-CAfile", cert.cert]
        text = o.plain("crl", "-in", crl, "-noout", "-text", *trust)
        expect_words(text, "verify OK", "Serial Number: 01")
        status, text = o.try_plain(
            *["verify", "-crl_check", *trust, "-CRLfile", crl, out]
        )
        check(status != 0, text)
        expect_words(text, "certificate revoked")
    own = o.path("own.csr")
    cert = k["rsa"]
    o("req", "-new", "-key", cert.key, "-subj", "/CN=self", "-out", own)
    o("ca", *ca_folder(o, "ca-own", cert), "-selfsign", "-in", own, "-out", out)
    o.plain("verify", "-check_ss_sig", "-CAfile", out, out)


def crl(o, k):
    """A delta of two lists is signed."""
    for name in ("rsa", "ec"):
        cert = k[name]
        conf = ["ca", *ca_folder(o, "delta", cert)]
        o(*conf, "-gencrl", "-out", o.path("1.crl"))
        o(*conf, "-in", o.path("leaf.csr"), "-out", o.path("out.crt"))
        o(*conf, "-revoke", o.path("out.crt"))
        o(*conf, "-gencrl", "-out", o.path("2.crl"))
        args = ["crl", "-in", o.path("1.crl"), "-gendelta", o.path("2.crl")]
        args += ["-key", cert.key, "-out", o.path("delta.crl")]
        o(*args, "-sha256")
        text = o.plain(
            *["crl", "-in", o.path("delta.crl"), "-text", "-noout"],
            *["-CAfile", cert.cert],
        )
        expect_words(text, "verify OK", "Delta CRL Indicator")
        if o.is_3_0:  # its default is SHA-1
            o.refused(["too weak to sign", "`weak-digests = yes`"], *args)


def spkac(o, k):
    out = o.path("spkac")
    for name, digest in (("rsa", "sha256"), ("ec", "sha384")):
        args = ["spkac", "-challenge", "word", "-out", out, "-key", k[name].key]
        o(*args, "-digest", digest)
        text = o.plain("spkac", "-in", out, "-verify")
        expect_words(text, "Signature OK", "word")
        # without, it is MD5, which the policy refuses; spkac says no reason
        o.refused("Error signing SPKAC", *args)
        wait_for(
            "its reason in keyd's log",
            lambda: "`weak-digests = yes`" in o.s.keyd_log(),
        )


def ocsp(o, k):
    """The leaf's certificate is the ed key's CA's; who answers is another."""
    issuer = k["rsa"]
    conf = ["ca", *ca_folder(o, "ocsp", issuer)]
    leaf = o.path("out.crt")
    o.plain(
        *[*conf, "-keyfile", issuer.plain, "-in", o.path("leaf.csr")],
        *["-out", leaf],
    )
    index = ["-index", o.path("ocsp/index.txt"), "-CA", issuer.cert]
    asked = ["-issuer", issuer.cert, "-cert", leaf, "-no_nonce"]
    for name, more in (
        ("rsa", []),
        ("rsa", options("-rsigopt", PSS)),
        ("pss", []),
        ("ec", ["-rmd", "sha384"]),
        ("ed", []),
    ):
        by = k[name]
        out = o.path("ocsp.resp")
        args = ["ocsp", *index, *asked, "-rsigner", by.cert, "-rkey", "{}"]
        if as_default(
            *[o, by.key, by.plain, *args, *more, "-noverify"],
            *["-respout", out],
        ):
            text = o.plain(
                *["ocsp", *asked, "-respin", out, "-VAfile", by.cert],
                *["-CAfile", issuer.cert],
            )
            expect_words(text, "Response verify OK", f"{leaf}: good")
    request = o.path("ocsp.req")
    by = k["ec"]
    o(
        *["ocsp", *asked, "-signer", by.cert, "-signkey", by.key],
        *["-reqout", request],
    )
    text = o.plain("ocsp", "-reqin", request, "-req_text", "-noverify")
    expect_words(text, "ecdsa-with-SHA256")
    if ROOT:
        answers_over_http(o, k["ec"], index, asked, issuer)
    else:
        tap.note("no responder over HTTP: its own network needs root")


def answers_over_http(o, by, index, asked, issuer):
    """The command listens on all addresses: in a network of its own."""
    responder = o.s.program(
        ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        + ["openssl", "ocsp", "-port", "8888", *index, "-rsigner", by.cert]
        + ["-rkey", by.key, "-nrequest", "1"],
        f"ocsp-{o.order}",
        env=o.environment(),
    )
    responder.wait_output("waiting for OCSP client connections")
    text = run_ok(
        ["nsenter", f"--net=/proc/{responder.pid}/ns/net", "openssl"]
        + ["ocsp", *asked, "-url", "http://127.0.0.1:8888"]
        + ["-VAfile", by.cert, "-CAfile", issuer.cert],
    )
    expect_words(text, "Response verify OK", "good")
    check(responder.process.wait(10) == 0, responder.output())


TS_CONF = """
[tsa]
default_tsa = this
[this]
serial = {dir}/ts.serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
ess_cert_id_alg = sha256
"""


def ts(o, k):
    conf = o.s.write("ts.cnf", TS_CONF.format(dir=o.s.dir))
    query, out = o.path("ts.query"), o.path("ts.reply")
    o.plain(
        *["ts", "-query", "-data", o.path("data"), "-sha256", "-cert"],
        *["-config", conf, "-out", query],
    )
    for name in ("rsa", "pss", "ec", "ed"):
        by = k[name]
        signer = o.path(f"{name}.ts.crt")
        args = ["ts", "-reply", "-config", conf, "-queryfile", query]
        args += ["-signer", signer, "-out", out, "-inkey"]
        o.plain(*args, by.plain)
        granted = "Granted" in o.plain("ts", "-reply", "-in", out, "-text")
        check(granted or name in ("ed", "pss"), name)
        o(*args, by.key)
        if granted:
            o.plain(
                *["ts", "-verify", "-queryfile", query, "-in", out],
                *["-CAfile", k["ca"].cert],
            )
        else:
            text = o.plain("ts", "-reply", "-in", out, "-text")
            expect_words(text, "Error during signature generation")


def cmp(o, k):
    """A request for a certificate, to the command's own mock server."""
    for name in ("rsa", "ec"):
        cert = k[name]
        out = o.path("out.crt")
        args = ["cmp", "-cmd", "ir", "-use_mock_srv", "-srv_ref", "r"]
        args += ["-ref", "r", "-secret", "pass:x", "-srv_secret", "pass:x"]
        args += ["-rsp_cert", cert.cert, "-subject", "/CN=x"]
        args += ["-certout", out, "-config", o.plain_conf, "-section", "req"]
        check(
            as_default(o, cert.key, cert.plain, *args, "-newkey", "{}"),
            "cmp does not work with a plain key",
        )


# --- messages ---------------------------------------------------------------


def cms_sign(o, k):
    """OpenSSL cannot stream with PSS, signs with RSA-PSS keys what it does not
    verify, unless told the padding, and has no usual digest for Ed25519."""
    for name, more in (
        ("rsa", []),
        ("rsa", PSS),
        ("pss", []),
        ("pss", PSS),
        ("ec", []),
        ("ed", []),
    ):
        for form in (
            [],
            ["-nocerts"],
            ["-noattr"],
            ["-nodetach"],
            ["-nodetach", "-noattr", "-binary", "-outform", "DER"],
            ["-stream", "-binary", "-nodetach", "-outform", "PEM"],
            ["-keyid", "-md", "sha384", "-nosmimecap"],
            ["-cades", "-binary"],
        ):
            works = cms_round(o, k[name], k[name].plain, form, more)
            ours = cms_round(o, k[name], k[name].key, form, more)
            what = f"{name} {more} {form}"
            check(works == ours, f"{what}: {ours}, with a plain key {works}")
            is_gap = name == "ed" or (name == "pss" and not more)
            is_gap = is_gap or ("-stream" in form and more)
            check(works == (0, 0) or is_gap, what)


def form_of(form):
    return form[form.index("-outform") + 1] if "-outform" in form else "SMIME"


def cms_round(o, by, key, form, more):
    """Exit statuses of the signature with this key and its verification."""
    out, back = o.path("cms"), o.path("back")
    signed, _ = o.try_(
        *["cms", "-sign", "-in", o.path("data"), "-signer", by.cert, *form],
        *["-inkey", key, "-out", out, *options("-keyopt", more)],
    )
    if signed != 0:
        return signed, None
    verified, _ = o.try_plain(
        *["cms", "-verify", "-in", out, "-inform", form_of(form)],
        *["-CAfile", by.cert],
        *(["-certfile", by.cert] if "-nocerts" in form else []),
        *(["-binary"] if "-binary" in form else []),
        *(["-content", o.path("data")] if "-nodetach" not in form else []),
        *["-purpose", "any", "-out", back],
    )
    if verified == 0 and "-binary" in form:
        same(o, "data", "back")
    return signed, verified


def cms_more_signers(o, k):
    """Two at once, one more later, and a signed receipt."""
    out, two, receipt = o.path("cms"), o.path("cms2"), o.path("receipt")
    rsa, ec = k["rsa"], k["ec"]
    trust = ["-CAfile", o.path("all.crt"), "-purpose", "any"]
    sign = ["cms", "-sign", "-in", o.path("data"), "-nodetach"]
    sign += ["-outform", "PEM"]
    o(
        *sign,
        *["-signer", rsa.cert, "-inkey", rsa.key],
        *["-signer", ec.cert, "-inkey", ec.key, "-out", two],
    )
    o.plain("cms", "-verify", "-inform", "PEM", "-in", two, *trust)
    o(
        *sign,
        *["-signer", rsa.cert, "-inkey", rsa.key, "-out", out],
        *["-receipt_request_to", "a@example.org", "-receipt_request_all"],
    )
    o(
        *["cms", "-resign", "-inform", "PEM", "-in", out, "-outform", "PEM"],
        *["-signer", ec.cert, "-inkey", ec.key, "-out", two],
    )
    text = o.plain("cms", "-inform", "PEM", "-in", two, "-cmsout", "-print")
    check(text.count("d.issuerAndSerialNumber") == 2, text)
    o.plain("cms", "-verify", "-inform", "PEM", "-in", two, *trust)
    o(
        *["cms", "-sign_receipt", "-inform", "PEM", "-in", out, "-signer"],
        *[ec.cert, "-inkey", ec.key, "-outform", "PEM", "-out", receipt],
    )
    o.plain(
        *["cms", "-verify_receipt", receipt, "-rctform", "PEM"],
        *["-inform", "PEM", "-in", out, *trust],
    )


def cms_decrypt(o, k):
    data, out, back = o.path("data"), o.path("cms"), o.path("back")
    for name, more in (
        ("rsa", [OAEP]),
        ("rsa", [OAEP, "rsa_oaep_md:sha256"]),
        ("rsa", [OAEP, "rsa_oaep_md:sha256", "rsa_mgf1_md:sha512"]),
        ("rsa", [OAEP, "rsa_oaep_label:746f207273612032303438"]),
        ("ec", []),
        ("ec", ["ecdh_kdf_md:sha256"]),
        ("ec", ["ecdh_cofactor_mode:1", "ecdh_kdf_md:sha384"]),
        ("x", []),
    ):
        to = k[name]
        status, text = o.try_plain(
            *["cms", "-encrypt", "-aes-256-cbc", "-binary", "-in", data],
            *["-outform", "PEM", "-out", out, "-recip", to.cert],
            *options("-keyopt", more),
        )
        if status != 0 and name == "x":
            tap.note(f"no X25519 in this cms: {text.splitlines()[-1]}")
            continue
        check(status == 0, text)
        for recip in (["-recip", to.cert], []):
            args = ["cms", "-decrypt", "-in", out, "-inform", "PEM", *recip]
            check(
                as_default(
                    *[o, to.key, to.plain, *args],
                    *["-binary", "-inkey", "{}", "-out", back],
                ),
                f"{name} {more}",
            )
            same(o, "data", "back")


def pkcs1(o, k):
    """cms and smime encrypt with PKCS#1 v1.5, if not told otherwise."""
    data, out, back = o.path("data"), o.path("cms"), o.path("back")
    rsa = k["rsa"]
    cases = []
    for what in ("cms", "smime"):
        o.plain(
            *[what, "-encrypt", "-aes256", "-binary", "-in", data],
            *["-out", out + what, rsa.cert],
        )
        cases.append(
            [what, "-decrypt", "-in", out + what, "-recip", rsa.cert, "-binary"]
        )
    o.plain(
        *["pkeyutl", "-encrypt", "-certin", "-inkey", rsa.cert, "-in", data],
        *["-out", out],
    )
    cases.append(["pkeyutl", "-decrypt", "-in", out])
    cases.append(["rsautl", "-decrypt", "-in", out])
    for case in cases:
        case = [*case, "-inkey", rsa.key, "-out", back]
        if not o.is_3_0:
            o(*case)
            same(o, "data", "back")
            continue
        if case[0] == "smime":
            # goes on with a key of its own making, and once in 256 times ends
            # well, with noise: as with any key that is not the recipient's
            o.try_(*case)
            check(MESSAGE not in read_text(back), "smime decrypted")
            continue
        if case[0] == "cms":  # which otherwise does the same
            case.append("-debug_decrypt")
        o.refused(["PKCS#1", "implicit rejection", "OAEP"], *case)


def smime(o, k):
    data, out, back = o.path("data"), o.path("smime"), o.path("back")
    for name in ("rsa", "ec"):
        by = k[name]
        for form in (
            [],
            ["-nodetach", "-md", "sha384"],
            ["-nocerts", "-noattr"],
            ["-binary", "-nodetach", "-outform", "PEM"],
            ["-stream", "-nodetach", "-outform", "DER"],
        ):
            o(
                *["smime", "-sign", "-in", data, "-signer", by.cert],
                *["-inkey", by.key, "-out", out, *form],
            )
            o.plain(
                *["smime", "-verify", "-in", out, "-CAfile", by.cert],
                *["-inform", form_of(form)],
                *(["-certfile", by.cert] if "-nocerts" in form else []),
                *["-purpose", "any", "-out", back],
            )
    o(
        *["smime", "-sign", "-in", data, "-nodetach", "-outform", "PEM"],
        *["-signer", k["rsa"].cert, "-inkey", k["rsa"].key, "-out", out],
    )
    o(
        *["smime", "-resign", "-inform", "PEM", "-in", out, "-outform", "PEM"],
        *["-signer", k["ec"].cert, "-inkey", k["ec"].key],
        *["-out", o.path("smime2")],
    )
    o.plain(
        *["smime", "-verify", "-inform", "PEM", "-in", o.path("smime2")],
        *["-CAfile", o.path("all.crt"), "-purpose", "any"],
    )
    status, text = o.try_plain(
        *["smime", "-sign", "-in", data, "-signer", k["pss"].cert],
        *["-inkey", k["pss"].plain],
    )
    if status != 0:
        o.refused(
            *["", "smime", "-sign", "-in", data, "-signer", k["pss"].cert],
            *["-inkey", k["pss"].key],
        )


# --- bare operations --------------------------------------------------------


def dgst(o, k):
    sig = o.path("sig")
    for name, more in (
        ("rsa", ["-sha256"]),
        ("rsa", ["-sha3-512"]),
        ("rsa", ["-sha384", *options("-sigopt", PSS)]),
        ("rsa", options("-sigopt", [PADDING, "rsa_mgf1_md:sha512"])),
        ("pss", ["-sha256"]),
        ("ec", ["-sha256"]),
        ("ec", ["-sha512"]),
        ("ed", []),
    ):
        key = k[name]
        pub = o.path(f"{name}.pub")
        for data in ("data", "large"):
            check_it = ["-verify", pub, "-signature", sig, o.path(data)]
            args = ["dgst", *more, "-out", sig, "-sign", "{}", o.path(data)]
            if name == "ed" and data == "large":
                # Of a message as a whole; 3.0 cannot do it either.
                _, text = o.try_(*(word.format(key.key) for word in args))
                if not o.is_3_0:
                    expect_words(text, "at most 131072 bytes")
                continue
            if as_default(o, key.key, key.plain, *args):
                o.plain("dgst", *more, *check_it)
                # the shell verifies, too
                check_it[0:2] = ["-prverify", key.key]
                o("dgst", *more, *check_it)
            else:
                check(name == "ed", f"dgst with {name}")
    key = k["ec"]
    o("dgst", "-sha256", "-sign", key.key, "-out", sig, stdin=MESSAGE)
    o.plain(
        *["dgst", "-sha256", "-verify", o.path("ec.pub"), "-signature", sig],
        o.path("data"),
    )


def pkeyutl_sign(o, k):
    digest, sig = o.path("digest"), o.path("sig")
    sha = "digest:sha256"
    o.plain("dgst", "-sha256", "-binary", "-out", digest, o.path("data"))
    raw = ["-rawin", "-digest", "sha384"]
    for name, more, of in (
        ("rsa", options("-pkeyopt", [sha]), "digest"),
        ("rsa", [], "data"),
        ("rsa", options("-pkeyopt", [*PSS, sha]), "digest"),
        ("rsa", options("-pkeyopt", [PADDING, SALT + "max", sha]), "digest"),
        ("rsa", options("-pkeyopt", [PADDING, SALT + "0", sha]), "digest"),
        ("rsa", raw, "large"),
        ("rsa", [*raw, *options("-pkeyopt", PSS)], "data"),
        ("pss", options("-pkeyopt", [sha]), "digest"),
        ("pss", raw, "data"),
        ("ec", [], "digest"),
        ("ec", options("-pkeyopt", [sha]), "digest"),
        ("ec", raw, "large"),
        ("ed", ["-rawin"], "data"),
    ):
        key = ["-inkey", k[name].key]
        where = ["-in", o.path(of), "-sigfile", sig]
        o("pkeyutl", "-sign", *key, *more, "-in", o.path(of), "-out", sig)
        pub = ["-pubin", "-inkey", o.path(f"{name}.pub")]
        o.plain("pkeyutl", "-verify", *pub, *more, *where)
        o("pkeyutl", "-verify", *key, *more, *where)
    o.refused(
        *["131072 bytes", "pkeyutl", "-sign", "-rawin", "-inkey", k["ed"].key],
        *["-in", o.path("large")],
    )
    private = ["-inkey", k["rsa"].key]
    public = ["-pubin", "-inkey", o.path("rsa.pub")]
    sign = ["pkeyutl", "-sign", *private, "-in", digest]
    o(*sign, "-out", sig, "-pkeyopt", sha)
    for key in (private, public):
        o(
            *["pkeyutl", "-verifyrecover", *key, "-in", sig],
            *["-out", o.path("back"), "-pkeyopt", sha],
        )
        same(o, "digest", "back")
    o.refused(
        *["PKCS#1 v1.5 or PSS padding", *sign],
        *options("-pkeyopt", ["rsa_padding_mode:x931", sha]),
    )
    o.refused(
        *["padding", "pkeyutl", "-sign", *private, "-in", sig],
        *["-pkeyopt", "rsa_padding_mode:none"],
    )


def pkeyutl_decrypt(o, k):
    rsa = k["rsa"]
    data, out, back = o.path("data"), o.path("sealed"), o.path("back")
    public = ["-pubin", "-inkey", o.path("rsa.pub")]
    for more in (
        [OAEP],
        [OAEP, "rsa_oaep_md:sha512"],
        [OAEP, "rsa_oaep_md:sha256", "rsa_mgf1_md:sha1"],
        [OAEP, "rsa_oaep_label:00ff20"],
        [OAEP, "rsa_oaep_md:sha3-256", "rsa_oaep_label:6c6162656c"],
    ):
        more = options("-pkeyopt", more)
        for key in (public, ["-inkey", rsa.key]):
            o("pkeyutl", "-encrypt", *key, "-in", data, "-out", out, *more)
            o(
                *["pkeyutl", "-decrypt", "-inkey", rsa.key, "-in", out],
                *["-out", back, *more],
            )
            same(o, "data", "back")
    o.refused(
        *["decryption failed", "pkeyutl", "-decrypt", "-inkey", rsa.key],
        *["-in", out, "-pkeyopt", OAEP],
    )
    o.refused(
        *["padding", "pkeyutl", "-decrypt", "-inkey", rsa.key, "-in", out],
        *["-pkeyopt", "rsa_padding_mode:none"],
    )


def pkeyutl_derive(o, k):
    for name, kind, more in (
        ("ec", ["EC", "-pkeyopt", "group:P-256"], []),
        ("ec", ["EC", "-pkeyopt", "group:P-256"], ["ecdh_cofactor_mode:1"]),
        ("x", ["X25519"], []),
    ):
        ours, peer = k[name], o.path("peer.key")
        more = options("-pkeyopt", more)
        o.plain("genpkey", "-algorithm", *kind, "-out", peer)
        o.plain("pkey", "-in", peer, "-pubout", "-out", peer + ".pub")
        derive = ["pkeyutl", "-derive", *more, "-inkey"]
        o(*derive, ours.key, "-peerkey", peer + ".pub", "-out", o.path("1"))
        o.plain(
            *[*derive, peer, "-peerkey", o.path(f"{name}.pub")],
            *["-out", o.path("2")],
        )
        same(o, "1", "2")


def rsautl(o, k):
    rsa = k["rsa"]
    data, out, back = o.path("data"), o.path("rsautl"), o.path("back")
    pub = ["-pubin", "-inkey", o.path("rsa.pub")]
    o("rsautl", "-sign", "-inkey", rsa.key, "-in", data, "-out", out)
    o.plain("rsautl", "-verify", *pub, "-in", out, "-out", back)
    same(o, "data", "back")
    o("rsautl", "-verify", "-inkey", rsa.key, "-in", out, "-out", back)
    same(o, "data", "back")
    o.plain("rsautl", "-encrypt", "-oaep", *pub, "-in", data, "-out", out)
    o(
        *["rsautl", "-decrypt", "-oaep", "-inkey", rsa.key, "-in", out],
        *["-out", back],
    )
    same(o, "data", "back")
    for what in ("-sign", "-decrypt"):
        o.refused(
            *["padding", "rsautl", what, "-raw", "-inkey", rsa.key, "-in", out]
        )
    o.s.write("short", "27 bytes, as no digest has.")
    o.refused(
        ["fewer than 28 bytes", "weak-digests = yes"],
        *["rsautl", "-sign", "-inkey", rsa.key, "-in", o.path("short")],
    )
    o.refused(
        *["PKCS#1 v1.5 or PSS padding", "rsautl", "-sign", "-x931"],
        *["-inkey", rsa.key, "-in", data],
    )


def looked_at(o, k):
    """pkey, rsa, ec, storeutl: what they say of a key."""
    for name in ("rsa", "pss", "ec", "ed", "x"):
        key = k[name]
        text = o("pkey", "-in", key.key, "-check", "-noout")
        expect_words(text, "Key is valid")
        text = o("pkey", "-in", key.key, "-pubcheck", "-noout")
        expect_words(text, "Key is valid")
        text = o("storeutl", "-noout", "-text", "-keys", key.key)
        expect_words(text, "kept by keyd as " + name, "Total found: 1")
    text = o("rsa", "-in", k["rsa"].key, "-check", "-noout")
    expect_words(text, "RSA key ok")
    text = o("rsa", "-in", k["rsa"].key, "-text", "-noout")
    expect_words(text, "kept by keyd as rsa")
    modulus = o("rsa", "-in", k["rsa"].key, "-modulus", "-noout")
    wanted = o.plain("x509", "-in", k["rsa"].cert, "-modulus", "-noout")
    check(modulus == wanted, modulus)
    text = o("ec", "-in", k["ec"].key, "-check", "-noout")
    expect_words(text, "EC Key valid")
    text = o("ec", "-in", k["ec"].key, "-text", "-noout")
    expect_words(text, "kept by keyd as ec", "prime256v1")
    bundle = o.s.write(
        "bundle.pem", read_text(k["ec"].key) + read_text(k["ec"].cert)
    )
    expect_words(o("storeutl", "-noout", bundle), "Total found: 2")
    o.plain("asn1parse", "-in", k["rsa"].key)


# --- TLS --------------------------------------------------------------------


def s_server(o, k):
    """Two keys in one server, by two names and by the client's algorithms."""
    rsa, ec = k["rsa"], k["ec"]
    server = o.s.s_server(
        *[rsa, o.confs[o.order], "-dcert", ec.cert, "-dkey", ec.key],
        *["-servername", "other", "-cert2", ec.cert, "-key2", ec.key],
        *["-Verify", "1", "-CAfile", o.path("all.crt"), "-naccept", "5"],
    )
    for name, version in (
        ("rsa", "-tls1_2"),
        ("pss", "-tls1_3"),
        ("ec", "-tls1_3"),
        ("ec", "-tls1_2"),
        ("ed", "-tls1_3"),
    ):
        client = k[name]
        status, text = o.try_(
            *["s_client", "-connect", f"127.0.0.1:{server.port}", version],
            *["-cert", client.cert, "-key", client.key, "-CAfile"],
            *[o.path("all.crt"), "-verify_return_error", "-ign_eof"],
            stdin="GET / HTTP/1.0\r\n\r\n",
        )
        check(status == 0, text)
        expect_words(text, "Verify return code: 0 (ok)", "HTTP/1.0 200")
    check(server.process.wait(10) == 0, server.output()[-2000:])


def s_time(o, k):
    server = o.s.s_server(
        *[k["ec"], o.confs[o.order], "-Verify", "1"],
        *["-CAfile", o.path("all.crt")],
    )
    text = o(
        *["s_time", "-connect", f"127.0.0.1:{server.port}", "-new"],
        *["-time", "1", "-cert", k["rsa"].cert, "-key", k["rsa"].key],
        *["-CAfile", k["ec"].cert],
    )
    expect_words(text, "connections in")
    check(not text.startswith("0 connections"), text)
    server.stop()


def speed(o, k):
    """Makes keys of its own, which pass through us where we are first."""
    if o.order == "before":
        text = o("speed", "-seconds", "1", "ecdsap256")
        expect_words(text, "256 bits ecdsa (nistp256)")


# --- failures ---------------------------------------------------------------


def everything(o, k):
    """One of each kind of command that needs the private key."""
    rsa, ec = k["rsa"], k["ec"]
    data = o.path("data")
    sealed = o.path("oaep.cms")
    return {
        "req": ["req", "-x509", "-key", rsa.key, "-subj", "/CN=x"],
        "ca": ["ca", *ca_folder(o, "fails", rsa), "-gencrl"],
        "ocsp": ["ocsp", "-index", o.path("fails/index.txt"), "-CA", rsa.cert]
        + ["-rsigner", rsa.cert, "-rkey", rsa.key, "-issuer", rsa.cert]
        + ["-serial", "1", "-noverify"],
        "cms -sign": ["cms", "-sign", "-in", data, "-signer", ec.cert]
        + ["-inkey", ec.key],
        "cms -decrypt": ["cms", "-decrypt", "-in", sealed, "-inform", "PEM"]
        + ["-recip", rsa.cert, "-inkey", rsa.key, "-debug_decrypt"],
        "dgst": ["dgst", "-sha256", "-sign", ec.key, data],
        "pkeyutl": ["pkeyutl", "-derive", "-inkey", ec.key, "-peerkey"]
        + [o.path("ec.pub")],
        "rsautl": ["rsautl", "-sign", "-inkey", rsa.key, "-in", data],
    }


def refused_by_policy(o, k):
    for name in ("rsa", "ec"):
        o.s.policy(k[name], use="tls-server")
    for name, args in everything(o, k).items():
        key = "ec" if name in ("cms -sign", "dgst", "pkeyutl") else "rsa"
        decrypts = name in ("cms -decrypt", "pkeyutl")
        setting = "use = decrypt" if decrypts else "use = sign"
        try:
            o.refused([f"{key}", setting], *args)
        except Failed as e:
            raise Failed(f"{name}: {e}") from e
    for name in ("rsa", "ec"):
        o.s.policy(k[name], use=SIGN[name][1])


def keyd_is_gone(o, k):
    o.s.stop_keyd()
    try:
        for name, args in everything(o, k).items():
            try:
                o.refused([o.s.socket, "is keyd running?"], *args)
            except Failed as e:
                raise Failed(f"{name}: {e}") from e
        o("pkey", "-in", k["rsa"].key, "-check", "-noout")
        o("dgst", "-sha256", o.path("data"))
    finally:
        o.s.start_keyd()
    sign = ["dgst", "-sha256", "-sign", k["ec"].key, "-out", o.path("sig")]
    o(*sign, o.path("data"))


# --- the set-up -------------------------------------------------------------


def issue(s, ca_cert, name, public, extensions):
    """A certificate by a plain CA for a public key."""
    out = s.path(f"{name}.crt")
    run_ok(
        ["openssl", "x509", "-new", "-force_pubkey", public, "-out", out]
        + ["-subj", f"/CN={name}", "-CA", ca_cert.cert, "-CAkey"]
        + [ca_cert.plain, "-set_serial", "3", "-days", "9", "-extfile"]
        + [s.write(f"{name}.ext", extensions)]
    )
    return out


def make_keys(s):
    """Files NAME.key, .crt and .pub; data to work with."""
    k = {n: s.certificate(n, kind) for n, (kind, _) in SIGN.items()}
    k["ca"] = s.certificate("ca", "ec:P-256")
    k["leaf"] = s.certificate("leaf", "ec:P-256")
    conf = s.write("leaf.cnf", "[req]\ndistinguished_name = dn\n[dn]\n")
    request = ["-out", s.path("leaf.csr")]
    for args in (request, ["-x509", "-out", k["leaf"].cert]):
        run_ok(
            ["openssl", "req", "-new", "-key", k["leaf"].plain, *args]
            + ["-subj", "/CN=leaf", "-config", conf]
        )
    key = s.path("tls/x.key")
    run_ok(["openssl", "genpkey", "-algorithm", "X25519", "-out", key])
    s.write("plain/x.key", read_text(key), 0o600)
    for name in [*SIGN, "leaf", "x"]:
        pub = s.path("pub.pem" if name == "leaf" else f"{name}.pub")
        private = s.path(f"plain/{name}.key")
        run_ok(["openssl", "pkey", "-in", private, "-pubout", "-out", pub])
        if name in SIGN:
            use = "extendedKeyUsage=critical,timeStamping\n"
            issue(s, k["ca"], f"{name}.ts", pub, use)
    cert = issue(s, k["ca"], "x", s.path("x.pub"), "keyUsage=keyAgreement\n")
    k["x"] = Certificate("x", key, cert, s.path("plain/x.key"))
    s.write("all.crt", "".join(read_text(k[n].cert) for n in SIGN))
    s.write("data", MESSAGE)
    s.write("large", "many bytes, more than a request has room for\n" * 7000)
    return k


def table_is_true(tests):
    """docs/COMMANDS.md names all the tests here, and none that is not."""
    text = read_text(os.path.join(TOP, "docs/COMMANDS.md"))
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    cells = " ".join(row.split("|")[-2] for row in rows) + text.split("|")[-1]
    named = set(re.findall(r"`(\w+)`", cells))
    wanted = {test.__name__ for test in tests}
    check(wanted <= named, f"not in the table: {wanted - named}")
    cells = " ".join(row.split("|")[-2] for row in rows)
    named = set(re.findall(r"`([\w/.]+)`", cells))
    for name in named - wanted:
        check(os.path.exists(os.path.join(TOP, name)), f"no test {name}")


TESTS = [
    *[req, x509, ca, crl, spkac, ocsp, ts, cmp],
    *[cms_sign, cms_more_signers, cms_decrypt, pkcs1, smime],
    *[dgst, pkeyutl_sign, pkeyutl_decrypt, pkeyutl_derive],
    *[rsautl, looked_at, s_server, s_time, speed],
    *[refused_by_policy, keyd_is_gone],
]


def main():
    with Scratch() as s:
        k = make_keys(s)
        s.start_keyd()
        for name, (_, use) in SIGN.items():
            s.import_key(k[name], use)
        s.import_key(k["x"], "decrypt")
        for order in ("after", "before"):
            o = Bench(s, k, order)
            o.plain(
                *["cms", "-encrypt", "-aes256", "-in", s.path("data")],
                *["-outform", "PEM", "-out", s.path("oaep.cms")],
                *["-recip", k["rsa"].cert, "-keyopt", OAEP],
            )
            o.is_3_0 = "OpenSSL 3.0" in o.plain("version")
            for test in TESTS:
                name = test.__name__.replace("_", " ")
                tap.run(f"{name}, provider {order} default", test, o, k)
        tap.run("docs/COMMANDS.md names these tests", table_is_true, TESTS)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
