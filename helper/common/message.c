// SPDX-License-Identifier: MIT
/*
 * Messages of the family: building evidence, reading what the kernel says.
 */
#include <errno.h>
#include <string.h>

#include <netlink/genl/genl.h>

#include "manifest.h"
#include "netlink.h"

/* Room for the headers of a message, or of a nest and all that is in it. */
#define HEADERS		256

#define MAX_ERRNO	4095

/* Lengths for every attribute that the kernel sends. */
static struct nla_policy policy[RECEIPT_A_MAX + 1] = {
	[RECEIPT_A_ABI]			= { .type = NLA_U32 },
	[RECEIPT_A_ERRATA]		= { .type = NLA_U64 },
	[RECEIPT_A_ID]			= { .type = NLA_U64 },
	[RECEIPT_A_KIND]		= { .type = NLA_U8 },
	[RECEIPT_A_DIGEST]		= { .minlen = 1, .maxlen = RECEIPT_MAX_DIGEST },
	[RECEIPT_A_OP]			= { .type = NLA_U8 },
	[RECEIPT_A_SIZE]		= { .type = NLA_U64 },
	[RECEIPT_A_PATH]		= { .type = NLA_STRING, .maxlen = RECEIPT_MAX_PATH_HINT + 1 },
	[RECEIPT_A_REASON]		= { .type = NLA_U32 },
	[RECEIPT_A_POLICY]		= { .maxlen = RECEIPT_MAX_POLICY },
	[RECEIPT_A_POLICY_NAME]		= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_POLICY_VERSION]	= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_MODE]		= { .type = NLA_U8 },
	[RECEIPT_A_GENERATION]		= { .type = NLA_U64 },
	[RECEIPT_A_HELPER_STATE]	= { .type = NLA_U8 },
	[RECEIPT_A_HELPER_PID]		= { .type = NLA_U32 },
	[RECEIPT_A_EVENT]		= { .type = NLA_U8 },
	[RECEIPT_A_HOOK]		= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_VERDICT]		= { .type = NLA_U8 },
	[RECEIPT_A_ENFORCED]		= { .type = NLA_U8 },
	[RECEIPT_A_RULE]		= { .type = NLA_U32 },
	[RECEIPT_A_DEV_MAJOR]		= { .type = NLA_U32 },
	[RECEIPT_A_DEV_MINOR]		= { .type = NLA_U32 },
	[RECEIPT_A_INO]			= { .type = NLA_U64 },
	[RECEIPT_A_PID]			= { .type = NLA_U32 },
	[RECEIPT_A_UID]			= { .type = NLA_U32 },
	[RECEIPT_A_COMM]		= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_STATS]		= { .type = NLA_NESTED },
	[RECEIPT_A_STAT]		= { .type = NLA_NESTED },
	[RECEIPT_A_NAME]		= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_VALUE]		= { .type = NLA_U64 },
	[RECEIPT_A_STATEMENTS]		= { .type = NLA_U32 },
	[RECEIPT_A_POLICY_SVN]		= { .type = NLA_U32 },
	[RECEIPT_A_FLOOR_NAME]		= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_FLOOR_VERSION]	= { .type = NLA_STRING, .maxlen = RCPT_NL_NAME_MAX + 1 },
	[RECEIPT_A_FLOOR_SVN]		= { .type = NLA_U32 },
	[RECEIPT_A_FLOOR_SOURCE]	= { .type = NLA_U8 },
	[RECEIPT_A_LIMIT]		= { .type = NLA_U64 },
	[RECEIPT_A_SUPPRESSED]		= { .type = NLA_U64 },
	[RECEIPT_A_HELPER_TIMEOUT]	= { .type = NLA_U32 },
	[RECEIPT_A_NO_HELPER]		= { .type = NLA_U8 },
	[RECEIPT_A_HELPER_SINCE]	= { .type = NLA_U64 },
	[RECEIPT_A_TIME]		= { .type = NLA_U64 },
	[RECEIPT_A_TIME_FLOOR]		= { .type = NLA_U64 },
};

