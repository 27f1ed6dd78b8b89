// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the time by which receipts get old, under a wall clock that is set.
 */
#include "kunit.h"

#define SEC(n)	((s64)(n) * NSEC_PER_SEC)
#define DAY	86400

/* @wall and @boot are seconds; so is @now, what the kernel takes it for. */
struct look {
	s64 wall;
	s64 boot;
	s64 now;
	s64 floor;
};

static void expect_looks(struct kunit *test, const struct look *looks, size_t n)
{
	atomic64_t ahead = ATOMIC64_INIT(0);
	size_t i;
	s64 floor;

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ_MSG(test, looks[i].now,
				    receipt_clock_advance(&ahead, SEC(looks[i].wall),
							  SEC(looks[i].boot), &floor),
				    "look %zu", i);
		KUNIT_EXPECT_EQ_MSG(test, looks[i].floor, floor, "look %zu", i);
	}
}

#define LOOKS(...)							\
	do {								\
		static const struct look looks[] = { __VA_ARGS__ };	\
									\
		expect_looks(test, looks, ARRAY_SIZE(looks));		\
	} while (0)

/* Control: a clock that nobody touches is the time. */
static void untouched(struct kunit *test)
{
	LOOKS({ 10 * DAY, 5, 10 * DAY, 5 },
	      { 10 * DAY + 1, 6, 10 * DAY + 1, 10 * DAY + 1 },
	      { 11 * DAY, 5 + DAY, 11 * DAY, 11 * DAY });
}

/* Set back, it goes on from where it was, as time passes. */
static void set_back(struct kunit *test)
{
	LOOKS({ 10 * DAY, 5, 10 * DAY, 5 },
	      { 9 * DAY, 5, 10 * DAY, 10 * DAY },
	      { 0, 65, 10 * DAY + 60, 10 * DAY + 60 },
	      { 0, 5 + 30 * DAY, 40 * DAY, 40 * DAY });
}

/* Set forward, it is believed; what was seen is not taken back. */
static void set_forward(struct kunit *test)
{
	LOOKS({ 10 * DAY, 5, 10 * DAY, 5 },
	      { 20 * DAY, 6, 20 * DAY, 10 * DAY + 1 },
	      { 10 * DAY + 2, 7, 20 * DAY + 1, 20 * DAY + 1 },
	      { 30 * DAY, 8, 30 * DAY, 20 * DAY + 2 });
}

/* In suspend the time since boot goes on; the wall clock may wake up wrong. */
static void suspended(struct kunit *test)
{
	LOOKS({ 10 * DAY, 5, 10 * DAY, 5 },
	      { 10 * DAY, 5 + 7 * DAY, 17 * DAY, 17 * DAY },
	      { 17 * DAY + 1, 6 + 7 * DAY, 17 * DAY + 1, 17 * DAY + 1 });
}

static struct kunit_case clock_cases[] = {
	KUNIT_CASE(untouched),
	KUNIT_CASE(set_back),
	KUNIT_CASE(set_forward),
	KUNIT_CASE(suspended),
	{}
};

static struct kunit_suite clock_suite = {
	.name = "receipt_clock",
	.init = receipt_kunit_init,
	.test_cases = clock_cases,
};

kunit_test_suite(clock_suite);
