/* SPDX-License-Identifier: MIT
 *
 * gateway: what nodes and gateways are asked over HTTP (weave 2 and 3), for the embedded weave.
 * Private to the folder.
 *
 * Answers are JSON, or text where arweave-js wants text. A wrong request is answered with
 * {"error","code","hint"} and the status that a node gives.
 */
#ifndef WEFT_WEAVE_GATEWAY_H
#define WEFT_WEAVE_GATEWAY_H

#include "http/http.h"

/* The handlers' ctx is the struct local_weave. */
extern const struct http_route gateway_routes[];
extern const size_t gateway_route_count;

#endif
