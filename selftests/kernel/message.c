// SPDX-License-Identifier: MIT
/*
 * Messages that are not as they should be, and senders that may not send.
 */
#include <grp.h>
#include <sched.h>
#include <sys/syscall.h>

#include "border.h"

#define REFUSED	"messages-refused"

static struct message m;
static int border;

static void refused(int error, const char *text, const char *name)
{
	expect_refused(border, &m, error, text, REFUSED, name);
}

static void put_digest(size_t len)
{
	static const uint8_t digest[RECEIPT_MAX_DIGEST];

	put_u8(&m, RECEIPT_A_KIND, RECEIPT_KIND_SHA256);
	put(&m, RECEIPT_A_DIGEST, digest, len);
}

/* Every command takes the same attributes, each at most once. */
static void test_attributes(void)
{
	start_request(&m, RECEIPT_CMD_STATUS);
	ok(!request(border, &m) && get_u32(&answer.reply, RECEIPT_A_ABI) == RECEIPT_ABI_VERSION,
	   "STATUS: control");
	start_request(&m, RECEIPT_CMD_STATUS);
	put_u32(&m, RECEIPT_A_MAX + 1, 0);
	refused(EINVAL, "", "an attribute over the last");
	start_request(&m, RECEIPT_CMD_STATUS);
	put_u64(&m, RECEIPT_A_SIZE, 0);
	refused(EINVAL, "", "an attribute that only the kernel sends");
	start_request(&m, RECEIPT_CMD_STATUS);
	put_u32(&m, RECEIPT_A_ABI, 1);
	put_u32(&m, RECEIPT_A_ABI, 1);
	refused(EINVAL, "malformed-message: duplicate attribute", "a duplicate attribute");
	start_request(&m, RECEIPT_CMD_STATUS);
	put_u8(&m, RECEIPT_A_ABI, 1);
	refused(EINVAL, "", "a number of another size");
	start_request(&m, RECEIPT_CMD_STATUS);
	put_u32(&m, RECEIPT_A_ABI, 1);
	((struct nlattr *)(m.data + NLMSG_HDRLEN + GENL_HDRLEN))->nla_len = 400;
	refused(EINVAL, "", "an attribute longer than the message");
	start_request(&m, RECEIPT_CMD_STATUS);
	put_u32(&m, RECEIPT_A_ABI, 1);
	m.len += 3;
	refused(EINVAL, "", "trailing bytes");
	start_request(&m, RECEIPT_CMD_STATUS);
	((struct genlmsghdr *)(m.data + NLMSG_HDRLEN))->reserved = 1;
	refused(EINVAL, "malformed-message: reserved header field", "the reserved header field");
	start_request(&m, RECEIPT_CMD_MAX + 1);
	ok(request(border, &m) == -EOPNOTSUPP, "an unknown command: EOPNOTSUPP");
	start_request(&m, RECEIPT_CMD_EVENT);
	ok(request(border, &m) == -EOPNOTSUPP, "a command that only the kernel sends: EOPNOTSUPP");
}

static void test_hello(void)
{
	start_request(&m, RECEIPT_CMD_HELLO);
	refused(EINVAL, "malformed-message: another ABI version", "HELLO without a version");
	start_request(&m, RECEIPT_CMD_HELLO);
	put_u32(&m, RECEIPT_A_ABI, RECEIPT_ABI_VERSION + 1);
	refused(EINVAL, "malformed-message: another ABI version", "HELLO of another version");
}

static void put_empty_statement(bool nested)
{
	size_t start = nest(&m, RECEIPT_A_STATEMENT);

	end_nest(&m, start);
	if (!nested)
		((struct nlattr *)(m.data + start))->nla_type = RECEIPT_A_STATEMENT;
}

static void test_evidence(void)
{
	static uint8_t tokens[RECEIPT_MAX_TOKENS * sizeof(struct receipt_token)];
	size_t start;

	start_request(&m, RECEIPT_CMD_EVIDENCE);
	refused(EINVAL, "malformed-message: statement is missing", "EVIDENCE without anything");
	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_empty_statement(true);
	refused(EINVAL, "malformed-message: kind or digest is missing", "EVIDENCE without a digest");
	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_digest(48);
	put_empty_statement(true);
	refused(EINVAL, "malformed-message: digest does not fit its kind",
		"EVIDENCE with a long digest");
	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_digest(32);
	put_empty_statement(true);
	refused(EINVAL, "malformed-message: payload or signature is missing",
		"EVIDENCE with an empty statement");
	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_digest(32);
	put_empty_statement(false);
	refused(EINVAL, "", "EVIDENCE with a nest that is not marked as one");

	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_digest(32);
	start = nest(&m, RECEIPT_A_STATEMENT);
	put(&m, RECEIPT_STMT_PAYLOAD, tokens, 32);
	put(&m, RECEIPT_STMT_SIGNATURE, tokens, 64);
	end_nest(&m, start);
	refused(EINVAL, "malformed-message: tokens are missing", "EVIDENCE without tokens");

	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_digest(32);
	start = nest(&m, RECEIPT_A_STATEMENT);
	put(&m, RECEIPT_STMT_TOKENS, tokens, 3 * sizeof(struct receipt_token) - 4);
	put(&m, RECEIPT_STMT_PAYLOAD, tokens, 32);
	put(&m, RECEIPT_STMT_SIGNATURE, tokens, 64);
	end_nest(&m, start);
	refused(EINVAL, "malformed-message: tokens are cut off", "EVIDENCE with half a token");

	start_request(&m, RECEIPT_CMD_EVIDENCE);
	put_digest(32);
	start = nest(&m, RECEIPT_A_STATEMENT);
	put(&m, RECEIPT_STMT_PAYLOAD, tokens, 32);
	put(&m, RECEIPT_STMT_PAYLOAD, tokens, 32);
	put(&m, RECEIPT_STMT_SIGNATURE, tokens, 64);
	end_nest(&m, start);
	refused(EINVAL, "malformed-message: duplicate attribute",
		"EVIDENCE with a duplicate in a nest");
}

