/* SPDX-License-Identifier: MIT */
#include "engine/wasm/gas.h"
#include <string.h>

static uint32_t own(enum opcode op)
{
	switch ((unsigned)op) {
	case OP_block:
	case OP_loop:
	case OP_end:
	case OP_else:
	case OP_nop:
	case OP_try:
	case OP_try_table:
	case OP_catch:
	case OP_catch_all:
	case OP_delegate:
		return 0;
	default:
		return 1;
	}
}

/* Mnemonics of the metering table that belong to typed instructions. */
static uint32_t by_name(const char *name)
{
	static const struct {
		const char *name;
		uint32_t cost;
	} table[] = {
		{"add", 45},  {"sub", 45},    {"mul", 45},      {"and", 45},      {"or", 45},       {"xor", 45},
		{"eqz", 45},  {"eq", 45},     {"ne", 45},       {"lt_s", 45},     {"lt_u", 45},     {"gt_s", 45},
		{"gt_u", 45}, {"le_s", 45},   {"le_u", 45},     {"ge_s", 45},     {"ge_u", 45},     {"clz", 45},
		{"ctz", 45},  {"popcnt", 45}, {"div_s", 36000}, {"div_u", 36000}, {"rem_s", 36000}, {"rem_u", 36000},
		{"shl", 67},  {"shr_s", 67},  {"shr_u", 67},    {"rotl", 90},     {"rotr", 90},
	};
	const char *rest = strchr(name, '_');

	if (!rest)
		return 0;
	rest++;
	if (strncmp(rest, "load", 4) == 0 || strncmp(rest, "store", 5) == 0)
		return 120;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(rest, table[i].name) == 0)
			return table[i].cost;
	return 0;
}

static uint32_t metering(enum opcode op)
{
	switch ((unsigned)op) {
	case OP_local_get:
	case OP_local_set:
	case OP_local_tee:
	case OP_global_get:
	case OP_global_set:
	case OP_br_table:
	case OP_drop:
	case OP_select:
		return 120;
	case OP_memory_grow:
		return 10000;
	case OP_memory_size:
		return 100;
	case OP_nop:
	case OP_block:
	case OP_loop:
	case OP_if:
	case OP_unreachable:
	case OP_i32_const:
	case OP_i64_const:
	case OP_f32_const:
	case OP_f64_const:
		return 1;
	case OP_else:
	case OP_br:
	case OP_br_if:
	case OP_return:
	case OP_call:
		return 90;
	case OP_call_indirect:
		return 10000;
	default: {
		const struct op_info *row = op_info(op);

		return row && (unsigned)op < 0xfc00 ? by_name(row->name) : 0;
	}
	}
}

uint32_t gas_cost(enum wasm_gas schedule, enum opcode op)
{
	return schedule == WASM_GAS_OWN ? own(op) : metering(op);
}

bool gas_ends_segment(enum opcode op)
{
	switch ((unsigned)op) {
	case OP_memory_grow:
	case OP_end:
	case OP_br:
	case OP_br_table:
	case OP_br_if:
	case OP_if:
	case OP_else:
	case OP_return:
	case OP_loop:
	case OP_return_call:
	case OP_return_call_indirect:
	case OP_catch:
	case OP_catch_all:
	case OP_delegate:
	case OP_throw:
	case OP_rethrow:
	case OP_throw_ref:
		return true;
	default:
		return false;
	}
}

uint64_t gas_segment(enum wasm_gas schedule, uint64_t sum)
{
	return schedule == WASM_GAS_METERING && sum ? sum + 91 : sum;
}
