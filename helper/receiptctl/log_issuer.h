/* SPDX-License-Identifier: MIT */
/*
 * Issuers of a log, as options name them.
 */
#ifndef RECEIPTCTL_LOG_ISSUER_H
#define RECEIPTCTL_LOG_ISSUER_H

#include "log.h"

/**
 * struct log_issuer - an issuer that the operator names
 * @vouch: for the log; points to @der and to the name
 * @der: of its key or root
 */
struct log_issuer {
	struct tlog_vouch vouch;
	uint8_t *der;
};

int log_issuer_read(const char *name, const char *key, const char *root,
		    struct log_issuer *issuer);
void log_issuer_free(struct log_issuer *issuer);

/* The command "log issuer". */
int log_issuer(int argc, char **argv);

#endif /* RECEIPTCTL_LOG_ISSUER_H */
