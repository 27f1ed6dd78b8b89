/* SPDX-License-Identifier: MIT */
/*
 * Audit records as those have them who read along: a daemon, and a journal.
 */
#ifndef AUDIT_H
#define AUDIT_H

#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "probe.h"

#define RECORD_MAX	9000

/* @groups: bits; none for the daemon's socket. It does not wait. */
static MAYBE_UNUSED int open_audit(unsigned int groups)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
	int size = 16 << 20;

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		broken("audit socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return fd;
}

static MAYBE_UNUSED int open_journal(void)
{
	return open_audit(1 << (AUDIT_NLGRP_READLOG - 1));
}

static MAYBE_UNUSED void set_audit(int fd, uint32_t mask, uint32_t pid, uint32_t backlog)
{
	struct {
		struct nlmsghdr hdr;
		struct audit_status status;
	} msg = {
		.hdr = { .nlmsg_len = sizeof(msg), .nlmsg_type = AUDIT_SET,
			 .nlmsg_flags = NLM_F_REQUEST },
		.status = { .mask = mask, .enabled = 1, .pid = pid, .backlog_limit = backlog },
	};

	if (send(fd, &msg, sizeof(msg), 0) != sizeof(msg))
		broken("AUDIT_SET");
}

/* Takes a record out of a socket; its text after "receipt: ", or NULL: none now. */
static MAYBE_UNUSED char *next_record(int fd, char buf[RECORD_MAX])
{
	char *text;
	ssize_t len;

	while ((len = recv(fd, buf, RECORD_MAX - 1, 0)) > 0) {
		if (len <= (ssize_t)sizeof(struct nlmsghdr))
			continue;
		buf[len] = 0;
		text = strstr(buf + sizeof(struct nlmsghdr), "receipt: ");
		if (text)
			return text + strlen("receipt: ");
	}
	if (len < 0 && errno == ENOBUFS)
		broken("audit records were dropped");
	return NULL;
}

#endif /* AUDIT_H */
