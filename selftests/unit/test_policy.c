// SPDX-License-Identifier: MIT
/* The parser of policies: what it takes, what it refuses, and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "policy.h"
#include "policy_text.h"

static struct receipt_policy *parse_bytes(const char *text, size_t len,
					  struct receipt_policy_error *err)
{
	/* Exactly as long as the text, so that a read behind it is noticed. */
	char *copy = malloc(len ? len : 1);
	struct receipt_policy *policy;

	assert_non_null(copy);
	memcpy(copy, text, len);
	policy = receipt_policy_parse(copy, len, err);
	free(copy);
	return policy;
}

static struct receipt_policy *must_parse(const char *text)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy = parse_bytes(text, strlen(text), &err);

	if (IS_ERR(policy))
		fail_msg("refused at %u:%u: %s\n%s", err.line, err.column,
			 err.text, text);
	return policy;
}

static void must_fail(const char *text, size_t len, u32 line, u32 column,
		      const char *part)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy = parse_bytes(text, len, &err);

	if (!IS_ERR(policy))
		fail_msg("accepted, expected \"%s\":\n%s", part, text);
	assert_int_equal(PTR_ERR(policy), -EINVAL);
	if (err.line != line || err.column != column || !strstr(err.text, part))
		fail_msg("got %u:%u: %s, expected %u:%u: %s, of\n%s", err.line,
			 err.column, err.text, line, column, part, text);
}

/* Good lines, each after the header, all logs and a default. */
static const char *const good_lines[] = {
	"",
	"\n\n \t \n",
	"# a comment",
	" \t# a comment with \"quotes\", a \\ and \xc3\xbcmlauts",
	"# the backslash of a comment means nothing \\",
	"op=EXECUTE action=ALLOW",
	"op=EXECUTE action=DENY",
	"op=\"EXECUTE\" action=\"ALLOW\"",
	"\top=EXECUTE \t action=ALLOW \t",
	"op=EXECUTE action=ALLOW # with a comment",
	"op=EXECUTE action=ALLOW\t#",
	"op=EXECUTE \\\n action=ALLOW",
	"op=EXECUTE\\\n\\\n\taction=ALLOW\\\n",
	"op=EXECUTE \\\n action=ALLOW # comment",
	"op=KMODULE action=ALLOW",
	"op=FIRMWARE action=ALLOW",
	"op=KEXEC_IMAGE action=ALLOW",
	"op=KEXEC_INITRAMFS action=ALLOW",
	"op=X509_CERT action=ALLOW",
	"op=POLICY action=ALLOW",
	"op=ANON_EXEC action=ALLOW",
	"op=ANON_EXEC receipt=acme subject=\"deb/nodejs\" action=ALLOW",
	"DEFAULT op=ANON_EXEC action=ALLOW",
	"DEFAULT op=ANON_EXEC action=DENY",
	"DEFAULT op=EXECUTE action=ALLOW",
	"DEFAULT op=POLICY action=DENY",
	"DEFAULT op=FIRMWARE action=ALLOW\nDEFAULT op=KMODULE action=ALLOW",
	"op=EXECUTE receipt=acme action=ALLOW",
	"op=EXECUTE receipt=\"acme\" action=ALLOW",
	"op=EXECUTE receipt=acme receipt=beta action=ALLOW",
	"op=EXECUTE receipt=beta receipt=acme action=DENY",
	"op=EXECUTE receipt=acme issuer=\"did:x509:0:sha256:abc::eku:1.2\" action=ALLOW",
	"op=EXECUTE receipt=acme issuer=acme.example action=ALLOW",
	"op=EXECUTE receipt=acme subject=\"deb/*\" action=ALLOW",
	"op=EXECUTE receipt=acme subject=* action=ALLOW",
	"op=EXECUTE receipt=acme subject=\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\" action=ALLOW",
	"op=EXECUTE receipt=acme subject=\"a b\tc # d \\ e\" action=ALLOW",
	"op=EXECUTE receipt=acme subject=a=b action=ALLOW",
	"op=EXECUTE receipt=acme min_svn=0 action=ALLOW",
	"op=EXECUTE receipt=acme min_svn=18446744073709551615 action=ALLOW",
	"op=EXECUTE issuer_key=" P256_C " action=ALLOW",
	"op=EXECUTE issuer_key=\"" P384_A "\" receipt=acme action=ALLOW",
	"op=EXECUTE min_svn=3 issuer_key=" P256_C " receipt=acme subject=x issuer=y action=ALLOW",
	"op=EXECUTE digest=sha256:" HEX_A " action=DENY",
	"op=EXECUTE digest=sha256:ABCDEF3445566778899aabbccddeeff00112233445566778899aabbccddeeff0 action=DENY",
	"op=EXECUTE boot_verified=TRUE action=ALLOW",
	"op=EXECUTE boot_verified=FALSE action=DENY",
	"op=EXECUTE boot_verified=TRUE digest=sha256:" HEX_A " receipt=acme action=ALLOW",
	"op=EXECUTE issuer=a action=ALLOW",
	"op=EXECUTE subject=a action=ALLOW",
	"op=EXECUTE min_svn=1 action=ALLOW",
	"op=EXECUTE receipt=acme action=ALLOW\nop=EXECUTE receipt=acme action=ALLOW",
	"log name=c alg=ES256 key=" P256_C " issuer=log.c",
	"log issuer=log.c key=" P256_C " alg=ES256 name=c",
	"log name=A-b_c.9 alg=ES256 key=" P256_C " issuer=\"a b\" identity=verified entry=sha256-stmt",
	"log name=acme alg=ES384 key=" P384_A " issuer=log.acme identity=verified",
	"log name=acme alg=ES256 key=" P256_C " issuer=log.acme identity=verified entry=sha256-stmt",
	"log name=beta alg=ES256 key=" P256_C " issuer=log.beta identity=verified entry=stmt",
	"log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-01-31T00:00:00Z",
	"log name=c alg=ES256 key=" P256_C " issuer=c not_after=9999-12-31T23:59:59Z",
	"log name=c alg=ES256 key=" P256_C " issuer=c not_before=1970-01-01T00:00:00Z not_after=1970-01-01T00:00:00Z",
	"log name=c alg=ES256 key=" P256_C " issuer=c not_before=2024-02-29T00:00:00Z",
	"log name=c alg=ES256 key=" P256_C " issuer=c not_before=2000-02-29T00:00:00Z",
	"log name=c alg=ES256 key=" P256_C " issuer=c min_position=0",
	"log name=c alg=ES256 key=" P256_C " issuer=c min_position=18446744073709551615",
	"log name=acme alg=ES384 key=" P384_A " issuer=log.acme identity=verified not_before=2027-01-01T00:00:00Z min_position=9",
	"op=EXECUTE fstype=ext4 action=ALLOW",
	"op=EXECUTE fstype=\"fuse.x y\" digest=sha256:" HEX_A " action=DENY",
	"op=EXECUTE receipt=acme max_age=1s action=ALLOW",
	"op=EXECUTE receipt=acme max_age=90d action=ALLOW",
	"op=EXECUTE max_age=36500h action=ALLOW",
	"op=EXECUTE receipt=acme receipt=beta max_age=5m action=ALLOW",
	"op=EXECUTE receipt=acme min_position=0 action=ALLOW",
	"op=EXECUTE receipt=acme min_position=18446744073709551615 action=ALLOW",
	"op=EXECUTE min_position=0 action=ALLOW",
	"revoke digest=sha256:" HEX_A,
	"revoke issuer=a",
	"revoke subject=\"deb/*\" svn_below=8",
	"revoke issuer=a subject=b svn_below=18446744073709551615",
	"revoke issuer_key=" P256_C,
	"revoke issuer_key=" P384_A " subject=x issuer=y svn_below=1",
	"revoke \\\n\tdigest=sha256:" HEX_A " # gone",
	"revoke digest=sha256:" HEX_A "\nrevoke digest=sha256:" HEX_A,
	"log \\\n\tname=c \\\n\talg=ES256 \\\n\tkey=" P256_C " \\\n\tissuer=log.c \\\n",
};

