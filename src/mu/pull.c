/* SPDX-License-Identifier: MIT
 *
 * pull: the result of a message, and the tasks that its outbox becomes (ao-units 4.3, 4.4).
 *
 * A result with an Error is pushed like any other, as the reference does.
 */
#include "mu/unit.h"

#include <string.h>

/* What one process may have under way. Past it a process that sends itself more than it takes
 * fills the disk and nothing else. */
enum { PROCESS_TASKS_MAX = 100000 };

static void fan(struct run *run)
{
	const struct record *r = &run->record;
	struct fan_source source = {
		.process = r->to, .root = r->root, .parent = r->id, .wallet = r->wallet, .seed = r->id};
	struct fan *f;

	if (run->e < 0) {
		crank_retry(run, run->e, &run->note);
		return;
	}
	f = fan_new(run->mu);
	fan_out(f, &source, &run->facts, &run->outbox);
	crank_done(run, fan_end(f), fan_start, f);
}

/* A process that was posted with a target is assigned to it, before all else. */
static void add_target(struct run *run)
{
	struct outgoing *list = arena_new_array(&run->arena, run->outbox.count + 1, struct outgoing);

	list[0] = (struct outgoing){.kind = TASK_ASSIGN, .message = run->record.id};
	memcpy(list[0].target.b, run->record.text.ptr, 32);
	if (run->outbox.count)
		memcpy(list + 1, run->outbox.list, run->outbox.count * sizeof(*list));
	run->outbox = (struct outbox){list, run->outbox.count + 1};
}

static enum err read_outbox(struct run *run, struct note *note)
{
	const struct json *result;
	enum err e = json_parse(&result, &run->arena, run->answer, note);

	if (e == OK)
		e = outbox_read(&run->outbox, &run->arena, result, note);
	if (e == OK && run->record.kind == TASK_PULL && run->record.text.len == 32)
		add_target(run);
	return e < 0 ? E_PEER : OK;
}

static void pulled(struct run *run)
{
	struct mu *mu = run->mu;
	struct id process = run->record.to;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct note note = {0};
	enum err e = run->e;

	/* A compute unit that has gone past the process's own message may not say its result
	 * again (ao-units 5.3). */
	if (e == E_TOO_EARLY && id_eq(process, run->record.id)) {
		crank_done(run, &b, NULL, NULL);
		return;
	}
	if (e < 0) {
		crank_retry(run, e, &run->note);
		return;
	}
	e = read_outbox(run, &note);
	if (e < 0) {
		crank_retry(run, e, &note);
	} else if (run->outbox.count == 0) {
		crank_done(run, &b, NULL, NULL);
	} else if (queue_count_of(mu->queues[STAGE_SEND], process) + queue_count_of(mu->queues[STAGE_PULL], process) >
		   PROCESS_TASKS_MAX) {
		note_err(&note, E_LIMIT,
			 "the process has more than %d messages under way; what this result sends is not sent",
			 PROCESS_TASKS_MAX);
		crank_retry(run, E_LIMIT, &note);
	} else {
		run_facts(run, process, fan);
	}
}

void pull_step(struct run *run)
{
	run_result(run, pulled);
}
