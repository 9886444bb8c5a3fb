/* SPDX-License-Identifier: MIT */
#include "lsqlite3.h"

#include <string.h>

#define DATABASE "sqlite3"
#define STATEMENT "sqlite3:vm"

struct statement {
	sqlite3_stmt *handle; /* NULL: finalized */
	struct database *database;
	bool has_row, temporary; /* temporary: a loop of db:rows(), finalized at its end */
};

/* ---- databases ---- */

struct database *lsqlite3_check(lua_State *L)
{
	struct database *d = luaL_checkudata(L, 1, DATABASE);

	luaL_argcheck(L, d->handle, 1, "attempt to use closed sqlite database");
	d->L = L;
	return d;
}

static int open_database(lua_State *L, const char *name)
{
	struct database *d = lua_newuserdata(L, sizeof(*d));
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY;

	memset(d, 0, sizeof(*d));
	for (int i = 0; i < HOOKS; i++)
		d->function[i] = d->data[i] = LUA_NOREF;
	luaL_setmetatable(L, DATABASE);
	int code = sqlite3_open_v2(name, &d->handle, flags, NULL);
	if (code == SQLITE_OK)
		return 1;
	lua_pushnil(L);
	lua_pushinteger(L, code);
	lua_pushstring(L, d->handle ? sqlite3_errmsg(d->handle) : sqlite3_errstr(code));
	sqlite3_close(d->handle);
	d->handle = NULL;
	return 3;
}

/* Every name is a database in memory of its own. */
static int lib_open(lua_State *L)
{
	luaL_checkstring(L, 1);
	return open_database(L, ":memory:");
}

static int lib_open_memory(lua_State *L)
{
	return open_database(L, ":memory:");
}

static int close_all(lua_State *L, struct database *d)
{
	int code = SQLITE_OK;

	d->L = L;
	if (d->handle) {
		for (sqlite3_stmt *s; (s = sqlite3_next_stmt(d->handle, NULL));)
			sqlite3_finalize(s);
		code = sqlite3_close(d->handle);
		d->handle = NULL;
		lsqlite3_drop_hooks(L, d);
	}
	return code;
}

static int db_close(lua_State *L)
{
	lua_pushinteger(L, close_all(L, luaL_checkudata(L, 1, DATABASE)));
	return 1;
}

static int db_isopen(lua_State *L)
{
	struct database *d = luaL_checkudata(L, 1, DATABASE);

	lua_pushboolean(L, d->handle != NULL);
	return 1;
}

static int db_tostring(lua_State *L)
{
	struct database *d = luaL_checkudata(L, 1, DATABASE);

	lua_pushfstring(L, d->handle ? "sqlite database (%p)" : "sqlite database (closed)", (void *)d);
	return 1;
}

static int db_errmsg(lua_State *L)
{
	lua_pushstring(L, sqlite3_errmsg(lsqlite3_check(L)->handle));
	return 1;
}

static int db_errcode(lua_State *L)
{
	lua_pushinteger(L, sqlite3_errcode(lsqlite3_check(L)->handle));
	return 1;
}

static int db_changes(lua_State *L)
{
	lua_pushinteger(L, sqlite3_changes(lsqlite3_check(L)->handle));
	return 1;
}

static int db_total_changes(lua_State *L)
{
	lua_pushinteger(L, sqlite3_total_changes(lsqlite3_check(L)->handle));
	return 1;
}

static int db_last_insert_rowid(lua_State *L)
{
	lua_pushinteger(L, sqlite3_last_insert_rowid(lsqlite3_check(L)->handle));
	return 1;
}

static int db_interrupt(lua_State *L)
{
	sqlite3_interrupt(lsqlite3_check(L)->handle);
	return 0;
}

static int db_filename(lua_State *L)
{
	lua_pushstring(L, sqlite3_db_filename(lsqlite3_check(L)->handle, luaL_optstring(L, 2, "main")));
	return 1;
}

