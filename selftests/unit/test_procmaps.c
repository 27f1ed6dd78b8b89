// SPDX-License-Identifier: MIT
/*
 * Which files run: those of this process and its children, and of folders that
 * look like /proc.
 */
#include <signal.h>
#include <sys/mman.h>

#include "folder.h"

#include "../../helper/receiptctl/procmaps.c"
#include "../../helper/receiptctl/spend.c"

static struct proc_files read_all(const char *proc)
{
	struct rcpt_error err = { .text = "" };
	struct proc_files files = { 0 };

	if (proc_files_read(proc, &files, &err))
		fail_msg("%s", err.text);
	return files;
}

static const struct proc_file *find_file(const struct proc_files *files, const struct stat *st)
{
	for (size_t i = 0; i < files->n; i++)
		if (files->at[i]->dev == st->st_dev && files->at[i]->ino == st->st_ino)
			return files->at[i];
	return NULL;
}

static size_t times_used(const struct proc_file *f, pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; f && i < f->nusers && i < PROC_MAX_USERS; i++)
		n += f->users[i].pid == pid;
	return n;
}

/* A program and a mapping are found once each, with the process. */
static void test_own(void **state)
{
	char *dir = folder_make();
	struct stat exe, mapped, plain;
	struct proc_files files;
	void *map, *read;
	int fd;

	(void)state;
	folder_write(in_folder(dir, "mapped"), "x", 1);
	folder_write(in_folder(dir, "plain"), "x", 1);
	fd = open(in_folder(dir, "mapped"), O_RDONLY);
	map = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(fstat(fd, &mapped), 0);
	close(fd);
	fd = open(in_folder(dir, "plain"), O_RDONLY);
	read = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(read, MAP_FAILED);
	assert_int_equal(fstat(fd, &plain), 0);
	close(fd);
	assert_int_equal(stat("/proc/self/exe", &exe), 0);

	files = read_all("/proc");
	assert_int_equal(times_used(find_file(&files, &exe), getpid()), 1);
	assert_int_equal(times_used(find_file(&files, &mapped), getpid()), 1);
	assert_null(find_file(&files, &plain));
	proc_files_free(&files);
	munmap(map, 1);
	munmap(read, 1);
	folder_remove(dir);
}

/* Another file that took the name is not what is mapped. */
static void test_replaced(void **state)
{
	char *dir = folder_make();
	struct stat old, new;
	const struct proc_file *f;
	struct proc_files files;
	char got[4] = "";
	void *map;
	int fd;

	(void)state;
	folder_write(in_folder(dir, "lib"), "old", 3);
	folder_write(in_folder(dir, "new"), "new", 3);
	fd = open(in_folder(dir, "lib"), O_RDONLY);
	map = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(fstat(fd, &old), 0);
	close(fd);
	assert_int_equal(rename(in_folder(dir, "new"), in_folder(dir, "lib")), 0);
	assert_int_equal(stat(in_folder(dir, "lib"), &new), 0);

	files = read_all("/proc");
	f = find_file(&files, &old);
	assert_non_null(f);
	assert_non_null(strstr(f->path, "lib (deleted)"));
	assert_null(find_file(&files, &new));
	if (!f->by_path) {
		fd = open(f->link, O_RDONLY);
		assert_true(read(fd, got, 3) == 3);
		assert_string_equal(got, "old");
		close(fd);
	}
	proc_files_free(&files);
	munmap(map, 1);
	folder_remove(dir);
}

