/* SPDX-License-Identifier: MIT */
#include "engine/wasm/body.h"

#include <stdlib.h>

static enum err invalid(struct note *note, uint32_t offset, const char *what)
{
	return note_err(note, E_FORMAT, "the module is invalid: %s at offset %u", what, offset);
}

static enum err check_const(struct wasm_module *m, struct wasm_const *k, uint8_t type, struct note *note)
{
	if (k->kind == WASM_CONST_FUNCTION) {
		if (k->index >= m->function_count)
			return invalid(note, k->offset, "unknown function");
		m->functions[k->index].declared = true;
		if (m->functions[k->index].asyncify)
			m->asyncify_reachable = true;
	}
	return k->type == type ? OK : invalid(note, k->offset, "type mismatch in a constant expression");
}

static enum err functions_and_tags(struct wasm_module *m, struct note *note)
{
	for (uint32_t i = 0; i < m->function_count; i++)
		if (m->functions[i].type >= m->type_count)
			return invalid(note, m->functions[i].offset, "unknown type");
	for (uint32_t i = 0; i < m->tag_count; i++) {
		if (m->tags[i].type >= m->type_count)
			return invalid(note, m->tags[i].offset, "unknown type of a tag");
		if (m->types[m->tags[i].type].result_count)
			return invalid(note, m->tags[i].offset, "non-empty tag result type");
	}
	return OK;
}

static uint32_t count_of_kind(const struct wasm_module *m, enum wasm_extern kind)
{
	switch (kind) {
	case WASM_EXTERN_FUNCTION:
		return m->function_count;
	case WASM_EXTERN_TABLE:
		return m->table_count;
	case WASM_EXTERN_MEMORY:
		return m->has_memory;
	case WASM_EXTERN_GLOBAL:
		return m->global_count;
	case WASM_EXTERN_TAG:
		return m->tag_count;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct wasm_export *const *x = a, *const *y = b;

	return bytes_cmp((*x)->name, (*y)->name);
}

static enum err distinct_names(struct wasm_module *m, struct note *note)
{
	const struct wasm_export **sorted = calloc((size_t)m->export_count + 1, sizeof(*sorted));
	enum err e = OK;

	must(sorted != NULL);
	for (uint32_t i = 0; i < m->export_count; i++)
		sorted[i] = &m->exports[i];
	qsort(sorted, m->export_count, sizeof(*sorted), by_name);
	for (uint32_t i = 1; i < m->export_count && !e; i++)
		if (bytes_eq(sorted[i - 1]->name, sorted[i]->name))
			e = invalid(note, sorted[i]->offset, "duplicate export name");
	free(sorted);
	return e;
}

static enum err exports(struct wasm_module *m, struct note *note)
{
	for (uint32_t i = 0; i < m->export_count; i++) {
		const struct wasm_export *x = &m->exports[i];

		if (x->index >= count_of_kind(m, x->kind))
			return invalid(note, x->offset, "an export names something unknown");
		if (x->kind == WASM_EXTERN_FUNCTION) {
			m->functions[x->index].declared = true;
			if (bytes_starts(x->name, "asyncify_"))
				m->functions[x->index].asyncify = true;
		}
		if (x->kind == WASM_EXTERN_GLOBAL)
			m->globals[x->index].exported = true;
	}
	return distinct_names(m, note);
}

static enum err element(struct wasm_module *m, struct wasm_element *s, struct note *note)
{
	enum err e = OK;

	if (s->mode == WASM_ACTIVE) {
		if (s->table >= m->table_count)
			return invalid(note, s->at, "unknown table");
		if (m->tables[s->table].type != s->type)
			return invalid(note, s->at, "type mismatch of an element segment");
		e = check_const(m, &s->offset, m->tables[s->table].limits.is64 ? WASM_I64 : WASM_I32, note);
	}
	for (uint32_t k = 0; k < s->count && !e; k++)
		e = check_const(m, &s->items[k], s->type, note);
	return e;
}

static enum err data(struct wasm_module *m, struct wasm_data *s, struct note *note)
{
	if (s->mode != WASM_ACTIVE)
		return OK;
	if (!m->has_memory)
		return invalid(note, s->offset.offset, "unknown memory 0");
	return check_const(m, &s->offset, m->memory.is64 ? WASM_I64 : WASM_I32, note);
}

static enum err start(struct wasm_module *m, struct note *note)
{
	const struct wasm_func_type *t;

	if (!m->has_start)
		return OK;
	if (m->start >= m->function_count)
		return invalid(note, m->start_offset, "unknown function as start");
	t = wasm_type_of(m, m->start);
	return t->param_count || t->result_count
		       ? invalid(note, m->start_offset, "the start function takes or gives values")
		       : OK;
}

enum err wasm_validate(struct wasm_module *m, struct note *note)
{
	enum err e = functions_and_tags(m, note);

	if (!e)
		e = exports(m, note);
	for (uint32_t i = m->imported_globals; i < m->global_count && !e; i++)
		e = check_const(m, &m->globals[i].init, m->globals[i].type, note);
	for (uint32_t i = 0; i < m->element_count && !e; i++)
		e = element(m, &m->elements[i], note);
	for (uint32_t i = 0; i < m->data_count && !e; i++)
		e = data(m, &m->data[i], note);
	if (!e)
		e = start(m, note);
	return e ? e : body_validate(m, note);
}
