// SPDX-License-Identifier: GPL-2.0-only
/*
 * The floor: the lowest policy that is taken. It is raised by the kernel's
 * command line, the TPM and the helper, and never lowered before the next boot.
 */
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "private.h"

static DEFINE_SPINLOCK(floor_lock);	/* guards all of @lowest; innermost */
static struct receipt_lowest lowest;
static enum receipt_floor source;
static bool unreadable __ro_after_init;	/* the command line has an error */

/**
 * receipt_floor_get - the floor that holds now
 * @floor: result; without a name where none was said
 *
 * Return: who raised it last; RECEIPT_FLOOR_NONE when nobody did.
 */
enum receipt_floor receipt_floor_get(struct receipt_lowest *floor)
{
	enum receipt_floor ret;

	spin_lock(&floor_lock);
	*floor = lowest;
	ret = source;
	spin_unlock(&floor_lock);

	return ret;
}

/**
 * receipt_floor_raise - raise the floor
 * @to: floor, not below which policies are taken from now on; without a name it
 *	counts for any
 * @from: who says so
 *
 * Return: 1 when it was raised, 0 when it is as high already, -EPERM when the
 *	floor has another name.
 */
int receipt_floor_raise(const struct receipt_lowest *to,
			enum receipt_floor from)
{
	int ret = -EPERM;

	spin_lock(&floor_lock);
	if (!lowest.name[0] || !to->name[0] || !strcmp(lowest.name, to->name))
		ret = receipt_lowest_raise(&lowest, to);
	if (ret > 0)
		source = from;
	spin_unlock(&floor_lock);

	return ret;
}

/**
 * receipt_floor_check - refuse a policy below the floor
 * @policy: that shall become active
 * @extack: says what the floor is
 *
 * Return: 0, or -ESTALE.
 */
int receipt_floor_check(const struct receipt_policy *policy,
			struct netlink_ext_ack *extack)
{
	const char *text = receipt_reason_text(RECEIPT_REASON_POLICY_FLOOR);
	struct receipt_lowest floor;

	if (unreadable) {
		NL_SET_ERR_MSG_FMT(extack, "%s: policy_floor= has an error",
				   text);
		return -ESTALE;
	}
	receipt_floor_get(&floor);
	if (receipt_lowest_admits(&floor, policy->name, policy->version,
				  policy->svn))
		return 0;
	NL_SET_ERR_MSG_FMT(extack, "%s: %.32s:%u.%u.%u:%u", text,
			   floor.name[0] ? floor.name : "*", floor.version[0],
			   floor.version[1], floor.version[2], floor.svn);

	return -ESTALE;
}

static int set_policy_floor(const char *text, const struct kernel_param *kp)
{
	struct receipt_lowest floor;

	/* NULL: the parameter without "=". */
	if (!text || receipt_lowest_parse(text, strlen(text), &floor) ||
	    receipt_floor_raise(&floor, RECEIPT_FLOOR_COMMAND_LINE) < 0) {
		/* Built in, the kernel goes on booting. */
		unreadable = true;
		pr_err("policy_floor=%s: expected NAME:X.Y.Z or NAME:X.Y.Z:SVN, of one name: no policy is loaded\n",
		       text ?: "");
		return -EINVAL;
	}

	return 0;
}

/* Without the flag nobody would be told of a parameter without a value. */
static const struct kernel_param_ops policy_floor_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = set_policy_floor,
};

/* Not in sysfs: built in, the folder would be that of a module which is loaded. */
module_param_cb(policy_floor, &policy_floor_ops, NULL, 0);
MODULE_PARM_DESC(policy_floor, "lowest policy that is taken: NAME:X.Y.Z:SVN");
