// SPDX-License-Identifier: GPL-2.0-only
/*
 * ECDSA with a log's or an issuer's key, each signature verified once.
 *
 * One receipt vouches for every file of a package, so what has been verified is
 * remembered: a table of SHA-256(key id || alg || to-be-signed hash || signature),
 * newest wins its slot. It holds successes only, and what it holds is bound to the
 * key, not to the policy.
 */
#include <crypto/public_key.h>
#include <linux/kmemleak.h>
#include <linux/oid_registry.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "private.h"

#define COSE_ES256		(-7)
#define COSE_ES384		(-35)
#define COSE_ES512		(-36)
#define COSE_ESP256		(-9)
#define COSE_ESP384		(-51)
#define COSE_ESP512		(-52)

#define COSE_EC2		2	/* kty */
#define COORD_MAX		66
#define POINT_MAX		(1 + 2 * COORD_MAX)
#define HASH_MAX		64
#define DER_SIG_MAX		(2 * (COORD_MAX + 3) + 3)
#define VERIFIED_SLOTS		4096

static const struct {
	const char *algo;
	s64 alg;	/* that a log uses it with */
	s64 full;	/* the same, named with its curve (RFC 9864) */
	u8 crv;		/* COSE elliptic curve, RFC 9053 section 7.1 */
	u8 coord;	/* bytes of a coordinate */
} curves[] = {
	[RECEIPT_CURVE_P256] = { "ecdsa-nist-p256", COSE_ES256, COSE_ESP256, 1, 32 },
	[RECEIPT_CURVE_P384] = { "ecdsa-nist-p384", COSE_ES384, COSE_ESP384, 2, 48 },
	[RECEIPT_CURVE_P521] = { "ecdsa-nist-p521", COSE_ES512, COSE_ESP512, 3, 66 },
};

/*
 * RFC 9053 section 2.1: an algorithm names a hash, not a curve. Those of RFC 9864 do,
 * and are tried with any key all the same: a key that is revoked may do otherwise.
 */
struct algorithm {
	s64 alg;
	const char *hash;
	enum receipt_kind kind;
	u8 size;
};

static const struct algorithm algorithms[] = {
	{ COSE_ES256, "sha256", RECEIPT_KIND_SHA256, 32 },
	{ COSE_ES384, "sha384", RECEIPT_KIND_SHA384, 48 },
	{ COSE_ES512, "sha512", RECEIPT_KIND_SHA512, 64 },
	{ COSE_ESP256, "sha256", RECEIPT_KIND_SHA256, 32 },
	{ COSE_ESP384, "sha384", RECEIPT_KIND_SHA384, 48 },
	{ COSE_ESP512, "sha512", RECEIPT_KIND_SHA512, 64 },
};

/* Not every kernel has it; the other two are needed to load. */
static bool has_p521 __ro_after_init;

static DEFINE_SPINLOCK(verified_lock);
static u8 (*verified)[RECEIPT_HASH_SIZE] __ro_after_init;

/* All that public_key_verify_signature() reads, away from the stack. */
struct verification {
	struct public_key key;
	struct public_key_signature sig;
	u8 point[POINT_MAX];
	u8 der[DER_SIG_MAX];
	u8 hash[HASH_MAX];
};

/* A positive DER INTEGER of a big-endian number; returns its end. */
static u8 *put_der_int(u8 *out, const u8 *num, size_t len)
{
	while (len > 1 && !*num) {
		num++;
		len--;
	}
	*out++ = 0x02;
	*out++ = len + (*num >> 7);
	if (*num >> 7)
		*out++ = 0;
	memcpy(out, num, len);

	return out + len;
}

/* r || s as COSE has it (RFC 9053 section 2.1) to ECDSA-Sig-Value. */
static size_t der_signature(u8 *out, const u8 *sig, size_t coord)
{
	u8 *start = out + 3;
	u8 *end = put_der_int(put_der_int(start, sig, coord), sig + coord,
			      coord);
	size_t len = end - start;

	*out++ = 0x30;
	if (len > 0x7f)
		*out++ = 0x81;
	*out++ = len;
	memmove(out, start, len);

	return out + len - (start - 3);
}

