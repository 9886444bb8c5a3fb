/* SPDX-License-Identifier: MIT
 *
 * Any request target: parsing and matching must stay inside it.
 */
#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_route routes[] = {
		{"GET", "/", NULL}, {"GET", "/a/{}", NULL}, {"POST", "/a/{}/b", NULL}, {"GET", "/{}/{}", NULL}};
	struct arena a = ARENA_EMPTY;
	struct target target;
	bool known;

	if (target_parse(&target, &a, bytes_of(data, size), NULL) == OK) {
		(void)route_find(&target, "GET", routes, 4, &known);
		for (size_t i = 0; i < target.segment_count; i++)
			must(target.segments[i].ptr >= target.path.ptr &&
			     target.segments[i].ptr + target.segments[i].len <= target.path.ptr + target.path.len);
	}
	arena_release(&a);
	return 0;
}
