/* SPDX-License-Identifier: MIT
 *
 * exception_test: exceptions in the final encoding (try_table, throw_ref, exnref), which wabt 1.0.32 cannot
 * write; the legacy one is in test/wasm/exceptions_legacy.wast.
 */
#include "engine/wasm/opcode.h"
#include "test/assemble.h"
#include "test/machine.h"
#include "test/test.h"

#include <string.h>

/* TIER in the environment says which: the build runs these tests with both. */
static enum wasm_tier tier(void)
{
	const char *text = getenv("TIER");

	return text && *text == '1' ? WASM_TIER_1 : WASM_TIER_0;
}

enum { VOID = 0x40, I32 = WASM_I32, I64 = WASM_I64, EXN = WASM_EXNREF };

/* Types and tags that all modules here have. */
enum { T_NONE, T_I_I, T_I, T_V_I, T_V_IE, T_V_E, T_IL, T_L_L, T_V_ILE };
enum { TAG_I, TAG_NONE, TAG_IL };

static struct assembly fresh(void)
{
	struct assembly a = {0};

	assemble_type(&a, "", "");
	assemble_type(&a, "i", "i");
	assemble_type(&a, "i", "");
	assemble_type(&a, "", "i");
	assemble_type(&a, "", "iE");
	assemble_type(&a, "", "E");
	assemble_type(&a, "il", "");
	assemble_type(&a, "l", "l");
	assemble_type(&a, "", "ilE");
	assemble_tag(&a, T_I);
	assemble_tag(&a, T_NONE);
	assemble_tag(&a, T_IL);
	return a;
}

#define FUNCTION(a, type, locals, name, ...)     \
	assemble_function((a), (type), (locals), \
			  bytes_of((const uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})), (name))

static struct machine *machine(struct assembly *a)
{
	struct buf wasm = BUF_EMPTY;
	struct note note = {0};
	struct machine *m;

	assemble_module(a, &wasm);
	assemble_release(a);
	if (machine_open(&m, wasm, tier(), &note) != OK)
		t_fail("%s", note.text);
	return m;
}

static enum err refused(struct assembly *a, struct note *note)
{
	struct buf wasm = BUF_EMPTY;
	struct arena arena = ARENA_EMPTY;
	struct wasm_module m;
	enum err e;

	assemble_module(a, &wasm);
	assemble_release(a);
	e = wasm_decode(&m, &arena, buf_bytes(&wasm), note);
	if (e == OK)
		e = wasm_validate(&m, note);
	arena_release(&arena);
	buf_release(&wasm);
	return e;
}

/* f(x) throws x and catches it with `catch`, adding 1. */
TEST(catch_gives_the_values_of_its_tag)
{
	struct assembly a = fresh();
	struct machine *m;

	FUNCTION(&a, T_I_I, "", "f", OP_block, I32, OP_try_table, VOID, 1, CATCH, TAG_I, 0, OP_local_get, 0, OP_throw,
		 TAG_I, OP_end, OP_unreachable, OP_end, OP_i32_const, 1, OP_i32_add);
	m = machine(&a);
	t_u64(machine_i64(m, "f", 41), 42);
	machine_close(m);
}

/* The second clause has the tag; the third would catch everything. */
TEST(clauses_are_tried_in_order)
{
	struct assembly a = fresh();
	struct machine *m;
	uint32_t thrower = FUNCTION(&a, T_I, "", NULL, OP_local_get, 0, OP_if, VOID, OP_local_get, 0, OP_throw, TAG_I,
				    OP_end, OP_throw, TAG_NONE);

	FUNCTION(&a, T_I_I, "", "f", OP_block, VOID, OP_block, VOID, OP_block, I32, OP_try_table, VOID, 3, CATCH,
		 TAG_IL - 1, 1, CATCH, TAG_I, 0, CATCH_ALL, 2, OP_local_get, 0, OP_call, (uint8_t)thrower, OP_end,
		 OP_unreachable, OP_end, OP_return, OP_end, OP_i32_const, 7, OP_return, OP_end, OP_i32_const, 9);
	m = machine(&a);
	t_u64(machine_i64(m, "f", 5), 5);
	t_u64(machine_i64(m, "f", 0), 7);
	machine_close(m);
}

