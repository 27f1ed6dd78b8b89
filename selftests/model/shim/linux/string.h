/* SPDX-License-Identifier: MIT */
#ifndef MODEL_STRING_H
#define MODEL_STRING_H

#include "kshim.h"

#define U8_MAX	UINT8_MAX
#define U16_MAX	UINT16_MAX
#define U32_MAX	UINT32_MAX
#define U64_MAX	UINT64_MAX
#define S64_MAX	INT64_MAX

/* The first byte that is not @c, or NULL. */
static inline void *memchr_inv(const void *start, int c, size_t bytes)
{
	const u8 *p = start;

	for (; bytes; p++, bytes--)
		if (*p != (u8)c)
			return (void *)p;
	return NULL;
}

#endif /* MODEL_STRING_H */
