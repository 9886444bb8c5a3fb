/* SPDX-License-Identifier: MIT
 *
 * checkpoint: the memory of a process that outlives its worker. The image goes compressed into a blob,
 * then a row says to which nonce it belongs; the row is committed after all results up to there, so that a
 * checkpoint never runs ahead of the results.
 *
 *   row: version 1, nonce, timestamp, block height, tick, block of the tick, crons, size (8 each, little endian),
 *        has chain 1, assignment 32, hash chain 32, blob 32
 *   blob: the process's id, which makes it nobody else's, and the image, compressed with zstd
 */
#include "cu/unit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { CHECKPOINT_VERSION = 1, ROW = 1 + 7 * 8 + 1 + 3 * 32, LEVEL = 1 };

static struct bytes write_row(uint8_t row[ROW], const struct tip *tip, uint64_t size, struct id blob)
{
	uint64_t numbers[7] = {(uint64_t)tip->nonce,
			       tip->timestamp_ms,
			       tip->block_height,
			       tip->tick_ms,
			       tip->tick_block_height,
			       tip->cron_count,
			       size};

	row[0] = CHECKPOINT_VERSION;
	for (size_t i = 0; i < 7; i++)
		set_u64le(row + 1 + 8 * i, numbers[i]);
	row[57] = tip->has_chain;
	memcpy(row + 58, tip->assignment.b, 32);
	memcpy(row + 90, tip->hash_chain.b, 32);
	memcpy(row + 122, blob.b, 32);
	return bytes_of(row, ROW);
}

static bool read_row(struct tip *tip, uint64_t *size, struct id *blob, struct bytes row)
{
	uint64_t numbers[7];

	if (row.len != ROW || row.ptr[0] != CHECKPOINT_VERSION)
		return false;
	for (size_t i = 0; i < 7; i++)
		numbers[i] = get_u64le(row.ptr + 1 + 8 * i);
	*tip = (struct tip){.nonce = (int64_t)numbers[0],
			    .timestamp_ms = numbers[1],
			    .block_height = numbers[2],
			    .tick_ms = numbers[3],
			    .tick_block_height = numbers[4],
			    .cron_count = (uint32_t)numbers[5],
			    .has_chain = row.ptr[57]};
	*size = numbers[6];
	memcpy(tip->assignment.b, row.ptr + 58, 32);
	memcpy(tip->hash_chain.b, row.ptr + 90, 32);
	memcpy(blob->b, row.ptr + 122, 32);
	return true;
}

static enum err find(struct live *p, struct arena *a, struct tip *tip, uint64_t *size, struct id *blob)
{
	struct bytes row;
	enum err e = store_get(p->cu->options.store, TABLE_CHECKPOINT, bytes_of(p->process.b, 32), a, &row);

	if (e < 0)
		return e;
	return read_row(tip, size, blob, row) ? OK : E_CORRUPT;
}

enum err checkpoint_load(struct live *p, struct note *note)
{
	struct arena a = ARENA_EMPTY;
	struct bytes packed;
	struct tip tip;
	struct id blob;
	uint64_t size;
	uint8_t *content = NULL;
	enum err e = find(p, &a, &tip, &size, &blob);

	if (e == OK && size > p->memory_max)
		e = E_NOT_FOUND;
	if (e == OK)
		e = store_blob_get(p->cu->options.store, blob, &a, &packed);
	if (e == OK) {
		content = malloc(size + 1);
		must(content != NULL);
		packed = bytes_from(packed, 32);
		if (ZSTD_decompress(content, size, packed.ptr, packed.len) != size)
			e = E_CORRUPT;
	}
	if (e == OK)
		e = image_of_bytes(&p->image, bytes_of(content, size), note);
	if (e == OK)
		p->tip = tip;
	else if (e != E_NOT_FOUND) /* the history is still there: evaluate it again */
		log_event(p->cu->options.log, LOG_ODD, "cu.checkpoint", "process=%s not usable: %s",
			  id_text(p->process).s, err_sentence(e));
	free(content);
	arena_release(&a);
	return OK;
}

/* Packs the image; false when there is nothing to be had. */
static bool pack(struct live *p, struct buf *packed, uint64_t *size)
{
	struct bytes content;
	size_t n;

	if (image_map(p->image, &content, NULL) < 0)
		return false;
	*size = content.len;
	buf_put(packed, p->process.b, 32);
	buf_reserve(packed, ZSTD_compressBound(content.len));
	n = ZSTD_compress(packed->ptr + 32, packed->cap - 32, content.ptr, content.len, LEVEL);
	image_unmap(p->image, content);
	if (ZSTD_isError(n))
		return false;
	packed->len = 32 + n;
	return true;
}

void checkpoint_save(struct live *p)
{
	struct store *s = p->cu->options.store;
	struct store_batch b = STORE_BATCH_EMPTY;
	struct buf packed = BUF_EMPTY;
	struct arena a = ARENA_EMPTY;
	uint8_t row[ROW];
	struct id blob, old_blob;
	struct tip old;
	uint64_t size, old_size;
	bool had;
	enum err e;

	if (!p->loaded || p->unsaved_turns == 0 || p->tip.nonce < 0)
		return;
	had = find(p, &a, &old, &old_size, &old_blob) == OK;
	if (had && old.nonce > p->tip.nonce)
		goto end;
	if (!pack(p, &packed, &size))
		goto end;
	e = store_blob_put(s, &blob, buf_bytes(&packed));
	if (e == OK) {
		store_put(&b, TABLE_CHECKPOINT, bytes_of(p->process.b, 32), write_row(row, &p->tip, size, blob));
		e = store_commit_wait(s, &b);
	}
	if (e == OK) {
		p->unsaved_turns = p->unsaved_gas = 0;
		if (had && !id_eq(old_blob, blob))
			store_blob_del(s, old_blob);
	}
	log_event(p->cu->options.log, e < 0 ? LOG_BROKEN : LOG_INFO, "cu.checkpoint",
		  "process=%s nonce=%" PRId64 " bytes=%" PRIu64 " packed=%zu%s%s", id_text(p->process).s, p->tip.nonce,
		  size, packed.len, e < 0 ? " error=" : "", e < 0 ? err_sentence(e) : "");
end:
	buf_release(&packed);
	arena_release(&a);
}
