/* SPDX-License-Identifier: MIT
 *
 * keep: results on their way to the disk. Each turn's batch is handed to the store at once, and the next
 * turn begins; the store makes durable together what waits at the same moment. Who has to be answered waits
 * here, holding nobody up, until all that came before is durable too.
 */
#include "cu/unit.h"

#include <stdlib.h>
#include <string.h>

/* Past this evaluation waits for the disk: what it is ahead by is lost in a crash, and done again. */
enum { KEPT_MAX = 2000 };

struct kept {
	struct live *live;
	uint64_t number;
	struct seen seen;
	struct kept *next;
};

/* Under p->lock: those whose batches have all landed, in a list of their own. */
static struct landing *take_landed(struct live *p)
{
	uint64_t oldest = p->kept ? p->kept->number : UINT64_MAX;
	struct landing *first = NULL, **end = &first, *l;

	while ((l = p->landings) && (l->last < oldest || p->kept_error < 0)) {
		p->landings = l->next;
		if (!p->landings)
			p->landings_end = &p->landings;
		l->e = p->kept_error;
		l->next = NULL;
		*end = l;
		end = &l->next;
	}
	return first;
}

static void unlink_kept(struct live *p, struct kept *k)
{
	struct kept **at = &p->kept;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	if (!*at)
		p->kept_end = at;
	p->kept_count--;
}

static void finish(struct landing *l)
{
	struct live *p = l->live;

	l->landed(l, l->e);
	live_release(p);
}

static void run_landing(void *ctx)
{
	struct landing *l = ctx;
	struct cu *cu = l->live->cu;

	finish(l);
	cu_end(cu);
}

static void on_kept(void *ctx, enum err e)
{
	struct kept *k = ctx;
	struct live *p = k->live;
	struct cu *cu = p->cu;
	struct landing *landed, *next;

	follow_wake(cu, p->process); /* while p, and so the unit, cannot go */
	pthread_mutex_lock(&p->lock);
	if (e < 0)
		p->kept_error = e;
	unlink_kept(p, k);
	landed = take_landed(p);
	pthread_cond_broadcast(&p->calm);
	pthread_mutex_unlock(&p->lock); /* p may be gone from here on, unless a landing holds it */
	free(k);
	for (; landed; landed = next) {
		next = landed->next;
		must(pool_put_always(cu->answers, run_landing, landed) == OK);
	}
}

static enum err cannot(enum err e, struct note *note)
{
	return note_err(note, e, "results cannot be written down: %s", err_sentence(e));
}

enum err keep_put(struct live *p, struct store_batch *b, const struct seen *seen, struct note *note)
{
	struct kept *k;
	enum err e;

	if (p->rehearsal) {
		store_batch_release(b);
		return OK;
	}
	k = malloc(sizeof(*k));
	must(k != NULL);
	*k = (struct kept){.live = p};
	if (seen)
		k->seen = *seen;
	pthread_mutex_lock(&p->lock);
	while (p->kept_count >= KEPT_MAX)
		pthread_cond_wait(&p->calm, &p->lock);
	e = p->kept_error;
	if (e == OK) {
		k->number = ++p->kept_last;
		*p->kept_end = k;
		p->kept_end = &k->next;
		p->kept_count++;
	}
	pthread_mutex_unlock(&p->lock);
	if (e < 0) {
		free(k);
		store_batch_release(b);
		return cannot(e, note);
	}
	store_commit(p->cu->options.store, b, on_kept, k);
	return OK;
}

enum err keep_wait(struct live *p, struct note *note)
{
	enum err e;

	pthread_mutex_lock(&p->lock);
	while (p->kept)
		pthread_cond_wait(&p->calm, &p->lock);
	e = p->kept_error;
	pthread_mutex_unlock(&p->lock);
	return e < 0 ? cannot(e, note) : OK;
}

void keep_when(struct live *p, struct landing *l)
{
	struct cu *cu = p->cu;
	bool now;

	l->live = live_hold(cu, p->process);
	l->next = NULL;
	/* The job that calls this is under way, so closing cannot have ended. */
	pthread_mutex_lock(&cu->lock);
	cu->under_way++;
	pthread_mutex_unlock(&cu->lock);
	pthread_mutex_lock(&p->lock);
	l->last = p->kept_last;
	l->e = p->kept_error;
	now = !p->kept || p->kept_error < 0;
	if (!now) {
		*p->landings_end = l;
		p->landings_end = &l->next;
	}
	pthread_mutex_unlock(&p->lock);
	if (now)
		run_landing(l);
}

bool keep_seen(struct live *p, const struct seen *seen, bool assigned)
{
	struct store *s = p->cu->options.store;
	bool found = false;

	if ((!seen->forwarded && !assigned) || p->rehearsal)
		return false;
	pthread_mutex_lock(&p->lock);
	for (const struct kept *k = p->kept; k && !found; k = k->next) {
		if (k->seen.nonce >= seen->nonce)
			continue;
		found = assigned ? id_eq(k->seen.message, seen->message)
				 : k->seen.forwarded && memcmp(k->seen.hash, seen->hash, sizeof(seen->hash)) == 0;
	}
	pthread_mutex_unlock(&p->lock);
	if (found)
		return true;
	if (assigned)
		return seen_before(s, p->process, SEEN_MESSAGE, bytes_of(seen->message.b, 32), seen->nonce);
	return seen_before(s, p->process, SEEN_DEEPHASH, bytes_of(seen->hash, SIGNED_HASH_SIZE), seen->nonce);
}
