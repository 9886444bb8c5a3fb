/* SPDX-License-Identifier: MIT
 *
 * local: a directory. What the files of this store share; private to the folder.
 *
 *   LOCK            held while open; names the process
 *   log/N.log       every batch, in order (segment.h)
 *   index/          LMDB: key -> small value, or where the log has it; and up to where it holds the log
 *   blobs/ab/HEX    blobs by hash: the first two and the other 62 of its hex digits
 *
 *   commits --> log thread (local_log.c) --> active memtable --frozen--> flush thread (local_index.c) --> LMDB
 *                     |                            |                                                       |
 *                    log                           +----------- readers (local_read.c), in that order -----+
 *
 * The log thread takes all waiting batches, appends their records with one write and one fdatasync, puts them into the
 * active memtable, and calls their `done`s. When nobody waits for durability (store_commit_lazy) it leaves out the sync,
 * and these records belong to the group that the next sync makes durable. When the memtable is large or old it is
 * frozen, and the flush thread moves it into LMDB in synced transactions, the last of which has the position in the log that it
 * reaches; LMDB never knows what the log might still lose. Opening replays the log from LMDB's position, over what LMDB may
 * already have of it.
 *
 * LMDB key: u8 table, key. LMDB value: u8 form and, all little endian,
 *
 *   0   the value itself, up to INLINE_MAX bytes
 *   1   a location: four u64: segment, offset of the record in it, offset of the value in the record's body, length of the
 *       value. As stores wrote it before form 2; the whole record is read then, to check it
 *   2   a location, and u32 CRC-32C of the value
 *
 * The position is the value of key ff 'p', in form 2: segment, offset in it, number of the next record, nothing. A version
 * that does not know form 2 refuses such an index. An index that is lost is made again from the log.
 */
#ifndef WEFT_STORE_LOCAL_H
#define WEFT_STORE_LOCAL_H

#include "store/backend.h"
#include "store/memtable.h"
#include "store/segment.h"

#include <lmdb.h>
#include <pthread.h>

enum {
	INLINE_MAX = 128,
	FREEZE_ENTRIES = 50000,
	OPEN_SEGMENTS = 64,
};

struct commit {
	struct commit *next;
	struct buf ops;
	bool lazy;
	store_done *done;
	void *ctx;
};

struct segment_fd {
	uint64_t segment;
	int fd;
	uint32_t salt;
	_Atomic uint64_t used;
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
	uint64_t group; /* number of the first record that was not synced; next_number when there is none */
	uint64_t unsynced_since_ms;

	/* guarded by table_lock */
	pthread_rwlock_t table_lock;
	struct memtable active, frozen;
	bool has_frozen;
	struct location active_end, frozen_end; /* up to where the log is in it */
	uint64_t active_since_ms;

	pthread_rwlock_t fd_lock; /* to change one of: */
	struct segment_fd fds[OPEN_SEGMENTS];
	_Atomic uint64_t fd_clock;
};

static inline struct local_store *self_of(struct store *s)
{
	return (struct local_store *)s;
}

/* ---- local.c ---- */

/* local_path writes the path of something in the directory, and returns it. */
char *local_path(const struct local_store *l, struct buf *out, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- local_log.c ---- */

/* log_replay reads what the log has behind the index's `position`, cuts off a torn end, and sets where writing goes on. */
must_use enum err log_replay(struct local_store *l, struct location position, struct note *note);
void *log_thread(void *local_store);
void local_commit(struct store *s, struct buf ops, bool lazy, store_done *done, void *ctx);

/* ---- local_index.c ---- */

must_use enum err index_open(struct local_store *l, struct location *position, struct note *note);
/* index_put moves a memtable into LMDB, which then holds the log up to `end`. False: it may hold a part of the memtable, and
 * its position is what it was. */
bool index_put(struct local_store *l, const struct memtable *table, const struct location *end);
/* index_entry reads a value of LMDB, which it borrows. */
struct entry index_entry(MDB_val v);
void *flush_thread(void *local_store);

/* ---- local_read.c ---- */

enum err local_get(struct store *s, unsigned table, struct bytes key, struct arena *a, struct bytes *value);
enum err local_scan(struct store *store, unsigned table, const struct store_range *range, store_seen *seen, void *ctx);
/* local_key writes the table and the key, as memtables and LMDB have them. */
struct bytes local_key(uint8_t out[STORE_KEY_MAX + 1], unsigned table, struct bytes key);

/* ---- local_blob.c ---- */

enum err local_blob_put(struct store *s, struct id hash, struct bytes bytes);
enum err local_blob_get(struct store *s, struct id hash, struct arena *a, struct bytes *bytes);
enum err local_blob_open(struct store *s, struct id hash, int *fd);
bool local_blob_has(struct store *s, struct id hash);
void local_blob_del(struct store *s, struct id hash);
/* blobs_clean removes what a crash left half written. */
void blobs_clean(struct local_store *l);

#endif
