// SPDX-License-Identifier: MIT
/*
 * Events of the kernel, for people and for programs. Both are made from one
 * table: a JSON object, and a line of the same fields in the same order.
 */
#include <stdlib.h>
#include <string.h>

#include "event.h"

enum form {
	FORM_U32,
	FORM_U64,
	FORM_TEXT,
	FORM_EVENT,
	FORM_VERDICT,
	FORM_OP,
	FORM_REASON,
	FORM_MODE,
	FORM_HELPER,
	FORM_DIGEST,
	FORM_DEV,
};

static const struct {
	uint8_t attr;
	uint8_t form;
	const char *name;
} fields[] = {
	{ RECEIPT_A_EVENT, FORM_EVENT, "event" },
	{ RECEIPT_A_VERDICT, FORM_VERDICT, "verdict" },
	{ RECEIPT_A_OP, FORM_OP, "op" },
	{ RECEIPT_A_HOOK, FORM_TEXT, "hook" },
	{ RECEIPT_A_PATH, FORM_TEXT, "path" },
	{ RECEIPT_A_REASON, FORM_REASON, "reason" },
	{ RECEIPT_A_RULE, FORM_U32, "rule" },
	{ RECEIPT_A_DIGEST, FORM_DIGEST, "digest" },
	{ RECEIPT_A_DEV_MAJOR, FORM_DEV, "dev" },
	{ RECEIPT_A_INO, FORM_U64, "ino" },
	{ RECEIPT_A_PID, FORM_U32, "pid" },
	{ RECEIPT_A_UID, FORM_U32, "uid" },
	{ RECEIPT_A_COMM, FORM_TEXT, "comm" },
	{ RECEIPT_A_SUPPRESSED, FORM_U64, "suppressed" },
	{ RECEIPT_A_POLICY_NAME, FORM_TEXT, "policy_name" },
	{ RECEIPT_A_POLICY_VERSION, FORM_TEXT, "policy_version" },
	{ RECEIPT_A_POLICY_SVN, FORM_U32, "policy_svn" },
	{ RECEIPT_A_MODE, FORM_MODE, "mode" },
	{ RECEIPT_A_GENERATION, FORM_U64, "generation" },
	{ RECEIPT_A_HELPER_STATE, FORM_HELPER, "helper" },
	{ RECEIPT_A_HELPER_PID, FORM_U32, "helper_pid" },
};

/**
 * rcpt_hex() - bytes as hexadecimal digits
 * @data: bytes
 * @len: how many
 * @out: room for 2 * @len + 1
 *
 * Return: @out.
 */
char *rcpt_hex(const uint8_t *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		sprintf(out + 2 * i, "%02x", data[i]);
	out[2 * len] = '\0';
	return out;
}

/* Bytes at @text that stand for themselves; 0: the first must be escaped. */
static size_t plain(const char *text, bool utf8)
{
	uint32_t c = (unsigned char)*text;
	size_t n = utf8 ? rcpt_text_next(text, &c) : 1;

	return rcpt_text_harmful(c) || c == '\\' || (!utf8 && c >= 0x80) ? 0 : n;
}

/**
 * rcpt_json_text() - a text that others chose, as JSON
 * @text: any bytes
 *
 * Return: string in which the bytes of characters that rcpt_text_harmful() names, of
 * backslashes, and all that is not ASCII when the whole is not UTF-8, stand as \xNN;
 * NULL without memory.
 */
json_t *rcpt_json_text(const char *text)
{
	bool utf8 = rcpt_utf8_valid((const uint8_t *)text, strlen(text));
	char *out = malloc(4 * strlen(text) + 1);
	json_t *json;
	size_t n = 0, len, escaped;

	if (!out)
		return NULL;
	while (*text) {
		uint32_t c;

		len = plain(text, utf8);
		memcpy(out + n, text, len);
		n += len;
		text += len;
		escaped = len ? 0 : utf8 ? rcpt_text_next(text, &c) : 1;
		for (; escaped; escaped--)
			n += sprintf(out + n, "\\x%02x", (unsigned char)*text++);
	}
	json = json_stringn(out, n);
	free(out);
	return json;
}

