// SPDX-License-Identifier: MIT
#include <pthread.h>
#include <sys/mman.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <time.h>

#include <openssl/pem.h>

#include "folder.h"
#include "policy_text.h"
#include "sample.h"

#include <elf.h>

#include "../../helper/receiptctl/walk.c"
#include "../../helper/receiptctl/hash.c"
#include "../../helper/receiptctl/folder.c"

#define EXECUTE	(1 << RECEIPT_OP_EXECUTE)
#define KMODULE	(1 << RECEIPT_OP_KMODULE)

static const char elf[] = "\177ELF and so on";

/*
 * walking and hashing
 */

static struct artifacts walk(const char *path)
{
	struct rcpt_error err = { .text = "" };
	struct artifacts list = { 0 };
	char *failed;

	if (walk_path(path, &list, &failed, &err))
		fail_msg("%s: %s", failed, err.text);
	return list;
}

static int walk_fails(const char *path, const char *where)
{
	struct artifacts list = { 0 };
	struct rcpt_error err;
	char *failed;
	int rc = walk_path(path, &list, &failed, &err);

	assert_true(rc < 0);
	assert_string_equal(failed, where);
	free(failed);
	artifacts_free(&list);
	return rc;
}

static uint8_t usage_of(const struct artifacts *list, const char *name)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (!strcmp(basename(list->item[i].path), name))
			return list->item[i].usage;
	fail_msg("%s was not found", name);
	return 0;
}

static void hash(struct artifacts *list, uint8_t usage)
{
	struct rcpt_error err = { .text = "" };
	size_t failed;

	if (hash_artifacts(list, usage, "SHA256", NULL, &failed, &err))
		fail_msg("%s: %s", list->item[failed].path, err.text);
}

static char *sample_tree(void)
{
	char *dir = folder_make();

	assert_int_equal(mkdir(in_folder(dir, "sub"), 0755), 0);
	folder_write(in_folder(dir, "program"), elf, sizeof(elf));
	folder_write(in_folder(dir, "sub/script"), "#!/bin/sh\n", 10);
	folder_write(in_folder(dir, "sub/a.ko"), elf, sizeof(elf));
	folder_write(in_folder(dir, "sub/b.ko.xz"), "compressed", 10);
	folder_write(in_folder(dir, "sub/c.ko.zst"), "compressed", 10);
	folder_write(in_folder(dir, "sub/d.ko.gz"), "compressed", 10);
	folder_write(in_folder(dir, "text"), "#", 1);
	folder_write(in_folder(dir, "empty"), "", 0);
	assert_int_equal(symlink("program", in_folder(dir, "link")), 0);
	assert_int_equal(symlink("nowhere", in_folder(dir, "dangling")), 0);
	assert_int_equal(symlink("/", in_folder(dir, "sub/root")), 0);
	assert_int_equal(mkfifo(in_folder(dir, "fifo"), 0600), 0);
	return dir;
}

static void test_walk(void **state)
{
	char *dir = sample_tree();
	struct artifacts list = walk(dir);
	size_t i;

	(void)state;
	assert_int_equal(list.n, 8);
	for (i = 0; i < list.n; i++)
		assert_false(list.item[i].named);
	artifacts_free(&list);

	list = walk(in_folder(dir, "link"));
	assert_int_equal(list.n, 1);
	assert_true(list.item[0].named);
	artifacts_free(&list);

	assert_int_equal(walk_fails(in_folder(dir, "dangling"), in_folder(dir, "dangling")),
			 -RCPT_SYSTEM);
	assert_int_equal(walk_fails(in_folder(dir, "none"), in_folder(dir, "none")),
			 -RCPT_SYSTEM);
	assert_int_equal(walk_fails(in_folder(dir, "fifo"), in_folder(dir, "fifo")),
			 -RCPT_MALFORMED);
	folder_remove(dir);
}

static void test_classify(void **state)
{
	char *dir = sample_tree();
	struct artifacts list = walk(dir);
	uint8_t digest[32];
	size_t i;

	(void)state;
	hash(&list, 0);
	assert_int_equal(usage_of(&list, "program"), EXECUTE);
	assert_int_equal(usage_of(&list, "script"), EXECUTE);
	assert_int_equal(usage_of(&list, "a.ko"), KMODULE);
	assert_int_equal(usage_of(&list, "b.ko.xz"), KMODULE);
	assert_int_equal(usage_of(&list, "c.ko.zst"), KMODULE);
	assert_int_equal(usage_of(&list, "d.ko.gz"), KMODULE);
	assert_int_equal(usage_of(&list, "text"), 0);
	assert_int_equal(usage_of(&list, "empty"), 0);
	assert_int_equal(rcpt_sha256(elf, sizeof(elf), digest), 0);
	for (i = 0; i < list.n; i++)
		if (!strcmp(basename(list.item[i].path), "program"))
			assert_memory_equal(list.item[i].digest, digest, 32);
	artifacts_free(&list);

	list = walk(dir);
	hash(&list, 1 << RECEIPT_OP_FIRMWARE);
	for (i = 0; i < list.n; i++)
		assert_int_equal(list.item[i].usage, 1 << RECEIPT_OP_FIRMWARE);
	artifacts_free(&list);
	folder_remove(dir);
}

