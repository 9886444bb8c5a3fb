/* SPDX-License-Identifier: MIT
 *
 * drive: the files of the weave as a guest sees them (WeaveDrive, ao-units 5.18). The guest's side: what is open, where it
 * stands, and the imports. Whether there is a file, and its bytes, come from a *source*: in weft-worker that is the
 * other end of the wire.
 *
 *   __asyncjs__weavedrive_open(path, mode)   a descriptor, from 3 up, the smallest that is free; 0: there is no such file, which
 *                                            is what any path gets that does not begin with /tx/, /block/ or /data/. A file of
 *                                            these that cannot be had ends the guest, in the source's words
 *   __asyncjs__weavedrive_read(fd, to, len)  of /data/: what there is from the position on, which moves. aos seeks to the end, to
 *                                            know the length, and then reads: a first read there begins at the start.
 *                                            (The published drive begins every first read there.) Of the others:
 *                                            from the beginning, whatever the position, and it answers `len` even when there
 *                                            was less; the modules that read these count on it
 *   __asyncjs__weavedrive_close(fd)          0
 *   fd_seek, fd_read, fd_close of WASI       do with these descriptors what they do with files
 *
 * The host answers at once, so the guest is never unwound. Nothing stays open past the turn: descriptors are numbered anew in
 * each, so that a process that was put away and one that stayed see the same numbers. It costs gas in formats whose gas is ours
 * (docs/formats/gas.md).
 */
#ifndef WEFT_READER_WASM_DRIVE_H
#define WEFT_READER_WASM_DRIVE_H

#include "reader/reader.h"

struct call;
struct host;

enum {
	DRIVE_PATH_MAX = 200,   /* no file has a longer name */
	DRIVE_OPEN_MAX = 4096,  /* at the same time; the guest ends that wants more, as in the published glue */
	DRIVE_AHEAD = 16 << 10, /* small reads are made of pieces of this size */
	DRIVE_OPEN_GAS = 10000,
	DRIVE_READ_GAS = 2000,   /* of each read, which may bring a piece from the other side of the wire */
	DRIVE_GAS_BYTES = 16,    /* so many cost 1 more */
	DRIVE_FAILURE_MAX = 200, /* of the words that end a guest, so much is kept */
};

struct drive_found {
	enum drive_answer answer;
	uint32_t file; /* the source's number */
	uint64_t size;
	char failure[DRIVE_FAILURE_MAX];
};

struct drive_source {
	/* Neither returns when it has no answer. read: at + len is within the file. */
	void (*open)(struct bytes path, struct drive_found *out);
	void (*read)(uint32_t file, uint64_t at, uint8_t *out, size_t len);
};

/* One descriptor. */
struct drive_fd {
	bool open;
	bool text; /* of /tx/ or /block/ */
	bool read; /* something of it was */
	uint32_t file;
	uint64_t size, position;
};

struct drive_table {
	const struct drive_source *source; /* NULL: there is no drive */
	struct drive_fd *list;
	size_t count, cap;
	uint8_t *ahead; /* bytes of one file that were read together */
	uint32_t ahead_file;
	uint64_t ahead_at;
	size_t ahead_len;
};

/* drive_reset closes all. */
void drive_reset(struct drive_table *d);
void drive_release(struct drive_table *d);
/* drive_path tells what may be a file of the drive. */
static inline bool drive_path(struct bytes path)
{
	return path.len < DRIVE_PATH_MAX &&
	       (bytes_starts(path, "/data/") || bytes_starts(path, "/tx/") || bytes_starts(path, "/block/"));
}
/* drive_has tells whether a descriptor is a file of the drive. */
bool drive_has(const struct drive_table *d, uint32_t fd);

/* Rows of the imports' table (host.h). The last two: only for descriptors that drive_has. */
uint64_t drive_open(struct call *c);
uint64_t drive_read(struct call *c);
uint64_t drive_close(struct call *c);
uint64_t drive_seek(struct call *c);
uint64_t drive_read_vectors(struct call *c);

#endif
