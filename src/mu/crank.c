/* SPDX-License-Identifier: MIT
 *
 * crank: where each task stands, and what becomes of it.
 *
 *   CHECK  a post of an earlier run, or one whose answer was lost: does the scheduler have it? If
 *          not, it is forgotten
 *   SEND   to the scheduler, or to the weave when it is for a wallet (then it is done)
 *   PULL   its result, whose outbox becomes new tasks
 *
 *     post ------------> PULL          each stage has a queue (queue.h) with lanes of its own:
 *     outbox ---> SEND --> PULL           SEND  sender -> receiver: messages of one to one keep their order
 *     restart --> CHECK -> PULL           PULL  process: results in the order of its history, so what it sends
 *                                               in answer to n comes before what it sends for n + 1
 *
 * The order of a history is known from the scheduler's answers. From one in the same process
 * they come in order; over HTTP two messages that are scheduled within the same moment may be
 * heard of the other way round, and so may what is sent for them.
 *
 * A task changes in the store only when something comes of it: an outbox and the end of the
 * task whose result held it are one batch. Any step may therefore be repeated after a crash: it
 * finds the message scheduled already, pulls the same result, and builds the outbox that nobody
 * has seen yet.
 */
#include "base/pool.h"
#include "base/timer.h"
#include "mu/postings.h"
#include "mu/unit.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	NOT_FOUND_TRIES = 6,
	DELAY_DOUBLINGS = 7,
	FAILED_MAX = 50000,
};

/* Between whom the task keeps its order: from lane[0] to lane[1]. */
static void lane_of(struct id lane[2], const struct task *task)
{
	const struct record *r = &task->record;

	switch (task->stage) {
	case STAGE_CHECK:
		lane[0] = r->to;
		lane[1] = r->id;
		return;
	case STAGE_PULL:
		lane[0] = r->to;
		lane[1] = r->to;
		return;
	case STAGE_SEND:
	case STAGE_COUNT:
		break;
	}
	lane[0] = r->from;
	lane[1] = r->kind == TASK_SPAWN ? id_of_sha256(r->text) : r->to;
}

void crank_put(struct mu *mu, struct task *task, uint64_t order)
{
	struct id lane[2];

	lane_of(lane, task);
	task->entry.order = order;
	queue_put(mu->queues[task->stage], lane[0], lane[1], &task->entry);
}

/* ---- moving ---- */

static void start(struct run *run)
{
	switch (run->task->stage) {
	case STAGE_CHECK:
		check_step(run);
		return;
	case STAGE_PULL:
		pull_step(run);
		return;
	case STAGE_SEND:
	case STAGE_COUNT:
		break;
	}
	send_step(run);
}

void crank_move(struct mu *mu)
{
	for (size_t i = 0; i < STAGE_COUNT; i++) {
		struct entry *entry;
		while (!atomic_load(&mu->broken) && (entry = queue_take(mu->queues[i])) != NULL)
			run_later(run_new(mu, (struct task *)entry), start);
	}
}

/* ---- what becomes of it ---- */

static struct queue *queue_of(const struct run *run)
{
	return run->mu->queues[run->task->stage];
}

void crank_next(struct run *run, enum stage stage, uint64_t order)
{
	struct mu *mu = run->mu;
	struct task *task = run->task;

	queue_end(queue_of(run), &task->entry);
	task->stage = stage;
	task->record = run->record; /* a text stays where it is, in the task */
	task->tries = 0;
	task->entry.bytes = 0;
	crank_put(mu, task, order);
	run_end(run);
	crank_move(mu);
}

/* The task is no more, and makes room for the next. */
static void end_task(struct run *run)
{
	struct mu *mu = run->mu;
	struct task *task = run->task;

	if ((run->record.flags & TASK_POSTED) && run->record.kind == TASK_PULL)
		postings_cranked(mu->postings, run->record.to, run->record.id);
	queue_end(queue_of(run), &task->entry);
	free(task);
	run_end(run);
	crank_move(mu);
}

