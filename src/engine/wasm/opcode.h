/* SPDX-License-Identifier: MIT
 *
 * opcode: the instructions, by number. Those with fixed types are rows of opcode.def; the others (control,
 * variables, tables, bulk memory) are listed here and treated one by one.
 */
#ifndef WEFT_ENGINE_WASM_OPCODE_H
#define WEFT_ENGINE_WASM_OPCODE_H
#include "engine/wasm/cursor.h"

enum opcode {
	OP_unreachable = 0x00,
	OP_nop = 0x01,
	OP_block = 0x02,
	OP_loop = 0x03,
	OP_if = 0x04,
	OP_else = 0x05,
	OP_try = 0x06, /* with catch, rethrow, delegate and catch_all: legacy exceptions */
	OP_catch = 0x07,
	OP_throw = 0x08,
	OP_rethrow = 0x09,
	OP_throw_ref = 0x0a,
	OP_end = 0x0b,
	OP_br = 0x0c,
	OP_br_if = 0x0d,
	OP_br_table = 0x0e,
	OP_return = 0x0f,
	OP_call = 0x10,
	OP_call_indirect = 0x11,
	OP_return_call = 0x12,
	OP_return_call_indirect = 0x13,
	OP_delegate = 0x18,
	OP_catch_all = 0x19,
	OP_drop = 0x1a,
	OP_select = 0x1b,
	OP_select_typed = 0x1c,
	OP_try_table = 0x1f,
	OP_local_get = 0x20,
	OP_local_set = 0x21,
	OP_local_tee = 0x22,
	OP_global_get = 0x23,
	OP_global_set = 0x24,
	OP_table_get = 0x25,
	OP_table_set = 0x26,
	OP_memory_size = 0x3f,
	OP_memory_grow = 0x40,
	OP_i32_const = 0x41,
	OP_i64_const = 0x42,
	OP_f32_const = 0x43,
	OP_f64_const = 0x44,
	OP_ref_null = 0xd0,
	OP_ref_is_null = 0xd1,
	OP_ref_func = 0xd2,
	OP_memory_init = 0xfc08,
	OP_data_drop = 0xfc09,
	OP_memory_copy = 0xfc0a,
	OP_memory_fill = 0xfc0b,
	OP_table_init = 0xfc0c,
	OP_elem_drop = 0xfc0d,
	OP_table_copy = 0xfc0e,
	OP_table_grow = 0xfc0f,
	OP_table_size = 0xfc10,
	OP_table_fill = 0xfc11,
#define OP(code, name, operands, results, immediate, argument) OP_##name = code,
#include "engine/wasm/opcode.def"
#undef OP
	OP_ILLEGAL = 0xfffff,
};

/* The clauses of try_table. */
enum catch_kind { CATCH, CATCH_REF, CATCH_ALL, CATCH_ALL_REF };

enum immediate { IMM_NONE, IMM_MEMORY, IMM_LANE, IMM_MEMORY_LANE, IMM_BYTES16, IMM_SHUFFLE };

struct op_info {
	const char *name; /* NULL: no row */
	const char *operands, *results;
	enum immediate immediate;
	uint8_t argument;
};

/* op_info finds the row of an instruction with fixed types; NULL when it has none. */
const struct op_info *op_info(enum opcode op);

/* op_read reads one instruction's number, prefix included. */
static inline enum opcode op_read(struct cursor *c)
{
	uint8_t byte = cursor_u8(c);
	if (byte != 0xfc && byte != 0xfd)
		return (enum opcode)byte;
	uint32_t number = cursor_u32(c);
	if (byte == 0xfc)
		return number <= 0xff ? (enum opcode)(0xfc00 | number) : OP_ILLEGAL;
	return number <= 0xff ? (enum opcode)(0xfd000 | number) : OP_ILLEGAL;
}

#endif
