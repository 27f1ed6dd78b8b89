// SPDX-License-Identifier: MIT
/*
 * Root watches the hooks, with kprobes and BPF programs, as lockdown=integrity lets
 * him: what must not run does not run for that, and a file that is written is judged
 * anew. The module's hooks are redirected functions, which others may trace, too.
 */
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include "probe.h"

#define GOOD	"/run/watched-good"
#define BAD	"/run/watched-bad"
#define WRITTEN	"/run/watched-written"
#define BTF_MAX	(64 << 20)

static void test(bool watched, const char *what)
{
	if (!ok(watched, "%s: attached", what)) {
		note("%s", strerror(errno));
		return;
	}
	copy("/t/target", WRITTEN, "");
	expect_allowed(probe_exec(GOOD, EACCES), "%s: sealed program", what);
	expect_denied(probe_exec(BAD, EACCES), "bprm_check_security", "no-evidence",
		      "%s: unsealed program", what);
	expect_allowed(probe_exec(WRITTEN, EACCES), "%s: another sealed program", what);
	flip_byte(WRITTEN);
	expect_denied(probe_exec(WRITTEN, EACCES), "bprm_check_security", "no-evidence",
		      "%s: after it was written", what);
}

/*
 * kprobes
 */

static int kprobe(const char *function, bool at_return)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.config = at_return,
		.kprobe_func = (uintptr_t)function,
	};
	FILE *f = fopen("/sys/bus/event_source/devices/kprobe/type", "re");

	if (!f || fscanf(f, "%u", &attr.type) != 1)
		broken("kprobe type");
	fclose(f);
	return syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
}

static void test_kprobes(void)
{
	static const char *const functions[] = {
		"security_bprm_check", "security_file_open", "receipt_bprm_check_security",
		"receipt_file_open", "bpf_lsm_bprm_check_security", "bpf_lsm_file_open",
	};
	const char *module = lsm_is_module() ? "receipt:" : "";
	int fds[2 * ARRAY_SIZE(functions)];
	bool all = true;
	char name[64];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		const char *function = functions[i / 2];

		/* The LSM that is built in has functions of the same names. */
		snprintf(name, sizeof(name), "%s%s", *function == 'r' ? module : "", function);
		fds[i] = kprobe(name, i % 2);
		all &= fds[i] >= 0;
	}
	test(all, "kprobes");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

/*
 * BPF: what the kernel says of its own types, to find a function by its name
 */

static char *types;

static bool read_types(void)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	ssize_t n, len = 0;

	if (fd < 0)
		return false;
	types = malloc(BTF_MAX);
	while ((n = read(fd, types + len, BTF_MAX - len)) > 0)
		len += n;
	close(fd);
	return len;
}

/* What follows a type. */
static size_t more(const struct btf_type *t)
{
	size_t n = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return n * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return n * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64:
		return n * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO:
		return n * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return n * sizeof(struct btf_var_secinfo);
	default:
		return 0;
	}
}

static uint32_t function_id(const char *name)
{
	const struct btf_header *h = (const void *)types;
	const char *p = types + h->hdr_len + h->type_off, *end = p + h->type_len;
	const char *names = types + h->hdr_len + h->str_off;

	for (uint32_t id = 1; p < end; id++) {
		const struct btf_type *t = (const void *)p;

		if (BTF_INFO_KIND(t->info) == BTF_KIND_FUNC && !strcmp(names + t->name_off, name))
			return id;
		p += sizeof(*t) + more(t);
	}
	broken("no function %s", name);
}

/* A program that returns zero. */
static int attach(uint32_t type, uint32_t at, const char *function)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = type,
		.expected_attach_type = at,
		.insns = (uintptr_t)insns,
		.insn_cnt = ARRAY_SIZE(insns),
		.license = (uintptr_t)"GPL",
		.attach_btf_id = function_id(function),
	};
	int prog = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)), link;

	if (prog < 0)
		return -1;
	attr = (union bpf_attr){ .raw_tracepoint.prog_fd = prog };
	link = syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr.raw_tracepoint));
	close(prog);
	return link;
}

static const struct {
	const char *name;
	uint32_t type;
	uint32_t at;
	const char *prefix;
} programs[] = {
	{ "BPF LSM", BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_" },
	{ "BPF at entry", BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, "bpf_lsm_" },
	{ "BPF at exit", BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, "bpf_lsm_" },
	{ "BPF in place of the hooks", BPF_PROG_TYPE_TRACING, BPF_MODIFY_RETURN, "security_" },
};

static void test_bpf(size_t i)
{
	bool lsm = !strcmp(programs[i].prefix, "bpf_lsm_");
	char check[64], opened[64];
	int fds[2];

	snprintf(check, sizeof(check), "%sbprm_check%s", programs[i].prefix, lsm ? "_security" : "");
	snprintf(opened, sizeof(opened), "%sfile_open", programs[i].prefix);
	fds[0] = attach(programs[i].type, programs[i].at, check);
	fds[1] = attach(programs[i].type, programs[i].at, opened);
	test(fds[0] >= 0 && fds[1] >= 0, programs[i].name);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	probe_init();
	copy("/t/target", GOOD, "");
	copy("/t/target", BAD, "x");
	test_kprobes();
	if (!read_types()) {
		ok(true, "BPF programs # SKIP this kernel does not tell its types");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		test_bpf(i);
	return 0;
}
