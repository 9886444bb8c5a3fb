/* SPDX-License-Identifier: MIT
 * Any bytes as a module: decoding and validation end with OK or an error, and what they accept, the translator's
 * cursor can walk over. */
#include "engine/wasm/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_EMPTY;
	struct wasm_module m;
	struct note note = {0};
	if (wasm_decode(&m, &a, bytes_of(data, size), &note) == OK)
		(void)!wasm_validate(&m, &note);
	arena_release(&a);
	return 0;
}
