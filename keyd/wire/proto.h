/*
 * Frames and messages between client and session: docs/PROTOCOL.md §2, §3.
 * Encoders write whole datagrams, decoders read whole datagrams and reject
 * trailing bytes. Views in decoded messages point into the datagram.
 */
#ifndef KEYD_WIRE_PROTO_H
#define KEYD_WIRE_PROTO_H

#include "cursor.h"

enum {
	PROTO_VERSION = 1,
	PROTO_REQUEST_HEADER = 8,
	PROTO_REPLY_HEADER = 8,
	PROTO_MAX_REQUEST = 132096,
	PROTO_MAX_DATA = 131072,
	PROTO_MAX_REPLY = 16384,
	PROTO_MAX_NAME = 63,
	PROTO_MAX_SPKI = 4096,
	PROTO_MAX_SIGNATURE = 2048,
	PROTO_MAX_CIPHERTEXT = 1024, /* RSA-8192 */
	PROTO_MAX_LABEL = 2048,      /* OAEP */
	PROTO_MAX_CONTEXT = 255,     /* RFC 8032 §8.3 */
	PROTO_MAX_PEER = 256,        /* a public point; P-521 has 133 */
	PROTO_MAX_OUTPUT = 1024,     /* of decrypt and derive */
	PROTO_PREMASTER_LEN = 48,
	PROTO_HASH_LEN = 32,
	PROTO_REPLY_BIT = 0x80,
	PROTO_REFUSAL_LEN = 10,
};

enum proto_type {
	PROTO_REFUSAL = 0, /* replies only: turned away at accept */
	PROTO_HELLO = 1,
	PROTO_FIND = 2,
	PROTO_LIST = 3,
	PROTO_SIGN = 4,
	PROTO_DECRYPT = 5,
	PROTO_DERIVE = 6,
	PROTO_STATUS = 7,
};

enum proto_key_type {
	PROTO_KEY_RSA = 1,
	PROTO_KEY_P256 = 2,
	PROTO_KEY_P384 = 3,
	PROTO_KEY_P521 = 4,
	PROTO_KEY_P224 = 5,
	PROTO_KEY_SECP256K1 = 6,
	PROTO_KEY_RSA_PSS = 7, /* RSASSA-PSS only: RFC 4055 id-RSASSA-PSS */
	PROTO_KEY_ED25519 = 8,
	PROTO_KEY_ED448 = 9,
	PROTO_KEY_X25519 = 10,
	PROTO_KEY_X448 = 11,
	PROTO_KEY_BP224R1 = 12, /* brainpool: RFC 5639 */
	PROTO_KEY_BP224T1 = 13,
	PROTO_KEY_BP256R1 = 14,
	PROTO_KEY_BP256T1 = 15,
	PROTO_KEY_BP320R1 = 16,
	PROTO_KEY_BP320T1 = 17,
	PROTO_KEY_BP384R1 = 18,
	PROTO_KEY_BP384T1 = 19,
	PROTO_KEY_BP512R1 = 20,
	PROTO_KEY_BP512T1 = 21,
	PROTO_KEY_BP160R1 = 22,
	PROTO_KEY_BP160T1 = 23,
	PROTO_KEY_BP192R1 = 24,
	PROTO_KEY_BP192T1 = 25,
};

enum proto_algorithm {
	PROTO_RSA_PKCS1 = 1,
	PROTO_RSA_PSS = 2,
	PROTO_ECDSA = 3,
	PROTO_ED25519 = 4, /* RFC 8032; data is the message */
	PROTO_ED448 = 5,
	PROTO_ECDSA_DETERMINISTIC = 6, /* RFC 6979 */
	/* data is the context, as vec8, and the message */
	PROTO_ED25519CTX = 7,
	PROTO_ED25519PH = 8,
	PROTO_ED448CTX = 9,
	PROTO_ED448PH = 10,
};

enum proto_padding {
	PROTO_OAEP = 1,
	PROTO_PKCS1 = 2,     /* with implicit rejection */
	PROTO_PREMASTER = 3, /* TLS RSA key exchange */
};

enum proto_digest {
	PROTO_NO_DIGEST = 0,
	PROTO_MD5 = 1,
	PROTO_SHA1 = 2,
	PROTO_SHA224 = 3,
	PROTO_SHA256 = 4,
	PROTO_SHA384 = 5,
	PROTO_SHA512 = 6,
	PROTO_SHA512_224 = 7,
	PROTO_SHA512_256 = 8,
	PROTO_SHA3_224 = 9,
	PROTO_SHA3_256 = 10,
	PROTO_SHA3_384 = 11,
	PROTO_SHA3_512 = 12,
	PROTO_MD5_SHA1 = 13,
	PROTO_RIPEMD160 = 14,
	PROTO_BLAKE2S256 = 15,
	PROTO_BLAKE2B512 = 16,
	PROTO_SM3 = 17,
};

enum proto_input {
	PROTO_INPUT_MESSAGE = 0,
	PROTO_INPUT_DIGEST = 1,
};

