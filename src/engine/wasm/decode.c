/* SPDX-License-Identifier: MIT */
#include "engine/wasm/constant.h"
#include "engine/wasm/opcode.h"

#include <stdlib.h>
#include <string.h>

enum section {
	SECTION_CUSTOM,
	SECTION_TYPE,
	SECTION_IMPORT,
	SECTION_FUNCTION,
	SECTION_TABLE,
	SECTION_MEMORY,
	SECTION_GLOBAL,
	SECTION_EXPORT,
	SECTION_START,
	SECTION_ELEMENT,
	SECTION_CODE,
	SECTION_DATA,
	SECTION_DATA_COUNT,
	SECTION_TAG,
	SECTIONS,
};

/* What the sections are read with: one cursor over one section, errors with their offset. */
struct decoder {
	struct wasm_module *m;
	struct arena *a;
	struct note *note;
	struct cursor c;
	uint64_t element_total;
};

static uint32_t offset_of(const struct decoder *d)
{
	return (uint32_t)(d->c.at - d->m->raw.ptr);
}

static enum err bad(struct decoder *d, const char *what)
{
	return note_err(d->note, E_FORMAT, "the module is malformed: %s at offset %u", what, offset_of(d));
}

static enum err past(struct decoder *d, const char *what, unsigned long long limit)
{
	return note_err(d->note, E_LIMIT, "the module has more %s than the limit of %llu, at offset %u", what, limit,
			offset_of(d));
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

static enum err constant(struct decoder *d, struct wasm_const *k)
{
	const char *wrong = constant_read(k, d->m, &d->c);

	return wrong ? bad(d, wrong) : OK;
}

/* Flags: 1 there is a maximum, 2 shared (refused), 4 addresses have 64 bits. */
static enum err limits_of(struct decoder *d, struct wasm_limits *l)
{
	uint8_t flags = cursor_u8(&d->c);
	unsigned bits = flags & 4 ? 64 : 32;

	if (flags > 7 || (flags & 2))
		return bad(d, "the flags of limits are unknown");
	l->is64 = (flags & 4) != 0;
	l->has_max = (flags & 1) != 0;
	l->min = cursor_unsigned(&d->c, bits);
	l->max = l->has_max ? cursor_unsigned(&d->c, bits) : UINT64_MAX;
	if (d->c.failed)
		return bad(d, "limits are cut off");
	return l->min > l->max ? bad(d, "size minimum must not be greater than maximum") : OK;
}

/* ---- types ---- */

static bool same_type(const struct wasm_func_type *a, const struct wasm_func_type *b)
{
	return bytes_eq(bytes_of(a->params, a->param_count), bytes_of(b->params, b->param_count)) &&
	       bytes_eq(bytes_of(a->results, a->result_count), bytes_of(b->results, b->result_count));
}

static uint32_t hash_type(const struct wasm_func_type *t)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (uint32_t i = 0; i < t->param_count; i++)
		h = (h ^ t->params[i]) * 16777619u;
	h = (h ^ 0xff) * 16777619u;
	for (uint32_t i = 0; i < t->result_count; i++)
		h = (h ^ t->results[i]) * 16777619u;
	return h;
}

/* Gives equal types the index of their first: a table of twice the size, open addressing. */
static void canonicalise(struct decoder *d)
{
	struct wasm_module *m = d->m;
	size_t size = 16;
	uint32_t *slots; /* index + 1 */

	while (size < 2 * (size_t)m->type_count)
		size *= 2;
	slots = calloc(size, sizeof(*slots));
	must(slots != NULL);
	for (uint32_t i = 0; i < m->type_count; i++) {
		size_t at = hash_type(&m->types[i]) & (size - 1);

		while (slots[at] && !same_type(&m->types[slots[at] - 1], &m->types[i]))
			at = (at + 1) & (size - 1);
		if (!slots[at])
			slots[at] = i + 1;
		m->types[i].canonical = slots[at] - 1;
	}
	free(slots);
}

