/* SPDX-License-Identifier: MIT */
#include "reader/wasm/guest.h"
#include "reader/wasm/host.h"

#include <stdlib.h>
#include <string.h>

/* A module that does not finish starting within this is refused. Real ones take less than a thousandth. */
#define START_GAS ((uint64_t)20000000000)

/* Of standard error, so much goes into the text of a failure. */
enum { ERROR_OUTPUT_MAX = 2000 };

struct guest {
	struct wasm_instance *instance;
	struct host host;
	struct arena arena;
	struct wasm_state *state; /* as it is after the start */
	uint32_t handle;
};

/* ---- the start ---- */

static uint32_t export_index(struct guest *g, const char *name)
{
	return host_find(g->host.abi, wasm_module(g->instance), name);
}

/* An export without parameters or result, if there is one of that name. */
static enum vm_trap run_export(struct guest *g, const char *name)
{
	uint32_t index = export_index(g, name);

	return index != UINT32_MAX ? host_export(g->instance, index, 0, NULL) : TRAP_NONE;
}

/* The runtime's marks below and above the stack, and at address 0 ("emsc"). */
static enum vm_trap cookies(struct guest *g)
{
	uint32_t index = export_index(g, "emscripten_stack_get_end");
	struct vm *vm = wasm_vm(g->instance);
	enum vm_trap trap;
	uint64_t end;

	if (index == UINT32_MAX)
		return TRAP_NONE;
	trap = host_export(g->instance, index, 0, &end);
	if (trap || end > vm->memory_size || vm->memory_size - end < 8)
		return trap;
	if (end == 0)
		end = 4;
	set_u32le(vm->memory + end, 0x02135467);
	set_u32le(vm->memory + end + 4, 0x89bacdfe);
	set_u32le(vm->memory, 0x63736d65);
	return TRAP_NONE;
}

/* A C string in the guest, in `room` bytes from one of its functions: on its stack, or its heap. */
static enum vm_trap put_string(struct guest *g, uint32_t allocate, struct bytes text, uint64_t room, uint64_t *at)
{
	enum vm_trap trap = host_export(g->instance, allocate, room, at);
	struct vm *vm = wasm_vm(g->instance);

	if (trap)
		return trap;
	if (*at == 0 || *at > vm->memory_size || text.len + 1 > vm->memory_size - *at)
		return TRAP_MEMORY;
	if (text.len)
		memcpy(vm->memory + *at, text.ptr, text.len);
	vm->memory[*at + text.len] = 0;
	return TRAP_NONE;
}

/* main(1, argv) with the name that the glue gives a program; the stack is not given back. */
static enum vm_trap run_main_named(struct guest *g, uint32_t index)
{
	struct vm_slot args[2] = {{{1}}, {{0}}};
	uint64_t argv, name;
	enum vm_trap trap = host_export(g->instance, g->host.stack_alloc, 8, &argv);
	struct vm *vm = wasm_vm(g->instance);

	if (!trap)
		trap = put_string(g, g->host.stack_alloc, BYTES("./this.program"), sizeof("./this.program"), &name);
	if (trap)
		return trap;
	if (argv > vm->memory_size || vm->memory_size - argv < 8)
		return TRAP_MEMORY;
	set_u32le(vm->memory + argv, (uint32_t)name);
	set_u32le(vm->memory + argv + 4, 0);
	set_u32le(args[1].b, (uint32_t)argv);
	return wasm_call(g->instance, index, args);
}

/* exit() out of main is no failure here, whatever its code: the reference's glue catches it. */
static enum vm_trap run_main(struct guest *g, bool named)
{
	uint32_t index = export_index(g, "main");
	struct vm_slot args[2] = {{{0}}, {{0}}};
	const struct wasm_func_type *type;
	enum vm_trap trap;

	if (index == UINT32_MAX)
		index = export_index(g, "__main_argc_argv");
	if (index == UINT32_MAX)
		return TRAP_NONE;
	type = wasm_type_of(wasm_module(g->instance), index);
	if (type->param_count != 2 || type->result_count > 1)
		return TRAP_NONE;
	trap = named ? run_main_named(g, index) : wasm_call(g->instance, index, args);
	return g->host.exited ? TRAP_NONE : trap;
}

static enum vm_trap start_wasi(struct guest *g)
{
	enum vm_trap trap = run_export(g, export_index(g, "_initialize") != UINT32_MAX ? "_initialize" : "_start");

	return g->host.exited && g->host.exit_code == 0 ? TRAP_NONE : trap;
}

/* The constructors of a process that lives already find what it has allocated, so they need all of its memory,
 * and not the module's first pages alone; what they change is rolled back. */
