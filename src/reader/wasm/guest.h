/* SPDX-License-Identifier: MIT
 *
 * guest: an ao module in WebAssembly, running: what the loader of its format does for it (abi.h; ao-units 5.15, 5.16),
 * and the turn.
 *
 * guest_open instantiates and does what the format has before the first message. guest_turn puts the message and
 * the environment into the module, calls handle(message, environment), and reads the text that comes back. Afterwards the
 * caller decides: guest_commit makes the new memory the process's, guest_rollback forgets the turn, as the
 * reference does by dropping the instance.
 *
 * Memory is all that a process keeps from one message to the next: globals, tables and what else an instance has begin every
 * turn as they were after the start, so that a process that was put away and one that stayed answer alike.
 */
#ifndef WEFT_READER_WASM_GUEST_H
#define WEFT_READER_WASM_GUEST_H
#include "engine/wasm/instance.h"
#include "reader/wasm/abi.h"
#include "reader/wasm/drive.h"

struct guest;

/* A longer answer of a module is a failure of the module. */
enum { GUEST_TEXT_MAX = 64 << 20 };

struct guest_options {
	const struct abi *abi;
	const struct wasm_module *module; /* valid; outlives the guest */
	const struct wasm_code *code;
	uint64_t memory_max; /* bytes */
	int image;           /* memfd of the process's memory, taken over; -1: one of its own */
	uint64_t image_size; /* bytes of it that are the state; 0: a new process */
	int pagemap;         /* as in instance.h */
	void (*missing)(struct wasm_instance *i, uint32_t function); /* as in instance.h, as is */
	uint32_t *counts;                                            /* this */
	const struct drive_source *drive;                            /* NULL: there is none */
};

/* What became of a turn. A guest that failed has `error` in words and no text. */
struct turn {
	bool failed;
	enum vm_trap trap;
	struct buf text; /* what handle returned, or the error */
	uint64_t gas_used;
};

/* guest_open starts the module, without a look at the image: guest_commit makes the start the state of a new process,
 * guest_rollback shows the state of one that there is. E_FORMAT when the module lacks an export that the ABI needs or
 * fails while starting, E_LIMIT for memory. Use it on a thread of wasm_run_deep. */
must_use enum err guest_open(struct guest **out, const struct guest_options *options, struct note *note);
void guest_close(struct guest *g);

/* guest_turn evaluates one message; `gas_limit` is in units of the module's schedule. turn->text is the caller's to
 * release. */
void guest_turn(struct guest *g, struct bytes message, struct bytes environment, uint64_t gas_limit, struct turn *turn);

/* guest_changes lists the pages of the image that guest_commit would change, as memory_changes does. */
size_t guest_changes(struct guest *g, uint64_t **pages);
/* guest_commit gives the size of the image in bytes, and appends to `pages` (may be NULL) the numbers of the 4 KiB pages
 * that changed in it, 4 bytes each, little endian. */
uint64_t guest_commit(struct guest *g, struct buf *pages);
/* guest_rollback shows the guest the image again, of `size` bytes. */
void guest_rollback(struct guest *g, uint64_t size);
struct wasm_instance *guest_instance(struct guest *g);

#endif
