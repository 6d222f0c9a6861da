#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "ctl.h"
#include "keytype.h"
#include "wire/proto.h"

static const struct verb {
	const char *name;
	ctl_verb_fn *run;
	const char *synopsis;
	const char *summary;
} verbs[] = {
	{ "import", import_verb,
		"--allow WHO[,…] [--use USE[,…]] [--certificate FILE] "
		"[--name NAME] [--passin FROM] [--weak-keys] [--force] "
		"[--all-links] [--dry-run] [--offline] FILE…",
		"move keys into keyd, leaving shells" },
	{ "generate", generate_verb,
		"NAME --type TYPE --allow WHO[,…] "
		"[--use USE[,…]] [--shell FILE] [--offline]",
		"make a new key inside keyd" },
	{ "csr", csr_verb,
		"NAME --subject /CN=… [--san DNS:…,IP:…] "
		"[--out FILE]",
		"print a certificate signing request" },
	{ "restore", restore_verb, "NAME [--yes] [--offline]",
		"undo an import: put the key's file back" },
	{ "shell", shell_verb, "NAME [--out FILE]", "print a key's shell" },
	{ "remove", remove_verb, "NAME [--yes] [--offline]", "destroy a key" },
	{ "list", list_verb, "", "list the keys" },
	{ "show", show_verb, "NAME",
		"show a key, its policy, its certificate" },
	{ "status", status_verb, "",
		"show what keyd does: layers, sessions, last load" },
	{ "enable", enable_verb,
		"[--openssl-cnf FILE] [--module PATH] [--dry-run] | "
		"--service NAME.service [--openssl-cnf FILE] [--root DIR] "
		"[--dry-run]",
		"activate the provider in openssl.cnf, or for one service" },
	{ "disable", disable_verb,
		"[--openssl-cnf FILE] [--yes] [--dry-run] | "
		"--service NAME.service [--root DIR] [--yes] [--dry-run]",
		"undo enable" },
	{ "check", check_verb,
		"[--as USER | --pid PID | --service NAME.service]",
		"look for what is wrong, or may go wrong" },
	{ "reload", reload_verb, "",
		"load keys and policies again, and wait for the outcome" },
};

enum {
	NVERBS = sizeof(verbs) / sizeof(verbs[0]),
};