static void show_image(struct guest *g, uint64_t size)
{
	memory_rollback(wasm_memory(g->instance), size);
	wasm_vm(g->instance)->memory_size = size;
}

static enum vm_trap start(struct guest *g)
{
	enum abi_start how = g->host.abi->start;
	enum vm_trap trap = TRAP_NONE;

	if (how == ABI_START_WASI)
		return start_wasi(g);
	if (how != ABI_START_MAIN) {
		trap = run_export(g, "emscripten_stack_init");
		if (!trap)
			trap = cookies(g);
	}
	if (!trap)
		trap = run_export(g, "__wasm_call_ctors");
	if (!trap && how != ABI_START_COOKIES)
		trap = run_main(g, how == ABI_START_MAIN_NAMED);
	return trap;
}

/* ---- life ---- */

static enum err check_abi(struct guest *g, const struct wasm_module *m, struct note *note)
{
	const struct host *h = &g->host;
	const struct wasm_export *x = wasm_export_find(m, host_name(h->abi, "handle"), WASM_EXTERN_FUNCTION);
	uint8_t p = m->memory.is64 ? WASM_I64 : WASM_I32;
	const struct wasm_func_type *t;

	if (!m->has_memory)
		return note_err(note, E_FORMAT, "the module has no memory");
	if (!x)
		return note_err(note, E_FORMAT, "the module exports no function `%s`", host_name(h->abi, "handle"));
	t = wasm_type_of(m, x->index);
	if (t->param_count != 2 || t->result_count != 1 || t->params[0] != p || t->params[1] != p || t->results[0] != p)
		return note_err(note, E_FORMAT, "the module's `handle` does not take two pointers and give one");
	if (h->abi->names == ABI_NAMES_WASI ? m->memory.is64
					    : m->memory.is64 != bytes_starts(bytes_str(h->abi->format), "wasm64"))
		return note_err(note, E_FORMAT, "the module's memory has not the addresses of %s", h->abi->format);
	if (h->abi->string == ABI_STRING_MALLOC && h->malloc == UINT32_MAX)
		return note_err(note, E_FORMAT, "the module exports no function `malloc`, which its messages need");
	if (h->abi->string != ABI_STRING_MALLOC &&
	    (h->stack_get == UINT32_MAX || h->stack_alloc == UINT32_MAX || h->stack_restore == UINT32_MAX))
		return note_err(note, E_FORMAT, "the module does not export emscripten's stack functions");
	g->handle = x->index;
	return OK;
}

enum err guest_open(struct guest **out, const struct guest_options *o, struct note *note)
{
	struct guest *g = calloc(1, sizeof(*g));
	enum vm_trap trap = TRAP_NONE;
	enum err e;

	must(g != NULL);
	*out = NULL;
	host_bind(&g->host, o->abi, o->module, &g->arena);
	g->host.drive.source = o->drive;
	e = check_abi(g, o->module, note);
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
	g->host.gas_limit = START_GAS;
	if (!e && o->image_size > wasm_memory(g->instance)->max)
		e = note_err(note, E_LIMIT, "the process has %llu bytes of memory, more than its limit of %llu",
			     (unsigned long long)o->image_size, (unsigned long long)wasm_memory(g->instance)->max);
	if (!e && !trap && o->image_size)
		show_image(g, o->image_size);
	if (!e && !trap)
		trap = start(g);
	if (!e && trap)
		e = note_err(note, E_FORMAT, "the module failed while starting: %s", wasm_message(g->instance));
	if (e) {
		guest_close(g);
		return e;
	}
	g->state = wasm_state_save(g->instance, &g->arena);
	*out = g;
	return OK;
}

