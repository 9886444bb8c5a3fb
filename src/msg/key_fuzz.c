/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a key file: a key that is read signs what verifies, and is written as what reads as the same key.
 */
#include "msg/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_usable(const struct key *key)
{
	uint8_t m[SIGNED_HASH_SIZE] = {1, 2, 3}, signature[SIGNATURE_MAX];
	size_t signature_len, owner_len;

	must(signature_sizes((uint16_t)key_type(key), &signature_len, &owner_len));
	key_sign(key, signature, m);
	must(signature_verify(key_type(key), key_owner(key), bytes_of(signature, signature_len), m, NULL) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct key *key, *again;
	struct buf jwk = BUF_EMPTY;
	struct note note = {0};

	if (key_parse(&key, bytes_of(data, size), &note) < 0) {
		must(note.text[0]);
		return 0;
	}
	is_usable(key);
	key_json(&jwk, key);
	must(key_parse(&again, buf_bytes(&jwk), NULL) == OK);
	must(bytes_eq(key_owner(key), key_owner(again)));
	key_free(again);
	key_free(key);
	buf_release(&jwk);
	return 0;
}
