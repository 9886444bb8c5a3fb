/* SPDX-License-Identifier: MIT
 *
 * module: a WebAssembly module as it lies in memory after decoding, and the promise
 * that validation gives.
 *
 * What is read: WebAssembly 2.0 (sign extension, saturating truncation, bulk memory, reference types,
 * multiple values, SIMD), memory64 with its 64-bit tables, extended constant expressions, tail calls,
 * and exceptions in both encodings: the final one (try_table, throw_ref, exnref) and the legacy one
 * (try, catch, delegate, rethrow). At most one memory. Chapter numbers below are those of the core
 * specification, release 2.0.
 *
 * wasm_decode reads the sections (chapter 5) and checks everything that does not need
 * types; wasm_validate checks the rest (chapter 3) and every function body. Only a module for which both
 * said OK may be translated: the translator trusts what they promise and checks nothing again.
 *
 * Both errors name what is wrong and the offset in the file of the byte, or of the instruction, where
 * it is, as other tools count it.
 *
 * Limits, so that a hostile module costs bounded time: see enum wasm_limit. They are those that
 * browsers agreed on (JS API, section 11), or lower where translation would take long; the largest
 * module in use (sqlite: 2,367 functions, bodies up to 93 KB) stays far below them.
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
	WASM_ELEMENTS_MAX = 2000000, /* in all element segments together */
	WASM_PARAMS_MAX = 1000,
	WASM_LOCALS_MAX = 10000,       /* of one function, with its parameters */
	WASM_LOCALS_ALL_MAX = 4000000, /* of all functions together */
	WASM_BODY_MAX = 1 << 20,       /* bytes of one function */
	WASM_NESTING_MAX = 10000,      /* blocks in blocks */
	WASM_BRANCHES_MAX = 65520,     /* targets of one br_table */
	WASM_MOVES_MAX = 20000000,     /* values that all instructions take and give, as written */
	WASM_CATCHES_MAX = 10000,      /* clauses of one try_table */
	WASM_CONSTANT_MAX = 1000,      /* instructions of one constant expression */
	WASM_TAGS_MAX = 10000,
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
	WASM_EXNREF = 0x69,
	WASM_ANY = 0, /* validation only: the unknown type below an unconditional branch */
};

static inline bool wasm_is_reference(uint8_t type)
{
	return type == WASM_FUNCREF || type == WASM_EXTERNREF || type == WASM_EXNREF;
}

static inline bool wasm_is_value(uint8_t type)
{
	return (type >= WASM_V128 && type <= WASM_I32) || wasm_is_reference(type);
}

struct wasm_func_type {
	const uint8_t *params, *results; /* enum wasm_type, one byte each */
	uint32_t param_count, result_count;
	uint32_t canonical; /* index of the first equal type: what call_indirect compares */
};

struct wasm_limits {
	uint64_t min, max;
	bool has_max, is64;
};

enum wasm_extern {
	WASM_EXTERN_FUNCTION,
	WASM_EXTERN_TABLE,
	WASM_EXTERN_MEMORY,
	WASM_EXTERN_GLOBAL,
	WASM_EXTERN_TAG,
};

struct wasm_import {
	struct bytes module, name;
	enum wasm_extern kind;
	uint32_t index; /* in the index space of its kind */
};

struct wasm_export {
	struct bytes name;
	enum wasm_extern kind;
	uint32_t index;
	uint32_t offset; /* in the file, for errors */
};

/* A constant expression (3.3.10, and the extended-const proposal): read and evaluated by constant.h. */
enum wasm_const_kind {
	WASM_CONST_VALUE,
	WASM_CONST_GLOBAL,
	WASM_CONST_FUNCTION,
	WASM_CONST_NULL,
	WASM_CONST_CODE, /* arithmetic on imported globals */
};

struct wasm_const {
	enum wasm_const_kind kind;
	uint8_t type;
	uint32_t index;  /* of the global or function */
	uint32_t offset; /* in the file */
	union {
		uint8_t value[16]; /* of WASM_CONST_VALUE; little endian */
		struct bytes code; /* of WASM_CONST_CODE, `end` included */
	};
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

/* What an exception is made of: the parameters of a function type without results. */
struct wasm_tag {
	uint32_t type;
	uint32_t offset; /* in the file */
	bool imported;
};

struct wasm_function {
	uint32_t type;
	uint32_t offset; /* of its type index in the file */
	bool imported;
	bool declared;         /* may be named by ref.func (C.refs) */
	bool asyncify;         /* exported as asyncify_*: never called by a synchronous host */
	struct bytes body;     /* locals and code */
	uint32_t height_max;   /* set by validation: operands at most on the stack */
	uint32_t locals_count; /* set by validation: with the parameters */
	uint32_t moves;        /* set by validation: values that its instructions take and give, as written */
	bool catches;          /* set by validation: has a try or try_table */
};

enum wasm_segment_mode { WASM_ACTIVE, WASM_PASSIVE, WASM_DECLARATIVE };

struct wasm_element {
	enum wasm_segment_mode mode;
	uint8_t type;
	uint32_t table;
	struct wasm_const offset;
	struct wasm_const *items;
	uint32_t count;
	uint32_t at; /* in the file */
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
	struct wasm_tag *tags;
	struct wasm_export *exports;
	struct wasm_element *elements;
	struct wasm_data *data;
	uint32_t type_count, import_count, function_count, table_count, global_count, tag_count, export_count,
		element_count, data_count;
	uint32_t imported_functions, imported_tables, imported_globals, imported_tags;
	struct wasm_limits memory;
	bool has_memory, memory_imported;
	bool has_start, has_data_count;
	uint32_t start, start_offset, data_count_declared;
	/* Set by validation. */
	bool asyncify_reachable; /* code can call an asyncify_* function after all */
	bool tables_change;      /* some function changes a table or drops a segment */
	bool tail_calls;         /* some function has one */
	bool exceptions;         /* some function throws or catches, or a tag is declared */
	bool exception_values;   /* exceptions are values here: an exnref may outlive its catch */
};

/* wasm_decode reads `raw`, which the module borrows; lists live in `a`. E_FORMAT names cause and offset,
 * E_LIMIT the limit. */
must_use enum err wasm_decode(struct wasm_module *m, struct arena *a, struct bytes raw, struct note *note);
/* wasm_validate checks types and every body. E_FORMAT names cause, function and offset, E_LIMIT the limit. */
must_use enum err wasm_validate(struct wasm_module *m, struct note *note);

/* wasm_export_find: NULL when there is none of that kind. */
const struct wasm_export *wasm_export_find(const struct wasm_module *m, const char *name, enum wasm_extern kind);
static inline const struct wasm_func_type *wasm_type_of(const struct wasm_module *m, uint32_t function)
{
	return &m->types[m->functions[function].type];
}

#endif
