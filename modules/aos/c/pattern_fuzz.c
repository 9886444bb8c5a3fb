/* SPDX-License-Identifier: MIT
 *
 * Handler patterns: any pattern against any value ends, and answers true or false, or is an error of Lua's.
 */
#include "native.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static lua_State *L;
	enum { PATTERN_MAX = 12, VALUE_MAX = 60 }; /* backtracking takes its time with more */

	if (!L) {
		L = runtime_open();
		if (luaL_dostring(L, "return require('.utils').matchesPattern"))
			return 0;
		lua_setglobal(L, "match");
	}
	const uint8_t *end = memchr(data, 0, size);
	size_t pattern = end ? (size_t)(end - data) : size, value = end ? size - pattern - 1 : 0;
	lua_settop(L, 0);
	lua_getglobal(L, "match");
	lua_pushlstring(L, (const char *)data, pattern < PATTERN_MAX ? pattern : PATTERN_MAX);
	lua_pushlstring(L, end ? (const char *)end + 1 : "", value < VALUE_MAX ? value : VALUE_MAX);
	if (lua_pcall(L, 2, 1, 0) == LUA_OK && !lua_isboolean(L, -1))
		__builtin_trap();
	return 0;
}
