/* SPDX-License-Identifier: MIT
 *
 * key: who signs, and whether a signature is theirs.
 *
 * ANS-104 knows seven ways to sign (ao-units 1.2). Each fixes the size of the signature, the
 * size and form of the owner field, and what is signed, M being the 48-byte deep
 * hash of the item:
 *
 *   type name            sig   owner  what is signed
 *   1    arweave         512   512    RSA-PSS, SHA-256, over M; owner = modulus, exponent 65537
 *   2    ed25519          64    32    M
 *   3    ethereum         65    65    EIP-191 personal message of M; owner = 04 || x || y
 *   4    solana           64    32    ed25519 over the 96 hex digits of M
 *   5    injected aptos   64    32    ed25519 over "APTOS\nmessage: <hex M>\nnonce: bundlr"
 *   6    multi aptos    2052  1025    up to 32 keys and a threshold; each over M
 *   7    typed ethereum   65    42    EIP-712 over M and the address; owner = "0x..." in ASCII
 *
 * All seven verify; 1 to 4 also sign. The id of an item is the hash of its signature, so a signature
 * that a stranger could write in another way would be a second id for the same message. Hence an ethereum
 * signature has to recover to exactly the owner's key and ends in 27 or 28; a multi-signature has to
 * reach its threshold, and its slots that are not filled are zero (the common client checks none of this).
 *
 * A key file is a JSON Web Key (RFC 7517, 7518, 8037): {"kty":"RSA",...} as every
 * Arweave tool writes, {"kty":"OKP","crv":"Ed25519","x","d"} and
 * {"kty":"EC","crv":"secp256k1","x","y","d"}.
 */
#ifndef WEFT_MSG_KEY_H
#define WEFT_MSG_KEY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

enum signature_type {
	SIGN_ARWEAVE = 1,
	SIGN_ED25519 = 2,
	SIGN_ETHEREUM = 3,
	SIGN_SOLANA = 4,
	SIGN_APTOS = 5,
	SIGN_MULTI_APTOS = 6,
	SIGN_TYPED_ETHEREUM = 7,
};

enum { SIGNATURE_MAX = 2052, OWNER_MAX = 1025, SIGNED_HASH_SIZE = SHA384_SIZE };

/* signature_sizes: false for a type that does not exist. */
bool signature_sizes(uint16_t type, size_t *signature, size_t *owner);

/* signature_verify: E_SIGNATURE when it is not the owner's over M, E_UNSUPPORTED for an unknown type.
 * The sizes must be those of the type. Thread-safe; RSA owners are cached. */
must_use enum err signature_verify(enum signature_type type, struct bytes owner, struct bytes signature,
				   const uint8_t m[SIGNED_HASH_SIZE], struct note *note);

struct key;

/* key_new makes a fresh key of type 1, 2, 3 or 4 (RSA takes seconds). E_UNSUPPORTED for other types. */
must_use enum err key_new(struct key **out, enum signature_type type, struct note *note);
/* key_parse reads a JWK with its private half. An Ed25519 key signs as type 2; key_as changes that to 4. E_FORMAT names
 * the member that is missing or wrong; E_UNSUPPORTED for another kind of key, or an RSA key that is no Arweave
 * wallet (4096 bits, exponent 65537). A key that is read can sign: RSA numbers that do not belong together are
 * found here, not at the first message. */
must_use enum err key_parse(struct key **out, struct bytes jwk, struct note *note);
must_use enum err key_load(struct key **out, const char *path, struct note *note);
/* key_save writes the JWK for its owner's eyes only (0600), whole or not at all, durably. E_EXISTS rather than
 * overwrite. */
must_use enum err key_save(const struct key *k, const char *path, struct note *note);
void key_json(struct buf *out, const struct key *k);
void key_free(struct key *k);

enum signature_type key_type(const struct key *k);
/* key_as makes an ed25519 key sign as type 2 or 4; E_ARGUMENT for another pair. */
must_use enum err key_as(struct key *k, enum signature_type type);
/* key_owner is the owner field; valid as long as the key. */
struct bytes key_owner(const struct key *k);
/* key_address is base64url(sha256(owner)). */
struct id key_address(const struct key *k);
/* key_sign writes the signature, whose size is that of the type. Thread-safe. */
void key_sign(const struct key *k, uint8_t *signature, const uint8_t m[SIGNED_HASH_SIZE]);

#endif
