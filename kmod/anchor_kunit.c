// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: what the TPM answers about the index of the anchor. Each bad answer is
 * the good one with a change.
 */
#include "kunit.h"

#define INDEX	0x01500016

struct answer_case {
	const char *desc;
	struct bytes body;
	int ret;
};

/* size, index, hash, attributes, policy, size of the data */
#define PUBLIC(size, index, attributes, policy, data) \
	BYTES(size index "\x00\x0b" attributes policy data)
#define GOOD_SIZE	"\x00\x0e"
#define GOOD_INDEX	"\x01\x50\x00\x16"
#define GOOD_ATTRIBUTES	"\x22\x04\x00\x14"
#define NO_POLICY	"\x00\x00"
#define GOOD_DATA	"\x00\x08"

static const struct answer_case public_cases[] = {
	{ "counter", PUBLIC(GOOD_SIZE, GOOD_INDEX, GOOD_ATTRIBUTES, NO_POLICY, GOOD_DATA), 0 },
	{ "counter with a name behind it",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, GOOD_ATTRIBUTES, NO_POLICY, GOOD_DATA "\x00\x01n"), 0 },
	{ "counter with a policy",
	  PUBLIC("\x00\x12", GOOD_INDEX, GOOD_ATTRIBUTES, "\x00\x04poli", GOOD_DATA), 0 },
	{ "nothing", BYTES(""), -EBADMSG },
	{ "a byte is missing",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, GOOD_ATTRIBUTES, NO_POLICY, "\x00"), -EBADMSG },
	{ "size too small",
	  PUBLIC("\x00\x0d", GOOD_INDEX, GOOD_ATTRIBUTES, NO_POLICY, GOOD_DATA), -EBADMSG },
	{ "size too large",
	  PUBLIC("\x00\x0f", GOOD_INDEX, GOOD_ATTRIBUTES, NO_POLICY, GOOD_DATA), -EBADMSG },
	{ "policy that is not there",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, GOOD_ATTRIBUTES, "\x00\x04", GOOD_DATA), -EBADMSG },
	{ "policy past the end",
	  PUBLIC("\x00\x12", GOOD_INDEX, GOOD_ATTRIBUTES, "\x00\x04", GOOD_DATA), -EBADMSG },
	{ "policy of 65535 bytes",
	  PUBLIC("\x00\x0d", GOOD_INDEX, GOOD_ATTRIBUTES, "\xff\xff", GOOD_DATA), -EBADMSG },
	{ "another index",
	  PUBLIC(GOOD_SIZE, "\x01\x50\x00\x17", GOOD_ATTRIBUTES, NO_POLICY, GOOD_DATA),
	  -EBADMSG },
	{ "ordinary index",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, "\x22\x04\x00\x04", NO_POLICY, GOOD_DATA),
	  -EMEDIUMTYPE },
	{ "bit field",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, "\x22\x04\x00\x24", NO_POLICY, GOOD_DATA),
	  -EMEDIUMTYPE },
	{ "type of more bits than the counter's",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, "\x22\x04\x00\x94", NO_POLICY, GOOD_DATA),
	  -EMEDIUMTYPE },
	{ "orderly counter",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, "\x26\x04\x00\x14", NO_POLICY, GOOD_DATA),
	  -EMEDIUMTYPE },
	{ "counter without a value",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, "\x02\x04\x00\x14", NO_POLICY, GOOD_DATA),
	  -EMEDIUMTYPE },
	{ "counter of another size",
	  PUBLIC(GOOD_SIZE, GOOD_INDEX, GOOD_ATTRIBUTES, NO_POLICY, "\x00\x10"),
	  -EMEDIUMTYPE },
};

KUNIT_ARRAY_PARAM_DESC(public, public_cases, desc);

static void public(struct kunit *test)
{
	const struct answer_case *c = test->param_value;
	const u8 *body = receipt_kunit_copy(test, c->body.data, c->body.len);

	KUNIT_EXPECT_EQ(test, receipt_anchor_public(INDEX, body, c->body.len),
			c->ret);
}

#define VALUE	"\x01\x02\x03\x04\x05\x06\x07\x08"

static const struct answer_case value_cases[] = {
	{ "value", BYTES("\0\0\0\x0a\0\x08" VALUE), 0 },
	{ "value and session", BYTES("\0\0\0\x0a\0\x08" VALUE "\0\0\1\0\0"), 0 },
	{ "nothing", BYTES(""), -EBADMSG },
	{ "a byte is missing", BYTES("\0\0\0\x0a\0\x08\061234567"), -EBADMSG },
	{ "fewer parameters", BYTES("\0\0\0\x09\0\x08" VALUE), -EBADMSG },
	{ "more parameters", BYTES("\0\0\0\x0b\0\x08" VALUE), -EBADMSG },
	{ "parameters without an end", BYTES("\xff\xff\xff\xff\0\x08" VALUE), -EBADMSG },
	{ "7 bytes", BYTES("\0\0\0\x0a\0\x07" VALUE), -EBADMSG },
	{ "9 bytes", BYTES("\0\0\0\x0a\0\x09" VALUE), -EBADMSG },
};

KUNIT_ARRAY_PARAM_DESC(value, value_cases, desc);

static void value(struct kunit *test)
{
	const struct answer_case *c = test->param_value;
	const u8 *body = receipt_kunit_copy(test, c->body.data, c->body.len);
	u64 got = 0;

	KUNIT_EXPECT_EQ(test, receipt_anchor_value(body, c->body.len, &got),
			c->ret);
	KUNIT_EXPECT_EQ(test, got, c->ret ? 0 : 0x0102030405060708);
}

static struct kunit_case anchor_cases[] = {
	KUNIT_CASE_PARAM(public, public_gen_params),
	KUNIT_CASE_PARAM(value, value_gen_params),
	{}
};

static struct kunit_suite anchor_suite = {
	.name = "receipt_anchor",
	.test_cases = anchor_cases,
};

kunit_test_suite(anchor_suite);
