/* SPDX-License-Identifier: MIT */
#include "test/assemble.h"

#include "base/err.h"

#include <string.h>

void put_unsigned(struct buf *b, uint64_t v)
{
	while (v >= 0x80) {
		buf_put_u8(b, (uint8_t)(v | 0x80));
		v >>= 7;
	}
	buf_put_u8(b, (uint8_t)v);
}

void put_signed(struct buf *b, int64_t v)
{
	while (v < -64 || v > 63) {
		buf_put_u8(b, (uint8_t)((v & 0x7f) | 0x80));
		v >>= 7;
	}
	buf_put_u8(b, (uint8_t)(v & 0x7f));
}

void put_op(struct buf *b, uint32_t op)
{
	if (op < 0x100) {
		buf_put_u8(b, (uint8_t)op);
		return;
	}
	buf_put_u8(b, op >= 0xfd000 ? 0xfd : 0xfc);
	put_unsigned(b, op & 0xff);
}

static void put_name(struct buf *b, const char *name)
{
	put_unsigned(b, strlen(name));
	buf_put_str(b, name);
}

static void put_type(struct buf *b, char letter)
{
	static const char letters[] = "ilfdvFXE";
	static const uint8_t types[] = {0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x69};
	const char *at = strchr(letters, letter);

	must(at != NULL && *at);
	buf_put_u8(b, types[at - letters]);
}

static void put_types(struct buf *b, const char *letters)
{
	put_unsigned(b, strlen(letters));
	for (; *letters; letters++)
		put_type(b, *letters);
}

static void put_limits(struct buf *b, bool is64, uint64_t min, uint64_t max)
{
	buf_put_u8(b, (uint8_t)((is64 ? 4 : 0) | (max != UINT64_MAX ? 1 : 0)));
	put_unsigned(b, min);
	if (max != UINT64_MAX)
		put_unsigned(b, max);
}

static void put_address(struct buf *b, bool is64, uint64_t at)
{
	buf_put_u8(b, is64 ? 0x42 : 0x41);
	put_signed(b, is64 ? (int64_t)at : (int32_t)at);
	buf_put_u8(b, 0x0b);
}

static void put_export(struct assembly *a, const char *name, uint8_t kind, uint32_t index)
{
	if (!name)
		return;
	put_name(&a->exports, name);
	buf_put_u8(&a->exports, kind);
	put_unsigned(&a->exports, index);
	a->export_count++;
}

uint32_t assemble_type(struct assembly *a, const char *params, const char *results)
{
	buf_put_u8(&a->types, 0x60);
	put_types(&a->types, params);
	put_types(&a->types, results);
	return a->type_count++;
}

uint32_t assemble_import(struct assembly *a, const char *module, const char *name, uint32_t type)
{
	put_name(&a->imports, module);
	put_name(&a->imports, name);
	buf_put_u8(&a->imports, 0);
	put_unsigned(&a->imports, type);
	a->import_count++;
	return a->function_count++;
}

uint32_t assemble_function(struct assembly *a, uint32_t type, const char *locals, struct bytes body, const char *name)
{
	struct buf code = BUF_EMPTY;

	put_unsigned(&a->functions, type);
	put_unsigned(&code, strlen(locals));
	for (; *locals; locals++) {
		buf_put_u8(&code, 1);
		put_type(&code, *locals);
	}
	buf_put_bytes(&code, body);
	buf_put_u8(&code, 0x0b);
	put_unsigned(&a->code, code.len);
	buf_put_bytes(&a->code, buf_bytes(&code));
	buf_release(&code);
	put_export(a, name, 0, a->function_count);
	a->defined_count++;
	return a->function_count++;
}

uint32_t assemble_tag(struct assembly *a, uint32_t type)
{
	buf_put_u8(&a->tags, 0);
	put_unsigned(&a->tags, type);
	a->defined_tags++;
	return a->tag_count++;
}

uint32_t assemble_global(struct assembly *a, char type, bool is_mutable, struct bytes init, const char *name)
{
	put_type(&a->globals, type);
	buf_put_u8(&a->globals, is_mutable);
	buf_put_bytes(&a->globals, init);
	buf_put_u8(&a->globals, 0x0b);
	put_export(a, name, 3, a->global_count);
	a->defined_globals++;
	return a->global_count++;
}

uint32_t assemble_table(struct assembly *a, char type, bool is64, uint64_t min, uint64_t max)
{
	put_type(&a->tables, type);
	put_limits(&a->tables, is64, min, max);
	return a->table_count++;
}

void assemble_memory(struct assembly *a, bool is64, uint64_t min, uint64_t max, const char *name)
{
	put_limits(&a->memories, is64, min, max);
	put_export(a, name, 2, a->memory_count++);
}

void assemble_elements(struct assembly *a, bool is64, uint64_t at, const uint32_t *functions, uint32_t count)
{
	buf_put_u8(&a->elements, 0);
	put_address(&a->elements, is64, at);
	put_unsigned(&a->elements, count);
	for (uint32_t i = 0; i < count; i++)
		put_unsigned(&a->elements, functions[i]);
	a->element_count++;
}

void assemble_data(struct assembly *a, bool is64, uint64_t at, struct bytes content)
{
	buf_put_u8(&a->data, 0);
	put_address(&a->data, is64, at);
	put_unsigned(&a->data, content.len);
	buf_put_bytes(&a->data, content);
	a->data_count++;
}

void assemble_passive(struct assembly *a, struct bytes content)
{
	buf_put_u8(&a->data, 1);
	put_unsigned(&a->data, content.len);
	buf_put_bytes(&a->data, content);
	a->data_count++;
	a->has_data_count = true;
}

static void put_section(struct buf *out, uint8_t id, uint32_t count, const struct buf *content)
{
	struct buf number = BUF_EMPTY;

	if (count == 0)
		return;
	put_unsigned(&number, count);
	buf_put_u8(out, id);
	put_unsigned(out, number.len + content->len);
	buf_put_bytes(out, buf_bytes(&number));
	buf_put_bytes(out, buf_bytes(content));
	buf_release(&number);
}

void assemble_module(const struct assembly *a, struct buf *out)
{
	struct buf none = BUF_EMPTY;

	buf_put(out, "\0asm\1\0\0\0", 8);
	put_section(out, 1, a->type_count, &a->types);
	put_section(out, 2, a->import_count, &a->imports);
	put_section(out, 3, a->defined_count, &a->functions);
	put_section(out, 4, a->table_count, &a->tables);
	put_section(out, 5, a->memory_count, &a->memories);
	put_section(out, 13, a->defined_tags, &a->tags);
	put_section(out, 6, a->defined_globals, &a->globals);
	put_section(out, 7, a->export_count, &a->exports);
	put_section(out, 9, a->element_count, &a->elements);
	if (a->has_data_count)
		put_section(out, 12, a->data_count, &none);
	put_section(out, 10, a->defined_count, &a->code);
	put_section(out, 11, a->data_count, &a->data);
}

void assemble_release(struct assembly *a)
{
	struct buf *all[] = {&a->types,   &a->imports, &a->functions, &a->tables, &a->memories, &a->tags,
			     &a->globals, &a->exports, &a->elements,  &a->code,   &a->data};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		buf_release(all[i]);
	*a = (struct assembly){0};
}
