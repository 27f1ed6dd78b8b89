/* SPDX-License-Identifier: MIT */
/*
 * Probes and their results.
 *
 * A probe is done by a child process, whose exit status tells ALLOWED, DENIED with
 * the expected errno, DENIED_OTHERWISE and BROKEN apart, so that a probe that does
 * not work never looks like a denial. What is denied must also have left an audit
 * record that names the process, the hook and the reason.
 */
#ifndef PROBE_H
#define PROBE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAYBE_UNUSED	__attribute__((unused))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
/* No probe takes longer; an audit record comes out of the kernel in that time. */
#define PROBE_SECONDS	(60 * slowness())
#define RECORD_MS	(15000 * slowness())

/* Exit status of a probe; what programs under test exit with, too (target.c). */
enum outcome { ALLOWED = 10, DENIED, DENIED_OTHERWISE, BROKEN };

/* How many times slower this machine is than others: vmrun puts it on the command line. */
static MAYBE_UNUSED int slowness(void)
{
	static int known;
	char line[4096] = "";
	const char *word;
	int fd;

	if (known)
		return known;
	fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, line, sizeof(line) - 1) < 0)
			line[0] = '\0';
		close(fd);
	}
	word = strstr(line, " slow=");
	known = word ? atoi(word + strlen(" slow=")) : 1;
	if (known < 1)
		known = 1;
	return known;
}

static int kmsg = -1;		/* audit records, from where the last search ended */
static pid_t probe_pid;		/* process of the last probe */

/*
 * Results: TAP without numbers, which run adds
 */

static MAYBE_UNUSED void note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static MAYBE_UNUSED bool ok(bool good, const char *fmt, ...)
{
	va_list ap;

	printf(good ? "ok " : "not ok ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return good;
}

/* What the test itself needs went wrong: the program ends, which is a failure. */
static MAYBE_UNUSED void __attribute__((noreturn, format(printf, 1, 2))) broken(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	printf("not ok broken test: ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(": %s\n", strerror(err));
	exit(BROKEN);
}

static MAYBE_UNUSED const char *outcome_name(int outcome)
{
	switch (outcome) {
	case ALLOWED:
		return "allowed";
	case DENIED:
		return "denied";
	case DENIED_OTHERWISE:
		return "denied with another errno";
	default:
		return "broken probe";
	}
}

/*
 * Audit records
 */

static MAYBE_UNUSED void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		broken("%s", path);
	close(fd);
}

static MAYBE_UNUSED void probe_init(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	write_text("/proc/sys/kernel/printk_ratelimit", "0");
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0 || lseek(kmsg, 0, SEEK_END) < 0)
		broken("/dev/kmsg");
}

static MAYBE_UNUSED int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Not built in: a folder without that file is of parameters. */
static MAYBE_UNUSED bool lsm_is_module(void)
{
	return !access("/sys/module/receipt/initstate", F_OK);
}

/* Looks for a record with all of the texts, in what came since the last search. */
static MAYBE_UNUSED bool find_record(const char *const *texts, size_t n)
{
	int64_t end = now_ms() + RECORD_MS;
	struct pollfd pfd = { .fd = kmsg, .events = POLLIN };
	char line[8192];
	ssize_t len;
	size_t i;

	while (now_ms() < end) {
		len = read(kmsg, line, sizeof(line) - 1);
		if (len < 0 && errno == EAGAIN)
			poll(&pfd, 1, 50);
		if (len <= 0)
			continue;
		line[len] = 0;
		for (i = 0; i < n && strstr(line, texts[i]); i++)
			;
		if (i == n)
			return true;
	}
	return false;
}

static MAYBE_UNUSED bool find_denial(const char *hook, const char *reason, int enforced)
{
	char pid[32], hook_is[64], reason_is[64], enforced_is[32];
	const char *const texts[] = { "receipt: op=", "verdict=denied", pid, hook_is,
				      reason_is, enforced_is };

	snprintf(pid, sizeof(pid), " pid=%d ", (int)probe_pid);
	snprintf(hook_is, sizeof(hook_is), " hook=%s ", hook);
	snprintf(reason_is, sizeof(reason_is), " reason=%s ", reason);
	snprintf(enforced_is, sizeof(enforced_is), " enforced=%d ", enforced);
	return find_record(texts, ARRAY_SIZE(texts));
}

/*
 * Expectations
 */

