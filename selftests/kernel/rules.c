// SPDX-License-Identifier: MIT
/*
 * Each property of rules, logs and revocations, by files that differ in what it is
 * about and in nothing else: one is allowed, its control is denied. Policies follow
 * each other, so that most of it is found out of a running cache. No helper serves
 * but where one is needed. rules loaders: while many load policies, and wait.
 */
#include "forge.h"
#include "fuse.h"
#include "helper.h"

#define NOW_ISH		3000	/* seconds that a test may be late, or clocks differ */

/* What is said of a file. */
struct said {
	const char *iss;
	const char *sub;
	int svn;
	const struct key *signer;
	int64_t iat;		/* of the receipt; 0: none */
	uint64_t position;	/* in the log */
	uint8_t usage;
	bool no_size;		/* the log does not sign the size of its tree */
};

#define TREE_SIZE	128
#define P256_POINT	65
#define P256_SPKI	(26 + P256_POINT)	/* bytes of DER */

static struct key issuer, thief, log_one, log_next;
static struct evidence ev;
static struct message message;
static int border;
static unsigned int version, serial;

/*
 * Evidence
 */

static void statement_header(struct header *h, const struct said *s)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, 3);
	label_int(h, 1, s->signer->alg);
	label_int(h, 258, -16);
	integer(h, 15);
	head(h, MAP, s->svn < 0 ? 2 : 3);
	label_text(h, 1, s->iss);
	label_text(h, 2, s->sub);
	if (s->svn < 0)
		return;
	text(h, "svn");
	integer(h, s->svn);
}

static void receipt_header(struct header *h, const struct key *log, const struct said *said)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, 4);
	label_int(h, 1, log->alg);
	integer(h, 4);
	string(h, BYTES, log->kid, 2 * HASH);
	label_int(h, 395, 1);
	integer(h, 15);
	head(h, MAP, 1 + !!said->iat + !said->no_size);
	label_text(h, 1, "log.one");
	if (said->iat)
		label_int(h, 6, said->iat);
	if (said->no_size)
		return;
	text(h, "size");
	integer(h, TREE_SIZE);
}

/* Entry @index of a tree of as many entries as a path of @STEPS reaches. */
static void receipt_root(const struct statement *s, struct rcpt *r, uint8_t *root)
{
	uint8_t hash[HASH], leaf[HASH];

	SHA256(scratch, statement_bytes(s), hash);
	hash_prefixed(0, hash, HASH, NULL, 0, leaf);
	memcpy(root, leaf, HASH);
	for (size_t i = 0; i < r->path_len / HASH; i++) {
		uint8_t below[HASH];

		memcpy(below, root, HASH);
		if (r->index >> i & 1)
			node(r->path[i], below, root);
		else
			node(below, r->path[i], root);
	}
}

static void make_receipt(struct rcpt *r, const struct statement *s, const struct key *log,
			 const struct said *said)
{
	uint8_t root[HASH];

	memset(r, 0, sizeof(*r));
	r->index = said->position;
	r->size = TREE_SIZE;
	memset(r->path, 0x22, 7 * HASH);
	r->path_len = 7 * HASH;
	receipt_header(&r->hdr, log, said);
	receipt_root(s, r, root);
	r->sig_len = sign_header(log, &r->hdr, root, sizeof(root), r->sig);
}

static void make_evidence(const uint8_t *digest, const struct key *log, const struct said *said)
{
	memset(&ev, 0, sizeof(ev));
	ev.kind = RECEIPT_KIND_SHA256;
	ev.digest_len = HASH;
	memcpy(ev.digest, digest, HASH);
	ev.stmt.payload_len = HASH;
	memcpy(ev.stmt.payload, digest, HASH);
	statement_header(&ev.stmt.hdr, said);
	sign_statement(said->signer, &ev.stmt);
	ev.nreceipts = 1;
	make_receipt(&ev.receipts[0], &ev.stmt, log, said);
}

static void vouch(const uint8_t *digest, const struct key *log, const struct said *said)
{
	make_evidence(digest, log, said);
	evidence_message(&message, &ev);
	if (request(border, &message))
		broken("evidence: %s", answer.text);
}

/*
 * Policies
 */

#define POLICY_RULE	"op=POLICY receipt=one subject=\"policy/rules\" action=ALLOW\n"
#define LOG_ONE		"log name=one alg=ES256 key=%s issuer=\"log.one\" identity=verified"

static const struct said of_policy = { "issuer", "policy/rules", -1, &issuer, 1000, 1, 0xff };

/* The next version, sealed: the log lines that @log_words end, and @body. */
static int try_load(const char *header, const char *log_words, const char *body)
{
	static char text[8192];
	uint8_t digest[HASH];
	int len;

	len = snprintf(text, sizeof(text),
		       "policy_name=rules policy_version=1.0.%u mode=enforce %s\n"
		       LOG_ONE " %s\nDEFAULT action=DENY\nDEFAULT op=ANON_EXEC action=ALLOW\n"
		       "op=EXECUTE boot_verified=TRUE action=ALLOW\n" POLICY_RULE "%s",
		       ++version, header, log_one.spki, log_words, body);
	SHA256((uint8_t *)text, len, digest);
	if (version > 1)
		vouch(digest, &log_one, &of_policy);
	return load_policy(border, text, len);
}

static void next(const char *header, const char *log_words, const char *body)
{
	if (try_load(header, log_words, body))
		broken("policy: %s", answer.text);
}

/*
 * Files
 */

struct file {
	char path[64];
	uint8_t digest[HASH];
};

static struct file new_file(const char *dir)
{
	struct file f;
	char content[64];

	snprintf(content, sizeof(content), "file %u", ++serial);
	snprintf(f.path, sizeof(f.path), "%s/file-%u", dir, serial);
	write_text(f.path, content);
	SHA256((uint8_t *)content, strlen(content), f.digest);
	return f;
}

static struct file said_of(const struct said *said)
{
	struct file f = new_file("/run");

	vouch(f.digest, &log_one, said);
	return f;
}

