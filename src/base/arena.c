/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/err.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 8192 };

struct arena_block {
	struct arena_block *older;
	size_t used;
	size_t cap;
	alignas(max_align_t) uint8_t data[];
};

void arena_init(struct arena *a)
{
	*a = ARENA_EMPTY;
}

static struct arena_block *block_add(struct arena *a, size_t size)
{
	size_t cap = size > ARENA_BLOCK ? size : ARENA_BLOCK;
	struct arena_block *block;

	if (a->newest && cap < a->newest->cap * 2 && a->newest->cap < (1u << 20))
		cap = a->newest->cap * 2;
	must(cap < SIZE_MAX - sizeof(*block));
	block = malloc(sizeof(*block) + cap);
	must(block != NULL);
	block->older = a->newest;
	block->used = 0;
	block->cap = cap;
	a->newest = block;
	a->total += cap;
	return block;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = a->newest;
	size_t rounded;
	void *at;

	must(size < SIZE_MAX - align);
	rounded = (size + align - 1) & ~(align - 1);
	if (!block || block->cap - block->used < rounded)
		block = block_add(a, rounded);
	at = block->data + block->used;
	block->used += rounded;
	return memset(at, 0, rounded);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	size_t total;

	must(!__builtin_mul_overflow(count, size, &total));
	return arena_alloc(a, total);
}

struct bytes arena_copy(struct arena *a, struct bytes b)
{
	uint8_t *copy = arena_alloc(a, b.len + 1);

	if (b.len)
		memcpy(copy, b.ptr, b.len);
	return bytes_of(copy, b.len);
}

char *arena_cstr(struct arena *a, struct bytes b)
{
	return (char *)arena_copy(a, b).ptr;
}

struct bytes arena_printf(struct arena *a, const char *format, ...)
{
	char small[256], *text;
	va_list args;
	int n;

	/* Most texts are short, and are formatted once. */
	va_start(args, format);
	n = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	must(n >= 0);
	if ((size_t)n < sizeof(small))
		return arena_copy(a, bytes_of(small, (size_t)n));
	text = arena_alloc(a, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return bytes_of(text, (size_t)n);
}

/* The oldest block is kept: it is the one that the next round fills first. */
void arena_reset(struct arena *a)
{
	struct arena_block *block = a->newest;

	while (block && block->older) {
		struct arena_block *older = block->older;
		a->total -= block->cap;
		free(block);
		block = older;
	}
	if (block)
		block->used = 0;
	a->newest = block;
}

void arena_release(struct arena *a)
{
	arena_reset(a);
	free(a->newest);
	*a = ARENA_EMPTY;
}
