// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the parser of policies, in the kernel. Tables of lines, and where an
 * error is said to be; bounds; and texts that are cut off or changed anywhere.
 */
#include <linux/err.h>

#include "kunit.h"

#define P256_A \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ4ENEQMy7ci7It53jW1+xpfDfDM7" \
	"C7OP7azgzCy3xtZ+UDalZfHZlVuERU+zLKnmadbckScgGUwCt5w/p0b0rA=="
#define P256_B \
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEKbbjC613U4rM71a3ZhR1kWw2JSjK" \
	"kU8TBTtzH0K7J2urrVlFZQU2PYeg5yNesYemh1sU+rLYYgFWmNfHGyg0Tg=="
#define P384_A \
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE1Qbhg9Lur/xzebDimZ2K9u2nU9LXKZj6" \
	"bfxxT8gE1EhHZr+AH7mr2BR0K3NbqVAhJ+GE5h4E57m/b+l1odkdKuMzeb4O7BAw" \
	"15cKi4V0mmap3skSG8zey8af0SuLsA4P"
#define P521 \
	"MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQAW0wpynjuI4l/FdpmREliPwa8rn1s" \
	"xGK5430hKvXAOkLpPtQVCBbh4gcSRLMOXEpRh7BeN3SdVy/vT1aQGqORRoAB0hto" \
	"hF1tVUtiMP9PzuHP9D+9H/OAB309YGjdFdmVD3lgfNF2M/CjHhK9CpI63kTJrQZk" \
	"mCseDikj13pH5ujDPaA="
#define COMPRESSED \
	"MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADYyu0rolgl2JXk/KWUn4+5mfvcdGP" \
	"v8XsyxKUYT0xPgw="
#define ED25519	"MCowBQYDK2VwAyEAaaav6gaDMMx9nY1Qqr7h8A1BqXiy+o3eJ4KGSavvdb0="

#define HEX_63	"0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX	"0" HEX_63

#define HEADER	"policy_name=test policy_version=1.2.3 mode=enforce\n"
#define LOG	"log name=acme alg=ES256 key=" P256_A \
		" issuer=log.acme identity=verified\n"
#define OPEN	"log name=open alg=ES384 key=" P384_A " issuer=log.open\n"
#define DENY	"DEFAULT action=DENY\n"
#define BEFORE	HEADER LOG DENY
#define LINE	4	/* behind BEFORE */

/* @before, then @n times @c, then @after. */
static char *stretched(struct kunit *test, const char *before, char c, size_t n,
		       const char *after)
{
	size_t len = strlen(before), after_size = strlen(after) + 1;
	char *text = kunit_kmalloc(test, len + n + after_size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, text);
	memcpy(text, before, len);
	memset(text + len, c, n);
	memcpy(text + len + n, after, after_size);

	return text;
}

static char *joined(struct kunit *test, const char *before, const char *after)
{
	return stretched(test, before, 0, 0, after);
}

static struct receipt_policy *parse(struct kunit *test, const char *text,
				    size_t len, struct receipt_policy_error *err)
{
	return receipt_policy_parse(receipt_kunit_copy(test, text, len), len, err);
}

static struct receipt_policy *must_parse(struct kunit *test, const char *text)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy = parse(test, text, strlen(text), &err);

	KUNIT_ASSERT_FALSE_MSG(test, IS_ERR(policy), "%u:%u: %s", err.line,
			       err.column, err.text);

	return policy;
}

static void must_fail(struct kunit *test, const char *text, size_t len, u32 line,
		      u32 column, const char *part)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy = parse(test, text, len, &err);

	KUNIT_ASSERT_EQ(test, PTR_ERR(policy), -EINVAL);
	KUNIT_EXPECT_EQ(test, err.line, line);
	KUNIT_EXPECT_EQ(test, err.column, column);
	KUNIT_EXPECT_NOT_NULL_MSG(test, strstr(err.text, part), "says: %s",
				  err.text);
}

/*
 * One line, after a header, a log and a default
 */

struct good_case {
	const char *desc;
	const char *line;
};

