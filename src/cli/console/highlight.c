/* SPDX-License-Identifier: MIT */
#include "cli/console/highlight.h"

#include "cli/console/complete.h"
#include "cli/console/lua.h"
#include "cli/print.h"

static const char *colour_of(const struct lua_token *t)
{
	switch (t->kind) {
	case LUA_COMMENT:
		return "\033[90m";
	case LUA_KEYWORD:
		return "\033[35m";
	case LUA_NUMBER:
		return "\033[33m";
	case LUA_STRING:
		return "\033[32m";
	case LUA_NAME:
		return complete_is_global(t->text) ? "\033[36m" : NULL;
	case LUA_WRONG:
		return "\033[31m";
	case LUA_BLANK:
	case LUA_SIGN:
		break;
	}
	return NULL;
}

void highlight(struct buf *out, struct bytes chunk)
{
	struct lua_token t;

	while (lua_next(&t, &chunk)) {
		const char *colour = colour_of(&t);
		struct bytes line, rest = t.text;
		bool more = true;
		while (more) {
			line = bytes_cut(rest, '\n', &rest);
			more = line.ptr + line.len < t.text.ptr + t.text.len; /* a line end follows */
			if (colour && line.len)
				buf_put_str(out, colour);
			foreign_text(out, line, (struct foreign){0});
			if (colour && line.len)
				buf_put_str(out, "\033[0m");
			if (more)
				buf_put_u8(out, '\n');
		}
	}
}
