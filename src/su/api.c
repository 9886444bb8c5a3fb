/* SPDX-License-Identifier: MIT
 *
 * api: the scheduler's HTTP (ao-units 3.2). Bad requests of every kind are answered 400, as
 * its clients expect; only what is not their fault has another status.
 */
#include "base/clock.h"
#include "flow/nouns.h"
#include "msg/key.h"
#include "su/su.h"
#include "su/unit.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE_LIMIT = 100 };

static void refuse(struct http_request *r, enum err e, const struct note *note)
{
	int status = err_http_status(e);

	http_answer_err_as(r, status < 500 && e != E_RATE ? 400 : status, e, note);
}

static void answer_json(struct http_request *r, struct buf *json)
{
	http_answer_buf(r, 200, HTTP_JSON, json);
}

/* ---- writing ---- */

static void on_scheduled(void *ctx, enum err e, const struct note *note, const struct receipt *receipt)
{
	struct http_request *r = ctx;
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	if (e < 0) {
		refuse(r, e, note);
		return;
	}
	jw_object(&w);
	jw_member(&w, "id", receipt->id);
	jw_member_u64(&w, "timestamp", receipt->timestamp_ms);
	jw_member_u64(&w, "nonce", receipt->nonce);
	jw_object_end(&w);
	answer_json(r, &json);
}

static void post_item(void *ctx, struct http_request *r)
{
	struct su *su = ctx;
	struct note note = {0};
	struct assign assign = {0};
	struct bytes process, ignored;
	bool has_process = http_query(r, "process-id", &process), has_assign = http_query(r, "assign", &assign.message);

	if (!has_assign && !has_process) {
		schedule_item(su, http_body(r), on_scheduled, r);
		return;
	}
	if (!has_process || !has_assign) {
		note_err(&note, E_ARGUMENT, "If sending assign or process-id, you must send both.");
		refuse(r, E_ARGUMENT, &note);
		return;
	}
	if (id_parse(&assign.process, process) < 0) {
		note_err(&note, E_ARGUMENT, "Process not found: process-id \"%.*s\" is not an id of 43 characters",
			 BYTES_FMT(process));
		refuse(r, E_ARGUMENT, &note);
		return;
	}
	assign.base_layer = http_query(r, "base-layer", &ignored);
	http_query(r, "exclude", &assign.exclude);
	schedule_assign(su, &assign, on_scheduled, r);
}

/* ---- reading ---- */

static void get_root(void *ctx, struct http_request *r)
{
	struct arena *a = http_arena(r);

	http_answer(r, 200, HTTP_JSON,
		    arena_printf(a, "{\"address\":\"%s\",\"timestamp\":\"%" PRIu64 "\"}", id_text(su_address(ctx)).s,
				 clock_ms()));
}

static void get_timestamp(void *ctx, struct http_request *r)
{
	struct note note = {0};
	uint64_t height;
	enum err e = su_height(ctx, &height, &note);

	if (e < 0)
		refuse(r, e, &note);
	else
		http_answer(r, 200, HTTP_JSON,
			    arena_printf(http_arena(r),
					 "{\"block_height\":\"%012" PRIu64 "\",\"timestamp\":\"%" PRIu64 "\"}", height,
					 clock_ms()));
}

static void get_health(void *ctx, struct http_request *r)
{
	http_answer(r, 200, NULL, BYTES(""));
}

static void answer_assignment(struct http_request *r, enum err e, const struct note *note,
			      const struct assignment *assignment)
{
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	if (e < 0) {
		refuse(r, e, note);
		return;
	}
	assignment_json(&w, assignment);
	answer_json(r, &json);
}

static void answer_page(struct http_request *r, const struct page *page, bool by_time)
{
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);

	jw_object(&w);
	jw_key(&w, "page_info");
	jw_object(&w);
	jw_key(&w, "has_next_page");
	jw_bool(&w, page->more);
	jw_object_end(&w);
	jw_key(&w, "edges");
	jw_array(&w);
	for (size_t i = 0; i < page->count; i++) {
		const struct assignment *a = &page->list[i];
		jw_object(&w);
		jw_key(&w, "node");
		assignment_json(&w, a);
		jw_member(&w, "cursor", arena_printf(http_arena(r), "%" PRIu64, by_time ? a->timestamp_ms : a->nonce));
		jw_object_end(&w);
	}
	jw_array_end(&w);
	jw_object_end(&w);
	answer_json(r, &json);
}

static enum err read_bound(const struct http_request *r, const char *name, bool *present, int64_t *out,
			   struct note *note)
{
	struct bytes text;
	uint64_t value;

	*present = http_query(r, name, &text);
	if (!*present)
		return OK;
	if (bytes_eq_str(text, "-1")) {
		*out = -1;
		return OK;
	}
	if (!bytes_u64(text, &value) || value > INT64_MAX)
		return note_err(note, E_ARGUMENT, "Query deserialize error: %s is not a whole number: \"%.*s\"", name,
				BYTES_FMT(text));
	*out = (int64_t)value;
	return OK;
}