void crank_done(struct run *run, struct store_batch *b, store_done *done, void *ctx)
{
	task_del(b, run->task->seq, run->record.kind);
	if (done)
		mu_commit(run->mu, b, done, ctx);
	else /* a task that comes back after a power cut finds that all it asks for was done */
		mu_commit_lazy(run->mu, b);
	end_task(run);
}

void crank_drop(struct run *run, const char *event, const char *why)
{
	struct mu *mu = run->mu;
	struct store_batch b = STORE_BATCH_EMPTY;

	log_event(mu->log, LOG_INFO, event, "id=%s to=%s why=\"%s\"", id_text(run->record.id).s,
		  id_text(run->record.to).s, why);
	trace_error(&b, mu->store, run->task->seq, bytes_str(why));
	crank_done(run, &b, NULL, NULL);
}

static bool take_oldest(void *ctx, uint64_t seq, const struct record *r, struct bytes why)
{
	struct store_batch *b = ctx;

	task_forget(b, seq, r->kind);
	return false;
}

/* Given up, and kept for the operator. Of very many the oldest go. A task that was refused
 * outright is more likely its sender's affair than ours. */
static void fail(struct run *run, bool tried_enough, const char *why)
{
	struct mu *mu = run->mu;
	struct store_batch b = STORE_BATCH_EMPTY;

	log_event(mu->log, tried_enough ? LOG_BROKEN : LOG_ODD, "mu.failed",
		  "task=%" PRIu64 " id=%s from=%s to=%s tries=%u why=\"%s\"", run->task->seq, id_text(run->record.id).s,
		  id_text(run->record.from).s, id_text(run->record.to).s, run->task->tries, why);
	task_fail(&b, run->task->seq, &run->record, bytes_str(why));
	trace_error(&b, mu->store, run->task->seq, bytes_str(why));
	if (atomic_fetch_add(&mu->failed, 1) >= FAILED_MAX &&
	    task_scan(mu->store, TABLE_FAILED, 0, 1, take_oldest, &b) == OK)
		atomic_fetch_sub(&mu->failed, 1);
	mu_commit(mu, &b, NULL, NULL);
	end_task(run);
}

/* ---- once more ---- */

/* Whether asking again is of no use. */
static bool hopeless(enum err e)
{
	switch (e) {
	case E_FORMAT:
	case E_SIGNATURE:
	case E_LIMIT:
	case E_EXISTS:
	case E_ARGUMENT:
	case E_UNSUPPORTED:
	case E_DENIED:
	case E_CHAIN:
	case E_METHOD:
	case E_TOO_EARLY:
		return true;
	case OK:
	case E_NOT_FOUND:
	case E_BUSY:
	case E_IO:
	case E_CORRUPT:
	case E_PEER:
	case E_TIMEOUT:
	case E_CLOSED:
	case E_WORKER:
	case E_RATE:
		return false;
	}
	return false;
}

struct nap {
	struct mu *mu;
	struct task *task;
};

static void wake(void *ctx, bool closing)
{
	struct nap *nap = ctx;
	struct mu *mu = nap->mu;

	if (!closing && mu_enter(mu)) {
		queue_resume(mu->queues[nap->task->stage], &nap->task->entry);
		crank_move(mu);
		mu_leave(mu);
	}
	free(nap);
}

