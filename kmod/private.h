/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Receipt LSM: what its files offer each other, sectioned by file.
 *
 * Life of an event: hooks.c builds a request, decide.c judges it with the
 * digest of measure.c, the inode state of state.c, the proven statements of
 * cache.c and the policy of policy.c, and asks the helper through lookup.c.
 * What the helper answers comes in by netlink.c and is proven by evidence.c.
 */
#ifndef _RECEIPT_PRIVATE_H
#define _RECEIPT_PRIVATE_H

#include <linux/fs.h>
#include <linux/kernel_read_file.h>
#include <linux/ktime.h>
#include <linux/path.h>
#include <linux/refcount.h>
#include <linux/rcupdate.h>
#include <linux/security.h>
#include <linux/types.h>

#include "policy.h"

#undef pr_fmt
#define pr_fmt(fmt) "receipt: " fmt

union bpf_attr;
struct block_device;
struct bpf_prog;
struct bpf_token;
struct genl_info;
struct linux_binprm;
struct mm_struct;
struct mnt_idmap;
struct netlink_ext_ack;
struct qstr;
struct sk_buff;
struct sock;
struct task_struct;

/* pages.c */

bool receipt_pages_settle(struct inode *inode);
enum receipt_reason receipt_pages_end(struct file *file, struct inode *inode);

/* measure.c */

/**
 * struct receipt_digest - a digest and what it was computed over
 * @kind: enum receipt_kind
 * @bytes: receipt_kind_size() bytes, the rest zero
 */
struct receipt_digest {
	u8 kind;
	u8 bytes[RECEIPT_MAX_DIGEST];
};

/**
 * struct receipt_digests - the digests of one artifact
 * @n: used entries of @digest; zero: not measured
 * @digest: each of another kind, in the order of enum receipt_kind
 */
struct receipt_digests {
	u8 n;
	struct receipt_digest digest[RECEIPT_MEASURED_MAX];
};

int receipt_measure_init(void);
void receipt_measure_fast(void);
void receipt_measure_follow(void);
void receipt_measure_exit(void);
bool receipt_digest_equal(const struct receipt_digest *a,
			  const struct receipt_digest *b);

/* A piece of input to a hash. */
struct receipt_span {
	const void *data;
	size_t len;
};

int receipt_sha256(const struct receipt_span *spans, size_t n,
		   u8 out[RECEIPT_HASH_SIZE]);
int receipt_hash(enum receipt_kind kind, const struct receipt_span *spans,
		 size_t n, u8 *out);
u8 receipt_digests_kinds(const struct receipt_digests *digests);
enum receipt_reason receipt_measure_buffer(const void *buf, size_t size,
					   u8 kinds,
					   struct receipt_digests *digests);
enum receipt_reason receipt_read_reason(ssize_t err);
enum receipt_reason receipt_measure_file(struct file *file,
					 struct task_struct *asker,
					 u8 kinds,
					 struct receipt_digests *digests);

/* mounts.c */

void receipt_mounts_latch(void);
bool receipt_mounts_late(const struct super_block *sb);
int receipt_sb_alloc_security(struct super_block *sb);
void receipt_sb_free_security(struct super_block *sb);

/* verity.c */

bool receipt_verity_checks(struct inode *inode);

void receipt_verity_look(const struct inode *inode);
void receipt_verity_digests(struct inode *inode, u8 kinds,
			    struct receipt_digests *digests);
bool receipt_verity_rely(const struct inode *inode,
			 const struct receipt_digests *digests);
int receipt_bdev_setintegrity(struct block_device *bdev,
			      enum lsm_integrity_type type, const void *value,
			      size_t size);
void receipt_bdev_free_security(struct block_device *bdev);

/* rights.c */

struct receipt_known;
struct receipt_rights;
struct receipt_state;

void receipt_rights_free(struct receipt_rights *rights);
void receipt_rights_keep(struct receipt_state *state, u64 change,
			 const struct receipt_digests *digests,
			 const struct receipt_known *known);
void receipt_rights_recall(struct receipt_state *state,
			   const struct receipt_digests *digests,
			   const struct receipt_policy *policy,
			   struct receipt_known *known);

/* state.c */

/*
 * Of the operations EXECUTE and ANON_EXEC alone are about an inode. The bit of
 * another one says in a verdict that an executed program was asked for ANON_EXEC,
 * whatever the answer.
 */
