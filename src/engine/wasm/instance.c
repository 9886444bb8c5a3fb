/* SPDX-License-Identifier: MIT */
#include "engine/wasm/constant.h"
#include "engine/wasm/internal.h"
#include "engine/wasm/lazy.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static _Thread_local struct wasm_instance *running;

struct vm *wasm_vm(struct wasm_instance *i)
{
	return &i->vm;
}

struct wasm_memory *wasm_memory(struct wasm_instance *i)
{
	return i->memory;
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

/* ---- ending a guest ---- */

_Noreturn void instance_land(struct wasm_instance *i, enum vm_trap code)
{
	i->trapped = code;
	while (i->landings && i->landings->invoke)
		i->landings = i->landings->outer;
	must(i->landings != NULL);
	siglongjmp(i->landings->at, 1);
}

void wasm_fail(struct wasm_instance *i, enum vm_trap code, const char *message)
{
	snprintf(i->message, sizeof(i->message), "%s", message ? message : wasm_trap_text(code));
}

_Noreturn void wasm_trap(struct wasm_instance *i, enum vm_trap code, const char *message)
{
	wasm_fail(i, code, message);
	instance_land(i, code);
}

_Noreturn void wasm_throw(struct wasm_instance *i)
{
	if (!i->landings || !i->landings->invoke)
		wasm_trap(i, TRAP_HOST, "longjmp without setjmp");
	COME_BACK(i->landings->thrown);
}

/* A fault of generated code inside the reservation is the guest's trap; any other is our bug. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	const ucontext_t *c = context;
	struct wasm_instance *i = running;
	uint8_t *at = info->si_addr;

	if (i && i->memory->base && at >= i->memory->base && at < i->memory->base + i->memory->reserved &&
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
	uintptr_t base = i ? (uintptr_t)i->memory->base : 0;

	if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
		__asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
	else
		must(syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0);
}

/* Gives what ran until now. */
static struct wasm_instance *run(struct wasm_instance *i)
{
	struct wasm_instance *before = running;

	running = i;
	if (before != i)
		show_memory(i);
	return before;
}

void instance_enter(struct wasm_instance *i, void *code, uint32_t type, struct vm_slot *args)
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
	void *code;

	if (i->o.missing)
		i->o.missing(i, function);
	/* Not all that is new: what runs already keeps its code until the next wasm_sync. */
	code = wasm_code_of(i->o.code, function);
	i->vm.code[function] = i->vm.refs[function].code = code;
	if (!wasm_code_present(i->o.code, function))
		wasm_trap(i, TRAP_HOST, "the function has no code");
	return code;
}

enum vm_trap instance_call(struct wasm_instance *i, void *code, uint32_t type, struct vm_slot *args)
{
	struct landing here = {.outer = i->landings, .depth = i->vm.depth};
	struct wasm_instance *before = run(i);

	i->trapped = TRAP_NONE;
	i->vm.exception = NULL;
	i->landings = &here;
	if (sigsetjmp(here.at, 0) == 0)
		instance_enter(i, code, type, args);
	i->landings = here.outer;
	i->vm.depth = here.depth;
	(void)run(before);
	if (i->vm.exception && !i->trapped) {
		i->trapped = TRAP_EXCEPTION;
		wasm_fail(i, TRAP_EXCEPTION, NULL);
	}
	return i->trapped;
}

enum vm_trap wasm_call(struct wasm_instance *i, uint32_t function, struct vm_slot *args)
{
	return instance_call(i, i->vm.code[function], wasm_type_of(i->o.module, function)->canonical, args);
}

void wasm_enter(struct wasm_instance *i, uint32_t function, struct vm_slot *args)
{
	instance_enter(i, i->vm.code[function], wasm_type_of(i->o.module, function)->canonical, args);
	if (i->vm.exception) /* nothing outside can catch it */
		wasm_trap(i, TRAP_EXCEPTION, NULL);
}

bool wasm_invoke(struct wasm_instance *i, uint64_t index, struct vm_slot *args)
{
	struct vm_table *t = i->o.module->table_count ? operation_table(&i->vm, 0) : NULL;
	struct landing here = {.outer = i->landings, .invoke = true, .depth = i->vm.depth};
	const struct vm_ref *ref;
	bool threw;

	if (!t || index >= t->size)
		wasm_trap(i, TRAP_TABLE, NULL);
	ref = (const struct vm_ref *)(uintptr_t)t->items[index];
	if (!ref)
		wasm_trap(i, TRAP_NULL_FUNCTION, NULL);
	i->landings = &here;
	threw = MARK(here.thrown) != 0;
	if (!threw)
		link_call(i, ref, args);
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
	if (!memory_grow(i->memory, size))
		return false;
	for (struct wasm_instance *each = i->owner; each; each = each->next)
		each->vm.memory_size = size;
	return true;
}

/* ---- life ---- */

static uint64_t offset_of(struct wasm_instance *i, const struct wasm_const *k)
{
	struct vm_slot v = constant_number(k, i->vm.globals);

	return k->type == WASM_I32 ? get_u32le(v.b) : get_u64le(v.b);
}

