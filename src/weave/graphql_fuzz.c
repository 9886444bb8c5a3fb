/* SPDX-License-Identifier: MIT
 *
 * Any text as a GraphQL query, or any body as a POST to /graphql, over a small weave: the answer
 * is JSON, and its status one of two.
 */
#include "store/store.h"
#include "weave/query.h"

#include <string.h>

static struct store *make_weave(void)
{
	static const struct tag tags[] = {{BYTES("Type"), BYTES("Message")},
					  {BYTES("Content-Type"), BYTES("text/plain")}};
	struct store *s = store_open_memory();
	struct store_batch b = STORE_BATCH_EMPTY;

	for (uint64_t i = 0; i < 12; i++) {
		struct record r = {.sequence = i, .data_size = i, .tags = {tags, 2}, .reward = BYTES("1234567890123")};
		struct block block = {.height = i, .sequence_first = i, .sequence_end = i + 1, .timestamp = i};
		memset(r.id.b, (int)i, 32);
		memset(block.id, (int)i, BLOCK_ID_SIZE);
		r.parent.b[0] = (uint8_t)(i % 3);
		record_put(&b, &r);
		if (i < 10)
			block_put(&b, &block);
	}
	must(store_commit_wait(s, &b) == OK);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store *store;
	struct arena a = ARENA_EMPTY;
	struct buf out = BUF_EMPTY;
	struct looking looking;
	struct gql_request request = {.query = bytes_of(data, size)};
	const struct json *answer;
	int status;

	if (!store)
		store = make_weave();
	if (size && data[0] == '!') {
		status = query_answer(&out, &a, store, (struct id){{0}}, bytes_of(data + 1, size - 1));
	} else {
		looking = (struct looking){.store = store};
		status = gql_execute(&out, &a, &weave_schema, &request, &looking);
	}
	must(status == 200 || status == 400);
	must(json_parse(&answer, &a, buf_bytes(&out), NULL) == OK);
	buf_release(&out);
	arena_release(&a);
	return 0;
}
