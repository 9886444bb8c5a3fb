/* SPDX-License-Identifier: MIT */
#include "engine/wasm/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- do the types fit? ---- */

static bool same_type(const struct wasm_func_type *a, const struct wasm_func_type *b)
{
	return bytes_eq(bytes_of(a->params, a->param_count), bytes_of(b->params, b->param_count)) &&
	       bytes_eq(bytes_of(a->results, a->result_count), bytes_of(b->results, b->result_count));
}

static const struct wasm_link *link_of(const struct wasm_instance *i, enum wasm_extern kind, uint32_t index)
{
	const struct wasm_module *m = i->o.module;
	uint32_t k = 0;

	while (m->imports[k].kind != kind || m->imports[k].index != index)
		k++;
	return &i->links[k];
}

/* Limits of what is there now, `size`, against those that the importer declares. */
static bool limits_fit(const struct wasm_limits *have, uint64_t size, const struct wasm_limits *want)
{
	return have->is64 == want->is64 && size >= want->min &&
	       (!want->has_max || (have->has_max && have->max <= want->max));
}

/* The declaration of a table in the module that made it. */
static const struct wasm_table *declared_table(const struct wasm_instance *i, uint32_t index)
{
	const struct wasm_table *t = &i->o.module->tables[index];

	while (t->imported) {
		const struct wasm_link *l = link_of(i, WASM_EXTERN_TABLE, index);

		i = l->from;
		index = l->index;
		t = &i->o.module->tables[index];
	}
	return t;
}

static bool table_fits(const struct wasm_link *l, const struct wasm_table *want)
{
	const struct wasm_table *have = declared_table(l->from, l->index);

	return have->type == want->type &&
	       limits_fit(&have->limits, operation_table(&l->from->vm, l->index)->size, &want->limits);
}

static bool memory_fits(const struct wasm_link *l, const struct wasm_limits *want)
{
	const struct wasm_limits *have = &l->from->owner->o.module->memory;

	return limits_fit(have, l->from->vm.memory_size / WASM_PAGE, want);
}

static bool fits(const struct wasm_module *m, const struct wasm_import *im, const struct wasm_link *l)
{
	const struct wasm_module *from = l->from->o.module;

	switch (im->kind) {
	case WASM_EXTERN_FUNCTION:
		return same_type(wasm_type_of(from, l->index), wasm_type_of(m, im->index));
	case WASM_EXTERN_TABLE:
		return table_fits(l, &m->tables[im->index]);
	case WASM_EXTERN_MEMORY:
		return memory_fits(l, &m->memory);
	case WASM_EXTERN_GLOBAL:
		return from->globals[l->index].type == m->globals[im->index].type &&
		       from->globals[l->index].is_mutable == m->globals[im->index].is_mutable;
	case WASM_EXTERN_TAG:
		return same_type(&from->types[from->tags[l->index].type], &m->types[m->tags[im->index].type]);
	}
	return false;
}

enum err link_check(const struct wasm_module *m, const struct wasm_link *links, struct note *note)
{
	for (uint32_t k = 0; k < m->import_count; k++) {
		const struct wasm_import *im = &m->imports[k];
		const struct wasm_link *l = links ? &links[k] : NULL;

		if ((!l || !l->from) && im->kind == WASM_EXTERN_FUNCTION)
			continue; /* the host's */
		if (!l || !l->from)
			return note_err(note, E_UNSUPPORTED,
					"the module imports %.*s.%.*s, which is no function; it has to define its own",
					BYTES_FMT(im->module), BYTES_FMT(im->name));
		if (!fits(m, im, l))
			return note_err(note, E_FORMAT, "incompatible import type: %.*s.%.*s", BYTES_FMT(im->module),
					BYTES_FMT(im->name));
	}
	return OK;
}

/* ---- taking ---- */

/* The address of a mutable global, wherever it is. */
static struct vm_slot *global_cell(struct wasm_instance *i, uint32_t index)
{
	struct vm_slot *s = &i->vm.globals[index];

	return i->o.module->globals[index].imported ? (struct vm_slot *)(uintptr_t)get_u64le(s->b) : s;
}

