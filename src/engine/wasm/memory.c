/* SPDX-License-Identifier: MIT */
#include "engine/wasm/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, SCAN = 8192 };

static enum err failed(struct note *note, const char *what)
{
	return note_err(note, E_IO, "no memory for the instance: %s: %s", what, strerror(errno));
}

/* More of the image behind the guest's addresses; pages past the image's end come in zeroed. */
static bool open_up(struct wasm_memory *m, uint64_t from, uint64_t to)
{
	return mprotect(m->base + from, to - from, PROT_READ | PROT_WRITE) == 0;
}

enum err memory_open(struct wasm_memory *m, bool is64, uint64_t size, uint64_t max, int image, uint64_t committed,
		     struct note *note)
{
	*m = (struct wasm_memory){.image = -1, .pagemap = -1};
	uint64_t most = is64 ? (uint64_t)1 << 34 : (uint64_t)1 << 32;
	m->max = max < most ? max : most;
	m->reserved = (is64 ? ((uint64_t)1 << 34) + ((uint64_t)1 << 32) : (uint64_t)1 << 33) + WASM_PAGE;
	m->size = size;
	m->committed = committed;
	m->image = image >= 0 ? image : memfd_create("weft-memory", MFD_CLOEXEC);
	m->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (m->image < 0 || ftruncate(m->image, (off_t)m->max) != 0)
		return failed(note, "memfd");
	if (m->pagemap < 0)
		return failed(note, "/proc/self/pagemap");
	m->base = mmap(NULL, m->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->base == MAP_FAILED) {
		m->base = NULL;
		return failed(note, "reserving addresses");
	}
	if (m->max &&
	    mmap(m->base, m->max, PROT_NONE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, m->image, 0) == MAP_FAILED)
		return failed(note, "mapping the image");
	if (size > m->max || (size && !open_up(m, 0, size)))
		return failed(note, "opening it");
	return OK;
}

void memory_close(struct wasm_memory *m)
{
	if (m->base)
		munmap(m->base, m->reserved);
	if (m->image >= 0)
		close(m->image);
	if (m->pagemap >= 0)
		close(m->pagemap);
	*m = (struct wasm_memory){.image = -1, .pagemap = -1};
}

bool memory_grow(struct wasm_memory *m, uint64_t size)
{
	if (size > m->max)
		return false;
	if (size > m->size && !open_up(m, m->size, size))
		return false;
	m->size = size;
	return true;
}

/* Calls `page` for each run of private pages. Kernel documentation, admin-guide/mm/pagemap: bit 63
 * present, 62 swapped, 61 of a file or shared. */
typedef void run_of_pages(struct wasm_memory *m, uint64_t at, uint64_t len, void *ctx);

static void each_private(struct wasm_memory *m, run_of_pages *run, void *ctx)
{
	uint64_t flags[SCAN];
	uint64_t start = 0, len = 0;
	for (uint64_t at = 0; at < m->size; at += (uint64_t)SCAN * PAGE) {
		uint64_t left = (m->size - at) / PAGE;
		size_t count = left < SCAN ? (size_t)left : SCAN;
		off_t offset = (off_t)(((uintptr_t)m->base + at) / PAGE * 8);
		must(pread(m->pagemap, flags, count * 8, offset) == (ssize_t)(count * 8));
		for (size_t i = 0; i < count; i++) {
			bool mine = (flags[i] >> 62) != 0 && !(flags[i] >> 61 & 1);
			uint64_t here = at + i * PAGE;
			if (mine && len && start + len == here) {
				len += PAGE;
			} else if (mine) {
				if (len)
					run(m, start, len, ctx);
				start = here, len = PAGE;
			}
		}
	}
	if (len)
		run(m, start, len, ctx);
}

struct commit {
	uint64_t count;
	memory_changed *changed;
	void *ctx;
};

static void commit_run(struct wasm_memory *m, uint64_t at, uint64_t len, void *ctx)
{
	struct commit *c = ctx;
	uint8_t *image = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, m->image, (off_t)at);
	must(image != MAP_FAILED);
	for (uint64_t i = 0; i < len; i += PAGE)
		if (memcmp(image + i, m->base + at + i, PAGE) != 0) {
			memcpy(image + i, m->base + at + i, PAGE);
			c->count++;
			if (c->changed)
				c->changed(c->ctx, (at + i) / PAGE);
		}
	munmap(image, len);
}

uint64_t memory_commit(struct wasm_memory *m, memory_changed *changed, void *ctx)
{
	struct commit c = {0, changed, ctx};
	each_private(m, commit_run, &c);
	m->committed = m->size;
	return c.count;
}

static void drop_run(struct wasm_memory *m, uint64_t at, uint64_t len, void *ctx)
{
	(void)ctx;
	must(madvise(m->base + at, len, MADV_DONTNEED) == 0);
}

void memory_rollback(struct wasm_memory *m, uint64_t committed)
{
	each_private(m, drop_run, NULL);
	if (m->size > committed)
		must(mprotect(m->base + committed, m->size - committed, PROT_NONE) == 0);
	if (m->size < committed)
		must(open_up(m, m->size, committed));
	m->size = committed;
	m->committed = committed;
}
