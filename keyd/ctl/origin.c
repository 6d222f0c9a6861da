#include "origin.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ini/ini.h"
#include "text.h"

enum {
	CHUNK = 512, /* bytes of an attribute in a line */
};

static const char *const phases[] = {
	[ORIGIN_IMPORTING] = "importing",
	[ORIGIN_IMPORTED] = "imported",
	[ORIGIN_RESTORING] = "restoring",
	[ORIGIN_GENERATED] = "generated",
	[ORIGIN_GENERATING] = "generating",
	[ORIGIN_RENEWING] = "renewing",
};

static const char *const forms[] = {
	[SHELLFILE_PEM] = "pem",
	[SHELLFILE_DER] = "der",
	[SHELLFILE_BLOCK] = "block",
};

const char *
origin_phase_name(enum origin_phase p)
{
	return phases[p];
}

static void
put_xattrs(FILE *out, const struct meta *m)
{
	char hex[2 * CHUNK + 1];
	unsigned i, line = 0;
	size_t at, n;

	for (i = 0; i < m->nxattrs; i++) {
		const struct meta_xattr *x = &m->xattrs[i];

		at = 0;
		do {
			n = x->len - at < CHUNK ? x->len - at : CHUNK;
			text_hex(m->bytes + x->at + at, n, hex);
			(void)fprintf(
				out, "%u = %s,%s\n", ++line, x->name, hex);
			at += n;
		} while (at < x->len);
	}
}

/* One path a line. 0, or -1: it is too long for one. */
static int
put_path(FILE *out, const char *name, const char *path)
{
	char text[3 * PATH_MAX];

	if (text_escape(path, text, sizeof(text)) < 0 ||
		strlen(text) > INI_MAX_LINE - 16)
		return -1;
	(void)fprintf(out, "%s = %s\n", name, text);
	return 0;
}

/* 0, or -1 with the path that is too long in *odd. */
static int
put_paths(FILE *out, const struct origin *o, const char **odd)
{
	char number[16];
	unsigned i;

	*odd = o->path;
	if (o->path[0] != '\0' && put_path(out, "path", o->path) < 0)
		return -1;
	for (i = 0; i < o->nlinks; i++) {
		(void)snprintf(number, sizeof(number), "link-%u", i + 1);
		*odd = o->links[i];
		if (put_path(out, number, o->links[i]) < 0)
			return -1;
	}
	return 0;
}

int
origin_put(const struct store *s, const char *name, const struct origin *o,
	struct fault *f)
{
	char rest[2 * ORIGIN_HASH + 1], *text = NULL;
	const char *odd;
	size_t len = 0;
	int r, paths;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return fault_set(f, FAULT_FAILED, "out of memory");
	(void)fprintf(out, "# Written by keydctl: do not edit.\n");
	(void)fprintf(out, "phase = %s\ntime = %" PRIu64 "\n", phases[o->phase],
		o->time);
	if (o->hash[0] != '\0')
		(void)fprintf(out, "hash = %s\n", o->hash);
	paths = put_paths(out, o, &odd);
	if (o->path[0] != '\0')
		(void)fprintf(out, "as = %u\nuid = %u\ngid = %u\nmode = %o\n",
			(unsigned)o->as, (unsigned)o->meta.uid,
			(unsigned)o->meta.gid, (unsigned)o->meta.mode);
	if (o->form != SHELLFILE_PEM)
		(void)fprintf(out, "form = %s\n", forms[o->form]);
	if (o->form == SHELLFILE_BLOCK) {
		text_hex(o->rest, sizeof(o->rest), rest);
		(void)fprintf(out, "rest = %s\n", rest);
	}
	if (o->tmp[0] != '\0')
		(void)fprintf(out, "tmp = %s\n", o->tmp);
	if (o->meta.nxattrs > 0) {
		(void)fprintf(out, "[xattrs]\n");
		put_xattrs(out, &o->meta);
	}
	if (fclose(out) != 0)
		r = fault_set(f, FAULT_FAILED, "out of memory");
	else if (paths < 0)
		r = fault_set(f, FAULT_FAILED, "%s: the path is too long", odd);
	else
		r = store_put(s, STORE_ORIGIN, name, text, len, f);
	free(text);
	return r;
}

static int
get_number(const char *value, int base, uint64_t max, uint64_t *out)
{
	char *end;

	*out = strtoull(value, &end, base);
	return *value < '0' || *value > '9' || *end != '\0' || *out > max ? -1
									  : 0;
}

static int
get_xattr(const char *value, struct meta *m)
{
	const char *comma = strrchr(value, ',');
	char name[256];
	uint8_t data[CHUNK];
	long n;

	if (comma == NULL || (size_t)(comma - value) >= sizeof(name))
		return -1;
	memcpy(name, value, (size_t)(comma - value));
	name[comma - value] = '\0';
	n = text_unhex(comma + 1, data, sizeof(data));
	return n < 0 ? -1 : meta_add(m, name, data, (size_t)n);
}

static int
get_phase(const char *value, struct origin *o)
{
	size_t i;

	for (i = 1; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (strcmp(value, phases[i]) == 0) {
			o->phase = (enum origin_phase)i;
			return 0;
		}
	return -1;
}

static int
get_form(const char *value, struct origin *o)
{
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcmp(value, forms[i]) == 0) {
			o->form = (enum shellfile_form)i;
			return 0;
		}
	return -1;
}

