/* SPDX-License-Identifier: MIT */
#include "reader/wasm/guest.h"
#include "reader/wasm/host.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A module that does not finish starting within this is refused. Real ones take less than a thousandth. */
#define START_GAS ((uint64_t)20000000000)

struct guest {
	struct wasm_instance *instance;
	struct host host;
	struct arena arena;
	struct vm_slot *globals; /* as they are after the start */
	uint64_t clock;          /* likewise */
	uint32_t handle;
};

/* The runtime's marks below and above the stack, and at address 0 ("emsc"). */
static enum vm_trap cookies(struct guest *g)
{
	const struct wasm_export *x = wasm_export_find(wasm_module(g->instance), "emscripten_stack_get_end",
						       WASM_EXTERN_FUNCTION);
	if (!x)
		return TRAP_NONE;
	uint64_t end;
	enum vm_trap trap = host_export(g->instance, x->index, 0, &end);
	struct vm *vm = wasm_vm(g->instance);
	if (trap || end > vm->memory_size || vm->memory_size - end < 8)
		return trap;
	if (end == 0)
		end = 4;
	set_u32le(vm->memory + end, 0x02135467);
	set_u32le(vm->memory + end + 4, 0x89bacdfe);
	set_u32le(vm->memory, 0x63736d65);
	return TRAP_NONE;
}

static enum vm_trap run_export(struct guest *g, const char *name)
{
	const struct wasm_export *x = wasm_export_find(wasm_module(g->instance), name, WASM_EXTERN_FUNCTION);
	return x ? host_export(g->instance, x->index, 0, NULL) : TRAP_NONE;
}

static enum err check_abi(struct guest *g, const struct wasm_module *m, struct note *note)
{
	const struct wasm_export *x = wasm_export_find(m, "handle", WASM_EXTERN_FUNCTION);
	uint8_t p = m->memory.is64 ? WASM_I64 : WASM_I32;
	if (!m->has_memory)
		return note_err(note, E_FORMAT, "the module has no memory");
	if (!x)
		return note_err(note, E_FORMAT, "the module exports no function `handle`");
	const struct wasm_func_type *t = wasm_type_of(m, x->index);
	if (t->param_count != 2 || t->result_count != 1 || t->params[0] != p || t->params[1] != p || t->results[0] != p)
		return note_err(note, E_FORMAT, "the module's `handle` does not take two pointers and give one");
	if (g->host.stack_get == UINT32_MAX || g->host.stack_alloc == UINT32_MAX || g->host.stack_restore == UINT32_MAX)
		return note_err(note, E_FORMAT, "the module does not export emscripten's stack functions");
	g->handle = x->index;
	return OK;
}

enum err guest_open(struct guest **out, const struct guest_options *o, struct note *note)
{
	struct guest *g = calloc(1, sizeof *g);
	must(g != NULL);
	*out = NULL;
	host_bind(&g->host, o->module, &g->arena);
	enum vm_trap trap = TRAP_NONE;
	enum err e = check_abi(g, o->module, note);
	if (!e)
		e = wasm_open(&g->instance,
			      &(struct wasm_options){.module = o->module,
						     .code = o->code,
						     .host = host_call,
						     .ctx = &g->host,
						     .memory_max = o->memory_max,
						     .start_gas = START_GAS,
						     .image = o->image,
						     .pagemap = o->pagemap,
						     .missing = o->missing,
						     .counts = o->counts},
			      &trap, note);
	if (!e && o->image_size > wasm_memory(g->instance)->max)
		e = note_err(note, E_LIMIT, "the process has %llu bytes of memory, more than its limit of %llu",
			     (unsigned long long)o->image_size, (unsigned long long)wasm_memory(g->instance)->max);
	if (!e && !trap)
		trap = run_export(g, "emscripten_stack_init");
	if (!e && !trap)
		trap = cookies(g);
	if (!e && !trap)
		trap = run_export(g, "__wasm_call_ctors");
	if (!e && trap)
		e = note_err(note, E_FORMAT, "the module failed while starting: %s", wasm_message(g->instance));
	if (e) {
		guest_close(g);
		return e;
	}
	g->globals = arena_new_array(&g->arena, o->module->global_count + 1, struct vm_slot);
	wasm_globals_save(g->instance, g->globals);
	g->clock = g->host.clock;
	*out = g;
	return OK;
}

