// SPDX-License-Identifier: MIT
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "folder.h"
#include "sample.h"

static time_t clock_step;

/* The clock of the log, which can be set. */
static time_t set_time(time_t *at)
{
	(void)at;
	return time(NULL) + clock_step;
}

#define time(at)	set_time(at)
#include "../../helper/receiptctl/log.c"
#undef time
#include "../../helper/receiptctl/logdb.c"

#define ISSUER	"log.example"
#define VENDOR	"issuer.example"	/* of sample_statement() */

static struct rcpt_signer signer;

/* A statement with a subject of its own, and the memory that it points into. */
struct signed_one {
	uint8_t *data;
	struct rcpt_statement stmt;
};

/* Statements that are made once: two signatures of one text are two entries. */
static struct signed_one kept[101];

static int make_key(void **state)
{
	(void)state;
	return rcpt_signer_generate(RCPT_ES256, &signer, NULL);
}

static int drop_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		rcpt_statement_free(&kept[i].stmt);
		free(kept[i].data);
	}
	rcpt_signer_free(&signer);
	return 0;
}

static char *new_log(void)
{
	char *dir = folder_make();

	assert_int_equal(tlog_init(dir, ISSUER, RCPT_ES256, NULL), 0);
	return dir;
}

/* What an operator says who knows the key of an issuer; good until the next call. */
static struct tlog_vouch *vouch_for(const char *name, const struct rcpt_signer *key,
				    bool another)
{
	static struct tlog_vouch vouch;
	static uint8_t der[1024];
	uint8_t *at = der;

	vouch = (struct tlog_vouch){
		.name = rcpt_span(name, strlen(name)), .proves = true, .another = another,
	};
	vouch.proof.kind = TLOG_KEY;
	assert_true(i2d_PUBKEY(key->pkey, NULL) < (int)sizeof(der));
	vouch.proof.der = rcpt_span(der, i2d_PUBKEY(key->pkey, &at));
	return &vouch;
}

static struct tlog_vouch *by_vendor(void)
{
	return vouch_for(VENDOR, &signer, false);
}

static struct tlog *open_it(const char *dir)
{
	struct rcpt_error err = { .text = "" };
	struct tlog *log;

	if (tlog_open(dir, &log, &err) || tlog_load_key(log, &err))
		fail_msg("%s", err.text);
	return log;
}

static struct signed_one make_statement(const char *prefix, unsigned int number)
{
	struct sample_leaves none = { 0 };
	struct signed_one one;
	char sub[64];
	size_t len;

	snprintf(sub, sizeof(sub), "%s/%u", prefix, number);
	sample_statement(&signer, &none, sub, &one.data, &len);
	assert_int_equal(rcpt_statement_parse(rcpt_span(one.data, len), &one.stmt, NULL), 0);
	return one;
}

static void free_statement(struct signed_one *one)
{
	rcpt_statement_free(&one->stmt);
	free(one->data);
}

/* Verify a receipt with the log's public key; its root is returned. */
static void check_receipt(struct tlog *log, const struct rcpt_statement *stmt,
			  struct rcpt_span bytes, uint8_t root[32])
{
	struct rcpt_span spki = tlog_public_key(log);
	const uint8_t *der = spki.data;
	struct rcpt_key key = {
		.pkey = d2i_PUBKEY(NULL, &der, spki.len), .issuer = (char *)ISSUER,
	};
	struct rcpt_keys keys = { .keys = &key, .count = 1 };
	struct rcpt_error err = { .text = "" };
	struct rcpt_receipt receipt;
	const struct rcpt_key *used;

	assert_int_equal(rcpt_sha256(spki.data, spki.len, key.id), 0);
	if (rcpt_receipt_parse(bytes, &receipt, &err) ||
	    rcpt_receipt_verify(&receipt, stmt, &keys, &used, root, &err))
		fail_msg("%s", err.text);
	assert_ptr_equal(used, &key);
	rcpt_receipt_free(&receipt);
	EVP_PKEY_free(key.pkey);
}

