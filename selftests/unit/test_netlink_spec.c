// SPDX-License-Identifier: MIT
/*
 * The family's specification says what the header says: commands, attributes
 * and their numbers, reasons, bounds. Both are read as text. So does the table of
 * reasons in the admin guide.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include "uapi/receipt.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER	"kmod/uapi/receipt.h"
#define SPEC	"Documentation/netlink/receipt.yaml"
#define GUIDE	"Documentation/admin-guide.md"
#define MAX	128
#define LEN	80

static char *header, *spec, *guide;

/* Names, in order. */
struct names {
	int n;
	char at[MAX][LEN];
};

static char *read_whole(const char *path)
{
	char *text = calloc(1, 1 << 18);
	FILE *f = fopen(path, "r");

	if (!f || !text)
		return NULL;
	text[fread(text, 1, (1 << 18) - 1, f)] = '\0';
	fclose(f);
	return text;
}

static int read_files(void **state)
{
	(void)state;
	header = read_whole(HEADER);
	spec = read_whole(SPEC);
	guide = read_whole(GUIDE);
	return !header || !spec || !guide;
}

static int free_files(void **state)
{
	(void)state;
	free(header);
	free(spec);
	free(guide);
	return 0;
}

static void add(struct names *names, const char *prefix, const char *name, size_t len)
{
	char *out = names->at[names->n++];

	assert_true(names->n < MAX);
	snprintf(out, LEN, "%s%.*s", prefix, (int)len, name);
	for (; *out; out++)
		*out = *out == '-' ? '_' : toupper(*out);
}

static const char *find(const char *text, const char *what)
{
	const char *at = strstr(text, what);

	assert_non_null(at);
	return at + strlen(what);
}

/* Enumerators behind "enum NAME {", without UNSPEC and the __MAX at the end. */
static void header_enum(const char *name, struct names *names)
{
	char start[LEN];
	const char *line;
	size_t len;

	snprintf(start, sizeof(start), "enum %s {\n", name);
	for (line = find(header, start); *line != '}'; line = strchr(line, '\n') + 1) {
		while (*line == '\t')
			line++;
		len = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		if (len > 2 && line[0] != '_' &&
		    strncmp(line + len - 6, "UNSPEC", 6))
			add(names, "", line, len);
	}
}

/* Values of "name:" at one depth, until a line that is less deep. */
static void spec_names(const char *from, int depth, const char *prefix,
		       struct names *names)
{
	const char *line, *value;
	int indent;

	for (line = strchr(from, '\n') + 1; *line; line = strchr(line, '\n') + 1) {
		indent = strspn(line, " ");
		if (indent < depth - 2 && line[indent] != '\n')
			break;
		value = line + indent;
		if (indent == depth && !strncmp(value, "name: ", 6))
			add(names, prefix, value + 6, strcspn(value + 6, "\n"));
	}
}

static void assert_equal_names(const struct names *a, const struct names *b)
{
	for (int i = 0; i < a->n && i < b->n; i++)
		assert_string_equal(a->at[i], b->at[i]);
	assert_int_equal(a->n, b->n);
	assert_true(a->n > 2);
}

static void check_attributes(const char *enum_name, const char *spec_name,
			     const char *prefix)
{
	struct names in_header = { 0 }, in_spec = { 0 };
	char marker[LEN];

	header_enum(enum_name, &in_header);
	snprintf(marker, sizeof(marker), "enum-name: %s\n", spec_name);
	spec_names(find(find(spec, marker), "attributes:"), 8, prefix, &in_spec);
	assert_equal_names(&in_header, &in_spec);
}

static void test_attributes(void **state)
{
	(void)state;
	check_attributes("receipt_attr", "receipt-attr", "RECEIPT_A_");
	check_attributes("receipt_stmt_attr", "receipt-stmt-attr", "RECEIPT_STMT_");
	check_attributes("receipt_rcpt_attr", "receipt-rcpt-attr", "RECEIPT_RCPT_");
	check_attributes("receipt_mft_attr", "receipt-mft-attr", "RECEIPT_MFT_");
}

static void test_commands(void **state)
{
	struct names in_header = { 0 }, in_spec = { 0 };

	(void)state;
	header_enum("receipt_cmd", &in_header);
	spec_names(find(find(spec, "enum-name: receipt-cmd\n"), "list:"), 6,
		   "RECEIPT_CMD_", &in_spec);
	assert_equal_names(&in_header, &in_spec);
}

static void test_reasons(void **state)
{
	char name[LEN], text[LEN], line[3 * LEN], *p;
	const char *at = find(header, "#define RECEIPT_REASONS(_)");
	int value, n = 0;

	(void)state;
	while ((at = strstr(at, "_("))) {
		at += 2;
		if (sscanf(at, "%d, %79[A-Z0-9_], \"%79[^\"]\"", &value, name, text) != 3)
			break;
		for (p = name; *p; p++)
			*p = *p == '_' ? '-' : tolower(*p);
		snprintf(line, sizeof(line), "- { name: %s, value: %d, doc: %s }\n",
			 name, value, text);
		find(spec, line);
		n++;
	}
	assert_true(n > 40);
	for (at = spec; (at = strstr(at, "- { name: ")); at++)
		n--;
	assert_int_equal(n, 0);
}

/* The list that people read has them all, too, with their numbers. */
static void test_guide(void **state)
{
	static const struct { int value; const char *text; } reasons[] = {
#define REASON_ROW(num, name, text) { num, text },
		RECEIPT_REASONS(REASON_ROW)
#undef REASON_ROW
	};
	char row[2 * LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		snprintf(row, sizeof(row), "\n| `%s` | %d |", reasons[i].text, reasons[i].value);
		find(guide, row);
	}
}

static void test_bounds(void **state)
{
	char name[LEN], line[2 * LEN], *p;
	const char *at = header;
	int value, n = 0;

	(void)state;
	while ((at = strstr(at, "#define RECEIPT_MAX_"))) {
		assert_int_equal(sscanf(at, "#define RECEIPT_%79[A-Z_] %d", name, &value), 2);
		for (p = name; *p; p++)
			*p = *p == '_' ? '-' : tolower(*p);
		snprintf(line, sizeof(line), "name: %s\n    value: %d\n", name, value);
		find(spec, line);
		at++;
		n++;
	}
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_guide),
		cmocka_unit_test(test_bounds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("netlink_spec", tests, read_files, free_files);
}
