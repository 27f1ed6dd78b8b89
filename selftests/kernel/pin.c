// SPDX-License-Identifier: MIT
/*
 * pin DIR [huge]: pages of a file that the kernel holds for I/O when the last writer
 * closes it. What is read into them afterwards must not end up in what runs. huge:
 * DIR is of a tmpfs that has huge pages.
 */
#include <linux/io_uring.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/uio.h>

#include "idle.h"
#include "ways.h"

#define MAP_HOOK	"mmap_file"
#define FLIPS		10000	/* calls while a mode changes */
#define AT_ONCE		64	/* files of a call */

/* A way to hold the first page of a file mapped at @map, and to write EVIL later. */
struct pin {
	const char *name;
	bool (*begin)(char *map);
	bool (*end)(void);
};

/*
 * process_vm_writev() from memory that is not there yet: two pages, of the first of
 * which it takes the end, if any
 */

static int uffd = -1;
static char *source;
static size_t head_len;
static pthread_t writer;
static char *written;
static ssize_t written_len;

static void *write_late(void *unused)
{
	struct iovec from = { source + BLOCK - head_len, BLOCK }, to = { written, BLOCK };

	(void)unused;
	written_len = process_vm_writev(getpid(), &from, 1, &to, 1, 0);
	return NULL;
}

/* It has the page of the target once it asks for one of the source. */
static bool asks(void)
{
	struct pollfd fault = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	return poll(&fault, 1, 10000 * slowness()) == 1 && read(uffd, &msg, sizeof(msg)) == sizeof(msg);
}

static bool fill_source(int page, const char *data)
{
	struct uffdio_copy fill = { .dst = (uintptr_t)source + page * BLOCK,
				    .src = (uintptr_t)data, .len = BLOCK };

	return !ioctl(uffd, UFFDIO_COPY, &fill);
}

static bool open_source(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	source = mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)source;
	range.range.len = 2 * BLOCK;
	return uffd >= 0 && !ioctl(uffd, UFFDIO_API, &api) &&
	       !ioctl(uffd, UFFDIO_REGISTER, &range);
}

static bool begin_vm_writev(char *map)
{
	written = map;
	return open_source() && !pthread_create(&writer, NULL, write_late, NULL) && asks();
}

static bool end_vm_writev(void)
{
	bool good = fill_source(1, image[EVIL]);

	pthread_join(writer, NULL);
	munmap(source, 2 * BLOCK);
	close(uffd);
	return good && written_len == BLOCK;
}

/*
 * io_uring with registered buffers
 */

static struct {
	int fd;
	struct io_uring_params p;
	char *sq, *cq;
	struct io_uring_sqe *sqe;	/* each a page, mapped */
	char *buffer;
} ring;

static bool begin_fixed_buffer(char *map)
{
	struct iovec buffer = { map, BLOCK };

	memset(&ring, 0, sizeof(ring));
	ring.fd = syscall(SYS_io_uring_setup, 1, &ring.p);
	if (ring.fd < 0)
		return false;
	ring.buffer = map;
	ring.sq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.cq = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
	ring.sqe = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
	if (ring.sq == MAP_FAILED || ring.cq == MAP_FAILED || ring.sqe == MAP_FAILED)
		broken("io_uring");
	return !syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &buffer, 1);
}

static bool end_fixed_buffer(void)
{
	int from = memfd_create("evil", MFD_CLOEXEC);
	struct io_uring_cqe *cqe = (void *)(ring.cq + ring.p.cq_off.cqes);
	bool good;

	write_file(from, image[EVIL], BLOCK);
	*ring.sqe = (struct io_uring_sqe){ .opcode = IORING_OP_READ_FIXED, .fd = from, .len = BLOCK,
					   .addr = (uintptr_t)ring.buffer };
	*(uint32_t *)(ring.sq + ring.p.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(ring.sq + ring.p.sq_off.tail), 1, __ATOMIC_RELEASE);
	good = syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1 &&
	       cqe->res == BLOCK;
	munmap(ring.sq, 4096);
	munmap(ring.cq, 4096);
	munmap(ring.sqe, 4096);
	close(from);
	close(ring.fd);
	return good;
}

static const struct pin pins[] = {
	{ "process_vm_writev", begin_vm_writev, end_vm_writev },
	{ "io_uring, registered buffer", begin_fixed_buffer, end_fixed_buffer },
};

/*
 * The target, mapped for writing, then closed
 */

/* EVIL differs in its first page, here. */
static void spoil_first_page(void)
{
	memset(image[EVIL], 0xcc, 64);
}

