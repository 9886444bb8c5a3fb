/* SPDX-License-Identifier: MIT */
#include "engine/wasm/module.h"
#include "engine/wasm/opcode.h"
#include <stdlib.h>
#include <string.h>

/* The algorithm of the specification's appendix "Validation Algorithm": a stack of operand types and a stack
 * of control frames. */
struct frame {
	enum opcode op;
	const uint8_t *params, *results;
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
	uint8_t *operands;
	uint32_t operand_count, operand_cap;
	struct frame *frames;
	uint32_t frame_count, frame_cap;
	uint8_t *locals;
	uint32_t local_count;
	bool failed;
};

static bool fail(struct validator *v, const char *what)
{
	if (!v->failed)
		(void)note_err(v->note, E_FORMAT, "the module is invalid: %s in function %u at offset %zu", what,
			       v->function, (size_t)(v->c.at - v->m->raw.ptr));
	v->failed = true;
	return false;
}

static bool is_reference(uint8_t t)
{
	return t == WASM_FUNCREF || t == WASM_EXTERNREF;
}

static void push(struct validator *v, uint8_t type)
{
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
		fail(v, "type mismatch");
	return got;
}

static void pop_list(struct validator *v, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = count; i-- > 0;)
		pop(v, types[i]);
}

static void push_list(struct validator *v, const uint8_t *types, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		push(v, types[i]);
}

static void enter(struct validator *v, enum opcode op, const struct wasm_func_type *type, uint8_t single)
{
	if (v->frame_count >= WASM_NESTING_MAX) {
		fail(v, "blocks are nested too deeply");
		return;
	}
	if (v->frame_count == v->frame_cap) {
		v->frame_cap = v->frame_cap ? 2 * v->frame_cap : 64;
		v->frames = realloc(v->frames, v->frame_cap * sizeof *v->frames);
		must(v->frames != NULL);
	}
	struct frame *f = &v->frames[v->frame_count++];
	*f = (struct frame){.op = op, .height = v->operand_count, .single = {single}};
	if (type) {
		f->params = type->params, f->param_count = type->param_count;
		f->results = type->results, f->result_count = type->result_count;
	} else {
		f->result_count = single != 0x40;
	}
	push_list(v, f->params, f->param_count);
}

static const uint8_t *results_of(const struct frame *f)
{
	return f->results ? f->results : f->single;
}

