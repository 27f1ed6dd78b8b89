// SPDX-License-Identifier: MIT
/*
 * Where evidence comes from: stores, and keys of issuers.
 */
#include <stdlib.h>

#include "receiptd.h"

static int load_keys(struct rcpt_answerer *a, const char *path,
		     struct rcpt_error *err)
{
	const struct rcpt_key_source source = { 0 };
	uint8_t *data;
	size_t len;
	int ret = rcpt_file_read(path, RCPT_MAX_INPUT, &data, &len, err);

	if (!ret) {
		ret = rcpt_keys_add(&a->issuers, rcpt_span(data, len), &source, err);
		free(data);
	}
	if (ret)
		log_line(LOG_ERROR, "%s: %s", path, err->text);
	return ret;
}

/**
 * sources_open() - open the stores, read the keys
 * @a: gets them
 * @s: which they are
 * @err: filled in on failure, which is logged
 *
 * Return: 0 or a negative exit status.
 */
int sources_open(struct rcpt_answerer *a, const struct sources *s,
		 struct rcpt_error *err)
{
	for (size_t i = 0; i < s->nissuer_keys; i++)
		if (load_keys(a, s->issuer_keys[i], err))
			return -err->status;
	for (size_t i = 0; i < s->nstores; i++) {
		if (rcpt_stores_add(&a->stores, s->stores[i], err)) {
			log_line(LOG_ERROR, "store %s: %s", s->stores[i], err->text);
			return -err->status;
		}
		if (!a->stores.at[i].store)
			log_line(LOG_WARNING, "store %s: nothing there yet", s->stores[i]);
	}
	return 0;
}
