/* SPDX-License-Identifier: MIT
 *
 * lsqlite3: SQLite in a process, with the interface of the Lua library of that name. Databases live in the process's memory, and so
 * in its checkpoints and rollbacks; there are no files. lsqlite3.c has databases and statements, lsqlite3_call.c what
 * SQLite calls back: functions, aggregates, collations, hooks; sqlite_os.c what SQLite asks of a system.
 */
#ifndef WEFT_AOS_LSQLITE3_H
#define WEFT_AOS_LSQLITE3_H

#include "native.h"

#include <sqlite3.h>

/* A callback's place among the database's references. */
enum hook { HOOK_COMMIT, HOOK_ROLLBACK, HOOK_UPDATE, HOOK_PROGRESS, HOOK_TRACE, HOOK_BUSY, HOOKS };

struct database {
	sqlite3 *handle; /* NULL: closed */
	lua_State *L;    /* who is calling; callbacks run there */
	int function[HOOKS], data[HOOKS];
};

/* lsqlite3_check gives the open database that is argument 1, and notes who calls. */
struct database *lsqlite3_check(lua_State *L);
/* lsqlite3_push_value pushes a value of SQLite's. */
void lsqlite3_push_value(lua_State *L, sqlite3_value *v);
/* lsqlite3_drop_hooks releases what the hooks refer to. */
void lsqlite3_drop_hooks(lua_State *L, struct database *d);
/* lsqlite3_open_calls adds the methods that register callbacks to the metatable on top, and makes that of contexts. */
void lsqlite3_open_calls(lua_State *L);
/* luaopen_lsqlite3 is the loader of require("lsqlite3"). */
int luaopen_lsqlite3(lua_State *L);

#endif
