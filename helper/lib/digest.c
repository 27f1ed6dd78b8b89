// SPDX-License-Identifier: MIT
/*
 * Hashing of bytes in memory and of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "receipt.h"

#define CHUNK	65536
#define KINDS	3

/**
 * rcpt_sha256() - SHA-256 of one buffer
 * @data: bytes
 * @len: how many
 * @out: digest
 *
 * Return: 0, or -RCPT_SYSTEM when OpenSSL fails.
 */
int rcpt_sha256(const void *data, size_t len, uint8_t out[RECEIPT_HASH_SIZE])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) ? 0 : -RCPT_SYSTEM;
}

/**
 * rcpt_digest_kind() - which kind of digest a hash envelope holds
 * @hash_alg: its COSE algorithm (label 258)
 *
 * Return: enum receipt_kind, or 0 for an algorithm that is not supported.
 */
uint8_t rcpt_digest_kind(int64_t hash_alg)
{
	switch (hash_alg) {
	case RCPT_SHA256:
		return RECEIPT_KIND_SHA256;
	case RCPT_SHA384:
		return RECEIPT_KIND_SHA384;
	case RCPT_SHA512:
		return RECEIPT_KIND_SHA512;
	default:
		return 0;
	}
}

static bool update(EVP_MD_CTX * const ctx[KINDS], const void *data, size_t len)
{
	size_t i;

	for (i = 0; i < KINDS; i++)
		if (!EVP_DigestUpdate(ctx[i], data, len))
			return false;
	return true;
}

/*
 * What a hash may fail by: reading, with errno, or else something that is said.
 */
static int fail_read(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot read: %s", strerror(errno));
}

static int fail_hash(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot read: hashing failed");
}

/* A file that grows while it is read would have no end. */
static int hash_fd(int fd, off_t size, const struct rcpt_budget *budget, uint8_t *buf,
		   EVP_MD_CTX * const ctx[KINDS], struct rcpt_error *err)
{
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, CHUNK, at))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_read(err);
		at += n;
		if (at > size)
			break;
		if (rcpt_budget_late(budget))
			return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_BOUND,
					 RCPT_NO_OFFSET, "not read: the time for all files is over");
		if (!update(ctx, buf, n))
			return fail_hash(err);
	}
	if (at == size)
		return 0;
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_FILE_CHANGED, RCPT_NO_OFFSET,
			 "changed while it was read");
}

static int hash_file(int fd, off_t size, const struct rcpt_budget *budget,
		     struct rcpt_digests *out, struct rcpt_error *err)
{
	const EVP_MD * const md[KINDS] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	uint8_t *buf = malloc(CHUNK);
	EVP_MD_CTX *ctx[KINDS];
	bool ok = buf;
	size_t i;
	int ret;

	for (i = 0; i < KINDS; i++) {
		ctx[i] = EVP_MD_CTX_new();
		ok = ok && ctx[i] && EVP_DigestInit_ex(ctx[i], md[i], NULL);
	}
	ret = ok ? hash_fd(fd, size, budget, buf, ctx, err) : fail_hash(err);
	for (i = 0; i < KINDS; i++) {
		out->digests[i].kind = RECEIPT_KIND_SHA256 + i;
		if (!ret && !EVP_DigestFinal_ex(ctx[i], out->digests[i].bytes, NULL))
			ret = fail_hash(err);
		EVP_MD_CTX_free(ctx[i]);
	}
	free(buf);
	out->n = ret ? 0 : KINDS;
	return ret;
}

/* As the kernel has it; nothing for a file that is not under fs-verity. */
static void add_fsverity(int fd, struct rcpt_digests *out)
{
	union {
		struct fsverity_digest head;
		uint8_t room[sizeof(struct fsverity_digest) + RECEIPT_MAX_DIGEST];
	} arg = { .head.digest_size = RECEIPT_MAX_DIGEST };

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &arg) ||
	    arg.head.digest_algorithm != FS_VERITY_HASH_ALG_SHA256)
		return;
	out->digests[out->n].kind = RECEIPT_KIND_FSVERITY_SHA256;
	memcpy(out->digests[out->n].bytes, arg.head.digest, RECEIPT_HASH_SIZE);
	out->n++;
}

/**
 * rcpt_digest_fd() - digests of an open file
 * @fd: of a regular file; its position does not matter
 * @budget: what it may cost; NULL: any file of at most RCPT_MAX_ARTIFACT bytes
 * @out: SHA-256, SHA-384 and SHA-512 of the content, and the fs-verity digest when
 *	the file is under fs-verity
 * @err: what went wrong
 *
 * Its size is looked at first: what is too large is not read.
 *
 * Return: 0, -RCPT_CANNOT_EVALUATE when the budget has not enough, -RCPT_INVALID when
 * the file changed meanwhile, or -RCPT_SYSTEM.
 */
int rcpt_digest_fd(int fd, struct rcpt_budget *budget, struct rcpt_digests *out,
		   struct rcpt_error *err)
{
	struct stat st;
	int ret;

	memset(out, 0, sizeof(*out));
	if (fstat(fd, &st))
		return fail_read(err);
	ret = rcpt_budget_take(budget, st.st_size, err);
	if (!ret)
		ret = hash_file(fd, st.st_size, budget, out, err);
	if (!ret)
		add_fsverity(fd, out);
	return ret;
}

/**
 * rcpt_digest_file() - digests of a file
 * @path: its name
 * @out: as of rcpt_digest_fd()
 * @err: what went wrong
 *
 * Return: as rcpt_digest_fd(); -RCPT_SYSTEM when it is no regular file.
 */
int rcpt_digest_file(const char *path, struct rcpt_digests *out,
		     struct rcpt_error *err)
{
	int fd = rcpt_open(AT_FDCWD, path, 0, NULL, err);
	int ret;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return -RCPT_SYSTEM;
	ret = rcpt_digest_fd(fd, NULL, out, err);
	close(fd);
	return ret;
}
