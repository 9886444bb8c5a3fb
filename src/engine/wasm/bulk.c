/* SPDX-License-Identifier: MIT */
#include "engine/wasm/build.h"

/* ---- tables ---- */

/* The row of a table: in vm->tables, or where that points to when the table is imported. */
static LLVMValueRef table_row(struct build *t, uint32_t table)
{
	LLVMValueRef row = offset_by(t, vm_field(t, offsetof(struct vm, tables), t->ptr),
				     table * sizeof(struct vm_table));

	return t->m->tables[table].imported ? LLVMBuildLoad2(t->b, t->ptr, row, "") : row;
}

static LLVMValueRef table_size(struct build *t, LLVMValueRef row)
{
	return load_at(t, t->i32, row, offsetof(struct vm_table, size));
}

LLVMValueRef table_item(struct build *t, uint32_t table, LLVMValueRef index)
{
	LLVMValueRef row = table_row(t, table), size = table_size(t, row), items;

	if (LLVMTypeOf(index) == t->i64)
		size = widen(t, size);
	trap_if(t, LLVMBuildICmp(t->b, LLVMIntUGE, index, size, ""), TRAP_TABLE);
	items = LLVMBuildLoad2(t->b, t->ptr, row, "");
	index = widen(t, index);
	return LLVMBuildGEP2(t->b, t->i64, items, &index, 1, "");
}

/* Sizes and results have the index type of their table. */
static void push_index(struct build *t, LLVMValueRef v, uint32_t table)
{
	bool wide = t->m->tables[table].limits.is64;

	if (wide)
		v = widen(t, v);
	else if (LLVMTypeOf(v) == t->i64)
		v = LLVMBuildTrunc(t->b, v, t->i32, "");
	push(t, v, wide ? WASM_I64 : WASM_I32);
}

/* Bulk operations run in the runtime, which also charges for their size. */
static LLVMValueRef bulk(struct build *t, size_t helper, LLVMTypeRef result, LLVMValueRef *args, unsigned count)
{
	LLVMValueRef r;

	gas_spill(t);
	r = call_helper(t, helper, result, args, count);
	gas_reload(t);
	return r;
}

static void table_init(struct build *t, uint32_t segment, uint32_t table)
{
	LLVMValueRef count = pop(t), from = pop(t), to = widen(t, pop(t));

	bulk(t, offsetof(struct vm, table_init), t->void_type,
	     (LLVMValueRef[]){const_i32(t, table), const_i32(t, segment), to, from, count}, 5);
}

static void table_copy(struct build *t, uint32_t to_table, uint32_t from_table)
{
	LLVMValueRef count = widen(t, pop(t)), from = widen(t, pop(t)), to = widen(t, pop(t));

	bulk(t, offsetof(struct vm, table_copy), t->void_type,
	     (LLVMValueRef[]){const_i32(t, to_table), const_i32(t, from_table), to, from, count}, 5);
}

void table_op(struct build *t, enum opcode op, struct cursor *c)
{
	uint32_t first = cursor_u32(c);
	LLVMValueRef x = const_i32(t, first), value, count;

	switch ((unsigned)op) {
	case OP_table_get:
		push(t, LLVMBuildLoad2(t->b, t->i64, table_item(t, first, pop(t)), ""), t->m->tables[first].type);
		break;
	case OP_table_set:
		value = pop(t);
		LLVMBuildStore(t->b, value, table_item(t, first, pop(t)));
		break;
	case OP_table_size:
		push_index(t, table_size(t, table_row(t, first)), first);
		break;
	case OP_table_init: /* segment, then table */
		table_init(t, first, cursor_u32(c));
		break;
	case OP_elem_drop:
		bulk(t, offsetof(struct vm, elem_drop), t->void_type, &x, 1);
		break;
	case OP_table_copy:
		table_copy(t, first, cursor_u32(c));
		break;
	case OP_table_grow:
		count = widen(t, pop(t));
		value = pop(t);
		push_index(t, bulk(t, offsetof(struct vm, table_grow), t->i64, (LLVMValueRef[]){x, value, count}, 3),
			   first);
		break;
	default: { /* table.fill */
		LLVMValueRef to;

		count = widen(t, pop(t));
		value = pop(t);
		to = widen(t, pop(t));
		bulk(t, offsetof(struct vm, table_fill), t->void_type, (LLVMValueRef[]){x, to, value, count}, 4);
	}
	}
}

/* ---- memory ---- */

static void push_pages(struct build *t, LLVMValueRef pages)
{
	bool wide = t->m->memory.is64;

	push(t, wide ? pages : LLVMBuildTrunc(t->b, pages, t->i32, ""), wide ? WASM_I64 : WASM_I32);
}

static void memory_init(struct build *t, uint32_t segment)
{
	LLVMValueRef count = pop(t), from = pop(t), to = widen(t, pop(t));

	bulk(t, offsetof(struct vm, memory_init), t->void_type,
	     (LLVMValueRef[]){const_i32(t, segment), to, from, count}, 4);
}

void memory_op(struct build *t, enum opcode op, struct cursor *c)
{
	uint32_t segment = op == OP_memory_init || op == OP_data_drop ? cursor_u32(c) : 0;
	LLVMValueRef v, from, to;

	if (op != OP_data_drop)
		(void)cursor_u8(c);
	if (op == OP_memory_copy)
		(void)cursor_u8(c);
	switch ((unsigned)op) {
	case OP_memory_size:
		v = vm_field(t, offsetof(struct vm, memory_size), t->i64);
		push_pages(t, LLVMBuildLShr(t->b, v, const_i64(t, 16), ""));
		break;
	case OP_memory_grow:
		v = widen(t, pop(t));
		push_pages(t, bulk(t, offsetof(struct vm, memory_grow), t->i64, &v, 1));
		break;
	case OP_memory_fill: {
		LLVMValueRef count = widen(t, pop(t));

		v = pop(t);
		to = widen(t, pop(t));
		bulk(t, offsetof(struct vm, memory_fill), t->void_type, (LLVMValueRef[]){to, v, count}, 3);
		break;
	}
	case OP_memory_copy:
		v = widen(t, pop(t));
		from = widen(t, pop(t));
		to = widen(t, pop(t));
		bulk(t, offsetof(struct vm, memory_copy), t->void_type, (LLVMValueRef[]){to, from, v}, 3);
		break;
	case OP_memory_init:
		memory_init(t, segment);
		break;
	default:
		v = const_i32(t, segment);
		bulk(t, offsetof(struct vm, data_drop), t->void_type, &v, 1);
	}
}
