/* SPDX-License-Identifier: MIT */
#include "engine/wasm/instance.h"
#include "engine/wasm/lazy.h"
#include <asm/prctl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

/* A place to come back to: a call from outside (traps end there) or an invoke (throws do). */
struct landing {
	sigjmp_buf at;
	struct landing *outer;
	bool invoke;
	int64_t depth;
};

struct wasm_instance {
	struct vm vm; /* first: translated code's `vm` is the instance */
	struct wasm_options o;
	struct wasm_memory memory;
	struct landing *landings;
	enum vm_trap trapped;
	bool *data_dropped, *elem_dropped;
	uint64_t generation; /* of the code that vm.code shows */
	uint32_t *own_counts;
	char message[256];
};

static _Thread_local struct wasm_instance *running;

struct vm *wasm_vm(struct wasm_instance *i)
{
	return &i->vm;
}

struct wasm_memory *wasm_memory(struct wasm_instance *i)
{
	return &i->memory;
}

const struct wasm_module *wasm_module(const struct wasm_instance *i)
{
	return i->o.module;
}

void *wasm_ctx(const struct wasm_instance *i)
{
	return i->o.ctx;
}

const char *wasm_message(const struct wasm_instance *i)
{
	return i->message;
}

static struct wasm_instance *instance_of(struct vm *vm)
{
	return (struct wasm_instance *)vm;
}

/* ---- ending a guest ---- */

static _Noreturn void land(struct wasm_instance *i, enum vm_trap code)
{
	i->trapped = code;
	while (i->landings && i->landings->invoke)
		i->landings = i->landings->outer;
	must(i->landings != NULL);
	siglongjmp(i->landings->at, 1);
}

_Noreturn void wasm_trap(struct wasm_instance *i, enum vm_trap code, const char *message)
{
	snprintf(i->message, sizeof i->message, "%s", message ? message : wasm_trap_text(code));
	land(i, code);
}

static void vm_trap(struct vm *vm, uint32_t code)
{
	wasm_trap(instance_of(vm), (enum vm_trap)code, NULL);
}

_Noreturn void wasm_throw(struct wasm_instance *i)
{
	if (!i->landings || !i->landings->invoke)
		wasm_trap(i, TRAP_HOST, "longjmp without setjmp");
	siglongjmp(i->landings->at, 1);
}

/* A fault of generated code inside the reservation is the guest's trap; any other is our bug. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;
	struct wasm_instance *i = running;
	uint8_t *at = info->si_addr;
	if (i && i->memory.base && at >= i->memory.base && at < i->memory.base + i->memory.reserved &&
	    wasm_code_has(i->o.code, (uintptr_t)c->uc_mcontext.gregs[REG_RIP]))
		wasm_trap(i, TRAP_MEMORY, NULL);
	signal(number, SIG_DFL);
}

static void watch_faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
	sigemptyset(&action.sa_mask);
	must(sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0);
}

/* ---- calls ---- */

/* T1 has the base of memory in gs. It is a register of the thread; newer kernels let it be set without asking them
 * (Documentation/arch/x86/x86_64/fsgs). */
static void show_memory(const struct wasm_instance *i)
{
	enum { HWCAP2_FSGSBASE = 2 };
	uintptr_t base = i ? (uintptr_t)i->memory.base : 0;
	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
		__asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
	else
		must(syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0);
}

static void enter(struct wasm_instance *i, void *code, uint32_t type, struct vm_slot *args)
{
	wasm_entry *entry = wasm_code_entry(i->o.code, type);
	must(entry != NULL);
	entry(&i->vm, code, args);
}

void wasm_sync(struct wasm_instance *i)
{
	uint64_t now = wasm_code_generation(i->o.code);
	if (now == i->generation)
		return;
	i->generation = now;
	for (uint32_t k = 0; k < i->o.module->function_count; k++)
		i->vm.code[k] = i->vm.refs[k].code = wasm_code_of(i->o.code, k);
}

