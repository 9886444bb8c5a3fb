/* SPDX-License-Identifier: MIT
 *
 * Any bytes: as an item, as a bundle, as tags, as a key. What is accepted must hold together.
 */
#include "msg/avro.h"
#include "msg/bundle.h"
#include "msg/item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_item(struct arena *a, struct bytes raw)
{
	struct buf again = BUF_EMPTY;
	struct tags tags;
	struct item item;

	if (item_parse(&item, a, raw, NULL) < 0)
		return;
	must(item.data.ptr + item.data.len == raw.ptr + raw.len || item.data.len == 0);
	avro_encode(&again, item.tags);
	must(avro_decode(&tags, a, buf_bytes(&again), item.tags.count, NULL) == OK && tags.count == item.tags.count);
	buf_release(&again);
	(void)!item_verify(&item, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes raw = bytes_of(data, size);
	struct arena a = ARENA_EMPTY;
	const struct bundle_entry *entries;
	struct key *key = NULL;
	struct tags tags;
	size_t count;

	as_item(&a, raw);
	if (bundle_parse(&entries, &count, &a, raw, NULL) == OK)
		for (size_t i = 0; i < count; i++)
			as_item(&a, entries[i].item);
	if (size)
		(void)!avro_decode(&tags, &a, bytes_from(raw, 1), data[0], NULL);
	if (key_parse(&key, raw, NULL) == OK)
		key_free(key);
	arena_release(&a);
	return 0;
}
