// SPDX-License-Identifier: MIT
/*
 * storm SECONDS: execs and mappings by many, while policies follow each other, the
 * caches are flushed, and files are rewritten with what must not run. What is
 * sealed always runs, and nothing else ever does.
 */
#include "border.h"

#define LIBRARY		"/t/libmarker.so"
#define EVIL		"/t/evil"
#define EVIL_STATUS	99
#define POLICIES	40	/* /t/policy-1.1.0 and on */

static int64_t end;

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

static int run_good(void *path)
{
	while (now_ms() < end) {
		int got = run(path);

		if (got != ALLOWED) {
			note("%s: %d", (char *)path, got);
			return DENIED_OTHERWISE;
		}
	}
	return ALLOWED;
}

static int run_bad(void *path)
{
	while (now_ms() < end)
		if (run(path) != DENIED)
			return DENIED_OTHERWISE;
	return ALLOWED;
}

/* The file changes between a sealed program and the evil one. */
static int run_changing(void *path)
{
	unsigned int ran = 0;

	while (now_ms() < end) {
		int got = run(path);

		ran += got == ALLOWED;
		if (got == EVIL_STATUS || got == BROKEN)
			return DENIED_OTHERWISE;
	}
	note("%s ran %u times", (char *)path, ran);
	return ran ? ALLOWED : BROKEN;
}

static int map_changing(void *path)
{
	static char want[4096];
	int fd = open(LIBRARY, O_RDONLY | O_CLOEXEC), good = read(fd, want, sizeof(want));
	unsigned int mapped = 0;

	while (good == sizeof(want) && now_ms() < end) {
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
	return mapped ? ALLOWED : BROKEN;
}

/* Rewrites a file in place, now with one content, now with another. */
struct change {
	const char *path;
	const char *contents[2];
};

static int change(void *arg)
{
	struct change *c = arg;

	for (unsigned int i = 0; now_ms() < end; i++) {
		int fd = open(c->path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		if (fd >= 0) {
			copy_fd(c->contents[i % 2], fd, "");
			close(fd);
		}
		usleep(i % 2 ? 30000 : 3000);
	}
	return ALLOWED;
}

static int swap_policies(void *unused)
{
	int fd = open_border();
	char path[64];

	(void)unused;
	for (int i = 0; i < POLICIES && now_ms() < end; i++) {
		snprintf(path, sizeof(path), "/t/policy-1.1.%d", i);
		if (load_policy_file(fd, path)) {
			note("%s: error %d, %s", path, answer.error, answer.text);
			return DENIED_OTHERWISE;
		}
		usleep(100000);
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
	{ "an unsealed program is denied", run_bad, "/mnt/bad" },
	{ "a rewritten program is sealed whenever it runs", run_changing, "/mnt/changing" },
	{ "a rewritten library is sealed whenever it is mapped", map_changing, "/run/changing.so" },
	{ "the program is rewritten", change, &changed_program },
	{ "the library is rewritten", change, &changed_library },
	{ "policies follow each other", swap_policies, NULL },
	{ "caches are flushed", flush_all, NULL },
};

int main(int argc, char **argv)
{
	pid_t pids[ARRAY_SIZE(workers)];

	probe_init();
	copy("/t/target", "/mnt/good", "");
	copy("/t/target", "/run/good", "");
	copy("/t/target", "/mnt/changing", "");
	copy("/t/dynamic", "/mnt/dynamic", "");
	copy(EVIL, "/mnt/bad", "");
	copy(LIBRARY, "/run/changing.so", "");
	end = now_ms() + 1000 * (argc > 1 ? atoi(argv[1]) : 10);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		pids[i] = start_probe(workers[i].fn, workers[i].arg);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		expect_allowed(end_probe(pids[i]), "%s", workers[i].name);
	return 0;
}