void *lazy_resolve(struct vm *vm, uint32_t function)
{
	struct wasm_instance *i = instance_of(vm);
	if (i->o.missing)
		i->o.missing(i, function);
	/* Not all that is new: what runs already keeps its code until the next wasm_sync. */
	void *code = wasm_code_of(i->o.code, function);
	i->vm.code[function] = i->vm.refs[function].code = code;
	if (!wasm_code_present(i->o.code, function))
		wasm_trap(i, TRAP_HOST, "the function has no code");
	return code;
}

enum vm_trap wasm_call(struct wasm_instance *i, uint32_t function, struct vm_slot *args)
{
	struct wasm_instance *before = running;
	struct landing here = {.outer = i->landings, .depth = i->vm.depth};
	running = i;
	if (before != i)
		show_memory(i);
	i->trapped = TRAP_NONE;
	i->landings = &here;
	if (sigsetjmp(here.at, 0) == 0)
		enter(i, i->vm.code[function], wasm_type_of(i->o.module, function)->canonical, args);
	i->landings = here.outer;
	i->vm.depth = here.depth;
	running = before;
	if (before != i)
		show_memory(before);
	return i->trapped;
}

bool wasm_invoke(struct wasm_instance *i, uint64_t index, struct vm_slot *args)
{
	struct vm_table *t = i->vm.tables;
	if (i->o.module->table_count == 0 || index >= t->size)
		wasm_trap(i, TRAP_TABLE, NULL);
	const struct vm_ref *ref = (const struct vm_ref *)(uintptr_t)t->items[index];
	if (!ref)
		wasm_trap(i, TRAP_NULL_FUNCTION, NULL);
	struct landing here = {.outer = i->landings, .invoke = true, .depth = i->vm.depth};
	i->landings = &here;
	bool threw = sigsetjmp(here.at, 0) != 0;
	if (!threw)
		enter(i, ref->code, ref->type, args);
	i->landings = here.outer;
	i->vm.depth = here.depth;
	return threw;
}

/* ---- memory ---- */

uint8_t *wasm_range(struct wasm_instance *i, uint64_t at, uint64_t len)
{
	if (at > i->vm.memory_size || len > i->vm.memory_size - at)
		wasm_trap(i, TRAP_MEMORY, NULL);
	return i->vm.memory + at;
}

bool wasm_memory_grow(struct wasm_instance *i, uint64_t size)
{
	if (!memory_grow(&i->memory, size))
		return false;
	i->vm.memory_size = size;
	return true;
}

static uint64_t vm_memory_grow(struct vm *vm, uint64_t pages)
{
	struct wasm_instance *i = instance_of(vm);
	uint64_t old = vm->memory_size;
	if (pages > (i->memory.max - old) / WASM_PAGE || !wasm_memory_grow(i, old + pages * WASM_PAGE))
		return UINT64_MAX;
	return old / WASM_PAGE;
}

static void charge(struct vm *vm, uint64_t units)
{
	vm->gas -= (int64_t)units;
	if (vm->gas < 0)
		wasm_trap(instance_of(vm), TRAP_OUT_OF_GAS, NULL);
}

static void vm_memory_fill(struct vm *vm, uint64_t to, uint32_t value, uint64_t count)
{
	uint8_t *p = wasm_range(instance_of(vm), to, count);
	charge(vm, count / 64);
	memset(p, (int)(value & 0xff), count);
}

static void vm_memory_copy(struct vm *vm, uint64_t to, uint64_t from, uint64_t count)
{
	uint8_t *source = wasm_range(instance_of(vm), from, count), *target = wasm_range(instance_of(vm), to, count);
	charge(vm, count / 64);
	memmove(target, source, count);
}

static void vm_memory_init(struct vm *vm, uint32_t segment, uint64_t to, uint32_t from, uint32_t count)
{
	struct wasm_instance *i = instance_of(vm);
	struct bytes b = i->o.module->data[segment].bytes;
	size_t len = i->data_dropped[segment] ? 0 : b.len;
	if (from > len || count > len - from)
		wasm_trap(i, TRAP_MEMORY, NULL);
	uint8_t *p = wasm_range(i, to, count);
	charge(vm, count / 64);
	if (count)
		memcpy(p, b.ptr + from, count);
}

static void vm_data_drop(struct vm *vm, uint32_t segment)
{
	instance_of(vm)->data_dropped[segment] = true;
}

