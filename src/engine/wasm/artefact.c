/* SPDX-License-Identifier: MIT */
#include "engine/wasm/artefact.h"
#include "base/hash.h"
#include "engine/wasm/vm.h"
#include <string.h>

void artefact_begin(struct buf *out, const uint8_t wasm_sha256[32], enum wasm_gas gas, uint32_t function_count,
		    uint32_t type_count)
{
	uint8_t *head = buf_grow(out, ARTEFACT_HEADER);

	memcpy(head, "WEFTCODE", 8);
	set_u32le(head + 8, VM_VERSION);
	set_u32le(head + 12, (uint32_t)gas);
	memcpy(head + 16, wasm_sha256, 32);
	set_u32le(head + 48, function_count);
	set_u32le(head + 52, type_count);
}

static void record_sum(uint8_t sum[32], struct bytes header, struct bytes blob)
{
	struct hasher *h = sha256_open();

	hasher_add(h, header.ptr, header.len);
	hasher_add(h, blob.ptr, blob.len);
	hasher_end(h, sum);
}

void artefact_put(struct buf *out, struct bytes header, struct bytes blob)
{
	uint8_t sum[32];

	record_sum(sum, bytes_of(header.ptr, ARTEFACT_HEADER), blob);
	set_u64le(buf_grow(out, 8), blob.len);
	buf_put(out, sum, sizeof(sum));
	buf_put_bytes(out, blob);
	for (size_t i = blob.len; i % 8; i++)
		buf_put_u8(out, 0);
}

enum err artefact_open(struct artefact *a, struct bytes file)
{
	uint32_t gas;

	if (file.len < ARTEFACT_HEADER || memcmp(file.ptr, "WEFTCODE", 8) != 0)
		return E_CORRUPT;
	gas = get_u32le(file.ptr + 12);
	if (get_u32le(file.ptr + 8) != VM_VERSION)
		return E_NOT_FOUND;
	if (gas > WASM_GAS_METERING)
		return E_CORRUPT;
	*a = (struct artefact){.header = bytes_of(file.ptr, ARTEFACT_HEADER),
			       .rest = bytes_from(file, ARTEFACT_HEADER),
			       .gas = (enum wasm_gas)gas,
			       .wasm_sha256 = file.ptr + 16,
			       .function_count = get_u32le(file.ptr + 48),
			       .type_count = get_u32le(file.ptr + 52)};
	return OK;
}

enum err artefact_next(struct artefact *a, struct bytes *blob)
{
	uint8_t sum[32];
	uint64_t len, padded;

	if (a->rest.len == 0)
		return E_NOT_FOUND;
	if (a->rest.len < ARTEFACT_RECORD)
		return E_CORRUPT;
	len = get_u64le(a->rest.ptr);
	padded = (len + 7) & ~(uint64_t)7;
	if (len > a->rest.len - ARTEFACT_RECORD || padded > a->rest.len - ARTEFACT_RECORD)
		return E_CORRUPT;
	*blob = bytes_of(a->rest.ptr + ARTEFACT_RECORD, len);
	record_sum(sum, a->header, *blob);
	if (memcmp(sum, a->rest.ptr + 8, sizeof(sum)) != 0)
		return E_CORRUPT;
	a->rest = bytes_from(a->rest, ARTEFACT_RECORD + padded);
	return OK;
}
