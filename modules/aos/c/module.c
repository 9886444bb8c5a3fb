/* SPDX-License-Identifier: MIT
 *
 * module: the exports that ao's readers look for, in the shape of Module-Format wasm32-unknown-emscripten4 (the published
 * loader's glue and ours bind it), or with 64-bit pointers of wasm64-unknown-emscripten-draft_2024_02_15: handle, malloc, free, and the functions by which a host uses the wasm stack.
 *
 * Hosts put both strings of a message on the stack. Ours is small, so that a process is small; what does not
 * fit goes to the heap instead, and goes away when the host restores the stack.
 */
#include "native.h"

#include <stdint.h>
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(name)))
#define HOST(name) __attribute__((import_module("env"), import_name(name)))

enum { ON_STACK_MAX = 32768, STACK_END = 16 };

uintptr_t emscripten_stack_get_current(void);
void stack_set(uintptr_t to);

HOST("invoke_vii") void invoke_vii(uintptr_t function, void *a, void *b);
HOST("_emscripten_throw_longjmp") _Noreturn void throw_longjmp(void);

/* A string that the host was given on the heap: it goes when the stack is restored above `stack`. */
struct large {
	struct large *next;
	uintptr_t stack;
	_Alignas(16) char text[];
};

static struct large *larges;
static uintptr_t stack_base;

void host_invoke_vii(void *function, void *a, void *b)
{
	invoke_vii((uintptr_t)function, a, b);
}

_Noreturn void host_throw(void)
{
	throw_longjmp();
}

/* ---- the stack, for hosts ---- */

EXPORT("emscripten_stack_init") void emscripten_stack_init(void)
{
	stack_base = emscripten_stack_get_current();
}

EXPORT("emscripten_stack_get_base") uintptr_t emscripten_stack_get_base(void)
{
	return stack_base;
}

/* The stack is at the bottom of memory: running over it traps. The first bytes are the host's, for its marks. */
EXPORT("emscripten_stack_get_end") uintptr_t emscripten_stack_get_end(void)
{
	return STACK_END;
}

EXPORT("emscripten_stack_get_free") uintptr_t emscripten_stack_get_free(void)
{
	return emscripten_stack_get_current() - STACK_END;
}

EXPORT("_emscripten_stack_alloc") void *emscripten_stack_alloc(size_t size)
{
	uintptr_t stack = emscripten_stack_get_current();

	if (size <= ON_STACK_MAX && stack > ON_STACK_MAX + size) {
		stack = (stack - size) & ~(uintptr_t)15;
		stack_set(stack);
		return (void *)stack;
	}
	struct large *l = size < SIZE_MAX - sizeof(*l) ? malloc(sizeof(*l) + size) : NULL;
	if (!l)
		abort();
	stack -= 16; /* so that a nested restore, which never goes above this, is told from the host's own */
	stack_set(stack);
	l->next = larges;
	l->stack = stack;
	larges = l;
	return l->text;
}

EXPORT("_emscripten_stack_restore") void emscripten_stack_restore(uintptr_t stack)
{
	while (larges && larges->stack < stack) {
		struct large *l = larges;
		larges = l->next;
		free(l);
	}
	stack_set(stack);
}

/* ---- calls into the module, for hosts ---- */

EXPORT("setThrew") void set_threw(uintptr_t threw, int value)
{
	(void)threw, (void)value; /* Lua keeps its own account of what was thrown */
}

EXPORT("dynCall_vii") void dyncall_vii(void (*function)(void *, void *), void *a, void *b)
{
	function(a, b);
}

EXPORT("malloc") void *export_malloc(size_t size)
{
	return malloc(size);
}

EXPORT("free") void export_free(void *p)
{
	free(p);
}

EXPORT("handle") const char *export_handle(const char *message, const char *environment)
{
	return runtime_handle(message, environment);
}
