#!/usr/bin/env python3
"""keydctl enable, disable and check --pid, with real files, services and
processes."""

import contextlib
import fcntl
import json
import os
import pwd
import re
import socket
import stat
import subprocess
import sys

sys.path.insert(
    0,
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"),
)
import keyd_scratch as ks

KILLER = f"{ks.BUILD}/tests/apps/killer"
KEYDCTL = f"{ks.BUILD}/keyd/keydctl"
MODULE = f"{ks.BUILD}/provider/keyd.so"
ME = pwd.getpwuid(os.geteuid()).pw_name
# Other users cannot reach every python.
PYTHON = "/usr/bin/python3"
USER = "www-data" if ks.ROOT else ME
BEGIN = b"# BEGIN openssl-keyd\n"
# LeakSanitizer cannot work in a program that is traced.
TRACED = dict(os.environ, ASAN_OPTIONS="detect_leaks=0:abort_on_error=1")
tap = ks.Tap()

# What libcrypto's own openssl.cnf, and operators, look like.
UPSTREAM = """openssl_conf = openssl_init
[openssl_init]
providers = provider_sect
[provider_sect]
default = default_sect
[default_sect]
# activate = 1
"""
LEGACY = UPSTREAM.replace("# activate", "activate").replace(
    "[default_sect]",
    "legacy = legacy_sect\n[legacy_sect]\nactivate = 1\n[default_sect]",
)
TLS = """openssl_conf = here
[here]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1.3
CipherString = DEFAULT@SECLEVEL=3
"""
# As conf/openssl-keyd.cnf.
KEYD_ALONE = """[default]
openssl_conf = x
[x]
providers = y
[y]
default = z
keyd = k
[z]
activate = 1
[k]
activate = 1
"""
FILES = {
    "empty": "",
    "without an end": "# nothing",
    "upstream's": UPSTREAM,
    "with legacy": LEGACY,
    "with MinProtocol": TLS,
    "of DOS": LEGACY.replace("\n", "\r\n"),
    "with variables": "x = s\ny = p\nopenssl_conf = ${x}1\n[s1]\n"
    "providers = $y\n[p]\nlegacy = l # c\n[l]\nactivate = 1\n",
    "with the environment": "RANDFILE = $ENV::HOME/.rnd\n" + UPSTREAM,
    "without a section": "openssl_conf = nowhere\n",
    "with the caller's list": "openssl_conf = i\n[i]\nproviders = p\n[p]\n"
    "keyd = k\n[k]\n",
}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return path


def what(path):
    """Everything of a file but its bytes."""
    st = os.stat(path)
    names = os.listxattr(path)
    return (
        st.st_uid,
        st.st_gid,
        stat.S_IMODE(st.st_mode),
        {name: os.getxattr(path, name) for name in names},
    )


def conf_env(path):
    return dict(os.environ, OPENSSL_CONF=path)


def providers(path):
    text = ks.run_ok(["openssl", "list", "-providers"], env=conf_env(path))
    return re.findall(r"(?m)^  (\w+)$", text)


def enable(s, path, *more):
    return s.ctl_ok(
        "enable", "--openssl-cnf", path, "--module", MODULE, *more
    )


def refused(s, code, *args, words=()):
    status, text = s.ctl(*args)
    ks.check(status == code, f"exit {status}, not {code}:\n{text}")
    ks.expect_words(text, *words)
    return text


def leftovers(folder):
    return [n for n in os.listdir(folder) if n.startswith(".")]


@contextlib.contextmanager
def folder():
    """A scratch folder, without a keyd; cnf/ is for openssl.cnf."""
    with ks.Scratch() as s:
        os.mkdir(s.path("cnf"))
        os.chmod(s.path("cnf"), 0o755)
        yield s


# --- enable and disable -----------------------------------------------------


def stock():
    return read("/etc/ssl/openssl.cnf")


def not_to_be_changed():
    """Files that the kernel does not let go: nothing changes, and it is said
    what to do."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        args = [KEYDCTL, "-c", s.conf, "enable", "--openssl-cnf", path]
        args += ["--module", MODULE]
        for before, after, word in (
            (["chattr", "+i", path], ["chattr", "-i", path], "chattr -i"),
            (["mount", "--bind", path, path], ["umount", path], "mount point"),
        ):
            status, text = in_namespace(
                f'{" ".join(before)} || exit 77; r=0; "$@" || r=$?; '
                f'{" ".join(after)}; exit $r',
                *args,
            )
            if status == 77:
                continue
            ks.check(status in (1, 4), f"exit {status}: {text}")
            ks.expect_words(text, word)
            ks.check(os.listdir(s.path("cnf")) == ["openssl.cnf"], "left over")
            ks.check(read(path) == UPSTREAM.encode(), "changed")


def check_round_trip(data):
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), data)
        os.chmod(path, 0o640)
        with contextlib.suppress(OSError):
            os.setxattr(path, "user.note", b"kept")
        original, before, had = read(path), what(path), providers(path)
        said = enable(s, path)
        ks.expect_words(said, "enabled", ".before-keyd", "check --pid")
        ks.check(what(path) == before, "owner, mode or attributes changed")
        backup = f"{path}.before-keyd"
        ks.check(read(backup) == original, "the backup is something else")
        ks.check(what(backup) == before, "the backup's mode is another")
        ks.check(read(path).startswith(original), "existing lines changed")
        now = providers(path)
        ks.check(set(now) == set(had) | {"keyd"}, f"{had} became {now}")
        inode = os.stat(path).st_ino
        ks.expect_words(enable(s, path), "already enabled")
        # The module is remembered.
        said = s.ctl_ok("enable", "--openssl-cnf", path)
        ks.expect_words(said, "already enabled")
        ks.check(os.stat(path).st_ino == inode, "written again")
        said = s.ctl_ok("disable", "--openssl-cnf", path)
        ks.expect_words(said, "byte for byte")
        ks.check(read(path) == original, "not as before")
        ks.check(what(path) == before, "not kept by disable")
        ks.check(os.listdir(s.path("cnf")) == ["openssl.cnf"], "left over")
        said = s.ctl_ok("disable", "--openssl-cnf", path)
        ks.expect_words(said, "not enabled")


def included():
    """What is in included files counts, and they stay as they are."""
    with folder() as s:
        other = write(s.path("other.cnf"), LEGACY)
        path = write(
            s.path("cnf/openssl.cnf"), f".include {other}\n[req]\nx = y\n"
        )
        enable(s, path)
        ks.check(
            sorted(providers(path)) == ["default", "keyd", "legacy"],
            str(providers(path)),
        )
        ks.check(read(other) == LEGACY.encode(), "the included file changed")
        write(path, ".include relative.cnf\n")
        refused(
            s,
            4,
            "enable",
            "--openssl-cnf",
            path,
            words=["openssl.cnf:1:", "by hand", "keyd = ", "activate = 1"],
        )
        ks.check(read(path) == b".include relative.cnf\n", "changed")


def edited():
    """Only our block goes; what was edited since stays."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        enable(s, path)
        data = read(path).replace(b"openssl_conf =", b"x = y\nopenssl_conf =")
        write(path, data + b"more = here\n")
        text = s.ctl_ok("disable", "--openssl-cnf", path)
        ks.expect_words(text, "edited", ".before-keyd")
        ks.check(
            read(path).decode() == "x = y\n" + UPSTREAM + "more = here\n",
            read(path).decode(),
        )
        ks.check(
            read(f"{path}.before-keyd") == UPSTREAM.encode(), "no backup"
        )