static void test_policy(void)
{
	static char text[RECEIPT_MAX_POLICY + 1];

	start_request(&m, RECEIPT_CMD_POLICY_LOAD);
	refused(EINVAL, "malformed-message: policy is missing", "POLICY_LOAD without a policy");
	memset(text, '\n', sizeof(text));
	start_request(&m, RECEIPT_CMD_POLICY_LOAD);
	put(&m, RECEIPT_A_POLICY, text, sizeof(text));
	refused(EINVAL, "", "POLICY_LOAD over the bound");
	ok(load_policy(border, text, sizeof(text) - 1) == -EINVAL &&
	   !strncmp(answer.text, "policy-syntax", 13), "POLICY_LOAD at the bound, empty lines: syntax");
	ok(load_policy(border, "", 0) == -EINVAL, "POLICY_LOAD of nothing: EINVAL");
	start_request(&m, RECEIPT_CMD_POLICY_GET);
	ok(request(border, &m) == -ENOENT, "POLICY_GET when none is active: ENOENT");
}

static void test_explain(void)
{
	start_request(&m, RECEIPT_CMD_EXPLAIN);
	put_digest(32);
	refused(EINVAL, "malformed-message: operation is missing", "EXPLAIN without an operation");
	start_request(&m, RECEIPT_CMD_EXPLAIN);
	put_digest(32);
	put_u8(&m, RECEIPT_A_OP, RECEIPT_OP_COUNT);
	refused(EINVAL, "", "EXPLAIN of an unknown operation");
}

static void test_no_evidence(void)
{
	start_request(&m, RECEIPT_CMD_NO_EVIDENCE);
	put_digest(32);
	put_u64(&m, RECEIPT_A_ID, 1);
	refused(EPERM, "malformed-message: only the helper may say so",
		"NO_EVIDENCE of another than the helper");
}

/*
 * Senders
 */

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		broken("setresuid");
}

static void enter_user_namespace(void)
{
	if (unshare(CLONE_NEWUSER))
		broken("unshare");
}

static void open_then_become_nobody(void)
{
	border = open_netlink();
	become_nobody();
}

static const uint8_t commands[] = {
	RECEIPT_CMD_HELLO, RECEIPT_CMD_EVIDENCE, RECEIPT_CMD_NO_EVIDENCE, RECEIPT_CMD_POLICY_LOAD,
	RECEIPT_CMD_POLICY_GET, RECEIPT_CMD_STATUS, RECEIPT_CMD_STATS, RECEIPT_CMD_FLUSH,
	RECEIPT_CMD_EXPLAIN,
};

/* ALLOWED when any command got further than to the sender's rights. */
static int send_all(void *become)
{
	border = -1;
	((void (*)(void))(uintptr_t)become)();
	if (border < 0)
		border = open_netlink();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		start_request(&m, commands[i]);
		put_u32(&m, RECEIPT_A_ABI, RECEIPT_ABI_VERSION);
		if (request(border, &m) != -EPERM)
			return ALLOWED;
	}
	begin(&m, family, RECEIPT_CMD_DIGESTS, NLM_F_DUMP);
	if (request(border, &m) != -EPERM)
		return ALLOWED;
	begin(&m, family, RECEIPT_CMD_LOOKUP, NLM_F_DUMP);
	return request(border, &m) == -EPERM ? DENIED : ALLOWED;
}

static void test_sender(void (*become)(void), const char *who)
{
	uint64_t before = stat_value(REFUSED);

	expect(DENIED, probe(send_all, (void *)(uintptr_t)become), "%s: EPERM for every command",
	       who);
	ok(stat_value(REFUSED) >= before + ARRAY_SIZE(commands), "%s: counted", who);
}

static int look_for_family(void *unused)
{
	(void)unused;
	if (unshare(CLONE_NEWNET))
		return BROKEN;
	return find_family(open_netlink()) == -ENOENT ? DENIED : ALLOWED;
}

static int subscribe(void *become)
{
	((void (*)(void))(uintptr_t)become)();
	return outcome_of(!setsockopt(open_netlink(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
				      &events_group, sizeof(events_group)), EPERM);
}

static void become_none(void)
{
}

static void test_senders(void)
{
	test_sender(become_nobody, "a user");
	test_sender(enter_user_namespace, "root of a user namespace");
	test_sender(open_then_become_nobody, "a user with root's socket");
	expect(DENIED, probe(look_for_family, NULL), "another network namespace: no family");
	expect(DENIED, probe(subscribe, (void *)(uintptr_t)become_nobody),
	       "events: a user may not listen");
	expect_allowed(probe(subscribe, (void *)(uintptr_t)become_none), "events: root may");
}

int main(void)
{
	probe_init();
	border = open_border();
	test_attributes();
	test_hello();
	test_evidence();
	test_policy();
	test_explain();
	test_no_evidence();
	test_senders();
	return 0;
}
