/* openssl.cnf as libcrypto reads it, and what activates keyd in it. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/conf.h>

#include "ctl/block.h"
#include "ctl/mark.h"

static const char module[] = "/lib/keyd.so";

static int
open_file(void *arg, const char *path, struct fault *f)
{
	char full[256];

	(void)f;
	(void)snprintf(full, sizeof(full), "%s%s", (const char *)arg, path);
	return open(full, O_RDONLY | O_CLOEXEC);
}

/* --- values, compared with libcrypto's own reader ------------------------- */

/* Of each, libcrypto's value of [s] v, or none, is ours as well. */
static const char *const values[] = {
	"[s]\nv = plain\n",
	"v = of default\n[s]\n",
	"[s]\nv = first\nv = second\n",
	"[s]\nv = a\n[t]\nw = b\n[s]\nv = c\n",
	"[ s ]\nv=no blanks\n",
	"[s] # comment\nv = a # comment\n",
	"[s]\nv = \"quoted # sign\" and 'more' `still`\n",
	"[s]\nv = a\\#b \\n \\x\\\\ c\n",
	"[s]\nv = one \\\n  two\n",
	"[s]\nv = one \\\\\nw = x\n",
	"[s]\nv = one \\",
	"[s]\nv = no end",
	"[s]\r\nv = dos\r\nw = y\r\n",
	"[s]\r\nv = dos \\\r\n two\r\n",
	"x = var\n[s]\nv = $x/${x}/$(x)\n",
	"[t]\nx = other\n[s]\nv = $t::x ${t::x}\n",
	"[s]\nx = near\nv = <$x>\n",
	"[s]\nv = '$x' stays\n",
	"t::v = no\ns::v = yes\n",
	".pragma dollarid:on\n[s]\nv$x = a\nv = $v$x ${v$x}\n",
	".pragma = dollarid:off\nx = 1\n[s]\nv = $x\n",
	"\xef\xbb\xbf[s]\nv = after a mark\n",
	"   [s]\n\t v\t=\tindented \t\n",
	"#[s]\n[s]\n#v = no\n v = yes\n",
	"[s]\n\n\n; = x\nv = y\n",
	"[two words]\nv = no\n[s]\nv = yes\n",
	"[s]\nv =\n",
	"[s]\nv = \"half\n",
	"[s]\nv = a\\",
	"[s]\nv.more = x\nv = y\n",
};

Test(cnf, reads_values_as_libcrypto_does)
{
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		CONF *theirs = NCONF_new(NULL);
		BIO *bio = BIO_new_mem_buf(values[i], -1);
		STACK_OF(CONF_VALUE) * section;
		const struct cnf_entry *e;
		const char *value = NULL;
		struct cnf ours;
		struct fault f;
		int k;

		cr_assert_gt(
			NCONF_load_bio(theirs, bio, NULL), 0, "%s", values[i]);
		section = NCONF_get_section(theirs, "s");
		for (k = 0; k < sk_CONF_VALUE_num(section); k++)
			if (strcmp(sk_CONF_VALUE_value(section, k)->name,
				    "v") == 0)
				value = sk_CONF_VALUE_value(section, k)->value;
		cr_assert_eq(cnf_read("f", values[i], strlen(values[i]), NULL,
				     NULL, &ours, &f),
			0, "%s", f.text);
		e = cnf_find(&ours, "s", "v");
		cr_expect_eq(e == NULL, value == NULL, "%s", values[i]);
		if (e != NULL && value != NULL)
			cr_expect_str_eq(e->value, value, "%s: %s, not %s",
				values[i], e->value, value);
		cnf_free(&ours);
		NCONF_free(theirs);
		BIO_free(bio);
	}
}

