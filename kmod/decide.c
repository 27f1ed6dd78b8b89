// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision: one function, one exit. A verdict is a function of digest,
 * operation, evidence and policy; the permissive override stands in conclude()
 * and nowhere else.
 */
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <linux/shmem_fs.h>
#include <uapi/linux/fcntl.h>

#include "hit.h"
#include "private.h"

#define MEMFD_SEALS	(F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
/* While the helper is asked, the policy may be swapped or all be forgotten. */
#define JUDGE_TRIES	16

static const struct {
	u32 num;
	const char *text;
} reasons[] = {
#define REASON_TEXT(num, name, text) { num, text },
	RECEIPT_REASONS(REASON_TEXT)
#undef REASON_TEXT
};

/**
 * receipt_reason_text - the stable text of a reason
 * @reason: reason
 *
 * Return: the text.
 */
const char *receipt_reason_text(enum receipt_reason reason)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].num == reason)
			return reasons[i].text;

	return "unknown";
}

/**
 * receipt_reason_known - is a number that of a reason?
 * @number: of user space
 *
 * Return: whether it is.
 */
bool receipt_reason_known(u32 number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].num == number)
			return true;

	return false;
}

/**
 * receipt_reason_errno - what the caller of a system call gets
 * @reason: of a denial
 *
 * Return: -ETXTBSY when the file is open for writing or changed, -EINTR,
 *	-ENOMEM, else -EACCES.
 */
int receipt_reason_errno(enum receipt_reason reason)
{
	switch (reason) {
	case RECEIPT_REASON_OPEN_WRITER:
	case RECEIPT_REASON_FILE_CHANGED:
		return -ETXTBSY;
	case RECEIPT_REASON_INTERRUPTED:
		return -EINTR;
	case RECEIPT_REASON_NO_MEMORY:
		return -ENOMEM;
	default:
		return -EACCES;
	}
}

static struct receipt_verdict deny(enum receipt_reason reason)
{
	return (struct receipt_verdict){
		.action = RECEIPT_ACTION_DENY,
		.reason = reason,
	};
}

/*
 * Does the filesystem promise that content changes only under i_writecount?
 * Those on a device of this machine do, and those in memory; not FUSE, not
 * network and cluster filesystems, not nilfs2, whose cleaner moves what blocks a
 * process tells it. Where the pages are the device itself (DAX), they cannot be
 * read anew into others, and who has pinned one goes on to write to it.
 */
static bool stable_content(const struct inode *inode)
{
	const struct super_block *sb = inode->i_sb;

	if (IS_DAX(inode))
		return false;
	switch (sb->s_magic) {
	case TMPFS_MAGIC:
	case RAMFS_MAGIC:
		return true;
	case FUSE_SUPER_MAGIC:
	case OCFS2_SUPER_MAGIC:
	case NILFS_SUPER_MAGIC:
	case 0x01161970:	/* GFS2 */
		return false;
	case EROFS_SUPER_MAGIC_V1:
		/* Of a file, to which others write. */
		return sb->s_bdev;
	default:
		return sb->s_type->fs_flags & FS_REQUIRES_DEV;
	}
}

/* A memfd can be written through the descriptor it was born with. */
static bool unsealed_memfd(const struct inode *inode)
{
	if (inode->i_sb->s_magic != TMPFS_MAGIC ||
	    !(inode->i_sb->s_flags & SB_KERNMOUNT))
		return false;

	return (SHMEM_I((struct inode *)inode)->seals & MEMFD_SEALS) !=
	       MEMFD_SEALS;
}

/**
 * struct artifact - what is found out about the artifact of a request
 * @state: of its inode; NULL for a buffer
 * @change: of @state
 * @boot: it came with the initramfs
 * @fstype: name of the type of file system that it is on, or NULL
 * @unstable: which does not promise stable content; nothing is remembered
 * @kinds: bits of the kinds of digests that count
 * @hashed: those of the content are known as well
 * @left: jiffies for which the helper may be waited for, however often it is asked
 */
