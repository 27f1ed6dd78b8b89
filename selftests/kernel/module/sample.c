// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module to be loaded; with firmware=NAME it asks for that, and fails when the
 * firmware is refused.
 */
#include <linux/firmware.h>
#include <linux/module.h>
#include <linux/platform_device.h>

static char *firmware;
module_param(firmware, charp, 0);
MODULE_PARM_DESC(firmware, "name of a file to ask for");

static int ask(void)
{
	struct platform_device *dev;
	const struct firmware *fw;
	int ret;

	dev = platform_device_register_simple("receipt-sample", -1, NULL, 0);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = request_firmware_direct(&fw, firmware, &dev->dev);
	if (!ret)
		release_firmware(fw);
	platform_device_unregister(dev);

	return ret;
}

static int __init sample_init(void)
{
	return firmware ? ask() : 0;
}

static void __exit sample_exit(void)
{
}

module_init(sample_init);
module_exit(sample_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Sample of the receipt selftests");
