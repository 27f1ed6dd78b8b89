// SPDX-License-Identifier: GPL-2.0-only
/*
 * All that the module is on a kernel before 6.12: it finds out what that kernel
 * lacks, says so, and does not load. Kbuild takes it in place of the rest.
 */
#include <linux/module.h>
#include <linux/utsname.h>

#include "private.h"

static int __init receipt_init(void)
{
	int ret = receipt_measure_init();

	if (ret)
		return ret;

	ret = receipt_logkey_init();
	if (!ret) {
		receipt_logkey_exit();
		pr_err("Linux %s is too old: 6.12 is needed\n",
		       init_utsname()->release);
		ret = -EOPNOTSUPP;
	}
	receipt_measure_exit();

	return ret;
}
module_init(receipt_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Refuses to load on a kernel before 6.12");
