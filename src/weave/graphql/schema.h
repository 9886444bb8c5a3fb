/* SPDX-License-Identifier: MIT
 *
 * schema: what can be asked, as tables. The owner of a schema writes its types, and for each field
 * a function that answers it; parsing, checking, merging, directives, introspection and errors are
 * this folder's affair.
 *
 *   text --gql_parse--> document --check--> (nothing wrong) --plan--> fields, merged, with their
 *   arguments coerced --execute--> JSON
 *
 * Only what such schemas need: objects, enums, input objects and the five scalars; no interfaces,
 * unions, mutations or subscriptions. A failing resolver makes the whole answer `data: null`.
 */
#ifndef WEFT_WEAVE_GRAPHQL_SCHEMA_H
#define WEFT_WEAVE_GRAPHQL_SCHEMA_H

#include "base/json.h"
#include "weave/graphql/document.h"

/* What one request may cost while it is answered. */
enum {
	GQL_PLAN_MAX = 20000,      /* fields after all fragments are spread */
	GQL_FIELDS_MAX = 1000000,  /* fields in the answer */
	GQL_ANSWER_MAX = 64 << 20, /* bytes of the answer */
	GQL_LIST_MAX = 1000,       /* elements of a list in an argument */
};

struct gql_schema;

/* One field being resolved. */
struct gql_call {
	struct arena *arena; /* of the request */
	void *ctx;           /* as given to gql_execute */
	const struct gql_schema *schema;
	const struct gql_value *arguments;
	struct note *note; /* what an error says */
};

/* gql_argument is an argument's value, coerced to its type and with its default: kind GQL_NULL
 * when null was given, NULL when it is absent. */
const struct gql_value *gql_argument(const struct gql_call *call, const char *name);
const struct gql_value *gql_member(const struct gql_value *object, const char *name);

enum gql_answer_kind { GQL_IS_NULL, GQL_IS_TEXT, GQL_IS_NUMBER, GQL_IS_BOOLEAN, GQL_IS_OBJECT, GQL_IS_LIST };

/* What a resolver says: a scalar or enum, an object of the field's type (a pointer that only its
 * fields' resolvers understand), or a list of those. */
struct gql_answer {
	enum gql_answer_kind kind;
	struct bytes text;
	int64_t number; /* of a boolean: 0 or 1 */
	const void *object;
	const struct gql_answer *list;
	size_t count;
};

struct gql_answer gql_text(struct bytes text);
struct gql_answer gql_number(int64_t number);
struct gql_answer gql_boolean(bool value);
struct gql_answer gql_object(const void *object); /* NULL is null */

/* A negative code becomes an error of the answer, with the note's text. */
typedef enum err gql_resolve(const struct gql_call *call, const void *object, struct gql_answer *answer);

struct gql_input {
	const char *name;
	struct gql_ref type;
	const char *fallback; /* as text; NULL: none */
};

struct gql_field {
	const char *name;
	struct gql_ref type;
	gql_resolve *resolve;
	const struct gql_input *inputs; /* ends with a NULL name; may be NULL */
	const char *deprecated;         /* why; NULL: it is not */
};

enum gql_kind { GQL_SCALAR_TYPE, GQL_ENUM_TYPE, GQL_INPUT_TYPE, GQL_OBJECT_TYPE };

struct gql_type {
	const char *name;
	enum gql_kind kind;
	const struct gql_field *fields; /* of objects; end with a NULL name */
	const struct gql_input *inputs; /* of input objects; end with a NULL name */
	const char *const *values;      /* of enums; end with NULL */
	const char *about;
};

struct gql_schema {
	const struct gql_type *types; /* end with a NULL name; the first is the query type */
};

/* How the tables spell T, T!, [T!] and [T!]!, and how their lists end. */
/* clang-format off */
#define GQL_REF(type) {.name = type}
#define GQL_MUST(type) {.name = type, .required = true}
#define GQL_REF_LIST(type) {.name = type, .list = true, .element_required = true}
#define GQL_MUST_LIST(type) {.name = type, .required = true, .list = true, .element_required = true}
#define GQL_NO_INPUT {NULL, {0}, NULL}
#define GQL_NO_FIELD {NULL, {0}, NULL, NULL, NULL}
/* clang-format on */

/* Types that every schema has: scalars and introspection. */
extern const struct gql_type gql_own_types[];
/* gql_meta_field: __schema and __type, on the query type. */
const struct gql_field *gql_meta_field(const char *name);

const struct gql_type *gql_type_find(const struct gql_schema *schema, struct bytes name);
/* gql_field_find knows __schema and __type on the query type; __typename is nobody's field. */
const struct gql_field *gql_field_find(const struct gql_schema *schema, const struct gql_type *type, struct bytes name);
const struct gql_input *gql_input_find(const struct gql_input *inputs, struct bytes name);

/* ---- asking ---- */

struct gql_request {
	struct bytes query;
	const struct json *variables; /* an object; NULL or null: none */
	struct bytes operation;       /* empty: the only one */
};

/* gql_execute appends the answer's JSON to `out` and returns its HTTP status: 200, or 400 when the
 * request itself is wrong. `ctx` is handed to the resolvers. */
int gql_execute(struct buf *out, struct arena *a, const struct gql_schema *schema, const struct gql_request *request,
		void *ctx);

#endif
