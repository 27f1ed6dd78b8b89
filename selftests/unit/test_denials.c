// SPDX-License-Identifier: MIT
/*
 * Reading denials out of logs and events, those of others and forged ones too.
 */
#include "folder.h"

#include "../../helper/receiptctl/denials.c"

#define SHA	"3131313131313131313131313131313131313131313131313131313131313131"
#define FIELDS	"op=EXECUTE hook=bprm_check_security verdict=denied enforced=0 " \
		"reason=no-evidence rule=3 pid=12 uid=0 comm=\"sh\" path=\"/bin/x\" " \
		"dev=\"sda1\" ino=3 digest=sha256:" SHA
#define AUDIT	"type=KERNEL_OTHER msg=audit(1700000000.123:45): receipt: "

static struct denials read_text(const char *text, size_t len)
{
	FILE *in = fmemopen((void *)text, len, "r");
	struct rcpt_error err = { .text = "" };
	struct denials d = { 0 };

	assert_non_null(in);
	if (denials_read(&d, in, &err))
		fail_msg("%s", err.text);
	fclose(in);
	return d;
}

static struct denials read_line_of(const char *line)
{
	return read_text(line, strlen(line));
}

static void expect_x(struct denials *d)
{
	uint8_t digest[32];

	memset(digest, 0x31, sizeof(digest));
	assert_int_equal(d->n, 1);
	assert_int_equal(d->skipped, 0);
	assert_int_equal(d->at[0]->op, RECEIPT_OP_EXECUTE);
	assert_int_equal(d->at[0]->reasons, 1ULL << RECEIPT_REASON_NO_EVIDENCE);
	assert_int_equal(d->at[0]->count, 1);
	assert_int_equal(d->at[0]->npaths, 1);
	assert_string_equal(d->at[0]->paths[0], "/bin/x");
	assert_string_equal(d->at[0]->comm, "sh");
	assert_int_equal(d->at[0]->digest.kind, RECEIPT_KIND_SHA256);
	assert_memory_equal(d->at[0]->digest.bytes, digest, 32);
	denials_free(d);
}

/* The ways in which one record gets into a log. */
static void test_forms(void **state)
{
	static const char *const lines[] = {
		AUDIT FIELDS,
		AUDIT FIELDS "\n",
		AUDIT FIELDS "\r\n",
		AUDIT FIELDS "\035SYSCALL=execve AUID=\"root\"\n",
		"node=host type=UNKNOWN[1316] msg=audit(1.0:4): receipt: " FIELDS,
		"audit: type=1316 audit(1700000000.123:45): receipt: " FIELDS,
		"[    3.141592] audit: type=1316 audit(17.123:45): receipt: " FIELDS,
		"<5>[    3.1] audit: type=1316 audit(17.123:45): receipt: " FIELDS,
		"5,339,514,-;audit: type=1316 audit(17.123:45): receipt: " FIELDS,
		"Nov 27 11:00:00 auditor kernel: audit: type=1316 audit(1.1:4): receipt: " FIELDS,
		"Nov 27 11:00:00 host audit[12]: AUDIT1316 receipt: " FIELDS,
		"Nov 27 11:00:00 host audit: AUDIT1316 receipt: " FIELDS " later=1 more=\"a b\"",
		"{\"event\":\"verdict\",\"verdict\":\"would-deny\",\"op\":\"EXECUTE\",\"pid\":3,"
		"\"path\":\"/bin/x\",\"reason\":\"no-evidence\",\"digest\":\"sha256:" SHA "\","
		"\"comm\":\"sh\",\"later\":[true]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct denials d = read_line_of(lines[i]);

		if (d.n != 1)
			fail_msg("not read: %s", lines[i]);
		expect_x(&d);
	}
}

/* What others may have written, and what is no denial: neither counted nor skipped. */
static void test_others(void **state)
{
	static const char *const lines[] = {
		"\n",
		"receipt: " FIELDS,
		"audit",
		"audit: ",
		"audit: type=1316",
		"audit(1.1:1): receipt: " FIELDS,
		"xaudit: type=1316 audit(1.1:1): receipt: " FIELDS,
		"msg=audit(1.1:1): receipt: " FIELDS,
		"type=USER_CMD msg=audit(1.1:1): pid=3 msg='audit(1.1:1): receipt: " FIELDS "'",
		"type=X msg=audit(1.1:1): pid=3 text=\" audit: type=1 audit(1:1): receipt: op=EXECUTE",
		"type=KERNEL_OTHER msg=audit(17.123:45): lockdown_reason=\"x\"",
		AUDIT "helper=serving helper_pid=3",
		AUDIT "op=POLICY verdict=loaded mode=enforce version=1.0.0 generation=1 "
			"name=\"a\" digest=sha256:" SHA,
		"{\"event\":\"policy\",\"mode\":\"enforce\"}",
		"{\"event\":\"verdict\",\"verdict\":\"allowed\",\"op\":\"EXECUTE\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct denials d = read_line_of(lines[i]);

		if (d.n || d.skipped)
			fail_msg("taken: %s", lines[i]);
		denials_free(&d);
	}
}

