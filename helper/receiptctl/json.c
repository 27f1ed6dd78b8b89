// SPDX-License-Identifier: MIT
/*
 * Output for programs: one JSON object. Bytes are hexadecimal text, times are
 * seconds since 1970, statuses are words.
 */
#include <stdlib.h>
#include <string.h>

#include "receiptctl.h"

#define SHORT_LIST	64	/* characters */

/**
 * json_bytes() - bytes as hexadecimal text
 * @data: bytes
 * @len: how many
 *
 * Return: new reference, or NULL without memory.
 */
json_t *json_bytes(const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;
	char *text = malloc(2 * len + 1);
	json_t *json;
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < len; i++) {
		text[2 * i] = digits[p[i] >> 4];
		text[2 * i + 1] = digits[p[i] & 15];
	}
	json = json_stringn_nocheck(text, 2 * len);
	free(text);
	return json;
}

/**
 * json_text() - text out of a file
 * @text: bytes
 * @len: how many
 *
 * Return: new reference: a string, null for what is not UTF-8.
 */
json_t *json_text(const void *text, size_t len)
{
	json_t *json = json_stringn(len ? text : "", len);

	return json ? json : json_null();
}

/**
 * json_error() - what went wrong
 * @file: name of the input, or NULL
 * @err: what
 *
 * Return: new reference.
 */
json_t *json_error(const char *file, const struct rcpt_error *err)
{
	json_t *json = json_object();

	if (file)
		json_object_set_new(json, "file", json_text(file, strlen(file)));
	if (err->offset != RCPT_NO_OFFSET)
		json_object_set_new(json, "offset", json_integer(err->offset));
	json_object_set_new(json, "reason", json_string(rcpt_reason_text(err->reason)));
	json_object_set_new(json, "text", json_text(err->text, strlen(err->text)));
	json_object_set_new(json, "status", json_integer(err->status));
	return json;
}

/**
 * json_u64() - an unsigned number
 * @value: number
 *
 * Return: new reference: an integer; decimal text where that has no room.
 */
json_t *json_u64(uint64_t value)
{
	return value <= INT64_MAX ? json_integer(value) :
				    json_sprintf("%llu", (unsigned long long)value);
}

/**
 * json_time() - a time as people read it
 * @seconds: since 1970
 *
 * Return: new reference to "2026-01-31T12:00:00Z".
 */
json_t *json_time(int64_t seconds)
{
	char text[40];

	format_time(seconds, text);
	return json_string(text);
}

/**
 * json_ops() - names of operations
 * @usage: a bit for each
 *
 * Return: new reference to an array.
 */
json_t *json_ops(uint8_t usage)
{
	json_t *list = json_array();
	int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++)
		if (usage & 1 << op)
			json_array_append_new(list, json_string(receipt_op_name(op)));
	return list;
}

/* Quoted keys are labels out of a file, escaped already. */
static void print_key(const char *key, int indent)
{
	bool name = *key != '"';

	printf("%*s", indent, "");
	for (; *key; key++)
		putchar(name && *key == '_' ? ' ' : *key);
	putchar(':');
}

/* A few short words, as names of operations are, stand on one line. */
static bool is_short_list(const json_t *value)
{
	const json_t *item;
	size_t i, len = 0;

	json_array_foreach(value, i, item) {
		if (!json_is_string(item) && !json_is_integer(item))
			return false;
		len += json_is_string(item) ? json_string_length(item) + 2 : 8;
	}
	return json_is_array(value) && len <= SHORT_LIST;
}

static void print_short_list(const json_t *value)
{
	const json_t *item;
	size_t i;

	if (!json_array_size(value))
		fputs(" none", stdout);
	json_array_foreach(value, i, item) {
		fputs(i ? ", " : " ", stdout);
		if (json_is_integer(item))
			printf("%lld", (long long)json_integer_value(item));
		else
			print_text(stdout, json_string_value(item),
				   json_string_length(item));
	}
	putchar('\n');
}

static void print_value(const json_t *value, int indent)
{
	if (is_short_list(value)) {
		print_short_list(value);
		return;
	}
	if (json_is_object(value) || json_is_array(value)) {
		putchar('\n');
		json_print_tree(value, indent + 2);
		return;
	}
	putchar(' ');
	if (json_is_string(value))
		print_text(stdout, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		printf("%lld", (long long)json_integer_value(value));
	else
		fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-",
		      stdout);
	putchar('\n');
}

/**
 * json_print_tree() - print for people: a line for each value
 * @root: object or array
 * @indent: spaces before each line
 */
void json_print_tree(const json_t *root, int indent)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)root, key, value) {
		print_key(key, indent);
		print_value(value, indent);
	}
	json_array_foreach(root, i, value) {
		printf("%*s%zu:", indent, "", i + 1);
		print_value(value, indent);
	}
}

/**
 * json_print() - print to standard output
 * @root: what; the reference is taken over
 *
 * Return: 0, or RCPT_SYSTEM.
 */
int json_print(json_t *root)
{
	int ret = root ? json_dumpf(root, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) : -1;

	putchar('\n');
	json_decref(root);
	return ret ? RCPT_SYSTEM : 0;
}

/**
 * json_print_list() - print an object with a list as its last member
 * @root: the object, without the list
 * @key: of the list
 * @n: items of it
 * @item: makes one
 * @arg: for @item
 *
 * No more than one item is in memory.
 *
 * Return: 0, or RCPT_SYSTEM.
 */
int json_print_list(const json_t *root, const char *key, size_t n, json_item_fn item,
		    const void *arg)
{
	const int flags = JSON_ENSURE_ASCII;
	char *text = json_dumps(root, JSON_INDENT(2) | flags);
	json_t *json;
	size_t i;

	if (!text)
		return RCPT_SYSTEM;
	text[strlen(text) - strlen("\n}")] = '\0';
	printf("%s,\n  \"%s\": [", text, key);
	free(text);
	for (i = 0; i < n; i++) {
		json = item(i, arg);
		text = json ? json_dumps(json, JSON_COMPACT | flags) : NULL;
		json_decref(json);
		if (!text)
			return RCPT_SYSTEM;
		printf("%s\n    %s", i ? "," : "", text);
		free(text);
	}
	puts(n ? "\n  ]\n}" : "]\n}");
	return 0;
}

/**
 * json_print_tree_list() - the same for people
 * @root: the object, without the list
 * @key: of the list
 * @n: items of it
 * @item: makes one
 * @arg: for @item
 */
void json_print_tree_list(const json_t *root, const char *key, size_t n, json_item_fn item,
			  const void *arg)
{
	json_t *json;
	size_t i;

	json_print_tree(root, 0);
	print_key(key, 0);
	puts(n ? "" : " none");
	for (i = 0; i < n; i++) {
		json = item(i, arg);
		printf("  %zu:", i + 1);
		print_value(json, 2);
		json_decref(json);
	}
}
