#!/usr/bin/env python3
"""keydctl: every verb; import and restore killed at every system call that
changes anything, and attacked; full and read-only file systems."""

import contextlib
import datetime
import json
import os
import pwd
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

sys.path.insert(
    0,
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"),
)
import keyd_scratch as ks

KILLER = f"{ks.BUILD}/tests/apps/killer"
KEYDCTL = f"{ks.BUILD}/keyd/keydctl"
ME = pwd.getpwuid(os.geteuid()).pw_name
USER = "www-data" if ks.ROOT else ME
ALICE = 54321  # no account has it
# LeakSanitizer cannot work in a program that is traced.
TRACED = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1")
CA = """[ca]
default_ca = c
[c]
dir = {dir}
new_certs_dir = {dir}
database = {dir}/index
serial = {dir}/serial
default_md = sha256
policy = p
[p]
commonName = supplied
"""
tap = ks.Tap()


def read(path):
    with open(path, "rb") as f:
        return f.read()


def is_shell(path):
    return read(path).startswith(b"# openssl-keyd shell for key ")


def xattrs(path):
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def what(path):
    """Everything that import keeps, and restore brings back."""
    st = os.stat(path)
    return (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode), xattrs(path))


def key_pair(s, name="site", kind="ec:P-256", purpose="serverAuth"):
    cert = s.certificate(name, kind, purpose)
    # As one from a CA is, so that its use is plain.
    ks.run_ok(
        ["openssl", "req", "-x509", "-new", "-key", cert.key]
        + ["-out", cert.cert, "-days", "60", "-subj", "/CN=localhost"]
        + ["-addext", "basicConstraints=critical,CA:FALSE"]
        + ["-addext", "keyUsage=critical,digitalSignature"]
        + ["-addext", f"extendedKeyUsage={purpose}"]
    )
    os.chmod(cert.key, 0o640)
    return cert


def refused(s, code, *args, words=()):
    status, text = s.ctl(*args)
    ks.check(status == code, f"exit {status}, not {code}:\n{text}")
    ks.expect_words(text, *words)
    return text


def store_files(s):
    return sorted(os.listdir(s.path("keys")) + os.listdir(s.path("policies")))


def leftovers(cert):
    return [n for n in os.listdir(os.path.dirname(cert.key)) if n[0] == "."]


def untouched_key(cert, before):
    ks.check(read(cert.key) == read(cert.plain), "the key file has changed")
    ks.check(what(cert.key) == before, "owner, mode or attributes changed")


def untouched(s, cert, before):
    untouched_key(cert, before)
    ks.check(store_files(s) == [], f"in the store: {store_files(s)}")
    ks.check(leftovers(cert) == [], f"left over: {leftovers(cert)}")


def works(s, name):
    """The user can use it: an operation, verified with the public key."""
    _, text = s.ctl("--json", "check", "--as", USER)
    found = json.loads(text[text.index("[") :])
    return any(
        f["about"] == name and f["level"] == "ok" and "verified" in f["text"]
        for f in found
    )


def import_args(cert, *more):
    return ["import", "--allow", USER, "--certificate", cert.cert, *more]


@contextlib.contextmanager
def running(**settings):
    with ks.Scratch(**settings) as s:
        s.start_keyd()
        yield s


# --- verbs ------------------------------------------------------------------


def import_and_restore(kind):
    with running() as s:
        cert = key_pair(s, kind=kind)
        os.setxattr(cert.key, "user.note", b"\0kept\xff")
        if ks.ROOT:
            ks.run_ok(["setfacl", "-m", "u:www-data:r", cert.key])
            os.chown(cert.key, 0, pwd.getpwnam("www-data").pw_gid)
        before = what(cert.key)
        inode = os.stat(cert.key).st_ino
        text = s.ctl_ok(*import_args(cert), cert.key)
        ks.expect_words(text, "imported as site", "restart", "backup", "verif")
        # This machine's openssl.cnf does not activate it.
        ks.expect_words(text, "programs need the provider", "keydctl enable")
        policy = ks.read_text(s.path("policies/site.conf"))
        ks.expect_words(policy, "Only `no` makes sure", "\ntls12 = any\n")
        ks.expect_words(text, "tls12 = any (only `no` makes sure")
        ks.check(is_shell(cert.key), "no shell")
        ks.check(what(cert.key) == before, "not kept")
        ks.check(os.stat(cert.key).st_ino != inode, "written in place")
        ks.check(leftovers(cert) == [], "left over")
        ks.check(
            stat.S_IMODE(os.stat(s.path("keys/site.pem")).st_mode) == 0o600,
            "mode of the stored key",
        )
        ks.check(works(s, "site"), "does not work")
        text = s.ctl_ok(*import_args(cert), cert.key)
        ks.expect_words(text, "already a shell")
        refused(s, 4, "restore", "site", words=["--yes"])
        ks.check(is_shell(cert.key), "restored without being asked")
        text = s.ctl_ok("restore", "site", "--yes")
        ks.expect_words(text, "private key again")
        untouched(s, cert, before)
        ks.check(not works(s, "site"), "keyd still serves it")


def import_of_shells():
    """Done already if the key is here, whether or not keyd runs; an error if
    it is not."""
    with running() as s:
        cert, other = key_pair(s), key_pair(s, "other")
        s.ctl_ok(*import_args(cert), cert.key)
        s.ctl_ok(*import_args(other), other.key)
        # Under another name than the shell says.
        for name in ("keys/site.pem", "policies/site.conf", "keys/site.origin"):
            os.rename(s.path(name), s.path(name.replace("site", "renamed")))
        shutil.copy(other.key, s.path("foreign.key"))
        s.ctl_ok("remove", "--yes", "other")
        words = ["a shell", "does not have its key", "other", "keydctl list"]
        for stop in (False, True):
            if stop:
                s.stop_keyd()
            text = s.ctl_ok("import", "--allow", USER, cert.key)
            ks.expect_words(text, "already a shell, for key renamed")
            foreign = s.path("foreign.key")
            refused(s, 1, "import", "--allow", USER, foreign, words=words)
        new = key_pair(s, "new")
        refused(s, 3, *import_args(new), new.key, words=["does not run"])
        ks.check(read(new.key) == read(new.plain), "the key file has changed")


def import_forms():
    with running() as s:
        for kind, name, args in (
            ("rsa:2048", "pkcs1", ["rsa", "-traditional"]),
            ("ec:P-256", "sec1", ["ec"]),
            ("ec:P-384", "params", ["ec"]),
        ):
            cert = key_pair(s, name, kind)
            text = ks.run_ok(["openssl", *args, "-in", cert.key])
            text = text[text.index("-----BEGIN") :]
            if name == "params":
                text = (
                    ks.run_ok(["openssl", "ecparam", "-name", "secp384r1"])
                    + text
                )
            with open(cert.key, "w", encoding="ascii") as f:
                f.write(text)
            s.ctl_ok(*import_args(cert), cert.key)
            ks.check(works(s, name), name)
            s.ctl_ok("restore", name, "--yes")
            ks.check(read(cert.key).decode() == text, "not the same bytes")


def import_refusals():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        key = cert.key
        refused(s, 2, "import", key, words=["--allow", "www-data"])
        refused(s, 2, "import", "--allow", "no-such-user", key, words=["user"])
        refused(s, 2, "import", "--allow", "uid:65534", key, words=["65534"])
        refused(
            *(s, 2, "import", "--allow", ME, "--use", "all", key),
            words=["csr"],
        )
        text = refused(s, 4, "import", "--allow", ME, key)
        ks.expect_words(text, "no --certificate was named: say --use with some")
        ks.expect_words(text, "of tls-server, csr, sign, tls-client, decrypt")
        big = s.write("tls/big.key", "x" * 65537, 0o600)
        refused(s, 1, *import_args(cert), big, words=["64 kB: not a key file"])
        if ks.ROOT:
            os.mkdir(s.path("theirs"))
            closed = s.write("theirs/closed.key", "x", 0o600)
            os.chown(s.path("theirs"), ALICE, ALICE)
            words = ["opened as the owner", "chown it to him"]
            refused(s, 1, *import_args(cert), closed, words=words)
        one = key_pair(s, "one")
        two = ["import", "--allow", USER, "--use", "tls-server,csr", one.key, big]
        refused(s, 5, *two, words=["imported as one", "of 2 keys, 1 were not"])
        s.ctl_ok("restore", "one", "--yes")
        refused(
            s, 2, *import_args(cert), "--name", "../x", key, words=["--name"]
        )
        refused(s, 1, *import_args(cert), s.path("none"), words=["No such"])
        refused(s, 4, *import_args(cert), s.path("tls"), words=["directory"])
        args = import_args(cert)
        refused(s, 4, *args, "--offline", key, words=["keyd runs"])
        other = key_pair(s, "other")
        refused(s, 1, *import_args(other), key, words=["another key"])
        client = key_pair(s, "client", purpose="clientAuth")
        refused(
            *(s, 4, *import_args(client), client.key),
            words=["TLS clients only: say --use tls-client, if that is so"],
        )
        bad = s.write("tls/bad.pem", ks.read_text(key)[:100], 0o600)
        refused(s, 1, *import_args(cert), bad)
        os.chmod(key, 0o644)
        refused(s, 4, *import_args(cert), key, words=["every user"])
        os.chmod(key, 0o640)
        untouched(s, cert, before)


