/* SPDX-License-Identifier: MIT */
#include "node/memory.h"

#include "base/clock.h"

#include <malloc.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 512 << 10, CALM_PERCENT = 5, BURST_CPU_MS = 500 };

void memory_prepare(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	mallopt(M_ARENA_MAX, processors > 1 ? (int)(2 * processors) : 2);
	mallopt(M_MMAP_THRESHOLD, LARGE);
	mallopt(M_TRIM_THRESHOLD, 2 * LARGE);
}

bool memory_is_due(struct memory_watch *w, uint64_t now_ms, uint64_t cpu_ms)
{
	uint64_t passed_ms = now_ms - w->now_ms, used_ms = cpu_ms - w->cpu_ms;
	bool due = used_ms * 100 < passed_ms * CALM_PERCENT && cpu_ms - w->given_cpu_ms >= BURST_CPU_MS;

	w->now_ms = now_ms;
	w->cpu_ms = cpu_ms;
	if (due)
		w->given_cpu_ms = cpu_ms;
	return due;
}

void memory_look(struct memory_watch *w)
{
	struct timespec cpu;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	if (memory_is_due(w, clock_ns() / 1000000, (uint64_t)cpu.tv_sec * 1000 + (uint64_t)cpu.tv_nsec / 1000000))
		malloc_trim(0);
}
