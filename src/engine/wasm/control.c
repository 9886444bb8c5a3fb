/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"

#include <stdlib.h>

void unreachable(struct walker *w)
{
	w->live = false;
	w->t.height = w->frames[w->count - 1].height;
}

static const uint8_t *results_of(const struct frame *f)
{
	return f->results ? f->results : f->single;
}

struct frame *enter(struct walker *w, enum opcode op)
{
	struct frame *f;

	if (w->count == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->frames = realloc(w->frames, w->cap * sizeof(*w->frames));
		must(w->frames != NULL);
	}
	f = &w->frames[w->count++];
	*f = (struct frame){.op = op, .entered = w->live, .condition = -1};
	return f;
}

/* ---- opening ---- */

static void block_type(struct walker *w, struct frame *f)
{
	uint8_t first = *w->c.at;
	const struct wasm_func_type *type;

	if ((first & 0xc0) == 0x40) {
		w->c.at++;
		f->single[0] = first;
		f->result_count = first != 0x40;
		return;
	}
	type = &w->t.m->types[cursor_signed(&w->c, 33)];
	f->params = type->params;
	f->param_count = type->param_count;
	f->results = type->results;
	f->result_count = type->result_count;
}

static void skip_clauses(struct cursor *c)
{
	for (uint32_t n = cursor_u32(c); n > 0; n--) {
		uint8_t kind = cursor_u8(c);

		if (kind == CATCH || kind == CATCH_REF)
			(void)cursor_u32(c);
		(void)cursor_u32(c);
	}
}

static void make_slots(struct walker *w, struct frame *f)
{
	struct build *t = &w->t;
	uint32_t extra = f->op == OP_loop ? f->param_count : 0;

	f->slots = arena_new_array(&w->a, f->result_count + extra + 1, LLVMValueRef);
	for (uint32_t i = 0; i < f->result_count; i++)
		f->slots[i] = slot(t, type_of(t, results_of(f)[i]));
	for (uint32_t i = 0; i < extra; i++)
		f->slots[f->result_count + i] = slot(t, type_of(t, f->params[i]));
}

static void store_list(struct build *t, LLVMValueRef *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		LLVMBuildStore(t->b, t->stack[t->height - count + i].v, slots[i]);
}

static void load_list(struct build *t, LLVMValueRef *slots, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		push(t, LLVMBuildLoad2(t->b, type_of(t, types[i]), slots[i], ""), types[i]);
}

/* A branch to a loop goes to its start: `target` is the header. */
static void loop_begin(struct walker *w, struct frame *f)
{
	struct build *t = &w->t;

	store_list(t, f->slots + f->result_count, f->param_count);
	LLVMBuildBr(t->b, f->target);
	LLVMPositionBuilderAtEnd(t->b, f->target);
	t->height = f->height;
	load_list(t, f->slots + f->result_count, f->params, f->param_count);
}

static void if_begin(struct walker *w, struct frame *f, LLVMValueRef condition)
{
	struct build *t = &w->t;
	LLVMBasicBlockRef then;

	f->kept = arena_new_array(&w->a, f->param_count + 1, LLVMValueRef);
	for (uint32_t i = 0; i < f->param_count; i++)
		f->kept[i] = t->stack[f->height + i].v;
	if (LLVMIsAConstantInt(condition)) {
		f->condition = LLVMConstIntGetZExtValue(condition) != 0;
		if (!f->condition)
			unreachable(w);
		return;
	}
	then = new_block(t);
	f->otherwise = new_block(t);
	LLVMBuildCondBr(t->b, LLVMBuildICmp(t->b, LLVMIntNE, condition, const_i32(t, 0), ""), then, f->otherwise);
	LLVMPositionBuilderAtEnd(t->b, then);
}

void block_begin(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;
	LLVMValueRef condition = op == OP_if && w->live ? pop(t) : NULL;
	struct frame *f = enter(w, op);

	block_type(w, f);
	f->clauses = w->c;
	if (op == OP_try_table)
		skip_clauses(&w->c);
	if (!w->live) {
		f->height = t->height;
		return;
	}
	f->height = t->height - f->param_count;
	make_slots(w, f);
	f->target = new_block(t);
	if (op == OP_loop)
		loop_begin(w, f);
	else if (op == OP_if)
		if_begin(w, f, condition);
	else if (op == OP_try || op == OP_try_table)
		try_begin(w, f);
}

void enter_body(struct walker *w, const struct wasm_func_type *type)
{
	struct frame *f = enter(w, OP_block);

	f->results = type->results;
	f->result_count = type->result_count;
	make_slots(w, f);
	f->target = new_block(&w->t);
}

/* ---- closing ---- */

void fall_out(struct walker *w, struct frame *f)
{
	if (!w->live)
		return;
	store_list(&w->t, f->slots, f->result_count);
	LLVMBuildBr(w->t.b, f->target);
	f->reached = true;
}