static const struct good_case good_cases[] = {
	{ "empty", "" },
	{ "blanks", "\n\n \t " },
	{ "comment", "# \"quotes\", a \\ and \xc3\xbcmlauts" },
	{ "rule", "op=EXECUTE action=ALLOW" },
	{ "P-521", "log name=c alg=ES512 key=" P521 " issuer=c" },
	{ "rule with blanks and a comment", "\top=EXECUTE \t action=DENY # no" },
	{ "continued rule", "op=EXECUTE \\\n\\\n\taction=ALLOW\\\n" },
	{ "quotes", "op=\"EXECUTE\" action=\"ALLOW\"" },
	{ "KMODULE", "op=KMODULE action=ALLOW" },
	{ "FIRMWARE", "op=FIRMWARE action=ALLOW" },
	{ "KEXEC_IMAGE", "op=KEXEC_IMAGE action=ALLOW" },
	{ "KEXEC_INITRAMFS", "op=KEXEC_INITRAMFS action=ALLOW" },
	{ "X509_CERT", "op=X509_CERT action=ALLOW" },
	{ "POLICY", "op=POLICY action=ALLOW" },
	{ "default of an operation", "DEFAULT op=POLICY action=ALLOW" },
	{ "receipt", "op=EXECUTE receipt=acme action=ALLOW" },
	{ "receipt that denies", "op=EXECUTE receipt=acme action=DENY" },
	{ "issuer", "op=EXECUTE receipt=acme issuer=\"did:x509:0:a\" action=ALLOW" },
	{ "subject and prefix", "op=EXECUTE receipt=acme subject=deb/* action=ALLOW" },
	{ "subject in UTF-8", "op=EXECUTE subject=\"\xe2\x82\xac \xf0\x9f\x98\x80\" action=ALLOW" },
	{ "min_svn, lowest", "op=EXECUTE min_svn=0 action=ALLOW" },
	{ "min_svn, highest", "op=EXECUTE min_svn=18446744073709551615 action=ALLOW" },
	{ "issuer_key P-256", "op=EXECUTE issuer_key=" P256_B " action=ALLOW" },
	{ "issuer_key P-384", "op=EXECUTE issuer_key=" P384_A " action=ALLOW" },
	{ "digest", "op=EXECUTE digest=sha256:" HEX " action=ALLOW" },
	{ "boot_verified", "op=EXECUTE boot_verified=TRUE action=ALLOW" },
	{ "fstype", "op=EXECUTE fstype=ext4 action=ALLOW" },
	{ "max_age", "op=EXECUTE receipt=acme max_age=90d action=ALLOW" },
	{ "min_position", "op=EXECUTE receipt=acme min_position=7 action=ALLOW" },
	{ "window of a key", "log name=c alg=ES256 key=" P256_B
	  " issuer=c not_before=2024-02-29T00:00:00Z not_after=9999-12-31T23:59:59Z" },
	{ "position of a log", "log name=c alg=ES256 key=" P256_B
	  " issuer=c min_position=18446744073709551615" },
	{ "revoke digest", "revoke digest=sha256:" HEX },
	{ "revoke subject below", "revoke issuer=a subject=deb/* svn_below=8" },
	{ "revoke key", "revoke issuer_key=" P256_B },
	{ "second key of a log", "log name=acme alg=ES384 key=" P384_A
	  " issuer=log.acme identity=verified" },
	{ "another log", "log name=A-b_c.9 alg=ES256 key=" P256_B
	  " issuer=\"b c\" entry=stmt" },
};

KUNIT_ARRAY_PARAM_DESC(good, good_cases, desc);

/* With and without a newline at the end. */
static void good_line(struct kunit *test)
{
	const struct good_case *c = test->param_value;
	char *text = joined(test, BEFORE, c->line);

	receipt_policy_free(must_parse(test, text));
	receipt_policy_free(must_parse(test, joined(test, text, "\n")));
}

struct bad_case {
	const char *line;
	u32 column;
	const char *part;
};