static struct frame leave(struct validator *v)
{
	struct frame f = v->frames[v->frame_count - 1];
	pop_list(v, f.results ? f.results : f.single, f.result_count);
	if (v->operand_count != f.height)
		fail(v, "type mismatch: values are left on the stack");
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

static void block(struct validator *v, enum opcode op)
{
	/* A block type is an empty one, a value type, or a type index as a positive s33. */
	uint8_t first = v->c.at < v->c.end ? *v->c.at : 0;
	if (first == 0x40 || (first & 0xc0) == 0x40) {
		v->c.at++;
		if (first != 0x40 && !(first >= WASM_V128 && first <= WASM_I32) && !is_reference(first)) {
			fail(v, "malformed block type");
			return;
		}
		enter(v, op, NULL, first);
		return;
	}
	int64_t index = cursor_signed(&v->c, 33);
	if (index < 0 || index >= v->m->type_count) {
		fail(v, "unknown type");
		return;
	}
	const struct wasm_func_type *t = &v->m->types[index];
	pop_list(v, t->params, t->param_count);
	enter(v, op, t, 0);
}

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
	uint32_t align = cursor_u32(&v->c);
	if (align > natural)
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

static const struct wasm_table *table(struct validator *v)
{
	uint32_t index = cursor_u32(&v->c);
	if (index >= v->m->table_count) {
		fail(v, "unknown table");
		return NULL;
	}
	return &v->m->tables[index];
}

static void call(struct validator *v, const struct wasm_func_type *t)
{
	pop_list(v, t->params, t->param_count);
	push_list(v, t->results, t->result_count);
}

static void select_op(struct validator *v, bool typed)
{
	uint8_t type = WASM_ANY;
	if (typed) {
		if (cursor_u32(&v->c) != 1)
			fail(v, "invalid result arity");
		type = cursor_u8(&v->c);
		if (!(type >= WASM_V128 && type <= WASM_I32) && !is_reference(type))
			fail(v, "malformed value type");
	}
	pop(v, WASM_I32);
	uint8_t a = pop(v, type), b = pop(v, typed ? type : a);
	if (!typed && (is_reference(a) || is_reference(b)))
		fail(v, "type mismatch: select of references needs a type");
	push(v, typed ? type : a != WASM_ANY ? a : b);
}

static void br_table(struct validator *v)
{
	pop(v, WASM_I32);
	uint32_t count = cursor_u32(&v->c);
	if (count > cursor_left(&v->c)) {
		fail(v, "a branch table is cut off");
		return;
	}
	/* The default comes last and fixes the arity; remember the stack, since every target looks at it. */
	struct cursor targets = v->c;
	for (uint32_t i = 0; i < count; i++)
		(void)cursor_u32(&targets);
	const struct frame *last = label(v, cursor_u32(&targets));
	if (!last)
		return;
	uint32_t arity;
	(void)label_types(last, &arity);
	for (uint32_t i = 0; i <= count && !v->failed; i++) {
		const struct frame *f = label(v, cursor_u32(&v->c));
		if (!f)
			return;
		uint32_t n;
		const uint8_t *types = label_types(f, &n);
		if (n != arity) {
			fail(v, "type mismatch: the targets of br_table take different numbers of values");
			return;
		}
		uint8_t kept[WASM_PARAMS_MAX];
		for (uint32_t k = n; k-- > 0;)
			kept[k] = pop(v, types[k]);
		if (i < count)
			for (uint32_t k = 0; k < n; k++)
				push(v, kept[k]);
	}
	unreachable(v);
}

static void global_op(struct validator *v, bool set)
{
	uint32_t index = cursor_u32(&v->c);
	if (index >= v->m->global_count) {
		fail(v, "unknown global");
		return;
	}
	struct wasm_global *g = &v->m->globals[index];
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
	uint8_t type = v->locals[index];
	if (op != OP_local_get)
		pop(v, type);
	if (op != OP_local_set)
		push(v, type);
}

static void table_op(struct validator *v, enum opcode op)
{
	if (op == OP_table_init) {
		uint32_t segment = cursor_u32(&v->c);
		const struct wasm_table *t = table(v);
		if (segment >= v->m->element_count)
			fail(v, "unknown elem segment");
		else if (t && v->m->elements[segment].type != t->type)
			fail(v, "type mismatch");
		pop(v, WASM_I32), pop(v, WASM_I32), pop(v, WASM_I32);
		return;
	}
	if (op == OP_elem_drop) {
		if (cursor_u32(&v->c) >= v->m->element_count)
			fail(v, "unknown elem segment");
		return;
	}
	const struct wasm_table *t = table(v);
	const struct wasm_table *other = op == OP_table_copy ? table(v) : NULL;
	if (!t || (op == OP_table_copy && !other))
		return;
	switch ((unsigned)op) {
	case OP_table_get:
		pop(v, WASM_I32), push(v, t->type);
		break;
	case OP_table_set:
		pop(v, t->type), pop(v, WASM_I32);
		break;
	case OP_table_size:
		push(v, WASM_I32);
		break;
	case OP_table_grow:
		pop(v, WASM_I32), pop(v, t->type), push(v, WASM_I32);
		break;
	case OP_table_fill:
		pop(v, WASM_I32), pop(v, t->type), pop(v, WASM_I32);
		break;
	default:
		if (t->type != other->type)
			fail(v, "type mismatch");
		pop(v, WASM_I32), pop(v, WASM_I32), pop(v, WASM_I32);
	}
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
	if (cursor_u8(&v->c) != 0)
		fail(v, "zero byte expected");
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
		if (cursor_u8(&v->c) != 0)
			fail(v, "zero byte expected");
		pop(v, p), pop(v, p), pop(v, p);
	}
}

