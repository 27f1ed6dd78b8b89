// SPDX-License-Identifier: MIT
/*
 * Evidence out of bundles that no index has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bundle.h"
#include "store.h"

#define CHUNK	(256u << 10)

/**
 * rcpt_bundle_hit() - what a store would find, out of a bundle
 * @bundle: as read
 * @leaf: number of the leaf; not looked at without leaves
 * @hit: result; @hit->statement is to be freed
 * @err: filled in on failure
 *
 * Return: 0 or a negative errno.
 */
int rcpt_bundle_hit(const struct rcpt_bundle *bundle, size_t leaf,
		    struct rcpt_store_hit *hit, struct rcpt_error *err)
{
	int n = 0;

	memset(hit, 0, sizeof(*hit));
	hit->manifest = bundle->nleaves;
	if (hit->manifest) {
		hit->usage = bundle->leaves[leaf].usage;
		hit->index = leaf;
		hit->size = bundle->nleaves;
		n = rcpt_tree_path(bundle->nodes, bundle->nleaves, leaf, hit->path);
	}
	hit->npath = n < 0 ? 0 : n;
	hit->statement_len = bundle->transparent.len;
	hit->statement = malloc(bundle->transparent.len);
	if (n < 0 || !hit->statement) {
		free(hit->statement);
		rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
			  RCPT_NO_OFFSET, "no memory for evidence");
		return -ENOMEM;
	}
	memcpy(hit->statement, bundle->transparent.data, hit->statement_len);
	return 0;
}

/*
 * Whether the bytes of a digest are in a file: fast, and no bundle is taken apart in
 * vain. A chunk begins with the end of the one before.
 */
static bool has_bytes(int fd, uint8_t *chunk, const uint8_t *digest, size_t len)
{
	size_t kept = 0, total = 0;
	ssize_t n;

	while ((n = read(fd, chunk + kept, CHUNK - kept)) > 0 ||
	       (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		total += n;
		if (total > RCPT_MAX_BUNDLE)
			break;
		kept += n;
		if (memmem(chunk, kept, digest, len))
			return true;
		if (kept >= len) {
			memmove(chunk, chunk + kept - (len - 1), len - 1);
			kept = len - 1;
		}
	}
	return false;
}

static bool may_have(const char *path, const uint8_t *digest, size_t len)
{
	int fd = rcpt_open(AT_FDCWD, path, 0, NULL, NULL);
	uint8_t *chunk = fd < 0 ? NULL : malloc(CHUNK);
	bool has = chunk && has_bytes(fd, chunk, digest, len);

	free(chunk);
	if (fd >= 0)
		close(fd);
	return has;
}

static bool is_there(const struct rcpt_store_hits *hits, const struct rcpt_store_hit *hit)
{
	for (size_t i = 0; i < hits->n; i++) {
		const struct rcpt_store_hit *old = &hits->hit[i];

		if (old->statement_len == hit->statement_len && old->index == hit->index &&
		    !memcmp(old->statement, hit->statement, hit->statement_len))
			return true;
	}
	return false;
}

static void add_hit(struct rcpt_store_hits *hits, const struct rcpt_bundle *bundle, size_t leaf)
{
	bool bare = !bundle->statement.nreceipts;
	struct rcpt_store_hit hit, *more;

	/* What has no receipt counts only while there is nothing else. */
	if (bare && hits->n && (!hits->bare || hits->n >= RCPT_STORE_MAX_BARE))
		return;
	if (!bare && hits->bare)
		rcpt_store_hits_free(hits);
	if (hits->n == RCPT_STORE_MAX_HITS)
		return;
	more = realloc(hits->hit, (hits->n + 1) * sizeof(*more));
	if (!more)
		return;
	hits->hit = more;
	if (rcpt_bundle_hit(bundle, leaf, &hit, NULL))
		return;
	if (is_there(hits, &hit)) {
		free(hit.statement);
		return;
	}
	hits->hit[hits->n++] = hit;
	hits->bare = bare;
}

static void add_hits(struct rcpt_store_hits *hits, const struct rcpt_bundle *bundle,
		     uint8_t kind, const uint8_t *digest)
{
	struct rcpt_span payload = bundle->statement.sign1.payload;
	uint8_t granted = 0;

	if (!bundle->nleaves) {
		if (rcpt_digest_kind(bundle->statement.header.hash_alg) == kind &&
		    rcpt_span_equal(payload, digest, rcpt_digest_len(kind)))
			add_hit(hits, bundle, 0);
		return;
	}
	for (size_t i = rcpt_bundle_find(bundle, kind, digest, 0); i < bundle->nleaves;
	     i = rcpt_bundle_find(bundle, kind, digest, i + 1)) {
		if (!(bundle->leaves[i].usage & ~granted))
			continue;
		granted |= bundle->leaves[i].usage;
		add_hit(hits, bundle, i);
	}
}

/**
 * rcpt_scan() - find what a bundle file says of a digest
 * @path: of the file; one that is no bundle says nothing
 * @kind: enum receipt_kind
 * @digest: rcpt_digest_len(@kind) bytes
 * @hits: what was found is added, unless it is there
 */
void rcpt_scan(const char *path, uint8_t kind, const uint8_t *digest,
	       struct rcpt_store_hits *hits)
{
	struct rcpt_bundle bundle;
	uint8_t *data;
	size_t len;

	if (!may_have(path, digest, rcpt_digest_len(kind)))
		return;
	if (rcpt_file_read(path, RCPT_MAX_BUNDLE, &data, &len, NULL))
		return;
	if (!rcpt_bundle_parse(rcpt_span(data, len), &bundle, NULL)) {
		add_hits(hits, &bundle, kind, digest);
		rcpt_bundle_free(&bundle);
	}
	free(data);
}
