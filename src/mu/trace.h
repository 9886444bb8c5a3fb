/* SPDX-License-Identifier: MIT
 *
 * trace: "where did my message go?" (ao-units 4.10). Private to mu.
 *
 *   table   key                       value
 *   TRACE   sequence 8                trace, below
 *   LINK    id 32, kind 1, sequence 8 nothing: finds traces by message, by process, by what caused them
 *
 * A trace: version 1, type 1, length of the ip 1, time in ms 8 (little endian), the ids
 * message, assigned, process, from, parent, root and wallet, 32 each, the ip, and the rest is
 * what went wrong.
 *
 * Everything that was taken from a client or found in an outbox has one, under the number of
 * its task, from when it became durable; an outbox entry that could not be sent has one that
 * says why. The newest `traces_max` are kept. They are also how the unit knows that it has had
 * a message before.
 */
#ifndef WEFT_MU_TRACE_H
#define WEFT_MU_TRACE_H

#include "base/json.h"
#include "store/store.h"

enum trace_type { TRACE_MESSAGE = 1, TRACE_SPAWN, TRACE_ASSIGN, TRACE_PROCESS };

struct trace {
	enum trace_type type;
	uint64_t time_ms;
	struct id message;  /* of an assign the assignment; zero: none yet, or it never got one */
	struct id assigned; /* of an assign: what was assigned */
	struct id process;  /* whom it is for */
	struct id from;     /* zero: a client */
	struct id parent, root, wallet;
	struct bytes ip;
	struct bytes error;
};

void trace_put(struct store_batch *b, uint64_t seq, const struct trace *t);
/* trace_assigned adds to the trace of an assign the assignment that it became. */
void trace_assigned(struct store_batch *b, struct store *s, uint64_t seq, struct id assignment);
/* trace_forget adds to the batch that the trace goes, as if the message had never been here. */
void trace_forget(struct store_batch *b, struct store *s, uint64_t seq);
/* trace_error adds to the batch what went wrong with the message, if it still has a trace; an
 * empty text takes it back. */
void trace_error(struct store_batch *b, struct store *s, uint64_t seq, struct bytes error);
/* trace_find: whether this message of this process has a trace. */
bool trace_find(struct store *s, struct id message, struct id process, uint64_t *seq);
/* trace_spawned: whether `process` is one that was spawned or posted here. */
bool trace_spawned(struct store *s, struct id process);
/* trace_sweep adds to the batch the dropping of up to `limit` traces whose number is below
 * `seq_first`. */
must_use enum err trace_sweep(struct store_batch *b, struct store *s, uint64_t seq_first, size_t limit);

struct trace_ask {
	bool has_process;
	struct id process;
	struct bytes message; /* an id, or a part of one; empty: all of the process */
	enum trace_type type;
	size_t page, page_size; /* page 1 is the first */
};

enum { TRACE_PAGE_MAX = 1000 };

/* trace_page writes {"pageInfo":{"hasNextPage"},"edges":[{"node":{...},"cursor"}]}: the traces
 * asked for, newest first; of one message also what led to it and what came of it. */
must_use enum err trace_page(struct buf *out, struct store *s, const struct trace_ask *ask);

/* id_or_null writes a member: the id as text, or null when it is zero. */
void id_or_null(struct jw *w, const char *key, struct id id);

#endif
