/* SPDX-License-Identifier: MIT */
#include "engine/wasm/body.h"
#include "engine/wasm/opcode.h"

#include <stdlib.h>
#include <string.h>

struct frame {
	enum opcode op;
	const uint8_t *params, *results; /* results NULL: `single` */
	uint32_t param_count, result_count;
	uint32_t height; /* operands below this belong to the frames outside */
	bool unreachable;
	uint8_t single[1]; /* result type of a short block type */
};

struct validator {
	struct wasm_module *m;
	struct note *note;
	struct wasm_function *f;
	uint32_t function;
	struct cursor c;
	const uint8_t *at; /* the instruction at hand */
	uint8_t *operands;
	uint32_t operand_count, operand_cap;
	struct frame *frames;
	uint32_t frame_count, frame_cap;
	uint8_t *locals;
	uint32_t local_count;
	uint64_t locals_all, moves; /* of all bodies so far */
	enum err failed;
};

/* ---- errors: the first one counts, so checks go on after it without looking ---- */

static void fail(struct validator *v, const char *what)
{
	if (!v->failed)
		v->failed = note_err(v->note, E_FORMAT, "the module is invalid: %s, in function %u at offset %zu", what,
				     v->function, (size_t)(v->at - v->m->raw.ptr));
}

static void fail_past(struct validator *v, const char *what, unsigned long long limit)
{
	if (!v->failed)
		v->failed = note_err(v->note, E_LIMIT,
				     "the module has more %s than the limit of %llu, in function %u at offset %zu",
				     what, limit, v->function, (size_t)(v->at - v->m->raw.ptr));
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case WASM_I32:
		return "i32";
	case WASM_I64:
		return "i64";
	case WASM_F32:
		return "f32";
	case WASM_F64:
		return "f64";
	case WASM_V128:
		return "v128";
	case WASM_FUNCREF:
		return "funcref";
	case WASM_EXTERNREF:
		return "externref";
	case WASM_EXNREF:
		return "exnref";
	default:
		return "any type";
	}
}

static void fail_type(struct validator *v, uint8_t want, uint8_t got)
{
	if (!v->failed)
		v->failed = note_err(v->note, E_FORMAT,
				     "the module is invalid: type mismatch: %s is wanted and %s is there, in function "
				     "%u at offset %zu",
				     type_name(want), type_name(got), v->function, (size_t)(v->at - v->m->raw.ptr));
}

/* ---- operands ---- */

/* Each value that an instruction takes or gives is work for the translator too; types can make that
 * a thousand values for two bytes of code, so the sum is bounded. */
static void count_move(struct validator *v)
{
	v->f->moves++;
	if (++v->moves > WASM_MOVES_MAX)
		fail_past(v, "values moved by its instructions", WASM_MOVES_MAX);
}

static void push(struct validator *v, uint8_t type)
{
	count_move(v);
	if (v->operand_count == v->operand_cap) {
		v->operand_cap = v->operand_cap ? 2 * v->operand_cap : 256;
		v->operands = realloc(v->operands, v->operand_cap);
		must(v->operands != NULL);
	}
	v->operands[v->operand_count++] = type;
	if (v->operand_count > v->f->height_max)
		v->f->height_max = v->operand_count;
}

static uint8_t pop_any(struct validator *v)
{
	struct frame *top = &v->frames[v->frame_count - 1];

	count_move(v);
	if (v->operand_count == top->height) {
		if (!top->unreachable)
			fail(v, "type mismatch: the operand stack is empty");
		return WASM_ANY;
	}
	return v->operands[--v->operand_count];
}

static uint8_t pop(struct validator *v, uint8_t want)
{
	uint8_t got = pop_any(v);

	if (got != want && got != WASM_ANY && want != WASM_ANY)
		fail_type(v, want, got);
	return got;
}

static void pop_list(struct validator *v, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = count; i-- > 0 && !v->failed;)
		pop(v, types[i]);
}

