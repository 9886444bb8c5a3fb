/* SPDX-License-Identifier: MIT
 *
 * schema: the weave as GraphQL sees it (weave 4.2-4.5). Private to the folder.
 *
 * A superset of what public gateways offer: the classic dialect, and what explorers use of
 * Goldsky's (count, ingested_at, wildcards). Lists come in pages with cursors. A cursor is a place
 * in the order of arrival, bound to this weave and to the direction of the list; it stays valid
 * while new things arrive.
 */
#ifndef WEFT_WEAVE_SCHEMA_H
#define WEFT_WEAVE_SCHEMA_H

#include "weave/graphql/schema.h"
#include "weave/record.h"

enum {
	PAGE_DEFAULT = 10, /* also in the tables, as text */
	PAGE_MAX = 1000,   /* a larger `first` is clamped */
};

/* What the resolvers work on: the ctx of gql_execute, fresh for each request. */
struct looking {
	struct store *store;
	struct id nonce;    /* tells this weave's cursors from others' */
	size_t steps;       /* looked at so far: weave/find.h */
	struct block block; /* the last one that was looked up */
	bool has_block;
};

extern const struct gql_schema weave_schema;

#endif
