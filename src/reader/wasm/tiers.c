/* SPDX-License-Identifier: MIT */
#include "reader/wasm/tiers.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct entry {
	struct translated *translated;
	struct entry *next;
};

struct tiers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct entry *first;
	struct translated *busy, *last;
	pthread_t thread;
	bool running, closing;
};

static struct entry **find(struct tiers *w, const struct translated *t)
{
	struct entry **at = &w->first;

	while (*at && (*at)->translated != t)
		at = &(*at)->next;
	return at;
}

static void drop(struct entry **at)
{
	struct entry *e = *at;

	*at = e->next;
	free(e);
}

/* What to do next; those that are done leave the list. */
static struct translated *pick(struct tiers *w)
{
	struct translated *cold = NULL;

	for (struct entry **at = &w->first; *at;) {
		struct translated *t = (*at)->translated;
		enum left left = translated_left(t);

		if (left == LEFT_HOT)
			return t;
		if (left == LEFT_NOTHING) {
			drop(at);
			pthread_cond_broadcast(&w->changed);
			continue;
		}
		if (!cold || t == w->last)
			cold = t;
		at = &(*at)->next;
	}
	return cold;
}

static void *work(void *ctx)
{
	struct tiers *w = ctx;

	pthread_mutex_lock(&w->lock);
	while (!w->closing) {
		struct translated *t = pick(w), *before = w->last;
		if (!t) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		w->busy = w->last = t;
		bool other = before && before != t && *find(w, before);
		pthread_mutex_unlock(&w->lock);
		if (other)
			translated_pause(before);
		translated_improve(t);
		pthread_mutex_lock(&w->lock);
		w->busy = NULL;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct tiers *tiers_new(void)
{
	struct tiers *w = calloc(1, sizeof(*w));

	must(w != NULL && pthread_mutex_init(&w->lock, NULL) == 0 && pthread_cond_init(&w->changed, NULL) == 0);
	return w;
}

void tiers_free(struct tiers *w)
{
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (w->running)
		pthread_join(w->thread, NULL);
	while (w->first)
		drop(&w->first);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	free(w);
}

void tiers_add(struct tiers *w, struct translated *t)
{
	struct entry *e = calloc(1, sizeof(*e));
	struct entry **at;
	sigset_t all, before;

	must(e != NULL);
	e->translated = t;
	pthread_mutex_lock(&w->lock);
	at = find(w, t);
	if (*at)
		free(e);
	else
		*at = e;
	if (!w->running) { /* signals are for the threads that asked for them */
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		must(pthread_create(&w->thread, NULL, work, w) == 0);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		w->running = true;
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void tiers_remove(struct tiers *w, struct translated *t)
{
	struct entry **at;

	pthread_mutex_lock(&w->lock);
	at = find(w, t);
	if (*at)
		drop(at);
	while (w->busy == t)
		pthread_cond_wait(&w->changed, &w->lock);
	if (w->last == t)
		w->last = NULL;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

void tiers_wait(struct tiers *w, struct translated *t)
{
	pthread_mutex_lock(&w->lock);
	while (*find(w, t))
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}
