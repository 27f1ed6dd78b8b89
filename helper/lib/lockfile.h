/* SPDX-License-Identifier: MIT */
/*
 * Locks that are files of their own.
 */
#ifndef RCPT_LOCKFILE_H
#define RCPT_LOCKFILE_H

#include <sys/types.h>

#include "receipt.h"

#define RCPT_LOCK_WAIT_MS	30000	/* for others that do the same work */

/**
 * rcpt_lock_take() - take a lock
 * @path: its file, made with mode 0600 when it is missing, of the owner of its folder.
 *	Nobody else can open it, so nobody else can hold it.
 * @wait_ms: how long to wait for another process
 * @fd: result, for rcpt_lock_drop(); the kernel drops the lock of a process that dies
 * @err: filled in on failure; names the process that holds the lock
 *
 * Context: Sleeps for at most @wait_ms.
 * Return: 0; -RCPT_INVALID when the file is a link, no regular file, has another name or
 * belongs to somebody else; -RCPT_SYSTEM when the lock is still held, or on any other error.
 */
int rcpt_lock_take(const char *path, unsigned int wait_ms, int *fd, struct rcpt_error *err);

/**
 * rcpt_lock_drop() - drop a lock
 * @fd: of rcpt_lock_take(), or -1
 */
void rcpt_lock_drop(int fd);

/**
 * rcpt_lock_holder() - name the process that holds a lock on a file
 * @path: the file
 * @text: result: "process 17 (tail)", or "another process" when the kernel does not tell
 * @room: bytes of @text
 *
 * Return: its number, or 0.
 */
pid_t rcpt_lock_holder(const char *path, char *text, size_t room);

#endif /* RCPT_LOCKFILE_H */
