/* SPDX-License-Identifier: MIT
 *
 * asks: what the port and the HTTP ask of a process, as jobs of it. A job that has evaluated what was asked for
 * ends; the answer follows when the results are durable, while the next job already evaluates.
 */
#include "cu/unit.h"
#include "flow/wait.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* One ask on its way. The job comes first, so that a job is its ask; the landing holds it after that. */
struct ask {
	struct job job;
	struct landing landing;
	struct cu *cu;
	struct id process;
	char id[ID_TEXT_LEN + 1]; /* of a message */
	uint64_t nonce;
	uint64_t to_ms;
	struct results_ask page;
	uint8_t cron_names[2][64]; /* what the page's cursors borrow */
	union {
		result_done *result;
		state_done *state;
	} done;
	void *ctx;
};

static struct ask *ask_of_landing(struct landing *l)
{
	return (struct ask *)((char *)l - offsetof(struct ask, landing));
}

static struct ask *ask_new(struct cu *cu, struct id process, void *ctx)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	must(ask != NULL);
	ask->cu = cu;
	ask->process = process;
	ask->ctx = ctx;
	ask->to_ms = UINT64_MAX;
	return ask;
}

static void answer(struct ask *ask, enum err e, const struct note *note, struct bytes json)
{
	ask->done.result(ask->ctx, e, e < 0 ? note : NULL, e < 0 ? bytes_of(NULL, 0) : json);
	free(ask);
}

/* ---- ways to a state ---- */

enum err advance_present(struct live *p, uint64_t to_ms, struct note *note)
{
	uint64_t now_ms = to_ms, height;
	enum err e = OK;

	if (to_ms != UINT64_MAX && p->tip.timestamp_ms > to_ms)
		return note_err(note, E_TOO_EARLY,
				"message at timestamp %" PRIu64
				" not found cached, and earlier than latest known nonce %" PRId64,
				to_ms, p->tip.nonce);
	e = advance_to(p, (struct bound){UINT64_MAX, to_ms}, note);
	if (e < 0 || p->cron_count == 0)
		return e;
	if (to_ms == UINT64_MAX)
		e = now_wait(&p->scheduler, p->process, &now_ms, &height, note);
	return e < 0 ? e : crons_run(p, now_ms, note);
}

enum err advance_message(struct live *p, const char *id, struct note *note)
{
	uint64_t nonce;
	enum err e = history_find(p, id, &nonce, note);

	if (e == OK && p->tip.nonce >= 0 && (uint64_t)p->tip.nonce > nonce)
		e = note_err(note, E_TOO_EARLY,
			     "message at nonce %" PRIu64
			     " not found cached, and earlier than latest known nonce %" PRId64,
			     nonce, p->tip.nonce);
	return e < 0 ? e : advance_to(p, (struct bound){nonce, UINT64_MAX}, note);
}

/* ---- result ---- */

static void on_result_landed(struct landing *l, enum err e)
{
	struct ask *ask = ask_of_landing(l);
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct result result = {0};

	if (e < 0)
		note_err(&note, e, "results cannot be written down: %s", err_sentence(e));
	else
		e = result_get(ask->cu->options.store, &a, ask->process, bytes_str(ask->id), &result);
	if (e == E_NOT_FOUND)
		e = note_err(&note, E_TOO_EARLY,
			     "message at nonce %" PRIu64 " not found cached, and earlier than latest known nonce",
			     ask->nonce);
	answer(ask, e, &note, result.json);
	arena_release(&a);
}

static void run_result(struct live *p, struct job *job, enum err e, const struct note *load_note)
{
	struct ask *ask = (struct ask *)job;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct result result = {0};

	if (load_note)
		note = *load_note;
	if (e == OK)
		e = result_get(p->cu->options.store, &a, p->process, bytes_str(ask->id),
			       &result); /* by an earlier job */
	if (e == E_NOT_FOUND && !load_note) {
		e = history_find(p, ask->id, &ask->nonce, &note);
		if (e == OK && p->tip.nonce < (int64_t)ask->nonce)
			e = advance_to(p, (struct bound){ask->nonce, UINT64_MAX}, &note);
		if (e == OK) {
			keep_when(p, &ask->landing);
			goto end;
		}
	}
	answer(ask, e, &note, result.json);
end:
	arena_release(&a);
}

