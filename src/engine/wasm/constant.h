/* SPDX-License-Identifier: MIT
 *
 * constant: constant expressions, which give globals and segment offsets their values (core
 * specification 3.3.10, with the extended-const proposal: i32 and i64 add, sub and mul, on constants and
 * imported immutable globals). Reading checks the types at once, for all they depend on comes earlier
 * in the file; what needs no global is evaluated there and then.
 */
#ifndef WEFT_ENGINE_WASM_CONSTANT_H
#define WEFT_ENGINE_WASM_CONSTANT_H
#include "engine/wasm/cursor.h"
#include "engine/wasm/module.h"

struct vm_slot;

/* constant_read reads up to and with `end`. NULL, or what is wrong; the cursor then stands there. */
const char *constant_read(struct wasm_const *out, const struct wasm_module *m, struct cursor *c);

/* constant_number is the value of an i32, i64, f32, f64 or v128 expression; `globals` are the instance's. */
struct vm_slot constant_number(const struct wasm_const *k, const struct vm_slot *globals);

#endif
