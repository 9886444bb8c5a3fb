/* SPDX-License-Identifier: MIT
 *
 * pending: the turns that are the process's already and that its image does not have yet. Private to the folder.
 *
 *   image --turn--turn--turn--> what the worker has
 *        |<---- pending ---->|
 *
 * Copying what a turn changed into the image costs as much as the turn when the turn is short, and the next one changes
 * mostly the same pages. So the image follows after a few turns. Meanwhile the worker's memory is ahead of it, and nothing
 * is lost when that memory is: the turns are taken again, from the image, and come to the same.
 *
 * How far it may be behind is bounded by turns, gas and bytes, so that taking them again is a matter of
 * milliseconds; and after a failure by one turn, then two, and so on: a process whose turns fail all the time pays for each
 * once.
 */
#ifndef WEFT_READER_WASM_PENDING_H
#define WEFT_READER_WASM_PENDING_H

#include "base/bytes.h"

enum { PENDING_TURNS_MAX = 64, PENDING_BYTES_MAX = 4 << 20 };
#define PENDING_GAS_MAX ((uint64_t)200000000)

struct pending_turn {
	uint64_t gas_limit;
	size_t message, message_len, environment, environment_len; /* of the text */
};

/* {0} is none. */
struct pending {
	struct pending_turn turns[PENDING_TURNS_MAX + 1]; /* the one at `count` is under way */
	size_t count, most;                               /* most: as many may be behind; 0: PENDING_TURNS_MAX */
	bool failed;
	size_t end;             /* of the text of those that count */
	uint64_t gas, gas_last; /* of all, and of the newest */
	struct buf text;
};

/* pending_begin copies what a turn is about to be given. */
void pending_begin(struct pending *p, struct bytes message, struct bytes environment, uint64_t gas_limit);
/* pending_message and pending_environment are what turn k was given; valid until the next pending_begin. */
struct bytes pending_message(const struct pending *p, size_t k);
struct bytes pending_environment(const struct pending *p, size_t k);
/* pending_add makes that turn one of them. True: the image should follow now. */
bool pending_add(struct pending *p, uint64_t gas_used);
/* pending_room tells whether the image may stay behind once the turn under way is one of them too, for all that can be said before it
 * has ended. */
bool pending_room(const struct pending *p);
/* pending_settled: the image has them all. pending_failed: they had to be taken again. */
void pending_settled(struct pending *p);
void pending_failed(struct pending *p);
void pending_release(struct pending *p);

#endif
