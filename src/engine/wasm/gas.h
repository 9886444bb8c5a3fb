/* SPDX-License-Identifier: MIT
 *
 * gas: what an instruction costs, in the two schedules of translate.h. The own one (version 1): 1 for
 * every instruction that does something, 0 for block, loop, end, else and nop; bulk operations
 * pay 1 more for each 64 bytes or 8 elements at run time. The metering one is the table of
 * @permaweb/wasm-metering (ao-units 5.16), by mnemonic without its type.
 */
#ifndef WEFT_ENGINE_WASM_GAS_H
#define WEFT_ENGINE_WASM_GAS_H
#include "engine/wasm/opcode.h"
#include "engine/wasm/translate.h"

uint32_t gas_cost(enum wasm_gas schedule, enum opcode op);
/* Whether a segment ends after this instruction. */
bool gas_ends_segment(enum opcode op);
/* What a whole segment costs whose instructions sum up to `sum`. */
uint64_t gas_segment(enum wasm_gas schedule, uint64_t sum);

#endif