static char *map_for_writing(void)
{
	int fd = open(target, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		broken("%s", target);
	close(fd);
	return map;
}

static char *map_to_run(void)
{
	int fd = open(target, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, BLOCK, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	close(fd);
	return map;
}

/* Without it being mapped to run, it does arrive: the attack is one. */
static void test_control(const struct pin *pin)
{
	char *map = map_for_writing(), *now = NULL;

	if (!pin->begin(map)) {
		ok(true, "%s # SKIP %s", pin->name, strerror(errno));
		return;
	}
	munmap(map, BLOCK);
	map = map_for_writing();
	ok(pin->end() && !memcmp(map, image[EVIL], BLOCK), "%s: arrives late", pin->name);
	munmap(map, BLOCK);
	/* A ring lets go of its buffers some time after it was closed. */
	for (int i = 0; i < 100 && (now = map_to_run()) == MAP_FAILED && errno == ETXTBSY; i++)
		usleep(20000);
	ok(now == MAP_FAILED && errno == EACCES, "%s: what arrived does not run", pin->name);
}

static void test_pin(const struct pin *pin)
{
	char *map = map_for_writing(), *run;

	if (!pin->begin(map)) {
		munmap(map, BLOCK);
		return;
	}
	munmap(map, BLOCK);
	run = map_to_run();
	if (!ok(run != MAP_FAILED, "%s: mapped meanwhile", pin->name))
		note("%s", strerror(errno));
	if (!pin->end())
		broken("%s", pin->name);
	if (run == MAP_FAILED)
		return;
	ok(!memcmp(run, image[GOOD], BLOCK), "%s: does not change what is mapped", pin->name);
	munmap(run, BLOCK);
	usleep(50000);
	probe_exec(target, EACCES);
}

/*
 * Who may only read a file refers to its pages, too. That must not keep others from
 * running it.
 */

static void *read_late(void *unused)
{
	struct iovec to = { source, BLOCK }, from = { written, BLOCK };

	(void)unused;
	written_len = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	return NULL;
}

static void test_vm_readv(void)
{
	int fd;

	prepare_way(&ways[0]);
	fd = open(target, O_RDONLY | O_CLOEXEC);
	written = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);
	if (written == MAP_FAILED || !open_source() ||
	    pthread_create(&writer, NULL, read_late, NULL) || !asks())
		broken("process_vm_readv");
	expect_allowed(probe_exec(target, EACCES), "process_vm_readv that waits: runs");
	ok(!memcmp(written, image[GOOD], BLOCK), "process_vm_readv that waits: its mapping stays");
	if (!fill_source(0, image[EVIL]))
		broken("process_vm_readv");
	pthread_join(writer, NULL);
	ok(written_len == BLOCK && !memcmp(source, image[GOOD], BLOCK),
	   "process_vm_readv that waits: reads what was there");
	munmap(written, BLOCK);
	munmap(source, 2 * BLOCK);
	close(fd);
	close(uffd);
}

#define PIPES		80
#define PIPE_PAGES	16

/* More references than a pin counts as. */
static void test_pipes(void)
{
	static int ends[PIPES][2];
	static char page[BLOCK];
	int fd, n = 0;
	loff_t at;

	prepare_way(&ways[0]);
	fd = open(target, O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < PIPES; i++) {
		if (pipe2(ends[i], O_CLOEXEC))
			broken("pipe");
		for (int j = 0; j < PIPE_PAGES; j++) {
			at = 0;
			n += splice(fd, &at, ends[i][1], NULL, BLOCK, SPLICE_F_NONBLOCK) == BLOCK;
		}
	}
	ok(n == PIPES * PIPE_PAGES, "%d references in pipes", n);
	expect_allowed(probe_exec(target, EACCES), "references in pipes: runs");
	ok(read(ends[0][0], page, BLOCK) == BLOCK && !memcmp(page, image[GOOD], BLOCK),
	   "references in pipes: read what was there");
	for (int i = 0; i < PIPES; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
	close(fd);
}

/*
 * A page of which the kernel knows that its memory is broken is not copied: what is
 * read of it is anything.
 */
static bool break_page(void)
{
	int fd = open(target, O_RDWR | O_CLOEXEC), status;
	pid_t pid = fork();
	char *map;

	if (!pid) {
		map = mmap(NULL, image_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
			   0);
		if (map == MAP_FAILED)
			_exit(BROKEN);
		_exit(outcome_of(!madvise(map + BLOCK, BLOCK, MADV_HWPOISON), EINVAL));
	}
	close(fd);
	waitpid(pid, &status, 0);
	/* Who has it mapped may be killed. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == DENIED)
		return false;
	return ok(WIFEXITED(status) && WEXITSTATUS(status) == ALLOWED, "broken memory");
}

static void test_broken_page(const char *dir)
{
	struct statfs fs;
	int got;

	if (statfs(dir, &fs) || fs.f_type != TMPFS_MAGIC)
		return;
	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES), "broken memory: control");
	prepare_way(&ways[0]);
	if (!break_page()) {
		ok(true, "broken memory # SKIP this kernel has no MADV_HWPOISON");
		return;
	}
	expect_denied(probe_map(target, ETXTBSY), MAP_HOOK, "open-for-writing",
		      "broken memory: the file is not mapped");
	got = probe_exec(target, ETXTBSY);
	ok(got == DENIED || got == DENIED_OTHERWISE, "broken memory: the file does not run");
	unlink(target);
	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES), "broken memory: the file made anew runs");
}

/* Of a huge page there is no copy: the first reference keeps the file from running. */
static void test_huge(void)
{
	int fd, ends[2];

	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES), "huge pages: control");
	prepare_way(&ways[0]);
	fd = open(target, O_RDONLY | O_CLOEXEC);
	if (pipe2(ends, O_CLOEXEC) || splice(fd, NULL, ends[1], NULL, BLOCK, 0) != BLOCK)
		broken("splice");
	expect_denied(probe_map(target, ETXTBSY), MAP_HOOK, "open-for-writing",
		      "huge pages: a reference in a pipe: known limit");
	close(ends[0]);
	close(ends[1]);
	close(fd);
	expect_allowed(probe_exec(target, EACCES), "huge pages: without it");
}

/*
 * The file begins with other bytes now, in a page that is clean: on the disk, it
 * begins as before. The page is held up to end_vm_writev().
 */
static void begin_in_memory(const char *path, const void *bytes, size_t len)
{
	static char page[BLOCK] __attribute__((aligned(BLOCK)));
	int fd = open(path, O_RDWR | O_CLOEXEC);
	char *map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	memcpy(page + BLOCK - len, bytes, len);
	head_len = len;
	if (map == MAP_FAILED || !begin_vm_writev(map) || munmap(map, BLOCK) || fsync(fd) ||
	    !fill_source(0, page) || !asks())
		broken("process_vm_writev");
	close(fd);
}

/* The kernel reads the head of a program before it asks for a verdict. */
static void test_head(void)
{
	Elf64_Ehdr head;
	int got;

	prepare_way(&ways[0]);
	memcpy(&head, image[GOOD], sizeof(head));
	head.e_entry += ASTRAY_AT;
	begin_in_memory(target, &head, sizeof(head));
	got = probe_exec(target, ETXTBSY);
	ok(got == DENIED || got == DENIED_OTHERWISE, "a head in memory alone: does not run");
	if (!end_vm_writev())
		broken("process_vm_writev");
	probe_exec(target, EACCES);
	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES), "a head in memory alone: control");
}

