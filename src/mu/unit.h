/* SPDX-License-Identifier: MIT
 *
 * unit: what the files of mu share. Private to the folder.
 *
 * How waiting works here. A step that asks a port hands it a `struct run`, which owns
 * everything that the port borrows, and returns. The port's answer is copied into the run,
 * which then goes on as a job of the pool. So a task that waits for a result holds no thread; a
 * task that waits for its turn or for its next try is only a struct task.
 *
 * How ending works. Whoever touches the unit does so between mu_enter and mu_leave; once the
 * unit is closing, mu_enter says no. A question to a scheduler or the weave is asked inside,
 * and stays inside until it is answered: those are short, and mu_close waits for them. A
 * question to the computer may take as long as an evaluation, so it is asked outside: its
 * answer enters anew, or is dropped. Such a run holds the struct, which goes with its last
 * holder.
 */
#ifndef WEFT_MU_UNIT_H
#define WEFT_MU_UNIT_H

#include "http/http.h"
#include "mu/facts.h"
#include "mu/fan.h"
#include "mu/mu.h"
#include "mu/outbox.h"
#include "mu/task.h"
#include "mu/trace.h"

#include <pthread.h>
#include <stdatomic.h>

struct gate;
struct monitors;
struct postings;
struct wallets;

struct mu {
	struct mu_options options; /* with the defaults filled in */
	struct store *store;
	struct log *log;
	struct pool *pool;
	struct timer *timer;
	struct http_server *server;
	struct gate *gate;
	struct facts_book *facts;
	struct postings *postings;
	struct monitors *monitors;
	struct wallets *wallets;
	struct queue *queues[STAGE_COUNT];

	_Atomic uint64_t seq;  /* the number of the next task */
	atomic_size_t failed;  /* tasks that were given up and are kept */
	atomic_bool broken;    /* the store has failed: nothing that is promised can be kept */
	atomic_size_t commits; /* that the store has not answered */
	atomic_size_t holders; /* of this struct */
	pthread_mutex_t again; /* crank_again, one at a time */
	pthread_mutex_t lock;  /* of the two below */
	pthread_cond_t quiet;  /* active became 0 */
	bool closing;
	size_t active; /* between mu_enter and mu_leave */
};

/* ---- mu.c ---- */

must_use bool mu_enter(struct mu *mu);
void mu_leave(struct mu *mu);
void mu_hold(struct mu *mu);
void mu_let_go(struct mu *mu);
/* mu_commit is store_commit, counted; a failure makes the unit broken. `done` may be NULL. */
void mu_commit(struct mu *mu, struct store_batch *b, store_done *done, void *ctx);
/* mu_commit_lazy is the same with store_commit_lazy. */
void mu_commit_lazy(struct mu *mu, struct store_batch *b);
/* mu_next_seq gives `count` numbers, of which it returns the first, and drops old traces now
 * and then. */
uint64_t mu_next_seq(struct mu *mu, size_t count);

/* ---- run.c: a step that waits ---- */

struct run;
typedef void run_step(struct run *run);

struct run {
	struct mu *mu;
	struct task *task; /* belongs to its queue; NULL: a push or a look at crons */
	run_step *step;
	struct arena arena;
	struct record record;         /* the task's, which it may change; or who is asked about what */
	struct http_request *request; /* who is to be answered; may be NULL */
	/* What ports borrow. */
	struct id_text text;
	struct bytes asked;
	struct bytes item;
	struct assign assign;
	struct weave_query query;
	struct scheduler scheduler;
	/* What they said. */
	enum err e;
	struct note note;
	struct bytes answer;
	struct id told;
	uint64_t nonce;
	struct facts facts;
	/* What was made of it. */
	struct outbox outbox;
	const struct json *page;
	uint64_t number;
};

struct run *run_new(struct mu *mu, struct task *task);
/* run_end frees the run; a request that it still holds is told that the unit is closing. */
void run_end(struct run *run);
/* run_said keeps a port's error. */
void run_said(struct run *run, enum err e, const struct note *note);
/* run_later goes on with `step` as a job, inside the unit; from inside only. */
void run_later(struct run *run, run_step *step);
/* run_result asks for the result of run->record's id of its process, and goes on with `step`;
 * from inside, and the caller must not touch the run afterwards. */
void run_result(struct run *run, run_step *step);
/* run_facts learns what the process says of itself, and goes on with `step`; likewise. */
void run_facts(struct run *run, struct id process, run_step *step);
/* run_computed is a result_done for a run: copies the answer and goes on with run->step. */
void run_computed(void *ctx, enum err e, const struct note *note, struct bytes result);

/* ---- crank.c: a task on its way ---- */

/* crank_put hands a task to the queue of its stage; `order` sorts pulls. crank_move then starts
 * what may start. From inside the unit only. */
void crank_put(struct mu *mu, struct task *task, uint64_t order);
void crank_move(struct mu *mu);
/* crank_resume reads the tasks of an earlier run. */
must_use enum err crank_resume(struct mu *mu, struct note *note);

/* What can become of a step; each ends the run, and all but the first two the task. */
void crank_next(struct run *run, enum stage stage, uint64_t order);     /* on to another stage */
void crank_retry(struct run *run, enum err e, const struct note *note); /* later; or given up, and kept as failed */
void crank_drop(struct run *run, const char *event, const char *why);   /* it cannot be done: its trace says why */
void crank_done(struct run *run, struct store_batch *b, store_done *done, void *ctx); /* and the batch comes of it */
/* crank_again puts a task that was given up back to work. E_NOT_FOUND. */
must_use enum err crank_again(struct mu *mu, uint64_t seq, struct note *note);

/* ---- send.c, check.c, pull.c: the steps ---- */

void send_step(struct run *run);
void check_step(struct run *run);
void pull_step(struct run *run);
/* send_assigned makes an ASSIGN the pull of its assignment, in the store and in the record.
 * `done` may be NULL. */
void send_assigned(struct mu *mu, uint64_t seq, struct record *record, struct id assignment, store_done *done,
		   void *ctx);

/* ---- wallets.c ---- */

/* Which receivers were found to be no processes, for a while. */
struct wallets *wallets_new(void);
void wallets_free(struct wallets *w);
bool wallets_has(struct wallets *w, struct id id);
void wallets_add(struct wallets *w, struct id id);
void wallets_del(struct wallets *w, struct id id);

/* ---- accept.c, push.c, monitor.c: what clients post ---- */

void accept_post(void *ctx, struct http_request *r);
void push_post(void *ctx, struct http_request *r);
must_use enum err monitors_open(struct mu *mu);
void monitors_free(struct mu *mu);
void monitor_post(void *ctx, struct http_request *r);
void monitor_delete(void *ctx, struct http_request *r);
size_t monitors_count(struct mu *mu);

/* accept_item reads a request's body as a signed item, and checks the signature. */
struct item;
must_use enum err accept_item(struct item *out, struct http_request *r, struct note *note);

/* ---- api.c ---- */

extern const struct http_route mu_routes[];
extern const size_t mu_route_count;

#endif