/**
 * rcpt_nl_reason_of() - the reason that a text of the kernel begins with
 * @text: as in "wrong-receipt-signature: log acme"
 *
 * Return: the reason; RECEIPT_REASON_ALLOWED when it begins with none.
 */
enum receipt_reason rcpt_nl_reason_of(const char *text)
{
	static const struct {
		enum receipt_reason reason;
		const char *text;
	} reasons[] = {
#define REASON(num, name, text) { RECEIPT_REASON_##name, text },
		RECEIPT_REASONS(REASON)
#undef REASON
	};
	size_t len = strcspn(text, ": ");

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strlen(reasons[i].text) == len && !memcmp(reasons[i].text, text, len))
			return reasons[i].reason;
	return RECEIPT_REASON_ALLOWED;
}

/**
 * rcpt_mode_name() - name of a mode
 * @mode: enum receipt_mode
 *
 * Return: as policies write it; "none" when no policy is active.
 */
const char *rcpt_mode_name(uint8_t mode)
{
	switch (mode) {
	case RECEIPT_MODE_NONE:
		return "none";
	case RECEIPT_MODE_PERMISSIVE:
		return "permissive";
	case RECEIPT_MODE_ENFORCE:
		return "enforce";
	default:
		return "unknown";
	}
}

/**
 * rcpt_helper_name() - name of a helper's state
 * @state: enum receipt_helper_state
 *
 * Return: its name.
 */
const char *rcpt_helper_name(uint8_t state)
{
	switch (state) {
	case RECEIPT_HELPER_ABSENT:
		return "absent";
	case RECEIPT_HELPER_SERVING:
		return "serving";
	case RECEIPT_HELPER_LOST:
		return "lost";
	default:
		return "unknown";
	}
}

/**
 * rcpt_floor_name() - name of what the floor comes from
 * @source: enum receipt_floor
 *
 * Return: its name.
 */
const char *rcpt_floor_name(uint8_t source)
{
	switch (source) {
	case RECEIPT_FLOOR_NONE:
		return "none";
	case RECEIPT_FLOOR_COMMAND_LINE:
		return "command-line";
	case RECEIPT_FLOOR_HELPER:
		return "helper";
	case RECEIPT_FLOOR_TPM:
		return "tpm";
	default:
		return "unknown";
	}
}

/*
 * Building evidence
 */

static int over(struct rcpt_error *err, const char *what)
{
	rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
		  "%s is over the bound of a message", what);
	return -EMSGSIZE;
}

static int check_tokens(const struct rcpt_tokens *t, struct rcpt_span signature,
			struct rcpt_error *err)
{
	if (t->count > RECEIPT_MAX_TOKENS || t->blob_len > RECEIPT_MAX_BLOB)
		return over(err, "a protected header");
	if (signature.len > RECEIPT_MAX_SIGNATURE)
		return over(err, "a signature");
	return 0;
}

static int check_receipt(const struct rcpt_receipt *r, struct rcpt_error *err)
{
	const struct rcpt_inclusion *proof = &r->proofs[0];

	if (!r->nproofs) {
		rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_PROOF,
			  RCPT_NO_OFFSET, "a receipt has no inclusion proof");
		return -EINVAL;
	}
	if (proof->npath > RECEIPT_MAX_PATH ||
	    proof->evidence.len > RECEIPT_MAX_LEAF_EVIDENCE)
		return over(err, "an inclusion proof");
	return check_tokens(&r->tokens, r->sign1.signature, err);
}

static int check_evidence(const struct rcpt_nl_evidence *ev,
			  struct rcpt_error *err)
{
	int ret = check_tokens(&ev->stmt->tokens, ev->stmt->sign1.signature, err);

	if (ret)
		return ret;
	if (ev->digest.len > RECEIPT_MAX_DIGEST)
		return over(err, "a digest");
	if (ev->stmt->sign1.payload.len > RECEIPT_MAX_PAYLOAD)
		return over(err, "a payload");
	if (ev->manifest && ev->npath > RECEIPT_MAX_PATH)
		return over(err, "a manifest path");
	if (ev->nreceipts > RECEIPT_MAX_RECEIPTS)
		return over(err, "the number of receipts");
	for (size_t i = 0; i < ev->nreceipts && !ret; i++)
		ret = check_receipt(&ev->receipts[i], err);
	return ret;
}

