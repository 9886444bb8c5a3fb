/* SPDX-License-Identifier: MIT */
#include "msg/address.h"

#include "base/hash.h"
#include "base/text.h"

#include <string.h>

void address_ethereum(char out[ETHEREUM_ADDRESS_LEN + 1], struct bytes key)
{
	uint8_t hash[KECCAK256_SIZE];

	must(key.len == 65);
	keccak256(hash, bytes_from(key, 1));
	memcpy(out, "0x", 2);
	hex_encode(out + 2, bytes_of(hash + 12, 20));
	keccak256(hash, bytes_of(out + 2, 40));
	for (int i = 0; i < 40; i++) {
		int nibble = i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4;
		if (out[2 + i] >= 'a' && nibble >= 8)
			out[2 + i] = (char)(out[2 + i] - 'a' + 'A');
	}
}

struct bytes address_native(struct arena *a, struct bytes owner)
{
	struct id_text text = id_text(id_of_sha256(owner));

	return arena_copy(a, bytes_str(text.s));
}

struct bytes address_for_module(struct arena *a, struct bytes address, struct bytes owner_key)
{
	char text[ETHEREUM_ADDRESS_LEN + 1];

	if (owner_key.len != 65)
		return address;
	address_ethereum(text, owner_key);
	return arena_copy(a, bytes_str(text));
}
