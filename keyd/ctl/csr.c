/* keydctl csr: a certificate signing request, signed through keyd. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "daemon.h"
#include "enlist.h"
#include "pubkey.h"
#include "publish.h"
#include "request.h"

struct options {
	const char *name, *subject, *san, *out;
};

static int
choose_scheme(const struct options *o, const struct boot_description *d,
	struct proto_scheme *out, struct fault *f)
{
	const struct keykind *k = keykind_by_type(d->key_type);
	EVP_PKEY *pkey;
	int r;

	if (k == NULL || k->algorithms == 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: a key of type %s cannot sign, and a request is "
			"signed by its key: a CA must take the public key by "
			"itself (openssl pkey -pubout, x509 -force_pubkey)",
			o->name, proto_key_type_name(d->key_type));
	pkey = pubkey_read(d->spki, f);
	if (pkey == NULL)
		return -1;
	r = pubkey_scheme(pkey, k, out, f);
	EVP_PKEY_free(pkey);
	return r;
}

/* Signed as a user in allow: root may do no more than who is named. */
static int
sign(const struct ctl *c, const struct options *o, const struct policy *p,
	const struct boot_description *d, struct request *request,
	struct fault *f)
{
	struct proto_sign what = { .data = request_tbs(request) };
	struct user_identity who;
	struct user_answer *a;
	uid_t uid = geteuid();
	int r;

	if (choose_scheme(o, d, &what.scheme, f) < 0)
		return -1;
	if ((p->use & (PROTO_USE_CSR | PROTO_USE_SIGN)) == 0)
		return fault_set(f, FAULT_REFUSED,
			"%s: its policy does not allow it: add csr to use in "
			"%s/%s.conf, and keydctl reload",
			o->name, c->config.policies, o->name);
	if (uid == 0 ? policy_pick(p, &uid) == 0 : !policy_may(p, uid))
		return fault_set(f, FAULT_REFUSED,
			"%s: allow names no user whom keydctl could become to "
			"sign: add one",
			o->name);
	a = malloc(sizeof(*a));
	if (a == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	memcpy(what.hash, d->hash, sizeof(what.hash));
	r = user_find(uid, &who, f);
	if (r == 0)
		r = user_sign(&c->config, &who, o->name, &what, a, f);
	if (r == 0 && !a->ok)
		r = fault_set(f, FAULT_FAILED, "%s", a->text);
	if (r == 0)
		r = request_sign(request, &what.scheme,
			(struct view){ a->output, a->len }, f);
	free(a);
	return r;
}

static int
put(struct ctl *c, const struct options *o, const struct request *request,
	struct fault *f)
{
	static char text[65536];
	long n = request_pem(request, text, sizeof(text));

	if (n < 0)
		return fault_set(f, FAULT_FAILED, "the request is too long");
	if (o->out != NULL && publish_new(o->out, text, (size_t)n, f) < 0)
		return -1;
	if (c->json) {
		json_open(&c->out, NULL, '{');
		json_string(&c->out, "name", o->name);
		json_string(&c->out, "request", text);
		if (o->out != NULL)
			json_string(&c->out, "file", o->out);
		json_close(&c->out, '}');
	}
	if (c->json || o->out != NULL)
		return 0;
	return fwrite(text, 1, (size_t)n, stdout) == (size_t)n
		       ? 0
		       : fault_set(f, FAULT_FAILED, "standard output: failed");
}

static int
run(struct ctl *c, const struct options *o, struct fault *f)
{
	struct helper_answer *a = malloc(sizeof(*a));
	struct policy *p = malloc(sizeof(*p));
	struct request *request = NULL;
	struct store store = { .keys = -1, .policies = -1 };
	int r = -1;

	if (a == NULL || p == NULL) {
		(void)fault_set(f, FAULT_FAILED, "out of memory");
		goto done;
	}
	if (enlist_ready(&c->config, false, f) < 0 ||
		store_open(&c->config, false, &store, f) < 0 ||
		enlist_inspect(&store, o->name, NULL, a, f) < 0)
		goto done;
	r = policy_get(&store, o->name, p, f);
	if (r == 0)
		r = fault_set(f, FAULT_FAILED, "%s: it has no policy", o->name);
	if (r < 0)
		goto done;
	request = request_new(a->d.spki, o->subject, o->san, f);
	r = -1;
	if (request != NULL && sign(c, o, p, &a->d, request, f) == 0)
		r = put(c, o, request, f);
done:
	request_free(request);
	store_close(&store);
	free(p);
	free(a);
	return r;
}

int
csr_verb(struct ctl *c, int argc, char **argv)
{
	static const struct option table[] = {
		{ "subject", required_argument, NULL, 's' },
		{ "san", required_argument, NULL, 'a' },
		{ "out", required_argument, NULL, 'o' },
		{ 0 },
	};
	struct options o = { 0 };
	struct fault f = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (opt == '?')
			return ctl_usage("csr");
		if (opt == 's')
			o.subject = optarg;
		if (opt == 'a')
			o.san = optarg;
		if (opt == 'o')
			o.out = optarg;
	}
	o.name = ctl_name(argc - optind, argv + optind, "csr");
	if (o.name == NULL)
		return FAULT_USAGE;
	if (o.subject == NULL)
		return ctl_usage("csr");
	return run(c, &o, &f) < 0 ? fault_print(&f) : 0;
}