/* Text, and a word of the refusal. */
static const struct {
	const char *text, *word;
} refused[] = {
	{ "[s\n", "f:1: a section's name" },
	{ "a = b\nno sign\n", "f:2: no =" },
	{ "a = $none\n", "f:1: a variable that has no value" },
	{ "a = ${none\n", "f:1: the variable has no end" },
	{ "[$ENV::X]\n", "f:1: a section's name without its end" },
	{ ".include relative.cnf\n", "f:1: .include of a relative path" },
	{ ".include $ENV::X/a\n", "f:1: .include: which file depends" },
	{ ".include /a\n", "f:1: files cannot be included" },
	{ ".pragma x\n", "f:1: an unknown form" },
	{ ".pragma dollarid:x\n", "f:1: an unknown form" },
};

Test(cnf, refuses_what_it_does_not_understand)
{
	struct cnf c;
	struct fault f;
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		cr_expect_eq(
			cnf_read("f", refused[i].text, strlen(refused[i].text),
				NULL, NULL, &c, &f),
			-1, "%s", refused[i].text);
		cr_expect_eq(f.code, FAULT_REFUSED);
		cr_expect_not_null(strstr(f.text, refused[i].word), "%s: %s",
			refused[i].text, f.text);
	}
}

Test(cnf, refuses_zero_bytes_and_long_lines_that_versions_read_differently)
{
	char text[2048];
	struct cnf c;
	struct fault f;

	cr_expect_eq(cnf_read("f", "a = b\0c\n", 8, NULL, NULL, &c, &f), -1);
	memset(text, 'x', sizeof(text));
	memcpy(text, "v = ", 4);
	cr_assert_eq(cnf_read("f", text, sizeof(text), NULL, NULL, &c, &f), 0);
	cnf_free(&c);
	text[100] = '\\';
	cr_expect_eq(cnf_read("f", text, sizeof(text), NULL, NULL, &c, &f), -1);
}

Test(cnf, knows_what_depends_on_the_environment)
{
	static const char text[] = "a = $ENV::HOME/x\nb = $a\nc = d\n";
	struct cnf c;
	struct fault f;

	cr_assert_eq(cnf_read("f", text, strlen(text), NULL, NULL, &c, &f), 0);
	cr_expect_null(cnf_find(&c, "default", "a")->value);
	cr_expect_null(cnf_find(&c, "default", "b")->value);
	cr_expect_not_null(cnf_find(&c, "default", "c")->value);
	cnf_free(&c);
}

static void
put(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *out;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	out = fopen(path, "w");
	cr_assert_not_null(out);
	cr_assert_geq(fputs(text, out), 0);
	cr_assert_eq(fclose(out), 0);
}

static void
clean(const char *folder)
{
	static const char *const names[] = { "a.cnf", "b.conf", "c.txt" };
	char path[256];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	cr_expect_eq(rmdir(folder), 0);
}

Test(cnf, reads_included_files_and_folders)
{
	char top[] = "/var/tmp/ctl-cnf-XXXXXX";
	static const char text[] = "[s]\n.include /a.cnf\nafter = 1\n"
				   ".include /missing.cnf\n.include = /\n";
	struct cnf c;
	struct fault f;

	cr_assert_not_null(mkdtemp(top));
	put(top, "a.cnf", "v = 1\n[t]\nw = 2\n");
	put(top, "b.conf", "[u]\nx = 3");
	put(top, "c.txt", "this is no setting\n");
	cr_assert_eq(cnf_read("f", text, strlen(text), open_file, top, &c, &f),
		0, "%s", f.text);
	cr_expect_str_eq(cnf_find(&c, "s", "v")->file, "/a.cnf");
	cr_expect_eq(cnf_find(&c, "t", "w")->line, 3);
	/* The section of the included file goes on behind it. */
	cr_expect_not_null(cnf_find(&c, "t", "after"));
	cr_expect_not_null(cnf_find(&c, "u", "x"));
	cnf_free(&c);
	put(top, "a.cnf", ".include /a.cnf\n");
	cr_expect_eq(
		cnf_read("f", text, strlen(text), open_file, top, &c, &f), -1);
	cr_expect_not_null(strstr(f.text, "too many"), "%s", f.text);
	clean(top);
}

