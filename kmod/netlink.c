// SPDX-License-Identifier: GPL-2.0-only
/*
 * The border: generic netlink family "receipt" (uapi/receipt.h).
 *
 * Attributes are parsed here and not by the generic netlink core, so that what
 * is refused is counted, and a duplicate is seen. Evidence is proven in the
 * sender's context, several senders at a time.
 */
#include <linux/bitmap.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/kdev_t.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "compat.h"
#include "private.h"

#define TOKENS_MAX_BYTES (RECEIPT_MAX_TOKENS * sizeof(struct receipt_token))
#define PATH_MAX_BYTES	(RECEIPT_MAX_PATH * RECEIPT_HASH_SIZE)
#define HEADERS_MAX	(1 + RECEIPT_MAX_RECEIPTS)
#define VERSION_SIZE	20

/*
 * Bytes of a path that a lookup names, from its end: long ones would fill the
 * helper's socket.
 */
#define HINT_SIZE	128

static struct genl_family family;

#define MAX_LEN(bytes)	{ .type = NLA_BINARY, .len = (bytes) }

static const struct netlink_range_validation token_bytes = {
	.min = sizeof(struct receipt_token), .max = TOKENS_MAX_BYTES,
};

static const struct nla_policy attr_policy[RECEIPT_A_MAX + 1] = {
	[RECEIPT_A_ID] = { .type = NLA_U64 },
	[RECEIPT_A_KIND] = NLA_POLICY_RANGE(NLA_U8, RECEIPT_KIND_SHA256,
					    RECEIPT_KIND_DMVERITY_SHA256),
	[RECEIPT_A_DIGEST] = NLA_POLICY_RANGE(NLA_BINARY, RECEIPT_HASH_SIZE,
					      RECEIPT_MAX_DIGEST),
	[RECEIPT_A_OP] = NLA_POLICY_MAX(NLA_U8, RECEIPT_OP_COUNT - 1),
	[RECEIPT_A_STATEMENT] = { .type = NLA_NESTED },
	[RECEIPT_A_RECEIPT] = { .type = NLA_NESTED },
	[RECEIPT_A_MANIFEST] = { .type = NLA_NESTED },
	[RECEIPT_A_MORE] = { .type = NLA_FLAG },
	[RECEIPT_A_REASON] = NLA_POLICY_MAX(NLA_U32, 255),
	[RECEIPT_A_POLICY] = MAX_LEN(RECEIPT_MAX_POLICY),
	[RECEIPT_A_ABI] = { .type = NLA_U32 },
	[RECEIPT_A_POLICY_NAME] = { .type = NLA_NUL_STRING,
				    .len = RECEIPT_POLICY_NAME_MAX },
	[RECEIPT_A_POLICY_VERSION] = { .type = NLA_NUL_STRING,
				       .len = VERSION_SIZE - 1 },
	[RECEIPT_A_POLICY_SVN] = { .type = NLA_U32 },
	[RECEIPT_A_KEEP] = { .type = NLA_FLAG },
};

static const struct nla_policy stmt_policy[RECEIPT_STMT_MAX + 1] = {
	[RECEIPT_STMT_TOKENS] = NLA_POLICY_FULL_RANGE(NLA_BINARY, &token_bytes),
	[RECEIPT_STMT_BLOB] = MAX_LEN(RECEIPT_MAX_BLOB),
	[RECEIPT_STMT_PAYLOAD] = MAX_LEN(RECEIPT_MAX_PAYLOAD),
	[RECEIPT_STMT_SIGNATURE] = MAX_LEN(RECEIPT_MAX_SIGNATURE),
};

static const struct nla_policy rcpt_policy[RECEIPT_RCPT_MAX + 1] = {
	[RECEIPT_RCPT_TOKENS] = NLA_POLICY_FULL_RANGE(NLA_BINARY, &token_bytes),
	[RECEIPT_RCPT_BLOB] = MAX_LEN(RECEIPT_MAX_BLOB),
	[RECEIPT_RCPT_SIGNATURE] = MAX_LEN(RECEIPT_MAX_SIGNATURE),
	[RECEIPT_RCPT_PATH] = MAX_LEN(PATH_MAX_BYTES),
	[RECEIPT_RCPT_INDEX] = { .type = NLA_U64 },
	[RECEIPT_RCPT_TREE_SIZE] = { .type = NLA_U64 },
	[RECEIPT_RCPT_LEAF_TX] = NLA_POLICY_EXACT_LEN(RECEIPT_HASH_SIZE),
	[RECEIPT_RCPT_LEAF_EVIDENCE] =
		NLA_POLICY_RANGE(NLA_BINARY, 1, RECEIPT_MAX_LEAF_EVIDENCE),
	[RECEIPT_RCPT_LEFT] = MAX_LEN(RECEIPT_MAX_PATH),
};

static const struct nla_policy mft_policy[RECEIPT_MFT_MAX + 1] = {
	[RECEIPT_MFT_USAGE] = { .type = NLA_U8 },
	[RECEIPT_MFT_INDEX] = { .type = NLA_U64 },
	[RECEIPT_MFT_TREE_SIZE] = { .type = NLA_U64 },
	[RECEIPT_MFT_PATH] = MAX_LEN(PATH_MAX_BYTES),
};

