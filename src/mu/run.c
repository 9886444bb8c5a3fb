/* SPDX-License-Identifier: MIT
 *
 * run: the struct that waits, and how it goes on.
 */
#include "base/pool.h"
#include "mu/unit.h"

#include <stdlib.h>

struct run *run_new(struct mu *mu, struct task *task)
{
	struct run *run = calloc(1, sizeof(*run));

	must(run != NULL);
	run->mu = mu;
	run->task = task;
	if (task)
		run->record = task->record;
	mu_hold(mu);
	return run;
}

void run_end(struct run *run)
{
	struct mu *mu = run->mu;
	struct note note = {0};

	if (run->request) {
		note_err(&note, E_CLOSED, "the message unit is shutting down");
		http_answer_err(run->request, E_CLOSED, &note);
	}
	arena_release(&run->arena);
	free(run);
	mu_let_go(mu);
}

void run_said(struct run *run, enum err e, const struct note *note)
{
	run->e = e;
	note_reset(&run->note);
	if (e < 0 && note)
		run->note = *note;
}

static void run_job(void *ctx)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	if (!mu_enter(mu)) {
		run_end(run);
		return;
	}
	run->step(run);
	mu_leave(mu);
}

void run_later(struct run *run, run_step *step)
{
	run->step = step;
	must(pool_put_always(run->mu->pool, run_job, run) == OK);
}

void run_computed(void *ctx, enum err e, const struct note *note, struct bytes result)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	if (!mu_enter(mu)) {
		run_end(run);
		return;
	}
	run_said(run, e, note);
	if (e == OK)
		run->answer = arena_copy(&run->arena, result);
	run_later(run, run->step);
	mu_leave(mu);
}

void run_result(struct run *run, run_step *step)
{
	const struct computer *computer = &run->mu->options.computer;

	run->step = step;
	run->text = id_text(run->record.id);
	computer->result(computer->self, run->record.to, bytes_str(run->text.s), run_computed, run);
}

static void on_facts(void *ctx, enum err e, const struct note *note, const struct facts *facts)
{
	struct run *run = ctx;
	struct mu *mu = run->mu;

	run_said(run, e, note);
	if (e == OK)
		run->facts = *facts;
	run_later(run, run->step);
	mu_leave(mu);
}

void run_facts(struct run *run, struct id process, run_step *step)
{
	struct mu *mu = run->mu;

	if (!mu_enter(mu)) {
		run_end(run);
		return;
	}
	run->step = step;
	facts_of(mu->facts, process, on_facts, run);
}
