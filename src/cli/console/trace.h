/* SPDX-License-Identifier: MIT
 *
 * trace: the way of a message and of all that came of it, as a tree of hops. The MU knows who sent what and why (its
 * traces, ao-units 4.10), the SU which place each message got, the CU what came of it.
 */
#ifndef WEFT_CLI_CONSOLE_TRACE_H
#define WEFT_CLI_CONSOLE_TRACE_H

#include "base/arena.h"
#include "base/err.h"

enum { TRACE_HOPS_MAX = 200 };

/* One message, spawn or assignment on its way to one process. */
struct hop {
	struct bytes type; /* MESSAGE, SPAWN, ASSIGN, PROCESS */
	struct bytes message, process;
	struct bytes from;   /* the process that sent it; empty: a client */
	struct bytes parent; /* the message whose result it stood in; empty: none */
	struct bytes state, error;
	uint64_t time_ms;
	size_t depth; /* 0: what nothing else in the list led to */
};

struct hops {
	size_t count;
	struct hop list[TRACE_HOPS_MAX]; /* each followed by what came of it */
};

/* trace_read reads the MU's answer and puts the hops in order; what they say lives in `a`. E_FORMAT when it is none. */
must_use enum err trace_read(struct hops *hops, struct arena *a, struct bytes json);

#endif
