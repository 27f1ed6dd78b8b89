// SPDX-License-Identifier: MIT
/*
 * stacked ROUNDS DIR [anon]: what is executed on overlayfs is written below, or copied up and
 * written above, between its check and what the kernel reads of it afterwards: the
 * headers of a program, of its loader, of the interpreter of a script, and the script.
 * The task that executes runs only when nobody else does, so that it can be stopped
 * anywhere. All code is sealed: headers that were changed start it elsewhere.
 * anon: under a policy that rules ANON_EXEC alone, the headers of a program that has
 * the right to it.
 */
#include <sys/prctl.h>

#include "elves.h"
#include "idle.h"
#include "layers.h"

#define EXEC_HOOK	"bprm_check_security"
#define MAP_HOOK	"mmap_file"
#define INTERPRETER	"/run/interpreter"	/* what /t/script names */
#define OTHER		"/run/interpretex"	/* what it names when it was changed */
#define SEALED_SIZE	(32 << 20)		/* zeros */
#define CLEAN		16			/* one round of so many is undisturbed */

static const char *dir;
static off_t code_at;		/* in the headers */
static char run_path[256], below[256], above[256];

/* What changes, of what is executed by run_path. */
struct subject {
	const char *name;
	void (*prepare)(void);
	bool (*change)(bool evil);
	void (*renew)(unsigned int round);
};

static bool write_at(const char *path, const void *data, size_t len, off_t at)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = pwrite(fd, data, len, at) == (ssize_t)len;
	close(fd);
	return good;
}

static bool change_headers(bool evil)
{
	uint64_t place = evil ? 2 * PAGE : PAGE;

	return write_at(above, &place, sizeof(place), code_at);
}

static bool change_entry(bool evil)
{
	uint64_t entry = LOADER_AT + (evil ? 2 * PAGE : PAGE);

	return write_at(above, &entry, sizeof(entry), offsetof(Elf64_Ehdr, e_entry));
}

static bool change_script(bool evil)
{
	return write_at(above, evil ? OTHER : INTERPRETER, strlen(OTHER), strlen("#!"));
}

/* For good: the next round has another file. */
static bool copy_up(bool evil)
{
	return evil && !chmod(below, 0711) && change_headers(true);
}

static void name_files(const char *name)
{
	snprintf(below, sizeof(below), "%s/merged/%s", dir, name);
	snprintf(above, sizeof(above), "%s/upper/%s", dir, name);
}

static void run_what_is_below(void)
{
	snprintf(run_path, sizeof(run_path), "%s", below);
}

/* Below the mount no name must get another file. */
static void make(const char *name, const char *from, bool (*change)(bool evil))
{
	name_files(name);
	if (access(above, F_OK))
		copy(from, above, "");
	if (!change(false))
		broken("%s", above);
	run_what_is_below();
}

static void make_program(void)
{
	make("program", ELVES "/plain", change_headers);
}

static void make_asker(void)
{
	make("asks", ELVES "/asks", change_entry);
}

static void make_loader(void)
{
	make_program();
	point(LOADER, below);
	snprintf(run_path, sizeof(run_path), ELVES "/program");
}

static void make_interpreter(void)
{
	make_program();
	point(INTERPRETER, below);
	snprintf(run_path, sizeof(run_path), "/t/script");
}

static void make_script(void)
{
	make("script", "/t/script", change_script);
	point(INTERPRETER, ELVES "/plain");
	point(OTHER, ELVES "/astray");
}

static void remove_last(void)
{
	unlink(below);
	unlink(above);
}

/* Another name in the lower layer for the same file. */
static void renew_program(unsigned int round)
{
	char name[32], lower[256];

	remove_last();
	snprintf(name, sizeof(name), "program-%u", round);
	name_files(name);
	snprintf(lower, sizeof(lower), "%s/lower/%s", dir, name);
	unlink(lower);
	if (link(in(dir, "lower/program"), lower))
		broken("%s", lower);
	run_what_is_below();
}

static void renew_loader(unsigned int round)
{
	renew_program(round);
	point(LOADER, below);
	snprintf(run_path, sizeof(run_path), ELVES "/program");
}

static void make_lower(void)
{
	copy(ELVES "/plain", in(dir, "lower/program"), "");
}

static const struct subject subjects[] = {
	{ "headers of a program", make_program, change_headers, NULL },
	{ "headers of a loader", make_loader, change_headers, NULL },
	{ "headers of an interpreter", make_interpreter, change_headers, NULL },
	{ "script", make_script, change_script, NULL },
	{ "program that is copied up", make_lower, copy_up, renew_program },
	{ "loader that is copied up", make_lower, copy_up, renew_loader },
};

/* Whoever is started elsewhere may have the right of those who are not. */
static const struct subject asker = {
	"entry of a program that may have executable memory", make_asker, change_entry, NULL
};

