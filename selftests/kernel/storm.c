// SPDX-License-Identifier: MIT
/*
 * storm SECONDS: execs and mappings by many, while policies follow each other, the
 * caches are flushed and shrunk, the helper is killed, and files are rewritten with
 * what must not run. What is sealed always runs, and nothing else ever does.
 */
#include "helper.h"

#define LIBRARY		"/t/libmarker.so"
#define EVIL		"/t/evil"
#define EVIL_STATUS	99
#define POLICIES	40	/* /t/policy-1.1.0 and on */
#define PAUSE_MAX_MS	2000
#define MANY		16	/* sealed: /t/target, and a number behind it */

static int64_t end;
static unsigned int pause_ms;	/* of one exec while all the others run, and more */

/* The exit status of a program, DENIED or DENIED_OTHERWISE: here ETXTBSY. */
static int run(const char *path)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl(path, path, NULL);
		_exit(errno == EACCES ? DENIED : errno == ETXTBSY ? DENIED_OTHERWISE : BROKEN);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return BROKEN;
	return WEXITSTATUS(status);
}

/* Says why: what the kernel has recorded about this file. */
static void note_denials(const char *path)
{
	char line[8192];
	ssize_t len;

	for (;;) {
		len = read(kmsg, line, sizeof(line) - 1);
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			break;
		line[len] = 0;
		if (strstr(line, path) && strstr(line, "verdict=denied"))
			note("%.*s", (int)strcspn(line, "\n"), line);
	}
}

static int run_once(const char *path)
{
	int64_t start = now_ms();
	int got = run(path);

	if (got == ALLOWED)
		return ALLOWED;
	note("%s: %d, after %lld ms", path, got, (long long)(now_ms() - start));
	note_denials(path);
	return DENIED_OTHERWISE;
}

static int run_good(void *path)
{
	int64_t longest = 0;

	while (now_ms() < end) {
		int64_t start = now_ms();

		if (run_once(path) != ALLOWED)
			return DENIED_OTHERWISE;
		if (now_ms() - start > longest)
			longest = now_ms() - start;
	}
	note("%s: at most %lld ms", (char *)path, (long long)longest);
	return ALLOWED;
}

static void many_path(char *path, size_t size, unsigned int i)
{
	snprintf(path, size, "/mnt/many-%u", i % MANY);
}

static int run_many(void *unused)
{
	unsigned int i = getpid(), ran = 0;
	char path[64];

	(void)unused;
	for (; now_ms() < end; i += 7, ran++) {
		many_path(path, sizeof(path), i);
		if (run_once(path) != ALLOWED)
			return DENIED_OTHERWISE;
	}
	note("%u programs of %u", ran, MANY);
	return ALLOWED;
}

static int run_bad(void *path)
{
	while (now_ms() < end)
		if (run(path) != DENIED)
			return DENIED_OTHERWISE;
	return ALLOWED;
}

/*
 * The file changes between a sealed program and the evil one. Where a run takes
 * longer than a change there is no run until the end, when the sealed one stays.
 */
static int run_changing(void *path)
{
	unsigned int ran = 0;

	while (now_ms() < end || !ran) {
		int got = run(path);

		ran += got == ALLOWED;
		if (got == EVIL_STATUS || got == BROKEN)
			return DENIED_OTHERWISE;
	}
	note("%s ran %u times", (char *)path, ran);
	return ALLOWED;
}

static int map_changing(void *path)
{
	static char want[4096];
	int fd = open(LIBRARY, O_RDONLY | O_CLOEXEC), good = read(fd, want, sizeof(want));
	unsigned int mapped = 0;

	while (good == sizeof(want) && (now_ms() < end || !mapped)) {
		int file = open(path, O_RDONLY | O_CLOEXEC);
		void *map = mmap(NULL, sizeof(want), PROT_READ | PROT_EXEC, MAP_PRIVATE, file, 0);

		close(file);
		if (map == MAP_FAILED)
			continue;
		mapped++;
		for (int i = 0; i < 3; i++, usleep(1000))
			if (memcmp(map, want, sizeof(want)))
				return DENIED_OTHERWISE;
		munmap(map, sizeof(want));
	}
	note("%s was mapped %u times", (char *)path, mapped);
	return good == sizeof(want) ? ALLOWED : BROKEN;
}

/* Rewrites a file in place, now with one content, now with another, at last sealed. */
struct change {
	const char *path;
	const char *contents[2];
};

