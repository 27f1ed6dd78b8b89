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

/* Sets errno where reading fails, leaves 0 where hashing does. */
static bool hash_fd(int fd, EVP_MD_CTX * const ctx[KINDS])
{
	uint8_t *buf = malloc(CHUNK);
	bool ok = buf;
	ssize_t n = 1;

	while (ok && n) {
		errno = 0;
		n = read(fd, buf, CHUNK);
		if (n < 0 && errno == EINTR)
			continue;
		ok = n >= 0 && update(ctx, buf, n);
	}
	free(buf);
	return ok;
}

static bool hash_file(int fd, struct rcpt_digests *out)
{
	const EVP_MD * const md[KINDS] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	EVP_MD_CTX *ctx[KINDS];
	bool ok = true;
	size_t i;

	for (i = 0; i < KINDS; i++) {
		ctx[i] = EVP_MD_CTX_new();
		ok = ok && ctx[i] && EVP_DigestInit_ex(ctx[i], md[i], NULL);
	}
	ok = ok && hash_fd(fd, ctx);
	for (i = 0; i < KINDS; i++) {
		out->digests[i].kind = RECEIPT_KIND_SHA256 + i;
		ok = ok && EVP_DigestFinal_ex(ctx[i], out->digests[i].bytes, NULL);
		EVP_MD_CTX_free(ctx[i]);
	}
	out->n = ok ? KINDS : 0;
	return ok;
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
 * rcpt_digest_file() - digests of a file
 * @path: its name
 * @out: SHA-256, SHA-384 and SHA-512 of the content, and the fs-verity digest when
 *	the file is under fs-verity
 * @err: what went wrong
 *
 * Return: 0, or -RCPT_SYSTEM.
 */
int rcpt_digest_file(const char *path, struct rcpt_digests *out,
		     struct rcpt_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int saved;
	bool ok;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
				 RCPT_NO_OFFSET, "cannot open: %s", strerror(errno));
	ok = hash_file(fd, out);
	saved = errno;
	if (ok)
		add_fsverity(fd, out);
	close(fd);
	if (ok)
		return 0;
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
			 "cannot read: %s", saved ? strerror(saved) : "hashing failed");
}
