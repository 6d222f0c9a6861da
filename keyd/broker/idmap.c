#include "broker/idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

bool
idmap_is_whole(const char *text)
{
	unsigned inside, outside, count;
	int end = -1;

	return sscanf(text, "%u %u %u %n", &inside, &outside, &count, &end) ==
		       3 &&
	       end >= 0 && text[end] == '\0' && inside == 0 && outside == 0 &&
	       count == UINT32_MAX;
}

static bool
is_whole_file(const char *path)
{
	char text[256]; /* a longer one has more than one line */
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT && access("/proc/self", F_OK) == 0;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';
	return idmap_is_whole(text);
}

bool
idmap_is_initial(void)
{
	return is_whole_file("/proc/self/uid_map") &&
	       is_whole_file("/proc/self/gid_map");
}
