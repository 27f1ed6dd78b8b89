// SPDX-License-Identifier: GPL-2.0-only
/*
 * Audit records, and with each the netlink event of the same content. Their
 * format is documented in Documentation/admin-guide.md.
 *
 * A record never waits for room in the audit backlog: an event that cannot be
 * recorded is still counted, and nobody hangs. Denials are limited, as a program
 * may cause any number of them, and counted all the same; changes of the policy
 * and of the helper's state are not limited.
 */
#include <linux/audit.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/cred.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string_helpers.h>
#include <linux/timekeeping.h>

#include "private.h"

/* For third-party modules, in the words of linux/audit.h. */
#define RECEIPT_AUDIT_TYPE	AUDIT_KERNEL_OTHER

static const char *const helper_states[] = {
	[RECEIPT_HELPER_ABSENT] = "absent",
	[RECEIPT_HELPER_SERVING] = "serving",
	[RECEIPT_HELPER_LOST] = "lost",
};

#define HEX_CHUNK	64	/* the most that %*ph takes */

/* In each second of the clock so many denials are recorded. */
#define DENIALS_PER_SECOND	1000

/* The second, how many were in it, and how many not since the last record. */
static DEFINE_SPINLOCK(limit_lock);
static time64_t limit_second;
static u32 limit_used;
static u64 limit_suppressed;

/*
 * May a denial be recorded? Then *@suppressed says how many before it were not,
 * which is said once.
 */
static bool within_limit(u64 *suppressed)
{
	time64_t now = ktime_get_seconds();
	bool within;

	spin_lock(&limit_lock);
	if (now > limit_second) {
		limit_second = now;
		limit_used = 0;
	}
	within = limit_used < DENIALS_PER_SECOND;
	if (within) {
		limit_used++;
		*suppressed = limit_suppressed;
		limit_suppressed = 0;
	} else {
		limit_suppressed++;
	}
	spin_unlock(&limit_lock);

	return within;
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text == '"' || *text < 0x21 || *text > 0x7e)
			return false;

	return true;
}

/* As audit does it with text of users: quoted, or hex when it is not plain. */
static void log_untrusted(struct audit_buffer *ab, const char *key,
			  const char *text)
{
	size_t len = strlen(text), n;

	if (is_plain(text)) {
		audit_log_format(ab, " %s=\"%s\"", key, text);
		return;
	}
	audit_log_format(ab, " %s=", key);
	for (; len; len -= n, text += n) {
		n = min_t(size_t, len, HEX_CHUNK);
		audit_log_format(ab, "%*phN", (int)n, text);
	}
}

static void log_digest(struct audit_buffer *ab,
		       const struct receipt_digest *digest)
{
	audit_log_format(ab, " digest=%s:%*phN", receipt_kind_name(digest->kind),
			 (int)receipt_kind_size(digest->kind), digest->bytes);
}

static void log_inode(struct audit_buffer *ab, const struct inode *inode)
{
	audit_log_format(ab, " dev=\"%s\" ino=%llu", inode->i_sb->s_id,
			 (u64)inode->i_ino);
}

/* What every record begins with; NULL, and counted, when audit takes none. */
static struct audit_buffer *begin_record(const char *op, const char *hook,
					 const char *verdict)
{
	struct audit_buffer *ab;

	ab = audit_log_start(audit_context(), GFP_ATOMIC, RECEIPT_AUDIT_TYPE);
	if (ab)
		audit_log_format(ab, "receipt: op=%s hook=%s verdict=%s", op,
				 hook, verdict);
	else
		receipt_count(RECEIPT_STAT_RECORDS_LOST);

	return ab;
}

static void log_task(struct audit_buffer *ab, struct task_struct *task)
{
	char comm[TASK_COMM_LEN];

	audit_log_format(ab, " pid=%d uid=%u", task_tgid_nr(task),
			 from_kuid(&init_user_ns, task_uid(task)));
	log_untrusted(ab, "comm", get_task_comm(comm, task));
}

