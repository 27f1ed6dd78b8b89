// SPDX-License-Identifier: MIT
/*
 * The helper without its socket: from look-ups to messages, over real stores, and
 * from the active policy to the file of floors.
 */
#include "folder.h"
#include "transparent.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/pem.h>

#include "../../helper/receiptd/bootstrap.c"
#include "../../helper/receiptd/floors.c"
#include "../../helper/receiptd/keeper.c"
#include "../../helper/receiptd/log.c"
#include "../../helper/receiptd/queue.c"
#include "../../helper/receiptd/sandbox.c"
#include "../../helper/receiptd/sources.c"
#include "answer.h"
#include "bundle.h"
#include "store.h"

#define LEAVES	5

static struct rcpt_signer issuer, other, log_key;
static char folder[] = "/tmp/receiptd.XXXXXX";

static int make_keys(void **state)
{
	(void)state;
	return rcpt_signer_generate(RCPT_ES256, &issuer, NULL) ||
		rcpt_signer_generate(RCPT_ES256, &other, NULL) ||
		rcpt_signer_generate(RCPT_ES384, &log_key, NULL) || !mkdtemp(folder);
}

static int free_keys(void **state)
{
	char cmd[64];

	(void)state;
	rcpt_signer_free(&issuer);
	rcpt_signer_free(&other);
	rcpt_signer_free(&log_key);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", folder);
	return system(cmd);
}

/*
 * Stores
 */

static uint8_t digests[LEAVES][32];

static const char *store_dir(const char *name)
{
	static char dir[2][128];
	static int turn;

	turn = !turn;
	snprintf(dir[turn], sizeof(dir[turn]), "%s/%s", folder, name);
	return dir[turn];
}

static void make_leaves(struct rcpt_leaf *leaves)
{
	for (size_t i = 0; i < LEAVES; i++) {
		memset(digests[i], 0x10 + (int)i, 32);
		leaves[i] = (struct rcpt_leaf){
			.digest = digests[i], .name = "x", .name_len = 1,
			.kind = RECEIPT_KIND_SHA256, .usage = 1,
		};
	}
}

static void add_bytes(const char *dir, const void *data, size_t len)
{
	struct rcpt_error err = { 0 };
	char name[RCPT_STORE_NAME];
	struct rcpt_store *store;

	assert_int_equal(rcpt_store_create(dir, &store, &err), 0);
	assert_int_equal(rcpt_store_add(store, rcpt_span(data, len), name, &err), 0);
	rcpt_store_close(store);
}

/* A bundle over all leaves; @spoil changes the statement before it is stored. */
static void add_bundle(const char *name, const struct rcpt_signer *signer,
		       size_t nreceipts, bool spoil)
{
	struct rcpt_leaf leaves[LEAVES];
	uint8_t root[32], (*nodes)[32], *stmt, *bundle;
	struct rcpt_statement parsed;
	size_t len;

	make_leaves(leaves);
	assert_int_equal(rcpt_manifest_tree(leaves, LEAVES, &nodes, root, NULL), 0);
	stmt = transparent_make(signer, &log_key, NULL, root, nreceipts, &len);
	if (spoil) {
		assert_int_equal(rcpt_statement_parse(rcpt_span(stmt, len), &parsed, NULL), 0);
		stmt[parsed.sign1.signature.offset] ^= 1;
		rcpt_statement_free(&parsed);
	}
	assert_int_equal(rcpt_bundle_encode(rcpt_span(stmt, len), leaves, LEAVES,
					    &bundle, &len, NULL), 0);
	add_bytes(store_dir(name), bundle, len);
	free(bundle);
	free(stmt);
	free(nodes);
}

/*
 * A kernel that writes down what it is told
 */

#define MAX_SEEN	16

struct kernel {
	size_t n;
	struct {
		uint64_t id;
		bool has_id;
		bool more;
		bool keep;
		size_t nreceipts;
		bool path_good;
	} seen[MAX_SEEN];
	size_t nnone;
	enum receipt_reason none;
	unsigned int refuse;	/* bits: which pieces */
	int broken;		/* answer to all pieces */
};

