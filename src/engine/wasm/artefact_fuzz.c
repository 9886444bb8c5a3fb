/* SPDX-License-Identifier: MIT
 *
 * What the units process reads of the code that weft-compile made: cache files and blobs.
 */
#include "engine/wasm/artefact.h"
#include "engine/wasm/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct artefact a;
	struct bytes blob;
	struct blob b;

	if (artefact_open(&a, bytes_of(data, size)) == OK)
		while (artefact_next(&a, &blob) == OK)
			(void)blob_open(&b, blob);
	if (blob_open(&b, bytes_of(data, size)) == OK)
		for (uint32_t i = 0; i < b.symbol_count; i++)
			must(get_u32le(b.symbols + 8 * i + 4) < b.code.len);
	return 0;
}
