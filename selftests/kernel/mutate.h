/* SPDX-License-Identifier: MIT */
/*
 * Messages taken apart into attributes, changed, and put together again. Numbers
 * come from a seed, so that a run can be had again.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include "border.h"

#define ITEMS_MAX	512
#define DEPTH_MAX	8
#define ARENA_SIZE	(2 * MESSAGE_MAX)
#define HEADERS_LEN	(NLMSG_HDRLEN + GENL_HDRLEN)

static uint64_t random_state;

/* xorshift64* */
static MAYBE_UNUSED uint64_t random_u64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dULL;
}

static MAYBE_UNUSED uint32_t below(uint32_t n)
{
	return (random_u64() >> 32) % n;
}

static MAYBE_UNUSED bool one_in(uint32_t n)
{
	return !below(n);
}

#define any_of(array) ((array)[below(ARRAY_SIZE(array))])

/* Where widths and bounds end, or one beside it. */
static MAYBE_UNUSED uint64_t extreme(void)
{
	static const uint64_t ends[] = {
		0, 1, 2, 3, 23, 24, 64, 255, 256, 1024, 65535, 65536, 1ULL << 31,
		UINT32_MAX, 1ULL << 32, INT64_MAX, 1ULL << 63, UINT64_MAX,
	};

	return any_of(ends) + below(3) - 1;
}

/*
 * A message as a list; what stands deeper below an item is in it
 */

struct item {
	uint8_t depth;
	uint16_t type;		/* with its flags */
	int16_t lie;		/* added to the length that is told */
	uint32_t len;
	uint8_t *data;
};

struct tree {
	uint32_t n;
	struct item items[ITEMS_MAX];
	size_t used;
	uint8_t arena[ARENA_SIZE];
};

static MAYBE_UNUSED uint8_t *room(struct tree *t, size_t len)
{
	uint8_t *p = t->arena + t->used;

	if (len > ARENA_SIZE - t->used)
		return NULL;
	t->used += len;
	return p;
}

static MAYBE_UNUSED void take_apart(struct tree *t, const uint8_t *data, size_t len, uint8_t depth)
{
	size_t pos = 0;

	while (pos + NLA_HDRLEN <= len && t->n < ITEMS_MAX) {
		const struct nlattr *nla = (const void *)(data + pos);
		struct item *it = &t->items[t->n];
		size_t inside = nla->nla_len - NLA_HDRLEN;
		bool is_nest = (nla->nla_type & NLA_F_NESTED) && depth < DEPTH_MAX;

		if (nla->nla_len < NLA_HDRLEN || nla->nla_len > len - pos)
			return;
		*it = (struct item){ .depth = depth, .type = nla->nla_type };
		it->data = room(t, inside);
		if (!it->data)
			return;
		t->n++;
		if (is_nest) {
			take_apart(t, data + pos + NLA_HDRLEN, inside, depth + 1);
		} else {
			it->len = inside;
			memcpy(it->data, nla + 1, inside);
		}
		pos += NLA_ALIGN(nla->nla_len);
	}
}

/* The item behind all that is in this one. */
static MAYBE_UNUSED uint32_t behind(const struct tree *t, uint32_t i)
{
	uint32_t j = i + 1;

	while (j < t->n && t->items[j].depth > t->items[i].depth)
		j++;
	return j;
}

static MAYBE_UNUSED void put_item(const struct tree *t, uint32_t i, struct message *m)
{
	const struct item *it = &t->items[i];
	size_t start = m->len, len = NLA_HDRLEN + it->len;
	uint32_t end = behind(t, i);

	put(m, it->type, it->data, it->len);
	for (uint32_t j = i + 1; j < end; j = behind(t, j))
		put_item(t, j, m);
	if (end > i + 1)
		len = m->len - start;
	((struct nlattr *)(m->data + start))->nla_len = len + it->lie;
}