enum proto_by {
	PROTO_BY_HASH = 1,
	PROTO_BY_NAME = 2,
};

enum proto_use {
	PROTO_USE_TLS_SERVER = 1 << 0,
	PROTO_USE_CSR = 1 << 1,
	PROTO_USE_SIGN = 1 << 2,
	PROTO_USE_TLS_CLIENT = 1 << 3,
	PROTO_USE_TLS_DHE = 1 << 4,
	PROTO_USE_TLS_RSA_KX = 1 << 5,
	PROTO_USE_DECRYPT = 1 << 6,
	PROTO_USE_ALL = (1 << 7) - 1,
};

enum proto_tls12 {
	PROTO_TLS12_NO = 0,
	PROTO_TLS12_SENTINEL = 1,
	PROTO_TLS12_ANY = 2,
};

enum proto_key_flag {
	PROTO_KEY_WEAK_DIGESTS = 1 << 0,
	PROTO_KEY_ENFORCE_LOG = 1 << 1,
};

/* §4; the texts are in status.h. */
enum proto_status {
	PROTO_OK = 0,
	PROTO_MALFORMED = 1,
	PROTO_BAD_VERSION = 2,
	PROTO_UNSUPPORTED = 3,
	PROTO_UNKNOWN_KEY = 4,
	PROTO_NOT_PERMITTED = 5,
	PROTO_USE_REFUSED = 6,
	PROTO_LIMIT = 7,
	PROTO_BACK_OFF = 8,
	PROTO_IDENTITY = 9,
	PROTO_INTERNAL = 10,
	PROTO_NO_KEYS = 11,
	PROTO_BAD_PARAMETER = 12,
	PROTO_NOT_DECRYPTED = 13,
	PROTO_NOBODY = 14,
};

enum proto_detail {
	DETAIL_NONE = 0,
	DETAIL_NOT_TLS_SERVER = 1,
	DETAIL_TLS12_OFF = 2,
	DETAIL_NO_SENTINEL = 3,
	DETAIL_CONFUSABLE = 4,
	DETAIL_TLS_GROUP = 5,
	DETAIL_TLS_POINT = 6,
	DETAIL_TLS_SCHEME = 7,
	DETAIL_NOT_CSR = 8,
	DETAIL_DIGEST_BLIND = 9,
	DETAIL_WEAK_DIGEST = 10,
	DETAIL_CLIENT_AUTH = 11,
	DETAIL_DELEGATED_CREDENTIAL = 12,
	DETAIL_DIGEST_LENGTH = 13,
	DETAIL_SALT_LENGTH = 14,
	DETAIL_KEY_TYPE = 15,
	DETAIL_DIGEST = 16,
	DETAIL_SESSIONS = 17,
	DETAIL_SESSIONS_USER = 18,
	DETAIL_DHE_OFF = 19,
	DETAIL_DHE_GROUP = 20,
	DETAIL_NOT_TLS_CLIENT = 21,
	DETAIL_RSA_KX_OFF = 22,
	DETAIL_DECRYPT_OFF = 23,
	DETAIL_PKCS1_DECRYPTION = 24,
	DETAIL_CIPHERTEXT = 25,
	DETAIL_PEER_KEY = 26,
	DETAIL_RESTRICTED = 27,
	DETAIL_CONTEXT = 28,
	DETAIL_TLS_VERSION = 29,
	DETAIL_LIBRARY = 30,
	DETAIL_TLS_GROUP_OFF = 31,
	DETAIL_SHORT_DATA = 32,
	DETAIL_LISTENER = 33,
};

struct proto_request {
	uint8_t version;
	uint8_t type; /* any value: the caller looks it up in its table */
	uint32_t id;
	struct view body;
};

struct proto_reply {
	uint8_t version;
	uint8_t type; /* without the reply bit */
	uint16_t status;
	uint16_t detail; /* 0 when status is PROTO_OK */
	uint32_t id;
	struct view body; /* empty unless status is PROTO_OK */
};

struct proto_hello {
	uint8_t lowest, highest;
	uint32_t max_request;
	uint32_t types;
	uint64_t generation;
};

struct proto_find {
	uint8_t by;
	uint8_t hash[PROTO_HASH_LEN]; /* PROTO_BY_HASH */
	struct view name;             /* PROTO_BY_NAME */
};

/* Also the public part of a ring entry. */
struct proto_key {
	uint8_t hash[PROTO_HASH_LEN];
	struct view name;
	uint8_t type;
	uint16_t bits;
	uint32_t use;
	uint8_t tls12;
	uint8_t flags;
	struct view spki;
};

/* What to sign with, without key and data. */
struct proto_scheme {
	uint8_t algorithm;
	uint8_t digest;
	uint8_t mgf1;  /* 0 unless rsa-pss */
	uint16_t salt; /* bytes; 0 unless rsa-pss */
};

struct proto_sign {
	uint8_t hash[PROTO_HASH_LEN];
	struct proto_scheme scheme;
	uint8_t input;
	struct view data;
};

