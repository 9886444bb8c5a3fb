/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "reader/format.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct image {
	int fd;
	_Atomic uint64_t size;
	atomic_int holders;
	/* Readers share, a writer is alone, and one that waits goes before new readers. */
	pthread_mutex_t lock;
	pthread_cond_t calm;
	size_t reader_count;
	bool writing;
	size_t writers_waiting;
	struct image_reader *readers; /* those with an end to their patience */
	/* a bit per page that was committed since the last image_take */
	uint64_t *changed;
	size_t changed_words;
	uint64_t changed_count;
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
	pthread_condattr_t steady;
	must(pthread_condattr_init(&steady) == 0 && pthread_condattr_setclock(&steady, CLOCK_MONOTONIC) == 0 &&
	     pthread_cond_init(&i->calm, &steady) == 0);
	pthread_condattr_destroy(&steady);
	i->fd = fd;
	i->holders = 1;
	*out = i;
	return OK;
}

enum err image_of_bytes(struct image **out, struct bytes content, struct note *note)
{
	enum err e = image_new(out, note);

	if (e < 0)
		return e;
	e = image_write(*out, 0, content, note);
	if (e < 0)
		image_release(*out);
	return e;
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
	pthread_cond_destroy(&i->calm);
	free(i->changed);
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
		image_unlock_read(i);
		return note_err(note, E_IO, "mapping the memory of a process: %s", strerror(errno));
	}
	content->ptr = at;
	return OK;
}

void image_unmap(struct image *i, struct bytes content)
{
	if (content.len)
		munmap((void *)(uintptr_t)content.ptr, content.len);
	image_unlock_read(i);
}

int image_fd(const struct image *i)
{
	return i->fd;
}

/* ---- the gate ---- */

static void read_begin(struct image *i, struct image_reader *reader)
{
	pthread_mutex_lock(&i->lock);
	while (i->writing || i->writers_waiting)
		pthread_cond_wait(&i->calm, &i->lock);
	i->reader_count++;
	if (reader) {
		reader->next = i->readers;
		i->readers = reader;
	}
	pthread_mutex_unlock(&i->lock);
}

static void read_end(struct image *i, struct image_reader *reader)
{
	pthread_mutex_lock(&i->lock);
	for (struct image_reader **at = &i->readers; reader && *at; at = &(*at)->next)
		if (*at == reader) {
			*at = reader->next;
			break;
		}
	i->reader_count--;
	pthread_cond_broadcast(&i->calm);
	pthread_mutex_unlock(&i->lock);
}

void image_lock_read(struct image *i)
{
	read_begin(i, NULL);
}

void image_unlock_read(struct image *i)
{
	read_end(i, NULL);
}

void image_reader_begin(struct image *i, struct image_reader *reader)
{
	reader->stopped = false;
	read_begin(i, reader);
}

void image_reader_end(struct image *i, struct image_reader *reader)
{
	read_end(i, reader);
}

/* Under the lock: stops the readers whose patience is over, and gives the time until the next one's is. */
static uint64_t stop_impatient(struct image *i, uint64_t waited_ms)
{
	uint64_t next_ms = UINT64_MAX;

	for (struct image_reader *r = i->readers; r; r = r->next) {
		if (r->stopped)
			continue;
		if (r->patience_ms <= waited_ms) {
			r->stopped = true;
			r->stop(r->ctx);
		} else if (r->patience_ms - waited_ms < next_ms) {
			next_ms = r->patience_ms - waited_ms;
		}
	}
	return next_ms;
}

void image_lock_write(struct image *i)
{
	uint64_t began = clock_ns();

	pthread_mutex_lock(&i->lock);
	i->writers_waiting++;
	while (i->writing || i->reader_count) {
		uint64_t now = clock_ns(), next_ms = stop_impatient(i, (now - began) / 1000000), due;
		if (next_ms == UINT64_MAX) {
			pthread_cond_wait(&i->calm, &i->lock);
			continue;
		}
		due = now + next_ms * 1000000;
		struct timespec until = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
		pthread_cond_timedwait(&i->calm, &i->lock, &until);
	}
	i->writers_waiting--;
	i->writing = true;
	pthread_mutex_unlock(&i->lock);
}

void image_unlock_write(struct image *i)
{
	pthread_mutex_lock(&i->lock);
	i->writing = false;
	pthread_cond_broadcast(&i->calm);
	pthread_mutex_unlock(&i->lock);
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
	image_lock_read(i);
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
	image_unlock_read(i);
}

uint64_t image_memory(struct image *i)
{
	struct stat st;

	return fstat(i->fd, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}
