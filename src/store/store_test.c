/* SPDX-License-Identifier: MIT
 *
 * The contract of every store, run over each back-end; then what only the local one
 * promises: what was acknowledged survives kill -9, and damage is noticed.
 */
#include "base/clock.h"
#include "base/text.h"
#include "store/segment.h"
#include "store/store.h"
#include "test/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena arena;
static char directory[128];

static struct store *open_local(void)
{
	struct store *s = NULL;
	struct note note = {0};

	if (store_open_local(&s, directory, NULL, &note) < 0)
		t_fail("%s", note.text);
	return s;
}

static struct store *fresh_local(void)
{
	snprintf(directory, sizeof(directory), "%s/store", t_dir());
	return open_local();
}

static struct store *fresh_faulty(void)
{
	return store_open_faulty(fresh_local(), 1u << 30);
}

static struct store *(*const backends[])(void) = {fresh_local, store_open_memory, fresh_faulty};
enum { BACKENDS = 3 };

static void put(struct store *s, unsigned table, const char *key, struct bytes value)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	store_put(&b, table, bytes_str(key), value);
	t_ok(store_commit_wait(s, &b));
}

static void del(struct store *s, unsigned table, const char *key)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	store_del(&b, table, bytes_str(key));
	t_ok(store_commit_wait(s, &b));
}

static void is(struct store *s, unsigned table, const char *key, const char *want)
{
	struct bytes value;

	t_ok(store_get(s, table, bytes_str(key), &arena, &value));
	t_text(value, want);
}

static bool collect(void *ctx, struct bytes key, struct bytes value)
{
	buf_printf(ctx, "%.*s=%.*s ", BYTES_FMT(key), BYTES_FMT(value));
	return true;
}

static void scan_is(struct store *s, const char *from, const char *to, bool backward, size_t limit, const char *want)
{
	struct store_range range = {bytes_str(from), bytes_str(to), backward, limit};
	struct buf seen = BUF_EMPTY;

	t_ok(store_scan(s, 1, &range, collect, &seen));
	t_text(buf_bytes(&seen), want);
	buf_release(&seen);
}

TEST(what_is_put_is_there_and_in_order)
{
	for (int i = 0; i < BACKENDS; i++) {
		struct store *s = backends[i]();
		struct bytes value;

		put(s, 1, "b", BYTES("2"));
		put(s, 1, "a", BYTES("1"));
		put(s, 1, "c", BYTES("3"));
		put(s, 2, "b", BYTES("other"));
		is(s, 1, "b", "2");
		is(s, 2, "b", "other");
		put(s, 1, "b", BYTES("two"));
		is(s, 1, "b", "two");
		t_err(store_get(s, 1, BYTES("zz"), &arena, &value), E_NOT_FOUND);
		t_err(store_get(s, 3, BYTES("a"), &arena, &value), E_NOT_FOUND);
		scan_is(s, "", "", false, 0, "a=1 b=two c=3 ");
		scan_is(s, "", "", true, 0, "c=3 b=two a=1 ");
		scan_is(s, "b", "", false, 1, "b=two ");
		scan_is(s, "a", "c", false, 0, "a=1 b=two ");
		scan_is(s, "", "c", true, 0, "b=two a=1 ");
		del(s, 1, "b");
		t_check(!store_has(s, 1, BYTES("b")));
		scan_is(s, "", "", false, 0, "a=1 c=3 ");
		store_close(s);
	}
	arena_release(&arena);
}

TEST(a_batch_applies_whole_and_large_values_come_back)
{
	for (int i = 0; i < BACKENDS; i++) {
		struct store *s = backends[i]();
		struct store_batch b = STORE_BATCH_EMPTY;
		struct buf big = BUF_EMPTY;
		struct bytes value;

		memset(buf_grow(&big, 3000000), 'x', 3000000);
		store_put(&b, 1, BYTES("big"), buf_bytes(&big));
		store_put(&b, 1, BYTES("small"), BYTES("s"));
		store_put(&b, 1, BYTES("empty"), BYTES(""));
		store_del(&b, 1, BYTES("small"));
		t_ok(store_commit_wait(s, &b));
		t_check(b.ops.len == 0);
		t_ok(store_get(s, 1, BYTES("big"), &arena, &value));
		t_bytes(value, buf_bytes(&big));
		t_ok(store_get(s, 1, BYTES("empty"), &arena, &value));
		t_u64(value.len, 0);
		t_check(!store_has(s, 1, BYTES("small")));
		buf_release(&big);
		store_close(s);
		arena_reset(&arena);
	}
	arena_release(&arena);
}

