/* SPDX-License-Identifier: MIT
 *
 * location: where a scheduler says on the weave that it listens (ao-units 2.8).
 *
 *   Data-Protocol: ao, Variant: ao.TN.1, Type: Scheduler-Location, Url: ..., Time-To-Live: ms
 *
 * It is an item of the scheduler's key (own_item.h), which is put as soon as the weave takes it. On the weave of a
 * network of its own it may stand in for schedulers of other networks (weave/local.h), which are in tags Stands-For.
 */
#ifndef WEFT_NODE_LOCATION_H
#define WEFT_NODE_LOCATION_H

#include "base/log.h"
#include "flow/flow.h"
#include "msg/key.h"

/* `stands_for` lists addresses, with commas and perhaps blanks between, or is empty. */
struct location {
	struct bytes url, stands_for;
	uint64_t time_to_live_ms;
};

struct location_keeper;

/* location_keep puts it on a thread of its own, again and again until it is there. It waits for that, but only for a moment.
 * All that it is given is borrowed. location_leave ends the trying; what is on the weave stays. */
struct location_keeper *location_keep(const struct weave *weave, const struct key *key, const struct location *location,
				      struct log *log);
void location_leave(struct location_keeper *k);

#endif
