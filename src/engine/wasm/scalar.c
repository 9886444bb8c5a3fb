/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"
#include "engine/wasm/memory.h"
#include <string.h>

/* Guest memory: 2^32 bytes beyond what the test below lets through are reserved, and what is not the guest's is
 * protected and faults, which is a trap (memory.h). T1 has the base in gs, which leaves a register for better things;
 * instruction selection at -O0 would fall back to its slow way for that. */
LLVMValueRef address(struct build *t, struct cursor *c, LLVMValueRef guest)
{
	(void)cursor_u32(c); /* alignment is a hint */
	bool wide = t->m->memory.is64;
	uint64_t offset = cursor_unsigned(c, wide ? 64 : 32);
	if (!wide)
		guest = LLVMBuildZExt(t->b, guest, t->i64, "");
	else if (offset >> 32) {
		LLVMValueRef sum = LLVMBuildAdd(t->b, guest, const_i64(t, offset), "");
		trap_if(t, LLVMBuildICmp(t->b, LLVMIntULT, sum, guest, ""), TRAP_MEMORY);
		guest = sum;
		offset = 0;
	}
	if (wide) {
		uint64_t last = ((uint64_t)1 << memory_bits(true, t->m->memory.has_max, t->m->memory.max)) - 1;
		trap_if(t, LLVMBuildICmp(t->b, LLVMIntUGT, guest, const_i64(t, last), ""), TRAP_MEMORY);
	}
	if (offset)
		guest = LLVMBuildAdd(t->b, guest, const_i64(t, offset), "");
	if (t->tier == WASM_TIER_1)
		return LLVMBuildIntToPtr(t->b, guest, LLVMPointerTypeInContext(t->ctx, VM_MEMORY_SPACE), "");
	return LLVMBuildGEP2(t->b, t->i8, t->memory, &guest, 1, "");
}

LLVMValueRef load(struct build *t, LLVMTypeRef type, LLVMValueRef at)
{
	LLVMValueRef v = LLVMBuildLoad2(t->b, type, at, "");
	LLVMSetAlignment(v, 1);
	LLVMSetVolatile(v, 1);

	return v;
}

void store(struct build *t, LLVMValueRef value, LLVMValueRef at)
{
	LLVMValueRef v = LLVMBuildStore(t->b, value, at);
	LLVMSetAlignment(v, 1);
	LLVMSetVolatile(v, 1);
}

static void load_op(struct build *t, struct cursor *c, LLVMTypeRef type, uint8_t result, bool is_signed)
{
	LLVMValueRef v = load(t, type, address(t, c, pop(t)));
	LLVMTypeRef want = type_of(t, result);

	if (type != want)
		v = is_signed ? LLVMBuildSExt(t->b, v, want, "") : LLVMBuildZExt(t->b, v, want, "");
	push(t, v, result);
}

static void store_op(struct build *t, struct cursor *c, LLVMTypeRef type)
{
	LLVMValueRef v = pop(t);
	LLVMValueRef at = address(t, c, pop(t));

	store(t, LLVMTypeOf(v) != type ? LLVMBuildTrunc(t->b, v, type, "") : v, at);
}

static void compare(struct build *t, LLVMIntPredicate p)
{
	LLVMValueRef b = pop(t), a = pop(t);

	push(t, LLVMBuildZExt(t->b, LLVMBuildICmp(t->b, p, a, b, ""), t->i32, ""), WASM_I32);
}

static void compare_float(struct build *t, LLVMRealPredicate p)
{
	LLVMValueRef b = pop(t), a = pop(t);

	push(t, LLVMBuildZExt(t->b, LLVMBuildFCmp(t->b, p, a, b, ""), t->i32, ""), WASM_I32);
}

static void binary(struct build *t, uint8_t type, LLVMOpcode op)
{
	LLVMValueRef b = pop(t), a = pop(t);

	push(t, LLVMBuildBinOp(t->b, op, a, b, ""), type);
}

