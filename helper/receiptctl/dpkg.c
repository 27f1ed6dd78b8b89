// SPDX-License-Identifier: MIT
/*
 * Which package a file came with: dpkg's lists are read, no program is run. The
 * files that matter are named first; then each list is read once.
 */
#include "dpkg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LISTS	"/var/lib/dpkg/info"
#define MAX_TEXT	(64u << 20)	/* bytes of a list */
#define MAX_LISTS	65536
#define STATUS	"/var/lib/dpkg/status"

/**
 * struct wanted - a file
 * @path: with /usr where that is merged
 * @package: NULL while none is known; the first one has it
 */
struct wanted {
	char *path;
	const struct package *package;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct wanted *)a)->path, ((const struct wanted *)b)->path);
}

/* /bin/x and /usr/bin/x are one file, whichever the list has. */
static bool merged(const char *path)
{
	static const char *const dirs[] = {
		"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (!strncmp(path, dirs[i], strlen(dirs[i])))
			return true;
	return false;
}

static bool normalise(const char *path, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s%s", merged(path) ? "/usr" : "", path);

	return len > 0 && len < PATH_MAX;
}

static struct wanted *find(const struct packages *p, const char *path)
{
	char name[PATH_MAX];
	struct wanted key = { .path = name };
	struct wanted **found = normalise(path, name) ? tfind(&key, &p->files, compare) : NULL;

	return found ? *found : NULL;
}

static void wanted_free(void *node)
{
	struct wanted *w = node;

	free(w->path);
	free(w);
}

/**
 * packages_want() - name a file whose package is wanted
 * @p: not read yet
 * @path: of the file
 * @err: filled in on failure
 *
 * Return: 0 or -RCPT_SYSTEM without memory.
 */
int packages_want(struct packages *p, const char *path, struct rcpt_error *err)
{
	char name[PATH_MAX];
	struct wanted *w;

	if (find(p, path) || !normalise(path, name))
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return rcpt_no_memory(err);
	w->path = strdup(name);
	if (w->path && tsearch(w, &p->files, compare))
		return 0;
	wanted_free(w);
	return rcpt_no_memory(err);
}

/*
 * Reading
 */

/* Below the root; links do not lead out of it. */
static FILE *open_text(int root, const char *path)
{
	return rcpt_text_open(root, path, RESOLVE_IN_ROOT, MAX_TEXT, NULL);
}

/* Return: whether there is a line; those that do not fit are passed over. */
static bool next_line(FILE *f, char line[PATH_MAX])
{
	bool whole, begun = false;

	while (fgets(line, PATH_MAX, f)) {
		whole = strchr(line, '\n') || feof(f);
		if (whole && !begun) {
			line[strcspn(line, "\n")] = '\0';
			return true;
		}
		begun = !whole;
	}
	return false;
}

static int fail_open(const char *path, struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot read %s: %s", path, strerror(errno));
}

static void package_free(struct package *pkg)
{
	free(pkg->name);
	free(pkg->arch);
	free(pkg->version);
	free(pkg);
}

static struct package *new_package(const char *name)
{
	struct package *pkg = calloc(1, sizeof(*pkg));
	size_t len = strcspn(name, ":");

	if (!pkg)
		return NULL;
	pkg->name = strndup(name, len);
	pkg->arch = strdup(name[len] ? name + len + 1 : "");
	pkg->version = strdup("");
	if (pkg->name && pkg->arch && pkg->version)
		return pkg;
	package_free(pkg);
	return NULL;
}

/* @name: "bash" or "libc6:amd64" */
static struct package *add_package(struct packages *p, const char *name)
{
	size_t cap = p->cap ? 2 * p->cap : 64;
	struct package **at;

	if (p->n == p->cap) {
		at = realloc(p->at, cap * sizeof(*at));
		if (!at)
			return NULL;
		p->at = at;
		p->cap = cap;
	}
	p->at[p->n] = new_package(name);
	return p->at[p->n] ? p->at[p->n++] : NULL;
}

static int read_list(struct packages *p, FILE *f, const char *name, struct rcpt_error *err)
{
	struct package *pkg = NULL;
	char line[PATH_MAX];
	struct wanted *w;

	while (next_line(f, line)) {
		w = find(p, line);
		if (!w || w->package)
			continue;
		if (!pkg)
			pkg = add_package(p, name);
		if (!pkg)
			return rcpt_no_memory(err);
		w->package = pkg;
	}
	return 0;
}

/* Return: whether it is NAME.list or NAME:ARCH.list; @name without the end then. */
static bool list_name(const char *file, char name[NAME_MAX + 1])
{
	size_t len = strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789+-.:");

	if (file[len] || len < 6 || len > NAME_MAX || strcmp(file + len - 5, ".list"))
		return false;
	memcpy(name, file, len - 5);
	name[len - 5] = '\0';
	return *name != '.' && *name != ':' && *name != '-';
}

static int open_list(struct packages *p, int root, const char *file,
		     struct rcpt_error *err)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	FILE *f;
	int ret;

	if (!list_name(file, name))
		return 0;
	snprintf(path, sizeof(path), LISTS "/%s", file);
	f = open_text(root, path);
	if (!f)
		return fail_open(path, err);
	ret = read_list(p, f, name, err);
	fclose(f);
	return ret;
}

