/* Which files the broker opens for the loader. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/store.h"

static char folder[] = "/tmp/keyd-store-XXXXXX";
static struct config config;
static struct reasons reasons;
static struct leftout left_out;
static struct store store;

static void
set_up(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	(void)umask(022);
	cr_assert_eq(mkdir("keys", 0700), 0);
	cr_assert_eq(mkdir("pol", 0755), 0);
	(void)snprintf(config.keys, sizeof(config.keys), "%s/keys", folder);
	(void)snprintf(
		config.policies, sizeof(config.policies), "%s/pol", folder);
}

static void
tear_down(void)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(store, .init = set_up, .fini = tear_down);

static void
make(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(fchmod(fd, mode), 0);
	cr_assert_eq(close(fd), 0);
}

static void
make_pair(mode_t key, mode_t policy)
{
	make("keys/a.pem", key);
	make("pol/a.conf", policy);
}

static void
expect_errno(const struct store_file *file, int error)
{
	cr_assert_eq(file->fd, -1);
	cr_assert_eq(file->error, error);
}

Test(store, lists_keys_and_policies_once_each_sorted)
{
	make("keys/b.pem", 0600);
	make("keys/a.pem", 0600);
	make("keys/.hidden.pem", 0600);
	make("keys/a.pem.old", 0600);
	make("keys/.pem", 0600);
	make("pol/a.conf", 0644);
	make("pol/c.conf", 0644);
	make("pol/c.conf~", 0644);
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), 0);
	cr_assert_eq(store.n, 3);
	cr_assert_str_eq(store.names[0], "a");
	cr_assert_str_eq(store.names[1], "b");
	cr_assert_str_eq(store.names[2], "c");
	cr_assert_eq(reasons.n, 0);
	store_close(&store);
}

Test(store, a_file_that_is_not_named_like_a_key_is_an_error)
{
	make("keys/a b.pem", 0600);
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), 0);
	cr_assert_eq(store.n, 0);
	cr_assert_eq(reasons.errors, 1);
	cr_assert_not_null(strstr(reasons.text[0], "not a key's name"));
	cr_assert_eq(left_out.n, 1);
	cr_assert_str_eq(left_out.names[0], "a b.pem");
	store_close(&store);
}

Test(store, opens_both_files_or_tells_the_errno)
{
	struct store_file files[2];

	make_pair(0600, 0644);
	make("pol/b.conf", 0644);
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), 0);
	store_open_key(&store, "a", files);
	cr_assert_geq(files[0].fd, 0);
	cr_assert_geq(files[1].fd, 0);
	store_close_key(files);
	store_open_key(&store, "b", files);
	expect_errno(&files[0], ENOENT);
	cr_assert_eq(files[1].error, 0);
	store_close_key(files);
	store_close(&store);
	cr_assert_eq(reasons.n, 0);
}

/* They are the loader's to judge, and to report with all else. */
Test(store, opens_files_whatever_their_mode_and_size)
{
	struct store_file files[2];

	make_pair(0644, 0666);
	cr_assert_eq(truncate("keys/a.pem", TRUST_MAX_FILE + 1), 0);
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), 0);
	store_open_key(&store, "a", files);
	cr_assert_geq(files[0].fd, 0);
	cr_assert_geq(files[1].fd, 0);
	store_close_key(files);
	store_close(&store);
}

Test(store, follows_no_symbolic_link)
{
	struct store_file files[2];

	make("elsewhere", 0600);
	cr_assert_eq(symlink("../elsewhere", "keys/a.pem"), 0);
	cr_assert_eq(symlink("../elsewhere", "pol/a.conf"), 0);
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), 0);
	store_open_key(&store, "a", files);
	expect_errno(&files[0], ELOOP);
	expect_errno(&files[1], ELOOP);
	store_close(&store);
}

Test(store, opens_neither_pipes_nor_folders, .timeout = 10)
{
	struct store_file files[2];

	cr_assert_eq(mkfifo("keys/a.pem", 0600), 0);
	cr_assert_eq(mkdir("pol/a.conf", 0700), 0);
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), 0);
	store_open_key(&store, "a", files);
	expect_errno(&files[0], EINVAL);
	expect_errno(&files[1], EINVAL);
	store_close(&store);
}

static void
expect_folder_refused(const char *words)
{
	cr_assert_eq(store_open(&store, &config, &reasons, &left_out), -1);
	cr_assert_not_null(
		strstr(reasons.text[0], words), "%s", reasons.text[0]);
	store_close(&store);
}

Test(store, refuses_a_keys_folder_that_others_can_write)
{
	cr_assert_eq(chmod("keys", 0770), 0);
	expect_folder_refused("keys can be written by others (mode 0770)");
}

Test(store, refuses_a_policies_folder_that_others_can_write)
{
	cr_assert_eq(chmod("pol", 0757), 0);
	expect_folder_refused("pol can be written by others (mode 0757)");
}

Test(store, refuses_a_keys_folder_of_another_user)
{
	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_eq(chown("keys", 58200, 58200), 0);
	expect_folder_refused("belongs to uid 58200");
}

Test(store, names_a_missing_folder)
{
	cr_assert_eq(rmdir("keys"), 0);
	expect_folder_refused("keys: No such file or directory");
}
