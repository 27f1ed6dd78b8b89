// SPDX-License-Identifier: MIT
/*
 * What runs now and would be denied under the active policy: every file that is
 * mapped executable, and every module in use, is judged as if it were used anew.
 * Nothing is stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "affected.h"
#include "event.h"
#include "kernel.h"
#include "manifest.h"
#include "modules.h"
#include "procmaps.h"
#include "receiptctl.h"
#include "spend.h"
#include "why.h"

#define MAX_MOUNTS	1024
#define SHOWN_USERS	16

/**
 * struct mount - a file system
 * @dev: of its files
 * @type: its name
 */
struct mount {
	dev_t dev;
	char type[32];
};

/**
 * struct affected - one run
 * @why: stores and policy; the file that is judged
 * @nl: connection
 * @json: output for programs
 * @list: the result, with @json
 * @nmounts: used entries of @mounts
 * @mounts: file systems
 * @found: how many would be denied
 * @unread: how many could not be judged
 * @spend: what reading may cost
 */
struct affected {
	struct why why;
	struct rcpt_nl *nl;
	bool json;
	json_t *list;
	size_t nmounts;
	struct mount mounts[MAX_MOUNTS];
	size_t found;
	size_t unread;
	struct spend spend;
};

/* "36 35 98:0 /root /mnt rw - ext4 /dev/vda rw" */
static void take_mount(struct affected *a, const char *line)
{
	struct mount *m = &a->mounts[a->nmounts];
	const char *rest = strstr(line, " - ");
	unsigned int major, minor;

	if (rest && sscanf(line, "%*u %*u %u:%u", &major, &minor) == 2 &&
	    sscanf(rest, " - %31s", m->type) == 1) {
		m->dev = makedev(major, minor);
		a->nmounts++;
	}
}

static void read_mounts(struct affected *a)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;

	while (f && a->nmounts < MAX_MOUNTS && getline(&line, &room, f) > 0)
		take_mount(a, line);
	free(line);
	if (f)
		fclose(f);
}

static const char *type_of(const struct affected *a, dev_t dev)
{
	for (size_t i = 0; i < a->nmounts; i++)
		if (a->mounts[i].dev == dev)
			return a->mounts[i].type;
	return NULL;
}

/*
 * Showing
 */

static void print_users(const struct proc_file *f)
{
	size_t kept = f->nusers < PROC_MAX_USERS ? f->nusers : PROC_MAX_USERS;

	fputs("  in ", stdout);
	for (size_t i = 0; i < kept && i < SHOWN_USERS; i++) {
		printf("%s%d ", i ? ", " : "", f->users[i].pid);
		print_text(stdout, f->users[i].comm, strlen(f->users[i].comm));
	}
	if (f->nusers > SHOWN_USERS)
		printf(", and %zu more", f->nusers - SHOWN_USERS);
	putchar('\n');
}

static void show_text(const struct affected *a, const char *path, const struct proc_file *f,
		      enum receipt_reason reason)
{
	const struct why *w = &a->why;

	print_text(stdout, path, strlen(path));
	printf("\n  %s denied", receipt_op_name(w->op));
	if (w->verdict.line)
		printf(" by line %u", w->verdict.line);
	printf(": %s\n  %s:", rcpt_reason_text(reason),
	       receipt_kind_name(w->digests.digests[0].kind));
	print_hex(stdout, w->digests.digests[0].bytes,
		  rcpt_digest_len(w->digests.digests[0].kind));
	putchar('\n');
	if (f)
		print_users(f);
	if (f && f->by_path)
		puts("  judged by its name: what is mapped may be another file");
}

static json_t *users_json(const struct proc_file *f)
{
	size_t kept = f->nusers < PROC_MAX_USERS ? f->nusers : PROC_MAX_USERS;
	json_t *list = json_array(), *user;

	for (size_t i = 0; i < kept; i++) {
		user = json_object();
		json_object_set_new(user, "pid", json_integer(f->users[i].pid));
		json_object_set_new(user, "comm", rcpt_json_text(f->users[i].comm));
		json_array_append_new(list, user);
	}
	return list;
}

static void add_json(struct affected *a, const char *path, const struct proc_file *f,
		     enum receipt_reason reason)
{
	const struct rcpt_digest *d = &a->why.digests.digests[0];
	json_t *json = json_object();

	json_object_set_new(json, "path", rcpt_json_text(path));
	json_object_set_new(json, "op", json_string(receipt_op_name(a->why.op)));
	json_object_set_new(json, "digest",
			    rcpt_json_digest(d->kind, d->bytes, rcpt_digest_len(d->kind)));
	json_object_set_new(json, "reason", json_string(rcpt_reason_text(reason)));
	json_object_set_new(json, "rule", json_integer(a->why.verdict.line));
	if (f) {
		json_object_set_new(json, "processes", users_json(f));
		json_object_set_new(json, "process_count", json_integer(f->nusers));
		json_object_set_new(json, "by_path", json_boolean(f->by_path));
	}
	json_array_append_new(a->list, json);
}

/*
 * Judging
 */

