/*
 * What TLS 1.2 clients and finite-field servers have signed, for tests of the
 * grammar. Written from the RFCs, and shares no code with keyd/session.
 */
#ifndef TESTS_SUPPORT_TRANSCRIPTS_H
#define TESTS_SUPPORT_TRANSCRIPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TRANSCRIPTS_MAX = 131072,
};

enum transcripts_exchange {
	TRANSCRIPTS_RSA,
	TRANSCRIPTS_DHE,
	TRANSCRIPTS_ECDHE,
};

/* What differs between honest handshakes. */
struct transcripts_shape {
	enum transcripts_exchange exchange;
	bool dtls;
	bool bare;         /* hellos without extensions */
	bool status;       /* a stapled OCSP response */
	bool raw_key;      /* RFC 7250, in place of certificates */
	uint8_t session;   /* bytes of the client's session id */
	uint8_t names;     /* certification authorities */
	uint16_t name_len; /* bytes of each */
	uint16_t client_number, server_number; /* DTLS: the first message's */
};

struct transcript {
	size_t len;
	uint8_t data[TRANSCRIPTS_MAX];
	/* Is this a byte of the frame, any change of which must be refused? */
	bool frame[TRANSCRIPTS_MAX];
	/* Where each message starts, and the end. */
	size_t starts[10];
	size_t messages;
};

/* A handshake up to and with the ClientKeyExchange. */
void transcripts_make(struct transcript *t, const struct transcripts_shape *s,
	uint64_t *state);

/* Any honest shape. */
struct transcripts_shape transcripts_shape(uint64_t *state);

/*
 * randoms, p of len bytes (odd, the first byte 80 to FF), g = 2, and a Ys less
 * than p with zeros before it or not, as a server would have it signed.
 */
void transcripts_dhe(struct transcript *t, size_t len, uint64_t *state);

#endif
