/* Files on whose way only root has a say. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/trust.h"

enum {
	OTHER = 58200,
};

static char folder[] = "/tmp/keyd-trust-XXXXXX";
static int pol;
static struct trust_foreign why;

static void
make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(fchmod(fd, mode), 0);
	cr_assert_eq(close(fd), 0);
}

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	(void)umask(022);
	cr_assert_eq(mkdir("pol", 0755), 0);
	cr_assert_eq(mkdir("deep", 0755), 0);
	make("deep/cert", 0644);
	pol = open("pol", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(pol, 0);
}

static void
tear_down(void)
{
	char command[64];

	(void)close(pol);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(trust, .init = set_up, .fini = tear_down, .timeout = 20);

static int
try(const char *path)
{
	return trust_open(pol, "/pol", path, &why);
}

static void
expect_open(const char *path)
{
	int fd = try(path);

	cr_assert_geq(fd, 0, "%s: %d", path, fd);
	cr_assert_eq(close(fd), 0);
}

static void
expect_errno(const char *path, int error)
{
	cr_assert_eq(try(path), -1, "%s", path);
	cr_assert_eq(errno, error, "%s: %s", path, strerror(errno));
}

static void
expect_foreign(const char *path, const char *component)
{
	cr_assert_eq(try(path), TRUST_FOREIGN, "%s", path);
	cr_assert_str_eq(why.path, component);
}

Test(trust, opens_files_below_the_folder_and_elsewhere)
{
	make("pol/cert", 0644);
	expect_open("cert");
	expect_open("./cert");
	expect_open("../deep/cert");
	expect_open("../pol/../deep//cert");
	expect_open("/etc/passwd");
	expect_open("/etc/../etc/./passwd");
}

Test(trust, follows_links_that_are_roots_own)
{
	cr_assert_eq(symlink("../deep", "pol/folder"), 0);
	cr_assert_eq(symlink("folder/cert", "pol/link"), 0);
	cr_assert_eq(symlink("/etc", "pol/etc"), 0);
	expect_open("link");
	expect_open("folder/cert");
	expect_open("etc/passwd");
	cr_assert_eq(symlink("loop", "pol/loop"), 0);
	expect_errno("loop", ELOOP);
}

Test(trust, tells_what_is_wrong_where_only_root_has_a_say)
{
	char path[PATH_MAX];

	expect_errno("nothing", ENOENT);
	expect_errno("../deep/cert/more", ENOTDIR);
	expect_errno("../deep", EISDIR);
	expect_errno("", EISDIR);
	cr_assert_eq(mkfifo("pol/pipe", 0600), 0);
	expect_errno("pipe", EINVAL);
	make("pol/large", 0644);
	cr_assert_eq(truncate("pol/large", TRUST_MAX_FILE + 1), 0);
	expect_errno("large", EFBIG);
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	expect_errno(path, ENAMETOOLONG);
}

Test(trust, stops_at_what_others_can_write)
{
	cr_assert_eq(chmod("deep", 0775), 0);
	expect_foreign("../deep/cert", "/deep");
	cr_assert_eq(why.mode, 0775);
	cr_assert_eq(why.uid, geteuid());
	/* Nor does it matter whether there is anything. */
	expect_foreign("../deep/nothing", "/deep");
	cr_assert_eq(chmod("deep", 0755), 0);
	cr_assert_eq(chmod("deep/cert", 0664), 0);
	expect_foreign("../deep/cert", "/deep/cert");
	cr_assert_eq(fchmod(pol, 0777), 0);
	expect_foreign("nothing", "/pol");
}

/* Others can put there what is not root's, and remove it; and move there files
 * of root's, but no directories. */
Test(trust, counts_directories_only_in_a_sticky_one)
{
	char path[64];

	cr_assert_eq(chmod("deep", 01777), 0);
	expect_foreign("../deep/cert", "/deep");
	expect_foreign("../deep/nothing", "/deep");
	cr_assert_eq(symlink("../pol", "deep/link"), 0);
	expect_foreign("../deep/link/cert", "/deep");
	cr_assert_eq(mkdir("deep/own", 0755), 0);
	make("deep/own/cert", 0644);
	expect_open("../deep/own/cert");
	expect_open("../deep/./own/cert");
	expect_errno("../deep/own/nothing", ENOENT);
	cr_assert_eq(chmod("deep/own", 0775), 0);
	expect_foreign("../deep/own/cert", "/deep/own");
	(void)snprintf(path, sizeof(path), "%s/pol/nothing", folder);
	expect_errno(path, ENOENT);
	if (geteuid() != 0)
		cr_skip("the rest needs root");
	cr_assert_eq(chmod("deep/own", 0755), 0);
	cr_assert_eq(chown("deep/own", OTHER, OTHER), 0);
	expect_foreign("../deep/own/cert", "/deep/own");
	cr_assert_eq(chown("deep", OTHER, OTHER), 0);
	expect_foreign("../deep/own/cert", "/deep");
}

Test(trust, stops_at_what_belongs_to_another_user)
{
	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_eq(symlink("../deep/cert", "pol/link"), 0);
	expect_open("link");
	cr_assert_eq(lchown("pol/link", OTHER, OTHER), 0);
	expect_foreign("link", "/pol/link");
	cr_assert_eq(why.uid, OTHER);
	cr_assert_eq(chown("deep/cert", OTHER, OTHER), 0);
	expect_foreign("../deep/cert", "/deep/cert");
	cr_assert_eq(chown("deep", OTHER, OTHER), 0);
	expect_foreign("../deep/cert", "/deep");
	/* Whatever he aims it at: nothing behind it is looked at. */
	cr_assert_eq(unlink("deep/cert"), 0);
	expect_foreign("../deep/cert", "/deep");
	cr_assert_eq(mkfifo("deep/cert", 0600), 0);
	expect_foreign("../deep/cert", "/deep");
	expect_foreign("../deep/x/../../pol/link", "/deep");
	expect_foreign("../deep/../pol/link", "/deep");
}

/* Who judges is keyd's own user, where it does not run as root. */
Test(trust, trusts_the_user_it_runs_as)
{
	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_eq(chown("deep", OTHER, OTHER), 0);
	cr_assert_eq(chown("deep/cert", OTHER, OTHER), 0);
	cr_assert_eq(chmod(folder, 0755), 0);
	cr_assert_eq(seteuid(OTHER), 0);
	expect_open("../deep/cert");
	cr_assert_eq(seteuid(0), 0);
}

Test(trust, leaves_no_descriptor_open)
{
	int before = dup(0), after;

	cr_assert_eq(close(before), 0);
	expect_open("../deep/cert");
	expect_errno("../deep/nothing", ENOENT);
	cr_assert_eq(chmod("deep", 0775), 0);
	expect_foreign("../deep/cert", "/deep");
	after = dup(0);
	cr_assert_eq(after, before);
	cr_assert_eq(close(after), 0);
}
