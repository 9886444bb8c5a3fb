/* SPDX-License-Identifier: MIT
 *
 * fan: an outbox becomes tasks, in the one moment in which its source ends. Private to mu.
 *
 *   table   key                  value
 *   FAN     first sequence 8     how many 8 (big-endian): numbers of an outbox that is not whole yet
 *
 * Items are made and signed here, once; from then on they are what they are. Small outboxes are
 * one batch together with the end of their source. A large one is written in pieces, because
 * the store reads a value by checking all of the batch that it came in: the first piece says
 * which numbers it is about, the last one takes that back, together with the end of the source.
 * What is found unfinished at the next start is taken out again, and its source, which is still
 * there, makes it anew. Nothing of it was sent.
 */
#ifndef WEFT_MU_FAN_H
#define WEFT_MU_FAN_H

#include "mu/facts.h"
#include "mu/outbox.h"

struct fan;
struct mu;

struct fan_source {
	struct id process; /* that sends */
	struct id root, parent, wallet;
	struct id seed; /* what is answered: build.h */
};

struct fan *fan_new(struct mu *mu);
/* fan_out adds the tasks, items and traces of an outbox; what cannot be sent gets a trace only. */
void fan_out(struct fan *f, const struct fan_source *source, const struct facts *facts, const struct outbox *outbox);
/* fan_end is the batch that makes all of it valid, to be committed once with fan_start, or a
 * done that calls it. The caller adds what ends the source. */
struct store_batch *fan_end(struct fan *f);
/* fan_start hands the tasks to the crank, and frees. It is a store_done whose ctx is the fan. */
void fan_start(void *ctx, enum err e);
/* fan_undo takes out of the store what an earlier run did not finish. */
must_use enum err fan_undo(struct mu *mu);

#endif
