/* libcrypto, made ready before the system-call filter. */
#ifndef KEYD_SESSION_WARMUP_H
#define KEYD_SESSION_WARMUP_H

#include "wire/cursor.h"

/*
 * Initialises libcrypto without its configuration file, with the default
 * provider only; seeds its random number generators; fetches every algorithm;
 * decodes and signs once with a throw-away key, so that all that is done on
 * first use is done. 0, or -1: this libcrypto lacks something.
 */
MUST_USE int warmup(void);

#endif