/* ---- tables ---- */

static uint64_t reference(struct wasm_instance *i, const struct wasm_const *k)
{
	switch (k->kind) {
	case WASM_CONST_FUNCTION:
		return (uint64_t)(uintptr_t)&i->vm.refs[k->index];
	case WASM_CONST_GLOBAL:
		return get_u64le(i->vm.globals[k->index].b);
	case WASM_CONST_NULL:
	case WASM_CONST_VALUE:
		break;
	}
	return 0;
}

static void table_range(struct wasm_instance *i, uint32_t table, uint32_t at, uint32_t count)
{
	uint32_t size = i->vm.tables[table].size;
	if (at > size || count > size - at)
		wasm_trap(i, TRAP_TABLE, NULL);
}

static void vm_table_init(struct vm *vm, uint32_t table, uint32_t segment, uint32_t to, uint32_t from, uint32_t count)
{
	struct wasm_instance *i = instance_of(vm);
	const struct wasm_element *s = &i->o.module->elements[segment];
	uint32_t len = i->elem_dropped[segment] ? 0 : s->count;
	if (from > len || count > len - from)
		wasm_trap(i, TRAP_TABLE, NULL);
	table_range(i, table, to, count);
	charge(vm, count / 8);
	for (uint32_t k = 0; k < count; k++)
		vm->tables[table].items[to + k] = reference(i, &s->items[from + k]);
}

static void vm_elem_drop(struct vm *vm, uint32_t segment)
{
	instance_of(vm)->elem_dropped[segment] = true;
}

static void vm_table_copy(struct vm *vm, uint32_t table, uint32_t from_table, uint32_t to, uint32_t from,
			  uint32_t count)
{
	table_range(instance_of(vm), from_table, from, count);
	table_range(instance_of(vm), table, to, count);
	charge(vm, count / 8);
	memmove(vm->tables[table].items + to, vm->tables[from_table].items + from, (size_t)count * 8);
}

static uint32_t vm_table_grow(struct vm *vm, uint32_t table, uint64_t value, uint32_t count)
{
	struct vm_table *t = &vm->tables[table];
	if (count > t->max - t->size)
		return UINT32_MAX;
	charge(vm, count / 8);
	uint64_t *more = realloc(t->items, ((size_t)t->size + count + 1) * 8);
	must(more != NULL);
	t->items = more;
	for (uint32_t k = 0; k < count; k++)
		t->items[t->size + k] = value;
	t->size += count;
	return t->size - count;
}

static void vm_table_fill(struct vm *vm, uint32_t table, uint32_t to, uint64_t value, uint32_t count)
{
	table_range(instance_of(vm), table, to, count);
	charge(vm, count / 8);
	for (uint32_t k = 0; k < count; k++)
		vm->tables[table].items[to + k] = value;
}

static void vm_host(struct vm *vm, uint32_t import, struct vm_slot *args)
{
	struct wasm_instance *i = instance_of(vm);
	i->o.host(i, import, args);
}

/* ---- life ---- */

static uint64_t offset_of(struct wasm_instance *i, const struct wasm_const *k)
{
	const uint8_t *p = k->kind == WASM_CONST_GLOBAL ? i->vm.globals[k->index].b : k->value;
	return k->type == WASM_I32 ? get_u32le(p) : get_u64le(p);
}

/* Segments and the start function may trap, so they run as a call of their own. */
static void initialise(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;
	for (uint32_t k = 0; k < m->element_count; k++) {
		const struct wasm_element *s = &m->elements[k];
		if (s->mode == WASM_ACTIVE)
			vm_table_init(&i->vm, s->table, k, (uint32_t)offset_of(i, &s->offset), 0, s->count);
		if (s->mode != WASM_PASSIVE)
			i->elem_dropped[k] = true;
	}
	for (uint32_t k = 0; k < m->data_count; k++) {
		const struct wasm_data *s = &m->data[k];
		if (s->mode != WASM_ACTIVE)
			continue;
		uint8_t *p = wasm_range(i, offset_of(i, &s->offset), s->bytes.len);
		if (s->bytes.len)
			memcpy(p, s->bytes.ptr, s->bytes.len);
		i->data_dropped[k] = true;
	}
	if (m->has_start)
		enter(i, i->vm.code[m->start], wasm_type_of(m, m->start)->canonical, (struct vm_slot[1]){{{0}}});
}

