/* SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include <string.h>

static const char magic[4] = {'W', 'L', 'R', '1'};

void record_write(struct buf *out, uint64_t number, struct bytes body)
{
	uint8_t *at = buf_grow(out, RECORD_HEADER + body.len);

	memcpy(at, magic, 4);
	set_u64le(at + 8, body.len);
	set_u64le(at + 16, number);
	if (body.len)
		memcpy(at + RECORD_HEADER, body.ptr, body.len);
	set_u32le(at + 4, crc32c(0, at + 8, RECORD_HEADER - 8 + body.len));
}

bool record_read(struct bytes bytes, uint64_t number, uint64_t *got_number, struct bytes *body)
{
	uint64_t len;

	if (bytes.len < RECORD_HEADER || memcmp(bytes.ptr, magic, 4) != 0)
		return false;
	len = get_u64le(bytes.ptr + 8);
	if (len > bytes.len - RECORD_HEADER)
		return false;
	if (get_u32le(bytes.ptr + 4) != crc32c(0, bytes.ptr + 8, RECORD_HEADER - 8 + (size_t)len))
		return false;
	*got_number = get_u64le(bytes.ptr + 16);
	*body = bytes_of(bytes.ptr + RECORD_HEADER, (size_t)len);
	return number == 0 || number == *got_number;
}

bool record_valid_after(struct bytes bytes, size_t at)
{
	while (at + RECORD_HEADER <= bytes.len) {
		const uint8_t *found = memmem(bytes.ptr + at, bytes.len - at, magic, 4);
		struct bytes body;
		uint64_t number;

		if (!found)
			return false;
		at = (size_t)(found - bytes.ptr);
		if (record_read(bytes_from(bytes, at), 0, &number, &body))
			return true;
		at++;
	}
	return false;
}
