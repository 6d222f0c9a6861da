/*
 * The place of a listening socket in the file system.
 *
 * A socket inside a chroot or in a container's folder may lie where another
 * user has a hand in: who owns a directory on the way decides what is found
 * behind it, and could lead root to any other place. So behind the first
 * directory that is not root's alone, everything is done with the rights of
 * that directory's owner and of no group: what he can bring about that way he
 * could as well do himself. Where several can write, there is no such owner,
 * and the place is refused.
 */
#ifndef KEYD_BROKER_SOCKFILE_H
#define KEYD_BROKER_SOCKFILE_H

#include <stdbool.h>
#include <sys/types.h>

enum {
	SOCKFILE_WHY = 448,
};

/* The file that was made. */
struct sockfile {
	dev_t dev;
	ino_t ino;
};

/*
 * Binds the UNIX socket fd to the absolute path, mode 0666: policy decides who
 * is served, not the file's mode. A socket file on which nobody listens is
 * replaced; one that answers, or another file, is not. The folder is made if it
 * is to be in the folder `run`, keyd's own. 0, or -1 with the reason in why,
 * and fd can be tried again.
 */
__attribute__((warn_unused_result)) int sockfile_bind(int fd, const char *path,
	const char *run, struct sockfile *out, char why[SOCKFILE_WHY]);

/* Is it still the file there? */
bool sockfile_is_there(const char *path, const struct sockfile *p);

/* Removes the file, if it is still there. */
void sockfile_remove(const char *path, const struct sockfile *p);

#endif
