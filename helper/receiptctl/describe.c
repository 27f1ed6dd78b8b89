// SPDX-License-Identifier: MIT
/*
 * Statements, receipts, bundles and keys as JSON trees, labels by name.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "describe.h"
#include "event.h"
#include "receiptctl.h"

#define SHORT_PAYLOAD	64	/* bytes that are shown; of more, the digest */

static void set(json_t *obj, const char *key, json_t *value)
{
	json_object_set_new(obj, key, value);
}

static void set_span(json_t *obj, const char *key, struct rcpt_span text)
{
	if (text.data)
		set(obj, key, json_text(text.data, text.len));
}

static void set_bytes(json_t *obj, const char *key, struct rcpt_span bytes)
{
	if (bytes.data)
		set(obj, key, json_bytes(bytes.data, bytes.len));
}

static json_t *alg_json(int64_t alg, struct rcpt_span text)
{
	const char *name = rcpt_alg_name(alg);

	if (text.data)
		return json_text(text.data, text.len);
	return name ? json_string(name) : json_integer(alg);
}

static json_t *sha256_json(const void *data, size_t len)
{
	uint8_t digest[RECEIPT_HASH_SIZE];

	if (rcpt_sha256(data, len, digest))
		return json_null();
	return json_bytes(digest, sizeof(digest));
}

static json_t *name_json(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	json_t *json = json_null();
	char *text;
	long len;

	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(bio, &text);
		json = json_text(text, len);
	}
	BIO_free(bio);
	return json;
}

static json_t *asn1_time_json(const ASN1_TIME *time)
{
	struct tm tm;

	if (!ASN1_TIME_to_tm(time, &tm))
		return json_null();
	return json_time(timegm(&tm));
}

static json_t *ekus_json(X509 *cert)
{
	EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	json_t *list = json_array();
	char oid[128];
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(usage); i++)
		if (OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usage, i), 1) > 0)
			json_array_append_new(list, json_string(oid));
	sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
	return list;
}

/**
 * describe_certificate() - subject, issuer, validity, uses and key of a certificate
 * @der: X.509, unverified
 *
 * Return: new reference.
 */
json_t *describe_certificate(struct rcpt_span der)
{
	const uint8_t *p = der.data;
	X509 *cert = d2i_X509(NULL, &p, der.len);
	json_t *json = json_object();
	EVP_PKEY *key;
	uint8_t id[RECEIPT_HASH_SIZE];

	set(json, "sha256", sha256_json(der.data, der.len));
	if (!cert || p != der.data + der.len) {
		set(json, "damaged", json_true());
		X509_free(cert);
		return json;
	}
	set(json, "subject", name_json(X509_get_subject_name(cert)));
	set(json, "issuer", name_json(X509_get_issuer_name(cert)));
	set(json, "not_before", asn1_time_json(X509_get0_notBefore(cert)));
	set(json, "not_after", asn1_time_json(X509_get0_notAfter(cert)));
	set(json, "eku", ekus_json(cert));
	key = X509_get0_pubkey(cert);
	if (key && !rcpt_key_id(key, id))
		set(json, "key", json_bytes(id, sizeof(id)));
	X509_free(cert);
	return json;
}

static json_t *crit_json(const struct rcpt_header *h)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < h->ncrit; i++)
		json_array_append_new(list, h->crit[i].text.data ?
				      json_text(h->crit[i].text.data, h->crit[i].text.len) :
				      json_integer(h->crit[i].num));
	return list;
}

/* Key ids are hexadecimal text with some logs, bytes with others. */
static json_t *kid_json(struct rcpt_span kid)
{
	size_t i;

	for (i = 0; i < kid.len && kid.data[i] > 0x20 && kid.data[i] < 0x7f; i++)
		;
	return kid.len && i == kid.len ? json_text(kid.data, kid.len) :
					 json_bytes(kid.data, kid.len);
}

static json_t *chain_json(const struct rcpt_header *h)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < h->nchain; i++)
		json_array_append_new(list, describe_certificate(h->chain[i]));
	return list;
}

static const char *vds_name(int64_t vds)
{
	switch (vds) {
	case RECEIPT_VDS_RFC9162:
		return "RFC9162_SHA256";
	case RECEIPT_VDS_CCF:
		return "CCF_LEDGER_SHA256";
	default:
		return "unknown";
	}
}

