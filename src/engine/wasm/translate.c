/* SPDX-License-Identifier: MIT */
#include "engine/wasm/translate.h"
#include "engine/wasm/build.h"
#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A label: where a branch goes and in which slots it leaves its values. */
struct frame {
	enum opcode op;
	const uint8_t *params, *results;
	uint32_t param_count, result_count;
	uint8_t single[1];
	LLVMValueRef *slots; /* of the results; for a loop also of the params, after them */
	LLVMValueRef *kept;  /* an if's params, for its else */
	LLVMBasicBlockRef target, otherwise;
	uint32_t height;
	bool reached;     /* something branches to `target` */
	bool entered;     /* the frame itself began in live code */
	int8_t condition; /* of an if: -1 unknown, 0 and 1 known while translating */
};

struct walker {
	struct build t;
	struct arena a;
	struct cursor c;
	struct frame *frames;
	uint32_t count, cap;
	bool live;
	/* The segment under way: the subtraction whose constant is still to be set. */
	LLVMValueRef charge;
	uint64_t sum;
	uint32_t function;
	int64_t depth_units;
	LLVMValueRef depth_left;
	/* A function that calls none need not write the depth down: what did so, to be taken out again. */
	LLVMValueRef *depth_writes;
	uint32_t depth_write_count, depth_write_cap;
	bool calls;
};

/* ---- building blocks ---- */

LLVMTypeRef type_of(struct build *t, uint8_t type)
{
	switch (type) {
	case WASM_I32:
		return t->i32;
	case WASM_F32:
		return t->f32;
	case WASM_F64:
		return t->f64;
	case WASM_V128:
		return t->v128;
	default:
		return t->i64; /* i64 and references */
	}
}

LLVMValueRef zero_of(struct build *t, uint8_t type)
{
	return LLVMConstNull(type_of(t, type));
}

LLVMBasicBlockRef new_block(struct build *t)
{
	return LLVMAppendBasicBlockInContext(t->ctx, t->f, "");
}

LLVMValueRef vm_field(struct build *t, size_t offset, LLVMTypeRef type)
{
	LLVMValueRef at = const_i64(t, offset);
	return LLVMBuildLoad2(t->b, type, LLVMBuildGEP2(t->b, t->i8, t->vm, &at, 1, ""), "");
}

static LLVMValueRef vm_set(struct build *t, size_t offset, LLVMValueRef v)
{
	LLVMValueRef at = const_i64(t, offset);
	return LLVMBuildStore(t->b, v, LLVMBuildGEP2(t->b, t->i8, t->vm, &at, 1, ""));
}

LLVMValueRef call_helper(struct build *t, size_t offset, LLVMTypeRef result, LLVMValueRef *args, unsigned count)
{
	LLVMTypeRef types[8] = {t->ptr};
	LLVMValueRef all[8] = {t->vm};
	for (unsigned i = 0; i < count; i++) {
		all[i + 1] = args[i];
		types[i + 1] = LLVMTypeOf(args[i]);
	}
	LLVMTypeRef type = LLVMFunctionType(result, types, count + 1, 0);
	return LLVMBuildCall2(t->b, type, vm_field(t, offset, t->ptr), all, count + 1, "");
}

LLVMValueRef intrinsic(struct build *t, const char *name, LLVMTypeRef *types, unsigned type_count, LLVMValueRef *args,
		       unsigned count)
{
	unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
	must(id != 0);
	LLVMValueRef f = LLVMGetIntrinsicDeclaration(t->module, id, types, type_count);
	return LLVMBuildCall2(t->b, LLVMGlobalGetValueType(f), f, args, count, "");
}

LLVMValueRef intrinsic1(struct build *t, const char *name, LLVMValueRef a)
{
	LLVMTypeRef type = LLVMTypeOf(a);
	return intrinsic(t, name, &type, 1, &a, 1);
}

LLVMValueRef intrinsic2(struct build *t, const char *name, LLVMValueRef a, LLVMValueRef b)
{
	LLVMTypeRef type = LLVMTypeOf(a);
	return intrinsic(t, name, &type, 1, (LLVMValueRef[]){a, b}, 2);
}

LLVMValueRef canonical(struct build *t, LLVMValueRef v)
{
	LLVMTypeRef type = LLVMTypeOf(v), element = type;
	unsigned lanes = 0;
	if (LLVMGetTypeKind(type) == LLVMVectorTypeKind) {
		element = LLVMGetElementType(type);
		lanes = LLVMGetVectorSize(type);
	}
	LLVMValueRef nan = element == t->f32 ? LLVMConstBitCast(const_i32(t, 0xffc00000), t->f32)
					     : LLVMConstBitCast(const_i64(t, 0xfff8000000000000), t->f64);
	if (lanes) {
		LLVMValueRef all[4] = {nan, nan, nan, nan};
		nan = LLVMConstVector(all, lanes);
	}
	return LLVMBuildSelect(t->b, LLVMBuildFCmp(t->b, LLVMRealUNO, v, v, ""), nan, v, "");
}

static LLVMBasicBlockRef trap_block(struct build *t, enum vm_trap code)
{
	if (!t->traps[code]) {
		LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b);
		t->traps[code] = new_block(t);
		LLVMPositionBuilderAtEnd(t->b, t->traps[code]);
		LLVMValueRef number = const_i32(t, code);
		call_helper(t, offsetof(struct vm, trap), t->void_type, &number, 1);
		LLVMBuildUnreachable(t->b);
		LLVMPositionBuilderAtEnd(t->b, here);
	}
	return t->traps[code];
}

void trap_if(struct build *t, LLVMValueRef condition, enum vm_trap code)
{
	if (LLVMIsAConstantInt(condition) && LLVMConstIntGetZExtValue(condition) == 0)
		return;
	LLVMBasicBlockRef on = new_block(t);
	LLVMBuildCondBr(t->b, condition, trap_block(t, code), on);
	LLVMPositionBuilderAtEnd(t->b, on);
}

