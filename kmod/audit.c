// SPDX-License-Identifier: GPL-2.0-only
/*
 * Audit records, and with each the netlink event of the same content.
 *
 * A record never waits for room in the audit backlog: an event that cannot be
 * recorded is still counted, and nobody hangs.
 */
#include <linux/audit.h>
#include <linux/ctype.h>
#include <linux/fs.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>

#include "private.h"

/* For third-party modules, in the words of linux/audit.h. */
#define RECEIPT_AUDIT_TYPE	AUDIT_KERNEL_OTHER

static const char *const helper_states[] = {
	[RECEIPT_HELPER_ABSENT] = "absent",
	[RECEIPT_HELPER_SERVING] = "serving",
	[RECEIPT_HELPER_LOST] = "lost",
};

#define HEX_CHUNK	64	/* the most that %*ph takes */

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
	audit_log_format(ab, " dev=\"%s\" ino=%lu", inode->i_sb->s_id,
			 inode->i_ino);
}

static void log_verdict(const struct receipt_request *req,
			const struct receipt_outcome *out, const char *path)
{
	char comm[TASK_COMM_LEN];
	struct audit_buffer *ab;

	ab = audit_log_start(audit_context(), GFP_ATOMIC, RECEIPT_AUDIT_TYPE);
	if (!ab)
		return;

	audit_log_format(ab, "receipt: op=%s hook=%s verdict=denied enforced=%d",
			 receipt_op_name(req->op), req->hook, out->enforced);
	audit_log_format(ab, " reason=%s rule=%u pid=%d uid=%u",
			 receipt_reason_text(out->verdict.reason),
			 out->verdict.line, task_tgid_nr(current),
			 from_kuid(&init_user_ns, current_uid()));
	log_untrusted(ab, "comm", get_task_comm(comm, current));
	if (path)
		log_untrusted(ab, "path", path);
	if (req->file)
		log_inode(ab, file_inode(req->file));
	if (out->digests.n)
		log_digest(ab, &out->digests.digest[0]);
	audit_log_end(ab);
}

/**
 * receipt_audit_verdict - record a denial
 * @req: the event
 * @out: how it ended
 *
 * Context: May sleep, but not for user space.
 */
void receipt_audit_verdict(const struct receipt_request *req,
			   const struct receipt_outcome *out)
{
	char *buf = NULL, *path = NULL;

	if (req->file) {
		buf = kmalloc(PATH_MAX, GFP_KERNEL);
		path = buf ? file_path(req->file, buf, PATH_MAX) : NULL;
		if (IS_ERR(path))
			path = NULL;
	}
	log_verdict(req, out, path);
	receipt_netlink_verdict(req, out, path);
	kfree(buf);
}

/**
 * receipt_audit_policy - record that a policy became active
 * @active: policy
 */
void receipt_audit_policy(const struct receipt_active *active)
{
	const struct receipt_policy *policy = active->policy;
	struct audit_buffer *ab;

	ab = audit_log_start(audit_context(), GFP_ATOMIC, RECEIPT_AUDIT_TYPE);
	if (!ab)
		return;

	audit_log_format(ab, "receipt: op=POLICY verdict=loaded mode=%s",
			 policy->mode == RECEIPT_MODE_ENFORCE ? "enforce" :
								"permissive");
	audit_log_format(ab, " version=%u.%u.%u generation=%llu",
			 policy->version[0], policy->version[1],
			 policy->version[2], active->generation);
	log_untrusted(ab, "name", policy->name);
	log_digest(ab, &active->digest);
	audit_log_end(ab);
}

/**
 * receipt_audit_helper - record a change of the helper's state
 * @state: new state
 * @pid: its process
 */
void receipt_audit_helper(enum receipt_helper_state state, u32 pid)
{
	struct audit_buffer *ab;

	ab = audit_log_start(audit_context(), GFP_ATOMIC, RECEIPT_AUDIT_TYPE);
	if (!ab)
		return;

	audit_log_format(ab, "receipt: helper=%s helper_pid=%u",
			 helper_states[state], pid);
	audit_log_end(ab);
}
