/* The way to a file that others may have had a hand in. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/path.h"
#include "ctl/swap.h"

static char top[] = "/tmp/ctl-path-XXXXXX";
static struct path_place place;
static struct fault f;

enum {
	ALICE = 54321, /* without an entry in passwd */
	BOB = 54322,
};

static void
setup(void)
{
	(void)umask(022);
	cr_assert_not_null(mkdtemp(top));
	cr_assert_eq(chmod(top, 0755), 0);
	cr_assert_eq(chdir(top), 0);
}

static void
teardown(void)
{
	char command[64];

	path_close(&place);
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(ctl_path, .init = setup, .fini = teardown, .timeout = 20);

static void
need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
}

static void
make_dir(const char *path, mode_t mode, uid_t uid)
{
	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(chown(path, uid, geteuid() == 0 ? uid : (gid_t)-1), 0);
	cr_assert_eq(chmod(path, mode), 0);
}

static void
make_file(const char *path, mode_t mode, uid_t uid)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, "secret\n", 7), 7);
	cr_assert_eq(fchown(fd, uid, (gid_t)-1), 0);
	cr_assert_eq(close(fd), 0);
}

static int
find_and_read(const char *path)
{
	struct swap_file file;
	int r = path_find(path, &place, &f);

	cr_assert_eq(geteuid(), getuid());
	if (r < 0)
		return r;
	r = swap_read(&place, place.name, &file, &f);
	cr_assert_eq(geteuid(), getuid());
	if (r == 0)
		swap_free(&file);
	return r;
}

Test(ctl_path, follows_links_to_the_real_file)
{
	char want[PATH_MAX];

	make_dir("a", 0755, geteuid());
	make_dir("a/b", 0755, geteuid());
	make_file("a/key", 0600, geteuid());
	cr_assert_eq(symlink("../key", "a/b/link"), 0);
	cr_assert_eq(symlink("a/./b/../b//link", "link"), 0);
	cr_assert_eq(find_and_read("./link"), 0, "%s", f.text);
	(void)snprintf(want, sizeof(want), "%s/a/key", top);
	cr_assert_str_eq(place.real, want);
	cr_assert_str_eq(place.name, "key");
	cr_assert_not(place.switched);
}

Test(ctl_path, finds_a_place_for_a_file_that_is_not_there)
{
	cr_assert_eq(path_find("new", &place, &f), 0, "%s", f.text);
	cr_assert_not(place.exists);
}

Test(ctl_path, ends_on_a_loop_of_links)
{
	cr_assert_eq(symlink("b", "a"), 0);
	cr_assert_eq(symlink("a", "b"), 0);
	cr_assert_eq(path_find("a", &place, &f), -1);
}

Test(ctl_path, acts_as_the_owner_below_his_directory)
{
	need_root();
	make_dir("alice", 0755, ALICE);
	make_file("alice/key", 0600, ALICE);
	cr_assert_eq(find_and_read("alice/key"), 0, "%s", f.text);
	cr_assert(place.switched);
	cr_assert_eq(place.uid, ALICE);
}

Test(ctl_path, a_users_link_cannot_aim_at_roots_file)
{
	need_root();
	make_dir("alice", 0755, ALICE);
	make_dir("root", 0755, 0);
	make_file("root/key", 0600, 0);
	cr_assert_eq(symlink("../root/key", "alice/key"), 0);
	cr_assert_eq(find_and_read("alice/key"), -1);
	cr_assert(strstr(f.text, "Permission denied") != NULL, "%s", f.text);
}

Test(ctl_path, an_absolute_link_of_a_user_does_not_become_root_again)
{
	char target[PATH_MAX];

	need_root();
	make_dir("alice", 0755, ALICE);
	make_dir("root", 0700, 0);
	make_file("root/key", 0644, 0);
	(void)snprintf(target, sizeof(target), "%s/root/key", top);
	cr_assert_eq(symlink(target, "alice/key"), 0);
	cr_assert_eq(find_and_read("alice/key"), -1);
}

Test(ctl_path, a_directory_link_of_a_user_cannot_aim_at_another_user)
{
	need_root();
	make_dir("alice", 0755, ALICE);
	make_dir("bob", 0755, BOB);
	make_file("bob/key", 0644, BOB);
	cr_assert_eq(symlink("../bob", "alice/dir"), 0);
	cr_assert_eq(find_and_read("alice/dir/key"), -1);
	cr_assert_eq(f.code, FAULT_REFUSED);
}

Test(ctl_path, in_a_sticky_directory_the_entrys_owner_counts)
{
	need_root();
	make_dir("tmp", 01777, 0);
	make_dir("root", 0755, 0);
	make_file("root/key", 0600, 0);
	make_file("tmp/key", 0600, ALICE);
	cr_assert_eq(find_and_read("tmp/key"), 0, "%s", f.text);
	cr_assert_eq(place.uid, ALICE);
	path_close(&place);
	cr_assert_eq(symlink("../root/key", "tmp/link"), 0);
	cr_assert_eq(lchown("tmp/link", ALICE, ALICE), 0);
	cr_assert_eq(find_and_read("tmp/link"), -1);
}

Test(ctl_path, refuses_a_directory_that_others_may_write)
{
	make_dir("all", 0777, geteuid());
	make_file("all/key", 0600, geteuid());
	cr_assert_eq(find_and_read("all/key"), -1);
	cr_assert_eq(f.code, FAULT_REFUSED);
}

Test(ctl_path, refuses_a_directory_that_a_group_may_write)
{
	need_root();
	make_dir("group", 0775, 0);
	cr_assert_eq(chown("group", 0, BOB), 0);
	make_file("group/key", 0600, 0);
	cr_assert_eq(find_and_read("group/key"), -1);
	cr_assert_eq(f.code, FAULT_REFUSED);
}

Test(ctl_path, refuses_a_directory_that_an_acl_opens)
{
	need_root();
	make_dir("acl", 0755, 0);
	cr_assert_eq(system("setfacl -m u:54321:rwx acl"), 0);
	make_file("acl/key", 0600, 0);
	cr_assert_eq(find_and_read("acl/key"), -1);
	cr_assert_eq(f.code, FAULT_REFUSED);
}

Test(ctl_path, refuses_what_has_hard_links)
{
	make_file("key", 0600, geteuid());
	cr_assert_eq(link("key", "other"), 0);
	cr_assert_eq(find_and_read("key"), -1);
	cr_assert(strstr(f.text, "hard links") != NULL, "%s", f.text);
}

Test(ctl_path, refuses_what_is_no_regular_file)
{
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	cr_assert_eq(find_and_read("fifo"), -1);
	make_dir("dir", 0755, geteuid());
	cr_assert_eq(find_and_read("dir"), -1);
	cr_assert_eq(find_and_read("dir/"), -1);
}

Test(ctl_path, refuses_what_became_a_link_after_the_walk)
{
	struct swap_file file;

	make_file("key", 0600, geteuid());
	make_file("other", 0600, geteuid());
	cr_assert_eq(path_find("key", &place, &f), 0, "%s", f.text);
	cr_assert_eq(unlink("key"), 0);
	cr_assert_eq(symlink("other", "key"), 0);
	cr_assert_eq(swap_read(&place, "key", &file, &f), -1);
	cr_assert_eq(f.code, FAULT_REFUSED);
}
