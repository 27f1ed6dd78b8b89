// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hashing: the kernel's own digest of an artifact, and the small hashes that
 * evidence is folded with.
 */
#include <crypto/algapi.h>
#include <crypto/hash.h>
#include <linux/kmod.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "private.h"

#define RECEIPT_READ_SIZE	(128 * 1024)
#define HASHES_MAX		8	/* each better than the one before */

/**
 * struct hash - a hash of the kernel
 * @name: of it
 * @tfm: the fastest so far, the last one of @taken
 * @taken: all that were, and are kept: somebody may be hashing with them
 * @ntaken: used entries of @taken
 */
struct hash {
	const char *name;
	struct crypto_shash *tfm;
	struct crypto_shash *taken[HASHES_MAX];
	u8 ntaken;
};

static struct hash hashes[] __read_mostly = {
	[RECEIPT_KIND_SHA256] = { "sha256" },
	[RECEIPT_KIND_SHA384] = { "sha384" },
	[RECEIPT_KIND_SHA512] = { "sha512" },
};

static void take_hash(struct hash *hash, struct crypto_shash *tfm)
{
	hash->taken[hash->ntaken++] = tfm;
	WRITE_ONCE(hash->tfm, tfm);
}

static int __init get_hash(struct hash *hash)
{
	struct crypto_shash *tfm = crypto_alloc_shash(hash->name, 0, 0);

	if (!IS_ERR(tfm)) {
		take_hash(hash, tfm);
		return 0;
	}
	pr_err("this kernel has no %s (error %ld)\n", hash->name, PTR_ERR(tfm));

	return -EOPNOTSUPP;
}

/**
 * receipt_measure_init - get the hashes
 *
 * Context: Process context.
 * Return: 0 or -EOPNOTSUPP.
 */
int __init receipt_measure_init(void)
{
	int ret = 0;
	size_t i;

	for (i = RECEIPT_KIND_SHA256; !ret && i < ARRAY_SIZE(hashes); i++)
		ret = get_hash(&hashes[i]);
	if (ret)
		receipt_measure_exit();

	return ret;
}

/* The kernel gives out the one with the highest priority. */
static void get_fast_hash(struct hash *hash)
{
	struct crypto_shash *fast = crypto_alloc_shash(hash->name, 0, 0);

	if (IS_ERR(fast))
		return;
	if (hash->ntaken < HASHES_MAX &&
	    crypto_shash_alg(fast)->base.cra_priority >
	    crypto_shash_alg(hash->tfm)->base.cra_priority)
		take_hash(hash, fast);
	else
		crypto_free_shash(fast);
}

static void get_fast_hashes(struct work_struct *work)
{
	size_t i;

	for (i = RECEIPT_KIND_SHA256; i < ARRAY_SIZE(hashes); i++)
		get_fast_hash(&hashes[i]);
}

static DECLARE_WORK(fast_work, get_fast_hashes);

static int on_algorithm(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct crypto_alg *alg = data;
	size_t i;

	if (event != CRYPTO_MSG_ALG_LOADED)
		return NOTIFY_DONE;
	for (i = RECEIPT_KIND_SHA256; i < ARRAY_SIZE(hashes); i++)
		if (!strcmp(alg->cra_name, hashes[i].name))
			schedule_work(&fast_work);

	return NOTIFY_DONE;
}

static struct notifier_block algorithm_notifier = { .notifier_call = on_algorithm };

/**
 * receipt_measure_fast - take faster hashes where there are any
 *
 * The fast one is a module that nobody loads while there is a slow one.
 *
 * Context: Process context, may load crypto modules. Once, before
 *	receipt_measure_follow().
 */
void __init receipt_measure_fast(void)
{
	size_t i;

	for (i = RECEIPT_KIND_SHA256; i < ARRAY_SIZE(hashes); i++)
		request_module("crypto-%s", hashes[i].name);
	get_fast_hashes(NULL);
}

/**
 * receipt_measure_follow - take faster hashes when they come
 *
 * Later than the LSM that is built in, or than an initramfs that has none.
 *
 * Context: Process context. Not undone: once, when nothing can fail any more.
 */
