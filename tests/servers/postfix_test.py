#!/usr/bin/env python3
"""Postfix, chrooted as Debian has it: smtpd with STARTTLS and with TLS from the
start, with the two ways of naming keys, and the smtp client with a certificate
of its own."""

import contextlib
import re

import clients
import matrix
import world
from world import ks

SPOOL = "/var/spool/postfix"
READER = "reader"
CONFIGURE = "/usr/lib/postfix/configure-instance.sh"


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


def start(w):
    """As its unit, which in Debian 13 needs no script of its own for that."""
    check = ["/usr/sbin/postfix", "check"]
    if CONFIGURE in ks.read_text("/lib/systemd/system/postfix@.service"):
        check = [CONFIGURE, "-"]
    w.launch(check, "configure")
    w.launch(["/usr/sbin/postmulti", "-i", "-", "-p", "start"], "postfix")


def stop(w):
    pid = world.pid_in(f"{SPOOL}/pid/master.pid")
    w.launch(["/usr/sbin/postmulti", "-i", "-", "-p", "stop"], "stop")
    world.gone(pid)


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
        start(w)
        world.listening(self.port)

    def stop(self, w):
        stop(w)

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

    name = "Postfix smtpd, STARTTLS, `smtpd_tls_key_file`"
    port = 25
    starttls = "smtp"
    renews = True
    chroot = SPOOL

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


class Smtps(Postfix):
    """Key and certificate in one file each."""

    name = "Postfix smtpd, smtps, `smtpd_tls_chain_files`"
    port = 465

    def settings(self, certs):
        files = ", ".join(c.key for c in certs.values())
        return [f"smtpd_tls_chain_files={files}"]

    def configure(self, w, certs):
        for cert in certs.values():
            with open(cert.key, "a", encoding="ascii") as f:
                f.write(ks.read_text(cert.cert))
        super().configure(w, certs)
        service = "smtps inet n - y - - smtpd"
        ks.run_ok(["postconf", "-M", f"smtps/inet={service}"])
        wrapper = "smtps/inet/smtpd_tls_wrappermode=yes"
        ks.run_ok(["postconf", "-P", wrapper])

    def greet(self, stream):
        said(stream, b"220")


def sink(server, plain):
    """A server of letters; notes whom each is to. It offers TLS and takes
    letters without."""
    with plain.makefile("rwb") as stream:
        reply(stream, "220 sink", "EHLO")
        line = reply(stream, "250-sink\r\n250 STARTTLS", "")
        if line.startswith("MAIL"):
            server.seen.append((None, None, letter(stream)))
            goodbye(stream)
            return
        stream.write(b"220 go ahead\r\n")
        stream.flush()
    with server.wrap(plain) as tls, tls.makefile("rwb") as stream:
        ks.check(stream.readline().startswith(b"EHLO"), "no EHLO")
        reply(stream, "250 sink", "MAIL")
        server.note(tls, letter(stream))
        goodbye(stream)


def letter(stream):
    """From after MAIL to the letter's end; whom it is to."""
    to = reply(stream, "250 ok", "RCPT").partition("<")[2]
    reply(stream, "250 ok", "DATA")
    stream.write(b"354 go ahead\r\n")
    stream.flush()
    while stream.readline() != b".\r\n":
        pass
    return to.partition("@")[0]


def goodbye(stream):
    reply(stream, "250 ok", "QUIT")
    stream.write(b"221 bye\r\n")


def reply(stream, text, verb):
    """Says it; the command that follows, which must be that one."""
    stream.write(f"{text}\r\n".encode())
    stream.flush()
    line = stream.readline().decode()
    ks.check(line.startswith(verb), f"{verb} expected: {line}")
    return line


