// SPDX-License-Identifier: MIT
/*
 * overflow SECONDS: more is asked than the helper's socket holds: of a helper that stands
 * still, that is slow, that has little CPU time; with a small buffer and a usual one; by
 * many users at paths as long as there are. Every question is answered all the same. /t
 * holds sealed files and the policy; the test starts receiptd.
 */
#include <grp.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "helper.h"

#define DEADLINE_MS	10000
#define USER		1000
#define USERS		64
#define EACH		4		/* questions of a user at a time */
#define CROWD		(USERS * EACH)
#define MANY		16		/* sealed: /t/target, and a number behind it */
#define LEVELS		15		/* folders with long names below each other */
#define STACK		(64 << 10)
#define STEPS		4
#define LIBNL_PID	0x3fffff	/* of the number of a socket */
#define BUFFER		"/proc/sys/net/core/rmem_max"
#define CGROUP		"/run/cgroup2"
#define QUOTA		"25000 100000"	/* CPUQuota=25% */

static int border;
static pid_t receiptd;
static int64_t end;
static int gate[2];

static const char *many_path(unsigned int i)
{
	static char path[32];

	snprintf(path, sizeof(path), "/mnt/many-%u", i % MANY);
	return path;
}

/* Stays in the lowest folder: its path is about as long as a path may be. */
static void enter_folder(void)
{
	char name[240], file[32], content[64];

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	if (chdir("/run"))
		broken("chdir");
	for (int i = 0; i < LEVELS; i++)
		if ((mkdir(name, 0755) && errno != EEXIST) || chdir(name))
			broken("folder %d", i);
	for (unsigned int i = 0; i < CROWD; i++) {
		snprintf(file, sizeof(file), "f%u", i);
		snprintf(content, sizeof(content), "overflow %u", i);
		write_text(file, content);
	}
}

static void make_files(void)
{
	char number[8];

	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(number, sizeof(number), "%u\n", i);
		copy("/t/target", many_path(i), number);
	}
	enter_folder();
}

/*
 * The helper, and what befalls it
 */

/* Messages that its socket had no room for. */
static unsigned int drops(void)
{
	unsigned int protocol, port, dropped, found = 0;
	FILE *f = fopen("/proc/net/netlink", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %u %u %*x %*u %*u %*u %*u %u", &protocol, &port,
			   &dropped) == 3 && protocol == NETLINK_GENERIC &&
		    (port & LIBNL_PID) == (unsigned int)receiptd)
			found = dropped;
	if (!f)
		broken("/proc/net/netlink");
	fclose(f);
	return found;
}

static void start_helper(const char *buffer)
{
	write_text(BUFFER, buffer);
	receiptd = start_receiptd(border);
}

static int slow_down(void *unused)
{
	(void)unused;
	slow_down_process(receiptd, end);
	return ALLOWED;
}

/*
 * The users
 */

static void become_user(unsigned int user)
{
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) ||
	    setresuid(USER + user, USER + user, USER + user))
		_exit(BROKEN);
}

static void *ask(void *number)
{
	char name[32];
	void *map;
	int fd;

	snprintf(name, sizeof(name), "f%u", (unsigned int)(uintptr_t)number);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		_exit(BROKEN);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED || errno != EACCES)
		_exit(map != MAP_FAILED ? ALLOWED : DENIED_OTHERWISE);
	close(fd);
	return NULL;
}

