/* SPDX-License-Identifier: MIT
 *
 * json: the aos library "json", and the JSON of messages and answers.
 *
 * Its habits are interface (ref/aos-module 10.1): an empty table is [], numbers have 14 digits, null leaves no trace,
 * trailing commas and whatever tonumber() takes are accepted, fields that are functions are skipped. Neither
 * direction recurses in C: levels live on the Lua stack and in a list of struct level, at most LEVELS of them.
 */
#include "native.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 10000, LEVELS_FIRST = 16 };

/* Raises an error of the library, with the library's own position in front. The arguments must not use the top of
 * the stack. */
#define raise(L, ...) \
	(lua_pushliteral(L, "[string \"json\"]:1: "), lua_pushfstring(L, __VA_ARGS__), lua_concat(L, 2), lua_error(L))

struct level {
	union {
		lua_Integer count; /* of the array: its elements so far */
		const void *table; /* while encoding */
	};
	lua_Integer next, size;
	bool object;
};

/* The levels that are open; a userdata, so that an error releases it. It stands on the Lua stack at `slot`. */
struct levels {
	struct level *list;
	size_t depth, room;
	int slot;
	struct level first[LEVELS_FIRST];
};

static struct level *push_level(lua_State *L, struct levels *v)
{
	if (v->depth >= LEVELS)
		raise(L, "nesting is too deep");
	if (v->depth == v->room) {
		struct level *more = lua_newuserdata(L, 2 * v->room * sizeof(*more));
		memcpy(more, v->list, v->depth * sizeof(*more));
		lua_replace(L, v->slot);
		v->list = more;
		v->room *= 2;
	}
	luaL_checkstack(L, 8, "nesting is too deep");
	return &v->list[v->depth++];
}

static void start_levels(lua_State *L, struct levels *v)
{
	v->list = v->first;
	v->depth = 0;
	v->room = LEVELS_FIRST;
	lua_pushnil(L);
	v->slot = lua_gettop(L);
}

/* ---- decoding ---- */

struct reader {
	lua_State *L;
	const unsigned char *start, *end, *p;
};

static void _Noreturn fail(struct reader *r, const unsigned char *at, const char *what)
{
	int line = 1, col = 1;

	for (const unsigned char *p = r->start; p < at; p++) {
		col++;
		if (*p == '\n')
			line++, col = 1;
	}
	raise(r->L, "%s at line %d col %d", what, line, col);
	abort();
}

static bool is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && is_space(*r->p))
		r->p++;
}

/* The word from here to the next delimiter. */
static size_t word_len(const struct reader *r)
{
	const unsigned char *p = r->p;

	while (p < r->end && !is_space(*p) && *p != ']' && *p != '}' && *p != ',')
		p++;
	return (size_t)(p - r->p);
}

static int hex4(const unsigned char *p, const unsigned char *end)
{
	int n = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = p[i], digit = c >= '0' && c <= '9'   ? c - '0'
				      : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : c >= 'A' && c <= 'F' ? c - 'A' + 10
							     : -1;
		if (digit < 0)
			return -1;
		n = n * 16 + digit;
	}
	return n;
}

static void add_codepoint(luaL_Buffer *b, uint32_t n)
{
	if (n < 0x80) {
		luaL_addchar(b, (char)n);
	} else if (n < 0x800) {
		luaL_addchar(b, (char)(0xc0 | n >> 6));
		luaL_addchar(b, (char)(0x80 | (n & 63)));
	} else if (n < 0x10000) {
		luaL_addchar(b, (char)(0xe0 | n >> 12));
		luaL_addchar(b, (char)(0x80 | (n >> 6 & 63)));
		luaL_addchar(b, (char)(0x80 | (n & 63)));
	} else {
		luaL_addchar(b, (char)(0xf0 | n >> 18));
		luaL_addchar(b, (char)(0x80 | (n >> 12 & 63)));
		luaL_addchar(b, (char)(0x80 | (n >> 6 & 63)));
		luaL_addchar(b, (char)(0x80 | (n & 63)));
	}
}

