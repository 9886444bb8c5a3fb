/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "store/local.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- values that lie in the log ---- */

static struct segment_fd *segment_find(struct local_store *l, uint64_t segment)
{
	for (int i = 0; i < OPEN_SEGMENTS; i++)
		if (l->fds[i].fd >= 0 && l->fds[i].segment == segment)
			return &l->fds[i];
	return NULL;
}

/* Opens it in the place of the one that was not used for longest. Nobody reads: fd_lock is held for writing. False: it cannot
 * be read. */
static bool segment_open(struct local_store *l, uint64_t segment)
{
	struct segment_fd *oldest = &l->fds[0];
	uint8_t header[SEGMENT_HEADER];
	struct buf path = BUF_EMPTY;

	for (int i = 0; i < OPEN_SEGMENTS; i++)
		if (l->fds[i].used < oldest->used)
			oldest = &l->fds[i];
	if (oldest->fd >= 0)
		close(oldest->fd);
	oldest->fd = open(local_path(l, &path, "log/%016llx.log", (unsigned long long)segment), O_RDONLY | O_CLOEXEC);
	oldest->segment = segment;
	oldest->used = ++l->fd_clock;
	buf_release(&path);
	if (oldest->fd < 0)
		return false;
	if (file_read_at(oldest->fd, header, sizeof(header), 0) &&
	    segment_salt(bytes_of(header, sizeof(header)), &oldest->salt))
		return true;
	close(oldest->fd);
	oldest->fd = -1;
	return false;
}

/* The segment's descriptor, which stays open until segment_release; NULL: it cannot be read. They are few, and kept. */
static struct segment_fd *segment_hold(struct local_store *l, uint64_t segment)
{
	struct segment_fd *found;

	pthread_rwlock_rdlock(&l->fd_lock);
	while (!(found = segment_find(l, segment))) {
		bool opened;

		pthread_rwlock_unlock(&l->fd_lock);
		pthread_rwlock_wrlock(&l->fd_lock);
		opened = segment_find(l, segment) || segment_open(l, segment);
		pthread_rwlock_unlock(&l->fd_lock);
		if (!opened)
			return NULL;
		pthread_rwlock_rdlock(&l->fd_lock);
	}
	found->used = ++l->fd_clock;
	return found;
}

static void segment_release(struct local_store *l)
{
	pthread_rwlock_unlock(&l->fd_lock);
}

/* The bytes of the value alone, by their own CRC. */
static bool read_value(const struct segment_fd *segment, const struct location *where, struct buf *out,
		       struct bytes *value)
{
	uint8_t *at;

	if (where->value_len > STORE_VALUE_MAX)
		return false;
	buf_clear(out);
	at = buf_grow(out, (size_t)where->value_len);
	*value = buf_bytes(out);
	return file_read_at(segment->fd, at, value->len, where->record_at + RECORD_HEADER + where->value_at) &&
	       crc32c(0, value->ptr, value->len) == where->crc;
}

/* The value in the record that it came with, which is checked whole. */
static bool read_record(const struct segment_fd *segment, const struct location *where, struct buf *out,
			struct bytes *value)
{
	uint8_t header[RECORD_HEADER];
	struct record_at found;
	uint64_t len;

	if (!file_read_at(segment->fd, header, sizeof(header), where->record_at))
		return false;
	len = get_u64le(header + 8);
	if (len > 2 * STORE_VALUE_MAX || where->value_len > len || where->value_at > len - where->value_len)
		return false;
	buf_clear(out);
	if (!file_read_at(segment->fd, buf_grow(out, RECORD_HEADER + (size_t)len), RECORD_HEADER + (size_t)len,
			  where->record_at) ||
	    !record_read(buf_bytes(out), segment->salt, 0, &found))
		return false;
	*value = bytes_of(found.body.ptr + where->value_at, (size_t)where->value_len);
	return true;
}

/* What is damaged is never handed out. */
static enum err value_in_log(struct local_store *l, const struct location *where, struct buf *read, struct bytes *value)
{
	struct segment_fd *segment = segment_hold(l, where->segment);
	bool good;

	if (!segment)
		return E_IO;
	good = where->has_crc ? read_value(segment, where, read, value) : read_record(segment, where, read, value);
	segment_release(l);
	if (good)
		return OK;
	log_event(l->log, LOG_BROKEN, "store.damaged", "segment=%016llx offset=%llu",
		  (unsigned long long)where->segment, (unsigned long long)where->record_at);
	return E_CORRUPT;
}

static enum err entry_value(struct local_store *l, const struct entry *entry, struct buf *record, struct bytes *value)
{
	if (entry->kind == ENTRY_GONE)
		return E_NOT_FOUND;
	*value = entry->value;
	return entry->kind == ENTRY_INLINE ? OK : value_in_log(l, &entry->location, record, value);
}

struct bytes local_key(uint8_t out[STORE_KEY_MAX + 1], unsigned table, struct bytes key)
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

enum err local_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value)
{
	struct local_store *l = self_of(s);
	uint8_t full[STORE_KEY_MAX + 1];
	struct bytes k = local_key(full, table, key), found;
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
			indexed = index_entry(mv);
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
	*entry = from < 2 ? *mem_node_entry(s->node[from]) : index_entry(s->value);
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

enum err local_scan(struct store *store, unsigned table, const struct store_range *range, store_seen *seen, void *ctx)
{
	struct local_store *l = self_of(store);
	uint8_t low[STORE_KEY_MAX + 1], high[STORE_KEY_MAX + 1];
	struct scan s = {.l = l,
			 .backward = range->backward,
			 .low = local_key(low, table, range->from),
			 .high = local_key(high, range->to.len ? table : table + 1, range->to)};
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
