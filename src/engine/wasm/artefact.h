/* SPDX-License-Identifier: MIT
 *
 * artefact: a module's native code as a file that grows. Little endian throughout.
 *
 *   0    8   "WEFTCODE"
 *   8    4   VM_VERSION
 *   12   4   gas schedule
 *   16   32  SHA-256 of the wasm file
 *   48   4   number of functions
 *   52   4   number of types
 *   56   .   records, each: u64 length of a blob (blob.h); SHA-256 of the header and the blob; the blob; zeros up to a
 *            multiple of 8
 *
 * It is code: whoever loads a record checks its hash first, which artefact_next does. A record that was not written to its
 * end fails that check and ends the file. Later records win. Writing blobs needs LLVM (wasm_compile, only in
 * weft-compile and the tests); reading does not.
 */
#ifndef WEFT_ENGINE_WASM_ARTEFACT_H
#define WEFT_ENGINE_WASM_ARTEFACT_H
#include "engine/wasm/translate.h"

enum { ARTEFACT_HEADER = 56, ARTEFACT_RECORD = 40 };

struct artefact {
	struct bytes header, rest;
	enum wasm_gas gas;
	const uint8_t *wasm_sha256;
	uint32_t function_count, type_count;
};

/* artefact_begin appends a header, artefact_put a record to a file that begins with `header`. */
void artefact_begin(struct buf *out, const uint8_t wasm_sha256[32], enum wasm_gas gas, uint32_t function_count,
		    uint32_t type_count);
void artefact_put(struct buf *out, struct bytes header, struct bytes blob);

/* artefact_open reads the header: E_CORRUPT when it is none, E_NOT_FOUND when it is of another VM_VERSION. The
 * caller compares module and schedule. */
must_use enum err artefact_open(struct artefact *a, struct bytes file);
/* artefact_next: E_NOT_FOUND at the end, E_CORRUPT when what follows is damaged. a->rest is what is left. */
must_use enum err artefact_next(struct artefact *a, struct bytes *blob);

/* wasm_compile decodes, validates and translates all of `wasm` and appends the artefact to `out`. E_FORMAT when the module is not
 * valid, E_LIMIT when it is too large, E_UNSUPPORTED when LLVM refuses. */
must_use enum err wasm_compile(struct buf *out, struct bytes wasm, enum wasm_gas gas, enum wasm_tier tier,
			       struct note *note);

#endif
