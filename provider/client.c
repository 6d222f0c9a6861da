#include "provider/client.h"
