// SPDX-License-Identifier: MIT
/*
 * Judging the files that a machine needs, with all that they need themselves:
 * interpreters and libraries, found as ld.so finds them.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "doctor.h"
#include "elffile.h"

#define MAX_QUEUE	(8 * DOCTOR_MAX_FILES)

/**
 * doctor_folder_open() - open a folder below the root
 * @d: with the root; links do not lead out of it
 * @path: from the root
 *
 * Return: a descriptor, or -1 with errno.
 */
int doctor_folder_open(const struct doctor *d, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NONBLOCK,
		.resolve = RESOLVE_IN_ROOT,
	};

	return syscall(SYS_openat2, d->root, path, &how, sizeof(how));
}

/**
 * doctor_file_open() - open a regular file below the root
 * @d: with the root; links do not lead out of it
 * @path: from the root
 * @err: filled in on failure, or NULL
 *
 * Return: a descriptor, or -1 with errno as rcpt_open() sets it.
 */
int doctor_file_open(const struct doctor *d, const char *path, struct rcpt_error *err)
{
	return rcpt_open(d->root, path, RESOLVE_IN_ROOT, NULL, err);
}

/**
 * doctor_start() - begin with a part of the examination
 * @d: examination
 * @running: the part is all that runs; else what the machine needs
 *
 * What somebody runs takes nothing away from what the machine needs.
 */
void doctor_start(struct doctor *d, bool running)
{
	d->running = running;
	spend_start(&d->spend);
}

/**
 * doctor_too_much() - note that a bound was met
 * @d: examination
 */
void doctor_too_much(struct doctor *d)
{
	if (d->running)
		d->running_full = true;
	else
		d->full = true;
}

/**
 * doctor_say() - note a finding
 * @d: examination
 * @level: how bad it is
 * @group: what it belongs to, a literal
 * @path: of the file, or NULL
 * @fmt: what it is
 */
void doctor_say(struct doctor *d, enum doctor_level level, const char *group,
		const char *path, const char *fmt, ...)
{
	struct doctor_finding *more, f = { .level = level, .group = group };
	va_list args;

	if (d->nfindings >= DOCTOR_MAX_FINDINGS && !d->ending) {
		d->count[level]++;
		doctor_too_much(d);
		return;
	}
	more = realloc(d->findings, (d->nfindings + 1) * sizeof(*more));
	if (more)
		d->findings = more;
	va_start(args, fmt);
	if (!more || vasprintf(&f.text, fmt, args) < 0)
		f.text = NULL;
	va_end(args);
	f.path = path ? strdup(path) : NULL;
	d->count[level]++;
	if (f.text && (f.path || !path)) {
		d->findings[d->nfindings++] = f;
		return;
	}
	d->no_memory = true;
	free(f.text);
	free(f.path);
}

/**
 * doctor_add() - have a file judged, and what it needs
 * @d: examination
 * @file: what and how; path and link are copied. One that is not there is passed over.
 */
void doctor_add(struct doctor *d, const struct doctor_file *file)
{
	struct doctor_file *more, f = *file;

	if (d->nqueue == MAX_QUEUE) {
		doctor_too_much(d);
		return;
	}
	more = realloc(d->queue, (d->nqueue + 1) * sizeof(*more));
	if (more)
		d->queue = more;
	f.path = strdup(file->path);
	f.link = file->link ? strdup(file->link) : NULL;
	if (more && f.path && (f.link || !file->link)) {
		d->queue[d->nqueue++] = f;
		return;
	}
	d->no_memory = true;
	free(f.path);
	free(f.link);
}

/*
 * What a file needs
 */

static void add_needed(struct doctor *d, const struct doctor_file *by, const char *path)
{
	struct doctor_file f = *by;

	f.path = (char *)path;
	f.link = NULL;
	doctor_add(d, &f);
}

/* ld.so passes over libraries for 32 bits. */
static bool is_library(const struct doctor *d, const char *path)
{
	int fd = doctor_file_open(d, path, NULL);
	bool is = fd >= 0 && elf_is_64(fd);

	if (fd >= 0)
		close(fd);
	return is;
}

