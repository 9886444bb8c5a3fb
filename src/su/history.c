/* SPDX-License-Identifier: MIT */
#include "su/history.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { HEADS_MAX = 100000 }; /* kept at hand when nobody uses them: about 30 MB */

struct head {
	struct id process;
	pthread_mutex_t lock;
	size_t users; /* lockers and flights; under heads->lock */
	bool loaded, exists;
	struct link newest;
	struct flight *flights;
	UT_hash_handle hh;
};

struct heads {
	struct store *store;
	pthread_mutex_t lock;
	struct head *table;
};

struct id chain_first(struct id process)
{
	return id_of_sha256(bytes_of(process.b, 32));
}

struct id chain_next(struct id chain, struct id assignment)
{
	uint8_t both[64];

	memcpy(both, assignment.b, 32);
	memcpy(both + 32, chain.b, 32);
	return id_of_sha256(bytes_of(both, sizeof(both)));
}

struct heads *heads_open(struct store *store)
{
	struct heads *h = calloc(1, sizeof(*h));

	must(h != NULL);
	h->store = store;
	must(pthread_mutex_init(&h->lock, NULL) == 0);
	return h;
}

static void forget(struct heads *heads, struct head *head)
{
	HASH_DEL(heads->table, head);
	pthread_mutex_destroy(&head->lock);
	free(head);
}

void heads_close(struct heads *heads)
{
	struct head *head, *next;

	HASH_ITER(hh, heads->table, head, next)
	forget(heads, head);
	pthread_mutex_destroy(&heads->lock);
	free(heads);
}

/* uthash keeps the order of insertion, so the first unused heads are the oldest. */
static void forget_some(struct heads *heads)
{
	struct head *head, *next;
	size_t left = HEADS_MAX / 10;

	HASH_ITER(hh, heads->table, head, next)
	{
		if (left == 0)
			return;
		if (head->users == 0) {
			forget(heads, head);
			left--;
		}
	}
}

static struct head *take(struct heads *heads, struct id process)
{
	struct head *head;

	pthread_mutex_lock(&heads->lock);
	HASH_FIND(hh, heads->table, process.b, 32, head);
	if (!head) {
		if (HASH_COUNT(heads->table) >= HEADS_MAX)
			forget_some(heads);
		head = calloc(1, sizeof(*head));
		must(head != NULL);
		head->process = process;
		must(pthread_mutex_init(&head->lock, NULL) == 0);
		HASH_ADD(hh, heads->table, process, 32, head);
	}
	head->users++;
	pthread_mutex_unlock(&heads->lock);
	return head;
}

static void give(struct heads *heads, struct head *head)
{
	pthread_mutex_lock(&heads->lock);
	head->users--;
	pthread_mutex_unlock(&heads->lock);
}

static enum err load(struct heads *heads, struct head *head)
{
	struct arena a = ARENA_EMPTY;
	struct su_record r;
	struct assignment assignment;
	enum err e = su_record_last(heads->store, &a, head->process, &r);

	if (e == OK)
		e = su_record_assignment(&assignment, &a, &r, NULL);
	if (e == OK)
		e = id_parse(&head->newest.assignment, assignment.id);
	if (e == OK) {
		head->newest.nonce = r.nonce;
		head->newest.timestamp_ms = r.timestamp_ms;
		head->newest.hash_chain = assignment.hash_chain;
	}
	head->exists = e == OK;
	head->loaded = e == OK || e == E_NOT_FOUND;
	arena_release(&a);
	return head->loaded ? OK : e;
}

enum err head_lock(struct heads *heads, struct id process, struct head **out)
{
	struct head *head = take(heads, process);
	enum err e = OK;

	pthread_mutex_lock(&head->lock);
	if (!head->loaded)
		e = load(heads, head);
	if (e < 0) {
		head_unlock(heads, head);
		return e;
	}
	*out = head;
	return OK;
}

void head_unlock(struct heads *heads, struct head *head)
{
	pthread_mutex_unlock(&head->lock);
	give(heads, head);
}

bool head_exists(const struct head *head)
{
	return head->exists;
}

bool head_has_message(struct heads *heads, const struct head *head, struct id message)
{
	for (const struct flight *f = head->flights; f; f = f->next)
		if (id_eq(f->message, message))
			return true;
	return su_record_has_message(heads->store, head->process, message);
}

bool head_has_dedupe(struct heads *heads, const struct head *head, struct bytes dedupe)
{
	for (const struct flight *f = head->flights; f; f = f->next)
		if (f->has_dedupe && bytes_eq(bytes_of(f->dedupe, DEDUPE_SIZE), dedupe))
			return true;
	return su_record_has_dedupe(heads->store, head->process, dedupe);
}

struct link head_next(const struct head *head, uint64_t now_ms)
{
	const struct link *newest = &head->newest;

	if (!head->exists)
		return (struct link){.hash_chain = chain_first(head->process), .timestamp_ms = now_ms};
	return (struct link){
		.nonce = newest->nonce + 1,
		.hash_chain = chain_next(newest->hash_chain, newest->assignment),
		.timestamp_ms = now_ms > newest->timestamp_ms ? now_ms : newest->timestamp_ms + 1,
	};
}

void head_advance(struct heads *heads, struct head *head, const struct link *link, struct flight *flight)
{
	pthread_mutex_lock(&heads->lock);
	head->users++;
	pthread_mutex_unlock(&heads->lock);
	head->newest = *link;
	head->exists = true;
	flight->next = head->flights;
	head->flights = flight;
}

void head_landed(struct heads *heads, struct head *head, struct flight *flight, enum err e)
{
	struct flight **at;

	pthread_mutex_lock(&head->lock);
	for (at = &head->flights; *at != flight; at = &(*at)->next)
		;
	*at = flight->next;
	if (e < 0)
		head->loaded = false;
	head_unlock(heads, head);
}
