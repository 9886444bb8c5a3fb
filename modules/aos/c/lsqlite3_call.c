/* SPDX-License-Identifier: MIT
 *
 * What SQLite calls: every call goes to Lua protected, in the coroutine that called SQLite, and an error of it becomes an
 * error of SQLite's.
 */
#include "lsqlite3.h"

#include <string.h>

#define CONTEXT "sqlite3:ctx"

/* A function that is registered by name. */
struct function {
	struct database *database;
	int call, final, data; /* references */
};

/* What a function gets as its first argument, valid during the call. */
struct context {
	sqlite3_context *handle; /* NULL afterwards */
	struct function *function;
	int *aggregate; /* a reference: the data of this group */
};

static struct context *check_context(lua_State *L)
{
	struct context *c = luaL_checkudata(L, 1, CONTEXT);

	luaL_argcheck(L, c->handle, 1, "the function has returned");
	return c;
}

/* ---- contexts ---- */

static int ctx_user_data(lua_State *L)
{
	lua_rawgeti(L, LUA_REGISTRYINDEX, check_context(L)->function->data);
	return 1;
}

static int ctx_get_aggregate_data(lua_State *L)
{
	struct context *c = check_context(L);

	if (!c->aggregate)
		return luaL_error(L, "not an aggregate");
	lua_rawgeti(L, LUA_REGISTRYINDEX, *c->aggregate);
	return 1;
}

static int ctx_set_aggregate_data(lua_State *L)
{
	struct context *c = check_context(L);

	if (!c->aggregate)
		return luaL_error(L, "not an aggregate");
	lua_settop(L, 2);
	luaL_unref(L, LUA_REGISTRYINDEX, *c->aggregate);
	*c->aggregate = luaL_ref(L, LUA_REGISTRYINDEX);
	return 0;
}

