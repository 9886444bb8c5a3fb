/* SPDX-License-Identifier: MIT */
#include "test/random_module.h"

#include "engine/wasm/opcode.h"
#include "test/assemble.h"
#include "test/test.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_MAX = 512, LABELS_MAX = 64, BUDGET = 400, DEPTH = 6, PAGES = 1, PAGES_MAX = 4, TABLE = 12, PASSIVE = 40 };
enum { TAG_EMPTY, TAG_VALUES }; /* the second has (i32 i64) */
enum { VOID = 0x40 };

const char *const random_global_names[RANDOM_GLOBALS] = {"fuel", "step", "gi", "gl", "gf", "gd"};
static const char global_types[RANDOM_GLOBALS] = {'l', 'i', 'i', 'l', 'f', 'd'};

/* Instructions of fixed type, by what they give; 's' gives nothing. */
static struct {
	enum opcode op[ROWS_MAX];
	size_t count;
} rows[256];

struct generator {
	struct random_module *m;
	struct assembly a;
	struct buf b; /* the body at hand */
	uint64_t seed;
	const struct random_function *f;
	char locals[40];         /* with the parameters; the last three are for taking out NaNs */
	bool valued[LABELS_MAX]; /* by label, from outside: a branch to it needs a value */
	unsigned labels;
	int budget;
};

static uint32_t below(struct generator *g, uint32_t n)
{
	return (uint32_t)(t_random(&g->seed) % n);
}

static bool chance(struct generator *g, uint32_t percent)
{
	return below(g, 100) < percent;
}

static void collect_rows(void)
{
	if (rows['i'].count)
		return;
	for (uint32_t n = 0; n < 0x300; n++) {
		uint32_t code = n < 0x100 ? n : n < 0x200 ? 0xfc00 | (n & 0xff) : 0xfd000 | (n & 0xff);
		const struct op_info *row = op_info((enum opcode)code);
		uint8_t key;

		if (!row)
			continue;
		key = row->results[0] ? (uint8_t)row->results[0] : 's';
		rows[key].op[rows[key].count++] = (enum opcode)code;
	}
}

static void op(struct generator *g, uint32_t code)
{
	put_op(&g->b, code);
}

static void op_index(struct generator *g, uint32_t code, uint64_t index)
{
	put_op(&g->b, code);
	put_unsigned(&g->b, index);
}

static void const_i32(struct generator *g, int32_t v)
{
	op(g, OP_i32_const);
	put_signed(&g->b, v);
}

static void const_i64(struct generator *g, int64_t v)
{
	op(g, OP_i64_const);
	put_signed(&g->b, v);
}

/* Numbers at the edges are likelier to show something. */
static uint64_t interesting(struct generator *g)
{
	static const uint64_t edges[] = {0,          1,           2,         7,          31,        32,
					 63,         64,          127,       128,        255,       256,
					 0x7fff,     0x8000,      0xffff,    0x10000,    INT32_MAX, 0x80000000,
					 0xffffffff, 0x100000000, INT64_MAX, 1ull << 63, UINT64_MAX};
	uint64_t v = chance(g, 60) ? edges[below(g, sizeof(edges) / sizeof(*edges))] : t_random(&g->seed);

	return chance(g, 20) ? (uint64_t)0 - v : v;
}

static double interesting_float(struct generator *g)
{
	static const double edges[] = {0,     -0.0,   1,      -1,    0.5,          1.5,  -2.5,         1e10, -1e10,
				       1e300, 1e-310, 3.4e38, 1e-40, 2147483648.0, 9e18, 4294967295.0, 255.5};

	return chance(g, 70) ? edges[below(g, sizeof(edges) / sizeof(*edges))] : (double)(int64_t)t_random(&g->seed);
}

