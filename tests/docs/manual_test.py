#!/usr/bin/env python3
"""The manual says what the programs do: its settings, defaults, examples, verbs,
options, words and messages are those of the programs' own tables, no more and
no less. The same of keyd.conf and README.md; and links lead somewhere."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
sys.path.insert(0, HERE)
from keyd_scratch import BUILD, TOP, Failed, Tap, check, run, run_ok
from mdoc import Page, plain, split, squash

TABLES = f"{BUILD}/tests/docs/tables"
MAN = f"{BUILD}/docs/man"
NAMES = "keydctl.1 keyd.conf.5 keyd-policy.5 provider-keyd.7 keyd.8".split()
tap = Tap()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


class Tables:
    """{kind: [fields]}"""

    def __init__(self):
        self.rows = {}
        text = run_ok([TABLES]) + run_ok([TABLES + "-keyd"])
        for line in text.splitlines():
            kind, *fields = line.split("\t")
            self.rows.setdefault(kind, []).append(fields)

    def __getitem__(self, kind):
        return self.rows[kind]

    def first(self, kind):
        return [row[0] for row in self.rows[kind]]

    def options(self, program):
        return {
            option: argument != "0"
            for of, option, argument in self.rows["option"]
            if of == program
        }


def same(found, known, what):
    """As sets, and nothing twice."""
    found, known = list(found), list(known)
    check(len(found) == len(set(found)), f"{what}: told twice: {found}")
    missing = set(known) - set(found)
    made_up = set(found) - set(known)
    check(not missing, f"{what}: missing: {sorted(missing)}")
    check(not made_up, f"{what}: there is no {sorted(made_up)}")


def refuses(what, fn, *args):
    try:
        fn(*args)
    except Failed:
        return
    raise Failed(f"not noticed: {what}")


# --- the pages ---------------------------------------------------------------


def is_clean(page):
    if shutil.which("mandoc") is None:
        return tap.skip(f"{page.name} is clean", "no mandoc")
    status, text = run(["mandoc", "-Tlint", "-Wwarning", page.path])
    check(status == 0 and not text, text)


def is_rendered(page):
    """By the system's own man, without a warning; and its places are filled in."""
    holes = re.findall(r"@[a-z_]+@", read(page.path))
    check(not holes, f"not filled in: {holes}")
    if shutil.which("man") is None:
        return
    env = dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="80", MANPAGER="cat")
    env["MANROFFOPT"] = "-ww"
    done = subprocess.run(
        ["man", "--warnings=w", "-l", page.path],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    check(done.returncode == 0 and not done.stderr, done.stderr)
    check(len(done.stdout) > 1000, "nothing is shown")


def references(pages):
    """Our pages name ours as they are called, and each names the others."""
    ours = {tuple(name.rsplit(".", 1)) for name in NAMES}
    for page in pages.values():
        named = set()
        for line in page.lines:
            words = split(line[1:]) if line.startswith(".") else []
            for i, word in enumerate(words):
                if word == "Xr":
                    named.add((words[i + 1], words[i + 2]))
        for name, section in named:
            if name.startswith("keyd") or name.endswith("-keyd"):
                check((name, section) in ours, f"{page.name}: {name}({section})")
        missing = ours - named - {tuple(page.name.rsplit(".", 1))}
        check(not missing, f"{page.name} does not name {sorted(missing)}")


# --- settings ----------------------------------------------------------------


def setting_names(page, section="SETTINGS"):
    return [item.words("Ic")[0] for item in page.items(section)]


def documented(item):
    """(default, example) of a setting, both as they stand in the page."""
    name = item.words("Ic")[0]
    at = [i for i, line in enumerate(item.own) if line.startswith("Default:")]
    check(len(at) == 1, f"{name}: no default, or several")
    line = item.own[at[0]]
    if line == "Default:":
        default = re.match(r"\.Ql (.*) \.$", item.own[at[0] + 1])
        check(default, f"{name}: {item.own[at[0] + 1]}")
        default = default[1]
    else:
        check(
            re.match(r"Default: (none|required)\.$|Default: empty,", line),
            f"{name}: {line}",
        )
        default = None
    check("For example:" in item.own[at[0] :], f"{name}: no example")
    example = [x for x in item.own[at[0] :] if x.startswith(".Dl ")]
    check(len(example) == 1, f"{name}: no example, or several")
    example = example[0][4:]
    check(example.startswith(f"{name} = "), f"{name}: {example}")
    return default, example


def effect(kind, text):
    """What a file with this text amounts to."""
    # A day that is still to come, whenever this runs.
    soon = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 7 * 86400))
    text = re.sub(r"\d{4}-\d\d-\d\d", soon, text)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/file"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return run_ok([TABLES, kind, path])


