/* Certificate requests (PKCS#10, RFC 2986). libc only. */
#ifndef KEYD_SESSION_CSR_H
#define KEYD_SESSION_CSR_H

#include "wire/cursor.h"

/*
 * Is message, from its first byte to its last, the DER of a
 * CertificationRequestInfo for the key spki?
 *
 *   SEQUENCE { INTEGER 0, Name, spki byte for byte, [0] SET OF Attribute }
 *
 * Name and attributes are checked for their form, so that neither a
 * certificate nor a revocation list can pass for a request.
 */
bool csr_is_request(struct view message, struct view spki);

#endif