/* After \u: a high surrogate and what follows it are one character, whatever follows. */
static const unsigned char *add_unicode(struct reader *r, luaL_Buffer *b, const unsigned char *p)
{
	int high = hex4(p, r->end), low = -1;

	if (high < 0)
		fail(r, p - 2, "invalid unicode escape in string");
	if (high >= 0xd800 && high < 0xdc00 && r->end - p >= 6 && p[4] == '\\' && p[5] == 'u')
		low = hex4(p + 6, r->end);
	if (low < 0) {
		add_codepoint(b, (uint32_t)high);
		return p + 4;
	}
	add_codepoint(b, (uint32_t)((high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000));
	return p + 10;
}

static const unsigned char *add_escape(struct reader *r, luaL_Buffer *b, const unsigned char *p)
{
	static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";

	if (p < r->end && *p == 'u')
		return add_unicode(r, b, p + 1);
	const char *found = p < r->end && *p ? strchr(letters, *p) : NULL;
	if (!found) {
		lua_pushfstring(r->L, "invalid escape char '%s' in string", p < r->end ? (char[]){(char)*p, '\0'} : "");
		fail(r, p - 1, lua_tostring(r->L, -1));
	}
	luaL_addchar(b, bytes[found - letters]);
	return p + 1;
}

/* Pushes the string that begins at the quote. */
static void read_string(struct reader *r)
{
	const unsigned char *quote = r->p, *p = quote + 1, *from = p;

	while (p < r->end && *p >= 32 && *p != '"' && *p != '\\')
		p++;
	if (p < r->end && *p == '"') { /* nearly always */
		lua_pushlstring(r->L, (const char *)from, (size_t)(p - from));
		r->p = p + 1;
		return;
	}
	luaL_Buffer b;
	luaL_buffinit(r->L, &b);
	for (;;) {
		while (p < r->end && *p >= 32 && *p != '"' && *p != '\\')
			p++;
		if (p >= r->end)
			fail(r, quote, "expected closing quote for string");
		if (*p < 32)
			fail(r, p, "control character in string");
		luaL_addlstring(&b, (const char *)from, (size_t)(p - from));
		if (*p == '"')
			break;
		from = p = add_escape(r, &b, p + 1);
	}
	luaL_pushresult(&b);
	r->p = p + 1;
}

static void read_number(struct reader *r)
{
	const unsigned char *p = r->p;
	size_t len = word_len(r);
	bool minus = *p == '-';
	lua_Integer n = 0;
	size_t i = minus;

	for (; i < len && i < 18 && p[i] >= '0' && p[i] <= '9'; i++)
		n = n * 10 + (p[i] - '0');
	if (i == len && i > (size_t)minus) {
		lua_pushinteger(r->L, minus ? -n : n);
		r->p = p + len;
		return;
	}
	lua_pushlstring(r->L, (const char *)p, len);
	const char *word = lua_tostring(r->L, -1);
	if (lua_stringtonumber(r->L, word) != len + 1) {
		lua_pushfstring(r->L, "invalid number '%s'", word);
		fail(r, p, lua_tostring(r->L, -1));
	}
	lua_remove(r->L, -2);
	r->p = p + len;
}

static void read_literal(struct reader *r)
{
	const char *p = (const char *)r->p;
	size_t len = word_len(r);

	if (len == 4 && memcmp(p, "true", 4) == 0) {
		lua_pushboolean(r->L, 1);
	} else if (len == 5 && memcmp(p, "false", 5) == 0) {
		lua_pushboolean(r->L, 0);
	} else if (len == 4 && memcmp(p, "null", 4) == 0) {
		lua_pushnil(r->L);
	} else {
		lua_pushlstring(r->L, p, len);
		lua_pushfstring(r->L, "invalid literal '%s'", lua_tostring(r->L, -1));
		fail(r, r->p, lua_tostring(r->L, -1));
	}
	r->p += len;
}

/* Pushes a scalar, or opens a level and says so. */
static bool read_value(struct reader *r, struct levels *v)
{
	int c = r->p < r->end ? *r->p : -1;

	switch (c) {
	case '"':
		read_string(r);
		return false;
	case '{':
	case '[': {
		struct level *l = push_level(r->L, v);
		l->object = c == '{';
		l->count = 0;
		lua_newtable(r->L);
		r->p++;
		return true;
	}
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
	case '-':
		read_number(r);
		return false;
	case 't':
	case 'f':
	case 'n':
		read_literal(r);
		return false;
	default:
		lua_pushfstring(r->L, "unexpected character '%s'", c > 0 ? (char[]){(char)c, '\0'} : "");
		fail(r, r->p, lua_tostring(r->L, -1));
	}
}

/* In an object, before a field: pushes the key. */
static void read_key(struct reader *r)
{
	if (r->p >= r->end || *r->p != '"')
		fail(r, r->p, "expected string for key");
	read_string(r);
	skip_space(r);
	if (r->p >= r->end || *r->p != ':')
		fail(r, r->p, "expected ':' after key");
	r->p++;
	skip_space(r);
}

/* The value on top is complete: gives it to its table. */
static void store(lua_State *L, struct level *l)
{
	if (l->object)
		lua_rawset(L, -3);
	else
		lua_rawseti(L, -2, ++l->count);
}

/* After a value: whether its table ends here. */
static bool read_separator(struct reader *r, const struct level *l)
{
	skip_space(r);
	int c = r->p < r->end ? *r->p : -1;
	r->p++;
	if (c == (l->object ? '}' : ']'))
		return true;
	if (c != ',')
		fail(r, r->p, l->object ? "expected '}' or ','" : "expected ']' or ','");
	return false;
}

/* Walks on until the next value begins: closes tables, reads a key. False: the outermost value is complete. */
static bool next_value(struct reader *r, struct levels *v, bool opened)
{
	for (;;) {
		if (v->depth == 0)
			return false;
		struct level *l = &v->list[v->depth - 1];
		bool closed = false;
		if (!opened) {
			store(r->L, l);
			closed = read_separator(r, l);
		}
		if (!closed) {
			skip_space(r);
			closed = r->p < r->end && *r->p == (l->object ? '}' : ']');
			if (closed) {
				r->p++;
			} else {
				if (l->object)
					read_key(r);
				return true;
			}
		}
		v->depth--;
		opened = false;
	}
}

void json_decode(lua_State *L, const char *ptr, size_t len)
{
	const unsigned char *text = (const unsigned char *)ptr;
	struct reader r = {L, text, text + len, text};
	struct levels v;
	bool opened;

	luaL_checkstack(L, 16, NULL);
	start_levels(L, &v);
	skip_space(&r);
	do
		opened = read_value(&r, &v);
	while (next_value(&r, &v, opened));
	skip_space(&r);
	if (r.p < r.end)
		fail(&r, r.p, "trailing garbage");
	lua_remove(L, v.slot);
}

/* ---- encoding ---- */

static void put_string(lua_State *L, const char *p, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const char *end = p + len;
	char *out = text_reserve(L, len + 2);
	size_t extra = 0;

	for (const char *q = p; q < end; q++)
		if ((unsigned char)*q < 32 || *q == '"' || *q == '\\')
			extra++;
	if (extra)
		out = text_reserve(L, len + 2 + 5 * extra);
	char *at = out;
	*at++ = '"';
	if (!extra) {
		memcpy(at, p, len);
		at += len;
		p = end;
	}
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c >= 32 && c != '"' && c != '\\') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\';
		static const char bytes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
		const char *found = c ? strchr(bytes, c) : NULL;
		if (found) {
			*at++ = letters[found - bytes];
			continue;
		}
		memcpy(at, "u00", 3);
		at[3] = hex[c >> 4];
		at[4] = hex[c & 15];
		at += 5;
	}
	*at++ = '"';
	text_out.len += (size_t)(at - out);
}

