// SPDX-License-Identifier: MIT
/*
 * anon: executable memory of no file, and code for the kernel. /t/jit is this
 * program, sealed for ANON_EXEC; /t/plain is it as well, sealed for EXECUTE alone.
 * They are executed with the name of a probe, and exit with its outcome.
 */
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "probe.h"

#define PAGE	4096
#define HUGE	(2 << 20)
#define RW	(PROT_READ | PROT_WRITE)
#define RX	(PROT_READ | PROT_EXEC)

/* mov $42,%eax; ret */
static const uint8_t code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };

static int map_as(int prot, int flags)
{
	return outcome_of(mmap(NULL, PAGE, prot, flags | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
			  EACCES);
}

static int map_data(void)	{ return map_as(RW, MAP_PRIVATE); }
static int map_private(void)	{ return map_as(RX, MAP_PRIVATE); }
static int map_shared(void)	{ return map_as(RX, MAP_SHARED); }
static int map_writable(void)	{ return map_as(RW | PROT_EXEC, MAP_PRIVATE); }

/* Writes code there, makes it executable and runs it. */
static int run_code(void *at)
{
	void *page = (void *)((uintptr_t)at & -PAGE);

	if (at == MAP_FAILED)
		return BROKEN;
	memcpy(at, code, sizeof(code));
	if (mprotect(page, PAGE, RX | PROT_WRITE))
		return outcome_of(false, EACCES);
	return ((int (*)(void))at)() == 42 ? ALLOWED : BROKEN;
}

static int protect_mapping(void)
{
	return run_code(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static int protect_heap(void)
{
	return run_code(sbrk(PAGE));
}

static int protect_stack(void)
{
	uint8_t room[sizeof(code)];

	return run_code(room);
}

/* What is executable already becomes writable, too. */
static int protect_executable(void)
{
	void *at = mmap(NULL, PAGE, RX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || mprotect(at, PAGE, RX | PROT_WRITE))
		return outcome_of(false, EACCES);
	return run_code(at);
}

/*
 * Memory that the kernel keeps as a file of which nobody has a descriptor
 */

static int protect_shared(void)
{
	return run_code(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static int attach_sysv(void)
{
	int id = shmget(IPC_PRIVATE, PAGE, IPC_CREAT | 0700);
	void *at = shmat(id, NULL, SHM_EXEC);
	int err = errno;

	shmctl(id, IPC_RMID, NULL);
	errno = err;
	return outcome_of(at != (void *)-1, EACCES);
}

static int map_huge(int prot, int flags)
{
	return outcome_of(mmap(NULL, HUGE, prot, flags | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) !=
			  MAP_FAILED, EACCES);
}

static int map_huge_data(void)		{ return map_huge(RW, MAP_PRIVATE); }
static int map_huge_private(void)	{ return map_huge(RW | PROT_EXEC, MAP_PRIVATE); }
static int map_huge_shared(void)	{ return map_huge(RX, MAP_SHARED); }

static int protect_huge(void)
{
	void *at = mmap(NULL, HUGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (at == MAP_FAILED)
		return BROKEN;
	return outcome_of(!mprotect(at, HUGE, RX), EACCES);
}

/* This is a file: whoever gets the descriptor writes to it. */
static int map_huge_memfd(void)
{
	int fd = memfd_create("anon_hugepage", MFD_CLOEXEC | MFD_HUGETLB);

	if (fd < 0 || ftruncate(fd, HUGE))
		return BROKEN;
	return outcome_of(mmap(NULL, HUGE, RX, MAP_SHARED, fd, 0) != MAP_FAILED, EACCES);
}

static int map_zero(void)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return BROKEN;
	return outcome_of(mmap(NULL, PAGE, RW | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED,
			  EACCES);
}

static int protect_zero(void)
{
	int fd = open("/dev/zero", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return BROKEN;
	return run_code(mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0));
}

/*
 * What the kernel maps by itself is executable from the start.
 */

static uint8_t *vdso, *vdso_end;

static bool find_vdso(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[300];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "[vdso]"))
			sscanf(line, "%p-%p", (void **)&vdso, (void **)&vdso_end);
	if (f)
		fclose(f);
	return vdso;
}

/* The kernel does not split it. What is at its end means nothing. */
static int protect_vdso(int prot)
{
	return mprotect(vdso, vdso_end - vdso, prot);
}

static int run_in_vdso(void)
{
	return ((int (*)(void))(vdso_end - sizeof(code)))() == 42 ? ALLOWED : BROKEN;
}

static int vdso_writable(void)
{
	if (!find_vdso())
		return BROKEN;
	if (protect_vdso(RX | PROT_WRITE))
		return outcome_of(false, EACCES);
	memcpy(vdso_end - sizeof(code), code, sizeof(code));
	return run_in_vdso();
}

static int vdso_written(void)
{
	if (!find_vdso() || protect_vdso(RW))
		return BROKEN;
	memcpy(vdso_end - sizeof(code), code, sizeof(code));
	if (protect_vdso(RX))
		return outcome_of(false, EACCES);
	return run_in_vdso();
}

static int vdso_same(void)
{
	return find_vdso() ? outcome_of(!protect_vdso(RX), EACCES) : BROKEN;
}

static int load_bpf(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"",
	};

	return outcome_of(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) >= 0, EACCES);
}

/* Without an LSM it is EBUSY: the file is mapped. */
static int exchange_file(void)
{
	int fd = open("/t/jit", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return BROKEN;
	return outcome_of(!prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, fd, 0, 0), EACCES);
}

static int exchange_map(void)
{
	struct prctl_mm_map map = { .exe_fd = -1 };

	return outcome_of(!prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0), EACCES);
}

static int ask_size(void)
{
	unsigned int size;

	/* EINVAL where the kernel does not restore processes. */
	return outcome_of(!prctl(PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) ||
			  errno == EINVAL, EACCES);
}

/*
 * Code brought into what is executable already, or gets so without being asked for
 */

/* The heap would grow executable then. */
static int grow_heap(void)
{
	uint8_t *heap;

	personality(READ_IMPLIES_EXEC);
	heap = sbrk(PAGE);
	if (heap == (void *)-1)
		return outcome_of(false, ENOMEM);
	memcpy(heap, code, sizeof(code));
	return ((int (*)(void))heap)() == 42 ? ALLOWED : BROKEN;
}

/* Other LSMs are asked about root and about users in another order. */
static int grow_users_heap(void)
{
	return setuid(65534) ? BROKEN : grow_heap();
}

static int grow_plain_heap(void)
{
	return outcome_of(sbrk(PAGE) != (void *)-1, ENOMEM);
}

static int persona_alone(void)
{
	pid_t pid;
	int status;

	personality(READ_IMPLIES_EXEC);
	pid = fork();
	if (!pid)
		_exit(ALLOWED);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static pid_t start_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(PROBE_SECONDS);
		pause();
		_exit(BROKEN);
	}
	return pid;
}

