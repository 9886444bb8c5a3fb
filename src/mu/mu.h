/* SPDX-License-Identifier: MIT
 *
 * mu: the message unit. It takes messages from clients to the scheduler of their process, and
 * then turns the crank: what the process sends in answer becomes signed messages, spawns and
 * assignments, which enter at the top again, until nothing is left.
 *
 *   item --verify--> durable task --> schedule at the process's SU --> 202
 *                         |
 *                         v
 *                   result of it, from the CU --> outbox --build, sign--> tasks --> schedule ... and so on
 *
 * Files: accept.c takes what clients post (postings.c knows what it has had before, gate.c whom
 * the operator lets in); crank.c
 * moves each task through its stages, which are check.c, send.c and pull.c; outbox.c reads a
 * result, build.c makes items of it, fan.c makes tasks of those; queue.c says whose turn it is;
 * task.c and trace.c are what lies in the store; monitor.c pushes crons; facts.c knows what a
 * process says of itself; api.c is the HTTP of ao-units 4.1.
 *
 * Promises:
 *   - What was answered 202 is cranked to the end, also over kill -9. The task is durable
 *     before the scheduler hears of the message, so there is no moment in which a scheduled
 *     message has nobody to crank it.
 *   - What one process sends to another arrives in the order in which it was sent (the
 *     reference does not keep it: ao-units 4.5).
 *   - Trying again never sends a thing twice: an item is signed and kept before it is sent, so
 *     its id is the same, and "exists already" is success.
 *   - A step that fails is tried again with back-off, on a timer; what is given up is kept,
 *     with its cause, for the operator to see (GET /tasks) and to try again (POST /tasks/{n}).
 *   - No thread waits for an answer; a task that waits costs some 400 bytes of memory, one that
 *     waits for a result 2 KB.
 *   - Processes take turns: one that sends much does not hold up others.
 */
#ifndef WEFT_MU_MU_H
#define WEFT_MU_MU_H

#include "base/log.h"
#include "flow/flow.h"

struct key;
struct locate;
struct mu;
struct store;

struct mu_options {
	struct store *store;      /* its own; borrowed, as is all here; outlives the unit */
	struct weave weave;       /* messages to wallets go there; processes are looked up there */
	struct locate *locate;    /* where each process's scheduler is */
	struct computer computer; /* results */
	const struct key *key;    /* signs what processes send: an Authority of theirs */
	struct log *log;
	struct bytes whitelist, rate_limits; /* JSON (gate.h); empty: none */

	/* Each may be 0 for its default. */
	uint64_t retry_ms;   /* before the first new try, doubling after it: 1000 */
	size_t tries_max;    /* then a task is given up: 12, which is about ten minutes */
	uint64_t monitor_ms; /* between two looks at a monitored process's crons: 10000 */
	size_t posted_max;   /* posts under way, of which one process may take a quarter; more get 503: 20000 */
	size_t traces_max;   /* kept; older ones are dropped: 100000 */
};

/* mu_open starts the unit, and goes on with what an earlier run left. */
must_use enum err mu_open(struct mu **out, const struct mu_options *options, struct note *note);
/* mu_serve listens for HTTP at address:port (0: any free one); *bound (may be NULL) is the port. */
must_use enum err mu_serve(struct mu *mu, const char *address, uint16_t port, uint16_t *bound, struct note *note);
/* mu_close answers what is under way, and frees. Tasks that are not done are in the store. It
 * does not wait for results: the ports must still work during the call, and what they answer
 * after it is ignored. They have to be closed (and so answer everything) before the process
 * ends for all memory to be given back. */
void mu_close(struct mu *mu);

#endif