static void init_elements(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;

	for (uint32_t k = 0; k < m->element_count; k++) {
		const struct wasm_element *s = &m->elements[k];

		if (s->mode == WASM_ACTIVE)
			i->vm.table_init(&i->vm, s->table, k, offset_of(i, &s->offset), 0, s->count);
		if (s->mode != WASM_PASSIVE)
			i->elem_dropped[k] = true;
	}
}

static void init_data(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;

	for (uint32_t k = 0; k < m->data_count; k++) {
		const struct wasm_data *s = &m->data[k];
		uint8_t *p;

		if (s->mode != WASM_ACTIVE)
			continue;
		p = wasm_range(i, offset_of(i, &s->offset), s->bytes.len);
		if (s->bytes.len)
			memcpy(p, s->bytes.ptr, s->bytes.len);
		i->data_dropped[k] = true;
	}
}

/* Segments and the start function may trap, so they run as a call of their own. */
static enum vm_trap initialise(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;
	struct landing here = {.depth = i->vm.depth};
	struct wasm_instance *before = run(i);

	i->landings = &here;
	if (sigsetjmp(here.at, 0) == 0) {
		init_elements(i);
		init_data(i);
	}
	i->landings = NULL;
	(void)run(before);
	if (i->trapped || !m->has_start)
		return i->trapped;
	return wasm_call(i, m->start, (struct vm_slot[1]){{{0}}});
}

static void make_globals(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;

	for (uint32_t k = m->imported_globals; k < m->global_count; k++) {
		const struct wasm_const *init = &m->globals[k].init;

		if (wasm_is_reference(m->globals[k].type))
			set_u64le(i->vm.globals[k].b, operation_reference(i, init));
		else
			i->vm.globals[k] = constant_number(init, i->vm.globals);
	}
}

static void make_tables(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;

	for (uint32_t k = m->imported_tables; k < m->table_count; k++) {
		struct vm_table *t = &i->vm.tables[k];
		const struct wasm_limits *l = &m->tables[k].limits;

		t->size = (uint32_t)l->min;
		t->max = l->has_max && l->max < WASM_TABLE_MAX ? (uint32_t)l->max : WASM_TABLE_MAX;
		t->items = calloc((size_t)t->size + 1, 8);
		must(t->items != NULL);
	}
}

static void make_spaces(struct wasm_instance *i)
{
	const struct wasm_module *m = i->o.module;

	i->vm.tables = calloc(m->table_count + 1, sizeof(*i->vm.tables));
	i->vm.globals = aligned_alloc(16, (m->global_count + 1) * sizeof(*i->vm.globals));
	i->vm.refs = calloc(m->function_count + 1, sizeof(*i->vm.refs));
	i->vm.code = calloc(m->function_count + 1, sizeof(*i->vm.code));
	i->vm.tags = calloc(m->tag_count + 1, sizeof(*i->vm.tags));
	i->own_tags = calloc(m->tag_count + 1, sizeof(*i->own_tags));
	i->data_dropped = calloc(m->data_count + 1, 1);
	i->elem_dropped = calloc(m->element_count + 1, 1);
	must(i->vm.tables && i->vm.globals && i->vm.refs && i->vm.code && i->vm.tags && i->own_tags &&
	     i->data_dropped && i->elem_dropped);
	memset(i->vm.globals, 0, (m->global_count + 1) * sizeof(*i->vm.globals));
	for (uint32_t k = 0; k < m->function_count; k++)
		i->vm.refs[k] = (struct vm_ref){NULL, wasm_type_of(m, k)->canonical, k, &i->vm};
	i->generation = UINT64_MAX;
	wasm_sync(i);
	for (uint32_t k = m->imported_tags; k < m->tag_count; k++) {
		i->own_tags[k].count = m->types[m->tags[k].type].param_count;
		i->vm.tags[k] = &i->own_tags[k];
	}
	if (i->links)
		link_take(i);
	make_tables(i);
	make_globals(i);
	if (m->exceptions)
		i->vm.exception_top = (uint8_t *)operation_exception(i, 0);
}

static enum err make_memory(struct wasm_instance *i, struct note *note)
{
	const struct wasm_limits *l = &i->o.module->memory;
	uint64_t most = l->has_max ? l->max : UINT64_MAX / WASM_PAGE;
	enum err e;

	if (i->o.module->memory_imported) {
		link_memory(i);
		return OK;
	}
	if (!i->o.module->has_memory)
		return OK;
	most = most > i->o.memory_max / WASM_PAGE ? i->o.memory_max / WASM_PAGE : most;
	if (l->min > most)
		return note_err(note, E_LIMIT,
				"the module begins with %llu bytes of memory, more than its limit of %llu",
				(unsigned long long)l->min * WASM_PAGE, (unsigned long long)most * WASM_PAGE);
	e = memory_open(&i->own, memory_bits(l->is64, l->has_max, l->max), l->min * WASM_PAGE, most * WASM_PAGE,
			i->o.image, 0, i->o.pagemap ? i->o.pagemap : -1, note);
	i->vm.memory = i->own.base;
	i->vm.memory_size = i->own.size;
	return e;
}

