/* SPDX-License-Identifier: MIT
 *
 * translate: a valid module as native code.
 *
 * Functions are translated in batches, each an LLVM module of its own, so that memory stays bounded; each gives one
 * relocatable ELF object with the symbols f<N> (function N, imports included) and e<N> (entry thunk of type
 * N). blob.h makes of it what code.h can load. Values live in LLVM registers inside a block and in allocas across
 * blocks: the fast tier runs no pass over the code, so what is emitted here is what runs.
 *
 * Rules that make every tier and machine agree (ref: core specification chapter 4, and ARCHITECTURE 4):
 *   - loads are volatile: an unused load outside memory must still trap;
 *   - memory64: an address at or above 2^34 traps by a test, below that by protected pages;
 *   - every float result that is NaN becomes 0xfff8000000000000 or 0xffc00000;
 *   - gas is charged by segment: the run of instructions up to the next control transfer. The sum is
 *     subtracted at its start; below zero traps at function entry, where the call depth is tested first, and at loop
 *     headers. In WASM_GAS_METERING the costs, and a check at every segment, are those of
 *     @permaweb/wasm-metering (docs/formats/gas.md);
 *   - an asyncify state that nothing can write (nobody unwinds under a synchronous host) is a constant, and
 *     what it guards is not translated.
 */
#ifndef WEFT_ENGINE_WASM_TRANSLATE_H
#define WEFT_ENGINE_WASM_TRANSLATE_H
#include "engine/wasm/module.h"

enum wasm_gas { WASM_GAS_OWN, WASM_GAS_METERING };
/* T0 is quick to make: -O0, no passes, and it counts what runs. T1 is quick to run. */
enum wasm_tier { WASM_TIER_0, WASM_TIER_1 };

/* Is called with the bytes of an ELF object, valid during the call; what it returns, the caller returns. */
typedef enum err wasm_object(void *ctx, struct bytes elf, struct note *note);

struct wasm_translator;

/* wasm_translator_open: the module has been validated and outlives the translator. E_UNSUPPORTED without LLVM's
 * x86-64 target. One thread at a time. */
must_use enum err wasm_translator_open(struct wasm_translator **out, const struct wasm_module *m, enum wasm_gas gas,
				       struct note *note);
void wasm_translator_close(struct wasm_translator *t);

/* wasm_translate_thunks makes one object of everything that is not a body: f<N> of imports, and all e<N>. */
must_use enum err wasm_translate_thunks(struct wasm_translator *t, wasm_object *object, void *ctx, struct note *note);
/* wasm_translate makes one object of these functions, none of them an import. E_UNSUPPORTED when LLVM refuses. */
must_use enum err wasm_translate(struct wasm_translator *t, enum wasm_tier tier, const uint32_t *functions,
				 size_t count, wasm_object *object, void *ctx, struct note *note);

#endif
