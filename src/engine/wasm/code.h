/* SPDX-License-Identifier: MIT
 *
 * code: the native code of one module in memory, growing while it runs.
 *
 *   memfd:  | head: counts, generation, where each function is | stubs | blob | blob | blob ...        |
 *            read-only                                          read and execute, shared by all workers
 *
 * One side owns it: it copies blobs in behind the last one (wasm_code_add), through the one writable mapping that
 * there ever is; the memfd is sealed against all others (F_SEAL_FUTURE_WRITE). The other side, in
 * any number of processes, maps it once (wasm_code_map) and sees what is added. So no process can both write and execute a
 * page, none needs the right to make a page executable while guests run, and a hundred workers hold the code once.
 *
 * Each function N has two stubs of 16 bytes, which are all that a caller has to know:
 *
 *   call N   jumps to vm->code[N]: code of tier 0, or 1, or the other stub
 *   lazy N   goes to vm->lazy with N in eax: there is no code yet (instance.h says what happens)
 *
 * The only thing ever changed after it was written is the head: a function's offset goes from 0 to its code of tier 0 or
 * 1, and from tier 0 to tier 1. T1 calls T1 directly where it was there first; everything else goes through `call`.
 */
#ifndef WEFT_ENGINE_WASM_CODE_H
#define WEFT_ENGINE_WASM_CODE_H
#include "engine/wasm/module.h"
#include "engine/wasm/translate.h"
#include "engine/wasm/vm.h"

typedef void wasm_entry(struct vm *vm, void *code, struct vm_slot *args);

struct code_head;

struct wasm_code {
	int fd;
	const uint8_t *base; /* what can be executed; NULL on the owner's side until it maps it too */
	const struct code_head *head;
	/* of the owner */
	uint8_t *write;
	size_t used;
	uint8_t *tiers; /* by function: 0 none, else 1 + enum wasm_tier */
};

/* wasm_code_new makes an empty one. E_UNSUPPORTED on kernels before 5.1, which lack the seal. */
must_use enum err wasm_code_new(struct wasm_code *out, uint32_t function_count, uint32_t type_count, struct note *note);
/* wasm_code_add copies a blob in. E_CORRUPT when it is none of this module, E_LIMIT when the area is full. One
 * thread at a time; readers may run meanwhile. */
must_use enum err wasm_code_add(struct wasm_code *c, struct bytes blob, struct note *note);
/* wasm_code_tier: 0 when the function has no code, else 1 + its tier. Of the owner. */
int wasm_code_tier(const struct wasm_code *c, uint32_t function);

/* wasm_code_map maps the area that an owner made, for execution; `fd` is taken over. E_CORRUPT when it is none, or
 * is not sealed, or not of a module with these counts. */
must_use enum err wasm_code_map(struct wasm_code *out, int fd, const struct wasm_module *m, struct note *note);
void wasm_code_release(struct wasm_code *c);

/* wasm_code_load is all of it in one process: an area with what is in an artefact (artefact.h). */
must_use enum err wasm_code_load(struct wasm_code *out, struct bytes artefact, const struct wasm_module *m,
				 struct note *note);

/* ---- of the executing side ---- */

/* wasm_code_generation changes when a function's code did. */
uint64_t wasm_code_generation(const struct wasm_code *c);
/* wasm_code_of is the function's code, or its lazy stub. */
void *wasm_code_of(const struct wasm_code *c, uint32_t function);
bool wasm_code_present(const struct wasm_code *c, uint32_t function);
/* wasm_code_entry: NULL when it has not been added, and for a type that equals an earlier one. */
wasm_entry *wasm_code_entry(const struct wasm_code *c, uint32_t type);
/* wasm_code_has tells whether an address lies in generated code. */
bool wasm_code_has(const struct wasm_code *c, uintptr_t address);

#endif