struct artifact {
	struct receipt_state *state;
	u64 change;
	bool boot;
	const char *fstype;
	bool unstable;
	u8 kinds;
	bool hashed;
	unsigned long left;
};

/* What is not stable is judged only where a rule names its file system. */
static enum receipt_reason check_inode(const struct receipt_policy *policy,
				       enum receipt_op op,
				       struct inode *inode,
				       struct artifact *art)
{
	art->fstype = inode->i_sb->s_type->name;
	art->unstable = !stable_content(inode);
	if (!S_ISREG(inode->i_mode))
		return RECEIPT_REASON_UNSTABLE_FS;
	if (art->unstable &&
	    !receipt_policy_names_fstype(policy, op, art->fstype))
		return RECEIPT_REASON_UNSTABLE_FS;
	if (policy->mounts_sealed && receipt_mounts_late(inode->i_sb) &&
	    !receipt_verity_checks(inode))
		return RECEIPT_REASON_LATE_MOUNT;
	if (unsealed_memfd(inode))
		return RECEIPT_REASON_OPEN_WRITER;

	return RECEIPT_REASON_ALLOWED;
}

/*
 * Whoever executes a file closes it to writers first, and reads its head then: maybe
 * from a page that is not the one that was settled and hashed.
 */
static bool others_execute(const struct receipt_request *req)
{
	/* Who comes from here on reads pages that are settled. */
	smp_mb();

	return atomic_read(&req->inode->i_writecount) < (req->executed ? -1 : 0);
}

/*
 * Once for each content: to do it again would mend what a recheck is there to find.
 * Nobody writes to a device under dm-verity.
 */
static enum receipt_reason settle_pages(const struct receipt_request *req,
					const struct artifact *art,
					const struct receipt_digests *digests)
{
	if (READ_ONCE(art->state->settled))
		return RECEIPT_REASON_ALLOWED;
	if (receipt_digests_kinds(digests) & BIT(RECEIPT_KIND_DMVERITY_SHA256))
		return RECEIPT_REASON_ALLOWED;
	if (req->locked)
		return RECEIPT_REASON_UNKNOWN_UNDER_LOCK;
	if (atomic_read(&req->inode->i_writecount) > 0 ||
	    !receipt_pages_settle(req->inode))
		return RECEIPT_REASON_OPEN_WRITER;

	return receipt_state_settled(art->state, art->change,
				     others_execute(req)) ?
	       RECEIPT_REASON_ALLOWED : RECEIPT_REASON_FILE_CHANGED;
}

/* After measure_inode(), where the content is not hashed: all digests. */
static enum receipt_reason hash_inode(const struct receipt_request *req,
				      struct artifact *art,
				      struct receipt_digests *digests)
{
	enum receipt_reason reason;

	if (req->locked)
		return RECEIPT_REASON_UNKNOWN_UNDER_LOCK;
	if (atomic_read(&req->inode->i_writecount) > 0)
		return RECEIPT_REASON_OPEN_WRITER;
	reason = receipt_measure_file(req->file, req->task ?: current,
				      art->kinds & RECEIPT_CONTENT_KINDS,
				      digests);
	/* A copy-up meanwhile: what was read is not all of that inode. */
	if (!reason && d_real_inode(req->file->f_path.dentry) != req->inode)
		reason = RECEIPT_REASON_FILE_CHANGED;
	if (!reason && !art->unstable)
		reason = receipt_pages_end(req->file, req->inode);
	if (!reason && !art->unstable)
		reason = receipt_state_measured(art->state, art->change,
						digests);
	if (reason)
		return reason;

	art->hashed = true;
	if (art->unstable)
		return RECEIPT_REASON_ALLOWED;
	receipt_verity_digests(req->inode, art->kinds, digests);

	return RECEIPT_REASON_ALLOWED;
}

/* The digests that cost nothing: those that are known, and those of verity. */
static enum receipt_reason measure_inode(const struct receipt_policy *policy,
					 const struct receipt_request *req,
					 struct artifact *art,
					 struct receipt_digests *digests)
{
	u8 content = art->kinds & RECEIPT_CONTENT_KINDS;
	enum receipt_reason reason;

