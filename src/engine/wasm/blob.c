/* SPDX-License-Identifier: MIT */
#include "engine/wasm/blob.h"

enum err blob_open(struct blob *out, struct bytes b)
{
	uint64_t size, tables;

	if (b.len < BLOB_HEADER)
		return E_CORRUPT;
	*out = (struct blob){.symbol_count = get_u32le(b.ptr + 8), .call_count = get_u32le(b.ptr + 12)};
	size = get_u32le(b.ptr + 4);
	tables = 8 * ((uint64_t)out->symbol_count + out->call_count);
	if (get_u32le(b.ptr) > WASM_TIER_1 || size > BLOB_MAX || BLOB_HEADER + tables + size != b.len)
		return E_CORRUPT;
	out->tier = (enum wasm_tier)get_u32le(b.ptr);
	out->symbols = b.ptr + BLOB_HEADER;
	out->calls = out->symbols + 8 * (size_t)out->symbol_count;
	out->code = bytes_from(b, BLOB_HEADER + tables);
	for (uint32_t i = 0; i < out->symbol_count; i++)
		if (get_u32le(out->symbols + 8 * i + 4) >= size)
			return E_CORRUPT;
	for (uint32_t i = 0; i < out->call_count; i++)
		if (size < 4 || get_u32le(out->calls + 8 * i) > size - 4)
			return E_CORRUPT;
	return OK;
}
