/* SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include <string.h>

static const char segment_magic[4] = {'W', 'L', 'S', '1'}, record_magic[4] = {'W', 'L', 'R', '1'};

void segment_header(uint8_t out[SEGMENT_HEADER], uint32_t salt)
{
	memcpy(out, segment_magic, 4);
	set_u32le(out + 4, salt);
}

bool segment_salt(struct bytes header, uint32_t *salt)
{
	if (header.len < SEGMENT_HEADER || memcmp(header.ptr, segment_magic, 4) != 0)
		return false;
	*salt = get_u32le(header.ptr + 4);
	return true;
}

void record_write(struct buf *out, uint32_t salt, uint64_t number, uint64_t group, struct bytes body)
{
	uint8_t *at = buf_grow(out, RECORD_HEADER + body.len);

	memcpy(at, record_magic, 4);
	set_u64le(at + 8, body.len);
	set_u64le(at + 16, number);
	set_u64le(at + 24, group);
	if (body.len)
		memcpy(at + RECORD_HEADER, body.ptr, body.len);
	set_u32le(at + 4, crc32c(salt, at + 8, RECORD_HEADER - 8 + body.len));
}

bool record_read(struct bytes bytes, uint32_t salt, uint64_t number, struct record_at *out)
{
	uint64_t len;

	if (bytes.len < RECORD_HEADER || memcmp(bytes.ptr, record_magic, 4) != 0)
		return false;
	len = get_u64le(bytes.ptr + 8);
	if (len > bytes.len - RECORD_HEADER)
		return false;
	if (get_u32le(bytes.ptr + 4) != crc32c(salt, bytes.ptr + 8, RECORD_HEADER - 8 + (size_t)len))
		return false;
	out->number = get_u64le(bytes.ptr + 16);
	out->group = get_u64le(bytes.ptr + 24);
	out->body = bytes_of(bytes.ptr + RECORD_HEADER, (size_t)len);
	return number == 0 || number == out->number;
}

bool record_lost(struct bytes bytes, uint32_t salt, uint64_t number)
{
	struct record_at record;
	size_t at = 0;

	while (at + RECORD_HEADER <= bytes.len) {
		const uint8_t *found = memmem(bytes.ptr + at, bytes.len - at, record_magic, 4);

		if (!found)
			return false;
		at = (size_t)(found - bytes.ptr);
		if (record_read(bytes_from(bytes, at), salt, 0, &record) && record.group > number)
			return true;
		at++;
	}
	return false;
}