/* --- activation ----------------------------------------------------------- */

enum {
	NO = 0,
	BY_HAND = 1, /* keyd is active as it is */
	DEFAULT = 2, /* the block activates default as well */
	OTHERS = 4,  /* the block leaves default alone */
};

/* Files, and what enable makes of them. */
static const struct {
	const char *about, *text;
	unsigned expect;
} files[] = {
	{ "empty", "", DEFAULT },
	{ "no end of line", "# x", DEFAULT },
	{ "Debian's",
		"HOME = .\nopenssl_conf = openssl_init\n"
		"[openssl_init]\n# providers = provider_sect\n"
		"# [provider_sect]\n# default = default_sect\n"
		"[ca]\ndefault_ca = x\n",
		DEFAULT },
	{ "upstream's",
		"openssl_conf = openssl_init\n"
		"[openssl_init]\nproviders = provider_sect\n"
		"[provider_sect]\ndefault = default_sect\n"
		"[default_sect]\n# activate = 1\n",
		DEFAULT },
	{ "legacy",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\n"
		"default = d\nlegacy = l\n[d]\nactivate = 1\n"
		"[l]\nactivate = 1\n",
		OTHERS },
	{ "fips and base",
		"openssl_conf = i\n[i]\nproviders = p\n"
		"alg_section = a\n[a]\n"
		"default_properties = fips=yes\n[p]\nfips = f\n"
		"base = b\n[f]\nactivate = 1\n[b]\nactivate = 1\n",
		OTHERS },
	{ "MinProtocol",
		"openssl_conf = i\n[i]\nssl_conf = ssl\n[ssl]\n"
		"system_default = s\n[s]\nMinProtocol = TLSv1.2\n"
		"CipherString = DEFAULT@SECLEVEL=2\n",
		DEFAULT },
	{ "no openssl_conf", "[req]\nprompt = no\n", DEFAULT },
	{ "its section is missing", "openssl_conf = nowhere\n", DEFAULT },
	{ "another name",
		"openssl_conf = my-init\n[my-init]\n"
		"providers = my-list\n[my-list]\nx.default = d\n"
		"[d]\nactivate = yes\n",
		OTHERS },
	{ "DOS", "openssl_conf = i\r\n[i]\r\nproviders = p\r\n[p]\r\n",
		DEFAULT },
	{ "DOS without an end", "openssl_conf = i\r\n[i]\r\nx = y", DEFAULT },
	{ "variables",
		"a = i\nopenssl_conf = $a\n[i]\nb = p\n"
		"providers = ${b}\n[p]\ndefault = d\n[d]\n"
		"activate = 1\n",
		OTHERS },
	{ "repeated sections",
		"openssl_conf = i\n[p]\ndefault = d\n[i]\n"
		"providers = no\n[d]\nactivate = 1\n[i]\n"
		"providers = p # comment\n",
		OTHERS },
	{ "lines that go on",
		"openssl_conf = \\\n  i\n[i]\n"
		"providers = p\\\nq\n[pq]\ndefault = d\n[d]\n"
		"activate = 1\n",
		OTHERS },
	{ "identity",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\nx = d\n"
		"[d]\nidentity = default\nactivate = 1\n",
		OTHERS },
	{ "by hand",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\n"
		"default = d\nkeyd = k\n[d]\nactivate = 1\n[k]\n"
		"activate = 1\nmodule = /lib/keyd.so\n",
		BY_HAND },
	{ "listed only",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\n"
		"default = d\nkeyd = k\n[d]\nactivate = 1\n[k]\n",
		OTHERS },
	{ "without default",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\n"
		"keyd = k\n[k]\nactivate = 1\n",
		DEFAULT },
};

