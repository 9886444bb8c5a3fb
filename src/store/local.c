/* SPDX-License-Identifier: MIT
 *
 * local: a directory.
 *
 *   LOCK            held while open; names the process
 *   log/N.log       every batch, in order (segment.h)
 *   index/          LMDB: key -> small value, or where the log has it; and up to where it holds the log
 *   blobs/ab/HEX    blobs by hash: the first two and the other 62 of its hex digits
 *
 * One thread writes: it takes all waiting batches, appends their records with one write and
 * one fdatasync, puts them into the newest memtable, and calls their `done`s. When the
 * memtable is large or old it is frozen and a second thread moves it into LMDB, in one
 * synced transaction together with the position in the log that it reaches. Readers look into the newest
 * memtable, the frozen one, and LMDB, in that order. Opening replays the log from
 * LMDB's position.
 *
 * LMDB key: u8 table, key. LMDB value: u8 0 and the value itself (up to INLINE_MAX bytes), or u8 1 and a location,
 * four u64 little endian: segment, offset of the record in it, offset of the value in the record's body, length of
 * the value. The position is the value of key ff 'p', in the form of a location: segment, offset in it, number of the
 * next record, nothing. An index that is lost is made again from the log.
 */
#include "base/clock.h"
#include "base/text.h"
#include "store/backend.h"
#include "store/memtable.h"
#include "store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	INLINE_MAX = 128,
	FREEZE_ENTRIES = 50000,
	FREEZE_AFTER_MS = 1000,
	POSITION_TABLE = 0xff,
	READERS_MAX = 512,
	LOCATION_SIZE = 33,
	OPEN_SEGMENTS = 64,
};
#ifdef __SANITIZE_THREAD__
#define INDEX_SIZE_MAX ((size_t)1 << 36) /* ThreadSanitizer leaves less room for mappings */
#else
#define INDEX_SIZE_MAX ((size_t)1 << 40)
#endif

struct commit {
	struct commit *next;
	struct buf ops;
	store_done *done;
	void *ctx;
};

struct segment_fd {
	uint64_t segment;
	int fd;
	uint32_t salt;
	uint64_t used;
};

struct local_store {
	struct store store;
	char *directory;
	struct log *log;
	int lock_fd;
	MDB_env *env;
	MDB_dbi dbi;

	/* guarded by queue_lock */
	pthread_mutex_t queue_lock;
	pthread_cond_t queue_wake, freeze_wake;
	struct commit *first, **last;
	bool closing, broken;

	/* the log thread's own */
	pthread_t log_thread, flush_thread;
	int fd;
	uint32_t salt;
	uint64_t segment, segment_end, next_number;

	/* guarded by table_lock */
	pthread_rwlock_t table_lock;
	struct memtable active, frozen;
	bool has_frozen;
	struct location active_end, frozen_end; /* up to where the log is in it */
	uint64_t active_since_ms;

	pthread_mutex_t fd_lock;
	struct segment_fd fds[OPEN_SEGMENTS];
	uint64_t fd_clock;
};

static struct local_store *self_of(struct store *s)
{
	return (struct local_store *)s;
}

/* ---- reading values ---- */

