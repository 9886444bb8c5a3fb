/* SPDX-License-Identifier: MIT
 *
 * avro: tags as bytes (ANS-104; Apache Avro 1.11, "Binary Encoding").
 *
 * Schema: an array of records {name: string, value: string}.
 *
 *   array   = { block } 0x00
 *   block   = count record*            count > 0
 *           | -count size record*      the records take `size` bytes
 *   record  = string string
 *   string  = length bytes
 *   numbers = zigzag varints: n >= 0 is written as LEB128 of 2n
 *
 * No tags at all is no bytes at all. The encoder writes one block; the decoder reads
 * whatever the grammar allows, and nothing else. Decoded tags point into the bytes.
 */
#ifndef WEFT_MSG_AVRO_H
#define WEFT_MSG_AVRO_H

#include "msg/tags.h"

enum {
	TAG_BYTES_MAX = 4096, /* what arbundles verifies and creates at most (ao-units 1.4) */
	TAG_COUNT_MAX = 2048, /* two empty strings a tag: no more fit into the bytes anyway */
};

/* avro_encode appends the canonical encoding. */
void avro_encode(struct buf *out, struct tags tags);
/* avro_decode reads exactly `count` tags, using every byte. E_FORMAT names the offset. The list lives in `a`. */
must_use enum err avro_decode(struct tags *out, struct arena *a, struct bytes bytes, uint64_t count, struct note *note);

#endif
