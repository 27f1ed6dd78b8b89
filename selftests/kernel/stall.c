// SPDX-License-Identifier: MIT
/*
 * Time that the helper did not have is not counted: the machine stands still (stall.ko),
 * or hashes a large file. The policy waits two seconds for the helper, which the test
 * plays.
 */
#include "helper.h"

#define MAP_HOOK	"mmap_file"
#define TIMEOUT_MS	2000
#define STALL_MS	"3500"
#define LARGEST		(512ll << 20)

static const char *new_file(off_t size)
{
	static unsigned int serial;
	static char path[64], content[96];

	snprintf(path, sizeof(path), "/run/new-%u", ++serial);
	snprintf(content, sizeof(content), "content of %s", path);
	write_text(path, content);
	if (size && truncate(path, size))
		broken("truncate");
	return path;
}

/* The control. */
static void test_silent(int helper)
{
	int64_t start = now_ms();
	pid_t pid = start_map(new_file(0), EACCES);

	receive_question(helper);
	expect_denied(end_probe(pid), MAP_HOOK, "helper-timeout", "no answer");
	ok(now_ms() - start > TIMEOUT_MS / 2, "no answer: waited for");
}

static void test_stall(int helper)
{
	pid_t pid = start_map(new_file(0), EACCES);
	struct question q = receive_question(helper);
	int64_t start = now_ms();

	write_text("/sys/module/stall/parameters/ms", STALL_MS);
	note("%lld ms", (long long)(now_ms() - start));
	ok(now_ms() - start > TIMEOUT_MS, "the machine stood still for longer than the helper has");
	if (send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE))
		note("the answer came too late");
	expect_denied(end_probe(pid), MAP_HOOK, "no-evidence", "its answer counts");
}

/* Until a file takes longer than the helper has; how large that is, the machine says. */
static void test_hash(int helper)
{
	int64_t took = 0;
	struct question q;

	for (off_t size = 16 << 20; size <= LARGEST && took < 3 * TIMEOUT_MS / 2; size *= 2) {
		const char *path = new_file(size);
		int64_t start = now_ms();
		pid_t pid = start_map(path, EACCES);

		q = receive_question(helper);
		took = now_ms() - start;
		send_none(helper, &q, RECEIPT_REASON_NO_EVIDENCE);
		expect_denied(end_probe(pid), MAP_HOOK, "no-evidence",
			      "%lld MB that were hashed in %lld ms", (long long)size >> 20,
			      (long long)took);
		unlink(path);
	}
	if (took <= TIMEOUT_MS)
		note("no file was large enough for this machine");
}

int main(void)
{
	int border, helper;

	probe_init();
	border = open_border();
	if (load_policy_file(border, "/t/policy-1.1.97"))
		broken("policy: %s", answer.text);
	helper = become_helper();
	test_silent(helper);
	test_stall(helper);
	test_hash(helper);
	return 0;
}
