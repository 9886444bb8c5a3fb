/* SPDX-License-Identifier: MIT */
#include "msg/bundle.h"

#include <string.h>

enum { NUMBER_SIZE = 32, HEADER_SIZE = 64 };

/* A 32-byte little-endian number; false above 2^64-1. */
static bool get_number(const uint8_t *p, uint64_t *out)
{
	for (int i = 8; i < NUMBER_SIZE; i++)
		if (p[i])
			return false;
	*out = get_u64le(p);
	return true;
}

enum err bundle_parse(const struct bundle_entry **list, size_t *count, struct arena *a, struct bytes raw,
		      struct note *note)
{
	struct bundle_entry *entries;
	uint64_t n, len;
	size_t at;

	if (raw.len < NUMBER_SIZE || !get_number(raw.ptr, &n))
		return note_err(note, E_FORMAT, "not a bundle: it has no count of items");
	if (n > BUNDLE_ITEMS_MAX)
		return note_err(note, E_LIMIT, "the bundle counts %llu items, at most %d are allowed",
				(unsigned long long)n, BUNDLE_ITEMS_MAX);
	if ((raw.len - NUMBER_SIZE) / HEADER_SIZE < n)
		return note_err(note, E_FORMAT, "the bundle ends inside its headers: it counts %llu items",
				(unsigned long long)n);
	entries = arena_new_array(a, (size_t)n, struct bundle_entry);
	at = NUMBER_SIZE + HEADER_SIZE * (size_t)n;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *header = raw.ptr + NUMBER_SIZE + HEADER_SIZE * i;
		if (!get_number(header, &len) || len > raw.len - at)
			return note_err(note, E_FORMAT, "item %zu of the bundle reaches past its end", i);
		memcpy(entries[i].id.b, header + NUMBER_SIZE, 32);
		entries[i].item = bytes_of(raw.ptr + at, (size_t)len);
		at += (size_t)len;
	}
	if (at != raw.len)
		return note_err(note, E_FORMAT, "%zu bytes follow the last item of the bundle", raw.len - at);
	*list = entries;
	*count = (size_t)n;
	return OK;
}

static void put_number(struct buf *out, uint64_t n)
{
	uint8_t number[NUMBER_SIZE] = {0};

	set_u64le(number, n);
	buf_put(out, number, sizeof(number));
}

void bundle_create(struct buf *out, const struct bundle_entry *list, size_t count)
{
	put_number(out, count);
	for (size_t i = 0; i < count; i++) {
		put_number(out, list[i].item.len);
		buf_put(out, list[i].id.b, 32);
	}
	for (size_t i = 0; i < count; i++)
		buf_put_bytes(out, list[i].item);
}

bool bundle_tagged(struct tags tags)
{
	struct bytes format, version;

	return tags_find(tags, "Bundle-Format", &format) && bytes_case_eq(format, "binary") &&
	       tags_find(tags, "Bundle-Version", &version) && bytes_eq_str(version, "2.0.0");
}
