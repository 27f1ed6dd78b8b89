// SPDX-License-Identifier: MIT
/*
 * Messages of the family, without a kernel: what is built is read with libnl's
 * own parser, what is read is built with libnl.
 */
#include "transparent.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include <netlink/genl/genl.h>

#include "event.h"
#include "netlink.h"

#define FAMILY	42

static struct rcpt_signer issuer, log_key;

static int make_keys(void **state)
{
	(void)state;
	return rcpt_signer_generate(RCPT_ES256, &issuer, NULL) ||
		rcpt_signer_generate(RCPT_ES384, &log_key, NULL);
}

static int free_keys(void **state)
{
	(void)state;
	rcpt_signer_free(&issuer);
	rcpt_signer_free(&log_key);
	return 0;
}

/*
 * Evidence
 */

/* A whole piece of evidence that tests change in one place. */
struct fixture {
	uint8_t cert[3][1700];
	struct rcpt_chain chain;
	uint8_t *bytes;
	uint8_t digest[32];
	uint8_t path[RECEIPT_MAX_PATH][32];
	struct rcpt_statement stmt;
	struct rcpt_receipt receipts[RECEIPT_MAX_RECEIPTS + 1];
	struct rcpt_nl_evidence ev;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t len;

	for (size_t i = 0; i < 3; i++) {
		memset(f->cert[i], 0x30 + (int)i, sizeof(f->cert[i]));
		f->chain.der[i].data = f->cert[i];
		f->chain.der[i].len = sizeof(f->cert[i]);
	}
	f->chain.n = 3;
	memset(f->digest, 0xd1, sizeof(f->digest));
	memset(f->path, 0x9a, sizeof(f->path));
	f->bytes = transparent_make(&issuer, &log_key, &f->chain, f->digest,
				    RECEIPT_MAX_RECEIPTS, &len);
	assert_int_equal(rcpt_statement_parse(rcpt_span(f->bytes, len), &f->stmt, NULL), 0);
	assert_int_equal(f->stmt.nreceipts, RECEIPT_MAX_RECEIPTS);
	for (size_t i = 0; i < f->stmt.nreceipts; i++)
		assert_int_equal(rcpt_receipt_parse(f->stmt.receipts[i], &f->receipts[i], NULL), 0);
	f->ev = (struct rcpt_nl_evidence){
		.has_id = true, .more = true, .manifest = true, .usage = 3,
		.kind = RECEIPT_KIND_SHA256, .id = 77,
		.digest = rcpt_span(f->digest, sizeof(f->digest)),
		.stmt = &f->stmt, .receipts = f->receipts,
		.nreceipts = RECEIPT_MAX_RECEIPTS, .index = 5, .size = 40,
		.path = (const uint8_t (*)[32])f->path, .npath = 6,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->stmt.nreceipts; i++)
		rcpt_receipt_free(&f->receipts[i]);
	rcpt_statement_free(&f->stmt);
	free(f->bytes);
	free(f);
	return 0;
}

static struct nlattr *attrs_of(struct nl_msg *msg, int *len)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct genlmsghdr *genl = nlmsg_data(nlh);

	assert_int_equal(nlh->nlmsg_type, FAMILY);
	assert_int_equal(genl->version, RECEIPT_GENL_VERSION);
	*len = genlmsg_attrlen(genl, 0);
	return genlmsg_attrdata(genl, 0);
}

static void assert_bytes(struct nlattr *attr, const void *data, size_t len)
{
	if (!len) {
		assert_null(attr);
		return;
	}
	assert_non_null(attr);
	assert_int_equal(nla_len(attr), len);
	assert_memory_equal(nla_data(attr), data, len);
}

static void check_statement(struct nlattr *nest, const struct rcpt_statement *stmt)
{
	struct nlattr *tb[RECEIPT_STMT_MAX + 1];

	assert_non_null(nest);
	assert_true(nest->nla_type & NLA_F_NESTED);
	assert_int_equal(nla_parse_nested(tb, RECEIPT_STMT_MAX, nest, NULL), 0);
	assert_bytes(tb[RECEIPT_STMT_TOKENS], stmt->tokens.tokens,
		     stmt->tokens.count * sizeof(struct receipt_token));
	assert_bytes(tb[RECEIPT_STMT_BLOB], stmt->tokens.blob, stmt->tokens.blob_len);
	assert_bytes(tb[RECEIPT_STMT_PAYLOAD], stmt->sign1.payload.data, stmt->sign1.payload.len);
	assert_bytes(tb[RECEIPT_STMT_SIGNATURE], stmt->sign1.signature.data,
		     stmt->sign1.signature.len);
}