static const struct bad_case bad_cases[] = {
	/* words */
	{ "=", 1, "expected a word" },
	{ "  ,", 3, "expected a word" },
	{ "op=EXECUTE comm=bash action=ALLOW", 12, "unknown word" },
	{ "op=EXECUTE max_age=90 action=ALLOW", 21, "expected s, m, h or d" },
	{ "op=EXECUTE max_age=0d action=ALLOW", 20, "from 1 on" },
	{ "op=EXECUTE max_age=36501d action=ALLOW", 20, "over 36500" },
	{ "op=EXECUTE min_position=5 action=ALLOW", 0, "needs one receipt=" },
	{ "revoke", 0, "expected a digest, issuer=" },
	{ "revoke svn_below=8", 0, "expected a digest, issuer=" },
	{ "revoke digest=sha256:" HEX " subject=x", 0, "a digest stands alone" },
	{ "revoke subject=x svn_below=0", 28, "no svn is below 0" },
	{ "log name=c not_before=2026-02-29T00:00:00Z", 23, "no such time" },
	{ "log name=c not_before=2026-01-31", 23, "expected a time" },
	{ "op", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "action=ALLOW op=EXECUTE", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "log=acme", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "policy_name=test", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "op= EXECUTE action=ALLOW", 4, "empty" },
	{ "op=", 4, "empty" },
	{ "op=\"\" action=ALLOW", 5, "empty" },
	{ "op=EXECUTE action=ALLOW#", 24, "must be in quotes" },
	{ "op=EXECUTE action=\"ALLOW", 19, "not closed" },
	{ "op=EXECUTE subject=\"a\"b action=ALLOW", 23, "blank after the quote" },
	{ "op=EXECUTE act-ion=ALLOW", 15, "expected = or a blank" },
	{ "op=EXECUTE \\ action=ALLOW", 12, "backslash may only end a line" },
	{ "op=EXECUTE \\", 12, "backslash may only end a line" },
	/* operations and actions */
	{ "op=execute action=ALLOW", 4, "expected EXECUTE, KMODULE, FIRMWARE" },
	{ "op=EXECUTE", 0, "action= is missing" },
	{ "op=EXECUTE \\\n\naction=ALLOW", 0, "action= is missing" },
	{ "op=EXECUTE action=allow", 19, "expected ALLOW, DENY" },
	{ "op=EXECUTE action", 12, "expected action=VALUE" },
	{ "op=EXECUTE action=ALLOW action=ALLOW", 25, "nothing may follow action=" },
	{ "op=EXECUTE op=POLICY action=DENY", 12, "there already, in line 4 column 1" },
	{ "op=EXECUTE path=/sh action=ALLOW", 12, "unknown word; expected op, receipt" },
	{ "DEFAULT ALLOW", 9, "unknown word; expected op, action" },
	{ "DEFAULT action=ALLOW", 0, "this DEFAULT is there already, in line 3" },
	{ "DEFAULT action=DENY op=EXECUTE", 21, "nothing may follow action=" },
	/* values */
	{ "op=EXECUTE receipt=other action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt=acme receipt=acme action=ALLOW", 33, "names this log already" },
	{ "op=EXECUTE subject=a*b action=ALLOW", 21, "end of the value only" },
	{ "op=EXECUTE min_svn=-1 action=ALLOW", 20, "decimal digit" },
	{ "op=EXECUTE min_svn=1x action=ALLOW", 21, "decimal digit" },
	{ "op=EXECUTE min_svn=07 action=ALLOW", 20, "begins with 0" },
	{ "op=POLICY min_svn=18446744073709551616 action=ALLOW", 19, "over 1844674407" },
	{ "op=POLICY min_svn=18446744073709551620 action=ALLOW", 19, "over 1844674407" },
	{ "op=EXECUTE digest=" HEX " action=DENY", 19, "expected sha256, sha384" },
	{ "op=EXECUTE digest=sha256:" HEX "0 action=DENY", 19, "expected sha256: and 64" },
	{ "op=EXECUTE digest=sha512:" HEX HEX " action=DENY", 19, "sha512 is not measured" },
	{ "op=EXECUTE digest=sha256:x" HEX_63 " action=DENY", 26, "hexadecimal digit" },
	{ "op=EXECUTE digest=fsverity:" HEX " action=DENY", 19, "expected sha256, sha384" },
	{ "op=EXECUTE fsverity=sha256:" HEX " action=DENY", 21, "fsverity is not measured" },
	{ "op=EXECUTE dmverity=sha256:" HEX " action=DENY", 21, "dmverity is not measured" },
	{ "op=EXECUTE fsverity=sha512:" HEX HEX " action=DENY", 21, "expected sha256" },
	{ "op=EXECUTE boot_verified=1 action=ALLOW", 26, "expected TRUE, FALSE" },
	/* keys */
	{ "op=EXECUTE issuer_key=abc action=ALLOW", 23, "multiple of 4" },
	{ "op=EXECUTE issuer_key=ab-d action=ALLOW", 25, "base64 digit" },
	{ "op=EXECUTE issuer_key=ab=c action=ALLOW", 25, "base64 digit" },
	{ "op=EXECUTE issuer_key=ab== action=ALLOW", 24, "stray bits" },
	{ "op=EXECUTE issuer_key=abcd action=ALLOW", 23, "expected SubjectPublicKeyInfo" },
	{ "op=EXECUTE issuer_key=" COMPRESSED " action=ALLOW", 23, "an uncompressed P-256" },
	{ "op=EXECUTE issuer_key=" ED25519 " action=ALLOW", 23, "an uncompressed P-256" },
	{ "op=EXECUTE issuer_key=" P521 "AAAA action=ALLOW", 23, "longer than a P-521 key" },
	{ "op=EXECUTE issuer_key=" P384_A "AAAA action=ALLOW", 23, "expected SubjectPublic" },
	/* logs */
	{ "log", 0, "name= is missing" },
	{ "log name=c alg=ES256 key=" P256_B, 0, "issuer= is missing" },
	{ "log name=\"c d\"", 12, "a name is made of" },
	{ "log name=c alg=ES521", 16, "expected ES256, ES384, ES512" },
	{ "log name=c alg=ES384 key=" P256_B " issuer=c", 26, "does not fit alg=ES384" },
	{ "log name=c alg=ES256 key=" P256_A " issuer=c", 26, "log acme has this key already" },
	{ "log name=c alg=ES256 key=" P256_B " issuer=log.*", 162, "without *" },
	{ "log name=c alg=ES256 key=" P256_B " issuer=log.acme", 0, "has this issuer already" },
	{ "log name=acme alg=ES256 key=" P256_B " issuer=c", 0, "another issuer above" },
	{ "log name=acme alg=ES256 key=" P256_B " issuer=log.acme", 0, "another identity=" },
	{ "log name=c alg=ES256 key=" P256_B " issuer=c entry=x", 166, "expected sha256-stmt" },
	/* characters, also in comments */
	{ "# comment\r", 10, "carriage return" },
	{ "# \x1b[31m", 3, "control character 0x1b" },
	{ "# \xe2\x80\xae", 3, "control character 0x202e" },
	{ "# \xc0\x80", 3, "UTF-8" },
	{ "# \xed\xa0\x80", 3, "UTF-8" },
	{ "# \xf4\x90\x80\x80", 3, "UTF-8" },
	{ "# \xe2\x82", 3, "UTF-8" },
};

