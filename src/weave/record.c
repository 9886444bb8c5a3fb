/* SPDX-License-Identifier: MIT
 *
 * The record, version 1 (numbers little endian):
 *
 *   offset  size  field                      offset  size  field
 *   0       1     version                    84      32    parent
 *   1       1     kind                       116     32    upload
 *   2       2     signature type             148     32    hash of the payload
 *   4       8     received, ms               180     32    owner's address
 *   12      8     received at height         212     4     number of tags
 *   20      32    id                         216     28    seven lengths, u32: signature, owner, target,
 *   52      8     size                                     anchor, quantity, reward, data root
 *   60      8     payload at                 244     4     length of the tags
 *   68      8     size of the payload        248     .     those, one after the other; tags as Avro
 *   76      8     0
 *
 * The block, version 1: version u8, id 48, previous 48, timestamp u64, sequence_first u64,
 * sequence_end u64, size u64, weave_size u64.
 */
#include "weave/record.h"

#include "base/text.h"
#include "msg/avro.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	RECORD_VERSION = 1,
	RECORD_HEAD = 248,
	RECORD_LENGTHS = 216,
	RECORD_FIELDS = 7,
	BLOCK_VERSION = 1,
	BLOCK_SIZE = 1 + 2 * BLOCK_ID_SIZE + 5 * 8,
	BYTES_INLINE = 0,
	BYTES_BLOB = 1,
};

static struct bytes number_key(uint8_t key[8], uint64_t n)
{
	set_u64be(key, n);
	return bytes_of(key, 8);
}

struct bytes text_b64url(struct arena *a, struct bytes b)
{
	char *text = arena_alloc(a, b64url_len(b.len) + 1);

	b64url_encode(text, b);
	return bytes_of(text, b64url_len(b.len));
}

/* ---- records ---- */

void tag_key(uint8_t out[TAG_KEY_SIZE], struct bytes name, struct bytes value)
{
	struct hasher *h = sha256_open();
	uint8_t length[8], hash[SHA256_SIZE];

	set_u64le(length, name.len);
	hasher_add(h, length, sizeof(length));
	hasher_add(h, name.ptr, name.len);
	hasher_add(h, value.ptr, value.len);
	hasher_end(h, hash);
	memcpy(out, hash, TAG_KEY_SIZE);
}

static void put_index(struct store_batch *b, enum weave_table table, const uint8_t *prefix, size_t len,
		      uint64_t sequence)
{
	uint8_t key[40];

	memcpy(key, prefix, len);
	set_u64be(key + len, sequence);
	store_put(b, table, bytes_of(key, len + 8), bytes_of(NULL, 0));
}

static void put_indexes(struct store_batch *b, const struct record *r)
{
	struct id id;

	put_index(b, TABLE_OWNER, r->owner_address.b, 32, r->sequence);
	for (size_t i = 0; r->stands_for && i < r->tags.count; i++)
		if (bytes_eq_str(r->tags.list[i].name, "Stands-For") && id_parse(&id, r->tags.list[i].value) == OK)
			put_index(b, TABLE_OWNER, id.b, 32, r->sequence);
	if (r->target.len == 32)
		put_index(b, TABLE_RECIPIENT, r->target.ptr, 32, r->sequence);
	if (!id_is_zero(r->parent))
		put_index(b, TABLE_BUNDLED, r->parent.b, 32, r->sequence);
	for (size_t i = 0; i < r->tags.count; i++) {
		uint8_t key[TAG_KEY_SIZE];
		tag_key(key, r->tags.list[i].name, r->tags.list[i].value);
		put_index(b, TABLE_TAG, key, TAG_KEY_SIZE, r->sequence);
	}
}

