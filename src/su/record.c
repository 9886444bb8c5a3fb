/* SPDX-License-Identifier: MIT */
#include "su/record.h"

#include "flow/nouns.h"
#include "msg/item.h"

#include <string.h>

enum { RECORD_VERSION = 1, RECORD_HEAD = 14, KEY_ROW = 40, KEY_ID = 65 };

static struct bytes row_key(uint8_t key[KEY_ROW], struct id process, uint64_t number)
{
	memcpy(key, process.b, 32);
	set_u64be(key + 32, number);
	return bytes_of(key, KEY_ROW);
}

static void put_id(struct store_batch *b, struct id id, const struct su_record *r, enum id_kind kind)
{
	uint8_t key[KEY_ID], nonce[8];

	memcpy(key, id.b, 32);
	memcpy(key + 32, r->process.b, 32);
	key[64] = (uint8_t)kind;
	set_u64be(nonce, r->nonce);
	store_put(b, TABLE_ID, bytes_of(key, sizeof(key)), bytes_of(nonce, 8));
}

void su_record_put(struct store_batch *b, const struct su_record *r, struct id assignment, struct id message,
		   struct bytes dedupe, uint64_t sequence)
{
	uint8_t key[KEY_ROW], nonce[8], head[RECORD_HEAD] = {RECORD_VERSION}, seq[8];
	struct buf value = BUF_EMPTY;

	set_u64le(head + 2, r->timestamp_ms);
	set_u32le(head + 10, (uint32_t)r->assignment.len);
	buf_reserve(&value, RECORD_HEAD + r->assignment.len + r->message.len);
	buf_put(&value, head, RECORD_HEAD);
	buf_put_bytes(&value, r->assignment);
	buf_put_bytes(&value, r->message);
	store_put(b, TABLE_HISTORY, row_key(key, r->process, r->nonce), buf_bytes(&value));
	buf_release(&value);

	set_u64be(nonce, r->nonce);
	store_put(b, TABLE_TIME, row_key(key, r->process, r->timestamp_ms), bytes_of(nonce, 8));
	put_id(b, assignment, r, ID_ASSIGNMENT);
	if (!id_is_zero(message))
		put_id(b, message, r, r->message.len ? ID_MESSAGE : ID_ASSIGNED);
	if (dedupe.len) {
		uint8_t hash_key[32 + DEDUPE_SIZE];
		must(dedupe.len == DEDUPE_SIZE);
		memcpy(hash_key, r->process.b, 32);
		memcpy(hash_key + 32, dedupe.ptr, DEDUPE_SIZE);
		store_put(b, TABLE_DEEPHASH, bytes_of(hash_key, sizeof(hash_key)), bytes_of(NULL, 0));
	}
	set_u64be(seq, sequence);
	store_put(b, TABLE_UPLOAD, bytes_of(seq, 8), row_key(key, r->process, r->nonce));
}

/* Reads the value of a HISTORY row; false when it is not one of ours. */
static bool read_row(struct su_record *out, struct bytes key, struct bytes value)
{
	uint32_t len;

	if (key.len != KEY_ROW || value.len < RECORD_HEAD || value.ptr[0] != RECORD_VERSION)
		return false;
	len = get_u32le(value.ptr + 10);
	if (len > value.len - RECORD_HEAD)
		return false;
	memcpy(out->process.b, key.ptr, 32);
	out->nonce = get_u64be(key.ptr + 32);
	out->timestamp_ms = get_u64le(value.ptr + 2);
	out->assignment = bytes_of(value.ptr + RECORD_HEAD, len);
	out->message = bytes_from(value, RECORD_HEAD + len);
	return true;
}

enum err su_record_get(struct store *s, struct arena *a, struct id process, uint64_t nonce, struct su_record *out)
{
	uint8_t key[KEY_ROW];
	struct bytes value;
	enum err e = store_get(s, TABLE_HISTORY, row_key(key, process, nonce), a, &value);

	if (e < 0)
		return e;
	return read_row(out, bytes_of(key, KEY_ROW), value) ? OK : E_CORRUPT;
}

struct listing {
	struct arena *arena;
	struct su_record *list;
	size_t count, cap, limit, bytes, bytes_max;
	bool more, corrupt;
};

static bool list_row(void *ctx, struct bytes key, struct bytes value)
{
	struct listing *l = ctx;

	if (l->count == l->limit || (l->count && l->bytes + value.len > l->bytes_max)) {
		l->more = true;
		return false;
	}
	if (l->count == l->cap) {
		struct su_record *wider = arena_new_array(l->arena, l->cap ? 2 * l->cap : 16, struct su_record);
		if (l->count)
			memcpy(wider, l->list, l->count * sizeof(*wider));
		l->list = wider;
		l->cap = l->cap ? 2 * l->cap : 16;
	}
	l->bytes += value.len;
	l->corrupt = !read_row(&l->list[l->count++], key, arena_copy(l->arena, value));
	return !l->corrupt;
}

