/* SPDX-License-Identifier: MIT
 *
 * unit: what the files of cu share. Private to the folder.
 *
 * Locks: cu->lock for the tables and counts, live->lock for a process's queues. cu->lock before live->lock, and neither
 * during anything that waits. What a live process holds otherwise belongs to whoever drives it: exactly one thread has its
 * token at a time (live.c), which loads it, runs one of its jobs, or evicts it.
 */
#ifndef WEFT_CU_UNIT_H
#define WEFT_CU_UNIT_H

#include "base/pool.h"
#include "base/timer.h"
#include "cu/cu.h"
#include "cu/result.h"
#include "flow/wait.h"
#include "http/http.h"
#include "msg/key.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

struct cu {
	struct cu_options options;
	struct pool *evaluations;  /* its threads mostly wait for workers */
	struct pool *loads;        /* loading and evicting; they mostly wait for peers and the disk */
	struct pool *translations; /* modules */
	struct pool *dry_runs;
	struct pool *answers; /* of what has become durable */
	struct pool *keeper;  /* checkpoints */
	struct timer *timer;
	struct http_server *server;
	pthread_mutex_t lock;
	pthread_cond_t idle;        /* with `lock`: nothing is under way */
	pthread_cond_t module_came; /* with `lock`: a module has been loaded, or has not */
	struct live *lives;
	struct module *modules;
	size_t under_way; /* jobs, evictions, dry runs */
	size_t queued, dry_queued;
	uint64_t live_memory; /* what the lives that stay hold, and how many they are */
	size_t live_count;
	struct dry *running; /* dry runs, to be stopped when they take too long */
	bool watching;
	pthread_mutex_t follow_lock; /* none other is taken under it; guards the next three */
	struct follower *followers;
	size_t follower_count;
	bool follow_ticks; /* the timer looks after those who have waited enough */
	atomic_bool closing;
	char boot[40]; /* names this run of the unit in its checkpoints */
};

/* cu_begin counts something as under way, unless the unit is closing; cu_end takes it back. */
must_use enum err cu_begin(struct cu *cu, struct note *note);
void cu_end(struct cu *cu);

/* ---- module.c ---- */

struct module {
	char id[ID_TEXT_LEN + 1];
	struct arena arena;
	struct bytes format;
	struct bytes owner; /* as modules see owners: msg/address.h */
	struct tags tags;
	struct program *program; /* NULL until it is loaded */
	/* under cu->lock */
	size_t users; /* processes that have it or wait for it */
	uint64_t last_use;
	bool loading;
	enum err error; /* of the newest loading, and what it says */
	struct note note;
	struct live *waiting;
	UT_hash_handle hh;
};

/* Where a process stands in its history: what the newest evaluated assignment was. */
struct tip {
	int64_t nonce; /* -1: no assignment evaluated yet */
	bool begun;    /* the process's own message has been evaluated without one */
	uint64_t epoch;
	uint64_t timestamp_ms, block_height; /* of the newest evaluation, a cron's too */
	struct id assignment, hash_chain;
	bool has_chain;
	/* for crons: the message that their interval begins with, how far they have come since, and how many ran */
	uint64_t interval_ms;
	uint64_t tick_ms;
	uint64_t tick_height; /* of the block that the tick lies in */
	uint64_t block_next;  /* height of the first that the interval may meet */
	uint32_t cron_count;
};

/* A message that the process's tags ask for again and again (ao-units 5.11). */
struct cron {
	char name[64]; /* "<index>-<interval>" */
	bool by_block;
	uint64_t every; /* blocks or seconds; 0: never */
	struct tags tags;
};

/* Blocks of the weave that were asked for already, by rising height. */
struct block {
	uint64_t height, timestamp_ms;
};
struct blocks {
	struct block *list;
	size_t count, cap;
	size_t at; /* those before are of the past */
};

/* The next assignments of a process, as its scheduler gave them. */
struct window {
	struct arena arena;
	struct page page;
	size_t at;
};

/* What comes after the window, asked for while that is evaluated. */
struct upcoming {
	bool asked;
	int64_t nonce_after;
	struct wait wait;
	struct window window;
};

enum { CHAIN_MAX = 16, DRY_IDLE_MAX = 16 };

/* A checkpoint on this disk: a whole image and what changed since, blob after blob. */
struct chain {
	struct id blobs[CHAIN_MAX];
	size_t count;
	uint64_t whole_size, changes_size; /* packed */
};

/* A process at hand. */
struct live {
	struct id process;
	struct cu *cu;
	UT_hash_handle hh;
	/* under cu->lock */
	size_t users; /* jobs, dry runs, landings, an eviction */
	uint64_t last_use;
	uint64_t memory; /* counted in cu->live_memory */
	bool counted;

