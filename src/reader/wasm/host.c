/* SPDX-License-Identifier: MIT */
#include "reader/wasm/host.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

enum { CLOCK_START = 10000 };

enum vm_trap host_export(struct wasm_instance *i, uint32_t function, uint64_t argument, uint64_t *result)
{
	struct vm_slot slots[HOST_ARGS_MAX] = {{{0}}};
	enum vm_trap t;

	set_u64le(slots[0].b, argument);
	t = wasm_call(i, function, slots);
	if (result)
		*result = ((struct host *)wasm_ctx(i))->wide ? get_u64le(slots[0].b) : get_u32le(slots[0].b);
	return t;
}

void call_charge(struct call *c, uint64_t units)
{
	if (c->h->abi->gas == WASM_GAS_OWN)
		wasm_charge(c->i, units);
}

_Noreturn void call_exit(struct call *c, int32_t code)
{
	char text[120];

	c->h->exited = true;
	c->h->exit_code = code;
	snprintf(text, sizeof(text),
		 "{\"name\":\"ExitStatus\",\"message\":\"Program terminated with exit(%d)\",\"status\":%d}", code,
		 code);
	wasm_trap(c->i, TRAP_HOST, text);
}

/* ---- binding ---- */

static char letter_of(uint8_t type)
{
	switch (type) {
	case WASM_I32:
		return 'i';
	case WASM_I64:
		return 'l';
	case WASM_F32:
		return 'f';
	case WASM_F64:
		return 'd';
	default:
		return '?';
	}
}

static bool fits(const struct host_row *row, const struct wasm_func_type *type, bool wide)
{
	const char *s = wide && row->wide ? row->wide : row->narrow;
	char pointer_letter = wide ? 'l' : 'i';
	uint32_t k = 0;

	for (; *s != ':'; s++, k++)
		if (k >= type->result_count || letter_of(type->results[k]) != (*s == 'p' ? pointer_letter : *s))
			return false;
	if (k != type->result_count)
		return false;
	for (k = 0, s++; *s; s++, k++)
		if (k >= type->param_count || letter_of(type->params[k]) != (*s == 'p' ? pointer_letter : *s))
			return false;
	return k == type->param_count;
}

/* What the exports that we need are called in format 1. */
static const struct {
	const char *name, *letter;
} letters[] = {
	{"memory", "E"},
	{"__wasm_call_ctors", "F"},
	{"handle", "G"},
	{"main", "H"},
	{"__indirect_function_table", "I"},
	{"malloc", "J"},
	{"__errno_location", "K"},
	{"setThrew", "L"},
	{"stackSave", "M"},
	{"stackRestore", "N"},
	{"stackAlloc", "O"},
};

const char *host_name(const struct abi *abi, const char *name)
{
	for (size_t k = 0; abi->names == ABI_NAMES_LETTERS && k < sizeof(letters) / sizeof(*letters); k++)
		if (strcmp(name, letters[k].name) == 0)
			return letters[k].letter;
	return name;
}

static bool all_numbers(const uint8_t *types, uint32_t count)
{
	for (uint32_t k = 0; k < count; k++)
		if (types[k] != WASM_I32 && types[k] != WASM_I64 && types[k] != WASM_F32 && types[k] != WASM_F64)
			return false;
	return true;
}

uint32_t host_find(const struct abi *abi, const struct wasm_module *m, const char *name)
{
	const struct wasm_export *x = wasm_export_find(m, host_name(abi, name), WASM_EXTERN_FUNCTION);
	const struct wasm_func_type *t = x ? wasm_type_of(m, x->index) : NULL;

	return t && t->param_count <= HOST_ARGS_MAX && t->result_count <= 1 && all_numbers(t->params, t->param_count) &&
			       all_numbers(t->results, t->result_count)
		       ? x->index
		       : UINT32_MAX;
}

static uint32_t export_of(const struct host *h, const struct wasm_module *m, const char *name, const char *older)
{
	uint32_t index = host_find(h->abi, m, name);

	return index == UINT32_MAX && older ? host_find(h->abi, m, older) : index;
}

static void find_exports(struct host *h, const struct wasm_module *m)
{
	h->stack_get = export_of(h, m, "emscripten_stack_get_current", "stackSave");
	h->stack_restore = export_of(h, m, "_emscripten_stack_restore", "stackRestore");
	h->stack_alloc = export_of(h, m, "_emscripten_stack_alloc", "stackAlloc");
	h->set_threw = export_of(h, m, "setThrew", NULL);
	h->malloc = export_of(h, m, "malloc", NULL);
	h->free = export_of(h, m, "free", NULL);
	h->errno_location = export_of(h, m, "__errno_location", NULL);
}

