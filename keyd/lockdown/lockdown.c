#include "lockdown/layers.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The layers, by bit number, which is also the order in which they are
 * applied. prepare is what needs privileges that an earlier row's apply takes.
 * The broker applies the namespaces; lockdown_filter() and whoever maps rings
 * the last three.
 */
static const struct layer {
	const char *name;
	int (*prepare)(const struct lockdown_plan *p);
	int (*apply)(const struct lockdown_plan *p);
} layers[LAYER_COUNT] = {
	{ "rlimits", NULL, limits_enter },
	{ "network-namespace", NULL, NULL },
	{ "mount-namespace", NULL, NULL },
	{ "chroot", NULL, creds_chroot },
	{ "user", NULL, creds_user },
	{ "session-uid", NULL, creds_session_uid },
	{ "capabilities", creds_limit, creds_drop },
	{ "no-new-privs", NULL, kernel_no_new_privs },
	{ "landlock", NULL, landlock_enter },
	{ "undumpable", NULL, kernel_undumpable },
	{ "seccomp", NULL, NULL },
	{ "secret-memory", NULL, NULL },
	{ "mseal", NULL, NULL },
};

const char *
lockdown_layer_name(unsigned bit_number)
{
	return bit_number < LAYER_COUNT ? layers[bit_number].name : NULL;
}

uint32_t
lockdown_layer_bit(const char *name)
{
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		if (strcmp(layers[i].name, name) == 0)
			return UINT32_C(1) << i;
	}
	return 0;
}

#ifdef KEYD_TEST_LAYERS
/* The tests that prove each layer run without it: layer names, comma between,
 * in the environment. What is not understood ends the program, lest a test be
 * empty. */
static uint32_t
layers_off(void)
{
	const char *env = getenv("KEYD_TEST_LAYERS_OFF");
	char list[512], *rest = NULL, *name;
	uint32_t off = 0;

	if (env == NULL)
		return 0;
	if ((size_t)snprintf(list, sizeof(list), "%s", env) >= sizeof(list))
		abort();
	name = strtok_r(list, ",", &rest);
	for (; name != NULL; name = strtok_r(NULL, ",", &rest)) {
		uint32_t bit = lockdown_layer_bit(name);

		if (bit == 0)
			abort();
		off |= bit;
	}
	return off;
}
#else
static uint32_t
layers_off(void)
{
	return 0;
}
#endif

uint32_t
lockdown_wanted(void)
{
	return ((UINT32_C(1) << LAYER_COUNT) - 1) & ~layers_off();
}

int
lockdown_plan_print(const struct lockdown_plan *p, char *out, size_t size)
{
	int n = snprintf(out, size, "%lu:%lu:%lu:%s", (unsigned long)p->uid,
		(unsigned long)p->gid, (unsigned long)p->wanted, p->chroot);

	return n < 0 || (size_t)n >= size ? -1 : 0;
}

/* A decimal number up to max and the colon behind it. */
static int
parse_number(const char **text, uint32_t max, uint32_t *out)
{
	const char *s = *text;
	uint64_t n = 0;

	if (*s < '0' || *s > '9')
		return -1;
	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > max)
			return -1;
	}
	if (*s != ':')
		return -1;
	*text = s + 1;
	*out = (uint32_t)n;
	return 0;
}

int
lockdown_plan_parse(const char *text, struct lockdown_plan *out)
{
	const uint32_t all = (UINT32_C(1) << LAYER_COUNT) - 1;
	uint32_t uid, gid, wanted;
	size_t len;

	if (parse_number(&text, UINT32_MAX, &uid) < 0 ||
		parse_number(&text, UINT32_MAX, &gid) < 0 ||
		parse_number(&text, all, &wanted) < 0)
		return -1;
	len = strlen(text);
	if (len >= sizeof(out->chroot) || (text[0] != '\0' && text[0] != '/'))
		return -1;
	out->uid = uid;
	out->gid = gid;
	out->wanted = wanted;
	memcpy(out->chroot, text, len + 1);
	return 0;
}

/* Notes the outcome of a layer: on, or off because of why. */
static void
note(struct lockdown_result *result, uint32_t bit, int why)
{
	result->error[__builtin_ctz(bit)] = why;
	if (why == 0)
		result->on |= bit;
}

static int
network_namespace(void)
{
	return unshare(CLONE_NEWNET) < 0 ? errno : 0;
}

void
lockdown_namespaces(struct lockdown_result *result)
{
	uint32_t wanted = lockdown_wanted();

	if ((wanted & LAYER_NETNS) != 0)
		note(result, LAYER_NETNS, network_namespace());
	if ((wanted & LAYER_MOUNTNS) != 0)
		note(result, LAYER_MOUNTNS, mounts_enter());
}

/*
 * What the broker does for the rest of its life, see docs/DESIGN.md: its
 * children become another user in an empty root with an empty bounding set, it
 * ends them, and it opens key, policy and certificate files for the loader.
 */
static const int broker_caps[] = {
	CAP_SETUID,
	CAP_SETGID,
	CAP_SETPCAP,
	CAP_SYS_CHROOT,
	CAP_KILL,
	CAP_DAC_READ_SEARCH,
};

int
lockdown_broker(void)
{
	const size_t n = sizeof(broker_caps) / sizeof(broker_caps[0]);
	uint32_t wanted = lockdown_wanted();
	uint64_t keep = 0;

	for (size_t i = 0; i < n; i++)
		keep |= UINT64_C(1) << broker_caps[i];
	/* Children inherit it, and none will have CAP_SYS_RESOURCE. */
	limits_raise_memlock();
	if ((wanted & LAYER_CAPABILITIES) != 0 && creds_keep(keep) < 0)
		return -1;
	if ((wanted & LAYER_NO_NEW_PRIVS) != 0 &&
		kernel_no_new_privs(NULL) != 0)
		return -1;
	if ((wanted & LAYER_UNDUMPABLE) != 0 && kernel_undumpable(NULL) != 0)
		return -1;
	return 0;
}

/* One step of one layer. 0: go on; -1: failed. */
static int
step(unsigned n, int (*apply)(const struct lockdown_plan *),
	const struct lockdown_plan *p, struct lockdown_result *result)
{
	int r;

	if (apply == NULL || (p->wanted & UINT32_C(1) << n) == 0)
		return 0;
	r = apply(p);
	if (r >= 0)
		note(result, UINT32_C(1) << n, r);
	return r < 0 ? -1 : 0;
}

int
lockdown_enter(const struct lockdown_plan *p, struct lockdown_result *result,
	const char **failed)
{
	pid_t parent = getppid();

	memset(result, 0, sizeof(*result));
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		if (step(i, layers[i].prepare, p, result) < 0) {
			*failed = layers[i].name;
			return -1;
		}
	}
	result->on = 0;
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		if (step(i, layers[i].apply, p, result) < 0) {
			*failed = layers[i].name;
			return -1;
		}
	}
	if (creds_verify(p, result->on) < 0) {
		*failed = "verification of privileges";
		return -1;
	}
	/* A change of credentials clears the signal, so this comes after it. */
	if (kernel_follow_parent(parent) < 0) {
		*failed = "parent";
		return -1;
	}
	return 0;
}
