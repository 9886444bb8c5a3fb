/* SPDX-License-Identifier: MIT
 *
 * build: the state of one translation, and what its parts offer each other. Private to them:
 *
 *   emit.c       LLVM's types and instructions as we use them: vm's fields, traps, NaNs
 *   scalar.c     numbers, loads and stores
 *   simd.c       vectors
 *   bulk.c       tables and bulk memory
 *   call.c       signatures, thunks, calls and tail calls
 *   control.c    blocks and branches
 *   exception.c  throwing and catching
 *   translate.c  gas, one instruction after another, batches
 */
#ifndef WEFT_ENGINE_WASM_BUILD_H
#define WEFT_ENGINE_WASM_BUILD_H
#include "engine/wasm/gas.h"
#include "engine/wasm/vm.h"

#include <llvm-c/Core.h>

struct value {
	LLVMValueRef v;
	uint8_t type; /* enum wasm_type */
};

struct build {
	const struct wasm_module *m;
	enum wasm_gas schedule;
	enum wasm_tier tier;
	LLVMContextRef ctx;
	LLVMModuleRef module;
	LLVMBuilderRef b, entry; /* `entry` stands where allocas go */
	LLVMTypeRef void_type, i1, i8, i16, i32, i64, f32, f64, v128, ptr;
	LLVMValueRef *functions; /* declared so far, by index */
	LLVMValueRef *foreign;   /* thunks to other instances' functions, by canonical type */

	/* the function at hand */
	LLVMValueRef f, vm, memory, gas;
	LLVMValueRef *locals;
	uint8_t *local_types;
	LLVMBasicBlockRef traps[TRAPS];
	struct value *stack;
	uint32_t height, stack_cap;
};

/* A label: where a branch goes and in which slots it leaves its values. */
struct frame {
	enum opcode op;
	const uint8_t *params, *results;
	uint32_t param_count, result_count;
	uint8_t single[1];
	LLVMValueRef *slots; /* of the results; for a loop also of the params, after them */
	LLVMValueRef *kept;  /* an if's params, for its else */
	LLVMBasicBlockRef target, otherwise;
	uint32_t height;
	bool reached;     /* something branches to `target` */
	bool entered;     /* the frame itself began in live code */
	int8_t condition; /* of an if: -1 unknown, 0 and 1 known while translating */

	/* Of a try or try_table: where exceptions of the body go, NULL as long as there are none; of a catch: where
	 * the next clause is tried, NULL after catch_all. */
	LLVMBasicBlockRef handler;
	struct cursor clauses; /* of a try_table */
	LLVMValueRef caught;   /* of a catch: the exception */
	LLVMValueRef floor;    /* of a catch: the top of the exceptions when it began */
};

/* The walk over one body. */
struct walker {
	struct build t;
	struct arena a; /* of the function */
	struct cursor c;
	struct frame *frames;
	uint32_t count, cap;
	bool live;
	/* The segment under way: the subtraction, and the test before it if there is one, whose constant is still to be set. */
	LLVMValueRef charge, test;
	uint64_t sum;
	uint32_t function;
	LLVMValueRef depth_left; /* for what the function calls */
	LLVMValueRef room;       /* for several results of a call */
	uint32_t room_count;
	LLVMValueRef floor;          /* the top of the exceptions at the start, in functions that catch */
	LLVMBasicBlockRef propagate; /* returns with an exception; NULL: not needed yet */
};

static inline void push(struct build *t, LLVMValueRef v, uint8_t type)
{
	t->stack[t->height++] = (struct value){v, type};
}

static inline LLVMValueRef pop(struct build *t)
{
	return t->stack[--t->height].v;
}

static inline LLVMValueRef const_i32(struct build *t, uint32_t v)
{
	return LLVMConstInt(t->i32, v, 0);
}

static inline LLVMValueRef const_i64(struct build *t, uint64_t v)
{
	return LLVMConstInt(t->i64, v, 0);
}

/* ---- emit.c ---- */

LLVMTypeRef type_of(struct build *t, uint8_t type);
LLVMValueRef zero_of(struct build *t, uint8_t type);
LLVMBasicBlockRef new_block(struct build *t);
/* slot is an alloca at the start of the function. */
LLVMValueRef slot(struct build *t, LLVMTypeRef type);
/* offset_by is the address `bytes` after `at`. */
LLVMValueRef offset_by(struct build *t, LLVMValueRef at, uint64_t bytes);
LLVMValueRef load_at(struct build *t, LLVMTypeRef type, LLVMValueRef base, uint64_t bytes);
/* widen makes an i64 of an address or index. */
LLVMValueRef widen(struct build *t, LLVMValueRef v);
LLVMBasicBlockRef trap_block(struct build *t, enum vm_trap code);
/* trap_if leaves the builder where the condition does not hold. */
void trap_if(struct build *t, LLVMValueRef condition, enum vm_trap code);
/* vm_field loads the member of struct vm at this offset, vm_set stores it. */
LLVMValueRef vm_field(struct build *t, size_t offset, LLVMTypeRef type);
LLVMValueRef vm_set(struct build *t, size_t offset, LLVMValueRef v);
/* call_helper calls the function pointer at this offset of struct vm, with vm as first argument. */
LLVMValueRef call_helper(struct build *t, size_t offset, LLVMTypeRef result, LLVMValueRef *args, unsigned count);
/* intrinsic calls the LLVM intrinsic of this name, overloaded on `types`. */
LLVMValueRef intrinsic(struct build *t, const char *name, LLVMTypeRef *types, unsigned type_count, LLVMValueRef *args,
		       unsigned count);
