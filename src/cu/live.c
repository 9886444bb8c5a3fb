/* SPDX-License-Identifier: MIT
 *
 * live: the processes at hand. Each has a queue of jobs and one token. Who has the token drives it:
 *
 *   live_put --> token free? --> loaded? --yes--> evaluations: one job --> more? --> again, behind the others
 *                                   | no
 *                                   v
 *                                loads: load.c --> live_loaded
 *
 * so that one job of a process runs at a time, those of different processes side by side, and none that has
 * much to do keeps others from a thread. When the lives hold more memory than they may, the one that has been idle longest is
 * evicted: that takes the token too, and who asks for the process meanwhile waits and finds it loaded again, or
 * nearly so, from the checkpoint that was left.
 */
#include "base/clock.h"
#include "cu/unit.h"

#include <stdlib.h>

enum { TURNS_UNMEASURED_MAX = 64 };

/* ---- under way ---- */

enum err cu_begin(struct cu *cu, struct note *note)
{
	enum err e = OK;

	pthread_mutex_lock(&cu->lock);
	if (cu->closing)
		e = E_CLOSED;
	else
		cu->under_way++;
	pthread_mutex_unlock(&cu->lock);
	return e < 0 ? note_err(note, e, "the compute unit is shutting down") : OK;
}

/* Under cu->lock. */
static void end_one(struct cu *cu)
{
	if (--cu->under_way == 0)
		pthread_cond_broadcast(&cu->idle);
}

void cu_end(struct cu *cu)
{
	pthread_mutex_lock(&cu->lock);
	end_one(cu);
	pthread_mutex_unlock(&cu->lock);
}

/* ---- the table ---- */

static struct live *new_live(struct cu *cu, struct id process)
{
	struct live *p = calloc(1, sizeof(*p));

	must(p != NULL);
	p->process = process;
	p->cu = cu;
	p->tip.nonce = -1;
	p->jobs_end = &p->jobs;
	p->kept_end = &p->kept;
	p->landings_end = &p->landings;
	p->dry_ready_end = &p->dry_ready;
	must(pthread_mutex_init(&p->lock, NULL) == 0 && pthread_cond_init(&p->calm, NULL) == 0);
	return p;
}

static void free_live(struct live *p)
{
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->calm);
	free(p);
}

struct live *live_hold(struct cu *cu, struct id process)
{
	struct live *p;

	pthread_mutex_lock(&cu->lock);
	HASH_FIND(hh, cu->lives, process.b, 32, p);
	if (!p) {
		p = new_live(cu, process);
		HASH_ADD(hh, cu->lives, process, 32, p);
	}
	p->users++;
	pthread_mutex_unlock(&cu->lock);
	return p;
}

/* Under cu->lock. */
static void count(struct live *p, bool counted, uint64_t memory)
{
	struct cu *cu = p->cu;

	if (p->counted) {
		cu->live_count--;
		cu->live_memory -= p->memory;
	}
	p->counted = counted;
	p->memory = memory;
	if (counted) {
		cu->live_count++;
		cu->live_memory += memory;
	}
}

void live_measure(struct live *p)
{
	uint64_t memory;

	if (p->counted && p->turns_unmeasured < TURNS_UNMEASURED_MAX)
		return;
	p->turns_unmeasured = 0;
	memory = image_memory(p->image) + (p->instance ? instance_memory(p->instance) : 0) + p->window.arena.total;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->dry_idle_count; i++)
		memory += instance_memory(p->dry_idle[i]);
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_lock(&p->cu->lock);
	count(p, true, memory);
	pthread_mutex_unlock(&p->cu->lock);
}

/* ---- eviction ---- */

static void dispatch(struct live *p);

/* Gives the token back, or hands it on to the next job. */
static void pass_token(struct live *p)
{
	bool more;

	pthread_mutex_lock(&p->lock);
	more = p->jobs != NULL;
	p->busy = more;
	pthread_mutex_unlock(&p->lock);
	if (more)
		dispatch(p);
}

static void run_eviction(void *ctx)
{
	struct live *p = ctx;
	struct cu *cu = p->cu;

	checkpoint_wait(p);
	checkpoint_begin(p);
	unload(p);
	pass_token(p);
	live_release(p);
	cu_end(cu);
}

/* Under cu->lock: takes the token of p when nobody wants anything of it. */
static bool take_idle(struct live *p)
{
	bool taken = false;

	if (p->users)
		return false;
	pthread_mutex_lock(&p->lock);
	if (!p->busy)
		p->busy = taken = true;
	pthread_mutex_unlock(&p->lock);
	if (taken) {
		p->users++;
		p->cu->under_way++;
		count(p, false, 0);
	}
	return taken;
}

static bool too_much(const struct cu *cu)
{
	return cu->live_count > cu->options.live_max ||
	       (cu->live_count > 1 && cu->live_memory > cu->options.live_memory);
}