static bool named_claim(const struct rcpt_head *key)
{
	if (key->major == RCPT_TEXT)
		return rcpt_span_equal(key->string, "svn", 3);
	return key->major == RCPT_UINT && (key->arg == 1 || key->arg == 2 || key->arg == 6);
}

/* Those of header_json(). */
static bool named_label(const struct rcpt_head *key)
{
	static const uint16_t named[] = { 1, 2, 3, 4, 15, 33, 34, 258, 259, 260, 395 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(named); i++)
		if (key->major == RCPT_UINT && key->arg == named[i])
			return true;
	return false;
}

static bool named_receipts(const struct rcpt_head *key)
{
	return key->major == RCPT_UINT && key->arg == RCPT_LABEL_RECEIPTS;
}

static bool named_proofs(const struct rcpt_head *key)
{
	return key->major == RCPT_UINT && key->arg == RCPT_LABEL_PROOFS;
}

/* Inclusion (-1) and consistency (-2). */
static bool named_proof(const struct rcpt_head *key)
{
	return key->major == RCPT_NINT && key->arg <= 1;
}

static bool named_nothing(const struct rcpt_head *key)
{
	(void)key;
	return false;
}

/* Diagnostic notation of an item, on one line. */
static json_t *diag_json(struct rcpt_span raw)
{
	char *text = NULL, *in, *out;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *json;

	if (!f)
		return json_null();
	print_diag(raw, f, NULL);
	fclose(f);
	for (in = out = text; in && *in; in++) {
		if (*in == '\n') {
			while (in[1] == ' ')
				in++;
			if (out > text && out[-1] == ',')
				*out++ = ' ';
			continue;
		}
		*out++ = *in;
	}
	json = text ? json_text(text, out - text) : json_null();
	free(text);
	return json;
}

/**
 * describe_cbor() - any item, in diagnostic notation
 * @in: it
 *
 * Return: new reference; NULL when it is not well-formed, or longer than a statement may
 * be: what is shown takes a hundred times its size.
 */
json_t *describe_cbor(struct rcpt_span in)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	json_t *json = NULL;
	int ret;

	if (!f)
		return NULL;
	ret = in.len > RCPT_MAX_STATEMENT ? -1 : print_diag(in, f, NULL);
	fclose(f);
	if (!ret) {
		json = json_object();
		set(json, "diag", json_text(text, len));
	}
	free(text);
	return json;
}

/* "label": value of the labels that have no name here. */
static json_t *other_labels(struct rcpt_span map, bool (*named)(const struct rcpt_head *key))
{
	json_t *list = json_array();
	struct rcpt_reader r;
	struct rcpt_head key;
	struct rcpt_span value;
	uint64_t count;

	rcpt_reader_init(&r, map, NULL);
	rcpt_read_map(&r, &count, "header");
	for (; count && !r.failed; count--) {
		size_t start = r.pos;

		if (rcpt_read(&r, &key))
			break;
		value = (struct rcpt_span){ map.data + start, r.pos - start, 0 };
		if (rcpt_skip(&r, NULL))
			break;
		if (named(&key))
			continue;
		json_array_append_new(list, diag_json(value));
		value.data += value.len;
		value.len = r.pos - start - value.len;
		json_array_append_new(list, diag_json(value));
	}
	return list;
}

static void set_others(json_t *obj, const char *key, struct rcpt_span map,
		       bool (*named)(const struct rcpt_head *key))
{
	json_t *list = other_labels(map, named), *others = json_object();
	size_t i;

	for (i = 0; i + 1 < json_array_size(list); i += 2)
		json_object_set(others, json_string_value(json_array_get(list, i)) ?: "?",
				json_array_get(list, i + 1));
	if (json_object_size(others))
		set(obj, key, others);
	else
		json_decref(others);
	json_decref(list);
}

static json_t *claims_json(const struct rcpt_claims *c)
{
	json_t *json = json_object();

	set_span(json, "iss", c->iss);
	set_span(json, "sub", c->sub);
	if (c->has_iat) {
		set(json, "iat", json_integer(c->iat));
		set(json, "iat_utc", json_time(c->iat));
	}
	if (c->has_svn)
		set(json, "svn", json_u64(c->svn));
	set_others(json, "other", c->raw, named_claim);
	return json;
}

