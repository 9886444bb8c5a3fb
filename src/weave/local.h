/* SPDX-License-Identifier: MIT
 *
 * local: the weave of a network on one machine. It is the data layer that clients and units
 * expect (weave 2-5): it takes signed items and bundles, puts them into blocks, and
 * answers for them by id, by block and by GraphQL.
 *
 *   item --verify--> store: blob of the payload, record, index by owner, tag, recipient
 *                                                      |
 *                        block, at an interval: height, timestamp, the ids since the last one
 *
 * What was accepted is durable when it is answered, is found at once (as pending), and gets its
 * block a moment later. A bundle is opened: the items in it can be found like any other. Blocks
 * are made on an interval even when nothing came in, so that heights rise as processes with crons
 * expect.
 *
 * Clients that were made for the public network have its scheduler's address built in. So that they find the one that
 * is here, the Scheduler-Location of the weave's own key may name addresses for which it *stands in*, in tags
 * Stands-For: who asks for a location by one of them finds that item, as the newest until its owner publishes one of
 * his own. It says whose it is; nobody else's item is found by an owner that it does not have.
 */
#ifndef WEFT_WEAVE_LOCAL_H
#define WEFT_WEAVE_LOCAL_H

#include "base/log.h"
#include "flow/flow.h"

struct key;
struct local_weave;
struct store;

struct local_weave_options {
	struct store *store;   /* its own; borrowed, outlives the weave */
	const struct key *key; /* signs upload receipts, names the miner; borrowed */
	uint64_t block_ms;     /* between blocks; 0: 2000 */
	struct log *log;
};

must_use enum err local_weave_open(struct local_weave **out, const struct local_weave_options *options,
				   struct note *note);
/* local_weave_port is the weave as a port, for callers in the same process. */
struct weave local_weave_port(struct local_weave *w);
/* local_weave_serve listens for what gateways and nodes are asked, local_weave_serve_uploader for
 * what bundlers are, each at address:port (0: any free one); *bound (may be NULL) is the port. */
must_use enum err local_weave_serve(struct local_weave *w, const char *address, uint16_t port, uint16_t *bound,
				    struct note *note);
must_use enum err local_weave_serve_uploader(struct local_weave *w, const char *address, uint16_t port, uint16_t *bound,
					     struct note *note);
/* local_weave_close answers what is under way, and frees. */
void local_weave_close(struct local_weave *w);

#endif