static LLVMValueRef slot(struct build *t, LLVMTypeRef type)
{
	return LLVMBuildAlloca(t->entry, type, "");
}

/* ---- signatures ---- */

/* Several results do not come back in registers: a last parameter says where they go, in slots (vm.h). */
static bool by_pointer(const struct wasm_func_type *type)
{
	return type->result_count > 1;
}

static LLVMTypeRef function_type(struct build *t, const struct wasm_func_type *type)
{
	LLVMTypeRef params[WASM_PARAMS_MAX + 2] = {t->ptr};
	for (uint32_t i = 0; i < type->param_count; i++)
		params[i + 1] = type_of(t, type->params[i]);
	params[type->param_count + 1] = t->ptr;
	return LLVMFunctionType(type->result_count == 1 ? type_of(t, type->results[0]) : t->void_type, params,
				type->param_count + 1 + by_pointer(type), 0);
}

static void mark(struct build *t, LLVMValueRef f)
{
	LLVMSetVisibility(f, LLVMHiddenVisibility);
	unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);
	LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(t->ctx, nounwind, 0));
}

static LLVMValueRef function_of(struct build *t, uint32_t index)
{
	if (!t->functions[index]) {
		char name[16];
		snprintf(name, sizeof name, "f%u", index);
		t->functions[index] = LLVMAddFunction(t->module, name, function_type(t, wasm_type_of(t->m, index)));
		mark(t, t->functions[index]);
	}
	return t->functions[index];
}

/* The i-th 16-byte slot of an argument array. */
static LLVMValueRef arg_slot(struct build *t, LLVMValueRef args, uint32_t i)
{
	LLVMValueRef at = const_i64(t, 16ull * i);
	return LLVMBuildGEP2(t->b, t->i8, args, &at, 1, "");
}

static void begin_function(struct build *t, LLVMValueRef f)
{
	t->f = f;
	t->vm = LLVMGetParam(f, 0);
	memset(t->traps, 0, sizeof t->traps);
	LLVMPositionBuilderAtEnd(t->b, new_block(t));
}

/* An import as a function like any other: its arguments go to the host in slots. */
static void import_thunk(struct build *t, uint32_t index)
{
	const struct wasm_func_type *type = wasm_type_of(t->m, index);
	begin_function(t, function_of(t, index));
	uint32_t slots = type->param_count > type->result_count ? type->param_count : type->result_count;
	LLVMValueRef args = LLVMBuildArrayAlloca(t->b, t->v128, const_i32(t, slots ? slots : 1), "");
	LLVMSetAlignment(args, 16);
	for (uint32_t i = 0; i < type->param_count; i++)
		LLVMBuildStore(t->b, LLVMGetParam(t->f, i + 1), arg_slot(t, args, i));
	LLVMValueRef pair[2] = {const_i32(t, index), args};
	call_helper(t, offsetof(struct vm, host), t->void_type, pair, 2);
	for (uint32_t i = 0; i < type->result_count; i++) {
		LLVMValueRef v = LLVMBuildLoad2(t->b, type_of(t, type->results[i]), arg_slot(t, args, i), "");
		if (!by_pointer(type)) {
			LLVMBuildRet(t->b, v);
			return;
		}
		LLVMBuildStore(t->b, v, arg_slot(t, LLVMGetParam(t->f, type->param_count + 1), i));
	}
	LLVMBuildRetVoid(t->b);
}

/* e<type>(vm, code, args): how the runtime calls a function of this type. */
static void entry_thunk(struct build *t, uint32_t index)
{
	const struct wasm_func_type *type = &t->m->types[index];
	LLVMTypeRef params[3] = {t->ptr, t->ptr, t->ptr};
	char name[16];
	snprintf(name, sizeof name, "e%u", index);
	LLVMValueRef f = LLVMAddFunction(t->module, name, LLVMFunctionType(t->void_type, params, 3, 0));
	mark(t, f);
	begin_function(t, f);
	LLVMValueRef args = LLVMGetParam(f, 2);
	LLVMValueRef values[WASM_PARAMS_MAX + 2] = {t->vm};
	for (uint32_t i = 0; i < type->param_count; i++)
		values[i + 1] = LLVMBuildLoad2(t->b, type_of(t, type->params[i]), arg_slot(t, args, i), "");
	values[type->param_count + 1] = args;
	LLVMValueRef r = LLVMBuildCall2(t->b, function_type(t, type), LLVMGetParam(f, 1), values,
					type->param_count + 1 + by_pointer(type), "");
	if (type->result_count == 1)
		LLVMBuildStore(t->b, r, arg_slot(t, args, 0));
	LLVMBuildRetVoid(t->b);
}

/* ---- gas ---- */

static void segment_begin(struct walker *w, bool check)
{
	struct build *t = &w->t;
	w->sum = 0;
	w->charge = NULL;
	if (!w->live)
		return;
	LLVMValueRef left = LLVMBuildLoad2(t->b, t->i64, t->gas, "");
	w->charge = LLVMBuildSub(t->b, left, const_i64(t, 0), "");
	LLVMBuildStore(t->b, w->charge, t->gas);
	if (check || t->schedule == WASM_GAS_METERING)
		trap_if(t, LLVMBuildICmp(t->b, LLVMIntSLT, w->charge, const_i64(t, 0), ""), TRAP_OUT_OF_GAS);
}

static void segment_end(struct walker *w)
{
	if (w->charge)
		LLVMSetOperand(w->charge, 1, const_i64(&w->t, gas_segment(w->t.schedule, w->sum)));
	w->charge = NULL;
	w->sum = 0;
}

