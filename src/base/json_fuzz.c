/* SPDX-License-Identifier: MIT
 *
 * Whatever is accepted must be written back unchanged by raw text, and every string
 * must survive resolve, write, read.
 */
#include "base/json.h"

static void walk(struct arena *a, const struct json *node)
{
	struct bytes text = json_text(a, node);
	struct buf out = BUF_EMPTY;
	struct jw w = jw_on(&out);
	const struct json *again;

	if (node->kind == JSON_STRING) {
		jw_str(&w, text);
		must(json_parse(&again, a, buf_bytes(&out), NULL) == OK);
		must(bytes_eq(json_text(a, again), text));
	}
	buf_release(&out);
	for (const struct json *m = node->first; m; m = m->next)
		walk(a, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_EMPTY;
	const struct json *node;

	if (json_parse(&node, &a, bytes_of(data, size), NULL) == OK)
		walk(&a, node);
	arena_release(&a);
	return 0;
}
