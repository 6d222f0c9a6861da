#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lockdown/lockdown.h"

Test(lockdown, every_layer_has_a_name_that_leads_back_to_its_bit)
{
	for (unsigned i = 0; i < LAYER_COUNT; i++) {
		const char *name = lockdown_layer_name(i);

		cr_assert_not_null(name);
		cr_assert_eq(lockdown_layer_bit(name), UINT32_C(1) << i);
	}
	cr_assert_null(lockdown_layer_name(LAYER_COUNT));
	cr_assert_eq(lockdown_layer_bit("user "), 0);
	cr_assert_eq(lockdown_layer_bit(""), 0);
}

Test(lockdown, names_follow_the_protocol_document)
{
	cr_assert_eq(lockdown_layer_bit("rlimits"), LAYER_RLIMITS);
	cr_assert_eq(lockdown_layer_bit("network-namespace"), LAYER_NETNS);
	cr_assert_eq(lockdown_layer_bit("undumpable"), LAYER_UNDUMPABLE);
	cr_assert_eq(lockdown_layer_bit("seccomp"), LAYER_SECCOMP);
	cr_assert_eq(lockdown_layer_bit("mseal"), LAYER_MSEAL);
}

Test(lockdown, plan_survives_its_text)
{
	struct lockdown_plan p = { .uid = 901,
		.gid = (gid_t)-1,
		.wanted = lockdown_wanted(),
		.chroot = "/run/a:b/empty" },
			     back;
	char text[PATH_MAX + 64];

	cr_assert_eq(lockdown_plan_print(&p, text, sizeof(text)), 0);
	cr_assert_eq(lockdown_plan_parse(text, &back), 0);
	cr_assert_eq(back.uid, 901);
	cr_assert_eq(back.gid, (gid_t)-1);
	cr_assert_eq(back.wanted, p.wanted);
	cr_assert_str_eq(back.chroot, "/run/a:b/empty");
}

Test(lockdown, plan_that_does_not_fit_is_not_printed)
{
	const struct lockdown_plan p = { .uid = 1, .gid = 1, .chroot = "/e" };
	char text[9];

	cr_assert_eq(lockdown_plan_print(&p, text, 9), 0, "%s", text);
	cr_assert_eq(lockdown_plan_print(&p, text, 8), -1);
}

Test(lockdown, malformed_plans_are_refused)
{
	static const char *const bad[] = {
		"",
		"1",
		"1:2",
		"1:2:3",
		":2:3:/e",
		"1::3:/e",
		"1:2::/e",
		"-1:2:3:/e",
		"+1:2:3:/e",
		" 1:2:3:/e",
		"1 :2:3:/e",
		"0x1:2:3:/e",
		"4294967296:2:3:/e",
		"99999999999999999999999:2:3:/e",
		"1:2:8192:/e",
		"1:2:3:e",
		"1:2:3:../e",
	};
	struct lockdown_plan p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(lockdown_plan_parse(bad[i], &p), -1, "%s", bad[i]);
	cr_expect_eq(lockdown_plan_parse("1:2:8191:", &p), 0);
}

Test(lockdown, plan_with_a_chroot_too_long_is_refused)
{
	char text[PATH_MAX + 16];
	struct lockdown_plan p;

	memset(text, 'x', sizeof(text));
	memcpy(text, "1:2:3:/", 7);
	text[6 + PATH_MAX] = '\0';
	cr_assert_eq(lockdown_plan_parse(text, &p), -1);
	text[6 + PATH_MAX - 1] = '\0';
	cr_assert_eq(lockdown_plan_parse(text, &p), 0);
}

/* Mounts in a mountinfo file; *root is whether one is on / and not shared. */
static int
count_mounts(FILE *f, bool *root)
{
	char line[4096], at[4096];
	int n = 0;

	*root = false;
	for (; fgets(line, sizeof(line), f) != NULL; n++) {
		if (sscanf(line, "%*s %*s %*s %*s %4095s", at) == 1 &&
			strcmp(at, "/") == 0 &&
			strstr(line, " shared:") == NULL)
			*root = true;
	}
	return n;
}

/* A plain chroot at dir, inside shared mounts. An exit code, 0: as it should. */
static int
namespaces_in_chroot(const char *dir)
{
	struct lockdown_result r = { 0 };
	char folder[64];
	bool root;
	FILE *outside;
	int before;

	/* The first time so that nothing gets out of here; then shared, as most
	 * hosts have it, and a root below the mount point. */
	lockdown_namespaces(&r);
	if ((r.on & LAYER_MOUNTNS) == 0 ||
		mount("tmpfs", dir, "tmpfs", 0, NULL) < 0 || chdir(dir) < 0 ||
		mkdir("root", 0755) < 0 || chdir("root") < 0 ||
		mkdir("proc", 0755) < 0 || mkdir("work", 0755) < 0 ||
		mount("proc", "proc", "proc", 0, NULL) < 0 ||
		mount(NULL, dir, NULL, MS_REC | MS_SHARED, NULL) < 0)
		return 10;
	r = (struct lockdown_result){ 0 };
	/* It keeps showing the namespace that it was opened in. */
	outside = fopen("/proc/self/mountinfo", "re");
	if (outside == NULL || chroot(".") < 0 || chdir("/work") < 0)
		return 11;
	before = count_mounts(outside, &root);
	lockdown_namespaces(&r);
	if ((r.on & LAYER_MOUNTNS) == 0)
		return 12;
	rewind(outside);
	if (count_mounts(outside, &root) != before)
		return 13;
	(void)fclose(outside);
	outside = fopen("/proc/self/mountinfo", "re");
	if (outside == NULL || count_mounts(outside, &root) < 2 || !root)
		return 14;
	(void)fclose(outside);
	if (getcwd(folder, sizeof(folder)) == NULL ||
		strcmp(folder, "/work") != 0)
		return 15;
	return 0;
}

Test(lockdown, plain_chroot_gets_a_mount_namespace_that_nothing_leaves)
{
	char dir[] = "/tmp/keyd-lockdown.XXXXXX";
	int status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip("needs root");
	cr_assert_not_null(mkdtemp(dir));
	pid = fork();
	if (pid == 0)
		_exit(namespaces_in_chroot(dir));
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(rmdir(dir), 0);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0, "%d", WEXITSTATUS(status));
}
