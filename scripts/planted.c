// SPDX-License-Identifier: MIT
/*
 * A fault for each check of lint, which must find it here, and none elsewhere.
 */
#include <linux/slab.h>
#include <linux/types.h>

struct planted {
	__be32 big;
	void *p;
};

static const int unused = 1; /* W=1 */

/**
 * receipt_planted - kernel-doc: does not say what it returns
 * @planted: faulty
 */
int receipt_planted(struct planted *planted);

int receipt_planted(struct planted *planted)
{
	if (planted->p) /* coccinelle */
		kfree(planted->p);
	return planted->big+1; /* checkpatch; sparse */
}
