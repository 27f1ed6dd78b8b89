/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * Receipt LSM: the border between the kernel and user space.
 *
 * Generic netlink family "receipt", version 1, in the initial network namespace.
 * Described in Documentation/netlink/receipt.yaml; this header follows it.
 * Every command needs CAP_MAC_ADMIN in the initial user namespace.
 */
#ifndef _UAPI_LINUX_RECEIPT_H
#define _UAPI_LINUX_RECEIPT_H

#include <linux/types.h>

#define RECEIPT_GENL_NAME		"receipt"
#define RECEIPT_GENL_VERSION		1
#define RECEIPT_GENL_EVENTS		"events"

/* What HELLO and STATUS answer: raised when a message changes its meaning. */
#define RECEIPT_ABI_VERSION		1
/* One bit for each repaired defect that user space may want to know of. */
#define RECEIPT_ABI_ERRATA		0ULL

/* Bounds. What is over a bound is refused, never truncated. */
#define RECEIPT_MAX_TOKENS		1024	/* in one protected header */
#define RECEIPT_MAX_DEPTH		16	/* nesting of arrays, maps, tags */
#define RECEIPT_MAX_CRIT		16	/* labels in crit */
#define RECEIPT_MAX_MAP			64	/* pairs in a map that is read */
#define RECEIPT_MAX_BLOB		32768	/* bytes of strings of one header */
#define RECEIPT_MAX_PATH		64	/* hashes in a Merkle path */
#define RECEIPT_MAX_RECEIPTS		8	/* in one statement */
#define RECEIPT_MEASURED_MAX		5	/* kinds of digests of one artifact */
#define RECEIPT_MAX_STATEMENTS		8	/* kept for one digest */
#define RECEIPT_MAX_KEPT	512	/* digests whose evidence is kept */
#define RECEIPT_MAX_PAYLOAD		64	/* bytes: a root or a digest */
#define RECEIPT_MAX_SIGNATURE		8192	/* bytes: room for ML-DSA and SLH-DSA-128s */
#define RECEIPT_MAX_LEAF_EVIDENCE	1024	/* bytes, CCF internal evidence */
#define RECEIPT_MAX_DIGEST		64	/* bytes */
#define RECEIPT_MAX_CLAIM		1024	/* bytes of an iss or sub */
#define RECEIPT_MAX_POLICY		61440	/* bytes of policy text */
#define RECEIPT_MAX_PATH_HINT		4096	/* bytes */
#define RECEIPT_HASH_SIZE		32	/* SHA-256: tree nodes, key ids */

/**
 * struct receipt_token - one CBOR head of a protected header
 * @arg: the argument (RFC 8949 section 3): value, length, count or tag number
 * @major: major type 0 to 7; of major 7 only false (20), true (21), null (22)
 *         and undefined (23)
 * @pad: zero
 *
 * The bytes of strings (majors 2 and 3) stand in the blob beside the tokens
 * and are consumed in order. Heads are encoded in their shortest form.
 */
struct receipt_token {
	__u64 arg;
	__u8 major;
	__u8 pad[7];
};

/* What a digest was computed over; first byte of a manifest leaf. */
enum receipt_kind {
	RECEIPT_KIND_SHA256 = 1,	/* content */
	RECEIPT_KIND_SHA384 = 2,
	RECEIPT_KIND_SHA512 = 3,
	RECEIPT_KIND_FSVERITY_SHA256 = 4,
	RECEIPT_KIND_DMVERITY_SHA256 = 5,
};

/* Operations. A manifest's usage byte has bit (1 << op) for each it grants. */
enum receipt_op {
	RECEIPT_OP_EXECUTE,
	RECEIPT_OP_KMODULE,
	RECEIPT_OP_FIRMWARE,
	RECEIPT_OP_KEXEC_IMAGE,
	RECEIPT_OP_KEXEC_INITRAMFS,
	RECEIPT_OP_X509_CERT,
	RECEIPT_OP_POLICY,
	RECEIPT_OP_ANON_EXEC,
	RECEIPT_OP_COUNT,
};