/* A folder of a DT_RUNPATH, with $ORIGIN; false when it is too long. */
static bool expand(char out[PATH_MAX], const char *folder, size_t len, const char *origin)
{
	const char *slash = strrchr(origin, '/');
	size_t skip = 0;

	if (len >= 7 && !memcmp(folder, "$ORIGIN", 7))
		skip = 7;
	else if (len >= 9 && !memcmp(folder, "${ORIGIN}", 9))
		skip = 9;
	return len < PATH_MAX &&
	       snprintf(out, PATH_MAX, "%.*s%.*s", skip && slash ? (int)(slash - origin) : 0,
			origin, (int)(len - skip), folder + skip) < PATH_MAX;
}

/* Of a runpath, what is behind the bound of folders; NULL when it is not so long. */
static const char *behind_runpath(const char *runpath)
{
	for (size_t n = 0; runpath && *runpath; n++) {
		if (n == DOCTOR_MAX_RUNPATH)
			return runpath;
		runpath += strcspn(runpath, ":");
		runpath += *runpath == ':';
	}
	return NULL;
}

static bool find_in_runpath(const struct doctor *d, const char *runpath, const char *origin,
			    const char *name, char found[2 * PATH_MAX])
{
	const char *end = behind_runpath(runpath);
	char folder[PATH_MAX];

	for (size_t len; runpath && *runpath && runpath != end;
	     runpath += len + (runpath[len] == ':')) {
		len = strcspn(runpath, ":");
		if (!len || !expand(folder, runpath, len, origin))
			continue;
		if (snprintf(found, 2 * PATH_MAX, "%s/%s", folder, name) < PATH_MAX &&
		    is_library(d, found))
			return true;
	}
	return false;
}

static bool find_library(const struct doctor *d, const struct elf_needs *needs,
			 const char *origin, const char *name, char found[2 * PATH_MAX])
{
	if (strchr(name, '/'))
		return snprintf(found, PATH_MAX, "%s", name) < PATH_MAX && is_library(d, found);
	if (find_in_runpath(d, needs->runpath, origin, name, found))
		return true;
	for (size_t i = 0; i < d->nfolders; i++)
		if (snprintf(found, PATH_MAX, "%s/%s", d->folders[i], name) < PATH_MAX &&
		    is_library(d, found))
			return true;
	return false;
}

/* ld.so takes a library of that name that the program has loaded already. */
static bool is_loaded(const struct doctor *d, const char *group, const char *name)
{
	for (size_t i = 0; i < d->nqueue; i++) {
		const char *slash = strrchr(d->queue[i].path, '/');

		if (d->queue[i].group == group && slash && !strcmp(slash + 1, name))
			return true;
	}
	return false;
}

static void add_libraries(struct doctor *d, const struct doctor_file *f, const char *path,
			  const struct elf_needs *needs)
{
	char found[2 * PATH_MAX];

	if (needs->interp)
		add_needed(d, f, needs->interp);
	if (behind_runpath(needs->runpath))
		doctor_say(d, f->level, f->group, path,
			   "its runpath has over %u folders: the others were not looked at",
			   DOCTOR_MAX_RUNPATH);
	for (size_t i = 0; i < needs->nneeded && !rcpt_budget_late(&d->spend.all); i++) {
		if (find_library(d, needs, path, needs->needed[i], found))
			add_needed(d, f, found);
		else if (!is_loaded(d, f->group, needs->needed[i]))
			doctor_say(d, DOCTOR_WARN, f->group, path, "its library %.64s is not found",
				   needs->needed[i]);
	}
}

/* #! and the interpreter. */
static void add_interpreter(struct doctor *d, const struct doctor_file *f, int fd)
{
	char line[256];
	ssize_t n = pread(fd, line, sizeof(line) - 1, 0);
	char *start = line + 2;

	if (n < 3 || memcmp(line, "#!", 2))
		return;
	line[n] = '\0';
	start += strspn(start, " \t");
	start[strcspn(start, " \t\n")] = '\0';
	if (*start == '/')
		add_needed(d, f, start);
}

static void add_needs(struct doctor *d, const struct doctor_file *f, const char *path, int fd)
{
	struct elf_needs needs;

	switch (elf_read(fd, &needs)) {
	case ELF_READ:
		add_libraries(d, f, path, &needs);
		break;
	case ELF_OTHER:
		doctor_say(d, DOCTOR_WARN, f->group, path,
			   "damaged or not for 64 bits: its libraries were not looked at");
		break;
	case ELF_NONE:
		add_interpreter(d, f, fd);
	}
	elf_free(&needs);
}

