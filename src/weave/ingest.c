/* SPDX-License-Identifier: MIT
 *
 * ingest: from the bytes of an upload to its rows.
 */
#include "base/clock.h"
#include "msg/bundle.h"
#include "msg/item.h"
#include "msg/key.h"
#include "weave/transaction.h"
#include "weave/unit.h"

#include <stdlib.h>
#include <string.h>

/* The rows of one upload while they are being found. */
struct rows {
	struct arena *arena;
	struct bytes upload;
	struct record *list;
	size_t count, cap;
	uint64_t now_ms, height;
	size_t skipped;
};

static struct record *add_row(struct rows *rows)
{
	if (rows->count == rows->cap) {
		struct record *wider = arena_new_array(rows->arena, rows->cap ? 2 * rows->cap : 4, struct record);
		if (rows->count)
			memcpy(wider, rows->list, rows->count * sizeof(*wider));
		rows->list = wider;
		rows->cap = rows->cap ? 2 * rows->cap : 4;
	}
	return &rows->list[rows->count++];
}

static void add_item(struct rows *rows, const struct item *item, struct id parent)
{
	struct id upload = rows->count ? rows->list[0].id : item->id;

	*add_row(rows) = (struct record){
		.kind = RECORD_ITEM,
		.id = item->id,
		.parent = parent,
		.upload = upload,
		.size = item->raw.len,
		.data_at = (uint64_t)(item->raw.ptr - rows->upload.ptr) + item->raw.len - item->data.len,
		.data_size = item->data.len,
		.data_hash = id_of_sha256(item->data),
		.received_ms = rows->now_ms,
		.received_height = rows->height,
		.signature_type = (uint16_t)item->type,
		.owner_address = id_of_sha256(item->owner),
		.signature = item->signature,
		.owner = item->owner,
		.target = item->target,
		.anchor = item->anchor,
		.tags = item->tags,
	};
}

static void add_transaction(struct rows *rows, const struct transaction *t)
{
	*add_row(rows) = (struct record){
		.kind = RECORD_TRANSACTION,
		.id = t->id,
		.upload = t->id,
		.size = t->data.len,
		.data_size = t->data.len,
		.data_hash = id_of_sha256(t->data),
		.received_ms = rows->now_ms,
		.received_height = rows->height,
		.signature_type = SIGN_ARWEAVE,
		.owner_address = id_of_sha256(t->owner),
		.signature = t->signature,
		.owner = t->owner,
		.target = t->target,
		.anchor = t->anchor,
		.quantity = t->quantity,
		.reward = t->reward,
		.data_root = t->data_root,
		.tags = t->tags,
	};
}

/* Adds what is in a bundle, depth first. An item that cannot be read, is not the one that the
 * header names, or does not verify is skipped, not fatal (weave 5.4). */
static void add_bundled(struct rows *rows, struct bytes bundle, struct id parent, int depth)
{
	const struct bundle_entry *entries;
	size_t count;

	if (depth == BUNDLE_DEPTH_MAX || bundle_parse(&entries, &count, rows->arena, bundle, NULL) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct item item;
		if (rows->count == UPLOAD_ROWS_MAX) {
			rows->skipped += count - i;
			return;
		}
		if (item_parse(&item, rows->arena, entries[i].item, NULL) < 0 || !id_eq(item.id, entries[i].id) ||
		    item_verify(&item, NULL) < 0) {
			rows->skipped++;
			continue;
		}
		add_item(rows, &item, parent);
		if (bundle_tagged(item.tags))
			add_bundled(rows, item.data, item.id, depth + 1);
	}
}

/* Only the node itself says for whom it stands in, and only as a scheduler. */
static bool stands_for(const struct local_weave *w, const struct record *r)
{
	return tags_includes(r->tags, "Type", "Scheduler-Location") && id_eq(r->owner_address, key_address(w->key));
}

struct ingest {
	struct local_weave *weave;
	struct accepted accepted;
	ingest_done *done;
	void *ctx;
};

