// SPDX-License-Identifier: MIT
/*
 * What is given up before the first look-up is read: capabilities other than
 * the one that the kernel asks for, all system calls but a few, and files: the helper
 * reads its stores and writes nothing, the keeper writes to its own folder alone, the
 * indexer to the indexes alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/fsverity.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "receiptd.h"

/* For answering, and for opening stores that appear later. */
static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pread64), SCMP_SYS(pwritev2),
	SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(close), SCMP_SYS(fstat),
	SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(fstatfs), SCMP_SYS(statfs),
	SCMP_SYS(getdents64), SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(uname),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(sched_yield),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(sysinfo),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(tgkill),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* For writing the file of floors, and watching what the next helper starts with. */
static const int allowed_keeper[] = {
	SCMP_SYS(inotify_add_watch), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(fchown), SCMP_SYS(geteuid),
	SCMP_SYS(flock), SCMP_SYS(fchmod), SCMP_SYS(fsync), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(linkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

/* For writing indexes, and watching the stores. */
static const int allowed_indexer[] = {
	SCMP_SYS(inotify_add_watch), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(chmod), SCMP_SYS(fchmodat), SCMP_SYS(lstat),
	SCMP_SYS(fchown), SCMP_SYS(geteuid), SCMP_SYS(flock), SCMP_SYS(fchmod), SCMP_SYS(fsync),
	SCMP_SYS(fallocate), SCMP_SYS(ftruncate), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return ret;
}

static int add_rules(scmp_filter_ctx ctx, const struct sandbox *box)
{
	bool keeper = box->own;
	const struct scmp_arg_cmp no_exec =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int ret = allow(ctx, allowed, sizeof(allowed) / sizeof(allowed[0]));

	if (!ret && keeper)
		ret = allow(ctx, allowed_keeper, sizeof(allowed_keeper) / sizeof(allowed_keeper[0]));
	if (!ret && box->indexes)
		ret = allow(ctx, allowed_indexer,
			    sizeof(allowed_indexer) / sizeof(allowed_indexer[0]));
	if (!ret && keeper)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
				       SCMP_A1(SCMP_CMP_EQ, FS_IOC_MEASURE_VERITY));
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	return ret;
}

static int drop_system_calls(const struct sandbox *box)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret = -ENOMEM;

	if (ctx)
		ret = add_rules(ctx, box);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	return ret;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint32_t more = 0;

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	for (int i = 0; i < 2; i++) {
		uint32_t keep = i == CAP_TO_INDEX(CAP_MAC_ADMIN) ?
			CAP_TO_MASK(CAP_MAC_ADMIN) : 0;

		more |= ((data[i].effective | data[i].permitted) & ~keep) | data[i].inheritable;
		data[i].effective &= keep;
		data[i].permitted &= keep;
		data[i].inheritable = 0;
	}
	/* Its unit leaves nothing to be given up, nor the call. */
	return more && syscall(SYS_capset, &hdr, data) ? -errno : 0;
}

/*
 * Files
 */

/* Of all versions of Landlock; headers may be older than the kernel. */
#define RIGHT_EXECUTE		(1ULL << 0)
#define RIGHT_WRITE_FILE	(1ULL << 1)
#define RIGHT_READ_FILE		(1ULL << 2)
#define RIGHT_READ_DIR		(1ULL << 3)
#define RIGHT_REMOVE_FILE	(1ULL << 5)
#define RIGHT_MAKE_DIR		(1ULL << 7)
#define RIGHT_MAKE_REG		(1ULL << 8)
#define RIGHT_REFER		(1ULL << 13)
#define RIGHT_TRUNCATE		(1ULL << 14)
#define RIGHTS_READ		(RIGHT_READ_FILE | RIGHT_READ_DIR)
#define RIGHTS_OWN		(RIGHT_WRITE_FILE | RIGHT_REMOVE_FILE | RIGHT_MAKE_DIR |	\
				 RIGHT_MAKE_REG | RIGHT_TRUNCATE)

/* What a version can take away: EXECUTE to MAKE_SYM, REFER, TRUNCATE, IOCTL_DEV. */
static uint64_t rights_of_version(long version)
{
	return (1ULL << (version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13)) - 1;
}

/* Below a folder, or below the nearest one where it can still be made. */
static int permit_below(int rules, const char *folder, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	char path[PATH_MAX], *slash;
	int ret;

	if (snprintf(path, sizeof(path), "%s", folder) >= PATH_MAX)
		return -ENAMETOOLONG;
	while ((rule.parent_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
		slash = strrchr(path, '/');
		if (errno != ENOENT)
			return -errno;
		if (!slash)
			strcpy(path, ".");
		else
			slash[slash == path] = '\0';
	}
	ret = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ?
	      -errno : 0;
	close(rule.parent_fd);
	return ret;
}

/* The index of a store; where there is none, it is made in the folder that can be. */
static int permit_index(int rules, const char *store, uint64_t handled)
{
	char index[PATH_MAX];

	if (snprintf(index, sizeof(index), "%s/index", store) >= PATH_MAX)
		return -ENAMETOOLONG;
	return permit_below(rules, index, (RIGHTS_OWN | RIGHT_REFER) & handled);
}

static int permit(int rules, const struct sandbox *box, uint64_t handled)
{
	int ret = 0;

	if (box->own)
		return permit_below(rules, box->own, RIGHTS_OWN & handled);
	for (size_t i = 0; i < box->sources->nstores && !ret; i++)
		ret = box->indexes ?
		      permit_index(rules, box->sources->stores[i], handled) :
		      permit_below(rules, box->sources->stores[i], RIGHTS_READ);
	return ret;
}

static int drop_files(const struct sandbox *box)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = { 0 };
	int rules, ret;

	if (version < 1) {
		if (!box->own && !box->indexes)
			log_line(LOG_WARNING, "no Landlock in this kernel: which files are used, "
				 "their permissions alone say");
		return 0;
	}
	attr.handled_access_fs = rights_of_version(version);
	if (box->own || box->indexes)
		attr.handled_access_fs &= ~RIGHTS_READ;
	rules = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (rules < 0)
		return -errno;
	ret = permit(rules, box, attr.handled_access_fs);
	if (!ret && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		     syscall(SYS_landlock_restrict_self, rules, 0)))
		ret = -errno;
	close(rules);
	return ret;
}

/**
 * sandbox_enter() - give up what is not needed
 * @box: what is
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int sandbox_enter(const struct sandbox *box, struct rcpt_error *err)
{
	int ret = drop_capabilities();

	if (!ret)
		ret = drop_files(box);
	if (!ret && prctl(PR_SET_DUMPABLE, 0))
		ret = -errno;
	if (!ret)
		ret = drop_system_calls(box);
	if (ret)
		rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "sandbox: %s", strerror(-ret));
	return ret;
}
