/* SPDX-License-Identifier: MIT
 *
 * native: the parts of the aos runtime that are in C, and how they meet those in Lua.
 *
 * The rule is: what users can see the shape of (messages, handlers, blueprints) is Lua, in ../lua; what has one
 * right answer and should be fast (JSON, digests, ciphers, big integers) is C. A Lua file of the runtime is called
 * as chunk(name, native), where `native` is the table of the functions that natives_open puts together; scripts do
 * not see it.
 *
 *   host --handle--> module.c --> runtime.c --json--> lua/process.lua --json--> runtime.c --> host
 *
 * Everything also builds natively, for the fuzzers and sanitizers; only module.c, platform.c and stack.S do not.
 */
#ifndef WEFT_AOS_NATIVE_H
#define WEFT_AOS_NATIVE_H

#include "lua.h"
#include "lauxlib.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- runtime.c ---- */

/* runtime_handle evaluates one message: both arguments and the answer are JSON texts that end with a NUL. The answer
 * stays valid until the next call. It never fails: what goes wrong is an answer with Error. */
const char *runtime_handle(const char *message, const char *environment);
/* runtime_open makes a Lua state with all that a process has before its first message. */
lua_State *runtime_open(void);

/* platform_set_time_ms: what time(), and so os.date(), says from now on. */
void platform_set_time_ms(int64_t ms);
int64_t platform_time_ms(void);
/* Files of WeaveDrive, if the host has it: open gives a descriptor, or 0; read the number of bytes, 0 at the end. */
int platform_drive_open(const char *path);
int platform_drive_read(int fd, void *to, size_t len);
void platform_drive_close(int fd);

/* ---- text: what is being written ---- */

/* There is one of it, reused, because an error may leave at any time: nothing needs to be released then. */
struct text {
	char *ptr;
	size_t len, room;
};

extern struct text text_out;
/* text_reserve makes room for `more` bytes and gives the place where they go. Raises for want of memory. */
char *text_reserve(lua_State *L, size_t more);
void text_put(lua_State *L, const char *ptr, size_t len);
/* text_trim gives back the memory of an unusually long text. */
void text_trim(void);

/* ---- json.c ---- */

/* json_decode pushes the value of a JSON text; json_encode appends the value at `index` to text_out. Both
 * raise the errors of the aos library "json", whose name is their position. */
void json_decode(lua_State *L, const char *ptr, size_t len);
void json_encode(lua_State *L, int index);
int json_open(lua_State *L);

/* ---- others: each adds its functions to the table on top ---- */

void bigint_open(lua_State *L);
void chance_open(lua_State *L);
void digest_open(lua_State *L);
void cipher_open(lua_State *L);
void source_open(lua_State *L);
void drive_open(lua_State *L);
int io_open(lua_State *L);

/* ---- the Lua files, made by embed.c from ../lua ---- */

struct bundle_file {
	const char *name; /* of the module: ".crypto.digest" */
	const char *text;
	size_t len;
};

extern const struct bundle_file bundle[];
extern const size_t bundle_count;

#endif
