/* SPDX-License-Identifier: MIT
 *
 * gate: which processes may be posted to, and how much each wallet may post (ao-units 4.8). Private to mu.
 *
 * Open to everybody unless the operator says otherwise, in the reference's words:
 *
 *   whitelist    {"processes": {"ID": anything, ...}}
 *   rate limits  {"default": 100, "addresses": {"WALLET": 500}, "processes": {"ID": {"divide": 2, "subtract": 10}},
 *                 "ips": {"1.2.3.4": 2}}
 *
 * A wallet may post (addresses[wallet] + default) / divide - subtract messages to a process within an hour, and that many
 * spawns; divide is 1 and subtract 0 for processes that are not named. Who posts from an IP of more than 1 is not counted.
 *
 * The hour begins with the first of them. It is counted in memory: a restart forgets. What a process sends is never counted.
 */
#ifndef WEFT_MU_GATE_H
#define WEFT_MU_GATE_H

#include "base/err.h"
#include "base/hash.h"

struct gate;

/* gate_open reads what the operator says; an empty text is nothing. E_FORMAT says which is wrong; *out is to be closed also
 * then. */
must_use enum err gate_open(struct gate **out, struct bytes whitelist, struct bytes rates, struct note *note);
void gate_close(struct gate *g);

/* gate_process: E_DENIED for a process that may not be posted to. */
must_use enum err gate_process(const struct gate *g, struct id process, struct note *note);
/* gate_count counts a post of a wallet to a process (zero: a spawn). E_RATE when it had as many as it may. */
must_use enum err gate_count(struct gate *g, struct id wallet, struct id process, struct bytes ip, uint64_t now_ms,
			     struct note *note);

#endif
