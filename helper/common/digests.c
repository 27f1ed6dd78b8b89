// SPDX-License-Identifier: MIT
/*
 * All digests of a file that evidence may be about.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digests.h"

#define CHUNK	(64 << 10)
#define HASHES	3

static const struct {
	uint8_t kind;
	const char *name;
} hashes[HASHES] = {
	{ RECEIPT_KIND_SHA256, "SHA256" },
	{ RECEIPT_KIND_SHA384, "SHA384" },
	{ RECEIPT_KIND_SHA512, "SHA512" },
};

/**
 * rcpt_kind_name() - name of a kind of digest, as policies write it
 * @kind: enum receipt_kind
 *
 * Return: its name; "unknown" for a number that is none.
 */
const char *rcpt_kind_name(uint8_t kind)
{
	static const char *const names[] = {
		[RECEIPT_KIND_SHA256] = "sha256",
		[RECEIPT_KIND_SHA384] = "sha384",
		[RECEIPT_KIND_SHA512] = "sha512",
		[RECEIPT_KIND_FSVERITY_SHA256] = "fsverity-sha256",
		[RECEIPT_KIND_DMVERITY_SHA256] = "dmverity-sha256",
	};

	if (kind >= sizeof(names) / sizeof(names[0]) || !names[kind])
		return "unknown";
	return names[kind];
}

static int fail(struct rcpt_error *err, int code)
{
	return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
			 RCPT_NO_OFFSET, "%s", strerror(code));
}

static int crypto_fail(struct rcpt_error *err)
{
	return rcpt_fail(err, RCPT_SYSTEM, 0, RCPT_NO_OFFSET, "hashing failed");
}

static int start(EVP_MD_CTX *ctx[HASHES])
{
	for (size_t i = 0; i < HASHES; i++) {
		ctx[i] = EVP_MD_CTX_new();
		if (!ctx[i] || !EVP_DigestInit_ex(ctx[i], EVP_get_digestbyname(hashes[i].name), NULL))
			return -1;
	}
	return 0;
}

static int hash(int fd, EVP_MD_CTX *ctx[HASHES], struct rcpt_error *err)
{
	static uint8_t buf[CHUNK];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf)))) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno);
		for (size_t i = 0; i < HASHES; i++)
			if (!EVP_DigestUpdate(ctx[i], buf, n))
				return crypto_fail(err);
	}
	return 0;
}

static int finish(EVP_MD_CTX *ctx[HASHES], struct rcpt_digests *out,
		  struct rcpt_error *err)
{
	unsigned int len;

	for (size_t i = 0; i < HASHES; i++) {
		if (!EVP_DigestFinal_ex(ctx[i], out->at[out->n].bytes, &len))
			return crypto_fail(err);
		out->at[out->n].kind = hashes[i].kind;
		out->at[out->n++].len = len;
	}
	return 0;
}

/* Only a file that has fs-verity enabled has this digest. */
static void add_verity(int fd, struct rcpt_digests *out)
{
	union {
		struct fsverity_digest head;
		uint8_t room[sizeof(struct fsverity_digest) + RECEIPT_MAX_DIGEST];
	} d = { .head.digest_size = RECEIPT_MAX_DIGEST };

	if (ioctl(fd, FS_IOC_MEASURE_VERITY, &d) ||
	    d.head.digest_algorithm != FS_VERITY_HASH_ALG_SHA256 ||
	    d.head.digest_size != RECEIPT_HASH_SIZE)
		return;
	out->at[out->n].kind = RECEIPT_KIND_FSVERITY_SHA256;
	out->at[out->n].len = d.head.digest_size;
	memcpy(out->at[out->n++].bytes, d.room + sizeof(d.head), d.head.digest_size);
}

static int digest_fd(int fd, struct rcpt_digests *out, struct rcpt_error *err)
{
	EVP_MD_CTX *ctx[HASHES] = { 0 };
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return fail(err, errno);
	if (!S_ISREG(st.st_mode))
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_UNREADABLE,
				 RCPT_NO_OFFSET, "not a regular file");
	ret = start(ctx) ? crypto_fail(err) : hash(fd, ctx, err);
	if (!ret)
		ret = finish(ctx, out, err);
	for (size_t i = 0; i < HASHES; i++)
		EVP_MD_CTX_free(ctx[i]);
	if (!ret)
		add_verity(fd, out);
	return ret;
}

/**
 * rcpt_digests_of() - compute a file's digests
 * @path: of a regular file
 * @out: result
 * @err: filled in on failure
 *
 * Return: 0, -RCPT_SYSTEM, or -RCPT_MALFORMED for what is no regular file. Not
 * for several threads.
 */
int rcpt_digests_of(const char *path, struct rcpt_digests *out,
		    struct rcpt_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int ret;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return fail(err, errno);
	ret = digest_fd(fd, out, err);
	close(fd);
	return ret;
}
