/* SPDX-License-Identifier: MIT
 *
 * runtime: the Lua state of a process, and the turn: JSON in, lua/process.lua, JSON out.
 *
 * The state is made when the module starts, before the host writes anything, so that its addresses do not depend on a
 * message; the Lua files are loaded by the first message, through the second of package.searchers.
 */
#include "native.h"

#include "lualib.h"
#if defined(AOS_SQLITE)
#include "lsqlite3.h"
#endif

#include <stdlib.h>
#include <string.h>

enum { GC_SLACK = 256 * 1024 };

static const char native_key = 'n', require_key = 'r';
static size_t gc_above; /* a full collection follows a message that ends with more memory than this */

/* ---- text_out ---- */

enum { TEXT_FIRST = 4096, TEXT_KEPT = 1 << 20 };

struct text text_out;

char *text_reserve(lua_State *L, size_t more)
{
	struct text *t = &text_out;

	if (t->room - t->len < more) {
		size_t room = t->room ? t->room : TEXT_FIRST;
		while (room - t->len < more)
			room = room > SIZE_MAX / 4 ? 0 : room * 2;
		char *ptr = room ? realloc(t->ptr, room) : NULL;
		if (!ptr)
			luaL_error(L, "not enough memory");
		t->ptr = ptr;
		t->room = room;
	}
	return t->ptr + t->len;
}

void text_put(lua_State *L, const char *ptr, size_t len)
{
	memcpy(text_reserve(L, len), ptr, len);
	text_out.len += len;
}

static void put(lua_State *L, const char *word)
{
	text_put(L, word, strlen(word));
}

void text_trim(void)
{
	if (text_out.room > TEXT_KEPT) {
		free(text_out.ptr);
		text_out = (struct text){0};
	}
}

/* ---- modules ---- */

static const struct bundle_file *find_file(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < bundle_count; i++) {
		const char *its = bundle[i].name;
		if (strncmp(its, name, len) == 0 && (its[len] == '\0' || strcmp(its + len, ".init") == 0))
			return &bundle[i];
	}
	return NULL;
}

/* package.searchers[2]. The loader is the chunk, and `native` goes to it as the second argument. */
static int search(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	if (strcmp(name, "json") == 0) {
		lua_pushcfunction(L, json_open);
		return 1;
	}
#if defined(AOS_SQLITE)
	if (strcmp(name, "lsqlite3") == 0) {
		lua_pushcfunction(L, luaopen_lsqlite3);
		return 1;
	}
#endif
	const struct bundle_file *file = name[0] == '.' ? find_file(name) : NULL;
	if (!file) {
		lua_pushfstring(L, "module %s not found", name);
		return 1;
	}
	if (luaL_loadbufferx(L, file->text, file->len, name, "t") != LUA_OK)
		return lua_error(L);
	lua_rawgetp(L, LUA_REGISTRYINDEX, &native_key);
	return 2;
}

/* ---- changes to the base library ---- */

static int half(lua_State *L)
{
	lua_pushnumber(L, 0.5);
	return 1;
}

/* assert says where it was called, as error does. */
static int assert_here(lua_State *L)
{
	if (lua_toboolean(L, 1))
		return lua_gettop(L);
	luaL_checkany(L, 1);
	lua_remove(L, 1);
	lua_settop(L, lua_gettop(L) ? 1 : 0);
	if (lua_gettop(L) == 0)
		lua_pushliteral(L, "assertion failed!");
	if (lua_type(L, 1) == LUA_TSTRING) {
		luaL_where(L, 1);
		lua_insert(L, 1);
		lua_concat(L, 2);
	}
	return lua_error(L);
}

static const luaL_Reg libraries[] = {
	{"_G", luaopen_base},
	{"package", luaopen_package},
	{"coroutine", luaopen_coroutine},
	{"table", luaopen_table},
	{"io", io_open},
	{"os", luaopen_os},
	{"string", luaopen_string},
	{"math", luaopen_math},
	{"utf8", luaopen_utf8},
	{"debug", luaopen_debug},
	{"bit32", luaopen_bit32},
	{NULL, NULL},
};