static void check_receipt(struct nlattr *nest, const struct rcpt_receipt *r)
{
	struct nlattr *tb[RECEIPT_RCPT_MAX + 1];

	assert_true(nest->nla_type & NLA_F_NESTED);
	assert_int_equal(nla_parse_nested(tb, RECEIPT_RCPT_MAX, nest, NULL), 0);
	assert_bytes(tb[RECEIPT_RCPT_TOKENS], r->tokens.tokens,
		     r->tokens.count * sizeof(struct receipt_token));
	assert_bytes(tb[RECEIPT_RCPT_BLOB], r->tokens.blob, r->tokens.blob_len);
	assert_bytes(tb[RECEIPT_RCPT_SIGNATURE], r->sign1.signature.data, r->sign1.signature.len);
	assert_bytes(tb[RECEIPT_RCPT_PATH], r->proofs[0].path, r->proofs[0].npath * 32);
	if (r->header.vds == RECEIPT_VDS_RFC9162) {
		assert_int_equal(nla_get_u64(tb[RECEIPT_RCPT_INDEX]), r->proofs[0].index);
		assert_int_equal(nla_get_u64(tb[RECEIPT_RCPT_TREE_SIZE]), r->proofs[0].size);
		assert_null(tb[RECEIPT_RCPT_LEAF_TX]);
		return;
	}
	assert_bytes(tb[RECEIPT_RCPT_LEAF_TX], r->proofs[0].leaf_tx, 32);
	assert_bytes(tb[RECEIPT_RCPT_LEAF_EVIDENCE], r->proofs[0].evidence.data,
		     r->proofs[0].evidence.len);
	assert_bytes(tb[RECEIPT_RCPT_LEFT], r->proofs[0].left, r->proofs[0].npath);
	assert_null(tb[RECEIPT_RCPT_INDEX]);
}

static void check_manifest(struct nlattr *nest, const struct rcpt_nl_evidence *ev)
{
	struct nlattr *tb[RECEIPT_MFT_MAX + 1];

	assert_non_null(nest);
	assert_int_equal(nla_parse_nested(tb, RECEIPT_MFT_MAX, nest, NULL), 0);
	assert_int_equal(nla_get_u8(tb[RECEIPT_MFT_USAGE]), ev->usage);
	assert_int_equal(nla_get_u64(tb[RECEIPT_MFT_INDEX]), ev->index);
	assert_int_equal(nla_get_u64(tb[RECEIPT_MFT_TREE_SIZE]), ev->size);
	assert_bytes(tb[RECEIPT_MFT_PATH], ev->path, ev->npath * 32);
}

static void check_evidence(struct nl_msg *msg, const struct rcpt_nl_evidence *ev)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1], *attr;
	size_t n = 0;
	int len, left;
	struct nlattr *head = attrs_of(msg, &len);

	assert_int_equal(nla_parse(tb, RECEIPT_A_MAX, head, len, NULL), 0);
	assert_int_equal(!!tb[RECEIPT_A_ID], ev->has_id);
	if (ev->has_id)
		assert_int_equal(nla_get_u64(tb[RECEIPT_A_ID]), ev->id);
	assert_int_equal(!!tb[RECEIPT_A_MORE], ev->more);
	assert_int_equal(nla_get_u8(tb[RECEIPT_A_KIND]), ev->kind);
	assert_bytes(tb[RECEIPT_A_DIGEST], ev->digest.data, ev->digest.len);
	check_statement(tb[RECEIPT_A_STATEMENT], ev->stmt);
	nla_for_each_attr(attr, head, len, left)
		if (nla_type(attr) == RECEIPT_A_RECEIPT)
			check_receipt(attr, &ev->receipts[n++]);
	assert_int_equal(left, 0);
	assert_int_equal(n, ev->nreceipts);
	if (ev->manifest)
		check_manifest(tb[RECEIPT_A_MANIFEST], ev);
	else
		assert_null(tb[RECEIPT_A_MANIFEST]);
}

static void build_and_check(const struct rcpt_nl_evidence *ev)
{
	struct nl_msg *msg;

	assert_int_equal(rcpt_nl_build_evidence(&msg, FAMILY, ev, NULL), 0);
	check_evidence(msg, ev);
	nlmsg_free(msg);
}

static void test_evidence(void **state)
{
	struct fixture *f = *state;

	build_and_check(&f->ev);
	f->ev.has_id = f->ev.more = f->ev.manifest = false;
	f->ev.nreceipts = 1;
	build_and_check(&f->ev);
}

static void test_evidence_ccf(void **state)
{
	struct fixture *f = *state;
	struct rcpt_receipt *r = &f->receipts[2];

	r->header.vds = RECEIPT_VDS_CCF;
	r->proofs[0].evidence = rcpt_span("ce:2.14:abcd", 12);
	r->proofs[0].left[0] = 1;
	build_and_check(&f->ev);
}

