/* SPDX-License-Identifier: MIT */
#include "mu/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct sender {
	struct id id;
	struct lane *first, **last; /* ready lanes */
	struct sender *next;        /* in the ring of ready senders */
	bool ready;
	size_t count;
	UT_hash_handle hh;
};

struct lane {
	struct {
		struct id from, to;
	} key;
	struct sender *sender;
	struct entry *first, *newest; /* the first is the one that is taken or paused, when `held` */
	bool held;
	struct lane *next; /* among its sender's ready lanes */
	UT_hash_handle hh;
};

struct queue {
	pthread_mutex_t lock;
	struct sender *senders;
	struct lane *lanes;
	struct sender *ready, **ready_last;
	size_t count, taken, taken_max, bytes, bytes_max;
};

struct queue *queue_new(size_t taken_max, size_t bytes_max)
{
	struct queue *q = calloc(1, sizeof(*q));

	must(q != NULL && pthread_mutex_init(&q->lock, NULL) == 0);
	q->ready_last = &q->ready;
	q->taken_max = taken_max;
	q->bytes_max = bytes_max;
	return q;
}

void queue_free(struct queue *q, void (*each)(struct entry *))
{
	struct lane *lane, *next_lane;
	struct sender *sender, *next_sender;

	HASH_ITER(hh, q->lanes, lane, next_lane)
	{
		for (struct entry *entry = lane->first, *next; entry; entry = next) {
			next = entry->next;
			each(entry);
		}
		HASH_DEL(q->lanes, lane);
		free(lane);
	}
	HASH_ITER(hh, q->senders, sender, next_sender)
	{
		HASH_DEL(q->senders, sender);
		free(sender);
	}
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* ---- with the lock held ---- */

static struct sender *sender_of(struct queue *q, struct id from)
{
	struct sender *s;

	HASH_FIND(hh, q->senders, &from, sizeof(from), s);
	if (s)
		return s;
	s = calloc(1, sizeof(*s));
	must(s != NULL);
	s->id = from;
	s->last = &s->first;
	HASH_ADD(hh, q->senders, id, sizeof(s->id), s);
	return s;
}

static struct lane *lane_of(struct queue *q, struct id from, struct id to)
{
	struct lane *lane, wanted = {.key = {from, to}};

	HASH_FIND(hh, q->lanes, &wanted.key, sizeof(wanted.key), lane);
	if (lane)
		return lane;
	lane = calloc(1, sizeof(*lane));
	must(lane != NULL);
	lane->key = wanted.key;
	lane->sender = sender_of(q, from);
	HASH_ADD(hh, q->lanes, key, sizeof(lane->key), lane);
	return lane;
}

static void sender_ready(struct queue *q, struct sender *s)
{
	s->ready = true;
	s->next = NULL;
	*q->ready_last = s;
	q->ready_last = &s->next;
}

static void lane_ready(struct queue *q, struct lane *lane)
{
	struct sender *s = lane->sender;

	lane->next = NULL;
	*s->last = lane;
	s->last = &lane->next;
	if (!s->ready)
		sender_ready(q, s);
}

static void lane_insert(struct lane *lane, struct entry *entry)
{
	struct entry **at = &lane->first;

	if (!lane->first || !entry->order || lane->newest->order <= entry->order) {
		if (lane->first)
			lane->newest->next = entry;
		else
			lane->first = entry;
		lane->newest = entry;
		return;
	}
	if (lane->held)
		at = &lane->first->next;
	while (*at && (*at)->order <= entry->order)
		at = &(*at)->next;
	entry->next = *at;
	*at = entry;
	if (!entry->next)
		lane->newest = entry;
}

/* ---- */

void queue_put(struct queue *q, struct id from, struct id to, struct entry *entry)
{
	struct lane *lane;
	bool was_empty;

	pthread_mutex_lock(&q->lock);
	lane = lane_of(q, from, to);
	was_empty = lane->first == NULL;
	entry->lane = lane;
	entry->next = NULL;
	entry->paused = false;
	lane_insert(lane, entry);
	lane->sender->count++;
	q->count++;
	if (was_empty)
		lane_ready(q, lane);
	pthread_mutex_unlock(&q->lock);
}

struct entry *queue_take(struct queue *q)
{
	struct entry *entry = NULL;
	struct sender *s;
	struct lane *lane;

	pthread_mutex_lock(&q->lock);
	s = q->ready;
	/* When the next in turn does not fit, nobody overtakes it, or it might never fit. */
	if (s && q->taken < q->taken_max && (q->taken == 0 || q->bytes + s->first->first->bytes <= q->bytes_max)) {
		q->ready = s->next;
		if (!q->ready)
			q->ready_last = &q->ready;
		lane = s->first;
		s->first = lane->next;
		s->ready = false;
		if (s->first)
			sender_ready(q, s);
		else
			s->last = &s->first;
		lane->held = true;
		entry = lane->first;
		q->taken++;
		q->bytes += entry->bytes;
	}
	pthread_mutex_unlock(&q->lock);
	return entry;
}

static void give_back(struct queue *q, const struct entry *entry)
{
	q->taken--;
	q->bytes -= entry->bytes;
}

void queue_pause(struct queue *q, struct entry *entry)
{
	pthread_mutex_lock(&q->lock);
	must(entry->lane->held && entry->lane->first == entry && !entry->paused);
	entry->paused = true;
	give_back(q, entry);
	pthread_mutex_unlock(&q->lock);
}

void queue_resume(struct queue *q, struct entry *entry)
{
	pthread_mutex_lock(&q->lock);
	must(entry->paused);
	entry->paused = false;
	entry->lane->held = false;
	lane_ready(q, entry->lane);
	pthread_mutex_unlock(&q->lock);
}

void queue_end(struct queue *q, struct entry *entry)
{
	struct lane *lane = entry->lane;
	struct sender *s = lane->sender;

	pthread_mutex_lock(&q->lock);
	must(lane->held && lane->first == entry);
	if (!entry->paused)
		give_back(q, entry);
	lane->held = false;
	lane->first = entry->next;
	q->count--;
	s->count--;
	if (lane->first) {
		lane_ready(q, lane);
	} else {
		HASH_DEL(q->lanes, lane);
		free(lane);
		if (s->count == 0) {
			HASH_DEL(q->senders, s);
			free(s);
		}
	}
	entry->lane = NULL;
	entry->next = NULL;
	pthread_mutex_unlock(&q->lock);
}

size_t queue_count(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->count;
	pthread_mutex_unlock(&q->lock);
	return n;
}

size_t queue_count_of(struct queue *q, struct id from)
{
	struct sender *s;
	size_t n;

	pthread_mutex_lock(&q->lock);
	HASH_FIND(hh, q->senders, &from, sizeof(from), s);
	n = s ? s->count : 0;
	pthread_mutex_unlock(&q->lock);
	return n;
}
