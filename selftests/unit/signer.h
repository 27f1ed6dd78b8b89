/* SPDX-License-Identifier: MIT */
/*
 * A key for all tests of a group, made before the first and dropped after the last.
 */
#ifndef SIGNER_H
#define SIGNER_H

#include "sign.h"

static struct rcpt_signer signer;

static int make_key(void **state)
{
	(void)state;
	return rcpt_signer_generate(RCPT_ES256, &signer, NULL);
}

static int drop_key(void **state)
{
	(void)state;
	rcpt_signer_free(&signer);
	return 0;
}

#endif /* SIGNER_H */
