#!/usr/bin/env python3
"""Mosquitto, with a listener for each certificate."""

import os
import shutil

import matrix
import world
from world import ks

TOPIC, TEXT = b"house/door", b"open"
CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x82, 0x90


def text(data):
    return len(data).to_bytes(2, "big") + data


def message(kind, body):
    return bytes([kind, len(body)]) + body


def receive(stream, kind):
    """The body of the next message, which must be of this kind."""
    head = stream.read(2)
    ks.check(head[:1] == bytes([kind]), f"{kind:x} expected: {head}")
    return stream.read(head[1])


class Mosquitto(matrix.Server):
    name = "Mosquitto"
    runs = "mosquitto; root until it has its ports"
    reloads = "HUP"
    allow = "mosquitto"
    renews = True
    port = 8883

    def configure(self, w, certs):
        os.chmod("/etc/ssl/private", 0o711)
        lines = ["allow_anonymous true"]
        for number, cert in enumerate(certs.values()):
            shutil.chown(cert.key, "mosquitto")
            lines += [f"listener {self.port + number} 127.0.0.1"]
            lines += [f"certfile {cert.cert}", f"keyfile {cert.key}"]
        world.write(
            "/etc/mosquitto/conf.d/tls.conf", "".join(f"{x}\n" for x in lines)
        )

    def port_for(self, kind):
        return self.port + ("ECDSA" in kind)

    def start(self, w):
        for folder in ("/var/log/mosquitto", "/run/mosquitto"):
            os.makedirs(folder, 0o740, exist_ok=True)
            shutil.chown(folder, "mosquitto")
        self.program = w.service(
            ["/usr/sbin/mosquitto", "-c", "/etc/mosquitto/mosquitto.conf"],
            "mosquitto",
        )
        world.listening(self.port, self.port + 1)

    def stop(self, w):
        self.program.stop()

    def reload(self, w):
        said = "Reloading config"
        before = ks.read_text(self.logs()[0]).count(said)
        os.kill(self.program.pid, 1)
        ks.wait_for(
            "reload", lambda: ks.read_text(self.logs()[0]).count(said) > before
        )

    def master(self, w):
        return self.program.pid

    def talk(self, w, tls):
        """What is published comes back to who has subscribed to it."""
        with tls.makefile("rwb") as stream:
            for kind, body, answer in (
                (CONNECT, text(b"MQTT") + b"\4\2\0\x3c" + text(b"me"), CONNACK),
                (SUBSCRIBE, b"\0\1" + text(TOPIC) + b"\0", SUBACK),
                (PUBLISH, text(TOPIC) + TEXT, PUBLISH),
            ):
                stream.write(message(kind, body))
                stream.flush()
                body = receive(stream, answer)
            ks.check(body == text(TOPIC) + TEXT, f"published: {body}")

    def logs(self):
        return ("/var/log/mosquitto/mosquitto.log",)


SERVERS = [Mosquitto()]

if __name__ == "__main__":
    matrix.main(SERVERS)