static void put_number(lua_State *L, int index)
{
	double n = lua_tonumber(L, index);

	if (!(n > -HUGE_VAL && n < HUGE_VAL)) {
		const char *shown = luaL_tolstring(L, index, NULL);
		raise(L, "unexpected number value '%s'", shown);
	}
	char *out = text_reserve(L, 40);
	text_out.len += (size_t)aos_write_number(out, 40, n);
}

/* Whether the table at the top is an array; how many elements. Refuses mixtures and arrays with holes. */
static bool is_array(lua_State *L, lua_Integer *size)
{
	lua_Integer n = 0;

	*size = 0;
	bool first = lua_rawgeti(L, -1, 1) != LUA_TNIL;
	lua_pop(L, 1);
	if (!first) {
		lua_pushnil(L);
		if (!lua_next(L, -2))
			return true;
		lua_pop(L, 2);
		return false;
	}
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1), n++)
		if (lua_type(L, -2) != LUA_TNUMBER)
			raise(L, "invalid table: mixed or invalid key types");
	if ((size_t)n != lua_rawlen(L, -1))
		raise(L, "invalid table: sparse array");
	*size = n;
	return true;
}

/* The table at the top opens a level: its bracket is written. For an object the first key (nil) is pushed. */
static void open_table(lua_State *L, struct levels *v)
{
	const void *table = lua_topointer(L, -1);

	for (size_t i = 0; i < v->depth; i++)
		if (v->list[i].table == table)
			raise(L, "circular reference");
	lua_Integer size;
	bool array = is_array(L, &size);
	struct level *l = push_level(L, v);
	*l = (struct level){.table = table, .size = size, .object = !array};
	text_put(L, array ? "[" : "{", 1);
	if (!array)
		lua_pushnil(L);
}

