// SPDX-License-Identifier: MIT
/*
 * What was denied, or would have been. Logs hold text of anybody: a record is
 * taken only where the kernel puts it, whole, with names and numbers that exist.
 */
#include "denials.h"

#include <ctype.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "manifest.h"
#include "policy.h"

#define MAX_REASON	64	/* bits of denial.reasons */

/**
 * struct record - one denial as it was recorded
 * @op: operation, or negative
 * @reason: or negative
 * @denied: it is about a denial
 * @digest: kind 0: none
 * @path: empty: none
 * @comm: likewise
 * @suppressed: records that are missing before this one
 * @proven: nobody but the kernel writes such a record where it was read
 * @ino: likewise as in struct denial, as the others
 * @dev: likewise
 */
struct record {
	int op;
	int reason;
	bool denied;
	struct rcpt_digest digest;
	char path[RECEIPT_MAX_PATH_HINT + 1];
	char comm[DENIALS_COMM + 1];
	uint64_t suppressed;
	bool proven;
	uint64_t ino;
	char dev[DENIALS_DEV + 1];
};

/*
 * Summing up
 */

/* Without a digest the name must do. */
static int compare(const void *a, const void *b)
{
	const struct denial *x = a, *y = b;

	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	if (x->digest.kind != y->digest.kind)
		return x->digest.kind < y->digest.kind ? -1 : 1;
	if (x->digest.kind)
		return memcmp(x->digest.bytes, y->digest.bytes, rcpt_digest_len(x->digest.kind));
	return strcmp(x->npaths ? x->paths[0] : "", y->npaths ? y->paths[0] : "");
}

static void denial_free(struct denial *d)
{
	while (d->npaths)
		free(d->paths[--d->npaths]);
	free(d);
}

static int add_path(struct denial *d, const char *path)
{
	for (size_t i = 0; i < d->npaths; i++)
		if (!strcmp(d->paths[i], path))
			return 0;
	if (!*path)
		return 0;
	if (d->npaths == DENIALS_PATHS) {
		d->more_paths = true;
		return 0;
	}
	d->paths[d->npaths] = strdup(path);
	if (!d->paths[d->npaths])
		return -1;
	d->npaths++;
	return 0;
}

static int make_room(struct denials *d)
{
	size_t cap = d->cap ? 2 * d->cap : 64;
	struct denial **at;

	if (d->n < d->cap)
		return 0;
	at = realloc(d->at, cap * sizeof(*at));
	if (!at)
		return -1;
	d->at = at;
	d->cap = cap;
	return 0;
}

static struct denial *new_denial(const struct record *r)
{
	struct denial *denial = calloc(1, sizeof(*denial));

	if (!denial)
		return NULL;
	denial->op = r->op;
	denial->digest = r->digest;
	strcpy(denial->comm, r->comm);
	strcpy(denial->dev, r->dev);
	denial->ino = r->ino;
	if (!add_path(denial, r->path))
		return denial;
	denial_free(denial);
	return NULL;
}

/* Takes @denial. */
static int enter(struct denials *d, struct denial *denial, struct denial **out,
		 struct rcpt_error *err)
{
	struct denial **known = tsearch(denial, &d->tree, compare);

	if (!known) {
		denial_free(denial);
		return rcpt_no_memory(err);
	}
	*out = *known;
	if (*known == denial)
		d->at[d->n++] = denial;
	else
		denial_free(denial);
	return 0;
}

static int count(struct denials *d, const struct record *r, struct rcpt_error *err)
{
	struct denial *denial;

	if (d->n == DENIALS_MAX)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
				 "over %d different denials", DENIALS_MAX);
	denial = make_room(d) ? NULL : new_denial(r);
	if (!denial)
		return rcpt_no_memory(err);
	if (enter(d, denial, &denial, err))
		return -err->status;
	if (add_path(denial, r->path))
		return rcpt_no_memory(err);
	denial->reasons |= 1ULL << r->reason;
	denial->count++;
	denial->proven |= r->proven;
	d->unproven += !r->proven;
	d->records++;
	return 0;
}

static int take(struct denials *d, const struct record *r, struct rcpt_error *err)
{
	d->seen++;
	if (d->suppressed + r->suppressed >= d->suppressed)
		d->suppressed += r->suppressed;
	if (!r->denied)
		return 0;
	if (r->op >= 0 && r->reason >= 0)
		return count(d, r, err);
	d->skipped++;
	return 0;
}

/*
 * Values, the same in both forms
 */

static int parse_reason(const char *text)
{
	if (!strcmp(text, rcpt_reason_text(-1)))
		return -1;
	for (int i = 1; i < MAX_REASON; i++)
		if (!strcmp(rcpt_reason_text(i), text))
			return i;
	return -1;
}

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

