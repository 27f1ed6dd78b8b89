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

/* Tokens, to be listed in TOKENS() or ITEM(). */
#define UINT(n)		{ .major = CBOR_UINT, .arg = (n) }
#define NINT(n)		{ .major = CBOR_NINT, .arg = -1 - (n) }
#define BSTR(n)		{ .major = CBOR_BSTR, .arg = (n) }
#define TSTR(n)		{ .major = CBOR_TSTR, .arg = (n) }
#define ARRAY(n)	{ .major = CBOR_ARRAY, .arg = (n) }
#define MAP(n)		{ .major = CBOR_MAP, .arg = (n) }
#define TAG(n)		{ .major = CBOR_TAG, .arg = (n) }
#define SIMPLE(n)	{ .major = CBOR_SIMPLE, .arg = (n) }

#define TOKENS(...)	(const struct receipt_token[]){ __VA_ARGS__ }
#define ITEM(...)	{ TOKENS(__VA_ARGS__), sizeof(TOKENS(__VA_ARGS__)) / \
			  sizeof(struct receipt_token) }
#define BYTES(s)	{ (s), sizeof(s) - 1 }

struct item {
	const struct receipt_token *tokens;
	u32 n;
};

struct bytes {
	const char *data;
	u32 len;
};

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

/* Tokens and blob in copies that end where they end. */
static inline struct receipt_header
receipt_kunit_header(struct kunit *test, const struct item *item,
		     const struct bytes *blob)
{
	return (struct receipt_header){
		.tokens = receipt_kunit_copy(test, item->tokens,
					     item->n * sizeof(item->tokens[0])),
		.ntokens = item->n,
		.blob = receipt_kunit_copy(test, blob->data, blob->len),
		.blob_len = blob->len,
	};
}

#endif /* _RECEIPT_KUNIT_H */