static enum err value_types(struct decoder *d, const uint8_t **list, uint32_t *count)
{
	enum err e = count_of(d, count, WASM_PARAMS_MAX, "parameters or results in one type");

	if (e)
		return e;
	*list = d->c.at;
	for (uint32_t k = 0; k < *count; k++, d->c.at++)
		if (!wasm_is_value(*d->c.at))
			return bad(d, "a value type is unknown");
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
		if ((e = value_types(d, &t->params, &t->param_count)) ||
		    (e = value_types(d, &t->results, &t->result_count)))
			return e;
	}
	canonicalise(d);
	return OK;
}

/* ---- declarations, which imports and sections share ---- */

static enum err table_type(struct decoder *d, struct wasm_table *t)
{
	enum err e;

	t->type = cursor_u8(&d->c);
	if (!wasm_is_reference(t->type))
		return bad(d, "malformed reference type of a table");
	e = limits_of(d, &t->limits);
	if (!e && t->limits.min > WASM_TABLE_MAX)
		return past(d, "table elements", WASM_TABLE_MAX);
	return e;
}

static enum err global_type(struct decoder *d, struct wasm_global *g)
{
	uint8_t is_mutable;

	g->type = cursor_u8(&d->c);
	is_mutable = cursor_u8(&d->c);
	if (!wasm_is_value(g->type) || is_mutable > 1 || d->c.failed)
		return bad(d, "malformed mutability or type of a global");
	g->is_mutable = is_mutable == 1;
	return OK;
}

static enum err memory_type(struct decoder *d)
{
	struct wasm_limits *l = &d->m->memory;
	enum err e;
	uint64_t most;

	if (d->m->has_memory)
		return bad(d, "multiple memories");
	d->m->has_memory = true;
	e = limits_of(d, l);
	if (e)
		return e;
	most = l->is64 ? (uint64_t)1 << 48 : 65536;
	return l->min > most || (l->has_max && l->max > most) ? bad(d, "memory size is too large") : OK;
}

static enum err tag_type(struct decoder *d, struct wasm_tag *t)
{
	t->offset = offset_of(d);
	if (cursor_u8(&d->c) != 0 && !d->c.failed)
		return bad(d, "malformed tag attribute");
	t->type = cursor_u32(&d->c);
	return OK;
}

static void function_type(struct decoder *d, struct wasm_function *f)
{
	f->offset = offset_of(d);
	f->type = cursor_u32(&d->c);
}

static enum err import(struct decoder *d, struct wasm_import *im)
{
	struct wasm_module *m = d->m;
	enum err e = name_of(d, &im->module);
	uint8_t kind;

	if (e || (e = name_of(d, &im->name)))
		return e;
	kind = cursor_u8(&d->c);
	im->kind = (enum wasm_extern)kind;
	switch (kind) {
	case WASM_EXTERN_FUNCTION:
		im->index = m->function_count;
		m->functions[m->function_count].imported = true;
		function_type(d, &m->functions[m->function_count++]);
		return OK;
	case WASM_EXTERN_TABLE:
		if (m->table_count == WASM_TABLES_MAX)
			return past(d, "tables", WASM_TABLES_MAX);
		im->index = m->table_count;
		m->tables[m->table_count].imported = true;
		return table_type(d, &m->tables[m->table_count++]);
	case WASM_EXTERN_MEMORY:
		m->memory_imported = true;
		return memory_type(d);
	case WASM_EXTERN_GLOBAL:
		im->index = m->global_count;
		m->globals[m->global_count].imported = true;
		return global_type(d, &m->globals[m->global_count++]);
	case WASM_EXTERN_TAG:
		im->index = m->tag_count;
		m->tags[m->tag_count].imported = true;
		return tag_type(d, &m->tags[m->tag_count++]);
	default:
		return bad(d, "malformed import kind");
	}
}

