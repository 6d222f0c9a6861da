/* Keys that others than one application use, or that were made for no one. */
#ifndef KEYD_CTL_WELLKNOWN_H
#define KEYD_CTL_WELLKNOWN_H

#include "config/config.h"
#include "fault.h"
#include "wire/proto.h"

/*
 * Is the key file at the real path, or the key of this hash, the self-signed one that Debian's
 * ssl-cert makes for whatever program wants one? Then -1 with *f, else 0.
 */
__attribute__((warn_unused_result)) int wellknown_check(const struct config *c,
	const char *real, const uint8_t hash[PROTO_HASH_LEN], struct fault *f);

#endif
