/* SPDX-License-Identifier: MIT */
#include "engine/wasm/translate.h"
#include "engine/wasm/build.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Error.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <stdlib.h>
#include <string.h>

/* ---- gas ---- */

static LLVMValueRef below_zero(struct build *t, LLVMValueRef v)
{
	return LLVMBuildICmp(t->b, LLVMIntSLT, v, const_i64(t, 0), "");
}

static void charge_segment(struct walker *w, bool check)
{
	struct build *t = &w->t;
	LLVMValueRef left = LLVMBuildLoad2(t->b, t->i64, t->gas, "");

	if (check) {
		w->test = LLVMBuildICmp(t->b, LLVMIntSLT, left, const_i64(t, 0), "");
		trap_if(t, w->test, TRAP_OUT_OF_GAS);
	}
	w->charge = LLVMBuildSub(t->b, left, const_i64(t, 0), "");
	LLVMBuildStore(t->b, w->charge, t->gas);
}

static void segment_begin(struct walker *w, bool check)
{
	w->sum = 0;
	w->charge = w->test = NULL;
	if (w->live)
		charge_segment(w, check || w->t.schedule == WASM_GAS_METERING);
}

/* The first segment, and the frame's share of the call depth: one test for both, and which of them it was is
 * found out where nothing matters any more. */
static void first_segment(struct walker *w)
{
	struct build *t = &w->t;
	LLVMBasicBlockRef failed = new_block(t), on = new_block(t);

	w->sum = 0;
	w->test = NULL;
	charge_segment(w, false);
	LLVMBuildCondBr(t->b, below_zero(t, LLVMBuildOr(t->b, w->charge, w->depth_left, "")), failed, on);
	LLVMPositionBuilderAtEnd(t->b, failed);
	LLVMBuildCondBr(t->b, below_zero(t, w->depth_left), trap_block(t, TRAP_STACK), trap_block(t, TRAP_OUT_OF_GAS));
	LLVMPositionBuilderAtEnd(t->b, on);
}

static void segment_end(struct walker *w)
{
	LLVMValueRef cost = const_i64(&w->t, gas_segment(w->t.schedule, w->sum));

	if (w->charge)
		LLVMSetOperand(w->charge, 1, cost);
	if (w->charge && w->test)
		LLVMSetOperand(w->test, 1, cost);
	w->charge = NULL;
	w->sum = 0;
}

/* T0 counts how often functions are entered and loops go round: the profile that says what T1 takes first. */
static void count_entry(struct walker *w)
{
	struct build *t = &w->t;
	LLVMValueRef at, n;

	if (t->tier != WASM_TIER_0)
		return;
	at = offset_by(t, vm_field(t, offsetof(struct vm, counts), t->ptr), 4ull * w->function);
	n = LLVMBuildLoad2(t->b, t->i32, at, "");
	LLVMBuildStore(t->b, LLVMBuildAdd(t->b, n, const_i32(t, 1), ""), at);
}

/* ---- variables and constants ---- */

/* A global that only asyncify_* functions write, and nothing calls those: constant. */
static bool folded(const struct wasm_module *m, uint32_t index)
{
	const struct wasm_global *g = &m->globals[index];

	return !g->imported && g->init.kind == WASM_CONST_VALUE && (g->type == WASM_I32 || g->type == WASM_I64) &&
	       (!g->is_mutable || (!g->written && !g->exported && !m->asyncify_reachable));
}

