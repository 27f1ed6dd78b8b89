// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * NAME:X.Y.Z:SVN, the lowest policy that is taken: how the kernel's command line
 * and the helper's file write it. The kernel and receiptd compile this file.
 */
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <string.h>
#endif

#include "policy.h"

/* Digits up to @end; no sign, no space. */
static int take_number(const char **at, const char *end, u64 max, u64 *number)
{
	const char *from = *at;

	*number = 0;
	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
		*number = *number * 10 + (**at - '0');
		if (*number > max)
			return -EINVAL;
	}

	return *at == from || (*from == '0' && *at - from > 1) ? -EINVAL : 0;
}

static bool take_char(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	(*at)++;

	return true;
}

static int take_version(const char **at, const char *end, u16 version[3])
{
	u64 number;
	int i;

	for (i = 0; i < 3; i++) {
		if (i && !take_char(at, end, '.'))
			return -EINVAL;
		if (take_number(at, end, (u16)-1, &number))
			return -EINVAL;
		version[i] = number;
	}

	return 0;
}

/**
 * receipt_version_parse - read the version of a policy
 * @text: X.Y.Z, not terminated
 * @len: bytes
 * @version: result
 *
 * Return: 0, or -EINVAL.
 */
int receipt_version_parse(const char *text, size_t len, u16 version[3])
{
	const char *end = text + len;
	int ret = take_version(&text, end, version);

	return ret ?: text == end ? 0 : -EINVAL;
}

/* As policy_name= takes it. */
static bool is_name(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!receipt_is_name_char(text[i]))
			return false;

	return len && len <= RECEIPT_POLICY_NAME_MAX;
}

/**
 * receipt_lowest_name - give a floor its name
 * @lowest: result
 * @text: name, not terminated
 * @len: bytes
 *
 * Return: 0, or -EINVAL for what is no name of a policy.
 */
int receipt_lowest_name(struct receipt_lowest *lowest, const char *text,
			size_t len)
{
	if (!is_name(text, len))
		return -EINVAL;
	memcpy(lowest->name, text, len);
	lowest->name[len] = '\0';

	return 0;
}

/**
 * receipt_lowest_parse - read NAME:X.Y.Z or NAME:X.Y.Z:SVN
 * @text: not terminated
 * @len: bytes
 * @lowest: result
 *
 * Return: 0, or -EINVAL.
 */
int receipt_lowest_parse(const char *text, size_t len,
			 struct receipt_lowest *lowest)
{
	const char *colon = memchr(text, ':', len), *end = text + len, *at;
	u64 svn = 0;

	memset(lowest, 0, sizeof(*lowest));
	if (!colon || receipt_lowest_name(lowest, text, colon - text))
		return -EINVAL;
	at = colon + 1;
	if (take_version(&at, end, lowest->version))
		return -EINVAL;
	if (take_char(&at, end, ':') &&
	    take_number(&at, end, (u32)-1, &svn))
		return -EINVAL;
	lowest->svn = svn;

	return at == end ? 0 : -EINVAL;
}

/**
 * receipt_version_cmp - compare versions
 * @a: one
 * @b: the other
 *
 * Return: negative, 0 or positive as @a is lower than, equal to or higher than @b.
 */
int receipt_version_cmp(const u16 a[3], const u16 b[3])
{
	int i;

	for (i = 0; i < 3; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;

	return 0;
}

/**
 * receipt_lowest_raise - raise a floor; it is never lowered
 * @floor: raised
 * @to: of the same name
 *
 * Return: whether it was raised.
 */
bool receipt_lowest_raise(struct receipt_lowest *floor,
			  const struct receipt_lowest *to)
{
	bool raised = false;

	if (!floor->name[0] && to->name[0]) {
		memcpy(floor->name, to->name, sizeof(floor->name));
		raised = true;
	}
	if (receipt_version_cmp(to->version, floor->version) > 0) {
		memcpy(floor->version, to->version, sizeof(floor->version));
		raised = true;
	}
	if (to->svn > floor->svn) {
		floor->svn = to->svn;
		raised = true;
	}

	return raised;
}

/**
 * receipt_lowest_admits - whether a policy is not below a floor
 * @floor: the floor
 * @name: of the policy
 * @version: of the policy
 * @svn: of the policy
 *
 * Return: true when it is not, and has the floor's name if that has one.
 */
bool receipt_lowest_admits(const struct receipt_lowest *floor,
			   const char *name, const u16 version[3], u32 svn)
{
	return (!floor->name[0] || !strcmp(floor->name, name)) &&
	       receipt_version_cmp(version, floor->version) >= 0 &&
	       svn >= floor->svn;
}