def same_effect(kind, base, item, fallback=None):
    """The default changes nothing, the example is taken."""
    default, example = documented(item)
    name = item.words("Ic")[0]
    if fallback is not None:
        check((default or "") == fallback, f"{name}: the default is {fallback}")
    if default is not None:
        check(
            effect(kind, base) == effect(kind, f"{base}{name} = {default}\n"),
            f"{name}: {default} is not the default",
        )
    base = re.sub(f"(?m)^{name} = .*\n", "", base)
    effect(kind, f"{base}{example}\n")


def keyd_conf(page, tables):
    same(setting_names(page), tables.first("keyd.conf"), "settings")
    fallbacks = dict(tables["keyd.conf"])
    for item in page.items("SETTINGS"):
        name = item.words("Ic")[0]
        same_effect("keyd.conf", "", item, fallbacks[name])


def listeners(page, tables):
    """None has a default, so that each is tried beside the others."""
    names = setting_names(page, "LISTENERS")
    same(names, tables.first("listener"), "settings of a listener")
    whole = {"socket": "/s", "keys": "k", "allow": "uid:1"}
    for item in page.items("LISTENERS"):
        rest = {k: v for k, v in whole.items() if k != item.words("Ic")[0]}
        base = "[listener x]\n" + "".join(f"{k} = {v}\n" for k, v in rest.items())
        same_effect("keyd.conf", base, item)


def restarts(page, conf, tables):
    """Which settings need a restart is said in both places."""
    # Of listeners, the page says it in a sentence.
    fixed = [name for name in tables.first("restart") if name != "listener"]
    told = [
        item.words("Ic")[0]
        for item in page.items("SETTINGS")
        if ".Em restart" in item.own
    ]
    same(told, fixed, page.name)
    told = [
        name
        for name, _, comment in shown_settings(conf)
        if re.search(r"\(restart\)\s*$", comment)
    ]
    same(told, fixed, "keyd.conf")


def layers(page, tables):
    item = [i for i in page.items("SETTINGS") if i.words("Ic") == ["require"]]
    same([i.words("Cm")[0] for i in item[0].items], tables.first("layer"), "layers")


def policy(page, tables):
    same(setting_names(page), tables.first("policy"), "settings")
    base = "allow = www-data\nuse = tls-server\n"
    for item in page.items("SETTINGS"):
        same_effect("policy", base, item)
        name = item.words("Ic")[0]
        is_required = "Default: required." in item.own
        without = re.sub(f"(?m)^{name} = .*\n", "", base)
        status, _ = run([TABLES, "policy", "/dev/stdin"], stdin=without)
        check((status != 0) == is_required, f"{name}: required or not?")


def uses(pages, tables):
    known = tables.first("use")
    told = [i.words("Cm")[0] for i in pages["keyd-policy.5"].items("USES")]
    same(told, known, "keyd-policy(5)")
    same(word_list(pages["keydctl.1"], "use"), known, "keydctl(1)")


def word_list(page, name):
    item = [i for i in page.items("WORDS") if i.words("Ar") == [name]][0]
    return [split(line)[1] for line in item.own if line.startswith(".Cm ")]


def types(page, tables):
    same(word_list(page, "type"), tables.first("type"), "types")


def provider(page, tables):
    same(setting_names(page), tables.first("provider"), "settings")
    nothing = run_ok([TABLES, "provider", "no-setting", ""])
    for item in page.items("SETTINGS"):
        default, example = documented(item)
        name, value = example.split(" = ")
        if default is not None:
            check(
                run_ok([TABLES, "provider", name, default]) == nothing,
                f"{name}: {default} is not the default",
            )
        check(
            run_ok([TABLES, "provider", name, value]) != nothing,
            f"{name}: the example changes nothing",
        )


