/* SPDX-License-Identifier: MIT */
#include "engine/wasm/module.h"
#include "engine/wasm/opcode.h"
#include <string.h>

/* What the sections are read with: one cursor over one section, errors with their offset. */
struct decoder {
	struct wasm_module *m;
	struct arena *a;
	struct note *note;
	struct cursor c;
};

static enum err bad(struct decoder *d, const char *what)
{
	return note_err(d->note, E_FORMAT, "the module is malformed: %s at offset %zu", what,
			(size_t)(d->c.at - d->m->raw.ptr));
}

static enum err past(struct decoder *d, const char *what, unsigned long long limit)
{
	return note_err(d->note, E_LIMIT, "the module has more %s than the limit of %llu", what, limit);
}

/* A count of things of at least one byte each: never more than there are bytes. */
static enum err count_of(struct decoder *d, uint32_t *count, uint32_t limit, const char *what)
{
	*count = cursor_u32(&d->c);
	if (d->c.failed || *count > cursor_left(&d->c))
		return bad(d, "a count runs past the end of its section");
	return *count > limit ? past(d, what, limit) : OK;
}

static enum err name_of(struct decoder *d, struct bytes *name)
{
	uint32_t len = cursor_u32(&d->c);
	*name = cursor_bytes(&d->c, len);
	if (d->c.failed)
		return bad(d, "a name is cut off");
	if (len > WASM_STRING_MAX)
		return past(d, "bytes in a name", WASM_STRING_MAX);
	return bytes_utf8(*name) ? OK : bad(d, "malformed UTF-8 encoding");
}

static bool is_value_type(uint8_t t)
{
	return (t >= WASM_V128 && t <= WASM_I32) || t == WASM_FUNCREF || t == WASM_EXTERNREF;
}

static bool is_reference(uint8_t t)
{
	return t == WASM_FUNCREF || t == WASM_EXTERNREF;
}

static enum err limits_of(struct decoder *d, struct wasm_limits *l, bool memory)
{
	uint8_t flags = cursor_u8(&d->c);
	if (flags > 7 || (flags & 2) || (!memory && (flags & 4)))
		return bad(d, "the flags of limits are unknown");
	l->is64 = (flags & 4) != 0;
	l->has_max = (flags & 1) != 0;
	unsigned bits = l->is64 ? 64 : 32;
	l->min = cursor_unsigned(&d->c, bits);
	l->max = l->has_max ? cursor_unsigned(&d->c, bits) : UINT64_MAX;
	if (d->c.failed)
		return bad(d, "limits are cut off");
	if (l->min > l->max)
		return bad(d, "size minimum must not be greater than maximum");
	uint64_t most = l->is64 ? (uint64_t)1 << 48 : 65536;
	if (memory && (l->min > most || (l->has_max && l->max > most)))
		return bad(d, "memory size is too large");
	return OK;
}

static enum err types(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->type_count, WASM_TYPES_MAX, "types");
	if (e)
		return e;
	m->types = arena_new_array(d->a, m->type_count, struct wasm_func_type);
	for (uint32_t i = 0; i < m->type_count; i++) {
		struct wasm_func_type *t = &m->types[i];
		if (cursor_u8(&d->c) != 0x60)
			return bad(d, "a type is no function type");
		for (int side = 0; side < 2; side++) {
			uint32_t count;
			if ((e = count_of(d, &count, WASM_PARAMS_MAX, "parameters or results")))
				return e;
			struct bytes list = cursor_bytes(&d->c, count);
			for (size_t k = 0; k < list.len; k++)
				if (!is_value_type(list.ptr[k]))
					return bad(d, "a value type is unknown");
			if (side == 0)
				t->params = list.ptr, t->param_count = count;
			else
				t->results = list.ptr, t->result_count = count;
		}
		t->canonical = i;
		for (uint32_t k = 0; k < i && k < 4096; k++) {
			const struct wasm_func_type *o = &m->types[k];
			if (bytes_eq(bytes_of(o->params, o->param_count), bytes_of(t->params, t->param_count)) &&
			    bytes_eq(bytes_of(o->results, o->result_count), bytes_of(t->results, t->result_count))) {
				t->canonical = o->canonical;
				break;
			}
		}
	}
	return OK;
}

static enum err table_type(struct decoder *d, struct wasm_table *t)
{
	t->type = cursor_u8(&d->c);
	if (!is_reference(t->type))
		return bad(d, "a table's element type is unknown");
	enum err e = limits_of(d, &t->limits, false);
	if (!e && t->limits.min > WASM_TABLE_MAX)
		return past(d, "table elements", WASM_TABLE_MAX);
	return e;
}

