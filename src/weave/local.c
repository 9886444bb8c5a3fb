/* SPDX-License-Identifier: MIT
 *
 * local: the weave's life, and the weave as a port.
 */
#include "weave/local.h"

#include "base/clock.h"
#include "base/pool.h"
#include "base/timer.h"
#include "msg/key.h"
#include "weave/document.h"
#include "weave/find.h"
#include "weave/gateway.h"
#include "weave/unit.h"
#include "weave/uploader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_MS = 2000,
	THREADS = 4,
	HTTP_THREADS = 8,
	POOL_QUEUE_MAX = 10000,
	CONNECTIONS_MAX = 4000,
	STOP_GRACE_MS = 5000,
	BLOCKS_MAX = 1000,
};

/* ---- life ---- */

static void make_block(void *ctx, bool closing)
{
	struct local_weave *w = ctx;

	if (closing)
		return;
	chain_tick(w->chain);
	timer_after(w->timer, w->block_ms, make_block, w);
}

enum err local_weave_open(struct local_weave **out, const struct local_weave_options *options, struct note *note)
{
	struct local_weave *w = calloc(1, sizeof(*w));
	enum err e;

	must(w != NULL);
	w->store = options->store;
	w->key = options->key;
	w->log = options->log;
	w->block_ms = options->block_ms ? options->block_ms : BLOCK_MS;
	e = chain_open(&w->chain, w->store, w->log, note);
	if (e < 0) {
		free(w);
		return e;
	}
	w->pool = pool_open("weave", THREADS, POOL_QUEUE_MAX);
	w->timer = timer_open("weave-blocks");
	timer_after(w->timer, w->block_ms, make_block, w);
	*out = w;
	return OK;
}

static enum err serve(struct local_weave *w, struct http_server **server, struct http_options options, uint16_t *bound,
		      struct note *note)
{
	enum err e;

	options.ctx = w;
	options.body_max = UPLOAD_MAX;
	options.threads = HTTP_THREADS;
	options.connections_max = CONNECTIONS_MAX;
	options.log = w->log;
	e = http_serve(server, &options, note);
	if (e == OK && bound)
		*bound = http_server_port(*server);
	return e;
}

enum err local_weave_serve(struct local_weave *w, const char *address, uint16_t port, uint16_t *bound,
			   struct note *note)
{
	struct http_options options = {.address = address,
				       .port = port,
				       .name = "weave",
				       .routes = gateway_routes,
				       .route_count = gateway_route_count};
	enum err e = serve(w, &w->gateway, options, bound, note);

	if (e == OK)
		w->gateway_port = http_server_port(w->gateway);
	return e;
}

enum err local_weave_serve_uploader(struct local_weave *w, const char *address, uint16_t port, uint16_t *bound,
				    struct note *note)
{
	struct http_options options = {.address = address,
				       .port = port,
				       .name = "uploader",
				       .routes = uploader_routes,
				       .route_count = uploader_route_count};

	return serve(w, &w->uploader, options, bound, note);
}

void local_weave_close(struct local_weave *w)
{
	timer_close(w->timer);
	http_stop(w->gateway, STOP_GRACE_MS);
	http_stop(w->uploader, STOP_GRACE_MS);
	while (atomic_load(&w->under_way))
		clock_sleep_ms(1);
	pool_close(w->pool);
	chain_close(w->chain);
	free(w);
}

/* ---- port: each call is a job of the pool ---- */

struct job {
	struct local_weave *weave;
	struct bytes bytes;
	const struct weave_query *query;
	uint64_t height_first;
	size_t limit;
	union {
		weave_put_done *put;
		weave_find_done *find;
		weave_data_done *data;
		weave_blocks_done *blocks;
		weave_status_done *status;
	} done;
	void *ctx;
};

static void put_job(pool_job *run, struct job job)
{
	struct job *copy = malloc(sizeof(*copy));

	must(copy != NULL);
	*copy = job;
	atomic_fetch_add(&job.weave->under_way, 1);
	must(pool_put_always(job.weave->pool, run, copy) == OK);
}

static void job_end(struct job *job)
{
	struct local_weave *w = job->weave;

	free(job);
	atomic_fetch_sub(&w->under_way, 1);
}

