/* SPDX-License-Identifier: MIT */
#include "reader/format.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
	int fd;
	_Atomic uint64_t size;
	atomic_int holders;
	pthread_mutex_t lock;
	_Atomic uint64_t commits;
	bool torn;
	struct image_view *views;
	/* a bit per page that was committed since the last image_take */
	uint64_t *changed;
	size_t changed_words;
	uint64_t changed_count;
};

/* What image_map gave: a private mapping that gets its own copy of each page before a commit changes it. */
struct mapping {
	struct image_view view; /* first */
	uint8_t *at;
	uint64_t size;
};

enum err image_new(struct image **out, struct note *note)
{
	struct image *i;
	int fd = memfd_create("weft-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	/* Workers may make it larger. One that could make it smaller could kill whoever reads it. */
	if (fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
		note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return E_IO;
	}
	i = calloc(1, sizeof(*i));
	must(i != NULL && pthread_mutex_init(&i->lock, NULL) == 0);
	i->fd = fd;
	i->holders = 1;
	*out = i;
	return OK;
}

static bool zero_page(struct bytes content, size_t at)
{
	static const uint8_t zeros[IMAGE_PAGE];
	size_t len = content.len - at < IMAGE_PAGE ? content.len - at : IMAGE_PAGE;

	return memcmp(content.ptr + at, zeros, len) == 0;
}

enum err image_of_bytes(struct image **out, struct bytes content, struct note *note)
{
	struct image *i;
	size_t at, start = 0; /* of a run of pages that are not zeros */
	enum err e = image_new(&i, note);

	if (e < 0)
		return e;
	e = image_write(i, content.len, bytes_of(NULL, 0), note);
	/* Most of a memory is zeros, which a hole is too. */
	for (at = 0; e == OK && at < content.len + IMAGE_PAGE; at += IMAGE_PAGE) {
		size_t to = at < content.len ? at : content.len;
		if (at < content.len && !zero_page(content, at))
			continue;
		if (start < to)
			e = image_write(i, start, bytes_of(content.ptr + start, to - start), note);
		start = at + IMAGE_PAGE;
	}
	if (e < 0) {
		image_release(i);
		return e;
	}
	*out = i;
	return OK;
}

enum err image_write(struct image *i, uint64_t at, struct bytes content, struct note *note)
{
	size_t done = 0;

	while (done < content.len) {
		ssize_t n = pwrite(i->fd, content.ptr + done, content.len - done, (off_t)(at + done));
		if (n < 0 && errno != EINTR)
			return note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
		done += n > 0 ? (size_t)n : 0;
	}
	if (at + content.len > i->size) {
		i->size = at + content.len;
		if (ftruncate(i->fd, (off_t)i->size) != 0)
			return note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
	}
	return OK;
}

struct image *image_hold(struct image *i)
{
	atomic_fetch_add(&i->holders, 1);
	return i;
}

void image_release(struct image *i)
{
	if (!i || atomic_fetch_sub(&i->holders, 1) > 1)
		return;
	close(i->fd);
	pthread_mutex_destroy(&i->lock);
	free(i->changed);
	free(i);
}

uint64_t image_size(struct image *i)
{
	return i->size;
}

uint64_t image_commits(struct image *i)
{
	return i->commits;
}

/* ---- views ---- */

void image_lock(struct image *i)
{
	pthread_mutex_lock(&i->lock);
}

void image_unlock(struct image *i)
{
	pthread_mutex_unlock(&i->lock);
}

void image_view_add(struct image *i, struct image_view *v)
{
	v->next = i->views;
	i->views = v;
}

void image_view_remove(struct image *i, struct image_view *v)
{
	struct image_view **at = &i->views;

	while (*at != v)
		at = &(*at)->next;
	*at = v->next;
}

bool image_viewed(const struct image *i)
{
	return i->views != NULL;
}

void image_keep(struct image *i, const uint64_t *pages, size_t count)
{
	for (struct image_view *v = i->views; v; v = v->next)
		v->keep(v, pages, count);
}

static void keep_mapping(struct image_view *v, const uint64_t *pages, size_t count)
{
	struct mapping *m = (struct mapping *)v;

	for (size_t k = 0; k < count; k++)
		if (pages[k] < m->size / IMAGE_PAGE) /* a write that changes nothing */
			__atomic_fetch_or(m->at + pages[k] * IMAGE_PAGE, 0, __ATOMIC_RELAXED);
}

enum err image_map(struct image *i, struct bytes *content, struct note *note)
{
	struct mapping *m = calloc(1, sizeof(*m));
	void *at = NULL;