/* One file, two processes. */
static void test_shared(void **state)
{
	struct proc_files files;
	struct stat exe;
	pid_t pid;

	(void)state;
	assert_int_equal(stat("/proc/self/exe", &exe), 0);
	pid = fork();
	if (!pid)
		while (1)
			pause();
	files = read_all("/proc");
	assert_int_equal(times_used(find_file(&files, &exe), getpid()), 1);
	assert_int_equal(times_used(find_file(&files, &exe), pid), 1);
	proc_files_free(&files);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static char *made_proc(const char *maps)
{
	char *dir = folder_make();

	assert_int_equal(mkdir(in_folder(dir, "7"), 0755), 0);
	assert_int_equal(mkdir(in_folder(dir, "7x"), 0755), 0);
	folder_write(in_folder(dir, "7/comm"), "a-name-that-is-too-long\n", 24);
	folder_write(in_folder(dir, "7/maps"), maps, strlen(maps));
	folder_write(in_folder(dir, "7x/maps"), maps, strlen(maps));
	return dir;
}

/* Lines that are none, and what is no file, are passed over. */
static void test_made(void **state)
{
	static const char maps[] =
		"1000-2000 r-xp 00000000 08:01 12                        /none/a b\n"
		"2000-3000 r-xp 00000000 08:01 12                        /none/a b\n"
		"3000-4000 r--p 00000000 08:01 13                        /none/data\n"
		"4000-5000 r-xp 00000000 00:00 0                         [vdso]\n"
		"5000-6000 rwxp 00000000 00:00 0 \n"
		"6000-7000 r-xp 00000000 00:05 3                         /dev/null\n"
		"r-xp\n"
		"\n"
		"7000-8000 r-xp 00000000 08:01 14                        /none/c\\012d (deleted)\n"
		"8000-9000 r-xp 0000";
	char *dir = made_proc(maps);
	struct proc_files files = read_all(dir);

	(void)state;
	assert_int_equal(files.n, 2);
	assert_string_equal(files.at[0]->path, "/none/a b");
	assert_true(files.at[0]->by_path);
	assert_int_equal(files.at[0]->ino, 12);
	assert_int_equal(files.at[0]->nusers, 1);
	assert_int_equal(files.at[0]->users[0].pid, 7);
	assert_string_equal(files.at[0]->users[0].comm, "a-name-that-is-");
	assert_string_equal(files.at[1]->path, "/none/c\\012d (deleted)");
	assert_int_equal(files.hidden, 0);
	proc_files_free(&files);
	folder_remove(dir);
}

/* One process with too many files is cut, and hides no other's. */
static void test_many(void **state)
{
	char *dir, *maps = NULL;
	size_t len;
	FILE *f = open_memstream(&maps, &len);
	struct proc_files files;

	(void)state;
	for (int i = 1; i <= PROC_MAX_OF_ONE; i++)
		fprintf(f, "1000-2000 r-xp 00000000 08:01 %d   /none/%d\n", i, i);
	fclose(f);
	dir = made_proc(maps);
	assert_int_equal(mkdir(in_folder(dir, "8"), 0755), 0);
	folder_write(in_folder(dir, "8/maps"), "1000-2000 r-xp 00000000 08:02 1   /none/a\n", 42);
	files = read_all(dir);
	assert_int_equal(files.n, PROC_MAX_OF_ONE + 1);
	assert_int_equal(files.cut, 0);
	proc_files_free(&files);
	f = fopen(in_folder(dir, "7/maps"), "a");
	fprintf(f, "1000-2000 r-xp 00000000 08:01 999999   /none/x\n");
	fclose(f);
	files = read_all(dir);
	assert_int_equal(files.n, PROC_MAX_OF_ONE + 1);
	assert_int_equal(files.cut, 1);
	proc_files_free(&files);
	folder_remove(dir);
	free(maps);
}

/* A process has its share, whatever others had; said once. */
static void test_spend(void **state)
{
	struct rcpt_error err;
	struct spend s = { 0 };

	(void)state;
	spend_start(&s);
	for (int i = 0; i < SPEND_PROCESS_FILES; i++)
		assert_int_equal(spend_on(&s, 1, 1), SPEND_YES);
	assert_int_equal(spend_on(&s, 1, 1), SPEND_LAST);
	assert_int_equal(spend_on(&s, 1, 1), SPEND_NO);
	assert_int_equal(spend_on(&s, 2, SPEND_FILE_BYTES), SPEND_YES);
	for (int i = 1; i < (int)(SPEND_PROCESS_BYTES / SPEND_FILE_BYTES); i++)
		assert_int_equal(spend_on(&s, 2, SPEND_FILE_BYTES), SPEND_YES);
	assert_int_equal(spend_on(&s, 2, 1), SPEND_LAST);
	assert_int_equal(spend_on(&s, 0, 1), SPEND_YES);
	/* one file of 1 EiB is refused as a file */
	assert_int_equal(spend_on(&s, 3, 1ull << 60), SPEND_YES);
	assert_int_equal(rcpt_budget_take(&s.all, 1ull << 60, &err), -RCPT_CANNOT_EVALUATE);
	assert_int_equal(rcpt_budget_take(&s.all, 1, &err), 0);
	spend_free(&s);
}

/* The first thread is gone; the memory is that of another. */
static void test_thread(void **state)
{
	static const char maps[] = "1000-2000 r-xp 00000000 08:01 12   /none/a\n";
	char *dir = made_proc("");
	struct proc_files files;

	(void)state;
	assert_int_equal(mkdir(in_folder(dir, "7/task"), 0755), 0);
	assert_int_equal(mkdir(in_folder(dir, "7/task/9"), 0755), 0);
	files = read_all(dir);
	assert_int_equal(files.n, 0);
	proc_files_free(&files);

	assert_int_equal(mkdir(in_folder(dir, "9"), 0755), 0);
	folder_write(in_folder(dir, "9/maps"), maps, strlen(maps));
	assert_int_equal(remove(in_folder(dir, "7/comm")), 0);
	files = read_all(dir);
	assert_int_equal(files.n, 1);
	assert_int_equal(files.at[0]->nusers, 2);
	proc_files_free(&files);
	folder_remove(dir);
}

static void test_no_proc(void **state)
{
	struct proc_files files = { 0 };
	struct rcpt_error err;

	(void)state;
	assert_int_equal(proc_files_read("/nowhere", &files, &err), -RCPT_SYSTEM);
	proc_files_free(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_spend),
		cmocka_unit_test(test_thread),
		cmocka_unit_test(test_no_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
