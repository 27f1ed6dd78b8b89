// SPDX-License-Identifier: GPL-2.0-only
/*
 * Life of the policy: parsed and checked completely, then swapped under RCU.
 * What fails leaves the old one running.
 */
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/spinlock.h>

#include "private.h"

/* While the helper is asked, another policy may come, or all be forgotten. */
#define LOAD_TRIES	16

u8 receipt_unruled __read_mostly = U8_MAX;
u64 receipt_generation __read_mostly;
bool receipt_recheck __read_mostly;

static struct receipt_active __rcu *active_policy;
/* One change at a time; nobody asks the helper, or waits for others, while he has it. */
static DEFINE_MUTEX(policy_mutex);
/* For the change of a generation, of which the timer makes one. Inside the mutex. */
static DEFINE_SPINLOCK(generation_lock);

static void free_active(struct receipt_active *active)
{
	receipt_policy_free(active->policy);
	kvfree_rcu(active, rcu);
}

/**
 * receipt_policy_get - the active policy
 *
 * Return: it with a reference, or NULL when none is active.
 */
struct receipt_active *receipt_policy_get(void)
{
	struct receipt_active *active;

	rcu_read_lock();
	do {
		active = rcu_dereference(active_policy);
	} while (active && !refcount_inc_not_zero(&active->ref));
	rcu_read_unlock();

	return active;
}

/**
 * receipt_policy_put - drop a reference
 * @active: policy or NULL
 */
void receipt_policy_put(struct receipt_active *active)
{
	if (active && refcount_dec_and_test(&active->ref))
		free_active(active);
}

/**
 * receipt_policy_enforces - is a denial of the active policy a denial?
 *
 * Return: false also when no policy is active.
 */
bool receipt_policy_enforces(void)
{
	struct receipt_active *active = receipt_policy_get();
	bool enforces = active && active->policy->mode == RECEIPT_MODE_ENFORCE;

	receipt_policy_put(active);

	return enforces;
}

static int identify(struct receipt_key *key, u32 line, void *arg)
{
	struct netlink_ext_ack *extack = arg;
	int ret = receipt_logkey_identify(key);

	if (ret == -EOPNOTSUPP)
		NL_SET_ERR_MSG_FMT(extack, "%s: %u:0: this kernel has no P-521",
				   receipt_reason_text(RECEIPT_REASON_POLICY_SYNTAX),
				   line);
	else if (ret == -EINVAL)
		NL_SET_ERR_MSG_FMT(extack, "%s: %u:0: key is not a point of its curve",
				   receipt_reason_text(RECEIPT_REASON_POLICY_SYNTAX),
				   line);

	return ret;
}

static struct receipt_policy *parse(const char *text, size_t len,
				    struct netlink_ext_ack *extack)
{
	struct receipt_policy_error err = {};
	struct receipt_policy *policy;
	int ret;

	policy = receipt_policy_parse(text, len, &err);
	if (IS_ERR(policy)) {
		if (PTR_ERR(policy) == -EINVAL)
			NL_SET_ERR_MSG_FMT(extack, "%s: %u:%u: %.40s",
					   receipt_reason_text(RECEIPT_REASON_POLICY_SYNTAX),
					   err.line, err.column, err.text);
		return policy;
	}
	ret = receipt_policy_identify(policy, identify, extack);
	if (ret) {
		receipt_policy_free(policy);
		return ERR_PTR(ret);
	}

	return policy;
}

static struct receipt_active *new_active(const char *text, size_t len,
					 struct netlink_ext_ack *extack)
{
	struct receipt_active *active;
	struct receipt_policy *policy;

	active = kvzalloc(struct_size(active, text, len + 1), GFP_KERNEL);
	if (!active)
		return ERR_PTR(-ENOMEM);

	memcpy(active->text, text, len);
	active->len = len;
	refcount_set(&active->ref, 1);
	atomic64_set(&active->expires, S64_MAX);
	policy = parse(active->text, len, extack);
	if (IS_ERR(policy)) {
		kvfree(active);
		return ERR_CAST(policy);
	}
	active->policy = policy;
	active->digest.kind = RECEIPT_KIND_SHA256;
	if (receipt_sha256(&(struct receipt_span){ text, len }, 1,
			   active->digest.bytes)) {
		free_active(active);
		return ERR_PTR(-ENOMEM);
	}

	return active;
}

/* Not below the floor, nor below the svn of the one before. */
static int may_stand(const struct receipt_policy *old,
		     const struct receipt_policy *fresh,
		     struct netlink_ext_ack *extack)
{
	if (old && fresh->svn < old->svn) {
		NL_SET_ERR_MSG_FMT(extack, "%s: active has policy_svn=%u",
				   receipt_reason_text(RECEIPT_REASON_POLICY_FLOOR),
				   old->svn);
		return -ESTALE;
	}

	return receipt_floor_check(fresh, extack);
}

/*
 * Does the active policy ask for it, and allow it? Who holds the mutex goes by what is
 * known: the others do not wait until his question is answered.
 */
