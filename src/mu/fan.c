/* SPDX-License-Identifier: MIT */
#include "mu/fan.h"

#include "base/clock.h"
#include "msg/item.h"
#include "mu/build.h"
#include "mu/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 16 << 10 };

struct range_of {
	uint64_t first, count;
};

struct fan {
	struct mu *mu;
	struct store_batch batch;
	size_t count, cap;
	struct task **list;
	struct range_of *ranges;                /* the numbers of each outbox */
	size_t range_count, range_cap, written; /* `written` of them are in the store */
};

struct fan *fan_new(struct mu *mu)
{
	struct fan *f = calloc(1, sizeof(*f));

	must(f != NULL);
	f->mu = mu;
	return f;
}

static void add_task(struct fan *f, uint64_t seq, const struct record *r)
{
	if (f->count == f->cap) {
		f->cap = f->cap ? 2 * f->cap : 4;
		f->list = realloc(f->list, f->cap * sizeof(*f->list));
		must(f->list != NULL);
	}
	f->list[f->count++] = task_new(seq, r, STAGE_SEND);
}

void fan_start(void *ctx, enum err e)
{
	struct fan *f = ctx;
	bool inside = e == OK && mu_enter(f->mu);

	for (size_t i = 0; i < f->count; i++) {
		if (inside)
			crank_put(f->mu, f->list[i], 0);
		else /* they are in the store, or nothing is */
			free(f->list[i]);
	}
	if (inside) {
		crank_move(f->mu);
		mu_leave(f->mu);
	}
	store_batch_release(&f->batch);
	free(f->list);
	free(f->ranges);
	free(f);
}

/* ---- in pieces ---- */

static void range_row(struct store_batch *b, const struct range_of *range, bool put)
{
	uint8_t key[8], value[8];

	set_u64be(key, range->first);
	set_u64be(value, range->count);
	if (put)
		store_put(b, TABLE_FAN, bytes_of(key, 8), bytes_of(value, 8));
	else
		store_del(b, TABLE_FAN, bytes_of(key, 8));
}

static uint64_t add_range(struct fan *f, size_t count)
{
	if (f->range_count == f->range_cap) {
		f->range_cap = f->range_cap ? 2 * f->range_cap : 2;
		f->ranges = realloc(f->ranges, f->range_cap * sizeof(*f->ranges));
		must(f->ranges != NULL);
	}
	f->ranges[f->range_count] = (struct range_of){mu_next_seq(f->mu, count), count};
	return f->ranges[f->range_count++].first;
}

/* Writes what has gathered, said to be unfinished. */
static void write_piece(struct fan *f)
{
	while (f->written < f->range_count)
		range_row(&f->batch, &f->ranges[f->written++], true);
	mu_commit(f->mu, &f->batch, NULL, NULL);
}

struct store_batch *fan_end(struct fan *f)
{
	for (size_t i = 0; i < f->written; i++)
		range_row(&f->batch, &f->ranges[i], false);
	return &f->batch;
}

struct undoing {
	struct mu *mu;
	struct store_batch *batch;
	struct range_of *ranges;
	size_t count, cap;
	uint64_t end;
};

static bool see_range(void *ctx, struct bytes key, struct bytes value)
{
	struct undoing *u = ctx;

	if (key.len != 8 || value.len != 8)
		return true;
	if (u->count == u->cap) {
		u->cap = u->cap ? 2 * u->cap : 4;
		u->ranges = realloc(u->ranges, u->cap * sizeof(*u->ranges));
		must(u->ranges != NULL);
	}
	u->ranges[u->count++] = (struct range_of){get_u64be(key.ptr), get_u64be(value.ptr)};
	return true;
}

static bool see_task(void *ctx, uint64_t seq, const struct record *r, struct bytes why)
{
	struct undoing *u = ctx;

	(void)why;
	if (seq >= u->end)
		return false;
	task_del(u->batch, seq, r->kind);
	return true;
}

/* Tasks and traces by their numbers: an entry that could not be sent has only the latter. */
static enum err undo_range(struct undoing *u, const struct range_of *range)
{
	enum err e;

	u->end = range->first + range->count;
	e = task_scan(u->mu->store, TABLE_TASK, range->first, 0, see_task, u);
	for (uint64_t seq = range->first; e == OK && seq < u->end; seq++)
		trace_forget(u->batch, u->mu->store, seq);
	range_row(u->batch, range, false);
	return e < 0 ? e : store_commit_wait(u->mu->store, u->batch);
}

enum err fan_undo(struct mu *mu)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct undoing u = {.mu = mu, .batch = &b};
	struct store_range all = {0};
	enum err e = store_scan(mu->store, TABLE_FAN, &all, see_range, &u);

	for (size_t i = 0; e == OK && i < u.count; i++)
		e = undo_range(&u, &u.ranges[i]);
	store_batch_release(&b);
	free(u.ranges);
	return e;
}

