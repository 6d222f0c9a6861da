"""Thousands of random operations, each through keyd and in the process itself:
what one accepts, the other accepts, with the same outcome.

    differ_test.py [COUNT [SEED]]      (default: 6000 from 1)
"""

import os
import shutil
import sys

sys.path.insert(
    0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support")
)
import keyd_scratch as ks  # pylint: disable=wrong-import-position

# name: arguments of openssl genpkey, uses
KEYS = {
    "rsa2048": ("RSA -pkeyopt rsa_keygen_bits:2048", "sign decrypt tls-rsa-kx"),
    "rsa3072": ("RSA -pkeyopt rsa_keygen_bits:3072", "sign decrypt tls-rsa-kx"),
    "rsa2049": ("RSA -pkeyopt rsa_keygen_bits:2049", "sign decrypt tls-rsa-kx"),
    "pss": ("RSA-PSS -pkeyopt rsa_keygen_bits:2048", "sign"),
    "pss-restricted": (
        "RSA-PSS -pkeyopt rsa_keygen_bits:2048"
        " -pkeyopt rsa_pss_keygen_md:sha256"
        " -pkeyopt rsa_pss_keygen_mgf1_md:sha256"
        " -pkeyopt rsa_pss_keygen_saltlen:32",
        "sign",
    ),
    "ed25519": ("ED25519", "sign"),
    "ed448": ("ED448", "sign"),
    "x25519": ("X25519", "decrypt"),
    "x448": ("X448", "decrypt"),
}
for curve in (
    "P-224",
    "P-256",
    "P-384",
    "P-521",
    "secp256k1",
    "brainpoolP256r1",
    "brainpoolP384t1",
    "brainpoolP512r1",
):
    KEYS[curve] = (f"EC -pkeyopt ec_paramgen_curve:{curve}", "sign decrypt")


def make_keys(s):
    """[plain, shell, …] of one key of each kind, imported."""
    files = []
    for name, (how, use) in KEYS.items():
        key, plain = s.path(f"tls/{name}.key"), s.path(f"plain/{name}.key")
        ks.run_ok(["openssl", "genpkey", "-out", key, "-algorithm", *how.split()])
        shutil.copyfile(key, plain)
        args = ["import", "--offline", "--allow", s.everyone().split()[0]]
        for word in use.split():
            args += ["--use", word]
        s.ctl_ok(*args, key)
        policy = s.path(f"policies/{name}.conf")
        with open(policy, "a", encoding="utf-8") as f:
            f.write("weak-digests = yes\n")
        files += [plain, key]
    return files


def main():
    count, seed = (sys.argv[1:] + ["6000", "1"][len(sys.argv) - 1 :])[:2]
    with ks.Scratch() as s:
        files = make_keys(s)
        s.start_keyd()
        conf = s.openssl_conf()
        env = s.environment(None)
        status, text = ks.run(
            [f"{ks.BUILD}/tests/differ/differ", conf, seed, count, *files],
            env=env,
            timeout=800,
        )
        print(text, end="")
    return status


sys.exit(main())
