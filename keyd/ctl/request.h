/*
 * Certificate signing requests for a key that keydctl does not have: what is to
 * be signed, and the whole, once keyd has signed it. Public data only.
 */
#ifndef KEYD_CTL_REQUEST_H
#define KEYD_CTL_REQUEST_H

#include "fault.h"
#include "wire/proto.h"

struct request; /* owns an X509_REQ */

/*
 * subject: "/CN=a/O=b" or "CN=a"; san: "DNS:a,IP:1.2.3.4" or NULL. NULL with *f
 * on failure.
 */
struct request *request_new(struct view spki, const char *subject,
	const char *san, struct fault *f);
void request_free(struct request *r);

/* The bytes to be signed. Valid until request_free(). */
struct view request_tbs(const struct request *r);

/* Puts in the signature, made with the scheme, and checks it. 0, or -1 with *f. */
__attribute__((warn_unused_result)) int request_sign(struct request *r,
	const struct proto_scheme *s, struct view signature, struct fault *f);

/* PEM. Length, or -1. */
long request_pem(const struct request *r, char *out, size_t size);

#endif
