// SPDX-License-Identifier: MIT
/*
 * Hashing files, several at a time. Each thread takes the next file of the list
 * until all are done or one has failed.
 */
#include "elffile.h"
#include "hash.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <libfsverity.h>
#include <openssl/evp.h>

#define BUFFER_SIZE	(256u << 10)
#define START_SIZE	4		/* tells what a file is */
#define MAX_THREADS	16
#define PROGRESS_NS	100000000

/**
 * struct crew - what the threads share
 * @list: files
 * @usage: for all, or 0
 * @md: algorithm
 * @next: number of the next file to take
 * @done: files that are done
 * @stop: take no more
 * @lock: protects what follows, and @err and @failed of the caller
 * @idle: signalled when a thread ends
 * @working: threads that have not ended
 * @rc: of the first failure
 * @failed: number of its file
 * @err: what it was
 */
struct crew {
	struct artifacts *list;
	uint8_t usage;
	const EVP_MD *md;
	atomic_size_t next;
	atomic_size_t done;
	atomic_bool stop;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned int working;
	int rc;
	size_t failed;
	struct rcpt_error *err;
};

static int fail_errno(struct rcpt_error *err, const char *what)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
			 RCPT_NO_OFFSET, "%s: %s", what, strerror(errno));
}

static int fail_changed(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_FILE_CHANGED,
			 RCPT_NO_OFFSET, "changed while it was read");
}

/* The kernel will not execute it. */
static int fail_stack(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_USAGE, RCPT_NO_OFFSET,
			 "needs an executable stack, or other executable memory without a file: build it "
			 "without (-z noexecstack), or "
			 "seal it with --usage execute,anon-exec");
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len > n && !strcmp(text + len - n, end);
}

static bool is_module_name(const char *path)
{
	return ends_with(path, ".ko") || ends_with(path, ".ko.gz") ||
	       ends_with(path, ".ko.xz") || ends_with(path, ".ko.zst");
}

static uint8_t classify(const char *path, const uint8_t *start, size_t len)
{
	if (is_module_name(path))
		return 1 << RECEIPT_OP_KMODULE;
	if ((len >= 4 && !memcmp(start, "\177ELF", 4)) ||
	    (len >= 2 && !memcmp(start, "#!", 2)))
		return 1 << RECEIPT_OP_EXECUTE;
	return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size && same_time(a->st_mtim, b->st_mtim) &&
	       same_time(a->st_ctim, b->st_ctim);
}

/* What is executed needs the second for an executable stack. */
#define STACK_USAGE	(1 << RECEIPT_OP_EXECUTE | 1 << RECEIPT_OP_ANON_EXEC)

/* Read until the buffer is full or the file ends. */
static ssize_t read_full(int fd, uint8_t *buf, size_t len)
{
	size_t used = 0;

	while (used < len) {
		ssize_t n = read(fd, buf + used, len - used);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		used += n;
	}
	return used;
}

/**
 * struct reading - a file that is being read, and hashed on the way
 * @fd: open
 * @ctx: of the digest of the content
 * @total: bytes that were read
 * @leased: nobody has it open for writing, and the kernel says when somebody wants to
 */
struct reading {
	int fd;
	EVP_MD_CTX *ctx;
	off_t total;
	bool leased;
};

/* Of a server's file the lease says what the server grants, whoever writes. */
static bool is_remote(int fd)
{
	struct statfs st;

	if (fstatfs(fd, &st))
		return true;
	return st.f_type == NFS_SUPER_MAGIC || st.f_type == SMB_SUPER_MAGIC ||
	       st.f_type == CIFS_SUPER_MAGIC || st.f_type == SMB2_SUPER_MAGIC ||
	       st.f_type == CEPH_SUPER_MAGIC || st.f_type == AFS_FS_MAGIC;
}

/* Where the caller may not have a lease, times and size alone tell of changes. */
static int keep_writers_out(struct reading *r, struct rcpt_error *err)
{
	r->leased = !fcntl(r->fd, F_SETLEASE, F_RDLCK);
	if (r->leased || errno != EAGAIN || is_remote(r->fd))
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_OPEN_WRITER, RCPT_NO_OFFSET,
			 "open for writing: whoever has it open can change it unseen");
}

static bool is_disturbed(const struct reading *r)
{
	return r->leased && fcntl(r->fd, F_GETLEASE) != F_RDLCK;
}

static int fail_crypto(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			 RCPT_NO_OFFSET, "the crypto library failed");
}

/* Bytes that were read, 0 at the end, or negative errno. */
static ssize_t read_hashed(struct reading *r, void *buf, size_t len)
{
	ssize_t n = read_full(r->fd, buf, len);

	if (n < 0)
		return -errno;
	if (is_disturbed(r))
		return -ENODATA;
	r->total += n;
	return EVP_DigestUpdate(r->ctx, buf, n) == 1 ? n : -ENOMEM;
}

