/* SPDX-License-Identifier: MIT
 *
 * machine: one module, ready to be called, in tests of the engine. No host: its imports trap.
 */
#ifndef WEFT_TEST_MACHINE_H
#define WEFT_TEST_MACHINE_H

#include "engine/wasm/instance.h"

struct machine {
	struct arena arena;
	struct wasm_module module;
	struct wasm_code code;
	struct wasm_instance *instance;
	enum vm_trap trap; /* of the start */
	struct buf wasm;   /* released with the machine */
};

/* machine_open takes over `wasm`. On an error, which the note explains, there is nothing to close. */
must_use enum err machine_open(struct machine **out, struct buf wasm, enum wasm_tier tier, struct note *note);
void machine_close(struct machine *m);
/* machine_call calls an export with plenty of gas, on the deep stack; slots are arguments and then results. */
must_use enum vm_trap machine_call(struct machine *m, const char *name, struct vm_slot *slots);
/* machine_i64 calls an export of one i64 or i32 parameter and one such result; the test fails when it traps. */
uint64_t machine_i64(struct machine *m, const char *name, uint64_t argument);

#endif