static bool path_good(const struct rcpt_nl_evidence *ev)
{
	uint8_t leaf[32], root[32];

	return !rcpt_manifest_leaf(ev->kind, ev->usage, ev->digest.data, leaf) &&
		!rcpt_rfc9162_root(leaf, ev->index, ev->size, ev->path, ev->npath, root) &&
		rcpt_span_equal(ev->stmt->sign1.payload, root, sizeof(root));
}

static int on_evidence(const struct rcpt_nl_evidence *ev, struct rcpt_error *err,
		       void *arg)
{
	struct kernel *k = arg;
	struct nl_msg *msg;
	size_t i = k->n++;

	assert_true(i < MAX_SEEN);
	assert_int_equal(rcpt_nl_build_evidence(&msg, 1, ev, err), 0);
	nlmsg_free(msg);
	k->seen[i].id = ev->id;
	k->seen[i].has_id = ev->has_id;
	k->seen[i].more = ev->more;
	k->seen[i].keep = ev->keep;
	k->seen[i].nreceipts = ev->nreceipts;
	k->seen[i].path_good = path_good(ev);
	if (k->broken) {
		rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "broken");
		return k->broken;
	}
	if (!(k->refuse & 1u << i))
		return 0;
	rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_UNKNOWN_LOG, RCPT_NO_OFFSET, "refused");
	return -EBADMSG;
}

static int on_none(const struct rcpt_nl_lookup *lookup, enum receipt_reason reason,
		   struct rcpt_error *err, void *arg)
{
	struct kernel *k = arg;

	(void)err;
	assert_int_equal(lookup->id, 7);
	k->nnone++;
	k->none = reason;
	return 0;
}

static struct rcpt_sink sink_of(struct kernel *k)
{
	return (struct rcpt_sink){ on_evidence, on_none, k };
}

static int ask(struct rcpt_answerer *a, struct kernel *k, const uint8_t digest[32])
{
	struct rcpt_nl_lookup lookup = {
		.id = 7, .kind = RECEIPT_KIND_SHA256, .digest_len = 32,
	};
	const struct rcpt_sink sink = sink_of(k);
	struct rcpt_error err = { 0 };

	memcpy(lookup.digest, digest, 32);
	return rcpt_answer(a, &lookup, &sink, &err);
}

static struct rcpt_answerer *open_answerer(const char *first, const char *second)
{
	struct rcpt_answerer *a = calloc(1, sizeof(*a));
	static char dirs[2][128];
	struct rcpt_error err = { 0 };

	snprintf(dirs[0], sizeof(dirs[0]), "%s/%s", folder, first);
	assert_int_equal(rcpt_stores_add(&a->stores, dirs[0], &err), 0);
	if (second) {
		snprintf(dirs[1], sizeof(dirs[1]), "%s/%s", folder, second);
		assert_int_equal(rcpt_stores_add(&a->stores, dirs[1], &err), 0);
	}
	return a;
}

static void close_answerer(struct rcpt_answerer *a)
{
	rcpt_answerer_free(a);
	free(a);
}

/*
 * Tests
 */

static void test_found(void **state)
{
	struct rcpt_answerer *a;

	(void)state;
	add_bundle("found", &issuer, 2, false);
	a = open_answerer("found", NULL);
	for (size_t i = 0; i < LEAVES; i++) {
		struct kernel k = { 0 };

		assert_int_equal(ask(a, &k, digests[i]), 0);
		assert_int_equal(k.n, 1);
		assert_int_equal(k.nnone, 0);
		assert_true(k.seen[0].has_id);
		assert_int_equal(k.seen[0].id, 7);
		assert_false(k.seen[0].more);
		assert_int_equal(k.seen[0].nreceipts, 2);
		assert_true(k.seen[0].path_good);
	}
	close_answerer(a);
}

static void test_unknown(void **state)
{
	static const uint8_t digest[32] = { 0xee };
	struct rcpt_answerer *a = open_answerer("found", NULL);
	struct kernel k = { 0 };

	(void)state;
	assert_int_equal(ask(a, &k, digest), 0);
	assert_int_equal(k.n, 0);
	assert_int_equal(k.nnone, 1);
	assert_int_equal(k.none, RECEIPT_REASON_NO_EVIDENCE);
	close_answerer(a);
}

