#include "ini/ini.h"