/**
 * receipt_logkey_fits - does an algorithm belong to a key's curve?
 * @key: key
 * @alg: COSE algorithm of a receipt
 *
 * Return: whether it does.
 */
bool receipt_logkey_fits(const struct receipt_key *key, s64 alg)
{
	return curves[key->curve].alg == alg || curves[key->curve].full == alg;
}

/**
 * receipt_logkey_kid - does a key id name a key?
 * @key: key
 * @kid: label 4 of a receipt; a missing one (NULL data) names every key
 *
 * Logs write the SHA-256 of the key, as bytes or as hex text, or its thumbprint
 * (RFC 9679).
 *
 * Return: whether it does.
 */
bool receipt_logkey_kid(const struct receipt_key *key,
			const struct receipt_text *kid)
{
	char hex[2 * RECEIPT_HASH_SIZE];

	if (!kid->data)
		return true;
	if (kid->len == RECEIPT_HASH_SIZE)
		return !memcmp(kid->data, key->id, RECEIPT_HASH_SIZE) ||
		       !memcmp(kid->data, key->thumbprint, RECEIPT_HASH_SIZE);
	bin2hex(hex, key->id, RECEIPT_HASH_SIZE);

	return kid->len == sizeof(hex) && !memcmp(kid->data, hex, sizeof(hex));
}

static size_t point_size(const struct receipt_key *key)
{
	return 1 + 2 * curves[key->curve].coord;
}

/* {1: 2, -1: crv, -2: x, -3: y}, in order: RFC 9679 section 4. */
static int identify_thumbprint(struct receipt_key *key)
{
	size_t coord = curves[key->curve].coord;
	const u8 *x = key->spki + key->spki_len - 2 * coord;
	u8 start[] = { 0xa4, 0x01, COSE_EC2, 0x20, curves[key->curve].crv,
		       0x21, 0x58, coord };
	u8 middle[] = { 0x22, 0x58, coord };
	struct receipt_span spans[] = {
		{ start, sizeof(start) },
		{ x, coord },
		{ middle, sizeof(middle) },
		{ x + coord, coord },
	};

	return receipt_sha256(spans, ARRAY_SIZE(spans), key->thumbprint);
}

static const struct algorithm *find_algorithm(s64 alg)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (algorithms[i].alg == alg)
			return &algorithms[i];

	return NULL;
}

static int verify_hash(const struct receipt_key *key,
		       const struct algorithm *alg, const u8 *hash,
		       const u8 *sig)
{
	size_t point = point_size(key);
	struct verification *v = kzalloc(sizeof(*v), GFP_KERNEL);
	int ret;

	if (!v)
		return -ENOMEM;

	memcpy(v->point, key->spki + key->spki_len - point, point);
	memcpy(v->hash, hash, alg->size);
	v->key.key = v->point;
	v->key.keylen = point;
	v->key.algo = OID_id_ecPublicKey;
	v->key.pkey_algo = curves[key->curve].algo;
	v->key.id_type = "X509";
	v->sig.s = v->der;
	v->sig.s_size = der_signature(v->der, sig, curves[key->curve].coord);
	receipt_signature_set_hash(&v->sig, v->hash, alg->size);
	v->sig.pkey_algo = "ecdsa";
	v->sig.hash_algo = alg->hash;
	v->sig.encoding = "x962";
	ret = public_key_verify_signature(&v->key, &v->sig);
	kfree(v);

	return ret;
}

/*
 * Is the key a point of its curve? The kernel says so when it takes the key, before
 * it looks at the signature, which is none here.
 */
