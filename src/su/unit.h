/* SPDX-License-Identifier: MIT
 *
 * unit: what the files of su share. Private to the folder.
 */
#ifndef WEFT_SU_UNIT_H
#define WEFT_SU_UNIT_H

#include "base/log.h"
#include "flow/flow.h"
#include "http/http.h"
#include "su/history.h"
#include "su/upload.h"

#include <stdatomic.h>

struct su {
	struct store *store;
	struct weave weave;
	const struct key *key;
	struct log *log;
	struct heads *heads;
	struct upload *upload;
	struct pool *pool;   /* checks signatures for callers in this process */
	struct timer *timer; /* asks for the weave's height */
	struct http_server *server;
	_Atomic uint64_t block_height;
	atomic_bool height_known;  /* the weave has said it once */
	atomic_bool height_is_old; /* the weave did not answer when it was last asked */
	_Atomic size_t under_way;  /* appends that the store has not answered */
};

/* ---- su.c ---- */

/* su_height is the weave's, as it was when it last answered. E_BUSY before its first answer. */
must_use enum err su_height(const struct su *su, uint64_t *height, struct note *note);

/* ---- schedule.c ---- */

/* schedule_item and schedule_assign check on the calling thread, may wait for the weave
 * (assigns, and processes that boot from something there), and call `done` when the
 * place is durable, on the store's thread, or at once on an error. */
void schedule_item(struct su *su, struct bytes item, schedule_done *done, void *ctx);
void schedule_assign(struct su *su, const struct assign *assign, schedule_done *done, void *ctx);

/* ---- read.c ---- */

/* What a page is asked for: by nonce or by timestamp (ao-units 3.6). */
struct page_ask {
	bool by_time;
	bool has_after; /* absent: from the process itself */
	int64_t after;  /* exclusive */
	uint64_t last;  /* inclusive; UINT64_MAX: no bound */
	size_t limit;
};

must_use enum err read_assignment(struct su *su, struct arena *a, struct id process, struct bytes id,
				  struct assignment *out, struct note *note);
must_use enum err read_page(struct su *su, struct arena *a, struct id process, const struct page_ask *ask,
			    struct page *out, struct note *note);
/* read_latest is the newest assignment, which may be the process's own. */
must_use enum err read_latest(struct su *su, struct arena *a, struct id process, struct assignment *out,
			      struct note *note);
must_use enum err read_process(struct su *su, struct arena *a, struct id process, struct process_info *out,
			       struct note *note);

/* ---- api.c ---- */

extern const struct http_route su_routes[];
extern const size_t su_route_count;

#endif
