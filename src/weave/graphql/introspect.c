/* SPDX-License-Identifier: MIT
 *
 * The schema asked about itself (specification, section 4). Its types are tables like any others,
 * over the tables themselves: a __Field is a struct gql_field, an __InputValue a struct gql_input,
 * an __EnumValue a name, and a __Type a struct gql_ref, from which one wrapper after the other is
 * taken.
 */
#include "weave/graphql/schema.h"

#include <string.h>

/* ---- lists ---- */

struct listing {
	struct arena *arena;
	struct gql_answer *list;
	size_t count, cap;
};

static void add(struct listing *l, struct gql_answer answer)
{
	if (l->count == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 16;
		struct gql_answer *wider = arena_new_array(l->arena, cap, struct gql_answer);
		if (l->count)
			memcpy(wider, l->list, l->count * sizeof(*wider));
		l->list = wider;
		l->cap = cap;
	}
	l->list[l->count++] = answer;
}

static struct gql_answer listed(const struct listing *l)
{
	return (struct gql_answer){.kind = GQL_IS_LIST, .list = l->list, .count = l->count};
}

static struct gql_answer list_inputs(const struct gql_call *call, const struct gql_input *inputs)
{
	struct listing l = {.arena = call->arena};

	for (; inputs && inputs->name; inputs++)
		add(&l, gql_object(inputs));
	return listed(&l);
}

static struct gql_answer ref_object(const struct gql_call *call, struct gql_ref ref)
{
	struct gql_ref *copy = arena_new(call->arena, struct gql_ref);

	*copy = ref;
	return gql_object(copy);
}

static bool asked(const struct gql_call *call, const char *argument)
{
	const struct gql_value *value = gql_argument(call, argument);

	return value && value->kind == GQL_BOOLEAN && bytes_eq_str(value->text, "true");
}

/* ---- what has no more to say ---- */

static enum err say_null(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call, (void)object, (void)answer;
	return OK;
}

static enum err say_false(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call, (void)object;
	*answer = gql_boolean(false);
	return OK;
}

/* ---- __Type ---- */

/* The type itself, when no wrapper is left. */
static const struct gql_type *bare(const struct gql_call *call, const struct gql_ref *ref)
{
	return ref->required || ref->list ? NULL : gql_type_find(call->schema, bytes_str(ref->name));
}

static enum err type_kind(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	static const char *const kinds[] = {"SCALAR", "ENUM", "INPUT_OBJECT", "OBJECT"};
	const struct gql_ref *ref = object;
	const struct gql_type *type = bare(call, ref);

	*answer = gql_text(bytes_str(ref->required ? "NON_NULL" : ref->list ? "LIST" : type ? kinds[type->kind] : ""));
	return OK;
}

static enum err type_name(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_type *type = bare(call, object);

	if (type)
		*answer = gql_text(bytes_str(type->name));
	return OK;
}

static enum err type_about(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_type *type = bare(call, object);

	if (type && type->about)
		*answer = gql_text(bytes_str(type->about));
	return OK;
}

static enum err type_fields(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_type *type = bare(call, object);
	struct listing l = {.arena = call->arena};

	if (!type || type->kind != GQL_OBJECT_TYPE)
		return OK;
	for (const struct gql_field *f = type->fields; f && f->name; f++)
		if (!f->deprecated || asked(call, "includeDeprecated"))
			add(&l, gql_object(f));
	*answer = listed(&l);
	return OK;
}

static enum err type_interfaces(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_type *type = bare(call, object);

	if (type && type->kind == GQL_OBJECT_TYPE)
		*answer = (struct gql_answer){.kind = GQL_IS_LIST};
	return OK;
}

static enum err type_values(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_type *type = bare(call, object);
	struct listing l = {.arena = call->arena};

	if (!type || type->kind != GQL_ENUM_TYPE)
		return OK;
	for (size_t i = 0; type->values[i]; i++)
		add(&l, gql_object(type->values[i]));
	*answer = listed(&l);
	return OK;
}

static enum err type_inputs(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_type *type = bare(call, object);

	if (type && type->kind == GQL_INPUT_TYPE)
		*answer = list_inputs(call, type->inputs);
	return OK;
}

static enum err type_of(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_ref *ref = object;

	if (ref->required)
		*answer = ref_object(call, (struct gql_ref){.name = ref->name,
							    .list = ref->list,
							    .element_required = ref->element_required});
	else if (ref->list)
		*answer = ref_object(call, (struct gql_ref){.name = ref->name, .required = ref->element_required});
	return OK;
}

/* ---- __Field, __InputValue, __EnumValue ---- */

