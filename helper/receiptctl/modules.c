// SPDX-License-Identifier: MIT
/*
 * Files of the kernel modules that are in use: their names from /proc/modules,
 * the files from modules.dep. What was loaded from elsewhere has no file.
 */
#include "modules.h"

#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* "a-b" and "a_b" are one module. */
static void normalise(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

/* Names, one an allocation; without memory some are missing. */
static void *read_names(void)
{
	FILE *f = fopen("/proc/modules", "re");
	char *line = NULL, *name;
	void *names = NULL;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		line[strcspn(line, " \n")] = '\0';
		normalise(line);
		name = strdup(line);
		if (name && !tsearch(name, &names, compare))
			free(name);
	}
	free(line);
	if (f)
		fclose(f);
	return names;
}

/* "kernel/fs/a-b.ko.xz" is a_b; false when the line is none of a module. */
static int is_wanted(void *names, const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[NAME_MAX + 1], *end;

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : path);
	end = strstr(name, ".ko");
	if (!end)
		return 0;
	*end = '\0';
	normalise(name);
	return tfind(name, &names, compare) != NULL;
}

static int walk_list(FILE *f, const char *folder, void *names,
		     int (*fn)(const char *path, void *arg), void *arg)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	int ret = 0;

	while (!ret && getline(&line, &room, f) > 0) {
		line[strcspn(line, ":\n")] = '\0';
		if (!is_wanted(names, line))
			continue;
		if (snprintf(path, sizeof(path), "%s%s%s", *line == '/' ? "" : folder,
			     *line == '/' ? "" : "/", line) < (int)sizeof(path))
			ret = fn(path, arg);
	}
	free(line);
	return ret;
}

/**
 * modules_in_use() - call a function with the file of each module in use
 * @fn: returns 0 to go on
 * @arg: for @fn
 *
 * Return: what @fn returned; 0 also when there is no modules.dep.
 */
int modules_in_use(int (*fn)(const char *path, void *arg), void *arg)
{
	void *names = read_names();
	char folder[PATH_MAX], list[PATH_MAX + 16];
	struct utsname uts;
	int ret = 0;
	FILE *f;

	uname(&uts);
	snprintf(folder, sizeof(folder), "/lib/modules/%s", uts.release);
	snprintf(list, sizeof(list), "%s/modules.dep", folder);
	f = fopen(list, "re");
	if (f) {
		ret = walk_list(f, folder, names, fn, arg);
		fclose(f);
	}
	tdestroy(names, free);
	return ret;
}
