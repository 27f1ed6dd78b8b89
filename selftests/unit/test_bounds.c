// SPDX-License-Identifier: MIT
/*
 * receiptctl on files of others: what would keep it waiting, take all memory, or be
 * changed by two at once.
 */
#include <signal.h>

#include "folder.h"
#include "lockfile.h"

static char command[PATH_MAX];
static char *dir;

#define VECTORS	"selftests/vectors/"
#define LIST	"$R trust-list --keys " VECTORS "keys/log.cbor --issuer log.example --issuer-key " \
		VECTORS "keys/es256.pem --state $D/state " VECTORS "statements/trust-list-"
#define OLDER	LIST "good.cose"		/* svn 3 */
#define NEWER	LIST "newer.cose"		/* svn 4 */

/* With receiptctl as $R and a folder as $D. */
static int sh(const char *text)
{
	char *cmd;
	int status;

	assert_true(asprintf(&cmd, "R=%s; D=%s; { %s; } >$D/out 2>&1", command, dir, text) > 0);
	status = system(cmd);
	free(cmd);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool says(const char *words)
{
	char *cmd;
	int status;

	assert_true(asprintf(&cmd, "grep -qF -e '%s' %s/out", words, dir) > 0);
	status = system(cmd);
	free(cmd);
	return !status;
}

static int setup(void **state)
{
	(void)state;
	dir = folder_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

static void copy(const char *from, const char *to)
{
	char *cmd;

	assert_true(asprintf(&cmd, "cp %s/%s %s/%s", dir, from, dir, to) > 0);
	assert_int_equal(system(cmd), 0);
	free(cmd);
}

/* Every command that reads a file by name, with a FIFO in its place, and with a file. */
static void test_fifo(void **state)
{
	static const char *const commands[] = {
		"inspect", "why", "verify --keys " VECTORS "keys/log.cbor",
		"policy check", "store add --store $D/store", "policy keys",
	};

	(void)state;
	assert_int_equal(sh("mkfifo $D/fifo && echo x >$D/file"), 0);
	alarm(600);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		char cmd[256];

		snprintf(cmd, sizeof(cmd), "$R %s $D/fifo", commands[i]);
		assert_int_not_equal(sh(cmd), 0);
		if (!says("not a regular file, but a FIFO"))
			fail_msg("%s", cmd);
		snprintf(cmd, sizeof(cmd), "$R %s $D/file", commands[i]);
		sh(cmd);
		assert_false(says("not a regular file"));
	}
	alarm(0);
}

/* Longer than anything that is shown; --diag takes no memory for what it shows. */
static void test_inspect(void **state)
{
	(void)state;
	assert_int_equal(sh("printf '\\232\\000\\020\\000\\000' >$D/big && "
			    "head -c 1048576 /dev/zero >>$D/big && $R inspect $D/big"), 3);
	assert_true(says("over-a-bound"));
	assert_int_equal(sh("$R inspect --json $D/big"), 3);
	assert_int_equal(sh("$R inspect --diag $D/big"), 0);
	assert_int_equal(sh("printf '\\232\\000\\000\\020\\000' >$D/small && "
			    "head -c 4096 /dev/zero >>$D/small && $R inspect $D/small"), 0);
	assert_int_equal(sh("head -c 1048577 /dev/zero | tr '\\0' ' ' >$D/keys && "
			    "cat " VECTORS "keys/es256.pem >>$D/keys && $R inspect $D/keys"), 3);
	assert_true(says("over-a-bound"));
}

/*
 * Who reads the state while another writes it would write back what was there before:
 * here the list of svn 3 comes first and is held up until svn 4 was seen.
 */
static void test_state(void **state)
{
	static const struct timespec pause = { .tv_nsec = 300000000 };
	char lock[PATH_MAX];
	pid_t pid;
	int fd;

	(void)state;
	assert_int_equal(sh(OLDER), 0);
	assert_int_equal(sh("grep '\"svn\": 3' $D/state"), 0);
	assert_int_equal(sh(NEWER), 0);
	assert_int_equal(sh("cp $D/state $D/newer"), 0);
	assert_int_equal(sh(OLDER), 1);		/* the control */
	assert_int_equal(sh("rm $D/state"), 0);
	snprintf(lock, sizeof(lock), "%s/state.lock", dir);
	assert_int_equal(rcpt_lock_take(lock, 0, &fd, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(fd);
		_exit(sh(OLDER));
	}
	nanosleep(&pause, NULL);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	copy("newer", "state");	/* not by sh(), whose output the other has */
	rcpt_lock_drop(fd);
	assert_int_equal(child_status(pid), 1);
	assert_int_equal(sh("grep '\"svn\": 4' $D/state"), 0);
}

static int find_command(void)
{
	ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 32);

	if (n <= 0)
		return -1;
	command[n] = '\0';
	strcpy(strrchr(command, '/'), "/../receiptctl");
	return access(command, X_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fifo),
		cmocka_unit_test(test_inspect),
		cmocka_unit_test(test_state),
	};

	if (find_command())
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