TEST(blobs_are_named_by_their_hash)
{
	for (int i = 0; i < BACKENDS; i++) {
		struct store *s = backends[i]();
		struct id hash, again;
		struct bytes bytes;
		uint8_t text[8];
		int fd = -1;
		enum err e;

		t_ok(store_blob_put(s, &hash, BYTES("module")));
		t_ok(store_blob_put(s, &again, BYTES("module")));
		t_check(id_eq(hash, again) && id_eq(hash, id_of_sha256(BYTES("module"))));
		t_ok(store_blob_get(s, hash, &arena, &bytes));
		t_text(bytes, "module");
		e = store_blob_open(s, hash, &fd);
		if (e == OK) {
			t_u64((size_t)read(fd, text, sizeof(text)), 6);
			t_bytes(bytes_of(text, 6), bytes);
			close(fd);
		} else {
			t_err(e, E_UNSUPPORTED);
		}
		store_blob_del(s, hash);
		t_check(e == E_UNSUPPORTED || store_blob_open(s, hash, &fd) == E_NOT_FOUND);
		t_check(!store_blob_has(s, hash));
		t_err(store_blob_get(s, hash, &arena, &bytes), E_NOT_FOUND);
		store_close(s);
	}
	arena_release(&arena);
}

TEST(a_failing_disk_refuses_and_keeps_what_it_has)
{
	struct store *s = store_open_faulty(fresh_local(), 2);
	struct store_batch b = STORE_BATCH_EMPTY;
	struct id hash;

	put(s, 1, "a", BYTES("1"));
	put(s, 1, "b", BYTES("2"));
	store_put(&b, 1, BYTES("c"), BYTES("3"));
	t_err(store_commit_wait(s, &b), E_IO);
	t_err(store_blob_put(s, &hash, BYTES("x")), E_IO);
	scan_is(s, "", "", false, 0, "a=1 b=2 ");
	store_close(s);
	arena_release(&arena);
}

static void put_lazy(struct store *s, const char *key, const char *value)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	store_put(&b, 1, bytes_str(key), bytes_str(value));
	t_ok(store_commit_lazy_wait(s, &b));
}

TEST(what_is_lazy_is_seen_at_once_and_in_order)
{
	for (int i = 0; i < BACKENDS; i++) {
		struct store *s = backends[i]();

		put(s, 1, "a", BYTES("1"));
		put_lazy(s, "a", "2");
		put_lazy(s, "b", "3");
		scan_is(s, "", "", false, 0, "a=2 b=3 ");
		del(s, 1, "b");
		put_lazy(s, "c", "4");
		scan_is(s, "", "", false, 0, "a=2 c=4 ");
		store_close(s);
	}
	arena_release(&arena);
}

struct committer {
	struct store *s;
	int n;
};

static void *commit_many(void *arg)
{
	struct committer *c = arg;

	for (int i = 0; i < 200; i++) {
		struct store_batch b = STORE_BATCH_EMPTY;
		char key[32];

		snprintf(key, sizeof(key), "%d-%05d", c->n, i);
		store_put(&b, 1, bytes_str(key), bytes_str(key));
		must(store_commit_wait(c->s, &b) == OK);
		must(store_has(c->s, 1, bytes_str(key)));
	}
	return NULL;
}

static bool count_seen(void *ctx, struct bytes key, struct bytes value)
{
	must(bytes_eq(key, value));
	++*(int *)ctx;
	return true;
}

