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
};

enum proto_algorithm {
	PROTO_RSA_PKCS1 = 1,
	PROTO_RSA_PSS = 2,
	PROTO_ECDSA = 3,
};

enum proto_digest {
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
void proto_put_status(struct writer *w, const struct proto_status_reply *m);
MUST_USE int proto_get_status(struct view body, struct proto_status_reply *out);

#endif
