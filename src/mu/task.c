/* SPDX-License-Identifier: MIT */
#include "mu/task.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD_VERSION = 1, RECORD_HEAD = 17, RECORD_IDS = 6, RECORD_SIZE = RECORD_HEAD + 32 * RECORD_IDS };
enum { KEY_TASK = 8, KEY_ITEM = 9 };

struct task *task_new(uint64_t seq, const struct record *r, enum stage stage)
{
	struct task *task = calloc(1, sizeof(*task) + r->text.len);

	must(task != NULL);
	task->seq = seq;
	task->stage = stage;
	task->entry.bytes = stage == STAGE_SEND ? r->item_bytes : 0;
	task->record = *r;
	if (r->text.len)
		memcpy(task->text, r->text.ptr, r->text.len);
	task->record.text = bytes_of(task->text, r->text.len);
	return task;
}

static struct bytes seq_key(uint8_t out[KEY_TASK], uint64_t seq)
{
	set_u64be(out, seq);
	return bytes_of(out, KEY_TASK);
}

static struct bytes item_key(uint8_t out[KEY_ITEM], uint64_t seq, enum item_part part)
{
	set_u64be(out, seq);
	out[8] = (uint8_t)part;
	return bytes_of(out, KEY_ITEM);
}

static void put_record(struct store_batch *b, unsigned table, uint64_t seq, const struct record *r, struct bytes why)
{
	const struct id *ids[RECORD_IDS] = {&r->from, &r->to, &r->id, &r->root, &r->parent, &r->wallet};
	struct buf value = BUF_EMPTY;
	uint8_t key[KEY_TASK], *head;

	must(r->text.len <= UINT16_MAX);
	head = buf_grow(&value, RECORD_SIZE);
	head[0] = RECORD_VERSION;
	head[1] = (uint8_t)r->kind;
	head[2] = (uint8_t)r->flags;
	set_u16le(head + 3, (uint16_t)r->text.len);
	set_u64le(head + 5, r->time_ms);
	set_u32le(head + 13, r->item_bytes);
	for (size_t i = 0; i < RECORD_IDS; i++)
		memcpy(head + RECORD_HEAD + 32 * i, ids[i]->b, 32);
	buf_put_bytes(&value, r->text);
	buf_put_bytes(&value, why);
	store_put(b, table, seq_key(key, seq), buf_bytes(&value));
	buf_release(&value);
}

static bool read_record(struct record *out, struct bytes value, struct bytes *why)
{
	struct id *ids[RECORD_IDS] = {&out->from, &out->to, &out->id, &out->root, &out->parent, &out->wallet};
	size_t text_len;

	if (value.len < RECORD_SIZE || value.ptr[0] != RECORD_VERSION || value.ptr[1] < TASK_PULL ||
	    value.ptr[1] > TASK_ASSIGN)
		return false;
	text_len = get_u16le(value.ptr + 3);
	if (value.len - RECORD_SIZE < text_len)
		return false;
	out->kind = (enum task_kind)value.ptr[1];
	out->flags = value.ptr[2];
	out->time_ms = get_u64le(value.ptr + 5);
	out->item_bytes = get_u32le(value.ptr + 13);
	for (size_t i = 0; i < RECORD_IDS; i++)
		memcpy(ids[i]->b, value.ptr + RECORD_HEAD + 32 * i, 32);
	out->text = bytes_of(value.ptr + RECORD_SIZE, text_len);
	*why = bytes_from(value, RECORD_SIZE + text_len);
	return true;
}

/* ---- writing ---- */

void task_put(struct store_batch *b, uint64_t seq, const struct record *r)
{
	put_record(b, TABLE_TASK, seq, r, bytes_of(NULL, 0));
}

void task_put_item(struct store_batch *b, uint64_t seq, enum item_part part, struct bytes item)
{
	uint8_t key[KEY_ITEM];

	store_put(b, TABLE_ITEM, item_key(key, seq, part), item);
}