static enum err global_type(struct decoder *d, struct wasm_global *g)
{
	g->type = cursor_u8(&d->c);
	uint8_t is_mutable = cursor_u8(&d->c);
	if (!is_value_type(g->type) || is_mutable > 1 || d->c.failed)
		return bad(d, "malformed mutability or type of a global");
	g->is_mutable = is_mutable == 1;
	return OK;
}

static enum err memory_type(struct decoder *d)
{
	if (d->m->has_memory)
		return bad(d, "multiple memories");
	d->m->has_memory = true;
	return limits_of(d, &d->m->memory, true);
}

/* The index spaces hold imports first, so their sizes are known only after two passes. */
static enum err imports(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->import_count, WASM_IMPORTS_MAX, "imports");
	if (e)
		return e;
	uint32_t n = m->import_count;
	m->imports = arena_new_array(d->a, n, struct wasm_import);
	m->functions = arena_new_array(d->a, n, struct wasm_function);
	m->tables = arena_new_array(d->a, WASM_TABLES_MAX, struct wasm_table);
	m->globals = arena_new_array(d->a, n, struct wasm_global);
	for (uint32_t i = 0; i < n; i++) {
		struct wasm_import *im = &m->imports[i];
		if ((e = name_of(d, &im->module)) || (e = name_of(d, &im->name)))
			return e;
		uint8_t kind = cursor_u8(&d->c);
		im->kind = (enum wasm_extern)kind;
		switch (kind) {
		case WASM_EXTERN_FUNCTION:
			im->index = m->function_count;
			m->functions[m->function_count].imported = true;
			m->functions[m->function_count++].type = cursor_u32(&d->c);
			break;
		case WASM_EXTERN_TABLE:
			if (m->table_count == WASM_TABLES_MAX)
				return past(d, "tables", WASM_TABLES_MAX);
			im->index = m->table_count;
			m->tables[m->table_count].imported = true;
			e = table_type(d, &m->tables[m->table_count++]);
			break;
		case WASM_EXTERN_MEMORY:
			m->memory_imported = true;
			e = memory_type(d);
			break;
		case WASM_EXTERN_GLOBAL:
			im->index = m->global_count;
			m->globals[m->global_count].imported = true;
			e = global_type(d, &m->globals[m->global_count++]);
			break;
		default:
			return bad(d, "malformed import kind");
		}
		if (e)
			return e;
	}
	m->imported_functions = m->function_count;
	m->imported_tables = m->table_count;
	m->imported_globals = m->global_count;
	return OK;
}

static enum err functions(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_FUNCTIONS_MAX, "functions");
	if (e)
		return e;
	struct wasm_function *all = arena_new_array(d->a, m->function_count + count, struct wasm_function);
	if (m->function_count)
		memcpy(all, m->functions, m->function_count * sizeof *all);
	m->functions = all;
	for (uint32_t i = 0; i < count; i++)
		m->functions[m->function_count++].type = cursor_u32(&d->c);
	return OK;
}

static enum err tables(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_TABLES_MAX, "tables");
	if (m->tables == NULL)
		m->tables = arena_new_array(d->a, WASM_TABLES_MAX, struct wasm_table);
	for (uint32_t i = 0; !e && i < count; i++) {
		if (m->table_count == WASM_TABLES_MAX)
			return past(d, "tables", WASM_TABLES_MAX);
		e = table_type(d, &m->tables[m->table_count++]);
	}
	return e;
}

static enum err memories(struct decoder *d)
{
	uint32_t count;
	enum err e = count_of(d, &count, 100, "memories");
	for (uint32_t i = 0; !e && i < count; i++)
		e = memory_type(d);
	return e;
}

