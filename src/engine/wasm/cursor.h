/* SPDX-License-Identifier: MIT
 *
 * cursor: reading the binary format (core specification 5.2): LEB128 numbers of bounded length, and
 * bytes, with one sticky failure instead of a check after every read.
 */
#ifndef WEFT_ENGINE_WASM_CURSOR_H
#define WEFT_ENGINE_WASM_CURSOR_H
#include "base/bytes.h"

struct cursor {
	const uint8_t *at, *end;
	bool failed; /* something was cut off or over-long; `at` stays there, and all later reads give 0 */
};

static inline struct cursor cursor_on(struct bytes b)
{
	return (struct cursor){b.ptr, b.ptr + b.len, false};
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline uint64_t cursor_fail(struct cursor *c)
{
	c->failed = true;
	c->end = c->at;
	return 0;
}

static inline uint8_t cursor_u8(struct cursor *c)
{
	return c->at < c->end ? *c->at++ : (uint8_t)cursor_fail(c);
}

/* An unsigned LEB128 number of `bits` bits: at most ceil(bits/7) bytes, unused bits zero. */
static inline uint64_t cursor_unsigned(struct cursor *c, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < bits; shift += 7) {
		if (c->at >= c->end)
			return cursor_fail(c);
		uint8_t byte = *c->at++;
		unsigned room = bits - shift;

		if (room < 7 && (byte & 0x7f) >> room)
			return cursor_fail(c);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	return cursor_fail(c);
}

/* A signed one: the unused bits of the last byte repeat the sign. */
static inline int64_t cursor_signed(struct cursor *c, unsigned bits)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < bits; shift += 7) {
		if (c->at >= c->end)
			return (int64_t)cursor_fail(c);
		uint8_t byte = *c->at++;
		unsigned room = bits - shift;

		if (room < 7) {
			uint8_t rest = (uint8_t)((byte & 0x7f) >> (room - 1));
			uint8_t all = (uint8_t)(0x7f >> (room - 1));

			if (rest != 0 && rest != all)
				return (int64_t)cursor_fail(c);
		}
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			unsigned used = shift + 7;

			if (used < 64 && (byte & 0x40))
				value |= ~(uint64_t)0 << used;
			return (int64_t)value;
		}
	}
	return (int64_t)cursor_fail(c);
}

static inline uint32_t cursor_u32(struct cursor *c)
{
	return (uint32_t)cursor_unsigned(c, 32);
}

static inline int32_t cursor_s32(struct cursor *c)
{
	return (int32_t)cursor_signed(c, 32);
}

static inline int64_t cursor_s64(struct cursor *c)
{
	return cursor_signed(c, 64);
}

static inline struct bytes cursor_bytes(struct cursor *c, size_t n)
{
	if (cursor_left(c) < n) {
		cursor_fail(c);
		return (struct bytes){NULL, 0};
	}
	c->at += n;
	return bytes_of(c->at - n, n);
}

#endif