static void on_put(void *ctx, enum err e, const struct note *note, const struct accepted *accepted)
{
	struct job *job = ctx;
	struct id_text id = id_text(accepted ? accepted->id : (struct id){{0}});

	job->done.put(job->ctx, e, note, e < 0 ? bytes_of(NULL, 0) : bytes_str(id.s));
	job_end(job);
}

static void run_put(void *ctx)
{
	struct job *job = ctx;

	ingest_item(job->weave, job->bytes, on_put, job);
}

static void port_put(void *self, struct bytes item, weave_put_done *done, void *ctx)
{
	put_job(run_put, (struct job){.weave = self, .bytes = item, .done.put = done, .ctx = ctx});
}

static enum err meta_of(struct store *s, struct arena *a, const struct record *r, struct weave_meta *out)
{
	struct block block = {0};
	enum err e = block_of(s, r->sequence, &block);

	if (e < 0 && e != E_NOT_FOUND)
		return e;
	*out = (struct weave_meta){
		.id = text_b64url(a, bytes_of(r->id.b, 32)),
		.signature = text_b64url(a, r->signature),
		.owner_address = text_b64url(a, bytes_of(r->owner_address.b, 32)),
		.owner_key = r->owner,
		.recipient = text_b64url(a, r->target),
		.anchor = text_b64url(a, r->anchor),
		.tags = r->tags,
		.mined = e == OK,
		.block_height = block.height,
		.block_timestamp = block.timestamp,
		.data_size = r->data_size,
	};
	return OK;
}

static void run_find(void *ctx)
{
	struct job *job = ctx;
	const struct weave_query *query = job->query;
	struct arena a = ARENA_EMPTY;
	struct find_tag *tags = arena_new_array(&a, query->tag_count, struct find_tag);
	struct find find = FIND_EVERYTHING;
	struct weave_meta *list = NULL;
	struct record *rows;
	struct note note = {0};
	size_t count = 0, steps = 0;
	enum err e;

	for (size_t i = 0; i < query->tag_count; i++)
		tags[i] = (struct find_tag){.name = query->tags[i].name,
					    .values = query->tags[i].values,
					    .value_count = query->tags[i].value_count};
	find.ids = (struct find_list){query->id_count > 0, query->ids, query->id_count};
	find.owners = (struct find_list){query->owner_count > 0, query->owners, query->owner_count};
	find.tags = tags;
	find.tag_count = query->tag_count;
	find.oldest_first = query->oldest_first;
	find.limit = query->first;
	e = find_run(job->weave->store, &a, &find, &steps, &rows, &count, NULL, &note);
	if (e == OK)
		list = arena_new_array(&a, count, struct weave_meta);
	for (size_t i = 0; e == OK && i < count; i++)
		e = meta_of(job->weave->store, &a, &rows[i], &list[i]);
	job->done.find(job->ctx, e, e < 0 ? &note : NULL, list, e < 0 ? 0 : count);
	arena_release(&a);
	job_end(job);
}

static void port_find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	put_job(run_find, (struct job){.weave = self, .query = query, .done.find = done, .ctx = ctx});
}

static enum err find_record(struct local_weave *w, struct arena *a, struct bytes text, struct record *out,
			    struct note *note)
{
	struct id id;
	enum err e = id_parse(&id, text);

	if (e < 0)
		return note_err(note, E_NOT_FOUND, "\"%.*s\" is not an id", BYTES_FMT(text));
	e = record_find(w->store, a, id, out);
	if (e == E_NOT_FOUND)
		return note_err(note, e, "%.*s is not on the weave", BYTES_FMT(text));
	return e < 0 ? note_err(note, e, "the weave's index cannot be read") : OK;
}

static void run_data(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	struct bytes data = {0};
	struct record r;
	struct note note = {0};
	enum err e = find_record(job->weave, &a, job->bytes, &r, &note);

	if (e == OK) {
		e = bytes_read(job->weave->store, &a, r.upload, r.data_at, r.data_size, &data);
		if (e == OK && !id_eq(id_of_sha256(data), r.data_hash))
			e = E_CORRUPT;
		if (e < 0)
			note_err(&note, e, "the payload of %.*s cannot be read", BYTES_FMT(job->bytes));
	}
	job->done.data(job->ctx, e, e < 0 ? &note : NULL, e < 0 ? bytes_of(NULL, 0) : data);
	arena_release(&a);
	job_end(job);
}

