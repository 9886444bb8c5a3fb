/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PRINTF_FIRST = 128 };

struct bytes bytes_of(const void *ptr, size_t len)
{
	return (struct bytes){ptr, len};
}

struct bytes bytes_str(const char *text)
{
	return text ? bytes_of(text, strlen(text)) : bytes_of(NULL, 0);
}

bool bytes_eq(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool bytes_eq_str(struct bytes a, const char *text)
{
	return bytes_eq(a, bytes_str(text));
}

int bytes_cmp(struct bytes a, struct bytes b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

bool bytes_starts(struct bytes b, const char *prefix)
{
	size_t n = strlen(prefix);

	return b.len >= n && memcmp(b.ptr, prefix, n) == 0;
}

bool bytes_ends(struct bytes b, const char *suffix)
{
	size_t n = strlen(suffix);

	return b.len >= n && memcmp(b.ptr + b.len - n, suffix, n) == 0;
}

bool bytes_case_eq(struct bytes a, const char *text)
{
	return a.len == strlen(text) && (a.len == 0 || strncasecmp((const char *)a.ptr, text, a.len) == 0);
}

struct bytes bytes_from(struct bytes b, size_t n)
{
	if (n >= b.len)
		return bytes_of(NULL, 0);
	return bytes_of(b.ptr + n, b.len - n);
}

struct bytes bytes_cut(struct bytes b, char c, struct bytes *rest)
{
	const uint8_t *at = b.len ? memchr(b.ptr, c, b.len) : NULL;
	size_t n = at ? (size_t)(at - b.ptr) : b.len;

	if (rest)
		*rest = at ? bytes_of(at + 1, b.len - n - 1) : bytes_of(NULL, 0);
	return bytes_of(b.ptr, n);
}

bool bytes_u64(struct bytes b, uint64_t *out)
{
	uint64_t value = 0;

	if (b.len == 0)
		return false;
	for (size_t i = 0; i < b.len; i++) {
		if (b.ptr[i] < '0' || b.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(b.ptr[i] - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

/* The length of the well-formed sequence at p, or 0; *bad is how many bytes an
 * ill-formed one spoils (its maximal subpart). */
static size_t utf8_step(const uint8_t *p, size_t left, size_t *bad)
{
	uint8_t lead = p[0], low = 0x80, high = 0xbf;
	size_t len;

	*bad = 1;
	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < len; i++) {
		if (i >= left || p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
		*bad = i + 1;
	}
	return len;
}

/* How much of it is UTF-8 from the start on; eight bytes of ASCII are one step. */
static size_t utf8_run(struct bytes b, size_t *bad)
{
	size_t at = 0, n;

	*bad = 0;
	while (at < b.len) {
		if (b.len - at >= 8 && !(get_u64le(b.ptr + at) & 0x8080808080808080))
			n = 8;
		else
			n = utf8_step(b.ptr + at, b.len - at, bad);
		if (n == 0)
			break;
		at += n;
	}
	return at;
}

bool bytes_utf8(struct bytes b)
{
	size_t bad;

	return utf8_run(b, &bad) == b.len;
}

void buf_put_utf8_lossy(struct buf *b, struct bytes bytes)
{
	size_t bad, n;

	buf_reserve(b, bytes.len);
	while (bytes.len) {
		n = utf8_run(bytes, &bad);
		buf_put(b, bytes.ptr, n);
		bytes = bytes_from(bytes, n);
		if (bytes.len == 0)
			break;
		buf_put(b, "\xef\xbf\xbd", 3);
		bytes = bytes_from(bytes, bad);
	}
}

uint16_t get_u16le(const void *p)
{
	const uint8_t *b = p;

	return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t get_u32le(const void *p)
{
	const uint8_t *b = p;

	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

uint64_t get_u64le(const void *p)
{
	return get_u32le(p) | (uint64_t)get_u32le((const uint8_t *)p + 4) << 32;
}

uint64_t get_u64be(const void *p)
{
	return __builtin_bswap64(get_u64le(p));
}

void set_u16le(void *p, uint16_t v)
{
	uint8_t *b = p;

	b[0] = (uint8_t)v;
	b[1] = (uint8_t)(v >> 8);
}

void set_u32le(void *p, uint32_t v)
{
	set_u16le(p, (uint16_t)v);
	set_u16le((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

void set_u64le(void *p, uint64_t v)
{
	set_u32le(p, (uint32_t)v);
	set_u32le((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

void set_u64be(void *p, uint64_t v)
{
	set_u64le(p, __builtin_bswap64(v));
}

struct bytes buf_bytes(const struct buf *b)
{
	return bytes_of(b->ptr, b->len);
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;

	must(!__builtin_add_overflow(b->len, more, &need));
	if (need <= b->cap)
		return;
	cap = b->cap + b->cap / 2;
	if (cap < need)
		cap = need;
	if (cap < 64)
		cap = 64;
	b->ptr = realloc(b->ptr, cap);
	must(b->ptr != NULL);
	b->cap = cap;
}

uint8_t *buf_grow(struct buf *b, size_t len)
{
	uint8_t *at;

	buf_reserve(b, len);
	at = b->ptr + b->len;
	b->len += len;
	return at;
}

void buf_put(struct buf *b, const void *ptr, size_t len)
{
	if (len)
		memcpy(buf_grow(b, len), ptr, len);
}

void buf_put_bytes(struct buf *b, struct bytes bytes)
{
	buf_put(b, bytes.ptr, bytes.len);
}

void buf_put_str(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void buf_put_u8(struct buf *b, uint8_t byte)
{
	*buf_grow(b, 1) = byte;
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
	va_list again;
	int n;

	/* Most texts fit at once. */
	buf_reserve(b, PRINTF_FIRST);
	va_copy(again, args);
	n = vsnprintf((char *)b->ptr + b->len, b->cap - b->len, format, again);
	va_end(again);
	must(n >= 0);
	if ((size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n + 1);
		vsnprintf((char *)b->ptr + b->len, (size_t)n + 1, format, args);
	}
	b->len += (size_t)n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	buf_vprintf(b, format, args);
	va_end(args);
}

const char *buf_str(struct buf *b)
{
	buf_reserve(b, 1);
	b->ptr[b->len] = 0;
	return (const char *)b->ptr;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_release(struct buf *b)
{
	free(b->ptr);
	*b = BUF_EMPTY;
}
