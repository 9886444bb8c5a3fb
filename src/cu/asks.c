/* SPDX-License-Identifier: MIT
 *
 * asks: what the port and the HTTP ask of a process, as jobs of it.
 */
#include "cu/unit.h"
#include "flow/wait.h"

#include <stdlib.h>
#include <string.h>

/* One ask on its way. The job comes first, so that a job is its ask. */
struct ask {
	struct job job;
	struct cu *cu;
	struct id process;
	char id[ID_TEXT_LEN + 1]; /* of a message; may be empty */
	struct results_ask page;
	uint8_t cron_name[64]; /* what the page's cursor borrows */
	union {
		result_done *result;
		present_done *present;
	} done;
	void *ctx;
};

static struct ask *ask_new(struct cu *cu, struct id process, struct bytes id, void *ctx)
{
	struct ask *ask = calloc(1, sizeof(*ask));

	must(ask != NULL);
	ask->cu = cu;
	ask->process = process;
	ask->ctx = ctx;
	if (id.len && id.len <= ID_TEXT_LEN)
		memcpy(ask->id, id.ptr, id.len);
	return ask;
}

/* The nonce of a message of this process. */
static enum err find_nonce(struct live *p, const char *id, uint64_t *nonce, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct assignment assignment;
	enum err e = assignment_wait(&p->scheduler, &a, p->process, bytes_str(id), &assignment, note);

	if (e == OK && !id_eq(assignment.process, p->process))
		e = note_err(note, E_NOT_FOUND, "the message %s belongs to the process %s, not to %s", id,
			     id_text(assignment.process).s, id_text(p->process).s);
	if (e == OK)
		*nonce = assignment.nonce;
	arena_release(&a);
	return e;
}

/* ---- result ---- */

static void run_result(struct live *p, struct job *job)
{
	struct ask *ask = (struct ask *)job;
	struct store *s = p->cu->options.store;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct result result;
	uint64_t nonce;
	enum err e = result_get(s, &a, p->process, bytes_str(ask->id), &result); /* by an earlier job */

	if (e == E_NOT_FOUND) {
		e = load_process(p->cu, p, &note);
		if (e == OK)
			e = find_nonce(p, ask->id, &nonce, &note);
		if (e == OK)
			e = advance_to(p, nonce, &note);
		if (e == OK) {
			e = result_get(s, &a, p->process, bytes_str(ask->id), &result);
			if (e == E_NOT_FOUND)
				e = note_err(
					&note, E_TOO_EARLY,
					"message at nonce %llu not found cached, and earlier than latest known nonce",
					(unsigned long long)nonce);
		}
	}
	ask->done.result(ask->ctx, e, e < 0 ? &note : NULL, e < 0 ? bytes_of(NULL, 0) : result.json);
	arena_release(&a);
	free(ask);
}

void ask_result(struct cu *cu, struct id process, struct bytes id, result_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct result result;
	struct ask *ask;
	struct id ignored;
	enum err e = id_parse(&ignored, id);

	if (e < 0)
		e = note_err(&note, E_ARGUMENT, "a message's id has 43 characters of base64url; this has not: \"%.*s\"",
			     BYTES_FMT(id));
	else
		e = result_get(cu->options.store, &a, process, id, &result);
	if (e == E_NOT_FOUND) {
		ask = ask_new(cu, process, id, ctx);
		ask->job.run = run_result;
		ask->done.result = done;
		e = live_put(cu, process, &ask->job, &note);
		if (e == OK)
			goto end;
		free(ask);
	}
	done(ctx, e, e < 0 ? &note : NULL, e < 0 ? bytes_of(NULL, 0) : result.json);
end:
	arena_release(&a);
}

/* ---- the present ---- */

static enum err advance_to_present(struct live *p, struct note *note)
{
	uint64_t now_ms, height;
	enum err e = advance_to(p, UINT64_MAX, note);

	if (e < 0 || p->cron_count == 0)
		return e;
	e = now_wait(&p->scheduler, p->process, &now_ms, &height, note);
	if (e == OK)
		e = crons_run(p, now_ms, note);
	enum err landed = advance_land(p, note);
	return e < 0 ? e : landed;
}

static enum err advance_to_message(struct live *p, const char *id, struct note *note)
{
	uint64_t nonce;
	enum err e = load_process(p->cu, p, note);

	if (e == OK)
		e = find_nonce(p, id, &nonce, note);
	if (e == OK && p->tip.nonce >= 0 && (uint64_t)p->tip.nonce > nonce)
		e = note_err(note, E_TOO_EARLY,
			     "message at nonce %llu not found cached, and earlier than latest known nonce %lld",
			     (unsigned long long)nonce, (long long)p->tip.nonce);
	return e < 0 ? e : advance_to(p, nonce, note);
}

static void run_present(struct live *p, struct job *job)
{
	struct ask *ask = (struct ask *)job;
	struct note note = {0};
	enum err e = ask->id[0] ? advance_to_message(p, ask->id, &note) : advance_to_present(p, &note);

	if (e == OK) /* a process that has only been loaded has no worker, and its image may be empty */
		e = load_instance(p, &note);
	ask->done.present(ask->ctx, e, e < 0 ? &note : NULL, p);
	free(ask);
}

void ask_present(struct cu *cu, struct id process, struct bytes to, present_done *done, void *ctx)
{
	struct ask *ask = ask_new(cu, process, to, ctx);
	struct note note = {0};
	struct id ignored;
	enum err e = OK;

	ask->job.run = run_present;
	ask->done.present = done;
	if (to.len && id_parse(&ignored, to) < 0)
		e = note_err(&note, E_ARGUMENT, "`to` is not the id of a message: \"%.*s\"", BYTES_FMT(to));
	if (e == OK)
		e = live_put(cu, process, &ask->job, &note);
	if (e < 0) {
		free(ask);
		done(ctx, e, &note, NULL);
	}
}

/* ---- crons ---- */

static void run_cron(struct live *p, struct job *job)
{
	struct ask *ask = (struct ask *)job;
	struct note note = {0};
	struct buf page = BUF_EMPTY;
	enum err e = advance_to_present(p, &note);

	if (e == OK)
		e = results_page(&page, p->cu->options.store, p->process, &ask->page);
	ask->done.result(ask->ctx, e, e < 0 ? &note : NULL, buf_bytes(&page));
	buf_release(&page);
	free(ask);
}

void ask_cron(struct cu *cu, struct id process, const struct results_ask *page, result_done *done, void *ctx)
{
	struct ask *ask = ask_new(cu, process, bytes_of(NULL, 0), ctx);
	struct bytes *name = &ask->page.from.cron;
	struct note note = {0};
	enum err e;

	ask->page = *page;
	ask->page.crons_only = true;
	ask->page.to.cron = bytes_of(NULL, 0);
	name->len = name->len < sizeof(ask->cron_name) ? name->len : sizeof(ask->cron_name);
	if (name->len)
		memcpy(ask->cron_name, name->ptr, name->len);
	name->ptr = ask->cron_name;
	ask->job.run = run_cron;
	ask->done.result = done;
	e = live_put(cu, process, &ask->job, &note);
	if (e < 0) {
		free(ask);
		done(ctx, e, &note, bytes_of(NULL, 0));
	}
}
