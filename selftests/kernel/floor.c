// SPDX-License-Identifier: MIT
/*
 * The lowest policy that is taken. /t/policy-V is sealed; with an argument that is
 * what the kernel's command line says, else none is there, and FLOOR is sent. With
 * more of them, one policy is loaded where a TPM holds the floor.
 */
#include "border.h"

static int border;

static int set_floor(const char *name, const char *version, uint32_t svn)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_FLOOR);
	put(&m, RECEIPT_A_POLICY_NAME, name, strlen(name) + 1);
	put(&m, RECEIPT_A_POLICY_VERSION, version, strlen(version) + 1);
	put_u32(&m, RECEIPT_A_POLICY_SVN, svn);
	return request(border, &m);
}

static void floor_is(const char *version, uint32_t svn, int source, const char *name)
{
	static struct message m;
	const char *got;

	start_request(&m, RECEIPT_CMD_STATUS);
	request(border, &m);
	got = get(&answer.reply, RECEIPT_A_FLOOR_VERSION, NULL);
	if (!ok(got && !strcmp(got, version) &&
		get_u32(&answer.reply, RECEIPT_A_FLOOR_SVN) == svn &&
		get_u8(&answer.reply, RECEIPT_A_FLOOR_SOURCE) == source,
		"%s: floor %s svn %u", name, version, svn))
		note("version %s", got ?: "none");
}

static void refused(const char *path, const char *name)
{
	int got = load_policy_file(border, path);

	if (!ok(got == -ESTALE && !strncmp(answer.text, "policy-below-the-floor: ", 24),
		"%s: refused", name))
		note("error %d, %s", got, answer.text);
}

static void taken(const char *path, const char *name)
{
	if (!ok(!load_policy_file(border, path), "%s: taken", name))
		note("error %d, %s", answer.error, answer.text);
}

static void test_malformed(void)
{
	static struct message m;

	ok(set_floor("test", "1.0", 0) == -EINVAL, "FLOOR: a version that is none");
	ok(set_floor("test", "1.0.65536", 0) == -EINVAL, "FLOOR: a version over the bound");
	ok(set_floor("", "1.0.0", 0) == -EINVAL, "FLOOR: without a name");
	ok(set_floor("a b", "1.0.0", 0) == -EINVAL, "FLOOR: a name that is none");
	start_request(&m, RECEIPT_CMD_FLOOR);
	put(&m, RECEIPT_A_POLICY_NAME, "test", 5);
	ok(request(border, &m) == -EINVAL, "FLOOR: a name alone");
}

/* Before a policy is active, as a helper does it that has just started. */
static void test_first(void)
{
	ok(!set_floor("test", "0.9.9", 0), "FLOOR: before a policy is active");
	floor_is("0.9.9", 0, RECEIPT_FLOOR_HELPER, "STATUS");
	ok(!set_floor("test", "1.0.1", 0), "FLOOR: higher");
	ok(!set_floor("test", "0.1.0", 0), "FLOOR: lower");
	floor_is("1.0.1", 0, RECEIPT_FLOOR_HELPER, "never lowered");
	ok(set_floor("other", "9.0.0", 0) == -EPERM, "FLOOR: another name");
	floor_is("1.0.1", 0, RECEIPT_FLOOR_HELPER, "as before");
	refused("/t/policy-0.9.9", "first policy below the floor");
	refused("/t/policy-1.0.0", "first policy right below the floor");
	refused("/t/policy-name", "first policy of another name");
	taken("/t/policy-1.1.0", "first policy above the floor");
}

static void test_svn(void)
{
	ok(!set_floor("test", "1.1.0", 7), "FLOOR: svn");
	refused("/t/floor-svn-6", "next policy with a lower svn");
	ok(load_policy_file(border, "/t/floor-svn-7") == -EACCES,
	   "one with the floor's svn: asked for evidence");
	ok(set_floor("other", "9.0.0", 0) == -EPERM, "FLOOR: not the active policy's name");
}

static void unusable(const char *path, const char *why)
{
	int got = load_policy_file(border, path);

	if (!ok(got == -EIO && !strncmp(answer.text, "anchor-not-usable: ", 19) &&
		strstr(answer.text, why), "%s: not usable: %s", path, why))
		note("error %d, %s", got, answer.text);
}

/* taken PATH SVN, below PATH SVN, unproven PATH SVN, unusable PATH WHY */
static void test_anchor(const char *how, const char *path, const char *arg)
{
	if (!strcmp(how, "unusable")) {
		unusable(path, arg);
		return;
	}
	if (!strcmp(how, "taken"))
		taken(path, path);
	else if (!strcmp(how, "below"))
		refused(path, path);
	else
		ok(load_policy_file(border, path) == -EACCES, "%s: asked for evidence", path);
	if (atoi(arg))
		floor_is("0.0.0", atoi(arg), RECEIPT_FLOOR_TPM, "TPM");
}

static void test_command_line(void)
{
	floor_is("1.1.0", 0, RECEIPT_FLOOR_COMMAND_LINE, "command line");
	refused("/t/policy-1.0.0", "genuine policy that is older");
	ok(!set_floor("test", "0.1.0", 0), "FLOOR: below that of the command line");
	floor_is("1.1.0", 0, RECEIPT_FLOOR_COMMAND_LINE, "as before");
	taken("/t/policy-1.1.0", "policy that stands on it");
}

/* A kernel with the LSM built in boots, and takes no policy. */
static void test_unreadable(void)
{
	const char *const record[] = { "policy_floor=", ": expected NAME:X.Y.Z" };

	lseek(kmsg, 0, SEEK_SET);
	ok(find_record(record, 2), "an error on the command line: the kernel's log says so");
	refused("/t/policy-1.0.0", "policy, where the floor has an error");
	ok(strstr(answer.text, "policy_floor= has an error"), "and the answer says why");
}

int main(int argc, char **argv)
{
	probe_init();
	border = open_border();
	if (argc > 3) {
		test_anchor(argv[1], argv[2], argv[3]);
	} else if (argc > 1 && !strcmp(argv[1], "unreadable")) {
		test_unreadable();
	} else if (argc > 1) {
		test_command_line();
	} else {
		test_malformed();
		test_first();
		test_svn();
	}
	return 0;
}
