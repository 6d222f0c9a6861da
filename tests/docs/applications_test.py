#!/usr/bin/env python3
"""docs/APPLICATIONS.md says what the tests of servers prove, and no more."""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../support"))
sys.path.insert(0, os.path.join(HERE, "../servers"))
import table
from keyd_scratch import Tap, check, read_text

tap = Tap()


def same_rows(text, name, rows):
    there = table.written(name, text)
    only_said = [line for line in there if line not in rows]
    only_tested = [line for line in rows if line not in there]
    check(not only_said, f"no test says: {only_said}")
    check(
        there == rows,
        f"missing, or not in order (tests/servers/table.py writes them):"
        f" {only_tested}",
    )


def no_other_table(text, names):
    # Of units, confinement_test.py speaks.
    text = re.sub(r"(?s)\n## Units that restrict\n.*?(?=\n## )", "", text)
    heads = re.findall(r"(?m)^\|[-|]+\|$", text)
    check(len(heads) == len(names), f"{len(heads)} tables, not {len(names)}")


def no_test_left_out():
    listed = {f"{m.__name__}.py" for m, _ in table.tests()}
    there = {n for n in os.listdir(table.HERE) if n.endswith("_test.py")}
    check(listed == there, f"only listed or only there: {listed ^ there}")


def main():
    text = read_text(table.DOCUMENT)
    tap.run("each test of a server is listed", no_test_left_out)
    tables = table.tables()
    for name, rows in tables.items():
        tap.run(f"table: {name}", same_rows, text, name, rows)
    tap.run("no table without tests", no_other_table, text, tables)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