# --- programs ----------------------------------------------------------------


def verb_items(page):
    """{verb: its items}: a verb may be called in two ways, with words under the last."""
    verbs = {}
    for item in page.items("VERBS"):
        verbs.setdefault(item.words("Ic")[0], []).append(item)
    return verbs


def verbs(page, tables):
    items = verb_items(page)
    same(items, tables.first("verb"), "verbs")
    for name, synopsis, _ in tables["verb"]:
        known = tables.options(name)
        shown, told = {}, {}
        for item in items[name]:
            shown.update(item.options())
            for option in item.items:
                told.update(option.options())
        long = {k: v for k, v in known.items() if k.startswith("--")}
        check(shown == long, f"{name}: called with {shown}, it takes {long}")
        check(told == known, f"{name}: tells of {told}, it takes {known}")
        in_help = set(re.findall(r"--[a-z0-9-]+", synopsis))
        same(in_help, long, f"keydctl help {name}")


def common_options(page, ctl_help):
    told = {}
    for item in page.items("DESCRIPTION"):
        told.update(item.options())
    same(told, ["-c", "--json", "--help", "--version"], "options")
    for option in told:
        check(option in ctl_help + "--help --version", option)


def exit_codes(page, ctl_help):
    told = [item.head[0] for item in page.items("EXIT STATUS")]
    words = ctl_help.split("Exit codes:")[1]
    same(told, re.findall(r"\b(\d) ", words), "exit codes")


def keyd_options(page, tables):
    told = {}
    for item in page.items("DESCRIPTION"):
        told.update(item.options())
    known = tables.options("keyd")
    same(told, known, "options")
    status, text = run([f"{BUILD}/keyd/keyd", "--no-such-option"])
    codes = [item.head[0] for item in page.items("EXIT STATUS")]
    same(codes, re.findall(r"\b(\d) ", text.split("Exit codes:")[1]), "exit codes")
    check(status == 2, f"usage: {status}")


# --- messages ----------------------------------------------------------------


def begins_with(item, text, what):
    check(
        squash(item.text).startswith(squash(text)),
        f"{what}: {text!r} is not what {item.text[:200]!r} begins with",
    )


def statuses(page, tables):
    rows = {name: (n, text) for n, name, text in tables["status"] if n != "0"}
    items = {item.words("Sy")[0]: item for item in page.items("Answers of keyd")}
    same(items, rows, "statuses")
    for name, (number, text) in rows.items():
        check(items[name].head == ["Sy", name, number], str(items[name].head))
        begins_with(items[name], text, name)


def details(page, tables):
    items = {item.words("Sy")[0]: item for item in page.items("Details")}
    same(items, tables.first("detail"), "details")
    for number, text, setting in tables["detail"]:
        begins_with(items[number], text + setting, number)
        if not setting:
            check(".Pq Ic" not in "\n".join(items[number].own), number)


def reasons(page, tables):
    told = [" ".join(item.head[1:]) for item in page.items("Reasons")]
    same(told, tables.first("reason"), "reasons")


def hints(page, tables):
    told = [" ".join(item.head[1:]) for item in page.items("The way to keyd")]
    same(told, set(tables.first("hint")), "hints")
    text = squash(page.text("Answers of keyd")).lower()
    for advice in tables.first("advice"):
        check(squash(advice).lower() in text, f"missing: {advice}")


# What stands for something else in a message.
HOLES = r"\.\.\.|\b(?:FILE|SETTING|LAYER|RUN|PID|UID|GID|NAME|N)\b"


def said_by(text, programs):
    """The fixed parts of a message stand in one of the programs."""
    for program in programs:
        with open(f"{BUILD}/keyd/{program}", "rb") as f:
            data = f.read()
        parts = [part.strip() for part in re.split(HOLES, text)]
        if all(part.encode() in data for part in parts):
            return
    raise Failed(f"no program says: {text}")