void link_take(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;

	for (uint32_t k = 0; k < m->import_count; k++) {
		const struct wasm_import *im = &m->imports[k];
		struct wasm_link l = i->links[k];

		switch (im->kind) {
		case WASM_EXTERN_TABLE:
			i->vm.tables[im->index].items = (uint64_t *)operation_table(&l.from->vm, l.index);
			break;
		case WASM_EXTERN_GLOBAL:
			if (m->globals[im->index].is_mutable)
				set_u64le(i->vm.globals[im->index].b, (uintptr_t)global_cell(l.from, l.index));
			else
				i->vm.globals[im->index] = l.from->vm.globals[l.index];
			break;
		case WASM_EXTERN_TAG:
			i->vm.tags[im->index] = l.from->vm.tags[l.index];
			break;
		case WASM_EXTERN_FUNCTION:
		case WASM_EXTERN_MEMORY:
			break;
		}
	}
}

void link_memory(struct wasm_instance *i)
{
	struct wasm_instance *owner = link_of(i, WASM_EXTERN_MEMORY, 0)->from->owner;

	i->owner = owner;
	i->memory = &owner->own;
	i->vm.memory = owner->vm.memory;
	i->vm.memory_size = owner->vm.memory_size;
	i->next = owner->next;
	owner->next = i;
}

void link_leave(struct wasm_instance *i)
{
	for (struct wasm_instance *at = i->owner; at && at != i; at = at->next)
		if (at->next == i) {
			at->next = i->next;
			return;
		}
}

/* ---- calling ---- */

/* An exception that came out of `from` goes on in `i`: at once where code looks for it, else by ending what runs. */
static void pass_exception(struct wasm_instance *i, struct wasm_instance *from)
{
	const struct vm_exception *e = from->vm.exception;
	uint32_t values = (uint32_t)((e->size - sizeof(*e)) / sizeof(struct vm_slot));
	struct vm_exception *copy;

	if (!i->o.module->exceptions)
		i->vm.exception_top = i->exceptions;
	copy = operation_exception(i, values);
	memcpy(copy, e, e->size);
	from->vm.exception = NULL;
	i->vm.exception = copy;
	if (!i->o.module->exceptions)
		instance_land(i, TRAP_EXCEPTION);
}

/* Gas and depth go along and come back. */
static void call_other(struct wasm_instance *i, struct wasm_instance *to, void *code, uint32_t type,
		       struct vm_slot *args)
{
	enum vm_trap trap;

	to->vm.gas = i->vm.gas;
	to->vm.depth = i->vm.depth;
	trap = instance_call(to, code, type, args);
	i->vm.gas = to->vm.gas;
	if (trap == TRAP_EXCEPTION)
		pass_exception(i, to);
	else if (trap)
		wasm_trap(i, trap, to->message);
}

void link_host(struct vm *vm, uint32_t import, struct vm_slot *args)
{
	struct wasm_instance *i = instance_of(vm);
	const struct wasm_link *l = i->links ? link_of(i, WASM_EXTERN_FUNCTION, import) : NULL;

	if (l && l->from)
		call_other(i, l->from, l->from->vm.refs[l->index].code, l->from->vm.refs[l->index].type, args);
	else
		i->o.host(i, import, args);
}

void link_call(struct wasm_instance *i, const struct vm_ref *ref, struct vm_slot *args)
{
	if (ref->vm == &i->vm)
		instance_enter(i, ref->code, ref->type, args);
	else
		call_other(i, instance_of(ref->vm), ref->code, ref->type, args);
}

void link_resolve(struct vm *vm, struct vm_ref *ref, uint32_t type)
{
	struct wasm_instance *i = instance_of(vm);

	if (ref->vm == vm || !same_type(&instance_of(ref->vm)->o.module->types[ref->type], &i->o.module->types[type]))
		wasm_trap(i, TRAP_SIGNATURE, NULL);
	i->foreign = ref;
}

void link_foreign(struct vm *vm, uint32_t type, struct vm_slot *args)
{
	struct wasm_instance *i = instance_of(vm);

	(void)type;
	link_call(i, i->foreign, args);
}