struct proto_decrypt {
	uint8_t hash[PROTO_HASH_LEN];
	uint8_t padding;
	uint8_t digest;    /* OAEP's, else 0 */
	uint8_t mgf1;      /* OAEP's, else 0 */
	uint16_t version;  /* PROTO_PREMASTER: the client's, else 0 */
	struct view label; /* OAEP's, else empty */
	struct view data;
};

/*
 * peer: the other side's public key as TLS writes it: an uncompressed point
 * (X9.62), or the octets of X25519 and X448 (RFC 7748).
 */
struct proto_derive {
	uint8_t hash[PROTO_HASH_LEN];
	struct view peer;
};

struct proto_status_reply {
	uint64_t generation;
	uint32_t layers;
	uint32_t keys;
};

/* Is this a key's name as §5 allows it? */
bool proto_is_name(const void *name, size_t len);

/* Output bytes of a digest, 0 if the number is unknown. */
size_t proto_digest_len(uint8_t digest);

/* Lower-case name ("sha256"), NULL if unknown. */
const char *proto_digest_name(uint8_t digest);

/* Number for a digest's name as OpenSSL or the user writes it ("SHA2-256",
 * "sha256", "SHA-256"), 0 if unknown. */
uint8_t proto_digest_number(const char *name);

/*
 * A scheme's name in words: the IANA SignatureScheme where there is one, such
 * as "ecdsa_secp256r1_sha256", else such as "rsa-pss sha1 salt 20". Written to
 * out, at most size bytes with the terminating zero; returns out.
 */
const char *
proto_scheme_name(const struct proto_scheme *s, char *out, size_t size);

/* Words of a request type, key type, use bit set ("tls-server csr"). */
const char *proto_type_name(uint8_t type);
const char *proto_key_type_name(uint8_t type);
const char *proto_use_names(uint32_t use, char *out, size_t size);
const char *proto_tls12_name(uint8_t tls12);
const char *proto_padding_name(uint8_t padding);

/* The bit of a use's name ("tls-server"), 0 if unknown. */
uint32_t proto_use_number(const char *name);

/* Frames. -1: shorter than a header, reserved bits set, id 0. The version is
 * not checked, so that the caller can answer PROTO_BAD_VERSION. */
MUST_USE int
proto_decode_request(const void *data, size_t len, struct proto_request *out);

/* -1: not a reply of version 1 at all. */
MUST_USE int
proto_decode_reply(const void *data, size_t len, struct proto_reply *out);

/* Start a request or successful reply: the caller goes on with the body. */
void proto_put_request(struct writer *w, enum proto_type type, uint32_t id);
void proto_put_ok(struct writer *w, uint8_t type, uint32_t id);

/* A whole unsuccessful reply of PROTO_REFUSAL_LEN bytes. */
void proto_put_error(struct writer *w, uint8_t type, uint32_t id,
	uint16_t status, uint16_t detail);

/* Bodies. Decoders take the body of a frame; -1 on any violation of §3, §5. */
void proto_put_hello(struct writer *w, const struct proto_hello *m);
MUST_USE int proto_get_hello(struct view body, struct proto_hello *out);
void proto_put_find(struct writer *w, const struct proto_find *m);
MUST_USE int proto_get_find(struct view body, struct proto_find *out);
void proto_put_key(struct writer *w, const struct proto_key *m);
MUST_USE int proto_get_key(struct view body, struct proto_key *out);
/* Fields of a key description inside a longer structure. */
void proto_read_key(struct reader *r, struct proto_key *out);
void proto_put_list(struct writer *w, uint32_t first);
MUST_USE int proto_get_list(struct view body, uint32_t *first);
void
proto_put_list_entry(struct writer *w, const uint8_t *hash, struct view name);
/* Starts reading a list's reply; then count times proto_read_list_entry(),
 * then reader_finish(). */
struct reader
proto_read_list(struct view body, uint32_t *next, uint16_t *count);
void proto_read_list_entry(
	struct reader *r, uint8_t hash[PROTO_HASH_LEN], struct view *name);
void proto_put_sign(struct writer *w, const struct proto_sign *m);
MUST_USE int proto_get_sign(struct view body, struct proto_sign *out);
void proto_put_signature(struct writer *w, const void *sig, size_t len);
MUST_USE int proto_get_signature(struct view body, struct view *sig);
void proto_put_decrypt(struct writer *w, const struct proto_decrypt *m);
MUST_USE int proto_get_decrypt(struct view body, struct proto_decrypt *out);
void proto_put_derive(struct writer *w, const struct proto_derive *m);
MUST_USE int proto_get_derive(struct view body, struct proto_derive *out);
/* The reply of both: 0 to PROTO_MAX_OUTPUT bytes. */
void proto_put_output(struct writer *w, const void *data, size_t len);
MUST_USE int proto_get_output(struct view body, struct view *out);
void proto_put_status(struct writer *w, const struct proto_status_reply *m);
MUST_USE int proto_get_status(struct view body, struct proto_status_reply *out);

#endif
