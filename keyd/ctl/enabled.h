/* Does an openssl.cnf of this machine activate the provider keyd? */
#ifndef KEYD_CTL_ENABLED_H
#define KEYD_CTL_ENABLED_H

#include <stdbool.h>

/* The system's. Not, as far as is known: nothing of it is acted on. */
bool enabled_system(void);

/* The system's, or that which a service gets by its drop-in. */
bool enabled_somewhere(void);

#endif
