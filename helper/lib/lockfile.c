// SPDX-License-Identifier: MIT
/*
 * Locks that are files of their own: a lock on a file that others may read is a lock
 * that others may hold.
 */
#include "lockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define POLL_MS	10

static int fail_errno(struct rcpt_error *err, const char *path, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "%s: %s: %s", path, what, strerror(errno));
}

/* A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 17 08:01:1234 0 EOF". */
static pid_t holder_of_inode(FILE *locks, ino_t ino)
{
	unsigned long long inode;
	char line[256];
	int pid;

	while (fgets(line, sizeof(line), locks)) {
		if (strstr(line, "->"))		/* one that waits */
			continue;
		if (sscanf(line, "%*u: %*s %*s %*s %d %*x:%*x:%llu", &pid, &inode) == 2 &&
		    inode == ino && pid > 0 && pid != getpid())
			return pid;
	}
	return 0;
}

static void name_process(pid_t pid, char *text, size_t room)
{
	char path[64], name[32] = "?";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f) {
		if (!fgets(name, sizeof(name), f))
			strcpy(name, "?");
		fclose(f);
	}
	name[strcspn(name, "\n")] = '\0';
	snprintf(text, room, "process %d (%s)", (int)pid, name);
}

pid_t rcpt_lock_holder(const char *path, char *text, size_t room)
{
	FILE *locks = fopen("/proc/locks", "re");
	struct stat st;
	pid_t pid = 0;

	if (locks && !stat(path, &st))
		pid = holder_of_inode(locks, st.st_ino);
	if (locks)
		fclose(locks);
	if (pid)
		name_process(pid, text, room);
	else
		snprintf(text, room, "another process");
	return pid;
}

/* Root that works in the folder of a user leaves nothing there that the user cannot use. */
static int give_to_owner(int fd, const char *path)
{
	char *copy = strdup(path);
	struct stat st;
	int rc = -1;

	if (copy && !stat(dirname(copy), &st))
		rc = st.st_uid == geteuid() ? 0 : fchown(fd, st.st_uid, st.st_gid);
	free(copy);
	return rc;
}

static int check_file(int fd, const char *path, struct rcpt_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return fail_errno(err, path, "cannot look at the lock");
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_uid != geteuid() && geteuid()))
		return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				 "%s: not a lock of this user", path);
	if ((st.st_mode & 077) && fchmod(fd, 0600))
		return fail_errno(err, path, "cannot close the lock to others");
	return 0;
}

static int open_lock(const char *path, int *fd, struct rcpt_error *err)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

	*fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (*fd >= 0)
		return give_to_owner(*fd, path) ? fail_errno(err, path, "cannot make the lock") : 0;
	if (errno == EEXIST)
		*fd = open(path, flags);
	if (*fd < 0)
		return fail_errno(err, path, "cannot open the lock");
	return check_file(*fd, path, err);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* flock() cannot be given a time, and alarms belong to the program. */
static int wait_for(int fd, const char *path, unsigned int wait_ms, struct rcpt_error *err)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
	int64_t end = now_ms() + wait_ms;
	char holder[80];

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fail_errno(err, path, "cannot lock");
		if (now_ms() >= end) {
			rcpt_lock_holder(path, holder, sizeof(holder));
			return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
					 RCPT_NO_OFFSET, "%s is locked by %s", path, holder);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int rcpt_lock_take(const char *path, unsigned int wait_ms, int *fd, struct rcpt_error *err)
{
	int rc = open_lock(path, fd, err);

	if (!rc)
		rc = wait_for(*fd, path, wait_ms, err);
	if (rc) {
		rcpt_lock_drop(*fd);
		*fd = -1;
	}
	return rc;
}

void rcpt_lock_drop(int fd)
{
	if (fd >= 0)
		close(fd);
}
