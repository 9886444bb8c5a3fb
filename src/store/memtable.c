/* SPDX-License-Identifier: MIT */
#include "store/memtable.h"

#include <string.h>

enum { LEVELS = 16 };

struct mem_node {
	struct bytes key;
	struct entry entry;
	int levels;
	struct mem_node *next[];
};

static struct mem_node *node_new(struct arena *a, int levels)
{
	struct mem_node *node = arena_alloc(a, sizeof(*node) + (size_t)levels * sizeof(node->next[0]));

	node->levels = levels;
	return node;
}

void memtable_init(struct memtable *m)
{
	*m = (struct memtable){.dice = 0x9e3779b97f4a7c15u};
	m->head = node_new(&m->arena, LEVELS);
}

void memtable_release(struct memtable *m)
{
	arena_release(&m->arena);
}

/* One level in four; the sequence is fixed, so that runs can be repeated. */
static int roll(struct memtable *m)
{
	int levels = 1;

	m->dice ^= m->dice << 13;
	m->dice ^= m->dice >> 7;
	m->dice ^= m->dice << 17;
	for (uint64_t bits = m->dice; (bits & 3) == 0 && levels < LEVELS; bits >>= 2)
		levels++;
	return levels;
}

/* The last node before `key` on each level. */
static struct mem_node *find_before(const struct memtable *m, struct bytes key, bool unbounded,
				    struct mem_node **before)
{
	struct mem_node *node = m->head;

	for (int level = LEVELS - 1; level >= 0; level--) {
		while (node->next[level] && (unbounded || bytes_cmp(node->next[level]->key, key) < 0))
			node = node->next[level];
		if (before)
			before[level] = node;
	}
	return node;
}

void memtable_set(struct memtable *m, struct bytes key, const struct entry *entry)
{
	struct mem_node *before[LEVELS], *node;

	node = find_before(m, key, false, before)->next[0];
	if (!node || !bytes_eq(node->key, key)) {
		node = node_new(&m->arena, roll(m));
		node->key = arena_copy(&m->arena, key);
		for (int level = 0; level < node->levels; level++) {
			node->next[level] = before[level]->next[level];
			before[level]->next[level] = node;
		}
		m->count++;
	}
	node->entry = *entry;
	if (entry->kind == ENTRY_INLINE)
		node->entry.value = arena_copy(&m->arena, entry->value);
}

const struct entry *memtable_get(const struct memtable *m, struct bytes key)
{
	const struct mem_node *node = memtable_seek(m, key, false);

	return node && bytes_eq(node->key, key) ? &node->entry : NULL;
}

const struct mem_node *memtable_seek(const struct memtable *m, struct bytes key, bool backward)
{
	struct mem_node *before = find_before(m, key, backward && key.len == 0, NULL);

	if (!backward)
		return before->next[0];
	return before == m->head ? NULL : before;
}

const struct mem_node *memtable_step(const struct memtable *m, const struct mem_node *node, bool backward)
{
	return backward ? memtable_seek(m, node->key, true) : node->next[0];
}

struct bytes mem_node_key(const struct mem_node *node)
{
	return node->key;
}

const struct entry *mem_node_entry(const struct mem_node *node)
{
	return &node->entry;
}
