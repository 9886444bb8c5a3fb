/* SPDX-License-Identifier: MIT */
#include "base/text.h"

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t b64url_len(size_t bytes)
{
	return bytes / 3 * 4 + (bytes % 3 ? bytes % 3 + 1 : 0);
}

size_t b64_len(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

static char *encode(char *out, struct bytes b, const char *alphabet)
{
	size_t i = 0;

	for (; i + 3 <= b.len; i += 3) {
		uint32_t v = (uint32_t)b.ptr[i] << 16 | (uint32_t)b.ptr[i + 1] << 8 | b.ptr[i + 2];
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = alphabet[v >> 6 & 63];
		*out++ = alphabet[v & 63];
	}
	if (i < b.len) {
		uint32_t v = (uint32_t)b.ptr[i] << 16 | (i + 1 < b.len ? (uint32_t)b.ptr[i + 1] << 8 : 0);
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		if (i + 1 < b.len)
			*out++ = alphabet[v >> 6 & 63];
	}
	*out = 0;
	return out;
}

void b64url_encode(char *out, struct bytes b)
{
	encode(out, b, url_alphabet);
}

void b64_encode(char *out, struct bytes b)
{
	char *end = encode(out, b, std_alphabet);

	for (size_t n = b.len % 3; n && n < 3; n++)
		*end++ = '=';
	*end = 0;
}

void hex_encode(char *out, struct bytes b)
{
	for (size_t i = 0; i < b.len; i++) {
		*out++ = "0123456789abcdef"[b.ptr[i] >> 4];
		*out++ = "0123456789abcdef"[b.ptr[i] & 15];
	}
	*out = 0;
}

static int digit(uint8_t c, char c62, char c63)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == c62 ? 62 : c == c63 ? 63 : -1;
}

static enum err decode(uint8_t *out, size_t cap, size_t *len, struct bytes text, const char *alphabet)
{
	uint32_t held = 0;
	unsigned bits = 0;
	size_t n = 0;

	if (text.len % 4 == 1)
		return E_FORMAT;
	for (size_t i = 0; i < text.len; i++) {
		int d = digit(text.ptr[i], alphabet[62], alphabet[63]);
		if (d < 0)
			return E_FORMAT;
		held = held << 6 | (uint32_t)d;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == cap)
			return E_LIMIT;
		out[n++] = (uint8_t)(held >> bits);
		held &= (1u << bits) - 1;
	}
	if (held)
		return E_FORMAT;
	*len = n;
	return OK;
}

enum err b64url_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text)
{
	return decode(out, cap, len, text, url_alphabet);
}

enum err b64_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text)
{
	if (text.len % 4 == 0) {
		for (int i = 0; i < 2 && text.len && text.ptr[text.len - 1] == '='; i++)
			text.len--;
	}
	return decode(out, cap, len, text, std_alphabet);
}

enum err hex_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text)
{
	if (text.len % 2)
		return E_FORMAT;
	if (text.len / 2 > cap)
		return E_LIMIT;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.ptr[i];
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return E_FORMAT;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | d : d << 4);
	}
	*len = text.len / 2;
	return OK;
}

void buf_put_b64url(struct buf *out, struct bytes b)
{
	size_t n = b64url_len(b.len);

	buf_reserve(out, n + 1);
	b64url_encode((char *)out->ptr + out->len, b);
	out->len += n;
}

void buf_put_b64(struct buf *out, struct bytes b)
{
	size_t n = b64_len(b.len);

	buf_reserve(out, n + 1);
	b64_encode((char *)out->ptr + out->len, b);
	out->len += n;
}

void buf_put_hex(struct buf *out, struct bytes b)
{
	buf_reserve(out, 2 * b.len + 1);
	hex_encode((char *)out->ptr + out->len, b);
	out->len += 2 * b.len;
}