static void gas_spill(struct build *t)
{
	vm_set(t, offsetof(struct vm, gas), LLVMBuildLoad2(t->b, t->i64, t->gas, ""));
}

static void gas_reload(struct build *t)
{
	LLVMBuildStore(t->b, vm_field(t, offsetof(struct vm, gas), t->i64), t->gas);
}

/* T0 counts how often functions are entered and loops go round: the profile that says what T1 takes first. */
static void count_entry(struct walker *w)
{
	struct build *t = &w->t;
	if (t->tier != WASM_TIER_0)
		return;
	LLVMValueRef index = const_i64(t, w->function);
	LLVMValueRef at = LLVMBuildGEP2(t->b, t->i32, vm_field(t, offsetof(struct vm, counts), t->ptr), &index, 1, "");
	LLVMValueRef n = LLVMBuildLoad2(t->b, t->i32, at, "");
	LLVMBuildStore(t->b, LLVMBuildAdd(t->b, n, const_i32(t, 1), ""), at);
}

static void set_depth(struct walker *w, LLVMValueRef v)
{
	if (w->depth_write_count == w->depth_write_cap) {
		w->depth_write_cap = w->depth_write_cap ? 2 * w->depth_write_cap : 64;
		w->depth_writes = realloc(w->depth_writes, w->depth_write_cap * sizeof *w->depth_writes);
		must(w->depth_writes != NULL);
	}
	w->depth_writes[w->depth_write_count++] = vm_set(&w->t, offsetof(struct vm, depth), v);
}

/* ---- control ---- */

static void unreachable(struct walker *w)
{
	w->live = false;
	w->t.height = w->frames[w->count - 1].height;
}

static const uint8_t *results_of(const struct frame *f)
{
	return f->results ? f->results : f->single;
}

static struct frame *enter(struct walker *w, enum opcode op)
{
	if (w->count == w->cap) {
		w->cap = w->cap ? 2 * w->cap : 64;
		w->frames = realloc(w->frames, w->cap * sizeof *w->frames);
		must(w->frames != NULL);
	}
	struct frame *f = &w->frames[w->count++];
	*f = (struct frame){.op = op, .entered = w->live, .condition = -1};
	return f;
}

static void block_type(struct walker *w, struct frame *f)
{
	uint8_t first = *w->c.at;
	if ((first & 0xc0) == 0x40) {
		w->c.at++;
		f->single[0] = first;
		f->result_count = first != 0x40;
		return;
	}
	const struct wasm_func_type *type = &w->t.m->types[cursor_signed(&w->c, 33)];
	f->params = type->params, f->param_count = type->param_count;
	f->results = type->results, f->result_count = type->result_count;
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

static void block(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;
	LLVMValueRef condition = op == OP_if && w->live ? pop(t) : NULL;
	struct frame *f = enter(w, op);
	block_type(w, f);
	if (!w->live) {
		f->height = t->height;
		return;
	}
	f->height = t->height - f->param_count;
	make_slots(w, f);
	f->target = new_block(t);
	if (op == OP_loop) {
		/* A branch to a loop goes to its start: `target` is the header, reached already. */
		store_list(t, f->slots + f->result_count, f->param_count);
		LLVMBuildBr(t->b, f->target);
		LLVMPositionBuilderAtEnd(t->b, f->target);
		t->height = f->height;
		load_list(t, f->slots + f->result_count, f->params, f->param_count);
		return;
	}
	if (op != OP_if)
		return;
	f->kept = arena_new_array(&w->a, f->param_count + 1, LLVMValueRef);
	for (uint32_t i = 0; i < f->param_count; i++)
		f->kept[i] = t->stack[f->height + i].v;
	if (LLVMIsAConstantInt(condition)) {
		f->condition = LLVMConstIntGetZExtValue(condition) != 0;
		if (!f->condition)
			unreachable(w);
		return;
	}
	LLVMBasicBlockRef then = new_block(t);
	f->otherwise = new_block(t);
	LLVMBuildCondBr(t->b, LLVMBuildICmp(t->b, LLVMIntNE, condition, const_i32(t, 0), ""), then, f->otherwise);
	LLVMPositionBuilderAtEnd(t->b, then);
}

static void fall_out(struct walker *w, struct frame *f)
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

static void return_now(struct walker *w)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = wasm_type_of(t->m, w->function);
	gas_spill(t);
	set_depth(w, LLVMBuildAdd(t->b, w->depth_left, const_i64(t, (uint64_t)w->depth_units), ""));
	if (type->result_count == 1) {
		LLVMBuildRet(t->b, t->stack[t->height - 1].v);
		return;
	}
	for (uint32_t i = 0; i < type->result_count; i++)
		LLVMBuildStore(t->b, t->stack[t->height - type->result_count + i].v,
			       arg_slot(t, LLVMGetParam(t->f, type->param_count + 1), i));
	LLVMBuildRetVoid(t->b);
}

