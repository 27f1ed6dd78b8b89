// SPDX-License-Identifier: MIT
/*
 * Nothing but a newer sealed policy changes the active one: loads at once, replays,
 * messages that are split or too long, any command of the family. /t/policy-1.1.N
 * are sealed, each in two texts, and /t/policy-1.2.0, which is as long as a policy
 * may be.
 */
#include "border.h"

#define POLICIES	40	/* /t/policy-1.1.0 and on */
#define LOADERS		4
#define ROUNDS		4000

static int border;

/* What POLICY_GET says. */
struct state {
	uint64_t generation;
	int mode;
	uint8_t digest[32];
	size_t len;
	char text[RECEIPT_MAX_POLICY];
};

static void take_state(struct state *s)
{
	static struct message m;
	const void *text, *digest;

	start_request(&m, RECEIPT_CMD_POLICY_GET);
	if (request(border, &m))
		broken("POLICY_GET: %s", answer.text);
	memset(s, 0, sizeof(*s));
	s->generation = get_u64(&answer.reply, RECEIPT_A_GENERATION);
	s->mode = get_u8(&answer.reply, RECEIPT_A_MODE);
	digest = get(&answer.reply, RECEIPT_A_DIGEST, NULL);
	text = get(&answer.reply, RECEIPT_A_POLICY, &s->len);
	memcpy(s->digest, digest, sizeof(s->digest));
	memcpy(s->text, text, s->len);
}

static void still_enforced(const char *after)
{
	expect_allowed(probe_exec("/mnt/good", EACCES), "%s: sealed program", after);
	expect_denied(probe_exec("/mnt/bad", EACCES), "bprm_check_security", "no-evidence", after);
}

/* All that can be seen of the policy is as it was. */
static void unchanged(const struct state *before, const char *after)
{
	static struct state now;

	take_state(&now);
	ok(!memcmp(&now, before, sizeof(now)), "%s: text, mode, digest and generation stay", after);
}

/*
 * Loads
 */

static const char *path_of(unsigned int i, bool other)
{
	static char path[64];

	snprintf(path, sizeof(path), "/t/policy-1.1.%u%s", i, other ? "-other" : "");
	return path;
}

static bool text_is(const struct state *s, const char *path)
{
	static char text[RECEIPT_MAX_POLICY];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text));

	close(fd);
	return len == (ssize_t)s->len && !memcmp(s->text, text, len);
}

/* ALLOWED when it was taken, DENIED when another was faster. */
static int load(void *path)
{
	int error = load_policy_file(open_border(), path);

	return error == -ESTALE ? DENIED : error ? BROKEN : ALLOWED;
}

static bool load_at_once(unsigned int i)
{
	pid_t pids[LOADERS];
	unsigned int n, taken = 0, stale = 0;

	for (n = 0; n < LOADERS; n++)
		pids[n] = start_probe(load, (void *)path_of(i, (i + n) % 2));
	for (n = 0; n < LOADERS; n++) {
		int got = end_probe(pids[n]);

		taken += got == ALLOWED;
		stale += got == DENIED;
	}
	return taken == 1 && stale == LOADERS - 1;
}

static void test_at_once(void)
{
	static struct state s;
	unsigned int i, one = 0, rises = 0, first = 0, other = 0;
	uint64_t generation;

	take_state(&s);
	generation = s.generation;
	for (i = 0; i < POLICIES; i++) {
		one += load_at_once(i);
		take_state(&s);
		rises += s.generation == generation + 1;
		generation = s.generation;
		first += text_is(&s, path_of(i, false));
		other += text_is(&s, path_of(i, true));
	}
	ok(one == POLICIES, "%u loads of one version at once: one is taken, the others are stale",
	   LOADERS);
	ok(rises == POLICIES, "the generation rises by one for each");
	ok(first + other == POLICIES, "of two texts of one version one is active, whole");
	note("%u times the one, %u times the other", first, other);
	still_enforced("loads at once");
}

static void test_replay(void)
{
	static struct state before;
	unsigned int i, stale = 0;

	take_state(&before);
	for (i = 0; i < POLICIES; i++)
		stale += load_policy_file(border, path_of(i, false)) == -ESTALE;
	ok(stale == POLICIES, "every policy that was active once, with its receipt: ESTALE");
	unchanged(&before, "replays");
}

