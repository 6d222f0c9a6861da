/*
 * Key files: what is found lies within the file; what can be read is a key whose own DER reads
 * as the same key; a passphrase takes off a cipher or does not. Key derivation with a count of
 * its own (PKCS#8) is left out: it would only burn time.
 */
#include "fuzz.h"

#include <openssl/crypto.h>
#include <string.h>

#include "loader/certificate.h"
#include "loader/key.h"
#include "loader/unlock.h"

static const struct view passphrase = { (const uint8_t *)"pass", 4 };

static void
must_be_within(struct view inner, struct view outer)
{
	must(inner.data >= outer.data && inner.len <= outer.len &&
		inner.data + inner.len <= outer.data + outer.len);
}

static void
must_say(const struct fault *why)
{
	must(why->text[0] != '\0' &&
		memchr(why->text, '\0', sizeof(why->text)));
}

/* The key's own DER is the key. */
static void
read_again(const struct key *k)
{
	struct keyfile file;
	struct fault why;
	struct key again;
	uint8_t *der;
	size_t len;

	must(key_private_der(k, &der, &len) == 0);
	must(keyfile_find((struct view){ der, len }, KEYFILE_ONLY, &file,
		     &why) == 0);
	must(file.is_der && file.form == BOOT_FORM_PKCS8);
	must(key_open(&file, (struct view){ 0 }, &again, &why) == 0);
	must(again.type == k->type && again.bits == k->bits &&
		memcmp(again.hash, k->hash, sizeof(k->hash)) == 0);
	key_release(&again);
	OPENSSL_clear_free(der, len);
}

static void
open_key(const struct keyfile *file)
{
	struct fault why = { 0 };
	struct key k;
	int r;

	if (file->cipher == KEYFILE_PKCS8)
		return;
	r = key_open(file, passphrase, &k, &why);
	must(r == 0 || r == -1 ||
		(r == KEY_LOCKED && file->cipher == KEYFILE_TRADITIONAL));
	if (r < 0)
		must_say(&why);
	if (r != 0)
		return;
	must(k.type != 0 && k.spki_len > 0);
	if (k.form != BOOT_FORM_SHELL)
		read_again(&k);
	key_release(&k);
}

static void
find(struct view text, enum keyfile_pick pick)
{
	struct fault why = { 0 };
	struct keyfile file;

	if (keyfile_find(text, pick, &file, &why) < 0) {
		must_say(&why);
		return;
	}
	must_be_within(file.part, text);
	must_be_within(file.block.whole, text);
	must_be_within(file.block.body, file.block.whole);
	must(file.part.len > 0 && file.block.body.len <= file.part.len);
	must(file.form >= BOOT_FORM_PKCS8 && file.form <= BOOT_FORM_SEC1);
	must(pick == KEYFILE_NEXT || file.shells + file.more == 0);
	/* A mistake in a bundle, if its key starts in the third line. */
	must(!PLANTED || file.part.len == text.len || file.block.line != 3);
	open_key(&file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { data, size };
	struct certificate c;
	struct fault why = { 0 };

	find(text, KEYFILE_NEXT);
	find(text, KEYFILE_ONLY);
	if (certificate_read(text, NULL, &c, &why) == 0)
		certificate_release(&c);
	else
		must_say(&why);
	return 0;
}
