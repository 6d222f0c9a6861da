#!/usr/bin/env python3
"""meson install puts everything where distributions expect it, hardened, and
with units that systemd understands.

    install_test.py BUILD
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from keyd_scratch import Tap, check, run, run_ok

PROGRAMS = {
    "keyd": "sbin",
    "keydctl": "sbin",
    "keyd-load": "libexec/openssl-keyd",
    "keyd-session": "libexec/openssl-keyd",
    "keyd-logger": "libexec/openssl-keyd",
    "keyd-probe": "libexec/openssl-keyd",
}
FILES = [
    "etc/apparmor.d/abstractions/base.d/openssl-keyd",
    "etc/openssl-keyd/keyd.conf",
    "etc/openssl-keyd/openssl.cnf",
    "usr/lib/systemd/system/openssl-keyd.service",
    "usr/lib/systemd/system/openssl-keyd.socket",
    "usr/lib/sysusers.d/openssl-keyd.conf",
    "usr/lib/tmpfiles.d/openssl-keyd.conf",
    "usr/share/bash-completion/completions/keydctl",
    "usr/share/man/man1/keydctl.1",
    "usr/share/man/man5/keyd-policy.5",
    "usr/share/man/man5/keyd.conf.5",
    "usr/share/man/man7/provider-keyd.7",
    "usr/share/man/man8/keyd.8",
    "usr/share/openssl-keyd/openssl-keyd.cnf",
]
tap = Tap()


def modules_dir():
    return run_ok(
        ["pkg-config", "--variable=modulesdir", "libcrypto"]
    ).strip()


def is_file(root, name):
    path = os.path.join(root, name.lstrip("/"))
    check(os.path.isfile(path), f"{name} is not there")
    return path


def hardened(path):
    """Position-independent, read-only relocations, no executable stack, bound
    at start, fortified or without a call that could be."""
    headers = run_ok(["readelf", "-hldW", path])
    check(re.search(r"Type:\s+DYN", headers), "not position-independent")
    check("GNU_RELRO" in headers, "no RELRO")
    check("BIND_NOW" in headers or "NOW" in headers, "not bound at start")
    stack = re.search(r"GNU_STACK.*", headers)
    check(stack and "RWE" not in stack[0], "executable stack")
    symbols = run_ok(["readelf", "--dyn-syms", "-W", path])
    check("__stack_chk_fail" in symbols, "no stack protector")


def one_symbol(path):
    text = run_ok(["nm", "-D", "--defined-only", path])
    names = {line.split()[-1].split("@")[0] for line in text.splitlines()}
    check(names == {"OSSL_provider_init"}, f"exported: {sorted(names)}")


def not_more(root):
    """Nothing is installed that is not expected: no test, no header."""
    expected = {f"usr/{where}/{name}" for name, where in PROGRAMS.items()}
    expected |= set(FILES)
    expected.add(f"{modules_dir().lstrip('/')}/keyd.so")
    found = set()
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), root)
            if not path.startswith("usr/share/doc/"):
                found.add(path)
    more = found - expected
    check(not more, f"installed as well: {sorted(more)}")


def units_verified(root):
    """As systemd reads them; paths stand for the installed ones."""
    with tempfile.TemporaryDirectory() as folder:
        for unit in ("openssl-keyd.service", "openssl-keyd.socket"):
            path = f"{root}/usr/lib/systemd/system/{unit}"
            with open(path, encoding="utf-8") as f:
                text = f.read()
            # verify looks for the program; it is below root.
            text = text.replace("=/usr/sbin/", f"={root}/usr/sbin/")
            text = re.sub(r"(?m)^Documentation=.*\n", "", text)
            with open(f"{folder}/{unit}", "w", encoding="utf-8") as f:
                f.write(text)
        status, text = run(
            ["systemd-analyze", "verify", "--man=no"]
            + [f"{folder}/openssl-keyd.service"]
            + [f"{folder}/openssl-keyd.socket"]
        )
        ours = [line for line in text.splitlines() if "openssl-keyd" in line]
        check(status == 0 and not ours, text)


def always_comes_back(root):
    """Programs wait for keyd: systemd must never give it up; and a reload that
    keyd refuses is one that fails."""
    with open(
        f"{root}/usr/lib/systemd/system/openssl-keyd.service", encoding="utf-8"
    ) as f:
        text = f.read()
    for line in (
        "Restart=always",
        "StartLimitIntervalSec=0",
        "ExecReload=/usr/sbin/keydctl -c /etc/openssl-keyd/keyd.conf reload",
    ):
        check(f"\n{line}\n" in text, f"no line {line}")
    check(
        text.index("StartLimitIntervalSec") < text.index("[Service]"),
        "a limit outside of [Unit] is ignored",
    )
    check(re.search(r"(?m)^After=.*nss-user-lookup.target", text), "After=")


def exposure(root):
    status, text = run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=50"]
        + [f"{root}/usr/lib/systemd/system/openssl-keyd.service"]
    )
    check(status == 0, text[-2000:])
    return text.splitlines()[-1]


def fragment_activates(root, conf):
    """The fragment works included behind the system's own configuration, and
    default stays active. The provider's place is the build's here."""
    with tempfile.TemporaryDirectory() as folder:
        fragment = f"{root}/usr/share/openssl-keyd/openssl-keyd.cnf"
        with open(fragment, encoding="utf-8") as f:
            text = f.read()
        check("[keyd_section]\nactivate = 1\n" in text, "the section")
        module = f"{root}{modules_dir()}/keyd.so"
        text = text.replace(
            "[keyd_section]\n", f"[keyd_section]\nmodule = {module}\n"
        )
        with open(f"{folder}/fragment", "w", encoding="utf-8") as f:
            f.write(text)
        with open(f"{root}/{conf}", encoding="utf-8") as f:
            main = f.read()
        main = main.replace(
            "/usr/share/openssl-keyd/openssl-keyd.cnf", f"{folder}/fragment"
        )
        with open(f"{folder}/conf", "w", encoding="utf-8") as f:
            f.write(main)
        env = dict(os.environ, OPENSSL_CONF=f"{folder}/conf")
        text = run_ok(["openssl", "list", "-providers"], env=env)
        check(re.search(r"(?m)^  default$", text), text)
        check(re.search(r"(?m)^  keyd$", text), text)


def settings_kept(root, install):
    """What the operator has set is there after the next installation."""
    path = f"{root}/etc/openssl-keyd/keyd.conf"
    with open(path, encoding="utf-8") as f:
        text = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write("log-level = debug\n")
    install()
    with open(path, encoding="utf-8") as f:
        check(f.read() == "log-level = debug\n", "keyd.conf was replaced")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def named_files_exist(root):
    """Units name documentation that is installed."""
    for unit in ("openssl-keyd.service", "openssl-keyd.socket"):
        with open(
            f"{root}/usr/lib/systemd/system/{unit}", encoding="utf-8"
        ) as f:
            named = re.findall(r"(?m)^Documentation=(.*)$", f.read())
        check(len(named) == 2, f"{unit}: {named}")
        page = re.match(r"man:([a-z.-]+)\((.)\)$", named[0])
        check(page, named[0])
        is_file(root, f"usr/share/man/man{page[2]}/{page[1]}.{page[2]}")
        is_file(root, named[1].replace("file://", ""))


def links_lead_somewhere(root):
    """What the installed README refers to is installed."""
    readme = is_file(root, "usr/share/doc/openssl-keyd/README.md")
    with open(readme, encoding="utf-8") as f:
        links = re.findall(r"\]\(([^)#:]+)\)", f.read())
    check(links, "no links?")
    for link in links:
        is_file(os.path.dirname(readme), link)


def scripts_ask_first():
    """What a script does not know makes it do nothing."""
    top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
    for words, code in (
        (["tests/run", "--help"], 0),
        (["tests/run", "--nonsense"], 2),
        (["tests/run", "--no-install", "no-such-suite"], 2),
        (["conf/quickstart", "--nonsense"], 2),
    ):
        status, text = run([os.path.join(top, words[0]), *words[1:]], timeout=10)
        check(status == code, f"{words}: exit {status}\n{text}")
        check(f"{words[0]} [-" in text or f"{words[0]} -" in text, text)
        check("built" not in text and "shown in" not in text, text)


def places_exist(root):
    """Of the files that pages name, those below /usr and in our folder of /etc
    are there, and none is where another prefix would have it."""
    n = 0
    for name in FILES:
        if "/man/" not in name:
            continue
        with open(f"{root}/{name}", encoding="utf-8") as f:
            paths = re.findall(r"/(?:usr|etc/openssl-keyd)/[\w./-]+\w", f.read())
        for path in paths:
            if "/keys.d/" in path:
                continue  # the operator's
            check("/local/" not in path, f"{name}: {path}")
            check(os.path.exists(root + path), f"{name}: {path}")
            n += 1
    check(n > 10, f"{n} paths were found")


def main():
    build = os.path.abspath(sys.argv[1])
    root = tempfile.mkdtemp(prefix="keyd-install.")
    try:
        # A build of its own kind of prefix: what a package would ask for.
        run_ok(
            ["meson", "setup", "--prefix=/usr", "--sysconfdir=/etc"]
            + ["--libexecdir=libexec", f"{root}.build"]
            + [os.path.join(os.path.dirname(__file__), "../..")]
        )
        run_ok(["meson", "compile", "-C", f"{root}.build"], timeout=300)

        def install():
            run_ok(
                ["meson", "install", "--no-rebuild", "-C", f"{root}.build"],
                env=dict(os.environ, DESTDIR=root),
            )

        install()
        binaries = [f"usr/{where}/{name}" for name, where in PROGRAMS.items()]
        binaries.append(f"{modules_dir()}/keyd.so".lstrip("/"))
        for name in binaries + FILES:
            tap.run(f"installs {name}", lambda: is_file(root, name) and None)
        for name in binaries:
            tap.run(f"{name} is hardened", hardened, f"{root}/{name}")
        tap.run(
            "the provider exports one symbol", one_symbol, f"{root}/{binaries[-1]}"
        )
        tap.run("installs nothing else", not_more, root)
        tap.run("an upgrade keeps settings", settings_kept, root, install)
        tap.run("scripts do nothing that was not asked", scripts_ask_first)
        tap.run("README names what is installed", links_lead_somewhere, root)
        tap.run("units name what there is to read", named_files_exist, root)
        tap.run("systemd-analyze verify has nothing to say", units_verified, root)
        tap.run("the service is never given up", always_comes_back, root)
        tap.run("systemd-analyze security is content", exposure, root)
        tap.run(
            "the openssl.cnf fragment activates the provider",
            fragment_activates,
            root,
            "etc/openssl-keyd/openssl.cnf",
        )
        tap.run("the manual names what is installed", places_exist, root)
    finally:
        shutil.rmtree(root)
        shutil.rmtree(f"{root}.build", ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