static void describe_bad(const struct bad_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "column %u, %s", c->column, c->part);
}

KUNIT_ARRAY_PARAM(bad, bad_cases, describe_bad);

static void bad_line(struct kunit *test)
{
	const struct bad_case *c = test->param_value;
	char *text = joined(test, BEFORE, c->line);

	must_fail(test, text, strlen(text), LINE, c->column, c->part);
}

/* Whole texts: @line and @column are where the error is. */
struct text_case {
	const char *desc;
	const char *text;
	u32 line;
	u32 column;
	const char *part;
};

#define LINES(n) "#\n#\n#\n#\n#\n#\n#\n#\n"

static const struct text_case text_cases[] = {
	{ "nothing", "", 0, 0, "policy_name= is missing" },
	{ "comments", "# a\n\n# b\n", 0, 0, "policy_name= is missing" },
	{ "no default", HEADER, 0, 0, "DEFAULT action=ALLOW or DENY is missing" },
	{ "no header", DENY, 1, 1, "unknown word; expected policy_name" },
	{ "no digest of contents", "digests=fsverity,dmverity\n", 1, 9,
	  "sha256, sha384 or sha512 must be there" },
	{ "header without version", "policy_name=a mode=enforce\n" DENY,
	  1, 0, "policy_version= is missing" },
	{ "header without mode", "#\npolicy_name=a policy_version=1.0.0\n" DENY,
	  2, 0, "mode= is missing" },
	{ "version of two parts", "policy_name=a policy_version=1.0 mode=enforce\n",
	  1, 33, "expected a version X.Y.Z" },
	{ "version of four parts", "policy_name=a policy_version=1.0.0.0 mode=enforce\n",
	  1, 35, "expected a version X.Y.Z" },
	{ "version over u16", "policy_name=a policy_version=1.65536.0 mode=enforce\n",
	  1, 32, "over 65535" },
	{ "mode", "policy_name=a policy_version=1.0.0 mode=on\n",
	  1, 41, "expected permissive, enforce" },
	{ "columns begin anew in each line", HEADER DENY "\n\\\n  x\n",
	  5, 3, "begins with" },
	{ "evidence without a log", HEADER DENY "op=EXECUTE subject=a action=ALLOW\n",
	  3, 0, "there is no log line" },
	{ "claims that nobody checked", HEADER OPEN DENY
	  "#\nop=EXECUTE receipt=open action=ALLOW\n", 5, 0, "log open is not" },
	{ "claims of whichever log", HEADER LOG OPEN DENY
	  "op=EXECUTE subject=a action=ALLOW\n", 5, 0, "log open is not identity=verified" },
	{ "default of an operation twice", HEADER "DEFAULT op=POLICY action=DENY\n"
	  "DEFAULT op=POLICY action=DENY\n", 3, 0, "there already, in line 2" },
	{ "in vain before a rule", HEADER LOG DENY "op=EXECUTE receipt=acme action=DENY\n"
	  "op=EXECUTE action=ALLOW\n", 4, 0, "line 5 allows what has no evidence" },
	{ "in vain before a default", HEADER LOG "DEFAULT action=ALLOW\n"
	  "op=EXECUTE receipt=acme action=DENY\n", 4, 0, "the default allows what" },
};

