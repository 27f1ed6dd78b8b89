/* SPDX-License-Identifier: MIT */
/*
 * The file "current" of an index: struct rcpt_disk_list, a struct rcpt_disk_segment for
 * each segment, and for each of them a bit for each bundle. All numbers are big endian.
 */
#ifndef RCPT_INDEX_FORMAT_H
#define RCPT_INDEX_FORMAT_H

#include <stdint.h>

#define RCPT_LIST_MAGIC		"rcptidx1"
#define RCPT_MAX_LIST		(16u << 20)	/* bytes */
#define RCPT_SEGMENT_NAME	"%016llx.segment"

struct rcpt_disk_list {
	uint8_t magic[8];
	uint64_t sum;		/* of the rest, begun with the length of the file */
	uint32_t nsegs;
	uint32_t zero;
} __attribute__((packed));

struct rcpt_disk_segment {
	uint64_t number;
	uint64_t len;
	uint64_t sum;
	uint32_t nbundles;
	uint32_t zero;
} __attribute__((packed));

#endif /* RCPT_INDEX_FORMAT_H */