static int ask_active(const struct receipt_active *fresh, bool locked)
{
	struct receipt_request req = {
		.hook = "policy_load",
		.op = RECEIPT_OP_POLICY,
		.buf = fresh->text,
		.size = fresh->len,
		.need_proof = true,
		.locked = locked,
		.again = locked,
	};

	return receipt_decide(&req);
}

/* Same name, higher version, and not below what else is in force. */
static int may_replace(const struct receipt_active *old,
		       const struct receipt_active *fresh,
		       struct netlink_ext_ack *extack)
{
	if (strcmp(old->policy->name, fresh->policy->name)) {
		NL_SET_ERR_MSG_FMT(extack, "%s: active is %.40s",
				   receipt_reason_text(RECEIPT_REASON_POLICY_NAME),
				   old->policy->name);
		return -EPERM;
	}
	if (receipt_policy_version_cmp(fresh->policy, old->policy) <= 0) {
		NL_SET_ERR_MSG_FMT(extack, "%s: active is %u.%u.%u",
				   receipt_reason_text(RECEIPT_REASON_POLICY_VERSION),
				   old->policy->version[0],
				   old->policy->version[1],
				   old->policy->version[2]);
		return -ESTALE;
	}

	return may_stand(old->policy, fresh->policy, extack);
}

/* Before the mutex is taken: the helper may be asked, and take its time. */
static int may_follow(const struct receipt_active *fresh,
		      struct netlink_ext_ack *extack)
{
	struct receipt_active *old = receipt_policy_get();
	int ret = 0;

	if (!old)
		return 0;
	ret = may_replace(old, fresh, extack);
	if (!ret) {
		ret = ask_active(fresh, false);
		if (ret)
			NL_SET_ERR_MSG(extack, "no-evidence: the active policy does not allow it");
	}
	receipt_policy_put(old);

	return ret;
}

/*
 * Whether @fresh may become active. What the TPM holds is raised last. -EAGAIN: what
 * may_follow() found out does not hold any more.
 */
static int may_load(const struct receipt_active *old,
		    const struct receipt_active *fresh,
		    struct netlink_ext_ack *extack)
{
	int ret = receipt_anchor_read(extack);

	if (ret)
		return ret;
	if (old)
		ret = may_replace(old, fresh, extack);
	else
		ret = may_stand(NULL, fresh->policy, extack);
	if (!ret && old && ask_active(fresh, true))
		ret = -EAGAIN;

	return ret ?: receipt_anchor_raise(fresh->policy->svn, extack) ?:
	       receipt_floor_check(fresh->policy, extack);
}

static u8 unruled_operations(const struct receipt_policy *policy)
{
	u8 ops = 0;
	int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++)
		if (receipt_policy_unconditional(policy, op))
			ops |= BIT(op);

	return ops;
}

/* Only the boot policy can be below it. */
static void note_floor(const struct receipt_active *active)
{
	const struct receipt_policy *policy = active->policy;
	struct receipt_lowest floor;

	receipt_floor_get(&floor);
	if (!receipt_lowest_admits(&floor, policy->name, policy->version,
				   policy->svn))
		receipt_audit_floor(&floor, active);
}

static void publish(struct receipt_active *old, struct receipt_active *fresh)
{
	spin_lock_irq(&generation_lock);
	fresh->generation = receipt_generation + 1;
	if (fresh->policy->mounts_sealed)
		receipt_mounts_latch();
	rcu_assign_pointer(active_policy, fresh);
	WRITE_ONCE(receipt_generation, fresh->generation);
	spin_unlock_irq(&generation_lock);
	WRITE_ONCE(receipt_recheck, fresh->policy->recheck_setuid);
	WRITE_ONCE(receipt_unruled, unruled_operations(fresh->policy));
	if (fresh->policy->has_max_age)
		receipt_clock_watch();
	synchronize_rcu();
	receipt_policy_put(old);
	receipt_audit_policy(fresh);
	receipt_netlink_policy(fresh);
	note_floor(fresh);
}

static int attach_late(const struct receipt_active *fresh,
		       struct netlink_ext_ack *extack)
{
	int ret = receipt_attach_late(unruled_operations(fresh->policy));

	if (ret)
		NL_SET_ERR_MSG(extack, "cannot attach to the hooks of ANON_EXEC");

	return ret;
}

/* The boot policy is the first one, and stands where it is below the floor, too. */
static int replace(struct receipt_active *fresh, bool boot,
		   struct netlink_ext_ack *extack)
{
	struct receipt_active *old;
	int ret = 0;

	if (mutex_lock_killable(&policy_mutex))
		return -EINTR;
	old = rcu_dereference_protected(active_policy,
					lockdep_is_held(&policy_mutex));
	if (!boot)
		ret = may_load(old, fresh, extack);
	if (!ret)
		ret = attach_late(fresh, extack);
	if (!ret)
		publish(old, fresh);
	mutex_unlock(&policy_mutex);

	return ret;
}

static int load(const char *text, size_t len, bool boot,
		struct netlink_ext_ack *extack)
{
	struct receipt_active *fresh = new_active(text, len, extack);
	int ret, tries = LOAD_TRIES;

	if (IS_ERR(fresh))
		return PTR_ERR(fresh);

