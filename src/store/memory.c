/* SPDX-License-Identifier: MIT
 *
 * memory: a store that ends with the process. Batches apply at once; their `done`s are
 * called by a thread of the store, as everywhere.
 */
#include "store/backend.h"
#include "store/memtable.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct memory_blob {
	struct id hash;
	struct bytes bytes;
	UT_hash_handle hh;
};

struct memory_store {
	struct store store;
	pthread_rwlock_t lock;
	struct memtable table;
	struct memory_blob *blobs;
	struct pool *teller; /* calls the `done`s */
};

static struct memory_store *self_of(struct store *s)
{
	return (struct memory_store *)s;
}

static struct bytes full_key(uint8_t *out, unsigned table, struct bytes key)
{
	out[0] = (uint8_t)table;
	if (key.len)
		memcpy(out + 1, key.ptr, key.len);
	return bytes_of(out, key.len + 1);
}

static void memory_commit(struct store *s, struct buf ops, bool lazy, store_done *done, void *ctx)
{
	struct memory_store *m = self_of(s);
	uint8_t key[STORE_KEY_MAX + 1];
	struct op op;
	size_t at = 0;

	pthread_rwlock_wrlock(&m->lock);
	while (ops_next(buf_bytes(&ops), &at, &op)) {
		struct entry entry = {.kind = op.kind == OP_PUT ? ENTRY_INLINE : ENTRY_GONE, .value = op.value};
		memtable_set(&m->table, full_key(key, op.table, op.key), &entry);
	}
	must(at == ops.len);
	buf_release(&ops);
	tell(m->teller, done, ctx, OK); /* under the lock: in the order of the batches */
	pthread_rwlock_unlock(&m->lock);
}

static enum err memory_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value)
{
	struct memory_store *m = self_of(s);
	uint8_t full[STORE_KEY_MAX + 1];
	const struct entry *entry;
	enum err e = E_NOT_FOUND;

	pthread_rwlock_rdlock(&m->lock);
	entry = memtable_get(&m->table, full_key(full, table, key));
	if (entry && entry->kind == ENTRY_INLINE) {
		*value = arena_copy(a, entry->value);
		e = OK;
	}
	pthread_rwlock_unlock(&m->lock);
	return e;
}

static enum err memory_scan(struct store *s, unsigned table, const struct store_range *range, store_seen *seen,
			    void *ctx)
{
	struct memory_store *m = self_of(s);
	uint8_t low_key[STORE_KEY_MAX + 1], high_key[STORE_KEY_MAX + 1];
	struct bytes low = full_key(low_key, table, range->from),
		     high = full_key(high_key, range->to.len ? table : table + 1, range->to);
	const struct mem_node *node;
	size_t left = range->limit ? range->limit : SIZE_MAX;

	pthread_rwlock_rdlock(&m->lock);
	for (node = memtable_seek(&m->table, range->backward ? high : low, range->backward); node && left;
	     node = memtable_step(&m->table, node, range->backward)) {
		struct bytes key = mem_node_key(node);
		const struct entry *entry = mem_node_entry(node);

		if (bytes_cmp(key, low) < 0 || bytes_cmp(key, high) >= 0)
			break;
		if (entry->kind != ENTRY_INLINE)
			continue;
		left--;
		if (!seen(ctx, bytes_from(key, 1), entry->value))
			break;
	}
	pthread_rwlock_unlock(&m->lock);
	return OK;
}

static struct memory_blob *find_blob(struct memory_store *m, struct id hash)
{
	struct memory_blob *blob;

	HASH_FIND(hh, m->blobs, &hash, sizeof(hash), blob);
	return blob;
}

static enum err memory_blob_put(struct store *s, struct id hash, struct bytes bytes)
{
	struct memory_store *m = self_of(s);
	struct memory_blob *blob = calloc(1, sizeof(*blob));
	uint8_t *copy = malloc(bytes.len + 1);

	must(blob && copy);
	if (bytes.len)
		memcpy(copy, bytes.ptr, bytes.len);
	blob->hash = hash;
	blob->bytes = bytes_of(copy, bytes.len);
	pthread_rwlock_wrlock(&m->lock);
	if (find_blob(m, hash)) {
		free(copy);
		free(blob);
	} else {
		HASH_ADD(hh, m->blobs, hash, sizeof(hash), blob);
	}
	pthread_rwlock_unlock(&m->lock);
	return OK;
}

static enum err memory_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes)
{
	struct memory_store *m = self_of(s);
	struct memory_blob *blob;

	pthread_rwlock_rdlock(&m->lock);
	blob = find_blob(m, hash);
	if (blob)
		*bytes = arena_copy(a, blob->bytes);
	pthread_rwlock_unlock(&m->lock);
	return blob ? OK : E_NOT_FOUND;
}

static enum err memory_blob_open(struct store *s, struct id hash, int *fd)
{
	(void)s, (void)hash, (void)fd;
	return E_UNSUPPORTED;
}

static bool memory_blob_has(struct store *s, struct id hash)
{
	struct memory_store *m = self_of(s);
	bool has;

	pthread_rwlock_rdlock(&m->lock);
	has = find_blob(m, hash) != NULL;
	pthread_rwlock_unlock(&m->lock);
	return has;
}

static void blob_free(struct memory_store *m, struct memory_blob *blob)
{
	HASH_DEL(m->blobs, blob);
	free((void *)(uintptr_t)blob->bytes.ptr);
	free(blob);
}

static void memory_blob_del(struct store *s, struct id hash)
{
	struct memory_store *m = self_of(s);
	struct memory_blob *blob;

	pthread_rwlock_wrlock(&m->lock);
	blob = find_blob(m, hash);
	if (blob)
		blob_free(m, blob);
	pthread_rwlock_unlock(&m->lock);
}

static void memory_close(struct store *s)
{
	struct memory_store *m = self_of(s);
	struct memory_blob *blob, *next;

	pool_close(m->teller);
	HASH_ITER(hh, m->blobs, blob, next)
	blob_free(m, blob);
	memtable_release(&m->table);
	pthread_rwlock_destroy(&m->lock);
	free(m);
}

static const struct backend memory_backend = {
	.close = memory_close,
	.commit = memory_commit,
	.get = memory_get,
	.scan = memory_scan,
	.blob_put = memory_blob_put,
	.blob_get = memory_blob_get,
	.blob_open = memory_blob_open,
	.blob_has = memory_blob_has,
	.blob_del = memory_blob_del,
};

struct store *store_open_memory(void)
{
	struct memory_store *m = calloc(1, sizeof(*m));

	must(m != NULL && pthread_rwlock_init(&m->lock, NULL) == 0);
	m->store.backend = &memory_backend;
	memtable_init(&m->table);
	m->teller = pool_open("memory-store", 1, 1);
	return &m->store;
}