TEST(many_threads_commit_at_once)
{
	for (int i = 0; i < BACKENDS; i++) {
		struct store *s = backends[i]();
		struct committer committers[8];
		pthread_t threads[8];
		int seen = 0;

		for (int t = 0; t < 8; t++) {
			committers[t] = (struct committer){s, t};
			must(pthread_create(&threads[t], NULL, commit_many, &committers[t]) == 0);
		}
		for (int t = 0; t < 8; t++)
			pthread_join(threads[t], NULL);
		t_ok(store_scan(s, 1, &(struct store_range){0}, count_seen, &seen));
		t_u64(seen, 1600);
		store_close(s);
	}
	arena_release(&arena);
}

/* So many that what is in memory is frozen and moves into the index. */
static void put_very_many(struct store *s)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	for (int i = 0; i < 50000; i++) {
		char key[32];
		snprintf(key, sizeof(key), "%05d", i);
		store_put(&b, 2, bytes_str(key), BYTES("x"));
	}
	t_ok(store_commit_wait(s, &b));
}

/* Older entries are in the index, newer ones in memory, or frozen there: a scan joins them. */
TEST(index_and_memory_read_as_one)
{
	struct store *s = fresh_local();

	put(s, 1, "a", BYTES("old"));
	put(s, 1, "b", BYTES("old"));
	put(s, 1, "d", BYTES("old"));
	store_close(s);
	s = open_local();
	put(s, 1, "b", BYTES("new"));
	put(s, 1, "c", BYTES("new"));
	del(s, 1, "d");
	scan_is(s, "", "", false, 0, "a=old b=new c=new ");
	scan_is(s, "", "", true, 0, "c=new b=new a=old ");
	put_very_many(s);
	for (int i = 0; i < 20; i++) {
		scan_is(s, "", "", false, 0, "a=old b=new c=new ");
		is(s, 1, "b", "new");
		clock_sleep_ms(1);
	}
	put(s, 1, "a", BYTES("newest"));
	scan_is(s, "", "", true, 0, "c=new b=new a=newest ");
	store_close(s);
	s = open_local();
	scan_is(s, "", "", true, 0, "c=new b=new a=newest ");
	store_close(s);
	arena_release(&arena);
}

TEST(a_directory_is_open_once)
{
	struct store *s = fresh_local(), *other = NULL;
	struct note note = {0};
	char pid[32];

	t_err(store_open_local(&other, directory, NULL, &note), E_BUSY);
	snprintf(pid, sizeof(pid), "%d", getpid());
	t_check(strstr(note.text, pid) != NULL);
	store_close(s);
}

/* A child commits, up to FLIGHT_MAX batches at once, and reports each acknowledgement through a pipe until it is
 * killed. */
enum { FLIGHT_MAX = 32 };
static sem_t room;
static int acknowledged_to;

static void report(void *ctx, enum err e)
{
	uint32_t i = (uint32_t)(uintptr_t)ctx;

	if (e < 0 || write(acknowledged_to, &i, sizeof(i)) != sizeof(i))
		_exit(3);
	sem_post(&room);
}

/* Some values lie in the index, some in the log. */
static size_t value_size(uint32_t i)
{
	return i % 3 ? 300 + i % 5000 : 100;
}

static void child_commits(int out, int round)
{
	struct store *s = NULL;
	uint8_t value[6000];

	acknowledged_to = out;
	must(sem_init(&room, 0, FLIGHT_MAX) == 0);
	if (store_open_local(&s, directory, NULL, NULL) < 0)
		_exit(2);
	for (uint32_t i = 0;; i++) {
		struct store_batch b = STORE_BATCH_EMPTY;
		char key[32];

		snprintf(key, sizeof(key), "%d-%08u", round, i);
		memset(value, (int)i, sizeof(value));
		store_put(&b, 1, bytes_str(key), bytes_of(value, value_size(i)));
		store_put(&b, 2, bytes_str(key), bytes_of(&i, sizeof(i)));
		sem_wait(&room);
		store_commit(s, &b, report, (void *)(uintptr_t)i);
	}
}

static void check_round(struct store *s, int round, uint32_t acknowledged)
{
	for (uint32_t i = 0; i < acknowledged; i++) {
		struct bytes value, number;
		char key[32];

		snprintf(key, sizeof(key), "%d-%08u", round, i);
		t_ok(store_get(s, 1, bytes_str(key), &arena, &value));
		t_ok(store_get(s, 2, bytes_str(key), &arena, &number));
		t_check(value.len == value_size(i) && value.ptr[value.len - 1] == (uint8_t)i);
		t_check(number.len == 4 && get_u32le(number.ptr) == i);
		arena_reset(&arena);
	}
}

