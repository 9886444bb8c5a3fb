/* SPDX-License-Identifier: MIT */
#include "weave/gateway.h"

#include "base/clock.h"
#include "base/text.h"
#include "weave/document.h"
#include "weave/payload.h"
#include "weave/query.h"
#include "weave/unit.h"
#include "weave/uploader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	INLINE_DATA_MAX = 12 << 20, /* /tx/{id}/data is one text */
	MINE_MAX = 1000,
	PRICE_PER_1000_BYTES = 65595508, /* winston: what arlocal asks */
};

/* ---- words of an answer ---- */

static void refuse(struct http_request *r, enum err e, const char *text)
{
	struct note note = {0};

	note_err(&note, e, "%s", text);
	http_answer_err(r, e, &note);
}

static void answer_number(struct http_request *r, uint64_t n)
{
	http_answer(r, 200, HTTP_TEXT, arena_printf(http_arena(r), "%" PRIu64, n));
}

static void answer_json(struct http_request *r, struct buf *json)
{
	http_answer_buf(r, 200, HTTP_JSON, json);
}

/* ---- the network ---- */

static void info_json(struct local_weave *weave, struct buf *json)
{
	struct block tip = chain_tip(weave->chain);
	struct jw w = jw_on(json);

	jw_object(&w);
	jw_member(&w, "network", BYTES("weft.LN.1"));
	jw_member_u64(&w, "version", 5);
	jw_member_u64(&w, "release", 1);
	jw_member_u64(&w, "queue_length", 0);
	jw_member_u64(&w, "peers", 0);
	jw_member_u64(&w, "height", tip.height);
	jw_key(&w, "current");
	jw_b64url(&w, bytes_of(tip.id, BLOCK_ID_SIZE));
	jw_member_u64(&w, "blocks", tip.height + 1);
	jw_member_u64(&w, "node_state_latency", 0);
	jw_object_end(&w);
}

static void get_info(void *ctx, struct http_request *r)
{
	struct buf json = BUF_EMPTY;

	info_json(ctx, &json);
	answer_json(r, &json);
}

static void get_height(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;

	answer_number(r, chain_tip(weave->chain).height);
}

static void get_time(void *ctx, struct http_request *r)
{
	(void)ctx;
	answer_number(r, clock_ms() / 1000);
}

/* A network on one machine has no others. */
static void get_peers(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_JSON, BYTES("[]"));
}

static void get_anchor(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct block tip = chain_tip(weave->chain);
	char text[BLOCK_ID_SIZE * 2];

	b64url_encode(text, bytes_of(tip.id, BLOCK_ID_SIZE));
	http_answer(r, 200, HTTP_TEXT, bytes_str(text));
}

static void get_price(void *ctx, struct http_request *r)
{
	struct arena *a = http_arena(r);
	uint64_t bytes;
	struct bytes text;

	(void)ctx;
	if (!bytes_u64(http_segment(r, 0), &bytes) || bytes > UINT64_MAX / PRICE_PER_1000_BYTES) {
		refuse(r, E_ARGUMENT, "size_must_be_an_integer");
		return;
	}
	text = arena_printf(a, "%" PRIu64, (bytes * PRICE_PER_1000_BYTES + 500) / 1000);
	http_set_header(r, "arweave-denomination", "1");
	if (bytes_eq_str(http_header(r, "Accept"), HTTP_JSON))
		http_answer(r, 200, HTTP_JSON,
			    arena_printf(a, "{\"fee\":\"%.*s\",\"denomination\":1}", BYTES_FMT(text)));
	else
		http_answer(r, 200, HTTP_TEXT, text);
}

static void get_mine(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct bytes text = http_segment(r, 0);
	struct buf json = BUF_EMPTY;
	struct note note = {0};
	uint64_t blocks = 1;
	enum err e = OK;

	if (strncmp(http_peer(r), "127.", 4) != 0 && strcmp(http_peer(r), "::1") != 0) {
		refuse(r, E_DENIED, "blocks are made at the word of this machine only");
		return;
	}
	if (text.len && (!bytes_u64(text, &blocks) || blocks > MINE_MAX)) {
		note_err(&note, E_ARGUMENT, "how many blocks to mine is a number of at most %d", MINE_MAX);
		http_answer_err(r, E_ARGUMENT, &note);
		return;
	}
	for (uint64_t i = 0; e == OK && i < blocks; i++)
		e = chain_mine(weave->chain);
	if (e < 0) {
		refuse(r, e, "the block could not be kept");
		return;
	}
	info_json(weave, &json);
	answer_json(r, &json);
}

