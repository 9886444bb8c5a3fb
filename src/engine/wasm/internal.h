/* SPDX-License-Identifier: MIT
 *
 * internal: an instance from inside, for the files that are its run time:
 *
 *   instance.c   life, calls, traps
 *   operation.c  what translated code asks the run time for: bulk memory, tables, exceptions
 *   link.c       what belongs to other instances: imports, their functions
 */
#ifndef WEFT_ENGINE_WASM_INTERNAL_H
#define WEFT_ENGINE_WASM_INTERNAL_H
#include "engine/wasm/instance.h"

#include <setjmp.h>

/* Throws are frequent (each error in Lua is one), and nothing but the stack is to be unwound: the compiler's own
 * jump is a tenth of libc's. AddressSanitizer knows only libc's. */
#ifdef __SANITIZE_ADDRESS__
typedef sigjmp_buf mark;
#define MARK(m) sigsetjmp(m, 0)
#define COME_BACK(m) siglongjmp(m, 1)
#else
typedef void *mark[5];
#define MARK(m) __builtin_setjmp(m)
#define COME_BACK(m) __builtin_longjmp(m, 1)
#endif

/* A place to come back to: a call from outside (traps end there) or an invoke (throws do). */
struct landing {
	union {
		sigjmp_buf at;
		mark thrown; /* of an invoke */
	};
	struct landing *outer;
	bool invoke;
	int64_t depth;
};

struct wasm_instance {
	struct vm vm; /* first: translated code's `vm` is the instance */
	struct wasm_options o;
	struct wasm_link *links;     /* by import; a copy */
	struct wasm_memory own;      /* empty when the memory is another's */
	struct wasm_memory *memory;  /* the one that is used */
	struct wasm_instance *owner; /* of the memory */
	struct wasm_instance *next;  /* who uses the owner's memory, in a list from the owner */
	struct landing *landings;
	enum vm_trap trapped;
	struct vm_ref *foreign;  /* the function of another instance that is about to be called */
	struct vm_tag *own_tags; /* those that the module defines */
	uint8_t *exceptions;     /* VM_EXCEPTIONS bytes, or NULL: none was thrown yet */
	bool *data_dropped, *elem_dropped;
	uint64_t generation; /* of the code that vm.code shows */
	uint32_t *own_counts;
	char message[256];
};

static inline struct wasm_instance *instance_of(struct vm *vm)
{
	return (struct wasm_instance *)vm;
}

/* ---- instance.c ---- */

/* instance_enter calls code of this instance, of a canonical type: what ends it ends the caller too. */
void instance_enter(struct wasm_instance *i, void *code, uint32_t type, struct vm_slot *args);
/* instance_call calls code of this instance, of a canonical type, and catches what ends it. TRAP_EXCEPTION: i->vm.exception is
 * what was thrown. */
must_use enum vm_trap instance_call(struct wasm_instance *i, void *code, uint32_t type, struct vm_slot *args);
/* instance_enter is the bare call: what ends it lands in the call around it. */
void instance_enter(struct wasm_instance *i, void *code, uint32_t type, struct vm_slot *args);
/* instance_land ends what runs in `i`. */
_Noreturn void instance_land(struct wasm_instance *i, enum vm_trap code);

/* ---- operation.c ---- */

/* operation_bind fills in vm's functions. */
void operation_bind(struct vm *vm);
/* operation_table is a table, also when it is imported. */
struct vm_table *operation_table(struct vm *vm, uint32_t table);
/* operation_reference evaluates a constant expression that gives a reference. */
uint64_t operation_reference(struct wasm_instance *i, const struct wasm_const *k);
/* operation_exception is room for one with this many values, of no tag yet. */
struct vm_exception *operation_exception(struct wasm_instance *i, uint32_t values);

/* ---- link.c ---- */

/* link_check: every import has a counterpart of its type. E_UNSUPPORTED or E_FORMAT name the one that has not. */
must_use enum err link_check(const struct wasm_module *m, const struct wasm_link *links, struct note *note);
/* link_take fills in what is imported; memory apart. */
void link_take(struct wasm_instance *i);
/* link_memory joins the owner of the imported memory. */
void link_memory(struct wasm_instance *i);
void link_leave(struct wasm_instance *i);
void link_host(struct vm *vm, uint32_t import, struct vm_slot *args);
void link_resolve(struct vm *vm, struct vm_ref *ref, uint32_t type);
void link_foreign(struct vm *vm, uint32_t type, struct vm_slot *args);
/* link_call calls a funcref, of this instance or another; its type has been checked. */
void link_call(struct wasm_instance *i, const struct vm_ref *ref, struct vm_slot *args);

#endif
