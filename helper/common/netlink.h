/* SPDX-License-Identifier: MIT */
/*
 * Client of the generic netlink family "receipt" (uapi/receipt.h).
 *
 * Functions return 0 or a negative errno with struct rcpt_error filled in. Its
 * text is the kernel's own where the kernel gave one, its reason what that
 * text begins with (0: nothing known), its status RCPT_INVALID for what the
 * kernel refused and RCPT_SYSTEM for the rest.
 *
 * -ENOBUFS is also the result of a request whose answer the kernel had no room for. Whether
 * it was carried out, nobody knows then.
 *
 * One socket is for one thread. No function but rcpt_nl_open() and
 * rcpt_nl_subscribe() opens files or looks up names.
 */
#ifndef RCPT_NETLINK_H
#define RCPT_NETLINK_H

#include <netlink/attr.h>
#include <netlink/msg.h>

#include "receipt.h"

#define RCPT_NL_BUFFER		(128u << 10)	/* bytes of one datagram from the kernel */
#define RCPT_NL_NAME_MAX	64
#define RCPT_NL_NO_FAMILY	"kernel has no receipt family: load the module with " \
				"\"modprobe receipt\"; other network namespaces do not see it"

struct rcpt_nl;

/**
 * typedef rcpt_nl_fn - takes a message of the family
 * @cmd: enum receipt_cmd
 * @tb: attributes, by enum receipt_attr; checked for length, valid during the
 *	call only
 * @arg: of the caller
 */
typedef void (*rcpt_nl_fn)(uint8_t cmd, struct nlattr **tb, void *arg);

/*
 * message.c: messages without a socket
 */

/**
 * struct rcpt_nl_evidence - what an EVIDENCE message says
 * @has_id: it answers the look-up @id; else it is a preload
 * @more: more evidence for @id, or the same digest, follows
 * @keep: a preload for the start of the helper
 * @manifest: @usage, @index, @size, @npath and @path count
 * @usage: bits of operations that the leaf grants
 * @kind: enum receipt_kind
 * @id: of the look-up
 * @digest: of the artifact
 * @stmt: the statement
 * @receipts: its receipts
 * @nreceipts: how many
 * @index: number of the leaf in the manifest
 * @size: leaves in the manifest
 * @path: inclusion path, lowest first
 * @npath: hashes in @path
 */
struct rcpt_nl_evidence {
	bool has_id;
	bool more;
	bool keep;
	bool manifest;
	uint8_t usage;
	uint8_t kind;
	uint64_t id;
	struct rcpt_span digest;
	const struct rcpt_statement *stmt;
	const struct rcpt_receipt *receipts;
	size_t nreceipts;
	uint64_t index;
	uint64_t size;
	const uint8_t (*path)[RECEIPT_HASH_SIZE];
	size_t npath;
};

/**
 * struct rcpt_nl_lookup - what a LOOKUP message says
 * @id: of the look-up
 * @size: bytes of the artifact; 0 when the kernel does not say
 * @kind: enum receipt_kind
 * @op: enum receipt_op
 * @digest_len: bytes of @digest
 * @digest: of the artifact
 * @path: hint, inside of the message; NULL when absent
 */
struct rcpt_nl_lookup {
	uint64_t id;
	uint64_t size;
	uint8_t kind;
	uint8_t op;
	uint8_t digest_len;
	uint8_t digest[RECEIPT_MAX_DIGEST];
	const char *path;
};

/**
 * struct rcpt_nl_status - answer to STATUS
 * @abi: of the kernel
 * @errata: repaired defects
 * @helper: state of the helper
 * @helper_pid: process id of the helper
 * @helper_since: seconds that it is in its state; 0 when the kernel does not say
 * @time: that the kernel tells ages of receipts by, seconds since 1970; 0 when it does
 *	not say
 * @time_floor: what @time cannot be set below
 * @helper_timeout: seconds that are waited for it; 0 when no policy is active
 * @no_helper: enum receipt_no_helper of the policy
 * @mode: of the policy
 * @generation: of the policy
 * @policy_name: empty when none is active
 * @policy_version: likewise
 * @policy_svn: likewise
 * @floor: who says below what no policy is taken
 * @floor_name: of the policy that the floor is for
 * @floor_version: lowest version
 * @floor_svn: lowest policy_svn
 */
