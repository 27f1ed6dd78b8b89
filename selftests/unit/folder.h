/* SPDX-License-Identifier: MIT */
/*
 * A folder for a test, and what is in it.
 */
#ifndef FOLDER_H
#define FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
				    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What a shell command prints, until the next one, and its exit status. */
static inline char *folder_output(const char *cmd, int *status)
{
	static char out[1 << 16];
	FILE *f = popen(cmd, "r");

	assert_non_null(f);
	out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
	*status = WEXITSTATUS(pclose(f));
	return out;
}

/* A new folder; its name is to be given to folder_remove(). */
static inline char *folder_make(void)
{
	const char *base = getenv("TMPDIR");
	char *path;

	assert_true(asprintf(&path, "%s/receipt-test-XXXXXX", base ? base : "/tmp") > 0);
	assert_non_null(mkdtemp(path));
	return path;
}

static inline void folder_remove(char *path)
{
	nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/* DIR/NAME; the result is good until the fourth call after. */
static inline const char *in_folder(const char *dir, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", dir, name);
	return path;
}

static inline void folder_write(const char *path, const void *data, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

/* Number of names in @dir that end in @suffix. */
static inline size_t folder_count(const char *dir, const char *suffix)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		size_t len = strlen(entry->d_name);

		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
		    len >= strlen(suffix) &&
		    !strcmp(entry->d_name + len - strlen(suffix), suffix))
			n++;
	}
	closedir(d);
	return n;
}

/* Exit status of a child; a signal is a failure. */
static inline int child_status(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#endif /* FOLDER_H */
