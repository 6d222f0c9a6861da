#!/usr/bin/env python3
"""FreeRADIUS: RADIUS over TLS, and TLS inside of EAP."""

import hashlib
import hmac
import os
import struct

import matrix
import world
from world import ks

HERE = "/etc/freeradius/3.0"
READER, PASSWORD = "reader", "open sesame"
SECRET = b"radsec"
LISTENER = """listen {{
  ipaddr = 127.0.0.1
  port = {port}
  type = auth
  proto = tcp
  clients = radsec
  virtual_server = default
  limit {{
    max_connections = 0
    idle_timeout = 30
  }}
  tls {{
    private_key_file = {cert.key}
    certificate_file = {cert.cert}
    require_client_cert = no
    tls_min_version = "1.2"
    tls_max_version = "1.3"
  }}
}}
"""
CLIENTS = """clients radsec {
  client 127.0.0.1 {
    ipaddr = 127.0.0.1
    proto = tls
    secret = radsec
    limit {
      max_connections = 0
    }
  }
}
"""
EAP = """eap {{
  default_eap_type = ttls
  timer_expire = 60
  max_sessions = 100
  tls-config tls-common {{
    private_key_file = {cert.key}
    certificate_file = {cert.cert}
    cipher_list = "DEFAULT"
    tls_min_version = "1.2"
    tls_max_version = "1.3"
  }}
  ttls {{
    tls = tls-common
    default_eap_type = md5
    virtual_server = inner-tunnel
  }}
}}
"""
SUPPLICANT = """network={{
  key_mgmt=IEEE8021X
  eap=TTLS
  identity="{who}"
  password="{password}"
  phase1="tls_disable_tlsv1_3={no_13}"
  phase2="auth=PAP"
  ca_cert="{ca}"
}}
"""


def attribute(kind, value):
    return bytes([kind, 2 + len(value)]) + value


def access_request(identifier=7):
    """RFC 2865, 3579: a name, a password, and a proof of the secret."""
    nonce = os.urandom(16)
    padded = PASSWORD.encode().ljust(16, b"\0")
    mask = hashlib.md5(SECRET + nonce).digest()
    hidden = bytes(a ^ b for a, b in zip(padded, mask))
    body = attribute(1, READER.encode()) + attribute(2, hidden)
    head = struct.pack("!BBH", 1, identifier, 20 + len(body) + 18) + nonce
    unproved = head + body + attribute(80, bytes(16))
    proof = hmac.new(SECRET, unproved, "md5").digest()
    return head + body + attribute(80, proof)


class FreeRADIUS(matrix.Server):
    name = "FreeRADIUS, RADIUS over TLS and EAP-TTLS"
    runs = "freerad"
    also = "EAP-TTLS of TLS 1.3 and 1.2"
    allow = "freerad"
    tells = False
    port = 2083

    def configure(self, w, certs):
        self.certs = certs
        listeners = "".join(
            LISTENER.format(port=self.port + n, cert=cert)
            for n, cert in enumerate(certs.values())
        )
        world.write(f"{HERE}/sites-enabled/radsec", listeners + CLIENTS)
        os.unlink(f"{HERE}/mods-enabled/eap")
        world.write(f"{HERE}/mods-enabled/eap", EAP.format(cert=certs["rsa"]))
        users = f"{HERE}/mods-config/files/authorize"
        known = f'{READER} Cleartext-Password := "{PASSWORD}"\n'
        world.write(users, known + ks.read_text(users))
        for cert in certs.values():
            world.hand_over(cert.key, "freerad", 0o640)

    def port_for(self, kind):
        return self.port + ("ECDSA" in kind)

    def start(self, w):
        os.makedirs("/run/freeradius", 0o755, exist_ok=True)
        ks.run_ok(["chown", "freerad:freerad", "/run/freeradius"])
        self.program = w.service(
            ["/usr/sbin/freeradius", "-f"],
            "freeradius",
            user="freerad",
            group="freerad",
            extra_groups=["ssl-cert"],
        )
        world.listening(self.port, self.port + 1)

    def stop(self, w):
        self.program.stop()

    def master(self, w):
        return self.program.pid

    def talk(self, w, tls):
        tls.sendall(access_request())
        answer = tls.recv(4096)
        ks.check(answer[:2] == b"\x02\x07", f"no Access-Accept: {answer}")

    def more(self, c):
        for version in ("1.3", "1.2"):
            c.test(f"EAP-TTLS, TLS {version}", self.eap, c.w, version)

    def eap(self, w, version):
        settings = w.write(
            "supplicant.conf",
            SUPPLICANT.format(
                who=READER,
                password=PASSWORD,
                no_13=int(version != "1.3"),
                ca=self.certs["rsa"].cert,
            ),
        )
        text = ks.run_ok(
            ["eapol_test", "-c", settings, "-s", "testing123", "-t", "20"],
            env=dict(world.ENVIRONMENT, OPENSSL_CONF="/dev/null"),
        )
        ks.expect_words(text, f"SSL: Using TLS version TLSv{version}")
        ks.check(text.rstrip().endswith("SUCCESS"), text[-2000:])

    def logs(self):
        return ("/var/log/freeradius/radius.log",)


SERVERS = [FreeRADIUS()]

if __name__ == "__main__":
    matrix.main(SERVERS)
