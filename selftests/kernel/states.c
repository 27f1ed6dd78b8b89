// SPDX-License-Identifier: MIT
/*
 * states N DIR: N copies of a sealed program are run and known afterwards, while the
 * table of what is known grows, and while another process runs one of them.
 */
#include <signal.h>

#include "probe.h"

#define PROGRAM	"/t/mark"
#define BRIEF	"/run/states-brief"

static const char *nth(const char *dir, int i)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", i);
	return in(dir, name);
}

static bool maps(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	close(fd);
	return map != MAP_FAILED && !munmap(map, 4096);
}

static int maps_all(const char *dir, int n)
{
	int good = 0;

	for (int i = 0; i < n; i++)
		good += maps(nth(dir, i));
	return good;
}

/* Until it is killed; ends by itself when the file is not mapped. */
static pid_t map_on(const char *path)
{
	pid_t pid = fork();

	while (!pid)
		if (!maps(path))
			_exit(1);
	return pid;
}

int main(int argc, char **argv)
{
	int n = argc == 3 ? atoi(argv[1]) : 0;
	uint64_t hashed, before;
	const char *dir;
	pid_t pid;
	int status;

	if (n < 1)
		broken("usage: states N DIR");
	dir = argv[2];
	probe_init();
	mkdir(dir, 0755);
	copy(PROGRAM, BRIEF, "");
	before = stat_value("inode-states");
	ok(maps(BRIEF), "a sealed file is mapped");
	pid = map_on(BRIEF);
	for (int i = 0; i < n; i++)
		copy(PROGRAM, nth(dir, i), "");
	hashed = stat_value("hashed");
	ok(maps_all(dir, n) == n, "%d sealed files are mapped", n);
	ok(stat_value("hashed") - hashed >= (uint64_t)n, "each is hashed");
	ok(stat_value("inode-states") - before > (uint64_t)n, "each has a state");
	hashed = stat_value("hashed");
	ok(maps_all(dir, n) == n, "they are mapped again");
	ok(stat_value("hashed") == hashed, "none is hashed again");
	kill(pid, SIGKILL);
	ok(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status),
	   "one that was mapped all the time always was");
	flip_byte(nth(dir, n - 1));
	expect_denied(probe_map(nth(dir, n - 1), EACCES), "mmap_file", "no-evidence",
		      "one that was written since");
	for (int i = 0; i < n; i++)
		unlink(nth(dir, i));
	ok(stat_value("inode-states") - before < 16, "states go with their files");
	return 0;
}
