/* SPDX-License-Identifier: MIT */
/*
 * Files that run or are mapped executable now.
 */
#ifndef RECEIPTCTL_PROCMAPS_H
#define RECEIPTCTL_PROCMAPS_H

#include <sys/types.h>

#include "receipt.h"

#define PROC_MAX_FILES	(64u << 10)	/* different ones */
#define PROC_MAX_OF_ONE	4096		/* that one process adds */
#define PROC_SECONDS	120		/* for all processes */
#define PROC_MAX_USERS	1024		/* processes that are named for one file */

/**
 * struct proc_user - a process
 * @pid: its number
 * @comm: its name, which it may choose itself
 */
struct proc_user {
	pid_t pid;
	char comm[16];
};

/**
 * struct proc_file - a regular file that runs or is mapped executable
 * @dev: of the file
 * @ino: of the file
 * @path: as the kernel names it; ends in " (deleted)" when it has no name now
 * @link: below /proc: opens the mapped file itself, also when it was deleted or
 *	another has its name. @path when @by_path
 * @by_path: the kernel gave no link; what has the name may be another file
 * @of_root: a process of root has it
 * @nusers: processes that have it
 * @last: the last of them
 * @users: the first PROC_MAX_USERS of them
 */
struct proc_file {
	dev_t dev;
	ino_t ino;
	char *path;
	char *link;
	bool by_path;
	bool of_root;
	size_t nusers;
	pid_t last;
	struct proc_user *users;
};

/**
 * struct proc_files - all of them; start with all zero
 * @n: used entries of @at
 * @cap: room
 * @at: files, by path
 * @tree: the same by device and inode
 * @hidden: processes that could not be looked at
 * @cut: processes of which not all was looked at: they have too many files, there are
 *	too many in all, or the time was over
 */
struct proc_files {
	size_t n;
	size_t cap;
	struct proc_file **at;
	void *tree;
	size_t hidden;
	size_t cut;
};

int proc_files_read(const char *proc, struct proc_files *files, struct rcpt_error *err);
void proc_files_free(struct proc_files *files);

#endif /* RECEIPTCTL_PROCMAPS_H */
