// SPDX-License-Identifier: GPL-2.0-only
/*
 * securityfs receipt/: status, policy and statistics, for reading.
 */
#include <linux/err.h>
#include <linux/security.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "private.h"

static struct dentry *dir;

static void show_floor(struct seq_file *seq)
{
	struct receipt_lowest floor;

	if (receipt_floor_get(&floor))
		seq_printf(seq, "floor %s %u.%u.%u svn %u\n", floor.name,
			   floor.version[0], floor.version[1],
			   floor.version[2], floor.svn);
}

static void show_time(struct seq_file *seq)
{
	s64 floor, now = receipt_clock_read(&floor);

	seq_printf(seq, "time %lld floor %lld\n", now, floor);
}

static int status_show(struct seq_file *seq, void *v)
{
	static const char *const states[] = { "absent", "serving", "lost" };
	struct receipt_active *active = receipt_policy_get();
	enum receipt_helper_state state;
	u32 pid;

	state = receipt_helper_get(NULL, &pid);
	seq_printf(seq, "abi %u\nhelper %s %u since %llu seconds\n",
		   RECEIPT_ABI_VERSION, states[state], pid,
		   receipt_helper_age());
	if (active)
		seq_printf(seq, "policy %s %u.%u.%u %s generation %llu\n",
			   active->policy->name, active->policy->version[0],
			   active->policy->version[1],
			   active->policy->version[2],
			   active->policy->mode == RECEIPT_MODE_ENFORCE ?
			   "enforce" : "permissive", active->generation);
	else
		seq_puts(seq, "policy none\n");
	receipt_policy_put(active);
	show_floor(seq);
	show_time(seq);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(status);

static int policy_show(struct seq_file *seq, void *v)
{
	struct receipt_active *active = receipt_policy_get();

	if (active)
		seq_write(seq, active->text, active->len);
	receipt_policy_put(active);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(policy);

static int show_figure(void *to, const struct receipt_figure *figure)
{
	struct seq_file *seq = to;

	seq_puts(seq, figure->name);
	if (figure->reason)
		seq_printf(seq, ":%s", receipt_reason_text(figure->reason));
	if (figure->limit == U64_MAX)
		seq_puts(seq, ":longer");
	else if (figure->limit)
		seq_printf(seq, ":%llu", figure->limit);
	seq_printf(seq, " %llu\n", figure->value);

	return 0;
}

static int stats_show(struct seq_file *seq, void *v)
{
	return receipt_report(show_figure, seq);
}
DEFINE_SHOW_ATTRIBUTE(stats);

struct entry {
	const char *name;
	const struct file_operations *fops;
};

static const struct entry entries[] __initconst = {
	{ "status", &status_fops },
	{ "policy", &policy_fops },
	{ "stats", &stats_fops },
};

/**
 * receipt_securityfs_init - make the files
 *
 * Return: 0, or what securityfs says.
 */
int __init receipt_securityfs_init(void)
{
	struct dentry *dentry;
	size_t i;

	dir = securityfs_create_dir("receipt", NULL);
	if (IS_ERR(dir))
		return PTR_ERR(dir);

	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		dentry = securityfs_create_file(entries[i].name, 0400, dir, NULL,
						entries[i].fops);
		if (IS_ERR(dentry)) {
			receipt_securityfs_exit();
			return PTR_ERR(dentry);
		}
	}

	return 0;
}

/**
 * receipt_securityfs_exit - remove the files after a failed bring-up
 */
void __init receipt_securityfs_exit(void)
{
	receipt_securityfs_remove(dir);
}
