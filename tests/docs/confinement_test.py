#!/usr/bin/env python3
"""What confines the servers of docs/APPLICATIONS.md beside keyd: the units of
Debian's packages, as its table says, and the profiles of AppArmor, which our
addition fits. What is not installed here is left out."""

import os
import re
import shutil
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
sys.path.insert(0, os.path.join(HERE, "../servers"))
import table
from keyd_scratch import BUILD, Scratch, Tap, check, read_text, run, run_ok

TOP = os.path.join(HERE, "../..")
UNITS = "/lib/systemd/system"
SERVERS = """apache2 dovecot freeradius haproxy hitch lighttpd mariadb mosquitto
    named nginx openvpn-server@ postfix@ postgresql@ proftpd redis-server squid
    stunnel@ unbound""".split()
# What could stand between a program and keyd.
SETTINGS = """BindReadOnlyPaths DynamicUser ExecPaths InaccessiblePaths
    LimitNPROC MemoryDenyWriteExecute NoExecPaths PrivateNetwork PrivateUsers
    ProtectHome ProtectSystem RestrictAddressFamilies RootDirectory
    RootImage SystemCallFilter TemporaryFileSystem""".split()
RELEASE = "12"  # of Debian, whose units the table is of
tap = Tap()


def settings_of(text):
    found = re.findall(r"(?m)^([A-Za-z]+)=(.*)$", text)
    return [(name, value.strip()) for name, value in found if name in SETTINGS]


def row(unit, settings):
    told = ", ".join(f"`{name}={value}`" for name, value in settings)
    return f"| {unit}.service | {told or 'nothing'} |"


def unit_row(name):
    text = read_text(f"{UNITS}/{name}.service")
    rows = table.written("units", read_text(table.DOCUMENT))
    expected = row(name, settings_of(text))
    check(expected in rows, f"missing: {expected}")


def needs_nothing(name):
    """keydctl, which reads the unit as systemd does, finds nothing to add."""
    with Scratch() as s:
        instance = f"{name}x" if name.endswith("@") else name
        status, text = s.ctl("check", "--service", f"{instance}.service")
        check(status == 0 and "0 errors, 0 warnings" in text, text)


def no_row_without_unit():
    rows = table.written("units", read_text(table.DOCUMENT))
    told = [re.match(r"\| (.*)\.service \|", line)[1] for line in rows]
    check(told == SERVERS, f"{told}")


# --- AppArmor ----------------------------------------------------------------

OURS = f"{TOP}/conf/apparmor/abstractions/base.d/openssl-keyd"
APPARMOR = "/etc/apparmor.d"
PROFILES = ["usr.sbin.mariadbd", "usr.sbin.named", "usr.sbin.squid"]
PROFILES += ["usr.sbin.unbound"]
# A profile of the operator's for a program that has none.
MINIMAL = """#include <tunables/global>
profile minimal /usr/sbin/minimal {
  #include <abstractions/base>
  /usr/sbin/minimal mr,
}
"""
# Part of a path as the parser prints it, and what must be among the rights.
RULES = {
    r"run/openssl-keyd/keyd\.sock": 0x2 | 0x4,  # write, read
    r"ossl-modules/keyd\.so": 0x4 | 0x40,  # read, map as code
    r"/etc/ssl/openssl\.cnf": 0x4,
}


def compile_profile(base, path):
    """What the parser makes of it, nothing of which is loaded."""
    return run_ok(
        ["apparmor_parser", "-Q", "-K", "-b", base, "-D", "rule-exprs", path]
    )


def rights(text, rule):
    """What the profile allows there, the rule named or a wider one."""
    found = 0
    for line in text.splitlines():
        match = re.match(r"rule: (.*?)  ->  .*\((0x[0-9a-f]+)/", line)
        if match and rule.replace("\\", "") in match[1].replace("\\", ""):
            found |= int(match[2], 16)
    return found


def profile(name):
    with tempfile.TemporaryDirectory() as base:
        for folder in ("abi", "abstractions", "tunables", "local"):
            if os.path.isdir(f"{APPARMOR}/{folder}"):
                shutil.copytree(f"{APPARMOR}/{folder}", f"{base}/{folder}")
        path = f"{base}/{name}"
        if name == "minimal":
            with open(path, "w", encoding="utf-8") as f:
                f.write(MINIMAL)
        else:
            shutil.copy(f"{APPARMOR}/{name}", path)
        shutil.rmtree(f"{base}/abstractions/base.d", ignore_errors=True)
        before = compile_profile(base, path)
        os.mkdir(f"{base}/abstractions/base.d")
        shutil.copy(OURS, f"{base}/abstractions/base.d")
        after = compile_profile(base, path)
        if "{" not in re.sub("(?m)^#.*$", "", read_text(path)):
            return "has no rules"  # MariaDB's
        socket = r"run/openssl-keyd/keyd\.sock"
        check(not rights(before, socket), "it was allowed before")
        for rule, wanted in RULES.items():
            check(
                rights(after, rule) & wanted == wanted,
                f"{rule}: {rights(after, rule):#x}",
            )
        return None


def main():
    tap.run("the table of units is complete", no_row_without_unit)
    is_release = f'VERSION_ID="{RELEASE}"' in read_text("/etc/os-release")
    if not is_release:
        tap.skip("what units restrict", f"the table is of Debian {RELEASE}")
    for name in SERVERS:
        if os.path.exists(f"{UNITS}/{name}.service"):
            if is_release:
                tap.run(f"{name}: what its unit restricts", unit_row, name)
            tap.run(f"{name}: needs no drop-in", needs_nothing, name)
        else:
            tap.skip(f"{name}: its unit", "not installed")
    for name in ["minimal", *PROFILES]:
        title = f"AppArmor's profile {name}"
        if not shutil.which("apparmor_parser"):
            tap.skip(title, "no apparmor_parser")
        elif name != "minimal" and not os.path.exists(f"{APPARMOR}/{name}"):
            tap.skip(title, "not installed")
        else:
            tap.run(title, profile, name)
    return tap.end()


if __name__ == "__main__":
    if sys.argv[1:] == ["--rows"]:
        for unit in SERVERS:
            print(row(unit, settings_of(read_text(f"{UNITS}/{unit}.service"))))
        sys.exit()
    sys.exit(main())