	if (!req->locked)
		receipt_verity_look(req->inode);
	reason = check_inode(policy, req->op, req->inode, art);
	/* Nothing of it can be remembered, which is what is asked for. */
	if (!reason && art->unstable && req->quiet)
		reason = RECEIPT_REASON_UNSTABLE_FS;
	if (art->unstable)
		art->hashed = false;
	if (reason || art->unstable)
		return reason;
	art->state = receipt_state_get(req->inode);
	if (!art->state)
		return RECEIPT_REASON_NO_MEMORY;
	art->hashed = receipt_state_digests(art->state, content, digests,
					    &art->change) && !req->recheck;
	if (!art->hashed)
		digests->n = 0;
	receipt_verity_digests(req->inode, art->kinds, digests);
	reason = settle_pages(req, art, digests);
	art->boot = READ_ONCE(art->state->boot);

	return reason;
}

static enum receipt_reason measure(const struct receipt_policy *policy,
				   const struct receipt_request *req,
				   struct artifact *art,
				   struct receipt_digests *digests)
{
	struct inode *inode;

	if (req->inode)
		return measure_inode(policy, req, art, digests);

	/* The kernel keeps writers off the file that it reads. */
	inode = req->file ? d_real_inode(req->file->f_path.dentry) : NULL;
	art->boot = inode && receipt_state_is_boot(inode);
	art->fstype = inode ? inode->i_sb->s_type->name : NULL;
	art->hashed = true;

	return receipt_measure_buffer(req->buf, req->size,
				      art->kinds & RECEIPT_CONTENT_KINDS,
				      digests);
}

/*
 * Under no_helper=deny no evidence counts while no helper serves, but for the next
 * policy and for what is kept for the start of the helper: these may be the remedy.
 */
static bool is_mute(const struct receipt_policy *policy, enum receipt_op op,
		    const struct receipt_known *known)
{
	return policy->no_helper == RECEIPT_NO_HELPER_DENY &&
	       op != RECEIPT_OP_POLICY && !known->kept &&
	       receipt_helper_get(NULL, NULL) != RECEIPT_HELPER_SERVING;
}

/* While no helper serves, what is kept of an artifact is all there is to know. */
static bool is_all(const struct receipt_known *known, u8 n)
{
	while (n--)
		if (known[n].kept)
			return receipt_helper_get(NULL, NULL) !=
			       RECEIPT_HELPER_SERVING;

	return false;
}

/*
 * Under one policy, with what is known of each digest, of which the caller drops
 * the references. UNSET: ask the helper first, unless it was @asked in vain.
 */
static struct receipt_verdict evaluate(const struct receipt_active *active,
				       enum receipt_op op,
				       const struct artifact *art,
				       const struct receipt_digests *digests,
				       const struct receipt_known *known,
				       bool asked)
{
	const struct receipt_policy *policy = active->policy;
	u64 generation = READ_ONCE(active->generation);
	bool all = is_all(known, digests->n);
	struct receipt_facts facts = {
		.op = op,
		.boot_verified = art->boot,
		.fstype = art->fstype,
		.unstable = art->unstable,
		.now = policy->has_max_age ? receipt_clock_now() : 0,
		.evidence_complete = true,
	};
	enum receipt_reason none = RECEIPT_REASON_ALLOWED;
	struct receipt_verdict verdict;
	u8 d, i;

	for (d = 0; d < digests->n; d++, known++) {
		bool mute = is_mute(policy, op, known);

		facts.digests[d].kind = digests->digest[d].kind;
		facts.digests[d].bytes = digests->digest[d].bytes;
		for (i = 0; i < known->n && !mute; i++)
			facts.summaries[facts.nsummaries++] =
				&known->proven[i]->summary;
		facts.evidence_crowded |= known->crowded;
		if (mute || (!all && known->generation != generation))
			facts.evidence_complete = asked;
		else if (known->reason)
			none = known->reason;
	}
	facts.ndigests = digests->n;
	verdict = receipt_policy_eval(policy, &facts);
	if (verdict.reason == RECEIPT_REASON_NO_EVIDENCE && none)
		verdict.reason = none;

	return verdict;
}