/* A store that comes, and grows, while it is served. */
static void test_store_appears(void **state)
{
	struct rcpt_answerer *a = open_answerer("later", NULL);
	struct kernel k = { 0 };

	(void)state;
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.nnone, 1);
	add_bundle("later", &issuer, 1, false);
	memset(&k, 0, sizeof(k));
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.n, 1);
	add_bundle("later", &other, 1, false);
	memset(&k, 0, sizeof(k));
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.n, 2);
	close_answerer(a);
}

static void test_several(void **state)
{
	struct rcpt_answerer *a;
	struct kernel k = { 0 };

	(void)state;
	add_bundle("one", &issuer, 1, false);
	add_bundle("one", &other, 1, false);
	add_bundle("two", &issuer, 3, false);
	a = open_answerer("one", "two");
	assert_int_equal(ask(a, &k, digests[2]), 0);
	assert_int_equal(k.n, 3);
	assert_true(k.seen[0].more);
	assert_true(k.seen[1].more);
	assert_false(k.seen[2].more);
	assert_int_equal(k.seen[2].nreceipts, 3);
	assert_int_equal(k.nnone, 0);

	/* The last one decides whether the look-up is closed. */
	memset(&k, 0, sizeof(k));
	k.refuse = 1 << 1;
	assert_int_equal(ask(a, &k, digests[2]), 0);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.nnone, 0);
	memset(&k, 0, sizeof(k));
	k.refuse = 1 << 2;
	assert_int_equal(ask(a, &k, digests[2]), 0);
	assert_int_equal(k.nnone, 1);
	assert_int_equal(k.none, RECEIPT_REASON_UNKNOWN_LOG);
	close_answerer(a);
}

static void test_broken(void **state)
{
	struct rcpt_answerer *a = open_answerer("one", "two");
	struct kernel k = { .broken = -EIO };

	(void)state;
	assert_int_equal(ask(a, &k, digests[2]), -EIO);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.nnone, 0);

	/* The kernel had no room to answer: all is sent, and the look-up is closed. */
	memset(&k, 0, sizeof(k));
	k.broken = -ENOBUFS;
	assert_int_equal(ask(a, &k, digests[2]), 0);
	assert_int_equal(k.n, 3);
	assert_int_equal(k.nnone, 1);
	close_answerer(a);
}

static void test_no_receipt(void **state)
{
	struct rcpt_answerer *a;
	struct kernel k = { 0 };

	(void)state;
	add_bundle("bare", &issuer, 0, false);
	a = open_answerer("bare", NULL);
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.n, 0);
	assert_int_equal(k.none, RECEIPT_REASON_NO_RECEIPT);
	close_answerer(a);
}

static void add_issuer_key(struct rcpt_answerer *a, const struct rcpt_signer *signer)
{
	const struct rcpt_key_source source = { 0 };
	struct rcpt_error err = { 0 };
	char *pem;
	BIO *bio = BIO_new(BIO_s_mem());
	long len;

	assert_int_equal(PEM_write_bio_PUBKEY(bio, signer->pkey), 1);
	len = BIO_get_mem_data(bio, &pem);
	assert_int_equal(rcpt_keys_add(&a->issuers, rcpt_span(pem, len), &source, &err), 0);
	BIO_free(bio);
}

/* Without a key the log's word counts; with one, a wrong statement stays here. */
static void test_issuer_signature(void **state)
{
	struct rcpt_answerer *a;
	struct kernel k = { 0 };

	(void)state;
	add_bundle("spoilt", &issuer, 1, true);
	a = open_answerer("spoilt", NULL);
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.n, 1);

	memset(&k, 0, sizeof(k));
	add_issuer_key(a, &issuer);
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.n, 0);
	assert_int_equal(k.none, RECEIPT_REASON_ISSUER_SIGNATURE);
	close_answerer(a);

	memset(&k, 0, sizeof(k));
	a = open_answerer("found", "spoilt");
	add_issuer_key(a, &issuer);
	for (int i = 0; i < 2; i++) {	/* the second time it is known to be good */
		memset(&k, 0, sizeof(k));
		assert_int_equal(ask(a, &k, digests[0]), 0);
		assert_int_equal(k.n, 1);
		assert_false(k.seen[0].more);
		assert_int_equal(k.nnone, 0);
	}
	close_answerer(a);
}