static void constant(struct generator *g, char type)
{
	double d = interesting_float(g);
	float f = (float)d;

	switch (type) {
	case 'i':
		const_i32(g, (int32_t)interesting(g));
		break;
	case 'l':
		const_i64(g, (int64_t)interesting(g));
		break;
	case 'f':
		op(g, OP_f32_const);
		buf_put(&g->b, &f, 4);
		break;
	case 'd':
		op(g, OP_f64_const);
		buf_put(&g->b, &d, 8);
		break;
	default:
		op(g, OP_v128_const);
		for (int k = 0; k < 2; k++)
			set_u64le(buf_grow(&g->b, 8), interesting(g));
	}
}

static void block_type(struct generator *g, char type)
{
	static const char letters[] = "ilfdv";

	buf_put_u8(&g->b, type ? (uint8_t)(0x7f - (strchr(letters, type) - letters)) : VOID);
}

static void enter(struct generator *g, uint32_t code, char type)
{
	op(g, code);
	block_type(g, type);
	must(g->labels < LABELS_MAX);
	g->valued[g->labels++] = type != 0;
}

static void leave(struct generator *g)
{
	op(g, OP_end);
	g->labels--;
}

/* A local of this type: a random one of those that programs use. */
static uint32_t local_of(struct generator *g, char type)
{
	uint32_t n = (uint32_t)strlen(g->locals) - 3, k = below(g, n);

	while (g->locals[k] != type)
		k = (k + 1) % n;
	return k;
}

static void use_fuel(struct generator *g)
{
	op_index(g, OP_global_get, RANDOM_FUEL);
	const_i64(g, 1);
	op(g, OP_i64_sub);
	op_index(g, OP_global_set, RANDOM_FUEL);
	op_index(g, OP_global_get, RANDOM_FUEL);
	const_i64(g, 0);
	op(g, OP_i64_lt_s);
	op(g, OP_if);
	buf_put_u8(&g->b, VOID);
	op(g, OP_unreachable);
	op(g, OP_end);
}

static void expression(struct generator *g, char type, int depth);
static void statements(struct generator *g, int depth);

/* ---- what V8 may do differently: the bits of a NaN ---- */

static bool gives_nan(const char *name)
{
	static const char *const what[] = {"_add",   "_sub", "_mul", "_div",     "_sqrt",   "_ceil",   "_floor",
					   "_trunc", "_min", "_max", "_nearest", "_demote", "_promote"};
	const char *rest = strchr(name, '_');

	for (size_t k = 0; rest && k < sizeof(what) / sizeof(*what); k++)
		if (strncmp(rest, what[k], strlen(what[k])) == 0)
			return name[0] == 'f';
	return false;
}

/* A NaN becomes 0: x where x equals itself. */
static void without_nan(struct generator *g, const char *name)
{
	uint32_t last = (uint32_t)strlen(g->locals) - 1;
	bool vector = strncmp(name, "f32x4", 5) == 0 || strncmp(name, "f64x2", 5) == 0, wide = name[1] == '6';
	uint32_t t = vector ? last : wide ? last - 1 : last - 2;

	if (!g->m->portable || !gives_nan(name))
		return;
	op_index(g, OP_local_tee, t);
	if (vector) {
		op_index(g, OP_local_get, t);
		op_index(g, OP_local_get, t);
		op(g, wide ? OP_f64x2_eq : OP_f32x4_eq);
		op(g, OP_v128_and);
		return;
	}
	op(g, wide ? OP_f64_const : OP_f32_const);
	memset(buf_grow(&g->b, wide ? 8 : 4), 0, wide ? 8 : 4);
	op_index(g, OP_local_get, t);
	op_index(g, OP_local_get, t);
	op(g, wide ? OP_f64_eq : OP_f32_eq);
	op(g, OP_select);
}

/* ---- expressions ---- */

/* Mostly in the first page. */
static void address(struct generator *g, int depth)
{
	char type = g->m->is64 ? 'l' : 'i';

	expression(g, type, depth);
	if (chance(g, 97)) {
		if (g->m->is64)
			const_i64(g, 0xfff0);
		else
			const_i32(g, 0xfff0);
		op(g, g->m->is64 ? OP_i64_and : OP_i32_and);
	}
}

