/* SPDX-License-Identifier: MIT
 *
 * build: the state of one translation, shared by translate.c (functions and control), scalar.c (numbers and
 * memory) and simd.c (vectors). Private to those three.
 */
#ifndef WEFT_ENGINE_WASM_BUILD_H
#define WEFT_ENGINE_WASM_BUILD_H
#include "engine/wasm/gas.h"
#include "engine/wasm/vm.h"
#include <llvm-c/Core.h>

struct value {
	LLVMValueRef v;
	uint8_t type; /* enum wasm_type */
};

struct build {
	const struct wasm_module *m;
	enum wasm_gas schedule;
	enum wasm_tier tier;
	LLVMContextRef ctx;
	LLVMModuleRef module;
	LLVMBuilderRef b, entry; /* `entry` stands where allocas go */
	LLVMTypeRef void_type, i1, i8, i16, i32, i64, f32, f64, v128, ptr;
	LLVMValueRef *functions; /* declared so far, by index */

	/* the function at hand */
	LLVMValueRef f, vm, memory, gas;
	LLVMValueRef *locals;
	uint8_t *local_types;
	LLVMBasicBlockRef traps[16];
	struct value *stack;
	uint32_t height, stack_cap;
};

static inline void push(struct build *t, LLVMValueRef v, uint8_t type)
{
	t->stack[t->height++] = (struct value){v, type};
}

static inline LLVMValueRef pop(struct build *t)
{
	return t->stack[--t->height].v;
}

static inline LLVMValueRef const_i32(struct build *t, uint32_t v)
{
	return LLVMConstInt(t->i32, v, 0);
}

static inline LLVMValueRef const_i64(struct build *t, uint64_t v)
{
	return LLVMConstInt(t->i64, v, 0);
}

LLVMTypeRef type_of(struct build *t, uint8_t type);
LLVMValueRef zero_of(struct build *t, uint8_t type);
LLVMBasicBlockRef new_block(struct build *t);
/* trap_if leaves the builder where the condition does not hold. */
void trap_if(struct build *t, LLVMValueRef condition, enum vm_trap code);
/* vm_field loads the member of struct vm at this offset. */
LLVMValueRef vm_field(struct build *t, size_t offset, LLVMTypeRef type);
/* call_helper calls the function pointer at this offset of struct vm, with vm as first argument. */
LLVMValueRef call_helper(struct build *t, size_t offset, LLVMTypeRef result, LLVMValueRef *args, unsigned count);
/* intrinsic calls the LLVM intrinsic of this name, overloaded on `type`. */
LLVMValueRef intrinsic(struct build *t, const char *name, LLVMTypeRef *types, unsigned type_count, LLVMValueRef *args,
		       unsigned count);
LLVMValueRef intrinsic1(struct build *t, const char *name, LLVMValueRef a);
LLVMValueRef intrinsic2(struct build *t, const char *name, LLVMValueRef a, LLVMValueRef b);
/* canonical replaces NaN, in scalars and in every lane of a vector of floats. */
LLVMValueRef canonical(struct build *t, LLVMValueRef v);

/* address reads the immediate of a memory instruction and gives the host's pointer for the guest's address. */
LLVMValueRef address(struct build *t, struct cursor *c, LLVMValueRef guest);
LLVMValueRef load(struct build *t, LLVMTypeRef type, LLVMValueRef at);
void store(struct build *t, LLVMValueRef value, LLVMValueRef at);

/* Each translates one instruction that has a row in opcode.def. */
void scalar_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c);
void simd_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c);

#endif
