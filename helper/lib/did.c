// SPDX-License-Identifier: MIT
/*
 * did:x509, version 0: whether an issuer's name fits the certificates beside it.
 *
 *	did:x509:0:(sha256|sha384|sha512):FINGERPRINT(::PREDICATE:VALUE)+
 *
 * That it fits says nothing of who made the certificates: anyone can make a
 * chain for a name of his own. Whoever relies on it pins the name.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "receipt.h"

#define PREFIX		"did:x509:0:"
#define MAX_PREDICATES	16
#define MAX_FIELDS	32
#define FULCIO_ISSUER	"1.3.6.1.4.1.57264.1.1"

/**
 * struct did - a name, taken apart
 * @text: storage, cut into pieces
 * @alg: of the fingerprint
 * @fingerprint: of a certificate above the first, base64url
 * @n: used entries of @predicates
 * @predicates: "NAME:VALUE", still percent-encoded
 */
struct did {
	char text[RECEIPT_MAX_CLAIM + 1];
	char *alg;
	char *fingerprint;
	size_t n;
	char *predicates[MAX_PREDICATES];
};

static int refuse(struct rcpt_error *err, const char *text)
{
	return rcpt_fail(err, RCPT_INVALID, RECEIPT_REASON_CERTIFICATE, RCPT_NO_OFFSET,
			 "did:x509: %s", text);
}

static bool valid_characters(const char *text)
{
	return !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789-._:%")];
}

static int split_predicates(struct did *did, char *rest, struct rcpt_error *err)
{
	char *next;

	for (; rest; rest = next) {
		next = strstr(rest, "::");
		if (next) {
			*next = '\0';
			next += 2;
		}
		if (did->n == MAX_PREDICATES)
			return refuse(err, "too many predicates");
		did->predicates[did->n++] = rest;
	}
	return did->n ? 0 : refuse(err, "no predicate");
}

static int parse(struct rcpt_span in, struct did *did, struct rcpt_error *err)
{
	char *rest, *fragment;

	memset(did, 0, sizeof(*did));
	if (in.len >= sizeof(did->text))
		return refuse(err, "too long");
	memcpy(did->text, in.data, in.len);
	fragment = strchr(did->text, '#');
	if (fragment)
		*fragment = '\0';
	if (strncmp(did->text, PREFIX, strlen(PREFIX)) || !valid_characters(did->text))
		return refuse(err, "not a name of version 0");
	did->alg = did->text + strlen(PREFIX);
	rest = strstr(did->alg, "::");
	if (rest) {
		*rest = '\0';
		rest += 2;
	}
	did->fingerprint = strchr(did->alg, ':');
	if (!did->fingerprint)
		return refuse(err, "no fingerprint");
	*did->fingerprint++ = '\0';
	return split_predicates(did, rest, err);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decodes in place; a zero byte would end the text early. */
static bool decode(char *text)
{
	char *out = text;
	int hi, lo;

	for (; *text; text++) {
		if (*text != '%') {
			*out++ = *text;
			continue;
		}
		hi = hex_digit(text[1]);
		lo = hi < 0 ? -1 : hex_digit(text[2]);
		if (lo < 0 || !(hi | lo))
			return false;
		*out++ = hi << 4 | lo;
		text += 2;
	}
	*out = '\0';
	return true;
}

/* "a:b:c" to decoded fields; 0 when there are too many or one is damaged. */
static size_t split_fields(char *value, char *fields[MAX_FIELDS])
{
	size_t n = 0;
	char *field;

	while ((field = strsep(&value, ":"))) {
		if (n == MAX_FIELDS || !decode(field) || !*field)
			return 0;
		fields[n++] = field;
	}
	return n;
}

/*
 * The chain
 */

/* The path that was found is the one that was sent, all of it, in order. */
static bool same_chain(const STACK_OF(X509) *a, const STACK_OF(X509) *b)
{
	int i;

	if (sk_X509_num(a) != sk_X509_num(b))
		return false;
	for (i = 0; i < sk_X509_num(a); i++)
		if (X509_cmp(sk_X509_value(a, i), sk_X509_value(b, i)))
			return false;
	return true;
}

static int check_key_usage(X509 *leaf, struct rcpt_error *err)
{
	uint32_t usage = X509_get_key_usage(leaf);

	if (usage & (KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT))
		return 0;
	return refuse(err, "the first certificate's key is not for signing");
}

static const EVP_MD *fingerprint_md(const char *alg)
{
	return !strcmp(alg, "sha256") ? EVP_sha256() : !strcmp(alg, "sha384") ? EVP_sha384() :
	       !strcmp(alg, "sha512") ? EVP_sha512() : NULL;
}

static void base64url(const uint8_t *data, size_t len, char *out)
{
	EVP_EncodeBlock((uint8_t *)out, data, len);
	out[strcspn(out, "=")] = '\0';
	for (; *out; out++)
		*out = *out == '+' ? '-' : *out == '/' ? '_' : *out;
}

static int check_fingerprint(const struct did *did, const struct rcpt_span *chain,
			     size_t n, struct rcpt_error *err)
{
	const EVP_MD *md = fingerprint_md(did->alg);
	uint8_t digest[EVP_MAX_MD_SIZE];
	char text[4 * EVP_MAX_MD_SIZE / 3 + 8];
	unsigned int len;
	size_t i;

	if (!md)
		return refuse(err, "unknown algorithm of the fingerprint");
	for (i = 1; i < n; i++) {
		if (!EVP_Digest(chain[i].data, chain[i].len, digest, &len, md, NULL))
			continue;
		base64url(digest, len, text);
		if (!strcmp(text, did->fingerprint))
			return 0;
	}
	return refuse(err, "the fingerprint is of none of the certificates above the first");
}

/*
 * Predicates over the first certificate
 */

static bool string_is(const ASN1_STRING *str, const char *text)
{
	unsigned char *utf8;
	int len = ASN1_STRING_to_UTF8(&utf8, str);
	bool same = len >= 0 && (size_t)len == strlen(text) && !memcmp(utf8, text, len);

	if (len >= 0)
		OPENSSL_free(utf8);
	return same;
}

static ASN1_OBJECT *subject_key(const char *key)
{
	static const char *const names[][2] = {
		{ "CN", "2.5.4.3" }, { "C", "2.5.4.6" }, { "L", "2.5.4.7" },
		{ "ST", "2.5.4.8" }, { "STREET", "2.5.4.9" }, { "O", "2.5.4.10" },
		{ "OU", "2.5.4.11" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i][0], key))
			key = names[i][1];
	return key[strspn(key, "0123456789.")] ? NULL : OBJ_txt2obj(key, 1);
}