static void test_preload(void **state)
{
	struct rcpt_answerer *a = open_answerer("one", "two");
	struct kernel k = { .refuse = 1 << 2 };
	const struct rcpt_sink sink = sink_of(&k);
	struct rcpt_error err = { 0 };
	size_t accepted;

	(void)state;
	assert_int_equal(rcpt_preload(a, RECEIPT_KIND_SHA256, rcpt_span(digests[1], 32),
				      &sink, &accepted, &err), 0);
	assert_int_equal(accepted, 2);
	assert_int_equal(k.n, 3);
	for (size_t i = 0; i < k.n; i++) {
		assert_false(k.seen[i].has_id);
		assert_true(k.seen[i].keep);
		assert_true(k.seen[i].more == (i + 1 < k.n));
	}
	assert_int_equal(k.nnone, 0);
	close_answerer(a);
}

/* An index that was written over: the evidence comes out of the bundle. */
static void test_damaged_index(void **state)
{
	char path[160];
	struct rcpt_answerer *a;
	struct rcpt_error why;
	struct kernel k = { 0 };
	FILE *f;

	(void)state;
	add_bundle("damaged", &issuer, 1, false);
	snprintf(path, sizeof(path), "%s/damaged/index/current", folder);
	f = fopen(path, "r+");
	assert_non_null(f);
	for (int i = 0; i < 64; i++)
		fputc(0xa5, f);
	fclose(f);
	a = calloc(1, sizeof(*a));
	snprintf(path, sizeof(path), "%s/damaged", folder);
	assert_int_equal(rcpt_stores_add(&a->stores, path, NULL), 0);
	assert_int_equal(ask(a, &k, digests[0]), 0);
	assert_int_equal(k.n, 1);
	assert_int_equal(k.nnone, 0);
	assert_int_equal(rcpt_store_state(a->stores.at[0].store, &why), RCPT_STORE_DAMAGED);
	close_answerer(a);
}

static void test_too_many_stores(void **state)
{
	struct rcpt_stores stores = { 0 };
	struct rcpt_error err = { 0 };

	(void)state;
	for (int i = 0; i < RCPT_MAX_STORES; i++)
		assert_int_equal(rcpt_stores_add(&stores, "/nonexistent", &err), 0);
	assert_int_equal(rcpt_stores_add(&stores, "/nonexistent", &err), -RCPT_SYSTEM);
	rcpt_stores_close(&stores);
}

static void test_queue(void **state)
{
	static struct queue q;
	struct rcpt_nl_lookup l = { .path = "gone with the message" };

	(void)state;
	for (uint64_t id = 1; id <= QUEUE_SIZE; id++) {
		l.id = id;
		queue_push(&q, &l);
		queue_push(&q, &l);	/* a second message of the same is harmless */
	}
	assert_int_equal(q.n, QUEUE_SIZE);
	assert_false(q.overflow);
	l.id = QUEUE_SIZE + 1;
	queue_push(&q, &l);
	assert_int_equal(q.n, QUEUE_SIZE);
	assert_true(q.overflow);
	for (uint64_t id = 1; id <= QUEUE_SIZE; id++) {
		assert_true(queue_pop(&q, &l));
		assert_int_equal(l.id, id);
		assert_null(l.path);
		if (id % 3)
			continue;
		l.id = 1000 + id;
		queue_push(&q, &l);
	}
	assert_int_equal(q.n, QUEUE_SIZE / 3);
	while (queue_pop(&q, &l))
		;
	assert_int_equal(q.n, 0);
}

/*
 * Floors
 */

static int parse_floors(struct floors *f, const char *text, struct rcpt_error *err)
{
	return floors_parse(f, text, strlen(text), err);
}

static bool raise_floor(struct floors *f, const char *text)
{
	struct receipt_lowest to;

	assert_int_equal(receipt_lowest_parse(text, strlen(text), &to), 0);
	return floors_raise(f, &to);
}