static enum err read_ask(struct page_ask *ask, const struct http_request *r, struct note *note)
{
	bool has_from_nonce, has_to_nonce, has_to, has_limit;
	int64_t from_nonce = 0, to_nonce = 0, to = 0, limit = PAGE_LIMIT;
	enum err e;

	*ask = (struct page_ask){.last = UINT64_MAX};
	if ((e = read_bound(r, "from-nonce", &has_from_nonce, &from_nonce, note)) < 0 ||
	    (e = read_bound(r, "to-nonce", &has_to_nonce, &to_nonce, note)) < 0 ||
	    (e = read_bound(r, "from", &ask->has_after, &ask->after, note)) < 0 ||
	    (e = read_bound(r, "to", &has_to, &to, note)) < 0 ||
	    (e = read_bound(r, "limit", &has_limit, &limit, note)) < 0)
		return e;
	ask->limit = limit < 0 ? 0 : (size_t)limit;
	ask->by_time = !has_from_nonce && !has_to_nonce;
	if (!ask->by_time) {
		ask->has_after = has_from_nonce;
		ask->after = from_nonce;
		has_to = has_to_nonce;
		to = to_nonce;
	}
	if (has_to)
		ask->last = to < 0 ? 0 : (uint64_t)to;
	return OK;
}

/* A message by its id, or the page of a process by its own (ao-units 3.6). */
static void get_by_id(void *ctx, struct http_request *r)
{
	struct su *su = ctx;
	struct arena *a = http_arena(r);
	struct bytes id = http_segment(r, 0), text;
	struct assignment assignment;
	struct note note = {0};
	struct page_ask ask;
	struct page page;
	struct id process;
	enum err e;

	if (!http_query(r, "process-id", &text)) {
		note_err(&note, E_ARGUMENT, "Query deserialize error: missing field `process-id`");
		refuse(r, E_ARGUMENT, &note);
		return;
	}
	if (id_parse(&process, text) < 0) {
		note_err(&note, E_NOT_FOUND, "Message or Process not found: process-id \"%.*s\" is not an id",
			 BYTES_FMT(text));
		refuse(r, E_NOT_FOUND, &note);
		return;
	}
	if (!bytes_eq(id, text)) {
		e = read_assignment(su, a, process, id, &assignment, &note);
		answer_assignment(r, e, &note, &assignment);
		return;
	}
	e = read_ask(&ask, r, &note);
	if (e == OK)
		e = read_page(su, a, process, &ask, &page, &note);
	if (e < 0)
		refuse(r, e, &note);
	else
		answer_page(r, &page, ask.by_time);
}

static bool path_process(struct http_request *r, struct id *process)
{
	struct note note = {0};

	if (id_parse(process, http_segment(r, 0)) == OK)
		return true;
	note_err(&note, E_NOT_FOUND, "Process not found: \"%.*s\" is not an id", BYTES_FMT(http_segment(r, 0)));
	refuse(r, E_NOT_FOUND, &note);
	return false;
}

static void get_latest(void *ctx, struct http_request *r)
{
	struct assignment assignment;
	struct note note = {0};
	struct id process;
	enum err e;

	if (!path_process(r, &process))
		return;
	e = read_latest(ctx, http_arena(r), process, &assignment, &note);
	answer_assignment(r, e, &note, &assignment);
}

static void text_or_null(struct jw *w, const char *key, struct bytes text, bool present)
{
	jw_key(w, key);
	if (present)
		jw_str(w, text);
	else
		jw_null(w);
}

static void get_process(void *ctx, struct http_request *r)
{
	struct buf json = BUF_EMPTY;
	struct jw w = jw_on(&json);
	struct process_info info;
	const struct message *m = &info.message;
	struct note note = {0};
	struct id process;
	enum err e;

	if (!path_process(r, &process))
		return;
	e = read_process(ctx, http_arena(r), process, &info, &note);
	if (e < 0) {
		refuse(r, e, &note);
		return;
	}
	jw_object(&w);
	jw_member(&w, "process_id", m->id);
	jw_member(&w, "block", arena_printf(http_arena(r), "%012" PRIu64, info.block_height));
	jw_key(&w, "owner");
	jw_object(&w);
	jw_member(&w, "address", m->owner_address);
	jw_key(&w, "key");
	jw_b64url(&w, m->owner_key);
	jw_object_end(&w);
	jw_key(&w, "tags");
	tags_json(&w, m->tags);
	jw_member_u64(&w, "timestamp", info.timestamp_ms);
	text_or_null(&w, "data", m->data, m->has_data);
	text_or_null(&w, "anchor", m->anchor, m->has_anchor);
	jw_member(&w, "signature", m->signature);
	text_or_null(&w, "target", m->target, m->target.len > 0);
	jw_object_end(&w);
	answer_json(r, &json);
}

const struct http_route su_routes[] = {
	{"POST", "/", post_item},
	{"GET", "/", get_root},
	{"GET", "/timestamp", get_timestamp},
	{"GET", "/health", get_health},
	{"GET", "/processes/{}", get_process},
	{"GET", "/{}/latest", get_latest},
	{"GET", "/{}", get_by_id},
};
const size_t su_route_count = sizeof(su_routes) / sizeof(su_routes[0]);
