/* SPDX-License-Identifier: MIT */
#include "weave/graphql/check.h"

#include <string.h>

#define VALIDATION "GRAPHQL_VALIDATION_FAILED"

const struct gql_input gql_condition[] = {{"if", GQL_MUST("Boolean"), NULL}, GQL_NO_INPUT};

/* ---- collecting ---- */

const struct gql_fragment *gql_fragment_find(const struct gql_document *document, struct bytes name)
{
	for (const struct gql_fragment *f = document->fragments; f; f = f->next)
		if (bytes_eq(f->name, name))
			return f;
	return NULL;
}

static void group_add(struct gql_groups *groups, struct arena *a, const struct gql_selection *s)
{
	struct gql_group *g = NULL;

	for (size_t i = 0; i < groups->count && !g; i++)
		if (bytes_eq(groups->list[i].key, s->key))
			g = &groups->list[i];
	if (!g) {
		if (groups->count == groups->cap) {
			size_t cap = groups->cap ? 2 * groups->cap : 8;
			struct gql_group *wider = arena_new_array(a, cap, struct gql_group);
			if (groups->count)
				memcpy(wider, groups->list, groups->count * sizeof(*wider));
			groups->list = wider;
			groups->cap = cap;
		}
		g = &groups->list[groups->count++];
		g->key = s->key;
	}
	if (g->count == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 2;
		const struct gql_selection **wider = arena_array(a, cap, sizeof(*wider));
		if (g->count)
			memcpy(wider, g->list, g->count * sizeof(*wider));
		g->list = wider;
		g->cap = cap;
	}
	g->list[g->count++] = s;
}

/* Whether @skip and @include let a selection through. */
static enum err is_wanted(bool *wanted, struct arena *a, const struct gql_schema *schema,
			  const struct gql_directive *directives, const struct gql_variables *variables,
			  struct gql_error *error)
{
	*wanted = true;
	for (const struct gql_directive *d = directives; d && variables; d = d->next) {
		const struct gql_value *arguments, *condition;
		struct gql_value whole;
		enum err e = gql_coerce_arguments(&arguments, a, schema, d->arguments, gql_condition, variables, error);
		if (e < 0)
			return e;
		whole = (struct gql_value){.first = arguments};
		condition = gql_member(&whole, "if");
		if (!condition || condition->kind != GQL_BOOLEAN)
			return gql_fail(
				error, "BAD_USER_INPUT", d->at,
				"Argument \"if\" of required type \"Boolean!\" was not provided a runtime value.");
		if (bytes_eq_str(condition->text, "true") == bytes_eq_str(d->name, "skip"))
			*wanted = false;
	}
	return OK;
}

/* The fragments that a set has spread already: a second spread adds nothing. */
struct spread {
	const struct gql_fragment *fragment;
	const struct spread *before;
};

struct collecting {
	struct gql_groups *groups;
	struct arena *arena;
	const struct gql_document *document;
	const struct gql_schema *schema;
	const struct gql_variables *variables;
	struct gql_error *error;
	const struct spread *spread;
};

static bool is_spread(const struct spread *spread, const struct gql_fragment *fragment)
{
	for (; spread; spread = spread->before)
		if (spread->fragment == fragment)
			return true;
	return false;
}

static enum err collect(struct collecting *c, const struct gql_selection *selections)
{
	for (const struct gql_selection *s = selections; s; s = s->next) {
		const struct gql_fragment *f;
		struct spread *spread;
		bool wanted;
		enum err e = OK;

		if (*c->groups->budget == 0)
			return gql_fail(c->error, VALIDATION, s->at, "The query selects more than %d fields.",
					GQL_PLAN_MAX);
		--*c->groups->budget;
		e = is_wanted(&wanted, c->arena, c->schema, s->directives, c->variables, c->error);
		if (e < 0)
			return e;
		if (!wanted)
			continue;
		switch (s->kind) {
		case GQL_FIELD:
			group_add(c->groups, c->arena, s);
			break;
		case GQL_INLINE:
			e = collect(c, s->selections);
			break;
		case GQL_SPREAD:
			f = gql_fragment_find(c->document, s->name);
			if (!f || is_spread(c->spread, f))
				break;
			spread = arena_new(c->arena, struct spread);
			*spread = (struct spread){f, c->spread};
			c->spread = spread;
			e = collect(c, f->selections);
			break;
		}
		if (e < 0)
			return e;
	}
	return OK;
}

