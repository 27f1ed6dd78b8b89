// SPDX-License-Identifier: MIT
/*
 * Root hashes of the dm-verity devices of this machine, from the tables that
 * device-mapper shows to root.
 */
#include "dmverity.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#define ROOM	4096	/* for a table of one target */

union table {
	struct dm_ioctl head;
	char room[ROOM];
};

static bool read_table(dev_t dev, union table *table)
{
	int fd = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	memset(table, 0, sizeof(*table));
	table->head.version[0] = DM_VERSION_MAJOR;
	table->head.data_size = sizeof(*table);
	table->head.data_start = sizeof(table->head);
	table->head.flags = DM_STATUS_TABLE_FLAG;
	table->head.dev = dev;
	ok = !ioctl(fd, DM_TABLE_STATUS, table);
	close(fd);
	return ok && table->head.target_count == 1 &&
	       !(table->head.flags & DM_BUFFER_FULL_FLAG);
}

/* VERSION DATA HASH DATA-BLOCK HASH-BLOCK BLOCKS HASH-START ALG ROOT SALT [OPTION]... */
static bool parse_params(const char *params, uint8_t *root)
{
	char alg[16], hex[2 * RECEIPT_HASH_SIZE + 1];
	size_t len;

	return sscanf(params, "%*u %*s %*s %*u %*u %*u %*u %15s %64s", alg, hex) == 2 &&
	       !strcmp(alg, "sha256") &&
	       OPENSSL_hexstr2buf_ex(root, RECEIPT_HASH_SIZE, &len, hex, '\0') == 1 &&
	       len == RECEIPT_HASH_SIZE;
}

bool dmverity_root(const char *path, uint8_t root[RECEIPT_HASH_SIZE])
{
	const struct dm_target_spec *spec;
	union table table;
	struct stat st;

	if (stat(path, &st) || !read_table(st.st_dev, &table) ||
	    table.head.data_start > ROOM - sizeof(*spec) - 1)
		return false;
	table.room[ROOM - 1] = '\0';
	spec = (const void *)(table.room + table.head.data_start);
	return !strncmp(spec->target_type, "verity", sizeof(spec->target_type)) &&
	       parse_params((const char *)(spec + 1), root);
}