static void end(struct walker *w)
{
	struct build *t = &w->t;
	struct frame *f = &w->frames[w->count - 1];
	if (!f->entered) { /* the whole frame was dead */
		w->count--;
		if (w->count)
			t->height = w->frames[w->count - 1].height;
		return;
	}
	if (f->op == OP_loop) {
		/* The end of a loop is just passed; its results stay on the stack. */
		uint32_t n = f->result_count, height = f->height;
		if (w->live)
			for (uint32_t i = 0; i < n; i++)
				t->stack[height + i] = t->stack[t->height - n + i];
		t->height = w->live ? height + n : height;
		w->count--;
		if (!w->live)
			unreachable(w);
		return;
	}
	fall_out(w, f);
	if (f->op == OP_if) {
		begin_else(w, f);
		fall_out(w, f);
	}
	struct frame done = *f;
	w->count--;
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

static LLVMBasicBlockRef branch_target(struct walker *w, uint32_t depth)
{
	struct frame *f = &w->frames[w->count - 1 - depth];
	f->reached = true;
	if (f->op == OP_loop)
		store_list(&w->t, f->slots + f->result_count, f->param_count);
	else
		store_list(&w->t, f->slots, f->result_count);
	return f->target;
}

static void br_if(struct walker *w)
{
	struct build *t = &w->t;
	LLVMValueRef condition = pop(t);
	uint32_t depth = cursor_u32(&w->c);
	if (LLVMIsAConstantInt(condition)) {
		if (LLVMConstIntGetZExtValue(condition)) {
			LLVMBuildBr(t->b, branch_target(w, depth));
			unreachable(w);
		}
		return;
	}
	LLVMBasicBlockRef target = branch_target(w, depth), on = new_block(t);
	LLVMBuildCondBr(t->b, LLVMBuildICmp(t->b, LLVMIntNE, condition, const_i32(t, 0), ""), target, on);
	LLVMPositionBuilderAtEnd(t->b, on);
}

static void br_table(struct walker *w)
{
	struct build *t = &w->t;
	LLVMValueRef index = pop(t);
	uint32_t count = cursor_u32(&w->c);
	LLVMBasicBlockRef *edges = malloc((count + 1) * sizeof *edges);
	must(edges != NULL);
	LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b);
	/* Each target keeps its values in its own slots, so with values each edge gets a block that stores. */
	for (uint32_t i = 0; i <= count; i++) {
		uint32_t depth = cursor_u32(&w->c);
		struct frame *f = &w->frames[w->count - 1 - depth];
		uint32_t arity = f->op == OP_loop ? f->param_count : f->result_count;
		if (arity == 0) {
			edges[i] = branch_target(w, depth);
			continue;
		}
		edges[i] = new_block(t);
		LLVMPositionBuilderAtEnd(t->b, edges[i]);
		LLVMBuildBr(t->b, branch_target(w, depth));
		LLVMPositionBuilderAtEnd(t->b, here);
	}
	LLVMValueRef s = LLVMBuildSwitch(t->b, index, edges[count], count);
	for (uint32_t i = 0; i < count; i++)
		LLVMAddCase(s, const_i32(t, i), edges[i]);
	free(edges);
	unreachable(w);
}

/* ---- calls ---- */

static void finish_call(struct walker *w, LLVMValueRef callee, const struct wasm_func_type *type)
{
	struct build *t = &w->t;
	LLVMValueRef args[WASM_PARAMS_MAX + 2] = {t->vm};
	t->height -= type->param_count;
	for (uint32_t i = 0; i < type->param_count; i++)
		args[i + 1] = t->stack[t->height + i].v;
	if (by_pointer(type))
		args[type->param_count + 1] = slot(t, LLVMArrayType2(t->v128, type->result_count));
	w->calls = true;
	gas_spill(t);
	LLVMValueRef r = LLVMBuildCall2(t->b, function_type(t, type), callee, args,
					type->param_count + 1 + by_pointer(type), "");
	gas_reload(t);
	if (type->result_count == 1)
		push(t, r, type->results[0]);
	for (uint32_t i = 0; by_pointer(type) && i < type->result_count; i++)
		push(t,
		     LLVMBuildLoad2(t->b, type_of(t, type->results[i]), arg_slot(t, args[type->param_count + 1], i),
				    ""),
		     type->results[i]);
}

/* The address of element `index` of a table; traps when there is none. */
static LLVMValueRef table_item(struct build *t, uint32_t table, LLVMValueRef index)
{
	LLVMValueRef tables = vm_field(t, offsetof(struct vm, tables), t->ptr);
	LLVMValueRef at = const_i64(t, table * sizeof(struct vm_table));
	LLVMValueRef row = LLVMBuildGEP2(t->b, t->i8, tables, &at, 1, "");
	LLVMValueRef size_at = const_i64(t, offsetof(struct vm_table, size));
	LLVMValueRef size = LLVMBuildLoad2(t->b, t->i32, LLVMBuildGEP2(t->b, t->i8, row, &size_at, 1, ""), "");
	trap_if(t, LLVMBuildICmp(t->b, LLVMIntUGE, index, size, ""), TRAP_TABLE);
	LLVMValueRef items = LLVMBuildLoad2(t->b, t->ptr, row, "");
	LLVMValueRef wide = LLVMBuildZExt(t->b, index, t->i64, "");
	return LLVMBuildGEP2(t->b, t->i64, items, &wide, 1, "");
}

static void call_indirect(struct walker *w)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = &t->m->types[cursor_u32(&w->c)];
	uint32_t table = cursor_u32(&w->c);
	LLVMValueRef ref = LLVMBuildLoad2(t->b, t->i64, table_item(t, table, pop(t)), "");
	trap_if(t, LLVMBuildICmp(t->b, LLVMIntEQ, ref, const_i64(t, 0), ""), TRAP_NULL_FUNCTION);
	LLVMValueRef at = LLVMBuildIntToPtr(t->b, ref, t->ptr, "");
	LLVMValueRef eight = const_i64(t, offsetof(struct vm_ref, type));
	LLVMValueRef got = LLVMBuildLoad2(t->b, t->i32, LLVMBuildGEP2(t->b, t->i8, at, &eight, 1, ""), "");
	trap_if(t, LLVMBuildICmp(t->b, LLVMIntNE, got, const_i32(t, type->canonical), ""), TRAP_SIGNATURE);
	finish_call(w, LLVMBuildLoad2(t->b, t->ptr, at, ""), type);
}

/* ---- variables, tables, bulk memory ---- */

