#include "status.h"

#include "proto.h"

struct status_row {
	const char *name;
	const char *text;
};

static const struct status_row statuses[] = {
	[PROTO_OK] = { "ok", "success" },
	[PROTO_MALFORMED] = { "malformed", "keyd could not parse the request "
					   "(a defect, or not our client)" },
	[PROTO_BAD_VERSION] = { "version",
		"keyd does not speak this version of the protocol" },
	[PROTO_UNSUPPORTED] = { "unsupported",
		"this keyd or this key does not support the operation" },
	[PROTO_UNKNOWN_KEY] = { "unknown-key", "keyd does not have this key" },
	[PROTO_NOT_PERMITTED] = { "not-permitted",
		"keyd has the key, but this user may not use it" },
	[PROTO_USE_REFUSED] = { "use-refused",
		"the key's policy does not allow this use" },
	[PROTO_LIMIT] = { "limit", "keyd can start no more sessions" },
	[PROTO_BACK_OFF] = { "back-off", "sessions of this user have crashed; "
					 "keyd waits before the next" },
	[PROTO_IDENTITY] = { "identity",
		"the sender is not the process that connected" },
	[PROTO_INTERNAL] = { "internal",
		"keyd failed to do the operation; its log says why" },
	[PROTO_NO_KEYS] = { "no-keys", "this user may not use any key" },
	[PROTO_BAD_PARAMETER] = { "bad-parameter",
		"a parameter does not fit the key" },
	[PROTO_NOT_DECRYPTED] = { "not-decrypted",
		"the data cannot be decrypted with this key and padding" },
	[PROTO_NOBODY] = { "nobody", "keyd never serves uid 65534, which "
				     "stands for anyone whom the kernel cannot "
				     "name" },
};

struct detail_row {
	const char *text;
	const char *setting;
};

static const struct detail_row details[] = {
	[DETAIL_NONE] = { "", NULL },
	[DETAIL_NOT_TLS_SERVER] = { "the message is not a TLS server's "
				    "handshake signature",
		"use = sign" },
	[DETAIL_TLS12_OFF] = { "TLS 1.2 is switched off for this key",
		"tls12 = sentinel or tls12 = any" },
	[DETAIL_NO_SENTINEL] = { "a TLS 1.2 signature without the downgrade "
				 "sentinel",
		"tls12 = any" },
	[DETAIL_CONFUSABLE] = { "the message could be taken for one of another "
				"format",
		NULL },
	[DETAIL_TLS_GROUP] = { "a TLS 1.2 group for which keyd does not sign",
		NULL },
	[DETAIL_TLS_POINT] = { "a TLS 1.2 point that is not on its curve",
		NULL },
	[DETAIL_TLS_SCHEME] = { "this version of TLS does not use this "
				"algorithm and digest with this key (Ed25519 "
				"and Ed448 sign TLS 1.3 only)",
		NULL },
	[DETAIL_NOT_CSR] = { "the message is not a certificate request for "
			     "this key",
		"use = sign" },
	[DETAIL_DIGEST_BLIND] = { "only a digest was sent, and keyd does not "
				  "sign blindly",
		"use = sign" },
	[DETAIL_WEAK_DIGEST] = { "MD5, SHA-1 and RIPEMD-160 are too weak to "
				 "sign",
		"weak-digests = yes" },
	[DETAIL_SHORT_DATA] = { "raw data of fewer than 28 bytes, which is "
				"shorter than any digest that is strong "
				"enough",
		"weak-digests = yes" },
	[DETAIL_CLIENT_AUTH] = { "the message authenticates a TLS client",
		"use = tls-client" },
	[DETAIL_DELEGATED_CREDENTIAL] = { "the message is a TLS delegated "
					  "credential",
		"use = sign" },
	[DETAIL_DIGEST_LENGTH] = { "the digest has the wrong length", NULL },
	[DETAIL_SALT_LENGTH] = { "the salt is longer than the key allows",
		NULL },
	[DETAIL_KEY_TYPE] = { "the algorithm is not one of this type of key",
		NULL },
	[DETAIL_DIGEST] = { "the digest cannot be used with this algorithm",
		NULL },
	[DETAIL_SESSIONS] = { "the limit of all sessions is reached",
		"a higher max-sessions in keyd.conf" },
	[DETAIL_SESSIONS_USER] = { "this user's limit of sessions is reached",
		"a higher max-sessions-per-user in keyd.conf" },
	[DETAIL_DHE_OFF] = { "a TLS 1.2 key exchange with finite-field "
			     "Diffie-Hellman",
		"use = tls-dhe" },
	[DETAIL_DHE_GROUP] = { "Diffie-Hellman parameters that are no sound "
			       "group of 2048 to 8192 bits",
		NULL },
	[DETAIL_NOT_TLS_CLIENT] = { "the message is not a TLS client's "
				    "handshake signature",
		"use = sign" },
	[DETAIL_RSA_KX_OFF] = { "TLS key exchange by RSA encryption, which has "
				"no forward secrecy",
		"use = tls-rsa-kx" },
	[DETAIL_DECRYPT_OFF] = { "decryption and key agreement",
		"use = decrypt" },
	[DETAIL_PKCS1_DECRYPTION] = { "PKCS#1 v1.5 decryption is safe only "
				      "with OpenSSL 3.2 or later (implicit "
				      "rejection); use OAEP",
		NULL },
	[DETAIL_CIPHERTEXT] = { "the ciphertext does not have the length of "
				"the key's modulus, or is greater than it",
		NULL },
	[DETAIL_PEER_KEY] = { "the other side's public key is not one of this "
			      "key's group",
		NULL },
	[DETAIL_RESTRICTED] = { "the key itself (RSASSA-PSS parameters) is "
				"restricted to another digest, MGF1 digest or "
				"a longer salt",
		NULL },
	[DETAIL_CONTEXT] = { "a context string that this algorithm does not "
			     "take",
		NULL },
	[DETAIL_TLS_VERSION] = { "not a version of TLS 1.0 to 1.2 or DTLS",
		NULL },
	[DETAIL_LIBRARY] = { "keyd's OpenSSL does not have this algorithm",
		NULL },
	[DETAIL_TLS_GROUP_OFF] = { "a TLS 1.2 group that the policy does not "
				   "name (or limit the server's groups to "
				   "x25519, P-256 and P-384)",
		"tls12-groups = x25519 P-256 P-384 P-521 x448 brainpoolP256r1 "
		"brainpoolP384r1 brainpoolP512r1" },
	[DETAIL_LISTENER] = { "the listener through which it came does not let "
			      "it in",
		NULL },
};

