/* SPDX-License-Identifier: MIT
 *
 * su: the unit's life, and the unit as a port.
 */
#include "su/su.h"

#include "base/clock.h"
#include "base/pool.h"
#include "base/timer.h"
#include "msg/key.h"
#include "su/unit.h"

#include <stdlib.h>

enum {
	HEIGHT_EVERY_MS = 1000,
	THREADS = 8,
	POOL_QUEUE_MAX = 10000,
	BODY_MAX = 64 << 20,
	CONNECTIONS_MAX = 4000,
	STOP_GRACE_MS = 5000,
};

/* ---- block height ---- */

static void on_height(void *ctx, enum err e, const struct note *note, uint64_t height)
{
	struct su *su = ctx;

	if (e == OK && height > su->block_height) /* gateways disagree; a history does not go back */
		su->block_height = height;
	if (e == OK)
		su->height_known = true;
	if (e < 0 && !su->height_is_old)
		log_event(su->log, LOG_ODD, "su.height", "state=old error=\"%s\"", note_text(note, e));
	su->height_is_old = e < 0;
	atomic_fetch_sub(&su->under_way, 1);
}

static void ask_height(void *ctx, bool closing)
{
	struct su *su = ctx;

	if (closing)
		return;
	atomic_fetch_add(&su->under_way, 1);
	su->weave.height(su->weave.self, on_height, su);
	timer_after(su->timer, HEIGHT_EVERY_MS, ask_height, su);
}

enum err su_height(const struct su *su, uint64_t *height, struct note *note)
{
	*height = su->block_height;
	if (su->height_known)
		return OK;
	note_err(note, E_BUSY, "the scheduler does not know the weave's block height yet");
	note_hint(note, "its gateway has not answered since it began; it is asked every second");
	return E_BUSY;
}

/* ---- life ---- */

enum err su_open(struct su **out, const struct su_options *options, struct note *note)
{
	struct su *su = calloc(1, sizeof(*su));
	enum err e;

	must(su != NULL);
	su->store = options->store;
	su->weave = options->weave;
	su->key = options->key;
	su->log = options->log;
	e = upload_open(&su->upload, su->store, &su->weave, su->key, su->log);
	if (e < 0) {
		free(su);
		return note_err(note, e, "the scheduler cannot start");
	}
	su->heads = heads_open(su->store);
	su->pool = pool_open("su", THREADS / 2, POOL_QUEUE_MAX);
	su->timer = timer_open("su-height");
	ask_height(su, false);
	*out = su;
	return OK;
}

enum err su_serve(struct su *su, const char *address, uint16_t port, uint16_t *bound, struct note *note)
{
	struct http_options options = {
		.address = address,
		.port = port,
		.name = "su",
		.routes = su_routes,
		.route_count = su_route_count,
		.ctx = su,
		.body_max = BODY_MAX,
		.threads = THREADS,
		.connections_max = CONNECTIONS_MAX,
		.log = su->log,
	};
	enum err e = http_serve(&su->server, &options, note);

	if (e == OK && bound)
		*bound = http_server_port(su->server);
	return e;
}

struct id su_address(const struct su *su)
{
	return key_address(su->key);
}

bool su_is_ready(const struct su *su)
{
	return su->height_known;
}

void su_close(struct su *su)
{
	if (su->server)
		http_stop(su->server, STOP_GRACE_MS);
	pool_close(su->pool);
	timer_close(su->timer);
	while (atomic_load(&su->under_way))
		clock_sleep_ms(1);
	upload_close(su->upload);
	heads_close(su->heads);
	free(su);
}

/* ---- port: each call is a job of the pool ---- */

struct job {
	struct su *su;
	struct bytes item;
	struct assign assign;
	struct id process;
	struct bytes id;
	struct range range;
	union {
		schedule_done *schedule;
		assignment_done *assignment;
		page_done *page;
		process_done *process;
	} done;
	void *ctx;
};

static void put_job(pool_job *run, struct job job)
{
	struct job *copy = malloc(sizeof(*copy));

	must(copy != NULL);
	*copy = job;
	must(pool_put_always(job.su->pool, run, copy) == OK);
}

static void run_schedule(void *ctx)
{
	struct job *job = ctx;

	schedule_item(job->su, job->item, job->done.schedule, job->ctx);
	free(job);
}

static void port_schedule(void *self, struct bytes item, schedule_done *done, void *ctx)
{
	put_job(run_schedule, (struct job){.su = self, .item = item, .done.schedule = done, .ctx = ctx});
}

static void run_assign(void *ctx)
{
	struct job *job = ctx;

	schedule_assign(job->su, &job->assign, job->done.schedule, job->ctx);
	free(job);
}

static void port_assign(void *self, const struct assign *assign, schedule_done *done, void *ctx)
{
	put_job(run_assign, (struct job){.su = self, .assign = *assign, .done.schedule = done, .ctx = ctx});
}

static void run_assignment(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	struct assignment assignment;
	struct note note = {0};
	enum err e = read_assignment(job->su, &a, job->process, job->id, &assignment, &note);

	job->done.assignment(job->ctx, e, e < 0 ? &note : NULL, e < 0 ? NULL : &assignment);
	arena_release(&a);
	free(job);
}

static void port_assignment(void *self, struct id process, struct bytes id, assignment_done *done, void *ctx)
{
	put_job(run_assignment,
		(struct job){.su = self, .process = process, .id = id, .done.assignment = done, .ctx = ctx});
}

static void run_page(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	struct page_ask ask = {.has_after = true,
			       .after = job->range.nonce_after,
			       .last = job->range.nonce_last,
			       .limit = job->range.limit};
	struct page page;
	struct note note = {0};
	enum err e = read_page(job->su, &a, job->process, &ask, &page, &note);

	job->done.page(job->ctx, e, e < 0 ? &note : NULL, e < 0 ? NULL : &page);
	arena_release(&a);
	free(job);
}

static void port_page(void *self, struct id process, struct range range, page_done *done, void *ctx)
{
	put_job(run_page, (struct job){.su = self, .process = process, .range = range, .done.page = done, .ctx = ctx});
}

static void run_process(void *ctx)
{
	struct job *job = ctx;
	struct arena a = ARENA_EMPTY;
	struct process_info process;
	struct note note = {0};
	enum err e = read_process(job->su, &a, job->process, &process, &note);

	job->done.process(job->ctx, e, e < 0 ? &note : NULL, e < 0 ? NULL : &process);
	arena_release(&a);
	free(job);
}

static void port_process(void *self, struct id process, process_done *done, void *ctx)
{
	put_job(run_process, (struct job){.su = self, .process = process, .done.process = done, .ctx = ctx});
}

static void port_now(void *self, struct id process, now_done *done, void *ctx)
{
	struct note note = {0};
	uint64_t height;
	enum err e = su_height(self, &height, &note);

	done(ctx, e, e < 0 ? &note : NULL, clock_ms(), height);
}

struct scheduler su_port(struct su *su)
{
	return (struct scheduler){.self = su,
				  .schedule = port_schedule,
				  .assign = port_assign,
				  .assignment = port_assignment,
				  .page = port_page,
				  .process = port_process,
				  .now = port_now};
}