/*
 * Messages
 */

static void test_messages(void)
{
	static char text[RECEIPT_MAX_POLICY + 1];
	static struct state before;
	static struct message m;
	int fd = open("/t/policy-1.2.0", O_RDONLY | O_CLOEXEC);

	if (read(fd, text, sizeof(text)) != RECEIPT_MAX_POLICY)
		broken("/t/policy-1.2.0");
	close(fd);
	text[RECEIPT_MAX_POLICY] = '\n';
	take_state(&before);

	ok(load_policy(border, text, sizeof(text)) == -EINVAL, "one byte over the bound: EINVAL");
	ok(load_policy(border, text, sizeof(text) / 2), "the first half alone is refused");
	ok(load_policy(border, text + sizeof(text) / 2, sizeof(text) / 2),
	   "and the second half after it");
	start_request(&m, RECEIPT_CMD_POLICY_LOAD);
	put(&m, RECEIPT_A_POLICY, text, 1000);
	put(&m, RECEIPT_A_POLICY, text + 1000, 1000);
	ok(request(border, &m) == -EINVAL, "two attributes: EINVAL");
	start_request(&m, RECEIPT_CMD_POLICY_LOAD);
	put(&m, RECEIPT_A_POLICY, text, RECEIPT_MAX_POLICY);
	m.len -= 8;
	ok(request(border, &m) == -EINVAL, "an attribute that is cut off: EINVAL");
	start_request(&m, RECEIPT_CMD_POLICY_LOAD);
	put(&m, RECEIPT_A_POLICY, text, RECEIPT_MAX_POLICY);
	memset(m.data + m.len, 0xff, 3);
	m.len += 3;
	ok(request(border, &m) == -EINVAL, "garbage behind it: EINVAL");
	ok(load_policy_file(border, "/t/policy-syntax") == -EINVAL, "a text with an error: EINVAL");
	ok(load_policy_file(border, "/t/policy-unsealed") == -EACCES, "an unsealed one: EACCES");
	ok(load_policy_file(border, "/t/policy-name") == -EPERM, "one of another name: EPERM");
	unchanged(&before, "loads that failed");
	still_enforced("loads that failed");

	ok(!load_policy(border, text, RECEIPT_MAX_POLICY),
	   "control: whole and at the bound: taken");
}

/*
 * Any command
 */

static void send_random(struct message *m, unsigned int *seed)
{
	static const size_t sizes[] = { 0, 1, 4, 8, 32, 256 };
	static uint8_t junk[256];
	int i, n = rand_r(seed) % 4;

	start_request(m, 1 + rand_r(seed) % RECEIPT_CMD_MAX);
	for (i = 0; i < n; i++) {
		for (size_t j = 0; j < sizeof(junk); j++)
			junk[j] = rand_r(seed);
		put(m, 1 + rand_r(seed) % RECEIPT_A_MAX, junk,
		    sizes[rand_r(seed) % ARRAY_SIZE(sizes)]);
	}
	request(border, m);
}

static void test_commands(void)
{
	static struct state before, after;
	static struct message m;
	unsigned int i, seed = 1, taken = 0;

	take_state(&before);
	for (i = 0; i < ROUNDS; i++) {
		send_random(&m, &seed);
		taken += !answer.error;
	}
	take_state(&after);
	ok(taken, "of %u commands with anything in them some are taken", ROUNDS);
	ok(after.mode == RECEIPT_MODE_ENFORCE && after.len == before.len &&
	   !memcmp(after.digest, before.digest, sizeof(after.digest)) &&
	   !memcmp(after.text, before.text, after.len), "none changes mode or text");
	ok(after.generation >= before.generation, "the generation does not fall");
	still_enforced("any command");
}

int main(void)
{
	probe_init();
	border = open_border();
	copy("/t/target", "/mnt/good", "");
	copy("/t/target", "/mnt/bad", "x");
	still_enforced("at first");
	test_at_once();
	test_replay();
	test_messages();
	test_commands();
	return 0;
}
