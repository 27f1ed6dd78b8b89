// SPDX-License-Identifier: MIT
/*
 * Evidence that is sent before anybody asks: about the helper itself, which the
 * kernel cannot ask for when no helper runs, and about programs that must start
 * then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest.h"
#include "receiptd.h"

/**
 * preloads_add() - remember a file
 * @p: grows by one
 * @path: of the file; a problem with it is logged
 */
void preloads_add(struct preloads *p, const char *path)
{
	struct rcpt_error err = { 0 };

	if (p->n == PRELOAD_FILES) {
		log_line(LOG_WARNING, "%s: more than %d files", path, PRELOAD_FILES);
		return;
	}
	if (rcpt_digest_file(path, &p->at[p->n].digests, &err)) {
		log_line(LOG_WARNING, "%s: %s", path, err.text);
		return;
	}
	p->at[p->n].path = strdup(path);
	if (p->at[p->n].path)
		p->n++;
}

/* A line of maps: "START-END PERM OFFSET DEV INODE    PATH". */
static char *mapped_program(char *line)
{
	char perm[8], *path = strchr(line, '/');

	if (!path || sscanf(line, "%*s %7s", perm) != 1 || !strchr(perm, 'x'))
		return NULL;
	path[strcspn(path, "\n")] = '\0';
	return path;
}

/**
 * preloads_add_self() - remember this program, its libraries, its loader
 * @p: grows
 */
void preloads_add_self(struct preloads *p)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096 + 128], *path;

	if (!maps) {
		log_line(LOG_WARNING, "/proc/self/maps: %s", strerror(errno));
		return;
	}
	while (fgets(line, sizeof(line), maps)) {
		path = mapped_program(line);
		if (path && (!p->n || strcmp(path, p->at[p->n - 1].path)))
			preloads_add(p, path);
	}
	fclose(maps);
}

static size_t send_file(const struct rcpt_digests *digests,
			struct rcpt_answerer *a, const struct rcpt_sink *sink,
			struct rcpt_error *err)
{
	size_t accepted, total = 0;

	for (size_t i = 0; i < digests->n; i++) {
		const struct rcpt_digest *d = &digests->digests[i];

		if (rcpt_preload(a, d->kind, rcpt_span(d->bytes, rcpt_digest_len(d->kind)),
				 sink, &accepted, err))
			log_line(LOG_WARNING, "%s", err->text);
		total += accepted;
	}
	return total;
}

/**
 * preloads_send() - send what the stores have on the files
 * @p: files
 * @a: where evidence comes from
 * @sink: where it goes
 */
void preloads_send(const struct preloads *p, struct rcpt_answerer *a,
		   const struct rcpt_sink *sink)
{
	struct rcpt_error err = { 0 };

	for (size_t i = 0; i < p->n; i++)
		log_line(LOG_DEBUG, "preload %s: %zu statements", p->at[i].path,
			 send_file(&p->at[i].digests, a, sink, &err));
}

/**
 * preloads_free() - forget all files
 * @p: left empty
 */
void preloads_free(struct preloads *p)
{
	while (p->n)
		free(p->at[--p->n].path);
}
