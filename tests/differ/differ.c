/*
 * differ CONF SEED COUNT PLAIN SHELL [PLAIN SHELL]…
 *
 * Loads each key twice: itself in a library context of its own, its shell in one that
 * CONF sets up. Then COUNT random operations, each on both. Prints TAP: one result for each kind
 * of operation. A case is found again by its number: SEED and COUNT 1.
 */
#include "differ.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

static const struct {
	const char *name;
	differ_case *run;
	uint32_t weight;
} kinds[] = {
	{ "sign", differ_sign, 5 },
	{ "verify", differ_verify, 2 },
	{ "decrypt", differ_decrypt, 3 },
	{ "derive", differ_derive, 2 },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), WEIGHTS = 12 };

static struct {
	unsigned long done, failed;
	unsigned long accepted;
} counts[KINDS];

/* splitmix64 */
static uint64_t
dice_next(struct dice *d)
{
	uint64_t z = d->state += 0x9E3779B97F4A7C15U;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
	z = (z ^ z >> 27) * 0x94D049BB133111EBU;
	return z ^ z >> 31;
}

uint32_t
dice_roll(struct dice *d, uint32_t sides)
{
	return (uint32_t)(dice_next(d) % sides);
}

void
dice_fill(struct dice *d, void *out, size_t len)
{
	uint8_t *p = out;

	for (; len > 0; len--)
		*p++ = (uint8_t)dice_next(d);
}

void
outcome_end(struct outcome *o, int step)
{
	const char *data = NULL;
	unsigned long e = ERR_peek_error_data(&data, NULL);
	const char *reason = e == 0 ? NULL : ERR_reason_error_string(e);

	o->step = step;
	o->leftover = step == STEP_DONE && e != 0;
	(void)snprintf(o->why, sizeof(o->why), "%s%s%s",
		reason == NULL ? "" : reason, data != NULL && *data ? ": " : "",
		data == NULL ? "" : data);
	ERR_clear_error();
}

int
differ_compare(
	const struct outcome *plain, const struct outcome *ours, char *why)
{
	const char *what = NULL;

	if (plain->step != ours->step)
		what = "another step fails";
	else if (ours->leftover)
		what = "errors are left after success";
	else if (plain->step > STEP_SIZE && plain->size != ours->size)
		what = "another size is announced";
	else if (ours->step != STEP_DONE && ours->why[0] == '\0' &&
		 plain->why[0] != '\0')
		what = "fails without an error in the queue";
	if (what == NULL)
		return 1;
	(void)snprintf(why, DIFFER_WHY,
		"%s: step %d size %zu '%.80s', keyd: step %d size %zu '%.80s'",
		what, plain->step, plain->size, plain->why, ours->step,
		ours->size, ours->why);
	return 0;
}

__attribute__((format(printf, 1, 2), noreturn)) static void
die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)printf("Bail out! ");
	(void)vprintf(format, ap);
	(void)printf("\n");
	va_end(ap);
	ERR_print_errors_fp(stdout);
	exit(2);
}

static EVP_PKEY *
load(const char *file, OSSL_LIB_CTX *libctx)
{
	FILE *f = fopen(file, "r");
	EVP_PKEY *key;

	if (f == NULL)
		die("%s cannot be opened", file);
	key = PEM_read_PrivateKey_ex(f, NULL, NULL, NULL, libctx, NULL);
	(void)fclose(f);
	if (key == NULL)
		die("%s cannot be read", file);
	return key;
}

static size_t
pick_kind(struct dice *d)
{
	uint32_t roll = dice_roll(d, WEIGHTS);
	size_t i;

	for (i = 0; i < KINDS - 1 && roll >= kinds[i].weight; i++)
		roll -= kinds[i].weight;
	return i;
}

static void
run_case(const struct pair *p, OSSL_LIB_CTX *const libctx[2], uint64_t number)
{
	struct side sides[2] = { { libctx[0], p->plain },
		{ libctx[1], p->shell } };
	struct dice d = { number };
	char why[DIFFER_WHY] = "";
	size_t kind;
	int r;

	(void)dice_next(&d);
	kind = pick_kind(&d);
	r = kinds[kind].run(sides, &d, why);
	ERR_clear_error();
	if (r < 0)
		return;
	counts[kind].done++;
	if (r == 0 && ++counts[kind].failed <= 20)
		(void)printf("# %s %s, case %llu: %s\n", kinds[kind].name,
			p->name, (unsigned long long)number, why);
}

static int
report(void)
{
	unsigned long failed = 0;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		(void)printf("%s %zu - %s: %lu operations, %lu differ\n",
			counts[i].failed == 0 && counts[i].done > 0 ? "ok"
								    : "not ok",
			i + 1, kinds[i].name, counts[i].done, counts[i].failed);
		failed += counts[i].failed;
	}
	(void)printf("1..%d\n", KINDS);
	return failed > 0;
}

int
main(int argc, char **argv)
{
	OSSL_PROVIDER *own;
	OSSL_LIB_CTX *libctx[2] = { OSSL_LIB_CTX_new(), OSSL_LIB_CTX_new() };
	size_t n, npairs = argc < 6 ? 0 : (size_t)(argc - 4) / 2;
	struct pair *pairs = calloc(npairs + 1, sizeof(*pairs));
	unsigned long long seed, count, i;

	if (npairs == 0 || argc % 2 != 0 || pairs == NULL)
		die("usage: differ CONF SEED COUNT PLAIN SHELL …");
	seed = strtoull(argv[2], NULL, 10);
	count = strtoull(argv[3], NULL, 10);
	own = OSSL_PROVIDER_load(libctx[0], "default");
	if (own == NULL || OSSL_LIB_CTX_load_config(libctx[1], argv[1]) != 1 ||
		OSSL_PROVIDER_available(libctx[1], "keyd") != 1)
		die("the provider is not there");
	for (n = 0; n < npairs; n++) {
		pairs[n].name = argv[4 + 2 * n];
		pairs[n].plain = load(argv[4 + 2 * n], libctx[0]);
		pairs[n].shell = load(argv[5 + 2 * n], libctx[1]);
	}
	for (i = 0; i < count; i++)
		run_case(&pairs[(seed + i) % npairs], libctx, seed + i);
	for (n = 0; n < npairs; n++) {
		EVP_PKEY_free(pairs[n].plain);
		EVP_PKEY_free(pairs[n].shell);
	}
	free(pairs);
	(void)OSSL_PROVIDER_unload(own);
	OSSL_LIB_CTX_free(libctx[0]);
	OSSL_LIB_CTX_free(libctx[1]);
	return report();
}