static size_t tokens_size(const struct rcpt_tokens *t)
{
	return t->count * sizeof(*t->tokens) + t->blob_len;
}

static size_t evidence_size(const struct rcpt_nl_evidence *ev)
{
	size_t size = 3 * HEADERS + ev->digest.len + tokens_size(&ev->stmt->tokens) +
		ev->stmt->sign1.payload.len + ev->stmt->sign1.signature.len +
		ev->npath * RECEIPT_HASH_SIZE;

	for (size_t i = 0; i < ev->nreceipts; i++) {
		const struct rcpt_receipt *r = &ev->receipts[i];

		size += HEADERS + tokens_size(&r->tokens) + r->sign1.signature.len +
			r->proofs[0].npath * (RECEIPT_HASH_SIZE + 1) +
			r->proofs[0].evidence.len;
	}
	return size;
}

/* An empty attribute is left out: the kernel knows it by its absence. */
static int put_bytes(struct nl_msg *msg, int type, const void *data, size_t len)
{
	return len ? nla_put(msg, type, len, data) : 0;
}

static int put_statement(struct nl_msg *msg, const struct rcpt_statement *stmt)
{
	const struct rcpt_tokens *t = &stmt->tokens;
	struct nlattr *nest = nla_nest_start(msg, RECEIPT_A_STATEMENT);

	if (!nest ||
	    put_bytes(msg, RECEIPT_STMT_TOKENS, t->tokens, t->count * sizeof(*t->tokens)) ||
	    put_bytes(msg, RECEIPT_STMT_BLOB, t->blob, t->blob_len) ||
	    put_bytes(msg, RECEIPT_STMT_PAYLOAD, stmt->sign1.payload.data,
		      stmt->sign1.payload.len) ||
	    put_bytes(msg, RECEIPT_STMT_SIGNATURE, stmt->sign1.signature.data,
		      stmt->sign1.signature.len))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_proof(struct nl_msg *msg, const struct rcpt_receipt *r)
{
	const struct rcpt_inclusion *proof = &r->proofs[0];

	if (put_bytes(msg, RECEIPT_RCPT_PATH, proof->path, proof->npath * RECEIPT_HASH_SIZE))
		return -1;
	if (r->header.vds == RECEIPT_VDS_RFC9162)
		return nla_put_u64(msg, RECEIPT_RCPT_INDEX, proof->index) ||
			nla_put_u64(msg, RECEIPT_RCPT_TREE_SIZE, proof->size);
	return nla_put(msg, RECEIPT_RCPT_LEAF_TX, sizeof(proof->leaf_tx), proof->leaf_tx) ||
		put_bytes(msg, RECEIPT_RCPT_LEAF_EVIDENCE, proof->evidence.data,
			  proof->evidence.len) ||
		put_bytes(msg, RECEIPT_RCPT_LEFT, proof->left, proof->npath);
}

static int put_receipt(struct nl_msg *msg, const struct rcpt_receipt *r)
{
	const struct rcpt_tokens *t = &r->tokens;
	struct nlattr *nest = nla_nest_start(msg, RECEIPT_A_RECEIPT);

	if (!nest ||
	    put_bytes(msg, RECEIPT_RCPT_TOKENS, t->tokens, t->count * sizeof(*t->tokens)) ||
	    put_bytes(msg, RECEIPT_RCPT_BLOB, t->blob, t->blob_len) ||
	    put_bytes(msg, RECEIPT_RCPT_SIGNATURE, r->sign1.signature.data,
		      r->sign1.signature.len) ||
	    put_proof(msg, r))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_manifest(struct nl_msg *msg, const struct rcpt_nl_evidence *ev)
{
	struct nlattr *nest = nla_nest_start(msg, RECEIPT_A_MANIFEST);

	if (!nest || nla_put_u8(msg, RECEIPT_MFT_USAGE, ev->usage) ||
	    nla_put_u64(msg, RECEIPT_MFT_INDEX, ev->index) ||
	    nla_put_u64(msg, RECEIPT_MFT_TREE_SIZE, ev->size) ||
	    put_bytes(msg, RECEIPT_MFT_PATH, ev->path, ev->npath * RECEIPT_HASH_SIZE))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_evidence(struct nl_msg *msg, const struct rcpt_nl_evidence *ev)
{
	if ((ev->has_id && nla_put_u64(msg, RECEIPT_A_ID, ev->id)) ||
	    nla_put_u8(msg, RECEIPT_A_KIND, ev->kind) ||
	    nla_put(msg, RECEIPT_A_DIGEST, ev->digest.len, ev->digest.data) ||
	    put_statement(msg, ev->stmt))
		return -1;
	for (size_t i = 0; i < ev->nreceipts; i++)
		if (put_receipt(msg, &ev->receipts[i]))
			return -1;
	if (ev->manifest && put_manifest(msg, ev))
		return -1;
	if (ev->keep && nla_put_flag(msg, RECEIPT_A_KEEP))
		return -1;
	return ev->more ? nla_put_flag(msg, RECEIPT_A_MORE) : 0;
}

/**
 * rcpt_nl_build_evidence() - make an EVIDENCE message
 * @msg: result, to be freed with nlmsg_free()
 * @family: number of the family
 * @ev: what it shall say
 * @err: filled in on failure
 *
 * Return: 0; -EMSGSIZE when a part is over its bound; -EINVAL for a receipt
 * without a proof; -ENOMEM.
 */
int rcpt_nl_build_evidence(struct nl_msg **msg, uint16_t family,
			   const struct rcpt_nl_evidence *ev,
			   struct rcpt_error *err)
{
	int ret = check_evidence(ev, err);

	if (ret)
		return ret;
	*msg = nlmsg_alloc_size(evidence_size(ev));
	if (*msg && genlmsg_put(*msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
				RECEIPT_CMD_EVIDENCE, RECEIPT_GENL_VERSION) &&
	    !put_evidence(*msg, ev))
		return 0;
	nlmsg_free(*msg);
	*msg = NULL;
	rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
		  "no memory for a message");
	return -ENOMEM;
}

/*
 * Reading
 */

/**
 * rcpt_nl_parse_attrs() - find and check the attributes of a message
 * @nlh: message of the family
 * @tb: RECEIPT_A_MAX + 1 entries to fill in
 *
 * Return: 0, or -EBADMSG.
 */
int rcpt_nl_parse_attrs(struct nlmsghdr *nlh, struct nlattr **tb)
{
	if (!genlmsg_valid_hdr(nlh, 0) ||
	    genlmsg_parse(nlh, 0, tb, RECEIPT_A_MAX, policy))
		return -EBADMSG;
	return 0;
}

static bool has(struct nlattr **tb, const uint8_t *types, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!tb[types[i]])
			return false;
	return true;
}

#define HAS(tb, ...) has(tb, (const uint8_t[]){ __VA_ARGS__ }, \
			 sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void get_name(char out[RCPT_NL_NAME_MAX + 1], struct nlattr *attr)
{
	out[0] = '\0';
	if (attr)
		nla_strlcpy(out, attr, RCPT_NL_NAME_MAX + 1);
}

static int get_digest(struct nlattr **tb, uint8_t kind, uint8_t out[RECEIPT_MAX_DIGEST],
		      uint8_t *len)
{
	*len = nla_len(tb[RECEIPT_A_DIGEST]);
	if (*len != rcpt_digest_len(kind))
		return -EBADMSG;
	memcpy(out, nla_data(tb[RECEIPT_A_DIGEST]), *len);
	return 0;
}

/**
 * rcpt_nl_parse_lookup() - read a LOOKUP message
 * @tb: its attributes
 * @out: result
 *
 * Return: 0; -EBADMSG when something is missing or does not fit.
 */
int rcpt_nl_parse_lookup(struct nlattr **tb, struct rcpt_nl_lookup *out)
{
	memset(out, 0, sizeof(*out));
	if (!HAS(tb, RECEIPT_A_ID, RECEIPT_A_KIND, RECEIPT_A_DIGEST))
		return -EBADMSG;
	out->id = nla_get_u64(tb[RECEIPT_A_ID]);
	out->kind = nla_get_u8(tb[RECEIPT_A_KIND]);
	if (get_digest(tb, out->kind, out->digest, &out->digest_len))
		return -EBADMSG;
	if (tb[RECEIPT_A_OP])
		out->op = nla_get_u8(tb[RECEIPT_A_OP]);
	if (tb[RECEIPT_A_SIZE])
		out->size = nla_get_u64(tb[RECEIPT_A_SIZE]);
	if (tb[RECEIPT_A_PATH])
		out->path = nla_get_string(tb[RECEIPT_A_PATH]);
	return 0;
}

static void get_floor(struct rcpt_nl_status *out, struct nlattr **tb)
{
	if (tb[RECEIPT_A_FLOOR_SOURCE])
		out->floor = nla_get_u8(tb[RECEIPT_A_FLOOR_SOURCE]);
	get_name(out->floor_name, tb[RECEIPT_A_FLOOR_NAME]);
	get_name(out->floor_version, tb[RECEIPT_A_FLOOR_VERSION]);
	if (tb[RECEIPT_A_FLOOR_SVN])
		out->floor_svn = nla_get_u32(tb[RECEIPT_A_FLOOR_SVN]);
}

/**
 * rcpt_nl_parse_status() - read the answer to STATUS or HELLO
 * @tb: its attributes
 * @out: result; HELLO says only ABI and errata
 *
 * Return: 0; -EBADMSG when it has no ABI number.
 */
int rcpt_nl_parse_status(struct nlattr **tb, struct rcpt_nl_status *out)
{
	memset(out, 0, sizeof(*out));
	if (!tb[RECEIPT_A_ABI])
		return -EBADMSG;
	out->abi = nla_get_u32(tb[RECEIPT_A_ABI]);
	if (tb[RECEIPT_A_ERRATA])
		out->errata = nla_get_u64(tb[RECEIPT_A_ERRATA]);
	if (tb[RECEIPT_A_HELPER_STATE])
		out->helper = nla_get_u8(tb[RECEIPT_A_HELPER_STATE]);
	if (tb[RECEIPT_A_HELPER_PID])
		out->helper_pid = nla_get_u32(tb[RECEIPT_A_HELPER_PID]);
	if (tb[RECEIPT_A_HELPER_SINCE])
		out->helper_since = nla_get_u64(tb[RECEIPT_A_HELPER_SINCE]);
	if (tb[RECEIPT_A_TIME])
		out->time = nla_get_u64(tb[RECEIPT_A_TIME]);
	if (tb[RECEIPT_A_TIME_FLOOR])
		out->time_floor = nla_get_u64(tb[RECEIPT_A_TIME_FLOOR]);
	if (tb[RECEIPT_A_HELPER_TIMEOUT])
		out->helper_timeout = nla_get_u32(tb[RECEIPT_A_HELPER_TIMEOUT]);
	if (tb[RECEIPT_A_NO_HELPER])
		out->no_helper = nla_get_u8(tb[RECEIPT_A_NO_HELPER]);
	if (tb[RECEIPT_A_MODE])
		out->mode = nla_get_u8(tb[RECEIPT_A_MODE]);
	if (tb[RECEIPT_A_GENERATION])
		out->generation = nla_get_u64(tb[RECEIPT_A_GENERATION]);
	get_name(out->policy_name, tb[RECEIPT_A_POLICY_NAME]);
	get_name(out->policy_version, tb[RECEIPT_A_POLICY_VERSION]);
	if (tb[RECEIPT_A_POLICY_SVN])
		out->policy_svn = nla_get_u32(tb[RECEIPT_A_POLICY_SVN]);
	get_floor(out, tb);
	return 0;
}

/**
 * rcpt_nl_parse_policy() - read the answer to POLICY_GET
 * @tb: its attributes
 * @out: result; @out->text is to be freed
 *
 * Return: 0; -EBADMSG when it has no text; -ENOMEM.
 */
int rcpt_nl_parse_policy(struct nlattr **tb, struct rcpt_nl_policy *out)
{
	struct nlattr *digest = tb[RECEIPT_A_DIGEST];

	memset(out, 0, sizeof(*out));
	if (!tb[RECEIPT_A_POLICY])
		return -EBADMSG;
	out->len = nla_len(tb[RECEIPT_A_POLICY]);
	out->text = calloc(1, out->len + 1);
	if (!out->text)
		return -ENOMEM;
	memcpy(out->text, nla_data(tb[RECEIPT_A_POLICY]), out->len);
	if (tb[RECEIPT_A_MODE])
		out->mode = nla_get_u8(tb[RECEIPT_A_MODE]);
	if (tb[RECEIPT_A_GENERATION])
		out->generation = nla_get_u64(tb[RECEIPT_A_GENERATION]);
	get_name(out->name, tb[RECEIPT_A_POLICY_NAME]);
	get_name(out->version, tb[RECEIPT_A_POLICY_VERSION]);
	out->has_digest = digest && nla_len(digest) == sizeof(out->digest);
	if (out->has_digest)
		memcpy(out->digest, nla_data(digest), sizeof(out->digest));
	return 0;
}

/**
 * rcpt_nl_parse_digest() - read a message of the dump of digests
 * @tb: its attributes
 * @out: result
 *
 * Return: 0; -EBADMSG when something is missing or does not fit.
 */
int rcpt_nl_parse_digest(struct nlattr **tb, struct rcpt_nl_digest *out)
{
	memset(out, 0, sizeof(*out));
	if (!HAS(tb, RECEIPT_A_KIND, RECEIPT_A_DIGEST, RECEIPT_A_STATEMENTS))
		return -EBADMSG;
	out->kind = nla_get_u8(tb[RECEIPT_A_KIND]);
	out->statements = nla_get_u32(tb[RECEIPT_A_STATEMENTS]);
	return get_digest(tb, out->kind, out->digest, &out->digest_len);
}

/**
 * rcpt_nl_parse_explain() - read the answer to EXPLAIN
 * @tb: its attributes
 * @out: result
 *
 * Return: 0; -EBADMSG when it lacks the verdict or the reason.
 */
int rcpt_nl_parse_explain(struct nlattr **tb, struct rcpt_nl_explain *out)
{
	memset(out, 0, sizeof(*out));
	if (!HAS(tb, RECEIPT_A_VERDICT, RECEIPT_A_REASON))
		return -EBADMSG;
	out->allowed = nla_get_u8(tb[RECEIPT_A_VERDICT]);
	out->reason = nla_get_u32(tb[RECEIPT_A_REASON]);
	if (tb[RECEIPT_A_RULE])
		out->rule = nla_get_u32(tb[RECEIPT_A_RULE]);
	if (tb[RECEIPT_A_STATEMENTS])
		out->statements = nla_get_u32(tb[RECEIPT_A_STATEMENTS]);
	return 0;
}

/**
 * rcpt_nl_parse_stat() - read one number of the answer to STATS
 * @attr: the nest
 * @out: result
 *
 * Return: 0; -EBADMSG when it is none.
 */
int rcpt_nl_parse_stat(struct nlattr *attr, struct rcpt_nl_stat *out)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];

	memset(out, 0, sizeof(*out));
	if (nla_type(attr) != RECEIPT_A_STAT ||
	    nla_parse_nested(tb, RECEIPT_A_MAX, attr, policy) ||
	    !HAS(tb, RECEIPT_A_NAME, RECEIPT_A_VALUE))
		return -EBADMSG;
	out->name = nla_get_string(tb[RECEIPT_A_NAME]);
	out->value = nla_get_u64(tb[RECEIPT_A_VALUE]);
	if (tb[RECEIPT_A_REASON])
		out->reason = nla_get_u32(tb[RECEIPT_A_REASON]);
	if (tb[RECEIPT_A_LIMIT])
		out->limit = nla_get_u64(tb[RECEIPT_A_LIMIT]);
	return 0;
}

