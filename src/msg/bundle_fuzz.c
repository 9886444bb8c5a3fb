/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a bundle: what is read is written again byte for byte.
 */
#include "msg/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes raw = bytes_of(data, size);
	const struct bundle_entry *entries;
	struct arena a = ARENA_EMPTY;
	struct buf again = BUF_EMPTY;
	struct note note = {0};
	size_t count;

	if (bundle_parse(&entries, &count, &a, raw, &note) == OK) {
		bundle_create(&again, entries, count);
		must(bytes_eq(buf_bytes(&again), raw));
		buf_release(&again);
	} else {
		must(note.text[0]);
	}
	arena_release(&a);
	return 0;
}
