/* SPDX-License-Identifier: MIT */
#include "reader/wasm/host.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_FD = 3, ERRNO_INVAL = 28 };
enum { FROM_START, FROM_POSITION, FROM_END };

/* ---- the table ---- */

static struct drive_fd *find(const struct drive_table *d, uint32_t fd)
{
	uint32_t at = fd - FIRST_FD;

	return fd >= FIRST_FD && at < d->count && d->list[at].open ? &d->list[at] : NULL;
}

bool drive_has(const struct drive_table *d, uint32_t fd)
{
	return find(d, fd) != NULL;
}

void drive_reset(struct drive_table *d)
{
	d->count = 0;
	d->ahead_len = 0;
}

void drive_release(struct drive_table *d)
{
	free(d->list);
	free(d->ahead);
	*d = (struct drive_table){0};
}

/* The smallest number that is free; UINT32_MAX: none is. */
static uint32_t free_fd(struct drive_table *d)
{
	size_t at = 0;

	while (at < d->count && d->list[at].open)
		at++;
	if (at == DRIVE_OPEN_MAX)
		return UINT32_MAX;
	if (at == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 8;
		d->list = realloc(d->list, d->cap * sizeof(*d->list));
		must(d->list != NULL);
	}
	if (at == d->count)
		d->count++;
	return (uint32_t)at + FIRST_FD;
}

/* ---- opening ---- */

/* The C string at `at`, as long as a path may be; empty: longer, so none of ours. */
static struct bytes path_at(struct call *c, uint64_t at, char out[DRIVE_PATH_MAX])
{
	size_t len = 0;

	for (; len < DRIVE_PATH_MAX; len++) {
		out[len] = (char)*call_range(c, at + len, 1);
		if (!out[len])
			return bytes_of(out, len);
	}
	return bytes_of(NULL, 0);
}

uint64_t drive_open(struct call *c)
{
	struct drive_table *d = &c->h->drive;
	char text[DRIVE_PATH_MAX];
	struct bytes path = path_at(c, call_pointer(c, 0), text);
	struct drive_found found = {.answer = DRIVE_NO_FILE};
	uint32_t fd;

	if (!d->source || !drive_path(path))
		return 0;
	call_charge(c, DRIVE_OPEN_GAS);
	d->source->open(path, &found);
	if (found.answer == DRIVE_FAILURE)
		wasm_trap(c->i, TRAP_HOST, found.failure);
	if (found.answer == DRIVE_NO_FILE)
		return 0;
	fd = free_fd(d);
	if (fd == UINT32_MAX)
		wasm_trap(c->i, TRAP_HOST, "ErrnoError: too many files are open");
	d->list[fd - FIRST_FD] = (struct drive_fd){
		.open = true, .text = !bytes_starts(path, "/data/"), .file = found.file, .size = found.size};
	return fd;
}

uint64_t drive_close(struct call *c)
{
	struct drive_fd *f = find(&c->h->drive, call_u32(c, 0));

	if (f)
		f->open = false;
	return 0;
}

/* ---- reading ---- */

static uint64_t left(const struct drive_fd *f, uint64_t at)
{
	return at < f->size ? f->size - at : 0;
}

/* Makes the piece of the file that begins at `at` the one that is at hand. */
static void fill_ahead(struct drive_table *d, const struct drive_fd *f, uint64_t at)
{
	uint64_t most = left(f, at);

	if (!d->ahead) {
		d->ahead = malloc(DRIVE_AHEAD);
		must(d->ahead != NULL);
	}
	d->ahead_file = f->file;
	d->ahead_at = at;
	d->ahead_len = most < DRIVE_AHEAD ? (size_t)most : DRIVE_AHEAD;
	d->source->read(f->file, at, d->ahead, d->ahead_len);
}

/* `len` bytes, which the file has, into the guest. */
static void take(struct call *c, const struct drive_fd *f, uint64_t at, uint64_t to, uint64_t len)
{
	struct drive_table *d = &c->h->drive;
	uint8_t *out = call_range(c, to, len);

	call_charge(c, DRIVE_READ_GAS + len / DRIVE_GAS_BYTES);
	while (len) {
		bool ours = d->ahead_len && d->ahead_file == f->file && at >= d->ahead_at &&
			    at - d->ahead_at < d->ahead_len;
		uint64_t n = len;

		if (!ours && len >= DRIVE_AHEAD) {
			d->source->read(f->file, at, out, len);
			return;
		}
		if (!ours)
			fill_ahead(d, f, at);
		if (n > d->ahead_len - (at - d->ahead_at))
			n = d->ahead_len - (at - d->ahead_at);
		memcpy(out, d->ahead + (at - d->ahead_at), n);
		out += n;
		at += n;
		len -= n;
	}
}

uint64_t drive_read(struct call *c)
{
	struct drive_fd *f = find(&c->h->drive, call_u32(c, 0));
	uint64_t len = call_pointer(c, 2), at, n;

	if (!f)
		return 0;
	at = f->text || (!f->read && f->position >= f->size) ? 0 : f->position;
	f->read = true;
	n = left(f, at);
	n = len < n ? len : n;
	take(c, f, at, call_pointer(c, 1), n);
	if (f->text)
		return len;
	f->position = at + n;
	return n;
}

uint64_t drive_read_vectors(struct call *c)
{
	struct drive_fd *f = find(&c->h->drive, call_u32(c, 0));
	uint64_t vectors = call_pointer(c, 1), count = call_pointer(c, 2), total = 0, width = c->h->wide ? 8 : 4;

	for (uint64_t k = 0; k < count && left(f, f->position); k++) {
		const uint8_t *v = call_range(c, vectors + 2 * width * k, 2 * width);
		uint64_t to = c->h->wide ? get_u64le(v) : get_u32le(v);
		uint64_t len = c->h->wide ? get_u64le(v + 8) : get_u32le(v + 4);
		uint64_t n = left(f, f->position);

		n = len < n ? len : n;
		take(c, f, f->position, to, n);
		f->position += n;
		total += n;
	}
	call_put(c, call_pointer(c, 3), total);
	return 0;
}

/* Offsets come whole in 64 bits, or in two halves. Past the end is allowed: there is nothing to read. */
uint64_t drive_seek(struct call *c)
{
	struct drive_fd *f = find(&c->h->drive, call_u32(c, 0));
	int k = c->h->wide ? 1 : 2;
	int64_t offset = (int64_t)(c->h->wide ? call_u64(c, 1) : call_u32(c, 1) | (uint64_t)call_u32(c, 2) << 32), from;
	uint32_t whence = call_u32(c, k + 1);

	if (whence != FROM_START && whence != FROM_POSITION && whence != FROM_END)
		return ERRNO_INVAL;
	from = whence == FROM_START ? 0 : (int64_t)(whence == FROM_POSITION ? f->position : f->size);
	if (__builtin_add_overflow(from, offset, &from) || from < 0)
		return ERRNO_INVAL;
	set_u64le(call_range(c, call_pointer(c, k + 2), 8), (uint64_t)from);
	f->position = (uint64_t)from;
	return 0;
}
