/*
 * The tables by which the programs live, printed for a test that compares them
 * with what the manual says. Each of these functions stands in a file that
 * includes the source with the table, since the tables are no one else's.
 */
#ifndef KEYD_TESTS_DOCS_TABLES_H
#define KEYD_TESTS_DOCS_TABLES_H

#include <stddef.h>

/* keydctl: its verbs, each with its options. */
void tables_ctl(void);

/* keyd.conf: what is fixed at keyd's start. */
void tables_reload(void);

/* What a policy can have. */
void tables_policy(void);

/* The provider's settings, and its words for errors of the system. */
void tables_provider(void);
void tables_client(void);

/* All that a policy makes of a file's text. 0 or -1. */
int tables_read_policy(const char *text, size_t len);

/* All that the provider makes of one setting. 0 or -1. */
int tables_read_provider(const char *name, const char *value);

/* Of whom the next getopt_long() prints the options, instead of parsing. */
extern const char *tables_of;

#endif
