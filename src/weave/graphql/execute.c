/* SPDX-License-Identifier: MIT
 *
 * The plan is the query with its fragments spread, its repeated fields merged and its arguments
 * coerced: made once, and walked for every object of the answer.
 */
#include "weave/graphql/check.h"

#include <string.h>

struct plan {
	struct bytes key;
	const struct gql_field *field; /* NULL: __typename */
	const struct gql_type *type;   /* of the field's objects or scalars */
	const struct gql_value *arguments;
	struct plan *children;
	size_t child_count;
};

struct run {
	const struct gql_document *document;
	const struct gql_schema *schema;
	struct gql_variables variables;
	struct arena *arena;
	void *ctx;
	struct jw out;
	struct gql_error error;
	size_t budget; /* of the plan, then of the fields of the answer */
	const char *path[2 * GQL_DEPTH_MAX + 4];
	size_t path_len;
};

/* ---- tables ---- */

const struct gql_type *gql_type_find(const struct gql_schema *schema, struct bytes name)
{
	for (const struct gql_type *t = schema->types; t->name; t++)
		if (bytes_eq_str(name, t->name))
			return t;
	for (const struct gql_type *t = gql_own_types; t->name; t++)
		if (bytes_eq_str(name, t->name))
			return t;
	return NULL;
}

const struct gql_field *gql_field_find(const struct gql_schema *schema, const struct gql_type *type, struct bytes name)
{
	const struct gql_field *meta = NULL;

	for (const struct gql_field *f = type->fields; f && f->name; f++)
		if (bytes_eq_str(name, f->name))
			return f;
	if (type == &schema->types[0] && bytes_starts(name, "__") && name.len < 16) {
		char text[16] = {0};
		memcpy(text, name.ptr, name.len);
		meta = gql_meta_field(text);
	}
	return meta;
}

const struct gql_input *gql_input_find(const struct gql_input *inputs, struct bytes name)
{
	for (; inputs && inputs->name; inputs++)
		if (bytes_eq_str(name, inputs->name))
			return inputs;
	return NULL;
}

const struct gql_value *gql_argument(const struct gql_call *call, const char *name)
{
	struct gql_value whole = {.first = call->arguments};

	return gql_member(&whole, name);
}

struct gql_answer gql_text(struct bytes text)
{
	return (struct gql_answer){.kind = GQL_IS_TEXT, .text = text};
}

struct gql_answer gql_number(int64_t number)
{
	return (struct gql_answer){.kind = GQL_IS_NUMBER, .number = number};
}

struct gql_answer gql_boolean(bool value)
{
	return (struct gql_answer){.kind = GQL_IS_BOOLEAN, .number = value};
}

struct gql_answer gql_object(const void *object)
{
	return (struct gql_answer){.kind = object ? GQL_IS_OBJECT : GQL_IS_NULL, .object = object};
}

/* ---- planning ---- */

static enum err plan_set(struct run *r, struct plan **out, size_t *count, const struct gql_group *parents,
			 const struct gql_selection *selections, const struct gql_type *type);

static enum err plan_field(struct run *r, struct plan *p, const struct gql_group *g, const struct gql_type *parent)
{
	const struct gql_selection *s = g->list[0];
	enum err e;

	p->key = g->key;
	if (bytes_eq_str(s->name, "__typename"))
		return OK;
	p->field = gql_field_find(r->schema, parent, s->name);
	must(p->field != NULL);
	p->type = gql_type_find(r->schema, bytes_str(p->field->type.name));
	must(p->type != NULL);
	e = gql_coerce_arguments(&p->arguments, r->arena, r->schema, s->arguments, p->field->inputs, &r->variables,
				 &r->error);
	if (e == OK && p->type->kind == GQL_OBJECT_TYPE)
		e = plan_set(r, &p->children, &p->child_count, g, NULL, p->type);
	return e;
}