	/* under `lock` */
	pthread_mutex_t lock;
	pthread_cond_t calm; /* something below went to zero */
	struct job *jobs, **jobs_end;
	bool busy; /* somebody has the token */
	struct kept *kept, **kept_end;
	size_t kept_count;
	uint64_t kept_last; /* number of the newest batch */
	enum err kept_error;
	struct landing *landings, **landings_end;
	bool saving; /* a checkpoint is being written */
	struct dry *dry_asked, *dry_ready, **dry_ready_end;
	bool dry_job; /* a job that will serve dry_asked is queued */
	size_t dry_running;
	struct instance *dry_idle[DRY_IDLE_MAX];
	size_t dry_idle_count;

	/* with the token */
	bool loaded;
	atomic_bool broken; /* its image may be half written: to be loaded anew */
	bool rehearsal;     /* what is evaluated is only compared (fetch.c) */
	enum err load_error;
	struct note load_note;
	struct live *next_waiting; /* for a module */
	/* Which checkpoints are still to be tried, of the disk and of the weave: those with a smaller nonce. */
	uint64_t rows_end, claims_end;
	bool claimed;       /* `module` is one that a checkpoint of the weave names */
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
	struct reading *reading; /* of the turn at hand (drive.h) */
	struct buf foreseen;     /* what the module will probably get after it; empty: who knows */
	struct window window;
	struct upcoming coming;
	const struct cron *crons; /* those by block, then those by time */
	size_t cron_count;
	struct blocks blocks;
	uint64_t turns_unmeasured;
	/* since the newest checkpoint, on the disk and on the weave */
	uint64_t unsaved_turns, unsaved_gas, unsaved_ns;
	uint64_t unsent_gas, sent_ns;
	struct chain chain;
};

/* module_want sets p->module. True: it is ready. False: load_rest(p) will be called, on a thread of cu->loads,
 * with p->load_error set. */
bool module_want(struct live *p, struct bytes id);
/* module_await is the same for a thread that may wait: *out is held for the caller. */
must_use enum err module_await(struct cu *cu, struct bytes id, struct module **out, struct note *note);
void module_hold(struct cu *cu, struct module *m);
void module_release(struct cu *cu, struct module *m);
/* modules_stop kills all workers, whose calls then fail; modules_close frees. */
void modules_stop(struct cu *cu);
void modules_close(struct cu *cu);

/* ---- load.c ---- */

/* load_begin makes p live and calls live_loaded, now or later. load_rest is its second half. Jobs of cu->loads. */
void load_begin(void *live);
void load_rest(void *live);
/* load_instance gives it a worker, unless it has one. */
must_use enum err load_instance(struct live *p, struct note *note);
/* load_limits reads the tags of p or else of the module: 0 for a limit that is not there, or not a number. E_LIMIT then, and
 * when one is more than the unit has. */
struct limits {
	uint64_t memory_max, gas;
};
must_use enum err load_limits(const struct live *p, const struct module *m, struct limits *out, struct note *note);
/* load_drain waits for the dry runs of p that have begun, which look at it without the token, and closes their workers. */
void load_drain(struct live *p);
/* unload waits for what is on its way to the disk, and takes back what load_begin did. */
void unload(struct live *p);
/* size_parse reads "1-gb", "512 mb", "1.5gb" or a number of bytes; 0 when it is none of them (ao-units 5.7). */
uint64_t size_parse(struct bytes text);

/* ---- live.c: jobs ---- */

/* A job runs on a thread of cu->evaluations when all earlier ones of its process have ended. `run` owns and frees it. With
 * e < 0 the process could not be loaded, as the note says, and p is only good for its id. */
struct job {
	void (*run)(struct live *p, struct job *job, enum err e, const struct note *note);
	struct job *next;
};

/* live_put queues a job; E_BUSY when too much is queued. */
must_use enum err live_put(struct cu *cu, struct id process, struct job *job, struct note *note);
/* live_put_held is live_put for a process that is held. */
must_use enum err live_put_held(struct live *p, struct job *job, struct note *note);
void live_loaded(struct live *p, enum err e, const struct note *note);
/* live_hold and live_release keep a process at hand outside its jobs. */
struct live *live_hold(struct cu *cu, struct id process);
void live_release(struct live *p);
/* live_measure counts what p holds; with the token. */
void live_measure(struct live *p);
/* lives_close evicts all. */
void lives_close(struct cu *cu);

/* ---- history.c ---- */

