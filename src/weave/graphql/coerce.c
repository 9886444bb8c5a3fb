/* SPDX-License-Identifier: MIT
 *
 * Values read as what the schema says they are. Literals and variables' JSON go the same way.
 */
#include "weave/graphql/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct coercion {
	struct arena *arena;
	const struct gql_schema *schema;
	const struct gql_variables *variables;
	struct gql_error *error;
	const char *code;
	struct bytes variable; /* whose value it is; else empty */
	const struct gql_value *whole;
};

enum err gql_fail(struct gql_error *error, const char *code, size_t at, const char *format, ...)
{
	char text[sizeof(error->note.text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	error->code = code;
	error->at = at;
	error->has_at = true;
	note_reset(&error->note);
	note_err(&error->note, E_ARGUMENT, "%s", text);
	return E_ARGUMENT;
}

/* A value as an error message shows it, cut. */
static const char *shown(struct arena *a, const struct gql_value *value)
{
	struct buf text = BUF_EMPTY;
	const char *copy;

	gql_value_print(&text, value);
	if (text.len > 120)
		text.len = 120;
	copy = arena_cstr(a, buf_bytes(&text));
	buf_release(&text);
	return copy;
}

static enum err refuse(struct coercion *c, const struct gql_value *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static enum err refuse(struct coercion *c, const struct gql_value *value, const char *format, ...)
{
	char what[300];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (c->variable.len)
		return gql_fail(c->error, c->code, value->at, "Variable \"$%.*s\" got invalid value %s; %s",
				BYTES_FMT(c->variable), shown(c->arena, c->whole), what);
	return gql_fail(c->error, c->code, value->at, "%s", what);
}

static enum err coerce(struct coercion *c, const struct gql_value *value, struct gql_ref type,
		       const struct gql_value **out);

/* ---- scalars and enums ---- */

static bool fits_int(struct bytes text)
{
	bool negative = text.len && text.ptr[0] == '-';
	uint64_t n;

	return bytes_u64(bytes_from(text, negative), &n) && n <= (uint64_t)INT32_MAX + negative;
}

static struct gql_value *as(struct arena *a, const struct gql_value *value, enum gql_value_kind kind)
{
	struct gql_value *copy = arena_new(a, struct gql_value);

	*copy = *value;
	copy->next = NULL;
	copy->kind = kind;
	return copy;
}

static enum err coerce_scalar(struct coercion *c, const struct gql_value *value, const char *type,
			      const struct gql_value **out)
{
	const char *what = NULL;

	if (strcmp(type, "Int") == 0) {
		if (value->kind != GQL_INT)
			what = "Int cannot represent non-integer";
		else if (!fits_int(value->text))
			what = "Int cannot represent non 32-bit signed integer";
	} else if (strcmp(type, "Float") == 0) {
		if (value->kind != GQL_INT && value->kind != GQL_FLOAT)
			what = "Float cannot represent non numeric";
	} else if (strcmp(type, "Boolean") == 0) {
		if (value->kind != GQL_BOOLEAN)
			what = "Boolean cannot represent a non boolean";
	} else if (strcmp(type, "ID") == 0) {
		if (value->kind != GQL_STRING && value->kind != GQL_INT)
			what = "ID cannot represent a non-string and non-integer";
	} else if (value->kind != GQL_STRING) {
		what = "String cannot represent a non string";
	}
	if (what)
		return refuse(c, value, "%s value: %s", what, shown(c->arena, value));
	*out = as(c->arena, value, strcmp(type, "ID") == 0 ? GQL_STRING : value->kind);
	return OK;
}

static enum err coerce_enum(struct coercion *c, const struct gql_value *value, const struct gql_type *type,
			    const struct gql_value **out)
{
	bool named = value->kind == GQL_NAME || (value->from_json && value->kind == GQL_STRING);

	for (size_t i = 0; named && type->values[i]; i++) {
		if (bytes_eq_str(value->text, type->values[i])) {
			*out = as(c->arena, value, GQL_NAME);
			return OK;
		}
	}
	if (named)
		return refuse(c, value, "Value \"%.*s\" does not exist in \"%s\" enum.", BYTES_FMT(value->text),
			      type->name);
	return refuse(c, value, "Enum \"%s\" cannot represent non-enum value: %s.", type->name, shown(c->arena, value));
}

/* ---- input objects ---- */

const struct gql_value *gql_member(const struct gql_value *object, const char *name)
{
	const struct gql_value *found = NULL;

	for (const struct gql_value *m = object ? object->first : NULL; m; m = m->next)
		if (bytes_eq_str(m->name, name))
			found = m;
	return found;
}

static struct gql_value *with_name(struct arena *a, const struct gql_value *value, const char *name)
{
	struct gql_value *copy = as(a, value, value->kind);

	copy->name = bytes_str(name);
	return copy;
}

/* A default out of a table: the type says how it is spelled. */
static const struct gql_value *fallback_value(struct coercion *c, const struct gql_input *input)
{
	struct gql_value *value = arena_new(c->arena, struct gql_value);
	const struct gql_type *type = gql_type_find(c->schema, bytes_str(input->type.name));

	value->kind = type && type->kind == GQL_ENUM_TYPE ? GQL_NAME : GQL_INT;
	value->text = bytes_str(input->fallback);
	return value;
}

/* The values of all inputs out of a list of named ones. */
static enum err coerce_inputs(struct coercion *c, const struct gql_value *given, const struct gql_input *inputs,
			      size_t at, const char *owner, const struct gql_value **out)
{
	const struct gql_value **tail = out;
	struct gql_value whole = {.first = given};

	*out = NULL;
	for (const struct gql_input *input = inputs; input && input->name; input++) {
		const struct gql_value *value = gql_member(&whole, input->name), *coerced = NULL;
		struct gql_value *named;
		enum err e = value ? coerce(c, value, input->type, &coerced) : OK;
		if (e < 0)
			return e;
		if (!coerced && input->fallback)
			coerced = fallback_value(c, input);
		if (!coerced && !value && input->type.required && !input->fallback)
			return gql_fail(
				c->error, c->code, at, "Field \"%s%s%s\" of required type \"%s\" was not provided.",
				owner ? owner : "", owner ? "." : "", input->name, gql_ref_text(c->arena, input->type));
		if (!coerced)
			continue;
		named = with_name(c->arena, coerced, input->name);
		*tail = named;
		tail = &named->next;
	}
	return OK;
}

static enum err coerce_object(struct coercion *c, const struct gql_value *value, const struct gql_type *type,
			      const struct gql_value **out)
{
	struct gql_value *object;
	const struct gql_value *members = NULL;
	enum err e;

	if (value->kind != GQL_OBJECT)
		return refuse(c, value, "Expected value of type \"%s\", found %s.", type->name, shown(c->arena, value));
	for (const struct gql_value *m = value->first; m; m = m->next)
		if (!gql_input_find(type->inputs, m->name))
			return refuse(c, m, "Field \"%.*s\" is not defined by type \"%s\".", BYTES_FMT(m->name),
				      type->name);
	e = coerce_inputs(c, value->first, type->inputs, value->at, type->name, &members);
	object = as(c->arena, value, GQL_OBJECT);
	object->first = members;
	*out = object;
	return e;
}

/* ---- variables and lists ---- */

static const struct gql_value *find_named(const struct gql_value *list, struct bytes name)
{
	for (; list; list = list->next)
		if (bytes_eq(list->name, name))
			return list;
	return NULL;
}

static enum err coerce_list(struct coercion *c, const struct gql_value *value, struct gql_ref type,
			    const struct gql_value **out)
{
	struct gql_ref element = {.name = type.name, .required = type.element_required};
	const struct gql_value *first = value->kind == GQL_LIST ? value->first : value;
	struct gql_value *list = as(c->arena, value, GQL_LIST);
	const struct gql_value **tail = &list->first;

	list->first = NULL;
	list->count = 0;
	for (const struct gql_value *v = first; v; v = value->kind == GQL_LIST ? v->next : NULL) {
		const struct gql_value *coerced = NULL;
		struct gql_value *member;
		enum err e = coerce(c, v, element, &coerced);
		if (e < 0)
			return e;
		if (++list->count > GQL_LIST_MAX)
			return refuse(c, v, "A list has more than %d elements.", GQL_LIST_MAX);
		member = coerced ? as(c->arena, coerced, coerced->kind) : arena_new(c->arena, struct gql_value);
		*tail = member;
		tail = &member->next;
	}
	*out = list;
	return OK;
}

static enum err coerce(struct coercion *c, const struct gql_value *value, struct gql_ref type,
		       const struct gql_value **out)
{
	const struct gql_type *named = gql_type_find(c->schema, bytes_str(type.name));

	*out = NULL;
	if (value->kind == GQL_VARIABLE) {
		if (c->variables)
			*out = find_named(c->variables->given, value->text);
		return OK;
	}
	if (value->kind == GQL_NULL) {
		if (type.required)
			return refuse(c, value, "Expected value of type \"%s\", found null.",
				      gql_ref_text(c->arena, type));
		*out = value;
		return OK;
	}
	if (type.list)
		return coerce_list(c, value, type, out);
	must(named != NULL);
	switch (named->kind) {
	case GQL_SCALAR_TYPE:
		return coerce_scalar(c, value, named->name, out);
	case GQL_ENUM_TYPE:
		return coerce_enum(c, value, named, out);
	case GQL_INPUT_TYPE:
		return coerce_object(c, value, named, out);
	case GQL_OBJECT_TYPE:
		break;
	}
	return refuse(c, value, "an object type is no input");
}

enum err gql_coerce(const struct gql_value **out, struct arena *a, const struct gql_schema *schema,
		    const struct gql_value *value, struct gql_ref type, const struct gql_variables *variables,
		    struct gql_error *error)
{
	struct coercion c = {.arena = a,
			     .schema = schema,
			     .variables = variables,
			     .error = error,
			     .code = "GRAPHQL_VALIDATION_FAILED"};

	return coerce(&c, value, type, out);
}

enum err gql_coerce_arguments(const struct gql_value **out, struct arena *a, const struct gql_schema *schema,
			      const struct gql_value *given, const struct gql_input *inputs,
			      const struct gql_variables *variables, struct gql_error *error)
{
	struct coercion c = {
		.arena = a, .schema = schema, .variables = variables, .error = error, .code = "BAD_USER_INPUT"};

	return coerce_inputs(&c, given, inputs, given ? given->at : 0, NULL, out);
}

enum err gql_coerce_variables(struct gql_variables *out, struct arena *a, const struct gql_schema *schema,
			      const struct gql_operation *operation, const struct json *json, struct gql_error *error)
{
	struct coercion c = {.arena = a, .schema = schema, .error = error, .code = "BAD_USER_INPUT"};
	const struct gql_value **tail = &out->given;

	*out = (struct gql_variables){.declared = operation->variables};
	for (const struct gql_variable *v = operation->variables; v; v = v->next) {
		const struct json *found = json && json->kind == JSON_OBJECT ? json_get(json, arena_cstr(a, v->name))
									     : NULL;
		const struct gql_value *value = found ? gql_value_of_json(a, found) : v->fallback, *coerced;
		struct gql_value *named;
		enum err e;

		if (!value) {
			if (v->type.required)
				return gql_fail(error, c.code, v->at,
						"Variable \"$%.*s\" of required type \"%s\" was not provided.",
						BYTES_FMT(v->name), gql_ref_text(a, v->type));
			continue;
		}
		if (value->kind == GQL_NULL && v->type.required)
			return gql_fail(error, c.code, v->at,
					"Variable \"$%.*s\" of non-null type \"%s\" must not be null.",
					BYTES_FMT(v->name), gql_ref_text(a, v->type));
		c.variable = v->name;
		c.whole = value;
		e = coerce(&c, value, v->type, &coerced);
		if (e < 0) {
			error->at = v->at;
			return e;
		}
		named = as(a, coerced, coerced->kind);
		named->name = v->name;
		*tail = named;
		tail = &named->next;
	}
	return OK;
}
