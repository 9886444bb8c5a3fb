/* SPDX-License-Identifier: MIT */
#include "weave/document.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>

static void member_b64url(struct jw *w, const char *key, struct bytes b)
{
	jw_key(w, key);
	jw_b64url(w, b);
}

static void member_decimal(struct jw *w, const char *key, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	jw_member(w, key, bytes_str(text));
}

void document_tags(struct jw *w, struct tags tags)
{
	jw_array(w);
	for (size_t i = 0; i < tags.count; i++) {
		jw_object(w);
		member_b64url(w, "name", tags.list[i].name);
		member_b64url(w, "value", tags.list[i].value);
		jw_object_end(w);
	}
	jw_array_end(w);
}

struct bytes document_amount(struct bytes amount)
{
	return amount.len ? amount : BYTES("0");
}

void document_transaction(struct buf *out, const struct record *r)
{
	struct jw w = jw_on(out);

	jw_object(&w);
	jw_member_u64(&w, "format", 2);
	jw_member(&w, "id", bytes_str(id_text(r->id).s));
	member_b64url(&w, "last_tx", r->anchor);
	member_b64url(&w, "owner", r->owner);
	jw_key(&w, "tags");
	document_tags(&w, r->tags);
	member_b64url(&w, "target", r->target);
	jw_member(&w, "quantity", document_amount(r->quantity));
	jw_member(&w, "data", BYTES(""));
	member_decimal(&w, "data_size", r->data_size);
	jw_key(&w, "data_tree");
	jw_raw(&w, BYTES("[]"));
	member_b64url(&w, "data_root", r->data_root);
	jw_member(&w, "reward", document_amount(r->reward));
	member_b64url(&w, "signature", r->signature);
	jw_object_end(&w);
}

static struct bytes decoded(struct arena *a, struct bytes text)
{
	uint8_t *out = arena_alloc(a, text.len);
	size_t len;

	return b64url_decode(out, text.len, &len, text) == OK ? bytes_of(out, len) : bytes_of(NULL, 0);
}

void document_of_meta(struct buf *out, const struct weave_meta *m)
{
	struct arena a = ARENA_EMPTY;
	struct record r = {.owner = m->owner_key, .tags = m->tags, .data_size = m->data_size};

	if (id_parse(&r.id, m->id) < 0)
		r.id = (struct id){{0}};
	r.signature = decoded(&a, m->signature);
	r.target = decoded(&a, m->recipient);
	r.anchor = decoded(&a, m->anchor);
	document_transaction(out, &r);
	arena_release(&a);
}

static void see_upload(void *ctx, const struct record *upload)
{
	jw_cstr(ctx, id_text(upload->id).s);
}

enum err document_block(struct buf *out, struct store *s, const struct block *block)
{
	struct jw w = jw_on(out);
	enum err e;

	jw_object(&w);
	jw_member(&w, "nonce", BYTES("AA"));
	member_b64url(&w, "previous_block",
		      block->height ? bytes_of(block->previous, BLOCK_ID_SIZE) : bytes_of(NULL, 0));
	jw_member_u64(&w, "timestamp", block->timestamp);
	jw_member_u64(&w, "last_retarget", block->timestamp);
	member_decimal(&w, "diff", block->height + 1);
	jw_member_u64(&w, "height", block->height);
	jw_member(&w, "hash", bytes_str(id_text(id_of_sha256(bytes_of(block->id, BLOCK_ID_SIZE))).s));
	member_b64url(&w, "indep_hash", bytes_of(block->id, BLOCK_ID_SIZE));
	jw_key(&w, "txs");
	jw_array(&w);
	e = block_uploads(s, block->sequence_first, block->sequence_end, see_upload, &w);
	jw_array_end(&w);
	jw_member(&w, "tx_root", BYTES(""));
	jw_member(&w, "wallet_list", BYTES(""));
	jw_member(&w, "reward_addr", BYTES("unclaimed"));
	jw_key(&w, "tags");
	jw_raw(&w, BYTES("[]"));
	jw_member(&w, "reward_pool", BYTES("0"));
	member_decimal(&w, "weave_size", block->weave_size);
	member_decimal(&w, "block_size", block->size);
	member_decimal(&w, "cumulative_diff", block->height + 1);
	jw_member(&w, "hash_list_merkle", BYTES(""));
	jw_key(&w, "usd_to_ar_rate");
	jw_raw(&w, BYTES("[\"1\",\"10\"]"));
	jw_key(&w, "scheduled_usd_to_ar_rate");
	jw_raw(&w, BYTES("[\"1\",\"10\"]"));
	jw_key(&w, "poa");
	jw_raw(&w, BYTES("{\"option\":\"1\",\"tx_path\":\"\",\"data_path\":\"\",\"chunk\":\"\"}"));
	jw_object_end(&w);
	return e;
}