/* What the kernel would decide by what it knows. */
static const char *explained(const struct file *f)
{
	static const char *const names[] = {
#define REASON_NAME(num, name, text) [num] = text,
		RECEIPT_REASONS(REASON_NAME)
#undef REASON_NAME
	};
	uint32_t reason;

	start_request(&message, RECEIPT_CMD_EXPLAIN);
	put_u8(&message, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	put(&message, RECEIPT_A_DIGEST, f->digest, HASH);
	put_u8(&message, RECEIPT_A_OP, RECEIPT_OP_EXECUTE);
	if (request(border, &message))
		broken("EXPLAIN: %s", answer.text);
	reason = get_u32(&answer.reply, RECEIPT_A_REASON);
	return reason < ARRAY_SIZE(names) && names[reason] ? names[reason] : "none";
}

static void allowed(const struct file *f, const char *name)
{
	expect_allowed(probe_map(f->path, EACCES), "%s", name);
}

/* @reason: as EXPLAIN says it; the record says that nobody could be asked for more. */
static void denied(const struct file *f, const char *reason, const char *name)
{
	const char *recorded = !strcmp(reason, "revoked") ? NULL : "no-helper";
	const char *why = explained(f);
	int got = probe_map(f->path, EACCES);

	if (!ok(got == DENIED && !strcmp(why, reason) &&
		(!recorded || find_denial("mmap_file", recorded, 1)), "%s: %s", name, reason))
		note("%s, %s", outcome_name(got), why);
}

#define NO_RULE	"evidence-satisfies-no-rule"
#define TOO_OLD	"receipt-too-old"
#define FUTURE	"receipt-from-the-future"
#define ALL	"op=EXECUTE receipt=one action=ALLOW\n"

/*
 * Properties
 */

static struct said said(void)
{
	return (struct said){ "issuer", "pkg/a", 7, &issuer, time(NULL), 50, 0xff };
}

static void test_claims(void)
{
	struct said s = said();
	struct file good, svn, sub, iss;

	next("", "",
	     "op=EXECUTE receipt=one issuer=issuer subject=\"pkg/*\" min_svn=7 action=ALLOW\n");
	good = said_of(&s);
	s.svn = 6;
	svn = said_of(&s);
	s = said();
	s.sub = "pk/a";
	sub = said_of(&s);
	s = said();
	s.iss = "issuer2";
	iss = said_of(&s);
	allowed(&good, "issuer, subject, min_svn");
	denied(&svn, NO_RULE, "a lower svn");
	denied(&sub, NO_RULE, "another subject");
	denied(&iss, NO_RULE, "another issuer");
}

#define CROWD	12

static void crowd(const struct file *f, const char *prefix, unsigned int n)
{
	struct said s = said();
	char sub[32];

	s.sub = sub;
	for (unsigned int i = 0; i < n; i++) {
		snprintf(sub, sizeof(sub), "%s%u", prefix, i);
		vouch(f->digest, &log_one, &s);
	}
}

static void denied_by_rule(const struct file *f, const char *name)
{
	expect_denied(probe_map(f->path, EACCES), "mmap_file", "denied-by-rule", "%s", name);
}

/* More statements about a file than are kept: those that rules rest on are. */
static void test_crowd(void)
{
	struct file f[6];

	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		f[i] = new_file("/run");
	next("", "", "op=EXECUTE receipt=one subject=\"bad/*\" action=DENY\n"
	     "op=EXECUTE receipt=one subject=\"pkg/*\" action=ALLOW\n");
	crowd(&f[0], "pkg/", 1);
	crowd(&f[0], "other/", CROWD);
	allowed(&f[0], "the good statement, then many others");
	crowd(&f[1], "other/", CROWD);
	denied(&f[1], NO_RULE, "many others alone");
	crowd(&f[1], "pkg/", 1);
	allowed(&f[1], "many others, then the good statement");
	crowd(&f[2], "bad/", 1);
	crowd(&f[2], "pkg/", CROWD);
	denied_by_rule(&f[2], "the denying statement, then many good ones");
	crowd(&f[3], "pkg/", CROWD);
	allowed(&f[3], "many good ones");
	crowd(&f[3], "other/", CROWD);
	crowd(&f[3], "bad/", 1);
	flush(border);
	crowd(&f[3], "pkg/", CROWD);
	crowd(&f[3], "bad/", 1);
	crowd(&f[3], "other/", CROWD);
	denied_by_rule(&f[3], "many good ones, then the denying statement");
}

/* Each of the statements has a rule of its own, and one of them had no place. */
static void test_overcrowded(void)
{
	char rules[2048] = "op=EXECUTE receipt=one subject=bad action=DENY\n"
		"op=EXECUTE receipt=one subject=pkg/0 action=ALLOW\n";
	struct file f = new_file("/run");
	size_t len = strlen(rules);

	for (unsigned int i = 0; i < RECEIPT_MAX_STATEMENTS; i++)
		len += snprintf(rules + len, sizeof(rules) - len,
				"op=FIRMWARE receipt=one subject=firmware/%u action=ALLOW\n", i);
	next("", "", rules);
	crowd(&f, "pkg/", 1);
	crowd(&f, "firmware/", RECEIPT_MAX_STATEMENTS - 1);
	allowed(&f, "as many statements that rules rest on as are kept");
	crowd(&f, "firmware/", RECEIPT_MAX_STATEMENTS);
	flush(border);
	crowd(&f, "firmware/", RECEIPT_MAX_STATEMENTS);
	crowd(&f, "pkg/", 1);
	denied(&f, "too-many-statements", "one more");
}

/*
 * A manifest has the same content twice, for other uses: leaves 0 and 1 of 3.
 */

static void usage_leaf(const uint8_t *digest, uint8_t usage, uint8_t *leaf)
{
	const uint8_t start[2] = { RECEIPT_KIND_SHA256, usage };

	hash_prefixed(0, start, sizeof(start), digest, HASH, leaf);
}

static void manifest_header(struct header *h)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, 3);
	label_int(h, 1, issuer.alg);
	label_text(h, 3, "application/vnd.receipt.manifest-root");
	integer(h, 15);
	head(h, MAP, 2);
	label_text(h, 1, "issuer");
	label_text(h, 2, "pkg/a");
}

