/* SPDX-License-Identifier: MIT */
#include "msg/item.h"

#include "msg/avro.h"
#include "msg/deephash.h"

#include <stdio.h>
#include <string.h>

void item_signed_hash(uint8_t m[SIGNED_HASH_SIZE], enum signature_type type, struct bytes owner, struct bytes target,
		      struct bytes anchor, struct bytes raw_tags, struct bytes data)
{
	struct deephash list = deephash_list(8);
	char digits[12];

	snprintf(digits, sizeof(digits), "%d", type);
	deephash_add_blob(&list, BYTES("dataitem"));
	deephash_add_blob(&list, BYTES("1"));
	deephash_add_blob(&list, bytes_str(digits));
	deephash_add_blob(&list, owner);
	deephash_add_blob(&list, target);
	deephash_add_blob(&list, anchor);
	deephash_add_blob(&list, raw_tags);
	deephash_add_blob(&list, data);
	memcpy(m, list.b, SIGNED_HASH_SIZE);
}

/* ---- reading ---- */

struct cursor {
	struct bytes raw;
	size_t at;
	struct note *note;
};

static enum err take(struct cursor *c, size_t len, struct bytes *out, const char *field)
{
	if (len > c->raw.len - c->at)
		return note_err(c->note, E_FORMAT, "the data item ends inside its %s, at byte %zu", field, c->at);
	*out = bytes_of(c->raw.ptr + c->at, len);
	c->at += len;
	return OK;
}

static enum err take_optional(struct cursor *c, struct bytes *out, const char *field)
{
	struct bytes flag;
	enum err e = take(c, 1, &flag, field);

	*out = bytes_of(NULL, 0);
	if (e < 0 || flag.ptr[0] == 0)
		return e;
	if (flag.ptr[0] != 1)
		return note_err(c->note, E_FORMAT, "the flag before the data item's %s is %d, not 0 or 1, at byte %zu",
				field, flag.ptr[0], c->at - 1);
	return take(c, 32, out, field);
}

static enum err take_tags(struct cursor *c, struct item *item, struct arena *a)
{
	struct bytes lengths;
	uint64_t count, len;
	enum err e = take(c, 16, &lengths, "tag lengths");

	if (e < 0)
		return e;
	count = get_u64le(lengths.ptr);
	len = get_u64le(lengths.ptr + 8);
	if (len > TAG_BYTES_MAX)
		return note_err(c->note, E_LIMIT, "the data item's tags take %llu bytes, at most %d are allowed",
				(unsigned long long)len, TAG_BYTES_MAX);
	e = take(c, (size_t)len, &item->raw_tags, "tags");
	if (e < 0)
		return e;
	return avro_decode(&item->tags, a, item->raw_tags, count, c->note);
}

enum err item_parse(struct item *out, struct arena *a, struct bytes raw, struct note *note)
{
	struct cursor c = {raw, 0, note};
	size_t signature_len, owner_len;
	struct bytes type;
	enum err e;

	*out = (struct item){.raw = raw};
	e = take(&c, 2, &type, "signature type");
	if (e < 0)
		return e;
	if (!signature_sizes(get_u16le(type.ptr), &signature_len, &owner_len))
		return note_err(note, E_UNSUPPORTED, "not a data item: there is no signature type %u",
				get_u16le(type.ptr));
	out->type = (enum signature_type)get_u16le(type.ptr);
	if ((e = take(&c, signature_len, &out->signature, "signature")) < 0 ||
	    (e = take(&c, owner_len, &out->owner, "owner")) < 0 ||
	    (e = take_optional(&c, &out->target, "target")) < 0 ||
	    (e = take_optional(&c, &out->anchor, "anchor")) < 0 || (e = take_tags(&c, out, a)) < 0)
		return e;
	out->data = bytes_from(raw, c.at);
	out->id = id_of_sha256(out->signature);
	return OK;
}

enum err item_verify(const struct item *item, struct note *note)
{
	uint8_t m[SIGNED_HASH_SIZE];

	item_signed_hash(m, item->type, item->owner, item->target, item->anchor, item->raw_tags, item->data);
	return signature_verify(item->type, item->owner, item->signature, m, note);
}

/* ---- creating ---- */

static void put_optional(struct buf *out, struct bytes field)
{
	buf_put_u8(out, field.len != 0);
	buf_put_bytes(out, field);
}

enum err item_create(struct buf *out, struct id *id, const struct key *key, const struct item_fields *fields,
		     struct note *note)
{
	enum signature_type type = key_type(key);
	struct bytes owner = key_owner(key);
	uint8_t m[SIGNED_HASH_SIZE], signature[SIGNATURE_MAX], number[8];
	struct buf tags = BUF_EMPTY;
	size_t signature_len, owner_len;
	enum err e = OK;

	must(signature_sizes((uint16_t)type, &signature_len, &owner_len) && owner_len == owner.len);
	if (fields->target.len != 0 && fields->target.len != 32)
		return note_err(note, E_ARGUMENT, "Target must be 32 bytes");
	if (fields->anchor.len != 0 && fields->anchor.len != 32)
		return note_err(note, E_ARGUMENT, "Anchor must be 32 bytes");
	avro_encode(&tags, fields->tags);
	if (tags.len > TAG_BYTES_MAX) {
		e = note_err(note, E_LIMIT, "Too many tag bytes (%zu > %d)", tags.len, TAG_BYTES_MAX);
		goto out;
	}
	item_signed_hash(m, type, owner, fields->target, fields->anchor, buf_bytes(&tags), fields->data);
	key_sign(key, signature, m);
	*id = id_of_sha256(bytes_of(signature, signature_len));

	buf_reserve(out, 2 + signature_len + owner_len + 2 * 33 + 16 + tags.len + fields->data.len);
	buf_put_u8(out, (uint8_t)type);
	buf_put_u8(out, 0);
	buf_put(out, signature, signature_len);
	buf_put_bytes(out, owner);
	put_optional(out, fields->target);
	put_optional(out, fields->anchor);
	set_u64le(number, fields->tags.count);
	buf_put(out, number, sizeof(number));
	set_u64le(number, tags.len);
	buf_put(out, number, sizeof(number));
	buf_put_bytes(out, buf_bytes(&tags));
	buf_put_bytes(out, fields->data);
out:
	buf_release(&tags);
	return e;
}