/* False when it is too long for a message; then @m has its headers alone. */
static MAYBE_UNUSED bool put_together(const struct tree *t, struct message *m)
{
	size_t sum = HEADERS_LEN;

	m->len = HEADERS_LEN;
	for (uint32_t i = 0; i < t->n; i++)
		sum += NLA_ALIGN(NLA_HDRLEN + t->items[i].len);
	if (sum > MESSAGE_MAX)
		return false;
	for (uint32_t i = 0; i < t->n; i = behind(t, i))
		put_item(t, i, m);
	return true;
}

/*
 * Changes of the list
 */

static MAYBE_UNUSED struct item *any_item(struct tree *t)
{
	return &t->items[below(t->n)];
}

static MAYBE_UNUSED void drop(struct tree *t)
{
	uint32_t i = below(t->n), end = behind(t, i);

	memmove(&t->items[i], &t->items[end], (t->n - end) * sizeof(t->items[0]));
	t->n -= end - i;
}

/* Copies an item with all that is in it to another place, at that place's depth. */
static MAYBE_UNUSED void duplicate(struct tree *t)
{
	uint32_t from = below(t->n), n = behind(t, from) - from, to = below(t->n);
	int deeper = t->items[to].depth - t->items[from].depth;
	static struct item copies[ITEMS_MAX];

	memcpy(copies, &t->items[from], n * sizeof(copies[0]));
	for (uint32_t i = 0; i < n; i++)
		copies[i].depth += deeper;
	for (int times = one_in(2) ? 1 : 1 + below(10); times-- && t->n + n <= ITEMS_MAX;) {
		memmove(&t->items[to + n], &t->items[to], (t->n - to) * sizeof(copies[0]));
		memcpy(&t->items[to], copies, n * sizeof(copies[0]));
		t->n += n;
	}
}

static MAYBE_UNUSED void swap(struct tree *t)
{
	struct item *a = any_item(t), *b = any_item(t), was = *a;

	*a = *b;
	*b = was;
	if (one_in(2)) {
		b->depth = a->depth;
		a->depth = was.depth;
	}
}

static MAYBE_UNUSED void deepen(struct tree *t)
{
	uint32_t i = below(t->n), end = behind(t, i);
	int more = one_in(2) ? 1 : -1;

	for (; i < end; i++)
		if (t->items[i].depth + more >= 0 && t->items[i].depth < 100)
			t->items[i].depth += more;
}

static MAYBE_UNUSED void retype(struct tree *t)
{
	static const uint16_t flags[] = { NLA_F_NESTED, NLA_F_NET_BYTEORDER };
	struct item *it = any_item(t);

	if (one_in(3))
		it->type ^= any_of(flags);
	else
		it->type = (it->type & ~NLA_TYPE_MASK) | below(RECEIPT_A_MAX + 3);
}

static MAYBE_UNUSED void lie(struct tree *t)
{
	any_item(t)->lie = one_in(2) ? (int)below(17) - 8 : (int)below(UINT16_MAX);
}

/* To another length, near a bound or near its own. */
static MAYBE_UNUSED void resize(struct tree *t)
{
	static const uint32_t bounds[] = {
		0, 1, 2, 4, 8, sizeof(struct receipt_token), RECEIPT_HASH_SIZE,
		RECEIPT_MAX_DIGEST, RECEIPT_MAX_PATH, RECEIPT_MAX_PAYLOAD, RECEIPT_MAX_SIGNATURE,
		RECEIPT_MAX_PATH * RECEIPT_HASH_SIZE, RECEIPT_MAX_BLOB,
		RECEIPT_MAX_TOKENS * sizeof(struct receipt_token), RECEIPT_MAX_POLICY,
	};
	struct item *it = any_item(t);
	int64_t len = (one_in(2) ? any_of(bounds) : it->len) + (int)below(3) - 1;
	uint8_t *data;

	if (one_in(4))
		len = it->len + RECEIPT_HASH_SIZE;
	data = len < 0 || len > UINT16_MAX - NLA_HDRLEN ? NULL : room(t, len);
	if (!data)
		return;
	memset(data, one_in(2) ? 0 : below(256), len);
	memcpy(data, it->data, len < it->len ? len : it->len);
	it->data = data;
	it->len = len;
}

