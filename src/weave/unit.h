/* SPDX-License-Identifier: MIT
 *
 * unit: what the files of the local weave share. Private to the folder.
 */
#ifndef WEFT_WEAVE_UNIT_H
#define WEFT_WEAVE_UNIT_H

#include "base/log.h"
#include "http/http.h"
#include "weave/chain.h"

#include <stdatomic.h>

struct key;

struct local_weave {
	struct store *store;
	const struct key *key;
	struct log *log;
	uint64_t block_ms;
	struct chain *chain;
	struct pool *pool;   /* does what callers in this process ask for, and signs receipts */
	struct timer *timer; /* makes blocks */
	struct http_server *gateway, *uploader;
	uint16_t gateway_port;
	_Atomic size_t under_way; /* what pool and store have yet to answer */
};

/* What is accepted costs memory: an upload is held whole, and each row of it. */
enum {
	UPLOAD_MAX = 512 << 20,
	UPLOAD_ROWS_MAX = 20000, /* items of one bundle that can be found; bundlers stop at 10,000 */
	BUNDLE_DEPTH_MAX = 10,   /* weave 5.4 */
};

/* ---- ingest.c ---- */

struct accepted {
	struct id id;
	uint64_t received_ms, received_height; /* of the first time */
	bool again;
};

typedef void ingest_done(void *ctx, enum err e, const struct note *note, const struct accepted *accepted);

/* ingest_transaction does for the JSON of a transaction of layer 1 (weave/transaction.h) what
 * ingest_item does for an item; E_UNSUPPORTED for those that are not taken. */
void ingest_transaction(struct local_weave *w, struct bytes json, ingest_done *done, void *ctx);

/* ingest_item checks an item on the calling thread and opens it when it is a bundle: what is in it
 * and verifies can be found too, what does not is skipped. `done` is called when all is durable,
 * on the store's thread, or at once on an error: E_FORMAT, E_SIGNATURE, E_LIMIT, E_IO. The same
 * item again is no error. */
void ingest_item(struct local_weave *w, struct bytes raw, ingest_done *done, void *ctx);

#endif