static void vouch_usages(const struct file *f, const uint8_t *usages)
{
	uint8_t leaves[2][HASH], third[HASH], root[HASH];
	struct said s = said();

	usage_leaf(f->digest, usages[0], leaves[0]);
	usage_leaf(f->digest, usages[1], leaves[1]);
	memset(third, 0x33, HASH);
	node(leaves[0], leaves[1], root);
	node(root, third, root);
	memset(&ev, 0, sizeof(ev));
	manifest_header(&ev.stmt.hdr);
	memcpy(ev.stmt.payload, root, HASH);
	ev.stmt.payload_len = HASH;
	sign_statement(&issuer, &ev.stmt);
	ev.nreceipts = 1;
	make_receipt(&ev.receipts[0], &ev.stmt, &log_one, &s);
	ev.kind = RECEIPT_KIND_SHA256;
	ev.digest_len = HASH;
	memcpy(ev.digest, f->digest, HASH);
	ev.manifest = true;
	ev.size = 3;
	ev.path_len = 2 * HASH;
	memcpy(ev.path[1], third, HASH);
	for (ev.index = 0; ev.index < 2; ev.index++) {
		ev.usage = usages[ev.index];
		memcpy(ev.path[0], leaves[!ev.index], HASH);
		evidence_message(&message, &ev);
		if (request(border, &message))
			broken("evidence: %s", answer.text);
	}
}

static void test_usages(void)
{
	static const uint8_t first[] = { 1 << RECEIPT_OP_EXECUTE, 1 << RECEIPT_OP_FIRMWARE };
	static const uint8_t second[] = { 1 << RECEIPT_OP_FIRMWARE, 1 << RECEIPT_OP_EXECUTE };
	static const uint8_t neither[] = { 1 << RECEIPT_OP_FIRMWARE, 1 << RECEIPT_OP_KMODULE };
	struct file f[3];

	next("", "", ALL);
	for (size_t i = 0; i < ARRAY_SIZE(f); i++)
		f[i] = new_file("/run");
	vouch_usages(&f[0], first);
	allowed(&f[0], "one content under two usages: the first one");
	vouch_usages(&f[1], second);
	allowed(&f[1], "one content under two usages: the second one");
	vouch_usages(&f[2], neither);
	denied(&f[2], "usage-not-granted", "one content under two usages, neither of which it is");
}

static void test_position(void)
{
	struct said s = said();
	struct file at, below;

	at = said_of(&s);
	s.position = 49;
	below = said_of(&s);
	next("", "", "op=EXECUTE receipt=one min_position=50 action=ALLOW\n");
	allowed(&at, "min_position: entry 50");
	denied(&below, NO_RULE, "min_position: entry 49");
}

/*
 * Entry 254 of 255 has a path like that of entry 127 of 128, the newest one: whoever
 * brings the receipt can say either.
 */
static void test_edited_position(void)
{
	struct said s = said();
	struct file plain = new_file("/run"), edited = new_file("/run"), honest;

	s.position = TREE_SIZE - 1;
	honest = said_of(&s);
	make_evidence(edited.digest, &log_one, &s);
	ev.receipts[0].index = 2 * TREE_SIZE - 2;
	ev.receipts[0].size = 2 * TREE_SIZE - 1;
	evidence_message(&message, &ev);
	ok(request(border, &message) && !strcmp(answer.text, "tree-size-differs"),
	   "an edited index and size: tree-size-differs");
	s.no_size = true;
	make_evidence(plain.digest, &log_one, &s);
	ev.receipts[0].index = 2 * TREE_SIZE - 2;
	ev.receipts[0].size = 2 * TREE_SIZE - 1;
	evidence_message(&message, &ev);
	ok(!request(border, &message), "the same where no size is signed: taken");
	next("", "", ALL);
	allowed(&honest, "a signed size");
	allowed(&plain, "a size that is not signed, no min_position");
	next("", "", "op=EXECUTE receipt=one min_position=1 action=ALLOW\n");
	allowed(&honest, "min_position: a signed size");
	denied(&plain, NO_RULE, "min_position: a size that is not signed");
}

/* The last: policies are entry 1 here, and none can follow. */
static void test_log_position(void)
{
	struct said s = said();
	struct file below = said_of(&s), at;

	s.position = 51;
	at = said_of(&s);
	next("", "min_position=51", ALL);
	allowed(&at, "min_position of a log: entry 51");
	ok(probe_map(below.path, EACCES) == DENIED && !strcmp(explained(&below), NO_RULE),
	   "min_position of a log: entry 50");
	ok(try_load("", "", ALL) == -EACCES, "min_position of a log: a policy recorded before");
}

static void test_window(void)
{
	struct said s = said();
	struct file in, before, after, timeless;

	s.iat = 1767225600;	/* 2026-01-01T00:00:00Z */
	in = said_of(&s);
	s.iat--;
	before = said_of(&s);
	s.iat = 1767225601;
	after = said_of(&s);
	s.iat = 0;
	timeless = said_of(&s);
	next("", "not_before=1970-01-01T00:00:00Z not_after=2026-01-01T00:00:00Z",
	     "op=EXECUTE receipt=one action=ALLOW\n");
	allowed(&in, "not_after: a receipt of that second");
	allowed(&before, "not_after: one of the second before");
	denied(&after, NO_RULE, "not_after: one of the second after");
	denied(&timeless, NO_RULE, "a window: a receipt that says no time");
	next("", "", "op=EXECUTE receipt=one action=ALLOW\n");
	allowed(&after, "no window: the one of the second after");
	allowed(&timeless, "no window: the one that says no time");
}