static enum err plan_set(struct run *r, struct plan **out, size_t *count, const struct gql_group *parents,
			 const struct gql_selection *selections, const struct gql_type *type)
{
	struct gql_groups groups = {.budget = &r->budget};
	size_t sets = parents ? parents->count : 1;
	enum err e = OK;

	for (size_t i = 0; i < sets && e == OK; i++)
		e = gql_collect(&groups, r->arena, r->document, r->schema,
				parents ? parents->list[i]->selections : selections, &r->variables, &r->error);
	*out = arena_new_array(r->arena, groups.count, struct plan);
	*count = groups.count;
	for (size_t i = 0; i < groups.count && e == OK; i++)
		e = plan_field(r, &(*out)[i], &groups.list[i], type);
	return e;
}

/* ---- running ---- */

static enum err run_set(struct run *r, const struct plan *list, size_t count, const struct gql_type *type,
			const void *object);

/* An error of the field that is being answered: the path is where we are. */
static enum err fail_here(struct run *r, enum err e, const struct note *note)
{
	const char **path = arena_new_array(r->arena, r->path_len + 1, const char *);

	memcpy(path, r->path, r->path_len * sizeof(*path));
	r->error.code = "INTERNAL_SERVER_ERROR";
	r->error.path = path;
	r->error.path_count = r->path_len;
	note_reset(&r->error.note);
	note_err(&r->error.note, e, "%s", note_text(note, e));
	return e;
}

static enum err write_answer(struct run *r, const struct plan *p, const struct gql_answer *answer)
{
	switch (answer->kind) {
	case GQL_IS_NULL:
		jw_null(&r->out);
		break;
	case GQL_IS_TEXT:
		jw_str(&r->out, answer->text);
		break;
	case GQL_IS_NUMBER:
		jw_i64(&r->out, answer->number);
		break;
	case GQL_IS_BOOLEAN:
		jw_bool(&r->out, answer->number != 0);
		break;
	case GQL_IS_OBJECT:
		return run_set(r, p->children, p->child_count, p->type, answer->object);
	case GQL_IS_LIST:
		jw_array(&r->out);
		for (size_t i = 0; i < answer->count; i++) {
			enum err e = write_answer(r, p, &answer->list[i]);
			if (e < 0)
				return e;
		}
		jw_array_end(&r->out);
		break;
	}
	return OK;
}

static enum err run_field(struct run *r, const struct plan *p, const void *object)
{
	struct note note = {0};
	struct gql_call call = {
		.arena = r->arena, .ctx = r->ctx, .schema = r->schema, .arguments = p->arguments, .note = &note};
	struct gql_answer answer = {0};
	enum err e;

	r->path[r->path_len++] = arena_cstr(r->arena, p->key);
	if (r->budget-- == 0 || r->out.out->len > GQL_ANSWER_MAX) {
		r->budget = 0;
		note_err(&note, E_LIMIT, "The answer is larger than %d fields or %d bytes.", GQL_FIELDS_MAX,
			 GQL_ANSWER_MAX);
		return fail_here(r, E_LIMIT, &note);
	}
	e = p->field->resolve(&call, object, &answer);
	if (e < 0)
		return fail_here(r, e, &note);
	e = write_answer(r, p, &answer);
	if (e == OK)
		r->path_len--;
	return e;
}

static enum err run_set(struct run *r, const struct plan *list, size_t count, const struct gql_type *type,
			const void *object)
{
	enum err e = OK;

	jw_object(&r->out);
	for (size_t i = 0; i < count && e == OK; i++) {
		jw_key_bytes(&r->out, list[i].key);
		if (list[i].field)
			e = run_field(r, &list[i], object);
		else
			jw_cstr(&r->out, type->name);
	}
	jw_object_end(&r->out);
	return e;
}

/* ---- the answer ---- */

static void write_place(struct jw *w, struct bytes text, size_t at)
{
	uint64_t line = 1, column = 1;

	for (size_t i = 0; i < at && i < text.len; i++) {
		column++;
		if (text.ptr[i] == '\n') {
			line++;
			column = 1;
		}
	}
	jw_key(w, "locations");
	jw_array(w);
	jw_object(w);
	jw_member_u64(w, "line", line);
	jw_member_u64(w, "column", column);
	jw_object_end(w);
	jw_array_end(w);
}

