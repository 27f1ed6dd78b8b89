// SPDX-License-Identifier: MIT
/*
 * The loop: take look-ups, answer them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "receiptd.h"

#define RETRY_MS	50	/* before the list is fetched again after a failure */

static int send_evidence(const struct rcpt_nl_evidence *ev,
			 struct rcpt_error *err, void *arg)
{
	int ret = rcpt_nl_evidence(arg, ev, err);

	if (ret)
		log_line(LOG_WARNING, "evidence refused: %s", err->text);
	return ret;
}

static int send_none(const struct rcpt_nl_lookup *lookup,
		     enum receipt_reason reason, struct rcpt_error *err, void *arg)
{
	char digest[2 * RECEIPT_MAX_DIGEST + 1];

	log_line(LOG_DEBUG, "look-up %llu: none for %s: %s",
		 (unsigned long long)lookup->id,
		 log_digest(lookup, digest, sizeof(digest)), rcpt_reason_text(reason));
	return rcpt_nl_no_evidence(arg, lookup, reason, err);
}

/**
 * serve_sink() - answers that go to the kernel
 * @nl: connection
 * @sink: result
 */
void serve_sink(struct rcpt_nl *nl, struct rcpt_sink *sink)
{
	*sink = (struct rcpt_sink){ send_evidence, send_none, nl };
}

static void on_message(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct queue *q = arg;
	struct rcpt_nl_lookup lookup;
	char digest[2 * RECEIPT_MAX_DIGEST + 1], path[512];

	if (cmd != RECEIPT_CMD_LOOKUP)
		return;
	if (rcpt_nl_parse_lookup(tb, &lookup)) {
		log_line(LOG_WARNING, "malformed look-up passed over");
		return;
	}
	log_line(LOG_DEBUG, "look-up %llu: op %s, digest %s, %s",
		 (unsigned long long)lookup.id, receipt_op_name(lookup.op),
		 log_digest(&lookup, digest, sizeof(digest)),
		 log_escape(lookup.path, path, sizeof(path)));
	queue_push(q, &lookup);
}

/*
 * What is lost with a failure is still on the kernel's list, unless its time is
 * up. Only a kernel that takes nothing from us any more ends the loop.
 */
static int after_failure(struct queue *q, int ret, const struct rcpt_error *err)
{
	if (ret == -EPERM || ret == -ECONNREFUSED)
		return ret;
	if (ret == -ENOENT || ret == -ESRCH) {
		log_line(LOG_DEBUG, "look-up is over: %s", err->text);
		return 0;
	}
	log_line(LOG_WARNING, "%s", err->text);
	if (ret == -ENOBUFS || ret == -ETIMEDOUT || ret == -EAGAIN)
		q->overflow = true;
	return 0;
}

static int signalled(int signals)
{
	struct signalfd_siginfo info;

	return read(signals, &info, sizeof(info)) == sizeof(info);
}

/* Return: 0 when the queue is empty, 1 when it is time to stop, or a negative errno. */
static int drain(struct rcpt_nl *nl, struct rcpt_answerer *a, struct queue *q,
		 int signals, struct rcpt_error *err)
{
	struct rcpt_nl_lookup lookup;
	struct rcpt_sink sink;
	int ret = 0;

	serve_sink(nl, &sink);
	while (!ret && queue_pop(q, &lookup)) {
		if (signalled(signals))
			return 1;
		ret = rcpt_answer(a, &lookup, &sink, err);
		if (ret)
			ret = after_failure(q, ret, err);
	}
	return ret;
}

static int fetch(struct rcpt_nl *nl, struct queue *q, struct rcpt_error *err)
{
	int ret;

	q->overflow = false;
	ret = rcpt_nl_pending(nl, err);
	return ret ? after_failure(q, ret, err) : 0;
}

static int wait(struct rcpt_nl *nl, const struct queue *q, int signals)
{
	struct pollfd pfd[] = {
		{ .fd = rcpt_nl_fd(nl), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};
	int ms = q->overflow ? RETRY_MS : notify_watchdog_ms();

	if (poll(pfd, 2, ms) < 0 && errno != EINTR)
		return -errno;
	notify_send("WATCHDOG=1");
	return pfd[1].revents ? 1 : 0;
}

/**
 * serve() - answer look-ups until a signal comes
 * @nl: connection, registered
 * @a: where evidence comes from
 * @signals: signalfd, non-blocking
 * @err: filled in on failure
 *
 * Return: 0 after a signal, or a negative errno.
 */
int serve(struct rcpt_nl *nl, struct rcpt_answerer *a, int signals,
	  struct rcpt_error *err)
{
	static struct queue q;
	int ret = 0;

	q.overflow = true;
	rcpt_nl_on_message(nl, on_message, &q);
	while (!ret) {
		if (q.overflow)
			ret = fetch(nl, &q, err);
		if (!ret)
			ret = drain(nl, a, &q, signals, err);
		if (!ret)
			ret = wait(nl, &q, signals);
		if (ret)
			break;
		ret = rcpt_nl_receive(nl, err);
		if (ret)
			ret = after_failure(&q, ret, err);
	}
	return ret == 1 ? 0 : ret;
}
