/* SPDX-License-Identifier: MIT
 *
 * wire: what the units process and weft-worker say to each other, over socket pairs.
 *
 * weft-worker starts with four descriptors: WIRE_CONTROL, WIRE_MODULE (the wasm file), WIRE_CODE (the area of its
 * native code, engine/wasm/code.h) and WIRE_PROFILE (32 bits for each function, which T0 counts in). It loads them and answers
 * once on the control socket. Each WIRE_OPEN that comes there carries two descriptors, a new socket and the
 * image, and makes it fork: the child greets on that socket, opens the guest on the image, answers, and from
 * then on it is one ask, one answer, in turn. An end of file ends it.
 *
 * In the middle of an OPEN or a TURN the guest may reach a function that has no code yet. Then the worker's answer has `need`
 * set; the next thing that it reads is an ask WIRE_GO_ON, once the code is there; and the true answer follows later.
 *
 * Both sides are the same build on the same machine, so structs travel as they are.
 */
#ifndef WEFT_READER_WASM_WIRE_H
#define WEFT_READER_WASM_WIRE_H

#include "base/bytes.h"

#include <sys/types.h>

enum { WIRE_CONTROL = 3, WIRE_MODULE = 4, WIRE_CODE = 5, WIRE_PROFILE = 6, WIRE_FDS = 4 };
enum wire_op { WIRE_OPEN = 1, WIRE_TURN, WIRE_COMMIT, WIRE_ROLLBACK, WIRE_GO_ON };

struct wire_ask {
	uint32_t op;
	uint32_t fresh;                        /* TURN: roll back to image_size first */
	uint64_t image_size;                   /* OPEN, ROLLBACK, fresh TURN; 0 in OPEN: a new process */
	uint64_t memory_max;                   /* OPEN */
	uint64_t abi;                          /* OPEN: enum abi_id */
	uint64_t gas_limit;                    /* TURN */
	uint64_t message_len, environment_len; /* TURN: their bytes follow */
};

struct wire_answer {
	int32_t err;     /* enum err; the text is its note */
	uint32_t failed; /* TURN: the guest failed; the text says how */
	uint32_t need;   /* nothing else counts: the guest waits for the code of `function` */
	uint32_t function;
	uint64_t image_size; /* OPEN, COMMIT */
	uint64_t gas_used;
	uint64_t text_len; /* its bytes follow; COMMIT: the pages that changed, 4 bytes each */
};

/* Whole reads and writes; false at the end of file or on an error. */
bool wire_read(int fd, void *out, size_t len);
bool wire_write(int fd, const void *in, size_t len);
/* wire_read_until gives up at `deadline` too, in nanoseconds of clock_ns; UINT64_MAX is never. */
bool wire_read_until(int fd, void *out, size_t len, uint64_t deadline);
/* wire_pair makes the two sockets of a conversation with a worker; the second is the worker's. */
bool wire_pair(int pair[2]);
/* wire_meet reads the byte that a new worker sends first, and gives a descriptor of the process that did (pidfd_open) and
 * its number: the kernel says which, not the worker. -1 at the end of file, the deadline or an error. wire_greet sends it. */
int wire_meet(int fd, uint64_t deadline, pid_t *pid);
bool wire_greet(int fd);
/* wire_ask_open sends an ask with two descriptors; wire_take_open receives one. */
bool wire_ask_open(int fd, const struct wire_ask *ask, int socket, int image);
bool wire_take_open(int fd, struct wire_ask *ask, int *socket, int *image);

#endif
