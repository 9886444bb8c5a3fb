/* SPDX-License-Identifier: MIT */
#include "mu/postings.h"

#include <pthread.h>
#include <stdlib.h>
#include <uthash.h>

struct posting {
	struct {
		struct id process, message;
	} key;
	enum { SENDING, ACCEPTED, DOUBTFUL } state;
	bool has_task, cranked;
	struct http_request **waiting;
	size_t count;
	UT_hash_handle hh;
};

struct postings {
	pthread_mutex_t lock;
	struct posting *list;
};

struct postings *postings_new(void)
{
	struct postings *p = calloc(1, sizeof(*p));

	must(p != NULL && pthread_mutex_init(&p->lock, NULL) == 0);
	return p;
}

static void del(struct postings *p, struct posting *posting)
{
	HASH_DEL(p->list, posting);
	free(posting->waiting);
	free(posting);
}

void postings_free(struct postings *p)
{
	struct posting *posting, *next;

	if (!p)
		return;
	HASH_ITER(hh, p->list, posting, next)
	del(p, posting);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

size_t postings_count(struct postings *p)
{
	size_t n;

	pthread_mutex_lock(&p->lock);
	n = HASH_COUNT(p->list);
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* ---- with the lock held ---- */

static struct posting *find(struct postings *p, struct id process, struct id message)
{
	struct posting *posting, wanted = {.key = {process, message}};

	HASH_FIND(hh, p->list, &wanted.key, sizeof(wanted.key), posting);
	return posting;
}

static struct posting *add(struct postings *p, struct id process, struct id message)
{
	struct posting *posting = calloc(1, sizeof(*posting));

	must(posting != NULL);
	posting->key.process = process;
	posting->key.message = message;
	HASH_ADD(hh, p->list, key, sizeof(posting->key), posting);
	return posting;
}

static void wait_with(struct posting *posting, struct http_request *request)
{
	posting->waiting = realloc(posting->waiting, (posting->count + 1) * sizeof(*posting->waiting));
	must(posting->waiting != NULL);
	posting->waiting[posting->count++] = request;
}

/* ---- */

enum posting_begun postings_begin(struct postings *p, struct id process, struct id message,
				  struct http_request *request)
{
	enum posting_begun begun = POSTING_FIRST;
	struct posting *posting;

	pthread_mutex_lock(&p->lock);
	posting = find(p, process, message);
	if (!posting)
		posting = add(p, process, message);
	else if (posting->state == SENDING)
		begun = POSTING_JOINED;
	else if (posting->state == ACCEPTED)
		begun = POSTING_ACCEPTED;
	else
		begun = POSTING_AGAIN;
	if (begun != POSTING_ACCEPTED) {
		posting->state = SENDING;
		wait_with(posting, request);
	}
	pthread_mutex_unlock(&p->lock);
	return begun;
}

void postings_end(struct postings *p, struct id process, struct id message, enum posting_outcome outcome,
		  posting_answer *answer, void *ctx)
{
	struct http_request **waiting;
	struct posting *posting;
	size_t count;

	pthread_mutex_lock(&p->lock);
	posting = find(p, process, message);
	must(posting && posting->state == SENDING);
	waiting = posting->waiting;
	count = posting->count;
	posting->waiting = NULL;
	posting->count = 0;
	posting->state = outcome == POSTING_TAKEN ? ACCEPTED : DOUBTFUL;
	posting->has_task |= outcome == POSTING_TAKEN || outcome == POSTING_DOUBTFUL;
	if (posting->cranked || !posting->has_task || outcome == POSTING_KNOWN)
		del(p, posting);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < count; i++)
		answer(ctx, waiting[i]);
	free(waiting);
}

void postings_resumed(struct postings *p, struct id process, struct id message)
{
	struct posting *posting;

	pthread_mutex_lock(&p->lock);
	posting = find(p, process, message);
	if (!posting) {
		posting = add(p, process, message);
		posting->state = DOUBTFUL;
	}
	posting->has_task = true;
	pthread_mutex_unlock(&p->lock);
}

void postings_cranked(struct postings *p, struct id process, struct id message)
{
	struct posting *posting;

	pthread_mutex_lock(&p->lock);
	posting = find(p, process, message);
	if (posting && posting->state == SENDING)
		posting->cranked = true;
	else if (posting)
		del(p, posting);
	pthread_mutex_unlock(&p->lock);
}

bool postings_forget(struct postings *p, struct id process, struct id message)
{
	struct posting *posting;
	bool forgotten;

	pthread_mutex_lock(&p->lock);
	posting = find(p, process, message);
	forgotten = !posting || posting->state == DOUBTFUL;
	if (posting && forgotten)
		del(p, posting);
	pthread_mutex_unlock(&p->lock);
	return forgotten;
}
