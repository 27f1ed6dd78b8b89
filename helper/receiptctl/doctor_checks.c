// SPDX-License-Identifier: MIT
/*
 * What a machine needs to boot, to be reachable and to take another policy.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"
#include "modules.h"
#include "netlink.h"
#include "procmaps.h"

#define PID1		"PID 1"
#define LOGIN		"login"
#define SSHD		"sshd"
#define HELPER		"helper"
#define MODULES		"modules"
#define RUNNING		"running"
#define POLICY		"policy"
#define AROUND		"surroundings"
#define CONFIG		"configuration"

static const char * const pid1_files[] = {
	"/sbin/init", "/usr/lib/systemd/systemd", "/usr/lib/systemd/systemd-executor", NULL
};

static const char * const login_files[] = {
	"/bin/sh", "/bin/login", "/sbin/agetty", "/sbin/getty", "/bin/su", "/usr/bin/sudo",
	"/usr/sbin/unix_chkpwd", "/usr/lib/systemd/systemd-logind", NULL
};

static const char * const sshd_files[] = { "/usr/sbin/sshd", NULL };

static const char * const helper_files[] = {
	"/usr/sbin/receiptd", "/usr/local/sbin/receiptd", "/usr/bin/receiptd",
	"/usr/local/bin/receiptd", NULL
};

static const char * const command_files[] = {
	"/usr/bin/receiptctl", "/usr/local/bin/receiptctl", "/usr/sbin/receiptctl",
	"/usr/local/sbin/receiptctl", NULL
};

static void add(struct doctor *d, const char *group, enum doctor_level level, const char *path)
{
	doctor_add(d, &(struct doctor_file){
		.group = group, .level = level, .op = RECEIPT_OP_EXECUTE, .path = (char *)path });
}

static void add_all(struct doctor *d, const char *group, const char * const *paths)
{
	for (; *paths; paths++)
		add(d, group, DOCTOR_FAIL, *paths);
}

/* What is there and cannot be read whole is a finding. */
static FILE *open_text(struct doctor *d, const char *path)
{
	struct rcpt_error err = { 0 };
	FILE *f = rcpt_text_open(d->root, path, RESOLVE_IN_ROOT, DOCTOR_MAX_TEXT, &err);

	if (!f && errno != ENOENT && errno != ENOTDIR && errno != EISDIR && errno != EACCES)
		doctor_say(d, DOCTOR_FAIL, CONFIG, path, "not looked at: %s", err.text);
	return f;
}

/* Each line of a file, without its end; @take may change it. */
static void each_line(struct doctor *d, const char *path,
		      void (*take)(struct doctor *d, char *line))
{
	FILE *f = open_text(d, path);
	char line[PATH_MAX];

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		take(d, line);
	}
	if (f)
		fclose(f);
}

/* Each entry of a folder that does not begin with a dot, by its path. */
static void each_entry(struct doctor *d, const char *folder,
		       void (*take)(struct doctor *d, const char *path))
{
	int fd = doctor_folder_open(d, folder);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char path[PATH_MAX];

	if (fd >= 0 && !dir)
		close(fd);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    snprintf(path, PATH_MAX, "%s/%s", folder, entry->d_name) < PATH_MAX)
			take(d, path);
	if (dir)
		closedir(dir);
}

/*
 * Where libraries are
 */

static void add_folder(struct doctor *d, char *line)
{
	line += strspn(line, " \t");
	line[strcspn(line, " \t#")] = '\0';
	if (*line != '/')
		return;
	if (d->nfolders == DOCTOR_MAX_FOLDERS) {
		doctor_too_much(d);
		return;
	}
	d->folders[d->nfolders] = strdup(line);
	if (d->folders[d->nfolders])
		d->nfolders++;
	else
		d->no_memory = true;
}

static void read_conf(struct doctor *d, const char *path)
{
	each_line(d, path, add_folder);
}

static void find_folders(struct doctor *d)
{
	static const char * const usual[] = {
		"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64",
		"/lib", "/usr/lib",
	};
	char folder[64];

	read_conf(d, "/etc/ld.so.conf");
	each_entry(d, "/etc/ld.so.conf.d", read_conf);
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
		snprintf(folder, sizeof(folder), "%s", usual[i]);
		add_folder(d, folder);
	}
}

/*
 * Login
 */