/* The largest message that the bounds allow is built whole. */
static void test_evidence_largest(void **state)
{
	struct fixture *f = *state;
	static struct receipt_token tokens[RECEIPT_MAX_TOKENS];
	static uint8_t blob[RECEIPT_MAX_BLOB], sig[RECEIPT_MAX_SIGNATURE];
	const struct rcpt_tokens most = { tokens, RECEIPT_MAX_TOKENS, blob, sizeof(blob) };
	const struct rcpt_tokens stmt_tokens = f->stmt.tokens;
	struct rcpt_tokens rcpt_tokens[RECEIPT_MAX_RECEIPTS];

	f->stmt.tokens = most;
	f->stmt.sign1.signature = rcpt_span(sig, sizeof(sig));
	f->ev.npath = RECEIPT_MAX_PATH;
	for (size_t i = 0; i < RECEIPT_MAX_RECEIPTS; i++) {
		rcpt_tokens[i] = f->receipts[i].tokens;
		f->receipts[i].tokens = most;
		f->receipts[i].sign1.signature = rcpt_span(sig, sizeof(sig));
		f->receipts[i].proofs[0].npath = RECEIPT_MAX_PATH;
		f->receipts[i].proofs[0].evidence = rcpt_span(blob, RECEIPT_MAX_LEAF_EVIDENCE);
		f->receipts[i].header.vds = i % 2 ? RECEIPT_VDS_CCF : RECEIPT_VDS_RFC9162;
	}
	build_and_check(&f->ev);
	f->stmt.tokens = stmt_tokens;
	for (size_t i = 0; i < RECEIPT_MAX_RECEIPTS; i++)
		f->receipts[i].tokens = rcpt_tokens[i];
}

static void assert_over(const struct fixture *f)
{
	struct rcpt_error err;
	struct nl_msg *msg;

	assert_int_equal(rcpt_nl_build_evidence(&msg, FAMILY, &f->ev, &err), -EMSGSIZE);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(err.status, RCPT_INVALID);
}

/* Sets a length one over its bound, and back. */
#define OVER(field, bound) do {				\
	typeof(field) keep_ = (field);			\
							\
	(field) = (bound) + 1;				\
	assert_over(f);					\
	(field) = keep_;				\
} while (0)

static void test_evidence_over(void **state)
{
	struct fixture *f = *state;

	OVER(f->ev.nreceipts, RECEIPT_MAX_RECEIPTS);
	OVER(f->ev.npath, RECEIPT_MAX_PATH);
	OVER(f->ev.digest.len, RECEIPT_MAX_DIGEST);
	OVER(f->stmt.tokens.count, RECEIPT_MAX_TOKENS);
	OVER(f->stmt.tokens.blob_len, RECEIPT_MAX_BLOB);
	OVER(f->stmt.sign1.payload.len, RECEIPT_MAX_PAYLOAD);
	OVER(f->stmt.sign1.signature.len, RECEIPT_MAX_SIGNATURE);
	OVER(f->receipts[7].tokens.count, RECEIPT_MAX_TOKENS);
	OVER(f->receipts[7].tokens.blob_len, RECEIPT_MAX_BLOB);
	OVER(f->receipts[7].sign1.signature.len, RECEIPT_MAX_SIGNATURE);
	OVER(f->receipts[7].proofs[0].npath, RECEIPT_MAX_PATH);
	OVER(f->receipts[7].proofs[0].evidence.len, RECEIPT_MAX_LEAF_EVIDENCE);
	build_and_check(&f->ev);
}

static void test_evidence_no_proof(void **state)
{
	struct fixture *f = *state;
	struct rcpt_error err;
	struct nl_msg *msg;

	f->receipts[0].nproofs = 0;
	assert_int_equal(rcpt_nl_build_evidence(&msg, FAMILY, &f->ev, &err), -EINVAL);
	assert_int_equal(err.reason, RECEIPT_REASON_PROOF);
}

/*
 * Messages of the kernel
 */

static struct nl_msg *message(uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc_size(RECEIPT_MAX_POLICY + 4096);

	assert_non_null(genlmsg_put(msg, 0, 0, FAMILY, 0, 0, cmd, RECEIPT_GENL_VERSION));
	return msg;
}

static struct nl_msg *lookup_message(const void *digest, int len)
{
	struct nl_msg *msg = message(RECEIPT_CMD_LOOKUP);

	nla_put_u64(msg, RECEIPT_A_ID, 99);
	nla_put_u8(msg, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	nla_put(msg, RECEIPT_A_DIGEST, len, digest);
	nla_put_u8(msg, RECEIPT_A_OP, RECEIPT_OP_KMODULE);
	nla_put_u64(msg, RECEIPT_A_SIZE, 4711);
	return msg;
}

static int parse_lookup(struct nl_msg *msg, struct rcpt_nl_lookup *out)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	int ret = rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb);

	return ret ? ret : rcpt_nl_parse_lookup(tb, out);
}

static void test_lookup(void **state)
{
	uint8_t digest[32] = { 1, 2, 3 };
	struct nl_msg *msg = lookup_message(digest, sizeof(digest));
	struct rcpt_nl_lookup out;

	(void)state;
	nla_put_string(msg, RECEIPT_A_PATH, "/usr/bin/true");
	assert_int_equal(parse_lookup(msg, &out), 0);
	assert_int_equal(out.id, 99);
	assert_int_equal(out.kind, RECEIPT_KIND_SHA256);
	assert_int_equal(out.op, RECEIPT_OP_KMODULE);
	assert_int_equal(out.size, 4711);
	assert_int_equal(out.digest_len, 32);
	assert_memory_equal(out.digest, digest, 32);
	assert_string_equal(out.path, "/usr/bin/true");
	nlmsg_free(msg);
}

