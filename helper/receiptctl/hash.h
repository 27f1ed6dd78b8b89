/* SPDX-License-Identifier: MIT */
/*
 * Hashing files, several at a time.
 */
#ifndef HASH_H
#define HASH_H

#include "walk.h"

/**
 * hash_artifacts() - tell what files are for, and hash those that are taken
 * @list: usage and digest are filled in
 * @usage: bits of operations to give to every file; 0: ELF files and scripts
 *	(#!) get EXECUTE, files named like kernel modules (.ko, .ko.gz, .ko.xz,
 *	.ko.zst) KMODULE, others nothing, and their content is not read
 * @md: digest algorithm, as OpenSSL names it
 * @progress: called now and then by the calling thread, or NULL
 * @failed: result on failure: number of the file that it is about
 * @err: filled in on failure
 *
 * A file that changes while it is read is an error. Of what was found in a folder, a
 * file that went away is skipped, and one that cannot be read and nobody may execute.
 *
 * For a seal, a file that is open for writing is an error, too: whoever has mapped it
 * changes it, and no time in its inode tells. The kernel has writers wait while it is
 * read (a lease), where it lets the caller ask for that.
 *
 * Return: 0, -RCPT_INVALID when a file changed, or is to be executed and needs an
 * executable stack, which ANON_EXEC is not given for; -RCPT_CANNOT_EVALUATE for one of
 * over RCPT_MAX_ARTIFACT bytes; or -RCPT_SYSTEM.
 */
int hash_artifacts(struct artifacts *list, uint8_t usage, const char *md,
		   void (*progress)(size_t done, size_t total), size_t *failed,
		   struct rcpt_error *err);

#endif /* HASH_H */