static void set_package(lua_State *L)
{
	lua_getglobal(L, "package");
	lua_pushliteral(L, "/usr/local/share/lua/5.3/?.lua;/usr/local/share/lua/5.3/?/init.lua;"
			   "/usr/local/lib/lua/5.3/?.lua;/usr/local/lib/lua/5.3/?/init.lua;./?.lua;./?/init.lua");
	lua_setfield(L, -2, "path");
	lua_pushliteral(L, "/usr/local/lib/lua/5.3/?.so;/usr/local/lib/lua/5.3/loadall.so;./?.so");
	lua_setfield(L, -2, "cpath");
	lua_getfield(L, -1, "searchers");
	for (lua_Integer i = luaL_len(L, -1); i >= 2; i--) {
		lua_geti(L, -1, i);
		lua_seti(L, -2, i + 1);
	}
	lua_pushcfunction(L, search);
	lua_seti(L, -2, 2);
	lua_pop(L, 2);
}

/* ---- what Lua files get from C ---- */

/* normalize(name): Title-Case with dashes, as ao units spell message fields and tag names. */
static int normalize(lua_State *L)
{
	size_t len;
	luaL_Buffer b;

	if (lua_type(L, 1) != LUA_TSTRING) {
		lua_settop(L, 1);
		return 1;
	}
	const char *name = lua_tolstring(L, 1, &len);
	char *out = luaL_buffinitsize(L, &b, len);
	bool first = true;
	for (size_t i = 0; i < len; i++) {
		char c = name[i] == '_' ? '-' : name[i];
		if (first && c >= 'a' && c <= 'z')
			c = (char)(c - 32);
		else if (!first && c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		first = c == '-';
		out[i] = c;
	}
	luaL_pushresultsize(&b, len);
	return 1;
}

/* byte_sum(text): the sum of its bytes. */
static int byte_sum(lua_State *L)
{
	size_t len;
	const char *text = luaL_checklstring(L, 1, &len);
	lua_Integer sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += (unsigned char)text[i];
	lua_pushinteger(L, sum);
	return 1;
}

static const luaL_Reg functions[] = {
	{"normalize", normalize},
	{"byte_sum", byte_sum},
	{NULL, NULL},
};

static void set_native(lua_State *L)
{
	lua_newtable(L);
	luaL_setfuncs(L, functions, 0);
	bigint_open(L);
	chance_open(L);
	digest_open(L);
	cipher_open(L);
	drive_open(L);
	source_open(L);
	lua_rawsetp(L, LUA_REGISTRYINDEX, &native_key);
}

/* ---- the turn ---- */

static void get_process(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
	if (lua_getfield(L, -1, ".process") == LUA_TNIL) {
		lua_pop(L, 1);
		lua_rawgetp(L, LUA_REGISTRYINDEX, &require_key);
		lua_pushliteral(L, ".process");
		lua_call(L, 1, 1);
	}
	lua_remove(L, -2);
}

/* The value at the top becomes the answer. A string: what went wrong. */
static void put_answer(lua_State *L, bool ok)
{
	text_out.len = 0;
	put(L, ok ? "{\"ok\":true,\"response\":" : "{\"ok\":true,\"response\":{\"Error\":");
	json_encode(L, -1);
	put(L, ok ? "}" : "}}");
}

static void set_time(lua_State *L, int message)
{
	if (lua_istable(L, message)) {
		lua_getfield(L, message, "Timestamp");
		platform_set_time_ms((int64_t)lua_tonumber(L, -1));
		lua_pop(L, 1);
	}
}

/* Leaves the JSON of the answer in text_out. */
static void turn(lua_State *L, const char *message, size_t message_len, const char *environment, size_t environment_len)
{
	luaL_checkstack(L, 10, NULL);
	get_process(L);
	lua_getfield(L, -1, "handle");
	json_decode(L, message, message_len);
	set_time(L, lua_gettop(L));
	json_decode(L, environment, environment_len);
	bool ok = lua_pcall(L, 2, 1, 0) == LUA_OK;
	if (!ok)
		luaL_tolstring(L, -1, NULL);
	put_answer(L, ok);
}

/* The global `handle`, for scripts that wrap it. */
static int handle(lua_State *L)
{
	size_t message_len, environment_len;
	const char *message = luaL_checklstring(L, 1, &message_len);
	const char *environment = luaL_checklstring(L, 2, &environment_len);

	turn(L, message, message_len, environment, environment_len);
	lua_pushlstring(L, text_out.ptr, text_out.len);
	return 1;
}

struct call {
	const char *message, *environment;
};

static int call_handle(lua_State *L)
{
	const struct call *c = lua_touserdata(L, 1);

	if (lua_getglobal(L, "handle") == LUA_TFUNCTION && lua_tocfunction(L, -1) == handle) {
		turn(L, c->message, strlen(c->message), c->environment, strlen(c->environment));
	} else {
		size_t len;
		lua_pushstring(L, c->message);
		lua_pushstring(L, c->environment);
		lua_call(L, 2, 1);
		const char *text = luaL_checklstring(L, -1, &len);
		text_out.len = 0;
		text_put(L, text, len);
	}
	*text_reserve(L, 1) = '\0';
	return 0;
}

static int call_failed(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	put_answer(L, false);
	*text_reserve(L, 1) = '\0';
	return 0;
}

static size_t memory_used(lua_State *L)
{
	return (size_t)lua_gc(L, LUA_GCCOUNT, 0) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB, 0);
}