/* One producing instruction and `end` (3.3.10). Anything else is refused: as validation would. */
static enum err constant(struct decoder *d, struct wasm_const *k)
{
	struct cursor *c = &d->c;
	enum opcode op = op_read(c);
	switch ((unsigned)op) {
	case OP_i32_const:
		k->type = WASM_I32;
		set_u32le(k->value, (uint32_t)cursor_s32(c));
		break;
	case OP_i64_const:
		k->type = WASM_I64;
		set_u64le(k->value, (uint64_t)cursor_s64(c));
		break;
	case OP_f32_const:
	case OP_f64_const:
	case OP_v128_const: {
		size_t n = op == OP_f32_const ? 4 : op == OP_f64_const ? 8 : 16;
		k->type = op == OP_f32_const ? WASM_F32 : op == OP_f64_const ? WASM_F64 : WASM_V128;
		struct bytes b = cursor_bytes(c, n);
		if (b.ptr)
			memcpy(k->value, b.ptr, n);
		break;
	}
	case OP_global_get:
		k->kind = WASM_CONST_GLOBAL;
		k->index = cursor_u32(c);
		break;
	case OP_ref_func:
		k->kind = WASM_CONST_FUNCTION;
		k->type = WASM_FUNCREF;
		k->index = cursor_u32(c);
		break;
	case OP_ref_null:
		k->kind = WASM_CONST_NULL;
		k->type = cursor_u8(c);
		if (!is_reference(k->type))
			return bad(d, "malformed reference type");
		break;
	default:
		return bad(d, "constant expression required");
	}
	if (cursor_u8(c) != OP_end && !c->failed)
		return bad(d, "type mismatch: constant expression required");
	return c->failed ? bad(d, "a constant expression is cut off") : OK;
}

static enum err globals(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_GLOBALS_MAX, "globals");
	if (e)
		return e;
	struct wasm_global *all = arena_new_array(d->a, m->global_count + count, struct wasm_global);
	if (m->global_count)
		memcpy(all, m->globals, m->global_count * sizeof *all);
	m->globals = all;
	for (uint32_t i = 0; !e && i < count; i++) {
		struct wasm_global *g = &m->globals[m->global_count++];
		if (!(e = global_type(d, g)))
			e = constant(d, &g->init);
	}
	return e;
}

static enum err exports(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->export_count, WASM_EXPORTS_MAX, "exports");
	if (e)
		return e;
	m->exports = arena_new_array(d->a, m->export_count, struct wasm_export);
	for (uint32_t i = 0; i < m->export_count; i++) {
		struct wasm_export *x = &m->exports[i];
		if ((e = name_of(d, &x->name)))
			return e;
		uint8_t kind = cursor_u8(&d->c);
		if (kind > WASM_EXTERN_GLOBAL)
			return bad(d, "malformed export kind");
		x->kind = (enum wasm_extern)kind;
		x->index = cursor_u32(&d->c);
	}
	return OK;
}

static enum err elements(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->element_count, WASM_SEGMENTS_MAX, "element segments");
	if (e)
		return e;
	m->elements = arena_new_array(d->a, m->element_count, struct wasm_element);
	for (uint32_t i = 0; i < m->element_count; i++) {
		struct wasm_element *s = &m->elements[i];
		uint32_t flags = cursor_u32(&d->c);
		if (flags > 7)
			return bad(d, "malformed elements segment kind");
		s->mode = !(flags & 1) ? WASM_ACTIVE : flags & 2 ? WASM_DECLARATIVE : WASM_PASSIVE;
		s->type = WASM_FUNCREF;
		if (s->mode == WASM_ACTIVE) {
			if (flags & 2)
				s->table = cursor_u32(&d->c);
			if ((e = constant(d, &s->offset)))
				return e;
		}
		bool expressions = flags & 4;
		if (flags & 3) {
			uint8_t kind = cursor_u8(&d->c);
			if (expressions)
				s->type = kind;
			if (expressions ? !is_reference(kind) : kind != 0)
				return bad(d, "malformed element kind");
		}
		if ((e = count_of(d, &s->count, WASM_TABLE_MAX, "elements")))
			return e;
		struct wasm_const *items = arena_new_array(d->a, s->count, struct wasm_const);
		s->items = items;
		for (uint32_t k = 0; k < s->count; k++) {
			if (expressions) {
				if ((e = constant(d, &items[k])))
					return e;
			} else {
				items[k].kind = WASM_CONST_FUNCTION;
				items[k].type = WASM_FUNCREF;
				items[k].index = cursor_u32(&d->c);
			}
		}
	}
	return OK;
}

static enum err code(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_FUNCTIONS_MAX, "functions");
	if (e)
		return e;
	if (count != m->function_count - m->imported_functions)
		return bad(d, "function and code section have inconsistent lengths");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t size = cursor_u32(&d->c);
		if (size > WASM_BODY_MAX)
			return past(d, "bytes in one function", WASM_BODY_MAX);
		m->functions[m->imported_functions + i].body = cursor_bytes(&d->c, size);
		if (d->c.failed)
			return bad(d, "a function body is cut off");
	}
	return OK;
}

