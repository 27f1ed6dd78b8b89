// SPDX-License-Identifier: MIT
/*
 * What the next helper starts with: its program, the command, the files of
 * --preload, and the loader and libraries of each. When it starts, there is nobody
 * whom the kernel could ask about them, so it is told before, and keeps it. They are
 * looked at again when something changes where they are or in a store, and when the
 * helper ends: whatever was put in place by then is what will start.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "elffile.h"
#include "receiptd.h"

#define MAX_QUEUE	1024	/* paths of one look */
#define CHANGES		(IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF)

static const char * const commands[] = {
	"/usr/bin/receiptctl", "/usr/local/bin/receiptctl", "/usr/sbin/receiptctl",
	"/usr/local/sbin/receiptctl", "/bin/receiptctl",
};

/* Beside those of the libraries that this helper has loaded. */
static const char * const usual_folders[] = {
	"/usr/local/lib", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu",
	"/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v2",
	"/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3",
	"/usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v4",
	"/lib64", "/usr/lib64", "/lib", "/usr/lib",
};

/**
 * struct look - one look at all files
 * @b: result
 * @n: used entries of @path
 * @path: to be looked at, own memory
 */
struct look {
	struct bootstrap *b;
	size_t n;
	char *path[MAX_QUEUE];
};

/* Folder of a path; false when it has none. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	return slash && slash > path &&
	       snprintf(folder, PATH_MAX, "%.*s", (int)(slash - path), path) < PATH_MAX;
}

static void watch(const struct bootstrap *b, const char *folder)
{
	if (b->changes >= 0)
		inotify_add_watch(b->changes, folder, CHANGES | IN_ONLYDIR);
}

static void add_path(struct look *look, const char *path)
{
	char *copy;

	for (size_t i = 0; i < look->n; i++)
		if (!strcmp(look->path[i], path))
			return;
	copy = look->n < MAX_QUEUE ? strdup(path) : NULL;
	if (copy)
		look->path[look->n++] = copy;
	else
		log_line(LOG_WARNING, "%s: too much that a start needs", path);
}

static void add_in(struct look *look, const char *folder, size_t len, const char *name)
{
	char path[PATH_MAX];

	if (len && snprintf(path, sizeof(path), "%.*s/%s", (int)len, folder, name) < PATH_MAX &&
	    !access(path, F_OK))
		add_path(look, path);
}

/* Below the folder of the file where it says so. */
static void add_in_runpath(struct look *look, const char *runpath, const char *by,
			   const char *name)
{
	char origin[PATH_MAX], folder[2 * PATH_MAX];

	for (size_t len; *runpath; runpath += len + (runpath[len] == ':')) {
		size_t skip = 0;

		len = strcspn(runpath, ":");
		if (!strncmp(runpath, "$ORIGIN", 7))
			skip = 7;
		else if (!strncmp(runpath, "${ORIGIN}", 9))
			skip = 9;
		if (len >= PATH_MAX || !folder_of(by, origin))
			continue;
		snprintf(folder, sizeof(folder), "%s%.*s", skip ? origin : "",
			 (int)(len - skip), runpath + skip);
		add_in(look, folder, strlen(folder), name);
	}
}

/* In which of the folders ld.so will find it, it alone knows: all are taken. */
static void add_library(struct look *look, const struct elf_needs *needs, const char *by,
			const char *name)
{
	const struct bootstrap *b = look->b;

	if (strchr(name, '/')) {
		add_path(look, name);
		return;
	}
	if (needs->runpath)
		add_in_runpath(look, needs->runpath, by, name);
	for (size_t i = 0; i < b->nfolders; i++)
		add_in(look, b->folders[i], strlen(b->folders[i]), name);
}

