#!/usr/bin/env python3
"""keydctl import --all-links: a key file's hard links become shells, and keys
again, all or none of them; killed at every system call."""

import os
import shutil
import stat
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(
    0,
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "../support"),
)
import keyd_scratch as ks
from ctl_test import (
    ALICE,
    KEYDCTL,
    USER,
    import_args,
    is_shell,
    key_pair,
    killer,
    read,
    refused,
    running,
    store_files,
    untouched,
    what,
    works,
)
from import_test import Terminal, bundle_of, become

OWN_MOUNTS = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../support/own_mounts.py"
)
tap = ks.Tap()


def linked(s, cert):
    """A key file with three names: two in a folder, one far away."""
    far = s.path("srv/deep/down")
    os.makedirs(far, exist_ok=True)
    paths = [cert.key, s.path("tls/second.key"), f"{far}/third.key"]
    for path in paths[1:]:
        os.link(cert.key, path)
    return paths


def inodes(paths):
    return {os.lstat(path).st_ino for path in paths}


def are_one(paths, links=None):
    ks.check(len(inodes(paths)) == 1, f"not one file: {paths}")
    count = os.lstat(paths[0]).st_nlink
    ks.check(count == (links or len(paths)), f"{count} hard links")


def no_leftovers(paths):
    for path in paths:
        names = os.listdir(os.path.dirname(path))
        ks.check(not [n for n in names if n[0] == "."], f"left over: {names}")


def as_before(s, cert, paths, before, inode):
    untouched(s, cert, before)
    are_one(paths)
    ks.check(inodes(paths) == {inode}, "another file")
    no_leftovers(paths)


def args_for(cert):
    return [*import_args(cert), "--all-links"]


def replaced_and_restored():
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        paths = linked(s, cert)
        inode = os.stat(cert.key).st_ino
        words = ["other hard links (2)", "--all-links"]
        refused(s, 4, *import_args(cert), cert.key, words=words)
        as_before(s, cert, paths, before, inode)
        text = s.ctl_ok(*args_for(cert), "--dry-run", cert.key)
        ks.expect_words(text, "would import", *paths[1:])
        as_before(s, cert, paths, before, inode)
        text = s.ctl_ok(*args_for(cert), cert.key)
        ks.expect_words(text, "imported as site", *paths[1:])
        are_one(paths)
        ks.check(inodes(paths) != {inode}, "the same file")
        for path in paths:
            ks.check(is_shell(path), f"{path}: no shell")
            ks.check(what(path) == before, f"{path}: not kept")
            text = s.ctl_ok(*import_args(cert), path)
            ks.expect_words(text, "already a shell, for key site")
        ks.check(works(s, "site"), "does not work")
        ks.expect_words(s.ctl_ok("check"), "0 errors")
        ks.expect_words(s.ctl_ok("show", "site"), *paths)
        no_leftovers(paths)
        text = s.ctl_ok("restore", "site", "--yes")
        ks.expect_words(text, *paths)
        untouched(s, cert, before)
        are_one(paths)
        no_leftovers(paths)


def named():
    """On the command line: each name once, whatever way it is given."""
    with running() as s:
        cert = key_pair(s)
        paths = linked(s, cert)
        link = s.path("tls/symlink.key")
        os.symlink(paths[1], link)
        # One that is another key's is imported after it.
        other = key_pair(s, "other")
        odd = s.path("tls/../tls/site.key")
        args = ["import", "--allow", USER, "--use", "tls-server"]
        args += ["--all-links", paths[2], odd, link, other.key]
        text = s.ctl_ok(*args)
        ks.expect_words(
            text, "imported as third", "already a shell, for key third"
        )
        ks.check(all(is_shell(p) for p in [*paths, other.key]), text)
        are_one(paths)
        s.ctl_ok("restore", "third", "--yes")
        are_one(paths)
        ks.check(read(link) == read(cert.plain), "not the key")
        ks.check(os.path.islink(link), "the symbolic link was replaced")


def bundle():
    with running() as s:
        cert = key_pair(s)
        data = bundle_of(cert, "first")
        become(cert, data)
        paths = linked(s, cert)
        s.ctl_ok("import", "--allow", USER, "--all-links", cert.key)
        are_one(paths)
        ks.check(read(paths[2]) != data, "not replaced")
        s.ctl_ok("restore", "site", "--yes")
        are_one(paths)
        ks.check(read(paths[2]) == data, "not the same bytes")


