// SPDX-License-Identifier: MIT
/*
 * The keeper: a process beside the helper that does what may wait. A disk may be
 * busy, and the kernel lets FLOOR wait for a policy that is being loaded, which
 * waits for the helper. It ends after the helper, and sends then what the next one
 * needs to start.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "receiptd.h"

#define RETRY_MS	60000	/* before what could not be done is tried again */
#define SETTLE_MS	200	/* what is installed comes in many pieces */

/**
 * struct note - what the helper tells the keeper; less than PIPE_BUF
 * @active: another policy is active, put its floor into the file; else send the
 *	floor to the kernel
 * @lowest: the floor; without a name when there is nothing new in it
 */
struct note {
	bool active;
	struct receipt_lowest lowest;
};

/**
 * struct desk - what the keeper works with
 * @dir: folder of the file
 * @from: notes come from here; its end is the helper's
 * @nl: connection
 * @unsaved: what is to be put into the file
 * @failed: that it could not be was said
 * @changed: files have changed, and are looked at when this time has come,
 *	milliseconds; zero: none have
 * @anew: they are sent anew, whatever was
 * @bootstrap: what the next helper starts with
 */
struct desk {
	const char *dir;
	int from;
	struct rcpt_nl *nl;
	struct floors unsaved;
	bool failed;
	int64_t changed;
	bool anew;
	struct bootstrap bootstrap;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void send_floor(struct rcpt_nl *nl, const struct receipt_lowest *floor)
{
	struct rcpt_error err = { 0 };

