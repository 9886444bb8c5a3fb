/* SPDX-License-Identifier: MIT
 *
 * address: how an owner is named (ao-units 1.5).
 *
 * The scheduler names every owner base64url(sha256(owner key)). Towards the module the
 * compute unit names owners with a 65-byte secp256k1 key by their Ethereum address
 * instead, with the checksum of EIP-55 in its letters.
 */
#ifndef WEFT_MSG_ADDRESS_H
#define WEFT_MSG_ADDRESS_H

#include "base/arena.h"

enum { ETHEREUM_ADDRESS_LEN = 42 };

/* address_ethereum writes "0x" and 40 checksummed digits and a zero. `key` is 04 || x || y, 65 bytes. */
void address_ethereum(char out[ETHEREUM_ADDRESS_LEN + 1], struct bytes key);
/* address_native is base64url(sha256(owner)), in `a`. */
struct bytes address_native(struct arena *a, struct bytes owner);
/* address_for_module is what a module sees as Owner: the Ethereum address of a 65-byte key, else
 * `address` itself. Lives in `a`, or is `address`. */
struct bytes address_for_module(struct arena *a, struct bytes address, struct bytes owner_key);

#endif
