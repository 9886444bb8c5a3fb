/* SPDX-License-Identifier: MIT
 *
 * timer: "call me in a while". One thread keeps a heap of due times; jobs run on
 * that thread and must be short: to do work, put it on a pool. Retries with back-off
 * use it, so that waiting costs no thread.
 */
#ifndef WEFT_BASE_TIMER_H
#define WEFT_BASE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct timer;
/* `closing` is true when timer_close runs the job before its time: finish with an error, do not
 * wait again. */
typedef void timer_job(void *ctx, bool closing);

struct timer *timer_open(const char *name);
/* timer_after runs job(ctx) once, `ms` from now. After timer_close began it runs at once, with
 * closing = true, on the caller's thread. */
void timer_after(struct timer *t, uint64_t ms, timer_job *job, void *ctx);
/* timer_close runs every job that still waits (closing = true), ends the thread and frees. */
void timer_close(struct timer *t);

#endif
