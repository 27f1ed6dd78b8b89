// SPDX-License-Identifier: MIT
/*
 * The statements of a policy's text, by what they mean. The text was accepted by
 * the parser that the kernel has, so there is nothing left to be refused.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policylines.h"

#define WORDS_MAX	64	/* more than any statement may have */

/**
 * struct word - a property or keyword
 * @text: as written, in memory of the whole
 * @len: bytes
 */
struct word {
	const char *text;
	size_t len;
};

/**
 * struct reader - where in the text
 * @pos: next byte
 * @end: of the text
 * @line: of @pos
 */
struct reader {
	const char *pos;
	const char *end;
	uint32_t line;
};

static bool at_continuation(const struct reader *r)
{
	return *r->pos == '\\' && r->end - r->pos > 1 && r->pos[1] == '\n';
}

static void skip_blanks(struct reader *r)
{
	for (; r->pos < r->end; r->pos++)
		if (at_continuation(r)) {
			r->pos++;
			r->line++;
		} else if (*r->pos != ' ' && *r->pos != '\t') {
			break;
		}
	if (r->pos < r->end && *r->pos == '#')
		while (r->pos < r->end && *r->pos != '\n')
			r->pos++;
}

static bool next_word(struct reader *r, struct word *w)
{
	bool quoted = false;

	skip_blanks(r);
	w->text = r->pos;
	for (; r->pos < r->end && *r->pos != '\n'; r->pos++) {
		if (*r->pos == '"')
			quoted = !quoted;
		else if (!quoted && (*r->pos == ' ' || *r->pos == '\t' || at_continuation(r)))
			break;
	}
	w->len = r->pos - w->text;
	return w->len;
}

static bool word_begins(const struct word *w, const char *with)
{
	return w->len >= strlen(with) && !memcmp(w->text, with, strlen(with));
}

static bool is_hex_property(const struct word *w)
{
	return word_begins(w, "digest=") || word_begins(w, "fsverity=") ||
	       word_begins(w, "dmverity=");
}

static int compare_words(const void *a, const void *b)
{
	const struct word *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->text, y->text, len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* Writes words with @between behind each; @plain: without quotes, digits in lower case. */
static char *join(const struct word *words, size_t n, char between, bool plain)
{
	size_t room = 1;
	char *text, *out;

	for (size_t i = 0; i < n; i++)
		room += words[i].len + 1;
	text = malloc(room);
	if (!text)
		return NULL;
	out = text;
	for (size_t i = 0; i < n; i++) {
		bool lower = plain && is_hex_property(&words[i]);

		for (size_t c = 0; c < words[i].len; c++)
			if (!plain || words[i].text[c] != '"')
				*out++ = lower ? tolower((unsigned char)words[i].text[c]) :
						 words[i].text[c];
		*out++ = between;
	}
	out[n ? -1 : 0] = '\0';
	return text;
}

static enum policy_line_is kind_of(const struct policy_lines *lines, const struct word *first)
{
	if (!lines->n)
		return POLICY_LINE_HEADER;
	if (first->len == 3 && word_begins(first, "log"))
		return POLICY_LINE_LOG;
	if (first->len == 7 && word_begins(first, "DEFAULT"))
		return POLICY_LINE_DEFAULT;
	return POLICY_LINE_RULE;
}

static char *group_of(const struct word *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (word_begins(&words[i], "op="))
			return join(&words[i], 1, ' ', true);
	return strdup("");
}

static int add_line(struct policy_lines *lines, uint32_t line, struct word *words, size_t n)
{
	struct policy_line *at = realloc(lines->at, (lines->n + 1) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	lines->at = at;
	at += lines->n;
	at->is = kind_of(lines, &words[0]);
	at->line = line;
	at->text = join(words, n, ' ', false);
	at->group = group_of(words, n);
	qsort(words, n, sizeof(*words), compare_words);
	at->meaning = join(words, n, '\n', true);
	lines->n++;
	return at->text && at->group && at->meaning ? 0 : -ENOMEM;
}

static int read_statement(struct reader *r, struct policy_lines *lines)
{
	struct word words[WORDS_MAX];
	uint32_t line = 0;
	size_t n = 0;

	while (n < WORDS_MAX && next_word(r, &words[n]))
		if (!n++)
			line = r->line;
	if (n == WORDS_MAX)
		return -E2BIG;
	if (r->pos < r->end)
		r->pos++;
	r->line++;
	return n ? add_line(lines, line, words, n) : 0;
}

/**
 * policy_lines_read() - take a policy's text apart
 * @text: accepted by receipt_policy_parse()
 * @len: its bytes
 * @lines: result, for policy_lines_free() also after a failure
 *
 * Return: 0, -ENOMEM, or -E2BIG for more words than a statement may have.
 */
int policy_lines_read(const char *text, size_t len, struct policy_lines *lines)
{
	struct reader r = { .pos = text, .end = text + len, .line = 1 };
	int ret = 0;

	memset(lines, 0, sizeof(*lines));
	while (!ret && r.pos < r.end)
		ret = read_statement(&r, lines);
	return ret;
}

/**
 * policy_lines_find() - the statement that begins in a line
 * @lines: all
 * @line: from 1
 *
 * Return: it, or NULL.
 */
const struct policy_line *policy_lines_find(const struct policy_lines *lines, uint32_t line)
{
	for (size_t i = 0; i < lines->n; i++)
		if (lines->at[i].line == line)
			return &lines->at[i];
	return NULL;
}

/**
 * policy_lines_free() - free what policy_lines_read() made
 * @lines: left empty
 */
void policy_lines_free(struct policy_lines *lines)
{
	for (size_t i = 0; i < lines->n; i++) {
		free(lines->at[i].text);
		free(lines->at[i].meaning);
		free(lines->at[i].group);
	}
	free(lines->at);
	memset(lines, 0, sizeof(*lines));
}
