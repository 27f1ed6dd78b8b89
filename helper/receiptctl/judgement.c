// SPDX-License-Identifier: MIT
/*
 * All that stores vouch for, judged under two policies.
 *
 * A verdict depends on the digest itself only where a policy names it. The rest is
 * judged once for each set of statements and usages, however many files it covers.
 */
#include <stdlib.h>
#include <string.h>

#include "judgement.h"
#include "why.h"

#define CLASSES		4096	/* remembered, by the hash of their evidence */

/**
 * struct judge_statement - a bundle
 * @data: the file
 * @bundle: as read; leaves point into it
 * @iss: of the statement
 * @sub: of the statement
 * @summary: of what is proven under the old and the new policy
 */
struct judge_statement {
	uint8_t *data;
	struct rcpt_bundle bundle;
	char *iss;
	char *sub;
	struct receipt_summary summary[2];
};

/**
 * struct judge_leaf - a digest, as one statement has it
 * @digest: in memory of the bundle
 * @name: likewise
 * @name_len: bytes of @name
 * @kind: enum receipt_kind
 * @usage: bits of operations
 * @statement: number of the bundle
 */
struct judge_leaf {
	const uint8_t *digest;
	const char *name;
	uint16_t name_len;
	uint8_t kind;
	uint8_t usage;
	uint32_t statement;
};

/**
 * struct evidence - on which verdicts depend, where no digest is named
 * @kind: of the digest
 * @kept: under each policy, as the kernel would
 * @kept.crowded: there was no room for all that rules rest on
 * @kept.n: used entries of the rest
 * @kept.usage: of the leaf
 * @kept.statement: that it is in
 */
struct evidence {
	uint8_t kind;
	struct {
		bool crowded;
		uint8_t n;
		uint8_t usage[RECEIPT_MAX_STATEMENTS];
		uint32_t statement[RECEIPT_MAX_STATEMENTS];
	} kept[2];
};

/**
 * struct judge_class - verdicts of one evidence
 * @used: the rest counts
 * @evidence: which
 * @verdict: under each policy, by operation
 */
struct judge_class {
	bool used;
	struct evidence evidence;
	struct receipt_verdict verdict[2][RECEIPT_OP_COUNT];
};

/* Room for one more than @n, which doubles. */
static void *grown(void *array, size_t n, size_t size)
{
	return n & (n - 1) ? array : realloc(array, (n ? 2 * n : 1) * size);
}

/*
 * Reading stores
 */

static int add_leaf(struct judge *j, const struct rcpt_leaf *leaf, uint32_t statement,
		    struct rcpt_error *err)
{
	struct judge_leaf *at = grown(j->leaves, j->nleaves, sizeof(*at));

	if (!at)
		return rcpt_no_memory(err);
	j->leaves = at;
	at[j->nleaves++] = (struct judge_leaf){
		.digest = leaf->digest,
		.name = leaf->name,
		.name_len = leaf->name_len,
		.kind = leaf->kind,
		.usage = leaf->usage,
		.statement = statement,
	};
	return 0;
}

static uint8_t kind_of_envelope(const struct rcpt_statement *stmt)
{
	switch (stmt->header.hash_alg) {
	case RCPT_SHA256:
		return RECEIPT_KIND_SHA256;
	case RCPT_SHA384:
		return RECEIPT_KIND_SHA384;
	default:
		return RECEIPT_KIND_SHA512;
	}
}

static int add_leaves(struct judge *j, const struct rcpt_bundle *b, struct rcpt_error *err)
{
	const struct rcpt_leaf envelope = {
		.digest = b->statement.sign1.payload.data,
		.kind = kind_of_envelope(&b->statement),
		.usage = 0xff,
	};
	int ret = 0;

	if (!b->nleaves)
		return add_leaf(j, &envelope, j->nstatements, err);
	for (size_t i = 0; i < b->nleaves && !ret; i++)
		ret = add_leaf(j, &b->leaves[i], j->nstatements, err);
	return ret;
}

/* What is proven points into the policy, but for the claims. */
static bool summarize(const struct policy_side *side, struct why_found *f,
		      struct judge_statement *s, struct receipt_summary *out)
{
	memset(&f->summary, 0, sizeof(f->summary));
	why_summarize(&side->file, f);
	if (!s->iss)
		s->iss = strdup(f->iss);
	if (!s->sub)
		s->sub = strdup(f->sub);
	*out = f->summary;
	out->iss = s->iss;
	out->sub = s->sub;
	return s->iss && s->sub;
}