KUNIT_ARRAY_PARAM_DESC(text, text_cases, desc);

static void bad_text(struct kunit *test)
{
	const struct text_case *c = test->param_value;

	must_fail(test, c->text, strlen(c->text), c->line, c->column, c->part);
}

/* A NUL is no end. */
static void nul(struct kunit *test)
{
	static const char text[] = HEADER DENY "\0";

	must_fail(test, text, sizeof(text) - 1, 3, 1, "control character 0x00");
}

/*
 * What is read
 */

static const char whole_policy[] =
	"# comment\n"
	"policy_name=\"test-1\" policy_version=1.22.333 mode=permissive\n"
	"log name=acme alg=ES256 key=" P256_A " issuer=\"log acme\" identity=verified\n"
	"log name=acme alg=ES384 key=" P384_A " issuer=\"log acme\" identity=verified\n"
	"log name=beta alg=ES256 key=" P256_B " issuer=log.beta entry=stmt\n"
	"DEFAULT action=DENY\n"
	"DEFAULT op=FIRMWARE action=ALLOW\n"
	"op=EXECUTE receipt=acme receipt=beta issuer=a* subject=\"b c\" \\\n"
	"	min_svn=7 issuer_key=" P256_B " action=ALLOW\n"
	"op=KMODULE digest=sha256:" HEX " boot_verified=FALSE action=DENY\n";

static void whole_logs(struct kunit *test, const struct receipt_policy *policy)
{
	const struct receipt_log *logs = policy->logs;

	KUNIT_ASSERT_EQ(test, policy->nlogs, 3);
	KUNIT_EXPECT_STREQ(test, logs[1].name, "acme");
	KUNIT_EXPECT_STREQ(test, logs[1].issuer, "log acme");
	KUNIT_EXPECT_TRUE(test, logs[1].identity_verified);
	KUNIT_EXPECT_EQ(test, logs[1].entry, RECEIPT_ENTRY_SHA256_STMT);
	KUNIT_EXPECT_EQ(test, logs[1].key.curve, RECEIPT_CURVE_P384);
	KUNIT_EXPECT_EQ(test, logs[1].key.spki_len, 120);
	KUNIT_EXPECT_EQ(test, logs[1].key.spki[119], 0x0f);
	KUNIT_EXPECT_STREQ(test, logs[2].name, "beta");
	KUNIT_EXPECT_FALSE(test, logs[2].identity_verified);
	KUNIT_EXPECT_EQ(test, logs[2].entry, RECEIPT_ENTRY_STMT);
	KUNIT_EXPECT_EQ(test, logs[2].key.curve, RECEIPT_CURVE_P256);
	KUNIT_EXPECT_EQ(test, logs[2].key.spki_len, 91);
	KUNIT_EXPECT_EQ(test, logs[2].key.spki[0], 0x30);
	KUNIT_EXPECT_EQ(test, logs[2].key.spki[90], 0x4e);
}