/* The shell of a line of passwd, where it is one. */
static void add_shell(struct doctor *d, char *line)
{
	const char *shell = strrchr(line, ':');

	if (!shell || shell[1] != '/' || strstr(shell, "/nologin") || strstr(shell, "/false") ||
	    strstr(shell, "/sync"))
		return;
	add(d, LOGIN, DOCTOR_FAIL, shell + 1);
}

/* A file that is loaded by its name, wherever libraries are. */
static void add_plugin(struct doctor *d, const char *before, const char *name,
		       const char *after)
{
	char path[2 * PATH_MAX];

	for (size_t i = 0; i < d->nfolders; i++)
		if (snprintf(path, sizeof(path), "%s/%s%s%s", d->folders[i], before, name,
			     after) < PATH_MAX)
			add(d, LOGIN, DOCTOR_FAIL, path);
}

static void add_pam_module(struct doctor *d, char *line)
{
	char *save, *word;

	for (word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		size_t len = strlen(word);

		if (*word == '#')
			return;
		if (len < 4 || strcmp(word + len - 3, ".so"))
			continue;
		if (*word == '/')
			add(d, LOGIN, DOCTOR_FAIL, word);
		else
			add_plugin(d, "security/", word, "");
		return;
	}
}

/*
 * Where users are looked for: nsswitch.conf(5), a database, and services with
 * [STATUS=ACTION] between them.
 */
static void add_name_service(struct doctor *d, char *line)
{
	static const char * const of_users[] = { "passwd:", "group:", "shadow:", "initgroups:" };
	bool asked = false;
	char *save, *word;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, " \t", &save);
	for (size_t i = 0; word && i < ARRAY_SIZE(of_users); i++)
		asked |= !strcmp(word, of_users[i]);
	while (asked && (word = strtok_r(NULL, " \t", &save)))
		if (!strpbrk(word, "[]=/"))
			add_plugin(d, "libnss_", word, ".so.2");
}

static void read_pam(struct doctor *d, const char *path)
{
	each_line(d, path, add_pam_module);
}

static void add_login(struct doctor *d)
{
	add_all(d, LOGIN, login_files);
	each_line(d, "/etc/passwd", add_shell);
	each_entry(d, "/etc/pam.d", read_pam);
	each_line(d, "/etc/nsswitch.conf", add_name_service);
}

static void add_sshd_part(struct doctor *d, const char *path)
{
	add(d, SSHD, DOCTOR_FAIL, path);
}

static void add_sshd(struct doctor *d)
{
	add_all(d, SSHD, sshd_files);
	each_entry(d, "/usr/lib/openssh", add_sshd_part);
	each_entry(d, "/usr/libexec/openssh", add_sshd_part);
}

/*
 * Modules
 */

static int add_module(const char *name, const char *path, void *arg)
{
	struct doctor *d = arg;
	bool packed = path && strcmp(path + strlen(path) - 3, ".ko");

	if (path)
		doctor_add(d, &(struct doctor_file){
			.group = MODULES, .level = packed ? DOCTOR_WARN : DOCTOR_FAIL,
			.op = RECEIPT_OP_KMODULE, .path = (char *)path });
	else if (d->live)
		doctor_say(d, DOCTOR_WARN, MODULES, NULL,
			   "%s is in use, and modules.dep names no file of it", name);
	return 0;
}

static void read_modules_load(struct doctor *d, const char *path)
{
	FILE *wanted = open_text(d, path), *list;
	char dep[PATH_MAX + 16];

	if (!wanted)
		return;
	snprintf(dep, sizeof(dep), "%s/modules.dep", d->modules);
	list = open_text(d, dep);
	if (modules_find(wanted, list, d->modules, add_module, d))
		d->no_memory = true;
	if (list)
		fclose(list);
	fclose(wanted);
}

/* An image has no modules in use: those that it loads at boot, of each kernel. */
static void add_image_modules(struct doctor *d, const char *folder)
{
	d->modules = folder;
	read_modules_load(d, "/etc/modules");
	each_entry(d, "/etc/modules-load.d", read_modules_load);
	each_entry(d, "/usr/lib/modules-load.d", read_modules_load);
}

static void add_path(struct doctor *d, char *line)
{
	if (*line == '/')
		add(d, MODULES, DOCTOR_FAIL, line);
}

static void add_core_helper(struct doctor *d, char *line)
{
	line[strcspn(line, " ")] = '\0';
	if (*line == '|')
		add(d, RUNNING, DOCTOR_WARN, line + 1);
}