static void test_init(void **state)
{
	char *dir = folder_make();
	struct rcpt_error err;
	struct tlog *log;
	struct stat st;

	(void)state;
	assert_int_equal(tlog_open(dir, &log, &err), -RCPT_SYSTEM);
	assert_int_equal(tlog_init(dir, "", RCPT_ES384, &err), -RCPT_MALFORMED);
	assert_int_equal(tlog_init(dir, "a\"b", RCPT_ES384, &err), -RCPT_MALFORMED);
	assert_int_equal(tlog_init(dir, "a\nb", RCPT_ES384, &err), -RCPT_MALFORMED);
	assert_int_equal(tlog_init(dir, "a*", RCPT_ES384, &err), -RCPT_MALFORMED);
	assert_int_equal(tlog_init(dir, "a", RCPT_PS256, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(folder_count(dir, ""), 0);

	assert_int_equal(tlog_init(dir, ISSUER, RCPT_ES384, &err), 0);
	assert_int_equal(stat(in_folder(dir, "key.pem"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(tlog_init(dir, ISSUER, RCPT_ES384, &err), -RCPT_INVALID);
	log = open_it(dir);
	assert_string_equal(tlog_issuer(log), ISSUER);
	assert_int_equal(tlog_alg(log), RCPT_ES384);
	tlog_close(log);
	folder_remove(dir);
}

static void expect_content(const char *path, const char *text)
{
	uint8_t *data;
	size_t len;

	assert_int_equal(rcpt_file_read(path, 1000, &data, &len, NULL), 0);
	assert_true(rcpt_span_equal(rcpt_span(data, len), text, strlen(text)));
	free(data);
}

static int expect_init(const char *dir)
{
	struct rcpt_error err;

	return tlog_init(dir, ISSUER, RCPT_ES256, &err);
}

/* A key in the folder stays, whosever it is; an empty database is no obstacle. */
static void test_init_key(void **state)
{
	char *dir = folder_make();

	(void)state;
	folder_write(in_folder(dir, "key.pem"), "my key", 6);
	assert_int_equal(expect_init(dir), -RCPT_INVALID);
	assert_int_equal(folder_count(dir, ""), 1);
	folder_write(in_folder(dir, "log.db"), "", 0);
	assert_int_equal(expect_init(dir), -RCPT_INVALID);
	expect_content(in_folder(dir, "key.pem"), "my key");
	assert_int_equal(unlink(in_folder(dir, "key.pem")), 0);
	assert_int_equal(symlink("elsewhere", in_folder(dir, "key.pem")), 0);
	assert_int_equal(expect_init(dir), -RCPT_INVALID);
	assert_int_equal(unlink(in_folder(dir, "log.db")), 0);
	assert_int_equal(expect_init(dir), -RCPT_INVALID);
	assert_int_equal(access(in_folder(dir, "elsewhere"), F_OK), -1);
	assert_int_equal(unlink(in_folder(dir, "key.pem")), 0);
	folder_write(in_folder(dir, "log.db"), "", 0);
	assert_int_equal(expect_init(dir), 0);	/* the control */
	tlog_close(open_it(dir));
	/* The log's own key is not replaced either. */
	assert_int_equal(expect_init(dir), -RCPT_INVALID);
	assert_int_equal(unlink(in_folder(dir, "log.db")), 0);
	assert_int_equal(expect_init(dir), -RCPT_INVALID);
	folder_remove(dir);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_damaged(void **state)
{
	char *dir = new_log();
	char *other = new_log();
	struct rcpt_error err;
	struct tlog *log;

	(void)state;
	assert_int_equal(rename(in_folder(other, "key.pem"), in_folder(dir, "key.pem")), 0);
	assert_int_equal(tlog_open(dir, &log, &err), 0);
	assert_int_equal(tlog_load_key(log, &err), -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_UNKNOWN_KEY);
	tlog_close(log);
	folder_write(in_folder(dir, "key.pem"), "nonsense", 8);
	assert_int_equal(tlog_open(dir, &log, &err), 0);
	assert_int_equal(tlog_load_key(log, &err), -RCPT_MALFORMED);
	tlog_close(log);
	folder_write(in_folder(dir, "log.db"), "this is no database at all, but long enough", 43);
	assert_int_equal(tlog_open(dir, &log, &err), -RCPT_MALFORMED);
	folder_remove(dir);
	folder_remove(other);
}

/* Every receipt is of the tree of its time, for every entry before it. */
static void test_every_size(void **state)
{
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	uint8_t nodes[256][32];
	struct signed_one one[40];
	unsigned int size, i;

	(void)state;
	for (size = 1; size <= 40; size++) {
		one[size - 1] = make_statement("entry", size - 1);
		for (i = 0; i < size; i++)
			rcpt_leaf_hash(one[i].stmt.digest, 32, nodes[i]);
		assert_int_equal(rcpt_tree_fill(nodes, size), 0);
		/* The new entry, then all the old ones again. */
		for (i = size; i-- > 0;) {
			struct rcpt_entry_proof proof;
			uint8_t *receipt, root[32];
			size_t len;

			assert_int_equal(tlog_append(log, &one[i].stmt, by_vendor(), &proof,
						     &receipt, &len, NULL), 0);
			assert_int_equal(proof.index, i);
			assert_int_equal(proof.size, size);
			check_receipt(log, &one[i].stmt, rcpt_span(receipt, len), root);
			assert_memory_equal(root, nodes[rcpt_tree_nodes(size) - 1], 32);
			free(receipt);
		}
	}
	for (i = 0; i < 40; i++)
		free_statement(&one[i]);
	tlog_close(log);
	folder_remove(dir);
}

static int append_this(struct tlog *log, const struct rcpt_statement *stmt,
		       const struct tlog_vouch *vouch, struct rcpt_error *err)
{
	struct rcpt_entry_proof proof;
	uint8_t *receipt;
	size_t len;
	int rc = tlog_append(log, stmt, vouch, &proof, &receipt, &len, err);

	free(receipt);
	return rc;
}

static int append_one(struct tlog *log, unsigned int number, const struct tlog_vouch *vouch)
{
	struct rcpt_error err = { .text = "" };

	if (!kept[number].data)
		kept[number] = make_statement("entry", number);
	return append_this(log, &kept[number].stmt, vouch, &err);
}

/* Can another user open it? Only root can try. */
static bool user_opens(const char *path)
{
	pid_t pid = geteuid() ? 0 : fork();

	if (geteuid())
		return false;
	if (!pid)
		_exit(setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534) ||
		      open(path, O_RDONLY) < 0);
	return !child_status(pid);
}

/* Nobody but the owner can open what holds locks or says what the log is. */
static void test_modes(void **state)
{
	static const char *const names[] = { "log.db", "log.db-wal", "log.db-shm", "guard", "lock",
					     "key.pem" };
	char *top = folder_make(), *dir;
	mode_t before = umask(0);
	struct tlog *log;

	(void)state;
	assert_true(asprintf(&dir, "%s/log", top) > 0);
	assert_int_equal(expect_init(dir), 0);
	log = open_it(dir);
	assert_int_equal(append_one(log, 1, by_vendor()), 0);
	assert_int_equal(mode_of(dir), 0700);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(mode_of(in_folder(dir, names[i])), 0600);
		assert_false(user_opens(in_folder(dir, names[i])));
	}
	if (!geteuid()) {	/* the control: where the operator lets others read */
		assert_int_equal(chmod(top, 0755) | chmod(dir, 0755) |
				 chmod(in_folder(dir, "log.db-shm"), 0644), 0);
		assert_true(user_opens(in_folder(dir, "log.db-shm")));
		assert_false(user_opens(in_folder(dir, "lock")));
	}
	umask(before);
	tlog_close(log);
	free(dir);
	folder_remove(top);
}

/* Run SQL on a database, which need be no log. */
static void sql(const char *dir, const char *text)
{
	sqlite3 *db;
	char *why = NULL;

	assert_int_equal(sqlite3_open(in_folder(dir, "log.db"), &db), SQLITE_OK);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

/*
 * issuers
 */

static unsigned int nissuers, nunnamed;

static int count_issuer(const struct tlog_known *known, void *arg)
{
	(void)arg;
	nissuers++;
	nunnamed += !known->added;
	return 0;
}

static unsigned int count_issuers(struct tlog *log)
{
	nissuers = 0;
	nunnamed = 0;
	assert_int_equal(tlog_each_issuer(log, count_issuer, NULL, NULL), 0);
	return nissuers;
}

/* What a statement says of its issuer makes no key known; what the operator says does. */
static void test_issuer_named(void **state)
{
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	struct tlog_vouch only_name = { .name = rcpt_span(VENDOR, strlen(VENDOR)) };

	(void)state;
	assert_int_equal(append_one(log, 1, NULL), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(append_one(log, 1, &only_name), -RCPT_CANNOT_EVALUATE);
	/* The statement says VENDOR, and the operator says that it is of another. */
	assert_int_equal(append_one(log, 1, vouch_for("build.example", &signer, false)),
			 -RCPT_INVALID);
	assert_int_equal(append_one(log, 1, vouch_for("issuer.exampl", &signer, true)),
			 -RCPT_INVALID);
	assert_int_equal(count_issuers(log), 0);
	assert_int_equal(append_one(log, 1, by_vendor()), 0);
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(append_one(log, 2, NULL), 0);
	assert_int_equal(append_one(log, 3, &only_name), 0);
	only_name.name = rcpt_span("build.example", 13);
	assert_int_equal(append_one(log, 4, &only_name), -RCPT_INVALID);
	assert_int_equal(append_one(log, 2, by_vendor()), 0);
	assert_int_equal(count_issuers(log), 1);
	tlog_close(log);
	folder_remove(dir);
}

/* A statement that is refused, for whatever, leaves its key unknown. */
static void test_issuer_refused(void **state)
{
	struct signed_one one = make_statement("entry", 1);
	struct rcpt_span *sub = &one.stmt.header.claims.sub;
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	struct rcpt_signer other;
	struct rcpt_error err;
	size_t len = sub->len;

	(void)state;
	assert_int_equal(rcpt_signer_generate(RCPT_ES256, &other, NULL), 0);
	/* signed by another key */
	assert_int_equal(append_this(log, &one.stmt, vouch_for(VENDOR, &other, false), &err),
			 -RCPT_INVALID);
	/* without a subject */
	sub->len = 0;
	assert_int_equal(append_this(log, &one.stmt, by_vendor(), &err),
			 -RCPT_MALFORMED);
	sub->len = len;
	/* after its signer was found good: the transaction takes the key back */
	sql(dir, "INSERT INTO node VALUES (0, 0, zeroblob(32))");
	assert_true(append_this(log, &one.stmt, by_vendor(), &err) < 0);
	assert_int_equal(count_issuers(log), 0);
	sql(dir, "DELETE FROM node");
	assert_int_equal(append_this(log, &one.stmt, NULL, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(append_this(log, &one.stmt, by_vendor(), &err),
			 0);	/* the control */
	assert_int_equal(count_issuers(log), 1);
	rcpt_signer_free(&other);
	free_statement(&one);
	tlog_close(log);
	folder_remove(dir);
}

/* A second key of a name is one that the operator says is a second one. */
static void test_issuer_second(void **state)
{
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	struct rcpt_signer other;
	struct rcpt_error err;

	(void)state;
	assert_int_equal(rcpt_signer_generate(RCPT_ES256, &other, NULL), 0);
	assert_int_equal(tlog_issuer_add(log, vouch_for(VENDOR, &other, false), &err), 0);
	assert_int_equal(tlog_issuer_add(log, vouch_for(VENDOR, &other, false), &err), 0);
	assert_int_equal(append_one(log, 1, NULL), -RCPT_INVALID);
	assert_int_equal(append_one(log, 1, by_vendor()), -RCPT_INVALID);
	assert_int_equal(tlog_issuer_add(log, by_vendor(), &err),
			 -RCPT_INVALID);
	assert_non_null(strstr(err.text, "--another"));
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(append_one(log, 1, vouch_for(VENDOR, &signer, true)), 0);
	assert_int_equal(count_issuers(log), 2);
	/* Another name has keys of its own, the same ones, too. */
	assert_int_equal(tlog_issuer_add(log, vouch_for("x.example", &other, false), &err), 0);
	assert_int_equal(count_issuers(log), 3);
	rcpt_signer_free(&other);
	tlog_close(log);
	folder_remove(dir);
}

static void test_issuer_forgotten(void **state)
{
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	struct tlog_vouch *vouch = by_vendor();
	struct rcpt_error err;

	(void)state;
	assert_int_equal(tlog_issuer_add(log, vouch, &err), 0);
	assert_int_equal(append_one(log, 1, NULL), 0);	/* the control */
	assert_int_equal(tlog_issuer_forget(log, rcpt_span("x", 1), vouch->proof.der, &err),
			 -RCPT_INVALID);
	assert_int_equal(tlog_issuer_forget(log, vouch->name, vouch->proof.der, &err), 0);
	assert_int_equal(append_one(log, 2, NULL), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(append_one(log, 1, NULL), -RCPT_CANNOT_EVALUATE);
	tlog_close(log);
	folder_remove(dir);
}

/*
 * what the log finds of itself
 */

/* A log of @n entries, closed. */
static char *log_of(unsigned int n)
{
	char *dir = new_log();
	struct tlog *log = open_it(dir);

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(append_one(log, i, by_vendor()), 0);
	tlog_close(log);
	return dir;
}

/* Return: what opening it to write gives. */
static int opens(const char *dir, struct rcpt_error *err)
{
	struct tlog *log;
	int rc = tlog_open(dir, &log, err);

	if (rc)
		return rc;
	rc = tlog_load_key(log, err);
	tlog_close(log);
	return rc;
}

/* What stopped the log stops it also in the transaction, of a log that was open before. */
static void expect_stopped(const char *dir, const char *harm, const char *undo)
{
	struct tlog *log = open_it(dir);
	struct rcpt_error err;

	sql(dir, harm);
	assert_true(append_one(log, 100, NULL) < 0);
	tlog_close(log);
	assert_int_equal(opens(dir, &err), -RCPT_MALFORMED);
	sql(dir, undo);
	assert_int_equal(opens(dir, &err), 0);
}

static void test_other_key(void **state)
{
	char *dir = log_of(3), *other = log_of(3);
	struct rcpt_error err;

	(void)state;
	assert_int_equal(opens(dir, &err), 0);	/* the control */
	assert_int_equal(rename(in_folder(dir, "key.pem"), in_folder(dir, "mine")), 0);
	assert_int_equal(rename(in_folder(other, "key.pem"), in_folder(dir, "key.pem")), 0);
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	/* The key of the database changed as well: the last tree is not signed by it. */
	{
		char text[PATH_MAX + 128];

		snprintf(text, sizeof(text), "ATTACH '%s' AS other; "
			 "UPDATE log SET key = (SELECT key FROM other.log)",
			 in_folder(other, "log.db"));
		sql(dir, text);
	}
	assert_int_equal(opens(dir, &err), -RCPT_MALFORMED);
	assert_non_null(strstr(err.text, "not signed by the key"));
	folder_remove(dir);
	folder_remove(other);
}

/* 6 entries: the right edge is node 2.0 of four leaves and 1.2 of two. */
static void test_edge(void **state)
{
	char *dir = log_of(6);

	(void)state;
	sql(dir, "CREATE TABLE keep AS SELECT * FROM node");
	sql(dir, "CREATE TABLE kept AS SELECT * FROM entry");
	expect_stopped(dir, "UPDATE node SET hash = zeroblob(32) WHERE level = 2 AND pos = 0",
		       "REPLACE INTO node SELECT * FROM keep");
	expect_stopped(dir, "UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND pos = 2",
		       "REPLACE INTO node SELECT * FROM keep");
	expect_stopped(dir, "UPDATE entry SET statement = x'00' WHERE idx = 5",
		       "REPLACE INTO entry SELECT * FROM kept");
	folder_remove(dir);
}

/* A node off the edge is on the path of an old entry, whose receipt would be of no tree. */
static void test_inside(void **state)
{
	char *dir = log_of(6);
	struct tlog *log = open_it(dir);

	(void)state;
	assert_int_equal(append_one(log, 0, NULL), 0);	/* the control */
	sql(dir, "UPDATE node SET hash = zeroblob(32) WHERE level = 1 AND pos = 1");
	assert_int_equal(append_one(log, 0, NULL), -RCPT_MALFORMED);
	assert_int_equal(append_one(log, 5, NULL), 0);
	tlog_close(log);
	folder_remove(dir);
}

/* The head says what was changed with the tree, and its signature does not. */
static void test_head_forged(void **state)
{
	char *dir = log_of(6);
	struct rcpt_error err;

	(void)state;
	sql(dir, "CREATE TABLE keep AS SELECT * FROM head");
	sql(dir, "UPDATE head SET time = time + 1 WHERE size = 6");
	assert_int_equal(opens(dir, &err), -RCPT_MALFORMED);
	sql(dir, "REPLACE INTO head SELECT * FROM keep");
	assert_int_equal(opens(dir, &err), 0);	/* the control */
	sql(dir, "UPDATE head SET receipt = (SELECT receipt FROM head WHERE size = 5)"
	       " WHERE size = 6");
	assert_int_equal(opens(dir, &err), -RCPT_MALFORMED);
	sql(dir, "DELETE FROM head WHERE size = 6");
	assert_int_equal(opens(dir, &err), -RCPT_MALFORMED);
	sql(dir, "DELETE FROM head");
	assert_int_equal(opens(dir, &err), -RCPT_MALFORMED);
	folder_remove(dir);
}

static int64_t last_time(struct tlog *log)
{
	struct log_head head;

	assert_int_equal(loghead_check(log, true, &head, NULL), 0);
	return head.time;
}

static void test_clock(void **state)
{
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	int64_t first;

	(void)state;
	assert_int_equal(append_one(log, 0, by_vendor()), 0);
	first = last_time(log);
	clock_step = -3600;
	assert_int_equal(append_one(log, 1, NULL), -RCPT_INVALID);
	assert_int_equal(append_one(log, 0, NULL), -RCPT_INVALID);
	/* A small step is waited out: the time of receipts stays. */
	clock_step = 2;
	assert_int_equal(append_one(log, 1, NULL), 0);
	assert_true(last_time(log) > first);
	first = last_time(log);
	clock_step = 0;
	assert_int_equal(append_one(log, 2, NULL), 0);
	assert_true(last_time(log) >= first);
	tlog_close(log);
	folder_remove(dir);
}

static bool is_link(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && S_ISLNK(st.st_mode);
}

/* As "cp" into the file that is there: inode and birth stay. */
static void copy_over(const char *from, const char *to)
{
	uint8_t *data;
	size_t len;

	assert_int_equal(rcpt_file_read(from, 1 << 24, &data, &len, NULL), 0);
	folder_write(to, data, len);
	free(data);
}

static void test_set_back(void **state)
{
	char *dir = log_of(3), *other = log_of(0);
	struct rcpt_error err;
	struct tlog *log = open_it(other);

	(void)state;
	for (unsigned int i = 50; i < 60; i++)
		assert_int_equal(append_one(log, i, by_vendor()), 0);
	tlog_close(log);
	copy_over(in_folder(dir, "log.db"), in_folder(dir, "older"));
	log = open_it(dir);
	assert_int_equal(append_one(log, 3, NULL), 0);
	tlog_close(log);
	copy_over(in_folder(dir, "log.db"), in_folder(dir, "newest"));
	assert_int_equal(opens(dir, &err), 0);	/* the control */
	copy_over(in_folder(dir, "older"), in_folder(dir, "log.db"));
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	assert_non_null(strstr(err.text, "set back"));
	assert_int_equal(tlog_open(dir, &log, &err), 0);
	assert_int_equal(tlog_adopt(log, &err), -RCPT_INVALID);
	tlog_close(log);
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	/* Longer, and another one. */
	copy_over(in_folder(other, "log.db"), in_folder(dir, "log.db"));
	copy_over(in_folder(other, "key.pem"), in_folder(dir, "key.pem"));
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	assert_non_null(strstr(err.text, "replaced"));
	copy_over(in_folder(dir, "newest"), in_folder(dir, "log.db"));
	assert_int_equal(tlog_open(dir, &log, &err), 0);
	assert_int_equal(tlog_load_key(log, &err), -RCPT_INVALID);	/* of the other's key */
	tlog_close(log);
	folder_remove(dir);
	folder_remove(other);
}

/* A copy gives no receipts before it is adopted; a log that was moved does. */
static void test_copy(void **state)
{
	static const char *const names[] = { "log.db", "key.pem", "guard" };
	char *dir = log_of(3), *copy = folder_make(), *moved;
	struct rcpt_error err;
	struct tlog *log;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		copy_over(in_folder(dir, names[i]), in_folder(copy, names[i]));
	assert_int_equal(opens(copy, &err), -RCPT_INVALID);
	assert_non_null(strstr(err.text, "log adopt"));
	assert_int_equal(tlog_open(copy, &log, &err), 0);	/* to read it */
	assert_int_equal(tlog_adopt(log, &err), 0);
	tlog_close(log);
	assert_int_equal(opens(copy, &err), 0);

	assert_true(asprintf(&moved, "%s-moved", dir) > 0);
	assert_int_equal(rename(dir, moved), 0);
	log = open_it(moved);
	assert_int_equal(append_one(log, 3, NULL), 0);
	tlog_close(log);
	folder_remove(moved);
	folder_remove(copy);
	free(dir);
}

static void test_guard_missing(void **state)
{
	char *dir = log_of(0);
	struct rcpt_error err;
	struct tlog *log;

	(void)state;
	assert_int_equal(unlink(in_folder(dir, "guard")), 0);	/* nothing was signed yet */
	log = open_it(dir);
	assert_int_equal(append_one(log, 0, by_vendor()), 0);
	assert_int_equal(unlink(in_folder(dir, "guard")), 0);
	assert_int_equal(append_one(log, 1, NULL), -RCPT_INVALID);
	tlog_close(log);
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	folder_write(in_folder(dir, "guard"), "receipt-log-guard 2\n", 20);
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	assert_int_equal(unlink(in_folder(dir, "guard")), 0);
	assert_int_equal(tlog_open(dir, &log, &err), 0);
	assert_int_equal(tlog_adopt(log, &err), 0);
	tlog_close(log);
	assert_int_equal(opens(dir, &err), 0);
	folder_remove(dir);
}

/* On another disk it is not set back with the folder, all of which is an older one. */
static void test_guard_elsewhere(void **state)
{
	static const char *const names[] = { "log.db", "key.pem" };
	char *dir = log_of(2), *disk = folder_make(), *older = folder_make();
	struct rcpt_error err;
	struct tlog *log;

	(void)state;
	assert_int_equal(rename(in_folder(dir, "guard"), in_folder(disk, "guard")), 0);
	assert_int_equal(symlink(in_folder(disk, "guard"), in_folder(dir, "guard")), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		copy_over(in_folder(dir, names[i]), in_folder(older, names[i]));
	log = open_it(dir);
	assert_int_equal(append_one(log, 2, NULL), 0);	/* the control */
	tlog_close(log);
	assert_true(is_link(in_folder(dir, "guard")));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		copy_over(in_folder(older, names[i]), in_folder(dir, names[i]));
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	assert_non_null(strstr(err.text, "set back"));
	/* The other disk is not there; something else lies there. */
	assert_int_equal(rename(in_folder(disk, "guard"), in_folder(disk, "was")), 0);
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	folder_write(in_folder(disk, "guard"), "precious", 8);
	assert_int_equal(opens(dir, &err), -RCPT_INVALID);
	expect_content(in_folder(disk, "guard"), "precious");
	folder_remove(dir);
	folder_remove(disk);
	folder_remove(older);
}

/* As version 1 was: heads were not kept, everybody could read it. */
static void make_version_1(const char *dir)
{
	sql(dir, "DROP TABLE head; CREATE TABLE old (iss TEXT NOT NULL, key BLOB NOT NULL,"
	       " PRIMARY KEY (iss, key)) WITHOUT ROWID;"
	       "INSERT INTO old SELECT iss, key FROM issuer; DROP TABLE issuer;"
	       "ALTER TABLE old RENAME TO issuer; UPDATE log SET version = 1");
	assert_int_equal(unlink(in_folder(dir, "guard")), 0);
	assert_int_equal(unlink(in_folder(dir, "lock")), 0);
	assert_int_equal(chmod(in_folder(dir, "log.db"), 0644), 0);
}

static void test_upgrade(void **state)
{
	char *dir = log_of(5);
	struct rcpt_error err;
	struct tlog *log, *second;

	(void)state;
	make_version_1(dir);
	log = open_it(dir);
	second = open_it(dir);
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(append_one(log, 5, NULL), 0);
	assert_int_equal(append_one(second, 6, NULL), 0);
	tlog_close(second);
	assert_int_equal(mode_of(in_folder(dir, "log.db")), 0600);
	/* Nobody has said whose key it is, until somebody does. */
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(nunnamed, 1);
	assert_int_equal(append_one(log, 8, by_vendor()), 0);
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(nunnamed, 0);
	tlog_close(log);
	assert_int_equal(opens(dir, &err), 0);
	/* One that is refused leaves it as it was. */
	make_version_1(dir);
	log = open_it(dir);
	assert_int_equal(append_one(log, 7, vouch_for("x", &signer, false)), -RCPT_INVALID);
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(append_one(log, 7, NULL), 0);
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(nunnamed, 1);
	assert_int_equal(tlog_issuer_add(log, by_vendor(), &err), 0);
	assert_int_equal(count_issuers(log), 1);
	assert_int_equal(nunnamed, 0);
	tlog_close(log);
	assert_int_equal(opens(dir, &err), 0);
	folder_remove(dir);
}

/*
 * locks
 */

/* Tell the parent that the lock is held, and hold it until this process is killed. */
static void hold(int ready)
{
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void wait_ready(int fd[2])
{
	char c;

	assert_int_equal(read(fd[0], &c, 1), 1);
	close(fd[0]);
	close(fd[1]);
}

static void kill_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The lock of the log is held, stopped: another says so, and by whom. */
static void test_lock_held(void **state)
{
	char *dir = log_of(1), who[32];
	struct rcpt_error err = { .text = "" };
	int ready[2], fd;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		if (rcpt_lock_take(in_folder(dir, "lock"), 0, &fd, NULL))
			_exit(1);
		hold(ready[1]);
	}
	wait_ready(ready);
	assert_int_equal(rcpt_lock_take(in_folder(dir, "lock"), 100, &fd, &err), -RCPT_SYSTEM);
	snprintf(who, sizeof(who), "process %d ", (int)pid);
	assert_non_null(strstr(err.text, who));
	kill_child(pid);
	tlog_close(open_it(dir));
	folder_remove(dir);
}

/*
 * Where the operator lets others read the log, a reader can hold SQLite's own lock: the
 * byte of log.db-shm that whoever writes must lock. It is waited for, for a while.
 */
static void test_reader_holds(void **state)
{
	char *dir = log_of(1), who[32];
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 120, .l_len = 1 };
	struct signed_one one = make_statement("entry", 1);
	struct rcpt_error err = { .text = "" };
	struct tlog *log = open_it(dir);
	int ready[2];
	pid_t pid;

	(void)state;
	assert_int_equal(append_one(log, 0, NULL), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		int fd = open(in_folder(dir, "log.db-shm"), O_RDONLY | O_CLOEXEC);

		if (fd < 0 || fcntl(fd, F_SETLK, &lock))
			_exit(1);
		hold(ready[1]);
	}
	wait_ready(ready);
	sqlite3_busy_timeout(log->db.db, 200);
	assert_int_equal(append_this(log, &one.stmt, NULL, &err), -RCPT_SYSTEM);
	snprintf(who, sizeof(who), "process %d ", (int)pid);
	assert_non_null(strstr(err.text, who));
	kill_child(pid);
	assert_int_equal(append_this(log, &one.stmt, NULL, &err), 0);	/* the control */
	free_statement(&one);
	tlog_close(log);
	folder_remove(dir);
}

static void test_no_claims(void **state)
{
	struct signed_one one = make_statement("entry", 1);
	char *dir = new_log();
	struct tlog *log = open_it(dir);
	struct rcpt_entry_proof proof;
	struct rcpt_error err;
	uint8_t *receipt;
	size_t len;

	(void)state;
	one.stmt.header.claims.sub.len = 0;
	assert_int_equal(tlog_append(log, &one.stmt, by_vendor(), &proof, &receipt, &len, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_NO_CLAIMS);
	free_statement(&one);
	tlog_close(log);
	folder_remove(dir);
}

/*
 * appending from several processes, and dying at it
 */

/* What a child tells of a receipt that it was given. */
struct given {
	char sub[32];
	unsigned int number;
	uint64_t index;
	uint64_t size;
	uint8_t digest[32];
	uint8_t root[32];
};

/* Append until @count is reached or this process is killed. */
static void append_forever(const char *dir, const char *prefix, unsigned int count, int out)
{
	struct tlog *log = open_it(dir);
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct signed_one one = make_statement(prefix, i);
		struct given given = { .number = i };
		struct rcpt_entry_proof proof;
		uint8_t *receipt;
		size_t len;

		if (tlog_append(log, &one.stmt, by_vendor(), &proof, &receipt, &len, NULL))
			_exit(1);
		check_receipt(log, &one.stmt, rcpt_span(receipt, len), given.root);
		given.index = proof.index;
		given.size = proof.size;
		memcpy(given.digest, one.stmt.digest, 32);
		if (write(out, &given, sizeof(given)) != sizeof(given))
			_exit(2);
		free(receipt);
		free_statement(&one);
	}
	tlog_close(log);
	_exit(0);
}

static pid_t start_appending(const char *dir, const char *prefix, unsigned int count,
			     int *out)
{
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		append_forever(dir, prefix, count, fd[1]);
	close(fd[1]);
	*out = fd[0];
	return pid;
}

/* The log as it is: digests of its entries, in order. */
struct content {
	uint8_t (*digest)[32];
	size_t n;
};

static int collect_entry(const struct tlog_entry *entry, void *arg)
{
	struct content *content = arg;

	assert_int_equal(entry->index, content->n);
	content->digest = realloc(content->digest, (content->n + 1) * 32);
	assert_non_null(content->digest);
	rcpt_sha256(entry->statement.data, entry->statement.len,
		    content->digest[content->n++]);
	return 0;
}

static struct content read_content(const char *dir)
{
	struct content content = { 0 };
	struct tlog *log = open_it(dir);

	assert_int_equal(tlog_each(log, collect_entry, &content, NULL), 0);
	tlog_close(log);
	return content;
}

/* The receipt is of an entry that is there, and of a tree that this one grew from. */
static void check_given(const struct content *content, const struct given *given)
{
	uint8_t (*nodes)[32];
	size_t i;

	assert_true(given->index < given->size);
	assert_true(given->size <= content->n);
	assert_memory_equal(content->digest[given->index], given->digest, 32);
	nodes = calloc(rcpt_tree_nodes(given->size), 32);
	assert_non_null(nodes);
	for (i = 0; i < given->size; i++)
		rcpt_leaf_hash(content->digest[i], 32, nodes[i]);
	rcpt_tree_fill(nodes, given->size);
	assert_memory_equal(nodes[rcpt_tree_nodes(given->size) - 1], given->root, 32);
	free(nodes);
}

static size_t check_all_given(const struct content *content, int fd)
{
	struct given given;
	size_t n = 0;

	while (read(fd, &given, sizeof(given)) == sizeof(given)) {
		check_given(content, &given);
		n++;
	}
	close(fd);
	return n;
}

static void test_killed(void **state)
{
	char *dir = new_log();
	size_t total = 0;
	int round;

	(void)state;
	srand(20261);
	for (round = 0; round < 25; round++) {
		struct timespec pause = { .tv_nsec = rand() % 60000000 };
		struct content content;
		char prefix[16];
		int status, out;
		pid_t pid;

		snprintf(prefix, sizeof(prefix), "round%d", round);
		pid = start_appending(dir, prefix, 100000, &out);
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		content = read_content(dir);
		total += check_all_given(&content, out);
		free(content.digest);
	}
	print_message("# 25 kills, %zu receipts given out, all in the log\n", total);
	assert_true(total > 0);
	folder_remove(dir);
}

/*
 * dying at every call that changes a file
 */

static bool changes_files(uint64_t nr)
{
	static const int calls[] = {
		SYS_write, SYS_pwrite64, SYS_fsync, SYS_fdatasync, SYS_ftruncate, SYS_unlink,
		SYS_unlinkat, SYS_rename, SYS_renameat2, SYS_mkdir, SYS_fchmod, SYS_chmod,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (nr == (uint64_t)calls[i])
			return true;
	return false;
}

/* Return: it was killed at call @n, before that was made; else it ended well. */
static bool kill_at(pid_t pid, unsigned int n)
{
	struct __ptrace_syscall_info info;
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD |
				PTRACE_O_EXITKILL), 0);
	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return false;
		}
		assert_true(WIFSTOPPED(status));
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) > 0);
		if (info.op != PTRACE_SYSCALL_INFO_ENTRY || !changes_files(info.entry.nr) || --n)
			continue;
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return true;
	}
}

/* A child that is watched from here on. */
static pid_t fork_watched(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid && (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP)))
		_exit(1);
	return pid;
}

static size_t expect_all_given(const char *dir, int out)
{
	struct content content = read_content(dir);
	size_t n = check_all_given(&content, out);

	free(content.digest);
	return n;
}

/* Two statements, in a log of this version or the one before. */
static void append_killed(bool old)
{
	char *dir = log_of(3), prefix[32];
	unsigned int n = 0;
	size_t total = 0;
	int out[2];
	bool killed;
	pid_t pid;

	do {
		struct rcpt_error err = { .text = "" };
		struct tlog *log;

		if (old)
			make_version_1(dir);
		snprintf(prefix, sizeof(prefix), "call%u.%d", ++n, old);
		assert_int_equal(pipe(out), 0);
		pid = fork_watched();
		if (!pid)
			append_forever(dir, prefix, 2, out[1]);
		close(out[1]);
		killed = kill_at(pid, n);
		total += expect_all_given(dir, out[0]);
		/* It goes on from there. */
		log = open_it(dir);
		if (append_this(log, &kept[0].stmt, by_vendor(), &err))
			fail_msg("after call %u: %s", n, err.text);
		tlog_close(log);
	} while (killed);
	print_message("# killed at each of %u calls, %zu receipts given out, all in the log\n",
		      n - 1, total);
	assert_true(n > 20);
	folder_remove(dir);
}

static void test_append_killed(void **state)
{
	(void)state;
	append_killed(false);
	append_killed(true);
}

static void clear_folder(const char *dir)
{
	static const char *const names[] = { "key.pem", "log.db", "log.db-journal", "log.db-wal",
					     "log.db-shm" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_folder(dir, names[i]));
}

/*
 * An interrupted init leaves a log, or what another init goes on with, or says that the
 * folder is to be cleared by hand: there is a key in it, and nobody but its owner may
 * say that it is of no use.
 */
static void test_init_killed(void **state)
{
	unsigned int n = 0, nhand = 0;
	bool killed;

	(void)state;
	do {
		char *top = folder_make(), dir[1024];
		struct rcpt_error err;
		struct tlog *log;
		pid_t pid;
		int rc;

		snprintf(dir, sizeof(dir), "%s/log", top);
		pid = fork_watched();
		if (!pid)
			_exit(!!tlog_init(dir, ISSUER, RCPT_ES256, NULL));
		killed = kill_at(pid, ++n);
		rc = tlog_init(dir, ISSUER, RCPT_ES256, &err);
		if (rc && tlog_open(dir, &log, NULL)) {
			if (!strstr(err.text, "key.pem") && !strstr(err.text, "interrupted"))
				fail_msg("after call %u: %s", n, err.text);
			nhand++;
			clear_folder(dir);
			assert_int_equal(tlog_init(dir, ISSUER, RCPT_ES256, &err), 0);
		} else if (rc) {
			tlog_close(log);
		}
		log = open_it(dir);
		assert_int_equal(append_one(log, 0, by_vendor()), 0);
		tlog_close(log);
		folder_remove(top);
	} while (killed);
	print_message("# killed at each of %u calls, %u times the folder is cleared by hand\n",
		      n - 1, nhand);
	assert_true(n > 20 && nhand < n - 1);
}

static void test_two_at_once(void **state)
{
	char *dir = new_log();
	struct content content;
	pid_t pid[2];
	int out[2];

	(void)state;
	pid[0] = start_appending(dir, "one", 60, &out[0]);
	pid[1] = start_appending(dir, "two", 60, &out[1]);
	assert_int_equal(child_status(pid[0]), 0);
	assert_int_equal(child_status(pid[1]), 0);
	content = read_content(dir);
	assert_int_equal(content.n, 120);
	assert_int_equal(check_all_given(&content, out[0]), 60);
	assert_int_equal(check_all_given(&content, out[1]), 60);
	free(content.digest);
	folder_remove(dir);
}

/*
 * What others put into the folder of a log
 */

static void put32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = value >> (24 - 8 * i);
}

/* A hot journal that calls @victim its super-journal, which SQLite deletes. */
static void plant_journal(const char *dir, const char *victim)
{
	static const uint8_t magic[8] = { 0xd9, 0xd5, 5, 0xf9, 0x20, 0xa1, 0x63, 0xd7 };
	uint8_t j[512 + 4 + PATH_MAX] = { 0 };
	size_t len = strlen(victim), at = 512;
	uint32_t sum = 0;
	struct stat st;

	assert_int_equal(stat(in_folder(dir, "log.db"), &st), 0);
	memcpy(j, magic, 8);
	put32(j + 12, 0x12345678);	/* nonce */
	put32(j + 16, st.st_size / 4096);
	put32(j + 20, 512);		/* sector */
	put32(j + 24, 4096);		/* page */
	put32(j + at, 0x40000000 / 4096 + 1);
	memcpy(j + at + 4, victim, len);
	for (size_t i = 0; i < len; i++)
		sum += (int8_t)victim[i];
	put32(j + at + 4 + len, len);
	put32(j + at + 8 + len, sum);
	memcpy(j + at + 12 + len, magic, 8);
	folder_write(in_folder(dir, "log.db-journal"), j, at + 20 + len);
}

static bool is_there(const char *path)
{
	return !access(path, F_OK);
}

/* What reading leaves behind: nothing, and nothing is changed. */
static void expect_untouched(const char *dir, const struct stat *before)
{
	struct stat st;

	assert_int_equal(folder_count(dir, "-wal") + folder_count(dir, "-shm"), 0);
	assert_int_equal(stat(in_folder(dir, "log.db"), &st), 0);
	assert_true(same_file(&st, before));
}

static void test_journal(void **state)
{
	char *dir = new_log(), *victim_dir = folder_make(), victim[PATH_MAX];
	struct rcpt_error err;
	struct stat before;
	struct tlog *log;
	sqlite3 *db;

	(void)state;
	snprintf(victim, sizeof(victim), "%s/victim", victim_dir);
	sql(dir, "PRAGMA journal_mode=DELETE; CREATE TABLE x (y); INSERT INTO x VALUES (1)");
	assert_int_equal(stat(in_folder(dir, "log.db"), &before), 0);

	plant_journal(dir, victim);
	folder_write(victim, "precious", 8);
	assert_int_equal(tlog_open_read(dir, &log, &err), -RCPT_INVALID);
	assert_int_equal(tlog_open(dir, &log, &err), -RCPT_INVALID);
	assert_non_null(strstr(err.text, "log.db-journal"));
	assert_true(is_there(victim));
	assert_true(is_there(in_folder(dir, "log.db-journal")));
	expect_untouched(dir, &before);

	/* put there just after the look: what is below deletes what is the log's alone */
	assert_true(make_vfs());
	assert_int_equal(sqlite3_open_v2(in_folder(dir, "log.db"), &db, SQLITE_OPEN_READWRITE,
					 VFS), SQLITE_OK);
	sqlite3_exec(db, "SELECT * FROM log", NULL, NULL, NULL);
	sqlite3_close(db);
	assert_true(is_there(victim));

	/* and SQLite by itself does delete it */
	plant_journal(dir, victim);
	sql(dir, "SELECT * FROM log");
	assert_false(is_there(victim));
	assert_int_equal(tlog_open_read(dir, &log, &err), 0);
	tlog_close(log);
	folder_remove(victim_dir);
	folder_remove(dir);
}

static int count_entry(const struct tlog_entry *entry, void *arg)
{
	(void)entry;
	++*(int *)arg;
	return 0;
}

static int count_all(const char *dir)
{
	struct rcpt_error err = { .text = "" };
	struct tlog *log;
	int n = 0;

	if (tlog_open_read(dir, &log, &err) || tlog_each(log, count_entry, &n, &err))
		fail_msg("%s", err.text);
	tlog_close(log);
	return n;
}

/* With a writer that is still there, and after it; also where nothing may be written. */
static void test_reading(void **state)
{
	char *dir = new_log();
	struct rcpt_error err;
	struct stat before;
	struct tlog *log;
	int n = 0;

	(void)state;
	assert_int_equal(count_all(dir), 0);
	log = open_it(dir);
	assert_int_equal(append_one(log, 1, by_vendor()), 0);
	assert_int_equal(append_one(log, 2, by_vendor()), 0);
	assert_true(is_there(in_folder(dir, "log.db-wal")));
	assert_int_equal(count_all(dir), 2);
	assert_int_equal(append_one(log, 3, by_vendor()), 0);
	assert_int_equal(count_all(dir), 3);
	tlog_close(log);
	assert_int_equal(stat(in_folder(dir, "log.db"), &before), 0);
	assert_int_equal(chmod(dir, 0500), 0);
	assert_int_equal(count_all(dir), 3);
	assert_int_equal(chmod(dir, 0700), 0);
	expect_untouched(dir, &before);

	/* what changed meanwhile is no log of any moment */
	assert_int_equal(tlog_open_read(dir, &log, &err), 0);
	sql(dir, "PRAGMA wal_checkpoint(TRUNCATE); DELETE FROM issuer; CREATE TABLE y (z)");
	assert_int_equal(tlog_each(log, count_entry, &n, &err), -RCPT_SYSTEM);
	assert_int_equal(err.reason, RECEIPT_REASON_FILE_CHANGED);
	tlog_close(log);
	folder_remove(dir);
}

/* Neither link nor FIFO is opened; what belongs to others is not taken. */
static void test_foreign(void **state)
{
	static const char * const names[] = { "log.db", "log.db-wal", "log.db-shm" };
	struct rcpt_error err;
	struct tlog *log;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char *dir = new_log(), path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		rename(path, in_folder(dir, "other"));
		assert_int_equal(symlink("other", path), 0);
		assert_int_equal(tlog_open_read(dir, &log, &err), -RCPT_INVALID);
		assert_int_equal(tlog_open(dir, &log, &err), -RCPT_INVALID);
		unlink(path);
		assert_int_equal(mkfifo(path, 0600), 0);
		assert_int_equal(tlog_open_read(dir, &log, &err), -RCPT_INVALID);
		unlink(path);
		folder_write(path, "", 0);
		if (!chown(path, 65534, -1)) {
			assert_int_equal(tlog_open_read(dir, &log, &err), -RCPT_INVALID);
			assert_non_null(strstr(err.text, "another user"));
		}
		folder_remove(dir);
	}
}