static void whole_rules(struct kunit *test, const struct receipt_policy *policy)
{
	const struct receipt_rule *rule = policy->rules;

	KUNIT_ASSERT_EQ(test, policy->nrules, 2);
	KUNIT_EXPECT_EQ(test, rule->line, 8);
	KUNIT_EXPECT_EQ(test, rule->op, RECEIPT_OP_EXECUTE);
	KUNIT_EXPECT_EQ(test, rule->action, RECEIPT_ACTION_ALLOW);
	KUNIT_ASSERT_EQ(test, rule->nreceipts, 2);
	KUNIT_EXPECT_STREQ(test, rule->receipts[0], "acme");
	KUNIT_EXPECT_STREQ(test, rule->receipts[1], "beta");
	KUNIT_EXPECT_STREQ(test, rule->issuer, "a*");
	KUNIT_EXPECT_STREQ(test, rule->subject, "b c");
	KUNIT_EXPECT_TRUE(test, rule->has_min_svn);
	KUNIT_EXPECT_EQ(test, rule->min_svn, 7);
	KUNIT_EXPECT_TRUE(test, rule->has_issuer_key);
	KUNIT_EXPECT_MEMEQ(test, &rule->issuer_key, &policy->logs[2].key,
			   sizeof(rule->issuer_key));
	KUNIT_EXPECT_EQ(test, rule->ndigests, 0);
	KUNIT_EXPECT_EQ(test, rule->boot_verified, RECEIPT_ANY);
	rule++;
	KUNIT_EXPECT_EQ(test, rule->line, 10);
	KUNIT_EXPECT_EQ(test, rule->op, RECEIPT_OP_KMODULE);
	KUNIT_EXPECT_EQ(test, rule->action, RECEIPT_ACTION_DENY);
	KUNIT_EXPECT_EQ(test, rule->nreceipts, 0);
	KUNIT_EXPECT_NULL(test, rule->issuer);
	KUNIT_EXPECT_NULL(test, rule->subject);
	KUNIT_EXPECT_FALSE(test, rule->has_min_svn);
	KUNIT_EXPECT_FALSE(test, rule->has_issuer_key);
	KUNIT_EXPECT_EQ(test, rule->digests[0].kind, RECEIPT_KIND_SHA256);
	KUNIT_EXPECT_EQ(test, rule->digests[0].bytes[1], 0x11);
	KUNIT_EXPECT_EQ(test, rule->digests[0].bytes[31], 0xff);
	KUNIT_EXPECT_EQ(test, rule->boot_verified, RECEIPT_FALSE);
}

static void whole(struct kunit *test)
{
	struct receipt_policy *policy = must_parse(test, whole_policy);
	int op;

	KUNIT_EXPECT_STREQ(test, policy->name, "test-1");
	KUNIT_EXPECT_EQ(test, policy->version[0], 1);
	KUNIT_EXPECT_EQ(test, policy->version[1], 22);
	KUNIT_EXPECT_EQ(test, policy->version[2], 333);
	KUNIT_EXPECT_EQ(test, policy->mode, RECEIPT_MODE_PERMISSIVE);
	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		bool allow = op == RECEIPT_OP_FIRMWARE;

		KUNIT_EXPECT_EQ(test, policy->defaults[op],
				allow ? RECEIPT_ACTION_ALLOW : RECEIPT_ACTION_DENY);
	}
	KUNIT_EXPECT_EQ(test, policy->default_lines[RECEIPT_OP_EXECUTE], 6);
	KUNIT_EXPECT_EQ(test, policy->default_lines[RECEIPT_OP_FIRMWARE], 7);
	whole_logs(test, policy);
	whole_rules(test, policy);
	receipt_policy_free(policy);
}

/* Cut off anywhere, it is refused or read, and nothing behind it is. */
static void cut_off(struct kunit *test)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy;
	size_t len, good = 0;
	char *copy;

	for (len = 0; len <= strlen(whole_policy); len++) {
		copy = kmemdup(whole_policy, len, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, copy);
		policy = receipt_policy_parse(copy, len, &err);
		kfree(copy);
		good += !IS_ERR(policy);
		receipt_policy_free(policy);
	}
	/* From the first default on, where a statement ends, and where its line. */
	KUNIT_EXPECT_EQ(test, good, 8);
}