/**
 * struct stanza - a package in the status file
 * @name: empty: between two
 * @arch: of it
 * @version: of it
 */
struct stanza {
	char name[128];
	char arch[32];
	char version[256];
};

static void take_value(const char *line, const char *key, char *out, size_t room)
{
	size_t len = strlen(key);

	if (!strncmp(line, key, len) && strlen(line + len) < room)
		strcpy(out, line + len);
}

static int set_version(struct packages *p, const struct stanza *s, struct rcpt_error *err)
{
	char *version;

	for (size_t i = 0; i < p->n; i++) {
		if (strcmp(p->at[i]->name, s->name) ||
		    (*p->at[i]->arch && strcmp(p->at[i]->arch, s->arch)))
			continue;
		version = strdup(s->version);
		if (!version)
			return rcpt_no_memory(err);
		free(p->at[i]->version);
		p->at[i]->version = version;
	}
	return 0;
}

static int read_status(struct packages *p, FILE *f, struct rcpt_error *err)
{
	struct stanza s = { 0 };
	char line[PATH_MAX];
	int ret = 0;

	while (!ret && next_line(f, line)) {
		take_value(line, "Package: ", s.name, sizeof(s.name));
		take_value(line, "Architecture: ", s.arch, sizeof(s.arch));
		take_value(line, "Version: ", s.version, sizeof(s.version));
		if (*line)
			continue;
		ret = set_version(p, &s, err);
		memset(&s, 0, sizeof(s));
	}
	return ret ? ret : set_version(p, &s, err);
}

/* Versions are an ornament: without the file there are none. */
static int open_status(struct packages *p, int root, struct rcpt_error *err)
{
	FILE *f = open_text(root, STATUS);
	int ret;

	if (!f)
		return 0;
	ret = read_status(p, f, err);
	fclose(f);
	return ret;
}

static int read_lists(struct packages *p, int root, struct rcpt_error *err)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT };
	int fd = syscall(SYS_openat2, root, LISTS, &how, sizeof(how)), ret = 0, n = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		ret = errno == ENOENT && fd < 0 ? 0 : fail_open(LISTS, err);
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (entry = readdir(dir)) && n++ < MAX_LISTS)
		ret = open_list(p, root, entry->d_name, err);
	closedir(dir);
	if (!ret && n > MAX_LISTS)
		ret = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				LISTS ": over %d files", MAX_LISTS);
	return ret ? ret : open_status(p, root, err);
}

/**
 * packages_read() - find the packages of the files that are wanted
 * @p: with them
 * @root: folder that the database is below, "" for this machine
 * @err: filled in on failure
 *
 * Without a database no file has a package.
 *
 * Return: 0, or -RCPT_SYSTEM when it cannot be read.
 */
int packages_read(struct packages *p, const char *root, struct rcpt_error *err)
{
	int fd = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail_open(root, err);
	ret = read_lists(p, fd, err);
	close(fd);
	return ret;
}

/**
 * packages_of() - which package has a file?
 * @p: read
 * @path: a file that was wanted
 *
 * Return: its package; NULL when it is of none.
 */
const struct package *packages_of(const struct packages *p, const char *path)
{
	const struct wanted *w = find(p, path);

	return w ? w->package : NULL;
}

/**
 * packages_free() - free all
 * @p: left empty
 */
void packages_free(struct packages *p)
{
	tdestroy(p->files, wanted_free);
	while (p->n)
		package_free(p->at[--p->n]);
	free(p->at);
	memset(p, 0, sizeof(*p));
}