def log_lines(page, tables):
    n = 0
    for item in page.items("Of clients"):
        said_by(" ".join(item.head[1:]), ["keyd-logger"])
        n += 1
    for item in page.items("Of itself"):
        said_by(item.head[0], ["keyd"])
        n += 1
    check(n > 10, f"{n} were found")


def ctl_words(page, tables):
    for item in page.items("DIAGNOSTICS"):
        said_by(item.head[0], ["keydctl"])
    check(len(page.items("DIAGNOSTICS")) > 5, "they were not found")


# --- keyd.conf, README.md ------------------------------------------------------


def shown_settings(text):
    """(name, value, comment above) of each setting that keyd.conf shows."""
    out, comment = [], ""
    for line in text.splitlines():
        found = re.match(r"#([a-z-]+) = (.*)$", line)
        if found:
            out.append((found[1], found[2], comment))
        elif line.startswith("#"):
            comment += line[1:] + "\n"
        else:
            comment = ""
    return out


def conf_file(text, tables):
    rows = dict(tables["keyd.conf"])
    shown = shown_settings(text)
    same([name for name, _, _ in shown], rows, "keyd.conf")
    default = effect("keyd.conf", text)
    check(default == effect("keyd.conf", ""), "it sets something")
    for name, value, comment in shown:
        one = effect("keyd.conf", f"{name} = {value}\n")
        is_example = "for example" in comment.lower()
        check(
            (one == default) != is_example,
            f"{name} = {value} {'is' if is_example else 'is not'} the default",
        )
        check(
            not is_example or rows[name] == "",
            f"{name}: the default is {rows[name]}, which is not shown",
        )


def cnf_file(text, tables):
    """So does the fragment of openssl.cnf, and it sets none of them."""
    shown = dict(re.findall(r"(?m)^#([a-z-]+) = (.*)$", text))
    same(shown, tables.first("provider"), "openssl-keyd.cnf")
    section = text.split("[keyd_section]")[1]
    set_ones = re.findall(r"(?m)^([a-z-]+) = ", section)
    check(set_ones == ["activate"], set_ones)
    nothing = run_ok([TABLES, "provider", "no-setting", ""])
    check(
        run_ok([TABLES, "provider", "timeout", shown["timeout"]]) == nothing,
        f"timeout = {shown['timeout']} is not the default",
    )


def commands_in(text):
    """Calls of keydctl in code, each as words."""
    code = re.findall(r"`([^`\n]+)`", text)
    code += re.findall(r"(?m)^    (.*)$", text)
    for line in code:
        for part in re.split(r"&&|\|", line):
            words = part.split()
            if "keydctl" in words:
                yield words[words.index("keydctl") + 1 :]


def commands(text, tables, what):
    known = set(tables.first("verb")) | {"help"}
    n = 0
    for words in commands_in(text):
        while words and words[0] in ("-c", "--json"):
            words = words[2 if words[0] == "-c" else 1 :]
        if not words:
            continue
        n += 1
        verb = words[0].strip(".,:;")
        check(verb in known, f"{what}: keydctl {' '.join(words)}: no such verb")
        for word in words[1:]:
            option = re.match(r"-[-a-z0-9]+", word)
            check(
                not option
                or option[0] in tables.options(verb)
                or option[0] in ("--json", "--help"),
                f"{what}: keydctl {' '.join(words)}: no option {word}",
            )
    for option in re.findall(r"`keyd (-[-a-z]+)", text):
        check(option in tables.options("keyd"), f"{what}: keyd {option}")
    return n


def documents():
    return sorted(glob.glob(f"{TOP}/docs/*.md")) + [f"{TOP}/README.md"]


def all_commands(pages, tables):
    n = {}
    for path in documents():
        n[os.path.basename(path)] = commands(read(path), tables, path)
    check(n["README.md"] > 10, "commands in README.md were not found")
    for page in pages.values():
        text = "".join(
            "`" + re.sub(r"\\e$", "", line.split(" ", 1)[1]) + "`\n"
            for line in page.lines
            if line.startswith((".Ql keydctl", ".Dl ", "# keydctl"))
        ).replace("`# ", "`")
        commands(text, tables, page.name)