enum receipt_vds {
	RECEIPT_VDS_RFC9162 = 1,
	RECEIPT_VDS_CCF = 2,
};

enum receipt_helper_state {
	RECEIPT_HELPER_ABSENT,		/* none has registered yet */
	RECEIPT_HELPER_SERVING,
	RECEIPT_HELPER_LOST,		/* was there, its socket is closed */
};

enum receipt_mode {
	RECEIPT_MODE_NONE,		/* no policy is active */
	RECEIPT_MODE_PERMISSIVE,
	RECEIPT_MODE_ENFORCE,
};

/*
 * Reasons: one list for verdicts, refused messages, audit records, the CLI and
 * its tests. The text is what users see; numbers and texts are stable.
 */
#define RECEIPT_REASONS(_)						\
	/* verdicts */							\
	_(0, ALLOWED, "allowed")					\
	_(1, NO_POLICY, "no-policy")					\
	_(2, RULE, "denied-by-rule")					\
	_(3, DEFAULT, "denied-by-default")				\
	_(4, NO_EVIDENCE, "no-evidence")				\
	_(5, NO_RULE_SATISFIED, "evidence-satisfies-no-rule")		\
	_(6, NO_HELPER, "no-helper")					\
	_(7, HELPER_TIMEOUT, "helper-timeout")				\
	_(8, HELPER_ITSELF, "helper-itself")				\
	_(9, QUEUE_FULL, "queue-full")					\
	_(10, INTERRUPTED, "interrupted")				\
	_(11, OPEN_WRITER, "open-for-writing")				\
	_(12, FILE_CHANGED, "file-changed")				\
	_(13, UNSTABLE_FS, "unstable-filesystem")			\
	_(14, UNREADABLE, "unreadable")					\
	_(15, NO_MEMORY, "no-memory")					\
	_(16, WRITE_EXEC, "writable-and-executable")			\
	_(17, WRITTEN_EXEC, "written-then-executable")			\
	_(18, UNKNOWN_UNDER_LOCK, "not-yet-verified")			\
	_(19, NO_CONTENTS, "contents-not-available")			\
	_(20, POLICY_VERSION, "policy-version-not-higher")		\
	_(21, POLICY_NAME, "policy-name-differs")			\
	_(22, POLICY_SYNTAX, "policy-syntax")				\
	_(23, CORRUPTED, "changed-without-a-write")			\
	_(24, EXCHANGED, "program-file-exchanged")			\
	_(25, REVOKED, "revoked")					\
	_(26, POLICY_FLOOR, "policy-below-the-floor")			\
	_(27, ANCHOR, "anchor-not-usable")				\
	_(28, TAIL, "bytes-behind-the-end")				\
	_(29, CROWDED, "too-many-statements")				\
	_(30, LATE_MOUNT, "mounted-late")				\
	_(31, TOO_OLD, "receipt-too-old")				\
	_(32, FUTURE, "receipt-from-the-future")			\
	_(33, EMPTY, "empty-file")					\
	/* evidence */							\
	_(40, MESSAGE, "malformed-message")				\
	_(41, BOUND, "over-a-bound")					\
	_(42, TOKENS, "malformed-tokens")				\
	_(43, DUPLICATE_LABEL, "duplicate-label")			\
	_(44, CRITICAL, "unknown-critical-label")			\
	_(45, NO_CLAIMS, "missing-claims")				\
	_(46, CONTENT_TYPE, "unknown-content-type")			\
	_(47, HASH_ALGORITHM, "unknown-hash-algorithm")			\
	_(48, DIGEST, "digest-differs")					\
	_(49, MANIFEST_PATH, "manifest-path-differs")			\
	_(50, PROOF, "malformed-proof")					\
	_(51, NO_RECEIPT, "no-receipt")					\
	_(52, UNKNOWN_STRUCTURE, "unknown-structure")			\
	_(53, UNKNOWN_LOG, "unknown-log")				\
	_(54, UNKNOWN_KEY, "unknown-key")				\
	_(55, ALGORITHM, "wrong-algorithm")				\
	_(56, SIGNATURE, "wrong-receipt-signature")			\
	_(57, USAGE, "usage-not-granted")				\
	_(58, ISSUER_SIGNATURE, "wrong-issuer-signature")		\
	_(59, TREE_SIZE, "tree-size-differs")				\
	_(60, UNVERIFIABLE, "signature-not-verifiable")			\
	/* user space only */						\
	_(70, CBOR, "malformed-cbor")					\
	_(71, NOT_PREFERRED, "not-preferred-encoding")			\
	_(72, TRAILING, "trailing-bytes")				\
	_(73, STRUCTURE, "malformed-structure")				\
	_(74, NO_ISSUER_KEY, "no-issuer-key")				\
	_(75, ROOT, "attached-root-differs")				\
	_(76, STATEMENT, "receipt-of-another-statement")		\
	_(77, CERTIFICATE, "bad-certificate")				\
	_(78, OLDER, "older-than-known")

