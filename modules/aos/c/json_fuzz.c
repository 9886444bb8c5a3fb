/* SPDX-License-Identifier: MIT
 *
 * Any text as JSON: decoding stays inside it, and what can be decoded and encoded is the same after another round.
 */
#include "native.h"

#include <stdlib.h>
#include <string.h>

static int round_trip(lua_State *L)
{
	size_t len, again_len;
	const char *text = lua_tolstring(L, 1, &len);

	json_decode(L, text, len);
	text_out.len = 0;
	json_encode(L, -1);
	const char *first = lua_pushlstring(L, text_out.ptr, text_out.len);
	json_decode(L, first, text_out.len);
	text_out.len = 0;
	json_encode(L, -1);
	first = lua_tolstring(L, -2, &again_len);
	/* Keys may change places, so lengths have to do. */
	if (again_len != text_out.len)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static lua_State *L;

	if (!L)
		L = runtime_open();
	lua_settop(L, 0);
	lua_pushcfunction(L, round_trip);
	lua_pushlstring(L, (const char *)data, size);
	(void)lua_pcall(L, 1, 0, 0);
	lua_settop(L, 0);
	return 0;
}