/* ---- blocks ---- */

static void answer_block(struct local_weave *weave, struct http_request *r, enum err e, const struct block *block)
{
	struct buf json = BUF_EMPTY;

	if (e == OK)
		e = document_block(&json, weave->store, block);
	if (e == OK)
		answer_json(r, &json);
	else
		refuse(r, e, e == E_NOT_FOUND ? "Block not found." : "the block cannot be read");
	buf_release(&json);
}

static void get_block_current(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct block tip = chain_tip(weave->chain);

	answer_block(weave, r, OK, &tip);
}

static void get_block_height(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct block block;
	uint64_t height;

	if (!bytes_u64(http_segment(r, 0), &height)) {
		refuse(r, E_ARGUMENT, "Invalid height.");
		return;
	}
	answer_block(weave, r, block_get(weave->store, height, &block), &block);
}

static void get_block_hash(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	uint8_t id[BLOCK_ID_SIZE];
	struct block block;
	size_t len;

	if (b64url_decode(id, sizeof(id), &len, http_segment(r, 0)) < 0 || len != BLOCK_ID_SIZE) {
		refuse(r, E_ARGUMENT, "Invalid hash.");
		return;
	}
	answer_block(weave, r, block_find(weave->store, id, &block), &block);
}

/* ---- transactions and items ---- */

/* The record that the path names; false when the request was refused. */
static bool path_record(struct local_weave *weave, struct http_request *r, struct record *out)
{
	struct bytes text = http_segment(r, 0);
	struct note note = {0};
	struct id id;
	enum err e = id_parse(&id, text);

	if (e == OK) {
		e = record_find(weave->store, http_arena(r), id, out);
		if (e == E_NOT_FOUND) {
			note_err(&note, e, "Not Found.");
			note_hint(&note, "%.*s is not on this weave", BYTES_FMT(text));
		}
	} else if (text.len == ID_TEXT_LEN) {
		e = note_err(&note, E_ARGUMENT, "Invalid ID: %.*s", BYTES_FMT(text));
	} else {
		e = note_err(&note, E_NOT_FOUND, "there is nothing at %.*s", BYTES_FMT(http_path(r)));
	}
	if (e < 0)
		http_answer_err(r, e, &note);
	return e == OK;
}

/* The JSON of weave 1.1, for items too, as WeaveDrive wants it (weave 6). */
static void get_tx(void *ctx, struct http_request *r)
{
	struct buf json = BUF_EMPTY;
	struct record record;

	if (!path_record(ctx, r, &record))
		return;
	document_transaction(&json, &record);
	answer_json(r, &json);
}

static void get_status(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	struct record record;
	struct block block;

	if (!path_record(weave, r, &record))
		return;
	if (block_of(weave->store, record.sequence, &block) < 0) {
		http_answer(r, 202, HTTP_TEXT, BYTES("Pending"));
		return;
	}
	jw_object(&w);
	jw_member_u64(&w, "block_height", block.height);
	jw_key(&w, "block_indep_hash");
	jw_b64url(&w, bytes_of(block.id, BLOCK_ID_SIZE));
	jw_member_u64(&w, "number_of_confirmations", chain_tip(weave->chain).height - block.height + 1);
	jw_object_end(&w);
	answer_json(r, &json);
}

static void answer_b64url(struct http_request *r, struct bytes b)
{
	struct buf text = BUF_EMPTY;

	buf_put_b64url(&text, b);
	http_answer_buf(r, 200, HTTP_TEXT, &text);
}

static void answer_data_text(struct local_weave *weave, struct http_request *r, const struct record *record)
{
	struct bytes data;

	if (record->data_size > INLINE_DATA_MAX)
		refuse(r, E_ARGUMENT, "tx_data_too_big");
	else if (bytes_read(weave->store, http_arena(r), record->upload, record->data_at, record->data_size, &data) < 0)
		refuse(r, E_IO, "the payload cannot be read");
	else
		answer_b64url(r, data);
}

static void answer_tags(struct http_request *r, struct tags tags)
{
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	document_tags(&w, tags);
	answer_json(r, &json);
}

