// SPDX-License-Identifier: MIT
/*
 * Files of kernel modules: their names come from a list, such as /proc/modules,
 * the files from modules.dep. What was loaded from elsewhere has no file there.
 */
#include "modules.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "receipt.h"

#define MAX_NAMES	8192	/* of modules */

struct name {
	char *text;
	bool found;
};

struct names {
	size_t n;
	struct name at[MAX_NAMES];
};

static int compare(const void *a, const void *b)
{
	const struct name *one = a, *other = b;

	return strcmp(one->text, other->text);
}

/* The start of the next line, up to any of @ends; what follows is passed over. */
static bool next_word(FILE *f, const char *ends, char word[PATH_MAX])
{
	bool whole;
	int c = 0;

	if (!fgets(word, PATH_MAX, f))
		return false;
	whole = strchr(word, '\n');
	word[strcspn(word, ends)] = '\0';
	while (!whole && c != '\n' && c != EOF)
		c = getc(f);
	return true;
}

/* "a-b" and "a_b" are one module. */
static void normalise(char *name)
{
	for (; *name; name++)
		if (*name == '-')
			*name = '_';
}

/* Return: whether there was memory for all of them. */
static bool read_names(FILE *f, struct names *names)
{
	char word[PATH_MAX];

	while (names->n < MAX_NAMES && next_word(f, " \t#;\n", word)) {
		if (!*word)
			continue;
		normalise(word);
		names->at[names->n].text = strdup(word);
		if (!names->at[names->n].text)
			return false;
		names->n++;
	}
	qsort(names->at, names->n, sizeof(names->at[0]), compare);
	return true;
}

/* "kernel/fs/a-b.ko.xz" is a_b; NULL when that is not among the names. */
static struct name *find_name(struct names *names, const char *path)
{
	const char *slash = strrchr(path, '/');
	char text[PATH_MAX], *end;
	struct name name = { .text = text };

	snprintf(text, sizeof(text), "%s", slash ? slash + 1 : path);
	end = strstr(text, ".ko");
	if (!end)
		return NULL;
	*end = '\0';
	normalise(text);
	return bsearch(&name, names->at, names->n, sizeof(names->at[0]), compare);
}

static int walk_list(FILE *list, const char *folder, struct names *names, module_fn fn, void *arg)
{
	char path[2 * PATH_MAX], word[PATH_MAX];
	struct name *name;
	int ret = 0;

	while (!ret && next_word(list, ":\n", word)) {
		name = find_name(names, word);
		if (!name)
			continue;
		name->found = true;
		snprintf(path, sizeof(path), "%s%s%s", *word == '/' ? "" : folder,
			 *word == '/' ? "" : "/", word);
		ret = fn(name->text, path, arg);
	}
	return ret;
}

static int walk_rest(const struct names *names, module_fn fn, void *arg)
{
	int ret = 0;

	for (size_t i = 0; i < names->n && !ret; i++)
		if (!names->at[i].found)
			ret = fn(names->at[i].text, NULL, arg);
	return ret;
}

/**
 * modules_find() - call a function with the file of each module that is named
 * @wanted: names, one in a line; what follows one is passed over, and over 8192
 * @list: modules.dep, or NULL: none has a file
 * @folder: that paths in @list are below of
 * @fn: returns 0 to go on
 * @arg: for @fn
 *
 * Return: what @fn returned, or RCPT_SYSTEM without memory.
 */
int modules_find(FILE *wanted, FILE *list, const char *folder, module_fn fn, void *arg)
{
	struct names *names = calloc(1, sizeof(*names));
	int ret = RCPT_SYSTEM;

	if (names && read_names(wanted, names)) {
		ret = list ? walk_list(list, folder, names, fn, arg) : 0;
		if (!ret)
			ret = walk_rest(names, fn, arg);
	}
	while (names && names->n)
		free(names->at[--names->n].text);
	free(names);
	return ret;
}

/**
 * modules_in_use() - call a function with the file of each module in use
 * @fn: returns 0 to go on
 * @arg: for @fn
 *
 * Return: what @fn returned, or RCPT_SYSTEM without memory; 0 also on a kernel
 * without modules.
 */
int modules_in_use(module_fn fn, void *arg)
{
	char folder[PATH_MAX], path[PATH_MAX + 16];
	FILE *wanted = fopen("/proc/modules", "re"), *list;
	struct utsname uts;
	int ret;

	if (!wanted)
		return 0;
	uname(&uts);
	snprintf(folder, sizeof(folder), "/lib/modules/%s", uts.release);
	snprintf(path, sizeof(path), "%s/modules.dep", folder);
	list = fopen(path, "re");
	ret = modules_find(wanted, list, folder, fn, arg);
	if (list)
		fclose(list);
	fclose(wanted);
	return ret;
}
