/* SPDX-License-Identifier: MIT
 *
 * arena: memory by lifetime. Everything that one request, one turn or one parse
 * makes comes from one arena and goes with it; nothing is freed alone.
 *
 * Memory from an arena is zeroed and aligned for any type. An arena belongs to
 * one thread at a time. It keeps its first block across arena_reset, so a loop
 * that resets once per message settles at no allocation at all.
 */
#ifndef WEFT_BASE_ARENA_H
#define WEFT_BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *newest;
	size_t total; /* bytes held, for limits and statistics */
};

#define ARENA_EMPTY ((struct arena){NULL, 0})

void arena_init(struct arena *a);
/* arena_alloc never returns NULL; size 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size);
/* arena_array checks the product for overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* arena_copy is a private copy of b; a zero follows it, not counted. */
struct bytes arena_copy(struct arena *a, struct bytes b);
/* arena_cstr is a private, zero-terminated copy of b. */
char *arena_cstr(struct arena *a, struct bytes b);
struct bytes arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a);
void arena_release(struct arena *a);

#define arena_new(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_array(a, count, type) ((type *)arena_array((a), (count), sizeof(type)))

#endif
