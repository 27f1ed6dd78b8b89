// SPDX-License-Identifier: MIT
/*
 * auditd: denials while an audit daemon takes the records, and while it does not:
 * they come to it, and nobody waits for it. A journal that reads along gets them, too.
 */
#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "probe.h"

#define TARGET		"/t/target"
#define UNSEALED	"/mnt/unsealed"
#define BACKLOG		64	/* records that the kernel keeps for the daemon */
#define MANY		(8 * BACKLOG)
#define LONGEST_MS	30000	/* the kernel lets others wait for 60 seconds */

static int daemon_socket, journal;

static int open_audit(unsigned int groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		broken("audit socket");
	return fd;
}

static void set_status(uint32_t mask, uint32_t pid)
{
	struct {
		struct nlmsghdr hdr;
		struct audit_status status;
	} msg = {
		.hdr = { .nlmsg_len = sizeof(msg), .nlmsg_type = AUDIT_SET,
			 .nlmsg_flags = NLM_F_REQUEST },
		.status = { .mask = mask, .enabled = 1, .pid = pid, .backlog_limit = BACKLOG },
	};

	if (send(daemon_socket, &msg, sizeof(msg), 0) != sizeof(msg))
		broken("AUDIT_SET");
}

/* Whether a record of the last probe's denial comes, of all that come. */
static bool comes_to(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t end = now_ms() + RECORD_MS;
	char buf[9000], pid[32];
	ssize_t len;

	snprintf(pid, sizeof(pid), " pid=%d ", (int)probe_pid);
	while (now_ms() < end) {
		len = recv(fd, buf, sizeof(buf) - 1, 0);
		if (len < (ssize_t)sizeof(struct nlmsghdr)) {
			poll(&pfd, 1, 50);
			continue;
		}
		buf[len] = 0;
		if (strstr(buf + sizeof(struct nlmsghdr), "receipt: op=EXECUTE") &&
		    strstr(buf + sizeof(struct nlmsghdr), pid))
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
	journal = open_audit(1 << (AUDIT_NLGRP_READLOG - 1));
	set_status(AUDIT_STATUS_ENABLED | AUDIT_STATUS_BACKLOG_LIMIT | AUDIT_STATUS_PID, getpid());
	test_reading();
	test_not_reading();
	set_status(AUDIT_STATUS_PID, 0);
	return 0;
}