/* Counts a refused message and names the reason. */
static int refuse(struct genl_info *info, enum receipt_reason reason,
		  const char *what, int err)
{
	receipt_count(RECEIPT_STAT_REFUSED_MESSAGES);
	NL_SET_ERR_MSG_FMT(info->extack, "%s: %s", receipt_reason_text(reason),
			   what);

	return err;
}

static int malformed(struct genl_info *info, const char *what)
{
	return refuse(info, RECEIPT_REASON_MESSAGE, what, -EINVAL);
}

static bool has_duplicate(const struct nlattr *head, int len, int repeatable)
{
	DECLARE_BITMAP(seen, RECEIPT_A_MAX + 1) = {};
	const struct nlattr *nla;
	int rem;

	nla_for_each_attr(nla, head, len, rem)
		if (nla_type(nla) != repeatable &&
		    __test_and_set_bit(nla_type(nla), seen))
			return true;

	return false;
}

/* Parses attributes; each at most once, but for those of type @repeatable. */
static int parse(struct genl_info *info, const struct nlattr *head, int len,
		 int repeatable, struct nlattr **tb, int max,
		 const struct nla_policy *policy)
{
	BUILD_BUG_ON(RECEIPT_A_MAX < RECEIPT_RCPT_MAX);

	if (__nla_parse(tb, max, head, len, policy, NL_VALIDATE_STRICT,
			info->extack)) {
		receipt_count(RECEIPT_STAT_REFUSED_MESSAGES);
		return -EINVAL;
	}
	if (has_duplicate(head, len, repeatable))
		return malformed(info, "duplicate attribute");

	return 0;
}

static int parse_nest(struct genl_info *info, const struct nlattr *nest,
		      struct nlattr **tb, int max,
		      const struct nla_policy *policy)
{
	return parse(info, nla_data(nest), nla_len(nest), -1, tb, max, policy);
}

static const struct nlattr *attr_head(const struct genl_info *info, int *len)
{
	*len = nlmsg_attrlen(info->nlhdr, GENL_HDRLEN);

	return nlmsg_attrdata(info->nlhdr, GENL_HDRLEN);
}

/* What every command begins with. */
static int begin(struct sk_buff *skb, struct genl_info *info,
		 struct nlattr **tb)
{
	const struct nlattr *head;
	int len;

	if (!netlink_capable(skb, CAP_MAC_ADMIN)) {
		receipt_count(RECEIPT_STAT_REFUSED_MESSAGES);
		return -EPERM;
	}
	if (info->genlhdr->reserved)
		return malformed(info, "reserved header field");
	head = attr_head(info, &len);

	return parse(info, head, len, RECEIPT_A_RECEIPT, tb, RECEIPT_A_MAX,
		     attr_policy);
}

static int read_digest(struct genl_info *info, struct nlattr **tb,
		       struct receipt_digest *digest)
{
	memset(digest, 0, sizeof(*digest));
	if (!tb[RECEIPT_A_KIND] || !tb[RECEIPT_A_DIGEST])
		return malformed(info, "kind or digest is missing");

	digest->kind = nla_get_u8(tb[RECEIPT_A_KIND]);
	if (nla_len(tb[RECEIPT_A_DIGEST]) != receipt_kind_size(digest->kind))
		return malformed(info, "digest does not fit its kind");
	memcpy(digest->bytes, nla_data(tb[RECEIPT_A_DIGEST]),
	       nla_len(tb[RECEIPT_A_DIGEST]));

	return 0;
}

/**
 * struct reading - evidence while it is read
 * @sk: socket that it came by
 * @info: message
 * @ev: evidence; its bytes stand in the message, its tokens in @tokens
 * @ntokens: used entries of @tokens
 * @tokens: aligned copies
 */
struct reading {
	const struct sock *sk;
	struct genl_info *info;
	struct receipt_evidence ev;
	u32 ntokens;
	struct receipt_token *tokens[HEADERS_MAX];
};

static const u8 *bytes_of(const struct nlattr *nla, u32 *len)
{
	*len = nla ? nla_len(nla) : 0;

	return nla ? nla_data(nla) : (const u8 *)"";
}

static int read_header(struct reading *r, const struct nlattr *tokens,
		       const struct nlattr *blob, struct receipt_header *hdr)
{
	struct receipt_token *copy;

	if (!tokens)
		return malformed(r->info, "tokens are missing");
	if (nla_len(tokens) % sizeof(*copy))
		return malformed(r->info, "tokens are cut off");

	copy = kvmalloc(nla_len(tokens), GFP_KERNEL_ACCOUNT);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, nla_data(tokens), nla_len(tokens));
	r->tokens[r->ntokens++] = copy;
	hdr->tokens = copy;
	hdr->ntokens = nla_len(tokens) / sizeof(*copy);
	hdr->blob = bytes_of(blob, &hdr->blob_len);

	return 0;
}

static int read_path(struct reading *r, const struct nlattr *nla,
		     const u8 **path, u32 *steps)
{
	u32 len;

	*path = bytes_of(nla, &len);
	if (len % RECEIPT_HASH_SIZE)
		return malformed(r->info, "path is cut off");
	*steps = len / RECEIPT_HASH_SIZE;

	return 0;
}