def changed_underneath():
    """After an edit that makes the block useless, enable writes a new one."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        enable(s, path)
        data = read(path).replace(b"= openssl_init", b"= other", 1)
        write(path, data)
        ks.check("keyd" not in providers(path), "still active")
        ks.expect_words(enable(s, path), ": enabled")
        ks.check("keyd" in providers(path), "not active")
        ks.check(read(path).count(BEGIN) == 1, "two blocks")
        s.ctl_ok("disable", "--openssl-cnf", path)
        ks.check(
            read(path).decode()
            == UPSTREAM.replace("= openssl_init", "= other", 1),
            "not what was edited",
        )


def insert(path, before, *lines):
    """Lines put into a file in front of a line of it."""
    text = read(path).decode()
    ks.check(text.count(before) == 1, f"not once: {before}\n{text}")
    write(path, text.replace(before, "".join(f"{x}\n" for x in lines) + before))


def own_settings():
    """What an operator writes into the block's section of keyd stays; what he
    writes elsewhere in the block is not thrown away either."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        args = ["enable", "--openssl-cnf", path]
        enable(s, path)
        mine = ["timeout = 1234 # ms", "# for mail:", "assume-fips = yes"]
        insert(path, "module = ", *mine)
        data = read(path)
        ks.expect_words(enable(s, path), "already enabled")
        other = write(s.path("other.so"), read(MODULE))
        s.ctl_ok(*args, "--module", other)
        ks.check(
            read(path) == data.replace(MODULE.encode(), other.encode()),
            read(path).decode(),
        )
        # Also when the block has to become another one.
        old = read(path)
        write(path, old.replace(b"= openssl_init", b"= other", 1))
        s.ctl_ok(*args)
        for line in mine:
            ks.check(read(path).decode().count(line) == 1, line)
        # Another socket than keyd.conf's: which one is meant?
        write(path, data)
        socket_line = re.search(rb"(?m)^socket = .*\n", data)[0]
        write(path, data.replace(socket_line, b"socket = /elsewhere\n"))
        refused(s, 4, *args, words=["/elsewhere", "by keyd.conf", "cnf:"])
        write(path, data)
        insert(path, "keyd = openssl_keyd", "legacy = legacy_sect")
        odd = read(path)
        refused(s, 4, *args, words=["legacy = legacy_sect", "out of the block"])
        ks.check(read(path) == odd, "changed")
        # What goes is said, and kept.
        said = s.ctl_ok("disable", "--openssl-cnf", path, "--dry-run")
        ks.expect_words(said, "would go", "legacy = legacy_sect")
        ks.check(read(path) == odd, "changed")
        said = s.ctl_ok("disable", "--openssl-cnf", path)
        ks.expect_words(said, *mine, "legacy = legacy_sect", ".with-keyd")
        ks.check("module" not in said, said)
        ks.check(read(path) == UPSTREAM.encode(), "not as before")
        ks.check(read(f"{path}.with-keyd") == odd, "not kept")


def broken_before():
    """Who is to blame: the file as it was, or the module."""
    with folder() as s:
        path = write(
            s.path("cnf/openssl.cnf"), "openssl_conf = i\n[i]\nnone_such = x\n"
        )
        args = ["enable", "--openssl-cnf", path]
        text = refused(
            s, 1, *args, "--module", MODULE,
            words=["broken before", "none_such", "mend that first"],
        )
        ks.check("--module" not in text, text)
        no = write(s.path("keyd.so"), "no module\n")
        text = refused(s, 1, *args, "--module", no, words=["with --module"])
        ks.check("broken before" not in text, text)
        engine = write(s.path("crash.c"), "#include <stdlib.h>\n"
                       "__attribute__((constructor)) static void f(void)\n"
                       "{\n\tabort();\n}\n")
        crash = s.path("crash.so")
        ks.run_ok(["cc", "-shared", "-fPIC", "-o", crash, engine])
        write(path, "openssl_conf = i\n[i]\nx = x\n[x]\npath = " + crash)
        refused(
            s, 1, *args, "--module", MODULE,
            words=["dies of signal 6", "without keyd's lines too"],
        )


