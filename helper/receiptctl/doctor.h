/* SPDX-License-Identifier: MIT */
/*
 * Would this machine boot and be reachable under a policy?
 */
#ifndef RECEIPTCTL_DOCTOR_H
#define RECEIPTCTL_DOCTOR_H

#include <stdarg.h>
#include <sys/types.h>

#include "spend.h"
#include "why.h"

#define DOCTOR_MAX_FILES	8192	/* that are judged */
#define DOCTOR_MAX_FINDINGS	65536
#define DOCTOR_MAX_FOLDERS	64	/* that libraries are looked for in */
#define DOCTOR_MAX_RUNPATH	64	/* of a file, likewise */
#define DOCTOR_MAX_TEXT		(16u << 20)	/* bytes of a file of configuration */

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
	DOCTOR_LEVELS,
};

/**
 * struct doctor_finding - what was found
 * @level: how bad it is
 * @group: what it belongs to
 * @path: of the file, or NULL
 * @text: what it is
 * @unproven: evidence for @path would mend it
 */
struct doctor_finding {
	enum doctor_level level;
	const char *group;
	char *path;
	char *text;
	bool unproven;
};

/**
 * struct doctor_file - a file that is to be judged
 * @group: what it belongs to
 * @level: of the finding when it is denied
 * @op: operation
 * @path: below the root
 * @link: opens it whoever has its name now, or NULL
 * @pid: process that pays for it; 0: the machine needs it
 */
struct doctor_file {
	const char *group;
	enum doctor_level level;
	enum receipt_op op;
	char *path;
	char *link;
	pid_t pid;
};

/**
 * struct doctor - an examination
 * @root: the folder that is taken for /
 * @live: it is that of the running system
 * @why: stores and policy
 * @nqueue: used entries of @queue
 * @queue: files that are to be judged, and those that were
 * @nseen: used entries of @seen
 * @seen: files that were judged
 * @nfolders: used entries of @folders
 * @folders: where libraries are looked for
 * @modules: folder of the kernel whose modules an image is looked at for
 * @nfindings: used entries of @findings
 * @findings: in the order they were made
 * @count: of findings by level
 * @spend: for reading; what the machine needs is read first, and has its own
 * @running: what is judged now is all that runs; otherwise, what the machine needs
 * @ending: what is found now is said whatever was found before
 * @full: some bound was met, and not all that the machine needs was looked at
 * @running_full: not all that runs was
 * @no_memory: memory was short
 */
struct doctor {
	int root;
	bool live;
	struct why *why;
	size_t nqueue;
	struct doctor_file *queue;
	size_t nseen;
	struct {
		dev_t dev;
		ino_t ino;
		enum receipt_op op;
	} seen[DOCTOR_MAX_FILES];
	size_t nfolders;
	char *folders[DOCTOR_MAX_FOLDERS];
	const char *modules;
	size_t nfindings;
	struct doctor_finding *findings;
	size_t count[DOCTOR_LEVELS];
	struct spend spend;
	bool running;
	bool ending;
	bool full;
	bool running_full;
	bool no_memory;
};

/* doctor.c */
int doctor_folder_open(const struct doctor *d, const char *path);
int doctor_file_open(const struct doctor *d, const char *path, struct rcpt_error *err);
void doctor_start(struct doctor *d, bool running);
void doctor_too_much(struct doctor *d);
void doctor_say(struct doctor *d, enum doctor_level level, const char *group,
		const char *path, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void doctor_add(struct doctor *d, const struct doctor_file *file);
int doctor_judge(struct doctor *d, struct rcpt_error *err);

/* doctor_checks.c */
int doctor_check(struct doctor *d, struct rcpt_error *err);

/* cmd_doctor.c */
int doctor_before_load(struct policy_file *policy, const char * const *stores, size_t nstores);

#endif /* RECEIPTCTL_DOCTOR_H */