static void immediate(struct generator *g, const struct op_info *row)
{
	if (row->immediate == IMM_MEMORY || row->immediate == IMM_MEMORY_LANE) {
		put_unsigned(&g->b, below(g, row->argument + 1u));
		put_unsigned(&g->b, chance(g, 97) ? below(g, 24) : below(g, 0x20000));
	}
	if (row->immediate == IMM_LANE)
		buf_put_u8(&g->b, (uint8_t)below(g, row->argument));
	if (row->immediate == IMM_MEMORY_LANE)
		buf_put_u8(&g->b, (uint8_t)below(g, 16u >> row->argument));
	if (row->immediate == IMM_BYTES16)
		for (int k = 0; k < 2; k++)
			set_u64le(buf_grow(&g->b, 8), interesting(g));
	if (row->immediate == IMM_SHUFFLE)
		for (int k = 0; k < 16; k++)
			buf_put_u8(&g->b, (uint8_t)below(g, 32));
}

/* Those that trap on most values are rare, or get values on which they do not. */
static bool avoid(struct generator *g, const struct op_info *row)
{
	const char *rest = strchr(row->name, '_');

	return rest && strncmp(rest, "_trunc_f", 8) == 0 && chance(g, 95);
}

static void fixed(struct generator *g, enum opcode code, int depth)
{
	const struct op_info *row = op_info(code);
	bool divides = strstr(row->name, "_div_") || strstr(row->name, "_rem_");

	for (const char *o = row->operands; *o; o++) {
		if (*o == 'p')
			address(g, depth - 1);
		else
			expression(g, *o, depth - 1);
	}
	if (row->operands[0] == 'i' && divides && chance(g, 90)) {
		const_i32(g, 1);
		op(g, OP_i32_or);
	} else if (row->operands[0] == 'l' && divides && chance(g, 90)) {
		const_i64(g, 1);
		op(g, OP_i64_or);
	}
	put_op(&g->b, code);
	immediate(g, row);
	without_nan(g, row->name);
}

static void leaf(struct generator *g, char type)
{
	static const char *const globals = "ilfd";
	const char *at = strchr(globals, type);

	if (chance(g, 45))
		op_index(g, OP_local_get, local_of(g, type));
	else if (at && chance(g, 30))
		op_index(g, OP_global_get, (uint32_t)(RANDOM_I + (at - globals)));
	else
		constant(g, type);
}

static void arguments(struct generator *g, const struct random_function *f, int depth)
{
	for (const char *p = f->params; *p; p++)
		expression(g, *p, depth);
}

/* By number or through the table; there mostly where the function is. */
static void call(struct generator *g, uint32_t index, int depth, bool tail)
{
	const struct random_function *f = &g->m->functions[index];

	arguments(g, f, depth - 1);
	if (chance(g, 60)) {
		op_index(g, tail ? OP_return_call : OP_call, index);
		return;
	}
	if (chance(g, 90)) {
		const_i32(g, (int32_t)index);
	} else {
		expression(g, 'i', 1);
		const_i32(g, 15);
		op(g, OP_i32_and);
	}
	op_index(g, tail ? OP_return_call_indirect : OP_call_indirect, f->type);
	put_unsigned(&g->b, 0);
}

static bool call_for(struct generator *g, char type, int depth)
{
	for (int tries = 0; tries < 4; tries++) {
		uint32_t k = below(g, RANDOM_FUNCTIONS);

		if (g->m->functions[k].results[0] == type && !g->m->functions[k].results[1]) {
			call(g, k, depth, false);
			return true;
		}
	}
	return false;
}

static void if_else(struct generator *g, char type, int depth)
{
	expression(g, 'i', depth - 1);
	enter(g, OP_if, type);
	if (chance(g, 30))
		statements(g, depth - 2);
	expression(g, type, depth - 1);
	op(g, OP_else);
	expression(g, type, depth - 1);
	leave(g);
}

