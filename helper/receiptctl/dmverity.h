/* SPDX-License-Identifier: MIT */
/*
 * Root hashes of the dm-verity devices of this machine.
 */
#ifndef DMVERITY_H
#define DMVERITY_H

#include <stdbool.h>
#include <stdint.h>

#include "receipt.h"

/**
 * dmverity_root() - the root hash of the device that a file is on
 * @path: of the file
 * @root: result
 *
 * Return: whether it is a dm-verity device with SHA-256, and device-mapper tells.
 */
bool dmverity_root(const char *path, uint8_t root[RECEIPT_HASH_SIZE]);

#endif /* DMVERITY_H */
