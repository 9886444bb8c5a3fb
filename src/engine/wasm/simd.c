/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"
#include <string.h>

/* Vector instructions are taken apart by their names: `i16x8_add_sat_s` is shape i16x8, operation
 * add_sat_s. On the operand stack a v128 is always <4 x i32>; each operation casts to its shape. */
struct shape {
	LLVMTypeRef lane, vector;
	unsigned lanes, bits;
	bool is_float;
};

static bool shape_of(struct build *t, const char *name, struct shape *s)
{
	static const struct {
		const char *name;
		unsigned bits;
		bool is_float;
	} shapes[] = {{"i8x16_", 8, false},  {"i16x8_", 16, false}, {"i32x4_", 32, false},
		      {"i64x2_", 64, false}, {"f32x4_", 32, true},  {"f64x2_", 64, true}};
	for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++)
		if (strncmp(name, shapes[k].name, strlen(shapes[k].name)) == 0) {
			s->bits = shapes[k].bits;
			s->is_float = shapes[k].is_float;
			s->lanes = 128 / s->bits;
			s->lane = !s->is_float    ? LLVMIntTypeInContext(t->ctx, s->bits)
				  : s->bits == 32 ? t->f32
						  : t->f64;
			s->vector = LLVMVectorType(s->lane, s->lanes);
			return true;
		}
	return false;
}

static LLVMTypeRef ints(struct build *t, unsigned bits, unsigned lanes)
{
	return LLVMVectorType(LLVMIntTypeInContext(t->ctx, bits), lanes);
}

static LLVMValueRef pop_as(struct build *t, LLVMTypeRef type)
{
	return LLVMBuildBitCast(t->b, pop(t), type, "");
}

static void push_v(struct build *t, LLVMValueRef v)
{
	push(t, LLVMBuildBitCast(t->b, v, t->v128, ""), WASM_V128);
}

static LLVMValueRef splat(struct build *t, LLVMValueRef v, unsigned lanes)
{
	LLVMValueRef one = LLVMBuildInsertElement(t->b, LLVMConstNull(LLVMVectorType(LLVMTypeOf(v), lanes)), v,
						  const_i32(t, 0), "");

	return LLVMBuildShuffleVector(t->b, one, one, LLVMConstNull(LLVMVectorType(t->i32, lanes)), "");
}

static LLVMValueRef splat_const(struct build *t, unsigned bits, unsigned lanes, uint64_t value)
{
	LLVMValueRef all[16];

	for (unsigned k = 0; k < lanes; k++)
		all[k] = LLVMConstInt(LLVMIntTypeInContext(t->ctx, bits), value, 0);
	return LLVMConstVector(all, lanes);
}

/* Lanes first, first + step, ... of one vector, `count` of them. */
static LLVMValueRef pick(struct build *t, LLVMValueRef v, unsigned first, unsigned step, unsigned count)
{
	LLVMValueRef index[16];

	for (unsigned k = 0; k < count; k++)
		index[k] = const_i32(t, first + k * step);
	return LLVMBuildShuffleVector(t->b, v, v, LLVMConstVector(index, count), "");
}

static LLVMValueRef extend(struct build *t, LLVMValueRef v, LLVMTypeRef to, bool is_signed)
{
	return is_signed ? LLVMBuildSExt(t->b, v, to, "") : LLVMBuildZExt(t->b, v, to, "");
}

static bool ends(const char *op, const char *suffix)
{
	size_t n = strlen(op), k = strlen(suffix);

	return n >= k && strcmp(op + n - k, suffix) == 0;
}

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---- memory ---- */

static void load_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c)
{
	LLVMValueRef at = address(t, c, pop(t));
	const char *what = row->name + strlen("v128_load");
	unsigned bits = 8u << row->argument;

	if (op == OP_v128_load)
		push_v(t, load(t, t->v128, at));
	else if (ends(what, "_splat"))
		push_v(t, splat(t, load(t, LLVMIntTypeInContext(t->ctx, bits), at), 128 / bits));
	else if (ends(what, "_zero")) {
		LLVMValueRef v = load(t, LLVMIntTypeInContext(t->ctx, bits), at);
		push_v(t,
		       LLVMBuildInsertElement(t->b, LLVMConstNull(ints(t, bits, 128 / bits)), v, const_i32(t, 0), ""));
	} else { /* load8x8_s and its like: half a vector, widened */
		unsigned narrow = what[0] == '8' ? 8 : what[0] == '1' ? 16 : 32, lanes = 64 / narrow;
		push_v(t, extend(t, load(t, ints(t, narrow, lanes), at), ints(t, 2 * narrow, lanes), ends(what, "_s")));
	}
}

