/* SPDX-License-Identifier: MIT
 *
 * faulty: another store, on a disk that fails. Reads go on; from a chosen write on,
 * every write is refused, as after a full or broken disk.
 */
#include "store/backend.h"

#include <stdatomic.h>
#include <stdlib.h>

struct faulty_store {
	struct store store;
	struct store *inner;
	atomic_llong writes_left;
	struct pool *teller; /* calls the `done`s of what was refused */
};

static struct faulty_store *self_of(struct store *s)
{
	return (struct faulty_store *)s;
}

static bool fails(struct faulty_store *f)
{
	return atomic_fetch_sub(&f->writes_left, 1) <= 0;
}

static void faulty_close(struct store *s)
{
	store_close(self_of(s)->inner);
	pool_close(self_of(s)->teller);
	free(s);
}

static void faulty_commit(struct store *s, struct buf ops, bool lazy, store_done *done, void *ctx)
{
	struct faulty_store *f = self_of(s);

	if (!fails(f)) {
		f->inner->backend->commit(f->inner, ops, lazy, done, ctx);
		return;
	}
	buf_release(&ops);
	tell(f->teller, done, ctx, E_IO);
}

static enum err faulty_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value)
{
	struct store *inner = self_of(s)->inner;

	return inner->backend->get(inner, table, key, a, value);
}

static enum err faulty_scan(struct store *s, unsigned table, const struct store_range *range, store_seen *seen,
			    void *ctx)
{
	struct store *inner = self_of(s)->inner;

	return inner->backend->scan(inner, table, range, seen, ctx);
}

static enum err faulty_blob_put(struct store *s, struct id hash, struct bytes bytes)
{
	struct faulty_store *f = self_of(s);

	return fails(f) ? E_IO : f->inner->backend->blob_put(f->inner, hash, bytes);
}

static enum err faulty_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes)
{
	struct store *inner = self_of(s)->inner;

	return inner->backend->blob_get(inner, hash, a, bytes);
}

static enum err faulty_blob_open(struct store *s, struct id hash, int *fd)
{
	struct store *inner = self_of(s)->inner;

	return inner->backend->blob_open(inner, hash, fd);
}

static bool faulty_blob_has(struct store *s, struct id hash)
{
	struct store *inner = self_of(s)->inner;

	return inner->backend->blob_has(inner, hash);
}

static void faulty_blob_del(struct store *s, struct id hash)
{
	struct store *inner = self_of(s)->inner;

	inner->backend->blob_del(inner, hash);
}

static const struct backend faulty_backend = {
	.close = faulty_close,
	.commit = faulty_commit,
	.get = faulty_get,
	.scan = faulty_scan,
	.blob_put = faulty_blob_put,
	.blob_get = faulty_blob_get,
	.blob_open = faulty_blob_open,
	.blob_has = faulty_blob_has,
	.blob_del = faulty_blob_del,
};

struct store *store_open_faulty(struct store *inner, uint64_t writes_left)
{
	struct faulty_store *f = calloc(1, sizeof(*f));

	must(f != NULL);
	f->store.backend = &faulty_backend;
	f->inner = inner;
	f->teller = pool_open("faulty-store", 1, 1);
	atomic_init(&f->writes_left, (long long)writes_left);
	return &f->store;
}
