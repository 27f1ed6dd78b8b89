/* SPDX-License-Identifier: MIT */
/*
 * The border by hand: generic netlink without a library, so that a test can send
 * what no library would.
 */
#ifndef BORDER_H
#define BORDER_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <sys/socket.h>

#include "probe.h"
#include "uapi/receipt.h"

#define MESSAGE_MAX	(512 * 1024)

/* A message that is built; nests by remembering where they began. */
struct message {
	size_t len;
	union {
		struct nlmsghdr nlh;
		uint8_t data[MESSAGE_MAX];
	};
};

/* What the kernel answered. */
struct answer {
	int error;			/* negative errno, or 0 */
	char text[256];			/* extended acknowledgment, or "" */
	bool has_reply;
	struct message reply;		/* the last message that is no acknowledgment */
};

static struct answer answer;		/* to the last request */
static uint16_t family;
static uint32_t events_group;

/*
 * Attributes
 */

static MAYBE_UNUSED void put(struct message *m, uint16_t type, const void *data, size_t len)
{
	struct nlattr *nla = (struct nlattr *)(m->data + m->len);
	size_t size = NLA_ALIGN(NLA_HDRLEN + len);

	if (NLA_HDRLEN + len > UINT16_MAX || m->len + size > MESSAGE_MAX)
		broken("attribute %u of %zu bytes", type, len);
	memset(nla, 0, size);
	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy(nla + 1, data, len);
	m->len += size;
}

static MAYBE_UNUSED void put_u8(struct message *m, uint16_t type, uint8_t v)
{
	put(m, type, &v, sizeof(v));
}

static MAYBE_UNUSED void put_u32(struct message *m, uint16_t type, uint32_t v)
{
	put(m, type, &v, sizeof(v));
}

static MAYBE_UNUSED void put_u64(struct message *m, uint16_t type, uint64_t v)
{
	put(m, type, &v, sizeof(v));
}

static MAYBE_UNUSED size_t nest(struct message *m, uint16_t type)
{
	size_t start = m->len;

	put(m, type | NLA_F_NESTED, NULL, 0);
	return start;
}

static MAYBE_UNUSED void end_nest(struct message *m, size_t start)
{
	size_t len = m->len - start;

	if (len > UINT16_MAX)
		broken("nest of %zu bytes", len);
	((struct nlattr *)(m->data + start))->nla_len = len;
}