/* The other arm of an if: its code, or what an absent else does, which is to pass the params on. */
static void begin_else(struct walker *w, struct frame *f)
{
	struct build *t = &w->t;

	t->height = f->height;
	w->live = f->entered && f->condition != 1;
	if (!w->live)
		return;
	if (f->otherwise)
		LLVMPositionBuilderAtEnd(t->b, f->otherwise);
	for (uint32_t i = 0; i < f->param_count; i++)
		push(t, f->kept[i], f->params[i]);
}

void else_op(struct walker *w)
{
	struct frame *f = &w->frames[w->count - 1];

	if (f->entered) {
		fall_out(w, f);
		begin_else(w, f);
	}
	f->op = OP_else;
}

/* The end of a loop is just passed; its results stay on the stack. */
static void end_loop(struct walker *w, struct frame *f)
{
	struct build *t = &w->t;
	uint32_t n = f->result_count, height = f->height;

	if (w->live)
		for (uint32_t i = 0; i < n; i++)
			t->stack[height + i] = t->stack[t->height - n + i];
	t->height = w->live ? height + n : height;
	w->count--;
	if (!w->live)
		unreachable(w);
}

void close_frame(struct walker *w)
{
	struct build *t = &w->t;
	struct frame done = w->frames[--w->count];

	t->height = done.height;
	w->live = done.reached;
	LLVMPositionBuilderAtEnd(t->b, done.target);
	if (!done.reached) {
		LLVMBuildUnreachable(t->b);
		if (w->count)
			unreachable(w);
		return;
	}
	load_list(t, done.slots, results_of(&done), done.result_count);
	if (w->count == 0)
		return_now(w);
}

/* A frame that began in dead code: nothing of it was translated. */
static void close_dead(struct walker *w)
{
	w->count--;
	if (w->count)
		w->t.height = w->frames[w->count - 1].height;
}

void end(struct walker *w)
{
	struct frame *f = &w->frames[w->count - 1];

	if (!f->entered) {
		close_dead(w);
		return;
	}
	if (f->op == OP_loop) {
		end_loop(w, f);
		return;
	}
	fall_out(w, f);
	if (f->op == OP_if) {
		begin_else(w, f);
		fall_out(w, f);
	}
	try_end(w);
	close_frame(w);
}

/* ---- branches ---- */

LLVMBasicBlockRef branch_target(struct walker *w, uint32_t depth)
{
	struct frame *f = &w->frames[w->count - 1 - depth];

	f->reached = true;
	if (f->op == OP_loop)
		store_list(&w->t, f->slots + f->result_count, f->param_count);
	else
		store_list(&w->t, f->slots, f->result_count);
	return f->target;
}

void br_if(struct walker *w)
{
	struct build *t = &w->t;
	LLVMValueRef condition = pop(t);
	uint32_t depth = cursor_u32(&w->c);
	LLVMBasicBlockRef target, on;

	if (LLVMIsAConstantInt(condition)) {
		if (LLVMConstIntGetZExtValue(condition)) {
			LLVMBuildBr(t->b, branch_target(w, depth));
			unreachable(w);
		}
		return;
	}
	target = branch_target(w, depth);
	on = new_block(t);
	LLVMBuildCondBr(t->b, LLVMBuildICmp(t->b, LLVMIntNE, condition, const_i32(t, 0), ""), target, on);
	LLVMPositionBuilderAtEnd(t->b, on);
}

/* The way to one target of a br_table. Each label keeps its values in its own slots, so with values the way leads
 * through a block that stores them; one for each label, however often the table names it. */
static LLVMBasicBlockRef edge(struct walker *w, uint32_t depth, LLVMBasicBlockRef *known)
{
	struct build *t = &w->t;
	struct frame *f = &w->frames[w->count - 1 - depth];
	uint32_t arity = f->op == OP_loop ? f->param_count : f->result_count;
	LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b);

	if (known[depth])
		return known[depth];
	if (arity == 0) {
		known[depth] = branch_target(w, depth);
		return known[depth];
	}
	known[depth] = new_block(t);
	LLVMPositionBuilderAtEnd(t->b, known[depth]);
	LLVMBuildBr(t->b, branch_target(w, depth));
	LLVMPositionBuilderAtEnd(t->b, here);
	return known[depth];
}

void br_table(struct walker *w)
{
	struct build *t = &w->t;
	LLVMValueRef index = pop(t), s;
	uint32_t count = cursor_u32(&w->c);
	struct cursor targets = w->c;
	LLVMBasicBlockRef *known = calloc(w->count, sizeof(*known));

	must(known != NULL);
	/* The default comes last in the table and first in the switch. */
	for (uint32_t i = 0; i < count; i++)
		(void)cursor_u32(&w->c);
	s = LLVMBuildSwitch(t->b, index, edge(w, cursor_u32(&w->c), known), count);
	for (uint32_t i = 0; i < count; i++)
		LLVMAddCase(s, const_i32(t, i), edge(w, cursor_u32(&targets), known));
	free(known);
	unreachable(w);
}
