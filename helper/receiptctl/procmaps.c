// SPDX-License-Identifier: MIT
/*
 * Files that run or are mapped executable now: /proc/PID/exe, and what
 * /proc/PID/maps has with the letter x. A file is known by device and inode, so
 * that a name that was given to another file misleads nobody.
 */
#include "procmaps.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/**
 * struct walk - where the walk is
 * @files: found so far
 * @proc: folder of all processes
 * @user: the process
 * @id: it, or a thread of it whose folder is read
 * @hidden: it may not be looked at
 * @root: it is root's
 * @added: files that it was the first to have
 * @cut: not all of it was looked at
 * @budget: time for all
 * @err: of the caller
 */
struct walk {
	struct proc_files *files;
	const char *proc;
	struct proc_user user;
	const char *id;
	bool hidden;
	bool root;
	size_t added;
	bool cut;
	struct rcpt_budget budget;
	struct rcpt_error *err;
};

static int by_inode(const void *a, const void *b)
{
	const struct proc_file *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int by_path(const void *a, const void *b)
{
	const struct proc_file *const *x = a, *const *y = b;

	return strcmp((*x)->path, (*y)->path);
}

static void file_free(struct proc_file *f)
{
	free(f->path);
	free(f->link);
	free(f->users);
	free(f);
}

static int make_room(struct proc_files *files)
{
	size_t cap = files->cap ? 2 * files->cap : 256;
	struct proc_file **at;

	if (files->n < files->cap)
		return 0;
	at = realloc(files->at, cap * sizeof(*at));
	if (!at)
		return -1;
	files->at = at;
	files->cap = cap;
	return 0;
}

static struct proc_file *new_file(const struct proc_file *like)
{
	struct proc_file *f = malloc(sizeof(*f));

	if (!f)
		return NULL;
	*f = *like;
	f->path = strdup(like->path);
	f->link = strdup(like->link);
	if (f->path && f->link)
		return f;
	file_free(f);
	return NULL;
}

static int add_file(struct walk *w, const struct proc_file *like, struct proc_file **out)
{
	struct proc_files *files = w->files;
	struct proc_file *f;

	*out = NULL;
	if (files->n == PROC_MAX_FILES || w->added == PROC_MAX_OF_ONE) {
		w->cut = true;
		return 0;
	}
	w->added++;
	f = make_room(files) ? NULL : new_file(like);
	if (!f)
		return rcpt_no_memory(w->err);
	if (!tsearch(f, &files->tree, by_inode)) {
		file_free(f);
		return rcpt_no_memory(w->err);
	}
	files->at[files->n++] = f;
	*out = f;
	return 0;
}

/* Room doubles at each power of two. */
static int add_user(struct walk *w, struct proc_file *f)
{
	size_t n = f->nusers;
	struct proc_user *users;

	if (n && f->last == w->user.pid)
		return 0;
	if (n < PROC_MAX_USERS && !(n & (n - 1))) {
		users = realloc(f->users, (n ? 2 * n : 1) * sizeof(*users));
		if (!users)
			return rcpt_no_memory(w->err);
		f->users = users;
	}
	if (n < PROC_MAX_USERS)
		f->users[n] = w->user;
	f->last = w->user.pid;
	f->nusers++;
	return 0;
}

static int found(struct walk *w, const struct proc_file *like)
{
	struct proc_file **known = tfind(like, &w->files->tree, by_inode);
	struct proc_file *f = known ? *known : NULL;
	int ret = f ? 0 : add_file(w, like, &f);

	if (ret || !f)
		return ret;
	f->of_root |= w->root;
	return add_user(w, f);
}

static FILE *open_in(const struct walk *w, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/%s", w->proc, w->id, name);
	return fopen(path, "re");
}

/* What /proc/PID/maps says of one mapping. */
struct mapping {
	unsigned long start, end;
	unsigned int major, minor;
	unsigned long ino;
	char *path;
};

static bool parse_mapping(char *line, struct mapping *m)
{
	char perms[5];
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%lx-%lx %4s %*x %x:%x %lu %n", &m->start, &m->end, perms, &m->major,
		   &m->minor, &m->ino, &at) != 6 || !at)
		return false;
	m->path = line + at;
	return strchr(perms, 'x') && m->ino && *m->path == '/';
}

/* Return: whether @link leads to a regular file: to open a device may do something. */
static bool follow(struct proc_file *f, char *link)
{
	struct stat st;

	if (stat(link, &st) || !S_ISREG(st.st_mode))
		return false;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->link = link;
	return true;
}