enum err gql_collect(struct gql_groups *groups, struct arena *a, const struct gql_document *document,
		     const struct gql_schema *schema, const struct gql_selection *selections,
		     const struct gql_variables *variables, struct gql_error *error)
{
	struct collecting c = {.groups = groups,
			       .arena = a,
			       .document = document,
			       .schema = schema,
			       .variables = variables,
			       .error = error};

	return collect(&c, selections);
}

/* ---- checking ---- */

struct checker {
	const struct gql_document *document;
	const struct gql_schema *schema;
	const struct gql_operation *operation;
	struct arena *arena;
	struct gql_error *error;
	size_t budget;
	int depth;
};

/* Whether a variable may stand where a `place` is expected; ID and String are one. */
static bool fits(struct gql_ref variable, struct gql_ref place)
{
	bool same = strcmp(variable.name, place.name) == 0 ||
		    ((strcmp(variable.name, "ID") == 0 || strcmp(variable.name, "String") == 0) &&
		     (strcmp(place.name, "ID") == 0 || strcmp(place.name, "String") == 0));

	return same && variable.list == place.list;
}

static enum err check_variable(struct checker *c, const struct gql_value *value, struct gql_ref place)
{
	const struct gql_variable *v = c->operation->variables;
	struct bytes name = c->operation->name;

	while (v && !bytes_eq(v->name, value->text))
		v = v->next;
	if (!v && name.len)
		return gql_fail(c->error, VALIDATION, value->at,
				"Variable \"$%.*s\" is not defined by operation \"%.*s\".", BYTES_FMT(value->text),
				BYTES_FMT(name));
	if (!v)
		return gql_fail(c->error, VALIDATION, value->at, "Variable \"$%.*s\" is not defined.",
				BYTES_FMT(value->text));
	if (!fits(v->type, place))
		return gql_fail(c->error, VALIDATION, value->at,
				"Variable \"$%.*s\" of type \"%s\" used in position expecting type \"%s\".",
				BYTES_FMT(v->name), gql_ref_text(c->arena, v->type), gql_ref_text(c->arena, place));
	return OK;
}

/* The variables within a value whose shape is already known to be right. */
static enum err check_variables(struct checker *c, const struct gql_value *value, struct gql_ref place)
{
	const struct gql_type *type = gql_type_find(c->schema, bytes_str(place.name));
	struct gql_ref element = {.name = place.name, .required = place.element_required};
	enum err e = OK;

	if (value->kind == GQL_VARIABLE)
		return check_variable(c, value, place);
	for (const struct gql_value *m = value->first; m && e == OK; m = m->next) {
		const struct gql_input *input;
		if (value->kind == GQL_LIST) {
			e = check_variables(c, m, element);
			continue;
		}
		input = type ? gql_input_find(type->inputs, m->name) : NULL;
		if (input)
			e = check_variables(c, m, input->type);
	}
	return e;
}

static enum err check_arguments(struct checker *c, const struct gql_value *given, const struct gql_input *inputs,
				const char *what, size_t at)
{
	struct gql_value whole = {.first = given};
	enum err e;

	for (const struct gql_value *v = given; v; v = v->next) {
		const struct gql_input *input = gql_input_find(inputs, v->name);
		const struct gql_value *ignored;
		if (!input)
			return gql_fail(c->error, VALIDATION, v->at, "Unknown argument \"%.*s\" on %s.",
					BYTES_FMT(v->name), what);
		if (gql_member(&whole, input->name) != v)
			return gql_fail(c->error, VALIDATION, v->at, "There can be only one argument named \"%s\".",
					input->name);
		if ((e = gql_coerce(&ignored, c->arena, c->schema, v, input->type, NULL, c->error)) < 0 ||
		    (e = check_variables(c, v, input->type)) < 0)
			return e;
	}
	for (const struct gql_input *input = inputs; input && input->name; input++)
		if (input->type.required && !input->fallback && !gql_member(&whole, input->name))
			return gql_fail(c->error, VALIDATION, at,
					"Argument \"%s\" of type \"%s\" is required on %s, but it was not provided.",
					input->name, gql_ref_text(c->arena, input->type), what);
	return OK;
}

static enum err check_directives(struct checker *c, const struct gql_directive *directives)
{
	enum err e = OK;

