/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* LLVM's number for `tailcc`: callees clear the stack, so that a tail call may pass more than its caller got. */
enum { TAIL_CONVENTION = 18 };

/* ---- signatures ---- */

/* What every function takes before its own parameters, and how many there may be in all (vm.h). */
enum { ARG_VM, ARG_GAS, ARG_DEPTH, ARG_FIRST, ARGS_MAX = ARG_FIRST + WASM_PARAMS_MAX + 1 };

/* Several results do not come back in registers: a last parameter says where they go, in slots (vm.h). */
static bool by_pointer(const struct wasm_func_type *type)
{
	return type->result_count > 1;
}

static unsigned arg_count(const struct wasm_func_type *type)
{
	return ARG_FIRST + type->param_count + by_pointer(type);
}

static LLVMTypeRef return_type(struct build *t, const struct wasm_func_type *type)
{
	LLVMTypeRef both[2] = {t->i64};

	if (type->result_count != 1)
		return t->i64;
	both[1] = type_of(t, type->results[0]);
	return LLVMStructTypeInContext(t->ctx, both, 2, 0);
}

static LLVMTypeRef function_type(struct build *t, const struct wasm_func_type *type)
{
	LLVMTypeRef params[ARGS_MAX] = {t->ptr, t->i64, t->i64};

	for (uint32_t i = 0; i < type->param_count; i++)
		params[ARG_FIRST + i] = type_of(t, type->params[i]);
	params[ARG_FIRST + type->param_count] = t->ptr;
	return LLVMFunctionType(return_type(t, type), params, arg_count(type), 0);
}

LLVMValueRef param(struct build *t, uint32_t index)
{
	return LLVMGetParam(t->f, ARG_FIRST + index);
}

LLVMValueRef gas_param(struct build *t)
{
	return LLVMGetParam(t->f, ARG_GAS);
}

LLVMValueRef depth_param(struct build *t)
{
	return LLVMGetParam(t->f, ARG_DEPTH);
}

/* Where the function at hand leaves its results. */
static LLVMValueRef own_results(struct build *t, const struct wasm_func_type *type)
{
	return param(t, type->param_count);
}

/* vm's register is callee-saved, so that it stays where it is through all calls. */
static LLVMAttributeRef vm_attribute(struct build *t)
{
	return LLVMCreateEnumAttribute(t->ctx, LLVMGetEnumAttributeKindForName("swiftself", 9), 0);
}

static void hide(struct build *t, LLVMValueRef f)
{
	unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", 8);

	LLVMSetVisibility(f, LLVMHiddenVisibility);
	LLVMAddAttributeAtIndex(f, LLVMAttributeFunctionIndex, LLVMCreateEnumAttribute(t->ctx, nounwind, 0));
}

static LLVMValueRef add_function(struct build *t, const char *name, const struct wasm_func_type *type)
{
	LLVMValueRef f = LLVMAddFunction(t->module, name, function_type(t, type));

	hide(t, f);
	LLVMAddAttributeAtIndex(f, 1 + ARG_VM, vm_attribute(t));
	if (t->m->tail_calls)
		LLVMSetFunctionCallConv(f, TAIL_CONVENTION);
	return f;
}

LLVMValueRef function_of(struct build *t, uint32_t index)
{
	if (!t->functions[index]) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", index);
		t->functions[index] = add_function(t, name, wasm_type_of(t->m, index));
	}
	return t->functions[index];
}

/* `args` from ARG_FIRST on are filled in. */
static LLVMValueRef call_function(struct build *t, const struct wasm_func_type *type, LLVMValueRef callee,
				  LLVMValueRef gas, LLVMValueRef depth, LLVMValueRef *args)
{
	LLVMValueRef call;

	args[ARG_VM] = t->vm;
	args[ARG_GAS] = gas;
	args[ARG_DEPTH] = depth;
	call = LLVMBuildCall2(t->b, function_type(t, type), callee, args, arg_count(type), "");
	LLVMAddCallSiteAttribute(call, 1 + ARG_VM, vm_attribute(t));
	if (t->m->tail_calls)
		LLVMSetInstructionCallConv(call, TAIL_CONVENTION);
	return call;
}

/* What a call gave: gas, and the one result. */
static LLVMValueRef gas_after(struct build *t, const struct wasm_func_type *type, LLVMValueRef call)
{
	return type->result_count == 1 ? LLVMBuildExtractValue(t->b, call, 0, "") : call;
}

static LLVMValueRef result_after(struct build *t, LLVMValueRef call)
{
	return LLVMBuildExtractValue(t->b, call, 1, "");
}

/* `result` is NULL in a function that has not exactly one. */
static void give(struct build *t, LLVMValueRef gas, LLVMValueRef result)
{
	LLVMValueRef both[2] = {gas, result};

	if (result)
		LLVMBuildAggregateRet(t->b, both, 2);
	else
		LLVMBuildRet(t->b, gas);
}

