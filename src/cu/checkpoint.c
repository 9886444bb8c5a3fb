/* SPDX-License-Identifier: MIT
 *
 * checkpoint: the memory of a process that outlives its worker, on this disk.
 *
 * The first checkpoint is the whole image, those that follow are the pages that changed since the one before; when
 * the changes weigh more than a whole one, a whole one is next. A row says to which place of the history a chain of blobs
 * belongs; it is committed after all results up to there, so a checkpoint never runs ahead of the results. The two
 * newest rows stay: when a blob of the newest is damaged, the one before it is used, or another source.
 *
 *   row, by process 32 and nonce 8 (big endian):
 *     version 3, has chain 1, begun 1, blobs 1; nonce, epoch, timestamp, block height, interval, tick, height of the tick,
 *     next block, crons (8 each, little endian); assignment 32, hash chain 32; module, its id as text 43; blobs 32 each
 *     (version 2 has no module: it is the one that the process began with)
 *   blob, zstd: process 32, the blob before it 32 (zero: whole), nonce 8, size of the image 8, pages 8; their
 *     numbers, 4 each; their contents, 4096 each
 *
 * The evaluation waits while the pages are copied. Packing and writing is the keeper's affair.
 */
#include "base/clock.h"
#include "cu/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum {
	VERSION = 3,
	VERSION_WITHOUT_MODULE = 2,
	NUMBERS = 9,
	ROW_ASSIGNMENT = 4 + NUMBERS * 8,
	ROW_MODULE = ROW_ASSIGNMENT + 64,
	ROW_HEAD = ROW_MODULE + ID_TEXT_LEN,
	ROW_MAX = ROW_HEAD + CHAIN_MAX * 32,
	BLOB_HEAD = 88,
	LEVEL = 1,
	ROWS_KEPT = 2,
	CHANGES_FREE = 1 << 20, /* small ones may weigh more than the whole */
	KEY = 40,
};

/* ---- rows ---- */

static struct bytes write_key(uint8_t key[KEY], struct id process, uint64_t nonce)
{
	memcpy(key, process.b, 32);
	set_u64be(key + 32, nonce);
	return bytes_of(key, KEY);
}

static struct bytes write_row(uint8_t row[ROW_MAX], const struct tip *tip, const char *module,
			      const struct chain *chain)
{
	const uint64_t numbers[NUMBERS] = {(uint64_t)tip->nonce, tip->epoch,       tip->timestamp_ms,
					   tip->block_height,    tip->interval_ms, tip->tick_ms,
					   tip->tick_height,     tip->block_next,  tip->cron_count};

	row[0] = VERSION;
	row[1] = tip->has_chain;
	row[2] = tip->begun;
	row[3] = (uint8_t)chain->count;
	for (size_t i = 0; i < NUMBERS; i++)
		set_u64le(row + 4 + 8 * i, numbers[i]);
	memcpy(row + ROW_ASSIGNMENT, tip->assignment.b, 32);
	memcpy(row + ROW_ASSIGNMENT + 32, tip->hash_chain.b, 32);
	memcpy(row + ROW_MODULE, module, ID_TEXT_LEN);
	memcpy(row + ROW_HEAD, chain->blobs, chain->count * 32);
	return bytes_of(row, ROW_HEAD + chain->count * 32);
}

static size_t row_head(struct bytes row)
{
	return row.len && row.ptr[0] == VERSION_WITHOUT_MODULE ? ROW_MODULE : ROW_HEAD;
}

static bool is_row(struct bytes row)
{
	size_t head = row_head(row);

	return row.len >= head && (row.ptr[0] == VERSION || row.ptr[0] == VERSION_WITHOUT_MODULE) && row.ptr[3] != 0 &&
	       row.ptr[3] <= CHAIN_MAX && row.len == head + (size_t)row.ptr[3] * 32;
}

static bool read_row(struct tip *tip, struct chain *chain, struct bytes row)
{
	uint64_t n[NUMBERS];

	if (!is_row(row))
		return false;
	for (size_t i = 0; i < NUMBERS; i++)
		n[i] = get_u64le(row.ptr + 4 + 8 * i);
	*tip = (struct tip){.nonce = (int64_t)n[0],
			    .epoch = n[1],
			    .timestamp_ms = n[2],
			    .block_height = n[3],
			    .interval_ms = n[4],
			    .tick_ms = n[5],
			    .tick_height = n[6],
			    .block_next = n[7],
			    .cron_count = (uint32_t)n[8],
			    .has_chain = row.ptr[1],
			    .begun = row.ptr[2]};
	memcpy(tip->assignment.b, row.ptr + ROW_ASSIGNMENT, 32);
	memcpy(tip->hash_chain.b, row.ptr + ROW_ASSIGNMENT + 32, 32);
	*chain = (struct chain){.count = row.ptr[3]};
	memcpy(chain->blobs, row.ptr + row_head(row), chain->count * 32);
	return true;
}

