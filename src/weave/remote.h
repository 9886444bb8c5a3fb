/* SPDX-License-Identifier: MIT
 *
 * remote: a weave port out of URLs: the public Arweave network, or somebody's local one (weave 7).
 *
 *   put       POST uploader/tx           the id is read from the item, not from the answer
 *   find      POST graphql               in pages
 *   data      GET gateway/raw/{id}, and gateway/{id} where that is not known
 *   height    GET node/info
 *   blocks    POST graphql
 *   status    GET node/tx/{id}/status
 *   transaction  GET node/tx/{id}, and what GraphQL knows where that is not known: items
 *   block     GET node/block/height/{h}
 *
 * Asks are repeated with back-off over 5xx, 429, 202 for a payload, and no reply; uploads too,
 * since an item has one id however often it is sent. Nothing that a gateway says is trusted more
 * than it has to be: a payload is asked for whole, and who needs it proved checks its hash or
 * signature.
 *
 * Errors: E_NOT_FOUND is one gateway's knowledge, and may change; E_PEER when an answer makes no
 * sense or none came, with the URL or the gateway's words in the note.
 */
#ifndef WEFT_WEAVE_REMOTE_H
#define WEFT_WEAVE_REMOTE_H

#include "base/log.h"
#include "flow/flow.h"

struct http_client;

/* URLs with or without a slash at the end; all are copied. An empty one is taken from `gateway`. */
struct remote_weave_options {
	struct http_client *client; /* borrowed */
	struct bytes gateway;       /* GET /raw/{id}, /{id} */
	struct bytes graphql;       /* whole URL; empty: gateway + "/graphql" */
	struct bytes node;          /* GET /info, /tx/{id}, /tx/{id}/status, /block/height/{h} */
	struct bytes uploader;      /* POST /tx */
	struct log *log;            /* may be NULL */
	uint64_t retry_ms;          /* before the second try; doubles after each; 0: 500 */
};

struct weave remote_weave_new(const struct remote_weave_options *options);
/* remote_weave_free: no call may be in flight. */
void remote_weave_free(struct weave w);

#endif
