/* SPDX-License-Identifier: MIT
 *
 * blob: native code that can be copied anywhere and run: what weft-compile gives and a cache keeps. Little endian.
 *
 *   0    4    tier
 *   4    4    size of the code in bytes
 *   8    4    number of symbols
 *   12   4    number of calls
 *   16   8 s  symbols: u32 name, u32 offset in the code. Name: the index of a function, or BLOB_ENTRY plus that of a type
 *   .    8 c  calls: u32 offset of a 32-bit displacement, relative to the byte after it; u32 index of the function called
 *   .    .    the code, text and constants, to be put at a multiple of BLOB_ALIGN
 *
 * blob_make makes one of the ELF object that LLVM emits. Inside the blob everything is relative and resolved here; only
 * calls of functions that are elsewhere are left, and of the many things that an ELF object could
 * contain nothing else: R_X86_64_PC32 and PLT32 are the relocations known (System V ABI, AMD64 supplement, 4.4).
 */
#ifndef WEFT_ENGINE_WASM_BLOB_H
#define WEFT_ENGINE_WASM_BLOB_H
#include "base/err.h"
#include "engine/wasm/translate.h"

#define BLOB_ENTRY 0x80000000u
enum { BLOB_HEADER = 16, BLOB_ALIGN = 64, BLOB_MAX = 1 << 30 };

/* A blob opened: where its parts are. */
struct blob {
	enum wasm_tier tier;
	uint32_t symbol_count, call_count;
	const uint8_t *symbols, *calls;
	struct bytes code;
};

/* blob_open checks that the parts fit the bytes, and every offset the code: E_CORRUPT otherwise. Names are for the caller
 * to check. */
must_use enum err blob_open(struct blob *out, struct bytes bytes);
/* blob_make appends the blob of an ELF object to `out`. E_UNSUPPORTED, with its name, for what is not known. */
must_use enum err blob_make(struct buf *out, enum wasm_tier tier, struct bytes elf, struct note *note);

#endif