static char *path_of(struct local_store *l, struct buf *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static char *path_of(struct local_store *l, struct buf *out, const char *format, ...)
{
	va_list args;

	buf_clear(out);
	buf_printf(out, "%s/", l->directory);
	va_start(args, format);
	buf_vprintf(out, format, args);
	va_end(args);
	return (char *)(uintptr_t)buf_str(out);
}

static bool read_whole(int fd, uint8_t *out, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = pread(fd, out, len, (off_t)at);
		if (n <= 0)
			return false;
		out += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

/* A descriptor of the segment for reading; they are few, and kept. NULL: it cannot be read. Called with fd_lock held. */
static struct segment_fd *segment_open(struct local_store *l, uint64_t segment)
{
	struct segment_fd *oldest = &l->fds[0];
	uint8_t header[SEGMENT_HEADER];
	struct buf path = BUF_EMPTY;

	for (int i = 0; i < OPEN_SEGMENTS; i++) {
		if (l->fds[i].fd >= 0 && l->fds[i].segment == segment) {
			l->fds[i].used = ++l->fd_clock;
			return &l->fds[i];
		}
		if (l->fds[i].used < oldest->used)
			oldest = &l->fds[i];
	}
	if (oldest->fd >= 0)
		close(oldest->fd);
	oldest->fd = open(path_of(l, &path, "log/%016llx.log", (unsigned long long)segment), O_RDONLY | O_CLOEXEC);
	oldest->segment = segment;
	oldest->used = ++l->fd_clock;
	buf_release(&path);
	if (oldest->fd < 0)
		return NULL;
	if (!read_whole(oldest->fd, header, sizeof(header), 0) ||
	    !segment_salt(bytes_of(header, sizeof(header)), &oldest->salt)) {
		close(oldest->fd);
		oldest->fd = -1;
		return NULL;
	}
	return oldest;
}

/* Reads the record, checks it, and gives the value's bytes: what is damaged is never handed out. */
static enum err value_in_log(struct local_store *l, const struct location *where, struct buf *record,
			     struct bytes *value)
{
	uint8_t header[RECORD_HEADER];
	struct segment_fd *segment;
	struct record_at found;
	uint32_t salt;
	uint64_t len;
	bool read;
	int fd;

	pthread_mutex_lock(&l->fd_lock);
	segment = segment_open(l, where->segment);
	fd = segment ? fcntl(segment->fd, F_DUPFD_CLOEXEC, 0) : -1;
	salt = segment ? segment->salt : 0;
	pthread_mutex_unlock(&l->fd_lock);
	if (fd < 0)
		return E_IO;
	read = read_whole(fd, header, sizeof(header), where->record_at);
	len = read ? get_u64le(header + 8) : 0;
	if (read && len >= where->value_at + where->value_len && len <= 2 * STORE_VALUE_MAX) {
		buf_clear(record);
		read = read_whole(fd, buf_grow(record, RECORD_HEADER + (size_t)len), RECORD_HEADER + (size_t)len,
				  where->record_at);
	} else {
		read = false;
	}
	close(fd);
	if (!read || !record_read(buf_bytes(record), salt, 0, &found)) {
		log_event(l->log, LOG_BROKEN, "store.damaged", "segment=%016llx offset=%llu",
			  (unsigned long long)where->segment, (unsigned long long)where->record_at);
		return E_CORRUPT;
	}
	*value = bytes_of(found.body.ptr + where->value_at, (size_t)where->value_len);
	return OK;
}

static enum err entry_value(struct local_store *l, const struct entry *entry, struct buf *record, struct bytes *value)
{
	if (entry->kind == ENTRY_GONE)
		return E_NOT_FOUND;
	*value = entry->value;
	return entry->kind == ENTRY_INLINE ? OK : value_in_log(l, &entry->location, record, value);
}

static struct entry entry_of_index(MDB_val v)
{
	const uint8_t *p = v.mv_data;
	struct entry entry = {.kind = ENTRY_INLINE, .value = bytes_of(p + 1, v.mv_size - 1)};

	if (p[0] == 1) {
		must(v.mv_size == LOCATION_SIZE);
		entry = (struct entry){
			.kind = ENTRY_IN_LOG,
			.location = {get_u64le(p + 1), get_u64le(p + 9), get_u64le(p + 17), get_u64le(p + 25)}};
	}
	return entry;
}

static struct bytes full_key(uint8_t *out, unsigned table, struct bytes key)
{
	out[0] = (uint8_t)table;
	if (key.len)
		memcpy(out + 1, key.ptr, key.len);
	return bytes_of(out, key.len + 1);
}

static MDB_val val_of(struct bytes b)
{
	return (MDB_val){b.len, (void *)(uintptr_t)b.ptr};
}

/* A view of the index; E_IO when LMDB has none to give (after a failed write it refuses everything). */
static enum err index_view(struct local_store *l, MDB_txn **txn)
{
	int rc = mdb_txn_begin(l->env, NULL, MDB_RDONLY, txn);

	if (rc == 0)
		return OK;
	log_event(l->log, LOG_BROKEN, "store.index", "directory=%s error=%s", l->directory, mdb_strerror(rc));
	*txn = NULL;
	return E_IO;
}

static enum err local_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value)
{
	struct local_store *l = self_of(s);
	uint8_t full[STORE_KEY_MAX + 1];
	struct bytes k = full_key(full, table, key), found;
	struct buf record = BUF_EMPTY;
	const struct entry *entry;
	struct entry indexed;
	MDB_txn *txn = NULL;
	MDB_val mk = val_of(k), mv;
	enum err e = E_NOT_FOUND;

	pthread_rwlock_rdlock(&l->table_lock);
	entry = memtable_get(&l->active, k);
	if (!entry && l->has_frozen)
		entry = memtable_get(&l->frozen, k);
	if (!entry && (e = index_view(l, &txn)) == OK) {
		e = E_NOT_FOUND;
		if (mdb_get(txn, l->dbi, &mk, &mv) == 0) {
			indexed = entry_of_index(mv);
			entry = &indexed;
		}
	}
	if (entry)
		e = entry_value(l, entry, &record, &found);
	if (e == OK)
		*value = arena_copy(a, found);
	if (txn)
		mdb_txn_abort(txn);
	pthread_rwlock_unlock(&l->table_lock);
	buf_release(&record);
	return e;
}

/* ---- scanning: three ordered sources as one ---- */

struct scan {
	struct local_store *l;
	bool backward;
	struct bytes low, high;
	const struct mem_node *node[2];
	const struct memtable *table[2];
	MDB_cursor *cursor;
	MDB_val key, value;
	bool cursor_ok;
};

static bool inside(const struct scan *s, struct bytes key)
{
	return bytes_cmp(key, s->low) >= 0 && bytes_cmp(key, s->high) < 0;
}

static void cursor_check(struct scan *s, int rc)
{
	s->cursor_ok = rc == 0 && inside(s, bytes_of(s->key.mv_data, s->key.mv_size));
}

static void scan_seek(struct scan *s)
{
	int rc;

	for (int i = 0; i < 2; i++)
		s->node[i] = s->table[i] ? memtable_seek(s->table[i], s->backward ? s->high : s->low, s->backward)
					 : NULL;
	s->key = val_of(s->backward ? s->high : s->low);
	rc = mdb_cursor_get(s->cursor, &s->key, &s->value, MDB_SET_RANGE);
	if (s->backward)
		rc = mdb_cursor_get(s->cursor, &s->key, &s->value, rc == 0 ? MDB_PREV : MDB_LAST);
	cursor_check(s, rc);
}

/* The next key of all sources; equal keys are one, and the newest source speaks. */
static bool scan_next(struct scan *s, struct bytes *key, struct entry *entry)
{
	struct bytes best = {0};
	int from = -1;

	for (int i = 0; i < 2; i++) {
		if (s->node[i] && !inside(s, mem_node_key(s->node[i])))
			s->node[i] = NULL;
		if (s->node[i]) {
			struct bytes k = mem_node_key(s->node[i]);
			int order = from < 0 ? -1 : bytes_cmp(k, best);
			if (from < 0 || (s->backward ? order > 0 : order < 0)) {
				best = k;
				from = i;
			}
		}
	}
	if (s->cursor_ok) {
		struct bytes k = bytes_of(s->key.mv_data, s->key.mv_size);
		int order = from < 0 ? -1 : bytes_cmp(k, best);
		if (from < 0 || (s->backward ? order > 0 : order < 0)) {
			best = k;
			from = 2;
		}
	}
	if (from < 0)
		return false;
	*key = best;
	*entry = from < 2 ? *mem_node_entry(s->node[from]) : entry_of_index(s->value);
	return true;
}

static void scan_advance(struct scan *s, struct bytes key)
{
	for (int i = 0; i < 2; i++)
		if (s->node[i] && bytes_eq(mem_node_key(s->node[i]), key))
			s->node[i] = memtable_step(s->table[i], s->node[i], s->backward);
	if (s->cursor_ok && bytes_eq(bytes_of(s->key.mv_data, s->key.mv_size), key))
		cursor_check(s, mdb_cursor_get(s->cursor, &s->key, &s->value, s->backward ? MDB_PREV : MDB_NEXT));
}

static enum err local_scan(struct store *store, unsigned table, const struct store_range *range, store_seen *seen,
			   void *ctx)
{
	struct local_store *l = self_of(store);
	uint8_t low[STORE_KEY_MAX + 1], high[STORE_KEY_MAX + 1];
	struct scan s = {.l = l,
			 .backward = range->backward,
			 .low = full_key(low, table, range->from),
			 .high = full_key(high, range->to.len ? table : table + 1, range->to)};
	size_t left = range->limit ? range->limit : SIZE_MAX;
	struct buf record = BUF_EMPTY;
	struct bytes key, value;
	struct entry entry;
	MDB_txn *txn;
	enum err e = OK;

	pthread_rwlock_rdlock(&l->table_lock);
	e = index_view(l, &txn);
	if (e < 0) {
		pthread_rwlock_unlock(&l->table_lock);
		return e;
	}
	must(mdb_cursor_open(txn, l->dbi, &s.cursor) == 0);
	s.table[0] = &l->active;
	s.table[1] = l->has_frozen ? &l->frozen : NULL;
	scan_seek(&s);
	while (left && e == OK && scan_next(&s, &key, &entry)) {
		if (entry.kind != ENTRY_GONE) {
			e = entry_value(l, &entry, &record, &value);
			left--;
			if (e < 0 || !seen(ctx, bytes_from(key, 1), value))
				break;
		}
		scan_advance(&s, key);
	}
	mdb_cursor_close(s.cursor);
	mdb_txn_abort(txn);
	pthread_rwlock_unlock(&l->table_lock);
	buf_release(&record);
	return e;
}

/* ---- writing ---- */

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
			entry = (struct entry){
				.kind = ENTRY_IN_LOG,
				.location = {record->segment, record->record_at, op.value_at, op.value.len}};
		memtable_set(table, full_key(key, op.table, op.key), &entry);
	}
	must(at == ops.len);
}

