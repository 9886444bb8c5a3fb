/* SPDX-License-Identifier: MIT
 *
 * hash: the digests that ao and Arweave are built on, and the id they give.
 *
 * SHA-256 and SHA-384 come from OpenSSL, fetched once (FIPS 180-4). Keccak-256 is ours:
 * it is the original Keccak padding that Ethereum kept, which OpenSSL 3.0 does not
 * offer (Keccak reference 3.0, section 1; the multi-rate padding without SHA-3's suffix).
 * CRC-32C guards records on disk (RFC 3720, appendix B.4).
 *
 * An id is 32 bytes and is written as 43 characters of base64url (ao-units 1.5).
 */
#ifndef WEFT_BASE_HASH_H
#define WEFT_BASE_HASH_H

#include "base/bytes.h"
#include "base/err.h"

enum { SHA256_SIZE = 32, SHA384_SIZE = 48, KECCAK256_SIZE = 32, ID_TEXT_LEN = 43 };

void sha256(uint8_t out[SHA256_SIZE], struct bytes b);
void sha384(uint8_t out[SHA384_SIZE], struct bytes b);
void keccak256(uint8_t out[KECCAK256_SIZE], struct bytes b);
/* crc32c continues from `crc`, which is 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *ptr, size_t len);

/* Digests of what does not lie in one run. Use: open, add any number of times,
 * then end exactly once, which also frees. */
struct hasher;
struct hasher *sha256_open(void);
struct hasher *sha384_open(void);
void hasher_add(struct hasher *h, const void *ptr, size_t len);
/* hasher_end writes SHA256_SIZE or SHA384_SIZE bytes. */
void hasher_end(struct hasher *h, uint8_t *out);

/* The id of a process, a message, a module, an address of the weave. */
struct id {
	uint8_t b[32];
};

/* An id as text, with its zero: returned by value so that it can stand in an argument list:
 * printf("%s", id_text(id).s). */
struct id_text {
	char s[ID_TEXT_LEN + 1];
};

struct id_text id_text(struct id id);
/* id_parse reads exactly 43 characters of base64url. */
must_use enum err id_parse(struct id *out, struct bytes text);
bool id_eq(struct id a, struct id b);
bool id_is_zero(struct id id);
struct id id_of_sha256(struct bytes b);

#endif