static void test_good_lines(void **state)
{
	char text[4096];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good_lines); i++) {
		snprintf(text, sizeof(text), HEADER ACME BETA DENY "%s",
			 good_lines[i]);
		receipt_policy_free(must_parse(text));
		strcat(text, "\n");
		receipt_policy_free(must_parse(text));
	}
}

#define BEFORE	HEADER ACME BETA DENY

/* Bad lines, which are line 5 after the header, two logs and a default. */
static const struct bad_line {
	const char *text;
	u32 column;
	const char *part;
} bad_lines[] = {
	/* words */
	{ "=", 1, "expected a word" },
	{ "\"op\"=EXECUTE", 1, "expected a word" },
	{ "  ,", 3, "expected a word" },
	{ "-x", 1, "expected a word" },
	{ "\xc3\xbc=1", 1, "expected a word" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-01-31", 171, "expected a time as" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-01-31T00:00:00", 171, "expected a time as" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-01-31T00:00:00+00:00", 171, "expected a time as" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-01-31t00:00:00z", 171, "expected a time as" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-1-31T00:00:00Z", 171, "expected a time as" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-02-29T00:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2100-02-29T00:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-00-10T00:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-13-10T00:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-04-31T00:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-04-00T00:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-04-01T24:00:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-04-01T00:60:00Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2026-04-01T00:00:60Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=1969-12-31T23:59:59Z", 171, "no such time" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c not_before=2027-01-01T00:00:00Z not_after=2026-12-31T23:59:59Z", 0, "not_before= is later" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c min_position=-1", 173, "decimal digit" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c min_position=18446744073709551616", 173, "over 18446744073709551615" },
	{ "op=EXECUTE fstype= action=ALLOW", 19, "empty" },
	{ "op=EXECUTE comm=bash action=ALLOW", 12, "unknown word; expected op, receipt" },
	{ "op=EXECUTE path=/bin action=ALLOW", 12, "unknown word; expected op, receipt" },
	{ "op=EXECUTE max_age=90 action=ALLOW", 21, "expected s, m, h or d" },
	{ "op=EXECUTE max_age=d action=ALLOW", 20, "expected a number" },
	{ "op=EXECUTE max_age=0d action=ALLOW", 20, "from 1 on" },
	{ "op=EXECUTE max_age=01d action=ALLOW", 20, "begins with 0" },
	{ "op=EXECUTE max_age=36501d action=ALLOW", 20, "over 36500" },
	{ "op=EXECUTE max_age=1w action=ALLOW", 21, "expected s, m, h or d" },
	{ "op=EXECUTE max_age=-1d action=ALLOW", 20, "decimal digit" },
	{ "op=EXECUTE receipt=acme max_age=1d max_age=2d action=ALLOW", 36, "there already" },
	{ "op=EXECUTE min_position=5 action=ALLOW", 0, "needs one receipt=" },
	{ "op=EXECUTE receipt=acme receipt=beta min_position=5 action=ALLOW", 0, "needs one receipt=" },
	{ "op=EXECUTE receipt=acme min_position=x action=ALLOW", 38, "decimal digit" },
	{ "revoke", 0, "expected a digest, issuer=" },
	{ "revoke svn_below=8", 0, "expected a digest, issuer=" },
	{ "revoke digest=sha256:" HEX_A " subject=x", 0, "a digest stands alone" },
	{ "revoke digest=sha256:" HEX_A " svn_below=2", 0, "a digest stands alone" },
	{ "revoke digest=sha256:00", 15, "hexadecimal digits" },
	{ "revoke digest=sha384:00", 15, "not measured" },
	{ "revoke fsverity=sha256:" HEX_A, 17, "not measured" },
	{ "revoke subject=a*b", 17, "end of the value only" },
	{ "revoke subject=x svn_below=0", 28, "no svn is below 0" },
	{ "revoke subject=x min_svn=2", 18, "unknown word; expected digest" },
	{ "revoke subject=x action=DENY", 18, "unknown word; expected digest" },
	{ "revoke issuer_key=AAAA", 19, "expected SubjectPublicKeyInfo" },
	{ "revoke subject=x subject=y", 18, "there already" },
	{ "revoke=digest", 1, "begins with log" },
	{ "op", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "opx=EXECUTE action=ALLOW", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "OP=EXECUTE action=ALLOW", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "o=EXECUTE action=ALLOW", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "action=ALLOW op=EXECUTE", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "receipt=acme op=EXECUTE action=ALLOW", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "log=acme", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "LOG name=x", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "DEFAULT=DENY", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "default action=DENY", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "mode=permissive", 1, "begins with log, DEFAULT, revoke or op=" },
	{ HEADER, 1, "begins with log, DEFAULT, revoke or op=" },
	{ "op =EXECUTE action=ALLOW", 1, "begins with log, DEFAULT, revoke or op=" },
	{ "op= EXECUTE action=ALLOW", 4, "empty" },
	{ "op=\"\" action=ALLOW", 5, "empty" },
	{ "op=", 4, "empty" },
	{ "op=EXECUTE#", 11, "must be in quotes" },
	{ "op=EXECUTE action=ALLOW#comment", 24, "must be in quotes" },
	{ "op=EXECUTE action=A\"LLOW\"", 20, "must be in quotes" },
	{ "op=EXECUTE action=ALL\\OW", 22, "must be in quotes" },
	{ "op=EXECUTE subject=\xc3\xbc action=ALLOW", 20, "must be in quotes" },
	{ "op=EXECUTE subject=a\xc2\xa0 action=ALLOW", 21, "must be in quotes" },
	{ "op=EXECUTE action=\"ALLOW", 19, "not closed" },
	{ "op=EXECUTE subject=\"a\nb\" action=ALLOW", 20, "not closed" },
	{ "op=EXECUTE subject=\"a\\\nb\" action=ALLOW", 20, "not closed" },
	{ "op=EXECUTE subject=\"a\"\"b\" action=ALLOW", 23, "blank after the quote" },
	{ "op=EXECUTE subject=\"a\"b action=ALLOW", 23, "blank after the quote" },
	{ "op=EXECUTE subject=\"a\"# action=ALLOW", 23, "blank after the quote" },
	{ "op=EXECUTE log# action=ALLOW", 15, "expected = or a blank" },
	{ "op=EXECUTE act-ion=ALLOW", 15, "expected = or a blank" },
	{ "op=EXECUTE act\xc3\xbc=ALLOW", 15, "expected = or a blank" },
	{ "op=EXECUTE \\ action=ALLOW", 12, "backslash may only end a line" },
	{ "op=EXECUTE \\ \n action=ALLOW", 12, "backslash may only end a line" },
	{ "op=EXECUTE \\# c\n action=ALLOW", 12, "backslash may only end a line" },
	{ "op=EXECUTE \\", 12, "backslash may only end a line" },
	{ "\\", 1, "backslash may only end a line" },
	{ "op=EXECUTE\\\\\n action=ALLOW", 11, "must be in quotes" },
	{ "op=EXE\\\nCUTE action=ALLOW", 4, "expected EXECUTE" },
	{ "op=EXECUTE \\\n# comment\naction=ALLOW", 0, "action= is missing" },
	{ "op=EXECUTE # comment \\\naction=ALLOW", 0, "action= is missing" },
	{ "op=EXECUTE \\\n\naction=ALLOW", 0, "action= is missing" },
	/* operations */
	{ "op=execute action=ALLOW", 4, "expected EXECUTE, KMODULE, FIRMWARE" },
	{ "op=EXECUTE2 action=ALLOW", 4, "expected EXECUTE" },
	{ "op=EXEC action=ALLOW", 4, "expected EXECUTE" },
	{ "op=* action=ALLOW", 4, "expected EXECUTE" },
	{ "op=\"EXECUTE \" action=ALLOW", 5, "expected EXECUTE" },
	{ "op=MODULE action=DENY", 4, "KEXEC_INITRAMFS, X509_CERT, POLICY" },
	/* the frame of a rule */
	{ "op=EXECUTE", 0, "action= is missing" },
	{ "op=EXECUTE receipt=acme", 0, "action= is missing" },
	{ "op=EXECUTE action=", 19, "empty" },
	{ "op=EXECUTE action=allow", 19, "expected ALLOW, DENY" },
	{ "op=EXECUTE action=AUDIT", 19, "expected ALLOW, DENY" },
	{ "op=EXECUTE action=ALLOWED", 19, "expected ALLOW, DENY" },
	{ "op=EXECUTE action", 12, "expected action=VALUE" },
	{ "op=EXECUTE ALLOW", 12, "unknown word; expected op, receipt" },
	{ "op=EXECUTE action=ALLOW action=DENY", 25, "nothing may follow action=" },
	{ "op=EXECUTE action=ALLOW action=ALLOW", 25, "nothing may follow action=" },
	{ "op=EXECUTE action=DENY receipt=acme", 24, "nothing may follow action=" },
	{ "op=EXECUTE action=DENY stray", 24, "nothing may follow action=" },
	{ "op=EXECUTE op=EXECUTE action=DENY", 12, "op= is there already" },
	{ "op=EXECUTE op=KMODULE action=DENY", 12, "op= is there already" },
	{ "op=EXECUTE recipt=acme action=ALLOW", 12, "unknown word" },
	{ "op=EXECUTE receipts=acme action=ALLOW", 12, "unknown word" },
	{ "op=EXECUTE Receipt=acme action=ALLOW", 12, "unknown word" },
	{ "op=EXECUTE name=acme action=ALLOW", 12, "unknown word" },
	{ "op=EXECUTE path=/bin/sh action=ALLOW", 12, "boot_verified, fstype, max_age, min_position, action" },
	{ "op=EXECUTE log action=ALLOW", 12, "unknown word" },
	{ "op=EXECUTE DEFAULT action=ALLOW", 12, "unknown word" },
	/* receipt= */
	{ "op=EXECUTE receipt=other action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt=ACME action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt=acm action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt=acmee action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt=* action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt=acme,beta action=ALLOW", 20, "no log line above" },
	{ "op=EXECUTE receipt= action=ALLOW", 20, "empty" },
	{ "op=EXECUTE receipt action=ALLOW", 12, "expected receipt=VALUE" },
	{ "op=EXECUTE receipt=acme receipt=acme action=ALLOW", 33, "names this log already" },
	{ "op=EXECUTE receipt=late action=ALLOW\nlog name=late alg=ES256 key=" P256_C
	  " issuer=late identity=verified", 20, "no log line above" },
	/* issuer= and subject= */
	{ "op=EXECUTE receipt=acme issuer=a issuer=b action=ALLOW", 34, "issuer= is there already, in line 5 column 25" },
	{ "op=EXECUTE receipt=acme subject=a subject=a action=ALLOW", 35, "subject= is there already" },
	{ "op=EXECUTE receipt=acme issuer=*a action=ALLOW", 32, "end of the value only" },
	{ "op=EXECUTE receipt=acme issuer=a*b* action=ALLOW", 33, "end of the value only" },
	{ "op=EXECUTE receipt=acme subject=\"deb/**\" action=ALLOW", 38, "end of the value only" },
	{ "op=EXECUTE receipt=acme subject=\"* \" action=ALLOW", 34, "end of the value only" },
	{ "op=EXECUTE receipt=acme subject=\"\" action=ALLOW", 34, "empty" },
	/* min_svn= */
	{ "op=EXECUTE receipt=acme min_svn=-1 action=ALLOW", 33, "decimal digit" },
	{ "op=EXECUTE receipt=acme min_svn=+1 action=ALLOW", 33, "decimal digit" },
	{ "op=EXECUTE receipt=acme min_svn=1x action=ALLOW", 34, "decimal digit" },
	{ "op=EXECUTE receipt=acme min_svn=0x1 action=ALLOW", 33, "begins with 0" },
	{ "op=EXECUTE receipt=acme min_svn=07 action=ALLOW", 33, "begins with 0" },
	{ "op=EXECUTE receipt=acme min_svn=00 action=ALLOW", 33, "begins with 0" },
	{ "op=EXECUTE receipt=acme min_svn=\" 1\" action=ALLOW", 34, "decimal digit" },
	{ "op=EXECUTE receipt=acme min_svn=\"1 \" action=ALLOW", 35, "decimal digit" },
	{ "op=EXECUTE receipt=acme min_svn=1.5 action=ALLOW", 34, "decimal digit" },
	{ "op=EXECUTE receipt=acme min_svn=18446744073709551616 action=ALLOW", 33, "over 18446744073709551615" },
	{ "op=EXECUTE receipt=acme min_svn=18446744073709551620 action=ALLOW", 33, "over" },
	{ "op=EXECUTE receipt=acme min_svn=99999999999999999999999 action=ALLOW", 33, "over" },
	{ "op=EXECUTE receipt=acme min_svn=1 min_svn=2 action=ALLOW", 35, "min_svn= is there already" },
	/* issuer_key= and base64 */
	{ "op=EXECUTE issuer_key=abc action=ALLOW", 23, "multiple of 4" },
	{ "op=EXECUTE issuer_key=abc. action=ALLOW", 26, "base64 digit" },
	{ "op=EXECUTE issuer_key=abc- action=ALLOW", 26, "base64 digit" },
	{ "op=EXECUTE issuer_key=\"ab d\" action=ALLOW", 26, "base64 digit" },
	{ "op=EXECUTE issuer_key==abc action=ALLOW", 23, "base64 digit" },
	{ "op=EXECUTE issuer_key=a=== action=ALLOW", 24, "base64 digit" },
	{ "op=EXECUTE issuer_key=ab=c action=ALLOW", 25, "base64 digit" },
	{ "op=EXECUTE issuer_key=ab==abcd action=ALLOW", 25, "base64 digit" },
	{ "op=EXECUTE issuer_key==== action=ALLOW", 23, "multiple of 4" },
	{ "op=EXECUTE issuer_key===== action=ALLOW", 23, "base64 digit" },
	{ "op=EXECUTE issuer_key=ab== action=ALLOW", 24, "stray bits" },
	{ "op=EXECUTE issuer_key=abc= action=ALLOW", 23, "expected SubjectPublicKeyInfo" },
	{ "op=EXECUTE issuer_key=abd= action=ALLOW", 25, "stray bits" },
	{ "op=EXECUTE issuer_key=abcd action=ALLOW", 23, "expected SubjectPublicKeyInfo" },
	{ "op=EXECUTE issuer_key=" P256_COMPRESSED " action=ALLOW", 23, "uncompressed P-256, P-384 or P-521" },
	{ "op=EXECUTE issuer_key=" ED25519 " action=ALLOW", 23, "uncompressed P-256, P-384 or P-521" },
	{ "op=EXECUTE issuer_key=" SECP256K1 " action=ALLOW", 23, "uncompressed P-256, P-384 or P-521" },
	{ "op=EXECUTE issuer_key=" P256_A "AAAA action=ALLOW", 145, "base64 digit" },
	{ "op=EXECUTE issuer_key=" P521 "AAAA action=ALLOW", 23, "longer than a P-521 key" },
	{ "op=EXECUTE issuer_key=" P384_A "AAAA action=ALLOW", 23, "expected SubjectPublicKeyInfo" },
	{ "op=EXECUTE issuer_key=" P256_A " issuer_key=" P256_A " action=ALLOW", 148, "issuer_key= is there already" },
	/* digest= */
	{ "op=EXECUTE digest=" HEX_A " action=DENY", 19, "expected sha256, sha384, sha512" },
	{ "op=EXECUTE digest=sha256 action=DENY", 19, "expected sha256: and 64" },
	{ "op=EXECUTE digest=sha256: action=DENY", 19, "expected sha256: and 64" },
	{ "op=EXECUTE digest=SHA256:" HEX_A " action=DENY", 19, "expected sha256, sha384, sha512" },
	{ "op=EXECUTE digest=sha256-" HEX_A " action=DENY", 19, "expected sha256, sha384, sha512" },
	{ "op=EXECUTE digest=sha1:" HEX_A " action=DENY", 19, "expected sha256, sha384, sha512" },
	{ "op=EXECUTE digest=:" HEX_A " action=DENY", 19, "expected sha256, sha384, sha512" },
	{ "op=EXECUTE digest=sha256:" HEX_A "0 action=DENY", 19, "expected sha256: and 64" },
	{ "op=EXECUTE digest=sha256:" HEX_A HEX_A " action=DENY", 19, "expected sha256: and 64" },
	{ "op=EXECUTE digest=sha256:0011 action=DENY", 19, "expected sha256: and 64" },
	{ "op=EXECUTE digest=sha256:g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff action=DENY",
	  26, "hexadecimal digit" },
	{ "op=EXECUTE digest=sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeef* action=DENY",
	  89, "hexadecimal digit" },
	{ "op=EXECUTE digest=sha384:" HEX_A " action=DENY", 19, "sha384 is not measured" },
	{ "op=EXECUTE digest=sha512:" HEX_A HEX_A " action=DENY", 19, "sha512 is not measured" },
	{ "op=EXECUTE digest=sha256:" HEX_A " digest=sha256:" HEX_A " action=DENY", 91, "digest= is there already" },
	/* boot_verified= */
	{ "op=EXECUTE boot_verified=true action=ALLOW", 26, "expected TRUE, FALSE" },
	{ "op=EXECUTE boot_verified=1 action=ALLOW", 26, "expected TRUE, FALSE" },
	{ "op=EXECUTE boot_verified action=ALLOW", 12, "expected boot_verified=VALUE" },
	{ "op=EXECUTE boot_verified=TRUE boot_verified=TRUE action=ALLOW", 31, "boot_verified= is there already" },
	/* DEFAULT */
	{ "DEFAULT", 0, "action= is missing" },
	{ "DEFAULT action", 9, "expected action=VALUE" },
	{ "DEFAULT ALLOW", 9, "unknown word; expected op, action" },
	{ "DEFAULT action=DENY", 0, "this DEFAULT is there already, in line 4" },
	{ "DEFAULT action=ALLOW", 0, "this DEFAULT is there already, in line 4" },
	{ "DEFAULT action=deny", 16, "expected ALLOW, DENY" },
	{ "DEFAULT op=EXECUTE", 0, "action= is missing" },
	{ "DEFAULT op=exec action=DENY", 12, "expected EXECUTE" },
	{ "DEFAULT action=DENY op=EXECUTE", 21, "nothing may follow action=" },
	{ "DEFAULT op=EXECUTE op=EXECUTE action=DENY", 20, "op= is there already" },
	{ "DEFAULT op=EXECUTE receipt=acme action=DENY", 20, "unknown word; expected op, action" },
	/* log */
	{ "log", 0, "name= is missing" },
	{ "log alg=ES256 key=" P256_C " issuer=c", 0, "name= is missing" },
	{ "log name=c key=" P256_C " issuer=c", 0, "alg= is missing" },
	{ "log name=c alg=ES256 issuer=c", 0, "key= is missing" },
	{ "log name=c alg=ES256 key=" P256_C, 0, "issuer= is missing" },
	{ "log acme alg=ES256", 5, "unknown word; expected name, alg, key, issuer, identity, entry" },
	{ "log name=c alg=ES256 url=x", 22, "unknown word" },
	{ "log name=c name=d", 12, "name= is there already" },
	{ "log name=c alg=ES256 alg=ES256", 22, "alg= is there already" },
	{ "log name=c alg=ES256 key=" P256_C " key=" P256_C, 151, "key= is there already" },
	{ "log name=c issuer=a issuer=b", 21, "issuer= is there already" },
	{ "log name=\"c d\"", 12, "a name is made of" },
	{ "log name=c/d", 11, "a name is made of" },
	{ "log name=*", 10, "a name is made of" },
	{ "log name=\"\xc3\xbc\"", 11, "a name is made of" },
	{ "log name=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefg", 10, "longer than 64" },
	{ "log name=c alg=es256", 16, "expected ES256, ES384, ES512" },
	{ "log name=c alg=ES512 key=" P384_A " issuer=c", 26, "does not fit alg=ES512" },
	{ "log name=c alg=ES384 key=" P521 " issuer=c", 26, "does not fit alg=ES384" },
	{ "log name=c alg=EdDSA", 16, "expected ES256, ES384" },
	{ "log name=c alg=-7", 16, "expected ES256, ES384" },
	{ "log name=c alg=ES384 key=" P256_C " issuer=c", 26, "does not fit alg=ES384" },
	{ "log name=c alg=ES256 key=" P384_A " issuer=c", 26, "does not fit alg=ES256" },
	{ "log name=c key=" P384_A " issuer=c alg=ES256", 16, "does not fit alg=ES256" },
	{ "log name=c alg=ES256 key=" P256_COMPRESSED " issuer=c", 26, "uncompressed" },
	{ "log name=c alg=ES256 key=" P521 " issuer=c", 26, "does not fit alg=ES256" },
	{ "log name=c alg=ES256 key=<base64> issuer=c", 26, "base64 digit" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=\"\"", 159, "empty" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=log.*", 162, "without *" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c identity=none", 169, "expected verified" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c identity=Verified", 169, "expected verified" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c entry=sha256", 166, "expected sha256-stmt, stmt" },
	{ "log name=c alg=ES256 key=" P256_C " issuer=c entry=stmt entry=stmt", 171, "entry= is there already" },
	{ "log name=c alg=ES256 key=" P256_A " issuer=c", 26, "log acme has this key already" },
	{ "log name=acme alg=ES256 key=" P256_A " issuer=log.acme identity=verified", 29, "log acme has this key already" },
	{ "log name=acme alg=ES256 key=" P256_C " issuer=log.other identity=verified", 0, "another issuer above" },
	{ "log name=other alg=ES256 key=" P256_C " issuer=log.acme identity=verified", 0, "log acme has this issuer already" },
	{ "log name=acme alg=ES256 key=" P256_C " issuer=log.acme", 0, "another identity= or entry= above" },
	{ "log name=acme alg=ES256 key=" P256_C " issuer=log.acme identity=verified entry=stmt", 0, "another identity= or entry= above" },
	{ "log name=beta alg=ES256 key=" P256_C " issuer=log.beta identity=verified", 0, "another identity= or entry= above" },
	/* characters; the column is where they are, also in comments */
	{ "op=EXECUTE action=ALLOW\r\n", 24, "carriage return" },
	{ "# comment\r", 10, "carriage return" },
	{ "# \x01", 3, "control character 0x01" },
	{ "# \x7f", 3, "control character 0x7f" },
	{ "# \x1b[31m", 3, "control character 0x1b" },
	{ "op=EXECUTE\vaction=ALLOW", 11, "control character 0x0b" },
	{ "op=EXECUTE\faction=ALLOW", 11, "control character 0x0c" },
	{ "# \xc2\x80", 3, "control character 0x80" },
	{ "# \xc2\x9f", 3, "control character 0x9f" },
	{ "# \xe2\x80\xae", 3, "control character 0x202e" },
	{ "# \xe2\x81\xa6", 3, "control character 0x2066" },
	{ "# \xe2\x80\xa8", 3, "control character 0x2028" },
	{ "# \x80", 3, "UTF-8" },
	{ "# \xbf", 3, "UTF-8" },
	{ "# \xc0\x80", 3, "UTF-8" },
	{ "# \xc1\xbf", 3, "UTF-8" },
	{ "# \xc3", 3, "UTF-8" },
	{ "# \xc3(", 3, "UTF-8" },
	{ "# \xe0\x80\x80", 3, "UTF-8" },
	{ "# \xe0\x9f\xbf", 3, "UTF-8" },
	{ "# \xe2\x82", 3, "UTF-8" },
	{ "# \xed\xa0\x80", 3, "UTF-8" },
	{ "# \xed\xbf\xbf", 3, "UTF-8" },
	{ "# \xf0\x80\x80\x80", 3, "UTF-8" },
	{ "# \xf0\x8f\xbf\xbf", 3, "UTF-8" },
	{ "# \xf4\x90\x80\x80", 3, "UTF-8" },
	{ "# \xf5\x80\x80\x80", 3, "UTF-8" },
	{ "# \xf0\x9f\x98", 3, "UTF-8" },
	{ "# \xff", 3, "UTF-8" },
	{ "# \xfe\xff", 3, "UTF-8" },
	{ "op=EXECUTE subject=\"\xe4\" action=ALLOW", 21, "UTF-8" },
};

static void test_bad_lines(void **state)
{
	char text[8192];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		const struct bad_line *bad = &bad_lines[i];

		snprintf(text, sizeof(text), BEFORE "%s",
			 bad->text);
		must_fail(text, strlen(text), 5, bad->column, bad->part);
	}
}

