/* SPDX-License-Identifier: MIT */
#include "engine/wasm/body.h"

#include <string.h>

/* ---- instructions of fixed type ---- */

static uint8_t address_type(const struct validator *v)
{
	return v->m->memory.is64 ? WASM_I64 : WASM_I32;
}

static uint8_t letter(const struct validator *v, char c)
{
	switch (c) {
	case 'i':
		return WASM_I32;
	case 'l':
		return WASM_I64;
	case 'f':
		return WASM_F32;
	case 'd':
		return WASM_F64;
	case 'v':
		return WASM_V128;
	default:
		return address_type(v);
	}
}

static void need_memory(struct validator *v)
{
	if (!v->m->has_memory)
		body_fail(v, "unknown memory 0");
}

static void memory_immediate(struct validator *v, unsigned natural)
{
	need_memory(v);
	if (cursor_u32(&v->c) > natural)
		body_fail(v, "alignment must not be larger than natural");
	(void)cursor_unsigned(&v->c, v->m->memory.is64 ? 64 : 32);
}

static void fixed(struct validator *v, const struct op_info *row)
{
	switch (row->immediate) {
	case IMM_NONE:
		break;
	case IMM_MEMORY:
		memory_immediate(v, row->argument);
		break;
	case IMM_MEMORY_LANE:
		memory_immediate(v, row->argument);
		if (cursor_u8(&v->c) >= 16u >> row->argument)
			body_fail(v, "invalid lane index");
		break;
	case IMM_LANE:
		if (cursor_u8(&v->c) >= row->argument)
			body_fail(v, "invalid lane index");
		break;
	case IMM_BYTES16:
		(void)cursor_bytes(&v->c, 16);
		break;
	case IMM_SHUFFLE:
		for (int i = 0; i < 16; i++)
			if (cursor_u8(&v->c) >= 32)
				body_fail(v, "invalid lane index");
		break;
	}
	for (size_t i = strlen(row->operands); i-- > 0;)
		body_pop(v, letter(v, row->operands[i]));
	for (const char *r = row->results; *r; r++)
		body_push(v, letter(v, *r));
}

/* ---- calls ---- */

static const struct wasm_table *table(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->table_count) {
		body_fail(v, "unknown table");
		return NULL;
	}
	return &v->m->tables[index];
}

static uint8_t index_type(const struct wasm_table *t)
{
	return t->limits.is64 ? WASM_I64 : WASM_I32;
}

static void finish_call(struct validator *v, const struct wasm_func_type *t, bool tail)
{
	const struct frame *f = &v->frames[0];

	body_pop_list(v, t->params, t->param_count);
	if (!tail) {
		body_push_list(v, t->results, t->result_count);
		return;
	}
	if (t->result_count != f->result_count ||
	    (t->result_count && memcmp(t->results, body_results_of(f), t->result_count) != 0))
		body_fail(v, "type mismatch: a tail call gives other results than the function has");
	v->m->tail_calls = true;
	body_unreachable(v);
}

static void call(struct validator *v, bool tail)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->function_count) {
		body_fail(v, "unknown function");
		return;
	}
	if (v->m->functions[index].asyncify)
		v->m->asyncify_reachable = true;
	finish_call(v, wasm_type_of(v->m, index), tail);
}

static void call_indirect(struct validator *v, bool tail)
{
	uint32_t type = cursor_u32(&v->c);
	const struct wasm_table *t = table(v);

	if (!t)
		return;
	if (t->type != WASM_FUNCREF)
		body_fail(v, "type mismatch: the table holds no functions");
	if (type >= v->m->type_count) {
		body_fail(v, "unknown type");
		return;
	}
	body_pop(v, index_type(t));
	finish_call(v, &v->m->types[type], tail);
}

/* ---- parametric, variables, references ---- */

static void select_op(struct validator *v, bool typed)
{
	uint8_t type = WASM_ANY, a, b;

	if (typed) {
		if (cursor_u32(&v->c) != 1)
			body_fail(v, "invalid result arity");
		type = cursor_u8(&v->c);
		if (!wasm_is_value(type))
			body_fail(v, "malformed value type");
	}
	body_pop(v, WASM_I32);
	a = body_pop(v, type);
	b = body_pop(v, typed ? type : a);
	if (!typed && (wasm_is_reference(a) || wasm_is_reference(b)))
		body_fail(v, "type mismatch: select of references needs a type");
	body_push(v, typed ? type : a != WASM_ANY ? a : b);
}

static void global_op(struct validator *v, bool set)
{
	uint32_t index = cursor_u32(&v->c);
	struct wasm_global *g;

	if (index >= v->m->global_count) {
		body_fail(v, "unknown global");
		return;
	}
	g = &v->m->globals[index];
	if (!set) {
		body_push(v, g->type);
		return;
	}
	if (!g->is_mutable)
		body_fail(v, "global is immutable");
	if (!v->f->asyncify)
		g->written = true;
	body_pop(v, g->type);
}

static void local_op(struct validator *v, enum opcode op)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->local_count) {
		body_fail(v, "unknown local");
		return;
	}
	if (op != OP_local_get)
		body_pop(v, v->locals[index]);
	if (op != OP_local_set)
		body_push(v, v->locals[index]);
}

static void ref_null(struct validator *v)
{
	uint8_t type = cursor_u8(&v->c);

	if (!wasm_is_reference(type))
		body_fail(v, "malformed reference type");
	body_push(v, type);
}

static void ref_is_null(struct validator *v)
{
	uint8_t type = body_pop_any(v);

	if (type != WASM_ANY && !wasm_is_reference(type))
		body_fail(v, "type mismatch: a reference is wanted");
	body_push(v, WASM_I32);
}

