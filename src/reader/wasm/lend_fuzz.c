/* SPDX-License-Identifier: MIT
 *
 * Whatever a worker asks of the drive: no byte that was not lent comes back, and nothing breaks. An input is a row of asks: a
 * byte that says whether it is for a file or for bytes, one with its length, and so many bytes.
 */
#include "reader/wasm/lend.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct drive_file files[] = {
	{.answer = DRIVE_FILE, .size = 0},
	{.answer = DRIVE_FILE, .size = 100},
	{.answer = DRIVE_FILE, .size = UINT64_MAX},
	{.answer = DRIVE_FAILURE, .failure = "HALT: no"},
	{.answer = DRIVE_NO_FILE},
};

static enum err open_file(struct drive *d, const struct drive_file **out, struct bytes path, struct note *note)
{
	(void)d;
	must(path.ptr[0] == '/');
	if (path.ptr[path.len - 1] == 'x')
		return note_err(note, E_PEER, "away");
	*out = &files[path.ptr[path.len - 1] % 5];
	return OK;
}

static enum err read_file(struct drive *d, const struct drive_file *f, uint8_t *out, uint64_t at, size_t len,
			  struct note *note)
{
	(void)d;
	(void)note;
	must(f->answer == DRIVE_FILE && at <= f->size && len <= f->size - at);
	memset(out, 1, len);
	return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct drive drive = {open_file, read_file};
	struct lent lent = {0};
	struct buf out = BUF_EMPTY;
	bool bare = size && data[0] & 0x80;

	while (size >= 2) {
		enum wire_need need = data[0] & 1 ? NEED_BYTES : NEED_FILE;
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		struct note note = {0};
		enum err e;

		if (data[0] & 2)
			lend_reset(&lent);
		buf_clear(&out);
		e = lend(&lent, bare ? NULL : &drive, need, bytes_of(data + 2, len), &out, &note);
		must(e == OK || e == E_WORKER || e == E_PEER);
		must(e < 0 || need == NEED_BYTES || out.len >= sizeof(struct wire_lent));
		data += 2 + len;
		size -= 2 + len;
	}
	buf_release(&out);
	lend_release(&lent);
	return 0;
}
