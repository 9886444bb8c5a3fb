/* SPDX-License-Identifier: MIT
 *
 * Any requests to a gateway and its uploader, through their routes and handlers, over a store in memory that has one item:
 * whatever a client sends, each request is answered, no answer blames the weave (5xx), and an error is JSON.
 *
 * An input is a row of requests, each up to a byte of 255: a byte that says the method and whom (even: the gateway, odd:
 * the uploader), the target up to the first zero, and the body. In a target `$` stands for the id of the item.
 */
#include "http/http.h"
#include "msg/item.h"
#include "weave/gateway.h"
#include "weave/uploader.h"

#include "flow/wait.h"
#include "weave/local.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 12, BODY_MAX = 65536, BLOCK_MS = 3600000 };

static struct store *store;
static struct local_weave *weave;
static struct id_text item_id;

static void begin(void)
{
	struct tag tags[] = {{BYTES("Content-Type"), BYTES("text/plain")}, {BYTES("Name"), BYTES("hello")}};
	struct item_fields fields = {.tags = {tags, 2}, .data = BYTES("the data of the item")};
	struct buf raw = BUF_EMPTY;
	struct weave port;
	struct key *key;
	struct id id;

	store = store_open_memory();
	must(key_new(&key, SIGN_ED25519, NULL) == OK);
	must(local_weave_open(&weave, &(struct local_weave_options){.store = store, .key = key, .block_ms = BLOCK_MS},
			      NULL) == OK);
	must(item_create(&raw, &id, key, &fields, NULL) == OK);
	port = local_weave_port(weave);
	must(weave_put_wait(&port, buf_bytes(&raw), NULL) == OK);
	buf_release(&raw);
	item_id = id_text(id);
}

static const char *target_of(struct arena *a, struct bytes text)
{
	struct buf out = BUF_EMPTY;
	struct bytes copy;

	buf_put_u8(&out, '/');
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '$')
			buf_put_str(&out, item_id.s);
		else
			buf_put_u8(&out, text.ptr[i]);
	}
	copy = arena_copy(a, buf_bytes(&out)); /* a zero follows it */
	buf_release(&out);
	return (const char *)copy.ptr;
}

static void ask(struct bytes request)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"};
	struct http_options options = {.ctx = weave, .body_max = BODY_MAX};
	struct arena a = ARENA_EMPTY;
	struct http_call call = {.method = methods[request.ptr[0] / 2 % 6]};
	const struct json *json;
	struct http_reply reply;
	struct bytes body;

	options.routes = request.ptr[0] % 2 ? uploader_routes : gateway_routes;
	options.route_count = request.ptr[0] % 2 ? uploader_route_count : gateway_route_count;
	call.url = target_of(&a, bytes_cut(bytes_from(request, 1), 0, &body));
	call.body = body;
	http_try(&options, &a, &call, &reply);
	must(reply.status >= 200 && reply.status < 500);
	if (reply.status >= 400 && strcmp(call.method, "HEAD") != 0)
		must(json_parse(&json, &a, reply.body, NULL) == OK && json->kind == JSON_OBJECT);
	arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_of(data, size);

	if (!weave)
		begin();
	for (int i = 0; i < REQUESTS_MAX && rest.len; i++) {
		struct bytes request = bytes_cut(rest, (char)255, &rest);

		if (request.len)
			ask(request);
	}
	return 0;
}
