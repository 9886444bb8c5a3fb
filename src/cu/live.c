/* SPDX-License-Identifier: MIT
 *
 * live: the processes at hand. Each has a queue of jobs, of which one runs at a time; the pool runs the jobs
 * of different processes side by side. When there are more than live_max, the one that has
 * been idle longest goes, leaving a checkpoint.
 */
#include "base/clock.h"
#include "cu/unit.h"

#include <stdlib.h>

enum { UNDER_WAY_MAX = 100000 };

static void free_live(struct live *p)
{
	unload(p);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->dry_lock);
	pthread_cond_destroy(&p->landed);
	free(p);
}

static void run_eviction(void *ctx)
{
	struct live *p = ctx;
	struct cu *cu = p->cu;

	checkpoint_save(p);
	free_live(p);
	atomic_fetch_sub(&cu->under_way, 1);
}

/* Under cu->lock: takes the idlest process out of the table; NULL when there is no need. */
static struct live *pick_eviction(struct cu *cu)
{
	struct live *p, *next, *idlest = NULL;

	if (HASH_COUNT(cu->lives) <= cu->options.live_max)
		return NULL;
	HASH_ITER(hh, cu->lives, p, next)
	if (p->users == 0 && (!idlest || p->last_use < idlest->last_use))
		idlest = p;
	if (idlest)
		HASH_DEL(cu->lives, idlest);
	return idlest;
}

struct live *live_hold(struct cu *cu, struct id process)
{
	struct live *p;

	pthread_mutex_lock(&cu->lock);
	HASH_FIND(hh, cu->lives, process.b, 32, p);
	if (!p) {
		p = calloc(1, sizeof(*p));
		must(p != NULL);
		p->process = process;
		p->cu = cu;
		p->tip.nonce = -1;
		p->jobs_end = &p->jobs;
		must(pthread_mutex_init(&p->lock, NULL) == 0 && pthread_mutex_init(&p->dry_lock, NULL) == 0 &&
		     pthread_cond_init(&p->landed, NULL) == 0);
		HASH_ADD(hh, cu->lives, process, 32, p);
	}
	p->users++;
	pthread_mutex_unlock(&cu->lock);
	return p;
}

void live_release(struct live *p)
{
	struct cu *cu = p->cu;
	struct live *gone = NULL;

	pthread_mutex_lock(&cu->lock);
	p->last_use = clock_ns();
	if (--p->users == 0 && !p->loaded) { /* nothing was found under this id */
		HASH_DEL(cu->lives, p);
		pthread_mutex_unlock(&cu->lock);
		free_live(p);
		return;
	}
	gone = pick_eviction(cu);
	pthread_mutex_unlock(&cu->lock);
	if (gone) {
		atomic_fetch_add(&cu->under_way, 1);
		must(pool_put_always(cu->pool, run_eviction, gone) == OK);
	}
}

static void run_next(void *ctx)
{
	struct live *p = ctx;
	struct cu *cu = p->cu;
	struct job *job;
	bool more;

	pthread_mutex_lock(&p->lock);
	job = p->jobs;
	p->jobs = job->next;
	if (!p->jobs)
		p->jobs_end = &p->jobs;
	pthread_mutex_unlock(&p->lock);
	job->run(p, job);
	pthread_mutex_lock(&p->lock);
	more = p->jobs != NULL;
	p->busy = more;
	pthread_mutex_unlock(&p->lock);
	if (more)
		must(pool_put_always(cu->pool, run_next, p) == OK);
	live_release(p);
	atomic_fetch_sub(&cu->under_way, 1);
}

enum err live_put(struct cu *cu, struct id process, struct job *job, struct note *note)
{
	struct live *p;
	bool start;

	if (cu->closing)
		return note_err(note, E_CLOSED, "the compute unit is shutting down");
	if (atomic_fetch_add(&cu->under_way, 1) >= UNDER_WAY_MAX) {
		atomic_fetch_sub(&cu->under_way, 1);
		return note_err(note, E_BUSY, "the compute unit has %d requests waiting", UNDER_WAY_MAX);
	}
	p = live_hold(cu, process);
	job->next = NULL;
	pthread_mutex_lock(&p->lock);
	*p->jobs_end = job;
	p->jobs_end = &job->next;
	start = !p->busy;
	p->busy = true;
	pthread_mutex_unlock(&p->lock);
	if (start)
		must(pool_put_always(cu->pool, run_next, p) == OK);
	return OK;
}

void lives_close(struct cu *cu)
{
	struct live *p, *next;

	HASH_ITER(hh, cu->lives, p, next)
	{
		HASH_DEL(cu->lives, p);
		checkpoint_save(p);
		free_live(p);
	}
}
