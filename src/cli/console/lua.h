/* SPDX-License-Identifier: MIT
 *
 * lua: Lua 5.3 as far as a console has to know it: where each token ends (reference manual, 3.1), and
 * whether a chunk is all there. Not a parser: a chunk that is wrong counts as complete, because the process
 * explains errors better.
 */
#ifndef WEFT_CLI_CONSOLE_LUA_H
#define WEFT_CLI_CONSOLE_LUA_H

#include "base/bytes.h"

enum lua_kind { LUA_BLANK, LUA_COMMENT, LUA_KEYWORD, LUA_NAME, LUA_NUMBER, LUA_STRING, LUA_SIGN, LUA_WRONG };

struct lua_token {
	enum lua_kind kind;
	struct bytes text;
	bool open; /* a string or comment that the chunk ended before it did */
};

/* lua_next takes the next token off *rest; false at the end. The texts of all tokens, one after the other, are the chunk. */
bool lua_next(struct lua_token *token, struct bytes *rest);
/* lua_string is what a LUA_STRING without escapes means, without its quotes; false when it has escapes or is open. */
bool lua_string(const struct lua_token *token, struct bytes *value);
bool lua_keyword(struct bytes word);
/* lua_incomplete tells whether more must follow: a block, bracket, string or comment is open, or an operator
 * lacks its right side. */
bool lua_incomplete(struct bytes chunk);

/* The keywords, ended by NULL: for completion. */
extern const char *const lua_keywords[];

#endif
