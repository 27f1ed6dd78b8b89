// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flips a bit of the last byte of a file in the page cache, as bugs of the kernel
 * let attackers do: nobody opens the file for writing, and no page is dirty.
 */
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/pagemap.h>

static char *file;
module_param(file, charp, 0);
MODULE_PARM_DESC(file, "its path");

static int flip(struct file *f)
{
	loff_t last = i_size_read(file_inode(f)) - 1;
	struct page *page;
	u8 *bytes;

	page = read_mapping_page(f->f_mapping, last >> PAGE_SHIFT, f);
	if (IS_ERR(page))
		return PTR_ERR(page);
	bytes = kmap_local_page(page);
	bytes[offset_in_page(last)] ^= 1;
	kunmap_local(bytes);
	put_page(page);

	return 0;
}

static int __init corrupt_init(void)
{
	struct file *f = filp_open(file ?: "", O_RDONLY, 0);
	int ret;

	if (IS_ERR(f))
		return PTR_ERR(f);
	ret = flip(f);
	filp_close(f, NULL);

	/* Not to be unloaded: it goes by itself. */
	return ret ?: -EAGAIN;
}

module_init(corrupt_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Damage in the page cache for the receipt selftests");