def import_weak():
    """RSA under 2048 bits: only if it is said, and the policy says so too."""
    with running() as s:
        cert = key_pair(s, kind="rsa:1024")
        before = what(cert.key)
        refused(
            *(s, 4, *import_args(cert), cert.key),
            words=["RSA key of 1024 bits", "--weak-keys", "generate"],
        )
        untouched(s, cert, before)
        s.ctl_ok(*import_args(cert), "--weak-keys", cert.key)
        policy = ks.read_text(s.path("policies/site.conf"))
        ks.expect_words(policy, "weak-keys = yes")
        ks.expect_words(s.ctl_ok("show", "site"), "RSA, 1024 bits", "weak-keys")
        ks.expect_words(s.ctl_ok("check"), "RSA key of 1024 bits can be broken")
        # The policy's word counts at each load.
        s.write("policies/site.conf", policy.replace("= yes", "= no"))
        refused(s, 1, "reload", words=["1024 bits only", "weak-keys = yes"])
        refused(s, 1, "check", words=["site.conf", "1024 bits only"])
        s.write("policies/site.conf", policy)
        # A strong key's policy is not made weak by it.
        strong = key_pair(s, "strong")
        s.ctl_ok(*import_args(strong), "--weak-keys", strong.key)
        text = ks.read_text(s.path("policies/strong.conf"))
        ks.check("weak" not in text, text)
        s.ctl_ok("restore", "site", "--yes")
        untouched_key(cert, before)


# Options of genpkey, and uses that are proved: what RSA keys of all sizes, and
# with the restrictions of RFC 4055, leave possible.
ODD_RSA = {
    "short": (["RSA", "rsa_keygen_bits:512"], "tls-server,csr,tls-rsa-kx"),
    "below": (["RSA", "rsa_keygen_bits:1000"], "tls-client,csr,decrypt"),
    "sha384": (
        ["RSA-PSS", "rsa_keygen_bits:2048", "rsa_pss_keygen_md:sha384"]
        + ["rsa_pss_keygen_mgf1_md:sha384", "rsa_pss_keygen_saltlen:48"],
        "tls-server,tls-client,csr,tls-dhe",
    ),
    "salt": (
        ["RSA-PSS", "rsa_keygen_bits:2048", "rsa_pss_keygen_md:sha256"]
        + ["rsa_pss_keygen_mgf1_md:sha1", "rsa_pss_keygen_saltlen:50"],
        "csr",
    ),
}


def import_odd_rsa():
    with running() as s:
        for name, ((algorithm, *options), uses) in ODD_RSA.items():
            key = s.path(f"tls/{name}.key")
            args = ["openssl", "genpkey", "-algorithm", algorithm]
            for option in options:
                args += ["-pkeyopt", option]
            ks.run_ok([*args, "-out", key])
            os.chmod(key, 0o600)
            args = ["import", "--allow", USER, "--use", uses, "--weak-keys"]
            found = json.loads(s.ctl_ok("--json", *args, key))[0]
            tried = found["proof"].partition(" for ")[2].partition(":")[0]
            ks.check(set(tried.split()) == set(uses.split(",")), str(found))
            request_of(s, name)
        # A CA's verifier sees what the key's parameters demand.
        text = s.ctl_ok("csr", "salt", "--subject", "/CN=a")
        _, text = ks.run(["openssl", "req", "-noout", "-text"], stdin=text)
        ks.expect_words(text, "rsassaPss", "Salt Length: 0x32", "sha256")


def uses_that_do_not_fit():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        refused(
            *(s, 2, *import_args(cert), "--use", "tls-rsa-kx,csr", cert.key),
            words=["type P-256 cannot be for tls-rsa-kx; it can be for"],
        )
        untouched(s, cert, before)
        s.ctl_ok(*import_args(cert), cert.key)
        policy = ks.read_text(s.path("policies/site.conf"))
        wrong = policy.replace("= tls-server", "= tls-server tls-dhe")
        s.write("policies/site.conf", wrong)
        for verb in ("reload", "check"):
            refused(s, 1, verb, words=["site.conf:3", "cannot be for tls-dhe"])
        dangerous = policy.replace("= tls-server", "= tls-server sign")
        s.write("policies/site.conf", dangerous)
        s.ctl_ok("reload")
        ks.expect_words(s.ctl_ok("check"), "site.conf:3", "keeps nothing out")


def import_dry_run():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        text = s.ctl_ok("--json", *import_args(cert), "--dry-run", cert.key)
        found = json.loads(text)[0]
        ks.check(found["outcome"] == "would import", text)
        ks.check(found["use"] == ["tls-server"], text)
        untouched(s, cert, before)


def import_without_proof():
    """No user to try it as: said, and imported all the same."""
    with running() as s:
        cert = key_pair(s)
        text = s.ctl_ok(
            *["import", "--allow", "unit:nginx.service"],
            *["--certificate", cert.cert, cert.key],
        )
        ks.expect_words(text, "not tried", "unit")
        ks.check(is_shell(cert.key), "no shell")
        if ks.ROOT:
            text = refused(s, 1, "check", "--as", "www-data")
            ks.expect_words(text, "outside of the units")
        s.ctl_ok("restore", "site", "--yes")


def no_exchange():
    """A file system that cannot exchange two names (NFS, FAT)."""
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        for error in ("EINVAL", "ENOSYS", "EOPNOTSUPP"):
            done = subprocess.run(
                ["strace", "-o", s.path("trace"), "-e", "trace=renameat2"]
                + ["-e", f"inject=renameat2:error={error}", KEYDCTL]
                + ["-c", s.conf, *import_args(cert), cert.key],
                env=TRACED,
                capture_output=True,
                text=True,
                check=False,
            )
            ks.check(done.returncode == 4, f"{error}: {done}")
            ks.expect_words(done.stderr, "cannot exchange")
            untouched(s, cert, before)


def import_twins():
    with running() as s:
        cert = key_pair(s)
        twin = s.path("tls/twin.key")
        shutil.copyfile(cert.key, twin)
        os.chmod(twin, 0o600)
        s.ctl_ok(*import_args(cert), cert.key)
        status, text = s.ctl(*import_args(cert), twin)
        ks.check(status != 0, text)
        ks.expect_words(text, "site")
        ks.check(read(twin) == read(cert.plain), "the twin has changed")
        ks.check(
            store_files(s) == ["site.conf", "site.origin", "site.pem"],
            f"{store_files(s)}",
        )
        ks.check(works(s, "site"), "the first does not work any more")


def offline():
    with ks.Scratch() as s:
        cert = key_pair(s)
        before = what(cert.key)
        refused(s, 3, *import_args(cert), cert.key, words=["--offline"])
        refused(s, 3, "status", words=["does not run"])
        refused(s, 3, "reload", words=["does not run"])
        untouched(s, cert, before)
        text = s.ctl_ok(*import_args(cert), "--offline", cert.key)
        ks.expect_words(text, "not tried")
        ks.check(is_shell(cert.key), "no shell")
        shell = s.ctl_ok("shell", "site")
        ks.check(shell.encode() == read(cert.key), "another shell")
        ks.expect_words(s.ctl_ok("list"), "site", "P-256", USER)
        refused(s, 3, "check", words=["does not run", "0 errors", "ok "])
        # Without keyd, the store itself is asked for twins.
        twin = s.path("tls/twin.key")
        shutil.copyfile(cert.plain, twin)
        os.chmod(twin, 0o600)
        refused(s, 4, *import_args(cert), "--offline", twin, words=["as site"])
        s.start_keyd()
        ks.check(works(s, "site"), "does not work")
        s.stop_keyd()
        s.ctl_ok("restore", "site", "--yes", "--offline")
        untouched(s, cert, before)


def generate_and_csr():
    with running() as s:
        for kind in ("rsa:2048", "ec:P-256", "ec:P-384"):
            name = kind.replace(":", "-")
            shell = s.path(f"tls/{name}.key")
            args = ["generate", name, "--type", kind, "--allow", USER]
            ks.expect_words(s.ctl_ok(*args, "--shell", shell), "verif")
            ks.check(is_shell(shell), "no shell")
            mode = stat.S_IMODE(os.stat(shell).st_mode)
            ks.check(mode == 0o644, f"mode {mode:o}: servers cannot read it")
            text = s.ctl_ok(
                *["csr", name, "--subject", "/O=A\\/B/CN=www.example"],
                *["--san", "DNS:www.example,IP:192.0.2.1"],
            )
            status, text = ks.run(
                ["openssl", "req", "-verify", "-noout", "-text"], stdin=text
            )
            ks.check(status == 0, text)
            ks.expect_words(
                text, "verify OK", "A/B", "DNS:www.example", "192.0.2.1"
            )
        text = refused(s, 4, *args, words=["there already"])
        ks.check("--name" not in text, "an option that generate has not")
        args = ["generate", "only-tls", "--type", "ec:P-256", "--allow", USER]
        text = s.ctl_ok(*args, "--use", "tls-server")
        ks.expect_words(text, "keydctl shell only-tls")
        ks.check("keydctl csr" not in text, "its policy forbids that")
        # Where it matters: not of what signs everything, or TLS 1.3 only.
        for name, kind, use, tls12 in (
            ("any", "ec:P-384", "sign", False),
            ("newest", "ed25519", "tls-server", False),
            ("client", "ec:P-256", "tls-client", True),
        ):
            args = ["generate", name, "--type", kind, "--allow", USER]
            text = s.ctl_ok(*args, "--use", use)
            ks.check(("ssl_protocols TLSv1.3" in text) == (kind == "ed25519"), text)
            policy = ks.read_text(s.path(f"policies/{name}.conf"))
            ks.check(("\ntls12 = any\n" in policy) == tls12, policy)
        for verb in (["csr", "other", "--subject", "CN=a"], ["shell", "other"]):
            refused(s, 1, *verb, words=["no key of this name"])
        refused(s, 4, "csr", "only-tls", "--subject", "CN=a", words=["csr"])
        refused(s, 2, "generate", "x", "--type", "rsa:512", "--allow", USER)
        refused(s, 4, "restore", "only-tls", "--yes", words=["not imported"])


