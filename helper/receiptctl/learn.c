// SPDX-License-Identifier: MIT
/*
 * From denials to the commands that seal what was denied. A record names a file
 * and a digest; a file that has another digest now is in no command.
 */
#include "learn.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dmverity.h"
#include "hash.h"
#include "manifest.h"
#include "policy.h"
#include "receiptctl.h"

/* What may be read of the files that records name, which anybody may have used. */
#define FILE_BYTES	(4ull << 30)
#define ALL_BYTES	(256ull << 30)
#define SECONDS		900

#define BIT64(n)	(1ULL << (n))
#define EXECUTE		(1 << RECEIPT_OP_EXECUTE)

/* What evidence would mend. */
#define CURABLE	(BIT64(RECEIPT_REASON_DEFAULT) | BIT64(RECEIPT_REASON_NO_EVIDENCE) |		\
		 BIT64(RECEIPT_REASON_NO_RULE_SATISFIED) | BIT64(RECEIPT_REASON_NO_HELPER) |	\
		 BIT64(RECEIPT_REASON_HELPER_TIMEOUT) | BIT64(RECEIPT_REASON_HELPER_ITSELF) |	\
		 BIT64(RECEIPT_REASON_QUEUE_FULL) | BIT64(RECEIPT_REASON_INTERRUPTED) |		\
		 BIT64(RECEIPT_REASON_UNKNOWN_UNDER_LOCK) | BIT64(RECEIPT_REASON_USAGE))

/* What somebody decided: no evidence changes that. */
#define DECIDED	(BIT64(RECEIPT_REASON_RULE) | BIT64(RECEIPT_REASON_REVOKED))

static const struct {
	enum receipt_reason reason;
	const char *text;
} hints[] = {
	{ RECEIPT_REASON_RULE, "a rule of the policy denies it" },
	{ RECEIPT_REASON_REVOKED, "the policy revokes it; install a newer version" },
	{ RECEIPT_REASON_OPEN_WRITER, "close the file before it is used" },
	{ RECEIPT_REASON_FILE_CHANGED, "it changed while it was read; try again" },
	{ RECEIPT_REASON_UNSTABLE_FS, "copy it to a local file system" },
	{ RECEIPT_REASON_UNREADABLE, "the kernel cannot read it; look at the disk" },
	{ RECEIPT_REASON_NO_MEMORY, "the machine was short of memory" },
	{ RECEIPT_REASON_WRITE_EXEC,
	  "the program maps a file writable and executable; it must not" },
	{ RECEIPT_REASON_WRITTEN_EXEC,
	  "the program makes executable what it has written; see ANON_EXEC" },
	{ RECEIPT_REASON_NO_CONTENTS, "have it loaded from a file" },
	{ RECEIPT_REASON_CORRUPTED, "something wrote to the disk below the file system" },
	{ RECEIPT_REASON_EXCHANGED, "the program's file was exchanged while it ran" },
};

/**
 * learn_hint() - what to do where evidence does not help
 * @reason: of the denial
 *
 * Return: a sentence.
 */
const char *learn_hint(enum receipt_reason reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (hints[i].reason == reason)
			return hints[i].text;
	return "see the administrator's guide, Reasons";
}

/**
 * learn_apart() - reasons of a denial that evidence does not mend
 * @d: denial
 *
 * Return: bits by enum receipt_reason.
 */
uint64_t learn_apart(const struct denial *d)
{
	return d->reasons & ~CURABLE;
}

static bool wants_evidence(const struct denial *d)
{
	return d->reasons & CURABLE && !(d->reasons & DECIDED);
}

/*
 * What the file is now
 */

static const char *algorithm(uint8_t kind)
{
	switch (kind) {
	case RECEIPT_KIND_SHA384:
		return "SHA384";
	case RECEIPT_KIND_SHA512:
		return "SHA512";
	default:
		return "SHA256";
	}
}

/*
 * Return: false when it cannot be read. Links are not followed: the kernel names none,
 * and neither lead they out of @root.
 */
