/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a segment of the log: records and their operations stay inside them.
 */
#include "store/backend.h"
#include "store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct bytes body)
{
	struct op op;
	size_t at = 0;

	while (ops_next(body, &at, &op)) {
		must(op.key.len > 0 && op.key.ptr >= body.ptr && op.value.ptr == op.key.ptr + op.key.len);
		must(op.value.ptr + op.value.len <= body.ptr + body.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes all = bytes_of(data, size);
	struct buf record = BUF_EMPTY;
	struct record_at got;
	uint32_t salt = 0;

	(void)segment_salt(all, &salt);
	(void)record_lost(bytes_from(all, SEGMENT_HEADER), salt, 1);
	if (record_read(bytes_from(all, SEGMENT_HEADER), salt, 0, &got))
		walk(got.body);
	/* The same bytes behind a right checksum: the operations meet the fuzzer unprotected. */
	record_write(&record, salt, 7, 6, all);
	must(record_read(buf_bytes(&record), salt, 7, &got) && got.group == 6 && bytes_eq(got.body, all));
	must(record_lost(buf_bytes(&record), salt, 5));
	walk(got.body);
	buf_release(&record);
	return 0;
}
