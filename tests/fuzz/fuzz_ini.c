/* Configuration files: what reaches a setting's reader is what it may be. */
#include "fuzz.h"

#include <string.h>

#include "ini/ini.h"

static void
must_be_clean(const char *s)
{
	for (; *s != '\0'; s++)
		must((unsigned char)*s >= 0x20 || *s == '\t');
}

static int
on_setting(void *arg, const char *section, const char *name, const char *value,
	unsigned line, struct ini_error *err)
{
	char word[16];
	unsigned long n;

	(void)arg;
	(void)err;
	must(line > 0 && name[0] != '\0');
	must(strlen(value) <= INI_MAX_LINE);
	must_be_clean(section);
	must_be_clean(name);
	must_be_clean(value);
	must(!PLANTED || section[0] != 'b' || value[0] != '7');
	(void)ini_bool(value);
	if (ini_number(value, 1000, &n) == 0)
		must(n <= 1000);
	if (ini_duration(value, 60000, &n) == 0)
		must(n <= 60000);
	while (ini_next_word(&value, word, sizeof(word)) > 0)
		must(word[0] != '\0' && memchr(word, '\0', sizeof(word)));
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ini_error err = { 0 };

	if (ini_parse((const char *)data, size, on_setting, NULL, &err) < 0)
		must(memchr(err.text, '\0', sizeof(err.text)) != NULL &&
			err.text[0] != '\0');
	return 0;
}