static void push_list(struct validator *v, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count && !v->failed; i++)
		push(v, types[i]);
}

/* ---- control ---- */

static const uint8_t *results_of(const struct frame *f)
{
	return f->results ? f->results : f->single;
}

static void enter(struct validator *v, struct frame f)
{
	if (v->frame_count >= WASM_NESTING_MAX) {
		fail_past(v, "blocks in blocks", WASM_NESTING_MAX);
		return;
	}
	if (v->frame_count == v->frame_cap) {
		v->frame_cap = v->frame_cap ? 2 * v->frame_cap : 64;
		v->frames = realloc(v->frames, v->frame_cap * sizeof(*v->frames));
		must(v->frames != NULL);
	}
	f.height = v->operand_count;
	f.unreachable = false;
	v->frames[v->frame_count++] = f;
}

static struct frame leave(struct validator *v)
{
	struct frame f = v->frames[v->frame_count - 1];

	pop_list(v, results_of(&f), f.result_count);
	if (v->operand_count != f.height)
		fail(v, "type mismatch: values are left on the stack at the end of a block");
	v->operand_count = f.height;
	v->frame_count--;
	return f;
}

static void unreachable(struct validator *v)
{
	struct frame *f = &v->frames[v->frame_count - 1];

	v->operand_count = f->height;
	f->unreachable = true;
}

static const struct frame *label(struct validator *v, uint32_t depth)
{
	if (depth >= v->frame_count) {
		fail(v, "unknown label");
		return NULL;
	}
	return &v->frames[v->frame_count - 1 - depth];
}

static const uint8_t *label_types(const struct frame *f, uint32_t *count)
{
	if (f->op == OP_loop) {
		*count = f->param_count;
		return f->params;
	}
	*count = f->result_count;
	return results_of(f);
}

/* A block type is an empty one, a value type, or a type index as a positive s33. */
static bool block_type(struct validator *v, struct frame *f)
{
	uint8_t first = v->c.at < v->c.end ? *v->c.at : 0;
	int64_t index;

	if ((first & 0xc0) == 0x40) {
		v->c.at++;
		if (first != 0x40 && !wasm_is_value(first)) {
			fail(v, "malformed block type");
			return false;
		}
		f->single[0] = first;
		f->result_count = first != 0x40;
		return true;
	}
	index = cursor_signed(&v->c, 33);
	if (index < 0 || index >= v->m->type_count) {
		fail(v, "unknown type");
		return false;
	}
	f->params = v->m->types[index].params;
	f->param_count = v->m->types[index].param_count;
	f->results = v->m->types[index].results;
	f->result_count = v->m->types[index].result_count;
	return true;
}

static void block(struct validator *v, enum opcode op)
{
	struct frame f = {.op = op};

	if (!block_type(v, &f))
		return;
	pop_list(v, f.params, f.param_count);
	enter(v, f);
	push_list(v, f.params, f.param_count);
}

static void else_op(struct validator *v)
{
	struct frame f;

	if (v->frames[v->frame_count - 1].op != OP_if) {
		fail(v, "else without if");
		return;
	}
	f = leave(v);
	f.op = OP_else;
	enter(v, f);
	push_list(v, f.params, f.param_count);
}

static void end(struct validator *v)
{
	struct frame f = leave(v);

	if (f.op == OP_if && (f.param_count != f.result_count ||
			      (f.param_count && memcmp(f.params, results_of(&f), f.param_count) != 0)))
		fail(v, "type mismatch: an if without else has to leave what it took");
	if (v->frame_count)
		push_list(v, results_of(&f), f.result_count);
}

static void branch(struct validator *v, bool conditional)
{
	const struct frame *f;
	const uint8_t *types;
	uint32_t n;

	if (conditional)
		pop(v, WASM_I32);
	f = label(v, cursor_u32(&v->c));
	if (!f)
		return;
	types = label_types(f, &n);
	pop_list(v, types, n);
	if (conditional)
		push_list(v, types, n);
	else
		unreachable(v);
}

