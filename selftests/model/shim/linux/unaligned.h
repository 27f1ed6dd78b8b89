/* SPDX-License-Identifier: MIT */
#ifndef MODEL_UNALIGNED_H
#define MODEL_UNALIGNED_H

#include "kshim.h"

static inline void put_unaligned_be16(u16 value, void *out)
{
	u8 *p = out;

	p[0] = value >> 8;
	p[1] = value;
}

static inline void put_unaligned_be32(u32 value, void *out)
{
	put_unaligned_be16(value >> 16, out);
	put_unaligned_be16(value, (u8 *)out + 2);
}

static inline void put_unaligned_be64(u64 value, void *out)
{
	put_unaligned_be32(value >> 32, out);
	put_unaligned_be32(value, (u8 *)out + 4);
}

#endif /* MODEL_UNALIGNED_H */
