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

static struct rcpt_sink kernel_sink(struct service *s)
{
	return (struct rcpt_sink){ send_evidence, send_none, s->nl };
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
	log_line(LOG_DEBUG, "look-up %llu: op %u, digest %s, %s",
		 (unsigned long long)lookup.id, lookup.op,
		 log_digest(&lookup, digest, sizeof(digest)),
		 log_escape(lookup.path, path, sizeof(path)));
	queue_push(q, &lookup);
}

/*
 * What is lost with a failure is still on the kernel's list, unless its time is
 * up: it is fetched again, whatever failed. Only a kernel that takes nothing from us
 * any more ends the loop.
 */
static int after_failure(struct queue *q, int ret, const struct rcpt_error *err)
{
	if (ret == -ENOENT) {
		log_line(LOG_DEBUG, "look-up is over");
		return 0;
	}
	if (ret == -EPERM || ret == -ECONNREFUSED)
		return ret;
	q->overflow = true;
	/* Of overflows many may come after one another, and none is a fault. */
	if (ret == -ENOBUFS) {
		log_line(LOG_DEBUG, "%s", err->text);
		return 0;
	}
	log_line(LOG_WARNING, "%s", err->text);
	q->failed = true;
	return 0;
}

static bool signalled(int signals)
{
	struct signalfd_siginfo info;

	return read(signals, &info, sizeof(info)) == sizeof(info);
}

/*
 * Answers what is queued. What comes meanwhile is answered in the next round, so that
 * those who keep the queue full do not keep us from what did not fit into it.
 *
 * Return: 0, 1 when it is time to stop, or a negative errno.
 */
static int drain(struct service *s, struct rcpt_error *err)
{
	struct rcpt_sink sink = kernel_sink(s);
	struct rcpt_nl_lookup lookup;
	int ret = 0;

	for (size_t n = s->queue.n; n && !ret && queue_pop(&s->queue, &lookup); n--) {
		if (signalled(s->signals))
			return 1;
		ret = rcpt_answer(&s->answerer, &lookup, &sink, err);
		if (ret)
			ret = after_failure(&s->queue, ret, err);
	}
	return ret;
}

/*
 * The kernel's list, oldest first, in place of the queue, in which many may be over. The
 * socket is emptied before: until then the kernel drops in silence what it has to say.
 */
static int fetch(struct service *s, struct rcpt_error *err)
{
	int ret = rcpt_nl_receive(s->nl, err);

	if (ret && ret != -ENOBUFS)
		return after_failure(&s->queue, ret, err);
	queue_clear(&s->queue);
	ret = rcpt_nl_pending(s->nl, err);
	return ret ? after_failure(&s->queue, ret, err) : 0;
}

/* Nothing is queued, and the list need not be fetched, or failed a moment ago. */
static bool may_wait(const struct queue *q)
{
	return !q->n && (!q->overflow || q->failed);
}

static int wait_ready(struct service *s)
{
	struct pollfd pfd[] = {
		{ .fd = rcpt_nl_fd(s->nl), .events = POLLIN },
		{ .fd = s->signals, .events = POLLIN },
	};

	if (poll(pfd, 2, s->queue.overflow ? RETRY_MS : notify_watchdog_ms()) < 0 &&
	    errno != EINTR)
		return -errno;
	s->queue.failed = false;
	return pfd[1].revents ? 1 : 0;
}

static int receive(struct service *s, struct rcpt_error *err)
{
	int ret = rcpt_nl_receive(s->nl, err);

	return ret ? after_failure(&s->queue, ret, err) : 0;
}

/**
 * serve_refresh() - tell the keeper when the policy has changed
 * @s: service
 * @err: filled in on failure
 *
 * It keeps its floor, and sends what the next helper needs: evidence is proven under
 * the keys of a policy, and what was sent before there was one, or under one that
 * knew fewer logs, was refused.
 *
 * Return: 0 or a negative errno.
 */
int serve_refresh(struct service *s, struct rcpt_error *err)
{
	struct rcpt_nl_status status;
	int ret = rcpt_nl_status(s->nl, &status, err);

	if (ret)
		return after_failure(&s->queue, ret, err);
	if (status.generation == s->generation)
		return 0;
	s->generation = status.generation;
	keeper_note(&s->keeper, &status);
	return 0;
}

/* Return: 0 to go on, 1 when it is time to stop, or a negative errno. */
static int serve_once(struct service *s, struct rcpt_error *err)
{
	int ret = 0;

	notify_send("WATCHDOG=1");
	if (s->queue.overflow)
		ret = fetch(s, err);
	if (!ret)
		ret = drain(s, err);
	indexer_tell(&s->indexer, &s->answerer.stores);
	if (!ret)
		ret = serve_refresh(s, err);
	if (!ret && may_wait(&s->queue))
		ret = wait_ready(s);
	return ret ? ret : receive(s, err);
}

/**
 * serve() - answer look-ups until a signal comes
 * @s: service
 * @err: filled in on failure
 *
 * Return: 0 after a signal, or a negative errno.
 */
int serve(struct service *s, struct rcpt_error *err)
{
	int ret = 0;

	s->queue.overflow = true;
	rcpt_nl_on_message(s->nl, on_message, &s->queue);
	while (!ret)
		ret = serve_once(s, err);
	return ret == 1 ? 0 : ret;
}
