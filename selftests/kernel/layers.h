/* SPDX-License-Identifier: MIT */
/*
 * An overlayfs in one folder: lower, upper, work and merged.
 */
#ifndef LAYERS_H
#define LAYERS_H

#include <sys/mount.h>

#include "probe.h"

/* What is below is put into lower before it is mounted. */
static MAYBE_UNUSED void make_layers(const char *dir)
{
	static const char *const parts[] = { "lower", "upper", "work", "merged" };

	mkdir(dir, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		mkdir(in(dir, parts[i]), 0755);
}

/* @more: options, each after a comma. */
static MAYBE_UNUSED void mount_layers(const char *dir, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work%s", dir,
		 dir, dir, more);
	if (mount("overlay", in(dir, "merged"), "overlay", 0, text))
		broken("overlay with %s", text);
}

#endif /* LAYERS_H */
