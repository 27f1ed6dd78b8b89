// SPDX-License-Identifier: MIT
/*
 * fuzz_border SEED ROUNDS
 *
 * Messages that were good once, and messages of any kind, sent by the helper and by
 * another. What the kernel accepts must say what a log signed; what is sealed stays
 * allowed and all else denied; the policy changes only to one that is sealed; each
 * refusal names its reason and is counted. Keys are made anew, all else follows from
 * the seed. Where the kernel has kcov, messages that reach what none reached before
 * are mutated further.
 */
#include <linux/kcov.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "forge.h"
#include "mutate.h"

#define CHECK_EVERY	250	/* rounds */
#define LOAD_EVERY	4	/* checks */
#define ANSWER_MS	(10000 * slowness())
#define ASKED_MS	15000	/* longer than a lookup may last */
#define NEGATIVE_MAX	4096	/* digests without evidence that the kernel keeps */
#define ERRORS		150
#define COMPLAINTS	5	/* that are shown */
#define SAVED_BYTES	8192
#define VERSIONS	1024	/* of the policy */

static struct key issuer, log_one, log_two, log_raw;
static int control, helper, other;
static unsigned int rounds, at_round;

/*
 * Messages that are kept
 */

struct saved {
	uint32_t len;
	uint8_t data[SAVED_BYTES];
};

static bool save(struct saved *to, const struct message *m)
{
	if (m->len > sizeof(to->data))
		return false;
	to->len = m->len;
	memcpy(to->data, m->data, m->len);
	return true;
}

static void restore(struct message *m, const struct saved *from)
{
	m->len = from->len;
	memcpy(m->data, from->data, from->len);
}

/*
 * What is sealed: an artifact in each form, and the policies
 */

struct shape {
	bool manifest;
	const struct key *logs[2];
	int kind;
};

static const struct shape shapes[] = {
	{ true, { &log_one }, RECEIPT_KIND_SHA256 },
	{ true, { &log_two }, RECEIPT_KIND_SHA512 },
	{ true, { &log_raw }, RECEIPT_KIND_FSVERITY_SHA256 },
	{ false, { &log_one }, RECEIPT_KIND_SHA384 },
	{ false, { &log_two }, RECEIPT_KIND_SHA256 },
	{ true, { &log_one, &log_two }, RECEIPT_KIND_DMVERITY_SHA256 },
	{ false, { &log_two, &log_raw }, RECEIPT_KIND_SHA512 },
};

#define SHAPES	ARRAY_SIZE(shapes)

static struct saved sealed[SHAPES + VERSIONS];	/* the last one: of the next policy */
static bool proven[SHAPES + VERSIONS];		/* to the kernel, by what was sent */
static unsigned int nsealed;
static char policies[2][4096];
static char *active = policies[0], *next = policies[1];	/* texts */

static void protected_header(struct header *h, int alg, const char *kid)
{
	memset(h, 0, sizeof(*h));
	head(h, MAP, 4);
	label_int(h, 1, alg);
	integer(h, 4);
	string(h, BYTES, kid, 2 * HASH);
}

static void make_statement(struct evidence *ev, const char *subject)
{
	static const int envelope_algs[] = { 0, -16, -43, -44 };
	struct header *h = &ev->stmt.hdr;

	protected_header(h, issuer.alg, issuer.kid);
	if (ev->manifest)
		label_text(h, 3, "application/vnd.receipt.manifest-root");
	else
		label_int(h, 258, envelope_algs[ev->kind]);
	integer(h, 15);
	head(h, MAP, 4);
	label_text(h, 1, "issuer.example");
	label_text(h, 2, subject);
	integer(h, 6);
	head(h, TAG, 1);
	integer(h, 1700000000);
	text(h, "svn");
	integer(h, 7);
	if (ev->manifest)
		manifest_root(ev, ev->stmt.payload);
	else
		memcpy(ev->stmt.payload, ev->digest, ev->digest_len);
	ev->stmt.payload_len = ev->manifest ? HASH : ev->digest_len;
	sign_statement(&issuer, &ev->stmt);
}