static int read_statement(struct reading *r, const struct nlattr *nest)
{
	struct receipt_statement *stmt = &r->ev.statement;
	struct nlattr *tb[RECEIPT_STMT_MAX + 1];
	int ret;

	ret = parse_nest(r->info, nest, tb, RECEIPT_STMT_MAX, stmt_policy);
	if (ret)
		return ret;
	if (!tb[RECEIPT_STMT_PAYLOAD] || !tb[RECEIPT_STMT_SIGNATURE])
		return malformed(r->info, "payload or signature is missing");
	stmt->payload = bytes_of(tb[RECEIPT_STMT_PAYLOAD], &stmt->payload_len);
	stmt->sig = bytes_of(tb[RECEIPT_STMT_SIGNATURE], &stmt->sig_len);

	return read_header(r, tb[RECEIPT_STMT_TOKENS], tb[RECEIPT_STMT_BLOB],
			   &stmt->hdr);
}

/* vds 1: index and size together. vds 2: a side for each step. */
static int read_proof(struct reading *r, struct nlattr **tb,
		      struct receipt_receipt *rcpt)
{
	u32 len;
	int ret;

	ret = read_path(r, tb[RECEIPT_RCPT_PATH], &rcpt->path, &rcpt->steps);
	if (ret)
		return ret;
	if (!tb[RECEIPT_RCPT_INDEX] != !tb[RECEIPT_RCPT_TREE_SIZE])
		return malformed(r->info, "index or tree size is missing");
	if (tb[RECEIPT_RCPT_INDEX]) {
		rcpt->has_index = true;
		rcpt->index = nla_get_u64(tb[RECEIPT_RCPT_INDEX]);
		rcpt->tree_size = nla_get_u64(tb[RECEIPT_RCPT_TREE_SIZE]);
	}
	if (tb[RECEIPT_RCPT_LEAF_TX])
		rcpt->leaf_tx = nla_data(tb[RECEIPT_RCPT_LEAF_TX]);
	if (tb[RECEIPT_RCPT_LEAF_EVIDENCE])
		rcpt->leaf_evidence = bytes_of(tb[RECEIPT_RCPT_LEAF_EVIDENCE],
					       &rcpt->leaf_evidence_len);
	if (tb[RECEIPT_RCPT_LEFT]) {
		rcpt->left = bytes_of(tb[RECEIPT_RCPT_LEFT], &len);
		if (len != rcpt->steps)
			return malformed(r->info, "sides do not fit the path");
	}

	return 0;
}

static int read_receipt(struct reading *r, const struct nlattr *nest)
{
	struct nlattr *tb[RECEIPT_RCPT_MAX + 1];
	struct receipt_receipt *rcpt;
	int ret;

	if (r->ev.nreceipts == RECEIPT_MAX_RECEIPTS)
		return refuse(r->info, RECEIPT_REASON_BOUND, "receipts",
			      -E2BIG);
	ret = parse_nest(r->info, nest, tb, RECEIPT_RCPT_MAX, rcpt_policy);
	if (ret)
		return ret;
	rcpt = &r->ev.receipts[r->ev.nreceipts++];
	rcpt->sig = bytes_of(tb[RECEIPT_RCPT_SIGNATURE], &rcpt->sig_len);
	ret = read_proof(r, tb, rcpt);
	if (ret)
		return ret;

	return read_header(r, tb[RECEIPT_RCPT_TOKENS], tb[RECEIPT_RCPT_BLOB],
			   &rcpt->hdr);
}

static int read_receipts(struct reading *r)
{
	const struct nlattr *nla, *head;
	int len, rem, ret = 0;

	head = attr_head(r->info, &len);
	nla_for_each_attr(nla, head, len, rem) {
		if (nla_type(nla) == RECEIPT_A_RECEIPT)
			ret = read_receipt(r, nla);
		if (ret)
			return ret;
	}

	return 0;
}

static int read_manifest(struct reading *r, const struct nlattr *nest)
{
	struct nlattr *tb[RECEIPT_MFT_MAX + 1];
	int ret;

	if (!nest)
		return 0;
	ret = parse_nest(r->info, nest, tb, RECEIPT_MFT_MAX, mft_policy);
	if (ret)
		return ret;
	if (!tb[RECEIPT_MFT_USAGE] || !tb[RECEIPT_MFT_INDEX] ||
	    !tb[RECEIPT_MFT_TREE_SIZE])
		return malformed(r->info, "manifest lacks usage, index or size");
	r->ev.has_manifest = true;
	r->ev.usage = nla_get_u8(tb[RECEIPT_MFT_USAGE]);
	r->ev.index = nla_get_u64(tb[RECEIPT_MFT_INDEX]);
	r->ev.tree_size = nla_get_u64(tb[RECEIPT_MFT_TREE_SIZE]);

	return read_path(r, tb[RECEIPT_MFT_PATH], &r->ev.path, &r->ev.steps);
}

static int read_evidence(struct reading *r, struct nlattr **tb)
{
	int ret;

	if (!tb[RECEIPT_A_STATEMENT])
		return malformed(r->info, "statement is missing");
	ret = read_digest(r->info, tb, &r->ev.digest);
	if (!ret)
		ret = read_statement(r, tb[RECEIPT_A_STATEMENT]);
	if (!ret)
		ret = read_manifest(r, tb[RECEIPT_A_MANIFEST]);
	if (!ret)
		ret = read_receipts(r);

	return ret;
}

