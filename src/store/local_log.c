/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/file.h"
#include "store/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FREEZE_AFTER_MS = 10000, SYNC_AFTER_MS = 1000 };

static void apply(struct memtable *table, struct bytes ops, const struct location *record)
{
	uint8_t key[STORE_KEY_MAX + 1];
	struct op op;
	size_t at = 0;

	while (ops_next(ops, &at, &op)) {
		struct entry entry = {.kind = ENTRY_GONE};
		if (op.kind == OP_PUT && op.value.len <= INLINE_MAX)
			entry = (struct entry){.kind = ENTRY_INLINE, .value = op.value};
		else if (op.kind == OP_PUT)
			entry = (struct entry){.kind = ENTRY_IN_LOG,
					       .location = {.segment = record->segment,
							    .record_at = record->record_at,
							    .value_at = op.value_at,
							    .value_len = op.value.len,
							    .has_crc = true,
							    .crc = crc32c(0, op.value.ptr, op.value.len)}};
		memtable_set(table, local_key(key, op.table, op.key), &entry);
	}
	must(at == ops.len);
}

/* ---- writing ---- */

/* Begins the segment of the next record: durable, with its name, before anything is written into it. */
static enum err segment_begin(struct local_store *l)
{
	uint8_t header[SEGMENT_HEADER];
	struct buf path = BUF_EMPTY;
	bool good;

	if (l->fd >= 0)
		close(l->fd);
	random_bytes(&l->salt, sizeof(l->salt));
	segment_header(header, l->salt);
	l->segment = l->next_number;
	l->segment_end = SEGMENT_HEADER;
	l->fd = open(local_path(l, &path, "log/%016llx.log", (unsigned long long)l->segment),
		     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	good = l->fd >= 0 && file_write_at(l->fd, bytes_of(header, sizeof(header)), 0) && fdatasync(l->fd) == 0 &&
	       file_sync_directory(local_path(l, &path, "log"));
	buf_release(&path);
	return good ? OK : E_IO;
}

/* Makes durable what was written. */
static enum err sync_log(struct local_store *l)
{
	if (l->group == l->next_number)
		return OK;
	if (fdatasync(l->fd) < 0)
		return E_IO;
	l->group = l->next_number;
	return OK;
}

static bool somebody_waits(const struct commit *c)
{
	while (c && c->lazy)
		c = c->next;
	return c != NULL;
}

/* All batches that were waiting: one write, and one sync unless all are lazy. */
static enum err write_batches(struct local_store *l, struct commit *batches)
{
	struct buf records = BUF_EMPTY;
	uint64_t number = l->next_number;
	enum err e = OK;

	if (l->segment_end >= SEGMENT_SIZE && (e = sync_log(l)) == OK)
		e = segment_begin(l);
	for (struct commit *c = batches; c; c = c->next)
		record_write(&records, l->salt, number++, l->group, buf_bytes(&c->ops));
	if (e == OK && !file_write_at(l->fd, buf_bytes(&records), l->segment_end))
		e = E_IO;
	buf_release(&records);
	if (e == OK && l->group == l->next_number)
		l->unsynced_since_ms = clock_ms();
	if (e == OK)
		l->next_number = number;
	if (e == OK && somebody_waits(batches))
		e = sync_log(l);
	return e;
}

static void apply_batches(struct local_store *l, struct commit *batches)
{
	pthread_rwlock_wrlock(&l->table_lock);
	if (l->active.count == 0)
		l->active_since_ms = clock_ms();
	for (struct commit *c = batches; c; c = c->next) {
		struct location where = {.segment = l->segment, .record_at = l->segment_end};
		apply(&l->active, buf_bytes(&c->ops), &where);
		l->segment_end += RECORD_HEADER + c->ops.len;
	}
	l->active_end = (struct location){
		.segment = l->segment, .record_at = l->segment_end, .value_at = l->next_number};
	pthread_rwlock_unlock(&l->table_lock);
}

static void finish_batches(struct commit *batches, enum err e)
{
	while (batches) {
		struct commit *c = batches;
		batches = c->next;
		if (c->done)
			c->done(c->ctx, e);
		buf_release(&c->ops);
		free(c);
	}
}

/* Only this thread sets has_frozen, and only the flusher clears it. */
static bool freeze_is_due(struct local_store *l)
{
	bool due;

	pthread_rwlock_rdlock(&l->table_lock);
	due = !l->has_frozen && l->active.count &&
	      (l->active.count >= FREEZE_ENTRIES || clock_ms() - l->active_since_ms >= FREEZE_AFTER_MS);
	pthread_rwlock_unlock(&l->table_lock);
	return due;
}

static void freeze(struct local_store *l)
{
	pthread_rwlock_wrlock(&l->table_lock);
	l->frozen = l->active;
	l->frozen_end = l->active_end;
	l->has_frozen = true;
	memtable_init(&l->active);
	pthread_rwlock_unlock(&l->table_lock);
	pthread_mutex_lock(&l->queue_lock);
	pthread_cond_signal(&l->freeze_wake);
	pthread_mutex_unlock(&l->queue_lock);
}

/* What is due besides the batches: nothing stays long without a sync, and nothing is frozen without one. */
static enum err tend(struct local_store *l, bool closing)
{
	bool due = freeze_is_due(l);
	enum err e = OK;