static void block_with_branch(struct generator *g, char type, int depth)
{
	enter(g, OP_block, type);
	expression(g, type, depth - 1);
	expression(g, 'i', depth - 1);
	op_index(g, OP_br_if, 0);
	op(g, OP_drop);
	expression(g, type, depth - 1);
	leave(g);
}

static void choice(struct generator *g, char type, int depth)
{
	expression(g, type, depth - 1);
	expression(g, type, depth - 1);
	expression(g, 'i', depth - 1);
	op(g, OP_select);
}

static void catching(struct generator *g, char type, int depth)
{
	enter(g, OP_try, type);
	statements(g, depth - 2);
	expression(g, type, depth - 1);
	op_index(g, OP_catch, TAG_VALUES);
	op_index(g, OP_global_set, RANDOM_L);
	op_index(g, OP_global_set, RANDOM_I);
	expression(g, type, depth - 1);
	if (chance(g, 50)) {
		op(g, OP_catch_all);
		if (chance(g, 10))
			op_index(g, OP_rethrow, 0);
		else
			expression(g, type, depth - 1);
	}
	leave(g);
}

static void memory_number(struct generator *g)
{
	if (chance(g, 50)) {
		op(g, OP_memory_size);
	} else {
		if (g->m->is64)
			const_i64(g, below(g, 3));
		else
			const_i32(g, (int32_t)below(g, 3));
		op(g, OP_memory_grow);
	}
	buf_put_u8(&g->b, 0);
}

static void expression(struct generator *g, char type, int depth)
{
	uint32_t kind = below(g, 100);
	enum opcode code;

	if (depth <= 0 || --g->budget < 0 || kind < 12) {
		leaf(g, type);
		return;
	}
	if (kind < 18 && call_for(g, type, depth))
		return;
	if (kind < 22)
		if_else(g, type, depth);
	else if (kind < 26)
		block_with_branch(g, type, depth);
	else if (kind < 30)
		choice(g, type, depth);
	else if (kind < 33 && g->m->exceptions)
		catching(g, type, depth);
	else if (kind < 35 && type == (g->m->is64 ? 'l' : 'i'))
		memory_number(g);
	else if (kind < 38) {
		expression(g, type, depth - 1);
		op_index(g, OP_local_tee, local_of(g, type));
	} else {
		do
			code = rows[(uint8_t)type].op[below(g, (uint32_t)rows[(uint8_t)type].count)];
		while (avoid(g, op_info(code)));
		fixed(g, code, depth);
	}
}

/* ---- statements ---- */

static void loop(struct generator *g, int depth)
{
	enter(g, OP_loop, 0);
	use_fuel(g);
	statements(g, depth - 1);
	expression(g, 'i', 2);
	op_index(g, OP_br_if, 0);
	leave(g);
}

/* The depth of a label that takes no value; -1: there is none. */
static int plain_label(struct generator *g)
{
	for (int tries = 0; tries < 4 && g->labels; tries++) {
		uint32_t depth = below(g, g->labels);

		if (!g->valued[g->labels - 1 - depth])
			return (int)depth;
	}
	return -1;
}

/* In a block of its own, so that what follows is not dead. */
static void switch_over(struct generator *g)
{
	uint32_t count = below(g, 4);

	enter(g, OP_block, 0);
	expression(g, 'i', 2);
	op_index(g, OP_br_table, count);
	for (uint32_t k = 0; k <= count; k++) {
		int label = plain_label(g);

		put_unsigned(&g->b, label < 0 ? 0 : (uint32_t)label);
	}
	leave(g);
}

static void small_number(struct generator *g, bool wide, uint32_t most)
{
	uint32_t n = chance(g, 95) ? below(g, most) : below(g, 0x30000);

	if (wide)
		const_i64(g, n);
	else
		const_i32(g, (int32_t)n);
}

