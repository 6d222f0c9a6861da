/*
 * keyd:NAME and keyd:sha256=HEX give a key, keyd: the names of all that this
 * user may use, each as such a URI: provider-storemgmt(7). keyd is asked when a
 * URI is opened, so that who opens it learns what is wrong.
 */
#include "provider/store.h"

#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/store.h>

#include <stdio.h>
#include <string.h>

#include "provider/directory.h"
#include "provider/dispatch.h"
#include "provider/errors.h"

#define SCHEME "keyd:"
#define HASH   "sha256="

struct store {
	struct context *ctx;
	int expected;    /* OSSL_STORE_INFO_*; 0: anything */
	struct key *key; /* that of the URI, until it is given */
	struct directory_page page;
};

static OSSL_FUNC_store_open_fn open_uri;
static OSSL_FUNC_store_settable_ctx_params_fn settable;
static OSSL_FUNC_store_set_ctx_params_fn set;
static OSSL_FUNC_store_load_fn load;
static OSSL_FUNC_store_eof_fn is_at_end;
static OSSL_FUNC_store_close_fn close_store;

static const OSSL_DISPATCH functions[] = {
	DISPATCH(OSSL_FUNC_STORE_OPEN, open_uri),
	DISPATCH(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, settable),
	DISPATCH(OSSL_FUNC_STORE_SET_CTX_PARAMS, set),
	DISPATCH(OSSL_FUNC_STORE_LOAD, load),
	DISPATCH(OSSL_FUNC_STORE_EOF, is_at_end),
	DISPATCH(OSSL_FUNC_STORE_CLOSE, close_store),
	DISPATCH_END,
};

const OSSL_ALGORITHM store_algorithms[] = {
	{ "keyd", "provider=keyd", functions, "keys kept by keyd" },
	{ NULL, NULL, NULL, NULL },
};

/* What the URI names, without its scheme. -1: nothing of ours. */
static int
read_name(const char *name, struct proto_find *out)
{
	size_t len = strlen(name);
	long n;
	uint8_t *hash;

	memset(out, 0, sizeof(*out));
	if (proto_is_name(name, len)) {
		out->by = PROTO_BY_NAME;
		out->name = (struct view){ (const uint8_t *)name, len };
		return 0;
	}
	if (strncmp(name, HASH, strlen(HASH)) != 0)
		return -1;
	name += strlen(HASH);
	if (strlen(name) != KEY_HASH_TEXT - 1 ||
		strspn(name, "0123456789abcdefABCDEF") != KEY_HASH_TEXT - 1)
		return -1;
	hash = OPENSSL_hexstr2buf(name, &n);
	if (hash == NULL)
		return -1;
	out->by = PROTO_BY_HASH;
	memcpy(out->hash, hash, PROTO_HASH_LEN);
	OPENSSL_free(hash);
	return 0;
}

static int
ask(struct store *s, const char *name)
{
	struct proto_find what;

	if (name[0] == '\0')
		return directory_open(s->ctx, 0, &s->page) == 0;
	if (read_name(name, &what) < 0) {
		errors_raise(s->ctx, ERROR_BAD_URI,
			"keyd:%s is not a key's URI: write keyd:NAME, or "
			"keyd:sha256= and 64 hexadecimal digits, or keyd: for "
			"a list",
			name);
		return 0;
	}
	s->key = directory_find(s->ctx, &what);
	return s->key != NULL;
}

static void *
open_uri(void *provctx, const char *uri)
{
	struct context *ctx = provctx;
	struct store *s;

	if (OPENSSL_strncasecmp(uri, SCHEME, strlen(SCHEME)) != 0)
		return NULL;
	if (ctx->settings.problem[0] != '\0') {
		errors_raise(ctx, ERROR_BAD_SETTING,
			"%s: %s in the provider's section of openssl.cnf", uri,
			ctx->settings.problem);
		return NULL;
	}
	s = OPENSSL_zalloc(sizeof(*s));
	if (s == NULL)
		return NULL;
	s->ctx = ctx;
	if (!ask(s, uri + strlen(SCHEME))) {
		(void)close_store(s);
		return NULL;
	}
	return s;
}

