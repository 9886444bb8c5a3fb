/* SPDX-License-Identifier: MIT
 *
 * module: a WebAssembly module as it lies in memory after decoding, and the promise
 * that validation gives.
 *
 * What is read: WebAssembly 2.0 (sign extension, saturating truncation, bulk memory, reference types,
 * multiple values, SIMD) and memory64. At most one memory. Chapter numbers below are
 * those of the core specification, release 2.0.
 *
 * wasm_decode reads the sections (chapter 5) and checks everything that does not need
 * types; wasm_validate checks the rest (chapter 3) and every function body. Only a module for which both
 * said OK may be translated: the translator trusts what they promise and checks nothing again.
 *
 * Limits, so that a hostile module costs bounded time: see enum wasm_limit. They are those that
 * browsers agreed on (JS API, section 11), or lower.
 */
#ifndef WEFT_ENGINE_WASM_MODULE_H
#define WEFT_ENGINE_WASM_MODULE_H
#include "base/arena.h"
#include "base/err.h"

enum wasm_limit {
	WASM_MODULE_MAX = 256 << 20,
	WASM_TYPES_MAX = 100000,
	WASM_FUNCTIONS_MAX = 1000000,
	WASM_IMPORTS_MAX = 100000,
	WASM_EXPORTS_MAX = 100000,
	WASM_GLOBALS_MAX = 1000000,
	WASM_SEGMENTS_MAX = 100000,
	WASM_TABLES_MAX = 16,
	WASM_TABLE_MAX = 10000000,
	WASM_PARAMS_MAX = 1000,
	WASM_LOCALS_MAX = 50000,
	WASM_BODY_MAX = 7654321,
	WASM_NESTING_MAX = 20000,
	WASM_STRING_MAX = 100000,
};

enum wasm_type {
	WASM_I32 = 0x7f,
	WASM_I64 = 0x7e,
	WASM_F32 = 0x7d,
	WASM_F64 = 0x7c,
	WASM_V128 = 0x7b,
	WASM_FUNCREF = 0x70,
	WASM_EXTERNREF = 0x6f,
	WASM_ANY = 0, /* validation only: the unknown type below an unconditional branch */
};

struct wasm_func_type {
	const uint8_t *params, *results; /* enum wasm_type, one byte each */
	uint32_t param_count, result_count;
	uint32_t canonical; /* index of the first equal type: what call_indirect compares */
};

struct wasm_limits {
	uint64_t min, max;
	bool has_max, is64;
};

enum wasm_extern { WASM_EXTERN_FUNCTION, WASM_EXTERN_TABLE, WASM_EXTERN_MEMORY, WASM_EXTERN_GLOBAL };

struct wasm_import {
	struct bytes module, name;
	enum wasm_extern kind;
	uint32_t index; /* in the index space of its kind */
};

struct wasm_export {
	struct bytes name;
	enum wasm_extern kind;
	uint32_t index;
};

/* A constant expression (3.3.10): exactly one producing instruction. */
enum wasm_const_kind { WASM_CONST_VALUE, WASM_CONST_GLOBAL, WASM_CONST_FUNCTION, WASM_CONST_NULL };
struct wasm_const {
	enum wasm_const_kind kind;
	uint8_t type;
	uint8_t value[16]; /* little endian; only for WASM_CONST_VALUE */
	uint32_t index;    /* of the global or function */
};

struct wasm_global {
	uint8_t type;
	bool is_mutable, imported, exported;
	struct wasm_const init;
	/* Set by validation: some code that can run writes it. See fold in translate.h. */
	bool written;
};

struct wasm_table {
	uint8_t type;
	struct wasm_limits limits;
	bool imported;
};

struct wasm_function {
	uint32_t type;
	bool imported;
	bool declared;         /* may be named by ref.func (C.refs) */
	bool asyncify;         /* exported as asyncify_*: never called by a synchronous host */
	struct bytes body;     /* locals and code */
	uint32_t height_max;   /* set by validation: operands at most on the stack */
	uint32_t locals_count; /* set by validation: with the parameters */
};

enum wasm_segment_mode { WASM_ACTIVE, WASM_PASSIVE, WASM_DECLARATIVE };

struct wasm_element {
	enum wasm_segment_mode mode;
	uint8_t type;
	uint32_t table;
	struct wasm_const offset;
	const struct wasm_const *items;
	uint32_t count;
};

struct wasm_data {
	enum wasm_segment_mode mode;
	struct wasm_const offset;
	struct bytes bytes;
};

struct wasm_module {
	struct bytes raw;
	struct wasm_func_type *types;
	struct wasm_import *imports;
	struct wasm_function *functions;
	struct wasm_table *tables;
	struct wasm_global *globals;
	struct wasm_export *exports;
	struct wasm_element *elements;
	struct wasm_data *data;
	uint32_t type_count, import_count, function_count, table_count, global_count, export_count, element_count,
		data_count;
	uint32_t imported_functions, imported_tables, imported_globals;
	struct wasm_limits memory;
	bool has_memory, memory_imported;
	bool has_start, has_data_count;
	uint32_t start, data_count_declared;
	bool asyncify_reachable; /* set by validation: code can call an asyncify_* function after all */
};

/* wasm_decode reads `raw`, which the module borrows; lists live in `a`. E_FORMAT names section and offset;
 * E_LIMIT names the limit. */
must_use enum err wasm_decode(struct wasm_module *m, struct arena *a, struct bytes raw, struct note *note);
/* wasm_validate checks types and every body. E_FORMAT names the function and offset. */
must_use enum err wasm_validate(struct wasm_module *m, struct note *note);

/* wasm_export_find: NULL when there is none of that kind. */
const struct wasm_export *wasm_export_find(const struct wasm_module *m, const char *name, enum wasm_extern kind);
static inline const struct wasm_func_type *wasm_type_of(const struct wasm_module *m, uint32_t function)
{
	return &m->types[m->functions[function].type];
}

#endif