static bool subject_has(X509 *leaf, const char *key, const char *value)
{
	const X509_NAME *name = X509_get_subject_name(leaf);
	ASN1_OBJECT *obj = subject_key(key);
	int at = obj ? X509_NAME_get_index_by_OBJ(name, obj, -1) : -1;

	ASN1_OBJECT_free(obj);
	return at >= 0 &&
	       string_is(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), value);
}

static bool is_subject(X509 *leaf, char *fields[], size_t n)
{
	size_t i, j;

	if (!n || n % 2)
		return false;
	for (i = 0; i < n; i += 2) {
		for (j = 0; j < i; j += 2)
			if (!strcmp(fields[i], fields[j]))
				return false;
		if (!subject_has(leaf, fields[i], fields[i + 1]))
			return false;
	}
	return true;
}

static bool is_san(X509 *leaf, char *fields[], size_t n)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int i, type = n != 2 ? -1 : !strcmp(fields[0], "email") ? GEN_EMAIL :
		      !strcmp(fields[0], "dns") ? GEN_DNS :
		      !strcmp(fields[0], "uri") ? GEN_URI : -1;
	bool found = false;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && type >= 0; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == type && string_is(name->d.ia5, fields[1]))
			found = true;
	}
	GENERAL_NAMES_free(names);
	return found;
}

static bool is_eku(X509 *leaf, char *fields[], size_t n)
{
	return n == 1 && rcpt_cert_has_eku(leaf, fields[0]);
}

static bool is_fulcio_issuer(X509 *leaf, char *fields[], size_t n)
{
	static const char scheme[] = "https://";
	ASN1_OBJECT *obj = OBJ_txt2obj(FULCIO_ISSUER, 1);
	int at = obj ? X509_get_ext_by_OBJ(leaf, obj, -1) : -1;
	const ASN1_OCTET_STRING *value = at < 0 ? NULL :
					 X509_EXTENSION_get_data(X509_get_ext(leaf, at));
	struct rcpt_span span = { 0 };

	ASN1_OBJECT_free(obj);
	if (!value || n != 1)
		return false;
	span.data = ASN1_STRING_get0_data(value);
	span.len = ASN1_STRING_length(value);
	if (span.len < strlen(scheme) || memcmp(span.data, scheme, strlen(scheme)))
		return false;
	span.data += strlen(scheme);
	span.len -= strlen(scheme);
	return rcpt_span_equal(span, fields[0], strlen(fields[0]));
}