/* What the cache holds, and what an answer holds besides, and what was known before. */
static void recall(const struct receipt_digest *digest,
		   struct receipt_known *answer, struct receipt_known *known,
		   const struct receipt_policy *policy)
{
	struct receipt_known before = *known;

	receipt_cache_find(digest, known);
	receipt_known_move(known, answer, policy);
	/* That there is no more was said of the past. */
	before.generation = 0;
	receipt_known_move(known, &before, policy);
}

/* Asks for the first digest about which not all is known. */
static enum receipt_reason ask(const struct receipt_active *active,
			       const struct receipt_request *req,
			       unsigned long *left,
			       const struct receipt_digests *digests,
			       struct receipt_known *known)
{
	u64 generation = READ_ONCE(active->generation);
	struct receipt_known answer = {};
	enum receipt_reason reason;
	u8 d;

	if (req->locked || req->task)
		return RECEIPT_REASON_UNKNOWN_UNDER_LOCK;
	if (req->quiet && receipt_helper_get(NULL, NULL) != RECEIPT_HELPER_SERVING)
		return RECEIPT_REASON_NO_HELPER;
	if (req->quiet && receipt_lookup_paused())
		return RECEIPT_REASON_HELPER_TIMEOUT;
	for (d = 0; d + 1 < digests->n; d++)
		if (known[d].generation != generation)
			break;
	reason = receipt_lookup_wait(req, &digests->digest[d], active, left,
				     &answer);
	recall(&digests->digest[d], &answer, &known[d], active->policy);

	return reason;
}

/* Can @policy judge by what was found out? */
static bool suffices(const struct artifact *art,
		     const struct receipt_policy *policy, enum receipt_op op)
{
	return art->kinds == policy->digests &&
	       (art->hashed || !receipt_policy_needs_content(policy, op));
}

/* Where nobody can be asked: was everything asked when the program was executed? */
static bool was_settled(const struct receipt_request *req)
{
	return (req->locked || req->task) && req->op == RECEIPT_OP_ANON_EXEC &&
	       req->inode &&
	       receipt_state_allows(req->inode, RECEIPT_OP_SETTLED, NULL);
}

/* The verdict; UNSET when the policy that is active now asks for other digests. */
static struct receipt_verdict rule_known(struct receipt_active **active,
					 const struct receipt_request *req,
					 struct artifact *art,
					 const struct receipt_digests *digests,
					 struct receipt_known *known)
{
	enum receipt_reason why = RECEIPT_REASON_ALLOWED;
	struct receipt_verdict verdict;
	int tries;

	for (tries = 0; tries < JUDGE_TRIES && !why; tries++) {
		verdict = evaluate(*active, req->op, art, digests, known,
				   was_settled(req));
		if (verdict.action != RECEIPT_ACTION_UNSET)
			return verdict;
		why = ask(*active, req, &art->left, digests, known);
		receipt_policy_put(*active);
		*active = receipt_policy_get();
		if (!suffices(art, (*active)->policy, req->op))
			return (struct receipt_verdict){};
	}

	/* It cannot be asked: judge without, and say why it came to that. */
	verdict = evaluate(*active, req->op, art, digests, known, true);
	if (verdict.action != RECEIPT_ACTION_ALLOW)
		verdict.reason = why ?: RECEIPT_REASON_NO_EVIDENCE;

	return verdict;
}

static struct receipt_verdict rule(struct receipt_active **active,
				   const struct receipt_request *req,
				   struct artifact *art,
				   const struct receipt_digests *digests)
{
	bool program = req->op == RECEIPT_OP_ANON_EXEC && art->state;
	struct receipt_known known[RECEIPT_MEASURED_MAX];
	struct receipt_verdict verdict;
	u8 d;

	for (d = 0; d < digests->n; d++)
		receipt_cache_find(&digests->digest[d], &known[d]);
	if (program)
		receipt_rights_recall(art->state, digests, (*active)->policy,
				      known);
	verdict = rule_known(active, req, art, digests, known);
	if (program && !req->locked && verdict.action == RECEIPT_ACTION_ALLOW)
		receipt_rights_keep(art->state, art->change, digests, known);
	for (d = 0; d < digests->n; d++)
		receipt_known_put(&known[d]);

	return verdict;
}