/* Shift counts are taken modulo the width; LLVM's are undefined beyond it. */
static void shift(struct build *t, uint8_t type, LLVMOpcode op)
{
	LLVMTypeRef ty = type_of(t, type);
	LLVMValueRef b = pop(t), a = pop(t);

	b = LLVMBuildAnd(t->b, b, LLVMConstInt(ty, type == WASM_I32 ? 31 : 63, 0), "");
	push(t, LLVMBuildBinOp(t->b, op, a, b, ""), type);
}

static void rotate(struct build *t, uint8_t type, const char *name)
{
	LLVMTypeRef ty = type_of(t, type);
	LLVMValueRef b = pop(t), a = pop(t);

	push(t, intrinsic(t, name, &ty, 1, (LLVMValueRef[]){a, a, b}, 3), type);
}

static void divide(struct build *t, uint8_t type, LLVMOpcode op)
{
	LLVMTypeRef ty = type_of(t, type);
	LLVMValueRef b = pop(t), a = pop(t);

	trap_if(t, LLVMBuildICmp(t->b, LLVMIntEQ, b, LLVMConstInt(ty, 0, 0), ""),
		op == LLVMSRem || op == LLVMURem ? TRAP_REMAINDER_BY_ZERO : TRAP_DIVIDE_BY_ZERO);
	LLVMValueRef minus = LLVMBuildICmp(t->b, LLVMIntEQ, b, LLVMConstAllOnes(ty), "");
	if (op == LLVMSDiv) {
		LLVMValueRef least = LLVMConstInt(ty, type == WASM_I32 ? 1u << 31 : (uint64_t)1 << 63, 0);
		trap_if(t, LLVMBuildAnd(t->b, minus, LLVMBuildICmp(t->b, LLVMIntEQ, a, least, ""), ""),
			TRAP_INTEGER_OVERFLOW);
	}
	if (op == LLVMSRem) /* x rem -1 is 0 also for the least x, where the machine would fault */
		b = LLVMBuildSelect(t->b, minus, LLVMConstInt(ty, 1, 0), b, "");
	push(t, LLVMBuildBinOp(t->b, op, a, b, ""), type);
}

static void count_zeros(struct build *t, uint8_t type, const char *name)
{
	LLVMTypeRef ty = type_of(t, type);

	push(t, intrinsic(t, name, &ty, 1, (LLVMValueRef[]){pop(t), LLVMConstInt(t->i1, 0, 0)}, 2), type);
}

static void float_binary(struct build *t, uint8_t type, LLVMOpcode op)
{
	LLVMValueRef b = pop(t), a = pop(t);

	push(t, canonical(t, LLVMBuildBinOp(t->b, op, a, b, "")), type);
}

static void float_unary(struct build *t, uint8_t type, const char *name)
{
	push(t, canonical(t, intrinsic1(t, name, pop(t))), type);
}

static void float_pair(struct build *t, uint8_t type, const char *name)
{
	LLVMValueRef b = pop(t), a = pop(t);

	push(t, canonical(t, intrinsic2(t, name, a, b)), type);
}

/* Truncation traps on NaN and outside the range. The bounds are the first numbers of the float's type that
 * do not fit any more; the lower one of i32 from f64 is below -2^31 by up to one. */
static void truncate(struct build *t, uint8_t to, uint8_t from, bool is_signed)
{
	LLVMValueRef v = pop(t);
	LLVMTypeRef ft = type_of(t, from);
	double high = to == WASM_I32 ? (is_signed ? 0x1p31 : 0x1p32) : is_signed ? 0x1p63 : 0x1p64;
	double low = !is_signed ? -1.0 : to == WASM_I32 ? -0x1p31 : -0x1p63;
	bool exclusive = !is_signed;

	if (is_signed && to == WASM_I32 && from == WASM_F64)
		low = -0x1p31 - 1.0, exclusive = true;
	/* "Unordered or" is also true of NaN. */
	LLVMValueRef above = LLVMBuildFCmp(t->b, LLVMRealUGE, v, LLVMConstReal(ft, high), "");
	LLVMValueRef below = LLVMBuildFCmp(t->b, exclusive ? LLVMRealULE : LLVMRealULT, v, LLVMConstReal(ft, low), "");
	trap_if(t, LLVMBuildOr(t->b, above, below, ""), TRAP_INVALID_CONVERSION);
	LLVMTypeRef it = type_of(t, to);
	push(t, is_signed ? LLVMBuildFPToSI(t->b, v, it, "") : LLVMBuildFPToUI(t->b, v, it, ""), to);
}

