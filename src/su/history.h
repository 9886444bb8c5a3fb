/* SPDX-License-Identifier: MIT
 *
 * history: the newest link of each process's chain, and the next one (ao-units 3.5).
 * Private to su.
 *
 *   chain(0)     = sha256(process)
 *   chain(n + 1) = sha256(assignment n || chain(n))
 *   timestamp    = max(now, newest + 1)
 *
 * Each process has a head: its newest link, behind a lock of its own. A link is
 * added to the head before it is durable, so that the next append does not wait for the disk; the store
 * keeps the order, and refuses everything after a failed write, so no chain can grow past a hole.
 * What is on its way is remembered in the head (`flights`), because the store does not show it yet.
 */
#ifndef WEFT_SU_HISTORY_H
#define WEFT_SU_HISTORY_H

#include "su/record.h"

struct heads;
struct head;

/* chain_first and chain_next are the two rules above. */
struct id chain_first(struct id process);
struct id chain_next(struct id chain, struct id assignment);

struct heads *heads_open(struct store *store);
void heads_close(struct heads *heads);

/* A link: the place that the newest message has, or that the next will have. */
struct link {
	uint64_t nonce;
	struct id hash_chain;
	uint64_t timestamp_ms;
	struct id assignment; /* zero in a link that is still to be signed */
};

/* Something scheduled and not yet durable. Part of whoever waits for it. */
struct flight {
	struct id message; /* zero when there is none to be found twice */
	uint8_t dedupe[DEDUPE_SIZE];
	bool has_dedupe;
	struct flight *next;
};

/* head_lock finds the process's head, reading it from the store when it is not at hand, and locks it.
 * Every head_lock is paired with head_unlock. */
must_use enum err head_lock(struct heads *heads, struct id process, struct head **out);
void head_unlock(struct heads *heads, struct head *head);

/* All of these need the lock. */
bool head_exists(const struct head *head);
/* head_has_*: durable or on its way. */
bool head_has_message(struct heads *heads, const struct head *head, struct id message);
bool head_has_dedupe(struct heads *heads, const struct head *head, struct bytes dedupe);
/* head_next is the link after the newest, to be signed. */
struct link head_next(const struct head *head, uint64_t now_ms);
/* head_advance makes `link` the newest, on its way with `flight`. */
void head_advance(struct heads *heads, struct head *head, const struct link *link, struct flight *flight);

/* head_landed is called once per head_advance when its write has ended, without the lock. After a failure the
 * head is read from the store again. */
void head_landed(struct heads *heads, struct head *head, struct flight *flight, enum err e);

#endif
