/* SPDX-License-Identifier: MIT */
/*
 * Files of kernel modules.
 */
#ifndef RECEIPTCTL_MODULES_H
#define RECEIPTCTL_MODULES_H

#include <stdbool.h>
#include <stdio.h>

/**
 * typedef module_fn - what is called with a module
 * @name: as the kernel lists it
 * @path: of its file, or NULL when there is none
 * @arg: as it was given
 *
 * Return: 0 to go on.
 */
typedef int (*module_fn)(const char *name, const char *path, void *arg);

int modules_find(FILE *wanted, FILE *list, const char *folder, module_fn fn, void *arg);
int modules_in_use(module_fn fn, void *arg);

#endif /* RECEIPTCTL_MODULES_H */
