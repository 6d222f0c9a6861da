/* Assertions about OpenSSL's error queue, for tests with Criterion. */
#ifndef KEYD_TESTS_QUEUE_H
#define KEYD_TESTS_QUEUE_H

#include <criterion/criterion.h>
#include <openssl/err.h>

#include <string.h>

/* Errors that a server would log as stale, or as someone else's. */
static inline void
assert_no_errors(void)
{
	unsigned long e = ERR_peek_error();

	cr_assert_eq(e, 0, "left in the queue: %s", ERR_error_string(e, NULL));
}

/* One of the entries has this text; then there are none. */
static inline void
assert_error_says(const char *what)
{
	const char *data;
	int flags;

	while (ERR_get_error_all(NULL, NULL, NULL, &data, &flags) != 0)
		if ((flags & ERR_TXT_STRING) && strstr(data, what) != NULL) {
			ERR_clear_error();
			return;
		}
	cr_assert_fail("no error says: %s", what);
}

#endif
