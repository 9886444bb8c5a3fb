/* SPDX-License-Identifier: MIT
 *
 * accept: what a client posts is checked, written down, scheduled, and answered 202 (ao-units
 * 4.2).
 *
 *   item --verify--> seen before? --> where is its process? --> task, durable --> schedule --> 202, and the crank
 *
 * The task is written before the scheduler is asked, and says only which message of which
 * process is meant. If the scheduler says no, it is struck off again. If nothing is heard, or
 * the unit dies meanwhile, check.c asks what became of it. So the 202 needs no second write,
 * and there is no scheduled message without a task.
 *
 * Everything that is borrowed lies in the request, which lives until it is answered.
 */
#include "base/clock.h"
#include "flow/locate.h"
#include "msg/item.h"
#include "mu/gate.h"
#include "mu/postings.h"
#include "mu/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A post on its way. Inside the unit from accept_post to finish. */
struct post {
	struct mu *mu;
	struct http_request *request; /* the first; postings.h has the others */
	struct record record;
	uint64_t seq;
	bool has_task; /* of an earlier post of the same message */
	struct bytes item;
	struct assign assign;
	struct scheduler scheduler;
	struct id_text address; /* of the scheduler, when a process is posted */
};

static bool is_assign(const struct post *post)
{
	return post->record.kind == TASK_ASSIGN || post->assign.message.len;
}

/* A proxy says for whom it asks. */
static struct bytes client_ip(struct http_request *r)
{
	struct bytes ip = http_header(r, "x-forwarded-for");

	if (ip.len == 0)
		ip = bytes_str(http_peer(r));
	return bytes_starts(ip, "::ffff:") ? bytes_from(ip, strlen("::ffff:")) : ip;
}

/* ---- the answer ---- */

struct answer {
	const struct post *post;
	enum err e;
	const struct note *note;
};

static void answer(void *ctx, struct http_request *request)
{
	const struct answer *a = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	if (a->e < 0) {
		http_answer_err(request, a->e, a->note);
		return;
	}
	jw_object(&w);
	jw_member(&w, "message", is_assign(a->post) ? BYTES("Processing Assignment") : BYTES("Processing DataItem"));
	jw_member(&w, "id", bytes_str(id_text(a->post->record.id).s));
	jw_object_end(&w);
	http_answer_buf(request, 202, HTTP_JSON, &json);
}

/* Answers everybody who waits for this post, and ends it. */
static void finish(struct post *post, enum posting_outcome outcome, enum err e, const struct note *note)
{
	struct mu *mu = post->mu;
	struct answer a = {post, e, note};

	if (is_assign(post))
		answer(&a, post->request);
	else
		postings_end(mu->postings, post->record.to, post->record.id, outcome, answer, &a);
	free(post);
	mu_leave(mu);
}

/* ---- scheduled, or not ---- */

static void crank(struct post *post, enum stage stage, uint64_t order)
{
	crank_put(post->mu, task_new(post->seq, &post->record, stage), order);
	crank_move(post->mu);
}

/* The scheduler may or may not have it. */
static bool doubtful(enum err e)
{
	return e == E_PEER || e == E_TIMEOUT || e == E_IO || e == E_CLOSED || e == E_CORRUPT;
}

static void strike_off(struct post *post)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	task_del(&b, post->seq, post->record.kind);
	trace_forget(&b, post->mu->store, post->seq);
	mu_commit(post->mu, &b, NULL, NULL);
}

static void refused(struct post *post, enum err e, const struct note *note)
{
	struct note ours = note ? *note : (struct note){0};

	if (e == E_EXISTS && !is_assign(post))
		note_hint(&ours, "it reached its process another way, and who sent it there pushes its results; POST "
				 "/push/{id}/{n}?process-id={process} pushes one again");
	if (post->has_task) {
		finish(post, POSTING_REFUSED, e, &ours);
	} else if (doubtful(e)) {
		crank(post, STAGE_CHECK, 0);
		finish(post, POSTING_DOUBTFUL, e, &ours);
	} else {
		strike_off(post);
		finish(post, POSTING_REFUSED, e, &ours);
	}
}

