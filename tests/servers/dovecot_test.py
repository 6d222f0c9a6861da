#!/usr/bin/env python3
"""Dovecot, whose login processes are chrooted: a process for each connection,
as Debian has it, and processes that serve many; TLS from the start, and
STARTTLS."""

import os
import socket
import ssl

import matrix
import world
from world import ks

MAIN = "/etc/dovecot/dovecot.conf"
# The same in the words of Dovecot 2.3 (Debian 12), and of 2.4 (Debian 13).
KEYS = {
    "2.3": "ssl_cert = <{rsa.cert}\nssl_key = <{rsa.key}\n"
    "ssl_alt_cert = <{ec.cert}\nssl_alt_key = <{ec.key}\n",
    "2.4": "ssl_server_cert_file = {rsa.cert}\n"
    "ssl_server_key_file = {rsa.key}\n"
    "ssl_server_alt_cert_file = {ec.cert}\n"
    "ssl_server_alt_key_file = {ec.key}\n",
}
MANY = {"2.3": "service_count = 0", "2.4": "restart_request_count = unlimited"}
READER, PASSWORD = "reader", "open sesame"
HOME = f"/var/lib/{READER}"
MAILBOX = f"/var/mail/{READER}"
LETTER = """From root@localhost Wed Nov 25 07:00:00 2026
Subject: a letter

Hello.
"""


def command(stream, text, *wanted):
    """An IMAP command, which must succeed; the answer has the words."""
    stream.write(f"a {text}\r\n".encode())
    stream.flush()
    answer = b""
    while not answer.endswith(b"\n") or not line.startswith(b"a "):
        line = stream.readline()
        ks.check(line, f"{text}: closed after {answer}")
        answer += line
    ks.check(line.startswith(b"a OK"), f"{text}: {answer}")
    ks.expect_words(answer.decode(), *wanted)


class Dovecot(matrix.Server):
    runs = "imap-login: dovenull, in its chroot from the start"
    reloads = "`doveadm reload`"
    allow = "dovenull"
    renews = True
    settings = ""

    def configure(self, w, certs):
        is_later = "dovecot_config_version" in ks.read_text(MAIN)
        version = "2.4" if is_later else "2.3"
        with open("/etc/dovecot/local.conf", "w", encoding="ascii") as f:
            f.write(KEYS[version].format(**certs))
            f.write(self.settings % {"many": MANY[version]})
        if not os.path.exists(HOME):
            ks.run_ok(["useradd", "-m", "-d", HOME, READER])
            ks.run_ok(["chpasswd"], stdin=f"{READER}:{PASSWORD}\n")
            with open(MAILBOX, "w", encoding="ascii") as f:
                f.write(LETTER)
            ks.run_ok(["chown", f"{READER}:mail", MAILBOX])

    def start(self, w):
        self.program = w.service(["/usr/sbin/dovecot", "-F"], "dovecot")
        world.listening(143, 993)
        ks.wait_for("ready", lambda: os.path.exists("/run/dovecot/master.pid"))

    def stop(self, w):
        w.launch(["/usr/bin/doveadm", "stop"], "stop")
        self.program.process.wait(ks.DEADLINE)

    def reload(self, w):
        said = "SIGHUP received"
        before = ks.read_text(w.syslog).count(said)
        w.launch(["/usr/bin/doveadm", "reload"], "reload")
        ks.wait_for(
            "reload", lambda: ks.read_text(w.syslog).count(said) > before
        )

    def master(self, w):
        """A login process: it alone has to do with TLS."""
        return next(
            pid
            for pid in ks.children(self.program.pid)
            if ks.command_of(pid) == "dovecot/imap-login"
        )

    def talk(self, w, tls):
        with tls.makefile("rwb") as stream:
            self.greet(stream)
            command(stream, f'LOGIN {READER} "{PASSWORD}"')
            command(stream, "SELECT INBOX", "1 EXISTS")
            command(stream, "FETCH 1 BODY[TEXT]", "Hello.")
            command(stream, "LOGOUT")

    def greet(self, stream):
        pass


class Imaps(Dovecot):
    """As Debian has it. A connection is held, so that there is a process that
    has signed."""

    name = "Dovecot, imaps, a process for each connection"
    port = 993

    def start(self, w):
        super().start(w)
        self.hold()

    def reload(self, w):
        super().reload(w)
        self.hold()

    def hold(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        plain = socket.create_connection(("127.0.0.1", self.port), 10)
        self.held = context.wrap_socket(plain)

    def greet(self, stream):
        ks.check(stream.readline().startswith(b"* OK"), "no greeting")


class Starttls(Dovecot):
    name = "Dovecot, STARTTLS, processes for many connections"
    port = 143
    starttls = "imap"
    settings = """
service imap-login {
  %(many)s
  process_min_avail = 2
}
"""

    def prepare(self, plain):
        with plain.makefile("rwb") as stream:
            ks.check(stream.readline().startswith(b"* OK"), "no greeting")
            command(stream, "STARTTLS")


SERVERS = [Imaps(), Starttls()]

if __name__ == "__main__":
    matrix.main(SERVERS)
