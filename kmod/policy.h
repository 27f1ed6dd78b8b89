/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * The policy, parsed, and its evaluation. Pure code: the kernel and receiptctl
 * compile the same policy_parse.c and policy_eval.c, and so judge alike.
 */
#ifndef _RECEIPT_POLICY_H
#define _RECEIPT_POLICY_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include "kshim.h"
#endif
#include "uapi/receipt.h"

#define RECEIPT_POLICY_NAME_MAX		64
#define RECEIPT_POLICY_LOGS		32
#define RECEIPT_POLICY_RULES		4096
#define RECEIPT_POLICY_REVOCATIONS	1024
#define RECEIPT_RULE_RECEIPTS		4	/* receipt= in one rule */
#define RECEIPT_FSTYPE_MAX		64	/* bytes of a name of a file system */
#define RECEIPT_SPKI_MAX		158	/* DER bytes of a P-521 key info */
#define RECEIPT_HELPER_TIMEOUT		10	/* seconds, where the policy is silent */
#define RECEIPT_HELPER_TIMEOUT_MAX	3600
#define RECEIPT_MAX_SKEW		600	/* seconds that a log's clock may be ahead */
#define RECEIPT_RULE_DIGESTS		3	/* digest=, fsverity=, dmverity= */

/* Kinds that are found by hashing all of a content. */
#define RECEIPT_CONTENT_KINDS	(BIT(RECEIPT_KIND_SHA256) | \
				 BIT(RECEIPT_KIND_SHA384) | \
				 BIT(RECEIPT_KIND_SHA512))

enum receipt_action {
	RECEIPT_ACTION_UNSET,
	RECEIPT_ACTION_ALLOW,
	RECEIPT_ACTION_DENY,
};

enum receipt_curve {
	RECEIPT_CURVE_P256 = 1,
	RECEIPT_CURVE_P384 = 2,
	RECEIPT_CURVE_P521 = 3,
};

/* What a leaf of a vds 1 log commits to (the RFC leaves it open). */
enum receipt_entry {
	RECEIPT_ENTRY_SHA256_STMT,	/* SHA-256 of the statement bytes */
	RECEIPT_ENTRY_STMT,		/* the statement bytes */
};

/**
 * struct receipt_key - an ECDSA public key out of a policy
 * @curve: which
 * @spki_len: used bytes of @spki
 * @spki: DER SubjectPublicKeyInfo; its last 65, 97 or 133 bytes are the point
 * @id: SHA-256 of @spki. The parser leaves it zero; whoever owns a hash fills
 *	it in by receipt_policy_identify()
 * @thumbprint: COSE Key thumbprint with SHA-256 (RFC 9679), likewise
 */
struct receipt_key {
	enum receipt_curve curve;
	u8 spki_len;
	u8 spki[RECEIPT_SPKI_MAX];
	u8 id[RECEIPT_HASH_SIZE];
	u8 thumbprint[RECEIPT_HASH_SIZE];
};

/**
 * struct receipt_log - a log that the policy trusts
 * @line: in the text, from 1
 * @name: as rules say it in receipt=
 * @issuer: the iss that its receipts carry; lines of one issuer are keys of one
 *	log only when they share @name
 * @key: its key
 * @entry: for vds 1
 * @identity_verified: the log checks the signer before it registers
 * @has_window: only receipts that say a time from @not_before to @not_after, both
 *	included, count
 * @not_before: seconds since 1970
 * @not_after: the same
 * @min_position: only receipts of entries from here on count; 0: of all
 */
struct receipt_log {
	u32 line;
	const char *name;
	const char *issuer;
	struct receipt_key key;
	enum receipt_entry entry;
	bool identity_verified;
	bool has_window;
	s64 not_before;
	s64 not_after;
	u64 min_position;
};

/* What counts while no helper serves. */
enum receipt_no_helper {
	RECEIPT_NO_HELPER_CACHED,	/* evidence that is proven already */
	RECEIPT_NO_HELPER_DENY,		/* no evidence at all */
};

enum receipt_tristate { RECEIPT_ANY, RECEIPT_TRUE, RECEIPT_FALSE };

/**
 * struct receipt_rule - one rule; all properties present must hold
 * @line: in the text, from 1
 * @op: operation
 * @action: what follows
 * @nreceipts: used entries of @receipts
 * @receipts: names of logs, all of which must have given a receipt for the
 *	same statement
 * @issuer: iss of the statement or NULL; exact, or a prefix when it ends in "*"
 * @subject: sub of the statement or NULL; likewise
 * @has_min_svn: @min_svn counts
 * @min_svn: lowest svn of the statement
 * @has_issuer_key: @issuer_key counts
 * @issuer_key: the key that must have signed the statement
 * @ndigests: used entries of @digests
 * @digests: which the artifact must have, each of another kind
 * @boot_verified: what it must be
 * @fstype: name of the type of file system that the artifact is on, or NULL
 * @max_age: seconds that receipts may be old; 0: any number. Nor may they be from
 *	the future then, by more than RECEIPT_MAX_SKEW
 * @min_position: lowest position in the log of receipts; 0: any
 */
