/* SPDX-License-Identifier: MIT
 *
 * remote: a weave port out of URLs: the public Arweave network, or somebody's local one (weave 7).
 *
 * Reads are retried with back-off over 5xx, 429 and no reply; uploads too, since an item
 * has one id however often it is sent. Nothing that a gateway says is trusted more than it has to be: a payload is asked for
 * whole, and who needs it proved checks its hash or signature.
 */
#ifndef WEFT_WEAVE_REMOTE_H
#define WEFT_WEAVE_REMOTE_H

#include "base/log.h"
#include "flow/flow.h"

struct http_client;

/* URLs without a slash at the end; all are copied. An empty one is taken from `gateway`. */
struct remote_weave_options {
	struct http_client *client; /* borrowed */
	struct bytes gateway;       /* GET /raw/{id}, /{id} */
	struct bytes graphql;       /* whole URL; empty: gateway + "/graphql" */
	struct bytes node;          /* GET /info, /tx/{id}/status, /block/height/{n} */
	struct bytes uploader;      /* POST /tx */
	struct log *log;
};

struct weave remote_weave_new(const struct remote_weave_options *options);
/* remote_weave_free: no call may be in flight. */
void remote_weave_free(struct weave w);

#endif