/* Several buffers long, and every length around their border. */
static void test_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 3, BUFFER_SIZE - 1, BUFFER_SIZE,
					  BUFFER_SIZE + 1, 3 * BUFFER_SIZE + 7 };
	char *dir = folder_make();
	uint8_t *data = malloc(4 * BUFFER_SIZE);
	uint8_t digest[32];
	size_t i;

	(void)state;
	assert_non_null(data);
	for (i = 0; i < 4 * BUFFER_SIZE; i++)
		data[i] = i * 7 + i / 256;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct artifacts list;

		folder_write(in_folder(dir, "f"), data, lengths[i]);
		list = walk(in_folder(dir, "f"));
		hash(&list, EXECUTE);
		assert_int_equal(rcpt_sha256(data, lengths[i], digest), 0);
		assert_memory_equal(list.item[0].digest, digest, 32);
		artifacts_free(&list);
	}
	free(data);
	folder_remove(dir);
}

static atomic_bool stop_writing;

static void *keep_writing(void *arg)
{
	int fd = *(int *)arg;
	struct timespec pause = { .tv_nsec = 200000 };

	while (!stop_writing) {
		assert_int_equal(pwrite(fd, "x", 1, 1000), 1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void test_changing(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "program");
	struct artifacts list;
	struct rcpt_error err;
	pthread_t writer;
	size_t failed;
	int fd;

	(void)state;
	folder_write(path, elf, sizeof(elf));
	list = walk(path);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 96 << 20), 0);
	hash(&list, 0);	/* the control */
	assert_int_equal(pthread_create(&writer, NULL, keep_writing, &fd), 0);
	assert_int_equal(hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err),
			 -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_FILE_CHANGED);
	assert_int_equal(failed, 0);
	stop_writing = true;
	pthread_join(writer, NULL);
	close(fd);
	artifacts_free(&list);
	folder_remove(dir);
}

/* Mapped before: no time in the inode says that it changes. */
static char *map_dirty(const char *path)
{
	int fd = open(path, O_RDWR);
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(at != MAP_FAILED);
	at[100] = 1;
	close(fd);
	return at;
}

static int seal_hash(struct artifacts *list, struct rcpt_error *err)
{
	size_t failed;

	return hash_artifacts(list, 0, "SHA256", NULL, &failed, err);
}

/* For a seal, whoever has it open for writing stops it, with and without fs-verity. */
static void test_open_writer(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "program");
	struct artifacts list;
	struct rcpt_error err;
	char *at;
	int fd;

	(void)state;
	folder_write(path, elf, sizeof(elf));
	assert_int_equal(truncate(path, 1 << 20), 0);
	list = walk(path);
	for (int round = 0; round < 2; round++) {
		list.sealing = true;
		list.fsverity = round;
		hash(&list, 0);	/* the control */
		at = map_dirty(path);
		assert_int_equal(seal_hash(&list, &err), -RCPT_INVALID);
		assert_int_equal(err.reason, RECEIPT_REASON_OPEN_WRITER);
		munmap(at, 4096);
		hash(&list, 0);
		fd = open(path, O_WRONLY);
		assert_int_equal(seal_hash(&list, &err), -RCPT_INVALID);
		assert_int_equal(err.reason, RECEIPT_REASON_OPEN_WRITER);
		/* Who only looks, and verifies, is not stopped. */
		list.sealing = false;
		hash(&list, 0);
		close(fd);
	}
	artifacts_free(&list);
	folder_remove(dir);
}

/* Opens it for writing as soon as it is read; the kernel lets it when the seal gave up. */
static void *open_to_write(void *arg)
{
	struct artifacts *list = arg;
	struct timespec pause = { .tv_nsec = 100000 };
	int fd;

	/* Until the lease is there: then an attempt that does not wait is refused. */
	while ((fd = open(list->item[0].path, O_WRONLY | O_NONBLOCK)) >= 0) {
		close(fd);
		if (stop_writing)
			return NULL;
		nanosleep(&pause, NULL);
	}
	assert_int_equal(errno, EWOULDBLOCK);
	return NULL;
}

/* A writer who comes while the file is read, which fs-verity's digest takes long for. */
static void test_writer_comes(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "program");
	struct artifacts list;
	struct rcpt_error err;
	pthread_t writer;

	(void)state;
	folder_write(path, elf, sizeof(elf));
	assert_int_equal(truncate(path, 64 << 20), 0);
	list = walk(path);
	list.sealing = true;
	for (int round = 0; round < 2; round++) {
		bool refused = false;

		list.fsverity = round;
		stop_writing = false;
		assert_int_equal(pthread_create(&writer, NULL, open_to_write, &list), 0);
		/* The writer may have it open just when the seal begins: refused as well. */
		for (int i = 0; i < 1000 && !refused; i++)
			refused = seal_hash(&list, &err) == -RCPT_INVALID &&
				  err.reason == RECEIPT_REASON_FILE_CHANGED;
		stop_writing = true;
		pthread_join(writer, NULL);
		assert_true(refused);
		hash(&list, 0);	/* the control */
	}
	artifacts_free(&list);
	folder_remove(dir);
}