/* A message that left little behind does not pay for a collection; weak tables are the only witness. */
static void collect(lua_State *L)
{
	if (memory_used(L) <= gc_above)
		return;
	lua_gc(L, LUA_GCCOLLECT, 0);
	size_t used = memory_used(L);
	gc_above = used + used / 4 + GC_SLACK;
}

static int open_all(lua_State *L)
{
	for (const luaL_Reg *l = libraries; l->func; l++) {
		luaL_requiref(L, l->name, l->func, 1);
		lua_pop(L, 1);
	}
	set_package(L);
	set_native(L);
	lua_getglobal(L, "require");
	lua_rawsetp(L, LUA_REGISTRYINDEX, &require_key);
	lua_pushcfunction(L, assert_here);
	lua_setglobal(L, "assert");
	lua_pushcfunction(L, handle);
	lua_setglobal(L, "handle");
	lua_getglobal(L, "math");
	lua_pushcfunction(L, half);
	lua_setfield(L, -2, "random");
	return 0;
}

static void *allocate(void *ud, void *ptr, size_t old, size_t size)
{
	(void)ud, (void)old;
	if (size == 0) {
		free(ptr);
		return NULL;
	}
	return realloc(ptr, size);
}

lua_State *runtime_open(void)
{
	lua_State *L = lua_newstate(allocate, NULL);

	if (!L)
		return NULL;
	lua_pushcfunction(L, open_all);
	if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
		lua_close(L);
		return NULL;
	}
	return L;
}

static lua_State *process;

__attribute__((constructor)) static void start(void)
{
	process = runtime_open();
}

const char *runtime_handle(const char *message, const char *environment)
{
	lua_State *L = process;
	struct call c = {message, environment};

	if (!L)
		return "{\"ok\":true,\"response\":{\"Error\":\"not enough memory\"}}";
	text_trim();
	lua_settop(L, 0);
	lua_pushcfunction(L, call_handle);
	lua_pushlightuserdata(L, &c);
	bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
	if (!ok) {
		lua_pushcfunction(L, call_failed);
		lua_insert(L, 1);
		ok = lua_pcall(L, 1, 0, 0) == LUA_OK;
	}
	lua_settop(L, 0);
	collect(L);
	return ok ? text_out.ptr : "{\"ok\":true,\"response\":{\"Error\":\"not enough memory\"}}";
}
