/* SPDX-License-Identifier: MIT */
#include "test/machine.h"

#include "engine/wasm/artefact.h"

#include <stdlib.h>

static void no_host(struct wasm_instance *i, uint32_t import, struct vm_slot *args)
{
	(void)import;
	(void)args;
	wasm_trap(i, TRAP_HOST, NULL);
}

struct opening {
	struct machine *m;
	struct note *note;
	enum err e;
};

static void open_deep(void *ctx)
{
	struct opening *o = ctx;
	struct wasm_options options = {.module = &o->m->module,
				       .code = &o->m->code,
				       .host = no_host,
				       .memory_max = (uint64_t)1 << 30,
				       .image = -1};

	o->e = wasm_open(&o->m->instance, &options, &o->m->trap, o->note);
}

enum err machine_open(struct machine **out, struct buf wasm, enum wasm_tier tier, struct note *note)
{
	struct machine *m = calloc(1, sizeof(*m));
	struct opening o = {m, note, OK};
	struct buf artefact = BUF_EMPTY;

	must(m != NULL);
	m->wasm = wasm;
	o.e = wasm_decode(&m->module, &m->arena, buf_bytes(&wasm), note);
	if (!o.e)
		o.e = wasm_validate(&m->module, note);
	if (!o.e)
		o.e = wasm_compile(&artefact, buf_bytes(&wasm), WASM_GAS_OWN, tier, note);
	if (!o.e)
		o.e = wasm_code_load(&m->code, buf_bytes(&artefact), &m->module, note);
	if (!o.e)
		wasm_run_deep(open_deep, &o);
	buf_release(&artefact);
	if (o.e)
		machine_close(m);
	else
		*out = m;
	return o.e;
}

void machine_close(struct machine *m)
{
	wasm_close(m->instance);
	wasm_code_release(&m->code);
	arena_release(&m->arena);
	buf_release(&m->wasm);
	free(m);
}

struct calling {
	struct machine *m;
	uint32_t function;
	struct vm_slot *slots;
	enum vm_trap trap;
};

static void call_deep(void *ctx)
{
	struct calling *c = ctx;

	c->trap = wasm_call(c->m->instance, c->function, c->slots);
}

enum vm_trap machine_call(struct machine *m, const char *name, struct vm_slot *slots)
{
	const struct wasm_export *x = wasm_export_find(&m->module, name, WASM_EXTERN_FUNCTION);
	struct calling c = {m, 0, slots, TRAP_NONE};

	must(x != NULL);
	c.function = x->index;
	wasm_vm(m->instance)->gas = (int64_t)1 << 40;
	wasm_run_deep(call_deep, &c);
	return c.trap;
}

uint64_t machine_i64(struct machine *m, const char *name, uint64_t argument)
{
	struct vm_slot slots[2] = {{{0}}};

	set_u64le(slots[0].b, argument);
	must(machine_call(m, name, slots) == TRAP_NONE);
	return get_u64le(slots[0].b);
}
