/* Statuses and details in words: docs/PROTOCOL.md §4. */
#ifndef KEYD_WIRE_STATUS_H
#define KEYD_WIRE_STATUS_H

#include <stdint.h>

/* Short name ("use-refused"), or NULL if the number is unknown. */
const char *status_name(uint16_t status);

/* What it means, a clause without full stop ("keyd does not have this key"). */
const char *status_text(uint16_t status);

/* What rule it was, a clause, "" for DETAIL_NONE. */
const char *detail_text(uint16_t detail);

/* The setting that would allow it ("use = sign"), or NULL if none would, or
 * none that should be advised. */
const char *detail_setting(uint16_t detail);

/* What to do instead, a clause, or NULL; never beside a setting. */
const char *detail_advice(uint16_t detail);

#endif
