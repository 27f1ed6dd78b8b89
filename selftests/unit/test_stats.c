// SPDX-License-Identifier: MIT
/*
 * What receiptctl stats prints of given numbers. Prometheus' text is read by a
 * strict reader: every sample has a family with HELP and TYPE before it, families
 * are not torn apart, histograms are cumulative and end in +Inf.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>

#define print_error	print_cli_error	/* cmocka has one of its own */
#include "../../helper/receiptctl/json.c"
#include "../../helper/receiptctl/print.c"
#define print_bucket	print_text_bucket
#define print_histogram	print_text_histogram
#include "../../helper/receiptctl/stats.c"
#undef print_bucket
#undef print_histogram
#include "../../helper/receiptctl/prometheus.c"

static struct stats stats;

static void add(const char *name, uint64_t value, enum receipt_reason reason, uint64_t limit)
{
	const struct rcpt_nl_stat stat = { name, value, reason, limit };

	stats_add(&stat, &stats);
}

static int fill(void **state)
{
	(void)state;
	memset(&stats, 0, sizeof(stats));
	add("hits", 1000, 0, 0);
	add("denied", 7, 0, 0);
	add("not-known-here", 5, 0, 0);
	add("denied", 4, RECEIPT_REASON_NO_EVIDENCE, 0);
	add("denied", 3, RECEIPT_REASON_RULE, 0);
	add("denied", 0, RECEIPT_REASON_NO_HELPER, 0);
	add("lookup-waits", 100, 0, 0);
	add("lookup-wait-us", 1234567, 0, 0);
	add("lookup-wait", 60, 0, 32);
	add("lookup-wait", 0, 0, 64);
	add("lookup-wait", 39, 0, 1 << 20);
	add("lookup-wait", 1, 0, UINT64_MAX);
	add("inode-states", 12, 0, 0);
	return 0;
}

static char *text_of(const struct rcpt_nl_status *st)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (st)
		prometheus_print(&stats, st, out);
	else
		stats_print(&stats, out);
	fclose(out);
	return text;
}

static void prints_text(void **state)
{
	char *text = text_of(NULL);

	(void)state;
	assert_string_equal(text,
		"hits                              1000\n"
		"denied                            7\n"
		"  no-evidence                     4\n"
		"  denied-by-rule                  3\n"
		"not-known-here                    5\n"
		"lookup-waits                      100\n"
		"lookup-wait-us                    1234567\n"
		"lookup-wait                       100\n"
		"  to 32 microseconds              60\n"
		"  to 1048576 microseconds         39\n"
		"  longer                          1\n"
		"  p50 at most, microseconds       32\n"
		"  p99 at most, microseconds       1048576\n"
		"inode-states                      12\n");
	free(text);
}

/* A percentile that no bucket bounds is not made up. */
static void tells_no_false_percentile(void **state)
{
	char *text;

	(void)state;
	stats.row[11].value = 10;
	text = text_of(NULL);
	assert_non_null(strstr(text, "  p50 at most, microseconds       32\n"
				     "  p99 longer than all limits\n"));
	free(text);
}

static void prints_json(void **state)
{
	json_t *json = stats_json(&stats);
	char *text = json_dumps(json, JSON_COMPACT);

	(void)state;
	assert_string_equal(text,
		"{\"hits\":1000,\"denied\":7,\"not-known-here\":5,"
		"\"denied-by-reason\":{\"no-evidence\":4,\"denied-by-rule\":3,\"no-helper\":0},"
		"\"lookup-waits\":100,\"lookup-wait-us\":1234567,"
		"\"lookup-wait\":[{\"le_us\":32,\"count\":60},{\"le_us\":64,\"count\":0},"
		"{\"le_us\":1048576,\"count\":39},{\"le_us\":null,\"count\":1}],"
		"\"inode-states\":12}");
	free(text);
	json_decref(json);
}

