/* SPDX-License-Identifier: MIT
 *
 * unit: what the files of cu share. Private to the folder.
 */
#ifndef WEFT_CU_UNIT_H
#define WEFT_CU_UNIT_H

#include "base/pool.h"
#include "cu/cu.h"
#include "cu/result.h"
#include "http/http.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

struct cu {
	struct cu_options options;
	struct pool *pool;     /* drives evaluations; its threads mostly wait for workers */
	struct pool *dry_pool; /* dry runs, so that they never wait for the above */
	struct http_server *server;
	pthread_mutex_t lock; /* the two tables */
	struct live *lives;
	struct module *modules;
	atomic_size_t under_way; /* jobs and dry runs */
	atomic_bool closing;
};

/* ---- load.c: processes and modules ---- */

struct module {
	char id[ID_TEXT_LEN + 1];
	struct arena arena;
	struct bytes format;
	struct bytes owner; /* as modules see owners: msg/address.h */
	struct tags tags;
	pthread_mutex_t lock;
	struct program *program; /* NULL until it is loaded; under `lock` until then */
	UT_hash_handle hh;
};

/* Where a process stands in its history: what the newest evaluated assignment was. */
struct tip {
	int64_t nonce; /* -1: nothing evaluated yet */
	uint64_t timestamp_ms, block_height;
	struct id assignment, hash_chain;
	bool has_chain;
	/* for crons: the moment up to which they have run, the block that it lies in, and how many ran since `nonce` */
	uint64_t tick_ms, tick_block_height;
	uint32_t cron_count;
};

/* A message that the process's tags ask for again and again (ao-units 5.11). */
struct cron {
	char name[64]; /* "<index>-<interval>" */
	bool by_block;
	uint64_t every; /* blocks or seconds */
	struct tags tags;
};

/* A process at hand. The queue is under `lock`; the rest belongs to the job that runs. */
struct live {
	struct id process;
	struct cu *cu;
	UT_hash_handle hh;
	size_t users;      /* under cu->lock: queued jobs and dry runs */
	uint64_t last_use; /* under cu->lock: clock_ns */

	pthread_mutex_t lock;
	struct job *jobs, **jobs_end;
	bool busy;

	bool loaded;
	struct arena arena; /* of what load.c reads */
	struct scheduler scheduler;
	struct process_info info;
	struct bytes owner; /* as modules see owners */
	struct bytes environment;
	struct module *module;
	uint64_t memory_max, gas_limit;
	struct tip tip;
	struct image *image;
	struct instance *instance;
	uint64_t unsaved_turns, unsaved_gas; /* since the newest checkpoint */
	const struct cron *crons;            /* those by block, then those by time */
	size_t cron_count;
	pthread_cond_t landed; /* with `lock` */
	size_t in_flight;      /* results that are not yet durable */
	enum err flight_error;

	pthread_mutex_t dry_lock; /* dry runs of one process go one after the other */
	struct instance *dry;
};

/* load_process fills in what a fresh live process lacks: idempotent, blocking. */
must_use enum err load_process(struct cu *cu, struct live *p, struct note *note);
/* load_instance gives it a worker, unless it has one. */
must_use enum err load_instance(struct live *p, struct note *note);
void unload(struct live *p);
/* modules_stop kills all workers, whose calls then fail; modules_close frees. */
void modules_stop(struct cu *cu);
void modules_close(struct cu *cu);
/* size_parse reads "1-gb", "512 mb", "1.5gb" or a number of bytes; 0 when it is none of them (ao-units 5.7). */
uint64_t size_parse(struct bytes text);

/* ---- live.c: jobs ---- */

/* A job runs on the pool when all earlier ones of its process have ended. `run` owns and frees it. */
struct job {
	void (*run)(struct live *p, struct job *job);
	struct job *next;
};

/* live_put queues a job; E_BUSY when too much is queued. */
must_use enum err live_put(struct cu *cu, struct id process, struct job *job, struct note *note);
/* live_hold and live_release keep a process at hand outside its jobs. */
struct live *live_hold(struct cu *cu, struct id process);
void live_release(struct live *p);
void lives_close(struct cu *cu);

/* ---- advance.c ---- */

/* advance_to evaluates up to and including `nonce`, or as far as the history goes when it is UINT64_MAX. Its results
 * are durable when it returns. */
must_use enum err advance_to(struct live *p, uint64_t nonce, struct note *note);
/* advance_turn is one evaluation: message JSON in, result out, memory kept or put back. */
must_use enum err advance_turn(struct live *p, struct arena *a, struct bytes message, struct result *out,
			       struct note *note);
/* advance_keep hands a batch to the store; advance_land waits for all of them. */
void advance_keep(struct live *p, struct store_batch *b);
must_use enum err advance_land(struct live *p, struct note *note);

/* ---- message.c ---- */

/* message_for_module writes what the module gets for an assignment, in the key order of ao-units 5.12. `m` is its message;
 * `assigned` tells that it came from the weave by an assign, whose Exclude tags count. */
void message_for_module(struct buf *out, struct arena *a, const struct live *p, const struct assignment *assignment,
			const struct message *m, bool assigned);
void cron_for_module(struct buf *out, const struct live *p, struct tags tags, uint64_t timestamp_ms,
		     uint64_t block_height);
/* dry_run_for_module: E_ARGUMENT when `body` is not such an object (ao-units 5.6). */
must_use enum err dry_run_for_module(struct buf *out, struct arena *a, const struct live *p, struct bytes body,
				     struct note *note);
/* environment_for_module is the second argument: the process and the module. */
struct bytes environment_for_module(struct arena *a, const struct live *p);

/* ---- cron.c ---- */

/* crons_parse reads the process's Cron-Interval and Cron-Tag- tags. */
must_use enum err crons_parse(struct live *p, struct note *note);
/* crons_start begins a new interval at the message that the tip stands on; crons_run evaluates what is due from
 * there to `until_ms` (exclusive): the next message, or the present. */
void crons_start(struct live *p);
must_use enum err crons_run(struct live *p, uint64_t until_ms, struct note *note);

/* ---- checkpoint.c ---- */

/* checkpoint_load sets tip and image from the newest checkpoint; neither changes when there is none. */
must_use enum err checkpoint_load(struct live *p, struct note *note);
void checkpoint_save(struct live *p);

/* ---- asks.c: what the port and the HTTP ask ---- */

void ask_result(struct cu *cu, struct id process, struct bytes id, result_done *done, void *ctx);
/* ask_present advances the process to the message `to`, or as far as its history and the clock of its scheduler
 * go, and then calls `done` from within the process's job: it may look at everything, and must not block long. */
typedef void present_done(void *ctx, enum err e, const struct note *note, struct live *p);
void ask_present(struct cu *cu, struct id process, struct bytes to, present_done *done, void *ctx);
void ask_cron(struct cu *cu, struct id process, const struct results_ask *page, result_done *done, void *ctx);

/* ---- dry.c ---- */

/* `to` may be empty. Both texts are copied. */
void dry_run(struct cu *cu, struct id process, struct bytes to, struct bytes message, result_done *done, void *ctx);

/* ---- api.c ---- */

extern const struct http_route cu_routes[];
extern const size_t cu_route_count;

#endif
