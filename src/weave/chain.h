/* SPDX-License-Identifier: MIT
 *
 * chain: the one writer of a local weave. It gives what was accepted its sequence, and
 * closes blocks over it. Private to the folder.
 *
 *   rows:    .. 41 42 43 44 45 | 46 47 48 | 49 50         (sequence)
 *   blocks:         height 7   | height 8 | pending
 *
 * All numbers are given and all batches committed under one lock, and the store applies batches in
 * the order of their commits, so a block is never durable before what it closes over, and there
 * are no holes. Waiting for the disk is outside the lock: many appends share one sync.
 *
 * A block's id is SHA-384("weave-block", nonce of the chain, height, previous id, timestamp,
 * SHA-384 of the ids of its uploads); numbers 8 bytes little endian. Timestamps never step back.
 */
#ifndef WEFT_WEAVE_CHAIN_H
#define WEFT_WEAVE_CHAIN_H

#include "base/log.h"
#include "weave/record.h"

struct chain;

/* chain_open goes on where the store ends; in an empty store it makes the first block, height 0. */
must_use enum err chain_open(struct chain **out, struct store *store, struct log *log, struct note *note);
/* chain_tip is the newest durable block. */
struct block chain_tip(struct chain *c);
/* chain_nonce tells this weave from any other. */
struct id chain_nonce(const struct chain *c);

/* One upload: its rows (the upload's own first) and where its bytes are. */
struct upload {
	struct record *list; /* sequences are set here */
	size_t count;
	struct bytes bytes; /* when blob is zero */
	struct id blob;
};

/* `again`: the upload was here before; nothing was written. */
typedef void append_done(void *ctx, enum err e, bool again);
/* chain_append writes the rows whose ids are new. `done` is called once, when the upload is
 * durable, on the store's thread: it must not block. `upload` is needed only during the call. */
void chain_append(struct chain *c, const struct upload *upload, append_done *done, void *ctx);

/* chain_tick makes a block, unless the last one is not durable yet. It does not wait. */
void chain_tick(struct chain *c);
/* chain_mine makes a block and waits until it is durable. */
must_use enum err chain_mine(struct chain *c);
/* chain_close waits for what was appended, and frees. */
void chain_close(struct chain *c);

#endif