/*
 * Datagrams
 */

/* The attributes behind a struct nlmsgerr, or behind the code of NLMSG_DONE. */
static const char *extack_text(struct nlmsghdr *nlh, size_t skip, size_t *len)
{
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	size_t payload = nlmsg_datalen(nlh);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS) || payload < skip)
		return NULL;
	if (nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)nlmsg_data(nlh) + skip),
		      payload - skip, NULL) || !tb[NLMSGERR_ATTR_MSG])
		return NULL;
	*len = strnlen(nla_data(tb[NLMSGERR_ATTR_MSG]), nla_len(tb[NLMSGERR_ATTR_MSG]));
	return nla_data(tb[NLMSGERR_ATTR_MSG]);
}

/* What the kernel says of a message is a refusal, what else befalls is not. */
static enum rcpt_status status_of(int code, bool text)
{
	switch (-code) {
	case ENOMEM:
	case ENOENT:
		return RCPT_SYSTEM;
	case EINVAL:
	case EBADMSG:
	case E2BIG:
		return RCPT_INVALID;
	default:
		return text ? RCPT_INVALID : RCPT_SYSTEM;
	}
}

static void fill_error(struct rcpt_error *err, int code, const char *text,
		       size_t len)
{
	char copy[sizeof(err->text)];

	if (text)
		snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	else if (code == -EPERM)
		snprintf(copy, sizeof(copy),
			 "not permitted: needs CAP_MAC_ADMIN in the initial user namespace");
	else
		snprintf(copy, sizeof(copy), "%s", strerror(-code));
	rcpt_fail(err, status_of(code, text), rcpt_nl_reason_of(copy),
		  RCPT_NO_OFFSET, "%s", copy);
}