static void make_receipt(struct rcpt *r, const struct key *log, const struct statement *s)
{
	static const char commit[] = "ce:2.31:0123456789abcdef";
	uint8_t root[HASH];

	r->ccf = log == &log_two;
	protected_header(&r->hdr, log->alg, log->kid);
	label_int(&r->hdr, 395, r->ccf ? 2 : 1);
	integer(&r->hdr, 15);
	head(&r->hdr, MAP, 2);
	label_text(&r->hdr, 1, r->ccf ? "log.two" : log == &log_one ? "log.one" : "log.raw");
	label_int(&r->hdr, 6, 1700000001);
	r->index = 1;
	r->size = 3;
	memset(r->path, 0x22, STEPS * HASH);
	r->path_len = STEPS * HASH;
	memset(r->leaf_tx, 0x33, HASH);
	r->leaf_tx_len = HASH;
	r->evidence_len = sizeof(commit) - 1;
	memcpy(r->evidence, commit, r->evidence_len);
	r->left[0] = 1;
	r->left_len = STEPS;
	if (r->ccf)
		ccf_root(s, r, root);
	else
		rfc9162_root(s, r, log == &log_raw ? WHOLE_ENTRY : HASH_ENTRY, root);
	r->sig_len = sign_header(log, &r->hdr, root, sizeof(root), r->sig);
}

static void make_artifact(struct evidence *ev, const struct shape *shape, const char *content)
{
	memset(ev, 0, sizeof(*ev));
	ev->kind = shape->kind;
	ev->manifest = shape->manifest;
	ev->usage = 1 << RECEIPT_OP_EXECUTE;
	ev->index = 1;
	ev->size = 3;
	memset(ev->path, 0x11, STEPS * HASH);
	ev->path_len = STEPS * HASH;
	ev->digest_len = ev->kind == RECEIPT_KIND_SHA512 ? 64 :
			 ev->kind == RECEIPT_KIND_SHA384 ? 48 : HASH;
	SHA512((const uint8_t *)content, strlen(content), ev->digest);
	if (ev->digest_len == HASH)
		SHA256((const uint8_t *)content, strlen(content), ev->digest);
}

static void seal(const struct shape *shape, const char *subject, const char *content)
{
	static struct evidence ev;
	static struct message m;

	make_artifact(&ev, shape, content);
	make_statement(&ev, subject);
	while (ev.nreceipts < 2 && shape->logs[ev.nreceipts]) {
		make_receipt(&ev.receipts[ev.nreceipts], shape->logs[ev.nreceipts], &ev.stmt);
		ev.nreceipts++;
	}
	evidence_message(&m, &ev);
	if (nsealed == ARRAY_SIZE(sealed) || !save(&sealed[nsealed], &m))
		broken("no room for what is sealed");
	nsealed++;
}

/* Each of a higher version than the last. */
static void make_next_policy(void)
{
	static const struct shape shape = { false, { &log_one }, RECEIPT_KIND_SHA256 };
	size_t len;

	len = snprintf(next, sizeof(policies[0]),
		       "policy_name=fuzz policy_version=1.0.%u mode=enforce digests=sha256,sha384,sha512,fsverity\n"
		       "log name=one alg=ES384 key=%s issuer=\"log.one\" identity=verified\n"
		       "log name=two alg=ES256 key=%s issuer=\"log.two\" identity=verified\n"
		       "log name=raw alg=ES384 key=%s issuer=\"log.raw\" identity=verified entry=stmt\n"
		       "DEFAULT action=DENY\n"
		       "DEFAULT op=FIRMWARE action=ALLOW\n"
		       "op=EXECUTE boot_verified=TRUE action=ALLOW\n"
		       "op=EXECUTE digest=sha256:%064x action=DENY # none\n"
		       "op=EXECUTE receipt=one subject=\"fuzz/*\" min_svn=7 action=ALLOW\n"
		       "op=EXECUTE receipt=two subject=\"fuzz/*\" min_svn=7 action=ALLOW\n"
		       "op=EXECUTE receipt=raw issuer_key=%s action=ALLOW\n"
		       "op=KMODULE receipt=one subject=\"modules/*\" action=ALLOW\n"
		       "op=KMODULE receipt=two min_svn=8 action=ALLOW\n"
		       "op=X509_CERT receipt=one receipt=two issuer=\"issuer.*\" action=ALLOW\n"
		       "op=POLICY receipt=one subject=\"policy/fuzz\" action=ALLOW\n",
		       nsealed, log_one.spki, log_two.spki, log_raw.spki, nsealed, issuer.spki);
	if (len >= sizeof(policies[0]))
		broken("no room for a policy");
	seal(&shape, "policy/fuzz", next);
}

