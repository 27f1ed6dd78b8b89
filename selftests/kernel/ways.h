/* SPDX-License-Identifier: MIT */
/*
 * Every way to put another content under a name: the program mark, as it was sealed
 * or with other bytes in the same places.
 */
#ifndef WAYS_H
#define WAYS_H

#include <elf.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "probe.h"

#define MARK_FILE	"/t/mark"	/* whole pages, for direct I/O */
#define RAN_EVIL	99
#define RAN_ASTRAY	98
#define BLOCK		4096
#define ASTRAY_AT	(5 * 4096)	/* from the text's start, see mark.S */

enum content { GOOD, EVIL, CONTENTS };

static char *image[CONTENTS];
static size_t image_size;
static char target[256];	/* what is run */
static char other[256];		/* what the ways that exchange exchange it with */
static bool in_place;		/* the target's inode stays the same */

struct way {
	const char *name;
	/* Makes it the target's content; at first it is GOOD. Returns false with errno. */
	bool (*put)(enum content what);
	bool (*prepare)(void);
	bool renames;		/* the old file stays as it is */
	bool astray;		/* EVIL is a head that starts the same code elsewhere */
};

static const char code_good[] = "\xb8\x0a\0\0\0\xc3", code_evil[] = "\xb8\x63\0\0\0\xc3";

/* Returns the number of pages that say what they should not. */
static MAYBE_UNUSED unsigned int turn_evil(char *data, size_t size)
{
	const size_t len = sizeof(code_good) - 1;
	unsigned int n = 0;

	for (size_t at = 0; at + len <= size; at++) {
		if (memcmp(data + at, code_good, len))
			continue;
		memcpy(data + at, code_evil, len);
		n++;
	}
	return n;
}

static void *page_memory(size_t size)
{
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		broken("mmap");
	return map;
}

static MAYBE_UNUSED void load_images(void)
{
	int fd = open(MARK_FILE, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		broken(MARK_FILE);
	image_size = st.st_size;
	image[GOOD] = page_memory(image_size);
	image[EVIL] = page_memory(image_size);
	if (read(fd, image[GOOD], image_size) != st.st_size)
		broken(MARK_FILE);
	close(fd);
	memcpy(image[EVIL], image[GOOD], image_size);
	if (turn_evil(image[EVIL], image_size) != 4)
		broken("%s: not four pages of code", MARK_FILE);
}

/*
 * By writing
 */

static bool put_bytes(const char *path, int flags, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags, 0755);
	bool good;

	if (fd < 0)
		return false;
	good = pwrite(fd, data, size, 0) == (ssize_t)size;
	close(fd);
	return good;
}

static bool by_write(enum content what)
{
	return put_bytes(target, 0, image[what], image_size);
}

static bool by_truncation(enum content what)
{
	return put_bytes(target, O_TRUNC, image[what], image_size);
}

static bool by_direct_io(enum content what)
{
	return put_bytes(target, O_DIRECT, image[what], image_size);
}

/* The entry point lies elsewhere. */
static bool by_elf_header(enum content what)
{
	Elf64_Ehdr head;

	memcpy(&head, image[GOOD], sizeof(head));
	if (what == EVIL)
		head.e_entry += ASTRAY_AT;
	return put_bytes(target, 0, &head, sizeof(head));
}

/* Another part of the file lies at the entry point. */
static bool by_program_headers(enum content what)
{
	struct { Elf64_Ehdr head; Elf64_Phdr segment[2]; } start;

	memcpy(&start, image[GOOD], sizeof(start));
	if (what == EVIL) {
		start.segment[1].p_offset += ASTRAY_AT;
		start.segment[1].p_filesz -= ASTRAY_AT;
		start.segment[1].p_memsz -= ASTRAY_AT;
	}
	return put_bytes(target, 0, &start, sizeof(start));
}

static bool by_mapping(enum content what)
{
	int fd = open(target, O_RDWR | O_CLOEXEC);
	void *map;

	if (fd < 0)
		return false;
	map = mmap(NULL, image_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	memcpy(map, image[what], image_size);
	munmap(map, image_size);
	return true;
}

static bool by_hole(enum content what)
{
	int fd = open(target, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, image_size) &&
	       pwrite(fd, image[what], image_size, 0) == (ssize_t)image_size;
	close(fd);
	return good;
}

/* Behind the content lies the other one, and comes forward. */
static bool by_collapse(enum content what)
{
	int fd = open(target, O_WRONLY | O_CLOEXEC);
	bool good;

	if (fd < 0)
		return false;
	good = pwrite(fd, image[what], image_size, image_size) == (ssize_t)image_size &&
	       !fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, image_size);
	close(fd);
	return good;
}

/*
 * By moving blocks
 */

static bool by_reflink(enum content what)
{
	int fd = open(target, O_WRONLY | O_CLOEXEC), from;
	char source[300];
	bool good;

	if (fd < 0)
		return false;
	snprintf(source, sizeof(source), "%s.%d", other, what);
	from = open(source, O_RDONLY | O_CLOEXEC);
	good = !ioctl(fd, FICLONE, from);
	close(from);
	close(fd);
	return good;
}