static const struct verb *
find(const char *name)
{
	size_t i;

	for (i = 0; i < NVERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static void
print_synopsis(FILE *out, const struct verb *v)
{
	(void)fprintf(out, "usage: keydctl [-c FILE] [--json] %s%s%s\n",
		v->name, v->synopsis[0] != '\0' ? " " : "", v->synopsis);
}

int
ctl_usage(const char *verb)
{
	const struct verb *v = find(verb);

	print_synopsis(stderr, v);
	return FAULT_USAGE;
}

const char *
ctl_name(int argc, char **argv, const char *verb)
{
	struct fault f;

	if (argc != 1) {
		(void)ctl_usage(verb);
		return NULL;
	}
	if (!proto_is_name(argv[0], strlen(argv[0]))) {
		(void)fault_set(&f, FAULT_USAGE,
			"%s: not a key's name: 1 to 63 of A-Z a-z 0-9 . _ -, "
			"the first a letter or digit",
			argv[0]);
		(void)fault_print(&f);
		return NULL;
	}
	return argv[0];
}

/* In the order in which they are told; names are the protocol's. */
static const struct {
	uint32_t use;
	const char *words;
} uses[] = {
	{ PROTO_USE_TLS_SERVER, "handshakes of a TLS server" },
	{ PROTO_USE_TLS_CLIENT, "handshakes of a TLS client" },
	{ PROTO_USE_TLS_DHE, "those of a TLS 1.2 server with DHE" },
	{ PROTO_USE_TLS_RSA_KX, "RSA key exchange: no forward secrecy" },
	{ PROTO_USE_CSR, "certificate requests for this key" },
	{ PROTO_USE_SIGN, "any message" },
	{ PROTO_USE_DECRYPT, "decryption, key agreement" },
};

static int
help(void)
{
	char types[512], word[32];
	size_t i;

	(void)printf("usage: keydctl [-c FILE] [--json] VERB …\n\n");
	for (i = 0; i < NVERBS; i++)
		(void)printf("  %-9s %s\n            keydctl %s%s%s\n",
			verbs[i].name, verbs[i].summary, verbs[i].name,
			verbs[i].synopsis[0] != '\0' ? " " : "",
			verbs[i].synopsis);
	(void)printf("\n  -c FILE   configuration (default %s)\n"
		     "  --json    print JSON\n\n"
		     "WHO        may use the key: a user, uid:N, "
		     "group:NAME, gid:N, unit:NAME.service\n",
		KEYD_SYSCONFDIR "/openssl-keyd/keyd.conf");
	for (i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		(void)printf("%-10s %-10s  %s\n", i == 0 ? "USE" : "",
			proto_use_names(uses[i].use, word, sizeof(word)),
			uses[i].words);
	(void)printf("TYPE       of a new key: %s\n"
		     "--weak-keys  take RSA keys under 2048 bits and curves "
		     "under 224, too\n"
		     "--all-links  take a file with other hard links, and "
		     "replace them all\n"
		     "--passin FROM  the passphrase of an encrypted key, "
		     "instead of the terminal's:\n           "
		     "pass:PASSPHRASE, env:VARIABLE, file:PATH, fd:NUMBER, "
		     "stdin\n"
		     "--force    take Debian's snakeoil key, which others use, "
		     "too\n"
		     "--offline  keyd does not run: nothing can be tried\n"
		     "--yes      do not ask\n\n"
		     "Exit codes: 0 done; 1 failed, nothing changed; 2 usage;\n"
		     "3 keyd does not run; 4 refused as unsafe, or yours to "
		     "decide;\n5 done in part, the words say which.\n",
		keytype_options(types, sizeof(types)));
	return 0;
}

static int
verb_help(const struct verb *v)
{
	print_synopsis(stdout, v);
	(void)printf("%s; what the words mean: keydctl help\n", v->summary);
	return 0;
}

static int
version(void)
{
	(void)printf("keydctl %s\n", KEYD_VERSION);
	return 0;
}

/* Takes --json out of the arguments, wherever it stands. */
static bool
take_json(int *argc, char **argv)
{
	bool found = false;
	int i, n = 1;

	for (i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			found = true;
		else
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	*argc = n;
	return found;
}

/*
 * Key files pass through this process: no core dump, no debugger of the same
 * user; new files are ours alone until said otherwise; and never the system's
 * openssl.cnf, which would load our own provider.
 */
static int
boot(void)
{
	struct rlimit none = { 0, 0 };
	int fd;

	/* A file must not be where messages go. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	(void)close(fd);
	(void)umask(077);
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
		prctl(PR_SET_DUMPABLE, 0) < 0) {
		perror("keydctl");
		return -1;
	}
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
		(void)fprintf(stderr, "keydctl: libcrypto does not start\n");
		return -1;
	}
	return 0;
}

static int
load(struct ctl *c, const char *file)
{
	struct ini_error err = { 0 };
	struct fault f;

	if (config_load(file, &c->config, &err) == 0)
		return 0;
	if (err.line > 0)
		(void)fault_set(&f, FAULT_FAILED, "%s:%u: %s", file, err.line,
			err.text);
	else
		(void)fault_set(&f, FAULT_FAILED, "%s: %s", file, err.text);
	(void)fault_print(&f);
	return -1;
}

int
main(int argc, char **argv)
{
	const char *file = KEYD_SYSCONFDIR "/openssl-keyd/keyd.conf";
	static struct ctl c;
	const struct verb *v;
	int i = 1;

	if (boot() < 0)
		return FAULT_FAILED;
	c.json = take_json(&argc, argv);
	if (i + 1 < argc && strcmp(argv[i], "-c") == 0) {
		file = argv[i + 1];
		i += 2;
	}
	if (i < argc && (strcmp(argv[i], "--help") == 0 ||
				strcmp(argv[i], "help") == 0))
		return help();
	if (i < argc && strcmp(argv[i], "--version") == 0)
		return version();
	v = i < argc ? find(argv[i]) : NULL;
	if (v == NULL) {
		(void)fprintf(stderr, "keydctl: %s%s: keydctl --help\n",
			i < argc ? argv[i] : "no verb",
			i < argc ? ": no such verb" : "");
		return FAULT_USAGE;
	}
	if (i + 1 < argc && strcmp(argv[i + 1], "--help") == 0)
		return verb_help(v);
	if (load(&c, file) < 0)
		return FAULT_FAILED;
	i = v->run(&c, argc - i, argv + i);
	if (fflush(stdout) != 0) {
		perror("keydctl: standard output");
		return FAULT_FAILED;
	}
	return i;
}