static int end_child(pid_t pid, int outcome)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return outcome;
}

static int attach(void)
{
	pid_t pid = start_child();

	return end_child(pid, outcome_of(!ptrace(PTRACE_ATTACH, pid, 0, 0), EACCES));
}

static int seize(void)
{
	pid_t pid = start_child();

	return end_child(pid, outcome_of(!ptrace(PTRACE_SEIZE, pid, 0, 0), EACCES));
}

static int be_traced(void)
{
	return outcome_of(!ptrace(PTRACE_TRACEME, 0, 0, 0), EACCES);
}

static int open_memory(int flags)
{
	return outcome_of(open("/proc/self/mem", flags | O_CLOEXEC) >= 0, EACCES);
}

static int write_memory(void)	{ return open_memory(O_RDWR); }
static int read_memory(void)	{ return open_memory(O_RDONLY); }

static int write_thread(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/mem", getpid(), getpid());
	return outcome_of(open(path, O_WRONLY | O_CLOEXEC) >= 0, EACCES);
}

/* What asks the same as a debugger, and is none. */
static int read_process(void)
{
	static char byte;
	struct iovec iov = { &byte, 1 };
	pid_t pid = start_child();

	return end_child(pid, outcome_of(process_vm_readv(pid, &iov, 1, &iov, 1, 0) == 1, EPERM));
}

static int fault_for_user(void)
{
	return outcome_of(syscall(SYS_userfaultfd, O_CLOEXEC) >= 0, EACCES);
}

/* The same by a device. */
static int fault_by_device(void)
{
	int fd = open("/dev/userfaultfd", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return BROKEN;
	return outcome_of(ioctl(fd, USERFAULTFD_IOC_NEW, O_CLOEXEC) >= 0, EACCES);
}

static bool has_writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool has = false;

	if (!maps)
		return true;
	while (fgets(line, sizeof(line), maps))
		has |= !!strstr(line, " rwx");
	fclose(maps);
	return has;
}

/* The kernel maps the ring by itself, without a question. */
static int aio_ring(void)
{
	aio_context_t context = 0;

	personality(READ_IMPLIES_EXEC);
	if (syscall(SYS_io_setup, 8, &context) && errno != ENOSYS)
		return outcome_of(false, EACCES);
	return has_writable_code() ? BROKEN : ALLOWED;
}

static bool has_secret_memory(void)
{
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);

	close(fd);
	return fd >= 0;
}

/* A file that is in no file system that anybody mounts. */
static int map_secret(void)
{
	int fd = syscall(SYS_memfd_secret, O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, PAGE))
		return BROKEN;
	return outcome_of(mmap(NULL, PAGE, RX, MAP_SHARED, fd, 0) != MAP_FAILED, EACCES);
}

#define MMAP		"mmap_file"
#define MPROTECT	"file_mprotect"
#define NOT_RULED	NULL
#define SECRET		"secret memory"