static int evidence_errno(enum receipt_reason reason)
{
	switch (reason) {
	case RECEIPT_REASON_NO_MEMORY:
		return -ENOMEM;
	case RECEIPT_REASON_UNKNOWN_LOG:
	case RECEIPT_REASON_UNKNOWN_KEY:
		return -ENOKEY;
	case RECEIPT_REASON_SIGNATURE:
		return -EKEYREJECTED;
	default:
		return -EBADMSG;
	}
}

/*
 * The helper's answer is for those who wait, and its last part ends the lookup;
 * anything else is a preload, for the cache alone.
 */
static int store(struct reading *r, struct nlattr **tb,
		 struct receipt_proven *proven,
		 const struct receipt_policy *policy)
{
	bool answer = tb[RECEIPT_A_ID] &&
		      receipt_helper_is(r->sk);
	u64 id = answer ? nla_get_u64(tb[RECEIPT_A_ID]) : 0;
	int ret;

	if (answer)
		receipt_lookup_proven(id, &r->ev.digest, proven, policy);
	ret = receipt_cache_add(&r->ev.digest, proven, policy);
	/* Without memory for the cache those who wait are answered all the same. */
	if (answer && !tb[RECEIPT_A_MORE])
		receipt_lookup_done(id, &r->ev.digest, RECEIPT_REASON_ALLOWED,
				    policy);

	return ret;
}

/* Of a digest; whatever became of its last part, those before it may count. */
static void preloaded(const struct receipt_digest *digest, bool keep)
{
	if (keep)
		receipt_cache_keep(digest);
	receipt_lookup_preloaded(digest);
}

static int prove(struct reading *r, struct nlattr **tb)
{
	struct receipt_active *active = receipt_policy_get();
	struct receipt_proven *proven = NULL;
	enum receipt_reason reason;
	ktime_t start;
	int ret;

	if (!active)
		return refuse(r->info, RECEIPT_REASON_NO_POLICY,
			      "no log is trusted yet", -ENOKEY);

	start = ktime_get();
	reason = receipt_evidence_prove(&r->ev, active->policy, &proven);
	receipt_count_time(RECEIPT_TIMED_EVIDENCE, start);
	if (reason) {
		receipt_count(RECEIPT_STAT_REFUSED_EVIDENCE);
		NL_SET_ERR_MSG_FMT(r->info->extack, "%s",
				   receipt_reason_text(reason));
		ret = evidence_errno(reason);
	} else {
		ret = store(r, tb, proven, active->policy);
	}
	receipt_policy_put(active);
	if (!tb[RECEIPT_A_MORE] && !tb[RECEIPT_A_ID])
		preloaded(&r->ev.digest, tb[RECEIPT_A_KEEP]);

	return ret;
}

static int do_evidence(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct reading *r;
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	r = kvzalloc(sizeof(*r), GFP_KERNEL_ACCOUNT);
	if (!r)
		return -ENOMEM;

	r->sk = NETLINK_CB(skb).sk;
	r->info = info;
	ret = read_evidence(r, tb);
	if (!ret)
		ret = prove(r, tb);
	while (r->ntokens)
		kvfree(r->tokens[--r->ntokens]);
	kvfree(r);

	return ret;
}

static int do_no_evidence(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct receipt_digest digest;
	enum receipt_reason reason = RECEIPT_REASON_NO_EVIDENCE;
	struct receipt_active *active;
	bool done;
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	if (!receipt_helper_is(NETLINK_CB(skb).sk))
		return refuse(info, RECEIPT_REASON_MESSAGE,
			      "only the helper may say so", -EPERM);
	if (!tb[RECEIPT_A_ID])
		return malformed(info, "id is missing");
	ret = read_digest(info, tb, &digest);
	if (ret)
		return ret;
	/* What evidence lacks, the helper may say; what the kernel saw, not. */
	if (tb[RECEIPT_A_REASON] &&
	    nla_get_u32(tb[RECEIPT_A_REASON]) >= RECEIPT_REASON_MESSAGE &&
	    receipt_reason_known(nla_get_u32(tb[RECEIPT_A_REASON])))
		reason = nla_get_u32(tb[RECEIPT_A_REASON]);

	/* Nothing is asked while there is none. */
	active = receipt_policy_get();
	if (!active)
		return -ENOENT;
	done = receipt_lookup_done(nla_get_u64(tb[RECEIPT_A_ID]), &digest,
				   reason, active->policy);
	receipt_policy_put(active);

	return done ? 0 : -ENOENT;
}

static struct sk_buff *new_reply(struct genl_info *info, size_t size,
				 void **hdr)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &family, 0, info->genlhdr->cmd);
	if (!*hdr) {
		nlmsg_free(skb);
		return NULL;
	}

	return skb;
}

static int reply(struct genl_info *info, struct sk_buff *skb, void *hdr,
		 int ret)
{
	if (ret) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);

	return genlmsg_reply(skb, info);
}

static int put_abi(struct sk_buff *skb)
{
	return nla_put_u32(skb, RECEIPT_A_ABI, RECEIPT_ABI_VERSION) ?:
	       nla_put_u64_64bit(skb, RECEIPT_A_ERRATA, RECEIPT_ABI_ERRATA,
				 RECEIPT_A_PAD);
}