static void instruction(struct validator *v)
{
	struct wasm_module *m = v->m;
	enum opcode op = op_read(&v->c);
	const struct op_info *row = op_info(op);
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
	case OP_else: {
		if (v->frames[v->frame_count - 1].op != OP_if) {
			fail(v, "else without if");
			break;
		}
		struct frame f = leave(v);
		if (v->failed)
			break;
		struct frame *again = &v->frames[v->frame_count++];
		*again = f;
		again->op = OP_else;
		again->unreachable = false;
		push_list(v, again->params, again->param_count);
		break;
	}
	case OP_end: {
		struct frame f = leave(v);
		if (f.op == OP_if &&
		    (f.param_count != f.result_count ||
		     (f.param_count && memcmp(f.params, f.results ? f.results : f.single, f.param_count) != 0)))
			fail(v, "type mismatch: an if without else has to leave what it took");
		if (v->frame_count)
			push_list(v, f.results ? f.results : f.single, f.result_count);
		break;
	}
	case OP_br:
	case OP_br_if: {
		if (op == OP_br_if)
			pop(v, WASM_I32);
		const struct frame *f = label(v, cursor_u32(&v->c));
		if (!f)
			break;
		uint32_t n;
		const uint8_t *types = label_types(f, &n);
		pop_list(v, types, n);
		if (op == OP_br_if)
			push_list(v, types, n);
		else
			unreachable(v);
		break;
	}
	case OP_br_table:
		br_table(v);
		break;
	case OP_return:
		pop_list(v, results_of(&v->frames[0]), v->frames[0].result_count);
		unreachable(v);
		break;
	case OP_call: {
		uint32_t index = cursor_u32(&v->c);
		if (index >= m->function_count) {
			fail(v, "unknown function");
			break;
		}
		if (m->functions[index].asyncify)
			m->asyncify_reachable = true;
		call(v, wasm_type_of(m, index));
		break;
	}
	case OP_call_indirect: {
		uint32_t type = cursor_u32(&v->c);
		const struct wasm_table *t = table(v);
		if (t && t->type != WASM_FUNCREF)
			fail(v, "type mismatch: the table holds no functions");
		if (type >= m->type_count) {
			fail(v, "unknown type");
			break;
		}
		pop(v, WASM_I32);
		call(v, &m->types[type]);
		break;
	}
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
	case OP_ref_null: {
		uint8_t type = cursor_u8(&v->c);
		if (!is_reference(type))
			fail(v, "malformed reference type");
		push(v, type);
		break;
	}
	case OP_ref_is_null: {
		uint8_t type = pop_any(v);
		if (type != WASM_ANY && !is_reference(type))
			fail(v, "type mismatch");
		push(v, WASM_I32);
		break;
	}
	case OP_ref_func: {
		uint32_t index = cursor_u32(&v->c);
		if (index >= m->function_count)
			fail(v, "unknown function");
		else if (!m->functions[index].declared)
			fail(v, "undeclared function reference");
		else if (m->functions[index].asyncify)
			m->asyncify_reachable = true;
		push(v, WASM_FUNCREF);
		break;
	}
	case OP_table_get:
	case OP_table_set:
	case OP_table_init:
	case OP_elem_drop:
	case OP_table_copy:
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

static bool body(struct validator *v, uint32_t index)
{
	v->function = index;
	v->f = &v->m->functions[index];
	v->c = cursor_on(v->f->body);
	v->operand_count = v->frame_count = 0;
	const struct wasm_func_type *t = wasm_type_of(v->m, index);
	uint64_t total = t->param_count;
	struct cursor groups = v->c;
	uint32_t group_count = cursor_u32(&groups);
	for (uint32_t i = 0; i < group_count && !groups.failed && total <= WASM_LOCALS_MAX; i++) {
		total += cursor_u32(&groups);
		(void)cursor_u8(&groups);
	}
	if (groups.failed)
		return fail(v, "locals are cut off");
	if (total > WASM_LOCALS_MAX)
		return fail(v, "too many locals");
	v->local_count = (uint32_t)total;
	v->f->locals_count = v->local_count;
	v->locals = realloc(v->locals, total + 1);
	must(v->locals != NULL);
	if (t->param_count)
		memcpy(v->locals, t->params, t->param_count);
	uint32_t at = t->param_count;
	(void)cursor_u32(&v->c);
	for (uint32_t i = 0; i < group_count; i++) {
		uint32_t count = cursor_u32(&v->c);
		uint8_t type = cursor_u8(&v->c);
		if (!(type >= WASM_V128 && type <= WASM_I32) && !is_reference(type))
			return fail(v, "malformed value type of a local");
		memset(v->locals + at, type, count);
		at += count;
	}
	enter(v, OP_block, &(struct wasm_func_type){.results = t->results, .result_count = t->result_count}, 0x40);
	while (v->frame_count && !v->failed) {
		if (!cursor_left(&v->c))
			return fail(v, "unexpected end: END opcode expected");
		instruction(v);
		if (v->c.failed)
			return fail(v, "an instruction is cut off or a number is too long");
	}
	if (!v->failed && cursor_left(&v->c))
		return fail(v, "section size mismatch: code follows the end");
	return !v->failed;
}

static enum err invalid(struct note *note, const char *what)
{
	return note_err(note, E_FORMAT, "the module is invalid: %s", what);
}

static enum err check_const(struct wasm_module *m, struct wasm_const *k, uint8_t type, struct note *note)
{
	if (k->kind == WASM_CONST_GLOBAL) {
		if (k->index >= m->imported_globals)
			return invalid(note, "unknown global in a constant expression");
		if (m->globals[k->index].is_mutable)
			return invalid(note, "constant expression required");
		k->type = m->globals[k->index].type;
	}
	if (k->kind == WASM_CONST_FUNCTION) {
		if (k->index >= m->function_count)
			return invalid(note, "unknown function");
		m->functions[k->index].declared = true;
		if (m->functions[k->index].asyncify)
			m->asyncify_reachable = true;
	}
	return k->type == type ? OK : invalid(note, "type mismatch in a constant expression");
}

static enum err environment(struct wasm_module *m, struct note *note)
{
	for (uint32_t i = 0; i < m->function_count; i++)
		if (m->functions[i].type >= m->type_count)
			return invalid(note, "unknown type");
	for (uint32_t i = 0; i < m->export_count; i++) {
		const struct wasm_export *x = &m->exports[i];
		uint32_t count = x->kind == WASM_EXTERN_FUNCTION ? m->function_count
				 : x->kind == WASM_EXTERN_TABLE  ? m->table_count
				 : x->kind == WASM_EXTERN_MEMORY ? (uint32_t)m->has_memory
								 : m->global_count;
		if (x->index >= count)
			return invalid(note, "an export names something unknown");
		if (x->kind == WASM_EXTERN_FUNCTION) {
			m->functions[x->index].declared = true;
			if (bytes_starts(x->name, "asyncify_"))
				m->functions[x->index].asyncify = true;
		}
		if (x->kind == WASM_EXTERN_GLOBAL)
			m->globals[x->index].exported = true;
	}
	/* Two exports of one name: sorted comparison would be quicker, but lists are short. */
	for (uint32_t i = 0; i < m->export_count; i++)
		for (uint32_t k = 0; k < i && m->export_count < 20000; k++)
			if (bytes_eq(m->exports[i].name, m->exports[k].name))
				return invalid(note, "duplicate export name");
	enum err e;
	for (uint32_t i = m->imported_globals; i < m->global_count; i++)
		if ((e = check_const(m, &m->globals[i].init, m->globals[i].type, note)))
			return e;
	for (uint32_t i = 0; i < m->element_count; i++) {
		struct wasm_element *s = &m->elements[i];
		if (s->mode == WASM_ACTIVE) {
			if (s->table >= m->table_count)
				return invalid(note, "unknown table");
			if (m->tables[s->table].type != s->type)
				return invalid(note, "type mismatch of an element segment");
			if ((e = check_const(m, &s->offset, WASM_I32, note)))
				return e;
		}
		for (uint32_t k = 0; k < s->count; k++)
			if ((e = check_const(m, (struct wasm_const *)&s->items[k], s->type, note)))
				return e;
	}
	for (uint32_t i = 0; i < m->data_count; i++)
		if (m->data[i].mode == WASM_ACTIVE) {
			if (!m->has_memory)
				return invalid(note, "unknown memory 0");
			if ((e = check_const(m, &m->data[i].offset, m->memory.is64 ? WASM_I64 : WASM_I32, note)))
				return e;
		}
	if (m->has_start) {
		if (m->start >= m->function_count)
			return invalid(note, "unknown function as start");
		const struct wasm_func_type *t = wasm_type_of(m, m->start);
		if (t->param_count || t->result_count)
			return invalid(note, "the start function takes or gives values");
	}
	return OK;
}

enum err wasm_validate(struct wasm_module *m, struct note *note)
{
	enum err e = environment(m, note);
	if (e)
		return e;
	struct validator v = {.m = m, .note = note};
	for (uint32_t i = m->imported_functions; i < m->function_count; i++)
		if (!body(&v, i))
			break;
	free(v.operands);
	free(v.frames);
	free(v.locals);
	return v.failed ? E_FORMAT : OK;
}
