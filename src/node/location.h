/* SPDX-License-Identifier: MIT
 *
 * location: where a scheduler says on the weave that it listens (ao-units 2.8).
 *
 *   Data-Protocol: ao, Variant: ao.TN.1, Type: Scheduler-Location, Url: ..., Time-To-Live: ms
 *
 * The newest item of the scheduler's owner counts; so it is put when there is none or when the newest
 * says something else.
 */
#ifndef WEFT_NODE_LOCATION_H
#define WEFT_NODE_LOCATION_H

#include "flow/flow.h"
#include "msg/key.h"

/* location_publish blocks; *published tells whether an item was put. */
must_use enum err location_publish(const struct weave *weave, const struct key *key, struct bytes url,
				   uint64_t time_to_live_ms, bool *published, struct note *note);

#endif