/* Under cu->lock: the one that has been idle longest, its token taken; NULL when there is none, or no need. */
static struct live *pick_eviction(struct cu *cu)
{
	struct live *p, *next, *idlest = NULL;

	if (!too_much(cu))
		return NULL;
	HASH_ITER(hh, cu->lives, p, next)
	if (p->users == 0 && p->counted && (!idlest || p->last_use < idlest->last_use))
		idlest = p;
	return idlest && take_idle(idlest) ? idlest : NULL;
}

void live_release(struct live *p)
{
	struct cu *cu = p->cu;
	struct live *gone;

	pthread_mutex_lock(&cu->lock);
	p->last_use = clock_ns();
	if (--p->users == 0 && !p->loaded) { /* nothing was found under this id, or it was evicted */
		HASH_DEL(cu->lives, p);
		count(p, false, 0);
		free_live(p);
	}
	gone = pick_eviction(cu);
	pthread_mutex_unlock(&cu->lock);
	if (gone)
		must(pool_put_always(cu->loads, run_eviction, gone) == OK);
}

void lives_close(struct cu *cu)
{
	struct live *p, *next;

	pthread_mutex_lock(&cu->lock);
	HASH_ITER(hh, cu->lives, p, next)
	if (take_idle(p))
		must(pool_put_always(cu->loads, run_eviction, p) == OK);
	while (cu->under_way)
		pthread_cond_wait(&cu->idle, &cu->lock);
	must(HASH_COUNT(cu->lives) == 0);
	pthread_mutex_unlock(&cu->lock);
}

/* ---- jobs ---- */

static struct job *next_job(struct live *p)
{
	struct job *job;

	pthread_mutex_lock(&p->lock);
	job = p->jobs;
	if (job) {
		p->jobs = job->next;
		if (!p->jobs)
			p->jobs_end = &p->jobs;
	}
	pthread_mutex_unlock(&p->lock);
	return job;
}

static void job_ended(struct live *p)
{
	struct cu *cu = p->cu;

	live_release(p);
	pthread_mutex_lock(&cu->lock);
	cu->queued--;
	end_one(cu);
	pthread_mutex_unlock(&cu->lock);
}

static void run_next(void *ctx)
{
	struct live *p = ctx;
	struct job *job = next_job(p);

	job->run(p, job, OK, NULL);
	if (p->loaded && !p->broken && advance_settle(p, NULL) == OK)
		live_measure(p);
	pass_token(p);
	job_ended(p);
}

static void dispatch(struct live *p)
{
	bool ready = p->loaded && !p->broken;

	must(pool_put_always(ready ? p->cu->evaluations : p->cu->loads, ready ? run_next : load_begin, p) == OK);
}

void live_loaded(struct live *p, enum err e, const struct note *note)
{
	struct job *job, *next;
	size_t ended = 0;

	/* p->loaded is read by who releases p, under cu->lock */
	pthread_mutex_lock(&p->cu->lock);
	p->loaded = e == OK;
	pthread_mutex_unlock(&p->cu->lock);
	if (e == OK) {
		dispatch(p);
		return;
	}
	/* Those that come from here on try anew. */
	pthread_mutex_lock(&p->lock);
	job = p->jobs;
	p->jobs = NULL;
	p->jobs_end = &p->jobs;
	pthread_mutex_unlock(&p->lock);
	for (; job; job = next, ended++) {
		next = job->next;
		job->run(p, job, e, note);
	}
	pass_token(p);
	for (; ended; ended--)
		job_ended(p);
}

/* Counts a job in. */
static enum err admit(struct cu *cu, struct note *note)
{
	enum err e = OK;

	pthread_mutex_lock(&cu->lock);
	if (cu->closing)
		e = note_err(note, E_CLOSED, "the compute unit is shutting down");
	else if (cu->queued >= cu->options.queue_max)
		e = note_err(note, E_BUSY, "the compute unit has %zu requests waiting", cu->queued);
	if (e == OK) {
		cu->queued++;
		cu->under_way++;
	}
	pthread_mutex_unlock(&cu->lock);
	return e;
}

static void enqueue(struct live *p, struct job *job)
{
	bool start;

	job->next = NULL;
	pthread_mutex_lock(&p->lock);
	*p->jobs_end = job;
	p->jobs_end = &job->next;
	start = !p->busy;
	p->busy = true;
	pthread_mutex_unlock(&p->lock);
	if (start)
		dispatch(p);
}

enum err live_put(struct cu *cu, struct id process, struct job *job, struct note *note)
{
	enum err e = admit(cu, note);

	if (e == OK)
		enqueue(live_hold(cu, process), job);
	return e;
}

enum err live_put_held(struct live *p, struct job *job, struct note *note)
{
	enum err e = admit(p->cu, note);

	if (e == OK)
		enqueue(live_hold(p->cu, p->process), job);
	return e;
}