static bool prepare_reflink(void)
{
	char path[300];

	for (int i = 0; i < CONTENTS; i++) {
		snprintf(path, sizeof(path), "%s.%d", other, i);
		if (!put_bytes(path, O_CREAT | O_TRUNC, image[i], image_size))
			return false;
	}
	return true;
}

/* Both open for reading and writing. */
static bool with_other(bool (*exchange)(int target_fd, int other_fd))
{
	int a = open(target, O_RDWR | O_CLOEXEC), b = open(other, O_RDWR | O_CLOEXEC);
	int err = errno;
	bool good = false;

	if (a >= 0 && b >= 0) {
		good = exchange(a, b);
		err = errno;
	}
	close(a);
	close(b);
	errno = err;
	return good;
}

struct move_extent {
	uint32_t reserved;
	uint32_t donor_fd;
	uint64_t orig_start;
	uint64_t donor_start;
	uint64_t len;
	uint64_t moved_len;
};

/* The other file keeps its content. The target, its donor, gets blocks that read as zeros. */
static bool move_extents(int target_fd, int other_fd)
{
	struct move_extent m = { .donor_fd = target_fd, .len = image_size / BLOCK };

	return !fsync(target_fd) && !fsync(other_fd) &&
	       !ioctl(other_fd, _IOWR('f', 15, struct move_extent), &m);
}

static bool by_move_extents(enum content what)
{
	return what == GOOD ? by_write(GOOD) : with_other(move_extents);
}

/* With the file system's boot loader inode, which holds the other content. */
static bool by_boot_swap(enum content what)
{
	int fd = open(target, O_RDWR | O_CLOEXEC);
	bool good;

	(void)what;
	if (fd < 0)
		return false;
	good = !ioctl(fd, _IO('f', 17));
	close(fd);
	return good;
}

static bool prepare_boot_swap(void)
{
	return by_write(EVIL) && by_boot_swap(EVIL) && by_truncation(GOOD);
}

struct exchange_range {
	int32_t file1_fd;
	uint32_t pad;
	uint64_t file1_offset;
	uint64_t file2_offset;
	uint64_t length;
	uint64_t flags;
};

static bool exchange_ranges(int target_fd, int other_fd)
{
	struct exchange_range x = { .file1_fd = other_fd, .length = image_size };

	return !ioctl(target_fd, _IOW('X', 129, struct exchange_range), &x);
}

static bool by_exchange_range(enum content what)
{
	(void)what;
	return with_other(exchange_ranges);
}

/*
 * By names
 */

static bool by_rename_exchange(enum content what)
{
	(void)what;
	return !renameat2(AT_FDCWD, target, AT_FDCWD, other, RENAME_EXCHANGE);
}

static bool by_rename(enum content what)
{
	return put_bytes(other, O_CREAT | O_TRUNC, image[what], image_size) &&
	       !rename(other, target);
}

static bool by_symlink(enum content what)
{
	char new_name[300], to[300];

	snprintf(new_name, sizeof(new_name), "%s.link", other);
	snprintf(to, sizeof(to), "%s.%d", other, what);
	unlink(new_name);
	return !symlink(to, new_name) && !rename(new_name, target);
}

static const struct way ways[] MAYBE_UNUSED = {
	{ "write", by_write },
	{ "O_TRUNC and write", by_truncation },
	{ "O_DIRECT", by_direct_io },
	{ "shared mapping", by_mapping },
	{ "punch hole", by_hole },
	{ "collapse range", by_collapse },
	{ "FICLONE", by_reflink, prepare_reflink },
	{ "EXT4_IOC_MOVE_EXT", by_move_extents },
	{ "EXT4_IOC_SWAP_BOOT", by_boot_swap, prepare_boot_swap },
	{ "XFS_IOC_EXCHANGE_RANGE", by_exchange_range },
	{ "ELF header", by_elf_header, .astray = true },
	{ "program headers", by_program_headers, .astray = true },
	{ "rename", by_rename, .renames = true },
	{ "RENAME_EXCHANGE", by_rename_exchange, .renames = true },
	{ "symlink", by_symlink, prepare_reflink, .renames = true },
};

/* Begins anew: target GOOD, other EVIL. False when the file system does not have it. */
static MAYBE_UNUSED bool prepare_way(const struct way *way)
{
	if (!in_place)
		unlink(target);
	unlink(other);
	if (!put_bytes(target, O_CREAT | O_TRUNC, image[GOOD], image_size) ||
	    !put_bytes(other, O_CREAT, image[EVIL], image_size))
		broken("%s", target);
	return (!way->prepare || way->prepare()) && way->put(EVIL) && way->put(GOOD);
}

/* Gives the pages of a file back, as memory pressure does. */
static MAYBE_UNUSED void evict(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

/* Exit status of the target, run after its pages were given back. */
static MAYBE_UNUSED int run_again(void)
{
	struct exec_args args = { .path = target };
	pid_t pid;
	int status;

	evict(target);
	pid = start_probe(try_exec, &args);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#endif /* WAYS_H */