static void takes_no_more_than_there_is_room_for(void **state)
{
	char name[STATS_NAME_MAX + 1];

	(void)state;
	memset(name, 'n', STATS_NAME_MAX);
	name[STATS_NAME_MAX] = '\0';
	add(name, 1, 0, 0);
	assert_true(stats.over);
	stats.over = false;
	while (stats.n < STATS_MAX)
		add("hits", 1, 0, 0);
	assert_false(stats.over);
	add("hits", 1, 0, 0);
	assert_true(stats.over);
	assert_int_equal(stats.n, STATS_MAX);
}

/*
 * The reader of Prometheus' text
 */

#define FAMILIES	64

/* What was read; of a histogram the last bucket, and whether it was +Inf. */
struct reader {
	char family[FAMILIES][64];
	size_t n;
	char help[64];
	char type[16];
	double last_le;
	double last_count;
	bool inf;
	size_t samples;
};

static const char *read_name(const char *p, char *name, size_t room)
{
	size_t n = 0;

	assert_true(isalpha((unsigned char)*p) || *p == '_' || *p == ':');
	while (isalnum((unsigned char)*p) || *p == '_' || *p == ':') {
		assert_true(n + 1 < room);
		name[n++] = *p++;
	}
	name[n] = '\0';
	return p;
}

static void begin_family(struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		assert_string_not_equal(r->family[i], name);
	assert_true(r->n < FAMILIES);
	strcpy(r->family[r->n++], name);
	r->last_le = -1;
	r->last_count = -1;
	r->inf = false;
}

static void read_comment(struct reader *r, const char *line)
{
	char name[64];
	const char *p;

	if (!strncmp(line, "# HELP ", 7)) {
		p = read_name(line + 7, r->help, sizeof(r->help));
		assert_true(*p == ' ' && p[1] && !strchr(p, '\\'));
		return;
	}
	assert_int_equal(strncmp(line, "# TYPE ", 7), 0);
	p = read_name(line + 7, name, sizeof(name));
	assert_string_equal(name, r->help);
	assert_int_equal(*p++, ' ');
	assert_true(!strcmp(p, "counter") || !strcmp(p, "gauge") || !strcmp(p, "histogram"));
	strcpy(r->type, p);
	begin_family(r, name);
	if (!strcmp(p, "counter"))
		assert_string_equal(name + strlen(name) - 6, "_total");
}

/* Takes {key="value",...}; @le: the value of a label of that name. */
static const char *read_labels(const char *p, char *le)
{
	char key[64];

	*le = '\0';
	do {
		size_t n = 0;
		char value[256];

		p = read_name(p + 1, key, sizeof(key));
		assert_int_equal(strncmp(p, "=\"", 2), 0);
		for (p += 2; *p != '"'; p++) {
			assert_true(*p);
			if (*p == '\\') {
				p++;
				assert_true(*p && strchr("\\\"n", *p));
			}
			assert_true(n + 1 < sizeof(value));
			value[n++] = *p;
		}
		value[n] = '\0';
		if (!strcmp(key, "le"))
			strcpy(le, value);
		p++;
	} while (*p == ',');
	assert_int_equal(*p, '}');
	return p + 1;
}

static void read_bucket(struct reader *r, const char *le, double value)
{
	double limit;
	char *end;

	assert_false(r->inf);
	r->inf = !strcmp(le, "+Inf");
	limit = strtod(le, &end);
	assert_true(*le && !*end);
	assert_true(limit > r->last_le && value >= r->last_count);
	r->last_le = limit;
	r->last_count = value;
}

