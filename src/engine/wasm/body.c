/* SPDX-License-Identifier: MIT */
#include "engine/wasm/body.h"

#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

void body_fail(struct validator *v, const char *what)
{
	if (!v->failed)
		v->failed = note_err(v->note, E_FORMAT, "the module is invalid: %s, in function %u at offset %zu", what,
				     v->function, (size_t)(v->at - v->m->raw.ptr));
}

void body_fail_past(struct validator *v, const char *what, unsigned long long limit)
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

void body_fail_type(struct validator *v, uint8_t want, uint8_t got)
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
		body_fail_past(v, "values moved by its instructions", WASM_MOVES_MAX);
}

void body_push(struct validator *v, uint8_t type)
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

uint8_t body_pop_any(struct validator *v)
{
	struct frame *top = &v->frames[v->frame_count - 1];

	count_move(v);
	if (v->operand_count == top->height) {
		if (!top->unreachable)
			body_fail(v, "type mismatch: the operand stack is empty");
		return WASM_ANY;
	}
	return v->operands[--v->operand_count];
}

uint8_t body_pop(struct validator *v, uint8_t want)
{
	uint8_t got = body_pop_any(v);

	if (got != want && got != WASM_ANY && want != WASM_ANY)
		body_fail_type(v, want, got);
	return got;
}

void body_pop_list(struct validator *v, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = count; i-- > 0 && !v->failed;)
		body_pop(v, types[i]);
}

void body_push_list(struct validator *v, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count && !v->failed; i++)
		body_push(v, types[i]);
}

/* ---- control ---- */

const uint8_t *body_results_of(const struct frame *f)
{
	return f->results ? f->results : f->single;
}

static void enter(struct validator *v, struct frame f)
{
	if (v->frame_count >= WASM_NESTING_MAX) {
		body_fail_past(v, "blocks in blocks", WASM_NESTING_MAX);
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

	body_pop_list(v, body_results_of(&f), f.result_count);
	if (v->operand_count != f.height)
		body_fail(v, "type mismatch: values are left on the stack at the end of a block");
	v->operand_count = f.height;
	v->frame_count--;
	return f;
}

void body_unreachable(struct validator *v)
{
	struct frame *f = &v->frames[v->frame_count - 1];

	v->operand_count = f->height;
	f->unreachable = true;
}

static const struct frame *label(struct validator *v, uint32_t depth)
{
	if (depth >= v->frame_count) {
		body_fail(v, "unknown label");
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
	return body_results_of(f);
}

/* A block type is an empty one, a value type, or a type index as a positive s33. */
static bool block_type(struct validator *v, struct frame *f)
{
	uint8_t first = v->c.at < v->c.end ? *v->c.at : 0;
	int64_t index;

	if ((first & 0xc0) == 0x40) {
		v->c.at++;
		if (first != 0x40 && !wasm_is_value(first)) {
			body_fail(v, "malformed block type");
			return false;
		}
		f->single[0] = first;
		f->result_count = first != 0x40;
		return true;
	}
	index = cursor_signed(&v->c, 33);
	if (index < 0 || index >= v->m->type_count) {
		body_fail(v, "unknown type");
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
	body_pop_list(v, f.params, f.param_count);
	enter(v, f);
	body_push_list(v, f.params, f.param_count);
}

static void else_op(struct validator *v)
{
	struct frame f;

	if (v->frames[v->frame_count - 1].op != OP_if) {
		body_fail(v, "else without if");
		return;
	}
	f = leave(v);
	f.op = OP_else;
	enter(v, f);
	body_push_list(v, f.params, f.param_count);
}

static void end(struct validator *v)
{
	struct frame f = leave(v);

	if (f.op == OP_if && (f.param_count != f.result_count ||
			      (f.param_count && memcmp(f.params, body_results_of(&f), f.param_count) != 0)))
		body_fail(v, "type mismatch: an if without else has to leave what it took");
	if (v->frame_count)
		body_push_list(v, body_results_of(&f), f.result_count);
}

static void branch(struct validator *v, bool conditional)
{
	const struct frame *f;
	const uint8_t *types;
	uint32_t n;

	if (conditional)
		body_pop(v, WASM_I32);
	f = label(v, cursor_u32(&v->c));
	if (!f)
		return;
	types = label_types(f, &n);
	body_pop_list(v, types, n);
	if (conditional)
		body_push_list(v, types, n);
	else
		body_unreachable(v);
}

/* All targets look at the same operands, so those of each are put back for the next. */
static void br_table(struct validator *v)
{
	uint8_t kept[WASM_PARAMS_MAX];
	uint32_t count, arity = 0;

	body_pop(v, WASM_I32);
	count = cursor_u32(&v->c);
	if (count > cursor_left(&v->c))
		body_fail(v, "a branch table is cut off");
	else if (count > WASM_BRANCHES_MAX)
		body_fail_past(v, "targets of one br_table", WASM_BRANCHES_MAX);
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
			body_fail(v, "type mismatch: the targets of br_table take different numbers of values");
			return;
		}
		for (uint32_t k = n; k-- > 0;)
			kept[k] = body_pop(v, types[k]);
		if (i < count)
			body_push_list(v, kept, n);
	}
	body_unreachable(v);
}

/* ---- exceptions ---- */

static const struct wasm_func_type *tag(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);

	if (index >= v->m->tag_count) {
		body_fail(v, "unknown tag");
		return NULL;
	}
	return &v->m->types[v->m->tags[index].type];
}

