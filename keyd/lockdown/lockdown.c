#include "lockdown/lockdown.h"
