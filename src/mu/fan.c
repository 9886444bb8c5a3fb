/* SPDX-License-Identifier: MIT
 *
 * fan: an outbox becomes tasks. Items are made and signed here, once; from the batch on they are what they are.
 */
#include "base/clock.h"
#include "msg/item.h"
#include "mu/build.h"
#include "mu/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct fanned {
	struct mu *mu;
	size_t count, cap;
	struct {
		struct task *task;
		struct id lane[2];
	} list[];
};

static struct fanned *fanned_add(struct fanned *f, struct mu *mu, uint64_t seq, const struct record *r)
{
	if (!f || f->count == f->cap) {
		size_t cap = f ? 2 * f->cap : 4, count = f ? f->count : 0;
		f = realloc(f, sizeof(*f) + cap * sizeof(f->list[0]));
		must(f != NULL);
		f->mu = mu;
		f->cap = cap;
		f->count = count;
	}
	f->list[f->count].task = task_new(seq, r, STAGE_SEND);
	crank_lane(f->list[f->count].lane, r, STAGE_SEND);
	f->count++;
	return f;
}

void fan_start(void *ctx, enum err e)
{
	struct fanned *f = ctx;

	if (!f)
		return;
	if (e == OK && mu_enter(f->mu)) {
		for (size_t i = 0; i < f->count; i++)
			crank_put(f->mu, f->list[i].task, f->list[i].lane, 0);
		crank_move(f->mu);
		mu_leave(f->mu);
	} else { /* they are in the store, or nothing is */
		for (size_t i = 0; i < f->count; i++)
			free(f->list[i].task);
	}
	free(f);
}

/* ---- one entry ---- */

struct making {
	struct mu *mu;
	struct store_batch *b;
	struct arena *arena;
	const struct fan *fan;
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
		.from = m->fan->process,
		.to = out->target,
		.root = m->fan->root,
		.parent = m->fan->parent,
		.wallet = m->fan->wallet,
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
		log_event(m->mu->log, LOG_ODD, "mu.unsendable", "process=%s parent=%s why=\"%s\"", id_text(r->from).s,
			  id_text(r->parent).s, note_text(note, e));
	trace_put(m->b, seq, &trace);
}

struct fanned *fan_out(struct mu *mu, struct store_batch *b, const struct fan *fan, const struct facts *facts,
		       const struct outbox *outbox, struct fanned *onto)
{
	struct arena a = ARENA_EMPTY;
	struct making m = {
		.mu = mu,
		.b = b,
		.arena = &a,
		.fan = fan,
		.facts = facts,
		.origin = {.key = mu->options.key,
			   .process = fan->process,
			   .facts = facts,
			   .root = fan->root,
			   .seed = fan->seed},
	};
	uint64_t seq = mu_next_seq(mu, outbox->count);

	for (size_t n = 0; n < outbox->count; n++, seq++) {
		struct note note = {0};
		struct record r;
		enum err e = make(&m, &r, &outbox->list[n], &note);
		if (e == OK) {
			task_put(b, seq, &r);
			if (m.item.len)
				task_put_item(b, seq, PART_ITEM, buf_bytes(&m.item));
			if (m.spawned.len)
				task_put_item(b, seq, PART_SPAWNED, buf_bytes(&m.spawned));
			onto = fanned_add(onto, mu, seq, &r);
		}
		put_trace(&m, seq, &r, e, &note);
	}
	buf_release(&m.item);
	buf_release(&m.spawned);
	arena_release(&a);
	return onto;
}
