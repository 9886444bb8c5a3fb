/* SPDX-License-Identifier: MIT
 *
 * Any bytes as Lua: the tokens are the text, one after the other, and nothing in what is shown of them steers a terminal.
 */
#include "base/err.h"
#include "cli/console/commands.h"
#include "cli/console/complete.h"
#include "cli/console/highlight.h"
#include "cli/console/lua.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes chunk = bytes_of(data, size), rest = chunk, argument;
	struct buf coloured = BUF_EMPTY;
	struct arena a = ARENA_EMPTY;
	struct lua_token t;
	size_t at = 0;

	while (lua_next(&t, &rest)) {
		struct bytes value;
		must(t.text.ptr == data + at && t.text.len > 0 && t.text.len <= size - at);
		at += t.text.len;
		must(!t.open || at == size);
		if (lua_string(&t, &value))
			must(value.len + 2 <= t.text.len);
	}
	must(at == size);
	(void)lua_incomplete(chunk);
	highlight(&coloured, chunk);
	for (size_t i = 0; i < coloured.len; i++)
		must(coloured.ptr[i] >= ' ' || coloured.ptr[i] == '\n' || coloured.ptr[i] == '\t' ||
		     coloured.ptr[i] == 27);
	(void)dot_parse(chunk, &argument);
	(void)dot_is(chunk);
	if (size && !bytes_starts(chunk, ".load"))
		complete(arena_new(&a, struct completion), &a, chunk, NULL);
	arena_release(&a);
	buf_release(&coloured);
	return 0;
}
