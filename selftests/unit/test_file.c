// SPDX-License-Identifier: MIT
/*
 * Reading and hashing whole files.
 */
#include "craft.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/receipt-file-XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void fill(size_t len)
{
	FILE *f = fopen(path, "w");
	size_t i;

	assert_non_null(f);
	for (i = 0; i < len; i++)
		fputc((int)(i % 251), f);
	assert_int_equal(fclose(f), 0);
}

static void reads_files_of_all_sizes(void **state)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000 };
	struct rcpt_error err;
	uint8_t *data;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(sizes[i]);
		assert_int_equal(rcpt_file_read(path, 100000, &data, &len, &err), 0);
		assert_int_equal(len, sizes[i]);
		assert_non_null(data);
		if (len)
			assert_int_equal(data[len - 1], (len - 1) % 251);
		free(data);
	}
}

static void bounds_files(void **state)
{
	struct rcpt_error err;
	uint8_t *data;
	size_t len;

	(void)state;
	fill(101);
	assert_int_equal(rcpt_file_read(path, 100, &data, &len, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(err.offset, 100);
	/* one that never ends */
	assert_int_equal(rcpt_file_read("/dev/zero", 100000, &data, &len, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
}

/* Standard input, which has no size. */
static void reads_pipes(void **state)
{
	int fds[2], saved = dup(STDIN_FILENO);
	struct rcpt_error err;
	uint8_t block[1024] = { 7 }, *data;
	size_t len, i;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	for (i = 0; i < 10; i++)
		assert_int_equal(write(fds[1], block, sizeof(block)), sizeof(block));
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	assert_int_equal(rcpt_file_read("-", 100000, &data, &len, &err), 0);
	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_int_equal(len, 10 * sizeof(block));
	free(data);
}

static void names_what_cannot_be_read(void **state)
{
	static const char *const names[] = { "/nonexistent/file", "/", "" };
	struct rcpt_digests digests;
	struct rcpt_error err;
	uint8_t *data;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(rcpt_file_read(names[i], 100, &data, &len, &err),
				 -RCPT_SYSTEM);
		assert_int_equal(err.reason, RECEIPT_REASON_UNREADABLE);
		assert_int_equal(err.offset, RCPT_NO_OFFSET);
		assert_int_equal(rcpt_digest_file(names[i], &digests, &err), -RCPT_SYSTEM);
		assert_int_equal(err.reason, RECEIPT_REASON_UNREADABLE);
		assert_int_equal(digests.n, 0);
	}
}

static void hashes_files(void **state)
{
	static const size_t sizes[] = { 0, 1, 65536, 65537, 200000 };
	const EVP_MD *md[] = { EVP_sha256(), EVP_sha384(), EVP_sha512() };
	uint8_t digest[64], *data;
	struct rcpt_digests out;
	size_t i, k, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(sizes[i]);
		assert_int_equal(rcpt_file_read(path, 1000000, &data, &len, NULL), 0);
		assert_int_equal(rcpt_digest_file(path, &out, NULL), 0);
		assert_int_equal(out.n, 3);
		for (k = 0; k < 3; k++) {
			EVP_Digest(data, len, digest, NULL, md[k], NULL);
			assert_int_equal(out.digests[k].kind, RECEIPT_KIND_SHA256 + k);
			assert_memory_equal(out.digests[k].bytes, digest, 32 + 16 * k);
		}
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files_of_all_sizes),
		cmocka_unit_test(bounds_files),
		cmocka_unit_test(reads_pipes),
		cmocka_unit_test(names_what_cannot_be_read),
		cmocka_unit_test(hashes_files),
	};

	return cmocka_run_group_tests_name("file", tests, setup, teardown);
}