static int check_point(const struct receipt_key *key)
{
	static const u8 hash[HASH_MAX] = { 1 };
	u8 sig[2 * COORD_MAX] = {};
	size_t coord = curves[key->curve].coord;
	int ret;

	sig[coord - 1] = 1;
	sig[2 * coord - 1] = 1;
	ret = verify_hash(key, find_algorithm(curves[key->curve].alg), hash, sig);

	return ret == -EKEYREJECTED ? 0 : ret == -EBADMSG ? -EINVAL : ret;
}

/**
 * receipt_logkey_identify - check a key, and fill in what it is known by
 * @key: key of a policy that is not used yet
 *
 * Context: May sleep.
 * Return: 0; -EOPNOTSUPP when this kernel has not got the curve; -EINVAL when it is
 *	not a point of it; or what the hash or the kernel's ECDSA says.
 */
int receipt_logkey_identify(struct receipt_key *key)
{
	struct receipt_span spki = { key->spki, key->spki_len };

	if (key->curve == RECEIPT_CURVE_P521 && !has_p521)
		return -EOPNOTSUPP;

	return receipt_sha256(&spki, 1, key->id) ?:
	       identify_thumbprint(key) ?: check_point(key);
}

static u8 *slot_of(const u8 *id)
{
	return verified[(id[0] | id[1] << 8) % VERIFIED_SLOTS];
}

static bool is_verified(const u8 *id)
{
	bool known;

	spin_lock(&verified_lock);
	known = !memcmp(slot_of(id), id, RECEIPT_HASH_SIZE);
	spin_unlock(&verified_lock);

	return known;
}

static void set_verified(const u8 *id)
{
	spin_lock(&verified_lock);
	memcpy(slot_of(id), id, RECEIPT_HASH_SIZE);
	spin_unlock(&verified_lock);
}

/* What a success is remembered by; the length tells the hashes apart. */
static int verification_id(const struct receipt_key *key, const u8 *hash,
			   size_t hash_size, const u8 *sig, size_t sig_len,
			   u8 *id)
{
	u8 spki_id[RECEIPT_HASH_SIZE];
	struct receipt_span spki = { key->spki, key->spki_len };
	struct receipt_span spans[] = {
		{ spki_id, sizeof(spki_id) },
		{ hash, hash_size },
		{ sig, sig_len },
	};

	return receipt_sha256(&spki, 1, spki_id) ?:
	       receipt_sha256(spans, ARRAY_SIZE(spans), id);
}

/*
 * Only what is said of the signature says that the key did not make it: that it is
 * wrong, or has numbers that none has.
 */
static enum receipt_reason reason_of(int error)
{
	switch (error) {
	case 0:
		return RECEIPT_REASON_ALLOWED;
	case -EKEYREJECTED:
	case -EBADMSG:
		return RECEIPT_REASON_SIGNATURE;
	case -ENOMEM:
		return RECEIPT_REASON_NO_MEMORY;
	default:
		pr_warn_ratelimited("a signature cannot be verified (error %d)\n",
				    error);
		return RECEIPT_REASON_UNVERIFIABLE;
	}
}

/**
 * receipt_logkey_verify - verify a COSE signature
 * @key: key of the policy
 * @alg: COSE algorithm of the signature; that it is the one of the curve matters
 *	for logs only, see receipt_logkey_fits()
 * @tbs: pieces of the Sig_structure (RFC 9052 section 4.4)
 * @n: their number
 * @sig: r || s
 * @sig_len: its length
 *
 * Context: May sleep.
 * Return: RECEIPT_REASON_ALLOWED, RECEIPT_REASON_SIGNATURE when it is not one of
 *	@key; RECEIPT_REASON_ALGORITHM, RECEIPT_REASON_NO_MEMORY or
 *	RECEIPT_REASON_UNVERIFIABLE when that is not known.
 */
