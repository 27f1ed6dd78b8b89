/* SPDX-License-Identifier: GPL-2.0-only */
/* The text of CONFIG_SECURITY_RECEIPT_BOOT_POLICY, as the kernel is built. */
#include <linux/linkage.h>

	.section .init.rodata, "a"

SYM_DATA_START(receipt_boot_policy)
	.incbin CONFIG_SECURITY_RECEIPT_BOOT_POLICY
SYM_DATA_END_LABEL(receipt_boot_policy, SYM_L_GLOBAL, receipt_boot_policy_end)
