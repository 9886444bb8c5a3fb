/* SPDX-License-Identifier: MIT
 *
 * artefact: a module's native code as a file. Little endian throughout.
 *
 *   0    8   "WEFTCODE"
 *   8    4   VM_VERSION
 *   12   4   gas schedule
 *   16   32  SHA-256 of the wasm file
 *   48   8   number of objects
 *   56   .   for each: u64 length, then the ELF object, padded to 16 bytes
 *   end  32  SHA-256 of all before
 *
 * It is code: whoever loads it checks the last field first. Writing needs LLVM (wasm_compile, only
 * in weft-compile and the tests); reading does not.
 */
#ifndef WEFT_ENGINE_WASM_ARTEFACT_H
#define WEFT_ENGINE_WASM_ARTEFACT_H
#include "engine/wasm/translate.h"

enum { ARTEFACT_HEADER = 56 };

/* wasm_compile decodes, validates and translates `wasm` and appends the artefact to `out`. E_FORMAT when the module is not
 * valid, E_LIMIT when it is too large, E_UNSUPPORTED when LLVM refuses. */
must_use enum err wasm_compile(struct buf *out, struct bytes wasm, enum wasm_gas gas, struct note *note);

/* artefact_check: E_CORRUPT when the bytes are damaged, E_NOT_FOUND when they are of another version, schedule or
 * module: compile again. */
must_use enum err artefact_check(struct bytes artefact, const uint8_t wasm_sha256[32], enum wasm_gas gas);

#endif
