// SPDX-License-Identifier: MIT
/*
 * inject DIR: code brought into executable mappings past the calls that map it.
 */
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

/* It would fill a page before anybody has touched it, on tmpfs. */
static int by_userfault(void *unused)
{
	(void)unused;
	return outcome_of(syscall(SYS_userfaultfd, O_CLOEXEC) >= 0, EACCES);
}

static int by_mem(void *path)
{
	char *map = map_library(path);
	int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (map == MAP_FAILED)
		return BROKEN;
	return outcome_of(fd >= 0, EACCES);
}

/* It was opened to be read, and written to otherwise. */
static int by_mem_reopened(void *unused)
{
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char path[64];

	(void)unused;
	if (fd < 0)
		return BROKEN;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return outcome_of(open(path, O_WRONLY | O_CLOEXEC) >= 0, EACCES);
}

static int by_vm_writev(void *path)
{
	struct iovec from = { "x", 1 }, to = { map_library(path), 1 };

	if (to.iov_base == MAP_FAILED)
		return BROKEN;
	return outcome_of(process_vm_writev(getpid(), &from, 1, &to, 1, 0) == 1, EFAULT);
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/run/inject", *path;

	mkdir(dir, 0755);
	probe_init();
	path = in(dir, "lib.so");
	copy(LIBRARY, path, "");
	expect(DENIED, probe(by_vm_writev, (void *)path), "process_vm_writev into r-x: EFAULT");
	expect_denied(probe(by_mem, (void *)path), "file_open", "no-evidence",
		      "/proc/self/mem into r-x");
	expect_denied(probe(by_mem_reopened, NULL), "file_open", "no-evidence",
		      "/proc/self/mem opened anew");
	expect_denied(probe(by_userfault, NULL), "inode_init_security_anon", "no-evidence",
		      "userfaultfd");
	return 0;
}