/* The module that a row's memory is of. */
static struct bytes row_module(const struct live *p, struct bytes row)
{
	if (row.ptr[0] == VERSION_WITHOUT_MODULE)
		return tags_get(p->info.message.tags, "Module");
	return bytes_of(row.ptr + ROW_MODULE, ID_TEXT_LEN);
}

/* The rows of a process, newest first. */
struct rows {
	struct arena *arena;
	struct bytes list[ROWS_KEPT + 2];
	uint64_t nonces[ROWS_KEPT + 2];
	size_t count;
};

static bool see_row(void *ctx, struct bytes key, struct bytes value)
{
	struct rows *r = ctx;

	if (key.len == KEY) {
		r->nonces[r->count] = get_u64be(key.ptr + 32);
		r->list[r->count++] = arena_copy(r->arena, value);
	}
	return r->count < sizeof(r->list) / sizeof(r->list[0]);
}

static void read_rows(struct live *p, struct arena *a, struct rows *out)
{
	uint8_t end[32];
	struct store_range range = {.from = bytes_of(p->process.b, 32),
				    .to = store_prefix_end(end, bytes_of(p->process.b, 32)),
				    .backward = true};

	*out = (struct rows){.arena = a};
	if (store_scan(p->cu->options.store, TABLE_CHECKPOINT, &range, see_row, out) < 0)
		out->count = 0;
}

/* ---- loading ---- */

static enum err unpack(struct buf *out, struct bytes packed, uint64_t most)
{
	unsigned long long size = ZSTD_getFrameContentSize(packed.ptr, packed.len);

	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR || size < BLOB_HEAD || size > most)
		return E_CORRUPT;
	buf_clear(out);
	buf_reserve(out, size);
	out->len = ZSTD_decompress(out->ptr, out->cap, packed.ptr, packed.len);
	return out->len == size ? OK : E_CORRUPT;
}

/* Pages whose numbers follow each other are written together. */
static enum err write_pages(struct image *image, struct bytes blob, uint64_t size, uint64_t count)
{
	const uint8_t *numbers = blob.ptr + BLOB_HEAD, *pages = numbers + count * 4;

	for (uint64_t i = 0, run; i < count; i += run) {
		uint64_t first = get_u32le(numbers + 4 * i);
		for (run = 1; i + run < count && get_u32le(numbers + 4 * (i + run)) == first + run;)
			run++;
		if ((first + run) * IMAGE_PAGE > size)
			return E_CORRUPT;
		if (image_write(image, first * IMAGE_PAGE, bytes_of(pages + i * IMAGE_PAGE, run * IMAGE_PAGE), NULL) <
		    0)
			return E_IO;
	}
	return image_write(image, size, bytes_of(NULL, 0), NULL);
}

static enum err apply(struct live *p, struct image *image, struct bytes blob, struct id parent)
{
	uint64_t size, count;

	if (memcmp(blob.ptr, p->process.b, 32) != 0 || memcmp(blob.ptr + 32, parent.b, 32) != 0)
		return E_CORRUPT;
	size = get_u64le(blob.ptr + 72);
	count = get_u64le(blob.ptr + 80);
	if (size > p->memory_max || count > size / IMAGE_PAGE || blob.len != BLOB_HEAD + count * (4 + IMAGE_PAGE))
		return E_CORRUPT;
	return write_pages(image, blob, size, count);
}

static enum err load_chain(struct live *p, struct image *image, struct chain *chain)
{
	struct arena a = ARENA_EMPTY;
	struct buf plain = BUF_EMPTY;
	struct id parent = {{0}};
	struct bytes packed;
	enum err e = OK;

	for (size_t i = 0; e == OK && i < chain->count; i++) {
		arena_reset(&a);
		e = store_blob_get(p->cu->options.store, chain->blobs[i], &a, &packed);
		if (e == OK)
			e = unpack(&plain, packed, BLOB_HEAD + (p->memory_max / IMAGE_PAGE + 1) * (4 + IMAGE_PAGE));
		if (e == OK)
			e = apply(p, image, buf_bytes(&plain), parent);
		parent = chain->blobs[i];
		*(i ? &chain->changes_size : &chain->whole_size) += packed.len;
	}
	buf_release(&plain);
	arena_release(&a);
	return e;
}

/* It would be in the way of those that follow it. */
static void drop_damaged(struct live *p, uint64_t nonce)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	uint8_t key[KEY];

	store_del(&b, TABLE_CHECKPOINT, write_key(key, p->process, nonce));
	(void)!store_commit_wait(p->cu->options.store, &b);
}