static void add_modules(struct doctor *d)
{
	if (!d->live) {
		add(d, MODULES, DOCTOR_FAIL, "/sbin/modprobe");
		each_entry(d, "/lib/modules", add_image_modules);
		return;
	}
	each_line(d, "/proc/sys/kernel/modprobe", add_path);
	if (modules_in_use(add_module, d))
		d->no_memory = true;
	each_line(d, "/proc/sys/kernel/core_pattern", add_core_helper);
}

/*
 * The helper, and what runs
 */

static bool any_there(const struct doctor *d, const char * const *paths)
{
	for (; *paths; paths++) {
		int fd = doctor_file_open(d, *paths, NULL);

		if (fd >= 0)
			close(fd);
		if (fd >= 0)
			return true;
	}
	return false;
}

/* The helper's process, or 0. */
static pid_t helper_pid(void)
{
	struct rcpt_nl_status st = { 0 };
	struct rcpt_error err;
	struct rcpt_nl *nl;
	pid_t pid = 0;

	if (rcpt_nl_open(&nl, &err))
		return 0;
	if (!rcpt_nl_status(nl, &st, &err) && st.helper == RECEIPT_HELPER_SERVING)
		pid = st.helper_pid;
	rcpt_nl_close(nl);
	return pid;
}

/*
 * Programs that a unit starts, and files that the helper's unit wants to start without
 * it. @start: of a line, or what goes on from the line before.
 */
static void add_unit_words(struct doctor *d, char *text, bool *start, bool *preload)
{
	char *save, *word;

	for (word = strtok_r(text, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		bool given = !strncmp(word, "--preload=", 10);

		/* What systemd.service(5) has before the program. */
		word += *start ? strspn(word, "@-:+!") : given ? 10 : 0;
		if (*word == '/' && (*start || *preload || given))
			add(d, HELPER, *start ? DOCTOR_FAIL : DOCTOR_WARN, word);
		*preload = !strcmp(word, "--preload");
		*start = false;
	}
}

static void read_unit(struct doctor *d, const char *path)
{
	bool exec = false, goes_on = false, start = false, preload = false;
	FILE *f = open_text(d, path);
	char line[PATH_MAX], *text;
	size_t len;

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		text = line;
		if (!goes_on) {
			text = strchr(line, '=');
			exec = text && !strncmp(line, "Exec", 4);
			text = exec ? text + 1 : line;
			start = exec;
			preload = false;
		}
		len = strlen(line);
		goes_on = len && line[len - 1] == '\\';
		if (goes_on)
			line[len - 1] = '\0';
		if (exec)
			add_unit_words(d, text, &start, &preload);
	}
	if (f)
		fclose(f);
}

static void add_units(struct doctor *d)
{
	static const char * const folders[] = {
		"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system",
	};
	static const char * const units[] = { "receiptd.service", "receipt-policy.service" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		for (size_t u = 0; u < ARRAY_SIZE(units); u++) {
			snprintf(path, sizeof(path), "%s/%s", folders[i], units[u]);
			read_unit(d, path);
			snprintf(path, sizeof(path), "%s/%s.d", folders[i], units[u]);
			each_entry(d, path, read_unit);
		}
}

static void add_helper(struct doctor *d, pid_t pid)
{
	bool needed = d->why->policy.policy->defaults[RECEIPT_OP_EXECUTE] !=
		      RECEIPT_ACTION_ALLOW;

	add_all(d, HELPER, helper_files);
	add_all(d, HELPER, command_files);
	add_units(d);
	if (!pid && !any_there(d, helper_files))
		doctor_say(d, needed ? DOCTOR_FAIL : DOCTOR_WARN, HELPER, NULL,
			   "receiptd is not installed: nobody finds evidence");
	else if (d->live && !pid)
		doctor_say(d, DOCTOR_WARN, HELPER, NULL, "receiptd does not serve: start it");
}

static bool used_by(const struct proc_file *f, pid_t pid)
{
	for (size_t i = 0; i < f->nusers && i < PROC_MAX_USERS; i++)
		if (f->users[i].pid == pid)
			return true;
	return false;
}

/* The file that is mapped, and the one that has its name now. */
static void add_mapped(struct doctor *d, const struct proc_file *f, const char *group,
		       enum doctor_level level)
{
	const char *end = strstr(f->path, " (deleted)");
	struct doctor_file file = { .group = group, .level = level, .op = RECEIPT_OP_EXECUTE,
				    .path = f->path, .link = f->link };
	char *path;

	if (d->running && f->nusers)
		file.pid = f->users[0].pid;
	doctor_add(d, &file);
	if (!end)
		return;
	path = strndup(f->path, end - f->path);
	file.path = path;
	file.link = NULL;
	if (path)
		doctor_add(d, &file);
	free(path);
}

static void add_process(struct doctor *d, const struct proc_files *files, pid_t pid,
			const char *group, enum doctor_level level)
{
	for (size_t i = 0; i < files->n; i++)
		if (used_by(files->at[i], pid))
			add_mapped(d, files->at[i], group, level);
}

/* Root's first: nobody else's files keep them from being looked at. */
static void add_running(struct doctor *d, const struct proc_files *files)
{
	for (int of_root = 1; of_root >= 0; of_root--)
		for (size_t i = 0; i < files->n; i++)
			if (files->at[i]->of_root == of_root)
				add_mapped(d, files->at[i], RUNNING, DOCTOR_WARN);
}

/*
 * The policy
 */

/* Another policy passes by a rule that names it alone, see ask_active() of the kernel. */
static bool can_follow(const struct receipt_policy *p)
{
	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].op == RECEIPT_OP_POLICY &&
		    p->rules[i].action == RECEIPT_ACTION_ALLOW &&
		    receipt_rule_names_artifact(&p->rules[i]))
			return true;
	return false;
}

