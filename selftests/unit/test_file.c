// SPDX-License-Identifier: MIT
/*
 * Reading and hashing whole files.
 */
#include "craft.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"

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
	/* one of 1 TiB is told by its size, and one that lies about it by reading */
	assert_int_equal(truncate(path, 1LL << 40), 0);
	assert_int_equal(rcpt_file_read(path, 100, &data, &len, &err), -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(rcpt_file_read("/proc/self/maps", 100, &data, &len, &err),
			 -RCPT_MALFORMED);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(rcpt_file_read("/proc/self/maps", 1 << 20, &data, &len, &err), 0);
	assert_true(len > 100);
	free(data);
}

/*
 * What is no regular file is never opened: a watch tells of each opening, which one
 * with O_PATH is none.
 */

static int watch(const char *what)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(inotify_add_watch(fd, what, IN_OPEN) >= 0);
	return fd;
}

static bool was_opened(int fd)
{
	char events[4096];

	return read(fd, events, sizeof(events)) > 0;
}

static void expect_closed(const char *what, int why)
{
	int fd = watch(what), opened;
	struct rcpt_digests digests;
	struct rcpt_error err;
	struct stat st;
	uint8_t *data;
	size_t len;

	errno = 0;
	assert_int_equal(rcpt_open(AT_FDCWD, what, 0, &st, &err), -1);
	assert_int_equal(errno, why);
	assert_true(st.st_mode && !S_ISREG(st.st_mode));
	assert_int_equal(err.reason, RECEIPT_REASON_UNREADABLE);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(rcpt_file_read(what, 100, &data, &len, &err), -RCPT_SYSTEM);
	assert_int_equal(rcpt_digest_file(what, &digests, &err), -RCPT_SYSTEM);
	assert_false(was_opened(fd));
	/* the watch does tell */
	opened = open(what, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (opened >= 0) {
		assert_true(was_opened(fd));
		close(opened);
	} else {
		assert_int_equal(errno, ENXIO);	/* a socket */
	}
	close(fd);
}

static void opens_no_device(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	(void)state;
	assert_true(master >= 0);
	assert_int_equal(grantpt(master) | unlockpt(master), 0);
	expect_closed(ptsname(master), EINVAL);
	close(master);
}

static void opens_no_fifo(void **state)
{
	char *dir = folder_make();
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	alarm(600);	/* who opens a FIFO without a writer waits for ever */
	assert_int_equal(mkfifo(in_folder(dir, "fifo"), 0600), 0);
	expect_closed(in_folder(dir, "fifo"), EINVAL);
	assert_int_equal(symlink("fifo", in_folder(dir, "link")), 0);
	expect_closed(in_folder(dir, "link"), EINVAL);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", in_folder(dir, "socket"));
	assert_int_equal(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	expect_closed(in_folder(dir, "socket"), EINVAL);
	expect_closed(dir, EISDIR);
	close(sock);
	alarm(0);
	folder_remove(dir);
}

static int open_in(const char *dir, const char *name, uint64_t resolve)
{
	int at = open(dir, O_PATH | O_DIRECTORY), fd;

	assert_true(at >= 0);
	fd = rcpt_open(at, name, resolve, NULL, NULL);
	close(at);
	return fd;
}

static void stays_in_the_tree(void **state)
{
	const uint64_t below = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
	char *dir = folder_make();
	int fd;

	(void)state;
	folder_write(in_folder(dir, "secret"), "x", 1);
	assert_int_equal(mkdir(in_folder(dir, "tree"), 0700), 0);
	folder_write(in_folder(dir, "tree/file"), "x", 1);
	assert_int_equal(symlink("..", in_folder(dir, "tree/out")), 0);
	fd = open_in(in_folder(dir, "tree"), "file", below);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_in(in_folder(dir, "tree"), "out/secret", below), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(open_in(in_folder(dir, "tree"), "../secret", below), -1);
	assert_int_equal(errno, EXDEV);
	/* without these it is there */
	fd = open_in(in_folder(dir, "tree"), "out/secret", 0);
	assert_true(fd >= 0);
	close(fd);
	folder_remove(dir);
}

/* /dev/fd/N is what the caller has open: a shell's <(COMMAND). */
static void reads_own_descriptors(void **state)
{
	struct rcpt_error err;
	uint8_t *data;
	char name[32];
	int fds[2];
	size_t len;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "abc", 3), 3);
	close(fds[1]);
	snprintf(name, sizeof(name), "/dev/fd/%d", fds[0]);
	assert_int_equal(rcpt_file_read(name, 100, &data, &len, &err), 0);
	assert_int_equal(len, 3);
	free(data);
	close(fds[0]);
	assert_int_equal(rcpt_file_read(name, 100, &data, &len, &err), -RCPT_SYSTEM);
	assert_int_equal(rcpt_file_read("/dev/fd/99999999999", 100, &data, &len, &err),
			 -RCPT_SYSTEM);
}

static void budget_is_kept(void **state)
{
	struct rcpt_digests out;
	struct rcpt_budget b;
	struct rcpt_error err;
	int fd;

	(void)state;
	fill(1000);
	fd = rcpt_open(AT_FDCWD, path, 0, NULL, &err);
	assert_true(fd >= 0);
	rcpt_budget_start(&b, 1000, 2000, 100000);
	assert_int_equal(rcpt_digest_fd(fd, &b, &out, &err), 0);
	assert_int_equal(out.n, 3);
	/* what is in it pays, at any position of the descriptor */
	assert_int_equal(rcpt_digest_fd(fd, &b, &out, &err), 0);
	assert_int_equal(b.bytes, 0);
	assert_int_equal(rcpt_digest_fd(fd, &b, &out, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	assert_int_equal(out.n, 0);
	/* one file */
	rcpt_budget_start(&b, 999, 2000, 100000);
	assert_int_equal(rcpt_digest_fd(fd, &b, &out, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(b.bytes, 2000);
	/* the time */
	rcpt_budget_start(&b, 1000, 2000, 0);
	assert_true(rcpt_budget_late(&b));
	assert_int_equal(rcpt_digest_fd(fd, &b, &out, &err), -RCPT_CANNOT_EVALUATE);
	/* and any file at all */
	assert_int_equal(truncate(path, (off_t)RCPT_MAX_ARTIFACT + 1), 0);
	assert_int_equal(rcpt_digest_file(path, &out, &err), -RCPT_CANNOT_EVALUATE);
	close(fd);
	fill(1);
	assert_int_equal(rcpt_digest_file(path, &out, &err), 0);
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
		cmocka_unit_test(opens_no_device),
		cmocka_unit_test(opens_no_fifo),
		cmocka_unit_test(stays_in_the_tree),
		cmocka_unit_test(reads_own_descriptors),
		cmocka_unit_test(budget_is_kept),
		cmocka_unit_test(reads_pipes),
		cmocka_unit_test(names_what_cannot_be_read),
		cmocka_unit_test(hashes_files),
	};

	return cmocka_run_group_tests_name("file", tests, setup, teardown);
}
