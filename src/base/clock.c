/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include "base/err.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

static uint64_t read_ns(clockid_t which)
{
	struct timespec now;

	must(clock_gettime(which, &now) == 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_ms(void)
{
	return read_ns(CLOCK_REALTIME) / 1000000u;
}

uint64_t clock_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

void clock_sleep_ms(uint64_t ms)
{
	struct timespec left = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

void random_bytes(void *out, unsigned long len)
{
	char *at = out;

	while (len) {
		ssize_t n = getrandom(at, len > 256 ? 256 : len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		must(n > 0);
		at += n;
		len -= (unsigned long)n;
	}
}
