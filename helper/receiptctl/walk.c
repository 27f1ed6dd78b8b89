// SPDX-License-Identifier: MIT
/*
 * Finding the files that a seal may cover.
 */
#include "walk.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILES	(16u << 20)	/* looked at; what is taken has its own bound */

static int no_memory(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "out of memory");
}

static int make_room(struct artifacts *list)
{
	size_t cap = list->cap ? 2 * list->cap : 64;
	struct artifact *item;

	if (list->n < list->cap)
		return 0;
	item = realloc(list->item, cap * sizeof(*item));
	if (!item)
		return -1;
	list->item = item;
	list->cap = cap;
	return 0;
}

static int add(struct artifacts *list, const FTSENT *entry, struct rcpt_error *err)
{
	struct artifact *a;

	if (list->n == MAX_FILES)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "more than %u files", MAX_FILES);
	if (make_room(list))
		return no_memory(err);
	a = &list->item[list->n];
	memset(a, 0, sizeof(*a));
	a->named = entry->fts_level == FTS_ROOTLEVEL;
	a->path = strdup(entry->fts_path);
	if (!a->path)
		return no_memory(err);
	list->n++;
	return 0;
}

static int visit(struct artifacts *list, const FTSENT *entry, struct rcpt_error *err)
{
	switch (entry->fts_info) {
	case FTS_F:
		return add(list, entry, err);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
	case FTS_SLNONE:
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
				 RCPT_NO_OFFSET, "cannot read: %s",
				 strerror(entry->fts_errno ? entry->fts_errno : ENOENT));
	case FTS_DEFAULT:
	case FTS_SL:
		/* A socket or a device among others is no matter, unless named. */
		if (entry->fts_level == FTS_ROOTLEVEL)
			return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_UNREADABLE,
					 RCPT_NO_OFFSET, "neither a file nor a folder");
	}
	return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

int walk_path(const char *path, struct artifacts *list, char **failed,
	      struct rcpt_error *err)
{
	char *paths[] = { (char *)path, NULL };
	FTSENT *entry;
	FTS *fts;
	int rc = 0;

	*failed = NULL;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_XDEV,
		       by_name);
	if (!fts)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
				 RCPT_NO_OFFSET, "cannot read: %s", strerror(errno));
	errno = 0;
	while (!rc && (entry = fts_read(fts))) {
		rc = visit(list, entry, err);
		if (rc)
			*failed = strdup(entry->fts_path);
		errno = 0;
	}
	if (!rc && errno)
		rc = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
			       RCPT_NO_OFFSET, "cannot read: %s", strerror(errno));
	fts_close(fts);
	return rc;
}

void artifacts_free(struct artifacts *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->item[i].path);
	free(list->item);
	memset(list, 0, sizeof(*list));
}