#define RECEIPT_OP_SETTLED	RECEIPT_OP_POLICY
/*
 * Beside EXECUTE: nobody can have read the head of the file, to execute it, before
 * its pages were settled. Whoever executes it need not compare.
 */
#define RECEIPT_OP_RUN		RECEIPT_OP_X509_CERT

/* The kernel gives a loader of this content no executable memory of no file. */
#define RECEIPT_OP_LOADER	RECEIPT_OP_FIRMWARE

/**
 * struct receipt_state - what is known of an inode
 * @table: what the module finds it by, see state_table.h
 * @table.node: in two tables at most, under a lock for writers, RCU for readers
 * @table.seq: of the latest of them
 * @table.rcu: frees the state
 * @table.inode: key; not referenced: the state dies with the inode
 * @lock: guards the fields below against each other; innermost
 * @change: raised by every opening for writing and every truncation
 * @verdict: policy generation << 16 | proven operations << 8 | allowed
 *	operations; zero when nothing is known. Read without the lock.
 * @settled: nothing but a writer changes the pages in memory, see pages.c
 * @heads: when the pages were settled, somebody else was executing the file
 * @boot: came with the initramfs and was not opened for writing since
 * @digests: of the content since @change, by hashing
 * @rights: what the right to ANON_EXEC rests on, or NULL
 */
struct receipt_state {
#ifdef MODULE
	struct {
		struct hlist_node node[2];
		struct rcu_head rcu;
		const struct inode *inode;
		u32 seq;
	} table;
#endif
	spinlock_t lock;	/* fields below, but for lockless reads */
	u64 change;
	u64 verdict;
	bool settled;
	bool heads;
	bool boot;
	struct receipt_digests digests;
	struct receipt_rights *rights;
};

int receipt_state_init(void);
void receipt_state_exit(void);
struct receipt_state *receipt_state_get(struct inode *inode);
bool receipt_state_digests(struct receipt_state *state, u8 kinds,
			   struct receipt_digests *digests, u64 *change);
bool receipt_state_settled(struct receipt_state *state, u64 change, bool heads);
enum receipt_reason receipt_state_measured(struct receipt_state *state,
					   u64 change,
					   const struct receipt_digests *digests);
bool receipt_state_allow(struct receipt_state *state, u64 change,
			 enum receipt_op op, u64 generation, bool proven);
void receipt_state_note(const struct inode *inode, u64 change,
			enum receipt_op op, u64 generation);
u64 receipt_state_change(const struct inode *inode);
bool receipt_state_unchanged(struct receipt_state *state, u64 change);
void receipt_state_written(const struct inode *inode);
void receipt_state_free(const struct inode *inode);
bool receipt_state_is_boot(const struct inode *inode);
void receipt_state_mark_boot(struct super_block *sb);
bool receipt_hold(struct file *file);
void receipt_release(struct file *file);

/* exe.c */

/**
 * struct receipt_exe - what is remembered of an executed file while it is open
 * @node: in the list of those of like files
 * @rcu: frees the record
 * @ref: of the file, and of the record that names this one as @script
 * @file: key; not referenced
 * @inode: whose content was judged; referenced
 * @held: @inode is closed to writers by this record
 * @task: the task that executes the file, while the record is in @pending
 * @pending: in the list of those that like tasks are executing
 * @script: record of the script that the file is the interpreter of, or NULL
 * @path: of a script, so that its file system stays mounted
 */
struct receipt_exe {
	struct hlist_node node;
	struct rcu_head rcu;
	refcount_t ref;
	const struct file *file;
	struct inode *inode;
	bool held;
	const struct task_struct *task;
	struct hlist_node pending;
	struct receipt_exe *script;
	struct path path;
};

void receipt_exe_init(void);
struct receipt_exe *receipt_exe_find(const struct file *file);
struct inode *receipt_exe_inode(const struct file *file);
struct receipt_exe *receipt_exe_get(struct file *file, struct inode *inode);
bool receipt_exe_hold(struct receipt_exe *exe);
void receipt_exe_forget(void);
void receipt_exe_begin(struct receipt_exe *exe);
bool receipt_exe_unchanged(void);
enum receipt_reason receipt_exe_maps(const struct file *file,
				     struct file *backing);
bool receipt_exe_interprets(struct file *file, struct inode *inode);
void receipt_exe_release(struct file *file);