static void test_lookup_longest_path(void **state)
{
	char path[RECEIPT_MAX_PATH_HINT + 1];
	uint8_t digest[32] = { 0 };
	struct nl_msg *msg = lookup_message(digest, sizeof(digest));
	struct rcpt_nl_lookup out;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	nla_put_string(msg, RECEIPT_A_PATH, path);
	assert_int_equal(parse_lookup(msg, &out), 0);
	assert_string_equal(out.path, path);
	nlmsg_free(msg);
}

static void test_lookup_malformed(void **state)
{
	static const uint8_t bytes[64];
	struct rcpt_nl_lookup out;
	struct nl_msg *msg;

	(void)state;
	for (int len = 1; len < 64; len++) {
		msg = lookup_message(bytes, len);
		assert_int_equal(parse_lookup(msg, &out), len == 32 ? 0 : -EBADMSG);
		nlmsg_free(msg);
	}
	msg = lookup_message(bytes, 32);
	nla_put(msg, RECEIPT_A_PATH, 3, "abc");	/* not terminated */
	assert_int_equal(parse_lookup(msg, &out), -EBADMSG);
	nlmsg_free(msg);
	msg = message(RECEIPT_CMD_LOOKUP);
	assert_int_equal(parse_lookup(msg, &out), -EBADMSG);
	nla_put_u16(msg, RECEIPT_A_ID, 1);	/* too short */
	assert_int_equal(parse_lookup(msg, &out), -EBADMSG);
	nlmsg_free(msg);
}

static void test_status(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_STATUS);
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct rcpt_nl_status st;

	(void)state;
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_status(tb, &st), -EBADMSG);
	nla_put_u32(msg, RECEIPT_A_ABI, 1);
	nla_put_u64(msg, RECEIPT_A_ERRATA, 6);
	nla_put_u8(msg, RECEIPT_A_HELPER_STATE, RECEIPT_HELPER_SERVING);
	nla_put_u32(msg, RECEIPT_A_HELPER_PID, 321);
	nla_put_u64(msg, RECEIPT_A_HELPER_SINCE, 1ULL << 34);
	nla_put_u64(msg, RECEIPT_A_TIME, 1ULL << 35);
	nla_put_u64(msg, RECEIPT_A_TIME_FLOOR, 1ULL << 33);
	nla_put_u32(msg, RECEIPT_A_HELPER_TIMEOUT, 12);
	nla_put_u8(msg, RECEIPT_A_NO_HELPER, 1);
	nla_put_u8(msg, RECEIPT_A_MODE, RECEIPT_MODE_ENFORCE);
	nla_put_u64(msg, RECEIPT_A_GENERATION, 12);
	nla_put_string(msg, RECEIPT_A_POLICY_NAME, "web");
	nla_put_string(msg, RECEIPT_A_POLICY_VERSION, "1.4.0");
	nla_put_u32(msg, RECEIPT_A_POLICY_SVN, 3);
	nla_put_u8(msg, RECEIPT_A_FLOOR_SOURCE, RECEIPT_FLOOR_COMMAND_LINE);
	nla_put_string(msg, RECEIPT_A_FLOOR_NAME, "web");
	nla_put_string(msg, RECEIPT_A_FLOOR_VERSION, "1.3.9");
	nla_put_u32(msg, RECEIPT_A_FLOOR_SVN, 2);
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_status(tb, &st), 0);
	assert_int_equal(st.policy_svn, 3);
	assert_string_equal(rcpt_floor_name(st.floor), "command-line");
	assert_string_equal(st.floor_version, "1.3.9");
	assert_int_equal(st.floor_svn, 2);
	assert_int_equal(st.abi, 1);
	assert_int_equal(st.errata, 6);
	assert_int_equal(st.helper, RECEIPT_HELPER_SERVING);
	assert_int_equal(st.helper_pid, 321);
	assert_int_equal(st.helper_since, 1ULL << 34);
	assert_int_equal(st.time, 1ULL << 35);
	assert_int_equal(st.time_floor, 1ULL << 33);
	assert_int_equal(st.helper_timeout, 12);
	assert_int_equal(st.no_helper, 1);
	assert_int_equal(st.mode, RECEIPT_MODE_ENFORCE);
	assert_int_equal(st.generation, 12);
	assert_string_equal(st.policy_name, "web");
	assert_string_equal(st.policy_version, "1.4.0");
	nlmsg_free(msg);
}

