/* SPDX-License-Identifier: MIT */
/*
 * receiptd: what its files offer each other, sectioned by file.
 */
#ifndef RECEIPTD_H
#define RECEIPTD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "answer.h"
#include "manifest.h"
#include "policy.h"
#include "store.h"

/*
 * log.c: messages to standard error, dropped when nobody takes them
 */
enum log_level { LOG_ERROR = 3, LOG_WARNING = 4, LOG_INFO = 6, LOG_DEBUG = 7 };

void log_init(bool verbose);
void log_line(enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *log_escape(const char *in, char *out, size_t size);
const char *log_digest(const struct rcpt_nl_lookup *lookup, char *out, size_t size);

/*
 * notify.c: the service manager
 */
void notify_open(void);
void notify_send(const char *state);
int notify_watchdog_ms(void);

/*
 * queue.c: look-ups to be answered
 */

/* The kernel's list is the queue; what does not fit here is fetched again. */
#define QUEUE_SIZE	256

/**
 * struct queue - look-ups in the order in which they came
 * @first: number of the oldest in @entry
 * @n: how many
 * @overflow: some were left out, or got lost: the kernel must be asked for all
 * @failed: something else went wrong: it need not be asked at once
 * @entry: ring; paths are not kept
 */
struct queue {
	size_t first;
	size_t n;
	bool overflow;
	bool failed;
	struct rcpt_nl_lookup entry[QUEUE_SIZE];
};

void queue_push(struct queue *q, const struct rcpt_nl_lookup *lookup);
bool queue_pop(struct queue *q, struct rcpt_nl_lookup *lookup);
void queue_clear(struct queue *q);

/*
 * sources.c: where evidence comes from
 */
#define SOURCES_KEYS	64

/**
 * struct sources - what the command line says of it
 * @stores: folders
 * @nstores: how many
 * @issuer_keys: files with keys of issuers
 * @nissuer_keys: how many
 */
struct sources {
	const char *stores[RCPT_MAX_STORES];
	size_t nstores;
	const char *issuer_keys[SOURCES_KEYS];
	size_t nissuer_keys;
};

int sources_open(struct rcpt_answerer *a, const struct sources *s, struct rcpt_error *err);

/*
 * bootstrap.c: evidence about what the next helper starts with
 */
#define BOOTSTRAP_ROOTS		80
#define BOOTSTRAP_FOLDERS	32
#define BOOTSTRAP_FILES		160	/* with three kinds of digests each, the kernel keeps them */

/**
 * struct bootstrap_file - a file that a start needs
 * @st: as it was when it was hashed
 * @digests: of its content
 * @seen: in this look
 * @sent: the kernel has taken evidence about it under the active policy
 * @path: for people
 */
struct bootstrap_file {
	struct stat st;
	struct rcpt_digests digests;
	bool seen;
	bool sent;
	char path[256];
};

/**
 * struct bootstrap - all of them
 * @sources: where evidence comes from
 * @answerer: opened
 * @changes: inotify, or -1
 * @self: path of the helper
 * @roots: programs
 * @nroots: how many
 * @folders: where libraries are, own memory
 * @nfolders: how many
 * @n: used entries of @at
 * @at: one for each file
 */
struct bootstrap {
	const struct sources *sources;
	struct rcpt_answerer answerer;
	int changes;
	char self[4096];
	const char *roots[BOOTSTRAP_ROOTS];
	size_t nroots;
	char *folders[BOOTSTRAP_FOLDERS];
	size_t nfolders;
	size_t n;
	struct bootstrap_file at[BOOTSTRAP_FILES];
};

void bootstrap_open(struct bootstrap *b, const char *const *preloads, size_t npreloads);
void bootstrap_send(struct bootstrap *b, struct rcpt_nl *nl, bool anew);
bool bootstrap_changed(const struct bootstrap *b);

/*
 * floors.c: the file that keeps the floor of each policy
 */
#define FLOORS_MAX	64

/**
 * struct floors - floors by the name of the policy
 * @n: used entries of @at
 * @at: in the order in which their policies were active last
 */
struct floors {
	size_t n;
	struct receipt_lowest at[FLOORS_MAX];
};

const struct receipt_lowest *floors_find(const struct floors *f, const char *name);
bool floors_raise(struct floors *f, const struct receipt_lowest *to);
int floors_parse(struct floors *f, const char *text, size_t len, struct rcpt_error *err);
int floors_load(const char *dir, struct floors *f, struct rcpt_error *err);
int floors_save(const char *dir, const struct floors *f, struct rcpt_error *err);

/*
 * keeper.c: a process that writes them, and sends what the next helper needs
 */
#define RECEIPTD_STATE	"/var/lib/receipt"

/**
 * struct keeper - the helper's end of it
 * @to: takes notes for it, never waits; -1 when there is none
 * @floors: as in the file, and what it was told since
 */
struct keeper {
	int to;
	struct floors floors;
};

void keeper_start(struct keeper *k, const char *dir, const struct sources *sources,
		  const char *const *preloads, size_t npreloads);
void keeper_send_floor(const struct keeper *k, struct rcpt_nl *nl);
void keeper_note(struct keeper *k, const struct rcpt_nl_status *status);

/*
 * indexer.c: a process that keeps the indexes in line with the bundles
 */

/**
 * struct indexer - the helper's end of it
 * @to: takes the numbers of stores, never waits; -1 when there is none
 * @state: for each store, what was said of its index
 */
struct indexer {
	int to;
	enum rcpt_store_state state[RCPT_MAX_STORES];
};

void indexer_start(struct indexer *ix, const struct sources *sources, const struct keeper *k);
void indexer_tell(struct indexer *ix, const struct rcpt_stores *stores);

/*
 * sandbox.c: what is given up before the first look-up is read
 */

/**
 * struct sandbox - what is not given up
 * @sources: the helper reads the stores
 * @own: folder that the keeper writes to, there if it can be made; NULL for others
 * @indexes: the indexer writes those of the stores
 */
struct sandbox {
	const struct sources *sources;
	const char *own;
	bool indexes;
};

int sandbox_enter(const struct sandbox *box, struct rcpt_error *err);

/*
 * serve.c: the loop
 */

/**
 * struct service - all that serving needs
 * @nl: connection, registered
 * @answerer: where evidence comes from
 * @keeper: is told of the active policy
 * @indexer: is told of indexes that are no good
 * @sources: where evidence comes from, as named
 * @generation: of the policy that the keeper was told of
 * @signals: signalfd, non-blocking
 * @queue: look-ups
 */
struct service {
	struct rcpt_nl *nl;
	struct rcpt_answerer answerer;
	struct keeper keeper;
	struct indexer indexer;
	const struct sources *sources;
	uint64_t generation;
	int signals;
	struct queue queue;
};

int serve_refresh(struct service *s, struct rcpt_error *err);
int serve(struct service *s, struct rcpt_error *err);

#endif /* RECEIPTD_H */