static MAYBE_UNUSED void flip(struct tree *t)
{
	struct item *it = any_item(t);

	for (int n = 1 + below(4); it->len && n--;)
		it->data[below(it->len)] ^= 1 << below(8);
}

static MAYBE_UNUSED void scribble(struct tree *t)
{
	struct item *it = any_item(t);
	uint32_t from = it->len ? below(it->len) : 0;

	for (uint32_t i = from; i < it->len && i < from + 64; i++)
		it->data[i] = random_u64();
}

/* Numbers are one, four or eight bytes; what is longer gets one in its midst. */
static MAYBE_UNUSED void number(struct tree *t)
{
	struct item *it = any_item(t);
	uint64_t v = extreme();
	uint32_t len = it->len < sizeof(v) ? it->len : sizeof(v);

	memcpy(it->data + below(it->len - len + 1), &v, len);
}

/* An item that looks like tokens. */
static MAYBE_UNUSED struct item *any_tokens(struct tree *t)
{
	for (int tries = 16; t->n && tries--;) {
		struct item *it = any_item(t);

		if (it->len > RECEIPT_HASH_SIZE && it->len % sizeof(struct receipt_token) == 0)
			return it;
	}
	return NULL;
}

static MAYBE_UNUSED void change_token(struct tree *t)
{
	struct item *it = any_tokens(t);
	struct receipt_token token;
	uint8_t *at;

	if (!it)
		return;
	at = it->data + sizeof(token) * below(it->len / sizeof(token));
	memcpy(&token, at, sizeof(token));
	switch (below(4)) {
	case 0:
		token.major = below(9);
		break;
	case 1:
		token.arg = extreme();
		break;
	case 2:
		token.arg += one_in(2) ? 1 : -1;
		break;
	default:
		token.pad[below(sizeof(token.pad))] ^= 1 << below(8);
	}
	memcpy(at, &token, sizeof(token));
}

/* Takes a token out, or says it again, many times now and then. */
static MAYBE_UNUSED void repeat_token(struct tree *t)
{
	const uint32_t size = sizeof(struct receipt_token);
	struct item *it = any_tokens(t);
	uint32_t at, times = one_in(8) ? RECEIPT_MAX_TOKENS - 1 + below(3) : below(3);
	uint8_t *data;

	if (!it || times == 1)
		return;
	at = size * below(it->len / size);
	data = room(t, it->len + (times - 1) * size);
	if (!data || it->len + times * size > UINT16_MAX - NLA_HDRLEN)
		return;
	memcpy(data, it->data, at);
	for (uint32_t i = 0; i < times; i++)
		memcpy(data + at + i * size, it->data + at, size);
	memcpy(data + at + times * size, it->data + at + size, it->len - at - size);
	it->data = data;
	it->len += (times - 1) * size;
}

/*
 * Changes of policy text
 */

static MAYBE_UNUSED const char *any_word(void)
{
	static const char *const words[] = {
		"DEFAULT", "log", "op=", "action=ALLOW", "action=DENY", "op=EXECUTE", "op=POLICY",
		"op=KMODULE", "op=FIRMWARE", "op=ANON_EXEC", "receipt=one", "receipt=two",
		"issuer=\"*\"", "subject=\"a*\"", "min_svn=18446744073709551615", "min_svn=01",
		"digest=sha256:00", "digest=sha512:", "boot_verified=TRUE", "boot_verified=FALSE",
		"policy_name=fuzz", "policy_version=4294967296.0.0", "mode=permissive", "entry=stmt",
		"name=three", "identity=verified", "issuer_key=AAAA", "\\\n", "\n", "#", "\"", "\r", "\xc0\x80",
		"\xff", "=", "key=", "alg=ES256",
	};

	return any_of(words);
}

