/* openssl.cnf: what enable accepts it reads as libcrypto does, activates keyd in
 * it, and disable takes that back byte for byte. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/err.h>

#include "ctl/block.h"
#include "ctl/mark.h"

enum {
	MAX = 4096,
};

/* What the reader makes of files and the environment libcrypto may not see. */
static bool
is_self_contained(const uint8_t *data, size_t size)
{
	static const char *const words[] = { ".include", "ENV" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (memmem(data, size, words[i], strlen(words[i])) != NULL)
			return false;
	return true;
}

static void
compare_section(const struct cnf *c, const CONF *theirs, const char *section)
{
	STACK_OF(CONF_VALUE) *values = NCONF_get_section(theirs, section);
	const struct cnf_entry *e = NULL;
	const CONF_VALUE *v;
	int i;

	for (i = 0; i < sk_CONF_VALUE_num(values); i++) {
		v = sk_CONF_VALUE_value(values, i);
		e = cnf_next(c, section, e);
		must(e != NULL && strcmp(e->name, v->name) == 0 &&
			strcmp(e->value, v->value) == 0);
	}
	must(cnf_next(c, section, e) == NULL || e == NULL);
}

static void
compare(const struct cnf *c, const uint8_t *data, size_t size)
{
	CONF *theirs = NCONF_new(NULL);
	BIO *bio = BIO_new_mem_buf(data, (int)size);
	size_t i;

	must(NCONF_load_bio(theirs, bio, NULL) > 0);
	for (i = 0; i < c->nsections; i++)
		compare_section(c, theirs, c->sections[i]);
	BIO_free(bio);
	NCONF_free(theirs);
	ERR_clear_error();
}

/* The text with its block. */
static void
enabled(const struct activation *before, const uint8_t *base, size_t len,
	const uint8_t *text, size_t size)
{
	uint8_t back[MAX + BLOCK_MAX];
	struct activation a;
	struct cnf c;
	struct fault f;

	must(cnf_read("f", (const char *)text, size, NULL, NULL, &c, &f) == 0);
	must(activation_find(&c, &a, &f) == 0);
	must(a.has_keyd && !activation_loses_default(&a));
	must(a.active >= before->active);
	must(!before->has_default || a.has_default);
	must(!PLANTED || before->list == NULL || before->active < 2);
	if (is_self_contained(text, size))
		compare(&c, text, size);
	cnf_free(&c);
	must(mark_strip("f", text, size, back, &f) == (long)len);
	must(memcmp(back, base, len) == 0);
}

/* What an operator wrote into a block comes through, and is in its place then:
 * written once more, the block is the same. */
static void
kept(const struct cnf *c, const struct activation *a, const uint8_t *base,
	size_t len, const uint8_t *data, size_t size)
{
	static uint8_t text[MAX + BLOCK_MAX];
	static struct kept first, second;
	struct block_settings s = { .socket = "/s", .kept = &first };
	struct kept_file file = { "f", data, size, c, a };
	char block[BLOCK_MAX], again[BLOCK_MAX];
	struct fault f;
	long n;

	kept_foreign(&file, &s, &second);
	if (kept_take(&file, &s, &first, &f) < 0)
		return;
	n = block_write(c, a, base, len, &s, block, &f);
	if (n < 0)
		return;
	memcpy(text, base, len);
	memcpy(text + len, block, (size_t)n);
	file.text = text;
	file.len = len + (size_t)n;
	must(kept_take(&file, &s, &second, &f) == 0);
	s.kept = &second;
	must(block_write(c, a, base, len, &s, again, &f) == n);
	must(memcmp(block, again, (size_t)n) == 0);
	/* What it took is all there is: nothing is enable's to drop. */
	must(second.len >= first.len);
	must(memcmp(first.text, second.text, first.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct block_settings s = { .module = "/keyd.so" };
	static uint8_t text[MAX + BLOCK_MAX], base[MAX];
	char block[BLOCK_MAX];
	struct activation a;
	struct cnf c;
	struct fault f;
	long len, n = -1;

	if (size > MAX)
		return 0;
	len = mark_strip("f", data, size, base, &f);
	if (len < 0 || cnf_read("f", (const char *)base, (size_t)len, NULL,
			       NULL, &c, &f) < 0)
		return 0;
	if (is_self_contained(base, (size_t)len))
		compare(&c, base, (size_t)len);
	if (activation_find(&c, &a, &f) == 0) {
		n = block_write(&c, &a, base, (size_t)len, &s, block, &f);
		if (n >= 0) {
			memcpy(text, base, (size_t)len);
			memcpy(text + len, block, (size_t)n);
			enabled(&a, base, (size_t)len, text, (size_t)(len + n));
		}
		kept(&c, &a, base, (size_t)len, data, size);
	}
	cnf_free(&c);
	return 0;
}
