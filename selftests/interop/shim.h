/* SPDX-License-Identifier: MIT */
/*
 * What kmod/{evidence,claims,cbor_encode,merkle,logkey}.c need of the kernel, for
 * user space: included before them by the compiler's -include, in place of all
 * kernel headers, which are empty files there (see build).
 */
#ifndef SHIM_H
#define SHIM_H

#include "kshim.h"

#include <endian.h>
#include <stdio.h>

#define U8_MAX			UINT8_MAX
#define U16_MAX			UINT16_MAX
#define U32_MAX			UINT32_MAX
#define U64_MAX			UINT64_MAX
#define S64_MAX			INT64_MAX
#define GFP_KERNEL_ACCOUNT	GFP_KERNEL
#define __init
#define __initconst
#define __ro_after_init
#define pr_warn_ratelimited(fmt, ...) fprintf(stderr, fmt, ##__VA_ARGS__)
#define pr_err(fmt, ...)	fprintf(stderr, fmt, ##__VA_ARGS__)
#define READ_ONCE(x)		(x)
#define WRITE_ONCE(x, v)	((x) = (v))
#define min_t(type, a, b)	((type)(a) < (type)(b) ? (type)(a) : (type)(b))
#define struct_size(p, member, n) (sizeof(*(p)) + sizeof((p)->member[0]) * (n))
#define DECLARE_PER_CPU(type, name) extern int name##_unused
#define this_cpu_inc(stat)	((void)0)
#define this_cpu_add(stat, n)	((void)(n))
#define kmemleak_not_leak(p)	((void)(p))

/* One thread, so locks and counts are none. */
typedef int spinlock_t;
typedef int refcount_t;
typedef s64 atomic64_t;
typedef s64 ktime_t;
#define DEFINE_SPINLOCK(name)	spinlock_t name
#define spin_lock(lock)		((void)(lock))
#define spin_unlock(lock)	((void)(lock))
#define refcount_set(ref, n)	(*(ref) = (n))

/* Named by prototypes alone. */
struct file;
struct inode;
struct dentry;
struct iattr;
struct super_block;
struct vm_area_struct;
struct netlink_ext_ack;
struct rcu_head { int unused; };
struct hlist_node { int unused; };
struct list_head { int unused; };
struct path { int unused; };
enum kernel_read_file_id { READING_UNKNOWN };
enum kernel_load_data_id { LOADING_UNKNOWN };
enum lsm_integrity_type { LSM_INT_UNKNOWN };

#define kvmalloc(size, gfp)	kzalloc(size, gfp)
#define isdigit(c)		((c) >= '0' && (c) <= '9')
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)
#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)

static inline void put_unaligned_be16(u16 v, void *p)
{
	v = htobe16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_unaligned_be32(u32 v, void *p)
{
	v = htobe32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void put_unaligned_be64(u64 v, void *p)
{
	v = htobe64(v);
	memcpy(p, &v, sizeof(v));
}

static inline const void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *b = p;

	for (; n; b++, n--)
		if (*b != (u8)c)
			return b;
	return NULL;
}

static inline char *bin2hex(char *out, const void *data, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const u8 *b = data;

	for (; n; b++, n--) {
		*out++ = digits[*b >> 4];
		*out++ = digits[*b & 15];
	}
	return out;
}

/* As the kernel's: digits alone, a plus before them and a newline after them pass. */
static inline int kstrtou64(const char *text, unsigned int base, u64 *out)
{
	u64 n = 0;

	(void)base;
	text += *text == '+';
	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, *text - '0', &n))
			return -ERANGE;
	*out = n;
	return *text == '\n' || !*text ? 0 : -EINVAL;
}

/* crypto/public_key.h */

enum OID { OID_id_ecPublicKey };

struct public_key {
	void *key;
	u32 keylen;
	enum OID algo;
	const char *pkey_algo;
	const char *id_type;
};

struct public_key_signature {
	u8 *s;
	u8 *digest;
	u32 s_size;
	u32 digest_size;
	const char *pkey_algo;
	const char *hash_algo;
	const char *encoding;
};

/* compat.h is about kernels. */
#define _RECEIPT_COMPAT_H
#define receipt_signature_set_hash(sig, hash, size) \
	((sig)->digest = (hash), (sig)->digest_size = (size))

int public_key_verify_signature(const struct public_key *key,
				const struct public_key_signature *sig);

#endif /* SHIM_H */