static void set_hash_envelope(json_t *json, const struct rcpt_header *h)
{
	if (h->has_hash_alg)
		set(json, "payload_hash_alg", alg_json(h->hash_alg, (struct rcpt_span){ 0 }));
	set_span(json, "preimage_content_type", h->preimage_type);
	if (h->has_preimage_format)
		set(json, "preimage_content_type", json_u64(h->preimage_format));
	set_span(json, "payload_location", h->location);
}

static json_t *header_json(const struct rcpt_sign1 *sign1, const struct rcpt_header *h)
{
	json_t *json = json_object();

	if (h->has_alg)
		set(json, "alg", alg_json(h->alg, h->alg_text));
	if (h->ncrit)
		set(json, "crit", crit_json(h));
	set_span(json, "content_type", h->content_type);
	if (h->has_content_format)
		set(json, "content_type", json_u64(h->content_format));
	if (h->kid.data)
		set(json, "kid", kid_json(h->kid));
	if (h->has_claims)
		set(json, "claims", claims_json(&h->claims));
	if (h->nchain)
		set(json, "x5chain", chain_json(h));
	if (h->x5t.data) {
		set(json, "x5t_alg", alg_json(h->x5t_alg, h->x5t_alg_text));
		set_bytes(json, "x5t", h->x5t);
	}
	set_hash_envelope(json, h);
	if (h->has_vds) {
		set(json, "vds", json_integer(h->vds));
		set(json, "vds_name", json_string(vds_name(h->vds)));
	}
	set_span(json, "ccf_txid", h->txid);
	set_others(json, "other", sign1->protected, named_label);
	return json;
}

static json_t *path_json(const uint8_t (*path)[RECEIPT_HASH_SIZE], const uint8_t *left,
			 size_t n)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++) {
		json_t *hash = json_bytes(path[i], RECEIPT_HASH_SIZE);
		const char *side = !left ? "" : left[i] ? "left " : "right ";

		json_array_append_new(list, json_sprintf("%s%s", side,
							 json_string_value(hash)));
		json_decref(hash);
	}
	return list;
}

static json_t *inclusion_json(const struct rcpt_inclusion *p, int64_t vds)
{
	bool ccf = vds == RECEIPT_VDS_CCF;
	json_t *json = json_object();

	if (ccf) {
		set(json, "internal_transaction_hash",
		    json_bytes(p->leaf_tx, sizeof(p->leaf_tx)));
		set_span(json, "internal_evidence", p->evidence);
		set(json, "data_hash", json_bytes(p->data_hash, sizeof(p->data_hash)));
	} else {
		set(json, "leaf_index", json_u64(p->index));
		set(json, "tree_size", json_u64(p->size));
	}
	set(json, "path", path_json(p->path, ccf ? p->left : NULL, p->npath));
	return json;
}

/* A CCF proof gives both roots by itself; one of RFC 9162 begins at the older one. */
static json_t *consistency_json(const struct rcpt_consistency *p, int64_t vds)
{
	bool ccf = vds == RECEIPT_VDS_CCF;
	uint8_t older[RECEIPT_HASH_SIZE], newer[RECEIPT_HASH_SIZE];
	json_t *json = json_object();

	if (ccf) {
		set(json, "anchor", json_bytes(p->anchor, sizeof(p->anchor)));
	} else {
		set(json, "first_size", json_u64(p->first));
		set(json, "second_size", json_u64(p->second));
	}
	set(json, "path", path_json(p->path, ccf ? p->left : NULL, p->npath));
	if (!ccf || rcpt_ccf_consistency(p->anchor, p->left, p->path, p->npath, older, newer))
		return json;
	set(json, "older_root", json_bytes(older, sizeof(older)));
	set(json, "newer_root", json_bytes(newer, sizeof(newer)));
	return json;
}

static json_t *consistencies_json(const struct rcpt_receipt *receipt)
{
	json_t *list = json_array();
	struct rcpt_consistency proof;
	struct rcpt_span one;
	struct rcpt_error err;
	struct rcpt_reader r;
	uint64_t count;

	rcpt_reader_init(&r, receipt->consistency, NULL);
	for (rcpt_read_array(&r, &count, ""); count && !r.failed; count--) {
		if (rcpt_read_bytes(&r, &one, ""))
			break;
		if (rcpt_consistency_parse(one, receipt->header.vds, &proof, &err))
			json_array_append_new(list, json_error(NULL, &err));
		else
			json_array_append_new(list, consistency_json(&proof,
								     receipt->header.vds));
	}
	return list;
}