/* One leaf stands for all: what differs between them is the usage. */
static int prove(struct judge *j, struct judge_statement *s, struct rcpt_error *err)
{
	const struct rcpt_bundle *b = &s->bundle;
	const struct rcpt_leaf *first = b->leaves;
	uint8_t kind = b->nleaves ? first->kind : kind_of_envelope(&b->statement);
	struct rcpt_span digest = rcpt_span(b->nleaves ? first->digest :
					    b->statement.sign1.payload.data,
					    rcpt_digest_len(kind));
	struct why_found *f = calloc(1, sizeof(*f));
	struct rcpt_store_hit hit;
	int ret;

	if (!f)
		return rcpt_no_memory(err);
	ret = rcpt_bundle_hit(b, 0, &hit, err);
	if (!ret)
		ret = rcpt_proposal_make(&j->answerer, &hit, kind, digest, &f->proposal, err);
	if (!ret && !(summarize(&j->sides[0], f, s, &s->summary[0]) &&
		      summarize(&j->sides[1], f, s, &s->summary[1])))
		ret = rcpt_no_memory(err);
	rcpt_proposal_free(f->proposal);
	free(f);
	return ret;
}

static void statement_free(struct judge_statement *s)
{
	rcpt_bundle_free(&s->bundle);
	free(s->data);
	free(s->iss);
	free(s->sub);
}

static int read_statement(struct judge *j, const char *path, struct judge_statement *s,
			  struct rcpt_error *err)
{
	size_t len;

	if (rcpt_file_read(path, RCPT_MAX_BUNDLE, &s->data, &len, err) ||
	    rcpt_bundle_parse(rcpt_span(s->data, len), &s->bundle, err) ||
	    prove(j, s, err))
		return -1;
	return 0;
}

static int add_bundle(struct judge *j, const char *path, struct rcpt_error *err)
{
	struct judge_statement *at = grown(j->statements, j->nstatements, sizeof(*at));
	struct judge_statement new = { 0 };

	if (!at)
		return rcpt_no_memory(err);
	j->statements = at;
	/* The helper makes nothing of it, either. */
	if (read_statement(j, path, &new, err)) {
		statement_free(&new);
		j->nunread++;
		return err->status == RCPT_SYSTEM ? -RCPT_SYSTEM : 0;
	}
	at[j->nstatements] = new;
	if (add_leaves(j, &new.bundle, err)) {
		statement_free(&new);
		return -RCPT_SYSTEM;
	}
	j->nstatements++;
	if (j->progress)
		j->progress(j->nstatements);
	return 0;
}

/**
 * struct reading - of one store
 * @judge: the whole
 * @dir: folder
 * @err: filled in on failure
 */
struct reading {
	struct judge *judge;
	const char *dir;
	struct rcpt_error *err;
};

static int read_item(const struct rcpt_store_item *item, void *arg)
{
	const struct reading *r = arg;
	char *path = malloc(strlen(r->dir) + strlen(item->name) + 2);
	int ret;

	if (!path)
		return rcpt_no_memory(r->err);
	sprintf(path, "%s/%s", r->dir, item->name);
	ret = add_bundle(r->judge, path, r->err);
	free(path);
	return ret;
}

/**
 * judge_store() - read all bundles of a store
 * @j: with both policies
 * @dir: folder; one that is not there has nothing in it
 * @err: filled in on failure
 *
 * Bundles that are damaged, or of no use to the helper, are counted.
 *
 * Return: 0 or a negative exit status.
 */
int judge_store(struct judge *j, const char *dir, struct rcpt_error *err)
{
	struct reading r = { j, dir, err };
	struct rcpt_store *store;
	int ret = rcpt_store_open(dir, &store, err);

	if (ret)
		return ret == -RCPT_CANNOT_EVALUATE ? 0 : ret;
	ret = rcpt_store_each(store, read_item, &r, err);
	rcpt_store_close(store);
	return ret;
}

/*
 * Digests that a policy names
 */

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_named(struct judge *j, const char *hex, size_t len)
{
	char **at = grown(j->named, j->nnamed, sizeof(*at));

	if (!at)
		return false;
	j->named = at;
	at[j->nnamed] = strndup(hex, len);
	return at[j->nnamed] && ++j->nnamed;
}

/* Of a property digest=ALG:HEX, fsverity= or dmverity=, in rules of any sort. */
static bool add_named_of(struct judge *j, const char *meaning)
{
	static const char *const names[] = { "digest=", "fsverity=", "dmverity=" };
	bool good = true;

	for (; meaning && good; meaning = strchr(meaning, '\n')) {
		meaning += *meaning == '\n';
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			const char *hex = strchr(meaning, ':');

			if (hex && !strncmp(meaning, names[i], strlen(names[i])))
				good = add_named(j, hex + 1, strcspn(hex + 1, "\n"));
		}
	}
	return good;
}

static int find_named(struct judge *j, struct rcpt_error *err)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < j->sides[side].lines.n; i++)
			if (!add_named_of(j, j->sides[side].lines.at[i].meaning))
				return rcpt_no_memory(err);
	if (j->nnamed)
		qsort(j->named, j->nnamed, sizeof(*j->named), compare_text);
	return 0;
}

