/* SPDX-License-Identifier: MIT
 *
 * text: bytes written as characters. base64 in its two alphabets (RFC 4648,
 * sections 4 and 5) and lower-case hexadecimal.
 *
 * base64url is ao's spelling of ids, keys and signatures: no padding. Decoding is
 * strict: no blanks, no foreign alphabet, no padding inside, no stray bits after
 * the last byte, so that each value has exactly one spelling.
 */
#ifndef WEFT_BASE_TEXT_H
#define WEFT_BASE_TEXT_H

#include "base/bytes.h"
#include "base/err.h"

/* How many characters the encoders write, without the zero. */
size_t b64url_len(size_t bytes);
size_t b64_len(size_t bytes);

/* The encoders write the text and a zero; `out` has room for *_len() + 1. */
void b64url_encode(char *out, struct bytes b);
void b64_encode(char *out, struct bytes b);
void hex_encode(char *out, struct bytes b);

/* The decoders write at most `cap` bytes and set *len; E_FORMAT for anything that
 * the encoder would not have written, E_LIMIT when cap is too small.
 * b64_decode accepts text with or without its padding. */
must_use enum err b64url_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text);
must_use enum err b64_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text);
must_use enum err hex_decode(uint8_t *out, size_t cap, size_t *len, struct bytes text);

void buf_put_b64url(struct buf *out, struct bytes b);
void buf_put_b64(struct buf *out, struct bytes b);
void buf_put_hex(struct buf *out, struct bytes b);

#endif
