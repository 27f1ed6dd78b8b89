// SPDX-License-Identifier: MIT
/*
 * Files of trust anchors: JWKS, COSE_KeySet, COSE_Key, PEM and DER keys and
 * certificates, and the JSON in which ledgers publish their certificate.
 */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "receipt.h"

#define MAX_NUMBER	RCPT_MAX_RSA_BYTES
#define MAX_COORDINATE	66	/* bytes, P-521 */
#define MAX_POINT	(1 + 2 * MAX_COORDINATE)

/* What is being filled and where it comes from. */
struct load {
	struct rcpt_keys *keys;
	const struct rcpt_key_source *source;
	const char *issuer;
	struct rcpt_error *err;
	size_t found;
};

struct curve {
	const char *name;
	int64_t cose;
	size_t size;
};

static const struct curve curves[] = {
	{ "P-256", 1, 32 },
	{ "P-384", 2, 48 },
	{ "P-521", 3, 66 },
};

static int no_memory(struct load *l)
{
	return rcpt_fail(l->err, RCPT_SYSTEM, RECEIPT_REASON_NO_MEMORY, RCPT_NO_OFFSET,
			 "no memory");
}

static int malformed(struct load *l, const char *text)
{
	return rcpt_fail(l->err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
			 RCPT_NO_OFFSET, "%s", text);
}

/* What was found of one key; @pkey is taken over. */
struct found {
	EVP_PKEY *pkey;		/* NULL: it was no key */
	struct rcpt_span kid;
	struct rcpt_span cert;
	bool bare;
};

static bool copy_bytes(struct rcpt_span in, uint8_t **out, size_t *len)
{
	if (!in.len)
		return true;
	*out = malloc(in.len);
	*len = in.len;
	if (*out)
		memcpy(*out, in.data, in.len);
	return *out;
}

static int put(struct load *l, struct found found)
{
	struct rcpt_key key = { .pkey = found.pkey, .bare = found.bare,
				.entry = l->source->entry };
	bool ok;

	ERR_clear_error();
	if (!found.pkey)
		return malformed(l, "not a public key of a supported kind");
	if (l->issuer)
		key.issuer = strdup(l->issuer);
	ok = (!l->issuer || key.issuer) && copy_bytes(found.kid, &key.kid, &key.kid_len);
	ok = ok && copy_bytes(found.cert, &key.cert, &key.cert_len);
	l->found++;
	if (ok)
		return rcpt_keys_put(l->keys, &key, l->err);
	EVP_PKEY_free(key.pkey);
	free(key.issuer);
	free(key.kid);
	free(key.cert);
	return no_memory(l);
}

static int put_certificate(struct load *l, struct rcpt_span der, bool bare)
{
	return put(l, (struct found){ .pkey = rcpt_key_from_cert(der), .cert = der,
				      .bare = bare });
}

static int put_spki(struct load *l, struct rcpt_span der, bool bare)
{
	return put(l, (struct found){ .pkey = rcpt_key_from_spki(der), .bare = bare });
}

static EVP_PKEY *key_from_xy(const struct curve *curve, struct rcpt_span x,
			     struct rcpt_span y)
{
	uint8_t point[MAX_POINT] = { 4 };

	if (!curve || x.len != curve->size || y.len != curve->size)
		return NULL;
	memcpy(point + 1, x.data, x.len);
	memcpy(point + 1 + x.len, y.data, y.len);
	return rcpt_key_from_ec(curve->name, rcpt_span(point, 1 + x.len + y.len));
}

static EVP_PKEY *key_from_x(const struct curve *curve, struct rcpt_span x, bool odd)
{
	uint8_t point[MAX_POINT] = { odd ? 3 : 2 };

	if (!curve || x.len != curve->size)
		return NULL;
	memcpy(point + 1, x.data, x.len);
	return rcpt_key_from_ec(curve->name, rcpt_span(point, 1 + x.len));
}

/*
 * JSON
 */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-' || c == '+')
		return 62;
	return c == '_' || c == '/' ? 63 : -1;
}

/* Both alphabets, padded or not; @out has room for 3/4 of the text. */
static bool base64_decode(const char *text, uint8_t *out, size_t room, size_t *len)
{
	uint32_t bits = 0;
	int value, have = 0;

	for (*len = 0; *text && *text != '='; text++) {
		value = base64_value(*text);
		if (value < 0)
			return false;
		bits = bits << 6 | value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		if (*len == room)
			return false;
		out[(*len)++] = bits >> have;
	}
	return have < 6 && text[strspn(text, "=")] == '\0';
}

