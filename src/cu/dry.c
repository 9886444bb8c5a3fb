/* SPDX-License-Identifier: MIT
 *
 * dry: runs of which nothing is kept.
 *
 *   dry_run --> asked --one job for all that wait--> the present --> ready --> dry_runs: a worker of its own, on
 *                                                                              the process's image
 *
 * A process has as many at a time as there are cores, so that who asks one process for much leaves threads for
 * others. Each sees the memory as it was when it began, and the process goes on beside it. What takes longer than
 * dry_ms_max is stopped.
 */
#include "base/clock.h"
#include "cu/drive.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WATCH_MS = 250, WORKER_TRIES = 2 };

struct dry {
	struct job job; /* of one that names its message; others share a job */
	struct live *live;
	struct arena arena;
	struct bytes message;
	struct buf text; /* what the module gets */
	char to[ID_TEXT_LEN + 1];
	result_done *done;
	void *ctx;
	struct dry *next;
	uint64_t commits; /* of the image when the process was at `to` */
	/* while it runs, under cu->lock */
	struct instance *instance;
	uint64_t deadline_ns;
	bool overdue;
	struct dry *next_running;
};

/* Ends with the process's word that it is not needed any more: d->live may be gone afterwards. */
static void dry_end(struct dry *d, enum err e, const struct note *note, struct bytes json)
{
	struct live *p = d->live;
	struct cu *cu = p->cu;

	d->done(d->ctx, e, e < 0 ? note : NULL, e < 0 ? bytes_of(NULL, 0) : json);
	buf_release(&d->text);
	arena_release(&d->arena);
	free(d);
	live_release(p);
	pthread_mutex_lock(&cu->lock);
	cu->dry_queued--;
	pthread_mutex_unlock(&cu->lock);
	cu_end(cu);
}

/* ---- those that take too long ---- */

static void watch(void *ctx, bool closing)
{
	struct cu *cu = ctx;
	bool again;

	pthread_mutex_lock(&cu->lock);
	for (struct dry *d = cu->running; d; d = d->next_running)
		if (!d->overdue && d->instance && (clock_ns() >= d->deadline_ns || cu->closing)) {
			d->overdue = true;
			instance_stop(d->instance);
		}
	again = cu->watching = cu->running && !closing;
	pthread_mutex_unlock(&cu->lock);
	if (again)
		timer_after(cu->timer, WATCH_MS, watch, cu);
}

static void begin_watch(struct dry *d, struct instance *instance)
{
	struct cu *cu = d->live->cu;
	bool start;

	pthread_mutex_lock(&cu->lock);
	d->instance = instance;
	d->next_running = cu->running;
	cu->running = d;
	start = !cu->watching;
	cu->watching = true;
	pthread_mutex_unlock(&cu->lock);
	if (start)
		timer_after(cu->timer, WATCH_MS, watch, cu);
}

static void end_watch(struct dry *d)
{
	struct cu *cu = d->live->cu;

	pthread_mutex_lock(&cu->lock);
	for (struct dry **at = &cu->running; *at; at = &(*at)->next_running)
		if (*at == d) {
			*at = d->next_running;
			break;
		}
	d->instance = NULL;
	pthread_mutex_unlock(&cu->lock);
}

/* ---- one run ---- */

/* A worker that looks at the process's image: one that is idle, or another. */
static enum err take_instance(struct live *p, struct instance **out, struct note *note)
{
	*out = NULL;
	pthread_mutex_lock(&p->lock);
	if (p->dry_idle_count)
		*out = p->dry_idle[--p->dry_idle_count];
	pthread_mutex_unlock(&p->lock);
	return *out ? OK : instance_open(out, p->module->program, p->image, p->memory_max, note);
}