enum receipt_reason {
#define RECEIPT_REASON_ENUM(num, name, text) RECEIPT_REASON_##name = num,
	RECEIPT_REASONS(RECEIPT_REASON_ENUM)
#undef RECEIPT_REASON_ENUM
};

enum receipt_event {
	RECEIPT_EVENT_VERDICT = 1,
	RECEIPT_EVENT_POLICY,
	RECEIPT_EVENT_HELPER,
};

/* Who says the lowest version of a policy that is taken. */
enum receipt_floor {
	RECEIPT_FLOOR_NONE,
	RECEIPT_FLOOR_COMMAND_LINE,	/* receipt.policy_floor= */
	RECEIPT_FLOOR_HELPER,		/* what was active before the last boot */
	RECEIPT_FLOOR_TPM,		/* a counter, see receipt.tpm_counter= */
};

/**
 * enum receipt_cmd - commands of the family
 * @RECEIPT_CMD_HELLO: ABI: register the sending socket as the helper. Answer:
 *	ABI, ERRATA. -EBUSY while another helper serves. The helper is sent LOOKUP
 *	and, when another policy is active, the EVENT of it.
 * @RECEIPT_CMD_LOOKUP: the kernel asks: ID, KIND, DIGEST, OP, SIZE, PATH. As a
 *	dump request: everything that is pending.
 * @RECEIPT_CMD_EVIDENCE: KIND, DIGEST, STATEMENT, RECEIPT (one or more),
 *	MANIFEST (for a manifest statement), and for an answer ID. With MORE, more evidence for
 *	this ID follows; without it the lookup is complete. Without ID: a preload. With
 *	KEEP, what is known of the digest by then is kept, as the files of the helper need
 *	it, which nobody can be asked about when it starts: no flush and no shortage of
 *	memory drops it, it counts under no_helper=deny, and while no helper serves it is
 *	all there is to know. The last RECEIPT_MAX_KEPT digests are kept.
 *	Refused evidence leaves the lookup open; the error's text is the reason.
 * @RECEIPT_CMD_NO_EVIDENCE: KIND, DIGEST, ID, REASON: the helper has none. Only
 *	from the registered helper (-EPERM).
 * @RECEIPT_CMD_POLICY_LOAD: POLICY
 * @RECEIPT_CMD_POLICY_GET: answer POLICY, POLICY_NAME, POLICY_VERSION,
 *	POLICY_SVN, MODE, GENERATION, DIGEST; -ENOENT when none is active
 * @RECEIPT_CMD_STATUS: answer ABI, ERRATA, HELPER_STATE, HELPER_PID,
 *	HELPER_SINCE, TIME, TIME_FLOOR, MODE, GENERATION, when active POLICY_NAME, POLICY_VERSION,
 *	POLICY_SVN, HELPER_TIMEOUT, NO_HELPER, and with a floor FLOOR_NAME,
 *	FLOOR_VERSION, FLOOR_SVN, FLOOR_SOURCE
 * @RECEIPT_CMD_STATS: answer STATS: nest of STAT, each with NAME and VALUE, of a
 *	counter of denials also REASON, of a bucket of a histogram also LIMIT
 *	(not cumulative; of the last one all bits are set)
 * @RECEIPT_CMD_FLUSH: drop cached digests and verdicts
 * @RECEIPT_CMD_EXPLAIN: KIND, DIGEST, OP: what would be decided now, without
 *	asking the helper. Answer: VERDICT, RULE, REASON, STATEMENTS
 * @RECEIPT_CMD_EVENT: multicast to "events": EVENT and what belongs to it
 * @RECEIPT_CMD_FLOOR: POLICY_NAME, POLICY_VERSION, POLICY_SVN: no policy below
 *	these is taken any more. Never lowers what is in force.
 * @RECEIPT_CMD_DIGESTS: dump: KIND, DIGEST, STATEMENTS of every digest of which
 *	something is known; 0 statements: that there is no evidence
 */