static void test_policy(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_POLICY_GET);
	static char text[RECEIPT_MAX_POLICY];
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct rcpt_nl_policy p;
	uint8_t digest[32] = { 9 };

	(void)state;
	memset(text, 'x', sizeof(text));
	nla_put(msg, RECEIPT_A_POLICY, sizeof(text), text);
	nla_put(msg, RECEIPT_A_DIGEST, sizeof(digest), digest);
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_policy(tb, &p), 0);
	assert_int_equal(p.len, sizeof(text));
	assert_int_equal(strlen(p.text), sizeof(text));
	assert_true(p.has_digest);
	assert_int_equal(p.digest[0], 9);
	free(p.text);
	nlmsg_free(msg);
}

static void test_digest(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_DIGESTS);
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	uint8_t bytes[48] = { 7 };
	struct rcpt_nl_digest d;

	(void)state;
	nla_put_u8(msg, RECEIPT_A_KIND, RECEIPT_KIND_SHA384);
	nla_put(msg, RECEIPT_A_DIGEST, sizeof(bytes), bytes);
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_digest(tb, &d), -EBADMSG);
	nla_put_u32(msg, RECEIPT_A_STATEMENTS, 3);
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_digest(tb, &d), 0);
	assert_int_equal(d.kind, RECEIPT_KIND_SHA384);
	assert_int_equal(d.digest_len, sizeof(bytes));
	assert_memory_equal(d.digest, bytes, sizeof(bytes));
	assert_int_equal(d.statements, 3);
	*(uint8_t *)nla_data(tb[RECEIPT_A_KIND]) = RECEIPT_KIND_SHA256;
	assert_int_equal(rcpt_nl_parse_digest(tb, &d), -EBADMSG);
	nlmsg_free(msg);
}

static void test_explain(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_EXPLAIN);
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct rcpt_nl_explain e;

	(void)state;
	nla_put_u8(msg, RECEIPT_A_VERDICT, 0);
	nla_put_u32(msg, RECEIPT_A_RULE, 17);
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_explain(tb, &e), -EBADMSG);
	nla_put_u32(msg, RECEIPT_A_REASON, RECEIPT_REASON_RULE);
	nla_put_u32(msg, RECEIPT_A_STATEMENTS, 2);
	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	assert_int_equal(rcpt_nl_parse_explain(tb, &e), 0);
	assert_false(e.allowed);
	assert_int_equal(e.rule, 17);
	assert_int_equal(e.reason, RECEIPT_REASON_RULE);
	assert_int_equal(e.statements, 2);
	nlmsg_free(msg);
}

static struct nlattr *put_stat(struct nl_msg *msg, const char *name)
{
	struct nlattr *nest = nla_nest_start(msg, RECEIPT_A_STAT);

	nla_put_string(msg, RECEIPT_A_NAME, name);
	nla_put_u64(msg, RECEIPT_A_VALUE, 1ULL << 40);
	return nest;
}

static void test_stat(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_STATS);
	char name[RCPT_NL_NAME_MAX + 2];
	struct rcpt_nl_stat stat;
	struct nlattr *nest;

	(void)state;
	nest = put_stat(msg, "hits");
	nla_nest_end(msg, nest);
	assert_int_equal(rcpt_nl_parse_stat(nest, &stat), 0);
	assert_string_equal(stat.name, "hits");
	assert_int_equal(stat.value, 1ULL << 40);
	assert_int_equal(stat.reason, RECEIPT_REASON_ALLOWED);
	assert_int_equal(stat.limit, 0);
	nest = put_stat(msg, "denied");
	nla_put_u32(msg, RECEIPT_A_REASON, RECEIPT_REASON_RULE);
	nla_put_u64(msg, RECEIPT_A_LIMIT, UINT64_MAX);
	nla_nest_end(msg, nest);
	assert_int_equal(rcpt_nl_parse_stat(nest, &stat), 0);
	assert_int_equal(stat.reason, RECEIPT_REASON_RULE);
	assert_true(stat.limit == UINT64_MAX);
	nest = nla_nest_start(msg, RECEIPT_A_STAT);
	nla_put_string(msg, RECEIPT_A_NAME, "without a value");
	nla_nest_end(msg, nest);
	assert_int_equal(rcpt_nl_parse_stat(nest, &stat), -EBADMSG);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	nest = put_stat(msg, name);
	nla_nest_end(msg, nest);
	assert_int_equal(rcpt_nl_parse_stat(nest, &stat), -EBADMSG);
	nlmsg_free(msg);
}

static void test_reason_of(void **state)
{
	(void)state;
	assert_int_equal(rcpt_nl_reason_of("wrong-receipt-signature: log acme"),
			 RECEIPT_REASON_SIGNATURE);
	assert_int_equal(rcpt_nl_reason_of("no-evidence"), RECEIPT_REASON_NO_EVIDENCE);
	assert_int_equal(rcpt_nl_reason_of("no-evidences"), 0);
	assert_int_equal(rcpt_nl_reason_of("no"), 0);
	assert_int_equal(rcpt_nl_reason_of(""), 0);
}

/*
 * Datagrams
 */

#define SEQ	5
#define PORT	1234