/* cache.c */

/**
 * struct receipt_proven - a summary with a life of its own
 * @ref: references
 * @id: SHA-256 of the statement bytes; the cache keeps one of each, and for each
 *	usage that it grants a digest
 * @summary: what is proven; its strings point into @strings
 * @strings: storage
 */
struct receipt_proven {
	refcount_t ref;
	u8 id[RECEIPT_HASH_SIZE];
	struct receipt_summary summary;
	char strings[];
};

/**
 * struct receipt_known - what is known of one digest
 * @n: used entries of @proven
 * @crowded: there was no place for one that a rule rests on
 * @kept: it is for the start of the helper, and all there was when it was sent
 * @proven: each with a reference that receipt_known_put() drops
 * @generation: of the policy under which the helper said that there is no more;
 *	zero when it has not
 * @reason: why there is none, when the helper said so and @n is zero
 */
struct receipt_known {
	u8 n;
	bool crowded;
	bool kept;
	struct receipt_proven *proven[RECEIPT_MAX_STATEMENTS];
	u64 generation;
	enum receipt_reason reason;
};

/**
 * struct receipt_cache_place - where a walk through the cache is
 * @bucket: of the table
 * @n: entries of it that were seen
 */
struct receipt_cache_place {
	u32 bucket;
	u32 n;
};

int receipt_cache_init(void);
void receipt_cache_exit(void);
void receipt_cache_find(const struct receipt_digest *digest,
			struct receipt_known *known);
bool receipt_cache_is_complete(const struct receipt_digest *digest,
			       u64 generation);
void receipt_known_get(struct receipt_known *to,
		       const struct receipt_known *from);
struct receipt_proven *receipt_known_add(struct receipt_known *known,
					 struct receipt_proven *proven,
					 const struct receipt_policy *policy);
void receipt_known_move(struct receipt_known *known,
			struct receipt_known *from,
			const struct receipt_policy *policy);
void receipt_known_put(struct receipt_known *known);
int receipt_cache_add(const struct receipt_digest *digest,
		      struct receipt_proven *proven,
		      const struct receipt_policy *policy);
void receipt_cache_complete(const struct receipt_digest *digest,
			    const struct receipt_known *answer,
			    const struct receipt_policy *policy);
void receipt_cache_keep(const struct receipt_digest *digest);
void receipt_cache_flush(void);
bool receipt_cache_next(struct receipt_cache_place *at,
			struct receipt_digest *digest, u32 *statements);
void receipt_cache_counts(u64 *positive, u64 *negative, u64 *kept);
void receipt_proven_put(struct receipt_proven *proven);

/* lookup.c */

struct receipt_active;
struct receipt_request;

enum receipt_reason receipt_lookup_wait(const struct receipt_request *req,
					const struct receipt_digest *digest,
					const struct receipt_active *active,
					unsigned long *left,
					struct receipt_known *answer);
void receipt_lookup_proven(u64 id, const struct receipt_digest *digest,
			   struct receipt_proven *proven,
			   const struct receipt_policy *policy);
bool receipt_lookup_done(u64 id, const struct receipt_digest *digest,
			 enum receipt_reason reason,
			 const struct receipt_policy *policy);
void receipt_lookup_preloaded(const struct receipt_digest *digest);
bool receipt_lookup_paused(void);
u64 receipt_lookup_pending(void);
bool receipt_lookup_next(u64 after, u64 *id, struct receipt_digest *digest,
			 enum receipt_op *op, u64 *size);

/* helper.c */

int receipt_helper_init(void);
void receipt_helper_exit(void);
int receipt_helper_register(const struct sock *sk, u32 portid);
bool receipt_helper_is(const struct sock *sk);
bool receipt_helper_is_current(void);
enum receipt_helper_state receipt_helper_get(u32 *portid, u32 *pid);
u64 receipt_helper_age(void);

/* cbor_encode.c */

/* Major types, RFC 8949 section 3.1. */
enum {
	CBOR_UINT,
	CBOR_NINT,
	CBOR_BSTR,
	CBOR_TSTR,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,
	CBOR_SIMPLE,
};

/**
 * struct receipt_header - a protected header as tokens
 * @tokens: heads in order
 * @ntokens: their number
 * @blob: bytes of the strings in order
 * @blob_len: their number
 */
