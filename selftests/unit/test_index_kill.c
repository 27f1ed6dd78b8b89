// SPDX-License-Identifier: MIT
/*
 * Whoever changes a store is stopped before each system call that writes, while others
 * look up: with an index that was open before, and with one that is opened then. Then it
 * is killed there. Nothing that counted before is ever missed, and the next one who
 * writes goes on as if nothing had been.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#include "folder.h"
#include "sample.h"
#include "signer.h"
#include "store.h"

#define LEAVES	3
#define STOPS	500	/* system calls that write, at most */

/* Bundles by the seed of their first digest. */
enum { A = 100, B = 200, C = 300, D = 400 };

struct step {
	const char *what;
	void (*change)(struct rcpt_store *store, const char *dir);
	int changed;	/* the bundle that comes or goes, or 0 */
};

static struct rcpt_span bundle_of(int seed)
{
	static struct rcpt_span made[5];
	struct rcpt_span *bundle = &made[seed / 100];
	struct sample_leaves s;
	char sub[16];
	uint8_t *data;

	if (bundle->data)
		return *bundle;
	s = sample_leaves(LEAVES, seed);
	snprintf(sub, sizeof(sub), "sub%d", seed);
	sample_bundle(&signer, &s, sub, &data, &bundle->len);
	bundle->data = data;
	sample_leaves_free(&s);
	return *bundle;
}

static const char *name_of(int seed)
{
	static char name[16];

	snprintf(name, sizeof(name), "%d.bundle", seed);
	return name;
}

/*
 * what is done; it runs in a process of its own
 */

static void add_one(struct rcpt_store *store, const char *dir)
{
	char name[RCPT_STORE_NAME];

	(void)dir;
	if (rcpt_store_add(store, bundle_of(D), name, NULL))
		_exit(1);
}

static void remove_one(struct rcpt_store *store, const char *dir)
{
	(void)dir;
	if (rcpt_store_remove(store, name_of(B), NULL))
		_exit(1);
}

static void sync_one(struct rcpt_store *store, const char *dir)
{
	(void)dir;
	if (rcpt_store_sync(store, false, NULL, NULL, NULL))
		_exit(1);
}

static void rebuild(struct rcpt_store *store, const char *dir)
{
	(void)dir;
	if (rcpt_store_sync(store, true, NULL, NULL, NULL))
		_exit(1);
}

static bool writes(uint64_t nr)
{
	static const uint64_t calls[] = {
		SYS_write, SYS_pwrite64, SYS_writev, SYS_openat, SYS_open, SYS_rename,
		SYS_renameat, SYS_renameat2, SYS_unlink, SYS_unlinkat, SYS_mkdir, SYS_mkdirat,
		SYS_fsync, SYS_fdatasync, SYS_fallocate, SYS_ftruncate, SYS_chmod, SYS_fchmod,
		SYS_linkat, SYS_flock, SYS_close,
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i] == nr)
			return true;
	return false;
}

static pid_t start(const struct step *step, const char *dir)
{
	struct rcpt_store *store;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) || raise(SIGSTOP) ||
	    rcpt_store_create(dir, &store, NULL))
		_exit(1);
	step->change(store, dir);
	rcpt_store_close(store);
	_exit(0);
}

/* Let it run up to the next call that writes. Return: false when it has ended. */
static bool next_write(pid_t pid, int *status)
{
	struct __ptrace_syscall_info info;

	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
		assert_int_equal(waitpid(pid, status, 0), pid);
		if (WIFEXITED(*status) || WIFSIGNALED(*status))
			return false;
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && writes(info.entry.nr))
			return true;
	}
}

/*
 * looking up
 */

static size_t count(struct rcpt_store *store, int seed)
{
	size_t least = 1000, n;

	for (int i = 0; i < LEAVES; i++) {
		struct rcpt_error err = { .text = "" };
		struct rcpt_store_hits hits;
		uint8_t digest[32];

		sample_digest(seed + i, digest);
		if (rcpt_store_lookup(store, RECEIPT_KIND_SHA256, digest, 32, &hits, &err))
			fail_msg("%s", err.text);
		n = hits.n;
		rcpt_store_hits_free(&hits);
		least = n < least ? n : least;
	}
	return least;
}

static struct rcpt_store *open_store(const char *dir)
{
	struct rcpt_store *store;

	assert_int_equal(rcpt_store_open(dir, &store, NULL), 0);
	return store;
}