enum err wasm_open(struct wasm_instance **out, const struct wasm_options *o, enum vm_trap *trap, struct note *note)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const struct wasm_module *m = o->module;
	struct wasm_instance *i;
	enum err e = link_check(m, o->links, note);

	*out = NULL;
	if (e)
		return e;
	pthread_once(&once, watch_faults);
	i = calloc(1, sizeof(*i));
	must(i != NULL);
	i->o = *o;
	i->own.image = i->own.pagemap = -1;
	i->memory = &i->own;
	i->owner = i;
	i->vm.gas = o->start_gas ? (int64_t)o->start_gas : INT64_MAX;
	i->vm.depth = VM_DEPTH;
	i->vm.lazy = (void *)(uintptr_t)lazy_entry;
	i->vm.counts = o->counts;
	if (!o->counts) {
		i->own_counts = calloc(m->function_count + 1, sizeof(*i->own_counts));
		must(i->own_counts != NULL);
		i->vm.counts = i->own_counts;
	}
	operation_bind(&i->vm);
	if (o->links) {
		i->links = calloc(m->import_count + 1, sizeof(*i->links));
		must(i->links != NULL);
		memcpy(i->links, o->links, m->import_count * sizeof(*i->links));
	}
	make_spaces(i);
	e = make_memory(i, note);
	if (e) {
		wasm_close(i);
		return e;
	}
	*trap = initialise(i);
	*out = i;
	return OK;
}

void wasm_close(struct wasm_instance *i)
{
	if (!i)
		return;
	link_leave(i);
	memory_close(&i->own);
	for (uint32_t k = i->o.module->imported_tables; k < i->o.module->table_count; k++)
		free(i->vm.tables[k].items);
	if (i->exceptions)
		munmap(i->exceptions, VM_EXCEPTIONS);
	free(i->vm.tables);
	free(i->vm.globals);
	free(i->vm.refs);
	free(i->vm.code);
	free(i->own_counts);
	free(i->vm.tags);
	free(i->own_tags);
	free(i->data_dropped);
	free(i->elem_dropped);
	free(i->links);
	free(i);
}

/* ---- state that is not memory ---- */

struct wasm_state {
	struct vm_slot *globals;
	struct vm_table *tables; /* with copies of their items */
	bool *data_dropped, *elem_dropped;
	uint8_t *exception_top;
};

struct wasm_state *wasm_state_save(const struct wasm_instance *i, struct arena *a)
{
	const struct wasm_module *m = i->o.module;
	struct wasm_state *s = arena_new(a, struct wasm_state);

	s->globals = arena_new_array(a, m->global_count, struct vm_slot);
	s->tables = arena_new_array(a, m->table_count, struct vm_table);
	s->data_dropped = arena_new_array(a, m->data_count, bool);
	s->elem_dropped = arena_new_array(a, m->element_count, bool);
	s->exception_top = i->vm.exception_top;
	memcpy(s->globals, i->vm.globals, m->global_count * sizeof(*s->globals));
	memcpy(s->data_dropped, i->data_dropped, m->data_count);
	memcpy(s->elem_dropped, i->elem_dropped, m->element_count);
	for (uint32_t k = m->imported_tables; m->tables_change && k < m->table_count; k++) {
		const struct vm_table *t = &i->vm.tables[k];

		s->tables[k] = *t;
		s->tables[k].items = arena_new_array(a, t->size, uint64_t);
		memcpy(s->tables[k].items, t->items, t->size * sizeof(*t->items));
	}
	return s;
}

void wasm_state_restore(struct wasm_instance *i, const struct wasm_state *s)
{
	const struct wasm_module *m = i->o.module;

	memcpy(i->vm.globals, s->globals, m->global_count * sizeof(*s->globals));
	memcpy(i->data_dropped, s->data_dropped, m->data_count);
	memcpy(i->elem_dropped, s->elem_dropped, m->element_count);
	i->vm.exception_top = s->exception_top;
	for (uint32_t k = m->imported_tables; m->tables_change && k < m->table_count; k++) {
		i->vm.tables[k].size = s->tables[k].size; /* tables never shrink: there is room */
		memcpy(i->vm.tables[k].items, s->tables[k].items, s->tables[k].size * sizeof(*s->tables[k].items));
	}
}

struct vm_slot wasm_global(const struct wasm_instance *i, uint32_t index)
{
	const struct wasm_global *g = &i->o.module->globals[index];
	const struct vm_slot *s = &i->vm.globals[index];

	return g->imported && g->is_mutable ? *(const struct vm_slot *)(uintptr_t)get_u64le(s->b) : *s;
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
	case TRAP_EXCEPTION:
		return "an exception was thrown and not caught";
	case TRAP_REMAINDER_BY_ZERO:
		return "remainder by zero";
	case TRAPS:
		break;
	}
	return "unknown trap";
}