/* ---- one entry ---- */

struct making {
	struct fan *fan;
	struct arena *arena;
	const struct fan_source *source;
	const struct facts *facts;
	struct origin origin;
	struct buf item, spawned;
};

static enum trace_type trace_type_of(enum task_kind kind)
{
	switch (kind) {
	case TASK_SPAWN:
		return TRACE_SPAWN;
	case TASK_ASSIGN:
		return TRACE_ASSIGN;
	case TASK_SEND:
	case TASK_PULL:
		break;
	}
	return TRACE_MESSAGE;
}

static enum err make_spawn(struct making *m, struct record *r, const struct outgoing *out, struct note *note)
{
	struct bytes scheduler;
	struct id spawned;
	enum err e = build_spawn(&m->item, &r->id, &scheduler, m->arena, &m->origin, out, note);

	if (e == OK)
		e = build_spawned(&m->spawned, &spawned, &m->origin, out, r->id, note);
	if (e < 0)
		return e;
	r->text = scheduler;
	if (bytes_eq_str(scheduler, m->facts->scheduler))
		r->flags |= TASK_AT_PARENT;
	return OK;
}

static enum err make(struct making *m, struct record *r, const struct outgoing *out, struct note *note)
{
	enum err e = OK;

	buf_clear(&m->item);
	buf_clear(&m->spawned);
	*r = (struct record){
		.kind = out->kind,
		.time_ms = clock_ms(),
		.from = m->source->process,
		.to = out->target,
		.root = m->source->root,
		.parent = m->source->parent,
		.wallet = m->source->wallet,
	};
	if (out->refused.len)
		return note_err(note, E_FORMAT, "%.*s", BYTES_FMT(out->refused));
	switch (out->kind) {
	case TASK_SEND:
		e = build_message(&m->item, &r->id, &m->origin, out, note);
		break;
	case TASK_SPAWN:
		e = make_spawn(m, r, out, note);
		break;
	case TASK_ASSIGN:
		r->id = out->message;
		r->flags = out->base_layer ? TASK_BASE_LAYER : 0;
		r->text = out->exclude;
		break;
	case TASK_PULL:
		break;
	}
	r->item_bytes = (uint32_t)(m->item.len + m->spawned.len);
	return e;
}

/* What is not sent is told of its sender: nobody else would look for it. */
static void put_trace(struct making *m, uint64_t seq, const struct record *r, enum err e, const struct note *note)
{
	bool assign = r->kind == TASK_ASSIGN;
	struct trace trace = {
		.type = trace_type_of(r->kind),
		.time_ms = r->time_ms,
		.message = e < 0 || assign ? (struct id){{0}} : r->id,
		.assigned = assign ? r->id : (struct id){{0}},
		.process = e < 0 || r->kind == TASK_SPAWN ? r->from : r->to,
		.from = r->from,
		.parent = r->parent,
		.root = r->root,
		.wallet = r->wallet,
		.error = e < 0 ? bytes_str(note_text(note, e)) : bytes_of(NULL, 0),
	};

	if (e < 0)
		log_event(m->fan->mu->log, LOG_ODD, "mu.unsendable", "process=%s parent=%s why=\"%s\"",
			  id_text(r->from).s, id_text(r->parent).s, note_text(note, e));
	trace_put(&m->fan->batch, seq, &trace);
}

static void add_entry(struct making *m, uint64_t seq, const struct outgoing *out)
{
	struct store_batch *b = &m->fan->batch;
	struct note note = {0};
	struct record r;
	enum err e = make(m, &r, out, &note);

	if (b->ops.len > PIECE_BYTES)
		write_piece(m->fan);
	if (e == OK) {
		task_put(b, seq, &r);
		if (m->item.len)
			task_put_item(b, seq, PART_ITEM, buf_bytes(&m->item));
		if (m->spawned.len)
			task_put_item(b, seq, PART_SPAWNED, buf_bytes(&m->spawned));
		add_task(m->fan, seq, &r);
	}
	put_trace(m, seq, &r, e, &note);
}

void fan_out(struct fan *f, const struct fan_source *source, const struct facts *facts, const struct outbox *outbox)
{
	struct arena a = ARENA_EMPTY;
	struct making m = {
		.fan = f,
		.arena = &a,
		.source = source,
		.facts = facts,
		.origin = {.key = f->mu->options.key,
			   .process = source->process,
			   .facts = facts,
			   .root = source->root,
			   .seed = source->seed},
	};
	uint64_t seq = add_range(f, outbox->count);

	for (size_t i = 0; i < outbox->count; i++) {
		add_entry(&m, seq + i, &outbox->list[i]);
		arena_reset(&a);
	}
	buf_release(&m.item);
	buf_release(&m.spawned);
	arena_release(&a);
}