void record_put(struct store_batch *b, const struct record *r)
{
	const struct bytes fields[RECORD_FIELDS] = {r->signature, r->owner,  r->target,   r->anchor,
						    r->quantity,  r->reward, r->data_root};
	uint8_t head[RECORD_HEAD] = {RECORD_VERSION, (uint8_t)r->kind}, key[8], sequence[8];
	struct buf tags = BUF_EMPTY, value = BUF_EMPTY;

	avro_encode(&tags, r->tags);
	set_u16le(head + 2, r->signature_type);
	set_u64le(head + 4, r->received_ms);
	set_u64le(head + 12, r->received_height);
	memcpy(head + 20, r->id.b, 32);
	set_u64le(head + 52, r->size);
	set_u64le(head + 60, r->data_at);
	set_u64le(head + 68, r->data_size);
	memcpy(head + 84, r->parent.b, 32);
	memcpy(head + 116, r->upload.b, 32);
	memcpy(head + 148, r->data_hash.b, 32);
	memcpy(head + 180, r->owner_address.b, 32);
	set_u32le(head + 212, (uint32_t)r->tags.count);
	for (size_t i = 0; i < RECORD_FIELDS; i++)
		set_u32le(head + RECORD_LENGTHS + 4 * i, (uint32_t)fields[i].len);
	set_u32le(head + RECORD_LENGTHS + 4 * RECORD_FIELDS, (uint32_t)tags.len);
	buf_put(&value, head, RECORD_HEAD);
	for (size_t i = 0; i < RECORD_FIELDS; i++)
		buf_put_bytes(&value, fields[i]);
	buf_put_bytes(&value, buf_bytes(&tags));

	store_put(b, TABLE_RECORD, number_key(key, r->sequence), buf_bytes(&value));
	store_put(b, TABLE_ID, bytes_of(r->id.b, 32), number_key(sequence, r->sequence));
	put_indexes(b, r);
	buf_release(&tags);
	buf_release(&value);
}

static struct id id_at(const uint8_t *p)
{
	struct id id;

	memcpy(id.b, p, 32);
	return id;
}

/* The part of fixed width; false when the value is not a record of ours. */
static bool read_head(struct record *out, struct bytes value)
{
	const uint8_t *p = value.ptr;

	if (value.len < RECORD_HEAD || p[0] != RECORD_VERSION || p[1] > RECORD_TRANSACTION)
		return false;
	out->kind = (enum record_kind)p[1];
	out->signature_type = get_u16le(p + 2);
	out->received_ms = get_u64le(p + 4);
	out->received_height = get_u64le(p + 12);
	out->id = id_at(p + 20);
	out->size = get_u64le(p + 52);
	out->data_at = get_u64le(p + 60);
	out->data_size = get_u64le(p + 68);
	out->parent = id_at(p + 84);
	out->upload = id_at(p + 116);
	out->data_hash = id_at(p + 148);
	out->owner_address = id_at(p + 180);
	return true;
}

static enum err read_record(struct record *out, struct arena *a, uint64_t sequence, struct bytes value)
{
	struct bytes *fields[RECORD_FIELDS + 1] = {&out->signature, &out->owner,  &out->target,    &out->anchor,
						   &out->quantity,  &out->reward, &out->data_root, NULL};
	struct bytes tags = {0};
	size_t at = RECORD_HEAD;

	fields[RECORD_FIELDS] = &tags;
	*out = (struct record){.sequence = sequence};
	if (!read_head(out, value))
		return E_CORRUPT;
	for (size_t i = 0; i <= RECORD_FIELDS; i++) {
		uint32_t len = get_u32le(value.ptr + RECORD_LENGTHS + 4 * i);
		if (len > value.len - at)
			return E_CORRUPT;
		*fields[i] = bytes_of(value.ptr + at, len);
		at += len;
	}
	if (at != value.len || avro_decode(&out->tags, a, tags, get_u32le(value.ptr + 212), NULL) < 0)
		return E_CORRUPT;
	return OK;
}

enum err record_get(struct store *s, struct arena *a, uint64_t sequence, struct record *out)
{
	uint8_t key[8];
	struct bytes value;
	enum err e = store_get(s, TABLE_RECORD, number_key(key, sequence), a, &value);

	return e < 0 ? e : read_record(out, a, sequence, value);
}

static enum err get_number(struct store *s, enum weave_table table, struct bytes key, uint64_t *out)
{
	struct arena a = ARENA_EMPTY;
	struct bytes value;
	enum err e = store_get(s, table, key, &a, &value);

	if (e == OK && value.len != 8)
		e = E_CORRUPT;
	if (e == OK)
		*out = get_u64be(value.ptr);
	arena_release(&a);
	return e;
}

enum err record_sequence(struct store *s, struct id id, uint64_t *sequence)
{
	return get_number(s, TABLE_ID, bytes_of(id.b, 32), sequence);
}

enum err record_find(struct store *s, struct arena *a, struct id id, struct record *out)
{
	uint64_t sequence;
	enum err e = record_sequence(s, id, &sequence);