static void answer(struct ingest *i, enum err e, const struct note *note)
{
	struct local_weave *w = i->weave;

	i->done(i->ctx, e, note, e < 0 ? NULL : &i->accepted);
	free(i);
	atomic_fetch_sub(&w->under_way, 1);
}

/* What was accepted before is answered as it was then. */
static enum err read_accepted(struct store *s, struct accepted *accepted)
{
	struct arena a = ARENA_EMPTY;
	struct record r;
	enum err e = record_find(s, &a, accepted->id, &r);

	if (e == OK) {
		accepted->received_ms = r.received_ms;
		accepted->received_height = r.received_height;
		accepted->again = true;
	}
	arena_release(&a);
	return e;
}

static void on_appended(void *ctx, enum err e, bool again)
{
	struct ingest *i = ctx;
	struct note note = {0};

	if (e == OK && again)
		e = read_accepted(i->weave->store, &i->accepted);
	if (e < 0)
		note_err(&note, e, "the weave's store does not take anything: %s", err_sentence(e));
	answer(i, e, e < 0 ? &note : NULL);
}

/* Opens the first row when it is a bundle, and hands all to the chain. */
static void append(struct local_weave *w, struct rows *rows, struct bytes data, ingest_done *done, void *ctx)
{
	struct record *first = rows->list;
	struct ingest *i = calloc(1, sizeof(*i));
	struct upload upload = {.bytes = rows->upload};
	struct note note = {0};
	uint64_t known;
	enum err e = OK;

	must(i != NULL);
	i->weave = w;
	i->accepted = (struct accepted){first->id, rows->now_ms, rows->height, false};
	i->done = done;
	i->ctx = ctx;
	atomic_fetch_add(&w->under_way, 1);
	if (record_sequence(w->store, first->id, &known) == E_NOT_FOUND) {
		if (bundle_tagged(first->tags))
			add_bundled(rows, data, first->id, 0);
		if (rows->skipped)
			log_event(w->log, LOG_ODD, "weave.unbundle", "bundle=%s taken=%zu skipped=%zu",
				  id_text(i->accepted.id).s, rows->count - 1, rows->skipped);
		if (rows->upload.len > INLINE_MAX)
			e = store_blob_put(w->store, &upload.blob, rows->upload);
	}
	if (e < 0) {
		note_err(&note, e, "the weave's store does not take the payload: %s", err_sentence(e));
		answer(i, e, &note);
		return;
	}
	upload.list = rows->list;
	upload.count = rows->count;
	chain_append(w->chain, &upload, on_appended, i);
}

static struct rows rows_on(struct local_weave *w, struct arena *a, struct bytes upload)
{
	return (struct rows){.arena = a, .upload = upload, .now_ms = clock_ms(), .height = chain_tip(w->chain).height};
}

void ingest_item(struct local_weave *w, struct bytes raw, ingest_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct rows rows = rows_on(w, &a, raw);
	struct note note = {0};
	struct item item;
	enum err e = OK;

	if (raw.len > UPLOAD_MAX)
		e = note_err(&note, E_LIMIT, "the item is %zu bytes, this weave takes at most %d", raw.len, UPLOAD_MAX);
	if (e == OK && (e = item_parse(&item, &a, raw, &note)) == OK)
		e = item_verify(&item, &note);
	if (e < 0) {
		done(ctx, e, &note, NULL);
	} else {
		add_item(&rows, &item, (struct id){{0}});
		rows.list[0].stands_for = stands_for(w, &rows.list[0]);
		append(w, &rows, item.data, done, ctx);
	}
	arena_release(&a);
}

void ingest_transaction(struct local_weave *w, struct bytes json, ingest_done *done, void *ctx)
{
	struct arena a = ARENA_EMPTY;
	struct note note = {0};
	struct transaction t;
	enum err e = transaction_parse(&t, &a, json, &note);

	if (e == OK)
		e = transaction_verify(&t, &note);
	if (e < 0) {
		done(ctx, e, &note, NULL);
	} else {
		struct rows rows = rows_on(w, &a, t.data);
		add_transaction(&rows, &t);
		append(w, &rows, t.data, done, ctx);
	}
	arena_release(&a);
}