/* The kernel may have been sent evidence that is in no store. */
static enum receipt_reason reason_of(const struct why *w)
{
	if (w->kernel.statements && w->verdict.reason == RECEIPT_REASON_NO_EVIDENCE)
		return w->kernel.reason;
	return w->verdict.reason;
}

static void show(struct affected *a, const char *path, const struct proc_file *f)
{
	if (a->why.verdict.action == RECEIPT_ACTION_ALLOW || a->why.kernel.allowed)
		return;
	a->found++;
	if (a->json)
		add_json(a, path, f, reason_of(&a->why));
	else
		show_text(a, path, f, reason_of(&a->why));
}

/* A file that went away meanwhile runs no more. */
static int unreadable(struct affected *a, const char *path, const struct rcpt_error *err)
{
	a->unread++;
	print_error(path, err);
	return 0;
}

/* Opens it, and says why not: a process may have had its share. */
static int open_to_judge(struct affected *a, const char *link, const struct proc_file *f,
			 struct rcpt_error *err)
{
	struct stat st;
	int fd = rcpt_open(AT_FDCWD, link, 0, &st, err);

	if (fd < 0 || spend_on(&a->spend, f && f->nusers ? f->users[0].pid : 0, st.st_size) ==
	    SPEND_YES)
		return fd;
	close(fd);
	rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
		  "not read: process %d has over %u files or %llu bytes", f->users[0].pid,
		  SPEND_PROCESS_FILES, SPEND_PROCESS_BYTES);
	return -1;
}

static int judge_fd(struct affected *a, const char *path, int fd, const struct proc_file *f)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	const char *type = f ? type_of(a, f->dev) : NULL;
	struct why *w = &a->why;
	int status;

	if (why_digest_fd(w, fd, &a->spend.all, &err))
		return unreadable(a, path, &err);
	w->boot_verified = type && !strcmp(type, "rootfs");
	status = why_find(w, &err) ? print_error(NULL, &err) : why_ask(w, a->nl);
	if (!status) {
		why_judge(w);
		show(a, path, f);
	}
	why_forget(w);
	return status;
}

/* Return: 0 or the exit status. @link opens what is called @path. */
static int judge(struct affected *a, const char *path, const char *link, enum receipt_op op,
		 const struct proc_file *f)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	int fd = open_to_judge(a, link, f, &err), status;

	if (fd < 0)
		return unreadable(a, path, &err);
	a->why.path = path;
	a->why.op = op;
	status = judge_fd(a, path, fd, f);
	close(fd);
	return status;
}

/* Root's first: nobody else's files keep them from being looked at. */
static int judge_files(struct affected *a)
{
	struct rcpt_error err = { .offset = RCPT_NO_OFFSET };
	struct proc_files files = { 0 };
	int status = proc_files_read("/proc", &files, &err) ? print_error(NULL, &err) : 0;

	spend_start(&a->spend);
	for (int of_root = 1; of_root >= 0; of_root--)
		for (size_t i = 0; i < files.n && !status; i++)
			if (files.at[i]->of_root == of_root)
				status = judge(a, files.at[i]->path, files.at[i]->link,
					       RECEIPT_OP_EXECUTE, files.at[i]);
	a->unread += files.hidden + files.cut;
	proc_files_free(&files);
	return status;
}

static int judge_module(const char *name, const char *path, void *arg)
{
	(void)name;
	return path ? judge(arg, path, path, RECEIPT_OP_KMODULE, NULL) : 0;
}

static int show_end(const struct affected *a)
{
	json_t *json;

	if (!a->json) {
		if (!a->found)
			puts("nothing that runs would be denied");
		if (a->unread)
			printf("%zu could not be looked at\n", a->unread);
	} else {
		json = json_object();
		json_object_set(json, "affected", a->list);
		json_object_set_new(json, "unread", json_integer(a->unread));
		json_print(json);
	}
	return a->found ? RCPT_INVALID : 0;
}

static int run(struct affected *a, const char *const *stores, size_t nstores)
{
	int status = policy_file_active(&a->why.policy, a->nl);

	a->why.has_policy = a->why.policy.policy;
	if (!status)
		status = why_open_stores(&a->why, stores, nstores);
	if (status)
		return status;
	read_mounts(a);
	if (a->why.has_policy)
		status = judge_files(a);
	if (a->why.has_policy && !status)
		status = modules_in_use(judge_module, a);
	return status ? status : show_end(a);
}

/**
 * affected_print() - show what runs and would be denied under the active policy
 * @stores: folders with evidence
 * @nstores: how many; 0: the usual ones
 * @json: output for programs
 *
 * What lies on the initramfs counts as verified at boot.
 *
 * Return: exit status: 0 when nothing would be denied, also without a policy;
 * RCPT_INVALID when something would.
 */
int affected_print(const char *const *stores, size_t nstores, bool json)
{
	struct affected *a = calloc(1, sizeof(*a));
	int status;

	if (!a)
		return RCPT_SYSTEM;
	a->json = json;
	a->list = json_array();
	status = kernel_open(&a->nl);
	if (!status) {
		status = run(a, stores, nstores);
		rcpt_nl_close(a->nl);
	}
	why_free(&a->why);
	spend_free(&a->spend);
	json_decref(a->list);
	free(a);
	return status;
}