/*
 * Whoever may read a file can map it, and closes it to writers by that. Once an empty
 * file is sealed, this would be any empty file: logs, locks. There is nothing in it to
 * map. Of who executes it as a program, nothing is remembered: the kernel refuses it, or
 * hands it to an interpreter.
 */
static bool is_empty(const struct receipt_request *req,
		     const struct receipt_outcome *out)
{
	return out->verdict.proven && req->op == RECEIPT_OP_EXECUTE &&
	       !i_size_read(req->inode);
}

/*
 * An allowed inode: remember it, and close it to writers where it gets mapped.
 * Not under a permissive policy, which stops no writer either.
 */
static enum receipt_reason settle(const struct receipt_request *req,
				  const struct artifact *art,
				  const struct receipt_outcome *out,
				  struct receipt_active *active)
{
	bool proven = out->verdict.proven &&
		      active->policy->mode == RECEIPT_MODE_ENFORCE;
	bool empty = is_empty(req, out);
	u64 generation;

	if (empty && !req->executed)
		return RECEIPT_REASON_EMPTY;
	if (proven && !receipt_verity_rely(req->inode, &out->digests))
		return RECEIPT_REASON_FILE_CHANGED;
	generation = receipt_policy_expires(active, out->verdict.expires);
	if (!empty && !receipt_state_allow(art->state, art->change, req->op,
					   generation, proven))
		return RECEIPT_REASON_FILE_CHANGED;
	if (!proven || !req->hold)
		return RECEIPT_REASON_ALLOWED;
	if (!receipt_hold(req->file))
		return RECEIPT_REASON_OPEN_WRITER;

	return receipt_state_unchanged(art->state, art->change) ?
	       RECEIPT_REASON_ALLOWED : RECEIPT_REASON_FILE_CHANGED;
}

/*
 * One round: by the digests that cost nothing, and where they do not lead to an
 * allowance, or one must not be had without it, by those of the content as well.
 * Only who needs the answer has a file hashed that verity vouches for.
 */
static struct receipt_verdict judge_round(struct receipt_active **active,
					  const struct receipt_request *req,
					  struct artifact *art,
					  struct receipt_digests *digests)
{
	struct receipt_verdict verdict;
	enum receipt_reason reason;

	art->kinds = (*active)->policy->digests;
	reason = measure((*active)->policy, req, art, digests);
	if (!reason && (digests->n || art->unstable) && suffices(art, (*active)->policy, req->op)) {
		verdict = rule(active, req, art, digests);
		if (verdict.action != RECEIPT_ACTION_DENY || art->hashed ||
		    req->quiet)
			return verdict;
	}
	if (!reason && !art->hashed)
		reason = hash_inode(req, art, digests);
	if (reason) {
		digests->n = 0;
		return deny(reason);
	}

	return rule(active, req, art, digests);
}

static void judge(struct receipt_active **active,
		  const struct receipt_request *req,
		  struct receipt_outcome *out)
{
	struct artifact art = {
		.left = (*active)->policy->helper_timeout * HZ,
	};
	enum receipt_reason reason;
	int tries = 0;

	if (req->refuse) {
		out->verdict = deny(req->refuse);
		return;
	}
	do {
		out->verdict = judge_round(active, req, &art, &out->digests);
	} while (out->verdict.action == RECEIPT_ACTION_UNSET &&
		 ++tries < JUDGE_TRIES);
	if (out->verdict.action == RECEIPT_ACTION_UNSET)
		out->verdict = deny(RECEIPT_REASON_NO_EVIDENCE);
	if (out->verdict.action != RECEIPT_ACTION_ALLOW)
		return;
	if (req->need_proof && !out->verdict.proven)
		out->verdict = deny(RECEIPT_REASON_NO_EVIDENCE);
	if (req->need_proof || !art.state)
		return;
	reason = settle(req, &art, out, *active);
	if (reason)
		out->verdict = deny(reason);
}

