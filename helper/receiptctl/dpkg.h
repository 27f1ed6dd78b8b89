/* SPDX-License-Identifier: MIT */
/*
 * Which package a file came with, as dpkg's database has it.
 */
#ifndef RECEIPTCTL_DPKG_H
#define RECEIPTCTL_DPKG_H

#include "receipt.h"

/**
 * struct package - a package that has a wanted file
 * @name: lower case letters, digits, "+", "-" and "."
 * @arch: empty when the database does not tell packages apart by it
 * @version: empty when it is not known
 */
struct package {
	char *name;
	char *arch;
	char *version;
};

/**
 * struct packages - all of them; start with all zero
 * @n: used entries of @at
 * @cap: room
 * @at: packages
 * @files: the files that are wanted, by name
 */
struct packages {
	size_t n;
	size_t cap;
	struct package **at;
	void *files;
};

int packages_want(struct packages *p, const char *path, struct rcpt_error *err);
int packages_read(struct packages *p, const char *root, struct rcpt_error *err);
const struct package *packages_of(const struct packages *p, const char *path);
void packages_free(struct packages *p);

#endif /* RECEIPTCTL_DPKG_H */
