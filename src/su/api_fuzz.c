/* SPDX-License-Identifier: MIT
 *
 * Any requests to a scheduler, through its routes and handlers, over a store in memory and a weave that has everything:
 * whatever a client sends, each request is answered, no answer blames the scheduler (5xx), an error is JSON
 * with its code, and the history is one chain afterwards.
 *
 * An input is a row of requests: a byte that says which, two bytes of length (little endian), and so many bytes:
 *   0..127    METHODS[byte % 6] to the target that stands before the first zero, with the rest as body
 *   128..191  POST / of a message to the process: the bytes are its data, of 64 on tags as well; signed here
 *   192..255  POST / of what the bytes are once they are signed: name=value lines as tags, then data
 * In a target `$` stands for the id of the process and `#` for that of the newest message.
 */
#include "http/http.h"
#include "msg/item.h"
#include "store/store.h"
#include "su/history.h"
#include "su/su.h"
#include "su/unit.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 12, BODY_MAX = 65536 };

/* ---- a weave that has whatever it is asked for ---- */

static void shelf_put(void *self, struct bytes item, weave_put_done *done, void *ctx)
{
	done(ctx, OK, NULL, item);
}

static void shelf_find(void *self, const struct weave_query *query, weave_find_done *done, void *ctx)
{
	struct weave_meta meta = {.id = query->ids[0]};

	done(ctx, OK, NULL, &meta, 1);
}

static void shelf_data(void *self, struct bytes id, weave_data_done *done, void *ctx)
{
	done(ctx, OK, NULL, id);
}

static void shelf_height(void *self, weave_height_done *done, void *ctx)
{
	done(ctx, OK, NULL, 1000000);
}

static void shelf_status(void *self, struct bytes id, weave_status_done *done, void *ctx)
{
	done(ctx, OK, NULL, id.ptr[0]);
}

static const struct weave weave = {
	.put = shelf_put, .find = shelf_find, .data = shelf_data, .height = shelf_height, .status = shelf_status};

/* ---- a client ---- */

struct bench {
	struct su *su;
	const struct key *key;
	struct arena arena;
	struct id process, newest;
};

static int ask(struct bench *b, const char *method, const char *target, struct bytes body)
{
	struct http_options options = {
		.routes = su_routes, .route_count = su_route_count, .ctx = b->su, .body_max = BODY_MAX};
	struct http_call call = {.method = method, .url = target, .body = body};
	const struct json *json;
	struct http_reply reply;

	http_try(&options, &b->arena, &call, &reply);
	must(reply.status >= 200 && reply.status < 500);
	if (reply.status >= 300 && strcmp(method, "HEAD") != 0) {
		must(json_parse(&json, &b->arena, reply.body, NULL) == OK);
		must(json_get_text(&b->arena, json, "error").len && json_get_text(&b->arena, json, "code").len);
	}
	return reply.status;
}

static int post(struct bench *b, struct id *id, const struct item_fields *fields)
{
	struct buf raw = BUF_EMPTY;
	int status = 0;

	if (item_create(&raw, id, b->key, fields, NULL) == OK)
		status = ask(b, "POST", "/", buf_bytes(&raw));
	buf_release(&raw);
	return status;
}

static void spawn(struct bench *b)
{
	struct tag tags[] = {{BYTES("Data-Protocol"), BYTES("ao")},
			     {BYTES("Type"), BYTES("Process")},
			     {BYTES("Module"), BYTES("m")},
			     {BYTES("Scheduler"), BYTES("s")}};

	must(post(b, &b->process, &(struct item_fields){.tags = {tags, 4}}) == 200);
}

static void send(struct bench *b, struct bytes text)
{
	struct tag tags[] = {{BYTES("Data-Protocol"), BYTES("ao")},
			     {BYTES("Type"), BYTES("Message")},
			     {BYTES("From-Process"), text}};
	struct item_fields fields = {
		.target = bytes_of(b->process.b, 32), .tags = {tags, text.len > 64 ? 3 : 2}, .data = text};
	struct id id;

	if (post(b, &id, &fields) == 200)
		b->newest = id;
}

static void send_tags(struct bench *b, struct bytes text)
{
	struct tag_list tags = tag_list_on(&b->arena);
	struct bytes line, value;
	struct id id;

	while (text.len && text.ptr[0] != '\n') {
		line = bytes_cut(text, '\n', &text);
		line = bytes_cut(line, '=', &value);
		tag_list_add(&tags, line, value);
	}
	(void)post(b, &id,
		   &(struct item_fields){
			   .target = bytes_of(b->process.b, 32), .tags = tag_list_tags(&tags), .data = text});
}

static const char *target_of(struct bench *b, struct bytes text)
{
	struct buf out = BUF_EMPTY;
	const char *copy;

	if (text.len == 0 || text.ptr[0] != '/')
		buf_put_u8(&out, '/');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '$')
			buf_put_str(&out, id_text(b->process).s);
		else if (text.ptr[i] == '#')
			buf_put_str(&out, id_text(b->newest).s);
		else
			buf_put_u8(&out, text.ptr[i]);
	}
	copy = arena_cstr(&b->arena, buf_bytes(&out));
	buf_release(&out);
	return copy;
}

static void request(struct bench *b, uint8_t which, struct bytes text)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "DELETE", "PUT"};
	struct bytes body, target;

	if (which >= 192) {
		send_tags(b, text);
	} else if (which >= 128) {
		send(b, text);
	} else {
		target = bytes_cut(text, '\0', &body);
		(void)ask(b, methods[which % 6], target_of(b, target), body);
	}
}

/* ---- what must hold afterwards ---- */

static void check_history(struct bench *b)
{
	struct page_ask all = {.last = UINT64_MAX, .limit = 1000};
	struct id chain = chain_first(b->process), last = {{0}};
	struct page page;

	must(read_page(b->su, &b->arena, b->process, &all, &page, NULL) == OK && !page.more);
	for (size_t i = 0; i < page.count; i++) {
		if (i > 0)
			chain = chain_next(chain, last);
		must(page.list[i].nonce == i && id_eq(page.list[i].hash_chain, chain));
		must(i == 0 || page.list[i].timestamp_ms > page.list[i - 1].timestamp_ms);
		must(id_parse(&last, page.list[i].id) == OK);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct key *key;
	struct bench b = {0};
	struct store *store = store_open_memory();
	struct bytes rest = bytes_of(data, size);

	if (!key)
		must(key_parse(&key,
			       BYTES("{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
				     "\"d\":\"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\"}"),
			       NULL) == OK);
	b.key = key;
	must(su_open(&b.su, &(struct su_options){.store = store, .weave = weave, .key = key}, NULL) == OK);
	spawn(&b);
	for (int i = 0; i < REQUESTS_MAX && rest.len >= 3; i++) {
		size_t len = get_u16le(rest.ptr + 1);
		uint8_t which = rest.ptr[0];
		rest = bytes_from(rest, 3);
		len = len < rest.len ? len : rest.len;
		request(&b, which, bytes_of(rest.ptr, len));
		rest = bytes_from(rest, len);
	}
	check_history(&b);
	su_close(b.su);
	store_close(store);
	arena_release(&b.arena);
	return 0;
}