static bool is_named(const struct judge *j, uint8_t kind, const uint8_t *digest)
{
	char hex[2 * RECEIPT_MAX_DIGEST + 1];
	const char *key = hex;

	if (!j->nnamed)
		return false;
	for (size_t i = 0; i < rcpt_digest_len(kind); i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
	return bsearch(&key, j->named, j->nnamed, sizeof(*j->named), compare_text);
}

/*
 * Judging
 */

static struct receipt_summary summary_of(const struct judge *j, int side, uint32_t statement,
					 uint8_t usage)
{
	struct receipt_summary summary = j->statements[statement].summary[side];

	summary.usage = usage;
	return summary;
}

/* One more leaf, in place of the one that can be done without when there is no room. */
static void keep(const struct judge *j, int side, const struct judge_leaf *leaf,
		 struct evidence *e)
{
	struct receipt_summary summaries[RECEIPT_MAX_STATEMENTS + 1];
	const struct receipt_summary *all[RECEIPT_MAX_STATEMENTS + 1];
	uint8_t i, n = e->kept[side].n;

	if (!j->statements[leaf->statement].summary[side].nproofs)
		return;
	if (n == RECEIPT_MAX_STATEMENTS) {
		for (i = 0; i < n; i++)
			summaries[i] = summary_of(j, side, e->kept[side].statement[i],
						  e->kept[side].usage[i]);
		summaries[n] = summary_of(j, side, leaf->statement, leaf->usage);
		for (i = 0; i <= n; i++)
			all[i] = &summaries[i];
		n = receipt_policy_spare(j->sides[side].file.policy, all, n + 1, j->now,
					 &e->kept[side].crowded);
		if (n == RECEIPT_MAX_STATEMENTS)
			return;
	} else {
		e->kept[side].n++;
	}
	e->kept[side].usage[n] = leaf->usage;
	e->kept[side].statement[n] = leaf->statement;
}

static struct receipt_verdict judge_one(const struct judge *j, int side,
					const struct evidence *e, const uint8_t *digest,
					enum receipt_op op)
{
	const struct receipt_policy *policy = j->sides[side].file.policy;
	struct receipt_summary summaries[RECEIPT_MAX_STATEMENTS];
	struct receipt_facts facts = {
		.op = op,
		.evidence_complete = true,
		.evidence_crowded = e->kept[side].crowded,
		.now = j->now,
	};

	if (!(policy->digests & 1U << e->kind))
		return receipt_policy_eval(policy, &facts);
	facts.ndigests = 1;
	facts.digests[0].kind = e->kind;
	facts.digests[0].bytes = digest;
	for (uint8_t i = 0; i < e->kept[side].n; i++) {
		summaries[i] = summary_of(j, side, e->kept[side].statement[i],
					  e->kept[side].usage[i]);
		facts.summaries[facts.nsummaries++] = &summaries[i];
	}
	return receipt_policy_eval(policy, &facts);
}

static void judge_class(const struct judge *j, const struct evidence *e,
			const uint8_t *digest, struct judge_class *class)
{
	class->used = true;
	class->evidence = *e;
	for (int side = 0; side < 2; side++)
		for (int op = 0; op < RECEIPT_OP_COUNT; op++)
			class->verdict[side][op] = judge_one(j, side, e, digest, op);
}

static size_t hash_evidence(const struct evidence *e)
{
	const uint8_t *bytes = (const uint8_t *)e;
	uint32_t hash = 0x811c9dc5;

	for (size_t i = 0; i < sizeof(*e); i++)
		hash = (hash ^ bytes[i]) * 0x01000193;
	return hash % CLASSES;
}

static int add_changed(struct judge *j, const struct judge_leaf *leaf, enum receipt_op op,
		       const struct judge_class *class, struct rcpt_error *err)
{
	struct judgement *at = grown(j->changed, j->nchanged, sizeof(*at));

	if (!at)
		return rcpt_no_memory(err);
	j->changed = at;
	at += j->nchanged++;
	*at = (struct judgement){
		.name = leaf->name,
		.name_len = leaf->name_len,
		.kind = leaf->kind,
		.op = op,
		.verdict = { class->verdict[0][op], class->verdict[1][op] },
	};
	memcpy(at->digest, leaf->digest, rcpt_digest_len(leaf->kind));
	return 0;
}

static int judge_digest(struct judge *j, const struct judge_leaf *leaf, uint8_t usage,
			const struct evidence *e, struct rcpt_error *err)
{
	struct judge_class own = { 0 }, *class = &own;
	int ret = 0;

	if (!is_named(j, leaf->kind, leaf->digest))
		class = &j->classes[hash_evidence(e)];
	if (!class->used || memcmp(&class->evidence, e, sizeof(*e)))
		judge_class(j, e, leaf->digest, class);
	for (int op = 0; op < RECEIPT_OP_COUNT && !ret; op++) {
		if (!(usage & 1U << op))
			continue;
		if (class->verdict[0][op].action == class->verdict[1][op].action)
			j->nsame++;
		else
			ret = add_changed(j, leaf, op, class, err);
	}
	return ret;
}

static int compare_digests(const struct judge_leaf *a, const struct judge_leaf *b)
{
	if (a->kind != b->kind)
		return a->kind - b->kind;
	return memcmp(a->digest, b->digest, rcpt_digest_len(a->kind));
}

static int compare_leaves(const void *a, const void *b)
{
	const struct judge_leaf *x = a, *y = b;
	int order = compare_digests(x, y);

	if (order)
		return order;
	if (x->statement != y->statement)
		return x->statement < y->statement ? -1 : 1;
	return x->usage - y->usage;
}

/* All that is about the digest of @leaf, up to what the kernel keeps of it. */
static size_t take_evidence(const struct judge *j, size_t leaf, struct evidence *e,
			    uint8_t *usage)
{
	size_t i;

	memset(e, 0, sizeof(*e));
	e->kind = j->leaves[leaf].kind;
	*usage = 0;
	for (i = leaf; i < j->nleaves && !compare_digests(&j->leaves[leaf], &j->leaves[i]); i++) {
		*usage |= j->leaves[i].usage;
		keep(j, 0, &j->leaves[i], e);
		keep(j, 1, &j->leaves[i], e);
	}
	return i;
}

/**
 * judge_leaves() - judge all that was read
 * @j: with stores; verdicts are filled in
 * @err: filled in on failure
 *
 * Each digest is judged for what its leaves grant, that of a hash envelope for all.
 *
 * Return: 0 or -RCPT_SYSTEM.
 */
int judge_leaves(struct judge *j, struct rcpt_error *err)
{
	struct evidence e;
	uint8_t usage;
	int ret = find_named(j, err);

	j->classes = calloc(CLASSES, sizeof(*j->classes));
	if (!ret && !j->classes)
		ret = rcpt_no_memory(err);
	if (!ret && j->nleaves)
		qsort(j->leaves, j->nleaves, sizeof(*j->leaves), compare_leaves);
	for (size_t i = 0, next; i < j->nleaves && !ret; i = next) {
		next = take_evidence(j, i, &e, &usage);
		ret = judge_digest(j, &j->leaves[i], usage, &e, err);
	}
	return ret;
}

/*
 * What the kernel knows
 */

/**
 * struct dump - of the kernel's digests
 * @judge: the whole
 * @err: filled in on failure
 * @ret: 0 or the first failure
 */
struct dump {
	struct judge *judge;
	struct rcpt_error *err;
	int ret;
};

static int find_leaf(const void *key, const void *leaf)
{
	return compare_digests(key, leaf);
}

static void take_known(const struct rcpt_nl_digest *digest, void *arg)
{
	struct dump *d = arg;
	struct judge *j = d->judge;
	const struct judge_leaf leaf = { .digest = digest->digest, .kind = digest->kind };
	struct evidence none;

	memset(&none, 0, sizeof(none));
	none.kind = digest->kind;
	if (d->ret || (j->nleaves && bsearch(&leaf, j->leaves, j->nleaves, sizeof(leaf),
					     find_leaf)))
		return;
	if (digest->statements)
		j->nunknown++;
	else
		d->ret = judge_digest(j, &leaf, 0xff, &none, d->err);
}

/**
 * judge_kernel() - judge the digests that the kernel knows and no store does
 * @j: after judge_leaves()
 * @nl: connection
 * @err: filled in on failure
 *
 * Those that the kernel has no evidence for are judged without any. The others
 * are counted: what their evidence says is not known here.
 *
 * Return: 0 or a negative exit status.
 */
int judge_kernel(struct judge *j, struct rcpt_nl *nl, struct rcpt_error *err)
{
	struct dump d = { j, err, 0 };

	if (rcpt_nl_digests(nl, take_known, &d, err))
		return err->status ? -(int)err->status : -RCPT_SYSTEM;
	return d.ret;
}

/**
 * judge_free() - free all of it
 * @j: left empty, but for what the caller set
 */
void judge_free(struct judge *j)
{
	for (size_t i = 0; i < j->nstatements; i++)
		statement_free(&j->statements[i]);
	for (size_t i = 0; i < j->nnamed; i++)
		free(j->named[i]);
	free(j->statements);
	free(j->leaves);
	free(j->named);
	free(j->classes);
	free(j->changed);
	rcpt_answerer_free(&j->answerer);
}