/* The proofs of RFC 9162 look alike. */
static json_t *typed_proof(json_t *json, int64_t vds, const char *kind)
{
	set(json, "vds", json_integer(vds));
	set(json, "kind", json_string(vds == RECEIPT_VDS_CCF ? kind :
				      "inclusion or consistency"));
	return json;
}

/**
 * describe_proof() - a proof by itself, as it or in a byte string
 * @in: perhaps one
 *
 * Return: new reference; NULL when it is none.
 */
json_t *describe_proof(struct rcpt_span in)
{
	static const int64_t structures[] = { RECEIPT_VDS_CCF, RECEIPT_VDS_RFC9162 };
	struct rcpt_consistency consistency;
	struct rcpt_span inner;
	struct rcpt_reader r;
	json_t *json = NULL;
	size_t i;

	rcpt_reader_init(&r, in, NULL);
	if (!rcpt_read_bytes(&r, &inner, "") && !rcpt_read_end(&r))
		in = inner;
	for (i = 0; i < ARRAY_SIZE(structures) && !json; i++) {
		struct rcpt_inclusion inclusion = { 0 };

		if (!rcpt_inclusion_parse(in, structures[i], &inclusion, NULL))
			json = typed_proof(inclusion_json(&inclusion, structures[i]),
					   structures[i], "inclusion");
		else if (!rcpt_consistency_parse(in, structures[i], &consistency, NULL))
			json = typed_proof(consistency_json(&consistency, structures[i]),
					   structures[i], "consistency");
	}
	return json;
}

static json_t *root_json(const struct rcpt_receipt *receipt,
			 const struct rcpt_statement *stmt, enum receipt_entry entry)
{
	struct rcpt_statement named = { 0 };
	uint8_t root[RECEIPT_HASH_SIZE];
	struct rcpt_error err;

	if (!stmt && receipt->header.vds == RECEIPT_VDS_CCF) {
		memcpy(named.digest, receipt->proofs[0].data_hash, sizeof(named.digest));
		stmt = &named;
	}
	if (!stmt)
		return NULL;
	if (rcpt_receipt_root(receipt, stmt, entry, root, &err))
		return json_error(NULL, &err);
	return json_bytes(root, sizeof(root));
}

/**
 * describe_receipt() - a receipt, its proofs and the root that they give
 * @receipt: parsed, as far as it went
 * @stmt: the statement that it is for; NULL when it is not at hand
 * @entry: for vds 1, what the leaf commits to
 * @err: why it could not be read to its end, or NULL
 *
 * Return: new reference.
 */
json_t *describe_receipt(const struct rcpt_receipt *receipt,
			 const struct rcpt_statement *stmt, enum receipt_entry entry,
			 const struct rcpt_error *err)
{
	json_t *json = json_object(), *proofs = json_array(), *root;
	bool decoded;
	size_t i;

	if (err)
		set(json, "error", json_error(NULL, err));
	if (receipt->header.has_vds || receipt->header.has_alg)
		set(json, "protected", header_json(&receipt->sign1, &receipt->header));
	for (i = 0; i < receipt->nproofs; i++)
		json_array_append_new(proofs, inclusion_json(&receipt->proofs[i],
							     receipt->header.vds));
	set(json, "inclusion_proofs", proofs);
	if (receipt->consistency.data)
		set(json, "consistency_proofs", consistencies_json(receipt));
	root = receipt->nproofs ? root_json(receipt, stmt, entry) : NULL;
	if (root)
		set(json, "root", root);
	set_bytes(json, "attached_root", receipt->sign1.payload);
	/* Proofs of an unknown structure, and damaged ones, are shown as they are. */
	decoded = receipt->nproofs || receipt->consistency.data;
	set_others(json, "unprotected_other", receipt->sign1.unprotected,
		   decoded ? named_proofs : named_nothing);
	if (decoded)
		set_others(json, "proofs_other",
			   rcpt_sign1_unprotected(&receipt->sign1, RCPT_LABEL_PROOFS),
			   named_proof);
	set(json, "signature_bytes", json_integer(receipt->sign1.signature.len));
	return json;
}

