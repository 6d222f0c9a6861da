#include "provider/directory.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "provider/errors.h"

enum {
	REQUEST_SIZE = 128,
	/* A key description, with room for all its fields. */
	FOUND_SIZE = PROTO_REPLY_HEADER + 128 + PROTO_MAX_SPKI,
};

/* Of a name, keyd does not tell whether another user has such a key. */
static void
raise_no_name(struct context *ctx, const char *name)
{
	errors_raise(ctx, ERROR_UNKNOWN_KEY,
		"key '%s': keyd has no key of this name that this user (uid "
		"%lu) may use; which there are tells: openssl storeutl -keys "
		"keyd:",
		name, (unsigned long)geteuid());
}

/* Reply's body. words: the key asked for, NULL: none. */
static int
call(struct context *ctx, struct writer *w, uint8_t *reply, size_t size,
	const char *words, struct view *body)
{
	struct client_error error = { 0 };
	struct proto_reply answer;
	size_t len;

	if (writer_finish(w, &len) < 0) {
		errors_raise(ctx, ERROR_TOO_LARGE, "a question to keyd");
		return -1;
	}
	error.result = client_call(
		ctx->client, w->start, len, reply, size, &answer, &error);
	if (error.result != CLIENT_OK) {
		if (error.status == PROTO_UNKNOWN_KEY && words != NULL &&
			proto_is_name(words, strlen(words)))
			raise_no_name(ctx, words);
		else
			errors_raise_client(ctx, &error, words);
		return -1;
	}
	*body = answer.body;
	return 0;
}

static bool
is_same(const struct view *a, const struct view *b)
{
	return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Is it the key that was asked for, and is the hash that of the SPKI? */
static bool
is_honest(const struct context *ctx, const struct proto_find *what,
	const struct proto_key *got)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t len;

	if (what->by == PROTO_BY_NAME && !is_same(&what->name, &got->name))
		return false;
	if (what->by == PROTO_BY_HASH &&
		memcmp(what->hash, got->hash, PROTO_HASH_LEN) != 0)
		return false;
	return EVP_Q_digest(ctx->libctx, "SHA256", NULL, got->spki.data,
		       got->spki.len, hash, &len) == 1 &&
	       len == PROTO_HASH_LEN && memcmp(hash, got->hash, len) == 0;
}

enum {
	MAX_WORDS = 80, /* "sha256=" and a hash, or a name */
};

/* How the key was named, for words. */
static void
words_for(const struct proto_find *what, char *out)
{
	char hash[KEY_HASH_TEXT];

	if (what->by == PROTO_BY_NAME)
		(void)snprintf(out, MAX_WORDS, "%.*s", (int)what->name.len,
			(const char *)what->name.data);
	else
		(void)snprintf(out, MAX_WORDS, "sha256=%s",
			key_hash_text(what->hash, hash));
}

struct key *
directory_find(struct context *ctx, const struct proto_find *what)
{
	uint8_t request[REQUEST_SIZE], reply[FOUND_SIZE];
	struct writer w = writer_init(request, sizeof(request));
	struct shell shell = { 0 };
	struct proto_key got;
	struct view body;
	char words[MAX_WORDS];

	words_for(what, words);
	proto_put_request(&w, PROTO_FIND, 1);
	proto_put_find(&w, what);
	if (call(ctx, &w, reply, sizeof(reply), words, &body) < 0)
		return NULL;
	if (proto_get_key(body, &got) < 0 || !is_honest(ctx, what, &got)) {
		errors_raise(ctx, ERROR_PROTOCOL,
			"key %s: the answer does not describe this key", words);
		return NULL;
	}
	/* A name's length was checked with the description. */
	memcpy(shell.name, got.name.data, got.name.len);
	shell.spki = got.spki;
	return key_new_shell(
		ctx, kind_of_der(got.spki.data, got.spki.len), &shell);
}

/* Reads through a page whose header was read. */
static bool
is_sound(const struct directory_page *page, uint32_t first)
{
	struct reader r = page->entries;
	uint8_t hash[PROTO_HASH_LEN];
	struct view name;
	uint16_t i;

	for (i = 0; i < page->left; i++)
		proto_read_list_entry(&r, hash, &name);
	if (reader_finish(&r) < 0)
		return false;
	return page->next == 0 || (page->next > first && page->left > 0);
}

int
directory_open(struct context *ctx, uint32_t first, struct directory_page *page)
{
	uint8_t request[REQUEST_SIZE];
	struct writer w = writer_init(request, sizeof(request));
	struct view body;

	page->left = 0;
	page->next = 0;
	proto_put_request(&w, PROTO_LIST, 1);
	proto_put_list(&w, first);
	if (call(ctx, &w, page->reply, sizeof(page->reply), NULL, &body) < 0)
		return -1;
	page->entries = proto_read_list(body, &page->next, &page->left);
	if (is_sound(page, first))
		return 0;
	page->left = 0;
	page->next = 0;
	errors_raise(ctx, ERROR_PROTOCOL, "the answer is not a list of keys");
	return -1;
}

void
directory_read(struct directory_page *page, uint8_t hash[PROTO_HASH_LEN],
	struct view *name)
{
	page->left--;
	proto_read_list_entry(&page->entries, hash, name);
}