static long
enable(const char *text, size_t len, char *out)
{
	static const struct block_settings s = { .module = module };
	struct activation a;
	struct cnf c;
	struct fault f;
	long n;

	memcpy(out, text, len);
	if (cnf_read("f", text, len, NULL, NULL, &c, &f) < 0)
		return -1;
	n = activation_find(&c, &a, &f);
	if (n == 0 && !(a.has_keyd && !activation_loses_default(&a)))
		n = block_write(&c, &a, text, len, &s, out + len, &f);
	cnf_free(&c);
	return n < 0 ? -1 : (long)len + n;
}

static void
find(const char *text, size_t len, struct activation *a)
{
	struct cnf c;
	struct fault f;

	cr_assert_eq(
		cnf_read("f", text, len, NULL, NULL, &c, &f), 0, "%s", f.text);
	cr_assert_eq(activation_find(&c, a, &f), 0, "%s", f.text);
	cnf_free(&c);
}

Test(activation, enables_every_file_and_takes_it_back_byte_for_byte)
{
	static char text[16384], back[16384];
	struct activation before, after;
	struct fault f;
	size_t i, len;
	long n;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		len = strlen(files[i].text);
		find(files[i].text, len, &before);
		n = enable(files[i].text, len, text);
		cr_assert_geq(n, 0, "%s", files[i].about);
		cr_expect_eq(n == (long)len, files[i].expect == BY_HAND, "%s",
			files[i].about);
		cr_expect_eq(memcmp(text, files[i].text, len), 0);
		find(text, (size_t)n, &after);
		cr_expect(after.has_keyd, "%s", files[i].about);
		cr_expect(!activation_loses_default(&after), "%s",
			files[i].about);
		if (files[i].expect == DEFAULT)
			cr_expect(after.has_default && !before.has_default,
				"%s", files[i].about);
		else
			cr_expect_eq(after.has_default, before.has_default,
				"%s", files[i].about);
		cr_expect_eq(mark_strip("f", text, (size_t)n, back, &f),
			(long)len, "%s", files[i].about);
		cr_expect_eq(memcmp(back, files[i].text, len), 0, "%s",
			files[i].about);
	}
}

Test(activation, keeps_the_files_line_ends)
{
	static char text[8192];
	long n = enable("a = b\r\n", 7, text);
	long i;

	cr_assert_gt(n, 7);
	for (i = 0; i < n; i++)
		if (text[i] == '\n')
			cr_assert_eq(text[i - 1], '\r');
}

Test(activation, keyd_is_the_last_of_the_list)
{
	static const char text[] = "openssl_conf = i\n[i]\nproviders = p\n[p]\n"
				   "default = d\nlegacy = l\n[d]\n"
				   "activate = 1\n[l]\nactivate = 1\n";
	static char out[8192];
	const struct cnf_entry *e = NULL, *last = NULL;
	struct cnf c;
	struct fault f;
	long n = enable(text, strlen(text), out);

	cr_assert_geq(n, 0);
	cr_assert_eq(cnf_read("f", out, (size_t)n, NULL, NULL, &c, &f), 0);
	while ((e = cnf_next(&c, "p", e)) != NULL)
		last = e;
	cr_assert_not_null(last);
	cr_expect_str_eq(last->name, "keyd");
	cnf_free(&c);
}

Test(activation, what_is_added_behind_the_block_stays_in_its_section)
{
	static const char text[] = "[req]\nprompt = no\n";
	static char out[8192], back[8192];
	struct cnf c;
	struct fault f;
	long n = enable(text, strlen(text), out);

	cr_assert_geq(n, 0);
	memcpy(out + n, "days = 3\n", 9);
	n += 9;
	cr_assert_eq(cnf_read("f", out, (size_t)n, NULL, NULL, &c, &f), 0);
	cr_expect_not_null(cnf_find(&c, "req", "days"));
	cnf_free(&c);
	n = mark_strip("f", out, (size_t)n, back, &f);
	cr_assert_geq(n, 0);
	back[n] = '\0';
	cr_expect_str_eq(back, "[req]\nprompt = no\ndays = 3\n");
}

