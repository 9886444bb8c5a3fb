/* SPDX-License-Identifier: MIT
 *
 * mu: the message unit. It takes messages from clients to the scheduler of their process, and then turns
 * the crank: what the process sends in answer becomes signed messages, spawns and assignments, which
 * enter at the top again, until nothing is left.
 *
 *   item --verify--> schedule at the process's SU --> 202
 *                          |
 *                          v      durable task
 *                    result of it, from the CU --> outbox --build, sign--> items --> schedule ... and so on
 *
 * Promises: what was answered 202 is cranked to the end, also over kill -9; what one
 * process sends to another arrives in the order in which it was sent (the reference does not keep it: ao-units 4.5); a
 * step that fails is tried again with back-off, and what is given up is kept, with its cause, for the operator to see.
 * Trying again never sends a thing twice: the signed item is kept with the task before it is sent, so its id is the same.
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
};

/* mu_open starts the unit, and goes on with what an earlier run left. */
must_use enum err mu_open(struct mu **out, const struct mu_options *options, struct note *note);
/* mu_serve listens for HTTP at address:port (0: any free one); *bound (may be NULL) is the port. */
must_use enum err mu_serve(struct mu *mu, const char *address, uint16_t port, uint16_t *bound, struct note *note);
/* mu_close answers what is under way, and frees. Tasks that are not done are in the store. The ports must still work. */
void mu_close(struct mu *mu);

#endif
