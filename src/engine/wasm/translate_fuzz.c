/* SPDX-License-Identifier: MIT
 * A valid random module, damaged a little: four bytes are its number, then three each say which byte becomes
 * what. What decoding and validation accept, both tiers translate; what they refuse, they explain. */
#include "engine/wasm/artefact.h"
#include "test/random_module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct random_module random;
	struct buf wasm = BUF_EMPTY, artefact = BUF_EMPTY;
	struct note note = {0};

	if (size < 4)
		return 0;
	random_module_make(&random, get_u32le(data), &wasm);
	for (size_t i = 4; i + 3 <= size && i < 40; i += 3)
		wasm.ptr[get_u16le(data + i) % wasm.len] = data[i + 2];
	for (int tier = 0; tier < 2; tier++) {
		enum err e = wasm_compile(&artefact, buf_bytes(&wasm), WASM_GAS_OWN, (enum wasm_tier)tier, &note);

		must(e == OK || ((e == E_FORMAT || e == E_LIMIT) && note.text[0]));
		must(size >= 7 || e == OK);
	}
	buf_release(&artefact);
	buf_release(&wasm);
	return 0;
}