/* A datagram that grows message by message. */
struct datagram {
	size_t len;
	_Alignas(struct nlmsghdr) uint8_t bytes[4096];
};

static struct nlmsghdr *add_message(struct datagram *d, uint16_t type, uint16_t flags,
				    uint32_t seq, const void *data, size_t len)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)(d->bytes + d->len);

	*nlh = (struct nlmsghdr){
		.nlmsg_len = NLMSG_LENGTH(len), .nlmsg_type = type,
		.nlmsg_flags = flags, .nlmsg_seq = seq, .nlmsg_pid = seq ? PORT : 0,
	};
	memcpy(NLMSG_DATA(nlh), data, len);
	d->len += NLMSG_SPACE(len);
	return nlh;
}

static void add_genl(struct datagram *d, struct nl_msg *msg, uint32_t seq)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);

	add_message(d, FAMILY, 0, seq, nlmsg_data(nlh), nlmsg_datalen(nlh));
	nlmsg_free(msg);
}

static size_t put_text(uint8_t *at, const char *text)
{
	struct nlattr attr = {
		.nla_len = NLA_HDRLEN + strlen(text) + 1, .nla_type = NLMSGERR_ATTR_MSG,
	};

	memcpy(at, &attr, sizeof(attr));
	memcpy(at + NLA_HDRLEN, text, strlen(text) + 1);
	return NLA_ALIGN(attr.nla_len);
}

/* @echo: bytes of the request that follow the error, before its attributes. */
static void add_error(struct datagram *d, int code, const char *text, size_t echo)
{
	uint8_t data[1024] = { 0 };
	struct nlmsgerr e = {
		.error = code, .msg.nlmsg_len = NLMSG_HDRLEN + (echo ? echo : 500),
	};
	uint16_t flags = (echo ? 0 : NLM_F_CAPPED) | (text ? NLM_F_ACK_TLVS : 0);
	size_t len = sizeof(e) + NLMSG_ALIGN(echo);

	memcpy(data, &e, sizeof(e));
	if (text)
		len += put_text(data + len, text);
	add_message(d, NLMSG_ERROR, flags, SEQ, data, len);
}

struct seen {
	int messages;
	int replies;
	uint8_t last;
};

static void on_message(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct seen *seen = arg;

	(void)tb;
	seen->messages++;
	seen->last = cmd;
}

static void on_reply(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct seen *seen = arg;

	(void)tb;
	seen->replies++;
	seen->last = cmd;
}

static struct rcpt_nl_inbox inbox(struct seen *seen, struct rcpt_error *err)
{
	memset(seen, 0, sizeof(*seen));
	memset(err, 0, sizeof(*err));
	return (struct rcpt_nl_inbox){
		.family = FAMILY, .port = PORT, .seq = SEQ,
		.on_message = on_message, .arg = seen,
		.on_reply = on_reply, .reply_arg = seen, .err = err,
	};
}

static void test_inbox_reply(void **state)
{
	struct datagram d = { 0 };
	struct rcpt_error err;
	struct seen seen;
	struct rcpt_nl_inbox in = inbox(&seen, &err);
	static const uint8_t digest[32];

	(void)state;
	add_genl(&d, lookup_message(digest, 32), 0);
	add_genl(&d, message(RECEIPT_CMD_STATUS), SEQ);
	add_genl(&d, message(RECEIPT_CMD_STATUS), SEQ - 1);	/* of an earlier request */
	add_message(&d, FAMILY + 1, 0, 0, "abcdefgh", 8);	/* of another family */
	add_error(&d, 0, NULL, 0);
	rcpt_nl_inbox_take(&in, d.bytes, d.len);
	assert_true(in.done);
	assert_int_equal(in.result, 0);
	assert_int_equal(seen.messages, 2);
	assert_int_equal(seen.replies, 1);
}

static void test_inbox_errors(void **state)
{
	static const size_t echoes[] = { 0, 1, 64, 333 };
	struct rcpt_error err;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct rcpt_nl_inbox in = inbox(&seen, &err);
		struct datagram d = { 0 };

		add_error(&d, -EBADMSG, "digest-differs: of the manifest", echoes[i]);
		rcpt_nl_inbox_take(&in, d.bytes, d.len);
		assert_true(in.done);
		assert_int_equal(in.result, -EBADMSG);
		assert_string_equal(err.text, "digest-differs: of the manifest");
		assert_int_equal(err.reason, RECEIPT_REASON_DIGEST);
		assert_int_equal(err.status, RCPT_INVALID);
	}
}

static void test_inbox_error_without_text(void **state)
{
	struct datagram d = { 0 };
	struct rcpt_error err;
	struct seen seen;
	struct rcpt_nl_inbox in = inbox(&seen, &err);

	(void)state;
	add_error(&d, -EPERM, NULL, 0);
	rcpt_nl_inbox_take(&in, d.bytes, d.len);
	assert_int_equal(in.result, -EPERM);
	assert_non_null(strstr(err.text, "CAP_MAC_ADMIN"));
	assert_int_equal(err.status, RCPT_SYSTEM);
}

