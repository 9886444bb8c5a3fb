/* SPDX-License-Identifier: MIT
 *
 * wire: what the units process and weft-worker say to each other, over socket pairs.
 *
 * weft-worker starts with four descriptors: WIRE_CONTROL, WIRE_MODULE (the wasm file), WIRE_CODE (the area of its
 * native code, engine/wasm/code.h) and WIRE_PROFILE (32 bits for each function, which T0 counts in). It loads them and answers
 * once on the control socket. Each WIRE_OPEN that comes there carries three descriptors, a new socket, the
 * image, and another socket; and makes it fork: the child greets on the first, opens the guest, answers, and from
 * then on it is one ask, one answer, in turn. An end of file ends it. The second socket works beside that, also while a guest
 * runs: a number of pages comes in, as 64 bits, then the numbers of those pages, and as soon as the worker has made them
 * its own it answers with a byte (format.h).
 *
 * In the middle of an OPEN or a TURN the guest may reach a function that has no code yet. Then the worker's answer has `need`
 * set; the next thing that it reads is an ask WIRE_GO_ON, once the code is there; and the true answer follows later. In the
 * same way a COMMIT with `viewed` gives the pages that it is about to change before it does, and a guest that reads the
 * drive (drive.h) gets a file, or bytes of one, which follow the WIRE_GO_ON.
 *
 * A second TURN may be asked before the first is answered, if it is no longer than WIRE_AHEAD_MAX, which a socket holds: whoever
 * sends it does not wait, and so is there to hear what the first one needs. The worker comes upon it when it is done with the
 * first, or while it waits for a GO_ON, and keeps it.
 *
 * Both sides are the same build on the same machine, so structs travel as they are.
 */
#ifndef WEFT_READER_WASM_WIRE_H
#define WEFT_READER_WASM_WIRE_H

#include "base/bytes.h"

#include <sys/types.h>

enum { WIRE_CONTROL = 3, WIRE_MODULE = 4, WIRE_CODE = 5, WIRE_PROFILE = 6, WIRE_FDS = 4 };
enum wire_op { WIRE_OPEN = 1, WIRE_TURN, WIRE_COMMIT, WIRE_ROLLBACK, WIRE_GO_ON };

enum wire_need {
	NEED_NOTHING,
	NEED_CODE,
	NEED_KEEP,  /* of the pages in the text */
	NEED_FILE,  /* of the drive, whose path is the text */
	NEED_BYTES, /* of such a file: the text is a struct wire_read */
};

struct wire_ask {
	uint32_t op;
	uint32_t viewed;                       /* COMMIT: say first which pages will change */
	uint64_t image_size;                   /* OPEN, ROLLBACK; 0 in OPEN: a new process */
	uint64_t memory_max;                   /* OPEN */
	uint64_t abi;                          /* OPEN: enum abi_id */
	uint64_t gas_limit;                    /* TURN */
	uint64_t message_len, environment_len; /* TURN: their bytes follow. GO_ON: so many bytes follow */
};

/* What follows GO_ON for NEED_FILE; the words of a failure come after it. For NEED_BYTES it is the bytes. */
struct wire_lent {
	uint32_t answer; /* enum drive_answer */
	uint32_t file;   /* its number from here on */
	uint64_t size;
};

enum { WIRE_READ_MAX = 1 << 20, WIRE_AHEAD_MAX = 64 << 10 };
struct wire_read {
	uint64_t at, len;
	uint64_t file;
};

struct wire_answer {
	int32_t err;         /* enum err; the text is its note */
	uint32_t failed;     /* TURN: the guest failed; the text says how */
	uint32_t need;       /* enum wire_need: this is not the answer yet */
	uint32_t function;   /* NEED_CODE: which */
	uint64_t image_size; /* OPEN, COMMIT */
	uint64_t gas_used;
	uint64_t text_len; /* its bytes follow; COMMIT: the pages that changed, 4 bytes each */
};

/* Whole reads and writes; false at the end of file or on an error. */
bool wire_read(int fd, void *out, size_t len);
bool wire_write(int fd, const void *in, size_t len);
/* wire_write_parts writes these one after the other, small ones together. */
bool wire_write_parts(int fd, const struct bytes *parts, size_t count);
/* wire_read_until gives up at `deadline` too, in nanoseconds of clock_ns; UINT64_MAX is never. */
bool wire_read_until(int fd, void *out, size_t len, uint64_t deadline);
/* wire_pair makes the two sockets of a conversation with a worker; the second is the worker's. */
bool wire_pair(int pair[2]);
/* wire_meet reads the byte that a new worker sends first, and gives a descriptor of the process that did (pidfd_open) and
 * its number: the kernel says which, not the worker. -1 at the end of file, the deadline or an error. wire_greet sends it. */
int wire_meet(int fd, uint64_t deadline, pid_t *pid);
bool wire_greet(int fd);
/* wire_ask_open sends an ask with the three descriptors of OPEN; wire_take_open receives one. */
enum { OPEN_SOCKET, OPEN_IMAGE, OPEN_SIDE, OPEN_FDS };
bool wire_ask_open(int fd, const struct wire_ask *ask, const int fds[OPEN_FDS]);
bool wire_take_open(int fd, struct wire_ask *ask, int fds[OPEN_FDS]);

#endif
