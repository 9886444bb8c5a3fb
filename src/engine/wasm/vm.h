/* SPDX-License-Identifier: MIT
 *
 * vm: the contract between translated code and the runtime. Every translated function has the signature
 *
 *   gas f(vm, gas, depth, params...)                             no result
 *   {gas, result} f(vm, gas, depth, params...)                   one
 *   gas f(vm, gas, depth, params..., struct vm_slot *results)    several
 *
 * in C's calling convention, or in LLVM's `tailcc` in modules that have tail calls. vm comes in r13 (LLVM's
 * `swiftself`): a callee-saved register, so that it stays there however deep calls go, and a stub can stand for any
 * function, whatever that takes or gives (code.h). Everything is reached through vm: the translator emits loads at these
 * offsets, the runtime fills them in. The runtime calls through entry thunks, `e<type>`(vm, code, args), and
 * translated code calls imports through `host`: both pass values in an array of 16-byte slots.
 *
 * What is left of gas goes from register to register, into a call and out of it, and so does what is left of the call
 * depth into it. In memory each call would wait for what the last one stored: a fifth of the run time of Lua. For the
 * runtime gas is stored, never loaded, before each call and at each return; after a trap that is what counts. Thunks of
 * imports take it back, for the host may have charged, and store the depth, for the host may call.
 *
 * References: a funcref is a pointer to a struct vm_ref, an exnref one to a struct vm_exception, or 0; an
 * externref is any 64-bit number. What a module imports may belong to another instance: the slot of
 * an imported mutable global, and the row of an imported table, hold the address of the owner's. A
 * funcref of another instance is told by its `vm`, and called through `resolve` and `foreign`.
 *
 * Exceptions: whoever throws sets `exception` and returns; a caller that may see one tests it after each
 * call. They live on a stack of their own that `exception_top` points to: a function that catches puts
 * the top back where it was when it began, for what is above is then dead (exception.c).
 */
#ifndef WEFT_ENGINE_WASM_VM_H
#define WEFT_ENGINE_WASM_VM_H
#include <stddef.h>
#include <stdint.h>

/* Bumped with every change of what code and runtime expect of each other: cached code of
 * another version is compiled again. */
enum { VM_VERSION = 6 };

/* LLVM's name for addresses relative to gs, where T1 expects the base of the memory that the instance uses. */
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
	TRAP_HOST = 12,      /* the host ended it: abort, exit, an import that must not be called; it has the words */
	TRAP_EXCEPTION = 13, /* thrown, and nothing caught it */
	TRAP_REMAINDER_BY_ZERO = 14,
	TRAPS,
};

struct vm;

struct vm_ref {
	void *code;
	uint32_t type; /* canonical index in the module of `vm` */
	uint32_t function;
	struct vm *vm;
};

struct vm_table {
	uint64_t *items; /* of an imported table: the owner's struct vm_table, and the rest is unused */
	uint32_t size, max;
};

struct vm_slot {
	uint8_t b[16];
} __attribute__((aligned(16)));

/* A tag is told by its address. */
struct vm_tag {
	uint32_t count; /* of values in an exception of it */
};

struct vm_exception {
	struct vm_tag *tag;
	uint64_t size; /* bytes, with this head */
	struct vm_slot values[];
};

struct vm {
	uint8_t *memory;
	uint64_t memory_size; /* bytes */
	int64_t gas;          /* what is left, when last stored; below zero it is out */
	int64_t depth;        /* what is left of the call depth, in units of frame size, for calls from outside */
	void **code;          /* by function: what a stub jumps to (code.h) */
	void *lazy;           /* where the stub of a function without code goes */
	uint32_t *counts;     /* by function: T0's profile */
	struct vm_slot *globals;
	struct vm_table *tables;
	struct vm_ref *refs;
	struct vm_exception *exception; /* thrown and not yet caught, or NULL */
	uint8_t *exception_top;
	struct vm_tag **tags;
	void (*host)(struct vm *vm, uint32_t import, struct vm_slot *args);
	void (*trap)(struct vm *vm, uint32_t code);
	/* resolve: `ref` is not of this instance or not of this type. It traps, or is remembered for `foreign`, which
	 * calls it. */
	void (*resolve)(struct vm *vm, struct vm_ref *ref, uint32_t type);
	void (*foreign)(struct vm *vm, uint32_t type, struct vm_slot *args);
	/* exception_new makes one of this tag the exception; its values are the caller's to fill in. */
	struct vm_exception *(*exception_new)(struct vm *vm, uint32_t tag);
	uint64_t (*memory_grow)(struct vm *vm, uint64_t pages);
	void (*memory_fill)(struct vm *vm, uint64_t to, uint32_t value, uint64_t count);
	void (*memory_copy)(struct vm *vm, uint64_t to, uint64_t from, uint64_t count);
	void (*memory_init)(struct vm *vm, uint32_t segment, uint64_t to, uint32_t from, uint32_t count);
	void (*data_drop)(struct vm *vm, uint32_t segment);
	void (*table_init)(struct vm *vm, uint32_t table, uint32_t segment, uint64_t to, uint32_t from, uint32_t count);
	void (*elem_drop)(struct vm *vm, uint32_t segment);
	void (*table_copy)(struct vm *vm, uint32_t table, uint32_t from_table, uint64_t to, uint64_t from,
			   uint64_t count);
	uint64_t (*table_grow)(struct vm *vm, uint32_t table, uint64_t value, uint64_t count);
	void (*table_fill)(struct vm *vm, uint32_t table, uint64_t to, uint64_t value, uint64_t count);
};

/* How deep calls may go: a call costs 1, plus 1 for every 32 locals and operands of the callee, plus 1 for every 1,024
 * values that the callee's instructions take and give. Native code needs at most 16 KiB of stack for 1. */
enum { VM_DEPTH = 20000 };
/* Bytes of exceptions at once. A module that keeps exceptions as values (exnref) can use up this many in a turn,
 * others only with as many catches one in another. */
enum { VM_EXCEPTIONS = 64 << 20 };

#endif