void guest_close(struct guest *g)
{
	if (!g)
		return;
	wasm_close(g->instance);
	arena_release(&g->arena);
	free(g);
}

struct wasm_instance *guest_instance(struct guest *g)
{
	return g->instance;
}

size_t guest_changes(struct guest *g, uint64_t **pages)
{
	return memory_changes(wasm_memory(g->instance), pages);
}

uint64_t guest_commit(struct guest *g)
{
	memory_commit(wasm_memory(g->instance));
	return wasm_memory(g->instance)->committed;
}

void guest_rollback(struct guest *g, uint64_t size)
{
	memory_rollback(wasm_memory(g->instance), size);
	wasm_vm(g->instance)->memory_size = size;
	wasm_globals_restore(g->instance, g->globals);
	g->host.clock = g->clock;
}

static void fail(struct guest *g, struct turn *t, enum vm_trap trap)
{
	t->failed = true;
	t->trap = trap;
	if (trap == TRAP_OUT_OF_GAS) /* translated code keeps what is left in a register, which is gone */
		t->gas_used = g->host.gas_limit;
	buf_clear(&t->text);
	const char *prefix = trap == TRAP_OUT_OF_GAS ? "Error: "
			     : trap == TRAP_STACK    ? "RangeError: "
						     : "RuntimeError: ";
	buf_printf(&t->text, "%s%s", trap == TRAP_HOST ? "" : prefix, wasm_message(g->instance));
}

/* A C string on the wasm stack; stackAlloc aligns down to 16. */
static enum vm_trap push_string(struct guest *g, struct bytes text, uint64_t *at)
{
	enum vm_trap trap = host_export(g->instance, g->host.stack_alloc, text.len + 1, at);
	struct vm *vm = wasm_vm(g->instance);
	if (trap)
		return trap;
	if (*at > vm->memory_size || text.len + 1 > vm->memory_size - *at)
		return TRAP_MEMORY;
	memcpy(vm->memory + *at, text.ptr, text.len);
	vm->memory[*at + text.len] = 0;
	return TRAP_NONE;
}

void guest_turn(struct guest *g, struct bytes message, struct bytes environment, uint64_t gas_limit, struct turn *t)
{
	struct vm *vm = wasm_vm(g->instance);
	*t = (struct turn){0};
	wasm_sync(g->instance);
	g->host.gas_limit = gas_limit < INT64_MAX ? gas_limit : INT64_MAX;
	vm->gas = (int64_t)g->host.gas_limit;
	struct vm_slot args[2] = {{{0}}};
	uint64_t stack = 0, at[2] = {0, 0};
	enum vm_trap trap = host_export(g->instance, g->host.stack_get, 0, &stack);
	if (!trap)
		trap = push_string(g, message, &at[0]);
	if (!trap)
		trap = push_string(g, environment, &at[1]);
	set_u64le(args[0].b, at[0]);
	set_u64le(args[1].b, at[1]);
	if (!trap)
		trap = wasm_call(g->instance, g->handle, args);
	t->gas_used = g->host.gas_limit - (uint64_t)vm->gas;
	if (trap) {
		fail(g, t, trap);
		return;
	}
	uint64_t text = g->host.wide ? get_u64le(args[0].b) : get_u32le(args[0].b);
	const uint8_t *end = text < vm->memory_size ? memchr(vm->memory + text, 0, vm->memory_size - text) : NULL;
	if (!end) {
		fail(g, t, TRAP_MEMORY);
		return;
	}
	if (end - (vm->memory + text) > GUEST_TEXT_MAX) {
		t->failed = true;
		t->trap = TRAP_HOST;
		buf_put_str(&t->text, "RuntimeError: the module's answer is longer than 64 MiB");
		return;
	}
	if (text)
		buf_put_utf8_lossy(&t->text, bytes_of(vm->memory + text, (size_t)(end - (vm->memory + text))));
	trap = host_export(g->instance, g->host.stack_restore, stack, NULL);
	if (trap)
		fail(g, t, trap);
}