def locked():
    """Locks of others are none of ours; our own is waited for."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        with contextlib.ExitStack() as stack:
            for name in (os.path.dirname(path), path):
                fd = os.open(name, os.O_RDONLY)
                stack.callback(os.close, fd)
                fcntl.flock(fd, fcntl.LOCK_EX)
            ks.expect_words(enable(s, path), ": enabled")
        lock = write(s.path("cnf/.openssl-keyd.lock"), "")
        os.chmod(lock, 0o600)
        args = ["disable", "--openssl-cnf", path]
        with open(lock, "r+b") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            text = s.ctl_ok(*args, "--dry-run")
            ks.expect_words(text, "would be")
            refused(s, 1, *args, words=[f"process {os.getpid()}", "try again"])
            waiting = s.program([KEYDCTL, "-c", s.conf, *args], "waiting")
            ks.wait_for("the lock", lambda: lock in opened_by(waiting.pid))
            ks.check(BEGIN in read(path), "not waited")
        ks.check(waiting.process.wait(30) == 0, "it did not end well")
        ks.check(os.listdir(s.path("cnf")) == ["openssl.cnf"], "left over")
        os.symlink("/etc/passwd", lock)
        refused(s, 1, *args, words=[".openssl-keyd.lock", "symbolic link"])


def opened_by(pid):
    found = []
    with contextlib.suppress(FileNotFoundError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def left_over():
    """What an exchange that went wrong has left may be the only copy."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        new = write(s.path("cnf/.openssl-keyd.new"), "# somebody's\n")
        more = ["--openssl-cnf", path]
        enabling = ["enable", *more, "--module", MODULE]
        for args in (enabling, [*enabling, "--dry-run"], ["disable", *more]):
            refused(s, 4, *args, words=[".openssl-keyd.new", "only copy"])
            ks.check(read(new) == b"# somebody's\n", "gone")
            ks.check(read(path) == UPSTREAM.encode(), "changed")
        # The beginning of what is there anyhow can go, but not in a dry run.
        for data in (UPSTREAM[:20], UPSTREAM + "# BEGIN open", ""):
            write(new, data)
            s.ctl_ok(*enabling, "--dry-run")
            ks.check(read(new) == data.encode(), "a dry run removed it")
            s.ctl_ok(*enabling)
            ks.check(leftovers(s.path("cnf")) == [], "left over")
            s.ctl_ok("disable", *more)
        os.mkdir(new)
        refused(s, 4, *enabling, words=["in the way", "move it away"])


def legacy_later(path):
    """As an operator activates legacy, after keyd was enabled."""
    text = read(path).decode()
    write(path, LEGACY + text[text.index(BEGIN.decode()) :])


def hidden():
    """A list of providers that came later has no effect behind the block: that
    is told, and enable again puts it right."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), "# nothing\n")
        enable(s, path)
        legacy_later(path)
        ks.check("legacy" not in providers(path), "it has effect")
        p = sleeper(s, [], env=conf_env(path))
        words = ["has legacy = legacy_sect", f"{path}:6", "no effect"]
        status, text = s.ctl("check", "--pid", str(p.pid))
        ks.expect_words(text, *words, "--openssl-cnf")
        said = s.ctl_ok("enable", "--openssl-cnf", path, "--dry-run")
        ks.expect_words(said, *words, "would be")
        ks.expect_words(s.ctl_ok("enable", "--openssl-cnf", path), *words)
        ks.check(
            sorted(providers(path)) == ["default", "keyd", "legacy"],
            str(providers(path)),
        )
        ks.check("no effect" not in s.ctl("check", "--pid", str(p.pid))[1], "")
        # The other way round: without it, default has to be named.
        write(path, read(path).replace(LEGACY.encode(), UPSTREAM.encode()))
        ks.check("default" not in providers(path), "default is there")
        status, text = s.ctl("check", "--pid", str(p.pid))
        ks.expect_words(text, "no longer the provider default")
        s.ctl_ok("enable", "--openssl-cnf", path)
        ks.check(sorted(providers(path)) == ["default", "keyd"], "not mended")


def hidden_from_check():
    """check looks at the system's file, and at those of services."""
    with folder() as s:
        system = write(s.path("cnf/openssl.cnf"), "# nothing\n")
        own = write(s.path("own.cnf"), ".include /etc/ssl/openssl.cnf\n")
        os.makedirs(s.path("units/system/web.service.d"))
        write(s.path("units/system/web.service"), "[Service]\n")
        script = (
            'mount --bind "$1" /etc/ssl; mount --bind "$2" /etc/systemd; '
            'shift 2; exec "$@"'
        )
        args = [s.path("cnf"), s.path("units"), KEYDCTL, "-c", s.conf]

        def check(words, no=()):
            _, text = in_namespace(script, *args, "check")
            ks.expect_words(text, *words)
            for word in no:
                ks.check(word not in text, text)

        check([], ["openssl.cnf"])
        status, text = in_namespace(
            script, *args, "enable", "--openssl-cnf", own, "--module", MODULE
        )
        ks.check(status == 0, text)
        status, text = in_namespace(
            script, *args, "enable", "--service", "web.service",
            "--openssl-cnf", own,
        )
        ks.check(status == 0, text)
        check([], ["openssl.cnf", "web.service"])
        write(system, LEGACY)
        check(
            ["web.service", "legacy = legacy_sect", "openssl.cnf:6"]
            + [f"--openssl-cnf {own} again"],
            ["run keydctl enable again"],
        )
        block = read(own)
        write(own, ".include /etc/ssl/openssl.cnf\n" + KEYD_ALONE)
        check(["legacy = legacy_sect", "no effect on it", '".include '])
        write(own, ".include /etc/ssl/openssl.cnf\n")
        check([f"{own}, does not activate keyd"])
        write(own, block)
        write(system, "# nothing\n")
        enable(s, system)
        check([], ["no effect"])
        legacy_later(system)
        check(["legacy = legacy_sect", "run keydctl enable again"])
        os.unlink(own)
        check(["web.service", "No such file"])


