// SPDX-License-Identifier: MIT
/*
 * The socket: requests and their answers.
 *
 * libnl connects, resolves and builds; sending and receiving are done here, as
 * it keeps neither the kernel's text nor errno, and allocates as it receives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/sock_diag.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "netlink.h"

/* The kernel cuts the size of buffers down to what the system allows. */
#define SEND_BUFFER	(1 << 20)
#define RECEIVE_BUFFER	(1 << 20)
/*
 * Datagrams taken at once: more than a buffer holds. A buffer that was full once takes
 * none until it is empty, so that after so many it was empty.
 */
#define RECEIVE_MOST	8192

/**
 * struct rcpt_nl - a connection to the kernel
 * @sk: socket
 * @seq: of the last request
 * @lost: the buffer was full, and the caller has not been told yet
 * @inbox: takes what is received
 * @buffer: for one datagram
 */
struct rcpt_nl {
	struct nl_sock *sk;
	uint32_t seq;
	bool lost;
	struct rcpt_nl_inbox inbox;
	_Alignas(struct nlmsghdr) uint8_t buffer[RCPT_NL_BUFFER];
};

static int fail(struct rcpt_error *err, int code, const char *what)
{
	rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "%s: %s", what, strerror(code));
	return -code;
}

static int no_memory(struct rcpt_error *err)
{
	return fail(err, ENOMEM, "netlink message");
}

/*
 * Opening
 */

static int resolve(struct rcpt_nl *nl, struct rcpt_error *err)
{
	int family = genl_ctrl_resolve(nl->sk, RECEIPT_GENL_NAME);

	if (family < 0) {
		rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, RCPT_NL_NO_FAMILY);
		return -ENOENT;
	}
	nl->inbox.family = family;
	nl->inbox.port = nl_socket_get_local_port(nl->sk);
	return 0;
}

/* With EXT_ACK errors carry a text, with CAP_ACK they do not repeat the request. */
static int set_options(int fd, struct rcpt_error *err)
{
	int on = 1;

	if (setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on)))
		return fail(err, errno, "netlink socket");
	return 0;
}

/**
 * rcpt_nl_open() - connect to the kernel
 * @nl: result
 * @err: filled in on failure
 *
 * Return: 0; -ENOENT when the kernel has no such family; else a negative errno.
 */
int rcpt_nl_open(struct rcpt_nl **nl, struct rcpt_error *err)
{
	struct rcpt_nl *new = calloc(1, sizeof(*new));
	int ret;

	*nl = NULL;
	if (!new)
		return no_memory(err);
	new->sk = nl_socket_alloc();
	ret = new->sk ? nl_connect(new->sk, NETLINK_GENERIC) : -NLE_NOMEM;
	if (ret) {
		rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET,
			  "netlink socket: %s", nl_geterror(ret));
		ret = -EIO;
		goto fail;
	}
	ret = resolve(new, err);
	if (!ret)
		ret = set_options(rcpt_nl_fd(new), err);
	if (ret)
		goto fail;
	nl_socket_set_buffer_size(new->sk, RECEIVE_BUFFER, SEND_BUFFER);
	*nl = new;
	return 0;
fail:
	rcpt_nl_close(new);
	return ret;
}

/**
 * rcpt_nl_close() - close the connection
 * @nl: or NULL
 */
void rcpt_nl_close(struct rcpt_nl *nl)
{
	if (!nl)
		return;
	nl_socket_free(nl->sk);
	free(nl);
}

/**
 * rcpt_nl_fd() - descriptor to poll
 * @nl: connection
 *
 * Return: it.
 */
int rcpt_nl_fd(const struct rcpt_nl *nl)
{
	return nl_socket_get_fd(nl->sk);
}

/**
 * rcpt_nl_on_message() - say who gets what the kernel sends unasked
 * @nl: connection
 * @fn: called for each LOOKUP and EVENT, also while a request waits for its
 *	answer; must not use @nl
 * @arg: for @fn
 */
void rcpt_nl_on_message(struct rcpt_nl *nl, rcpt_nl_fn fn, void *arg)
{
	nl->inbox.on_message = fn;
	nl->inbox.arg = arg;
}