	must(m != NULL);
	image_lock(i);
	if (image_whole(i, note) < 0) {
		image_unlock(i);
		free(m);
		return E_BUSY;
	}
	m->size = i->size;
	if (m->size)
		at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, i->fd, 0);
	if (at == MAP_FAILED) {
		image_unlock(i);
		free(m);
		return note_err(note, E_IO, "mapping the memory of a process: %s", strerror(errno));
	}
	m->at = at;
	m->view.keep = keep_mapping;
	image_view_add(i, &m->view);
	image_unlock(i);
	*content = bytes_of(m->at, m->size);
	return OK;
}

void image_unmap(struct image *i, struct bytes content)
{
	struct image_view *v;
	struct mapping *m;

	image_lock(i);
	v = i->views;
	while (v->keep != keep_mapping || ((struct mapping *)v)->at != content.ptr)
		v = v->next;
	image_view_remove(i, v);
	image_unlock(i);
	m = (struct mapping *)v;
	if (m->size)
		munmap(m->at, m->size);
	free(m);
}

/* ---- for readers ---- */

void image_count_commit(struct image *i)
{
	i->commits++;
}

void image_tear(struct image *i)
{
	i->torn = true;
}

enum err image_whole(const struct image *i, struct note *note)
{
	return i->torn ? note_err(note, E_BUSY, "the process is being loaded anew") : OK;
}

int image_fd(const struct image *i)
{
	return i->fd;
}

bool image_set_size(struct image *i, uint64_t size)
{
	struct stat st;

	if (fstat(i->fd, &st) != 0 || size > (uint64_t)st.st_size)
		return false;
	i->size = size;
	return true;
}

/* ---- what changed ---- */

void image_mark(struct image *i, uint32_t page)
{
	size_t word = page / 64;

	if (word >= i->changed_words) {
		size_t words = word + 1 > 2 * i->changed_words ? word + 1 : 2 * i->changed_words;
		i->changed = realloc(i->changed, words * sizeof(*i->changed));
		must(i->changed != NULL);
		memset(i->changed + i->changed_words, 0, (words - i->changed_words) * sizeof(*i->changed));
		i->changed_words = words;
	}
	if (!(i->changed[word] >> page % 64 & 1)) {
		i->changed[word] |= (uint64_t)1 << page % 64;
		i->changed_count++;
	}
}

/* Marks every page that is not a hole. */
static void mark_all(struct image *i)
{
	off_t at = 0, end;

	while ((at = lseek(i->fd, at, SEEK_DATA)) >= 0 && (uint64_t)at < i->size) {
		end = lseek(i->fd, at, SEEK_HOLE);
		for (; at < end && (uint64_t)at < i->size; at += IMAGE_PAGE)
			image_mark(i, (uint32_t)(at / IMAGE_PAGE));
	}
}

static void take_page(struct image *i, uint32_t page, struct buf *numbers, struct buf *pages)
{
	uint64_t at = (uint64_t)page * IMAGE_PAGE;
	uint8_t number[4];

	if (at >= i->size)
		return;
	set_u32le(number, page);
	buf_put(numbers, number, sizeof(number));
	must(pread(i->fd, buf_grow(pages, IMAGE_PAGE), IMAGE_PAGE, (off_t)at) == IMAGE_PAGE);
}

void image_take(struct image *i, bool whole, struct buf *numbers, struct buf *pages, uint64_t *size)
{
	image_lock(i);
	if (whole)
		mark_all(i);
	*size = i->size;
	buf_reserve(numbers, i->changed_count * 4);
	buf_reserve(pages, i->changed_count * IMAGE_PAGE);
	for (size_t w = 0; w < i->changed_words; w++)
		for (uint64_t bits = i->changed[w]; bits; bits &= bits - 1)
			take_page(i, (uint32_t)(w * 64 + (size_t)__builtin_ctzll(bits)), numbers, pages);
	if (i->changed_words)
		memset(i->changed, 0, i->changed_words * sizeof(*i->changed));
	i->changed_count = 0;
	image_unlock(i);
}

uint64_t image_memory(struct image *i)
{
	struct stat st;

	return fstat(i->fd, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}