static int change(void *arg)
{
	struct change *c = arg;

	for (unsigned int i = 0; now_ms() < end || i % 2;) {
		int fd = open(c->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		if (fd >= 0) {
			copy_fd(c->contents[i++ % 2], fd, "");
			close(fd);
		}
		usleep(1000 * (i % 2 ? pause_ms / 10 : pause_ms));
	}
	return ALLOWED;
}

static int swap_policies(void *unused)
{
	unsigned int each_ms = (end - now_ms()) / POLICIES;
	int fd = open_border();
	char path[64];

	(void)unused;
	for (int i = 0; i < POLICIES && now_ms() < end; i++) {
		snprintf(path, sizeof(path), "/t/policy-1.1.%d", i);
		if (load_policy_file(fd, path)) {
			note("%s: error %d, %s", path, answer.error, answer.text);
			note_denials("policy_load");
			return DENIED_OTHERWISE;
		}
		usleep(1000 * each_ms);
	}
	return ALLOWED;
}

static int flush_all(void *unused)
{
	int fd = open_border();

	(void)unused;
	while (now_ms() < end) {
		if (flush(fd))
			return DENIED_OTHERWISE;
		usleep(70000);
	}
	return ALLOWED;
}

/* Page cache and inodes go, and every shrinker is called. */
static int drop_caches(void *unused)
{
	(void)unused;
	while (now_ms() < end) {
		write_text("/proc/sys/vm/drop_caches", "3");
		usleep(90000);
	}
	return ALLOWED;
}

/* Kills the helper that serves and starts another one, which then gets some time. */
static int kill_helpers(void *unused)
{
	unsigned int killed = 0;
	int fd = open_border();
	pid_t pid = start_receiptd(fd);

	(void)unused;
	do {
		usleep(1000 * 5 * pause_ms);
		end_receiptd(pid);
		pid = start_receiptd(fd);
		killed++;
	} while (now_ms() < end);
	note("%u helpers killed", killed);
	return ALLOWED;
}

static struct change changed_program = { "/mnt/changing", { EVIL, "/t/target" } };
static struct change changed_library = { "/run/changing.so", { EVIL, LIBRARY } };

static const struct {
	const char *name;
	int (*fn)(void *arg);
	void *arg;
} workers[] = {
	{ "a sealed program runs", run_good, "/mnt/good" },
	{ "a sealed program runs, from tmpfs", run_good, "/run/good" },
	{ "a dynamic program runs", run_good, "/mnt/dynamic" },
	{ "many sealed programs run", run_many, NULL },
	{ "many sealed programs run, again", run_many, NULL },
	{ "an unsealed program is denied", run_bad, "/mnt/bad" },
	{ "a rewritten program is sealed whenever it runs", run_changing, "/mnt/changing" },
	{ "a rewritten library is sealed whenever it is mapped", map_changing, "/run/changing.so" },
	{ "the program is rewritten", change, &changed_program },
	{ "the library is rewritten", change, &changed_library },
	{ "policies follow each other", swap_policies, NULL },
	{ "caches are flushed", flush_all, NULL },
	{ "caches shrink", drop_caches, NULL },
	{ "helpers are killed", kill_helpers, NULL },
};

static void make_files(void)
{
	char path[64], number[8];

	copy("/t/target", "/mnt/good", "");
	copy("/t/target", "/run/good", "");
	copy("/t/target", "/mnt/changing", "");
	copy("/t/dynamic", "/mnt/dynamic", "");
	copy(EVIL, "/mnt/bad", "");
	copy(LIBRARY, "/run/changing.so", "");
	for (unsigned int i = 0; i < MANY; i++) {
		many_path(path, sizeof(path), i);
		snprintf(number, sizeof(number), "%u\n", i);
		copy("/t/target", path, number);
	}
}

/* This test starts the helpers. */
static void end_first_helper(void)
{
	static struct message m;
	int fd = open_border();

	start_request(&m, RECEIPT_CMD_STATUS);
	request(fd, &m);
	kill(get_u32(&answer.reply, RECEIPT_A_HELPER_PID), SIGKILL);
	close(fd);
}

/* Machines differ: what waits for an exec waits for what it takes here. */
static void measure_pause(void)
{
	int64_t start = now_ms();

	run("/mnt/good");
	pause_ms = 30 + 2 * ARRAY_SIZE(workers) * (now_ms() - start);
	/* The host may have let the machine wait just then. */
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	note("pause: %u ms", pause_ms);
}

int main(int argc, char **argv)
{
	pid_t pids[ARRAY_SIZE(workers)];

	probe_init();
	make_files();
	run("/mnt/good");
	measure_pause();
	end_first_helper();
	end = now_ms() + 1000 * (argc > 1 ? atoi(argv[1]) : 10);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		pids[i] = start_probe(workers[i].fn, workers[i].arg);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		expect_allowed(end_probe(pids[i]), "%s", workers[i].name);
	return 0;
}
