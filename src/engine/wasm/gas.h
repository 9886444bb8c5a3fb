/* SPDX-License-Identifier: MIT
 *
 * gas: what an instruction costs, in the two schedules of translate.h. docs/formats/gas.md is their definition: the own
 * one, 1 for every instruction that does something, and more at run time for what works on many bytes; and the table
 * of @permaweb/wasm-metering (ao-units 5.16), by mnemonic without its type. Whoever changes a cost raises the version.
 */
#ifndef WEFT_ENGINE_WASM_GAS_H
#define WEFT_ENGINE_WASM_GAS_H
#include "engine/wasm/opcode.h"
#include "engine/wasm/translate.h"

enum { GAS_OWN_VERSION = 2, GAS_METERING_VERSION = 1 };

uint32_t gas_cost(enum wasm_gas schedule, enum opcode op);
/* Whether a segment ends after this instruction. */
bool gas_ends_segment(enum opcode op);
/* What a whole segment costs whose instructions sum up to `sum`. */
uint64_t gas_segment(enum wasm_gas schedule, uint64_t sum);

#endif
