/* SPDX-License-Identifier: MIT */
#include "cli/console/lua.h"

#include <string.h>

const char *const lua_keywords[] = {"and",      "break",  "do",   "else", "elseif", "end",   "false", "for",
				    "function", "goto",   "if",   "in",   "local",  "nil",   "not",   "or",
				    "repeat",   "return", "then", "true", "until",  "while", NULL};

bool lua_keyword(struct bytes word)
{
	for (size_t i = 0; lua_keywords[i]; i++)
		if (bytes_eq_str(word, lua_keywords[i]))
			return true;
	return false;
}

/* ---- tokens ---- */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Bytes beyond ASCII are no letters in Lua, but belong together: they are coloured as one. */
static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint8_t at(struct bytes b, size_t i)
{
	return i < b.len ? b.ptr[i] : 0;
}

/* The level of the long bracket at `from` ("[[" is 0, "[==[" is 2), or -1. */
static int long_level(struct bytes b, size_t from)
{
	size_t i = from + 1;

	if (at(b, from) != '[')
		return -1;
	while (at(b, i) == '=')
		i++;
	return at(b, i) == '[' && i - from < INT_MAX ? (int)(i - from) - 1 : -1;
}

/* Where the long bracket that begins at `from` ends; b.len, and *open, when it does not. */
static size_t long_end(struct bytes b, size_t from, int level, bool *open)
{
	for (size_t i = from + (size_t)level + 2; i < b.len; i++) {
		size_t j = i + 1;
		if (b.ptr[i] != ']')
			continue;
		while (at(b, j) == '=')
			j++;
		if (at(b, j) == ']' && j < b.len && j - i - 1 == (size_t)level)
			return j + 1;
		i = j - 1;
	}
	*open = true;
	return b.len;
}

/* A short string ends at its quote; without a backslash before it a line end is an error. */
static size_t quoted_end(struct bytes b, struct lua_token *t)
{
	uint8_t quote = b.ptr[0];

	for (size_t i = 1; i < b.len; i++) {
		if (b.ptr[i] == quote)
			return i + 1;
		if (b.ptr[i] == '\n') {
			t->kind = LUA_WRONG;
			return i;
		}
		if (b.ptr[i] == '\\')
			i++;
	}
	t->open = true;
	return b.len;
}

static size_t comment_end(struct bytes b, struct lua_token *t)
{
	int level = long_level(b, 2);
	const uint8_t *line_end;

	if (level >= 0)
		return long_end(b, 2, level, &t->open);
	line_end = memchr(b.ptr, '\n', b.len);
	return line_end ? (size_t)(line_end - b.ptr) : b.len;
}

/* As Lua's own reader does: letters and digits, and a sign after an exponent. */
static size_t number_end(struct bytes b)
{
	bool hex = at(b, 0) == '0' && (at(b, 1) | 0x20) == 'x';
	size_t i = 1;

	for (; i < b.len; i++) {
		uint8_t before = b.ptr[i - 1] | 0x20;
		bool sign = (b.ptr[i] == '+' || b.ptr[i] == '-') && before == (hex ? 'p' : 'e');
		if (!sign && b.ptr[i] != '.' && !is_digit(b.ptr[i]) && (b.ptr[i] >= 0x80 || !is_letter(b.ptr[i])))
			break;
		if (b.ptr[i] == '.' && at(b, i + 1) == '.') /* 1..2 is wrong in Lua, but then it is a sign that is */
			break;
	}
	return i;
}

static size_t sign_end(struct bytes b)
{
	static const char *const signs[] = {"...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>", NULL};

	for (size_t i = 0; signs[i]; i++)
		if (bytes_starts(b, signs[i]))
			return strlen(signs[i]);
	return 1;
}

static size_t token_end(struct bytes b, struct lua_token *t)
{
	uint8_t c = b.ptr[0];
	size_t n = 1;
	int level;

	if (is_blank(c)) {
		t->kind = LUA_BLANK;
		while (n < b.len && is_blank(b.ptr[n]))
			n++;
		return n;
	}
	if (bytes_starts(b, "--")) {
		t->kind = LUA_COMMENT;
		return comment_end(b, t);
	}
	if (is_letter(c)) {
		while (n < b.len && (is_letter(b.ptr[n]) || is_digit(b.ptr[n])))
			n++;
		t->kind = lua_keyword(bytes_of(b.ptr, n)) ? LUA_KEYWORD : LUA_NAME;
		return n;
	}
	if (is_digit(c) || (c == '.' && is_digit(at(b, 1)))) {
		t->kind = LUA_NUMBER;
		return number_end(b);
	}
	level = long_level(b, 0);
	if (c == '"' || c == '\'' || level >= 0) {
		t->kind = LUA_STRING;
		return level >= 0 ? long_end(b, 0, level, &t->open) : quoted_end(b, t);
	}
	t->kind = strchr("+-*/%^#&~|<>=(){}[];:,.", c) && c ? LUA_SIGN : LUA_WRONG;
	return sign_end(b);
}

