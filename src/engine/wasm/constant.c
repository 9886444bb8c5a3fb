/* SPDX-License-Identifier: MIT */
#include "engine/wasm/constant.h"
#include "engine/wasm/opcode.h"
#include "engine/wasm/vm.h"

#include <string.h>

enum { DEPTH = 16 }; /* operands at once: more than a + b * c in any nesting that tools write */

struct reading {
	struct wasm_const *out;
	const struct wasm_module *m;
	struct cursor *c;
	uint8_t types[DEPTH];
	unsigned depth, count;
	bool needs_globals;
};

static const char *put(struct reading *r, uint8_t type)
{
	if (r->depth == DEPTH)
		return "a constant expression is too deep";
	r->types[r->depth++] = type;
	r->out->type = type;
	return NULL;
}

static const char *read_number(struct reading *r, enum opcode op)
{
	uint8_t type = op == OP_i32_const   ? WASM_I32
		       : op == OP_i64_const ? WASM_I64
		       : op == OP_f32_const ? WASM_F32
		       : op == OP_f64_const ? WASM_F64
					    : WASM_V128;
	struct bytes b;

	r->out->kind = WASM_CONST_VALUE;
	if (type == WASM_I32) {
		set_u32le(r->out->value, (uint32_t)cursor_s32(r->c));
	} else if (type == WASM_I64) {
		set_u64le(r->out->value, (uint64_t)cursor_s64(r->c));
	} else {
		b = cursor_bytes(r->c, type == WASM_F32 ? 4 : type == WASM_F64 ? 8 : 16);
		if (b.ptr)
			memcpy(r->out->value, b.ptr, b.len);
	}
	return put(r, type);
}

static const char *read_global(struct reading *r)
{
	uint32_t index = cursor_u32(r->c);

	if (r->c->failed)
		return NULL;
	if (index >= r->m->imported_globals)
		return "unknown global in a constant expression";
	if (r->m->globals[index].is_mutable)
		return "constant expression required: the global is mutable";
	r->out->kind = WASM_CONST_GLOBAL;
	r->out->index = index;
	r->needs_globals = true;
	return put(r, r->m->globals[index].type);
}

static const char *read_reference(struct reading *r, enum opcode op)
{
	uint8_t type;

	if (op == OP_ref_func) {
		r->out->kind = WASM_CONST_FUNCTION;
		r->out->index = cursor_u32(r->c);
		return put(r, WASM_FUNCREF);
	}
	type = cursor_u8(r->c);
	if (!r->c->failed && !wasm_is_reference(type))
		return "malformed reference type";
	r->out->kind = WASM_CONST_NULL;
	return put(r, type);
}

static const char *read_arithmetic(struct reading *r, uint8_t type)
{
	if (r->depth < 2 || r->types[r->depth - 1] != type || r->types[r->depth - 2] != type)
		return "type mismatch in a constant expression";
	r->depth -= 2;
	return put(r, type);
}

static const char *read_one(struct reading *r, enum opcode op)
{
	switch ((unsigned)op) {
	case OP_i32_const:
	case OP_i64_const:
	case OP_f32_const:
	case OP_f64_const:
	case OP_v128_const:
		return read_number(r, op);
	case OP_global_get:
		return read_global(r);
	case OP_ref_func:
	case OP_ref_null:
		return read_reference(r, op);
	case OP_i32_add:
	case OP_i32_sub:
	case OP_i32_mul:
		return read_arithmetic(r, WASM_I32);
	case OP_i64_add:
	case OP_i64_sub:
	case OP_i64_mul:
		return read_arithmetic(r, WASM_I64);
	default:
		return "constant expression required";
	}
}

const char *constant_read(struct wasm_const *out, const struct wasm_module *m, struct cursor *c)
{
	struct reading r = {.out = out, .m = m, .c = c};
	const uint8_t *start = c->at;

	*out = (struct wasm_const){.offset = (uint32_t)(c->at - m->raw.ptr)};
	for (;;) {
		const uint8_t *at = c->at;
		enum opcode op = op_read(c);
		const char *wrong = c->failed ? "a constant expression is cut off" : NULL;

		if (!wrong && op == OP_end)
			break;
		if (!wrong && ++r.count > WASM_CONSTANT_MAX)
			wrong = "a constant expression is too long";
		if (!wrong)
			wrong = read_one(&r, op);
		if (wrong) {
			c->at = at;
			return wrong;
		}
	}
	if (r.depth != 1)
		return "type mismatch: a constant expression has to give one value";
	if (r.count > 1) {
		out->kind = WASM_CONST_CODE;
		out->code = bytes_of(start, (size_t)(c->at - start));
		if (!r.needs_globals) {
			struct vm_slot v = constant_number(out, NULL);

			out->kind = WASM_CONST_VALUE;
			memcpy(out->value, v.b, sizeof(v.b));
		}
	}
	return NULL;
}

static uint64_t arithmetic(enum opcode op, uint64_t a, uint64_t b)
{
	switch ((unsigned)op) {
	case OP_i32_add:
	case OP_i64_add:
		return a + b;
	case OP_i32_sub:
	case OP_i64_sub:
		return a - b;
	default:
		return a * b;
	}
}

static struct vm_slot evaluate(const struct wasm_const *k, const struct vm_slot *globals)
{
	struct cursor c = cursor_on(k->code);
	struct vm_slot result = {{0}};
	uint64_t stack[DEPTH];
	unsigned depth = 0;

	for (;;) {
		enum opcode op = op_read(&c);

		if (op == OP_end)
			break;
		if (op == OP_i32_const)
			stack[depth++] = (uint32_t)cursor_s32(&c);
		else if (op == OP_i64_const)
			stack[depth++] = (uint64_t)cursor_s64(&c);
		else if (op == OP_global_get)
			stack[depth++] = get_u64le(globals[cursor_u32(&c)].b);
		else {
			must(depth >= 2);
			depth--;
			stack[depth - 1] = arithmetic(op, stack[depth - 1], stack[depth]);
		}
	}
	set_u64le(result.b, k->type == WASM_I32 ? (uint32_t)stack[0] : stack[0]);
	return result;
}

struct vm_slot constant_number(const struct wasm_const *k, const struct vm_slot *globals)
{
	struct vm_slot result = {{0}};

	if (k->kind == WASM_CONST_GLOBAL)
		return globals[k->index];
	if (k->kind == WASM_CONST_CODE)
		return evaluate(k, globals);
	memcpy(result.b, k->value, sizeof(k->value));
	return result;
}
