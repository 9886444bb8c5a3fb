/* SPDX-License-Identifier: MIT
 *
 * segment: the log on disk. Private to the folder.
 *
 * A log is a row of files, each named by the number of its first record in 16 hex
 * digits, "0000000000000001.log", appended to until it passes SEGMENT_SIZE. A record:
 *
 *   offset  size  field
 *   0       4     magic "WLR1"
 *   4       4     CRC-32C of everything from offset 8 to the end of the body
 *   8       8     length of the body
 *   16      8     number of the record: one more than its predecessor's
 *   24      .     body: the operations of one batch (backend.h)
 *
 * all little endian. A record is valid if and only if its magic and CRC are right and its
 * number is the expected one. The last segment may end in a torn record, which was never
 * acknowledged and is cut off; an invalid record with a valid one behind it is corruption.
 */
#ifndef WEFT_STORE_SEGMENT_H
#define WEFT_STORE_SEGMENT_H

#include "store/store.h"

enum { RECORD_HEADER = 24 };
#define SEGMENT_SIZE ((uint64_t)256 << 20)

/* record_write appends a record to `out`. */
void record_write(struct buf *out, uint64_t number, struct bytes body);
/* record_read checks the record at the start of `bytes`; false when it is not valid. number 0 accepts any. */
bool record_read(struct bytes bytes, uint64_t number, uint64_t *got_number, struct bytes *body);

/* record_valid_after tells whether any valid record begins behind offset `at`. */
bool record_valid_after(struct bytes bytes, size_t at);

#endif
