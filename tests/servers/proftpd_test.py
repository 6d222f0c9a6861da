#!/usr/bin/env python3
"""ProFTPD with mod_tls, which takes on the user who logs in."""

import ftplib
import os

import matrix
import world
from world import ks

READER, PASSWORD = "reader", "open sesame"
HOME = f"/var/lib/{READER}"


def command(stream, text, code):
    """The last line of the reply, which must have this code."""
    if text:
        stream.write(f"{text}\r\n".encode())
        stream.flush()
    while True:
        line = stream.readline()
        ks.check(line.startswith(code.encode()), f"{text}: {line!r}")
        if line[3:4] != b"-":
            return line.decode()


class ProFTPD(matrix.Server):
    name = "ProFTPD"
    runs = "root, with proftpd's effective ids, then the user's"
    reloads = "HUP"
    also = "a full handshake for data, with `NoSessionReuseRequired`"
    know = (
        "data connections resume the control connection's session, as"
        " ProFTPD demands; with `NoSessionReuseRequired` a full handshake is"
        " signed as the user who has logged in, whom `allow` must name too"
    )
    allow = "proftpd"
    renews = True
    port = 21
    starttls = "ftp"

    def configure(self, w, certs):
        self.write_settings(certs["rsa"], certs["ec"])
        ks.run_ok(["useradd", "-m", "-d", HOME, "-s", "/bin/bash", READER])
        ks.run_ok(["chpasswd"], stdin=f"{READER}:{PASSWORD}\n")
        world.write(f"{HOME}/letter", "Hello.\n")

    def write_settings(self, rsa, ec, more=""):
        world.write(
            "/etc/proftpd/conf.d/tls.conf",
            f"""LoadModule mod_tls.c
TLSEngine on
TLSLog /var/log/proftpd/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSRSACertificateFile {rsa.cert}
TLSRSACertificateKeyFile {rsa.key}
TLSECCertificateFile {ec.cert}
TLSECCertificateKeyFile {ec.key}
UseIPv6 off
{more}
""",
        )

    def start(self, w):
        w.launch(["/usr/sbin/proftpd", "-c", "/etc/proftpd/proftpd.conf"], "p")
        world.listening(self.port)

    def stop(self, w):
        pid = self.master(w)
        os.kill(pid, 15)
        world.gone(pid)

    def reload(self, w):
        said = "received SIGHUP"
        before = self.log().count(said)
        os.kill(self.master(w), 1)
        ks.wait_for("reload", lambda: self.log().count(said) > before)

    def log(self):
        return ks.read_text(self.logs()[0])

    def master(self, w):
        return world.pid_in("/run/proftpd.pid")

    def prepare(self, plain):
        with plain.makefile("rwb") as stream:
            command(stream, "", "220")
            command(stream, "AUTH TLS", "234")

    def talk(self, w, tls):
        with tls.makefile("rwb") as stream:
            command(stream, f"USER {READER}", "331")
            command(stream, f"PASS {PASSWORD}", "230")
            command(stream, "QUIT", "221")
        self.fetch(w)

    def fetch(self, w):
        """A file, over a connection of its own, which has TLS too."""
        text = ks.run_ok(
            ["curl", "-sS", "--ssl-reqd", "--cacert", w.path("trusted.pem")]
            + ["--user", f"{READER}:{PASSWORD}", "ftp://localhost/letter"],
            env={"OPENSSL_CONF": "/dev/null"},
        )
        ks.check(text == "Hello.\n", text)

    def more(self, c):
        c.test("a full handshake for data", self.full_handshakes, c)

    def full_handshakes(self, c):
        """It is the user who has logged in that asks keyd then."""
        rsa, ec = c.certs["rsa"], c.certs["ec"]
        self.write_settings(rsa, ec, "TLSOptions NoSessionReuseRequired")
        self.reload(c.w)
        try:
            self.fetch_afresh(c)
        except ftplib.all_errors:
            said = ks.read_text(self.logs()[1])
            ks.expect_words(said[-1000:], "add the user to `allow`")
        else:
            raise ks.Failed(f"signed for {READER}, whom allow does not name")
        for cert in c.certs.values():
            c.w.policy(cert, allow=f"{self.allow} {READER}")
        self.fetch_afresh(c)

    def fetch_afresh(self, c):
        with ftplib.FTP_TLS(context=c.context, timeout=10) as ftp:
            ftp.connect("localhost", self.port)
            ftp.login(READER, PASSWORD)
            ftp.prot_p()
            lines = []
            ftp.retrlines("RETR letter", lines.append)
        ks.check(lines == ["Hello."], f"{lines}")

    def logs(self):
        return ("/var/log/proftpd/proftpd.log", "/var/log/proftpd/tls.log")


SERVERS = [ProFTPD()]

if __name__ == "__main__":
    matrix.main(SERVERS)