enum err su_record_last(struct store *s, struct arena *a, struct id process, struct su_record *out)
{
	struct listing l = {.arena = a, .limit = 1, .bytes_max = SIZE_MAX};
	uint8_t from[32], end[32];
	struct store_range range = {.from = bytes_of(memcpy(from, process.b, 32), 32), .backward = true, .limit = 1};
	enum err e;

	range.to = store_prefix_end(end, range.from);
	e = store_scan(s, TABLE_HISTORY, &range, list_row, &l);
	if (e < 0)
		return e;
	if (l.corrupt)
		return E_CORRUPT;
	if (l.count == 0)
		return E_NOT_FOUND;
	*out = l.list[0];
	return OK;
}

enum err su_record_list(struct store *s, struct arena *a, struct id process, uint64_t first, uint64_t last,
			size_t limit, size_t bytes_max, struct su_record **list, size_t *count, bool *more)
{
	struct listing l = {.arena = a, .limit = limit, .bytes_max = bytes_max};
	uint8_t from[KEY_ROW], to[KEY_ROW], end[32];
	struct store_range range = {.from = row_key(from, process, first)};
	enum err e;

	if (last < UINT64_MAX)
		range.to = row_key(to, process, last + 1);
	else
		range.to = store_prefix_end(end, bytes_of(process.b, 32));
	e = first > last ? OK : store_scan(s, TABLE_HISTORY, &range, list_row, &l);
	*list = l.list;
	*count = l.count;
	*more = l.more;
	return e < 0 ? e : l.corrupt ? E_CORRUPT : OK;
}

struct finding {
	struct id process, found;
	uint64_t nonce;
	bool any;
};

static bool find_row(void *ctx, struct bytes key, struct bytes value)
{
	struct finding *f = ctx;
	struct id process;
	bool wanted;

	if (key.len != KEY_ID || value.len != 8)
		return true;
	memcpy(process.b, key.ptr + 32, 32);
	wanted = id_eq(process, f->process);
	if (!wanted && (f->any || key.ptr[64] == ID_ASSIGNED))
		return true;
	f->found = process;
	f->nonce = get_u64be(value.ptr);
	f->any = true;
	return !wanted;
}

enum err su_record_find(struct store *s, struct id process, struct id id, struct id *found, uint64_t *nonce)
{
	struct finding f = {.process = process};
	uint8_t end[32];
	struct store_range range = {.from = bytes_of(id.b, 32)};
	enum err e;

	range.to = store_prefix_end(end, range.from);
	e = store_scan(s, TABLE_ID, &range, find_row, &f);
	if (e < 0)
		return e;
	*found = f.found;
	*nonce = f.nonce;
	return f.any ? OK : E_NOT_FOUND;
}

bool su_record_has_message(struct store *s, struct id process, struct id message)
{
	uint8_t key[KEY_ID];

	memcpy(key, message.b, 32);
	memcpy(key + 32, process.b, 32);
	key[64] = ID_MESSAGE;
	return store_has(s, TABLE_ID, bytes_of(key, sizeof(key)));
}

bool su_record_has_dedupe(struct store *s, struct id process, struct bytes dedupe)
{
	uint8_t key[32 + DEDUPE_SIZE];

	must(dedupe.len == DEDUPE_SIZE);
	memcpy(key, process.b, 32);
	memcpy(key + 32, dedupe.ptr, DEDUPE_SIZE);
	return store_has(s, TABLE_DEEPHASH, bytes_of(key, sizeof(key)));
}

static bool take_nonce(void *ctx, struct bytes key, struct bytes value)
{
	if (value.len == 8)
		*(int64_t *)ctx = (int64_t)get_u64be(value.ptr);
	return false;
}

enum err su_record_nonce_at(struct store *s, struct id process, uint64_t timestamp_ms, int64_t *nonce)
{
	uint8_t from[32], to[KEY_ROW];
	struct store_range range = {.from = bytes_of(memcpy(from, process.b, 32), 32), .backward = true, .limit = 1};

	*nonce = -1;
	if (timestamp_ms == UINT64_MAX)
		timestamp_ms--;
	range.to = row_key(to, process, timestamp_ms + 1);
	return store_scan(s, TABLE_TIME, &range, take_nonce, nonce);
}

enum err su_record_assignment(struct assignment *out, struct arena *a, const struct su_record *r, struct note *note)
{
	struct item assignment, message;
	struct message *m;

	if (item_parse(&assignment, a, r->assignment, note) < 0 || assignment_of_item(out, a, &assignment, note) < 0)
		return E_CORRUPT;
	if (r->message.len == 0)
		return OK;
	if (item_parse(&message, a, r->message, note) < 0)
		return E_CORRUPT;
	m = arena_new(a, struct message);
	message_of_item(m, a, &message);
	/* A process's binary data is shown as null, a message's is mended (ao-units 3.7). */
	if (r->nonce == 0 && !bytes_utf8(message.data))
		m->has_data = false;
	out->message = m;
	return OK;
}
