/* SPDX-License-Identifier: MIT
 *
 * uploader: what bundlers are asked over HTTP (weave 5), for the embedded weave. Private to the
 * folder.
 *
 * An item is answered with a receipt once it is durable. The receipt is signed by the weave's key
 * over deephash("Bundlr", version, id, deadline height, timestamp); the same item again gets the
 * receipt of the first time.
 */
#ifndef WEFT_WEAVE_UPLOADER_H
#define WEFT_WEAVE_UPLOADER_H

#include "http/http.h"
#include "weave/unit.h"

extern const struct http_route uploader_routes[];
extern const size_t uploader_route_count;

/* uploader_take accepts the request's body as one item, and answers. The gateway takes items too. */
void uploader_take(struct local_weave *w, struct http_request *r);

#endif
