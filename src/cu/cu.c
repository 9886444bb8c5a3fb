/* SPDX-License-Identifier: MIT
 *
 * cu: the unit's life, and the unit as a port.
 */
#include "cu/cu.h"

#include "base/clock.h"
#include "cu/unit.h"

#include <stdlib.h>

enum {
	EVALUATIONS = 128, /* threads; they wait for workers nearly all the time */
	DRY_RUNS = 32,
	DRY_QUEUE_MAX = 3000,
	LIVE_MAX = 64,
	HTTP_THREADS = 8,
	BODY_MAX = 32 << 20,
	CONNECTIONS_MAX = 4000,
	STOP_GRACE_MS = 5000,
	CRON_PAGE = 500,
};
#define MEMORY_MAX ((uint64_t)4 << 30)
#define GAS_MAX ((uint64_t)9000000000000)

enum err cu_open(struct cu **out, const struct cu_options *options, struct note *note)
{
	struct cu *cu = calloc(1, sizeof(*cu));

	must(cu != NULL && pthread_mutex_init(&cu->lock, NULL) == 0);
	cu->options = *options;
	if (!cu->options.memory_max)
		cu->options.memory_max = MEMORY_MAX;
	if (!cu->options.gas_max)
		cu->options.gas_max = GAS_MAX;
	if (!cu->options.live_max)
		cu->options.live_max = LIVE_MAX;
	cu->pool = pool_open("cu", EVALUATIONS, 1);
	cu->dry_pool = pool_open("cu-dry", DRY_RUNS, DRY_QUEUE_MAX);
	*out = cu;
	return OK;
}

enum err cu_serve(struct cu *cu, const char *address, uint16_t port, uint16_t *bound, struct note *note)
{
	struct http_options options = {
		.address = address,
		.port = port,
		.name = "cu",
		.routes = cu_routes,
		.route_count = cu_route_count,
		.ctx = cu,
		.body_max = BODY_MAX,
		.threads = HTTP_THREADS,
		.connections_max = CONNECTIONS_MAX,
		.log = cu->options.log,
	};
	enum err e = http_serve(&cu->server, &options, note);

	if (e == OK && bound)
		*bound = http_server_port(cu->server);
	return e;
}

void cu_close(struct cu *cu)
{
	uint64_t patience = clock_ns() + (uint64_t)STOP_GRACE_MS * 1000000;

	cu->closing = true;
	if (cu->server)
		http_stop(cu->server, STOP_GRACE_MS);
	while (atomic_load(&cu->under_way) && clock_ns() < patience)
		clock_sleep_ms(1);
	/* What still runs is a long evaluation: its worker goes, and the next start evaluates it again. */
	if (atomic_load(&cu->under_way))
		modules_stop(cu);
	while (atomic_load(&cu->under_way))
		clock_sleep_ms(1);
	pool_close(cu->dry_pool);
	pool_close(cu->pool);
	lives_close(cu);
	modules_close(cu);
	pthread_mutex_destroy(&cu->lock);
	free(cu);
}

/* ---- port ---- */

static void port_result(void *self, struct id process, struct bytes id, result_done *done, void *ctx)
{
	ask_result(self, process, id, done, ctx);
}

static void port_dry_run(void *self, struct id process, struct bytes message, result_done *done, void *ctx)
{
	dry_run(self, process, bytes_of(NULL, 0), message, done, ctx);
}

static void port_cron(void *self, struct id process, struct bytes cursor, result_done *done, void *ctx)
{
	struct results_ask ask = {.limit = CRON_PAGE};
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	enum err e = cursor.len ? cursor_parse(&ask.from, &a, cursor, &note) : OK;

	if (e < 0)
		done(ctx, e, &note, bytes_of(NULL, 0));
	else
		ask_cron(self, process, &ask, done, ctx);
	arena_release(&a);
}

struct computer cu_port(struct cu *cu)
{
	return (struct computer){.self = cu, .result = port_result, .dry_run = port_dry_run, .cron = port_cron};
}
