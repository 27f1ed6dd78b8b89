// SPDX-License-Identifier: MIT
/*
 * Reading protected headers: every well-formed item of a few tokens, read a second
 * time as a tree, by the label's number or text.
 */
#include "model.h"

#define TOKENS_MAX	RECEIPT_MAX_TOKENS
#define BLOB_MAX	RECEIPT_MAX_BLOB
#define MANIFEST	"application/vnd.receipt.manifest-root"

static struct room token_room, blob_room;

/* A header as it is put together; @head_blob: where the bytes of each token are. */
static struct {
	struct receipt_token tokens[TOKENS_MAX];
	u32 n;
	u8 blob[BLOB_MAX];
	u32 blob_len;
	u32 head_blob[TOKENS_MAX];
	u32 end[TOKENS_MAX];
} header;

static void put(u8 major, u64 arg, const void *bytes)
{
	u32 n = header.n++;

	header.tokens[n] = (struct receipt_token){ .major = major, .arg = arg };
	header.head_blob[n] = header.blob_len;
	if (major == 2 || major == 3) {
		memcpy(header.blob + header.blob_len, bytes, arg);
		header.blob_len += arg;
	}
}

static void put_text(const char *text)
{
	put(3, strlen(text), text);
}

static void take_back(u32 n)
{
	header.n = n;
	header.blob_len = header.head_blob[n];
}

static u64 children(const struct receipt_token *t)
{
	return t->major == 4 ? t->arg : t->major == 5 ? 2 * t->arg : t->major == 6;
}

/* Notes where each item ends; returns where the one at @i does. */
static u32 find_ends(u32 i)
{
	u32 at = i + 1;

	for (u64 c = children(&header.tokens[i]); c; c--)
		at = find_ends(at);
	header.end[i] = at;
	return at;
}

/*
 * The second reader. Its result has the reason in it, and texts are offsets.
 */

struct reading {
	enum receipt_reason reason;
	s64 alg, vds, hash_alg, iat;
	bool content_type, manifest, has_svn, has_size;
	u64 svn, size;
	u32 kid, iss, sub, crit;	/* token; 0 when missing */
};

#define is(i, what) (header.tokens[i].major == (what))

static bool is_text(u32 i, const char *text)
{
	return is(i, 3) && header.tokens[i].arg == strlen(text) &&
	       !memcmp(header.blob + header.head_blob[i], text, strlen(text));
}

static bool is_uint(u32 i, u64 value)
{
	return is(i, 0) && header.tokens[i].arg == value;
}

static bool is_label(u32 i)
{
	return is(i, 3) || ((is(i, 0) || is(i, 1)) && header.tokens[i].arg < 1ULL << 63);
}

static bool equal(u32 a, u32 b)
{
	const struct receipt_token *x = &header.tokens[a], *y = &header.tokens[b];

	return x->major == y->major && x->arg == y->arg &&
	       (x->major != 3 || !memcmp(header.blob + header.head_blob[a],
					 header.blob + header.head_blob[b], x->arg));
}