/* catch_ref gives the exception too, and throw_ref throws it again, values and all. */
TEST(throw_ref_throws_the_same_again)
{
	struct assembly a = fresh();
	struct machine *m;

	FUNCTION(&a, T_I_I, "E", "f",
		 /* outer: catches the one that comes from the handler of the inner */
		 OP_block, I32, OP_try_table, VOID, 1, CATCH, TAG_I, 0,
		 /* inner */
		 OP_block, T_V_IE, OP_try_table, VOID, 1, CATCH_REF, TAG_I, 0, OP_local_get, 0, OP_throw, TAG_I, OP_end,
		 OP_unreachable, OP_end,
		 /* i32 exnref */
		 OP_local_set, 1, OP_drop, OP_local_get, 1, OP_throw_ref, OP_end, OP_unreachable, OP_end, OP_i32_const,
		 3, OP_i32_mul);
	m = machine(&a);
	t_u64(machine_i64(m, "f", 11), 33);
	machine_close(m);
}

TEST(catch_all_ref_keeps_the_values_for_later)
{
	struct assembly a = fresh();
	struct machine *m;

	FUNCTION(&a, T_L_L, "E", "f", OP_block, EXN, OP_try_table, VOID, 1, CATCH_ALL_REF, 0, OP_i32_const, 1,
		 OP_local_get, 0, OP_throw, TAG_IL, OP_end, OP_unreachable, OP_end, OP_local_set, 1,
		 /* thrown again from another try_table, which takes all the values */
		 OP_block, T_V_ILE, OP_try_table, VOID, 1, CATCH_REF, TAG_IL, 0, OP_local_get, 1, OP_throw_ref, OP_end,
		 OP_unreachable, OP_end, OP_drop, OP_local_set, 0, OP_drop, OP_local_get, 0);
	m = machine(&a);
	t_u64(machine_i64(m, "f", 0x123456789abcdef), 0x123456789abcdef);
	machine_close(m);
}

TEST(a_null_exception_cannot_be_thrown)
{
	struct assembly a = fresh();
	struct machine *m;
	struct vm_slot slots[2] = {{{0}}};

	FUNCTION(&a, T_NONE, "", "null", OP_ref_null, EXN, OP_throw_ref);
	FUNCTION(&a, T_I_I, "E", "is_null", OP_local_get, 1, OP_ref_is_null);
	m = machine(&a);
	t_u64(machine_call(m, "null", slots), TRAP_NULL_REFERENCE);
	t_u64(machine_i64(m, "is_null", 0), 1);
	machine_close(m);
}

TEST(nothing_caught_is_an_exception_and_a_trap_is_none)
{
	struct assembly a = fresh();
	struct machine *m;
	struct vm_slot slots[2] = {{{0}}};

	FUNCTION(&a, T_NONE, "", "throws", OP_throw, TAG_NONE);
	FUNCTION(&a, T_NONE, "", "other", OP_block, VOID, OP_try_table, VOID, 1, CATCH, TAG_NONE, 0, OP_i32_const, 1,
		 OP_throw, TAG_I, OP_end, OP_end);
	FUNCTION(&a, T_NONE, "", "trap", OP_block, VOID, OP_try_table, VOID, 1, CATCH_ALL, 0, OP_unreachable, OP_end,
		 OP_end);
	m = machine(&a);
	t_u64(machine_call(m, "throws", slots), TRAP_EXCEPTION);
	t_u64(machine_call(m, "other", slots), TRAP_EXCEPTION);
	t_u64(machine_call(m, "trap", slots), TRAP_UNREACHABLE);
	machine_close(m);
}

/* A label of a clause may be a loop, or the function itself. */
TEST(a_clause_may_go_to_a_loop_or_return)
{
	struct assembly a = fresh();
	struct machine *m;

	FUNCTION(&a, T_I_I, "", "loop", OP_loop, VOID, OP_try_table, VOID, 1, CATCH_ALL, 0, OP_local_get, 0,
		 OP_i32_const, 1, OP_i32_sub, OP_local_tee, 0, OP_if, VOID, OP_throw, TAG_NONE, OP_end, OP_end, OP_end,
		 OP_i32_const, 5);
	FUNCTION(&a, T_I_I, "", "return", OP_try_table, VOID, 1, CATCH, TAG_I, 0, OP_local_get, 0, OP_throw, TAG_I,
		 OP_end, OP_i32_const, 0);
	m = machine(&a);
	t_u64(machine_i64(m, "loop", 100), 5);
	t_u64(machine_i64(m, "return", 77), 77);
	machine_close(m);
}