/* Each byte changed: in its first bit, to another sort of character, to none. */
static void changed(struct kunit *test)
{
	static const u8 bits[] = { 0x01, 0x10, 0x80 };
	size_t i, bit, len = strlen(whole_policy);
	char *copy = receipt_kunit_copy(test, whole_policy, len);
	struct receipt_policy_error err;
	struct receipt_policy *policy;

	for (i = 0; i < len; i++) {
		for (bit = 0; bit < ARRAY_SIZE(bits); bit++) {
			copy[i] ^= bits[bit];
			policy = receipt_policy_parse(copy, len, &err);
			copy[i] ^= bits[bit];
			if (IS_ERR(policy))
				KUNIT_EXPECT_NE(test, err.text[0], 0);
			else
				KUNIT_EXPECT_NE(test, bits[bit], 0x80);
			receipt_policy_free(policy);
		}
		cond_resched();
	}
}

/*
 * Bounds
 */

static void longest_name(struct kunit *test)
{
	static const char after[] = " policy_version=1.0.0 mode=enforce\n" DENY;
	char *text;

	text = stretched(test, "policy_name=", 'n', RECEIPT_POLICY_NAME_MAX, after);
	receipt_policy_free(must_parse(test, text));
	text = stretched(test, "policy_name=", 'n', RECEIPT_POLICY_NAME_MAX + 1, after);
	must_fail(test, text, strlen(text), 1, 13, "longer than 64 bytes");
}

static void longest_value(struct kunit *test)
{
	static const char before[] = BEFORE "op=EXECUTE subject=";
	char *text;

	text = stretched(test, before, 's', RECEIPT_MAX_CLAIM, " action=ALLOW");
	receipt_policy_free(must_parse(test, text));
	text = stretched(test, before, 's', RECEIPT_MAX_CLAIM + 1, " action=ALLOW");
	must_fail(test, text, strlen(text), LINE, 20, "longer than 1024 bytes");
}

static void longest_text(struct kunit *test)
{
	size_t room = RECEIPT_MAX_POLICY - strlen(BEFORE) - 1;
	char *text;

	text = stretched(test, BEFORE "#", 'c', room, "");
	KUNIT_ASSERT_EQ(test, strlen(text), RECEIPT_MAX_POLICY);
	receipt_policy_free(must_parse(test, text));
	text = stretched(test, BEFORE "#", 'c', room + 1, "");
	must_fail(test, text, strlen(text), 0, 0, "longer than 61440 bytes");
}

/* As many rules as find room. */
static void most_rules(struct kunit *test)
{
	static const char rule[] = "op=POLICY action=DENY\n";
	size_t n = (RECEIPT_MAX_POLICY - strlen(HEADER DENY)) / strlen(rule);
	char *text = stretched(test, HEADER DENY, 0, n * strlen(rule), "");
	struct receipt_policy *policy;
	size_t i;

	for (i = 0; i < n; i++)
		memcpy(text + strlen(HEADER DENY) + i * strlen(rule), rule,
		       strlen(rule));
	policy = must_parse(test, text);
	KUNIT_EXPECT_EQ(test, policy->nrules, n);
	KUNIT_EXPECT_EQ(test, policy->rules[n - 1].line, n + 2);
	receipt_policy_free(policy);
}

/*
 * Log lines need keys that differ: any 64 bytes look like a point here, and the
 * last of them is in the 16 bits before "w==".
 */
static void most_logs(struct kunit *test)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop";
	size_t size = RECEIPT_MAX_POLICY / 2, len, i;
	struct receipt_policy *policy;
	char *text, key[] = P256_A;

	text = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	len = scnprintf(text, size, HEADER DENY);
	for (i = 0; i < RECEIPT_POLICY_LOGS + 1; i++) {
		if (i == RECEIPT_POLICY_LOGS) {
			policy = must_parse(test, text);
			KUNIT_EXPECT_EQ(test, policy->nlogs, RECEIPT_POLICY_LOGS);
			receipt_policy_free(policy);
		}
		key[100] = digits[i];
		len += scnprintf(text + len, size - len,
				 "log name=l%zu alg=ES256 key=%s issuer=i%zu\n",
				 i, key, i);
	}
	must_fail(test, text, len, 3 + RECEIPT_POLICY_LOGS, 1, "more than 32 log lines");
}

