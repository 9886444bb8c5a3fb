/* SPDX-License-Identifier: MIT */
#include "su/dedupe.h"

#include "msg/avro.h"

#include <stdlib.h>

static int by_name_then_value(const void *left, const void *right)
{
	const struct tag *a = left, *b = right;
	int order = bytes_cmp(a->name, b->name);

	return order ? order : bytes_cmp(a->value, b->value);
}

struct deephash dedupe_hash(struct bytes target, struct bytes anchor, struct tags tags, struct bytes data)
{
	struct arena a = ARENA_EMPTY;
	struct tag *sorted = arena_new_array(&a, tags.count + 1, struct tag);
	struct buf encoded = BUF_EMPTY;
	struct deephash hash = deephash_list(8);
	size_t count = 0;

	for (size_t i = 0; i < tags.count; i++)
		if (!bytes_eq_str(tags.list[i].name, "Pushed-For"))
			sorted[count++] = tags.list[i];
	qsort(sorted, count, sizeof(*sorted), by_name_then_value);
	if (count)
		avro_encode(&encoded, (struct tags){sorted, count});
	else if (tags.count)
		buf_put_u8(&encoded, 0); /* a list that lost all its tags is an empty array, not nothing */

	deephash_add_blob(&hash, BYTES("dataitem"));
	deephash_add_blob(&hash, BYTES("1"));
	deephash_add_blob(&hash, BYTES("1"));
	deephash_add_blob(&hash, BYTES(""));
	deephash_add_blob(&hash, target);
	deephash_add_blob(&hash, anchor);
	deephash_add_blob(&hash, buf_bytes(&encoded));
	deephash_add_blob(&hash, data);
	buf_release(&encoded);
	arena_release(&a);
	return hash;
}