static bool write_whole(int fd, struct bytes bytes, uint64_t at)
{
	while (bytes.len) {
		ssize_t n = pwrite(fd, bytes.ptr, bytes.len, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = bytes_from(bytes, (size_t)n);
		at += (uint64_t)n;
	}
	return true;
}

static bool sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

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
	l->fd = open(path_of(l, &path, "log/%016llx.log", (unsigned long long)l->segment),
		     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	good = l->fd >= 0 && write_whole(l->fd, bytes_of(header, sizeof(header)), 0) && fdatasync(l->fd) == 0 &&
	       sync_directory(path_of(l, &path, "log"));
	buf_release(&path);
	return good ? OK : E_IO;
}

/* A group: all batches that were waiting, one write, one sync. */
static enum err write_group(struct local_store *l, struct commit *group)
{
	struct buf records = BUF_EMPTY;
	uint64_t number = l->next_number;
	enum err e = OK;

	if (l->segment_end >= SEGMENT_SIZE)
		e = segment_begin(l);
	for (struct commit *c = group; c; c = c->next)
		record_write(&records, l->salt, number++, l->next_number, buf_bytes(&c->ops));
	if (e == OK && (!write_whole(l->fd, buf_bytes(&records), l->segment_end) || fdatasync(l->fd) < 0))
		e = E_IO;
	buf_release(&records);
	if (e < 0) {
		log_event(l->log, LOG_BROKEN, "store.write", "directory=%s error=%s", l->directory, strerror(errno));
		return e;
	}
	pthread_rwlock_wrlock(&l->table_lock);
	if (l->active.count == 0)
		l->active_since_ms = clock_ms();
	for (struct commit *c = group; c; c = c->next) {
		struct location where = {.segment = l->segment, .record_at = l->segment_end};
		apply(&l->active, buf_bytes(&c->ops), &where);
		l->segment_end += RECORD_HEADER + c->ops.len;
	}
	l->next_number = number;
	l->active_end = (struct location){.segment = l->segment, .record_at = l->segment_end, .value_at = number};
	pthread_rwlock_unlock(&l->table_lock);
	return OK;
}

static void finish_group(struct commit *group, enum err e)
{
	while (group) {
		struct commit *c = group;
		group = c->next;
		if (c->done)
			c->done(c->ctx, e);
		buf_release(&c->ops);
		free(c);
	}
}

/* Only this thread sets has_frozen, and only the flusher clears it. */
static void freeze_if_due(struct local_store *l, bool now)
{
	bool due;

	pthread_rwlock_wrlock(&l->table_lock);
	due = !l->has_frozen && l->active.count &&
	      (now || l->active.count >= FREEZE_ENTRIES || clock_ms() - l->active_since_ms >= FREEZE_AFTER_MS);
	if (due) {
		l->frozen = l->active;
		l->frozen_end = l->active_end;
		l->has_frozen = true;
		memtable_init(&l->active);
	}
	pthread_rwlock_unlock(&l->table_lock);
	if (due) {
		pthread_mutex_lock(&l->queue_lock);
		pthread_cond_signal(&l->freeze_wake);
		pthread_mutex_unlock(&l->queue_lock);
	}
}

static void *log_thread(void *arg)
{
	struct local_store *l = arg;

	for (;;) {
		struct timespec until;
		struct commit *group;
		bool closing, broken;
		enum err e = E_IO;

		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&l->queue_lock);
		while (!l->first && !l->closing && pthread_cond_timedwait(&l->queue_wake, &l->queue_lock, &until) == 0)
			;
		group = l->first;
		l->first = NULL;
		l->last = &l->first;
		closing = l->closing;
		broken = l->broken;
		pthread_mutex_unlock(&l->queue_lock);
		if (group) {
			if (!broken)
				e = write_group(l, group);
			if (e < 0 && !broken) {
				pthread_mutex_lock(&l->queue_lock);
				l->broken = true;
				pthread_mutex_unlock(&l->queue_lock);
			}
			finish_group(group, e);
		}
		if (closing && !group)
			return NULL;
		freeze_if_due(l, false);
	}
}

