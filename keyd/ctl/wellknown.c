#include "wellknown.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"

/* By ssl-cert's make-ssl-cert(8). */
static const char key_name[] = "/ssl-cert-snakeoil.key";
static const char certificate[] = "/etc/ssl/certs/ssl-cert-snakeoil.pem";

static bool
is_key_name(const char *real)
{
	size_t n = strlen(real), len = sizeof(key_name) - 1;

	return n >= len && strcmp(real + n - len, key_name) == 0;
}

/* Its certificate is public, and tells a copy of the key under another name. */
static bool
is_its_key(const struct config *c, const uint8_t hash[PROTO_HASH_LEN])
{
	int fd =
		open(certificate, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct helper_answer *a;
	struct fault ignored;
	bool is;

	if (fd < 0)
		return false;
	a = malloc(sizeof(*a));
	is = a != NULL &&
	     helper_inspect(c, certificate, -1, fd, a, &ignored) == 0 &&
	     memcmp(a->d.hash, hash, PROTO_HASH_LEN) == 0;
	free(a);
	(void)close(fd);
	return is;
}

int
wellknown_check(const struct config *c, const char *real,
	const uint8_t hash[PROTO_HASH_LEN], struct fault *f)
{
	if (!is_key_name(real) && !is_its_key(c, hash))
		return 0;
	return fault_set(f, FAULT_REFUSED,
		"%s: this is Debian's snakeoil key, which every program that "
		"has no key of its own uses: those that are not in --allow, "
		"or have no provider, would stop working, and its certificate "
		"proves nothing to anyone: make a key for this program "
		"(keydctl generate), or say --force",
		real);
}