/* A global that only asyncify_* functions write, and nothing calls those: constant. */
static bool folded(const struct wasm_module *m, uint32_t index)
{
	const struct wasm_global *g = &m->globals[index];
	return !g->imported && g->init.kind == WASM_CONST_VALUE && (g->type == WASM_I32 || g->type == WASM_I64) &&
	       (!g->is_mutable || (!g->written && !g->exported && !m->asyncify_reachable));
}

static LLVMValueRef global_at(struct build *t, uint32_t index)
{
	LLVMValueRef at = const_i64(t, 16ull * index);
	return LLVMBuildGEP2(t->b, t->i8, vm_field(t, offsetof(struct vm, globals), t->ptr), &at, 1, "");
}

static void global_get(struct build *t, uint32_t index)
{
	const struct wasm_global *g = &t->m->globals[index];
	LLVMValueRef v;
	if (folded(t->m, index))
		v = g->type == WASM_I32 ? const_i32(t, get_u32le(g->init.value))
					: const_i64(t, get_u64le(g->init.value));
	else
		v = LLVMBuildLoad2(t->b, type_of(t, g->type), global_at(t, index), "");
	push(t, v, g->type);
}

/* Bulk operations run in the runtime, which also charges for their size. */
static LLVMValueRef bulk(struct build *t, size_t helper, LLVMTypeRef result, LLVMValueRef *args, unsigned count)
{
	gas_spill(t);
	LLVMValueRef r = call_helper(t, helper, result, args, count);
	gas_reload(t);
	return r;
}

static LLVMValueRef widen(struct build *t, LLVMValueRef v)
{
	return LLVMTypeOf(v) == t->i32 ? LLVMBuildZExt(t->b, v, t->i64, "") : v;
}

static void memory_op(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;
	bool wide = t->m->memory.is64;
	uint32_t segment = op == OP_memory_init || op == OP_data_drop ? cursor_u32(&w->c) : 0;
	if (op != OP_data_drop)
		(void)cursor_u8(&w->c);
	if (op == OP_memory_copy)
		(void)cursor_u8(&w->c);
	switch ((unsigned)op) {
	case OP_memory_size: {
		LLVMValueRef v = vm_field(t, offsetof(struct vm, memory_size), t->i64);
		v = LLVMBuildLShr(t->b, v, const_i64(t, 16), "");
		push(t, wide ? v : LLVMBuildTrunc(t->b, v, t->i32, ""), wide ? WASM_I64 : WASM_I32);
		break;
	}
	case OP_memory_grow: {
		LLVMValueRef pages = widen(t, pop(t));
		LLVMValueRef v = bulk(t, offsetof(struct vm, memory_grow), t->i64, &pages, 1);
		push(t, wide ? v : LLVMBuildTrunc(t->b, v, t->i32, ""), wide ? WASM_I64 : WASM_I32);
		break;
	}
	case OP_memory_fill: {
		LLVMValueRef count = widen(t, pop(t)), value = pop(t), to = widen(t, pop(t));
		bulk(t, offsetof(struct vm, memory_fill), t->void_type, (LLVMValueRef[]){to, value, count}, 3);
		break;
	}
	case OP_memory_copy: {
		LLVMValueRef count = widen(t, pop(t)), from = widen(t, pop(t)), to = widen(t, pop(t));
		bulk(t, offsetof(struct vm, memory_copy), t->void_type, (LLVMValueRef[]){to, from, count}, 3);
		break;
	}
	case OP_memory_init: {
		LLVMValueRef count = pop(t), from = pop(t), to = widen(t, pop(t));
		bulk(t, offsetof(struct vm, memory_init), t->void_type,
		     (LLVMValueRef[]){const_i32(t, segment), to, from, count}, 4);
		break;
	}
	default: {
		LLVMValueRef number = const_i32(t, segment);
		bulk(t, offsetof(struct vm, data_drop), t->void_type, &number, 1);
	}
	}
}

static void table_op(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;
	uint32_t first = cursor_u32(&w->c);
	LLVMValueRef x = const_i32(t, first);
	switch ((unsigned)op) {
	case OP_table_get:
		push(t, LLVMBuildLoad2(t->b, t->i64, table_item(t, first, pop(t)), ""), t->m->tables[first].type);
		break;
	case OP_table_set: {
		LLVMValueRef v = pop(t);
		LLVMBuildStore(t->b, v, table_item(t, first, pop(t)));
		break;
	}
	case OP_table_size: {
		LLVMValueRef at = const_i64(t, first * sizeof(struct vm_table) + offsetof(struct vm_table, size));
		LLVMValueRef tables = vm_field(t, offsetof(struct vm, tables), t->ptr);
		push(t, LLVMBuildLoad2(t->b, t->i32, LLVMBuildGEP2(t->b, t->i8, tables, &at, 1, ""), ""), WASM_I32);
		break;
	}
	case OP_table_init: { /* segment, then table */
		LLVMValueRef table = const_i32(t, cursor_u32(&w->c));
		LLVMValueRef count = pop(t), from = pop(t), to = pop(t);
		bulk(t, offsetof(struct vm, table_init), t->void_type, (LLVMValueRef[]){table, x, to, from, count}, 5);
		break;
	}
	case OP_elem_drop:
		bulk(t, offsetof(struct vm, elem_drop), t->void_type, &x, 1);
		break;
	case OP_table_copy: {
		LLVMValueRef other = const_i32(t, cursor_u32(&w->c));
		LLVMValueRef count = pop(t), from = pop(t), to = pop(t);
		bulk(t, offsetof(struct vm, table_copy), t->void_type, (LLVMValueRef[]){x, other, to, from, count}, 5);
		break;
	}
	case OP_table_grow: {
		LLVMValueRef count = pop(t), value = pop(t);
		push(t, bulk(t, offsetof(struct vm, table_grow), t->i32, (LLVMValueRef[]){x, value, count}, 3),
		     WASM_I32);
		break;
	}
	default: { /* table.fill */
		LLVMValueRef count = pop(t), value = pop(t), to = pop(t);
		bulk(t, offsetof(struct vm, table_fill), t->void_type, (LLVMValueRef[]){x, to, value, count}, 4);
	}
	}
}