/* Work without end, made of what SQLite would follow. */
static void test_endless(void **state)
{
	static const char * const made[] = {
		/* a view in the place of the table that is read first */
		"ALTER TABLE log RENAME TO was; CREATE VIEW log AS WITH RECURSIVE r(x) AS "
		"(SELECT 1 UNION ALL SELECT x FROM r) SELECT x, x, x, x FROM r WHERE x = 2",
		/* no view, but a column that is computed */
		"DROP TABLE log; CREATE TABLE log (version, issuer AS (hex(zeroblob(9000000))), "
		"alg, key); INSERT INTO log (version) VALUES (1)",
	};
	struct rcpt_error err;
	struct tlog *log;
	int n = 0;
	char *dir;

	(void)state;
	alarm(600);
	for (size_t i = 0; i < ARRAY_SIZE(made); i++) {
		dir = new_log();
		sql(dir, made[i]);
		assert_int_equal(tlog_open_read(dir, &log, &err), -RCPT_MALFORMED);
		assert_int_equal(tlog_open(dir, &log, &err), -RCPT_MALFORMED);
		folder_remove(dir);
	}
	/* the bound itself: without it this has no end, views or none */
	dir = new_log();
	assert_int_equal(tlog_open_read(dir, &log, &err), 0);
	assert_int_equal(exec(log, "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) "
			      "SELECT count(*) FROM r", &err), -RCPT_MALFORMED);
	assert_non_null(strstr(err.text, "too long"));
	tlog_close(log);
	/* entries that come again or are missing, where no head tells their number */
	sql(dir, "UPDATE log SET version = 1; INSERT INTO entry VALUES (1, 0, x'00', x'00')");
	assert_int_equal(tlog_open_read(dir, &log, &err), 0);
	assert_int_equal(tlog_each(log, count_entry, &n, &err), -RCPT_MALFORMED);
	assert_int_equal(n, 0);
	tlog_close(log);
	alarm(0);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_init_key),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_every_size),
		cmocka_unit_test(test_issuer_named),
		cmocka_unit_test(test_issuer_refused),
		cmocka_unit_test(test_issuer_second),
		cmocka_unit_test(test_issuer_forgotten),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_edge),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_head_forged),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_set_back),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_guard_missing),
		cmocka_unit_test(test_guard_elsewhere),
		cmocka_unit_test(test_upgrade),
		cmocka_unit_test(test_lock_held),
		cmocka_unit_test(test_reader_holds),
		cmocka_unit_test(test_no_claims),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_append_killed),
		cmocka_unit_test(test_init_killed),
		cmocka_unit_test(test_two_at_once),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, make_key, drop_key);
}