static int put_digest(struct sk_buff *skb, const struct receipt_digest *digest)
{
	return nla_put_u8(skb, RECEIPT_A_KIND, digest->kind) ?:
	       nla_put(skb, RECEIPT_A_DIGEST, receipt_kind_size(digest->kind),
		       digest->bytes);
}

static void format_version(char out[VERSION_SIZE], const u16 version[3])
{
	scnprintf(out, VERSION_SIZE, "%u.%u.%u", version[0], version[1],
		  version[2]);
}

static int put_policy(struct sk_buff *skb, const struct receipt_active *active)
{
	const struct receipt_policy *policy = active->policy;
	char version[VERSION_SIZE];

	format_version(version, policy->version);

	return nla_put_u8(skb, RECEIPT_A_MODE, policy->mode) ?:
	       nla_put_u64_64bit(skb, RECEIPT_A_GENERATION,
				 READ_ONCE(active->generation),
				 RECEIPT_A_PAD) ?:
	       nla_put_string(skb, RECEIPT_A_POLICY_NAME, policy->name) ?:
	       nla_put_string(skb, RECEIPT_A_POLICY_VERSION, version) ?:
	       nla_put_u32(skb, RECEIPT_A_POLICY_SVN, policy->svn);
}

static int put_floor(struct sk_buff *skb)
{
	struct receipt_lowest floor;
	enum receipt_floor source = receipt_floor_get(&floor);
	char version[VERSION_SIZE];

	if (!source)
		return 0;
	format_version(version, floor.version);

	return nla_put_u8(skb, RECEIPT_A_FLOOR_SOURCE, source) ?:
	       nla_put_string(skb, RECEIPT_A_FLOOR_NAME, floor.name) ?:
	       nla_put_string(skb, RECEIPT_A_FLOOR_VERSION, version) ?:
	       nla_put_u32(skb, RECEIPT_A_FLOOR_SVN, floor.svn);
}

static int do_hello(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct sk_buff *msg;
	void *hdr;
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	if (!tb[RECEIPT_A_ABI] ||
	    nla_get_u32(tb[RECEIPT_A_ABI]) != RECEIPT_ABI_VERSION)
		return malformed(info, "another ABI version");
	ret = receipt_helper_register(NETLINK_CB(skb).sk, info->snd_portid);
	if (ret)
		return refuse(info, RECEIPT_REASON_MESSAGE,
			      "another helper serves", ret);
	msg = new_reply(info, NLMSG_DEFAULT_SIZE, &hdr);

	return msg ? reply(info, msg, hdr, put_abi(msg)) : -ENOMEM;
}

static int put_helper(struct sk_buff *skb)
{
	u32 pid;

	return nla_put_u8(skb, RECEIPT_A_HELPER_STATE,
			  receipt_helper_get(NULL, &pid)) ?:
	       nla_put_u32(skb, RECEIPT_A_HELPER_PID, pid) ?:
	       nla_put_u64_64bit(skb, RECEIPT_A_HELPER_SINCE,
				 receipt_helper_age(), RECEIPT_A_PAD);
}

/* What the active policy says of the helper. */
static int put_policy_helper(struct sk_buff *skb,
			     const struct receipt_policy *policy)
{
	return nla_put_u32(skb, RECEIPT_A_HELPER_TIMEOUT,
			   policy->helper_timeout) ?:
	       nla_put_u8(skb, RECEIPT_A_NO_HELPER, policy->no_helper);
}

static int put_time(struct sk_buff *skb)
{
	s64 floor, now = receipt_clock_read(&floor);

	return nla_put_u64_64bit(skb, RECEIPT_A_TIME, now, RECEIPT_A_PAD) ?:
	       nla_put_u64_64bit(skb, RECEIPT_A_TIME_FLOOR, floor,
				 RECEIPT_A_PAD);
}

static int do_status(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct receipt_active *active;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	msg = new_reply(info, NLMSG_DEFAULT_SIZE, &hdr);
	if (!msg)
		return -ENOMEM;

	ret = put_abi(msg) ?: put_helper(msg) ?: put_floor(msg) ?:
	      put_time(msg);
	active = receipt_policy_get();
	if (!ret)
		ret = active ? put_policy(msg, active) ?:
			       put_policy_helper(msg, active->policy) :
			       nla_put_u8(msg, RECEIPT_A_MODE,
					  RECEIPT_MODE_NONE);
	receipt_policy_put(active);

	return reply(info, msg, hdr, ret);
}

static int add_figure_size(void *to, const struct receipt_figure *figure)
{
	size_t *size = to;

	*size += nla_total_size(nla_total_size(strlen(figure->name) + 1) +
				nla_total_size(sizeof(u32)) +
				2 * nla_total_size_64bit(sizeof(u64)));

	return 0;
}

