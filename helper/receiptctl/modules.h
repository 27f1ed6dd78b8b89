/* SPDX-License-Identifier: MIT */
/*
 * Files of the kernel modules that are in use.
 */
#ifndef RECEIPTCTL_MODULES_H
#define RECEIPTCTL_MODULES_H

int modules_in_use(int (*fn)(const char *path, void *arg), void *arg);

#endif /* RECEIPTCTL_MODULES_H */
