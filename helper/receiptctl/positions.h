/* SPDX-License-Identifier: MIT */
/*
 * Receipts without a position, under a policy that asks for one.
 */
#ifndef RECEIPTCTL_POSITIONS_H
#define RECEIPTCTL_POSITIONS_H

#include <jansson.h>

#include "policyfile.h"

int positions_warn(const struct policy_file *f, const char *const *stores, size_t nstores,
		   json_t *warnings);

#endif /* RECEIPTCTL_POSITIONS_H */