static void throw_op(struct validator *v)
{
	const struct wasm_func_type *t = tag(v);

	if (t)
		body_pop_list(v, t->params, t->param_count);
	body_unreachable(v);
}

static void rethrow(struct validator *v)
{
	const struct frame *f = label(v, cursor_u32(&v->c));

	if (f && f->op != OP_catch && f->op != OP_catch_all)
		body_fail(v, "invalid rethrow label: it is no catch");
	body_unreachable(v);
}

static void catch_op(struct validator *v, enum opcode op)
{
	const struct wasm_func_type *t = NULL;
	enum opcode before = v->frames[v->frame_count - 1].op;
	struct frame f;

	if (before != OP_try && before != OP_catch) {
		body_fail(v, op == OP_catch ? "catch without try" : "catch_all without try");
		return;
	}
	if (op == OP_catch && !(t = tag(v)))
		return;
	f = leave(v);
	f.op = op;
	enter(v, f);
	if (t)
		body_push_list(v, t->params, t->param_count);
}

/* Ends a try; its label is counted from outside of it. */
static void delegate(struct validator *v)
{
	struct frame f;

	if (v->frames[v->frame_count - 1].op != OP_try) {
		body_fail(v, "delegate without try");
		return;
	}
	f = leave(v);
	(void)label(v, cursor_u32(&v->c));
	body_push_list(v, body_results_of(&f), f.result_count);
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
		body_fail(v, "malformed catch clause");
	if (v->failed)
		return;
	types = label_types(f, &n);
	if (n != given + with_ref || (given && memcmp(types, t->params, given) != 0) ||
	    (with_ref && types[given] != WASM_EXNREF))
		body_fail(v, "type mismatch: a catch clause gives other values than its label takes");
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
		body_fail_past(v, "clauses of one try_table", WASM_CATCHES_MAX);
	for (uint32_t i = 0; i < count && !v->failed; i++)
		clause(v);
	body_pop_list(v, f.params, f.param_count);
	enter(v, f);
	body_push_list(v, f.params, f.param_count);
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
		body_pop(v, WASM_EXNREF);
		body_unreachable(v);
	}
}

bool body_control(struct validator *v, enum opcode op)
{
	const struct frame *f = &v->frames[0];

	switch ((unsigned)op) {
	case OP_unreachable:
		body_unreachable(v);
		return true;
	case OP_if:
		body_pop(v, WASM_I32);
		block(v, op);
		return true;
	case OP_block:
	case OP_loop:
		block(v, op);
		return true;
	case OP_else:
		else_op(v);
		return true;
	case OP_end:
		end(v);
		return true;
	case OP_try:
	case OP_try_table:
	case OP_catch:
	case OP_catch_all:
	case OP_delegate:
	case OP_throw:
	case OP_rethrow:
	case OP_throw_ref:
		exception_op(v, op);
		return true;
	case OP_br:
	case OP_br_if:
		branch(v, op == OP_br_if);
		return true;
	case OP_br_table:
		br_table(v);
		return true;
	case OP_return:
		body_pop_list(v, body_results_of(f), f->result_count);
		body_unreachable(v);
		return true;
	default:
		return false;
	}
}

/* ---- one body, all bodies ---- */

static void instruction(struct validator *v)
{
	enum opcode op;

	v->at = v->c.at;
	op = op_read(&v->c);
	if (!body_control(v, op))
		body_operation(v, op);
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
		body_fail(v, "locals are cut off");
	else if (total > WASM_LOCALS_MAX)
		body_fail_past(v, "locals in one function", WASM_LOCALS_MAX);
	else if (v->locals_all > WASM_LOCALS_ALL_MAX)
		body_fail_past(v, "locals in all functions", WASM_LOCALS_ALL_MAX);
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
			body_fail(v, "malformed value type of a local");
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
			body_fail(v, "unexpected end: END opcode expected");
			return;
		}
		instruction(v);
		if (v->c.failed)
			body_fail(v, "an instruction is cut off or a number is too long");
	}
	v->at = v->c.at;
	if (cursor_left(&v->c))
		body_fail(v, "section size mismatch: code follows the end");
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