class Smtp(clients.Client):
    """A transport for each version and certificate."""

    name = "Postfix smtp, client"
    runs = "smtp: root until its chroot, then postfix"
    also = "a letter that waits while keyd is away is delivered after"
    know = (
        "with `smtp_tls_security_level = may`, Postfix sends in the clear"
        " what has waited for `minimal_backoff_time` while keyd is away: use"
        " `encrypt` or stricter"
    )
    allow = "postfix"
    letters = 0

    def configure(self, w, certs):
        self.w = w
        self.site = w.certificate("site", "rsa:2048")
        self.sink = clients.Demanding(self.site, certs, sink)
        routes = []
        for cert in certs.values():
            for version in ("TLSv1.2", "TLSv1.3"):
                self.add_transport(f"{cert.name}-{version}", cert, version)
                routes.append(self.route(cert.name, version))
        # Postfix would keep connections under load, and Debian's main.cf has
        # it resume sessions, for which nothing is signed: here each letter is
        # to be a full handshake.
        ks.run_ok(
            ["postconf", "-e", "inet_interfaces=127.0.0.1"]
            + ["smtp_connection_cache_on_demand=no"]
            + ["smtp_tls_session_cache_database="]
            + ["mydestination=", f"smtp_tls_CAfile={self.site.cert}"]
            + ["smtp_tls_security_level=encrypt", "smtp_host_lookup=native"]
            + [f"transport_maps=inline:{{{', '.join(routes)}}}"]
        )

    def start(self, w):
        start(w)

    def stop(self, w):
        stop(w)

    def route(self, name, version):
        where = f"{name}.{version}.example".lower()
        return f"{{{where}={name}-{version}:[127.0.0.1]:{clients.PORT}}}"

    def add_transport(self, name, cert, version):
        """The one certificate in two files, the other in one."""
        ks.run_ok(["postconf", "-M", f"{name}/unix={name} unix - - y - - smtp"])
        options = [f"smtp_tls_mandatory_protocols={version}"]
        if "ec" in name:
            options += [f"smtp_tls_chain_files={cert.key},{cert.cert}"]
        else:
            options += [f"smtp_tls_cert_file={cert.cert}"]
            options += [f"smtp_tls_key_file={cert.key}"]
        ks.run_ok(
            ["postconf", "-P", *(f"{name}/unix/{text}" for text in options)]
        )

    def once(self, version, cert):
        self.letters += 1
        me = f"letter{self.letters}"
        where = f"{cert.name}.{version}.example".lower()
        ks.run_ok(
            ["/usr/sbin/sendmail", "-f", "root@localhost", f"{me}@{where}"],
            stdin="Subject: a letter\n\nHello.\n",
        )
        pattern = rf"to=<{me}@\S+ .* status=(.*)"
        said = ks.wait_for(
            me, lambda: re.search(pattern, ks.read_text(self.w.syslog))
        )
        ks.check(said[1].startswith("sent"), said[1])
        ks.check(
            (version, cert.name, me) in self.sink.seen, f"{self.sink.seen}"
        )

    @contextlib.contextmanager
    def held(self, cert):
        """smtp waits for more to deliver."""
        self.once("TLSv1.3", cert)
        master = world.pid_in(f"{SPOOL}/pid/master.pid")
        yield next(
            pid for pid in ks.children(master) if ks.command_of(pid) == "smtp"
        )

    def more(self, c):
        c.test("in the clear without keyd, with `may`", self.in_the_clear, c)

    def in_the_clear(self, c):
        """Why `may` is not enough."""
        self.set_level("may", "1s")
        self.w.stop_keyd()
        try:
            self.once("TLSv1.3", c.of_kind("rsa"))
        except ks.Failed as e:
            ks.check("deferred" in str(e), e)
        wanted = (None, None, f"letter{self.letters}")
        ks.check(wanted not in self.sink.seen, "in the clear at once")
        ks.run_ok(["postqueue", "-f"])
        ks.wait_for("a letter in the clear", lambda: wanted in self.sink.seen)
        self.set_level("encrypt", "300s")
        self.w.start_keyd()
        ks.wait_for("a success with keyd", c.succeeds, 5)

    def set_level(self, level, backoff):
        ks.run_ok(
            ["postconf", "-e", f"smtp_tls_security_level={level}"]
            + [f"minimal_backoff_time={backoff}"]
        )
        ks.run_ok(["postfix", "reload"])

    def recovered(self, w):
        """No letter is lost."""
        ks.run_ok(["postqueue", "-f"])
        wanted = {f"letter{n + 1}" for n in range(self.letters)}
        ks.wait_for(
            "all letters", lambda: wanted == {to for *_, to in self.sink.seen}
        )


SERVERS = [Starttls(), Smtps(), Smtp()]

if __name__ == "__main__":
    matrix.main(SERVERS)