static void lane_memory(struct build *t, const struct op_info *row, struct cursor *c, bool is_load)
{
	unsigned bits = 8u << row->argument;
	LLVMValueRef v = pop_as(t, ints(t, bits, 128 / bits));
	LLVMValueRef at = address(t, c, pop(t));
	LLVMValueRef lane = const_i32(t, cursor_u8(c));

	if (!is_load) {
		store(t, LLVMBuildExtractElement(t->b, v, lane, ""), at);
		return;
	}
	LLVMValueRef x = load(t, LLVMIntTypeInContext(t->ctx, bits), at);
	push_v(t, LLVMBuildInsertElement(t->b, v, x, lane, ""));
}

/* ---- whole vectors ---- */

static LLVMValueRef bytes_const(struct build *t, const uint8_t *p)
{
	LLVMValueRef words[4];

	for (int k = 0; k < 4; k++)
		words[k] = const_i32(t, get_u32le(p + 4 * k));
	return LLVMConstVector(words, 4);
}

static void shuffle(struct build *t, struct cursor *c)
{
	LLVMTypeRef type = ints(t, 8, 16);
	LLVMValueRef b = pop_as(t, type), a = pop_as(t, type), index[16];
	const uint8_t *lanes = cursor_bytes(c, 16).ptr;

	for (int k = 0; k < 16; k++)
		index[k] = const_i32(t, lanes[k]);
	push_v(t, LLVMBuildShuffleVector(t->b, a, b, LLVMConstVector(index, 16), ""));
}

/* pshufb gives 0 for an index with its top bit set: adding 0x70 with saturation sets it for all above 15. */
static void swizzle(struct build *t)
{
	LLVMTypeRef type = ints(t, 8, 16);
	LLVMValueRef index = pop_as(t, type), v = pop_as(t, type);

	index = intrinsic2(t, "llvm.uadd.sat", index, splat_const(t, 8, 16, 0x70));
	push_v(t, intrinsic(t, "llvm.x86.ssse3.pshuf.b.128", NULL, 0, (LLVMValueRef[]){v, index}, 2));
}

static void bitwise(struct build *t, enum opcode op)
{
	if (op == OP_v128_not) {
		push_v(t, LLVMBuildNot(t->b, pop(t), ""));
		return;
	}
	LLVMValueRef mask = op == OP_v128_bitselect ? pop(t) : NULL;
	LLVMValueRef b = pop(t), a = pop(t);
	switch ((unsigned)op) {
	case OP_v128_and:
		push_v(t, LLVMBuildAnd(t->b, a, b, ""));
		break;
	case OP_v128_or:
		push_v(t, LLVMBuildOr(t->b, a, b, ""));
		break;
	case OP_v128_xor:
		push_v(t, LLVMBuildXor(t->b, a, b, ""));
		break;
	case OP_v128_andnot:
		push_v(t, LLVMBuildAnd(t->b, a, LLVMBuildNot(t->b, b, ""), ""));
		break;
	default: {
		LLVMValueRef first = LLVMBuildAnd(t->b, a, mask, "");
		LLVMValueRef second = LLVMBuildAnd(t->b, b, LLVMBuildNot(t->b, mask, ""), "");
		push_v(t, LLVMBuildOr(t->b, first, second, ""));
	}
	}
}

static void any_true(struct build *t)
{
	LLVMTypeRef whole = LLVMIntTypeInContext(t->ctx, 128);
	LLVMValueRef v = LLVMBuildICmp(t->b, LLVMIntNE, pop_as(t, whole), LLVMConstNull(whole), "");

	push(t, LLVMBuildZExt(t->b, v, t->i32, ""), WASM_I32);
}

static void all_true(struct build *t, const struct shape *s)
{
	LLVMValueRef zero = LLVMBuildICmp(t->b, LLVMIntEQ, pop_as(t, s->vector), LLVMConstNull(s->vector), "");
	LLVMTypeRef mask = LLVMIntTypeInContext(t->ctx, s->lanes);
	LLVMValueRef bits = LLVMBuildBitCast(t->b, zero, mask, "");

	push(t, LLVMBuildZExt(t->b, LLVMBuildICmp(t->b, LLVMIntEQ, bits, LLVMConstNull(mask), ""), t->i32, ""),
	     WASM_I32);
}