def hidden():
    """A name that a mount hides, or that is seen twice."""
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        paths = linked(s, cert)
        inode = os.stat(cert.key).st_ino
        deep = os.path.dirname(paths[2])
        ctl = f"{KEYDCTL} -c {s.conf} {' '.join(args_for(cert))}"

        def run(script):
            # A mount of its own is soon searched.
            script = f"mount --bind {s.dir} {s.dir} && {script}"
            return ks.run([sys.executable, OWN_MOUNTS, "sh", "-c", script])

        status, text = run(f"mount -t tmpfs none {deep} && {ctl} {cert.key}")
        ks.check(status == 4, f"hidden: exit {status}: {text}")
        ks.expect_words(
            text, "3 hard links", "1 of them was not found", "nothing was"
        )
        ks.expect_words(text, paths[1], "-inum", str(inode))
        as_before(s, cert, paths, before, inode)
        # Through another mount it cannot be linked to.
        alias = s.path("alias")
        os.mkdir(alias)
        script = f"mount --bind {deep} {alias} && mount -t tmpfs none {deep}"
        status, text = run(f"{script} && {ctl} {cert.key} {alias}/third.key")
        ks.check(status == 4, f"aside: exit {status}: {text}")
        ks.expect_words(text, "1 of them was not found", "another mount")
        as_before(s, cert, paths, before, inode)
        # Seen at two places it is one name.
        script = f"mount --bind {s.path('tls')} {alias}"
        status, text = run(f"{script} && {ctl} {cert.key} {alias}/second.key")
        ks.check(status == 0, f"twice: exit {status}: {text}")
        are_one(paths)
        ks.check(is_shell(paths[2]), "no shell")
        s.ctl_ok("restore", "site", "--yes")


def others_folder():
    """Neither root's names nor a service user's are at the other's mercy."""
    with running() as s:
        cert = key_pair(s)
        os.chmod(cert.key, 0o600)
        before = what(cert.key)
        his = s.path("alice")
        os.mkdir(his)
        os.link(cert.key, f"{his}/hard.key")
        os.chown(his, ALICE, ALICE)
        paths = [cert.key, f"{his}/hard.key"]
        inode = os.stat(cert.key).st_ino
        words = ["alice/hard.key", f"uid {ALICE}", "remove one"]
        for more in ([], [paths[1]]):
            refused(s, 4, *args_for(cert), cert.key, *more, words=words)
            as_before(s, cert, paths, before, inode)
        # From his side, not even the file can be opened.
        refused(s, 1, *args_for(cert), paths[1])
        as_before(s, cert, paths, before, inode)
        # In a folder that all may write, there is no one to act as.
        os.chown(his, 0, 0)
        os.chmod(his, 0o777)
        words = ["alice", "may write"]
        refused(s, 4, *args_for(cert), cert.key, words=words)
        as_before(s, cert, paths, before, inode)


def too_many():
    with running() as s:
        cert = key_pair(s)
        for i in range(32):
            os.link(cert.key, s.path(f"tls/link-{i}"))
        words = ["33 hard links", "32 are the most"]
        refused(s, 4, *args_for(cert), cert.key, words=words)
        ks.check(read(cert.key) == read(cert.plain), "changed")
        os.unlink(s.path("tls/link-0"))
        s.ctl_ok(*args_for(cert), cert.key)
        ks.check(is_shell(s.path("tls/link-31")), "no shell")
        s.ctl_ok("restore", "site", "--yes")
        ks.check(os.stat(cert.key).st_nlink == 32, "not linked again")


def fails_half_way():
    """A folder that cannot be written: all is as it was."""
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        paths = linked(s, cert)
        inode = os.stat(cert.key).st_ino
        deep = os.path.dirname(paths[2])
        for path in (deep, paths[0]):
            done = ks.run(["chattr", "+i", path])
            if done[0] != 0:
                return "skipped: no file attributes in this file system"
            try:
                text = refused(s, 1, *args_for(cert), cert.key)
            finally:
                ks.run_ok(["chattr", "-i", path])
            ks.expect_words(text, "not permitted")
            no_leftovers(paths[:2])
            as_before(s, cert, paths, before, inode)
        return None


