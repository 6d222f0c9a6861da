#include "text.h"

#include <stdio.h>
#include <string.h>

/* Terminals obey U+0080 to U+009F as well, which is C2 and the same byte. */
static size_t
control(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	return p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

void
text_clean(char *text)
{
	for (; *text != '\0'; text++)
		memset(text, '?', control(text));
}

const char *
text_shown(const char *path, char out[PATH_MAX])
{
	(void)snprintf(out, PATH_MAX, "%s", path);
	text_clean(out);
	return out;
}

const char *
text_quoted(const char *path, char out[4 * PATH_MAX])
{
	size_t n = 0, size = (size_t)4 * PATH_MAX;

	if (path[strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
			      "uvwxyz0123456789/._-@:")] == '\0') {
		(void)snprintf(out, size, "%s", path);
		return out;
	}
	out[n++] = '\'';
	for (; *path != '\0' && n + 6 < size; path++) {
		if (*path == '\'') {
			memcpy(out + n, "'\\''", 4);
			n += 4;
		} else {
			out[n++] = *path;
		}
	}
	out[n++] = '\'';
	out[n] = '\0';
	text_clean(out);
	return out;
}

bool
text_has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (control(text) > 0)
			return true;
	return false;
}

void
text_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

long
text_unhex(const char *text, void *out, size_t size)
{
	uint8_t *p = out;
	size_t n = 0;
	int high, low;

	for (; *text != '\0'; text += 2) {
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0 || n == size)
			return -1;
		p[n++] = (uint8_t)(high << 4 | low);
	}
	return (long)n;
}

int
text_escape(const char *text, char *out, size_t size)
{
	size_t n = 0;
	char hex[3];

	for (; *text != '\0'; text++) {
		if (n + 4 > size)
			return -1;
		if (*text > ' ' && *text < 0x7f && *text != '%') {
			out[n++] = *text;
			continue;
		}
		text_hex(text, 1, hex);
		out[n++] = '%';
		out[n++] = hex[0];
		out[n++] = hex[1];
	}
	if (n >= size)
		return -1;
	out[n] = '\0';
	return 0;
}

int
text_unescape(const char *text, char *out, size_t size)
{
	size_t n = 0;
	char hex[3] = "";

	for (; *text != '\0'; text++) {
		if (n + 1 >= size)
			return -1;
		if (*text != '%') {
			out[n++] = *text;
			continue;
		}
		if (text[1] == '\0' || text[2] == '\0')
			return -1;
		memcpy(hex, text + 1, 2);
		if (text_unhex(hex, out + n, 1) != 1 || out[n] == '\0')
			return -1;
		n++;
		text += 2;
	}
	if (size == 0)
		return -1;
	out[n] = '\0';
	return 0;
}

const char *
text_time(uint64_t seconds, char out[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
		strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(out, 32, "@%llu", (unsigned long long)seconds);
	return out;
}

static void
base64_group(const uint8_t *in, size_t n, char *out)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/="; /* 64: filler */
	uint32_t v = (uint32_t)in[0] << 16;

	if (n > 1)
		v |= (uint32_t)in[1] << 8;
	if (n > 2)
		v |= in[2];
	out[0] = digits[v >> 18];
	out[1] = digits[v >> 12 & 63];
	out[2] = digits[n > 1 ? v >> 6 & 63 : 64];
	out[3] = digits[n > 2 ? v & 63 : 64];
}

long
text_pem(const char *label, const void *der, size_t len, char *out, size_t size)
{
	size_t need = (len + 2) / 3 * 4;
	const uint8_t *p = der;
	size_t i, n;

	if (need + need / 64 + 2 * strlen(label) + 48 > size)
		return -1;
	n = (size_t)sprintf(out, "-----BEGIN %s-----\n", label);
	for (i = 0; i < len; i += 3) {
		base64_group(p + i, len - i, out + n);
		n += 4;
		if (i % 48 == 45 || i + 3 >= len)
			out[n++] = '\n';
	}
	n += (size_t)sprintf(out + n, "-----END %s-----\n", label);
	return (long)n;
}
