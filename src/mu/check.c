/* SPDX-License-Identifier: MIT
 *
 * check: did the scheduler take what a client posted? Asked when nobody knows: the unit was
 * restarted before it had cranked the message, or the scheduler did not answer. If it did, the
 * crank turns; if it did not, the client was told so (or got no answer at all), and the message
 * is forgotten.
 */
#include "flow/locate.h"
#include "mu/postings.h"
#include "mu/unit.h"

enum { CHECKS = 3 }; /* a post that was on its way when its answer was lost may still arrive */

static void forget(struct run *run)
{
	struct mu *mu = run->mu;
	struct store_batch b = STORE_BATCH_EMPTY;

	log_event(mu->log, LOG_INFO, "mu.unscheduled", "id=%s process=%s", id_text(run->record.id).s,
		  id_text(run->record.to).s);
	trace_forget(&b, mu->store, run->task->seq);
	crank_done(run, &b, NULL, NULL);
}

static void checked(struct run *run)
{
	const struct record *r = &run->record;

	if (run->e == OK && r->kind == TASK_ASSIGN)
		send_assigned(run->mu, run->task->seq, &run->record, run->told, NULL, NULL);
	if (run->e == OK)
		crank_next(run, STAGE_PULL, run->nonce);
	else if (run->e == E_NOT_FOUND && run->task->tries + 1 >= CHECKS &&
		 (r->kind == TASK_ASSIGN || postings_forget(run->mu->postings, r->to, r->id)))
		forget(run);
	else
		crank_retry(run, run->e, &run->note);
}

static void on_assignment(void *ctx, enum err e, const struct note *note, const struct assignment *assignment)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	run_said(run, e, note);
	if (e == OK)
		run->nonce = assignment->nonce;
	/* Of an assign only the assignment alone counts, not a message that the process was
	 * sent. */
	if (e == OK && run->record.kind == TASK_ASSIGN &&
	    (assignment->message || id_parse(&run->told, assignment->id) < 0))
		run->e = note_err(&run->note, E_NOT_FOUND, "the message was not assigned");
	run_later(run, checked);
	mu_leave(mu);
}

static void on_located(void *ctx, enum err e, const struct note *note, struct scheduler scheduler, struct bytes address)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	(void)address;
	if (e == OK && !id_eq(run->record.to, run->record.id)) {
		run->text = id_text(run->record.id);
		scheduler.assignment(scheduler.self, run->record.to, bytes_str(run->text.s), on_assignment, run);
		return;
	}
	run_said(run, e, note); /* a process that can be located has been scheduled */
	run_later(run, checked);
	mu_leave(mu);
}

void check_step(struct run *run)
{
	if (!mu_enter(run->mu)) {
		run_end(run);
		return;
	}
	locate_process(run->mu->options.locate, run->record.to, on_located, run);
}
