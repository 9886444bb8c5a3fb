/* SPDX-License-Identifier: MIT
 *
 * push: POST /push/{id}/{n}?process-id=P sends the n-th message of a result once more (ao-units
 * 4.12). What its receiver has had already the scheduler refuses by its content, so this is
 * safe; it is for results that were lost, or that nobody pushed.
 */
#include "mu/unit.h"

#include <stdlib.h>

static void refuse(struct run *run, enum err e, const struct note *note)
{
	http_answer_err(run->request, e, note);
	run->request = NULL;
	run_end(run);
}

struct pushed {
	struct run *run;
	struct fan *fan;
};

static void on_durable(void *ctx, enum err e)
{
	struct pushed *pushed = ctx;
	struct run *run = pushed->run;
	struct mu *mu = run->mu;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	fan_start(pushed->fan, e);
	free(pushed);
	if (e < 0) {
		refuse(run, e, NULL);
	} else {
		jw_object(&w);
		jw_member(&w, "message", BYTES("Processing Message Result"));
		jw_member(&w, "id", bytes_str(run->text.s));
		jw_object_end(&w);
		http_answer_buf(run->request, 202, HTTP_JSON, &json);
		run->request = NULL;
		run_end(run);
	}
	mu_leave(mu);
}

static void send(struct run *run)
{
	struct mu *mu = run->mu;
	const struct record *r = &run->record;
	struct fan_source source = {.process = r->to, .root = r->id, .parent = r->id, .seed = r->id};
	struct pushed *pushed;

	if (run->e < 0 || !mu_enter(mu)) {
		refuse(run, run->e < 0 ? run->e : E_CLOSED, &run->note);
		return;
	}
	pushed = calloc(1, sizeof(*pushed));
	must(pushed != NULL);
	source.wallet = run->facts.owner;
	pushed->run = run;
	pushed->fan = fan_new(mu);
	fan_out(pushed->fan, &source, &run->facts, &run->outbox);
	mu_commit(mu, fan_end(pushed->fan), on_durable, pushed);
}

static void computed(struct run *run)
{
	const struct json *result;
	struct note note = {0};
	enum err e = run->e;

	if (e < 0) {
		refuse(run, e, &run->note);
		return;
	}
	e = json_parse(&result, &run->arena, run->answer, &note);
	if (e < 0) {
		refuse(run, E_PEER, &note);
	} else if (!outbox_message(&run->outbox, &run->arena, result, run->number)) {
		note_err(&note, E_ARGUMENT, "Message number does not exist in the result.");
		refuse(run, E_ARGUMENT, &note);
	} else if (run->outbox.count == 0) {
		note_err(&note, E_ARGUMENT, "that message has no target: it is sent to nobody");
		refuse(run, E_ARGUMENT, &note);
	} else {
		run_facts(run, run->record.to, send);
	}
}

void push_post(void *ctx, struct http_request *r)
{
	struct mu *mu = ctx;
	struct run *run = run_new(mu, NULL);
	struct note note = {0};
	struct bytes process;
	enum err e = OK;

	run->request = r;
	if (!mu_enter(mu)) {
		run_end(run);
		return;
	}
	if (!bytes_u64(http_segment(r, 1), &run->number))
		e = note_err(&note, E_ARGUMENT, "'number' parameter must be a valid number");
	else if (id_parse(&run->record.id, http_segment(r, 0)) < 0)
		e = note_err(&note, E_ARGUMENT, "the message's id has not 43 characters: \"%.*s\"",
			     BYTES_FMT(http_segment(r, 0)));
	else if (!http_query(r, "process-id", &process) || id_parse(&run->record.to, process) < 0)
		e = note_err(&note, E_ARGUMENT, "'process-id': the id of the process is missing or is no id");
	if (e < 0)
		refuse(run, e, &note);
	else
		run_result(run, computed);
	mu_leave(mu);
}
