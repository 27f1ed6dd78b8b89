// SPDX-License-Identifier: MIT
/*
 * What the kernel says. The first byte is a command and the rest its attributes,
 * or with bit 7 set the rest is a datagram as it stands.
 */
#include <netlink/genl/genl.h>

#include "event.h"
#include "fuzz.h"
#include "netlink.h"

#define FAMILY	0x20
#define PORT	7
#define SEQ	9
#define RAW	0x80

static void show_event(struct nlattr **tb)
{
	json_t *event = rcpt_event_json(tb);
	char *text = event ? rcpt_event_text(event) : NULL;

	/* There is memory. */
	HOLDS(event && text);
	HOLDS(rcpt_utf8_valid((const uint8_t *)text, strlen(text)));
	HOLDS(!strpbrk(text, "\n\r\033"));
	free(text);
	json_decref(event);
}

static void read_stats(struct nlattr **tb)
{
	struct rcpt_nl_stat stat;
	struct nlattr *attr;
	int left;

	if (!tb[RECEIPT_A_STATS])
		return;
	nla_for_each_nested(attr, tb[RECEIPT_A_STATS], left)
		if (!rcpt_nl_parse_stat(attr, &stat))
			HOLDS(strlen(stat.name) <= RCPT_NL_NAME_MAX);
}

/* Whatever the command, each reader must stand these attributes. */
static void on_message(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct rcpt_nl_explain explain;
	struct rcpt_nl_lookup lookup;
	struct rcpt_nl_status status;
	struct rcpt_nl_policy policy;

	(void)cmd;
	(void)arg;
	if (!rcpt_nl_parse_lookup(tb, &lookup) && lookup.path)
		HOLDS(strlen(lookup.path) <= RECEIPT_MAX_PATH_HINT);
	if (!rcpt_nl_parse_status(tb, &status)) {
		rcpt_mode_name(status.mode);
		rcpt_helper_name(status.helper);
	}
	if (!rcpt_nl_parse_policy(tb, &policy))
		free(policy.text);
	rcpt_nl_parse_explain(tb, &explain);
	read_stats(tb);
	show_event(tb);
}

static void take(void *buf, size_t len)
{
	struct rcpt_error err = { 0 };
	struct rcpt_nl_inbox in = {
		.family = FAMILY, .port = PORT, .seq = SEQ, .err = &err,
		.on_message = on_message, .on_reply = on_message,
	};

	rcpt_nl_inbox_take(&in, buf, len);
	HOLDS(in.result <= 0);
	HOLDS(!in.result == !err.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr head = { .nlmsg_type = FAMILY, .nlmsg_seq = SEQ, .nlmsg_pid = PORT };
	struct genlmsghdr genl = { .version = RECEIPT_GENL_VERSION };
	size_t skip = sizeof(head) + sizeof(genl);
	uint8_t *buf;

	if (!size)
		return 0;
	if (*data & RAW)
		skip = 0;
	buf = malloc(skip + size);
	memcpy(buf + skip, data + 1, size - 1);
	if (skip) {
		head.nlmsg_len = skip + size - 1;
		genl.cmd = *data;
		memcpy(buf, &head, sizeof(head));
		memcpy(buf + sizeof(head), &genl, sizeof(genl));
	}
	/* Exactly as long as the message, so that a byte too far is seen. */
	buf = realloc(buf, skip + size - 1 + !(skip + size - 1));
	take(buf, skip + size - 1);
	free(buf);
	return 0;
}
