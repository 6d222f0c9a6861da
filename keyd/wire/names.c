/* Numbers of the protocol as words: tables only. */
#include "keykind.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
	uint8_t number;
	uint8_t len;
	const char *name;
} digests[] = {
	{ PROTO_MD5, 16, "md5" },
	{ PROTO_SHA1, 20, "sha1" },
	{ PROTO_SHA224, 28, "sha224" },
	{ PROTO_SHA256, 32, "sha256" },
	{ PROTO_SHA384, 48, "sha384" },
	{ PROTO_SHA512, 64, "sha512" },
	{ PROTO_SHA512_224, 28, "sha512-224" },
	{ PROTO_SHA512_256, 32, "sha512-256" },
	{ PROTO_SHA3_224, 28, "sha3-224" },
	{ PROTO_SHA3_256, 32, "sha3-256" },
	{ PROTO_SHA3_384, 48, "sha3-384" },
	{ PROTO_SHA3_512, 64, "sha3-512" },
	{ PROTO_MD5_SHA1, 36, "md5-sha1" },
	{ PROTO_RIPEMD160, 20, "ripemd160" },
	{ PROTO_BLAKE2S256, 32, "blake2s256" },
	{ PROTO_BLAKE2B512, 64, "blake2b512" },
	{ PROTO_SM3, 32, "sm3" },
};

/* IANA "TLS SignatureScheme": rsa-pss with MGF1 and salt like the digest. */
static const struct {
	uint8_t algorithm, digest;
	const char *name;
} schemes[] = {
	{ PROTO_RSA_PKCS1, PROTO_SHA1, "rsa_pkcs1_sha1" },
	{ PROTO_RSA_PKCS1, PROTO_SHA256, "rsa_pkcs1_sha256" },
	{ PROTO_RSA_PKCS1, PROTO_SHA384, "rsa_pkcs1_sha384" },
	{ PROTO_RSA_PKCS1, PROTO_SHA512, "rsa_pkcs1_sha512" },
	{ PROTO_RSA_PSS, PROTO_SHA256, "rsa_pss_rsae_sha256" },
	{ PROTO_RSA_PSS, PROTO_SHA384, "rsa_pss_rsae_sha384" },
	{ PROTO_RSA_PSS, PROTO_SHA512, "rsa_pss_rsae_sha512" },
	{ PROTO_ECDSA, PROTO_SHA1, "ecdsa_sha1" },
	{ PROTO_ECDSA, PROTO_SHA256, "ecdsa_secp256r1_sha256" },
	{ PROTO_ECDSA, PROTO_SHA384, "ecdsa_secp384r1_sha384" },
	{ PROTO_ECDSA, PROTO_SHA512, "ecdsa_secp521r1_sha512" },
	{ PROTO_ED25519, PROTO_NO_DIGEST, "ed25519" },
	{ PROTO_ED448, PROTO_NO_DIGEST, "ed448" },
};

static const char *const algorithms[] = {
	[PROTO_RSA_PKCS1] = "rsa-pkcs1",
	[PROTO_RSA_PSS] = "rsa-pss",
	[PROTO_ECDSA] = "ecdsa",
	[PROTO_ED25519] = "ed25519",
	[PROTO_ED448] = "ed448",
	[PROTO_ECDSA_DETERMINISTIC] = "ecdsa-deterministic",
	[PROTO_ED25519CTX] = "ed25519ctx",
	[PROTO_ED25519PH] = "ed25519ph",
	[PROTO_ED448CTX] = "ed448ctx",
	[PROTO_ED448PH] = "ed448ph",
};

static const char *const uses[] = { "tls-server", "csr", "sign", "tls-client",
	"tls-dhe", "tls-rsa-kx", "decrypt" };

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

size_t
proto_digest_len(uint8_t digest)
{
	size_t i;

	for (i = 0; i < ROWS(digests); i++)
		if (digests[i].number == digest)
			return digests[i].len;
	return 0;
}

