"""System calls per signature, on both sides, counted by strace."""

import subprocess

from keyd_scratch import BUILD, check

SIGNER = f"{BUILD}/tests/bench/signer"
# Who am I: asked for the credentials of a message, and by the DRBG. Is the
# descriptor still ours: asked before each use. None waits or carries data.
CHEAP = {"getpid", "geteuid", "getegid", "newfstatat", "fstat"}


def parse(summary):
    """{system call: count} of strace -c -U name,calls."""
    counts = {}
    for line in summary.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].isdigit() and words[0] != "total":
            counts[words[0]] = counts.get(words[0], 0) + int(words[1])
    return counts


def calls(argv, env):
    return parse(
        subprocess.run(
            ["strace", "-f", "-c", "-U", "name,calls", "-o", "/dev/stderr"]
            + argv,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
            timeout=120,
        ).stderr
    )


def calls_of_application(s, cert, conf):
    """{system call: count per signature}: what 1,000 more signatures add."""
    env = s.environment(conf)
    many, few = (
        calls([SIGNER, "--count", str(n), cert.key], env) for n in (1100, 100)
    )
    grown = {n: (count - few.get(n, 0)) / 1000 for n, count in many.items()}
    return {name: n for name, n in grown.items() if n > 0.02}


def calls_of_session(s, cert, conf):
    """The same of the session that serves a signer. Needs root."""
    client = subprocess.Popen(
        [SIGNER, "--count", "1000", "--wait", cert.key],
        env=s.environment(conf),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with client:
        # It has signed once and so has a session; it waits for a line.
        check(client.stdout.readline() == "ready\n", "the signer")
        traces = []
        for pid in s.processes("keyd-session"):
            log = s.path(f"strace-{pid}")
            trace = s.program(
                ["strace", "-c", "-U", "name,calls", "-o", log, "-p", str(pid)],
                f"strace-{pid}.said",
            )
            trace.wait_output("attached")
            traces.append((trace, log))
        client.stdin.write("go\n")
        client.stdin.flush()
        client.stdin.close()
        check(client.wait(60) == 0, "the signer failed")
    counts = {}
    for trace, log in traces:
        trace.stop(2)
        with open(log, encoding="utf-8") as f:
            for name, n in parse(f.read()).items():
                counts[name] = counts.get(name, 0) + n
    # One handshake of start and end is not what is asked.
    return {name: n / 1000 for name, n in counts.items() if n > 20}


def in_words(per_signature):
    return "a signature: " + ", ".join(
        f"{n:.2f} {name}" for name, n in sorted(per_signature.items())
    )
