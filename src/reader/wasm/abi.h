/* SPDX-License-Identifier: MIT
 *
 * abi: what a module format means, beyond WebAssembly: how a module is started, how a message gets into it and the
 * answer out, and what it may ask of its host.
 *
 * All of them export `handle(message, environment) -> answer`, which are C strings in JSON. The emscripten ones, 1
 * to 5, are ao's (ao-units 5.15, 5.16): strings are put on the stack of the module, which exports functions
 * for that. Where the reference's host leaks something of its machine, the answer here is fixed:
 * the program's name is ./this.program, there are no files, and system() runs nothing.
 *
 * WASI_1, "wasm32-unknown-wasi-preview1", is ours, for modules that a plain C compiler makes, say
 *
 *   clang --target=wasm32-wasi -O2 -Wl,--export=handle,--export=malloc,--export=free process.c -o process.wasm
 *
 * with `char *handle(const char *message, const char *environment)`:
 *   - `_initialize` is called once, when there is one, or else `_start`: main runs, and may end with exit(0);
 *   - the two strings are in memory from `malloc`, and given to `free`, when that is exported, after the call. The
 *     answer stays the module's. handle may return NULL, or call exit(0): then what it wrote to standard output
 *     is the answer. A failure's text ends with what it wrote to standard error;
 *   - imports are those of wasi_snapshot_preview1 and answered from the message alone: the time is the message's
 *     Timestamp, plus a microsecond for every time it was asked for; random numbers are a stream seeded by message and
 *     environment; there are no arguments, variables, files, sockets or pollable events; exit is an error unless 0.
 */
#ifndef WEFT_READER_WASM_ABI_H
#define WEFT_READER_WASM_ABI_H

#include "engine/wasm/translate.h"

enum abi_start {
	ABI_START_MAIN,         /* constructors, main(0, 0) */
	ABI_START_MAIN_NAMED,   /* stack, cookies, constructors, main(1, {"./this.program"}) */
	ABI_START_COOKIES_MAIN, /* stack, cookies, constructors, main(0, 0) */
	ABI_START_COOKIES,      /* stack, cookies, constructors */
	ABI_START_WASI,
};

enum abi_string {
	ABI_STRING_FOURFOLD, /* on the stack, four bytes for each UTF-16 unit and one more */
	ABI_STRING_UTF8,     /* on the stack, as long as it is */
	ABI_STRING_MALLOC,
};

enum abi_clock {
	ABI_CLOCK_ZERO,
	ABI_CLOCK_ZERO_NAN, /* zero, and performance.now() is no number */
	ABI_CLOCK_COUNTS,   /* from 10000 in every turn, one a call, and both clocks are one */
	ABI_CLOCK_MESSAGE,
};

enum abi_names { ABI_NAMES_LETTERS, ABI_NAMES_EMSCRIPTEN, ABI_NAMES_WASI };

enum abi_id {
#define ABI(name, format, gas, start, heap_max, string, clock, names, environment) ABI_##name,
#include "reader/wasm/abi.def"
#undef ABI
	ABIS,
};

struct abi {
	const char *format; /* the module's Module-Format */
	enum wasm_gas gas;
	enum abi_start start;
	uint64_t heap_max;
	enum abi_string string;
	enum abi_clock clock;
	enum abi_names names;
	bool environment;
};

/* abi_of: any number; NULL when it is none. */
const struct abi *abi_of(unsigned id);
/* abi_find: NULL when no format has this name. */
const struct abi *abi_find(struct bytes format);

#endif