/* Whole texts. */
static const struct bad_text {
	const char *text;
	u32 line;
	u32 column;
	const char *part;
} bad_texts[] = {
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=sha1\n" DENY, 1, 57,
	  "expected sha256, sha384, sha512" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=sha256,\n" DENY, 1, 64,
	  "expected sha256, sha384, sha512" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=sha256,sha384,sha256\n" DENY,
	  1, 71, "sha256 is there already" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=sha384\n" DENY
	  "op=EXECUTE digest=sha256:" HEX_A " action=ALLOW\n", 3, 19, "sha256 is not measured" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=fsverity\n" DENY, 1, 57,
	  "sha256, sha384 or sha512 must be there" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=dmverity,fsverity\n" DENY, 1, 57,
	  "sha256, sha384 or sha512 must be there" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=sha256,fsverity,fsverity\n" DENY,
	  1, 73, "fsverity is there already" },
	{ VERITY DENY "op=EXECUTE digest=fsverity:" HEX_A " action=ALLOW\n", 3, 19,
	  "expected sha256, sha384, sha512" },
	{ VERITY DENY "op=EXECUTE fsverity=sha512:" HEX_A HEX_A " action=ALLOW\n", 3, 21,
	  "expected sha256" },
	{ VERITY DENY "op=EXECUTE fsverity=" HEX_A " action=ALLOW\n", 3, 21, "expected sha256" },
	{ VERITY DENY "op=EXECUTE fsverity=sha256 action=ALLOW\n", 3, 21,
	  "expected sha256: and 64 hexadecimal digits" },
	{ VERITY DENY "op=EXECUTE dmverity=sha256:" HEX_A "00 action=ALLOW\n", 3, 21,
	  "expected sha256: and 64 hexadecimal digits" },
	{ VERITY DENY "op=EXECUTE fsverity=sha256:" HEX_A " fsverity=sha256:" HEX_A
	  " action=ALLOW\n", 3, 93, "fsverity= is there already" },
	{ HEADER DENY "op=EXECUTE fsverity=sha256:" HEX_A " action=ALLOW\n", 3, 21,
	  "fsverity is not measured" },
	{ HEADER DENY "op=EXECUTE dmverity=sha256:" HEX_A " action=ALLOW\n", 3, 21,
	  "dmverity is not measured" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce digests=sha256,fsverity\n" DENY
	  "op=EXECUTE dmverity=sha256:" HEX_A " action=ALLOW\n", 3, 21, "dmverity is not measured" },
	{ HEADER ACME "DEFAULT action=ALLOW\nop=EXECUTE subject=x action=DENY\n", 4, 0,
	  "in vain: the default allows" },
	{ HEADER ACME DENY "op=EXECUTE subject=x action=DENY\nop=EXECUTE action=ALLOW\n", 4, 0,
	  "in vain: line 5 allows" },
	{ HEADER ACME DENY "op=EXECUTE receipt=acme action=DENY\n"
	  "op=EXECUTE boot_verified=FALSE action=ALLOW\n", 4, 0, "in vain: line 5 allows" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce recheck=always\n" DENY, 1, 57,
	  "expected setuid" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce recheck=\n" DENY, 1, 57, "" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce mounts=early\n" DENY, 1, 56, "" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce mounts=sealed mounts=sealed\n" DENY,
	  1, 63, "mounts= is there already" },
	{ "policy_name=t policy_version=1.0.0 mode=enforce recheck=setuid recheck=setuid\n" DENY,
	  1, 64, "recheck= is there already" },
	{ "", 0, 0, "policy_name= is missing" },
	{ "\n", 0, 0, "policy_name= is missing" },
	{ "# nothing\n", 0, 0, "policy_name= is missing" },
	{ DENY, 1, 1, "unknown word; expected policy_name, policy_version, mode" },
	{ ACME, 1, 1, "unknown word; expected policy_name" },
	{ "\xef\xbb\xbf" HEADER DENY, 1, 1, "expected a word" },
	{ "op=EXECUTE action=ALLOW\n", 1, 1, "unknown word; expected policy_name" },
	{ "policy_name=x\n" DENY, 1, 0, "policy_version= is missing" },
	{ "policy_name=x policy_version=1.0.0\n" DENY, 1, 0, "mode= is missing" },
	{ "# c\n\nmode=enforce policy_version=1.0.0\n" DENY, 3, 0, "policy_name= is missing" },
	{ "policy_name=x policy_version=1.0.0 mode=off\n", 1, 41, "expected permissive, enforce" },
	{ "policy_name=x policy_version=1.0.0 mode=Enforce\n", 1, 41, "expected permissive, enforce" },
	{ "policy_name=x policy_version=1.0.0 mode=enforce foo\n", 1, 49, "unknown word" },
	{ "policy_name=x policy_version=1.0.0 mode=enforce op=EXECUTE\n", 1, 49, "unknown word" },
	{ "policy_name=x policy_name=x\n", 1, 15, "policy_name= is there already" },
	{ "mode=enforce mode=enforce\n", 1, 14, "mode= is there already" },
	{ "policy_name=x/y\n", 1, 14, "a name is made of" },
	{ "policy_name=\"\"\n", 1, 14, "empty" },
	{ "policy_name\n", 1, 1, "unknown word" },
	{ "mode=enforce policy_name\n", 1, 14, "expected policy_name=VALUE" },
	{ "policy_version=1\n", 1, 17, "version X.Y.Z" },
	{ "policy_version=1.2\n", 1, 19, "version X.Y.Z" },
	{ "policy_version=1.2.3.4\n", 1, 21, "version X.Y.Z" },
	{ "policy_version=1.2.3.\n", 1, 21, "version X.Y.Z" },
	{ "policy_version=1.2.3-rc1\n", 1, 21, "version X.Y.Z" },
	{ "policy_version=1..3\n", 1, 18, "expected a number" },
	{ "policy_version=.1.3\n", 1, 16, "expected a number" },
	{ "policy_version=1.2.\n", 1, 20, "expected a number" },
	{ "policy_version=-1.2.3\n", 1, 16, "expected a number" },
	{ "policy_version=v1.2.3\n", 1, 16, "expected a number" },
	{ "policy_version=1.02.3\n", 1, 18, "begins with 0" },
	{ "policy_version=1.65536.3\n", 1, 18, "over 65535" },
	{ "policy_version=1.2.99999999999999999999\n", 1, 20, "over 65535" },
	{ "policy_version=1,2,3\n", 1, 17, "version X.Y.Z" },
	{ HEADER, 0, 0, "DEFAULT action=ALLOW or DENY is missing" },
	{ HEADER "DEFAULT op=EXECUTE action=DENY\n", 0, 0, "DEFAULT action=ALLOW or DENY is missing" },
	{ HEADER HEADER DENY, 2, 1, "begins with log, DEFAULT, revoke or op=" },
	/* lines further on */
	{ BEFORE "op=EXECUTE \\\naction=MAYBE", 6, 8, "expected ALLOW, DENY" },
	{ BEFORE "op=EXECUTE \\\n\\\n  x=1 action=ALLOW", 7, 3, "unknown word" },
	{ BEFORE "DEFAULT op=EXECUTE action=DENY\nDEFAULT op=EXECUTE action=DENY", 6, 0, "this DEFAULT is there already, in line 5" },
	{ BEFORE "DEFAULT op=EXECUTE action=DENY\n\nDEFAULT op=EXECUTE action=ALLOW", 7, 0, "this DEFAULT is there already" },
	{ BEFORE "\n\n\xef\xbb\xbf# comment", 7, 1, "expected a word" },
	/* what a receipt is worth */
	{ HEADER DENY "op=EXECUTE issuer=a action=ALLOW\n", 3, 0, "there is no log line" },
	{ HEADER DENY "op=EXECUTE subject=a action=DENY\n", 3, 0, "there is no log line" },
	{ HEADER DENY "op=EXECUTE min_svn=1 action=ALLOW\n", 3, 0, "there is no log line" },
	{ HEADER DENY "op=EXECUTE issuer_key=" P256_C " action=ALLOW\n", 3, 0, "there is no log line" },
	{ HEADER DENY "op=EXECUTE receipt=open action=ALLOW\n" OPEN, 3, 20, "no log line above" },
	{ HEADER DENY OPEN "op=EXECUTE receipt=open action=ALLOW\n", 4, 0, "log open is not identity=verified" },
	{ HEADER DENY OPEN "\nop=EXECUTE \\\nissuer=a \\\naction=ALLOW\n", 5, 0, "needs issuer_key=" },
	{ HEADER DENY OPEN "op=EXECUTE subject=a action=ALLOW\n", 4, 0, "needs issuer_key=" },
	{ HEADER DENY OPEN "op=EXECUTE min_svn=1 action=ALLOW\n", 4, 0, "needs issuer_key=" },
	{ HEADER DENY OPEN ACME "op=EXECUTE subject=a action=ALLOW\n", 5, 0, "needs issuer_key=" },
	{ HEADER DENY ACME "op=EXECUTE subject=a action=ALLOW\n" OPEN, 4, 0, "needs issuer_key=" },
	{ HEADER DENY OPEN ACME "op=EXECUTE receipt=acme receipt=open action=ALLOW\n", 5, 0, "log open" },
	{ HEADER DENY OPEN ACME "op=EXECUTE receipt=open subject=x digest=sha256:" HEX_A " action=ALLOW\n", 5, 0, "log open" },
};