static bool hash_now(int root, char *path, size_t prefix, uint8_t kind, struct artifact *a)
{
	struct artifacts list = {
		.fsverity = kind == RECEIPT_KIND_FSVERITY_SHA256, .n = 1, .item = a,
	};
	struct rcpt_error err;
	uint8_t takes;
	size_t failed;

	memset(a, 0, sizeof(*a));
	a->path = path;
	a->dir = root;
	a->below = path + prefix + 1;
	a->resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
	a->named = true;
	if (hash_artifacts(&list, 0, algorithm(kind), NULL, &failed, &err))
		return false;
	takes = a->usage;
	if (!takes && hash_artifacts(&list, EXECUTE, algorithm(kind), NULL, &failed, &err))
		return false;
	a->usage = takes;
	return true;
}

static bool same_image(int fd, const struct rcpt_digest *d)
{
	uint8_t root[RECEIPT_HASH_SIZE];
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	return dmverity_root(path, root) && !memcmp(root, d->bytes, sizeof(root));
}

static enum learn_state look(struct learn *l, struct learn_file *f)
{
	const struct rcpt_digest *d = &f->denial->digest;
	struct artifact a;
	struct stat st;
	bool same;
	int fd;

	if (!*f->path)
		return LEARN_NO_NAME;
	if (!d->kind)
		return LEARN_NO_DIGEST;
	if (*f->path != '/' || !f->path[1])
		return LEARN_GONE;
	fd = rcpt_open(l->root_fd, f->path + 1, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
		       RESOLVE_NO_MAGICLINKS, &st, NULL);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? LEARN_GONE :
		       errno == ELOOP || (st.st_mode && !S_ISREG(st.st_mode)) ? LEARN_CHANGED :
		       LEARN_UNREADABLE;
	same = d->kind == RECEIPT_KIND_DMVERITY_SHA256 && same_image(fd, d);
	close(fd);
	if (d->kind == RECEIPT_KIND_DMVERITY_SHA256)
		return !same ? LEARN_CHANGED : f->denial->proven ? LEARN_SAME : LEARN_UNPROVEN;
	if (rcpt_budget_take(&l->budget, st.st_size, NULL))
		return LEARN_BOUND;
	if (!hash_now(l->root_fd, f->file, strlen(l->root), d->kind, &a))
		return LEARN_UNREADABLE;
	f->takes = a.usage;
	if (memcmp(d->kind == RECEIPT_KIND_FSVERITY_SHA256 ? a.fsverity : a.digest, d->bytes,
		   rcpt_digest_len(d->kind)))
		return LEARN_CHANGED;
	/* Who may write a line must not choose what a file is sealed for. */
	return f->denial->proven || f->takes & 1 << f->denial->op ? LEARN_SAME : LEARN_UNPROVEN;
}

static bool better(const struct learn_file *a, const struct learn_file *b)
{
	if (a->state != b->state)
		return a->state == LEARN_SAME;
	return a->package && !b->package;
}

/* Of several names that one counts where the file is, best in a package. */
static int choose_path(struct learn *l, struct learn_file *f, struct rcpt_error *err)
{
	const struct denial *d = f->denial;

	for (size_t i = 0; i < d->npaths || !i; i++) {
		struct learn_file new = { .denial = d, .path = i < d->npaths ? d->paths[i] : "" };

		if (asprintf(&new.file, "%s%s", l->root, new.path) < 0)
			return rcpt_no_memory(err);
		new.package = packages_of(&l->packages, new.path);
		new.state = look(l, &new);
		if (f->file && !better(&new, f)) {
			free(new.file);
			continue;
		}
		free(f->file);
		*f = new;
	}
	return 0;
}

/*
 * The plan
 */