static void test_age(void)
{
	struct said s = said();
	struct file young, old, timeless, soon, ahead, future, century, other;

	young = said_of(&s);
	s.iat = time(NULL) - 3600 - NOW_ISH;
	old = said_of(&s);
	s.iat = 0;
	timeless = said_of(&s);
	next("", "", "op=EXECUTE receipt=one max_age=1h action=ALLOW\n");
	allowed(&young, "max_age: a receipt of now");
	denied(&old, TOO_OLD, "max_age: one of more than an hour ago");
	denied(&timeless, TOO_OLD, "max_age: one that says no time");
	s = said();
	s.iat += 300;
	ahead = said_of(&s);
	s.iat += 300 + NOW_ISH;
	future = said_of(&s);
	s.iat = 4102444800;	/* 2100-01-01T00:00:00Z */
	century = said_of(&s);
	allowed(&ahead, "max_age: one of a clock that is five minutes ahead");
	denied(&future, FUTURE, "max_age: one of more than ten minutes from now");
	denied(&century, FUTURE, "max_age: one of 2100");
	s = said();
	s.sub = "other";
	s.iat = time(NULL) - 3600 - NOW_ISH;
	other = said_of(&s);
	next("", "", "op=EXECUTE receipt=one subject=\"pkg/*\" max_age=1h action=ALLOW\n");
	denied(&other, NO_RULE, "max_age: not the age alone");
	denied(&old, TOO_OLD, "max_age: the age alone");
	next("", "", "op=EXECUTE receipt=one max_age=1h action=ALLOW\n");

	/* What is remembered is forgotten when it gets too old. */
	s.iat = time(NULL) - 3600 + 10 * slowness();
	soon = said_of(&s);
	allowed(&soon, "max_age: good for some seconds more");
	for (int64_t end = now_ms() + 200000 * slowness(); now_ms() < end; usleep(500000)) {
		if (probe_map(soon.path, EACCES) != ALLOWED)
			break;
	}
	denied(&soon, TOO_OLD, "max_age: remembered, and too old in the end");
	allowed(&young, "max_age: the young one is still good");
}

static void move_clock(int64_t seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += seconds;
	if (clock_settime(CLOCK_REALTIME, &t))
		broken("clock");
}

static int64_t status_time(uint16_t attr)
{
	start_request(&message, RECEIPT_CMD_STATUS);
	if (request(border, &message))
		broken("STATUS: %s", answer.text);
	return get_u64(&answer.reply, attr);
}

static void wait_until_denied(const struct file *f)
{
	for (int64_t end = now_ms() + 100000 * slowness(); now_ms() < end; usleep(500000))
		if (probe_map(f->path, EACCES) != ALLOWED)
			break;
}

/*
 * Who sets the clock back makes nothing younger, and keeps nothing from getting
 * older, also what is allowed already.
 */
static void test_clock_back(void)
{
	struct said s = said();
	int64_t real = time(NULL), kernel = status_time(RECEIPT_A_TIME);
	struct file old, soon;

	ok(kernel >= real && kernel < real + 10 * slowness(), "clock: the kernel's time is the machine's");
	s.iat = time(NULL) - 3600 - NOW_ISH;
	old = said_of(&s);
	s.iat = time(NULL) - 3600 + 20 * slowness();
	soon = said_of(&s);
	denied(&old, TOO_OLD, "clock: too old");
	allowed(&soon, "clock: good for some seconds more");
	move_clock(-86400);
	denied(&old, TOO_OLD, "clock: set back by a day, still too old");
	ok(status_time(RECEIPT_A_TIME) >= kernel &&
	   status_time(RECEIPT_A_TIME_FLOOR) >= kernel, "clock: set back, the kernel's time is not");
	sleep(2);
	ok(status_time(RECEIPT_A_TIME) >= kernel + 2, "clock: set back, the kernel's time goes on");
	wait_until_denied(&soon);
	denied(&soon, TOO_OLD, "clock: set back, what is remembered gets too old");
	move_clock(86400);
}

/* Those that load policies all the time do not put it off. */
static void test_expiry_under_load(void)
{
	struct said s = said();
	struct file soon;
	char text[2048];
	int64_t end;
	int len;

	len = snprintf(text, sizeof(text), "policy_name=rules policy_version=9.9.9 mode=enforce\n"
		       LOG_ONE "\nDEFAULT action=DENY\n", log_one.spki);

	s.iat = time(NULL) - 3600 + 10 * slowness();
	soon = said_of(&s);
	allowed(&soon, "expiry: good for some seconds more");
	for (end = now_ms() + 100000 * slowness(); now_ms() < end; usleep(100000)) {
		if (load_policy(border, text, len) != -EACCES)
			broken("a policy without evidence: %s", answer.text);
		if (probe_map(soon.path, EACCES) != ALLOWED)
			break;
	}
	denied(&soon, TOO_OLD, "expiry: while policies are loaded and refused");
}

/* Time that passes asleep passes. */
static void test_suspend(void)
{
	struct said s = said();
	struct file soon;
	int64_t before;
	char alarm[32];

	if (access("/sys/class/rtc/rtc0/wakealarm", W_OK) || access("/sys/power/state", W_OK)) {
		ok(true, "suspend # SKIP no clock that wakes this machine");
		return;
	}
	s.iat = time(NULL) - 3600 + 20;
	soon = said_of(&s);
	allowed(&soon, "suspend: good for 20 seconds more");
	before = status_time(RECEIPT_A_TIME);
	snprintf(alarm, sizeof(alarm), "%lld", (long long)time(NULL) + 40);
	write_text("/sys/class/rtc/rtc0/wakealarm", "0");
	write_text("/sys/class/rtc/rtc0/wakealarm", alarm);
	write_text("/sys/power/state", "mem");
	ok(status_time(RECEIPT_A_TIME) >= before + 30, "suspend: the kernel's time went on");
	wait_until_denied(&soon);
	denied(&soon, TOO_OLD, "suspend: too old after it");
}

/* The last of those with an age: what was seen once is not taken back before a boot. */
static void test_clock_forward(void)
{
	struct said s = said();
	struct file young = said_of(&s);

	allowed(&young, "clock: young");
	move_clock(7200);
	wait_until_denied(&young);
	denied(&young, TOO_OLD, "clock: set forward by two hours, too old");
	move_clock(-7200);
	denied(&young, TOO_OLD, "clock: set back again, still too old");
}