/* "link-N", in their order. */
static int
get_link(const char *name, const char *value, struct origin *o)
{
	uint64_t n;

	if (get_number(name, 10, LINKS_MAX - 1, &n) < 0 || n != o->nlinks + 1)
		return -1;
	if (text_unescape(value, o->links[o->nlinks], PATH_MAX) < 0)
		return -1;
	o->nlinks++;
	return 0;
}

static int
get_setting(void *arg, const char *section, const char *name, const char *value,
	unsigned line, struct ini_error *err)
{
	struct origin *o = arg;
	uint64_t n = 0;
	int r = -1;

	(void)line;
	if (strcmp(section, "xattrs") == 0) {
		r = get_xattr(value, &o->meta);
	} else if (strcmp(name, "phase") == 0) {
		r = get_phase(value, o);
	} else if (strcmp(name, "form") == 0) {
		r = get_form(value, o);
	} else if (strcmp(name, "rest") == 0) {
		r = text_unhex(value, o->rest, sizeof(o->rest)) == ORIGIN_HASH
			    ? 0
			    : -1;
	} else if (strcmp(name, "path") == 0) {
		r = text_unescape(value, o->path, sizeof(o->path));
	} else if (strncmp(name, "link-", 5) == 0) {
		r = get_link(name + 5, value, o);
	} else if (strcmp(name, "tmp") == 0) {
		r = strlen(value) >= sizeof(o->tmp) ||
				    strchr(value, '/') != NULL
			    ? -1
			    : 0;
		if (r == 0)
			(void)snprintf(o->tmp, sizeof(o->tmp), "%s", value);
	} else if (strcmp(name, "hash") == 0) {
		r = strlen(value) == sizeof(o->hash) - 1 ? 0 : -1;
		if (r == 0)
			(void)snprintf(o->hash, sizeof(o->hash), "%s", value);
	} else if (strcmp(name, "time") == 0) {
		r = get_number(value, 10, UINT64_MAX, &o->time);
	} else if (strcmp(name, "as") == 0) {
		r = get_number(value, 10, UINT32_MAX, &n);
		o->as = (uid_t)n;
	} else if (strcmp(name, "uid") == 0) {
		r = get_number(value, 10, UINT32_MAX, &n);
		o->meta.uid = (uid_t)n;
	} else if (strcmp(name, "gid") == 0) {
		r = get_number(value, 10, UINT32_MAX, &n);
		o->meta.gid = (gid_t)n;
	} else if (strcmp(name, "mode") == 0) {
		r = get_number(value, 8, 07777, &n);
		o->meta.mode = (mode_t)n;
	}
	if (r < 0)
		(void)snprintf(err->text, sizeof(err->text),
			"%.64s is not what keydctl writes", name);
	return r;
}

int
origin_get(const struct store *s, const char *name, struct origin *out,
	struct fault *f)
{
	struct ini_error err = { 0 };
	struct bytes text;
	char path[PATH_MAX];
	int r = store_get(s, STORE_ORIGIN, name, &text, f);

	if (r <= 0)
		return r;
	memset(out, 0, sizeof(*out));
	if (ini_parse((const char *)text.data, text.len, get_setting, out,
		    &err) < 0 ||
		out->phase == 0)
		r = fault_set(f, FAULT_FAILED, "%s:%u: %s",
			store_path(s, STORE_ORIGIN, name, path), err.line,
			out->phase == 0 && err.line == 0 ? "no phase"
							 : err.text);
	bytes_free(&text);
	return r;
}

void
origin_set_links(struct origin *o, const struct links *l)
{
	unsigned i;

	(void)snprintf(o->path, sizeof(o->path), "%s", l->at[0].real);
	o->nlinks = l->n - 1;
	for (i = 1; i < l->n; i++)
		(void)snprintf(o->links[i - 1], PATH_MAX, "%s", l->at[i].real);
}

/* The temporary name is beside this path, wherever that leads by now. */
static int
is_there(const struct links *l, const char *path, struct fault *f)
{
	if (strcmp(l->at[l->n - 1].real, path) == 0)
		return 0;
	return fault_set(f, FAULT_REFUSED,
		"%s: it was a hard link of %s, and has become a symbolic link: "
		"remove it, and run keydctl again",
		path, l->at[0].real);
}

int
origin_get_links(const struct origin *o, struct links *l, struct fault *f)
{
	unsigned i;

	if (links_add(l, o->path, f) < 0)
		return -1;
	for (i = 0; i < o->nlinks; i++)
		if (links_add(l, o->links[i], f) < 0 ||
			is_there(l, o->links[i], f) < 0)
			return -1;
	return 0;
}

int
origin_rest(
	const struct bytes *file, struct view part, uint8_t out[ORIGIN_HASH])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t before = (size_t)(part.data - file->data);
	size_t after = before + part.len;
	int r = -1;

	/* Where one ends and the other begins counts as well. */
	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		EVP_DigestUpdate(ctx, &before, sizeof(before)) == 1 &&
		EVP_DigestUpdate(ctx, file->data, before) == 1 &&
		EVP_DigestUpdate(ctx, file->data + after, file->len - after) ==
			1 &&
		EVP_DigestFinal_ex(ctx, out, NULL) == 1)
		r = 0;
	EVP_MD_CTX_free(ctx);
	return r;
}

int
origin_part(const struct store *s, const char *name, struct bytes *out,
	struct fault *f)
{
	int key = store_has(s, STORE_KEY, name, f), r;

	if (key <= 0)
		return key;
	r = store_get(s, STORE_ORIGINAL, name, out, f);
	return r != 0 ? r : store_get(s, STORE_KEY, name, out, f);
}
