/*
 * keyd-load PLAN load|inspect|extract|generate: reads key files that its starter opened,
 * and fills key rings. docs/PROTOCOL.md §10.
 *
 * Key files are hostile input: nothing of them is looked at before this process has
 * locked itself in. It runs once and exits.
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lockdown/lockdown.h"
#include "loader/heap.h"
#include "loader/inspect.h"
#include "loader/load.h"

enum {
	/* Layers that a loader can have; the others are for sessions. */
	LAYERS = LAYER_RLIMITS | LAYER_NETNS | LAYER_MOUNTNS | LAYER_CHROOT |
		 LAYER_USER | LAYER_CAPABILITIES | LAYER_NO_NEW_PRIVS |
		 LAYER_LANDLOCK | LAYER_UNDUMPABLE | LAYER_SECCOMP |
		 LAYER_SECRET_MEMORY,
};

struct boot {
	struct lockdown_plan plan;
	struct lockdown_result result;
	uid_t starter; /* our uid before lock-in: who may own key files */
	struct talk talk;
};

static int
run_load(struct boot *b)
{
	struct load l = { .talk = &b->talk,
		.owner = b->starter,
		.want_secret = (b->plan.wanted & LAYER_SECRET_MEMORY) != 0,
		.now = (uint64_t)time(NULL) };

	load_run(&l);
	return b->talk.lost || b->talk.errors > 0 ? 1 : 0;
}

static int
run_inspect(struct boot *b)
{
	inspect_run(&b->talk);
	return b->talk.lost || b->talk.errors > 0 ? 1 : 0;
}

static int
run_extract(struct boot *b)
{
	inspect_extract(&b->talk);
	return b->talk.lost || b->talk.errors > 0 ? 1 : 0;
}

static int
run_generate(struct boot *b)
{
	inspect_generate(&b->talk);
	return b->talk.lost || b->talk.errors > 0 ? 1 : 0;
}

static const struct mode {
	const char *name;
	int (*run)(struct boot *b);
} modes[] = {
	{ "load", run_load },
	{ "inspect", run_inspect },
	{ "extract", run_extract },
	{ "generate", run_generate },
};

static const struct mode *
find_mode(const char *name)
{
	enum { MODES = sizeof(modes) / sizeof(modes[0]) };
	size_t i;

	for (i = 0; i < MODES; i++)
		if (strcmp(name, modes[i].name) == 0)
			return &modes[i];
	return NULL;
}

/* Everything of libcrypto and libc that would open a file later. */
static int
warm_up(void)
{
	unsigned char byte;

	tzset();
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
					OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
		    NULL) != 1 ||
		OSSL_PROVIDER_load(NULL, "default") == NULL ||
		RAND_bytes(&byte, 1) != 1)
		return -1;
	return 0;
}

__attribute__((format(printf, 1, 2))) static int
fail(const char *format, ...)
{
	va_list ap;

	(void)fputs("keyd-load: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	struct boot b = { .talk = { .fd = BOOT_FD_CONTROL },
		.starter = getuid() };
	const struct lockdown_fds fds = {
		.client = -1, .audit = -1, .control = BOOT_FD_CONTROL, .log = -1
	};
	const struct mode *mode;
	const char *failed = "";
	uint32_t could;

	if (argc != 3 || (mode = find_mode(argv[2])) == NULL ||
		lockdown_plan_parse(argv[1], &b.plan) < 0)
		return fail("not to be started by hand: keyd does it");
	if (heap_init() < 0)
		return fail("the heap cannot be set up");
	if (lockdown_enter(&b.plan, &b.result, &failed) < 0)
		return fail("lock-in: %s: %s", failed, strerror(errno));
	if (warm_up() < 0)
		return fail("libcrypto cannot be initialised");
	/* Asked now: the filter forbids some of the questions. */
	could = b.plan.wanted & LAYER_SECRET_MEMORY & lockdown_kernel_layers();
	if (lockdown_filter(LOCKDOWN_LOADER, &b.plan, &fds, &b.result) < 0 &&
		(b.plan.wanted & LAYER_SECCOMP) != 0)
		return fail("lock-in: seccomp: %s", strerror(errno));
	b.result.on |= could;
	talk_ready(&b.talk, b.result.on, b.plan.wanted & LAYERS & ~b.result.on);
	return mode->run(&b);
}