	for (const struct gql_directive *d = directives; d && e == OK; d = d->next) {
		const char *what = arena_cstr(c->arena,
					      arena_printf(c->arena, "directive \"@%.*s\"", BYTES_FMT(d->name)));
		if (!bytes_eq_str(d->name, "skip") && !bytes_eq_str(d->name, "include"))
			return gql_fail(c->error, VALIDATION, d->at, "Unknown directive \"@%.*s\".",
					BYTES_FMT(d->name));
		e = check_arguments(c, d->arguments, gql_condition, what, d->at);
	}
	return e;
}

static size_t place_of(const struct gql_document *document, const struct gql_fragment *fragment)
{
	size_t i = 0;

	for (const struct gql_fragment *f = document->fragments; f != fragment; f = f->next)
		i++;
	return i;
}

/* Fragments may be spread only where an object of their type stands. */
static enum err check_condition(struct checker *c, struct bytes fragment, struct bytes condition,
				const struct gql_type *parent, size_t at)
{
	const struct gql_type *type = gql_type_find(c->schema, condition);
	const char *who = fragment.len ? arena_cstr(c->arena,
						    arena_printf(c->arena, "Fragment \"%.*s\"", BYTES_FMT(fragment)))
				       : "Fragment";

	if (!type)
		return gql_fail(c->error, VALIDATION, at, "Unknown type \"%.*s\".", BYTES_FMT(condition));
	if (type->kind != GQL_OBJECT_TYPE)
		return gql_fail(c->error, VALIDATION, at, "%s cannot condition on non composite type \"%s\".", who,
				type->name);
	if (type != parent)
		return gql_fail(c->error, VALIDATION, at,
				"%s cannot be spread here as objects of type \"%s\" can never be of type \"%s\".", who,
				parent->name, type->name);
	return OK;
}

/* Directives, conditions and names of what a set is made of; the fields themselves are checked
 * merged. */
static enum err check_shape(struct checker *c, const struct gql_selection *selections, const struct gql_type *type,
			    bool spread[GQL_FRAGMENTS_MAX])
{
	for (const struct gql_selection *s = selections; s; s = s->next) {
		const struct gql_fragment *f;
		enum err e = check_directives(c, s->directives);
		if (e < 0)
			return e;
		if (s->kind == GQL_INLINE) {
			if (s->name.len)
				e = check_condition(c, bytes_of(NULL, 0), s->name, type, s->at);
			if (e == OK)
				e = check_shape(c, s->selections, type, spread);
		} else if (s->kind == GQL_SPREAD) {
			f = gql_fragment_find(c->document, s->name);
			if (!f)
				return gql_fail(c->error, VALIDATION, s->at, "Unknown fragment \"%.*s\".",
						BYTES_FMT(s->name));
			e = check_condition(c, f->name, f->type, type, s->at);
			if (e == OK && !spread[place_of(c->document, f)]) {
				spread[place_of(c->document, f)] = true;
				e = check_shape(c, f->selections, type, spread);
			}
		}
		if (e < 0)
			return e;
	}
	return OK;
}

static bool same_arguments(const struct gql_value *a, const struct gql_value *b)
{
	struct gql_value first = {.kind = GQL_OBJECT, .first = a}, second = {.kind = GQL_OBJECT, .first = b};
	struct buf x = BUF_EMPTY, y = BUF_EMPTY;
	bool same;

	gql_value_print(&x, &first);
	gql_value_print(&y, &second);
	same = bytes_eq(buf_bytes(&x), buf_bytes(&y));
	buf_release(&x);
	buf_release(&y);
	return same;
}

static enum err check_merge(struct checker *c, const struct gql_group *g)
{
	const struct gql_selection *first = g->list[0];

	for (size_t i = 1; i < g->count; i++) {
		const struct gql_selection *other = g->list[i];
		if (!bytes_eq(first->name, other->name))
			return gql_fail(c->error, VALIDATION, first->at,
					"Fields \"%.*s\" conflict because \"%.*s\" and \"%.*s\" are different fields. "
					"Use different aliases on the fields to fetch both if this was intentional.",
					BYTES_FMT(g->key), BYTES_FMT(first->name), BYTES_FMT(other->name));
		if (!same_arguments(first->arguments, other->arguments))
			return gql_fail(c->error, VALIDATION, first->at,
					"Fields \"%.*s\" conflict because they have differing arguments. "
					"Use different aliases on the fields to fetch both if this was intentional.",
					BYTES_FMT(g->key));
	}
	return OK;
}

