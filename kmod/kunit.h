/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the KUnit suites (*_kunit.c) share.
 */
#ifndef _RECEIPT_KUNIT_H
#define _RECEIPT_KUNIT_H

#include <kunit/test.h>
#include <linux/lsm_hooks.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "private.h"

/**
 * receipt_kunit_init - skip a test where the LSM is built in but not started
 * @test: test
 *
 * For suites whose tests use hashes, caches or blobs.
 *
 * Return: 0.
 */
static inline int receipt_kunit_init(struct kunit *test)
{
	if (!strstr(lsm_names, "receipt"))
		kunit_skip(test, "receipt is not in lsm=");

	return 0;
}

/**
 * receipt_kunit_copy - copy bytes to where KASAN sees a read behind them
 * @test: test, which frees the copy
 * @data: the bytes
 * @len: their number
 *
 * Return: the copy.
 */
static inline void *receipt_kunit_copy(struct kunit *test, const void *data,
				       size_t len)
{
	void *copy = kunit_kmalloc(test, len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	memcpy(copy, data, len);

	return copy;
}

#endif /* _RECEIPT_KUNIT_H */