static enum err data(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->data_count, WASM_SEGMENTS_MAX, "data segments");
	if (e)
		return e;
	m->data = arena_new_array(d->a, m->data_count, struct wasm_data);
	for (uint32_t i = 0; i < m->data_count; i++) {
		struct wasm_data *s = &m->data[i];
		uint32_t flags = cursor_u32(&d->c);
		if (flags > 2)
			return bad(d, "malformed data segment kind");
		s->mode = flags == 1 ? WASM_PASSIVE : WASM_ACTIVE;
		if (flags == 2 && cursor_u32(&d->c) != 0)
			return bad(d, "unknown memory");
		if (s->mode == WASM_ACTIVE && (e = constant(d, &s->offset)))
			return e;
		uint32_t len = cursor_u32(&d->c);
		s->bytes = cursor_bytes(&d->c, len);
		if (d->c.failed)
			return bad(d, "a data segment is cut off");
	}
	return OK;
}

static enum err section(struct decoder *d, uint8_t id)
{
	struct wasm_module *m = d->m;
	switch (id) {
	case 0: {
		struct bytes name;
		enum err e = name_of(d, &name);
		d->c.at = d->c.end;
		return e;
	}
	case 1:
		return types(d);
	case 2:
		return imports(d);
	case 3:
		return functions(d);
	case 4:
		return tables(d);
	case 5:
		return memories(d);
	case 6:
		return globals(d);
	case 7:
		return exports(d);
	case 8:
		m->has_start = true;
		m->start = cursor_u32(&d->c);
		return OK;
	case 9:
		return elements(d);
	case 10:
		return code(d);
	case 11:
		return data(d);
	case 12:
		m->has_data_count = true;
		m->data_count_declared = cursor_u32(&d->c);
		return OK;
	default:
		return bad(d, "malformed section id");
	}
}

enum err wasm_decode(struct wasm_module *m, struct arena *a, struct bytes raw, struct note *note)
{
	*m = (struct wasm_module){.raw = raw};
	struct decoder d = {.m = m, .a = a, .note = note, .c = cursor_on(raw)};
	if (raw.len > WASM_MODULE_MAX)
		return past(&d, "bytes", WASM_MODULE_MAX);
	struct bytes magic = cursor_bytes(&d.c, 4);
	if (magic.len != 4 || memcmp(magic.ptr, "\0asm", 4) != 0)
		return note_err(note, E_FORMAT, "this is no WebAssembly module: it does not begin with \\0asm");
	struct bytes version = cursor_bytes(&d.c, 4);
	if (version.len != 4 || get_u32le(version.ptr) != 1)
		return bad(&d, "unknown binary version");
	/* Order of sections (5.5.2): data count stands between elements and code. */
	static const uint8_t place[13] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10};
	uint8_t last = 0;
	struct cursor whole = d.c;
	while (cursor_left(&whole)) {
		uint8_t id = cursor_u8(&whole);
		uint32_t size = cursor_u32(&whole);
		struct bytes content = cursor_bytes(&whole, size);
		d.c = whole;
		if (whole.failed)
			return bad(&d, "a section is cut off");
		if (id > 12)
			return bad(&d, "malformed section id");
		if (id != 0) {
			if (place[id] <= last)
				return bad(&d, "unexpected content after last section, or sections out of order");
			last = place[id];
		}
		d.c = cursor_on(content);
		enum err e = section(&d, id);
		if (e)
			return e;
		if (d.c.failed || cursor_left(&d.c))
			return bad(&d, "section size mismatch");
	}
	d.c = whole;
	if (m->function_count > m->imported_functions && last < place[10] &&
	    m->functions[m->function_count - 1].body.ptr == NULL)
		return bad(&d, "function and code section have inconsistent lengths");
	for (uint32_t i = m->imported_functions; i < m->function_count; i++)
		if (m->functions[i].body.ptr == NULL)
			return bad(&d, "function and code section have inconsistent lengths");
	if (m->has_data_count && m->data_count_declared != m->data_count)
		return bad(&d, "data count and data section have inconsistent lengths");
	return OK;
}

const struct wasm_export *wasm_export_find(const struct wasm_module *m, const char *name, enum wasm_extern kind)
{
	for (uint32_t i = 0; i < m->export_count; i++)
		if (m->exports[i].kind == kind && bytes_eq_str(m->exports[i].name, name))
			return &m->exports[i];
	return NULL;
}