static void on_scheduled(void *ctx, enum err e, const struct note *note, const struct receipt *receipt)
{
	struct post *post = ctx;

	/* With a task of ours it exists because we sent it. */
	if (e == E_EXISTS && post->has_task && !(note && strstr(note->text, "Deep hash")))
		e = OK;
	if (e < 0) {
		refused(post, e, note);
		return;
	}
	if (post->address.s[0])
		locate_remember(post->mu->options.locate, post->record.to, post->scheduler, bytes_str(post->address.s));
	log_event(post->mu->log, LOG_DEBUG, "mu.accept", "id=%s process=%s", id_text(post->record.id).s,
		  id_text(post->record.to).s);
	if (!post->has_task)
		crank(post, STAGE_PULL, receipt->nonce);
	finish(post, POSTING_TAKEN, OK, NULL);
}

static void on_assigned_durable(void *ctx, enum err e)
{
	struct post *post = ctx;
	struct note note = {0};

	if (e == OK) {
		crank(post, STAGE_PULL, 0);
		finish(post, POSTING_TAKEN, OK, NULL);
		return;
	}
	note_err(&note, e,
		 "the message was assigned, but the message unit's store failed: its results are pushed "
		 "after a restart");
	finish(post, POSTING_DOUBTFUL, e, &note);
}

static void on_assigned(void *ctx, enum err e, const struct note *note, const struct receipt *receipt)
{
	struct post *post = ctx;
	struct note ours = {0};
	struct id assignment;

	if (e == OK && id_parse(&assignment, receipt->id) < 0) {
		e = note_err(&ours, E_PEER, "the scheduler's answer has no id");
		note = &ours;
	}
	if (e < 0)
		refused(post, e, note);
	else
		send_assigned(post->mu, post->seq, &post->record, assignment, on_assigned_durable, post);
}

/* ---- written down ---- */

static void on_durable(void *ctx, enum err e)
{
	struct post *post = ctx;
	struct scheduler *s = &post->scheduler;
	struct note note = {0};

	if (e < 0) {
		note_err(&note, e, "the message could not be written down, and was not sent: %s", err_sentence(e));
		note_hint(&note, "look at the disk of the message unit, restart it, and send again");
		finish(post, POSTING_REFUSED, e, &note);
	} else if (is_assign(post)) {
		s->assign(s->self, &post->assign, on_assigned, post);
	} else {
		s->schedule(s->self, post->item, on_scheduled, post);
	}
}

static void write_down(struct post *post)
{
	const struct record *r = &post->record;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct trace trace = {
		.type = is_assign(post)       ? TRACE_ASSIGN
			: id_eq(r->to, r->id) ? TRACE_PROCESS
					      : TRACE_MESSAGE,
		.time_ms = r->time_ms,
		.message = is_assign(post) ? (struct id){{0}} : r->id,
		.assigned = is_assign(post) ? r->id : (struct id){{0}},
		.process = r->to,
		.root = r->root,
		.wallet = r->wallet,
		.ip = client_ip(post->request),
	};

	post->seq = mu_next_seq(post->mu, 1);
	task_put(&b, post->seq, r);
	trace_put(&b, post->seq, &trace);
	mu_commit(post->mu, &b, on_durable, post);
}

static void on_located(void *ctx, enum err e, const struct note *note, struct scheduler scheduler, struct bytes address)
{
	struct post *post = ctx;
	struct note ours = note ? *note : (struct note){0};

	(void)address;
	if (e < 0) {
		if (e == E_NOT_FOUND && !ours.hint[0])
			note_hint(&ours, "check its id; a process that was spawned a moment ago may take a while to be "
					 "found");
		finish(post, POSTING_REFUSED, e, &ours);
		return;
	}
	post->scheduler = scheduler;
	if (post->has_task)
		on_durable(post, OK);
	else
		write_down(post);
}

/* ---- checks ---- */

enum err accept_item(struct item *out, struct http_request *r, struct note *note)
{
	struct note cause = {0};
	enum err e = item_parse(out, http_arena(r), http_body(r), &cause);