/* The members of the answer that has an error; `data` is given as null when it was reached at all. */
static void write_error(struct buf *out, const struct gql_error *error, struct bytes text, bool with_data)
{
	struct jw w = jw_on(out);

	jw_object(&w);
	jw_key(&w, "errors");
	jw_array(&w);
	jw_object(&w);
	jw_member(&w, "message", bytes_str(error->note.text));
	if (error->has_at)
		write_place(&w, text, error->at);
	if (error->path) {
		jw_key(&w, "path");
		jw_array(&w);
		for (size_t i = 0; i < error->path_count; i++)
			jw_cstr(&w, error->path[i]);
		jw_array_end(&w);
	}
	jw_key(&w, "extensions");
	jw_object(&w);
	jw_member(&w, "code", bytes_str(error->code));
	jw_object_end(&w);
	jw_object_end(&w);
	jw_array_end(&w);
	if (with_data) {
		jw_key(&w, "data");
		jw_null(&w);
	}
	jw_object_end(&w);
}

static enum err parse(struct gql_document *document, struct arena *a, struct bytes text, struct gql_error *error)
{
	struct note note = {0};
	size_t at;
	enum err e = gql_parse(document, a, text, &at, &note);

	return e < 0 ? gql_fail(error, "GRAPHQL_PARSE_FAILED", at, "Syntax Error: %s", note.text) : OK;
}

static enum err choose(const struct gql_operation **out, const struct gql_document *document, struct bytes name,
		       struct gql_error *error)
{
	enum err e = OK;

	*out = document->operations;
	if (name.len) {
		while (*out && !bytes_eq((*out)->name, name))
			*out = (*out)->next;
		if (!*out)
			e = gql_fail(error, "INTERNAL_SERVER_ERROR", 0, "Unknown operation named \"%.*s\".",
				     BYTES_FMT(name));
	} else if (document->operation_count > 1) {
		e = gql_fail(error, "INTERNAL_SERVER_ERROR", 0,
			     "Must provide operation name if query contains multiple operations.");
	} else if (!*out) {
		e = gql_fail(error, "INTERNAL_SERVER_ERROR", 0, "Must provide an operation.");
	}
	if (e < 0)
		error->has_at = false;
	return e;
}

/* Runs one operation into `data`; false when it failed, and r->error says how. */
static bool run_operation(struct run *r, const struct gql_operation *operation, struct buf *data)
{
	struct plan *plan;
	size_t count;

	if (!bytes_eq_str(operation->kind, "query")) {
		gql_fail(&r->error, "INTERNAL_SERVER_ERROR", operation->at,
			 "Schema is not configured to execute %.*s operation.", BYTES_FMT(operation->kind));
		return false;
	}
	if (plan_set(r, &plan, &count, NULL, operation->selections, &r->schema->types[0]) < 0)
		return false;
	r->budget = GQL_FIELDS_MAX;
	r->out = jw_on(data);
	return run_set(r, plan, count, &r->schema->types[0], NULL) == OK;
}

int gql_execute(struct buf *out, struct arena *a, const struct gql_schema *schema, const struct gql_request *request,
		void *ctx)
{
	struct gql_document document;
	struct run r = {.document = &document, .schema = schema, .arena = a, .ctx = ctx, .budget = GQL_PLAN_MAX};
	const struct gql_operation *operation;
	struct buf data = BUF_EMPTY;
	struct jw w;

	if (parse(&document, a, request->query, &r.error) < 0 || gql_check(&document, schema, a, &r.error) < 0 ||
	    choose(&operation, &document, request->operation, &r.error) < 0 ||
	    gql_coerce_variables(&r.variables, a, schema, operation, request->variables, &r.error) < 0) {
		write_error(out, &r.error, request->query, false);
		return 400;
	}
	if (!run_operation(&r, operation, &data)) {
		write_error(out, &r.error, request->query, true);
		buf_release(&data);
		return 200;
	}
	w = jw_on(out);
	jw_object(&w);
	jw_key(&w, "data");
	jw_raw(&w, buf_bytes(&data));
	jw_object_end(&w);
	buf_release(&data);
	return 200;
}
