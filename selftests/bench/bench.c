// SPDX-License-Identifier: MIT
/*
 * bench run DIR CONFIG		measures, and prints lines of CSV
 * bench scale DIR CONFIG	measures with one CPU busy, then with two
 * bench label LIST		sets the IMA hashes that "sha256sum" wrote to LIST
 *
 * To be run in a VM with --icount, where the time stamp counter counts guest
 * instructions. DIR holds exec_static, exec_dynamic and libmapped.so, and of
 * each any number of copies NAME.0, NAME.1, ... that differ in content.
 */
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <x86intrin.h>

#define WARM_UP		50
#define WARM		401
#define PATH_SIZE	256
#define CPUS		2
#define ROUNDS		21

/* How IMA stores a hash: IMA_XATTR_DIGEST_NG, HASH_ALGO_SHA256, digest. */
struct ima_hash {
	uint8_t type;
	uint8_t algo;
	uint8_t digest[32];
};

static void exec_once(const char *path)
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

static void map_once(const char *path)
{
	int fd = open(path, O_RDONLY);
	void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (fd < 0 || p == MAP_FAILED)
		err(1, "%s: not mapped", path);
	munmap(p, 4096);
	close(fd);
}

static const struct operation {
	const char *name;
	const char *file;
	void (*once)(const char *path);
	int round;	/* times that are long beside a tick of the timer */
} operations[] = {
	{ "exec static", "exec_static", exec_once, 20 },
	{ "exec dynamic", "exec_dynamic", exec_once, 20 },
	{ "mmap", "libmapped.so", map_once, 500 },
};

static uint64_t measure(const struct operation *op, const char *path)
{
	uint64_t start = __rdtsc();

	op->once(path);
	return __rdtsc() - start;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * The lower quartile is the figure to compare: the timer ticks every 4 million
 * instructions, and what then runs has nothing to do with the operation.
 */
static void print(const char *config, const char *name, const char *cache, uint64_t *v, int n)
{
	qsort(v, n, sizeof(*v), by_value);
	printf("%s,%s,%s,%d,%lu,%lu,%lu,%lu\n", config, name, cache, n,
	       v[0], v[n / 4], v[n / 2], v[n - 1 - n / 10]);
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
		print(config, op->name, "cold", v, n);
}

static void run_warm(const char *dir, const char *config, const struct operation *op)
{
	static uint64_t v[WARM];
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", dir, op->file);
	for (int i = 0; i < WARM_UP; i++)
		op->once(path);
	for (int i = 0; i < WARM; i++)
		v[i] = measure(op, path);
	print(config, op->name, "warm", v, WARM);
}

/* Reads everything once, so that the page cache is warm for all. */
static void read_all(const char *dir)
{
	char cmd[PATH_SIZE];

	snprintf(cmd, sizeof(cmd), "cat %s/* >/dev/null", dir);
	if (system(cmd) != 0)
		errx(1, "cannot read %s", dir);
}

static void run(const char *dir, const char *config)
{
	read_all(dir);
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		run_warm(dir, config, &operations[i]);
		run_cold(dir, config, &operations[i]);
	}
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
	print(config, op->name, labels[cpus], v, ROUNDS);
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
	read_all(dir);
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
