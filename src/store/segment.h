/* SPDX-License-Identifier: MIT
 *
 * segment: the log on disk. Private to the folder.
 *
 * A log is a row of files, each named by the number of its first record in 16 hex
 * digits, "0000000000000001.log", appended to until it passes SEGMENT_SIZE. A segment:
 *
 *   offset  size  field
 *   0       4     magic "WLS1"
 *   4       4     salt, random
 *   8       .     records, one after the other
 *
 * A record:
 *
 *   offset  size  field
 *   0       4     magic "WLR1"
 *   4       4     CRC-32C, begun with the segment's salt, of everything from offset 8 to the end of the body
 *   8       8     length of the body
 *   16      8     number of the record: one more than its predecessor's
 *   24      8     number of the first record of its group
 *   32      .     body: the operations of one batch (backend.h)
 *
 * all little endian. A record is valid if and only if its magic and CRC are right and its
 * number is the expected one.
 *
 * A group is what one sync made durable, and the next one is written only after that. So a crash can leave
 * holes in the last group and nowhere else: the last segment may end in a torn group, which was
 * never acknowledged and is cut off at its first invalid record; an invalid record with a
 * valid one of a later group behind it is corruption. The salt is there because strangers choose what bodies
 * contain: without it, they could write "a later group" into a message.
 */
#ifndef WEFT_STORE_SEGMENT_H
#define WEFT_STORE_SEGMENT_H

#include "store/store.h"

enum { SEGMENT_HEADER = 8, RECORD_HEADER = 32 };
#define SEGMENT_SIZE ((uint64_t)256 << 20)

struct record_at {
	uint64_t number, group;
	struct bytes body;
};

/* segment_header writes the start of a segment. */
void segment_header(uint8_t out[SEGMENT_HEADER], uint32_t salt);
/* segment_salt reads it; false when it is none. */
bool segment_salt(struct bytes header, uint32_t *salt);

/* record_write appends a record to `out`. */
void record_write(struct buf *out, uint32_t salt, uint64_t number, uint64_t group, struct bytes body);
/* record_read checks the record at the start of `bytes`; false when it is not valid. number 0 accepts any. */
bool record_read(struct bytes bytes, uint32_t salt, uint64_t number, struct record_at *out);

/* record_lost tells whether record `number`, which should be at the start of `bytes` and is not valid there, had been made
 * durable: a valid record of a later group follows somewhere. */
bool record_lost(struct bytes bytes, uint32_t salt, uint64_t number);

#endif