	if (e == OK)
		e = item_verify(out, &cause);
	if (e == E_UNSUPPORTED) /* what is no item at all begins with some number, too */
		e = E_FORMAT;
	if (e < 0) {
		note_err(note, e, "'body': A valid and signed data item must be provided as the body. %s",
			 note_text(&cause, e));
		note_hint(note, "send the bytes of an ANS-104 data item as application/octet-stream");
	}
	return e;
}

/* What the item is: the earlier of the two types decides. */
static enum err read_type(const struct item *item, bool *is_process, struct note *note)
{
	if (!tags_includes(item->tags, "Data-Protocol", "ao"))
		return note_err(note, E_ARGUMENT, "Tag 'Data-Protocol': must contain 'ao'");
	for (size_t i = 0; i < item->tags.count; i++) {
		const struct tag *t = &item->tags.list[i];
		if (!bytes_eq_str(t->name, "Type"))
			continue;
		*is_process = bytes_eq_str(t->value, "Process");
		if (*is_process || bytes_eq_str(t->value, "Message"))
			return OK;
	}
	return note_err(note, E_ARGUMENT, "Tag 'Type': must be either 'Process' or 'Message'");
}

static enum err read_item(struct post *post, struct bytes *scheduler, struct note *note)
{
	struct record *r = &post->record;
	struct item item;
	bool is_process = false;
	enum err e = accept_item(&item, post->request, note);

	if (e == OK)
		e = read_type(&item, &is_process, note);
	if (e < 0)
		return e;
	*r = (struct record){.kind = TASK_PULL,
			     .flags = TASK_POSTED,
			     .time_ms = clock_ms(),
			     .id = item.id,
			     .root = item.id,
			     .wallet = id_of_sha256(item.owner)};
	post->item = item.raw;
	if (!is_process && item.target.len != 32) {
		note_err(note, E_ARGUMENT, "the message has no target: it says no process that it is for");
		note_hint(note, "set the item's target to the id of the process");
		return E_ARGUMENT;
	}
	if (!is_process) {
		memcpy(r->to.b, item.target.ptr, 32);
		return OK;
	}
	r->to = item.id;
	r->text = item.target;
	*scheduler = tags_get(item.tags, "Scheduler");
	if (scheduler->len == 0) {
		note_err(note, E_ARGUMENT, "No Scheduler tag found on 'Process' DataItem");
		note_hint(note, "add a Scheduler tag with the address of a scheduler");
		return E_ARGUMENT;
	}
	return OK;
}

static enum err read_assign(struct post *post, struct http_request *r, struct note *note)
{
	struct bytes process, ignored;
	bool has_process = http_query(r, "process-id", &process),
	     has_assign = http_query(r, "assign", &post->assign.message);
	struct record *record = &post->record;

	if (!has_process || !has_assign)
		return note_err(note, E_ARGUMENT,
				"You must set both process-id and assign to send an assignment, not just one");
	*record = (struct record){.kind = TASK_ASSIGN, .flags = TASK_POSTED, .time_ms = clock_ms()};
	if (id_parse(&record->to, process) < 0)
		return note_err(note, E_ARGUMENT, "'process-id' is not an id of 43 characters: \"%.*s\"",
				BYTES_FMT(process));
	if (id_parse(&record->id, post->assign.message) < 0)
		return note_err(note, E_ARGUMENT, "'assign' is not an id of 43 characters: \"%.*s\"",
				BYTES_FMT(post->assign.message));
	post->assign.base_layer = http_query(r, "base-layer", &ignored);
	http_query(r, "exclude", &post->assign.exclude);
	if (!exclude_valid(post->assign.exclude))
		return note_err(note, E_ARGUMENT, "'exclude' is not a list of field names with commas between them");
	post->assign.process = record->to;
	record->flags |= post->assign.base_layer ? TASK_BASE_LAYER : 0;
	record->text = post->assign.exclude;
	return OK;
}

