/* SPDX-License-Identifier: MIT
 *
 * flow: the first header to read. How a message moves, the nouns it meets in that
 * order, and the three ports through which the units call each other.
 *
 *        signed message (ANS-104 data item)
 *              |  POST /
 *              v
 *         +--------+    schedule    +--------+  append, sync  +--------+
 *    +--->|   mu   |--------------->|   su   |--------------->|  log   |  nonce n, hash chain
 *    |    +--------+                +--------+                +--------+
 *    |         | result of n?           | page of assignments     | upload
 *    |         v                        v                         v
 *    |    +------------------------------------+    keep     +--------------------------+
 *    +----|                 cu                 |------------>| store     weave          |
 *  outbox +------------------------------------+             +--------------------------+
 *                  |  turn        ^  outcome
 *                  v              |
 *         reader (module format) -> engine
 *
 * Nouns: an *item* is the signed bytes (msg/item.h). Scheduled, it gets an *assignment*:
 * its one place (epoch, nonce) in the history of a *process*. The CU takes a *turn* for it
 * and keeps a *result*; the messages, spawns and assignments in a result are the process's
 * *outbox*, which the MU signs and sends, back to the start.
 *
 * Ports are small structs of functions. The unit itself offers one in-process (su_port,
 * cu_port, weave_port); flow/http_*.h makes the same port out of a URL. A unit never knows
 * which it holds: that is what makes one machine or three.
 *
 * Rules of every port call:
 *   - it returns at once and calls `done` exactly once, before or after returning, on any thread;
 *   - what it borrows (items, texts) must stay valid until `done` is called;
 *   - what `done` is given is valid only during that call: copy what is kept;
 *   - `done` must not block: hand longer work to a pool of your own;
 *   - an error comes with a note that names the cause in words for a stranger.
 * flow/wait.h turns a call into a blocking one for threads that may wait.
 */
#ifndef WEFT_FLOW_FLOW_H
#define WEFT_FLOW_FLOW_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "msg/tags.h"

/* ---- nouns ---- */

/* A message as the units show it to each other (ao-units 3.7): what the SU's JSON says,
 * whether it came as JSON or was read from the item itself. Texts are UTF-8. */
struct message {
	struct bytes id;            /* 43 characters */
	struct bytes signature;     /* base64url; empty when unknown */
	struct bytes owner_address; /* base64url of sha256(owner key) */
	struct bytes owner_key;     /* the raw public key; empty when unknown */
	struct bytes target;        /* base64url, or empty */
	struct bytes anchor;        /* the anchor's bytes as text */
	bool has_anchor;            /* false: null in JSON (absent, or not UTF-8) */
	struct tags tags;
	struct bytes data; /* lossy UTF-8 where the item's data is binary */
	bool has_data;
	struct bytes item; /* the signed original, when at hand; else empty */
};

/* One link of a process's history (ao-units 2.6, 3.5). */
struct assignment {
	struct bytes id;
	struct bytes signature, owner_address, owner_key;
	struct tags tags;
	struct id process;
	uint64_t epoch;
	uint64_t nonce;
	struct id hash_chain;
	bool has_hash_chain;
	uint64_t block_height;
	uint64_t timestamp_ms;
	struct bytes message_id;       /* the Message tag; empty on the process's own assignment */
	const struct message *message; /* NULL: only assigned; the message is on the weave */
	struct bytes item;             /* the signed original, when at hand; else empty */
};

/* Assignments of one process by rising nonce. */
struct page {
	const struct assignment *list;
	size_t count;
	bool more; /* the history goes on after the last */
};

struct process_info {
	struct message message; /* the process item; target may be empty */
	uint64_t block_height;
	uint64_t timestamp_ms;
};

/* What a unit says when it has taken a message: its id (for assign: the assignment's)
 * and the time of the answer. */
struct receipt {
	struct bytes id;
	uint64_t timestamp_ms;
	uint64_t nonce; /* 0 when the peer did not say */
};

/* ---- port: scheduler (the SU) ---- */

typedef void schedule_done(void *ctx, enum err e, const struct note *note, const struct receipt *receipt);
typedef void assignment_done(void *ctx, enum err e, const struct note *note, const struct assignment *assignment);
typedef void page_done(void *ctx, enum err e, const struct note *note, const struct page *page);
typedef void process_done(void *ctx, enum err e, const struct note *note, const struct process_info *process);
typedef void now_done(void *ctx, enum err e, const struct note *note, uint64_t timestamp_ms, uint64_t block_height);

/* Which assignments: after < nonce <= last. `after` of -1 starts with the process itself. */
struct range {
	int64_t nonce_after;
	uint64_t nonce_last; /* UINT64_MAX: no bound */
	size_t limit;
};