static void del_items(struct store_batch *b, uint64_t seq, enum task_kind kind)
{
	uint8_t key[KEY_ITEM];

	if (kind == TASK_SEND || kind == TASK_SPAWN)
		store_del(b, TABLE_ITEM, item_key(key, seq, PART_ITEM));
	if (kind == TASK_SPAWN)
		store_del(b, TABLE_ITEM, item_key(key, seq, PART_SPAWNED));
}

void task_del(struct store_batch *b, uint64_t seq, enum task_kind kind)
{
	uint8_t key[KEY_TASK];

	store_del(b, TABLE_TASK, seq_key(key, seq));
	del_items(b, seq, kind);
}

void task_fail(struct store_batch *b, uint64_t seq, const struct record *r, struct bytes why)
{
	uint8_t key[KEY_TASK];

	store_del(b, TABLE_TASK, seq_key(key, seq));
	put_record(b, TABLE_FAILED, seq, r, why);
}

void task_forget(struct store_batch *b, uint64_t seq, enum task_kind kind)
{
	uint8_t key[KEY_TASK];

	store_del(b, TABLE_FAILED, seq_key(key, seq));
	del_items(b, seq, kind);
}

void task_revive(struct store_batch *b, uint64_t seq, const struct record *r)
{
	uint8_t key[KEY_TASK];

	store_del(b, TABLE_FAILED, seq_key(key, seq));
	task_put(b, seq, r);
}

/* ---- reading ---- */

bool task_exists(struct store *s, uint64_t seq)
{
	uint8_t key[KEY_TASK];

	return store_has(s, TABLE_TASK, seq_key(key, seq));
}

enum err task_get_failed(struct store *s, struct arena *a, uint64_t seq, struct record *out, struct bytes *why)
{
	uint8_t key[KEY_TASK];
	struct bytes value;
	enum err e = store_get(s, TABLE_FAILED, seq_key(key, seq), a, &value);

	if (e < 0)
		return e;
	return read_record(out, value, why) ? OK : E_CORRUPT;
}

enum err task_get_item(struct store *s, struct arena *a, uint64_t seq, enum item_part part, struct bytes *item)
{
	uint8_t key[KEY_ITEM];

	return store_get(s, TABLE_ITEM, item_key(key, seq, part), a, item);
}

struct scan {
	task_seen *seen;
	void *ctx;
	bool corrupt;
};

static bool scan_row(void *ctx, struct bytes key, struct bytes value)
{
	struct scan *scan = ctx;
	struct record r;
	struct bytes why;

	if (key.len != KEY_TASK || !read_record(&r, value, &why)) {
		scan->corrupt = true;
		return true;
	}
	return scan->seen(scan->ctx, get_u64be(key.ptr), &r, why);
}

enum err task_scan(struct store *s, unsigned table, uint64_t seq, size_t limit, task_seen *seen, void *ctx)
{
	struct scan scan = {.seen = seen, .ctx = ctx};
	uint8_t key[KEY_TASK];
	struct store_range range = {.from = seq_key(key, seq), .limit = limit};
	enum err e = store_scan(s, table, &range, scan_row, &scan);

	return e < 0 ? e : scan.corrupt ? E_CORRUPT : OK;
}

static bool take_last(void *ctx, struct bytes key, struct bytes value)
{
	uint64_t *last = ctx;

	if (key.len == KEY_TASK && get_u64be(key.ptr) > *last)
		*last = get_u64be(key.ptr);
	return false;
}

enum err task_last_seq(struct store *s, uint64_t *seq)
{
	static const unsigned tables[] = {TABLE_TASK, TABLE_FAILED, TABLE_TRACE};
	struct store_range last = {.backward = true, .limit = 1};
	enum err e = OK;

	*seq = 0;
	for (size_t i = 0; e == OK && i < sizeof(tables) / sizeof(tables[0]); i++)
		e = store_scan(s, tables[i], &last, take_last, seq);
	return e;
}