static void test_bad_texts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad_texts); i++)
		must_fail(bad_texts[i].text, strlen(bad_texts[i].text),
			  bad_texts[i].line, bad_texts[i].column,
			  bad_texts[i].part);
}

static const char *const good_texts[] = {
	HEADER DENY,
	VERITY DENY,
	VERITY DENY "op=EXECUTE fsverity=sha256:" HEX_A " dmverity=sha256:" HEX_A
	" digest=sha256:" HEX_A " action=ALLOW\n",
	"policy_name=t policy_version=1.0.0 mode=enforce digests=dmverity,sha512\n" DENY
	"op=EXECUTE dmverity=sha256:" HEX_A " action=DENY\n",
	HEADER ALLOW,
	"policy_name=t recheck=setuid policy_version=1.0.0 mode=enforce digests=sha256,fsverity\n"
	DENY,
	"policy_name=test policy_version=1.2.3 digests=sha512,sha384 mode=enforce\n"
	"log name=acme alg=ES512 key=" P521 " issuer=log.acme\n" DENY
	"op=EXECUTE digest=sha384:" HEX_A "00112233445566778899aabbccddeeff action=ALLOW\n"
	"op=EXECUTE digest=sha512:" HEX_A HEX_A " action=ALLOW\n",
	"policy_name=test policy_version=1.2.3 mode=enforce\nDEFAULT action=DENY",
	"\n# c\n \\\n\n" HEADER DENY,
	"mode=permissive \\\n policy_version=\"0.0.0\" \\\n policy_name=A-b_c.0\n" ALLOW,
	"policy_name=x policy_version=65535.65535.65535 mode=enforce # c\n" DENY,
	"policy_name=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	" policy_version=1.0.0 mode=enforce\n" DENY,
	HEADER "op=EXECUTE action=ALLOW\n" DENY,
	HEADER ACME ACME2 DENY,
	HEADER DENY OPEN,
	HEADER DENY OPEN "op=EXECUTE receipt=open action=DENY\n",
	HEADER DENY OPEN "op=EXECUTE subject=a action=DENY\n",
	HEADER DENY OPEN "op=EXECUTE receipt=open subject=a issuer_key=" P256_C " action=ALLOW\n",
	HEADER DENY OPEN "op=EXECUTE issuer_key=" P256_C " action=ALLOW\n",
	HEADER DENY OPEN ACME "op=EXECUTE receipt=acme subject=a action=ALLOW\n",
	HEADER DENY OPEN ACME "op=EXECUTE digest=sha256:" HEX_A " action=ALLOW\n",
};

