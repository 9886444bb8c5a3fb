/* SPDX-License-Identifier: MIT
 *
 * wire: what the units process and weft-worker say to each other, over socket pairs.
 *
 * weft-worker starts with three descriptors: WIRE_CONTROL, WIRE_MODULE (the wasm file) and WIRE_CODE (its
 * artefact). It loads them and answers once on the control socket. Each WIRE_OPEN that comes there
 * carries two descriptors, a new socket and the image, and makes it fork: the child opens the guest on the
 * image and from then on speaks on that socket: one ask, one answer, in turn. An
 * end of file ends it.
 *
 * Both sides are the same build on the same machine, so structs travel as they are.
 */
#ifndef WEFT_READER_WASM_WIRE_H
#define WEFT_READER_WASM_WIRE_H

#include "base/bytes.h"

enum { WIRE_CONTROL = 3, WIRE_MODULE = 4, WIRE_CODE = 5 };
enum wire_op { WIRE_OPEN = 1, WIRE_TURN, WIRE_COMMIT, WIRE_ROLLBACK };

struct wire_ask {
	uint32_t op;
	uint32_t fresh;                        /* TURN: roll back to image_size first */
	uint64_t image_size;                   /* OPEN, ROLLBACK, fresh TURN; 0 in OPEN: a new process */
	uint64_t memory_max;                   /* OPEN */
	uint64_t gas_limit;                    /* TURN */
	uint64_t message_len, environment_len; /* TURN: their bytes follow */
};

struct wire_answer {
	int32_t err;         /* enum err; the text is its note */
	uint32_t failed;     /* TURN: the guest failed; the text says how */
	int32_t pid;         /* OPEN */
	uint64_t image_size; /* OPEN, COMMIT */
	uint64_t gas_used;
	uint64_t text_len; /* its bytes follow; COMMIT: the pages that changed, 4 bytes each */
};

/* Whole reads and writes; false at the end of file or on an error. */
bool wire_read(int fd, void *out, size_t len);
bool wire_write(int fd, const void *in, size_t len);
/* wire_ask_open sends an ask with two descriptors; wire_take_open receives one. */
bool wire_ask_open(int fd, const struct wire_ask *ask, int socket, int image);
bool wire_take_open(int fd, struct wire_ask *ask, int *socket, int *image);

#endif