static bool keep_key(void *ctx, struct bytes key, struct bytes value)
{
	buf_put_bytes(ctx, key);
	return true;
}

/* A batch is there whole or not at all: both tables hold the same keys. */
static void check_halves(struct store *s)
{
	struct buf one = BUF_EMPTY, two = BUF_EMPTY;

	t_ok(store_scan(s, 1, &(struct store_range){0}, keep_key, &one));
	t_ok(store_scan(s, 2, &(struct store_range){0}, keep_key, &two));
	t_check(one.len == two.len && bytes_eq(buf_bytes(&one), buf_bytes(&two)));
	buf_release(&one);
	buf_release(&two);
}

TEST_TIMEOUT(what_was_acknowledged_survives_kill_9, 120)
{
	enum { ROUNDS = 6 };
	uint32_t acknowledged[ROUNDS] = {0}, total = 0;
	uint64_t seed = t_seed();

	store_close(fresh_local());
	for (int round = 0; round < ROUNDS; round++) {
		int pipes[2], status;
		struct store *s;
		uint32_t last;
		pid_t child;

		must(pipe(pipes) == 0);
		child = fork();
		if (child == 0) {
			close(pipes[0]);
			child_commits(pipes[1], round);
		}
		close(pipes[1]);
		clock_sleep_ms(100 + t_random(&seed) % 1500);
		kill(child, SIGKILL);
		while (read(pipes[0], &last, sizeof(last)) == sizeof(last))
			acknowledged[round] = last + 1;
		close(pipes[0]);
		waitpid(child, &status, 0);
		t_check(WIFSIGNALED(status));
		s = open_local();
		for (int earlier = 0; earlier <= round; earlier++)
			check_round(s, earlier, acknowledged[earlier]);
		check_halves(s);
		store_close(s);
		total += acknowledged[round];
	}
	t_check(total > 100);
	arena_release(&arena);
}

/* The path of the only segment of the log. */
static void segment_path(char *out, size_t cap)
{
	char folder[160];
	struct dirent *d;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/log", directory);
	dir = opendir(folder);
	must(dir != NULL);
	while ((d = readdir(dir)) != NULL)
		if (strstr(d->d_name, ".log"))
			snprintf(out, cap, "%s/%.40s", folder, d->d_name);
	closedir(dir);
}

static void drop_index(void)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/index/data.mdb", directory);
	must(unlink(path) == 0);
}

TEST(the_index_is_rebuilt_and_a_torn_end_is_cut)
{
	struct store *s = fresh_local();
	char path[256];
	int fd;

	put(s, 1, "a", BYTES("1"));
	put(s, 1, "b", BYTES("2"));
	store_close(s);
	drop_index();
	segment_path(path, sizeof(path));
	fd = open(path, O_WRONLY | O_APPEND);
	must(write(fd, "WLR1 half a record", 18) == 18);
	close(fd);
	s = open_local();
	scan_is(s, "", "", false, 0, "a=1 b=2 ");
	put(s, 1, "c", BYTES("3"));
	store_close(s);
	drop_index();
	s = open_local();
	scan_is(s, "", "", false, 0, "a=1 b=2 c=3 ");
	store_close(s);
	arena_release(&arena);
}

static void flip(uint64_t at)
{
	char path[256];
	uint8_t byte;
	int fd;

	segment_path(path, sizeof(path));
	fd = open(path, O_RDWR);
	must(pread(fd, &byte, 1, (off_t)at) == 1);
	byte ^= 0x10;
	must(pwrite(fd, &byte, 1, (off_t)at) == 1);
	close(fd);
}