/* All targets look at the same operands, so those of each are put back for the next. */
static void br_table(struct validator *v)
{
	uint8_t kept[WASM_PARAMS_MAX];
	uint32_t count, arity = 0;

	pop(v, WASM_I32);
	count = cursor_u32(&v->c);
	if (count > cursor_left(&v->c))
		fail(v, "a branch table is cut off");
	else if (count > WASM_BRANCHES_MAX)
		fail_past(v, "targets of one br_table", WASM_BRANCHES_MAX);
	for (uint32_t i = 0; i <= count && !v->failed; i++) {
		const struct frame *f = label(v, cursor_u32(&v->c));
		const uint8_t *types;
		uint32_t n;

		if (!f)
			return;
		types = label_types(f, &n);
		if (i == 0)
			arity = n;
		if (n != arity) {
			fail(v, "type mismatch: the targets of br_table take different numbers of values");
			return;
		}
		for (uint32_t k = n; k-- > 0;)
			kept[k] = pop(v, types[k]);
		if (i < count)
			push_list(v, kept, n);
	}
	unreachable(v);
}

/* ---- exceptions ---- */

static const struct wasm_func_type *tag(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->tag_count) {
		fail(v, "unknown tag");
		return NULL;
	}
	return &v->m->types[v->m->tags[index].type];
}

static void throw_op(struct validator *v)
{
	const struct wasm_func_type *t = tag(v);

	if (t)
		pop_list(v, t->params, t->param_count);
	unreachable(v);
}

static void rethrow(struct validator *v)
{
	const struct frame *f = label(v, cursor_u32(&v->c));

	if (f && f->op != OP_catch && f->op != OP_catch_all)
		fail(v, "invalid rethrow label: it is no catch");
	unreachable(v);
}

static void catch_op(struct validator *v, enum opcode op)
{
	const struct wasm_func_type *t = NULL;
	enum opcode before = v->frames[v->frame_count - 1].op;
	struct frame f;

	if (before != OP_try && before != OP_catch) {
		fail(v, op == OP_catch ? "catch without try" : "catch_all without try");
		return;
	}
	if (op == OP_catch && !(t = tag(v)))
		return;
	f = leave(v);
	f.op = op;
	enter(v, f);
	if (t)
		push_list(v, t->params, t->param_count);
}

/* Ends a try; its label is counted from outside of it. */
static void delegate(struct validator *v)
{
	struct frame f;

	if (v->frames[v->frame_count - 1].op != OP_try) {
		fail(v, "delegate without try");
		return;
	}
	f = leave(v);
	(void)label(v, cursor_u32(&v->c));
	push_list(v, results_of(&f), f.result_count);
}

/* What a clause gives, and what its label takes: the tag's values, then perhaps the exception itself. */
static void clause(struct validator *v)
{
	uint8_t kind = cursor_u8(&v->c);
	bool with_ref = kind == CATCH_REF || kind == CATCH_ALL_REF;
	const struct wasm_func_type *t = kind == CATCH || kind == CATCH_REF ? tag(v) : NULL;
	const struct frame *f = label(v, cursor_u32(&v->c));
	uint32_t n, given = t ? t->param_count : 0;
	const uint8_t *types;

	if (kind > CATCH_ALL_REF)
		fail(v, "malformed catch clause");
	if (v->failed)
		return;
	types = label_types(f, &n);
	if (n != given + with_ref || (given && memcmp(types, t->params, given) != 0) ||
	    (with_ref && types[given] != WASM_EXNREF))
		fail(v, "type mismatch: a catch clause gives other values than its label takes");
	if (with_ref)
		v->m->exception_values = true;
}