static const OSSL_PARAM *
settable(void *provctx)
{
	static const OSSL_PARAM params[] = {
		OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
		OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_PROPERTIES, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_INPUT_TYPE, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provctx;
	return params;
}

/* Property query and form of input are of no concern here. */
static int
set(void *vctx, const OSSL_PARAM params[])
{
	static const char *const searches[] = {
		OSSL_STORE_PARAM_SUBJECT,
		OSSL_STORE_PARAM_ISSUER,
		OSSL_STORE_PARAM_SERIAL,
		OSSL_STORE_PARAM_FINGERPRINT,
		OSSL_STORE_PARAM_ALIAS,
	};
	struct store *s = vctx;
	const OSSL_PARAM *p;
	size_t i;

	for (i = 0; i < sizeof(searches) / sizeof(searches[0]); i++)
		if (OSSL_PARAM_locate_const(params, searches[i]) != NULL) {
			errors_raise(s->ctx, ERROR_BAD_URI,
				SCHEME " has keys, which cannot be searched "
				       "for by %s: name one with its URI",
				searches[i]);
			return 0;
		}
	p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
	return p == NULL || OSSL_PARAM_get_int(p, &s->expected);
}

/* Names are always wanted; a key is not where a certificate is expected. */
static bool
may_have(const struct store *s)
{
	return s->expected == 0 || s->expected == OSSL_STORE_INFO_NAME ||
	       s->expected == OSSL_STORE_INFO_PUBKEY ||
	       s->expected == OSSL_STORE_INFO_PKEY;
}

static int
is_at_end(void *vctx)
{
	const struct store *s = vctx;

	if (!may_have(s))
		return 1;
	return s->key == NULL && s->page.left == 0 && s->page.next == 0;
}

/*
 * libcrypto asks first whether a name is a string of octets, which 3.5 calls an
 * error, and leaves it in the queue though all goes well.
 */
static int
give_quietly(const OSSL_PARAM params[], OSSL_CALLBACK *callback, void *arg)
{
	int ok;

	ERR_set_mark();
	ok = callback(params, arg);
	if (ok)
		ERR_pop_to_mark();
	else
		ERR_clear_last_mark();
	return ok;
}

static int
give_name(struct store *s, OSSL_CALLBACK *callback, void *arg)
{
	char uri[sizeof(SCHEME) + PROTO_MAX_NAME];
	char by_hash[sizeof(SCHEME HASH) + KEY_HASH_TEXT];
	int type = OSSL_OBJECT_NAME;
	uint8_t hash[PROTO_HASH_LEN];
	OSSL_PARAM params[4];
	char digits[KEY_HASH_TEXT];
	struct view name;

	/* A page with a next one has entries: this is asked once at most. */
	if (s->page.left == 0 &&
		directory_open(s->ctx, s->page.next, &s->page) < 0)
		return 0;
	if (s->page.left == 0)
		return 0;
	directory_read(&s->page, hash, &name);
	(void)snprintf(uri, sizeof(uri), SCHEME "%.*s", (int)name.len,
		(const char *)name.data);
	(void)snprintf(by_hash, sizeof(by_hash), SCHEME HASH "%s",
		key_hash_text(hash, digits));
	params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
	params[1] = OSSL_PARAM_construct_utf8_string(
		OSSL_OBJECT_PARAM_DATA, uri, 0);
	params[2] = OSSL_PARAM_construct_utf8_string(
		OSSL_OBJECT_PARAM_DESC, by_hash, 0);
	params[3] = OSSL_PARAM_construct_end();
	return give_quietly(params, callback, arg);
}

static int
load(void *vctx, OSSL_CALLBACK *callback, void *arg,
	OSSL_PASSPHRASE_CALLBACK *pw, void *pwarg)
{
	struct store *s = vctx;
	struct key *key = s->key;

	(void)pw;
	(void)pwarg;
	if (key == NULL)
		return give_name(s, callback, arg);
	s->key = NULL;
	if (s->expected == OSSL_STORE_INFO_PUBKEY)
		key = key_take_public(key);
	return key != NULL && key_give(key, callback, arg);
}

static int
close_store(void *vctx)
{
	struct store *s = vctx;

	key_free(s->key);
	OPENSSL_free(s);
	return 1;
}