static void policy_loaded(void)
{
	char *was = active;

	active = next;
	next = was;
	make_next_policy();
}

/*
 * What an accepted message must say
 */

struct view {
	const uint8_t *data;
	size_t len;
};

/* The attribute of this type in a nest; empty when there is none. */
static struct view part(struct view nest, uint16_t type, unsigned int skip)
{
	size_t pos = 0;

	while (pos + NLA_HDRLEN <= nest.len) {
		const struct nlattr *nla = (const void *)(nest.data + pos);

		if (nla->nla_len < NLA_HDRLEN || nla->nla_len > nest.len - pos)
			break;
		if ((nla->nla_type & NLA_TYPE_MASK) == type && !skip--)
			return (struct view){ (const uint8_t *)(nla + 1),
					      nla->nla_len - NLA_HDRLEN };
		pos += NLA_ALIGN(nla->nla_len);
	}
	return (struct view){ NULL, 0 };
}

static struct view attributes(const uint8_t *data, size_t len)
{
	return len < HEADERS_LEN ? (struct view){ NULL, 0 } :
				   (struct view){ data + HEADERS_LEN, len - HEADERS_LEN };
}

static bool same_part(struct view a, struct view b, uint16_t type)
{
	a = part(a, type, 0);
	b = part(b, type, 0);
	return a.len == b.len && (!a.len || !memcmp(a.data, b.data, a.len));
}

static bool same_parts(struct view a, struct view b, const uint16_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!same_part(a, b, types[i]))
			return false;
	return true;
}

static uint64_t part_u64(struct view nest, uint16_t type)
{
	struct view v = part(nest, type, 0);
	uint64_t n = 0;

	if (v.len == sizeof(n))
		memcpy(&n, v.data, sizeof(n));
	return n;
}

/* PATH(m, D[n]) of RFC 9162 section 2.1.3.1: how many, and which are on the left. */
static int sides(uint64_t m, uint64_t n, uint64_t *left)
{
	uint64_t k;
	int below_it;

	*left = 0;
	if (n == 1)
		return 0;
	k = 1ULL << (63 - __builtin_clzll(n - 1));
	if (m < k)
		return sides(m, k, left) + 1;
	below_it = sides(m - k, n - k, left);
	*left |= 1ULL << below_it;
	return below_it + 1;
}

/* Index and size are not signed, but the order of hashing that they ask for is. */
static bool same_place(struct view a, struct view b, uint16_t index, uint16_t size)
{
	uint64_t m = part_u64(a, index), n = part_u64(a, size), left, good_left;
	int good = sides(part_u64(b, index), part_u64(b, size), &good_left);

	return m < n && sides(m, n, &left) == good && left == good_left;
}