static void look(struct rcpt_store *store, const struct step *step)
{
	static const int seeds[] = { A, B, C };

	for (size_t i = 0; i < 3; i++)
		if (seeds[i] != step->changed)
			assert_int_equal(count(store, seeds[i]), 1);
	if (step->changed)
		assert_in_range(count(store, step->changed), 0, 1);
	assert_int_equal(count(store, 500), 0);
}

static void look_anew(const char *dir, const struct step *step)
{
	struct rcpt_store *store = open_store(dir);

	look(store, step);
	rcpt_store_close(store);
}

/* After what was killed: all is as the folder says. */
static void check_next(const char *dir, const struct step *step, bool there)
{
	struct rcpt_store *store;
	struct rcpt_error why;

	assert_int_equal(rcpt_store_create(dir, &store, NULL), 0);
	assert_int_equal(rcpt_store_sync(store, false, NULL, NULL, NULL), 0);
	look(store, step);
	assert_int_equal(rcpt_store_state(store, &why), RCPT_STORE_INDEXED);
	if (step->changed)
		assert_int_equal(count(store, step->changed), there);
	rcpt_store_close(store);
	/* One list, one segment, the folder of the writer with the lock. */
	assert_int_equal(folder_count(in_folder(dir, "index"), ".segment"), 1);
	assert_int_equal(folder_count(in_folder(dir, "index"), ""), 3);
}

static char *make_store(void)
{
	static const int seeds[] = { A, B, C };
	struct rcpt_store *store;
	char *dir = folder_make();

	for (size_t i = 0; i < 3; i++)
		folder_write(in_folder(dir, name_of(seeds[i])), bundle_of(seeds[i]).data,
			     bundle_of(seeds[i]).len);
	assert_int_equal(rcpt_store_create(dir, &store, NULL), 0);
	assert_int_equal(rcpt_store_sync(store, false, NULL, NULL, NULL), 0);
	rcpt_store_close(store);
	return dir;
}

static void before_change(const struct step *step, const char *dir)
{
	if (step->change == sync_one)
		folder_write(in_folder(dir, name_of(D)), bundle_of(D).data, bundle_of(D).len);
}

/* Whether the bundle that comes or goes is in the folder. */
static bool is_there(const char *dir, const struct step *step)
{
	size_t n = folder_count(dir, ".bundle");

	return n == (step->changed == D ? 4 : 3);
}

/* Return: false when it has ended before the stop of that number. */
static bool kill_at(const struct step *step, int stop)
{
	char *dir = make_store();
	struct rcpt_store *open_before = open_store(dir);
	bool stopped = true;
	int status;
	pid_t pid;

	look(open_before, step);
	before_change(step, dir);
	pid = start(step, dir);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	for (int i = 0; stopped && i <= stop; i++)
		stopped = next_write(pid, &status);
	look(open_before, step);
	look_anew(dir, step);
	if (stopped) {
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		look(open_before, step);
		look_anew(dir, step);
	} else {
		assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
		assert_int_equal(is_there(dir, step), step->changed != B);
	}
	check_next(dir, step, is_there(dir, step));
	rcpt_store_close(open_before);
	folder_remove(dir);
	return stopped;
}

static void test_step(const struct step *step)
{
	int stop = 0;

	while (kill_at(step, stop)) {
		stop++;
		assert_true(stop < STOPS);
	}
	print_message("# %s: killed before each of %d calls that write\n", step->what, stop);
	/* A list and a segment: to be made, written, made durable and moved, each. */
	assert_true(stop > 10);
}

static void test_add(void **state)
{
	(void)state;
	test_step(&(struct step){ "store add", add_one, D });
}

static void test_remove(void **state)
{
	(void)state;
	test_step(&(struct step){ "store remove", remove_one, B });
}

static void test_sync(void **state)
{
	(void)state;
	test_step(&(struct step){ "store index", sync_one, D });
}

static void test_rebuild(void **state)
{
	(void)state;
	test_step(&(struct step){ "store index --rebuild", rebuild, 0 });
}

/* What would be missed is: without bundle and index there is nothing. */
static void test_control(void **state)
{
	char *dir = make_store();
	struct rcpt_store *store = open_store(dir);

	(void)state;
	assert_int_equal(count(store, A), 1);
	assert_int_equal(unlink(in_folder(dir, name_of(A))), 0);
	assert_int_equal(count(store, A), 1);
	assert_int_equal(unlink(in_folder(dir, "index/current")), 0);
	assert_int_equal(count(store, A), 0);
	assert_int_equal(count(store, B), 1);
	rcpt_store_close(store);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_rebuild),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