def shells_without():
    """Shells, and nothing that activates keyd, or soon nothing: it is said
    before it is done, and by check."""
    with serving() as (s, cert):
        os.mkdir(s.path("cnf"))
        system = write(s.path("cnf/openssl.cnf"), "# nothing\n")
        own = write(s.path("own.cnf"), ".include /etc/ssl/openssl.cnf\n")
        os.makedirs(s.path("units/system"))
        write(s.path("units/system/web.service"), "[Service]\n")
        script = (
            'mount --bind "$1" /etc/ssl; mount --bind "$2" /etc/systemd; '
            'shift 2; exec "$@"'
        )
        args = [s.path("cnf"), s.path("units"), KEYDCTL, "-c", s.conf]
        said = "no openssl.cnf that is known here activates keyd"

        def run(code, *verb, words=()):
            status, text = in_namespace(script, *args, *verb)
            ks.check(status == code, f"exit {status}: {text}")
            ks.expect_words(text, *words)
            return text

        run(0, "check", words=[said, cert.key, "keydctl enable"])
        run(0, "enable", "--openssl-cnf", own, "--module", MODULE)
        more = ["--service", "web.service"]
        run(0, "enable", *more, "--openssl-cnf", own)
        ks.check(said not in run(0, "check"), "the service's counts")
        words = ["web.service", cert.key, "restore", "--yes"]
        run(4, "disable", *more, words=words)
        run(0, "enable", "--module", MODULE)
        # It has the system's.
        run(0, "disable", *more)
        ks.check(said not in run(0, "check"), "the system's counts")
        run(4, "disable", words=[cert.key, "restore", "--yes"])
        # An upgrade put its own file there.
        write(system, "# nothing\n")
        run(0, "check", words=[said])
        run(0, "enable", "--module", MODULE)
        text = refused(s, 4, "restore", "site", words=["until they are restarted"])
        run(0, "restore", "site", "--yes")
        run(0, "disable")
        ks.check(said not in run(0, "check"), "there is no shell")


def linked():
    with folder() as s:
        real = write(s.path("cnf/real.cnf"), UPSTREAM)
        link = s.path("openssl.cnf")
        os.symlink("cnf/real.cnf", link)
        enable(s, link)
        ks.check(os.path.islink(link), "the link was replaced")
        ks.check(BEGIN in read(real), "not enabled")
        s.ctl_ok("disable", "--openssl-cnf", link)
        ks.check(read(real) == UPSTREAM.encode(), "not as before")
        os.link(real, s.path("hard"))
        refused(s, 4, "enable", "--openssl-cnf", link, words=["hard links"])


def does_not_load():
    """A module that is not there, or is none: nothing changes."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        no = write(s.path("keyd.so"), "no module\n")
        cases = [
            ((), 1, "could not load"),
            (("--module", no), 1, "not active"),
            (("--module", s.path("none")), 2, "no such file"),
            (("--module", "keyd.so"), 2, "whole path"),
        ]
        for more, code, word in cases:
            if not more and os.path.exists(modules_dir() + "/keyd.so"):
                continue
            refused(
                s, code, "enable", "--openssl-cnf", path, *more, words=[word]
            )
            ks.check(read(path) == UPSTREAM.encode(), f"{more}: changed")
            ks.check(
                os.listdir(s.path("cnf")) == ["openssl.cnf"],
                f"{more}: left over",
            )
        missing = s.path("cnf/none.cnf")
        refused(s, 4, "enable", "--openssl-cnf", missing, words=["none"])
        write(path, "[half\n")
        refused(s, 4, "enable", "--openssl-cnf", path, words=[":1:"])
        write(path, BEGIN)
        refused(s, 4, "enable", "--openssl-cnf", path, words=["without an"])
        refused(s, 4, "disable", "--openssl-cnf", path, words=["without an"])


def foreign():
    """What another user can write is not loaded by root."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        module = write(s.path("theirs.so"), read(MODULE))
        os.chown(module, pwd.getpwnam(USER).pw_uid, -1)
        args = ["enable", "--openssl-cnf", path]
        words = ["theirs", "not root's alone"]
        refused(s, 4, *args, "--module", module, words=words)
        refused(s, 4, *args, "--module", module, "--dry-run", words=words)
        engine = (
            "openssl_conf = i\n[i]\nengines = e\n[e]\nx = x\n[x]\n"
            "engine_id = x\ndynamic_path = "
        )
        more = ["--module", MODULE]
        for text, said in (
            (engine + module, words),
            (engine + "./theirs.so", ["relative path"]),
            ("openssl_conf = i\n[i]\nx = x\n[x]\npath = " + module, words),
            (f"openssl_conf = i\n[i]\n{module} = x\n", ["slash"]),
            (
                "openssl_conf = i\n[i]\nproviders = p\n[p]\nx = x\n[x]\n"
                "activate = 1\nmodule = $ENV::HOME/x.so\n",
                ["environment"],
            ),
            (f".include {module}\n", words),
        ):
            write(path, text)
            refused(s, 4, *args, *more, words=said)
            ks.check(read(path) == text.encode(), "changed")
        write(path, UPSTREAM)
        os.chown(path, pwd.getpwnam(USER).pw_uid, -1)
        refused(s, 4, *args, *more, words=["not root's alone"])
        # Root need not be told to become root.
        os.makedirs(s.path("theirs/others"))
        path = write(s.path("theirs/others/x.cnf"), UPSTREAM)
        os.chown(s.path("theirs"), pwd.getpwnam(USER).pw_uid, -1)
        os.chown(s.path("theirs/others"), pwd.getpwnam("games").pw_uid, -1)
        text = refused(
            s, 4, "enable", "--openssl-cnf", path, *more, words=["as that user"]
        )
        ks.check("as root" not in text, text)


def modules_dir():
    text = ks.run_ok(["openssl", "version", "-m"])
    return re.search('"(.*)"', text)[1]


