/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a data item: its fields stay inside it and in order, a refusal has a reason, and verifying
 * is safe whatever the fields hold.
 */
#include "msg/item.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *follows(const uint8_t *at, struct bytes field)
{
	must(field.len == 0 || field.ptr >= at);
	return field.len ? field.ptr + field.len : at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct item item;
	const uint8_t *at = data;

	if (item_parse(&item, &a, bytes_of(data, size), &note) == OK) {
		at = follows(at, item.signature);
		at = follows(at, item.owner);
		at = follows(at, item.target);
		at = follows(at, item.anchor);
		at = follows(at, item.raw_tags);
		at = follows(at, item.data);
		must(at <= data + size);
		(void)!item_verify(&item, NULL);
	} else {
		must(note.text[0]);
	}
	arena_release(&a);
	return 0;
}
