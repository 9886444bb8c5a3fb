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
	pthread_rwlock_t lock;
};

enum err image_new(struct image **out, struct note *note)
{
	struct image *i;
	int fd = memfd_create("weft-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	/* Workers may make it larger. One that could make it smaller could kill whoever reads it. */
	if (fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
		return note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
	i = calloc(1, sizeof(*i));
	must(i != NULL && pthread_rwlock_init(&i->lock, NULL) == 0);
	i->fd = fd;
	i->holders = 1;
	*out = i;
	return OK;
}

enum err image_of_bytes(struct image **out, struct bytes content, struct note *note)
{
	struct image *i;
	size_t at = 0;
	enum err e = image_new(&i, note);

	if (e < 0)
		return e;
	while (at < content.len) {
		ssize_t n = pwrite(i->fd, content.ptr + at, content.len - at, (off_t)at);
		if (n < 0 && errno != EINTR) {
			e = note_err(note, E_IO, "no memory for the process: %s", strerror(errno));
			image_release(i);
			return e;
		}
		at += n > 0 ? (size_t)n : 0;
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
	pthread_rwlock_destroy(&i->lock);
	free(i);
}

uint64_t image_size(struct image *i)
{
	return i->size;
}

enum err image_map(struct image *i, struct bytes *content, struct note *note)
{
	void *at = NULL;

	image_lock_read(i);
	*content = bytes_of(NULL, i->size);
	if (content->len)
		at = mmap(NULL, content->len, PROT_READ, MAP_SHARED, i->fd, 0);
	if (at == MAP_FAILED) {
		image_unlock(i);
		return note_err(note, E_IO, "mapping the memory of a process: %s", strerror(errno));
	}
	content->ptr = at;
	return OK;
}

void image_unmap(struct image *i, struct bytes content)
{
	if (content.len)
		munmap((void *)(uintptr_t)content.ptr, content.len);
	image_unlock(i);
}

int image_fd(const struct image *i)
{
	return i->fd;
}

void image_lock_read(struct image *i)
{
	pthread_rwlock_rdlock(&i->lock);
}

void image_lock_write(struct image *i)
{
	pthread_rwlock_wrlock(&i->lock);
}

void image_unlock(struct image *i)
{
	pthread_rwlock_unlock(&i->lock);
}

bool image_set_size(struct image *i, uint64_t size)
{
	struct stat st;

	if (fstat(i->fd, &st) != 0 || size > (uint64_t)st.st_size)
		return false;
	i->size = size;
	return true;
}
