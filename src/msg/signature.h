/* SPDX-License-Identifier: MIT
 *
 * signature: the schemes beneath key.h, each as two plain functions. Private to
 * the folder: callers use signature_verify and key_sign.
 */
#ifndef WEFT_MSG_SIGNATURE_H
#define WEFT_MSG_SIGNATURE_H

#include "msg/key.h"

#include <openssl/evp.h>
#include <secp256k1.h>

enum { RSA_SIZE = 512, ED25519_SECRET_SIZE = 64, SECP256K1_SECRET_SIZE = 32 };

/* rsa.c. rsa_public answers from a cache; the caller frees the reference. NULL: not a usable modulus. */
EVP_PKEY *rsa_public(struct bytes modulus);
bool rsa_verify(struct bytes modulus, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE]);
/* false: the numbers of the key do not belong together */
bool rsa_sign(EVP_PKEY *key, uint8_t signature[RSA_SIZE], const uint8_t m[SIGNED_HASH_SIZE]);

/* ethereum.c */
const secp256k1_context *ethereum_context(void);
void ethereum_personal_digest(uint8_t digest[32], const uint8_t m[SIGNED_HASH_SIZE]);
bool ethereum_verify(struct bytes owner, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE]);
bool ethereum_typed_verify(struct bytes owner, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE]);
void ethereum_sign(const uint8_t secret[SECP256K1_SECRET_SIZE], uint8_t signature[65],
		   const uint8_t m[SIGNED_HASH_SIZE]);

/* What an ed25519 key signs: M, its hex digits, or the aptos sentence; at most 160 bytes. */
size_t ed25519_text(uint8_t out[160], enum signature_type type, const uint8_t m[SIGNED_HASH_SIZE]);

#endif