enum receipt_reason receipt_logkey_verify(const struct receipt_key *key, s64 alg,
					  const struct receipt_span *tbs, size_t n,
					  const u8 *sig, size_t sig_len)
{
	const struct algorithm *algorithm = find_algorithm(alg);
	u8 hash[HASH_MAX], id[RECEIPT_HASH_SIZE];
	int ret;

	if (!algorithm)
		return RECEIPT_REASON_ALGORITHM;
	if (sig_len != 2 * curves[key->curve].coord)
		return RECEIPT_REASON_SIGNATURE;
	if (receipt_hash(algorithm->kind, tbs, n, hash) ||
	    verification_id(key, hash, algorithm->size, sig, sig_len, id))
		return RECEIPT_REASON_NO_MEMORY;
	if (is_verified(id))
		return RECEIPT_REASON_ALLOWED;

	receipt_count(RECEIPT_STAT_SIGNATURES);
	ret = verify_hash(key, algorithm, hash, sig);
	if (!ret)
		set_verified(id);

	return reason_of(ret);
}

/* A signature of the text "receipt" under a throw-away key. */
struct known_answer {
	s64 alg;
	struct receipt_key key;
	u8 sig_len;
	u8 sig[2 * COORD_MAX];
};

static const struct known_answer known_answers[] __initconst = {
	{
		.alg = COSE_ES256,
		.key = {
			.curve = RECEIPT_CURVE_P256,
			.spki_len = 91,
			.spki = {
				0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
				0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
				0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0xd3, 0x04, 0x16,
				0xb1, 0xdc, 0x87, 0xfb, 0x32, 0xcf, 0x5d, 0xd1, 0x20, 0x5a,
				0x55, 0xa5, 0x4a, 0x4a, 0x48, 0xd1, 0xc1, 0xa1, 0x64, 0x44,
				0x0f, 0x16, 0x9c, 0x9f, 0xcf, 0xbc, 0x8b, 0xb8, 0x47, 0xc1,
				0xb2, 0xb6, 0x54, 0x0d, 0xf0, 0x07, 0xd1, 0x6d, 0x32, 0xeb,
				0x55, 0x86, 0x44, 0xff, 0x80, 0x83, 0x90, 0xca, 0x14, 0x86,
				0x05, 0x00, 0x79, 0x57, 0x3d, 0x85, 0xcb, 0xd4, 0xbb, 0xf5,
				0xe5,
			},
		},
		.sig_len = 64,
		.sig = {
			0x59, 0x6b, 0x04, 0x8d, 0x53, 0x41, 0x6d, 0x86, 0x51, 0xdd,
			0x47, 0xa4, 0x25, 0xb0, 0x27, 0xa8, 0xdb, 0xb3, 0xc5, 0x32,
			0xf4, 0x80, 0xc4, 0xe5, 0xba, 0x48, 0x29, 0x83, 0xd0, 0x56,
			0x80, 0xbb, 0xc0, 0x13, 0x66, 0xad, 0x23, 0xc2, 0x3b, 0xd7,
			0x0b, 0xa6, 0x07, 0x85, 0xbd, 0x1a, 0x21, 0xd6, 0x67, 0x16,
			0x54, 0xce, 0x05, 0x99, 0x18, 0x50, 0xa9, 0xcf, 0x50, 0x41,
			0x43, 0xa6, 0x70, 0xfb,
		},
	},
	{
		.alg = COSE_ES384,
		.key = {
			.curve = RECEIPT_CURVE_P384,
			.spki_len = 120,
			.spki = {
				0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce,
				0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
				0x03, 0x62, 0x00, 0x04, 0x72, 0xcc, 0x23, 0xc8, 0x71, 0x06,
				0xc1, 0xf6, 0xc7, 0x1d, 0x93, 0x1b, 0x71, 0xc2, 0xfc, 0xf8,
				0xda, 0xbc, 0x74, 0x7f, 0xe7, 0xea, 0x70, 0xcc, 0x62, 0x53,
				0x02, 0x1f, 0x92, 0x58, 0x3f, 0x0e, 0x73, 0xbf, 0x5f, 0xf3,
				0xb3, 0xf8, 0xee, 0xd4, 0x46, 0x9f, 0xa3, 0x9e, 0x28, 0x54,
				0xcf, 0x8e, 0x25, 0x25, 0xc0, 0x6f, 0xf8, 0xcd, 0x0f, 0x12,
				0x25, 0x71, 0x88, 0x5c, 0x2e, 0xe5, 0xed, 0xc8, 0xb5, 0xc0,
				0x83, 0xf9, 0x51, 0xfe, 0xe8, 0xbb, 0x45, 0xb0, 0x31, 0x6e,
				0x54, 0xe9, 0x79, 0xdf, 0x03, 0xdb, 0x50, 0x5e, 0x83, 0xf6,
				0xac, 0xdd, 0x6a, 0xdd, 0xb1, 0xc6, 0xf1, 0x87, 0x80, 0xe4,
			},
		},
		.sig_len = 96,
		.sig = {
			0x35, 0x31, 0xe7, 0xbb, 0xc2, 0x2e, 0x92, 0x58, 0xa3, 0xac,
			0x2f, 0x77, 0xcc, 0x1b, 0x4a, 0x0b, 0xe0, 0x9b, 0x72, 0x37,
			0xbd, 0x60, 0x92, 0x9d, 0xcb, 0x35, 0x8a, 0x54, 0xa2, 0x4f,
			0xfa, 0x3d, 0xac, 0x11, 0xbb, 0xb9, 0xe3, 0x67, 0x96, 0x45,
			0x72, 0x36, 0x57, 0xdb, 0x01, 0x37, 0xf5, 0x55, 0xe1, 0x6a,
			0xd8, 0xfd, 0xef, 0x5c, 0x6f, 0x43, 0x5b, 0x32, 0xe8, 0xc9,
			0xc3, 0x24, 0xdc, 0xc2, 0x75, 0x33, 0x08, 0xe2, 0x91, 0xd0,
			0x80, 0x17, 0x27, 0x0a, 0xf9, 0x77, 0x2b, 0xde, 0x03, 0xe6,
			0x16, 0xa1, 0xc5, 0x2d, 0x34, 0x4f, 0xab, 0x46, 0x88, 0x0f,
			0xcd, 0xf5, 0x4f, 0x6f, 0xe0, 0xc1,
		},
	},
	{
		.alg = COSE_ES512,
		.key = {
			.curve = RECEIPT_CURVE_P521,
			.spki_len = 158,
			.spki = {
				0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48,
				0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
				0x23, 0x03, 0x81, 0x86, 0x00, 0x04, 0x00, 0x57, 0x1b, 0x08,
				0x11, 0xdb, 0xbb, 0x67, 0x99, 0x79, 0xdf, 0x08, 0x2c, 0xbc,
				0xfd, 0x7c, 0x29, 0xb6, 0x58, 0x40, 0x2a, 0x48, 0xa1, 0x88,
				0xe4, 0x4f, 0xb8, 0xbe, 0x9e, 0x37, 0xa0, 0x15, 0x3f, 0xa9,
				0x13, 0x67, 0x69, 0x35, 0x8e, 0x8d, 0xbb, 0xe4, 0x56, 0x17,
				0xc7, 0x91, 0x79, 0x15, 0x23, 0x54, 0x84, 0x74, 0xa1, 0xea,
				0xfb, 0x74, 0x29, 0x31, 0xc3, 0x4d, 0xc4, 0x30, 0x0d, 0xd5,
				0xf1, 0xde, 0x01, 0x6a, 0x93, 0x17, 0xa1, 0xc3, 0x67, 0xec,
				0xcd, 0x6e, 0xf7, 0xaf, 0xd0, 0x7d, 0xb6, 0x3d, 0x6e, 0xe0,
				0xe6, 0xe1, 0x50, 0xea, 0x5d, 0x14, 0x4a, 0x0c, 0x6e, 0xba,
				0x98, 0x52, 0x78, 0x85, 0xef, 0x38, 0x15, 0x27, 0x9f, 0x06,
				0xb1, 0xf6, 0x3d, 0x29, 0x4c, 0xd6, 0x1a, 0x4c, 0x56, 0x63,
				0x16, 0x27, 0x8c, 0x77, 0x9f, 0xd0, 0x28, 0x3b, 0x23, 0x5c,
				0x7f, 0x33, 0x7e, 0x1a, 0x94, 0x9a, 0xa3, 0x22,
			},
		},
		.sig_len = 132,
		.sig = {
			0x00, 0xa0, 0x0a, 0x44, 0x64, 0xd4, 0x3c, 0x70, 0xc3, 0xff,
			0x0f, 0x40, 0xbc, 0x42, 0x9c, 0xfc, 0x07, 0x5b, 0xae, 0x45,
			0xe7, 0x01, 0x4c, 0x37, 0xc4, 0x79, 0xb9, 0xe0, 0xa0, 0x78,
			0x86, 0x7c, 0x00, 0x87, 0x07, 0x39, 0x66, 0xcb, 0x7f, 0x29,
			0x87, 0xcd, 0xde, 0xee, 0xdc, 0x55, 0x79, 0x1b, 0x2d, 0x11,
			0x1b, 0x3a, 0x6f, 0x9b, 0x4a, 0xcb, 0xfd, 0x67, 0x89, 0xf2,
			0xe3, 0xce, 0x97, 0x64, 0xa9, 0xa2, 0x00, 0x39, 0x3d, 0xde,
			0xa7, 0x90, 0x9f, 0x41, 0x95, 0x47, 0x43, 0xec, 0x87, 0xe7,
			0xae, 0x8f, 0x6a, 0x83, 0x4d, 0xb1, 0xab, 0x36, 0xd9, 0x7b,
			0x54, 0xfd, 0x8f, 0x24, 0xd9, 0xf4, 0xac, 0x97, 0xb9, 0x6e,
			0x2f, 0xd5, 0xca, 0xbb, 0xda, 0x66, 0xc1, 0x11, 0xc6, 0x07,
			0x1d, 0xdb, 0x60, 0x56, 0xb2, 0x8e, 0xe4, 0x7b, 0xba, 0xf7,
			0xf7, 0x28, 0x4e, 0x9e, 0x04, 0x29, 0xd6, 0x67, 0xd2, 0xf4,
			0xb3, 0x86,
		},
	},
};