static void try_table(struct validator *v)
{
	struct frame f = {.op = OP_try_table};
	uint32_t count;

	if (!block_type(v, &f))
		return;
	count = cursor_u32(&v->c);
	if (count > WASM_CATCHES_MAX)
		fail_past(v, "clauses of one try_table", WASM_CATCHES_MAX);
	for (uint32_t i = 0; i < count && !v->failed; i++)
		clause(v);
	pop_list(v, f.params, f.param_count);
	enter(v, f);
	push_list(v, f.params, f.param_count);
}

static void exception_op(struct validator *v, enum opcode op)
{
	v->m->exceptions = true;
	switch ((unsigned)op) {
	case OP_try:
		v->f->catches = true;
		block(v, op);
		break;
	case OP_try_table:
		v->f->catches = true;
		try_table(v);
		break;
	case OP_catch:
	case OP_catch_all:
		catch_op(v, op);
		break;
	case OP_delegate:
		delegate(v);
		break;
	case OP_throw:
		throw_op(v);
		break;
	case OP_rethrow:
		rethrow(v);
		break;
	default:
		pop(v, WASM_EXNREF);
		unreachable(v);
	}
}

/* ---- instructions of fixed type ---- */

static uint8_t address_type(const struct validator *v)
{
	return v->m->memory.is64 ? WASM_I64 : WASM_I32;
}

static uint8_t letter(const struct validator *v, char c)
{
	switch (c) {
	case 'i':
		return WASM_I32;
	case 'l':
		return WASM_I64;
	case 'f':
		return WASM_F32;
	case 'd':
		return WASM_F64;
	case 'v':
		return WASM_V128;
	default:
		return address_type(v);
	}
}

static void need_memory(struct validator *v)
{
	if (!v->m->has_memory)
		fail(v, "unknown memory 0");
}

static void memory_immediate(struct validator *v, unsigned natural)
{
	need_memory(v);
	if (cursor_u32(&v->c) > natural)
		fail(v, "alignment must not be larger than natural");
	(void)cursor_unsigned(&v->c, v->m->memory.is64 ? 64 : 32);
}

static void fixed(struct validator *v, const struct op_info *row)
{
	switch (row->immediate) {
	case IMM_NONE:
		break;
	case IMM_MEMORY:
		memory_immediate(v, row->argument);
		break;
	case IMM_MEMORY_LANE:
		memory_immediate(v, row->argument);
		if (cursor_u8(&v->c) >= 16u >> row->argument)
			fail(v, "invalid lane index");
		break;
	case IMM_LANE:
		if (cursor_u8(&v->c) >= row->argument)
			fail(v, "invalid lane index");
		break;
	case IMM_BYTES16:
		(void)cursor_bytes(&v->c, 16);
		break;
	case IMM_SHUFFLE:
		for (int i = 0; i < 16; i++)
			if (cursor_u8(&v->c) >= 32)
				fail(v, "invalid lane index");
		break;
	}
	for (size_t i = strlen(row->operands); i-- > 0;)
		pop(v, letter(v, row->operands[i]));
	for (const char *r = row->results; *r; r++)
		push(v, letter(v, *r));
}

/* ---- calls ---- */

static const struct wasm_table *table(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->table_count) {
		fail(v, "unknown table");
		return NULL;
	}
	return &v->m->tables[index];
}

static uint8_t index_type(const struct wasm_table *t)
{
	return t->limits.is64 ? WASM_I64 : WASM_I32;
}

static void finish_call(struct validator *v, const struct wasm_func_type *t, bool tail)
{
	const struct frame *f = &v->frames[0];

	pop_list(v, t->params, t->param_count);
	if (!tail) {
		push_list(v, t->results, t->result_count);
		return;
	}
	if (t->result_count != f->result_count ||
	    (t->result_count && memcmp(t->results, results_of(f), t->result_count) != 0))
		fail(v, "type mismatch: a tail call gives other results than the function has");
	v->m->tail_calls = true;
	unreachable(v);
}

