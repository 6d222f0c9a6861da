#!/usr/bin/env python3
"""Postfix, chrooted as Debian has it: smtpd with STARTTLS and with TLS from the
start, with the two ways of naming keys, and the smtp client with a certificate
of its own."""

import matrix
import world
from world import ks

SPOOL = "/var/spool/postfix"
READER = "reader"


def said(stream, code):
    """The last line of a reply, which must have this code."""
    while True:
        line = stream.readline()
        ks.check(line.startswith(code), f"{code} expected: {line!r}")
        if line[3:4] != b"-":
            return line


def command(stream, text, code):
    stream.write(text.encode() + b"\r\n")
    stream.flush()
    return said(stream, code)


class Postfix(matrix.Server):
    runs = "smtpd: root until its chroot, then postfix"
    reloads = "`postfix reload`"
    allow = "postfix"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    letters = 0

    def settings(self, certs):
        """Of main.cf, for these keys."""
        raise NotImplementedError

    def configure(self, w, certs):
        ks.run_ok(["postconf", "-e", *self.settings(certs)])

    def start(self, w):
        w.launch(["/usr/lib/postfix/configure-instance.sh", "-"], "configure")
        w.launch(["/usr/sbin/postmulti", "-i", "-", "-p", "start"], "postfix")
        world.listening(self.port)

    def stop(self, w):
        pid = world.pid_in(f"{SPOOL}/pid/master.pid")
        w.launch(["/usr/sbin/postmulti", "-i", "-", "-p", "stop"], "stop")
        world.gone(pid)

    def reload(self, w):
        """master has read its settings when it says so."""
        said_before = ks.read_text(w.syslog).count("reload -- version")
        w.launch(["/usr/sbin/postmulti", "-i", "-", "-p", "reload"], "reload")
        ks.wait_for(
            "reload",
            lambda: ks.read_text(w.syslog).count("reload -- version")
            > said_before,
        )

    def master(self, w):
        """An smtpd: master itself has nothing to do with TLS."""
        master = world.pid_in(f"{SPOOL}/pid/master.pid")
        return next(
            pid for pid in ks.children(master) if ks.command_of(pid) == "smtpd"
        )

    def talk(self, w, tls):
        """A letter, up to the reader's mailbox."""
        self.letters += 1
        subject = f"letter {self.letters} by {self.name}"
        with tls.makefile("rwb") as stream:
            self.greet(stream)
            command(stream, "EHLO localhost", b"250")
            command(stream, "MAIL FROM:<root@localhost>", b"250")
            command(stream, f"RCPT TO:<{READER}@localhost>", b"250")
            command(stream, "DATA", b"354")
            command(stream, f"Subject: {subject}\r\n\r\nHello.\r\n.", b"250")
            command(stream, "QUIT", b"221")
        ks.wait_for(
            "delivery", lambda: subject in ks.read_text(f"/var/mail/{READER}")
        )

    def greet(self, stream):
        pass


class Starttls(Postfix):
    """Keys and certificates in files of their own."""

    name = "Postfix smtpd, STARTTLS, smtpd_tls_key_file"
    port = 25
    starttls = "smtp"

    def settings(self, certs):
        return [
            "inet_interfaces=127.0.0.1",
            "mydestination=localhost",
            "smtpd_tls_security_level=may",
            f"smtpd_tls_cert_file={certs['rsa'].cert}",
            f"smtpd_tls_key_file={certs['rsa'].key}",
            f"smtpd_tls_eccert_file={certs['ec'].cert}",
            f"smtpd_tls_eckey_file={certs['ec'].key}",
        ]

    def configure(self, w, certs):
        super().configure(w, certs)
        ks.run_ok(["useradd", "--no-create-home", READER])

    def prepare(self, plain):
        with plain.makefile("rwb") as stream:
            said(stream, b"220")
            command(stream, "EHLO localhost", b"250")
            command(stream, "STARTTLS", b"220")


SERVERS = [Starttls()]

if __name__ == "__main__":
    matrix.main(SERVERS)
