/* SPDX-License-Identifier: MIT */
/*
 * All digests of a file that evidence may be about.
 */
#ifndef RCPT_DIGESTS_H
#define RCPT_DIGESTS_H

#include "receipt.h"

#define RCPT_MAX_DIGESTS	4

/**
 * struct rcpt_digests - digests of one file
 * @n: used entries of @at
 * @at: one for each kind that the file has
 * @at.kind: enum receipt_kind
 * @at.len: bytes of @at.bytes
 * @at.bytes: digest
 */
struct rcpt_digests {
	size_t n;
	struct {
		uint8_t kind;
		uint8_t len;
		uint8_t bytes[RECEIPT_MAX_DIGEST];
	} at[RCPT_MAX_DIGESTS];
};

int rcpt_digests_of(const char *path, struct rcpt_digests *out,
		    struct rcpt_error *err);
const char *rcpt_kind_name(uint8_t kind);

#endif /* RCPT_DIGESTS_H */
