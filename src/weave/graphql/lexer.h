/* SPDX-License-Identifier: MIT
 *
 * lexer: the tokens of a GraphQL document (specification, section 2.1). Blanks, commas, comments
 * and a byte order mark mean nothing. Private to the folder.
 */
#ifndef WEFT_WEAVE_GRAPHQL_LEXER_H
#define WEFT_WEAVE_GRAPHQL_LEXER_H

#include "base/arena.h"
#include "base/err.h"

enum gql_token_kind {
	GQL_END,
	GQL_PUNCTUATOR, /* one of ! $ & ( ) : = @ [ ] { | } */
	GQL_DOTS,       /* ... */
	GQL_WORD,
	GQL_INTEGER,
	GQL_DECIMAL,
	GQL_TEXT,
	GQL_BLOCK_TEXT,
};

struct gql_token {
	enum gql_token_kind kind;
	struct bytes text; /* as written; of a text: its value */
	size_t at;
};

struct gql_lexer {
	struct bytes text;
	size_t at;
	size_t tokens;
	struct arena *arena;
	struct note *note;
	struct gql_token token; /* the one at hand */
};

/* gql_next reads the next token into lexer->token. E_FORMAT; token.at then is where. */
must_use enum err gql_next(struct gql_lexer *l);
/* gql_token_name is how an error message calls a token: Name "x", "{", <EOF>. */
struct bytes gql_token_name(struct arena *a, const struct gql_token *token);

#endif