static void bitmask(struct build *t, const struct shape *s)
{
	LLVMValueRef negative = LLVMBuildICmp(t->b, LLVMIntSLT, pop_as(t, s->vector), LLVMConstNull(s->vector), "");
	LLVMValueRef bits = LLVMBuildBitCast(t->b, negative, LLVMIntTypeInContext(t->ctx, s->lanes), "");

	push(t, LLVMBuildZExt(t->b, bits, t->i32, ""), WASM_I32);
}

/* ---- lanes ---- */

static void lane_op(struct build *t, const struct shape *s, const char *op, struct cursor *c)
{
	uint8_t type = s->is_float ? (s->bits == 32 ? WASM_F32 : WASM_F64) : s->bits == 64 ? WASM_I64 : WASM_I32;
	LLVMTypeRef scalar = type_of(t, type);

	if (is(op, "splat")) {
		LLVMValueRef v = pop(t);
		if (scalar != s->lane)
			v = LLVMBuildTrunc(t->b, v, s->lane, "");
		push_v(t, splat(t, v, s->lanes));
		return;
	}
	LLVMValueRef lane = const_i32(t, cursor_u8(c));
	if (is(op, "replace_lane")) {
		LLVMValueRef v = pop(t);
		if (scalar != s->lane)
			v = LLVMBuildTrunc(t->b, v, s->lane, "");
		push_v(t, LLVMBuildInsertElement(t->b, pop_as(t, s->vector), v, lane, ""));
		return;
	}
	LLVMValueRef v = LLVMBuildExtractElement(t->b, pop_as(t, s->vector), lane, "");
	push(t, scalar != s->lane ? extend(t, v, scalar, ends(op, "_s")) : v, type);
}

static void shift(struct build *t, const struct shape *s, LLVMOpcode op)
{
	LLVMValueRef count = LLVMBuildAnd(t->b, pop(t), const_i32(t, s->bits - 1), "");
	LLVMValueRef v = pop_as(t, s->vector);

	count = LLVMBuildIntCast2(t->b, count, s->lane, 0, "");
	push_v(t, LLVMBuildBinOp(t->b, op, v, splat(t, count, s->lanes), ""));
}

static bool compare(struct build *t, const struct shape *s, const char *op)
{
	static const struct {
		const char *name;
		LLVMIntPredicate p;
	} whole[] = {{"eq", LLVMIntEQ},    {"ne", LLVMIntNE},    {"lt_s", LLVMIntSLT}, {"lt_u", LLVMIntULT},
		     {"gt_s", LLVMIntSGT}, {"gt_u", LLVMIntUGT}, {"le_s", LLVMIntSLE}, {"le_u", LLVMIntULE},
		     {"ge_s", LLVMIntSGE}, {"ge_u", LLVMIntUGE}};
	static const struct {
		const char *name;
		LLVMRealPredicate p;
	} real[] = {{"eq", LLVMRealOEQ}, {"ne", LLVMRealUNE}, {"lt", LLVMRealOLT},
		    {"gt", LLVMRealOGT}, {"le", LLVMRealOLE}, {"ge", LLVMRealOGE}};
	size_t count = s->is_float ? sizeof(real) / sizeof(*real) : sizeof(whole) / sizeof(*whole);
	for (size_t k = 0; k < count; k++) {
		if (!is(op, s->is_float ? real[k].name : whole[k].name))
			continue;
		LLVMValueRef b = pop_as(t, s->vector), a = pop_as(t, s->vector);
		LLVMValueRef r = s->is_float ? LLVMBuildFCmp(t->b, real[k].p, a, b, "")
					     : LLVMBuildICmp(t->b, whole[k].p, a, b, "");
		push_v(t, LLVMBuildSExt(t->b, r, ints(t, s->bits, s->lanes), ""));
		return true;
	}
	return false;
}

