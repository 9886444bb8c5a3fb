/* SPDX-License-Identifier: MIT
 *
 * bytes: the two ways in which this program holds a run of bytes.
 *
 * `struct bytes` borrows: a pointer and a length into memory that somebody else
 * keeps alive (a request body, a mapped log, an arena). It is passed by value,
 * never freed, and may be empty with a null pointer. It is not a C string: no
 * zero byte follows it.
 *
 * `struct buf` owns: it grows as it is appended to and is released by
 * whoever declared it. A zeroed buf is a valid empty one. Running out of memory
 * on a size that we chose ends the process (see err.h, kind 1); a size that a
 * stranger chose is checked against a named limit before it gets here.
 */
#ifndef WEFT_BASE_BYTES_H
#define WEFT_BASE_BYTES_H

#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *ptr;
	size_t len;
};

struct buf {
	uint8_t *ptr;
	size_t len;
	size_t cap;
};

/* BYTES("text") is a string literal without its zero. */
#define BYTES(literal) ((struct bytes){(const uint8_t *)("" literal), sizeof(literal) - 1})
#define BUF_EMPTY ((struct buf){NULL, 0, 0})
/* For printf: ("%.*s", BYTES_FMT(b)). A negative precision would mean none at all. */
#define BYTES_FMT(b) (int)((b).len <= INT_MAX ? (b).len : INT_MAX), (const char *)(b).ptr

struct bytes bytes_of(const void *ptr, size_t len);
/* bytes_str borrows a zero-terminated string without its zero; NULL is empty. */
struct bytes bytes_str(const char *text);
bool bytes_eq(struct bytes a, struct bytes b);
bool bytes_eq_str(struct bytes a, const char *text);
/* bytes_cmp orders as memcmp does, a prefix before what it begins. */
int bytes_cmp(struct bytes a, struct bytes b);
bool bytes_starts(struct bytes b, const char *prefix);
bool bytes_ends(struct bytes b, const char *suffix);
/* bytes_case_eq compares ASCII letters without regard to case. */
bool bytes_case_eq(struct bytes a, const char *text);
/* bytes_from is what is left after the first n bytes; empty when n is past the end. */
struct bytes bytes_from(struct bytes b, size_t n);
/* bytes_cut is the part before the first `c`; *rest (may be NULL) gets what
 * follows it, or an empty run when there is no `c`. */
struct bytes bytes_cut(struct bytes b, char c, struct bytes *rest);
/* bytes_u64 reads a decimal number without sign, blanks or leading '+'; false
 * when there is none, when anything follows it, or when it is above 2^64-1. */
bool bytes_u64(struct bytes b, uint64_t *out);
/* bytes_utf8 tells whether the run is valid UTF-8 (Unicode 15, table 3-7). */
bool bytes_utf8(struct bytes b);

/* Little- and big-endian fields; the pointer needs no alignment. */
uint16_t get_u16le(const void *p);
uint32_t get_u32le(const void *p);
uint64_t get_u64le(const void *p);
uint64_t get_u64be(const void *p);
void set_u16le(void *p, uint16_t v);
void set_u32le(void *p, uint32_t v);
void set_u64le(void *p, uint64_t v);
void set_u64be(void *p, uint64_t v);

struct bytes buf_bytes(const struct buf *b);
void buf_reserve(struct buf *b, size_t more);
void buf_put(struct buf *b, const void *ptr, size_t len);
void buf_put_bytes(struct buf *b, struct bytes bytes);
void buf_put_str(struct buf *b, const char *text);
void buf_put_u8(struct buf *b, uint8_t byte);
/* buf_grow appends len bytes that are not set, and returns where they are. */
uint8_t *buf_grow(struct buf *b, size_t len);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
/* buf_put_utf8_lossy appends `bytes` with every ill-formed sequence replaced by
 * U+FFFD, as the WHATWG decoder does (one mark per maximal ill-formed subpart). */
void buf_put_utf8_lossy(struct buf *b, struct bytes bytes);
/* buf_str ends the content with a zero that is not counted in len. */
const char *buf_str(struct buf *b);
/* buf_clear keeps the memory, buf_release gives it back and leaves an empty buf. */
void buf_clear(struct buf *b);
void buf_release(struct buf *b);

#endif