static void saturate(struct build *t, uint8_t to, bool is_signed)
{
	LLVMValueRef v = pop(t);
	LLVMTypeRef types[2] = {type_of(t, to), LLVMTypeOf(v)};

	push(t, intrinsic(t, is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat", types, 2, &v, 1), to);
}

static void convert(struct build *t, uint8_t to, LLVMOpcode op)
{
	push(t, LLVMBuildCast(t->b, op, pop(t), type_of(t, to), ""), to);
}

static void extend_from(struct build *t, uint8_t type, LLVMTypeRef narrow)
{
	LLVMValueRef v = LLVMBuildTrunc(t->b, pop(t), narrow, "");

	push(t, LLVMBuildSExt(t->b, v, type_of(t, type), ""), type);
}

#define INTEGER(P, T)                                             \
	case OP_##P##_eq:                                         \
		compare(t, LLVMIntEQ);                            \
		break;                                            \
	case OP_##P##_ne:                                         \
		compare(t, LLVMIntNE);                            \
		break;                                            \
	case OP_##P##_lt_s:                                       \
		compare(t, LLVMIntSLT);                           \
		break;                                            \
	case OP_##P##_lt_u:                                       \
		compare(t, LLVMIntULT);                           \
		break;                                            \
	case OP_##P##_gt_s:                                       \
		compare(t, LLVMIntSGT);                           \
		break;                                            \
	case OP_##P##_gt_u:                                       \
		compare(t, LLVMIntUGT);                           \
		break;                                            \
	case OP_##P##_le_s:                                       \
		compare(t, LLVMIntSLE);                           \
		break;                                            \
	case OP_##P##_le_u:                                       \
		compare(t, LLVMIntULE);                           \
		break;                                            \
	case OP_##P##_ge_s:                                       \
		compare(t, LLVMIntSGE);                           \
		break;                                            \
	case OP_##P##_ge_u:                                       \
		compare(t, LLVMIntUGE);                           \
		break;                                            \
	case OP_##P##_eqz:                                        \
		push(t, zero_of(t, T), T), compare(t, LLVMIntEQ); \
		break;                                            \
	case OP_##P##_clz:                                        \
		count_zeros(t, T, "llvm.ctlz");                   \
		break;                                            \
	case OP_##P##_ctz:                                        \
		count_zeros(t, T, "llvm.cttz");                   \
		break;                                            \
	case OP_##P##_popcnt:                                     \
		push(t, intrinsic1(t, "llvm.ctpop", pop(t)), T);  \
		break;                                            \
	case OP_##P##_add:                                        \
		binary(t, T, LLVMAdd);                            \
		break;                                            \
	case OP_##P##_sub:                                        \
		binary(t, T, LLVMSub);                            \
		break;                                            \
	case OP_##P##_mul:                                        \
		binary(t, T, LLVMMul);                            \
		break;                                            \
	case OP_##P##_div_s:                                      \
		divide(t, T, LLVMSDiv);                           \
		break;                                            \
	case OP_##P##_div_u:                                      \
		divide(t, T, LLVMUDiv);                           \
		break;                                            \
	case OP_##P##_rem_s:                                      \
		divide(t, T, LLVMSRem);                           \
		break;                                            \
	case OP_##P##_rem_u:                                      \
		divide(t, T, LLVMURem);                           \
		break;                                            \
	case OP_##P##_and:                                        \
		binary(t, T, LLVMAnd);                            \
		break;                                            \
	case OP_##P##_or:                                         \
		binary(t, T, LLVMOr);                             \
		break;                                            \
	case OP_##P##_xor:                                        \
		binary(t, T, LLVMXor);                            \
		break;                                            \
	case OP_##P##_shl:                                        \
		shift(t, T, LLVMShl);                             \
		break;                                            \
	case OP_##P##_shr_s:                                      \
		shift(t, T, LLVMAShr);                            \
		break;                                            \
	case OP_##P##_shr_u:                                      \
		shift(t, T, LLVMLShr);                            \
		break;                                            \
	case OP_##P##_rotl:                                       \
		rotate(t, T, "llvm.fshl");                        \
		break;                                            \
	case OP_##P##_rotr:                                       \
		rotate(t, T, "llvm.fshr");                        \
		break;                                            \
	case OP_##P##_extend8_s:                                  \
		extend_from(t, T, t->i8);                         \
		break;                                            \
	case OP_##P##_extend16_s:                                 \
		extend_from(t, T, t->i16);                        \
		break;                                            \
	case OP_##P##_trunc_f32_s:                                \
		truncate(t, T, WASM_F32, true);                   \
		break;                                            \
	case OP_##P##_trunc_f32_u:                                \
		truncate(t, T, WASM_F32, false);                  \
		break;                                            \
	case OP_##P##_trunc_f64_s:                                \
		truncate(t, T, WASM_F64, true);                   \
		break;                                            \
	case OP_##P##_trunc_f64_u:                                \
		truncate(t, T, WASM_F64, false);                  \
		break;                                            \
	case OP_##P##_trunc_sat_f32_s:                            \
	case OP_##P##_trunc_sat_f64_s:                            \
		saturate(t, T, true);                             \
		break;                                            \
	case OP_##P##_trunc_sat_f32_u:                            \
	case OP_##P##_trunc_sat_f64_u:                            \
		saturate(t, T, false);                            \
		break;

#define FLOAT(P, T)                                                     \
	case OP_##P##_eq:                                               \
		compare_float(t, LLVMRealOEQ);                          \
		break;                                                  \
	case OP_##P##_ne:                                               \
		compare_float(t, LLVMRealUNE);                          \
		break;                                                  \
	case OP_##P##_lt:                                               \
		compare_float(t, LLVMRealOLT);                          \
		break;                                                  \
	case OP_##P##_gt:                                               \
		compare_float(t, LLVMRealOGT);                          \
		break;                                                  \
	case OP_##P##_le:                                               \
		compare_float(t, LLVMRealOLE);                          \
		break;                                                  \
	case OP_##P##_ge:                                               \
		compare_float(t, LLVMRealOGE);                          \
		break;                                                  \
	case OP_##P##_abs:                                              \
		push(t, intrinsic1(t, "llvm.fabs", pop(t)), T);         \
		break;                                                  \
	case OP_##P##_neg:                                              \
		push(t, LLVMBuildFNeg(t->b, pop(t), ""), T);            \
		break;                                                  \
	case OP_##P##_ceil:                                             \
		float_unary(t, T, "llvm.ceil");                         \
		break;                                                  \
	case OP_##P##_floor:                                            \
		float_unary(t, T, "llvm.floor");                        \
		break;                                                  \
	case OP_##P##_trunc:                                            \
		float_unary(t, T, "llvm.trunc");                        \
		break;                                                  \
	case OP_##P##_nearest:                                          \
		float_unary(t, T, "llvm.roundeven");                    \
		break;                                                  \
	case OP_##P##_sqrt:                                             \
		float_unary(t, T, "llvm.sqrt");                         \
		break;                                                  \
	case OP_##P##_add:                                              \
		float_binary(t, T, LLVMFAdd);                           \
		break;                                                  \
	case OP_##P##_sub:                                              \
		float_binary(t, T, LLVMFSub);                           \
		break;                                                  \
	case OP_##P##_mul:                                              \
		float_binary(t, T, LLVMFMul);                           \
		break;                                                  \
	case OP_##P##_div:                                              \
		float_binary(t, T, LLVMFDiv);                           \
		break;                                                  \
	case OP_##P##_min:                                              \
		float_pair(t, T, "llvm.minimum");                       \
		break;                                                  \
	case OP_##P##_max:                                              \
		float_pair(t, T, "llvm.maximum");                       \
		break;                                                  \
	case OP_##P##_copysign: {                                       \
		LLVMValueRef sign = pop(t), from = pop(t);              \
		push(t, intrinsic2(t, "llvm.copysign", from, sign), T); \
		break;                                                  \
	}                                                               \
	case OP_##P##_convert_i32_s:                                    \
	case OP_##P##_convert_i64_s:                                    \
		convert(t, T, LLVMSIToFP);                              \
		break;                                                  \
	case OP_##P##_convert_i32_u:                                    \
	case OP_##P##_convert_i64_u:                                    \
		convert(t, T, LLVMUIToFP);                              \
		break;

void scalar_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c)
{
	switch ((unsigned)op) {
		INTEGER(i32, WASM_I32)
		INTEGER(i64, WASM_I64)
		FLOAT(f32, WASM_F32)
		FLOAT(f64, WASM_F64)
	case OP_i64_extend32_s:
		extend_from(t, WASM_I64, t->i32);
		break;
	case OP_i32_wrap_i64:
		convert(t, WASM_I32, LLVMTrunc);
		break;
	case OP_i64_extend_i32_s:
		convert(t, WASM_I64, LLVMSExt);
		break;
	case OP_i64_extend_i32_u:
		convert(t, WASM_I64, LLVMZExt);
		break;
	case OP_i32_reinterpret_f32:
		convert(t, WASM_I32, LLVMBitCast);
		break;
	case OP_i64_reinterpret_f64:
		convert(t, WASM_I64, LLVMBitCast);
		break;
	case OP_f32_reinterpret_i32:
		convert(t, WASM_F32, LLVMBitCast);
		break;
	case OP_f64_reinterpret_i64:
		convert(t, WASM_F64, LLVMBitCast);
		break;
	case OP_f32_demote_f64:
		push(t, canonical(t, LLVMBuildFPTrunc(t->b, pop(t), t->f32, "")), WASM_F32);
		break;
	case OP_f64_promote_f32:
		push(t, canonical(t, LLVMBuildFPExt(t->b, pop(t), t->f64, "")), WASM_F64);
		break;
	case OP_i32_load:
		load_op(t, c, t->i32, WASM_I32, false);
		break;
	case OP_i64_load:
		load_op(t, c, t->i64, WASM_I64, false);
		break;
	case OP_f32_load:
		load_op(t, c, t->f32, WASM_F32, false);
		break;
	case OP_f64_load:
		load_op(t, c, t->f64, WASM_F64, false);
		break;
	case OP_i32_load8_s:
		load_op(t, c, t->i8, WASM_I32, true);
		break;
	case OP_i32_load8_u:
		load_op(t, c, t->i8, WASM_I32, false);
		break;
	case OP_i32_load16_s:
		load_op(t, c, t->i16, WASM_I32, true);
		break;
	case OP_i32_load16_u:
		load_op(t, c, t->i16, WASM_I32, false);
		break;
	case OP_i64_load8_s:
		load_op(t, c, t->i8, WASM_I64, true);
		break;
	case OP_i64_load8_u:
		load_op(t, c, t->i8, WASM_I64, false);
		break;
	case OP_i64_load16_s:
		load_op(t, c, t->i16, WASM_I64, true);
		break;
	case OP_i64_load16_u:
		load_op(t, c, t->i16, WASM_I64, false);
		break;
	case OP_i64_load32_s:
		load_op(t, c, t->i32, WASM_I64, true);
		break;
	case OP_i64_load32_u:
		load_op(t, c, t->i32, WASM_I64, false);
		break;
	case OP_i32_store:
		store_op(t, c, t->i32);
		break;
	case OP_i64_store:
		store_op(t, c, t->i64);
		break;
	case OP_f32_store:
		store_op(t, c, t->f32);
		break;
	case OP_f64_store:
		store_op(t, c, t->f64);
		break;
	case OP_i32_store8:
	case OP_i64_store8:
		store_op(t, c, t->i8);
		break;
	case OP_i32_store16:
	case OP_i64_store16:
		store_op(t, c, t->i16);
		break;
	case OP_i64_store32:
		store_op(t, c, t->i32);
		break;
	default:
		simd_op(t, op, row, c);
	}
}
