/* SPDX-License-Identifier: MIT
 *
 * io: the io library of a process. It has all the names of Lua's, and no files: standard output is dropped, standard input
 * is at its end, whatever is opened does not exist. The one exception is /data/<id>, where a host with WeaveDrive shows
 * transactions: such a file is read as a whole when it is opened. The host is asked only for processes whose own tags, or
 * their module's, declare the extension: others may run where asking is fatal.
 */
#include "native.h"

#include <string.h>

#define FILE_TYPE "FILE*"

enum { DRIVE_PIECE = 65536, DRIVE_MAX = 256 << 20 };

/* A stream: nothing, or a text that was read. */
struct stream {
	bool closed, readable;
	size_t at, len;
	int text; /* reference to the string in the registry */
};

static bool drive_allowed;

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

static const char *text_of(lua_State *L, const struct stream *s)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->text);
	const char *text = lua_tostring(L, -1);
	lua_pop(L, 1); /* the registry keeps it */
	return text;
}

static void push_line(lua_State *L, struct stream *s, bool keep_end)
{
	const char *from = text_of(L, s) + s->at, *end = memchr(from, '\n', s->len - s->at);
	size_t len = end ? (size_t)(end - from) : s->len - s->at;

	lua_pushlstring(L, from, len + (end && keep_end ? 1 : 0));
	s->at += len + (end ? 1 : 0);
}

static void push_number(lua_State *L, struct stream *s)
{
	const char *text = text_of(L, s);
	char word[201];
	size_t len = 0;

	while (s->at < s->len && strchr(" \t\r\n\f\v", text[s->at]))
		s->at++;
	while (s->at < s->len && len < sizeof(word) - 1 && text[s->at] &&
	       strchr("0123456789abcdefABCDEFxXpP.+-", text[s->at]))
		word[len++] = text[s->at++];
	word[len] = '\0';
	if (lua_stringtonumber(L, word) == 0)
		lua_pushnil(L);
}

/* One format of read(): pushes what it gives. */
static void read_format(lua_State *L, struct stream *s, int index)
{
	bool at_end = s->at >= s->len;

	if (lua_type(L, index) == LUA_TNUMBER) {
		lua_Integer wanted = luaL_checkinteger(L, index);
		size_t rest = s->len - s->at, len = wanted < 0 ? 0 : (uint64_t)wanted > rest ? rest : (size_t)wanted;
		if (at_end)
			lua_pushnil(L);
		else
			lua_pushlstring(L, text_of(L, s) + s->at, len);
		s->at += len;
		return;
	}
	const char *format = luaL_checkstring(L, index);
	format += *format == '*';
	switch (*format) {
	case 'a':
		lua_pushlstring(L, s->readable ? text_of(L, s) + s->at : "", s->len - s->at);
		s->at = s->len;
		return;
	case 'l':
	case 'L':
		at_end ? lua_pushnil(L) : push_line(L, s, *format == 'L');
		return;
	case 'n':
		at_end ? lua_pushnil(L) : push_number(L, s);
		return;
	default:
		luaL_argerror(L, index, "invalid format");
	}
}

static int stream_read(lua_State *L)
{
	struct stream *s = check_stream(L);
	int formats = lua_gettop(L) - 1;

	if (!s->readable && formats == 0) {
		lua_pushnil(L);
		return 1;
	}
	if (formats == 0) {
		lua_pushliteral(L, "l");
		formats = 1;
	}
	luaL_checkstack(L, formats, "too many arguments");
	for (int i = 0; i < formats; i++) {
		read_format(L, s, 2 + i);
		if (lua_isnil(L, -1))
			return i + 1;
	}
	return formats;
}

static int next_line(lua_State *L)
{
	lua_settop(L, 0);
	lua_pushvalue(L, lua_upvalueindex(1));
	return stream_read(L);
}

static int stream_lines(lua_State *L)
{
	check_stream(L);
	lua_settop(L, 1);
	lua_pushcclosure(L, next_line, 1);
	return 1;
}

static int stream_done(lua_State *L)
{
	check_stream(L);
	lua_pushboolean(L, 1);
	return 1;
}

