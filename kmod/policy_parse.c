// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The text of a policy, taken apart into struct receipt_policy. One pass over
 * the bytes, no recursion. Whatever is not understood is an error: a policy that
 * is read otherwise than it was meant is worse than none.
 *
 * text		= statement by statement
 * statement	= the words of one line; "\" at its end continues it, "#" begins
 *		  a comment
 * word		= keyword, or property=value, or property="value"
 *
 * The first statement is the header. Tables say which properties a statement
 * has and which function reads each.
 */
#ifdef __KERNEL__
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>
#endif
#include "policy.h"

#define PROPERTIES_MAX	16	/* of one statement */

/* Both from 1; a column of 0 means the whole line. Columns count bytes. */
struct place {
	u32 line;
	u32 column;
};

struct word {
	struct place at;
	const char *name;
	size_t name_len;
	struct place value_at;
	const char *value;	/* NULL: a keyword */
	size_t value_len;
};

/**
 * struct parser - the state of one parse
 * @pos: next byte
 * @end: behind the last
 * @bol: first byte of the line that @pos is in
 * @line: its number
 * @policy: what comes out
 * @string: free storage in @policy->strings
 * @has_header: the first statement is done
 * @global: what "DEFAULT action=" says
 * @global_line: where
 * @curve: of the current log line's alg=
 * @key_at: its key=
 * @err: filled in on failure
 */
struct parser {
	const char *pos;
	const char *end;
	const char *bol;
	u32 line;
	struct receipt_policy *policy;
	char *string;
	bool has_header;
	enum receipt_action global;
	u32 global_line;
	enum receipt_curve curve;
	struct place key_at;
	struct receipt_policy_error *err;
};

enum {
	PROP_REQUIRED = BIT(0),
	PROP_REPEATS = BIT(1),
	PROP_LAST = BIT(2),	/* nothing may follow */
};

/* @parse reads the value into the statement's object. */
struct property {
	const char *name;
	int (*parse)(struct parser *p, const struct word *w, void *object);
	unsigned int flags;
};

struct statement {
	const char *name;
	bool keyword;
	int (*parse)(struct parser *p, struct word *w);
};

/* Names in the text, by value. */
static const char *const op_names[] = {
	[RECEIPT_OP_EXECUTE] = "EXECUTE",
	[RECEIPT_OP_KMODULE] = "KMODULE",
	[RECEIPT_OP_FIRMWARE] = "FIRMWARE",
	[RECEIPT_OP_KEXEC_IMAGE] = "KEXEC_IMAGE",
	[RECEIPT_OP_KEXEC_INITRAMFS] = "KEXEC_INITRAMFS",
	[RECEIPT_OP_X509_CERT] = "X509_CERT",
	[RECEIPT_OP_POLICY] = "POLICY",
	[RECEIPT_OP_ANON_EXEC] = "ANON_EXEC",
};

static_assert(ARRAY_SIZE(op_names) == RECEIPT_OP_COUNT, "a name for each");

static const char *const mode_names[] = {
	[RECEIPT_MODE_PERMISSIVE] = "permissive",
	[RECEIPT_MODE_ENFORCE] = "enforce",
};

static const char *const no_helper_names[] = {
	[RECEIPT_NO_HELPER_CACHED] = "cached",
	[RECEIPT_NO_HELPER_DENY] = "deny",
};

static const char *const action_names[] = {
	[RECEIPT_ACTION_ALLOW] = "ALLOW",
	[RECEIPT_ACTION_DENY] = "DENY",
};

static const char *const boolean_names[] = {
	[RECEIPT_TRUE] = "TRUE",
	[RECEIPT_FALSE] = "FALSE",
};

static const char *const alg_names[] = {
	[RECEIPT_CURVE_P256] = "ES256",
	[RECEIPT_CURVE_P384] = "ES384",
	[RECEIPT_CURVE_P521] = "ES512",
};

static const char *const entry_names[] = {
	[RECEIPT_ENTRY_SHA256_STMT] = "sha256-stmt",
	[RECEIPT_ENTRY_STMT] = "stmt",
};

static const char *const identity_names[] = {
	[true] = "verified",
};

/* Errors */

