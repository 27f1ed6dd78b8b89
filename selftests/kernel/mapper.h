/* SPDX-License-Identifier: MIT */
/*
 * Device-mapper without its library, which guests do not have.
 */
#ifndef MAPPER_H
#define MAPPER_H

#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "probe.h"

static int control = -1;

static bool open_mapper(void)
{
	control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	return control >= 0;
}

/* One command of device-mapper; with @type of a table of one target. */
static int dm(unsigned long cmd, const char *name, const char *type, uint64_t sectors,
	      const char *params)
{
	union {
		struct dm_ioctl dmi;
		char room[4096];
	} arg = { .dmi = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(arg),
		.data_start = sizeof(struct dm_ioctl),
		.flags = DM_READONLY_FLAG | DM_SKIP_LOCKFS_FLAG,
	} };
	struct dm_target_spec *spec = (void *)(arg.room + sizeof(struct dm_ioctl));

	snprintf(arg.dmi.name, sizeof(arg.dmi.name), "%s", name);
	if (type) {
		arg.dmi.target_count = 1;
		spec->length = sectors;
		snprintf(spec->target_type, sizeof(spec->target_type), "%s", type);
		strcpy((char *)(spec + 1), params);
	}
	if (ioctl(control, cmd, &arg))
		return -1;
	return minor(arg.dmi.dev);
}

#endif /* MAPPER_H */
