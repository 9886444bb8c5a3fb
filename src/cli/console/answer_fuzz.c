/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the answer of a CU or an MU: a page of results, a list of traces, an error to explain.
 */
#include "cli/console/feed.h"
#include "cli/console/trace.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_of(data, size);
	struct arena a = ARENA_EMPTY;
	struct feed_page *page = arena_new(&a, struct feed_page);
	struct hops *hops = arena_new(&a, struct hops);

	if (feed_read(page, &a, text) == OK)
		must(page->count <= FEED_PAGE);
	if (trace_read(hops, &a, text) == OK)
		for (size_t i = 0; i < hops->count; i++)
			must(hops->list[i].depth <= i);
	must(freopen("/dev/null", "w", stdout) != NULL);
	explain_error(text, text, NULL);
	arena_release(&a);
	return 0;
}