def changed_since():
    """What has become of the names in the meantime, restore respects."""
    with running() as s:
        cert = key_pair(s)
        paths = linked(s, cert)
        shell = s.path("shell")

        def again():
            for path in paths:
                if os.path.lexists(path):
                    os.unlink(path)
            shutil.copyfile(cert.plain, paths[0])
            os.chmod(paths[0], 0o640)
            for path in paths[1:]:
                os.link(paths[0], path)
            s.ctl_ok(*args_for(cert), cert.key)
            shutil.copyfile(cert.key, shell)

        # Gone, and replaced: left alone.
        again()
        os.unlink(paths[1])
        os.unlink(paths[2])
        with open(paths[2], "w", encoding="ascii") as f:
            f.write("another file\n")
        refused(s, 1, "check", words=[f"{paths[1]} is gone", "not its shell"])
        s.ctl_ok("restore", "site", "--yes")
        ks.check(read(paths[0]) == read(cert.plain), "no key")
        ks.check(not os.path.exists(paths[1]), "there again")
        ks.check(read(paths[2]) == b"another file\n", "overwritten")
        # A shell of its own would be left without its key.
        again()
        os.unlink(paths[1])
        shutil.copyfile(shell, paths[1])
        words = [paths[1], "file of its own", "ln -f"]
        refused(s, 4, "restore", "site", "--yes", words=words)
        ks.check(all(is_shell(path) for path in paths), "no shell any more")
        os.unlink(paths[1])
        os.symlink(paths[0], paths[1])
        s.ctl_ok("restore", "site", "--yes")
        ks.check(read(paths[1]) == read(cert.plain), "no key")
        # So would one that was added.
        again()
        os.link(paths[0], s.path("tls/added"))
        words = ["4 hard links, and 3 of them"]
        refused(s, 4, "restore", "site", "--yes", words=words)
        os.unlink(s.path("tls/added"))
        s.ctl_ok("restore", "site", "--yes")
        are_one(paths)


def tells_on_the_terminal():
    """Only where there is one, and only if it takes long: not here."""
    with running() as s:
        cert = key_pair(s)
        linked(s, cert)
        t = Terminal(s, *args_for(cert), cert.key)
        status, text = t.end()
        ks.check(status == 0, text)
        ks.check("looking for" not in text, text)


# --- killed -----------------------------------------------------------------


def key_is_everywhere(s, cert, paths, at):
    """Each name is the key, or a shell that works."""
    shells = 0
    for path in paths:
        if read(path) != read(cert.plain):
            ks.check(is_shell(path), f"{at}: {path} is neither")
            shells += 1
    ks.check(shells == 0 or works(s, cert.name), f"{at}: without its key")


def killed(verb):
    with running() as s:
        cert = key_pair(s)
        before = what(cert.key)
        paths = linked(s, cert)
        args = [*args_for(cert), *paths]
        names = []
        while not names or not names[-1].startswith("end"):
            if verb == "restore":
                s.ctl_ok(*args)
            this = args if verb == "import" else [verb, "site", "--yes"]
            word, done = killer(s, len(names) + 1, "after", *this)
            at = f"{verb}, after call {len(names) + 1}, {word}"
            ks.check(done.returncode == 0, f"{at}: {done.stderr}")
            key_is_everywhere(s, cert, paths, at)
            if verb == "import":
                s.ctl_ok(*args)
                ks.check(all(map(is_shell, paths)), f"{at}: not all shells")
                are_one(paths)
            s.ctl("restore", "site", "--yes")
            untouched(s, cert, before)
            are_one(paths)
            no_leftovers(paths)
            names.append(word)
        ks.check(names.count("renameat2") == 3, f"three exchanges: {names}")
        return f"{len(names)} calls: {' '.join(names)}"


TESTS = [
    ("all hard links become the shell, and the key again", replaced_and_restored),
    ("names on the command line count once", named),
    ("a bundle with hard links", bundle),
    ("too many hard links are refused", too_many),
    ("what fails half-way changes nothing", fails_half_way),
    ("restore respects what has become of the names", changed_since),
    ("a short search says nothing", tells_on_the_terminal),
    ("import of hard links, killed at every call", killed, "import"),
    ("restore of hard links, killed at every call", killed, "restore"),
]
ROOT_TESTS = [
    ("what a mount hides is missed, and seen twice is one", hidden),
    ("links in another user's folder are refused", others_folder),
]


def main():
    chosen = ks.re.compile(sys.argv[1] if len(sys.argv) > 1 else "")
    for name, fn, *args in TESTS + (ROOT_TESTS if ks.ROOT else []):
        if chosen.search(name) and ks.runs_here(name):
            tap.run(name, fn, *args)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