static MAYBE_UNUSED void begin(struct message *m, uint16_t type, uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *genl = (struct genlmsghdr *)(m->data + NLMSG_HDRLEN);

	memset(m->data, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	m->nlh.nlmsg_type = type;
	m->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	genl->cmd = cmd;
	genl->version = 1;
	m->len = NLMSG_HDRLEN + GENL_HDRLEN;
}

/* The attribute of a message, or NULL. */
static MAYBE_UNUSED const void *get(const struct message *m, uint16_t type, size_t *len)
{
	size_t pos = NLMSG_HDRLEN + GENL_HDRLEN;

	while (pos + NLA_HDRLEN <= m->len) {
		const struct nlattr *nla = (const struct nlattr *)(m->data + pos);

		if (nla->nla_len < NLA_HDRLEN)
			break;
		if ((nla->nla_type & NLA_TYPE_MASK) == type) {
			if (len)
				*len = nla->nla_len - NLA_HDRLEN;
			return nla + 1;
		}
		pos += NLA_ALIGN(nla->nla_len);
	}
	return NULL;
}

static MAYBE_UNUSED uint64_t get_u64(const struct message *m, uint16_t type)
{
	uint64_t v = 0;
	const void *data = get(m, type, NULL);

	if (data)
		memcpy(&v, data, sizeof(v));
	return v;
}

static MAYBE_UNUSED uint32_t get_u32(const struct message *m, uint16_t type)
{
	uint32_t v = 0;
	const void *data = get(m, type, NULL);

	if (data)
		memcpy(&v, data, sizeof(v));
	return v;
}

static MAYBE_UNUSED int get_u8(const struct message *m, uint16_t type)
{
	const uint8_t *data = get(m, type, NULL);

	return data ? *data : -1;
}

/*
 * Requests
 */

static MAYBE_UNUSED int open_netlink(void)
{
	const struct timeval tv = { .tv_sec = PROBE_SECONDS };
	int size = 4 << 20, one = 1;
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	/* A socket without an address of its own gets no events. */
	if (fd < 0 || bind(fd, (const void *)&any, sizeof(any)))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return fd;
}

static MAYBE_UNUSED void take_error(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = NLMSG_DATA(nlh);
	size_t pos = NLMSG_HDRLEN + sizeof(*err);

	answer.error = err->error;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	while (pos + NLA_HDRLEN <= nlh->nlmsg_len) {
		const struct nlattr *nla = (const void *)((const char *)nlh + pos);

		if ((nla->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			snprintf(answer.text, sizeof(answer.text), "%s", (const char *)(nla + 1));
		if (nla->nla_len < NLA_HDRLEN)
			break;
		pos += NLA_ALIGN(nla->nla_len);
	}
}

/* Takes one datagram apart; true when it ends the request. */
static MAYBE_UNUSED bool take(const uint8_t *buf, size_t len)
{
	size_t pos = 0;

	while (pos + NLMSG_HDRLEN <= len) {
		const struct nlmsghdr *nlh = (const void *)(buf + pos);

		if (nlh->nlmsg_type == NLMSG_ERROR) {
			take_error(nlh);
			return true;
		}
		if (nlh->nlmsg_type == NLMSG_DONE) {
			memcpy(&answer.error, NLMSG_DATA(nlh), sizeof(answer.error));
			return true;
		}
		memcpy(answer.reply.data, nlh, nlh->nlmsg_len);
		answer.reply.len = nlh->nlmsg_len;
		answer.has_reply = true;
		pos += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return false;
}

/* Receives a datagram; its length, or -1. */
static MAYBE_UNUSED ssize_t receive(int fd, uint8_t *buf)
{
	ssize_t len;

	do {
		len = recv(fd, buf, MESSAGE_MAX, 0);
	} while (len < 0 && errno == EINTR);
	return len;
}

static MAYBE_UNUSED void send_message(int fd, struct message *m)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	m->nlh.nlmsg_len = m->len;
	m->nlh.nlmsg_seq++;
	if (sendto(fd, m->data, m->len, 0, (const void *)&kernel, sizeof(kernel)) < 0)
		broken("netlink send of %zu bytes", m->len);
}

/* Sends a request and takes the answer into @answer; returns its error. */
static MAYBE_UNUSED int request(int fd, struct message *m)
{
	static uint8_t buf[MESSAGE_MAX];
	ssize_t len;

	memset(&answer, 0, offsetof(struct answer, reply));
	send_message(fd, m);
	do {
		len = receive(fd, buf);
		if (len < 0)
			broken("netlink receive");
	} while (!take(buf, len));
	return answer.error;
}

static MAYBE_UNUSED void take_groups(const struct nlattr *groups, size_t len)
{
	size_t pos = 0;

	/* One group: a nest of id and name. */
	while (pos + NLA_HDRLEN <= len) {
		const struct nlattr *group = (const void *)((const char *)groups + pos);
		const struct nlattr *first = group + 1, *second;

		second = (const void *)((const char *)first + NLA_ALIGN(first->nla_len));
		if (first->nla_type == CTRL_ATTR_MCAST_GRP_NAME)
			first = second;
		memcpy(&events_group, first + 1, sizeof(events_group));
		pos += NLA_ALIGN(group->nla_len);
	}
}

/* 0, or the negative errno of the name's resolution. */
static MAYBE_UNUSED int find_family(int fd)
{
	static struct message m;
	const void *data;
	size_t len;

	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	put(&m, CTRL_ATTR_FAMILY_NAME, RECEIPT_GENL_NAME, sizeof(RECEIPT_GENL_NAME));
	if (request(fd, &m))
		return answer.error;
	data = get(&answer.reply, CTRL_ATTR_FAMILY_ID, NULL);
	if (!data)
		broken("family id");
	memcpy(&family, data, sizeof(family));
	data = get(&answer.reply, CTRL_ATTR_MCAST_GROUPS, &len);
	if (data)
		take_groups(data, len);
	return 0;
}

/* A socket of the family. */
static MAYBE_UNUSED int open_border(void)
{
	int fd = open_netlink();

	if (fd < 0 || find_family(fd))
		broken("the family");
	return fd;
}

static MAYBE_UNUSED void start_request(struct message *m, uint8_t cmd)
{
	begin(m, family, cmd, 0);
}

static MAYBE_UNUSED int load_policy(int fd, const char *text, size_t len)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_POLICY_LOAD);
	put(&m, RECEIPT_A_POLICY, text, len);
	return request(fd, &m);
}

static MAYBE_UNUSED int load_policy_file(int fd, const char *path)
{
	static char text[RECEIPT_MAX_POLICY];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(file, text, sizeof(text));

	if (len <= 0)
		broken("%s", path);
	close(file);
	return load_policy(fd, text, len);
}

static MAYBE_UNUSED int flush(int fd)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_FLUSH);
	return request(fd, &m);
}

static MAYBE_UNUSED int hello(int fd)
{
	static struct message m;

	start_request(&m, RECEIPT_CMD_HELLO);
	put_u32(&m, RECEIPT_A_ABI, RECEIPT_ABI_VERSION);
	return request(fd, &m);
}

/* The text names what is wrong, the counter has moved. */
static MAYBE_UNUSED void expect_refused(int fd, struct message *m, int error, const char *text,
					const char *counter, const char *name)
{
	uint64_t before = stat_value(counter);
	int got = request(fd, m);
	bool counted = stat_value(counter) == before + 1;

	if (ok(got == -error && counted && !strncmp(answer.text, text, strlen(text)),
	       "%s: %s", name, *text ? text : strerror(error)))
		return;
	note("error %d, text \"%s\"%s", got, answer.text, counted ? "" : ", not counted");
}

#endif /* BORDER_H */