/**
 * rcpt_nl_subscribe() - receive events
 * @nl: connection
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_subscribe(struct rcpt_nl *nl, struct rcpt_error *err)
{
	int group = genl_ctrl_resolve_grp(nl->sk, RECEIPT_GENL_NAME, RECEIPT_GENL_EVENTS);

	if (group < 0)
		return fail(err, ENOENT, "group of events");
	if (setsockopt(rcpt_nl_fd(nl), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
		       &group, sizeof(group)))
		return fail(err, errno, "group of events");
	return 0;
}

/*
 * Receiving
 */

/* A datagram that is not the kernel's, or not whole, counts as none. */
static int receive_one(struct rcpt_nl *nl)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { nl->buffer, sizeof(nl->buffer) };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	do {
		n = recvmsg(rcpt_nl_fd(nl), &msg, MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (msg.msg_namelen != sizeof(from) || from.nl_family != AF_NETLINK || from.nl_pid)
		return 0;
	if (msg.msg_flags & MSG_TRUNC)
		return -ENOBUFS;
	rcpt_nl_inbox_take(&nl->inbox, nl->buffer, n);
	return 0;
}

/*
 * Takes what has arrived, up to the answer that is waited for; @nl->lost says that the
 * kernel had no room for something. It says so once: what else it drops until the buffer
 * is empty, it drops in silence.
 */
static int take_arrived(struct rcpt_nl *nl)
{
	int ret = 0;

	for (int n = 0; n < RECEIVE_MOST && !ret && !(nl->inbox.seq && nl->inbox.done); n++) {
		ret = receive_one(nl);
		if (ret == -ENOBUFS) {
			nl->lost = true;
			ret = 0;
		}
	}
	return ret == -EAGAIN ? 0 : ret;
}

/**
 * rcpt_nl_receive() - take what has arrived, without waiting
 * @nl: connection
 * @err: filled in on failure
 *
 * Return: 0; -ENOBUFS when messages were lost since it was said last, and what had
 * arrived was taken; else a negative errno.
 */
int rcpt_nl_receive(struct rcpt_nl *nl, struct rcpt_error *err)
{
	int ret = take_arrived(nl);

	if (!ret && nl->lost) {
		nl->lost = false;
		ret = -ENOBUFS;
	}
	return ret ? fail(err, -ret, "netlink") : 0;
}

/**
 * rcpt_nl_dropped() - how many messages the kernel had no room for in the socket
 * @nl: connection
 *
 * Return: their number since it was opened, which wraps around; 0 also where the
 * kernel does not say.
 */
uint32_t rcpt_nl_dropped(const struct rcpt_nl *nl)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(rcpt_nl_fd(nl), SOL_SOCKET, SO_MEMINFO, info, &len))
		return 0;
	return info[SK_MEMINFO_DROPS];
}

/*
 * The kernel answers before sendto() returns, and goes on with a dump whenever a part of
 * it is taken. So an answer that is not there now was dropped: waiting would not bring it.
 */
static int take_answer(struct rcpt_nl *nl, struct rcpt_error *err)
{
	int ret = take_arrived(nl);

	if (ret)
		return fail(err, -ret, "netlink");
	if (nl->inbox.done)
		return nl->inbox.result;
	nl->lost = true;
	return fail(err, ENOBUFS, "answer of the kernel");
}

/*
 * Requests
 */

static struct nl_msg *request(struct rcpt_nl *nl, uint8_t cmd, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_size(size + 256);

	if (!msg || genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->inbox.family,
				0, 0, cmd, RECEIPT_GENL_VERSION))
		return msg;
	nlmsg_free(msg);
	return NULL;
}

static int send_request(struct rcpt_nl *nl, struct nlmsghdr *nlh,
			struct rcpt_error *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(rcpt_nl_fd(nl), nlh, nlh->nlmsg_len, 0,
		   (struct sockaddr *)&kernel, sizeof(kernel)) >= 0)
		return 0;
	/* ENOBUFS is what was sent and not answered; this was not sent. */
	if (errno == ENOBUFS)
		return no_memory(err);
	if (errno != EMSGSIZE)
		return fail(err, errno, "netlink");
	rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
		  "a message of %u bytes is larger than the socket's send buffer",
		  nlh->nlmsg_len);
	return -EMSGSIZE;
}