static void bulk(struct generator *g, int depth)
{
	bool wide = g->m->is64;

	address(g, depth - 1);
	switch (below(g, 4)) {
	case 0:
		expression(g, 'i', 1);
		small_number(g, wide, 200);
		op(g, OP_memory_fill);
		buf_put_u8(&g->b, 0);
		break;
	case 1:
		address(g, depth - 1);
		small_number(g, wide, 200);
		op(g, OP_memory_copy);
		buf_put(&g->b, "\0", 2);
		break;
	case 2:
		small_number(g, false, PASSIVE / 2);
		small_number(g, false, PASSIVE / 2);
		op_index(g, OP_memory_init, 1);
		buf_put_u8(&g->b, 0);
		break;
	default:
		op(g, OP_drop);
		if (chance(g, 20))
			op_index(g, OP_data_drop, 1);
	}
}

static void table(struct generator *g)
{
	small_number(g, false, TABLE);
	if (chance(g, 40)) {
		small_number(g, false, TABLE);
		op_index(g, OP_table_get, 0);
		op_index(g, OP_table_set, 0);
		return;
	}
	if (chance(g, 50)) {
		small_number(g, false, TABLE);
		const_i32(g, (int32_t)below(g, 3));
		op(g, OP_table_copy);
		buf_put(&g->b, "\0", 2);
		return;
	}
	op_index(g, OP_ref_func, below(g, RANDOM_FUNCTIONS));
	const_i32(g, (int32_t)below(g, 3));
	op_index(g, OP_table_fill, 0);
}

/* A throw, a return, a tail call or an end: under a condition. */
static void way_out(struct generator *g, int depth)
{
	uint32_t k = below(g, RANDOM_FUNCTIONS);
	int label = plain_label(g);

	expression(g, 'i', 2);
	enter(g, OP_if, 0);
	if (g->m->exceptions && chance(g, 50)) {
		if (chance(g, 50)) {
			expression(g, 'i', 1);
			expression(g, 'l', 1);
			op_index(g, OP_throw, TAG_VALUES);
		} else {
			op_index(g, OP_throw, TAG_EMPTY);
		}
	} else if (g->m->tail_calls && strcmp(g->m->functions[k].results, g->f->results) == 0) {
		call(g, k, depth, true);
	} else if (label >= 0 && chance(g, 60)) {
		op_index(g, OP_br, (uint32_t)label + 1);
	} else if (chance(g, 90)) {
		for (const char *r = g->f->results; *r; r++)
			expression(g, *r, 1);
		op(g, OP_return);
	} else {
		op(g, OP_unreachable);
	}
	leave(g);
}

static void set(struct generator *g, int depth)
{
	uint32_t n = (uint32_t)strlen(g->locals) - 3, k = below(g, n + 4);

	if (k < n) {
		expression(g, g->locals[k], depth);
		op_index(g, OP_local_set, k);
		return;
	}
	expression(g, global_types[RANDOM_I + k - n], depth);
	op_index(g, OP_global_set, RANDOM_I + k - n);
}

static void call_statement(struct generator *g, int depth)
{
	uint32_t k = below(g, RANDOM_FUNCTIONS);

	call(g, k, depth, false);
	for (size_t r = strlen(g->m->functions[k].results); r > 0; r--)
		op(g, OP_drop);
}

static void statement(struct generator *g, int depth)
{
	uint32_t kind = below(g, 100);

	op_index(g, OP_global_get, RANDOM_STEP);
	const_i32(g, 1);
	op(g, OP_i32_add);
	op_index(g, OP_global_set, RANDOM_STEP);
	if (kind < 35)
		set(g, depth);
	else if (kind < 60)
		fixed(g, rows['s'].op[below(g, (uint32_t)rows['s'].count)], depth);
	else if (kind < 68)
		call_statement(g, depth);
	else if (kind < 76)
		loop(g, depth);
	else if (kind < 82)
		way_out(g, depth);
	else if (kind < 87)
		switch_over(g);
	else if (kind < 94)
		bulk(g, depth);
	else
		table(g);
}