static json_t *receipts_json(const struct rcpt_statement *stmt, enum receipt_entry entry)
{
	json_t *list = json_array();
	struct rcpt_receipt receipt;
	struct rcpt_error err;
	size_t i;

	for (i = 0; i < stmt->nreceipts; i++) {
		bool bad = rcpt_receipt_parse(stmt->receipts[i], &receipt, &err);

		json_array_append_new(list, describe_receipt(&receipt, stmt, entry,
							     bad ? &err : NULL));
		rcpt_receipt_free(&receipt);
	}
	return list;
}

/* What a list of ledgers says, to be seen before it is believed. */
static json_t *ledgers_json(const struct rcpt_statement *stmt)
{
	struct rcpt_keys keys = { 0 };
	struct rcpt_error err;
	json_t *json = rcpt_trust_list_read(stmt, &keys, &err) ? json_error(NULL, &err) :
								 describe_keys(&keys);

	rcpt_keys_free(&keys);
	return json;
}

/**
 * describe_statement() - a statement and the receipts in it
 * @stmt: parsed
 * @entry: for receipts of vds 1, what the leaf commits to
 *
 * Return: new reference.
 */
json_t *describe_statement(const struct rcpt_statement *stmt, enum receipt_entry entry)
{
	struct rcpt_span payload = stmt->sign1.payload;
	json_t *json = json_object();

	set(json, "bytes", json_integer(stmt->sign1.whole.len));
	set(json, "sha256", json_bytes(stmt->digest, sizeof(stmt->digest)));
	set(json, "protected", header_json(&stmt->sign1, &stmt->header));
	set_others(json, "unprotected_other", stmt->sign1.unprotected, named_receipts);
	set(json, "payload_bytes", json_integer(payload.len));
	if (payload.len <= SHORT_PAYLOAD)
		set_bytes(json, "payload", payload);
	else
		set(json, "payload_sha256", sha256_json(payload.data, payload.len));
	if (rcpt_statement_is_trust_list(stmt))
		set(json, "ledgers", ledgers_json(stmt));
	set(json, "signature_bytes", json_integer(stmt->sign1.signature.len));
	set(json, "receipts", receipts_json(stmt, entry));
	return json;
}

/**
 * describe_leaf() - a leaf of the manifest of a bundle
 * @leaf: it
 *
 * Return: new reference.
 */
json_t *describe_leaf(const struct rcpt_leaf *leaf)
{
	json_t *json = json_object();

	set(json, "digest", rcpt_json_digest(leaf->kind, leaf->digest,
					     rcpt_digest_len(leaf->kind)));
	set(json, "usage", json_ops(leaf->usage));
	set(json, "name", json_text(leaf->name, leaf->name_len));
	return json;
}

/* Curves by the names that COSE and JOSE have for them. */
static json_t *key_type(EVP_PKEY *key)
{
	char group[64];
	const char *name;

	if (!EVP_PKEY_is_a(key, "EC") ||
	    !EVP_PKEY_get_group_name(key, group, sizeof(group), NULL))
		return json_string(EVP_PKEY_get0_type_name(key) ?: "?");
	name = EC_curve_nid2nist(OBJ_sn2nid(group));
	return json_sprintf("EC %s", name ? name : group);
}

/**
 * describe_keys() - keys of a file of trust anchors
 * @keys: read
 *
 * Return: new reference to an array.
 */
json_t *describe_keys(const struct rcpt_keys *keys)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < keys->count; i++) {
		const struct rcpt_key *key = &keys->keys[i];
		json_t *json = json_object();

		set(json, "type", key_type(key->pkey));
		set(json, "bits", json_integer(EVP_PKEY_get_bits(key->pkey)));
		set(json, "id", json_bytes(key->id, sizeof(key->id)));
		if (key->has_thumbprint)
			set(json, "thumbprint",
			    json_bytes(key->thumbprint, sizeof(key->thumbprint)));
		if (key->kid)
			set(json, "kid", kid_json(rcpt_span(key->kid, key->kid_len)));
		if (key->issuer)
			set(json, "issuer", json_text(key->issuer, strlen(key->issuer)));
		json_array_append_new(list, json);
	}
	return list;
}