const char *
proto_digest_name(uint8_t digest)
{
	size_t i;

	for (i = 0; i < ROWS(digests); i++)
		if (digests[i].number == digest)
			return digests[i].name;
	return NULL;
}

/* "SHA2-256", "SHA-256", "SHA512/256" to the letters of the table's names, without marks. */
static void
plain_digest_name(const char *name, char *out, size_t size)
{
	size_t n = 0;

	if (strncasecmp(name, "SHA2-", 5) == 0) {
		memcpy(out, "sha", 3);
		n = 3;
		name += 5;
	}
	for (; *name != '\0' && n + 1 < size; name++)
		if (isalnum((unsigned char)*name))
			out[n++] = (char)tolower((unsigned char)*name);
	out[n] = '\0';
}

uint8_t
proto_digest_number(const char *name)
{
	char want[24], have[24];
	size_t i;

	if (strlen(name) >= sizeof(want))
		return 0;
	plain_digest_name(name, want, sizeof(want));
	for (i = 0; i < ROWS(digests); i++) {
		plain_digest_name(digests[i].name, have, sizeof(have));
		if (strcmp(want, have) == 0)
			return digests[i].number;
	}
	return 0;
}

const char *
proto_scheme_name(const struct proto_scheme *s, char *out, size_t size)
{
	const char *digest = proto_digest_name(s->digest);
	const char *mgf1 = proto_digest_name(s->mgf1);
	bool pss = s->algorithm == PROTO_RSA_PSS;
	bool plain = !pss || (s->mgf1 == s->digest &&
				     s->salt == proto_digest_len(s->digest));
	size_t i;

	for (i = 0; plain && i < ROWS(schemes); i++)
		if (schemes[i].algorithm == s->algorithm &&
			schemes[i].digest == s->digest)
			return snprintf(out, size, "%s", schemes[i].name), out;
	if (digest == NULL)
		digest = s->digest == 0 ? "no-digest" : "unknown-digest";
	if (pss && s->mgf1 != s->digest)
		snprintf(out, size, "rsa-pss %s mgf1 %s salt %u", digest,
			mgf1 == NULL ? "unknown-digest" : mgf1, s->salt);
	else if (pss)
		snprintf(out, size, "rsa-pss %s salt %u", digest, s->salt);
	else
		snprintf(out, size, "%s %s",
			s->algorithm < ROWS(algorithms) && s->algorithm > 0
				? algorithms[s->algorithm]
				: "unknown-algorithm",
			digest);
	return out;
}

const char *
proto_type_name(uint8_t type)
{
	static const char *const names[] = { "refusal", "hello", "find", "list",
		"sign", "decrypt", "derive", "status" };

	return type < ROWS(names) ? names[type] : "unknown";
}

const char *
proto_key_type_name(uint8_t type)
{
	const struct keykind *k = keykind_by_type(type);

	return k != NULL ? k->name : "unknown";
}

const char *
proto_use_names(uint32_t use, char *out, size_t size)
{
	size_t i, n = 0;

	if (size > 0)
		out[0] = '\0';
	for (i = 0; i < ROWS(uses) && n < size; i++)
		if (use & 1U << i)
			n += (size_t)snprintf(out + n, size - n, "%s%s",
				n > 0 ? " " : "", uses[i]);
	return out;
}

uint32_t
proto_use_number(const char *name)
{
	size_t i;

	for (i = 0; i < ROWS(uses); i++)
		if (strcmp(uses[i], name) == 0)
			return 1U << i;
	return 0;
}

const char *
proto_padding_name(uint8_t padding)
{
	static const char *const names[] = { "unknown", "oaep", "pkcs1",
		"tls-premaster" };

	return padding < ROWS(names) ? names[padding] : "unknown";
}

const char *
proto_tls12_name(uint8_t tls12)
{
	static const char *const names[] = { "no", "sentinel", "any" };

	return tls12 < ROWS(names) ? names[tls12] : "unknown";
}