static void call(struct validator *v, bool tail)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->function_count) {
		fail(v, "unknown function");
		return;
	}
	if (v->m->functions[index].asyncify)
		v->m->asyncify_reachable = true;
	finish_call(v, wasm_type_of(v->m, index), tail);
}

static void call_indirect(struct validator *v, bool tail)
{
	uint32_t type = cursor_u32(&v->c);
	const struct wasm_table *t = table(v);

	if (!t)
		return;
	if (t->type != WASM_FUNCREF)
		fail(v, "type mismatch: the table holds no functions");
	if (type >= v->m->type_count) {
		fail(v, "unknown type");
		return;
	}
	pop(v, index_type(t));
	finish_call(v, &v->m->types[type], tail);
}

/* ---- parametric, variables, references ---- */

static void select_op(struct validator *v, bool typed)
{
	uint8_t type = WASM_ANY, a, b;

	if (typed) {
		if (cursor_u32(&v->c) != 1)
			fail(v, "invalid result arity");
		type = cursor_u8(&v->c);
		if (!wasm_is_value(type))
			fail(v, "malformed value type");
	}
	pop(v, WASM_I32);
	a = pop(v, type);
	b = pop(v, typed ? type : a);
	if (!typed && (wasm_is_reference(a) || wasm_is_reference(b)))
		fail(v, "type mismatch: select of references needs a type");
	push(v, typed ? type : a != WASM_ANY ? a : b);
}

static void global_op(struct validator *v, bool set)
{
	uint32_t index = cursor_u32(&v->c);
	struct wasm_global *g;

	if (index >= v->m->global_count) {
		fail(v, "unknown global");
		return;
	}
	g = &v->m->globals[index];
	if (!set) {
		push(v, g->type);
		return;
	}
	if (!g->is_mutable)
		fail(v, "global is immutable");
	if (!v->f->asyncify)
		g->written = true;
	pop(v, g->type);
}

static void local_op(struct validator *v, enum opcode op)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->local_count) {
		fail(v, "unknown local");
		return;
	}
	if (op != OP_local_get)
		pop(v, v->locals[index]);
	if (op != OP_local_set)
		push(v, v->locals[index]);
}

static void ref_null(struct validator *v)
{
	uint8_t type = cursor_u8(&v->c);

	if (!wasm_is_reference(type))
		fail(v, "malformed reference type");
	push(v, type);
}

static void ref_is_null(struct validator *v)
{
	uint8_t type = pop_any(v);

	if (type != WASM_ANY && !wasm_is_reference(type))
		fail(v, "type mismatch: a reference is wanted");
	push(v, WASM_I32);
}

static void ref_func(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->function_count)
		fail(v, "unknown function");
	else if (!v->m->functions[index].declared)
		fail(v, "undeclared function reference");
	else if (v->m->functions[index].asyncify)
		v->m->asyncify_reachable = true;
	push(v, WASM_FUNCREF);
}

/* ---- tables and bulk memory ---- */

static void table_init(struct validator *v)
{
	uint32_t segment = cursor_u32(&v->c);
	const struct wasm_table *t = table(v);

	v->m->tables_change = true;
	if (segment >= v->m->element_count)
		fail(v, "unknown elem segment");
	else if (t && v->m->elements[segment].type != t->type)
		fail_type(v, t->type, v->m->elements[segment].type);
	pop(v, WASM_I32), pop(v, WASM_I32), pop(v, t ? index_type(t) : WASM_ANY);
}

static void table_copy(struct validator *v)
{
	const struct wasm_table *to = table(v), *from = table(v);

	if (!to || !from)
		return;
	v->m->tables_change = true;
	if (to->type != from->type)
		fail_type(v, to->type, from->type);
	pop(v, to->limits.is64 && from->limits.is64 ? WASM_I64 : WASM_I32);
	pop(v, index_type(from)), pop(v, index_type(to));
}