/* Looks like ours and is not, or is not whole: skipped and counted. */
static void test_malformed(void **state)
{
	static const char *const lines[] = {
		AUDIT "op=EXECUTE verdict=denied",
		AUDIT "op=RUN verdict=denied reason=no-evidence",
		AUDIT "op=EXECUTE verdict=denied reason=unknown-reason",
		AUDIT "op=EXECUTE verdict=denied reason=no-evid",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=\"/bin/x",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=\"/bin/x\"y",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=/bin/x",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=2f6",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=2f0062",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence digest=sha256:31",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence digest=sha256:" SHA "31",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence digest=md5:" SHA,
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence digest=" SHA,
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence suppressed=-1",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence suppressed=1e3",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence word",
		AUDIT "op=EXECUTE verdict=denied reason=no-evidence =x",
		"{",
		"{}",
		"{\"event\":\"verdict\",\"verdict\":\"denied\"}",
		"{\"event\":\"verdict\",\"verdict\":\"denied\",\"op\":99,\"reason\":\"no-evidence\"}",
		"{\"event\":\"verdict\",\"event\":\"verdict\"}",
		"{\"event\":\"verdict\",\"path\":\"\\\\x0\"}",
		"{\"event\":\"verdict\",\"path\":\"\\\\n\"}",
		"{\"event\":\"verdict\",\"path\":\"a\\u0000b\"}",
		"{\"event\":\"verdict\",\"path\":\"\\\\x00\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct denials d = read_line_of(lines[i]);

		if (d.n || d.skipped != 1)
			fail_msg("not skipped: %s", lines[i]);
		denials_free(&d);
	}
}

/* Names with all sorts of bytes, in both forms. */
static void test_names(void **state)
{
	struct denials d;

	(void)state;
	d = read_line_of(AUDIT "op=KMODULE verdict=denied reason=no-evidence "
			 "comm=6120220A path=2F746D702F61206227C3BC0A");
	assert_int_equal(d.n, 1);
	assert_string_equal(d.at[0]->comm, "a \"\n");
	assert_string_equal(d.at[0]->paths[0], "/tmp/a b'\xc3\xbc\n");
	assert_int_equal(d.at[0]->digest.kind, 0);
	denials_free(&d);

	d = read_line_of("{\"event\":\"verdict\",\"verdict\":\"denied\",\"op\":\"KMODULE\","
			 "\"reason\":\"no-evidence\",\"path\":\"/a\\\\x5cx41\\\\x0a\\\\xff\\\"\"}");
	assert_int_equal(d.n, 1);
	assert_string_equal(d.at[0]->paths[0], "/a\\x41\n\xff\"");
	denials_free(&d);
}

/* One entry for an operation and a digest, with what differs. */
static void test_sum(void **state)
{
	static const char text[] =
		AUDIT FIELDS "\n"
		AUDIT "op=EXECUTE verdict=denied reason=open-for-writing path=\"/bin/y\" "
			"comm=\"second\" digest=sha256:" SHA " suppressed=5\n"
		AUDIT FIELDS " suppressed=2\n"
		AUDIT "op=ANON_EXEC verdict=denied reason=no-evidence digest=sha256:" SHA "\n"
		AUDIT "op=EXECUTE verdict=denied reason=unreadable path=\"/a\"\n"
		AUDIT "op=EXECUTE verdict=denied reason=unreadable path=\"/b\"\n"
		AUDIT "op=EXECUTE verdict=denied reason=unreadable path=\"/a\"\n";
	struct denials d = read_text(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(d.n, 4);
	assert_int_equal(d.records, 7);
	assert_int_equal(d.suppressed, 7);
	assert_int_equal(d.at[0]->count, 3);
	assert_int_equal(d.at[0]->npaths, 2);
	assert_string_equal(d.at[0]->paths[1], "/bin/y");
	assert_string_equal(d.at[0]->comm, "sh");
	assert_int_equal(d.at[0]->reasons, 1ULL << RECEIPT_REASON_NO_EVIDENCE |
			 1ULL << RECEIPT_REASON_OPEN_WRITER);
	assert_int_equal(d.at[1]->op, RECEIPT_OP_ANON_EXEC);
	assert_int_equal(d.at[1]->npaths, 0);
	assert_int_equal(d.at[2]->count, 2);
	assert_int_equal(d.at[3]->count, 1);
	denials_free(&d);
}

/* Long lines, zero bytes, many names: bounded, and what follows is read. */
static void test_bounds(void **state)
{
	char *text = NULL;
	struct denials d;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	fprintf(out, AUDIT "path=\"");
	for (int i = 0; i < DENIALS_LINE; i++)
		fputc('a', out);
	fprintf(out, "\"\n" AUDIT "op=EXECUTE%cverdict=denied\n", '\0');
	for (int i = 0; i < DENIALS_PATHS + 1; i++)
		fprintf(out, AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=\"/%d\" "
			"digest=sha256:" SHA "\n", i);
	fprintf(out, AUDIT "op=EXECUTE verdict=denied reason=no-evidence path=\"/%0*d\"\n",
		RECEIPT_MAX_PATH_HINT, 1);
	fclose(out);
	d = read_text(text, len);
	assert_int_equal(d.skipped, 3);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.at[0]->npaths, DENIALS_PATHS);
	assert_true(d.at[0]->more_paths);
	assert_int_equal(d.at[0]->count, DENIALS_PATHS + 1);
	denials_free(&d);
	free(text);
}

/* A log that would fill the memory is refused. */
static void test_too_many(void **state)
{
	struct rcpt_error err = { .text = "" };
	struct denials d = { 0 };
	char line[256];
	int ret = 0, i;

	(void)state;
	for (i = 0; i <= DENIALS_MAX && !ret; i++) {
		snprintf(line, sizeof(line), AUDIT "op=EXECUTE verdict=denied "
			 "reason=no-evidence path=\"/%d\"", i);
		ret = denials_line(&d, line, &err);
	}
	assert_int_equal(ret, -RCPT_MALFORMED);
	assert_int_equal(d.n, DENIALS_MAX);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	denials_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sum),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