static const char *member(const json_t *obj, const char *name)
{
	const char *text = json_string_value(json_object_get(obj, name));

	return text ? text : "";
}

static const struct curve *curve_by_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(curves); i++)
		if (!strcmp(curves[i].name, name))
			return &curves[i];
	return NULL;
}

static EVP_PKEY *key_from_jwk(const json_t *jwk)
{
	bool rsa = !strcmp(member(jwk, "kty"), "RSA");
	uint8_t x[MAX_NUMBER], y[MAX_NUMBER];
	struct rcpt_span sx = { .data = x }, sy = { .data = y };

	if (!base64_decode(member(jwk, rsa ? "n" : "x"), x, sizeof(x), &sx.len) ||
	    !base64_decode(member(jwk, rsa ? "e" : "y"), y, sizeof(y), &sy.len))
		return NULL;
	if (rsa)
		return rcpt_key_from_rsa(sx, sy);
	if (!strcmp(member(jwk, "kty"), "OKP"))
		return rcpt_key_from_ed25519(sx);
	return key_from_xy(curve_by_name(member(jwk, "crv")), sx, sy);
}

static bool jwk_known(const json_t *jwk)
{
	const char *kty = member(jwk, "kty"), *crv = member(jwk, "crv");

	return !strcmp(kty, "EC") ? !!curve_by_name(crv) : !strcmp(kty, "RSA") ||
	       (!strcmp(kty, "OKP") && !strcmp(crv, "Ed25519"));
}

static int put_jwk(struct load *l, const json_t *jwk)
{
	const char *kid = member(jwk, "kid");

	return put(l, (struct found){ .pkey = key_from_jwk(jwk),
				      .kid = rcpt_span(kid, strlen(kid)) });
}

/* Keys of kinds that nothing here is signed with are passed over. */
static int load_jwks(struct load *l, const json_t *list)
{
	size_t i;
	json_t *jwk;
	int ret;

	if (!json_is_array(list))
		return malformed(l, "JWKS: \"keys\" is not an array");
	json_array_foreach(list, i, jwk) {
		if (!jwk_known(jwk))
			continue;
		ret = put_jwk(l, jwk);
		if (ret)
			return ret;
	}
	return 0;
}

static int load_pem(struct load *l, const void *data, size_t len, bool bare);

static int load_certificate_text(struct load *l, const char *text)
{
	size_t room = strlen(text), len;
	uint8_t *der;
	int ret;

	if (strstr(text, "-----BEGIN"))
		return load_pem(l, text, room, false);
	der = malloc(room + 1);
	if (!der)
		return no_memory(l);
	ret = base64_decode(text, der, room, &len) ?
	      put_certificate(l, rcpt_span(der, len), false) :
	      malformed(l, "certificate is neither PEM nor base64");
	free(der);
	return ret;
}

static int load_ledger(struct load *l, const json_t *obj)
{
	static const char *const names[] = { "serviceCertificate",
					     "ledgerTlsCertificate" };
	size_t i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(names) && !ret; i++)
		if (*member(obj, names[i]))
			ret = load_certificate_text(l, member(obj, names[i]));
	return ret;
}

/* { issuer: { "keys": [...] } } */
static int load_issuers(struct load *l, json_t *root)
{
	const char *issuer, *outer = l->issuer;
	json_t *value;
	int ret = 0;

	json_object_foreach(root, issuer, value) {
		if (!json_object_get(value, "keys"))
			continue;
		if (outer && strcmp(outer, issuer))
			continue;
		l->issuer = issuer;
		ret = load_jwks(l, json_object_get(value, "keys"));
		if (ret)
			break;
	}
	l->issuer = outer;
	return ret;
}

static int load_object(struct load *l, json_t *root)
{
	const json_t *parameters = json_object_get(root, "parameters");
	size_t i;
	json_t *obj;
	int ret;

	if (json_object_get(root, "keys"))
		return load_jwks(l, json_object_get(root, "keys"));
	if (jwk_known(root))
		return put_jwk(l, root);
	json_array_foreach(parameters, i, obj) {
		ret = load_ledger(l, obj);
		if (ret)
			return ret;
	}
	ret = load_ledger(l, root);
	return ret ? ret : load_issuers(l, root);
}