static enum err check_set(struct checker *c, const struct gql_group *parents, const struct gql_selection *selections,
			  const struct gql_type *type);

static enum err check_leaf(struct checker *c, const struct gql_selection *s, const struct gql_field *field,
			   const struct gql_type *type)
{
	const char *text = gql_ref_text(c->arena, field->type);

	if (type->kind == GQL_OBJECT_TYPE && !s->selections)
		return gql_fail(c->error, VALIDATION, s->at,
				"Field \"%s\" of type \"%s\" must have a selection of subfields. "
				"Did you mean \"%s { ... }\"?",
				field->name, text, field->name);
	if (type->kind != GQL_OBJECT_TYPE && s->selections)
		return gql_fail(c->error, VALIDATION, s->at,
				"Field \"%s\" must not have a selection since type \"%s\" has no subfields.",
				field->name, text);
	return OK;
}

static enum err check_group(struct checker *c, const struct gql_group *g, const struct gql_type *parent)
{
	static const struct gql_field type_name = {"__typename", GQL_MUST("String"), NULL, NULL, NULL};
	const struct gql_selection *s = g->list[0];
	const struct gql_field *field = bytes_eq_str(s->name, "__typename")
						? &type_name
						: gql_field_find(c->schema, parent, s->name);
	const struct gql_type *type;
	const char *what;
	enum err e = OK;

	if (!field)
		return gql_fail(c->error, VALIDATION, s->at, "Cannot query field \"%.*s\" on type \"%s\".",
				BYTES_FMT(s->name), parent->name);
	type = gql_type_find(c->schema, bytes_str(field->type.name));
	must(type != NULL);
	what = arena_cstr(c->arena, arena_printf(c->arena, "field \"%s.%s\"", parent->name, field->name));
	for (size_t i = 0; i < g->count && e == OK; i++) {
		if (!bytes_eq(g->list[i]->name, s->name))
			break;
		e = check_leaf(c, g->list[i], field, type);
		if (e == OK)
			e = check_arguments(c, g->list[i]->arguments, field->inputs, what, g->list[i]->at);
	}
	if (e == OK)
		e = check_merge(c, g);
	if (e == OK && type->kind == GQL_OBJECT_TYPE)
		e = check_set(c, g, NULL, type);
	return e;
}

/* Checks the selections of a whole group as the one set that they are, or `selections` alone. */
static enum err check_set(struct checker *c, const struct gql_group *parents, const struct gql_selection *selections,
			  const struct gql_type *type)
{
	struct gql_groups groups = {.budget = &c->budget};
	size_t sets = parents ? parents->count : 1;
	bool spread[GQL_FRAGMENTS_MAX] = {false};
	enum err e = OK;

	if (++c->depth > GQL_DEPTH_MAX)
		return gql_fail(c->error, VALIDATION, parents ? parents->list[0]->at : 0,
				"The query nests deeper than %d levels.", GQL_DEPTH_MAX);
	for (size_t i = 0; i < sets && e == OK; i++) {
		const struct gql_selection *set = parents ? parents->list[i]->selections : selections;
		e = check_shape(c, set, type, spread);
		if (e == OK)
			e = gql_collect(&groups, c->arena, c->document, c->schema, set, NULL, c->error);
	}
	for (size_t i = 0; i < groups.count && e == OK; i++)
		e = check_group(c, &groups.list[i], type);
	c->depth--;
	return e;
}

/* ---- fragments that spread themselves ---- */

/* Which fragments are known to lead back to nothing, by their place in the document. */
struct cycles {
	struct checker *checker;
	const struct gql_fragment *path[GQL_FRAGMENTS_MAX + 1];
	size_t depth;
	bool clean[GQL_FRAGMENTS_MAX];
};

static enum err fail_cycle(struct cycles *y, size_t from, size_t at)
{
	struct buf via = BUF_EMPTY;
	enum err e;

	for (size_t i = from + 1; i < y->depth; i++)
		buf_printf(&via, "%s\"%.*s\"", i > from + 1 ? ", " : " via ", BYTES_FMT(y->path[i]->name));
	if (via.len > 200)
		via.len = 200;
	e = gql_fail(y->checker->error, VALIDATION, at, "Cannot spread fragment \"%.*s\" within itself%.*s.",
		     BYTES_FMT(y->path[from]->name), BYTES_FMT(buf_bytes(&via)));
	buf_release(&via);
	return e;
}

