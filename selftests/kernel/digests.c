// SPDX-License-Identifier: MIT
/*
 * The list of the digests of which the kernel knows something. It holds what ran
 * and what was denied, in any number of messages; and it ends, whatever comes and
 * goes meanwhile.
 */
#include <openssl/sha.h>

#include "helper.h"

#define MANY	1000	/* more than one datagram holds */
#define ROUNDS	50

static int border;

/* What one dump said. */
struct list {
	unsigned int datagrams;
	unsigned int n;
	unsigned int sought;		/* times that the digest came */
	uint32_t statements;		/* of it */
};

static void take_digest(struct list *list, const struct nlmsghdr *nlh, const uint8_t *want)
{
	static struct message m;
	const uint8_t *digest;
	size_t len;

	memcpy(m.data, nlh, nlh->nlmsg_len);
	m.len = nlh->nlmsg_len;
	digest = get(&m, RECEIPT_A_DIGEST, &len);
	if (!digest || len != 32 || get_u8(&m, RECEIPT_A_KIND) != RECEIPT_KIND_SHA256 ||
	    !get(&m, RECEIPT_A_STATEMENTS, NULL))
		broken("a message of the list");
	list->n++;
	if (memcmp(digest, want, len))
		return;
	list->sought++;
	list->statements = get_u32(&m, RECEIPT_A_STATEMENTS);
}

/* Takes a datagram apart; true when it is the last one. */
static bool take_list(struct list *list, const uint8_t *buf, size_t len, const uint8_t *want)
{
	size_t pos = 0;

	list->datagrams++;
	while (pos + NLMSG_HDRLEN <= len) {
		const struct nlmsghdr *nlh = (const void *)(buf + pos);

		if (nlh->nlmsg_type == NLMSG_ERROR)
			broken("DIGESTS is refused");
		if (nlh->nlmsg_type == NLMSG_DONE)
			return true;
		take_digest(list, nlh, want);
		pos += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return false;
}

static struct list digests(int fd, const uint8_t *want)
{
	static struct message m;
	static uint8_t buf[MESSAGE_MAX];
	struct list list = {};
	ssize_t len;

	begin(&m, family, RECEIPT_CMD_DIGESTS, NLM_F_DUMP);
	send_message(fd, &m);
	do {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len < 0)
			broken("the list does not end");
	} while (!take_list(&list, buf, len, want));
	return list;
}

static void hash_file(const char *path, uint8_t digest[32])
{
	static uint8_t data[16 << 20];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, data, sizeof(data));

	if (len <= 0)
		broken("%s", path);
	close(fd);
	SHA256(data, len, digest);
}

static void test_known(void)
{
	uint8_t good[32], bad[32];
	struct list list;

	hash_file("/mnt/listed", good);
	hash_file("/mnt/unlisted", bad);
	list = digests(border, good);
	ok(!list.sought, "a sealed program that did not run yet is not in the list");
	expect_allowed(probe_exec("/mnt/listed", EACCES), "it runs");
	list = digests(border, good);
	ok(list.sought == 1 && list.statements == 1, "then it is, with one statement");
	expect_denied(probe_exec("/mnt/unlisted", EACCES), "bprm_check_security", "no-evidence",
		      "an unsealed program does not run");
	list = digests(border, bad);
	ok(list.sought == 1 && !list.statements, "and is in the list without a statement");
}

static void make_unsealed(unsigned int i)
{
	int fd = open("/run/unsealed", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	dprintf(fd, "%u", i);
	close(fd);
}

/* Its files stay open: not more than a process may have. */
static int map_many(void *first)
{
	struct map_args asked = { .path = "/run/unsealed", .prot = PROT_READ | PROT_EXEC,
				  .want_errno = EACCES };
	unsigned int i;
	int got;

	for (i = 0; i < MANY; i++) {
		make_unsealed((uintptr_t)first + i);
		got = try_map(&asked);
		if (got == DENIED)
			continue;
		note("file %u: %s, %s", i, outcome_name(got), strerror(errno));
		return got;
	}
	return DENIED;
}

static void test_many(void)
{
	uint8_t digest[32];
	struct list list;

	expect(DENIED, probe(map_many, NULL), "%u unsealed files are not mapped", MANY);
	hash_file("/run/unsealed", digest);
	list = digests(border, digest);
	ok(list.n >= MANY && list.datagrams > 2, "all of them are in the list");
	note("%u digests in %u datagrams", list.n, list.datagrams);
	ok(list.sought == 1 && list.n == digests(border, digest).n,
	   "none is missing, and none there twice");
	if (flush(border))
		broken("flush");
	ok(digests(border, digest).n < MANY, "a flush empties it");
}

static int come_and_go(void *unused)
{
	int fd = open_border();
	unsigned int i;

	(void)unused;
	alarm(0);	/* longer than a probe may take */
	for (i = 0; i < 2; i++)
		if (probe(map_many, (void *)(uintptr_t)(MANY * (i + 1))) != DENIED || flush(fd))
			return BROKEN;
	return ALLOWED;
}

/* Every list ends. That of a broken walk does not, or the kernel's log tells. */
static void test_changing(void)
{
	static const uint8_t none[32];
	pid_t pid = start_probe(come_and_go, NULL);
	unsigned int i, most = 0;

	for (i = 0; i < ROUNDS || !has_ended(pid); i++) {
		struct list list = digests(border, none);

		if (list.n > most)
			most = list.n;
	}
	ok(end_probe(pid) == ALLOWED && i >= ROUNDS, "lists end while digests come and go");
	note("%u lists, at most %u digests", i, most);
}

int main(void)
{
	probe_init();
	border = open_border();
	copy("/t/target", "/mnt/listed", "");
	copy("/t/target", "/mnt/unlisted", "not in the list");
	test_known();
	test_many();
	test_changing();
	return 0;
}