# Every type of key but RSA, whose bits are to be said, and what it cannot do.
SIGNING = {"tls-server", "tls-client", "csr", "sign"}
CURVES = ["P-256", "secp256r1", "prime256v1", "P-384", "secp521r1", "P-224"]
CURVES += ["secp256k1"] + [
    f"brainpoolP{bits}{form}"
    for bits in (224, 256, 320, 384, 512)
    for form in ("r1", "t1")
]
TYPES = {
    "rsa:2048": SIGNING | {"tls-dhe", "tls-rsa-kx", "decrypt"},
    "rsa-pss:2048": SIGNING | {"tls-dhe"},
    "ed25519": SIGNING,
    "ed448": SIGNING,
    "x25519": {"decrypt"},
    "x448": {"decrypt"},
}
TYPES.update({f"ec:{curve}": SIGNING | {"decrypt"} for curve in CURVES})
# TLS has no number for these curves.
NO_TLS = ("brainpoolP224", "brainpoolP320", "t1")


def generate_all():
    """Each type, proved for each of its uses; a request where it can sign."""
    with running() as s:
        for kind, uses in TYPES.items():
            if any(word in kind for word in NO_TLS):
                uses = uses - {"tls-server", "tls-client"}
            # sign would let pass what is not known as of another use.
            made = proved(s, kind, kind, uses - {"sign"})
            if "sign" in uses:
                proved(s, kind + "-sign", kind, {"sign"})
                request_of(s, made)
            else:
                refused(
                    *(s, 4, "csr", made, "--subject", "CN=a"),
                    words=["cannot sign", "public key by itself"],
                )
        listed = s.ctl_ok("list")
        ks.expect_words(listed, "brainpoolP512t1", "RSA-PSS", "X448")
        ks.check(works(s, "ed25519"), "check --as")
        args = ["generate", "x", "--type", "ec:brainpoolP256t1"]
        args += ["--allow", USER, "--use", "tls-server"]
        refused(s, 1, *args, words=["TLS does not use"])


def proved(s, name, kind, uses):
    name = name.replace(":", "-")
    args = ["generate", name, "--type", kind, "--allow", USER]
    text = s.ctl_ok("--json", *args, "--use", ",".join(uses))
    made = json.loads(text[text.index("{") :])
    ks.check(set(made["use"]) == uses, text)
    tried = made["proof"].partition(" for ")[2].partition(":")[0]
    ks.check(set(tried.split()) == uses, made["proof"])
    return name


def request_of(s, name):
    text = s.ctl_ok("csr", name, "--subject", "/CN=a")
    status, text = ks.run(["openssl", "req", "-verify", "-noout"], stdin=text)
    ks.check(status == 0 and "OK" in text, f"{name}: {text}")


def generate_refusals():
    with running() as s:
        args = ["generate", "x", "--allow", USER]
        for kind in ("rsa", "rsa:", "rsa:1024", "rsa:2048x", "rsa:16384"):
            refused(s, 2, *args, "--type", kind, words=["rsa:2048…8192"])
        for kind in ("ec", "ec:", "ec:P-192", "P-256", "ed25519:256", ""):
            refused(s, 2, *args, "--type", kind, words=["ec:P-256, ec:P-384"])
        refused(s, 2, *args, "--type", "rsa:2049", words=["steps of 256"])
        refused(s, 2, *args, words=["--type is missing"])
        refused(
            *(s, 2, *args, "--type", "x448", "--use", "sign,decrypt"),
            words=["X448 cannot be for sign; it can be for decrypt"],
        )
        ks.check(store_files(s) == [], f"{store_files(s)}")


def remove():
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        refused(s, 4, "remove", "site", words=["--yes"])
        ks.check(works(s, "site"), "removed without being asked")
        s.ctl_ok("remove", "site", "--yes")
        ks.check(store_files(s) == [], f"{store_files(s)}")
        ks.check(not works(s, "site"), "still works")
        refused(s, 1, "remove", "site", "--yes", words=["no key"])


def remove_that_keyd_refuses():
    """Another key's fault keeps keyd from loading: it still has the key."""
    with running() as s:
        cert, other = key_pair(s), key_pair(s, "other")
        s.ctl_ok(*import_args(cert), cert.key)
        s.ctl_ok(*import_args(other), other.key)
        good = ks.read_text(s.path("policies/other.conf"))
        s.write("policies/other.conf", good + "colour = blue\n")
        text = refused(s, 5, "remove", "site", "--yes", words=["still serves"])
        ks.expect_words(text, "colour")
        s.write("policies/other.conf", good)
        s.ctl_ok("reload")
        ks.check(works(s, "other"), "the other does not work")


def beside_a_faulty_key():
    """Another key's fault that keyd knows of hinders nothing; every verb that
    tells of keyd tells of the fault."""
    with running() as s:
        cert, other, third = (key_pair(s, n) for n in ("site", "bad", "new"))
        s.ctl_ok(*import_args(cert), cert.key)
        s.ctl_ok(*import_args(other), other.key)
        s.stop_keyd()
        good = ks.read_text(s.path("policies/bad.conf"))
        s.write("policies/bad.conf", good + "colour = blue\n")
        s.start_keyd()
        ks.check(works(s, "site"), "the sound key is not served")
        text = refused(s, 5, "status", words=["PARTIAL", "LEFT OUT", "bad"])
        ks.expect_words(text, "bad.conf", "colour")
        found = json.loads(s.ctl("--json", "status")[1])
        ks.check(found["left-out-names"] == ["bad"], f"{found}")
        refused(s, 5, "reload", words=["1 keys", "left out: bad", "colour"])
        refused(s, 1, "check", words=["keyd leaves it out", "colour"])
        text = s.ctl_ok(*import_args(third), third.key)
        ks.expect_words(text, "imported as new", "leaves out", "bad")
        ks.check(works(s, "new"), "the imported key is not served")
        # Its own fault is its own: the same key again, under another name.
        before = what(third.key)
        twin = s.path("tls/twin.key")
        shutil.copyfile(third.plain, twin)
        os.chmod(twin, 0o600)
        words = ["keyd has this very key as new", third.key, "keydctl shell new"]
        refused(s, 4, *import_args(third), twin, words=words)
        # Without a journal, it is keyd that finds out.
        os.rename(s.path("keys/new.origin"), s.path("journal"))
        refused(s, 1, *import_args(third), twin, words=["twin.pem: the same", "left out"])
        os.rename(s.path("journal"), s.path("keys/new.origin"))
        ks.check(what(third.key) == before, "changed")
        ks.check(not any("twin" in n for n in store_files(s)), "twin is left")
        s.ctl_ok("restore", "new", "--yes")
        s.ctl_ok("remove", "site", "--yes")
        ks.check(not works(s, "site"), "site is still served")
        s.write("policies/bad.conf", good)
        refused(s, 1, "check", words=["bad: keyd leaves it out"])
        s.ctl_ok("reload")
        ks.check(works(s, "bad"), "the mended key is not served")
        s.ctl_ok("status")