/* To whom it is only of interest; -EAGAIN: it may be another answer next time. */
static int quiet_errno(const struct receipt_verdict *verdict)
{
	if (verdict->action == RECEIPT_ACTION_ALLOW)
		return 0;

	switch (verdict->reason) {
	case RECEIPT_REASON_NO_HELPER:
	case RECEIPT_REASON_HELPER_ITSELF:
	case RECEIPT_REASON_HELPER_TIMEOUT:
	case RECEIPT_REASON_NO_MEMORY:
	case RECEIPT_REASON_INTERRUPTED:
	case RECEIPT_REASON_QUEUE_FULL:
	case RECEIPT_REASON_OPEN_WRITER:
	case RECEIPT_REASON_FILE_CHANGED:
	case RECEIPT_REASON_UNREADABLE:
	case RECEIPT_REASON_UNKNOWN_UNDER_LOCK:
		return -EAGAIN;
	default:
		return -EACCES;
	}
}

/* The one exit: only here a denial becomes an error, or passes as permitted. */
static int conclude(const struct receipt_request *req,
		    struct receipt_outcome *out)
{
	if (req->quiet)
		return quiet_errno(&out->verdict);
	if (out->verdict.action == RECEIPT_ACTION_ALLOW) {
		if (!req->again)
			receipt_count(RECEIPT_STAT_ALLOWED);
		return 0;
	}

	if (!req->again) {
		receipt_count(out->enforced ? RECEIPT_STAT_DENIED :
					      RECEIPT_STAT_PERMITTED);
		receipt_count_denial(out->verdict.reason, out->enforced);
		receipt_audit_verdict(req, out);
	}

	return out->enforced ? receipt_reason_errno(out->verdict.reason) : 0;
}

/**
 * receipt_decide - decide on an event
 * @req: the event, not known to be allowed, see receipt_state_allows()
 *
 * Context: May sleep, hash and wait for the helper, but for @req->locked.
 * Return: 0, or under an enforcing policy what receipt_reason_errno() says. Where
 *	@req->quiet: 0 when it is allowed, -EACCES when not, -EAGAIN when it may
 *	be next time, whatever the mode.
 */
int receipt_decide(const struct receipt_request *req)
{
	struct receipt_outcome out = {};
	struct receipt_active *active;
	int ret;

	if (READ_ONCE(receipt_unruled) & BIT(req->op) && !req->need_proof)
		return 0;
	active = receipt_policy_get();
	if (!active)
		return 0;
	if (!req->again)
		receipt_count(RECEIPT_STAT_MISSES);
	judge(&active, req, &out);
	out.enforced = active->policy->mode == RECEIPT_MODE_ENFORCE;
	ret = conclude(req, &out);
	receipt_policy_put(active);

	return ret;
}

/**
 * receipt_explain - what would be decided about a digest now
 * @digest: of an artifact that is not boot verified
 * @op: operation
 * @statements: set to the number of proven statements that are known
 *
 * Return: the verdict without asking the helper; action UNSET when no policy is
 *	active.
 */
struct receipt_verdict receipt_explain(const struct receipt_digest *digest,
				       enum receipt_op op, u32 *statements)
{
	struct receipt_active *active = receipt_policy_get();
	struct receipt_verdict verdict = { .reason = RECEIPT_REASON_NO_POLICY };
	struct receipt_digests digests = { .n = 1, .digest[0] = *digest };
	struct receipt_known known = {};
	struct artifact art = {};

	/* Of a kind that is not measured nothing is asked. */
	if (active && !(active->policy->digests & BIT(digest->kind)))
		digests.n = 0;
	if (active) {
		if (digests.n)
			receipt_cache_find(digest, &known);
		verdict = evaluate(active, op, &art, &digests, &known, true);
	}
	*statements = known.n;
	receipt_known_put(&known);
	receipt_policy_put(active);

	return verdict;
}
