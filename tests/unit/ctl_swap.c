/* Replacing a file's bytes in one step that can be undone. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ctl/swap.h"

static char top[] = "/var/tmp/ctl-swap-XXXXXX";
static struct path_place place;
static struct swap_file old;
static struct fault f;

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(close(fd), 0);
}

static void
expect(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY);

	cr_assert_geq(fd, 0, "%s is not there", path);
	cr_assert_geq(read(fd, buf, sizeof(buf) - 1), 0);
	cr_assert_str_eq(buf, text);
	cr_assert_eq(close(fd), 0);
}

static void
setup(void)
{
	(void)umask(022);
	cr_assert_not_null(mkdtemp(top));
	cr_assert_eq(chdir(top), 0);
	put("key", "old");
	cr_assert_eq(setxattr("key", "user.note", "mine", 4, 0), 0);
	cr_assert_eq(path_find("key", &place, &f), 0, "%s", f.text);
	cr_assert_eq(swap_read(&place, "key", &old, &f), 0, "%s", f.text);
	cr_assert_eq(swap_prepare(&place, "tmp", "new", 3, &old.meta, &f), 0,
		"%s", f.text);
}

static void
teardown(void)
{
	char command[64];

	swap_free(&old);
	path_close(&place);
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(ctl_swap, .init = setup, .fini = teardown, .timeout = 20);

Test(ctl_swap, replaces_and_keeps_mode_and_attributes)
{
	char note[8] = "";
	struct stat st;

	cr_assert_eq(swap_exchange(&place, "tmp", &old, &f), 0, "%s", f.text);
	expect("key", "new");
	expect("tmp", "old");
	cr_assert_eq(stat("key", &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0640);
	cr_assert_eq(getxattr("key", "user.note", note, sizeof(note)), 4);
	cr_assert_str_eq(note, "mine");
	cr_assert_eq(swap_discard(&place, "tmp", &f), 0, "%s", f.text);
	cr_assert_eq(access("tmp", F_OK), -1);
}

Test(ctl_swap, puts_back_a_file_that_was_replaced_in_the_meantime)
{
	put("renewed", "renewed");
	cr_assert_eq(rename("renewed", "key"), 0);
	cr_assert_eq(swap_exchange(&place, "tmp", &old, &f), -1);
	expect("key", "renewed");
	expect("tmp", "new");
}

Test(ctl_swap, puts_back_a_file_that_was_written_to_in_the_meantime)
{
	put("key", "rewritten");
	cr_assert_eq(swap_exchange(&place, "tmp", &old, &f), -1);
	expect("key", "rewritten");
}

Test(ctl_swap, puts_back_a_file_that_got_a_hard_link_in_the_meantime)
{
	cr_assert_eq(link("key", "other"), 0);
	cr_assert_eq(swap_exchange(&place, "tmp", &old, &f), -1);
	expect("key", "old");
}

Test(ctl_swap, fails_when_the_file_is_gone)
{
	cr_assert_eq(unlink("key"), 0);
	cr_assert_eq(swap_exchange(&place, "tmp", &old, &f), -1);
	cr_assert_eq(access("key", F_OK), -1);
	expect("tmp", "new");
}

Test(ctl_swap, never_writes_through_a_link_under_the_temporary_name)
{
	put("victim", "victim");
	cr_assert_eq(symlink("victim", "tmp2"), 0);
	cr_assert_eq(swap_prepare(&place, "tmp2", "new", 3, &old.meta, &f), -1);
	expect("victim", "victim");
}

Test(ctl_swap, the_way_back_keeps_a_file_that_replaced_ours)
{
	struct stat ours;

	cr_assert_eq(swap_exchange(&place, "tmp", &old, &f), 0, "%s", f.text);
	cr_assert_eq(stat("key", &ours), 0);
	put("renewed", "renewed");
	cr_assert_eq(rename("renewed", "key"), 0);
	cr_assert_eq(swap_back(&place, "tmp", &ours, &f), 0, "%s", f.text);
	expect("key", "renewed");
	expect("tmp", "old");
}

Test(ctl_swap, no_child_inherits_what_was_read)
{
	unsigned char here;
	int status;
	pid_t pid;

	cr_assert_gt(old.bytes.len, 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(mincore(old.bytes.data, 1, &here) == 0 ? 1
							     : errno != ENOMEM);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
}