TEST(a_flipped_bit_is_noticed)
{
	struct store *s = fresh_local(), *again = NULL;
	struct buf value = BUF_EMPTY;
	struct note note = {0};
	struct bytes got;

	memset(buf_grow(&value, 1000), 'v', 1000);
	put(s, 1, "a", buf_bytes(&value));
	put(s, 1, "b", buf_bytes(&value));
	store_close(s);
	flip(500);
	/* The index is intact: the damage shows when the value is read. */
	s = open_local();
	t_err(store_get(s, 1, BYTES("a"), &arena, &got), E_CORRUPT);
	t_ok(store_get(s, 1, BYTES("b"), &arena, &got));
	store_close(s);
	/* Without the index the log is read from the start, and refuses to skip it. */
	drop_index();
	t_err(store_open_local(&again, directory, NULL, &note), E_CORRUPT);
	t_check(strstr(note.text, "damaged at byte 8") != NULL);
	buf_release(&value);
	arena_release(&arena);
}

/* The value's own CRC is in the index: what else came in its batch is not read with it. */
TEST(a_value_is_read_without_the_rest_of_its_batch)
{
	struct store *s = fresh_local();
	struct store_batch b = STORE_BATCH_EMPTY;
	struct buf value = BUF_EMPTY;
	struct bytes got;

	memset(buf_grow(&value, 1000), 'v', 1000);
	store_put(&b, 1, BYTES("a"), buf_bytes(&value));
	store_put(&b, 1, BYTES("b"), buf_bytes(&value));
	t_ok(store_commit_wait(s, &b));
	for (int open = 0; open < 2; open++) {
		t_ok(store_get(s, 1, BYTES("a"), &arena, &got));
		flip(500);
		t_err(store_get(s, 1, BYTES("a"), &arena, &got), E_CORRUPT);
		t_ok(store_get(s, 1, BYTES("b"), &arena, &got));
		t_check(bytes_eq(got, buf_bytes(&value)));
		flip(500);
		store_close(s);
		s = open_local();
	}
	store_close(s);
	buf_release(&value);
	arena_release(&arena);
}

enum { LOCATION_1 = 33, LOCATION_2 = 37 };

/* Makes of each location the one without a CRC that stores wrote before. */
static void make_index_older(void)
{
	char path[200];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_val key, value;
	int changed = 0;

	snprintf(path, sizeof(path), "%s/index", directory);
	must(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 1 << 30) == 0 &&
	     mdb_env_open(env, path, 0, 0644) == 0 && mdb_txn_begin(env, NULL, 0, &txn) == 0 &&
	     mdb_dbi_open(txn, NULL, 0, &dbi) == 0 && mdb_cursor_open(txn, dbi, &cursor) == 0);
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		uint8_t older[LOCATION_1], name[STORE_KEY_MAX + 1];

		if (value.mv_size != LOCATION_2 || *(uint8_t *)value.mv_data != 2)
			continue;
		memcpy(older, value.mv_data, sizeof(older));
		older[0] = 1;
		memcpy(name, key.mv_data, key.mv_size); /* it moves while the page is changed */
		key.mv_data = name;
		value = (MDB_val){sizeof(older), older};
		must(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT) == 0);
		changed++;
	}
	mdb_cursor_close(cursor);
	must(mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
	t_u64((uint64_t)changed, 3); /* two values, and the position */
}

TEST(an_index_of_an_earlier_version_is_read)
{
	struct store *s = fresh_local();
	struct buf value = BUF_EMPTY;
	struct bytes got;

	memset(buf_grow(&value, 1000), 'v', 1000);
	put(s, 1, "a", buf_bytes(&value));
	put(s, 1, "b", buf_bytes(&value));
	store_close(s);
	make_index_older();
	s = open_local();
	t_ok(store_get(s, 1, BYTES("a"), &arena, &got));
	t_check(bytes_eq(got, buf_bytes(&value)));
	put(s, 1, "c", buf_bytes(&value));
	store_close(s);
	flip(500);
	s = open_local();
	t_err(store_get(s, 1, BYTES("a"), &arena, &got), E_CORRUPT);
	t_ok(store_get(s, 1, BYTES("b"), &arena, &got));
	t_ok(store_get(s, 1, BYTES("c"), &arena, &got));
	store_close(s);
	buf_release(&value);
	arena_release(&arena);
}