/* Where there is no lease, times and size tell, of fs-verity's digest as well. */
static void test_changing_verity(void **state)
{
	char *dir = folder_make();
	const char *path = in_folder(dir, "program");
	struct artifacts list;
	struct rcpt_error err;
	pthread_t writer;
	int fd;

	(void)state;
	folder_write(path, elf, sizeof(elf));
	assert_int_equal(truncate(path, 96 << 20), 0);
	list = walk(path);
	list.fsverity = true;
	hash(&list, 0);	/* the control */
	fd = open(path, O_WRONLY);
	stop_writing = false;
	assert_int_equal(pthread_create(&writer, NULL, keep_writing, &fd), 0);
	assert_int_equal(seal_hash(&list, &err), -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_FILE_CHANGED);
	stop_writing = true;
	pthread_join(writer, NULL);
	close(fd);
	artifacts_free(&list);
	folder_remove(dir);
}

/* What was a file when it was found and is a link, a pipe or gone by now. */
static void test_replaced(void **state)
{
	char *dir = sample_tree();
	struct artifacts list = walk(in_folder(dir, "sub"));
	struct rcpt_error err;
	size_t failed;

	(void)state;
	hash(&list, 0);
	assert_int_equal(usage_of(&list, "script"), EXECUTE);
	assert_int_equal(unlink(in_folder(dir, "sub/script")), 0);
	hash(&list, 0);		/* gone: left out */
	assert_int_equal(usage_of(&list, "script"), 0);
	assert_int_equal(list.item[list.n - 1].skipped, ARTIFACT_GONE);
	assert_int_equal(symlink("../program", in_folder(dir, "sub/script")), 0);
	assert_int_equal(hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err), -RCPT_INVALID);
	assert_int_equal(unlink(in_folder(dir, "sub/script")), 0);
	assert_int_equal(mkfifo(in_folder(dir, "sub/script"), 0600), 0);
	assert_int_equal(hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err), -RCPT_INVALID);
	artifacts_free(&list);
	folder_remove(dir);
}

/* A folder on the way was exchanged for a link since: nobody is led out by it. */
static void test_swapped(void **state)
{
	char *dir = sample_tree(), *other = folder_make();
	struct artifacts list = walk(dir);
	struct rcpt_error err;
	size_t failed;

	(void)state;
	folder_write(in_folder(other, "script"), "#!/bin/sh\nsecret\n", 17);
	assert_int_equal(rename(in_folder(dir, "sub"), in_folder(dir, "was")), 0);
	assert_int_equal(symlink(other, in_folder(dir, "sub")), 0);
	assert_int_equal(hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err), -RCPT_INVALID);
	assert_int_equal(err.reason, RECEIPT_REASON_FILE_CHANGED);
	assert_non_null(strstr(list.item[failed].path, "/sub/"));
	assert_int_equal(unlink(in_folder(dir, "sub")), 0);
	assert_int_equal(rename(in_folder(dir, "was"), in_folder(dir, "sub")), 0);
	hash(&list, 0);
	assert_int_equal(usage_of(&list, "script"), EXECUTE);
	artifacts_free(&list);
	folder_remove(other);
	folder_remove(dir);
}

/* A FIFO in the place of a file that was found is not opened, as the watch tells. */
static void test_fifo(void **state)
{
	char *dir = folder_make(), events[4096];
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct artifacts list;
	struct rcpt_error err;
	size_t failed;

	(void)state;
	folder_write(in_folder(dir, "script"), "#!/bin/sh\n", 10);
	list = walk(dir);
	assert_int_equal(unlink(in_folder(dir, "script")), 0);
	assert_int_equal(mkfifo(in_folder(dir, "script"), 0600), 0);
	assert_true(inotify_add_watch(fd, in_folder(dir, "script"), IN_OPEN) >= 0);
	alarm(600);
	assert_int_equal(hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err), -RCPT_INVALID);
	alarm(0);
	assert_true(read(fd, events, sizeof(events)) < 0);
	artifacts_free(&list);
	close(open(in_folder(dir, "script"), O_RDONLY | O_NONBLOCK));
	assert_true(read(fd, events, sizeof(events)) > 0);
	close(fd);
	folder_remove(dir);
}

/* One of 1 TiB and a byte more is refused before it is read. */
static void test_endless(void **state)
{
	char *dir = folder_make();
	struct artifacts list;
	struct rcpt_error err;
	size_t failed;

	(void)state;
	folder_write(in_folder(dir, "script"), "#!/bin/sh\n", 10);
	folder_write(in_folder(dir, "data"), "data", 4);
	assert_int_equal(truncate(in_folder(dir, "data"), (off_t)RCPT_MAX_ARTIFACT + 1), 0);
	list = walk(dir);
	hash(&list, 0);		/* what is no program is not read */
	assert_int_equal(truncate(in_folder(dir, "script"), (off_t)RCPT_MAX_ARTIFACT + 1), 0);
	assert_int_equal(hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err),
			 -RCPT_CANNOT_EVALUATE);
	assert_int_equal(err.reason, RECEIPT_REASON_BOUND);
	artifacts_free(&list);
	folder_remove(dir);
}