struct receipt_rule {
	u32 line;
	enum receipt_op op;
	enum receipt_action action;
	u8 nreceipts;
	const char *receipts[RECEIPT_RULE_RECEIPTS];
	const char *issuer;
	const char *subject;
	bool has_min_svn;
	bool has_issuer_key;
	u64 min_svn;
	struct receipt_key issuer_key;
	u8 ndigests;
	struct {
		u8 kind;
		u8 bytes[RECEIPT_MAX_DIGEST];
	} digests[RECEIPT_RULE_DIGESTS];
	enum receipt_tristate boot_verified;
	const char *fstype;
	u64 max_age;
	u64 min_position;
};

/**
 * struct receipt_revocation - what does not count any more, whatever rules say
 * @line: in the text, from 1
 * @kind: of @digest; 0: statements are revoked, not an artifact
 * @digest: of the artifact that is revoked
 * @issuer: iss of the statements or NULL, as in a rule
 * @subject: sub of the statements or NULL, as in a rule
 * @svn_below: statements with a lower svn, or none; 0: with any
 * @has_issuer_key: @issuer_key counts
 * @issuer_key: the key that signed the statements
 */
struct receipt_revocation {
	u32 line;
	u8 kind;
	u8 digest[RECEIPT_MAX_DIGEST];
	const char *issuer;
	const char *subject;
	u64 svn_below;
	bool has_issuer_key;
	struct receipt_key issuer_key;
};

/**
 * struct receipt_policy - a parsed policy, immutable once published
 * @name: policy_name
 * @version: policy_version, major, minor, patch
 * @svn: policy_svn; raised when no earlier policy must ever come back
 * @mode: permissive or enforce
 * @helper_timeout: seconds to wait for the helper's answer
 * @no_helper: what counts while none serves
 * @digests: bits of the kinds that count
 * @recheck_setuid: content is hashed anew before it gets privileges
 * @mounts_sealed: no code of what was mounted after the latch
 * @nlogs: used entries of @logs
 * @logs: log lines in order
 * @nrules: used entries of @rules
 * @rules: rules in order of the text
 * @nrevocations: used entries of @revocations
 * @revocations: revoke lines in order
 * @revoked_kinds: bits of the kinds of digests that are revoked
 * @revoked_keys: stands for the set of issuer keys that are revoked, or that a rule
 *	denies by; 0: none is.
 *	Filled in with the ids of the keys, by receipt_policy_identify()
 * @has_max_age: a rule has it, so that verdicts depend on the time
 * @defaults: action per operation; each is set after a successful parse
 * @default_lines: the line it stands in
 * @strings: storage that names point into
 */
struct receipt_policy {
	const char *name;
	u16 version[3];
	u32 svn;
	enum receipt_mode mode;
	u32 helper_timeout;
	enum receipt_no_helper no_helper;
	u8 digests;
	bool recheck_setuid;
	bool mounts_sealed;
	u32 nlogs;
	struct receipt_log *logs;
	u32 nrules;
	struct receipt_rule *rules;
	u32 nrevocations;
	struct receipt_revocation *revocations;
	u8 revoked_kinds;
	u64 revoked_keys;
	bool has_max_age;
	enum receipt_action defaults[RECEIPT_OP_COUNT];
	u32 default_lines[RECEIPT_OP_COUNT];
	char *strings;
};

/**
 * struct receipt_policy_error - where and why a text was refused
 * @line: from 1; 0 when it concerns the whole text
 * @column: from 1; 0 when it concerns the whole line
 * @text: what was expected
 */
struct receipt_policy_error {
	u32 line;
	u32 column;
	char text[160];
};

struct receipt_policy *receipt_policy_parse(const char *text, size_t len,
					    struct receipt_policy_error *err);
void receipt_policy_free(struct receipt_policy *policy);
int receipt_policy_version_cmp(const struct receipt_policy *a,
			       const struct receipt_policy *b);

/**
 * struct receipt_lowest - the lowest policy that is taken
 * @name: policy_name; empty: any
 * @version: lowest policy_version
 * @svn: lowest policy_svn
 */
struct receipt_lowest {
	char name[RECEIPT_POLICY_NAME_MAX + 1];
	u16 version[3];
	u32 svn;
};

bool receipt_is_name_char(char c);
int receipt_version_cmp(const u16 a[3], const u16 b[3]);
int receipt_version_parse(const char *text, size_t len, u16 version[3]);
int receipt_lowest_name(struct receipt_lowest *lowest, const char *text,
			size_t len);
int receipt_lowest_parse(const char *text, size_t len,
			 struct receipt_lowest *lowest);
bool receipt_lowest_raise(struct receipt_lowest *floor,
			  const struct receipt_lowest *to);
bool receipt_lowest_admits(const struct receipt_lowest *floor,
			   const char *name, const u16 version[3], u32 svn);

