/* SPDX-License-Identifier: MIT
 *
 * reads: what turns have read of the weave, on this disk. Rows are those of result.h:
 *
 *   READ      the result's key 52, number 2      version 1, answer 1, length of the path 2, size 8, SHA-256 32; the path; words
 *   PAYLOAD   item 32                            SHA-256 32, size 8
 *
 * Numbers in keys are big-endian, others little. Contents are blobs, by their SHA-256.
 */
#include "base/text.h"
#include "cu/drive.h"

#include <string.h>

enum { READ_VERSION = 1, READ_HEAD = 44, READ_KEY = RESULT_KEY_SIZE + 2 };

/* ---- rows ---- */

/* A result's key, and a number. */
static struct bytes read_key(uint8_t row[READ_KEY], struct id process, const struct result_key *key, unsigned number)
{
	result_key_write(row, process, key);
	row[RESULT_KEY_SIZE] = (uint8_t)(number >> 8);
	row[RESULT_KEY_SIZE + 1] = (uint8_t)number;
	return bytes_of(row, READ_KEY);
}

void read_put(struct store_batch *b, struct id process, const struct result_key *key, const struct read *read)
{
	uint8_t row[READ_KEY], head[READ_HEAD] = {READ_VERSION, (uint8_t)read->answer};
	struct buf value = BUF_EMPTY;

	set_u16le(head + 2, (uint16_t)read->path.len);
	set_u64le(head + 4, read->size);
	memcpy(head + 12, read->content.b, 32);
	buf_put(&value, head, sizeof(head));
	buf_put_bytes(&value, read->path);
	buf_put_bytes(&value, read->failure);
	store_put(b, TABLE_READ, read_key(row, process, key, read->number), buf_bytes(&value));
	buf_release(&value);
}

static bool parse_read(struct read *out, struct bytes value)
{
	size_t path;

	if (value.len < READ_HEAD || value.ptr[0] != READ_VERSION)
		return false;
	path = get_u16le(value.ptr + 2);
	if (path > value.len - READ_HEAD || (value.ptr[1] != DRIVE_FILE && value.ptr[1] != DRIVE_FAILURE))
		return false;
	*out = (struct read){.answer = value.ptr[1],
			     .size = get_u64le(value.ptr + 4),
			     .path = bytes_of(value.ptr + READ_HEAD, path),
			     .failure = bytes_from(value, READ_HEAD + path)};
	memcpy(out->content.b, value.ptr + 12, 32);
	return true;
}

struct listing {
	struct arena *arena;
	struct read *list;
	size_t count;
	bool damaged;
};

static bool see_read(void *ctx, struct bytes key, struct bytes value)
{
	struct listing *l = ctx;

	(void)key;
	if (l->count == READ_FILES_MAX || !parse_read(&l->list[l->count], arena_copy(l->arena, value)))
		l->damaged = true;
	else
		l->count++;
	return !l->damaged;
}

enum err reads_get(struct store *s, struct arena *a, struct id process, const struct result_key *key, unsigned step,
		   struct read **list, size_t *count)
{
	uint8_t from[READ_KEY], to[READ_KEY];
	struct listing l = {.arena = a, .list = arena_new_array(a, READ_FILES_MAX, struct read)};
	struct store_range range = {.from = read_key(from, process, key, step * READ_FILES_MAX),
				    .to = read_key(to, process, key, (step + 1) * READ_FILES_MAX)};
	enum err e = store_scan(s, TABLE_READ, &range, see_read, &l);

	*list = l.list;
	*count = l.count;
	return e < 0 ? e : l.damaged ? E_CORRUPT : OK;
}

void payload_put(struct store *s, struct id item, struct id blob, uint64_t size)
{
	struct store_batch b = STORE_BATCH_EMPTY;
	uint8_t value[40];

	memcpy(value, blob.b, 32);
	set_u64le(value + 32, size);
	store_put(&b, TABLE_PAYLOAD, bytes_of(item.b, 32), bytes_of(value, sizeof(value)));
	store_commit(s, &b, NULL, NULL);
}

enum err payload_get(struct store *s, struct id item, struct id *blob, uint64_t *size)
{
	struct arena a = ARENA_EMPTY;
	struct bytes value;
	enum err e = store_get(s, TABLE_PAYLOAD, bytes_of(item.b, 32), &a, &value);

	if (e == OK && value.len != 40)
		e = E_CORRUPT;
	if (e == OK) {
		memcpy(blob->b, value.ptr, 32);
		*size = get_u64le(value.ptr + 32);
	}
	arena_release(&a);
	return e;
}

/* ---- pages ---- */

struct paging {
	struct jw w;
	size_t count, limit;
	bool more;
};

static void write_node(struct jw *w, const struct read *read)
{
	struct buf hex = BUF_EMPTY;

	jw_object(w);
	jw_member(w, "Path", read->path);
	jw_member(w, "Answer", read->answer == DRIVE_FILE ? BYTES("file") : read->failure);
	if (read->answer == DRIVE_FILE) {
		jw_member_u64(w, "Size", read->size);
		buf_put_hex(&hex, bytes_of(read->content.b, 32));
		jw_member(w, "SHA-256", buf_bytes(&hex));
	}
	jw_object_end(w);
	buf_release(&hex);
}

static bool see_edge(void *ctx, struct bytes key, struct bytes value)
{
	struct paging *p = ctx;
	struct result_key at;
	struct read read;

	if (key.len != READ_KEY || !parse_read(&read, value))
		return true;
	if (p->count == p->limit) {
		p->more = true;
		return false;
	}
	p->count++;
	result_key_read(&at, key);
	jw_object(&p->w);
	jw_key(&p->w, "node");
	write_node(&p->w, &read);
	jw_member_u64(&p->w, "timestamp", at.timestamp_ms);
	jw_member_u64(&p->w, "ordinate", at.ordinate);
	jw_member_u64(&p->w, "cron", at.cron);
	jw_key(&p->w, "cursor");
	jw_b64url(&p->w, bytes_from(key, 32));
	jw_object_end(&p->w);
	return true;
}

/* A cursor is the rest of a row's key after the process; the page begins with the first one after it. */
static enum err begin_after(uint8_t key[READ_KEY + 1], struct bytes *from, struct id process, struct bytes cursor,
			    struct note *note)
{
	size_t len;

	memcpy(key, process.b, 32);
	*from = bytes_of(key, 32);
	if (cursor.len == 0)
		return OK;
	if (b64url_decode(key + 32, READ_KEY - 32, &len, cursor) < 0 || len != READ_KEY - 32)
		return note_err(note, E_ARGUMENT, "'from': a cursor is what a page gave; this is not: \"%.*s\"",
				BYTES_FMT(cursor));
	key[READ_KEY] = 0;
	*from = bytes_of(key, READ_KEY + 1);
	return OK;
}

enum err reads_page(struct buf *out, struct store *s, struct id process, const struct reads_ask *ask, struct note *note)
{
	uint8_t from[READ_KEY + 1], end[32];
	struct store_range range = {.to = store_prefix_end(end, bytes_of(process.b, 32))};
	struct buf edges = BUF_EMPTY;
	struct paging p = {.w = jw_on(&edges), .limit = ask->limit};
	enum err e = begin_after(from, &range.from, process, ask->after, note);

	if (e < 0)
		return e;
	jw_array(&p.w);
	e = store_scan(s, TABLE_READ, &range, see_edge, &p);
	jw_array_end(&p.w);
	page_json(out, buf_bytes(&edges), p.more);
	buf_release(&edges);
	return e;
}