static void test_fstype(void)
{
	struct said s = said();
	struct file on_tmpfs, on_ramfs;

	if (mkdir("/ramfs", 0755) || mount("none", "/ramfs", "ramfs", 0, NULL))
		broken("ramfs");
	on_tmpfs = new_file("/run");
	on_ramfs = new_file("/ramfs");
	next("", "", "op=EXECUTE fstype=ramfs action=ALLOW\n");
	allowed(&on_ramfs, "fstype: a file on ramfs");
	expect_denied(probe_map(on_tmpfs.path, EACCES), "mmap_file", "denied-by-default",
		      "fstype: one on tmpfs");
	on_tmpfs = said_of(&s);
	vouch(on_ramfs.digest, &log_one, &s);
	next("", "", "op=EXECUTE fstype=tmpfs receipt=one action=ALLOW\n");
	allowed(&on_tmpfs, "fstype and receipt: sealed, on tmpfs");
	expect_denied(probe_map(on_ramfs.path, EACCES), "mmap_file", "denied-by-default",
		      "fstype and receipt: sealed, on ramfs");
}

/*
 * What a server shows may be another file the next time: nothing of it is remembered,
 * and no rule is about it that does not name the type.
 */
static void test_unstable(void)
{
	struct said s = said();
	struct file shown = said_of(&s);

	show_by_fuse(shown.path);
	next("", "", ALL "op=EXECUTE fstype=tmpfs action=ALLOW\n");
	expect_denied(probe_map(FUSE_PROGRAM, EACCES), "mmap_file", "unstable-filesystem",
		      "FUSE: sealed, no rule names it");
	next("", "", "op=EXECUTE fstype=fuse receipt=one action=ALLOW\n");
	expect_allowed(probe_map(FUSE_PROGRAM, EACCES), "FUSE, fstype and receipt: sealed");
	fuse_content[0]++;
	expect_denied(probe_map(FUSE_PROGRAM, EACCES), "mmap_file", "no-helper",
		      "FUSE, fstype and receipt: shown with another content");
	fuse_content[0]--;
	expect_allowed(probe_map(FUSE_PROGRAM, EACCES), "FUSE, fstype and receipt: as before");
	next("", "", "op=EXECUTE fstype=fuse action=ALLOW\n");
	fuse_content[0]++;
	expect_allowed(probe_map(FUSE_PROGRAM, EACCES), "FUSE, fstype alone: any content");
	next("", "", ALL);
	expect_denied(probe_map(FUSE_PROGRAM, EACCES), "mmap_file", "unstable-filesystem",
		      "FUSE: a later policy that does not name it");
	end_fuse();
}

static void test_rotation(void)
{
	static char line[1024];
	struct said s = said();
	struct file by_next = new_file("/run"), by_first = said_of(&s);

	snprintf(line, sizeof(line),
		 "\nlog name=one alg=ES384 key=%s issuer=\"log.one\" identity=verified"
		 " not_before=2020-01-01T00:00:00Z",
		 log_next.spki);
	next("", line, "op=EXECUTE receipt=one action=ALLOW\n");
	vouch(by_next.digest, &log_next, &s);
	allowed(&by_first, "two keys of a log: the first");
	allowed(&by_next, "two keys of a log: the second");
	next("", "", "op=EXECUTE receipt=one action=ALLOW\n");
	allowed(&by_first, "one key again: the first");
	denied(&by_next, NO_RULE, "one key again: the second");
}

/*
 * Revocation
 */

