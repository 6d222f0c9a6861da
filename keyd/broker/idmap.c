#include "broker/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool
idmap_is_whole(const char *text)
{
	static const char *const words[] = { "0", "0", "4294967295" };
	size_t i, n;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		text += strspn(text, " \t");
		n = strcspn(text, " \t\n");
		if (n != strlen(words[i]) || memcmp(text, words[i], n) != 0)
			return false;
		text += n;
	}
	return text[strspn(text, " \t\n")] == '\0';
}

static int
is_whole_file(const char *path)
{
	char text[256]; /* a longer one has more than one line */
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT && access("/proc/self", F_OK) == 0 ? 1
									  : -1;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	return idmap_is_whole(text);
}

int
idmap_is_initial(void)
{
	int r = is_whole_file("/proc/self/uid_map");

	return r == 1 ? is_whole_file("/proc/self/gid_map") : r;
}
