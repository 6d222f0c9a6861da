#!/usr/bin/env python3
"""Looks for private keys in the memory of running processes.

    memscan.py --key KEY.pem [--key …] [--json] [--repeat N] PID…
    memscan.py --self-test

Reads every mapping of each process through /proc/PID/mem and looks for the
secret numbers of the given keys (RSA: d p q dP dQ qInv; EC: the scalar), each

    big-endian      as in a key file
    little-endian   as in 64-bit limbs, the lowest first (a BIGNUM)
    limbs-reversed  64-bit limbs, the highest first
    base64          at its three alignments: the body of a PEM file, too
    hex, HEX        two digits a byte

What is left of a number after most of it was overwritten is found as well. The
needles are all 8-byte windows of each encoding; the memory is walked in aligned
8-byte words. So any 15 bytes in a row contain a word that is a needle, wherever
they start. A hit is then extended in both directions and counts when it is
longer than chance could make it (RUN).

Exit status: 0 nothing found, 1 found, 2 a process could not be read (zero bytes
read included) or the arguments are wrong.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile

WORD = 8
CHUNK = 1 << 20
LARGEST = 1 << 32  # a larger mapping is a reservation: reported, not read
# Bytes in a row that must agree. 16 characters of base64 are 96 bits, 24 of
# hex too.
RUN = {"raw": 12, "base64": 16, "hex": 24}


# --- keys -------------------------------------------------------------------


class DerError(Exception):
    pass


def der_read(data, pos):
    """(tag, content, end) of the element at pos."""
    if pos + 2 > len(data):
        raise DerError("truncated")
    tag, length, pos = data[pos], data[pos + 1], pos + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(data[pos : pos + count], "big")
        pos += count
    if pos + length > len(data):
        raise DerError("truncated")
    return tag, data[pos : pos + length], pos + length


def der_children(data):
    pos, out = 0, []
    while pos < len(data):
        tag, content, pos = der_read(data, pos)
        out.append((tag, content))
    return out


def pem_body(text):
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith("-----BEGIN") and "PRIVATE KEY" in line:
            inside, lines = True, []
        elif line.startswith("-----END") and inside:
            return base64.b64decode("".join(lines))
        elif inside and ":" not in line:
            lines.append(line.strip())
    raise DerError("no PRIVATE KEY in it")


def key_numbers(der):
    """The secret numbers of a DER key (PKCS#8, PKCS#1 or SEC1) as
    {name: big-endian bytes}."""
    tag, content, _ = der_read(der, 0)
    if tag != 0x30:
        raise DerError("not a SEQUENCE")
    items = der_children(content)
    if len(items) >= 3 and items[1][0] == 0x30 and items[2][0] == 0x04:
        return key_numbers(items[2][1])  # PKCS#8
    if len(items) >= 9 and all(tag == 0x02 for tag, _ in items[:9]):
        names = [None, None, None, "d", "p", "q", "dP", "dQ", "qInv"]
        return {
            name: value.lstrip(b"\0")
            for name, (_, value) in zip(names, items)
            if name
        }
    if len(items) >= 2 and items[0] == (0x02, b"\1") and items[1][0] == 0x04:
        return {"scalar": items[1][1]}
    raise DerError("neither an RSA nor an EC key")


def load_key(path):
    with open(path, encoding="latin-1") as f:
        return key_numbers(pem_body(f.read()))


# --- needles ----------------------------------------------------------------


def limbs_reversed(number):
    padded = number.rjust(-(-len(number) // WORD) * WORD, b"\0")
    return b"".join(
        padded[i : i + WORD][::-1] for i in range(0, len(padded), WORD)
    )


def base64_forms(number):
    """The characters that depend on the number alone, whatever stands before
    and behind it, for each of the three alignments."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + number)
        yield text[4 if shift else 0 : (shift + len(number)) // 3 * 4]


def encodings(number):
    """(encoding, kind, bytes) of a secret number."""
    yield "big-endian", "raw", number
    yield "little-endian", "raw", number[::-1]
    yield "limbs-reversed", "raw", limbs_reversed(number)
    for text in base64_forms(number):
        yield "base64", "base64", text
    yield "hex", "hex", number.hex().encode()
    yield "HEX", "hex", number.hex().upper().encode()


class Needles:
    """All 8-byte windows of all encodings of all keys."""

    def __init__(self):
        self.patterns = []  # (label, encoding, kind, bytes)
        self.places = {}  # word → [(pattern, offset)]

    def add_key(self, label, numbers):
        for name, number in numbers.items():
            for encoding, kind, data in encodings(number):
                self.add(f"{label} {name}", encoding, kind, data)

    def add(self, label, encoding, kind, data):
        index = len(self.patterns)
        self.patterns.append((label, encoding, kind, data))
        for offset in range(len(data) - WORD + 1):
            window = data[offset : offset + WORD]
            if len(set(window)) < 3:
                continue  # padding, not secret
            word = int.from_bytes(window, sys.byteorder)
            self.places.setdefault(word, []).append((index, offset))
        self.words = frozenset(self.places)


# --- memory -----------------------------------------------------------------


class Process:
    """What a scan of one process brought."""

    def __init__(self, pid):
        self.pid = pid
        self.read = 0
        self.unreadable = []  # (start, end, name, reason)
        self.found = {}  # (label, encoding) → (address, matching bytes, name)

    def report(self):
        return {
            "pid": self.pid,
            "read": self.read,
            "unreadable": [
                {"range": f"{a:x}-{b:x}", "name": name, "reason": reason}
                for a, b, name, reason in self.unreadable
            ],
            "found": [
                {
                    "what": label,
                    "encoding": encoding,
                    "address": f"{address:x}",
                    "bytes": run,
                    "where": name,
                }
                for (label, encoding), (address, run, name) in sorted(
                    self.found.items()
                )
            ],
        }


def mappings(pid):
    with open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as f:
        for line in f:
            fields = line.split(None, 5)
            start, end = (int(x, 16) for x in fields[0].split("-"))
            name = fields[5].strip() if len(fields) > 5 else "anonymous"
            yield start, end, name


def matching_run(memory, at, pattern, offset):
    """How many bytes agree around the word at memory[at], pattern[offset]."""
    start, end = 0, WORD
    while (
        offset + start > 0
        and at + start > 0
        and memory[at + start - 1] == pattern[offset + start - 1]
    ):
        start -= 1
    while (
        offset + end < len(pattern)
        and at + end < len(memory)
        and memory[at + end] == pattern[offset + end]
    ):
        end += 1
    return end - start


def search(memory, needles, process, base, name):
    usable = len(memory) // WORD * WORD
    view = memoryview(memory)[:usable].cast("Q")
    hits = needles.words.intersection(view)
    if not hits:
        return
    for position, word in enumerate(view):
        if word not in hits:
            continue
        for index, offset in needles.places[word]:
            label, encoding, kind, data = needles.patterns[index]
            run = matching_run(memory, position * WORD, data, offset)
            if run < min(RUN[kind], len(data)):
                continue
            known = process.found.get((label, encoding))
            if not known or known[1] < run:
                process.found[(label, encoding)] = (
                    base + position * WORD,
                    run,
                    name,
                )


def scan_mapping(mem, start, end, name, needles, process):
    # Consecutive pieces overlap, so that nothing hides across a boundary.
    overlap = 4096
    pos, tail = start, b""
    while pos < end:
        want = min(CHUNK, end - pos)
        try:
            data = os.pread(mem, want, pos)
        except OSError as e:
            process.unreadable.append((pos, end, name, e.strerror))
            return
        if not data:
            process.unreadable.append((pos, end, name, "nothing there"))
            return
        process.read += len(data)
        if data.count(0) != len(data):
            search(tail + data, needles, process, pos - len(tail), name)
        pos += len(data)
        tail = data[-overlap:] if len(data) % WORD == 0 else b""


def scan(pid, needles):
    """Scans one process. OSError when it cannot be read at all."""
    process = Process(pid)
    mem = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for start, end, name in mappings(pid):
            if name in ("[vsyscall]", "[vvar]", "[vvar_vclock]"):
                continue  # the kernel's pages, the same for all
            if end - start > LARGEST:
                process.unreadable.append((start, end, name, "too large"))
                continue
            scan_mapping(mem, start, end, name, needles, process)
    finally:
        os.close(mem)
    return process


def needles_of(paths):
    needles = Needles()
    for path in paths:
        needles.add_key(os.path.basename(path), load_key(path))
    return needles


# --- self-test --------------------------------------------------------------

HOLDER = """
import mmap, sys
data = sys.stdin.buffer.read(int(sys.argv[2]))
m = mmap.mmap(-1, len(data) + 8192)
m[int(sys.argv[1]):int(sys.argv[1]) + len(data)] = data
del data
sys.stdout.write("held\\n"); sys.stdout.flush()
sys.stdin.buffer.read()
"""


def holding(data, at, fn):
    """Calls fn(pid) while a process of its own holds data in its memory."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(at), str(len(data))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        child.stdin.write(data)
        child.stdin.flush()
        if child.stdout.readline() != b"held\n":
            raise RuntimeError("the holder did not start")
        return fn(child.pid)
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()


def pem_text(path):
    with open(path, "rb") as f:
        return f.read()


def self_test_cases(path, numbers):
    """(what, bytes a process holds, what must be found exactly)"""
    everything = {}
    for name, number in numbers.items():
        for encoding, _, data in encodings(number):
            everything.setdefault((name, encoding), data)
    for (name, encoding), data in everything.items():
        yield f"{name} {encoding}", data, {(name, encoding)}
    first = next(iter(numbers))
    number = numbers[first]
    rest = number[5:20]
    yield f"15 bytes left of {first}", rest, {(first, "big-endian")}
    for shift in (0, 1, 2):
        text = base64.b64encode(b"x" * shift + number)
        yield f"{first} base64 shifted {shift}", text, {(first, "base64")}
    yield "the PEM file", pem_text(path), {(n, "base64") for n in numbers}
    yield "nothing", b"nothing of the kind " * 40, set()


def self_test():
    done = failed = 0
    with tempfile.TemporaryDirectory(prefix="memscan.") as folder:
        for kind in (
            ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
            ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        ):
            path = os.path.join(folder, "key.pem")
            subprocess.run(
                ["openssl", "genpkey", "-algorithm", *kind, "-out", path],
                check=True,
                stderr=subprocess.DEVNULL,
            )
            numbers = load_key(path)
            needles = needles_of([path])
            for at, (what, data, want) in enumerate(
                self_test_cases(path, numbers)
            ):
                got = holding(data, at % 13, lambda pid: scan(pid, needles))
                found = {
                    (label.split()[1], encoding)
                    for label, encoding in got.found
                }
                done += 1
                ok = got.read > 0 and found == want
                failed += not ok
                word = "ok" if ok else "not ok"
                print(f"{word} {done} - {kind[-1]}: finds {what}")
                if not ok:
                    print(f"# wanted {sorted(want)}, found {sorted(found)}")
    print(f"1..{done}")
    return 1 if failed else 0


# --- command ----------------------------------------------------------------


def size(n):
    return f"{n / 1e6:.1f} MB"


def show(process):
    line = f"process {process.pid}: {size(process.read)} read"
    if process.unreadable:
        total = sum(b - a for a, b, _, _ in process.unreadable)
        line += f", {len(process.unreadable)} ranges unreadable"
        line += f" ({size(total)})"
    print(line + (", FOUND:" if process.found else ", nothing found"))
    for start, end, name, reason in process.unreadable:
        print(f"  unreadable {start:x}-{end:x} {name}: {reason}")
    for entry in process.report()["found"]:
        print(
            f"  {entry['what']} as {entry['encoding']}, {entry['bytes']} bytes"
            f" at {entry['address']} ({entry['where']})"
        )


def main():
    parser = argparse.ArgumentParser(
        description="Looks for private keys in the memory of processes."
    )
    parser.add_argument("--key", action="append", default=[], metavar="FILE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeat", type=int, default=1, metavar="N")
    parser.add_argument("--self-test", action="store_true")
    parser.add_argument("pid", nargs="*", type=int)
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if not args.key or not args.pid:
        parser.error("a --key and a PID are needed")
    try:
        needles = needles_of(args.key)
    except (OSError, DerError, ValueError) as e:
        print(f"memscan: key: {e}", file=sys.stderr)
        return 2
    status, reports = 0, []
    for _ in range(args.repeat):
        for pid in args.pid:
            try:
                process = scan(pid, needles)
            except OSError as e:
                print(f"memscan: process {pid}: {e}", file=sys.stderr)
                status = 2
                continue
            if process.read == 0:
                status = 2
            elif process.found and status == 0:
                status = 1
            reports.append(process.report())
            if not args.json:
                show(process)
    if args.json:
        json.dump(reports, sys.stdout, indent=1)
        print()
    return status


if __name__ == "__main__":
    sys.exit(main())