static void hex(const uint8_t *bytes, char *out)
{
	for (int i = 0; i < HASH; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void test_revoke_digest(void)
{
	struct said s = said();
	struct file bad = said_of(&s), good = said_of(&s);
	char body[256], digest[2 * HASH + 1];

	next("", "", ALL);
	allowed(&bad, "revoke digest: before");
	hex(bad.digest, digest);
	snprintf(body, sizeof(body), ALL "revoke digest=sha256:%s\n", digest);
	next("", "", body);
	denied(&bad, "revoked", "revoke digest: a running cache");
	ok(find_denial("mmap_file", "revoked", 1), "revoke digest: recorded as revoked");
	allowed(&good, "revoke digest: another file");
	next("", "", ALL);
	allowed(&bad, "revoke digest: a later policy without the line");
}

static void test_revoke_statements(void)
{
	struct said s = said();
	struct file old, fixed, other, both;

	old = said_of(&s);
	both = said_of(&s);
	s.svn = 8;
	fixed = said_of(&s);
	vouch(both.digest, &log_one, &s);
	s = said();
	s.sub = "pkg/b";
	other = said_of(&s);
	next("", "", ALL);
	allowed(&old, "revoke subject: before");
	next("", "", ALL "revoke issuer=issuer subject=\"pkg/a\" svn_below=8\n");
	denied(&old, "revoked", "revoke subject, svn_below: svn 7");
	allowed(&fixed, "revoke subject, svn_below: svn 8");
	allowed(&other, "revoke subject, svn_below: another subject");
	allowed(&both, "revoke subject, svn_below: statements of svn 7 and 8");
	next("", "", ALL "revoke issuer=issuer subject=\"pkg/*\"\n");
	denied(&fixed, "revoked", "revoke subject: every svn");
}

/* Of what was proven before, nobody knows who signed it. */
static void test_revoke_key(void)
{
	struct said s = said();
	struct file stolen, own;
	char body[512];

	own = said_of(&s);
	s.signer = &thief;
	stolen = said_of(&s);
	next("", "", ALL);
	allowed(&stolen, "revoke issuer_key: before");
	allowed(&own, "revoke issuer_key: another signer, before");
	snprintf(body, sizeof(body), ALL "revoke issuer_key=%s\n", thief.spki);
	next("", "", body);
	denied(&stolen, "no-evidence",
	       "revoke issuer_key: proven before, not by this key's policy");
	vouch(stolen.digest, &log_one, &s);
	denied(&stolen, "revoked", "revoke issuer_key: proven again");
	denied(&own, "no-evidence", "revoke issuer_key: another signer, not proven again");
	s.signer = &issuer;
	vouch(own.digest, &log_one, &s);
	allowed(&own, "revoke issuer_key: another signer, proven again");
}

/* A default that allows POLICY lets no policy in that nothing vouches for. */
static void test_policy_default(void)
{
	char text[2048];
	int len;

	next("", "\nDEFAULT op=POLICY action=ALLOW", ALL);
	len = snprintf(text, sizeof(text), "policy_name=rules policy_version=9.9.9 mode=enforce\n"
		       LOG_ONE "\nDEFAULT action=DENY\n", log_one.spki);
	ok(load_policy(border, text, len) == -EACCES, "DEFAULT op=POLICY: nothing vouches for it");
	ok(!try_load("", "", ALL), "DEFAULT op=POLICY: one that a rule allows");
}

/*
 * Under another number, an algorithm is another name for the signature of a stolen key
 * (-9 is ES256 with its curve), or one that nobody knows (-99).
 */
static void test_revoke_key_renamed(void)
{
	static struct key renamed, unknown, other;
	struct said s = said();
	struct file own, by_renamed, by_unknown, by_other;
	char body[512];

	renamed = unknown = thief;
	renamed.alg = -9;
	unknown.alg = -99;
	other = issuer;
	other.alg = -8;		/* EdDSA: whoever it is, not a key of ECDSA */
	next("", "", ALL);
	s.signer = &unknown;
	by_unknown = said_of(&s);
	allowed(&by_unknown, "unknown algorithm: no issuer key is revoked");
	snprintf(body, sizeof(body), ALL "revoke issuer_key=%s\n", thief.spki);
	next("", "", body);
	vouch(by_unknown.digest, &log_one, &s);
	denied(&by_unknown, "wrong-algorithm", "unknown algorithm: an issuer key is revoked");
	s.signer = &renamed;
	by_renamed = said_of(&s);
	denied(&by_renamed, "revoked", "a revoked key under its number of RFC 9864");
	s.signer = &other;
	by_other = said_of(&s);
	allowed(&by_other, "a known algorithm that is no key's of the policy");
	s.signer = &issuer;
	own = said_of(&s);
	allowed(&own, "another key, ES256");
	snprintf(body, sizeof(body), "op=EXECUTE receipt=one issuer_key=%s action=DENY\n" ALL,
		 thief.spki);
	next("", "", body);
	s.signer = &unknown;
	vouch(by_unknown.digest, &log_one, &s);
	denied(&by_unknown, "wrong-algorithm", "unknown algorithm: a rule denies by the key");
	s.signer = &issuer;
	vouch(own.digest, &log_one, &s);
	allowed(&own, "another key, and a rule that denies by the key");
}

/* The public key of @d, which signs as @like does. */
static void key_of_scalar(const EC_GROUP *group, const BIGNUM *d, const struct key *like,
			  struct key *out)
{
	EC_POINT *point = EC_POINT_new(group);
	uint8_t der[300];
	int len;

	*out = *like;
	/* The point is the end of it, and no length of P-256 asks for padding but one. */
	len = EVP_DecodeBlock(der, (const uint8_t *)like->spki, strlen(like->spki)) - 2;
	if (len != P256_SPKI || !EC_POINT_mul(group, point, d, NULL, NULL, NULL) ||
	    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, der + len - P256_POINT,
			       P256_POINT, NULL) != P256_POINT)
		broken("key of a signature");
	EVP_EncodeBlock((uint8_t *)out->spki, der, len);
	EC_POINT_free(point);
}

/*
 * A signature of @stmt, and the two keys that it is of: s k = z + r d, and -k has the
 * same r as k.
 */
static void sign_for_two(struct statement *stmt, struct key *first, struct key *second)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *order = EC_GROUP_get0_order(group);
	BIGNUM *k = BN_new(), *r = BN_new(), *s = BN_new(), *z = BN_new(), *d = BN_new();
	EC_POINT *point = EC_POINT_new(group);
	BN_CTX *ctx = BN_CTX_new();
	uint8_t hash[HASH];
	size_t n = signed_bytes(&stmt->hdr, stmt->payload, stmt->payload_len);

	SHA256(scratch, n, hash);
	BN_bin2bn(hash, HASH, z);
	if (!BN_rand_range(k, order) || !BN_rand_range(s, order) ||
	    !EC_POINT_mul(group, point, k, NULL, NULL, ctx) ||
	    !EC_POINT_get_affine_coordinates(group, point, r, NULL, ctx) ||
	    !BN_nnmod(r, r, order, ctx))
		broken("signature of two keys");
	BN_bn2binpad(r, stmt->sig, HASH);
	BN_bn2binpad(s, stmt->sig + HASH, HASH);
	stmt->sig_len = 2 * HASH;
	BN_mod_inverse(r, r, order, ctx);
	for (int i = 0; i < 2; i++) {
		BN_mod_mul(d, s, k, order, ctx);
		BN_mod_sub(d, d, z, order, ctx);
		BN_mod_mul(d, d, r, order, ctx);
		key_of_scalar(group, d, &issuer, i ? second : first);
		BN_sub(k, order, k);
	}
	BN_CTX_free(ctx);
	EC_POINT_free(point);
	BN_free(k);
	BN_free(r);
	BN_free(s);
	BN_free(z);
	BN_free(d);
	EC_GROUP_free(group);
}

static void say_again(const struct evidence *said)
{
	evidence_message(&message, said);
	if (request(border, &message))
		broken("evidence: %s", answer.text);
}

/*
 * Whoever has two keys can make one signature of both. The first key that the policy
 * names is the one that has signed: he could have signed with that one alone.
 */
