/* Small things about text. */
#ifndef KEYD_CTL_TEXT_H
#define KEYD_CTL_TEXT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Replaces control characters by '?': file names may hold anything. */
void text_clean(char *text);

/* A path to be shown: a clean copy. Returns out. */
const char *text_shown(const char *path, char out[PATH_MAX]);

/* A path as one word of a shell's command line, clean. Returns out. */
const char *text_quoted(const char *path, char out[4 * PATH_MAX]);

/* Is there a control character in it? */
bool text_has_control(const char *text);

/* Lower-case hexadecimal and a terminating zero: out holds 2 * len + 1. */
void text_hex(const void *data, size_t len, char *out);

/* The reverse; at most size bytes. Number of bytes, or -1. */
long text_unhex(const char *text, void *out, size_t size);

/* Bytes outside of ! to ~, and %, as %XX, so that any path is one INI value.
 * 0, or -1 if it does not fit. */
__attribute__((warn_unused_result)) int
text_escape(const char *text, char *out, size_t size);
__attribute__((warn_unused_result)) int
text_unescape(const char *text, char *out, size_t size);

/* "2026-11-22 16:00:00 UTC"; out holds 32 bytes. Returns out. */
const char *text_time(uint64_t seconds, char out[32]);

/* Base64 in a PEM block of the label. Length, or -1 if it does not fit. */
long text_pem(
	const char *label, const void *der, size_t len, char *out, size_t size);

#endif
