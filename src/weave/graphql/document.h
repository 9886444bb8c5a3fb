/* SPDX-License-Identifier: MIT
 *
 * document: the text of a GraphQL request, read (GraphQL specification of October 2021, section 2).
 * Private to weave.
 *
 * A document is a list of operations and fragments; an operation is a tree of selections; a
 * selection is a field, a spread of a fragment, or an inline fragment. Everything lives in the
 * arena of the request and borrows its text. `at` is an offset in that text, for error messages.
 */
#ifndef WEFT_WEAVE_GRAPHQL_DOCUMENT_H
#define WEFT_WEAVE_GRAPHQL_DOCUMENT_H

#include "base/arena.h"
#include "base/err.h"

/* What a request may cost before anything is looked up. */
enum {
	GQL_TEXT_MAX = 256 << 10,
	GQL_TOKENS_MAX = 10000,
	GQL_DEPTH_MAX = 32, /* of selections and of values */
	GQL_FRAGMENTS_MAX = 64,
};

/* ---- values ---- */

enum gql_value_kind {
	GQL_NULL,
	GQL_BOOLEAN,
	GQL_INT,
	GQL_FLOAT,
	GQL_STRING,
	GQL_NAME, /* of an enum's value */
	GQL_LIST,
	GQL_OBJECT,
	GQL_VARIABLE,
};

struct gql_value {
	enum gql_value_kind kind;
	bool from_json;    /* came as a variable: a string may then name an enum's value */
	struct bytes text; /* the number, the string with its escapes resolved, the name, "true" */
	struct bytes name; /* of the member, in an object; of the argument, in a field's list */
	const struct gql_value *first, *next;
	size_t count;
	size_t at;
};

/* The type of a variable or of anything in the schema: [ELEMENT!]! at most. */
struct gql_ref {
	const char *name;
	bool required; /* the outer '!' */
	bool list;
	bool element_required;
};

/* ---- selections ---- */

struct gql_directive {
	struct bytes name;
	const struct gql_value *arguments;
	const struct gql_directive *next;
	size_t at;
};

enum gql_selection_kind { GQL_FIELD, GQL_SPREAD, GQL_INLINE };

struct gql_selection {
	enum gql_selection_kind kind;
	struct bytes key;  /* of a field: its alias, or its name */
	struct bytes name; /* of the field or fragment; of an inline fragment its type, or empty */
	const struct gql_value *arguments;
	const struct gql_directive *directives;
	const struct gql_selection *selections, *next;
	size_t at;
};

struct gql_variable {
	struct bytes name;
	struct gql_ref type;
	const struct gql_value *fallback; /* NULL: none */
	const struct gql_variable *next;
	size_t at;
};

struct gql_operation {
	struct bytes kind; /* query, mutation, subscription */
	struct bytes name;
	const struct gql_variable *variables;
	const struct gql_directive *directives;
	const struct gql_selection *selections;
	const struct gql_operation *next;
	size_t at;
};

struct gql_fragment {
	struct bytes name, type;
	const struct gql_directive *directives;
	const struct gql_selection *selections;
	const struct gql_fragment *next;
	size_t at;
};

struct gql_document {
	struct bytes text;
	const struct gql_operation *operations;
	const struct gql_fragment *fragments;
	size_t operation_count, fragment_count;
};

/* gql_parse reads a document. E_FORMAT: *at is where, and the note says what, in the words of
 * graphql-js without its "Syntax Error: ". */
must_use enum err gql_parse(struct gql_document *out, struct arena *a, struct bytes text, size_t *at,
			    struct note *note);

/* gql_value_of_json turns a variable's JSON into a value. */
struct json;
const struct gql_value *gql_value_of_json(struct arena *a, const struct json *json);
/* gql_value_print appends a value as a document would spell it. */
void gql_value_print(struct buf *out, const struct gql_value *value);
/* gql_ref_text is a type's spelling, [ID!]!, in `a`. */
const char *gql_ref_text(struct arena *a, struct gql_ref type);

#endif
