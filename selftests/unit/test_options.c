// SPDX-License-Identifier: MIT
/*
 * The command line of receiptctl: options, and the values that they have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define print_error	print_cli_error	/* cmocka has one of its own */
#include "../../helper/receiptctl/options.c"

static char said[256];

int usage_error(const char *command, const char *fmt, ...)
{
	va_list args;
	size_t len = snprintf(said, sizeof(said), "%s: ", command);

	va_start(args, fmt);
	vsnprintf(said + len, sizeof(said) - len, fmt, args);
	va_end(args);
	return EXIT_USAGE;
}

enum { OPT_FLAG = 1, OPT_VALUE, OPT_REFUSED, OPT_FOREIGN = 0x100 };

static const struct option table[] = {
	{ "flag", no_argument, NULL, OPT_FLAG },
	{ "value", required_argument, NULL, OPT_VALUE },
	{ "refused", no_argument, NULL, OPT_REFUSED },
	{ "foreign", required_argument, NULL, OPT_FOREIGN },
	{ 0 }
};

struct taken {
	int flags;
	const char *value;
};

static int set(void *run, int option, const char *arg)
{
	struct taken *taken = run;

	switch (option) {
	case OPT_FLAG:
		taken->flags++;
		return 0;
	case OPT_VALUE:
		taken->value = arg;
		return 0;
	case OPT_REFUSED:
		return 3;
	default:
		return -1;
	}
}

/* What options_parse() returns for a command line, NULL behind the last. */
static int parse(struct taken *taken, const char *const *words)
{
	char copies[16][32], *argv[17];
	int argc;

	for (argc = 0; words[argc]; argc++) {
		strcpy(copies[argc], words[argc]);
		argv[argc] = copies[argc];
	}
	argv[argc] = NULL;
	said[0] = '\0';
	memset(taken, 0, sizeof(*taken));
	return options_parse("try", argc, argv, table, set, taken);
}

static void takes_options(void **state)
{
	static const char *const words[] = { "try", "one", "--flag", "--value", "v", "two",
					     "--flag", "--", "--flag", NULL };
	static const char *const none[] = { "try", NULL };
	struct taken taken;

	(void)state;
	assert_int_equal(parse(&taken, words), 0);
	assert_int_equal(taken.flags, 2);
	/* The last of a command line is not remembered by the next. */
	assert_int_equal(optind, 6);
	assert_int_equal(parse(&taken, none), 0);
	assert_int_equal(optind, 1);
}

static void names_what_it_refuses(void **state)
{
	static const struct { const char *words[6]; const char *named; } rows[] = {
		{ { "try", "--bogus" }, "--bogus" },
		{ { "try", "file", "--bogus=1", "other" }, "--bogus=1" },
		{ { "try", "--value" }, "--value" },
		{ { "try", "--flag=1" }, "--flag=1" },
		{ { "try", "--flag", "-xy" }, "-x" },
		{ { "try", "-x", "--flag" }, "-x" },
		{ { "try", "--foreign", "arg" }, "arg" },
		{ { "try", "--foreign" }, "--foreign" },
	};
	struct taken taken;
	char want[80];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(&taken, rows[i].words), EXIT_USAGE);
		snprintf(want, sizeof(want), "try: unknown option or missing argument: '%s'",
			 rows[i].named);
		assert_string_equal(said, want);
	}
}

static void hands_on_what_a_command_says(void **state)
{
	static const char *const words[] = { "try", "--refused", "--flag", NULL };
	struct taken taken;

	(void)state;
	assert_int_equal(parse(&taken, words), 3);
	assert_int_equal(taken.flags, 0);
	assert_string_equal(said, "");
}

static void bounds_what_may_be_repeated(void **state)
{
	const char *list[2] = { NULL };
	size_t n = 0;

	(void)state;
	said[0] = '\0';
	assert_int_equal(options_add("try", "--keys", list, 2, &n, "a"), 0);
	assert_int_equal(options_add("try", "--keys", list, 2, &n, "b"), 0);
	assert_string_equal(said, "");
	assert_int_equal(options_add("try", "--keys", list, 2, &n, "c"), EXIT_USAGE);
	assert_string_equal(said, "try: over 2 --keys");
	assert_int_equal(n, 2);
	assert_string_equal(list[1], "b");
}

static void reads_words(void **state)
{
	enum receipt_entry entry = RECEIPT_ENTRY_SHA256_STMT;
	bool verified = false;

	(void)state;
	assert_int_equal(options_entry("try", "stmt", &entry), 0);
	assert_int_equal(entry, RECEIPT_ENTRY_STMT);
	assert_int_equal(options_entry("try", "sha256-stmt", &entry), 0);
	assert_int_equal(entry, RECEIPT_ENTRY_SHA256_STMT);
	assert_int_equal(options_entry("try", "", &entry), EXIT_USAGE);
	assert_string_equal(said, "try: --entry: sha256-stmt or stmt, not ''");
	assert_int_equal(options_identity("try", "verified", &verified), 0);
	assert_true(verified);
	assert_int_equal(options_identity("try", "verifie", &verified), EXIT_USAGE);
	assert_string_equal(said, "try: --identity: verified, not 'verifie'");
}

static void reads_numbers(void **state)
{
	static const struct { const char *text; uint64_t max, number; bool good; } rows[] = {
		{ "0", UINT64_MAX, 0, true },
		{ "007", UINT64_MAX, 7, true },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
		{ "18446744073709551616", UINT64_MAX, 0, false },
		{ "99999999999999999999999", UINT64_MAX, 0, false },
		{ "9223372036854775807", INT64_MAX, INT64_MAX, true },
		{ "9223372036854775808", INT64_MAX, 0, false },
		{ "5", 4, 0, false },
		{ "", UINT64_MAX, 0, false },
		{ "-1", UINT64_MAX, 0, false },
		{ "+1", UINT64_MAX, 0, false },
		{ " 1", UINT64_MAX, 0, false },
		{ "1 ", UINT64_MAX, 0, false },
		{ "0x1", UINT64_MAX, 0, false },
		{ "1a", UINT64_MAX, 0, false },
		{ "\xff", UINT64_MAX, 0, false },
	};
	uint64_t number;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(options_number(rows[i].text, rows[i].max, &number), rows[i].good);
		if (rows[i].good)
			assert_int_equal(number, rows[i].number);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_options),
		cmocka_unit_test(names_what_it_refuses),
		cmocka_unit_test(hands_on_what_a_command_says),
		cmocka_unit_test(bounds_what_may_be_repeated),
		cmocka_unit_test(reads_words),
		cmocka_unit_test(reads_numbers),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
