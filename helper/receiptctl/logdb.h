/* SPDX-License-Identifier: MIT */
/*
 * The database of a log, opened so that what somebody put into its directory makes
 * SQLite neither write, nor delete, nor work without end.
 */
#ifndef LOGDB_H
#define LOGDB_H

#include <sqlite3.h>
#include <stdint.h>
#include <sys/stat.h>

#include "receipt.h"

enum logdb_how {
	LOGDB_READ,	/* writes and deletes nothing */
	LOGDB_WRITE,
	LOGDB_CREATE,	/* likewise, and makes it when there is none */
};

/**
 * struct logdb - an open database; NULL @db when it is not
 * @db: connection
 * @steps: of SQLite since logdb_alive()
 * @file: log.db, when it is read as a file that does not change; else -1
 * @state: of it when it was opened
 */
struct logdb {
	sqlite3 *db;
	uint64_t steps;
	int file;
	struct stat state;
};

/**
 * logdb_open() - open the database of a log
 * @dir: of the log
 * @how: what for
 * @db: result, for logdb_close() also on failure
 * @err: filled in on failure
 *
 * All files of the log must be regular ones, and be the caller's or root's; a log is in
 * WAL mode, so that log.db-journal is not its own. What is read while another process
 * writes is what was committed before.
 *
 * Return: 0, -RCPT_MALFORMED, -RCPT_INVALID for files that are not the log's, or
 * -RCPT_SYSTEM.
 */
int logdb_open(const char *dir, enum logdb_how how, struct logdb *db, struct rcpt_error *err);

/**
 * logdb_alive() - there was a result: SQLite may go on working for as long again
 * @db: open
 */
void logdb_alive(struct logdb *db);

/**
 * logdb_unchanged() - was what was read the log, of one moment?
 * @db: open
 * @err: filled in when not
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int logdb_unchanged(const struct logdb *db, struct rcpt_error *err);

/**
 * logdb_fail() - say what SQLite says
 * @db: open
 * @err: filled in
 *
 * Return: negative status.
 */
int logdb_fail(struct logdb *db, struct rcpt_error *err);

/**
 * logdb_close() - close it
 * @db: as logdb_open() left it; all zero is fine
 */
void logdb_close(struct logdb *db);

#endif /* LOGDB_H */
