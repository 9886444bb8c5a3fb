/* SPDX-License-Identifier: MIT
 *
 * instance: a module with memory, tables and globals of its own, on which functions can be called.
 *
 * The host gives one function that answers all imports. While it runs it may read and write guest memory (through
 * wasm_range, which checks), call back into the instance, end the guest with a trap, or throw: what
 * setjmp/longjmp in C became, an `invoke` that catches what a callee throws. Traps, throws and exhausted gas unwind
 * by longjmp; nothing of ours is on the stack between that has to be released, so host functions
 * must not hold anything across a call into the guest. WebAssembly's own exceptions return instead (vm.h).
 *
 * Imports may also be what other instances export, of any kind. Such instances share memory, tables, globals
 * and tags; they run on one thread, and end together, the importer first. ao's modules never do
 * that: it is here because the specification has it.
 *
 * One thread at a time, and one whose stack is wasm_run_deep's: call depth is bounded by VM_DEPTH, and
 * the native stack has to be larger than that.
 */
#ifndef WEFT_ENGINE_WASM_INSTANCE_H
#define WEFT_ENGINE_WASM_INSTANCE_H
#include "engine/wasm/code.h"
#include "engine/wasm/memory.h"

struct wasm_instance;

typedef void wasm_host(struct wasm_instance *i, uint32_t import, struct vm_slot *args);

/* What an import stands for; `from` NULL: a function of the host. */
struct wasm_link {
	struct wasm_instance *from;
	uint32_t index; /* there, in the index space of its kind */
};

struct wasm_options {
	const struct wasm_module *module; /* valid; outlives the instance */
	const struct wasm_code *code;
	wasm_host *host;
	void *ctx;
	uint64_t memory_max; /* bytes; the module's own maximum counts too */
	uint64_t start_gas;  /* for the start function, and until vm.gas is set; 0: no limit */
	int image;           /* memfd for the memory, -1 for a new one; taken over */
	int pagemap;         /* /proc/self/pagemap, where it cannot be opened any more; taken over; 0: none */
	/* Called when the guest calls a function that has no code: waits until it has. NULL: all have. */
	void (*missing)(struct wasm_instance *i, uint32_t function);
	uint32_t *counts;              /* by function: where T0 counts; may be shared. NULL: nobody wants to know */
	const struct wasm_link *links; /* by import; NULL: all imports are functions of the host */
};

/* wasm_open makes the instance: tables, globals, memory, data and element segments, then the start function. A
 * trap on the way gives OK and *trap (core specification 4.5.4): what it did to imports until then stays, and may refer to
 * the instance. E_UNSUPPORTED for an import other than a function without a link, E_FORMAT for a link
 * of another type. */
must_use enum err wasm_open(struct wasm_instance **out, const struct wasm_options *options, enum vm_trap *trap,
			    struct note *note);
void wasm_close(struct wasm_instance *i);

/* wasm_call calls a function with arguments in slots, which the results replace. TRAP_EXCEPTION: it threw, and
 * nothing caught it. */
must_use enum vm_trap wasm_call(struct wasm_instance *i, uint32_t function, struct vm_slot *args);

/* wasm_sync takes over what code has been added (a better tier). Call it between messages: cheap when there is none. */
void wasm_sync(struct wasm_instance *i);

struct vm *wasm_vm(struct wasm_instance *i);
struct wasm_memory *wasm_memory(struct wasm_instance *i);
const struct wasm_module *wasm_module(const struct wasm_instance *i);
void *wasm_ctx(const struct wasm_instance *i);

/* wasm_state_save remembers the state that is not memory: globals, tables, which segments are dropped, and which
 * exceptions live. wasm_state_restore goes back there, as often as wanted. The state lives in `a`. */
struct wasm_state;
struct wasm_state *wasm_state_save(const struct wasm_instance *i, struct arena *a);
void wasm_state_restore(struct wasm_instance *i, const struct wasm_state *s);
/* wasm_global is a global's value, also when it is another instance's. */
struct vm_slot wasm_global(const struct wasm_instance *i, uint32_t index);

/* ---- for the host function ---- */

/* wasm_range is the host's pointer to guest bytes; a range outside memory traps. */
uint8_t *wasm_range(struct wasm_instance *i, uint64_t at, uint64_t len);
/* wasm_trap ends the guest; `message` (may be NULL) is kept for wasm_message. */
_Noreturn void wasm_trap(struct wasm_instance *i, enum vm_trap code, const char *message);
const char *wasm_message(const struct wasm_instance *i);
/* wasm_fail sets the message as wasm_trap does, when nothing runs that could be ended. */
void wasm_fail(struct wasm_instance *i, enum vm_trap code, const char *message);
/* wasm_charge takes gas for what the host does; the guest ends when there is not enough. */
void wasm_charge(struct wasm_instance *i, uint64_t units);
/* wasm_enter calls a function of the guest inside the call that asked the host: what ends it ends that too, which saves a
 * place to come back to. */
void wasm_enter(struct wasm_instance *i, uint32_t function, struct vm_slot *args);
/* wasm_invoke calls element `index` of table 0 and tells whether it threw. */
bool wasm_invoke(struct wasm_instance *i, uint64_t index, struct vm_slot *args);
/* wasm_throw unwinds to the innermost wasm_invoke. */
_Noreturn void wasm_throw(struct wasm_instance *i);
/* wasm_memory_grow sets the size in bytes (a multiple of 64 KiB). */
bool wasm_memory_grow(struct wasm_instance *i, uint64_t size);

/* ---- around it ---- */

/* wasm_run_deep runs job(ctx) on a thread with a stack that VM_DEPTH calls fit into, and waits. */
void wasm_run_deep(void (*job)(void *ctx), void *ctx);
/* wasm_trap_text is the trap in words, those that V8 uses: they end up in results. */
const char *wasm_trap_text(enum vm_trap code);

#endif
