// SPDX-License-Identifier: MIT
/*
 * The commands of the issuing side: whom a log takes for whom, what they write over,
 * and what they say of what they seal.
 */
#include <time.h>

#include <sqlite3.h>

#include "folder.h"
#include "sign.h"

static char *dir;

/* Exit status of a shell command in the folder, with receiptctl as $R; out and err keep
 * what it said.
 */
static int sh(const char *command)
{
	char cmd[8192];
	int status;

	snprintf(cmd, sizeof(cmd), "cd '%s' && { %s\n} >out 2>err", dir, command);
	folder_output(cmd, &status);
	return status;
}

/* Lines of out or err that match. */
static int count(const char *file, const char *text)
{
	char cmd[1024];
	int status;

	snprintf(cmd, sizeof(cmd), "cd '%s' && grep -c -- '%s' %s", dir, text, file);
	return atoi(folder_output(cmd, &status));
}

static bool says(const char *file, const char *text)
{
	return count(file, text);
}

/* What a vendor sends: @file, signed by @key, with its certificates or without. */
static void make_statement(const char *file, const char *key, const char *chain,
			   const char *iss)
{
	struct rcpt_claim_set claims = {
		.iss = iss, .sub = "product", .iat = time(NULL), .hash_alg = RCPT_SHA256,
	};
	struct rcpt_signer signer;
	struct rcpt_chain certs;
	uint8_t payload[32] = { 1 }, *data;
	size_t len;

	assert_int_equal(rcpt_file_read(in_folder(dir, key), 65536, &data, &len, NULL), 0);
	assert_int_equal(rcpt_signer_load(data, len, &signer, NULL), 0);
	free(data);
	if (chain) {
		assert_int_equal(rcpt_file_read(in_folder(dir, chain), 65536, &data, &len, NULL), 0);
		assert_int_equal(rcpt_chain_load(data, len, &signer, &certs, NULL), 0);
		free(data);
		claims.chain = &certs;
	}
	assert_int_equal(rcpt_statement_sign(&claims, payload, 32, &signer, &data, &len, NULL), 0);
	folder_write(in_folder(dir, file), data, len);
	free(data);
	if (chain)
		rcpt_chain_free(&certs);
	rcpt_signer_free(&signer);
}

static const char make_keys[] =
	"for k in vendor build root leaf self; do "
	"	openssl ecparam -name prime256v1 -genkey -noout -out $k.pem &&"
	"	openssl pkey -in $k.pem -pubout -out $k.pub || exit 1;"
	"done &&"
	"openssl req -x509 -new -key root.pem -subj /CN=root -days 9 -out root.crt &&"
	"openssl req -x509 -new -key self.pem -subj /CN=root -days 9 -out self.crt &&"
	"openssl req -new -key leaf.pem -subj /CN=leaf -out leaf.csr &&"
	"echo keyUsage=digitalSignature >leaf.ext &&"
	"openssl x509 -req -in leaf.csr -CA root.crt -CAkey root.pem -CAcreateserial -days 9 "
	"	-extfile leaf.ext -out leaf.crt && cat leaf.crt root.crt >chain &&"
	"id=$(openssl x509 -in root.crt -outform DER | openssl dgst -sha256 -binary | base64 | "
	"	tr +/ -_ | tr -d =) && printf did:x509:0:sha256:$id::subject:CN:leaf >did";

static int new_log(void **state)
{
	(void)state;
	return sh("rm -rf log && $R log init --dir log --issuer log.example");
}

