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
	struct image_view *views;
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
	if (fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
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

static bool write_run(int fd, struct bytes content, size_t from, size_t to)
{
	while (from < to) {
		ssize_t n = pwrite(fd, content.ptr + from, to - from, (off_t)from);
		if (n < 0 && errno != EINTR)
			return false;
		from += n > 0 ? (size_t)n : 0;
	}
	return true;
}

enum err image_of_bytes(struct image **out, struct bytes content, struct note *note)
{
	struct image *i;
	size_t at, start = 0; /* of a run of pages that are not zeros */
	enum err e = image_new(&i, note);

	if (e < 0)
		return e;
	if (ftruncate(i->fd, (off_t)content.len) != 0)
		e = note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
	/* Most of a memory is zeros, which a hole is too. */
	for (at = 0; e == OK && at < content.len + IMAGE_PAGE; at += IMAGE_PAGE) {
		bool end = at >= content.len;
		if (!end && !zero_page(content, at))
			continue;
		if (!write_run(i->fd, content, start, end ? content.len : at))
			e = note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
		start = at + IMAGE_PAGE;
	}
	if (e < 0) {
		image_release(i);
		return e;
	}
	i->size = content.len;
	*out = i;
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
	free(i);
}

uint64_t image_size(struct image *i)
{
	return i->size;
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
