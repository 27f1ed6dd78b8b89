// SPDX-License-Identifier: MIT
/*
 * store DIR [BUNDLES FILES]: what the index of a store costs, with a million digests
 * unless told otherwise. Makes a store in DIR. Prints TAP; times may be longer by what
 * SLOWNESS in the environment says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bundle.h"
#include "sign.h"
#include "store.h"

#define LOOKUPS		20000
#define ADDITIONS	100
#define FEW		10	/* files of a bundle that is added */
#define LOOKUP_US	20
#define ADD_MS		50
#define REBUILD_MS	5000
#define MEMORY_KIB	(16 * 1024)

static struct rcpt_signer signer;
static uint32_t bundles = 1000, files = 1000;
static double times[LOOKUPS];
static int tests;
static double slowness = 1;	/* of this machine */

static void must(int ret, const struct rcpt_error *err)
{
	if (!ret)
		return;
	fprintf(stderr, "store: %s\n", err->text);
	exit(70);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static void digest_of(uint32_t file, uint8_t out[RECEIPT_HASH_SIZE])
{
	rcpt_sha256(&file, sizeof(file), out);
}

static void make_bundle(uint32_t first, uint32_t n, uint8_t **out, size_t *len)
{
	const struct rcpt_claim_set claims = { .iss = "issuer.example", .sub = "deb/package",
					       .iat = 1700000000 };
	uint8_t (*digests)[RECEIPT_HASH_SIZE] = calloc(n, sizeof(*digests));
	struct rcpt_leaf *leaves = calloc(n, sizeof(*leaves));
	uint8_t (*nodes)[32], root[RECEIPT_HASH_SIZE], *stmt;
	struct rcpt_error err;
	size_t stmt_len;

	if (!digests || !leaves)
		abort();
	for (uint32_t i = 0; i < n; i++) {
		digest_of(first + i, digests[i]);
		leaves[i] = (struct rcpt_leaf){
			.digest = digests[i], .name = "/usr/bin/program", .name_len = 16,
			.kind = RECEIPT_KIND_SHA256, .usage = 1 << RECEIPT_OP_EXECUTE,
		};
	}
	rcpt_manifest_sort(leaves, n);
	must(rcpt_manifest_tree(leaves, n, &nodes, root, &err), &err);
	must(rcpt_statement_sign(&claims, root, sizeof(root), &signer, &stmt, &stmt_len, &err),
	     &err);
	must(rcpt_bundle_encode(rcpt_span(stmt, stmt_len), leaves, n, out, len, &err), &err);
	free(nodes);
	free(stmt);
	free(leaves);
	free(digests);
}

static void fill_folder(const char *dir)
{
	char path[4096];
	uint8_t *data;
	size_t len;
	FILE *f;

	for (uint32_t n = 0; n < bundles; n++) {
		make_bundle(n * files, files, &data, &len);
		snprintf(path, sizeof(path), "%s/%u.bundle", dir, n);
		f = fopen(path, "w");
		if (!f || fwrite(data, 1, len, f) != len || fclose(f))
			abort();
		free(data);
	}
}

static int compare(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static void tell(const char *what, double median, double worst, const char *unit)
{
	printf("# %-44s %10.1f %s, at most %.1f\n", what, median, unit, worst);
}

/* Sorts the first @n times. */
static double median_of(size_t n)
{
	qsort(times, n, sizeof(*times), compare);
	return times[n / 2];
}

static void check(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

static size_t look_up(struct rcpt_store *store, uint32_t file)
{
	uint8_t digest[RECEIPT_HASH_SIZE];
	struct rcpt_store_hits hits;
	struct rcpt_error err;
	size_t n;

	digest_of(file, digest);
	must(rcpt_store_lookup(store, RECEIPT_KIND_SHA256, digest, sizeof(digest), &hits, &err),
	     &err);
	n = hits.n;
	rcpt_store_hits_free(&hits);
	return n;
}

/* Median of @n look-ups, of digests from @first on. */
static double look_up_many(struct rcpt_store *store, size_t n, uint32_t first, size_t expected,
			   const char *what)
{
	uint32_t file = 1;
	double start, median;

	for (size_t i = 0; i < n; i++) {
		file = (file * 1103515245u + 12345u) & 0x7fffffff;
		start = now_us();
		if (look_up(store, first + file % (bundles * files)) != expected)
			abort();
		times[i] = now_us() - start;
	}
	median = median_of(n);
	tell(what, median, times[n * 99 / 100], "us");
	return median;
}

/* Own memory of this process: without the page cache. */
static long memory_kib(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* In a process of its own, as the helper is. */
static int reader(const char *dir)
{
	struct rcpt_store *store;
	struct rcpt_error err;
	long before = memory_kib(), after;
	double hit;

	/* What has not changed for a second is not looked at again. */
	sleep(2);
	must(rcpt_store_open(dir, &store, &err), &err);
	look_up_many(store, LOOKUPS, 0, 1, "look-up, cold");
	hit = look_up_many(store, LOOKUPS, 0, 1, "look-up");
	look_up_many(store, LOOKUPS, bundles * files, 0, "look-up of what is unknown");
	after = memory_kib();
	printf("# %-44s %10ld KiB, %ld of them before\n", "memory of who looks up", after, before);
	rcpt_store_close(store);
	fflush(stdout);
	_exit((hit > LOOKUP_US * slowness ? 1 : 0) | (after > MEMORY_KIB ? 2 : 0));
}

static int read_store(const char *dir)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		reader(dir);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 3;
	return WEXITSTATUS(status);
}

static void add_many(struct rcpt_store *store, const char *dir)
{
	char names[ADDITIONS][RCPT_STORE_NAME];
	struct rcpt_error err;
	double start, median;
	uint8_t *data;
	size_t len;

	(void)dir;
	for (int i = 0; i < ADDITIONS; i++) {
		make_bundle(0x80000000u + i * FEW, FEW, &data, &len);
		start = now_us();
		must(rcpt_store_add(store, rcpt_span(data, len), names[i], &err), &err);
		times[i] = (now_us() - start) / 1e3;
		free(data);
	}
	median = median_of(ADDITIONS);
	tell("store add of one bundle", median, times[ADDITIONS - 1], "ms");
	check(median <= ADD_MS * slowness, "store add: at most 50 ms");
	for (int i = 0; i < ADDITIONS; i++) {
		start = now_us();
		must(rcpt_store_remove(store, names[i], &err), &err);
		times[i] = (now_us() - start) / 1e3;
	}
	median = median_of(ADDITIONS);
	tell("store remove of one bundle", median, times[ADDITIONS - 1], "ms");
}

static void scan_folder(const char *dir)
{
	char path[4096];
	struct rcpt_store *store;
	struct rcpt_error err;

	snprintf(path, sizeof(path), "%s/index/current", dir);
	if (unlink(path))
		abort();
	must(rcpt_store_open(dir, &store, &err), &err);
	look_up_many(store, 20, 0, 1, "look-up without an index");
	rcpt_store_close(store);
}

int main(int argc, char **argv)
{
	struct rcpt_store *store;
	struct rcpt_error err;
	double start, took;
	int bad;

	if (argc != 2 && argc != 4)
		return 64;
	if (getenv("SLOWNESS") && atof(getenv("SLOWNESS")) > 1)
		slowness = atof(getenv("SLOWNESS"));
	if (argc == 4) {
		bundles = atoi(argv[2]);
		files = atoi(argv[3]);
	}
	printf("1..4\n# %u digests in %u bundles\n", bundles * files, bundles);
	must(rcpt_signer_generate(RCPT_ES256, &signer, &err), &err);
	must(rcpt_store_create(argv[1], &store, &err), &err);
	fill_folder(argv[1]);
	sync();
	start = now_us();
	must(rcpt_store_sync(store, true, NULL, NULL, &err), &err);
	took = (now_us() - start) / 1e3;
	tell("store index --rebuild", took, took, "ms");
	check(took <= REBUILD_MS * slowness, "a rebuild: at most 5 s");
	bad = read_store(argv[1]);
	check(!(bad & 1), "a look-up: at most 20 us");
	check(!(bad & 2), "who looks up: at most 16 MiB of its own");
	add_many(store, argv[1]);
	rcpt_store_close(store);
	scan_folder(argv[1]);
	return 0;
}
