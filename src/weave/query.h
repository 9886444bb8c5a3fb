/* SPDX-License-Identifier: MIT
 *
 * query: /graphql over HTTP (weave 4.1). Private to the folder.
 *
 *   POST {"query","variables"?,"operationName"?}, or a list of those, answered as a list
 *   GET  ?query=...&variables=...&operationName=...
 *
 * What is wrong with a request is said in GraphQL's own form, {"errors":[{"message",...}]}, with
 * status 400.
 */
#ifndef WEFT_WEAVE_QUERY_H
#define WEFT_WEAVE_QUERY_H

#include "http/http.h"
#include "weave/schema.h"

enum {
	GRAPHQL_BODY_MAX = 4 << 20, /* with its variables */
	GRAPHQL_BATCH_MAX = 50,     /* requests in one body */
};

/* query_answer appends the answer to the body of a POST, and returns the HTTP status. */
int query_answer(struct buf *out, struct arena *a, struct store *store, struct id nonce, struct bytes body);

/* The handlers; ctx is the struct local_weave. */
void query_post(void *ctx, struct http_request *r);
void query_get(void *ctx, struct http_request *r);

#endif