/* What is on the stack below the block stays; a try_table with results gives them. */
TEST(operands_below_stay)
{
	struct assembly a = fresh();
	struct machine *m;

	FUNCTION(&a, T_I_I, "", "f", OP_i32_const, 10, OP_block, I32, OP_i32_const, 20, OP_drop, OP_try_table, I32, 1,
		 CATCH, TAG_I, 0, OP_local_get, 0, OP_i32_eqz, OP_if, VOID, OP_i32_const, 30, OP_throw, TAG_I, OP_end,
		 OP_i32_const, 2, OP_end, OP_end, OP_i32_add);
	m = machine(&a);
	t_u64(machine_i64(m, "f", 0), 40);
	t_u64(machine_i64(m, "f", 1), 12);
	machine_close(m);
}

/* One after another they need no space; kept as values they use it up, and that is a trap, always at the same. */
TEST(exceptions_do_not_pile_up_unless_kept)
{
	struct assembly a = fresh(), kept = fresh();
	struct machine *m;
	struct vm_slot slots[2] = {{{0}}};

	FUNCTION(&a, T_I_I, "", "f", OP_loop, VOID, OP_block, I32, OP_try_table, VOID, 1, CATCH, TAG_I, 0, OP_local_get,
		 0, OP_throw, TAG_I, OP_end, OP_unreachable, OP_end, OP_i32_const, 1, OP_i32_sub, OP_local_tee, 0,
		 OP_br_if, 0, OP_end, OP_i32_const, 6);
	m = machine(&a);
	t_u64(machine_i64(m, "f", 5000000), 6);
	machine_close(m);

	FUNCTION(&kept, T_I_I, "", "f", OP_loop, VOID, OP_block, T_V_IE, OP_try_table, VOID, 1, CATCH_REF, TAG_I, 0,
		 OP_local_get, 0, OP_throw, TAG_I, OP_end, OP_unreachable, OP_end, OP_drop, OP_i32_const, 1, OP_i32_sub,
		 OP_local_tee, 0, OP_br_if, 0, OP_end, OP_i32_const, 6);
	m = machine(&kept);
	t_u64(machine_i64(m, "f", 1000000), 6);
	set_u64le(slots[0].b, 5000000);
	t_u64(machine_call(m, "f", slots), TRAP_STACK);
	machine_close(m);
}

/* A state that is restored has its exceptions back, and the space of those thrown since. */
TEST(restoring_the_state_frees_kept_exceptions)
{
	struct assembly a = fresh();
	struct machine *m;
	struct wasm_state *state;

	FUNCTION(&a, T_I_I, "", "f", OP_loop, VOID, OP_block, T_V_IE, OP_try_table, VOID, 1, CATCH_REF, TAG_I, 0,
		 OP_local_get, 0, OP_throw, TAG_I, OP_end, OP_unreachable, OP_end, OP_drop, OP_i32_const, 1, OP_i32_sub,
		 OP_local_tee, 0, OP_br_if, 0, OP_end, OP_i32_const, 6);
	m = machine(&a);
	state = wasm_state_save(m->instance, &m->arena);
	for (int turn = 0; turn < 4; turn++) {
		t_u64(machine_i64(m, "f", 1500000), 6);
		wasm_state_restore(m->instance, state);
	}
	machine_close(m);
}

TEST(clauses_have_to_fit_their_labels)
{
	struct assembly tag = fresh(), label = fresh(), values = fresh(), ref = fresh(), kind = fresh();
	struct note note = {0};

	FUNCTION(&tag, T_NONE, "", "f", OP_try_table, VOID, 1, CATCH, 9, 0, OP_end);
	t_err(refused(&tag, &note), E_FORMAT);
	t_check(strstr(note.text, "unknown tag, in function 0 at offset "));
	note_reset(&note);
	FUNCTION(&label, T_NONE, "", "f", OP_try_table, VOID, 1, CATCH_ALL, 1, OP_end);
	t_err(refused(&label, &note), E_FORMAT);
	t_check(strstr(note.text, "unknown label"));
	note_reset(&note);
	FUNCTION(&values, T_NONE, "", "f", OP_try_table, VOID, 1, CATCH, TAG_I, 0, OP_end);
	t_err(refused(&values, &note), E_FORMAT);
	t_check(strstr(note.text, "a catch clause gives other values"));
	note_reset(&note);
	FUNCTION(&ref, T_V_I, "", "f", OP_try_table, VOID, 1, CATCH_REF, TAG_I, 0, OP_end, OP_i32_const, 0);
	t_err(refused(&ref, &note), E_FORMAT);
	note_reset(&note);
	FUNCTION(&kind, T_NONE, "", "f", OP_try_table, VOID, 1, 4, 0, OP_end);
	t_err(refused(&kind, &note), E_FORMAT);
	t_check(strstr(note.text, "malformed catch clause"));
}

TEST_MAIN