struct bytes checkpoint_module(struct live *p)
{
	struct arena a = ARENA_EMPTY;
	struct bytes module = {0};
	struct rows rows;

	read_rows(p, &a, &rows);
	if (rows.count && is_row(rows.list[0]))
		module = arena_copy(&p->arena, row_module(p, rows.list[0]));
	arena_release(&a);
	return module;
}

/* Whether the row is of another module than the one at hand. */
static bool is_of_another(struct live *p, struct bytes row, struct bytes *other)
{
	if (!is_row(row) || bytes_eq_str(row_module(p, row), p->module->id))
		return false;
	*other = arena_copy(&p->arena, row_module(p, row));
	return true;
}

enum err checkpoint_load(struct live *p, struct bytes *other)
{
	struct arena a = ARENA_EMPTY;
	struct rows rows;
	enum err found = E_NOT_FOUND;

	read_rows(p, &a, &rows);
	for (size_t i = 0; found < 0 && i < rows.count; i++) {
		struct image *image = NULL;
		struct chain chain;
		struct tip tip;
		enum err e;
		if (rows.nonces[i] >= p->rows_end)
			continue;
		if (is_of_another(p, rows.list[i], other)) {
			p->rows_end = rows.nonces[i] + 1;
			found = OK;
			continue;
		}
		e = read_row(&tip, &chain, rows.list[i]) ? image_new(&image, NULL) : E_CORRUPT;
		if (e == OK)
			e = load_chain(p, image, &chain);
		if (e == OK) {
			p->image = image;
			p->tip = tip;
			p->chain = chain;
			found = OK;
			continue;
		}
		image_release(image);
		if (e != E_IO)
			drop_damaged(p, rows.nonces[i]);
		log_event(p->cu->options.log, LOG_ODD, "cu.checkpoint", "process=%s nonce=%" PRIu64 " not usable: %s",
			  id_text(p->process).s, rows.nonces[i], err_sentence(e));
	}
	if (found < 0)
		p->rows_end = 0;
	arena_release(&a);
	return found;
}

/* ---- saving ---- */

/* What the keeper gets: a copy of all it needs. */
struct save {
	struct live *live;
	struct tip tip;
	char module[ID_TEXT_LEN + 1];
	struct chain chain; /* what it continues; none: whole */
	uint64_t size;
	struct buf plain;
	uint64_t began_ns;
};

static bool in_chain(const struct chain *chain, const uint8_t *blob)
{
	for (size_t i = 0; i < chain->count; i++)
		if (memcmp(chain->blobs[i].b, blob, 32) == 0)
			return true;
	return false;
}

/* Drops the rows past the newest two, and the blobs that only they name. */
static void drop_old(struct live *p)
{
	struct store *s = p->cu->options.store;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct arena a = ARENA_EMPTY;
	struct chain chains[ROWS_KEPT + 2] = {0};
	uint8_t key[KEY];
	struct rows rows;
	struct tip tip;

	read_rows(p, &a, &rows);
	for (size_t i = 0; i < rows.count; i++)
		if (!read_row(&tip, &chains[i], rows.list[i]))
			chains[i].count = 0;
	for (size_t i = ROWS_KEPT; i < rows.count; i++)
		store_del(&b, TABLE_CHECKPOINT, write_key(key, p->process, rows.nonces[i]));
	if (b.count && store_commit_wait(s, &b) == OK)
		for (size_t i = ROWS_KEPT; i < rows.count; i++)
			for (size_t k = 0; k < chains[i].count; k++)
				if (!in_chain(&chains[0], chains[i].blobs[k].b) &&
				    !in_chain(&chains[1], chains[i].blobs[k].b))
					store_blob_del(s, chains[i].blobs[k]);
	store_batch_release(&b);
	arena_release(&a);
}

static enum err write_down(struct save *s, size_t *packed_len)
{
	struct store *store = s->live->cu->options.store;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct buf packed = BUF_EMPTY;
	struct chain *chain = &s->chain;
	uint8_t row[ROW_MAX], key[KEY];
	enum err e = E_IO;

	buf_reserve(&packed, ZSTD_compressBound(s->plain.len));
	packed.len = ZSTD_compress(packed.ptr, packed.cap, s->plain.ptr, s->plain.len, LEVEL);
	if (!ZSTD_isError(packed.len))
		e = store_blob_put(store, &chain->blobs[chain->count], buf_bytes(&packed));
	if (e == OK) {
		*packed_len = packed.len;
		*(chain->count ? &chain->changes_size : &chain->whole_size) += packed.len;
		chain->count++;
		store_put(&b, TABLE_CHECKPOINT, write_key(key, s->live->process, (uint64_t)s->tip.nonce),
			  write_row(row, &s->tip, s->module, chain));
		e = store_commit_wait(store, &b);
	}
	buf_release(&packed);
	return e;
}