/**
 * rcpt_json_digest() - a digest as policies write it
 * @kind: enum receipt_kind
 * @data: digest
 * @len: bytes, at most RECEIPT_MAX_DIGEST
 *
 * Return: as in "sha256:9f86..."; NULL without memory.
 */
json_t *rcpt_json_digest(uint8_t kind, const uint8_t *data, size_t len)
{
	char hex[2 * RECEIPT_MAX_DIGEST + 1];

	return json_sprintf("%s:%s", receipt_kind_name(kind), rcpt_hex(data, len, hex));
}

static json_t *name_of(const char *const *names, size_t n, unsigned int i)
{
	return i < n && names[i] ? json_string(names[i]) : json_integer(i);
}

#define NAME_OF(i, ...) \
	name_of((const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), i)

static json_t *verdict(struct nlattr **tb)
{
	if (nla_get_u8(tb[RECEIPT_A_VERDICT]))
		return json_string("allowed");
	if (tb[RECEIPT_A_ENFORCED] && !nla_get_u8(tb[RECEIPT_A_ENFORCED]))
		return json_string("would-deny");
	return json_string("denied");
}

static json_t *digest(struct nlattr **tb)
{
	struct nlattr *attr = tb[RECEIPT_A_DIGEST];

	return rcpt_json_digest(tb[RECEIPT_A_KIND] ? nla_get_u8(tb[RECEIPT_A_KIND]) : 0,
				nla_data(attr), nla_len(attr));
}

static json_t *device(struct nlattr **tb)
{
	return json_sprintf("%u:%u", nla_get_u32(tb[RECEIPT_A_DEV_MAJOR]),
			    tb[RECEIPT_A_DEV_MINOR] ? nla_get_u32(tb[RECEIPT_A_DEV_MINOR]) : 0);
}

static json_t *operation(uint8_t op)
{
	return op < RECEIPT_OP_COUNT ? json_string(receipt_op_name(op)) : json_integer(op);
}

static json_t *value(struct nlattr **tb, struct nlattr *attr, enum form form)
{
	switch (form) {
	case FORM_U32:
		return json_integer(nla_get_u32(attr));
	case FORM_U64:
		return json_integer(nla_get_u64(attr));
	case FORM_TEXT:
		return rcpt_json_text(nla_get_string(attr));
	case FORM_EVENT:
		return NAME_OF(nla_get_u8(attr), NULL, "verdict", "policy", "helper");
	case FORM_VERDICT:
		return verdict(tb);
	case FORM_OP:
		return operation(nla_get_u8(attr));
	case FORM_REASON:
		return json_string(rcpt_reason_text(nla_get_u32(attr)));
	case FORM_MODE:
		return json_string(rcpt_mode_name(nla_get_u8(attr)));
	case FORM_HELPER:
		return json_string(rcpt_helper_name(nla_get_u8(attr)));
	case FORM_DIGEST:
		return digest(tb);
	case FORM_DEV:
		return device(tb);
	}
	return NULL;
}

/**
 * rcpt_event_json() - an event as a JSON object
 * @tb: attributes of the message
 *
 * Return: object; NULL without memory.
 */
json_t *rcpt_event_json(struct nlattr **tb)
{
	json_t *event = json_object();

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct nlattr *attr = tb[fields[i].attr];

		if (attr && json_object_set_new(event, fields[i].name,
						value(tb, attr, fields[i].form))) {
			json_decref(event);
			return NULL;
		}
	}
	return event;
}

/* Texts with blanks or quotes in them are quoted; all else stands bare. */
static void put_value(FILE *out, const json_t *v)
{
	const char *s = json_string_value(v);

	if (!s) {
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return;
	}
	if (*s && !strpbrk(s, " \"="))
		fputs(s, out);
	else
		json_dumpf(v, out, JSON_ENCODE_ANY);
}

/**
 * rcpt_event_text() - an event as a line
 * @event: from rcpt_event_json()
 *
 * Return: text without newline, to be freed: the event, then KEY=VALUE for the
 * rest; NULL without memory.
 */
char *rcpt_event_text(const json_t *event)
{
	const char *key;
	json_t *v;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	json_object_foreach((json_t *)event, key, v) {
		if (strcmp(key, "event"))
			fprintf(out, " %s=", key);
		put_value(out, v);
	}
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}
