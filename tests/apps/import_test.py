#!/usr/bin/env python3
"""keydctl import of what operators have: DER, encrypted keys, bundles; what is
no key; the way back; killed at every system call that changes anything."""

import fcntl
import os
import pty
import select
import signal
import stat
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(
    0,
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"),
)
import keyd_scratch as ks
from ctl_test import (
    KEYDCTL,
    USER,
    import_args,
    key_pair,
    killer,
    leftovers,
    read,
    refused,
    running,
    store_files,
    untouched,
    what,
    works,
)

PASS = "correct horse"
tap = ks.Tap()


def put(path, data, mode=0o640):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)


def become(cert, data):
    """The key file has other bytes, and they are what restore must give."""
    put(cert.key, data)
    put(cert.plain, data, 0o600)
    return what(cert.key)


def openssl(*args, data=b""):
    done = ks.subprocess.run(
        ["openssl", *args], input=data, capture_output=True, check=False
    )
    ks.check(done.returncode == 0, f"{args}: {done.stderr.decode()}")
    return done.stdout


def public(s, path, form="PEM"):
    """The public key that an application finds in a key file or shell."""
    return ks.run_ok(
        ["openssl", "pkey", "-in", path, "-inform", form, "-pubout"],
        env=s.environment(s.openssl_conf()),
    )


def der(key, kind):
    args = {
        "pkcs8": ["pkcs8", "-topk8", "-nocrypt"],
        "pkcs1": ["rsa", "-traditional"],
        "sec1": ["ec"],
    }[kind]
    return openssl(*args, "-in", key, "-outform", "DER")


def imports_der():
    with running() as s:
        for kind, key in (
            ("pkcs8", "ec:P-256"),
            ("pkcs1", "rsa:2048"),
            ("sec1", "ec:P-384"),
        ):
            cert = key_pair(s, kind, key)
            pub = openssl("pkey", "-in", cert.key, "-pubout").decode()
            before = become(cert, der(cert.key, kind))
            s.ctl_ok(*import_args(cert), cert.key)
            ks.check(read(cert.key)[:1] == b"\x30", f"{kind}: no DER")
            ks.check(b"openssl-keyd" in read(cert.key), f"{kind}: no shell")
            ks.check(public(s, cert.key, "DER") == pub, f"{kind}: public key")
            ks.check(works(s, kind), f"{kind}: does not work")
            text = s.ctl_ok(*import_args(cert), cert.key)
            ks.expect_words(text, f"already a shell, for key {kind}")
            ks.expect_words(s.ctl_ok("check"), "0 errors")
            s.ctl_ok("restore", kind, "--yes")
            untouched(s, cert, before)


ENCRYPTED = {
    "pbes2": ["pkcs8", "-topk8", "-v2", "aes-256-cbc"],
    "scrypt": ["pkcs8", "-topk8", "-scrypt"],
    "des3": ["pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES"],
    "der": ["pkcs8", "-topk8", "-outform", "DER"],
    "rsa": ["rsa", "-traditional", "-aes256"],
    "rsa3": ["rsa", "-traditional", "-des3"],
    "ec": ["ec", "-aes128"],
}


def encrypt(cert, how, passphrase=PASS):
    data = openssl(
        *ENCRYPTED[how], "-in", cert.key, "-passout", f"pass:{passphrase}"
    )
    return become(cert, data)