void begin_function(struct build *t, LLVMValueRef f)
{
	t->f = f;
	t->vm = LLVMGetParam(f, 0);
	memset(t->traps, 0, sizeof(t->traps));
	LLVMPositionBuilderAtEnd(t->b, new_block(t));
}

/* ---- thunks ---- */

/* The i-th of the 16-byte slots at `base`. */
static LLVMValueRef slot_of(struct build *t, LLVMValueRef base, uint32_t i)
{
	return offset_by(t, base, 16ull * i);
}

static LLVMValueRef load_slot(struct build *t, uint8_t type, LLVMValueRef base, uint32_t i)
{
	return LLVMBuildLoad2(t->b, type_of(t, type), slot_of(t, base, i), "");
}

/* The body of a function that passes its arguments on in slots, which the results replace. Its caller has written the gas
 * down; the depth is, for what the host may call. */
static void pass_on(struct build *t, const struct wasm_func_type *type, size_t helper, uint32_t number)
{
	uint32_t slots = type->param_count > type->result_count ? type->param_count : type->result_count;
	LLVMValueRef args = LLVMBuildArrayAlloca(t->b, t->v128, const_i32(t, slots ? slots : 1), ""), gas;

	LLVMSetAlignment(args, 16);
	for (uint32_t i = 0; i < type->param_count; i++)
		LLVMBuildStore(t->b, param(t, i), slot_of(t, args, i));
	vm_set(t, offsetof(struct vm, depth), depth_param(t));
	call_helper(t, helper, t->void_type, (LLVMValueRef[]){const_i32(t, number), args}, 2);
	gas = vm_field(t, offsetof(struct vm, gas), t->i64);
	for (uint32_t i = 0; by_pointer(type) && i < type->result_count; i++)
		LLVMBuildStore(t->b, load_slot(t, type->results[i], args, i), slot_of(t, own_results(t, type), i));
	give(t, gas, type->result_count == 1 ? load_slot(t, type->results[0], args, 0) : NULL);
}

void import_thunk(struct build *t, uint32_t index)
{
	begin_function(t, function_of(t, index));
	pass_on(t, wasm_type_of(t->m, index), offsetof(struct vm, host), index);
}

void entry_thunk(struct build *t, uint32_t index)
{
	const struct wasm_func_type *type = &t->m->types[index];
	LLVMTypeRef params[3] = {t->ptr, t->ptr, t->ptr};
	LLVMValueRef values[ARGS_MAX], f, args, r, gas, depth;
	char name[16];

	snprintf(name, sizeof(name), "e%u", index);
	f = LLVMAddFunction(t->module, name, LLVMFunctionType(t->void_type, params, 3, 0));
	hide(t, f);
	begin_function(t, f);
	args = LLVMGetParam(f, 2);
	for (uint32_t i = 0; i < type->param_count; i++)
		values[ARG_FIRST + i] = load_slot(t, type->params[i], args, i);
	values[ARG_FIRST + type->param_count] = args;
	gas = vm_field(t, offsetof(struct vm, gas), t->i64);
	depth = vm_field(t, offsetof(struct vm, depth), t->i64);
	r = call_function(t, type, LLVMGetParam(f, 1), gas, depth, values);
	vm_set(t, offsetof(struct vm, depth), depth);
	if (type->result_count == 1)
		LLVMBuildStore(t->b, result_after(t, r), args);
	LLVMBuildRetVoid(t->b);
}

/* What a call_indirect calls when the function is of another instance: each batch makes its own. */
static LLVMValueRef foreign_thunk(struct build *t, uint32_t type)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b), traps[TRAPS];
	LLVMValueRef f = t->f, vm = t->vm;

	if (t->foreign[type])
		return t->foreign[type];
	t->foreign[type] = add_function(t, "", &t->m->types[type]);
	LLVMSetVisibility(t->foreign[type], LLVMDefaultVisibility);
	LLVMSetLinkage(t->foreign[type], LLVMInternalLinkage);
	memcpy(traps, t->traps, sizeof(traps));
	begin_function(t, t->foreign[type]);
	pass_on(t, &t->m->types[type], offsetof(struct vm, foreign), type);
	t->f = f;
	t->vm = vm;
	memcpy(t->traps, traps, sizeof(traps));
	LLVMPositionBuilderAtEnd(t->b, here);
	return t->foreign[type];
}

/* ---- calls ---- */

void leave_function(struct walker *w, LLVMValueRef result)
{
	give(&w->t, gas_spill(&w->t), result);
}

void return_now(struct walker *w)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = wasm_type_of(t->m, w->function);
	uint32_t first = t->height - type->result_count;

	drop_dead_exceptions(w);
	for (uint32_t i = 0; by_pointer(type) && i < type->result_count; i++)
		LLVMBuildStore(t->b, t->stack[first + i].v, slot_of(t, own_results(t, type), i));
	leave_function(w, type->result_count == 1 ? t->stack[first].v : NULL);
}

