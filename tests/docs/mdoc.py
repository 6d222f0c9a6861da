"""As much of mdoc(7) as the manual's pages are made of: sections, lists, items.

    page = Page("keydctl.1")
    for item in page.items("SETTINGS"):
        item.head, item.own, item.text, item.items
"""

import os
import re

# Callable macros: they are no words of the text.
CALLABLE = set("Ar Cm Dq Dv Em Ev Fl Ic No Nm Ns Op Pa Pq Ql Sx Sy Xo Xc Xr".split())


def split(line):
    """Words of a macro line, quoted ones whole."""
    words = re.findall(r'"((?:[^"]|"")*)"|(\S+)', line)
    return [quoted or word for quoted, word in words]


def plain(lines):
    """The words of some lines, without macros."""
    words = []
    for line in lines:
        if not line.startswith("."):
            words.append(line)
            continue
        found = split(line[1:])
        words += [word for word in found[1:] if word not in CALLABLE]
    text = " ".join(words).replace("\\&", "").replace("\\e", "\\")
    return re.sub(r"\s+", " ", text)


def squash(text):
    """Only what is read: no blanks, quotes or punctuation."""
    return "".join(c for c in text if c.isalnum() or c in "=-_")


class Item:
    def __init__(self, calls):
        self.calls = calls  # macro words of .It, of each line up to .Xc
        self.head = sum(calls, [])
        self.own = []  # lines, without those of lists inside
        self.lines = []  # all of them
        self.items = []

    @property
    def text(self):
        return plain(self.lines)

    def words(self, macro):
        """What follows a macro in the head, up to the next one."""
        out = []
        for i, word in enumerate(self.head):
            if word == macro and i + 1 < len(self.head):
                out.append(self.head[i + 1])
        return out

    def options(self):
        """{option: takes an argument} of the head."""
        out = {}
        for call in self.calls:
            call = [word for word in call if word != "Op"]
            for i, word in enumerate(call):
                if i == 0 or call[i - 1] not in ("Fl", ","):
                    continue
                # .Fl c Ar file , Fl -config Ar file; .Fl -yes , y
                if word != "Fl" and "Fl" in call[:i]:
                    out["-" + word] = call[i + 1 : i + 2] == ["Ar"]
        return out


class Page:
    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)
        with open(path, encoding="utf-8") as f:
            self.lines = f.read().splitlines()
        self.sections = {}
        self.read()

    def read(self):
        top = stack = None
        lines = iter(self.lines)
        for line in lines:
            words = split(line[1:]) if line.startswith(".") else []
            macro = words[0] if words else ""
            if macro in ("Sh", "Ss"):
                name = " ".join(words[1:])
                top = self.sections[name] = Item([])
                stack = [top]
                continue
            if top is None:
                continue
            if macro == "It":
                calls = [words[1:]]
                if calls[0][:1] == ["Xo"]:
                    calls[0] = calls[0][1:]
                    for more in lines:
                        if more == ".Xc":
                            break
                        calls.append(split(more.lstrip(".")))
                item = Item(calls)
                stack[-1] = item
                stack[-2].items.append(item)
                continue
            if macro == "Bl":
                stack.append(None)
                continue
            if macro == "El":
                stack.pop()
                continue
            here = [one for one in stack if one is not None]
            here[-1].own.append(line)
            for one in here:
                one.lines.append(line)

    def items(self, section):
        return self.sections[section].items

    def text(self, section=None):
        if section is None:
            return plain(self.lines)
        return self.sections[section].text + " ".join(
            plain(["." + " ".join(["It"] + i.head)])
            for i in self.sections[section].items
        )
