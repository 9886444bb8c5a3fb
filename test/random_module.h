/* SPDX-License-Identifier: MIT
 *
 * random_module: valid WebAssembly made from a number, which touches everything that computes: all instructions of
 * fixed type, SIMD among them, memory of both widths, tables, calls of all three kinds, blocks, loops, branches, tail calls
 * and exceptions. The same number gives the same module.
 *
 * Programs end: a global `fuel` is used up by loops and calls, and `unreachable` comes when it is gone. A global `step`
 * counts statements, so that it tells how far a program came before it trapped.
 */
#ifndef WEFT_TEST_RANDOM_MODULE_H
#define WEFT_TEST_RANDOM_MODULE_H

#include "base/bytes.h"

enum { RANDOM_FUNCTIONS = 6, RANDOM_PARAMS_MAX = 4, RANDOM_RESULTS_MAX = 2 };

/* Globals by index, all mutable and exported by these names. */
enum { RANDOM_FUEL, RANDOM_STEP, RANDOM_I, RANDOM_L, RANDOM_F, RANDOM_D, RANDOM_GLOBALS };
extern const char *const random_global_names[RANDOM_GLOBALS];

/* What can be called: exported as run0, run1, ...; types as in assemble.h. */
struct random_function {
	char params[RANDOM_PARAMS_MAX + 1], results[RANDOM_RESULTS_MAX + 1];
	uint32_t type;
};

struct random_module {
	struct random_function functions[RANDOM_FUNCTIONS]; /* vectors only in those that are not exported */
	bool exported[RANDOM_FUNCTIONS];
	bool is64;
	bool portable; /* NaNs are taken out before their bits can be seen: V8 has to agree as well */
	bool exceptions, tail_calls;
};

/* random_module_make appends the module. */
void random_module_make(struct random_module *m, uint64_t seed, struct buf *out);

#endif