def dry_run():
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        text = enable(s, path, "--dry-run")
        ks.expect_words(text, "would be", "keyd = openssl_keyd", MODULE)
        ks.check(read(path) == UPSTREAM.encode(), "changed")
        ks.check(os.listdir(s.path("cnf")) == ["openssl.cnf"], "left over")
        done = json.loads(enable(s, path, "--json"))
        ks.check(done["outcome"] == "enabled", str(done))
        ks.check(read(done["backup"]) == UPSTREAM.encode(), str(done))
        ks.check(done["added"].encode() in read(path), str(done))
        text = s.ctl_ok("disable", "--openssl-cnf", path, "--dry-run")
        ks.expect_words(text, "would be")
        ks.check(BEGIN in read(path), "disabled")
        done = json.loads(
            s.ctl_ok("--json", "disable", "--openssl-cnf", path)
        )
        ks.check(done["as-before"] is True, str(done))


def killer(s, n, when, *args):
    return subprocess.run(
        [KILLER, str(n), when, KEYDCTL, "-c", s.conf, *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        env=TRACED,
    )


def killed(verb):
    """Killed at every call, the file is the old one or the new one, and the
    next keydctl leaves nothing behind."""
    with folder() as s:
        path = write(s.path("cnf/openssl.cnf"), UPSTREAM)
        enable(s, path)
        new = read(path)
        args = [verb, "--openssl-cnf", path]
        if verb == "enable":
            args += ["--module", MODULE]
        calls = 0
        for n in range(1, 200):
            for when in ("before", "after"):
                if verb == "enable":
                    s.ctl_ok("disable", "--openssl-cnf", path)
                else:
                    enable(s, path)
                word = killer(s, n, when, *args).stdout.strip()
                ks.check(
                    read(path) in (UPSTREAM.encode(), new),
                    f"{when} call {n}, {word}: neither old nor new",
                )
                lock = s.path("cnf/.openssl-keyd.lock")
                if os.path.exists(lock):
                    ks.check(what(lock)[2] == 0o600, "others can lock it")
                enable(s, path)
                ks.check(read(path) == new, f"{word}: not enabled in the end")
                ks.check(leftovers(s.path("cnf")) == [], f"{word}: left over")
                s.ctl_ok("disable", "--openssl-cnf", path)
                ks.check(read(path) == UPSTREAM.encode(), f"{word}: not back")
                ks.check(
                    os.listdir(s.path("cnf")) == ["openssl.cnf"],
                    f"{when} {n} {word}: left over",
                )
            if word.startswith("end"):
                break
            calls += 1
        ks.check(calls > 5, f"only {calls} calls")
        return f"{calls} calls"


def in_namespace(script, *args, **kwargs):
    """A shell in a mount namespace of its own."""
    return ks.run(
        [*ks.OWN_MOUNTS, "sh", "-ec"]
        + [script, "sh", *args],
        **kwargs,
    )


def system_wide():
    """Without --openssl-cnf it is the one that libcrypto reads by itself; a
    handshake through it, with no variable set."""
    with folder() as s:
        s.start_keyd()
        cert = s.certificate("site", "ec:P-256")
        s.import_key(cert, use="tls-server", allow=s.everyone())
        write(s.path("cnf/openssl.cnf"), stock())
        port = ks.free_port()
        status, text = in_namespace(
            'mount --bind "$1" /etc/ssl; "$2" -c "$3" enable --module "$4"; '
            "openssl list -providers",
            s.path("cnf"),
            KEYDCTL,
            s.conf,
            MODULE,
        )
        ks.check(status == 0, text)
        ks.expect_words(text, "  keyd", "  default")
        server = s.program(
            [*ks.OWN_MOUNTS, "sh", "-ec"]
            + ['mount --bind "$1" /etc/ssl; shift; exec "$@"', "sh"]
            + [s.path("cnf"), "openssl", "s_server", "-www"]
            + ["-accept", f"127.0.0.1:{port}"]
            + ["-cert", cert.cert, "-key", cert.key],
            "s_server",
        )
        server.wait_output("ACCEPT")
        ks.handshake(port, cert, "1.3")
        text = pid_check(s, server.pid, 0)
        ks.expect_words(text, "activates keyd", "verified")


# --- services ---------------------------------------------------------------


def service():
    with folder() as s:
        units = s.path("root/etc/systemd/system")
        os.makedirs(units)
        cnf = write(s.path("root/some.cnf"), "")
        args = ["--service", "web.service", "--root", s.path("root")]
        more = ["--openssl-cnf", "/some.cnf"]
        write(f"{units}/web.service", "[Service]\nExecStart=/bin/true\n")
        text = s.ctl_ok("enable", *args, *more)
        ks.expect_words(text, "written", "next start of the system")
        ks.check("systemctl" not in text, text)
        path = f"{units}/web.service.d/openssl-keyd.conf"
        ks.check(
            b"[Service]\nEnvironment=OPENSSL_CONF=/some.cnf\n" in read(path),
            read(path).decode(),
        )
        ks.check(os.stat(path).st_mode & 0o777 == 0o644, "its mode")
        ks.check(
            os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o755,
            "its folder's mode",
        )
        text = s.ctl_ok("enable", *args, *more)
        ks.expect_words(text, "already enabled")
        write(s.path("root/other.cnf"), "")
        s.ctl_ok("enable", *args, "--openssl-cnf", "/other.cnf")
        ks.check(b"/other.cnf" in read(path), "not changed")
        folder_of = os.path.dirname(path)
        ks.check(os.listdir(folder_of) == ["openssl-keyd.conf"], "left over")
        # What one that was killed has left goes with the next.
        write(f"{folder_of}/.openssl-keyd.new", "[Service]\n")
        s.ctl_ok("enable", *args, *more)
        ks.check(os.listdir(folder_of) == ["openssl-keyd.conf"], "left over")
        s.ctl_ok("disable", *args)
        ks.check(not os.path.exists(os.path.dirname(path)), "still there")
        text = s.ctl_ok("disable", *args)
        ks.expect_words(text, "not enabled")
        ks.check("restart" not in text and "next start" not in text, text)
        # Somebody else's file, and folder.
        os.mkdir(os.path.dirname(path))
        write(path, "[Service]\n")
        refused(s, 4, "enable", *args, *more, words=["not written by"])
        refused(s, 4, "disable", *args, words=["not written by"])
        ks.check(read(path) == b"[Service]\n", "changed")
        os.unlink(path)
        # An empty folder stays if it was there.
        s.ctl_ok("enable", *args, *more)
        s.ctl_ok("enable", *args, *more)
        s.ctl_ok("disable", *args)
        ks.check(os.listdir(folder_of) == [], "another folder")
        write(
            f"{units}/web.service.d/a.conf",
            "[Service]\nEnvironment=OPENSSL_CONF=/mine\n",
        )
        text = s.ctl_ok("enable", *args, *more, "--dry-run")
        ks.expect_words(text, "would be", "a.conf:2", "already")
        ks.check(not os.path.exists(path), "written")
        s.ctl_ok("enable", *args, *more)
        s.ctl_ok("disable", *args)
        ks.check(
            os.listdir(f"{units}/web.service.d") == ["a.conf"], "removed more"
        )
        os.unlink(cnf)
        refused(s, 1, "enable", *args, *more, words=["some.cnf"])
        # What is not installed there yet can be.
        text = s.ctl_ok("enable", *args)
        ks.expect_words(text, "written", "has to be installed there")
        s.ctl_ok("disable", *args)


def service_in_an_image():
    """Nothing in it, neither link nor FIFO, leads keydctl elsewhere."""
    with folder() as s:
        units = s.path("root/etc/systemd/system")
        os.makedirs(units)
        os.mkdir(s.path("outside"))
        write(s.path("root/some.cnf"), "")
        args = ["--service", "web.service", "--root", s.path("root")]
        more = ["--openssl-cnf", "/some.cnf"]
        os.mkfifo(f"{units}/web.service")
        s.ctl_ok("enable", *args, *more)
        s.ctl_ok("disable", *args)
        os.symlink(s.path("outside"), f"{units}/web.service.d")
        words = ["leads out of --root", "outside"]
        refused(s, 4, "enable", *args, *more, words=words)
        ks.check(os.listdir(s.path("outside")) == [], "written outside")
        os.unlink(f"{units}/web.service.d")
        os.unlink(f"{units}/web.service")
        os.rmdir(units)
        os.symlink(s.path("outside"), units)
        refused(s, 4, "enable", *args, *more, words=words)
        ks.check(os.listdir(s.path("outside")) == [], "written outside")
        none = ["--service", "web.service", "--root", s.path("none")]
        refused(s, 2, "enable", *none, words=["--root", "No such file"])


def service_names():
    with folder() as s:
        os.makedirs(s.path("root/etc/systemd/system"))
        write(s.path("root/some.cnf"), "")
        more = ["--root", s.path("root"), "--openssl-cnf", "/some.cnf"]
        for name in ("web", "web.socket", "../x.service", ".service", "a b.service"):
            refused(
                s, 2, "enable", "--service", name, *more, words=["NAME.service"]
            )
        for name in ("postfix@-.service", "dovecot.service"):
            text = s.ctl_ok("--json", "enable", "--service", name, *more)
            done = json.loads(text)
            ks.expect_words(" ".join(done["warnings"]), "whole machine")
        bad = more[:2] + ["--openssl-cnf", "/a b"]
        refused(s, 2, "enable", "--service", "a.service", *bad)
        refused(s, 2, "enable", "--root", "/x")


def service_tried():
    """Without --root the file is tried out: it must not take away what
    services had."""
    with folder() as s:
        os.makedirs(s.path("units/system"))
        write(s.path("units/system/web.service"), "[Service]\n")
        good = write(s.path("cnf/openssl.cnf"), ".include /etc/ssl/openssl.cnf\n")
        enable(s, good)
        bad = write(s.path("bad.cnf"), UPSTREAM)
        script = (
            'mount --bind "$1" /etc/systemd; "$2" -c "$3" enable '
            '--service web.service --openssl-cnf "$4"'
        )
        args = [s.path("units"), KEYDCTL, s.conf]
        status, text = in_namespace(script, *args, good)
        ks.check(status == 0, text)
        ks.check(
            os.path.exists(
                s.path("units/system/web.service.d/openssl-keyd.conf")
            ),
            text,
        )
        ks.expect_words(text, "systemctl daemon-reload", "restart web.serv")
        other = script.replace("web.service", "nosuch.service")
        status, text = in_namespace(other, *args, good)
        ks.check(status == 4, text)
        ks.expect_words(text, "nosuch.service: no such unit")
        ks.check(
            sorted(os.listdir(s.path("units/system")))
            == ["web.service", "web.service.d"],
            "a drop-in of no unit",
        )
        status, text = in_namespace(script, *args, bad)
        ks.check(status == 4, text)
        ks.expect_words(text, "not active", ".include", "enable --openssl-cnf")


# --- check --pid ------------------------------------------------------------


def pid_check(s, pid, code, *words):
    status, text = s.ctl("check", "--pid", str(pid))
    ks.check(status == code, f"exit {status}, not {code}:\n{text}")
    ks.expect_words(text, *words)
    return text


def sleeper(s, argv, name="sleeper", **kwargs):
    """Any program that has libcrypto and its openssl.cnf loaded, and waits."""
    code = (
        "import ssl, sys, time; ssl.create_default_context(); "
        "print('ready', flush=True); time.sleep(600)"
    )
    program = s.program([*argv, PYTHON, "-c", code], name, **kwargs)
    program.wait_output("ready")
    return program


@contextlib.contextmanager
def serving(**settings):
    with ks.Scratch(**settings) as s:
        s.start_keyd()
        cert = s.certificate("site", "ec:P-256")
        s.import_key(cert, use="tls-server", allow=USER)
        yield s, cert


def all_is_well():
    with serving() as (s, _):
        conf = write(s.path("openssl.cnf"), stock())
        enable(s, conf)
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        text = pid_check(
            s, p.pid, 0, "provider is loaded", "activates keyd", "connect to"
        )
        ks.expect_words(text, "0 errors, 0 warnings", "verified")
        found = json.loads(s.ctl_ok("--json", "check", "--pid", str(p.pid)))
        ks.check(all(f["level"] == "ok" for f in found), str(found))


def as_user():
    return {"user": USER, "group": USER, "extra_groups": []} if ks.ROOT else {}


def not_enabled():
    with serving() as (s, _):
        conf = write(s.path("openssl.cnf"), stock())
        env = conf_env(conf)
        p = sleeper(s, [], env=env)
        pid_check(
            s,
            p.pid,
            1,
            "not mapped",
            f"{conf} does not activate keyd",
            f"keydctl enable --openssl-cnf {conf}",
        )
        enable(s, conf)
        pid_check(s, p.pid, 1, "activates keyd", "was started before")
        p.stop()
        env.pop("OPENSSL_CONF")
        p = sleeper(s, [], name="unset", env=env)
        pid_check(
            s, p.pid, 1, "/usr/lib/ssl/openssl.cnf does not activate keyd"
        )
        p = sleeper(s, [], name="relative", env=conf_env("openssl.cnf"))
        pid_check(s, p.pid, 1, "no absolute path")
        write(conf, ".include x\n")
        p = sleeper(s, [], name="odd", env=conf_env(conf))
        pid_check(s, p.pid, 1, "not understood", "openssl.cnf:1")


def module_missing():
    with serving() as (s, _):
        module = s.path("keyd.so")
        write(module, read(MODULE))
        conf = write(s.path("openssl.cnf"), stock())
        s.ctl_ok("enable", "--openssl-cnf", conf, "--module", module)
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        pid_check(s, p.pid, 0)
        os.unlink(module)
        pid_check(s, p.pid, 0, "replaced", "restart")
        q = sleeper(s, [], name="second", env=conf_env(conf), **as_user())
        pid_check(s, q.pid, 1, "not mapped", "the module", "install")


def not_openssl():
    with serving() as (s, _):
        p = s.program(["sleep", "600"], "sleep")
        pid_check(s, p.pid, 1, "does not use OpenSSL")
        found = [
            path
            for path in ("/usr/lib/x86_64-linux-gnu/libgnutls.so.30",)
            if os.path.exists(path)
        ]
        if found:
            code = (
                f"import ctypes, time; ctypes.CDLL({found[0]!r}); "
                "print('ready', flush=True); time.sleep(600)"
            )
            q = s.program([PYTHON, "-c", code], "gnutls")
            q.wait_output("ready")
            pid_check(s, q.pid, 1, "GnuTLS")
        refused(s, 2, "check", "--pid", "0")
        refused(s, 2, "check", "--pid", "1x")
        p.stop()
        refused(s, 2, "check", "--pid", str(p.pid), words=["no such process"])


def not_permitted():
    with serving() as (s, cert):
        conf = write(s.path("openssl.cnf"), stock())
        enable(s, conf)
        p = sleeper(s, [], env=conf_env(conf), user="games", group="games",
                    extra_groups=[])
        pid_check(s, p.pid, 1, "games", "none of these processes", "allow")
        # By a group of the process alone, which no file tells.
        s.policy(cert, allow="group:backup")
        q = sleeper(s, [], name="group", env=conf_env(conf), user="games",
                    group="games", extra_groups=["backup"])
        pid_check(s, q.pid, 0, "verified")


def hostile():
    """A full queue, a device, a name that is a command: none has any effect."""
    with serving() as (s, _):
        where = s.path("x;id>PWN;")
        os.mkdir(where)
        conf = write(f"{where}/openssl.cnf", UPSTREAM)
        os.chown(conf, pwd.getpwnam(USER).pw_uid, -1)
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        text = pid_check(s, p.pid, 1, "does not activate keyd", "its owner")
        ks.check("--openssl-cnf" not in text, text)
        os.chown(conf, 0, 0)
        quoted = f"--openssl-cnf '{conf}'"
        pid_check(s, p.pid, 1, quoted)
        full = s.path("full.sock")
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.bind(full)
            os.chmod(full, 0o777)
            sock.listen(0)
            for _ in range(2):
                c = stack.enter_context(socket.socket(socket.AF_UNIX))
                c.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    c.connect(full)
            write(
                conf,
                "openssl_conf = i\n[i]\nproviders = p\n[p]\nkeyd = k\n"
                f"[k]\nactivate = 1\nsocket = {full}\n",
            )
            pid_check(s, p.pid, 1, "cannot reach keyd", "full.sock")
        q = sleeper(s, [], name="device", env=conf_env("/dev/null"))
        pid_check(s, q.pid, 1, "/dev/null", "Invalid argument")


def in_other_places():
    """Other root folders and networks."""
    with serving() as (s, _):
        conf = write(s.path("openssl.cnf"), stock())
        enable(s, conf)
        env = conf_env(conf)
        p = sleeper(s, ["unshare", "--net"], name="net", env=env)
        # The path leads there all the same.
        pid_check(s, p.pid, 1, "can connect to", "allow")
        code = (
            "import os, ssl, time; ssl.create_default_context(); "
            "os.chroot('/var/empty' if os.path.isdir('/var/empty') else "
            "'/run/lock'); os.chdir('/'); "
            "print('ready', flush=True); time.sleep(600)"
        )
        q = s.program([PYTHON, "-c", code], "chroot", env=env)
        q.wait_output("ready")
        # What it has read before, it cannot see any more.
        pid_check(
            *[s, q.pid, 1, f"can connect to @{s.abstract}"],
            f"{conf} activates keyd",
        )
        m = s.program(
            [*ks.OWN_MOUNTS, PYTHON, "-c", code], "mounts", env=env
        )
        m.wait_output("ready")
        pid_check(s, m.pid, 1, f"it read {conf} before")
        r = s.program(
            ["unshare", "--net", PYTHON, "-c", code], "both", env=env
        )
        r.wait_output("ready")
        pid_check(
            s, r.pid, 1, "cannot reach keyd", "root folder", "network"
        )


def too_large():
    """One long value in thousands of others is no reason to run out of
    memory."""
    with folder() as s:
        text = "v = " + 4000 * "A" + "\n" + 2000 * "x = $v\n"
        for words in (text, 10001 * "x=\n"):
            bomb = s.write("bomb.cnf", words)
            status, said = s.ctl("enable", "--openssl-cnf", bomb)
            ks.check(status == 4, f"exit {status}: {said}")
            ks.expect_words(said, "more than")


def in_other_users():
    """A user namespace, where root is nobody."""
    with serving() as (s, _):
        conf = write(s.path("openssl.cnf"), stock())
        enable(s, conf)
        u = sleeper(s, ["unshare", "--user"], name="user", env=conf_env(conf))
        pid_check(s, u.pid, 1, "user namespace")


def stopped():
    with serving() as (s, _):
        conf = write(s.path("openssl.cnf"), stock())
        enable(s, conf)
        p = sleeper(s, [], env=conf_env(conf), **as_user())
        s.stop_keyd()
        pid_check(s, p.pid, 1, "does not run", "cannot reach keyd")


def secure():
    """A program that runs with more rights ignores OPENSSL_CONF."""
    with serving() as (s, _):
        conf = write(s.path("openssl.cnf"), stock())
        enable(s, conf)
        copy = s.path("python")
        write(copy, read(os.path.realpath(PYTHON)))
        os.chmod(copy, 0o755)
        ks.run_ok(["setcap", "cap_net_bind_service+ep", copy])
        p = s.program(
            [copy, "-c", "import ssl, time; ssl.create_default_context(); "
             "print('ready', flush=True); time.sleep(600)"],
            "secure", env=conf_env(conf), **as_user())
        p.wait_output("ready")
        pid_check(s, p.pid, 1, "AT_SECURE", "whole machine",
                  "/usr/lib/ssl/openssl.cnf does not activate")


def nginx():
    """A master and its workers, whose titles hide their environment."""
    with serving() as (s, cert):
        conf = write(s.path("openssl.cnf"), stock())
        had = providers(conf)
        # Enabled, disabled, and enabled again.
        enable(s, conf)
        args = ["disable", "--openssl-cnf", conf]
        # There is a shell, which a server could not read any more.
        text = refused(s, 4, *args, words=[cert.key, "restore", "--yes"])
        ks.check(read(conf) != stock(), "disabled")
        ks.expect_words(s.ctl_ok(*args, "--dry-run"), "would be disabled")
        s.ctl_ok(*args, "--yes")
        ks.check(providers(conf) == had, str(providers(conf)))
        ks.check(read(conf) == stock(), "not as before")
        enable(s, conf)
        ks.check(set(providers(conf)) == {*had, "keyd"}, str(providers(conf)))
        server = s.nginx([(cert, cert.key)], conf)
        ks.handshake(server.ports[0], cert, "1.3")
        text = pid_check(s, server.pid, 0, "provider is loaded", "verified")
        ks.expect_words(text, "no key names its user root")


TESTS = [
    *[
        (f"a file {name} is enabled, and disabled byte for byte", check_round_trip, text)
        for name, text in FILES.items()
    ],
    ("so is the system's", lambda: check_round_trip(stock())),
    ("included files count", included),
    ("disable keeps what was edited", edited),
    ("enable repairs a block that an edit made useless", changed_underneath),
    ("settings of an operator in the block stay", own_settings),
    ("a file that was broken before is said to be", broken_before),
    ("locks of others do not hold it up", locked),
    ("what may be the only copy stays", left_over),
    ("what came behind the block is told, and mended", hidden),
    ("a link stays a link, hard links are refused", linked),
    ("what does not load changes nothing", does_not_load),
    ("a dry run changes nothing, and there is JSON", dry_run),
    ("enable killed at every call leaves the old or the new", killed, "enable"),
    ("disable killed at every call leaves the old or the new", killed, "disable"),
    ("a service gets a drop-in", service),
    ("an image leads nowhere else", service_in_an_image),
    ("services have names, and some scrub", service_names),
    ("a file that grows beyond measure is refused", too_large),
    ("check --pid: all is well", all_is_well),
    ("check --pid: not enabled", not_enabled),
    ("check --pid: the module is gone", module_missing),
    ("check --pid: not OpenSSL", not_openssl),
    ("check --pid: keyd does not run", stopped),
]
ROOT_TESTS = [
    ("the whole machine's file, and a handshake", system_wide),
    ("a service's file is tried out", service_tried),
    ("check finds what a block hides", hidden_from_check),
    ("shells that nothing reads are told of", shells_without),
    ("another user's files are not loaded", foreign),
    ("an immutable file, and a mount point", not_to_be_changed),
    ("check --pid: a hostile process", hostile),
    ("check --pid: not permitted", not_permitted),
    ("check --pid: other root folders and networks", in_other_places),
    ("check --pid: another user namespace", in_other_users),
    ("check --pid: OPENSSL_CONF is ignored", secure),
    ("check --pid: nginx with its workers", nginx),
]


def main():
    chosen = re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    for name, fn, *args in TESTS:
        if chosen.search(name):
            tap.run(name, fn, *args)
    for name, fn, *args in ROOT_TESTS:
        if not chosen.search(name):
            continue
        if not ks.ROOT:
            tap.skip(name, "needs root")
        elif fn is in_other_users and ks.run(["unshare", "--user", "true"])[0]:
            tap.skip(name, "the kernel gives no user namespaces here (chroot)")
        else:
            tap.run(name, fn, *args)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
