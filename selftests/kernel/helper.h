/* SPDX-License-Identifier: MIT */
/*
 * The helper: a test plays it while its children ask, or receiptd is started.
 */
#ifndef HELPER_H
#define HELPER_H

#include <sys/resource.h>

#include "border.h"

static int helper_fd = -1;

/*
 * Children that ask
 */

/* The helper's socket is the helper's alone: a copy would keep it serving. */
static MAYBE_UNUSED int map_apart(void *args)
{
	close(helper_fd);
	return try_map(args);
}

static MAYBE_UNUSED pid_t start_map(const char *path, int want_errno)
{
	struct map_args asked = { .path = path, .prot = PROT_READ | PROT_EXEC,
				  .want_errno = want_errno };

	return start_probe(map_apart, &asked);
}

static MAYBE_UNUSED bool has_ended(pid_t pid)
{
	siginfo_t info = {};

	waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid == pid;
}

/*
 * The helper that the test plays
 */

struct question {
	uint64_t id;
	uint8_t digest[32];
};

static MAYBE_UNUSED int become_helper(void)
{
	int fd = open_netlink();

	if (fd < 0 || hello(fd))
		broken("HELLO: %s", answer.text);
	helper_fd = fd;
	return fd;
}

static MAYBE_UNUSED struct question take_question(const struct message *q)
{
	struct question question = { .id = get_u64(q, RECEIPT_A_ID) };
	const void *digest = get(q, RECEIPT_A_DIGEST, NULL);

	if (!question.id || !digest)
		broken("LOOKUP without id or digest");
	memcpy(question.digest, digest, sizeof(question.digest));
	return question;
}

/* The kernel's next LOOKUP message; what else it sends is passed over. */
static MAYBE_UNUSED struct question receive_question(int helper)
{
	static uint8_t buf[MESSAGE_MAX];
	const struct genlmsghdr *genl = (const void *)(answer.reply.data + NLMSG_HDRLEN);

	do {
		ssize_t len = receive(helper, buf);

		if (len < 0)
			broken("no LOOKUP");
		take(buf, len);
	} while (genl->cmd != RECEIPT_CMD_LOOKUP);
	return take_question(&answer.reply);
}

/* What is pending, as a helper that has just started finds it; the last of it. */
static MAYBE_UNUSED bool dump_question(int fd, struct question *q)
{
	static struct message m;

	begin(&m, family, RECEIPT_CMD_LOOKUP, NLM_F_DUMP);
	if (request(fd, &m))
		broken("dump: %s", answer.text);
	if (answer.has_reply)
		*q = take_question(&answer.reply);
	return answer.has_reply;
}

static MAYBE_UNUSED int send_none(int fd, const struct question *q, enum receipt_reason reason)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_NO_EVIDENCE);
	put_u64(&m, RECEIPT_A_ID, q->id);
	put_u8(&m, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	put(&m, RECEIPT_A_DIGEST, q->digest, sizeof(q->digest));
	put_u32(&m, RECEIPT_A_REASON, reason);
	return request(fd, &m);
}

/*
 * receiptd
 */

/* Returns when it serves; @fd asks for that. */
static MAYBE_UNUSED pid_t start_receiptd(int fd)
{
	int64_t end = now_ms() + 1000 * PROBE_SECONDS;
	static struct message m;
	pid_t pid = fork();

	if (!pid) {
		/* As its unit has it. */
		setpriority(PRIO_PROCESS, 0, -10);
		execl("/sbin/receiptd", "receiptd", "--store", "/var/lib/receipt/store", NULL);
		_exit(BROKEN);
	}
	for (;;) {
		start_request(&m, RECEIPT_CMD_STATUS);
		request(fd, &m);
		if (get_u8(&answer.reply, RECEIPT_A_HELPER_STATE) == RECEIPT_HELPER_SERVING)
			return pid;
		if (now_ms() > end)
			broken("receiptd does not serve");
		usleep(20000);
	}
}

/* Until @end, milliseconds: it stands still most of the time. */
static MAYBE_UNUSED void slow_down_process(pid_t pid, int64_t end)
{
	while (now_ms() < end) {
		kill(pid, SIGSTOP);
		usleep(300000);
		kill(pid, SIGCONT);
		usleep(50000);
	}
}

static MAYBE_UNUSED void end_receiptd(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif /* HELPER_H */