/* 0, or the errno that a code is; a negative one that is none is not believed. */
static int result_of(int code)
{
	if (code >= 0)
		return 0;
	return code < -MAX_ERRNO ? -EBADMSG : code;
}

static void finish(struct rcpt_nl_inbox *in, struct nlmsghdr *nlh, size_t skip)
{
	const char *text;
	size_t len = 0;
	int code = 0;

	/* There is one answer; another one does not undo it. */
	if (in->done)
		return;
	if ((size_t)nlmsg_datalen(nlh) >= sizeof(code))
		memcpy(&code, nlmsg_data(nlh), sizeof(code));
	in->done = true;
	in->result = result_of(code);
	if (!in->result)
		return;
	text = extack_text(nlh, skip, &len);
	fill_error(in->err, in->result, text, len);
}

/* An error message is followed by the request, unless that was cut off. */
static void take_error(struct rcpt_nl_inbox *in, struct nlmsghdr *nlh)
{
	struct nlmsgerr *e = nlmsg_data(nlh);
	size_t skip = sizeof(*e);

	if ((size_t)nlmsg_datalen(nlh) < sizeof(*e))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		skip += NLMSG_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	finish(in, nlh, skip);
}

static void take_message(struct rcpt_nl_inbox *in, struct nlmsghdr *nlh,
			 rcpt_nl_fn fn, void *arg)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct genlmsghdr *genl = nlmsg_data(nlh);

	if (nlh->nlmsg_type == in->family && fn && !rcpt_nl_parse_attrs(nlh, tb))
		fn(genl->cmd, tb, arg);
}

static void take(struct rcpt_nl_inbox *in, struct nlmsghdr *nlh)
{
	bool reply = in->seq && nlh->nlmsg_seq == in->seq && nlh->nlmsg_pid == in->port;

	if (!reply)
		return take_message(in, nlh, in->on_message, in->arg);
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		in->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		take_error(in, nlh);
	else if (nlh->nlmsg_type == NLMSG_DONE)
		finish(in, nlh, NLMSG_ALIGN(sizeof(int)));
	else
		take_message(in, nlh, in->on_reply, in->reply_arg);
}

/**
 * rcpt_nl_inbox_take() - take a datagram of the kernel apart
 * @in: where its messages go
 * @buf: datagram, aligned for struct nlmsghdr
 * @len: bytes
 *
 * What is malformed is passed over.
 */
void rcpt_nl_inbox_take(struct rcpt_nl_inbox *in, void *buf, size_t len)
{
	struct nlmsghdr *nlh = buf;
	int left = len;

	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left))
		take(in, nlh);
}
