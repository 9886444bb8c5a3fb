/* SPDX-License-Identifier: MIT
 *
 * http_scheduler: a scheduler port out of a URL, speaking the SU's HTTP (ao-units 3).
 *
 * Reads are retried (5 tries from 500 ms, doubling, as the reference CU does: 5.8); a
 * write is sent once, and a 307/308 is followed by posting again to its Location
 * (SU routers redirect: 4.2 step 7), because only the caller knows whether sending
 * twice is safe. The peer's {"error":...} text becomes the note.
 */
#ifndef WEFT_FLOW_HTTP_SCHEDULER_H
#define WEFT_FLOW_HTTP_SCHEDULER_H

#include "flow/flow.h"

struct http_client;

/* The port's self is freed by http_scheduler_free; no call may be in flight then. `url` is copied. */
struct scheduler http_scheduler_new(struct http_client *client, struct bytes url);
void http_scheduler_free(struct scheduler s);

#endif