static void table_op(struct validator *v, enum opcode op)
{
	const struct wasm_table *t = table(v);
	uint8_t at;

	if (!t)
		return;
	if (op != OP_table_get && op != OP_table_size)
		v->m->tables_change = true;
	at = index_type(t);
	switch ((unsigned)op) {
	case OP_table_get:
		pop(v, at), push(v, t->type);
		break;
	case OP_table_set:
		pop(v, t->type), pop(v, at);
		break;
	case OP_table_size:
		push(v, at);
		break;
	case OP_table_grow:
		pop(v, at), pop(v, t->type), push(v, at);
		break;
	default: /* table.fill */
		pop(v, at), pop(v, t->type), pop(v, at);
	}
}

static void elem_drop(struct validator *v)
{
	if (cursor_u32(&v->c) >= v->m->element_count)
		fail(v, "unknown elem segment");
}

static void zero_byte(struct validator *v)
{
	if (cursor_u8(&v->c) != 0)
		fail(v, "zero byte expected: there is one memory at most");
}

static void memory_op(struct validator *v, enum opcode op)
{
	uint8_t p = address_type(v);

	if (op == OP_memory_init || op == OP_data_drop) {
		uint32_t segment = cursor_u32(&v->c);

		if (!v->m->has_data_count)
			fail(v, "data count section required");
		else if (segment >= v->m->data_count_declared)
			fail(v, "unknown data segment");
		if (op == OP_data_drop)
			return;
	}
	need_memory(v);
	zero_byte(v);
	switch ((unsigned)op) {
	case OP_memory_size:
		push(v, p);
		break;
	case OP_memory_grow:
		pop(v, p), push(v, p);
		break;
	case OP_memory_init:
		pop(v, WASM_I32), pop(v, WASM_I32), pop(v, p);
		break;
	case OP_memory_fill:
		pop(v, p), pop(v, WASM_I32), pop(v, p);
		break;
	default: /* memory.copy */
		zero_byte(v);
		pop(v, p), pop(v, p), pop(v, p);
	}
}

/* ---- one instruction, one body, all ---- */

static void instruction(struct validator *v)
{
	enum opcode op;
	const struct op_info *row;

	v->at = v->c.at;
	op = op_read(&v->c);
	row = op_info(op);
	if (row) {
		fixed(v, row);
		return;
	}
	switch ((unsigned)op) {
	case OP_unreachable:
		unreachable(v);
		break;
	case OP_nop:
		break;
	case OP_if:
		pop(v, WASM_I32);
		block(v, op);
		break;
	case OP_block:
	case OP_loop:
		block(v, op);
		break;
	case OP_else:
		else_op(v);
		break;
	case OP_end:
		end(v);
		break;
	case OP_try:
	case OP_try_table:
	case OP_catch:
	case OP_catch_all:
	case OP_delegate:
	case OP_throw:
	case OP_rethrow:
	case OP_throw_ref:
		exception_op(v, op);
		break;
	case OP_br:
	case OP_br_if:
		branch(v, op == OP_br_if);
		break;
	case OP_br_table:
		br_table(v);
		break;
	case OP_return:
		pop_list(v, results_of(&v->frames[0]), v->frames[0].result_count);
		unreachable(v);
		break;
	case OP_call:
	case OP_return_call:
		call(v, op == OP_return_call);
		break;
	case OP_call_indirect:
	case OP_return_call_indirect:
		call_indirect(v, op == OP_return_call_indirect);
		break;
	case OP_drop:
		pop_any(v);
		break;
	case OP_select:
	case OP_select_typed:
		select_op(v, op == OP_select_typed);
		break;
	case OP_local_get:
	case OP_local_set:
	case OP_local_tee:
		local_op(v, op);
		break;
	case OP_global_get:
	case OP_global_set:
		global_op(v, op == OP_global_set);
		break;
	case OP_i32_const:
		(void)cursor_s32(&v->c), push(v, WASM_I32);
		break;
	case OP_i64_const:
		(void)cursor_s64(&v->c), push(v, WASM_I64);
		break;
	case OP_f32_const:
		(void)cursor_bytes(&v->c, 4), push(v, WASM_F32);
		break;
	case OP_f64_const:
		(void)cursor_bytes(&v->c, 8), push(v, WASM_F64);
		break;
	case OP_ref_null:
		ref_null(v);
		break;
	case OP_ref_is_null:
		ref_is_null(v);
		break;
	case OP_ref_func:
		ref_func(v);
		break;
	case OP_table_init:
		table_init(v);
		break;
	case OP_table_copy:
		table_copy(v);
		break;
	case OP_elem_drop:
		elem_drop(v);
		break;
	case OP_table_get:
	case OP_table_set:
	case OP_table_grow:
	case OP_table_size:
	case OP_table_fill:
		table_op(v, op);
		break;
	case OP_memory_size:
	case OP_memory_grow:
	case OP_memory_init:
	case OP_data_drop:
	case OP_memory_copy:
	case OP_memory_fill:
		memory_op(v, op);
		break;
	default:
		fail(v, "illegal opcode");
	}
}