static bool parse_digest(const char *text, struct rcpt_digest *d)
{
	const char *colon = strchr(text, ':');
	size_t name = colon ? (size_t)(colon - text) : 0, len;
	uint8_t kind;

	for (kind = RECEIPT_KIND_SHA256; kind <= RECEIPT_KIND_DMVERITY_SHA256; kind++)
		if (name && strlen(receipt_kind_name(kind)) == name &&
		    !memcmp(receipt_kind_name(kind), text, name))
			break;
	if (kind > RECEIPT_KIND_DMVERITY_SHA256 ||
	    strlen(colon + 1) != 2 * rcpt_digest_len(kind) ||
	    OPENSSL_hexstr2buf_ex(d->bytes, sizeof(d->bytes), &len, colon + 1, '\0') != 1)
		return false;
	d->kind = kind;
	return true;
}

static bool copy_text(char *out, size_t room, const char *text)
{
	size_t len = strlen(text);

	if (len >= room)
		return false;
	memcpy(out, text, len + 1);
	return true;
}

/* Return: whether @value is good for @key; keys that do not matter are. */
static bool set_field(struct record *r, const char *key, const char *value)
{
	if (!strcmp(key, "op"))
		return (r->op = receipt_op_parse(value, strlen(value))) >= 0;
	if (!strcmp(key, "reason"))
		return (r->reason = parse_reason(value)) >= 0;
	if (!strcmp(key, "digest"))
		return parse_digest(value, &r->digest);
	if (!strcmp(key, "path"))
		return copy_text(r->path, sizeof(r->path), value);
	if (!strcmp(key, "comm"))
		return copy_text(r->comm, sizeof(r->comm), value);
	if (!strcmp(key, "dev"))
		return copy_text(r->dev, sizeof(r->dev), value);
	if (!strcmp(key, "ino"))
		return parse_number(value, &r->ino);
	if (!strcmp(key, "suppressed"))
		return parse_number(value, &r->suppressed);
	if (!strcmp(key, "verdict"))
		r->denied = !strcmp(value, "denied") || !strcmp(value, "would-deny");
	return true;
}

/*
 * Records: receipt: KEY=VALUE KEY="TEXT" KEY=HEX ...
 */

static bool is_untrusted(const char *key)
{
	return !strcmp(key, "path") || !strcmp(key, "comm") || !strcmp(key, "name");
}

/* In place; hexadecimal digits for text that is not plain. */
static bool decode_hex(char *text)
{
	size_t room = strlen(text), len;
	unsigned char *out = (unsigned char *)text;

	if (!room || OPENSSL_hexstr2buf_ex(out, room, &len, text, '\0') != 1 ||
	    memchr(out, '\0', len))
		return false;
	text[len] = '\0';
	return true;
}

/* Return: the value at @at, terminated; @next behind it; NULL when it has no end. */
static char *cut_value(char *at, bool *quoted, char **next)
{
	char *end;

	*quoted = *at == '"';
	at += *quoted;
	end = *quoted ? strchr(at, '"') : at + strcspn(at, " ");
	if (!end || (*quoted && end[1] && end[1] != ' '))
		return NULL;
	*next = end + (*quoted ? 1 : 0);
	while (**next == ' ')
		(*next)++;
	*end = '\0';
	return at;
}

/* Behind a group separator auditd adds what numbers mean. */
static bool parse_fields(struct record *r, char *at)
{
	bool quoted;
	char *key, *value, *next;

	at[strcspn(at, "\035\r\n")] = '\0';
	for (; *at; at = next) {
		key = at;
		at = strpbrk(at, "= \"");
		if (!at || *at != '=' || at == key)
			return false;
		*at++ = '\0';
		value = cut_value(at, &quoted, &next);
		if (!value || (is_untrusted(key) && !quoted && !decode_hex(value)) ||
		    !set_field(r, key, value))
			return false;
	}
	return true;
}

/* "audit(1700000000.123:45):" of the record itself, not of what is in one */
static const char *skip_stamp(const char *at)
{
	if (strncmp(at, "audit(", 6))
		return NULL;
	at += 6;
	at += strspn(at, "0123456789.:");
	return strncmp(at, "): ", 3) ? NULL : at + 3;
}

/* "audit[1]: AUDIT1316 ", as journald has it; "audit: type=1316 audit(...): " */
static const char *skip_daemon(const char *at)
{
	at += strspn(at, "[]0123456789");
	if (strncmp(at, ": ", 2))
		return NULL;
	at += 2;
	if (!strncmp(at, "type=", 5)) {
		at += strcspn(at, " ");
		return *at ? skip_stamp(at + 1) : NULL;
	}
	at += strcspn(at, " ");
	return *at ? at + 1 : NULL;
}

/* Return: the record's first key when @audit begins the kernel's words in @line. */
static const char *record_at(const char *line, const char *audit)
{
	const char *at;

	if (audit > line + 4 && !strncmp(audit - 4, "msg=", 4))
		at = !strncmp(line, "type=", 5) || !strncmp(line, "node=", 5) ?
		     skip_stamp(audit) : NULL;
	else if (audit == line || audit[-1] == ' ' || audit[-1] == ';')
		at = skip_daemon(audit + 5);
	else
		at = NULL;
	return at && !strncmp(at, "receipt: ", 9) ? at + 9 : NULL;
}