/* ---- the walk over one body ---- */

/* Dead code is only read over: its nesting has to be known, nothing else. */
static void skip(struct walker *w, enum opcode op, const struct op_info *row)
{
	struct cursor *c = &w->c;
	if (row) {
		if (row->immediate == IMM_MEMORY || row->immediate == IMM_MEMORY_LANE)
			(void)cursor_u32(c), (void)cursor_unsigned(c, w->t.m->memory.is64 ? 64 : 32);
		if (row->immediate == IMM_LANE || row->immediate == IMM_MEMORY_LANE)
			(void)cursor_u8(c);
		if (row->immediate == IMM_BYTES16 || row->immediate == IMM_SHUFFLE)
			(void)cursor_bytes(c, 16);
		return;
	}
	switch ((unsigned)op) {
	case OP_br:
	case OP_br_if:
	case OP_call:
	case OP_local_get:
	case OP_local_set:
	case OP_local_tee:
	case OP_global_get:
	case OP_global_set:
	case OP_table_get:
	case OP_table_set:
	case OP_ref_func:
	case OP_data_drop:
	case OP_elem_drop:
	case OP_table_grow:
	case OP_table_size:
	case OP_table_fill:
		(void)cursor_u32(c);
		break;
	case OP_call_indirect:
	case OP_table_init:
	case OP_table_copy:
		(void)cursor_u32(c), (void)cursor_u32(c);
		break;
	case OP_br_table:
		for (uint32_t n = cursor_u32(c); n > 0; n--)
			(void)cursor_u32(c);
		(void)cursor_u32(c);
		break;
	case OP_select_typed:
		(void)cursor_u32(c), (void)cursor_u8(c);
		break;
	case OP_ref_null:
	case OP_memory_size:
	case OP_memory_grow:
	case OP_memory_fill:
		(void)cursor_u8(c);
		break;
	case OP_memory_copy:
		(void)cursor_u8(c), (void)cursor_u8(c);
		break;
	case OP_memory_init:
		(void)cursor_u32(c), (void)cursor_u8(c);
		break;
	case OP_i32_const:
		(void)cursor_s32(c);
		break;
	case OP_i64_const:
		(void)cursor_s64(c);
		break;
	case OP_f32_const:
		(void)cursor_bytes(c, 4);
		break;
	case OP_f64_const:
		(void)cursor_bytes(c, 8);
		break;
	default:
		break;
	}
}

static void select_op(struct build *t)
{
	LLVMValueRef condition = pop(t), b = pop(t);
	uint8_t type = t->stack[t->height - 1].type;
	LLVMValueRef a = pop(t);
	condition = LLVMBuildICmp(t->b, LLVMIntNE, condition, const_i32(t, 0), "");
	push(t, LLVMBuildSelect(t->b, condition, a, b, ""), type);
}

static void float_const(struct walker *w, bool wide)
{
	struct build *t = &w->t;
	const uint8_t *p = cursor_bytes(&w->c, wide ? 8 : 4).ptr;
	LLVMValueRef bits = wide ? const_i64(t, get_u64le(p)) : const_i32(t, get_u32le(p));
	push(t, LLVMConstBitCast(bits, wide ? t->f64 : t->f32), wide ? WASM_F64 : WASM_F32);
}

static void instruction(struct walker *w, enum opcode op)
{
	struct build *t = &w->t;
	switch ((unsigned)op) {
	case OP_unreachable:
		LLVMBuildBr(t->b, trap_block(t, TRAP_UNREACHABLE));
		unreachable(w);
		break;
	case OP_br:
		LLVMBuildBr(t->b, branch_target(w, cursor_u32(&w->c)));
		unreachable(w);
		break;
	case OP_br_if:
		br_if(w);
		break;
	case OP_br_table:
		br_table(w);
		break;
	case OP_return:
		return_now(w);
		unreachable(w);
		break;
	case OP_call: {
		uint32_t index = cursor_u32(&w->c);
		finish_call(w, function_of(t, index), wasm_type_of(t->m, index));
		break;
	}
	case OP_call_indirect:
		call_indirect(w);
		break;
	case OP_drop:
		pop(t);
		break;
	case OP_select_typed:
		(void)cursor_u32(&w->c);
		(void)cursor_u8(&w->c);
		select_op(t);
		break;
	case OP_select:
		select_op(t);
		break;
	case OP_local_get: {
		uint32_t i = cursor_u32(&w->c);
		push(t, LLVMBuildLoad2(t->b, type_of(t, t->local_types[i]), t->locals[i], ""), t->local_types[i]);
		break;
	}
	case OP_local_set:
		LLVMBuildStore(t->b, pop(t), t->locals[cursor_u32(&w->c)]);
		break;
	case OP_local_tee:
		LLVMBuildStore(t->b, t->stack[t->height - 1].v, t->locals[cursor_u32(&w->c)]);
		break;
	case OP_global_get:
		global_get(t, cursor_u32(&w->c));
		break;
	case OP_global_set:
		LLVMBuildStore(t->b, pop(t), global_at(t, cursor_u32(&w->c)));
		break;
	case OP_i32_const:
		push(t, const_i32(t, (uint32_t)cursor_s32(&w->c)), WASM_I32);
		break;
	case OP_i64_const:
		push(t, const_i64(t, (uint64_t)cursor_s64(&w->c)), WASM_I64);
		break;
	case OP_f32_const:
	case OP_f64_const:
		float_const(w, op == OP_f64_const);
		break;
	case OP_ref_null:
		push(t, const_i64(t, 0), cursor_u8(&w->c));
		break;
	case OP_ref_is_null:
		push(t, LLVMBuildZExt(t->b, LLVMBuildICmp(t->b, LLVMIntEQ, pop(t), const_i64(t, 0), ""), t->i32, ""),
		     WASM_I32);
		break;
	case OP_ref_func: {
		LLVMValueRef at = const_i64(t, cursor_u32(&w->c) * sizeof(struct vm_ref));
		LLVMValueRef refs = vm_field(t, offsetof(struct vm, refs), t->ptr);
		push(t, LLVMBuildPtrToInt(t->b, LLVMBuildGEP2(t->b, t->i8, refs, &at, 1, ""), t->i64, ""),
		     WASM_FUNCREF);
		break;
	}
	case OP_table_get:
	case OP_table_set:
	case OP_table_init:
	case OP_elem_drop:
	case OP_table_copy:
	case OP_table_grow:
	case OP_table_size:
	case OP_table_fill:
		table_op(w, op);
		break;
	case OP_memory_size:
	case OP_memory_grow:
	case OP_memory_init:
	case OP_data_drop:
	case OP_memory_copy:
	case OP_memory_fill:
		memory_op(w, op);
		break;
	default:
		break; /* nop */
	}
}

