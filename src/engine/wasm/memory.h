/* SPDX-License-Identifier: MIT
 *
 * memory: the linear memory of one instance, and how a message becomes part of it or leaves no trace.
 *
 *   image (memfd)  ====== committed state ======|   holes   |
 *                    |shared (commits go here)
 *   instance       == private view of the image ==|= growth, anonymous =|   protected ...
 *
 * The committed state, the *image*, is a memfd. The instance sees a private mapping of it, so all that a turn writes
 * goes to private pages. Afterwards those pages are found, compared with the image, and the changed ones copied to it
 * (commit) or from it (rollback). Private pages are kept, as the next messages most likely write to the same ones and take no
 * fault; but each is compared every time, so one that has been found unchanged MEMORY_IDLE times in a row goes, and those past
 * MEMORY_KEPT at once: a guest's garbage collection touches all there is. (Once is no sign: a collector's marks may be what they
 * were after two collections.) Both cost what was touched, not what the process holds. A dry run is one more mapping of
 * the same image.
 *
 * Private pages are found by the ioctl PAGEMAP_SCAN (kernel 6.7), which skips what is not there, or by reading
 * /proc/self/pagemap, which costs some 0.7 us for each MiB of memory.
 *
 * Addresses: 2^32 bytes are reserved for memory32 and 2^34 for memory64, and 2^32 beyond them, for the offsets of
 * instructions. All of it beyond the size is protected, which is what lets translated code go without most
 * bounds checks (translate.h). An instance that imports the memory may test for more than the module that defines it.
 * Not thread-safe: one thread runs an instance.
 */
#ifndef WEFT_ENGINE_WASM_MEMORY_H
#define WEFT_ENGINE_WASM_MEMORY_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct wasm_memory {
	uint8_t *base;
	uint8_t *shared;    /* the image itself */
	uint64_t size;      /* bytes that the guest may touch */
	uint64_t max;       /* bytes it may grow to */
	uint64_t committed; /* size of the image; the view ends there */
	uint64_t reserved;
	uint8_t *idle; /* by page: how often in a row it was found unchanged */
	int image;     /* memfd */
	int pagemap;   /* /proc/self/pagemap */
	bool no_scan;  /* do without PAGEMAP_SCAN; found out, or set by tests */
};

enum { WASM_PAGE = 65536, MEMORY_KEPT = 2048, MEMORY_IDLE = 4 };

/* memory_bits: addresses at or above 2^n are out of bounds whatever the size. 31 is worth having: that test takes no
 * register. `max` is the module's, in pages. */
static inline int memory_bits(bool is64, bool has_max, uint64_t max)
{
	return !is64 ? 32 : has_max && max <= ((uint64_t)1 << 31) / WASM_PAGE ? 31 : 34;
}

/* memory_open maps `image` (a memfd whose `committed` first bytes are the state; -1 makes an empty one) with `size`
 * accessible bytes, for addresses of `bits`. `pagemap` is /proc/self/pagemap opened, or -1. Both are taken over. E_IO with the reason. */
must_use enum err memory_open(struct wasm_memory *m, int bits, uint64_t size, uint64_t max, int image,
			      uint64_t committed, int pagemap, struct note *note);
void memory_close(struct wasm_memory *m);
/* memory_grow: false when it would pass `max`. `size` is in bytes, a multiple of WASM_PAGE. */
bool memory_grow(struct wasm_memory *m, uint64_t size);
/* memory_changes lists the pages of the image, by number, that a commit would change; the caller frees *pages. */
size_t memory_changes(struct wasm_memory *m, uint64_t **pages);
/* memory_keep gives the instance its own copies of these pages of the image while they are what they are; any
 * thread, also while the guest runs. */
void memory_keep(const struct wasm_memory *m, const uint64_t *pages, size_t count);
/* memory_commit makes what the guest sees the image, and calls changed(ctx, page) (may be NULL) for each 4 KiB page that
 * differed; memory_rollback makes the guest see the image again, whose size may have changed by another's
 * commit. Both give the number of pages that differed. */
typedef void memory_changed(void *ctx, uint64_t page);
uint64_t memory_commit(struct wasm_memory *m, memory_changed *changed, void *ctx);
uint64_t memory_rollback(struct wasm_memory *m, uint64_t committed);

#endif
