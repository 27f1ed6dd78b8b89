// SPDX-License-Identifier: MIT
/*
 * Policies that follow each other. /t/policy-V is sealed, /t/policy-unsealed-V is
 * not; 1.0.0 is active, 3.0.0 allows nothing new.
 */
#include "border.h"

static int border;

static void refused(const char *path, int error, const char *text, const char *name)
{
	int got = load_policy_file(border, path);

	if (ok(got == -error && !strncmp(answer.text, text, strlen(text)), "%s: %s", name,
	       strerror(error)))
		return;
	note("error %d, %s", got, answer.text);
}

static void version_is(const char *version)
{
	static struct message m;
	const char *got;

	start_request(&m, RECEIPT_CMD_STATUS);
	request(border, &m);
	got = get(&answer.reply, RECEIPT_A_POLICY_VERSION, NULL);
	if (!ok(got && !strcmp(got, version), "active is %s", version))
		note("it is %s", got ?: "none");
}

static void still_enforced(void)
{
	expect_allowed(probe_exec("/mnt/good", EACCES), "enforced: sealed program");
	expect_denied(probe_exec("/mnt/bad", EACCES), "bprm_check_security", "no-evidence",
		      "enforced: unsealed program");
}

static void denied_and_recorded(const char *path, const char *reason, const char *name)
{
	probe_pid = getpid();
	refused(path, EACCES, "", name);
	ok(find_denial("policy_load", reason, 1), "%s: recorded as %s", name, reason);
}

static void test_refused(void)
{
	refused("/t/policy-syntax", EINVAL, "policy-syntax: 3:", "a policy with an error");
	refused("/t/policy-nul", EINVAL, "policy-syntax: ", "a policy with a NUL");
	refused("/t/policy-name", EPERM, "policy-name-differs", "a sealed policy of another name");
	refused("/t/policy-1.0.0", ESTALE, "policy-version-not-higher", "the same version");
	refused("/t/policy-0.9.9", ESTALE, "policy-version-not-higher", "a lower version, sealed");
	denied_and_recorded("/t/policy-unsealed", "no-evidence", "an unsealed policy");
	denied_and_recorded("/t/policy-usage", "usage-not-granted",
			    "a policy sealed for another use");
	denied_and_recorded("/t/policy-subject", "evidence-satisfies-no-rule",
			    "a policy sealed under another subject");
	version_is("1.0.0");
	still_enforced();
}

static void test_accepted(void)
{
	if (!ok(!load_policy_file(border, "/t/policy-2.0.0"), "a sealed policy of a higher version"))
		note("error %d, %s", answer.error, answer.text);
	version_is("2.0.0");
	still_enforced();
	refused("/t/policy-1.0.0", ESTALE, "policy-version-not-higher", "back to the one before");
}

/* 3.0.0 takes back what 2.0.0 allowed; what ran is judged anew. */
static void test_revoked(void)
{
	expect_allowed(probe_exec("/mnt/good", EACCES), "before a denial by digest");
	if (!ok(!load_policy_file(border, "/t/policy-3.0.0"), "a policy that denies a digest"))
		note("error %d, %s", answer.error, answer.text);
	version_is("3.0.0");
	expect_denied(probe_exec("/mnt/good", EACCES), "bprm_check_security", "denied-by-rule",
		      "the program with that digest");
	expect_allowed(probe_exec("/mnt/dynamic", EACCES), "another sealed program");
}

static void test_get(void)
{
	static struct message m;
	static char text[RECEIPT_MAX_POLICY];
	int fd = open("/t/policy-3.0.0", O_RDONLY | O_CLOEXEC);
	ssize_t want = read(fd, text, sizeof(text));
	const void *got;
	size_t len = 0;

	start_request(&m, RECEIPT_CMD_POLICY_GET);
	request(border, &m);
	got = get(&answer.reply, RECEIPT_A_POLICY, &len);
	ok(got && (ssize_t)len == want && !memcmp(got, text, len),
	   "POLICY_GET gives the text as it was loaded");
	close(fd);
	fd = open("/sys/kernel/security/receipt/policy", O_WRONLY | O_CLOEXEC);
	ok(fd < 0 || write(fd, text, want) < 0, "securityfs takes no policy");
}

int main(int argc, char **argv)
{
	probe_init();
	border = open_border();
	if (argc > 1) {
		denied_and_recorded(argv[1], "no-evidence",
				    "an unsealed policy, though the default allows any");
		return 0;
	}
	copy("/t/target", "/mnt/good", "");
	copy("/t/target", "/mnt/bad", "x");
	copy("/t/dynamic", "/mnt/dynamic", "");
	still_enforced();
	test_refused();
	test_accepted();
	test_revoked();
	test_get();
	return 0;
}
