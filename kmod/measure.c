// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hashing: the kernel's own digest of an artifact, and the small hashes that
 * evidence is folded with.
 */
#include <crypto/hash.h>
#include <linux/kmod.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "private.h"

#define RECEIPT_READ_SIZE	(128 * 1024)

static struct crypto_shash *sha256_tfm __ro_after_init;
static struct crypto_shash *sha384_tfm __ro_after_init;
/* Taken first, and kept: somebody may be hashing with it. */
static struct crypto_shash *first_sha256 __ro_after_init;
static struct crypto_shash *first_sha384 __ro_after_init;

static struct crypto_shash * __init get_hash(const char *name)
{
	struct crypto_shash *tfm = crypto_alloc_shash(name, 0, 0);

	if (!IS_ERR(tfm))
		return tfm;
	pr_err("this kernel has no %s (error %ld)\n", name, PTR_ERR(tfm));

	return NULL;
}

/**
 * receipt_measure_init - get the hashes
 *
 * Context: Process context.
 * Return: 0 or -EOPNOTSUPP.
 */
int __init receipt_measure_init(void)
{
	first_sha256 = get_hash("sha256");
	if (!first_sha256)
		return -EOPNOTSUPP;

	first_sha384 = get_hash("sha384");
	if (!first_sha384) {
		crypto_free_shash(first_sha256);
		return -EOPNOTSUPP;
	}
	sha256_tfm = first_sha256;
	sha384_tfm = first_sha384;

	return 0;
}

static void __init get_fast_hash(const char *name, struct crypto_shash **tfm)
{
	struct crypto_shash *fast;

	request_module("crypto-%s", name);
	fast = crypto_alloc_shash(name, 0, 0);
	if (IS_ERR(fast))
		return;
	if (crypto_shash_alg(fast) == crypto_shash_alg(*tfm))
		crypto_free_shash(fast);
	else
		WRITE_ONCE(*tfm, fast);
}

/**
 * receipt_measure_fast - take faster hashes where there are any
 *
 * The fast one is a module that nobody loads while there is a slow one, or comes
 * up later than the LSM that is built in.
 *
 * Context: Process context, may load crypto modules.
 * Return: 0.
 */
int __init receipt_measure_fast(void)
{
	get_fast_hash("sha256", &sha256_tfm);
	get_fast_hash("sha384", &sha384_tfm);

	return 0;
}

/**
 * receipt_measure_exit - give the hashes back after a failed bring-up
 */
void __init receipt_measure_exit(void)
{
	if (sha256_tfm != first_sha256)
		crypto_free_shash(sha256_tfm);
	if (sha384_tfm != first_sha384)
		crypto_free_shash(sha384_tfm);
	crypto_free_shash(first_sha384);
	crypto_free_shash(first_sha256);
}

/**
 * receipt_kind_size - bytes of a digest
 * @kind: enum receipt_kind, from anywhere
 *
 * Return: the size; 0 for an unknown kind.
 */
size_t receipt_kind_size(u8 kind)
{
	static const u8 sizes[] = {
		[RECEIPT_KIND_SHA256] = 32,
		[RECEIPT_KIND_SHA384] = 48,
		[RECEIPT_KIND_SHA512] = 64,
		[RECEIPT_KIND_FSVERITY_SHA256] = 32,
		[RECEIPT_KIND_DMVERITY_SHA256] = 32,
	};

	return kind < ARRAY_SIZE(sizes) ? sizes[kind] : 0;
}

/**
 * receipt_digest_equal - compare kind and bytes
 * @a: a digest
 * @b: another
 *
 * Return: whether they are the same.
 */