static void add_needs(struct look *look, const char *path, int fd)
{
	struct elf_needs needs;

	if (elf_read(fd, &needs) == ELF_READ) {
		if (needs.interp)
			add_path(look, needs.interp);
		for (size_t i = 0; i < needs.nneeded; i++)
			add_library(look, &needs, path, needs.needed[i]);
	}
	elf_free(&needs);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool unchanged(const struct stat *a, const struct stat *b)
{
	return same_file(a, b) && a->st_size == b->st_size &&
	       same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

/* The place of a file; NULL when there is none left. */
static struct bootstrap_file *place_of(struct bootstrap *b, const struct stat *st)
{
	for (size_t i = 0; i < b->n; i++)
		if (same_file(&b->at[i].st, st))
			return &b->at[i];
	if (b->n == BOOTSTRAP_FILES)
		return NULL;
	memset(&b->at[b->n], 0, sizeof(b->at[b->n]));
	return &b->at[b->n++];
}

static void take_file(struct look *look, const char *path, int fd, const struct stat *st)
{
	struct bootstrap_file *f = place_of(look->b, st);
	struct rcpt_error err = { 0 };

	if (!f) {
		log_line(LOG_WARNING, "%s: more than %d files", path, BOOTSTRAP_FILES);
		return;
	}
	if (f->seen)
		return;
	f->seen = true;
	if (!unchanged(&f->st, st)) {
		f->st = *st;
		f->sent = false;
		snprintf(f->path, sizeof(f->path), "%s", path);
		if (rcpt_digest_fd(fd, NULL, &f->digests, &err))
			log_line(LOG_WARNING, "%s: %s", path, err.text);
	}
	add_needs(look, path, fd);
}

static void take_path(struct look *look, const char *path)
{
	struct rcpt_error err = { 0 };
	char folder[PATH_MAX];
	struct stat st;
	int fd;

	/* Before it is looked at, so that no change is missed. */
	if (folder_of(path, folder))
		watch(look->b, folder);
	fd = rcpt_open(AT_FDCWD, path, 0, &st, &err);
	if (fd >= 0) {
		take_file(look, path, fd, &st);
		close(fd);
	} else if (errno != ENOENT && errno != ENOTDIR) {
		log_line(LOG_WARNING, "%s: %s", path, err.text);
	}
}

static void forget_unseen(struct bootstrap *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->at[i].seen)
			b->at[n++] = b->at[i];
	b->n = n;
}

static void look_at_all(struct bootstrap *b)
{
	struct look *look = calloc(1, sizeof(*look));

	if (!look)
		return;
	look->b = b;
	for (size_t i = 0; i < b->n; i++)
		b->at[i].seen = false;
	for (size_t i = 0; i < b->nroots; i++)
		add_path(look, b->roots[i]);
	for (size_t i = 0; i < look->n; i++)
		take_path(look, look->path[i]);
	forget_unseen(b);
	while (look->n)
		free(look->path[--look->n]);
	free(look);
}

static int send_evidence(const struct rcpt_nl_evidence *ev, struct rcpt_error *err, void *arg)
{
	int ret = rcpt_nl_evidence(arg, ev, err);

	if (ret)
		log_line(LOG_DEBUG, "evidence refused: %s", err->text);
	return ret;
}

static void send_file(struct bootstrap *b, struct bootstrap_file *f, struct rcpt_nl *nl)
{
	const struct rcpt_sink sink = { .evidence = send_evidence, .arg = nl };
	struct rcpt_error err = { 0 };
	size_t accepted, total = 0;

	for (size_t i = 0; i < f->digests.n; i++) {
		const struct rcpt_digest *d = &f->digests.digests[i];

		if (rcpt_preload(&b->answerer, d->kind,
				 rcpt_span(d->bytes, rcpt_digest_len(d->kind)), &sink,
				 &accepted, &err))
			log_line(LOG_WARNING, "%s: %s", f->path, err.text);
		total += accepted;
	}
	f->sent = total;
	log_line(LOG_DEBUG, "kept for the next start: %s: %zu statements", f->path, total);
}

/**
 * bootstrap_send() - look at all files, and send what the kernel has not
 * @b: files
 * @nl: connection
 * @anew: it has nothing, as far as we know: another policy is active
 */
void bootstrap_send(struct bootstrap *b, struct rcpt_nl *nl, bool anew)
{
	look_at_all(b);
	for (size_t i = 0; i < b->sources->nstores; i++) {
		char index[PATH_MAX];

		watch(b, b->sources->stores[i]);
		if (snprintf(index, sizeof(index), "%s/index", b->sources->stores[i]) < PATH_MAX)
			watch(b, index);
	}
	for (size_t i = 0; i < b->n; i++)
		if (anew || !b->at[i].sent)
			send_file(b, &b->at[i], nl);
}

/**
 * bootstrap_changed() - read what inotify says
 * @b: files
 *
 * Return: whether it said anything.
 */
bool bootstrap_changed(const struct bootstrap *b)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false;

	while (read(b->changes, events, sizeof(events)) > 0)
		changed = true;
	return changed;
}

static void add_root(struct bootstrap *b, const char *path)
{
	if (b->nroots < BOOTSTRAP_ROOTS)
		b->roots[b->nroots++] = path;
	else
		log_line(LOG_WARNING, "%s: too many files to preload", path);
}

static void add_folder(struct bootstrap *b, const char *folder)
{
	for (size_t i = 0; i < b->nfolders; i++)
		if (!strcmp(b->folders[i], folder))
			return;
	if (b->nfolders < BOOTSTRAP_FOLDERS)
		b->folders[b->nfolders] = strdup(folder);
	b->nfolders += b->nfolders < BOOTSTRAP_FOLDERS && b->folders[b->nfolders];
}

/* A line of maps: "START-END PERM OFFSET DEV INODE    PATH". */
static void add_mapped(struct bootstrap *b, char *line)
{
	char perm[8], folder[PATH_MAX], *path = strchr(line, '/');

	if (!path || sscanf(line, "%*s %7s", perm) != 1 || !strchr(perm, 'x'))
		return;
	path[strcspn(path, "\n")] = '\0';
	if (folder_of(path, folder))
		add_folder(b, folder);
}

static void add_mapped_folders(struct bootstrap *b)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];

	while (maps && fgets(line, sizeof(line), maps))
		add_mapped(b, line);
	if (maps)
		fclose(maps);
}

/* By its name, which the next one will have, too. */
static void add_self(struct bootstrap *b)
{
	ssize_t n = readlink("/proc/self/exe", b->self, sizeof(b->self) - 1);
	static const char gone[] = " (deleted)";
	size_t len = sizeof(gone) - 1;

	if (n <= 0)
		return;
	b->self[n] = '\0';
	if ((size_t)n > len && !strcmp(b->self + n - len, gone))
		b->self[n - len] = '\0';
	add_root(b, b->self);
}

/**
 * bootstrap_open() - find out what has to be looked at, open the stores
 * @b: zeroed, but for its sources
 * @preloads: more programs
 * @npreloads: how many
 *
 * What goes wrong is logged: then less is kept.
 *
 * Context: Before the sandbox.
 */
void bootstrap_open(struct bootstrap *b, const char *const *preloads, size_t npreloads)
{
	struct rcpt_error err = { 0 };

	b->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (b->changes < 0)
		log_line(LOG_WARNING, "inotify: %s", strerror(errno));
	add_self(b);
	for (size_t i = 0; i < npreloads; i++)
		add_root(b, preloads[i]);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		add_root(b, commands[i]);
	add_mapped_folders(b);
	for (size_t i = 0; i < sizeof(usual_folders) / sizeof(usual_folders[0]); i++)
		add_folder(b, usual_folders[i]);
	sources_open(&b->answerer, b->sources, &err);
}
