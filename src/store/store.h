/* SPDX-License-Identifier: MIT
 *
 * store: what must still be there tomorrow.
 *
 * A store holds tables, each an ordered set of (key, value), and blobs, named by their SHA-256.
 * All writing is done in batches: a batch is applied whole or not at all, and once `done` has
 * been called with OK it survives kill -9 and power loss. Batches of all callers that wait at the same
 * moment are made durable together, by one fdatasync (group commit). They apply in the order in
 * which they were committed. What a batch wrote is seen by reads that begin after its `done`.
 *
 * Nothing here knows what a key means. Users build keys that order as they want to read:
 * fixed-width big-endian numbers after a fixed-width prefix.
 *
 * Back-ends: `local` (a directory: segment log, LMDB index, blob files; segment.h and local.c have the
 * formats), `memory` (for tests and throw-away networks), `faulty` (any other, with failures on
 * purpose). One contract suite, store_test.c, runs over all.
 *
 * Errors: E_NOT_FOUND for a key or blob that is not there, E_IO when the disk refuses (the store
 * then refuses all further writes: what was answered OK is durable, what was answered E_IO may be there or not
 * after a restart), E_CORRUPT when stored bytes are not what was written. Keys and values past the limits
 * are a bug of the caller.
 */
#ifndef WEFT_STORE_STORE_H
#define WEFT_STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"

enum { STORE_KEY_MAX = 480, STORE_TABLE_MAX = 64 };
#define STORE_VALUE_MAX ((size_t)1 << 30)

struct store;

/* ---- life ---- */

/* store_open_local opens or makes the directory, whose parent exists. E_BUSY names the process that has it open;
 * E_CORRUPT names the file and offset. A torn end of the log (a crash in the middle of a write) is cut off: it was
 * never acknowledged. */
must_use enum err store_open_local(struct store **out, const char *directory, struct log *log, struct note *note);
struct store *store_open_memory(void);
/* store_open_faulty owns `inner`. Each write fails with E_IO once `writes_left` reaches 0. */
struct store *store_open_faulty(struct store *inner, uint64_t writes_left);
/* store_close waits for what was committed. */
void store_close(struct store *s);

/* ---- writing ---- */

struct store_batch {
	struct buf ops; /* in the form of the log's record body */
	size_t count;
};

#define STORE_BATCH_EMPTY ((struct store_batch){BUF_EMPTY, 0})

/* table is a small number chosen by the user of the store, below STORE_TABLE_MAX. Key and value are copied. */
void store_put(struct store_batch *b, unsigned table, struct bytes key, struct bytes value);
void store_del(struct store_batch *b, unsigned table, struct bytes key);
void store_batch_release(struct store_batch *b);

typedef void store_done(void *ctx, enum err e);
/* store_commit takes the batch's content over (the batch is empty afterwards) and calls `done`, which may be
 * NULL, on the store's thread, never inside this call: it must not block. */
void store_commit(struct store *s, struct store_batch *b, store_done *done, void *ctx);
must_use enum err store_commit_wait(struct store *s, struct store_batch *b);
/* store_commit_lazy is for what a power cut may undo, such as a note that something is done which would only be done again. Order
 * and reads are those of store_commit, and kill -9 changes nothing about it; but when `done` says OK the batch is only seen
 * by reads, and becomes durable with the next that is not lazy, or within seconds. */
void store_commit_lazy(struct store *s, struct store_batch *b, store_done *done, void *ctx);
must_use enum err store_commit_lazy_wait(struct store *s, struct store_batch *b);

/* ---- reading ---- */

/* store_get copies the value into `a`. */
must_use enum err store_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value);
bool store_has(struct store *s, unsigned table, struct bytes key);

/* Return false to stop. Key and value are valid during the call. No store call may be made inside. */
typedef bool store_seen(void *ctx, struct bytes key, struct bytes value);

/* store_scan walks the keys in [from, to), upward or downward; an empty `to` is no bound. It sees one moment of
 * the store. */
struct store_range {
	struct bytes from, to;
	bool backward;
	size_t limit; /* 0: none */
};
must_use enum err store_scan(struct store *s, unsigned table, const struct store_range *range, store_seen *seen,
			     void *ctx);
/* store_prefix_end writes into `out` (as long as the prefix) the first key after all with this prefix; empty
 * when there is none. */
struct bytes store_prefix_end(uint8_t *out, struct bytes prefix);

/* ---- blobs ---- */

/* store_blob_put writes the bytes, durable when it returns; the same bytes twice are one blob. It blocks. */
must_use enum err store_blob_put(struct store *s, struct id *hash, struct bytes bytes);
/* store_blob_get copies into `a` and checks the hash. */
must_use enum err store_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes);
/* store_blob_open gives a descriptor, the caller's to close, of the file that holds the blob, so that it can be sent without a
 * copy. Its hash is not checked. E_UNSUPPORTED: this store keeps blobs elsewhere, use store_blob_get. */
must_use enum err store_blob_open(struct store *s, struct id hash, int *fd);
bool store_blob_has(struct store *s, struct id hash);
void store_blob_del(struct store *s, struct id hash);

#endif