static int load_json(struct load *l, struct rcpt_span in)
{
	json_error_t jerr;
	json_t *root = json_loadb((const char *)in.data, in.len, JSON_REJECT_DUPLICATES,
				  &jerr);
	int ret;

	if (!root)
		return rcpt_fail(l->err, RCPT_MALFORMED, RECEIPT_REASON_STRUCTURE,
				 jerr.position < 0 ? RCPT_NO_OFFSET :
				 (size_t)jerr.position, "JSON: %s", jerr.text);
	ret = json_is_object(root) ? load_object(l, root) :
				     malformed(l, "JSON: object expected");
	json_decref(root);
	return ret;
}

/*
 * PEM and DER
 */

static int put_pem(struct load *l, const char *name, struct rcpt_span der, bool bare)
{
	if (!strcmp(name, PEM_STRING_X509))
		return put_certificate(l, der, bare);
	if (!strcmp(name, PEM_STRING_PUBLIC))
		return put_spki(l, der, bare);
	if (strstr(name, "PRIVATE KEY"))
		return malformed(l, "a private key, where a public one belongs");
	return malformed(l, "PEM: neither a public key nor a certificate");
}

static int load_pem(struct load *l, const void *data, size_t len, bool bare)
{
	BIO *bio = BIO_new_mem_buf(data, len);
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	size_t before = l->found;
	long der_len;
	int ret = bio ? 0 : no_memory(l);

	while (!ret && PEM_read_bio(bio, &name, &header, &der, &der_len)) {
		ret = put_pem(l, name, rcpt_span(der, der_len), bare);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	/* "No start line" after the last block is how PEM ends. */
	if (!ret && (l->found == before ||
		     ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE))
		ret = malformed(l, "PEM: damaged");
	ERR_clear_error();
	return ret;
}

static int load_der(struct load *l, struct rcpt_span in)
{
	EVP_PKEY *key = rcpt_key_from_cert(in);

	if (!key)
		return put_spki(l, in, true);
	return put(l, (struct found){ .pkey = key, .cert = in, .bare = true });
}

/*
 * COSE
 */

enum { KEY_KTY = 1, KEY_KID = 2, KEY_CRV = -1, KEY_X = -2, KEY_Y = -3 };
enum { KTY_OKP = 1, KTY_EC2 = 2, KTY_RSA = 3, CRV_ED25519 = 6 };

/* What the negative labels mean depends on kty, which may come after them. */
struct cose_key {
	int64_t kty;
	struct rcpt_span kid;
	struct rcpt_head crv;		/* RSA: n */
	struct rcpt_head x;		/* RSA: e */
	struct rcpt_head y;
};

static int read_cose_key_pair(struct rcpt_reader *r, struct cose_key *key)
{
	struct rcpt_head head;
	int64_t label;

	if (rcpt_read(r, &head))
		return r->failed;
	if (!rcpt_head_int(&head, &label))
		return rcpt_skip(r, NULL);
	switch (label) {
	case KEY_KTY:
		return rcpt_read_int(r, &key->kty, "kty");
	case KEY_KID:
		if (!rcpt_read(r, &head) && head.major != RCPT_BYTES &&
		    head.major != RCPT_TEXT)
			return rcpt_reader_fail(r, RECEIPT_REASON_STRUCTURE, head.offset,
						"kid: byte string expected");
		key->kid = head.string;
		return r->failed;
	default:
		break;
	}
	if (rcpt_read(r, &head))
		return r->failed;
	if (label == KEY_CRV)
		key->crv = head;
	else if (label == KEY_X)
		key->x = head;
	else if (label == KEY_Y)
		key->y = head;
	return rcpt_skip_value(r, &head);
}

static const struct curve *curve_by_cose(int64_t crv)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(curves); i++)
		if (curves[i].cose == crv)
			return &curves[i];
	return NULL;
}

static const struct curve *cose_curve(const struct cose_key *key)
{
	int64_t crv;

	return rcpt_head_int(&key->crv, &crv) ? curve_by_cose(crv) : NULL;
}

static bool cose_key_known(const struct cose_key *key)
{
	switch (key->kty) {
	case KTY_EC2:
		return cose_curve(key);
	case KTY_OKP:
		return key->crv.major == RCPT_UINT && key->crv.arg == CRV_ED25519;
	default:
		return key->kty == KTY_RSA;
	}
}

/* Empty when it is no byte string. */
static struct rcpt_span number_of(const struct rcpt_head *head)
{
	return head->major == RCPT_BYTES ? head->string : (struct rcpt_span){ 0 };
}