void ask_result(struct cu *cu, struct id process, struct bytes id, result_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct result result = {0};
	struct ask *ask;
	struct id ignored;
	enum err e = id_parse(&ignored, id);

	if (e < 0)
		e = note_err(&note, E_ARGUMENT, "a message's id has 43 characters of base64url; this has not: \"%.*s\"",
			     BYTES_FMT(id));
	else
		e = result_get(cu->options.store, &a, process, id, &result);
	if (e == E_NOT_FOUND) {
		ask = ask_new(cu, process, ctx);
		memcpy(ask->id, id.ptr, id.len);
		ask->job.run = run_result;
		ask->landing.landed = on_result_landed;
		ask->done.result = done;
		e = live_put(cu, process, &ask->job, &note);
		if (e < 0)
			answer(ask, e, &note, bytes_of(NULL, 0));
	} else {
		done(ctx, e, e < 0 ? &note : NULL, e < 0 ? bytes_of(NULL, 0) : result.json);
	}
	arena_release(&a);
}

/* ---- state ---- */

static void run_state(struct live *p, struct job *job, enum err e, const struct note *load_note)
{
	struct ask *ask = (struct ask *)job;
	struct note note = {0};

	if (load_note)
		note = *load_note;
	if (e == OK)
		e = advance_present(p, ask->to_ms, &note);
	if (e == OK)
		e = advance_show(p, &note);
	ask->done.state(ask->ctx, e, e < 0 ? &note : NULL, e < 0 ? NULL : p);
	history_forget(p, true);
	free(ask);
}

void ask_state(struct cu *cu, struct id process, uint64_t to_ms, state_done *done, void *ctx)
{
	struct ask *ask = ask_new(cu, process, ctx);
	struct note note = {0};
	enum err e;

	ask->to_ms = to_ms;
	ask->job.run = run_state;
	ask->done.state = done;
	e = live_put(cu, process, &ask->job, &note);
	if (e < 0) {
		free(ask);
		done(ctx, e, &note, NULL);
	}
}

/* ---- crons ---- */

static void on_cron_landed(struct landing *l, enum err e)
{
	struct ask *ask = ask_of_landing(l);
	struct buf page = BUF_EMPTY;
	struct note note = {0};

	if (e < 0)
		note_err(&note, e, "results cannot be written down: %s", err_sentence(e));
	else
		e = results_page(&page, ask->cu->options.store, ask->process, &ask->page, NULL);
	answer(ask, e, &note, buf_bytes(&page));
	buf_release(&page);
}

static void run_cron(struct live *p, struct job *job, enum err e, const struct note *load_note)
{
	struct ask *ask = (struct ask *)job;
	struct note note = {0};

	if (load_note)
		note = *load_note;
	if (e == OK)
		e = advance_present(p, ask->to_ms, &note);
	/* What lies before the state at hand is stored. */
	if (e == OK || (e == E_TOO_EARLY && ask->to_ms != UINT64_MAX))
		keep_when(p, &ask->landing);
	else
		answer(ask, e, &note, bytes_of(NULL, 0));
}

static void keep_name(struct cursor *c, uint8_t room[64])
{
	c->cron.len = c->cron.len < 64 ? c->cron.len : 64;
	if (c->cron.len)
		memcpy(room, c->cron.ptr, c->cron.len);
	c->cron.ptr = room;
}

void ask_cron(struct cu *cu, struct id process, const struct results_ask *page, result_done *done, void *ctx)
{
	struct ask *ask = ask_new(cu, process, ctx);
	struct note note = {0};
	enum err e;

	ask->page = *page;
	ask->page.crons_only = true;
	keep_name(&ask->page.from, ask->cron_names[0]);
	keep_name(&ask->page.to, ask->cron_names[1]);
	if (page->to.given)
		ask->to_ms = page->to.key.timestamp_ms;
	ask->job.run = run_cron;
	ask->landing.landed = on_cron_landed;
	ask->done.result = done;
	e = live_put(cu, process, &ask->job, &note);
	if (e < 0)
		answer(ask, e, &note, bytes_of(NULL, 0));
}