	return e < 0 ? e : record_get(s, a, sequence, out);
}

static bool take_end(void *ctx, struct bytes key, struct bytes value)
{
	(void)value;
	if (key.len == 8)
		*(uint64_t *)ctx = get_u64be(key.ptr) + 1;
	return false;
}

enum err record_sequence_end(struct store *s, uint64_t *end)
{
	struct store_range last = {.backward = true, .limit = 1};

	*end = 0;
	return store_scan(s, TABLE_RECORD, &last, take_end, end);
}

/* ---- the bytes of what was uploaded ---- */

void bytes_put_inline(struct store_batch *b, struct id id, struct bytes bytes)
{
	struct buf value = BUF_EMPTY;

	buf_reserve(&value, 1 + bytes.len);
	buf_put_u8(&value, BYTES_INLINE);
	buf_put_bytes(&value, bytes);
	store_put(b, TABLE_BYTES, bytes_of(id.b, 32), buf_bytes(&value));
	buf_release(&value);
}

void bytes_put_blob(struct store_batch *b, struct id id, struct id blob)
{
	uint8_t value[33] = {BYTES_BLOB};

	memcpy(value + 1, blob.b, 32);
	store_put(b, TABLE_BYTES, bytes_of(id.b, 32), bytes_of(value, sizeof(value)));
}

static enum err get_bytes(struct store *s, struct arena *a, struct id upload, bool *is_blob, struct bytes *value)
{
	enum err e = store_get(s, TABLE_BYTES, bytes_of(upload.b, 32), a, value);

	if (e < 0)
		return e;
	if (value->len == 0 || value->ptr[0] > BYTES_BLOB || (value->ptr[0] == BYTES_BLOB && value->len != 33))
		return E_CORRUPT;
	*is_blob = value->ptr[0] == BYTES_BLOB;
	*value = bytes_from(*value, 1);
	return OK;
}

enum err bytes_open(struct store *s, struct id upload, int *fd)
{
	struct arena a = ARENA_EMPTY;
	struct bytes value;
	bool is_blob;
	enum err e = get_bytes(s, &a, upload, &is_blob, &value);

	if (e == OK)
		e = is_blob ? store_blob_open(s, id_at(value.ptr), fd) : E_UNSUPPORTED;
	arena_release(&a);
	return e;
}

/* A payload out of a file of many is read alone; its hash is the caller's to check. */
static enum err read_file(int fd, struct arena *a, uint64_t at, uint64_t len, struct bytes *out)
{
	uint8_t *copy = arena_alloc(a, (size_t)len + 1);
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, copy + done, (size_t)len - done, (off_t)(at + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? E_IO : E_CORRUPT;
		done += (size_t)n;
	}
	*out = bytes_of(copy, (size_t)len);
	return OK;
}

enum err bytes_read(struct store *s, struct arena *a, struct id upload, uint64_t at, uint64_t len, struct bytes *out)
{
	struct bytes value;
	bool is_blob;
	int fd;
	enum err e = get_bytes(s, a, upload, &is_blob, &value);

	if (e == OK && is_blob) {
		struct id blob = id_at(value.ptr);
		e = store_blob_open(s, blob, &fd);
		if (e == OK) {
			e = read_file(fd, a, at, len, out);
			close(fd);
			return e;
		}
		if (e == E_UNSUPPORTED)
			e = store_blob_get(s, blob, a, &value);
	}
	if (e < 0)
		return e == E_NOT_FOUND ? E_CORRUPT : e;
	if (at > value.len || len > value.len - at)
		return E_CORRUPT;
	*out = bytes_of(value.ptr + at, (size_t)len);
	return OK;
}

/* ---- blocks ---- */

void block_put(struct store_batch *b, const struct block *block)
{
	uint8_t value[BLOCK_SIZE] = {BLOCK_VERSION}, key[8], end[8];
	uint8_t *numbers = value + 1 + 2 * BLOCK_ID_SIZE;

	memcpy(value + 1, block->id, BLOCK_ID_SIZE);
	memcpy(value + 1 + BLOCK_ID_SIZE, block->previous, BLOCK_ID_SIZE);
	set_u64le(numbers, block->timestamp);
	set_u64le(numbers + 8, block->sequence_first);
	set_u64le(numbers + 16, block->sequence_end);
	set_u64le(numbers + 24, block->size);
	set_u64le(numbers + 32, block->weave_size);
	number_key(key, block->height);
	store_put(b, TABLE_BLOCK, bytes_of(key, 8), bytes_of(value, sizeof(value)));
	store_put(b, TABLE_BLOCK_ID, bytes_of(block->id, BLOCK_ID_SIZE), bytes_of(key, 8));
	if (block->sequence_end > block->sequence_first)
		store_put(b, TABLE_BLOCK_END, number_key(end, block->sequence_end), bytes_of(key, 8));
}