static void log_verdict(const struct receipt_request *req,
			const struct receipt_outcome *out, const char *path,
			u64 suppressed)
{
	struct audit_buffer *ab;

	ab = begin_record(receipt_op_name(req->op), req->hook, "denied");
	if (!ab)
		return;

	audit_log_format(ab, " enforced=%d reason=%s rule=%u", out->enforced,
			 receipt_reason_text(out->verdict.reason),
			 out->verdict.line);
	log_task(ab, req->task ?: current);
	if (path)
		log_untrusted(ab, "path", path);
	if (req->file)
		log_inode(ab, file_inode(req->file));
	if (out->digests.n)
		log_digest(ab, &out->digests.digest[0]);
	if (suppressed)
		audit_log_format(ab, " suppressed=%llu", suppressed);
	audit_log_end(ab);
}

/**
 * receipt_audit_verdict - record a denial
 * @req: the event
 * @out: how it ended
 *
 * Over DENIALS_PER_SECOND it is only counted; the next record and the next event
 * say how many that were.
 *
 * Context: May sleep, but not for user space.
 */
void receipt_audit_verdict(const struct receipt_request *req,
			   const struct receipt_outcome *out)
{
	char *buf = NULL, *path = NULL;
	u64 suppressed;

	if (!within_limit(&suppressed)) {
		receipt_count(RECEIPT_STAT_SUPPRESSED);
		return;
	}
	if (req->file) {
		buf = kmalloc(PATH_MAX, GFP_KERNEL);
		path = buf ? file_path(req->file, buf, PATH_MAX) : NULL;
		if (IS_ERR(path))
			path = NULL;
	}
	log_verdict(req, out, path, suppressed);
	receipt_netlink_verdict(req, out, path, suppressed);
	kfree(buf);
}

/**
 * receipt_audit_policy - record that a policy became active
 * @active: policy
 */
void receipt_audit_policy(const struct receipt_active *active)
{
	const struct receipt_policy *policy = active->policy;
	struct audit_buffer *ab = begin_record("POLICY", "policy_load", "loaded");

	if (!ab)
		return;

	log_task(ab, current);
	audit_log_format(ab, " mode=%s version=%u.%u.%u svn=%u generation=%llu",
			 policy->mode == RECEIPT_MODE_ENFORCE ? "enforce" :
								"permissive",
			 policy->version[0], policy->version[1],
			 policy->version[2], policy->svn, active->generation);
	log_untrusted(ab, "name", policy->name);
	log_digest(ab, &active->digest);
	audit_log_end(ab);
}

/**
 * receipt_audit_floor - record that the floor was raised, or a policy is below it
 * @floor: floor
 * @active: the active policy, or NULL
 *
 * Context: The policy does not change meanwhile.
 */
void receipt_audit_floor(const struct receipt_lowest *floor,
			 const struct receipt_active *active)
{
	const struct receipt_policy *policy = active ? active->policy : NULL;
	struct audit_buffer *ab = begin_record("POLICY", "policy_floor",
					       "raised");

	if (!ab)
		return;

	log_task(ab, current);
	audit_log_format(ab, " floor=%u.%u.%u floor_svn=%u",
			 floor->version[0], floor->version[1],
			 floor->version[2], floor->svn);
	audit_log_format(ab, " active_below=%d",
			 policy && !receipt_lowest_admits(floor, policy->name,
							  policy->version,
							  policy->svn));
	log_untrusted(ab, "name", floor->name);
	audit_log_end(ab);
}

/**
 * receipt_audit_helper - record a change of the helper's state
 * @state: new state
 * @pid: its process
 *
 * Context: Of the helper, or of who closed its socket.
 */
void receipt_audit_helper(enum receipt_helper_state state, u32 pid)
{
	struct audit_buffer *ab = begin_record("HELPER", "netlink",
					       helper_states[state]);

	if (!ab)
		return;

	log_task(ab, current);
	audit_log_format(ab, " helper_pid=%u", pid);
	audit_log_end(ab);
}