Test(activation, a_line_without_end_is_not_joined_to_one_added_later)
{
	static char out[8192], back[8192];
	struct fault f;
	long n = enable("a = b", 5, out);

	cr_assert_geq(n, 0);
	memcpy(out + n, "c = d\n", 6);
	n = mark_strip("f", out, (size_t)n + 6, back, &f);
	cr_assert_geq(n, 0);
	back[n] = '\0';
	cr_expect_str_eq(back, "a = b\nc = d\n");
}

static const struct {
	const char *text, *word;
} unsafe[] = {
	{ "openssl_conf = $ENV::X\n", "depends on the environment" },
	{ "openssl_conf = i\n[i]\nproviders = $ENV::X\n", "depends" },
	{ "openssl_conf = i\n[i]\nproviders.2 = p\n", "like providers" },
	{ "openssl_conf = i\n[i]\nprov = p\n", "like providers" },
	{ "openssl_conf = i\n[i]\nproviders = p\n[p]\ndefault = d\n[d]\n"
	  "activate = 0\n",
		"activate = 0" },
	{ "a = b\\", "ends in a backslash" },
	{ "[openssl_keyd]\na = b\n", "[openssl_keyd]" },
	{ "openssl_conf = openssl_keyd\n", "[openssl_keyd]" },
	{ "openssl_conf = i\n[i]\nproviders = openssl_keyd_default\n",
		"[openssl_keyd_default]" },
	{ "openssl_conf = two words\n", "[two words]" },
	{ "[two words]\n", "[two words]" },
	{ "openssl_conf = i\n[i]\nproviders = p\n[p]\nkeyd = x\n[x]\n"
	  "identity = other\n",
		"f:5: the name keyd" },
};

Test(activation, refuses_what_it_cannot_change_safely)
{
	static const struct block_settings s = { .module = module };
	char block[BLOCK_MAX];
	struct activation a;
	struct cnf c;
	struct fault f;
	size_t i, len;
	long n;

	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++) {
		len = strlen(unsafe[i].text);
		cr_assert_eq(
			cnf_read("f", unsafe[i].text, len, NULL, NULL, &c, &f),
			0);
		n = activation_find(&c, &a, &f);
		if (n == 0)
			n = block_write(
				&c, &a, unsafe[i].text, len, &s, block, &f);
		cnf_free(&c);
		cr_expect_eq(n, -1, "%s", unsafe[i].text);
		cr_expect_eq(f.code, FAULT_REFUSED);
		cr_expect_not_null(strstr(f.text, unsafe[i].word), "%s: %s",
			unsafe[i].text, f.text);
	}
}

Test(activation, writes_no_value_that_would_be_read_as_another)
{
	static const char *const bad[] = { "/a b", "/a#b", "/$a", "/a\\b",
		"/\"", "", "/a\nb" };
	char block[BLOCK_MAX];
	struct activation a = { 0 };
	struct cnf c;
	struct fault f;
	size_t i;

	cr_assert_eq(cnf_read("f", "", 0, NULL, NULL, &c, &f), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct block_settings s = { .module = bad[i] };

		cr_expect_eq(block_write(&c, &a, "", 0, &s, block, &f), -1,
			"%s", bad[i]);
	}
	cnf_free(&c);
}

Test(activation, refuses_marks_that_do_not_pair)
{
	static const char *const bad[] = {
		"# BEGIN openssl-keyd\n",
		"x\n# END openssl-keyd\n",
		"# BEGIN openssl-keyd\n# BEGIN openssl-keyd\n"
		"# END openssl-keyd\n",
	};
	char out[256];
	struct fault f;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(
			mark_strip("f", bad[i], strlen(bad[i]), out, &f), -1);
		cr_expect_eq(f.code, FAULT_REFUSED);
	}
}