struct rcpt_nl_status {
	uint32_t abi;
	uint64_t errata;
	enum receipt_helper_state helper;
	uint32_t helper_pid;
	uint64_t helper_since;
	uint64_t time;
	uint64_t time_floor;
	uint32_t helper_timeout;
	uint8_t no_helper;
	enum receipt_mode mode;
	uint64_t generation;
	char policy_name[RCPT_NL_NAME_MAX + 1];
	char policy_version[RCPT_NL_NAME_MAX + 1];
	uint32_t policy_svn;
	enum receipt_floor floor;
	char floor_name[RCPT_NL_NAME_MAX + 1];
	char floor_version[RCPT_NL_NAME_MAX + 1];
	uint32_t floor_svn;
};

/**
 * struct rcpt_nl_policy - answer to POLICY_GET
 * @text: of the policy, with a zero byte behind it; to be freed
 * @len: bytes without it
 * @mode: of the policy
 * @generation: of the policy
 * @name: of the policy
 * @version: of the policy
 * @digest: SHA-256 of @text
 * @has_digest: @digest counts
 */
struct rcpt_nl_policy {
	char *text;
	size_t len;
	enum receipt_mode mode;
	uint64_t generation;
	char name[RCPT_NL_NAME_MAX + 1];
	char version[RCPT_NL_NAME_MAX + 1];
	uint8_t digest[RECEIPT_HASH_SIZE];
	bool has_digest;
};

/**
 * struct rcpt_nl_explain - answer to EXPLAIN
 * @allowed: the verdict
 * @rule: line of the policy; 0 when none
 * @reason: why
 * @statements: proven statements that the kernel knows of the digest
 */
struct rcpt_nl_explain {
	bool allowed;
	uint32_t rule;
	enum receipt_reason reason;
	uint32_t statements;
};

/**
 * struct rcpt_nl_stat - one of the numbers in the answer to STATS
 * @name: inside of the message, at most RCPT_NL_NAME_MAX bytes
 * @value: the number
 * @reason: that it is of; RECEIPT_REASON_ALLOWED: of none
 * @limit: of a bucket, microseconds; UINT64_MAX: what is longer than all; 0: it
 *	is no bucket
 */
struct rcpt_nl_stat {
	const char *name;
	uint64_t value;
	enum receipt_reason reason;
	uint64_t limit;
};

/**
 * struct rcpt_nl_digest - a digest of which the kernel knows something
 * @kind: enum receipt_kind
 * @digest_len: bytes of @digest
 * @digest: of the artifact
 * @statements: proven statements; 0: that there is no evidence
 */
struct rcpt_nl_digest {
	uint8_t kind;
	uint8_t digest_len;
	uint8_t digest[RECEIPT_MAX_DIGEST];
	uint32_t statements;
};

int rcpt_nl_build_evidence(struct nl_msg **msg, uint16_t family,
			   const struct rcpt_nl_evidence *ev,
			   struct rcpt_error *err);
int rcpt_nl_parse_attrs(struct nlmsghdr *nlh, struct nlattr **tb);
int rcpt_nl_parse_lookup(struct nlattr **tb, struct rcpt_nl_lookup *out);
int rcpt_nl_parse_status(struct nlattr **tb, struct rcpt_nl_status *out);
int rcpt_nl_parse_policy(struct nlattr **tb, struct rcpt_nl_policy *out);
int rcpt_nl_parse_stat(struct nlattr *attr, struct rcpt_nl_stat *out);
int rcpt_nl_parse_digest(struct nlattr **tb, struct rcpt_nl_digest *out);
int rcpt_nl_parse_explain(struct nlattr **tb, struct rcpt_nl_explain *out);
enum receipt_reason rcpt_nl_reason_of(const char *text);
const char *rcpt_mode_name(uint8_t mode);
const char *rcpt_helper_name(uint8_t state);
const char *rcpt_floor_name(uint8_t source);