static void run_save(void *ctx)
{
	struct save *s = ctx;
	struct live *p = s->live;
	struct cu *cu = p->cu;
	size_t packed = 0;
	enum err e = write_down(s, &packed);

	if (e == OK)
		drop_old(p);
	log_event(cu->options.log, e < 0 ? LOG_BROKEN : LOG_INFO, "cu.checkpoint",
		  "process=%s nonce=%" PRId64 " bytes=%" PRIu64 " copied=%zu packed=%zu chain=%zu ms=%" PRIu64 "%s%s",
		  id_text(p->process).s, s->tip.nonce, s->size, s->plain.len, packed, s->chain.count,
		  (clock_ns() - s->began_ns) / 1000000, e < 0 ? " error=" : "", e < 0 ? err_sentence(e) : "");
	if (e < 0)
		s->chain.count = 0; /* the pages that it had are marked no more: a whole one is next */
	pthread_mutex_lock(&p->lock);
	p->chain = s->chain;
	p->saving = false;
	pthread_cond_broadcast(&p->calm);
	pthread_mutex_unlock(&p->lock);
	buf_release(&s->plain);
	free(s);
	live_release(p);
	cu_end(cu);
}

/* The head of a blob goes before the numbers and the pages. */
static void copy_image(struct live *p, struct save *s)
{
	bool whole = s->chain.count == 0;
	struct buf numbers = BUF_EMPTY, pages = BUF_EMPTY;
	uint8_t head[BLOB_HEAD] = {0};

	image_take(p->image, whole, &numbers, &pages, &s->size);
	memcpy(head, p->process.b, 32);
	if (!whole)
		memcpy(head + 32, s->chain.blobs[s->chain.count - 1].b, 32);
	set_u64le(head + 64, (uint64_t)s->tip.nonce);
	set_u64le(head + 72, s->size);
	set_u64le(head + 80, numbers.len / 4);
	buf_reserve(&s->plain, BLOB_HEAD + numbers.len + pages.len);
	buf_put(&s->plain, head, sizeof(head));
	buf_put_bytes(&s->plain, buf_bytes(&numbers));
	buf_put_bytes(&s->plain, buf_bytes(&pages));
	buf_release(&numbers);
	buf_release(&pages);
}

static bool is_saving(struct live *p)
{
	bool saving;

	pthread_mutex_lock(&p->lock);
	saving = p->saving;
	pthread_mutex_unlock(&p->lock);
	return saving;
}

void checkpoint_begin(struct live *p)
{
	struct save *s;

	if (!p->loaded || p->broken || p->unsaved_turns == 0 || p->tip.nonce < 0 || image_size(p->image) == 0)
		return;
	if (is_saving(p) || advance_settle(p, NULL) < 0)
		return;
	pthread_mutex_lock(&p->lock);
	p->saving = true;
	pthread_mutex_unlock(&p->lock);
	s = calloc(1, sizeof(*s));
	must(s != NULL);
	s->live = live_hold(p->cu, p->process);
	s->tip = p->tip;
	memcpy(s->module, p->module->id, sizeof(s->module));
	s->began_ns = clock_ns();
	if (p->chain.count < CHAIN_MAX && p->chain.changes_size <= p->chain.whole_size + CHANGES_FREE)
		s->chain = p->chain;
	copy_image(p, s);
	p->unsaved_turns = p->unsaved_gas = p->unsaved_ns = 0;
	pthread_mutex_lock(&p->cu->lock);
	p->cu->under_way++;
	pthread_mutex_unlock(&p->cu->lock);
	must(pool_put_always(p->cu->keeper, run_save, s) == OK);
}

void checkpoint_wait(struct live *p)
{
	pthread_mutex_lock(&p->lock);
	while (p->saving)
		pthread_cond_wait(&p->calm, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

static bool is_due(const struct live *p, uint64_t turns, uint64_t gas, uint64_t ns)
{
	const struct cu_options *o = &p->cu->options;

	return turns >= o->checkpoint_turns || gas >= o->checkpoint_gas || ns >= o->checkpoint_ms * 1000000;
}

bool checkpoint_near(struct live *p)
{
	uint64_t turns = p->unsaved_turns ? p->unsaved_turns : 1;

	return is_due(p, p->unsaved_turns + 1, p->unsaved_gas + p->unsaved_gas / turns,
		      p->unsaved_ns + p->unsaved_ns / turns) &&
	       !is_saving(p);
}

void checkpoint_when_due(struct live *p)
{
	const struct cu_options *o = &p->cu->options;

	if (is_due(p, p->unsaved_turns, p->unsaved_gas, p->unsaved_ns))
		checkpoint_begin(p);
	if (o->upload_gas && p->unsent_gas >= o->upload_gas && p->tip.cron_count == 0)
		upload_checkpoint(p);
}
