// SPDX-License-Identifier: MIT
/*
 * Evidence that is sent before anybody asks: about the helper itself, which the
 * kernel will not ask the helper about, and about programs that must start when
 * no helper runs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "manifest.h"
#include "receiptd.h"

#define MAX_FILES	64

/**
 * preload_file() - send what the stores have on a file
 * @a: where evidence comes from
 * @sink: where it goes
 * @path: file
 */
void preload_file(struct rcpt_answerer *a, const struct rcpt_sink *sink,
		  const char *path)
{
	struct rcpt_digests digests;
	struct rcpt_error err = { 0 };
	size_t accepted, total = 0;

	if (rcpt_digest_file(path, &digests, &err)) {
		log_line(LOG_WARNING, "%s: %s", path, err.text);
		return;
	}
	for (size_t i = 0; i < digests.n; i++) {
		const struct rcpt_digest *d = &digests.digests[i];

		if (rcpt_preload(a, d->kind, rcpt_span(d->bytes, rcpt_digest_len(d->kind)),
				 sink, &accepted, &err))
			log_line(LOG_WARNING, "%s: %s", path, err.text);
		total += accepted;
	}
	log_line(LOG_DEBUG, "preload %s: %zu statements", path, total);
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
 * preload_self() - send what the stores have on this program, its libraries and
 *	the dynamic loader
 * @a: where evidence comes from
 * @sink: where it goes
 */
void preload_self(struct rcpt_answerer *a, const struct rcpt_sink *sink)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[4096 + 128], last[sizeof(line)] = "", *path;

	if (!maps) {
		log_line(LOG_WARNING, "/proc/self/maps: %s", strerror(errno));
		return;
	}
	for (int n = 0; n < MAX_FILES && fgets(line, sizeof(line), maps);) {
		path = mapped_program(line);
		if (!path || !strcmp(path, last))
			continue;
		preload_file(a, sink, path);
		strcpy(last, path);
		n++;
	}
	fclose(maps);
}
