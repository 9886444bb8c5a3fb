/* SPDX-License-Identifier: MIT
 *
 * lend: the units process's side of the drive (drive.h): it answers what a worker asks in the middle of a turn out of
 * the struct drive (reader.h) that the turn was given. A worker names files by numbers; what it says is believed only as far
 * as it fits what was lent to it in this turn.
 */
#ifndef WEFT_READER_WASM_LEND_H
#define WEFT_READER_WASM_LEND_H

#include "reader/reader.h"
#include "reader/wasm/wire.h"

/* The files of a turn, by number. */
struct lent {
	const struct drive_file **list;
	size_t count, cap;
};

enum { LEND_FILES_MAX = 4096 }; /* a turn that has more is ended: only a worker that is not ours asks for so many */

/* lend answers NEED_FILE or NEED_BYTES, with this text, by what follows WIRE_GO_ON. `drive` may be NULL: nothing is lent. E_WORKER for
 * what no worker asks; else the drive's errors. */
must_use enum err lend(struct lent *l, struct drive *drive, enum wire_need need, struct bytes text, struct buf *out,
		       struct note *note);
/* lend_reset: a turn begins. */
void lend_reset(struct lent *l);
void lend_release(struct lent *l);

#endif