static void give_instance(struct live *p, struct instance *i)
{
	bool kept = false;

	pthread_mutex_lock(&p->lock);
	if (p->dry_idle_count < DRY_IDLE_MAX) {
		p->dry_idle[p->dry_idle_count++] = i;
		kept = true;
	}
	pthread_mutex_unlock(&p->lock);
	if (!kept)
		instance_close(i);
}

static enum err try_once(struct dry *d, struct arena *a, struct outcome *outcome, struct note *note)
{
	struct live *p = d->live;
	struct reading reading;
	struct instance *i;
	enum err e = take_instance(p, &i, note);

	if (e < 0)
		return e;
	reading_begin(&reading, p, buf_bytes(&d->text), true);
	instance_lend(i, reading_drive(&reading));
	begin_watch(d, i);
	e = instance_try(i, a, buf_bytes(&d->text), p->environment, p->gas_limit, outcome, note);
	end_watch(d);
	instance_lend(i, NULL);
	reading_end(&reading);
	if (e < 0)
		instance_close(i);
	else
		give_instance(p, i);
	return e;
}

static enum err try_all(struct dry *d, struct arena *a, struct outcome *outcome, struct note *note)
{
	struct live *p = d->live;
	struct cu *cu = p->cu;
	enum err e = E_WORKER;

	d->deadline_ns = clock_ns() + cu->options.dry_ms_max * 1000000;
	for (int tries = 0; tries < WORKER_TRIES && e == E_WORKER; tries++) {
		note_reset(note);
		if (cu->closing)
			return note_err(note, E_CLOSED, "the compute unit is shutting down");
		if (p->broken)
			return note_err(note, E_BUSY, "the process is being loaded anew");
		e = try_once(d, a, outcome, note);
		if (d->overdue && e < 0) {
			note_reset(note);
			return cu->closing ? note_err(note, E_CLOSED, "the compute unit is shutting down")
					   : note_err(note, E_TIMEOUT, "the dry run took longer than %" PRIu64 " ms",
						      cu->options.dry_ms_max);
		}
	}
	return e;
}

static void pump(struct live *p);

static void run_dry(void *ctx)
{
	struct dry *d = ctx;
	struct live *p = d->live;
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct outcome outcome;
	struct result result = {0};
	enum err e = try_all(d, &a, &outcome, &note);

	if (e == OK && d->to[0] && outcome.commits != d->commits)
		e = note_err(&note, E_TOO_EARLY, "message %s is earlier than latest known nonce", d->to);
	if (e == OK)
		result_of_outcome(&result, &a, &outcome);
	pthread_mutex_lock(&p->lock);
	p->dry_running--;
	pthread_cond_broadcast(&p->calm);
	pthread_mutex_unlock(&p->lock);
	pump(p);
	dry_end(d, e, &note, result.json);
	arena_release(&a);
}

static size_t side_by_side(const struct cu *cu)
{
	size_t half = cu->options.dry_runs_max / 2;

	return half ? half : 1;
}

/* Lets run what may run. */
static void pump(struct live *p)
{
	struct dry *d;

	do {
		pthread_mutex_lock(&p->lock);
		d = p->dry_running < side_by_side(p->cu) ? p->dry_ready : NULL;
		if (d) {
			p->dry_ready = d->next;
			if (!p->dry_ready)
				p->dry_ready_end = &p->dry_ready;
			p->dry_running++;
		}
		pthread_mutex_unlock(&p->lock);
		if (d)
			must(pool_put_always(p->cu->dry_runs, run_dry, d) == OK);
	} while (d);
}

/* ---- the state to run on ---- */

/* In the process's job: from the JSON that was sent to what the module gets. */
static void make_ready(struct live *p, struct dry *d, enum err e, const struct note *said)
{
	struct note note = {0};

	if (said)
		note = *said;
	if (e == OK)
		e = dry_run_for_module(&d->text, &d->arena, p->process, &p->tip, d->message, &note);
	if (e < 0) {
		dry_end(d, e, &note, bytes_of(NULL, 0));
		return;
	}
	d->commits = image_commits(p->image);
	d->next = NULL;
	pthread_mutex_lock(&p->lock);
	*p->dry_ready_end = d;
	p->dry_ready_end = &d->next;
	pthread_mutex_unlock(&p->lock);
}