static void push_results(struct build *t, const struct wasm_func_type *type, LLVMValueRef call, LLVMValueRef results)
{
	if (type->result_count == 1)
		push(t, result_after(t, call), type->results[0]);
	for (uint32_t i = 0; by_pointer(type) && i < type->result_count; i++)
		push(t, load_slot(t, type->results[i], results, i), type->results[i]);
}

/* A tail call: the frame is given up first, and LLVM has to make it a jump. Results go where ours would. */
static void finish_tail_call(struct walker *w, const struct wasm_func_type *type, LLVMValueRef callee,
			     LLVMValueRef *args)
{
	struct build *t = &w->t;
	LLVMValueRef r;

	if (by_pointer(type))
		args[ARG_FIRST + type->param_count] = own_results(t, wasm_type_of(t->m, w->function));
	drop_dead_exceptions(w);
	r = call_function(t, type, callee, gas_spill(t), depth_param(t), args);
	LLVMSetTailCallKind(r, LLVMTailCallKindMustTail);
	LLVMBuildRet(t->b, r);
	unreachable(w);
}

/* Room for this many results; one for the whole function, made anew when it is too small. */
static LLVMValueRef result_room(struct walker *w, uint32_t count)
{
	if (count > w->room_count) {
		w->room_count = count > 2 * w->room_count ? count : 2 * w->room_count;
		w->room = slot(&w->t, LLVMArrayType2(w->t.v128, w->room_count));
		LLVMSetAlignment(w->room, 16);
	}
	return w->room;
}

static void finish_call(struct walker *w, LLVMValueRef callee, const struct wasm_func_type *type, bool tail)
{
	struct build *t = &w->t;
	LLVMValueRef args[ARGS_MAX], r;

	t->height -= type->param_count;
	for (uint32_t i = 0; i < type->param_count; i++)
		args[ARG_FIRST + i] = t->stack[t->height + i].v;
	if (tail) {
		finish_tail_call(w, type, callee, args);
		return;
	}
	if (by_pointer(type))
		args[ARG_FIRST + type->param_count] = result_room(w, type->result_count);
	r = call_function(t, type, callee, gas_spill(t), w->depth_left, args);
	LLVMBuildStore(t->b, gas_after(t, type, r), t->gas);
	unwind_after(w);
	push_results(t, type, r, by_pointer(type) ? args[ARG_FIRST + type->param_count] : NULL);
}

void call_direct(struct walker *w, bool tail)
{
	uint32_t index = cursor_u32(&w->c);

	finish_call(w, function_of(&w->t, index), wasm_type_of(w->t.m, index), tail);
}

/* The code behind a funcref: its own, when type and instance are right, which is one test; otherwise the runtime
 * decides whether it is a trap or another instance's function. */
static LLVMValueRef code_of(struct build *t, LLVMValueRef ref, uint32_t type)
{
	LLVMValueRef got = load_at(t, t->i32, ref, offsetof(struct vm_ref, type));
	LLVMValueRef owner = load_at(t, t->ptr, ref, offsetof(struct vm_ref, vm));
	LLVMValueRef typed = LLVMBuildICmp(t->b, LLVMIntEQ, got, const_i32(t, type), "");
	LLVMValueRef ours = LLVMBuildICmp(t->b, LLVMIntEQ, owner, t->vm, ""), code, phi;
	LLVMValueRef code_here = LLVMBuildLoad2(t->b, t->ptr, ref, ""), thunk = foreign_thunk(t, type);
	LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b), other = new_block(t), on = new_block(t);

	LLVMBuildCondBr(t->b, LLVMBuildAnd(t->b, typed, ours, ""), on, other);
	LLVMPositionBuilderAtEnd(t->b, other);
	code = const_i32(t, type);
	call_helper(t, offsetof(struct vm, resolve), t->void_type, (LLVMValueRef[]){ref, code}, 2);
	LLVMBuildBr(t->b, on);
	LLVMPositionBuilderAtEnd(t->b, on);
	phi = LLVMBuildPhi(t->b, t->ptr, "");
	LLVMAddIncoming(phi, (LLVMValueRef[]){code_here, thunk}, (LLVMBasicBlockRef[]){here, other}, 2);
	return phi;
}

void call_indirect(struct walker *w, bool tail)
{
	struct build *t = &w->t;
	const struct wasm_func_type *type = &t->m->types[cursor_u32(&w->c)];
	uint32_t table = cursor_u32(&w->c);
	LLVMValueRef ref = LLVMBuildLoad2(t->b, t->i64, table_item(t, table, pop(t)), "");

	trap_if(t, LLVMBuildICmp(t->b, LLVMIntEQ, ref, const_i64(t, 0), ""), TRAP_NULL_FUNCTION);
	ref = LLVMBuildIntToPtr(t->b, ref, t->ptr, "");
	finish_call(w, code_of(t, ref, type->canonical), type, tail);
}
