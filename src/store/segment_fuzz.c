/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a segment of the log: records and their operations stay inside them.
 */
#include "store/backend.h"
#include "store/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes all = bytes_of(data, size), body;
	struct buf record = BUF_EMPTY;
	uint64_t number;
	struct op op;
	size_t at = 0;

	(void)record_valid_after(all, 0);
	if (record_read(all, 0, &number, &body))
		while (ops_next(body, &at, &op))
			must(op.key.ptr + op.key.len <= body.ptr + body.len &&
			     op.value.ptr + op.value.len <= body.ptr + body.len);
	/* The same bytes behind a right checksum: the operations meet the fuzzer unprotected. */
	record_write(&record, 7, all);
	must(record_read(buf_bytes(&record), 7, &number, &body) && bytes_eq(body, all));
	at = 0;
	while (ops_next(body, &at, &op))
		must(op.key.len > 0);
	buf_release(&record);
	return 0;
}