struct receipt_header {
	const struct receipt_token *tokens;
	u32 ntokens;
	const u8 *blob;
	u32 blob_len;
};

/**
 * struct receipt_cursor - a place in a header
 * @token: index of the next token
 * @blob: offset of the next string byte
 */
struct receipt_cursor {
	u32 token;
	u32 blob;
};

#define RECEIPT_HEAD_MAX 9	/* bytes of the longest head */

size_t receipt_cbor_head(u8 *out, u8 major, u64 arg);
enum receipt_reason receipt_cbor_check(const struct receipt_header *hdr,
				       size_t *size);
void receipt_cbor_encode(const struct receipt_header *hdr, u8 *out);
void receipt_cbor_skip(const struct receipt_header *hdr,
		       struct receipt_cursor *cur);

/* claims.c */

/* A string of a header; not terminated. */
struct receipt_text {
	const u8 *data;
	u32 len;
};

/**
 * struct receipt_claims - what is read from a protected header
 * @alg: label 1; zero when missing
 * @kid: label 4; data is NULL when missing
 * @vds: label 395; zero when missing
 * @manifest: label 3 names the manifest root
 * @content_type: label 3 is there
 * @hash_alg: label 258; zero when missing
 * @iss: claim 1
 * @sub: claim 2; empty when missing
 * @iat: claim 6; zero when missing
 * @has_svn: claim "svn" is there
 * @svn: claim "svn"
 * @has_size: claim "size" is there
 * @size: claim "size", leaves of the tree that a receipt is about; zero, which no
 *	tree with an entry has, for what is no unsigned number
 */
struct receipt_claims {
	s64 alg;
	struct receipt_text kid;
	s64 vds;
	bool manifest;
	bool content_type;
	s64 hash_alg;
	struct receipt_text iss;
	struct receipt_text sub;
	s64 iat;
	bool has_svn;
	u64 svn;
	bool has_size;
	u64 size;
};

enum receipt_reason receipt_claims_read(const struct receipt_header *hdr,
					struct receipt_claims *claims);
enum receipt_reason receipt_claims_position(const struct receipt_claims *claims,
					    u64 index, u64 size, u64 *position);

/* merkle.c */

int receipt_merkle_leaf(const void *data, size_t len,
			u8 hash[RECEIPT_HASH_SIZE]);
enum receipt_reason receipt_rfc9162_fold(u8 hash[RECEIPT_HASH_SIZE], u64 index,
					 u64 size, const u8 *path, u32 steps);
enum receipt_reason receipt_ccf_fold(u8 hash[RECEIPT_HASH_SIZE],
				     const u8 *left, const u8 *path, u32 steps);

/* logkey.c */

int receipt_logkey_init(void);
int receipt_logkey_identify(struct receipt_key *key);
void receipt_logkey_exit(void);
bool receipt_logkey_fits(const struct receipt_key *key, s64 alg);
bool receipt_logkey_kid(const struct receipt_key *key,
			const struct receipt_text *kid);
enum receipt_reason receipt_logkey_verify(const struct receipt_key *key, s64 alg,
					  const struct receipt_span *tbs, size_t n,
					  const u8 *sig, size_t sig_len);

/* evidence.c */

/**
 * struct receipt_statement - a signed statement taken apart
 * @hdr: protected header
 * @payload: its bytes
 * @payload_len: at most RECEIPT_MAX_PAYLOAD
 * @sig: signature
 * @sig_len: at most RECEIPT_MAX_SIGNATURE
 */
struct receipt_statement {
	struct receipt_header hdr;
	const u8 *payload;
	u32 payload_len;
	const u8 *sig;
	u32 sig_len;
};

/**
 * struct receipt_receipt - a receipt taken apart
 * @hdr: protected header
 * @sig: signature, r || s
 * @sig_len: its length
 * @path: sibling hashes
 * @steps: their number
 * @has_index: @index and @tree_size are there (vds 1)
 * @index: of the leaf
 * @tree_size: leaves of the tree
 * @leaf_tx: internal transaction hash (vds 2) or NULL
 * @leaf_evidence: internal evidence (vds 2) or NULL
 * @leaf_evidence_len: its length
 * @left: @steps bytes, 1 where the sibling is on the left (vds 2), or NULL
 */