/* Two attributes of one kind, or names of other kinds, leave room for doubt. */
static bool unambiguous(X509 *leaf)
{
	const X509_NAME *name = X509_get_subject_name(leaf);
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	bool good = true;
	int i;

	for (i = 0; i < X509_NAME_entry_count(name); i++)
		if (X509_NAME_get_index_by_OBJ(name,
			X509_NAME_ENTRY_get_object(X509_NAME_get_entry(name, i)), i) >= 0)
			good = false;
	for (i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type = sk_GENERAL_NAME_value(names, i)->type;

		good = good && (type == GEN_EMAIL || type == GEN_DNS || type == GEN_URI);
	}
	GENERAL_NAMES_free(names);
	return good;
}

/* @names: it speaks of names, so they must be unambiguous */
static const struct {
	const char *name;
	bool names;
	bool (*holds)(X509 *leaf, char *fields[], size_t n);
} predicates[] = {
	{ "subject", true, is_subject },
	{ "san", true, is_san },
	{ "eku", false, is_eku },
	{ "fulcio-issuer", false, is_fulcio_issuer },
};

static bool holds(X509 *leaf, char *predicate)
{
	char *name = strsep(&predicate, ":"), *fields[MAX_FIELDS];
	size_t i, n = predicate ? split_fields(predicate, fields) : 0;

	for (i = 0; i < ARRAY_SIZE(predicates); i++)
		if (!strcmp(predicates[i].name, name))
			return n && (!predicates[i].names || unambiguous(leaf)) &&
			       predicates[i].holds(leaf, fields, n);
	return false;
}

static int check_leaf(struct did *did, X509 *leaf, struct rcpt_error *err)
{
	size_t i;

	for (i = 0; i < did->n; i++)
		if (!holds(leaf, did->predicates[i]))
			return refuse(err, "a predicate does not hold for the first certificate");
	return check_key_usage(leaf, err);
}

/**
 * rcpt_is_did_x509() - whether an issuer's name is of this kind
 * @iss: name
 *
 * Return: whether it begins so.
 */
bool rcpt_is_did_x509(struct rcpt_span iss)
{
	return iss.len > 9 && !memcmp(iss.data, "did:x509:", 9);
}

/* The last certificate is the anchor, and all of them are one path. */
static int check_path(STACK_OF(X509) *certs, struct rcpt_error *err)
{
	STACK_OF(X509) *anchor = sk_X509_new_null(), *path = NULL;
	int ret;

	if (!anchor || !sk_X509_push(anchor, sk_X509_value(certs, sk_X509_num(certs) - 1))) {
		sk_X509_free(anchor);
		return rcpt_fail(err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY,
				 RCPT_NO_OFFSET, "no memory");
	}
	ret = rcpt_certs_path(certs, anchor, &path, err);
	if (!ret && !same_chain(path, certs))
		ret = refuse(err, "the certificates are not one path");
	sk_X509_pop_free(path, X509_free);
	sk_X509_free(anchor);
	return ret;
}

/**
 * rcpt_did_x509_check() - whether a did:x509 fits a chain of certificates
 * @iss: the name
 * @chain: DER, first the signer's, last the anchor
 * @n: certificates
 * @err: what went wrong
 *
 * Dates are left out: see rcpt_certs_cover().
 *
 * Return: 0; -RCPT_INVALID when it does not fit, is not well-formed, or the
 * chain does not hold together; -RCPT_MALFORMED for a certificate that is none;
 * -RCPT_SYSTEM.
 */
int rcpt_did_x509_check(struct rcpt_span iss, const struct rcpt_span *chain, size_t n,
			struct rcpt_error *err)
{
	STACK_OF(X509) *certs;
	struct did did;
	int ret = parse(iss, &did, err);

	if (ret)
		return ret;
	if (n < 2)
		return refuse(err, "at least two certificates are needed");
	ret = rcpt_certs_read(chain, n, &certs, err);
	if (ret)
		return ret;
	ret = check_path(certs, err);
	if (!ret)
		ret = check_fingerprint(&did, chain, n, err);
	if (!ret)
		ret = check_leaf(&did, sk_X509_value(certs, 0), err);
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	return ret;
}
