/* SPDX-License-Identifier: MIT */
#include "engine/wasm/opcode.h"

#define NONE IMM_NONE
#define MEMORY IMM_MEMORY
#define LANE IMM_LANE
#define MEMORY_LANE IMM_MEMORY_LANE
#define BYTES16 IMM_BYTES16
#define SHUFFLE IMM_SHUFFLE
#define SLOT(code) ((code) < 0x100 ? (code) : (code) < 0xfd000 ? 0x100 + ((code)&0xff) : 0x200 + ((code)&0xff))

static const struct op_info rows[0x300] = {
#define OP(code, name, operands, results, immediate, argument) \
	[SLOT(code)] = {#name, operands, results, immediate, argument},
#include "engine/wasm/opcode.def"
#undef OP
};

const struct op_info *op_info(enum opcode op)
{
	if (op == OP_ILLEGAL)
		return NULL;
	const struct op_info *row = &rows[SLOT((unsigned)op)];
	return row->name != NULL ? row : NULL;
}