/* A code that is no errno is an error all the same. */
static void test_inbox_error_code(void **state)
{
	static const int codes[] = { INT_MIN, -4096 };
	struct rcpt_error err;
	struct seen seen;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct rcpt_nl_inbox in = inbox(&seen, &err);
		struct datagram d = { 0 };

		add_error(&d, codes[i], NULL, 0);
		rcpt_nl_inbox_take(&in, d.bytes, d.len);
		assert_true(in.done);
		assert_int_equal(in.result, -EBADMSG);
		assert_int_equal(err.status, RCPT_INVALID);
	}
}

/* The first answer counts: a refusal does not become a success. */
static void test_inbox_second_answer(void **state)
{
	struct datagram d = { 0 };
	struct rcpt_error err;
	struct seen seen;
	struct rcpt_nl_inbox in = inbox(&seen, &err);

	(void)state;
	add_error(&d, -EBADMSG, "digest-differs", 0);
	add_error(&d, 0, NULL, 0);
	rcpt_nl_inbox_take(&in, d.bytes, d.len);
	assert_int_equal(in.result, -EBADMSG);
	assert_int_equal(err.reason, RECEIPT_REASON_DIGEST);
}

static void test_inbox_done(void **state)
{
	uint8_t data[256] = { 0 };
	struct datagram d = { 0 };
	struct rcpt_error err;
	struct seen seen;
	struct rcpt_nl_inbox in = inbox(&seen, &err);
	int code = -EINVAL;

	(void)state;
	memcpy(data, &code, sizeof(code));
	add_genl(&d, message(RECEIPT_CMD_LOOKUP), SEQ);
	add_message(&d, NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, SEQ, data,
		    sizeof(code) + put_text(data + sizeof(code), "over-a-bound"));
	rcpt_nl_inbox_take(&in, d.bytes, d.len);
	assert_true(in.done);
	assert_int_equal(in.result, -EINVAL);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(seen.replies, 1);
}

/* Whatever arrives: no crash, no reading past the end. */
static void test_inbox_garbage(void **state)
{
	static const uint8_t digest[32];
	struct rcpt_error err;
	struct seen seen;
	unsigned int random = 1;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct rcpt_nl_inbox in = inbox(&seen, &err);
		struct datagram d = { 0 };
		uint8_t *copy;

		add_genl(&d, lookup_message(digest, 32), i % 2 ? SEQ : 0);
		add_error(&d, -EBADMSG, "digest-differs", i % 3);
		for (int k = 0; k < 3; k++) {
			random = random * 1103515245 + 12345;
			d.bytes[(random >> 8) % d.len] = random >> 16;
		}
		d.len -= (random >> 20) % d.len;
		copy = malloc(d.len);	/* its end is guarded by the sanitizer */
		memcpy(copy, d.bytes, d.len);
		rcpt_nl_inbox_take(&in, copy, d.len);
		free(copy);
	}
}

/*
 * Events
 */

static char *event_text(struct nl_msg *msg, char **json)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	json_t *event;
	char *text;

	assert_int_equal(rcpt_nl_parse_attrs(nlmsg_hdr(msg), tb), 0);
	event = rcpt_event_json(tb);
	assert_non_null(event);
	text = rcpt_event_text(event);
	*json = json_dumps(event, JSON_COMPACT);
	json_decref(event);
	nlmsg_free(msg);
	return text;
}

static struct nl_msg *verdict_message(const char *path, int enforced)
{
	struct nl_msg *msg = message(RECEIPT_CMD_EVENT);
	uint8_t digest[32] = { 0xab };