/* Reads the position of the index into `position`, or with `set` makes it that again. */
static void index_position(uint8_t position[LOCATION_2], bool set)
{
	char path[200];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_val key = {2, (void *)(uintptr_t) "\xffp"}, value = {LOCATION_2, position};

	snprintf(path, sizeof(path), "%s/index", directory);
	must(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, 1 << 30) == 0 &&
	     mdb_env_open(env, path, 0, 0644) == 0 && mdb_txn_begin(env, NULL, 0, &txn) == 0 &&
	     mdb_dbi_open(txn, NULL, 0, &dbi) == 0);
	if (set) {
		must(mdb_put(txn, dbi, &key, &value, 0) == 0);
	} else {
		must(mdb_get(txn, dbi, &key, &value) == 0 && value.mv_size == LOCATION_2);
		memcpy(position, value.mv_data, LOCATION_2);
	}
	must(mdb_txn_commit(txn) == 0);
	mdb_env_close(env);
}

/* The process ended between two of the transactions that a memtable takes. */
TEST(an_index_that_is_ahead_of_its_position_is_gone_on_with)
{
	struct store *s = fresh_local();
	uint8_t position[LOCATION_2];

	put(s, 1, "a", BYTES("1"));
	put(s, 1, "b", BYTES("1"));
	store_close(s);
	index_position(position, false);
	s = open_local();
	put(s, 1, "a", BYTES("2"));
	del(s, 1, "b");
	put(s, 1, "c", BYTES("2"));
	del(s, 1, "c");
	put(s, 1, "d", BYTES("2"));
	store_close(s);
	index_position(position, true);
	for (int open = 0; open < 2; open++) {
		s = open_local();
		scan_is(s, "", "", false, 0, "a=2 d=2 ");
		store_close(s);
	}
	arena_release(&arena);
}

/* ---- what a power cut can leave ---- */

static void write_file(const char *path, struct bytes content)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	must(fd >= 0 && write(fd, content.ptr, content.len) == (ssize_t)content.len);
	close(fd);
}

static void add_record(struct buf *log, uint64_t number, uint64_t group, const char *key)
{
	struct store_batch b = STORE_BATCH_EMPTY;

	store_put(&b, 1, bytes_str(key), BYTES("v"));
	record_write(log, 77, number, group, buf_bytes(&b.ops));
	store_batch_release(&b);
}

/* Groups (1) (2, 3, 4) (5), as records a to e of 43 bytes each behind the header. */
static struct buf five_records(void)
{
	struct buf log = BUF_EMPTY;

	segment_header(buf_grow(&log, SEGMENT_HEADER), 77);
	add_record(&log, 1, 1, "a");
	add_record(&log, 2, 2, "b");
	add_record(&log, 3, 2, "c");
	add_record(&log, 4, 2, "d");
	add_record(&log, 5, 5, "e");
	return log;
}

enum { FIVE_RECORD = RECORD_HEADER + 8 + 2 };

static enum err open_without_index(struct bytes log, const char *want)
{
	struct store *s = NULL;
	struct note note = {0};
	char path[160];
	enum err e;

	snprintf(path, sizeof(path), "%s/log/0000000000000001.log", directory);
	write_file(path, log);
	drop_index();
	e = store_open_local(&s, directory, NULL, &note);
	if (e < 0) {
		t_check(note.text[0]);
		return e;
	}
	scan_is(s, "", "", false, 0, want);
	put(s, 1, "z", BYTES("after"));
	store_close(s);
	s = open_local();
	is(s, 1, "z", "after");
	store_close(s);
	arena_reset(&arena);
	return OK;
}

TEST_TIMEOUT(whatever_the_length_of_the_log_the_whole_records_are_there, 120)
{
	static const char *const want[] = {
		"", "a=v ", "a=v b=v ", "a=v b=v c=v ", "a=v b=v c=v d=v ", "a=v b=v c=v d=v e=v "};
	struct buf log = five_records();

	store_close(fresh_local());
	t_u64(log.len, SEGMENT_HEADER + 5 * FIVE_RECORD);
	for (size_t len = 0; len <= log.len; len++) {
		/* Every length of the first two records, and those about the ends of the others. */
		size_t in_record = (len + FIVE_RECORD - SEGMENT_HEADER) % FIVE_RECORD;
		if (len > SEGMENT_HEADER + 2 * FIVE_RECORD && in_record > 1 && in_record < FIVE_RECORD - 1)
			continue;
		t_ok(open_without_index(bytes_of(log.ptr, len),
					want[len < SEGMENT_HEADER ? 0 : (len - SEGMENT_HEADER) / FIVE_RECORD]));
	}
	buf_release(&log);
	arena_release(&arena);
}