static int by_path(const void *a, const void *b)
{
	const struct learn_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* One file may have been used for several things. */
static void join_grants(struct learn *l)
{
	size_t i, j, k;
	uint8_t all;

	qsort(l->files, l->n, sizeof(*l->files), by_path);
	for (i = 0; i < l->n; i = j) {
		all = 0;
		for (j = i; j < l->n && !by_path(&l->files[i], &l->files[j]); j++)
			if (l->files[j].state == LEARN_SAME)
				all |= 1 << l->files[j].denial->op;
		for (k = i; k < j; k++)
			l->files[k].grants = all;
	}
}

/* What stands behind --usage; 0: nothing, seal grants the same by itself. */
static uint8_t usage_option(const struct learn_file *f)
{
	return f->grants == f->takes ? 0 : f->grants;
}

/* How digests other than the content's are asked for; images are one each. */
static int by_verity(const struct learn_file *a, const struct learn_file *b)
{
	int x = a->denial->digest.kind, y = b->denial->digest.kind;

	x = x >= RECEIPT_KIND_FSVERITY_SHA256 ? x : 0;
	y = y >= RECEIPT_KIND_FSVERITY_SHA256 ? y : 0;
	if (x != y || x != RECEIPT_KIND_DMVERITY_SHA256)
		return x - y;
	return memcmp(a->denial->digest.bytes, b->denial->digest.bytes, RECEIPT_HASH_SIZE);
}

static int by_package(const struct package *a, const struct package *b)
{
	int diff;

	if (!a || !b)
		return !a - !b;
	diff = strcmp(a->name, b->name);
	return diff ? diff : strcmp(a->arch, b->arch);
}

static int by_group(const struct learn_file *a, const struct learn_file *b)
{
	int diff = by_package(a->package, b->package);

	if (!diff)
		diff = usage_option(a) - usage_option(b);
	return diff ? diff : by_verity(a, b);
}

static int in_order(const void *a, const void *b)
{
	const struct learn_file *x = a, *y = b;
	int diff = (x->state != LEARN_SAME) - (y->state != LEARN_SAME);

	if (!diff)
		diff = by_group(x, y);
	if (!diff)
		diff = strcmp(x->path, y->path);
	return diff ? diff : (int)x->denial->op - (int)y->denial->op;
}

static int find_packages(struct learn *l, struct rcpt_error *err)
{
	const struct denials *d = l->denials;
	int ret = 0;

	for (size_t i = 0; i < d->n && !ret; i++)
		for (size_t p = 0; p < d->at[i]->npaths && !ret; p++)
			ret = packages_want(&l->packages, d->at[i]->paths[p], err);
	return ret ? ret : packages_read(&l->packages, l->root, err);
}

static int plan(struct learn *l, struct rcpt_error *err)
{
	const struct denials *d = l->denials;
	int ret = find_packages(l, err);

	if (ret)
		return ret;
	l->files = calloc(d->n + 1, sizeof(*l->files));
	if (!l->files)
		return rcpt_no_memory(err);
	for (size_t i = 0; i < d->n && !ret; i++) {
		if (!wants_evidence(d->at[i]))
			continue;
		l->files[l->n].denial = d->at[i];
		ret = choose_path(l, &l->files[l->n++], err);
	}
	if (ret)
		return ret;
	join_grants(l);
	qsort(l->files, l->n, sizeof(*l->files), in_order);
	while (l->nseal < l->n && l->files[l->nseal].state == LEARN_SAME)
		l->nseal++;
	return 0;
}

/**
 * learn_plan() - look at what was denied, and put it in order
 * @l: with denials and root; to be freed also on failure
 * @err: filled in on failure
 *
 * Reads all the files.
 *
 * Return: 0, or -RCPT_SYSTEM without memory or when the packages cannot be read.
 */
int learn_plan(struct learn *l, struct rcpt_error *err)
{
	int ret;

	l->root_fd = open(*l->root ? l->root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->root_fd < 0)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE, RCPT_NO_OFFSET,
				 "cannot open %s: %s", l->root, strerror(errno));
	rcpt_budget_start(&l->budget, FILE_BYTES, ALL_BYTES, SECONDS);
	ret = plan(l, err);
	close(l->root_fd);
	return ret;
}