static void most_receipts(struct kunit *test)
{
	static const char logs[] = HEADER DENY
		"log name=a alg=ES256 key=" P256_A " issuer=a identity=verified\n"
		"log name=b alg=ES256 key=" P256_B " issuer=b identity=verified\n"
		"log name=c alg=ES384 key=" P384_A " issuer=c identity=verified\n";
	size_t size = sizeof(logs) + 1024, len;
	char *text, key[] = P256_A;
	int i;

	text = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, text);
	len = scnprintf(text, size, "%s", logs);
	for (i = 0; i < 2; i++) {
		key[100] = 'A' + i;
		len += scnprintf(text + len, size - len,
				 "log name=%c alg=ES256 key=%s issuer=%c identity=verified\n",
				 'd' + i, key, 'd' + i);
	}
	len += scnprintf(text + len, size - len,
			 "op=EXECUTE receipt=a receipt=b receipt=c receipt=d ");
	scnprintf(text + len, size - len, "action=ALLOW");
	receipt_policy_free(must_parse(test, text));
	scnprintf(text + len, size - len, "receipt=e action=ALLOW");
	must_fail(test, text, strlen(text), 8, 52, "more than 4 receipt=");
}

/*
 * Versions and names
 */

static void versions(struct kunit *test)
{
	/* In order. */
	static const u16 versions[][3] = {
		{ 0, 0, 0 }, { 0, 0, 1 }, { 0, 0, U16_MAX }, { 0, 1, 0 },
		{ 0, U16_MAX, U16_MAX }, { 1, 0, 0 }, { 1, 0, 1 }, { 1, 1, 0 },
		{ 2, 0, 0 }, { 10, 0, 0 }, { U16_MAX, 0, 0 },
	};
	struct receipt_policy a = {}, b = {};
	int i, j, cmp;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		for (j = 0; j < ARRAY_SIZE(versions); j++) {
			memcpy(a.version, versions[i], sizeof(a.version));
			memcpy(b.version, versions[j], sizeof(b.version));
			cmp = receipt_policy_version_cmp(&a, &b);
			KUNIT_EXPECT_EQ(test, cmp > 0, i > j);
			KUNIT_EXPECT_EQ(test, cmp < 0, i < j);
		}
	}
}

static void op_names(struct kunit *test)
{
	const char *name;
	int op;

	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		name = receipt_op_name(op);
		KUNIT_EXPECT_EQ(test, receipt_op_parse(name, strlen(name)), op);
		KUNIT_EXPECT_EQ(test, receipt_op_parse(name, strlen(name) - 1),
				-EINVAL);
	}
	KUNIT_EXPECT_STREQ(test, receipt_op_name(RECEIPT_OP_COUNT), "UNKNOWN");
	KUNIT_EXPECT_STREQ(test, receipt_op_name(-1), "UNKNOWN");
	KUNIT_EXPECT_EQ(test, receipt_op_parse("execute", 7), -EINVAL);
	KUNIT_EXPECT_EQ(test, receipt_op_parse("", 0), -EINVAL);
}

static void free_nothing(struct kunit *test)
{
	receipt_policy_free(NULL);
	receipt_policy_free(ERR_PTR(-EINVAL));
}

static struct kunit_case policy_cases[] = {
	KUNIT_CASE_PARAM(good_line, good_gen_params),
	KUNIT_CASE_PARAM(bad_line, bad_gen_params),
	KUNIT_CASE_PARAM(bad_text, text_gen_params),
	KUNIT_CASE(nul),
	KUNIT_CASE(whole),
	KUNIT_CASE_SLOW(cut_off),
	KUNIT_CASE_SLOW(changed),
	KUNIT_CASE(longest_name),
	KUNIT_CASE(longest_value),
	KUNIT_CASE(longest_text),
	KUNIT_CASE(most_rules),
	KUNIT_CASE(most_logs),
	KUNIT_CASE(most_receipts),
	KUNIT_CASE(versions),
	KUNIT_CASE(op_names),
	KUNIT_CASE(free_nothing),
	{}
};

static struct kunit_suite policy_suite = {
	.name = "receipt_policy",
	.test_cases = policy_cases,
};

kunit_test_suite(policy_suite);