	nla_put_u8(msg, RECEIPT_A_EVENT, RECEIPT_EVENT_VERDICT);
	nla_put_u8(msg, RECEIPT_A_VERDICT, 0);
	nla_put_u8(msg, RECEIPT_A_ENFORCED, enforced);
	nla_put_u8(msg, RECEIPT_A_OP, RECEIPT_OP_EXECUTE);
	nla_put_string(msg, RECEIPT_A_HOOK, "bprm_check_security");
	nla_put_string(msg, RECEIPT_A_PATH, path);
	nla_put_u32(msg, RECEIPT_A_REASON, RECEIPT_REASON_NO_EVIDENCE);
	nla_put_u32(msg, RECEIPT_A_RULE, 6);
	nla_put_u8(msg, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	nla_put(msg, RECEIPT_A_DIGEST, sizeof(digest), digest);
	nla_put_u32(msg, RECEIPT_A_DEV_MAJOR, 8);
	nla_put_u32(msg, RECEIPT_A_DEV_MINOR, 1);
	nla_put_u64(msg, RECEIPT_A_INO, 1234);
	return msg;
}

static void test_event_verdict(void **state)
{
	static const char hex[] =
		"ab00000000000000000000000000000000000000000000000000000000000000";
	char want[512], *json, *text = event_text(verdict_message("/bin/x", 1), &json);

	(void)state;
	snprintf(want, sizeof(want),
		 "verdict verdict=denied op=EXECUTE hook=bprm_check_security path=/bin/x "
		 "reason=no-evidence rule=6 digest=sha256:%s dev=8:1 ino=1234", hex);
	assert_string_equal(text, want);
	snprintf(want, sizeof(want),
		 "{\"event\":\"verdict\",\"verdict\":\"denied\",\"op\":\"EXECUTE\","
		 "\"hook\":\"bprm_check_security\",\"path\":\"/bin/x\","
		 "\"reason\":\"no-evidence\",\"rule\":6,\"digest\":\"sha256:%s\","
		 "\"dev\":\"8:1\",\"ino\":1234}", hex);
	assert_string_equal(json, want);
	free(text);
	free(json);
}

static void test_event_would_deny(void **state)
{
	char *json, *text = event_text(verdict_message("/bin/x", 0), &json);

	(void)state;
	assert_non_null(strstr(text, "verdict=would-deny"));
	free(text);
	free(json);
}

static void test_event_suppressed(void **state)
{
	struct nl_msg *msg = verdict_message("/bin/x", 1);
	char *json, *text;

	(void)state;
	nla_put_u64(msg, RECEIPT_A_SUPPRESSED, 1ULL << 33);
	text = event_text(msg, &json);
	assert_non_null(strstr(text, " suppressed=8589934592"));
	assert_non_null(strstr(json, ",\"suppressed\":8589934592}"));
	free(text);
	free(json);
}

static void test_event_hostile_path(void **state)
{
	static const struct {
		const char *path;
		const char *text;
	} cases[] = {
		{ "/a b", "path=\"/a b\" " },
		{ "/a\nverdict allowed", "path=\"/a\\\\x0averdict allowed\" " },
		{ "/\xff\xfe", "path=/\\xff\\xfe " },
		{ "/\xc3\xa4", "path=/\xc3\xa4 " },
		{ "/a\"b", "path=\"/a\\\"b\" " },
		{ "/a\\b", "path=/a\\x5cb " },
		{ "/\xc2\x9b[2J", "path=/\\xc2\\x9b[2J " },		/* CSI as a C1 control */
		{ "/a\xe2\x80\xae" "b", "path=/a\\xe2\\x80\\xaeb " },	/* right to left */
		{ "/\xe2\x80\xa8", "path=/\\xe2\\x80\\xa8 " },		/* a line ends */
		{ "/\xf3\xa0\x80\x81", "path=/\\xf3\\xa0\\x80\\x81 " },	/* a tag */
		{ "", "path=\"\" " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *json, *text = event_text(verdict_message(cases[i].path, 1), &json);

		assert_non_null(strstr(text, cases[i].text));
		assert_null(strchr(text, '\n'));
		/* in JSON as well: what is not plain is as in the text */
		assert_true(!strstr(json, "\xc2\x9b") && !strstr(json, "\xe2\x80") &&
			    !strstr(json, "\xf3\xa0"));
		free(text);
		free(json);
	}
}

static void test_event_helper(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_EVENT);
	char *json, *text;

	(void)state;
	nla_put_u8(msg, RECEIPT_A_EVENT, RECEIPT_EVENT_HELPER);
	nla_put_u8(msg, RECEIPT_A_HELPER_STATE, RECEIPT_HELPER_LOST);
	nla_put_u32(msg, RECEIPT_A_HELPER_PID, 55);
	text = event_text(msg, &json);
	assert_string_equal(text, "helper helper=lost helper_pid=55");
	free(text);
	free(json);
}

static void test_event_unknown(void **state)
{
	struct nl_msg *msg = message(RECEIPT_CMD_EVENT);
	char *json, *text;

	(void)state;
	nla_put_u8(msg, RECEIPT_A_EVENT, 200);
	nla_put_u8(msg, RECEIPT_A_OP, 200);
	nla_put_u32(msg, RECEIPT_A_REASON, 100000);
	text = event_text(msg, &json);
	assert_string_equal(text, "200 op=200 reason=unknown-reason");
	free(text);
	free(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_evidence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_evidence_ccf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_evidence_largest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_evidence_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_evidence_no_proof, setup, teardown),
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_lookup_longest_path),
		cmocka_unit_test(test_lookup_malformed),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_reason_of),
		cmocka_unit_test(test_inbox_reply),
		cmocka_unit_test(test_inbox_errors),
		cmocka_unit_test(test_inbox_error_without_text),
		cmocka_unit_test(test_inbox_error_code),
		cmocka_unit_test(test_inbox_second_answer),
		cmocka_unit_test(test_inbox_done),
		cmocka_unit_test(test_inbox_garbage),
		cmocka_unit_test(test_event_verdict),
		cmocka_unit_test(test_event_would_deny),
		cmocka_unit_test(test_event_suppressed),
		cmocka_unit_test(test_event_hostile_path),
		cmocka_unit_test(test_event_helper),
		cmocka_unit_test(test_event_unknown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("netlink", tests, make_keys, free_keys);
}
