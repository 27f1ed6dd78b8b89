// SPDX-License-Identifier: MIT
/*
 * miss DIR DEVICE CONFIG: measures the first use of files, and prints lines of CSV
 *
 * DIR holds copies of program-SIZE and library-SIZE. NAME.upcall.N are sealed
 * together, NAME.signature.N each for itself. The contents of NAME.known.N are the
 * same, and those of NAME.fsverity.N and NAME.fsverity-cached.N, which get
 * fs-verity and are measured as after a boot and as they are in the page cache.
 * DEVICE, mounted from dm-verity, holds NAME.dmverity.N. N counts from 0. The first
 * use of a copy 0 is not measured: from then on is known what the others have in
 * common with it.
 */
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <string.h>
#include <sys/ioctl.h>

#include "measure.h"

#define COPIES	8
#define STATS	"/sys/kernel/security/receipt/stats"

static const struct operation operations[] = {
	{ "mmap 20 KB", "library-20", map_once },
	{ "mmap 1 MB", "library-1000", map_once },
	{ "exec 20 KB", "program-20", exec_once },
	{ "exec 1 MB", "program-1000", exec_once },
};

/* What the kernel did meanwhile: see stats.c. */
static const char * const counters[] = { "hashed", "lookups", "signatures-verified" };

#define COUNTERS	(sizeof(counters) / sizeof(*counters))

/* Without the module all are 0. */
static void read_counters(unsigned long now[COUNTERS])
{
	unsigned long value;
	char name[64];
	FILE *f = fopen(STATS, "r");

	memset(now, 0, COUNTERS * sizeof(*now));
	if (!f)
		return;
	while (fscanf(f, "%63s %lu", name, &value) == 2)
		for (size_t i = 0; i < COUNTERS; i++)
			if (!strcmp(name, counters[i]))
				now[i] = value;
	fclose(f);
}

static void name_copy(char path[PATH_SIZE], const char *dir, const char *file, const char *kind,
		      int n)
{
	snprintf(path, PATH_SIZE, "%s/%s.%s.%d", dir, file, kind, n);
}

static void enable_verity(const char *dir, const char *file, const char *kind)
{
	struct fsverity_enable_arg arg = { .version = 1, .block_size = 4096,
					   .hash_algorithm = FS_VERITY_HASH_ALG_SHA256 };
	char path[PATH_SIZE];

	for (int n = 0; n < COPIES; n++) {
		int fd;

		name_copy(path, dir, file, kind, n);
		fd = open(path, O_RDONLY);
		if (fd < 0 || ioctl(fd, FS_IOC_ENABLE_VERITY, &arg) != 0)
			err(1, "%s: no fs-verity", path);
		close(fd);
	}
}

/* Reads everything once, so that the page cache is warm for all. */
static void read_all(const char *dir)
{
	char cmd[PATH_SIZE];

	snprintf(cmd, sizeof(cmd), "cat %s/* >/dev/null", dir);
	if (system(cmd) != 0)
		errx(1, "cannot read %s", dir);
}

static void forget(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
		errx(1, "%s: stays in the page cache", path);
	close(fd);
}

static void run(const char *dir, const char *config, const struct operation *op, const char *kind)
{
	unsigned long before[COUNTERS], after[COUNTERS];
	uint64_t v[COPIES - 1];
	char path[PATH_SIZE];

	name_copy(path, dir, op->file, kind, 0);
	op->once(path);
	read_counters(before);
	for (int n = 1; n < COPIES; n++) {
		name_copy(path, dir, op->file, kind, n);
		if (!strcmp(kind, "fsverity"))
			forget(path);
		v[n - 1] = measure(op, path);
	}
	read_counters(after);
	print(config, op->name, kind, v, COPIES - 1);
	for (size_t i = 0; i < COUNTERS; i++)
		printf(",%lu", after[i] - before[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	static const char * const kinds[] = { "known", "upcall", "signature",
					     "fsverity", "fsverity-cached" };
	const size_t nkinds = sizeof(kinds) / sizeof(*kinds);

	if (argc != 4)
		errx(64, "usage: miss DIR DEVICE CONFIG");
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		enable_verity(argv[1], operations[i].file, "fsverity");
		enable_verity(argv[1], operations[i].file, "fsverity-cached");
	}
	sync();
	read_all(argv[1]);
	read_all(argv[2]);
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		for (size_t k = 0; k < nkinds; k++)
			run(argv[1], argv[3], &operations[i], kinds[k]);
		run(argv[2], argv[3], &operations[i], "dmverity");
	}
	return 0;
}
