/* SPDX-License-Identifier: MIT
 *
 * pool: a fixed number of threads and a bounded queue of jobs for them.
 *
 * Work that blocks (signature checks, fdatasync, driving an evaluation) runs on a pool
 * so that the threads that move bytes never wait. Jobs start in the order in which they
 * were put; they may put further jobs. When the queue is full, pool_put says so at
 * once and the caller answers "busy": a queue without a bound is a slow crash.
 */
#ifndef WEFT_BASE_POOL_H
#define WEFT_BASE_POOL_H

#include "base/err.h"

#include <stddef.h>

struct pool;
typedef void pool_job(void *ctx);

/* pool_open starts `threads` threads (at least 1) named `name` (15 characters are seen). */
struct pool *pool_open(const char *name, size_t threads, size_t queue_max);
/* pool_put queues job(ctx). E_BUSY when the queue is full, E_CLOSED after pool_end or pool_close began. */
must_use enum err pool_put(struct pool *p, pool_job *job, void *ctx);
/* pool_put_always ignores the bound: for jobs that finish work already accepted. */
must_use enum err pool_put_always(struct pool *p, pool_job *job, void *ctx);
size_t pool_queued(struct pool *p);
/* pool_end runs what is queued, waits for it and ends the threads; pool_close frees, too. Between them pool_put may still
 * be called, and refuses. */
void pool_end(struct pool *p);
void pool_close(struct pool *p);

#endif
