/* SPDX-License-Identifier: MIT
 *
 * limit_test: what a hostile module runs into (enum wasm_limit), and that an error says what, and where.
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

static enum err check(struct assembly *a, struct note *note)
{
	struct buf wasm = BUF_EMPTY;
	struct arena arena = ARENA_EMPTY;
	struct wasm_module m;
	enum err e;

	note_reset(note);
	assemble_module(a, &wasm);
	assemble_release(a);
	e = wasm_decode(&m, &arena, buf_bytes(&wasm), note);
	if (e == OK)
		e = wasm_validate(&m, note);
	arena_release(&arena);
	buf_release(&wasm);
	return e;
}

static void expect(struct assembly *a, enum err want, const char *text)
{
	struct note note = {0};

	t_err(check(a, &note), want);
	if (text && !strstr(note.text, text))
		t_fail("\"%s\" is not in \"%s\"", text, note.text);
}

/* A module of one function without parameters, of this body. */
static struct assembly of_body(const struct buf *body)
{
	struct assembly a = {0};

	assemble_type(&a, "", "");
	assemble_function(&a, 0, "", buf_bytes(body), NULL);
	return a;
}

static struct buf repeated(const void *piece, size_t len, size_t times)
{
	struct buf b = BUF_EMPTY;

	for (size_t i = 0; i < times; i++)
		buf_put(&b, piece, len);
	return b;
}

TEST(a_body_has_a_size)
{
	struct buf body = repeated("\x01", 1, WASM_BODY_MAX - 2); /* nop; with the count of locals and the end */
	struct assembly a = of_body(&body);

	expect(&a, OK, NULL);
	buf_put_u8(&body, OP_nop);
	a = of_body(&body);
	expect(&a, E_LIMIT, "bytes in one function than the limit of 1048576, at offset ");
	buf_release(&body);
}

TEST(blocks_nest_to_a_depth)
{
	uint8_t open[2] = {OP_block, 0x40}, close[1] = {OP_end};
	size_t most = WASM_NESTING_MAX - 1; /* the function itself is one */

	for (int over = 0; over < 2; over++) {
		struct buf body = repeated(open, 2, most + over), ends = repeated(close, 1, most + over);
		struct assembly a;

		buf_put_bytes(&body, buf_bytes(&ends));
		a = of_body(&body);
		expect(&a, over ? E_LIMIT : OK, over ? "blocks in blocks than the limit of 10000" : NULL);
		buf_release(&body);
		buf_release(&ends);
	}
}

static struct assembly with_locals(uint64_t first, uint64_t second)
{
	struct assembly a = {0};
	struct buf code = BUF_EMPTY;

	assemble_type(&a, "", "");
	put_unsigned(&a.functions, 0);
	a.function_count = a.defined_count = 1;
	put_unsigned(&code, 2);
	put_unsigned(&code, first);
	buf_put_u8(&code, WASM_I32);
	put_unsigned(&code, second);
	buf_put_u8(&code, WASM_F64);
	buf_put_u8(&code, OP_end);
	put_unsigned(&a.code, code.len);
	buf_put_bytes(&a.code, buf_bytes(&code));
	buf_release(&code);
	return a;
}

TEST(locals_are_counted_before_they_are_made)
{
	struct assembly a = with_locals(WASM_LOCALS_MAX - 1, 1);

	expect(&a, OK, NULL);
	a = with_locals(WASM_LOCALS_MAX, 1);
	expect(&a, E_LIMIT, "locals in one function");
	a = with_locals(UINT32_MAX, UINT32_MAX);
	expect(&a, E_LIMIT, "locals in one function");
}

TEST(locals_of_all_functions_are_counted)
{
	struct assembly a = with_locals(WASM_LOCALS_MAX - 1, 1), all = {0};
	uint32_t most = WASM_LOCALS_ALL_MAX / WASM_LOCALS_MAX;

	assemble_type(&all, "", "");
	for (uint32_t i = 0; i <= most; i++) {
		put_unsigned(&all.functions, 0);
		buf_put_bytes(&all.code, buf_bytes(&a.code));
	}
	all.function_count = all.defined_count = most + 1;
	assemble_release(&a);
	expect(&all, E_LIMIT, "locals in all functions");
}

TEST(a_branch_table_has_a_size)
{
	for (uint32_t over = 0; over < 2; over++) {
		struct buf body = BUF_EMPTY;
		struct assembly a;

		buf_put_u8(&body, OP_i32_const);
		put_signed(&body, 0);
		buf_put_u8(&body, OP_br_table);
		put_unsigned(&body, WASM_BRANCHES_MAX + over);
		for (uint32_t i = 0; i <= WASM_BRANCHES_MAX + over; i++)
			put_unsigned(&body, 0);
		a = of_body(&body);
		expect(&a, over ? E_LIMIT : OK, over ? "targets of one br_table" : NULL);
		buf_release(&body);
	}
}

/* Two bytes of code that move a thousand values: a megabyte of them is work for hours. */
TEST(values_moved_are_counted)
{
	char many[WASM_PARAMS_MAX + 1];
	struct assembly a = {0};
	struct buf body = BUF_EMPTY;
	uint32_t taker;

	memset(many, 'l', WASM_PARAMS_MAX);
	many[WASM_PARAMS_MAX] = '\0';
	assemble_type(&a, "", many);
	assemble_type(&a, many, "");
	assemble_type(&a, "", "");
	buf_put_u8(&body, OP_unreachable);
	taker = assemble_function(&a, 0, "", buf_bytes(&body), NULL);
	assemble_function(&a, 1, "", buf_bytes(&body), NULL);
	for (size_t i = 0; i < WASM_MOVES_MAX / (4 * WASM_PARAMS_MAX) / 2; i++) {
		buf_put_u8(&body, OP_call);
		put_unsigned(&body, taker);
		buf_put_u8(&body, OP_call);
		put_unsigned(&body, taker + 1);
	}
	for (int i = 0; i < 6; i++)
		assemble_function(&a, 2, "", bytes_from(buf_bytes(&body), 1), NULL);
	buf_release(&body);
	expect(&a, E_LIMIT, "values moved by its instructions");
}