static void test_good_texts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good_texts); i++)
		receipt_policy_free(must_parse(good_texts[i]));
}

static void test_nul(void **state)
{
	static const char text[] = HEADER DENY "#\0\n";
	static const char tail[] = HEADER DENY;

	(void)state;
	must_fail(text, sizeof(text) - 1, 3, 2, "control character 0x00");
	must_fail(tail, sizeof(tail), 3, 1, "control character 0x00");
}

static void test_digests(void **state)
{
	struct receipt_policy *p = must_parse("policy_name=test policy_version=1.2.3 "
		"mode=enforce digests=sha384,sha256\n" DENY
		"op=EXECUTE digest=sha384:" HEX_A "00112233445566778899aabbccddeeff "
		"action=ALLOW\n");

	(void)state;
	assert_int_equal(p->digests, 1 << RECEIPT_KIND_SHA256 | 1 << RECEIPT_KIND_SHA384);
	assert_int_equal(p->rules[0].digests[0].kind, RECEIPT_KIND_SHA384);
	assert_int_equal(p->rules[0].digests[0].bytes[47], 0xff);
	receipt_policy_free(p);
}

static void test_recheck(void **state)
{
	struct receipt_policy *p = must_parse(HEADER DENY);

	(void)state;
	assert_false(p->recheck_setuid);
	receipt_policy_free(p);
	p = must_parse("policy_name=t policy_version=1.0.0 mode=enforce recheck=setuid\n" DENY);
	assert_true(p->recheck_setuid);
	receipt_policy_free(p);
}