def table(text, heading, first):
    """Rows of the first table below a heading whose first cell is called so."""
    text = text[text.index(f"\n{heading}") :]
    text = text[text.index(f"\n| {first} |") + 1 :].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()[2:]
    ]


def protocol(text, tables):
    """The specification has what the programs have."""
    rows = table(text, "## 4. Status and detail", "status")
    same([(r[0], r[1]) for r in rows], [tuple(r[:2]) for r in tables["status"]], "§4")
    rows = {r[0]: r[3] for r in table(text, "## 4. Status and detail", "detail")}
    same(rows, ["0"] + tables.first("detail"), "§4")
    for number, _, setting in tables["detail"]:
        # "tls12 = sentinel or tls12 = any", "a higher max-sessions in keyd.conf"
        named = re.search(r"[a-z0-9-]+ = [a-z-]+|max-[a-z-]+|$", setting)[0]
        check(
            named in rows[number] if setting else not rows[number].startswith("`"),
            f"§4: {number}: {setting!r}, {rows[number]!r}",
        )
    rows = table(text, "## 13. Policy file", "setting")
    same([r[0].strip("`") for r in rows], tables.first("policy"), "§13")
    base = "allow = www-data\nuse = tls-server\n"
    for name, _, default in rows:
        if default.startswith("`"):
            line = f"{name} = {default}\n".replace("`", "")
            check(
                effect("policy", base) == effect("policy", base + line),
                f"§13: {name}: {default} is not the default",
            )


def readme_uses(text, tables):
    rows = table(text, "**Policy**", "`use`")
    same([r[0].strip("`") for r in rows], tables.first("use"), "README.md")


def anchors(path):
    """As GitHub makes them of headings."""
    out = set()
    for title in re.findall(r"(?m)^#+ (.*)$", read(path)):
        title = re.sub(r"[^\w\- ]", "", title.lower())
        out.add(title.replace(" ", "-"))
    return out


def links(text, path):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = os.path.join(os.path.dirname(path), file) if file else path
        check(os.path.exists(there), f"{path}: {target}: no such file")
        if anchor:
            check(anchor in anchors(there), f"{path}: {target}: no such heading")


def all_links():
    for path in documents():
        links(read(path), path)


# --- does it notice? -----------------------------------------------------------


def doctored(page, old, new):
    """The page with something else in it."""
    text = read(page.path)
    check(old in text, f"{page.name} has no {old!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/{page.name}"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(old, new, 1))
        return Page(path)


def drift(pages, tables):
    """Each kind of it fails the test that is for it."""
    for fn, name, old, new in (
        (keyd_conf, "keyd.conf.5", ".It Ic run", ".It Ic running"),
        (keyd_conf, "keyd.conf.5", ".Ql 1024 .", ".Ql 1025 ."),
        (keyd_conf, "keyd.conf.5", "idle-timeout = 10m", "idle-timeout = 10d"),
        (policy, "keyd-policy.5", ".Ql any .", ".Ql no ."),
        (policy, "keyd-policy.5", "Default: required.", "Default: none."),
        (provider, "provider-keyd.7", ".Ql 5000 .", ".Ql 500 ."),
        (verbs, "keydctl.1", ".Ic restore", ".Ic undo"),
        (verbs, "keydctl.1", ".It Fl -weak-keys\n", ".It Fl -weak\n"),
        (verbs, "keydctl.1", ".It Fl -yes , y", ".It Fl -yes"),
        (types, "keydctl.1", ".Cm ec:P-224 ,", ".Cm ec:P-192 ,"),
        (layers, "keyd.conf.5", ".It Cm mseal", ".It Cm seal"),
        (statuses, "provider-keyd.7", ".It Sy limit 7", ".It Sy limit 8"),
        (details, "provider-keyd.7", "tls12 = any .", "tls12 = no ."),
        (details, "provider-keyd.7", ".It Sy 30", ".It Sy 31"),
        (reasons, "provider-keyd.7", ".It Sy keyd failed", ".It Sy keyd fails"),
        (keyd_options, "keyd.8", "Fl -test", "Fl -check"),
        (log_lines, "keyd.8", ".It Sy turned away", ".It Sy turned down"),
        (log_lines, "keyd.8", "KEYS ARE LEFT OUT", "KEYS ARE MISSING"),
        (ctl_words, "keydctl.1", "what is it used for?", "what is it for?"),
    ):
        page = doctored(pages[name], old, new)
        refuses(f"{name}: {new.strip()}", fn, page, tables)
    conf = read(f"{TOP}/conf/keyd.conf")
    for old, new in (
        ("#idle-timeout = 300s", "#idle-timeout = 60s"),
        ("#user = keyd", "#usr = keyd"),
        ("#log-level = info\n", ""),
    ):
        check(old in conf, old)
        refuses(new, conf_file, conf.replace(old, new), tables)
    spec = read(f"{TOP}/docs/PROTOCOL.md")
    for old, new in (
        ("| 7 | limit |", "| 7 | limits |"),
        ("| 22 | rsa-kx-off |", "| 32 | rsa-kx-off |"),
        ("| `use = tls-client` |", "| `use = sign` |"),
        ("| `no`, `sentinel`, `any` | `any` |", "| `no`, `sentinel`, `any` | `no` |"),
    ):
        check(old in spec, old)
        refuses(new, protocol, spec.replace(old, new), tables)
    for text in ("`keydctl destroy site`", "`keydctl remove --force site`", "`keyd -x`"):
        refuses(text, commands, text, tables, "README.md")
    for text in ("[a](no-such.md)", "[a](#no-such)"):
        refuses(text, links, text, f"{TOP}/README.md")


