// SPDX-License-Identifier: MIT
/*
 * auditd: denials while an audit daemon takes the records, and while it does not:
 * they come to it, and nobody waits for it. A journal that reads along gets them, too.
 */
#include "audit.h"

#define TARGET		"/t/target"
#define UNSEALED	"/mnt/unsealed"
#define BACKLOG		64	/* records that the kernel keeps for the daemon */
#define MANY		(8 * BACKLOG)
#define LONGEST_MS	30000	/* the kernel lets others wait for 60 seconds */

static int daemon_socket, journal;

/* Whether a record of the last probe's denial comes, of all that come. */
static bool comes_to(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t end = now_ms() + RECORD_MS;
	char buf[RECORD_MAX], pid[32];
	const char *record;

	snprintf(pid, sizeof(pid), " pid=%d ", (int)probe_pid);
	while (now_ms() < end) {
		record = next_record(fd, buf);
		if (!record)
			poll(&pfd, 1, 50);
		else if (!strncmp(record, "op=EXECUTE ", 11) && strstr(record, pid))
			return true;
	}
	return false;
}

static void test_reading(void)
{
	expect(DENIED, probe_exec(UNSEALED, EACCES), "an audit daemon that reads: denied");
	ok(comes_to(daemon_socket), "the daemon has the record");
	ok(comes_to(journal), "the journal has it as well");
	expect_allowed(probe_exec(TARGET, EACCES), "an audit daemon that reads: allowed");
}

/* The backlog is full long before the end. */
static void test_not_reading(void)
{
	int64_t longest = 0, start, took;
	uint64_t before = stat_value("denied");
	int denied = 0, i;

	for (i = 0; i < MANY; i++) {
		start = now_ms();
		denied += probe_map(UNSEALED, EACCES) == DENIED;
		took = now_ms() - start;
		if (took > longest)
			longest = took;
	}
	ok(denied == MANY, "a daemon that does not read: all denied");
	ok(stat_value("denied") - before >= MANY, "a daemon that does not read: all counted");
	ok(longest < LONGEST_MS, "a daemon that does not read: nobody waits for it");
	note("at most %lld ms", (long long)longest);
	expect_allowed(probe_exec(TARGET, EACCES), "a daemon that does not read: allowed");
}

int main(void)
{
	probe_init();
	copy(TARGET, UNSEALED, "x");
	daemon_socket = open_audit(0);
	journal = open_journal();
	set_audit(daemon_socket,
		  AUDIT_STATUS_ENABLED | AUDIT_STATUS_BACKLOG_LIMIT | AUDIT_STATUS_PID, getpid(),
		  BACKLOG);
	test_reading();
	test_not_reading();
	set_audit(daemon_socket, AUDIT_STATUS_PID, 0, BACKLOG);
	return 0;
}
