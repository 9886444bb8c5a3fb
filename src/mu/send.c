/* SPDX-License-Identifier: MIT
 *
 * send: what a process sends goes where it is sent (ao-units 4.6, 4.7).
 *
 *   SEND    locate the receiver --found--> schedule there --> PULL
 *             \--not found--> is it on the weave? --a process--> its scheduler is not known yet: later
 *                               \--no, or no process--> a wallet: upload, done
 *   SPAWN   locate the scheduler --> schedule --> PULL the child's first result, and SEND Spawned
 *   ASSIGN  locate the process --> (was it assigned by an earlier try?) --> assign --> PULL
 *
 * A message or a process that the scheduler has already is one that an earlier try brought
 * there. An assign has no id of its own, so a second try looks before it assigns again.
 */
#include "flow/locate.h"
#include "msg/item.h"
#include "mu/unit.h"

#include <stdlib.h>
#include <string.h>

static void put_to_weave(struct run *run);

static bool of_kind(const struct run *run, enum task_kind kind)
{
	return run->record.kind == kind;
}

/* ---- a spawn that has its place ---- */

/* Spawned is sent from now on, and the child's first result is pulled meanwhile. */
struct birth {
	struct run *run;
	struct task *spawned;
};

static void on_birth_durable(void *ctx, enum err e)
{
	struct birth *birth = ctx;
	struct run *run = birth->run;
	struct mu *mu = run->mu;

	if (e == OK) {
		crank_put(mu, birth->spawned, 0);
		crank_next(run, STAGE_PULL, run->nonce);
	} else {
		free(birth->spawned);
		run_end(run);
	}
	free(birth);
	mu_leave(mu);
}

/* The record of the Spawned message, which lies ready as the second item of the spawn. */
static enum err make_spawned(struct run *run, struct record *out, struct item *item)
{
	struct bytes raw;
	enum err e = task_get_item(run->mu->store, &run->arena, run->task->seq, PART_SPAWNED, &raw);

	if (e == OK)
		e = item_parse(item, &run->arena, raw, &run->note);
	if (e < 0)
		return e == E_FORMAT ? E_CORRUPT : e;
	*out = (struct record){
		.kind = TASK_SEND,
		.time_ms = run->record.time_ms,
		.item_bytes = (uint32_t)raw.len,
		.from = run->record.from,
		.to = run->record.from,
		.id = item->id,
		.root = run->record.root,
		.parent = run->record.id,
		.wallet = run->record.wallet,
	};
	return OK;
}

static void put_spawned(struct store_batch *b, uint64_t seq, const struct record *r, const struct item *item)
{
	struct trace trace = {.type = TRACE_MESSAGE,
			      .time_ms = r->time_ms,
			      .message = r->id,
			      .process = r->to,
			      .from = r->from,
			      .parent = r->parent,
			      .root = r->root,
			      .wallet = r->wallet};

	task_put(b, seq, r);
	task_put_item(b, seq, PART_ITEM, item->raw);
	trace_put(b, seq, &trace);
}

static void give_birth(struct run *run)
{
	struct mu *mu = run->mu;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct record spawned;
	struct item item;
	struct birth *birth;
	uint64_t seq;
	enum err e = make_spawned(run, &spawned, &item);

	locate_remember(mu->options.locate, run->record.id, run->scheduler, run->record.text);
	if (e < 0 || !mu_enter(mu)) {
		if (e < 0)
			crank_retry(run, e, &run->note);
		else
			run_end(run);
		return;
	}
	seq = mu_next_seq(mu, 1);
	put_spawned(&b, seq, &spawned, &item);
	task_del(&b, run->task->seq, TASK_SPAWN);
	run->record.kind = TASK_PULL;
	run->record.to = run->record.id;
	run->record.text = bytes_of(NULL, 0);
	task_put(&b, run->task->seq, &run->record);
	birth = malloc(sizeof(*birth));
	must(birth != NULL);
	*birth = (struct birth){.run = run, .spawned = task_new(seq, &spawned, STAGE_SEND)};
	mu_commit(mu, &b, on_birth_durable, birth);
}

/* ---- scheduled, or not ---- */

void send_assigned(struct mu *mu, uint64_t seq, struct record *record, struct id assignment, store_done *done,
		   void *ctx)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	record->kind = TASK_PULL;
	record->flags = 0;
	record->text = bytes_of(NULL, 0);
	record->id = assignment;
	if (id_is_zero(record->root))
		record->root = assignment;
	task_put(&b, seq, record);
	trace_assigned(&b, mu->store, seq, assignment);
	mu_commit(mu, &b, done, ctx);
}

/* The scheduler dedupes what processes send by its content as well, and then has it under
 * another id (ao-units 3.9). */
static bool has_equal(const struct run *run)
{
	return run->e == E_EXISTS && (of_kind(run, TASK_ASSIGN) || strstr(run->note.text, "Deep hash"));
}

static void scheduled(struct run *run)
{
	if (has_equal(run)) {
		crank_drop(run, "mu.equal", run->note.text);
	} else if (run->e < 0 && run->e != E_EXISTS) {
		crank_retry(run, run->e, &run->note);
	} else if (of_kind(run, TASK_SPAWN)) {
		give_birth(run);
	} else if (of_kind(run, TASK_ASSIGN)) {
		send_assigned(run->mu, run->task->seq, &run->record, run->told, NULL, NULL);
		crank_next(run, STAGE_PULL, run->nonce);
	} else {
		crank_next(run, STAGE_PULL, run->nonce);
	}
}