/* serialize([name]): the database as bytes; deserialize(bytes): takes them for main. */
static int db_serialize(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	sqlite3_int64 size;
	unsigned char *bytes = sqlite3_serialize(d->handle, luaL_optstring(L, 2, "main"), &size, 0);

	if (!bytes)
		return 0;
	lua_pushlstring(L, (const char *)bytes, (size_t)size);
	sqlite3_free(bytes);
	return 1;
}

static int db_deserialize(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	size_t len;
	const char *bytes = luaL_checklstring(L, 2, &len);
	unsigned char *copy = sqlite3_malloc64(len + 1);

	if (!copy)
		return luaL_error(L, "not enough memory");
	memcpy(copy, bytes, len);
	lua_pushinteger(L, sqlite3_deserialize(d->handle, "main", copy, (sqlite3_int64)len, (sqlite3_int64)len,
					       SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE));
	return 1;
}

/* ---- values ---- */

void lsqlite3_push_value(lua_State *L, sqlite3_value *v)
{
	switch (sqlite3_value_type(v)) {
	case SQLITE_INTEGER:
		lua_pushinteger(L, sqlite3_value_int64(v));
		break;
	case SQLITE_FLOAT:
		lua_pushnumber(L, sqlite3_value_double(v));
		break;
	case SQLITE_NULL:
		lua_pushnil(L);
		break;
	default: { /* the pointer first: asking for it may change the length */
		const void *p = sqlite3_value_type(v) == SQLITE_TEXT ? (const void *)sqlite3_value_text(v)
								     : sqlite3_value_blob(v);
		lua_pushlstring(L, p ? p : "", (size_t)sqlite3_value_bytes(v));
	}
	}
}

static void push_column(lua_State *L, sqlite3_stmt *s, int column)
{
	lsqlite3_push_value(L, sqlite3_column_value(s, column));
}

