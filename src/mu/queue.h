/* SPDX-License-Identifier: MIT
 *
 * queue: whose turn it is. Private to mu.
 *
 *   senders that are ready:   P1 -> P2 -> P3 -> ...        one turn each, then to the back
 *                             |
 *                lanes of P1:  to Q -> to R -> ...          one turn each as well
 *                              |
 *                  entries:    oldest -> ... -> newest      one at a time, in order
 *
 * A lane is a line of entries that must not overtake each other: all that goes from one sender
 * to one receiver. At most one entry of a lane has been taken; the next becomes ready when that
 * one has ended. Lanes of a sender take turns, and so do senders, so who has much to do waits
 * for itself. A window bounds how many entries, and how many bytes, all lanes together have
 * taken.
 *
 * An entry is part of the caller's struct; a lane exists while it has entries. Thread-safe.
 */
#ifndef WEFT_MU_QUEUE_H
#define WEFT_MU_QUEUE_H

#include "base/hash.h"

struct queue;
struct lane;

struct entry {
	struct entry *next;
	struct lane *lane;
	uint64_t order; /* entries of a lane with an order above 0 are sorted by it, as far as they wait */
	size_t bytes;   /* what taking it will cost */
	bool paused;
};

/* The window: at most `taken_max` entries at once, of `bytes_max` bytes together (but always
 * one entry). */
struct queue *queue_new(size_t taken_max, size_t bytes_max);
/* queue_free calls `each` for every entry that is left. */
void queue_free(struct queue *q, void (*each)(struct entry *));

/* queue_put adds the entry to the lane from -> to. */
void queue_put(struct queue *q, struct id from, struct id to, struct entry *entry);
/* queue_take is the next entry whose turn it is, or NULL when none is ready or the window is
 * full. It stays in its lane, and holds it, until queue_end. */
struct entry *queue_take(struct queue *q);
/* queue_pause gives a taken entry's part of the window back while it waits; its lane stays
 * held. queue_resume lets it be taken again. */
void queue_pause(struct queue *q, struct entry *entry);
void queue_resume(struct queue *q, struct entry *entry);
/* queue_end takes the entry out: it is the caller's again. */
void queue_end(struct queue *q, struct entry *entry);

/* How many entries there are, waiting and taken: in all, and of one sender. */
size_t queue_count(struct queue *q);
size_t queue_count_of(struct queue *q, struct id from);

#endif