struct receipt_receipt {
	struct receipt_header hdr;
	const u8 *sig;
	u32 sig_len;
	const u8 *path;
	u32 steps;
	bool has_index;
	u64 index;
	u64 tree_size;
	const u8 *leaf_tx;
	const u8 *leaf_evidence;
	u32 leaf_evidence_len;
	const u8 *left;
};

/**
 * struct receipt_evidence - all that user space says about one digest
 * @digest: of the artifact
 * @statement: the statement
 * @has_manifest: the fields below are there
 * @usage: usage byte of the manifest leaf
 * @index: of the leaf
 * @tree_size: leaves of the manifest
 * @path: sibling hashes
 * @steps: their number
 * @nreceipts: used entries of @receipts
 * @receipts: receipts of the statement
 */
struct receipt_evidence {
	struct receipt_digest digest;
	struct receipt_statement statement;
	bool has_manifest;
	u8 usage;
	u64 index;
	u64 tree_size;
	const u8 *path;
	u32 steps;
	u32 nreceipts;
	struct receipt_receipt receipts[RECEIPT_MAX_RECEIPTS];
};

enum receipt_reason receipt_evidence_prove(const struct receipt_evidence *ev,
					   const struct receipt_policy *policy,
					   struct receipt_proven **proven);

/* policy.c */

/**
 * struct receipt_active - a published policy
 * @ref: references; the one of publication is dropped after a grace period
 * @rcu: frees it
 * @generation: counts publications, from 1
 * @expires: when the first of the verdicts that rest on the age of a receipt does,
 *	seconds since 1970
 * @policy: parsed
 * @digest: of @text
 * @len: bytes of @text
 * @text: as loaded
 */
struct receipt_active {
	refcount_t ref;
	struct rcu_head rcu;
	u64 generation;
	atomic64_t expires;
	struct receipt_policy *policy;
	struct receipt_digest digest;
	u32 len;
	char text[];
};

/*
 * Operations that the active policy lets pass whatever the artifact, as bits;
 * all while no policy is active. The generation, zero while none is active. And
 * whether it wants content hashed anew before it gets privileges.
 */
extern u8 receipt_unruled;
extern u64 receipt_generation;
extern bool receipt_recheck;

struct receipt_active *receipt_policy_get(void);
void receipt_policy_put(struct receipt_active *active);
int receipt_policy_load(const char *text, size_t len,
			struct netlink_ext_ack *extack);
int receipt_policy_boot(const char *text, size_t len,
			struct netlink_ext_ack *extack);
int receipt_policy_raise_floor(const struct receipt_lowest *to,
			       struct netlink_ext_ack *extack);
int receipt_policy_renew(void);
bool receipt_policy_enforces(void);
void receipt_policy_expire(s64 now);
u64 receipt_policy_expires(struct receipt_active *active, s64 time);

/* clock.c */

int receipt_clock_init(void);
void receipt_clock_exit(void);
s64 receipt_clock_advance(atomic64_t *ahead, s64 wall, s64 boot, s64 *floor);
s64 receipt_clock_read(s64 *floor);
s64 receipt_clock_now(void);
void receipt_clock_watch(void);

/* floor.c */

enum receipt_floor receipt_floor_get(struct receipt_lowest *floor);
int receipt_floor_raise(const struct receipt_lowest *to,
			enum receipt_floor from);
int receipt_floor_check(const struct receipt_policy *policy,
			struct netlink_ext_ack *extack);

/* anchor.c */

int receipt_anchor_public(u32 index, const u8 *body, size_t len);
int receipt_anchor_value(const u8 *body, size_t len, u64 *value);
int receipt_anchor_read(struct netlink_ext_ack *extack);
int receipt_anchor_raise(u32 to, struct netlink_ext_ack *extack);

/* decide.c */

/**
 * struct receipt_request - one event
 * @hook: name of the hook
 * @op: operation
 * @file: the file, or NULL
 * @inode: its real inode when the content of the file is judged, else NULL
 * @buf: bytes that the kernel read itself, or NULL
 * @size: of @buf
 * @locked: called under mmap_lock or the policy's mutex: neither hash a file nor ask
 * @hold: the file becomes executable in memory: close it to writers
 * @executed: @file is closed to writers because it is executed, and @inode is its own
 * @quiet: nobody is stopped by the answer: nothing is recorded, and the helper is
 *	asked only while it serves and answers
 * @recheck: hash the content anew, whatever is known of it
 * @need_proof: a default or a rule without properties does not allow it
 * @again: it was decided a moment ago: nothing is counted or recorded
 * @refuse: 0, or why the request is refused whatever is known of the artifact
 * @task: that asks, by way of late.c: the helper is not asked; or NULL: the current
 *	one
 */