/*
 * FIDEDUPERANGE compares what is in memory and shares what is on the disk. All it
 * takes is a descriptor for reading.
 */
static int dedupe(const char *from, const char *to)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} d = { { .src_length = BLOCK, .dest_count = 1 }, {} };
	int source_fd = open(from, O_RDONLY | O_CLOEXEC), fd = open(to, O_RDONLY | O_CLOEXEC);
	int ret;

	d.info.dest_fd = fd;
	ret = ioctl(source_fd, FIDEDUPERANGE, &d) ? -errno : d.info.status;
	close(source_fd);
	close(fd);
	return ret;
}

static bool first_page_is(const char *path, enum content what)
{
	static char page[BLOCK];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is = pread(fd, page, BLOCK, 0) == BLOCK && !memcmp(page, image[what], BLOCK);

	close(fd);
	return is;
}

static int dedupe_as_user(void *arg)
{
	(void)arg;
	if (setgid(1000) || setuid(1000))
		return BROKEN;
	errno = -dedupe(other, target);
	return outcome_of(!errno, EPERM);
}

/* Who may only read a file does not have it hashed anew, or closed to who runs it. */
static void test_dedupe_as_user(void)
{
	uint64_t hashed = stat_value("hashed");

	chmod(target, 0755);
	chmod(other, 0755);
	expect(DENIED, probe(dedupe_as_user, NULL), "FIDEDUPERANGE by who may not write: EPERM");
	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE by who may not write: it runs");
	ok(stat_value("hashed") == hashed, "FIDEDUPERANGE by who may not write: and is known");
}

