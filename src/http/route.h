/* SPDX-License-Identifier: MIT
 *
 * route: what a request line says. Splitting and decoding the target, and finding the row
 * of the table that it means. Pure text; private to the folder.
 *
 * A '+' stays a '+': ids and cursors contain it and nothing of ours contains blanks.
 */
#ifndef WEFT_HTTP_ROUTE_H
#define WEFT_HTTP_ROUTE_H

#include "base/arena.h"
#include "http/http.h"

enum { SEGMENTS_MAX = 8, QUERY_MAX = 64 };

struct target {
	struct bytes path;                   /* decoded */
	struct bytes segments[SEGMENTS_MAX]; /* what each {} matched; set by route_find */
	size_t segment_count;
	struct {
		struct bytes name, value;
	} query[QUERY_MAX];
	size_t query_count;
};

/* target_parse: E_FORMAT for a bad percent escape or a zero byte, E_LIMIT for too many parameters. */
must_use enum err target_parse(struct target *out, struct arena *a, struct bytes raw, struct note *note);

/* route_find: the row, or NULL; then *path_known tells whether another method would have matched. */
const struct http_route *route_find(struct target *t, const char *method, const struct http_route *routes, size_t count,
				    bool *path_known);

#endif