static int setup(void **state)
{
	(void)state;
	dir = folder_make();
	if (sh(make_keys))
		return -1;
	make_statement("vendor.cose", "vendor.pem", NULL, "vendor.example");
	make_statement("liar.cose", "vendor.pem", NULL, "build.example");
	make_statement("build.cose", "build.pem", NULL, "build.example");
	make_statement("leaf.cose", "leaf.pem", "chain", "build.example");
	make_statement("leaf2.cose", "leaf.pem", "chain", "build.example");
	make_statement("self.cose", "self.pem", "self.crt", "build.example");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

#define APPEND	"$R log append --dir log "
#define ISSUERS	"test $($R log issuer list --dir log | wc -l) -eq "
#define ENTRIES	"test $($R log list --dir log | wc -l) -eq "

/* The vendor says that it is build.example: its key does not become one of build's. */
static void test_liar(void **state)
{
	(void)state;
	assert_int_equal(sh(APPEND "--issuer-key vendor.pub liar.cose"), 64);
	assert_int_equal(sh(APPEND "--trust-chain liar.cose"), 64);
	assert_int_equal(sh(APPEND "--issuer vendor.example --issuer-key vendor.pub liar.cose"), 1);
	assert_int_equal(sh(ISSUERS "0 && " ENTRIES "0"), 0);
	assert_int_equal(sh(APPEND "liar.cose"), 2);
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-key build.pub liar.cose"), 1);
	assert_int_equal(sh(ISSUERS "0 && " ENTRIES "0 && test ! -e liar.cose.transparent"), 0);
	/* the controls */
	assert_int_equal(sh(APPEND "--issuer vendor.example --issuer-key vendor.pub vendor.cose"), 0);
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-key build.pub build.cose"), 0);
	assert_int_equal(sh(ISSUERS "2 && " ENTRIES "2 && test -s build.cose.transparent"), 0);
	/* also when the operator is mistaken about whose the statement is */
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-key vendor.pub liar.cose"), 1);
	assert_true(says("err", "--another"));
	assert_int_equal(sh(ISSUERS "2 && " ENTRIES "2"), 0);
}

/* Anybody can make a certificate with any name in it. */
static void test_self_signed(void **state)
{
	(void)state;
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-root root.crt self.cose"), 1);
	assert_int_equal(sh(APPEND "--issuer build.example self.cose"), 2);
	assert_int_equal(sh(ISSUERS "0 && " ENTRIES "0"), 0);
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-root root.crt leaf.cose"), 0);
	assert_int_equal(sh(ISSUERS "1"), 0);
	assert_int_equal(sh(APPEND "leaf2.cose"), 0);	/* the root is known by now */
	assert_int_equal(sh(APPEND "self.cose"), 1);
	assert_int_equal(sh(APPEND "build.cose"), 1);
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-root self.crt self.cose"), 1);
	assert_true(says("err", "--another"));
	assert_int_equal(sh(ENTRIES "2"), 0);
	/* No end certificate of another root stands for it. */
	assert_int_equal(sh(APPEND "--issuer vendor.example --issuer-root root.crt vendor.cose"), 2);
	assert_int_equal(sh(ISSUERS "1"), 0);
}

static void test_did(void **state)
{
	char name[256], *data;
	size_t len;

	(void)state;
	assert_int_equal(rcpt_file_read(in_folder(dir, "did"), 255, (uint8_t **)&data, &len, NULL), 0);
	snprintf(name, sizeof(name), "%.*s", (int)len, data);
	free(data);
	make_statement("did.cose", "leaf.pem", "chain", name);
	make_statement("no-did.cose", "self.pem", "self.crt", name);
	assert_int_equal(sh(APPEND "did.cose"), 2);
	assert_int_equal(sh(APPEND "--issuer $(cat did) no-did.cose"), 1);
	assert_int_equal(sh(ISSUERS "0"), 0);
	assert_int_equal(sh(APPEND "--issuer $(cat did) did.cose"), 0);
	assert_int_equal(sh(APPEND "no-did.cose"), 1);
	assert_int_equal(sh("$R log issuer list --dir log"), 0);
	assert_true(says("out", "did	-	"));
}

static void test_issuer_command(void **state)
{
	(void)state;
	assert_int_equal(sh("$R log issuer add --dir log --issuer build.example"), 64);
	assert_int_equal(sh("$R log issuer add --dir log --issuer-key build.pub"), 64);
	assert_int_equal(sh("$R log issuer list --dir log --issuer x"), 64);
	assert_int_equal(sh("$R log issuer forget --dir log --issuer build.example"), 1);
	assert_int_equal(sh("$R log issuer add --dir log --issuer build.example "
			    "--issuer-key build.pub"), 0);
	assert_int_equal(sh("$R log issuer add --dir log --issuer build.example "
			    "--issuer-root root.crt"), 1);
	assert_int_equal(sh("$R log issuer add --dir log --issuer build.example "
			    "--issuer-root root.crt --another"), 0);
	assert_int_equal(sh("$R log issuer add --dir log --issuer x --issuer-root chain"), 3);
	assert_int_equal(sh(APPEND "build.cose leaf.cose"), 0);
	assert_int_equal(sh(ISSUERS "2"), 0);
	assert_int_equal(sh("$R log issuer forget --dir log --issuer build.example"), 1);
	assert_true(says("err", "--id"));
	assert_int_equal(sh("id=$($R log issuer list --dir log | grep '	key	' | cut -f 3) &&"
			    "test $id = $(openssl pkey -in build.pem -pubout -outform DER | "
			    "sha256sum | cut -c-64) &&"
			    "$R log issuer forget --dir log --issuer build.example --id $id"), 0);
	assert_int_equal(sh(APPEND "build.cose"), 1);
	assert_int_equal(sh(APPEND "leaf2.cose"), 0);
	assert_int_equal(sh("$R log issuer list --dir log --json"), 0);
	assert_true(says("out", "\"kind\": *\"root\""));
	assert_int_equal(sh("$R log issuer forget --dir log --issuer build.example"), 0);
	assert_int_equal(sh(ISSUERS "0"), 0);
}

#define SEAL(key)	"$R seal --issuer-key " key ".pem --issuer build.example --subject t " \
			"--log log --out b "

/* What seals says whose key it is, once for a name. */
static void test_seal_second(void **state)
{
	(void)state;
	assert_int_equal(sh("printf '#!/bin/sh\\n' >s && " SEAL("build") "s"), 0);
	assert_int_equal(sh("cp b before && " SEAL("vendor") "s"), 1);
	assert_true(says("err", "--another"));
	assert_int_equal(sh("cmp b before && " ENTRIES "1 && " ISSUERS "1"), 0);
	/* and before it looks for files */
	assert_int_equal(sh(SEAL("vendor") "nowhere"), 1);
	assert_int_equal(sh(SEAL("build") "nowhere"), 70);
	assert_int_equal(sh(SEAL("vendor") "--another s"), 0);
	assert_int_equal(sh(SEAL("build") "s && " SEAL("vendor") "s && " ISSUERS "2"), 0);
	/* Certificates that lead to a root that is known are not keys of their own. */
	assert_int_equal(sh("$R log issuer add --dir log --issuer build.example --another "
			    "--issuer-root root.crt && " SEAL("leaf") "--x5chain chain s && "
			    ISSUERS "3"), 0);
}

/* A log of version 1: identity=verified is for keys that somebody named. */
static void test_unnamed(void **state)
{
	sqlite3 *db;

	(void)state;
	assert_int_equal(sh("$R log issuer add --dir log --issuer build.example "
			    "--issuer-key build.pub && $R log key --dir log"), 0);
	assert_true(says("out", " identity=verified"));
	assert_false(says("err", "."));
	assert_int_equal(sqlite3_open(in_folder(dir, "log/log.db"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "UPDATE issuer SET added = 0", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(sh("$R log key --dir log"), 0);
	assert_true(says("out", "^log name="));
	assert_false(says("out", "identity=verified"));
	assert_true(says("err", "nobody has named"));
	assert_int_equal(sh("$R log issuer list --dir log | grep '	-$'"), 0);
	assert_int_equal(sh(SEAL("build") "$R && $R log key --dir log"), 0);
	assert_true(says("out", " identity=verified"));
}

/* No key is written over, and a copy signs nothing before it is adopted. */
static void test_folder(void **state)
{
	(void)state;
	assert_int_equal(sh("rm -rf keys && mkdir keys && cp build.pem keys/key.pem && "
			    "$R log init --dir keys --issuer x"), 1);
	assert_int_equal(sh("cmp build.pem keys/key.pem && test $(ls keys | wc -l) -eq 1"), 0);
	assert_int_equal(sh("cp log/key.pem was && $R log init --dir log --issuer x"), 1);
	assert_int_equal(sh("cmp log/key.pem was && test $(stat -c %a log) = 700"), 0);
	assert_int_equal(sh(APPEND "--issuer build.example --issuer-key build.pub build.cose"), 0);
	assert_int_equal(sh("rm -rf copy && cp -r log copy &&"
			    "$R log append --dir copy build.cose"), 1);
	assert_true(says("err", "log adopt"));
	assert_int_equal(sh("$R log list --dir copy && $R log key --dir copy"), 0);
	assert_int_equal(sh("$R log adopt --dir copy && $R log append --dir copy build.cose"), 0);
	assert_int_equal(sh(APPEND "build.cose"), 0);
}

/* What an output may take the place of: nothing, an empty file, one of its own kind. */
static void test_outputs(void **state)
{
	static const char *const makes[] = {
		"cp build.pem o", "cp log/log.db o", "echo text >o", "cp $R o", "mkfifo o",
		"ln -s nowhere o", ">p; ln -s p o", "mkdir o",
	};
	char cmd[512];

	(void)state;
	assert_int_equal(sh("printf '#!/bin/sh\\n' >s && " SEAL("build") "s"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(makes); i++) {
		snprintf(cmd, sizeof(cmd), "rm -rf o p before build.cose.transparent; %s; "
			 "cp -a o before", makes[i]);
		assert_int_equal(sh(cmd), 0);
		assert_int_equal(sh(SEAL("build") "--out o s"), 70);
		assert_int_equal(sh(APPEND "--out o build.cose"), 70);
		assert_int_equal(sh("test \"$(stat -c '%F %s' o)\" = \"$(stat -c '%F %s' before)\""), 0);
		assert_int_equal(sh("test ! -f o || cmp o before"), 0);
		assert_int_equal(sh("mv o build.cose.transparent && " APPEND "build.cose"), 70);
	}
	assert_int_equal(sh(ENTRIES "1 && test $(ls -A | grep -c XXXX) -eq 0 && "
			    "! ls -A | grep '^[.]o[.]'"), 0);
	/* the controls */
	assert_int_equal(sh("rm -rf o build.cose.transparent; >o; " SEAL("build") "--out o s && "
			    SEAL("build") "--out o s && " APPEND "build.cose && "
			    APPEND "build.cose && >r && " APPEND "--out r build.cose && "
			    APPEND "--out r build.cose"), 0);
	/* A bundle in the place of a receipt was named by mistake. */
	assert_int_equal(sh("rm -rf before; cp o before && " APPEND "--out o build.cose"), 70);
	assert_int_equal(sh("cmp o before"), 0);
}

#define LIST	"$R trust-list --keys $V/keys/log.cbor --issuer log.example --issuer-key " \
		"$V/keys/es256.pem --state state $V/statements/trust-list-good.cose"

/* Another process writes that a newer list was seen: the older one waits, and is refused. */
static void test_list_state(void **state)
{
	static const char newer[] = "{\"lists\": [{\"iss\": \"issuer.example\", "
				    "\"sub\": \"ledgers\", \"svn\": 9}]}";

	(void)state;
	folder_write(in_folder(dir, "newer"), newer, strlen(newer));
	assert_int_equal(sh("rm -f state*; " LIST), 0);	/* the control */
	assert_int_equal(sh("rm -f held; flock state.lock sh -c '>held; sleep 1; cp newer state' & "
			    "until [ -e held ]; do sleep 0.02; done; " LIST), 1);
	assert_true(says("err", "svn"));
	assert_int_equal(sh("test $(stat -c %a state.lock) = 600"), 0);
}

#define POLICY	"policy_name=x policy_version=1.0.0 mode=enforce\\nDEFAULT action=DENY\\n"

/* What may be a mistake is said, and nothing else is. */
static void test_notes(void **state)
{
	(void)state;
	assert_int_equal(sh("rm -rf t; mkdir t; printf '#!/bin/sh\\necho\\n' >t/s; cp t/s t/s2; "
			    SEAL("build") "t"), 0);	/* the control */
	assert_false(says("err", "warning"));
	assert_int_equal(sh("cp t/s t/x.ko; " SEAL("build") "t"), 0);
	assert_int_equal(count("err", "warning"), 1);
	assert_true(says("err", "^t/s2*: warning: has the content of t/x.ko: it is sealed for "
			 "EXECUTE and for KMODULE, under either name"));
	assert_int_equal(sh("rm t/x.ko; for i in 1 2 3 4 5 6 7 8 9 10 11 12; do "
			    "printf '#!/bin/sh\\n: %d\\n' $i >t/$i; cp t/$i t/$i.ko; done; "
			    SEAL("build") "--quiet t"), 0);
	assert_true(says("err", "^receiptctl: warning: 2 more contents"));
	assert_int_equal(count("err", "it is sealed for"), 10);
	assert_int_equal(sh("rm -rf t/*; printf '#!/bin/sh\\n" POLICY "' >t/p; " SEAL("build") "t"), 0);
	assert_true(says("err", "t/p: warning: a script that reads as a policy"));
	assert_int_equal(sh(SEAL("build") "--usage policy t/p"), 1);
	assert_int_equal(sh("printf '" POLICY "' >p; " SEAL("build") "--usage policy p"), 0);
	assert_false(says("err", "warning"));
	assert_int_equal(sh(SEAL("build") "--dmverity $(printf %064d 1)"), 0);
	assert_true(says("err", "warning: --dmverity: sealed as it was given"));
	assert_int_equal(sh(SEAL("build") "--hash-envelope t/p"), 0);
	assert_false(says("err", "warning"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_liar, new_log),
		cmocka_unit_test_setup(test_self_signed, new_log),
		cmocka_unit_test_setup(test_did, new_log),
		cmocka_unit_test_setup(test_issuer_command, new_log),
		cmocka_unit_test_setup(test_seal_second, new_log),
		cmocka_unit_test_setup(test_unnamed, new_log),
		cmocka_unit_test_setup(test_folder, new_log),
		cmocka_unit_test_setup(test_outputs, new_log),
		cmocka_unit_test_setup(test_notes, new_log),
		cmocka_unit_test(test_list_state),
	};
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	if (n <= 0)
		return 1;
	path[n] = '\0';
	strcpy(strrchr(path, '/'), "/../receiptctl");
	setenv("R", path, 1);
	if (!realpath("selftests/vectors", path))
		return 1;
	setenv("V", path, 1);
	return cmocka_run_group_tests(tests, setup, teardown);
}
