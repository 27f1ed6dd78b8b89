// SPDX-License-Identifier: MIT
/*
 * Text of others: which characters no output shows as they are.
 */
#include "receipt.h"

/*
 * C0 and C1 controls, and what reorders, hides or breaks text: zero-width characters,
 * line and paragraph separators, bidirectional controls, fillers, byte order marks,
 * selectors and tags.
 */
static const struct {
	uint32_t first, last;
} harmful[] = {
	{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f },
	{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

/**
 * rcpt_text_harmful() - must a character be escaped, on a terminal and in JSON?
 * @c: character
 *
 * Return: whether it must.
 */
bool rcpt_text_harmful(uint32_t c)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmful); i++)
		if (c >= harmful[i].first && c <= harmful[i].last)
			return true;
	return false;
}

/**
 * rcpt_text_next() - take a character
 * @text: valid UTF-8, not at its end
 * @c: result
 *
 * Return: bytes of it.
 */
size_t rcpt_text_next(const void *text, uint32_t *c)
{
	const uint8_t *p = text;
	size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	*c = n == 1 ? *p : *p & (0x7f >> n);
	for (size_t i = 1; i < n; i++)
		*c = *c << 6 | (p[i] & 0x3f);
	return n;
}