enum receipt_cmd {
	RECEIPT_CMD_UNSPEC,
	RECEIPT_CMD_HELLO,
	RECEIPT_CMD_LOOKUP,
	RECEIPT_CMD_EVIDENCE,
	RECEIPT_CMD_NO_EVIDENCE,
	RECEIPT_CMD_POLICY_LOAD,
	RECEIPT_CMD_POLICY_GET,
	RECEIPT_CMD_STATUS,
	RECEIPT_CMD_STATS,
	RECEIPT_CMD_FLUSH,
	RECEIPT_CMD_EXPLAIN,
	RECEIPT_CMD_EVENT,
	RECEIPT_CMD_FLOOR,
	RECEIPT_CMD_DIGESTS,
	__RECEIPT_CMD_MAX,
};

#define RECEIPT_CMD_MAX (__RECEIPT_CMD_MAX - 1)

enum receipt_attr {
	RECEIPT_A_UNSPEC,
	RECEIPT_A_PAD,
	RECEIPT_A_ABI,			/* u32 */
	RECEIPT_A_ERRATA,		/* u64 */
	RECEIPT_A_ID,			/* u64, of a lookup */
	RECEIPT_A_KIND,			/* u8, enum receipt_kind */
	RECEIPT_A_DIGEST,		/* binary, length by kind */
	RECEIPT_A_OP,			/* u8, enum receipt_op */
	RECEIPT_A_SIZE,			/* u64, bytes of the artifact */
	RECEIPT_A_PATH,			/* string, a hint; of a LOOKUP the end of the path */
	RECEIPT_A_STATEMENT,		/* nest, enum receipt_stmt_attr */
	RECEIPT_A_RECEIPT,		/* nest, enum receipt_rcpt_attr; may repeat */
	RECEIPT_A_MANIFEST,		/* nest, enum receipt_mft_attr */
	RECEIPT_A_MORE,			/* flag */
	RECEIPT_A_REASON,		/* u32, enum receipt_reason */
	RECEIPT_A_POLICY,		/* binary, the text */
	RECEIPT_A_POLICY_NAME,		/* string */
	RECEIPT_A_POLICY_VERSION,	/* string, "1.2.3" */
	RECEIPT_A_MODE,			/* u8, enum receipt_mode */
	RECEIPT_A_GENERATION,		/* u64, of the policy */
	RECEIPT_A_HELPER_STATE,		/* u8, enum receipt_helper_state */
	RECEIPT_A_HELPER_PID,		/* u32 */
	RECEIPT_A_EVENT,		/* u8, enum receipt_event */
	RECEIPT_A_HOOK,			/* string */
	RECEIPT_A_VERDICT,		/* u8, 1 allowed, 0 denied */
	RECEIPT_A_ENFORCED,		/* u8, 0 when permissive let a denial pass */
	RECEIPT_A_RULE,			/* u32, line of the policy; 0 when none */
	RECEIPT_A_DEV_MAJOR,		/* u32 */
	RECEIPT_A_DEV_MINOR,		/* u32 */
	RECEIPT_A_INO,			/* u64 */
	RECEIPT_A_PID,			/* u32 */
	RECEIPT_A_UID,			/* u32 */
	RECEIPT_A_COMM,			/* string */
	RECEIPT_A_STATS,		/* nest of RECEIPT_A_STAT */
	RECEIPT_A_STAT,			/* nest of NAME, VALUE, REASON, LIMIT */
	RECEIPT_A_NAME,			/* string */
	RECEIPT_A_VALUE,		/* u64 */
	RECEIPT_A_STATEMENTS,		/* u32, proven statements known of the digest */
	RECEIPT_A_POLICY_SVN,		/* u32, of the policy */
	RECEIPT_A_FLOOR_NAME,		/* string, of the policy that the floor is for */
	RECEIPT_A_FLOOR_VERSION,	/* string, "1.2.3" */
	RECEIPT_A_FLOOR_SVN,		/* u32 */
	RECEIPT_A_FLOOR_SOURCE,		/* u8, enum receipt_floor */
	RECEIPT_A_LIMIT,		/* u64, upper bound of a STAT's bucket, microseconds */
	RECEIPT_A_SUPPRESSED,		/* u64, events that were not sent before this one */
	RECEIPT_A_HELPER_TIMEOUT,	/* u32, seconds that are waited for the helper */
	RECEIPT_A_NO_HELPER,		/* u8, what counts while none serves: 0 cached, 1 deny */
	RECEIPT_A_HELPER_SINCE,		/* u64, seconds that the helper is in its state */
	RECEIPT_A_TIME,			/* u64, by which receipts have ages, seconds since 1970 */
	RECEIPT_A_TIME_FLOOR,		/* u64, what it cannot be set below */
	RECEIPT_A_KEEP,			/* flag, evidence is for the start of the helper */
	__RECEIPT_A_MAX,
};

