/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"

/* An exception travels by returning: who throws sets vm->exception and goes to the innermost handler of the function,
 * or returns; who calls tests vm->exception afterwards and goes on in the same way. A module without exceptions has no
 * such tests. The block of a handler asks for one tag after another, and ends in the handler outside.
 *
 * Both encodings meet here. In the legacy one a frame is a try whose op becomes catch with its first clause;
 * in the final one a try_table, whose clauses are only branches, and come when the block ends. */

static LLVMValueRef pending(struct build *t)
{
	return vm_field(t, offsetof(struct vm, exception), t->ptr);
}

static void set_pending(struct build *t, LLVMValueRef exception)
{
	vm_set(t, offsetof(struct vm, exception), exception);
}

/* ---- where exceptions go ---- */

/* Out of the function: the results do not matter, nobody looks at them. */
static LLVMBasicBlockRef propagate(struct walker *w)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = wasm_type_of(t->m, w->function);
	LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b);

	if (w->propagate)
		return w->propagate;
	w->propagate = new_block(t);
	LLVMPositionBuilderAtEnd(t->b, w->propagate);
	leave_function(w, type->result_count == 1 ? zero_of(t, type->results[0]) : NULL);
	LLVMPositionBuilderAtEnd(t->b, here);
	return w->propagate;
}

LLVMBasicBlockRef unwind_to(struct walker *w, uint32_t count)
{
	while (count-- > 0) {
		struct frame *f = &w->frames[count];

		if (!f->entered || (f->op != OP_try && f->op != OP_try_table))
			continue;
		if (!f->handler)
			f->handler = new_block(&w->t);
		return f->handler;
	}
	return propagate(w);
}

void unwind_after(struct walker *w)
{
	struct build *t = &w->t;
	LLVMBasicBlockRef on;

	if (!t->m->exceptions)
		return;
	on = new_block(t);
	LLVMBuildCondBr(t->b, LLVMBuildIsNull(t->b, pending(t), ""), on, unwind_to(w, w->count));
	LLVMPositionBuilderAtEnd(t->b, on);
}

/* ---- where exceptions live: see vm.h ---- */

/* Whether what this function caught is known to be dead outside of its catches. */
static bool stacked(const struct walker *w)
{
	return w->floor && !w->t.m->exception_values;
}

void drop_dead_exceptions(struct walker *w)
{
	if (stacked(w))
		vm_set(&w->t, offsetof(struct vm, exception_top), w->floor);
}

void try_begin(struct walker *w, struct frame *f)
{
	LLVMValueRef floor = w->floor;

	(void)f;
	if (!stacked(w))
		return;
	for (uint32_t i = 0; i < w->count; i++)
		if (w->frames[i].floor)
			floor = w->frames[i].floor;
	vm_set(&w->t, offsetof(struct vm, exception_top), floor);
}

/* ---- throwing ---- */

static void throw_new(struct walker *w, uint32_t tag)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = &t->m->types[t->m->tags[tag].type];
	LLVMValueRef number = const_i32(t, tag), e;

	gas_spill(t);
	e = call_helper(t, offsetof(struct vm, exception_new), t->ptr, &number, 1);
	t->height -= type->param_count;
	for (uint32_t i = 0; i < type->param_count; i++)
		LLVMBuildStore(t->b, t->stack[t->height + i].v,
			       offset_by(t, e, offsetof(struct vm_exception, values) + 16ull * i));
}

void throw_op(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;

	if (op == OP_throw) {
		throw_new(w, cursor_u32(&w->c));
	} else if (op == OP_rethrow) {
		set_pending(t, w->frames[w->count - 1 - cursor_u32(&w->c)].caught);
	} else {
		LLVMValueRef e = pop(t);

		trap_if(t, LLVMBuildICmp(t->b, LLVMIntEQ, e, const_i64(t, 0), ""), TRAP_NULL_REFERENCE);
		set_pending(t, LLVMBuildIntToPtr(t->b, e, t->ptr, ""));
	}
	LLVMBuildBr(t->b, unwind_to(w, w->count));
	unreachable(w);
}

/* ---- catching ---- */

