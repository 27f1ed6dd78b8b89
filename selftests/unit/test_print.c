// SPDX-License-Identifier: MIT
/*
 * What receiptctl prints: nothing out of a file reaches a terminal as it is.
 */
#include "craft.h"

#define print_error	print_cli_error	/* cmocka has one of its own */
#include "../../helper/receiptctl/diag.c"
#include "../../helper/receiptctl/json.c"
#include "../../helper/receiptctl/print.c"

static void expect_text(const char *hex, const char *printed)
{
	struct craft in = craft_hex(hex);
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	print_text(f, in.data, in.len);
	fclose(f);
	assert_string_equal(out, printed);
	free(out);
}

static void escapes_what_terminals_obey(void **state)
{
	static const struct { const char *hex, *printed; } rows[] = {
		{ "", "" },
		{ "616263", "abc" },
		{ "c3a9", "é" },
		{ "1b5b324a", "\\u001b[2J" },		/* escape sequence */
		{ "61 0a 62", "a\\u000ab" },
		{ "00", "\\u0000" },
		{ "7f", "\\u007f" },
		{ "c29b", "\\u009b" },			/* CSI as a C1 control */
		{ "e280ae", "\\u202e" },		/* right-to-left override */
		{ "e2808b", "\\u200b" },		/* zero-width space */
		{ "e281a6", "\\u2066" },
		{ "efbbbf", "\\ufeff" },
		{ "f3a08081", "\\udb40\\udc01" },	/* a tag */
		{ "e280a8", "\\u2028" },		/* a line ends */
		{ "e385a4", "\\u3164" },		/* a blank that is a letter */
		{ "5c", "\\\\" },
		{ "80 61", "\\x80a" },			/* not UTF-8 */
		{ "61 ff 1b", "a\\xff\\x1b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect_text(rows[i].hex, rows[i].printed);
}

static void formats_times(void **state)
{
	char text[40];

	(void)state;
	format_time(0, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	format_time(1766437887, text);
	assert_string_equal(text, "2025-12-22T21:11:27Z");
	format_time(INT64_MAX, text);
	assert_string_equal(text, "9223372036854775807");
	format_time(INT64_MIN, text);
	assert_string_equal(text, "-9223372036854775808");
	format_time(253402300800, text);
	assert_string_equal(text, "253402300800");
}

static void prints_diagnostic_notation(void **state)
{
	static const struct { const char *hex, *printed; } rows[] = {
		{ "00", "0" }, { "1b ffffffffffffffff", "18446744073709551615" },
		{ "20", "-1" }, { "3b ffffffffffffffff", "-18446744073709551616" },
		{ "3b fffffffffffffffe", "-18446744073709551615" },
		{ "40", "h''" }, { "42 0102", "h'0102'" },
		{ "43 22 5c 0a", "h'225c0a'" }, { "63 22 5c 0a", "\"\\\"\\\\\\u000a\"" },
		{ "80", "[]" }, { "a0", "{}" },
		{ "82 01 02", "[\n  1,\n  2\n]" },
		{ "a1 01 f5", "{\n  1: true\n}" },
		{ "c1 00", "1(0)" }, { "f6", "null" }, { "f7", "undefined" }, { "f4", "false" },
		{ "42 8100", "<<\n  [\n    0\n  ]\n>>" },
		{ "42 8200", "h'8200'" },
		/* what no statement may have */
		{ "1800", "0_0" }, { "190001", "1_1" }, { "1a00000001", "1_2" },
		{ "1b0000000000000001", "1_3" }, { "1818", "24" }, { "3800", "-1_0" },
		{ "58 01 61", "h'61'_0" }, { "78 01 61", "\"a\"_0" },
		{ "9800", "[_0]" }, { "b801 01 02", "{_0\n  1: 2\n}" }, { "d801 00", "1_0(0)" },
		{ "9f ff", "[_]" }, { "9f 01 ff", "[_\n  1\n]" }, { "bf 01 02 01 03 ff",
		  "{_\n  1: 2,\n  1: 3\n}" },
		{ "5f 41 61 40 ff", "(_ h'61', h'')" }, { "7f 61 61 61 62 ff", "(_ \"a\", \"b\")" },
		{ "7f ff", "(_ )" },
		{ "f93c00", "1.0_1" }, { "f90001", "5.9604644775390625e-08_1" }, { "f98000", "-0.0_1" },
		{ "f97c00", "Infinity_1" }, { "f9fc00", "-Infinity_1" }, { "f97e00", "NaN_1" },
		{ "fa3fc00000", "1.5_2" }, { "fb3ff199999999999a", "1.1_3" },
		{ "fb7e37e43c8800759c", "1e+300_3" },
		{ "e0", "simple(0)" }, { "f3", "simple(19)" }, { "f820", "simple(32)" },
		{ "f8ff", "simple(255)" }, { "a1 80 a0", "{\n  []: {}\n}" },
		{ "43 a13800", "h'a13800'" }, { "44 a1380001", "<<\n  {\n    -1_0: 1\n  }\n>>" },
	};
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct craft in = craft_hex(rows[i].hex);
		char *out = NULL;
		size_t len;
		FILE *f = open_memstream(&out, &len);

		assert_int_equal(print_diag(craft_span(&in), f, &err), 0);
		fclose(f);
		assert_string_equal(out, rows[i].printed);
		free(out);
	}
}

/* Byte strings in byte strings are opened to a bound. */
static void bounds_what_it_opens(void **state)
{
	struct craft in = craft_hex("80"), outer;
	struct rcpt_error err;
	char *out = NULL;
	size_t len;
	FILE *f;
	int i;

	(void)state;
	for (i = 0; i < 64; i++) {
		outer = craft_hex("81");
		craft_bytes(&outer, in.data, in.len);
		in = outer;
	}
	f = open_memstream(&out, &len);
	assert_int_equal(print_diag(craft_span(&in), f, &err), 0);
	fclose(f);
	assert_non_null(strstr(out, "h'81"));
	free(out);
}

static void prints_nothing_of_bad_cbor(void **state)
{
	static const struct { const char *hex; size_t offset; } rows[] = {
		{ "", 0 }, { "82 00", 2 }, { "18", 0 }, { "19 00", 0 }, { "5b ffffffffffffffff", 0 },
		{ "42 00", 0 }, { "a1 00", 2 }, { "1c", 0 }, { "1f", 0 }, { "3f", 0 }, { "df 00", 0 },
		{ "ff", 0 }, { "82 00 ff", 2 }, { "9f 00", 2 }, { "bf 00 ff", 2 }, { "f800", 0 },
		{ "f81f", 0 }, { "fc", 0 }, { "f93c", 0 }, { "61 ff", 0 }, { "5f 61 61 ff", 1 },
		{ "7f 7f ff ff", 1 }, { "5f 00 ff", 1 }, { "5f", 1 }, { "00 00", 1 },
		{ "82 43 a13800 1c", 5 },
	};
	struct rcpt_error err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct craft in = craft_hex(rows[i].hex);
		char *out = NULL;
		size_t len;
		FILE *f = open_memstream(&out, &len);

		assert_int_equal(print_diag(craft_span(&in), f, &err), -RCPT_MALFORMED);
		assert_int_equal(err.offset, rows[i].offset);
		fclose(f);
		assert_int_equal(len, 0);
		free(out);
	}
}

static void bounds_nesting(void **state)
{
	struct craft in = { .len = 0 };
	struct rcpt_error err;

	(void)state;
	memset(in.data, 0x81, 64);
	in.len = 65;
	assert_int_equal(print_diag(craft_span(&in), NULL, &err), 0);
	memset(in.data, 0x81, 65);
	in.len = 66;
	assert_int_equal(print_diag(craft_span(&in), NULL, &err), -RCPT_MALFORMED);
	assert_int_equal(err.offset, 64);
}

static void makes_json(void **state)
{
	struct rcpt_error err = { .status = 3, .reason = RECEIPT_REASON_CBOR, .offset = 7,
				  .text = "truncated" };
	json_t *json = json_bytes("\x01\xff", 2);
	char *text;

	(void)state;
	assert_string_equal(json_string_value(json), "01ff");
	json_decref(json);
	json = json_text("\xff", 1);
	assert_true(json_is_null(json));
	json_decref(json);
	json = json_ops(3);
	assert_int_equal(json_array_size(json), 2);
	json_decref(json);
	json = json_error("f", &err);
	text = json_dumps(json, JSON_COMPACT);
	assert_string_equal(text, "{\"file\":\"f\",\"offset\":7,\"reason\":\"malformed-cbor\","
				  "\"text\":\"truncated\",\"status\":3}");
	free(text);
	json_decref(json);
}

static json_t *number(size_t i, const void *arg)
{
	return json_pack("{s:i, s:s}", "n", (int)i, "text", arg);
}

/* What @print writes to standard output. */
static char *printed(int (*print)(const json_t *root, size_t n), const json_t *root, size_t n)
{
	static char text[4096];
	FILE *saved = stdout;

	memset(text, 0, sizeof(text));
	stdout = fmemopen(text, sizeof(text) - 1, "w");
	assert_int_equal(print(root, n), 0);
	fclose(stdout);
	stdout = saved;
	return text;
}

static int print_as_json(const json_t *root, size_t n)
{
	return json_print_list(root, "list", n, number, "\xe2\x80\xae");
}

static int print_as_text(const json_t *root, size_t n)
{
	json_print_tree_list(root, "a_list", n, number, "\xe2\x80\xae");
	return 0;
}

/* Item by item, the list is the same as in one piece. */
static void prints_lists(void **state)
{
	json_t *root = json_pack("{s:s}", "first", "x"), *json;

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		char *text = printed(print_as_json, root, n);

		assert_null(strchr(text, '\xe2'));
		json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(json);
		assert_string_equal(json_string_value(json_object_get(json, "first")), "x");
		assert_int_equal(json_array_size(json_object_get(json, "list")), n);
		json_decref(json);
	}
	assert_string_equal(printed(print_as_text, root, 0), "first: x\na list: none\n");
	assert_string_equal(printed(print_as_text, root, 1),
			    "first: x\na list:\n  1:\n    n: 0\n    text: \\u202e\n");
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_what_terminals_obey),
		cmocka_unit_test(formats_times),
		cmocka_unit_test(prints_diagnostic_notation),
		cmocka_unit_test(bounds_what_it_opens),
		cmocka_unit_test(prints_nothing_of_bad_cbor),
		cmocka_unit_test(bounds_nesting),
		cmocka_unit_test(makes_json),
		cmocka_unit_test(prints_lists),
	};

	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