static void locals(struct walker *w)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = wasm_type_of(t->m, w->function);
	uint32_t total = t->m->functions[w->function].locals_count;
	t->locals = arena_new_array(&w->a, total + 1, LLVMValueRef);
	t->local_types = arena_alloc(&w->a, total + 1);
	uint32_t at = 0;
	for (; at < type->param_count; at++) {
		t->local_types[at] = type->params[at];
		t->locals[at] = slot(t, type_of(t, type->params[at]));
		LLVMBuildStore(t->b, LLVMGetParam(t->f, at + 1), t->locals[at]);
	}
	for (uint32_t groups = cursor_u32(&w->c); groups > 0; groups--) {
		uint32_t count = cursor_u32(&w->c);
		uint8_t local = cursor_u8(&w->c);
		for (; count > 0; count--, at++) {
			t->local_types[at] = local;
			t->locals[at] = slot(t, type_of(t, local));
			LLVMBuildStore(t->b, zero_of(t, local), t->locals[at]);
		}
	}
}

static void function(struct walker *w, uint32_t index)
{
	struct build *t = &w->t;
	const struct wasm_function *fn = &t->m->functions[index];
	const struct wasm_func_type *type = wasm_type_of(t->m, index);
	arena_reset(&w->a);
	w->function = index;
	w->c = cursor_on(fn->body);
	w->count = 0;
	w->live = true;
	t->height = 0;
	if (fn->height_max + 8 > t->stack_cap) {
		t->stack_cap = fn->height_max + 1024;
		t->stack = realloc(t->stack, t->stack_cap * sizeof *t->stack);
		must(t->stack != NULL);
	}
	begin_function(t, function_of(t, index));
	/* Allocas collect in the first block, which ends by going on to the second. */
	LLVMBasicBlockRef first = LLVMGetInsertBlock(t->b), start = new_block(t);
	LLVMPositionBuilderAtEnd(t->entry, first);
	LLVMPositionBuilderAtEnd(t->b, start);
	t->gas = slot(t, t->i64);
	t->memory = vm_field(t, offsetof(struct vm, memory), t->ptr);
	locals(w);
	gas_reload(t);
	/* T0 keeps in the frame whatever lives across blocks, which may be as much as the body is long. */
	w->depth_units = 1 + (fn->locals_count + fn->height_max) / 32 + (int64_t)(fn->body.len / 4096);
	LLVMValueRef left = LLVMBuildSub(t->b, vm_field(t, offsetof(struct vm, depth), t->i64),
					 const_i64(t, (uint64_t)w->depth_units), "");
	trap_if(t, LLVMBuildICmp(t->b, LLVMIntSLT, left, const_i64(t, 0), ""), TRAP_STACK);
	w->calls = false;
	w->depth_write_count = 0;
	set_depth(w, left);
	w->depth_left = left;

	struct frame *f = enter(w, OP_block);
	f->results = type->results, f->result_count = type->result_count;
	make_slots(w, f);
	f->target = new_block(t);
	segment_begin(w, true);
	count_entry(w);
	while (w->count) {
		enum opcode op = op_read(&w->c);
		const struct op_info *row = op_info(op);
		w->sum += gas_cost(t->schedule, op);
		bool ends = gas_ends_segment(op);
		if (ends)
			segment_end(w);
		if (op == OP_block || op == OP_loop || op == OP_if)
			block(w, op);
		else if (op == OP_else) {
			struct frame *top = &w->frames[w->count - 1];
			if (top->entered) {
				fall_out(w, top);
				begin_else(w, top);
			}
			top->op = OP_else;
		} else if (op == OP_end)
			end(w);
		else if (!w->live)
			skip(w, op, row);
		else if (row)
			scalar_op(t, op, row, &w->c);
		else
			instruction(w, op);
		if (ends && w->count)
			segment_begin(w, op == OP_loop);
		if (op == OP_loop && w->live)
			count_entry(w);
	}
	LLVMBuildBr(t->entry, start);
	for (uint32_t i = 0; !w->calls && i < w->depth_write_count; i++)
		LLVMInstructionEraseFromParent(w->depth_writes[i]);
}

/* ---- batches ---- */

