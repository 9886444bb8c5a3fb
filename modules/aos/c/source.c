/* SPDX-License-Identifier: MIT
 *
 * source: keeps the text of what users load, so that an error can show the line. It travels with the function: a
 * chunk's name is a Lua string, of which Lua only ever looks at the part before a NUL; the text stands behind
 * it. When the last function of a chunk goes, so does its text.
 */
#include "native.h"

#include "lobject.h"
#include "lstate.h"
#include "lstring.h"

#include <limits.h>
#include <string.h>

enum { SOURCE_MAX = 256 * 1024 }; /* longer texts are not kept: generated code, mostly */

static void set_source(lua_State *L, Proto *p, TString *name)
{
	p->source = name;
	luaC_objbarrier(L, p, name);
	for (int i = 0; i < p->sizep; i++)
		set_source(L, p->p[i], name);
}

/* load_kept(text, name, env[, shown]): load(text, name, "t", env), and the text is kept, or what is to be shown for it. */
static int load_kept(lua_State *L)
{
	size_t len, name_len;
	const char *text = luaL_checklstring(L, 1, &len), *name = luaL_checklstring(L, 2, &name_len);
	size_t shown_len;
	const char *shown = luaL_optlstring(L, 4, text, &shown_len);

	luaL_checkany(L, 3);
	if (shown == text)
		shown_len = len;
	if (luaL_loadbufferx(L, text, len, name, "t") != LUA_OK) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	lua_pushvalue(L, 3);
	lua_setupvalue(L, -2, 1);
	if (shown_len <= SOURCE_MAX) {
		luaL_Buffer b;
		luaL_buffinit(L, &b);
		luaL_addlstring(&b, name, name_len);
		luaL_addchar(&b, '\0');
		luaL_addlstring(&b, shown, shown_len);
		luaL_pushresult(&b);
		const LClosure *f = lua_topointer(L, -2);
		set_source(L, f->p, tsvalue(L->top - 1));
		lua_pop(L, 1);
	}
	return 1;
}

/* source(function): the text that was kept, or nil. */
static int source(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TFUNCTION || lua_iscfunction(L, 1))
		return 0;
	const LClosure *f = lua_topointer(L, 1);
	const TString *s = f->p->source;
	if (!s)
		return 0;
	size_t name = strlen(getstr(s)), len = tsslen(s);
	if (name == len)
		return 0;
	lua_pushlstring(L, getstr(s) + name + 1, len - name - 1);
	return 1;
}

/* The file that is moved in. */
struct place {
	TString *from, *to; /* sources: of the chunk, of the file */
	int first, last;    /* its lines in the chunk */
};

/* A line of the chunk as one of the file; 0: code around it, which has none. */
static int line_there(const struct place *at, int line)
{
	return line < at->first ? 0 : line - at->first + 1;
}

/* The functions that begin on the file's lines, or on the one before: the function that the whole file is, when it is
 * required. It becomes a main chunk. What has been moved has another source. */
static void move(lua_State *L, Proto *p, const struct place *at, bool main)
{
	bool inside = p->linedefined > 0 && p->linedefined >= at->first - 1 && p->linedefined <= at->last;

	if (p->source == at->from && (main || inside)) {
		p->source = at->to;
		luaC_objbarrier(L, p, at->to);
		for (int i = 0; i < p->sizelineinfo; i++)
			p->lineinfo[i] = line_there(at, p->lineinfo[i]);
		p->linedefined = line_there(at, p->linedefined);
		p->lastlinedefined = line_there(at, p->lastlinedefined);
	}
	for (int i = 0; i < p->sizep; i++)
		move(L, p->p[i], at, false);
}

/* place(function, source, first, last, main): what the function, a chunk of load_kept's, has on these lines is of `source`, and its
 * lines count from there; with `main` the chunk's own code too. A chunk may be placed once for each of its files,
 * the one with its own code last. */
static int place(lua_State *L)
{
	const LClosure *f = lua_topointer(L, 1);
	lua_Integer first = luaL_checkinteger(L, 3), last = luaL_checkinteger(L, 4);
	struct place at = {.first = (int)first, .last = (int)last};

	luaL_argcheck(L, first >= 1 && first <= last && last < INT_MAX, 3, "lines expected");
	luaL_checktype(L, 1, LUA_TFUNCTION);
	luaL_checktype(L, 2, LUA_TSTRING);
	luaL_argcheck(L, !lua_iscfunction(L, 1) && f->p->source, 1, "chunk expected");
	at.from = f->p->source;
	at.to = tsvalue(L->ci->func + 2);
	move(L, f->p, &at, lua_toboolean(L, 5));
	return 0;
}

void source_open(lua_State *L)
{
	static const luaL_Reg functions[] = {{"load", load_kept}, {"place", place}, {"source", source}, {NULL, NULL}};

	luaL_setfuncs(L, functions, 0);
}