/*
 * The race
 */

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void wait_until(int64_t ns)
{
	struct timespec ts = { ns / 1000000000, ns % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static pid_t start_idle(int cpu)
{
	char *const argv[] = { run_path, NULL }, *const none[] = { NULL };
	pid_t pid = fork();

	if (pid)
		return pid;
	run_idle_on(cpu);
	execve(run_path, argv, none);
	_exit(errno == EACCES || errno == ETXTBSY ? DENIED : BROKEN);
}

struct tally {
	unsigned long good, astray, denied, died, odd, changed, busy;
};

static void count(struct tally *t, int status)
{
	if (WIFSIGNALED(status))
		t->died++;
	else if (WEXITSTATUS(status) == ALLOWED)
		t->good++;
	else if (WEXITSTATUS(status) == RAN_ASTRAY)
		t->astray++;
	else if (WEXITSTATUS(status) == DENIED)
		t->denied++;
	else
		t->odd++;
}

static void disturb(const struct subject *subject, struct tally *t, int64_t start, int64_t takes)
{
	wait_until(start + takes / 8 + rand() % takes);
	if (subject->change(true))
		t->changed++;
	else
		t->busy++;
	wait_until(now_ns() + 10000 + rand() % (takes / 6));
	subject->change(false);
}

/* Undisturbed rounds say how long one takes. */
static void race(const struct subject *subject, struct tally *t, unsigned int rounds, int cpu)
{
	int64_t start, takes = 2000000;
	int status;
	pid_t pid;

	for (unsigned int i = 0; i < rounds; i++) {
		if (subject->renew)
			subject->renew(i);
		start = now_ns();
		pid = start_idle(cpu);
		if (i % CLEAN)
			disturb(subject, t, start, takes);
		waitpid(pid, &status, 0);
		if (i % CLEAN == 0)
			takes = now_ns() - start + 100000;
		if (!subject->renew)
			subject->change(false);
		count(t, status);
	}
}

static void test_subject(const struct subject *subject, unsigned int rounds, int cpu)
{
	struct tally t = {};

	subject->prepare();
	race(subject, &t, rounds, cpu);
	ok(t.good && !t.astray && !t.odd, "%s, %s: nothing starts elsewhere", subject->name,
	   cpu ? "two CPUs" : "one CPU");
	note("%u rounds: %lu as sealed, %lu elsewhere, %lu denied, %lu died, %lu odd", rounds,
	     t.good, t.astray, t.denied, t.died, t.odd);
	note("%lu changed, %lu times closed to writers", t.changed, t.busy);
}

/* Sealed code, and headers that are not: what the races would show. */
static void test_controls(void)
{
	int status;
	pid_t pid;

	snprintf(run_path, sizeof(run_path), ELVES "/astray");
	pid = start_idle(0);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == RAN_ASTRAY,
	   "control: code that starts elsewhere is told apart");
	make_program();
	expect_allowed(probe_exec(run_path, EACCES), "control: headers as sealed");
	if (!change_headers(true))
		broken("%s", above);
	expect_denied(probe_exec(run_path, EACCES), EXEC_HOOK, "no-evidence",
		      "control: changed headers");
}

static void test_anon_controls(void)
{
	int status;
	pid_t pid;

	snprintf(run_path, sizeof(run_path), ELVES "/asks-astray");
	pid = start_idle(0);
	waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == RAN_ASTRAY,
	   "anon control: a right that is used is told apart");
	make_asker();
	expect_allowed(probe_exec(run_path, EACCES), "anon control: headers as sealed");
	if (!change_entry(true))
		broken("%s", above);
	expect_denied(probe_exec(run_path, EACCES), MAP_HOOK, "no-evidence",
		      "anon control: changed headers run, without the right");
}

/*
 * The hash of a file that is copied up meanwhile
 */

static void make_zeros(const char *path, const char *tail)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	if (fd < 0 || ftruncate(fd, SEALED_SIZE) ||
	    pwrite(fd, tail, strlen(tail), SEALED_SIZE - strlen(tail)) != (ssize_t)strlen(tail))
		broken("%s", path);
	close(fd);
}

/* Sealed but for its end, which becomes sealed above before it is hashed. */
static void test_digest(int ms)
{
	char lower[256], name[32];
	static const char zeros[8];
	pid_t pid;

	snprintf(name, sizeof(name), "zeros-%d", ms);
	name_files(name);
	snprintf(lower, sizeof(lower), "%s/lower/%s", dir, name);
	make_zeros(lower, "evil");
	pid = start_probe(try_map, &(struct map_args){ .path = below, .prot = PROT_EXEC,
						       .want_errno = ETXTBSY });
	usleep(ms * 1000);
	if (chmod(below, 0711) || !write_at(above, zeros, sizeof(zeros), SEALED_SIZE - sizeof(zeros)))
		broken("%s", above);
	waitpid(pid, NULL, 0);
	expect(DENIED, probe_map(lower, EACCES),
	       "copied up after %d ms of hashing: what is below stays unsealed", ms);
	expect_allowed(probe_map(above, EACCES), "copied up after %d ms of hashing: control", ms);
	unlink(above);
	unlink(lower);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 100;

	dir = argc > 2 ? argv[2] : "/mnt/stacked";
	probe_init();
	make_layers(dir);
	mount_layers(dir, ",volatile");
	prctl(PR_SET_TIMERSLACK, 1);
	run_on(0);
	if (argc > 3) {
		test_anon_controls();
		for (int cpu = 0; cpu < 2; cpu++)
			test_subject(&asker, rounds, cpu);
		return 0;
	}
	code_at = place_of_code(ELVES "/plain");
	test_controls();
	for (int ms = 0; ms <= 400; ms += 100)
		test_digest(ms);
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		for (int cpu = 0; cpu < 2; cpu++)
			test_subject(&subjects[i], rounds, cpu);
	return 0;
}
