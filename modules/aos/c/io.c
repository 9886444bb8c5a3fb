/* SPDX-License-Identifier: MIT
 *
 * io: the io library of a process. It has all the names of Lua's, and no files: standard output is dropped, standard input
 * is at its end, whatever is opened does not exist. /data/<id>, WeaveDrive's place, is read through read_data, which is
 * for processes whose host has it.
 */
#include "native.h"

#include <string.h>

#define FILE_TYPE "FILE*"

struct stream {
	bool closed;
};

static struct stream *check_stream(lua_State *L)
{
	struct stream *s = luaL_checkudata(L, 1, FILE_TYPE);

	if (s->closed)
		luaL_error(L, "attempt to use a closed file");
	return s;
}

static int no_file(lua_State *L, const char *name)
{
	lua_pushnil(L);
	lua_pushfstring(L, "%s: No such file or directory", name);
	lua_pushinteger(L, 2);
	return 3;
}

/* ---- of a stream ---- */

static int stream_write(lua_State *L)
{
	check_stream(L);
	for (int i = 2; i <= lua_gettop(L); i++)
		luaL_checkstring(L, i);
	lua_settop(L, 1);
	return 1;
}

static int stream_read(lua_State *L)
{
	check_stream(L);
	lua_pushnil(L);
	return 1;
}

static int end_of_lines(lua_State *L)
{
	lua_pushnil(L);
	return 1;
}

static int stream_lines(lua_State *L)
{
	check_stream(L);
	lua_pushcfunction(L, end_of_lines);
	return 1;
}

static int stream_done(lua_State *L)
{
	check_stream(L);
	lua_pushboolean(L, 1);
	return 1;
}

static int stream_seek(lua_State *L)
{
	check_stream(L);
	lua_pushnil(L);
	lua_pushliteral(L, "Illegal seek");
	lua_pushinteger(L, 29);
	return 3;
}

static int stream_tostring(lua_State *L)
{
	struct stream *s = luaL_checkudata(L, 1, FILE_TYPE);

	if (s->closed)
		lua_pushliteral(L, "file (closed)");
	else
		lua_pushfstring(L, "file (%p)", (void *)s);
	return 1;
}

static const luaL_Reg methods[] = {
	{"write", stream_write}, {"read", stream_read},           {"lines", stream_lines},
	{"close", stream_done},  {"flush", stream_done},          {"setvbuf", stream_done},
	{"seek", stream_seek},   {"__tostring", stream_tostring}, {NULL, NULL},
};

/* ---- of the library ---- */

static int get_default(lua_State *L, const char *name)
{
	lua_getfield(L, LUA_REGISTRYINDEX, name);
	lua_insert(L, 1);
	return lua_gettop(L);
}

static int io_write(lua_State *L)
{
	get_default(L, "_IO_output");
	return stream_write(L);
}

static int io_read(lua_State *L)
{
	lua_settop(L, 0);
	lua_pushnil(L);
	return 1;
}

static int io_lines(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		lua_pushcfunction(L, end_of_lines);
		return 1;
	}
	return luaL_error(L, "%s: No such file or directory", luaL_checkstring(L, 1));
}

static int io_file(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r");

	luaL_argcheck(L, strchr("rwa", mode[0]) && mode[0], 2, "invalid mode");
	return no_file(L, name);
}

static int io_popen(lua_State *L)
{
	luaL_checkstring(L, 1);
	return luaL_error(L, "'popen' not supported");
}

static int io_tmpfile(lua_State *L)
{
	return no_file(L, "tmpfile");
}

static int io_close(lua_State *L)
{
	if (lua_isnone(L, 1))
		get_default(L, "_IO_output");
	return stream_done(L);
}

static int io_flush(lua_State *L)
{
	lua_settop(L, 0);
	get_default(L, "_IO_output");
	return stream_done(L);
}

static int io_type(lua_State *L)
{
	luaL_checkany(L, 1);
	struct stream *s = luaL_testudata(L, 1, FILE_TYPE);
	if (s)
		lua_pushstring(L, s->closed ? "closed file" : "file");
	else
		lua_pushnil(L);
	return 1;
}

static int choose(lua_State *L, const char *name)
{
	if (lua_isstring(L, 1))
		return luaL_error(L, "cannot open file '%s' (No such file or directory)", lua_tostring(L, 1));
	if (!lua_isnoneornil(L, 1)) {
		check_stream(L);
		lua_pushvalue(L, 1);
		lua_setfield(L, LUA_REGISTRYINDEX, name);
	}
	lua_getfield(L, LUA_REGISTRYINDEX, name);
	return 1;
}

static int io_output(lua_State *L)
{
	return choose(L, "_IO_output");
}

static int io_input(lua_State *L)
{
	return choose(L, "_IO_input");
}

static const luaL_Reg functions[] = {
	{"write", io_write}, {"read", io_read},     {"lines", io_lines},     {"open", io_file},
	{"popen", io_popen}, {"close", io_close},   {"tmpfile", io_tmpfile}, {"flush", io_flush},
	{"type", io_type},   {"output", io_output}, {"input", io_input},     {NULL, NULL},
};

static void add_stream(lua_State *L, const char *name, const char *key)
{
	struct stream *s = lua_newuserdata(L, sizeof(*s));

	s->closed = false;
	luaL_setmetatable(L, FILE_TYPE);
	if (key) {
		lua_pushvalue(L, -1);
		lua_setfield(L, LUA_REGISTRYINDEX, key);
	}
	lua_setfield(L, -2, name);
}

int io_open(lua_State *L)
{
	luaL_newlib(L, functions);
	luaL_newmetatable(L, FILE_TYPE);
	luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
	add_stream(L, "stdin", "_IO_input");
	add_stream(L, "stdout", "_IO_output");
	add_stream(L, "stderr", NULL);
	return 1;
}
