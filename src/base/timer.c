/* SPDX-License-Identifier: MIT */
#include "base/timer.h"

#include "base/clock.h"
#include "base/err.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct due {
	uint64_t at_ns;
	uint64_t order; /* jobs of one instant run in the order in which they came */
	timer_job *job;
	void *ctx;
};

struct timer {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct due *heap; /* heap[0] is due first */
	size_t count, cap;
	uint64_t next_order;
	bool closing;
};

static bool before(const struct due *a, const struct due *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

static void swap(struct due *a, struct due *b)
{
	struct due held = *a;

	*a = *b;
	*b = held;
}

static void heap_push(struct timer *t, struct due due)
{
	size_t i = t->count++;

	if (t->count > t->cap) {
		t->cap = t->cap ? 2 * t->cap : 16;
		t->heap = realloc(t->heap, t->cap * sizeof(*t->heap));
		must(t->heap != NULL);
	}
	t->heap[i] = due;
	for (; i > 0 && before(&t->heap[i], &t->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&t->heap[i], &t->heap[(i - 1) / 2]);
}

static struct due heap_pop(struct timer *t)
{
	struct due first = t->heap[0];
	size_t i = 0;

	t->heap[0] = t->heap[--t->count];
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;
		if (left < t->count && before(&t->heap[left], &t->heap[least]))
			least = left;
		if (right < t->count && before(&t->heap[right], &t->heap[least]))
			least = right;
		if (least == i)
			return first;
		swap(&t->heap[i], &t->heap[least]);
		i = least;
	}
}

static void *timer_thread(void *arg)
{
	struct timer *t = arg;

	pthread_mutex_lock(&t->lock);
	while (!t->closing || t->count) {
		struct due due;
		bool closing = t->closing;

		if (t->count == 0) {
			pthread_cond_wait(&t->wake, &t->lock);
			continue;
		}
		if (!closing && t->heap[0].at_ns > clock_ns()) {
			struct timespec until = {(time_t)(t->heap[0].at_ns / 1000000000u),
						 (long)(t->heap[0].at_ns % 1000000000u)};
			pthread_cond_timedwait(&t->wake, &t->lock, &until);
			continue;
		}
		due = heap_pop(t);
		pthread_mutex_unlock(&t->lock);
		due.job(due.ctx, closing);
		pthread_mutex_lock(&t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

struct timer *timer_open(const char *name)
{
	struct timer *t = calloc(1, sizeof(*t));
	pthread_condattr_t monotonic;
	char short_name[16];

	must(t != NULL);
	must(pthread_condattr_init(&monotonic) == 0 && pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	must(pthread_mutex_init(&t->lock, NULL) == 0 && pthread_cond_init(&t->wake, &monotonic) == 0);
	pthread_condattr_destroy(&monotonic);
	must(pthread_create(&t->thread, NULL, timer_thread, t) == 0);
	snprintf(short_name, sizeof(short_name), "%s", name);
	pthread_setname_np(t->thread, short_name);
	return t;
}

void timer_after(struct timer *t, uint64_t ms, timer_job *job, void *ctx)
{
	bool closing;

	pthread_mutex_lock(&t->lock);
	closing = t->closing;
	if (!closing) {
		heap_push(t, (struct due){clock_ns() + ms * 1000000u, t->next_order++, job, ctx});
		pthread_cond_signal(&t->wake);
	}
	pthread_mutex_unlock(&t->lock);
	if (closing)
		job(ctx, true);
}

void timer_close(struct timer *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->closing = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_mutex_destroy(&t->lock);
	pthread_cond_destroy(&t->wake);
	free(t->heap);
	free(t);
}
