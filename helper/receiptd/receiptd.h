/* SPDX-License-Identifier: MIT */
/*
 * receiptd: what its files offer each other, sectioned by file.
 */
#ifndef RECEIPTD_H
#define RECEIPTD_H

#include <stdbool.h>
#include <stddef.h>

#include "answer.h"
#include "policy.h"

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
 * preload.c: evidence that is sent before anybody asks
 */
#define PRELOAD_FILES	128

/**
 * struct preloads - files whose evidence the kernel shall always have
 * @n: used entries of @at
 * @at: one per file
 * @at.path: of the file, own memory
 * @at.digests: of its content at the start
 */
struct preloads {
	size_t n;
	struct {
		char *path;
		struct rcpt_digests digests;
	} at[PRELOAD_FILES];
};

void preloads_add(struct preloads *p, const char *path);
void preloads_add_self(struct preloads *p);
void preloads_send(const struct preloads *p, struct rcpt_answerer *a,
		   const struct rcpt_sink *sink);
void preloads_free(struct preloads *p);

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
 * keeper.c: a process that writes them
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

void keeper_start(struct keeper *k, const char *dir);
void keeper_send_floor(const struct keeper *k, struct rcpt_nl *nl);
void keeper_note(struct keeper *k, const struct rcpt_nl_status *status);

/*
 * sandbox.c: what is given up before the first look-up is read
 */
int sandbox_enter(bool keeper, struct rcpt_error *err);

/*
 * serve.c: the loop
 */

/**
 * struct service - all that serving needs
 * @nl: connection, registered
 * @answerer: where evidence comes from
 * @keeper: is told of the active policy
 * @preloads: sent whenever the policy has changed
 * @generation: of the policy that they were sent under
 * @signals: signalfd, non-blocking
 * @queue: look-ups
 */
struct service {
	struct rcpt_nl *nl;
	struct rcpt_answerer answerer;
	struct keeper keeper;
	struct preloads preloads;
	uint64_t generation;
	int signals;
	struct queue queue;
};

int serve_refresh(struct service *s, struct rcpt_error *err);
int serve(struct service *s, struct rcpt_error *err);

#endif /* RECEIPTD_H */