static bool can_pass(const struct receipt_policy *p, enum receipt_op op)
{
	for (size_t i = 0; i < p->nrules; i++)
		if (p->rules[i].op == op && p->rules[i].action == RECEIPT_ACTION_ALLOW)
			return true;
	return p->defaults[op] == RECEIPT_ACTION_ALLOW;
}

/* What a rule asks for that cannot be told from here. */
static void check_rule(struct doctor *d, const struct receipt_rule *rule)
{
	if (rule->boot_verified == RECEIPT_TRUE)
		doctor_say(d, DOCTOR_WARN, POLICY, NULL,
			   "line %u: boot_verified=TRUE is taken as never true here", rule->line);
	if (rule->fstype && !d->live)
		doctor_say(d, DOCTOR_WARN, POLICY, NULL,
			   "line %u: fstype= is that of the file system that the image lies on",
			   rule->line);
}

static void check_policy(struct doctor *d)
{
	const struct receipt_policy *p = d->why->policy.policy;

	if (can_follow(p))
		doctor_say(d, DOCTOR_OK, POLICY, NULL, "another policy can follow");
	else
		doctor_say(d, DOCTOR_WARN, POLICY, NULL,
			   "no rule allows op=POLICY: it stays until the next boot");
	if (!can_pass(p, RECEIPT_OP_FIRMWARE))
		doctor_say(d, DOCTOR_WARN, POLICY, NULL,
			   "no rule allows op=FIRMWARE: devices that ask for firmware fail");
	for (size_t i = 0; i < p->nrules; i++)
		check_rule(d, &p->rules[i]);
}

/*
 * The surroundings
 */