bool receipt_digest_equal(const struct receipt_digest *a,
			  const struct receipt_digest *b)
{
	return a->kind == b->kind &&
	       !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int hash_spans(struct crypto_shash *tfm,
		      const struct receipt_span *spans, size_t n, u8 *out)
{
	SHASH_DESC_ON_STACK(desc, tfm);
	int ret;
	size_t i;

	desc->tfm = tfm;
	ret = crypto_shash_init(desc);
	for (i = 0; !ret && i < n; i++)
		ret = crypto_shash_update(desc, spans[i].data, spans[i].len);
	if (!ret)
		ret = crypto_shash_final(desc, out);
	shash_desc_zero(desc);

	return ret;
}

/**
 * receipt_sha256 - hash pieces one after another
 * @spans: the pieces
 * @n: their number
 * @out: 32 bytes
 *
 * Context: Any that may sleep or not; allocates nothing.
 * Return: 0, or what the hash says.
 */
int receipt_sha256(const struct receipt_span *spans, size_t n,
		   u8 out[RECEIPT_HASH_SIZE])
{
	return hash_spans(READ_ONCE(sha256_tfm), spans, n, out);
}

/**
 * receipt_sha384 - hash pieces one after another
 * @spans: the pieces
 * @n: their number
 * @out: 48 bytes
 *
 * Return: 0, or what the hash says.
 */
int receipt_sha384(const struct receipt_span *spans, size_t n, u8 *out)
{
	return hash_spans(READ_ONCE(sha384_tfm), spans, n, out);
}

/**
 * receipt_measure_buffer - digest of bytes that the kernel holds
 * @buf: the bytes
 * @size: their number
 * @digest: filled in
 *
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_UNREADABLE.
 */
enum receipt_reason receipt_measure_buffer(const void *buf, size_t size,
					   struct receipt_digest *digest)
{
	struct receipt_span span = { buf, size };

	memset(digest, 0, sizeof(*digest));
	digest->kind = RECEIPT_KIND_SHA256;
	receipt_count(RECEIPT_STAT_HASHED);
	receipt_count_add(RECEIPT_STAT_HASHED_BYTES, size);

	return receipt_sha256(&span, 1, digest->bytes) ?
	       RECEIPT_REASON_UNREADABLE : RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason hash_content(struct file *file, void *buf,
					struct shash_desc *desc)
{
	loff_t pos = 0;
	ssize_t got;

	do {
		if (fatal_signal_pending(current))
			return RECEIPT_REASON_INTERRUPTED;
		got = kernel_read(file, buf, RECEIPT_READ_SIZE, &pos);
		if (got < 0)
			return RECEIPT_REASON_UNREADABLE;
		if (crypto_shash_update(desc, buf, got))
			return RECEIPT_REASON_UNREADABLE;
		cond_resched();
	} while (got);

	receipt_count(RECEIPT_STAT_HASHED);
	receipt_count_add(RECEIPT_STAT_HASHED_BYTES, pos);

	return pos == i_size_read(file_inode(file)) ?
	       RECEIPT_REASON_ALLOWED : RECEIPT_REASON_FILE_CHANGED;
}

/**
 * receipt_measure_file - digest of the content of a file
 * @file: open for reading; its pages are read, not the disk below them
 * @digest: filled in
 *
 * The caller makes sure that nobody writes meanwhile, see measure() in
 * decide.c.
 *
 * Context: May sleep and read; not under mmap_lock.
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_UNREADABLE,
 *	RECEIPT_REASON_FILE_CHANGED, RECEIPT_REASON_NO_MEMORY,
 *	RECEIPT_REASON_INTERRUPTED.
 */
enum receipt_reason receipt_measure_file(struct file *file,
					 struct receipt_digest *digest)
{
	struct crypto_shash *tfm = READ_ONCE(sha256_tfm);
	SHASH_DESC_ON_STACK(desc, tfm);
	enum receipt_reason reason;
	void *buf;

	/* Direct I/O would hash the disk, and run the page cache. */
	if (file->f_flags & O_DIRECT)
		return RECEIPT_REASON_UNREADABLE;

	buf = kvmalloc(RECEIPT_READ_SIZE, GFP_KERNEL);
	if (!buf)
		return RECEIPT_REASON_NO_MEMORY;

	memset(digest, 0, sizeof(*digest));
	digest->kind = RECEIPT_KIND_SHA256;
	desc->tfm = tfm;
	reason = crypto_shash_init(desc) ? RECEIPT_REASON_UNREADABLE :
					   hash_content(file, buf, desc);
	if (!reason && crypto_shash_final(desc, digest->bytes))
		reason = RECEIPT_REASON_UNREADABLE;
	shash_desc_zero(desc);
	kvfree(buf);

	return reason;
}
