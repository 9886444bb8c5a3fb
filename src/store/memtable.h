/* SPDX-License-Identifier: MIT
 *
 * memtable: an ordered map in memory, a skip list (Pugh, 1990) in an arena. Private to the folder.
 *
 * It holds what a store's index does not hold yet, so an entry may also say that a key is
 * gone. Keys carry their table as first byte. Not thread-safe: the store's lock guards it.
 */
#ifndef WEFT_STORE_MEMTABLE_H
#define WEFT_STORE_MEMTABLE_H

#include "base/arena.h"

enum entry_kind { ENTRY_GONE, ENTRY_INLINE, ENTRY_IN_LOG };

/* Where a value lies in the log: which record, and where in its body. */
struct location {
	uint64_t segment;
	uint64_t record_at;
	uint64_t value_at;
	uint64_t value_len;
	uint32_t crc; /* CRC-32C of the value, if it is known */
	bool has_crc;
};

struct entry {
	enum entry_kind kind;
	struct bytes value;       /* ENTRY_INLINE */
	struct location location; /* ENTRY_IN_LOG */
};

struct mem_node;

struct memtable {
	struct arena arena;
	struct mem_node *head;
	size_t count;
	uint64_t dice;
};

void memtable_init(struct memtable *m);
void memtable_release(struct memtable *m);
/* memtable_set copies key and inline value. */
void memtable_set(struct memtable *m, struct bytes key, const struct entry *entry);
const struct entry *memtable_get(const struct memtable *m, struct bytes key);

/* memtable_seek: the first node with key >= `key`, or backward the last with key < `key` (an empty key: the
 * last of all). */
const struct mem_node *memtable_seek(const struct memtable *m, struct bytes key, bool backward);
const struct mem_node *memtable_step(const struct memtable *m, const struct mem_node *node, bool backward);
struct bytes mem_node_key(const struct mem_node *node);
const struct entry *mem_node_entry(const struct mem_node *node);

#endif