static const struct anon_probe {
	const char *name;
	int (*fn)(void);
	const char *hook;
	const char *reason;	/* NULL: that of a program that is not sealed for it */
} probes[] = {
	{ "data", map_data, NOT_RULED, NULL },
	{ "private", map_private, MMAP, NULL },
	{ "shared", map_shared, MMAP, NULL },
	{ "writable and executable", map_writable, MMAP, NULL },
	{ "executable, then writable", protect_executable, MMAP, NULL },
	{ "written, then executable", protect_mapping, MPROTECT, NULL },
	{ "heap", protect_heap, MPROTECT, NULL },
	{ "stack", protect_stack, MPROTECT, NULL },
	{ "shared memory, written", protect_shared, MPROTECT, NULL },
	{ "SysV memory", attach_sysv, MMAP, NULL },
	{ "/dev/zero", map_zero, MMAP, NULL },
	{ "/dev/zero, written", protect_zero, MPROTECT, NULL },
	{ "huge pages of data", map_huge_data, NOT_RULED, NULL },
	{ "huge pages", map_huge_private, MMAP, NULL },
	{ "huge pages, shared", map_huge_shared, MMAP, NULL },
	{ "huge pages, written", protect_huge, MPROTECT, NULL },
	{ "memfd of huge pages", map_huge_memfd, MMAP, "unstable-filesystem" },
	{ "vDSO made writable", vdso_writable, MPROTECT, NULL },
	{ "vDSO written", vdso_written, MPROTECT, NULL },
	{ "vDSO as it is", vdso_same, NOT_RULED, NULL },
	{ "heap, READ_IMPLIES_EXEC", grow_heap, "mmap_addr", NULL },
	{ "heap of a user, READ_IMPLIES_EXEC", grow_users_heap, "mmap_addr", NULL },
	{ "heap as it is", grow_plain_heap, NOT_RULED, NULL },
	{ "fork, READ_IMPLIES_EXEC", persona_alone, NOT_RULED, NULL },
	{ "PTRACE_ATTACH", attach, "ptrace_access_check", NULL },
	{ "PTRACE_SEIZE", seize, "ptrace_access_check", NULL },
	{ "PTRACE_TRACEME", be_traced, "ptrace_traceme", NULL },
	{ "process_vm_readv", read_process, NOT_RULED, NULL },
	{ "its memory, to write", write_memory, "file_open", NULL },
	{ "that of a thread, to write", write_thread, "file_open", NULL },
	{ "its memory, to read", read_memory, NOT_RULED, NULL },
	{ "userfaultfd", fault_for_user, "inode_init_security_anon", NULL },
	{ "userfaultfd by its device", fault_by_device, "inode_init_security_anon", NULL },
	{ "ring of AIO, READ_IMPLIES_EXEC", aio_ring, NOT_RULED, NULL },
	{ SECRET, map_secret, MMAP, "unstable-filesystem" },
	{ "BPF program", load_bpf, "bpf_prog_load", NULL },
	{ "size of a map of memory", ask_size, NOT_RULED, NULL },
	{ "another file as its program", exchange_file, "task_prctl", "program-file-exchanged" },
	{ "a map of memory", exchange_map, "task_prctl", "program-file-exchanged" },
};

static int run_probe(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++)
		if (!strcmp(probes[i].name, name))
			return probes[i].fn();
	return BROKEN;
}

static int in_this_program(void *p)
{
	return ((const struct anon_probe *)p)->fn();
}

static int in_program(const char *program, const struct anon_probe *p)
{
	struct exec_args args = { .path = program, .argv = { program, p->name } };

	return probe(try_exec, &args);
}

static void test(const struct anon_probe *p)
{
	const char *reason = p->reason ?: "usage-not-granted";

	if (p->hook)
		expect_denied(in_program("/t/plain", p), p->hook, reason,
			      "%s: sealed for execution alone", p->name);
	else
		expect_allowed(in_program("/t/plain", p), "%s: not ruled", p->name);
	if (p->reason)
		expect_denied(in_program("/t/jit", p), p->hook, reason,
			      "%s: sealed for it", p->name);
	else
		expect_allowed(in_program("/t/jit", p), "%s: sealed for it", p->name);
}

/* Says that it was executed, and goes on when it is told to. */
static int run_late(const char *name)
{
	char c;

	if (write(STDERR_FILENO, "", 1) != 1 || read(STDIN_FILENO, &c, 1) != 1)
		return BROKEN;
	return run_probe(name);
}

int main(int argc, char **argv)
{
	if (argc > 2)
		return run_late(argv[2]);
	if (argc > 1)
		return run_probe(argv[1]);
	probe_init();
	write_text("/proc/sys/vm/nr_hugepages", "4");
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		if (!strcmp(probes[i].name, SECRET) && !has_secret_memory())
			ok(true, SECRET " # SKIP this kernel has none");
		else
			test(&probes[i]);
	}
	expect_denied(probe(in_this_program, (void *)&probes[1]), MMAP, "no-evidence",
		      "a program of the initramfs, which no rule names");
	return 0;
}
