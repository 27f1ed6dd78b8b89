// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the kernel for a file as drivers do: how= says in which way, and loading fails
 * as the request does. With how=upload, user space writes the firmware instead.
 */
#include <linux/completion.h>
#include <linux/firmware.h>
#include <linux/kernel_read_file.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/vmalloc.h>

static char *how = "direct";
module_param(how, charp, 0);
MODULE_PARM_DESC(how, "way to ask, see doors[]");

static char *name;
module_param(name, charp, 0);
MODULE_PARM_DESC(name, "of the firmware, or path of the file");

static uint uploaded;
module_param(uploaded, uint, 0444);
MODULE_PARM_DESC(uploaded, "bytes that the driver was given");

static struct platform_device *dev;

static const struct firmware *fw;

static int drop(int ret)
{
	if (!ret)
		release_firmware(fw);

	return ret;
}

static int ask_direct(void)
{
	return drop(request_firmware_direct(&fw, name, &dev->dev));
}

static int ask_nowarn(void)
{
	return drop(firmware_request_nowarn(&fw, name, &dev->dev));
}

/* May ask user space. */
static int ask_user(void)
{
	return drop(request_firmware(&fw, name, &dev->dev));
}

static int ask_platform(void)
{
	return drop(firmware_request_platform(&fw, name, &dev->dev));
}

static char buffer[4096];

static int ask_buffer(void)
{
	return drop(request_firmware_into_buf(&fw, name, &dev->dev, buffer,
					      sizeof(buffer)));
}

/* Less than there is. */
static int ask_partial(void)
{
	return drop(request_partial_firmware_into_buf(&fw, name, &dev->dev,
						      buffer, 8, 0));
}

static DECLARE_COMPLETION(answered);
static bool found;

static void answer(const struct firmware *got, void *unused)
{
	found = got;
	release_firmware(got);
	complete(&answered);
}

/* Of the reason the driver learns nothing. */
static int ask_nowait(void)
{
	int ret = request_firmware_nowait(THIS_MODULE, true, name, &dev->dev,
					  GFP_KERNEL, NULL, answer);

	if (ret)
		return ret;
	wait_for_completion(&answered);

	return found ? 0 : -EACCES;
}

static int read_as(enum kernel_read_file_id id)
{
	void *buf = NULL;
	ssize_t size = kernel_read_file_from_path(name, 0, &buf, INT_MAX, NULL, id);

	if (size < 0)
		return size;
	vfree(buf);

	return 0;
}

static int ask_x509(void)
{
	return read_as(READING_X509_CERTIFICATE);
}

static int ask_policy(void)
{
	return read_as(READING_POLICY);
}

static enum fw_upload_err prepare(struct fw_upload *up, const u8 *data, u32 size)
{
	return FW_UPLOAD_ERR_NONE;
}

static enum fw_upload_err write(struct fw_upload *up, const u8 *data, u32 offset,
				u32 size, u32 *written)
{
	uploaded += size;
	*written = size;

	return FW_UPLOAD_ERR_NONE;
}

static enum fw_upload_err poll_complete(struct fw_upload *up)
{
	return FW_UPLOAD_ERR_NONE;
}

static void cancel(struct fw_upload *up)
{
}

static const struct fw_upload_ops upload_ops = {
	.prepare = prepare,
	.write = write,
	.poll_complete = poll_complete,
	.cancel = cancel,
};

/* From here on the module stays. */
static int offer_upload(void)
{
	return PTR_ERR_OR_ZERO(firmware_upload_register(THIS_MODULE, &dev->dev, name,
							&upload_ops, NULL));
}

static const struct {
	const char *how;
	int (*ask)(void);
} doors[] = {
	{ "direct", ask_direct },
	{ "nowarn", ask_nowarn },
	{ "user", ask_user },
	{ "nowait", ask_nowait },
	{ "buffer", ask_buffer },
	{ "partial", ask_partial },
	{ "platform", ask_platform },
	{ "x509", ask_x509 },
	{ "policy", ask_policy },
	{ "upload", offer_upload },
};

static int ask(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(doors); i++)
		if (!strcmp(doors[i].how, how))
			return doors[i].ask();

	return -EINVAL;
}

static int __init door_init(void)
{
	int ret;

	dev = platform_device_register_simple("receipt-door", -1, NULL, 0);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = ask();
	if (ret)
		platform_device_unregister(dev);

	return ret;
}

static void __exit door_exit(void)
{
	platform_device_unregister(dev);
}

module_init(door_init);
module_exit(door_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Doors of the receipt selftests");
