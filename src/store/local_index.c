/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "store/local.h"

#include <string.h>

/* Entries of one transaction, which may each change a page of LMDB's: it keeps as much memory for good. */
enum { PORTION = 2048 };
enum { FORM_INLINE, FORM_UNCHECKED, FORM_LOCATION };
enum { LOCATION_SIZE = 33, CHECKED_SIZE = 37, POSITION_TABLE = 0xff, READERS_MAX = 512 };
#ifdef __SANITIZE_THREAD__
#define INDEX_SIZE_MAX ((size_t)1 << 36) /* ThreadSanitizer leaves less room for mappings */
#else
#define INDEX_SIZE_MAX ((size_t)1 << 40)
#endif

static const uint8_t position_key[2] = {POSITION_TABLE, 'p'};

struct entry index_entry(MDB_val v)
{
	const uint8_t *p = v.mv_data;
	struct entry entry = {.kind = ENTRY_INLINE, .value = bytes_of(p + 1, v.mv_size - 1)};

	if (p[0] == FORM_INLINE)
		return entry;
	must(v.mv_size == (p[0] == FORM_UNCHECKED ? LOCATION_SIZE : CHECKED_SIZE));
	return (struct entry){.kind = ENTRY_IN_LOG,
			      .location = {.segment = get_u64le(p + 1),
					   .record_at = get_u64le(p + 9),
					   .value_at = get_u64le(p + 17),
					   .value_len = get_u64le(p + 25),
					   .has_crc = p[0] == FORM_LOCATION,
					   .crc = p[0] == FORM_LOCATION ? get_u32le(p + 33) : 0}};
}

static void put_location(uint8_t out[CHECKED_SIZE], const struct location *where)
{
	out[0] = FORM_LOCATION;
	set_u64le(out + 1, where->segment);
	set_u64le(out + 9, where->record_at);
	set_u64le(out + 17, where->value_at);
	set_u64le(out + 25, where->value_len);
	set_u32le(out + 33, where->crc);
}

static int put_entry(MDB_txn *txn, MDB_dbi dbi, struct bytes key, const struct entry *entry)
{
	uint8_t value[INLINE_MAX + CHECKED_SIZE];
	MDB_val k = {key.len, (void *)(uintptr_t)key.ptr}, v = {0, value};
	int rc;

	if (entry->kind == ENTRY_GONE) {
		rc = mdb_del(txn, dbi, &k, NULL);
		return rc == MDB_NOTFOUND ? 0 : rc;
	}
	if (entry->kind == ENTRY_INLINE) {
		value[0] = FORM_INLINE;
		if (entry->value.len)
			memcpy(value + 1, entry->value.ptr, entry->value.len);
		v.mv_size = 1 + entry->value.len;
	} else {
		put_location(value, &entry->location);
		v.mv_size = CHECKED_SIZE;
	}
	return mdb_put(txn, dbi, &k, &v, 0);
}

static int put_position(MDB_txn *txn, MDB_dbi dbi, const struct location *end)
{
	uint8_t position[CHECKED_SIZE];
	MDB_val k = {sizeof(position_key), (void *)(uintptr_t)position_key}, v = {sizeof(position), position};

	put_location(position, end);
	return mdb_put(txn, dbi, &k, &v, 0);
}

/* The next PORTION entries from *node on, and after the last the position, in one transaction. */
static int put_portion(struct local_store *l, const struct memtable *table, const struct mem_node **node,
		       const struct location *end)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(l->env, NULL, 0, &txn);

	if (rc)
		return rc;
	for (int i = 0; i < PORTION && *node && rc == 0; i++, *node = memtable_step(table, *node, false))
		rc = put_entry(txn, l->dbi, mem_node_key(*node), mem_node_entry(*node));
	if (rc == 0 && !*node)
		rc = put_position(txn, l->dbi, end);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

bool index_put(struct local_store *l, const struct memtable *table, const struct location *end)
{
	const struct mem_node *node = memtable_seek(table, bytes_of(NULL, 0), false);
	int rc;

	do {
		rc = put_portion(l, table, &node, end);
	} while (rc == 0 && node);
	if (rc)
		log_event(l->log, LOG_BROKEN, "store.index", "directory=%s error=%s", l->directory, mdb_strerror(rc));
	return rc == 0;
}

enum err index_open(struct local_store *l, struct location *position, struct note *note)
{
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
		rc = mdb_env_open(l->env, local_path(l, &path, "index"), MDB_NORDAHEAD | MDB_NOMEMINIT | MDB_NOTLS,
				  0644);
	if (rc == 0)
		rc = mdb_txn_begin(l->env, NULL, 0, &txn);
	if (rc == 0)
		rc = mdb_dbi_open(txn, NULL, 0, &l->dbi);
	if (rc == 0 && mdb_get(txn, l->dbi, &k, &v) == 0)
		*position = index_entry(v).location;
	if (rc == 0)
		rc = mdb_txn_commit(txn);
	buf_release(&path);
	if (rc == 0)
		return OK;
	note_err(note, E_IO, "cannot open the index in %s: %s", l->directory, mdb_strerror(rc));
	note_hint(note, "if the disk is well, remove %s/index: it is made again from the log", l->directory);
	return E_IO;
}

void *flush_thread(void *arg)
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
		if (index_put(l, &l->frozen, &l->frozen_end)) {
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