static void test_mounts(void **state)
{
	struct receipt_policy *p = must_parse(HEADER DENY);

	(void)state;
	assert_false(p->mounts_sealed);
	receipt_policy_free(p);
	p = must_parse("policy_name=t policy_version=1.0.0 mode=enforce mounts=sealed\n" DENY);
	assert_true(p->mounts_sealed);
	receipt_policy_free(p);
}

static void test_verity(void **state)
{
	struct receipt_policy *p = must_parse(VERITY DENY
		"op=EXECUTE dmverity=sha256:" HEX_A " fsverity=sha256:" HEX_A " action=ALLOW\n");

	(void)state;
	assert_int_equal(p->digests, 1 << RECEIPT_KIND_SHA256 | 1 << RECEIPT_KIND_FSVERITY_SHA256 |
			 1 << RECEIPT_KIND_DMVERITY_SHA256);
	assert_int_equal(p->rules[0].ndigests, 2);
	assert_int_equal(p->rules[0].digests[0].kind, RECEIPT_KIND_DMVERITY_SHA256);
	assert_int_equal(p->rules[0].digests[1].kind, RECEIPT_KIND_FSVERITY_SHA256);
	assert_int_equal(p->rules[0].digests[1].bytes[31], 0xff);
	receipt_policy_free(p);
}