static void statements(struct generator *g, int depth)
{
	if (depth <= 0 || g->labels + 16 > LABELS_MAX)
		return;
	for (uint32_t n = 1 + below(g, 3); n > 0 && g->budget > 0; n--)
		statement(g, depth);
}

/* ---- the module ---- */

static void letters(struct generator *g, char *out, uint32_t most, bool vectors)
{
	uint32_t n = below(g, most + 1);

	for (uint32_t k = 0; k < n; k++)
		out[k] = "ilfdv"[below(g, vectors ? 5 : 4)];
	out[n] = '\0';
}

static void body(struct generator *g, uint32_t index)
{
	static const char own[] = "iillffddvv", temporary[] = "fdv";
	char name[8];

	g->f = &g->m->functions[index];
	g->budget = BUDGET;
	g->labels = 0;
	buf_clear(&g->b);
	snprintf(g->locals, sizeof(g->locals), "%s%s%s", g->f->params, own, temporary);
	use_fuel(g);
	statements(g, DEPTH);
	statements(g, DEPTH);
	for (const char *r = g->f->results; *r; r++)
		expression(g, *r, DEPTH);
	snprintf(name, sizeof(name), "run%u", index);
	assemble_function(&g->a, g->f->type, g->locals + strlen(g->f->params), buf_bytes(&g->b),
			  g->m->exported[index] ? name : NULL);
}

static void globals(struct generator *g)
{
	for (uint32_t k = 0; k < RANDOM_GLOBALS; k++) {
		buf_clear(&g->b);
		constant(g, global_types[k]);
		assemble_global(&g->a, global_types[k], true, buf_bytes(&g->b), random_global_names[k]);
	}
}

static void data(struct generator *g)
{
	uint8_t bytes[256];

	for (size_t k = 0; k < sizeof(bytes); k++)
		bytes[k] = (uint8_t)t_random(&g->seed);
	assemble_memory(&g->a, g->m->is64, PAGES, PAGES_MAX, "memory");
	assemble_data(&g->a, g->m->is64, 0xff80 - below(g, 0xff00), bytes_of(bytes, sizeof(bytes)));
	assemble_passive(&g->a, bytes_of(bytes, PASSIVE));
}

void random_module_make(struct random_module *m, uint64_t seed, struct buf *out)
{
	struct generator g = {.m = m, .seed = seed};
	uint32_t all[RANDOM_FUNCTIONS];

	collect_rows();
	*m = (struct random_module){.is64 = chance(&g, 30),
				    .portable = chance(&g, 70),
				    .exceptions = chance(&g, 50),
				    .tail_calls = chance(&g, 30)};
	for (uint32_t k = 0; k < RANDOM_FUNCTIONS; k++) {
		struct random_function *f = &m->functions[k];

		m->exported[k] = k < 4;
		letters(&g, f->params, RANDOM_PARAMS_MAX, !m->exported[k]);
		letters(&g, f->results, RANDOM_RESULTS_MAX, !m->exported[k]);
		f->type = assemble_type(&g.a, f->params, f->results);
		all[k] = k;
	}
	if (m->exceptions) {
		assemble_tag(&g.a, assemble_type(&g.a, "", ""));
		assemble_tag(&g.a, assemble_type(&g.a, "il", ""));
	}
	assemble_table(&g.a, 'F', false, TABLE, TABLE);
	globals(&g);
	data(&g);
	assemble_elements(&g.a, false, 0, all, RANDOM_FUNCTIONS);
	for (uint32_t k = 0; k < RANDOM_FUNCTIONS; k++)
		body(&g, k);
	assemble_module(&g.a, out);
	assemble_release(&g.a);
	buf_release(&g.b);
}
