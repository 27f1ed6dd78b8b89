// SPDX-License-Identifier: MIT
/*
 * Holding all files of a folder against a manifest: those that seal would take.
 */
#include "folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hash.h"

/**
 * is_folder() - whether a path is one
 * @path: name
 *
 * Return: whether it is there and is one.
 */
bool is_folder(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static const char *md_of(uint8_t kind)
{
	return kind == RECEIPT_KIND_SHA256 ? "SHA256" : kind == RECEIPT_KIND_SHA384 ? "SHA384" :
	       kind == RECEIPT_KIND_SHA512 ? "SHA512" : NULL;
}

/* Of digests of the content, the first kind that the manifest has. */
static uint8_t content_kind(const struct rcpt_bundle *b)
{
	uint8_t kind = 0;
	size_t i;

	for (i = 0; i < b->nleaves; i++)
		if (md_of(b->leaves[i].kind) && (!kind || b->leaves[i].kind < kind))
			kind = b->leaves[i].kind;
	return kind;
}

static int compare(const void *va, const void *vb)
{
	const struct rcpt_leaf *a = va, *b = vb;

	return memcmp(a->digest, b->digest, rcpt_digest_len(a->kind));
}

/* Several leaves may have one digest: one is left, with all that they grant together. */
static size_t join(struct rcpt_leaf *sorted, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept && !compare(&sorted[kept - 1], &sorted[i]))
			sorted[kept - 1].usage |= sorted[i].usage;
		else
			sorted[kept++] = sorted[i];
	return kept;
}

/* The leaves of one kind, by digest, each of them once. */
static struct rcpt_leaf *sort_leaves(const struct rcpt_bundle *b, uint8_t kind, size_t *n)
{
	struct rcpt_leaf *sorted = calloc(b->nleaves, sizeof(*sorted));
	size_t i;

	*n = 0;
	for (i = 0; sorted && i < b->nleaves; i++)
		if (b->leaves[i].kind == kind)
			sorted[(*n)++] = b->leaves[i];
	if (!sorted)
		return NULL;
	qsort(sorted, *n, sizeof(*sorted), compare);
	*n = join(sorted, *n);
	return sorted;
}

static void judge(struct folder *f, const struct rcpt_leaf *sorted, size_t n, uint8_t kind,
		  void (*bad)(const char *file, enum receipt_reason reason, void *arg),
		  void *arg)
{
	size_t i;

	for (i = 0; i < f->files.n; i++) {
		const struct artifact *file = &f->files.item[i];
		const struct rcpt_leaf wanted = { .kind = kind, .digest = file->digest };
		const struct rcpt_leaf *leaf;

		if (!file->usage)
			continue;
		f->checked++;
		leaf = bsearch(&wanted, sorted, n, sizeof(*sorted), compare);
		if (!leaf) {
			f->missing++;
			bad(file->path, RECEIPT_REASON_DIGEST, arg);
		} else if (file->usage & ~leaf->usage) {
			f->ungranted++;
			bad(file->path, RECEIPT_REASON_USAGE, arg);
		}
	}
}

static int hash_folder(struct folder *f, uint8_t kind, char **about, struct rcpt_error *err)
{
	size_t failed = 0;
	int ret = walk_path(f->path, &f->files, about, err);

	if (ret)
		return ret;
	ret = hash_artifacts(&f->files, 0, md_of(kind), NULL, &failed, err);
	/* What seal would leave out with a word, nobody can vouch for here. */
	for (size_t i = 0; i < f->files.n && !ret; i++)
		if (f->files.item[i].skipped == ARTIFACT_UNREADABLE) {
			failed = i;
			ret = rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_UNREADABLE,
					RCPT_NO_OFFSET, "cannot open: %s", strerror(EACCES));
		}
	if (ret)
		*about = strdup(f->files.item[failed].path);
	return ret;
}

/**
 * folder_check() - whether a manifest vouches for all files of a folder
 * @f: with its path
 * @bundle: with the manifest
 * @bad: called for each file that it does not vouch for
 * @arg: for @bad
 * @about: result on failure: the path that @err is about, for free()
 * @err: what went wrong
 *
 * Programs, scripts and modules count, as seal finds them.
 *
 * Return: 0, also when files were bad; -RCPT_CANNOT_EVALUATE when the manifest has
 * no digests of contents; else what walk_path() and hash_artifacts() say.
 */
int folder_check(struct folder *f, const struct rcpt_bundle *bundle,
		 void (*bad)(const char *file, enum receipt_reason reason, void *arg),
		 void *arg, char **about, struct rcpt_error *err)
{
	uint8_t kind = content_kind(bundle);
	struct rcpt_leaf *sorted;
	size_t n;
	int ret;

	*about = NULL;
	if (!kind)
		return rcpt_fail(err, RCPT_CANNOT_EVALUATE, RECEIPT_REASON_MANIFEST_PATH,
				 RCPT_NO_OFFSET, "no manifest with digests of contents is there");
	ret = hash_folder(f, kind, about, err);
	if (ret)
		return ret;
	sorted = sort_leaves(bundle, kind, &n);
	if (!sorted)
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
				 "no memory");
	judge(f, sorted, n, kind, bad, arg);
	free(sorted);
	return 0;
}

/**
 * folder_free() - free what was found
 * @f: left without it
 */
void folder_free(struct folder *f)
{
	artifacts_free(&f->files);
}
