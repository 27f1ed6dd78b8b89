// SPDX-License-Identifier: MIT
#include "model.h"

static u64 steps_left = U64_MAX;	/* before main() anything goes */
static u64 cases;
static int tests, failures;

struct room room_of(size_t size)
{
	struct room room = { .start = malloc(size), .size = size };

	if (!room.start)
		abort();
	return room;
}

void *at_end(const struct room *room, size_t len)
{
	if (len > room->size)
		abort();
	return room->start + room->size - len;
}

void allow_steps(u64 n)
{
	steps_left = n;
}

/* Called at every branch by what is compiled with -fsanitize-coverage=trace-pc. */
void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	if (steps_left--)
		return;
	fflush(stdout);
	printf("# more steps than the size of the input allows\n");
	fflush(stdout);
	abort();
}

bool fail(const char *fmt, ...)
{
	va_list ap;

	printf("# case %llu: ", (unsigned long long)cases);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return false;
}

void count_case(void)
{
	cases++;
}

void run_test(const char *name, bool (*test)(void))
{
	bool good;

	cases = 0;
	good = test() && cases;
	failures += !good;
	printf("%sok %d - %s: %llu cases\n", good ? "" : "not ", ++tests, name,
	       (unsigned long long)cases);
	fflush(stdout);
}

int finish(void)
{
	printf("1..%d\n", tests);
	return failures != 0;
}

struct receipt_token token_of(const struct symbol *s)
{
	return (struct receipt_token){ .major = s->major, .arg = s->arg };
}

void show_tokens(const struct receipt_token *t, u32 n)
{
	printf("# tokens:");
	for (u32 i = 0; i < n; i++)
		printf(" %u(%llu)", t[i].major, (unsigned long long)t[i].arg);
	printf("\n");
}