def imports_encrypted():
    """Each form of encryption, with each form of --passin."""
    with running() as s:
        file = s.write("pass", f"{PASS}\nsecond line\n", 0o600)
        passins = [f"pass:{PASS}", f"file:{file}", "env:KEY_PASS", "stdin"]
        env = dict(os.environ, KEY_PASS=PASS)
        for i, how in enumerate(ENCRYPTED):
            kind = "rsa:2048" if how.startswith("rsa") else "ec:P-256"
            cert = key_pair(s, how, kind)
            before = encrypt(cert, how)
            passin = passins[i % len(passins)]
            status, text = ks.run(
                [KEYDCTL, "-c", s.conf, *import_args(cert)]
                + ["--passin", passin, cert.key],
                env=env,
                stdin=f"{PASS}\nmore\n",
            )
            ks.check(status == 0, f"{how}, {passin}: {text}")
            ks.expect_words(text, "needs no passphrase", f"keys/{how}.pem")
            ks.check(PASS.encode() not in read(cert.key), "in the shell")
            ks.check(b"ENCRYPTED" not in read(cert.key), f"{how}: no shell")
            stored = s.path(f"keys/{how}.original")
            ks.check(read(stored) == read(cert.plain), "another original")
            mode = stat.S_IMODE(os.stat(stored).st_mode)
            ks.check(mode == 0o600, f"mode {mode:o} of the original")
            ks.check(works(s, how), f"{how}: does not work")
            s.ctl_ok("restore", how, "--yes")
            untouched(s, cert, before)


def starts_without_passphrase():
    """keyd asks no one: also at its next start the key is served."""
    with running() as s:
        cert = key_pair(s)
        encrypt(cert, "pbes2")
        s.ctl_ok(*import_args(cert), "--passin", f"pass:{PASS}", cert.key)
        s.stop_keyd()
        s.start_keyd()
        ks.check(works(s, "site"), "does not work")
        ks.expect_words(s.ctl_ok("check"), "0 errors")
        os.chmod(s.path("keys/site.original"), 0o644)
        refused(s, 1, "check", words=["site.original", "chmod go-rwx"])
        s.ctl_ok("remove", "site", "--yes")
        ks.check(store_files(s) == [], f"left: {store_files(s)}")


