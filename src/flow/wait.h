/* SPDX-License-Identifier: MIT
 *
 * wait: the blocking form of the port calls, for threads that may wait (a
 * pool's job, a test, the command line). Everything that comes back is copied into
 * the arena `a` and lives as long as that. Never call these inside a `done`.
 */
#ifndef WEFT_FLOW_WAIT_H
#define WEFT_FLOW_WAIT_H

#include "flow/flow.h"

#include <pthread.h>

/* One call in flight: what came back, and whether it has. */
struct wait {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	enum err e;
	struct note *note;
	struct arena *arena;
	void *out;     /* what the call answers with, by its own type */
	size_t *count; /* of a list */
};

/* receipt->id is 43 characters in `a`. */
must_use enum err schedule_wait(const struct scheduler *s, struct arena *a, struct bytes item, struct receipt *receipt,
				struct note *note);
must_use enum err assign_wait(const struct scheduler *s, struct arena *a, const struct assign *assign,
			      struct receipt *receipt, struct note *note);
must_use enum err assignment_wait(const struct scheduler *s, struct arena *a, struct id process, struct bytes id,
				  struct assignment *out, struct note *note);
must_use enum err page_wait(const struct scheduler *s, struct arena *a, struct id process, struct range range,
			    struct page *out, struct note *note);
/* page_begin and page_end are its halves, for who has something to do meanwhile. *w, *a, *out and *note are not to be touched
 * between them. */
void page_begin(struct wait *w, const struct scheduler *s, struct arena *a, struct id process, struct range range,
		struct page *out, struct note *note);
must_use enum err page_end(struct wait *w);
must_use enum err process_wait(const struct scheduler *s, struct arena *a, struct id process, struct process_info *out,
			       struct note *note);
must_use enum err now_wait(const struct scheduler *s, struct id process, uint64_t *timestamp_ms, uint64_t *block_height,
			   struct note *note);

must_use enum err result_wait(const struct computer *c, struct arena *a, struct id process, struct bytes id,
			      struct bytes *result, struct note *note);
must_use enum err dry_run_wait(const struct computer *c, struct arena *a, struct id process, struct bytes message,
			       struct bytes *result, struct note *note);

must_use enum err weave_put_wait(const struct weave *w, struct bytes item, struct note *note);
/* weave_find_wait: *list is in `a`. */
must_use enum err weave_find_wait(const struct weave *w, struct arena *a, const struct weave_query *query,
				  const struct weave_meta **list, size_t *count, struct note *note);
/* weave_meta_wait finds one id; E_NOT_FOUND when the weave does not know it. */
must_use enum err weave_meta_wait(const struct weave *w, struct arena *a, struct bytes id, struct weave_meta *out,
				  struct note *note);
must_use enum err weave_data_wait(const struct weave *w, struct arena *a, struct bytes id, struct bytes *data,
				  struct note *note);
must_use enum err weave_height_wait(const struct weave *w, uint64_t *height, struct note *note);
must_use enum err weave_blocks_wait(const struct weave *w, struct arena *a, uint64_t height_first, size_t limit,
				    const struct weave_block **list, size_t *count, struct note *note);
must_use enum err weave_status_wait(const struct weave *w, struct bytes id, uint64_t *confirmations, struct note *note);
must_use enum err weave_transaction_wait(const struct weave *w, struct arena *a, struct bytes id, struct bytes *json,
					 struct note *note);
must_use enum err weave_block_wait(const struct weave *w, struct arena *a, uint64_t height, struct bytes *json,
				   struct note *note);

#endif
