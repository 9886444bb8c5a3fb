/* SPDX-License-Identifier: MIT
 *
 * vm: the contract between translated code and the runtime. Every translated function has the C signature
 *
 *   result f(struct vm *vm, params...)                        no result or one
 *   void f(struct vm *vm, params..., struct vm_slot *results)   several
 *
 * and reaches everything through `vm`: the translator emits loads at these offsets, the runtime fills
 * them in. References (funcref) are pointers to a struct vm_ref, or 0; an externref is any 64-bit number. That
 * vm is always the first argument, whatever a function gives back, is what lets a stub stand for any of them (code.h). The
 * runtime calls through entry thunks, `e<type>`(vm, code, args), and translated code calls
 * imports through `host`: both pass values in an array of 16-byte slots.
 */
#ifndef WEFT_ENGINE_WASM_VM_H
#define WEFT_ENGINE_WASM_VM_H
#include <stddef.h>
#include <stdint.h>

/* Bumped with every change of what code and runtime expect of each other: cached code of
 * another version is compiled again. */
enum { VM_VERSION = 4 };

/* LLVM's name for addresses relative to gs, where T1 expects vm->memory. */
enum { VM_MEMORY_SPACE = 256 };

/* Why a guest stopped. Numbers are stored with results: never reused. */
enum vm_trap {
	TRAP_NONE = 0,
	TRAP_UNREACHABLE = 1,
	TRAP_MEMORY = 2,
	TRAP_DIVIDE_BY_ZERO = 3,
	TRAP_INTEGER_OVERFLOW = 4,
	TRAP_INVALID_CONVERSION = 5,
	TRAP_TABLE = 6,
	TRAP_NULL_FUNCTION = 7,
	TRAP_SIGNATURE = 8,
	TRAP_OUT_OF_GAS = 9,
	TRAP_STACK = 10,
	TRAP_NULL_REFERENCE = 11,
	TRAP_HOST = 12, /* the host ended it: abort, exit, an import that must not be called; it has the words */
};

struct vm_ref {
	void *code;
	uint32_t type; /* canonical index */
	uint32_t function;
};

struct vm_table {
	uint64_t *items;
	uint32_t size, max;
};

struct vm_slot {
	uint8_t b[16];
} __attribute__((aligned(16)));

struct vm {
	uint8_t *memory;
	uint64_t memory_size; /* bytes */
	int64_t gas;          /* what is left; below zero it is out */
	int64_t depth;        /* what is left of the call depth, in units of frame size */
	void **code;          /* by function: what a stub jumps to (code.h) */
	void *lazy;           /* where the stub of a function without code goes */
	uint32_t *counts;     /* by function: T0's profile */
	struct vm_slot *globals;
	struct vm_table *tables;
	struct vm_ref *refs;
	void (*host)(struct vm *vm, uint32_t import, struct vm_slot *args);
	void (*trap)(struct vm *vm, uint32_t code);
	uint64_t (*memory_grow)(struct vm *vm, uint64_t pages);
	void (*memory_fill)(struct vm *vm, uint64_t to, uint32_t value, uint64_t count);
	void (*memory_copy)(struct vm *vm, uint64_t to, uint64_t from, uint64_t count);
	void (*memory_init)(struct vm *vm, uint32_t segment, uint64_t to, uint32_t from, uint32_t count);
	void (*data_drop)(struct vm *vm, uint32_t segment);
	void (*table_init)(struct vm *vm, uint32_t table, uint32_t segment, uint32_t to, uint32_t from, uint32_t count);
	void (*elem_drop)(struct vm *vm, uint32_t segment);
	void (*table_copy)(struct vm *vm, uint32_t table, uint32_t from_table, uint32_t to, uint32_t from,
			   uint32_t count);
	uint32_t (*table_grow)(struct vm *vm, uint32_t table, uint64_t value, uint32_t count);
	void (*table_fill)(struct vm *vm, uint32_t table, uint32_t to, uint64_t value, uint32_t count);
};

/* How deep calls may go: a call costs 1, plus 1 for every 32 locals and operands of the callee and for every 4 KiB of its
 * body. The deep stack (instance.h) has room for it on every tier. */
enum { VM_DEPTH = 20000 };

#endif
