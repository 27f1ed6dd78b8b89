// SPDX-License-Identifier: MIT
/*
 * What is given up before the first look-up is read: capabilities other than
 * the one that the kernel asks for, and all system calls but a few.
 */
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
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
	SCMP_SYS(lseek), SCMP_SYS(fcntl), SCMP_SYS(ftruncate), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(uname),
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(msync), SCMP_SYS(futex), SCMP_SYS(sched_yield),
	SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getrandom), SCMP_SYS(sysinfo),
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(restart_syscall), SCMP_SYS(tgkill),
	SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* For writing the file of floors. */
static const int allowed_keeper[] = {
	SCMP_SYS(flock), SCMP_SYS(fchmod), SCMP_SYS(fsync), SCMP_SYS(rename), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(linkat), SCMP_SYS(unlink), SCMP_SYS(unlinkat),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	return ret;
}

static int add_rules(scmp_filter_ctx ctx, bool keeper)
{
	const struct scmp_arg_cmp no_exec =
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int ret = allow(ctx, allowed, sizeof(allowed) / sizeof(allowed[0]));

	if (!ret && keeper)
		ret = allow(ctx, allowed_keeper, sizeof(allowed_keeper) / sizeof(allowed_keeper[0]));
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
	if (!ret)
		ret = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
	return ret;
}

static int drop_system_calls(bool keeper)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int ret = -ENOMEM;

	if (ctx)
		ret = add_rules(ctx, keeper);
	if (!ret)
		ret = seccomp_load(ctx);
	seccomp_release(ctx);
	return ret;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &hdr, data))
		return -errno;
	for (int i = 0; i < 2; i++) {
		uint32_t keep = i == CAP_TO_INDEX(CAP_MAC_ADMIN) ?
			CAP_TO_MASK(CAP_MAC_ADMIN) : 0;

		data[i].effective &= keep;
		data[i].permitted &= keep;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &hdr, data) ? -errno : 0;
}

/**
 * sandbox_enter() - give up what is not needed
 * @keeper: it is the keeper that does, which writes; else the helper, which answers
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int sandbox_enter(bool keeper, struct rcpt_error *err)
{
	int ret = drop_capabilities();

	if (!ret && prctl(PR_SET_DUMPABLE, 0))
		ret = -errno;
	if (!ret)
		ret = drop_system_calls(keeper);
	if (ret)
		rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "sandbox: %s", strerror(-ret));
	return ret;
}