static void local_commit(struct store *s, struct buf ops, store_done *done, void *ctx)
{
	struct local_store *l = self_of(s);
	struct commit *c = malloc(sizeof(*c));

	must(c != NULL);
	*c = (struct commit){NULL, ops, done, ctx};
	pthread_mutex_lock(&l->queue_lock);
	must(!l->closing);
	*l->last = c;
	l->last = &c->next;
	pthread_cond_signal(&l->queue_wake);
	pthread_mutex_unlock(&l->queue_lock);
}

/* ---- memtable -> LMDB ---- */

static void put_location(uint8_t out[LOCATION_SIZE], const struct location *where)
{
	out[0] = 1;
	set_u64le(out + 1, where->segment);
	set_u64le(out + 9, where->record_at);
	set_u64le(out + 17, where->value_at);
	set_u64le(out + 25, where->value_len);
}

static int put_entry(MDB_txn *txn, MDB_dbi dbi, struct bytes key, const struct entry *entry)
{
	uint8_t value[INLINE_MAX + LOCATION_SIZE];
	MDB_val k = val_of(key), v = {0, value};
	int rc;

	if (entry->kind == ENTRY_GONE) {
		rc = mdb_del(txn, dbi, &k, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	if (entry->kind == ENTRY_INLINE) {
		value[0] = 0;
		if (entry->value.len)
			memcpy(value + 1, entry->value.ptr, entry->value.len);
		v.mv_size = 1 + entry->value.len;
	} else {
		put_location(value, &entry->location);
		v.mv_size = LOCATION_SIZE;
	}
	return mdb_put(txn, dbi, &k, &v, 0);
}

static bool flush_table(struct local_store *l, const struct memtable *table, const struct location *end)
{
	static const uint8_t position_key[2] = {POSITION_TABLE, 'p'};
	uint8_t position[LOCATION_SIZE];
	MDB_val k = {2, (void *)(uintptr_t)position_key}, v = {LOCATION_SIZE, position};
	MDB_txn *txn;
	int rc = mdb_txn_begin(l->env, NULL, 0, &txn);

	if (rc)
		return false;
	for (const struct mem_node *node = memtable_seek(table, bytes_of(NULL, 0), false); node && rc == 0;
	     node = memtable_step(table, node, false))
		rc = put_entry(txn, l->dbi, mem_node_key(node), mem_node_entry(node));
	put_location(position, end);
	if (rc == 0)
		rc = mdb_put(txn, l->dbi, &k, &v, 0);
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	if (rc)
		log_event(l->log, LOG_BROKEN, "store.index", "directory=%s error=%s", l->directory, mdb_strerror(rc));
	return rc == 0;
}

static void *flush_thread(void *arg)
{
	struct local_store *l = arg;

	for (;;) {
		bool has_frozen, closing;

		pthread_mutex_lock(&l->queue_lock);
		for (;;) {
			pthread_rwlock_rdlock(&l->table_lock);
			has_frozen = l->has_frozen;
			pthread_rwlock_unlock(&l->table_lock);
			closing = l->closing;
			if (has_frozen || closing)
				break;
			pthread_cond_wait(&l->freeze_wake, &l->queue_lock);
		}
		pthread_mutex_unlock(&l->queue_lock);
		if (!has_frozen)
			return NULL;
		/* The frozen table does not change, so it needs no lock to be read. If it cannot be moved it
		 * stays in memory, and the log is replayed further at the next start: nothing is lost. */
		if (flush_table(l, &l->frozen, &l->frozen_end)) {
			pthread_rwlock_wrlock(&l->table_lock);
			memtable_release(&l->frozen);
			l->has_frozen = false;
			pthread_rwlock_unlock(&l->table_lock);
		} else if (closing) {
			return NULL;
		} else {
			clock_sleep_ms(1000);
		}
	}
}

/* ---- blobs ---- */

static char *blob_path(struct local_store *l, struct buf *out, struct id hash)
{
	char hex[65];

	hex_encode(hex, bytes_of(hash.b, 32));
	return path_of(l, out, "blobs/%.2s/%s", hex, hex + 2);
}

static enum err local_blob_put(struct store *s, struct id hash, struct bytes bytes)
{
	struct local_store *l = self_of(s);
	struct buf path = BUF_EMPTY, temporary = BUF_EMPTY, folder = BUF_EMPTY;
	uint8_t nonce[8];
	char hex[17];
	enum err e = OK;
	int fd;

	random_bytes(nonce, sizeof(nonce));
	hex_encode(hex, bytes_of(nonce, sizeof(nonce)));
	blob_path(l, &path, hash);
	buf_put(&folder, path.ptr, path.len - 63);
	mkdir(buf_str(&folder), 0755);
	path_of(l, &temporary, "blobs/%s.new", hex);
	fd = open(buf_str(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 || !write_whole(fd, bytes, 0) || fdatasync(fd) < 0 ||
	    rename(buf_str(&temporary), buf_str(&path)) < 0) {
		log_event(l->log, LOG_BROKEN, "store.blob", "path=%s error=%s", buf_str(&path), strerror(errno));
		unlink(buf_str(&temporary));
		e = E_IO;
	} else if (!sync_directory(buf_str(&folder)) || !sync_directory(path_of(l, &temporary, "blobs"))) {
		/* Nobody may find what may be gone tomorrow. */
		log_event(l->log, LOG_BROKEN, "store.blob", "path=%s error=%s", buf_str(&path), strerror(errno));
		unlink(buf_str(&path));
		e = E_IO;
	}
	if (fd >= 0)
		close(fd);
	buf_release(&path);
	buf_release(&temporary);
	buf_release(&folder);
	return e;
}

static enum err local_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes)
{
	struct local_store *l = self_of(s);
	struct buf path = BUF_EMPTY;
	struct stat st;
	enum err e = E_NOT_FOUND;
	int fd = open(blob_path(l, &path, hash), O_RDONLY | O_CLOEXEC);

	buf_release(&path);
	if (fd < 0)
		return errno == ENOENT ? E_NOT_FOUND : E_IO;
	e = E_IO;
	if (fstat(fd, &st) == 0) {
		uint8_t *out = arena_alloc(a, (size_t)st.st_size + 1);
		e = read_whole(fd, out, (size_t)st.st_size, 0) ? OK : E_IO;
		*bytes = bytes_of(out, (size_t)st.st_size);
	}
	close(fd);
	return e;
}

static enum err local_blob_open(struct store *s, struct id hash, int *fd)
{
	struct buf path = BUF_EMPTY;

	*fd = open(blob_path(self_of(s), &path, hash), O_RDONLY | O_CLOEXEC);
	buf_release(&path);
	return *fd >= 0 ? OK : errno == ENOENT ? E_NOT_FOUND : E_IO;
}

static bool local_blob_has(struct store *s, struct id hash)
{
	struct buf path = BUF_EMPTY;
	bool has = access(blob_path(self_of(s), &path, hash), R_OK) == 0;

	buf_release(&path);
	return has;
}

static void local_blob_del(struct store *s, struct id hash)
{
	struct buf path = BUF_EMPTY;

	unlink(blob_path(self_of(s), &path, hash));
	buf_release(&path);
}

/* ---- opening ---- */

static enum err take_lock(struct local_store *l, struct note *note)
{
	struct buf path = BUF_EMPTY;
	char pid[32] = "";
	enum err e = OK;

	l->lock_fd = open(path_of(l, &path, "LOCK"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (l->lock_fd < 0) {
		e = note_err(note, E_IO, "cannot write to %s: %s", l->directory, strerror(errno));
	} else if (flock(l->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		ssize_t n = pread(l->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? n : 0] = 0;
		e = note_err(note, E_BUSY, "%s is in use by process %s", l->directory, pid);
		note_hint(note, "stop it first, or choose another directory");
	} else {
		int n = snprintf(pid, sizeof(pid), "%d", getpid());
		if (ftruncate(l->lock_fd, 0) < 0 || pwrite(l->lock_fd, pid, (size_t)n, 0) != n)
			e = note_err(note, E_IO, "cannot write to %s: %s", l->directory, strerror(errno));
	}
	buf_release(&path);
	return e;
}

static enum err open_index(struct local_store *l, struct location *position, struct note *note)
{
	static const uint8_t position_key[2] = {POSITION_TABLE, 'p'};
	struct buf path = BUF_EMPTY;
	MDB_val k = {2, (void *)(uintptr_t)position_key}, v;
	MDB_txn *txn = NULL;
	int rc = mdb_env_create(&l->env);

	*position = (struct location){.value_at = 1};
	if (rc == 0)
		rc = mdb_env_set_mapsize(l->env, INDEX_SIZE_MAX);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(l->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(l->env, path_of(l, &path, "index"), MDB_NORDAHEAD | MDB_NOMEMINIT | MDB_NOTLS, 0644);
	if (rc == 0)
		rc = mdb_txn_begin(l->env, NULL, 0, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
	if (rc == 0 && mdb_get(txn, l->dbi, &k, &v) == 0)
		*position = entry_of_index(v).location;
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	buf_release(&path);
	if (rc == 0)
		return OK;
	note_err(note, E_IO, "cannot open the index in %s: %s", l->directory, mdb_strerror(rc));
	note_hint(note, "if the disk is well, remove %s/index: it is made again from the log", l->directory);
	return E_IO;
}

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
	DIR *dir = opendir(path_of(l, &path, "log"));
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
			if (!flush_table(l, &l->active, &reached))
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
	int fd = open(path_of(l, &path, "log/%016llx.log", (unsigned long long)segment), O_RDWR | O_CLOEXEC);

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

static enum err replay(struct local_store *l, struct location position, struct note *note)
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
	return e;
}

static enum err make_directories(struct local_store *l, struct note *note)
{
	static const char *const names[] = {"", "log", "index", "blobs"};
	struct buf path = BUF_EMPTY;
	enum err e = OK;

	for (size_t i = 0; i < 4 && e == OK; i++)
		if (mkdir(path_of(l, &path, "%s", names[i]), 0755) < 0 && errno != EEXIST)
			e = note_err(note, E_IO, "cannot make %s: %s", buf_str(&path), strerror(errno));
	if (e == OK && !sync_directory(l->directory))
		e = note_err(note, E_IO, "cannot write to %s: %s", l->directory, strerror(errno));
	(void)sync_directory(path_of(l, &path, "..")); /* may be somebody's whom we may not read */
	buf_release(&path);
	return e;
}

/* Blobs that a crash left half written. */
static void remove_halves(struct local_store *l)
{
	struct buf path = BUF_EMPTY;
	DIR *dir = opendir(path_of(l, &path, "blobs"));
	struct dirent *d;

	while (dir && (d = readdir(dir)) != NULL)
		if (bytes_ends(bytes_str(d->d_name), ".new"))
			unlink(path_of(l, &path, "blobs/%s", d->d_name));
	if (dir)
		closedir(dir);
	buf_release(&path);
}

static void local_free(struct local_store *l)
{
	if (l->env)
		mdb_env_close(l->env);
	for (int i = 0; i < OPEN_SEGMENTS; i++)
		if (l->fds[i].fd >= 0)
			close(l->fds[i].fd);
	if (l->fd >= 0)
		close(l->fd);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	memtable_release(&l->active);
	free(l->directory);
	free(l);
}

/* The log thread ends first, having written what waits; then what is in memory moves to the index. */
static void local_close(struct store *s)
{
	struct local_store *l = self_of(s);

	pthread_mutex_lock(&l->queue_lock);
	l->closing = true;
	pthread_cond_broadcast(&l->queue_wake);
	pthread_cond_broadcast(&l->freeze_wake);
	pthread_mutex_unlock(&l->queue_lock);
	pthread_join(l->log_thread, NULL);
	pthread_join(l->flush_thread, NULL);
	if (l->has_frozen)
		memtable_release(&l->frozen);
	else if (l->active.count)
		flush_table(l, &l->active, &l->active_end);
	local_free(l);
}

static const struct backend local_backend = {
	.close = local_close,
	.commit = local_commit,
	.get = local_get,
	.scan = local_scan,
	.blob_put = local_blob_put,
	.blob_get = local_blob_get,
	.blob_open = local_blob_open,
	.blob_has = local_blob_has,
	.blob_del = local_blob_del,
};

enum err store_open_local(struct store **out, const char *directory, struct log *log, struct note *note)
{
	struct local_store *l = calloc(1, sizeof(*l));
	struct location position;
	enum err e;

	must(l != NULL);
	l->store.backend = &local_backend;
	l->directory = strdup(directory);
	l->log = log;
	l->fd = l->lock_fd = -1;
	l->last = &l->first;
	for (int i = 0; i < OPEN_SEGMENTS; i++)
		l->fds[i].fd = -1;
	memtable_init(&l->active);
	if ((e = make_directories(l, note)) < 0 || (e = take_lock(l, note)) < 0 ||
	    (e = open_index(l, &position, note)) < 0 || (e = replay(l, position, note)) < 0) {
		local_free(l);
		return e;
	}
	remove_halves(l);
	must(pthread_mutex_init(&l->queue_lock, NULL) == 0 && pthread_cond_init(&l->queue_wake, NULL) == 0 &&
	     pthread_cond_init(&l->freeze_wake, NULL) == 0 && pthread_rwlock_init(&l->table_lock, NULL) == 0 &&
	     pthread_mutex_init(&l->fd_lock, NULL) == 0);
	must(pthread_create(&l->log_thread, NULL, log_thread, l) == 0 &&
	     pthread_create(&l->flush_thread, NULL, flush_thread, l) == 0);
	pthread_setname_np(l->log_thread, "store-log");
	pthread_setname_np(l->flush_thread, "store-index");
	*out = &l->store;
	return OK;
}
