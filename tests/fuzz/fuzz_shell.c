/* Shell files: whatever decodes encodes to the same bytes. */
#include "fuzz.h"

#include <string.h>

#include "wire/proto.h"
#include "wire/shell.h"

/* Forgets that a name has an end. */
static size_t
name_len(const struct shell *s)
{
	return PLANTED && memcmp(s->name, "bug", 3) == 0 ? sizeof(s->name) + 1
							 : strlen(s->name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct shell s;
	uint8_t out[SHELL_MAX];
	enum shell_error e = shell_decode(data, size, &s);
	size_t len;

	must(shell_error_text(e) != NULL);
	if (e != SHELL_OK)
		return 0;
	must(proto_is_name(s.name, name_len(&s)));
	must(s.spki.data > data && s.spki.data + s.spki.len <= data + size);
	must(shell_encode(s.name, s.spki, out, sizeof(out), &len) == 0);
	must(len == size && memcmp(out, data, size) == 0);
	return 0;
}
