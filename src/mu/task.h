/* SPDX-License-Identifier: MIT
 *
 * task: one thing that the unit has yet to bring to its end, and how it lies in the store.
 * Private to mu.
 *
 *   table    key                  value
 *   TASK     sequence 8           record, below
 *   ITEM     sequence 8, part 1   signed item that the task sends; part 2 of a spawn is Spawned
 *   FAILED   sequence 8           record, then why it was given up
 *   TRACE, LINK                   trace.h
 *   MONITOR  process 32           monitor.c
 *   FAN      sequence 8           fan.h
 *
 * A record: version 1, kind 1, flags 1, length of the text 2, time in ms 8, bytes of its items
 * 4 (all little endian), then the ids from, to, id, root, parent and wallet, 32 each, then the
 * text.
 *
 * Sequence numbers are big-endian and rise; what must stay in order has rising ones. A task
 * keeps its number as its kind changes: a spawn that has been scheduled becomes the pull of its
 * first result.
 *
 *   kind     from      to          id                text
 *   PULL     -         process     what to pull the result of    target of a posted process
 *   SEND     process   receiver    the item's own
 *   SPAWN    process   -           the new process   the scheduler's address
 *   ASSIGN   process   process     what is assigned  names to exclude
 *
 * `root` is what the client posted, to which all goes back (zero for crons), `parent` what the
 * sender answered to, `wallet` who posted the root.
 */
#ifndef WEFT_MU_TASK_H
#define WEFT_MU_TASK_H

#include "base/arena.h"
#include "base/hash.h"
#include "mu/queue.h"
#include "store/store.h"

enum { TABLE_TASK, TABLE_ITEM, TABLE_FAILED, TABLE_TRACE, TABLE_LINK, TABLE_MONITOR, TABLE_FAN };
enum task_kind { TASK_PULL = 1, TASK_SEND, TASK_SPAWN, TASK_ASSIGN };
enum item_part { PART_ITEM = 1, PART_SPAWNED = 2 };
enum {
	TASK_POSTED = 1,     /* by a client, who was answered only if the scheduler took it */
	TASK_BASE_LAYER = 2, /* of an assign */
	TASK_AT_PARENT = 4,  /* a spawn at the scheduler of the process that spawns */
};

struct record {
	enum task_kind kind;
	unsigned flags;
	uint64_t time_ms;
	uint32_t item_bytes; /* how large its items are together */
	struct id from, to, id, root, parent, wallet;
	struct bytes text;
};

/* Where a task stands. A task restarts at CHECK when it was posted, else at SEND or PULL by its
 * kind. */
enum stage {
	STAGE_CHECK, /* was it scheduled at all? */
	STAGE_SEND,
	STAGE_PULL,
	STAGE_COUNT,
};

/* In memory a task is its record; its items, which may be large, are read when its turn comes. */
struct task {
	struct entry entry; /* first: an entry is its task */
	uint64_t seq;
	enum stage stage;
	uint8_t tries;
	bool again; /* an earlier try may have come through */
	struct record record;
	uint8_t text[]; /* the record's */
};

/* task_new copies the record. free ends it. */
struct task *task_new(uint64_t seq, const struct record *r, enum stage stage);

void task_put(struct store_batch *b, uint64_t seq, const struct record *r);
void task_put_item(struct store_batch *b, uint64_t seq, enum item_part part, struct bytes item);
/* task_del strikes off the task and its items. */
void task_del(struct store_batch *b, uint64_t seq, enum task_kind kind);
/* task_fail moves the task among those that were given up, and task_revive back. */
void task_fail(struct store_batch *b, uint64_t seq, const struct record *r, struct bytes why);
void task_revive(struct store_batch *b, uint64_t seq, const struct record *r);

/* task_forget strikes off a task that was given up, and its items. */
void task_forget(struct store_batch *b, uint64_t seq, enum task_kind kind);

bool task_exists(struct store *s, uint64_t seq);
/* Views are in `a`. E_NOT_FOUND, E_CORRUPT. */
must_use enum err task_get_failed(struct store *s, struct arena *a, uint64_t seq, struct record *out,
				  struct bytes *why);
must_use enum err task_get_item(struct store *s, struct arena *a, uint64_t seq, enum item_part part,
				struct bytes *item);

/* task_scan calls `seen` for each row of TABLE_TASK or TABLE_FAILED from `seq` on, oldest
 * first, at most `limit` (0: all); false stops it. `why` is empty for those under way. The
 * views are valid during the call. */
typedef bool task_seen(void *ctx, uint64_t seq, const struct record *r, struct bytes why);
must_use enum err task_scan(struct store *s, unsigned table, uint64_t seq, size_t limit, task_seen *seen, void *ctx);
/* task_last_seq is the greatest number ever given, as far as tables tell; 0 when none was. */
must_use enum err task_last_seq(struct store *s, uint64_t *seq);

#endif