static pid_t start_flipping(void)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(10 * PROBE_SECONDS);
		for (;;) {
			chmod(target, 0757);
			chmod(target, 0755);
		}
	}
	return pid;
}

/* How often who is not always allowed to write got which answer. */
struct answers {
	unsigned int eperm, etxtbsy, other;
};

static int dedupe_often(void *arg)
{
	int from = open(other, O_RDONLY | O_CLOEXEC), to = open(target, O_RDONLY | O_CLOEXEC);
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info[AT_ONCE];
	} d = { .range = { .src_length = BLOCK, .dest_count = AT_ONCE } };
	int64_t end = now_ms() + 500 * PROBE_SECONDS;
	struct answers *a = arg;

	if (from < 0 || to < 0 || setgid(1000) || setuid(1000))
		return BROKEN;
	for (int i = 0; i < AT_ONCE; i++)
		d.info[i].dest_fd = to;
	for (int i = 0; now_ms() < end && (i < FLIPS || !a->eperm || !a->etxtbsy); i++) {
		if (ioctl(from, FIDEDUPERANGE, &d))
			return BROKEN;
		for (int j = 0; j < AT_ONCE; j++) {
			a->eperm += d.info[j].status == -EPERM;
			a->etxtbsy += d.info[j].status == -ETXTBSY;
			a->other += d.info[j].status != -EPERM && d.info[j].status != -ETXTBSY;
		}
	}
	return ALLOWED;
}

/*
 * The kernel asks whether somebody may write after the hook has: the mode of a file
 * that somebody runs changes all the time, and no answer lets other content in.
 */
static void test_dedupe_flip(void)
{
	struct answers *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *run = map_to_run();
	pid_t pid;

	if (a == MAP_FAILED || run == MAP_FAILED)
		broken("%s", target);
	pid = start_flipping();
	expect_allowed(probe(dedupe_often, a), "FIDEDUPERANGE while the mode changes");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(a->eperm && a->etxtbsy, "FIDEDUPERANGE while the mode changes: both modes are seen");
	ok(!a->other, "FIDEDUPERANGE while the mode changes: EPERM or ETXTBSY, always");
	note("%u EPERM, %u ETXTBSY, %u other", a->eperm, a->etxtbsy, a->other);
	munmap(run, BLOCK);
	munmap(a, sizeof(*a));
	chmod(target, 0755);
}

static void set_immutable(bool on)
{
	int fd = open(target, O_RDONLY | O_CLOEXEC), flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		broken("FS_IOC_GETFLAGS");
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		broken("FS_IOC_SETFLAGS");
	close(fd);
}

/* Nobody writes to an immutable file, root neither. */
static void test_dedupe_immutable(void)
{
	uint64_t hashed;

	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE into what is immutable: before");
	hashed = stat_value("hashed");
	set_immutable(true);
	ok(dedupe(other, target) == -EPERM, "FIDEDUPERANGE into what is immutable: EPERM");
	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE into what is immutable: it runs");
	ok(stat_value("hashed") == hashed, "FIDEDUPERANGE into what is immutable: and is known");
	set_immutable(false);
	ok(dedupe(other, target) == FILE_DEDUPE_RANGE_DIFFERS,
	   "FIDEDUPERANGE into what is not immutable any more: other content");
}

/* What is refused while somebody runs the file leaves what is known of it. */
static void test_dedupe_refused(void)
{
	char *run = map_to_run();
	uint64_t hashed = stat_value("hashed");

	if (run == MAP_FAILED)
		broken("%s", target);
	ok(dedupe(other, target) == -ETXTBSY, "FIDEDUPERANGE by root into what is mapped: ETXTBSY");
	munmap(run, BLOCK);
	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE that was refused: it runs");
	ok(stat_value("hashed") == hashed, "FIDEDUPERANGE that was refused: and is known");
	ok(dedupe(other, target) == FILE_DEDUPE_RANGE_DIFFERS,
	   "FIDEDUPERANGE into what is not: other content");
	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE into what is not: it runs");
	ok(stat_value("hashed") == hashed + 1, "FIDEDUPERANGE into what is not: and is hashed anew");
}