/* As a user: what nobody may execute is left out when it cannot be read, and named. */
static void test_unreadable(void **state)
{
	char *dir = folder_make();
	struct rcpt_error err;
	pid_t pid;

	(void)state;
	chmod(dir, 0755);
	folder_write(in_folder(dir, "data"), "data", 4);
	folder_write(in_folder(dir, "script"), "#!/bin/sh\n", 10);
	chmod(in_folder(dir, "data"), 0);
	pid = fork();
	if (!pid) {
		struct artifacts list = { 0 };
		char *where;
		size_t failed;
		int bad = 0;

		if (!getuid() && (setgid(65534) || setuid(65534)))
			_exit(9);
		bad |= walk_path(dir, &list, &where, &err) ? 1 : 0;
		bad |= hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err) ? 2 : 0;
		bad |= usage_of(&list, "script") == EXECUTE ? 0 : 4;
		bad |= list.item[0].skipped == ARTIFACT_UNREADABLE ? 0 : 8;
		artifacts_free(&list);
		_exit(bad);
	}
	assert_int_equal(child_status(pid), 0);
	/* a program must be sealed, or it is said that it cannot */
	chmod(in_folder(dir, "data"), 0111);
	pid = fork();
	if (!pid) {
		struct artifacts list = { 0 };
		char *where;
		size_t failed;
		int ret;

		if (!getuid() && (setgid(65534) || setuid(65534)))
			_exit(9);
		ret = walk_path(dir, &list, &where, &err);
		ret = ret ? ret : hash_artifacts(&list, 0, "SHA256", NULL, &failed, &err);
		artifacts_free(&list);
		_exit(ret == -RCPT_SYSTEM ? 0 : 1);
	}
	assert_int_equal(child_status(pid), 0);
	folder_remove(dir);
}

static void count_bad(const char *file, enum receipt_reason reason, void *arg)
{
	(void)file;
	((size_t *)arg)[reason == RECEIPT_REASON_USAGE]++;
}

/* However many leaves have a file's digest, one look-up tells what they grant. */
static void test_folder(void **state)
{
	char *dir = folder_make(), *about;
	struct folder f = { .path = dir };
	struct rcpt_leaf leaves[1000], *sorted;
	struct rcpt_bundle bundle = { .leaves = leaves, .nleaves = ARRAY_SIZE(leaves) };
	uint8_t digest[RECEIPT_HASH_SIZE], other[RECEIPT_HASH_SIZE] = { 0 };
	size_t n, bad[2] = { 0 };

	(void)state;
	folder_write(in_folder(dir, "a"), "#!/bin/sh\n", 10);
	folder_write(in_folder(dir, "b"), "#!/bin/sh\n", 10);
	assert_int_equal(rcpt_sha256("#!/bin/sh\n", 10, digest), 0);
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++)
		leaves[i] = (struct rcpt_leaf){ .kind = RECEIPT_KIND_SHA256, .digest = digest,
						.usage = i == 500 ? EXECUTE : KMODULE };
	leaves[10].digest = other;
	sorted = sort_leaves(&bundle, RECEIPT_KIND_SHA256, &n);
	assert_int_equal(n, 2);
	free(sorted);
	assert_int_equal(folder_check(&f, &bundle, count_bad, bad, &about, NULL), 0);
	assert_int_equal(f.checked, 2);
	assert_int_equal(bad[0] + bad[1], 0);
	folder_free(&f);
	leaves[500].usage = KMODULE;	/* nobody grants it now */
	f = (struct folder){ .path = dir };
	assert_int_equal(folder_check(&f, &bundle, count_bad, bad, &about, NULL), 0);
	assert_int_equal(bad[1], 2);
	folder_free(&f);
	folder_write(in_folder(dir, "b"), "#!/bin/other\n", 13);
	f = (struct folder){ .path = dir };
	assert_int_equal(folder_check(&f, &bundle, count_bad, bad, &about, NULL), 0);
	assert_int_equal(bad[0], 1);
	folder_free(&f);
	folder_remove(dir);
}

/*
 * the command
 */

static char command[PATH_MAX];

/* Run receiptctl, which is built beside the folder of this program. */
static int receiptctl(const char *first, ...)
{
	const char *argv[32] = { command, first };
	va_list args;
	size_t n = 2;
	pid_t pid;

	va_start(args, first);
	while ((argv[n] = va_arg(args, const char *)))
		assert_true(++n < 31);
	va_end(args);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execv(command, (char **)argv);
		_exit(127);
	}
	return child_status(pid);
}

static char *dir;