static int put_figure(void *to, const struct receipt_figure *figure)
{
	struct sk_buff *skb = to;
	struct nlattr *nest = nla_nest_start(skb, RECEIPT_A_STAT);

	if (!nest || nla_put_string(skb, RECEIPT_A_NAME, figure->name) ||
	    nla_put_u64_64bit(skb, RECEIPT_A_VALUE, figure->value,
			      RECEIPT_A_PAD))
		return -EMSGSIZE;
	if (figure->reason &&
	    nla_put_u32(skb, RECEIPT_A_REASON, figure->reason))
		return -EMSGSIZE;
	if (figure->limit && nla_put_u64_64bit(skb, RECEIPT_A_LIMIT,
					       figure->limit, RECEIPT_A_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);

	return 0;
}

static int put_stats(struct sk_buff *skb)
{
	struct nlattr *nest = nla_nest_start(skb, RECEIPT_A_STATS);
	int ret = nest ? receipt_report(put_figure, skb) : -EMSGSIZE;

	if (!ret)
		nla_nest_end(skb, nest);

	return ret;
}

static int do_stats(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	size_t size = nla_total_size(0);
	struct sk_buff *msg;
	void *hdr;
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	receipt_report(add_figure_size, &size);
	msg = new_reply(info, size, &hdr);

	return msg ? reply(info, msg, hdr, put_stats(msg)) : -ENOMEM;
}

static int do_policy_load(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	if (!tb[RECEIPT_A_POLICY])
		return malformed(info, "policy is missing");

	return receipt_policy_load(nla_data(tb[RECEIPT_A_POLICY]),
				   nla_len(tb[RECEIPT_A_POLICY]), info->extack);
}

static int do_policy_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct receipt_active *active;
	struct sk_buff *msg;
	void *hdr;
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	active = receipt_policy_get();
	if (!active)
		return -ENOENT;
	msg = new_reply(info, nla_total_size(active->len) + NLMSG_DEFAULT_SIZE,
			&hdr);
	ret = -ENOMEM;
	if (msg) {
		ret = put_policy(msg, active) ?:
		      put_digest(msg, &active->digest) ?:
		      nla_put(msg, RECEIPT_A_POLICY, active->len, active->text);
		ret = reply(info, msg, hdr, ret);
	}
	receipt_policy_put(active);

	return ret;
}

static int read_floor(struct genl_info *info, struct nlattr **tb,
		      struct receipt_lowest *floor)
{
	const char *name, *version;

	memset(floor, 0, sizeof(*floor));
	if (!tb[RECEIPT_A_POLICY_NAME] || !tb[RECEIPT_A_POLICY_VERSION] ||
	    !tb[RECEIPT_A_POLICY_SVN])
		return malformed(info, "name, version or svn is missing");
	name = nla_data(tb[RECEIPT_A_POLICY_NAME]);
	version = nla_data(tb[RECEIPT_A_POLICY_VERSION]);
	if (receipt_lowest_name(floor, name, strlen(name)) ||
	    receipt_version_parse(version, strlen(version), floor->version))
		return malformed(info, "name or version of a policy");
	floor->svn = nla_get_u32(tb[RECEIPT_A_POLICY_SVN]);

	return 0;
}

static int do_floor(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct receipt_lowest floor;
	int ret;

	ret = begin(skb, info, tb);
	if (!ret)
		ret = read_floor(info, tb, &floor);

	return ret ?: receipt_policy_raise_floor(&floor, info->extack);
}

static int do_flush(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	int ret;

	ret = begin(skb, info, tb);
	if (ret)
		return ret;
	receipt_cache_flush();

	return receipt_policy_renew();
}

static int put_explanation(struct sk_buff *skb,
			   const struct receipt_verdict *verdict,
			   u32 statements)
{
	return nla_put_u8(skb, RECEIPT_A_VERDICT,
			  verdict->action != RECEIPT_ACTION_DENY) ?:
	       nla_put_u32(skb, RECEIPT_A_RULE, verdict->line) ?:
	       nla_put_u32(skb, RECEIPT_A_REASON, verdict->reason) ?:
	       nla_put_u32(skb, RECEIPT_A_STATEMENTS, statements);
}

static int do_explain(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[RECEIPT_A_MAX + 1];
	struct receipt_verdict verdict;
	struct receipt_digest digest;
	struct sk_buff *msg;
	u32 statements;
	void *hdr;
	int ret;

	ret = begin(skb, info, tb);
	if (!ret)
		ret = read_digest(info, tb, &digest);
	if (ret)
		return ret;
	if (!tb[RECEIPT_A_OP])
		return malformed(info, "operation is missing");
	verdict = receipt_explain(&digest, nla_get_u8(tb[RECEIPT_A_OP]),
				  &statements);
	msg = new_reply(info, NLMSG_DEFAULT_SIZE, &hdr);
	if (!msg)
		return -ENOMEM;

	return reply(info, msg, hdr,
		     put_explanation(msg, &verdict, statements));
}

/* Room for what put_lookup() puts. */
#define LOOKUP_SIZE (2 * nla_total_size_64bit(sizeof(u64)) +			\
		     2 * nla_total_size(sizeof(u8)) +				\
		     nla_total_size(RECEIPT_MAX_DIGEST) + nla_total_size(HINT_SIZE))

static int put_lookup(struct sk_buff *skb, u64 id, enum receipt_op op, u64 size,
		      const struct receipt_digest *digest, const char *path)
{
	return nla_put_u64_64bit(skb, RECEIPT_A_ID, id, RECEIPT_A_PAD) ?:
	       put_digest(skb, digest) ?:
	       nla_put_u8(skb, RECEIPT_A_OP, op) ?:
	       nla_put_u64_64bit(skb, RECEIPT_A_SIZE, size, RECEIPT_A_PAD) ?:
	       (path ? nla_put_string(skb, RECEIPT_A_PATH, path) : 0);
}

