/* SPDX-License-Identifier: MIT
 *
 * check: whether a document makes sense over a schema, and what its values are (specification,
 * sections 5 and 6.1). Private to the folder.
 *
 * All fields are checked, skipped ones too; the texts are those of graphql-js, because clients
 * probe for dialects by them. More lenient than it in three ways that real clients need (weave
 * 4.7): unused variables and fragments are fine, a variable may differ from its place in ID
 * against String and in '!', and values of variables that nobody declared are ignored.
 */
#ifndef WEFT_WEAVE_GRAPHQL_CHECK_H
#define WEFT_WEAVE_GRAPHQL_CHECK_H

#include "weave/graphql/schema.h"

/* One error, as it is answered. */
struct gql_error {
	const char *code;
	struct note note;
	bool has_at;
	size_t at;
	const char *const *path; /* of the response; NULL: none */
	size_t path_count;
};

/* The variables of the request, coerced. */
struct gql_variables {
	const struct gql_variable *declared;
	const struct gql_value *given; /* a list; `name` says which */
};

/* gql_fail fills the error in and returns E_ARGUMENT. */
enum err gql_fail(struct gql_error *error, const char *code, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

must_use enum err gql_check(const struct gql_document *document, const struct gql_schema *schema, struct arena *a,
			    struct gql_error *error);

/* gql_coerce reads `value` as a `type`. Variables are replaced: *out is NULL for one that is
 * absent. With `variables` NULL they are left alone, and the rest is only checked. */
must_use enum err gql_coerce(const struct gql_value **out, struct arena *a, const struct gql_schema *schema,
			     const struct gql_value *value, struct gql_ref type, const struct gql_variables *variables,
			     struct gql_error *error);
/* gql_coerce_arguments makes the list of all arguments of a field, defaults included. */
must_use enum err gql_coerce_arguments(const struct gql_value **out, struct arena *a, const struct gql_schema *schema,
				       const struct gql_value *given, const struct gql_input *inputs,
				       const struct gql_variables *variables, struct gql_error *error);
must_use enum err gql_coerce_variables(struct gql_variables *out, struct arena *a, const struct gql_schema *schema,
				       const struct gql_operation *operation, const struct json *json,
				       struct gql_error *error);

/* The input `if` of @skip and @include. */
extern const struct gql_input gql_condition[];

/* A group of selections that make one field of the answer. */
struct gql_group {
	struct bytes key;
	const struct gql_selection **list;
	size_t count, cap;
};

struct gql_groups {
	struct gql_group *list;
	size_t count, cap;
	size_t *budget; /* selections that may still be looked at */
};

/* gql_collect adds the fields of a selection set to the groups, fragments opened, in order of
 * appearance. With `variables`, what @skip and @include leave out is left out. */
must_use enum err gql_collect(struct gql_groups *groups, struct arena *a, const struct gql_document *document,
			      const struct gql_schema *schema, const struct gql_selection *selections,
			      const struct gql_variables *variables, struct gql_error *error);
const struct gql_fragment *gql_fragment_find(const struct gql_document *document, struct bytes name);

#endif
