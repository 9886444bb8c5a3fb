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
 * after the other; load.c and module.c make a process live; history.c is the window on its assignments; advance.c takes
 * it forward; message.c is what the module sees; cron.c the messages that nobody sent; result.c what is kept
 * and found; migrate.c a process that goes on with another module; keep.c results on their way to the disk; checkpoint.c,
 * upload.c and fetch.c the memory that outlives this program; dry.c runs of which nothing is kept; drive.c, available.c,
 * document.c and reads.c what modules read of the weave, and the record of it.
 *
 * Promises: assignments are evaluated in the order of their nonces and none is left out; a broken hash chain stops the
 * process, not the unit; a result is durable before it is answered; a failing message is a result, and leaves the memory as
 * it was. Different processes are evaluated in parallel. Evaluations, dry runs, loading, translating and answering have
 * threads and queues of their own, so that none starves another; what does not fit is refused at once with E_BUSY.
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
	const struct key *key; /* names the unit, and signs its checkpoints */
	struct log *log;

	/* What processes may ask for. 0 stands for the value named. */
	uint64_t memory_max; /* per process, bytes; 4 GiB. Processes that ask for more are refused */
	uint64_t gas_max;    /* per message; 9e12 */

	/* What the unit may use. */
	size_t live_max;        /* processes with a worker at the same time; 1,000 */
	uint64_t live_memory;   /* bytes that they may hold together; half of the machine's memory */
	size_t evaluations_max; /* at the same time; 128 */
	size_t queue_max;       /* asks that wait; 20,000 */
	size_t dry_runs_max;    /* at the same time; twice the number of cores, but at least 4 */
	size_t dry_queue_max;   /* 3,000 */
	uint64_t dry_ms_max;    /* a dry run that takes longer is stopped; 60,000 */
	uint64_t wait_ms_max;   /* the longest that an ask for results waits for one; 30,000 */
	uint64_t stop_grace_ms; /* for what is under way at cu_close; 5,000 */

	uint64_t drive_bytes_max; /* what one message may read of the weave (drive.h); 1 GiB */

	/* Checkpoints on this disk: after so many turns, so much gas, so much time spent on turns; 2,000, 3e14, 10,000. */
	uint64_t checkpoint_turns, checkpoint_gas, checkpoint_ms;
	/* Checkpoints on the weave (ao-units 5.13, 5.14): made when upload_gas is set, after so much gas, but not more often than
	 * every upload_ms (30 minutes) per process; taken from these owners, or without any from the unit itself. */
	uint64_t upload_gas, upload_ms;
	const struct bytes *trusted;
	size_t trusted_count;
	bool ignore_weave_checkpoints;
};

must_use enum err cu_open(struct cu **out, const struct cu_options *options, struct note *note);
/* cu_port is the unit as a port, for callers in the same process. */
struct computer cu_port(struct cu *cu);
/* cu_serve listens for HTTP at address:port (0: any free one); *bound (may be NULL) is the port. */
must_use enum err cu_serve(struct cu *cu, const char *address, uint16_t port, uint16_t *bound, struct note *note);
/* cu_close ends what is under way, keeps a checkpoint of each live process, and frees. */
void cu_close(struct cu *cu);

#endif