/* The index spaces hold imports first; the sections for each kind add to them. */
static enum err imports(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->import_count, WASM_IMPORTS_MAX, "imports");
	uint32_t n = m->import_count;

	if (e)
		return e;
	m->imports = arena_new_array(d->a, n, struct wasm_import);
	m->functions = arena_new_array(d->a, n, struct wasm_function);
	m->tables = arena_new_array(d->a, WASM_TABLES_MAX, struct wasm_table);
	m->globals = arena_new_array(d->a, n, struct wasm_global);
	m->tags = arena_new_array(d->a, n, struct wasm_tag);
	for (uint32_t i = 0; !e && i < n; i++)
		e = import(d, &m->imports[i]);
	m->imported_functions = m->function_count;
	m->imported_tables = m->table_count;
	m->imported_globals = m->global_count;
	m->imported_tags = m->tag_count;
	return e;
}

/* A list with room for `more` after the `count` that the imports put there. */
static void *grown(struct decoder *d, const void *list, uint32_t count, uint32_t more, size_t size)
{
	void *all = arena_array(d->a, (size_t)count + more, size);

	if (count)
		memcpy(all, list, count * size);
	return all;
}

static enum err functions(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_FUNCTIONS_MAX, "functions");

	if (e)
		return e;
	m->functions = grown(d, m->functions, m->function_count, count, sizeof(*m->functions));
	for (uint32_t i = 0; i < count; i++)
		function_type(d, &m->functions[m->function_count++]);
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

static enum err tags(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_TAGS_MAX, "tags");

	if (e)
		return e;
	m->tags = grown(d, m->tags, m->tag_count, count, sizeof(*m->tags));
	for (uint32_t i = 0; !e && i < count; i++)
		e = tag_type(d, &m->tags[m->tag_count++]);
	return e;
}

static enum err globals(struct decoder *d)
{
	struct wasm_module *m = d->m;
	uint32_t count;
	enum err e = count_of(d, &count, WASM_GLOBALS_MAX, "globals");

	if (e)
		return e;
	m->globals = grown(d, m->globals, m->global_count, count, sizeof(*m->globals));
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
		uint8_t kind;

		x->offset = offset_of(d);
		if ((e = name_of(d, &x->name)))
			return e;
		kind = cursor_u8(&d->c);
		if (kind > WASM_EXTERN_TAG)
			return bad(d, "malformed export kind");
		x->kind = (enum wasm_extern)kind;
		x->index = cursor_u32(&d->c);
	}
	return OK;
}

static enum err element_items(struct decoder *d, struct wasm_element *s, bool expressions)
{
	enum err e = count_of(d, &s->count, WASM_ELEMENTS_MAX, "elements");

	if (e)
		return e;
	d->element_total += s->count;
	if (d->element_total > WASM_ELEMENTS_MAX)
		return past(d, "elements", WASM_ELEMENTS_MAX);
	s->items = arena_new_array(d->a, s->count, struct wasm_const);
	for (uint32_t k = 0; !e && k < s->count; k++) {
		if (expressions)
			e = constant(d, &s->items[k]);
		else {
			uint32_t at = offset_of(d);

			s->items[k] = (struct wasm_const){.kind = WASM_CONST_FUNCTION,
							  .type = WASM_FUNCREF,
							  .index = cursor_u32(&d->c),
							  .offset = at};
		}
	}
	return e;
}

/* Flags (5.5.12): 1 not active, 2 a table index, or declarative, 4 expressions instead of function indices. */
static enum err element(struct decoder *d, struct wasm_element *s)
{
	uint32_t flags;
	enum err e;

	s->at = offset_of(d);
	flags = cursor_u32(&d->c);
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
	if (flags & 3) {
		uint8_t kind = cursor_u8(&d->c);

		if (flags & 4)
			s->type = kind;
		if (flags & 4 ? !wasm_is_reference(kind) : kind != 0)
			return bad(d, "malformed element kind");
	}
	return element_items(d, s, flags & 4);
}

static enum err elements(struct decoder *d)
{
	struct wasm_module *m = d->m;
	enum err e = count_of(d, &m->element_count, WASM_SEGMENTS_MAX, "element segments");

	if (e)
		return e;
	m->elements = arena_new_array(d->a, m->element_count, struct wasm_element);
	for (uint32_t i = 0; !e && i < m->element_count; i++)
		e = element(d, &m->elements[i]);
	return e;
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
		uint32_t flags = cursor_u32(&d->c), len;