static bool same_receipt(struct view a, struct view good)
{
	static const uint16_t always[] = { RECEIPT_RCPT_TOKENS, RECEIPT_RCPT_BLOB,
					   RECEIPT_RCPT_SIGNATURE, RECEIPT_RCPT_PATH };
	static const uint16_t ccf[] = { RECEIPT_RCPT_LEAF_TX, RECEIPT_RCPT_LEAF_EVIDENCE,
					RECEIPT_RCPT_LEFT };

	if (!a.data || !same_parts(a, good, always, ARRAY_SIZE(always)))
		return false;
	if (part(good, RECEIPT_RCPT_LEFT, 0).data)
		return same_parts(a, good, ccf, ARRAY_SIZE(ccf));
	return same_place(a, good, RECEIPT_RCPT_INDEX, RECEIPT_RCPT_TREE_SIZE);
}

static bool has_receipt_of(struct view a, struct view good)
{
	for (int i = 0; i < RECEIPT_MAX_RECEIPTS; i++)
		for (int j = 0; part(good, RECEIPT_A_RECEIPT, j).data; j++)
			if (same_receipt(part(a, RECEIPT_A_RECEIPT, i),
					 part(good, RECEIPT_A_RECEIPT, j)))
				return true;
	return false;
}

static bool same_manifest(struct view a, struct view good)
{
	static const uint16_t always[] = { RECEIPT_MFT_USAGE, RECEIPT_MFT_PATH };

	return !good.data ||
	       (a.data && same_parts(a, good, always, ARRAY_SIZE(always)) &&
		same_place(a, good, RECEIPT_MFT_INDEX, RECEIPT_MFT_TREE_SIZE));
}

static bool says_the_same(struct view a, struct view good)
{
	static const uint16_t artifact[] = { RECEIPT_A_KIND, RECEIPT_A_DIGEST };
	static const uint16_t stmt[] = { RECEIPT_STMT_TOKENS, RECEIPT_STMT_BLOB,
					 RECEIPT_STMT_PAYLOAD, RECEIPT_STMT_SIGNATURE };

	return same_parts(a, good, artifact, ARRAY_SIZE(artifact)) &&
	       same_parts(part(a, RECEIPT_A_STATEMENT, 0), part(good, RECEIPT_A_STATEMENT, 0),
			  stmt, ARRAY_SIZE(stmt)) &&
	       same_manifest(part(a, RECEIPT_A_MANIFEST, 0), part(good, RECEIPT_A_MANIFEST, 0)) &&
	       has_receipt_of(a, good);
}

/* What is sealed and says the same, or -1. */
static int find_sealed(const struct message *m)
{
	for (unsigned int i = 0; i < nsealed; i++)
		if (says_the_same(attributes(m->data, m->len),
				  attributes(sealed[i].data, sealed[i].len)))
			return i;
	return -1;
}

/*
 * Coverage
 */

#define COVER_WORDS	(64 << 10)
#define PCS		(1 << 16)
#define CORPUS		256

static uint64_t *cover;			/* NULL: no kcov */
static uint64_t pcs[PCS];		/* open addressing */
static unsigned int npcs;
static struct saved corpus[CORPUS];
static unsigned int ncorpus;