/* Pushes the next value of the innermost table and writes what stands before it. False: the table is done. */
static bool next_element(lua_State *L, struct level *l)
{
	if (!l->object) {
		if (l->next == l->size)
			return false;
		if (l->next++)
			text_put(L, ",", 1);
		lua_rawgeti(L, -1, l->next);
		return true;
	}
	while (lua_next(L, -2)) {
		size_t len;
		if (lua_type(L, -2) != LUA_TSTRING)
			raise(L, "invalid table: mixed or invalid key types");
		if (lua_isfunction(L, -1)) {
			lua_pop(L, 1);
			continue;
		}
		if (l->next++)
			text_put(L, ",", 1);
		const char *key = lua_tolstring(L, -2, &len);
		put_string(L, key, len);
		text_put(L, ":", 1);
		return true;
	}
	return false;
}

/* Writes the value at the top and pops it, or opens its table and leaves that. */
static void put_value(lua_State *L, struct levels *v)
{
	size_t len;

	switch (lua_type(L, -1)) {
	case LUA_TNIL:
		text_put(L, "null", 4);
		break;
	case LUA_TBOOLEAN:
		lua_toboolean(L, -1) ? text_put(L, "true", 4) : text_put(L, "false", 5);
		break;
	case LUA_TNUMBER:
		put_number(L, -1);
		break;
	case LUA_TSTRING: {
		const char *text = lua_tolstring(L, -1, &len);
		put_string(L, text, len);
		break;
	}
	case LUA_TTABLE:
		open_table(L, v);
		return;
	default: {
		const char *kind = luaL_typename(L, -1);
		raise(L, "unexpected type '%s'", kind);
	}
	}
	lua_pop(L, 1);
}

void json_encode(lua_State *L, int index)
{
	struct levels v;

	luaL_checkstack(L, 16, NULL);
	index = lua_absindex(L, index);
	start_levels(L, &v);
	lua_pushvalue(L, index);
	put_value(L, &v);
	while (v.depth) {
		struct level *l = &v.list[v.depth - 1];
		if (next_element(L, l)) {
			put_value(L, &v);
			continue;
		}
		text_put(L, l->object ? "}" : "]", 1);
		v.depth--;
		lua_pop(L, 1);
	}
	lua_remove(L, v.slot);
}

/* ---- the library ---- */

static int not_text(lua_State *L)
{
	const char *kind = luaL_typename(L, 1);

	return raise(L, "expected argument of type string, got %s", kind);
}

static int decode(lua_State *L)
{
	size_t len;

	if (lua_type(L, 1) != LUA_TSTRING)
		return not_text(L);
	const char *text = lua_tolstring(L, 1, &len);
	json_decode(L, text, len);
	return 1;
}

static int encode(lua_State *L)
{
	lua_settop(L, 1);
	text_trim();
	text_out.len = 0;
	json_encode(L, 1);
	lua_pushlstring(L, text_out.ptr, text_out.len);
	return 1;
}

int json_open(lua_State *L)
{
	static const luaL_Reg library[] = {{"encode", encode}, {"decode", decode}, {NULL, NULL}};

	luaL_newlib(L, library);
	lua_pushliteral(L, "0.2.0");
	lua_setfield(L, -2, "_version");
	return 1;
}