static void test_floors_parse(void **state)
{
	static const char *const damaged[][2] = {
		{ "web:1.0.0:1", "line 1: has no end" },
		{ "web:1.0.0:1\n\n", "line 2: expected NAME:X.Y.Z:SVN" },
		{ "web:1.0.0:1\ndb:1.0\n", "line 2: expected NAME:X.Y.Z:SVN" },
		{ "web:1.0.0:1\ndb:1.0.0:0\nweb:2.0.0:1\n", "line 3: a second one of this name" },
		{ "web:1.0.0:1 \n", "line 1: expected NAME:X.Y.Z:SVN" },
	};
	struct rcpt_error err;
	struct floors f;

	(void)state;
	assert_int_equal(parse_floors(&f, "", &err), 0);
	assert_int_equal(f.n, 0);
	assert_null(floors_find(&f, NULL));
	assert_int_equal(parse_floors(&f, "web:1.4.0:3\ndb:2.0.0\n", &err), 0);
	assert_int_equal(floors_find(&f, "web")->svn, 3);
	assert_string_equal(floors_find(&f, "")->name, "db");
	assert_null(floors_find(&f, "other"));
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		assert_int_equal(parse_floors(&f, damaged[i][0], &err), -RCPT_MALFORMED);
		assert_string_equal(err.text, damaged[i][1]);
		assert_int_equal(f.n, 0);
	}
	assert_int_equal(floors_parse(&f, "a:1.0.0\n\0:1.0.0\n", 17, &err), -RCPT_MALFORMED);
}

static void test_floors_raise(void **state)
{
	struct floors f = { 0 };
	char text[32];

	(void)state;
	assert_true(raise_floor(&f, "web:1.4.0:3"));
	assert_false(raise_floor(&f, "web:1.4.0:3"));
	assert_false(raise_floor(&f, "web:1.3.0:2"));
	assert_true(raise_floor(&f, "web:1.3.0:4"));
	assert_int_equal(f.at[0].version[1], 4);
	assert_true(raise_floor(&f, "db:1.0.0"));
	/* Nothing but the order is new. */
	assert_true(raise_floor(&f, "web:1.0.0"));
	assert_string_equal(floors_find(&f, NULL)->name, "web");
	assert_int_equal(floors_find(&f, NULL)->svn, 4);
	for (int i = 0; i < FLOORS_MAX; i++) {
		snprintf(text, sizeof(text), "n%d:1.0.0", i);
		assert_true(raise_floor(&f, text));
	}
	assert_int_equal(f.n, FLOORS_MAX);
	assert_null(floors_find(&f, "web"));
	assert_string_equal(f.at[0].name, "n0");
	assert_string_equal(f.at[FLOORS_MAX - 1].name, "n63");
}