struct receipt_request {
	const char *hook;
	enum receipt_op op;
	struct file *file;
	struct inode *inode;
	const void *buf;
	size_t size;
	bool locked;
	bool hold;
	bool executed;
	bool quiet;
	bool recheck;
	bool need_proof;
	bool again;
	enum receipt_reason refuse;
	struct task_struct *task;
};

/**
 * struct receipt_outcome - how a request ended
 * @verdict: of the policy, with what went wrong on the way
 * @digests: of the artifact
 * @enforced: a denial is a denial
 */
struct receipt_outcome {
	struct receipt_verdict verdict;
	struct receipt_digests digests;
	bool enforced;
};

int receipt_decide(const struct receipt_request *req);
struct receipt_verdict receipt_explain(const struct receipt_digest *digest,
				       enum receipt_op op, u32 *statements);
const char *receipt_reason_text(enum receipt_reason reason);
bool receipt_reason_known(u32 number);
int receipt_reason_errno(enum receipt_reason reason);

/* program.c */

bool receipt_program_changed(const struct linux_binprm *bprm,
			     const struct inode *inode, u64 change);
int receipt_program_settle(struct linux_binprm *bprm);
int receipt_program_loader(struct file *file, struct inode *inode);

/* late.c */

int receipt_late_decide(const char *hook, struct file *exe, struct inode *inode);

/* inject.c */

int receipt_mmap_addr(unsigned long addr);
int receipt_ptrace_access_check(struct task_struct *child, unsigned int mode);
int receipt_ptrace_traceme(struct task_struct *parent);
int receipt_inode_init_security_anon(struct inode *inode,
				     const struct qstr *name,
				     const struct inode *context_inode);
bool receipt_opens_memory(const struct file *file);

/* attach_lsm.c, attach_stub.c */

int receipt_attach_late(u8 unruled);

/* hooks.c */

enum receipt_anon_context {
	RECEIPT_ANON_SLEEPS,
	RECEIPT_ANON_LOCKED,	/* under mmap_lock */
	RECEIPT_ANON_ATOMIC,	/* under a spinlock, or with interrupts off */
};

int receipt_decide_anon(const char *hook, enum receipt_anon_context context);
int receipt_bprm_check_security(struct linux_binprm *bprm);
int receipt_mmap_file(struct file *file, unsigned long reqprot,
		      unsigned long prot, unsigned long flags);
int receipt_mmap_backing_file(struct vm_area_struct *vma,
			      struct file *backing_file,
			      struct file *user_file);
int receipt_file_mprotect(struct vm_area_struct *vma, unsigned long reqprot,
			  unsigned long prot);
int receipt_task_prctl(int option, unsigned long arg2, unsigned long arg3,
		       unsigned long arg4, unsigned long arg5);
int receipt_file_open(struct file *file);
int receipt_file_post_open(struct file *file, int mask);
int receipt_file_permission(struct file *file, int mask);
void receipt_file_release(struct file *file);
int receipt_inode_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			  struct iattr *attr);
void receipt_inode_free_security(struct inode *inode);
int receipt_kernel_read_file(struct file *file, enum kernel_read_file_id id,
			     bool contents);
int receipt_kernel_post_read_file(struct file *file, char *buf, loff_t size,
				  enum kernel_read_file_id id);
int receipt_kernel_load_data(enum kernel_load_data_id id, bool contents);
int receipt_kernel_post_load_data(char *buf, loff_t size,
				  enum kernel_load_data_id id,
				  char *description);
bool receipt_hooks_reached(void);

/* setup.c */

int receipt_start(void);
int receipt_open(void);
void receipt_stop(void);
void receipt_mark_initramfs(void);

/* boot_policy.S */

extern const char receipt_boot_policy[];
extern const char receipt_boot_policy_end[];

/* netlink.c */

int receipt_netlink_init(void);
void receipt_netlink_exit(void);
int receipt_netlink_ask(u32 portid, u64 id, const struct receipt_request *req,
			const struct receipt_digest *digest);
void receipt_netlink_verdict(const struct receipt_request *req,
			     const struct receipt_outcome *out,
			     const char *path, u64 suppressed);
