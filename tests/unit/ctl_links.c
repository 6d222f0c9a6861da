/* A file under all of its names, of which all become another, or none. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/links.h"

static char top[] = "/var/tmp/ctl-links-XXXXXX";
static char *nobody_named[] = { NULL };
static struct links links;
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

static bool
is(const char *path, const char *text)
{
	char buf[64] = "";
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (fd >= 0)
		(void)close(fd);
	return n >= 0 && strcmp(buf, text) == 0;
}

/* b/key, b/twin and a/c/key are one. */
static void
setup(void)
{
	(void)umask(022);
	cr_assert_not_null(mkdtemp(top));
	cr_assert_eq(chdir(top), 0);
	cr_assert_eq(mkdir("a", 0755) + mkdir("a/c", 0755), 0);
	cr_assert_eq(mkdir("b", 0755), 0);
	put("b/key", "old");
	cr_assert_eq(link("b/key", "b/twin"), 0);
	cr_assert_eq(link("b/key", "a/c/key"), 0);
	cr_assert_eq(links_add(&links, "b/key", &f), 0, "%s", f.text);
	cr_assert_eq(swap_read_linked(links.at, "key", &old, &f), 0);
}

static void
prepare(void)
{
	cr_assert_eq(
		links_find(&links, &old.st, nobody_named, &f), 0, "%s", f.text);
	cr_assert_eq(links.n, 3);
	cr_assert_eq(links_prepare(&links, "tmp", "new", 3, &old.meta, &f), 0);
}

static void
teardown(void)
{
	char command[64];

	swap_free(&old);
	links_close(&links);
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	cr_assert_eq(system(command), 0);
}

TestSuite(ctl_links, .init = setup, .fini = teardown, .timeout = 20);

Test(ctl_links, all_become_the_new_file)
{
	struct stat st;
	unsigned left;

	prepare();
	cr_assert_eq(links_exchange(&links, "tmp", &old, &f), 0, "%s", f.text);
	cr_assert_eq(links_discard(&links, "tmp", &left, &f), 0);
	cr_assert_eq(left, 0);
	cr_assert(is("b/key", "new") && is("b/twin", "new"));
	cr_assert(is("a/c/key", "new"));
	cr_assert_eq(stat("b/key", &st), 0);
	cr_assert_eq(st.st_nlink, 3);
}

Test(ctl_links, none_does_if_a_link_was_added_in_the_meantime)
{
	prepare();
	cr_assert_eq(link("b/key", "added"), 0);
	cr_assert_eq(links_exchange(&links, "tmp", &old, &f), -1);
	cr_assert_not_null(
		strstr(f.text, "hard links has changed"), "%s", f.text);
	cr_assert(is("b/key", "old") && is("b/twin", "old"));
	cr_assert(is("a/c/key", "old"));
}

Test(ctl_links, none_does_if_the_last_was_replaced_in_the_meantime)
{
	struct stat st;

	prepare();
	put("b/renewed", "renewed");
	cr_assert_eq(rename("b/renewed",
			     links.at[2].name[0] == 't' ? "b/twin" : "a/c/key"),
		0);
	cr_assert_eq(links_exchange(&links, "tmp", &old, &f), -1);
	cr_assert_eq(links_discard(&links, "tmp", NULL, &f), 0);
	cr_assert(is("b/key", "old"));
	cr_assert_eq(is("b/twin", "old") + is("a/c/key", "old"), 1);
	cr_assert_eq(is("b/twin", "renewed") + is("a/c/key", "renewed"), 1);
	cr_assert_eq(stat("b/key", &st), 0);
	cr_assert_eq(st.st_nlink, 2);
}

Test(ctl_links, tells_of_a_name_that_was_added_at_the_last_moment)
{
	unsigned left;

	prepare();
	cr_assert_eq(links_exchange(&links, "tmp", &old, &f), 0, "%s", f.text);
	cr_assert_eq(link("b/tmp", "added"), 0);
	cr_assert_eq(links_discard(&links, "tmp", &left, &f), 0);
	cr_assert_eq(left, 1);
	cr_assert(is("added", "old"));
}

Test(ctl_links, a_directory_that_became_a_link_is_not_followed)
{
	cr_assert_eq(rename("a", "elsewhere"), 0);
	cr_assert_eq(symlink("elsewhere", "a"), 0);
	cr_assert_eq(
		links_find(&links, &old.st, nobody_named, &f), 0, "%s", f.text);
	cr_assert_eq(links.n, 3);
	cr_assert_not_null(strstr(links.at[2].real, "/elsewhere/c/key"), "%s",
		links.at[2].real);
}