	do {
		ret = may_follow(fresh, extack);
		if (!ret)
			ret = replace(fresh, boot, extack);
	} while (ret == -EAGAIN && --tries);
	if (ret == -EAGAIN)
		NL_SET_ERR_MSG(extack, "other policies, or flushes, came between");
	if (ret)
		receipt_policy_put(fresh);

	return ret;
}

/* Every verdict that is remembered is of an earlier generation now. */
static void next_generation(struct receipt_active *active)
{
	lockdep_assert_held(&generation_lock);
	WRITE_ONCE(active->generation, receipt_generation + 1);
	WRITE_ONCE(receipt_generation, active->generation);
}

/**
 * receipt_policy_expires - a verdict is good for some time only
 * @active: policy that it was found under
 * @time: seconds since 1970; 0: for ever
 *
 * Return: the generation to remember the verdict under.
 */
u64 receipt_policy_expires(struct receipt_active *active, s64 time)
{
	u64 generation = READ_ONCE(active->generation);
	s64 first;

	/* Pairs with receipt_policy_expire(): what is written below is of this generation. */
	smp_rmb();
	first = atomic64_read(&active->expires);
	while (time && time < first)
		if (atomic64_try_cmpxchg(&active->expires, &first, time))
			break;

	return generation;
}

/**
 * receipt_policy_expire - forget verdicts that rest on a receipt which is too old now
 * @now: seconds since 1970
 *
 * Context: Any, hard interrupts included; waits for nobody.
 */
void receipt_policy_expire(s64 now)
{
	struct receipt_active *active;
	unsigned long flags;

	spin_lock_irqsave(&generation_lock, flags);
	active = rcu_dereference_protected(active_policy,
					   lockdep_is_held(&generation_lock));
	if (active && now >= atomic64_read(&active->expires)) {
		atomic64_set(&active->expires, S64_MAX);
		/* Pairs with receipt_policy_expires(). */
		smp_wmb();
		next_generation(active);
	}
	spin_unlock_irqrestore(&generation_lock, flags);
}

/**
 * receipt_policy_load - make a text the active policy
 * @text: policy text, not terminated
 * @len: bytes, at most RECEIPT_MAX_POLICY
 * @extack: says why it is refused
 *
 * Context: May sleep, and ask the helper.
 * Return: 0, -EINVAL for a text with an error, -EOPNOTSUPP for a curve that this
 *	kernel has not got, -EPERM for another name, -ESTALE for a version that
 *	is not higher or a policy below the floor, -EACCES when the active policy
 *	does not allow it, -EIO for an anchor that cannot be used, -EAGAIN when
 *	others changed the policy or flushed all along, -ENOMEM, -EINTR.
 */
int receipt_policy_load(const char *text, size_t len,
			struct netlink_ext_ack *extack)
{
	return load(text, len, false, extack);
}

/**
 * receipt_policy_boot - make the text that is compiled in the active policy
 * @text: policy text, not terminated
 * @len: bytes, at most RECEIPT_MAX_POLICY
 * @extack: says why it is refused
 *
 * No policy would be worse than one below the floor: that is recorded.
 *
 * Context: May sleep. Once, before any other policy.
 * Return: as receipt_policy_load(), but for the floor.
 */
int __init receipt_policy_boot(const char *text, size_t len,
			       struct netlink_ext_ack *extack)
{
	return load(text, len, true, extack);
}

/**
 * receipt_policy_raise_floor - raise the floor, as the helper remembers it
 * @to: floor
 * @extack: says why it is refused
 *
 * Context: May sleep.
 * Return: 0, also when it is as high already; -EPERM when the active policy or
 *	the floor has another name; -EINTR.
 */
int receipt_policy_raise_floor(const struct receipt_lowest *to,
			       struct netlink_ext_ack *extack)
{
	struct receipt_active *active;
	int ret = -EPERM;

	if (mutex_lock_killable(&policy_mutex))
		return -EINTR;
	active = rcu_dereference_protected(active_policy,
					   lockdep_is_held(&policy_mutex));
	if (!active || !strcmp(active->policy->name, to->name))
		ret = receipt_floor_raise(to, RECEIPT_FLOOR_HELPER);
	if (ret > 0)
		receipt_audit_floor(to, active);
	mutex_unlock(&policy_mutex);
	if (ret < 0)
		NL_SET_ERR_MSG_FMT(extack, "%s",
				   receipt_reason_text(RECEIPT_REASON_POLICY_NAME));

	return min(ret, 0);
}

/**
 * receipt_policy_renew - let every verdict be found anew
 *
 * Context: May sleep.
 * Return: 0 or -EINTR.
 */
int receipt_policy_renew(void)
{
	struct receipt_active *active;

	if (mutex_lock_killable(&policy_mutex))
		return -EINTR;
	active = rcu_dereference_protected(active_policy,
					   lockdep_is_held(&policy_mutex));
	if (active) {
		spin_lock_irq(&generation_lock);
		next_generation(active);
		spin_unlock_irq(&generation_lock);
		receipt_netlink_policy(active);
	}
	mutex_unlock(&policy_mutex);

	return 0;
}
