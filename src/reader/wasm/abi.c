/* SPDX-License-Identifier: MIT */
#include "reader/wasm/abi.h"

static const struct abi table[ABIS] = {
#define ABI(name, format, gas, start, heap_max, string, clock, names, environment) \
	[ABI_##name] = {format, gas, start, heap_max, string, clock, names, environment},
#include "reader/wasm/abi.def"
#undef ABI
};

const struct abi *abi_of(unsigned id)
{
	return id < ABIS ? &table[id] : NULL;
}

const struct abi *abi_find(struct bytes format)
{
	for (unsigned i = 0; i < ABIS; i++)
		if (bytes_eq_str(format, table[i].format))
			return &table[i];
	return NULL;
}