def odd_names():
    """Names that would write to the terminal, or a line into a policy."""
    with running() as s:
        cert = key_pair(s)
        odd = b"\xff\x1b[2J\nuse = sign\xc2\x9b \xe2\x82\xac.key"
        folder = os.fsencode(s.path("tls")) + b"/\nallow = daemon"
        os.mkdir(folder)
        key = os.path.join(folder, odd)
        os.rename(cert.key, key)
        args = import_args(cert, "--name", "odd")

        def ctl(*args):
            done = subprocess.run(
                [KEYDCTL, "-c", s.conf, *args],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            for out in (done.stdout, done.stderr):
                ks.check(b"\x1b" not in out, f"{args}: {out}")
                ks.check(b"\xc2\x9b" not in out or out[0] in b"[{", f"{out}")
            return done

        for verb in (
            (*args, "--dry-run", key),
            (*args, key),
            (*args, key),
            ("show", "odd"),
            ("check",),
            ("remove", "odd"),
            ("restore", "odd"),
            ("restore", "odd", "--yes"),
        ):
            done = ctl(*verb)
            text = done.stdout + done.stderr
            ks.check(b"\nuse = sign" not in text, f"{verb}: {text}")
            done = ctl("--json", *verb)
            if done.stdout:
                json.loads(done.stdout.decode("utf-8", "strict"))
        ks.check(read(key) == read(cert.plain), "not restored")
        shutil.copyfile(cert.cert, folder + b"/crt")
        done = ctl(
            *["import", "--allow", USER, "--certificate"],
            *[folder + b"/crt", "--name", "odd", key],
        )
        ks.check(done.returncode == 2, f"{done.returncode}: {done.stderr}")
        done = ctl("import", "--allow", "unit:a\nuse=sign", key)
        ks.check(done.returncode == 2, f"{done.returncode}: {done.stderr}")
        ks.check(store_files(s) == [], f"{store_files(s)}")


def renewed_certificate():
    """A policy names the link, not the file that it points to now."""
    with running() as s:
        cert = key_pair(s)
        os.symlink("site.crt", s.path("tls/live.pem"))
        done = subprocess.run(
            [KEYDCTL, "-c", s.conf, "import", "--allow", USER]
            + ["--certificate", "live.pem", "site.key"],
            cwd=s.path("tls"),
            capture_output=True,
            text=True,
            check=False,
        )
        ks.check(done.returncode == 0, done.stderr)
        ks.expect_words(
            ks.read_text(s.path("policies/site.conf")),
            f"certificate = {s.path('tls/live.pem')}\n",
        )
        ks.check(cert.cert.endswith("site.crt"), cert.cert)


def foreign_certificate():
    """That keyd will not look at a certificate is told at the import."""
    with running() as s:
        cert = key_pair(s)
        os.mkdir(s.path("tenant"))
        live = shutil.copy(cert.cert, s.path("tenant/live.crt"))
        os.chown(live, pwd.getpwnam("games").pw_uid, -1)
        os.chown(s.path("tenant"), pwd.getpwnam("games").pw_uid, -1)
        args = ["import", "--allow", USER, "--certificate", live]
        text = s.ctl_ok(*args, "--dry-run", cert.key)
        ks.expect_words(text, f"certificate = {live}\n", "keyd will not check")
        _, text = s.ctl("--json", *args, cert.key)
        note = json.loads(text)[0]["certificate-note"]
        ks.expect_words(note, "is not root's alone")
        ks.expect_words(s.state()["reasons"]["1"], "is not checked", live)
        # Nor does keydctl: what others have put there since is not looked at.
        shutil.copy(key_pair(s, "other").cert, live)
        _, text = s.ctl("check")
        ks.expect_words(text, "is not checked", live)
        ks.check("another key" not in text, text)
        text = s.ctl_ok("show", "site")
        ks.expect_words(text, "keyd will not check")
        found = json.loads(s.ctl_ok("--json", "show", "site"))
        ks.check(found["certificate-check"] == "not checked", f"{found}")


def certificate_of_a_user():
    """A path that its owner aims at devices, the kernel, others' files."""
    with running() as s:
        cert = key_pair(s)
        folder = s.path("tenant")
        os.mkdir(folder)
        games = pwd.getpwnam("games").pw_uid
        live = f"{folder}/live.crt"
        secret = s.write("secret.crt", "secret\n", 0o600)
        os.mkfifo(s.path("fifo"), 0o666)
        refusals = [
            ("/dev/full", "no regular file"),
            ("/proc/version", "no regular file"),
            (s.path("fifo"), "no regular file"),
            (secret, "Permission denied"),
        ]
        args = ["import", "--allow", USER, "--use", "tls-server", "--dry-run"]
        args += ["--certificate", live, cert.key]
        for target, words in refusals:
            os.symlink(target, live)
            os.lchown(live, games, -1)
            os.chown(folder, games, -1)
            status, text = s.ctl(*args)
            ks.check(status != 0, f"{target}:\n{text}")
            ks.expect_words(text, words)
            os.unlink(live)
        shutil.copy(cert.cert, live)
        os.chown(live, games, -1)
        s.ctl_ok(*args)


def json_of_all():
    """Whatever prints, prints JSON, also where something fails."""
    with running() as s:
        cert, other = key_pair(s), key_pair(s, "other")

        def found(code, *args):
            done = subprocess.run(
                [KEYDCTL, "--json", "-c", s.conf, *args],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            ks.check(done.returncode == code, f"{args}: {done}")
            return json.loads(done.stdout)

        args = ["import", "--allow", USER, "--use", "tls-server,csr"]
        both = found(5, *args, s.path("none"), cert.key)
        ks.check(
            [e["outcome"] for e in both] == ["failed", "imported"], f"{both}"
        )
        ks.check(both[0]["code"] == 1 and both[0]["error"], f"{both}")
        found(0, *args, "--dry-run", other.key)
        again = found(0, *args, cert.key)
        ks.check(again[0]["outcome"] == "already a shell", f"{again}")
        text = found(0, "shell", "site")["shell"]
        ks.check(text.encode() == read(cert.key), text)
        text = found(0, "csr", "site", "--subject", "CN=a")["request"]
        ks.run_ok(["openssl", "req", "-verify", "-noout"], stdin=text)
        for verb in (["list"], ["show", "site"], ["status"], ["check"]):
            found(0, *verb)
        found(0, "reload")
        ks.check(
            found(0, "restore", "site", "--yes")["outcome"] == "restored", ""
        )
        found(0, "generate", "new", "--type", "ec:P-256", "--allow", USER)
        ks.check(
            found(0, "remove", "new", "--yes")["outcome"] == "removed", ""
        )
        s.stop_keyd()
        ks.check(found(3, "status") == {"running": False, "config": s.conf}, "")


def show_and_status():
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        found = json.loads(s.ctl_ok("--json", "show", "site"))
        ks.check(found["certificate-check"] == "matches", f"{found}")
        ks.check(found["file"] == cert.key, f"{found}")
        ks.expect_words(s.ctl_ok("show", "site"), "matches", "CN=localhost")
        os.rename(cert.cert, s.path("tls/away"))
        words = ["site.crt", "No such file", "CANNOT BE READ", "tls-server"]
        refused(s, 1, "show", "site", words=[*words, cert.key])
        text = refused(s, 1, "--json", "show", "site")
        found = json.loads(text[text.index("{") :])
        ks.check(found["certificate-check"] == "CANNOT BE READ", f"{found}")
        ks.check(found["file"] == cert.key, f"{found}")
        os.rename(s.path("tls/away"), cert.cert)
        found = json.loads(s.ctl_ok("status", "--json"))
        ks.check(found["running"] and found["keys"] == 1, f"{found}")
        ks.check("seccomp" in found["layers"], f"{found}")
        counts = found["sessions"].values()
        ks.check(all(isinstance(n, int) for n in counts), f"{found}")
        ks.expect_words(s.ctl_ok("status"), "seccomp", "last load ok")
        refused(s, 1, "show", "other", words=["no key"])
        refused(s, 2, "show", "a/b")
        refused(s, 2, "no-such-verb", words=["--help"])
        for words in (["help"], ["--help"], ["import", "--help"]):
            ks.expect_words(s.ctl_ok(*words), "usage: keydctl")


def reload():
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        ks.expect_words(s.ctl_ok("reload"), "1 keys")
        with open(s.path("policies/site.conf"), "a", encoding="utf-8") as f:
            f.write("colour = blue\n")
        refused(s, 1, "reload", words=["colour", "site.conf"])
        ks.expect_words(s.ctl("status")[1], "FAILED", "colour")


def stopped_loader(s):
    """A load under way, its loader stopped."""
    for _ in range(50):
        begun = s.state()["keyd"]["begun"]
        s.keyd.process.send_signal(signal.SIGHUP)
        while s.state()["keyd"]["begun"] == begun:
            pass
        while s.state()["keyd"]["sequence"] == begun:
            for pid in s.processes("keyd-load"):
                os.kill(pid, signal.SIGSTOP)
                return pid
    raise ks.Failed("no load was slow enough")


def own_outcome():
    """The load that was going on when keydctl looked is not the one it asked
    for, though its outcome comes first."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        policy = s.path("policies/site.conf")
        good = ks.read_text(policy)
        loader = stopped_loader(s)
        log = s.path("trace")
        program = s.program(
            ["strace", "-o", log, "-e", "trace=openat,/inotify_add,/pidfd_send"]
            + ["-e", "inject=pidfd_send_signal:delay_enter=2000000", KEYDCTL]
            + ["-c", s.conf, "reload"],
            "reload",
            env=TRACED,
        )
        # It opens the state after it has begun to watch the folder. (What it
        # opens, strace cannot read if it is not root.)
        look = re.compile(r"inotify_add_watch.*\nopenat.*\n")
        ks.wait_for("a look", lambda: look.search(ks.read_text(log)))
        os.kill(loader, signal.SIGCONT)
        ks.wait_for(
            "the first load",
            lambda: s.state()["keyd"]["sequence"]
            == s.state()["keyd"]["begun"],
        )
        ks.check(s.state()["keyd"]["reload"] == "ok", "the first load failed")
        s.write("new.conf", good + "colour = blue\n")
        os.rename(s.path("new.conf"), policy)
        status = program.process.wait(ks.DEADLINE)
        ks.expect_words(program.output(), "colour")
        ks.check(status == 1, f"exit {status}")


def locked_by_a_user():
    """A user who could lock keyd's lock file would keep it from starting."""
    with running() as s:
        s.stop_keyd()
        code = (
            "import fcntl, sys, time\n"
            "try:\n"
            "    f = open(sys.argv[1])\n"
            "    fcntl.lockf(f, fcntl.LOCK_SH)\n"
            "except PermissionError:\n"
            "    print('refused', flush=True)\n"
            "else:\n"
            "    print('locked', flush=True)\n"
            "time.sleep(60)\n"
        )
        user = s.program(
            ["/usr/bin/python3", "-c", code, s.path("run/keyd.lock")],
            "user",
            user="www-data",
        )
        user.wait_output("refused|locked")
        refused(s, 3, "status", words=["does not run"])
        s.start_keyd()
        status, text = ks.run(
            [KEYDCTL, "-c", s.conf, "status"], user="www-data"
        )
        ks.check(status == 0, text)
        ks.expect_words(text, f"process {s.keyd.pid}")


def check_finds():
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        s.ctl_ok("check")
        os.chmod(s.path("keys/site.pem"), 0o644)
        refused(s, 1, "check", words=["site.pem", "0644"])
        os.chmod(s.path("keys/site.pem"), 0o600)
        os.chmod(s.path("policies"), 0o777)
        refused(s, 1, "check", words=["policies", "0777"])
        os.chmod(s.path("policies"), 0o755)
        other = key_pair(s, "other")
        mine = read(cert.cert)
        shutil.copyfile(other.cert, cert.cert)
        refused(s, 1, "check", words=["site.crt is not of the key"])
        with open(cert.cert, "wb") as f:
            f.write(mine)
        s.write("policies/lone.conf", f"allow = {USER}\nuse = sign\n")
        ks.expect_words(s.ctl_ok("check"), "lone.conf", "no key")
        os.unlink(s.path("policies/lone.conf"))
        shell = read(cert.key)
        shutil.copyfile(cert.plain, cert.key)
        refused(s, 1, "check", words=["not its shell"])
        with open(cert.key, "wb") as f:
            f.write(shell)
        ks.expect_words(s.ctl_ok("check"), "ok", "0 errors")
        ks.check("turned away:" not in s.keyd_log(), s.keyd_log())
        os.rename(s.socket, s.path("run/away"))
        refused(s, 1, "check", words=["keyd.sock", "No such file"])
        os.rename(s.path("run/away"), s.socket)
        os.rename(s.path("keys"), s.path("away"))
        text = refused(s, 1, "--json", "check", words=["No such file"])
        ks.check(json.loads(text)[0]["about"] == s.path("keys"), text)
        os.rename(s.path("away"), s.path("keys"))


def check_what_runs():
    """What lies on the disk is not what keyd has loaded, or is."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        ks.check("changed after" not in s.ctl_ok("check"), "nothing is newer")

        def next_second():
            loaded = int(s.state()["keyd"]["loaded"])
            ks.wait_for("a second", lambda: time.time() > loaded + 1.1)

        next_second()
        for path in (s.conf, s.path("keys/site.pem"), s.path("policies/site.conf")):
            os.utime(path)
            text = s.ctl_ok("check")
            ks.expect_words(text, f"{path}: it was changed after")
        s.ctl_ok("reload")
        ks.check("changed after" not in s.ctl_ok("check"), "all is loaded")
        s.stop_keyd()
        # As an upgrade does: another file in the program's place.
        os.mkdir(s.path("bin"))
        for name in ("keyd", "keyd-load", "keyd-logger", "keyd-session"):
            shutil.copy(f"{ks.BUILD}/keyd/{name}", s.path(f"bin/{name}"))
        keyd = s.program([s.path("bin/keyd"), "-c", s.conf], "keyd")
        keyd.wait_output("<6>ready\n(?s:.*)<6>ready\n")
        ks.check("replaced" not in s.ctl_ok("check"), "it was not replaced")
        os.rename(s.path("bin/keyd-load"), s.path("bin/keyd"))
        ks.expect_words(s.ctl("check")[1], "program was replaced")
        ks.expect_words(s.ctl("status")[1], "program was replaced")


def as_an_ordinary_user():
    """Who may not do it is told what to do."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        for args in (
            ["import", "--allow", "www-data", "--use", "sign", cert.plain],
            ["generate", "x", "--type", "ec:P-256", "--allow", "www-data"],
            ["remove", "site", "--yes"],
            ["restore", "site", "--yes"],
            ["reload"],
            ["list"],
            ["show", "site"],
            ["check"],
        ):
            status, text = ks.run([KEYDCTL, "-c", s.conf, *args], user="www-data")
            ks.check(status != 0, f"{args}: {text}")
            ks.expect_words(text, "as root")
        status, text = ks.run(
            [f"{ks.BUILD}/keyd/keyd", "-t", "-c", s.conf], user="www-data"
        )
        ks.check(status == 1, text)


def typos():
    """A policy that cannot be read is named with line and setting; what it
    does not concern is shown."""
    with running() as s:
        cert, other = key_pair(s), key_pair(s, "other")
        for one in (cert, other):
            s.ctl_ok(*import_args(one), one.key)
        policy = s.path("policies/site.conf")
        good = ks.read_text(policy)
        s.write(policy, good.replace("= tls-server", "= tls-servr"))
        for verb in (["list"], ["show", "site"]):
            words = [f"{policy}:3: use tls-servr: unknown", "P-256"]
            refused(s, 1, *verb, words=words)
        ks.expect_words(s.ctl("list")[1], "other ")
        s.write(policy, good.replace("= tls-server", "= tls-server # web"))
        refused(
            s, 1, "check", words=["site.conf:3: use:", "line of its own"]
        )
        s.write(policy, "\ufeff" + good)
        refused(s, 1, "check", words=["site.conf:1: ", "byte order mark"])
        s.write(policy, good)
        # A renewal has put a new key where the shell was.
        shutil.copyfile(key_pair(s, "new").plain, cert.key)
        refused(s, 1, "check", words=["keydctl remove site"])
        args = ["import", "--allow", USER, "--use", "tls-server", cert.key]
        refused(s, 4, *args, words=["older key", "keydctl remove site"])
        s.ctl_ok("remove", "site", "--yes")
        s.ctl_ok(*args)
        ks.check(works(s, "site"), "the new one does not work")


def check_dates():
    """Certificates that have ended, soon end, or have not begun."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)

        def issue(begin, end):
            """days from today"""
            now = datetime.datetime.now(datetime.timezone.utc)
            form = "%Y%m%d%H%M%SZ"
            dates = [
                (now + datetime.timedelta(days=d)).strftime(form)
                for d in (begin, end)
            ]
            s.write("ca.cnf", CA.format(dir=s.dir))
            s.write("index", "")
            s.write("serial", "01\n")
            ks.run_ok(
                ["openssl", "req", "-new", "-key", cert.plain]
                + ["-subj", "/CN=localhost", "-out", s.path("csr")]
            )
            ks.run_ok(
                ["openssl", "ca", "-batch", "-config", s.path("ca.cnf")]
                + ["-selfsign", "-keyfile", cert.plain, "-in", s.path("csr")]
                + ["-startdate", dates[0], "-enddate", dates[1]]
                + ["-notext", "-out", cert.cert]
            )

        for begin, end, words in (
            (-10, -1, ["warning", "has ended"]),
            (-10, 5, ["warning", "renew it"]),
            (2, 90, ["warning", "begins on"]),
            (-10, 90, ["0 errors, 1 warnings"]),
        ):
            issue(begin, end)
            ks.expect_words(s.ctl_ok("check"), *words)


def check_agrees_with_keyd():
    """Nothing that keyd would refuse is right for check."""
    with running() as s:
        s.write("keyd.conf", ks.read_text(s.conf) + "log-level = error\n")
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        s.ctl_ok("generate", "fine", "--type", "ec:P-256", "--allow", USER)
        policy = ks.read_text(s.path("policies/site.conf"))
        policy = policy.replace("tls12 = any\n", "")
        for more, *words in (
            ("tls12 = maybe", "site.conf:", "'maybe'"),
            ("enforce = log until tomorrow", "site.conf:", "YYYY-MM-DD"),
            ("usee = csr", "site.conf:", "unknown setting"),
            ("use = csr", "site.conf:", "repeated"),
        ):
            text = policy.replace("tls12 = any\n", "") + f"{more}\n"
            s.write("policies/site.conf", text)
            text = refused(s, 1, "check", words=words)
            ks.expect_words(text, "1 errors", "ok       fine:")
            ks.check("ok       site" not in text, text)
        over = "enforce = log until 2020-01-01"
        s.write("policies/site.conf", f"{policy}{over}\n")
        s.ctl_ok("reload")
        text = s.ctl_ok("check")
        ks.expect_words(text, "is over", "2 warnings")
        soon = datetime.date.today() + datetime.timedelta(days=60)
        s.write("policies/site.conf", f"{policy}enforce = log until {soon}\n")
        s.ctl_ok("reload")
        ks.expect_words(s.ctl_ok("check"), "only logged", "2 warnings")
        s.write("policies/site.conf", policy)
        shutil.copy(s.path("keys/site.pem"), s.path("keys/twin.pem"))
        s.write("policies/twin.conf", policy)
        refused(s, 1, "check", words=["the same key", "twin"])
        found = json.loads(s.ctl("--json", "check")[1])
        ks.check("error" in [f["level"] for f in found], f"{found}")


def check_as():
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        ks.expect_words(s.ctl_ok("check", "--as", "www-data"), "can use it")
        text = refused(s, 1, "check", "--as", "daemon")
        ks.expect_words(text, "daemon cannot use it")
        refused(s, 2, "check", "--as", "no-such-user", words=["user"])
        text = refused(s, 1, "check", "--as", "nobody", words=["never serves"])
        ks.check("allow" not in text, text)


def import_where_enabled():
    """Where programs have the provider, nothing is said of it."""
    with running() as s:
        cert = key_pair(s)
        conf = s.openssl_conf(name="system.cnf")
        text = ks.run_ok(
            [*ks.OWN_MOUNTS, "sh", "-c"]
            + ['mount --bind "$1" /etc/ssl/openssl.cnf && shift && exec "$@"']
            + ["sh", conf, KEYDCTL, "-c", s.conf, *import_args(cert), cert.key]
        )
        ks.expect_words(text, "imported as site")
        ks.check("need the provider" not in text, text)


def no_openssl_cnf():
    """A configuration that would load a module is not even read."""
    with running() as s:
        cert = key_pair(s)
        conf = s.write(
            "evil.cnf",
            "openssl_conf = a\n[a]\nproviders = b\n[b]\nevil = c\n"
            "[c]\nmodule = /nonexistent.so\nactivate = 1\n",
        )
        log = s.path("trace")
        done = subprocess.run(
            ["strace", "-f", "-e", "trace=openat,open", "-o", log, KEYDCTL]
            + ["-c", s.conf, *import_args(cert), cert.key],
            env=dict(TRACED, OPENSSL_CONF=conf),
            capture_output=True,
            check=False,
        )
        ks.check(done.returncode == 0, done.stderr.decode())
        text = ks.read_text(log)
        ks.check("site.key" in text, "nothing was traced")
        ks.check("evil.cnf" not in text, "OPENSSL_CONF was read")
        # As a text it is, to tell whether programs will find the provider;
        # but not by its path, as libcrypto opens it.
        loads = [
            line
            for line in text.splitlines()
            if '/openssl.cnf"' in line and "O_PATH" not in line
        ]
        ks.check(not loads, f"openssl.cnf was loaded: {loads}")


# --- killed -----------------------------------------------------------------


def killer(s, n, when, *args):
    done = subprocess.run(
        [KILLER, str(n), when, KEYDCTL, "-c", s.conf, *args],
        env=TRACED,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    word = done.stdout.strip().split("\n")[-1]
    ks.check(word != "", f"the killer failed: {done.stderr}")
    return word, done


def one_or_the_other(s, cert, at):
    """What must be true at any moment."""
    if read(cert.key) == read(cert.plain):
        return
    ks.check(is_shell(cert.key), f"{at}: neither key nor shell")
    ks.check(works(s, cert.name), f"{at}: a shell without its key")


def all_calls(step):
    """step(n, when) for every call, until the program ends by itself."""
    names, n = [], 1
    while True:
        word = step(n, "before")
        if word.startswith("end"):
            break
        ks.check(step(n, "after") == word, "not the same twice")
        names.append(word)
        n += 1
        ks.check(n < 500, "no end")
    ks.check(names.count("renameat2") == 1, f"one exchange: {names}")
    ks.check(names.count("pidfd_send_signal") == 1, f"one reload: {names}")
    return f"{len(names)} calls, each before and after: " + " ".join(names)


def import_killed():
    with running() as s:
        cert = key_pair(s)
        os.setxattr(cert.key, "user.note", b"kept")
        if ks.ROOT:
            ks.run_ok(["setfacl", "-m", "u:www-data:r", cert.key])
        before = what(cert.key)

        def step(n, when):
            word, done = killer(s, n, when, *import_args(cert), cert.key)
            at = f"{when} call {n}, {word}"
            ks.check(done.returncode == 0, f"{at}: {done.stderr}")
            one_or_the_other(s, cert, at)
            s.ctl_ok(*import_args(cert), cert.key)
            ks.check(is_shell(cert.key), f"{at}: no shell in the end")
            ks.check(what(cert.key) == before, f"{at}: not kept")
            ks.check(leftovers(cert) == [], f"{at}: {leftovers(cert)}")
            ks.check(
                store_files(s) == ["site.conf", "site.origin", "site.pem"],
                f"{at}: {store_files(s)}",
            )
            ks.check(works(s, "site"), f"{at}: does not work in the end")
            s.ctl_ok("restore", "site", "--yes")
            untouched(s, cert, before)
            return word

        return all_calls(step)


def restore_killed():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)

        def step(n, when):
            s.ctl_ok(*import_args(cert), cert.key)
            word, done = killer(s, n, when, "restore", "site", "--yes")
            at = f"{when} call {n}, {word}"
            ks.check(done.returncode == 0, f"{at}: {done.stderr}")
            one_or_the_other(s, cert, at)
            s.ctl("restore", "site", "--yes")
            untouched(s, cert, before)
            return word

        return all_calls(step)


def generate_killed():
    """Nothing is left of it, or a key with its shell that works."""
    with running() as s:
        shell = s.path("tls/new.key")
        make = ["generate", "new", "--type", "ec:P-256", "--allow", USER]
        said = set()
        for options in ([], ["--shell", shell]):
            args = make + options
            # Without a shell there is less to be seen between two calls.
            for when in ("before", "after") if options else ("before",):
                n = 1
                while True:
                    word, _ = killer(s, n, when, *args)
                    at = f"{when} {n}, {word}"
                    if word.startswith("end"):
                        break
                    # The next keydctl that changes anything ends it.
                    status, text = s.ctl("remove", "none", "--yes")
                    ks.check(status == 1, f"{at}: {status}: {text}")
                    said |= set(re.findall("generate was [a-z ]+", text))
                    if "new.pem" not in store_files(s):
                        ks.check(store_files(s) == [], f"{at}: {text}")
                        if os.path.exists(shell):
                            ks.check(not is_shell(shell), f"{at}: a shell")
                            os.unlink(shell)
                        s.ctl_ok("reload")
                        s.ctl_ok(*args)
                    ks.check(works(s, "new"), at)
                    ks.check(not options or is_shell(shell), f"{at}: no shell")
                    s.ctl_ok("remove", "new", "--yes")
                    ks.check(store_files(s) == [], f"{at}: {store_files(s)}")
                    if options:
                        os.unlink(shell)
                    n += 1
                s.ctl_ok("remove", "new", "--yes")
                if options:
                    os.unlink(shell)
        ks.check(
            said == {"generate was taken back", "generate was finished"}, said
        )
        return word


def remove_killed():
    """Gone, or all there; a second time ends it."""
    with running() as s:
        cert = key_pair(s)
        for when in ("before", "after"):
            n = 1
            while True:
                s.ctl_ok(*import_args(cert), cert.key)
                word, _ = killer(s, n, when, "remove", "site", "--yes")
                at = f"{when} {n}, {word}"
                s.ctl_ok("reload")
                if "site.pem" in store_files(s):
                    ks.check(works(s, "site"), at)
                s.ctl("remove", "site", "--yes")
                ks.check(store_files(s) == [], f"{at}: {store_files(s)}")
                shutil.copyfile(cert.plain, cert.key)
                if word.startswith("end"):
                    break
                n += 1
        return word


CHANGES = [
    *["openat", "write", "renameat", "renameat2", "unlinkat", "fsync"],
    *["fchmod", "fchown", "fsetxattr", "fremovexattr", "flistxattr"],
    *["memfd_create", "socketpair", "pipe2", "pread64", "poll", "getrandom"],
    *["pidfd_send_signal", "inotify_add_watch", "mlock", "madvise"],
]


def failing(s, *args):
    """Runs keydctl with each of its calls failing in turn (EIO); yields each
    outcome, until it ends by itself."""
    log = s.path("trace")
    for call in CHANGES:
        # The first are the dynamic loader's.
        for n in range(1, 60):
            done = subprocess.run(
                ["strace", "-o", log, "-e", f"trace={call}"]
                + ["-e", f"inject={call}:error=EIO:when={n}", KEYDCTL]
                + ["-c", s.conf, *args],
                env=TRACED,
                capture_output=True,
                text=True,
                check=False,
            )
            if "INJECTED" not in ks.read_text(log):
                break
            yield f"{call} {n}: exit {done.returncode}: {done.stderr}", done


def import_failing():
    with running() as s:
        cert = key_pair(s)
        os.setxattr(cert.key, "user.note", b"kept")
        before = what(cert.key)
        tried = 0
        for at, done in failing(s, *import_args(cert), cert.key):
            tried += 1
            one_or_the_other(s, cert, at)
            if done.returncode == 0:
                ks.check(works(s, "site"), at)
                ks.check(leftovers(cert) == [], at)
            elif not is_shell(cert.key):
                untouched(s, cert, before)
            else:
                # What cannot be taken back is told: the report, the end.
                ks.expect_words(at, "input/output error")
                s.ctl_ok(*import_args(cert), cert.key)
                ks.check(leftovers(cert) == [], at)
            if is_shell(cert.key):
                s.ctl_ok("restore", "site", "--yes")
            untouched(s, cert, before)
        return f"{tried} calls failed"


def restore_failing():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        s.ctl_ok(*import_args(cert), cert.key)
        tried = 0
        for at, _ in failing(s, "restore", "site", "--yes"):
            tried += 1
            one_or_the_other(s, cert, at)
            s.ctl("restore", "site", "--yes")
            untouched(s, cert, before)
            s.ctl_ok(*import_args(cert), cert.key)
        return f"{tried} calls failed"


# --- attacked ---------------------------------------------------------------


def symbolic_links():
    with running() as s:
        cert = key_pair(s)
        link = s.path("tls/link.key")
        os.symlink("../tls/site.key", link)
        s.ctl_ok(*import_args(cert), link)
        ks.check(os.path.islink(link), "the link was replaced")
        ks.check(is_shell(cert.key), "the file was not")


def hard_links():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        other = s.path("tls/other")
        os.link(cert.key, other)
        refused(s, 4, *import_args(cert), cert.key, words=["hard links"])
        os.unlink(other)
        untouched(s, cert, before)


def in_anothers_directory():
    """A service user aims his files at root's key."""
    with running() as s:
        cert = key_pair(s)
        os.chmod(cert.key, 0o600)
        before = what(cert.key)
        his = s.path("alice")
        os.mkdir(his)
        os.chown(his, ALICE, ALICE)
        os.symlink(cert.key, f"{his}/key")
        os.symlink(s.path("tls"), f"{his}/dir")
        for name in ("key", "dir/site.key"):
            status, text = s.ctl(*import_args(cert), f"{his}/{name}")
            ks.check(status != 0, f"{name}: {text}")
        os.link(cert.key, f"{his}/hard")
        status, text = s.ctl(*import_args(cert), f"{his}/hard")
        ks.check(status != 0, f"a hard link: {text}")
        os.unlink(f"{his}/hard")
        untouched(s, cert, before)
        # His own key, he may have imported.
        mine = f"{his}/mine.key"
        shutil.copyfile(cert.plain, mine)
        os.chmod(mine, 0o600)
        os.chown(mine, ALICE, ALICE)
        s.ctl_ok(*import_args(cert), mine)
        ks.check(os.stat(mine).st_uid == ALICE, "not his any more")


def racing_links():
    """His file becomes a link to root's key and back, all the time."""
    with running() as s:
        root = key_pair(s, "root")
        os.chmod(root.key, 0o600)
        before = what(root.key)
        inode = os.stat(root.key).st_ino
        mine = key_pair(s, "mine")
        his = s.path("alice")
        os.mkdir(his)
        os.chown(his, ALICE, ALICE)
        stop = threading.Event()
        plain = read(mine.plain)

        def race():
            n = 0
            while not stop.is_set():
                n += 1
                with open(f"{his}/a", "wb") as f:
                    f.write(plain)
                os.chmod(f"{his}/a", 0o600)
                os.chown(f"{his}/a", ALICE, ALICE)
                os.rename(f"{his}/a", f"{his}/key")
                stop.wait(random.uniform(0, 0.05))
                os.symlink(root.key, f"{his}/b")
                os.rename(f"{his}/b", f"{his}/key")
                stop.wait(random.uniform(0, 0.002))

        thread = threading.Thread(target=race)
        outcomes = {}
        thread.start()
        try:
            for _ in range(25):
                status, text = s.ctl(
                    *["import", "--allow", USER, "--use", "sign"],
                    *["--name", "raced", f"{his}/key"],
                )
                outcomes[status] = outcomes.get(status, 0) + 1
                ks.check(
                    os.stat(root.key).st_ino == inode
                    and read(root.key) == read(root.plain)
                    and what(root.key) == before,
                    f"root's key has changed: {text}",
                )
                s.ctl("remove", "raced", "--yes")
        finally:
            stop.set()
            thread.join()
        return f"exit codes {outcomes}"


def racing_renewal():
    """Another program replaces the key with a new one while it is imported:
    the new one is never lost."""
    with running() as s:
        cert = key_pair(s)
        keys = [read(cert.plain)]
        for n in range(2):
            keys.append(read(key_pair(s, f"new{n}").plain))
        stop = threading.Event()
        last = [keys[0]]

        def renew():
            n = 0
            while not stop.is_set():
                n += 1
                tmp = s.path("tls/renewed")
                with open(tmp, "wb") as f:
                    f.write(keys[n % 3])
                os.chmod(tmp, 0o600)
                os.rename(tmp, cert.key)
                last[0] = keys[n % 3]
                stop.wait(random.uniform(0.001, 0.2))

        outcomes = {}
        for _ in range(15):
            stop.clear()
            thread = threading.Thread(target=renew)
            thread.start()
            status, text = s.ctl(
                *["import", "--allow", USER, "--use", "sign"],
                *["--name", "raced", cert.key],
            )
            stop.set()
            thread.join()
            outcomes[status] = outcomes.get(status, 0) + 1
            now = read(cert.key)
            if status == 0 and is_shell(cert.key):
                now = read(s.path("keys/raced.pem"))
            ks.check(
                now == last[0],
                f"exit {status}: the last key written is lost: {text}",
            )
            hidden = [n for n in leftovers(cert) if read(s.path(f"tls/{n}"))]
            ks.check(hidden == [], f"left over: {hidden}")
            s.ctl("remove", "raced", "--yes")
        return f"exit codes {outcomes}"


def renewed_after_the_exchange():
    """A renewal comes just when the shell stands there: its key is the last
    word, and the old one is nowhere any more."""
    with running() as s:
        cert = key_pair(s)
        new = read(key_pair(s, "new").plain)
        renewed = s.path("tls/renewed")
        with open(renewed, "wb") as f:
            f.write(new)
        os.chmod(renewed, 0o600)
        with subprocess.Popen(
            ["strace", "-o", s.path("trace"), "-e", "trace=renameat2"]
            + ["-e", "inject=renameat2:delay_exit=2000000:when=1", KEYDCTL]
            + ["-c", s.conf, *import_args(cert), cert.key],
            env=TRACED,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            ks.wait_for("the exchange", lambda: is_shell(cert.key))
            os.rename(renewed, cert.key)
            text, _ = program.communicate(timeout=60)
        ks.check(program.returncode == 1, f"{program.returncode}: {text}")
        ks.check(read(cert.key) == new, f"the new key is lost: {text}")
        ks.check(leftovers(cert) == [], f"left over: {leftovers(cert)}")
        ks.check(store_files(s) == [], f"in the store: {store_files(s)}")


def inherited_acl():
    """Restored into a directory whose new files others may read."""
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        s.ctl_ok(*import_args(cert), cert.key)
        ks.run_ok(["setfacl", "-d", "-m", "u:daemon:r", s.path("tls")])
        s.ctl_ok("restore", "site", "--yes")
        ks.check(what(cert.key) == before, f"not kept: {what(cert.key)}")
        s.ctl_ok(*import_args(cert), cert.key)
        ks.check(what(cert.key) == before, "the shell is another's too")


def moved_to_another_user():
    """The directory is another user's now: restore would hand him the key."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        os.chown(s.path("tls"), ALICE, ALICE)
        os.chmod(cert.key, 0o644)
        refused(s, 4, "restore", "site", "--yes", words=[f"uid {ALICE}"])
        os.chown(s.path("tls"), 0, 0)
        s.ctl_ok("restore", "site", "--yes")


def closed_descriptors():
    """What is opened first must not be where messages go."""
    with running() as s:
        cert = key_pair(s)
        for n in range(8):
            closed = [fd for fd in range(3) if n & 1 << fd]
            done = subprocess.run(
                [KEYDCTL, "-c", s.conf, *import_args(cert), cert.key],
                preexec_fn=lambda fds=closed: [os.close(fd) for fd in fds],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
            ks.check(done.returncode == 0, f"{closed}: {done.returncode}")
            ks.check(is_shell(cert.key), f"{closed}: no shell")
            s.ctl_ok("restore", "site", "--yes")
            ks.check(read(cert.key) == read(cert.plain), f"{closed}")


def damaged_keys():
    """What is no key any more takes no one's place."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        stored = s.path("keys/site.pem")
        good = read(stored)
        for bad in (b"", good[:100], read(key_pair(s, "new").plain)):
            with open(stored, "wb") as f:
                f.write(bad)
            status, text = s.ctl("restore", "site", "--yes")
            ks.check(status in (1, 4), f"{status}: {text}")
            ks.check(is_shell(cert.key), f"replaced: {text}")
            ks.check(read(stored) == bad, text)
        with open(stored, "wb") as f:
            f.write(good)
        s.ctl_ok("restore", "site", "--yes")


def store_of_others():
    """No key is put where others could remove it."""
    with ks.Scratch() as s:
        cert = key_pair(s)
        before = what(cert.key)
        args = [*import_args(cert), "--offline", cert.key]
        for folder, mode in (("keys", 0o700), ("policies", 0o755)):
            for bits in (0o20, 0o02):
                os.chmod(s.path(folder), mode | bits)
                refused(s, 4, *args, words=[folder, "go-w"])
            os.chmod(s.path(folder), mode)
            if ks.ROOT:
                os.chown(s.path(folder), ALICE, ALICE)
                refused(s, 4, *args, words=[folder, f"uid {ALICE}"])
                os.chown(s.path(folder), 0, 0)
            untouched(s, cert, before)


def damaged_journals():
    """One key's journal stops no other's, and the key can be removed."""
    with running() as s:
        s.write("keys/a.origin", "nonsense\n", 0o600)
        s.write("keys/b.origin", "phase = importing\n", 0o600)
        s.write(
            "keys/c.origin",
            f"phase = importing\npath = {s.path('none/c.key')}\n",
            0o600,
        )
        cert = key_pair(s)
        text = s.ctl_ok(*import_args(cert), cert.key)
        ks.expect_words(text, "a.origin")
        ks.check(is_shell(cert.key), f"not imported: {text}")
        ks.check("c.origin" not in store_files(s), f"{store_files(s)}")
        ks.check("b.origin" not in store_files(s), f"{store_files(s)}")
        for name in ("a", "site"):
            s.ctl("remove", name, "--yes")
        ks.check(store_files(s) == [], f"{store_files(s)}")


# --- file systems -----------------------------------------------------------


@contextlib.contextmanager
def small(s, name, size):
    path = s.path(name)
    os.makedirs(path, exist_ok=True)
    ks.run_ok(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path])
    try:
        yield path
    finally:
        ks.run_ok(["umount", path])


def full_disk():
    with running() as s, small(s, "small", "8k") as path:
        cert = key_pair(s)
        key = f"{path}/site.key"
        shutil.copyfile(cert.plain, key)
        os.chmod(key, 0o600)
        before = what(key)
        with open(f"{path}/full", "wb") as f:
            f.write(b"x" * 4096)
        refused(s, 1, *import_args(cert), key, words=["No space"])
        cert.key = key
        untouched(s, cert, before)
        ks.check(not works(s, "site"), "keyd has it")


def full_store():
    with ks.Scratch() as s, small(s, "keys", "12k") as path:
        os.chmod(path, 0o700)
        s.start_keyd()
        cert = key_pair(s)
        before = what(cert.key)
        filler = f"{path}/filler"
        for size in (12288, 8192, 4096):
            with open(filler, "wb") as f:
                f.write(b"x" * size)
            status, text = s.ctl(*import_args(cert), cert.key)
            os.unlink(filler)
            if status == 0:
                s.ctl_ok("restore", "site", "--yes")
            else:
                ks.expect_words(text, "No space")
            untouched(s, cert, before)
        s.stop_keyd()


def read_only():
    with running() as s, small(s, "small", "64k") as path:
        cert = key_pair(s)
        key = f"{path}/site.key"
        shutil.copyfile(cert.plain, key)
        os.chmod(key, 0o600)
        before = what(key)
        ks.run_ok(["mount", "-o", "remount,ro", path])
        refused(s, 1, *import_args(cert), key, words=["Read-only"])
        cert.key = key
        untouched(s, cert, before)


def read_only_policies():
    """What cannot be done whole is not begun; what is half done says so."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        files = store_files(s)
        policies = s.path("policies")
        verbs = (["remove", "site", "--yes"], ["restore", "site", "--yes"])
        ks.run_ok(["mount", "--bind", policies, policies])
        try:
            ks.run_ok(["mount", "-o", "remount,bind,ro", policies])
            for verb in verbs:
                words = ["policies", "Read-only", "nothing has changed"]
                refused(s, 1, *verb, words=words)
                ks.check(store_files(s) == files, f"{store_files(s)}")
                ks.check(is_shell(cert.key), f"{verb}: no shell any more")
                ks.check(works(s, "site"), f"{verb}: does not work any more")
        finally:
            ks.run_ok(["umount", policies])
        # A single file that cannot be removed, since it is a mount point.
        policy = s.path("policies/site.conf")
        for verb in reversed(verbs):
            ks.run_ok(["mount", "--bind", policy, policy])
            try:
                text = refused(s, 5, *verb, words=["site.conf", "has gone"])
            finally:
                ks.run_ok(["umount", policy])
            ks.check("site.pem" not in store_files(s), f"{store_files(s)}")
            ks.check(not works(s, "site"), "keyd still serves it")
            if verb[0] == "restore":
                ks.expect_words(text, "holds its private key again")
                ks.check(read(cert.key) == read(cert.plain), "no key")
            s.ctl("remove", "site", "--yes")
            ks.check(store_files(s) == [], f"{store_files(s)}")
            shutil.copyfile(cert.plain, cert.key)
            s.ctl_ok(*import_args(cert), cert.key)


def mounted_file():
    """A file that is itself a mount point (containers do that)."""
    with running() as s:
        cert = key_pair(s)
        key = s.write("mounted.key", "", 0o600)
        ks.run_ok(["mount", "--bind", cert.key, key])
        try:
            refused(s, 4, *import_args(cert), key, words=["mount point"])
            ks.check(read(key) == read(cert.plain), "has changed")
            ks.check(store_files(s) == [], f"{store_files(s)}")
        finally:
            ks.run_ok(["umount", key])


TESTS = [
    ("a P-256 key is imported, restored", import_and_restore, "ec:P-256"),
    ("an RSA key is imported, restored", import_and_restore, "rsa:2048"),
    ("every form of key file is imported and restored", import_forms),
    ("import of a shell asks whether its key is here", import_of_shells),
    ("what import must not do, it refuses in words", import_refusals),
    ("a weak key is imported only if that is said", import_weak),
    ("RSA keys are imported as far as they go", import_odd_rsa),
    ("a use must fit the key", uses_that_do_not_fit),
    ("a dry run writes nothing", import_dry_run),
    ("the same key under two names is refused", import_twins),
    ("allow of units alone is imported without proof", import_without_proof),
    ("a file system without exchange is refused", no_exchange),
    ("without keyd, what can be done is done", offline),
    ("generate makes keys, csr requests that verify", generate_and_csr),
    ("every type is made and proved for every use", generate_all),
    ("what generate cannot make, it refuses in words", generate_refusals),
    ("remove asks, and removes", remove),
    ("show and status tell, as text and JSON", show_and_status),
    ("reload tells the outcome and the reason", reload),
    ("remove tells when keyd still has the key", remove_that_keyd_refuses),
    ("another key's fault hinders nothing, and is told", beside_a_faulty_key),
    ("odd names do no harm, anywhere", odd_names),
    ("a policy names the certificate's link", renewed_certificate),
    ("every verb that prints can print JSON", json_of_all),
    ("an outcome is that of one's own load", own_outcome),
    ("check finds what is wrong", check_finds),
    ("check and keyd say the same", check_agrees_with_keyd),
    ("check tells of certificates' dates", check_dates),
    ("typos and renewals are told with what to do", typos),
    ("check compares the disk with what runs", check_what_runs),
    ("import follows a link to the real file", symbolic_links),
    ("import refuses hard links", hard_links),
    ("import loses no key that is renewed meanwhile", racing_renewal),
    ("nor one that comes after the exchange", renewed_after_the_exchange),
    ("restore leaves no ACL that was not there", inherited_acl),
    ("closed standard descriptors do no harm", closed_descriptors),
    ("restore puts back no damaged key", damaged_keys),
    ("no key is stored where others may write", store_of_others),
    ("a damaged journal is no one else's trouble", damaged_journals),
    ("import killed at every call leaves the old or the new", import_killed),
    ("restore killed at every call leaves the old or the new", restore_killed),
    ("import with every call failing leaves the old or the new", import_failing),
    ("so does restore", restore_failing),
    ("generate killed at every call can be repeated", generate_killed),
    ("remove killed at every call can be repeated", remove_killed),
]
ROOT_TESTS = [
    ("a certificate that is not root's is told", foreign_certificate),
    ("a user aims a certificate elsewhere", certificate_of_a_user),
    # strace cannot read the paths of an undumpable process if it is not root.
    ("no openssl.cnf is loaded", no_openssl_cnf),
    ("import looks whether programs have the provider", import_where_enabled),
    ("check --as tries keys as a user", check_as),
    ("an ordinary user is told what needs root", as_an_ordinary_user),
    ("a user cannot lock keyd out of its run folder", locked_by_a_user),
    ("a user's directory cannot aim at root's key", in_anothers_directory),
    ("nor can a link that changes all the time", racing_links),
    ("restore gives no key to a directory's new owner", moved_to_another_user),
    ("a full disk changes nothing", full_disk),
    ("a full store changes nothing", full_store),
    ("a read-only disk changes nothing", read_only),
    ("remove, restore: nothing, or said what", read_only_policies),
    ("a file that is a mount point is refused", mounted_file),
]


def main():
    chosen = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    for name, fn, *args in TESTS:
        if chosen.search(name) and ks.runs_here(name):
            tap.run(name, fn, *args)
    for name, fn, *args in ROOT_TESTS:
        if not chosen.search(name):
            continue
        if ks.ROOT:
            tap.run(name, fn, *args)
        else:
            tap.skip(name, "needs root")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