static int setup(void **state)
{
	struct rcpt_signer signer;
	char *pem;
	size_t len;

	(void)state;
	dir = sample_tree();
	if (rcpt_signer_generate(RCPT_ES256, &signer, NULL) ||
	    rcpt_signer_pem(&signer, &pem, &len, NULL))
		return -1;
	folder_write(in_folder(dir, "key.pem"), pem, len);
	OPENSSL_free(pem);
	rcpt_signer_free(&signer);
	return receiptctl("log", "init", "--dir", in_folder(dir, "log"), "--issuer",
			  "log.example", NULL);
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

/* Seal @path with one more option and its argument. */
static int seal(const char *option, const char *arg, const char *path)
{
	char key[PATH_MAX], log[PATH_MAX], out[PATH_MAX];

	snprintf(key, sizeof(key), "%s/key.pem", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(out, sizeof(out), "%s/out.bundle", dir);
	return receiptctl("seal", "--issuer-key", key, "--issuer", "issuer.example",
			  "--subject", "tools", "--log", log, "--out", out,
			  option, arg, path, NULL);
}

static struct rcpt_bundle read_bundle(uint8_t **data)
{
	struct rcpt_error err = { .text = "" };
	struct rcpt_bundle bundle;
	size_t len;

	if (rcpt_file_read(in_folder(dir, "out.bundle"), RCPT_MAX_BUNDLE, data, &len, &err) ||
	    rcpt_bundle_parse(rcpt_span(*data, len), &bundle, &err))
		fail_msg("%s", err.text);
	return bundle;
}

static size_t entries(void)
{
	char cmd[2 * PATH_MAX];
	size_t n = 0;
	FILE *f;
	int c;

	snprintf(cmd, sizeof(cmd), "%s log list --dir %s", command, in_folder(dir, "log"));
	f = popen(cmd, "r");
	assert_non_null(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	assert_int_equal(pclose(f), 0);
	return n;
}

static void test_seal_folder(void **state)
{
	struct rcpt_bundle bundle;
	uint8_t digest[32], *data;
	size_t leaf;

	(void)state;
	assert_int_equal(seal("--svn", "9", dir), 0);
	bundle = read_bundle(&data);
	/* The program, the script, the module of the same content, and one
	 * content under three names.
	 */
	assert_int_equal(bundle.nleaves, 4);
	assert_int_equal(bundle.statement.nreceipts, 1);
	assert_int_equal(bundle.statement.header.claims.svn, 9);
	rcpt_sha256(elf, sizeof(elf), digest);
	leaf = rcpt_bundle_find(&bundle, RECEIPT_KIND_SHA256, digest, 0);
	assert_int_equal(bundle.leaves[leaf].usage, EXECUTE);
	assert_int_equal(bundle.leaves[leaf + 1].usage, KMODULE);
	rcpt_bundle_free(&bundle);
	free(data);
}

static void test_seal_usage(void **state)
{
	struct rcpt_bundle bundle;
	uint8_t *data;

	(void)state;
	assert_int_equal(seal("--usage", "policy,firmware", in_folder(dir, "text")), 0);
	bundle = read_bundle(&data);
	assert_int_equal(bundle.nleaves, 1);
	assert_int_equal(bundle.leaves[0].usage,
			 1 << RECEIPT_OP_POLICY | 1 << RECEIPT_OP_FIRMWARE);
	rcpt_bundle_free(&bundle);
	free(data);
}

/* A program that is nothing but its headers. */
static const char *stack_64(uint16_t machine, uint32_t type, uint32_t flags)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p[2];
	} f = { { .e_ident = ELFMAG, .e_type = ET_EXEC, .e_machine = machine,
		  .e_phoff = sizeof(f.h), .e_phentsize = sizeof(f.p[0]), .e_phnum = 2 } };
	const char *path = in_folder(dir, "stack");

	f.p[0] = (Elf64_Phdr){ .p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W };
	f.p[1] = (Elf64_Phdr){ .p_type = type, .p_flags = flags };
	folder_write(path, &f, sizeof(f));
	return path;
}

static const char *stack_32(uint32_t type, uint32_t flags)
{
	struct {
		Elf32_Ehdr h;
		Elf32_Phdr p;
	} f = { { .e_ident = ELFMAG, .e_type = ET_EXEC, .e_machine = EM_386,
		  .e_phoff = sizeof(f.h), .e_phentsize = sizeof(f.p), .e_phnum = 1 },
		{ .p_type = type, .p_flags = flags } };
	const char *path = in_folder(dir, "stack");

	folder_write(path, &f, sizeof(f));
	return path;
}

/* As big in memory as in the file, and a byte bigger. */
static const char *beyond_64(uint32_t flags, uint64_t more)
{
	struct {
		Elf64_Ehdr h;
		Elf64_Phdr p;
	} f = { { .e_ident = ELFMAG, .e_type = ET_EXEC, .e_machine = EM_X86_64,
		  .e_phoff = sizeof(f.h), .e_phentsize = sizeof(f.p), .e_phnum = 1 },
		{ .p_type = PT_LOAD, .p_flags = flags, .p_filesz = 8, .p_memsz = 8 + more } };
	const char *path = in_folder(dir, "stack");

	folder_write(path, &f, sizeof(f));
	return path;
}

static void test_seal_stack(void **state)
{
	const uint32_t rw = PF_R | PF_W, rwx = rw | PF_X;

	(void)state;
	assert_int_equal(seal("--svn", "4", stack_64(EM_X86_64, PT_GNU_STACK, rwx)), 1);
	assert_int_equal(seal("--usage", "execute", stack_64(EM_X86_64, PT_GNU_STACK, rwx)), 1);
	assert_int_equal(seal("--usage", "execute,anon-exec",
			      stack_64(EM_X86_64, PT_GNU_STACK, rwx)), 0);
	assert_int_equal(seal("--usage", "firmware", stack_64(EM_X86_64, PT_GNU_STACK, rwx)), 0);
	/* The last one counts; other headers and machines do not. */
	assert_int_equal(seal("--svn", "4", stack_64(EM_X86_64, PT_GNU_STACK, rw)), 0);
	assert_int_equal(seal("--svn", "4", stack_64(EM_X86_64, PT_LOAD, rwx)), 0);
	assert_int_equal(seal("--svn", "4", stack_64(EM_AARCH64, PT_GNU_STACK, rwx)), 0);
	/* Executable memory beyond the file. */
	assert_int_equal(seal("--svn", "4", beyond_64(PF_R | PF_X, 0)), 0);
	assert_int_equal(seal("--svn", "4", beyond_64(PF_R | PF_X, 1)), 1);
	assert_int_equal(seal("--svn", "4", beyond_64(rw, 1)), 0);
	assert_int_equal(seal("--usage", "execute,anon-exec", beyond_64(rwx, 1)), 0);
	/* 32 bits: who says nothing of the stack gets an executable one. */
	assert_int_equal(seal("--svn", "4", stack_32(PT_GNU_STACK, rw)), 0);
	assert_int_equal(seal("--svn", "4", stack_32(PT_GNU_STACK, rwx)), 1);
	assert_int_equal(seal("--svn", "4", stack_32(PT_LOAD, rw)), 1);
	unlink(in_folder(dir, "stack"));
}

static void test_seal_envelope(void **state)
{
	struct rcpt_bundle bundle;
	uint8_t digest[32], *data;

	(void)state;
	assert_int_equal(seal("--svn=2", "--hash-envelope", in_folder(dir, "text")), 0);
	bundle = read_bundle(&data);
	assert_int_equal(bundle.nleaves, 0);
	rcpt_sha256("#", 1, digest);
	assert_true(rcpt_span_equal(bundle.statement.sign1.payload, digest, 32));
	assert_int_equal(bundle.statement.header.hash_alg, RCPT_SHA256);
	rcpt_bundle_free(&bundle);
	free(data);
	assert_int_equal(seal("--svn=2", "--hash-envelope", in_folder(dir, "sub")), 64);
}

/* What "fsverity digest" of fsverity-utils says of the program. */
static const uint8_t fsverity[32] = {
	0x75, 0x9f, 0x5a, 0x82, 0x8e, 0x17, 0x80, 0xc2, 0xbe, 0xe7, 0x43, 0x3d, 0xe4, 0x5a,
	0x2b, 0x2b, 0x63, 0xa1, 0x07, 0xe3, 0x1e, 0xde, 0x03, 0xc8, 0x2f, 0x3b, 0x2b, 0x5b,
	0xb4, 0x12, 0x31, 0xf0,
};

static void test_seal_fsverity(void **state)
{
	struct rcpt_bundle bundle;
	uint8_t digest[32], *data;
	size_t leaf;

	(void)state;
	assert_int_equal(seal("--svn=3", "--fsverity", dir), 0);
	bundle = read_bundle(&data);
	assert_int_equal(bundle.nleaves, 8);
	rcpt_sha256(elf, sizeof(elf), digest);
	leaf = rcpt_bundle_find(&bundle, RECEIPT_KIND_SHA256, digest, 0);
	assert_int_equal(bundle.leaves[leaf].usage, EXECUTE);
	leaf = rcpt_bundle_find(&bundle, RECEIPT_KIND_FSVERITY_SHA256, fsverity, 0);
	assert_int_equal(bundle.leaves[leaf].usage, EXECUTE);
	assert_int_equal(bundle.leaves[leaf + 1].usage, KMODULE);
	assert_int_equal(rcpt_bundle_find(&bundle, RECEIPT_KIND_SHA256, fsverity, 0),
			 bundle.nleaves);
	rcpt_bundle_free(&bundle);
	free(data);
}

/* Evidence that a policy does not count is shown all the same. */
static void test_why_uncounted(void **state)
{
	static const char policy[] = "policy_name=t policy_version=1.0.0 mode=enforce "
				     "digests=sha384\nDEFAULT action=DENY\n";
	char store[PATH_MAX], text[PATH_MAX], bundle[PATH_MAX];

	(void)state;
	snprintf(store, sizeof(store), "%s/store", dir);
	snprintf(text, sizeof(text), "%s/policy", dir);
	snprintf(bundle, sizeof(bundle), "%s/out.bundle", dir);
	assert_int_equal(seal("--svn=3", "--fsverity", in_folder(dir, "program")), 0);
	assert_int_equal(receiptctl("store", "add", "--store", store, bundle, NULL), 0);
	folder_write(text, policy, strlen(policy));
	assert_int_equal(receiptctl("why", "--store", store, "--policy", text,
				    in_folder(dir, "program"), NULL), 0);
}

#define ROOT	"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static void test_seal_dmverity(void **state)
{
	struct rcpt_bundle bundle;
	uint8_t *data;

	(void)state;
	assert_int_equal(seal("--dmverity", ROOT, in_folder(dir, "program")), 0);
	bundle = read_bundle(&data);
	assert_int_equal(bundle.nleaves, 2);
	assert_int_equal(bundle.leaves[1].kind, RECEIPT_KIND_DMVERITY_SHA256);
	assert_int_equal(bundle.leaves[1].usage, EXECUTE);
	assert_memory_equal(bundle.leaves[1].digest, "\x00\x11\x22\x33", 4);
	assert_int_equal(bundle.leaves[1].digest[31], 0xff);
	rcpt_bundle_free(&bundle);
	free(data);

	assert_int_equal(seal("--usage=execute,policy", "--dmverity=" ROOT, NULL), 0);
	bundle = read_bundle(&data);
	assert_int_equal(bundle.nleaves, 1);
	assert_int_equal(bundle.leaves[0].usage, EXECUTE | 1 << RECEIPT_OP_POLICY);
	rcpt_bundle_free(&bundle);
	free(data);
}

/* Names that are no UTF-8 are sealed, written in a way that is. */
static void test_seal_odd_name(void **state)
{
	struct rcpt_bundle bundle;
	uint8_t *data;

	(void)state;
	folder_write(in_folder(dir, "odd\xff\n"), "#!odd", 5);
	assert_int_equal(seal("--svn", "1", in_folder(dir, "odd\xff\n")), 0);
	bundle = read_bundle(&data);
	assert_non_null(memmem(bundle.leaves[0].name, bundle.leaves[0].name_len,
			       "odd\\xff\n", 8));
	rcpt_bundle_free(&bundle);
	free(data);
	unlink(in_folder(dir, "odd\xff\n"));
}

/*
 * policy seal
 */

#define POLICY	"policy_name=web policy_version=1.0.0 mode=enforce\n"
#define TRUSTED	"log name=mine alg=ES256 key=%s issuer=\"log.example\" identity=verified\n"
#define NEXT	"op=POLICY receipt=mine subject=\"policy/web\" action=ALLOW\n"

static const char *write_policy(const char *text)
{
	const char *path = in_folder(dir, "policy");

	folder_write(path, text, strlen(text));
	return path;
}

static int seal_policy(const char *option, const char *text)
{
	char key[PATH_MAX], log[PATH_MAX], out[PATH_MAX];

	snprintf(key, sizeof(key), "%s/key.pem", dir);
	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(out, sizeof(out), "%s/out.bundle", dir);
	return receiptctl("policy", "seal", "--issuer-key", key, "--issuer", "issuer.example",
			  "--log", log, "--out", out, option, write_policy(text), NULL);
}

/* For policies alone, and about the policy by its name. */
static void test_policy_seal(void **state)
{
	static const char text[] = POLICY "DEFAULT action=DENY\n";
	struct rcpt_bundle bundle;
	uint8_t digest[32], *data;

	(void)state;
	assert_int_equal(seal_policy("--svn=4", text), 0);
	bundle = read_bundle(&data);
	assert_int_equal(bundle.nleaves, 1);
	assert_int_equal(bundle.leaves[0].usage, 1 << RECEIPT_OP_POLICY);
	rcpt_sha256(text, strlen(text), digest);
	assert_memory_equal(bundle.leaves[0].digest, digest, 32);
	assert_true(rcpt_span_equal(bundle.statement.header.claims.sub, "policy/web", 10));
	assert_int_equal(bundle.statement.header.claims.svn, 4);
	assert_int_equal(bundle.statement.nreceipts, 1);
	rcpt_bundle_free(&bundle);
	free(data);

	assert_int_equal(seal_policy("--subject=other", text), 0);
	bundle = read_bundle(&data);
	assert_true(rcpt_span_equal(bundle.statement.header.claims.sub, "other", 5));
	rcpt_bundle_free(&bundle);
	free(data);
}

/* What the kernel would not read is not sealed: no entry in the log, no bundle. */
static void test_policy_seal_refused(void **state)
{
	size_t before = entries();

	(void)state;
	unlink(in_folder(dir, "out.bundle"));
	assert_int_equal(seal_policy("--svn=1", POLICY "DEFAULT action=MAYBE\n"), 3);
	assert_int_equal(seal_policy("--svn=1", ""), 3);
	assert_int_equal(seal_policy("--svn=x", POLICY "DEFAULT action=DENY\n"), 64);
	assert_int_equal(seal_policy("--usage=execute", POLICY "DEFAULT action=DENY\n"), 64);
	assert_int_equal(seal_policy(in_folder(dir, "text"), POLICY "DEFAULT action=DENY\n"), 64);
	assert_int_equal(access(in_folder(dir, "out.bundle"), F_OK), -1);
	assert_int_equal(entries(), before);
	assert_int_equal(seal_policy("--svn=1", POLICY "DEFAULT action=DENY\n"), 0);
	assert_int_equal(entries(), before + 1);
}

/* What "policy seal" says on standard error. */
static void policy_warnings(const char *text, char *said, size_t room)
{
	char cmd[6 * PATH_MAX];
	size_t n;
	FILE *f;

	snprintf(cmd, sizeof(cmd),
		 "%s policy seal --issuer-key %s/key.pem --issuer issuer.example --log %s/log "
		 "--out %s/out.bundle --quiet %s 2>&1", command, dir, dir, dir, write_policy(text));
	f = popen(cmd, "r");
	assert_non_null(f);
	n = fread(said, 1, room - 1, f);
	said[n] = '\0';
	assert_int_equal(pclose(f), 0);
}

static bool warns(const char *rules)
{
	char text[2048], said[2048];

	snprintf(text, sizeof(text), POLICY TRUSTED "DEFAULT action=DENY\n%s", P256_A, rules);
	policy_warnings(text, said, sizeof(said));
	if (!said[0])
		return false;
	assert_non_null(strstr(said, "could not be replaced"));
	return true;
}

static void test_policy_seal_final(void **state)
{
	(void)state;
	assert_false(warns(NEXT));	/* the control */
	assert_true(warns(""));
	assert_true(warns("op=POLICY receipt=mine subject=\"policy/mail\" action=ALLOW\n"));
	assert_true(warns("op=POLICY receipt=mine issuer=\"other\" action=ALLOW\n"));
	assert_true(warns("op=POLICY receipt=mine min_svn=1 action=ALLOW\n"));
	assert_true(warns("op=POLICY receipt=mine issuer_key=" P256_B " action=ALLOW\n"));
	assert_true(warns("op=POLICY subject=\"policy/*\" action=DENY\n" NEXT));
	assert_false(warns("op=POLICY subject=\"policy/mail\" action=DENY\n" NEXT));
}

/* What is refused leaves no bundle, no temporary file and no entry behind. */
static void test_refused(void **state)
{
	size_t before = entries(), files;

	(void)state;
	unlink(in_folder(dir, "out.bundle"));
	files = folder_count(dir, "");
	assert_int_equal(seal("--svn", "1", in_folder(dir, "none")), 70);
	assert_int_equal(seal("--svn", "1", in_folder(dir, "text")), 1);
	assert_int_equal(seal("--svn", "1", in_folder(dir, "log")), 1);
	assert_int_equal(seal("--svn", "x", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--usage", "eat", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--usage", "execute,policy", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--usage", "policy", in_folder(dir, "sub/script")), 1);
	assert_int_equal(seal_policy("--svn=1", "#!/bin/sh\n" POLICY "DEFAULT action=DENY\n"), 1);
	assert_int_equal(seal("--usage", "", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--hash-alg", "sha256", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--bogus", "1", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--dmverity", ROOT "0", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--dmverity", "x" ROOT, in_folder(dir, "program")), 64);
	assert_int_equal(seal("--dmverity=" ROOT, "--dmverity=" ROOT, NULL), 64);
	assert_int_equal(seal("--hash-envelope", "--dmverity=" ROOT,
			      in_folder(dir, "program")), 64);
	assert_int_equal(seal("--hash-envelope", "--fsverity", in_folder(dir, "program")), 64);
	assert_int_equal(seal("--svn=1", "--fsverity", NULL), 64);
	assert_int_equal(seal("--issuer", "", in_folder(dir, "program")), 3);
	assert_int_equal(seal("--subject", "\xff", in_folder(dir, "program")), 3);
	assert_int_equal(seal("--log", in_folder(dir, "sub"), in_folder(dir, "program")), 70);
	assert_int_equal(seal("--issuer-key", in_folder(dir, "text"),
			      in_folder(dir, "program")), 3);
	assert_int_equal(seal("--x5chain", in_folder(dir, "text"),
			      in_folder(dir, "program")), 3);
	assert_int_equal(seal("--out", in_folder(dir, "none/x"), in_folder(dir, "program")), 70);
	assert_int_equal(seal("--out", in_folder(dir, "sub"), in_folder(dir, "program")), 70);
	assert_int_equal(folder_count(dir, ""), files);
	assert_int_equal(entries(), before);
	assert_int_equal(seal("--svn", "1", in_folder(dir, "program")), 0);	/* the control */
	assert_int_equal(entries(), before + 1);
}

static int find_command(void)
{
	ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 32);
	char *slash;

	if (n <= 0)
		return -1;
	command[n] = '\0';
	slash = strrchr(command, '/');
	strcpy(slash, "/../receiptctl");
	return access(command, X_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_classify),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_changing),
		cmocka_unit_test(test_open_writer),
		cmocka_unit_test(test_writer_comes),
		cmocka_unit_test(test_changing_verity),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_seal_folder),
		cmocka_unit_test(test_seal_usage),
		cmocka_unit_test(test_seal_stack),
		cmocka_unit_test(test_seal_envelope),
		cmocka_unit_test(test_seal_fsverity),
		cmocka_unit_test(test_seal_dmverity),
		cmocka_unit_test(test_why_uncounted),
		cmocka_unit_test(test_seal_odd_name),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_policy_seal),
		cmocka_unit_test(test_policy_seal_refused),
		cmocka_unit_test(test_policy_seal_final),
	};

	if (find_command()) {
		perror(command);
		return 1;
	}
	return cmocka_run_group_tests(tests, setup, teardown);
}
