/* SPDX-License-Identifier: MIT */
/*
 * Holding all files of a folder against a manifest.
 */
#ifndef RECEIPTCTL_FOLDER_H
#define RECEIPTCTL_FOLDER_H

#include "bundle.h"
#include "walk.h"

/**
 * struct folder - a folder, and what the manifest says of its files
 * @path: of the folder
 * @files: programs, scripts and modules in it, hashed
 * @checked: how many of them
 * @ungranted: in the manifest, but not for what they are
 * @missing: not in the manifest
 */
struct folder {
	const char *path;
	struct artifacts files;
	size_t checked;
	size_t ungranted;
	size_t missing;
};

bool is_folder(const char *path);
int folder_check(struct folder *f, const struct rcpt_bundle *bundle,
		 void (*bad)(const char *file, enum receipt_reason reason, void *arg),
		 void *arg, char **about, struct rcpt_error *err);
void folder_free(struct folder *f);

#endif /* RECEIPTCTL_FOLDER_H */