static void test_two_keys(void)
{
	struct file f = new_file("/run"), own;
	struct said s = said();
	static struct evidence of_two;
	struct key one, two;
	char body[1024];

	make_evidence(f.digest, &log_one, &s);
	sign_for_two(&ev.stmt, &one, &two);
	make_receipt(&ev.receipts[0], &ev.stmt, &log_one, &s);
	of_two = ev;
	snprintf(body, sizeof(body), "op=EXECUTE receipt=one issuer_key=%s action=ALLOW\n",
		 one.spki);
	next("", "", body);
	say_again(&of_two);
	allowed(&f, "one signature of two keys: a rule names the first");
	snprintf(body, sizeof(body), "op=EXECUTE receipt=one issuer_key=%s action=ALLOW\n",
		 two.spki);
	next("", "", body);
	say_again(&of_two);
	allowed(&f, "one signature of two keys: a rule names the second");
	snprintf(body, sizeof(body), "op=EXECUTE receipt=one issuer_key=%s action=ALLOW\n"
		 "revoke issuer_key=%s\n", one.spki, two.spki);
	next("", "", body);
	say_again(&of_two);
	allowed(&f, "one signature of two keys: of a rule and revoked, the rule is first");
	snprintf(body, sizeof(body), "op=EXECUTE receipt=one issuer_key=%s action=DENY\n"
		 "op=EXECUTE receipt=one issuer_key=%s action=ALLOW\n" ALL, two.spki, one.spki);
	next("", "", body);
	say_again(&of_two);
	own = said_of(&s);
	denied_by_rule(&f, "one signature of two keys: the rule that denies is first");
	allowed(&own, "another key");
}

/* One bit of a key, wherever it stands. */
static void test_points(void)
{
	static const char *const texts[] = {
		"op=EXECUTE issuer_key=%s receipt=one action=ALLOW\n",
		"op=EXECUTE issuer_key=%s receipt=one action=DENY\n",
		"revoke issuer_key=%s\n",
		"log name=two alg=ES256 key=%s issuer=two\n",
	};
	struct key bad = thief;
	char text[2048];

	bad.spki[60] = bad.spki[60] == 'A' ? 'B' : 'A';
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		for (int good = 0; good < 2; good++) {
			int len, got;

			len = snprintf(text, sizeof(text),
				       "policy_name=rules policy_version=9.9.9 mode=enforce\n"
				       LOG_ONE "\n", log_one.spki);
			len += i < 3 ? snprintf(text + len, sizeof(text) - len,
						"DEFAULT action=DENY\n") : 0;
			len += snprintf(text + len, sizeof(text) - len, texts[i],
					good ? thief.spki : bad.spki);
			len += i < 3 ? 0 : snprintf(text + len, sizeof(text) - len,
						    "DEFAULT action=DENY\n");
			got = load_policy(border, text, len);
			/* What is good is refused later, as nothing vouches for it. */
			ok(good ? got == -EACCES : got == -EINVAL &&
			   !strcmp(answer.text, i < 3 ?
				   "policy-syntax: 4:0: key is not a point of its curve" :
				   "policy-syntax: 3:0: key is not a point of its curve"),
			   "%s key: %.16s", good ? "a" : "off the curve, a", texts[i]);
		}
	}
}

/*
 * No helper
 */

/* Says whether it took about as long as it should; not more is claimed. */
static int64_t timed_map(const struct file *f, int *outcome)
{
	int64_t start = now_ms();

	*outcome = probe_map(f->path, EACCES);
	return now_ms() - start;
}

static void test_no_helper(void)
{
	struct said s = said();
	struct file seen = said_of(&s), known = said_of(&s), unknown = new_file("/run");
	int outcome, fd;
	int64_t ms;

	next("no_helper=deny helper_timeout=3", "", ALL);
	denied(&seen, "no-evidence", "no_helper=deny, none was there: proven");
	fd = become_helper();
	allowed(&seen, "no_helper=deny, one serves: proven");
	close(fd);
	allowed(&seen, "no_helper=deny, it is lost: judged before");
	ms = timed_map(&known, &outcome);
	ok(outcome == DENIED && find_denial("mmap_file", "no-helper", 1) && ms < 2500,
	   "no_helper=deny, it is lost: proven, not judged before, at once");
	/* The next policy is taken all the same. */
	next("no_helper=cached helper_timeout=3", "", ALL);
	allowed(&known, "no_helper=cached, it is lost: proven, not judged before");
	ms = timed_map(&unknown, &outcome);
	ok(outcome == DENIED && find_denial("mmap_file", "helper-timeout", 1) && ms > 2500,
	   "no_helper=cached, it is lost: unknown, after helper_timeout=3");
	note("%lld ms", (long long)ms);
}

/*
 * A policy that denies by a key takes effect at once, though nobody can be asked. Under
 * the one before, only firmware is denied by it, so who signed is known.
 */
static void test_deny_key(void)
{
	char before[1024], after[1024];
	struct said s = said();
	struct file stolen, own;

	snprintf(before, sizeof(before), "op=FIRMWARE receipt=one issuer_key=%s action=DENY\n" ALL,
		 thief.spki);
	snprintf(after, sizeof(after), "op=EXECUTE receipt=one issuer_key=%s action=DENY\n" ALL,
		 thief.spki);
	next("helper_timeout=1", "", before);
	own = said_of(&s);
	s.signer = &thief;
	stolen = said_of(&s);
	allowed(&stolen, "a rule denies by a key: before");
	allowed(&own, "a rule denies by a key: another issuer, before");
	become_helper();
	next("helper_timeout=1", "", after);
	close(helper_fd);
	denied_by_rule(&stolen, "a rule denies by a key: after it, without a helper");
	allowed(&own, "a rule denies by a key: another issuer, without a helper");
}

