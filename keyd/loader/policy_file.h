/*
 * The policy file of a key: docs/PROTOCOL.md §13. libc only. Names of users and
 * groups are looked up by the caller's hooks, since the loader cannot open files.
 */
#ifndef KEYD_LOADER_POLICY_FILE_H
#define KEYD_LOADER_POLICY_FILE_H

#include "wire/boot.h"

struct policy {
	struct boot_set allow; /* sorted, no duplicates; the rest 0 */
	uint32_t use;
	unsigned use_line;
	uint8_t tls12;
	uint16_t tls12_groups; /* bits of wire/tlsgroup.h */
	uint8_t flags;
	bool weak_keys; /* weak-keys = yes */
	uint64_t enforce_from;
	char certificate[BOOT_MAX_PATH + 1]; /* "": none */
	unsigned certificate_line;
};

struct policy_hooks {
	/* Id of a user or group: 0, or an errno (ENOENT: there is none). */
	int (*user)(void *arg, const char *name, uint32_t *id);
	int (*group)(void *arg, const char *name, uint32_t *id);
	/* A finding: syslog priority 3 (error) or 4 (warning), line or 0. */
	void (*report)(
		void *arg, int priority, unsigned line, const char *text);
	void *arg;
	uint64_t now; /* seconds since 1970 */
};

/*
 * Parses the len bytes at text. All errors are reported, not only the first, but
 * after a line that is not INI nothing more is read. 0, or -1 if there was an error; out is
 * written on 0 only.
 */
MUST_USE int policy_file_parse(const char *text, size_t len,
	const struct policy_hooks *hooks, struct policy *out);

/*
 * Does the policy fit a key of this type and size? Every use must be one of
 * keykind.h, and a weak key be allowed. Errors are reported, and a warning of an
 * Ed25519 or Ed448 key of a server, unless `tls12 = no`. 0 or -1.
 */
MUST_USE int policy_file_check(const struct policy *p, uint8_t type,
	unsigned bits, const struct policy_hooks *hooks);

#endif