/* Links of mappings are for those who may do more than look. */
static int found_mapping(struct walk *w, const struct mapping *m)
{
	struct proc_file f = { .path = m->path };
	char link[PATH_MAX];
	struct stat st;

	snprintf(link, sizeof(link), "%s/%s/map_files/%lx-%lx", w->proc, w->id, m->start, m->end);
	if (follow(&f, link))
		return found(w, &f);
	if (!stat(link, &st) || (!stat(m->path, &st) && !S_ISREG(st.st_mode)))
		return 0;
	f.dev = makedev(m->major, m->minor);
	f.ino = m->ino;
	f.link = m->path;
	f.by_path = true;
	return found(w, &f);
}

/* Return: whether there is any mapping; who has none is a kernel thread, or dead. */
static bool walk_maps(struct walk *w, int *ret)
{
	FILE *maps = open_in(w, "maps");
	struct mapping m;
	char *line = NULL;
	size_t room = 0;
	bool any = false;

	if (!maps) {
		w->hidden = errno == EACCES || errno == EPERM;
		return false;
	}
	while (!*ret && getline(&line, &room, maps) > 0) {
		any = true;
		if (rcpt_budget_late(&w->budget)) {
			w->cut = true;
			break;
		}
		if (parse_mapping(line, &m))
			*ret = found_mapping(w, &m);
	}
	free(line);
	fclose(maps);
	return any;
}

/* A program may have unmapped its own file. */
static int walk_exe(struct walk *w)
{
	char link[PATH_MAX], path[PATH_MAX];
	struct proc_file f = { .path = path };
	ssize_t len;

	snprintf(link, sizeof(link), "%s/%s/exe", w->proc, w->id);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return 0;
	path[len] = '\0';
	return follow(&f, link) ? found(w, &f) : 0;
}

static void read_comm(struct walk *w)
{
	FILE *f = open_in(w, "comm");
	char *comm = w->user.comm;

	*comm = '\0';
	if (!f)
		return;
	if (fgets(comm, sizeof(w->user.comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	fclose(f);
}

static int walk_task(struct walk *w, const char *id, bool *any)
{
	int ret = 0;

	w->id = id;
	read_comm(w);
	*any = walk_maps(w, &ret);
	return ret ? ret : walk_exe(w);
}

static bool is_number(const char *name)
{
	return *name && strlen(name) < 12 && !name[strspn(name, "0123456789")];
}

/* Where the first thread has ended the others still have the memory. */
static int walk_threads(struct walk *w, const char *pid)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool any = false;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s/task", w->proc, pid);
	dir = opendir(path);
	while (dir && !any && !ret && (entry = readdir(dir)))
		if (is_number(entry->d_name) && strcmp(entry->d_name, pid))
			ret = walk_task(w, entry->d_name, &any);
	if (dir)
		closedir(dir);
	return ret;
}

static bool is_of_root(const struct walk *w, const char *pid)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", w->proc, pid);
	return !stat(path, &st) && !st.st_uid;
}

static int walk_process(struct walk *w, const char *pid)
{
	bool any;
	int ret;

	w->user.pid = atoi(pid);
	w->hidden = false;
	w->root = is_of_root(w, pid);
	w->added = 0;
	w->cut = false;
	ret = walk_task(w, pid, &any);
	if (!ret && !any && !w->hidden)
		ret = walk_threads(w, pid);
	w->files->hidden += w->hidden;
	w->files->cut += w->cut;
	return ret;
}

/**
 * proc_files_read() - find all files that run or are mapped executable
 * @proc: where the kernel shows processes, "/proc"
 * @files: result, to be freed also on failure
 * @err: filled in on failure
 *
 * Processes that end meanwhile are left out. Root sees all; others see their own,
 * and without links of mappings. What is over a bound is left out, and counted.
 *
 * Return: 0, or -RCPT_SYSTEM when @proc cannot be read or memory is short.
 */
int proc_files_read(const char *proc, struct proc_files *files, struct rcpt_error *err)
{
	struct walk w = { .files = files, .proc = proc, .err = err };
	DIR *dir = opendir(proc);
	struct dirent *entry;
	int ret = 0;

	rcpt_budget_start(&w.budget, 0, 0, PROC_SECONDS);
	if (!dir)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				 "cannot read %s: %s", proc, strerror(errno));
	while (!ret && (entry = readdir(dir)))
		if (is_number(entry->d_name))
			ret = walk_process(&w, entry->d_name);
	closedir(dir);
	if (files->n)
		qsort(files->at, files->n, sizeof(*files->at), by_path);
	return ret;
}

static void keep(void *node)
{
	(void)node;
}

/**
 * proc_files_free() - free a list
 * @files: left empty
 */
void proc_files_free(struct proc_files *files)
{
	tdestroy(files->tree, keep);
	while (files->n)
		file_free(files->at[--files->n]);
	free(files->at);
	memset(files, 0, sizeof(*files));
}
