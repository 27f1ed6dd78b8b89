// SPDX-License-Identifier: MIT
/*
 * race ROUNDS DIR [WRITE_DIR]: the content of a sealed program is swapped for another,
 * in every way that there is, before, during and after its check: first one step at a
 * time, then in a loop of ROUNDS beside others that execute and map it. WRITE_DIR: the
 * folder where it is written, when DIR shows it. No byte that is not sealed may run.
 */
#include <sched.h>

#include "ways.h"

#define EXEC_HOOK	"bprm_check_security"
#define MAP_HOOK	"mmap_file"
#define LEAST_MS	2500	/* for the rounds of one way */
#define MOST_MS		(60000 * slowness())
#define MOST_ROUND_MS	(100 * slowness())	/* for each besides, of thousands */
#define PAUSE_US	4000
#define PAUSE_MOST_US	500000

static char run_path[256];	/* the target, where it is run */
static unsigned long all_rounds;

/* What the racers count, shared. */
struct tally {
	bool over;
	unsigned long rounds, busy;		/* of the one that swaps */
	unsigned long good, evil, astray;	/* runs */
	unsigned long denied, died;
	unsigned long mapped_good, mapped_evil, mapped_denied;
	unsigned long odd;			/* what no racer expects */
	int odd_value;
};

static struct tally *tally;

static void odd(int value)
{
	tally->odd++;
	tally->odd_value = value;
}

/*
 * One step at a time
 */

static int try_put(const struct way *way, enum content what)
{
	return outcome_of(way->put(what), ETXTBSY);
}

/* Executable code of the target, mapped; NULL with errno. */
static char *map_target(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *map;

	if (fd < 0)
		return NULL;
	map = mmap(NULL, image_size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

static void test_after(const struct way *way)
{
	expect_allowed(probe_exec(run_path, EACCES), "%s: before", way->name);
	if (!way->put(EVIL))
		broken("%s", way->name);
	expect_denied(probe_exec(run_path, EACCES), EXEC_HOOK, "no-evidence", "%s: after",
		      way->name);
	expect_denied(probe_map(run_path, EACCES), MAP_HOOK, "no-evidence", "%s: after, mapped",
		      way->name);
	if (!way->put(GOOD))
		broken("%s", way->name);
	expect_allowed(probe_exec(run_path, EACCES), "%s: back again", way->name);
	evict(target);
	expect_allowed(probe_exec(run_path, EACCES), "%s: read from the disk", way->name);
}

/* While it is mapped, it stays what it is; a rename brings another file. */
static void test_mapped(const struct way *way)
{
	char *map = map_target(run_path);

	if (!map)
		broken("%s: mmap", way->name);
	if (way->renames)
		expect_allowed(try_put(way, EVIL), "%s: while mapped", way->name);
	else
		expect(DENIED, try_put(way, EVIL), "%s: while mapped: ETXTBSY", way->name);
	ok(!memcmp(map, image[GOOD], image_size), "%s: what is mapped stays", way->name);
	munmap(map, image_size);
	usleep(50000);	/* the last reference to a file goes after its mapping */
	if (way->renames && !way->put(GOOD))
		broken("%s", way->name);
}

/*
 * What is on the disk must be what was hashed: one that got there while other pages
 * were in memory comes up when these are given back.
 */
static void test_evicted(const struct way *way)
{
	int got;

	if (!prepare_way(way))
		broken("%s", way->name);
	if (!way->put(EVIL))
		broken("%s", way->name);
	probe_exec(run_path, EACCES);
	evict(target);
	got = probe_exec(run_path, EACCES);
	expect(DENIED, got, "%s: pages of before are given back: EACCES", way->name);
}

static bool alter_other(const char *path)
{
	return put_bytes(path, 0, image[EVIL], image_size);
}

/* The same blocks for two files, where they are equal and where they are not. */
static int dedupe(const char *from, const char *to)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} d = { { .src_length = image_size, .dest_count = 1 } };
	int a = open(from, O_RDONLY | O_CLOEXEC), b = open(to, O_RDONLY | O_CLOEXEC), ret;

	d.info.dest_fd = b;
	ret = ioctl(a, FIDEDUPERANGE, &d);
	close(a);
	close(b);
	return ret ? -1 : d.info.status;
}

static void test_dedupe(void)
{
	char good[300];

	prepare_way(&ways[0]);
	prepare_reflink();
	snprintf(good, sizeof(good), "%s.%d", other, GOOD);
	expect_allowed(probe_exec(run_path, EACCES), "FIDEDUPERANGE: before");
	if (dedupe(good, target) != FILE_DEDUPE_RANGE_SAME) {
		ok(true, "FIDEDUPERANGE # SKIP the file system has none");
		return;
	}
	ok(dedupe(other, target) == FILE_DEDUPE_RANGE_DIFFERS,
	   "FIDEDUPERANGE: brings no other content");
	ok(alter_other(good), "FIDEDUPERANGE: its twin is written");
	evict(target);
	expect_allowed(probe_exec(run_path, EACCES), "FIDEDUPERANGE: the target is as it was");
	expect_denied(probe_exec(good, EACCES), EXEC_HOOK, "no-evidence",
		      "FIDEDUPERANGE: the twin is not");
}

/*
 * The race
 */

/* All the rounds, for a while, and until what is sealed ran, too. */
static bool goes_on(unsigned long rounds, int64_t ms)
{
	if (ms > MOST_MS + (int64_t)rounds * MOST_ROUND_MS)
		return false;
	return ms < LEAST_MS || tally->rounds < rounds || !tally->good || !tally->mapped_good;
}