	if (due || closing || clock_ms() - l->unsynced_since_ms >= SYNC_AFTER_MS)
		e = sync_log(l);
	if (e == OK && due && !closing)
		freeze(l);
	return e;
}

/* Waits for batches, for a second at most; all that there are. */
static struct commit *take_batches(struct local_store *l, bool *closing)
{
	struct timespec until;
	struct commit *batches;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	pthread_mutex_lock(&l->queue_lock);
	while (!l->first && !l->closing && pthread_cond_timedwait(&l->queue_wake, &l->queue_lock, &until) == 0)
		;
	batches = l->first;
	l->first = NULL;
	l->last = &l->first;
	*closing = l->closing;
	pthread_mutex_unlock(&l->queue_lock);
	return batches;
}

static void set_broken(struct local_store *l)
{
	log_event(l->log, LOG_BROKEN, "store.write", "directory=%s error=%s", l->directory, strerror(errno));
	pthread_mutex_lock(&l->queue_lock);
	l->broken = true;
	pthread_mutex_unlock(&l->queue_lock);
}

void *log_thread(void *arg)
{
	struct local_store *l = arg;
	bool closing = false;

	for (;;) {
		struct commit *batches = take_batches(l, &closing);
		enum err e = E_IO;

		if (closing && !batches)
			break;
		if (batches && !l->broken) {
			e = write_batches(l, batches);
			if (e == OK)
				apply_batches(l, batches);
			else
				set_broken(l);
		}
		finish_batches(batches, e);
		if (!l->broken && tend(l, false) < 0)
			set_broken(l);
	}
	if (!l->broken && tend(l, true) < 0)
		set_broken(l);
	return NULL;
}

void local_commit(struct store *s, struct buf ops, bool lazy, store_done *done, void *ctx)
{
	struct local_store *l = self_of(s);
	struct commit *c = malloc(sizeof(*c));

	must(c != NULL);
	*c = (struct commit){NULL, ops, lazy, done, ctx};
	pthread_mutex_lock(&l->queue_lock);
	must(!l->closing);
	*l->last = c;
	l->last = &c->next;
	pthread_cond_signal(&l->queue_wake);
	pthread_mutex_unlock(&l->queue_lock);
}

/* ---- opening ---- */

static int compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, 8);
	memcpy(&y, b, 8);
	return x < y ? -1 : x > y;
}

static enum err list_segments(struct local_store *l, uint64_t **list, size_t *count, struct note *note)
{
	struct buf path = BUF_EMPTY, numbers = BUF_EMPTY;
	DIR *dir = opendir(local_path(l, &path, "log"));
	struct dirent *d;

	buf_release(&path);
	if (!dir)
		return note_err(note, E_IO, "cannot read %s/log: %s", l->directory, strerror(errno));
	while ((d = readdir(dir)) != NULL) {
		char *end;
		uint64_t number = strtoull(d->d_name, &end, 16);
		if (strlen(d->d_name) == 20 && strcmp(end, ".log") == 0)
			buf_put(&numbers, &number, sizeof(number));
	}
	closedir(dir);
	*list = (uint64_t *)(void *)numbers.ptr;
	*count = numbers.len / 8;
	if (*count)
		qsort(*list, *count, 8, compare_u64);
	return OK;
}

static enum err damaged(struct local_store *l, uint64_t segment, uint64_t at, struct note *note)
{
	return note_err(note, E_CORRUPT, "%s/log/%016llx.log is damaged at byte %llu", l->directory,
			(unsigned long long)segment, (unsigned long long)at);
}

