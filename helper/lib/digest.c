// SPDX-License-Identifier: MIT
/*
 * Hashing of bytes in memory.
 */
#include "receipt.h"

/**
 * rcpt_sha256() - SHA-256 of one buffer
 * @data: bytes
 * @len: how many
 * @out: digest
 *
 * Return: 0, or -RCPT_SYSTEM when OpenSSL fails.
 */
int rcpt_sha256(const void *data, size_t len, uint8_t out[RECEIPT_HASH_SIZE])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) ? 0 : -RCPT_SYSTEM;
}