/* Sends @msg, frees it, takes the answer. What has arrived makes room for it first. */
static int transact(struct rcpt_nl *nl, struct nl_msg *msg, int flags,
		    rcpt_nl_fn on_reply, void *arg, struct rcpt_error *err)
{
	struct rcpt_nl_inbox *in = &nl->inbox;
	struct nlmsghdr *nlh;
	int ret;

	if (!msg)
		return no_memory(err);
	nlh = nlmsg_hdr(msg);
	if (!++nl->seq)
		nl->seq = 1;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = nl->seq;
	nlh->nlmsg_pid = in->port;
	ret = take_arrived(nl);
	if (ret) {
		nlmsg_free(msg);
		return fail(err, -ret, "netlink");
	}
	in->seq = nl->seq;
	in->on_reply = on_reply;
	in->reply_arg = arg;
	in->done = false;
	in->interrupted = false;
	in->err = err;
	ret = send_request(nl, nlh, err);
	nlmsg_free(msg);
	if (!ret)
		ret = take_answer(nl, err);
	in->seq = 0;
	in->err = NULL;
	return ret;
}

/**
 * struct answer - an answer that is one message
 * @cmd: that it must have
 * @parse: its reader
 * @out: for @parse
 * @result: of @parse; -EBADMSG until it came
 */
struct answer {
	uint8_t cmd;
	int (*parse)(struct nlattr **tb, void *out);
	void *out;
	int result;
};

static void on_answer(uint8_t cmd, struct nlattr **tb, void *arg)
{
	struct answer *answer = arg;

	if (cmd == answer->cmd && answer->result)
		answer->result = answer->parse(tb, answer->out);
}

static int ask(struct rcpt_nl *nl, struct nl_msg *msg, struct answer *answer,
	       struct rcpt_error *err)
{
	int ret = transact(nl, msg, NLM_F_ACK, on_answer, answer, err);

	if (ret)
		return ret;
	return answer->result ? fail(err, -answer->result, "answer of the kernel") : 0;
}

static int parse_status(struct nlattr **tb, void *out)
{
	return rcpt_nl_parse_status(tb, out);
}

static int parse_policy(struct nlattr **tb, void *out)
{
	return rcpt_nl_parse_policy(tb, out);
}

static int parse_explain(struct nlattr **tb, void *out)
{
	return rcpt_nl_parse_explain(tb, out);
}

/**
 * rcpt_nl_hello() - register as the helper
 * @nl: connection; it serves until it is closed
 * @status: ABI and errata are filled in
 * @err: filled in on failure
 *
 * Return: 0; -EBUSY while another helper serves; else a negative errno.
 */
int rcpt_nl_hello(struct rcpt_nl *nl, struct rcpt_nl_status *status,
		  struct rcpt_error *err)
{
	struct answer answer = { RECEIPT_CMD_HELLO, parse_status, status, -EBADMSG };
	struct nl_msg *msg = request(nl, RECEIPT_CMD_HELLO, 0);