LLVMValueRef intrinsic1(struct build *t, const char *name, LLVMValueRef a);
LLVMValueRef intrinsic2(struct build *t, const char *name, LLVMValueRef a, LLVMValueRef b);
/* canonical replaces NaN, in scalars and in every lane of a vector of floats. */
LLVMValueRef canonical(struct build *t, LLVMValueRef v);
/* gas_spill makes the count visible to the runtime, and gives it; gas_reload takes it back. */
LLVMValueRef gas_spill(struct build *t);
void gas_reload(struct build *t);

/* ---- scalar.c, simd.c ---- */

/* address reads the immediate of a memory instruction and gives the host's pointer for the guest's address. */
LLVMValueRef address(struct build *t, struct cursor *c, LLVMValueRef guest);
LLVMValueRef load(struct build *t, LLVMTypeRef type, LLVMValueRef at);
void store(struct build *t, LLVMValueRef value, LLVMValueRef at);
/* Each translates one instruction that has a row in opcode.def. */
void scalar_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c);
void simd_op(struct build *t, enum opcode op, const struct op_info *row, struct cursor *c);

/* ---- bulk.c ---- */

/* table_item is the address of an element; it traps when there is none. */
LLVMValueRef table_item(struct build *t, uint32_t table, LLVMValueRef index);
void table_op(struct build *t, enum opcode op, struct cursor *c);
void memory_op(struct build *t, enum opcode op, struct cursor *c);

/* ---- call.c ---- */

/* begin_function puts the builder into the first block of `f`. */
void begin_function(struct build *t, LLVMValueRef f);
LLVMValueRef function_of(struct build *t, uint32_t index);
/* import_thunk is an import as a function like any other: its arguments go to the host in slots. */
void import_thunk(struct build *t, uint32_t index);
/* entry_thunk is e<type>(vm, code, args): how the runtime calls a function of this type. */
void entry_thunk(struct build *t, uint32_t index);
void call_direct(struct walker *w, bool tail);
void call_indirect(struct walker *w, bool tail);
/* param is a parameter of the function at hand; gas_param and depth_param are what its caller had left. */
LLVMValueRef param(struct build *t, uint32_t index);
LLVMValueRef gas_param(struct build *t);
LLVMValueRef depth_param(struct build *t);
/* leave_function returns. `result` is NULL in a function that has not exactly one. */
void leave_function(struct walker *w, LLVMValueRef result);
/* return_now returns the operands on top. */
void return_now(struct walker *w);

/* ---- control.c ---- */

/* unreachable ends live code up to the next `end`, `else` or catch. */
void unreachable(struct walker *w);
struct frame *enter(struct walker *w, enum opcode op);
/* enter_body is the frame of the function itself. */
void enter_body(struct walker *w, const struct wasm_func_type *type);
/* block_begin translates what opens a block: block, loop, if, try, try_table. */
void block_begin(struct walker *w, enum opcode op);
void else_op(struct walker *w);
void end(struct walker *w);
/* fall_out goes from the end of a block's code to what follows the block. */
void fall_out(struct walker *w, struct frame *f);
/* close_frame leaves a block whose ways out all lead to its target, and goes on there. */
void close_frame(struct walker *w);
/* branch_target stores the operands on top where the label wants them, and gives the block to go to. */
LLVMBasicBlockRef branch_target(struct walker *w, uint32_t depth);
void br_if(struct walker *w);
void br_table(struct walker *w);

/* ---- exception.c ---- */

/* unwind_to is where an exception goes that is thrown inside the innermost `count` frames. */
LLVMBasicBlockRef unwind_to(struct walker *w, uint32_t count);
/* unwind_after tests, after a call, whether an exception came back. */
void unwind_after(struct walker *w);
/* try_begin is what happens besides at the start of a try or try_table; try_end at its end, before the frame goes. */
void try_begin(struct walker *w, struct frame *f);
void try_end(struct walker *w);
void catch_op(struct walker *w, enum opcode op);
void delegate(struct walker *w);
void throw_op(struct walker *w, enum opcode op);
/* drop_dead_exceptions: at the end of a function that catches, what it caught is dead. */
void drop_dead_exceptions(struct walker *w);

#endif