static void run_shared(struct live *p, struct job *job, enum err e, const struct note *load_note)
{
	struct note note = {0};
	struct dry *list = NULL, *asked, *next;
	bool live = e == OK;

	free(job);
	if (load_note)
		note = *load_note;
	/* Who asks from here on is served by another job, which sees what was scheduled meanwhile. */
	pthread_mutex_lock(&p->lock);
	asked = p->dry_asked;
	p->dry_asked = NULL;
	p->dry_job = false;
	pthread_mutex_unlock(&p->lock);
	for (; asked; asked = next) { /* the newest came first */
		next = asked->next;
		asked->next = list;
		list = asked;
	}
	if (e == OK)
		e = advance_present(p, UINT64_MAX, &note);
	if (e == OK)
		e = advance_show(p, &note);
	for (; list; list = next) {
		next = list->next;
		make_ready(p, list, e, &note);
	}
	if (live)
		history_forget(p, true);
	pump(p);
}

static void run_named(struct live *p, struct job *job, enum err e, const struct note *load_note)
{
	struct dry *d = (struct dry *)job;
	struct note note = {0};

	if (load_note)
		note = *load_note;
	if (e == OK)
		e = advance_message(p, d->to, &note);
	if (e == OK)
		e = advance_show(p, &note);
	make_ready(p, d, e, &note);
	pump(p);
}

/* Adds d to those that the next shared job serves, and queues one unless there is one. */
static void share(struct live *p, struct dry *d)
{
	struct note note = {0};
	struct job *job;
	bool first;
	enum err e;

	pthread_mutex_lock(&p->lock);
	d->next = p->dry_asked;
	p->dry_asked = d;
	first = !p->dry_job;
	p->dry_job = true;
	pthread_mutex_unlock(&p->lock);
	if (!first)
		return;
	job = calloc(1, sizeof(*job));
	must(job != NULL);
	job->run = run_shared;
	e = live_put(p->cu, p->process, job, &note);
	if (e < 0)
		run_shared(p, job, e, &note); /* ends all of them */
}

static enum err admit(struct cu *cu, struct note *note)
{
	enum err e = cu_begin(cu, note);

	if (e < 0)
		return e;
	pthread_mutex_lock(&cu->lock);
	if (cu->dry_queued >= cu->options.dry_queue_max)
		e = E_BUSY;
	else
		cu->dry_queued++;
	pthread_mutex_unlock(&cu->lock);
	if (e < 0) {
		cu_end(cu);
		note_err(note, e, "Dry-Run enqueue limit exceeded");
	}
	return e;
}

void dry_run(struct cu *cu, struct id process, struct bytes to, struct bytes message, result_done *done, void *ctx)
{
	struct note note = {0};
	struct id ignored;
	struct dry *d;
	enum err e = OK;

	if (to.len && id_parse(&ignored, to) < 0)
		e = note_err(&note, E_ARGUMENT, "`to` is not the id of a message: \"%.*s\"", BYTES_FMT(to));
	if (e == OK)
		e = admit(cu, &note);
	if (e < 0) {
		done(ctx, e, &note, bytes_of(NULL, 0));
		return;
	}
	d = calloc(1, sizeof(*d));
	must(d != NULL);
	d->live = live_hold(cu, process);
	d->message = arena_copy(&d->arena, message);
	d->done = done;
	d->ctx = ctx;
	if (to.len) {
		memcpy(d->to, to.ptr, to.len);
		d->job.run = run_named;
		e = live_put(cu, process, &d->job, &note);
		if (e < 0)
			dry_end(d, e, &note, bytes_of(NULL, 0));
	} else {
		share(d->live, d);
	}
}