static bool has_text(struct doctor *d, const char *path, const char *text)
{
	FILE *f = open_text(d, path);
	char line[PATH_MAX];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

static void check_that(struct doctor *d, bool good, const char *what, const char *advice)
{
	if (good)
		doctor_say(d, DOCTOR_OK, AROUND, NULL, "%s", what);
	else
		doctor_say(d, DOCTOR_WARN, AROUND, NULL, "%s: no; %s", what, advice);
}

/* Of the device-mapper, by cryptsetup or like it. */
static bool is_encrypted(struct doctor *d, dev_t dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/uuid", major(dev), minor(dev));
	return has_text(d, path, "CRYPT-");
}

/* zram is memory. */
static bool stays_secret(struct doctor *d, const char *swap)
{
	struct stat st;

	if (fstatat(d->root, swap + 1, &st, 0))
		return false;
	return is_encrypted(d, S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev) ||
	       (S_ISBLK(st.st_mode) && !strncmp(swap, "/dev/zram", 9));
}

/* Programs in memory, and what a sealed program has made, come back from there. */
static void check_swap(struct doctor *d, char *line)
{
	char what[PATH_MAX + 32];

	line[strcspn(line, " \t")] = '\0';
	if (line[0] != '/')
		return;
	snprintf(what, sizeof(what), "swap %s is encrypted", line);
	check_that(d, stays_secret(d, line), what,
		   "put it on dm-crypt with a random key, or use zram");
}

static void check_around(struct doctor *d)
{
	char config[PATH_MAX] = "";
	struct utsname uts;

	if (!uname(&uts))
		snprintf(config, sizeof(config), "/boot/config-%s", uts.release);
	check_that(d, has_text(d, "/proc/cmdline", "bdev_allow_write_mounted=0") ||
		   has_text(d, config, "# CONFIG_BLK_DEV_WRITE_MOUNTED is not set"),
		   "mounted disks are closed to raw writes",
		   "boot with bdev_allow_write_mounted=0");
	check_that(d, has_text(d, "/sys/kernel/security/lockdown", "[integrity]") ||
		   has_text(d, "/sys/kernel/security/lockdown", "[confidentiality]"),
		   "the kernel is locked down", "boot with lockdown=integrity");
	check_that(d, has_text(d, "/proc/cmdline", "proc_mem.force_override=never") ||
		   has_text(d, "/proc/cmdline", "proc_mem.force_override=ptrace"),
		   "/proc/PID/mem cannot write to code",
		   "boot with proc_mem.force_override=never");
	check_that(d, !has_text(d, "/proc/sys/vm/memfd_noexec", "0"),
		   "memfds are not executable by default", "sysctl vm.memfd_noexec=1");
	each_line(d, "/proc/swaps", check_swap);
}

/*
 * All of it
 */

static int judge_live(struct doctor *d, struct rcpt_error *err)
{
	struct proc_files files = { 0 };
	pid_t helper = helper_pid();
	int ret = proc_files_read("/proc", &files, err);

	if (files.hidden)
		doctor_say(d, DOCTOR_WARN, RUNNING, NULL,
			   "%zu process%s could not be looked at%s", files.hidden,
			   files.hidden == 1 ? "" : "es", geteuid() ? ": run it as root" : "");
	if (files.cut)
		doctor_say(d, DOCTOR_WARN, RUNNING, NULL,
			   "not all files of %zu process%s were looked at: they have too many, "
			   "or it took too long", files.cut, files.cut == 1 ? "" : "es");
	add_process(d, &files, 1, PID1, DOCTOR_FAIL);
	if (helper)
		add_process(d, &files, helper, HELPER, DOCTOR_FAIL);
	add_helper(d, helper);
	add_modules(d);
	if (!ret)
		ret = doctor_judge(d, err);
	doctor_start(d, true);
	add_running(d, &files);
	if (!ret)
		ret = doctor_judge(d, err);
	proc_files_free(&files);
	return ret;
}

static int judge_image(struct doctor *d, struct rcpt_error *err)
{
	doctor_say(d, DOCTOR_WARN, RUNNING, NULL,
		   "not looked at with --root: processes, modules in use, the surroundings");
	if (!any_there(d, pid1_files))
		doctor_say(d, DOCTOR_WARN, PID1, NULL, "there is no /sbin/init");
	add_helper(d, 0);
	add_modules(d);
	return doctor_judge(d, err);
}

/**
 * doctor_check() - look at everything
 * @d: with root, stores and policy; findings are added
 * @err: filled in on failure
 *
 * Return: 0 or a negative exit status.
 */
int doctor_check(struct doctor *d, struct rcpt_error *err)
{
	int ret;

	doctor_start(d, false);
	find_folders(d);
	add_all(d, PID1, pid1_files);
	add_login(d);
	add_sshd(d);
	ret = doctor_judge(d, err);
	if (!ret)
		ret = d->live ? judge_live(d, err) : judge_image(d, err);
	if (ret)
		return ret;
	d->ending = true;
	check_policy(d);
	if (d->live)
		check_around(d);
	if (d->full)
		doctor_say(d, DOCTOR_FAIL, CONFIG, NULL,
			   "over %d files or %d findings: not all were looked at",
			   DOCTOR_MAX_FILES, DOCTOR_MAX_FINDINGS);
	if (d->running_full)
		doctor_say(d, DOCTOR_WARN, RUNNING, NULL,
			   "over %d files or %d findings: not all were looked at",
			   DOCTOR_MAX_FILES, DOCTOR_MAX_FINDINGS);
	if (!d->no_memory)
		return 0;
	return rcpt_no_memory(err);
}