static int bind(lua_State *L, sqlite3_stmt *s, int place, int index)
{
	size_t len;

	switch (lua_type(L, index)) {
	case LUA_TSTRING: {
		const char *text = lua_tolstring(L, index, &len);
		return sqlite3_bind_text64(s, place, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
	}
	case LUA_TNUMBER:
		if (lua_isinteger(L, index))
			return sqlite3_bind_int64(s, place, lua_tointeger(L, index));
		return sqlite3_bind_double(s, place, lua_tonumber(L, index));
	case LUA_TBOOLEAN:
		return sqlite3_bind_int(s, place, lua_toboolean(L, index));
	case LUA_TNIL:
	case LUA_TNONE:
		return sqlite3_bind_null(s, place);
	default:
		return luaL_error(L, "index (%d) - invalid data type for bind (%s)", place, luaL_typename(L, index));
	}
}

/* ---- statements ---- */

static struct statement *check_statement(lua_State *L)
{
	struct statement *s = luaL_checkudata(L, 1, STATEMENT);

	luaL_argcheck(L, s->handle && s->database->handle, 1, "attempt to use closed sqlite virtual machine");
	s->database->L = L;
	return s;
}

static void check_row(lua_State *L, const struct statement *s)
{
	if (!s->has_row)
		luaL_error(L, "misuse of function");
}

static int check_column(lua_State *L, const struct statement *s)
{
	lua_Integer column = luaL_checkinteger(L, 2);

	if (column < 0 || column >= sqlite3_column_count(s->handle))
		luaL_error(L, "index out of range [0..%d]", sqlite3_column_count(s->handle) - 1);
	return (int)column;
}

/* Pushes a statement that keeps its database, argument 1. */
static struct statement *push_statement(lua_State *L, struct database *d)
{
	struct statement *s = lua_newuserdata(L, sizeof(*s));

	*s = (struct statement){.database = d};
	luaL_setmetatable(L, STATEMENT);
	lua_pushvalue(L, 1);
	lua_setuservalue(L, -2);
	return s;
}

static int db_prepare(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	size_t len;
	const char *sql = luaL_checklstring(L, 2, &len), *rest = NULL;
	struct statement *s = push_statement(L, d);
	int code = sqlite3_prepare_v2(d->handle, sql, (int)len + 1, &s->handle, &rest);

	if (code != SQLITE_OK) {
		lua_pushnil(L);
		lua_pushinteger(L, code);
		return 2;
	}
	lua_pushstring(L, rest);
	return 2;
}

static int finalize(struct statement *s)
{
	int code = SQLITE_OK;

	if (s->handle && s->database->handle)
		code = sqlite3_finalize(s->handle);
	s->handle = NULL;
	s->has_row = false;
	return code;
}

static int vm_finalize(lua_State *L)
{
	lua_pushinteger(L, finalize(check_statement(L)));
	return 1;
}

static int vm_gc(lua_State *L)
{
	struct statement *s = luaL_checkudata(L, 1, STATEMENT);

	s->database->L = L; /* an aggregate that was left half-way ends now */
	finalize(s);
	return 0;
}

static int vm_isopen(lua_State *L)
{
	struct statement *s = luaL_checkudata(L, 1, STATEMENT);

	lua_pushboolean(L, s->handle && s->database->handle);
	return 1;
}

static int vm_tostring(lua_State *L)
{
	struct statement *s = luaL_checkudata(L, 1, STATEMENT);

	lua_pushfstring(L, s->handle ? "sqlite virtual machine (%p)" : "sqlite virtual machine (closed)", (void *)s);
	return 1;
}

static int step(struct statement *s)
{
	int code = sqlite3_step(s->handle);

	s->has_row = code == SQLITE_ROW;
	return code;
}

static int vm_step(lua_State *L)
{
	lua_pushinteger(L, step(check_statement(L)));
	return 1;
}

static int vm_reset(lua_State *L)
{
	struct statement *s = check_statement(L);

	s->has_row = false;
	lua_pushinteger(L, sqlite3_reset(s->handle));
	return 1;
}

static int vm_columns(lua_State *L)
{
	lua_pushinteger(L, sqlite3_column_count(check_statement(L)->handle));
	return 1;
}

static int vm_last_insert_rowid(lua_State *L)
{
	lua_pushinteger(L, sqlite3_last_insert_rowid(check_statement(L)->database->handle));
	return 1;
}

/* ---- binding ---- */

static int vm_bind(lua_State *L)
{
	struct statement *s = check_statement(L);

	luaL_checkany(L, 3);
	lua_pushinteger(L, bind(L, s->handle, (int)luaL_checkinteger(L, 2), 3));
	return 1;
}

static int vm_bind_blob(lua_State *L)
{
	struct statement *s = check_statement(L);
	size_t len;
	const char *bytes = luaL_checklstring(L, 3, &len);

	lua_pushinteger(L, sqlite3_bind_blob64(s->handle, (int)luaL_checkinteger(L, 2), bytes, len, SQLITE_TRANSIENT));
	return 1;
}

static int vm_bind_values(lua_State *L)
{
	struct statement *s = check_statement(L);
	int given = lua_gettop(L) - 1, wanted = sqlite3_bind_parameter_count(s->handle), code = SQLITE_OK;

	if (given != wanted)
		return luaL_error(L, "incorrect number of parameters to bind (%d given, %d to bind)", given, wanted);
	for (int i = 1; i <= given && code == SQLITE_OK; i++)
		code = bind(L, s->handle, i, i + 1);
	lua_pushinteger(L, code);
	return 1;
}

/* Parameters by their names, without the mark; those without a name by their place. */
static int vm_bind_names(lua_State *L)
{
	struct statement *s = check_statement(L);
	int count = sqlite3_bind_parameter_count(s->handle), code = SQLITE_OK;

	luaL_checktype(L, 2, LUA_TTABLE);
	for (int i = 1; i <= count && code == SQLITE_OK; i++) {
		const char *name = sqlite3_bind_parameter_name(s->handle, i);
		if (name && strchr(":$@", name[0]))
			lua_pushstring(L, name + 1);
		else
			lua_pushinteger(L, i);
		lua_gettable(L, 2);
		code = bind(L, s->handle, i, -1);
		lua_pop(L, 1);
	}
	lua_pushinteger(L, code);
	return 1;
}

static int vm_bind_parameter_count(lua_State *L)
{
	lua_pushinteger(L, sqlite3_bind_parameter_count(check_statement(L)->handle));
	return 1;
}

static int vm_bind_parameter_name(lua_State *L)
{
	struct statement *s = check_statement(L);
	lua_Integer i = luaL_checkinteger(L, 2);

	luaL_argcheck(L, i >= 1 && i <= sqlite3_bind_parameter_count(s->handle), 2, "index out of range");
	lua_pushstring(L, sqlite3_bind_parameter_name(s->handle, (int)i));
	return 1;
}

/* ---- reading: a column, all as a list, all by name, all unpacked; of values, names and declared types ---- */

typedef void push_function(lua_State *L, sqlite3_stmt *s, int column);

static void push_name(lua_State *L, sqlite3_stmt *s, int column)
{
	lua_pushstring(L, sqlite3_column_name(s, column));
}

static void push_type(lua_State *L, sqlite3_stmt *s, int column)
{
	lua_pushstring(L, sqlite3_column_decltype(s, column));
}

static int push_list(lua_State *L, sqlite3_stmt *s, push_function *push)
{
	int n = sqlite3_column_count(s);

	lua_createtable(L, n, 0);
	for (int i = 0; i < n; i++) {
		push(L, s, i);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

static int push_named(lua_State *L, sqlite3_stmt *s, push_function *push)
{
	int n = sqlite3_column_count(s);

	lua_createtable(L, 0, n);
	for (int i = 0; i < n; i++) {
		push_name(L, s, i);
		push(L, s, i);
		lua_rawset(L, -3);
	}
	return 1;
}

static int push_unpacked(lua_State *L, sqlite3_stmt *s, push_function *push)
{
	int n = sqlite3_column_count(s);

	luaL_checkstack(L, n, "too many columns");
	for (int i = 0; i < n; i++)
		push(L, s, i);
	return n;
}

static int vm_get_value(lua_State *L)
{
	struct statement *s = check_statement(L);

	check_row(L, s);
	push_column(L, s->handle, check_column(L, s));
	return 1;
}

static int vm_get_name(lua_State *L)
{
	struct statement *s = check_statement(L);

	push_name(L, s->handle, check_column(L, s));
	return 1;
}

static int vm_get_type(lua_State *L)
{
	struct statement *s = check_statement(L);

	push_type(L, s->handle, check_column(L, s));
	return 1;
}

static int vm_get_values(lua_State *L)
{
	struct statement *s = check_statement(L);

	check_row(L, s);
	return push_list(L, s->handle, push_column);
}

static int vm_get_uvalues(lua_State *L)
{
	struct statement *s = check_statement(L);

	check_row(L, s);
	return push_unpacked(L, s->handle, push_column);
}

static int vm_get_named_values(lua_State *L)
{
	struct statement *s = check_statement(L);

	check_row(L, s);
	return push_named(L, s->handle, push_column);
}

static int vm_get_names(lua_State *L)
{
	return push_list(L, check_statement(L)->handle, push_name);
}

static int vm_get_unames(lua_State *L)
{
	return push_unpacked(L, check_statement(L)->handle, push_name);
}

static int vm_get_types(lua_State *L)
{
	return push_list(L, check_statement(L)->handle, push_type);
}

static int vm_get_utypes(lua_State *L)
{
	return push_unpacked(L, check_statement(L)->handle, push_type);
}

static int vm_get_named_types(lua_State *L)
{
	return push_named(L, check_statement(L)->handle, push_type);
}

/* ---- loops ---- */

enum shape { ROWS, NAMED, UNPACKED };

static int next_row(lua_State *L)
{
	struct statement *s = lua_touserdata(L, lua_upvalueindex(1));
	enum shape shape = (enum shape)lua_tointeger(L, lua_upvalueindex(2));

	if (!s->handle || !s->database->handle)
		return 0;
	s->database->L = L;
	int code = step(s);
	if (code == SQLITE_ROW)
		return shape == ROWS    ? push_list(L, s->handle, push_column)
		       : shape == NAMED ? push_named(L, s->handle, push_column)
					: push_unpacked(L, s->handle, push_column);
	if (code != SQLITE_DONE)
		lua_pushstring(L, sqlite3_errmsg(s->database->handle));
	if (s->temporary)
		finalize(s);
	else
		sqlite3_reset(s->handle);
	return code == SQLITE_DONE ? 0 : lua_error(L);
}

static int push_loop(lua_State *L, enum shape shape)
{
	lua_pushinteger(L, shape);
	lua_pushcclosure(L, next_row, 2);
	return 1;
}

static int db_loop(lua_State *L, enum shape shape)
{
	struct database *d = lsqlite3_check(L);
	const char *sql = luaL_checkstring(L, 2);
	struct statement *s = push_statement(L, d);

	s->temporary = true;
	if (sqlite3_prepare_v2(d->handle, sql, -1, &s->handle, NULL) != SQLITE_OK)
		return luaL_error(L, "%s", sqlite3_errmsg(d->handle));
	return push_loop(L, shape);
}

static int vm_loop(lua_State *L, enum shape shape)
{
	check_statement(L);
	lua_settop(L, 1);
	return push_loop(L, shape);
}

static int db_rows(lua_State *L)
{
	return db_loop(L, ROWS);
}

static int db_nrows(lua_State *L)
{
	return db_loop(L, NAMED);
}

static int db_urows(lua_State *L)
{
	return db_loop(L, UNPACKED);
}

static int vm_rows(lua_State *L)
{
	return vm_loop(L, ROWS);
}

static int vm_nrows(lua_State *L)
{
	return vm_loop(L, NAMED);
}

static int vm_urows(lua_State *L)
{
	return vm_loop(L, UNPACKED);
}

/* ---- exec ---- */

struct exec {
	lua_State *L;
	bool failed; /* an error of the callback is on top */
};

/* func(udata, count, values, names): anything but 0 or nil ends it. Values are texts. */
static int exec_row(void *ctx, int count, char **values, char **names)
{
	struct exec *e = ctx;
	lua_State *L = e->L;

	lua_pushvalue(L, 3);
	lua_pushvalue(L, 4);
	lua_pushinteger(L, count);
	for (int pass = 0; pass < 2; pass++) {
		lua_createtable(L, count, 0);
		for (int i = 0; i < count; i++) {
			lua_pushstring(L, pass ? names[i] : values[i]);
			lua_rawseti(L, -2, i + 1);
		}
	}
	if (lua_pcall(L, 4, 1, 0) != LUA_OK) {
		e->failed = true;
		return 1;
	}
	bool stop = !lua_isnil(L, -1) && !(lua_isnumber(L, -1) && lua_tonumber(L, -1) == 0);
	lua_pop(L, 1);
	return stop;
}

static int db_exec(lua_State *L)
{
	struct database *d = lsqlite3_check(L);
	const char *sql = luaL_checkstring(L, 2);
	struct exec e = {L, false};
	bool called = !lua_isnoneornil(L, 3);

	if (called)
		luaL_checktype(L, 3, LUA_TFUNCTION);
	lua_settop(L, 4);
	luaL_checkstack(L, 20, NULL);
	int code = sqlite3_exec(d->handle, sql, called ? exec_row : NULL, &e, NULL);
	if (e.failed)
		return lua_error(L);
	lua_pushinteger(L, code);
	return 1;
}

/* ---- the library ---- */

static int lib_version(lua_State *L)
{
	lua_pushstring(L, sqlite3_libversion());
	return 1;
}

static int lib_lversion(lua_State *L)
{
	lua_pushliteral(L, "0.9.5");
	return 1;
}

static int lib_complete(lua_State *L)
{
	lua_pushboolean(L, sqlite3_complete(luaL_checkstring(L, 1)));
	return 1;
}

static const luaL_Reg library[] = {
	{"open", lib_open},         {"open_memory", lib_open_memory}, {"version", lib_version},
	{"lversion", lib_lversion}, {"complete", lib_complete},       {NULL, NULL},
};

static const luaL_Reg database_methods[] = {
	{"close", db_close},
	{"isopen", db_isopen},
	{"errmsg", db_errmsg},
	{"error_message", db_errmsg},
	{"errcode", db_errcode},
	{"error_code", db_errcode},
	{"changes", db_changes},
	{"total_changes", db_total_changes},
	{"last_insert_rowid", db_last_insert_rowid},
	{"interrupt", db_interrupt},
	{"db_filename", db_filename},
	{"serialize", db_serialize},
	{"deserialize", db_deserialize},
	{"prepare", db_prepare},
	{"rows", db_rows},
	{"nrows", db_nrows},
	{"urows", db_urows},
	{"exec", db_exec},
	{"execute", db_exec},
	{"__gc", db_close},
	{"__tostring", db_tostring},
	{NULL, NULL},
};

static const luaL_Reg statement_methods[] = {
	{"isopen", vm_isopen},
	{"step", vm_step},
	{"reset", vm_reset},
	{"finalize", vm_finalize},
	{"columns", vm_columns},
	{"last_insert_rowid", vm_last_insert_rowid},
	{"bind", vm_bind},
	{"bind_blob", vm_bind_blob},
	{"bind_values", vm_bind_values},
	{"bind_names", vm_bind_names},
	{"bind_parameter_count", vm_bind_parameter_count},
	{"bind_parameter_name", vm_bind_parameter_name},
	{"get_value", vm_get_value},
	{"get_values", vm_get_values},
	{"get_uvalues", vm_get_uvalues},
	{"get_named_values", vm_get_named_values},
	{"get_name", vm_get_name},
	{"get_names", vm_get_names},
	{"get_unames", vm_get_unames},
	{"get_type", vm_get_type},
	{"get_types", vm_get_types},
	{"get_utypes", vm_get_utypes},
	{"get_named_types", vm_get_named_types},
	{"rows", vm_rows},
	{"nrows", vm_nrows},
	{"urows", vm_urows},
	/* older names */
	{"data", vm_get_named_values},
	{"idata", vm_get_values},
	{"iname", vm_get_names},
	{"inames", vm_get_names},
	{"itypes", vm_get_types},
	{"type", vm_get_named_types},
	{"__gc", vm_gc},
	{"__tostring", vm_tostring},
	{NULL, NULL},
};

#define CODE(name)                   \
	{                            \
#name, SQLITE_##name \
	}

static const struct {
	const char *name;
	int code;
} codes[] = {
	CODE(OK),       CODE(ERROR),      CODE(INTERNAL), CODE(PERM),      CODE(ABORT),   CODE(BUSY),
	CODE(LOCKED),   CODE(NOMEM),      CODE(READONLY), CODE(INTERRUPT), CODE(IOERR),   CODE(CORRUPT),
	CODE(NOTFOUND), CODE(FULL),       CODE(CANTOPEN), CODE(PROTOCOL),  CODE(EMPTY),   CODE(SCHEMA),
	CODE(TOOBIG),   CODE(CONSTRAINT), CODE(MISMATCH), CODE(MISUSE),    CODE(NOLFS),   CODE(FORMAT),
	CODE(NOTADB),   CODE(RANGE),      CODE(ROW),      CODE(DONE),      CODE(INTEGER), CODE(FLOAT),
	CODE(TEXT),     CODE(BLOB),       CODE(NULL),     CODE(DELETE),    CODE(INSERT),  CODE(UPDATE),
};

static void new_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
	luaL_newmetatable(L, name);
	luaL_setfuncs(L, methods, 0);
	lua_pushvalue(L, -1);
	lua_setfield(L, -2, "__index");
}

int luaopen_lsqlite3(lua_State *L)
{
	new_class(L, DATABASE, database_methods);
	lsqlite3_open_calls(L);
	new_class(L, STATEMENT, statement_methods);
	luaL_newlib(L, library);
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		lua_pushinteger(L, codes[i].code);
		lua_setfield(L, -2, codes[i].name);
	}
	return 1;
}
