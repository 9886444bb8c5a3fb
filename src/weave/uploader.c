/* SPDX-License-Identifier: MIT */
#include "weave/uploader.h"

#include "base/pool.h"
#include "msg/deephash.h"
#include "msg/key.h"
#include "weave/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIPT_VERSION "0.2.0"
enum { DEADLINE_BLOCKS = 200 };

/* ---- receipts ---- */

static void sign_receipt(struct jw *w, const struct key *key, const struct accepted *accepted)
{
	struct deephash list = deephash_list(5);
	uint8_t signature[SIGNATURE_MAX];
	size_t signature_len, owner_len;
	char number[24];

	deephash_add_blob(&list, BYTES("Bundlr"));
	deephash_add_blob(&list, BYTES(RECEIPT_VERSION));
	deephash_add_blob(&list, bytes_str(id_text(accepted->id).s));
	snprintf(number, sizeof(number), "%" PRIu64, accepted->received_height + DEADLINE_BLOCKS);
	deephash_add_blob(&list, bytes_str(number));
	snprintf(number, sizeof(number), "%" PRIu64, accepted->received_ms);
	deephash_add_blob(&list, bytes_str(number));
	key_sign(key, signature, list.b);
	must(signature_sizes((uint16_t)key_type(key), &signature_len, &owner_len));
	jw_key(w, "signature");
	jw_b64url(w, bytes_of(signature, signature_len));
}

static void caches(struct jw *w, const char *key)
{
	jw_key(w, key);
	jw_array(w);
	jw_cstr(w, "localhost");
	jw_array_end(w);
}

static struct buf receipt_json(const struct key *key, const struct accepted *accepted)
{
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	jw_object(&w);
	jw_member(&w, "id", bytes_str(id_text(accepted->id).s));
	jw_member_u64(&w, "timestamp", accepted->received_ms);
	jw_member(&w, "winc", BYTES("0"));
	jw_member(&w, "version", BYTES(RECEIPT_VERSION));
	jw_member_u64(&w, "deadlineHeight", accepted->received_height + DEADLINE_BLOCKS);
	caches(&w, "dataCaches");
	caches(&w, "fastFinalityIndexes");
	jw_key(&w, "public");
	jw_b64url(&w, key_owner(key));
	sign_receipt(&w, key, accepted);
	jw_member(&w, "owner", bytes_str(id_text(key_address(key)).s));
	jw_object_end(&w);
	return json;
}

/* ---- taking ---- */

struct taking {
	struct local_weave *weave;
	struct http_request *request;
	struct accepted accepted;
};

static void sign_and_answer(void *ctx)
{
	struct taking *t = ctx;
	struct local_weave *w = t->weave;
	struct buf json = receipt_json(w->key, &t->accepted);

	http_answer_buf(t->request, 200, HTTP_JSON, &json);
	free(t);
	atomic_fetch_sub(&w->under_way, 1);
}

/* On the store's thread: signing goes to the pool. */
static void on_taken(void *ctx, enum err e, const struct note *note, const struct accepted *accepted)
{
	struct taking *t = ctx;

	if (e == OK) {
		t->accepted = *accepted;
		atomic_fetch_add(&t->weave->under_way, 1);
		must(pool_put_always(t->weave->pool, sign_and_answer, t) == OK);
		return;
	}
	/* An item that cannot be read is the client's fault, in whatever way. */
	http_answer_err_as(t->request, e == E_UNSUPPORTED ? 400 : err_http_status(e), e, note);
	free(t);
}

void uploader_take(struct local_weave *w, struct http_request *r)
{
	struct taking *t = calloc(1, sizeof(*t));

	must(t != NULL);
	t->weave = w;
	t->request = r;
	ingest_item(w, http_body(r), on_taken, t);
}

static void post_item(void *ctx, struct http_request *r)
{
	struct bytes type = http_header(r, "Content-Type");
	struct note note = {0};

	if (type.len && !bytes_case_eq(bytes_cut(type, ';', NULL), HTTP_BYTES)) {
		note_err(&note, E_ARGUMENT, "Invalid Content Type");
		note_hint(&note, "send the item's bytes as " HTTP_BYTES);
		http_answer_err(r, E_ARGUMENT, &note);
		return;
	}
	uploader_take(ctx, r);
}

/* ---- asking ---- */

static void get_info(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	jw_object(&w);
	jw_member(&w, "version", BYTES(RECEIPT_VERSION));
	jw_key(&w, "addresses");
	jw_object(&w);
	jw_member(&w, "arweave", bytes_str(id_text(key_address(weave->key)).s));
	jw_object_end(&w);
	if (weave->gateway_port)
		jw_member(&w, "gateway",
			  arena_printf(http_arena(r), "http://127.0.0.1:%u", (unsigned)weave->gateway_port));
	jw_member_u64(&w, "freeUploadLimitBytes", UPLOAD_MAX);
	jw_object_end(&w);
	http_answer_buf(r, 200, HTTP_JSON, &json);
}

static void get_status(void *ctx, struct http_request *r)
{
	struct local_weave *weave = ctx;
	struct arena *a = http_arena(r);
	struct bytes text = http_segment(r, 0);
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	struct note note = {0};
	struct record record;
	struct block block;
	bool mined;
	struct id id;

	if (id_parse(&id, text) < 0 || record_find(weave->store, a, id, &record) < 0) {
		note_err(&note, E_NOT_FOUND, "TX doesn't exist");
		http_answer_err(r, E_NOT_FOUND, &note);
		return;
	}
	mined = block_of(weave->store, record.sequence, &block) == OK;
	jw_object(&w);
	jw_member(&w, "status", mined ? BYTES("FINALIZED") : BYTES("CONFIRMED"));
	jw_member(&w, "info", mined ? BYTES("permanent") : BYTES("pending"));
	if (!id_is_zero(record.parent))
		jw_member(&w, "bundleId", bytes_str(id_text(record.parent).s));
	jw_member(&w, "winc", BYTES("0"));
	jw_member_u64(&w, "payloadContentLength", record.data_size);
	jw_object_end(&w);
	http_answer_buf(r, 200, HTTP_JSON, &json);
}

static void get_health(void *ctx, struct http_request *r)
{
	(void)ctx;
	http_answer(r, 200, HTTP_TEXT, BYTES("OK"));
}

/* The token in a path says what pays; here nothing is to be paid. */
const struct http_route uploader_routes[] = {
	{"POST", "/tx", post_item},       {"POST", "/tx/{}", post_item},        {"POST", "/v1/tx", post_item},
	{"POST", "/v1/tx/{}", post_item}, {"GET", "/tx/{}/status", get_status}, {"GET", "/v1/tx/{}/status", get_status},
	{"GET", "/", get_info},           {"GET", "/info", get_info},           {"GET", "/v1/info", get_info},
	{"GET", "/health", get_health},
};
const size_t uploader_route_count = sizeof(uploader_routes) / sizeof(uploader_routes[0]);
