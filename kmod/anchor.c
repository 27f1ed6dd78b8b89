// SPDX-License-Identifier: GPL-2.0-only
/*
 * The anchor: a counter in the TPM that holds the policy_svn over boots. The TPM
 * lets nobody lower it: a counter that is deleted and made anew starts above
 * every value that any counter of this TPM ever had.
 */
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/string.h>
#include <linux/tpm.h>
#include <linux/unaligned.h>

#include "compat.h"
#include "private.h"

/* More at once is an error of who wrote the policy, or somebody's mischief. */
#define MAX_STEPS	64

static u32 nv_index __ro_after_init;	/* 0: there is no anchor */
static u64 nv_base __ro_after_init;	/* value that stands for svn 0 */
static bool unreadable __ro_after_init;	/* the command line has an error */

/* TPMA_NV */
#define NV_TYPE			GENMASK(7, 4)
#define NV_TYPE_COUNTER		BIT(4)
#define NV_ORDERLY		BIT(26)	/* jumps when the power fails */
#define NV_WRITTEN		BIT(29)

#define COUNTER_SIZE		sizeof(__be64)

/**
 * receipt_anchor_public - is an index of the TPM a counter that holds its value?
 * @index: handle that was asked for
 * @body: TPM2B_NV_PUBLIC: size (2), index (4), hash (2), attributes (4), policy
 *	(2 and as many as these say), size of the data (2)
 * @len: bytes of @body; more may follow in it
 *
 * Of any other kind the value could be lowered. Source: TPM 2.0 Library, Part 2,
 * 13.4 (TPMA_NV) and 13.6 (TPM2B_NV_PUBLIC).
 *
 * Return: 0; -EBADMSG when it is malformed or of another index; -EMEDIUMTYPE when
 *	it is another type, orderly, never written or not of 8 bytes.
 */
int receipt_anchor_public(u32 index, const u8 *body, size_t len)
{
	u32 attributes;
	size_t policy;

	if (len < 16)
		return -EBADMSG;
	policy = get_unaligned_be16(body + 12);
	if (get_unaligned_be16(body) != 14 + policy || len < 16 + policy ||
	    get_unaligned_be32(body + 2) != index)
		return -EBADMSG;
	attributes = get_unaligned_be32(body + 8);
	if ((attributes & (NV_TYPE | NV_ORDERLY | NV_WRITTEN)) !=
	    (NV_TYPE_COUNTER | NV_WRITTEN) ||
	    get_unaligned_be16(body + 14 + policy) != COUNTER_SIZE)
		return -EMEDIUMTYPE;

	return 0;
}

/**
 * receipt_anchor_value - the value in an answer to TPM2_NV_Read
 * @body: size of the parameters (4) and TPM2B_MAX_NV_BUFFER: size (2), bytes
 * @len: bytes of @body; the session follows in it
 * @value: result
 *
 * Source: TPM 2.0 Library, Part 3, 31.13.
 *
 * Return: 0; -EBADMSG when it is no answer of 8 bytes.
 */
int receipt_anchor_value(const u8 *body, size_t len, u64 *value)
{
	if (len < 4 + 2 + COUNTER_SIZE ||
	    get_unaligned_be32(body) != 2 + COUNTER_SIZE ||
	    get_unaligned_be16(body + 4) != COUNTER_SIZE)
		return -EBADMSG;
	*value = get_unaligned_be64(body + 6);

	return 0;
}

#if IS_REACHABLE(CONFIG_TCG_TPM)

#define CC_NV_INCREMENT		0x134
#define CC_NV_READ_PUBLIC	0x169

/*
 * The TPM, for nobody else until tpm_put_ops(). One that a process emulates
 * (/dev/vtpmx) is none.
 */
static struct tpm_chip *get_chip(void)
{
	struct tpm_chip *chip = tpm_default_chip();
	int ret;

	if (!chip)
		return NULL;
	ret = tpm_try_get_ops(chip);	/* takes a reference of its own */
	put_device(&chip->dev);
	if (ret)
		return NULL;
	if ((chip->flags & (TPM_CHIP_FLAG_TPM2 | TPM_CHIP_FLAG_VIRTUAL)) ==
	    TPM_CHIP_FLAG_TPM2)
		return chip;
	tpm_put_ops(chip);

