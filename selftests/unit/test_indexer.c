// SPDX-License-Identifier: MIT
/*
 * The process beside the helper that keeps the indexes in line with the bundles.
 */
#include <time.h>

#include "folder.h"
#include "sample.h"
#include "signer.h"

#include "../../helper/receiptd/indexer.c"
#include "../../helper/receiptd/log.c"
#include "../../helper/receiptd/sandbox.c"

#define PATIENCE_S	60	/* for what comes sooner or later */

static const struct keeper no_keeper = { .to = -1 };

/* AddressSanitizer makes calls at the end of a process that the sandbox does not permit. */
#ifdef __SANITIZE_ADDRESS__
#define MAY_END_BADLY	true
#else
#define MAY_END_BADLY	false
#endif

/* As a package manager does. */
static void put_bundle(const char *dir, const char *name, uint64_t seed)
{
	struct sample_leaves s = sample_leaves(3, seed);
	uint8_t *data;
	size_t len;

	sample_bundle(&signer, &s, name, &data, &len);
	folder_write(in_folder(dir, "new.tmp"), data, len);
	assert_int_equal(rename(in_folder(dir, "new.tmp"), in_folder(dir, name)), 0);
	free(data);
	sample_leaves_free(&s);
}

static size_t count(struct rcpt_store *store, uint64_t seed)
{
	struct rcpt_store_hits hits;
	uint8_t digest[32];
	size_t n;

	sample_digest(seed, digest);
	assert_int_equal(rcpt_store_lookup(store, RECEIPT_KIND_SHA256, digest, 32, &hits, NULL), 0);
	n = hits.n;
	rcpt_store_hits_free(&hits);
	return n;
}

/* Look-ups find @seed all the time. */
static void wait_indexed(struct rcpt_store *store, uint64_t seed)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	time_t end = time(NULL) + PATIENCE_S;
	struct rcpt_error why;

	do {
		assert_int_equal(count(store, seed), 1);
		if (rcpt_store_state(store, &why) == RCPT_STORE_INDEXED)
			return;
		nanosleep(&pause, NULL);
	} while (time(NULL) < end);
	fail_msg("not indexed: state %d, %s", rcpt_store_state(store, &why), why.text);
}

static void test_indexer(void **state)
{
	char *dir = folder_make();
	const struct sources sources = { .stores = { dir, "/nonexistent" }, .nstores = 2 };
	struct rcpt_stores stores = { .n = 1 };
	struct rcpt_store *store;
	struct indexer ix;
	int status;

	(void)state;
	put_bundle(dir, "a.bundle", 100);
	assert_int_equal(rcpt_store_open(dir, &store, NULL), 0);
	stores.at[0].dir = dir;
	stores.at[0].store = store;
	indexer_start(&ix, &sources, &no_keeper);
	assert_true(ix.to >= 0);
	wait_indexed(store, 101);

	/* A package comes: it counts at once, and is indexed then. */
	put_bundle(dir, "b.bundle", 200);
	wait_indexed(store, 201);
	assert_int_equal(count(store, 101), 1);

	/* The index is spoilt, and made anew; one that is gone, too. */
	folder_write(in_folder(dir, "index/spoilt"), "no index", 8);
	assert_int_equal(rename(in_folder(dir, "index/spoilt"), in_folder(dir, "index/current")), 0);
	assert_int_equal(count(store, 101), 1);
	indexer_tell(&ix, &stores);
	assert_int_equal(ix.state[0], RCPT_STORE_DAMAGED);
	wait_indexed(store, 101);
	indexer_tell(&ix, &stores);
	assert_int_equal(ix.state[0], RCPT_STORE_INDEXED);
	assert_int_equal(unlink(in_folder(dir, "index/current")), 0);
	assert_int_equal(count(store, 201), 1);
	indexer_tell(&ix, &stores);
	wait_indexed(store, 201);

	/* The helper's end is its end. */
	close(ix.to);
	assert_true(wait(&status) > 0);
	assert_true((WIFEXITED(status) && !WEXITSTATUS(status)) ||
		    (MAY_END_BADLY && WIFSIGNALED(status)));
	rcpt_store_close(store);
	folder_remove(dir);
}

/* Return: 0 when all is as it should be. */
static char in_sandbox(const struct sandbox *box, const char *dir, bool landlock)
{
	struct rcpt_error err;

	if (sandbox_enter(box, &err))
		return 1;
	if (open(in_folder(dir, "index/x"), O_WRONLY | O_CREAT, 0600) < 0)
		return 2;
	if (open(in_folder(dir, "x"), O_WRONLY | O_CREAT, 0600) >= 0 ? landlock : errno != EACCES)
		return 3;
	return make_index(dir, false, &err) ? 4 : 0;
}

/* In the sandbox, what is beside the index cannot be written. */
static void test_sandbox(void **state)
{
	char *dir = folder_make();
	const struct sources sources = { .stores = { dir }, .nstores = 1 };
	const struct sandbox box = { .sources = &sources, .indexes = true };
	bool landlock = syscall(SYS_landlock_create_ruleset, NULL, 0,
				LANDLOCK_CREATE_RULESET_VERSION) >= 1;
	struct rcpt_store *store;
	char result = -1;
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(rcpt_store_create(dir, &store, NULL), 0);
	rcpt_store_close(store);
	put_bundle(dir, "a.bundle", 100);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		const char result = in_sandbox(&box, dir, landlock);

		_exit(write(ends[1], &result, 1) != 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &result, 1), 1);
	assert_int_equal(result, 0);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	assert_int_equal(rcpt_store_open(dir, &store, NULL), 0);
	wait_indexed(store, 101);
	rcpt_store_close(store);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indexer),
		cmocka_unit_test(test_sandbox),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