/* Groups of locals: counted first, since the counts are a stranger's, then listed. */
static void locals(struct validator *v, const struct wasm_func_type *t)
{
	struct cursor groups = v->c;
	uint64_t total = t->param_count;
	uint32_t group_count = cursor_u32(&groups), at = t->param_count;

	for (uint32_t i = 0; i < group_count && !groups.failed && total <= WASM_LOCALS_MAX; i++) {
		total += cursor_u32(&groups);
		(void)cursor_u8(&groups);
	}
	v->locals_all += total;
	if (groups.failed)
		fail(v, "locals are cut off");
	else if (total > WASM_LOCALS_MAX)
		fail_past(v, "locals in one function", WASM_LOCALS_MAX);
	else if (v->locals_all > WASM_LOCALS_ALL_MAX)
		fail_past(v, "locals in all functions", WASM_LOCALS_ALL_MAX);
	if (v->failed)
		return;
	v->local_count = v->f->locals_count = (uint32_t)total;
	v->locals = realloc(v->locals, total + 1);
	must(v->locals != NULL);
	if (t->param_count)
		memcpy(v->locals, t->params, t->param_count);
	(void)cursor_u32(&v->c);
	for (uint32_t i = 0; i < group_count; i++) {
		uint32_t count = cursor_u32(&v->c);
		uint8_t type = cursor_u8(&v->c);

		if (!wasm_is_value(type))
			fail(v, "malformed value type of a local");
		memset(v->locals + at, type, count);
		at += count;
	}
}

static void body(struct validator *v, uint32_t index)
{
	const struct wasm_func_type *t = wasm_type_of(v->m, index);

	v->function = index;
	v->f = &v->m->functions[index];
	v->c = cursor_on(v->f->body);
	v->at = v->c.at;
	v->operand_count = v->frame_count = 0;
	locals(v, t);
	if (v->failed)
		return;
	enter(v, (struct frame){.op = OP_block, .results = t->results, .result_count = t->result_count});
	while (v->frame_count && !v->failed) {
		if (!cursor_left(&v->c)) {
			v->at = v->c.at;
			fail(v, "unexpected end: END opcode expected");
			return;
		}
		instruction(v);
		if (v->c.failed)
			fail(v, "an instruction is cut off or a number is too long");
	}
	v->at = v->c.at;
	if (cursor_left(&v->c))
		fail(v, "section size mismatch: code follows the end");
}

enum err body_validate(struct wasm_module *m, struct note *note)
{
	struct validator v = {.m = m, .note = note};

	m->exceptions = m->tag_count > 0;
	for (uint32_t i = m->imported_functions; i < m->function_count && !v.failed; i++)
		body(&v, i);
	free(v.operands);
	free(v.frames);
	free(v.locals);
	return v.failed;
}
