// SPDX-License-Identifier: MIT
/* Which type of file system a file is on. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fstype.h"

/* A line of mountinfo, see proc(5): "ID ... - TYPE SOURCE OPTIONS". */
static bool take_line(char *line, unsigned long long id, char *name)
{
	char *dash = strstr(line, " - ");
	size_t len;

	if (strtoull(line, NULL, 10) != id || !dash)
		return false;
	dash += 3;
	len = strcspn(dash, " ");
	if (!len || len > RECEIPT_FSTYPE_MAX)
		return false;
	memcpy(name, dash, len);
	name[len] = '\0';
	return true;
}

/**
 * fstype_of() - the type of file system that a file is on
 * @path: of the file
 * @name: room for the result
 *
 * Of a file on overlayfs this is "overlay", where the kernel goes by the layer.
 *
 * Return: @name; NULL when it cannot be told.
 */
const char *fstype_of(const char *path, char name[RECEIPT_FSTYPE_MAX + 1])
{
	const char *found = NULL;
	char *line = NULL;
	struct statx stx;
	size_t size = 0;
	FILE *f;

	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID, &stx) || !(stx.stx_mask & STATX_MNT_ID))
		return NULL;
	f = fopen("/proc/self/mountinfo", "re");
	if (!f)
		return NULL;
	while (!found && getline(&line, &size, f) > 0)
		if (take_line(line, stx.stx_mnt_id, name))
			found = name;
	free(line);
	fclose(f);
	return found;
}