static void test_contents(void **state)
{
	struct receipt_policy *p = must_parse(HEADER "\n" ACME BETA OPEN ACME2
		"DEFAULT op=FIRMWARE action=ALLOW\n" DENY
		"op=KMODULE receipt=beta \\\n receipt=acme issuer=\"i\" subject=\"s*\" "
		"min_svn=7 issuer_key=" P384_B " digest=sha256:" HEX_A
		" boot_verified=FALSE action=ALLOW\n"
		"op=EXECUTE action=DENY\n");
	const struct receipt_rule *rule = p->rules;

	(void)state;
	assert_string_equal(p->name, "test");
	assert_int_equal(p->version[0], 1);
	assert_int_equal(p->version[1], 2);
	assert_int_equal(p->version[2], 3);
	assert_int_equal(p->mode, RECEIPT_MODE_ENFORCE);
	assert_int_equal(p->digests, 1 << RECEIPT_KIND_SHA256);

	assert_int_equal(p->nlogs, 4);
	assert_string_equal(p->logs[0].name, "acme");
	assert_string_equal(p->logs[0].issuer, "log.acme");
	assert_int_equal(p->logs[0].key.curve, RECEIPT_CURVE_P256);
	assert_int_equal(p->logs[0].key.spki_len, 91);
	assert_int_equal(p->logs[0].key.spki[0], 0x30);
	assert_int_equal(p->logs[0].key.spki[90], 0xac);
	assert_int_equal(p->logs[0].entry, RECEIPT_ENTRY_SHA256_STMT);
	assert_true(p->logs[0].identity_verified);
	assert_string_equal(p->logs[1].name, "beta");
	assert_int_equal(p->logs[1].entry, RECEIPT_ENTRY_STMT);
	assert_false(p->logs[2].identity_verified);
	assert_int_equal(p->logs[3].key.curve, RECEIPT_CURVE_P384);
	assert_int_equal(p->logs[3].key.spki_len, 120);
	assert_int_equal(p->logs[3].key.spki[119], 0x0f);

	assert_int_equal(p->nrules, 2);
	assert_int_equal(rule->line, 9);
	assert_int_equal(rule->op, RECEIPT_OP_KMODULE);
	assert_int_equal(rule->action, RECEIPT_ACTION_ALLOW);
	assert_int_equal(rule->nreceipts, 2);
	assert_string_equal(rule->receipts[0], "beta");
	assert_string_equal(rule->receipts[1], "acme");
	assert_string_equal(rule->issuer, "i");
	assert_string_equal(rule->subject, "s*");
	assert_true(rule->has_min_svn);
	assert_int_equal(rule->min_svn, 7);
	assert_true(rule->has_issuer_key);
	assert_int_equal(rule->issuer_key.curve, RECEIPT_CURVE_P384);
	assert_int_equal(rule->digests[0].kind, RECEIPT_KIND_SHA256);
	assert_memory_equal(rule->digests[0].bytes, "\x00\x11\x22\x33", 4);
	assert_int_equal(rule->digests[0].bytes[31], 0xff);
	assert_int_equal(rule->boot_verified, RECEIPT_FALSE);

	rule++;
	assert_int_equal(rule->line, 11);
	assert_int_equal(rule->op, RECEIPT_OP_EXECUTE);
	assert_int_equal(rule->action, RECEIPT_ACTION_DENY);
	assert_int_equal(rule->nreceipts, 0);
	assert_null(rule->issuer);
	assert_null(rule->subject);
	assert_false(rule->has_min_svn);
	assert_false(rule->has_issuer_key);
	assert_int_equal(rule->ndigests, 0);
	assert_int_equal(rule->boot_verified, RECEIPT_ANY);

	assert_int_equal(p->defaults[RECEIPT_OP_EXECUTE], RECEIPT_ACTION_DENY);
	assert_int_equal(p->default_lines[RECEIPT_OP_EXECUTE], 8);
	assert_int_equal(p->defaults[RECEIPT_OP_FIRMWARE], RECEIPT_ACTION_ALLOW);
	assert_int_equal(p->default_lines[RECEIPT_OP_FIRMWARE], 7);
	assert_int_equal(p->defaults[RECEIPT_OP_ANON_EXEC], RECEIPT_ACTION_DENY);
	assert_int_equal(p->default_lines[RECEIPT_OP_ANON_EXEC], 8);
	receipt_policy_free(p);
}

/* One line many times, with the number in it where the format says so. */
static char *repeat(const char *head, const char *fmt, int n, const char *tail)
{
	size_t size = strlen(head) + n * (strlen(fmt) + 16) + strlen(tail) + 1;
	char *text = malloc(size);
	size_t used;
	int i;

	assert_non_null(text);
	used = sprintf(text, "%s", head);
	for (i = 0; i < n; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		used += sprintf(text + used, fmt, i);
#pragma GCC diagnostic pop
	}
	strcpy(text + used, tail);
	return text;
}

static void test_length(void **state)
{
	char *text = malloc(RECEIPT_MAX_POLICY + 2);
	size_t used = sprintf(text, HEADER DENY "#");

	(void)state;
	memset(text + used, 'x', RECEIPT_MAX_POLICY + 1 - used);
	text[RECEIPT_MAX_POLICY] = '\0';
	receipt_policy_free(must_parse(text));
	must_fail(text, RECEIPT_MAX_POLICY + 1, 0, 0, "longer than 61440 bytes");
	free(text);
}

static void test_value_length(void **state)
{
	char value[RECEIPT_MAX_CLAIM + 2];
	char text[2048];

	(void)state;
	memset(value, 'v', sizeof(value));
	value[RECEIPT_MAX_CLAIM] = '\0';
	snprintf(text, sizeof(text), HEADER ACME DENY
		 "op=EXECUTE subject=%s action=DENY\n", value);
	receipt_policy_free(must_parse(text));
	value[RECEIPT_MAX_CLAIM] = 'v';
	value[RECEIPT_MAX_CLAIM + 1] = '\0';
	snprintf(text, sizeof(text), HEADER ACME DENY
		 "op=EXECUTE subject=\"%s\" action=DENY\n", value);
	must_fail(text, strlen(text), 4, 21, "longer than 1024 bytes");
}

static void test_many_rules(void **state)
{
	/* The shortest rules fill the text before they are over their bound. */
	char *text = repeat(HEADER DENY, "op=POLICY action=DENY\n",
			    (RECEIPT_MAX_POLICY - 100) / 22, "");
	struct receipt_policy *policy = must_parse(text);

	(void)state;
	assert_int_equal(policy->nrules, (RECEIPT_MAX_POLICY - 100) / 22);
	assert_int_equal(policy->rules[policy->nrules - 1].line,
			 policy->nrules + 2);
	receipt_policy_free(policy);
	free(text);
}

