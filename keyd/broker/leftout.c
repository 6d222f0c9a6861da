#include "broker/leftout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
leftout_add(struct leftout *l, const char *name)
{
	char **more, *copy, *p;

	/* Grows at each power of two. */
	if ((l->n & (l->n - 1)) == 0) {
		more = reallocarray(
			l->names, l->n == 0 ? 1 : l->n * 2, sizeof(*more));
		if (more == NULL)
			return -1;
		l->names = more;
	}
	copy = strdup(name);
	if (copy == NULL)
		return -1;
	for (p = copy; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	l->names[l->n++] = copy;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void
leftout_sort(struct leftout *l)
{
	if (l->n > 0)
		qsort(l->names, l->n, sizeof(*l->names), compare);
}

const char *
leftout_beyond(const struct leftout *l, const struct leftout *other)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (other->n == 0 ||
			bsearch(&l->names[i], other->names, other->n,
				sizeof(*other->names), compare) == NULL)
			return l->names[i];
	return NULL;
}

const char *
leftout_words(const struct leftout *l, char *out, size_t size)
{
	static const char more[] = ", …";
	size_t used = 0, len;
	unsigned i;

	out[0] = '\0';
	for (i = 0; i < l->n; i++) {
		len = strlen(l->names[i]);
		if (used + len + 2 + sizeof(more) > size) {
			(void)snprintf(out + used, size - used, "%s",
				used == 0 ? more + 2 : more);
			break;
		}
		used += (size_t)snprintf(out + used, size - used, "%s%s",
			i > 0 ? ", " : "", l->names[i]);
	}
	return out;
}

void
leftout_free(struct leftout *l)
{
	while (l->n > 0)
		free(l->names[--l->n]);
	free(l->names);
	l->names = NULL;
}