/* Of an imported mutable global the slot holds the address of the owner's. */
static LLVMValueRef global_at(struct build *t, uint32_t index)
{
	const struct wasm_global *g = &t->m->globals[index];
	LLVMValueRef at = offset_by(t, vm_field(t, offsetof(struct vm, globals), t->ptr), 16ull * index);

	return g->imported && g->is_mutable ? LLVMBuildLoad2(t->b, t->ptr, at, "") : at;
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

static void ref_func(struct build *t, uint32_t index)
{
	LLVMValueRef refs = vm_field(t, offsetof(struct vm, refs), t->ptr);
	LLVMValueRef at = offset_by(t, refs, index * sizeof(struct vm_ref));

	push(t, LLVMBuildPtrToInt(t->b, at, t->i64, ""), WASM_FUNCREF);
}

static void ref_is_null(struct build *t)
{
	LLVMValueRef null = LLVMBuildICmp(t->b, LLVMIntEQ, pop(t), const_i64(t, 0), "");

	push(t, LLVMBuildZExt(t->b, null, t->i32, ""), WASM_I32);
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
	case OP_return_call:
	case OP_throw:
	case OP_rethrow:
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
	case OP_return_call_indirect:
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
	uint32_t i;

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
		/* One way out: instruction selection at -O0 has to take its slow way for what returns. */
		LLVMBuildBr(t->b, branch_target(w, w->count - 1));
		unreachable(w);
		break;
	case OP_call:
	case OP_return_call:
		call_direct(w, op == OP_return_call);
		break;
	case OP_call_indirect:
	case OP_return_call_indirect:
		call_indirect(w, op == OP_return_call_indirect);
		break;
	case OP_throw:
	case OP_rethrow:
	case OP_throw_ref:
		throw_op(w, op);
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
	case OP_local_get:
		i = cursor_u32(&w->c);
		push(t, LLVMBuildLoad2(t->b, type_of(t, t->local_types[i]), t->locals[i], ""), t->local_types[i]);
		break;
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
		ref_is_null(t);
		break;
	case OP_ref_func:
		ref_func(t, cursor_u32(&w->c));
		break;
	case OP_table_get:
	case OP_table_set:
	case OP_table_init:
	case OP_elem_drop:
	case OP_table_copy:
	case OP_table_grow:
	case OP_table_size:
	case OP_table_fill:
		table_op(t, op, &w->c);
		break;
	case OP_memory_size:
	case OP_memory_grow:
	case OP_memory_init:
	case OP_data_drop:
	case OP_memory_copy:
	case OP_memory_fill:
		memory_op(t, op, &w->c);
		break;
	default:
		break; /* nop */
	}
}

