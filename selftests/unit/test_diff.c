// SPDX-License-Identifier: MIT
/*
 * receiptctl policy diff: what differs, in text and JSON, and which of the files
 * in a store get another verdict.
 */
#include <jansson.h>
#include <openssl/crypto.h>

#include "folder.h"
#include "policy_text.h"
#include "sign.h"

static char *dir, command[PATH_MAX];
static char trusted[1024];	/* the line of our log */

/* Runs receiptctl with what @fmt says, in @dir; its output, and exit status. */
static char *run(int *status, const char *fmt, ...)
{
	char args[2048], cmd[8192];
	va_list list;

	va_start(list, fmt);
	vsnprintf(args, sizeof(args), fmt, list);
	va_end(list);
	snprintf(cmd, sizeof(cmd), "cd %s && %s %s 2>&1", dir, command, args);
	return folder_output(cmd, status);
}

static void must(const char *args)
{
	int status;
	char *out = run(&status, "%s", args);

	if (status)
		fail_msg("%s: %s", args, out);
}

static void write_policy(const char *name, const char *header, const char *rest)
{
	char text[8192];

	snprintf(text, sizeof(text), "policy_name=t policy_version=%s\n%s%s", header, trusted,
		 rest);
	folder_write(in_folder(dir, name), text, strlen(text));
}

/* Exit status and output of a comparison of old and new. */
static char *diff(int want)
{
	int status;
	char *out = run(&status, "policy diff --store store old new");

	if (status != want)
		fail_msg("exit status %d, not %d: %s", status, want, out);
	return out;
}

static void has(const char *out, const char *text)
{
	if (!strstr(out, text))
		fail_msg("no '%s' in: %s", text, out);
}

static void seal_one(const char *subject, const char *file)
{
	char args[512];

	snprintf(args, sizeof(args), "seal --quiet --issuer-key key.pem --issuer i.example "
		 "--subject %s --log log --out x.bundle %s", subject, file);
	must(args);
	must("store add --store store x.bundle");
}

static void make_key(void)
{
	struct rcpt_signer signer;
	char *pem;
	size_t len;

	assert_int_equal(rcpt_signer_generate(RCPT_ES256, &signer, NULL), 0);
	assert_int_equal(rcpt_signer_pem(&signer, &pem, &len, NULL), 0);
	folder_write(in_folder(dir, "key.pem"), pem, len);
	OPENSSL_free(pem);
	rcpt_signer_free(&signer);
}

static int setup(void **state)
{
	ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 32);
	char *line;
	int status;

	(void)state;
	assert_true(n > 0);
	command[n] = '\0';
	strcpy(strrchr(command, '/'), "/../receiptctl");
	dir = folder_make();
	must("log init --dir log --issuer log.example");
	line = run(&status, "log key --dir log --name mine");
	assert_int_equal(status, 0);
	snprintf(trusted, sizeof(trusted), "%s", line);
	folder_write(in_folder(dir, "one"), "#!one", 5);
	folder_write(in_folder(dir, "two"), "#!two", 5);
	folder_write(in_folder(dir, "other"), "#!other", 7);
	make_key();
	seal_one("tools", "one two");
	seal_one("games", "other");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

#define TOOLS	"op=EXECUTE receipt=mine subject=\"tools\" action=ALLOW\n"
#define GAMES	"op=EXECUTE receipt=mine subject=\"games\" action=ALLOW\n"

/* Another way to write the same is no difference. */
static void test_same(void **state)
{
	char *out;

	(void)state;
	write_policy("old", "1.0.0 mode=enforce", DENY TOOLS "op=EXECUTE digest=sha256:" HEX_A
		     " action=DENY\n");
	write_policy("new", "1.0.0 mode=enforce", "# more\n" DENY "\n"
		     "op=EXECUTE subject=tools \\\n  receipt=mine action=ALLOW # the same\n"
		     "op=EXECUTE digest=sha256:" HEX_A " action=DENY\n");
	out = diff(0);
	assert_string_equal(out, "verdicts: 0 change, 3 stay\n");
}

static void test_header(void **state)
{
	char *out;

	(void)state;
	write_policy("old", "1.0.0 mode=permissive", DENY TOOLS);
	write_policy("new", "1.0.1 mode=enforce digests=sha256,sha384", DENY TOOLS);
	out = diff(1);
	has(out, "policy_version: 1.0.0 -> 1.0.1\nmode: permissive -> enforce\n");
	has(out, "digests: ");
	has(out, "verdicts: 0 change, 3 stay\n");
}

static void test_default(void **state)
{
	char *out;

	(void)state;
	write_policy("old", "1.0.0 mode=enforce", DENY TOOLS);
	write_policy("new", "1.0.0 mode=enforce", DENY "DEFAULT op=FIRMWARE action=ALLOW\n" TOOLS);
	out = diff(1);
	has(out, "DEFAULT op=FIRMWARE: denied (line 3) -> allowed (line 4)\n");
	assert_null(strstr(out, "EXECUTE"));
}

