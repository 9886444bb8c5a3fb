/* SPDX-License-Identifier: MIT
 *
 * memory: the linear memory of one instance, and how a message becomes part of it or leaves no trace.
 *
 * The committed state, the *image*, is a memfd. The instance sees a private mapping of it, so all that a turn writes
 * goes to private pages. Afterwards those pages are found (/proc/self/pagemap: present, and not of a
 * file), compared, and copied to the image (commit) or dropped for it (rollback). Both cost what the turn
 * touched, not what the process holds. A dry run is one more mapping of the same image, thrown away.
 *
 * Addresses: 2^34 + 2^32 bytes are reserved for memory64 and 2^33 for memory32, all beyond the size
 * protected, which is what lets translated code go without most bounds checks (translate.h).
 * Not thread-safe: one thread runs an instance.
 */
#ifndef WEFT_ENGINE_WASM_MEMORY_H
#define WEFT_ENGINE_WASM_MEMORY_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct wasm_memory {
	uint8_t *base;
	uint64_t size;      /* bytes that the guest may touch */
	uint64_t max;       /* bytes it may grow to */
	uint64_t committed; /* size of the image */
	uint64_t reserved;
	int image;   /* memfd */
	int pagemap; /* /proc/self/pagemap */
};

enum { WASM_PAGE = 65536 };

/* memory_open maps `image` (a memfd whose `committed` first bytes are the state; -1 makes an empty one) with `size`
 * accessible bytes. E_IO with the reason. */
must_use enum err memory_open(struct wasm_memory *m, bool is64, uint64_t size, uint64_t max, int image,
			      uint64_t committed, struct note *note);
void memory_close(struct wasm_memory *m);
/* memory_grow: false when it would pass `max`. `size` is in bytes, a multiple of WASM_PAGE. */
bool memory_grow(struct wasm_memory *m, uint64_t size);
/* memory_commit makes what the guest sees the image, and calls changed(ctx, page) (may be NULL) for each 4 KiB page that
 * differed, whose number it gives; memory_rollback makes the guest see the image again, whose size may have
 * changed by another's commit. */
typedef void memory_changed(void *ctx, uint64_t page);
uint64_t memory_commit(struct wasm_memory *m, memory_changed *changed, void *ctx);
void memory_rollback(struct wasm_memory *m, uint64_t committed);

#endif