void guest_close(struct guest *g)
{
	if (!g)
		return;
	wasm_close(g->instance);
	host_release(&g->host);
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

static void add_page(void *pages, uint64_t page)
{
	uint8_t number[4];
	set_u32le(number, (uint32_t)page);
	buf_put(pages, number, sizeof number);
}

uint64_t guest_commit(struct guest *g, struct buf *pages)
{
	(void)memory_commit(wasm_memory(g->instance), pages ? add_page : NULL, pages);
	return wasm_memory(g->instance)->committed;
}

void guest_rollback(struct guest *g, uint64_t size)
{
	memory_rollback(wasm_memory(g->instance), size);
	wasm_vm(g->instance)->memory_size = size;
}

/* ---- the turn ---- */

static void fail(struct guest *g, struct turn *t, enum vm_trap trap)
{
	const char *prefix = trap == TRAP_HOST         ? ""
			     : trap == TRAP_OUT_OF_GAS ? "Error: "
			     : trap == TRAP_STACK      ? "RangeError: "
						       : "RuntimeError: ";
	struct bytes err = buf_bytes(&g->host.err);

	t->failed = true;
	t->trap = trap;
	if (trap == TRAP_OUT_OF_GAS) /* translated code keeps what is left in a register, which is gone */
		t->gas_used = g->host.gas_limit;
	buf_clear(&t->text);
	buf_printf(&t->text, "%s%s", prefix, wasm_message(g->instance));
	if (err.len) {
		buf_put_u8(&t->text, '\n');
		buf_put_utf8_lossy(&t->text,
				   bytes_from(err, err.len > ERROR_OUTPUT_MAX ? err.len - ERROR_OUTPUT_MAX : 0));
	}
}

/* How much room the glue of the format makes for a string. */
static uint64_t room_for(const struct abi *abi, struct bytes text)
{
	uint64_t units = 0;

	if (abi->string != ABI_STRING_FOURFOLD)
		return text.len + 1;
	for (size_t i = 0; i < text.len; i++) /* UTF-16: one for each character, two above U+FFFF */
		units += ((text.ptr[i] & 0xc0) != 0x80) + (text.ptr[i] >= 0xf0);
	return 4 * units + 1;
}

static enum vm_trap no_answer(struct guest *g, enum vm_trap trap, const char *message)
{
	wasm_fail(g->instance, trap, message);
	return trap;
}

/* The C string at `at`; it may have no end in memory, or one that is too far. */
static enum vm_trap take_answer(struct guest *g, uint64_t at, struct turn *t)
{
	struct vm *vm = wasm_vm(g->instance);
	const uint8_t *start = at < vm->memory_size ? vm->memory + at : NULL;
	const uint8_t *end = start ? memchr(start, 0, vm->memory_size - at) : NULL;

	if (!end)
		return no_answer(g, TRAP_MEMORY, NULL);
	if (end - start > GUEST_TEXT_MAX)
		return no_answer(g, TRAP_HOST, "RuntimeError: the module's answer is longer than 64 MiB");
	if (at)
		buf_put_utf8_lossy(&t->text, bytes_of(start, (size_t)(end - start)));
	return TRAP_NONE;
}

/* Puts both strings in, calls handle, reads what it gives, and takes the strings away again. */
static enum vm_trap call_handle(struct guest *g, struct bytes message, struct bytes environment, struct turn *t)
{
	const struct host *h = &g->host;
	bool heap = h->abi->string == ABI_STRING_MALLOC;
	uint32_t allocate = heap ? h->malloc : h->stack_alloc;
	struct vm_slot args[2] = {{{0}}};
	uint64_t stack = 0, at[2] = {0, 0}, answer;
	enum vm_trap trap = heap ? TRAP_NONE : host_export(g->instance, h->stack_get, 0, &stack);

	if (!trap)
		trap = put_string(g, allocate, message, room_for(h->abi, message), &at[0]);
	if (!trap)
		trap = put_string(g, allocate, environment, room_for(h->abi, environment), &at[1]);
	set_u64le(args[0].b, at[0]);
	set_u64le(args[1].b, at[1]);
	if (!trap)
		trap = wasm_call(g->instance, g->handle, args);
	if (trap)
		return trap;
	answer = h->wide ? get_u64le(args[0].b) : get_u32le(args[0].b);
	if (answer == 0 && h->abi->names == ABI_NAMES_WASI)
		buf_put_utf8_lossy(&t->text, buf_bytes(&h->out));
	else
		trap = take_answer(g, answer, t);
	if (trap)
		return trap;
	if (!heap)
		return host_export(g->instance, h->stack_restore, stack, NULL);
	for (int k = 0; !trap && h->free != UINT32_MAX && k < 2; k++)
		trap = host_export(g->instance, h->free, at[k], NULL);
	return trap;
}

void guest_turn(struct guest *g, struct bytes message, struct bytes environment, uint64_t gas_limit, struct turn *t)
{
	struct host *h = &g->host;
	enum vm_trap trap;

	*t = (struct turn){0};
	wasm_sync(g->instance);
	wasm_state_restore(g->instance, g->state);
	host_begin(h, message, environment);
	h->gas_limit = gas_limit < INT64_MAX ? gas_limit : INT64_MAX;
	wasm_vm(g->instance)->gas = (int64_t)h->gas_limit;
	trap = call_handle(g, message, environment, t);
	t->gas_used = h->metered ? h->metered_gas : h->gas_limit - (uint64_t)wasm_vm(g->instance)->gas;
	if (trap && h->abi->names == ABI_NAMES_WASI && h->exited && h->exit_code == 0)
		buf_put_utf8_lossy(&t->text, buf_bytes(&h->out));
	else if (trap)
		fail(g, t, trap);
}
