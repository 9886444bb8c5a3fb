/* SPDX-License-Identifier: MIT */
#include "reader/wasm/lend.h"

#include "reader/wasm/drive.h"

#include <stdlib.h>
#include <string.h>

static enum err nonsense(struct note *note)
{
	note_err(note, E_WORKER, "the worker asked the drive for what cannot be");
	note_hint(note, "ask again: the evaluation starts over in a new worker");
	return E_WORKER;
}

/* The file's number: that of before, when it was lent already. */
static enum err number_of(struct lent *l, const struct drive_file *f, uint32_t *out, struct note *note)
{
	size_t at = 0;

	while (at < l->count && l->list[at] != f)
		at++;
	if (at == LEND_FILES_MAX)
		return nonsense(note);
	if (at == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 8;
		l->list = realloc(l->list, l->cap * sizeof(*l->list));
		must(l->list != NULL);
	}
	if (at == l->count)
		l->list[l->count++] = f;
	*out = (uint32_t)at;
	return OK;
}

static enum err lend_file(struct lent *l, struct drive *drive, struct bytes path, struct buf *out, struct note *note)
{
	static const struct drive_file none = {.answer = DRIVE_NO_FILE};
	const struct drive_file *f = &none;
	struct wire_lent answer = {0};
	struct bytes failure;
	enum err e = OK;

	if (!drive_path(path) || memchr(path.ptr, 0, path.len))
		return nonsense(note);
	if (drive)
		e = drive->open(drive, &f, path, note);
	if (e == OK && f->answer == DRIVE_FILE)
		e = number_of(l, f, &answer.file, note);
	if (e < 0)
		return e;
	failure = bytes_str(f->answer == DRIVE_FAILURE ? f->failure : "");
	answer.answer = f->answer;
	answer.size = f->size;
	buf_put(out, &answer, sizeof(answer));
	buf_put(out, failure.ptr, failure.len < DRIVE_FAILURE_MAX ? failure.len : DRIVE_FAILURE_MAX - 1);
	return OK;
}

static enum err lend_bytes(struct lent *l, struct drive *drive, struct bytes text, struct buf *out, struct note *note)
{
	const struct drive_file *f;
	struct wire_read ask;

	if (text.len != sizeof(ask))
		return nonsense(note);
	memcpy(&ask, text.ptr, sizeof(ask));
	if (!drive || ask.file >= l->count || ask.len == 0 || ask.len > WIRE_READ_MAX)
		return nonsense(note);
	f = l->list[ask.file];
	if (ask.at > f->size || ask.len > f->size - ask.at)
		return nonsense(note);
	return drive->read(drive, f, buf_grow(out, ask.len), ask.at, ask.len, note);
}

enum err lend(struct lent *l, struct drive *drive, enum wire_need need, struct bytes text, struct buf *out,
	      struct note *note)
{
	return need == NEED_FILE ? lend_file(l, drive, text, out, note) : lend_bytes(l, drive, text, out, note);
}

void lend_reset(struct lent *l)
{
	l->count = 0;
}

void lend_release(struct lent *l)
{
	free(l->list);
	*l = (struct lent){0};
}
