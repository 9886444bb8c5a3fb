/* SPDX-License-Identifier: MIT
 *
 * lua_user: how Lua, whose sources we take as they are, is fitted to a module. lua.h includes this file (LUA_USER_H).
 *
 * - Errors unwind through the host: invoke_vii calls back into the module and returns when _emscripten_throw_longjmp
 *   was called further down. Lua has one place that catches (luaD_rawrunprotected) and one that throws, so no
 *   setjmp is needed. Natively, for the tests, Lua keeps its own setjmp.
 * - What goes to standard output is nobody's: hosts drop it, and so do we.
 * - Integers are written without printf.
 */
#ifndef WEFT_AOS_LUA_USER_H
#define WEFT_AOS_LUA_USER_H

#include <stddef.h>

#if defined(__wasm__)
void host_invoke_vii(void *function, void *a, void *b);
_Noreturn void host_throw(void);

/* luaD_rawrunprotected(L, f, ud) is the only user: it catches around f(L, ud). */
#define LUAI_TRY(L, c, a) host_invoke_vii((void *)(f), (L), (ud))
#define LUAI_THROW(L, c) host_throw()
#define luai_jmpbuf int

#define l_signalT int
#endif

/* There are no temporary files. */
#define LUA_TMPNAMBUFSIZE 1
#define lua_tmpnam(b, e) ((b)[0] = 0, (e) = 1)

#define lua_writestring(s, l) ((void)(s), (void)(l))
#define lua_writeline() ((void)0)
#define lua_writestringerror(s, p) ((void)(s), (void)(p))

int aos_write_integer(char *out, long long n);
int aos_write_number(char *out, size_t room, double n);
#undef lua_integer2str
#define lua_integer2str(s, sz, n) aos_write_integer((s), (n))
#undef lua_number2str
#define lua_number2str(s, sz, n) aos_write_number((s), (sz), (n))

#endif