/* Replays one segment from offset `at`; *end is where its valid records end. */
static enum err replay_bytes(struct local_store *l, struct bytes all, uint64_t segment, uint64_t at, bool is_last,
			     uint64_t *end, struct note *note)
{
	struct record_at record;

	while (at < all.len) {
		struct bytes rest = bytes_from(all, (size_t)at);
		if (!record_read(rest, l->salt, l->next_number, &record)) {
			if (is_last && !record_lost(rest, l->salt, l->next_number))
				break;
			return damaged(l, segment, at, note);
		}
		apply(&l->active, record.body, &(struct location){.segment = segment, .record_at = at});
		l->next_number++;
		at += RECORD_HEADER + record.body.len;
		/* A log without its index may be long. */
		if (l->active.count >= FREEZE_ENTRIES) {
			struct location reached = {.segment = segment, .record_at = at, .value_at = l->next_number};
			if (!index_put(l, &l->active, &reached))
				return note_err(note, E_IO, "cannot write the index in %s", l->directory);
			memtable_release(&l->active);
			memtable_init(&l->active);
		}
	}
	*end = at;
	return OK;
}

/* Reads the segment's header. A last segment that was being begun when the power went has none, and is begun again. */
static enum err replay_mapped(struct local_store *l, struct bytes all, uint64_t segment, uint64_t at, bool is_last,
			      uint64_t *end, struct note *note)
{
	*end = 0;
	if (all.len < at)
		return note_err(note, E_CORRUPT, "%s/log/%016llx.log is shorter than the index says", l->directory,
				(unsigned long long)segment);
	if (at == 0 && is_last && all.len < SEGMENT_HEADER)
		return OK;
	if (!segment_salt(all, &l->salt))
		return damaged(l, segment, 0, note);
	return replay_bytes(l, all, segment, at ? at : SEGMENT_HEADER, is_last, end, note);
}

static enum err replay_segment(struct local_store *l, uint64_t segment, uint64_t at, bool is_last, struct note *note)
{
	struct buf path = BUF_EMPTY;
	struct stat st;
	uint64_t end = 0;
	void *map = NULL;
	enum err e = OK;
	int fd = open(local_path(l, &path, "log/%016llx.log", (unsigned long long)segment), O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		e = note_err(note, E_IO, "cannot open %s: %s", buf_str(&path), strerror(errno));
		goto out;
	}
	if (st.st_size) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED) {
			map = NULL;
			e = note_err(note, E_IO, "cannot map %s: %s", buf_str(&path), strerror(errno));
			goto out;
		}
	}
	e = replay_mapped(l, bytes_of(map, (size_t)st.st_size), segment, at, is_last, &end, note);
	if (map)
		munmap(map, (size_t)st.st_size);
	if (e == OK && end == 0)
		goto out; /* replay begins it again */
	if (e == OK && is_last && end < (uint64_t)st.st_size) {
		log_event(l->log, LOG_ODD, "store.torn", "segment=%016llx offset=%llu cut=%llu",
			  (unsigned long long)segment, (unsigned long long)end,
			  (unsigned long long)((uint64_t)st.st_size - end));
		if (ftruncate(fd, (off_t)end) < 0 || fsync(fd) < 0)
			e = note_err(note, E_IO, "cannot cut %s: %s", buf_str(&path), strerror(errno));
	}
	if (e == OK && is_last) {
		l->fd = fd;
		l->segment = segment;
		l->segment_end = end;
		fd = -1;
	}
out:
	if (fd >= 0)
		close(fd);
	buf_release(&path);
	return e;
}

enum err log_replay(struct local_store *l, struct location position, struct note *note)
{
	uint64_t *segments = NULL;
	size_t count = 0, replayed = 0;
	enum err e = list_segments(l, &segments, &count, note);

	l->next_number = position.value_at;
	for (size_t i = 0; i < count && e == OK; i++) {
		if (segments[i] < position.segment)
			continue;
		if (segments[i] == position.segment)
			e = replay_segment(l, segments[i], position.record_at, i + 1 == count, note);
		else if (segments[i] == l->next_number)
			e = replay_segment(l, segments[i], 0, i + 1 == count, note);
		else
			break;
		replayed = i + 1;
	}
	if (e == OK && (replayed < count || (replayed == 0 && position.segment)))
		e = note_err(note, E_CORRUPT, "%s/log has no segment with record %llu", l->directory,
			     (unsigned long long)l->next_number);
	free(segments);
	if (e == OK && l->fd < 0)
		e = segment_begin(l);
	l->active_end = (struct location){
		.segment = l->segment, .record_at = l->segment_end, .value_at = l->next_number};
	l->active_since_ms = clock_ms();
	l->group = l->next_number;
	return e;
}