		if (flags > 2)
			return bad(d, "malformed data segment kind");
		s->mode = flags == 1 ? WASM_PASSIVE : WASM_ACTIVE;
		if (flags == 2 && cursor_u32(&d->c) != 0)
			return bad(d, "unknown memory");
		if (s->mode == WASM_ACTIVE && (e = constant(d, &s->offset)))
			return e;
		len = cursor_u32(&d->c);
		s->bytes = cursor_bytes(&d->c, len);
		if (d->c.failed)
			return bad(d, "a data segment is cut off");
	}
	return OK;
}

static enum err section(struct decoder *d, uint8_t id)
{
	struct wasm_module *m = d->m;
	struct bytes name;
	enum err e;

	switch ((enum section)id) {
	case SECTION_CUSTOM:
		e = name_of(d, &name);
		d->c.at = d->c.end;
		return e;
	case SECTION_TYPE:
		return types(d);
	case SECTION_IMPORT:
		return imports(d);
	case SECTION_FUNCTION:
		return functions(d);
	case SECTION_TABLE:
		return tables(d);
	case SECTION_MEMORY:
		return memories(d);
	case SECTION_TAG:
		return tags(d);
	case SECTION_GLOBAL:
		return globals(d);
	case SECTION_EXPORT:
		return exports(d);
	case SECTION_START:
		m->has_start = true;
		m->start_offset = offset_of(d);
		m->start = cursor_u32(&d->c);
		return OK;
	case SECTION_ELEMENT:
		return elements(d);
	case SECTION_CODE:
		return code(d);
	case SECTION_DATA:
		return data(d);
	case SECTION_DATA_COUNT:
		m->has_data_count = true;
		m->data_count_declared = cursor_u32(&d->c);
		return OK;
	case SECTIONS:
		break;
	}
	return bad(d, "malformed section id");
}

static enum err sections(struct decoder *d)
{
	/* Their order (5.5.2): tags stand between memories and globals, the data count between elements and code. */
	static const uint8_t place[SECTIONS] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};
	struct cursor whole = d->c;
	uint8_t last = 0;

	while (cursor_left(&whole)) {
		struct bytes content;
		uint8_t id;
		uint32_t size;
		enum err e;

		d->c = whole;
		id = cursor_u8(&whole);
		if (id >= SECTIONS)
			return bad(d, "malformed section id");
		if (id != SECTION_CUSTOM) {
			if (place[id] <= last)
				return bad(d, "unexpected content after last section, or sections out of order");
			last = place[id];
		}
		size = cursor_u32(&whole);
		content = cursor_bytes(&whole, size);
		if (whole.failed) {
			d->c = whole;
			return bad(d, "a section is cut off");
		}
		d->c = cursor_on(content);
		e = section(d, id);
		if (e)
			return e;
		if (d->c.failed)
			return bad(d, "unexpected end of a section, or a number too long");
		if (cursor_left(&d->c))
			return bad(d, "section size mismatch: bytes are left");
	}
	d->c = whole;
	return OK;
}

enum err wasm_decode(struct wasm_module *m, struct arena *a, struct bytes raw, struct note *note)
{
	struct decoder d = {.m = m, .a = a, .note = note, .c = cursor_on(raw)};
	struct bytes magic, version;
	enum err e;

	*m = (struct wasm_module){.raw = raw};
	if (raw.len > WASM_MODULE_MAX)
		return past(&d, "bytes", WASM_MODULE_MAX);
	magic = cursor_bytes(&d.c, 4);
	if (magic.len != 4 || memcmp(magic.ptr, "\0asm", 4) != 0)
		return note_err(note, E_FORMAT, "this is no WebAssembly module: it does not begin with \\0asm");
	version = cursor_bytes(&d.c, 4);
	if (version.len != 4 || get_u32le(version.ptr) != 1)
		return bad(&d, "unknown binary version");
	e = sections(&d);
	if (e)
		return e;
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
