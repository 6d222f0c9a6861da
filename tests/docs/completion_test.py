#!/usr/bin/env python3
"""Completion for bash offers what keydctl takes, and nothing else."""

import grp
import os
import pty
import pwd
import re
import select
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
sys.path.insert(0, HERE)
from keyd_scratch import BUILD, DEADLINE, Failed, Tap, check, run_ok
from manual_test import Tables, same

SCRIPT = f"{BUILD}/conf/completion/keydctl"
# As bash calls the function when Tab is pressed at the end of the line.
DRIVER = """
source "$1" || exit 1
COMP_LINE=$2 COMP_POINT=${#2}
$(complete -p keydctl | sed 's/.*-F \\([^ ]*\\).*/\\1/') || exit 1
printf '%s\\n' "${COMPREPLY[@]}"
"""
tap = Tap()


def complete(line, cwd=None):
    """What is offered, as bash would put it in the place of the last word."""
    text = run_ok(
        ["bash", "--norc", "-c", f"cd {cwd or '/'} || exit 1\n{DRIVER}"]
        + ["-", SCRIPT, f"keydctl {line}"]
    )
    return text.splitlines() if text.strip() else []


def verbs(tables):
    offered = complete("")
    common = ["-c", "--json", "--help", "--version", "help"]
    same(offered, tables.first("verb") + common, "verbs")
    check(complete("res") == ["restore"], complete("res"))
    check(complete("--json re") == complete("re"), "behind --json")
    check(complete("-c /etc/passwd re") == complete("re"), "behind -c FILE")


def options(tables):
    for verb in tables.first("verb"):
        known = [o for o in tables.options(verb) if o.startswith("--")]
        same(complete(f"{verb} -"), known + ["--json", "--help"], verb)
    check(complete("import --we") == ["--weak-keys"], "one of them")


def arguments(tables):
    """Whatever takes an argument completes none of its options in its place."""
    for verb in tables.first("verb"):
        for option, takes in tables.options(verb).items():
            offered = complete(f"{verb} {option} --") if takes else []
            check(not offered, f"{verb} {option}: {offered}")


def uses(tables):
    same(complete("import --use "), tables.first("use"), "--use")
    same(
        complete("generate --use csr,tls-"),
        [f"csr,{use}" for use in tables.first("use") if use.startswith("tls-")],
        "behind a comma",
    )
    check(complete("import --use=dec") == ["decrypt"], "behind =")


def types(tables):
    offered = complete("generate site --type ")
    for option, has_bits in tables["type"]:
        found = [t for t in offered if t.split(":")[0] == option or t == option]
        check(found, f"{option} is not offered")
        check(len(found) > 1 or has_bits == "0", f"{option}: {found}")
    known = tables.first("type")
    for t in offered:
        check(t in known or t.split(":")[0] in known, f"there is no {t}")
    # Bash replaces what is behind the colon.
    same(complete("generate site --type ec:P-2"), ["P-256", "P-224"], "ec:")
    check(complete("generate site --type=ec:P-38") == ["P-384"], "behind =")


def who():
    users = {user.pw_name for user in pwd.getpwall()}
    groups = {group.gr_name for group in grp.getgrall()}
    offered = set(complete("import --allow "))
    check(users <= offered, f"{users - offered} are not offered")
    check({"group:", "unit:", "uid:", "gid:"} <= offered, offered)
    check(set(complete("import --allow group:")) == groups, "groups")
    check("root" in complete("import --allow group:ro"), "a group")
    check("daemon,root" in complete("import --allow daemon,ro"), "a second one")
    check(complete("import --allow daemon,group:roo") == ["root"], "a group")
    check(set(complete("check --as ")) == users, "--as")


def keys():
    """By their policies, where the configuration has them."""
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(f"{folder}/keys.d")
        for name in ("site.conf", "shop.conf", "www.example.org.conf", "README"):
            with open(f"{folder}/keys.d/{name}", "w", encoding="utf-8") as f:
                f.write("allow = root\nuse = sign\n")
        with open(f"{folder}/keyd.conf", "w", encoding="utf-8") as f:
            f.write("# policies = /nowhere\npolicies = keys.d\n")
        call = f"-c {folder}/keyd.conf"
        for verb in ("show", "csr", "restore", "remove --yes", "shell"):
            same(
                complete(f"{call} {verb} "),
                ["site", "shop", "www.example.org"],
                verb,
            )
        check(complete(f"{call} show www") == ["www.example.org"], "a dot")
        check(complete(f"{call} list ") == [], "list takes none")
        check(complete(f"{call} generate s") == [], "a new name")
        check(complete(f"-c {folder}/none show /") == [], "no such file")


def files():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("site.key", "site.crt"):
            with open(f"{folder}/{name}", "w", encoding="utf-8"):
                pass
        both = ["site.crt", "site.key"]
        check(sorted(complete("import si", folder)) == both, "import FILE")
        check(complete("import --passin file:site.k", folder) == ["site.key"], "file:")
        check("stdin" in complete("import --passin "), "--passin")
        for option in ("--certificate", "--out", "--openssl-cnf"):
            check(sorted(complete(f"import {option} si", folder)) == both, option)
        check(complete(f"enable --root {folder[:-1]}") == [folder], "--root")
    check(str(os.getpid()) in complete("check --pid "), "--pid")


def typed(keys):
    """The command line that a bash at a terminal has after these keys."""
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", PS1="$ ", INPUTRC="/dev/null")
        os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
    try:
        # What runs is printf, which shows its words.
        os.write(fd, f"source {SCRIPT}; keydctl() {{ printf '<%s>' \"$@\"; }}\r".encode())
        os.write(fd, f"{keys}\r".encode())
        os.write(fd, b"exit\r")
        out = b""
        while select.select([fd], [], [], DEADLINE)[0]:
            try:
                more = os.read(fd, 4096)
            except OSError:  # EIO: it has ended
                break
            if not more:
                break
            out += more
        else:
            raise Failed("bash does not end")
    finally:
        os.close(fd)
        os.waitpid(pid, 0)
    found = re.findall(r"(?:<[^<>%]*>)+", out.decode())
    check(found, out)
    return found[-1]


def at_a_terminal():
    for keys, words in (
        ("keydctl gen\tsite --ty\tec:P-38\t", "<generate><site><--type><ec:P-384>"),
        ("keydctl import --allow group:roo\tx", "<import><--allow><group:root><x>"),
        ("keydctl import --use=dec\tx", "<import><--use=decrypt><x>"),
        ("keydctl import --use csr,dec\tx", "<import><--use><csr,decrypt><x>"),
    ):
        check(typed(keys) == words, f"{keys!r}: {typed(keys)}")


def main():
    tables = Tables()
    tap.run("verbs", verbs, tables)
    tap.run("options of each verb", options, tables)
    tap.run("arguments of options", arguments, tables)
    tap.run("uses", uses, tables)
    tap.run("types", types, tables)
    tap.run("users and groups", who)
    tap.run("names of keys", keys)
    tap.run("files and processes", files)
    tap.run("at a terminal", at_a_terminal)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
