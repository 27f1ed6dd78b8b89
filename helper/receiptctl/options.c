// SPDX-License-Identifier: MIT
/*
 * Options of the command line, and the values that several commands read.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "receiptctl.h"

/* Names the argument that was read last, or the letter in it. */
static int refuse(const char *command, char **argv, int c)
{
	const char letter[] = { '-', c, '\0' };

	return usage_error(command, "unknown option or missing argument: '%s'",
			   c > ' ' && c < 0x7f ? letter : argv[optind - 1]);
}

/**
 * options_parse() - take all options
 * @command: for messages
 * @argc: of @argv
 * @argv: argv[0] is the command's name
 * @table: for getopt_long(); no value in it is that of a letter
 * @set: takes one option; returns 0, an exit status, or -1 when it is none of its
 * @run: for @set
 *
 * What is no option stands behind optind then.
 *
 * Return: 0, EXIT_USAGE, or what @set returned.
 */
int options_parse(const char *command, int argc, char **argv, const struct option *table,
		  int (*set)(void *run, int option, const char *arg), void *run)
{
	int option, ret;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == '?')
			return refuse(command, argv, optopt);
		ret = set(run, option, optarg);
		if (ret)
			return ret < 0 ? refuse(command, argv, 0) : ret;
	}
	return 0;
}

/**
 * options_add() - take one more of an option that may be repeated
 * @command: for messages
 * @option: its name, "--keys"
 * @list: what was given so far
 * @room: for how many
 * @n: how many; grows by one
 * @arg: its value
 *
 * Return: 0 or EXIT_USAGE.
 */
int options_add(const char *command, const char *option, const char **list, size_t room,
		size_t *n, const char *arg)
{
	if (*n == room)
		return usage_error(command, "over %zu %s", room, option);
	list[(*n)++] = arg;
	return 0;
}

/**
 * options_entry() - read the value of --entry
 * @command: for messages
 * @arg: the value
 * @entry: result
 *
 * Return: 0 or EXIT_USAGE.
 */
int options_entry(const char *command, const char *arg, enum receipt_entry *entry)
{
	if (!strcmp(arg, "sha256-stmt"))
		*entry = RECEIPT_ENTRY_SHA256_STMT;
	else if (!strcmp(arg, "stmt"))
		*entry = RECEIPT_ENTRY_STMT;
	else
		return usage_error(command, "--entry: sha256-stmt or stmt, not '%s'", arg);
	return 0;
}

/**
 * options_identity() - read the value of --identity
 * @command: for messages
 * @arg: the value
 * @verified: result: true
 *
 * Return: 0 or EXIT_USAGE.
 */
int options_identity(const char *command, const char *arg, bool *verified)
{
	*verified = true;
	return strcmp(arg, "verified") ?
	       usage_error(command, "--identity: verified, not '%s'", arg) : 0;
}

/**
 * options_number() - read a number
 * @text: decimal digits, nothing else
 * @max: largest that is good
 * @number: result
 *
 * Return: whether it is one, from 0 to @max.
 */
bool options_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno && *number <= max;
}