static bool read_block(struct block *out, struct bytes key, struct bytes value)
{
	const uint8_t *numbers = value.ptr + 1 + 2 * BLOCK_ID_SIZE;

	if (key.len != 8 || value.len != BLOCK_SIZE || value.ptr[0] != BLOCK_VERSION)
		return false;
	out->height = get_u64be(key.ptr);
	memcpy(out->id, value.ptr + 1, BLOCK_ID_SIZE);
	memcpy(out->previous, value.ptr + 1 + BLOCK_ID_SIZE, BLOCK_ID_SIZE);
	out->timestamp = get_u64le(numbers);
	out->sequence_first = get_u64le(numbers + 8);
	out->sequence_end = get_u64le(numbers + 16);
	out->size = get_u64le(numbers + 24);
	out->weave_size = get_u64le(numbers + 32);
	return true;
}

enum err block_get(struct store *s, uint64_t height, struct block *out)
{
	struct arena a = ARENA_EMPTY;
	uint8_t key[8];
	struct bytes value;
	enum err e = store_get(s, TABLE_BLOCK, number_key(key, height), &a, &value);

	if (e == OK && !read_block(out, bytes_of(key, 8), value))
		e = E_CORRUPT;
	arena_release(&a);
	return e;
}

enum err block_find(struct store *s, const uint8_t id[BLOCK_ID_SIZE], struct block *out)
{
	uint64_t height;
	enum err e = get_number(s, TABLE_BLOCK_ID, bytes_of(id, BLOCK_ID_SIZE), &height);

	return e < 0 ? e : block_get(s, height, out);
}

struct seeking {
	struct block *block;
	uint64_t height;
	enum err e;
};

static bool see_last(void *ctx, struct bytes key, struct bytes value)
{
	struct seeking *k = ctx;

	k->e = read_block(k->block, key, value) ? OK : E_CORRUPT;
	return false;
}

enum err block_last(struct store *s, struct block *out)
{
	struct store_range last = {.backward = true, .limit = 1};
	struct seeking k = {.block = out, .e = E_NOT_FOUND};
	enum err e = store_scan(s, TABLE_BLOCK, &last, see_last, &k);

	return e < 0 ? e : k.e;
}

static bool see_end(void *ctx, struct bytes key, struct bytes value)
{
	struct seeking *k = ctx;

	k->e = value.len == 8 ? OK : E_CORRUPT;
	if (k->e == OK)
		k->height = get_u64be(value.ptr);
	return false;
}

enum err block_of(struct store *s, uint64_t sequence, struct block *out)
{
	uint8_t key[8];
	struct store_range range = {.from = number_key(key, sequence + 1), .limit = 1};
	struct seeking k = {.e = E_NOT_FOUND};
	enum err e = store_scan(s, TABLE_BLOCK_END, &range, see_end, &k);

	if (e == OK)
		e = k.e;
	return e < 0 ? e : block_get(s, k.height, out);
}

struct uploads {
	block_upload_seen *seen;
	void *ctx;
	enum err e;
};

static bool see_upload(void *ctx, struct bytes key, struct bytes value)
{
	struct uploads *u = ctx;
	struct record r = {0};

	if (key.len != 8 || !read_head(&r, value)) {
		u->e = E_CORRUPT;
		return false;
	}
	r.sequence = get_u64be(key.ptr);
	if (id_is_zero(r.parent))
		u->seen(u->ctx, &r);
	return true;
}

enum err block_uploads(struct store *s, uint64_t sequence_first, uint64_t sequence_end, block_upload_seen *seen,
		       void *ctx)
{
	uint8_t from[8], to[8];
	struct store_range range = {.from = number_key(from, sequence_first), .to = number_key(to, sequence_end)};
	struct uploads u = {.seen = seen, .ctx = ctx};
	enum err e = sequence_first >= sequence_end ? OK : store_scan(s, TABLE_RECORD, &range, see_upload, &u);

	return e < 0 ? e : u.e;
}
