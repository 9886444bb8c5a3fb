/* SPDX-License-Identifier: MIT
 *
 * Any text as JSON: decoding stays inside it, and what came out of two rounds is the same after another. (After one it need not be:
 * -0.0 is written as -0, which is read as the integer 0, in the original too.)
 */
#include "native.h"

#include <stdlib.h>
#include <string.h>

/* Decodes the text on top, and leaves what it is encoded as in its place. */
static size_t once_more(lua_State *L)
{
	size_t len;
	const char *text = lua_tolstring(L, -1, &len);

	json_decode(L, text, len);
	text_out.len = 0;
	json_encode(L, -1);
	lua_pushlstring(L, text_out.ptr, text_out.len);
	lua_replace(L, 1);
	lua_settop(L, 1);
	return text_out.len;
}

static int round_trip(lua_State *L)
{
	size_t len;

	once_more(L);
	len = once_more(L);
	/* Keys may change places, so lengths have to do. */
	if (once_more(L) != len)
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
