// SPDX-License-Identifier: MIT
/*
 * The indexer: a process beside the helper that brings the indexes of the stores in line
 * with the bundles: when a package brings some, and when an index is missing or damaged.
 * The helper goes on meanwhile, by the old index or by the bundles; so it does where
 * nothing can be written.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "receiptd.h"

#define SETTLE_MS	100	/* a package brings many files */
#define RETRY_MS	60000	/* before what could not be done is tried again */
#define CHANGES		(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE)
#define LOW_PRIORITY	10

/**
 * struct work - what the indexer has to do
 * @sources: names the stores
 * @from: numbers of stores come from here; its end is the helper's
 * @changes: inotify, or -1
 * @todo: for each store: it is to be looked at
 * @damaged: for each store: its index is not to be trusted
 * @failed: for each store: that it cannot be done was said
 */
struct work {
	const struct sources *sources;
	int from;
	int changes;
	bool todo[RCPT_MAX_STORES];
	bool damaged[RCPT_MAX_STORES];
	bool failed[RCPT_MAX_STORES];
};

static void left_out(const char *name, const struct rcpt_error *err, void *arg)
{
	char text[256];

	log_line(LOG_WARNING, "store %s: %s is left out: %s", (const char *)arg,
		 log_escape(name, text, sizeof(text)), err->text);
}

/* Return: 0, also when there is no such folder; or -1, with @err. */
static int make_index(const char *dir, bool damaged, struct rcpt_error *err)
{
	struct rcpt_store *store;
	int ret = rcpt_store_open(dir, &store, err);

	if (ret)
		return ret == -RCPT_CANNOT_EVALUATE ? 0 : -1;
	rcpt_store_close(store);
	if (rcpt_store_create(dir, &store, err))
		return -1;
	ret = rcpt_store_sync(store, damaged, left_out, (void *)dir, err);
	rcpt_store_close(store);
	return ret ? -1 : 0;
}

static void index_store(struct work *w, size_t i)
{
	const char *dir = w->sources->stores[i];
	struct rcpt_error err = { 0 };

	/* Bundles that come while it is looked at are looked at again. */
	if (w->changes >= 0)
		inotify_add_watch(w->changes, dir, CHANGES | IN_ONLYDIR);
	if (!make_index(dir, w->damaged[i], &err)) {
		if (w->damaged[i] || w->failed[i])
			log_line(LOG_INFO, "store %s: the index is made anew", dir);
		w->todo[i] = false;
		w->damaged[i] = false;
		w->failed[i] = false;
		return;
	}
	if (!w->failed[i])
		log_line(LOG_WARNING, "store %s: %s: look-ups read the bundles until it can be indexed",
			 dir, err.text);
	w->failed[i] = true;
}

static void index_all(struct work *w)
{
	for (size_t i = 0; i < w->sources->nstores; i++)
		if (w->todo[i])
			index_store(w, i);
}

static void mark_all(struct work *w)
{
	for (size_t i = 0; i < w->sources->nstores; i++)
		w->todo[i] = true;
}

/* Return: whether the helper is still there. */
static bool take_notes(struct work *w)
{
	uint8_t notes[64];
	ssize_t n = read(w->from, notes, sizeof(notes));

	for (ssize_t i = 0; i < n; i++) {
		size_t store = notes[i] & 0x7f;

		if (store < w->sources->nstores) {
			w->todo[store] = true;
			w->damaged[store] |= notes[i] >> 7;
		}
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool take_changes(struct work *w)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;

	while (w->changes >= 0 && read(w->changes, events, sizeof(events)) > 0)
		changed = true;
	return changed;
}

/* Return: whether to go on. */
static bool work(struct work *w)
{
	const struct timespec settle = { .tv_nsec = SETTLE_MS * 1000000 };
	struct pollfd pfd[] = {
		{ .fd = w->from, .events = POLLIN },
		{ .fd = w->changes, .events = POLLIN },
	};
	int ready = poll(pfd, 2, RETRY_MS);

	if (ready < 0)
		return errno == EINTR;
	if (pfd[0].revents && !take_notes(w))
		return false;
	if (pfd[1].revents) {
		nanosleep(&settle, NULL);
		mark_all(w);
		take_changes(w);
	}
	/* A folder that was not there may be there, and what failed may go. */
	if (!ready)
		mark_all(w);
	index_all(w);
	return true;
}

static void __attribute__((noreturn)) run(struct work *w)
{
	const struct sandbox box = { .sources = w->sources, .indexes = true };
	struct rcpt_error err = { 0 };

	setpriority(PRIO_PROCESS, 0, LOW_PRIORITY);
	w->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->changes < 0)
		log_line(LOG_WARNING, "inotify: %s", strerror(errno));
	/* Folders that are made now, the sandbox permits to write to, and no others. */
	for (size_t i = 0; i < w->sources->nstores; i++) {
		struct rcpt_store *store;

		if (access(w->sources->stores[i], F_OK) ||
		    rcpt_store_create(w->sources->stores[i], &store, &err))
			continue;
		rcpt_store_close(store);
	}
	if (sandbox_enter(&box, &err)) {
		log_line(LOG_ERROR, "indexer: %s", err.text);
		_exit(RCPT_SYSTEM);
	}
	mark_all(w);
	index_all(w);
	while (work(w))
		;
	_exit(0);
}

/**
 * indexer_start() - start the indexer
 * @ix: result
 * @sources: names the stores
 * @k: started; it ends when the helper does, so nobody else has its pipe
 *
 * Without it the helper serves all the same: what goes wrong is logged.
 *
 * Context: Before the sandbox, and before a connection is open that would be the
 * indexer's, too.
 */
void indexer_start(struct indexer *ix, const struct sources *sources, const struct keeper *k)
{
	struct work w = { .sources = sources };
	int ends[2];
	pid_t pid;

	memset(ix, 0, sizeof(*ix));
	ix->to = -1;
	if (pipe2(ends, O_CLOEXEC)) {
		log_line(LOG_ERROR, "indexer: %s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid) {
		close(ends[1]);
		close(k->to);
		w.from = ends[0];
		run(&w);
	}
	if (pid < 0)
		log_line(LOG_ERROR, "indexer: %s", strerror(errno));
	close(ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	ix->to = ends[1];
}

/**
 * indexer_tell() - say what look-ups have found of the indexes, tell the indexer
 * @ix: indexer
 * @stores: that are asked
 *
 * Once for each change; never waits.
 */
void indexer_tell(struct indexer *ix, const struct rcpt_stores *stores)
{
	for (size_t i = 0; i < stores->n; i++) {
		enum rcpt_store_state state;
		struct rcpt_error why;
		uint8_t note = i;

		if (!stores->at[i].store)
			continue;
		state = rcpt_store_state(stores->at[i].store, &why);
		if (state == ix->state[i])
			continue;
		ix->state[i] = state;
		if (state == RCPT_STORE_INDEXED)
			continue;
		if (state == RCPT_STORE_DAMAGED) {
			log_line(LOG_ERROR, "store %s: %s: look-ups read the bundles until it is made anew",
				 stores->at[i].dir, why.text);
			note |= 0x80;
		}
		if (write(ix->to, &note, 1) != 1)
			log_line(LOG_WARNING, "store %s: the indexer is not told: %s",
				 stores->at[i].dir, strerror(errno));
	}
}
