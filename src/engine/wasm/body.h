/* SPDX-License-Identifier: MIT
 *
 * body: the types of function bodies (core specification 3.4.13 and the appendix "Validation
 * Algorithm"): a stack of operand types and a stack of control frames. Private to validation: body.c has the two stacks
 * and what changes control, body_op.c the other instructions.
 */
#ifndef WEFT_ENGINE_WASM_BODY_H
#define WEFT_ENGINE_WASM_BODY_H
#include "engine/wasm/module.h"
#include "engine/wasm/opcode.h"

struct frame {
	enum opcode op;
	const uint8_t *params, *results; /* results NULL: `single` */
	uint32_t param_count, result_count;
	uint32_t height; /* operands below this belong to the frames outside */
	bool unreachable;
	uint8_t single[1]; /* result type of a short block type */
};

struct validator {
	struct wasm_module *m;
	struct note *note;
	struct wasm_function *f;
	uint32_t function;
	struct cursor c;
	const uint8_t *at; /* the instruction at hand */
	uint8_t *operands;
	uint32_t operand_count, operand_cap;
	struct frame *frames;
	uint32_t frame_count, frame_cap;
	uint8_t *locals;
	uint32_t local_count;
	uint64_t locals_all, moves; /* of all bodies so far */
	enum err failed;
};

/* body_validate checks all bodies, and sets what module.h says validation sets. Types, indices and tags
 * that the module declares have been checked. E_FORMAT names cause, function and offset; E_LIMIT the limit. */
must_use enum err body_validate(struct wasm_module *m, struct note *note);

/* ---- errors: the first one counts, so checks go on after it without looking ---- */

void body_fail(struct validator *v, const char *what);
void body_fail_past(struct validator *v, const char *what, unsigned long long limit);
void body_fail_type(struct validator *v, uint8_t want, uint8_t got);

/* ---- operands ---- */

void body_push(struct validator *v, uint8_t type);
/* body_pop gives what was there: WASM_ANY in code that is not reached, and where anything is wanted. */
uint8_t body_pop(struct validator *v, uint8_t want);
uint8_t body_pop_any(struct validator *v);
void body_pop_list(struct validator *v, const uint8_t *types, uint32_t count);
void body_push_list(struct validator *v, const uint8_t *types, uint32_t count);

/* ---- control ---- */

const uint8_t *body_results_of(const struct frame *f);
/* body_unreachable: what follows up to the end of the block is not reached. */
void body_unreachable(struct validator *v);
/* body_control checks an instruction that changes control; false: it is none. */
bool body_control(struct validator *v, enum opcode op);
/* body_operation checks any other. */
void body_operation(struct validator *v, enum opcode op);

#endif