static int ctx_result(lua_State *L)
{
	struct context *c = check_context(L);
	size_t len;

	switch (lua_type(L, 2)) {
	case LUA_TNUMBER:
		if (lua_isinteger(L, 2))
			sqlite3_result_int64(c->handle, lua_tointeger(L, 2));
		else
			sqlite3_result_double(c->handle, lua_tonumber(L, 2));
		return 0;
	case LUA_TSTRING: {
		const char *text = lua_tolstring(L, 2, &len);
		sqlite3_result_text64(c->handle, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
		return 0;
	}
	case LUA_TBOOLEAN:
		sqlite3_result_int(c->handle, lua_toboolean(L, 2));
		return 0;
	case LUA_TNIL:
	case LUA_TNONE:
		sqlite3_result_null(c->handle);
		return 0;
	default:
		return luaL_error(L, "invalid result type %s", luaL_typename(L, 2));
	}
}

static int ctx_result_blob(lua_State *L)
{
	struct context *c = check_context(L);
	size_t len;
	const char *bytes = luaL_checklstring(L, 2, &len);

	sqlite3_result_blob64(c->handle, bytes, len, SQLITE_TRANSIENT);
	return 0;
}

static int ctx_result_null(lua_State *L)
{
	sqlite3_result_null(check_context(L)->handle);
	return 0;
}

static int ctx_result_error(lua_State *L)
{
	struct context *c = check_context(L);

	sqlite3_result_error(c->handle, luaL_checkstring(L, 2), -1);
	return 0;
}

static const luaL_Reg context_methods[] = {
	{"user_data", ctx_user_data},
	{"get_aggregate_data", ctx_get_aggregate_data},
	{"set_aggregate_data", ctx_set_aggregate_data},
	{"result", ctx_result},
	{"result_int", ctx_result},
	{"result_number", ctx_result},
	{"result_double", ctx_result},
	{"result_text", ctx_result},
	{"result_blob", ctx_result_blob},
	{"result_null", ctx_result_null},
	{"result_error", ctx_result_error},
	{NULL, NULL},
};

/* ---- functions ---- */

/* call(context, arguments...) */
static void call_function(sqlite3_context *handle, int reference, int count, sqlite3_value **values, int *aggregate)
{
	struct function *f = sqlite3_user_data(handle);
	lua_State *L = f->database->L;

	if (!lua_checkstack(L, count + 4)) {
		sqlite3_result_error(handle, "too many arguments", -1);
		return;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, reference);
	struct context *c = lua_newuserdata(L, sizeof(*c));
	*c = (struct context){handle, f, aggregate};
	luaL_setmetatable(L, CONTEXT);
	lua_pushvalue(L, -1);
	lua_insert(L, -3); /* stays below, so that c lives */
	for (int i = 0; i < count; i++)
		lsqlite3_push_value(L, values[i]);
	if (lua_pcall(L, count + 1, 0, 0) != LUA_OK) {
		sqlite3_result_error(handle, luaL_tolstring(L, -1, NULL), -1);
		lua_pop(L, 2);
	}
	c->handle = NULL;
	lua_pop(L, 1);
}

static void on_call(sqlite3_context *handle, int count, sqlite3_value **values)
{
	struct function *f = sqlite3_user_data(handle);

	call_function(handle, f->call, count, values, NULL);
}

/* The group's data begins as nil: SQLite gives zeroed memory, and a reference is never 0. */
static int *aggregate_of(sqlite3_context *handle)
{
	int *reference = sqlite3_aggregate_context(handle, sizeof(int));

	if (reference && *reference == 0)
		*reference = LUA_REFNIL;
	return reference;
}

static void on_step(sqlite3_context *handle, int count, sqlite3_value **values)
{
	struct function *f = sqlite3_user_data(handle);
	int *aggregate = aggregate_of(handle);

	if (aggregate)
		call_function(handle, f->call, count, values, aggregate);
	else
		sqlite3_result_error_nomem(handle);
}

static void on_final(sqlite3_context *handle)
{
	struct function *f = sqlite3_user_data(handle);
	int *aggregate = aggregate_of(handle);

	if (!aggregate) {
		sqlite3_result_error_nomem(handle);
		return;
	}
	call_function(handle, f->final, 0, NULL, aggregate);
	luaL_unref(f->database->L, LUA_REGISTRYINDEX, *aggregate);
}

static void on_destroy(void *ctx)
{
	struct function *f = ctx;
	lua_State *L = f->database->L;

	luaL_unref(L, LUA_REGISTRYINDEX, f->call);
	luaL_unref(L, LUA_REGISTRYINDEX, f->final);
	luaL_unref(L, LUA_REGISTRYINDEX, f->data);
	sqlite3_free(f);
}

static int reference_to(lua_State *L, int index)
{
	lua_pushvalue(L, index);
	return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* create_function(name, arguments, call[, udata]), create_aggregate(name, arguments, step, final[, udata]) */
static int create(lua_State *L, bool aggregate)
{
	struct database *d = lsqlite3_check(L);
	const char *name = luaL_checkstring(L, 2);
	int count = (int)luaL_checkinteger(L, 3);

	luaL_checktype(L, 4, LUA_TFUNCTION);
	if (aggregate)
		luaL_checktype(L, 5, LUA_TFUNCTION);
	lua_settop(L, 6);
	struct function *f = sqlite3_malloc(sizeof(*f));
	if (!f)
		return luaL_error(L, "not enough memory");
	f->database = d;
	f->call = reference_to(L, 4);
	f->final = aggregate ? reference_to(L, 5) : LUA_NOREF;
	f->data = reference_to(L, aggregate ? 6 : 5);
	int code = sqlite3_create_function_v2(d->handle, name, count, SQLITE_UTF8, f, aggregate ? NULL : on_call,
					      aggregate ? on_step : NULL, aggregate ? on_final : NULL, on_destroy);
	lua_pushboolean(L, code == SQLITE_OK);
	return 1;
}

static int db_create_function(lua_State *L)
{
	return create(L, false);
}

static int db_create_aggregate(lua_State *L)
{
	return create(L, true);
}

static int on_compare(void *ctx, int a_len, const void *a, int b_len, const void *b)
{
	struct function *f = ctx;
	lua_State *L = f->database->L;
	int order = 0;

	if (!lua_checkstack(L, 4))
		return 0;
	lua_rawgeti(L, LUA_REGISTRYINDEX, f->call);
	lua_pushlstring(L, a, (size_t)a_len);
	lua_pushlstring(L, b, (size_t)b_len);
	if (lua_pcall(L, 2, 1, 0) == LUA_OK)
		order = (int)lua_tointeger(L, -1);
	lua_pop(L, 1);
	return order;
}

/* create_collation(name, compare): compare(a, b) is below, at or above zero. */
static int db_create_collation(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	const char *name = luaL_checkstring(L, 2);

	if (lua_isnoneornil(L, 3)) {
		lua_pushinteger(L, sqlite3_create_collation_v2(d->handle, name, SQLITE_UTF8, NULL, NULL, NULL));
		return 1;
	}
	luaL_checktype(L, 3, LUA_TFUNCTION);
	struct function *f = sqlite3_malloc(sizeof(*f));
	if (!f)
		return luaL_error(L, "not enough memory");
	*f = (struct function){d, reference_to(L, 3), LUA_NOREF, LUA_NOREF};
	lua_pushinteger(L, sqlite3_create_collation_v2(d->handle, name, SQLITE_UTF8, f, on_compare, on_destroy));
	return 1;
}

/* ---- hooks: hook(function, udata); without a function it is taken away ---- */

static bool set_hook(lua_State *L, struct database *d, enum hook hook, int index)
{
	luaL_unref(L, LUA_REGISTRYINDEX, d->function[hook]);
	luaL_unref(L, LUA_REGISTRYINDEX, d->data[hook]);
	d->function[hook] = d->data[hook] = LUA_NOREF;
	if (lua_isnoneornil(L, index))
		return false;
	luaL_checktype(L, index, LUA_TFUNCTION);
	lua_settop(L, index + 1);
	d->function[hook] = reference_to(L, index);
	d->data[hook] = reference_to(L, index + 1);
	return true;
}

void lsqlite3_drop_hooks(lua_State *L, struct database *d)
{
	lua_pushnil(L);
	for (int i = 0; i < HOOKS; i++)
		set_hook(L, d, (enum hook)i, lua_gettop(L));
	lua_pop(L, 1);
}

/* Pushes the function and its data; what it needs follows. */
static lua_State *begin_hook(struct database *d, enum hook hook)
{
	lua_State *L = d->L;

	if (!lua_checkstack(L, 8))
		return NULL;
	lua_rawgeti(L, LUA_REGISTRYINDEX, d->function[hook]);
	lua_rawgeti(L, LUA_REGISTRYINDEX, d->data[hook]);
	return L;
}

/* Whether the function answered something true; an error counts as that. */
static int end_hook(lua_State *L, int more)
{
	bool ok = lua_pcall(L, more + 1, 1, 0) == LUA_OK;
	int answer = !ok || (lua_toboolean(L, -1) && !(lua_isinteger(L, -1) && lua_tointeger(L, -1) == 0));

	lua_pop(L, 1);
	return answer;
}

static int on_commit(void *d)
{
	lua_State *L = begin_hook(d, HOOK_COMMIT);

	return L ? end_hook(L, 0) : 0;
}

static void on_rollback(void *d)
{
	lua_State *L = begin_hook(d, HOOK_ROLLBACK);

	if (L)
		end_hook(L, 0);
}

static void on_update(void *d, int operation, const char *database, const char *table, sqlite3_int64 row)
{
	lua_State *L = begin_hook(d, HOOK_UPDATE);

	if (!L)
		return;
	lua_pushinteger(L, operation);
	lua_pushstring(L, database);
	lua_pushstring(L, table);
	lua_pushinteger(L, row);
	end_hook(L, 4);
}

static int on_progress(void *d)
{
	lua_State *L = begin_hook(d, HOOK_PROGRESS);

	return L ? end_hook(L, 0) : 0;
}

static int on_trace(unsigned what, void *d, void *statement, void *text)
{
	lua_State *L = begin_hook(d, HOOK_TRACE);

	(void)what, (void)statement;
	if (!L)
		return 0;
	lua_pushstring(L, text);
	end_hook(L, 1);
	return 0;
}

static int on_busy(void *d, int tries)
{
	lua_State *L = begin_hook(d, HOOK_BUSY);

	if (!L)
		return 0;
	lua_pushinteger(L, tries);
	return end_hook(L, 1);
}

static int db_commit_hook(lua_State *L)
{
	struct database *d = lsqlite3_check(L);

	sqlite3_commit_hook(d->handle, set_hook(L, d, HOOK_COMMIT, 2) ? on_commit : NULL, d);
	return 0;
}

static int db_rollback_hook(lua_State *L)
{
	struct database *d = lsqlite3_check(L);

	sqlite3_rollback_hook(d->handle, set_hook(L, d, HOOK_ROLLBACK, 2) ? on_rollback : NULL, d);
	return 0;
}

static int db_update_hook(lua_State *L)
{
	struct database *d = lsqlite3_check(L);

	sqlite3_update_hook(d->handle, set_hook(L, d, HOOK_UPDATE, 2) ? on_update : NULL, d);
	return 0;
}

static int db_progress_handler(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	int every = lua_isnoneornil(L, 2) ? 0 : (int)luaL_checkinteger(L, 2);

	if (lua_isnone(L, 3))
		lua_settop(L, 3);
	sqlite3_progress_handler(d->handle, every, set_hook(L, d, HOOK_PROGRESS, 3) ? on_progress : NULL, d);
	return 0;
}

static int db_trace(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	bool on = set_hook(L, d, HOOK_TRACE, 2);

	sqlite3_trace_v2(d->handle, on ? SQLITE_TRACE_STMT : 0, on ? on_trace : NULL, d);
	return 0;
}

static int db_busy_handler(lua_State *L)
{
	struct database *d = lsqlite3_check(L);

	sqlite3_busy_handler(d->handle, set_hook(L, d, HOOK_BUSY, 2) ? on_busy : NULL, d);
	return 0;
}

static int db_busy_timeout(lua_State *L)
{
	lua_pushinteger(L, sqlite3_busy_timeout(lsqlite3_check(L)->handle, (int)luaL_checkinteger(L, 2)));
	return 1;
}

static const luaL_Reg methods[] = {
	{"create_function", db_create_function},
	{"create_aggregate", db_create_aggregate},
	{"create_collation", db_create_collation},
	{"commit_hook", db_commit_hook},
	{"rollback_hook", db_rollback_hook},
	{"update_hook", db_update_hook},
	{"progress_handler", db_progress_handler},
	{"trace", db_trace},
	{"busy_handler", db_busy_handler},
	{"busy_timeout", db_busy_timeout},
	{NULL, NULL},
};

void lsqlite3_open_calls(lua_State *L)
{
	luaL_setfuncs(L, methods, 0);
	luaL_newmetatable(L, CONTEXT);
	luaL_setfuncs(L, context_methods, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
	lua_pop(L, 1);
}