TEST(a_table_begins_with_so_many_elements)
{
	struct assembly a = {0};

	assemble_table(&a, 'F', false, WASM_TABLE_MAX + 1, UINT64_MAX);
	expect(&a, E_LIMIT, "table elements");
	for (int i = 0; i <= WASM_TABLES_MAX; i++)
		assemble_table(&a, 'F', false, 0, UINT64_MAX);
	expect(&a, E_LIMIT, "tables");
}

/* Counts that the bytes cannot hold are refused before anything is allocated for them. */
TEST(a_count_cannot_pass_the_end_of_its_section)
{
	struct assembly a = {0};

	assemble_type(&a, "", "");
	a.type_count = 99999;
	expect(&a, E_FORMAT, "a count runs past the end of its section at offset ");
}

/* Equal types are one type, however many there are: call_indirect compares them. */
TEST(many_types_are_compared_quickly)
{
	struct assembly a = {0};
	struct note note = {0};
	char letters[20];

	for (uint32_t i = 0; i < 50000; i++) {
		for (int bit = 0; bit < 15; bit++)
			letters[bit] = i >> bit & 1 ? 'i' : 'l';
		letters[15] = '\0';
		assemble_type(&a, letters, i & 0x8000 ? "f" : "d");
	}
	t_err(check(&a, &note), OK);
}

TEST(an_export_name_stands_once)
{
	struct assembly a = {0};
	uint8_t body[] = {OP_nop};

	assemble_type(&a, "", "");
	assemble_function(&a, 0, "", bytes_of(body, 1), "b");
	assemble_function(&a, 0, "", bytes_of(body, 1), "a");
	assemble_function(&a, 0, "", bytes_of(body, 1), "b");
	expect(&a, E_FORMAT, "duplicate export name at offset ");
}

TEST(an_error_names_the_instruction)
{
	struct assembly a = {0};
	uint8_t body[] = {OP_nop, OP_nop, OP_i32_const, 1, OP_f32_neg, OP_drop};

	assemble_type(&a, "", "");
	assemble_function(&a, 0, "", bytes_of(body, sizeof(body)), NULL);
	/* 8 of the head, type section 6, function section 4, code section: id, size, count, size, locals, then 4 */
	expect(&a, E_FORMAT, "type mismatch: f32 is wanted and i32 is there, in function 0 at offset 27");
}

/* ---- 64-bit tables, which wabt 1.0.32 does not know either ---- */

TEST(a_64_bit_table_has_64_bit_indices)
{
	struct assembly a = {0};
	struct note note = {0};
	struct buf wasm = BUF_EMPTY;
	struct machine *m;
	struct vm_slot slots[2] = {{{0}}};
	uint8_t five[] = {OP_i32_const, 5};
	uint8_t call[] = {OP_local_get, 0, OP_call_indirect, 0, 0};
	uint8_t grow[] = {OP_ref_null, WASM_FUNCREF, OP_local_get, 0, 0xfc, 15, 0};
	uint32_t function;

	assemble_type(&a, "", "i");
	assemble_type(&a, "l", "i");
	assemble_type(&a, "l", "l");
	assemble_table(&a, 'F', true, 4, 10);
	function = assemble_function(&a, 0, "", bytes_of(five, sizeof(five)), NULL);
	assemble_function(&a, 1, "", bytes_of(call, sizeof(call)), "call");
	assemble_function(&a, 2, "", bytes_of(grow, sizeof(grow)), "grow");
	assemble_elements(&a, true, 3, &function, 1);
	assemble_module(&a, &wasm);
	assemble_release(&a);
	t_ok(machine_open(&m, wasm, tier(), &note));
	t_u64((uint32_t)machine_i64(m, "call", 3), 5);
	set_u64le(slots[0].b, 0x100000003);
	t_u64(machine_call(m, "call", slots), TRAP_TABLE);
	t_u64(machine_i64(m, "grow", 6), 4);
	t_u64(machine_i64(m, "grow", 1), UINT64_MAX);
	machine_close(m);
}

/* down(n) calls itself n times, and gives n. */
TEST(calls_nest_to_a_depth_and_give_it_back)
{
	struct assembly a = {0};
	struct note note = {0};
	struct buf wasm = BUF_EMPTY;
	struct machine *m;
	struct vm_slot slots[1] = {{{0}}};
	uint8_t down[] = {OP_local_get, 0, OP_i64_eqz,   OP_if, 0x40,       OP_i64_const, 0, OP_return,    OP_end,
			  OP_local_get, 0, OP_i64_const, 1,     OP_i64_sub, OP_call,      0, OP_i64_const, 1,
			  OP_i64_add};

	assemble_type(&a, "l", "l");
	assemble_function(&a, 0, "", bytes_of(down, sizeof(down)), "down");
	assemble_module(&a, &wasm);
	assemble_release(&a);
	t_ok(machine_open(&m, wasm, tier(), &note));
	for (int again = 0; again < 2; again++) {
		t_u64(machine_i64(m, "down", VM_DEPTH - 1), VM_DEPTH - 1);
		set_u64le(slots[0].b, VM_DEPTH);
		t_u64(machine_call(m, "down", slots), TRAP_STACK);
	}
	machine_close(m);
}

TEST_MAIN