static void port_data(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	put_job(run_data, (struct job){.weave = self, .bytes = id, .done.data = done, .ctx = ctx});
}

static void port_height(void *self, weave_height_done *done, void *ctx)
{
	struct local_weave *w = self;

	done(ctx, OK, NULL, chain_tip(w->chain).height);
}

static void run_blocks(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	uint64_t tip = chain_tip(job->weave->chain).height, first = job->height_first;
	size_t limit = job->limit < BLOCKS_MAX ? job->limit : BLOCKS_MAX;
	struct weave_block *list = arena_new_array(&a, limit, struct weave_block);
	struct note note = {0};
	struct block block;
	size_t count = 0;
	enum err e = OK;

	for (uint64_t height = first; e == OK && height <= tip && count < limit; height++) {
		e = block_get(job->weave->store, height, &block);
		if (e == OK)
			list[count++] = (struct weave_block){.id = text_b64url(&a, bytes_of(block.id, BLOCK_ID_SIZE)),
							     .height = height,
							     .timestamp = block.timestamp};
	}
	if (e < 0)
		note_err(&note, e, "the weave's blocks cannot be read");
	job->done.blocks(job->ctx, e, e < 0 ? &note : NULL, list, e < 0 ? 0 : count);
	arena_release(&a);
	job_end(job);
}

static void port_blocks(void *self, uint64_t height_first, size_t limit, weave_blocks_done *done, void *ctx)
{
	put_job(run_blocks,
		(struct job){
			.weave = self, .height_first = height_first, .limit = limit, .done.blocks = done, .ctx = ctx});
}

static void run_status(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct block block;
	struct record r;
	uint64_t confirmations = 0;
	enum err e = find_record(job->weave, &a, job->bytes, &r, &note);

	if (e == OK) {
		e = block_of(job->weave->store, r.sequence, &block);
		if (e == OK)
			confirmations = chain_tip(job->weave->chain).height - block.height + 1;
		else if (e == E_NOT_FOUND)
			e = OK; /* pending */
		else
			note_err(&note, e, "the weave's blocks cannot be read");
	}
	job->done.status(job->ctx, e, e < 0 ? &note : NULL, confirmations);
	arena_release(&a);
	job_end(job);
}

static void port_status(void *self, struct bytes id, weave_status_done *done, void *ctx)
{
	put_job(run_status, (struct job){.weave = self, .bytes = id, .done.status = done, .ctx = ctx});
}

static void run_transaction(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	struct buf json = BUF_EMPTY;
	struct note note = {0};
	struct record r;
	enum err e = find_record(job->weave, &a, job->bytes, &r, &note);

	if (e == OK)
		document_transaction(&json, &r);
	job->done.data(job->ctx, e, e < 0 ? &note : NULL, buf_bytes(&json));
	buf_release(&json);
	arena_release(&a);
	job_end(job);
}

static void port_transaction(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	put_job(run_transaction, (struct job){.weave = self, .bytes = id, .done.data = done, .ctx = ctx});
}

static void run_block(void *ctx)
{
	struct job *job = ctx;
	struct buf json = BUF_EMPTY;
	struct note note = {0};
	struct block block;
	enum err e = block_get(job->weave->store, job->height_first, &block);

	if (e == OK)
		e = document_block(&json, job->weave->store, &block);
	if (e == E_NOT_FOUND)
		note_err(&note, e, "the weave has no block %" PRIu64, job->height_first);
	else if (e < 0)
		note_err(&note, e, "the weave's blocks cannot be read");
	job->done.data(job->ctx, e, e < 0 ? &note : NULL, e < 0 ? bytes_of(NULL, 0) : buf_bytes(&json));
	buf_release(&json);
	job_end(job);
}

static void port_block(void *self, uint64_t height, weave_data_done *done, void *ctx)
{
	put_job(run_block, (struct job){.weave = self, .height_first = height, .done.data = done, .ctx = ctx});
}

struct weave local_weave_port(struct local_weave *w)
{
	return (struct weave){.self = w,
			      .put = port_put,
			      .find = port_find,
			      .data = port_data,
			      .height = port_height,
			      .blocks = port_blocks,
			      .status = port_status,
			      .transaction = port_transaction,
			      .block = port_block};
}
