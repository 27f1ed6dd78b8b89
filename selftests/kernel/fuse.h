/* SPDX-License-Identifier: MIT */
/*
 * A file system in user space: one file, at inode 2, which the server can change
 * while nobody sees it written.
 */
#ifndef RECEIPT_SELFTEST_FUSE_H
#define RECEIPT_SELFTEST_FUSE_H

#include <linux/fuse.h>
#include <sys/mount.h>

#include "probe.h"

#define FUSE_DIR	"/run/fuse"
#define FUSE_PROGRAM	FUSE_DIR "/program"

static char *fuse_content;	/* shared with the server: what is written is shown */
static size_t fuse_content_len;
static pid_t fuse_server;

static void fuse_reply(int fd, uint64_t unique, int error, const void *data, size_t len)
{
	static char buf[FUSE_MIN_READ_BUFFER + 131072 + sizeof(struct fuse_out_header)];
	struct fuse_out_header out = { .len = sizeof(out) + len, .error = error,
				       .unique = unique };

	memcpy(buf, &out, sizeof(out));
	memcpy(buf + sizeof(out), data, len);
	if (write(fd, buf, out.len) < 0)
		_exit(BROKEN);
}

static struct fuse_attr fuse_node_attr(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .nlink = 1, .blksize = 4096,
		.mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0755,
		.size = node == 1 ? 0 : fuse_content_len,
	};
}

static void fuse_serve_read(int fd, uint64_t unique, const struct fuse_read_in *in)
{
	size_t left = in->offset < fuse_content_len ? fuse_content_len - in->offset : 0;

	fuse_reply(fd, unique, 0, fuse_content + in->offset, left < in->size ? left : in->size);
}

static void fuse_serve_init(int fd, uint64_t unique, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead, .max_write = 4096,
	};

	fuse_reply(fd, unique, 0, &out, sizeof(out));
}

static void fuse_serve_one(int fd, const struct fuse_in_header *in)
{
	struct fuse_entry_out entry = { .nodeid = 2, .attr = fuse_node_attr(2) };
	struct fuse_attr_out attr = { .attr = fuse_node_attr(in->nodeid) };
	struct fuse_open_out opened = {};

	switch (in->opcode) {
	case FUSE_INIT:
		fuse_serve_init(fd, in->unique, (const void *)(in + 1));
		break;
	case FUSE_LOOKUP:
		fuse_reply(fd, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		fuse_reply(fd, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		fuse_reply(fd, in->unique, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		fuse_serve_read(fd, in->unique, (const void *)(in + 1));
		break;
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
		fuse_reply(fd, in->unique, 0, NULL, 0);
		break;
	default:
		fuse_reply(fd, in->unique, -ENOSYS, NULL, 0);
	}
}

static void fuse_serve(int fd)
{
	static char buf[FUSE_MIN_READ_BUFFER + 131072];

	while (read(fd, buf, sizeof(buf)) > 0)
		fuse_serve_one(fd, (const void *)buf);
	_exit(0);
}

static void fuse_load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		broken("%s", path);
	fuse_content_len = st.st_size;
	fuse_content = mmap(NULL, fuse_content_len, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fuse_content == MAP_FAILED || read(fd, fuse_content, st.st_size) != st.st_size)
		broken("%s", path);
	close(fd);
}

/* From now on FUSE_PROGRAM has the content that the file @path has. */
static MAYBE_UNUSED void show_by_fuse(const char *path)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[96];

	fuse_load(path);
	mkdir(FUSE_DIR, 0755);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || mount("receipt", FUSE_DIR, "fuse", 0, options))
		broken("fuse");
	fuse_server = fork();
	if (!fuse_server)
		fuse_serve(fd);
	close(fd);
}

static MAYBE_UNUSED void end_fuse(void)
{
	umount2(FUSE_DIR, MNT_DETACH);
	kill(fuse_server, SIGKILL);
	waitpid(fuse_server, NULL, 0);
}

#endif