static void ref_func(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->function_count)
		body_fail(v, "unknown function");
	else if (!v->m->functions[index].declared)
		body_fail(v, "undeclared function reference");
	else if (v->m->functions[index].asyncify)
		v->m->asyncify_reachable = true;
	body_push(v, WASM_FUNCREF);
}

/* ---- tables and bulk memory ---- */

static void table_init(struct validator *v)
{
	uint32_t segment = cursor_u32(&v->c);
	const struct wasm_table *t = table(v);

	v->m->tables_change = true;
	if (segment >= v->m->element_count)
		body_fail(v, "unknown elem segment");
	else if (t && v->m->elements[segment].type != t->type)
		body_fail_type(v, t->type, v->m->elements[segment].type);
	body_pop(v, WASM_I32), body_pop(v, WASM_I32), body_pop(v, t ? index_type(t) : WASM_ANY);
}

static void table_copy(struct validator *v)
{
	const struct wasm_table *to = table(v), *from = table(v);

	if (!to || !from)
		return;
	v->m->tables_change = true;
	if (to->type != from->type)
		body_fail_type(v, to->type, from->type);
	body_pop(v, to->limits.is64 && from->limits.is64 ? WASM_I64 : WASM_I32);
	body_pop(v, index_type(from)), body_pop(v, index_type(to));
}

static void table_op(struct validator *v, enum opcode op)
{
	const struct wasm_table *t = table(v);
	uint8_t at;

	if (!t)
		return;
	if (op != OP_table_get && op != OP_table_size)
		v->m->tables_change = true;
	at = index_type(t);
	switch ((unsigned)op) {
	case OP_table_get:
		body_pop(v, at), body_push(v, t->type);
		break;
	case OP_table_set:
		body_pop(v, t->type), body_pop(v, at);
		break;
	case OP_table_size:
		body_push(v, at);
		break;
	case OP_table_grow:
		body_pop(v, at), body_pop(v, t->type), body_push(v, at);
		break;
	default: /* table.fill */
		body_pop(v, at), body_pop(v, t->type), body_pop(v, at);
	}
}

static void elem_drop(struct validator *v)
{
	if (cursor_u32(&v->c) >= v->m->element_count)
		body_fail(v, "unknown elem segment");
}

static void zero_byte(struct validator *v)
{
	if (cursor_u8(&v->c) != 0)
		body_fail(v, "zero byte expected: there is one memory at most");
}

static void memory_op(struct validator *v, enum opcode op)
{
	uint8_t p = address_type(v);

	if (op == OP_memory_init || op == OP_data_drop) {
		uint32_t segment = cursor_u32(&v->c);

		if (!v->m->has_data_count)
			body_fail(v, "data count section required");
		else if (segment >= v->m->data_count_declared)
			body_fail(v, "unknown data segment");
		if (op == OP_data_drop)
			return;
	}
	need_memory(v);
	zero_byte(v);
	switch ((unsigned)op) {
	case OP_memory_size:
		body_push(v, p);
		break;
	case OP_memory_grow:
		body_pop(v, p), body_push(v, p);
		break;
	case OP_memory_init:
		body_pop(v, WASM_I32), body_pop(v, WASM_I32), body_pop(v, p);
		break;
	case OP_memory_fill:
		body_pop(v, p), body_pop(v, WASM_I32), body_pop(v, p);
		break;
	default: /* memory.copy */
		zero_byte(v);
		body_pop(v, p), body_pop(v, p), body_pop(v, p);
	}
}

/* ---- all of them ---- */

void body_operation(struct validator *v, enum opcode op)
{
	const struct op_info *row = op_info(op);

	if (row) {
		fixed(v, row);
		return;
	}
	switch ((unsigned)op) {
	case OP_nop:
		break;
	case OP_call:
	case OP_return_call:
		call(v, op == OP_return_call);
		break;
	case OP_call_indirect:
	case OP_return_call_indirect:
		call_indirect(v, op == OP_return_call_indirect);
		break;
	case OP_drop:
		body_pop_any(v);
		break;
	case OP_select:
	case OP_select_typed:
		select_op(v, op == OP_select_typed);
		break;
	case OP_local_get:
	case OP_local_set:
	case OP_local_tee:
		local_op(v, op);
		break;
	case OP_global_get:
	case OP_global_set:
		global_op(v, op == OP_global_set);
		break;
	case OP_i32_const:
		(void)cursor_s32(&v->c), body_push(v, WASM_I32);
		break;
	case OP_i64_const:
		(void)cursor_s64(&v->c), body_push(v, WASM_I64);
		break;
	case OP_f32_const:
		(void)cursor_bytes(&v->c, 4), body_push(v, WASM_F32);
		break;
	case OP_f64_const:
		(void)cursor_bytes(&v->c, 8), body_push(v, WASM_F64);
		break;
	case OP_ref_null:
		ref_null(v);
		break;
	case OP_ref_is_null:
		ref_is_null(v);
		break;
	case OP_ref_func:
		ref_func(v);
		break;
	case OP_table_init:
		table_init(v);
		break;
	case OP_table_copy:
		table_copy(v);
		break;
	case OP_elem_drop:
		elem_drop(v);
		break;
	case OP_table_get:
	case OP_table_set:
	case OP_table_grow:
	case OP_table_size:
	case OP_table_fill:
		table_op(v, op);
		break;
	case OP_memory_size:
	case OP_memory_grow:
	case OP_memory_init:
	case OP_data_drop:
	case OP_memory_copy:
	case OP_memory_fill:
		memory_op(v, op);
		break;
	default:
		body_fail(v, "illegal opcode");
	}
}