static int dump_lookups(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct receipt_digest digest;
	enum receipt_op op;
	u64 id, size;
	void *hdr;

	if (!netlink_capable(cb->skb, CAP_MAC_ADMIN))
		return -EPERM;

	while (receipt_lookup_next(cb->args[0], &id, &digest, &op, &size)) {
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &family, NLM_F_MULTI,
				  RECEIPT_CMD_LOOKUP);
		if (!hdr)
			break;
		if (put_lookup(skb, id, op, size, &digest, NULL)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = id;
	}

	return skb->len;
}

static int put_known(struct sk_buff *skb, struct netlink_callback *cb,
		     const struct receipt_digest *digest, u32 statements)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &family, NLM_F_MULTI,
				RECEIPT_CMD_DIGESTS);

	if (!hdr)
		return -EMSGSIZE;
	if (put_digest(skb, digest) ||
	    nla_put_u32(skb, RECEIPT_A_STATEMENTS, statements)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);

	return 0;
}

static int dump_digests(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct receipt_cache_place *at = (void *)cb->ctx;
	struct receipt_cache_place next = *at;
	struct receipt_digest digest;
	u32 statements;

	NL_ASSERT_CTX_FITS(struct receipt_cache_place);
	if (!netlink_capable(cb->skb, CAP_MAC_ADMIN))
		return -EPERM;

	while (receipt_cache_next(&next, &digest, &statements)) {
		if (put_known(skb, cb, &digest, statements))
			break;
		*at = next;
	}

	return skb->len;
}

/* The end of a path, at most HINT_SIZE - 1 bytes; NULL when it has none. */
static const char *path_hint(struct file *file, char *buf)
{
	char *path = file_path(file, buf, PATH_MAX);
	size_t len;

	if (IS_ERR(path))
		return NULL;
	len = strlen(path);

	return len < HINT_SIZE ? path : path + len - (HINT_SIZE - 1);
}

/**
 * receipt_netlink_ask - wake the helper for a lookup
 * @portid: its socket; zero: there is none now, the next one dumps
 * @id: of the lookup
 * @req: the event
 * @digest: what evidence is needed for
 *
 * A helper whose socket is full is told so, and dumps.
 *
 * Context: May sleep.
 * Return: 0, or -ENOMEM when the helper was not woken.
 */