static __printf(3, 4) int fail(struct parser *p, struct place at,
			       const char *fmt, ...)
{
	va_list args;

	p->err->line = at.line;
	p->err->column = at.column;
	va_start(args, fmt);
	vsnprintf(p->err->text, sizeof(p->err->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* Add one of the names that were expected to the text of an error. */
static void add_expected(struct parser *p, const char *name)
{
	char *text = p->err->text;
	size_t used = strlen(text);

	snprintf(text + used, sizeof(p->err->text) - used, "%s%s",
		 text[used - 1] == ' ' ? "" : ", ", name);
}

static struct place line_at(u32 line)
{
	return (struct place) { .line = line };
}

static struct place here(const struct parser *p)
{
	return (struct place) { p->line, p->pos - p->bol + 1 };
}

static struct place in_value(const struct word *w, size_t offset)
{
	return (struct place) { w->value_at.line, w->value_at.column + offset };
}

/* Characters */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What the names of logs and policies are made of. */
/**
 * receipt_is_name_char - whether names are made of such characters
 * @c: character
 *
 * Return: true for letters, digits, '-', '_' and '.'.
 */
bool receipt_is_name_char(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}

static bool is_bare_char(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '#' && c != '\\';
}

/* Bytes in a UTF-8 sequence that begins with @c; 0 when none does. */
static unsigned int utf8_len(u8 c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	return 0;
}

/* The character at @s, its bytes in @n; negative when it is no valid UTF-8. */
static s64 utf8_char(const char *s, const char *end, unsigned int *n)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 c = (u8)*s;
	unsigned int i;

	*n = utf8_len(c);
	if (!*n || end - s < *n)
		return -1;
	if (*n > 1)
		c &= 0x7f >> *n;
	for (i = 1; i < *n; i++) {
		if (((u8)s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | ((u8)s[i] & 0x3f);
	}
	if (c < least[*n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	return c;
}

/*
 * Controls, and what makes a text look otherwise than it reads: separators of
 * lines and paragraphs, embeddings and isolates of the direction of writing.
 */
static bool is_control(s64 c)
{
	return (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Nothing but valid characters in the whole text, comments too. */
static int check_characters(const struct parser *parser)
{
	struct parser p = *parser;
	unsigned int n;
	s64 c;

	for (; p.pos < p.end; p.pos += n) {
		c = utf8_char(p.pos, p.end, &n);
		if (c < 0)
			return fail(&p, here(&p), "invalid UTF-8");
		if (c == '\r')
			return fail(&p, here(&p), "carriage return; lines end in a newline alone");
		if (is_control(c))
			return fail(&p, here(&p), "control character 0x%02x",
				    (unsigned int)c);
		if (c == '\n') {
			p.line++;
			p.bol = p.pos + 1;
		}
	}
	return 0;
}

/* Words */

static void next_line(struct parser *p)
{
	if (p->pos == p->end)
		return;
	p->pos++;
	p->bol = p->pos;
	p->line++;
}

/* A backslash at the end of a line is a blank. */
static int skip_blanks(struct parser *p)
{
	for (; p->pos < p->end; p->pos++) {
		if (*p->pos == '\\') {
			if (p->end - p->pos < 2 || p->pos[1] != '\n')
				return fail(p, here(p), "a backslash may only end a line");
			p->line++;
			p->bol = ++p->pos + 1;
		} else if (*p->pos != ' ' && *p->pos != '\t') {
			break;
		}
	}
	return 0;
}

static bool at_end_of_word(const struct parser *p)
{
	const char *s = p->pos;

	return s == p->end || *s == ' ' || *s == '\t' || *s == '\n' ||
	       (*s == '\\' && p->end - s > 1 && s[1] == '\n');
}

static void skip_comment(struct parser *p)
{
	while (p->pos < p->end && *p->pos != '\n')
		p->pos++;
}

static int quoted_value(struct parser *p, struct word *w)
{
	struct place quote = here(p);

	p->pos++;
	w->value_at = here(p);
	w->value = p->pos;
	while (p->pos < p->end && *p->pos != '"' && *p->pos != '\n')
		p->pos++;
	if (p->pos == p->end || *p->pos == '\n')
		return fail(p, quote, "the quote is not closed on this line");
	w->value_len = p->pos - w->value;
	p->pos++;
	if (!at_end_of_word(p))
		return fail(p, here(p), "expected a blank after the quote");
	return 0;
}

static int bare_value(struct parser *p, struct word *w)
{
	w->value_at = here(p);
	w->value = p->pos;
	while (p->pos < p->end && is_bare_char(*p->pos))
		p->pos++;
	w->value_len = p->pos - w->value;
	if (!at_end_of_word(p))
		return fail(p, here(p), "a value with this character must be in quotes");
	return 0;
}

static int next_value(struct parser *p, struct word *w)
{
	int err;

	p->pos++;	/* the equals sign */
	if (p->pos < p->end && *p->pos == '"')
		err = quoted_value(p, w);
	else
		err = bare_value(p, w);
	if (err)
		return err;
	if (!w->value_len)
		return fail(p, w->value_at, "the value is empty");
	if (w->value_len > RECEIPT_MAX_CLAIM)
		return fail(p, w->value_at, "the value is longer than %d bytes",
			    RECEIPT_MAX_CLAIM);
	return 0;
}

/* 1 with a word, 0 at the end of the statement, or an error. */
static int next_word(struct parser *p, struct word *w)
{
	int err = skip_blanks(p);

	if (err)
		return err;
	memset(w, 0, sizeof(*w));
	if (p->pos < p->end && *p->pos == '#')
		skip_comment(p);
	if (p->pos == p->end || *p->pos == '\n')
		return 0;

	w->at = here(p);
	w->name = p->pos;
	while (p->pos < p->end &&
	       (is_letter(*p->pos) || is_digit(*p->pos) || *p->pos == '_'))
		p->pos++;
	w->name_len = p->pos - w->name;
	if (!w->name_len)
		return fail(p, here(p), "expected a word");
	if (p->pos < p->end && *p->pos == '=')
		err = next_value(p, w);
	else if (!at_end_of_word(p))
		err = fail(p, here(p), "expected = or a blank after the word");
	return err ? err : 1;
}

/* Is the text of @len bytes @name? */
static bool text_is(const char *text, size_t len, const char *name)
{
	return len == strlen(name) && !memcmp(text, name, len);
}

static bool word_is(const struct word *w, const char *name)
{
	return text_is(w->name, w->name_len, name);
}

/* Statements by their tables */

/* Where the properties of a statement stood; a line of 0: not yet. */
struct seen {
	struct place at[PROPERTIES_MAX];
	const struct property *last;
};

static int fail_property(struct parser *p, const struct word *w,
			 const struct property *table)
{
	fail(p, w->at, "unknown word; expected ");
	for (; table->name; table++)
		add_expected(p, table->name);
	return -EINVAL;
}

static int parse_property(struct parser *p, const struct word *w,
			  const struct property *table, struct seen *seen,
			  void *object)
{
	const struct property *prop = table;
	struct place *at;

	if (seen->last)
		return fail(p, w->at, "nothing may follow %s=", seen->last->name);
	while (prop->name && !word_is(w, prop->name))
		prop++;
	if (!prop->name)
		return fail_property(p, w, table);
	if (!w->value)
		return fail(p, w->at, "expected %s=VALUE", prop->name);
	at = &seen->at[prop - table];
	if (at->line && !(prop->flags & PROP_REPEATS))
		return fail(p, w->at, "%s= is there already, in line %u column %u",
			    prop->name, at->line, at->column);
	*at = w->at;
	if (prop->flags & PROP_LAST)
		seen->last = prop;
	return prop->parse(p, w, object);
}

/*
 * Read the rest of a statement that begins with @w, which is a keyword or the
 * first property.
 */
static int parse_properties(struct parser *p, struct word *w,
			    const struct property *table, void *object)
{
	struct place start = line_at(w->at.line);
	const struct property *prop;
	struct seen seen = {};
	int more = 1;
	int err;

	if (!w->value)
		more = next_word(p, w);
	while (more > 0) {
		err = parse_property(p, w, table, &seen, object);
		if (err)
			return err;
		more = next_word(p, w);
	}
	if (more < 0)
		return more;
	for (prop = table; prop->name; prop++) {
		if (prop->flags & PROP_REQUIRED && !seen.at[prop - table].line)
			return fail(p, start, "%s= is missing", prop->name);
	}
	return 0;
}

/* Values */

/* One of the names; its index or an error. */
static int parse_choice(struct parser *p, const struct word *w,
			const char *const *names, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (names[i] && text_is(w->value, w->value_len, names[i]))
			return i;
	}
	fail(p, w->value_at, "expected ");
	for (i = 0; i < n; i++) {
		if (names[i])
			add_expected(p, names[i]);
	}
	return -EINVAL;
}

static const char *store_value(struct parser *p, const struct word *w)
{
	char *s = p->string;

	memcpy(s, w->value, w->value_len);
	s[w->value_len] = '\0';
	p->string += w->value_len + 1;
	return s;
}

static int check_name(struct parser *p, const struct word *w)
{
	size_t i;

	if (w->value_len > RECEIPT_POLICY_NAME_MAX)
		return fail(p, w->value_at, "the name is longer than %d bytes",
			    RECEIPT_POLICY_NAME_MAX);
	for (i = 0; i < w->value_len; i++) {
		if (!receipt_is_name_char(w->value[i]))
			return fail(p, in_value(w, i),
				    "a name is made of letters, digits, '-', '_' and '.'");
	}
	return 0;
}

static int parse_name(struct parser *p, const struct word *w, const char **name)
{
	int err = check_name(p, w);

	if (!err)
		*name = store_value(p, w);
	return err;
}

/* Decimal digits from @from to before @to of the value. */
static int parse_number(struct parser *p, const struct word *w, size_t from,
			size_t to, u64 max, u64 *number)
{
	u64 n = 0;
	size_t i;

	if (from == to)
		return fail(p, in_value(w, from), "expected a number");
	if (w->value[from] == '0' && to - from > 1)
		return fail(p, in_value(w, from), "a number begins with 0");
	for (i = from; i < to; i++) {
		u64 digit = w->value[i] - '0';

		if (!is_digit(w->value[i]))
			return fail(p, in_value(w, i), "expected a decimal digit");
		if (n > max / 10 || digit > max - n * 10)
			return fail(p, in_value(w, from),
				    "the number is over %llu",
				    (unsigned long long)max);
		n = n * 10 + digit;
	}
	*number = n;
	return 0;
}

/* Days from 1970 to a date of the Gregorian calendar. */
static s64 days_to(u64 year, u64 month, u64 day)
{
	/* A year that begins in March has its leap day at the end. */
	u64 y = month > 2 ? year : year - 1;
	u64 m = month > 2 ? month - 3 : month + 9;

	return (s64)(365 * y + y / 4 - y / 100 + y / 400 +
		     (153 * m + 2) / 5 + day - 1) - 719468;
}

static u64 days_in(u64 year, u64 month)
{
	bool leap = !(year % 4) && (year % 100 || !(year % 400));

	if (month == 2)
		return leap ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Digits for "0", all else as it stands. */
static bool has_form(const struct word *w, const char *form)
{
	size_t i;

	if (w->value_len != strlen(form))
		return false;
	for (i = 0; i < w->value_len; i++) {
		if (form[i] == '0' ? !is_digit(w->value[i]) : w->value[i] != form[i])
			return false;
	}
	return true;
}

static u64 digits_at(const struct word *w, size_t from, size_t n)
{
	u64 number = 0;

	while (n--)
		number = number * 10 + (w->value[from++] - '0');
	return number;
}

/* RFC 3339 in UTC, with seconds: one text for one time. */
static int parse_time(struct parser *p, const struct word *w, s64 *time)
{
	u64 year, month, day, hour, minute, second;

	if (!has_form(w, "0000-00-00T00:00:00Z"))
		return fail(p, w->value_at, "expected a time as 2026-01-31T00:00:00Z");
	year = digits_at(w, 0, 4);
	month = digits_at(w, 5, 2);
	day = digits_at(w, 8, 2);
	hour = digits_at(w, 11, 2);
	minute = digits_at(w, 14, 2);
	second = digits_at(w, 17, 2);
	if (year < 1970 || !month || month > 12 || !day ||
	    day > days_in(year, month) || hour > 23 || minute > 59 || second > 59)
		return fail(p, w->value_at, "there is no such time, from 1970 on");
	*time = days_to(year, month, day) * 86400 +
		(s64)(hour * 3600 + minute * 60 + second);
	return 0;
}

static int parse_op_name(struct parser *p, const struct word *w)
{
	return parse_choice(p, w, op_names, RECEIPT_OP_COUNT);
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Keys */

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	if (c == '/')
		return 63;
	return -1;
}

/*
 * Decode the value into @out, of @max bytes, and return how many there are. One
 * text for one content: padded, no blanks, no stray bits.
 */
static int parse_base64(struct parser *p, const struct word *w, u8 *out,
			size_t max)
{
	size_t len = w->value_len;
	size_t i, n = 0;
	u32 bits = 0;

	if (len % 4)
		return fail(p, w->value_at, "the length of base64 is a multiple of 4");
	while (len && w->value_len - len < 2 && w->value[len - 1] == '=')
		len--;
	if (len * 3 / 4 > max)
		return fail(p, w->value_at, "longer than a P-521 key");
	for (i = 0; i < len; i++) {
		int digit = base64_digit(w->value[i]);

		if (digit < 0)
			return fail(p, in_value(w, i), "expected a base64 digit");
		bits = bits << 6 | digit;
		if (i % 4)
			out[n++] = bits >> (6 - i % 4 * 2);
	}
	if ((len % 4 == 2 && bits & 0xf) || (len % 4 == 3 && bits & 0x3))
		return fail(p, in_value(w, len - 1), "stray bits at the end of base64");
	return n;
}

/* What stands before the point in a SubjectPublicKeyInfo. */
static const u8 p256_head[] = {
	0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03,
	0x42, 0x00, 0x04,
};

static const u8 p384_head[] = {
	0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02,
	0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04,
};

static const u8 p521_head[] = {
	0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86,
	0x00, 0x04,
};

static const struct curve {
	enum receipt_curve curve;
	const u8 *head;
	size_t head_len;
	size_t len;
} curves[] = {
	{ RECEIPT_CURVE_P256, p256_head, sizeof(p256_head), sizeof(p256_head) + 64 },
	{ RECEIPT_CURVE_P384, p384_head, sizeof(p384_head), sizeof(p384_head) + 96 },
	{ RECEIPT_CURVE_P521, p521_head, sizeof(p521_head), sizeof(p521_head) + 132 },
};

static_assert(sizeof(p521_head) + 132 <= RECEIPT_SPKI_MAX, "room for the key");

static int parse_spki(struct parser *p, const struct word *w,
		      struct receipt_key *key)
{
	int len = parse_base64(p, w, key->spki, sizeof(key->spki));
	size_t i;

	if (len < 0)
		return len;
	for (i = 0; i < ARRAY_SIZE(curves); i++) {
		if ((size_t)len == curves[i].len &&
		    !memcmp(key->spki, curves[i].head, curves[i].head_len)) {
			key->curve = curves[i].curve;
			key->spki_len = len;
			return 0;
		}
	}
	return fail(p, w->value_at,
		    "expected SubjectPublicKeyInfo with an uncompressed P-256, P-384 or P-521 key");
}

static bool same_key(const struct receipt_key *a, const struct receipt_key *b)
{
	return a->spki_len == b->spki_len &&
	       !memcmp(a->spki, b->spki, a->spki_len);
}

/* Header */

static int parse_policy_name(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = object;

	return parse_name(p, w, &policy->name);
}

static int parse_version(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = object;
	size_t from = 0, to;
	u64 number;
	int i, err;

	for (i = 0; i < 3; i++) {
		for (to = from; to < w->value_len && is_digit(w->value[to]); to++)
			;
		err = parse_number(p, w, from, to, (u16)-1, &number);
		if (err)
			return err;
		policy->version[i] = number;
		if (i < 2 && (to == w->value_len || w->value[to] != '.'))
			return fail(p, in_value(w, to), "expected a version X.Y.Z");
		from = to + 1;
	}
	if (to != w->value_len)
		return fail(p, in_value(w, to), "expected a version X.Y.Z");
	return 0;
}

static int parse_mode(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = object;
	int mode = parse_choice(p, w, mode_names, ARRAY_SIZE(mode_names));

	if (mode < 0)
		return mode;
	policy->mode = mode;
	return 0;
}

/* What may count; those of contents first. */
static const char *const kind_names[] = {
	[RECEIPT_KIND_SHA256] = "sha256",
	[RECEIPT_KIND_SHA384] = "sha384",
	[RECEIPT_KIND_SHA512] = "sha512",
	[RECEIPT_KIND_FSVERITY_SHA256] = "fsverity",
	[RECEIPT_KIND_DMVERITY_SHA256] = "dmverity",
};

#define CONTENT_NAMES	(RECEIPT_KIND_SHA512 + 1)	/* of kind_names */

/* One of a list of names with commas between them. */
static int parse_digests(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = object;
	struct word one = *w;
	const char *comma;
	int kind;

	policy->digests = 0;
	do {
		comma = memchr(one.value, ',', one.value_len);
		if (comma)
			one.value_len = comma - one.value;
		kind = parse_choice(p, &one, kind_names, ARRAY_SIZE(kind_names));
		if (kind < 0)
			return kind;
		if (policy->digests & BIT(kind))
			return fail(p, one.value_at, "%s is there already",
				    kind_names[kind]);
		policy->digests |= BIT(kind);
		one.value += one.value_len + 1;
		one.value_at.column += one.value_len + 1;
		one.value_len = w->value + w->value_len - one.value;
	} while (comma);
	if (!(policy->digests & RECEIPT_CONTENT_KINDS))
		return fail(p, w->value_at,
			    "sha256, sha384 or sha512 must be there, too");
	return 0;
}

static int parse_recheck(struct parser *p, const struct word *w, void *object)
{
	static const char *const names[] = { "setuid" };
	int value = parse_choice(p, w, names, ARRAY_SIZE(names));
	struct receipt_policy *policy = object;

	if (value < 0)
		return value;
	policy->recheck_setuid = true;
	return 0;
}

static int parse_mounts(struct parser *p, const struct word *w, void *object)
{
	static const char *const names[] = { "sealed" };
	int value = parse_choice(p, w, names, ARRAY_SIZE(names));
	struct receipt_policy *policy = object;

	if (value < 0)
		return value;
	policy->mounts_sealed = true;
	return 0;
}

static int parse_svn(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = object;
	u64 number = 0;
	int err = parse_number(p, w, 0, w->value_len, (u32)-1, &number);

	policy->svn = number;
	return err;
}

/* Never without an end: nobody waits for ever. */
static int parse_helper_timeout(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = object;
	u64 number = 0;
	int err = parse_number(p, w, 0, w->value_len, RECEIPT_HELPER_TIMEOUT_MAX, &number);

	if (!err && !number)
		return fail(p, w->value_at, "expected 1 to %d seconds",
			    RECEIPT_HELPER_TIMEOUT_MAX);
	policy->helper_timeout = number;
	return err;
}

static int parse_no_helper(struct parser *p, const struct word *w, void *object)
{
	int value = parse_choice(p, w, no_helper_names, ARRAY_SIZE(no_helper_names));
	struct receipt_policy *policy = object;

	if (value < 0)
		return value;
	policy->no_helper = value;
	return 0;
}

static const struct property header_properties[] = {
	{ "policy_name", parse_policy_name, PROP_REQUIRED },
	{ "policy_version", parse_version, PROP_REQUIRED },
	{ "mode", parse_mode, PROP_REQUIRED },
	{ "policy_svn", parse_svn, 0 },
	{ "helper_timeout", parse_helper_timeout, 0 },
	{ "no_helper", parse_no_helper, 0 },
	{ "digests", parse_digests, 0 },
	{ "recheck", parse_recheck, 0 },
	{ "mounts", parse_mounts, 0 },
	{}
};

static_assert(ARRAY_SIZE(header_properties) <= PROPERTIES_MAX, "a place for each");

static int parse_header(struct parser *p, struct word *w)
{
	p->has_header = true;
	p->policy->digests = BIT(RECEIPT_KIND_SHA256);
	p->policy->helper_timeout = RECEIPT_HELPER_TIMEOUT;
	if (!w->value)
		return fail_property(p, w, header_properties);
	return parse_properties(p, w, header_properties, p->policy);
}

/* Logs */

/*
 * Room for one more in an array of @used, which is as long as the next power of
 * two. The new part is zero.
 */
static void *room_for_one(void *array, u32 used, size_t size)
{
	void *bigger;

	if (used & (used - 1))
		return array;
	bigger = kvcalloc(used ? 2 * used : 1, size, GFP_KERNEL);
	if (bigger && used) {
		memcpy(bigger, array, used * size);
		kvfree(array);
	}
	return bigger;
}

static int parse_log_name(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;

	return parse_name(p, w, &log->name);
}

static int parse_log_alg(struct parser *p, const struct word *w, void *object)
{
	int curve = parse_choice(p, w, alg_names, ARRAY_SIZE(alg_names));

	(void)object;
	if (curve < 0)
		return curve;
	p->curve = curve;
	return 0;
}

static int parse_log_key(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;

	p->key_at = w->value_at;
	return parse_spki(p, w, &log->key);
}

static int parse_log_issuer(struct parser *p, const struct word *w, void *object)
{
	const char *star = memchr(w->value, '*', w->value_len);
	struct receipt_log *log = object;

	if (star)
		return fail(p, in_value(w, star - w->value),
			    "the issuer of a log is exact, without *");
	log->issuer = store_value(p, w);
	return 0;
}

static int parse_log_identity(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;
	int identity = parse_choice(p, w, identity_names, ARRAY_SIZE(identity_names));

	if (identity < 0)
		return identity;
	log->identity_verified = identity;
	return 0;
}

static int parse_log_entry(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;
	int entry = parse_choice(p, w, entry_names, ARRAY_SIZE(entry_names));

	if (entry < 0)
		return entry;
	log->entry = entry;
	return 0;
}

static int parse_log_not_before(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;

	log->has_window = true;
	return parse_time(p, w, &log->not_before);
}

static int parse_log_not_after(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;

	log->has_window = true;
	return parse_time(p, w, &log->not_after);
}

static int parse_log_min_position(struct parser *p, const struct word *w, void *object)
{
	struct receipt_log *log = object;

	return parse_number(p, w, 0, w->value_len, (u64)-1, &log->min_position);
}

static const struct property log_properties[] = {
	{ "name", parse_log_name, PROP_REQUIRED },
	{ "alg", parse_log_alg, PROP_REQUIRED },
	{ "key", parse_log_key, PROP_REQUIRED },
	{ "issuer", parse_log_issuer, PROP_REQUIRED },
	{ "identity", parse_log_identity, 0 },
	{ "entry", parse_log_entry, 0 },
	{ "not_before", parse_log_not_before, 0 },
	{ "not_after", parse_log_not_after, 0 },
	{ "min_position", parse_log_min_position, 0 },
	{}
};

static_assert(ARRAY_SIZE(log_properties) <= PROPERTIES_MAX, "a place for each");

/*
 * Lines of one name are the keys of one log and agree in all else; lines of two
 * names share nothing, or one log could pass for two.
 */
static int check_log_pair(struct parser *p, struct place at,
			  const struct receipt_log *old,
			  const struct receipt_log *log)
{
	bool same_name = !strcmp(old->name, log->name);
	bool same_issuer = !strcmp(old->issuer, log->issuer);

	if (same_key(&old->key, &log->key))
		return fail(p, p->key_at, "log %s has this key already", old->name);
	if (!same_name && same_issuer)
		return fail(p, at, "log %s has this issuer already", old->name);
	if (same_name && !same_issuer)
		return fail(p, at, "this log has another issuer above");
	if (same_name && (old->identity_verified != log->identity_verified ||
			  old->entry != log->entry))
		return fail(p, at, "this log has another identity= or entry= above");
	return 0;
}

static int parse_log(struct parser *p, struct word *w)
{
	struct place at = line_at(w->at.line);
	struct receipt_policy *policy = p->policy;
	struct receipt_log *log;
	int err;
	u32 i;

	if (policy->nlogs == RECEIPT_POLICY_LOGS)
		return fail(p, w->at, "more than %d log lines", RECEIPT_POLICY_LOGS);
	log = room_for_one(policy->logs, policy->nlogs, sizeof(*log));
	if (!log)
		return -ENOMEM;
	policy->logs = log;
	log += policy->nlogs;
	log->line = w->at.line;
	log->not_after = S64_MAX;

	err = parse_properties(p, w, log_properties, log);
	if (err)
		return err;
	if (log->key.curve != p->curve)
		return fail(p, p->key_at, "the key's curve does not fit alg=%s",
			    alg_names[p->curve]);
	if (log->not_before > log->not_after)
		return fail(p, at, "not_before= is later than not_after=");
	for (i = 0; i < policy->nlogs; i++) {
		err = check_log_pair(p, at, &policy->logs[i], log);
		if (err)
			return err;
	}
	policy->nlogs++;
	return 0;
}

/* Defaults */

struct default_action {
	bool has_op;
	enum receipt_op op;
	enum receipt_action action;
};

static int parse_default_op(struct parser *p, const struct word *w, void *object)
{
	struct default_action *def = object;
	int op = parse_op_name(p, w);

	if (op < 0)
		return op;
	def->has_op = true;
	def->op = op;
	return 0;
}

static int parse_default_action(struct parser *p, const struct word *w, void *object)
{
	struct default_action *def = object;
	int action = parse_choice(p, w, action_names, ARRAY_SIZE(action_names));

	if (action < 0)
		return action;
	def->action = action;
	return 0;
}

static const struct property default_properties[] = {
	{ "op", parse_default_op, 0 },
	{ "action", parse_default_action, PROP_REQUIRED | PROP_LAST },
	{}
};

static_assert(ARRAY_SIZE(default_properties) <= PROPERTIES_MAX, "a place for each");

static int parse_default(struct parser *p, struct word *w)
{
	enum receipt_action *action = &p->global;
	u32 *line = &p->global_line;
	struct default_action def = {};
	u32 start = w->at.line;
	int err;

	err = parse_properties(p, w, default_properties, &def);
	if (err)
		return err;
	if (def.has_op) {
		action = &p->policy->defaults[def.op];
		line = &p->policy->default_lines[def.op];
	}
	if (*action != RECEIPT_ACTION_UNSET)
		return fail(p, line_at(start),
			    "this DEFAULT is there already, in line %u", *line);
	*action = def.action;
	*line = start;
	return 0;
}

/* Rules */

static int parse_rule_op(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;
	int op = parse_op_name(p, w);

	if (op < 0)
		return op;
	rule->op = op;
	return 0;
}

static int parse_rule_receipt(struct parser *p, const struct word *w, void *object)
{
	struct receipt_policy *policy = p->policy;
	struct receipt_rule *rule = object;
	const char *name;
	u32 i;

	for (i = 0; i < policy->nlogs; i++) {
		if (text_is(w->value, w->value_len, policy->logs[i].name))
			break;
	}
	if (i == policy->nlogs)
		return fail(p, w->value_at, "no log line above has this name");
	if (rule->nreceipts == RECEIPT_RULE_RECEIPTS)
		return fail(p, w->at, "more than %d receipt= in one rule",
			    RECEIPT_RULE_RECEIPTS);
	name = policy->logs[i].name;
	for (i = 0; i < rule->nreceipts; i++) {
		if (rule->receipts[i] == name)
			return fail(p, w->value_at, "the rule names this log already");
	}
	rule->receipts[rule->nreceipts++] = name;
	return 0;
}

/* A text, or the beginning of one and "*". */
static int parse_pattern(struct parser *p, const struct word *w,
			 const char **pattern)
{
	const char *star = memchr(w->value, '*', w->value_len);

	if (star && star != w->value + w->value_len - 1)
		return fail(p, in_value(w, star - w->value),
			    "* may stand at the end of the value only");
	*pattern = store_value(p, w);
	return 0;
}

static int parse_rule_issuer(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;

	return parse_pattern(p, w, &rule->issuer);
}

static int parse_rule_subject(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;

	return parse_pattern(p, w, &rule->subject);
}

static int parse_rule_min_svn(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;

	rule->has_min_svn = true;
	return parse_number(p, w, 0, w->value_len, (u64)-1, &rule->min_svn);
}

static int parse_rule_issuer_key(struct parser *p, const struct word *w,
				 void *object)
{
	struct receipt_rule *rule = object;

	rule->has_issuer_key = true;
	return parse_spki(p, w, &rule->issuer_key);
}

/* The hexadecimal digits from @from on, which are all of a digest of @kind. */
static int parse_rule_hex(struct parser *p, const struct word *w, size_t from, u8 kind,
			  struct receipt_rule *rule)
{
	u8 *bytes = rule->digests[rule->ndigests].bytes;
	size_t i;

	for (i = from; i < w->value_len; i++) {
		int digit = hex_digit(w->value[i]);

		if (digit < 0)
			return fail(p, in_value(w, i), "expected a hexadecimal digit");
		bytes[(i - from) / 2] = bytes[(i - from) / 2] << 4 | digit;
	}
	rule->digests[rule->ndigests++].kind = kind;
	return 0;
}

/* ALG:HEX. The kind is that of the algorithm, or @kind. It must count. */
static int parse_rule_digest_of(struct parser *p, const struct word *w, int nnames,
				u8 kind, struct receipt_rule *rule)
{
	const char *colon = memchr(w->value, ':', w->value_len);
	size_t head = colon ? colon + 1 - w->value : 0, size;
	struct word name = *w;
	int alg;

	name.value_len = colon ? head - 1 : w->value_len;
	alg = parse_choice(p, &name, kind_names, nnames);
	if (alg < 0)
		return alg;
	if (!kind)
		kind = alg;
	if (!(p->policy->digests & BIT(kind)))
		return fail(p, w->value_at,
			    "%s is not measured; add it to digests= in the first line",
			    kind_names[kind]);
	size = receipt_kind_size(kind);
	if (!colon || w->value_len != head + 2 * size)
		return fail(p, w->value_at, "expected %s: and %zu hexadecimal digits",
			    kind_names[alg], 2 * size);
	return parse_rule_hex(p, w, head, kind, rule);
}

static int parse_rule_digest(struct parser *p, const struct word *w, void *object)
{
	return parse_rule_digest_of(p, w, CONTENT_NAMES, 0, object);
}

static int parse_rule_fsverity(struct parser *p, const struct word *w, void *object)
{
	return parse_rule_digest_of(p, w, RECEIPT_KIND_SHA256 + 1,
				    RECEIPT_KIND_FSVERITY_SHA256, object);
}

static int parse_rule_dmverity(struct parser *p, const struct word *w, void *object)
{
	return parse_rule_digest_of(p, w, RECEIPT_KIND_SHA256 + 1,
				    RECEIPT_KIND_DMVERITY_SHA256, object);
}

static int parse_rule_boot(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;
	int value = parse_choice(p, w, boolean_names, ARRAY_SIZE(boolean_names));

	if (value < 0)
		return value;
	rule->boot_verified = value;
	return 0;
}

static int parse_rule_fstype(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;

	if (w->value_len > RECEIPT_FSTYPE_MAX)
		return fail(p, w->value_at, "the name is longer than %d bytes",
			    RECEIPT_FSTYPE_MAX);
	rule->fstype = store_value(p, w);
	return 0;
}

/* A number and a unit; seconds. */
static int parse_rule_max_age(struct parser *p, const struct word *w, void *object)
{
	static const u32 seconds[] = { ['s'] = 1, ['m'] = 60, ['h'] = 3600, ['d'] = 86400 };
	u8 unit = w->value[w->value_len - 1];
	struct receipt_rule *rule = object;
	u64 number = 0;
	int err;

	if (unit >= ARRAY_SIZE(seconds) || !seconds[unit])
		return fail(p, in_value(w, w->value_len - 1),
			    "expected s, m, h or d (days) after the number");
	err = parse_number(p, w, 0, w->value_len - 1, 36500, &number);
	if (!err && !number)
		return fail(p, w->value_at, "expected a number from 1 on");
	rule->max_age = number * seconds[unit];
	p->policy->has_max_age = true;
	return err;
}

static int parse_rule_min_position(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;

	return parse_number(p, w, 0, w->value_len, (u64)-1, &rule->min_position);
}

static int parse_rule_action(struct parser *p, const struct word *w, void *object)
{
	struct receipt_rule *rule = object;
	int action = parse_choice(p, w, action_names, ARRAY_SIZE(action_names));

	if (action < 0)
		return action;
	rule->action = action;
	return 0;
}

static const struct property rule_properties[] = {
	{ "op", parse_rule_op, PROP_REQUIRED },
	{ "receipt", parse_rule_receipt, PROP_REPEATS },
	{ "issuer", parse_rule_issuer, 0 },
	{ "subject", parse_rule_subject, 0 },
	{ "min_svn", parse_rule_min_svn, 0 },
	{ "issuer_key", parse_rule_issuer_key, 0 },
	{ "digest", parse_rule_digest, 0 },
	{ "fsverity", parse_rule_fsverity, 0 },
	{ "dmverity", parse_rule_dmverity, 0 },
	{ "boot_verified", parse_rule_boot, 0 },
	{ "fstype", parse_rule_fstype, 0 },
	{ "max_age", parse_rule_max_age, 0 },
	{ "min_position", parse_rule_min_position, 0 },
	{ "action", parse_rule_action, PROP_REQUIRED | PROP_LAST },
	{}
};

static_assert(ARRAY_SIZE(rule_properties) <= PROPERTIES_MAX, "a place for each");

static int parse_rule(struct parser *p, struct word *w)
{
	struct receipt_policy *policy = p->policy;
	struct receipt_rule *rule;
	int err;

	if (policy->nrules == RECEIPT_POLICY_RULES)
		return fail(p, w->at, "more than %d rules", RECEIPT_POLICY_RULES);
	rule = room_for_one(policy->rules, policy->nrules, sizeof(*rule));
	if (!rule)
		return -ENOMEM;
	policy->rules = rule;
	rule += policy->nrules;
	rule->line = w->at.line;

	err = parse_properties(p, w, rule_properties, rule);
	if (err)
		return err;
	/* Positions of two logs have nothing in common. */
	if (rule->min_position && rule->nreceipts != 1)
		return fail(p, line_at(rule->line),
			    "min_position= needs one receipt=, whose log it counts in");
	policy->nrules++;
	return 0;
}

/* Revocations */

/* One digest, as @parse reads it of a rule. */
static int parse_revoked(struct parser *p, const struct word *w,
			 struct receipt_revocation *rev,
			 int (*parse)(struct parser *p, const struct word *w, void *object))
{
	struct receipt_rule rule = {};
	int err = parse(p, w, &rule);

	if (err)
		return err;
	if (rev->kind)
		return fail(p, w->at, "one digest in a line");
	rev->kind = rule.digests[0].kind;
	memcpy(rev->digest, rule.digests[0].bytes, sizeof(rev->digest));
	return 0;
}

static int parse_revoked_digest(struct parser *p, const struct word *w, void *object)
{
	return parse_revoked(p, w, object, parse_rule_digest);
}

static int parse_revoked_fsverity(struct parser *p, const struct word *w, void *object)
{
	return parse_revoked(p, w, object, parse_rule_fsverity);
}

static int parse_revoked_dmverity(struct parser *p, const struct word *w, void *object)
{
	return parse_revoked(p, w, object, parse_rule_dmverity);
}

static int parse_revoked_issuer(struct parser *p, const struct word *w, void *object)
{
	struct receipt_revocation *rev = object;

	return parse_pattern(p, w, &rev->issuer);
}

static int parse_revoked_subject(struct parser *p, const struct word *w, void *object)
{
	struct receipt_revocation *rev = object;

	return parse_pattern(p, w, &rev->subject);
}

static int parse_revoked_svn(struct parser *p, const struct word *w, void *object)
{
	struct receipt_revocation *rev = object;
	int err = parse_number(p, w, 0, w->value_len, (u64)-1, &rev->svn_below);

	if (!err && !rev->svn_below)
		return fail(p, w->value_at, "no svn is below 0");
	return err;
}

static int parse_revoked_key(struct parser *p, const struct word *w, void *object)
{
	struct receipt_revocation *rev = object;

	rev->has_issuer_key = true;
	return parse_spki(p, w, &rev->issuer_key);
}

static const struct property revoke_properties[] = {
	{ "digest", parse_revoked_digest, 0 },
	{ "fsverity", parse_revoked_fsverity, 0 },
	{ "dmverity", parse_revoked_dmverity, 0 },
	{ "issuer", parse_revoked_issuer, 0 },
	{ "subject", parse_revoked_subject, 0 },
	{ "svn_below", parse_revoked_svn, 0 },
	{ "issuer_key", parse_revoked_key, 0 },
	{}
};

static_assert(ARRAY_SIZE(revoke_properties) <= PROPERTIES_MAX, "a place for each");

static int check_revocation(struct parser *p, const struct receipt_revocation *rev)
{
	bool of_statements = rev->issuer || rev->subject || rev->has_issuer_key;

	if (rev->kind && (of_statements || rev->svn_below))
		return fail(p, line_at(rev->line), "a digest stands alone");
	if (!rev->kind && !of_statements)
		return fail(p, line_at(rev->line),
			    "expected a digest, issuer=, subject= or issuer_key=");
	return 0;
}

static int parse_revoke(struct parser *p, struct word *w)
{
	struct receipt_policy *policy = p->policy;
	struct receipt_revocation *rev;
	int err;

	if (policy->nrevocations == RECEIPT_POLICY_REVOCATIONS)
		return fail(p, w->at, "more than %d revoke lines",
			    RECEIPT_POLICY_REVOCATIONS);
	rev = room_for_one(policy->revocations, policy->nrevocations, sizeof(*rev));
	if (!rev)
		return -ENOMEM;
	policy->revocations = rev;
	rev += policy->nrevocations;
	rev->line = w->at.line;

	err = parse_properties(p, w, revoke_properties, rev);
	if (!err)
		err = check_revocation(p, rev);
	if (err)
		return err;
	if (rev->kind)
		policy->revoked_kinds |= BIT(rev->kind);
	policy->nrevocations++;
	return 0;
}

/* The whole */

static const struct statement statements[] = {
	{ "log", true, parse_log },
	{ "DEFAULT", true, parse_default },
	{ "revoke", true, parse_revoke },
	{ "op", false, parse_rule },
};

static int parse_statement(struct parser *p, struct word *w)
{
	size_t i;

	if (!p->has_header)
		return parse_header(p, w);
	for (i = 0; i < ARRAY_SIZE(statements); i++) {
		if (word_is(w, statements[i].name) &&
		    statements[i].keyword == !w->value)
			return statements[i].parse(p, w);
	}
	return fail(p, w->at, "expected a line that begins with log, DEFAULT, revoke or op=");
}

static int parse_statements(struct parser *p)
{
	struct word w;
	int err;

	while (p->pos < p->end) {
		err = next_word(p, &w);
		if (err > 0)
			err = parse_statement(p, &w);
		if (err < 0)
			return err;
		next_line(p);
	}
	return 0;
}

static int finish_defaults(struct parser *p)
{
	struct receipt_policy *policy = p->policy;
	int op;

	if (p->global == RECEIPT_ACTION_UNSET)
		return fail(p, line_at(0), "the line DEFAULT action=ALLOW or DENY is missing");
	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		if (policy->defaults[op] != RECEIPT_ACTION_UNSET)
			continue;
		policy->defaults[op] = p->global;
		policy->default_lines[op] = p->global_line;
	}
	return 0;
}

static bool names_log(const struct receipt_rule *rule, const struct receipt_log *log)
{
	u8 i;

	for (i = 0; i < rule->nreceipts; i++) {
		if (!strcmp(rule->receipts[i], log->name))
			return true;
	}
	return !rule->nreceipts;
}

/*
 * Evidence that denies can be kept back by whoever is to bring it. So it may deny
 * only what is allowed by a digest or by evidence, which nobody can do without.
 */
static int check_deny(struct parser *p, const struct receipt_rule *deny)
{
	const struct receipt_policy *policy = p->policy;
	u32 i;

	for (i = 0; i < policy->nrules; i++) {
		const struct receipt_rule *rule = &policy->rules[i];

		if (rule->op == deny->op && rule->line > deny->line &&
		    rule->action == RECEIPT_ACTION_ALLOW &&
		    !receipt_rule_names_artifact(rule))
			return fail(p, line_at(deny->line),
				    "in vain: line %u allows what has no evidence",
				    rule->line);
	}
	if (policy->defaults[deny->op] == RECEIPT_ACTION_ALLOW)
		return fail(p, line_at(deny->line),
			    "in vain: the default allows what has no evidence");
	return 0;
}

/* No rule may believe a claim that nobody has checked. */
static int check_rule(struct parser *p, const struct receipt_rule *rule)
{
	const struct receipt_policy *policy = p->policy;
	u32 i;

	if (!receipt_rule_needs_evidence(rule))
		return 0;
	if (!policy->nlogs)
		return fail(p, line_at(rule->line),
			    "the rule needs a receipt, and there is no log line");
	if (rule->action != RECEIPT_ACTION_ALLOW)
		return check_deny(p, rule);
	if (rule->has_issuer_key)
		return 0;
	for (i = 0; i < policy->nlogs; i++) {
		const struct receipt_log *log = &policy->logs[i];

		if (names_log(rule, log) && !log->identity_verified)
			return fail(p, line_at(rule->line),
				    "needs issuer_key=, as log %s is not identity=verified",
				    log->name);
	}
	return 0;
}

/* What can only be told when all is read: a log may stand below a rule. */
static int finish(struct parser *p)
{
	int err;
	u32 i;

	if (!p->has_header)
		return fail(p, line_at(0), "the line policy_name= is missing");
	err = finish_defaults(p);
	for (i = 0; !err && i < p->policy->nrules; i++)
		err = check_rule(p, &p->policy->rules[i]);
	return err;
}

static int parse(struct parser *p)
{
	int err = check_characters(p);

	if (!err)
		err = parse_statements(p);
	if (!err)
		err = finish(p);
	return err;
}

/**
 * receipt_policy_parse - read a policy
 * @text: the text, need not end in NUL
 * @len: its bytes
 * @err: filled in with -EINVAL
 *
 * The ids of the keys are left zero, see &struct receipt_key.
 *
 * Context: may sleep.
 * Return: the policy, for receipt_policy_free(); ERR_PTR(-EINVAL) when the text
 * is no policy, ERR_PTR(-ENOMEM).
 */
struct receipt_policy *receipt_policy_parse(const char *text, size_t len,
					    struct receipt_policy_error *err)
{
	struct parser p = {
		.pos = text,
		.end = text + len,
		.bol = text,
		.line = 1,
		.err = err,
	};
	int ret;

	memset(err, 0, sizeof(*err));
	if (len > RECEIPT_MAX_POLICY) {
		fail(&p, line_at(0), "the policy is longer than %d bytes",
		     RECEIPT_MAX_POLICY);
		return ERR_PTR(-EINVAL);
	}

	p.policy = kzalloc(sizeof(*p.policy), GFP_KERNEL);
	if (!p.policy)
		return ERR_PTR(-ENOMEM);
	/* Each value stands behind "=", whose byte is its NUL's. */
	p.policy->strings = kvzalloc(len + 1, GFP_KERNEL);
	p.string = p.policy->strings;
	ret = p.string ? parse(&p) : -ENOMEM;
	if (ret) {
		receipt_policy_free(p.policy);
		return ERR_PTR(ret);
	}
	return p.policy;
}

/**
 * receipt_policy_free - free a policy
 * @policy: from receipt_policy_parse(), also an error or NULL
 */
void receipt_policy_free(struct receipt_policy *policy)
{
	if (IS_ERR_OR_NULL(policy))
		return;
	kvfree(policy->logs);
	kvfree(policy->rules);
	kvfree(policy->revocations);
	kvfree(policy->strings);
	kfree(policy);
}

/**
 * receipt_policy_version_cmp - compare the versions of two policies
 * @a: one
 * @b: the other
 *
 * Return: negative, 0 or positive as @a is lower than, equal to or higher than @b.
 */
int receipt_policy_version_cmp(const struct receipt_policy *a,
			       const struct receipt_policy *b)
{
	return receipt_version_cmp(a->version, b->version);
}

/**
 * receipt_no_helper_name - what counts while no helper serves, as policies say it
 * @no_helper: any value
 *
 * Return: the value of no_helper=, "UNKNOWN" when there is none.
 */
const char *receipt_no_helper_name(enum receipt_no_helper no_helper)
{
	if ((unsigned int)no_helper >= ARRAY_SIZE(no_helper_names))
		return "UNKNOWN";
	return no_helper_names[no_helper];
}

/**
 * receipt_op_name - the name of an operation
 * @op: any value
 *
 * Return: its name, "UNKNOWN" when it has none.
 */
const char *receipt_op_name(enum receipt_op op)
{
	if ((unsigned int)op >= RECEIPT_OP_COUNT)
		return "UNKNOWN";
	return op_names[op];
}

/**
 * receipt_op_parse - the operation of a name
 * @name: as in a policy
 * @len: its bytes
 *
 * Return: enum receipt_op, or -EINVAL when there is no such operation.
 */
int receipt_op_parse(const char *name, size_t len)
{
	int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		if (text_is(name, len, op_names[op]))
			return op;
	}
	return -EINVAL;
}
