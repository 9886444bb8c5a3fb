/* SPDX-License-Identifier: MIT
 *
 * lazy: what happens when a guest calls a function that has no code yet. The lazy stub (code.h) jumps to
 * lazy_entry with the function's index in eax, vm in r13, and the call's arguments where the System V ABI has them. They
 * are kept, lazy_resolve finds or waits for the code, and the call goes on there as if nothing had been.
 */
#ifndef WEFT_ENGINE_WASM_LAZY_H
#define WEFT_ENGINE_WASM_LAZY_H
#include "engine/wasm/vm.h"

/* Not to be called: only jumped to, by a stub. */
void lazy_entry(void);
/* In instance.c. Does not return when there will be no code. */
void *lazy_resolve(struct vm *vm, uint32_t function);

#endif
