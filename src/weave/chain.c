/* SPDX-License-Identifier: MIT */
#include "weave/chain.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* An id whose batch is on its way to the disk: reads do not see it yet. */
struct in_flight {
	struct id id;
	UT_hash_handle hh;
};

struct chain {
	struct store *store;
	struct log *log;
	struct id nonce;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved; /* a block or an append is durable */
	struct block tip;
	uint64_t sequence_next;
	struct hasher *ids; /* of the uploads since the newest block was made */
	uint64_t size;      /* of those */
	bool making;        /* a block is on its way to the disk */
	size_t appending;
	struct in_flight *in_flight;
	enum err failed; /* why the last block could not be kept */
};

/* ---- appending ---- */

struct append {
	struct chain *chain;
	append_done *done;
	void *ctx;
	bool again;
	struct in_flight *flying; /* `count` of them */
	size_t count;
};

static void on_appended(void *ctx, enum err e)
{
	struct append *a = ctx;
	struct chain *c = a->chain;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < a->count; i++)
		HASH_DEL(c->in_flight, &a->flying[i]);
	pthread_mutex_unlock(&c->lock);
	a->done(a->ctx, e, a->again);
	pthread_mutex_lock(&c->lock);
	c->appending--;
	pthread_cond_broadcast(&c->moved);
	pthread_mutex_unlock(&c->lock);
	free(a->flying);
	free(a);
}

static bool is_known(struct chain *c, struct id id)
{
	struct in_flight *flying;

	HASH_FIND(hh, c->in_flight, &id, sizeof(id), flying);
	return flying || store_has(c->store, TABLE_ID, bytes_of(id.b, 32));
}

static void put_row(struct chain *c, struct store_batch *b, struct append *a, struct record *r)
{
	struct in_flight *flying = &a->flying[a->count++];

	r->sequence = c->sequence_next++;
	record_put(b, r);
	flying->id = r->id;
	HASH_ADD(hh, c->in_flight, id, sizeof(flying->id), flying);
	if (id_is_zero(r->parent)) {
		hasher_add(c->ids, r->id.b, 32);
		c->size += r->size;
	}
}

void chain_append(struct chain *c, const struct upload *upload, append_done *done, void *ctx)
{
	struct append *a = calloc(1, sizeof(*a));
	struct store_batch b = STORE_BATCH_EMPTY;

	must(a != NULL && upload->count > 0);
	a->chain = c;
	a->done = done;
	a->ctx = ctx;
	a->flying = calloc(upload->count, sizeof(*a->flying));
	must(a->flying != NULL);
	pthread_mutex_lock(&c->lock);
	a->again = is_known(c, upload->list[0].id);
	for (size_t i = 0; !a->again && i < upload->count; i++)
		if (!is_known(c, upload->list[i].id))
			put_row(c, &b, a, &upload->list[i]);
	if (!a->again && id_is_zero(upload->blob))
		bytes_put_inline(&b, upload->list[0].id, upload->bytes);
	else if (!a->again)
		bytes_put_blob(&b, upload->list[0].id, upload->blob);
	c->appending++;
	/* What was here before may still be on its way: an empty batch is done when all before it
	 * are. */
	store_commit(c->store, &b, on_appended, a);
	pthread_mutex_unlock(&c->lock);
}

/* ---- blocks ---- */

static void hash_block(struct block *block, struct id nonce, struct hasher *ids)
{
	struct hasher *h = sha384_open();
	uint8_t number[8], uploads[SHA384_SIZE];

	hasher_end(ids, uploads);
	hasher_add(h, "weave-block", 11);
	hasher_add(h, nonce.b, 32);
	set_u64le(number, block->height);
	hasher_add(h, number, 8);
	hasher_add(h, block->previous, BLOCK_ID_SIZE);
	set_u64le(number, block->timestamp);
	hasher_add(h, number, 8);
	hasher_add(h, uploads, SHA384_SIZE);
	hasher_end(h, block->id);
}

struct making {
	struct chain *chain;
	struct block block;
};

static void on_made(void *ctx, enum err e)
{
	struct making *m = ctx;
	struct chain *c = m->chain;

	pthread_mutex_lock(&c->lock);
	c->failed = e;
	if (e == OK)
		c->tip = m->block;
	else
		log_event(c->log, LOG_BROKEN, "weave.block", "height=%llu error=\"%s\"",
			  (unsigned long long)m->block.height, err_sentence(e));
	c->making = false;
	pthread_cond_broadcast(&c->moved);
	pthread_mutex_unlock(&c->lock);
	free(m);
}

