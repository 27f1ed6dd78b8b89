/* SPDX-License-Identifier: MIT */
/*
 * What runs now and would be denied under the active policy.
 */
#ifndef RECEIPTCTL_AFFECTED_H
#define RECEIPTCTL_AFFECTED_H

#include <stdbool.h>
#include <stddef.h>

int affected_print(const char *const *stores, size_t nstores, bool json);

#endif /* RECEIPTCTL_AFFECTED_H */
