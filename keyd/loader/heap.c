#include "heap.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

static void *
heap_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size == 0 ? NULL : malloc(size);
}

static void
heap_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* Never in place: realloc(3) would leave a copy behind when it moves. */
static void *
heap_realloc(void *p, size_t size, const char *file, int line)
{
	size_t old = p == NULL ? 0 : malloc_usable_size(p);
	void *q;

	if (size == 0) {
		heap_free(p, file, line);
		return NULL;
	}
	if (size <= old)
		return p;
	q = malloc(size);
	if (q == NULL)
		return NULL;
	if (p != NULL)
		memcpy(q, p, old);
	heap_free(p, file, line);
	return q;
}

int
heap_init(void)
{
	/* Fails with the sanitizers' malloc only, which has no options. */
	(void)mallopt(M_MMAP_MAX, 0);
	return CRYPTO_set_mem_functions(heap_malloc, heap_realloc, heap_free) ==
			       1
		       ? 0
		       : -1;
}