/* A record that did not reach the disk: zeros. */
static struct bytes without(struct buf *log, size_t record)
{
	memset(log->ptr + SEGMENT_HEADER + FIVE_RECORD * record, 0, FIVE_RECORD);
	return buf_bytes(log);
}

TEST(a_hole_in_the_last_group_is_a_torn_end_and_any_other_is_damage)
{
	struct buf log = five_records();

	store_close(fresh_local());
	t_ok(open_without_index(without(&log, 4), "a=v b=v c=v d=v "));
	log.len -= FIVE_RECORD;
	t_ok(open_without_index(without(&log, 2), "a=v b=v "));
	t_ok(open_without_index(without(&log, 1), "a=v "));
	t_err(open_without_index(without(&log, 0), ""), E_CORRUPT);
	buf_release(&log);
	log = five_records();
	t_err(open_without_index(without(&log, 2), ""), E_CORRUPT);
	buf_release(&log);
	log = five_records();
	log.ptr[0] ^= 1;
	t_err(open_without_index(buf_bytes(&log), ""), E_CORRUPT);
	buf_release(&log);
	arena_release(&arena);
}

/* A stranger's value that looks like a later record must not keep the store from opening. */
/* Records that were written without a sync are of the group that the next sync makes durable, so that a cut which takes
 * them back is a torn end and no damage. */
TEST(lazy_records_are_of_the_group_of_the_next_sync)
{
	static const uint64_t groups[] = {1, 2, 2, 2, 5, 6};
	struct store *s = fresh_local();
	struct record_at record;
	char path[256];
	struct buf log;
	uint32_t salt;
	size_t at = SEGMENT_HEADER;

	put(s, 1, "a", BYTES("v"));
	put_lazy(s, "b", "v");
	put_lazy(s, "c", "v");
	put(s, 1, "d", BYTES("v"));
	put(s, 1, "e", BYTES("v"));
	put_lazy(s, "f", "v");
	store_close(s);
	segment_path(path, sizeof(path));
	log = t_file(path);
	t_check(segment_salt(buf_bytes(&log), &salt));
	for (uint64_t i = 0; i < 6; i++, at += FIVE_RECORD) {
		t_check(record_read(bytes_from(buf_bytes(&log), at), salt, i + 1, &record));
		t_u64(record.group, groups[i]);
	}
	t_u64(at, log.len);
	buf_release(&log);
}

TEST(a_value_that_pretends_to_be_a_record_is_none)
{
	struct buf log = five_records(), fake = BUF_EMPTY;
	struct store_batch b = STORE_BATCH_EMPTY;

	for (uint32_t salt = 0; salt < 70; salt++)
		record_write(&fake, salt, 7, 7, BYTES("x"));
	store_put(&b, 1, BYTES("f"), buf_bytes(&fake));
	record_write(&log, 77, 6, 6, buf_bytes(&b.ops));
	log.len--; /* torn */
	store_close(fresh_local());
	t_ok(open_without_index(buf_bytes(&log), "a=v b=v c=v d=v e=v "));
	store_batch_release(&b);
	buf_release(&log);
	buf_release(&fake);
	arena_release(&arena);
}

TEST(a_log_that_is_gone_is_missed)
{
	struct store *s = fresh_local();
	struct note note = {0};
	char path[256];

	put(s, 1, "a", BYTES("1"));
	store_close(s);
	segment_path(path, sizeof(path));
	write_file(path, BYTES(""));
	t_err(store_open_local(&s, directory, NULL, &note), E_CORRUPT);
	t_check(strstr(note.text, "shorter") != NULL);
	must(unlink(path) == 0);
	note_reset(&note);
	t_err(store_open_local(&s, directory, NULL, &note), E_CORRUPT);
	t_check(strstr(note.text, "no segment") != NULL);
}

/* ---- a full disk ---- */

enum { FILE_MAX = 300000 };