static void read_sample(struct reader *r, const char *line)
{
	const char *family = r->family[r->n - 1], *p, *suffix;
	char name[80], le[256] = "", *end;
	double value;

	assert_true(r->n);
	p = read_name(line, name, sizeof(name));
	if (*p == '{')
		p = read_labels(p, le);
	assert_int_equal(*p, ' ');
	value = strtod(p + 1, &end);
	assert_true(end > p + 1 && !*end && value >= 0);
	assert_int_equal(strncmp(name, family, strlen(family)), 0);
	suffix = name + strlen(family);
	if (strcmp(r->type, "histogram")) {
		assert_string_equal(suffix, "");
	} else if (!strcmp(suffix, "_bucket")) {
		read_bucket(r, le, value);
	} else {
		assert_true(r->inf);
		assert_true(!strcmp(suffix, "_sum") ||
			    (!strcmp(suffix, "_count") && value == r->last_count));
	}
	r->samples++;
}

static size_t read_prometheus(char *text)
{
	struct reader r = { .n = 0 };
	char *line, *end;

	for (line = text; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		if (*line == '#')
			read_comment(&r, line);
		else
			read_sample(&r, line);
	}
	return r.samples;
}

static const struct rcpt_nl_status serving = {
	.helper = RECEIPT_HELPER_SERVING, .mode = RECEIPT_MODE_ENFORCE, .generation = 3,
	.helper_since = 77, .policy_name = "a\"b\\c\nd", .policy_version = "1.2.3",
};

static void prints_prometheus(void **state)
{
	char *text = text_of(&serving);

	(void)state;
	assert_non_null(strstr(text, "# TYPE receipt_hits_total counter\n"
				     "receipt_hits_total 1000\n"));
	assert_non_null(strstr(text,
		"# TYPE receipt_denied_total counter\n"
		"receipt_denied_total{reason=\"no-evidence\"} 4\n"
		"receipt_denied_total{reason=\"denied-by-rule\"} 3\n"
		"receipt_denied_total{reason=\"no-helper\"} 0\n#"));
	assert_non_null(strstr(text,
		"# TYPE receipt_lookup_seconds histogram\n"
		"receipt_lookup_seconds_bucket{le=\"0.000032\"} 60\n"
		"receipt_lookup_seconds_bucket{le=\"0.000064\"} 60\n"
		"receipt_lookup_seconds_bucket{le=\"1.048576\"} 99\n"
		"receipt_lookup_seconds_bucket{le=\"+Inf\"} 100\n"
		"receipt_lookup_seconds_sum 1.234567\n"
		"receipt_lookup_seconds_count 100\n"));
	assert_non_null(strstr(text,
		"receipt_helper_state{state=\"absent\"} 0\n"
		"receipt_helper_state{state=\"serving\"} 1\n"
		"receipt_helper_state{state=\"lost\"} 0\n"));
	assert_non_null(strstr(text,
		"receipt_policy_info{name=\"a\\\"b\\\\c\\nd\",version=\"1.2.3\","
		"mode=\"enforce\"} 1\n"));
	assert_non_null(strstr(text, "\nreceipt_helper_state_seconds 77\n"));
	assert_null(strstr(text, "not_known"));
	assert_int_equal(read_prometheus(text), 1 + 3 + 6 + 1 + 3 + 1 + 1 + 1);
	free(text);
}

/* A kernel whose last bucket has a limit, and one without a policy. */
static void ends_histograms(void **state)
{
	static const struct rcpt_nl_status none = { .helper = RECEIPT_HELPER_ABSENT };
	char *text;

	(void)state;
	stats.row[11].limit = 1 << 21;
	text = text_of(&none);
	assert_non_null(strstr(text, "receipt_lookup_seconds_bucket{le=\"2.097152\"} 100\n"
				     "receipt_lookup_seconds_bucket{le=\"+Inf\"} 100\n"));
	assert_non_null(strstr(text, "receipt_policy_info{name=\"\",version=\"\","
				     "mode=\"none\"} 1\n"));
	read_prometheus(text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(prints_text, fill),
		cmocka_unit_test_setup(tells_no_false_percentile, fill),
		cmocka_unit_test_setup(prints_json, fill),
		cmocka_unit_test_setup(takes_no_more_than_there_is_room_for, fill),
		cmocka_unit_test_setup(prints_prometheus, fill),
		cmocka_unit_test_setup(ends_histograms, fill),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