#define RECEIPT_A_MAX (__RECEIPT_A_MAX - 1)

/* The signed statement (COSE_Sign1, RFC 9943), taken apart. */
enum receipt_stmt_attr {
	RECEIPT_STMT_UNSPEC,
	RECEIPT_STMT_TOKENS,		/* struct receipt_token[], the protected map */
	RECEIPT_STMT_BLOB,		/* binary, may be missing when empty */
	RECEIPT_STMT_PAYLOAD,		/* binary */
	RECEIPT_STMT_SIGNATURE,		/* binary */
	__RECEIPT_STMT_MAX,
};

#define RECEIPT_STMT_MAX (__RECEIPT_STMT_MAX - 1)

/*
 * A receipt (RFC 9942), taken apart. vds 1 has INDEX and TREE_SIZE; vds 2 has
 * LEAF_TX, LEAF_EVIDENCE and LEFT. Which it is, the protected header says.
 */
enum receipt_rcpt_attr {
	RECEIPT_RCPT_UNSPEC,
	RECEIPT_RCPT_PAD,
	RECEIPT_RCPT_TOKENS,		/* struct receipt_token[], the protected map */
	RECEIPT_RCPT_BLOB,		/* binary, may be missing when empty */
	RECEIPT_RCPT_SIGNATURE,		/* binary, r || s */
	RECEIPT_RCPT_PATH,		/* binary, 32 bytes a step; missing when empty */
	RECEIPT_RCPT_INDEX,		/* u64 */
	RECEIPT_RCPT_TREE_SIZE,		/* u64 */
	RECEIPT_RCPT_LEAF_TX,		/* binary, 32 bytes */
	RECEIPT_RCPT_LEAF_EVIDENCE,	/* binary, UTF-8 */
	RECEIPT_RCPT_LEFT,		/* binary, a byte a step: 1 = sibling is left */
	__RECEIPT_RCPT_MAX,
};

#define RECEIPT_RCPT_MAX (__RECEIPT_RCPT_MAX - 1)

/* Where the digest stands in the manifest (RFC 9162 tree over its leaves). */
enum receipt_mft_attr {
	RECEIPT_MFT_UNSPEC,
	RECEIPT_MFT_PAD,
	RECEIPT_MFT_USAGE,		/* u8, bits of operations */
	RECEIPT_MFT_INDEX,		/* u64 */
	RECEIPT_MFT_TREE_SIZE,		/* u64 */
	RECEIPT_MFT_PATH,		/* binary, 32 bytes a step; missing when empty */
	__RECEIPT_MFT_MAX,
};

#define RECEIPT_MFT_MAX (__RECEIPT_MFT_MAX - 1)

#endif /* _UAPI_LINUX_RECEIPT_H */