/* Order counts among rules of one operation, and there alone. */
static void test_order(void **state)
{
	static const char modules[] = "op=KMODULE receipt=mine action=ALLOW\n";
	char rules[1024], *out;

	(void)state;
	snprintf(rules, sizeof(rules), DENY TOOLS GAMES "%s", modules);
	write_policy("old", "1.0.0 mode=enforce", rules);
	snprintf(rules, sizeof(rules), DENY "%s" TOOLS GAMES, modules);
	write_policy("new", "1.0.0 mode=enforce", rules);
	diff(0);
	snprintf(rules, sizeof(rules), DENY GAMES TOOLS "%s", modules);
	write_policy("new", "1.0.0 mode=enforce", rules);
	out = diff(1);
	has(out, "> 4 -> 5: op=EXECUTE receipt=mine subject=\"tools\" action=ALLOW\n");
	assert_null(strstr(out, "\n- "));
	assert_null(strstr(out, "\n+ "));
}

static void test_log(void **state)
{
	char *out;

	(void)state;
	write_policy("old", "1.0.0 mode=enforce", ACME DENY TOOLS);
	write_policy("new", "1.0.0 mode=enforce", BETA DENY TOOLS);
	out = diff(1);
	has(out, "- 3: log name=acme ");
	has(out, "+ 3: log name=beta ");
	write_policy("new", "1.0.0 mode=enforce", "log name=acme alg=ES256 key=" P256_A
		     " issuer=\"other\" identity=verified\n" DENY TOOLS);
	out = diff(1);
	has(out, "- 3: log name=acme ");
	has(out, "+ 3: log name=acme ");
}

static void test_verdicts(void **state)
{
	char *out;

	(void)state;
	write_policy("old", "1.0.0 mode=enforce", DENY TOOLS);
	write_policy("new", "1.0.0 mode=enforce", DENY GAMES);
	out = diff(1);
	has(out, "- 4: op=EXECUTE receipt=mine subject=\"tools\" action=ALLOW\n");
	has(out, "+ 4: op=EXECUTE receipt=mine subject=\"games\" action=ALLOW\n");
	has(out, " EXECUTE: allowed by line 4 -> denied by line 3 (evidence-satisfies-no-rule)\n");
	has(out, "other sha256:");
	has(out, " EXECUTE: denied by line 3 (evidence-satisfies-no-rule) -> allowed by line 4\n");
	has(out, "verdicts: 3 change, 0 stay\n");
}

/* A digest that a rule names is not judged as the others of its statement. */
static void test_named(void **state)
{
	char rules[1024], digest[65], cmd[PATH_MAX + 32], *out;
	FILE *f;

	(void)state;
	snprintf(cmd, sizeof(cmd), "sha256sum %s/one", dir);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_non_null(fgets(digest, sizeof(digest), f));
	pclose(f);
	write_policy("old", "1.0.0 mode=enforce", DENY TOOLS);
	snprintf(rules, sizeof(rules), DENY "op=EXECUTE digest=sha256:%s action=DENY\n" TOOLS,
		 digest);
	write_policy("new", "1.0.0 mode=enforce", rules);
	out = diff(1);
	has(out, digest);
	has(out, "allowed by line 4 -> denied by line 4 (denied-by-rule)\n");
	has(out, "verdicts: 1 change, 2 stay\n");
}

static void test_json(void **state)
{
	json_t *json, *verdict, *rule;
	int status;
	char *out;

	(void)state;
	write_policy("old", "1.0.0 mode=enforce", DENY TOOLS);
	write_policy("new", "1.0.1 mode=enforce", DENY GAMES);
	out = run(&status, "policy diff --json --store store old new");
	assert_int_equal(status, 1);
	json = json_loads(out, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_array_size(json_object_get(json, "header")), 1);
	assert_int_equal(json_array_size(json_object_get(json, "logs")), 0);
	assert_int_equal(json_array_size(json_object_get(json, "defaults")), 0);
	assert_int_equal(json_array_size(json_object_get(json, "rules")), 2);
	assert_int_equal(json_array_size(json_object_get(json, "verdicts")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "changed")), 3);
	assert_int_equal(json_integer_value(json_object_get(json, "same")), 0);
	rule = json_array_get(json_object_get(json, "rules"), 0);
	assert_string_equal(json_string_value(json_object_get(rule, "change")), "removed");
	assert_int_equal(json_integer_value(json_object_get(rule, "old_line")), 4);
	assert_null(json_object_get(rule, "new"));
	verdict = json_array_get(json_object_get(json, "verdicts"), 0);
	assert_non_null(json_object_get(verdict, "file"));
	assert_string_equal(json_string_value(json_object_get(verdict, "op")), "EXECUTE");
	assert_non_null(json_object_get(json_object_get(verdict, "new"), "reason"));
	json_decref(json);
}

/* None is taken for "nothing differs" or "something does". */
static void test_failures(void **state)
{
	int status;

	(void)state;
	write_policy("old", "1.0.0 mode=enforce", DENY TOOLS);
	write_policy("new", "1.0.0 mode=enforce", "DEFAULT action=MAYBE\n");
	has(diff(3), "new:3:");
	run(&status, "policy diff --store store old none");
	assert_int_equal(status, 70);
	run(&status, "policy diff --store store old");
	assert_int_equal(status, 64);
	run(&status, "policy diff --bogus old new");
	assert_int_equal(status, 64);
	run(&status, "policy diff --store none old old");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
