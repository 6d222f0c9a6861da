#!/usr/bin/env python3
"""Counts what a suite of tests left behind; used by tests/run.

    tally.py RESULTS NAME meson JSON SECONDS
    tally.py RESULTS NAME tap LOG SECONDS EXIT
    tally.py RESULTS NAME command LOG SECONDS EXIT
    tally.py RESULTS NAME run LOG SECONDS EXIT      (a whole run of tests/run)
    tally.py RESULTS NAME broken WHY SECONDS
    tally.py RESULTS NAME skipped WHY SECONDS
    tally.py RESULTS --summary SECONDS

Prints a line for the suite, the failing tests with their output, and the
skipped ones with the reason. A program that crashed, timed out, exited with an
error or ran no test at all is a failure. RESULTS collects the numbers.
"""

import json
import re
import sys

TAP = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(.*)$")
SKIP = re.compile(r"#\s*SKIP\b:?\s*(.*)$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*SKIP\b:?\s*(.*))?$", re.IGNORECASE)
TAIL = 60


class Count:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped = []
        self.details = []

    def fail(self, what, output=""):
        self.failed += 1
        lines = output.strip().splitlines()
        if len(lines) > TAIL:
            lines = [f"… {len(lines) - TAIL} lines left out"] + lines[-TAIL:]
        self.details.append((what, lines))

    def skip(self, what, why):
        self.skipped.append(f"{what}: {why}" if why else what)


def count_tap(name, text, errors, ended_well, why, count):
    """TAP text of one program; errors is what it said besides."""
    results = plan = 0
    failed_before = count.failed
    said = []
    for line in text.splitlines():
        if match := PLAN.match(line):
            plan = int(match[1])
            if plan == 0 and match[2] is not None:
                count.skip(name, match[2])
                results += 1
                plan = 1
        elif match := TAP.match(line):
            results += 1
            what = f"{name}: {match[3].lstrip('- ')}"
            if skip := SKIP.search(what):
                count.skip(what[: skip.start()].strip(), skip[1])
            elif match[1]:
                said.append(what)
            else:
                count.passed += 1
        elif line.startswith("Bail out!"):
            said.append(f"{name}: {line}")
    if plan and plan != results:
        said.append(f"{name}: {results} tests of {plan} ran")
    if results == 0:
        said.append(f"{name}: no test ran")
    if not ended_well and not said:
        said.append(f"{name}: {why}")
    for what in said[:-1]:
        count.fail(what)
    if said:
        count.fail(said[-1], text + "\n" + errors)
    return count.failed == failed_before


def count_meson(path, count):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.readlines()
    except OSError:
        lines = []
    for line in lines:
        test = json.loads(line)
        name = test["name"].rsplit(" / ", 1)[-1]
        text, errors = test.get("stdout", ""), test.get("stderr", "")
        result = test["result"]
        ok = result in ("OK", "SKIP", "EXPECTEDFAIL")
        why = f"{result.lower()}, exit status {test.get('returncode')}"
        if TAP.search(text) or re.search(r"^(not ok|ok|1\.\.)", text, re.M):
            count_tap(name, text, errors, ok, why, count)
        elif result == "SKIP":
            count.skip(name, (text + errors).strip()[:200])
        elif ok and "protocol: tap" not in text:
            count.passed += 1
        else:
            count.fail(f"{name}: {why}", text + "\n" + errors)
    if not lines:
        count.fail("no test ran")


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


SUM = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.M)


def count_run(name, text, status, count):
    """The sum of another tests/run, with its own words on what failed."""
    match = SUM.search(text)
    if not match:
        return count.fail(f"{name}: it did not end, exit status {status}", text)
    passed, failed, skipped = map(int, match.groups())
    lines = text.splitlines()
    count.passed += passed
    for line in lines:
        if line.startswith("    skipped: "):
            count.skipped.append(line.split(": ", 1)[1])
    if len(count.skipped) != skipped:
        count.fail(f"{name}: {skipped} skipped, not all by name")
    if failed:
        count.failed += failed
        count.details.append((f"{name}: {failed} of these", lines))
    elif status != "0":
        count.fail(f"{name}: exit status {status}", text)


def suite(results, name, kind, args):
    count = Count()
    if kind == "meson":
        count_meson(args[0], count)
        seconds = args[1]
    elif kind == "tap":
        path, seconds, status = args
        errors = read(re.sub(r"\.log$", ".err", path))
        why = f"exit status {status}"
        count_tap(name, read(path), errors, status == "0", why, count)
    elif kind == "command":
        path, seconds, status = args
        if status == "0":
            count.passed += 1
        else:
            count.fail(f"{name}: exit status {status}", read(path))
    elif kind == "run":
        path, seconds, status = args
        count_run(name, read(path), status, count)
    elif kind == "skipped":
        seconds = args[1]
        count.skip(name, args[0])
    else:
        seconds = args[1]
        count.fail(f"{name}: {args[0]}")
    skipped = len(count.skipped)
    print(
        f"{name:14} {count.passed:5} passed {count.failed:4} failed"
        f" {skipped:4} skipped {int(seconds):5} s"
    )
    for what in count.skipped:
        print(f"    skipped: {what}")
    for what, lines in count.details:
        print(f"    FAILED: {what}")
        for line in lines:
            print(f"        {line}")
    sys.stdout.flush()
    with open(results, "a", encoding="utf-8") as f:
        f.write(f"{count.passed} {count.failed} {skipped}\n")


def summary(results, seconds):
    rows = [[int(n) for n in row.split()] for row in read(results).splitlines()]
    passed, failed, skipped = (sum(row[i] for row in rows) for i in range(3))
    if not rows or passed + failed == 0:
        failed += 1
        print("no suite ran")
    print(f"{len(rows)} suites in {int(seconds)} s")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


def main():
    results, name, *args = sys.argv[1:]
    if name == "--summary":
        return summary(results, args[0])
    suite(results, name, args[0], args[1:])
    return 0


if __name__ == "__main__":
    sys.exit(main())