	return NULL;
}

/* Returns 0, a negative errno, or what the TPM says. */
static ssize_t transmit(struct tpm_chip *chip, struct tpm_buf *buf)
{
	ssize_t ret = tpm_transmit_cmd(chip, buf, 0, NULL);

	if (!ret && get_unaligned_be32(buf->data + sizeof(__be16)) !=
	    tpm_buf_length(buf))
		ret = -EBADMSG;

	return ret;
}

/* The index is authorized by its own password, which is empty. */
static struct tpm_buf *start_authorized(u32 command)
{
	struct tpm_buf *buf = receipt_tpm_command(TPM2_ST_SESSIONS, command);

	if (!buf)
		return NULL;
	tpm_buf_append_u32(buf, nv_index);	/* authorizes */
	tpm_buf_append_u32(buf, nv_index);
	tpm_buf_append_empty_auth(buf, TPM2_RS_PW);

	return buf;
}

/* Any other index could be lowered. */
static ssize_t check_public(struct tpm_chip *chip)
{
	struct tpm_buf *buf = receipt_tpm_command(TPM2_ST_NO_SESSIONS,
						  CC_NV_READ_PUBLIC);
	ssize_t ret;

	if (!buf)
		return -ENOMEM;
	tpm_buf_append_u32(buf, nv_index);
	ret = transmit(chip, buf);
	if (!ret)
		ret = receipt_anchor_public(nv_index, buf->data + TPM_HEADER_SIZE,
					    tpm_buf_length(buf) - TPM_HEADER_SIZE);
	receipt_tpm_free(buf);

	return ret;
}

static ssize_t read_value(struct tpm_chip *chip, u64 *value)
{
	struct tpm_buf *buf = start_authorized(TPM2_CC_NV_READ);
	ssize_t ret;

	if (!buf)
		return -ENOMEM;
	tpm_buf_append_u16(buf, COUNTER_SIZE);
	tpm_buf_append_u16(buf, 0);	/* offset */
	ret = transmit(chip, buf);
	if (!ret)
		ret = receipt_anchor_value(buf->data + TPM_HEADER_SIZE,
					   tpm_buf_length(buf) - TPM_HEADER_SIZE,
					   value);
	receipt_tpm_free(buf);

	return ret;
}

/* Both commands in one go: the index is not swapped in between. */
static ssize_t read_counter(u64 *value)
{
	struct tpm_chip *chip = get_chip();
	ssize_t ret;

	if (!chip)
		return -ENODEV;
	ret = check_public(chip);
	if (!ret)
		ret = read_value(chip, value);
	tpm_put_ops(chip);

	return ret;
}

static ssize_t increment(struct tpm_chip *chip)
{
	struct tpm_buf *buf = start_authorized(CC_NV_INCREMENT);
	ssize_t ret;

	if (!buf)
		return -ENOMEM;
	ret = transmit(chip, buf);
	receipt_tpm_free(buf);

	return ret;
}

static ssize_t step_counter(void)
{
	struct tpm_chip *chip = get_chip();
	ssize_t ret;

	if (!chip)
		return -ENODEV;
	ret = increment(chip);
	tpm_put_ops(chip);

	return ret;
}

#else /* !IS_REACHABLE(CONFIG_TCG_TPM) */

static ssize_t read_counter(u64 *value)
{
	return -ENODEV;
}

static ssize_t step_counter(void)
{
	return -ENODEV;
}

#endif /* IS_REACHABLE(CONFIG_TCG_TPM) */

static int refuse(struct netlink_ext_ack *extack, const char *why)
{
	const char *text = receipt_reason_text(RECEIPT_REASON_ANCHOR);

	NL_SET_ERR_MSG_FMT(extack, "%s: %s", text, why);
	pr_err_ratelimited("%s: %s\n", text, why);

	return -EIO;
}