/* For the time that it takes to run; on a slow kernel more, until it did. */
static void let_run(void)
{
	static unsigned int pause = PAUSE_US;

	if (tally->good && tally->mapped_good)
		pause = PAUSE_US;
	else if (pause < PAUSE_MOST_US)
		pause *= 2;
	usleep(rand() % pause);
}

static void swap(const struct way *way, unsigned long rounds)
{
	int64_t begin = now_ms();
	enum content next = EVIL;

	while (goes_on(rounds, now_ms() - begin)) {
		if (way->put(next)) {
			if (next == GOOD && ++tally->rounds % 16 == 0)
				let_run();
			next = next == GOOD ? EVIL : GOOD;
		} else if (errno == ETXTBSY) {
			tally->busy++;
			sched_yield();
		} else {
			odd(errno);
			break;
		}
	}
}

static void note_exec_error(int err)
{
	if (err == EACCES || err == ETXTBSY)
		tally->denied++;
	else if (err != ENOENT)
		odd(err);
}

static void execute_once(void)
{
	char *const argv[] = { run_path, NULL }, *const none[] = { NULL };
	volatile int err = 0;
	int status;
	pid_t pid = vfork();

	if (!pid) {
		execve(run_path, argv, none);
		err = errno;
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		odd(errno);
	else if (err)
		note_exec_error(err);
	else if (WIFSIGNALED(status))
		tally->died++;
	else if (WEXITSTATUS(status) == ALLOWED)
		tally->good++;
	else if (WEXITSTATUS(status) == RAN_ASTRAY)
		tally->astray++;
	else
		tally->evil++;
}

static void map_once(unsigned int n)
{
	char *map = map_target(run_path);

	if (!map) {
		tally->mapped_denied++;
		return;
	}
	if (n % 4 == 0)
		evict(target);
	for (int i = 0; i < 3; i++) {
		if (memcmp(map, image[GOOD], image_size)) {
			tally->mapped_evil++;
			break;
		}
		sched_yield();
	}
	tally->mapped_good++;
	munmap(map, image_size);
}

static void execute(void)
{
	while (!tally->over)
		execute_once();
}

/* It leaves some time to those that write. */
static void map(void)
{
	for (unsigned int n = 0; !tally->over; n++) {
		map_once(n);
		usleep(n % 16 * 100);
	}
}

static pid_t start(void (*racer)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		broken("fork");
	if (pid)
		return pid;
	racer();
	_exit(0);
}

/* Programs that ran have left their mark; none may be an evil one's. */
static bool marks_are_good(void)
{
	FILE *f = fopen("/run/mark", "re");
	unsigned long n = 0;
	int c;

	while (f && (c = getc(f)) == ALLOWED)
		n++;
	if (!f || c != EOF)
		return false;
	fclose(f);
	return n == tally->good;
}

static void report(const struct way *way, unsigned long rounds, int64_t ms)
{
	const struct tally *t = tally;
	bool safe = !t->evil && !t->astray && !t->mapped_evil && !t->odd && marks_are_good();

	ok(safe && t->rounds >= rounds && t->good && t->mapped_good,
	   "%s: in a loop, nothing unsealed runs", way->name);
	note("%lu rounds in %d ms, %lu times busy, %lu odd (%d)", t->rounds, (int)ms, t->busy,
	     t->odd, t->odd_value);
	note("executed: %lu sealed, %lu evil, %lu astray, %lu denied, %lu died", t->good, t->evil,
	     t->astray, t->denied, t->died);
	note("mapped: %lu sealed, %lu evil, %lu denied", t->mapped_good, t->mapped_evil,
	     t->mapped_denied);
	all_rounds += t->rounds;
}

static void race(const struct way *way, unsigned long rounds)
{
	int64_t begin = now_ms();
	pid_t runners[2];

	if (!prepare_way(way))
		broken("%s", way->name);
	memset(tally, 0, sizeof(*tally));
	write_text("/run/mark", "");
	runners[0] = start(execute);
	runners[1] = start(map);
	swap(way, rounds);
	tally->over = true;
	waitpid(runners[0], NULL, 0);
	waitpid(runners[1], NULL, 0);
	report(way, rounds, now_ms() - begin);
	/* So many denials leave no place for the next record before the second is over. */
	usleep(1100000);
}

static void test_way(const struct way *way, unsigned long rounds)
{
	/* A file above does not see what happens to names below. */
	if (in_place && way->renames)
		return;
	if (!prepare_way(way)) {
		ok(true, "%s # SKIP %s", way->name, strerror(errno));
		return;
	}
	if (!way->astray) {
		test_after(way);
		test_mapped(way);
		test_evicted(way);
	}
	race(way, rounds);
}

int main(int argc, char **argv)
{
	const char *dir = argc > 2 ? argv[2] : "/mnt/race", *write_dir = argc > 3 ? argv[3] : dir;
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;

	mkdir(write_dir, 0755);
	snprintf(run_path, sizeof(run_path), "%s/target", dir);
	snprintf(target, sizeof(target), "%s/target", write_dir);
	snprintf(other, sizeof(other), "%s/other", write_dir);
	in_place = dir != write_dir;
	probe_init();
	load_images();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		test_way(&ways[i], rounds);
	test_dedupe();
	note("%lu rounds in all", all_rounds);
	return 0;
}