/* With the lock held, and nothing being made. */
static void make_block(struct chain *c)
{
	struct making *m = calloc(1, sizeof(*m));
	struct store_batch b = STORE_BATCH_EMPTY;
	struct block *block;
	uint64_t now = clock_ms() / 1000;

	must(m != NULL);
	m->chain = c;
	block = &m->block;
	memcpy(block->previous, c->tip.id, BLOCK_ID_SIZE);
	block->height = c->tip.height + 1;
	block->timestamp = now > c->tip.timestamp ? now : c->tip.timestamp;
	block->sequence_first = c->tip.sequence_end;
	block->sequence_end = c->sequence_next;
	block->size = c->size;
	block->weave_size = c->tip.weave_size + c->size;
	hash_block(block, c->nonce, c->ids);
	c->ids = sha384_open();
	c->size = 0;
	c->making = true;
	block_put(&b, block);
	store_commit(c->store, &b, on_made, m);
}

void chain_tick(struct chain *c)
{
	pthread_mutex_lock(&c->lock);
	/* After a failed write the store takes no more: the chain ends where it is. */
	if (!c->making && c->failed == OK)
		make_block(c);
	pthread_mutex_unlock(&c->lock);
}

enum err chain_mine(struct chain *c)
{
	uint64_t height;
	enum err e;

	pthread_mutex_lock(&c->lock);
	while (c->making)
		pthread_cond_wait(&c->moved, &c->lock);
	if (c->failed == OK) {
		height = c->tip.height;
		make_block(c);
		while (c->tip.height == height && c->failed == OK)
			pthread_cond_wait(&c->moved, &c->lock);
	}
	e = c->failed;
	pthread_mutex_unlock(&c->lock);
	return e;
}

struct block chain_tip(struct chain *c)
{
	struct block tip;

	pthread_mutex_lock(&c->lock);
	tip = c->tip;
	pthread_mutex_unlock(&c->lock);
	return tip;
}

struct id chain_nonce(const struct chain *c)
{
	return c->nonce;
}

/* ---- opening ---- */

static enum err first_block(struct chain *c)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	random_bytes(c->nonce.b, sizeof(c->nonce.b));
	c->tip = (struct block){.timestamp = clock_ms() / 1000};
	hash_block(&c->tip, c->nonce, sha384_open());
	store_put(&b, TABLE_CHAIN, BYTES("nonce"), bytes_of(c->nonce.b, 32));
	block_put(&b, &c->tip);
	return store_commit_wait(c->store, &b);
}

static void see_pending(void *ctx, const struct record *upload)
{
	struct chain *c = ctx;

	hasher_add(c->ids, upload->id.b, 32);
	c->size += upload->size;
}

static enum err read_nonce(struct chain *c)
{
	struct arena a = ARENA_EMPTY;
	struct bytes nonce;
	enum err e = store_get(c->store, TABLE_CHAIN, BYTES("nonce"), &a, &nonce);

	if (e == OK && nonce.len != 32)
		e = E_CORRUPT;
	if (e == OK)
		memcpy(c->nonce.b, nonce.ptr, 32);
	arena_release(&a);
	return e == E_NOT_FOUND ? E_CORRUPT : e;
}

static enum err go_on(struct chain *c)
{
	enum err e = block_last(c->store, &c->tip);

	if (e == E_NOT_FOUND)
		return first_block(c);
	if (e == OK)
		e = read_nonce(c);
	if (e == OK)
		e = record_sequence_end(c->store, &c->sequence_next);
	if (e == OK && c->sequence_next < c->tip.sequence_end)
		e = E_CORRUPT;
	if (e == OK)
		e = block_uploads(c->store, c->tip.sequence_end, c->sequence_next, see_pending, c);
	return e;
}

enum err chain_open(struct chain **out, struct store *store, struct log *log, struct note *note)
{
	struct chain *c = calloc(1, sizeof(*c));
	enum err e;

	must(c != NULL);
	c->store = store;
	c->log = log;
	c->ids = sha384_open();
	must(pthread_mutex_init(&c->lock, NULL) == 0 && pthread_cond_init(&c->moved, NULL) == 0);
	e = go_on(c);
	if (e < 0) {
		chain_close(c);
		return note_err(note, e, "the chain of blocks in the weave's store cannot be read");
	}
	*out = c;
	return OK;
}

void chain_close(struct chain *c)
{
	uint8_t unused[SHA384_SIZE];

	pthread_mutex_lock(&c->lock);
	while (c->making || c->appending)
		pthread_cond_wait(&c->moved, &c->lock);
	pthread_mutex_unlock(&c->lock);
	hasher_end(c->ids, unused);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->moved);
	free(c);
}
