/* SPDX-License-Identifier: MIT
 *
 * follow: those who want the results of a process as they come.
 *
 *   GET /results/{process}?from=CURSOR&sort=ASC&wait-ms=N
 *
 * A page that is empty is held back until there is a result for it, at the latest for N ms, and then answered as it is.
 * The connection is suspended meanwhile and costs no thread. Units that do not know wait-ms answer at once; who asks
 * has to reckon with it, and can tell by the time that it took.
 *
 * A follower is looked for by one thread at a time. What becomes durable while somebody looks makes him look again.
 */
#include "base/clock.h"
#include "cu/unit.h"

#include <stdlib.h>

enum { FOLLOWERS_MAX = 1000, TICK_MS = 250 };

struct follower {
	struct cu *cu;
	struct http_request *request;
	struct id process;
	struct results_ask ask;
	uint64_t until_ns;
	bool looking, again;
	struct follower *next, *next_look;
};

/* Under follow_lock. */
static void unlink_follower(struct follower *f)
{
	struct follower **at = &f->cu->followers;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	f->cu->follower_count--;
}

/* One look; true when that was the last, and the answer is in `page`, or what went wrong in *e. */
static bool look(struct follower *f, struct buf *page, enum err *e)
{
	struct cu *cu = f->cu;
	bool last = cu->closing || clock_ns() >= f->until_ns;
	size_t count;

	*e = results_page(page, cu->options.store, f->process, &f->ask, &count);
	if (*e == OK && count == 0 && !last)
		return false;
	pthread_mutex_lock(&cu->follow_lock);
	unlink_follower(f);
	pthread_mutex_unlock(&cu->follow_lock);
	return true;
}

/* Looks until it is answered or has nothing more to see; whoever calls has set `looking`. */
static void look_for(struct follower *f)
{
	struct cu *cu = f->cu;
	bool again = true, last = false;

	while (again && !last) {
		struct buf page = BUF_EMPTY;
		enum err e;
		last = look(f, &page, &e);
		if (last && e < 0)
			http_answer_err(f->request, e, NULL);
		else if (last)
			http_answer_buf(f->request, 200, HTTP_JSON, &page);
		buf_release(&page);
		if (last)
			break;
		pthread_mutex_lock(&cu->follow_lock);
		again = f->again;
		f->again = false;
		f->looking = again;
		pthread_mutex_unlock(&cu->follow_lock);
	}
	if (last)
		free(f);
}

static void look_for_all(void *first)
{
	for (struct follower *f = first, *next; f; f = next) {
		next = f->next_look;
		look_for(f);
	}
}

/* Those of one process, or without one those whose time has come; `now_ns` of UINT64_MAX: all. Under follow_lock. */
static struct follower *collect(struct cu *cu, const struct id *process, uint64_t now_ns)
{
	struct follower *first = NULL;

	for (struct follower *f = cu->followers; f; f = f->next) {
		if (process ? !id_eq(f->process, *process) : f->until_ns > now_ns)
			continue;
		if (f->looking) {
			f->again = true;
			continue;
		}
		f->looking = true;
		f->next_look = first;
		first = f;
	}
	return first;
}

static void tick(void *ctx, bool closing)
{
	struct cu *cu = ctx;
	struct follower *first;
	bool more;

	pthread_mutex_lock(&cu->follow_lock);
	first = closing ? NULL : collect(cu, NULL, clock_ns());
	more = cu->follow_ticks = !closing && cu->followers;
	pthread_mutex_unlock(&cu->follow_lock);
	if (first)
		must(pool_put_always(cu->answers, look_for_all, first) == OK);
	if (more)
		timer_after(cu->timer, TICK_MS, tick, cu);
}

void follow(struct cu *cu, struct http_request *r, struct id process, const struct results_ask *ask, uint64_t wait_ms)
{
	struct follower *f = malloc(sizeof(*f));
	bool begin;

	must(f != NULL);
	if (wait_ms > cu->options.wait_ms_max)
		wait_ms = cu->options.wait_ms_max;
	*f = (struct follower){.cu = cu, .request = r, .process = process, .ask = *ask, .looking = true};
	pthread_mutex_lock(&cu->follow_lock);
	if (wait_ms && !ask->descending && cu->follower_count < FOLLOWERS_MAX)
		f->until_ns = clock_ns() + wait_ms * 1000000;
	f->next = cu->followers;
	cu->followers = f;
	cu->follower_count++;
	begin = f->until_ns && !cu->follow_ticks && !cu->closing;
	cu->follow_ticks |= begin;
	pthread_mutex_unlock(&cu->follow_lock);
	if (begin)
		timer_after(cu->timer, TICK_MS, tick, cu);
	look_for(f);
}

void follow_wake(struct cu *cu, struct id process)
{
	struct follower *first;

	pthread_mutex_lock(&cu->follow_lock);
	first = collect(cu, &process, 0);
	pthread_mutex_unlock(&cu->follow_lock);
	if (first)
		must(pool_put_always(cu->answers, look_for_all, first) == OK);
}

void follow_close(struct cu *cu)
{
	struct follower *first;

	must(cu->closing);
	pthread_mutex_lock(&cu->follow_lock);
	first = collect(cu, NULL, UINT64_MAX);
	pthread_mutex_unlock(&cu->follow_lock);
	look_for_all(first);
}
