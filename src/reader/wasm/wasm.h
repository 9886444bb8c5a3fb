/* SPDX-License-Identifier: MIT
 *
 * wasm: the reader of ao modules in WebAssembly, as the units process has it: it keeps the module, lets
 * weft-compile translate it once (the result is cached by the module's hash), and talks to
 * weft-worker, where the guest lives (guest.h).
 */
#ifndef WEFT_READER_WASM_WASM_H
#define WEFT_READER_WASM_WASM_H

#include "reader/format.h"

/* Its variant is an enum abi_id (abi.h). */
extern const struct reader wasm_reader;

#endif