static enum receipt_reason number(u32 i, s64 *value)
{
	if (!is_label(i) || is(i, 3))
		return RECEIPT_REASON_TOKENS;
	*value = is(i, 0) ? (s64)header.tokens[i].arg : (s64)~header.tokens[i].arg;
	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason claim_text(u32 i, u32 *at)
{
	if (!is(i, 3))
		return RECEIPT_REASON_TOKENS;
	if (header.tokens[i].arg > 1024)
		return RECEIPT_REASON_BOUND;
	for (u64 b = 0; b < header.tokens[i].arg; b++)
		if (!header.blob[header.head_blob[i] + b])
			return RECEIPT_REASON_TOKENS;
	*at = i;
	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason claim(struct reading *r, u32 label, u32 value)
{
	s64 svn;

	if (is_uint(label, 1))
		return claim_text(value, &r->iss);
	if (is_uint(label, 2))
		return claim_text(value, &r->sub);
	if (is_uint(label, 6))
		return number(is(value, 6) && header.tokens[value].arg == 1 ? value + 1 : value,
			      &r->iat);
	if (is_text(label, "svn")) {
		if (number(value, &svn) || svn < 0)
			return RECEIPT_REASON_TOKENS;
		r->has_svn = true;
		r->svn = svn;
	}
	if (is_text(label, "size")) {
		r->has_size = true;
		r->size = is(value, 0) ? header.tokens[value].arg : 0;
	}
	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason critical(u32 array)
{
	static const u64 known[] = { 1, 3, 4, 15, 33, 34, 258, 259, 260, 395 };
	u32 at = array + 1;

	if (!is(array, 4) || !header.tokens[array].arg)
		return RECEIPT_REASON_TOKENS;
	if (header.tokens[array].arg > 16)
		return RECEIPT_REASON_BOUND;
	for (u64 i = 0; i < header.tokens[array].arg; i++, at = header.end[at]) {
		bool good = false;

		if (!is_label(at))
			return RECEIPT_REASON_TOKENS;
		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			good |= is_uint(at, known[k]);
		if (!good)
			return RECEIPT_REASON_CRITICAL;
	}
	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_map(struct reading *r, u32 map, bool claims);

static enum receipt_reason parameter(struct reading *r, u32 label, u32 value)
{
	if (is_uint(label, 1))
		return number(value, &r->alg);
	if (is_uint(label, 2)) {
		r->crit = value;
		return critical(value);
	}
	if (is_uint(label, 4)) {
		r->kid = value;
		return is(value, 2) ? RECEIPT_REASON_ALLOWED : RECEIPT_REASON_TOKENS;
	}
	if (is_uint(label, 15))
		return read_map(r, value, true);
	if (is_uint(label, 258))
		return number(value, &r->hash_alg);
	if (is_uint(label, 395))
		return number(value, &r->vds);
	if (is_uint(label, 3)) {
		r->content_type = true;
		r->manifest = is_text(value, MANIFEST);
	}
	return RECEIPT_REASON_ALLOWED;
}

static enum receipt_reason read_map(struct reading *r, u32 map, bool claims)
{
	enum receipt_reason reason = RECEIPT_REASON_ALLOWED;
	u32 labels[64], n = 0;

	if (!is(map, 5))
		return RECEIPT_REASON_TOKENS;
	if (header.tokens[map].arg > 64)
		return RECEIPT_REASON_BOUND;
	for (u32 at = map + 1; !reason && n < header.tokens[map].arg; n++) {
		u32 value = header.end[at];

		if (!is_label(at))
			return RECEIPT_REASON_TOKENS;
		for (u32 i = 0; i < n; i++)
			if (equal(labels[i], at))
				return RECEIPT_REASON_DUPLICATE_LABEL;
		labels[n] = at;
		reason = claims ? claim(r, at, value) : parameter(r, at, value);
		at = header.end[value];
	}
	return reason;
}

static bool has_label(u32 label)
{
	u32 at = 1;

	for (u64 i = 0; i < header.tokens[0].arg; i++, at = header.end[header.end[at]])
		if (equal(at, label))
			return true;
	return false;
}

static bool critical_are_there(u32 array)
{
	u32 at = array + 1;

	for (u64 i = 0; i < header.tokens[array].arg; i++, at = header.end[at])
		if (!has_label(at))
			return false;
	return true;
}

static struct reading read_again(void)
{
	struct reading r = { 0 };

	find_ends(0);
	r.reason = read_map(&r, 0, false);
	if (!r.reason && r.crit && !critical_are_there(r.crit))
		r.reason = RECEIPT_REASON_TOKENS;
	if (!r.reason && (!r.iss || !header.tokens[r.iss].arg))
		r.reason = RECEIPT_REASON_NO_CLAIMS;
	return r;
}

/*
 * Both readers
 */

static bool same_text(const struct receipt_text *text, u32 token, const u8 *blob)
{
	if (!token)
		return !text->data && !text->len;
	return text->data == blob + header.head_blob[token] &&
	       text->len == header.tokens[token].arg;
}

static bool same(const struct receipt_claims *c, const struct reading *r, const u8 *blob)
{
	return c->alg == r->alg && c->vds == r->vds && c->hash_alg == r->hash_alg &&
	       c->iat == r->iat && c->content_type == r->content_type &&
	       c->manifest == r->manifest && c->has_svn == r->has_svn && c->svn == r->svn &&
	       c->has_size == r->has_size && c->size == r->size &&
	       same_text(&c->kid, r->kid, blob) && same_text(&c->iss, r->iss, blob) &&
	       same_text(&c->sub, r->sub, blob);
}

static u64 reasons_seen;	/* bits; what no case came to was not tested */

static bool is_right(void)
{
	struct receipt_header hdr = {
		.tokens = at_end(&token_room, header.n * sizeof(*hdr.tokens)),
		.ntokens = header.n,
		.blob = at_end(&blob_room, header.blob_len),
		.blob_len = header.blob_len,
	};
	struct reading r = read_again();
	struct receipt_claims claims;
	enum receipt_reason reason;
	size_t size;

	count_case();
	memcpy((void *)hdr.tokens, header.tokens, header.n * sizeof(*hdr.tokens));
	memcpy((void *)hdr.blob, header.blob, header.blob_len);
	allow_steps(100 + 80 * (u64)header.n);
	if (receipt_cbor_check(&hdr, &size))
		return fail("refused as malformed");
	memset(&claims, 0xa5, sizeof(claims));
	/* Each label of a map is compared to those before it, over what is between. */
	allow_steps(500 + 80 * (u64)header.n * (header.n < RECEIPT_MAX_MAP ? header.n :
						RECEIPT_MAX_MAP));
	reason = receipt_claims_read(&hdr, &claims);
	reasons_seen |= 1ULL << reason;
	if (reason == r.reason && (reason || same(&claims, &r, hdr.blob)))
		return true;
	show_tokens(header.tokens, header.n);
	return fail("reason %d, not %d, or another value", reason, r.reason);
}

static const struct symbol alphabet[] = {
	{ 0, 1 }, { 0, 2 }, { 0, 3 }, { 0, 4 }, { 0, 6 }, { 0, 15 }, { 0, 258 }, { 0, 395 },
	{ 0, S64_MAX }, { 0, 1ULL << 63 }, { 1, 0 }, { 1, S64_MAX }, { 1, 1ULL << 63 },
	{ 2, 0, "" }, { 2, 1, "k" }, { 3, 3, "svn" }, { 3, 4, "size" },
	{ 3, 1, "x" }, { 3, 0, "" },
	{ 3, 2, "a\0" }, { 3, sizeof(MANIFEST) - 1, MANIFEST },
	{ 4, 0 }, { 4, 1 }, { 4, 2 }, { 5, 0 }, { 5, 1 }, { 5, 2 }, { 6, 1 }, { 6, 2 }, { 7, 22 },
};

/* Every way to end a header that lacks @lacks items, with up to @most tokens more. */
static bool every_end(u64 lacks, u32 most)
{
	u32 n = header.n;
	bool good = true;

	if (!lacks)
		return is_right();
	if (lacks > most)
		return true;
	for (size_t i = 0; good && i < ARRAY_SIZE(alphabet); i++) {
		put(alphabet[i].major, alphabet[i].arg, alphabet[i].bytes);
		good = every_end(lacks - 1 + children(&header.tokens[n]), most - 1);
		take_back(n);
	}
	return good;
}

static void begin(u64 pairs)
{
	header.n = header.blob_len = 0;
	put(5, pairs, NULL);
}

/* CWT claims with an issuer and @more pairs that follow. */
static void put_claims(u64 more)
{
	put(0, 15, NULL);
	put(5, 1 + more, NULL);
	put(0, 1, NULL);
	put_text("x");
}

static bool every_item(void)
{
	header.n = header.blob_len = 0;
	return every_end(1, 6);
}

static bool every_parameter(void)
{
	begin(2);
	put_claims(0);
	return every_end(2, 5);
}

static bool two_parameters(void)
{
	begin(3);
	put_claims(0);
	return every_end(4, 4);
}

static bool every_claim(void)
{
	begin(1);
	put_claims(1);
	return every_end(2, 5);
}

static bool two_claims(void)
{
	begin(1);
	put_claims(2);
	return every_end(4, 4);
}

static bool every_critical(void)
{
	begin(2);
	put_claims(0);
	put(0, 2, NULL);
	return every_end(1, 5);
}

/* A parameter behind each claim that is there: both maps end where they should. */
static bool every_claim_and_parameter(void)
{
	begin(2);
	put_claims(1);
	return every_end(4, 4);
}

/*
 * Sizes
 */

static void put_label(u32 kind, u32 i)
{
	char text[16];

	if (kind == 2) {
		snprintf(text, sizeof(text), "label %03u", i);
		put_text(text);
	} else {
		put(kind, 1000 + i, NULL);
	}
}

/* Maps of every size, with each pair of labels being the same one. */
static bool every_duplicate(void)
{
	for (u32 kind = 0; kind <= 2; kind++)
		for (u32 n = 0; n <= 66; n += n > 6 && n < 60 ? 11 : 1)
			for (u32 second = 0; second <= n; second++)
				for (u32 first = 0; first < second || !second; first++) {
					begin(n + 1);
					put_claims(0);
					for (u32 i = 0; i < n; i++) {
						put_label(kind, second && i == second - 1 &&
							  first < second - 1 ? first : i);
						put(2, 1, "v");
					}
					if (!is_right())
						return false;
					if (!second)
						break;
				}
	return true;
}

static bool every_text(void)
{
	static char text[RECEIPT_MAX_CLAIM + 3];

	memset(text, 'a', sizeof(text));
	for (u32 label = 1; label <= 2; label++)
		for (u32 len = 0; len <= RECEIPT_MAX_CLAIM + 2; len++)
			for (u32 nul = 0; nul <= len && nul <= 3; nul++) {
				u32 at = nul == 3 ? len - 1 : nul == 2 ? len / 2 : 0;

				begin(1);
				put_claims(1);
				take_back(header.n - 2);
				put(0, label, NULL);
				text[at] = nul ? 0 : 'a';
				put(3, len, text);
				text[at] = 'a';
				put(0, 3 - label, NULL);
				put_text("y");
				if (!is_right())
					return false;
			}
	return true;
}

/* As much as there may be: 64 labels, and tokens to skip between them. */
static bool the_largest(void)
{
	for (u32 kind = 0; kind <= 2; kind++)
		for (u32 labels = 1; labels < RECEIPT_MAX_MAP; labels++) {
			u32 left = RECEIPT_MAX_TOKENS - 5 - labels;

			begin(1 + labels);
			put_claims(0);
			for (u32 i = 0; i < labels; i++) {
				u32 items = left / labels - 1;

				put_label(kind, i);
				put(4, items, NULL);
				while (items--)
					put(0, 7, NULL);
			}
			if (!is_right())
				return false;
		}
	return true;
}

static bool every_reason(void)
{
	static const enum receipt_reason all[] = {
		RECEIPT_REASON_ALLOWED, RECEIPT_REASON_TOKENS, RECEIPT_REASON_BOUND,
		RECEIPT_REASON_DUPLICATE_LABEL, RECEIPT_REASON_CRITICAL, RECEIPT_REASON_NO_CLAIMS,
	};
	u64 expected = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		expected |= 1ULL << all[i];
		count_case();
	}
	return reasons_seen == expected ? true : fail("reasons %llx, not %llx", reasons_seen,
						      expected);
}

int main(void)
{
	token_room = room_of(TOKENS_MAX * sizeof(struct receipt_token));
	blob_room = room_of(BLOB_MAX);

	run_test("items of up to 6 tokens", every_item);
	run_test("a parameter of up to 5 tokens", every_parameter);
	run_test("two parameters", two_parameters);
	run_test("a claim of up to 5 tokens", every_claim);
	run_test("two claims", two_claims);
	run_test("a claim, and a parameter after it", every_claim_and_parameter);
	run_test("critical labels", every_critical);
	run_test("duplicate labels", every_duplicate);
	run_test("texts of any length", every_text);
	run_test("the largest headers", the_largest);
	run_test("every reason was seen", every_reason);

	return finish();
}
