#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

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