static enum err follow(struct cycles *y, const struct gql_fragment *fragment);

static enum err follow_selections(struct cycles *y, const struct gql_selection *selections)
{
	enum err e = OK;

	for (const struct gql_selection *s = selections; s && e == OK; s = s->next) {
		const struct gql_fragment *f;
		if (s->kind != GQL_SPREAD) {
			e = follow_selections(y, s->selections);
			continue;
		}
		f = gql_fragment_find(y->checker->document, s->name);
		for (size_t i = 0; f && i < y->depth; i++)
			if (y->path[i] == f)
				return fail_cycle(y, i, s->at);
		if (f)
			e = follow(y, f);
	}
	return e;
}

static enum err follow(struct cycles *y, const struct gql_fragment *fragment)
{
	size_t place = place_of(y->checker->document, fragment);
	enum err e;

	if (y->clean[place])
		return OK;
	y->path[y->depth++] = fragment;
	e = follow_selections(y, fragment->selections);
	y->depth--;
	y->clean[place] = true;
	return e;
}

static enum err check_fragments(struct checker *c)
{
	struct cycles y = {.checker = c};
	enum err e = OK;

	for (const struct gql_fragment *f = c->document->fragments; f && e == OK; f = f->next) {
		if (gql_fragment_find(c->document, f->name) != f)
			return gql_fail(c->error, VALIDATION, f->at, "There can be only one fragment named \"%.*s\".",
					BYTES_FMT(f->name));
		e = follow(&y, f);
	}
	return e;
}

/* ---- operations ---- */

static enum err check_declarations(struct checker *c)
{
	enum err e = OK;

	for (const struct gql_variable *v = c->operation->variables; v && e == OK; v = v->next) {
		const struct gql_type *type = gql_type_find(c->schema, bytes_str(v->type.name));
		const struct gql_value *ignored;
		if (!type)
			return gql_fail(c->error, VALIDATION, v->at, "Unknown type \"%s\".", v->type.name);
		if (type->kind == GQL_OBJECT_TYPE)
			return gql_fail(c->error, VALIDATION, v->at,
					"Variable \"$%.*s\" cannot be non-input type \"%s\".", BYTES_FMT(v->name),
					gql_ref_text(c->arena, v->type));
		for (const struct gql_variable *w = c->operation->variables; w != v; w = w->next)
			if (bytes_eq(w->name, v->name))
				return gql_fail(c->error, VALIDATION, v->at,
						"There can be only one variable named \"$%.*s\".", BYTES_FMT(v->name));
		if (v->fallback)
			e = gql_coerce(&ignored, c->arena, c->schema, v->fallback, v->type, NULL, c->error);
	}
	return e;
}

static enum err check_names(struct checker *c)
{
	for (const struct gql_operation *o = c->document->operations; o; o = o->next) {
		if (o->name.len == 0 && c->document->operation_count > 1)
			return gql_fail(c->error, VALIDATION, o->at,
					"This anonymous operation must be the only defined operation.");
		for (const struct gql_operation *p = c->document->operations; p != o; p = p->next)
			if (bytes_eq(p->name, o->name))
				return gql_fail(c->error, VALIDATION, o->at,
						"There can be only one operation named \"%.*s\".", BYTES_FMT(o->name));
	}
	return OK;
}

enum err gql_check(const struct gql_document *document, const struct gql_schema *schema, struct arena *a,
		   struct gql_error *error)
{
	struct checker c = {.document = document, .schema = schema, .arena = a, .error = error, .budget = GQL_PLAN_MAX};
	enum err e = check_names(&c);

	if (e == OK)
		e = check_fragments(&c);
	for (const struct gql_operation *o = document->operations; o && e == OK; o = o->next) {
		c.operation = o;
		/* Only queries have a type to be checked against; others fail when they are run. */
		if (!bytes_eq_str(o->kind, "query"))
			continue;
		e = check_declarations(&c);
		if (e == OK)
			e = check_directives(&c, o->directives);
		if (e == OK)
			e = check_set(&c, NULL, o->selections, &schema->types[0]);
	}
	return e;
}
