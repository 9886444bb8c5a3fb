/* SPDX-License-Identifier: MIT
 *
 * assemble: WebAssembly modules put together in tests, where no tool can: encodings that wat2wasm does not know yet,
 * modules that are wrong on purpose, and random ones.
 *
 *   struct assembly a = {0};
 *   uint32_t t = assemble_type(&a, "ii", "i");
 *   uint8_t body[] = {OP_local_get, 0, OP_local_get, 1, OP_i32_add};
 *   assemble_function(&a, t, "", bytes_of(body, sizeof(body)), "add");
 *   assemble_module(&a, &out);          and assemble_release(&a)
 *
 * Types are letters as in opcode.def: i i32, l i64, f f32, d f64, v v128, and F funcref, X externref, E exnref.
 * Everything is written as asked for, valid or not. Imports have to be added before what is defined.
 */
#ifndef WEFT_TEST_ASSEMBLE_H
#define WEFT_TEST_ASSEMBLE_H

#include "base/bytes.h"

struct assembly {
	struct buf types, imports, functions, tables, memories, tags, globals, exports, elements, code, data;
	uint32_t type_count, import_count, function_count, defined_count, table_count, memory_count, tag_count,
		global_count, defined_globals, defined_tags, export_count, element_count, data_count;
	bool has_data_count;
};

/* Numbers as the format has them. */
void put_unsigned(struct buf *b, uint64_t v);
void put_signed(struct buf *b, int64_t v);
/* put_op appends an opcode as enum opcode has it, prefix included. */
void put_op(struct buf *b, uint32_t op);

/* Each gives the index of what it adds. */
uint32_t assemble_type(struct assembly *a, const char *params, const char *results);
uint32_t assemble_import(struct assembly *a, const char *module, const char *name, uint32_t type);
/* assemble_function adds a function with `locals` and a body without its `end`; `name` exports it, unless NULL. */
uint32_t assemble_function(struct assembly *a, uint32_t type, const char *locals, struct bytes body, const char *name);
uint32_t assemble_tag(struct assembly *a, uint32_t type);
/* `init` is a constant expression without its `end`. */
uint32_t assemble_global(struct assembly *a, char type, bool is_mutable, struct bytes init, const char *name);
/* Limits in elements and pages; `max` UINT64_MAX: none. */
uint32_t assemble_table(struct assembly *a, char type, bool is64, uint64_t min, uint64_t max);
void assemble_memory(struct assembly *a, bool is64, uint64_t min, uint64_t max, const char *name);
/* assemble_elements puts functions into table 0 at `at`, assemble_data bytes into memory. */
void assemble_elements(struct assembly *a, bool is64, uint64_t at, const uint32_t *functions, uint32_t count);
void assemble_data(struct assembly *a, bool is64, uint64_t at, struct bytes content);
void assemble_passive(struct assembly *a, struct bytes content);

void assemble_module(const struct assembly *a, struct buf *out);
void assemble_release(struct assembly *a);

#endif
