/* SPDX-License-Identifier: MIT
 *
 * backend: the seam between the store's users and its kinds. Private to the folder.
 *
 * A store is a struct whose first member is this table of functions. Batches arrive as
 * the bytes of their operations:
 *
 *   operation = u8 kind (1 put, 2 del), u8 table, u16 key length, u32 value length, key, value
 *
 * all little endian, one after the other. ops_next walks them.
 */
#ifndef WEFT_STORE_BACKEND_H
#define WEFT_STORE_BACKEND_H

#include "base/pool.h"
#include "store/store.h"

enum { OP_PUT = 1, OP_DEL = 2, OP_HEADER = 8 };

struct backend {
	void (*close)(struct store *s);
	/* takes ops over; lazy: as store_commit_lazy */
	void (*commit)(struct store *s, struct buf ops, bool lazy, store_done *done, void *ctx);
	enum err (*get)(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value);
	enum err (*scan)(struct store *s, unsigned table, const struct store_range *range, store_seen *seen, void *ctx);
	enum err (*blob_put)(struct store *s, struct id hash, struct bytes bytes);
	enum err (*blob_get)(struct store *s, struct id hash, struct arena *a, struct bytes *bytes);
	enum err (*blob_open)(struct store *s, struct id hash, int *fd);
	bool (*blob_has)(struct store *s, struct id hash);
	void (*blob_del)(struct store *s, struct id hash);
};

struct store {
	const struct backend *backend;
};

struct op {
	int kind;
	unsigned table;
	struct bytes key, value;
	size_t value_at; /* offset of the value in the ops */
};

/* ops_next reads the operation at *at and moves on; false at the end or when the bytes are no operation (then
 * *at is not the end). */
bool ops_next(struct bytes ops, size_t *at, struct op *out);

/* tell calls done(ctx, e) on the teller's thread: a `done` never runs inside store_commit, whose caller may hold a
 * lock that it needs. `done` may be NULL. */
void tell(struct pool *teller, store_done *done, void *ctx, enum err e);

#endif