static void open_module(struct build *t)
{
	t->ctx = LLVMContextCreate();
	t->module = LLVMModuleCreateWithNameInContext("wasm", t->ctx);
	LLVMSetTarget(t->module, "x86_64-unknown-linux-gnu");
	t->b = LLVMCreateBuilderInContext(t->ctx);
	t->entry = LLVMCreateBuilderInContext(t->ctx);
	t->void_type = LLVMVoidTypeInContext(t->ctx);
	t->i1 = LLVMInt1TypeInContext(t->ctx);
	t->i8 = LLVMInt8TypeInContext(t->ctx);
	t->i16 = LLVMInt16TypeInContext(t->ctx);
	t->i32 = LLVMInt32TypeInContext(t->ctx);
	t->i64 = LLVMInt64TypeInContext(t->ctx);
	t->f32 = LLVMFloatTypeInContext(t->ctx);
	t->f64 = LLVMDoubleTypeInContext(t->ctx);
	t->v128 = LLVMVectorType(t->i32, 4);
	t->ptr = LLVMPointerTypeInContext(t->ctx, 0);
	memset(t->functions, 0, t->m->function_count * sizeof *t->functions);
}

/* T1's passes. More of them cost more time than they give back (ARCHITECTURE 4). */
static const char passes[] = "function(sroa,early-cse,instcombine<no-verify-fixpoint>,simplifycfg)";

static enum err optimise(struct build *t, LLVMTargetMachineRef machine, struct note *note)
{
	LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
	LLVMErrorRef failed = LLVMRunPasses(t->module, passes, machine, options);
	enum err e = OK;
	LLVMDisposePassBuilderOptions(options);
	if (failed) {
		char *message = LLVMGetErrorMessage(failed);
		e = note_err(note, E_UNSUPPORTED, "LLVM's passes failed: %.300s", message);
		LLVMDisposeErrorMessage(message);
	}
	return e;
}

static enum err emit(struct build *t, LLVMTargetMachineRef machine, wasm_object *object, void *ctx, struct note *note)
{
	char *message = NULL;
	LLVMMemoryBufferRef out = NULL;
	enum err e = OK;
	if (getenv("WEFT_VERIFY_IR") && LLVMVerifyModule(t->module, LLVMReturnStatusAction, &message))
		e = note_err(note, E_UNSUPPORTED, "translation gave invalid IR: %.300s", message);
	else if (t->tier == WASM_TIER_1)
		e = optimise(t, machine, note);
	if (!e && LLVMTargetMachineEmitToMemoryBuffer(machine, t->module, LLVMObjectFile, &message, &out))
		e = note_err(note, E_UNSUPPORTED, "LLVM refused the code: %.300s", message);
	if (!e)
		e = object(ctx, bytes_of(LLVMGetBufferStart(out), LLVMGetBufferSize(out)), note);
	if (out)
		LLVMDisposeMemoryBuffer(out);
	LLVMDisposeMessage(message);
	return e;
}

static void close_module(struct build *t)
{
	LLVMDisposeBuilder(t->b);
	LLVMDisposeBuilder(t->entry);
	LLVMDisposeModule(t->module);
	LLVMContextDispose(t->ctx);
}

struct wasm_translator {
	struct walker w;
	LLVMTargetMachineRef machines[2]; /* by tier */
};

enum err wasm_translator_open(struct wasm_translator **out, const struct wasm_module *m, enum wasm_gas gas,
			      struct note *note)
{
	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86Target();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86AsmPrinter();
	LLVMTargetRef target;
	char *message = NULL;
	if (LLVMGetTargetFromTriple("x86_64-unknown-linux-gnu", &target, &message)) {
		enum err e = note_err(note, E_UNSUPPORTED, "LLVM has no x86-64 target: %s", message);
		LLVMDisposeMessage(message);
		return e;
	}
	struct wasm_translator *t = calloc(1, sizeof *t);
	must(t != NULL);
	/* A fixed machine, never "native": the same code everywhere. */
	for (int tier = 0; tier < 2; tier++)
		t->machines[tier] = LLVMCreateTargetMachine(target, "x86_64-unknown-linux-gnu", "x86-64-v2", "",
							    tier ? LLVMCodeGenLevelLess : LLVMCodeGenLevelNone,
							    LLVMRelocPIC, LLVMCodeModelSmall);
	t->w.t = (struct build){.m = m, .schedule = gas};
	t->w.t.functions = calloc(m->function_count + 1, sizeof *t->w.t.functions);
	must(t->w.t.functions != NULL);
	*out = t;
	return OK;
}

void wasm_translator_close(struct wasm_translator *t)
{
	if (!t)
		return;
	LLVMDisposeTargetMachine(t->machines[0]);
	LLVMDisposeTargetMachine(t->machines[1]);
	free(t->w.t.functions);
	free(t->w.t.stack);
	free(t->w.frames);
	free(t->w.depth_writes);
	arena_release(&t->w.a);
	free(t);
}

enum err wasm_translate_thunks(struct wasm_translator *t, wasm_object *object, void *ctx, struct note *note)
{
	struct build *b = &t->w.t;
	b->tier = WASM_TIER_1; /* there is no second time for them */
	open_module(b);
	for (uint32_t i = 0; i < b->m->imported_functions; i++)
		import_thunk(b, i);
	for (uint32_t i = 0; i < b->m->type_count; i++)
		if (b->m->types[i].canonical == i)
			entry_thunk(b, i);
	enum err e = emit(b, t->machines[b->tier], object, ctx, note);
	close_module(b);
	return e;
}

enum err wasm_translate(struct wasm_translator *t, enum wasm_tier tier, const uint32_t *functions, size_t count,
			wasm_object *object, void *ctx, struct note *note)
{
	struct build *b = &t->w.t;
	b->tier = tier;
	open_module(b);
	for (size_t i = 0; i < count; i++) {
		must(functions[i] >= b->m->imported_functions && functions[i] < b->m->function_count);
		function(&t->w, functions[i]);
	}
	enum err e = emit(b, t->machines[tier], object, ctx, note);
	close_module(b);
	return e;
}