/* Where a setting of the policy would be the wrong cure. */
static const struct {
	const char *text;
} advice[] = {
	/* No honest server sends these: they may be the sign of an attack. */
	[DETAIL_CONFUSABLE] = { "find out who controls the application, if "
				"that happens again, "
				"or switch TLS 1.2 off (`tls12 = no`)" },
	[DETAIL_TLS_POINT] = { "no honest server sends that: find out who "
			       "controls the "
			       "application, or switch TLS 1.2 off (`tls12 = "
			       "no`)" },
	[DETAIL_DHE_GROUP] = { "give the server a group of 2048 bits or more, "
			       "or ECDHE alone; "
			       "if it has that, find out who controls the "
			       "application, or "
			       "switch TLS 1.2 off (`tls12 = no`)" },
	[DETAIL_TLS_GROUP] = { "limit the server's groups to x25519, P-256 and "
			       "P-384 "
			       "(OpenSSL: Groups; nginx: ssl_ecdh_curve "
			       "X25519:P-256:P-384)" },
	[DETAIL_TLS_SCHEME] = { "switch TLS 1.2 off in that server (OpenSSL: "
				"MinProtocol = "
				"TLSv1.3; nginx: ssl_protocols TLSv1.3), or "
				"give it no Ed25519 "
				"or Ed448 certificate beside others" },
	[DETAIL_LISTENER] = { "add the user, by the uid that keyd sees (its "
			      "log has it), to "
			      "`allow` of that listener in keyd.conf and "
			      "reload keyd" },
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

const char *
status_name(uint16_t status)
{
	return status < ROWS(statuses) ? statuses[status].name : NULL;
}

const char *
status_text(uint16_t status)
{
	return status < ROWS(statuses) ? statuses[status].text
				       : "keyd answered with a status that "
					 "this version does not know";
}

const char *
detail_text(uint16_t detail)
{
	return detail < ROWS(details)
		       ? details[detail].text
		       : "for a reason that this version does not know";
}

const char *
detail_setting(uint16_t detail)
{
	return detail < ROWS(details) ? details[detail].setting : NULL;
}

const char *
detail_advice(uint16_t detail)
{
	return detail < ROWS(advice) ? advice[detail].text : NULL;
}
