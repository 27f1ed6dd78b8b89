// SPDX-License-Identifier: MIT
/*
 * Finding the files that a seal may cover. The folder that was named is opened once;
 * all below is opened from there, by a path in which no link and no other mount counts:
 * whoever owns a folder in the tree and puts a link in its place leads nobody out.
 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_FILES	(16u << 20)	/* looked at; what is taken has its own bound */
#define MAX_DEPTH	256
#define BELOW		(RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | \
			 RESOLVE_NO_XDEV)

/**
 * struct walk - where the walk is
 * @list: what was found
 * @root: opened folder that was named
 * @prefix: bytes of its name, and of the slash behind it, in @path
 * @path: of what is looked at
 * @depth: of it
 * @err: of the caller
 */
struct walk {
	struct artifacts *list;
	int root;
	size_t prefix;
	char *path;
	unsigned int depth;
	struct rcpt_error *err;
};

static int fail_read(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot read: %s", strerror(errno));
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

/* @prefix: bytes of @path that are not below @dir */
static int add(struct artifacts *list, const char *path, int dir, size_t prefix,
	       struct rcpt_error *err)
{
	struct artifact *a;

	if (list->n == MAX_FILES)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND,
				 RCPT_NO_OFFSET, "more than %u files", MAX_FILES);
	if (make_room(list))
		return rcpt_no_memory(err);
	a = &list->item[list->n];
	memset(a, 0, sizeof(*a));
	a->named = dir == AT_FDCWD;
	a->dir = dir;
	a->resolve = a->named ? 0 : BELOW;
	a->path = strdup(path);
	if (!a->path)
		return rcpt_no_memory(err);
	a->below = a->path + prefix;
	list->n++;
	return 0;
}

/*
 * Folders
 */

struct names {
	size_t n;
	char **at;
};

static void names_free(struct names *names)
{
	while (names->n)
		free(names->at[--names->n]);
	free(names->at);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(DIR *dir, struct names *names, struct rcpt_error *err)
{
	struct dirent *entry;
	char **more;

	for (errno = 0; (entry = readdir(dir)); errno = 0) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		/* Rooms of powers of two. */
		more = names->n & (names->n - 1) ? names->at :
		       realloc(names->at, (names->n ? 2 * names->n : 1) * sizeof(*more));
		if (!more)
			return rcpt_no_memory(err);
		names->at = more;
		more[names->n] = strdup(entry->d_name);
		if (!more[names->n])
			return rcpt_no_memory(err);
		if (++names->n > MAX_FILES)
			return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
					 "more than %u files", MAX_FILES);
	}
	if (errno)
		return fail_read(err);
	if (names->n)
		qsort(names->at, names->n, sizeof(*names->at), by_name);
	return 0;
}

static int open_below(const struct walk *w, int flags)
{
	const char *below = w->path + w->prefix;
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = BELOW };

	return syscall(SYS_openat2, w->root, *below ? below : ".", &how, sizeof(how));
}

static int walk_folder(struct walk *w);

/* What went away meanwhile, or is mounted there, is passed over. */
static int visit(struct walk *w)
{
	int fd = open_below(w, O_PATH | O_NOFOLLOW);
	struct stat st;
	bool told;

	if (fd < 0)
		return errno == ENOENT || errno == EXDEV || errno == ELOOP ? 0 : fail_read(w->err);
	told = !fstat(fd, &st);
	close(fd);
	if (!told)
		return fail_read(w->err);
	if (S_ISREG(st.st_mode))
		return add(w->list, w->path, w->root, w->prefix, w->err);
	return S_ISDIR(st.st_mode) ? walk_folder(w) : 0;
}

static int visit_name(struct walk *w, const char *name)
{
	char *path = w->path;
	int ret;

	if (asprintf(&w->path, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name) < 0) {
		w->path = path;
		return rcpt_no_memory(w->err);
	}
	ret = visit(w);
	if (ret) {
		free(path);	/* what failed is named */
		return ret;
	}
	free(w->path);
	w->path = path;
	return 0;
}

static int walk_folder(struct walk *w)
{
	int fd = open_below(w, O_RDONLY | O_DIRECTORY | O_NONBLOCK), ret = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct names names = { 0 };

	if (!dir && fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (w->depth == MAX_DEPTH)
		ret = rcpt_fail(w->err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				"folders are nested over %u deep", MAX_DEPTH);
	else if (!dir && errno == ELOOP)
		ret = rcpt_fail(w->err, RCPT_INVALID, RECEIPT_REASON_FILE_CHANGED,
				RCPT_NO_OFFSET, "changed while it was read");
	else
		ret = dir ? read_names(dir, &names, w->err) : fail_read(w->err);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	w->depth++;
	for (size_t i = 0; i < names.n && !ret; i++)
		ret = visit_name(w, names.at[i]);
	w->depth--;
	names_free(&names);
	return ret;
}

static int add_root(struct artifacts *list, int fd, struct rcpt_error *err)
{
	int *dirs = realloc(list->dirs, (list->ndirs + 1) * sizeof(*dirs));

	if (!dirs) {
		close(fd);
		return rcpt_no_memory(err);
	}
	list->dirs = dirs;
	dirs[list->ndirs++] = fd;
	return 0;
}

static int walk_root(struct walk *w, const char *path, int fd)
{
	size_t len = strlen(path);
	int ret = add_root(w->list, fd, w->err);

	if (ret)
		return ret;
	w->root = fd;
	w->prefix = len + (path[len - 1] != '/');
	w->path = calloc(1, len + 2);
	if (!w->path)
		return rcpt_no_memory(w->err);
	memcpy(w->path, path, len);
	if (w->prefix > len)
		w->path[len] = '/';
	return walk_folder(w);
}

/* What was named: a folder takes the descriptor. */
static int walk_named(struct walk *w, const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return fail_read(w->err);
	}
	if (S_ISDIR(st.st_mode))
		return walk_root(w, path, fd);
	close(fd);
	if (S_ISREG(st.st_mode))
		return add(w->list, path, AT_FDCWD, 0, w->err);
	return rcpt_fail(w->err, RCPT_MALFORMED, RECEIPT_REASON_UNREADABLE,
			 RCPT_NO_OFFSET, "neither a file nor a folder");
}

int walk_path(const char *path, struct artifacts *list, char **failed,
	      struct rcpt_error *err)
{
	struct walk w = { .list = list, .err = err };
	int ret = walk_named(&w, path);

	*failed = NULL;
	if (ret)
		*failed = strdup(w.path ? w.path : path);
	free(w.path);
	return ret;
}

void artifacts_free(struct artifacts *list)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		free(list->item[i].path);
	while (list->ndirs)
		close(list->dirs[--list->ndirs]);
	free(list->item);
	free(list->dirs);
	memset(list, 0, sizeof(*list));
}