/* history_next gives the assignment after the tip, or NULL at the end of the history as it was when `fresh` began to be false:
 * the first call of an advance passes a `fresh` that is true, and asks the scheduler when the window is empty. It lives
 * until the next call. */
must_use enum err history_next(struct live *p, bool *fresh, const struct assignment **out, struct note *note);
/* history_ahead asks for what comes after the window, if somebody will want it: the process is to go on to `nonce`. */
void history_ahead(struct live *p, uint64_t nonce);
/* history_after is the one after what history_next gave, if it is at hand; otherwise NULL. */
const struct assignment *history_after(const struct live *p);
/* history_find gives the nonce of a message, an assignment, or the process. */
must_use enum err history_find(struct live *p, const char *id, uint64_t *nonce, struct note *note);
/* history_reset drops the window: the tip has moved otherwise than forward. */
void history_reset(struct live *p);
/* history_forget drops a window that is not worth its memory. */
void history_forget(struct live *p, bool idle);

/* ---- advance.c ---- */

struct bound {
	uint64_t nonce, timestamp_ms; /* both inclusive */
};
#define PRESENT ((struct bound){UINT64_MAX, UINT64_MAX})

/* advance_to evaluates as far as both bounds allow, or as the history goes. Its results are on their way to the disk
 * when it returns. */
must_use enum err advance_to(struct live *p, struct bound bound, struct note *note);
/* advance_turn is one evaluation: message JSON in, result out, memory kept or put back. */
must_use enum err advance_turn(struct live *p, struct arena *a, struct bytes message, struct result *out,
			       struct note *note);
/* advance_settle makes p->image what the tip says, for whoever looks at it. When it fails p is broken. */
must_use enum err advance_settle(struct live *p, struct note *note);
/* advance_show does so for a process that may only have been loaded: it has no worker then, and its image may be empty. */
must_use enum err advance_show(struct live *p, struct note *note);
/* Its parts, for who decides between them: the turn, what it comes to, and what becomes of the memory. */
must_use enum err advance_try(struct live *p, struct arena *a, struct bytes message, struct outcome *outcome,
			      struct note *note);
void advance_result(const struct live *p, struct arena *a, const struct outcome *outcome, struct result *out);
must_use enum err advance_end(struct live *p, const struct result *result, struct note *note);
/* advance_settle makes p->image what the tip says, for whoever looks at it. When it fails p is broken. */
must_use enum err advance_settle(struct live *p, struct note *note);
/* advance_first writes what the module of p gets for the process's own message, with a place in the history or without. */
must_use enum err advance_first(struct live *p, struct arena *a, struct buf *out, struct note *note);

/* ---- migrate.c ---- */

/* migrate_asked tells whether a message asks for another module. migrate_turn is advance_turn for such a one: `text` is
 * what the module gets for it. */
bool migrate_asked(const struct live *p, const struct assignment *assignment);
must_use enum err migrate_turn(struct live *p, struct arena *a, const struct assignment *assignment, struct bytes text,
			       struct result *out, struct note *note);
/* migrate_mark remembers what p runs on, and migrate_back makes it that again, whatever it has migrated to meanwhile. */
struct migrate_mark {
	struct module *module;
	struct bytes environment;
	uint64_t memory_max, gas_limit;
};
void migrate_mark(struct migrate_mark *mark, struct live *p);
void migrate_back(struct migrate_mark *mark, struct live *p);

/* ---- keep.c ---- */

/* What a batch makes known of a message, so that its double is seen before the batch is on the disk. */
struct seen {
	uint64_t nonce;
	struct id message; /* zero: none */
	bool forwarded;
	uint8_t hash[SIGNED_HASH_SIZE];
};

/* keep_put hands a batch to the store. It blocks only when very much is on its way. */
must_use enum err keep_put(struct live *p, struct store_batch *b, const struct seen *seen, struct note *note);
/* keep_wait waits until all is durable. */
must_use enum err keep_wait(struct live *p, struct note *note);
/* keep_when calls landed(l, e) once all that was put so far is durable: at once, or on a thread of cu->answers.
 * It holds the process until then. */
struct landing {
	void (*landed)(struct landing *l, enum err e);
	struct live *live;
	uint64_t last;
	enum err e;
	struct landing *next;
};
void keep_when(struct live *p, struct landing *l);
/* keep_seen tells whether an earlier message was the same. */
bool keep_seen(struct live *p, const struct seen *seen, bool assigned);

/* ---- message.c ---- */

/* message_for_module writes what the module gets for an assignment, in the key order of ao-units 5.12. `m` is its message;
 * `assigned` tells that it came from the weave by an assign, whose Exclude tags count. */
void message_for_module(struct buf *out, struct arena *a, const struct live *p, const struct assignment *assignment,
			const struct message *m, bool assigned);