static enum err field_name(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_text(bytes_str(((const struct gql_field *)object)->name));
	return OK;
}

static enum err field_args(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = list_inputs(call, ((const struct gql_field *)object)->inputs);
	return OK;
}

static enum err field_type(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = ref_object(call, ((const struct gql_field *)object)->type);
	return OK;
}

static enum err field_is_deprecated(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_boolean(((const struct gql_field *)object)->deprecated != NULL);
	return OK;
}

static enum err field_why(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_field *field = object;

	(void)call;
	if (field->deprecated)
		*answer = gql_text(bytes_str(field->deprecated));
	return OK;
}

static enum err input_name(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_text(bytes_str(((const struct gql_input *)object)->name));
	return OK;
}

static enum err input_type(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	*answer = ref_object(call, ((const struct gql_input *)object)->type);
	return OK;
}

static enum err input_fallback(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_input *input = object;

	(void)call;
	if (input->fallback)
		*answer = gql_text(bytes_str(input->fallback));
	return OK;
}

static enum err value_name(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)call;
	*answer = gql_text(bytes_str(object));
	return OK;
}

/* ---- __Directive: @skip and @include; the object is the name ---- */

static enum err directive_places(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct listing l = {.arena = call->arena};

	(void)object;
	add(&l, gql_text(BYTES("FIELD")));
	add(&l, gql_text(BYTES("FRAGMENT_SPREAD")));
	add(&l, gql_text(BYTES("INLINE_FRAGMENT")));
	*answer = listed(&l);
	return OK;
}

static const struct gql_input condition[] = {{"if", GQL_MUST("Boolean"), NULL}, GQL_NO_INPUT};

static enum err directive_args(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)object;
	*answer = list_inputs(call, condition);
	return OK;
}

/* ---- __Schema ---- */

static void add_types(struct listing *l, const struct gql_call *call, const struct gql_type *types)
{
	for (; types->name; types++)
		add(l, ref_object(call, (struct gql_ref){.name = types->name}));
}

static enum err schema_types(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct listing l = {.arena = call->arena};

	(void)object;
	add_types(&l, call, call->schema->types);
	add_types(&l, call, gql_own_types);
	*answer = listed(&l);
	return OK;
}

static enum err schema_query(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)object;
	*answer = ref_object(call, (struct gql_ref){.name = call->schema->types[0].name});
	return OK;
}

static enum err schema_directives(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	struct listing l = {.arena = call->arena};

	(void)object;
	add(&l, gql_object("include"));
	add(&l, gql_object("skip"));
	*answer = listed(&l);
	return OK;
}

static enum err query_schema(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	(void)object;
	*answer = gql_object(call->schema);
	return OK;
}

static enum err query_type(const struct gql_call *call, const void *object, struct gql_answer *answer)
{
	const struct gql_value *name = gql_argument(call, "name");
	const struct gql_type *type = name ? gql_type_find(call->schema, name->text) : NULL;

	(void)object;
	if (type)
		*answer = ref_object(call, (struct gql_ref){.name = type->name});
	return OK;
}

/* ---- tables ---- */

static const struct gql_input include_deprecated[] = {{"includeDeprecated", GQL_REF("Boolean"), NULL}, GQL_NO_INPUT};
static const struct gql_input by_name[] = {{"name", GQL_MUST("String"), NULL}, GQL_NO_INPUT};

static const struct gql_field schema_fields[] = {
	{"description", GQL_REF("String"), say_null, NULL, NULL},
	{"types", GQL_MUST_LIST("__Type"), schema_types, NULL, NULL},
	{"queryType", GQL_MUST("__Type"), schema_query, NULL, NULL},
	{"mutationType", GQL_REF("__Type"), say_null, NULL, NULL},
	{"subscriptionType", GQL_REF("__Type"), say_null, NULL, NULL},
	{"directives", GQL_MUST_LIST("__Directive"), schema_directives, NULL, NULL},
	GQL_NO_FIELD,
};

static const struct gql_field type_fields_of[] = {
	{"kind", GQL_MUST("__TypeKind"), type_kind, NULL, NULL},
	{"name", GQL_REF("String"), type_name, NULL, NULL},
	{"description", GQL_REF("String"), type_about, NULL, NULL},
	{"specifiedByURL", GQL_REF("String"), say_null, NULL, NULL},
	{"fields", GQL_REF_LIST("__Field"), type_fields, include_deprecated, NULL},
	{"interfaces", GQL_REF_LIST("__Type"), type_interfaces, NULL, NULL},
	{"possibleTypes", GQL_REF_LIST("__Type"), say_null, NULL, NULL},
	{"enumValues", GQL_REF_LIST("__EnumValue"), type_values, include_deprecated, NULL},
	{"inputFields", GQL_REF_LIST("__InputValue"), type_inputs, include_deprecated, NULL},
	{"ofType", GQL_REF("__Type"), type_of, NULL, NULL},
	GQL_NO_FIELD,
};