/* Asks for files FIRST and on, all at the same time. */
static void ask_all(unsigned int first, unsigned int n)
{
	pthread_t threads[CROWD];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (uintptr_t i = 0; i < n; i++)
		if (pthread_create(&threads[i], &attr, ask, (void *)(first + i)))
			_exit(BROKEN);
	for (unsigned int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static int ask_as_user(void *user)
{
	char c;

	close(gate[1]);
	if (read(gate[0], &c, 1))
		return BROKEN;
	become_user((uintptr_t)user);
	ask_all((uintptr_t)user * EACH, EACH);
	return DENIED;
}

/*
 * The helper stands still, all ask
 */

static void wait_pending(uint64_t n)
{
	int64_t until = now_ms() + 1000 * PROBE_SECONDS;

	while (stat_value("lookups-pending") < n)
		if (now_ms() > until)
			broken("%llu pending", (unsigned long long)stat_value("lookups-pending"));
		else
			usleep(20000);
}

static void test_still(const char *what)
{
	struct exec_args args = { .path = many_path(0), .want_errno = EACCES };
	uint64_t late = stat_value("denied:helper-timeout");
	unsigned int before = drops(), good = 0;
	pid_t pids[USERS], root;
	int64_t start;

	flush(border);
	if (pipe2(gate, O_CLOEXEC))
		broken("pipe");
	for (uintptr_t i = 0; i < USERS; i++)
		pids[i] = start_probe(ask_as_user, (void *)i);
	kill(receiptd, SIGSTOP);
	close(gate[0]);
	close(gate[1]);
	wait_pending(CROWD);
	root = start_probe(try_exec, &args);
	wait_pending(CROWD + 1);
	start = now_ms();
	kill(receiptd, SIGCONT);
	expect_allowed(end_probe(root), "%s: root's sealed program runs", what);
	for (int i = 0; i < USERS; i++)
		good += end_probe(pids[i]) == DENIED;
	ok(good == USERS, "%s: of %d users' files none runs", what, USERS);
	late = stat_value("denied:helper-timeout") - late;
	if (!ok(!late, "%s: the helper answers them all", what))
		note("%llu had no answer", (unsigned long long)late);
	note("%lld ms, %u messages dropped", (long long)(now_ms() - start), drops() - before);
	ok(drops() != before, "%s: its socket was too small", what);
}

/*
 * Users who ask and are killed: the helper's queue fills with questions that are over
 */

static int come_and_go(void *unused)
{
	uint64_t rounds = 0;

	(void)unused;
	for (; now_ms() < end; rounds++) {
		pid_t pid = fork();

		if (!pid) {
			become_user(rounds % USERS);
			ask_all(rounds % STEPS * (CROWD / STEPS), CROWD / STEPS);
			_exit(0);
		}
		usleep(20000);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return rounds ? DENIED : BROKEN;
}

/* @brake: stops the helper again and again; NULL: it has little CPU time. */
static void test_busy(const char *what, unsigned int seconds, int (*brake)(void *))
{
	unsigned int before = drops(), ran = 0, denied = 0;
	int64_t start, took, longest = 0;
	pid_t users, braking = 0;

	end = now_ms() + 1000 * seconds;
	users = start_probe(come_and_go, NULL);
	if (brake)
		braking = start_probe(brake, NULL);
	for (; now_ms() < end; ran++) {
		flush(border);
		start = now_ms();
		denied += probe_exec(many_path(ran), EACCES) != ALLOWED;
		took = now_ms() - start;
		longest = took > longest ? took : longest;
	}
	expect(DENIED, end_probe(users), "%s: users come and go", what);
	if (brake)
		end_probe(braking);
	note("root ran %u programs, the slowest took %lld ms; %u messages dropped", ran,
	     (long long)longest, drops() - before);
	ok(ran && !denied, "%s: all of root's sealed programs run", what);
	flush(border);
	start = now_ms();
	expect_allowed(probe_exec(many_path(0), EACCES), "%s: one does afterwards", what);
	ok(now_ms() - start < DEADLINE_MS / 2, "%s: at once", what);
	ok(!stat_value("lookups-pending"), "%s: nothing is pending", what);
}

/* As systemd does for CPUQuota=. */
static bool set_quota(void)
{
	char pid[16];

	mkdir(CGROUP, 0755);
	if (mount("none", CGROUP, "cgroup2", 0, NULL) || mkdir(CGROUP "/helper", 0755)) {
		ok(true, "CPU quota # SKIP no cgroups of version 2");
		return false;
	}
	write_text(CGROUP "/cgroup.subtree_control", "+cpu");
	write_text(CGROUP "/helper/cpu.max", QUOTA);
	snprintf(pid, sizeof(pid), "%d", receiptd);
	write_text(CGROUP "/helper/cgroup.procs", pid);
	return true;
}

static uint64_t throttled(void)
{
	FILE *f = fopen(CGROUP "/helper/cpu.stat", "re");
	unsigned long long value, found = 0;
	char word[64];

	while (f && fscanf(f, "%63s %llu", word, &value) == 2)
		if (!strcmp(word, "nr_throttled"))
			found = value;
	if (!f)
		broken("cpu.stat");
	fclose(f);
	return found;
}

int main(int argc, char **argv)
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 5;

	probe_init();
	border = open_border();
	if (load_policy_file(border, "/t/policy-1.0.0"))
		broken("policy: %s", answer.text);
	make_files();
	start_helper("4096");
	test_still("small buffer");
	test_busy("small buffer, slow helper", seconds, slow_down);
	end_receiptd(receiptd);
	start_helper("212992");
	test_busy("slow helper", seconds, slow_down);
	if (set_quota()) {
		test_busy("CPU quota", seconds, NULL);
		ok(throttled(), "CPU quota: it was used up");
	}
	end_receiptd(receiptd);
	return 0;
}
