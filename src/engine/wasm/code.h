/* SPDX-License-Identifier: MIT
 *
 * code: an artefact in memory, ready to run. The loader places the sections of all its ELF objects in one mapping,
 * resolves the few relocations that LLVM makes for hidden symbols (R_X86_64_64, PC32, PLT32;
 * System V ABI, AMD64 supplement, 4.4), and then drops the right to write: no page is ever writable and
 * executable. Only symbols f<N> and e<N> exist; anything else is refused.
 */
#ifndef WEFT_ENGINE_WASM_CODE_H
#define WEFT_ENGINE_WASM_CODE_H
#include "engine/wasm/module.h"
#include "engine/wasm/vm.h"

typedef void wasm_entry(struct vm *vm, void *code, struct vm_slot *args);

struct wasm_code {
	void **functions;     /* by index */
	wasm_entry **entries; /* by type; NULL for a type that equals an earlier one */
	uint8_t *base;
	size_t size;
};

/* wasm_code_load: the artefact has passed artefact_check. E_CORRUPT names what does not fit. The artefact is
 * not needed afterwards. */
must_use enum err wasm_code_load(struct wasm_code *out, struct bytes artefact, const struct wasm_module *m,
				 struct note *note);
void wasm_code_release(struct wasm_code *c);

#endif