static MAYBE_UNUSED void expect(int want, int got, const char *fmt, ...)
{
	char name[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (!ok(got == want, "%s", name))
		note("%s, not %s", outcome_name(got), outcome_name(want));
}

#define expect_allowed(got, ...) expect(ALLOWED, got, __VA_ARGS__)

/* Denied, and recorded as denied by @hook for @reason. */
static MAYBE_UNUSED void expect_denied(int got, const char *hook, const char *reason,
				       const char *fmt, ...)
{
	bool recorded = got == DENIED && find_denial(hook, reason, 1);
	char name[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (ok(recorded, "%s: %s", name, reason))
		return;
	note("%s", outcome_name(got));
	if (got == DENIED)
		note("no record of process %d, hook %s, reason %s", probe_pid, hook, reason);
}

/* Permissive: it passed, and was recorded as what would have been denied. */
static MAYBE_UNUSED void expect_permitted(int got, const char *hook, const char *reason,
					  const char *fmt, ...)
{
	bool recorded = got == ALLOWED && find_denial(hook, reason, 0);
	char name[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	if (ok(recorded, "%s: passes, reported as %s", name, reason))
		return;
	note("%s", outcome_name(got));
	if (got == ALLOWED)
		note("no record of process %d, hook %s, reason %s", probe_pid, hook, reason);
}

/*
 * Probes
 */

/* The outcome of a system call. */
static MAYBE_UNUSED int outcome_of(bool succeeded, int want_errno)
{
	int err = errno;

	if (succeeded)
		return ALLOWED;
	if (err == want_errno)
		return DENIED;
	note("errno %d (%s)", err, strerror(err));
	return DENIED_OTHERWISE;
}

static MAYBE_UNUSED pid_t start_probe(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		broken("fork");
	if (!pid) {
		alarm(PROBE_SECONDS);
		_exit(fn(arg));
	}
	probe_pid = pid;
	return pid;
}

static MAYBE_UNUSED int end_probe(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		broken("waitpid");
	if (WIFEXITED(status) && WEXITSTATUS(status) >= ALLOWED && WEXITSTATUS(status) < BROKEN)
		return WEXITSTATUS(status);
	note("wait status 0x%x", status);
	return BROKEN;
}

static MAYBE_UNUSED int probe(int (*fn)(void *arg), void *arg)
{
	return end_probe(start_probe(fn, arg));
}

/* What to execute; ends in ALLOWED when the program is target.c or dynamic.c. */
struct exec_args {
	const char *path;
	const char *argv[4];
	const char *env[4];
	int want_errno;
	bool loader;		/* it is an ld.so: it exits with 127 when it is refused */
};

static MAYBE_UNUSED int try_exec(void *arg)
{
	struct exec_args *e = arg;

	if (!e->argv[0])
		e->argv[0] = e->path;
	execve(e->path, (char **)e->argv, (char **)e->env);
	return outcome_of(false, e->want_errno);
}

static MAYBE_UNUSED int probe_exec(const char *path, int want_errno)
{
	struct exec_args args = { .path = path, .want_errno = want_errno };

	return probe(try_exec, &args);
}

struct map_args {
	const char *path;
	int open_flags;
	int prot;
	int flags;
	int want_errno;
};

static MAYBE_UNUSED int try_map(void *arg)
{
	struct map_args *m = arg;
	int fd = open(m->path, m->open_flags | O_CLOEXEC);

	if (fd < 0)
		return BROKEN;
	return outcome_of(mmap(NULL, 4096, m->prot, m->flags ?: MAP_PRIVATE, fd, 0) != MAP_FAILED,
			  m->want_errno);
}

/* Maps a file for execution: the cheapest way to ask for a verdict. */
static MAYBE_UNUSED int probe_map(const char *path, int want_errno)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = want_errno };

	return probe(try_map, &args);
}

/*
 * Files
 */

static MAYBE_UNUSED void write_file(int fd, const void *data, size_t len)
{
	for (ssize_t n; len; data = (const char *)data + n, len -= n) {
		n = write(fd, data, len);
		if (n <= 0)
			broken("write");
	}
}

/* Copies the content, and @tail after it. A copy is never boot verified. */
static MAYBE_UNUSED void copy_fd(const char *from, int to, const char *tail)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	static char buf[65536];
	ssize_t n;

	if (in < 0)
		broken("%s", from);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		write_file(to, buf, n);
	write_file(to, tail, strlen(tail));
	close(in);
}

static MAYBE_UNUSED void copy(const char *from, const char *to, const char *tail)
{
	int fd;

	unlink(to);
	fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0)
		broken("%s", to);
	copy_fd(from, fd, tail);
	close(fd);
}

/* A file in a folder, as text that lives until the 16th call after this one. */
static MAYBE_UNUSED const char *in(const char *dir, const char *name)
{
	static char paths[16][256];
	static unsigned int next;
	char *path = paths[next++ % ARRAY_SIZE(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* Changes one byte in the middle, and nothing else. */
static MAYBE_UNUSED void flip_byte(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	char c;

	if (fd < 0 || fstat(fd, &st) || pread(fd, &c, 1, st.st_size / 2) != 1)
		broken("%s", path);
	c ^= 1;
	if (pwrite(fd, &c, 1, st.st_size / 2) != 1)
		broken("%s", path);
	close(fd);
}

/* A counter of the module. */
static MAYBE_UNUSED uint64_t stat_value(const char *name)
{
	FILE *f = fopen("/sys/kernel/security/receipt/stats", "re");
	unsigned long long value, found = UINT64_MAX;
	char word[64];

	while (f && fscanf(f, "%63s %llu", word, &value) == 2)
		if (!strcmp(word, name))
			found = value;
	if (!f || found == UINT64_MAX)
		broken("counter %s", name);
	fclose(f);
	return found;
}

#endif /* PROBE_H */
