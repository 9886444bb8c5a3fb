/* SPDX-License-Identifier: MIT
 *
 * record: what lies in the store of a local weave. Private to the folder.
 *
 * Everything that was accepted has a *sequence*: its place in the order of arrival, the items of a
 * bundle right after the bundle, depth first. A block closes over all that came since the last
 * one, so the order of the sequence is the order of the weave: by height, then by place in the
 * block, what is pending last. Hence one number orders every list, bounds every range of blocks,
 * and is a cursor that stays where it is while new things arrive and pending ones get their block.
 *
 *   table          key                          value
 *   RECORD         sequence                     the record, below
 *   ID             id                           sequence
 *   BYTES          id of what was uploaded      0, the bytes | 1, hash of the blob that holds them
 *   OWNER          address, sequence            -; of a stand-in (local.h) more than one address
 *   RECIPIENT      address, sequence            -
 *   TAG            tag_key(name,value), seq.    -
 *   BUNDLED        id of the bundle, sequence   -
 *   BLOCK          height                       the block, below
 *   BLOCK_ID       id of the block              height
 *   BLOCK_END      sequence_end                 height; only of blocks that are not empty
 *   CHAIN          "nonce"                      32 random bytes that tell this weave from any other
 *
 * Numbers in keys and values are big endian where they are keys' parts or whole values, little
 * endian inside records. A record keeps the fields of an item, not its bytes: those are in BYTES
 * once, for the upload and for all that is bundled in it.
 */
#ifndef WEFT_WEAVE_RECORD_H
#define WEFT_WEAVE_RECORD_H

#include "msg/tags.h"
#include "store/store.h"

enum weave_table {
	TABLE_RECORD = 1,
	TABLE_ID = 2,
	TABLE_BYTES = 3,
	TABLE_OWNER = 4,
	TABLE_RECIPIENT = 5,
	TABLE_TAG = 6,
	TABLE_BUNDLED = 7,
	TABLE_BLOCK = 8,
	TABLE_BLOCK_ID = 9,
	TABLE_BLOCK_END = 10,
	TABLE_CHAIN = 11,
};

enum {
	BLOCK_ID_SIZE = 48,
	TAG_KEY_SIZE = 16,
	INLINE_MAX = 256 << 10, /* uploads up to this size lie in the store's log, larger ones in blobs */
};

enum record_kind { RECORD_ITEM = 0, RECORD_TRANSACTION = 1 };

struct record {
	enum record_kind kind;
	uint64_t sequence;
	struct id id;
	struct id parent; /* the bundle that it came in; zero: none */
	struct id upload; /* in whose bytes it lies: its own, or the outermost bundle's */
	uint64_t size;    /* of the whole item there */
	uint64_t data_at; /* of the payload, from the start of those bytes */
	uint64_t data_size;
	struct id data_hash; /* SHA-256 of the payload */
	uint64_t received_ms;
	uint64_t received_height; /* of the newest block at that time */
	uint16_t signature_type;
	struct id owner_address;
	struct bytes signature, owner, target, anchor;
	struct bytes quantity, reward, data_root; /* of transactions, as text, text and bytes; else empty */
	struct tags tags;
	bool stands_for; /* its Stands-For tags count as owners, too; asked only when it is put, and not kept */
};

/* A block closes over the sequences [sequence_first, sequence_end). */
struct block {
	uint8_t id[BLOCK_ID_SIZE], previous[BLOCK_ID_SIZE]; /* previous: zeros in the first */
	uint64_t height;
	uint64_t timestamp; /* seconds */
	uint64_t sequence_first, sequence_end;
	uint64_t size, weave_size; /* bytes uploaded in this block, and in all so far */
};

/* ---- writing, into a batch ---- */

void record_put(struct store_batch *b, const struct record *r);
/* bytes_put_inline keeps what was uploaded in the store's log, bytes_put_blob the name of the blob
 * that has it. */
void bytes_put_inline(struct store_batch *b, struct id id, struct bytes bytes);
void bytes_put_blob(struct store_batch *b, struct id id, struct id blob);
void block_put(struct store_batch *b, const struct block *block);

/* ---- reading: E_NOT_FOUND, E_CORRUPT, E_IO; what is found lives in `a` ---- */

must_use enum err record_get(struct store *s, struct arena *a, uint64_t sequence, struct record *out);
must_use enum err record_find(struct store *s, struct arena *a, struct id id, struct record *out);
must_use enum err record_sequence(struct store *s, struct id id, uint64_t *sequence);
/* record_sequence_end is one past the newest. */
must_use enum err record_sequence_end(struct store *s, uint64_t *end);

/* bytes_open gives a descriptor of the file that holds the upload's bytes; E_UNSUPPORTED where
 * there is none (small ones, stores in memory): then bytes_read. */
must_use enum err bytes_open(struct store *s, struct id upload, int *fd);
/* bytes_read copies `len` bytes from `at`; E_CORRUPT when there are not as many. */
must_use enum err bytes_read(struct store *s, struct arena *a, struct id upload, uint64_t at, uint64_t len,
			     struct bytes *out);

must_use enum err block_get(struct store *s, uint64_t height, struct block *out);
must_use enum err block_find(struct store *s, const uint8_t id[BLOCK_ID_SIZE], struct block *out);
must_use enum err block_last(struct store *s, struct block *out);
/* block_of finds the block that closed over a sequence; E_NOT_FOUND: it is pending. */
must_use enum err block_of(struct store *s, uint64_t sequence, struct block *out);
/* block_ids calls for each upload of the block, in order. */
typedef void block_upload_seen(void *ctx, const struct record *upload);
must_use enum err block_uploads(struct store *s, uint64_t sequence_first, uint64_t sequence_end,
				block_upload_seen *seen, void *ctx);

/* tag_key is what the index of tags is ordered by: the first bytes of SHA-256(length of name,
 * name, value). Two tags may share one: check the record. */
void tag_key(uint8_t out[TAG_KEY_SIZE], struct bytes name, struct bytes value);

/* text_b64url is how ids, keys and signatures are spelled; in `a`. */
struct bytes text_b64url(struct arena *a, struct bytes b);

#endif