/**
 * learn_group() - files that one command seals
 * @l: planned
 * @first: number of the first of them, below @l->nseal
 *
 * Return: number of the first of the next.
 */
size_t learn_group(const struct learn *l, size_t first)
{
	size_t end = first;

	while (end < l->nseal && !by_group(&l->files[first], &l->files[end]))
		end++;
	return end;
}

/**
 * learn_free() - free a plan
 * @l: its denials stay
 */
void learn_free(struct learn *l)
{
	while (l->n)
		free(l->files[--l->n].file);
	free(l->files);
	packages_free(&l->packages);
}

/*
 * The command
 */

/* Words of seal --usage. */
static void put_usage(FILE *out, uint8_t usage, char separator)
{
	char comma = '\0';

	for (int op = 0; op < RECEIPT_OP_COUNT; op++) {
		if (!(usage & 1 << op))
			continue;
		if (comma)
			fputc(comma, out);
		comma = separator;
		for (const char *c = receipt_op_name(op); *c; c++)
			fputc(*c == '_' ? '-' : tolower(*c), out);
	}
}

/* NAME[_ARCH][_USAGE].bundle; all letters are plain */
static void put_bundle(FILE *out, const struct learn_file *f)
{
	const struct package *pkg = f->package;

	fputs(pkg ? pkg->name : "local", out);
	if (pkg && *pkg->arch)
		fprintf(out, "_%s", pkg->arch);
	if (usage_option(f)) {
		fputc('_', out);
		put_usage(out, usage_option(f), '_');
	}
	if (f->denial->digest.kind == RECEIPT_KIND_FSVERITY_SHA256)
		fputs("_fsverity", out);
	if (f->denial->digest.kind == RECEIPT_KIND_DMVERITY_SHA256) {
		fputs("_dmverity_", out);
		print_hex(out, f->denial->digest.bytes, 8);
	}
	fputs(".bundle", out);
}

static void put_option(FILE *out, const char *option, const char *value)
{
	fprintf(out, " %s ", option);
	print_shell(out, value);
}

static void put_files(FILE *out, const struct learn *l, size_t first)
{
	size_t end = learn_group(l, first);
	const char *before = "";

	for (size_t i = first; i < end; i++) {
		if (!strcmp(l->files[i].file, before))
			continue;
		before = l->files[i].file;
		fputs(" \\\n    ", out);
		print_shell(out, before);
	}
}

static void put_verity(FILE *out, const struct learn_file *f)
{
	if (f->denial->digest.kind == RECEIPT_KIND_FSVERITY_SHA256)
		fputs(" --fsverity", out);
	if (f->denial->digest.kind != RECEIPT_KIND_DMVERITY_SHA256)
		return;
	fputs(" --dmverity ", out);
	print_hex(out, f->denial->digest.bytes, RECEIPT_HASH_SIZE);
}

/**
 * learn_command() - write the command that seals a group, for a shell
 * @out: stream
 * @l: planned
 * @first: number of the group's first file
 * @names: of key, issuer and log
 */
void learn_command(FILE *out, const struct learn *l, size_t first,
		   const struct learn_names *names)
{
	const struct learn_file *f = &l->files[first];

	fputs("receiptctl seal", out);
	put_option(out, "--issuer-key", names->key);
	put_option(out, "--issuer", names->issuer);
	fputs(" \\\n    --subject ", out);
	if (f->package)
		fprintf(out, "deb/%s", f->package->name);
	else
		fputs("local", out);
	put_option(out, "--log", names->log);
	fputs(" --out ", out);
	put_bundle(out, f);
	if (usage_option(f)) {
		fputs(" --usage ", out);
		put_usage(out, usage_option(f), ',');
	}
	put_verity(out, f);
	if (f->denial->digest.kind != RECEIPT_KIND_DMVERITY_SHA256)
		put_files(out, l, first);
	fputc('\n', out);
}
