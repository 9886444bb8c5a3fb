/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "store/backend.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void put_op(struct store_batch *b, int kind, unsigned table, struct bytes key, struct bytes value)
{
	uint8_t *at;

	must(table < STORE_TABLE_MAX && key.len > 0 && key.len <= STORE_KEY_MAX && value.len <= STORE_VALUE_MAX);
	at = buf_grow(&b->ops, OP_HEADER + key.len + value.len);
	at[0] = (uint8_t)kind;
	at[1] = (uint8_t)table;
	set_u16le(at + 2, (uint16_t)key.len);
	set_u32le(at + 4, (uint32_t)value.len);
	memcpy(at + OP_HEADER, key.ptr, key.len);
	if (value.len)
		memcpy(at + OP_HEADER + key.len, value.ptr, value.len);
	b->count++;
}

void store_put(struct store_batch *b, unsigned table, struct bytes key, struct bytes value)
{
	put_op(b, OP_PUT, table, key, value);
}

void store_del(struct store_batch *b, unsigned table, struct bytes key)
{
	put_op(b, OP_DEL, table, key, bytes_of(NULL, 0));
}

void store_batch_release(struct store_batch *b)
{
	buf_release(&b->ops);
	b->count = 0;
}

bool ops_next(struct bytes ops, size_t *at, struct op *out)
{
	const uint8_t *p = ops.ptr + *at;
	size_t left = ops.len - *at, key_len, value_len;

	if (left < OP_HEADER)
		return false;
	key_len = get_u16le(p + 2);
	value_len = get_u32le(p + 4);
	if ((p[0] != OP_PUT && p[0] != OP_DEL) || p[1] >= STORE_TABLE_MAX || key_len == 0 || key_len > STORE_KEY_MAX ||
	    value_len > STORE_VALUE_MAX || left - OP_HEADER < key_len + value_len)
		return false;
	out->kind = p[0];
	out->table = p[1];
	out->key = bytes_of(p + OP_HEADER, key_len);
	out->value = bytes_of(p + OP_HEADER + key_len, value_len);
	out->value_at = *at + OP_HEADER + key_len;
	*at += OP_HEADER + key_len + value_len;
	return true;
}

struct told {
	store_done *done;
	void *ctx;
	enum err e;
};

static void run_told(void *ctx)
{
	struct told *told = ctx;

	told->done(told->ctx, told->e);
	free(told);
}

void tell(struct pool *teller, store_done *done, void *ctx, enum err e)
{
	struct told *told;

	if (!done)
		return;
	told = malloc(sizeof(*told));
	must(told != NULL);
	*told = (struct told){done, ctx, e};
	must(pool_put_always(teller, run_told, told) == OK);
}

void store_commit(struct store *s, struct store_batch *b, store_done *done, void *ctx)
{
	struct buf ops = b->ops;

	*b = STORE_BATCH_EMPTY;
	s->backend->commit(s, ops, false, done, ctx);
}

void store_commit_lazy(struct store *s, struct store_batch *b, store_done *done, void *ctx)
{
	struct buf ops = b->ops;

	*b = STORE_BATCH_EMPTY;
	s->backend->commit(s, ops, true, done, ctx);
}

struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	enum err e;
};

static void on_done(void *ctx, enum err e)
{
	struct waiting *w = ctx;

	pthread_mutex_lock(&w->lock);
	w->e = e;
	w->done = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

typedef void commit_with(struct store *s, struct store_batch *b, store_done *done, void *ctx);

static enum err wait_for(commit_with *commit, struct store *s, struct store_batch *b)
{
	struct waiting w = {0};

	must(pthread_mutex_init(&w.lock, NULL) == 0 && pthread_cond_init(&w.wake, NULL) == 0);
	commit(s, b, on_done, &w);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.wake, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_mutex_destroy(&w.lock);
	pthread_cond_destroy(&w.wake);
	return w.e;
}

enum err store_commit_wait(struct store *s, struct store_batch *b)
{
	return wait_for(store_commit, s, b);
}

enum err store_commit_lazy_wait(struct store *s, struct store_batch *b)
{
	return wait_for(store_commit_lazy, s, b);
}

enum err store_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value)
{
	if (key.len == 0 || key.len > STORE_KEY_MAX)
		return E_NOT_FOUND;
	return s->backend->get(s, table, key, a, value);
}

bool store_has(struct store *s, unsigned table, struct bytes key)
{
	struct arena a = ARENA_EMPTY;
	struct bytes value;
	bool has = store_get(s, table, key, &a, &value) == OK;

	arena_release(&a);
	return has;
}

enum err store_scan(struct store *s, unsigned table, const struct store_range *range, store_seen *seen, void *ctx)
{
	return s->backend->scan(s, table, range, seen, ctx);
}

struct bytes store_prefix_end(uint8_t *out, struct bytes prefix)
{
	memcpy(out, prefix.ptr, prefix.len);
	while (prefix.len && out[prefix.len - 1] == 0xff)
		prefix.len--;
	if (prefix.len == 0)
		return bytes_of(NULL, 0);
	out[prefix.len - 1]++;
	return bytes_of(out, prefix.len);
}

/* What is there may have been damaged since: then it is written anew. */
static bool is_there(struct store *s, struct id hash)
{
	struct arena a = ARENA_EMPTY;
	struct bytes bytes;
	bool sound = s->backend->blob_has(s, hash) && store_blob_get(s, hash, &a, &bytes) == OK;

	arena_release(&a);
	return sound;
}

enum err store_blob_put(struct store *s, struct id *hash, struct bytes bytes)
{
	*hash = id_of_sha256(bytes);
	if (is_there(s, *hash))
		return OK;
	return s->backend->blob_put(s, *hash, bytes);
}

enum err store_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes)
{
	enum err e = s->backend->blob_get(s, hash, a, bytes);

	if (e < 0)
		return e;
	return id_eq(id_of_sha256(*bytes), hash) ? OK : E_CORRUPT;
}

enum err store_blob_open(struct store *s, struct id hash, int *fd)
{
	return s->backend->blob_open(s, hash, fd);
}

bool store_blob_has(struct store *s, struct id hash)
{
	return s->backend->blob_has(s, hash);
}

void store_blob_del(struct store *s, struct id hash)
{
	s->backend->blob_del(s, hash);
}

void store_close(struct store *s)
{
	if (s)
		s->backend->close(s);
}
