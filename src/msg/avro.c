/* SPDX-License-Identifier: MIT */
#include "msg/avro.h"

static void put_number(struct buf *out, uint64_t n)
{
	for (n <<= 1; n >= 0x80; n >>= 7)
		buf_put_u8(out, (uint8_t)(n | 0x80));
	buf_put_u8(out, (uint8_t)n);
}

static void put_string(struct buf *out, struct bytes text)
{
	put_number(out, text.len);
	buf_put_bytes(out, text);
}

void avro_encode(struct buf *out, struct tags tags)
{
	if (tags.count == 0)
		return;
	put_number(out, tags.count);
	for (size_t i = 0; i < tags.count; i++) {
		put_string(out, tags.list[i].name);
		put_string(out, tags.list[i].value);
	}
	buf_put_u8(out, 0);
}

struct cursor {
	struct bytes all;
	size_t at;
	struct note *note;
};

static enum err bad(struct cursor *c, const char *what)
{
	return note_err(c->note, E_FORMAT, "tags: %s at byte %zu", what, c->at);
}

static enum err take_number(struct cursor *c, int64_t *out)
{
	uint64_t zigzag = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte;
		if (c->at >= c->all.len)
			return bad(c, "a number is cut off");
		byte = c->all.ptr[c->at++];
		if (shift == 63 && byte > 1)
			break;
		zigzag |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
			return OK;
		}
	}
	return bad(c, "a number does not fit 64 bits");
}

static enum err take_string(struct cursor *c, struct bytes *out)
{
	int64_t len;
	enum err e = take_number(c, &len);

	if (e < 0)
		return e;
	if (len < 0 || (uint64_t)len > c->all.len - c->at)
		return bad(c, "a text reaches past the end");
	*out = bytes_of(c->all.ptr + c->at, (size_t)len);
	c->at += (size_t)len;
	return OK;
}

static enum err take_block(struct cursor *c, struct tag *list, size_t *n, uint64_t count, bool *end)
{
	int64_t records, size = -1;
	size_t start;
	enum err e = take_number(c, &records);

	if (e < 0)
		return e;
	*end = records == 0;
	if (records < 0) {
		if (records == INT64_MIN)
			return bad(c, "a block count is out of range");
		records = -records;
		if ((e = take_number(c, &size)) < 0)
			return e;
		if (size < 0)
			return bad(c, "a block size is negative");
	}
	if ((uint64_t)records > count - *n)
		return bad(c, "there are more tags than the header says");
	start = c->at;
	for (; records; records--, ++*n)
		if ((e = take_string(c, &list[*n].name)) < 0 || (e = take_string(c, &list[*n].value)) < 0)
			return e;
	if (size >= 0 && c->at - start != (uint64_t)size)
		return bad(c, "a block is not as long as it says");
	return OK;
}

enum err avro_decode(struct tags *out, struct arena *a, struct bytes bytes, uint64_t count, struct note *note)
{
	struct cursor c = {bytes, 0, note};
	struct tag *list;
	bool end = false;
	size_t n = 0;
	enum err e;

	*out = (struct tags){0};
	if (count > TAG_COUNT_MAX)
		return note_err(note, E_LIMIT, "tags: %llu of them, at most %d are allowed", (unsigned long long)count,
				TAG_COUNT_MAX);
	if (bytes.len == 0)
		return count == 0 ? OK
				  : note_err(note, E_FORMAT, "tags: the header counts %llu, there are none",
					     (unsigned long long)count);
	list = arena_new_array(a, count, struct tag);
	while (!end)
		if ((e = take_block(&c, list, &n, count, &end)) < 0)
			return e;
	if (n != count)
		return bad(&c, "there are fewer tags than the header says");
	if (c.at != bytes.len)
		return bad(&c, "bytes follow the last tag");
	*out = (struct tags){list, n};
	return OK;
}