/*
 * Judging
 */

static bool seen_before(struct doctor *d, const struct stat *st, enum receipt_op op)
{
	for (size_t i = 0; i < d->nseen; i++)
		if (d->seen[i].ino == st->st_ino && d->seen[i].dev == st->st_dev &&
		    d->seen[i].op == op)
			return true;
	if (d->nseen == DOCTOR_MAX_FILES) {
		doctor_too_much(d);
		return true;
	}
	d->seen[d->nseen].dev = st->st_dev;
	d->seen[d->nseen].ino = st->st_ino;
	d->seen[d->nseen++].op = op;
	return false;
}

static void say_verdict(struct doctor *d, const struct doctor_file *f)
{
	const struct receipt_verdict *v = &d->why->verdict;

	if (v->action == RECEIPT_ACTION_ALLOW) {
		doctor_say(d, DOCTOR_OK, f->group, f->path, "%s", receipt_op_name(f->op));
		return;
	}
	doctor_say(d, f->level, f->group, f->path, "%s denied: %s%s", receipt_op_name(f->op),
		   rcpt_reason_text(v->reason), f->op == RECEIPT_OP_KMODULE &&
		   f->level == DOCTOR_WARN ?
		   "; kmod may unpack it first, and that content was not looked at" : "");
	if (d->nfindings)
		d->findings[d->nfindings - 1].unproven = true;
}

/* Return: whether the file may be read. */
static bool may_read(struct doctor *d, const struct doctor_file *f, uint64_t size)
{
	enum spend_answer answer = spend_on(&d->spend, f->pid, size);

	if (answer == SPEND_LAST)
		doctor_say(d, f->level, f->group, f->path,
			   "not read, and nothing more of process %d: over %u files or %llu bytes",
			   f->pid, SPEND_PROCESS_FILES, SPEND_PROCESS_BYTES);
	return answer == SPEND_YES;
}

static int judge(struct doctor *d, const struct doctor_file *f, int fd, struct rcpt_error *err)
{
	struct rcpt_error unread = { 0 };
	int ret;

	d->why->path = f->path;
	d->why->op = f->op;
	if (why_digest_fd(d->why, fd, &d->spend.all, &unread)) {
		doctor_say(d, f->level, f->group, f->path, "%s", unread.text);
		return 0;
	}
	ret = why_find(d->why, err);
	if (!ret) {
		why_judge(d->why);
		say_verdict(d, f);
	}
	why_forget(d->why);
	return ret;
}

static int judge_fd(struct doctor *d, const struct doctor_file *f, int fd,
		    struct rcpt_error *err)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st) || seen_before(d, &st, f->op) || !may_read(d, f, st.st_size))
		return 0;
	ret = judge(d, f, fd, err);
	if (!ret && f->op == RECEIPT_OP_EXECUTE)
		add_needs(d, f, f->path, fd);
	return ret;
}

static int judge_next(struct doctor *d, const struct doctor_file *f, struct rcpt_error *err)
{
	struct rcpt_error unread = { 0 };
	int fd = f->link ? rcpt_open(AT_FDCWD, f->link, 0, NULL, &unread) :
			   doctor_file_open(d, f->path, &unread);
	int ret;

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR && errno != EISDIR)
			doctor_say(d, f->level, f->group, f->path, "%s", unread.text);
		return 0;
	}
	ret = judge_fd(d, f, fd, err);
	close(fd);
	return ret;
}

/**
 * doctor_judge() - judge all that was added
 * @d: examination; findings are added
 * @err: filled in on failure
 *
 * Return: 0 or a negative exit status.
 */
int doctor_judge(struct doctor *d, struct rcpt_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < d->nqueue && !ret; i++) {
		const struct doctor_file f = d->queue[i];

		if (rcpt_budget_late(&d->spend.all) || !d->spend.all.bytes) {
			doctor_say(d, f.level, f.group, NULL,
				   "%zu files were not looked at: it took over %u seconds or "
				   "%llu bytes", d->nqueue - i, SPEND_SECONDS,
				   SPEND_ALL_BYTES);
			break;
		}
		ret = judge_next(d, &f, err);
	}
	while (d->nqueue) {
		free(d->queue[--d->nqueue].path);
		free(d->queue[d->nqueue].link);
	}
	return ret;
}