static enum err check_room(struct mu *mu, struct id process, struct note *note)
{
	if (atomic_load(&mu->broken)) {
		note_err(note, E_IO, "the message unit's store has failed: nothing new is taken");
		note_hint(note, "look at the disk of the message unit, and restart it");
		return E_IO;
	}
	if (postings_count(mu->postings) >= mu->options.posted_max)
		return note_err(note, E_BUSY, "%zu posted messages are under way already", mu->options.posted_max);
	if (queue_count_of(mu->queues[STAGE_PULL], process) >= (mu->options.posted_max + 3) / 4)
		return note_err(note, E_BUSY, "the process %s has too many messages waiting", id_text(process).s);
	return OK;
}

/* What the operator allows. A process that is posted is on no list yet. */
static enum err check_gate(struct post *post, bool is_process, struct note *note)
{
	struct gate *g = post->mu->gate;
	const struct record *r = &post->record;
	enum err e = is_process ? OK : gate_process(g, r->to, note);

	if (e == OK && !is_assign(post)) /* an assign is nobody's */
		e = gate_count(g, r->wallet, is_process ? (struct id){{0}} : r->to, client_ip(post->request),
			       r->time_ms, note);
	return e;
}

/* ---- the handler ---- */

/* Whether it was cranked before, as its trace remembers. One that had been given up gets
 * another chance. */
static bool was_cranked(struct post *post)
{
	struct mu *mu = post->mu;
	struct note note = {0};
	uint64_t seq;

	if (!trace_find(mu->store, post->record.id, post->record.to, &seq))
		return false;
	(void)!crank_again(mu, seq, &note);
	return true;
}

static void accept_item_post(struct post *post)
{
	struct mu *mu = post->mu;
	struct http_request *request = post->request;
	struct bytes scheduler = {0};
	struct note note = {0};
	struct answer a = {.post = post, .note = &note};

	a.e = read_item(post, &scheduler, &note);
	if (a.e == OK)
		a.e = check_room(mu, post->record.to, &note);
	if (a.e < 0) {
		answer(&a, request);
		free(post);
		mu_leave(mu);
		return;
	}
	switch (postings_begin(mu->postings, post->record.to, post->record.id, request)) {
	case POSTING_JOINED:
		free(post);
		mu_leave(mu);
		return;
	case POSTING_ACCEPTED:
		answer(&a, request);
		free(post);
		mu_leave(mu);
		return;
	case POSTING_AGAIN:
		post->has_task = true;
		break;
	case POSTING_FIRST:
		if (was_cranked(post)) {
			finish(post, POSTING_KNOWN, OK, NULL);
			return;
		}
		a.e = check_gate(post, scheduler.len > 0, &note);
		if (a.e < 0) {
			finish(post, POSTING_REFUSED, a.e, &note);
			return;
		}
		break;
	}
	if (scheduler.len) {
		wallets_del(mu->wallets, post->record.to);
		snprintf(post->address.s, sizeof(post->address.s), "%.*s", BYTES_FMT(scheduler));
		locate_address(mu->options.locate, scheduler, on_located, post);
	} else {
		locate_process(mu->options.locate, post->record.to, on_located, post);
	}
}

void accept_post(void *ctx, struct http_request *r)
{
	struct mu *mu = ctx;
	struct post *post;
	struct note note = {0};
	struct bytes ignored;
	enum err e;

	if (!mu_enter(mu)) {
		http_answer_err(r, E_CLOSED, NULL);
		return;
	}
	post = calloc(1, sizeof(*post));
	must(post != NULL);
	post->mu = mu;
	post->request = r;
	if (!http_query(r, "process-id", &ignored) && !http_query(r, "assign", &ignored)) {
		accept_item_post(post);
		return;
	}
	e = read_assign(post, r, &note);
	if (e == OK)
		e = check_room(mu, post->record.to, &note);
	if (e == OK)
		e = check_gate(post, false, &note);
	if (e == OK) {
		locate_process(mu->options.locate, post->record.to, on_located, post);
		return;
	}
	http_answer_err(r, e, &note);
	free(post);
	mu_leave(mu);
}
