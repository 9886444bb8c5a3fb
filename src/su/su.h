/* SPDX-License-Identifier: MIT
 *
 * su: the scheduler unit. It gives every message of a process its one place in a
 * hash-chained history, keeps that history, and stores it on the weave.
 *
 *   item --verify--> schedule --> history (who is next?) --sign--> assignment
 *                                                                      |
 *                          answer <-- durable <-- one batch of the store:
 *                                                 record, index by time and id, upload task
 *                                                                      |
 *                                           upload: bundles of (assignment, message) --> weave
 *
 * Files: schedule.c takes an item or an assign to its answer; history.c holds the
 * newest link of each process and makes the next; record.c is what lies in the store;
 * read.c answers what was asked about it; upload.c brings it to the weave; api.c is
 * the HTTP of ao-units 3.
 *
 * Promises: a nonce is given once; nothing is answered before it is durable; timestamps of one
 * process rise strictly (the reference repeats them within a millisecond, and its
 * readers then lose messages: ao-units 3.5); appends of different processes never wait
 * for each other, and those of one process wait only for the signature, not for the disk.
 */
#ifndef WEFT_SU_SU_H
#define WEFT_SU_SU_H

#include "base/log.h"
#include "flow/flow.h"

struct key;
struct store;
struct su;

struct su_options {
	struct store *store;   /* its own; borrowed, outlives the unit */
	struct weave weave;    /* where assignments go, and where block heights come from; outlives the unit */
	const struct key *key; /* signs assignments; borrowed */
	struct log *log;
};

/* su_open starts the unit, and its uploads of what an earlier run left. It does not wait for the weave: until that has said its
 * height, histories are answered, and what needs one is refused with E_BUSY. */
must_use enum err su_open(struct su **out, const struct su_options *options, struct note *note);
/* su_port is the unit as a port, for callers in the same process. */
struct scheduler su_port(struct su *su);
/* su_serve listens for HTTP at address:port (0: any free one); *bound (may be NULL) is the port. */
must_use enum err su_serve(struct su *su, const char *address, uint16_t port, uint16_t *bound, struct note *note);
/* su_address is the scheduler's wallet, as process items name it. */
struct id su_address(const struct su *su);
/* su_is_ready tells whether the weave has said its height. */
bool su_is_ready(const struct su *su);
/* su_close answers what is under way, and frees. The weave must still answer, be it with errors. */
void su_close(struct su *su);

#endif