static void test_dedupe(void)
{
	char *run;
	int ret;

	head_len = 0;
	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE: control");
	expect(DENIED, probe_exec(other, EACCES), "FIDEDUPERANGE: control: not the other one");
	run = map_to_run();
	if (run == MAP_FAILED)
		broken("%s", target);
	begin_in_memory(other, image[GOOD], 64);
	ret = dedupe(other, target);
	if (ret == -EOPNOTSUPP || ret == -EINVAL) {
		ok(true, "FIDEDUPERANGE # SKIP the file system has none");
	} else {
		ok(ret == -ETXTBSY, "FIDEDUPERANGE into what is mapped: ETXTBSY");
		ok(!memcmp(run, image[GOOD], BLOCK), "FIDEDUPERANGE: what is mapped stays");
		munmap(run, BLOCK);
		ret = dedupe(other, target);
		ok(ret == FILE_DEDUPE_RANGE_SAME, "FIDEDUPERANGE into what is not: it goes");
		evict(target);
		ok(first_page_is(target, EVIL), "FIDEDUPERANGE: and brings other content");
		expect_denied(probe_map(target, EACCES), MAP_HOOK, "no-evidence",
			      "FIDEDUPERANGE: which does not run");
	}
	if (!end_vm_writev())
		broken("process_vm_writev");
	if (ret != FILE_DEDUPE_RANGE_SAME)
		return;
	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES), "FIDEDUPERANGE: written anew");
	test_dedupe_as_user();
	test_dedupe_flip();
	test_dedupe_immutable();
	test_dedupe_refused();
}

/*
 * The same, while another process has the file judged between the moment in which
 * the kernel reads the head and the one in which it asks for a verdict.
 */
#define RACES		60

static struct { volatile int done, started; } *shared;

static int race_head(long delay)
{
	struct timespec ts = { 0, delay };
	Elf64_Ehdr head;
	int go[2], status, st2;
	pid_t runner, hog, judge;
	char c;

	prepare_way(&ways[0]);
	memcpy(&head, image[GOOD], sizeof(head));
	head.e_entry += ASTRAY_AT;
	begin_in_memory(target, &head, sizeof(head));
	shared->done = shared->started = 0;
	if (pipe2(go, O_CLOEXEC))
		broken("pipe2");
	hog = fork();
	if (!hog) {
		run_on(0);
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		nanosleep(&ts, NULL);
		shared->started = 1;
		while (!shared->done)
			;
		_exit(0);
	}
	judge = fork();
	if (!judge) {
		run_on(1);
		while (!shared->started)
			;
		map_to_run();
		shared->done = 1;
		_exit(0);
	}
	usleep(2000);
	runner = fork();
	if (!runner) {
		run_idle_on(0);
		write_file(go[1], "", 1);
		execl(target, target, NULL);
		_exit(errno == ETXTBSY || errno == EACCES ? DENIED : BROKEN);
	}
	waitpid(runner, &status, 0);
	waitpid(judge, &st2, 0);
	waitpid(hog, &st2, 0);
	close(go[0]);
	close(go[1]);
	if (!end_vm_writev())
		broken("process_vm_writev");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The delay is led to where the two outcomes that are right meet. */
static void test_raced_head(void)
{
	int got, ran = 0, refused = 0, astray = 0;
	long delay = 400000, step;

	shared = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		broken("mmap");
	for (int i = 0; i < RACES; i++) {
		step = delay / 20 + random() % 3000 + 500;
		got = race_head(delay);
		ran += got == ALLOWED;
		refused += got == DENIED;
		astray += got == RAN_ASTRAY;
		if (got == DENIED)
			delay = delay > step + 1000 ? delay - step : 1000;
		else
			delay += step;
	}
	munmap((void *)shared, BLOCK);
	note("ran %d, refused %d, astray %d", ran, refused, astray);
	ok(!astray && ran + refused == RACES,
	   "a head in memory alone, the file judged meanwhile: does not run");
	prepare_way(&ways[0]);
	expect_allowed(probe_exec(target, EACCES),
		       "a head in memory alone, the file judged meanwhile: control");
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : "/mnt/pin";

	mkdir(dir, 0755);
	snprintf(target, sizeof(target), "%s/target", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	probe_init();
	load_images();
	spoil_first_page();
	if (argc > 2 && !strcmp(argv[2], "huge")) {
		test_huge();
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		prepare_way(&ways[0]);
		expect_allowed(probe_exec(target, EACCES), "%s: control", pins[i].name);
		test_control(&pins[i]);
		prepare_way(&ways[0]);
		test_pin(&pins[i]);
	}
	test_vm_readv();
	test_pipes();
	test_broken_page(dir);
	test_head();
	test_raced_head();
	test_dedupe();
	return 0;
}