static void push_values(struct build *t, LLVMValueRef exception, uint32_t tag)
{
	const struct wasm_func_type *type = &t->m->types[t->m->tags[tag].type];

	for (uint32_t i = 0; i < type->param_count; i++)
		push(t,
		     load_at(t, type_of(t, type->params[i]), exception,
			     offsetof(struct vm_exception, values) + 16ull * i),
		     type->params[i]);
}

/* Goes on in a block for exceptions of this tag; gives the one for all others. */
static LLVMBasicBlockRef test_tag(struct build *t, LLVMValueRef exception, uint32_t tag)
{
	LLVMBasicBlockRef match = new_block(t), next = new_block(t);
	LLVMValueRef got = LLVMBuildLoad2(t->b, t->ptr, exception, "");
	LLVMValueRef want = load_at(t, t->ptr, vm_field(t, offsetof(struct vm, tags), t->ptr), 8ull * tag);

	LLVMBuildCondBr(t->b, LLVMBuildICmp(t->b, LLVMIntEQ, got, want, ""), match, next);
	LLVMPositionBuilderAtEnd(t->b, match);
	return next;
}

void catch_op(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;
	struct frame *f = &w->frames[w->count - 1];
	uint32_t tag = op == OP_catch ? cursor_u32(&w->c) : 0;
	LLVMBasicBlockRef next = NULL;

	if (f->entered)
		fall_out(w, f);
	f->op = op;
	w->live = f->handler != NULL;
	t->height = f->height;
	if (!w->live)
		return;
	LLVMPositionBuilderAtEnd(t->b, f->handler);
	f->caught = pending(t);
	if (op == OP_catch)
		next = test_tag(t, f->caught, tag);
	f->handler = next;
	set_pending(t, LLVMConstNull(t->ptr));
	f->floor = vm_field(t, offsetof(struct vm, exception_top), t->ptr);
	if (op == OP_catch)
		push_values(t, f->caught, tag);
}

/* One clause of a try_table, whose frame is gone already: its label counts from outside. */
static bool clause(struct walker *w, struct cursor *c, LLVMValueRef exception)
{
	struct build *t = &w->t;
	uint8_t kind = cursor_u8(c);
	bool tagged = kind == CATCH || kind == CATCH_REF;
	uint32_t tag = tagged ? cursor_u32(c) : 0, height = t->height;
	LLVMBasicBlockRef next = tagged ? test_tag(t, exception, tag) : NULL;

	set_pending(t, LLVMConstNull(t->ptr));
	if (tagged)
		push_values(t, exception, tag);
	if (kind == CATCH_REF || kind == CATCH_ALL_REF)
		push(t, LLVMBuildPtrToInt(t->b, exception, t->i64, ""), WASM_EXNREF);
	LLVMBuildBr(t->b, branch_target(w, cursor_u32(c)));
	t->height = height;
	if (next)
		LLVMPositionBuilderAtEnd(t->b, next);
	return next != NULL;
}

static void clauses(struct walker *w, struct frame *f)
{
	struct build *t = &w->t;
	struct cursor c = f->clauses;
	LLVMValueRef exception;
	bool open = true;

	LLVMPositionBuilderAtEnd(t->b, f->handler);
	exception = pending(t);
	w->count--;
	t->height = f->height;
	for (uint32_t n = cursor_u32(&c); n > 0 && open; n--)
		open = clause(w, &c, exception);
	if (open)
		LLVMBuildBr(t->b, unwind_to(w, w->count));
	w->count++;
}

void try_end(struct walker *w)
{
	struct frame *f = &w->frames[w->count - 1];

	if (!f->handler)
		return;
	if (f->op == OP_try_table) {
		clauses(w, f);
		return;
	}
	LLVMPositionBuilderAtEnd(w->t.b, f->handler);
	LLVMBuildBr(w->t.b, unwind_to(w, w->count - 1));
}

/* Ends a try: exceptions go to the label, counted from outside, or further out when that is no try. */
void delegate(struct walker *w)
{
	struct frame *f = &w->frames[w->count - 1];
	uint32_t depth = cursor_u32(&w->c);

	if (!f->entered) {
		end(w);
		return;
	}
	fall_out(w, f);
	if (f->handler) {
		LLVMPositionBuilderAtEnd(w->t.b, f->handler);
		LLVMBuildBr(w->t.b, unwind_to(w, w->count - 1 - depth));
	}
	close_frame(w);
}