static void get_field(void *ctx, struct http_request *r)
{
	struct bytes field = http_segment(r, 1);
	struct record t;

	if (!path_record(ctx, r, &t))
		return;
	if (bytes_eq_str(field, "data"))
		answer_data_text(ctx, r, &t);
	else if (bytes_starts(field, "data."))
		payload_answer(r, ((struct local_weave *)ctx)->store, &t);
	else if (bytes_eq_str(field, "tags"))
		answer_tags(r, t.tags);
	else if (bytes_eq_str(field, "id"))
		answer_b64url(r, bytes_of(t.id.b, 32));
	else if (bytes_eq_str(field, "owner"))
		answer_b64url(r, t.owner);
	else if (bytes_eq_str(field, "target"))
		answer_b64url(r, t.target);
	else if (bytes_eq_str(field, "last_tx"))
		answer_b64url(r, t.anchor);
	else if (bytes_eq_str(field, "signature"))
		answer_b64url(r, t.signature);
	else if (bytes_eq_str(field, "data_root"))
		answer_b64url(r, t.data_root);
	else if (bytes_eq_str(field, "data_size"))
		answer_number(r, t.data_size);
	else if (bytes_eq_str(field, "quantity"))
		http_answer(r, 200, HTTP_TEXT, document_amount(t.quantity));
	else if (bytes_eq_str(field, "reward"))
		http_answer(r, 200, HTTP_TEXT, document_amount(t.reward));
	else if (bytes_eq_str(field, "format"))
		answer_number(r, 2);
	else if (bytes_eq_str(field, "offset"))
		refuse(r, E_NOT_FOUND, "items have no offset of their own, and chunks are not kept");
	else
		refuse(r, E_ARGUMENT, "invalid_field");
}

static void see_upload(void *ctx, const struct record *upload)
{
	jw_cstr(ctx, id_text(upload->id).s);
}

static void get_pending(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	enum err e;

	jw_array(&w);
	e = block_uploads(weave->store, chain_tip(weave->chain).sequence_end, UINT64_MAX, see_upload, &w);
	jw_array_end(&w);
	if (e == OK)
		answer_json(r, &json);
	else
		refuse(r, e, "the weave's index cannot be read");
	buf_release(&json);
}

static void get_data(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct record record;

	if (path_record(weave, r, &record))
		payload_answer(r, weave->store, &record);
}

static void on_transaction(void *ctx, enum err e, const struct note *note, const struct accepted *accepted)
{
	struct http_request *r = ctx;

	if (e < 0)
		http_answer_err_as(r, e == E_UNSUPPORTED ? 400 : err_http_status(e), e, note);
	else if (accepted->again)
		http_answer(r, 208, HTTP_TEXT, BYTES("Transaction already processed."));
	else
		http_answer(r, 200, HTTP_TEXT, BYTES("OK"));
}

/* An item begins with its signature type, 1 to 7, never with '{' (weave 8.2). */
static void post_tx(void *ctx, struct http_request *r)
{
	struct bytes body = http_body(r), type = bytes_cut(http_header(r, "Content-Type"), ';', NULL);

	if (bytes_case_eq(type, HTTP_BYTES) || (body.len && body.ptr[0] != '{'))
		uploader_take(ctx, r);
	else
		ingest_transaction(ctx, body, on_transaction, r);
}

static void post_item(void *ctx, struct http_request *r)
{
	uploader_take(ctx, r);
}

const struct http_route gateway_routes[] = {
	{"GET", "/", get_info},
	{"GET", "/info", get_info},
	{"GET", "/height", get_height},
	{"GET", "/time", get_time},
	{"GET", "/peers", get_peers},
	{"GET", "/tx_anchor", get_anchor},
	{"GET", "/price/{}", get_price},
	{"GET", "/price/{}/{}", get_price},
	{"GET", "/mine", get_mine},
	{"GET", "/mine/{}", get_mine},
	{"GET", "/block/current", get_block_current},
	{"GET", "/current_block", get_block_current},
	{"GET", "/block/height/{}", get_block_height},
	{"GET", "/block/hash/{}", get_block_hash},
	{"GET", "/tx/pending", get_pending},
	{"GET", "/tx/{}/status", get_status},
	{"GET", "/tx/{}/{}", get_field},
	{"GET", "/tx/{}", get_tx},
	{"POST", "/tx", post_tx},
	{"POST", "/tx/{}", post_item},
	{"POST", "/graphql", query_post},
	{"GET", "/graphql", query_get},
	{"GET", "/raw/{}", get_data},
	{"GET", "/{}", get_data},
};
const size_t gateway_route_count = sizeof(gateway_routes) / sizeof(gateway_routes[0]);