/* For libfsverity, which reads as many bytes as the file has, in order. */
static int read_block(void *r, void *buf, size_t len)
{
	ssize_t n = read_hashed(r, buf, len);

	if (n < 0)
		return n;
	return (size_t)n == len ? 0 : -ENODATA;
}

static int hash_verity(struct reading *r, off_t size, uint8_t *digest)
{
	const struct libfsverity_merkle_tree_params params = {
		.version = 1,
		.hash_algorithm = FS_VERITY_HASH_ALG_SHA256,
		.file_size = size,
		.block_size = RCPT_FSVERITY_BLOCK,
	};
	struct libfsverity_digest *computed;
	int rc = libfsverity_compute_digest(r, read_block, &params, &computed);

	if (rc)
		return rc;
	memcpy(digest, computed->digest, RECEIPT_HASH_SIZE);
	free(computed);
	return 0;
}

/* A file that grows while it is read would have no end. */
static int hash_plain(struct reading *r, off_t size, uint8_t *buf)
{
	ssize_t n;

	do {
		n = read_hashed(r, buf, BUFFER_SIZE);
	} while (n > 0 && r->total <= size);
	return n > 0 ? -ENODATA : n;
}

static int fail_script(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_USAGE, RCPT_NO_OFFSET,
			 "a script (#!) is not sealed as a policy: the same bytes would be run, too");
}

/* The first line of a script is a comment in a policy. */
static bool is_policy(int fd, uint8_t *buf, off_t size)
{
	ssize_t n = size <= RECEIPT_MAX_POLICY ? pread(fd, buf, size, 0) : 0;
	struct receipt_policy_error perr;
	struct receipt_policy *policy;

	if (n <= 0)
		return false;
	policy = receipt_policy_parse((char *)buf, n, &perr);
	if (IS_ERR(policy))
		return false;
	receipt_policy_free(policy);
	return true;
}

static int check_script(struct crew *crew, struct artifact *a, struct reading *r, off_t size,
			uint8_t *buf, struct rcpt_error *err)
{
	/* All operations: the subject of an envelope, which grants none of them. */
	if (crew->usage != UINT8_MAX && a->usage & 1 << RECEIPT_OP_POLICY)
		return fail_script(err);
	a->policy = is_policy(r->fd, buf, size);
	return 0;
}

static int check_sealed(struct crew *crew, struct artifact *a, struct reading *r, off_t size,
			uint8_t *buf, size_t len, struct rcpt_error *err)
{
	int rc = keep_writers_out(r, err);

	a->policy = false;
	if (!rc && len >= 2 && !memcmp(buf, "#!", 2))
		rc = check_script(crew, a, r, size, buf, err);
	return rc;
}

/* Hash what @fd gives; its first bytes decide whether it is read to the end. */
static int hash_content(struct crew *crew, struct artifact *a, struct reading *r,
			off_t size, uint8_t *buf, struct rcpt_error *err)
{
	ssize_t n = pread(r->fd, buf, START_SIZE, 0);
	int rc;

	if (n < 0)
		return fail_errno(err, "cannot read");
	a->usage = crew->usage ? crew->usage : classify(a->path, buf, n);
	if (!a->usage)
		return 0;
	rc = rcpt_budget_take(NULL, size, err);
	if (!rc && crew->list->sealing)
		rc = check_sealed(crew, a, r, size, buf, n, err);
	if (rc)
		return rc;
	if (EVP_DigestInit_ex2(r->ctx, crew->md, NULL) != 1)
		return fail_crypto(err);
	rc = crew->list->fsverity ? hash_verity(r, size, a->fsverity) : hash_plain(r, size, buf);
	if (rc == -ENODATA)
		return fail_changed(err);
	errno = -rc;
	if (rc)
		return rc == -ENOMEM ? fail_crypto(err) : fail_errno(err, "cannot read");
	return EVP_DigestFinal_ex(r->ctx, a->digest, NULL) == 1 ? 0 : fail_crypto(err);
}

static int hash_fd(struct crew *crew, struct artifact *a, int fd,
		   EVP_MD_CTX *ctx, uint8_t *buf, struct rcpt_error *err)
{
	struct reading r = { .fd = fd, .ctx = ctx };
	struct stat before, after;
	int rc;

	if (fstat(fd, &before))
		return fail_errno(err, "cannot read");
	rc = hash_content(crew, a, &r, before.st_size, buf, err);
	if (rc || !a->usage)
		return rc;
	if (fstat(fd, &after))
		return fail_errno(err, "cannot read");
	if (!same_state(&before, &after) || r.total != after.st_size || is_disturbed(&r))
		return fail_changed(err);
	if ((a->usage & STACK_USAGE) == 1 << RECEIPT_OP_EXECUTE && elf_executable_memory(fd))
		return fail_stack(err);
	return 0;
}