/**
 * struct rcpt_nl_inbox - takes datagrams apart
 * @family: number of the family
 * @port: of the socket; messages of replies carry it
 * @seq: of the request that waits for an answer
 * @on_message: gets what answers no request; may be NULL
 * @arg: for @on_message
 * @on_reply: gets what answers the request; may be NULL
 * @reply_arg: for @on_reply
 * @done: the request is answered
 * @interrupted: a dump may lack something
 * @result: 0 or the kernel's negative errno
 * @err: filled in with the kernel's text when @result is not 0
 */
struct rcpt_nl_inbox {
	uint16_t family;
	uint32_t port;
	uint32_t seq;
	rcpt_nl_fn on_message;
	void *arg;
	rcpt_nl_fn on_reply;
	void *reply_arg;
	bool done;
	bool interrupted;
	int result;
	struct rcpt_error *err;
};

void rcpt_nl_inbox_take(struct rcpt_nl_inbox *in, void *buf, size_t len);

/*
 * netlink.c: the socket
 */
int rcpt_nl_open(struct rcpt_nl **nl, struct rcpt_error *err);
void rcpt_nl_close(struct rcpt_nl *nl);
int rcpt_nl_fd(const struct rcpt_nl *nl);
void rcpt_nl_on_message(struct rcpt_nl *nl, rcpt_nl_fn fn, void *arg);
int rcpt_nl_receive(struct rcpt_nl *nl, struct rcpt_error *err);
uint32_t rcpt_nl_dropped(const struct rcpt_nl *nl);
int rcpt_nl_subscribe(struct rcpt_nl *nl, struct rcpt_error *err);

int rcpt_nl_hello(struct rcpt_nl *nl, struct rcpt_nl_status *status,
		  struct rcpt_error *err);
int rcpt_nl_pending(struct rcpt_nl *nl, struct rcpt_error *err);
int rcpt_nl_evidence(struct rcpt_nl *nl, const struct rcpt_nl_evidence *ev,
		     struct rcpt_error *err);
int rcpt_nl_no_evidence(struct rcpt_nl *nl, const struct rcpt_nl_lookup *lookup,
			enum receipt_reason reason, struct rcpt_error *err);
int rcpt_nl_policy_load(struct rcpt_nl *nl, const char *text, size_t len,
			struct rcpt_error *err);
int rcpt_nl_policy_get(struct rcpt_nl *nl, struct rcpt_nl_policy *policy,
		       struct rcpt_error *err);
int rcpt_nl_status(struct rcpt_nl *nl, struct rcpt_nl_status *status,
		   struct rcpt_error *err);
int rcpt_nl_stats(struct rcpt_nl *nl,
		  void (*fn)(const struct rcpt_nl_stat *stat, void *arg),
		  void *arg, struct rcpt_error *err);
int rcpt_nl_digests(struct rcpt_nl *nl,
		    void (*fn)(const struct rcpt_nl_digest *digest, void *arg),
		    void *arg, struct rcpt_error *err);
int rcpt_nl_floor(struct rcpt_nl *nl, const struct receipt_lowest *floor,
		  struct rcpt_error *err);
int rcpt_nl_flush(struct rcpt_nl *nl, struct rcpt_error *err);
int rcpt_nl_explain(struct rcpt_nl *nl, uint8_t kind, struct rcpt_span digest,
		    uint8_t op, struct rcpt_nl_explain *out,
		    struct rcpt_error *err);

#endif /* RCPT_NETLINK_H */
