// SPDX-License-Identifier: MIT
/*
 * receiptctl: the command line of Receipt LSM. A command is one file and one
 * row here.
 */
#include <signal.h>
#include <string.h>

#include "receiptctl.h"

static const struct command commands[] = {
	{ "inspect", cmd_inspect, "show what is in a statement, receipt, bundle or key file" },
	{ "verify", cmd_verify, "check a statement, its receipts and what it vouches for" },
	{ "consistency", cmd_consistency, "check that a log has only grown" },
	{ "trust-list", cmd_trust_list, "check a list of logs, print lines of a policy for them" },
	{ "log", cmd_log, "keep a local transparency log" },
	{ "seal", cmd_seal, "sign a statement about files, record it, write a bundle" },
	{ "store", cmd_store, "manage the bundles that the helper finds evidence in" },
	{ "status", cmd_status, "show the kernel's state: helper, mode, policy" },
	{ "events", cmd_events, "print the kernel's events as they come" },
	{ "stats", cmd_stats, "print the kernel's counters" },
	{ "policy", cmd_policy, "check, load or show a policy" },
	{ "why", cmd_why, "tell why a file may be used, or may not" },
	{ "learn", cmd_learn, "list what was used without evidence, and how to seal it" },
	{ "doctor", cmd_doctor, "tell whether the machine would boot under a policy" },
	{ "evidence", cmd_evidence, "send a bundle's evidence to the kernel" },
	{ "flush", cmd_flush, "have the kernel forget digests and verdicts" },
	{ 0 }
};

static void print_table(const char *program, const struct command *table)
{
	printf("usage: %s COMMAND [ARGUMENT]...\n\n", program);
	for (; table->name; table++)
		printf("  %-12s %s\n", table->name, table->summary);
}

static int print_help(void)
{
	print_table("receiptctl", commands);
	printf("\nreceiptctl COMMAND --help tells more.\n"
	       "Exit status: 0 valid or done, 1 invalid or refused, 2 cannot evaluate,\n"
	       "3 malformed input, 64 wrong usage, 70 internal or system error.\n");
	return 0;
}

/**
 * run_subcommand() - run the command that argv[1] names, or list them for --help
 * @table: commands, ended by a row without name
 * @argc: of argv
 * @argv: argv[0] is the name of what is being run
 *
 * Return: exit status.
 */
int run_subcommand(const struct command *table, int argc, char **argv)
{
	char program[64];

	if (argc < 2)
		return usage_error(argv[0], "a command is missing");
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		snprintf(program, sizeof(program), "receiptctl %s", argv[0]);
		print_table(program, table);
		printf("\n%s COMMAND --help tells more.\n", program);
		return 0;
	}
	for (; table->name; table++)
		if (!strcmp(table->name, argv[1]))
			return table->run(argc - 1, argv + 1);
	return usage_error(argv[0], "unknown command '%s'", argv[1]);
}

/* Output that could not be written is not success. */
static int flush_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "receiptctl: cannot write the output\n");
	return RCPT_SYSTEM;
}

int main(int argc, char **argv)
{
	char name[] = "receiptctl";

	signal(SIGPIPE, SIG_DFL);
	if (argc < 1)
		return EXIT_USAGE;
	argv[0] = name;
	if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return flush_output(print_help());
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		printf("receiptctl %s\n", RCPT_VERSION);
		return flush_output(0);
	}
	return flush_output(run_subcommand(commands, argc, argv));
}