/* The smaller or larger by plain comparison, the first operand on ties and NaN (pmin, pmax). */
static LLVMValueRef pseudo(struct build *t, LLVMValueRef a, LLVMValueRef b, bool least)
{
	LLVMValueRef take = least ? LLVMBuildFCmp(t->b, LLVMRealOLT, b, a, "")
				  : LLVMBuildFCmp(t->b, LLVMRealOLT, a, b, "");

	return LLVMBuildSelect(t->b, take, b, a, "");
}

static LLVMValueRef average(struct build *t, const struct shape *s, LLVMValueRef a, LLVMValueRef b)
{
	LLVMTypeRef wide = ints(t, 2 * s->bits, s->lanes);
	LLVMValueRef sum = LLVMBuildAdd(t->b, LLVMBuildZExt(t->b, a, wide, ""), LLVMBuildZExt(t->b, b, wide, ""), "");
	LLVMValueRef one = splat_const(t, 2 * s->bits, s->lanes, 1);

	sum = LLVMBuildLShr(t->b, LLVMBuildAdd(t->b, sum, one, ""), one, "");
	return LLVMBuildTrunc(t->b, sum, s->vector, "");
}

/* (a * b + 2^14) >> 15, saturated: only -2^15 * -2^15 is out of range. */
static LLVMValueRef q15(struct build *t, LLVMValueRef a, LLVMValueRef b)
{
	LLVMTypeRef wide = ints(t, 32, 8);
	LLVMValueRef p = LLVMBuildMul(t->b, LLVMBuildSExt(t->b, a, wide, ""), LLVMBuildSExt(t->b, b, wide, ""), "");

	p = LLVMBuildAdd(t->b, p, splat_const(t, 32, 8, 0x4000), "");
	p = LLVMBuildAShr(t->b, p, splat_const(t, 32, 8, 15), "");
	p = intrinsic2(t, "llvm.smin", p, splat_const(t, 32, 8, 32767));
	return LLVMBuildTrunc(t->b, p, ints(t, 16, 8), "");
}

static LLVMValueRef narrow(struct build *t, LLVMValueRef a, LLVMValueRef b, const struct shape *s, bool is_signed)
{
	/* Operands are signed; they are clamped to what the narrow lane can hold. */
	unsigned wide = 2 * s->bits, lanes = s->lanes / 2;
	uint64_t high = is_signed ? ((uint64_t)1 << (s->bits - 1)) - 1 : ((uint64_t)1 << s->bits) - 1;
	uint64_t low = is_signed ? (uint64_t)0 - ((uint64_t)1 << (s->bits - 1)) : 0;
	LLVMValueRef half[2] = {a, b};
	for (int k = 0; k < 2; k++) {
		half[k] = intrinsic2(t, "llvm.smin", half[k], splat_const(t, wide, lanes, high));
		half[k] = intrinsic2(t, "llvm.smax", half[k], splat_const(t, wide, lanes, low));
		half[k] = LLVMBuildTrunc(t->b, half[k], ints(t, s->bits, lanes), "");
	}
	LLVMValueRef index[16];
	for (unsigned k = 0; k < s->lanes; k++)
		index[k] = const_i32(t, k);
	return LLVMBuildShuffleVector(t->b, half[0], half[1], LLVMConstVector(index, s->lanes), "");
}

/* Operations on integer lanes of half the width: extend, extmul, extadd_pairwise, dot. */
static void widening(struct build *t, const struct shape *s, const char *op)
{
	unsigned half = s->bits / 2, lanes = s->lanes * 2;
	LLVMTypeRef type = ints(t, half, lanes);
	bool is_signed = ends(op, "_s"), high = strstr(op, "_high_") != NULL;

	if (is(op, "dot_i16x8_s")) {
		LLVMValueRef b = pop_as(t, type), a = pop_as(t, type), part[2];
		for (unsigned k = 0; k < 2; k++)
			part[k] = LLVMBuildMul(t->b, extend(t, pick(t, a, k, 2, s->lanes), s->vector, true),
					       extend(t, pick(t, b, k, 2, s->lanes), s->vector, true), "");
		push_v(t, LLVMBuildAdd(t->b, part[0], part[1], ""));
		return;
	}
	if (strncmp(op, "extadd", 6) == 0) {
		LLVMValueRef v = pop_as(t, type);
		push_v(t, LLVMBuildAdd(t->b, extend(t, pick(t, v, 0, 2, s->lanes), s->vector, is_signed),
				       extend(t, pick(t, v, 1, 2, s->lanes), s->vector, is_signed), ""));
		return;
	}
	unsigned first = high ? s->lanes : 0;
	if (strncmp(op, "extmul", 6) == 0) {
		LLVMValueRef b = pop_as(t, type), a = pop_as(t, type);
		push_v(t, LLVMBuildMul(t->b, extend(t, pick(t, a, first, 1, s->lanes), s->vector, is_signed),
				       extend(t, pick(t, b, first, 1, s->lanes), s->vector, is_signed), ""));
		return;
	}
	push_v(t, extend(t, pick(t, pop_as(t, type), first, 1, s->lanes), s->vector, is_signed));
}

