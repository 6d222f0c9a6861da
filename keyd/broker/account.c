#include "broker/account.h"

account_t
account_of(enum account_kind kind, uint32_t id)
{
	return (uint64_t)kind << 32 | id;
}

/* FNV-1a. Names are from policies: nobody looks for two with the same hash. */
account_t
account_of_unit(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return account_of(ACCOUNT_UNIT, hash);
}

enum account_kind
account_kind(account_t a)
{
	return (enum account_kind)(a >> 32);
}

uint32_t
account_id(account_t a)
{
	return (uint32_t)a;
}