/* The same where the policy before does not name the key: who signed is not known. */
static void test_deny_new_key(void)
{
	struct said s = said();
	struct file stolen, own;
	char after[1024];

	snprintf(after, sizeof(after), "op=EXECUTE receipt=one issuer_key=%s action=DENY\n" ALL,
		 thief.spki);
	next("helper_timeout=1", "", ALL);
	own = said_of(&s);
	s.signer = &thief;
	stolen = said_of(&s);
	allowed(&stolen, "a rule denies by a new key: before");
	allowed(&own, "a rule denies by a new key: another issuer, before");
	become_helper();
	next("helper_timeout=1", "", after);
	close(helper_fd);
	expect_denied(probe_map(stolen.path, EACCES), "mmap_file", "helper-timeout",
		      "a rule denies by a new key: not proven again");
	ok(!strcmp(explained(&stolen), "no-evidence"), "a rule denies by a new key: no-evidence");
	vouch(stolen.digest, &log_one, &s);
	s.signer = &issuer;
	vouch(own.digest, &log_one, &s);
	denied_by_rule(&stolen, "a rule denies by a new key: proven again");
	allowed(&own, "a rule denies by a new key: another issuer, proven again");
}

/*
 * The whole of it
 */

static const char *const refused_bodies[] = {
	"op=EXECUTE comm=bash action=ALLOW\n", "op=EXECUTE max_age=9 receipt=one action=ALLOW\n",
	"op=EXECUTE min_position=5 action=ALLOW\n", "revoke action=DENY\n", "revoke svn_below=7\n",
	"revoke digest=sha256:00\n", "op=EXECUTE fstype= action=ALLOW\n",
};

static void test_refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_bodies); i++) {
		int got = try_load("", "", refused_bodies[i]);

		ok(got == -EINVAL && !strncmp(answer.text, "policy-syntax: 7:", 17),
		   "refused: %.30s", strtok(strdup(refused_bodies[i]), "\n"));
	}
	ok(try_load("helper_timeout=0", "", "") == -EINVAL, "refused: helper_timeout=0");
	ok(try_load("no_helper=allow", "", "") == -EINVAL, "refused: no_helper=allow");
}

/*
 * Processes that load policies, each of which asks a helper that is silent
 */

#define LOADERS		30
#define LIFE		20		/* seconds that a receipt is good for */
#define EXPIRY		60		/* what is too old is found within */
#define WAIT		10		/* for the helper, where the policy is silent */
#define SOON_MS		(5000 * slowness())

/* Each a text of its own, that nobody has sealed. */
static void load_for_ever(unsigned int number)
{
	int fd = open_border();
	static char text[2048];

	for (unsigned int i = 0;; i++) {
		snprintf(text, sizeof(text),
			 "policy_name=rules policy_version=2.0.0 mode=enforce\n"
			 "DEFAULT action=DENY\n# %u %u\n", number, i);
		if (load_policy(fd, text, strlen(text)) != -EACCES)
			_exit(BROKEN);
	}
}

static int raise_floor(void)
{
	start_request(&message, RECEIPT_CMD_FLOOR);
	put(&message, RECEIPT_A_POLICY_NAME, "rules", sizeof("rules"));
	put(&message, RECEIPT_A_POLICY_VERSION, "1.0.0", sizeof("1.0.0"));
	put_u32(&message, RECEIPT_A_POLICY_SVN, 0);
	return request(border, &message);
}

static void soon(int64_t start, const char *name)
{
	int64_t took = now_ms() - start;

	if (!ok(took < SOON_MS, "%s: at once", name))
		note("after %lld ms", (long long)took);
}

static void wait_loaders(void)
{
	int64_t end = now_ms() + 1000 * PROBE_SECONDS;

	while (stat_value("lookups-pending") < LOADERS)
		if (now_ms() > end)
			broken("loaders do not ask");
		else
			usleep(20000);
}

/* A verdict that is remembered ends when the receipt that it rests on gets too old. */
static void test_expiry(const struct file *f)
{
	int64_t start = now_ms(), most = 1000 * (LIFE + EXPIRY + WAIT) + SOON_MS;

	while (probe_map(f->path, EACCES) == ALLOWED && now_ms() - start < most)
		usleep(500000);
	if (!ok(now_ms() - start < most, "loaders: what gets too old is forgotten within a minute"))
		note("after %lld ms", (long long)(now_ms() - start));
}

static void test_loaders(void)
{
	pid_t pids[LOADERS];
	unsigned int ended = 0;
	struct said s = said();
	struct file f;
	int64_t start;

	next("", "", "op=EXECUTE receipt=one max_age=1h action=ALLOW\n");
	s.iat = time(NULL) - 3600 + LIFE;
	f = said_of(&s);
	allowed(&f, "loaders: a receipt that is still good");
	become_helper();
	for (unsigned int i = 0; i < LOADERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			close(helper_fd);
			load_for_ever(i);
		}
	}
	wait_loaders();
	test_expiry(&f);
	wait_loaders();
	start = now_ms();
	ok(!raise_floor(), "loaders: FLOOR");
	soon(start, "loaders: FLOOR");
	wait_loaders();
	start = now_ms();
	next("", "", ALL);
	ok(true, "loaders: a policy that is sealed");
	soon(start, "loaders: a policy that is sealed");
	wait_loaders();
	start = now_ms();
	ok(!flush(border), "loaders: FLUSH");
	soon(start, "loaders: FLUSH");
	for (unsigned int i = 0; i < LOADERS; i++) {
		ended += has_ended(pids[i]);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	ok(!ended, "loaders: all were there to the end");
}

int main(int argc, char **argv)
{
	probe_init();
	border = open_border();
	make_key(&issuer, ES256);
	make_key(&thief, ES256);
	make_key(&log_one, ES256);
	make_key(&log_next, ES384);
	next("", "", ALL);
	if (argc > 1 && !strcmp(argv[1], "loaders")) {
		test_loaders();
		return 0;
	}
	test_claims();
	test_crowd();
	test_overcrowded();
	test_usages();
	test_position();
	test_edited_position();
	test_window();
	test_age();
	test_clock_back();
	test_expiry_under_load();
	test_suspend();
	test_clock_forward();
	test_fstype();
	test_unstable();
	test_rotation();
	test_revoke_digest();
	test_revoke_statements();
	test_revoke_key();
	test_revoke_key_renamed();
	test_two_keys();
	test_points();
	test_policy_default();
	test_refused();
	test_no_helper();
	test_deny_key();
	test_deny_new_key();
	test_log_position();
	return 0;
}