static EVP_PKEY *key_from_cose(const struct cose_key *key)
{
	struct rcpt_span x = number_of(&key->x);

	if (key->kty == KTY_RSA)
		return rcpt_key_from_rsa(number_of(&key->crv), x);
	if (key->kty == KTY_OKP)
		return rcpt_key_from_ed25519(x);
	if (key->y.major == RCPT_SIMPLE && key->y.arg <= RCPT_TRUE)
		return key_from_x(cose_curve(key), x, key->y.arg == RCPT_TRUE);
	return key_from_xy(cose_curve(key), x, number_of(&key->y));
}

static int load_cose_key(struct load *l, struct rcpt_reader *r)
{
	struct cose_key key = { 0 };
	size_t offset = r->in.offset + r->pos;
	uint64_t count;
	int ret;

	if (rcpt_read_map(r, &count, "COSE_Key"))
		return r->failed;
	for (; count; count--)
		if (read_cose_key_pair(r, &key))
			return r->failed;
	if (!cose_key_known(&key))
		return 0;
	ret = put(l, (struct found){ .pkey = key_from_cose(&key), .kid = key.kid });
	if (ret == -RCPT_MALFORMED && l->err)
		l->err->offset = offset;
	return ret;
}

static int load_cose(struct load *l, struct rcpt_span in)
{
	struct rcpt_reader r;
	uint64_t count = 1;
	int ret = 0;

	rcpt_reader_init(&r, in, l->err);
	if (in.data[0] >> 5 == RCPT_ARRAY)
		ret = rcpt_read_array(&r, &count, "COSE_KeySet");
	for (; count && !ret; count--)
		ret = load_cose_key(l, &r);
	return ret ? ret : rcpt_read_end(&r);
}

/**
 * rcpt_keys_read_set() - trust the keys of a COSE_KeySet inside of something else
 * @keys: set; it may hold some of them after a failure
 * @r: reader, on the array
 * @source: what holds for all of them
 *
 * Keys of unknown kinds are passed over; there may be none.
 *
 * Return: 0; -RCPT_MALFORMED; -RCPT_SYSTEM.
 */
int rcpt_keys_read_set(struct rcpt_keys *keys, struct rcpt_reader *r,
		       const struct rcpt_key_source *source)
{
	struct load l = { .keys = keys, .source = source, .issuer = source->issuer,
			  .err = r->err };
	uint64_t count;

	if (rcpt_read_array(r, &count, "COSE_KeySet"))
		return r->failed;
	for (; count && !r->failed; count--)
		r->failed = load_cose_key(&l, r);
	return r->failed;
}

static int load(struct load *l, struct rcpt_span in)
{
	size_t i = 0;

	while (i < in.len && memchr(" \t\r\n", in.data[i], 4))
		i++;
	if (i == in.len)
		return malformed(l, "empty");
	if (in.data[i] == '{' || in.data[i] == '[')
		return load_json(l, in);
	if (memmem(in.data, in.len, "-----BEGIN", 10))
		return load_pem(l, in.data, in.len, true);
	if (in.data[0] == 0x30)
		return load_der(l, in);
	if (in.data[0] >> 5 == RCPT_ARRAY || in.data[0] >> 5 == RCPT_MAP)
		return load_cose(l, in);
	return malformed(l, "no file of keys: neither JWKS, COSE keys, PEM nor DER");
}

/**
 * rcpt_keys_add() - trust the keys of a file
 * @keys: set; unchanged where the file is refused as a whole, it may hold some
 *	of its keys after a later failure
 * @in: content: JWKS, JWK, JSON with a ledger's certificate, JSON of JWKS by
 *	issuer, COSE_KeySet, COSE_Key, PEM or DER public keys and certificates
 * @source: what holds for all of them
 * @err: what went wrong
 *
 * Certificates are taken for their keys; neither their dates nor their issuers
 * are looked at, since it is the caller who trusts them.
 *
 * Return: 0; -RCPT_MALFORMED also when no usable key is in it; -RCPT_SYSTEM.
 */
int rcpt_keys_add(struct rcpt_keys *keys, struct rcpt_span in,
		  const struct rcpt_key_source *source, struct rcpt_error *err)
{
	struct load l = { .keys = keys, .source = source, .issuer = source->issuer,
			  .err = err };
	int ret;

	/* JSON takes forty times its size when it is read. */
	if (in.len > RCPT_MAX_KEY_FILE)
		return rcpt_fail(err, RCPT_MALFORMED, RECEIPT_REASON_BOUND, RCPT_MAX_KEY_FILE,
				 "a file of keys is over %u bytes", RCPT_MAX_KEY_FILE);
	ret = load(&l, in);
	if (!ret && !l.found)
		return malformed(&l, "no public key of a supported kind in it");
	return ret;
}
