// SPDX-License-Identifier: MIT
/*
 * flood SECONDS USERS: users ask as much as they can, of a helper that is slow or
 * stands still. What is sealed is run for root all the same. /t holds sealed files.
 * It takes 64 users to fill the queue; on a slow machine that takes too long.
 */
#include <grp.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "helper.h"

#define EXEC_HOOK	"bprm_check_security"
#define DEADLINE_MS	10000
#define USER		1000
#define USER_QUEUE	64		/* pending, of one user */
#define QUEUE		4096		/* pending, in all */
#define USERS_MAX	(QUEUE / USER_QUEUE)
#define FLOODERS	80
#define MANY		16		/* sealed: /t/target, and a number behind it */
#define STACK		(64 << 10)

static int border;
static pid_t receiptd;
static int64_t end;
static unsigned int users;

static void find_receiptd(void)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_STATUS);
	request(border, &m);
	receiptd = get_u32(&answer.reply, RECEIPT_A_HELPER_PID);
	if (!receiptd || kill(receiptd, 0))
		broken("the helper's process");
}

static void become_user(void)
{
	if (setgroups(0, NULL) || setresgid(USER, USER, USER) || setresuid(USER, USER, USER))
		broken("setresuid");
}

/* Of a sealed content each, so that each is asked for anew after a flush. */
static const char *many_path(unsigned int i)
{
	static char path[32];

	snprintf(path, sizeof(path), "/mnt/many-%u", i % MANY);
	return path;
}

static void make_files(void)
{
	char number[8];

	for (unsigned int i = 0; i < MANY; i++) {
		snprintf(number, sizeof(number), "%u\n", i);
		copy("/t/target", many_path(i), number);
	}
	copy("/t/target", "/mnt/late", "");
}

/*
 * A user asks first
 */

static int run_as_user(void *path)
{
	struct exec_args args = { .path = path, .want_errno = EACCES };

	become_user();
	return try_exec(&args);
}

/* Who asks later has all of his own time: the helper comes back within it. */
static void test_user_first(void)
{
	struct exec_args args = { .path = "/mnt/late", .want_errno = EACCES };
	int64_t start = now_ms();
	pid_t user, root;

	flush(border);
	kill(receiptd, SIGSTOP);
	user = start_probe(run_as_user, "/mnt/late");
	usleep(1000 * (DEADLINE_MS - 2000));
	root = start_probe(try_exec, &args);
	probe_pid = user;
	expect_denied(end_probe(user), EXEC_HOOK, "helper-timeout",
		      "a user asks of a helper that stands still");
	usleep(500000);
	kill(receiptd, SIGCONT);
	expect_allowed(end_probe(root), "root, who asked for the same later, has his own time");
	note("%lld ms in all", (long long)(now_ms() - start));
}

/*
 * Many users: the places of a user times their number is more than there are
 */

static void user_path(char *path, size_t size, const char *dir, unsigned int a, unsigned int b)
{
	snprintf(path, size, "%s/%u-%u", dir, a, b);
}

static void make_content(char *path, size_t size, const char *dir, unsigned int a, unsigned int b)
{
	char content[64];

	user_path(path, size, dir, a, b);
	snprintf(content, sizeof(content), "flood %u %u", a, b);
	write_text(path, content);
}

struct asker {
	unsigned int user;
	unsigned int i;
};

static int gate[2];	/* all wait until it is closed */

/* Rights are a thread's own. */
static void *ask(void *arg)
{
	struct asker *a = arg;
	char path[64];
	int fd;

	user_path(path, sizeof(path), "/run/users", a->user, a->i);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_setresuid, a->user, a->user, a->user) ||
	    read(gate[0], path, 1))
		return NULL;
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	return NULL;
}

static pid_t start_user(unsigned int user)
{
	static struct asker askers[USER_QUEUE];
	pthread_attr_t attr;
	pthread_t thread;
	char path[64];
	pid_t pid;

	for (unsigned int i = 0; i < USER_QUEUE; i++)
		make_content(path, sizeof(path), "/run/users", user, i);
	pid = fork();
	if (pid)
		return pid;
	close(gate[1]);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (unsigned int i = 0; i < USER_QUEUE; i++) {
		askers[i] = (struct asker){ user, i };
		if (pthread_create(&thread, &attr, ask, &askers[i]))
			_exit(BROKEN);
	}
	for (;;)
		pause();
}

static unsigned int tasks(void)
{
	unsigned int n = 0;
	FILE *f = fopen("/proc/loadavg", "re");

	if (!f || fscanf(f, "%*f %*f %*f %*u/%u", &n) != 1)
		broken("/proc/loadavg");
	fclose(f);
	return n;
}

static void start_users(pid_t *pids)
{
	int64_t until = now_ms() + 1000 * PROBE_SECONDS;

	if (pipe2(gate, O_CLOEXEC))
		broken("pipe");
	for (unsigned int i = 0; i < users; i++)
		pids[i] = start_user(USER + 1 + i);
	while (tasks() < users * USER_QUEUE)
		if (now_ms() > until)
			broken("%u tasks", tasks());
		else
			usleep(100000);
	/* The last ones open their files. */
	usleep(500000);
}

