/* SPDX-License-Identifier: MIT */
/*
 * receiptctl: what its commands share, sectioned by file.
 */
#ifndef RECEIPTCTL_H
#define RECEIPTCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "receipt.h"

/* Exit status beside enum rcpt_status: the command line is wrong. */
#define EXIT_USAGE	64

/* cmd_*.c: argv[0] is the command's name; each knows --help */
int cmd_consistency(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_seal(int argc, char **argv);
int cmd_store(int argc, char **argv);
int cmd_trust_list(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_evidence(int argc, char **argv);
int cmd_flush(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_learn(int argc, char **argv);

/* main.c */

/**
 * struct command - a row of the table of commands
 * @name: as typed
 * @run: its function; returns the exit status
 * @summary: one line for --help
 */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

int run_subcommand(const struct command *table, int argc, char **argv);

/* policy_diff.c */
int policy_diff(int argc, char **argv);

/* policy_seal.c */
int policy_seal(int argc, char **argv);

/* print.c */
int print_error(const char *file, const struct rcpt_error *err);
int usage_error(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void print_text(FILE *out, const void *text, size_t len);
void print_quoted(FILE *out, const void *text, size_t len);
void print_shell(FILE *out, const char *text);
void print_ops(uint8_t usage);
void print_hex(FILE *out, const void *data, size_t len);
void format_time(int64_t seconds, char out[40]);

/* json.c */
json_t *json_bytes(const void *data, size_t len);
json_t *json_text(const void *text, size_t len);
json_t *json_error(const char *file, const struct rcpt_error *err);
json_t *json_u64(uint64_t value);
json_t *json_time(int64_t seconds);
json_t *json_ops(uint8_t usage);
int json_print(json_t *root);
void json_print_tree(const json_t *root, int indent);
typedef json_t *(*json_item_fn)(size_t i, const void *arg);
int json_print_list(const json_t *root, const char *key, size_t n, json_item_fn item,
		    const void *arg);
void json_print_tree_list(const json_t *root, const char *key, size_t n, json_item_fn item,
			  const void *arg);

/* diag.c */
int print_diag(struct rcpt_span in, FILE *out, struct rcpt_error *err);

#endif /* RECEIPTCTL_H */
