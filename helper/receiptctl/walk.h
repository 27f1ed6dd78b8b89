/* SPDX-License-Identifier: MIT */
/*
 * Finding the files that a seal may cover.
 */
#ifndef WALK_H
#define WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receipt.h"

/* Why a file that was found is left out: seal goes on without it, and says so. */
enum artifact_skipped {
	ARTIFACT_TAKEN,
	ARTIFACT_GONE,
	ARTIFACT_UNREADABLE,	/* and nobody may execute it */
};

/**
 * struct artifact - a regular file that was found
 * @path: as named, or a path below a folder that was named
 * @named: it was named itself
 * @dir: opened folder that was named, which the list closes; AT_FDCWD
 * @below: part of @path that is below @dir
 * @resolve: how it is opened there, see openat2(2)
 * @skipped: enum artifact_skipped, once hashed
 * @usage: bits of operations; 0 until it is hashed, and then when it is none
 *	that can be executed or loaded
 * @policy: a script that reads as a policy, too; told where the list is for a seal
 * @digest: of the content, once hashed
 * @fsverity: fs-verity digest, once hashed, where the list asks for it
 */
struct artifact {
	char *path;
	bool named;
	int dir;
	const char *below;
	uint64_t resolve;
	uint8_t skipped;
	uint8_t usage;
	bool policy;
	uint8_t digest[RECEIPT_MAX_DIGEST];
	uint8_t fsverity[RECEIPT_HASH_SIZE];
};

/**
 * struct artifacts - a list of them; start with all zero
 * @fsverity: wanted are fs-verity digests as well
 * @sealing: for a seal: nobody may write to a file while it is read, and no script
 *	becomes a policy
 * @n: used entries
 * @cap: room
 * @item: the entries
 * @ndirs: used entries of @dirs
 * @dirs: folders that were named, opened
 */
struct artifacts {
	bool fsverity;
	bool sealing;
	size_t n;
	size_t cap;
	struct artifact *item;
	size_t ndirs;
	int *dirs;
};

/**
 * walk_path() - list a file, or all regular files below a folder
 * @path: what was named. A symbolic link is followed here, but none below; what
 *	is mounted below is not entered, nor even looked at.
 * @list: extended, by name
 * @failed: result on failure: the path that it is about, to be freed
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED when @path is neither file nor folder or there are
 * too many files, or -RCPT_SYSTEM when something cannot be read.
 */
int walk_path(const char *path, struct artifacts *list, char **failed,
	      struct rcpt_error *err);

/**
 * artifacts_free() - free a list
 * @list: left empty
 */
void artifacts_free(struct artifacts *list);

#endif /* WALK_H */
