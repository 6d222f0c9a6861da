#!/usr/bin/env python3
"""The lines of docs/APPLICATIONS.md, as the tests declare them: each program in
tests/servers/list has SERVERS, and each of those is a line, or NOT, what cannot
work. Run by hand, it writes them into the file."""

import importlib
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
DOCUMENT = os.path.join(HERE, "../../docs/APPLICATIONS.md")


def tests():
    """(module, whether it is in CI's run)"""
    with open(os.path.join(HERE, "list"), encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                name, where = line.split()[:2]
                yield importlib.import_module(f"{name}_test"), where == "ci"


def handshakes(kinds):
    """TLS 1.3, RSA; TLS 1.3, ECDSA; TLS 1.2, RSA → 1.3: RSA, ECDSA; 1.2: RSA"""
    versions = {}
    for kind in kinds:
        version, what = kind.removeprefix("TLS ").split(", ", maxsplit=1)
        versions.setdefault(version, []).append(what)
    return "; ".join(f"{v}: {', '.join(w)}" for v, w in versions.items())


def know(server):
    silent = [] if server.tells else ["its log does not say that keyd is away"]
    return "; ".join([server.know, *silent] if server.know else silent)


def works(server, in_ci):
    return (
        server.name,
        server.runs,
        handshakes(server.handshakes),
        reload(server),
        server.also,
        know(server),
        "yes" if in_ci else "",
    )


def reload(server):
    if server.reloads and not server.seamless:
        return f"{server.reloads}; cuts connections off"
    if server.renews:
        return f"{server.reloads}; also to other keys"
    return server.reloads or "none"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def tables():
    """{name of a table in the document: its rows}"""
    found = {"works": [], "not": []}
    for module, in_ci in tests():
        for server in getattr(module, "SERVERS", ()):
            found["works"].append(row(works(server, in_ci)))
        for cells in getattr(module, "NOT", ()):
            found["not"].append(row(cells))
    return {name: sorted(rows, key=str.lower) for name, rows in found.items()}


def place(name):
    """Matches the rows of a table, behind its head."""
    return re.compile(
        rf"(?m)^<!-- {name} -->\n\|.*\n\|[-|]+\|\n((?:\|.*\n)*)"
    )


def written(name, text):
    """The rows that stand in the document."""
    return place(name).search(text)[1].splitlines()


def main():
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read()
    for name, rows in tables().items():
        match = place(name).search(text)
        lines = "".join(f"{line}\n" for line in rows)
        text = text[: match.start(1)] + lines + text[match.end(1) :]
    with open(DOCUMENT, "w", encoding="utf-8") as f:
        f.write(text)


if __name__ == "__main__":
    main()
