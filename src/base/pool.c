/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
	struct job *next;
	pool_job *run;
	void *ctx;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	size_t queued, queue_max;
	bool closing;
	size_t thread_count;
	pthread_t threads[];
};

static void *pool_thread(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		struct job *job = p->first;

		if (!job) {
			if (p->closing)
				break;
			pthread_cond_wait(&p->wake, &p->lock);
			continue;
		}
		p->first = job->next;
		if (!p->first)
			p->last = &p->first;
		p->queued--;
		pthread_mutex_unlock(&p->lock);
		job->run(job->ctx);
		free(job);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_open(const char *name, size_t threads, size_t queue_max)
{
	struct pool *p;
	char short_name[16];

	must(threads > 0);
	p = calloc(1, sizeof(*p) + threads * sizeof(pthread_t));
	must(p != NULL);
	must(pthread_mutex_init(&p->lock, NULL) == 0 && pthread_cond_init(&p->wake, NULL) == 0);
	p->last = &p->first;
	p->queue_max = queue_max;
	p->thread_count = threads;
	snprintf(short_name, sizeof(short_name), "%s", name);
	for (size_t i = 0; i < threads; i++) {
		must(pthread_create(&p->threads[i], NULL, pool_thread, p) == 0);
		pthread_setname_np(p->threads[i], short_name);
	}
	return p;
}

static enum err put(struct pool *p, pool_job *run, void *ctx, bool bounded)
{
	struct job *job = malloc(sizeof(*job));
	enum err e = OK;

	must(job != NULL);
	*job = (struct job){NULL, run, ctx};
	pthread_mutex_lock(&p->lock);
	/* While closing, a running job may still hand on what it began. */
	if (p->closing && bounded) {
		e = E_CLOSED;
	} else if (bounded && p->queued >= p->queue_max) {
		e = E_BUSY;
	} else {
		*p->last = job;
		p->last = &job->next;
		p->queued++;
		pthread_cond_signal(&p->wake);
	}
	pthread_mutex_unlock(&p->lock);
	if (e < 0)
		free(job);
	return e;
}

enum err pool_put(struct pool *p, pool_job *job, void *ctx)
{
	return put(p, job, ctx, true);
}

enum err pool_put_always(struct pool *p, pool_job *job, void *ctx)
{
	return put(p, job, ctx, false);
}

size_t pool_queued(struct pool *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = p->queued;
	pthread_mutex_unlock(&p->lock);
	return n;
}

void pool_end(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->closing = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->thread_count; i++)
		pthread_join(p->threads[i], NULL);
	p->thread_count = 0;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	pool_end(p);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p);
}