struct assign {
	struct id process;
	struct bytes message; /* 43 characters: what is to be assigned */
	bool base_layer;
	struct bytes exclude; /* comma-separated field names, or empty */
};

struct scheduler {
	void *self;
	/* schedule gives a process, or a message for a process, its place. Answered only when durable. */
	void (*schedule)(void *self, struct bytes item, schedule_done *done, void *ctx);
	void (*assign)(void *self, const struct assign *assign, schedule_done *done, void *ctx);
	/* assignment finds the one of a message id or an assignment id. */
	void (*assignment)(void *self, struct id process, struct bytes id, assignment_done *done, void *ctx);
	void (*page)(void *self, struct id process, struct range range, page_done *done, void *ctx);
	void (*process)(void *self, struct id process, process_done *done, void *ctx);
	void (*now)(void *self, struct id process, now_done *done, void *ctx);
};

/* ---- port: computer (the CU) ---- */

/* `result` is the JSON of ao-units 5.2: {"Messages":[],"Assignments":[],"Spawns":[],"Output":...,"GasUsed":n}
 * with "Error" when the guest failed: that is still OK. */
typedef void result_done(void *ctx, enum err e, const struct note *note, struct bytes result);

struct computer {
	void *self;
	/* result evaluates the process up to a message (by message or assignment id) and answers its result. */
	void (*result)(void *self, struct id process, struct bytes id, result_done *done, void *ctx);
	/* dry_run evaluates `message` (the JSON of ao-units 5.6) on a private view; nothing is kept. */
	void (*dry_run)(void *self, struct id process, struct bytes message, result_done *done, void *ctx);
	/* cron answers the JSON page of ao-units 5.4 of cron results after `cursor` (empty: from the start). */
	void (*cron)(void *self, struct id process, struct bytes cursor, result_done *done, void *ctx);
};

/* ---- port: weave (the data layer) ---- */

/* What the weave's index knows of a transaction or item (weave 4.3). The key is raw bytes, empty when it is not known;
 * the other texts are base64url. */
struct weave_meta {
	struct bytes id, signature, owner_address, owner_key, recipient, anchor;
	struct tags tags;
	uint64_t block_height, block_timestamp; /* 0 while pending; the timestamp in seconds */
	bool mined;
	uint64_t data_size;
};

struct weave_block {
	struct bytes id;
	uint64_t height;
	uint64_t timestamp; /* seconds */
};

struct weave_tag_filter {
	struct bytes name;
	const struct bytes *values;
	size_t value_count;
};

struct weave_query {
	const struct bytes *ids, *owners;
	size_t id_count, owner_count;
	const struct weave_tag_filter *tags;
	size_t tag_count;
	size_t first;      /* at most this many */
	bool oldest_first; /* default: newest first */
};

typedef void weave_put_done(void *ctx, enum err e, const struct note *note, struct bytes id);
typedef void weave_find_done(void *ctx, enum err e, const struct note *note, const struct weave_meta *list,
			     size_t count);
typedef void weave_data_done(void *ctx, enum err e, const struct note *note, struct bytes data);
typedef void weave_height_done(void *ctx, enum err e, const struct note *note, uint64_t height);
typedef void weave_blocks_done(void *ctx, enum err e, const struct note *note, const struct weave_block *list,
			       size_t count);
typedef void weave_status_done(void *ctx, enum err e, const struct note *note, uint64_t confirmations);

struct weave {
	void *self;
	/* put uploads a signed item (or a bundle item); OK when the weave has it durably. */
	void (*put)(void *self, struct bytes item, weave_put_done *done, void *ctx);
	/* find asks the index; count 0 is not an error. */
	void (*find)(void *self, const struct weave_query *query, weave_find_done *done, void *ctx);
	/* data is the payload of an item or transaction, whole. */
	void (*data)(void *self, struct bytes id, weave_data_done *done, void *ctx);
	void (*height)(void *self, weave_height_done *done, void *ctx);
	/* blocks lists from height `height_first` upward, at most `limit`. */
	void (*blocks)(void *self, uint64_t height_first, size_t limit, weave_blocks_done *done, void *ctx);
	void (*status)(void *self, struct bytes id, weave_status_done *done, void *ctx);
	/* transaction and block are what a node says of them, in JSON (weave 1.1, 1.11); of an item too, in the same shape. */
	void (*transaction)(void *self, struct bytes id, weave_data_done *done, void *ctx);
	void (*block)(void *self, uint64_t height, weave_data_done *done, void *ctx);
};

#endif
