/* SPDX-License-Identifier: MIT
 *
 * cu: the compute unit. It replays the history of a process through the process's module, and answers
 * with results.
 *
 *   GET /result/M --> stored? --yes--> answer
 *                       | no
 *                       v
 *                  live process (one job at a time)
 *                       |  load: process from its scheduler, module from the weave, newest checkpoint
 *                       v
 *                  advance: page of assignments --message--> reader: turn --outcome--> result --> store
 *                                                                |                        |
 *                                                     image: commit or rollback        answer, when durable
 *
 * Files: api.c is the HTTP of ao-units 5; live.c the processes at hand, each with a queue of jobs that run one
 * after the other; load.c makes a process live; advance.c takes it forward; message.c is what the module
 * sees; cron.c the messages that nobody sent; result.c what is kept; checkpoint.c the memory that outlives
 * this program; dry.c runs of which nothing is kept.
 *
 * Promises: assignments are evaluated in the order of their nonces and none is left out; a broken hash chain stops the
 * process, not the unit; a result is durable before it is answered; a failing message is a result, and leaves the memory as
 * it was. Different processes are evaluated in parallel, and dry runs have threads and workers of their own.
 */
#ifndef WEFT_CU_CU_H
#define WEFT_CU_CU_H

#include "base/log.h"
#include "flow/locate.h"
#include "reader/reader.h"

struct key;
struct store;
struct cu;

struct cu_options {
	struct store *store;   /* its own; borrowed, as is all here; outlives the unit */
	struct weave weave;    /* modules, assigned messages, blocks */
	struct locate *locate; /* where each process's scheduler is */
	struct readers *readers;
	const struct key *key; /* names the unit */
	uint64_t memory_max;   /* per process, bytes; 0: 4 GiB. Processes that ask for more are refused */
	uint64_t gas_max;      /* per message; 0: 9e12 */
	size_t live_max;       /* processes with a worker at the same time; 0: 64 */
	struct log *log;
};

must_use enum err cu_open(struct cu **out, const struct cu_options *options, struct note *note);
/* cu_port is the unit as a port, for callers in the same process. */
struct computer cu_port(struct cu *cu);
/* cu_serve listens for HTTP at address:port (0: any free one); *bound (may be NULL) is the port. */
must_use enum err cu_serve(struct cu *cu, const char *address, uint16_t port, uint16_t *bound, struct note *note);
/* cu_close ends what is under way, keeps a checkpoint of each live process, and frees. */
void cu_close(struct cu *cu);

#endif