static void end_users(pid_t *pids)
{
	for (unsigned int i = 0; i < users; i++)
		kill(pids[i], SIGKILL);
	for (unsigned int i = 0; i < users; i++)
		waitpid(pids[i], NULL, 0);
}

static int map_as_other(void *path)
{
	struct map_args args = { .path = path, .prot = PROT_READ | PROT_EXEC,
				 .want_errno = EACCES };

	if (syscall(SYS_setresuid, USER, USER, USER))
		return BROKEN;
	return try_map(&args);
}

/* Until no more come in; less than the deadline, after which the first ones go. */
static uint64_t wait_full(int64_t until)
{
	uint64_t pending = 0, before;

	do {
		before = pending;
		usleep(300000);
		pending = stat_value("lookups-pending");
	} while (pending != before && now_ms() < until);
	return pending;
}

static void test_users(void)
{
	struct exec_args args = { .path = many_path(0), .want_errno = EACCES };
	pid_t pids[USERS_MAX], root;
	char path[64];
	int64_t start;
	uint64_t pending;

	flush(border);
	mkdir("/run/users", 0755);
	make_content(path, sizeof(path), "/run/users", 0, 0);
	start_users(pids);
	kill(receiptd, SIGSTOP);
	start = now_ms();
	close(gate[1]);
	pending = wait_full(start + DEADLINE_MS - 3000);
	note("%llu pending after %lld ms", (unsigned long long)pending,
	     (long long)(now_ms() - start));
	if (users < USERS_MAX)
		ok(true, "a user more # SKIP the queue is not filled in time on this kernel");
	else
		expect_denied(probe(map_as_other, path), "mmap_file", "queue-full", "a user more");
	root = start_probe(try_exec, &args);
	usleep(300000);
	ok(!has_ended(root), "%u users ask: root's request waits", users);
	end_users(pids);
	/* The one that stands still has all questions before it. */
	kill(receiptd, SIGKILL);
	receiptd = start_receiptd(border);
	expect_allowed(end_probe(root), "%u users ask: root's sealed program runs", users);
	note("%lld ms in all", (long long)(now_ms() - start));
}

/*
 * One user with many processes
 */

/* What is denied leaves the process as it was. */
static int execute_unsealed(void *number)
{
	static const char *const argv[] = { "unsealed", NULL };
	unsigned int n = (uintptr_t)number, done = 0;
	char path[64];

	become_user();
	for (; now_ms() < end; done++) {
		make_content(path, sizeof(path), "/mnt/user", n, done);
		chmod(path, 0755);
		execv(path, (char **)argv);
		if (errno != EACCES)
			return BROKEN;
		unlink(path);
	}
	return done ? DENIED : BROKEN;
}

static int slow_down(void *unused)
{
	(void)unused;
	slow_down_process(receiptd, end);
	return ALLOWED;
}

static void test_flood(unsigned int seconds)
{
	unsigned int ran = 0, denied = 0;
	uint64_t before = stat_value("denied");
	int64_t longest = 0, start;
	pid_t pids[FLOODERS], brake;
	int good = 0;

	mkdir("/mnt/user", 0777);
	chmod("/mnt/user", 0777);
	end = now_ms() + 1000 * seconds;
	for (uintptr_t i = 0; i < FLOODERS; i++)
		pids[i] = start_probe(execute_unsealed, (void *)i);
	brake = start_probe(slow_down, NULL);
	for (; now_ms() < end; ran++) {
		flush(border);
		start = now_ms();
		denied += probe_exec(many_path(ran), EACCES) != ALLOWED;
		if (now_ms() - start > longest)
			longest = now_ms() - start;
	}
	end_probe(brake);
	for (int i = 0; i < FLOODERS; i++)
		good += end_probe(pids[i]) == DENIED;
	note("%llu denied; root ran %u programs, the slowest took %lld ms",
	     (unsigned long long)(stat_value("denied") - before), ran, (long long)longest);
	ok(good == FLOODERS, "a user in %d processes executes what is not sealed: denied",
	   FLOODERS);
	ok(ran && !denied, "meanwhile all of root's sealed programs run");
	ok(longest < DEADLINE_MS, "each within the deadline");
	expect_allowed(probe(run_as_user, "/mnt/late"),
		       "afterwards a sealed one runs for the user");
	ok(!stat_value("lookups-pending"), "nothing is pending");
}

int main(int argc, char **argv)
{
	probe_init();
	border = open_border();
	find_receiptd();
	make_files();
	test_user_first();
	users = argc > 2 ? atoi(argv[2]) : USERS_MAX;
	if (!users || users > USERS_MAX)
		broken("%u users", users);
	test_users();
	test_flood(argc > 1 ? atoi(argv[1]) : 5);
	return 0;
}
