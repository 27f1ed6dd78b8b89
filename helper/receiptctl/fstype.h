/* SPDX-License-Identifier: MIT */
/* Which type of file system a file is on. */
#ifndef RECEIPTCTL_FSTYPE_H
#define RECEIPTCTL_FSTYPE_H

#include "policy.h"

const char *fstype_of(const char *path, char name[RECEIPT_FSTYPE_MAX + 1]);

#endif /* RECEIPTCTL_FSTYPE_H */