def refuses_passphrases():
    with running() as s:
        cert = key_pair(s)
        before = encrypt(cert, "pbes2")
        args = import_args(cert)
        empty = s.write("empty", "", 0o600)
        for code, passin, *words in (
            (1, "pass:wrong", "is not the key's passphrase", "--passin"),
            (1, f"file:{empty}", "is not the key's passphrase"),
            (1, "file:/nonexistent", "/nonexistent", "No such file"),
            (1, "pass:" + "x" * 1024, "longer than 1023"),
            (1, "fd:77", "fd:", "Bad file descriptor"),
            (2, "fd:x", "not the number"),
            (2, "env:NO_SUCH", "no such variable"),
            (2, "hunter2", "not one of", "file:PATH"),
        ):
            text = refused(s, code, *args, "--passin", passin, cert.key)
            ks.expect_words(text, *words)
            ks.check("hunter2" not in text, text)
            untouched(s, cert, before)
        # Nobody to ask: a session without terminal.
        done = ks.subprocess.run(
            [KEYDCTL, "-c", s.conf, *args, cert.key],
            start_new_session=True,
            stdin=ks.subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        ks.check(done.returncode == 4, f"{done}")
        ks.expect_words(done.stderr, "encrypted", "terminal", "--passin file:")


def refuses_damaged_encryption():
    with running() as s:
        cert = key_pair(s, kind="rsa:2048")
        encrypt(cert, "rsa")
        good = read(cert.key)
        args = [*import_args(cert), "--passin", f"pass:{PASS}", cert.key]
        for old, new, words in (
            (b"AES-256-CBC", b"AES-999-CBC", "cannot be decrypted"),
            (b"AES-256-CBC", b"DES-CBC", "cannot be decrypted"),
            (b"\n\n", b"\n", "damaged"),
            (b"DEK-Info", b"DEK-Inf", "cannot be decrypted"),
            (b"4,ENCRYPTED", b"4,MIC-CLEAR", "cannot be decrypted"),
            (b"Proc-Type", b"X" * 600 + b": x\nProc-Type", "longer than"),
        ):
            ks.check(old in good, f"{old}")
            before = become(cert, good.replace(old, new, 1))
            refused(s, 1, *args, words=[words])
            untouched(s, cert, before)
        lines = good.split(b"\n")
        before = become(cert, b"\n".join(lines[:-3] + lines[-2:]))
        refused(s, 1, *args)
        untouched(s, cert, before)


class Terminal:
    """keydctl in a session of its own, with a terminal."""

    def __init__(self, s, *args):
        self.text = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(KEYDCTL, [KEYDCTL, "-c", s.conf, *args])

    def read_more(self, deadline):
        ready, _, _ = select.select([self.fd], [], [], deadline)
        if not ready:
            return False
        try:
            more = os.read(self.fd, 4096)
        except OSError:
            return False
        self.text += more
        return more != b""

    def wait_question(self, count):
        """For the question, and the echo to be off."""
        end = time.monotonic() + ks.DEADLINE
        while self.text.count(b"Passphrase of ") < count or self.has_echo():
            ks.check(time.monotonic() < end, f"no question: {self.text}")
            if self.text.count(b"Passphrase of ") < count:
                ks.check(self.read_more(ks.DEADLINE), f"ended: {self.text}")

    def has_echo(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        while self.read_more(ks.DEADLINE):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return status, self.text.decode()


def asks_on_the_terminal():
    with running() as s:
        cert = key_pair(s)
        before = encrypt(cert, "pbes2")
        t = Terminal(s, *import_args(cert), cert.key)
        for n, text in enumerate(("wrong", "also wrong", PASS)):
            t.wait_question(n + 1)
            t.type(text)
        status, text = t.end()
        ks.check(status == 0, text)
        ks.expect_words(text, "That was not it", "imported as site")
        ks.check("wrong" not in text and PASS not in text, f"echo: {text}")
        ks.check(works(s, "site"), "does not work")
        s.ctl_ok("restore", "site", "--yes")
        untouched(s, cert, before)
        t = Terminal(s, *import_args(cert), cert.key)
        for n in range(3):
            t.wait_question(n + 1)
            t.type("wrong")
        status, text = t.end()
        ks.check(os.waitstatus_to_exitcode(status) == 1, text)
        ks.expect_words(text, "three times")
        untouched(s, cert, before)
        # Interrupted, the terminal has its echo again.
        t = Terminal(s, *import_args(cert), cert.key)
        t.wait_question(1)
        os.kill(t.pid, signal.SIGINT)
        _, status = os.waitpid(t.pid, 0)
        ks.check(os.WIFSIGNALED(status), f"status {status}")
        ks.check(t.has_echo(), "no echo any more")
        os.close(t.fd)
        untouched(s, cert, before)


def asking_keeps_no_one():
    """The store is others' while a passphrase is asked for; else they wait."""
    with running() as s:
        cert = key_pair(s)
        encrypt(cert, "pbes2")
        t = Terminal(s, *import_args(cert), cert.key)
        t.wait_question(1)
        make = ["generate", "other", "--type", "ec:P-256", "--allow", USER]
        s.ctl_ok(*make)
        # Killed in the middle of it, it is ended before the import goes on.
        make[1] = "half"
        word, _ = killer(s, 16, "before", *make)
        ks.check(any("half" in n for n in store_files(s)), f"{word}")
        t.type(PASS)
        status, text = t.end()
        ks.check(status == 0, text)
        ks.expect_words(text, "interrupted generate was taken back")
        ks.check(works(s, "site"), "does not work")
        ks.check(not any("half" in n for n in store_files(s)), "half is left")
        fd = os.open(s.path("keys"), os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        p = ks.subprocess.Popen(
            [KEYDCTL, "-c", s.conf, *make], stdout=ks.subprocess.DEVNULL
        )
        status = f"/proc/{p.pid}/syscall"
        ks.wait_for("waiting", lambda: ks.read_text(status).startswith("230 "))
        os.close(fd)
        ks.check(p.wait(ks.DEADLINE) == 0, "did not wait")


def with_integer(data, old, new):
    """DER with another value for an integer of it."""
    out = b""
    while data:
        n, at = data[1], 2
        if n > 127:
            at += n & 127
            n = int.from_bytes(data[2:at], "big")
        body, tag = data[at : at + n], data[0]
        data = data[at + n :]
        if tag & 0x20:
            body = with_integer(body, old, new)
        elif tag == 2 and int.from_bytes(body, "big") == old:
            body = new.to_bytes(5, "big")
            body = body.lstrip(b"\0") if new < 2**31 else body
        size = bytes([len(body)])
        if len(body) > 127:
            size = b"\x82" + len(body).to_bytes(2, "big")
        out += bytes([tag]) + size + body
    return out


def refuses_slow_derivations():
    with running() as s:
        cert = key_pair(s)
        args = [*import_args(cert), "--passin", f"pass:{PASS}", cert.key]
        key = read(cert.key)
        for how in (["-v2", "aes-256-cbc"], ["-v1", "PBE-SHA1-3DES"]):
            one = ["pkcs8", "-topk8", *how, "-outform", "DER", "-iter", "4242"]
            put(cert.key, key)
            data = openssl(*one, "-in", cert.key, "-passout", f"pass:{PASS}")
            for count in (10000001, 2**31 - 1, 2**31):
                before = become(cert, with_integer(data, 4242, count))
                text = refused(s, 1, *args, words=["10000000 iterations"])
                ks.expect_words(text, "openssl pkcs8 -topk8 -in FILE")
                untouched(s, cert, before)
            become(cert, with_integer(data, 4242, 4243))
            refused(s, 1, *args, words=["passphrase"])
            become(cert, with_integer(data, 4242, 4242))
            s.ctl_ok(*args)
            s.ctl_ok("restore", "site", "--yes")


def harmless_passwords():
    """What an application has for the passphrase may stay."""
    with running() as s:
        cert = key_pair(s)
        encrypt(cert, "pbes2")
        s.ctl_ok(
            *["import", "--allow", s.everyone().replace(" ", ",")],
            *["--certificate", cert.cert],
            *["--passin", f"pass:{PASS}", cert.key],
        )
        conf = s.openssl_conf()
        file = s.write("tls/passwords", f"{PASS}\n", 0o644)
        env = s.environment(conf)
        for passin in (f"pass:{PASS}", f"file:{file}", "pass:other"):
            ks.run_ok(
                ["openssl", "pkey", "-in", cert.key, "-noout"]
                + ["-passin", passin],
                env=env,
            )
        key = f"{cert.key}; ssl_password_file {file}"
        server = s.nginx([(cert, key)], conf)
        for version in ("1.2", "1.3"):
            got = ks.handshake(server.ports[0], cert, version)
            ks.check(got.endswith(version), got)


def bundle_of(cert, kind="plain"):
    """Text, certificates, DH parameters and the key, with odd line ends."""
    pem = read(cert.cert)
    key = read(cert.key)
    if kind == "ec":
        key = openssl("ecparam", "-name", "prime256v1") + openssl(
            "ec", "-in", cert.key
        )
    dh = b"-----BEGIN DH PARAMETERS-----\nMAYCAQUCAQI=\n" + (
        b"-----END DH PARAMETERS-----\n"
    )
    return {
        "plain": pem + key,
        "first": key + b"issued by nobody\n" + pem + pem + dh,
        "crlf": (b"text\n" + pem + b"\nmore\n" + key + dh).replace(
            b"\n", b"\r\n"
        ),
        "ec": b"\xff\x00odd\n" + key + b"\n\n" + pem + b"no newline",
        "last": pem + key.rstrip(b"\n"),
    }[kind]


def around(data):
    """What stands before and behind the one private key, or shell."""
    start = ks.re.search(b"-----BEGIN (EC )?PRIVATE KEY", data).start()
    end = data.index(b"PRIVATE KEY-----", data.index(b"-----END", start))
    end = data.find(b"\n", end) + 1 or len(data)
    comment = data.find(b"# openssl-keyd shell")
    if comment >= 0:
        start = comment
    return data[:start], data[end:]


def imports_bundles():
    """Only the key's block changes; the certificate is the bundle's own."""
    with running() as s:
        for kind in ("plain", "first", "crlf", "ec", "last"):
            cert = key_pair(s, kind)
            data = bundle_of(cert, kind)
            before = become(cert, data)
            s.ctl_ok("import", "--allow", USER, cert.key)
            now = read(cert.key)
            ks.check(now.count(b"PRIVATE KEY") == 2, f"{kind}: {now}")
            ks.check(b"# openssl-keyd shell for key " in now, "no shell")
            ks.check(around(now) == around(data), f"{kind}: around the key")
            policy = ks.read_text(s.path(f"policies/{kind}.conf"))
            ks.expect_words(policy, f"certificate = {cert.key}\n")
            ks.check(works(s, kind), f"{kind}: does not work")
            ks.expect_words(s.ctl_ok("check"), "0 errors")
            text = s.ctl_ok("import", "--allow", USER, cert.key)
            ks.expect_words(text, f"already a shell, for key {kind}")
            s.ctl_ok("restore", kind, "--yes")
            untouched(s, cert, before)


def serves_bundles():
    with running() as s:
        cert = key_pair(s)
        become(cert, bundle_of(cert, "first"))
        s.ctl_ok("import", "--allow", s.everyone().replace(" ", ","), cert.key)
        both = ks.Certificate("site", cert.key, cert.key, cert.plain)
        server = s.nginx([(both, cert.key)], s.openssl_conf())
        for version in ("1.2", "1.3"):
            ks.handshake(server.ports[0], cert, version)


def restores_into_what_has_changed():
    """A renewed certificate stays; the key's block comes back."""
    with running() as s:
        cert = key_pair(s)
        data = bundle_of(cert, "first")
        become(cert, data)
        s.ctl_ok("import", "--allow", USER, cert.key)
        now = read(cert.key)
        put(cert.key, now.replace(b"issued by nobody", b"renewed"))
        expected = data.replace(b"issued by nobody", b"renewed")
        refused(s, 4, "restore", "site", words=["have changed", "--yes"])
        text = s.ctl_ok("restore", "site", "--yes")
        ks.expect_words(text, "has changed since the import", "only the key's")
        ks.check(read(cert.key) == expected, "not the block alone")
        ks.check(store_files(s) == [], f"{store_files(s)}")
        # Without the shell in it, nothing is to be restored.
        s.ctl_ok("import", "--allow", USER, cert.key)
        put(cert.key, read(cert.cert))
        refused(s, 4, "restore", "site", "--yes", words=["not the shell"])
        refused(s, 1, "check", words=["not its shell any more"])


def renews(bundle):
    """Key and certificate overwritten by new ones, as renewals do it: running
    programs keep the old key, nothing else is held up, and the manual's way
    leads to the new one."""
    with running() as s:
        cert, new = key_pair(s), key_pair(s, "new")
        if bundle:
            become(cert, bundle_of(cert))
            cert.cert = cert.key
            become(new, bundle_of(new))
            new.cert = new.key
        args = import_args(cert)
        s.ctl_ok(*args, cert.key)
        shell = s.write("tls/running", read(cert.key).decode())
        put(cert.cert, read(new.cert))
        put(cert.key, read(new.key))
        text = refused(s, 1, "check", words=["is not of the key"])
        ks.expect_words(text, "ANOTHER KEY stands there, in plain text")
        ks.expect_words(text, f"keydctl import --name NEW {cert.key}")
        ks.expect_words(text, "only then keydctl remove site")
        status, text = s.ctl("reload")
        ks.check(status == 0, text)
        ks.expect_words(text, "warning: site.conf", "is not of the key")
        more = ["--type", "ec:P-256", "--allow", USER]
        s.ctl_ok("generate", "other", *more)
        s.stop_keyd()
        s.start_keyd()
        ks.check(works(s, "site"), "the old one does not work")
        s.ctl_ok(*args, "--name", "site-2027", cert.key)
        for name in ("site", "site-2027"):
            ks.check(works(s, name), f"{name} does not work")
        ks.check(public(s, cert.key) != public(s, shell), "not the new one")
        # From here on all is well, and one step is left.
        text = s.ctl_ok("check")
        ks.expect_words(text, "shell of another key by now, site-2027")
        ks.expect_words(text, "keydctl remove site", "belongs to another key")
        s.ctl_ok("remove", "site", "--yes")
        ks.expect_words(s.ctl_ok("check"), "0 errors")
        ks.check(works(s, "site-2027"), "the new one does not work")
        s.ctl_ok("restore", "site-2027", "--yes")
        ks.check(read(cert.key) == read(new.key), "not restored")


def renews_with_the_same_key():
    """It stands in plain text where its shell was: imported again, the shell
    comes back, for the key and the policy that there are."""
    with running() as s:
        cert, other = key_pair(s), key_pair(s, "other")
        s.ctl_ok(*import_args(cert), cert.key)
        shell = read(cert.key)
        policy = ks.read_text(s.path("policies/site.conf"))
        for args in ([], ["--name", "site-2027"]):
            put(cert.key, read(cert.plain))
            text = refused(s, 1, "check", words=["THE KEY ITSELF stands there"])
            ks.expect_words(text, f"keydctl import {cert.key} puts the shell")
            text = s.ctl_ok(*import_args(cert), *args, "--dry-run", cert.key)
            ks.expect_words(text, "would be put back")
            ks.check(read(cert.key) == read(cert.plain), "not dry")
            text = s.ctl_ok(*import_args(cert), *args, cert.key)
            ks.expect_words(text, "the key of site itself", "is put back")
            ks.check(("--name has no effect" in text) == bool(args), text)
            ks.check("ANOTHER" not in text, text)
            ks.check(read(cert.key) == shell, "not the shell")
            ks.expect_words(s.ctl_ok("check"), "0 errors")
        # In another form, which is what restore gives from now on.
        for form in ("sec1", "pkcs8"):
            before = become(cert, der(cert.plain, form))
            more = ["import", "--allow", USER, "--use", "csr", cert.key]
            text = s.ctl_ok("--json", *more)
            ks.expect_words(text, '"shell put back"', '"policy-differs": true')
            ks.check(read(cert.key)[:1] == b"\x30", f"{form}: no DER")
            ks.check(works(s, "site"), f"{form}: does not work")
            got = ks.read_text(s.path("policies/site.conf"))
            ks.check(got == policy, f"another policy: {got}")
        become(cert, der(cert.plain, "sec1"))
        s.ctl_ok(*import_args(cert), cert.key)
        # Where keyd does not serve it, the key stays.
        s.write("policies/site.conf", policy + "colour = blue\n")
        before = become(cert, der(cert.plain, "pkcs8"))
        files = store_files(s)
        refused(s, 1, *import_args(cert), cert.key, words=["site.conf"])
        ks.check(what(cert.key) == before, "changed")
        ks.check(read(cert.key) == read(cert.plain), "changed")
        ks.check(store_files(s) == files, f"{store_files(s)}")
        s.write("policies/site.conf", policy)
        s.ctl_ok(*import_args(cert), cert.key)
        s.ctl_ok("restore", "site", "--yes")
        untouched(s, cert, before)
        s.ctl_ok(*import_args(other), other.key)


def renewed_and_killed():
    """The key back in its file, and import killed at every call: keyd has it all
    the time, and the file is the key or its shell."""
    with running() as s:
        cert = key_pair(s)
        s.ctl_ok(*import_args(cert), cert.key)
        renewed = der(cert.plain, "pkcs8")
        args = [*import_args(cert), cert.key]
        words, n = [], 1
        while True:
            put(cert.key, renewed)
            put(cert.plain, renewed, 0o600)
            word, done = killer(s, n, "before", *args)
            at = f"before call {n}, {word}"
            ks.check(done.returncode == 0, f"{at}: {done.stderr}")
            ks.check(works(s, "site"), f"{at}: keyd lost it")
            key_is_somewhere(s, cert, at)
            s.ctl_ok(*args)
            ks.check(b"openssl-keyd" in read(cert.key), f"{at}: no shell")
            ks.expect_words(s.ctl_ok("check"), "0 errors")
            ks.check(leftovers(cert) == [], f"{at}: {leftovers(cert)}")
            # Each form in turn, so that the store changes each time.
            form = "sec1" if n % 2 else "pkcs8"
            renewed = der(cert.plain, form)
            words.append(word)
            if word.startswith("end"):
                break
            n += 1
        s.ctl_ok("restore", "site", "--yes")
        ks.check(read(cert.key) == read(cert.plain), "not restored")
        return f"{len(words)} calls: {' '.join(words)}"


def imports_two_keys():
    """Postfix's chain file of two kinds: both, as NAME and NAME-2."""
    with running() as s:
        rsa, ec = key_pair(s, "rsa", "rsa:2048"), key_pair(s, "ec")
        data = b"".join(
            read(p) for p in (rsa.key, rsa.cert, ec.key, ec.cert)
        )
        chain = s.path("tls/chain.pem")
        put(chain, data)
        text = s.ctl_ok("import", "--allow", USER, "--dry-run", chain)
        ks.expect_words(text, "would import as chain", "holds 1 more", "chain-2")
        ks.check(read(chain) == data, "a dry run")
        for order in (("chain", "chain-2"), ("chain-2", "chain")):
            s.ctl_ok("import", "--allow", USER, chain)
            now = read(chain)
            ks.check(now.count(b"# openssl-keyd shell") == 2, f"{now}")
            for cert in (rsa, ec):
                ks.check(read(cert.key) not in now, "a key is left")
                ks.check(read(cert.cert) in now, "a certificate has gone")
            for name in ("chain", "chain-2"):
                ks.check(works(s, name), f"{name} does not work")
            ks.expect_words(s.ctl_ok("check"), "0 errors")
            text = s.ctl_ok("import", "--allow", USER, chain)
            ks.expect_words(text, "already a shell")
            for name in order:
                s.ctl_ok("restore", name, "--yes")
            ks.check(read(chain) == data, f"{order}: not the same bytes")
        # What has been done of it is not done again.
        odd = b"-----BEGIN X PRIVATE KEY-----\nAAAA\n-----END X PRIVATE KEY-----\n"
        put(chain, data.replace(read(ec.key), odd))
        refused(s, 5, "import", "--allow", USER, chain, words=["X PRIVATE KEY"])
        ks.check(works(s, "chain"), "the first does not work")
        put(chain, read(chain).replace(odd, read(ec.key)))
        s.ctl_ok("import", "--allow", USER, chain)
        ks.check(works(s, "chain-2"), "the second does not work")


def refuses_other_files():
    """What is no key, with what to do."""
    with running() as s:
        cert = key_pair(s)
        key, crt = cert.key, cert.cert
        p12 = ["pkcs12", "-export", "-inkey", key, "-in", crt]
        ssh = s.path("tls/ssh")
        ks.run_ok(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", ssh])
        for data, *words in (
            (
                openssl(*p12, "-passout", "pass:x"),
                *("PKCS#12", "umask 077", "-nocerts -noenc -out KEY.pem"),
                *("-nokeys -out CERT.pem", "--certificate CERT.pem"),
            ),
            (read(crt), "certificate but no private key"),
            (openssl("x509", "-in", crt, "-outform", "DER"), "a certificate"),
            (openssl("pkey", "-in", key, "-pubout"), "a public key"),
            (
                openssl("pkey", "-in", key, "-pubout", "-outform", "DER"),
                "a public key",
            ),
            (
                openssl("req", "-new", "-key", key, "-subj", "/CN=a"),
                "a certificate request",
            ),
            (
                openssl(
                    *["req", "-new", "-key", key, "-subj", "/CN=a"],
                    *["-outform", "DER"],
                ),
                "a certificate request",
            ),
            (read(ssh), "OpenSSH key", "ssh-keygen -p -m PKCS8"),
            (read(ssh + ".pub"), "OpenSSH public key"),
            (b"hello\n", "no PEM private key"),
            (b"\x30\x82\x01\x00garbage", "DER file, but damaged"),
        ):
            path = s.path("tls/other")
            put(path, data)
            refused(s, 1, "import", "--allow", USER, path, words=words)
            ks.check(read(path) == data, "changed")
            ks.check(store_files(s) == [], f"{store_files(s)}")
        os.chmod(key, 0o644)
        put(s.path("tls/both"), read(crt) + read(key), 0o644)
        both = s.path("tls/both")
        refused(s, 4, "import", "--allow", USER, both, words=["every user"])


def snakeoil():
    with running() as s:
        cert = key_pair(s)
        oil = s.path("tls/ssl-cert-snakeoil.key")
        os.rename(cert.key, oil)
        cert.key = oil
        before = what(oil)
        link = s.path("tls/innocent.key")
        os.symlink(oil, link)
        for path in (oil, link):
            refused(s, 4, *import_args(cert), path, words=["snakeoil", "--force"])
            untouched(s, cert, before)
        s.ctl_ok(*import_args(cert), "--force", oil)
        ks.check(works(s, "ssl-cert-snakeoil"), "does not work")


# --- killed -----------------------------------------------------------------


def key_is_somewhere(s, cert, at):
    if read(cert.key) == read(cert.plain):
        return
    ks.check(b"openssl-keyd" in read(cert.key), f"{at}: neither key nor shell")
    ks.check(works(s, cert.name), f"{at}: a shell without its key")


def make_der(cert):
    return become(cert, der(cert.key, "pkcs8"))


def make_bundle(cert):
    """The key in it is encrypted: all that can come together."""
    encrypt(cert, "pbes2")
    return become(cert, read(cert.cert) + read(cert.key) + read(cert.cert))


def killed(make):
    """Import killed at every call, and restore at every call; of each pair of
    calls, what is after one is before the next."""
    with running() as s:
        cert = key_pair(s)
        before = make(cert)
        args = [*import_args(cert), "--passin", f"pass:{PASS}", cert.key]
        words = []
        for verb in (args, ["restore", "site", "--yes"]):
            n = 1
            while True:
                if verb is not args:
                    s.ctl_ok(*args)
                word, done = killer(s, n, "before", *verb)
                at = f"{verb[0]}, before call {n}, {word}"
                ks.check(done.returncode == 0, f"{at}: {done.stderr}")
                key_is_somewhere(s, cert, at)
                if verb is args:
                    s.ctl_ok(*args)
                    ks.check(what(cert.key) == before, f"{at}: not kept")
                s.ctl("restore", "site", "--yes")
                untouched(s, cert, before)
                words.append(word)
                if word.startswith("end"):
                    break
                n += 1
        return f"{len(words)} calls: {' '.join(words)}"


TESTS = [
    ("DER files become DER shells, and keys again", imports_der),
    ("every encrypted form is imported and restored", imports_encrypted),
    ("keyd needs no passphrase to start", starts_without_passphrase),
    ("a wrong passphrase is told, and changes nothing", refuses_passphrases),
    ("so is what cannot be decrypted", refuses_damaged_encryption),
    ("the terminal is asked, three times, without echo", asks_on_the_terminal),
    ("nobody waits for who thinks of a passphrase", asking_keeps_no_one),
    ("a passphrase is not hashed for minutes", refuses_slow_derivations),
    ("an application's password stays harmless", harmless_passwords),
    ("of a bundle, only the key's block changes", imports_bundles),
    ("a bundle is served", serves_bundles),
    ("restore keeps a renewed certificate", restores_into_what_has_changed),
    ("a renewed key is imported beside the old one", renews, False),
    ("and so is a renewed bundle's", renews, True),
    ("the same key again gets its shell back", renews_with_the_same_key),
    ("two keys in a file are imported both", imports_two_keys),
    ("what is no key is refused with what to do", refuses_other_files),
    ("Debian's snakeoil key needs --force", snakeoil),
    ("the same key again, killed at every call", renewed_and_killed),
    ("a DER file killed at every call", killed, make_der),
    ("an encrypted key in a bundle killed at every call", killed, make_bundle),
]


def main():
    chosen = ks.re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    for name, fn, *args in TESTS:
        if chosen.search(name) and ks.runs_here(name):
            tap.run(name, fn, *args)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