	if (rcpt_nl_floor(nl, floor, &err))
		log_line(LOG_WARNING, "floor of policy %s not taken: %s", floor->name, err.text);
}

static void save(struct desk *d)
{
	struct rcpt_error err = { 0 };

	if (!floors_save(d->dir, &d->unsaved, &err)) {
		d->unsaved.n = 0;
		d->failed = false;
		return;
	}
	if (!d->failed)
		log_line(LOG_ERROR, "floor not written to %s: %s; tried again until it is",
			 d->dir, err.text);
	d->failed = true;
}

static void take_note(struct desk *d, const struct note *note)
{
	if (!note->active) {
		send_floor(d->nl, &note->lowest);
		return;
	}
	if (note->lowest.name[0])
		floors_raise(&d->unsaved, &note->lowest);
	d->changed = now_ms();
	d->anew = true;
}

static int time_to_wait(const struct desk *d)
{
	int64_t left = d->changed ? d->changed - now_ms() : RETRY_MS;

	return left < 0 ? 0 : left;
}

/* Files that have changed, or lack evidence, which may be there by now. */
static void look(struct desk *d, bool timeout)
{
	if (bootstrap_changed(&d->bootstrap) && !d->changed)
		d->changed = now_ms() + SETTLE_MS;
	if (!timeout && (!d->changed || now_ms() < d->changed))
		return;
	bootstrap_send(&d->bootstrap, d->nl, d->anew);
	d->changed = 0;
	d->anew = false;
}

/* Return: whether to go on. */
static bool work(struct desk *d)
{
	struct pollfd pfd[] = {
		{ .fd = d->from, .events = POLLIN },
		{ .fd = d->bootstrap.changes, .events = POLLIN },
	};
	int ready = poll(pfd, 2, time_to_wait(d));
	struct note note;

	if (ready < 0)
		return errno == EINTR;
	if (pfd[0].revents) {
		if (read(d->from, &note, sizeof(note)) != sizeof(note))
			return false;
		take_note(d, &note);
	}
	if (d->unsaved.n)
		save(d);
	look(d, !ready);
	return true;
}

static void __attribute__((noreturn)) keep(struct desk *d)
{
	const struct sandbox box = { .sources = d->bootstrap.sources, .own = d->dir };
	struct rcpt_error err = { 0 };

	/* What is wrong with the kernel, the helper says. */
	if (rcpt_nl_open(&d->nl, &err))
		_exit(RCPT_SYSTEM);
	/* After this, nothing can be made outside of it. */
	if (mkdir(d->dir, 0755) && errno != EEXIST)
		log_line(LOG_ERROR, "%s: %s: no floor will be kept", d->dir, strerror(errno));
	if (sandbox_enter(&box, &err)) {
		log_line(LOG_ERROR, "keeper: %s", err.text);
		_exit(RCPT_SYSTEM);
	}
	bootstrap_send(&d->bootstrap, d->nl, false);
	while (work(d))
		;
	/* The helper has ended, however: what is there now is what starts next. */
	bootstrap_send(&d->bootstrap, d->nl, false);
	_exit(0);
}

/**
 * keeper_start() - read the floors, start the keeper
 * @k: result
 * @dir: folder of the file
 * @sources: of evidence
 * @preloads: programs that shall start without a helper, as the helper itself
 * @npreloads: how many
 *
 * Without it the helper serves all the same: what goes wrong is logged.
 *
 * Context: Before the sandbox, and before a connection is open that would be the
 * keeper's, too.
 */
void keeper_start(struct keeper *k, const char *dir, const struct sources *sources,
		  const char *const *preloads, size_t npreloads)
{
	static struct desk desk;
	struct rcpt_error err = { 0 };
	int ends[2];
	pid_t pid;

	k->to = -1;
	if (floors_load(dir, &k->floors, &err))
		log_line(LOG_ERROR, "%s/floor: %s", dir, err.text);
	if (pipe2(ends, O_CLOEXEC)) {
		log_line(LOG_ERROR, "keeper: %s", strerror(errno));
		return;
	}
	pid = fork();
	if (!pid) {
		close(ends[1]);
		desk.dir = dir;
		desk.from = ends[0];
		desk.bootstrap.sources = sources;
		bootstrap_open(&desk.bootstrap, preloads, npreloads);
		keep(&desk);
	}
	if (pid < 0)
		log_line(LOG_ERROR, "keeper: %s", strerror(errno));
	close(ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	k->to = ends[1];
}

static void tell(const struct keeper *k, bool active, const struct receipt_lowest *lowest)
{
	struct note note = { .active = active, .lowest = *lowest };

	if (write(k->to, &note, sizeof(note)) != sizeof(note))
		log_line(LOG_ERROR, "floor of policy %s not kept: keeper: %s", lowest->name,
			 strerror(errno));
}

/**
 * keeper_send_floor() - have the kernel take no policy below the floor
 * @k: keeper
 * @nl: connection, not registered yet
 *
 * The kernel keeps one floor. It is that of the active policy's name, else of the
 * name that the kernel's floor has, else of the policy that was active last. While
 * no policy is active, nobody waits for the helper: the floor is there before it
 * serves.
 */
void keeper_send_floor(const struct keeper *k, struct rcpt_nl *nl)
{
	struct rcpt_nl_status status;
	struct rcpt_error err = { 0 };
	const struct receipt_lowest *floor;

	/* What is wrong, HELLO will say. */
	if (rcpt_nl_status(nl, &status, &err))
		return;
	floor = floors_find(&k->floors, status.policy_name[0] ? status.policy_name :
							       status.floor_name);
	if (floor && status.policy_name[0])
		tell(k, false, floor);
	else if (floor)
		send_floor(nl, floor);
}

/**
 * keeper_note() - another policy is active: keep its floor; never waits
 * @k: keeper
 * @status: has the active policy
 */
void keeper_note(struct keeper *k, const struct rcpt_nl_status *status)
{
	struct receipt_lowest active = { .svn = status->policy_svn };
	const char *name = status->policy_name, *version = status->policy_version;

	if (!name[0])
		return;
	if (receipt_lowest_name(&active, name, strlen(name)) ||
	    receipt_version_parse(version, strlen(version), active.version)) {
		log_line(LOG_WARNING, "the kernel's policy has no name or version: no floor kept");
		active.name[0] = '\0';
	} else if (!floors_raise(&k->floors, &active)) {
		active.name[0] = '\0';
	}
	tell(k, true, &active);
}