static void locals(struct walker *w)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = wasm_type_of(t->m, w->function);
	uint32_t total = t->m->functions[w->function].locals_count, at = 0;

	t->locals = arena_new_array(&w->a, total + 1, LLVMValueRef);
	t->local_types = arena_alloc(&w->a, total + 1);
	for (; at < type->param_count; at++) {
		t->local_types[at] = type->params[at];
		t->locals[at] = slot(t, type_of(t, type->params[at]));
		LLVMBuildStore(t->b, param(t, at), t->locals[at]);
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

/* Takes the frame's share of the call depth: by what bounds the native frame of the quick tier, which may
 * give each value a place of its own, but is counted in WebAssembly's terms, so that it is the same everywhere. */
static void take_depth(struct walker *w, const struct wasm_function *fn)
{
	struct build *t = &w->t;
	uint64_t units = 1 + (fn->locals_count + fn->height_max) / 32 + fn->moves / 1024;

	w->depth_left = LLVMBuildSub(t->b, depth_param(t), const_i64(t, units), "");
}

static void step(struct walker *w, enum opcode op)
{
	const struct op_info *row = op_info(op);

	switch ((unsigned)op) {
	case OP_block:
	case OP_loop:
	case OP_if:
	case OP_try:
	case OP_try_table:
		block_begin(w, op);
		break;
	case OP_else:
		else_op(w);
		break;
	case OP_catch:
	case OP_catch_all:
		catch_op(w, op);
		break;
	case OP_delegate:
		delegate(w);
		break;
	case OP_end:
		end(w);
		break;
	default:
		if (!w->live)
			skip(w, op, row);
		else if (row)
			scalar_op(&w->t, op, row, &w->c);
		else
			instruction(w, op);
	}
}

static void start_walk(struct walker *w, uint32_t index)
{
	struct build *t = &w->t;
	const struct wasm_function *fn = &t->m->functions[index];

	arena_reset(&w->a);
	w->function = index;
	w->c = cursor_on(fn->body);
	w->count = 0;
	w->live = true;
	w->room = NULL;
	w->room_count = 0;
	w->floor = NULL;
	w->propagate = NULL;
	t->height = 0;
	if (fn->height_max + 8 > t->stack_cap) {
		t->stack_cap = fn->height_max + 1024;
		t->stack = realloc(t->stack, t->stack_cap * sizeof(*t->stack));
		must(t->stack != NULL);
	}
}

static void function(struct walker *w, uint32_t index)
{
	struct build *t = &w->t;
	const struct wasm_function *fn = &t->m->functions[index];
	LLVMBasicBlockRef first, start;

	start_walk(w, index);
	begin_function(t, function_of(t, index));
	/* Allocas collect in the first block, which ends by going on to the second. */
	first = LLVMGetInsertBlock(t->b);
	start = new_block(t);
	LLVMPositionBuilderAtEnd(t->entry, first);
	LLVMPositionBuilderAtEnd(t->b, start);
	t->gas = slot(t, t->i64);
	t->memory = vm_field(t, offsetof(struct vm, memory), t->ptr);
	locals(w);
	LLVMBuildStore(t->b, gas_param(t), t->gas);
	take_depth(w, fn);
	if (fn->catches)
		w->floor = vm_field(t, offsetof(struct vm, exception_top), t->ptr);
	enter_body(w, wasm_type_of(t->m, index));
	first_segment(w);
	count_entry(w);
	while (w->count) {
		enum opcode op = op_read(&w->c);
		bool ends = gas_ends_segment(op);

		w->sum += gas_cost(t->schedule, op);
		if (ends)
			segment_end(w);
		step(w, op);
		if (ends && w->count)
			segment_begin(w, op == OP_loop);
		if (op == OP_loop && w->live)
			count_entry(w);
	}
	LLVMBuildBr(t->entry, start);
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
	memset(t->functions, 0, t->m->function_count * sizeof(*t->functions));
	memset(t->foreign, 0, t->m->type_count * sizeof(*t->foreign));
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

/* ---- the translator ---- */

struct wasm_translator {
	struct walker w;
	LLVMTargetMachineRef machines[2]; /* by tier */
};

static LLVMTargetRef x86_64(struct note *note)
{
	LLVMTargetRef target;
	char *message = NULL;

	LLVMInitializeX86TargetInfo();
	LLVMInitializeX86Target();
	LLVMInitializeX86TargetMC();
	LLVMInitializeX86AsmPrinter();
	if (!LLVMGetTargetFromTriple("x86_64-unknown-linux-gnu", &target, &message))
		return target;
	note_err(note, E_UNSUPPORTED, "LLVM has no x86-64 target: %s", message);
	LLVMDisposeMessage(message);
	return NULL;
}

enum err wasm_translator_open(struct wasm_translator **out, const struct wasm_module *m, enum wasm_gas gas,
			      struct note *note)
{
	LLVMTargetRef target = x86_64(note);
	struct wasm_translator *t;

	if (!target)
		return E_UNSUPPORTED;
	t = calloc(1, sizeof(*t));
	must(t != NULL);
	/* A fixed machine, never "native": the same code everywhere. */
	for (int tier = 0; tier < 2; tier++)
		t->machines[tier] = LLVMCreateTargetMachine(target, "x86_64-unknown-linux-gnu", "x86-64-v2", "",
							    tier ? LLVMCodeGenLevelLess : LLVMCodeGenLevelNone,
							    LLVMRelocPIC, LLVMCodeModelSmall);
	t->w.t = (struct build){.m = m, .schedule = gas};
	t->w.t.functions = calloc(m->function_count + 1, sizeof(*t->w.t.functions));
	t->w.t.foreign = calloc(m->type_count + 1, sizeof(*t->w.t.foreign));
	must(t->w.t.functions != NULL && t->w.t.foreign != NULL);
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
	free(t->w.t.foreign);
	free(t->w.t.stack);
	free(t->w.frames);
	arena_release(&t->w.a);
	free(t);
}

enum err wasm_translate_thunks(struct wasm_translator *t, wasm_object *object, void *ctx, struct note *note)
{
	struct build *b = &t->w.t;
	enum err e;

	b->tier = WASM_TIER_1; /* there is no second time for them */
	open_module(b);
	for (uint32_t i = 0; i < b->m->imported_functions; i++)
		import_thunk(b, i);
	for (uint32_t i = 0; i < b->m->type_count; i++)
		if (b->m->types[i].canonical == i)
			entry_thunk(b, i);
	e = emit(b, t->machines[b->tier], object, ctx, note);
	close_module(b);
	return e;
}

enum err wasm_translate(struct wasm_translator *t, enum wasm_tier tier, const uint32_t *functions, size_t count,
			wasm_object *object, void *ctx, struct note *note)
{
	struct build *b = &t->w.t;
	enum err e;

	b->tier = tier;
	open_module(b);
	for (size_t i = 0; i < count; i++) {
		must(functions[i] >= b->m->imported_functions && functions[i] < b->m->function_count);
		function(&t->w, functions[i]);
	}
	e = emit(b, t->machines[tier], object, ctx, note);
	close_module(b);
	return e;
}