/*
 * Not what stands in quotes: that is text of others. @auditd: it is as auditd writes
 * it; what looks like the kernel's log or a journal's anybody can write, logger(1) does.
 */
static char *find_record(char *line, bool *auditd)
{
	const char *end = line + strcspn(line, "\"'"), *at;
	char *audit = line;

	while ((audit = strstr(audit, "audit")) && audit < end) {
		at = record_at(line, audit);
		*auditd = audit > line && audit[-1] == '=';
		if (at)
			return (char *)at;
		audit += 5;
	}
	return NULL;
}

static int take_record(struct denials *d, char *fields, bool proven, struct rcpt_error *err)
{
	struct record r = { .op = -1, .reason = -1, .proven = proven };

	if (parse_fields(&r, fields))
		return take(d, &r, err);
	d->skipped++;
	return 0;
}

/*
 * Events: JSON
 */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? at - digits : -1;
}

/* Undoes rcpt_json_text(), in place. */
static bool decode_escapes(char *text)
{
	char *out = text;

	for (; *text; text++) {
		int high, low;

		if (*text != '\\') {
			*out++ = *text;
			continue;
		}
		high = text[1] == 'x' ? hex_digit(text[2]) : -1;
		low = high < 0 ? -1 : hex_digit(text[3]);
		if (low < 0 || !(high | low))
			return false;
		*out++ = high << 4 | low;
		text += 3;
	}
	*out = '\0';
	return true;
}

static bool set_json(struct record *r, const char *key, const json_t *value)
{
	char number[24], *text;
	bool ok;

	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		return set_field(r, key, number);
	}
	if (!json_is_string(value))
		return true;
	text = strdup(json_string_value(value));
	ok = text && (!is_untrusted(key) || decode_escapes(text)) && set_field(r, key, text);
	free(text);
	return ok;
}

/**
 * denials_event() - count an event, if it is a denial
 * @d: counts
 * @event: as rcpt_event_json() makes it
 * @err: filled in on failure
 *
 * What is no such object is skipped.
 *
 * Return: 0, -RCPT_MALFORMED over DENIALS_MAX denials, or -RCPT_SYSTEM.
 */
int denials_event(struct denials *d, const json_t *event, struct rcpt_error *err)
{
	struct record r = { .op = -1, .reason = -1, .proven = d->trusted };
	const char *key;
	json_t *value;

	if (!json_is_string(json_object_get(event, "event"))) {
		d->skipped++;
		return 0;
	}
	json_object_foreach((json_t *)event, key, value)
		if (!set_json(&r, key, value)) {
			d->skipped++;
			return 0;
		}
	return take(d, &r, err);
}

static int take_json(struct denials *d, const char *line, struct rcpt_error *err)
{
	json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	int ret = 0;

	if (event)
		ret = denials_event(d, event, err);
	else
		d->skipped++;
	json_decref(event);
	return ret;
}

/*
 * Lines
 */

/**
 * denials_line() - count a line of a log, if it is a denial
 * @d: counts
 * @line: terminated; is changed
 * @err: filled in on failure
 *
 * Lines of others are passed over; those that look like ours and are not are
 * skipped and counted.
 *
 * Return: 0, -RCPT_MALFORMED over DENIALS_MAX denials, or -RCPT_SYSTEM.
 */
int denials_line(struct denials *d, char *line, struct rcpt_error *err)
{
	bool auditd = false;
	char *record;

	if (*line == '{')
		return take_json(d, line, err);
	record = find_record(line, &auditd);
	return record ? take_record(d, record, d->trusted && (auditd || d->kernel_log), err) : 0;
}

/* Return: bytes of the line, 0 at the end; what is longer than @room is @over. */
static size_t read_line(FILE *in, char *buf, size_t room, bool *over)
{
	size_t n = 0;
	int c;

	while ((c = getc_unlocked(in)) != EOF) {
		if (n + 1 < room)
			buf[n] = c;
		n++;
		if (c == '\n')
			break;
	}
	*over = n >= room;
	buf[*over ? 0 : n] = '\0';
	return n;
}

/**
 * denials_read() - count the denials of a log
 * @d: counts
 * @in: open
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_MALFORMED over DENIALS_MAX denials, or -RCPT_SYSTEM.
 */
int denials_read(struct denials *d, FILE *in, struct rcpt_error *err)
{
	char buf[DENIALS_LINE];
	int ret = 0;
	bool over;
	size_t n;

	while (!ret && (n = read_line(in, buf, sizeof(buf), &over))) {
		if (over || strlen(buf) != n)
			d->skipped++;
		else
			ret = denials_line(d, buf, err);
	}
	if (!ret && ferror(in))
		ret = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				"cannot read: %s", strerror(errno));
	return ret;
}

static void keep(void *node)
{
	(void)node;
}

/**
 * denials_free() - free all
 * @d: left empty
 */
void denials_free(struct denials *d)
{
	tdestroy(d->tree, keep);
	while (d->n)
		denial_free(d->at[--d->n]);
	free(d->at);
	memset(d, 0, sizeof(*d));
}
