// SPDX-License-Identifier: MIT
/*
 * PID 1 of a test VM: prepares the guest with /vm/setup, runs the command in
 * /vm/argv, copies its output to two virtio ports and its exit status to a
 * third, and powers off; or becomes the command, which does this itself. Once
 * the command has started, nothing here executes a program, so no policy under
 * test can keep the result from being reported.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX	4096
#define NEW_ROOT	"/newroot"

static int status_port = -1;

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void report(const char *word, int value)
{
	dprintf(status_port, "%s %d\n", word, value);
}

/* The ports appear a moment after boot; a busy host may make it a long one. */
static int open_port(const char *path)
{
	int fd;

	for (int i = 0; i < 6000; i++) {
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		usleep(10000);
	}
	warn("%s", path);
	power_off();
}

static int exit_status(int wstatus)
{
	return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 128 + WTERMSIG(wstatus);
}

static int setup(void)
{
	int wstatus = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/busybox", "sh", "/vm/setup", NULL);
		err(127, "/vm/setup");
	}
	if (pid < 0 || waitpid(pid, &wstatus, 0) != pid)
		return 1;
	return exit_status(wstatus);
}

/* /vm/setup makes the directory when it has mounted a root file system there. */
static void switch_root(void)
{
	if (access(NEW_ROOT, F_OK) != 0)
		return;
	if (chdir(NEW_ROOT) != 0 || mount(".", "/", NULL, MS_MOVE, NULL) != 0 ||
	    chroot(".") != 0 || chdir("/") != 0) {
		warn("cannot switch to the root file system");
		power_off();
	}
}

/* The arguments are separated by NUL, so that none needs quoting. */
static char **read_argv(void)
{
	static char buf[1 << 20];
	static char *argv[ARGS_MAX + 1];
	int fd = open("/vm/argv", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, buf, sizeof(buf) - 1);
	int n = 0;

	for (char *p = buf; p < buf + len && n < ARGS_MAX; p += strlen(p) + 1)
		argv[n++] = p;
	close(fd);
	return argv;
}

static void __attribute__((noreturn)) child(char **argv, int out, int errout)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(errout, 2);
	execvp(argv[0], argv);
	warn("%s", argv[0]);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Returns false once there is nothing to read, now or ever. */
static int copy(int from, int to)
{
	static char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf));

	for (ssize_t done = 0; done < n;) {
		ssize_t w = write(to, buf + done, n - done);

		if (w < 0)
			return 0;
		done += w;
	}
	return n > 0;
}

/* Reaps what has ended; true when the command is among it. */
static int reap(pid_t pid, int *wstatus)
{
	int ended = 0, st;
	pid_t p;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			*wstatus = st;
			ended = 1;
		}
	}
	return ended;
}

static int run(char **argv, int out_port, int err_port)
{
	struct signalfd_siginfo si;
	int out[2], errout[2], wstatus = 0;
	struct pollfd fds[3];
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errout, O_CLOEXEC) != 0)
		return 126;
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(errout[0], F_SETFL, O_NONBLOCK);

	pid = fork();
	if (pid == 0)
		child(argv, out[1], errout[1]);
	if (pid < 0)
		return 126;

	/* Our own write ends stay open: end of file never wakes the poll. */
	fds[0] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = errout[0], .events = POLLIN };
	fds[2] = (struct pollfd){ .fd = signalfd(-1, &chld, SFD_CLOEXEC), .events = POLLIN };
	do {
		poll(fds, 3, -1);
		if (fds[0].revents)
			copy(out[0], out_port);
		if (fds[1].revents)
			copy(errout[0], err_port);
	} while (!(fds[2].revents && read(fds[2].fd, &si, sizeof(si)) > 0 && reap(pid, &wstatus)));

	while (copy(out[0], out_port))
		;
	while (copy(errout[0], err_port))
		;
	return exit_status(wstatus);
}

int main(void)
{
	bool become = access("/vm/become", F_OK) == 0;
	int out_port, err_port, ret;
	char **argv;

	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	argv = read_argv();
	ret = setup();
	out_port = open_port("/dev/vport0p1");
	err_port = open_port("/dev/vport0p2");
	status_port = open_port("/dev/vport0p3");
	if (ret != 0) {
		report("setup", ret);
		power_off();
	}
	switch_root();
	report("start", 0);
	if (become) {
		execv(argv[0], argv);
		warn("%s", argv[0]);
		power_off();
	}
	report("exit", run(argv, out_port, err_port));
	power_off();
}