static void on_scheduled(void *ctx, enum err e, const struct note *note, const struct receipt *receipt)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	run_said(run, e, note);
	if (e == OK)
		run->nonce = receipt->nonce;
	if (e == OK && of_kind(run, TASK_ASSIGN) && id_parse(&run->told, receipt->id) < 0)
		run->e = note_err(&run->note, E_PEER, "the scheduler's answer to an assign has no id");
	run_later(run, scheduled);
	mu_leave(mu);
}

static void assign(struct run *run)
{
	run->text = id_text(run->record.id);
	run->assign = (struct assign){
		.process = run->record.to,
		.message = bytes_str(run->text.s),
		.base_layer = (run->record.flags & TASK_BASE_LAYER) != 0,
		.exclude = run->record.text,
	};
	run->scheduler.assign(run->scheduler.self, &run->assign, on_scheduled, run);
}

/* An earlier try may have assigned it. What the scheduler finds may also be a message that was
 * sent there. */
static void on_looked_up(void *ctx, enum err e, const struct note *note, const struct assignment *assignment)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	if (e == OK && !assignment->message && id_parse(&run->told, assignment->id) == OK) {
		run_said(run, OK, NULL);
		run->nonce = assignment->nonce;
		run_later(run, scheduled);
		mu_leave(mu);
	} else if (e == OK || e == E_NOT_FOUND) {
		assign(run);
	} else {
		run_said(run, e, note);
		run_later(run, scheduled);
		mu_leave(mu);
	}
}

/* ---- where it goes ---- */

/* The weave knows the receiver, or not: see above. */
static void found(struct run *run)
{
	if (run->e == OK && run->number == 0) {
		wallets_add(run->mu->wallets, run->record.to);
		put_to_weave(run);
		return;
	}
	crank_retry(run, run->e < 0 ? run->e : E_NOT_FOUND, &run->note);
}

static void on_found(void *ctx, enum err e, const struct note *note, const struct weave_meta *list, size_t count)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	run_said(run, e, note);
	run->number = e == OK && count && tags_includes(list[0].tags, "Type", "Process");
	if (run->number)
		note_err(&run->note, E_NOT_FOUND, "the scheduler of the process %s is not known",
			 id_text(run->record.to).s);
	run_later(run, found);
	mu_leave(mu);
}

/* No scheduler has it. A process that was spawned a moment ago may not be on the weave yet. */
static void not_located(struct run *run)
{
	const struct weave *weave = &run->mu->options.weave;

	if (!of_kind(run, TASK_SEND) || run->e != E_NOT_FOUND || trace_spawned(run->mu->store, run->record.to) ||
	    !mu_enter(run->mu)) {
		crank_retry(run, run->e, &run->note);
		return;
	}
	run->text = id_text(run->record.to);
	run->asked = bytes_str(run->text.s);
	run->query = (struct weave_query){.ids = &run->asked, .id_count = 1, .first = 1};
	weave->find(weave->self, &run->query, on_found, run);
}

static void on_located(void *ctx, enum err e, const struct note *note, struct scheduler scheduler, struct bytes address)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	(void)address;
	if (e < 0) {
		run_said(run, e, note);
		run_later(run, not_located);
		mu_leave(mu);
		return;
	}
	run->scheduler = scheduler;
	if (!of_kind(run, TASK_ASSIGN)) {
		scheduler.schedule(scheduler.self, run->item, on_scheduled, run);
	} else if (run->task->again) {
		run->text = id_text(run->record.id);
		scheduler.assignment(scheduler.self, run->record.to, bytes_str(run->text.s), on_looked_up, run);
	} else {
		assign(run);
	}
}

void send_step(struct run *run)
{
	struct mu *mu = run->mu;
	const struct record *r = &run->record;
	enum err e = OK;

	if (r->kind != TASK_ASSIGN)
		e = task_get_item(mu->store, &run->arena, run->task->seq, PART_ITEM, &run->item);
	if (e < 0) {
		crank_retry(run, e, NULL);
	} else if (r->kind == TASK_SEND && wallets_has(mu->wallets, r->to)) {
		put_to_weave(run);
	} else if (!mu_enter(mu)) {
		run_end(run);
	} else if (r->kind == TASK_SPAWN && !(r->flags & TASK_AT_PARENT)) {
		locate_address(mu->options.locate, r->text, on_located, run);
	} else {
		locate_process(mu->options.locate, r->kind == TASK_SPAWN ? r->from : r->to, on_located, run);
	}
}

/* ---- to a wallet ---- */

static void put_done(struct run *run)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	if (run->e < 0 && run->e != E_EXISTS)
		crank_retry(run, run->e, &run->note);
	else
		crank_done(run, &b, NULL, NULL);
}

static void on_put(void *ctx, enum err e, const struct note *note, struct bytes id)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	(void)id;
	run_said(run, e, note);
	run_later(run, put_done);
	mu_leave(mu);
}

static void put_to_weave(struct run *run)
{
	const struct weave *weave = &run->mu->options.weave;

	if (!mu_enter(run->mu)) {
		run_end(run);
		return;
	}
	weave->put(weave->self, run->item, on_put, run);
}
