/* SPDX-License-Identifier: MIT */
#include "flow/wait.h"

#include "flow/nouns.h"

#include <string.h>

static void wait_begin(struct wait *w, struct arena *a, void *out, struct note *note)
{
	*w = (struct wait){.arena = a, .out = out, .note = note};
	must(pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->wake, NULL) == 0);
}

static enum err wait_end(struct wait *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->wake, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	return w->e;
}

/* The waiter may return, and its frame vanish, as soon as the lock is free. */
static void wake(struct wait *w, enum err e, const struct note *note)
{
	if (e < 0 && note && w->note)
		*w->note = *note;
	pthread_mutex_lock(&w->lock);
	w->e = e;
	w->done = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

/* ---- scheduler ---- */

static void on_schedule(void *ctx, enum err e, const struct note *note, const struct receipt *receipt)
{
	struct wait *w = ctx;
	struct receipt *out = w->out;

	if (e == OK) {
		*out = *receipt;
		out->id = arena_copy(w->arena, receipt->id);
	}
	wake(w, e, note);
}

enum err schedule_wait(const struct scheduler *s, struct arena *a, struct bytes item, struct receipt *receipt,
		       struct note *note)
{
	struct wait w;

	wait_begin(&w, a, receipt, note);
	s->schedule(s->self, item, on_schedule, &w);
	return wait_end(&w);
}

enum err assign_wait(const struct scheduler *s, struct arena *a, const struct assign *assign, struct receipt *receipt,
		     struct note *note)
{
	struct wait w;

	wait_begin(&w, a, receipt, note);
	s->assign(s->self, assign, on_schedule, &w);
	return wait_end(&w);
}

static void on_assignment(void *ctx, enum err e, const struct note *note, const struct assignment *assignment)
{
	struct wait *w = ctx;

	if (e == OK)
		assignment_copy(w->out, w->arena, assignment);
	wake(w, e, note);
}

enum err assignment_wait(const struct scheduler *s, struct arena *a, struct id process, struct bytes id,
			 struct assignment *out, struct note *note)
{
	struct wait w;

	wait_begin(&w, a, out, note);
	s->assignment(s->self, process, id, on_assignment, &w);
	return wait_end(&w);
}

static void on_page(void *ctx, enum err e, const struct note *note, const struct page *page)
{
	struct wait *w = ctx;

	if (e == OK)
		page_copy(w->out, w->arena, page);
	wake(w, e, note);
}

void page_begin(struct wait *w, const struct scheduler *s, struct arena *a, struct id process, struct range range,
		struct page *out, struct note *note)
{
	wait_begin(w, a, out, note);
	s->page(s->self, process, range, on_page, w);
}

enum err page_end(struct wait *w)
{
	return wait_end(w);
}

enum err page_wait(const struct scheduler *s, struct arena *a, struct id process, struct range range, struct page *out,
		   struct note *note)
{
	struct wait w;

	page_begin(&w, s, a, process, range, out, note);
	return page_end(&w);
}

static void on_process(void *ctx, enum err e, const struct note *note, const struct process_info *process)
{
	struct wait *w = ctx;

	if (e == OK)
		process_info_copy(w->out, w->arena, process);
	wake(w, e, note);
}

enum err process_wait(const struct scheduler *s, struct arena *a, struct id process, struct process_info *out,
		      struct note *note)
{
	struct wait w;

	wait_begin(&w, a, out, note);
	s->process(s->self, process, on_process, &w);
	return wait_end(&w);
}

struct now {
	uint64_t timestamp_ms, block_height;
};

static void on_now(void *ctx, enum err e, const struct note *note, uint64_t timestamp_ms, uint64_t block_height)
{
	struct wait *w = ctx;

	if (e == OK)
		*(struct now *)w->out = (struct now){timestamp_ms, block_height};
	wake(w, e, note);
}

enum err now_wait(const struct scheduler *s, struct id process, uint64_t *timestamp_ms, uint64_t *block_height,
		  struct note *note)
{
	struct now now = {0};
	struct wait w;
	enum err e;

	wait_begin(&w, NULL, &now, note);
	s->now(s->self, process, on_now, &w);
	e = wait_end(&w);
	*timestamp_ms = now.timestamp_ms;
	*block_height = now.block_height;
	return e;
}

/* ---- computer ---- */

static void on_bytes(void *ctx, enum err e, const struct note *note, struct bytes bytes)
{
	struct wait *w = ctx;

	if (e == OK && w->out)
		*(struct bytes *)w->out = arena_copy(w->arena, bytes);
	wake(w, e, note);
}

enum err result_wait(const struct computer *c, struct arena *a, struct id process, struct bytes id,
		     struct bytes *result, struct note *note)
{
	struct wait w;

	wait_begin(&w, a, result, note);
	c->result(c->self, process, id, on_bytes, &w);
	return wait_end(&w);
}

enum err dry_run_wait(const struct computer *c, struct arena *a, struct id process, struct bytes message,
		      struct bytes *result, struct note *note)
{
	struct wait w;

	wait_begin(&w, a, result, note);
	c->dry_run(c->self, process, message, on_bytes, &w);
	return wait_end(&w);
}

/* ---- weave ---- */

enum err weave_put_wait(const struct weave *weave, struct bytes item, struct note *note)
{
	struct wait w;

	wait_begin(&w, NULL, NULL, note);
	weave->put(weave->self, item, on_bytes, &w);
	return wait_end(&w);
}

static void on_find(void *ctx, enum err e, const struct note *note, const struct weave_meta *list, size_t count)
{
	struct wait *w = ctx;

	if (e == OK) {
		struct weave_meta *copies = arena_new_array(w->arena, count, struct weave_meta);
		for (size_t i = 0; i < count; i++)
			weave_meta_copy(&copies[i], w->arena, &list[i]);
		*(const struct weave_meta **)w->out = copies;
		*w->count = count;
	}
	wake(w, e, note);
}

enum err weave_find_wait(const struct weave *weave, struct arena *a, const struct weave_query *query,
			 const struct weave_meta **list, size_t *count, struct note *note)
{
	struct wait w;

	wait_begin(&w, a, list, note);
	w.count = count;
	*count = 0;
	weave->find(weave->self, query, on_find, &w);
	return wait_end(&w);
}

enum err weave_meta_wait(const struct weave *weave, struct arena *a, struct bytes id, struct weave_meta *out,
			 struct note *note)
{
	struct weave_query query = {.ids = &id, .id_count = 1, .first = 1};
	const struct weave_meta *list;
	size_t count;
	enum err e = weave_find_wait(weave, a, &query, &list, &count, note);

	if (e < 0)
		return e;
	if (count == 0)
		return note_err(note, E_NOT_FOUND, "Transaction %.*s was not found on the weave", BYTES_FMT(id));
	*out = list[0];
	return OK;
}

enum err weave_data_wait(const struct weave *weave, struct arena *a, struct bytes id, struct bytes *data,
			 struct note *note)
{
	struct wait w;

	wait_begin(&w, a, data, note);
	weave->data(weave->self, id, on_bytes, &w);
	return wait_end(&w);
}

static void on_number(void *ctx, enum err e, const struct note *note, uint64_t number)
{
	struct wait *w = ctx;

	if (e == OK)
		*(uint64_t *)w->out = number;
	wake(w, e, note);
}

enum err weave_height_wait(const struct weave *weave, uint64_t *height, struct note *note)
{
	struct wait w;

	wait_begin(&w, NULL, height, note);
	weave->height(weave->self, on_number, &w);
	return wait_end(&w);
}

static void on_blocks(void *ctx, enum err e, const struct note *note, const struct weave_block *list, size_t count)
{
	struct wait *w = ctx;

	if (e == OK) {
		struct weave_block *copies = arena_new_array(w->arena, count, struct weave_block);
		for (size_t i = 0; i < count; i++) {
			copies[i] = list[i];
			copies[i].id = arena_copy(w->arena, list[i].id);
		}
		*(const struct weave_block **)w->out = copies;
		*w->count = count;
	}
	wake(w, e, note);
}

enum err weave_blocks_wait(const struct weave *weave, struct arena *a, uint64_t height_first, size_t limit,
			   const struct weave_block **list, size_t *count, struct note *note)
{
	struct wait w;

	wait_begin(&w, a, list, note);
	w.count = count;
	*count = 0;
	weave->blocks(weave->self, height_first, limit, on_blocks, &w);
	return wait_end(&w);
}

enum err weave_status_wait(const struct weave *weave, struct bytes id, uint64_t *confirmations, struct note *note)
{
	struct wait w;

	wait_begin(&w, NULL, confirmations, note);
	weave->status(weave->self, id, on_number, &w);
	return wait_end(&w);
}

enum err weave_transaction_wait(const struct weave *weave, struct arena *a, struct bytes id, struct bytes *json,
				struct note *note)
{
	struct wait w;

	wait_begin(&w, a, json, note);
	weave->transaction(weave->self, id, on_bytes, &w);
	return wait_end(&w);
}

enum err weave_block_wait(const struct weave *weave, struct arena *a, uint64_t height, struct bytes *json,
			  struct note *note)
{
	struct wait w;

	wait_begin(&w, a, json, note);
	weave->block(weave->self, height, on_bytes, &w);
	return wait_end(&w);
}