static int failed(struct netlink_ext_ack *extack, ssize_t ret)
{
	char why[32];

	if (ret == -ENODEV)
		return refuse(extack, "there is no TPM 2.0");
	if (ret == -EMEDIUMTYPE)
		return refuse(extack, "the index is no counter with a value");
	if (ret < 0)
		snprintf(why, sizeof(why), "error %zd", ret);
	else
		snprintf(why, sizeof(why), "the TPM says 0x%zx", ret);

	return refuse(extack, why);
}

static int read_svn(u32 *svn, struct netlink_ext_ack *extack)
{
	u64 value;
	ssize_t ret = read_counter(&value);

	if (ret)
		return failed(extack, ret);
	if (value < nv_base || value - nv_base > U32_MAX)
		return refuse(extack, "the counter does not fit its BASE");
	*svn = value - nv_base;

	return 0;
}

static int raise_counter(u32 svn, u32 to, struct netlink_ext_ack *extack)
{
	ssize_t ret;

	if (svn < to && to - svn > MAX_STEPS)
		return refuse(extack, "policy_svn is too far above it");
	for (; svn < to; svn++) {
		ret = step_counter();
		if (ret)
			return failed(extack, ret);
	}

	return 0;
}

/**
 * receipt_anchor_read - raise the floor to what the TPM holds
 * @extack: says why that cannot be known
 *
 * Context: May sleep. One load at a time; never from a hook.
 * Return: 0, also without an anchor; -EIO when it cannot be used.
 */
int receipt_anchor_read(struct netlink_ext_ack *extack)
{
	struct receipt_lowest floor = {};
	int ret;

	if (unreadable)
		return refuse(extack, "tpm_counter= has an error");
	if (!nv_index)
		return 0;
	ret = read_svn(&floor.svn, extack);
	if (ret)
		return ret;
	receipt_floor_raise(&floor, RECEIPT_FLOOR_TPM);

	return 0;
}

/**
 * receipt_anchor_raise - raise the counter, and the floor with it
 * @to: svn of the policy that is about to become active
 * @extack: says why it is not raised
 *
 * Context: As receipt_anchor_read().
 * Return: 0, also when it is as high already, and without an anchor; -EIO when it
 *	cannot be used, or is more than 64 below @to.
 */
int receipt_anchor_raise(u32 to, struct netlink_ext_ack *extack)
{
	u32 svn;
	int ret;

	if (!nv_index)
		return 0;
	ret = read_svn(&svn, extack) ?: raise_counter(svn, to, extack) ?:
	      read_svn(&svn, extack);
	if (ret)
		return ret;
	if (svn < to)
		return refuse(extack, "the counter does not go up");

	return receipt_anchor_read(extack);
}

static int parse(const char *text, u32 *index, u64 *base)
{
	const char *colon = strchr(text, ':');
	char hex[sizeof("0x01234567")];

	if (!colon || colon - text >= sizeof(hex))
		return -EINVAL;
	strscpy(hex, text, colon - text + 1);
	if (kstrtou32(hex, 16, index) || kstrtou64(colon + 1, 10, base))
		return -EINVAL;

	return *index >> 24 == TPM2_MSO_NVRAM ? 0 : -EINVAL;
}

static int set_tpm_counter(const char *text, const struct kernel_param *kp)
{
	u32 index;
	u64 base;

	/* NULL: the parameter without "=". */
	if (!text || nv_index || parse(text, &index, &base)) {
		/* Built in, the kernel goes on booting. */
		unreadable = true;
		pr_err("tpm_counter=%s: expected HANDLE:BASE, as 0x01500016:1, once: no policy is loaded\n",
		       text ?: "");
		return -EINVAL;
	}
	nv_index = index;
	nv_base = base;

	return 0;
}

static const struct kernel_param_ops tpm_counter_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,	/* NULL is told, and is an error */
	.set = set_tpm_counter,
};

module_param_cb(tpm_counter, &tpm_counter_ops, NULL, 0);	/* see policy_floor */
MODULE_PARM_DESC(tpm_counter, "NV counter that holds the policy_svn: HANDLE:BASE");