/* In a child: commits until the disk is full, and reports how many were acknowledged, and that what it has
 * can still be read. */
static void child_fills_the_disk(int out)
{
	struct rlimit limit = {FILE_MAX, FILE_MAX};
	struct store *s = NULL;
	struct bytes value;
	struct id hash;
	uint8_t big[1000] = {1};
	uint32_t n = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (store_open_local(&s, directory, NULL, NULL) < 0 || setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(2);
	for (;; n++) {
		struct store_batch b = STORE_BATCH_EMPTY;
		char key[32];

		snprintf(key, sizeof(key), "%05u", n);
		store_put(&b, 1, bytes_str(key), bytes_of(big, sizeof(big)));
		if (store_commit_wait(s, &b) < 0)
			break;
		if (store_get(s, 1, bytes_str(key), &arena, &value) < 0)
			_exit(3);
		arena_reset(&arena);
	}
	for (int i = 0; i < 3; i++) {
		struct store_batch b = STORE_BATCH_EMPTY;
		store_put(&b, 1, BYTES("later"), BYTES("x"));
		if (store_commit_wait(s, &b) != E_IO)
			_exit(4);
	}
	if (store_get(s, 1, BYTES("00000"), &arena, &value) < 0 || store_has(s, 1, BYTES("later")) ||
	    store_blob_put(s, &hash, bytes_of(arena_alloc(&arena, FILE_MAX + 1), FILE_MAX + 1)) != E_IO ||
	    store_blob_has(s, hash) || write(out, &n, sizeof(n)) != sizeof(n))
		_exit(5);
	store_close(s);
	_exit(0);
}

TEST(a_full_disk_refuses_loses_nothing_and_may_be_emptied)
{
	int pipes[2], status;
	struct bytes value;
	struct store *s;
	uint32_t n = 0;
	pid_t child;

	store_close(fresh_local());
	must(pipe(pipes) == 0);
	child = fork();
	if (child == 0)
		child_fills_the_disk(pipes[1]);
	close(pipes[1]);
	must(read(pipes[0], &n, sizeof(n)) == sizeof(n) || n == 0);
	waitpid(child, &status, 0);
	t_check(WIFEXITED(status));
	t_u64(WEXITSTATUS(status), 0);
	t_check(n > 100);
	s = open_local();
	for (uint32_t i = 0; i < n; i++) {
		char key[32];
		snprintf(key, sizeof(key), "%05u", i);
		t_ok(store_get(s, 1, bytes_str(key), &arena, &value));
		arena_reset(&arena);
	}
	put(s, 1, "later", BYTES("room again"));
	is(s, 1, "later", "room again");
	store_close(s);
	close(pipes[0]);
	arena_release(&arena);
}

/* ---- small things ---- */

TEST(a_damaged_blob_is_written_anew)
{
	struct store *s = fresh_local();
	char path[250], hex[65];
	struct bytes bytes;
	struct id hash;

	t_ok(store_blob_put(s, &hash, BYTES("module")));
	hex_encode(hex, bytes_of(hash.b, 32));
	snprintf(path, sizeof(path), "%s/blobs/%.2s/%s", directory, hex, hex + 2);
	t_check(truncate(path, 3) == 0);
	t_err(store_blob_get(s, hash, &arena, &bytes), E_CORRUPT);
	t_ok(store_blob_put(s, &hash, BYTES("module")));
	t_ok(store_blob_get(s, hash, &arena, &bytes));
	t_text(bytes, "module");
	store_close(s);
}

TEST(a_blob_that_was_being_written_leaves_nothing)
{
	struct store *s = fresh_local();
	char path[160];

	store_close(s);
	snprintf(path, sizeof(path), "%s/blobs/0123456789abcdef.new", directory);
	write_file(path, BYTES("half"));
	store_close(open_local());
	t_check(access(path, F_OK) < 0);
}

TEST(prefixes_have_an_end)
{
	uint8_t out[4];

	t_text(store_prefix_end(out, BYTES("ab")), "ac");
	t_text(store_prefix_end(out, BYTES("a\xff")), "b");
	t_u64(store_prefix_end(out, BYTES("\xff\xff")).len, 0);
}

TEST_MAIN
