/* SPDX-License-Identifier: MIT
 *
 * Any bytes as tags, of which there should be as many as the first byte says: texts stay inside the bytes, and
 * what was read can be written and read again.
 */
#include "msg/avro.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stays_inside(struct bytes text, struct bytes all)
{
	must(text.ptr >= all.ptr && text.ptr + text.len <= all.ptr + all.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes all = bytes_from(bytes_of(data, size), 1);
	struct arena a = ARENA_EMPTY;
	struct buf canonical = BUF_EMPTY;
	struct tags tags, again;

	if (size && avro_decode(&tags, &a, all, data[0], NULL) == OK) {
		must(tags.count == data[0]);
		avro_encode(&canonical, tags);
		must(avro_decode(&again, &a, buf_bytes(&canonical), tags.count, NULL) == OK);
		for (size_t i = 0; i < tags.count; i++) {
			stays_inside(tags.list[i].name, all);
			stays_inside(tags.list[i].value, all);
			must(bytes_eq(tags.list[i].name, again.list[i].name));
			must(bytes_eq(tags.list[i].value, again.list[i].value));
		}
		buf_release(&canonical);
	}
	arena_release(&a);
	return 0;
}