static void start_cover(void)
{
	bool mounted = !mount("debug", "/sys/kernel/debug", "debugfs", 0, NULL);
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (mounted)
		umount2("/sys/kernel/debug", MNT_DETACH);
	if (fd < 0)
		return;
	if (ioctl(fd, KCOV_INIT_TRACE, COVER_WORDS))
		broken("KCOV_INIT_TRACE");
	cover = mmap(NULL, COVER_WORDS * sizeof(*cover), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (cover == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		broken("KCOV_ENABLE");
}

/* True when it was not there. */
static bool add_pc(uint64_t pc)
{
	uint32_t i = (pc * 0x9e3779b97f4a7c15ULL) >> 48;

	if (npcs > PCS / 2)
		return false;
	while (pcs[i % PCS] && pcs[i % PCS] != pc)
		i++;
	if (pcs[i % PCS])
		return false;
	pcs[i % PCS] = pc;
	npcs++;
	return true;
}

static void forget_cover(void)
{
	if (cover)
		__atomic_store_n(cover, 0, __ATOMIC_RELAXED);
}

static bool reached_anew(void)
{
	uint64_t n = cover ? __atomic_load_n(cover, __ATOMIC_RELAXED) : 0;
	bool anew = false;

	for (uint64_t i = 1; i <= n && i < COVER_WORDS; i++)
		anew |= add_pc(cover[i]);
	return anew;
}

static void keep(const struct message *m)
{
	unsigned int i = ncorpus < CORPUS ? ncorpus : below(CORPUS);

	if (save(&corpus[i], m) && i == ncorpus)
		ncorpus++;
}

/*
 * Messages
 */

static struct saved lookup;		/* the last that the kernel asked */

static uint8_t command_of(const struct message *m)
{
	return m->data[NLMSG_HDRLEN];
}

static void put_part(struct message *m, const struct saved *of, uint16_t type)
{
	struct view v = part(attributes(of->data, of->len), type, 0);

	if (v.data)
		put(m, type, v.data, v.len);
}

/* Attributes as the commands take them. */
static void make_any(struct message *m)
{
	const struct saved *of = one_in(2) ? &lookup : &sealed[below(nsealed)];

	start_request(m, one_in(20) ? below(256) : below(RECEIPT_CMD_MAX + 2));
	if (command_of(m) == RECEIPT_CMD_LOOKUP)
		m->nlh.nlmsg_flags |= NLM_F_DUMP;
	if (!one_in(3)) {
		put_part(m, of, RECEIPT_A_KIND);
		put_part(m, of, RECEIPT_A_DIGEST);
	}
	if (one_in(4))
		put_u64(m, RECEIPT_A_ID, extreme());
	else if (!one_in(4))
		put_part(m, &lookup, RECEIPT_A_ID);
	if (!one_in(3))
		put_u8(m, RECEIPT_A_OP, below(RECEIPT_OP_COUNT));
	if (!one_in(3))
		put_u32(m, RECEIPT_A_REASON, below(80));
	if (!one_in(3))
		put_u32(m, RECEIPT_A_ABI, RECEIPT_ABI_VERSION);
	if (one_in(3))
		put(m, RECEIPT_A_MORE, NULL, 0);
	if (one_in(8))
		put_u64(m, 1 + below(RECEIPT_A_MAX + 1), extreme());
	if (one_in(16))
		put_noise(m, below(256));
}

static void make_policy(struct message *m)
{
	const char *text = one_in(4) ? active : next;

	start_request(m, RECEIPT_CMD_POLICY_LOAD);
	put(m, RECEIPT_A_POLICY, text, strlen(text));
}

static void make_evidence(struct message *m)
{
	restore(m, &sealed[one_in(8) ? nsealed - 1 : below(SHAPES)]);
	if (one_in(4))
		put_part(m, &lookup, RECEIPT_A_ID);
}

/* What ends the last lookup. */
static void make_answer(struct message *m)
{
	start_request(m, RECEIPT_CMD_NO_EVIDENCE);
	put_part(m, &lookup, RECEIPT_A_ID);
	put_part(m, &lookup, RECEIPT_A_KIND);
	put_part(m, &lookup, RECEIPT_A_DIGEST);
}

static void make_message(struct message *m)
{
	uint32_t what = below(100), as_it_is = 8;

	if (what < 35 && ncorpus) {
		restore(m, &corpus[below(ncorpus)]);
	} else if (what < 65) {
		make_evidence(m);
	} else if (what < 78) {
		make_policy(m);
	} else {
		what < 97 ? make_any(m) : make_answer(m);
		as_it_is = 2;
	}
	if (m->len >= HEADERS_LEN && !one_in(as_it_is))
		mutate(m);
}

/*
 * Answers
 */

static unsigned int by_error[ERRORS];
static unsigned int wrong;
static unsigned int refused;		/* what is to be counted */
static int64_t slowest;

static void complain(const struct message *m, const char *what)
{
	if (wrong++ >= COMPLAINTS)
		return;
	note("round %u: %s: command %u, %zu bytes, error %d, %s", at_round, what, command_of(m),
	     m->len, answer.error, answer.text);
	for (size_t i = 0; i < m->len && i < SAVED_BYTES; i += 32) {
		printf("# ");
		for (size_t j = i; j < m->len && j < i + 32; j++)
			printf("%02x", m->data[j]);
		printf("\n");
	}
}

/* Generic netlink refuses it, or it answers what nobody asks any more. */
static bool is_silent(const struct message *m, int error)
{
	return m->len < HEADERS_LEN || command_of(m) > RECEIPT_CMD_MAX || error == -EOPNOTSUPP ||
	       error == -ENOENT;
}

/* A text of a policy is refused by the parser or the active policy, and not counted here. */
static bool is_counted(const struct message *m, int error)
{
	return command_of(m) != RECEIPT_CMD_POLICY_LOAD ||
	       (error == -EINVAL && strncmp(answer.text, "policy-", 7));
}

/* EINVAL may come with words of the kernel's own parser of attributes. */
static bool names_reason(int error)
{
	static const char *const reasons[] = {
#define REASON_TEXT(num, name, text) text,
		RECEIPT_REASONS(REASON_TEXT)
#undef REASON_TEXT
	};
	size_t len = strcspn(answer.text, ":");

	if (error == -EINVAL)
		return answer.text[0];
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (strlen(reasons[i]) == len && !memcmp(reasons[i], answer.text, len))
			return true;
	return false;
}

static void evidence_accepted(const struct message *m)
{
	int i = find_sealed(m);

	if (i < 0)
		complain(m, "evidence accepted that is not signed");
	else
		proven[i] = true;
}

static void policy_accepted(const struct message *m)
{
	struct view text = part(attributes(m->data, m->len), RECEIPT_A_POLICY, 0);

	if (!proven[nsealed - 1] || text.len != strlen(next) || memcmp(text.data, next, text.len))
		complain(m, "policy accepted that is not proven");
	else
		policy_loaded();
}

static void judge(const struct message *m, int fd, int error)
{
	by_error[-error % ERRORS]++;
	if (error && !is_silent(m, error)) {
		refused += is_counted(m, error);
		if (!names_reason(error))
			complain(m, "refused without a reason");
	}
	if (error)
		return;
	switch (command_of(m)) {
	case RECEIPT_CMD_EVIDENCE:
		evidence_accepted(m);
		break;
	case RECEIPT_CMD_POLICY_LOAD:
		policy_accepted(m);
		break;
	case RECEIPT_CMD_FLUSH:
		memset(proven, 0, sizeof(proven));
		break;
	case RECEIPT_CMD_HELLO:
	case RECEIPT_CMD_NO_EVIDENCE:
		if (fd != helper)
			complain(m, "accepted, and not from the helper");
	}
}

static void round_of(int fd)
{
	static struct message m;
	int64_t start = now_ms();
	int error;

	make_message(&m);
	forget_cover();
	error = request(fd, &m);
	if (reached_anew())
		keep(&m);
	if (now_ms() - start > slowest)
		slowest = now_ms() - start;
	if (answer.has_reply && command_of(&answer.reply) == RECEIPT_CMD_LOOKUP)
		save(&lookup, &answer.reply);
	judge(&m, fd, error);
}

/*
 * What must be so between rounds
 */

enum {
	SEALED_ACCEPTED, SEALED_ALLOWED, SEALED_ONLY_SO, UNSEALED_DENIED, POLICY_SAME, POLICY_NEXT,
	COUNTED, PROVEN, BOUNDED, CHECKS
};

static const char *const check_names[CHECKS] = {
	[SEALED_ACCEPTED] = "what is sealed is accepted",
	[SEALED_ALLOWED] = "what is sealed is allowed, when it is measured",
	[SEALED_ONLY_SO] = "what is sealed is allowed for nothing else",
	[UNSEALED_DENIED] = "what is not sealed is denied",
	[POLICY_SAME] = "the policy is the one that was loaded last",
	[POLICY_NEXT] = "the next policy is accepted",
	[COUNTED] = "each refusal is counted",
	[PROVEN] = "as many digests are proven as were accepted",
	[BOUNDED] = "what has no evidence, and what is asked, stays within bounds",
};

static unsigned int failed[CHECKS], nchecks;
static uint64_t counted_before;

static void must(int check, bool good)
{
	if (!good && !failed[check]++)
		note("round %u: not so: %s: error %d, %s", at_round, check_names[check],
		     answer.error, answer.text);
}

static void must_be(int check, uint64_t is, uint64_t wanted)
{
	if (is != wanted && !failed[check])
		note("%llu, not %llu", (unsigned long long)is, (unsigned long long)wanted);
	must(check, is == wanted);
}

static bool send_sealed(unsigned int i)
{
	static struct message m;

	restore(&m, &sealed[i]);
	if (request(control, &m))
		return false;
	proven[i] = true;
	return true;
}

static int explain(unsigned int i, uint8_t op, uint8_t change)
{
	static struct message m;
	uint8_t *digest;

	start_request(&m, RECEIPT_CMD_EXPLAIN);
	put_part(&m, &sealed[i], RECEIPT_A_DIGEST);
	digest = m.data + HEADERS_LEN + NLA_HDRLEN;
	digest[0] ^= change;
	put_part(&m, &sealed[i], RECEIPT_A_KIND);
	put_u8(&m, RECEIPT_A_OP, op);
	return request(control, &m) ? -1 : get_u8(&answer.reply, RECEIPT_A_VERDICT);
}

/* Does the policy count it? Root hashes of dm-verity it does not know. */
static int is_measured(unsigned int i)
{
	return shapes[i].kind != RECEIPT_KIND_DMVERITY_SHA256;
}

static bool policy_is(const char *text)
{
	static struct message m;
	const void *data;
	size_t len;

	start_request(&m, RECEIPT_CMD_POLICY_GET);
	data = request(control, &m) ? NULL : get(&answer.reply, RECEIPT_A_POLICY, &len);
	return data && len == strlen(text) && !memcmp(data, text, len);
}

static uint64_t count_refused(void)
{
	return stat_value("messages-refused") + stat_value("evidence-refused");
}

static void check_counters(void)
{
	uint64_t counted = count_refused(), digests = 0;

	must_be(COUNTED, counted - counted_before, refused);
	counted_before = counted;
	refused = 0;
	for (unsigned int i = 0; i < nsealed; i++)
		digests += proven[i];
	must_be(PROVEN, stat_value("digests-proven"), digests);
	must(BOUNDED, stat_value("digests-without-evidence") <= NEGATIVE_MAX);
	must(BOUNDED, stat_value("lookups-pending") <= 1);
}

static void check_next_policy(void)
{
	must(POLICY_NEXT, !load_policy(control, next, strlen(next)));
	policy_loaded();
	must(POLICY_SAME, policy_is(active));
	must(SEALED_ACCEPTED, send_sealed(nsealed - 1));
}

static void check(void)
{
	nchecks++;
	check_counters();
	must(POLICY_SAME, policy_is(active));
	for (unsigned int i = 0; i < SHAPES; i++) {
		must(SEALED_ACCEPTED, send_sealed(i));
		must(SEALED_ALLOWED, explain(i, RECEIPT_OP_EXECUTE, 0) == is_measured(i));
		must(SEALED_ONLY_SO, explain(i, RECEIPT_OP_KMODULE, 0) == 0);
		must(UNSEALED_DENIED, explain(i, RECEIPT_OP_EXECUTE, 1) == 0);
	}
	must(SEALED_ACCEPTED, send_sealed(nsealed - 1));
	must(SEALED_ONLY_SO, explain(nsealed - 1, RECEIPT_OP_EXECUTE, 0) == 0);
	if (nchecks % LOAD_EVERY == 0)
		check_next_policy();
}

/*
 * Lookups: a process that asks for what is sealed and for what is not, all the time
 */

struct asked {
	unsigned int sealed, unsealed, denied;
};

static struct asked *asked;
static pid_t asker;

static bool maps(int fd)
{
	void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED)
		return false;
	munmap(at, 4096);
	return true;
}

static void __attribute__((noreturn)) ask_forever(void)
{
	int good = open("/run/sealed", O_RDONLY | O_CLOEXEC);
	int bad = open("/run/unsealed", O_RDONLY | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		asked->sealed += maps(good);
		if (maps(bad))
			asked->unsealed++;
		else if (errno == EACCES)
			asked->denied++;
		usleep(20000);
	}
}

static void start_asker(const char *content)
{
	asked = mmap(NULL, sizeof(*asked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (asked == MAP_FAILED)
		broken("mmap");
	write_text("/run/sealed", content);
	write_text("/run/unsealed", "not sealed");
	asker = fork();
	if (asker < 0)
		broken("fork");
	if (!asker)
		ask_forever();
}

static void end_asker(void)
{
	int64_t end = now_ms() + ASKED_MS;

	while (!asked->denied && now_ms() < end)
		usleep(20000);
	kill(asker, SIGKILL);
	if (waitpid(asker, NULL, 0) != asker)
		broken("waitpid");
	ok(asked->sealed, "a file that is sealed is mapped");
	ok(!asked->unsealed && asked->denied, "a file that is not sealed is never mapped");
	note("%u times mapped, %u times denied", asked->sealed, asked->denied);
}

static void setup(void)
{
	char content[32];

	make_key(&issuer, ES256);
	make_key(&log_one, ES384);
	make_key(&log_two, ES256);
	make_key(&log_raw, ES384);
	control = open_border();
	helper = open_netlink();
	other = open_netlink();
	for (size_t i = 0; i < SHAPES; i++) {
		snprintf(content, sizeof(content), "sealed %zu", i);
		seal(&shapes[i], "fuzz/artifact", content);
	}
	make_next_policy();
	if (load_policy(control, next, strlen(next)))
		broken("policy: %s", answer.text);
	policy_loaded();
	if (hello(helper))
		broken("hello: %s", answer.text);
	counted_before = count_refused();
	check();
	start_asker("sealed 0");
}

static void report(void)
{
	ok(!wrong, "nothing is accepted but what is signed, nor refused without a reason");
	ok(slowest < ANSWER_MS, "each message is answered within %d s", ANSWER_MS / 1000);
	for (int i = 0; i < CHECKS; i++)
		ok(!failed[i], "%s", check_names[i]);
	ok(by_error[0] && by_error[EINVAL] && by_error[EBADMSG] && by_error[ENOKEY] &&
	   by_error[EKEYREJECTED], "messages get as far as to the signatures, and beyond");
	for (int i = 0; i < ERRORS; i++)
		if (by_error[i])
			note("%8u %s", by_error[i], i ? strerror(i) : "accepted");
	if (cover)
		note("%u places of the kernel's code reached, %u messages kept", npcs, ncorpus);
}

int main(int argc, char **argv)
{
	int64_t start = now_ms();

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		broken("usage: fuzz_border SEED ROUNDS");
	random_state = strtoull(argv[1], NULL, 0) ?: 1;
	rounds = strtoul(argv[2], NULL, 0);
	setup();
	start_cover();
	for (at_round = 1; at_round <= rounds; at_round++) {
		round_of(one_in(2) ? helper : other);
		if (at_round % CHECK_EVERY == 0)
			check();
	}
	check();
	end_asker();
	report();
	note("seed %s, %u rounds, %u checks, %u policies, %lld s, slowest answer %lld ms", argv[1],
	     rounds, nchecks, nsealed - (unsigned int)SHAPES, (long long)(now_ms() - start) / 1000,
	     (long long)slowest);
	return 0;
}
