/* SPDX-License-Identifier: MIT
 *
 * body: the types of function bodies (core specification 3.4.13 and the appendix "Validation
 * Algorithm"): a stack of operand types and a stack of control frames. Private to validation.
 */
#ifndef WEFT_ENGINE_WASM_BODY_H
#define WEFT_ENGINE_WASM_BODY_H
#include "engine/wasm/module.h"

/* body_validate checks all bodies, and sets what module.h says validation sets. Types, indices and tags
 * that the module declares have been checked. E_FORMAT names cause, function and offset; E_LIMIT the limit. */
must_use enum err body_validate(struct wasm_module *m, struct note *note);

#endif