static void write_state(const char *dir, const char *name, const char *text)
{
	char path[160];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void state_is(const char *dir, const char *name, const char *text)
{
	char path[160], got[160] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	assert_int_equal(!f, !text);
	if (!f)
		return;
	got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(got, text);
}

static void test_floors_save(void **state)
{
	const char *dir = store_dir("floors");
	struct rcpt_error err = { 0 };
	struct floors f = { 0 }, none = { 0 };

	(void)state;
	raise_floor(&f, "web:1.4.0:3");
	assert_int_equal(floors_save(dir, &f, &err), -RCPT_SYSTEM);
	assert_int_equal(mkdir(dir, 0700), 0);
	assert_int_equal(floors_load(dir, &none, &err), 0);
	assert_int_equal(none.n, 0);
	assert_int_equal(floors_save(dir, &f, &err), 0);
	state_is(dir, "floor", "web:1.4.0:3\n");
	/* What another has written meanwhile is not lowered. */
	write_state(dir, "floor", "db:1.0.0:0\nweb:1.3.0:9\n");
	assert_int_equal(floors_save(dir, &f, &err), 0);
	state_is(dir, "floor", "db:1.0.0:0\nweb:1.4.0:9\n");
	assert_int_equal(floors_load(dir, &none, &err), 0);
	assert_int_equal(none.n, 2);
}

static void test_floors_damaged(void **state)
{
	const char *dir = store_dir("damaged-floors");
	struct rcpt_error err = { 0 };
	struct floors f;

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	write_state(dir, "floor", "web:1.4.0:3\nweb\n");
	assert_int_equal(floors_load(dir, &f, &err), 0);
	assert_string_equal(err.text, "line 2: expected NAME:X.Y.Z:SVN");
	assert_int_equal(f.n, 0);
	state_is(dir, "floor", NULL);
	state_is(dir, "floor.damaged", "web:1.4.0:3\nweb\n");
	raise_floor(&f, "web:1.5.0");
	assert_int_equal(floors_save(dir, &f, &err), 0);
	state_is(dir, "floor", "web:1.5.0:0\n");
	state_is(dir, "floor.damaged", "web:1.4.0:3\nweb\n");
}

/* Another process that locks @path until it is killed. */
static pid_t lock_elsewhere(const char *path)
{
	int ends[2], fd;
	pid_t pid;
	char c;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		fd = open(path, O_RDONLY);
		if (fd < 0 || flock(fd, LOCK_EX) || write(ends[1], "l", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ends[0], &c, 1), 1);
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void end_lock(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* What others can open they can lock; the lock that counts is not among it. */
static void test_floors_locked(void **state)
{
	const char *dir = store_dir("locked");
	struct rcpt_error err = { 0 };
	char lock[160], holder[32];
	struct floors f = { 0 };
	struct stat st;
	pid_t pid;

	(void)state;
	assert_int_equal(mkdir(dir, 0755), 0);
	raise_floor(&f, "web:1.4.0:3");
	pid = lock_elsewhere(dir);
	assert_int_equal(floors_save(dir, &f, &err), 0);
	end_lock(pid);
	state_is(dir, "floor", "web:1.4.0:3\n");
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	assert_int_equal(stat(lock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(lock, sizeof(lock), "%s/lock/floor", dir);
	assert_int_equal(stat(lock, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	raise_floor(&f, "web:1.5.0:3");
	pid = lock_elsewhere(lock);
	assert_int_not_equal(floors_save(dir, &f, &err), 0);
	snprintf(holder, sizeof(holder), "locked by process %d ", pid);
	assert_non_null(strstr(err.text, holder));
	state_is(dir, "floor", "web:1.4.0:3\n");
	end_lock(pid);
	assert_int_equal(floors_save(dir, &f, &err), 0);
	state_is(dir, "floor", "web:1.5.0:3\n");
}

/* From the kernel's status to the file. */
static void test_keeper(void **state)
{
	struct rcpt_nl_status status = { .policy_svn = 2 };
	const struct sources none = { 0 };
	struct desk desk = {
		.dir = store_dir("keeper"),
		.bootstrap = { .sources = &none, .changes = -1 },
	};
	struct keeper k = { 0 };
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	desk.from = ends[0];
	k.to = ends[1];
	keeper_note(&k, &status);
	assert_int_equal(k.floors.n, 0);
	strcpy(status.policy_name, "web");
	strcpy(status.policy_version, "1.4.0");
	keeper_note(&k, &status);
	keeper_note(&k, &status);
	assert_true(work(&desk));	/* there is no folder */
	assert_true(work(&desk));
	assert_int_equal(desk.unsaved.n, 1);
	assert_int_equal(mkdir(desk.dir, 0700), 0);
	strcpy(status.policy_version, "1.4.1");
	keeper_note(&k, &status);
	assert_true(work(&desk));
	assert_int_equal(desk.unsaved.n, 0);
	state_is(desk.dir, "floor", "web:1.4.1:2\n");
	close(ends[1]);
	assert_false(work(&desk));
	close(ends[0]);
}

/* Gives up, writes, ends; _exit() of a program under ASan needs more than is left. */
static int save_in_sandbox(bool keeper, const char *dir, const struct floors *f)
{
	const struct sources none = { 0 };
	const struct sandbox box = { .sources = &none, .own = keeper ? dir : NULL };
	struct rcpt_error err = { 0 };
	int status;
	pid_t pid = fork();

	if (!pid)
		syscall(SYS_exit_group, sandbox_enter(&box, &err) || floors_save(dir, f, &err));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* What it gave up is not what it writes with. */
static void test_keeper_sandbox(void **state)
{
	const char *dir = store_dir("sandbox");
	struct floors f = { 0 };

	(void)state;
	assert_int_equal(mkdir(dir, 0700), 0);
	write_state(dir, "floor", "db\n");
	raise_floor(&f, "web:1.4.0:3");
	assert_int_equal(save_in_sandbox(true, dir, &f), 0);
	state_is(dir, "floor", "web:1.4.0:3\n");
	state_is(dir, "floor.damaged", "db\n");
	/* The helper itself cannot. */
	assert_true(WIFSIGNALED(save_in_sandbox(false, dir, &f)));
}

/* What open() says in the sandbox, for each of @paths: 0 or errno, in @said. */
static void open_in_sandbox(const struct sandbox *box, const char *const *paths,
			    const int *flags, int *said, size_t n)
{
	struct rcpt_error err = { 0 };
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		if (sandbox_enter(box, &err))
			syscall(SYS_exit_group, 1);
		for (size_t i = 0; i < n; i++)
			said[i] = open(paths[i], flags[i], 0600) < 0 ? errno : 0;
		syscall(SYS_exit_group, write(ends[1], said, n * sizeof(*said)) !=
			(ssize_t)(n * sizeof(*said)));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(ends[0], said, n * sizeof(*said)), n * sizeof(*said));
	close(ends[0]);
	close(ends[1]);
}

/* The helper reads its stores, those that come later, too, and writes nothing. */
static void test_files_of_the_helper(void **state)
{
	char own[128], in[160], later[160], out[160], new[160];
	const char *const paths[] = { in, later, in, new, out, out };
	const int flags[] = {
		O_RDONLY, O_RDONLY, O_WRONLY, O_CREAT | O_WRONLY, O_RDONLY, O_WRONLY,
	};
	struct sources sources = { .stores = { own, later }, .nstores = 2 };
	const struct sandbox helper = { .sources = &sources };
	const struct sandbox keeper = { .sources = &sources, .own = own };
	int said[6];

	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
		skip();
	snprintf(own, sizeof(own), "%s/box", folder);
	snprintf(in, sizeof(in), "%s/box/file", folder);
	snprintf(new, sizeof(new), "%s/box/new", folder);
	snprintf(later, sizeof(later), "%s/box/later/store", folder);
	snprintf(out, sizeof(out), "%s/outside", folder);
	assert_int_equal(mkdir(own, 0755), 0);
	folder_write(in, "in", 2);
	folder_write(out, "out", 3);

	open_in_sandbox(&helper, paths, flags, said, 6);
	assert_int_equal(said[0], 0);
	assert_int_equal(said[1], ENOENT);
	assert_int_equal(said[2], EACCES);
	assert_int_equal(said[3], EACCES);
	assert_int_equal(said[4], EACCES);
	assert_int_equal(said[5], EACCES);

	open_in_sandbox(&keeper, paths, flags, said, 6);
	assert_int_equal(said[0], 0);
	assert_int_equal(said[2], 0);
	assert_int_equal(said[3], 0);
	assert_int_equal(said[4], 0);
	assert_int_equal(said[5], EACCES);
}

/* One that does not read does not stop the helper. */
static void test_keeper_stuck(void **state)
{
	struct rcpt_nl_status status = { .policy_name = "web" };
	struct keeper k = { 0 };
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
	k.to = ends[1];
	for (int i = 0; i < 100; i++) {
		snprintf(status.policy_version, sizeof(status.policy_version), "1.0.%d", i);
		keeper_note(&k, &status);
	}
	assert_int_equal(k.floors.at[0].version[2], 99);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_store_appears),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_no_receipt),
		cmocka_unit_test(test_issuer_signature),
		cmocka_unit_test(test_preload),
		cmocka_unit_test(test_damaged_index),
		cmocka_unit_test(test_too_many_stores),
		cmocka_unit_test(test_queue),
		cmocka_unit_test(test_floors_parse),
		cmocka_unit_test(test_floors_raise),
		cmocka_unit_test(test_floors_save),
		cmocka_unit_test(test_floors_damaged),
		cmocka_unit_test(test_keeper),
		cmocka_unit_test(test_floors_locked),
		cmocka_unit_test(test_keeper_sandbox),
		cmocka_unit_test(test_files_of_the_helper),
		cmocka_unit_test(test_keeper_stuck),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("receiptd", tests, make_keys, free_keys);
}