const char *receipt_op_name(enum receipt_op op);
const char *receipt_no_helper_name(enum receipt_no_helper no_helper);
int receipt_op_parse(const char *name, size_t len);

/**
 * struct receipt_proof - a receipt that was proven under one log key
 * @key_id: &receipt_key.id of the key
 * @iss: the receipt's signed issuer
 * @vds: verifiable data structure
 * @entry: for vds 1, what the leaf was taken to commit to
 * @iat: the receipt's time, seconds; 0 when it says none
 * @position: in the log: leaf index (vds 1) where the log has signed the size of
 *	its tree, seqno (vds 2); 0 when unknown
 */
struct receipt_proof {
	u8 key_id[RECEIPT_HASH_SIZE];
	const char *iss;
	enum receipt_vds vds;
	enum receipt_entry entry;
	s64 iat;
	u64 position;
};

/**
 * struct receipt_summary - what is proven of one statement about one digest
 * @usage: bits of operations that it grants; all for a hash envelope
 * @iss: issuer
 * @sub: subject, may be empty
 * @has_svn: @svn counts
 * @svn: security version
 * @iat: the statement's time, seconds; 0 when it says none
 * @issuer_key_id: key that the statement's own signature was proven with; zero
 *	when that was not asked for
 * @revoked_keys: &receipt_policy.revoked_keys of the policy that it was proven
 *	under: the signature was tried with all of these
 * @untried: the signature is made by an algorithm that is not known, so that any key
 *	may have made it
 * @nproofs: used entries of @proofs
 * @proofs: at least one
 */
struct receipt_summary {
	u8 usage;
	const char *iss;
	const char *sub;
	bool has_svn;
	u64 svn;
	s64 iat;
	u8 issuer_key_id[RECEIPT_HASH_SIZE];
	u64 revoked_keys;
	bool untried;
	u8 nproofs;
	struct receipt_proof proofs[RECEIPT_MAX_RECEIPTS];
};

/**
 * struct receipt_facts - all that a verdict depends on beside the policy
 * @op: operation
 * @boot_verified: the artifact comes from the initramfs
 * @fstype: name of the type of file system that it is on, or NULL
 * @unstable: the file system does not promise stable content: only rules that
 *	name it hold
 * @now: seconds since 1970
 * @ndigests: used entries of @digests
 * @digests: kind and bytes of the artifact's digests
 * @evidence_complete: no more evidence can be had; else a rule that lacks
 *	evidence may still come true
 * @evidence_crowded: there was no room for evidence that some rule rests on
 * @nsummaries: used entries of @summaries
 * @summaries: proven statements about one of @digests
 */
struct receipt_facts {
	enum receipt_op op;
	bool boot_verified;
	const char *fstype;
	bool unstable;
	s64 now;
	u8 ndigests;
	struct {
		u8 kind;
		const u8 *bytes;
	} digests[RECEIPT_MEASURED_MAX];
	bool evidence_complete;
	bool evidence_crowded;
	u8 nsummaries;
	const struct receipt_summary *summaries[RECEIPT_MEASURED_MAX *
						RECEIPT_MAX_STATEMENTS];
};

/**
 * struct receipt_verdict - the outcome
 * @action: ALLOW or DENY; UNSET: evidence is needed first
 * @line: of the rule or default that decided; 0 when none did
 * @reason: why
 * @proven: the rule that decided names this very artifact, by digest, by
 *	evidence or as boot_verified: not a default, not a rule without properties
 * @expires: when a receipt that it rests on gets too old, seconds since 1970; 0:
 *	never
 */
struct receipt_verdict {
	enum receipt_action action;
	u32 line;
	enum receipt_reason reason;
	bool proven;
	s64 expires;
};

bool receipt_alg_is_untried(s64 alg);
size_t receipt_kind_size(u8 kind);
const char *receipt_kind_name(u8 kind);
bool receipt_rule_needs_evidence(const struct receipt_rule *rule);
bool receipt_rule_names_artifact(const struct receipt_rule *rule);
bool receipt_policy_names_fstype(const struct receipt_policy *policy,
				 enum receipt_op op, const char *fstype);
const struct receipt_key *receipt_policy_issuer_key(const struct receipt_policy *policy,
						    u32 *at);
int receipt_policy_identify(struct receipt_policy *policy,
			    int (*identify)(struct receipt_key *key, u32 line, void *arg),
			    void *arg);
bool receipt_policy_needs_content(const struct receipt_policy *policy,
				  enum receipt_op op);
struct receipt_verdict receipt_policy_eval(const struct receipt_policy *policy,
					   const struct receipt_facts *facts);
u8 receipt_policy_spare(const struct receipt_policy *policy,
			const struct receipt_summary *const *summaries, u8 n,
			s64 now, bool *crowded);
bool receipt_policy_unconditional(const struct receipt_policy *policy,
				  enum receipt_op op);

#endif /* _RECEIPT_POLICY_H */