bool lua_next(struct lua_token *token, struct bytes *rest)
{
	size_t n;

	if (rest->len == 0)
		return false;
	*token = (struct lua_token){.kind = LUA_WRONG};
	n = token_end(*rest, token);
	token->text = bytes_of(rest->ptr, n);
	*rest = bytes_from(*rest, n);
	return true;
}

bool lua_string(const struct lua_token *token, struct bytes *value)
{
	struct bytes text = token->text;
	int level;

	if (token->kind != LUA_STRING || token->open || text.len < 2)
		return false;
	level = long_level(text, 0);
	if (level >= 0) {
		*value = bytes_of(text.ptr + level + 2, text.len - 2 * ((size_t)level + 2));
		return true;
	}
	*value = bytes_of(text.ptr + 1, text.len - 2);
	return memchr(value->ptr, '\\', value->len) == NULL;
}

/* ---- is it all there? ---- */

enum { NESTED_MAX = 1000 };

/* What is open, innermost last. A `for` or `while` waits for its `do`, an `if` for its `then`; both then for `end`. */
enum open { OPEN_END, OPEN_DO, OPEN_THEN, OPEN_UNTIL, OPEN_ROUND, OPEN_CURLY, OPEN_SQUARE };

struct nest {
	uint8_t open[NESTED_MAX];
	size_t count;
	bool wrong; /* something closes that was not opened: more text will not help */
};

static void push(struct nest *n, enum open what)
{
	if (n->count == NESTED_MAX)
		n->wrong = true;
	else
		n->open[n->count++] = (uint8_t)what;
}

static void pop(struct nest *n, enum open what)
{
	if (n->count == 0 || n->open[n->count - 1] != what)
		n->wrong = true;
	else
		n->count--;
}

static void turn(struct nest *n, enum open from, enum open to)
{
	pop(n, from);
	push(n, to);
}

static bool waits_for(const struct nest *n, enum open what)
{
	return n->count && n->open[n->count - 1] == what;
}

static void nest_keyword(struct nest *n, struct bytes word)
{
	if (bytes_eq_str(word, "function"))
		push(n, OPEN_END);
	else if (bytes_eq_str(word, "for") || bytes_eq_str(word, "while"))
		push(n, OPEN_DO);
	else if (bytes_eq_str(word, "if"))
		push(n, OPEN_THEN);
	else if (bytes_eq_str(word, "repeat"))
		push(n, OPEN_UNTIL);
	else if (bytes_eq_str(word, "do") && waits_for(n, OPEN_DO))
		turn(n, OPEN_DO, OPEN_END);
	else if (bytes_eq_str(word, "do"))
		push(n, OPEN_END);
	else if (bytes_eq_str(word, "then"))
		turn(n, OPEN_THEN, OPEN_END);
	else if (bytes_eq_str(word, "elseif"))
		turn(n, OPEN_END, OPEN_THEN);
	else if (bytes_eq_str(word, "end"))
		pop(n, OPEN_END);
	else if (bytes_eq_str(word, "until"))
		pop(n, OPEN_UNTIL);
}

static void nest_sign(struct nest *n, struct bytes sign)
{
	static const char opening[] = "({[", closing[] = ")}]";
	const char *found;

	if (sign.len != 1)
		return;
	if ((found = strchr(opening, sign.ptr[0])) != NULL)
		push(n, OPEN_ROUND + (enum open)(found - opening));
	else if ((found = strchr(closing, sign.ptr[0])) != NULL)
		pop(n, OPEN_ROUND + (enum open)(found - closing));
}

/* Whether nothing can end with this token. */
static bool wants_more(const struct lua_token *t)
{
	static const char *const words[] = {"and", "or", "not", "local", "until", "in", "goto", NULL};

	if (t->kind == LUA_KEYWORD) {
		for (size_t i = 0; words[i]; i++)
			if (bytes_eq_str(t->text, words[i]))
				return true;
		return false;
	}
	if (t->kind != LUA_SIGN)
		return false;
	return !bytes_eq_str(t->text, "...") && !bytes_eq_str(t->text, "::") && !strchr(")}];", t->text.ptr[0]);
}

bool lua_incomplete(struct bytes chunk)
{
	struct nest n = {.count = 0};
	struct lua_token t, last = {.kind = LUA_BLANK};

	while (!n.wrong && lua_next(&t, &chunk)) {
		if (t.open)
			return true;
		if (t.kind == LUA_WRONG)
			return false;
		if (t.kind == LUA_KEYWORD)
			nest_keyword(&n, t.text);
		if (t.kind == LUA_SIGN)
			nest_sign(&n, t.text);
		if (t.kind != LUA_BLANK && t.kind != LUA_COMMENT)
			last = t;
	}
	return !n.wrong && (n.count > 0 || wants_more(&last));
}
