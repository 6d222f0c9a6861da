"""The openssl command in a scratch set-up: with the provider listed after or
before default, and without it, to check what came out."""

from keyd_scratch import check, expect_words, run, run_ok


class Bench:
    """bench("req", ...) must succeed; order is that of the providers."""

    def __init__(self, s, certs, order="after"):
        self.s, self.certs, self.order = s, certs, order
        self.confs = {
            order: s.openssl_conf(order, name=f"{order}.cnf", timeout=1500)
            for order in ("after", "before")
        }
        self.plain_conf = s.write(
            "plain.cnf", "[req]\ndistinguished_name = dn\n[dn]\n"
        )

    def environment(self, order=None):
        return self.s.environment(self.confs[order or self.order])

    def try_(self, *args, order=None, **kwargs):
        """(exit status, output)"""
        return run(["openssl", *args], env=self.environment(order), **kwargs)

    def __call__(self, *args, order=None, **kwargs):
        return run_ok(
            ["openssl", *args], env=self.environment(order), **kwargs
        )

    def try_plain(self, *args, **kwargs):
        env = self.s.environment(self.plain_conf)
        return run(["openssl", *args], env=env, **kwargs)

    def plain(self, *args, **kwargs):
        env = self.s.environment(self.plain_conf)
        return run_ok(["openssl", *args], env=env, **kwargs)

    def refused(self, words, *args, **kwargs):
        """It fails, and says so in these words."""
        status, text = self.try_(*args, **kwargs)
        check(status != 0, f"{' '.join(args)}: exit 0\n{text}")
        expect_words(text, *([words] if isinstance(words, str) else words))
        return text

    def path(self, name):
        return self.s.path(name)
