/* SPDX-License-Identifier: MIT */
/*
 * What the sources that the kernel and user space share need of the kernel, for
 * user space. Only what they use.
 */
#ifndef _RECEIPT_KSHIM_H
#define _RECEIPT_KSHIM_H

#include <assert.h>
#include <errno.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif
#define S64_MAX		INT64_MAX
#ifndef BIT
#define BIT(n)		(1UL << (n))
#endif
#ifndef __printf
#define __printf(fmt, first)	__attribute__((format(printf, fmt, first)))
#endif

#define GFP_KERNEL	0

static inline void *kcalloc(size_t n, size_t size, int gfp)
{
	(void)gfp;
	return calloc(n, size);
}

static inline void *kzalloc(size_t size, int gfp)
{
	return kcalloc(1, size, gfp);
}

static inline void kfree(const void *p)
{
	free((void *)p);
}

#define kvcalloc	kcalloc
#define kvzalloc	kzalloc
#define kvfree		kfree

/* Pointers that may carry a negative errno. */
static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *p)
{
	return (long)p;
}

static inline bool IS_ERR(const void *p)
{
	return (uintptr_t)p >= (uintptr_t)-4095;
}

static inline bool IS_ERR_OR_NULL(const void *p)
{
	return !p || IS_ERR(p);
}

#endif /* _RECEIPT_KSHIM_H */
