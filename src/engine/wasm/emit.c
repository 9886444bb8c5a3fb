/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"

#include <string.h>

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

LLVMValueRef slot(struct build *t, LLVMTypeRef type)
{
	return LLVMBuildAlloca(t->entry, type, "");
}

LLVMValueRef offset_by(struct build *t, LLVMValueRef at, uint64_t bytes)
{
	LLVMValueRef by = const_i64(t, bytes);

	return LLVMBuildGEP2(t->b, t->i8, at, &by, 1, "");
}

LLVMValueRef load_at(struct build *t, LLVMTypeRef type, LLVMValueRef base, uint64_t bytes)
{
	return LLVMBuildLoad2(t->b, type, offset_by(t, base, bytes), "");
}

LLVMValueRef widen(struct build *t, LLVMValueRef v)
{
	return LLVMTypeOf(v) == t->i32 ? LLVMBuildZExt(t->b, v, t->i64, "") : v;
}

LLVMValueRef vm_field(struct build *t, size_t offset, LLVMTypeRef type)
{
	return load_at(t, type, t->vm, offset);
}

LLVMValueRef vm_set(struct build *t, size_t offset, LLVMValueRef v)
{
	return LLVMBuildStore(t->b, v, offset_by(t, t->vm, offset));
}

LLVMValueRef call_helper(struct build *t, size_t offset, LLVMTypeRef result, LLVMValueRef *args, unsigned count)
{
	LLVMTypeRef types[8] = {t->ptr}, type;
	LLVMValueRef all[8] = {t->vm};

	for (unsigned i = 0; i < count; i++) {
		all[i + 1] = args[i];
		types[i + 1] = LLVMTypeOf(args[i]);
	}
	type = LLVMFunctionType(result, types, count + 1, 0);
	return LLVMBuildCall2(t->b, type, vm_field(t, offset, t->ptr), all, count + 1, "");
}

LLVMValueRef intrinsic(struct build *t, const char *name, LLVMTypeRef *types, unsigned type_count, LLVMValueRef *args,
		       unsigned count)
{
	unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
	LLVMValueRef f;

	must(id != 0);
	f = LLVMGetIntrinsicDeclaration(t->module, id, types, type_count);
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
	LLVMValueRef nan;

	if (LLVMGetTypeKind(type) == LLVMVectorTypeKind) {
		element = LLVMGetElementType(type);
		lanes = LLVMGetVectorSize(type);
	}
	nan = element == t->f32 ? LLVMConstBitCast(const_i32(t, 0xffc00000), t->f32)
				: LLVMConstBitCast(const_i64(t, 0xfff8000000000000), t->f64);
	if (lanes) {
		LLVMValueRef all[4] = {nan, nan, nan, nan};

		nan = LLVMConstVector(all, lanes);
	}
	return LLVMBuildSelect(t->b, LLVMBuildFCmp(t->b, LLVMRealUNO, v, v, ""), nan, v, "");
}

/* One block for each reason in a function. */
LLVMBasicBlockRef trap_block(struct build *t, enum vm_trap code)
{
	if (!t->traps[code]) {
		LLVMBasicBlockRef here = LLVMGetInsertBlock(t->b);
		LLVMValueRef number = const_i32(t, code);

		t->traps[code] = new_block(t);
		LLVMPositionBuilderAtEnd(t->b, t->traps[code]);
		call_helper(t, offsetof(struct vm, trap), t->void_type, &number, 1);
		LLVMBuildUnreachable(t->b);
		LLVMPositionBuilderAtEnd(t->b, here);
	}
	return t->traps[code];
}

void trap_if(struct build *t, LLVMValueRef condition, enum vm_trap code)
{
	LLVMBasicBlockRef on;

	if (LLVMIsAConstantInt(condition) && LLVMConstIntGetZExtValue(condition) == 0)
		return;
	on = new_block(t);
	LLVMBuildCondBr(t->b, condition, trap_block(t, code), on);
	LLVMPositionBuilderAtEnd(t->b, on);
}

LLVMValueRef gas_spill(struct build *t)
{
	LLVMValueRef left = LLVMBuildLoad2(t->b, t->i64, t->gas, "");

	vm_set(t, offsetof(struct vm, gas), left);
	return left;
}

void gas_reload(struct build *t)
{
	LLVMBuildStore(t->b, vm_field(t, offsetof(struct vm, gas), t->i64), t->gas);
}
