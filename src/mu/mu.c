/* SPDX-License-Identifier: MIT
 *
 * mu: the unit's life.
 */
#include "mu/mu.h"

#include "base/clock.h"
#include "base/pool.h"
#include "base/timer.h"
#include "mu/gate.h"
#include "mu/postings.h"
#include "mu/unit.h"

#include <stdlib.h>

enum {
	THREADS = 4,
	HTTP_THREADS = 8,
	BODY_MAX = 64 << 20,
	CONNECTIONS_MAX = 4000,
	STOP_GRACE_MS = 2000,
	SWEEP_EVERY = 256, /* numbers given, between two sweeps of old traces */
};

/* What each stage may have under way at once. Sends hold their items in memory; pulls hold
 * nothing, and may take long. */
static const struct {
	size_t taken_max, bytes_max;
} windows[STAGE_COUNT] = {
	[STAGE_CHECK] = {64, SIZE_MAX},
	[STAGE_SEND] = {256, (size_t)64 << 20},
	[STAGE_PULL] = {2000, SIZE_MAX},
};

/* ---- inside ---- */

bool mu_enter(struct mu *mu)
{
	bool open;

	pthread_mutex_lock(&mu->lock);
	open = !mu->closing;
	mu->active += open;
	pthread_mutex_unlock(&mu->lock);
	return open;
}

void mu_leave(struct mu *mu)
{
	pthread_mutex_lock(&mu->lock);
	must(mu->active > 0);
	if (--mu->active == 0 && mu->closing)
		pthread_cond_broadcast(&mu->quiet);
	pthread_mutex_unlock(&mu->lock);
}

void mu_hold(struct mu *mu)
{
	atomic_fetch_add(&mu->holders, 1);
}

void mu_let_go(struct mu *mu)
{
	if (atomic_fetch_sub(&mu->holders, 1) != 1)
		return;
	pthread_cond_destroy(&mu->quiet);
	pthread_mutex_destroy(&mu->lock);
	pthread_mutex_destroy(&mu->again);
	free(mu);
}

/* ---- the store ---- */

struct commit {
	struct mu *mu;
	store_done *done;
	void *ctx;
};

static void on_commit(void *ctx, enum err e)
{
	struct commit *commit = ctx;
	struct mu *mu = commit->mu;

	if (e < 0 && !atomic_exchange(&mu->broken, true))
		log_event(mu->log, LOG_BROKEN, "mu.store",
			  "error=\"%s\" what=\"nothing is taken or sent until a restart\"", err_sentence(e));
	if (commit->done)
		commit->done(commit->ctx, e);
	free(commit);
	atomic_fetch_sub(&mu->commits, 1);
	mu_let_go(mu);
}

static struct commit *begin_commit(struct mu *mu, store_done *done, void *ctx)
{
	struct commit *commit = malloc(sizeof(*commit));

	must(commit != NULL);
	*commit = (struct commit){mu, done, ctx};
	atomic_fetch_add(&mu->commits, 1);
	mu_hold(mu);
	return commit;
}

void mu_commit(struct mu *mu, struct store_batch *b, store_done *done, void *ctx)
{
	store_commit(mu->store, b, on_commit, begin_commit(mu, done, ctx));
}

void mu_commit_lazy(struct mu *mu, struct store_batch *b)
{
	store_commit_lazy(mu->store, b, on_commit, begin_commit(mu, NULL, NULL));
}

static void sweep(void *ctx)
{
	struct mu *mu = ctx;
	struct store_batch b = STORE_BATCH_EMPTY;
	uint64_t newest = atomic_load(&mu->seq), kept = mu->options.traces_max;

	if (mu_enter(mu)) {
		if (newest > kept && trace_sweep(&b, mu->store, newest - kept, 4 * SWEEP_EVERY) == OK && b.count)
			mu_commit(mu, &b, NULL, NULL);
		mu_leave(mu);
	}
	store_batch_release(&b);
	mu_let_go(mu);
}

uint64_t mu_next_seq(struct mu *mu, size_t count)
{
	uint64_t seq = atomic_fetch_add(&mu->seq, count);

	if (seq / SWEEP_EVERY != (seq + count) / SWEEP_EVERY) {
		mu_hold(mu);
		must(pool_put_always(mu->pool, sweep, mu) == OK);
	}
	return seq;
}

/* ---- life ---- */

static void fill_in(struct mu_options *o)
{
	o->retry_ms = o->retry_ms ? o->retry_ms : 1000;
	o->tries_max = o->tries_max ? o->tries_max : 12;
	o->monitor_ms = o->monitor_ms ? o->monitor_ms : 10000;
	o->posted_max = o->posted_max ? o->posted_max : 20000;
	o->traces_max = o->traces_max ? o->traces_max : 100000;
}

static void free_task(struct entry *entry)
{
	free((struct task *)entry);
}

enum err mu_open(struct mu **out, const struct mu_options *options, struct note *note)
{
	struct mu *mu = calloc(1, sizeof(*mu));
	enum err e;

	must(mu != NULL && pthread_mutex_init(&mu->lock, NULL) == 0 && pthread_mutex_init(&mu->again, NULL) == 0 &&
	     pthread_cond_init(&mu->quiet, NULL) == 0);
	mu->options = *options;
	fill_in(&mu->options);
	mu->store = options->store;
	mu->log = options->log;
	atomic_init(&mu->holders, 1);
	mu->pool = pool_open("mu-crank", THREADS, SIZE_MAX);
	mu->timer = timer_open("mu-timer");
	mu->facts = facts_open(options->locate);
	mu->postings = postings_new();
	mu->wallets = wallets_new();
	for (size_t i = 0; i < STAGE_COUNT; i++)
		mu->queues[i] = queue_new(windows[i].taken_max, windows[i].bytes_max);
	e = gate_open(&mu->gate, options->whitelist, options->rate_limits, note);
	if (e == OK)
		e = crank_resume(mu, note);
	if (e == OK)
		e = monitors_open(mu);
	if (e < 0) {
		mu_close(mu);
		return note_err(note, e, "the message unit cannot start");
	}
	crank_move(mu);
	*out = mu;
	return OK;
}

enum err mu_serve(struct mu *mu, const char *address, uint16_t port, uint16_t *bound, struct note *note)
{
	struct http_options options = {
		.address = address,
		.port = port,
		.name = "mu",
		.routes = mu_routes,
		.route_count = mu_route_count,
		.ctx = mu,
		.body_max = BODY_MAX,
		.threads = HTTP_THREADS,
		.connections_max = CONNECTIONS_MAX,
		.log = mu->log,
	};
	enum err e = http_serve(&mu->server, &options, note);

	if (e == OK && bound)
		*bound = http_server_port(mu->server);
	return e;
}

void mu_close(struct mu *mu)
{
	if (mu->server)
		http_stop(mu->server, STOP_GRACE_MS);
	pthread_mutex_lock(&mu->lock);
	mu->closing = true;
	while (mu->active)
		pthread_cond_wait(&mu->quiet, &mu->lock);
	pthread_mutex_unlock(&mu->lock);
	/* Nobody is inside, and nobody enters: what still waits for its time or its turn is
	 * only freed. */
	timer_close(mu->timer);
	pool_close(mu->pool);
	while (atomic_load(&mu->commits))
		clock_sleep_ms(1);
	for (size_t i = 0; i < STAGE_COUNT; i++)
		queue_free(mu->queues[i], free_task);
	monitors_free(mu);
	wallets_free(mu->wallets);
	postings_free(mu->postings);
	facts_close(mu->facts);
	gate_close(mu->gate);
	mu_let_go(mu);
}