void __init receipt_measure_follow(void)
{
	crypto_register_notifier(&algorithm_notifier);
	/* What came before that. */
	schedule_work(&fast_work);
}

/**
 * receipt_measure_exit - give the hashes back after a failed bring-up
 */
void __init receipt_measure_exit(void)
{
	size_t i;

	for (i = RECEIPT_KIND_SHA256; i < ARRAY_SIZE(hashes); i++)
		while (hashes[i].ntaken)
			crypto_free_shash(hashes[i].taken[--hashes[i].ntaken]);
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
 * receipt_hash - hash pieces one after another
 * @kind: RECEIPT_KIND_SHA256, RECEIPT_KIND_SHA384 or RECEIPT_KIND_SHA512
 * @spans: the pieces
 * @n: their number
 * @out: receipt_kind_size() bytes
 *
 * Context: Any that may sleep or not; allocates nothing.
 * Return: 0, or what the hash says.
 */
int receipt_hash(enum receipt_kind kind, const struct receipt_span *spans,
		 size_t n, u8 *out)
{
	return hash_spans(READ_ONCE(hashes[kind].tfm), spans, n, out);
}

/**
 * receipt_sha256 - hash pieces one after another
 * @spans: the pieces
 * @n: their number
 * @out: 32 bytes
 *
 * Context: As receipt_hash().
 * Return: 0, or what the hash says.
 */
int receipt_sha256(const struct receipt_span *spans, size_t n,
		   u8 out[RECEIPT_HASH_SIZE])
{
	return receipt_hash(RECEIPT_KIND_SHA256, spans, n, out);
}

/**
 * receipt_digests_kinds - which kinds there are
 * @digests: of a content
 *
 * Return: bits by enum receipt_kind.
 */
u8 receipt_digests_kinds(const struct receipt_digests *digests)
{
	u8 i, kinds = 0;

	for (i = 0; i < digests->n; i++)
		kinds |= BIT(digests->digest[i].kind);

	return kinds;
}

/* A place for each of @kinds, still zero. */
static void start_digests(struct receipt_digests *digests, u8 kinds)
{
	u8 kind;

	memset(digests, 0, sizeof(*digests));
	for (kind = RECEIPT_KIND_SHA256; kind < ARRAY_SIZE(hashes); kind++)
		if (kinds & BIT(kind))
			digests->digest[digests->n++].kind = kind;
}

/**
 * receipt_measure_buffer - digests of bytes that the kernel holds
 * @buf: the bytes
 * @size: their number
 * @kinds: bits of the kinds that are wanted
 * @digests: filled in
 *
 * Return: RECEIPT_REASON_ALLOWED, or RECEIPT_REASON_UNREADABLE.
 */
enum receipt_reason receipt_measure_buffer(const void *buf, size_t size,
					   u8 kinds,
					   struct receipt_digests *digests)
{
	struct receipt_span span = { buf, size };
	u8 i;

	start_digests(digests, kinds);
	receipt_count(RECEIPT_STAT_HASHED);
	receipt_count_add(RECEIPT_STAT_HASHED_BYTES, size);
	for (i = 0; i < digests->n; i++)
		if (receipt_hash(digests->digest[i].kind, &span, 1,
				 digests->digest[i].bytes))
			return RECEIPT_REASON_UNREADABLE;

	return RECEIPT_REASON_ALLOWED;
}

/* Hashes that run beside each other over the content of a file. */
struct hashing {
	u8 n;
	struct shash_desc *desc[RECEIPT_MEASURED_MAX];
};

static enum receipt_reason start_hashing(struct hashing *h, u8 kind)
{
	struct crypto_shash *tfm = READ_ONCE(hashes[kind].tfm);
	struct shash_desc *desc;

	desc = kzalloc(sizeof(*desc) + crypto_shash_descsize(tfm), GFP_KERNEL);
	if (!desc)
		return RECEIPT_REASON_NO_MEMORY;
	desc->tfm = tfm;
	h->desc[h->n++] = desc;

	return crypto_shash_init(desc) ? RECEIPT_REASON_UNREADABLE :
					 RECEIPT_REASON_ALLOWED;
}

static int update_hashing(struct hashing *h, const void *buf, size_t size)
{
	int ret = 0;
	u8 i;

	for (i = 0; !ret && i < h->n; i++)
		ret = crypto_shash_update(h->desc[i], buf, size);

	return ret;
}

/**
 * receipt_read_reason - why a file could not be read
 * @err: what kernel_read() said, negative
 *
 * Return: RECEIPT_REASON_NO_MEMORY, RECEIPT_REASON_INTERRUPTED, else
 *	RECEIPT_REASON_UNREADABLE.
 */
enum receipt_reason receipt_read_reason(ssize_t err)
{
	switch (err) {
	case -ENOMEM:
		return RECEIPT_REASON_NO_MEMORY;
	case -EINTR:
	case -ERESTARTSYS:
		return RECEIPT_REASON_INTERRUPTED;
	default:
		return RECEIPT_REASON_UNREADABLE;
	}
}

/* Nobody waits for the answer any more. */
static bool is_gone(struct task_struct *asker)
{
	return fatal_signal_pending(asker) ||
	       READ_ONCE(asker->flags) & PF_EXITING;
}

static enum receipt_reason hash_content(struct file *file,
					struct task_struct *asker,
					void *buf, struct hashing *h)
{
	loff_t pos = 0;
	ssize_t got;

	do {
		if (is_gone(asker))
			return RECEIPT_REASON_INTERRUPTED;
		got = kernel_read(file, buf, RECEIPT_READ_SIZE, &pos);
		if (got < 0)
			return receipt_read_reason(got);
		if (update_hashing(h, buf, got))
			return RECEIPT_REASON_UNREADABLE;
		cond_resched();
	} while (got);

	receipt_count(RECEIPT_STAT_HASHED);
	receipt_count_add(RECEIPT_STAT_HASHED_BYTES, pos);

	return pos == i_size_read(file_inode(file)) ?
	       RECEIPT_REASON_ALLOWED : RECEIPT_REASON_FILE_CHANGED;
}

static enum receipt_reason hash_file(struct file *file,
				     struct task_struct *asker, void *buf,
				     struct receipt_digests *digests)
{
	enum receipt_reason reason = RECEIPT_REASON_ALLOWED;
	struct hashing h = {};
	u8 i;

	for (i = 0; !reason && i < digests->n; i++)
		reason = start_hashing(&h, digests->digest[i].kind);
	if (!reason)
		reason = hash_content(file, asker, buf, &h);
	for (i = 0; !reason && i < h.n; i++)
		if (crypto_shash_final(h.desc[i], digests->digest[i].bytes))
			reason = RECEIPT_REASON_UNREADABLE;
	while (h.n)
		kfree_sensitive(h.desc[--h.n]);

	return reason;
}

/**
 * receipt_measure_file - digests of the content of a file, in one pass
 * @file: its pages are read, not the disk below them
 * @asker: who waits for it, referenced by the caller: when it is killed, no more is read
 * @kinds: bits of the kinds that are wanted
 * @digests: filled in
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
					 struct task_struct *asker,
					 u8 kinds,
					 struct receipt_digests *digests)
{
	enum receipt_reason reason;
	void *buf;

	/*
	 * Direct I/O would hash the disk, and run the page cache. A descriptor with
	 * access mode 3 is for ioctl alone, and kernel_read() warns of it.
	 */
	if (file->f_flags & O_DIRECT || !(file->f_mode & FMODE_READ))
		return RECEIPT_REASON_UNREADABLE;

	buf = kvmalloc(RECEIPT_READ_SIZE, GFP_KERNEL);
	if (!buf)
		return RECEIPT_REASON_NO_MEMORY;

	start_digests(digests, kinds);
	reason = hash_file(file, asker, buf, digests);
	kvfree(buf);

	return reason;
}