void receipt_netlink_policy(const struct receipt_active *active);
void receipt_netlink_helper(enum receipt_helper_state state, u32 pid);

/* audit.c */

void receipt_audit_verdict(const struct receipt_request *req,
			   const struct receipt_outcome *out);
void receipt_audit_policy(const struct receipt_active *active);
void receipt_audit_floor(const struct receipt_lowest *floor,
			 const struct receipt_active *active);
void receipt_audit_helper(enum receipt_helper_state state, u32 pid);

/* stats.c */

enum receipt_stat {
	RECEIPT_STAT_HITS,
	RECEIPT_STAT_MISSES,
	RECEIPT_STAT_HASHED,
	RECEIPT_STAT_HASHED_BYTES,
	RECEIPT_STAT_LOOKUPS,
	RECEIPT_STAT_JOINED,
	RECEIPT_STAT_ALLOWED,
	RECEIPT_STAT_DENIED,
	RECEIPT_STAT_PERMITTED,
	RECEIPT_STAT_PROVEN,
	RECEIPT_STAT_REFUSED_EVIDENCE,
	RECEIPT_STAT_REFUSED_MESSAGES,
	RECEIPT_STAT_SIGNATURES,
	RECEIPT_STAT_HELPERS,
	RECEIPT_STAT_HELPERS_LOST,
	RECEIPT_STAT_SUPPRESSED,
	RECEIPT_STAT_RECORDS_LOST,
	/* Of now, not since the start: each CPU has its share of the sum. */
	RECEIPT_STAT_STATES,
	RECEIPT_STAT_STATEMENTS,
	RECEIPT_STAT_COUNT,
};

DECLARE_PER_CPU(u64[RECEIPT_STAT_COUNT], receipt_stats);
#define receipt_count(stat) this_cpu_inc(receipt_stats[stat])
#define receipt_count_add(stat, n) this_cpu_add(receipt_stats[stat], n)
#define receipt_uncount(stat) this_cpu_dec(receipt_stats[stat])

/* The list is in order: the end is one more than the largest number. */
enum {
#define RECEIPT_REASON_NUMBER(num, name, text) RECEIPT_NUMBER_##name = (num),
	RECEIPT_REASONS(RECEIPT_REASON_NUMBER)
#undef RECEIPT_REASON_NUMBER
	RECEIPT_REASON_END,
};

/* What is timed: how long those who ask wait, how long evidence is checked. */
enum receipt_timed {
	RECEIPT_TIMED_LOOKUP,
	RECEIPT_TIMED_EVIDENCE,
	RECEIPT_TIMED_COUNT,
};

/*
 * Bucket i counts what took at most 2^(i + RECEIPT_BUCKET_FIRST) microseconds and
 * more than the one before it; the last one what took longer.
 */
#define RECEIPT_BUCKET_FIRST	5
#define RECEIPT_BUCKETS		23

/**
 * struct receipt_times - a histogram
 * @bucket: how many; not cumulative
 * @us: their sum, microseconds
 */
struct receipt_times {
	u64 bucket[RECEIPT_BUCKETS];
	u64 us;
};

u64 receipt_stat_read(enum receipt_stat stat);
const char *receipt_stat_name(enum receipt_stat stat);
void receipt_count_denial(enum receipt_reason reason, bool enforced);
u64 receipt_denials_read(enum receipt_reason reason, bool enforced);
void receipt_count_time(enum receipt_timed timed, ktime_t start);
u64 receipt_times_read(enum receipt_timed timed, struct receipt_times *times);
u64 receipt_bucket_limit(unsigned int bucket);

/* report.c */

/**
 * struct receipt_figure - one number of the report
 * @name: what it is; figures that differ in @reason or @limit share it
 * @value: the number
 * @reason: that it is of, else RECEIPT_REASON_ALLOWED
 * @limit: of a bucket, microseconds; U64_MAX: none; zero: it is no bucket
 */
struct receipt_figure {
	const char *name;
	u64 value;
	enum receipt_reason reason;
	u64 limit;
};

typedef int (*receipt_figure_fn)(void *to, const struct receipt_figure *figure);

int receipt_report(receipt_figure_fn fn, void *to);

/* securityfs.c */

int receipt_securityfs_init(void);
void receipt_securityfs_exit(void);

#endif /* _RECEIPT_PRIVATE_H */
