/*
 * Questions to keyd-load, which parses keys locked in, so that keydctl need
 * not: docs/PROTOCOL.md §10.
 */
#ifndef KEYD_CTL_HELPER_H
#define KEYD_CTL_HELPER_H

#include "bytes.h"
#include "config/config.h"
#include "fault.h"
#include "passphrase.h"
#include "wire/boot.h"

struct helper_answer {
	struct boot_description d;   /* its views point into data */
	struct view pem;             /* of a generated key */
	char subject[256], why[512]; /* terminated, clean */
	uint8_t data[BOOT_MAX];
};

/*
 * What is in the key file (a key or a shell), and does the certificate match
 * it? Either descriptor may be -1. They are read from the start and stay the
 * caller's. path is for words.
 */
__attribute__((warn_unused_result)) int
helper_inspect(const struct config *c, const char *path, int key,
	int certificate, struct helper_answer *out, struct fault *f);

/* A key file's key: where it stands in the file, what is to be kept of it. */
struct helper_extract {
	struct boot_extracted e; /* its view points into data */
	uint8_t data[BOOT_MAX];  /* holds a key: bytes_secret() */
};

/*
 * The same of the file's first key that is no shell, among others perhaps; with certificate -1
 * and one of this key in the file itself, that is the one described.
 * Encrypted, passphrase is asked as often as it has one. 0, or -1 with *f.
 */
__attribute__((warn_unused_result)) int helper_extract(const struct config *c,
	const char *path, const int files[2], struct passphrase *passphrase,
	struct helper_extract *key, struct helper_answer *out, struct fault *f);

/* A new key. The answer holds it: bytes_secret(). */
__attribute__((warn_unused_result)) int
helper_generate(const struct config *c, uint8_t key_type, uint16_t bits,
	struct helper_answer *out, struct fault *f);

enum {
	HELPER_ENVIRONMENT = 4,
};

/* What a program that we start sees of the environment: nothing but the
 * sanitizers' settings, in builds that have them. */
void helper_environment(char *envp[HELPER_ENVIRONMENT]);

#endif