static const struct host_row *find_row(const struct host *h, struct bytes name, const struct wasm_func_type *type)
{
	const struct host_table *t = h->abi->names == ABI_NAMES_WASI ? &wasi_table : &emscripten_table;

	for (size_t r = 0; r < t->count; r++)
		if (bytes_eq_str(name, t->rows[r].name) && fits(&t->rows[r], type, h->wide))
			return &t->rows[r];
	return NULL;
}

static const struct host_row *bind_import(struct host *h, const struct wasm_module *m, const struct wasm_import *im)
{
	const struct wasm_func_type *type = wasm_type_of(m, im->index);
	struct bytes name = im->name;

	if (h->abi->names == ABI_NAMES_LETTERS && bytes_eq_str(im->module, "a"))
		name = bytes_str(emscripten_name(name));
	if (h->abi->names == ABI_NAMES_WASI && !bytes_eq_str(im->module, "wasi_snapshot_preview1"))
		return NULL;
	if (h->abi->names != ABI_NAMES_WASI && bytes_starts(name, "invoke_"))
		return type->param_count >= 1 && letter_of(type->params[0]) == (h->wide ? 'l' : 'i')
			       ? &emscripten_invoke
			       : NULL;
	h->metered = h->metered || (bytes_eq_str(im->module, "metering") && bytes_eq_str(name, "usegas"));
	return find_row(h, name, type);
}

void host_bind(struct host *h, const struct abi *abi, const struct wasm_module *m, struct arena *a)
{
	*h = (struct host){.abi = abi, .wide = m->memory.is64};
	find_exports(h, m);
	h->rows = arena_new_array(a, m->imported_functions + 1, const struct host_row *);
	for (uint32_t k = 0; k < m->import_count; k++)
		if (m->imports[k].kind == WASM_EXTERN_FUNCTION)
			h->rows[m->imports[k].index] = bind_import(h, m, &m->imports[k]);
	host_begin(h, bytes_of(NULL, 0), bytes_of(NULL, 0));
}

void host_release(struct host *h)
{
	drive_release(&h->drive);
	buf_release(&h->out);
	buf_release(&h->err);
}

/* The Timestamp of a message is a number, or digits in a string. */
static uint64_t timestamp_ms(struct bytes message)
{
	struct arena a = ARENA_EMPTY;
	const struct json *json, *at;
	struct note note = {0};
	uint64_t ms = 0;

	if (message.len && json_parse(&json, &a, message, &note) == OK) {
		at = json_get(json, "Timestamp");
		if (!json_u64(at, &ms) && !bytes_u64(json_text(&a, at), &ms))
			ms = 0;
	}
	arena_release(&a);
	return ms;
}

void host_begin(struct host *h, struct bytes message, struct bytes environment)
{
	struct hasher *hash;

	h->clock = CLOCK_START;
	h->metered_gas = 0;
	h->temp_ret0 = 0;
	h->exited = false;
	drive_reset(&h->drive);
	buf_clear(&h->out);
	buf_clear(&h->err);
	if (h->abi->clock != ABI_CLOCK_MESSAGE)
		return;
	h->time_ns = timestamp_ms(message) * 1000000;
	h->time_asked = 0;
	h->random_block = 0;
	hash = sha256_open();
	hasher_add(hash, message.ptr, message.len);
	hasher_add(hash, environment.ptr, environment.len);
	hasher_end(hash, h->seed);
}

/* ---- calling ---- */

static _Noreturn void unknown_import(struct wasm_instance *i, uint32_t import)
{
	const struct wasm_module *m = wasm_module(i);
	struct bytes module, name;
	char text[200];
	uint32_t k = 0;

	while (m->imports[k].kind != WASM_EXTERN_FUNCTION || m->imports[k].index != import)
		k++;
	module = m->imports[k].module;
	name = m->imports[k].name;
	module.len = module.len < 60 ? module.len : 60;
	name.len = name.len < 60 ? name.len : 60;
	snprintf(text, sizeof(text), "RuntimeError: the host has no function %.*s.%.*s of that type", BYTES_FMT(module),
		 BYTES_FMT(name));
	wasm_trap(i, TRAP_HOST, text);
}

void host_call(struct wasm_instance *i, uint32_t import, struct vm_slot *args)
{
	struct host *h = wasm_ctx(i);
	const struct host_row *row = h->rows[import];
	struct call c = {i, h, args};

	if (!row)
		unknown_import(i, import);
	if (row == &emscripten_invoke)
		emscripten_invoke_call(i, h, import, args);
	else
		set_u64le(args[0].b, row->function(&c));
}
