// SPDX-License-Identifier: MIT
/*
 * bench run DIR CONFIG		measures, and prints lines of CSV
 * bench scale DIR CONFIG	measures with one CPU busy, then with two
 * bench label LIST		sets the IMA hashes that "sha256sum" wrote to LIST
 *
 * To be run in a VM with --icount, where the time stamp counter counts guest
 * instructions. DIR holds exec_static, exec_dynamic and libmapped.so, and of
 * each any number of copies NAME.0, NAME.1, ... that differ in content; and data,
 * a file that nobody executes. All of them in the page cache.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "measure.h"

#define WARM_UP		50
#define WARM		401
#define CPUS		2
#define ROUNDS		21

/* How IMA stores a hash: IMA_XATTR_DIGEST_NG, HASH_ALGO_SHA256, digest. */
struct ima_hash {
	uint8_t type;
	uint8_t algo;
	uint8_t digest[32];
};

static const struct operation operations[] = {
	{ "exec static", "exec_static", exec_once, 20 },
	{ "exec dynamic", "exec_dynamic", exec_once, 20 },
	{ "mmap", "libmapped.so", map_once, 500 },
};

static void open_as(const char *path, int flags)
{
	int fd = open(path, flags);

	if (fd < 0)
		err(1, "%s: not opened", path);
	close(fd);
}

static void open_once(const char *path)
{
	open_as(path, O_RDONLY);
}

static void open_to_write_once(const char *path)
{
	open_as(path, O_WRONLY);
}

static void read_once(const char *path)
{
	static char page[4096];
	static int fd = -1;

	if (fd < 0)
		fd = open(path, O_RDONLY);
	if (pread(fd, page, sizeof(page), 0) != sizeof(page))
		err(1, "%s: not read", path);
}

static void fork_once(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		errx(1, "%s: no fork", path);
}

static void prctl_once(const char *path)
{
	char name[16];

	if (prctl(PR_GET_NAME, name) != 0)
		err(1, "%s: no prctl", path);
}

static void map_anon_once(const char *path)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		err(1, "%s: no memory", path);
	munmap(p, 4096);
}

/* What no policy rules. */
static const struct operation not_ruled[] = {
	{ "open to read", "data", open_once },
	{ "open to write", "data", open_to_write_once },
	{ "read a page", "data", read_once },
	{ "fork and exit", "data", fork_once },
	{ "prctl", "data", prctl_once },
	{ "mmap of memory", "data", map_anon_once },
};

static void print_line(const char *config, const char *name, const char *cache, uint64_t *v,
		       int n)
{
	print(config, name, cache, v, n);
	printf(",,,\n");
}

/* Each copy is new to the kernel; nothing is read from the disk. */
static void run_cold(const char *dir, const char *config, const struct operation *op)
{
	static uint64_t v[WARM];
	char path[PATH_SIZE];
	int n;

	for (n = 0; n < WARM; n++) {
		snprintf(path, sizeof(path), "%s/%s.%d", dir, op->file, n);
		if (access(path, R_OK) != 0)
			break;
		v[n] = measure(op, path);
	}
	if (n)
		print_line(config, op->name, "cold", v, n);
}

static void run_warm(const char *dir, const char *config, const struct operation *op,
		     const char *label)
{
	static uint64_t v[WARM];
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, op->file);
	for (int i = 0; i < WARM_UP; i++)
		op->once(path);
	for (int i = 0; i < WARM; i++)
		v[i] = measure(op, path);
	print_line(config, op->name, label, v, WARM);
}

static void run(const char *dir, const char *config)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		run_warm(dir, config, &operations[i], "warm");
		run_cold(dir, config, &operations[i]);
	}
	for (size_t i = 0; i < sizeof(not_ruled) / sizeof(*not_ruled); i++)
		run_warm(dir, config, &not_ruled[i], "not ruled");
}

/* What the processes that are pinned to a CPU each share. */
struct race {
	pthread_barrier_t start;
	uint64_t from[CPUS][ROUNDS], to[CPUS][ROUNDS];
};

static struct race *new_race(unsigned int cpus)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t attr;

	if (race == MAP_FAILED || pthread_barrierattr_init(&attr) ||
	    pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) ||
	    pthread_barrier_init(&race->start, &attr, cpus))
		errx(1, "no barrier");
	return race;
}

static void race_on(unsigned int cpu, struct race *race, const struct operation *op,
		    const char *path)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		err(1, "CPU %u", cpu);
	for (int i = 0; i < WARM_UP; i++)
		op->once(path);
	for (int r = 0; r < ROUNDS; r++) {
		pthread_barrier_wait(&race->start);
		race->from[cpu][r] = __rdtsc();
		for (int i = 0; i < op->round; i++)
			op->once(path);
		race->to[cpu][r] = __rdtsc();
	}
}

/* All CPUs count together, so what two of them do is divided by two. */
static void print_race(const char *config, const struct operation *op,
		       const struct race *race, unsigned int cpus)
{
	static const char * const labels[] = { "", "1 CPU", "2 CPUs" };
	uint64_t v[ROUNDS];

	for (int r = 0; r < ROUNDS; r++) {
		uint64_t from = race->from[0][r], to = race->to[0][r];

		for (unsigned int cpu = 1; cpu < cpus; cpu++) {
			from = race->from[cpu][r] < from ? race->from[cpu][r] : from;
			to = race->to[cpu][r] > to ? race->to[cpu][r] : to;
		}
		v[r] = (to - from) / (cpus * op->round);
	}
	print_line(config, op->name, labels[cpus], v, ROUNDS);
}

static void scale_one(const char *dir, const char *config, const struct operation *op,
		      unsigned int cpus)
{
	struct race *race = new_race(cpus);
	char path[PATH_SIZE];
	int status;

	snprintf(path, sizeof(path), "%s/%s", dir, op->file);
	for (unsigned int cpu = 0; cpu < cpus; cpu++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			race_on(cpu, race, op, path);
			_exit(0);
		}
	}
	for (unsigned int cpu = 0; cpu < cpus; cpu++)
		if (wait(&status) < 0 || status != 0)
			errx(1, "%s: a CPU did not finish", op->name);
	print_race(config, op, race, cpus);
	munmap(race, sizeof(*race));
}

static void scale(const char *dir, const char *config)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		for (unsigned int cpus = 1; cpus <= CPUS; cpus++)
			scale_one(dir, config, &operations[i], cpus);
}

static void label(const char *list)
{
	struct ima_hash hash = { .type = 4, .algo = 4 };
	char hex[65], path[PATH_SIZE];
	FILE *f = fopen(list, "r");

	if (!f)
		err(1, "%s", list);
	while (fscanf(f, "%64s %255s", hex, path) == 2) {
		for (int i = 0; i < 32; i++)
			sscanf(hex + 2 * i, "%2hhx", &hash.digest[i]);
		if (setxattr(path, "security.ima", &hash, sizeof(hash), 0) != 0)
			err(1, "%s: security.ima", path);
	}
	fclose(f);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "run"))
		run(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "scale"))
		scale(argv[2], argv[3]);
	else if (argc == 3 && !strcmp(argv[1], "label"))
		label(argv[2]);
	else
		errx(64, "usage: bench run|scale DIR CONFIG | bench label LIST");
	return 0;
}