static enum vm_trap run_initialise(struct wasm_instance *i)
{
	struct wasm_instance *before = running;
	struct landing here = {.depth = i->vm.depth};
	running = i;
	show_memory(i);
	i->landings = &here;
	if (sigsetjmp(here.at, 0) == 0)
		initialise(i);
	i->landings = NULL;
	i->vm.depth = here.depth;
	running = before;
	show_memory(before);
	return i->trapped;
}

static void make_tables(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;
	i->vm.tables = calloc(m->table_count + 1, sizeof *i->vm.tables);
	i->vm.globals = calloc(m->global_count + 1, sizeof *i->vm.globals);
	i->vm.refs = calloc(m->function_count + 1, sizeof *i->vm.refs);
	i->vm.code = calloc(m->function_count + 1, sizeof *i->vm.code);
	i->data_dropped = calloc(m->data_count + 1, 1);
	i->elem_dropped = calloc(m->element_count + 1, 1);
	must(i->vm.tables && i->vm.globals && i->vm.refs && i->vm.code && i->data_dropped && i->elem_dropped);
	for (uint32_t k = 0; k < m->function_count; k++)
		i->vm.refs[k] = (struct vm_ref){NULL, wasm_type_of(m, k)->canonical, k};
	i->generation = UINT64_MAX;
	wasm_sync(i);
	for (uint32_t k = 0; k < m->table_count; k++) {
		struct vm_table *t = &i->vm.tables[k];
		const struct wasm_limits *l = &m->tables[k].limits;
		t->size = (uint32_t)l->min;
		t->max = l->has_max && l->max < WASM_TABLE_MAX ? (uint32_t)l->max : WASM_TABLE_MAX;
		t->items = calloc(t->size + 1, 8);
		must(t->items != NULL);
	}
	for (uint32_t k = 0; k < m->global_count; k++) {
		const struct wasm_const *init = &m->globals[k].init;
		if (k < m->imported_globals)
			i->vm.globals[k] = i->o.imported_globals ? i->o.imported_globals[k] : (struct vm_slot){{0}};
		else if (init->kind == WASM_CONST_GLOBAL)
			i->vm.globals[k] = i->vm.globals[init->index];
		else if (init->kind == WASM_CONST_VALUE)
			memcpy(i->vm.globals[k].b, init->value, 16);
		else
			set_u64le(i->vm.globals[k].b, reference(i, init));
	}
}

enum err wasm_open(struct wasm_instance **out, const struct wasm_options *o, enum vm_trap *trap, struct note *note)
{
	const struct wasm_module *m = o->module;
	*out = NULL;
	if (m->memory_imported || m->imported_tables)
		return note_err(note, E_UNSUPPORTED,
				"the module imports a memory or a table; it has to define its own");
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, watch_faults);
	struct wasm_instance *i = calloc(1, sizeof *i);
	must(i != NULL);
	i->o = *o;
	i->memory.image = i->memory.pagemap = -1;
	i->vm.gas = o->start_gas ? (int64_t)o->start_gas : INT64_MAX;
	i->vm.depth = VM_DEPTH;
	i->vm.lazy = (void *)(uintptr_t)lazy_entry;
	i->vm.counts = o->counts;
	if (!o->counts) {
		i->own_counts = calloc(m->function_count + 1, sizeof *i->own_counts);
		must(i->own_counts != NULL);
		i->vm.counts = i->own_counts;
	}
	i->vm.host = vm_host;
	i->vm.trap = vm_trap;
	i->vm.memory_grow = vm_memory_grow;
	i->vm.memory_fill = vm_memory_fill;
	i->vm.memory_copy = vm_memory_copy;
	i->vm.memory_init = vm_memory_init;
	i->vm.data_drop = vm_data_drop;
	i->vm.table_init = vm_table_init;
	i->vm.elem_drop = vm_elem_drop;
	i->vm.table_copy = vm_table_copy;
	i->vm.table_grow = vm_table_grow;
	i->vm.table_fill = vm_table_fill;
	make_tables(i);
	enum err e = OK;
	if (m->has_memory) {
		uint64_t most = m->memory.has_max ? m->memory.max : UINT64_MAX / WASM_PAGE;
		most = most > o->memory_max / WASM_PAGE ? o->memory_max / WASM_PAGE : most;
		if (m->memory.min > most)
			e = note_err(note, E_LIMIT,
				     "the module begins with %llu bytes of memory, more than its limit of %llu",
				     (unsigned long long)m->memory.min * WASM_PAGE,
				     (unsigned long long)most * WASM_PAGE);
		else
			e = memory_open(&i->memory, memory_bits(m->memory.is64, m->memory.has_max, m->memory.max),
					m->memory.min * WASM_PAGE, most * WASM_PAGE, o->image, 0,
					o->pagemap ? o->pagemap : -1, note);
		i->vm.memory = i->memory.base;
		i->vm.memory_size = i->memory.size;
	}
	if (e) {
		wasm_close(i);
		return e;
	}
	*trap = run_initialise(i);
	*out = i;
	return OK;
}