Test(activation, strips_several_blocks_and_nothing_else)
{
	static const char text[] =
		"a\n# BEGIN openssl-keyd\nx\n# END openssl-keyd\nb\n"
		"# BEGIN openssl-keyd\r\ny\r\n# END openssl-keyd\r\n"
		"#BEGIN openssl-keyd\n# BEGIN openssl-keydx\nc";
	char out[256];
	struct fault f;
	long n = mark_strip("f", text, strlen(text), out, &f);

	cr_assert_geq(n, 0, "%s", f.text);
	out[n] = '\0';
	cr_expect_str_eq(out, "a\nb\n#BEGIN openssl-keyd\n"
			      "# BEGIN openssl-keydx\nc");
}

/* --- what an operator writes into the block ------------------------------- */

#define BLOCK(lines)                                                           \
	"# BEGIN openssl-keyd\n[default]\nopenssl_conf = openssl_keyd_init\n"  \
	"[openssl_keyd_init]\nproviders = openssl_keyd_providers\n"            \
	"[openssl_keyd_providers]\ndefault = openssl_keyd_default\n"           \
	"keyd = openssl_keyd\n[openssl_keyd_default]\nactivate = 1\n"          \
	"[openssl_keyd]\nactivate = 1\n" lines                                 \
	"[default]\n# END openssl-keyd\n"

static const struct block_settings of_conf = { .socket = "/run/s" };

static const struct {
	const char *text;
	/* what is kept, or words of the refusal; what is not keydctl's */
	const char *kept, *refusal, *foreign;
} blocks[] = {
	{ "a = b\n", "", NULL, "" },
	{ BLOCK(""), "", NULL, "" },
	{ BLOCK("\n  activate=1\n"), "", NULL, "" },
	{ BLOCK("module = /m\nsocket = /run/s\n"),
		"module = /m\nsocket = /run/s\n", NULL, "" },
	{ BLOCK("# mine\ntimeout = 1 # ms\n"), "# mine\ntimeout = 1 # ms\n",
		NULL, "# mine\ntimeout = 1 # ms\n" },
	{ BLOCK("timeout = 1\r\n"), "timeout = 1\n", NULL, "timeout = 1\n" },
	{ BLOCK("socket = /other\n"), NULL, "f:13: here it is socket = /other",
		"socket = /other\n" },
	{ BLOCK(".include /x\n"), NULL, "f:13: this line", ".include /x\n" },
	{ BLOCK("req::x = y\n"), NULL, "f:13: this line", "req::x = y\n" },
	{ BLOCK("# goes on \\\n"), NULL, "f:13: this line", "# goes on \\\n" },
	{ BLOCK("timeout\t= 1\033[2J\n"), NULL, "f:13: this line",
		"timeout = 1?[2J\n" },
	{ BLOCK("[l]\nactivate = 1\n"), NULL, "\"activate = 1\"",
		"activate = 1\n" },
	{ BLOCK("[openssl_keyd_providers]\nlegacy = l\n"), NULL,
		"\"legacy = l\"", "legacy = l\n" },
	{ BLOCK("keyd = openssl_keyd\n"), "keyd = openssl_keyd\n", NULL,
		"keyd = openssl_keyd\n" },
};

Test(kept, is_what_stands_in_keyds_section_and_nothing_else)
{
	static struct kept got;
	struct fault f;
	size_t i;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		const struct kept_file file = { "f", blocks[i].text,
			strlen(blocks[i].text), NULL, NULL };
		int r = kept_take(&file, &of_conf, &got, &f);

		if (blocks[i].kept == NULL) {
			cr_expect_eq(r, -1, "%s", blocks[i].text);
			cr_expect_eq(f.code, FAULT_REFUSED);
			cr_expect_not_null(strstr(f.text, blocks[i].refusal),
				"%s", f.text);
		} else {
			cr_assert_eq(r, 0, "%s", f.text);
			cr_expect_eq(got.len, strlen(blocks[i].kept));
			cr_expect_eq(
				memcmp(got.text, blocks[i].kept, got.len), 0);
		}
		kept_foreign(&file, &of_conf, &got);
		cr_expect_eq(got.len, strlen(blocks[i].foreign), "%s: %.*s",
			blocks[i].text, (int)got.len, got.text);
		cr_expect_eq(memcmp(got.text, blocks[i].foreign, got.len), 0);
	}
}

