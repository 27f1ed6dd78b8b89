/* SPDX-License-Identifier: MIT */
/*
 * Options of the command line, and the values that several commands read.
 */
#ifndef RECEIPTCTL_OPTIONS_H
#define RECEIPTCTL_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy.h"

int options_parse(const char *command, int argc, char **argv, const struct option *table,
		  int (*set)(void *run, int option, const char *arg), void *run);
int options_add(const char *command, const char *option, const char **list, size_t room,
		size_t *n, const char *arg);
int options_entry(const char *command, const char *arg, enum receipt_entry *entry);
int options_identity(const char *command, const char *arg, bool *verified);
bool options_number(const char *text, uint64_t max, uint64_t *number);

#endif /* RECEIPTCTL_OPTIONS_H */