void crank_retry(struct run *run, enum err e, const struct note *note)
{
	struct mu *mu = run->mu;
	struct task *task = run->task;
	bool refused_for_now = e == E_BUSY || e == E_RATE || e == E_CLOSED;
	size_t tries_max = mu->options.tries_max;
	unsigned doublings = task->tries < DELAY_DOUBLINGS ? task->tries : DELAY_DOUBLINGS;
	struct nap *nap;

	if (e == E_NOT_FOUND && tries_max > NOT_FOUND_TRIES)
		tries_max = NOT_FOUND_TRIES;
	if (!refused_for_now)
		task->tries++;
	if (hopeless(e) || task->tries >= tries_max) {
		fail(run, !hopeless(e), note_text(note, e));
		return;
	}
	log_event(mu->log, LOG_ODD, "mu.retry", "task=%" PRIu64 " id=%s to=%s tries=%u why=\"%s\"", task->seq,
		  id_text(run->record.id).s, id_text(run->record.to).s, task->tries, note_text(note, e));
	task->again = true;
	nap = malloc(sizeof(*nap));
	must(nap != NULL);
	*nap = (struct nap){mu, task};
	queue_pause(queue_of(run), &task->entry);
	run_end(run);
	timer_after(mu->timer, mu->options.retry_ms << doublings, wake, nap);
	crank_move(mu);
}

/* ---- tasks of an earlier run ---- */

static enum stage first_stage(const struct record *r)
{
	if (r->flags & TASK_POSTED)
		return STAGE_CHECK;
	return r->kind == TASK_PULL ? STAGE_PULL : STAGE_SEND;
}

static void resume(struct mu *mu, uint64_t seq, const struct record *r)
{
	struct task *task = task_new(seq, r, first_stage(r));

	task->again = true;
	if ((r->flags & TASK_POSTED) && r->kind == TASK_PULL)
		postings_resumed(mu->postings, r->to, r->id);
	crank_put(mu, task, 0);
}

static bool resume_row(void *ctx, uint64_t seq, const struct record *r, struct bytes why)
{
	(void)why;
	resume(ctx, seq, r);
	return true;
}

static bool count_row(void *ctx, uint64_t seq, const struct record *r, struct bytes why)
{
	struct mu *mu = ctx;

	(void)seq, (void)r, (void)why;
	atomic_fetch_add(&mu->failed, 1);
	return true;
}

enum err crank_resume(struct mu *mu, struct note *note)
{
	uint64_t last = 0;
	size_t tasks = 0;
	enum err e = task_last_seq(mu->store, &last);

	atomic_init(&mu->seq, last + 1);
	if (e == OK)
		e = fan_undo(mu);
	if (e == OK)
		e = task_scan(mu->store, TABLE_TASK, 0, 0, resume_row, mu);
	if (e == OK)
		e = task_scan(mu->store, TABLE_FAILED, 0, 0, count_row, mu);
	if (e < 0)
		return note_err(note, e, "the tasks of the message unit cannot be read");
	for (size_t i = 0; i < STAGE_COUNT; i++)
		tasks += queue_count(mu->queues[i]);
	if (tasks || atomic_load(&mu->failed))
		log_event(mu->log, LOG_INFO, "mu.resume", "tasks=%zu failed=%zu", tasks, atomic_load(&mu->failed));
	return OK;
}

enum err crank_again(struct mu *mu, uint64_t seq, struct note *note)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	struct arena a = ARENA_EMPTY;
	struct record r;
	struct bytes why;
	enum err e;

	/* Two who ask for the same task must not both get it; the commit is waited for, so the
	 * second finds nothing. */
	pthread_mutex_lock(&mu->again);
	e = task_get_failed(mu->store, &a, seq, &r, &why);
	if (e == OK) {
		task_revive(&b, seq, &r);
		trace_error(&b, mu->store, seq, bytes_of(NULL, 0));
		e = store_commit_wait(mu->store, &b);
	}
	pthread_mutex_unlock(&mu->again);
	if (e == OK) {
		atomic_fetch_sub(&mu->failed, 1);
		resume(mu, seq, &r);
		crank_move(mu);
	} else if (e == E_NOT_FOUND) {
		note_err(note, e, "no task with the number %" PRIu64 " has failed", seq);
		note_hint(note, "GET /tasks lists those that have");
	}
	arena_release(&a);
	return e;
}