def main():
    tables = Tables()
    pages = {name: Page(f"{MAN}/{name}") for name in NAMES}
    ctl_help = run_ok([f"{BUILD}/keyd/keydctl", "help"])
    conf = read(f"{TOP}/conf/keyd.conf")
    ctl, conf5, policy5, provider7, keyd8 = (pages[n] for n in NAMES)

    for page in pages.values():
        tap.run(f"{page.name}: mandoc has nothing to say", is_clean, page)
        tap.run(f"{page.name} can be read", is_rendered, page)
    tap.run("pages name each other", references, pages)
    tap.run("keyd.conf(5): settings", keyd_conf, conf5, tables)
    tap.run("keyd.conf(5): listeners", listeners, conf5, tables)
    tap.run("settings that need a restart", restarts, conf5, conf, tables)
    tap.run("keyd.conf(5): layers", layers, conf5, tables)
    tap.run("keyd-policy(5): settings", policy, policy5, tables)
    tap.run("uses", uses, pages, tables)
    tap.run("types of keys", types, ctl, tables)
    tap.run("provider-keyd(7): settings", provider, provider7, tables)
    tap.run("keydctl(1): verbs and their options", verbs, ctl, tables)
    tap.run("keydctl(1): options of all verbs", common_options, ctl, ctl_help)
    tap.run("keydctl(1): exit codes", exit_codes, ctl, ctl_help)
    tap.run("keyd(8): options, exit codes", keyd_options, keyd8, tables)
    tap.run("provider-keyd(7): statuses", statuses, provider7, tables)
    tap.run("provider-keyd(7): details", details, provider7, tables)
    tap.run("provider-keyd(7): reasons", reasons, provider7, tables)
    tap.run("provider-keyd(7): hints and advice", hints, provider7, tables)
    tap.run("keyd(8): lines of the log", log_lines, keyd8, tables)
    tap.run("keydctl(1): what it says", ctl_words, ctl, tables)
    tap.run("keyd.conf shows each setting's default", conf_file, conf, tables)
    tap.run(
        "openssl-keyd.cnf shows the provider's settings",
        cnf_file,
        read(f"{TOP}/conf/openssl-keyd.cnf"),
        tables,
    )
    tap.run("commands in README.md and docs exist", all_commands, pages, tables)
    tap.run(
        "PROTOCOL.md: statuses, details, policies",
        protocol,
        read(f"{TOP}/docs/PROTOCOL.md"),
        tables,
    )
    tap.run("README.md: uses", readme_uses, read(f"{TOP}/README.md"), tables)
    tap.run("links in README.md and docs lead somewhere", all_links)
    tap.run("drift is noticed", drift, pages, tables)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
