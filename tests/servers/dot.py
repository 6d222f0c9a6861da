"""DNS over TLS: one question."""

import struct

from world import ks

QUESTION = struct.pack(">HHHHHH", 0x6B64, 0x0100, 1, 0, 0, 0)
A, IN = 1, 1


def exactly(tls, count):
    data = b""
    while len(data) < count:
        more = tls.recv(count - len(data))
        ks.check(more, "the connection ended")
        data += more
    return data


def ask(tls, name, address):
    """The address must be in the answer."""
    labels = b"".join(bytes([len(w)]) + w.encode() for w in name.split("."))
    message = QUESTION + labels + b"\0" + struct.pack(">HH", A, IN)
    tls.sendall(struct.pack(">H", len(message)) + message)
    (length,) = struct.unpack(">H", exactly(tls, 2))
    answer = exactly(tls, length)
    ks.check(answer[:2] == message[:2], "the answer to something else")
    wanted = bytes(int(part) for part in address.split("."))
    ks.check(answer.endswith(wanted), f"{name}: {answer!r}")