void wasm_close(struct wasm_instance *i)
{
	if (!i)
		return;
	memory_close(&i->memory);
	for (uint32_t k = 0; k < i->o.module->table_count; k++)
		free(i->vm.tables[k].items);
	free(i->vm.tables);
	free(i->vm.globals);
	free(i->vm.refs);
	free(i->vm.code);
	free(i->own_counts);
	free(i->data_dropped);
	free(i->elem_dropped);
	free(i);
}

void wasm_globals_save(const struct wasm_instance *i, struct vm_slot *slots)
{
	memcpy(slots, i->vm.globals, i->o.module->global_count * sizeof *slots);
}

void wasm_globals_restore(struct wasm_instance *i, const struct vm_slot *slots)
{
	memcpy(i->vm.globals, slots, i->o.module->global_count * sizeof *slots);
}

/* ---- the deep stack ---- */

struct deep {
	void (*job)(void *ctx);
	void *ctx;
};

static void *deep_main(void *arg)
{
	struct deep *d = arg;
	stack_t alternate = {.ss_size = 64 << 10, .ss_sp = malloc(64 << 10)};
	must(alternate.ss_sp != NULL && sigaltstack(&alternate, NULL) == 0);
	d->job(d->ctx);
	stack_t off = {.ss_flags = SS_DISABLE};
	must(sigaltstack(&off, NULL) == 0);
	free(alternate.ss_sp);
	return NULL;
}

void wasm_run_deep(void (*job)(void *ctx), void *ctx)
{
	struct deep d = {job, ctx};
	pthread_attr_t attr;
	pthread_t thread;
	must(pthread_attr_init(&attr) == 0 && pthread_attr_setstacksize(&attr, (size_t)1 << 30) == 0);
	must(pthread_create(&thread, &attr, deep_main, &d) == 0);
	pthread_attr_destroy(&attr);
	pthread_join(thread, NULL);
}

const char *wasm_trap_text(enum vm_trap code)
{
	switch (code) {
	case TRAP_NONE:
		return "";
	case TRAP_UNREACHABLE:
		return "unreachable";
	case TRAP_MEMORY:
		return "memory access out of bounds";
	case TRAP_DIVIDE_BY_ZERO:
		return "divide by zero";
	case TRAP_INTEGER_OVERFLOW:
		return "divide result unrepresentable";
	case TRAP_INVALID_CONVERSION:
		return "float unrepresentable in integer range";
	case TRAP_TABLE:
		return "table index is out of bounds";
	case TRAP_NULL_FUNCTION:
		return "null function or function signature mismatch";
	case TRAP_SIGNATURE:
		return "null function or function signature mismatch";
	case TRAP_OUT_OF_GAS:
		return "out of gas!";
	case TRAP_STACK:
		return "Maximum call stack size exceeded";
	case TRAP_NULL_REFERENCE:
		return "dereferencing a null pointer";
	case TRAP_HOST:
		return "the host ended the evaluation";
	}
	return "unknown trap";
}
