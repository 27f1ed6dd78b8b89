// SPDX-License-Identifier: MIT
/*
 * receiptctl policy check: warns of receipts in the stores that min_position= leaves
 * out, and of nothing else.
 */
#include "folder.h"
#include "policy_text.h"

#define LOG	"log name=l alg=ES256 key=" P256_A " issuer=log.example identity=verified"

static char *dir, command[PATH_MAX];

/* Runs receiptctl; its output, and exit status. */
static char *run(int *status, const char *fmt, ...)
{
	char args[4 * PATH_MAX], cmd[6 * PATH_MAX];
	va_list list;

	va_start(list, fmt);
	vsnprintf(args, sizeof(args), fmt, list);
	va_end(list);
	snprintf(cmd, sizeof(cmd), "%s %s 2>&1", command, args);
	return folder_output(cmd, status);
}

static void add(const char *store, const char *vector)
{
	int status;
	char *out = run(&status, "store add --store %s/%s selftests/vectors/statements/%s.cose",
			dir, store, vector);

	if (status)
		fail_msg("%s", out);
}

static void expect(const char *log, const char *rule, const char *store, const char *warning)
{
	char text[2048];
	int status;
	char *out;

	snprintf(text, sizeof(text), HEADER LOG "%s\n" DENY "op=EXECUTE receipt=l %saction=ALLOW\n",
		 log, rule);
	folder_write(in_folder(dir, "policy"), text, strlen(text));
	out = run(&status, "policy check --store %s/%s %s/policy", dir, store, dir);
	if (status || !strstr(out, "1 log, 1 rule") ||
	    (warning ? !strstr(out, warning) : !!strstr(out, "warning")))
		fail_msg("%s%s%s: %s", log, rule, store, out);
}

static void warns(void **state)
{
	const char *two = "line 2: log l: 2 of 3 receipts in the stores sign no tree size";

	(void)state;
	add("signed", "rfc9162-size-good");
	add("mixed", "rfc9162-size-good");
	add("mixed", "rfc9162-leaf-first");
	add("mixed", "rfc9162-leaf-last");
	expect(" min_position=2", "", "mixed", two);
	expect("", "min_position=2 ", "mixed", two);
	expect("", "", "mixed", NULL);
	expect(" min_position=2", "", "signed", NULL);
}

static void tells_programs(void **state)
{
	int status;
	char *out;

	(void)state;
	expect(" min_position=2", "", "mixed", "warning");
	out = run(&status, "policy check --json --store %s/mixed %s/policy", dir, dir);
	assert_int_equal(status, 0);
	assert_non_null(strstr(out, "\"line 2: log l: 2 of 3 receipts"));
}

static void leaves_other_logs_alone(void **state)
{
	(void)state;
	add("others", "ccf-receipt-es256");
	expect(" min_position=2", "", "others", NULL);
}

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 32);

	(void)state;
	assert_true(n > 0);
	command[n] = '\0';
	strcpy(strrchr(command, '/'), "/../receiptctl");
	dir = folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(warns),
		cmocka_unit_test(tells_programs),
		cmocka_unit_test(leaves_other_logs_alone),
	};

	return cmocka_run_group_tests_name("positions", tests, setup, teardown);
}