static const struct gql_field field_fields[] = {
	{"name", GQL_MUST("String"), field_name, NULL, NULL},
	{"description", GQL_REF("String"), say_null, NULL, NULL},
	{"args", GQL_MUST_LIST("__InputValue"), field_args, include_deprecated, NULL},
	{"type", GQL_MUST("__Type"), field_type, NULL, NULL},
	{"isDeprecated", GQL_MUST("Boolean"), field_is_deprecated, NULL, NULL},
	{"deprecationReason", GQL_REF("String"), field_why, NULL, NULL},
	GQL_NO_FIELD,
};

static const struct gql_field input_fields[] = {
	{"name", GQL_MUST("String"), input_name, NULL, NULL},
	{"description", GQL_REF("String"), say_null, NULL, NULL},
	{"type", GQL_MUST("__Type"), input_type, NULL, NULL},
	{"defaultValue", GQL_REF("String"), input_fallback, NULL, NULL},
	{"isDeprecated", GQL_MUST("Boolean"), say_false, NULL, NULL},
	{"deprecationReason", GQL_REF("String"), say_null, NULL, NULL},
	GQL_NO_FIELD,
};

static const struct gql_field value_fields[] = {
	{"name", GQL_MUST("String"), value_name, NULL, NULL},
	{"description", GQL_REF("String"), say_null, NULL, NULL},
	{"isDeprecated", GQL_MUST("Boolean"), say_false, NULL, NULL},
	{"deprecationReason", GQL_REF("String"), say_null, NULL, NULL},
	GQL_NO_FIELD,
};

static const struct gql_field directive_fields[] = {
	{"name", GQL_MUST("String"), value_name, NULL, NULL},
	{"description", GQL_REF("String"), say_null, NULL, NULL},
	{"isRepeatable", GQL_MUST("Boolean"), say_false, NULL, NULL},
	{"locations", GQL_MUST_LIST("__DirectiveLocation"), directive_places, NULL, NULL},
	{"args", GQL_MUST_LIST("__InputValue"), directive_args, include_deprecated, NULL},
	GQL_NO_FIELD,
};

static const char *const type_kinds[] = {"SCALAR",       "OBJECT", "INTERFACE", "UNION", "ENUM",
					 "INPUT_OBJECT", "LIST",   "NON_NULL",  NULL};
static const char *const directive_locations[] = {
	"QUERY",           "MUTATION",        "SUBSCRIPTION",        "FIELD", "FRAGMENT_DEFINITION",
	"FRAGMENT_SPREAD", "INLINE_FRAGMENT", "VARIABLE_DEFINITION", NULL};

const struct gql_type gql_own_types[] = {
	{.name = "ID", .kind = GQL_SCALAR_TYPE},
	{.name = "String", .kind = GQL_SCALAR_TYPE},
	{.name = "Int", .kind = GQL_SCALAR_TYPE},
	{.name = "Float", .kind = GQL_SCALAR_TYPE},
	{.name = "Boolean", .kind = GQL_SCALAR_TYPE},
	{.name = "__Schema", .kind = GQL_OBJECT_TYPE, .fields = schema_fields},
	{.name = "__Type", .kind = GQL_OBJECT_TYPE, .fields = type_fields_of},
	{.name = "__Field", .kind = GQL_OBJECT_TYPE, .fields = field_fields},
	{.name = "__InputValue", .kind = GQL_OBJECT_TYPE, .fields = input_fields},
	{.name = "__EnumValue", .kind = GQL_OBJECT_TYPE, .fields = value_fields},
	{.name = "__Directive", .kind = GQL_OBJECT_TYPE, .fields = directive_fields},
	{.name = "__TypeKind", .kind = GQL_ENUM_TYPE, .values = type_kinds},
	{.name = "__DirectiveLocation", .kind = GQL_ENUM_TYPE, .values = directive_locations},
	{.name = NULL},
};

const struct gql_field *gql_meta_field(const char *name)
{
	static const struct gql_field meta[] = {
		{"__schema", GQL_MUST("__Schema"), query_schema, NULL, NULL},
		{"__type", GQL_REF("__Type"), query_type, by_name, NULL},
		GQL_NO_FIELD,
	};

	for (const struct gql_field *f = meta; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}
