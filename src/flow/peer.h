/* SPDX-License-Identifier: MIT
 *
 * peer: another unit behind a URL. What the HTTP ports share, here and in weave/remote.c.
 *
 * One ask is one HTTP call, with retries when it is safe, and an answer whose
 * failure is already an `enum err` with a note: a weft peer says the code itself
 * ({"error","code","hint"}), of others the status and the known texts are read
 * (ao-units 3.13).
 */
#ifndef WEFT_FLOW_PEER_H
#define WEFT_FLOW_PEER_H

#include "base/bytes.h"
#include "base/err.h"

struct http_client;
struct peer;

struct peer_retry {
	int tries; /* 1: never again */
	uint64_t delay_ms, delay_ms_max;
	bool accepted_is_busy; /* 202 means "not ready", ask again */
};

struct ask {
	const char *method;
	struct bytes path;          /* with its query; copied */
	const char *const *headers; /* static */
	struct bytes body;          /* borrowed until answered */
	struct peer_retry retry;
	bool post_again;   /* follow a 307/308 by sending the body again */
	size_t answer_max; /* 0: the client's default */
};

/* `body` is valid during the call. */
typedef void peer_answered(void *ctx, enum err e, const struct note *note, struct bytes body);

/* peer_new copies the URL. */
struct peer *peer_new(struct http_client *client, struct bytes url);
/* peer_ask: the answer comes at the latest when the client is closed, also after peer_free. */
void peer_ask(struct peer *p, const struct ask *ask, peer_answered *answered, void *ctx);
void peer_free(struct peer *p);

/* peer_put_text appends `text` to a path or a query so that it stays one segment or one value, whatever is in it: texts
 * that strangers chose end up in URLs. */
void peer_put_text(struct buf *path, struct bytes text);

#endif