static LLVMValueRef fp_sat(struct build *t, LLVMValueRef v, LLVMTypeRef to, bool is_signed)
{
	LLVMTypeRef types[2] = {to, LLVMTypeOf(v)};

	return intrinsic(t, is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat", types, 2, &v, 1);
}

static LLVMValueRef with_zeros(struct build *t, LLVMValueRef two)
{
	LLVMValueRef index[4] = {const_i32(t, 0), const_i32(t, 1), const_i32(t, 2), const_i32(t, 3)};

	return LLVMBuildShuffleVector(t->b, two, LLVMConstNull(LLVMTypeOf(two)), LLVMConstVector(index, 4), "");
}

static bool convert(struct build *t, enum opcode op)
{
	LLVMTypeRef f4 = LLVMVectorType(t->f32, 4), d2 = LLVMVectorType(t->f64, 2), i4 = t->v128, i2 = ints(t, 32, 2);

	switch ((unsigned)op) {
	case OP_i32x4_trunc_sat_f32x4_s:
		push_v(t, fp_sat(t, pop_as(t, f4), i4, true));
		break;
	case OP_i32x4_trunc_sat_f32x4_u:
		push_v(t, fp_sat(t, pop_as(t, f4), i4, false));
		break;
	case OP_i32x4_trunc_sat_f64x2_s_zero:
		push_v(t, with_zeros(t, fp_sat(t, pop_as(t, d2), i2, true)));
		break;
	case OP_i32x4_trunc_sat_f64x2_u_zero:
		push_v(t, with_zeros(t, fp_sat(t, pop_as(t, d2), i2, false)));
		break;
	case OP_f32x4_convert_i32x4_s:
		push_v(t, LLVMBuildSIToFP(t->b, pop(t), f4, ""));
		break;
	case OP_f32x4_convert_i32x4_u:
		push_v(t, LLVMBuildUIToFP(t->b, pop(t), f4, ""));
		break;
	case OP_f64x2_convert_low_i32x4_s:
		push_v(t, LLVMBuildSIToFP(t->b, pick(t, pop(t), 0, 1, 2), d2, ""));
		break;
	case OP_f64x2_convert_low_i32x4_u:
		push_v(t, LLVMBuildUIToFP(t->b, pick(t, pop(t), 0, 1, 2), d2, ""));
		break;
	case OP_f32x4_demote_f64x2_zero: {
		LLVMValueRef v = LLVMBuildFPTrunc(t->b, pop_as(t, d2), LLVMVectorType(t->f32, 2), "");
		push_v(t, canonical(t, with_zeros(t, v)));
		break;
	}
	case OP_f64x2_promote_low_f32x4:
		push_v(t, canonical(t, LLVMBuildFPExt(t->b, pick(t, pop_as(t, f4), 0, 1, 2), d2, "")));
		break;
	default:
		return false;
	}
	return true;
}

static void unary(struct build *t, const struct shape *s, const char *op)
{
	LLVMValueRef v = pop_as(t, s->vector);

	if (s->is_float) {
		if (is(op, "abs"))
			v = intrinsic1(t, "llvm.fabs", v);
		else if (is(op, "neg"))
			v = LLVMBuildFNeg(t->b, v, "");
		else
			v = canonical(t, intrinsic1(t,
						    is(op, "sqrt")    ? "llvm.sqrt"
						    : is(op, "ceil")  ? "llvm.ceil"
						    : is(op, "floor") ? "llvm.floor"
						    : is(op, "trunc") ? "llvm.trunc"
								      : "llvm.roundeven",
						    v));
	} else if (is(op, "abs")) {
		LLVMTypeRef type = s->vector;
		v = intrinsic(t, "llvm.abs", &type, 1, (LLVMValueRef[]){v, LLVMConstInt(t->i1, 0, 0)}, 2);
	} else if (is(op, "neg"))
		v = LLVMBuildNeg(t->b, v, "");
	else
		v = intrinsic1(t, "llvm.ctpop", v);
	push_v(t, v);
}

static void binary(struct build *t, const struct shape *s, const char *op)
{
	LLVMValueRef b = pop_as(t, s->vector), a = pop_as(t, s->vector), v;

	if (s->is_float) {
		if (is(op, "pmin") || is(op, "pmax")) {
			push_v(t, pseudo(t, a, b, is(op, "pmin")));
			return;
		}
		if (is(op, "min") || is(op, "max"))
			v = intrinsic2(t, is(op, "min") ? "llvm.minimum" : "llvm.maximum", a, b);
		else
			v = LLVMBuildBinOp(t->b,
					   is(op, "add")   ? LLVMFAdd
					   : is(op, "sub") ? LLVMFSub
					   : is(op, "mul") ? LLVMFMul
							   : LLVMFDiv,
					   a, b, "");
		push_v(t, canonical(t, v));
		return;
	}
	static const struct {
		const char *op, *intrinsic;
	} table[] = {{"add_sat_s", "llvm.sadd.sat"}, {"add_sat_u", "llvm.uadd.sat"}, {"sub_sat_s", "llvm.ssub.sat"},
		     {"sub_sat_u", "llvm.usub.sat"}, {"min_s", "llvm.smin"},         {"min_u", "llvm.umin"},
		     {"max_s", "llvm.smax"},         {"max_u", "llvm.umax"}};
	for (size_t k = 0; k < sizeof(table) / sizeof(*table); k++)
		if (is(op, table[k].op)) {
			push_v(t, intrinsic2(t, table[k].intrinsic, a, b));
			return;
		}
	if (is(op, "avgr_u"))
		v = average(t, s, a, b);
	else if (is(op, "q15mulr_sat_s"))
		v = q15(t, a, b);
	else
		v = LLVMBuildBinOp(t->b, is(op, "add") ? LLVMAdd : is(op, "sub") ? LLVMSub : LLVMMul, a, b, "");
	push_v(t, v);
}

void simd_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c)
{
	const char *name = row->name;

	if (row->immediate == IMM_MEMORY_LANE) {
		lane_memory(t, row, c, strncmp(name, "v128_load", 9) == 0);
		return;
	}
	if (op == OP_v128_store) {
		LLVMValueRef v = pop(t);
		store(t, v, address(t, c, pop(t)));
		return;
	}
	if (row->immediate == IMM_MEMORY) {
		load_op(t, op, row, c);
		return;
	}
	if (op == OP_v128_const) {
		push_v(t, bytes_const(t, cursor_bytes(c, 16).ptr));
		return;
	}
	if (op == OP_i8x16_shuffle) {
		shuffle(t, c);
		return;
	}
	if (op == OP_i8x16_swizzle) {
		swizzle(t);
		return;
	}
	if (op == OP_v128_any_true) {
		any_true(t);
		return;
	}
	if (strncmp(name, "v128_", 5) == 0) {
		bitwise(t, op);
		return;
	}
	struct shape s;
	must(shape_of(t, name, &s));
	const char *what = name + 6;
	if (convert(t, op) || compare(t, &s, what))
		return;
	if (is(what, "splat") || strstr(what, "_lane"))
		lane_op(t, &s, what, c);
	else if (is(what, "all_true"))
		all_true(t, &s);
	else if (is(what, "bitmask"))
		bitmask(t, &s);
	else if (strncmp(what, "narrow", 6) == 0) {
		LLVMTypeRef wide = ints(t, 2 * s.bits, s.lanes / 2);
		LLVMValueRef b = pop_as(t, wide), a = pop_as(t, wide);
		push_v(t, narrow(t, a, b, &s, ends(what, "_s")));
	} else if (strncmp(what, "ext", 3) == 0 || strncmp(what, "dot", 3) == 0)
		widening(t, &s, what);
	else if (strncmp(what, "sh", 2) == 0)
		shift(t, &s, is(what, "shl") ? LLVMShl : is(what, "shr_s") ? LLVMAShr : LLVMLShr);
	else if (row->operands[1] == '\0')
		unary(t, &s, what);
	else
		binary(t, &s, what);
}