/* A word's begin, from a place anywhere. */
static MAYBE_UNUSED uint32_t word_at(const struct item *it, uint32_t at)
{
	while (at && it->data[at - 1] != ' ' && it->data[at - 1] != '\n')
		at--;
	return at;
}

/* Takes words out, and puts words of the text or others in. */
static MAYBE_UNUSED void change_words(struct tree *t)
{
	struct item *it = any_item(t);
	uint32_t at, cut, from, len, size;
	const uint8_t *in;
	uint8_t *data;

	if ((it->type & NLA_TYPE_MASK) != RECEIPT_A_POLICY || !it->len)
		return;
	at = word_at(it, below(it->len));
	cut = one_in(2) ? below(40) : 0;
	cut = cut < it->len - at ? cut : it->len - at;
	in = (const uint8_t *)any_word();
	len = strlen((const char *)in);
	if (one_in(2)) {
		from = word_at(it, below(it->len));
		in = it->data + from;
		len = below(it->len - from);
		len = one_in(4) ? len : len % 80;
	}
	size = it->len - cut + len;
	data = size <= RECEIPT_MAX_POLICY + 1 ? room(t, size) : NULL;
	if (!data)
		return;
	memcpy(data, it->data, at);
	memcpy(data + at, in, len);
	memcpy(data + at + len, it->data + at + cut, it->len - at - cut);
	it->data = data;
	it->len = size;
}

/*
 * Changes of a message
 */

static MAYBE_UNUSED void mutate_items(struct tree *t)
{
	static void (*const changes[])(struct tree *) = {
		drop, duplicate, swap, deepen, retype, lie, resize, flip, scribble, number,
		change_token, change_token, change_token, repeat_token, change_words, change_words,
	};

	for (int n = one_in(3) ? 1 + below(6) : 1; t->n && n--;)
		any_of(changes)(t);
}

static MAYBE_UNUSED void put_noise(struct message *m, size_t len)
{
	while (len--)
		m->data[m->len++] = random_u64();
}

static MAYBE_UNUSED void mutate_bytes(struct message *m)
{
	size_t tail;

	switch (below(4)) {
	case 0:
		m->len = one_in(4) ? NLMSG_HDRLEN + below(8) :
				     HEADERS_LEN + below(m->len - HEADERS_LEN + 1);
		break;
	case 1:
		tail = below(40);
		put_noise(m, tail < MESSAGE_MAX - m->len ? tail : 0);
		break;
	case 2:
		m->data[NLMSG_HDRLEN + below(GENL_HDRLEN)] ^= 1 << below(8);
		break;
	default:
		for (int n = 1 + below(4); n--;)
			m->data[NLMSG_HDRLEN + below(m->len - NLMSG_HDRLEN)] ^= 1 << below(8);
	}
}

static MAYBE_UNUSED void mutate_once(struct message *m)
{
	static struct tree t;

	t.n = 0;
	t.used = 0;
	take_apart(&t, m->data + HEADERS_LEN, m->len - HEADERS_LEN, 0);
	if (!one_in(8)) {
		mutate_items(&t);
		put_together(&t, m);
	}
	if (one_in(6))
		mutate_bytes(m);
}

/* Some changes find nothing to change. */
#define MUTATE_TRIES	8

/* Changes a message that has the headers; its netlink header stays right. */
static MAYBE_UNUSED void mutate(struct message *m)
{
	static struct message was;

	was.len = m->len;
	memcpy(was.data, m->data, m->len);
	for (int i = 0; i < MUTATE_TRIES; i++) {
		mutate_once(m);
		if (m->len != was.len || memcmp(m->data, was.data, was.len))
			return;
	}
}

#endif /* MUTATE_H */
