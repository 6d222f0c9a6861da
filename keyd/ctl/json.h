/* Writes one JSON value to standard output, piece by piece. */
#ifndef KEYD_CTL_JSON_H
#define KEYD_CTL_JSON_H

#include <stdbool.h>

struct json {
	unsigned depth;
	bool comma; /* is one due before the next value? */
};

/* name is NULL in arrays and for the outermost value. */
void json_open(struct json *j, const char *name, char bracket); /* '{' or '[' */
void json_close(struct json *j, char bracket);                  /* '}' or ']' */
void json_string(struct json *j, const char *name, const char *value);
void json_number(struct json *j, const char *name, unsigned long long value);
void json_bool(struct json *j, const char *name, bool value);

/* The words of a value (blanks or commas between) as an array. */
void json_words(struct json *j, const char *name, const char *words);

#endif
