// SPDX-License-Identifier: MIT
/*
 * late: ptrace() asks under a spinlock, and comes again for the answer; see
 * kmod/late.c. Whoever does not come leaves a question behind for some seconds. One user
 * who does nothing else keeps no other waiting, and all of them together not root.
 */
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>

#include "probe.h"

#define MAX_USER	64	/* questions of a user */
#define USERS		20	/* who have more together than all may */
#define MORE		8	/* than the bound, since not each leaves one */
#define WAITERS		8
#define TICK_US		500
#define LEFT_MS		3500	/* no question is forgotten that soon */

static const uid_t one = 1000, next = 1001, many = 2000, last = 3000, root;

/*
 * Whoever is interrupted in the system call, which is about to be restarted, has asked
 * and not been answered.
 */
static void leave(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (uc->uc_mcontext.gregs[REG_RAX] == SYS_ptrace)
		syscall(SYS_exit, 0);
}

static void *ask_and_leave(void *unused)
{
	sigset_t alarm_only;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
	for (;;)
		syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
	return unused;
}

/* One after the other, as the alarm is one of the process. */
static int leave_questions(void *user)
{
	const struct itimerval tick = { { 0, TICK_US }, { 0, TICK_US } };
	const struct sigaction act = { .sa_sigaction = leave, .sa_flags = SA_SIGINFO };
	sigset_t alarm_only;
	pthread_t thread;

	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	alarm(0);
	if (setuid(*(const uid_t *)user) || sigaction(SIGALRM, &act, NULL) ||
	    sigprocmask(SIG_BLOCK, &alarm_only, NULL) || setitimer(ITIMER_REAL, &tick, NULL))
		return BROKEN;
	for (int i = 0; i < MAX_USER + MORE; i++) {
		if (pthread_create(&thread, NULL, ask_and_leave, NULL) ||
		    pthread_join(thread, NULL))
			return BROKEN;
	}
	return ALLOWED;
}

/* Its answer is that it may not, when it gets one. */
static int be_traced(void *user)
{
	if (setpriority(PRIO_PROCESS, 0, *(const uid_t *)user == last ||
			*(const uid_t *)user == one ? 19 : -10) ||
	    setuid(*(const uid_t *)user))
		return BROKEN;
	return outcome_of(!ptrace(PTRACE_TRACEME, 0, 0, 0), EACCES);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {};

	waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid == pid;
}

/* While those of @waiting have to wait, @served gets his answer. */
static void test_order(const uid_t *waiting, const uid_t *served, const char *name)
{
	pid_t pids[WAITERS];
	int ended = 0, denied = 0;
	int64_t start = now_ms();

	for (int i = 0; i < WAITERS; i++)
		pids[i] = start_probe(be_traced, (void *)waiting);
	usleep(200000);
	expect(DENIED, probe(be_traced, (void *)served), "%s: gets an answer", name);
	for (int i = 0; i < WAITERS; i++)
		ended += has_ended(pids[i]);
	ok(!ended, "%s: before the others", name);
	note("after %lld ms", (long long)(now_ms() - start));
	for (int i = 0; i < WAITERS; i++)
		denied += end_probe(pids[i]) == DENIED;
	ok(denied == WAITERS, "%s: they get theirs later", name);
	note("after %lld ms", (long long)(now_ms() - start));
}

/* Those that are left behind are forgotten in the end. */
static void test_left(int64_t since, const uid_t *waiting, const uid_t *served, const char *name)
{
	int64_t ms = now_ms() - since;

	note("after %lld ms", (long long)ms);
	if (ms < LEFT_MS)
		test_order(waiting, served, name);
	else
		ok(true, "%s # SKIP too slow: the first questions are forgotten", name);
}

static void test_one_user(void)
{
	int64_t start = now_ms();

	expect_allowed(probe(leave_questions, (void *)&one), "a user leaves his questions behind");
	test_left(start, &one, &next, "another user");
}

static void test_all_users(void)
{
	uid_t users[USERS];
	pid_t pids[USERS];
	int64_t start = now_ms();
	int left = 0;

	for (int i = 0; i < USERS; i++) {
		users[i] = many + i;
		pids[i] = start_probe(leave_questions, &users[i]);
	}
	for (int i = 0; i < USERS; i++)
		left += end_probe(pids[i]) == ALLOWED;
	ok(left == USERS, "many users leave theirs behind");
	test_left(start, &last, &root, "root");
}

int main(void)
{
	probe_init();
	expect(DENIED, probe(be_traced, (void *)&next), "PTRACE_TRACEME: control");
	test_one_user();
	test_all_users();
	return 0;
}