static int __init test_known_answer(const struct known_answer *ka)
{
	struct receipt_span good = { "receipt", 7 }, bad = { "Receipt", 7 };
	const struct algorithm *alg = find_algorithm(ka->alg);
	u8 hash[HASH_MAX];
	int ret;

	ret = receipt_hash(alg->kind, &good, 1, hash) ?:
	      verify_hash(&ka->key, alg, hash, ka->sig);
	if (ret)
		return ret;
	ret = receipt_hash(alg->kind, &bad, 1, hash) ?:
	      verify_hash(&ka->key, alg, hash, ka->sig);

	return ret == -EKEYREJECTED ? 0 : -EINVAL;
}

/**
 * receipt_logkey_init - prove that the kernel's ECDSA works
 *
 * Context: Process context, may load crypto modules.
 * Return: 0, -ENOMEM, or -EOPNOTSUPP where the kernel has no ECDSA.
 */
int __init receipt_logkey_init(void)
{
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(known_answers); i++) {
		ret = test_known_answer(&known_answers[i]);
		if (known_answers[i].alg == COSE_ES512) {
			has_p521 = !ret;
		} else if (ret) {
			pr_err("this kernel does not verify %s (error %d): ECDSA is needed, Linux 6.12 has it\n",
			       curves[known_answers[i].key.curve].algo, ret);
			return -EOPNOTSUPP;
		}
	}
	verified = kvcalloc(VERIFIED_SLOTS, sizeof(*verified), GFP_KERNEL);
	/* Variables that are read-only now are not scanned in a module. */
	kmemleak_not_leak(verified);

	return verified ? 0 : -ENOMEM;
}

/**
 * receipt_logkey_exit - undo receipt_logkey_init() after a failed bring-up
 */
void __init receipt_logkey_exit(void)
{
	kvfree(verified);
}