/* Keys that differ in two digits of the point. */
static void test_many_logs(void **state)
{
	static const char line[] = "log name=l%1$d alg=ES256 key="
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ4ENEQMy7ci7It53jW1+xpfDfDM7"
		"C7OP7azgzCy3xtZ+UDalZfHZlVuERU+zLKnmadbckScgGUwCt5w/p0%1$02drA== issuer=i%1$d\n";
	char *text = repeat(HEADER DENY, line, RECEIPT_POLICY_LOGS, "");

	(void)state;
	receipt_policy_free(must_parse(text));
	free(text);
	text = repeat(HEADER DENY, line, RECEIPT_POLICY_LOGS + 1, "");
	must_fail(text, strlen(text), 3 + RECEIPT_POLICY_LOGS, 1, "more than 32 log lines");
	free(text);
}

static void test_many_receipts(void **state)
{
	static const char line[] = "log name=l%1$d alg=ES256 identity=verified key="
		"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEJ4ENEQMy7ci7It53jW1+xpfDfDM7"
		"C7OP7azgzCy3xtZ+UDalZfHZlVuERU+zLKnmadbckScgGUwCt5w/p0%1$02drA== issuer=i%1$d\n";
	char *text = repeat(HEADER DENY, line, 5,
			    "op=EXECUTE receipt=l0 receipt=l1 receipt=l2 receipt=l3 action=ALLOW\n"
			    "op=EXECUTE receipt=l0 receipt=l1 receipt=l2 receipt=l3 receipt=l4 action=ALLOW\n");

	(void)state;
	must_fail(text, strlen(text), 9, 56, "more than 4 receipt=");
	free(text);
}

static void test_names(void **state)
{
	int op;

	(void)state;
	for (op = 0; op < RECEIPT_OP_COUNT; op++) {
		const char *name = receipt_op_name(op);

		assert_int_equal(receipt_op_parse(name, strlen(name)), op);
		assert_int_equal(receipt_op_parse(name, strlen(name) - 1), -EINVAL);
	}
	assert_string_equal(receipt_op_name(RECEIPT_OP_KEXEC_INITRAMFS), "KEXEC_INITRAMFS");
	assert_string_equal(receipt_op_name(RECEIPT_OP_COUNT), "UNKNOWN");
	assert_string_equal(receipt_op_name(-1), "UNKNOWN");
	assert_int_equal(receipt_op_parse("", 0), -EINVAL);
	assert_int_equal(receipt_op_parse("EXECUTED", 8), -EINVAL);
}

static void test_versions(void **state)
{
	static const struct receipt_policy rising[] = {
		{ .version = { 0, 0, 0 } },
		{ .version = { 0, 0, 9 } },
		{ .version = { 0, 1, 0 } },
		{ .version = { 0, 10, 0 } },
		{ .version = { 1, 0, 0 } },
		{ .version = { 65535, 0, 0 } },
	};
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rising); i++) {
		for (j = 0; j < ARRAY_SIZE(rising); j++) {
			int cmp = receipt_policy_version_cmp(&rising[i], &rising[j]);

			assert_int_equal(cmp, i < j ? -1 : i > j);
		}
	}
}

static void test_free_nothing(void **state)
{
	(void)state;
	receipt_policy_free(NULL);
	receipt_policy_free(ERR_PTR(-EINVAL));
	receipt_policy_free(ERR_PTR(-ENOMEM));
}

/* The policies that ship; tests run in the root of the tree. */
static void test_shipped(void **state)
{
	char text[RECEIPT_MAX_POLICY + 1];
	glob_t found;
	size_t i;

	(void)state;
	assert_int_equal(glob("policy/*.policy", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		FILE *f = fopen(found.gl_pathv[i], "r");

		assert_non_null(f);
		text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
		fclose(f);
		print_message("%s\n", found.gl_pathv[i]);
		receipt_policy_free(must_parse(text));
	}
	globfree(&found);
}

/* Robustness */

static const char rich[] =
	"# What a server allows.\n" HEADER ACME ACME2 BETA OPEN
	"DEFAULT action=DENY\nDEFAULT op=FIRMWARE action=ALLOW\n\n"
	"op=EXECUTE boot_verified=TRUE action=ALLOW\n"
	"op=EXECUTE digest=sha256:" HEX_A " action=DENY\n"
	"op=EXECUTE receipt=acme subject=\"deb/*\" min_svn=7 action=ALLOW # fresh\n"
	"op=EXECUTE receipt=acme \\\n\treceipt=beta action=ALLOW\n"
	"op=KMODULE receipt=acme issuer=\"did:x509:\xc3\xbc\" action=ALLOW\n"
	"op=POLICY receipt=open issuer_key=" P256_C " subject=\"policy/web\" action=ALLOW\n";

/* Refused with a place in the text, or whole. */
static bool is_sound(const char *text, size_t len)
{
	struct receipt_policy_error err;
	struct receipt_policy *policy = parse_bytes(text, len, &err);
	u32 i;

	if (IS_ERR(policy)) {
		assert_int_equal(PTR_ERR(policy), -EINVAL);
		assert_true(err.line <= len + 1 && err.column <= len + 1);
		assert_true(err.line || !err.column);
		assert_true(strlen(err.text) > 0);
		assert_null(memchr(err.text, '\n', strlen(err.text)));
		return false;
	}
	for (i = 0; i < RECEIPT_OP_COUNT; i++)
		assert_true(policy->defaults[i] == RECEIPT_ACTION_ALLOW ||
			    policy->defaults[i] == RECEIPT_ACTION_DENY);
	for (i = 0; i < policy->nrules; i++)
		assert_true(policy->rules[i].action != RECEIPT_ACTION_UNSET &&
			    policy->rules[i].op < RECEIPT_OP_COUNT);
	assert_true(policy->mode != RECEIPT_MODE_NONE && policy->name);
	receipt_policy_free(policy);
	return true;
}

static void test_truncations(void **state)
{
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(rich) - 1; len++)
		is_sound(rich, len);
	assert_true(is_sound(rich, sizeof(rich) - 1));
}

static u32 next_random(u64 *seed)
{
	*seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return *seed >> 33;
}

/* Replace, insert, remove, or repeat something somewhere. */
static size_t mutate(char *text, size_t len, u64 *seed)
{
	static const char favourites[] = " \t\n\r\\\"#=*:./,0aA\x7f\x80\xc3";
	size_t at = next_random(seed) % len;
	size_t n = 1 + next_random(seed) % 40;
	char c = next_random(seed) % 4 ?
		 favourites[next_random(seed) % sizeof(favourites)] :
		 (char)next_random(seed);

	switch (next_random(seed) % 4) {
	case 0:
		text[at] = c;
		return len;
	case 1:
		memmove(text + at + 1, text + at, len - at);
		text[at] = c;
		return len + 1;
	case 2:
		if (n > len - at || n >= len)
			n = 1;
		memmove(text + at, text + at + n, len - at - n);
		return len - n;
	default:
		if (n > len - at)
			n = len - at;
		memmove(text + at + n, text + at, len - at);
		return len + n;
	}
}

static void test_mutations(void **state)
{
	char text[sizeof(rich) + 8 * 40];
	unsigned int accepted = 0;
	u64 seed = 20240911;
	int i, n;

	(void)state;
	for (i = 0; i < 10000; i++) {
		size_t len = sizeof(rich) - 1;

		memcpy(text, rich, len);
		for (n = 1 + next_random(&seed) % 8; n > 0; n--)
			len = mutate(text, len, &seed);
		accepted += is_sound(text, len);
	}
	/* Both outcomes must have been seen, or nothing was tested. */
	assert_true(accepted > 10 && accepted < 9000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_lines),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_good_texts),
		cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_digests),
		cmocka_unit_test(test_recheck),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_verity),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_value_length),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_many_logs),
		cmocka_unit_test(test_many_receipts),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_free_nothing),
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_mutations),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
