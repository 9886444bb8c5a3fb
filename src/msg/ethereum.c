/* SPDX-License-Identifier: MIT
 *
 * ethereum: secp256k1 signatures over Ethereum's two kinds of message, the personal
 * one (EIP-191) and the typed one (EIP-712).
 */
#include "msg/signature.h"

#include "base/clock.h"
#include "base/text.h"

#include <pthread.h>
#include <secp256k1_recovery.h>
#include <string.h>

static secp256k1_context *context;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void context_make(void)
{
	uint8_t seed[32];

	context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
	random_bytes(seed, sizeof(seed));
	must(context && secp256k1_context_randomize(context, seed));
}

const secp256k1_context *ethereum_context(void)
{
	pthread_once(&once, context_make);
	return context;
}

/* keccak256("\x19Ethereum Signed Message:\n48" || M) */
void ethereum_personal_digest(uint8_t digest[32], const uint8_t m[SIGNED_HASH_SIZE])
{
	static const char prefix[] = "\x19"
				     "Ethereum Signed Message:\n48";
	uint8_t text[sizeof(prefix) - 1 + SIGNED_HASH_SIZE];

	memcpy(text, prefix, sizeof(prefix) - 1);
	memcpy(text + sizeof(prefix) - 1, m, SIGNED_HASH_SIZE);
	keccak256(digest, bytes_of(text, sizeof(text)));
}

/* Bundlr(bytes Transaction hash,address address) in the domain {name: Bundlr, version: 1}. */
static void typed_digest(uint8_t digest[32], const uint8_t address[20], const uint8_t m[SIGNED_HASH_SIZE])
{
	uint8_t words[3 * 32], both[2 + 64] = {0x19, 0x01};

	keccak256(words, BYTES("EIP712Domain(string name,string version)"));
	keccak256(words + 32, BYTES("Bundlr"));
	keccak256(words + 64, BYTES("1"));
	keccak256(both + 2, bytes_of(words, sizeof(words)));
	keccak256(words, BYTES("Bundlr(bytes Transaction hash,address address)"));
	keccak256(words + 32, bytes_of(m, SIGNED_HASH_SIZE));
	memset(words + 64, 0, 12);
	memcpy(words + 76, address, 20);
	keccak256(both + 34, bytes_of(words, sizeof(words)));
	keccak256(digest, bytes_of(both, sizeof(both)));
}

/* The uncompressed key that made the signature, 04 || x || y. v is 27 or 28; what some wallets write for
 * them, 0 and 1, is refused as the scheduler of the reference does: whoever changed the one into the other
 * would have the same message under a second id. */
static bool recover(uint8_t key[65], const uint8_t *signature, const uint8_t digest[32])
{
	secp256k1_ecdsa_recoverable_signature parsed;
	secp256k1_ecdsa_signature plain;
	secp256k1_pubkey public;
	int v = signature[64] - 27;
	size_t len = 65;

	if (v < 0 || v > 1 ||
	    !secp256k1_ecdsa_recoverable_signature_parse_compact(ethereum_context(), &parsed, signature, v))
		return false;
	/* Of the two values of s that would do, only the low one counts (EIP-2). */
	secp256k1_ecdsa_recoverable_signature_convert(context, &plain, &parsed);
	if (secp256k1_ecdsa_signature_normalize(context, NULL, &plain) ||
	    !secp256k1_ecdsa_recover(context, &public, &parsed, digest))
		return false;
	return secp256k1_ec_pubkey_serialize(context, key, &len, &public, SECP256K1_EC_UNCOMPRESSED) == 1;
}

bool ethereum_verify(struct bytes owner, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE])
{
	uint8_t digest[32], key[65];

	ethereum_personal_digest(digest, m);
	return recover(key, signature.ptr, digest) && bytes_eq(owner, bytes_of(key, sizeof(key)));
}

bool ethereum_typed_verify(struct bytes owner, struct bytes signature, const uint8_t m[SIGNED_HASH_SIZE])
{
	uint8_t address[20], digest[32], key[65], hash[32];
	size_t len;

	if (!bytes_starts(owner, "0x") || hex_decode(address, sizeof(address), &len, bytes_from(owner, 2)) < 0 ||
	    len != 20)
		return false;
	typed_digest(digest, address, m);
	if (!recover(key, signature.ptr, digest))
		return false;
	keccak256(hash, bytes_of(key + 1, 64));
	return memcmp(hash + 12, address, 20) == 0;
}

void ethereum_sign(const uint8_t secret[SECP256K1_SECRET_SIZE], uint8_t signature[65],
		   const uint8_t m[SIGNED_HASH_SIZE])
{
	secp256k1_ecdsa_recoverable_signature made;
	uint8_t digest[32];
	int v;

	ethereum_personal_digest(digest, m);
	must(secp256k1_ecdsa_sign_recoverable(ethereum_context(), &made, digest, secret, NULL, NULL));
	secp256k1_ecdsa_recoverable_signature_serialize_compact(context, signature, &v, &made);
	signature[64] = (uint8_t)(27 + v);
}
