/* SPDX-License-Identifier: MIT
 *
 * cu: the unit's life, and the unit as a port.
 */
#include "cu/cu.h"

#include "base/clock.h"
#include "base/text.h"
#include "cu/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	EVALUATIONS = 128,
	QUEUE_MAX = 20000,
	LOADS = 24,
	TRANSLATIONS_QUEUE_MAX = 256,
	DRY_RUNS_MIN = 4,
	DRY_QUEUE_MAX = 3000,
	ANSWERS = 2,
	KEEPERS = 2,
	LIVE_MAX = 1000,
	HTTP_THREADS = 8,
	BODY_MAX = 32 << 20,
	CONNECTIONS_MAX = 4000,
	STOP_GRACE_MS = 5000,
	STOP_AGAIN_MS = 100,
	DRY_MS_MAX = 60000,
	WAIT_MS_MAX = 30000,
	CHECKPOINT_TURNS = 2000,
	CHECKPOINT_MS = 10000,
	UPLOAD_MS = 30 * 60000,
	CRON_PAGE = 500,
};
#define MEMORY_MAX ((uint64_t)4 << 30)
#define DRIVE_BYTES_MAX ((uint64_t)1 << 30)
#define GAS_MAX ((uint64_t)9000000000000)
#define CHECKPOINT_GAS ((uint64_t)300000000000000)

static size_t cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (size_t)n : 1;
}

static uint64_t half_of_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void fill_in(struct cu_options *o)
{
#define OR(field, value) o->field = o->field ? o->field : (value)
	OR(memory_max, MEMORY_MAX);
	OR(gas_max, GAS_MAX);
	OR(live_max, LIVE_MAX);
	OR(live_memory, half_of_memory());
	OR(evaluations_max, EVALUATIONS);
	OR(queue_max, QUEUE_MAX);
	OR(dry_runs_max, 2 * cores() > DRY_RUNS_MIN ? 2 * cores() : DRY_RUNS_MIN);
	OR(dry_queue_max, DRY_QUEUE_MAX);
	OR(dry_ms_max, DRY_MS_MAX);
	OR(wait_ms_max, WAIT_MS_MAX);
	OR(stop_grace_ms, STOP_GRACE_MS);
	OR(drive_bytes_max, DRIVE_BYTES_MAX);
	OR(checkpoint_turns, CHECKPOINT_TURNS);
	OR(checkpoint_gas, CHECKPOINT_GAS);
	OR(checkpoint_ms, CHECKPOINT_MS);
	OR(upload_ms, UPLOAD_MS);
#undef OR
}

/* A random UUID (RFC 9562, version 4), as the reference has one per boot. */
static void name_boot(char out[40])
{
	uint8_t r[16];
	char hex[33];

	random_bytes(r, sizeof(r));
	r[6] = (uint8_t)((r[6] & 15) | 0x40);
	r[8] = (uint8_t)((r[8] & 63) | 0x80);
	hex_encode(hex, bytes_of(r, sizeof(r)));
	snprintf(out, 40, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

enum err cu_open(struct cu **out, const struct cu_options *options, struct note *note)
{
	struct cu *cu = calloc(1, sizeof(*cu));

	must(cu != NULL && pthread_mutex_init(&cu->lock, NULL) == 0 && pthread_mutex_init(&cu->follow_lock, NULL) == 0);
	pthread_condattr_t steady;
	must(pthread_condattr_init(&steady) == 0 && pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) == 0 &&
	     pthread_cond_init(&cu->idle, &steady) == 0 && pthread_cond_init(&cu->module_came, NULL) == 0);
	pthread_condattr_destroy(&steady);
	cu->options = *options;
	fill_in(&cu->options);
	name_boot(cu->boot);
	cu->evaluations = pool_open("cu", cu->options.evaluations_max, 1);
	cu->loads = pool_open("cu-load", LOADS, 1);
	cu->translations = pool_open("cu-module", cores(), TRANSLATIONS_QUEUE_MAX);
	cu->dry_runs = pool_open("cu-dry", cu->options.dry_runs_max, 1);
	cu->answers = pool_open("cu-answer", ANSWERS, 1);
	cu->keeper = pool_open("cu-keep", KEEPERS, 1);
	cu->timer = timer_open("cu-timer");
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

/* Waits until nothing is under way, or until then; false when something still is. */
static bool wait_idle(struct cu *cu, uint64_t until_ns)
{
	struct timespec until = {(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
	bool idle;

	pthread_mutex_lock(&cu->lock);
	while (cu->under_way && pthread_cond_timedwait(&cu->idle, &cu->lock, &until) == 0)
		;
	idle = cu->under_way == 0;
	pthread_mutex_unlock(&cu->lock);
	return idle;
}

void cu_close(struct cu *cu)
{
	uint64_t grace_ms = cu->options.stop_grace_ms, until = clock_ns() + grace_ms * 1000000;

	pthread_mutex_lock(&cu->lock);
	cu->closing = true;
	pthread_mutex_unlock(&cu->lock);
	follow_close(cu);
	if (cu->server)
		http_stop(cu->server, grace_ms);
	/* What still runs after that is a long evaluation: its worker goes, and the next start evaluates it again. */
	for (; !wait_idle(cu, until); until = clock_ns() + STOP_AGAIN_MS * 1000000)
		modules_stop(cu);
	lives_close(cu);
	timer_close(cu->timer);
	pool_close(cu->evaluations);
	pool_close(cu->loads);
	pool_close(cu->translations);
	pool_close(cu->dry_runs);
	pool_close(cu->answers);
	pool_close(cu->keeper);
	modules_close(cu);
	pthread_mutex_destroy(&cu->lock);
	pthread_mutex_destroy(&cu->follow_lock);
	pthread_cond_destroy(&cu->idle);
	pthread_cond_destroy(&cu->module_came);
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
