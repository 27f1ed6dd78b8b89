// SPDX-License-Identifier: MIT
/*
 * The floor of the policy: its text, and that it is only ever raised.
 */
#include "sample.h"

#include "policy.h"

static int parse(const char *text, struct receipt_lowest *floor)
{
	return receipt_lowest_parse(text, strlen(text), floor);
}

static void test_parse(void **state)
{
	struct receipt_lowest floor;

	(void)state;
	assert_int_equal(parse("web:1.20.65535", &floor), 0);
	assert_string_equal(floor.name, "web");
	assert_int_equal(floor.version[0], 1);
	assert_int_equal(floor.version[1], 20);
	assert_int_equal(floor.version[2], 65535);
	assert_int_equal(floor.svn, 0);
	assert_int_equal(parse("a.b-c_d:0.0.0:4294967295", &floor), 0);
	assert_int_equal(floor.svn, 4294967295u);
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"", ":", "web", "web:", ":1.0.0", "web:1", "web:1.0", "web:1.0.", "web:1.0.0.",
		"web:1.0.0:", "web:1.0.0:x", "web:1.0.0:1:", "web:1.0.0 ", " web:1.0.0",
		"w b:1.0.0", "web:+1.0.0", "web:-1.0.0", "web:01.0.0", "web:65536.0.0",
		"web:1.0.0:4294967296", "web:1.0.0:99999999999999999999999", "web:1..0",
	};
	struct receipt_lowest floor;
	char name[80];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_not_equal(parse(texts[i], &floor), 0);
	memset(name, 'a', 65);
	strcpy(name + 65, ":1.0.0");
	assert_int_not_equal(parse(name, &floor), 0);
	assert_int_equal(parse(name + 1, &floor), 0);
}

static void test_raise(void **state)
{
	struct receipt_lowest floor = { 0 }, to;

	(void)state;
	assert_int_equal(parse("web:1.4.0:2", &to), 0);
	assert_true(receipt_lowest_raise(&floor, &to));
	assert_false(receipt_lowest_raise(&floor, &to));
	assert_int_equal(parse("web:1.3.9:3", &to), 0);
	assert_true(receipt_lowest_raise(&floor, &to));
	assert_int_equal(floor.version[1], 4);
	assert_int_equal(floor.svn, 3);
	assert_int_equal(parse("web:0.9.9:1", &to), 0);
	assert_false(receipt_lowest_raise(&floor, &to));
	assert_int_equal(floor.svn, 3);
}

static void test_admits(void **state)
{
	const u16 older[3] = { 1, 3, 9 }, same[3] = { 1, 4, 0 }, newer[3] = { 2, 0, 0 };
	struct receipt_lowest floor;

	(void)state;
	assert_int_equal(parse("web:1.4.0:2", &floor), 0);
	assert_true(receipt_lowest_admits(&floor, "web", same, 2));
	assert_true(receipt_lowest_admits(&floor, "web", newer, 3));
	assert_false(receipt_lowest_admits(&floor, "web", older, 2));
	assert_false(receipt_lowest_admits(&floor, "web", newer, 1));
	assert_false(receipt_lowest_admits(&floor, "other", newer, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_raise),
		cmocka_unit_test(test_admits),
	};

	return cmocka_run_group_tests_name("floor", tests, NULL, NULL);
}