int receipt_netlink_ask(u32 portid, u64 id, const struct receipt_request *req,
			const struct receipt_digest *digest)
{
	u64 size = req->inode ? i_size_read(req->inode) : req->size;
	struct sk_buff *skb;
	char *buf = NULL;
	void *hdr;
	int ret;

	if (!portid)
		return 0;
	skb = genlmsg_new(LOOKUP_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	if (req->file)
		buf = kmalloc(PATH_MAX, GFP_KERNEL);
	hdr = genlmsg_put(skb, 0, 0, &family, 0, RECEIPT_CMD_LOOKUP);
	ret = hdr ? put_lookup(skb, id, req->op, size, digest,
			       buf ? path_hint(req->file, buf) : NULL) :
		    -EMSGSIZE;
	kfree(buf);
	if (ret) {
		nlmsg_free(skb);
		return -ENOMEM;
	}
	genlmsg_end(skb, hdr);
	genlmsg_unicast(&init_net, skb, portid);

	return 0;
}

static bool has_listeners(void)
{
	return genl_has_listeners(&family, &init_net, 0);
}

static struct sk_buff *new_event(enum receipt_event event, void **hdr)
{
	struct sk_buff *skb;

	skb = genlmsg_new(NLMSG_GOODSIZE + PATH_MAX, GFP_KERNEL);
	if (!skb)
		return NULL;
	*hdr = genlmsg_put(skb, 0, 0, &family, 0, RECEIPT_CMD_EVENT);
	if (!*hdr || nla_put_u8(skb, RECEIPT_A_EVENT, event)) {
		nlmsg_free(skb);
		return NULL;
	}

	return skb;
}

/* To one socket, or to all listeners when @portid is zero. */
static void send_event(struct sk_buff *skb, void *hdr, int ret, u32 portid)
{
	if (ret) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	if (portid)
		genlmsg_unicast(&init_net, skb, portid);
	else
		genlmsg_multicast(&family, skb, 0, 0, GFP_KERNEL);
}

static int put_task(struct sk_buff *skb, struct task_struct *task)
{
	char comm[TASK_COMM_LEN];

	return nla_put_u32(skb, RECEIPT_A_PID, task_tgid_nr(task)) ?:
	       nla_put_u32(skb, RECEIPT_A_UID,
			   from_kuid(&init_user_ns, task_uid(task))) ?:
	       nla_put_string(skb, RECEIPT_A_COMM,
			      get_task_comm(comm, task));
}

static int put_file(struct sk_buff *skb, const struct file *file,
		    const char *path)
{
	const struct inode *inode = file_inode(file);

	return (path ? nla_put_string(skb, RECEIPT_A_PATH, path) : 0) ?:
	       nla_put_u32(skb, RECEIPT_A_DEV_MAJOR,
			   MAJOR(inode->i_sb->s_dev)) ?:
	       nla_put_u32(skb, RECEIPT_A_DEV_MINOR,
			   MINOR(inode->i_sb->s_dev)) ?:
	       nla_put_u64_64bit(skb, RECEIPT_A_INO, inode->i_ino,
				 RECEIPT_A_PAD);
}

/**
 * receipt_netlink_verdict - tell listeners of a denial
 * @req: the event
 * @out: how it ended
 * @path: of the file, or NULL
 * @suppressed: denials since the last event that there is none of
 *
 * Context: May sleep.
 */
void receipt_netlink_verdict(const struct receipt_request *req,
			     const struct receipt_outcome *out,
			     const char *path, u64 suppressed)
{
	struct sk_buff *skb;
	void *hdr;
	int ret;

	skb = has_listeners() ? new_event(RECEIPT_EVENT_VERDICT, &hdr) : NULL;
	if (!skb)
		return;
	ret = nla_put_string(skb, RECEIPT_A_HOOK, req->hook) ?:
	      nla_put_u8(skb, RECEIPT_A_OP, req->op) ?:
	      nla_put_u8(skb, RECEIPT_A_VERDICT, 0) ?:
	      nla_put_u8(skb, RECEIPT_A_ENFORCED, out->enforced) ?:
	      nla_put_u32(skb, RECEIPT_A_REASON, out->verdict.reason) ?:
	      nla_put_u32(skb, RECEIPT_A_RULE, out->verdict.line) ?:
	      put_task(skb, req->task ?: current) ?:
	      (out->digests.n ?
	       put_digest(skb, &out->digests.digest[0]) : 0) ?:
	      (req->file ? put_file(skb, req->file, path) : 0) ?:
	      (suppressed ? nla_put_u64_64bit(skb, RECEIPT_A_SUPPRESSED,
					      suppressed, RECEIPT_A_PAD) : 0);
	send_event(skb, hdr, ret, 0);
}

static void send_policy(const struct receipt_active *active, u32 portid)
{
	struct sk_buff *skb;
	void *hdr;

	skb = new_event(RECEIPT_EVENT_POLICY, &hdr);
	if (skb)
		send_event(skb, hdr, put_policy(skb, active) ?:
				     put_digest(skb, &active->digest), portid);
}

/**
 * receipt_netlink_policy - tell listeners and the helper of a new policy
 * @active: policy
 *
 * What the helper has preloaded counts only under the logs it was proven with.
 *
 * Context: May sleep.
 */
void receipt_netlink_policy(const struct receipt_active *active)
{
	u32 portid;

	receipt_helper_get(&portid, NULL);
	if (portid)
		send_policy(active, portid);
	if (has_listeners())
		send_policy(active, 0);
}

/**
 * receipt_netlink_helper - tell listeners of the helper's state
 * @state: new state
 * @pid: its process
 *
 * Context: May sleep.
 */
void receipt_netlink_helper(enum receipt_helper_state state, u32 pid)
{
	struct sk_buff *skb;
	void *hdr;

	skb = has_listeners() ? new_event(RECEIPT_EVENT_HELPER, &hdr) : NULL;
	if (skb)
		send_event(skb, hdr,
			   nla_put_u8(skb, RECEIPT_A_HELPER_STATE, state) ?:
			   nla_put_u32(skb, RECEIPT_A_HELPER_PID, pid), 0);
}

static const struct genl_small_ops ops[] = {
	{ .cmd = RECEIPT_CMD_HELLO, .doit = do_hello },
	{ .cmd = RECEIPT_CMD_LOOKUP, .dumpit = dump_lookups },
	{ .cmd = RECEIPT_CMD_EVIDENCE, .doit = do_evidence },
	{ .cmd = RECEIPT_CMD_NO_EVIDENCE, .doit = do_no_evidence },
	{ .cmd = RECEIPT_CMD_POLICY_LOAD, .doit = do_policy_load },
	{ .cmd = RECEIPT_CMD_POLICY_GET, .doit = do_policy_get },
	{ .cmd = RECEIPT_CMD_STATUS, .doit = do_status },
	{ .cmd = RECEIPT_CMD_STATS, .doit = do_stats },
	{ .cmd = RECEIPT_CMD_FLUSH, .doit = do_flush },
	{ .cmd = RECEIPT_CMD_EXPLAIN, .doit = do_explain },
	{ .cmd = RECEIPT_CMD_DIGESTS, .dumpit = dump_digests },
	{ .cmd = RECEIPT_CMD_FLOOR, .doit = do_floor },
};

static const struct genl_multicast_group groups[] = {
	{ .name = RECEIPT_GENL_EVENTS, .flags = GENL_MCAST_CAP_SYS_ADMIN },
};

static struct genl_family family __ro_after_init = {
	.name = RECEIPT_GENL_NAME,
	.version = RECEIPT_GENL_VERSION,
	.netnsok = false,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.small_ops = ops,
	.n_small_ops = ARRAY_SIZE(ops),
	/* None is left to the core's validation, see parse(). */
	.resv_start_op = __RECEIPT_CMD_MAX,
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

/**
 * receipt_netlink_init - register the family
 *
 * Return: 0, or what generic netlink says.
 */
int __init receipt_netlink_init(void)
{
	return genl_register_family(&family);
}

/**
 * receipt_netlink_exit - undo receipt_netlink_init() after a failed bring-up
 */
void __init receipt_netlink_exit(void)
{
	genl_unregister_family(&family);
}
