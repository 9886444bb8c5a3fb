/* SPDX-License-Identifier: MIT */
#include "engine/wasm/artefact.h"
#include "base/hash.h"
#include "engine/wasm/vm.h"
#include <string.h>

enum err artefact_check(struct bytes artefact, const uint8_t wasm_sha256[32], enum wasm_gas gas)
{
	if (artefact.len < ARTEFACT_HEADER + 32 || memcmp(artefact.ptr, "WEFTCODE", 8) != 0)
		return E_CORRUPT;
	uint8_t sum[32];
	sha256(sum, bytes_of(artefact.ptr, artefact.len - 32));
	if (memcmp(sum, artefact.ptr + artefact.len - 32, 32) != 0)
		return E_CORRUPT;
	bool ours = get_u32le(artefact.ptr + 8) == VM_VERSION && get_u32le(artefact.ptr + 12) == (uint32_t)gas &&
		    memcmp(artefact.ptr + 16, wasm_sha256, 32) == 0;
	return ours ? OK : E_NOT_FOUND;
}
