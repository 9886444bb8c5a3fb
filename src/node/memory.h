/* SPDX-License-Identifier: MIT
 *
 * memory: what becomes of memory that was freed.
 *
 * glibc's malloc keeps it, in an area per group of threads (eight for each processor), and a node has some ninety threads:
 * after a burst of twenty thousand messages 150 MiB of 190 were free and still the node's. So there are fewer areas, large
 * pieces are mapped and unmapped each for itself (left alone malloc stops doing so after the first few), and when a
 * burst is over all that is free is given back. Not while it lasts: walking the areas keeps their threads waiting.
 */
#ifndef WEFT_NODE_MEMORY_H
#define WEFT_NODE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

enum { MEMORY_LOOK_MS = 5000 };

/* What was seen at the last look, and when memory was given back. */
struct memory_watch {
	uint64_t now_ms, cpu_ms; /* of the last look */
	uint64_t given_cpu_ms;   /* processor time used until memory was last given back */
};

/* memory_prepare is called once, before there are threads. */
void memory_prepare(void);
/* memory_is_due tells, at a look, whether a burst is over: little processor time was used since the look before, and much
 * since memory was given back. */
bool memory_is_due(struct memory_watch *w, uint64_t now_ms, uint64_t cpu_ms);
/* memory_look gives back what is free when that is due. To be called every MEMORY_LOOK_MS. */
void memory_look(struct memory_watch *w);

#endif
