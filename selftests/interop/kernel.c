// SPDX-License-Identifier: MIT
/*
 * The kernel's own check, kmod/evidence.c and what it calls, on what a message of
 * the helper would say.
 */
#include "private.h"

#include "netlink.h"

static void fill_header(struct receipt_header *hdr, const struct rcpt_tokens *t)
{
	hdr->tokens = t->tokens;
	hdr->ntokens = t->count;
	hdr->blob = t->blob ?: (const u8 *)"";
	hdr->blob_len = t->blob_len;
}

static void fill_receipt(struct receipt_receipt *out, const struct rcpt_receipt *r)
{
	const struct rcpt_inclusion *p = &r->proofs[0];
	bool ccf = r->header.vds == RECEIPT_VDS_CCF;

	fill_header(&out->hdr, &r->tokens);
	out->sig = r->sign1.signature.data;
	out->sig_len = r->sign1.signature.len;
	out->path = p->path[0];
	out->steps = p->npath;
	out->has_index = !ccf;
	out->index = p->index;
	out->tree_size = p->size;
	if (!ccf)
		return;
	out->leaf_tx = p->leaf_tx;
	out->leaf_evidence = p->evidence.data;
	out->leaf_evidence_len = p->evidence.len;
	out->left = p->left;
}

static void fill(struct receipt_evidence *out, const struct rcpt_nl_evidence *ev)
{
	u32 i;

	memset(out, 0, sizeof(*out));
	out->digest.kind = ev->kind;
	memcpy(out->digest.bytes, ev->digest.data, ev->digest.len);
	fill_header(&out->statement.hdr, &ev->stmt->tokens);
	out->statement.payload = ev->stmt->sign1.payload.data;
	out->statement.payload_len = ev->stmt->sign1.payload.len;
	out->statement.sig = ev->stmt->sign1.signature.data;
	out->statement.sig_len = ev->stmt->sign1.signature.len;
	out->has_manifest = ev->manifest;
	out->usage = ev->usage;
	out->index = ev->index;
	out->tree_size = ev->size;
	out->path = ev->npath ? ev->path[0] : (const u8 *)"";
	out->steps = ev->npath;
	out->nreceipts = ev->nreceipts;
	for (i = 0; i < ev->nreceipts; i++)
		fill_receipt(&out->receipts[i], &ev->receipts[i]);
}

/* What the policy's rules for EXECUTE say with this one statement. */
static enum receipt_reason rule(const struct receipt_policy *policy,
				const struct receipt_evidence *ev,
				const struct receipt_proven *proven)
{
	bool measured = policy->digests & BIT(ev->digest.kind);
	struct receipt_facts facts = {
		.op = RECEIPT_OP_EXECUTE,
		.ndigests = measured,
		.digests = { { ev->digest.kind, ev->digest.bytes } },
		.evidence_complete = true,
		.nsummaries = measured,
		.summaries = { &proven->summary },
	};

	return receipt_policy_eval(policy, &facts).reason;
}

static int identify(struct receipt_key *key, u32 line, void *arg)
{
	(void)line;
	(void)arg;
	return receipt_logkey_identify(key);
}

/**
 * kernel_start() - get ready for a policy, as the kernel does when it is loaded
 * @policy: parsed; what its keys are known by is filled in
 *
 * Return: 0 or a negative errno.
 */
int kernel_start(struct receipt_policy *policy)
{
	static bool started;
	int ret = started ? 0 : receipt_logkey_init();

	started = !ret;
	return ret ? ret : receipt_policy_identify(policy, identify, NULL);
}

/**
 * kernel_judge() - the kernel's verdict on a piece of evidence
 * @msg: what the helper sends; over a bound of the border it is refused there
 * @arg: struct receipt_policy, after kernel_start()
 *
 * Return: RECEIPT_REASON_ALLOWED or why not.
 */
enum receipt_reason kernel_judge(const struct rcpt_nl_evidence *msg, void *arg)
{
	static struct receipt_evidence ev;
	struct receipt_proven *proven = NULL;
	struct nl_msg *built = NULL;
	enum receipt_reason reason;

	if (rcpt_nl_build_evidence(&built, 1, msg, NULL))
		return RECEIPT_REASON_BOUND;
	nlmsg_free(built);
	fill(&ev, msg);
	reason = receipt_evidence_prove(&ev, arg, &proven);
	if (!reason)
		reason = rule(arg, &ev, proven);
	free(proven);
	return reason;
}
