// SPDX-License-Identifier: MIT
/*
 * The keeper: a process beside the helper that does what may wait. A disk may be
 * busy, and the kernel lets FLOOR wait for a policy that is being loaded, which
 * waits for the helper.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "receiptd.h"

#define RETRY_MS	60000	/* before what could not be written is tried again */

/**
 * struct note - what the helper tells the keeper; less than PIPE_BUF
 * @save: put it into the file; else send it to the kernel
 * @lowest: the floor
 */
struct note {
	bool save;
	struct receipt_lowest lowest;
};

/**
 * struct desk - what the keeper works with
 * @dir: folder of the file
 * @from: notes come from here; its end is the helper's
 * @nl: connection
 * @unsaved: what is to be put into the file
 * @failed: that it could not be was said
 */
struct desk {
	const char *dir;
	int from;
	struct rcpt_nl *nl;
	struct floors unsaved;
	bool failed;
};

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

/* Return: whether to go on. */
static bool work(struct desk *d)
{
	struct pollfd pfd = { .fd = d->from, .events = POLLIN };
	int ready = poll(&pfd, 1, d->unsaved.n ? RETRY_MS : -1);
	struct note note;

	if (ready < 0)
		return errno == EINTR;
	if (ready) {
		if (read(d->from, &note, sizeof(note)) != sizeof(note))
			return false;
		if (!note.save) {
			send_floor(d->nl, &note.lowest);
			return true;
		}
		floors_raise(&d->unsaved, &note.lowest);
	}
	save(d);
	return true;
}

static void __attribute__((noreturn)) keep(const char *dir, int from)
{
	static struct desk desk;
	struct rcpt_error err = { 0 };

	desk.dir = dir;
	desk.from = from;
	/* What is wrong with the kernel, the helper says. */
	if (rcpt_nl_open(&desk.nl, &err))
		_exit(RCPT_SYSTEM);
	if (sandbox_enter(true, &err)) {
		log_line(LOG_ERROR, "keeper: %s", err.text);
		_exit(RCPT_SYSTEM);
	}
	while (work(&desk))
		;
	_exit(0);
}

/**
 * keeper_start() - read the floors, start the keeper
 * @k: result
 * @dir: folder of the file
 *
 * Without it the helper serves all the same: what goes wrong is logged.
 *
 * Context: Before the sandbox, and before a connection is open that would be the
 * keeper's, too.
 */
void keeper_start(struct keeper *k, const char *dir)
{
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
		keep(dir, ends[0]);
	}
	if (pid < 0)
		log_line(LOG_ERROR, "keeper: %s", strerror(errno));
	close(ends[0]);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	k->to = ends[1];
}

static void tell(const struct keeper *k, bool save, const struct receipt_lowest *lowest)
{
	struct note note = { .save = save, .lowest = *lowest };

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
 * keeper_note() - keep the floor of the active policy; never waits
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
	    receipt_version_parse(version, strlen(version), active.version))
		log_line(LOG_WARNING, "the kernel's policy has no name or version: no floor kept");
	else if (floors_raise(&k->floors, &active))
		tell(k, true, &active);
}
