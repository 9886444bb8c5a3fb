/* SPDX-License-Identifier: MIT */
#include "engine/wasm/constant.h"
#include "engine/wasm/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void wasm_charge(struct wasm_instance *i, uint64_t units)
{
	i->vm.gas -= (int64_t)units;
	if (i->vm.gas < 0)
		wasm_trap(i, TRAP_OUT_OF_GAS, NULL);
}

/* Bulk operations pay for their size, after the check that they may be done at all. */
static void charge(struct vm *vm, uint64_t units)
{
	wasm_charge(instance_of(vm), units);
}

/* ---- memory ---- */

static uint64_t vm_memory_grow(struct vm *vm, uint64_t pages)
{
	struct wasm_instance *i = instance_of(vm);
	uint64_t old = vm->memory_size;

	if (pages > (i->memory->max - old) / WASM_PAGE || !wasm_memory_grow(i, old + pages * WASM_PAGE))
		return UINT64_MAX;
	return old / WASM_PAGE;
}

static void vm_memory_fill(struct vm *vm, uint64_t to, uint32_t value, uint64_t count)
{
	uint8_t *p = wasm_range(instance_of(vm), to, count);

	charge(vm, count / 64);
	if (count)
		memset(p, (int)(value & 0xff), count);
}

static void vm_memory_copy(struct vm *vm, uint64_t to, uint64_t from, uint64_t count)
{
	uint8_t *source = wasm_range(instance_of(vm), from, count), *target = wasm_range(instance_of(vm), to, count);

	charge(vm, count / 64);
	if (count)
		memmove(target, source, count);
}

static void vm_memory_init(struct vm *vm, uint32_t segment, uint64_t to, uint32_t from, uint32_t count)
{
	struct wasm_instance *i = instance_of(vm);
	struct bytes b = i->o.module->data[segment].bytes;
	size_t len = i->data_dropped[segment] ? 0 : b.len;
	uint8_t *p;

	if (from > len || count > len - from)
		wasm_trap(i, TRAP_MEMORY, NULL);
	p = wasm_range(i, to, count);
	charge(vm, count / 64);
	if (count)
		memcpy(p, b.ptr + from, count);
}

static void vm_data_drop(struct vm *vm, uint32_t segment)
{
	instance_of(vm)->data_dropped[segment] = true;
}

/* ---- tables ---- */

struct vm_table *operation_table(struct vm *vm, uint32_t table)
{
	struct vm_table *t = &vm->tables[table];

	return instance_of(vm)->o.module->tables[table].imported ? (struct vm_table *)t->items : t;
}

uint64_t operation_reference(struct wasm_instance *i, const struct wasm_const *k)
{
	if (k->kind == WASM_CONST_FUNCTION)
		return (uint64_t)(uintptr_t)&i->vm.refs[k->index];
	if (k->kind == WASM_CONST_GLOBAL)
		return get_u64le(i->vm.globals[k->index].b);
	return 0;
}

static struct vm_table *table_range(struct vm *vm, uint32_t table, uint64_t at, uint64_t count)
{
	struct vm_table *t = operation_table(vm, table);

	if (at > t->size || count > t->size - at)
		wasm_trap(instance_of(vm), TRAP_TABLE, NULL);
	return t;
}

static void vm_table_init(struct vm *vm, uint32_t table, uint32_t segment, uint64_t to, uint32_t from, uint32_t count)
{
	struct wasm_instance *i = instance_of(vm);
	const struct wasm_element *s = &i->o.module->elements[segment];
	uint32_t len = i->elem_dropped[segment] ? 0 : s->count;
	struct vm_table *t;

	if (from > len || count > len - from)
		wasm_trap(i, TRAP_TABLE, NULL);
	t = table_range(vm, table, to, count);
	charge(vm, count / 8);
	for (uint32_t k = 0; k < count; k++)
		t->items[to + k] = operation_reference(i, &s->items[from + k]);
}

static void vm_elem_drop(struct vm *vm, uint32_t segment)
{
	instance_of(vm)->elem_dropped[segment] = true;
}

static void vm_table_copy(struct vm *vm, uint32_t table, uint32_t from_table, uint64_t to, uint64_t from,
			  uint64_t count)
{
	struct vm_table *source = table_range(vm, from_table, from, count), *target = table_range(vm, table, to, count);

	charge(vm, count / 8);
	if (count)
		memmove(target->items + to, source->items + from, (size_t)count * 8);
}

static uint64_t vm_table_grow(struct vm *vm, uint32_t table, uint64_t value, uint64_t count)
{
	struct vm_table *t = operation_table(vm, table);
	uint64_t *more;

	if (count > t->max - t->size)
		return UINT64_MAX;
	charge(vm, count / 8);
	more = realloc(t->items, ((size_t)t->size + count + 1) * 8);
	must(more != NULL);
	t->items = more;
	for (uint64_t k = 0; k < count; k++)
		t->items[t->size + k] = value;
	t->size += (uint32_t)count;
	return t->size - count;
}

static void vm_table_fill(struct vm *vm, uint32_t table, uint64_t to, uint64_t value, uint64_t count)
{
	struct vm_table *t = table_range(vm, table, to, count);

	charge(vm, count / 8);
	for (uint64_t k = 0; k < count; k++)
		t->items[to + k] = value;
}

/* ---- exceptions ---- */

struct vm_exception *operation_exception(struct wasm_instance *i, uint32_t values)
{
	uint64_t size = sizeof(struct vm_exception) + (uint64_t)values * sizeof(struct vm_slot);
	struct vm_exception *e;

	if (!i->exceptions) {
		i->exceptions = mmap(NULL, VM_EXCEPTIONS, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		must(i->exceptions != MAP_FAILED);
		i->vm.exception_top = i->exceptions;
	}
	if (size > (uint64_t)(i->exceptions + VM_EXCEPTIONS - i->vm.exception_top))
		wasm_trap(i, TRAP_STACK, "Maximum call stack size exceeded: too many exceptions at once");
	e = (struct vm_exception *)i->vm.exception_top;
	i->vm.exception_top += size;
	e->tag = NULL;
	e->size = size;
	return e;
}

static struct vm_exception *vm_exception_new(struct vm *vm, uint32_t tag)
{
	struct vm_exception *e = operation_exception(instance_of(vm), vm->tags[tag]->count);

	e->tag = vm->tags[tag];
	vm->exception = e;
	return e;
}

static void vm_trap(struct vm *vm, uint32_t code)
{
	wasm_trap(instance_of(vm), (enum vm_trap)code, NULL);
}

void operation_bind(struct vm *vm)
{
	vm->host = link_host;
	vm->trap = vm_trap;
	vm->resolve = link_resolve;
	vm->foreign = link_foreign;
	vm->exception_new = vm_exception_new;
	vm->memory_grow = vm_memory_grow;
	vm->memory_fill = vm_memory_fill;
	vm->memory_copy = vm_memory_copy;
	vm->memory_init = vm_memory_init;
	vm->data_drop = vm_data_drop;
	vm->table_init = vm_table_init;
	vm->elem_drop = vm_elem_drop;
	vm->table_copy = vm_table_copy;
	vm->table_grow = vm_table_grow;
	vm->table_fill = vm_table_fill;
}