/*
 * Of what was found in a folder: data files come and go while they are looked at, and
 * some cannot be read. What nobody may execute is left out then; the caller says it.
 */
static bool leave_out(struct artifact *a, int errnum, const struct stat *st)
{
	if (a->named)
		return false;
	if (errnum == ENOENT || errnum == EXDEV)
		a->skipped = ARTIFACT_GONE;
	else if (errnum == EACCES && S_ISREG(st->st_mode) && !(st->st_mode & 0111))
		a->skipped = ARTIFACT_UNREADABLE;
	return a->skipped;
}

/* What was a file when it was found, and is a link or a FIFO or behind a link by now. */
static bool was_replaced(const struct artifact *a, int errnum)
{
	return !a->named && (errnum == ELOOP || errnum == EINVAL || errnum == EISDIR ||
			     errnum == ENOTDIR);
}

static int hash_file(struct crew *crew, struct artifact *a, EVP_MD_CTX *ctx,
		     uint8_t *buf, struct rcpt_error *err)
{
	struct stat st;
	int fd, rc;

	a->skipped = ARTIFACT_TAKEN;
	a->usage = 0;
	fd = rcpt_open(a->dir, a->below, a->resolve, &st, err);
	if (fd < 0) {
		if (leave_out(a, errno, &st))
			return 0;
		return was_replaced(a, errno) ? fail_changed(err) : -RCPT_SYSTEM;
	}
	rc = hash_fd(crew, a, fd, ctx, buf, err);
	close(fd);
	return rc;
}

static void report(struct crew *crew, int rc, size_t i, const struct rcpt_error *err)
{
	pthread_mutex_lock(&crew->lock);
	if (!crew->rc) {
		crew->rc = rc;
		crew->failed = i;
		if (crew->err)
			*crew->err = *err;
	}
	pthread_mutex_unlock(&crew->lock);
	crew->stop = true;
}

static void work(struct crew *crew, EVP_MD_CTX *ctx, uint8_t *buf)
{
	struct rcpt_error err;
	size_t i;
	int rc;

	while (!crew->stop && (i = crew->next++) < crew->list->n) {
		rc = hash_file(crew, &crew->list->item[i], ctx, buf, &err);
		if (rc)
			report(crew, rc, i, &err);
		crew->done++;
	}
}

static void *run(void *arg)
{
	struct crew *crew = arg;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *buf = malloc(BUFFER_SIZE);
	struct rcpt_error err;

	if (ctx && buf)
		work(crew, ctx, buf);
	else
		report(crew, rcpt_no_memory(&err), 0, &err);
	EVP_MD_CTX_free(ctx);
	free(buf);
	pthread_mutex_lock(&crew->lock);
	crew->working--;
	pthread_cond_signal(&crew->idle);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static unsigned int count_threads(size_t files)
{
	cpu_set_t cpus;
	size_t n = sched_getaffinity(0, sizeof(cpus), &cpus) ? 1 : CPU_COUNT(&cpus);

	if (n > MAX_THREADS)
		n = MAX_THREADS;
	return n < files ? n : files;
}

static void wait_for(struct crew *crew, void (*progress)(size_t, size_t))
{
	struct timespec until;

	pthread_mutex_lock(&crew->lock);
	while (crew->working) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += PROGRESS_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&crew->idle, &crew->lock, &until);
		if (progress)
			progress(crew->done, crew->list->n);
	}
	pthread_mutex_unlock(&crew->lock);
}

/* Threads that could not be made leave their work to the others. */
static void run_crew(struct crew *crew, void (*progress)(size_t, size_t))
{
	pthread_t thread[MAX_THREADS];
	unsigned int wanted = count_threads(crew->list->n);
	unsigned int n;

	crew->working = wanted;
	for (n = 0; n < wanted; n++)
		if (pthread_create(&thread[n], NULL, run, crew))
			break;
	pthread_mutex_lock(&crew->lock);
	crew->working -= wanted - n;
	pthread_mutex_unlock(&crew->lock);
	if (!n) {
		crew->working = 1;
		run(crew);
	}
	wait_for(crew, progress);
	while (n)
		pthread_join(thread[--n], NULL);
}

int hash_artifacts(struct artifacts *list, uint8_t usage, const char *md,
		   void (*progress)(size_t done, size_t total), size_t *failed,
		   struct rcpt_error *err)
{
	EVP_MD *fetched = EVP_MD_fetch(NULL, md, NULL);
	struct crew crew = {
		.list = list,
		.usage = usage,
		.md = fetched,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.idle = PTHREAD_COND_INITIALIZER,
		.err = err,
	};

	*failed = 0;
	/* By this the kernel says that somebody wants to write; it is asked instead. */
	if (list->sealing)
		signal(SIGIO, SIG_IGN);
	if (!fetched)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "the crypto library failed");
	if (list->n)
		run_crew(&crew, progress);
	EVP_MD_free(fetched);
	*failed = crew.failed;
	return crew.rc;
}
