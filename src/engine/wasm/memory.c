/* SPDX-License-Identifier: MIT */
#include "engine/wasm/memory.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, STRIP = 256, RUNS = 512, FLAGS = 4096, LIST = 1024 };

/* linux/fs.h of kernel 6.7, which Debian's headers do not have yet. */
struct page_region {
	uint64_t start, end, categories;
};
struct pm_scan_arg {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_IOCTL _IOWR('f', 16, struct pm_scan_arg)
enum { IS_FILE = 1 << 2, IS_PRESENT = 1 << 3, IS_SWAPPED = 1 << 4 };

/* What is done with one run of private pages; gives how many differed from the image. */
struct walk {
	struct wasm_memory *m;
	uint64_t (*page)(struct walk *w, uint64_t at);
	uint64_t changed, kept;
	memory_changed *tell; /* of a commit; may be NULL */
	void *ctx;
	uint64_t *pages; /* of memory_changes */
	bool trim;
};

static enum err failed(struct note *note, const char *what)
{
	return note_err(note, E_IO, "no memory for the instance: %s: %s", what, strerror(errno));
}

/* ---- mapping ---- */

static bool map_view(struct wasm_memory *m, uint64_t from, uint64_t to)
{
	return from == to || mmap(m->base + from, to - from, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, m->image, (off_t)from) != MAP_FAILED;
}

/* Memory that is not of the image: zeros, whatever the image gets meanwhile; or nothing. */
static bool map_own(struct wasm_memory *m, uint64_t from, uint64_t to, int protection)
{
	return from == to || mmap(m->base + from, to - from, protection,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

enum err memory_open(struct wasm_memory *m, int bits, uint64_t size, uint64_t max, int image, uint64_t committed,
		     int pagemap, struct note *note)
{
	*m = (struct wasm_memory){.image = -1, .pagemap = pagemap};
	uint64_t most = (uint64_t)1 << bits;
	m->max = max < most ? max : most;
	m->reserved = ((uint64_t)1 << (bits == 32 ? 32 : 34)) + ((uint64_t)1 << 32) + WASM_PAGE;
	m->size = size;
	m->committed = committed;
	m->image = image >= 0 ? image : memfd_create("weft-memory", MFD_CLOEXEC);
	if (m->pagemap < 0)
		m->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	/* Never smaller than it is: it may hold a state from when the limit was higher. */
	struct stat st;
	if (m->image < 0 || fstat(m->image, &st) != 0 ||
	    ((uint64_t)st.st_size < m->max && ftruncate(m->image, (off_t)m->max) != 0))
		return failed(note, "memfd");
	if (m->pagemap < 0)
		return failed(note, "/proc/self/pagemap");
	m->base = mmap(NULL, m->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->base == MAP_FAILED) {
		m->base = NULL;
		return failed(note, "reserving addresses");
	}
	m->shared = m->max ? mmap(NULL, m->max, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->image, 0) : NULL;
	if (m->shared == MAP_FAILED) {
		m->shared = NULL;
		return failed(note, "mapping the image");
	}
	m->idle = mmap(NULL, m->max / PAGE + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		       0);
	if (m->idle == MAP_FAILED) {
		m->idle = NULL;
		return failed(note, "counting pages");
	}
	uint64_t view = committed < size ? committed : size;
	if (size > m->max || !map_view(m, 0, view) || !map_own(m, view, size, PROT_READ | PROT_WRITE))
		return failed(note, "opening it");
	return OK;
}

void memory_close(struct wasm_memory *m)
{
	if (m->base)
		munmap(m->base, m->reserved);
	if (m->shared)
		munmap(m->shared, m->max);
	if (m->idle)
		munmap(m->idle, m->max / PAGE + 1);
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
	if (size > m->size && !map_own(m, m->size, size, PROT_READ | PROT_WRITE))
		return false;
	if (size > m->size)
		m->size = size;
	return true;
}

/* ---- finding private pages ---- */

/* Of a page that has not changed. */
static bool still_warm(struct walk *w, uint64_t at)
{
	uint8_t *idle = &w->m->idle[at / PAGE];

	if (w->kept < MEMORY_KEPT && ++*idle < MEMORY_IDLE) {
		w->kept++;
		return true;
	}
	*idle = 0;
	return false;
}

static void run_of_pages(struct walk *w, uint64_t at, uint64_t len)
{
	struct wasm_memory *m = w->m;
	uint64_t cold = 0, from = at;

	for (uint64_t end = at + len; at < end; at += PAGE) {
		uint64_t differed = w->page(w, at);
		w->changed += differed;
		if (!w->trim || differed || still_warm(w, at)) {
			if (differed && w->trim)
				m->idle[at / PAGE] = 0;
			if (cold)
				must(madvise(m->base + from, cold, MADV_DONTNEED) == 0);
			cold = 0, from = at + PAGE;
			continue;
		}
		cold += PAGE;
	}
	if (cold)
		must(madvise(m->base + from, cold, MADV_DONTNEED) == 0);
}

/* False: this kernel has no PAGEMAP_SCAN. */
static bool scan(struct walk *w, uint64_t end)
{
	struct page_region regions[RUNS];
	uint64_t base = (uintptr_t)w->m->base, at = 0;

	while (at < end) {
		struct pm_scan_arg arg = {.size = sizeof arg,
					  .start = base + at,
					  .end = base + end,
					  .vec = (uintptr_t)regions,
					  .vec_len = RUNS,
					  .category_inverted = IS_FILE,
					  .category_mask = IS_FILE,
					  .category_anyof_mask = IS_PRESENT | IS_SWAPPED,
					  .return_mask = IS_FILE};
		int n = ioctl(w->m->pagemap, SCAN_IOCTL, &arg);
		if (n < 0) {
			must(at == 0 && errno != EFAULT);
			return false;
		}
		for (int i = 0; i < n; i++)
			run_of_pages(w, regions[i].start - base, regions[i].end - regions[i].start);
		at = arg.walk_end - base;
	}
	return true;
}

/* Kernel documentation, admin-guide/mm/pagemap: bit 63 present, 62 swapped, 61 of a file or shared. */
static void read_pagemap(struct walk *w, uint64_t end)
{
	uint64_t flags[FLAGS];

	for (uint64_t at = 0; at < end; at += (uint64_t)FLAGS * PAGE) {
		uint64_t left = (end - at) / PAGE;
		size_t count = left < FLAGS ? (size_t)left : FLAGS;
		off_t offset = (off_t)(((uintptr_t)w->m->base + at) / PAGE * 8);
		must(pread(w->m->pagemap, flags, count * 8, offset) == (ssize_t)(count * 8));
		for (size_t i = 0, run = 0; i <= count; i++) {
			if (i < count && flags[i] >> 62 && !(flags[i] >> 61 & 1)) {
				run++;
				continue;
			}
			if (run)
				run_of_pages(w, at + (i - run) * PAGE, run * PAGE);
			run = 0;
		}
	}
}

static void each_private(struct walk *w, uint64_t end)
{
	if (end == 0)
		return;
	if (!w->m->no_scan && scan(w, end))
		return;
	w->m->no_scan = true;
	read_pagemap(w, end);
}

/* ---- commit and rollback ---- */

static uint64_t note_page(struct walk *w, uint64_t at)
{
	if (memcmp(w->m->shared + at, w->m->base + at, PAGE) == 0)
		return 0;
	if (w->changed % LIST == 0) {
		w->pages = realloc(w->pages, (w->changed + LIST) * sizeof *w->pages);
		must(w->pages != NULL);
	}
	w->pages[w->changed] = at / PAGE;
	return 1;
}

size_t memory_changes(struct wasm_memory *m, uint64_t **pages)
{
	struct walk w = {.m = m, .page = note_page};

	each_private(&w, m->size < m->committed ? m->size : m->committed);
	*pages = w.pages;
	return w.changed;
}

void memory_keep(const struct wasm_memory *m, const uint64_t *pages, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (pages[k] < m->committed / PAGE) /* a write that changes nothing */
			__atomic_fetch_or(m->base + pages[k] * PAGE, 0, __ATOMIC_RELAXED);
}

/* Few of a page's bytes change in most turns (a mark of the guest's garbage collector here and there), and reading costs
 * less than writing. False: they are equal. */
static bool copy_page(uint8_t *to, const uint8_t *from)
{
	bool differ = false;

	for (size_t at = 0; at < PAGE; at += STRIP)
		if (memcmp(to + at, from + at, STRIP) != 0) {
			memcpy(to + at, from + at, STRIP);
			differ = true;
		}
	return differ;
}

static uint64_t commit_page(struct walk *w, uint64_t at)
{
	if (!copy_page(w->m->shared + at, w->m->base + at))
		return 0;
	if (w->tell)
		w->tell(w->ctx, at / PAGE);
	return 1;
}

uint64_t memory_commit(struct wasm_memory *m, memory_changed *changed, void *ctx)
{
	struct walk w = {.m = m, .page = commit_page, .tell = changed, .ctx = ctx, .trim = true};

	each_private(&w, m->size);
	/* What was growth is of the image now. */
	must(m->size <= m->committed || map_view(m, m->committed, m->size));
	m->committed = m->size;
	return w.changed;
}

static uint64_t rollback_page(struct walk *w, uint64_t at)
{
	return copy_page(w->m->base + at, w->m->shared + at);
}

uint64_t memory_rollback(struct wasm_memory *m, uint64_t committed)
{
	struct walk w = {.m = m, .page = rollback_page, .trim = true};
	uint64_t view = m->size < m->committed ? m->size : m->committed;

	if (committed < view)
		view = committed;
	each_private(&w, view);
	must(map_view(m, view, committed));
	if (m->size > committed)
		must(map_own(m, committed, m->size, PROT_NONE));
	m->size = m->committed = committed;
	return w.changed;
}
