/*
 * AlgorithmIdentifiers of ECDSA and EdDSA signatures: RFC 5758 §3.2, RFC 8410
 * §3. Those of RSA are made by `default`, which keeps their parameters.
 */
#ifndef KEYD_PROVIDER_ALGID_H
#define KEYD_PROVIDER_ALGID_H

#include "wire/proto.h"

/*
 * The DER of it, in memory that the caller frees with OPENSSL_free(). Returns
 * its length, or -1 if there is none for this scheme.
 */
MUST_USE int algid_encode(const struct proto_scheme *scheme, uint8_t **der);

#endif
