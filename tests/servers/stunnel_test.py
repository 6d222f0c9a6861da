#!/usr/bin/env python3
"""stunnel in a jail: chroot, setuid, setgid, pid and output in it. Reloaded, it
looks for all files in the jail, so /etc/stunnel is
mounted there too, and its user known."""

import os
import re
import shutil
import signal

import matrix
import world
from world import ks

JAIL = "/var/lib/stunnel4"
SETTINGS = """chroot = {jail}
setuid = stunnel4
setgid = stunnel4
pid = /stunnel.pid
output = /stunnel.log

[rsa]
accept = 8443
connect = 127.0.0.1:8080
cert = {rsa.cert}
key = {rsa.key}
ciphers = ALL

[ec]
accept = 8444
connect = 127.0.0.1:8080
cert = {ec.cert}
key = {ec.key}
"""


class Stunnel(matrix.Server):
    name = "stunnel"
    port = 8443
    seamless = False
    know = (
        "a reload looks for settings and keys in the chroot; it closes its"
        " ports and binds them again, as its own user: for those below 1024"
        " restart it instead"
    )
    runs = "stunnel4, in a chroot"
    allow = "stunnel4"
    uses = ("tls-server", "tls-rsa-kx")
    handshakes = tuple(matrix.HANDSHAKES)
    reloads = "HUP"
    also = "`chroot`, `setuid`, `setgid`, `pid`, `output`"

    def port_for(self, kind):
        return 8444 if kind.endswith("ECDSA") else 8443

    def configure(self, w, certs):
        os.makedirs(f"{JAIL}/etc/stunnel", exist_ok=True)
        world.hand_over(JAIL, "stunnel4", 0o1770)
        world.bind("/etc/stunnel", f"{JAIL}/etc/stunnel")
        for name in ("passwd", "group"):
            lines = ks.run_ok(["grep", "^stunnel4:", f"/etc/{name}"])
            world.write(f"{JAIL}/etc/{name}", lines)
        for name, cert in certs.items():
            for what in ("key", "cert"):
                path = f"/etc/stunnel/{name}.{what}"
                shutil.copyfile(getattr(cert, what), path)
                setattr(cert, what, path)
            world.hand_over(cert.key, "stunnel4", 0o640)
        world.write(
            "/etc/stunnel/site.conf", SETTINGS.format(jail=JAIL, **certs)
        )
        w.http_backend(8080)

    def start(self, w):
        w.launch(["/usr/bin/stunnel4", "/etc/stunnel/site.conf"], "stunnel")
        world.listening(8443, 8444)

    def stop(self, w):
        pid = self.master(w)
        os.kill(pid, signal.SIGTERM)
        world.gone(pid)

    def reload(self, w):
        before = self.loads()
        os.kill(self.master(w), signal.SIGHUP)
        matrix.wait_for("a reload", lambda: self.loads() > before)

    def loads(self):
        text = ks.read_text(f"{JAIL}/stunnel.log")
        return len(re.findall("Configuration (?:success|re)", text))

    def master(self, w):
        return world.pid_in(f"{JAIL}/stunnel.pid")

    def logs(self):
        return (f"{JAIL}/stunnel.log",)


SERVERS = [Stunnel()]

if __name__ == "__main__":
    matrix.main(SERVERS)