/* message_of_process is the same for the process's own message where the scheduler gave it no place. */
void message_of_process(struct buf *out, struct arena *a, const struct live *p, const struct message *m);
void cron_for_module(struct buf *out, const struct live *p, struct tags tags, uint64_t timestamp_ms,
		     uint64_t block_height);
/* dry_run_for_module: E_ARGUMENT when `body` is not such an object (ao-units 5.6). */
must_use enum err dry_run_for_module(struct buf *out, struct arena *a, struct id process, const struct tip *tip,
				     struct bytes body, struct note *note);
/* value_for_module writes any JSON as JSON.stringify would write what JSON.parse made of it: escapes and blanks are not part of a
 * value. */
void value_for_module(struct jw *w, struct arena *a, const struct json *v);
/* environment_for_module is the second argument: the process and the module. */
struct bytes environment_for_module(struct arena *a, const struct live *p, const struct module *m);

/* ---- cron.c ---- */

/* crons_parse reads the Cron-Interval and Cron-Tag- tags of a process. */
must_use enum err crons_parse(const struct cron **out, size_t *count, struct arena *a, struct tags tags,
			      struct note *note);
/* crons_start begins a new interval at the message that the tip stands on; crons_run evaluates what is due from
 * there to `until_ms` (exclusive): the next message, or the present. */
void crons_start(struct live *p);
void crons_forget(struct live *p);
must_use enum err crons_run(struct live *p, uint64_t until_ms, struct note *note);

/* ---- checkpoint.c ---- */

/* checkpoint_load sets tip, chain and image from the newest checkpoint of this disk that is whole; E_NOT_FOUND, and nothing
 * changed, when there is none. One of another module than p->module is not loaded: *other is that module, and once p has it
 * checkpoint_load is to be called again. */
must_use enum err checkpoint_load(struct live *p, struct bytes *other);
/* checkpoint_module is the module of the newest one; empty when there is none. */
struct bytes checkpoint_module(struct live *p);
/* checkpoint_when_due saves, here and on the weave, what has come together since the last time. */
void checkpoint_when_due(struct live *p);
/* checkpoint_near tells whether one will probably be due after another turn. */
bool checkpoint_near(struct live *p);
/* checkpoint_begin copies what changed and lets cu->keeper write it down; nothing when it still writes the one before. */
void checkpoint_begin(struct live *p);
/* checkpoint_wait waits for that. */
void checkpoint_wait(struct live *p);

/* ---- fetch.c, upload.c: checkpoints of the weave ---- */

/* fetch_checkpoint sets tip and image from the newest one of a trusted owner that holds up; E_NOT_FOUND when none does.
 * *other is as with checkpoint_load. */
must_use enum err fetch_checkpoint(struct live *p, struct bytes *other, struct note *note);
/* upload_checkpoint copies the memory and lets cu->keeper send it. */
void upload_checkpoint(struct live *p);

/* ---- asks.c: what the port and the HTTP ask ---- */

void ask_result(struct cu *cu, struct id process, struct bytes id, result_done *done, void *ctx);
/* ask_state advances the process to `to_ms`, or with UINT64_MAX to the present, as far as its history and the clock of its
 * scheduler go, and then calls `done` from within the process's job: it may look at everything, and must not block long. */
typedef void state_done(void *ctx, enum err e, const struct note *note, struct live *p);
void ask_state(struct cu *cu, struct id process, uint64_t to_ms, state_done *done, void *ctx);
void ask_cron(struct cu *cu, struct id process, const struct results_ask *page, result_done *done, void *ctx);
/* ask_advance_present and ask_advance_message are the ways to a state, for jobs. */
must_use enum err advance_present(struct live *p, uint64_t to_ms, struct note *note);
must_use enum err advance_message(struct live *p, const char *id, struct note *note);

/* ---- follow.c: who waits for results that are not there yet ---- */

/* follow answers with the page, when it is empty and ascending as soon as it is not, at the latest after wait_ms. */
void follow(struct cu *cu, struct http_request *r, struct id process, const struct results_ask *ask, uint64_t wait_ms);
/* follow_wake: results of the process have become durable. It does not block. */
void follow_wake(struct cu *cu, struct id process);
/* follow_close answers all, once the unit is closing; nobody waits from then on. */
void follow_close(struct cu *cu);

/* ---- dry.c ---- */

/* `to` may be empty. Both texts are copied. */
void dry_run(struct cu *cu, struct id process, struct bytes to, struct bytes message, result_done *done, void *ctx);

/* ---- api.c ---- */

extern const struct http_route cu_routes[];
extern const size_t cu_route_count;

#endif
