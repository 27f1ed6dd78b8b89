/* SPDX-License-Identifier: MIT */
/*
 * What is measured, and how it is printed. To be run in a VM with --icount, where
 * the time stamp counter counts guest instructions.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#define PATH_SIZE	256

struct operation {
	const char *name;
	const char *file;
	void (*once)(const char *path);
	int round;	/* times that are long beside a tick of the timer */
};

static inline void exec_once(const char *path)
{
	char *argv[] = { (char *)path, NULL }, *no_env[] = { NULL };
	int status;
	pid_t pid = vfork();

	if (pid == 0) {
		execve(path, argv, no_env);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "%s: not executed", path);
}

static inline void map_once(const char *path)
{
	int fd = open(path, O_RDONLY);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (fd < 0 || p == MAP_FAILED)
		err(1, "%s: not mapped", path);
	munmap(p, 4096);
	close(fd);
}

static inline uint64_t measure(const struct operation *op, const char *path)
{
	uint64_t start = __rdtsc();

	op->once(path);
	return __rdtsc() - start;
}

static inline int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * The lower quartile is the figure to compare: the timer ticks every 4 million
 * instructions, and what then runs has nothing to do with the operation. The line
 * is left open.
 */
static inline void print(const char *config, const char *name, const char *cache, uint64_t *v,
			 int n)
{
	qsort(v, n, sizeof(*v), by_value);
	printf("%s,%s,%s,%d,%lu,%lu,%lu,%lu", config, name, cache, n,
	       v[0], v[n / 4], v[n / 2], v[n - 1 - n / 10]);
}

#endif /* MEASURE_H */