Test(kept, of_two_modules_that_of_the_command_line_holds)
{
	static const char text[] = BLOCK("timeout = 1\nmodule = /old\n");
	static const struct block_settings s = { .module = "/new" };
	const struct kept_file file = { "f", text, strlen(text), NULL, NULL };
	static struct kept got;
	struct fault f;

	cr_assert_eq(kept_take(&file, &s, &got, &f), 0);
	cr_expect_str_eq(got.text, "timeout = 1\nmodule = /new\n");
	cr_expect(kept_has(&got, "module"));
	cr_expect_not(kept_has(&got, "socket"));
}

Test(kept, has_an_end)
{
	static char text[2 * BLOCK_MAX];
	struct kept_file file = { "f", text, 0, NULL, NULL };
	static struct kept got;
	struct fault f;

	(void)snprintf(text, sizeof(text), "%s", BLOCK(""));
	file.len = (size_t)(strstr(text, "[default]\n# END") - text);
	while (file.len < BLOCK_MAX + 1000) {
		memcpy(text + file.len, "timeout = 100\n", 14);
		file.len += 14;
	}
	cr_expect_eq(kept_take(&file, &of_conf, &got, &f), -1);
	cr_expect_not_null(strstr(f.text, "too long"), "%s", f.text);
	kept_foreign(&file, &of_conf, &got);
	cr_expect_lt(got.len, BLOCK_MAX);
}

/* --- what came behind the block ------------------------------------------- */

/* The setting that has no effect, NULL: none, when the block of one file stands
 * behind another. */
static const struct {
	const char *written_for, *now, *hidden;
} changed[] = {
	{ "", "", NULL },
	{ "",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\nlegacy = l\n[l]\n"
		"activate = 1\n",
		"legacy" },
	{ "", "openssl_conf = i\n[i]\nproviders = p\n[p]\nlegacy = l\n[l]\n",
		NULL },
	{ "", "openssl_conf = i\n[i]\nssl_conf = s\n", "ssl_conf" },
	{ "",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\ndefault = l\n[l]\n"
		"activate = 1\n",
		NULL },
	{ "openssl_conf = i\n[i]\n", "openssl_conf = i\n[i]\nssl_conf = s\n",
		NULL },
	{ "openssl_conf = i\n[i]\n",
		"openssl_conf = i\n[i]\nproviders = p\n[p]\nx = l\n[l]\n"
		"identity = fips\nactivate = 1\n",
		"x" },
};

Test(activation, knows_what_a_block_from_before_hides)
{
	static char text[16384];
	struct activation own, whole;
	const struct cnf_entry *e;
	struct cnf c, all;
	struct fault f;
	size_t i, len, n;
	long end;

	for (i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		len = strlen(changed[i].written_for);
		end = enable(changed[i].written_for, len, text);
		cr_assert_geq(end, 0);
		n = (size_t)end - len;
		memmove(text + strlen(changed[i].now), text + len, n);
		len = strlen(changed[i].now);
		memcpy(text, changed[i].now, len);
		cr_assert_eq(cnf_read("f", text, len, NULL, NULL, &c, &f), 0);
		cr_assert_eq(activation_find(&c, &own, &f), 0);
		cr_assert_eq(
			cnf_read("f", text, len + n, NULL, NULL, &all, &f), 0);
		cr_assert_eq(activation_find(&all, &whole, &f), 0);
		e = activation_hidden(&c, &own, &all, &whole);
		if (changed[i].hidden == NULL)
			cr_expect_null(e, "%s", changed[i].now);
		else if (e == NULL)
			cr_expect_fail("%s", changed[i].now);
		else
			cr_expect_str_eq(e->name, changed[i].hidden);
		cnf_free(&all);
		cnf_free(&c);
	}
}
