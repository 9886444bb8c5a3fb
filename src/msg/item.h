/* SPDX-License-Identifier: MIT
 *
 * item: the signed message, an ANS-104 data item (ao-units 1.1).
 *
 *   offset  size     field
 *   0       2        signature type, u16 little endian, 1..7
 *   2       S        signature           (sizes by type: msg/key.h)
 *   2+S     K        owner: the public key
 *   .       1 [+32]  target: flag 0, or 1 and 32 bytes
 *   .       1 [+32]  anchor: flag 0, or 1 and 32 bytes
 *   .       8        number of tags, u64 little endian
 *   .       8        length of the tags in bytes, u64 little endian
 *   .       T        tags, Avro (msg/avro.h)
 *   .       rest     data
 *
 * What is signed is the deep hash of ["dataitem", "1", type, owner, target, anchor, tags as
 * stored, data]; the id is the SHA-256 of the signature. The stored bytes are the message:
 * they are hashed, kept and passed on as they came, never re-encoded.
 */
#ifndef WEFT_MSG_ITEM_H
#define WEFT_MSG_ITEM_H

#include "msg/key.h"
#include "msg/tags.h"

struct item {
	enum signature_type type;
	struct bytes signature, owner;
	struct bytes target; /* 32 bytes or empty */
	struct bytes anchor; /* 32 bytes or empty */
	struct bytes raw_tags;
	struct tags tags;
	struct bytes data;
	struct id id;
	struct bytes raw; /* the whole item */
};

/* item_parse reads the structure; every view in *out borrows `raw`, the list of tags is in `a`. E_FORMAT names the
 * field and its offset; E_UNSUPPORTED an unknown signature type. It does not check the signature. */
must_use enum err item_parse(struct item *out, struct arena *a, struct bytes raw, struct note *note);
/* item_verify: E_SIGNATURE when the signature is not the owner's over this item. */
must_use enum err item_verify(const struct item *item, struct note *note);

struct item_fields {
	struct bytes target; /* 32 bytes or empty */
	struct bytes anchor; /* 32 bytes or empty */
	struct tags tags;
	struct bytes data;
};

/* item_create appends a signed item to `out` and sets *id. E_ARGUMENT for a target or anchor of another size,
 * E_LIMIT when the tags take more than TAG_BYTES_MAX. */
must_use enum err item_create(struct buf *out, struct id *id, const struct key *key, const struct item_fields *fields,
			      struct note *note);

/* The first eight fields under the signature, hashed. */
void item_signed_hash(uint8_t m[SIGNED_HASH_SIZE], enum signature_type type, struct bytes owner, struct bytes target,
		      struct bytes anchor, struct bytes raw_tags, struct bytes data);

#endif