static int stream_close(lua_State *L)
{
	struct stream *s = check_stream(L);

	if (s->readable) {
		luaL_unref(L, LUA_REGISTRYINDEX, s->text);
		s->readable = false;
		s->closed = true;
	}
	lua_pushboolean(L, 1);
	return 1;
}

static int stream_gc(lua_State *L)
{
	struct stream *s = luaL_checkudata(L, 1, FILE_TYPE);

	if (s->readable)
		luaL_unref(L, LUA_REGISTRYINDEX, s->text);
	s->readable = false;
	return 0;
}

static int stream_seek(lua_State *L)
{
	static const char *const places[] = {"set", "cur", "end", NULL};
	struct stream *s = check_stream(L);
	int place = luaL_checkoption(L, 2, "cur", places);
	lua_Integer to = luaL_optinteger(L, 3, 0) + (place == 0   ? 0
						     : place == 1 ? (lua_Integer)s->at
								  : (lua_Integer)s->len);

	if (!s->readable || to < 0) {
		lua_pushnil(L);
		lua_pushstring(L, s->readable ? "Invalid argument" : "Illegal seek");
		lua_pushinteger(L, s->readable ? 22 : 29);
		return 3;
	}
	s->at = (uint64_t)to > s->len ? s->len : (size_t)to;
	lua_pushinteger(L, (lua_Integer)s->at);
	return 1;
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
	{"write", stream_write}, {"read", stream_read},
	{"lines", stream_lines}, {"close", stream_close},
	{"flush", stream_done},  {"setvbuf", stream_done},
	{"seek", stream_seek},   {"__tostring", stream_tostring},
	{"__gc", stream_gc},     {NULL, NULL},
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

static struct stream *push_stream(lua_State *L)
{
	struct stream *s = lua_newuserdata(L, sizeof(*s));

	*s = (struct stream){0};
	luaL_setmetatable(L, FILE_TYPE);
	return s;
}

/* The content of a file of the drive, as a stream; false when the host has no such file. */
static bool push_drive_file(lua_State *L, const char *path)
{
	int fd = platform_drive_open(path);

	if (fd <= 0)
		return false;
	struct stream *s = push_stream(L);
	luaL_Buffer b;
	size_t total = 0;
	luaL_buffinit(L, &b);
	for (;;) {
		int n = platform_drive_read(fd, luaL_prepbuffsize(&b, DRIVE_PIECE), DRIVE_PIECE);
		if (n <= 0 || total > DRIVE_MAX)
			break;
		luaL_addsize(&b, (size_t)n);
		total += (size_t)n;
	}
	platform_drive_close(fd);
	luaL_pushresult(&b);
	s->len = total;
	s->text = luaL_ref(L, LUA_REGISTRYINDEX);
	s->readable = true;
	return true;
}

static int io_file(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1), *mode = luaL_optstring(L, 2, "r");

	luaL_argcheck(L, strchr("rwa", mode[0]) && mode[0], 2, "invalid mode");
	if (drive_allowed && mode[0] == 'r' && strncmp(name, "/data/", 6) == 0 && push_drive_file(L, name))
		return 1;
	return no_file(L, name);
}

static int io_lines(lua_State *L)
{
	if (lua_isnoneornil(L, 1)) {
		lua_settop(L, 0);
		get_default(L, "_IO_input");
		return stream_lines(L);
	}
	const char *name = luaL_checkstring(L, 1);
	lua_settop(L, 1);
	lua_pushliteral(L, "r");
	if (io_file(L) != 1)
		return luaL_error(L, "%s: No such file or directory", name);
	lua_pushcclosure(L, next_line, 1);
	return 1;
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
	push_stream(L);
	if (key) {
		lua_pushvalue(L, -1);
		lua_setfield(L, LUA_REGISTRYINDEX, key);
	}
	lua_setfield(L, -2, name);
}

/* allow_drive(allowed): whether the host may be asked for files. */
static int allow_drive(lua_State *L)
{
	drive_allowed = lua_toboolean(L, 1);
	return 0;
}

void drive_open(lua_State *L)
{
	lua_pushcfunction(L, allow_drive);
	lua_setfield(L, -2, "allow_drive");
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
