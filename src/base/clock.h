/* SPDX-License-Identifier: MIT
 *
 * clock: the only place where weft asks for the time. Nothing on the path of a
 * turn (engine, reader, cu's evaluation) may call these for a value that reaches
 * a result: there, time is the message's.
 */
#ifndef WEFT_BASE_CLOCK_H
#define WEFT_BASE_CLOCK_H

#include <stdint.h>

/* clock_ms is Unix time in milliseconds; it can step back. */
uint64_t clock_ms(void);
/* clock_ns counts from an arbitrary start and never steps back. */
uint64_t clock_ns(void);
void clock_sleep_ms(uint64_t ms);
/* random_bytes comes from the kernel: keys, anchors, temporary names. */
void random_bytes(void *out, unsigned long len);

#endif