	if (msg && nla_put_u32(msg, RECEIPT_A_ABI, RECEIPT_ABI_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return ask(nl, msg, &answer, err);
}

/**
 * rcpt_nl_status() - ask for the state of the whole
 * @nl: connection
 * @status: result
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_status(struct rcpt_nl *nl, struct rcpt_nl_status *status,
		   struct rcpt_error *err)
{
	struct answer answer = { RECEIPT_CMD_STATUS, parse_status, status, -EBADMSG };

	return ask(nl, request(nl, RECEIPT_CMD_STATUS, 0), &answer, err);
}

/**
 * rcpt_nl_pending() - have every pending look-up handed to on_message
 * @nl: connection
 * @err: filled in on failure
 *
 * Return: 0; -EAGAIN or -ENOBUFS when some may be missing; else a negative errno.
 */
int rcpt_nl_pending(struct rcpt_nl *nl, struct rcpt_error *err)
{
	struct rcpt_nl_inbox *in = &nl->inbox;
	int ret = transact(nl, request(nl, RECEIPT_CMD_LOOKUP, 0), NLM_F_DUMP,
			   in->on_message, in->arg, err);

	if (!ret && in->interrupted)
		return fail(err, EAGAIN, "list of look-ups");
	return ret;
}

/**
 * rcpt_nl_evidence() - send evidence and wait until the kernel has checked it
 * @nl: connection
 * @ev: evidence
 * @err: filled in on failure; when the kernel refused, with its reason
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_evidence(struct rcpt_nl *nl, const struct rcpt_nl_evidence *ev,
		     struct rcpt_error *err)
{
	struct nl_msg *msg;
	int ret = rcpt_nl_build_evidence(&msg, nl->inbox.family, ev, err);

	return ret ? ret : transact(nl, msg, NLM_F_ACK, NULL, NULL, err);
}

/**
 * rcpt_nl_no_evidence() - close a look-up
 * @nl: connection; must be the registered helper's
 * @lookup: which
 * @reason: why there is no evidence
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_no_evidence(struct rcpt_nl *nl, const struct rcpt_nl_lookup *lookup,
			enum receipt_reason reason, struct rcpt_error *err)
{
	struct nl_msg *msg = request(nl, RECEIPT_CMD_NO_EVIDENCE, RECEIPT_MAX_DIGEST);

	if (msg && (nla_put_u64(msg, RECEIPT_A_ID, lookup->id) ||
		    nla_put_u8(msg, RECEIPT_A_KIND, lookup->kind) ||
		    nla_put(msg, RECEIPT_A_DIGEST, lookup->digest_len, lookup->digest) ||
		    nla_put_u32(msg, RECEIPT_A_REASON, reason))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return transact(nl, msg, NLM_F_ACK, NULL, NULL, err);
}

/**
 * rcpt_nl_policy_load() - make a text the active policy
 * @nl: connection
 * @text: policy
 * @len: bytes
 * @err: filled in on failure
 *
 * Return: 0; -EMSGSIZE for a text over RECEIPT_MAX_POLICY; else a negative errno.
 */
int rcpt_nl_policy_load(struct rcpt_nl *nl, const char *text, size_t len,
			struct rcpt_error *err)
{
	struct nl_msg *msg;

	if (len > RECEIPT_MAX_POLICY) {
		rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_BOUND, RCPT_NO_OFFSET,
			  "a policy has at most %d bytes", RECEIPT_MAX_POLICY);
		return -EMSGSIZE;
	}
	msg = request(nl, RECEIPT_CMD_POLICY_LOAD, len);
	if (msg && nla_put(msg, RECEIPT_A_POLICY, len, text)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return transact(nl, msg, NLM_F_ACK, NULL, NULL, err);
}

/**
 * rcpt_nl_policy_get() - fetch the active policy
 * @nl: connection
 * @policy: result; @policy->text is to be freed
 * @err: filled in on failure
 *
 * Return: 0; -ENOENT when none is active; else a negative errno.
 */
int rcpt_nl_policy_get(struct rcpt_nl *nl, struct rcpt_nl_policy *policy,
		       struct rcpt_error *err)
{
	struct answer answer = { RECEIPT_CMD_POLICY_GET, parse_policy, policy, -EBADMSG };

	return ask(nl, request(nl, RECEIPT_CMD_POLICY_GET, 0), &answer, err);
}

/**
 * rcpt_nl_floor() - have no policy taken below this one
 * @nl: connection
 * @floor: name, version and svn
 * @err: filled in on failure
 *
 * Return: 0, also when the kernel's floor is higher; -EPERM when the active policy
 * or the floor has another name; else a negative errno.
 */
int rcpt_nl_floor(struct rcpt_nl *nl, const struct receipt_lowest *floor,
		  struct rcpt_error *err)
{
	struct nl_msg *msg = request(nl, RECEIPT_CMD_FLOOR, 0);
	char version[sizeof("65535.65535.65535")];

	snprintf(version, sizeof(version), "%u.%u.%u", floor->version[0],
		 floor->version[1], floor->version[2]);
	if (msg && (nla_put_string(msg, RECEIPT_A_POLICY_NAME, floor->name) ||
		    nla_put_string(msg, RECEIPT_A_POLICY_VERSION, version) ||
		    nla_put_u32(msg, RECEIPT_A_POLICY_SVN, floor->svn))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return transact(nl, msg, NLM_F_ACK, NULL, NULL, err);
}

/**
 * rcpt_nl_flush() - have the kernel forget digests and verdicts
 * @nl: connection
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_flush(struct rcpt_nl *nl, struct rcpt_error *err)
{
	return transact(nl, request(nl, RECEIPT_CMD_FLUSH, 0), NLM_F_ACK, NULL,
			NULL, err);
}

/**
 * rcpt_nl_explain() - ask what would be decided about a digest
 * @nl: connection
 * @kind: enum receipt_kind
 * @digest: of the artifact
 * @op: enum receipt_op
 * @out: result
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_explain(struct rcpt_nl *nl, uint8_t kind, struct rcpt_span digest,
		    uint8_t op, struct rcpt_nl_explain *out,
		    struct rcpt_error *err)
{
	struct answer answer = { RECEIPT_CMD_EXPLAIN, parse_explain, out, -EBADMSG };
	struct nl_msg *msg = request(nl, RECEIPT_CMD_EXPLAIN, RECEIPT_MAX_DIGEST);

	if (msg && (nla_put_u8(msg, RECEIPT_A_KIND, kind) ||
		    nla_put(msg, RECEIPT_A_DIGEST, digest.len, digest.data) ||
		    nla_put_u8(msg, RECEIPT_A_OP, op))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return ask(nl, msg, &answer, err);
}

/**
 * struct stats - who gets counters
 * @fn: function
 * @arg: for it
 */
struct stats {
	void (*fn)(const struct rcpt_nl_stat *stat, void *arg);
	void *arg;
};

static void on_stats(uint8_t cmd, struct nlattr **tb, void *arg)
{
	const struct stats *stats = arg;
	struct rcpt_nl_stat stat;
	struct nlattr *attr;
	int left;

	if (cmd != RECEIPT_CMD_STATS || !tb[RECEIPT_A_STATS])
		return;
	nla_for_each_nested(attr, tb[RECEIPT_A_STATS], left)
		if (!rcpt_nl_parse_stat(attr, &stat))
			stats->fn(&stat, stats->arg);
}

/**
 * rcpt_nl_stats() - fetch the counters
 * @nl: connection
 * @fn: called for each
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_nl_stats(struct rcpt_nl *nl,
		  void (*fn)(const struct rcpt_nl_stat *stat, void *arg),
		  void *arg, struct rcpt_error *err)
{
	struct stats stats = { fn, arg };

	return transact(nl, request(nl, RECEIPT_CMD_STATS, 0), NLM_F_ACK,
			on_stats, &stats, err);
}

/**
 * struct digests - who gets digests
 * @fn: function
 * @arg: for it
 */
struct digests {
	void (*fn)(const struct rcpt_nl_digest *digest, void *arg);
	void *arg;
};

static void on_digest(uint8_t cmd, struct nlattr **tb, void *arg)
{
	const struct digests *digests = arg;
	struct rcpt_nl_digest digest;

	if (cmd == RECEIPT_CMD_DIGESTS && !rcpt_nl_parse_digest(tb, &digest))
		digests->fn(&digest, digests->arg);
}

/**
 * rcpt_nl_digests() - fetch the digests of which the kernel knows something
 * @nl: connection
 * @fn: called for each; one that comes or goes meanwhile may be missing, and one
 *	may come twice
 * @arg: for @fn
 * @err: filled in on failure
 *
 * Return: 0; -ENOBUFS when some may be missing; -EOPNOTSUPP when the kernel is
 * older; else a negative errno.
 */
int rcpt_nl_digests(struct rcpt_nl *nl,
		    void (*fn)(const struct rcpt_nl_digest *digest, void *arg),
		    void *arg, struct rcpt_error *err)
{
	struct digests digests = { fn, arg };

	return transact(nl, request(nl, RECEIPT_CMD_DIGESTS, 0), NLM_F_DUMP,
			on_digest, &digests, err);
}
